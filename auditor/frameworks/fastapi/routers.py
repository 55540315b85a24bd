"""FastAPI's and Starlette's routing table, put together as the framework does it.

https://fastapi.tiangolo.com/tutorial/bigger-applications/: a route's path is the prefix of each
include, of its router and its own; dependencies come from the application, the include, the router,
the decorator and the handler's parameters. A router is known by the call that creates it, wherever
its name travels; one that a function, loop or class creates several times is several routers, told
apart by what their names were bound to.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from auditor.extract.python import tree as t
from auditor.frameworks.fastapi.dependencies import Dependency, class_dependencies
from auditor.frameworks.middleware import Middleware
from auditor.libraries.routers import known_routes
from auditor.link.application import Application, provides
from auditor.link.contexts import agree, contexts_of
from auditor.link.scopes import CallSite, Located, Scope, argument
from auditor.link.values import Env, place_of
from auditor.model.blind import BlindSpot
from auditor.model.places import Place
from auditor.model.values import Known, Setting, Value, possible
from auditor.model.web import Guard

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
    "fastapi_restful.inferring_router.InferringRouter",
    "classy_fastapi.Routable",
}
_OBJECTS = {"classy_fastapi.Routable": "router"}
"""Classes whose methods are handlers, and the attribute of their objects that is the router."""
_VERBS = {"get", "post", "put", "delete", "patch", "options", "head", "trace"}
_PLAIN = {"route", "add_route", "websocket_route", "add_websocket_route"}
"""Registrations of Starlette's own, which know no dependencies."""
_REGISTERING = _VERBS | _PLAIN | {"api_route", "websocket"}
_PASS_ON = {"__init__", "add_api_route"}
_ADDERS = {
    "add_api_route", "add_route", "add_websocket_route", "add_api_websocket_route",
}  # fmt: skip
_MAX_DEPTH = 12

Key = tuple[str, int, int, int]
"""Where a router is created, and which of the several that are created there."""


@dataclass
class Endpoint:
    """One registration of a handler on a router.

    `plain` is one of Starlette's, to which FastAPI applies no dependencies; `guards` are known
    where the handler is a library's.
    """

    methods: tuple[str, ...]
    path: str
    function: Located | None
    name: str
    place: Place
    dependencies: list[Dependency]
    decorators: list[Located]
    above: list[Located] = field(default_factory=list)
    """Decorators above the one that registers the handler: the framework never calls them."""
    plain: bool = False
    guards: tuple[Guard, ...] = ()


@dataclass
class Inclusion:
    """One `include_router` or `mount` on a router."""

    key: Key
    prefix: str
    dependencies: list[Dependency]
    mounted: bool


@dataclass
class Router:
    """An application or router object, known by the call that creates it and its bindings."""

    site: CallSite
    framework: str
    env: Env = field(default_factory=dict)
    prefix: str = ""
    dependencies: list[Dependency] = field(default_factory=list)
    both_slashes: str = ""
    """The method of its class that registers each path with and without a slash at its end."""
    wrapper: Located | None = None
    """What its own route class runs around every handler."""
    endpoints: list[Endpoint] = field(default_factory=list)
    inclusions: list[Inclusion] = field(default_factory=list)
    middleware: list[Middleware] = field(default_factory=list)


class Routing:
    """Every router of the tree with what is registered on it, and what could not be told."""

    def __init__(self, application: Application) -> None:
        self.application = application
        self.code = application.code
        self.values = application.values
        self.contexts = contexts_of(self.values)
        self.routers: dict[Key, Router] = {}
        self.blind: list[BlindSpot] = []
        self._at: dict[tuple[str, int, int], list[Key]] = {}
        self._registered: set[tuple[object, ...]] = set()
        self._dynamic: list[tuple[Key, CallSite, str, list[Dependency]]] = []
        self._find_routers()
        if self.routers:
            self._find_decorated()
            self._find_methods()
            self._find_applied()
            self._find_calls()
            self._settle_prefixes()
            self._find_handed_out()
            self._adopt()

    # --- routers

    def _find_routers(self) -> None:
        kinds = dict(APPS) | dict.fromkeys(_ROUTERS, "")
        for found in self.code.classes():
            for name in self.code.ancestry(found)[1:]:
                if name in kinds:
                    kinds[self.code.ancestry(found)[0]] = kinds[name]
        for site in self.code.calls(*kinds):
            kind = self.code.name(site.node.func, site.scope)
            own = self.contexts.bound_by(site)
            for index, env in enumerate(self._runs(site.node, site.scope)):
                key = (*site.key, index)
                self.routers[key] = Router(site, kinds[kind], {**env, **own})
                self._at.setdefault(site.key, []).append(key)
        for key, router in self.routers.items():
            with self.values.within(router.env):
                self._describe(key, router)

    def _runs(self, node: t.Node, scope: Scope) -> list[Env]:
        """The bindings a place runs under: those it uses, and the loops it stands in."""
        turns = self.contexts.loops_at(node, scope)
        return [
            {**env, **turn}
            for env in self.contexts.of(node, scope)
            for turn in turns
            if agree(env, turn)
        ]

    def _describe(self, key: Key, router: Router) -> None:
        """What the call that creates a router says of it, or its class says for it."""
        site = router.site
        if prefix := self._given(site, "prefix"):
            router.prefix = self._text(prefix.node, prefix.scope)  # type: ignore[arg-type]
        if listed := self._given(site, "dependencies"):
            via = "application" if router.framework else "router"
            router.dependencies = self._listed(listed.node, listed.scope, via)  # type: ignore[arg-type]
        if route_class := self._given(site, "route_class"):
            name = self.code.name(route_class.node, route_class.scope)  # type: ignore[arg-type]
            router.wrapper = self._around(name)
        name = self.code.name(site.node.func, site.scope)
        router.both_slashes = self._registers_twice(name)
        own = name.endswith(("applications.Starlette", "routing.Router"))
        routes = site.arg(1 if own and not name.startswith("starlette.routing") else None, "routes")
        self._starlette_routes(routes or (site.arg(0) if own else None), site.scope, key)
        if name.endswith("routing.Mount"):
            for child in self.identify(site.arg(1, "app"), site.scope, router.env):
                router.inclusions.append(Inclusion(child, "", [], True))
        for items in self.values.sources(site.arg(None, "middleware"), site.scope):
            for item in items.node.items if isinstance(items.node, t.Seq) else []:
                if isinstance(item, t.Call) and item.args:
                    self._add_middleware(key, item.args[0], CallSite(item, items.scope))

    def _given(self, site: CallSite, keyword: str) -> Located | None:
        """An argument of the call that creates a router, or what its class passes on for it."""
        if (given := self.values.given(site, None, keyword)) is not None:
            return given
        found = self.code.defined(site.node.func, site.scope)
        if found is None or not isinstance(found.node, t.Class):
            return None
        for ancestor in self.code.ancestry(found):
            definition = self.code.definition(ancestor)
            if definition is None:
                continue
            for method in definition.node.body:  # type: ignore[attr-defined]
                if isinstance(method, t.Function) and method.name in _PASS_ON:
                    inner = self.code.inside(Located(method, self.code.inside(definition)))
                    for node in t.walk(*method.body):
                        if passed := _passed_on(node, keyword):
                            return Located(passed, inner)
            for origin in self.values.attribute(definition, keyword):
                return origin
        return None

    def _registers_twice(self, name: str) -> str:
        """The method of a router class of the tree that calls its base's twice, for two paths."""
        found = self.code.definition(name)
        for ancestor in self.code.ancestry(found) if found else ():
            for method in ("api_route", "add_api_route"):
                override = self.code.definition(f"{ancestor}.{method}")
                if override is not None:
                    nodes = t.walk(*override.node.body)  # type: ignore[attr-defined]
                    calls = [n for n in nodes if isinstance(n, t.Call)]
                    own = [c for c in calls if isinstance(c.func, t.Attr) and c.func.name == method]
                    return method if len(own) > 1 else ""
        return ""

    def _around(self, name: str) -> Located | None:
        """What a route class of the tree runs instead of the handler: its `get_route_handler`."""
        found = self.code.definition(name)
        for ancestor in self.code.ancestry(found) if found else ():
            if self.code.definition(f"{ancestor}.get_route_handler"):
                inner = self.code.definition(self.code.result(f"{ancestor}.get_route_handler"))
                if inner is not None and isinstance(inner.node, t.Function):
                    return inner
        return None

    def identify(self, expr: t.Expr | None, scope: Scope, env: Env | None = None) -> list[Key]:
        """The routers that an expression may stand for."""
        with self.values.within(env or {}):
            found = [s.key for s in self.values.sources(expr, scope) if s.key in self._at]
            several = any(len(self._at[key]) > 1 for key in found)
            behind = self.contexts.behind(expr, scope) if several else {}
        if not found:
            if isinstance(expr, t.Attr) and expr.name in _OBJECTS.values():
                return [k for k in self.identify(expr.value, scope, env) if self._made_of(k)]
            return self._by_type(expr, scope)
        bound = {**(env or {}), **behind}
        keys = [key for at in found for key in self._at[at]]
        return [key for key in keys if agree(self.routers[key].env, bound)] or keys

    def _by_type(self, expr: t.Expr | None, scope: Scope) -> list[Key]:
        """A parameter that is an application, such as a lifespan's: the one of its module."""
        if self.code.name(expr, scope).removesuffix("()") not in APPS:
            return []
        apps = [key for key, router in self.routers.items() if router.framework]
        here = [key for key in apps if key[0] == scope.module.path]
        return here or (apps if len(apps) == 1 else [])

    # --- registrations

    def _find_decorated(self) -> None:
        for found in [*self.code.functions(), *self.code.classes()]:
            for decorator in found.node.decorators:  # type: ignore[attr-defined]
                if isinstance(decorator, t.Call) and isinstance(decorator.func, t.Attr):
                    self._decorated(found, decorator, decorator.func)
                if isinstance(decorator, t.Call):
                    self._through_helper(found, decorator)

    def _decorated(self, found: Located, call: t.Call, func: t.Attr) -> None:
        if func.name == "middleware":
            for key in self.identify(func.value, found.scope):
                name = self.code.own_name(found)
                condition = self._condition(found.node, found.scope)
                if condition is not None:
                    added = Middleware(name, place_of(found), found, None, condition)
                    self.routers[key].middleware.append(added)
            return
        if func.name not in _REGISTERING and "websocket" not in func.name:
            return
        decorators: list[t.Expr] = found.node.decorators  # type: ignore[attr-defined]
        at = decorators.index(call)
        for env in self._runs(call, found.scope):
            for key in self.identify(func.value, found.scope, env):
                with self.values.within({**self.routers[key].env, **env}):
                    for endpoint in self._endpoints(found, func.name, call, found.scope):
                        endpoint.above = [Located(d, found.scope) for d in decorators[:at]]
                        endpoint.decorators = [
                            Located(d, found.scope)
                            for d in decorators[at + 1 :]
                            if not _registers(d)
                        ]
                        self._register(key, endpoint)

    def _made_of(self, key: Key) -> list[Located]:
        """The class whose object a router is of, and those of its base classes whose methods it serves."""
        site = self.routers[key].site
        made = self.code.defined(site.node.func, site.scope)
        if made is None or not isinstance(made.node, t.Class):
            return []
        ancestry = self.code.ancestry(made)
        if not _OBJECTS.keys() & set(ancestry):
            return []
        return [found for name in ancestry if (found := self.code.definition(name))]

    def _find_methods(self) -> None:
        """`class Users(Routable)` with `@get("/me")` on its methods, served by `Users().router`."""
        for key, router in self.routers.items():
            for owner in self._made_of(key):
                inner = self.code.inside(owner)
                for method in owner.node.body:  # type: ignore[attr-defined]
                    for at, decorator in enumerate(getattr(method, "decorators", ())):
                        if not isinstance(decorator, t.Call):
                            continue
                        package, _, verb = self.code.name(decorator.func, inner).rpartition(".")
                        if verb in _REGISTERING and f"{package}.Routable" in _OBJECTS:
                            with self.values.within(router.env):
                                found = Located(method, inner)
                                for endpoint in self._endpoints(found, verb, decorator, inner):
                                    endpoint.decorators = [
                                        Located(d, inner) for d in method.decorators[at + 1 :]
                                    ]
                                    self._register(key, endpoint)

    def _through_helper(self, found: Located, call: t.Call) -> None:
        """`@protected(router.get, "/x")`: a decorator of the tree that registers for the handler."""
        for given in call.args:
            if not (isinstance(given, t.Attr) and given.name in _VERBS):
                continue
            helper = self.code.defined(call.func, found.scope)
            keys = self.identify(given.value, found.scope)
            if helper is None or not isinstance(helper.node, t.Function) or not keys:
                continue
            texts = (self.values.text(a, found.scope) for a in call.args if a is not given)
            path = next((text for text in texts if text is not None), "{?}")
            name = found.node.name  # type: ignore[attr-defined]
            listed, wrappers = self._helped(helper, CallSite(call, found.scope))
            dependencies = [*listed, *self._parameters(found)]
            at = place_of(found, name)
            methods = (given.name.upper(),)
            for key in keys:
                self._register(
                    key, Endpoint(methods, path, found, name, at, dependencies, wrappers)
                )

    def _helped(self, helper: Located, site: CallSite) -> tuple[list[Dependency], list[Located]]:
        """What a registering decorator adds: dependencies, and decorators around the handler."""
        assert isinstance(helper.node, t.Function)
        listed: list[Dependency] = []
        wrappers: list[Located] = []
        functions = [n for n in t.walk(*helper.node.body) if isinstance(n, t.Function)]
        with self.values.within(self.contexts.bound_by(site)):
            for function in [helper.node, *functions]:
                scope = helper.scope.module.scopes[id(function)]
                taken = {param.name for param in function.params}
                for node in t.walk_own(*function.body):
                    if not isinstance(node, t.Call):
                        continue
                    listed += self._listed(argument(node, None, "dependencies"), scope, "decorator")
                    match node:
                        case t.Call(func=t.Call() | t.Name() as wrapper, args=[t.Name(id=name)]):
                            if name in taken:
                                wrappers.append(Located(wrapper, scope))
        return listed, wrappers

    def _endpoints(
        self, found: Located | None, verb: str, call: t.Call, scope: Scope
    ) -> Iterator[Endpoint]:
        """What a registration serves: one function, or the methods of a class of handlers."""
        path = self._text(argument(call, 0, "path"), scope)
        plain = verb in _PLAIN
        listed = self._keyword_listed(CallSite(call, scope), "decorator")
        if found is not None and isinstance(found.node, t.Class):
            inner = self.code.inside(found)
            for method in found.node.body:
                if isinstance(method, t.Function) and method.name in _VERBS:
                    served = Located(method, inner)
                    at = place_of(served, method.name)
                    name = f"{found.node.name}.{method.name}"
                    decorators = [Located(d, inner) for d in method.decorators]
                    verbs = (method.name.upper(),)
                    yield Endpoint(verbs, path, served, name, at, [], decorators, plain=True)
            return
        methods = self._methods(verb, call, scope)
        if not methods:
            return
        handler = argument(call, 1, "endpoint", "route")
        name = t.dotted(handler).rpartition(".")[2] or "?"
        if found is None:
            at = place_of(Located(call, scope))
            yield Endpoint(methods, path, None, name, at, listed, [], plain=plain)
            return
        name = found.node.name  # type: ignore[attr-defined]
        dependencies = [*listed, *class_dependencies(self.values, found), *self._parameters(found)]
        yield Endpoint(
            methods, path, found, name, place_of(found, name), dependencies, [], plain=plain
        )

    def _register(self, key: Key, endpoint: Endpoint, added: bool = False) -> None:
        """Add an endpoint once, however many ways lead to its registration.

        `added` tells that it was no decorator: those go through `api_route` to `add_api_route`.
        """
        what = id(endpoint.function.node) if endpoint.function else endpoint.place
        mark = (key, endpoint.methods, endpoint.path, what)
        if mark not in self._registered:
            self._registered.add(mark)
            self.routers[key].endpoints.append(endpoint)
            if self.routers[key].both_slashes in (
                ("add_api_route",) if added else ("api_route", "add_api_route")
            ):
                bare = endpoint.path.rstrip("/")
                other = bare if endpoint.path != bare else bare + "/"
                self.routers[key].endpoints.append(replace(endpoint, path=other))

    def _methods(self, name: str, call: t.Call, scope: Scope) -> tuple[str, ...]:
        if name in _VERBS:
            return (name.upper(),)
        if "websocket" in name:
            return ("WEBSOCKET",)
        listed = self.values.value(
            argument(call, 2 if name in ("add_route", "route") else None, "methods"), scope
        )
        for known in possible(listed):
            if isinstance(known.value, list):
                return tuple(str(m).upper() for m in known.value)
        return ("GET",)

    def _find_applied(self) -> None:
        """`handler = router.post("/x")(handler)`: a decorator that is called like a function."""
        for site in self.code.all_calls():
            match site.node:
                case t.Call(
                    func=t.Call(func=t.Attr(name=verb, value=on)) as made, args=[given]
                ) if verb in _REGISTERING:
                    keys = self.identify(on, site.scope)
                    function = self._handed(given, site.scope) if keys else None
                    for endpoint in self._endpoints(function, verb, made, site.scope):
                        for key in keys if function is not None else ():
                            self._register(key, endpoint)

    def _handed(self, expr: t.Expr, scope: Scope) -> Located | None:
        """The handler that an expression names, also where the call's result takes its name."""
        if isinstance(expr, t.Name) and (found := self.code.find(expr.id, scope)):
            where, bindings = found
            for binding in bindings:
                if isinstance(binding.node, t.Function):
                    return Located(binding.node, where)
        return self._callable(expr, scope)

    def _find_calls(self) -> None:
        for site in self.code.method_calls("include_router", "mount", *sorted(_ADDERS)):
            if not isinstance(site.node.func, t.Attr):
                continue
            for env in self._runs(site.node, site.scope):
                with self.values.within(env):
                    if self._never(site):
                        continue
                for key in self.identify(site.node.func.value, site.scope, env):
                    with self.values.within({**self.routers[key].env, **env}):
                        if site.node.func.name in _ADDERS:
                            self._added(key, site)
                        else:
                            self._included(key, site, env)
        for site in self.code.method_calls("add_middleware"):
            if isinstance(site.node.func, t.Attr):
                for key in self.identify(site.node.func.value, site.scope):
                    self._add_middleware(key, site.arg(0, "middleware_class"), site)

    def _settle_prefixes(self) -> None:
        """Where a router is included under a prefix that is known, others of it are alternatives.

        `if BASE: app.mount(BASE, api) else: app.mount("/api", api)` with a base from the host.
        """
        for router in self.routers.values():
            told = {i.key for i in router.inclusions if "{?}" not in i.prefix}
            router.inclusions = [
                i for i in router.inclusions if "{?}" not in i.prefix or i.key not in told
            ]

    def _adopt(self) -> None:
        """Routers that nothing includes by name, where a router that is found at run time is.

        `for file in folder: app.include_router(import_module(file).router)`: they are taken to be the
        ones that are found, below the including file's own top folder.
        """
        if not self._dynamic:
            return
        included = {i.key for r in self.routers.values() for i in r.inclusions}
        for key, router in list(self.routers.items()):
            if router.framework or key in included or not router.endpoints:
                continue
            for parent, site, prefix, listed in self._dynamic:
                if parent != key and key[0].split("/")[0] == site.path.split("/")[0]:
                    self.routers[parent].inclusions.append(Inclusion(key, prefix, listed, False))
                    break

    def _find_handed_out(self) -> None:
        """Applications and empty routers that are given to code outside of the tree."""
        empty = {key: r for key, r in self.routers.items() if not (r.endpoints or r.inclusions)}
        apps = {key: r for key, r in self.routers.items() if r.framework}
        names = {variables(router) for router in (empty | apps).values()} - {""}
        for site in self.code.all_calls() if names else ():
            func = site.node.func
            if isinstance(func, t.Attr) and func.name in ("include_router", "mount"):
                continue
            for given in site.node.args:
                if isinstance(given, t.Name) and given.id in names:
                    callee = self.code.name(func, site.scope)
                    handed = set(self.identify(given, site.scope)) if ":" not in callee else set()
                    for key in sorted(handed & apps.keys()):
                        self._known(key, site, callee)
                    if handed & empty.keys():
                        what = callee or t.dotted(func)
                        told = f"{what} may add routes to `{given.id}`, which lie outside this tree"
                        self.blind.append(BlindSpot(place_of(site), "routes", told))

    def _known(self, key: Key, site: CallSite, callee: str) -> bool:
        """The routes that a call of a well-known library adds, or its router brings."""
        routes = known_routes(callee)
        for method, path, guard in routes:
            at = place_of(site)
            guards = (Guard(guard[2], at, "include", guard[0], guard[1]),) if guard else ()
            name = callee.rpartition(".")[2].removesuffix("()")
            self._register(key, Endpoint((method,), path, None, name, at, [], [], guards=guards))
        return bool(routes)

    def _included(self, key: Key, site: CallSite, env: Env) -> None:
        assert isinstance(site.node.func, t.Attr)
        mounted = site.node.func.name == "mount"
        position, named = (1, "app") if mounted else (0, "router")
        given = self.values.given(site, position, named)
        child: t.Expr | None = given.node if given else None  # type: ignore[assignment]
        at = CallSite(site.node, given.scope if given else site.scope)
        path = self.values.given(site, *((0, "path") if mounted else (None, "prefix")))
        prefix = self._text(path.node, path.scope) if path else ""  # type: ignore[arg-type]
        listed = self._keyword_listed(site, "include")
        keys = self.identify(child, at.scope, {**self.routers[key].env, **env})
        if not keys:
            keys = self._from_library(at, child, prefix)
        if (
            not keys
            and not mounted
            and "{?}" not in prefix
            and _found_at_run_time(self.code.name(child, at.scope))
        ):
            self._dynamic.append((key, site, prefix, listed))
        for child_key in keys:
            if child_key == key:
                continue  # known by its type only: `def attach(app: FastAPI): app.mount("/x", ours)`
            mark = (key, child_key, prefix, site.key)
            if mark not in self._registered:
                self._registered.add(mark)
                self.routers[key].inclusions.append(Inclusion(child_key, prefix, listed, mounted))

    def _from_library(self, site: CallSite, child: t.Expr | None, prefix: str) -> list[Key]:
        """A router that a library makes: its routes where they are known, else a blind spot."""
        for source in self.values.sources(child, site.scope):
            name = self.code.name(source.node, source.scope)  # type: ignore[arg-type]
            if isinstance(source.node, t.Call) and known_routes(name):
                made = CallSite(source.node, source.scope)
                key = (*made.key, 0)
                self.routers[key] = Router(made, "")
                self._at[made.key] = [key]
                self._known(key, made, name)
                return [key]
        self._unidentified(site, child, prefix)
        return []

    def _unidentified(self, site: CallSite, child: t.Expr | None, prefix: str) -> None:
        name = self.code.name(child, site.scope)
        if name.endswith("StaticFiles()"):
            return
        what = name.removesuffix("()") or t.dotted(child) or "an expression"
        told = f"the routes of {what} under {prefix or '/'} come from outside this tree"
        self.blind.append(BlindSpot(place_of(site), "routes", told))

    def _added(self, key: Key, site: CallSite) -> None:
        assert isinstance(site.node.func, t.Attr)
        function = self._callable(site.arg(1, "endpoint", "route"), site.scope)
        for endpoint in self._endpoints(function, site.node.func.name, site.node, site.scope):
            if function is not None and not isinstance(function.node, t.Class):
                endpoint.decorators = _decorators(function)
            self._register(key, endpoint, added=True)

    def _starlette_routes(self, expr: t.Expr | None, scope: Scope, key: Key) -> None:
        """`routes=[Route("/x", handler), Mount("/y", routes=[…])]`, lists added up."""
        match expr:
            case None:
                return
            case t.BinOp(op="+", left=left, right=right):
                self._starlette_routes(left, scope, key)
                self._starlette_routes(right, scope, key)
                return
        for source in self.values.sources(expr, scope):
            if isinstance(source.node, t.BinOp) and source.node is not expr:
                self._starlette_routes(source.node, source.scope, key)
            for item in source.node.items if isinstance(source.node, t.Seq) else []:
                if isinstance(item, t.Star):
                    self._starlette_routes(item.value, source.scope, key)
                for each in self.values.sources(item, source.scope):
                    if isinstance(each.node, t.Call):
                        self._route_object(key, CallSite(each.node, each.scope))

    def _route_object(self, key: Key, site: CallSite) -> None:
        name = self.code.name(site.node.func, site.scope)
        if name.endswith("routing.Mount"):
            prefix = self._text(site.arg(0, "path"), site.scope)
            for child in self._at.get(site.key, ()):
                self.routers[key].inclusions.append(Inclusion(child, prefix, [], True))
        elif name.endswith(("routing.Route", "routing.APIRoute", "routing.WebSocketRoute")):
            function = self._callable(site.arg(1, "endpoint"), site.scope)
            verb = "websocket_route" if name.endswith("WebSocketRoute") else "route"
            for endpoint in self._endpoints(function, verb, site.node, site.scope):
                if function is not None and not isinstance(function.node, t.Class):
                    endpoint.decorators = _decorators(function)
                endpoint.plain = not name.endswith("APIRoute")
                self._register(key, endpoint)

    def _add_middleware(self, key: Key, what: t.Expr | None, site: CallSite) -> None:
        name = self.code.name(what, site.scope)
        condition = self._condition(site.node, site.scope)
        if name and condition is not None:
            found = self.code.definition(name)
            added = Middleware(name, place_of(site), found, site, condition)
            self.routers[key].middleware.append(added)

    def _condition(self, node: t.Node, scope: Scope) -> str | None:
        """What decides at run time whether a statement runs; None where it never does."""
        for test, outcome in self.contexts.conditions(node, scope):
            value = self._debugs(test, scope) or self.values.value(test, scope)
            settled = next((k.value for k in possible(value)), None)
            if not isinstance(value, Known | Setting) or settled is None:
                return f"`{t.dotted(_subject(test)) or 'a test'}` says so"
            if isinstance(value, Known) and bool(settled) != outcome:
                return None
            if bool(settled) != outcome:
                return f"{value.name} says so" if isinstance(value, Setting) else "a test says so"
        return ""

    def _never(self, site: CallSite) -> bool:
        """Whether the code itself keeps a registration from being run, in debug mode for example."""
        handed = {p.name for p in site.function.params} if site.function else set()
        for test, outcome in self.contexts.conditions(site.node, site.scope):
            named = {n.id for n in t.walk_own(test) if isinstance(n, t.Name)}
            told = self._debugs(test, site.scope)
            if told is None and (not named & handed or self.values.is_bound(test, site.scope)):
                told = self.values.value(test, site.scope)
            if isinstance(told, Known) and bool(told.value) != outcome:
                return True
        return False

    def _debugs(self, test: t.Expr, scope: Scope) -> Value | None:
        """`if app.debug:`: what the application was given, which is False where it was given nothing."""
        if not (isinstance(test, t.Attr) and test.name == "debug"):
            return None
        for key in self.identify(test.value, scope):
            router = self.routers[key]
            if router.framework:
                given = self.values.given(router.site, None, "debug")
                if given is None:
                    return Known(False, place_of(router.site))
                return self.values.value(given.node, given.scope)  # type: ignore[arg-type]
        return None

    def _callable(self, expr: t.Expr | None, scope: Scope) -> Located | None:
        """The handler that an expression names; a bound variable's, a method's by its instance."""
        if expr is None:
            return None
        if found := self.values.method(expr, scope):
            return found
        for source in self.values.sources(expr, scope):
            if isinstance(source.node, t.Name | t.Attr):
                if found := self.values.method(source.node, source.scope):
                    return found
            elif isinstance(source.node, t.Call) and isinstance(source.node.func, t.Name):
                if source.node.func.id in ("partial", "wraps") and source.node.args:
                    return self._callable(source.node.args[0], source.scope)
        return None

    # --- dependencies and texts

    def _keyword_listed(self, site: CallSite, via: str) -> list[Dependency]:
        """What a call lists as `dependencies=`, by itself or in the options that it spreads."""
        given = self.values.given(site, None, "dependencies")
        return self._listed(given.node, given.scope, via) if given else []  # type: ignore[arg-type]

    def _listed(self, expr: t.Expr | None, scope: Scope, via: str) -> list[Dependency]:
        """`dependencies=[Depends(a), Security(b)]`, followed through variables."""
        found: list[Dependency] = []
        match expr:
            case None:
                return found
            case t.BinOp(op="+", left=left, right=right):
                return [*self._listed(left, scope, via), *self._listed(right, scope, via)]
            case t.BoolOp(values=values):
                return [each for value in values for each in self._listed(value, scope, via)]
        for source in self.values.sources(expr, scope):
            if isinstance(source.node, t.BinOp | t.BoolOp) and source.node is not expr:
                found += self._listed(source.node, source.scope, via)
                continue
            items = source.node.items if isinstance(source.node, t.Seq) else [source.node]
            for item in items:
                if isinstance(item, t.Star):
                    found += self._listed(item.value, source.scope, via)
                    continue
                for each in self.values.sources(item, source.scope):  # type: ignore[arg-type]
                    if dependency := Dependency.of(self.values, each.node, each.scope, via):  # type: ignore[arg-type]
                        found.append(dependency)
        return found

    def _parameters(self, function: Located) -> list[Dependency]:
        assert isinstance(function.node, t.Function)
        return [
            dependency
            for param in function.node.params
            if (dependency := Dependency.of_parameter(self.values, param, function.scope))
        ]

    def _text(self, expr: t.Expr | None, scope: Scope, depth: int = 4) -> str:
        """A text, with `{?}` for the parts that cannot be told."""
        if expr is None:
            return ""
        match expr if depth else None:
            case t.Text(parts=parts):
                return "".join(self._text(part, scope, depth - 1) for part in parts)
            case t.BinOp(op="+", left=left, right=right):
                return self._text(left, scope, depth - 1) + self._text(right, scope, depth - 1)
            case t.Choice(test=test, then=then, other=other):
                return self._text(
                    other if self._holds(test, scope) is False else then, scope, depth - 1
                )
            case t.Name() | t.Attr():
                for origin in self.values.origins(expr, scope):
                    if isinstance(origin.node, t.Text | t.BinOp | t.Choice) and self._reached(
                        origin
                    ):
                        return self._text(origin.node, origin.scope, depth - 1)
        text = self.values.text(expr, scope)
        return "{?}" if text is None else text

    def _holds(self, test: t.Expr, scope: Scope) -> bool | None:
        """The outcome of a test, settings taken as they are by default; None where it is not told."""
        told = next(possible(self.values.value(test, scope)), None)
        return None if told is None else bool(told.value)

    def _reached(self, found: Located) -> bool:
        """Whether a statement runs, as far as the tests around it can be told."""
        tests = self.contexts.conditions(found.node, found.scope)
        return all(self._holds(test, found.scope) in (None, outcome) for test, outcome in tests)

    # --- the routing table

    def apps(self) -> list[tuple[Key, Router]]:
        """Applications that are not mounted inside another, and that somebody makes."""
        inside = {i.key[:3] for r in self.routers.values() for i in r.inclusions}
        found = {k: r for k, r in self.routers.items() if r.framework and k[:3] not in inside}
        several = Counter(path for path, *_ in found)
        unused = {k for k, r in found.items() if several[k[0]] > 1 and self._only_defined(r)}
        made = {key[0] for key in found if key not in unused}
        return [(k, r) for k, r in found.items() if k not in unused or k[0] not in made]

    def _only_defined(self, router: Router) -> bool:
        """Whether a factory makes an application, and nothing in the tree calls it or hands it on.

        A server may be told to call it, but hardly where its module has an application ready.
        """
        factory = self.code.enclosing(router.site.scope)
        if factory is None or factory.scope.parent is not None:
            return False
        name: str = factory.node.name  # type: ignore[attr-defined]
        return not any(True for _ in self.code.method_calls(name)) and not any(
            isinstance(given, t.Name) and given.id == name
            for site in self.code.all_calls()
            for given in [*site.node.args, *(k.value for k in site.node.keywords)]
        )

    def walk(
        self, key: Key, prefix: str, above: list[Dependency], trail: tuple[Key, ...]
    ) -> Iterator[tuple[str, Endpoint, list[Dependency], tuple[Key, ...]]]:
        """(path, endpoint, dependencies from outside in, routers passed) of all routes below."""
        router = self.routers[key]
        if key in trail or len(trail) > _MAX_DEPTH:
            return
        trail = (*trail, key)
        prefix += "" if router.framework else router.prefix
        above = [*above, *router.dependencies]
        for endpoint in router.endpoints:
            yield prefix + endpoint.path, endpoint, [] if endpoint.plain else above, trail
        for inclusion in router.inclusions:
            mounted = inclusion.mounted
            below = [] if mounted else [*above, *inclusion.dependencies]
            inner = prefix + (inclusion.prefix.rstrip("/") if mounted else inclusion.prefix)
            yield from self.walk(inclusion.key, inner, below, trail)


def _decorators(function: Located | None) -> list[Located]:
    if function is None or not isinstance(function.node, t.Function):
        return []
    return [Located(d, function.scope) for d in function.node.decorators]


def _found_at_run_time(name: str) -> bool:
    return not name or name.startswith(("builtins.", "importlib."))


def _subject(test: t.Expr) -> t.Expr:
    """What a test is about: its first name or attribute."""
    found = (n for n in t.walk_own(test) if isinstance(n, t.Name | t.Attr))
    return next(found, test)


def _registers(decorator: t.Expr) -> bool:
    match decorator:
        case t.Call(func=t.Attr(name=name)):
            return name in _VERBS or name in ("api_route", "websocket")
    return False


def _passed_on(node: t.Node, keyword: str) -> t.Expr | None:
    """What `super().__init__(keyword=…)` or `kwargs["keyword"] = …` passes on."""
    match node:
        case t.Call(func=t.Attr(name=name)) if name in _PASS_ON:
            return argument(node, None, keyword)
        case t.Call(func=t.Attr(name="setdefault"), args=[t.Const(value=str(key)), value]):
            return value if key == keyword else None
        case t.Assign(targets=[t.Item(index=t.Const(value=str(key)))], value=value):
            return value if key == keyword else None
    return None


def variables(router: Router) -> str:
    """The name that a router is bound to where it is created."""
    for name, bindings in router.site.scope.bindings.items():
        if any(b.value is router.site.node for b in bindings):
            return name
    return ""


@provides(Routing)
def routing(application: Application) -> list[Routing]:
    return [Routing(application)]


@provides(BlindSpot)
def unseen_routes(application: Application) -> list[BlindSpot]:
    (found,) = application.facts(Routing)
    return found.blind
