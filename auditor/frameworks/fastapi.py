"""FastAPI and Starlette: applications, routes, and what runs before a handler."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from auditor.extract.python import tree as t
from auditor.frameworks.dependencies import Dependency, DependencyGuards
from auditor.frameworks.fastapi_routers import Endpoint, Router, Routing, variables
from auditor.frameworks.middleware import Middleware, middleware_guard, verified_by_backend
from auditor.frameworks.public import public_by_nature
from auditor.libraries.limiters import exempts_route, limits_everything, limits_route
from auditor.link.application import Application, provides
from auditor.link.names import Located
from auditor.link.values import place_of
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
def routes(application: Application) -> Iterator[Route]:
    (found,) = application.facts(Routing)
    guards = DependencyGuards(application)
    added = {m.name for router in found.routers.values() for m in router.middleware}
    limiting = {name for name in added if limits_everything(application, name)}
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
                    limiting,
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
    limiting: set[str],
    wrapper: Located | None,
) -> Route:
    dependencies = [*above, *endpoint.dependencies]
    found: list[Guard] = []
    limits: list[Limit] = []
    for dependency in dependencies:
        found += guards.of(dependency)
        if limits_route(application.code, dependency.name):
            limits.append(Limit(dependency.short, dependency.place, dependency.via))
    for decorator in endpoint.decorators:
        name = application.code.name(decorator.node, decorator.scope)  # type: ignore[arg-type]
        if limits_route(application.code, name):
            limits.append(Limit(_short(name), place_of(decorator), "decorator", _rate(decorator)))
        elif guard := guards.decorator(decorator, name):
            found.append(guard)
    exempt = any(exempts_route(application.code.name(d.node, d.scope)) for d in endpoint.decorators)  # type: ignore[arg-type]
    for each in middleware:
        if each.name in limiting:
            if exempt:
                continue
            limits.append(Limit(_short(each.name), each.place, "middleware"))
        elif guard := middleware_guard(application, guards, each, method, path):
            found.append(guard)
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
        public_by_nature(method, path),
        endpoint.function,
        tuple(d.target for d in dependencies if d.target is not None),
    )


def short_name(found: Located) -> str:
    return found.scope.qualname.partition(".")[0] or "a route class"


def _short(name: str) -> str:
    return re.split(r"[.:]", name.replace("()", ""))[-1]


def _rate(decorator: Located) -> str:
    match decorator.node:
        case t.Call(args=[t.Const(value=str(rate)), *_]):
            return rate
    return ""


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
    for function in application.code.functions():
        name: str = function.node.name  # type: ignore[attr-defined]
        if function.key in used or (function.path, function.node.line) in places:
            continue
        if not guards.sounds_like_guard(name) or _validates_field(function):
            continue
        if guards.means_to_guard(function) and not _called(application, function):
            yield UnusedGuard(name, place_of(function, name), "no route depends on it")


def _validates_field(function: Located) -> bool:
    """A pydantic validator looks at a field, not at a caller."""
    return any("validator" in t.dotted(_plain(d)) for d in function.node.decorators)  # type: ignore[attr-defined]


def _plain(decorator: t.Expr) -> t.Expr:
    return decorator.func if isinstance(decorator, t.Call) else decorator


def _all(route: Route, guards: DependencyGuards) -> Iterator[Located]:
    for dependency in route.dependencies:
        yield dependency
        yield from guards.below(dependency)


def _called(application: Application, function: Located) -> bool:
    name = function.node.name  # type: ignore[attr-defined]
    return any(
        site.scope.function is not function.node for site in application.code.method_calls(name)
    )
