"""Flask and Quart: applications, and routes with what runs before them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from auditor.extract.python import tree as t
from auditor.frameworks.fastapi.application import unit_of
from auditor.frameworks.flask.apps import FlaskApps, Key
from auditor.frameworks.flask.guards import FlaskGuards
from auditor.frameworks.flask.nodes import Node
from auditor.frameworks.flask.routing import FlaskRouting, Found, converters
from auditor.frameworks.limits import Limits, of_limiter, short
from auditor.frameworks.visitors import public
from auditor.libraries.limiters import LIMITS, exempts_route
from auditor.link.application import Application, provides
from auditor.link.pathtests import PathTests
from auditor.link.scopes import Located, place_of
from auditor.model.blind import BlindSpot
from auditor.model.web import Guard, Guarding, Limit, Parameter, Route, UnusedGuard, WebApp

_TYPES = {"int": "builtins.int", "float": "builtins.float", "uuid": "uuid.UUID"}
_NARROW = {"int", "float", "uuid", "any"}


@provides(WebApp)
def flask_web_apps(application: Application) -> Iterator[WebApp]:
    (routing,) = application.facts(FlaskRouting)
    apps = _apps(routing)
    (found,) = application.facts(FlaskApps)
    serving = [
        (key, node)
        for key, node in apps
        if PurePosixPath(key[0]).stem in found.named or any(True for _ in routing.served(key))
    ]
    for (path, _, _), node in serving or apps:  # one without a route only holds a context for tasks
        names = [
            name
            for name, bindings in node.site.scope.bindings.items()
            if any(b.value is node.site.node for b in bindings)
        ]
        stem = PurePosixPath(path).stem
        entry = f"{stem}:{names[0]}" if names else stem
        yield WebApp(unit_of(path), node.framework, place_of(node.site), entry, node.site)


@provides(BlindSpot)
def flask_blind_spots(application: Application) -> list[BlindSpot]:
    (routing,) = application.facts(FlaskRouting)
    return list(dict.fromkeys(routing.blind))


def _apps(routing: FlaskRouting) -> list[tuple[Key, Node]]:
    return [(key, node) for key, node in routing.nodes.items() if node.kind == "app"]


@provides(Route)
def flask_routes(application: Application) -> Iterator[Route]:
    (routing,) = application.facts(FlaskRouting)
    if not routing.nodes:
        return
    guards, limits = FlaskGuards(application), Limits(application)
    for key, app in _apps(routing):
        builder = _Routes(application, routing, guards, limits, key, app)
        taken: set[tuple[str, str]] = set()
        for found in routing.served(key):
            for method in found.rule.methods:
                if (method, found.path) not in taken:
                    taken.add((method, found.path))
                    yield builder.route(method, found)


class _Routes:
    """Makes the routes of one application."""

    def __init__(
        self,
        application: Application,
        routing: FlaskRouting,
        guards: FlaskGuards,
        limits: Limits,
        key: Key,
        app: Node,
    ) -> None:
        self.application, self.routing = application, routing
        self.guards, self.limits = guards, limits
        self.app, self.unit = app, unit_of(key[0])
        self.wide = routing.wide_hooks(key)
        code = application.code
        exempting = [
            (site, code.name(site.node.func, site.scope)) for site in code.method_calls("exempt")
        ]
        limiting = [
            (site, code.name(site.node.func, site.scope))
            for site in code.method_calls("")
            if isinstance(site.node.func, t.Call)
        ]
        self.limiter_calls = [
            (site, name)
            for site, name in (*exempting, *limiting)
            if exempts_route(name) or LIMITS.match(name)
        ]

    def route(self, method: str, found: Found) -> Route:
        view = found.rule.view
        path = found.path or "/"
        marks = (m for a in view.decorators for m in self.guards.decorators.marks(a.found))
        tests = PathTests(self.application.values, method, path, found.endpoint, frozenset(marks))
        guards = [g for hook in self.wide for g in self.guards.hook(hook, "application", tests)]
        for node in found.trail:
            if node.kind == "blueprint":
                guards += [g for h in node.hooks for g in self.guards.hook(h, "router", tests)]
        around = [applied for node in found.trail for applied in node.decorators]
        for applied in (*around, *view.decorators):
            guards += self.guards.applied(applied, tests)
        if found.rule.demand is not None:
            guards.append(self.guards.demanded(found.rule.demand))
        if (gate := found.rule.gate) is not None:
            guards += self.guards.gate(gate.accessible) if gate.accessible is not None else []
            guards += self.guards.gate(gate.allowed) if gate.allowed is not None else []
            if gate.refused:
                guards.append(Guard(view.name, view.place, "class", Guarding.EXEMPT, gate.refused))
        if found.rule.closed:
            closed = f"{found.rule.closed} asks for who is signed in"
            guards.append(Guard(view.name, view.place, "decorator", Guarding.ENFORCED, closed))
        for decorator in view.above:
            guards += self.guards.above(decorator)
        guards += self.guards.inherited(view.owner)
        if view.owner is not None and view.function is not None:
            dispatch = self.routing.views.method(view.owner, "dispatch_request")
            if dispatch is not None and dispatch.key != view.function.key:
                if guard := self.guards.in_class(view.owner, dispatch, tests):
                    guards.append(guard)
        if view.function is not None:
            if body := self.guards.body(view.function, tests):
                guards.append(body)
        elif view.name != "<lambda>" and not (
            found.rule.gate or found.rule.public or found.rule.closed
        ):
            reason = f"what `{view.name}` does is made at run time"
            guards.append(Guard(view.name, view.place, "body", Guarding.UNKNOWN, reason))
        return Route(
            method,
            path,
            view.name,
            view.place,
            self.app.framework,
            self.unit,
            tuple(dict.fromkeys(guards)),
            tuple(dict.fromkeys(self._limits(found, tests))),
            tuple(self._parameters(path, found)),
            found.rule.public
            or public(self.application.code, method, _braced(path), view.function),
            view.function,
            self._dependencies(found),
            view.owner,
        )

    def _limits(self, found: Found, tests: PathTests) -> Iterator[Limit]:
        """Limits of decorators, hooks and the view's own body; else those that hold by default."""
        view = found.rule.view
        around = [applied for node in found.trail for applied in node.decorators]
        own = [
            limit
            for applied in (*around, *view.decorators)
            if (limit := self.limits.decorator(applied.found, applied.via, tests))
        ]
        yield from own
        if not own:
            yield from self._default_limits(found)
        yield from (limit for each in view.above if (limit := self.limits.above(each)))
        hooks = [h for node in found.trail if node.kind == "blueprint" for h in node.hooks]
        for via, each in (("application", self.wide), ("router", hooks)):
            for hook in each:
                if hook.function is not None:
                    name = hook.function.node.name  # type: ignore[attr-defined]
                    if limit := self.limits.running(hook.function, name, via, tests):
                        yield limit
        if view.function is not None:
            yield from self.limits.first([view.function], "body")

    def _default_limits(self, found: Found) -> list[Limit]:
        """Flask-Limiter's limits for every route, where neither route nor blueprint is exempt."""
        code = self.application.code
        names = [
            code.name(a.found.node, a.found.scope)  # type: ignore[arg-type]
            for a in found.rule.view.decorators
        ]
        if any(exempts_route(name) for name in names):
            return []
        nodes = {id(node) for node in found.trail}
        called: list[Limit] = []
        for site, name in self.limiter_calls:
            keys = self.routing.identify(site.arg(0), site.scope)
            if nodes.isdisjoint(id(self.routing.nodes[key]) for key in keys):
                continue
            if exempts_route(name):
                return []
            called.append(
                self.limits.by_limiter(Limit(short(name), place_of(site), "router"), name)
            )
        if called:
            return called
        default = [
            limiter
            for limiter in self.limits.known
            if limiter.default_limits and limiter.name == "Flask-Limiter"
        ]
        return [of_limiter(Limit(x.name, x.place, "application"), x) for x in default[:1]]

    def _dependencies(self, found: Found) -> tuple[Located, ...]:
        """The functions of the tree that run before the view, nearest first."""
        around = [applied for node in found.trail for applied in node.decorators]
        wrappers = [
            layer.wrapper
            for applied in reversed((*around, *found.rule.view.decorators))
            for layer in reversed(self.guards.layers(applied.found))
            if layer.wrapper is not None
        ]
        hooks = [h.function for n in reversed(found.trail) for h in n.hooks if n.kind != "app"]
        wide = [hook.function for hook in self.wide]
        return (*wrappers, *(f for f in (*hooks, *wide) if f is not None))

    def _parameters(self, path: str, found: Found) -> Iterator[Parameter]:
        for kind, name in converters(path):
            narrow = kind in _NARROW
            yield Parameter(
                name, "path", _TYPES.get(kind, "builtins.str"), narrow, found.rule.view.place
            )


@provides(UnusedGuard)
def unused_flask_guards(application: Application) -> Iterator[UnusedGuard]:
    """Decorators that would turn callers away, and that nothing mentions."""
    (routing,) = application.facts(FlaskRouting)
    if not routing.nodes:
        return
    guards, code = FlaskGuards(application), application.code
    found: dict[str, Located] = {}
    for function in code.functions():
        assert isinstance(function.node, t.Function)
        name = function.node.name
        if guards.sounds_like_guard(name) and not isinstance(function.scope.owner, t.Function):
            wrappers = [layer.wrapper for layer in guards.decorators.made_by(function)]
            if any(w is not None and guards.checks.summary(w).denies for w in wrappers):
                found[name] = function
    if not found:
        return
    words = {
        node.id if isinstance(node, t.Name) else node.name
        for module in code.modules.values()
        for node, _ in code.nodes(module)
        if isinstance(node, t.Name | t.Attr)
    }
    for name, function in found.items():
        if name not in words:
            yield UnusedGuard(name, place_of(function, name), "no view is decorated with it")


def _braced(path: str) -> str:
    """A path as `public_by_nature` reads it: `/items/{id}`."""
    return re.sub(r"<(?:[^:<>]+:)?([^:<>]+)>", r"{\1}", path)
