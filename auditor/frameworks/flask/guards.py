"""What guards a Flask view: decorators, hooks, its own body, and the extensions' callbacks.

Flask hands the request, the session and the current user over through context variables; a hook or
a decorator turns the caller away by returning something in the view's stead.
https://flask.palletsprojects.com/en/stable/api/#flask.Flask.before_request
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec.structs import replace

from auditor.extract.python import tree as t
from auditor.frameworks.decorators import Applied, Layer
from auditor.frameworks.flask.connexion import Demand, Scheme
from auditor.frameworks.flask.nodes import Hook
from auditor.frameworks.wrappers import CSRF, WrapperGuards, least
from auditor.libraries.authentication import asks_for_need, known_guard
from auditor.link.application import Application
from auditor.link.checks import OF_NOBODY, Checks, Exit, Origin, Strength, Summary, vouches
from auditor.link.pathtests import PathTests
from auditor.link.scopes import CallSite, Located, Scope, place_of
from auditor.link.values import Evaluator
from auditor.model.settings import FrameworkSetting
from auditor.model.values import Known
from auditor.model.web import Guard, Guarding

_G = re.compile(r"(?:flask\.|quart\.)?g|(?:_request_ctx_stack|_app_ctx_stack)\.top")

_HTTP_AUTH = re.compile(
    r"^(?:flask_httpauth|apiflask(?:\.security)?)\.(HTTP(?:Basic|Digest|Token)Auth|MultiAuth)\(\)"
    r"\.login_required(?:\(\))?$"
)
_HTTP_AUTH_OBJECT = re.compile(
    r"(?:flask_httpauth|apiflask(?:\.security)?)\.(HTTP(?:Basic|Digest|Token)Auth|MultiAuth)$"
)
_AUTH_REQUIRED = re.compile(
    r"^(?:apiflask\.(?:\w+\.)?(?:APIFlask|APIBlueprint)\(\)\.auth_required"
    r"|apifairy\.(?:decorators\.)?authenticate)\(\)$"
)
_REQUEST = re.compile(r"(?:flask|quart)(?:\.globals|\.wrappers)?\.request$")
_BODIES = {"form", "json", "get_json", "data", "get_data", "values"}
_BODY_DECORATOR = re.compile(r"(?:^|\.)(?:body|arguments|input|use_args|use_kwargs|json)\(\)$")
"""What hands the validated body to a view (apifairy, flask-smorest, APIFlask, webargs)."""
_CARRYING = re.compile(
    r"^(?:flask|quart)(?:\.globals)?\.(?:request\.(?:headers|cookies|authorization|view_args|args)"
    r"|session|g)\b|current_user|current_identity|get_jwt"
)
"""Where a credential that a caller holds already arrives, a signed session included."""
_CALLBACKS = {"verify_password", "verify_token"}
_LOGIN_EXTENSION = re.compile(r"^(?:flask|quart)_(?:login|auth)\b")
_LOGIN_MANAGER = re.compile(r"flask_login(?:\.login_manager)?\.LoginManager\(\)")

Judged = tuple[Guarding, str]


@vouches
def kept_in_g(expr: t.Expr, name: str, scope: Scope, checks: Checks) -> Origin | None:
    """`g.user`, which a hook or a decorator has put there."""
    match expr:
        case t.Attr(value=owner, name=attribute):
            pass
        case t.Call(
            func=t.Name(id="getattr" | "hasattr"), args=[owner, t.Const(value=str(key)), *_]
        ):
            attribute = key
        case t.Call(func=t.Attr(value=owner, name="get"), args=[t.Const(value=str(key)), *_]):
            attribute = key
        case _:
            return None
    if not _G.fullmatch(t.dotted(owner)):
        return None
    kept = checks.assigned(_G, attribute)
    if kept.caller and kept.truth <= Strength.FORM:
        return kept  # a cookie that was only decoded says nothing of who sent it
    return replace(kept, identity=True)


@vouches
def through_a_proxy(expr: t.Expr, name: str, scope: Scope, checks: Checks) -> Origin | None:
    """`current_user = LocalProxy(get_user)`: what the function gives."""
    if isinstance(expr, t.Call):
        expr = expr.func
    if not name.startswith("werkzeug.local.LocalProxy()") or not isinstance(expr, t.Name | t.Attr):
        return None
    owner: t.Expr = expr
    asked = ""
    while isinstance(owner, t.Attr) and not checks.values.origins(owner, scope):
        asked, owner = owner.name, owner.value
    for origin in checks.values.origins(owner, scope):
        match origin.node:
            case (
                t.Call(args=[t.Lambda(body=t.Call(func=func))])
                | t.Call(args=[t.Name() | t.Attr() as func])
            ):
                found = checks.values.code.defined(func, origin.scope)
                if found is not None and isinstance(found.node, t.Function):
                    truth = checks.summary(found).when_truthy
                    if asked and asked not in OF_NOBODY:
                        truth = Strength.VERIFIED  # nobody has a role, a permission, a name
                    return Origin(truth=truth, identity=True)
    return None


def http_auth_callbacks(values: Evaluator, source: Located) -> Iterator[tuple[str, Located]]:
    """(`verify_password` or …, function) registered on an object of flask-httpauth."""
    wanted = {*_CALLBACKS, "get_password"}
    for found in values.code.functions():
        for decorator in found.node.decorators:  # type: ignore[attr-defined]
            match decorator:
                case t.Attr(value=owner, name=name) if name in wanted:
                    if any(s.key == source.key for s in values.sources(owner, found.scope)):
                        yield name, found
    for site in values.code.method_calls(*sorted(wanted)):
        match site.node:
            case t.Call(func=t.Attr(value=owner, name=name), args=[given]):
                if any(s.key == source.key for s in values.sources(owner, site.scope)):
                    callback = values.code.defined(given, site.scope)
                    if callback is not None and isinstance(callback.node, t.Function):
                        yield name, callback


@vouches
def asked_by_hand(expr: t.Expr, name: str, scope: Scope, checks: Checks) -> Origin | None:
    """`auth.authenticate(auth.get_auth(), …)` of flask-httpauth: what its callback makes of it."""
    if not isinstance(expr, t.Call) or not name.startswith("flask_httpauth."):
        return None
    if name.endswith(".get_auth()"):
        return Origin(caller=True)
    if not name.endswith(".authenticate()") or not isinstance(expr.func, t.Attr):
        return None
    truths = [
        checks.summary(callback).when_truthy
        for source in checks.values.sources(expr.func.value, scope)
        for kind, callback in http_auth_callbacks(checks.values, source)
        if kind in _CALLBACKS
    ]
    return Origin(truth=min(truths, default=Strength.OUTSIDE))


class FlaskGuards(WrapperGuards):
    """Judges what Flask runs before a view."""

    tuples_respond = True
    ambient = True

    def __init__(self, application: Application) -> None:
        super().__init__(application)
        self._login: Judged | None = None
        self._judged_login = False
        self._auth: dict[tuple[str, int, int], Judged] = {}

    def exchanges(self, function: Located) -> bool:
        """Whether all that a view reads of the request is its body, or a refresh token."""
        assert isinstance(function.node, t.Function)
        seen = list(self._asked(function, 3))
        if any(f.node.decorators and self.around(f) is Strength.VERIFIED for f in seen[1:]):  # type: ignore[attr-defined]
            return False
        nodes = [(n, f) for f in seen for n in t.walk_own(*f.node.body)]  # type: ignore[attr-defined]
        harmless: set[int] = set()
        for node, _ in nodes:
            match node:
                case t.Call(func=t.Attr() as reading, args=[t.Const(value=str(key)), *_]):
                    if "refresh" in key:
                        harmless |= {id(reading), id(reading.value)}
                case t.Assign(targets=targets):  # it puts something there
                    harmless |= {id(n) for target in targets for n in t.walk_own(target)}
        for node, found in nodes:
            if isinstance(node, t.Attr | t.Name) and id(node) not in harmless:
                name = self.code.name(node, self.code.inside(found))
                if _CARRYING.search(name):
                    return False
        given = [self.code.name(d, function.scope) for d in function.node.decorators]
        return any(_BODY_DECORATOR.search(name) for name in given) or any(
            self._reads_body(node, found) for node, found in nodes
        )

    def _asked(self, function: Located, depth: int) -> Iterator[Located]:
        """A function and what it calls for an answer, or to be turned away by."""
        yield function
        inner = self.code.inside(function)
        nodes = list(t.walk_own(*function.node.body)) if depth else []  # type: ignore[attr-defined]
        only_done = {id(node.value) for node in nodes if isinstance(node, t.Do)}
        for node in nodes:
            if isinstance(node, t.Call):
                callee = self.code.defined(node.func, inner)
                if callee is not None and isinstance(callee.node, t.Function):
                    if id(node) not in only_done or self.checks.may_deny(callee):
                        yield from self._asked(callee, depth - 1)

    def _reads_body(self, node: t.Node, function: Located) -> bool:
        match node:
            case t.Attr(value=owner, name=name) if name in _BODIES:
                return bool(_REQUEST.search(self.code.name(owner, self.code.inside(function))))
            case t.Call(func=t.Attr(name="validate_on_submit" | "parse_args")):
                return True
        return False

    def heard(self, summary: Summary) -> Summary:
        """A hook answers in the view's stead with anything but None."""
        passing = tuple(e for e in summary.exits if e.falsy or _hands_on(e))
        answers = len(passing) < len(summary.exits)
        denies = summary.denies or (
            answers and summary.guaranteed < Strength.VERIFIED <= least(passing)
        )
        rejects = summary.rejects
        if answers and not rejects:
            rejects = tuple(e.node for e in summary.exits if e not in passing)
        return replace(summary, exits=passing, denies=denies, rejects=rejects)

    # --- decorators

    def outside(self, layer: Layer, short: str) -> Judged | None:
        """What a decorator of an extension does."""
        if judged := self._http_auth(layer):
            return judged
        func = layer.used.node.func if isinstance(layer.used.node, t.Call) else layer.used.node
        if asks_for_need(func, layer.used.scope, self.values):  # type: ignore[arg-type]
            return Guarding.ENFORCED, "flask-principal demands an identity that has the need"
        if known := known_guard(layer.name):
            if _optional(layer.used, self):
                return Guarding.OPTIONAL, "lets callers without a credential pass (optional)"
            if _LOGIN_EXTENSION.match(layer.name) and (broken := self._broken_login()):
                return broken
            return known.state, known.reason
        if self.may_guard(layer.name):
            what = layer.name.replace("()", "")
            return Guarding.UNKNOWN, f"{what} lies outside this tree and is not known"
        return None

    # --- flask-httpauth

    def _http_auth(self, layer: Layer) -> Judged | None:
        used, target = layer.used, None
        func = t.callee(used.node)
        if _HTTP_AUTH.match(layer.name) and isinstance(func, t.Attr):
            target = func.value
        elif _AUTH_REQUIRED.match(layer.name) and isinstance(used.node, t.Call):
            target = CallSite(used.node, used.scope).arg(0, "auth")
        else:
            return None
        if _optional(used, self):
            return Guarding.OPTIONAL, "lets callers without a credential pass (optional)"
        return self._judge_auth(target, used.scope)

    def _judge_auth(self, expr: t.Expr | None, scope: Scope, depth: int = 0) -> Judged:
        """The weakest of what the objects behind an expression accept."""
        untold = Guarding.UNKNOWN, "what verifies the credential could not be found"
        judged: list[Judged] = []
        for source in self.values.sources(expr, scope):
            if not isinstance(source.node, t.Call):
                continue
            if source.key not in self._auth:
                self._auth[source.key] = untold  # a cycle ends here
                self._auth[source.key] = self._judge_object(source, depth) or untold
            judged.append(self._auth[source.key])
        return min(judged, key=_rank, default=untold)

    def _judge_object(self, source: Located, depth: int) -> Judged | None:
        assert isinstance(source.node, t.Call)
        match = _HTTP_AUTH_OBJECT.search(self.code.name(source.node.func, source.scope))
        if match is None:
            return None
        if match[1] == "MultiAuth" and depth < 3:
            parts = [self._judge_auth(x, source.scope, depth + 1) for x in source.node.args]
            return min(parts, key=_rank, default=None)
        for name, callback in http_auth_callbacks(self.values, source):
            if name in _CALLBACKS:
                return self.judge_answer(callback)
            return Guarding.ENFORCED, "flask-httpauth compares the password with a known one"
        if match[1] == "HTTPDigestAuth":
            return None
        return Guarding.ENFORCED, "flask-httpauth turns everybody away: nothing verifies for it"

    # --- flask-admin

    def gate(self, accessible: Located) -> list[Guard]:
        """What `is_accessible` of a view lets in, and what stands around it: `@jwt_required()`.

        So with `can_edit` and the like, which one of its methods asks.
        """
        assert isinstance(accessible.node, t.Function)
        name = accessible.node.name
        around = [
            Applied(Located(d, accessible.scope), "class") for d in accessible.node.decorators
        ]
        found = [guard for applied in around for guard in self.applied(applied)]
        state, reason = self.judge_answer(accessible)
        if found and state is Guarding.DECORATIVE:
            return found
        return [*found, Guard(name, place_of(accessible), "class", state, reason)]

    # --- connexion

    def demanded(self, demand: Demand) -> Guard:
        """What the security of an operation does: the weakest of its alternatives."""
        judged = [
            max((self._scheme(scheme) for scheme in schemes), key=_rank, default=_ANYBODY)
            for schemes in demand.alternatives
        ]
        names = [s.name for schemes in demand.alternatives for s in schemes]
        state, reason = min(judged, key=_rank)
        return Guard(" or ".join(names) or "security", demand.place, "include", state, reason)

    def _scheme(self, scheme: Scheme) -> Judged:
        if scheme.function is not None:
            return self.judge_answer(scheme.function)
        if scheme.remote:
            return Guarding.ENFORCED, f"{scheme.name}: another server verifies the token"
        if scheme.named:
            return Guarding.UNKNOWN, f"{scheme.named} lies outside this tree"
        return Guarding.ENFORCED, f"connexion turns everybody away: nothing verifies {scheme.name}"

    # --- flask-login

    def _broken_login(self) -> Judged | None:
        """Why flask-login's guards let everybody pass, if they do."""
        if not self._judged_login:
            self._judged_login = True
            self._login = self._login_disabled() or self._login_accepts()
        return self._login

    def _login_disabled(self) -> Judged | None:
        found = [s for s in self.application.facts(FrameworkSetting) if s.name == "LOGIN_DISABLED"]
        own = [s for s in found if s.environment == "production"]
        for setting in own or [s for s in found if not s.environment]:
            if isinstance(setting.value, Known) and setting.value.value is True:
                return Guarding.DECORATIVE, f"LOGIN_DISABLED is set ({setting.place})"
        return None

    def _login_accepts(self) -> Judged | None:
        """A `request_loader` sees the request itself: what it returns counts as logged in."""
        for found in self.code.functions():
            for decorator in found.node.decorators:  # type: ignore[attr-defined]
                match decorator:
                    case t.Attr(value=owner, name="request_loader" | "header_loader"):
                        if not _LOGIN_MANAGER.match(self.code.name(owner, found.scope)):
                            continue
                        state, reason = self.judge_answer(found)
                        if state is Guarding.DECORATIVE and self._asks_others(found):
                            return Guarding.UNKNOWN, "what the request_loader accepts is not told"
                        if state is not Guarding.ENFORCED:
                            return state, reason
        return None

    def _asks_others(self, callback: Located) -> bool:
        """Whether a callback returns what another function makes of the credential."""
        inner = self.code.inside(callback)
        return any(
            isinstance(node, t.Return)
            and isinstance(node.value, t.Call)
            and node.value.args
            and isinstance((self.code.defined(node.value.func, inner) or callback).node, t.Function)
            for node in t.walk_own(*callback.node.body)  # type: ignore[attr-defined]
        )

    # --- hooks

    def hook(self, hook: Hook, via: str, tests: PathTests) -> list[Guard]:
        """What a `before_request` function demands of a request."""
        found = [replace(g, via=via) for d in hook.decorators for g in self.applied(d, tests)]
        if hook.function is None:
            return found or [replace(g, via=via) for d in hook.decorators for g in self.foreign(d)]
        name = hook.function.node.name  # type: ignore[attr-defined]
        if CSRF.search(name):
            return found
        guard = self.each_request(hook.function, name, tests)
        if guard is None:
            return found
        if not self.sounds_like_guard(name):
            if guard.state is Guarding.OPTIONAL:
                return found  # it identifies the caller, and leaves turning away to the views
            if not self.demands(guard.state, self.checks.summary(hook.function), hook.function):
                return found
        return [*found, replace(guard, via=via)]

    def foreign(self, hook: Applied) -> Iterator[Guard]:
        """A hook that a package brings, by any word of its name: `before_request(sso.Auth().process)`."""
        name = self.code.name(hook.found.node, hook.found.scope)  # type: ignore[arg-type]
        short = t.dotted(t.callee(hook.found.node)) or name.rpartition(".")[2]
        package, _, words = name.partition(".")
        if words and any(self.may_guard(f"{package}.{word}") for word in words.split(".")):
            told = f"{name.replace('()', '')} lies outside this tree and is not known"
            yield Guard(short, place_of(hook.found, short), hook.via, Guarding.UNKNOWN, told)

    def inherited(self, owner: Located | None) -> Iterator[Guard]:
        """A base of a view's class that a package brings, and that sounds like a guard."""
        for name in self.code.ancestry(owner)[1:] if owner is not None else ():
            if self.may_guard(name):
                told = f"{name} lies outside this tree and is not known"
                short = name.rpartition(".")[2]
                yield Guard(short, place_of(owner, short), "class", Guarding.UNKNOWN, told)  # type: ignore[arg-type]

    def above(self, decorator: Located) -> Iterator[Guard]:
        """A guard above the registration: Flask has taken the function without it."""
        for guard in self.applied(Applied(decorator, "decorator")):
            reason = "stands above the route's registration, which takes the view without it"
            yield Guard(guard.name, place_of(decorator), "decorator", Guarding.DECORATIVE, reason)

    def in_class(
        self, owner: Located | None, dispatch: Located | None, tests: PathTests
    ) -> Guard | None:
        """What a class's own `dispatch_request` demands before it hands on."""
        if owner is None or dispatch is None:
            return None
        guard = self.body(dispatch, tests)
        return replace(guard, via="class") if guard else None


_ANYBODY = (Guarding.OPTIONAL, "an alternative asks nothing, so anybody passes")
_ORDER = (
    Guarding.DECORATIVE,
    Guarding.ABSENT,
    Guarding.OPTIONAL,
    Guarding.UNKNOWN,
    Guarding.EXEMPT,
    Guarding.ENFORCED,
)


def _rank(judged: Judged) -> int:
    return _ORDER.index(judged[0])


def _hands_on(found: Exit) -> bool:
    """Whether a hook returns what something else returned, which may be nothing."""
    node = found.node
    return isinstance(node, t.Function) or (isinstance(node, t.Return) and node.value is None)


def _optional(used: Located, guards: FlaskGuards) -> bool:
    if not isinstance(used.node, t.Call):
        return False
    for keyword in used.node.keywords:
        if keyword.name == "optional":
            value = guards.values.value(keyword.value, used.scope)
            return not (isinstance(value, Known) and value.value is False)
    return False
