"""Middleware as a guard: what it demands, and of which paths.

A middleware lets a request pass by calling the next application. Tests of the request's path
(`if request.url.path in PUBLIC: return await call_next(request)`) are decided for each route, so
that every route gets its own answer.
"""

from __future__ import annotations

import re

import msgspec
from msgspec.structs import replace

from auditor.extract.python import tree as t
from auditor.frameworks.guards import Guards
from auditor.link.application import Application
from auditor.link.checks import Strength
from auditor.link.names import Code
from auditor.link.origins import Env
from auditor.link.pathtests import PathTests
from auditor.link.scopes import CallSite, Located
from auditor.model.places import Place
from auditor.model.web import Guard, Guarding


class Middleware(msgspec.Struct, frozen=True):
    """Something that sees every request of an application; `found` is its definition here."""

    name: str
    place: Place
    found: Located | None = None
    site: CallSite | None = None
    condition: str = ""
    """What must hold for it to be added at all, where the code does not settle it."""

    def bound(self, application: Application) -> Env:
        """What the call that adds it binds: `add_middleware(Auth, skip=[…])` fills its constructor."""
        if self.found is None or self.site is None:
            return {}
        code = application.code
        for ancestor in code.ancestry(self.found) if isinstance(self.found.node, t.Class) else ():
            if constructor := code.definition(f"{ancestor}.__init__"):
                inner = code.inside(constructor)
                given = ((k.name, k.value) for k in self.site.node.keywords)
                return {
                    (id(inner), name): Located(value, self.site.scope)
                    for name, value in given
                    if name
                }
        return {}


_AUTHENTICATION = "starlette.middleware.authentication.AuthenticationMiddleware"
IDENTIFIES = "AuthenticationMiddleware"


def _identifies(application: Application, guards: Guards, middleware: Middleware) -> Guard | None:
    """Starlette's AuthenticationMiddleware: its backend's word, where a credential is sent.

    https://www.starlette.io/authentication/: it leaves turning away those without one to the routes.
    """
    given = middleware.site.arg(None, "backend") if middleware.site is not None else None
    if given is None or middleware.site is None:
        return None
    name = application.code.name(given, middleware.site.scope).removesuffix("()")
    found = application.code.definition(name)
    for ancestor in application.code.ancestry(found) if found else ():
        if method := application.code.definition(f"{ancestor}.authenticate"):
            summary = guards.checks.summary(method)
            at = Place(method.path, method.node.line, method.node.column, 0, "authenticate")
            if summary.when_truthy is Strength.VERIFIED:
                reason = "verifies a credential where one is sent, and lets others pass"
                return Guard(IDENTIFIES, at, "middleware", Guarding.OPTIONAL, reason)
    return None


def verified_by_backend(guards: list[Guard], demanded: bool) -> list[Guard]:
    """Where a scheme demands a credential, the middleware that verifies any sent guards the route."""
    reason = "verifies the credential that the route demands"
    return [
        replace(g, state=Guarding.ENFORCED, reason=reason)
        if demanded and g.name == IDENTIFIES and g.state is Guarding.OPTIONAL
        else g
        for g in guards
    ]


def entry(code: Code, middleware: Middleware) -> Located | None:
    """The function of a middleware that sees the request."""
    found = middleware.found
    if found is None or isinstance(found.node, t.Function):
        return found
    for name in ("dispatch", "__call__"):
        for ancestor in code.ancestry(found):
            if method := code.definition(f"{ancestor}.{name}"):
                return method
    return None


def middleware_guard(
    application: Application, guards: Guards, middleware: Middleware, method: str, path: str
) -> Guard | None:
    """What a middleware demands of a request for one route."""
    short = re.split(r"[.:]", middleware.name)[-1]
    if middleware.name == _AUTHENTICATION:
        return _identifies(application, guards, middleware)
    function = entry(application.code, middleware)
    if function is None:
        if application.code.definition(middleware.name) is None and guards.may_guard(
            middleware.name
        ):
            reason = f"{middleware.name} lies outside this tree and is not known"
            return Guard(short, middleware.place, "middleware", Guarding.UNKNOWN, reason)
        return None
    tests = PathTests(application.values, method, path, env=middleware.bound(application))
    guard = guards.each_request(function, short, tests)
    if guard is not None and middleware.condition and guard.state is Guarding.ENFORCED:
        reason = f"{guard.reason}, but is only added when {middleware.condition}"
        return replace(guard, state=Guarding.OPTIONAL, reason=reason)
    return guard
