"""FastAPI's and Starlette's routing table, put together as the framework does it.

https://fastapi.tiangolo.com/tutorial/bigger-applications/: a route's path is the prefix of each
include, of its router and its own; dependencies come from the application, the include, the router,
the decorator and the handler's parameters. A router is known by the call that creates it, wherever
its name travels; one that a function, loop or class creates several times is several routers, told
apart by what their names were bound to.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from auditor.extract.python import tree as t
from auditor.frameworks.fastapi.dependencies import Dependency, class_dependencies
from auditor.frameworks.fastapi.reading import APPS, OBJECTS, Reading
from auditor.frameworks.fastapi.router import Endpoint, Inclusion, Key, Router, variables
from auditor.frameworks.middleware import Middleware
from auditor.libraries.routers import known_routes
from auditor.link.application import Application, provides
from auditor.link.origins import Env
from auditor.link.scopes import CallSite, Located, Scope, argument, place_of
from auditor.model.blind import BlindSpot
from auditor.model.values import possible
from auditor.model.web import Guard

_ROUTERS = {
    "fastapi.APIRouter",
    "fastapi.routing.APIRouter",
    "starlette.routing.Router",
    "starlette.routing.Mount",
    "fastapi_utils.inferring_router.InferringRouter",
    "fastapi_restful.inferring_router.InferringRouter",
    "classy_fastapi.Routable",
}
_VERBS = {"get", "post", "put", "delete", "patch", "options", "head", "trace"}
_PLAIN = {"route", "add_route", "websocket_route", "add_websocket_route"}
"""Registrations of Starlette's own, which know no dependencies."""
_REGISTERING = _VERBS | _PLAIN | {"api_route", "websocket"}
_ADDERS = {
    "add_api_route", "add_route", "add_websocket_route", "add_api_websocket_route",
}  # fmt: skip
_MAX_DEPTH = 12


class Routing(Reading):
    """Every router of the tree with what is registered on it, and what could not be told."""

    def __init__(self, application: Application) -> None:
        super().__init__(application)
        self.blind: list[BlindSpot] = []
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
                        if verb in _REGISTERING and f"{package}.Routable" in OBJECTS:
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
        for site in self.code.method_calls("middleware"):  # `app.middleware("http")(limit)`
            applied = self._applied.get(id(site.node))
            if applied is not None and isinstance(site.node.func, t.Attr):
                for key in self.identify(site.node.func.value, site.scope):
                    self._add_middleware(key, applied.arg(0), applied)

    @functools.cached_property
    def _applied(self) -> dict[int, CallSite]:
        """The calls of what a call has given: `middleware("http")(limit)`, by the inner one."""
        return {
            id(site.node.func): site
            for site in self.code.method_calls("")
            if isinstance(site.node.func, t.Call)
        }

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


def _registers(decorator: t.Expr) -> bool:
    match decorator:
        case t.Call(func=t.Attr(name=name)):
            return name in _VERBS or name in ("api_route", "websocket")
    return False


@provides(Routing)
def routing(application: Application) -> list[Routing]:
    return [Routing(application)]


@provides(BlindSpot)
def unseen_routes(application: Application) -> list[BlindSpot]:
    (found,) = application.facts(Routing)
    return found.blind
