"""FastAPI and Starlette: applications, routes, and what runs before a handler."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from auditor.extract.python import tree as t
from auditor.frameworks.fastapi.dependencies import Dependency, DependencyGuards
from auditor.frameworks.fastapi.router import Endpoint, Router, variables
from auditor.frameworks.fastapi.routers import Routing
from auditor.frameworks.limits import Limits
from auditor.frameworks.middleware import (
    Middleware,
    entry,
    middleware_guard,
    verified_by_backend,
)
from auditor.frameworks.visitors import public
from auditor.libraries.limiters import exempts_route
from auditor.link.application import Application, provides
from auditor.link.pathtests import PathTests
from auditor.link.scopes import Located, arguments, place_of
from auditor.model.web import Guard, Limit, Route, UnusedGuard, WebApp


@provides(WebApp)
def web_apps(application: Application) -> Iterator[WebApp]:
    (found,) = application.facts(Routing)
    for (path, *_), router in found.apps():
        module = PurePosixPath(path)
        names = variables(router)
        entry = f"{module.stem}:{names}" if names else module.stem
        yield WebApp(unit_of(path), router.framework, place_of(router.site), entry, router.site)


def unit_of(path: str) -> str:
    """The directory that names an application: `backend` for `backend/app/main.py`."""
    parents = [p.name for p in PurePosixPath(path).parents if p.name]
    outer = [p for p in parents if p not in ("app", "src", "api", "server", "application")]
    directories = str(PurePosixPath(path).parent)
    if not parents:
        return "."
    return directories if len(outer) == len(parents) else (outer[0] if outer else directories)


@provides(Route)
def routes(application: Application) -> list[Route]:
    """Every route once: an application that a factory makes for several callers is one."""
    return list(dict.fromkeys(_routes(application)))


def _routes(application: Application) -> Iterator[Route]:
    (found,) = application.facts(Routing)
    guards = DependencyGuards(application)
    limits = Limits(application)
    for key, app in found.apps():
        taken: set[tuple[str, str]] = set()
        unit = unit_of(key[0])
        for path, endpoint, above, trail in found.walk(key, "", [], ()):
            middleware = [m for k in trail for m in found.routers[k].middleware]
            wrapper = found.routers[trail[-1]].wrapper
            for method in endpoint.methods:
                full = path or "/"
                if (method, full) in taken:
                    continue
                taken.add((method, full))
                yield _route(
                    application,
                    guards,
                    app,
                    unit,
                    method,
                    full,
                    endpoint,
                    above,
                    middleware,
                    limits,
                    wrapper,
                )


def _route(
    application: Application,
    guards: DependencyGuards,
    app: Router,
    unit: str,
    method: str,
    path: str,
    endpoint: Endpoint,
    above: list[Dependency],
    middleware: list[Middleware],
    limiting: Limits,
    wrapper: Located | None,
) -> Route:
    dependencies = [*above, *endpoint.dependencies]
    found: list[Guard] = []
    for dependency in dependencies:
        found += guards.of(dependency)
    for decorator in endpoint.decorators:
        name = application.code.name(decorator.node, decorator.scope)  # type: ignore[arg-type]
        if guard := guards.decorator(decorator, name):
            found.append(guard)
    for each in middleware:
        if guard := middleware_guard(application, guards, each, method, path):
            found.append(guard)
    limits = [
        *_limits(limiting, guards, dependencies, endpoint),
        *_middleware_limits(limiting, middleware, endpoint, method, path),
    ]
    if wrapper is not None and guards.checks.summary(wrapper).denies:
        found.append(Guard(short_name(wrapper), place_of(wrapper), "class", *guards.judge(wrapper)))
    if endpoint.function is not None and (guard := guards.body(endpoint.function)):
        found.append(guard)
    found = verified_by_backend(found, any(guards.demands(d) for d in dependencies))
    found += [*endpoint.guards, *(g for d in endpoint.above if (g := guards.skipped(d)))]
    return Route(
        method,
        path,
        endpoint.name,
        endpoint.place,
        app.framework,
        unit,
        tuple(dict.fromkeys(found)),
        tuple(limits),
        guards.inputs(endpoint.function, path),
        public(application.code, method, path, endpoint.function),
        endpoint.function,
        tuple(d.target for d in dependencies if d.target is not None),
    )


def short_name(found: Located) -> str:
    return found.scope.qualname.partition(".")[0] or "a route class"


def _limits(
    limits: Limits, guards: DependencyGuards, dependencies: list[Dependency], endpoint: Endpoint
) -> Iterator[Limit]:
    """What limits a handler by itself: dependencies, theirs, decorators, its own body."""
    for dependency in dependencies:
        if dependency.target is None:
            if limit := limits.named(dependency.name, dependency.place, dependency.via):
                yield limit
        else:
            below = [dependency.target, *guards.below(dependency.target)]
            yield from limits.first(below, dependency.via)
    for decorator in endpoint.decorators:
        if limit := limits.decorator(decorator, "decorator"):
            yield limit
    for decorator in endpoint.above:
        if limit := limits.above(decorator):
            yield limit
    if endpoint.function is not None:
        yield from limits.first([endpoint.function], "body")


def _middleware_limits(
    limits: Limits, middleware: list[Middleware], endpoint: Endpoint, method: str, path: str
) -> Iterator[Limit]:
    code = limits.code
    exempt = any(exempts_route(code.name(d.node, d.scope)) for d in endpoint.decorators)  # type: ignore[arg-type]
    for each in middleware:
        name = re.split(r"[.:]", each.name)[-1]
        function = entry(code, each)
        if function is not None:
            tests = PathTests(limits.application.values, method, path, env=each.bound(limits.application))  # fmt: skip
            limit = limits.running(function, name, "middleware", tests)
            limit = limit or limits.made(each.name, each.place, path)
        else:
            limit = limits.made(each.name, each.place, path)
        if limit is not None and not (exempt and function is None):
            yield limit


@provides(UnusedGuard)
def unused_guards(application: Application) -> Iterator[UnusedGuard]:
    """Functions that mean to guard and that no route, router or application depends on."""
    guards = DependencyGuards(application)
    routes = [r for r in application.facts(Route) if r.framework in ("FastAPI", "Starlette")]
    if not routes:
        return  # guards of other frameworks are none of ours
    used = {d.key for route in routes for d in _all(route, guards)}
    used |= {route.function.key for route in routes if route.function is not None}
    places = {(g.place.path, g.place.line) for route in routes for g in route.guards}
    handed_over: set[str] | None = None
    for function in application.code.functions():
        name: str = function.node.name  # type: ignore[attr-defined]
        if function.key in used or (function.path, function.node.line) in places:
            continue
        if not guards.sounds_like_guard(name) or "optional" in name or _decorated(function):
            continue
        if not any(guards.could_be_injected(f) for f in _made_by(application, function)):
            continue
        if guards.means_to_guard(function) and not _called(application, function):
            if handed_over is None:
                handed_over = _handed_over(application)
            if name not in handed_over:
                yield UnusedGuard(name, place_of(function, name), "no route depends on it")


def _made_by(application: Application, function: Located) -> Iterator[Located]:
    """A function, and those that it makes: `def require(role): def check(user=Depends(…))`."""
    yield function
    inner = application.code.inside(function)
    for stmt in function.node.body:  # type: ignore[attr-defined]
        if isinstance(stmt, t.Function):
            yield from _made_by(application, Located(stmt, inner))


def _decorated(function: Located) -> bool:
    """Whether a decorator takes a function over: a loader it registers, a validator of a field."""
    names = (
        t.last_word(t.callee(d))
        for d in function.node.decorators  # type: ignore[attr-defined]
    )
    return any(name not in _PLAIN_DECORATORS for name in names)


_PLAIN_DECORATORS = {"staticmethod", "classmethod", "wraps", "lru_cache", "cache", "inject"}


def _handed_over(application: Application) -> set[str]:
    """Plain names of what is passed to calls or decorates: `add_api_route("/back", self.authorize)`."""
    passed = {
        t.last_word(given)
        for site in application.code.all_calls()
        for given in arguments(site.node)
        if isinstance(given, t.Name | t.Attr)
    }
    decorating = {
        t.last_word(t.callee(decorator))
        for function in application.code.functions()
        for decorator in function.node.decorators  # type: ignore[attr-defined]
    }
    return passed | decorating


def _all(route: Route, guards: DependencyGuards) -> Iterator[Located]:
    for dependency in route.dependencies:
        yield dependency
        yield from guards.below(dependency)


def _called(application: Application, function: Located) -> bool:
    name = function.node.name  # type: ignore[attr-defined]
    return any(
        site.scope.function is not function.node for site in application.code.method_calls(name)
    )
