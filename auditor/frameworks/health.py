"""Health checks: what a health route really asks before it says that all is well.

https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/: a probe is
judged by its status code, so a check whose failure leaves the status at 200 tells nobody.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from auditor.extract.python import tree as t
from auditor.extract.readers.platforms import Probe
from auditor.frameworks.public import looks_like_health
from auditor.link.application import Application, provides
from auditor.link.names import Code, Located
from auditor.model.places import Place
from auditor.model.web import HealthCheck, Route

_ASKS = (
    ("database", r"(?:Client|Database|Collection)\(\).*\.(?:command|server_info|list_\w+|find_one|find|count_documents|estimated_document_count)$"),
    ("database", r"(?:Session|session|engine|connection|Engine|AsyncSession)\w*(?:\(\))*.*\.(?:execute|scalar|connect|begin)$"),
    ("cache", r"[Rr]edis\w*(?:\(\))?.*\.(?:ping|get|set|info)$"),
    ("service", r"^(?:httpx|requests|aiohttp)\..*(?:get|post|head|request)$"),
    ("queue", r"(?:celery|kombu|aio_pika|pika)\..*\.(?:ping|connect\w*|inspect)$"),
)  # fmt: skip
_COMPILED = tuple((what, re.compile(pattern)) for what, pattern in _ASKS)
_HANDLER = re.compile(r"(?:get_|read_|check_)?(?:health(?:_?check)?|readiness|liveness|ping)", re.I)
_PINGS = {"command", "ping", "server_info"}
_COLLECTION_COMMAND = re.compile(r"Client\(\)(?:\[\]|\.\w+)\.admin\.command$")


@provides(HealthCheck)
def health_checks(application: Application) -> Iterator[HealthCheck]:
    probes = {probe.path.rstrip("/") for _, probe in application.of(Probe)}
    for route in application.facts(Route):
        probed = route.path.rstrip("/") in probes and route.method == "GET"
        named = route.method == "GET" and (
            looks_like_health(route.path) or _HANDLER.fullmatch(route.handler) is not None
        )
        if (route.public == "health check" or probed or named) and route.function is not None:
            yield _judge(application.code, route, route.function)


def _judge(code: Code, route: Route, function: Located) -> HealthCheck:
    checks: list[str] = []
    broken, broken_place = "", None
    for located in code.with_callees(function, 3):
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
            for what, pattern in _COMPILED:
                if pattern.search(name):
                    checks.append(what)
            if isinstance(node.func, t.Attr) and node.func.name in _PINGS and not checks:
                checks.append("database")
    return HealthCheck(
        route,
        tuple(dict.fromkeys(checks)),
        _reports_failure(code.with_callees(function, 2)),
        _claims(function),
        broken,
        broken_place,
    )


def _reports_failure(functions: list[Located]) -> bool:
    """Whether some way out is an error: an exception raised on, or a response of 5xx.

    Without a `try` anywhere, a failing check ends in the framework's own status 500.
    """
    nodes = [n for f in functions for n in t.walk_own(*f.node.body)]  # type: ignore[attr-defined]
    for node in nodes:
        match node:
            case t.Raise():
                return True
            case t.Const(value=int(status)) if 500 <= status < 600:
                return True
            case t.Attr(name=name) if re.search(r"HTTP_5\d\d_|SERVICE_UNAVAILABLE", name):
                return True
    return not any(isinstance(node, t.Try) for node in nodes)


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
