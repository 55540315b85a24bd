"""Health checks: what a health route really asks before it says that all is well.

https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/: a probe is
judged by its status code, so a check whose failure leaves the status at 200 tells nobody.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec.structs import replace

from auditor.extract.python import tree as t
from auditor.extract.readers.platforms import Probe
from auditor.frameworks.django.settings import DjangoProject
from auditor.frameworks.health_answers import ASKS, fails, reports_failure
from auditor.frameworks.health_needs import Needs
from auditor.frameworks.health_packages import packaged_checks
from auditor.frameworks.public import looks_like_health
from auditor.link.application import Application, provides
from auditor.link.names import Code
from auditor.link.scopes import Located, Scope
from auditor.model.deployment import HealthProbe
from auditor.model.places import Place
from auditor.model.values import possible
from auditor.model.web import HealthCheck, Route, WebApp

_TELLS = re.compile(r"(?:^|_)(?:info|version|build|metrics|docs?)(?:_|$)", re.I)
"""Handlers that tell of the build or of figures, whatever their path is called."""
_TARGET = re.compile(r"target|host(?:name)?|url|ip|address|domain", re.I)
"""What a caller names is asked, not the application itself: a tool that pings others."""
_FITNESS = re.compile(r"/(?:readiness|health)/?$", re.I)
_HANDLER = re.compile(r"(?:get_|read_|check_)?(?:health(?:_?check)?|readiness|liveness|ping)", re.I)
_PACKAGED = ("MainView", "HealthCheckView")
_PLAIN = re.compile(
    r"(?:^|\.)(?:log\w*|jsonify|\w*Response|make_response|str|int|float|dict|len|time|now|utcnow|isoformat|print"
    r"|info|debug|warning|error|exception|get_version|getattr|perf_counter|monotonic|getenv|get|format|round)$"
)
_PINGS = {"command", "ping", "server_info"}
_COLLECTION_COMMAND = re.compile(r"Client\(\)(?:\[\]|\.\w+)\.admin\.command$")


@provides(HealthCheck)
def health_checks(application: Application) -> Iterator[HealthCheck]:
    needs = Needs(application)
    for check in (
        *_all(application),
        *_by_middleware(application),
        *packaged_checks(application),
    ):
        yield replace(check, needs=needs.of(check.route.application))


def _all(application: Application) -> Iterator[HealthCheck]:
    probes = {probe.path.rstrip("/") for _, probe in application.of(Probe) if probe.path}
    for asked in application.facts(HealthProbe):  # by a command: `curl -f http://localhost:8000/up`
        probes |= {path.rstrip("/") for path in _ASKED.findall(asked.target)}
    for route in application.facts(Route):
        reads = route.method in ("GET", "ANY")
        probed = route.path.rstrip("/") in probes and reads
        plain = not any(mark in route.path for mark in "{<") and not any(
            _TARGET.fullmatch(p.name) for p in route.parameters
        )  # of one thing it tells nothing of all
        if _FITNESS.search(route.path) and _takes_caller(route):
            continue  # how ready an athlete is
        named = (
            reads
            and plain
            and not _TELLS.search(route.handler)
            and (looks_like_health(route.path) or _HANDLER.fullmatch(route.handler) is not None)
        )
        public = route.public == "health check" and plain and not _TELLS.search(route.handler)
        if not (public or probed or named or (reads and plain and _says_ok(route))):
            continue
        status = not probed and _ANY_STATUS.search(route.path) is not None
        if not probed and (_is_of_others(route) or (status and _of_work(route))):
            continue
        if route.function is not None:
            check = _judge(application, route, route.function)
            if not status or check.checks or _tells_well(route):
                yield check
        elif route.handler in _PACKAGED:
            yield _packaged(application, route)


_ASKED = re.compile(r"(?:localhost|127\.0\.0\.1|0\.0\.0\.0):\d+(/[\w./-]*)")


def _takes_caller(route: Route) -> bool:
    """Whether a handler is given who asks, by a parameter that a dependency fills."""
    node = route.function.node if route.function is not None else None
    return isinstance(node, t.Function) and any(
        _CALLER.fullmatch(param.name)
        and isinstance(param.default, t.Call)
        and t.last_word(param.default.func) in ("Depends", "Security")
        for param in node.params
    )


_CALLER = re.compile(r"(?:current_)?(?:user|athlete|member|patient)(?:_id)?", re.I)
_STATUS = re.compile(r"/_?(?:status|alive|up)/?$", re.I)
_WELL = {"ok", "up", "alive", "healthy", "running", "online", "operational", "ready"}


def _says_ok(route: Route) -> bool:
    """`/status` that answers "OK" and does nothing else."""
    if route.function is None or not _STATUS.search(route.path):
        return False
    *before, last = route.function.node.body  # type: ignore[attr-defined]
    if not isinstance(last, t.Return) or len(before) > 1:
        return False
    texts = (n.value for n in t.walk_own(last) if isinstance(n, t.Const))
    return any(isinstance(text, str) and text.lower() in _WELL for text in texts)


_ANY_STATUS = re.compile(r"/_?status/?$", re.I)
_WORK = re.compile(
    r"^(?:idle|pending|queued|processing|in[ _-]progress|completed?|finished|done|cancell?ed|paused|started|stopped|not[ _]started)$",
    re.I,
)
_STATES = re.compile(
    r"(?:^|_)(?:jobs?|tasks?|progress|process(?:ing)?|training|scan\w*|queue|state|current|session|upload|download|game|player|bot|robot|camera)(?:_|$)",
    re.I,
)


def _of_work(route: Route) -> bool:
    """`/status` of what the application is doing for somebody: a job, a game, a robot."""
    if route.function is None:
        return False
    nodes = list(t.walk_own(*route.function.node.body))  # type: ignore[attr-defined]
    texts = [n.value for n in nodes if isinstance(n, t.Const) and isinstance(n.value, str)]
    return any(_WORK.match(text) for text in texts) or any(
        isinstance(n, t.Name | t.Attr) and _STATES.search(t.last_word(n)) for n in nodes
    )


def _tells_well(route: Route) -> bool:
    """Whether a handler says that all is well, in so many words."""
    nodes = t.walk_own(*route.function.node.body)  # type: ignore[union-attr]
    return any(
        isinstance(n, t.Const) and isinstance(n.value, str) and n.value.lower() in _WELL
        for n in nodes
    )


_GENERAL = re.compile(
    r"api|v\d+|rest|health\w*|probes?|internal|system|monitoring|actuator|status|k8s|-|_|admin|meta|ops|public|service|server|app|z",
    re.I,
)
_SHORT = re.compile(r"/(live|up|ready)/?$", re.I)


def _is_of_others(route: Route) -> bool:
    """`/sports/live`: what is on, not whether the application is."""
    if not _SHORT.search(route.path):
        return False
    above = [s for s in route.path.split("/")[:-1] if s]
    if all(_GENERAL.fullmatch(segment) for segment in above):
        return False
    return not re.search(r"health|live(?:ness|z)|read(?:iness|yz)|probe|alive|^(?:is_)?(?:live|ready|up)$", route.handler, re.I)  # fmt: skip


_SEES_ALL = {"__call__", "dispatch", "process_request"}


def _by_middleware(application: Application) -> Iterator[HealthCheck]:
    """`if request.path == "/healthz": return HttpResponse("ok")` in what sees every request."""
    code = application.code
    for found in code.functions():
        node = found.node
        assert isinstance(node, t.Function)
        hooks = (t.dotted(t.callee(d)) for d in node.decorators)
        if node.name not in _SEES_ALL and not any(h.endswith((".middleware", ".before_request")) for h in hooks):  # fmt: skip
            continue
        inner = code.inside(found)
        for stmt in t.walk_own(*node.body):
            if not (isinstance(stmt, t.If) and isinstance(stmt.body[-1], t.Return)):
                continue
            if _goes_on(stmt.body[-1]):
                continue
            path = _path_asked(application, stmt.test, inner)
            app = _application_of(application, found.path) if path else None
            if app is None:
                continue
            place = Place(found.path, stmt.line, stmt.column)
            route = Route("GET", path, node.name, place, app.framework, app.name, public="health check")  # fmt: skip
            own = [code.defined(n.func, inner) for n in t.walk_own(*stmt.body) if isinstance(n, t.Call)]  # fmt: skip
            callee = next((c for c in own if c is not None and isinstance(c.node, t.Function)), None)  # fmt: skip
            if callee is not None:
                yield _judge(application, route, callee)
            else:
                yield HealthCheck(route, (), True, "")


def _goes_on(last: t.Return) -> bool:
    """Whether what sees a request lets it go on to its route, instead of answering it."""
    answer = last.value
    if answer is None or (isinstance(answer, t.Const) and answer.value is None):
        return True
    calls = (n for n in t.walk_own(answer) if isinstance(n, t.Call))
    return any(t.last_word(c.func) in ("call_next", "get_response", "app", "next") for c in calls)


def _path_asked(application: Application, test: t.Expr, scope: Scope) -> str:
    """The health path that a test compares the path of a request with."""
    for node in t.walk_own(test):
        if isinstance(node, t.Compare) and re.search(r"\.path(?:_info)?$", t.dotted(node.left)):
            for right in node.rights:
                for known in possible(application.values.value(right, scope)):
                    for text in known.value if isinstance(known.value, list) else [known.value]:
                        if isinstance(text, str) and looks_like_health(text):
                            return text
    return ""


def _application_of(application: Application, path: str) -> WebApp | None:
    apps = [a for a in application.facts(WebApp) if a.name == "." or path.startswith(a.name + "/")]
    return max(apps, key=lambda app: len(app.name), default=None)


def _packaged(application: Application, route: Route) -> HealthCheck:
    """django-health-check asks what its applications in INSTALLED_APPS are for.

    https://codingjoe.dev/django-health-check/: it answers 500 when one of them fails.
    """
    installed = [
        app
        for project in application.facts(DjangoProject)
        if project.name == route.application
        for app in project.main.texts("INSTALLED_APPS")
    ]
    asks = {
        "health_check.db": "database",
        "health_check.cache": "cache",
        "health_check.storage": "storage",
        "health_check.contrib.redis": "cache",
        "health_check.contrib.celery": "queue",
        "health_check.contrib.celery_ping": "queue",
        "health_check.contrib.rabbitmq": "queue",
        "health_check.contrib.migrations": "database",
    }
    checks = dict.fromkeys(asks[app] for app in installed if app in asks)
    if not checks and route.handler == "HealthCheckView":  # of version 4, which asks by default
        checks = {"database": None, "cache": None, "storage": None}
    return HealthCheck(route, tuple(checks), True, "")


def _judge(application: Application, route: Route, function: Located) -> HealthCheck:
    code = application.code
    checks: list[str] = []
    broken, broken_place = "", None
    given = [
        found
        for call in t.walk_own(*function.node.body)  # type: ignore[attr-defined]
        if isinstance(call, t.Call)
        for found in _functions_given(code, call, code.inside(function))
    ]
    for located in (*code.with_callees(function, 3), *(x for g in given for x in code.with_callees(g, 2))):  # fmt: skip
        inner = code.inside(located)
        for node in t.walk_own(*located.node.body):  # type: ignore[attr-defined]
            if not isinstance(node, t.Call):
                continue
            name = code.name(node.func, inner) or t.dotted(node.func)
            if _COLLECTION_COMMAND.search(name):
                broken = (
                    "`.admin` of a database is a collection, so `.command` cannot be called on it: "
                    "the ping fails every time"
                )
                broken_place = Place(located.path, node.line, node.column, node.end_line)
            written = t.dotted(node.func)  # a manager may be of a class of the tree's own
            for what, pattern in ASKS:
                if pattern.search(name) or pattern.search(written):
                    checks.append(_asked_by_address(node) if what == "service" else what)
            if isinstance(node.func, t.Attr) and node.func.name in _PINGS and not checks:
                checks.append("database")
    if not checks and (told := _answers_for(function, code)):
        checks.append(told)
    return HealthCheck(
        route,
        tuple(dict.fromkeys(checks)),
        reports_failure(code, function, route.framework in ("FastAPI", "Starlette")),
        _claims(function),
        broken,
        broken_place,
    )


_VECTORS = re.compile(r"(?i)qdrant|weaviate|chroma|milvus|vector")


def _asked_by_address(call: t.Call) -> str:
    """What `client.get(f"{QDRANT_URL}/healthz")` asks, by the words of the address."""
    words = [
        n.value if isinstance(n, t.Const) else t.last_word(n)
        for n in t.walk(*call.args)
        if isinstance(n, t.Const | t.Name | t.Attr)
    ]
    return "vector store" if any(_VECTORS.search(str(word)) for word in words) else "service"


def _functions_given(code: Code, call: t.Call, scope: Scope) -> Iterator[Located]:
    """Functions of the tree that a call is handed: `get_status(additional_checks=[database])`."""
    for value in (*call.args, *(k.value for k in call.keywords)):
        for each in value.items if isinstance(value, t.Seq) else [value]:
            if isinstance(each, t.Name):
                found = code.defined(each, scope)
                if found is not None and isinstance(found.node, t.Function):
                    yield found


def _answers_for(function: Located, code: Code) -> str:
    """What a check answers for with an error: the calls that it tries, or whose outcome it tests."""
    calls: set[str] = set()
    inside = code.inside(function)
    for node in t.walk_own(*function.node.body):  # type: ignore[attr-defined]
        if (
            isinstance(node, t.Assign)
            and node.value is not None
            and _asks_something(node.value, code, inside)
        ):
            kept = (x.value if isinstance(x, t.Item) else x for x in node.targets)
            calls |= {x.id for x in kept if isinstance(x, t.Name)}
    for node in t.walk_own(*function.node.body):  # type: ignore[attr-defined]
        match node:
            case t.Try(body=body, handlers=handlers) if any(
                _asks_something(s, code, inside) for s in body
            ):
                if any(fails(inner) for h in handlers for inner in t.walk_own(*h.body)):
                    return "services that it calls"
            case t.If(test=test, body=body, orelse=other) if any(fails(inner) for inner in t.walk_own(*body, *other)):  # fmt: skip
                held = any(isinstance(n, t.Name) and n.id in calls for n in t.walk_own(test))
                if held or _asks_something(test, code, inside):
                    return "services that it calls"
    return ""


def _asks_something(node: t.Node, code: Code, scope: Scope, depth: int = 0) -> bool:
    """Whether something is called that may ask others: no response, no log, no conversion.

    A function of the tree that only makes or hands out something (`get_service()`) asks nobody.
    """
    for n in t.walk_own(node):
        if not isinstance(n, t.Call) or _PLAIN.search(t.dotted(n.func) or ""):
            continue
        found = code.defined(n.func, scope) if isinstance(n.func, t.Name) and depth < 3 else None
        if found is None:
            return True
        if isinstance(found.node, t.Function):
            inner = code.inside(found)
            if any(_asks_something(stmt, code, inner, depth + 1) for stmt in found.node.body):
                return True
    return False


def _claims(function: Located) -> str:
    """What a check says of a database as a constant, such as `"database": "connected"`."""
    for node in t.walk_own(*function.node.body):  # type: ignore[attr-defined]
        if isinstance(node, t.Map):
            for key, value in zip(node.keys, node.values, strict=True):
                match key, value:
                    case t.Const(value=str(name)), t.Const(value=str(text)):
                        if re.search(r"database|db|mongo|redis|cache|postgres", name, re.I):
                            return f'"{name}": "{text}"'
    return ""
