"""FastAPI and Starlette: applications, routers, routes, and what runs before a handler.

The routing table is put together as the framework does it (https://fastapi.tiangolo.com/tutorial/
bigger-applications/): a route's path is the prefix of each include, of its router and its own;
dependencies come from the application, the include, the router, the decorator and the handler's
parameters. A router is known by the call that creates it, wherever its name travels.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from auditor.extract.python import tree as t
from auditor.frameworks.dependencies import Dependency, DependencyGuards
from auditor.frameworks.middleware import Middleware, middleware_guard
from auditor.frameworks.public import public_by_nature
from auditor.libraries.limiters import exempts_route, limits_everything, limits_route
from auditor.link.application import Application, provides
from auditor.link.names import CallSite, Located, Scope, argument
from auditor.link.values import place_of
from auditor.model.blind import BlindSpot
from auditor.model.places import Place
from auditor.model.values import possible
from auditor.model.web import Guard, Limit, Route, UnusedGuard, WebApp

APPS = {
    "fastapi.FastAPI": "FastAPI",
    "fastapi.applications.FastAPI": "FastAPI",
    "starlette.applications.Starlette": "Starlette",
}
_ROUTERS = {
    "fastapi.APIRouter",
    "fastapi.routing.APIRouter",
    "starlette.routing.Router",
    "starlette.routing.Mount",
    "fastapi_utils.inferring_router.InferringRouter",
}
_VERBS = {"get", "post", "put", "delete", "patch", "options", "head", "trace"}
_SOCKETS = {"websocket", "websocket_route"}
_LISTED = {"api_route", "route"}
_ADDERS = {
    "add_api_route", "add_route", "add_websocket_route", "add_api_websocket_route",
}  # fmt: skip
_MAX_DEPTH = 12

Key = tuple[str, int, int]


@dataclass
class _Endpoint:
    """One registration of a handler on a router."""

    methods: tuple[str, ...]
    path: str
    function: Located | None
    name: str
    place: Place
    dependencies: list[Dependency]
    decorators: list[Located]


@dataclass
class _Inclusion:
    """One `include_router` or `mount` on a router."""

    key: Key
    prefix: str
    dependencies: list[Dependency]
    mounted: bool
    at: tuple[str, int]


@dataclass
class _Router:
    """An application or router object, known by the call that creates it."""

    site: CallSite
    framework: str
    prefix: str
    dependencies: list[Dependency]
    endpoints: list[_Endpoint] = field(default_factory=list)
    inclusions: list[_Inclusion] = field(default_factory=list)
    middleware: list[Middleware] = field(default_factory=list)


@dataclass
class Routing:
    """Every router of the tree with what is registered on it, and what could not be told."""

    application: Application
    routers: dict[Key, _Router] = field(default_factory=dict)
    blind: list[BlindSpot] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.code = self.application.code
        self.values = self.application.values
        self._find_routers()
        self._find_decorated()
        self._find_calls()
        self._find_handed_out()

    # --- routers

    def _find_routers(self) -> None:
        kinds = dict(APPS) | dict.fromkeys(_ROUTERS, "")
        for found in self.code.classes():
            for name in self.code.ancestry(found)[1:]:
                if name in kinds:
                    kinds[self.code.ancestry(found)[0]] = kinds[name]
        for site in self.code.calls(*kinds):
            name = self.code.name(site.node.func, site.scope)
            router = _Router(
                site,
                kinds[name],
                self._text(site.arg(None, "prefix"), site.scope) or self._own_prefix(name),
                self._listed(site.arg(None, "dependencies"), site.scope, "router"),
            )
            if router.framework:
                for dependency in router.dependencies:
                    dependency.via = "application"
            self.routers[site.key] = router
            self._starlette_routes(site.arg(None, "routes"), site.scope, site.key)
            if name.endswith("routing.Mount"):
                self._mount_object(site)
            listed = self.values.sources(site.arg(None, "middleware"), site.scope)
            for items in listed:
                if isinstance(items.node, t.Seq):
                    for item in items.node.items:
                        if isinstance(item, t.Call) and item.args:
                            self._add_middleware(
                                site.key, item.args[0], CallSite(item, items.scope)
                            )

    def _own_prefix(self, name: str) -> str:
        """The prefix that a router class of the tree gives its base class."""
        found = self.code.definition(name)
        if found is None:
            return ""
        for node in t.walk(*found.node.body):  # type: ignore[attr-defined]
            if isinstance(node, t.Call) and isinstance(node.func, t.Attr):
                if node.func.name == "__init__" and (prefix := argument(node, None, "prefix")):
                    return self._text(prefix, self.code.inside(found))
        return ""

    def identify(self, expr: t.Expr | None, scope: Scope, env: dict[str, Located]) -> list[Key]:
        """The routers that an expression may stand for."""
        if isinstance(expr, t.Name) and expr.id in env:
            located = env[expr.id]
            return self.identify(located.node, located.scope, {})  # type: ignore[arg-type]
        found = [s.key for s in self.values.sources(expr, scope) if s.key in self.routers]
        return found or self._by_type(expr, scope)

    def _by_type(self, expr: t.Expr | None, scope: Scope) -> list[Key]:
        """A parameter that is an application, such as a lifespan's: the one of its module."""
        if self.code.name(expr, scope).removesuffix("()") not in APPS:
            return []
        apps = [key for key, router in self.routers.items() if router.framework]
        here = [key for key in apps if key[0] == scope.module.path]
        return here or (apps if len(apps) == 1 else [])

    # --- registrations

    def _find_decorated(self) -> None:
        for function in self.code.functions():
            assert isinstance(function.node, t.Function)
            for decorator in function.node.decorators:
                if isinstance(decorator, t.Call) and isinstance(decorator.func, t.Attr):
                    self._decorated(function, decorator, decorator.func)

    def _decorated(self, function: Located, call: t.Call, func: t.Attr) -> None:
        if func.name in ("middleware", "exception_handler", "on_event"):
            if func.name == "middleware":
                for key in self.identify(func.value, function.scope, {}):
                    at = place_of(function)
                    name = self.code.name(t.Name(*_at(call), _own_name(function)), function.scope)
                    self.routers[key].middleware.append(Middleware(name, at, function))
            return
        methods = self._methods(func.name, call, function.scope)
        if not methods:
            return
        path = self._text(argument(call, 0, "path"), function.scope)
        assert isinstance(function.node, t.Function)
        endpoint = _Endpoint(
            methods,
            path,
            function,
            function.node.name,
            place_of(function, function.node.name),
            [
                *self._listed(argument(call, None, "dependencies"), function.scope, "decorator"),
                *self._parameters(function),
            ],
            [Located(d, function.scope) for d in function.node.decorators if d is not call],
        )
        for key in self.identify(func.value, function.scope, {}):
            self.routers[key].endpoints.append(endpoint)

    def _methods(self, name: str, call: t.Call, scope: Scope) -> tuple[str, ...]:
        if name in _VERBS:
            return (name.upper(),)
        if name in _SOCKETS or "websocket" in name:
            return ("WEBSOCKET",)
        if name in _LISTED or name in _ADDERS:
            listed = self.values.value(
                argument(call, 2 if name == "add_route" else None, "methods"), scope
            )
            for known in possible(listed):
                if isinstance(known.value, list):
                    return tuple(str(m).upper() for m in known.value)
            return ("GET",)
        return ()

    def _find_calls(self) -> None:
        for site in self.code.method_calls("include_router", "mount", *sorted(_ADDERS)):
            if not isinstance(site.node.func, t.Attr):
                continue
            for env in self._expansions(site):
                for key in self.identify(site.node.func.value, site.scope, env):
                    if site.node.func.name in _ADDERS:
                        self._added(key, site, env)
                    else:
                        self._included(key, site, env)
        for site in self.code.method_calls("add_middleware"):
            if isinstance(site.node.func, t.Attr):
                for key in self.identify(site.node.func.value, site.scope, {}):
                    self._add_middleware(key, site.arg(0, "middleware_class"), site)

    def _find_handed_out(self) -> None:
        """Routers without routes of their own that are given to code outside of the tree."""
        empty = {key: r for key, r in self.routers.items() if not (r.endpoints or r.inclusions)}
        names = {_variables(router) for router in empty.values()} - {""}
        for site in self.code.all_calls() if names else ():
            func = site.node.func
            if isinstance(func, t.Attr) and func.name in ("include_router", "mount"):
                continue
            for given in site.node.args:
                if isinstance(given, t.Name) and given.id in names:
                    callee = self.code.name(func, site.scope)
                    handed = set(self.identify(given, site.scope, {})) & empty.keys()
                    if handed and ":" not in callee:
                        what = callee or t.dotted(func)
                        told = f"{what} may add routes to `{given.id}`, which lie outside this tree"
                        self.blind.append(BlindSpot(place_of(site), "routes", told))

    def _expansions(self, site: CallSite) -> list[dict[str, Located]]:
        """Bindings of loop variables when the call stands in a loop over a literal sequence."""
        names = {n.id for n in t.walk_own(site.node) if isinstance(n, t.Name)}
        for name in sorted(names):
            found = self.code.find(name, site.scope)
            if not found:
                continue
            where, bindings = found
            loops = [b for b in bindings if b.kind == "element" and b.value is not None]
            if not loops or not isinstance(loops[0].node, t.For):
                continue
            expanded = []
            for source in self.values.sources(loops[0].value, where):
                items = source.node.items if isinstance(source.node, t.Seq) else []
                for item in items:
                    expanded.append(_bind(loops[0].node.target, item, source.scope))
            return expanded or [{}]
        return [{}]

    def _included(self, key: Key, site: CallSite, env: dict[str, Located]) -> None:
        assert isinstance(site.node.func, t.Attr)
        mounted = site.node.func.name == "mount"
        child = site.arg(1, "app") if mounted else site.arg(0, "router")
        prefix = self._text(
            site.arg(0, "path") if mounted else site.arg(None, "prefix"), site.scope, env
        )
        keys = self.identify(child, site.scope, env)
        if not keys:
            self._unidentified(site, child, prefix)
        dependencies = self._listed(site.arg(None, "dependencies"), site.scope, "include")
        for child_key in keys:
            inclusion = _Inclusion(
                child_key, prefix, dependencies, mounted, (site.path, site.node.line)
            )
            self.routers[key].inclusions.append(inclusion)

    def _unidentified(self, site: CallSite, child: t.Expr | None, prefix: str) -> None:
        name = self.code.name(child, site.scope)
        if name.endswith("StaticFiles()"):
            return
        what = name.removesuffix("()") or t.dotted(child) or "an expression"
        self.blind.append(
            BlindSpot(
                place_of(site),
                "routes",
                f"the routes of {what} under {prefix or '/'} come from outside this tree",
            )
        )

    def _added(self, key: Key, site: CallSite, env: dict[str, Located]) -> None:
        assert isinstance(site.node.func, t.Attr)
        handler = site.arg(1, "endpoint", "route")
        function = self._callable(handler, site.scope, env)
        endpoint = _Endpoint(
            self._methods(site.node.func.name, site.node, site.scope),
            self._text(site.arg(0, "path"), site.scope, env),
            function,
            t.dotted(handler).rpartition(".")[2] or "?",
            place_of(function or site),
            [
                *self._listed(site.arg(None, "dependencies"), site.scope, "decorator"),
                *(self._parameters(function) if function else []),
            ],
            _decorators(function),
        )
        self.routers[key].endpoints.append(endpoint)

    def _starlette_routes(self, expr: t.Expr | None, scope: Scope, key: Key) -> None:
        """`routes=[Route("/x", handler), Mount("/y", routes=[…])]`."""
        if expr is None:
            return
        for source in self.values.sources(expr, scope):
            for item in source.node.items if isinstance(source.node, t.Seq) else []:
                if not isinstance(item, t.Call):
                    continue
                site = CallSite(item, source.scope)
                name = self.code.name(item.func, source.scope)
                if name.endswith(("routing.Route", "routing.APIRoute", "routing.WebSocketRoute")):
                    self._route_object(key, site, name)
                elif name.endswith("routing.Mount"):
                    prefix = self._text(site.arg(0, "path"), source.scope)
                    at = (site.path, item.line)
                    self.routers[key].inclusions.append(_Inclusion(site.key, prefix, [], True, at))

    def _route_object(self, key: Key, site: CallSite, name: str) -> None:
        function = self._callable(site.arg(1, "endpoint"), site.scope, {})
        listed = self.values.value(site.arg(None, "methods"), site.scope)
        named = next((k.value for k in possible(listed) if isinstance(k.value, list)), ["GET"])
        methods = ("WEBSOCKET",) if name.endswith("WebSocketRoute") else tuple(map(str, named))
        self.routers[key].endpoints.append(
            _Endpoint(
                methods,
                self._text(site.arg(0, "path"), site.scope),
                function,
                t.dotted(site.arg(1, "endpoint")).rpartition(".")[2],
                place_of(function or site),
                [],
                _decorators(function),
            )
        )

    def _mount_object(self, site: CallSite) -> None:
        for child in self.identify(site.arg(1, "app"), site.scope, {}):
            at = (site.path, site.node.line)
            self.routers[site.key].inclusions.append(_Inclusion(child, "", [], True, at))

    def _add_middleware(self, key: Key, what: t.Expr | None, site: CallSite) -> None:
        name = self.code.name(what, site.scope)
        if name:
            found = self.code.definition(name)
            self.routers[key].middleware.append(Middleware(name, place_of(site), found, site))

    def _callable(
        self, expr: t.Expr | None, scope: Scope, env: dict[str, Located]
    ) -> Located | None:
        if isinstance(expr, t.Name) and expr.id in env:
            located = env[expr.id]
            return self._callable(located.node, located.scope, {})  # type: ignore[arg-type]
        found = self.code.defined(expr, scope) if expr is not None else None
        return found if found and isinstance(found.node, t.Function) else None

    # --- dependencies and texts

    def _listed(self, expr: t.Expr | None, scope: Scope, via: str) -> list[Dependency]:
        """`dependencies=[Depends(a), Security(b)]`, followed through variables."""
        found: list[Dependency] = []
        if expr is None:
            return found
        for source in self.values.sources(expr, scope):
            items = source.node.items if isinstance(source.node, t.Seq) else [source.node]
            for item in items:
                for each in self.values.sources(item, source.scope):  # type: ignore[arg-type]
                    if dependency := Dependency.of(self.code, each.node, each.scope, via):  # type: ignore[arg-type]
                        found.append(dependency)
        return found

    def _parameters(self, function: Located) -> list[Dependency]:
        assert isinstance(function.node, t.Function)
        return [
            dependency
            for param in function.node.params
            if (dependency := Dependency.of_parameter(self.values, param, function.scope))
        ]

    def _text(
        self, expr: t.Expr | None, scope: Scope, env: dict[str, Located] | None = None
    ) -> str:
        if expr is None:
            return ""
        if env and isinstance(expr, t.Name) and expr.id in env:
            return self._text(env[expr.id].node, env[expr.id].scope)  # type: ignore[arg-type]
        text = self.values.text(expr, scope)
        if text is None and isinstance(expr, t.Text):
            parts = [self._text(part, scope, env) for part in expr.parts]
            return "".join(parts)
        return "{?}" if text is None else text

    # --- the routing table

    def apps(self) -> list[tuple[Key, _Router]]:
        """Applications that are not mounted inside another."""
        inside = {i.key for r in self.routers.values() for i in r.inclusions}
        return [(k, r) for k, r in self.routers.items() if r.framework and k not in inside]

    def walk(
        self, key: Key, prefix: str, above: list[Dependency], trail: tuple[Key, ...]
    ) -> Iterator[tuple[str, _Endpoint, list[Dependency], tuple[Key, ...]]]:
        """(path, endpoint, dependencies from outside in, routers passed) of all routes below."""
        router = self.routers[key]
        if key in trail or len(trail) > _MAX_DEPTH:
            return
        trail = (*trail, key)
        prefix += "" if router.framework else router.prefix
        above = [*above, *router.dependencies]
        for endpoint in router.endpoints:
            yield prefix + endpoint.path, endpoint, above, trail
        for inclusion in router.inclusions:
            mounted = inclusion.mounted
            below = [] if mounted else [*above, *inclusion.dependencies]
            inner = prefix + (inclusion.prefix.rstrip("/") if mounted else inclusion.prefix)
            yield from self.walk(inclusion.key, inner, below, trail)


def _bind(target: t.Expr, item: t.Expr, scope: Scope) -> dict[str, Located]:
    match target, item:
        case t.Name(id=name), _:
            return {name: Located(item, scope)}
        case t.Seq(items=names), t.Seq(items=values):
            bound: dict[str, Located] = {}
            for part, value in zip(names, values, strict=False):
                bound |= _bind(part, value, scope)
            return bound
    return {}


def _decorators(function: Located | None) -> list[Located]:
    if function is None or not isinstance(function.node, t.Function):
        return []
    return [Located(d, function.scope) for d in function.node.decorators]


def _at(node: t.Node) -> tuple[int, int, int]:
    return node.line, node.column, node.end_line


def _own_name(function: Located) -> str:
    assert isinstance(function.node, t.Function)
    return function.node.name


@provides(Routing)
def routing(application: Application) -> list[Routing]:
    return [Routing(application)]


@provides(BlindSpot)
def unseen_routes(application: Application) -> list[BlindSpot]:
    (found,) = application.facts(Routing)
    return found.blind


@provides(WebApp)
def web_apps(application: Application) -> Iterator[WebApp]:
    (found,) = application.facts(Routing)
    for (path, _, _), router in found.apps():
        module = PurePosixPath(path)
        names = _variables(router)
        entry = f"{module.stem}:{names}" if names else module.stem
        yield WebApp(unit_of(path), router.framework, place_of(router.site), entry, router.site)


def _variables(router: _Router) -> str:
    for name, bindings in router.site.scope.bindings.items():
        if any(b.value is router.site.node for b in bindings):
            return name
    return ""


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
    for key, app in found.apps():
        taken: set[tuple[str, str]] = set()
        unit = unit_of(key[0])
        for path, endpoint, above, trail in found.walk(key, "", [], ()):
            middleware = [m for k in trail for m in found.routers[k].middleware]
            for method in endpoint.methods:
                full = path or "/"
                if (method, full) in taken:
                    continue
                taken.add((method, full))
                yield _route(
                    application, guards, app, unit, method, full, endpoint, above, middleware
                )


def _route(
    application: Application,
    guards: DependencyGuards,
    app: _Router,
    unit: str,
    method: str,
    path: str,
    endpoint: _Endpoint,
    above: list[Dependency],
    middleware: list[Middleware],
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
        if limits_everything(application, each.name):
            if exempt:
                continue
            limits.append(Limit(_short(each.name), each.place, "middleware"))
        elif guard := middleware_guard(application, guards, each, method, path):
            found.append(guard)
    if endpoint.function is not None and (guard := guards.body(endpoint.function)):
        found.append(guard)
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
    routes = application.facts(Route)
    used = {d.key for route in routes for d in _all(route, guards)}
    used |= {route.function.key for route in routes if route.function is not None}
    places = {(g.place.path, g.place.line) for route in routes for g in route.guards}
    for function in application.code.functions():
        name = _own_name(function)
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
    name = _own_name(function)
    return any(
        site.scope.function is not function.node for site in application.code.method_calls(name)
    )
