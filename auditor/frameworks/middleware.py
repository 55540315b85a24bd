"""Middleware as a guard: what it demands, and of which paths.

A middleware lets a request pass by calling the next application. Tests of the request's path
(`if request.url.path in PUBLIC: return await call_next(request)`) are decided for each route, so
that every route gets its own answer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from auditor.extract.python import tree as t
from auditor.link.application import Application
from auditor.link.checks import Checks, Strength
from auditor.link.names import CallSite, Code, Located
from auditor.link.pathtests import PathTests
from auditor.model.places import Place
from auditor.model.web import Guard, Guarding


@dataclass(frozen=True, slots=True)
class Middleware:
    """Something that sees every request of an application; `found` is its definition here."""

    name: str
    place: Place
    found: Located | None = None
    site: CallSite | None = None


_KNOWN = {
    "starlette.middleware.authentication.AuthenticationMiddleware": (
        Guarding.OPTIONAL,
        "identifies the caller, and leaves turning away to the routes",
    ),
}


_BY_BEST = {
    Strength.VERIFIED: Guarding.OPTIONAL,
    Strength.DEFAULT_SECRET: Guarding.OPTIONAL,
    Strength.OUTSIDE: Guarding.UNKNOWN,
}
"""What a middleware is when not every way through it checks the same."""


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
    application: Application, checks: Checks, middleware: Middleware, method: str, path: str
) -> Guard | None:
    """What a middleware demands of a request for one route."""
    short = re.split(r"[.:]", middleware.name)[-1]
    if known := _KNOWN.get(middleware.name):
        return (
            None
            if known[0] is Guarding.OPTIONAL
            else Guard(short, middleware.place, "middleware", *known)
        )
    function = entry(application.code, middleware)
    if function is None:
        return None
    summary = checks.summary(function)
    if not summary.denies:
        return None
    decided = checks.summary(function, PathTests(application.values, method, path))
    notes = "; ".join(decided.notes)
    strength = decided.guaranteed
    if strength is Strength.VERIFIED:
        state, reason = Guarding.ENFORCED, "verifies the credential of every request to this path"
    elif strength is Strength.DEFAULT_SECRET:
        state, reason = Guarding.ENFORCED, notes
    elif strength is Strength.OUTSIDE:
        state, reason = Guarding.UNKNOWN, notes
    elif not decided.rejects:
        return None  # an exception for this path
    else:
        best = max((e.strength for e in decided.exits), default=Strength.NONE)
        state = _BY_BEST.get(best, Guarding.DECORATIVE)
        reason = notes or "looks only at the form of the credential, never verifies it"
    at = Place(function.path, function.node.line, function.node.column, 0, short)
    return Guard(short, at, "middleware", state, reason)
