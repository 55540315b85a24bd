"""Who calls a route, and which ids it is sent: what a handler's expressions and parameters hold.

FastAPI injects both (https://fastapi.tiangolo.com/tutorial/security/get-current-user/), Flask keeps the
user in a global (https://flask-login.readthedocs.io/en/latest/#flask_login.current_user) and hands the
URL's parts to the view, Django has both at the request
(https://docs.djangoproject.com/en/stable/topics/auth/default/#authentication-in-web-requests).
"""

from __future__ import annotations

import re

from auditor.extract.python import tree as t
from auditor.frameworks.fastapi.dependencies import Dependency, DependencyGuards
from auditor.frameworks.guards import CREDENTIAL
from auditor.libraries.authentication import CURRENT_USER, JWT_DECODERS, TOKEN_IDENTITY
from auditor.link.labels.engine import (
    IDENTITY,
    NOTHING,
    REQUEST,
    Labels,
    Marks,
    Trace,
    container,
    ids,
    knows_caller,
    sent_id,
)
from auditor.link.names import Code
from auditor.link.scopes import Located, Scope
from auditor.model.web import Route

_REQUEST = re.compile(r"^(?:self\.)?_?(?:request|req|info\.context(?:\.request)?)$")
_GLOBAL_REQUEST = {"flask.request", "flask.globals.request", "quart.request"}
_PARTS = {
    "GET": "query", "args": "query", "query_params": "query", "POST": "form", "form": "form",
    "values": "form", "data": "body", "json": "body", "get_json": "body", "body": "body", "DATA": "body",
    "json_body": "body", "view_args": "path", "path_params": "path", "FILES": "form", "files": "form",
    "validated_data": "body",
}  # fmt: skip
_PLAIN = {
    "method", "path", "url", "headers", "META", "cookies", "COOKIES", "scheme", "get_host", "host",
    "build_absolute_uri", "content_type", "encoding", "is_ajax", "resolver_match", "path_info", "app",
    "LANGUAGE_CODE", "base_url", "client", "remote_addr", "endpoint", "blueprint", "is_json", "referrer",
    "get_full_path", "accepted_renderer", "parser_context", "version", "url_for", "query_string", "scope",
    "user_agent", "is_secure", "mimetype", "htmx", "url_rule", "root_url", "host_url", "stream", "db",
}  # fmt: skip
"""What a request has whoever sends it; anything else was put there by who knows the caller."""
_CALLER = re.compile(
    r"^(?:_?(?:current|logged_?in|auth(?:enticated|ed|orized)?|request(?:ing)?|acting|calling|active|session)"
    r"_?(?:user|account|identity|member|customer|tenant|org\w*|team|principal|employee|profile|staff|admin|workspace)"
    r"(?:_?(?:id|uuid|name|email|data|info|obj))?|principal|claims|jwt_?(?:payload|claims|data)|token_?(?:data|payload)"
    r"|auth_?(?:context|info|data|payload)|caller|requester|access_token)$"
)
_ASKED_CALLER = re.compile(
    r"^(?:_?get_)?_?(?:current|logged_in|authenticated|request)_?"
    r"(?:user|account|identity|member|customer|tenant|org\w*|team|principal|workspace|site)(?:_id|_or_\w+)?$"
    r"|^get_jwt(?:_identity|_claims)?$|^get_user_from_(?:token|request|session)$"
)
_KEPT = re.compile(
    r"user|account|identity|tenant|org|team|member|customer|auth|claims|token|principal|profile|session|project|company|workspace"
)


class Callers:
    """Tells what expressions and parameters hold of the caller."""

    def __init__(self, code: Code) -> None:
        self.code = code

    def ambient(self, expr: t.Expr, scope: Scope) -> Marks | None:
        """What an expression holds wherever it stands; None where that depends on other things."""
        match expr:
            case t.Name(id=name):
                if _CALLER.match(name):
                    return IDENTITY
                if name == "session" and self.code.name(expr, scope) in (
                    "flask.session",
                    "quart.session",
                ):
                    return IDENTITY
                if name in ("request", "req") and self._is_request(expr, scope):
                    return REQUEST
                if name == "kwargs" and self._in_view(scope):
                    return container("path")
                return None
            case t.Attr(value=value, name=name):
                return self._attribute(expr, value, name, scope)
            case t.Item(
                value=t.Attr(name="headers" | "META" | "cookies" | "COOKIES"),
                index=t.Const(value=str(key)),
            ):
                return (
                    IDENTITY
                    if CREDENTIAL.search(key)
                    else sent_id(key.replace("-", "_").lower(), "header")
                )
            case t.Call(func=t.Attr(value=t.Attr(name="headers" | "META" | "cookies" | "COOKIES"), name="get"),
                        args=[t.Const(value=str(key)), *_]):  # fmt: skip
                return (
                    IDENTITY
                    if CREDENTIAL.search(key)
                    else sent_id(key.replace("-", "_").lower(), "header")
                )
            case t.Call(func=func):
                last = t.last_word(func)
                if _ASKED_CALLER.match(last):
                    return IDENTITY
                if last in ("get_jwt_identity", "get_jwt", "current_user") or (
                    "jwt" in last and TOKEN_IDENTITY.fullmatch(self.code.name(func, scope))
                ):
                    return IDENTITY
                if last == "decode" and self.code.name(func, scope) in JWT_DECODERS:
                    return IDENTITY  # a handler that reads the token by itself
        return None

    def _is_request(self, expr: t.Name, scope: Scope) -> bool:
        name = self.code.name(expr, scope)
        return name in _GLOBAL_REQUEST or not name or name.endswith("equest()")

    @staticmethod
    def _in_view(scope: Scope) -> bool:
        """`**kwargs` of a view: the parts of the URL."""
        function = scope.function
        return function is not None and any(_REQUEST.match(p.name) for p in function.params)

    def _attribute(self, expr: t.Attr, value: t.Expr, name: str, scope: Scope) -> Marks | None:
        owner = t.dotted(value)
        if owner in ("g", "flask.g") and _KEPT.search(name):
            return IDENTITY
        if owner == "self":
            if name in ("request", "req"):
                return REQUEST
            if name == "kwargs":
                return container("path")
            return IDENTITY if _CALLER.match(name) else None
        if re.search(r"(?:^|\.)(?:request|req|websocket|conn)\.(?:state|ctx)$", owner):
            return IDENTITY if _KEPT.search(name) else NOTHING
        if _REQUEST.match(owner):
            if source := _PARTS.get(name):
                return container(source)
            if name in _PLAIN or name in ("state", "ctx"):
                return NOTHING
            return IDENTITY
        if CURRENT_USER.match(self.code.name(expr, scope)) if name == "current_user" else False:
            return IDENTITY
        return IDENTITY if _CALLER.match(name) and name.startswith(("current", "logged")) else None


class Handlers:
    """The marks of a handler's parameters, and what ran to fill them."""

    def __init__(self, labels: Labels, guards: DependencyGuards) -> None:
        self.labels, self.guards = labels, guards
        self.code, self.values = labels.code, labels.values
        self._injected: dict[tuple[int, frozenset[str]], tuple[Marks, Trace]] = {}

    def given(self, route: Route, function: Located) -> tuple[dict[str, Marks], Trace]:
        """What a route's handler is given, and what was done on the way."""
        before = Trace()
        if route.framework in ("FastAPI", "Starlette") or any(
            p.place.path == function.path and p.source != "path" for p in route.parameters
        ):
            return self._declared(route, function, before), before
        return self._handed(route, function), before

    # --- FastAPI

    def _declared(self, route: Route, function: Located, before: Trace) -> dict[str, Marks]:
        known = {(p.place.path, p.place.line, p.name): p.source for p in route.parameters}
        path = frozenset(p.name for p in route.parameters if p.source == "path")
        given: dict[str, Marks] = {}
        for param in function.node.params:  # type: ignore[attr-defined]
            source = known.get((function.path, param.line, param.name))
            if source is not None:
                given[param.name] = _sent(param.name, source)
            else:
                held, trace = self._depends(param, function, known, path, 0)
                before.add(trace)
                given[param.name] = held
        for dependency in route.dependencies:
            self._target(dependency, known, path, before, 0)
        if isinstance(function.scope.owner, t.Class) and function.node.params:  # type: ignore[attr-defined]
            first: t.Param = function.node.params[0]  # type: ignore[attr-defined]
            if first.name == "self" and any(g.via == "class" for g in route.guards):
                given["self"] = IDENTITY
        return given

    def _depends(
        self,
        param: t.Param,
        function: Located,
        known: dict[tuple[str, int, str], str],
        path: frozenset[str],
        depth: int,
    ) -> tuple[Marks, Trace]:
        """What a dependency gives: the caller where it is a guard, or rests on one."""
        dependency = Dependency.of_parameter(self.values, param, function.scope)
        if dependency is None or depth > 4:
            return NOTHING, Trace()
        marks = IDENTITY if self.guards.of(dependency) else NOTHING
        if self._scopes(param):
            marks = IDENTITY
        if dependency.target is None:
            return marks, Trace()
        trace = Trace()
        marks |= self._target(dependency.target, known, path, trace, depth)
        return marks, trace

    @staticmethod
    def _scopes(param: t.Param) -> bool:
        return isinstance(param.default, t.Call) and t.dotted(param.default.func).endswith(
            "Security"
        )

    def _target(
        self,
        target: Located,
        known: dict[tuple[str, int, str], str],
        path: frozenset[str],
        before: Trace,
        depth: int,
    ) -> Marks:
        key = (id(target.node), path)
        if key not in self._injected:
            self._injected[key] = NOTHING, Trace()  # a cycle ends here
            trace = Trace()
            given: dict[str, Marks] = {}
            for param in target.node.params:  # type: ignore[attr-defined]
                source = known.get((target.path, param.line, param.name))
                if source is not None:
                    given[param.name] = _sent(param.name, source)
                else:
                    held, below = self._depends(param, target, known, path, depth + 1)
                    trace.add(below)
                    given[param.name] = held
            found = self.labels.trace(target, given)
            returns: Marks = NOTHING
            if found is not None:
                trace.add(found)
                returns = found.returns
            if target.node.name == "__init__" or any(knows_caller(x) for x in given.values()):  # type: ignore[attr-defined]
                returns = returns.union(*given.values())
            self._injected[key] = returns, trace
        marks, trace = self._injected[key]
        before.add(trace)
        return marks

    # --- frameworks that hand out the request, and parts of the URL

    @staticmethod
    def _handed(route: Route, function: Located) -> dict[str, Marks]:
        given: dict[str, Marks] = {}
        params = list(function.node.params)  # type: ignore[attr-defined]
        if isinstance(function.scope.owner, t.Class) and params:
            params.pop(0)
        parts = {p.name for p in route.parameters if p.source == "path"}
        for index, param in enumerate(params):
            if index == 0 and (
                _REQUEST.match(param.name)
                or (route.framework == "Django" and param.name not in parts)
            ):
                given[param.name] = REQUEST
            elif param.name in parts:
                given[param.name] = sent_id(param.name, "path")
            elif param.kind == "kwargs":
                given[param.name] = container("path" if parts else "body")
            elif param.kind == "positional" and param.default is None:
                given[param.name] = IDENTITY  # a decorator fills it
            elif re.search("user|account|identity", param.name):
                given[param.name] = IDENTITY
        return given


def _sent(name: str, source: str) -> Marks:
    if source == "request":
        return REQUEST
    if source in ("body", "form") and not ids(sent_id(name, source)):
        return container("body")
    if source in ("header", "cookie") and CREDENTIAL.search(name):
        return IDENTITY
    if source == "query" and re.search(r"token|api_?key", name):
        return IDENTITY
    return sent_id(name, source)
