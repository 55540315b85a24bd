"""Flask's routing table: what is registered where, and under which path.

Put together as Flask does it (https://flask.palletsprojects.com/en/stable/blueprints/): a
blueprint's prefix is the one given when it is registered, else its own; nested ones are joined with
one slash. APIs of Flask-RESTful and Flask-RESTX join their parts as they are. Each application,
blueprint, API and namespace is known by the call that creates it, wherever its name travels.
"""

from __future__ import annotations

import dataclasses
import functools
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import msgspec
from msgspec.structs import replace

from auditor.extract.python import tree as t
from auditor.frameworks.decorators import Applied
from auditor.frameworks.flask.admin import Administrations
from auditor.frameworks.flask.apps import FlaskApps, Key
from auditor.frameworks.flask.connexion import Connexion
from auditor.frameworks.flask.extensions import Extensions
from auditor.frameworks.flask.nodes import UNTOLD, Child, Hook, Node, Nodes, Rule
from auditor.frameworks.flask.views import VERBS, View, Views
from auditor.link.application import Application, provides
from auditor.link.contexts import contexts_of
from auditor.link.scopes import CallSite, Located, Scope, place_of
from auditor.model.blind import BlindSpot
from auditor.model.values import possible

_SHORT = {*VERBS, "websocket"}
_ROUTE = {"route", "resource", "doc_route"}
_HOOKS = (
    "before_request", "before_app_request", "url_value_preprocessor", "app_url_value_preprocessor",
)  # fmt: skip
_WIDE = ("before_app_request", "app_url_value_preprocessor")
_IGNORED_METHODS = {"HEAD", "OPTIONS"}
_MAX_DEPTH = 12


class Found(msgspec.Struct, frozen=True):
    """A rule as an application serves it."""

    path: str
    endpoint: str
    rule: Rule
    trail: tuple[Node, ...]


@dataclass
class FlaskRouting:
    """Every node of the tree with what is registered on it, and what could not be told."""

    application: Application
    nodes: dict[Key, Node] = field(default_factory=dict)
    blind: list[BlindSpot] = field(default_factory=list)

    def __post_init__(self) -> None:
        (self.apps,) = self.application.facts(FlaskApps)
        self._dynamic: list[tuple[Key, CallSite]] = []
        self._inner: set[int] = set()
        if not self.apps.used:
            return
        self.code = self.application.code
        self.values = self.application.values
        self.contexts = contexts_of(self.values)
        self.views = Views(self.values)
        self.making = Nodes(self.values, self.apps, self.views, self.blind)
        self.nodes = self.making.found()
        self.extensions = Extensions(self.application)
        self._find_attachments()
        self._find_decorator_lists()
        self._find_decorated()
        self._find_calls()
        self._find_hooks()
        self._find_administrations()
        self._find_extensions()
        self._settle_dynamic()

    def _prefix(self, site: CallSite, position: int | None, name: str) -> str | None:
        given = site.arg(position, name)
        return self.making.prefix(Located(given, site.scope) if given is not None else None, site)

    def identify(self, expr: t.Expr | None, scope: Scope) -> list[Key]:
        """The nodes that an expression may stand for."""
        found = [s.key for s in self.values.sources(expr, scope)]
        found = list(dict.fromkeys(key for key in found if key in self.nodes))
        if found or expr is None:
            return found
        if isinstance(expr, t.Attr) and expr.name == "app":  # connexion's, and wrappers of one
            return self.identify(expr.value, scope) or self.apps.identify(expr, scope)
        return self.apps.identify(expr, scope)

    # --- what is registered on what

    def _find_attachments(self) -> None:
        """`Api(app)`, `api.init_app(blueprint)`, `Namespace("x", api=api)`, `api.namespace("x")`."""
        for key, node in list(self.nodes.items()):
            site = node.site
            if node.kind in ("api", "registry"):
                self._attach(key, site.arg(0, "app", "blueprint"), site.scope)
            elif node.kind == "namespace":
                self._attach(key, site.arg(None, "api"), site.scope)
                match site.node.func:
                    case t.Attr(value=owner, name="namespace"):
                        self._attach(key, owner, site.scope)
        for site in self.code.method_calls("init_app"):
            if isinstance(site.node.func, t.Attr):
                for key in self._keys_of(site.node.func.value, site.scope, "api", "registry"):
                    self._attach(key, site.arg(0, "app"), site.scope)

    def _find_decorator_lists(self) -> None:
        """`api.decorators = [guard]`, after the API has been made."""
        for assign, scope in self.code.of_kind(t.Assign):
            match assign:
                case t.Assign(targets=[t.Attr(value=owner, name="decorators")], value=listed):
                    for key in self._keys_of(owner, scope, "api", "namespace", "blueprint"):
                        found = self.views.decorator_list(listed, scope, "router")
                        self.nodes[key].decorators = tuple(applied for applied, _ in found)

    def _keys_of(self, expr: t.Expr, scope: Scope, *kinds: str) -> list[Key]:
        found = [s.key for s in self.values.sources(expr, scope)]
        return [key for key in found if key in self.nodes and self.nodes[key].kind in kinds]

    def _attach(self, key: Key, parent: t.Expr | None, scope: Scope) -> None:
        if parent is None or (isinstance(parent, t.Const) and not isinstance(parent.value, str)):
            return
        for above in self.identify(parent, scope):
            if all(child.key != key for child in self.nodes[above].children):
                self.nodes[above].children.append(Child(key, None))

    def _find_decorated(self) -> None:
        for found in self.code.functions():
            assert isinstance(found.node, t.Function)
            for index, decorator in enumerate(found.node.decorators):
                match decorator:
                    case t.Call(func=t.Attr(value=owner, name=name)) as call:
                        if name in _ROUTE or name in _SHORT:
                            view = self.views.of_function(found, index + 1)
                            self._routed(call, owner, name, found.scope, (view,))
        for found in self.code.classes():
            assert isinstance(found.node, t.Class)
            for decorator in found.node.decorators:
                match decorator:
                    case t.Call(func=t.Attr(value=owner, name=name)) as call if name in _ROUTE:
                        self._routed(call, owner, name, found.scope, self.views.of_class(found))

    def _routed(
        self, call: t.Call, owner: t.Expr, name: str, scope: Scope, views: tuple[View, ...]
    ) -> None:
        keys = self.identify(owner, scope)
        if not keys:
            return
        site = CallSite(call, scope)
        for env in self.contexts.calls(site):
            with self.values.within(env):
                for path in self._paths(site, every=self.nodes[keys[0]].kind in _PLAIN):
                    methods = (name.upper(),) if name in _SHORT else self._methods(site)
                    for key in keys:
                        self._add(key, path, methods, views, site)

    def _paths(self, site: CallSite, every: bool, first: int = 0) -> list[str]:
        """The paths of a registration: one, or several for a resource."""
        rule = site.arg(None, "rule", "path")
        given = site.node.args[first:] if every else site.node.args[first : first + 1]
        paths = []
        for expr in [rule] if rule is not None else given:
            if isinstance(expr, t.Star):
                for source in self.values.sources(expr.value, site.scope):
                    for item in source.node.items if isinstance(source.node, t.Seq) else ():
                        paths.append(self.making.text(item, source.scope) or "")
            else:
                paths.append(self.making.text(expr, site.scope) or "")
        return paths

    def _methods(self, site: CallSite) -> tuple[str, ...]:
        """The methods that a registration names, empty where it names none."""
        given = site.arg(None, "methods")
        for known in possible(self.values.value(given, site.scope)):
            if isinstance(known.value, list):
                return tuple(dict.fromkeys(str(method).upper() for method in known.value))
            if isinstance(known.value, str):
                return (known.value.upper(),)
        return ()

    def _add(
        self,
        key: Key,
        path: str,
        methods: tuple[str, ...],
        views: tuple[View, ...],
        site: CallSite,
        position: int | None = None,
    ) -> None:
        """One rule for each view; `position` is that of the endpoint's name in the call."""
        named = self.contexts.text(site.arg(position, "endpoint"), site.scope)
        if path == UNTOLD:
            if not self._never_called(site.scope):
                told = "the path of a route is told at run time"
                self.blind.append(BlindSpot(place_of(site), "routes", told))
            return
        if method := self.making.rewrites(self.nodes[key], path, site):
            told = f"`{method}` of an own class makes another path of {path}"
            self.blind.append(BlindSpot(place_of(site), "routes", told))
            return
        for view in views:
            own = view.methods or methods or ("GET",)
            if methods and view.methods:
                own = tuple(method for method in view.methods if method in methods)
            owner = view.owner.node.name if view.owner else ""  # type: ignore[attr-defined]
            kept = tuple(method for method in own if method not in _IGNORED_METHODS)
            endpoint = named or self._as_view(site) or owner.lower() or view.name
            rule = Rule(path, kept, view, endpoint, site=site)
            self.nodes[key].rules.append(rule)

    def _as_view(self, site: CallSite) -> str | None:
        """The name that `View.as_view("name")` gives the view, which is its endpoint."""
        for source in self.values.sources(site.arg(2, "view_func"), site.scope):
            match source.node:
                case t.Call(func=t.Attr(name="as_view"), args=[name, *_]):
                    return self.contexts.text(name, source.scope)
        return None

    def _never_called(self, scope: Scope) -> bool:
        """Whether code stands in a helper that nothing of the tree uses."""
        name = f"{scope.module.path}:{scope.qualname}"
        return scope.function is not None and not any(self.code.calls(name))

    # --- calls

    def _find_calls(self) -> None:
        for site in self.code.method_calls(""):  # app.route("/x")(view)
            match site.node:
                case t.Call(
                    func=t.Call(func=t.Attr(value=owner, name=name)) as call, args=[view]
                ) if name in _ROUTE or name in _SHORT:
                    if views := self.views.of(view, site.scope):
                        self._routed(call, owner, name, site.scope, views)
        calls = {
            "add_url_rule": self._url_rule,
            "add_resource": self._resource,
            "register_blueprint": self._child,
            "register_api": self._child,
            "add_namespace": self._namespace,
            "add_api": self._document,
        }
        for alias, name in self._aliases(calls).items():
            calls[alias] = calls[name]
        for name, handle in calls.items():
            for site in self.code.method_calls(name):
                func = site.node.func
                if not isinstance(func, t.Attr) or id(site.node) in self._inner:
                    continue
                for env in self.contexts.calls(site):
                    with self.values.within(env), self.contexts.spread(site) as written:
                        for key in self.identify(func.value, site.scope):
                            handle(key, written)

    def _aliases(self, calls: Mapping[str, object]) -> dict[str, str]:
        """Methods of own APIs and blueprints that register what they are given: name -> method."""
        found: dict[str, str] = {}
        for owner in self.code.classes():
            if not self.making.kinds.keys() & set(self.code.ancestry(owner)[1:]):
                continue
            for method in owner.node.body:  # type: ignore[attr-defined]
                if not isinstance(method, t.Function) or method.name in calls:
                    continue
                for node in t.walk_own(*method.body):
                    match node:
                        case t.Call(
                            func=t.Attr(value=t.Name(id="self"), name=name),
                            args=[t.Name(id=first), *_],
                        ) if name in calls and first in [p.name for p in method.params[1:2]]:
                            found[method.name] = name
                            self._inner.add(id(node))
        return found

    def _url_rule(self, key: Key, site: CallSite) -> None:
        views = self.views.of(site.arg(2, "view_func"), site.scope)
        view_func = site.arg(2, "view_func")
        if view_func is None:
            return  # it names an endpoint that has its view elsewhere
        if not views:
            name = t.dotted(view_func) or self.code.name(view_func, site.scope)
            views = (View(name.rpartition(".")[2] or "?", place_of(site), None),)
        path = self.making.text(site.node.args[0], site.scope) if site.node.args else None
        if path is None:
            path = self._paths(site, every=False)[0] if site.arg(None, "rule") else ""
        self._add(key, path, self._methods(site), views, site, position=1)

    def _resource(self, key: Key, site: CallSite) -> None:
        views = self.views.of(site.arg(0, "resource"), site.scope)
        for path in self._paths(site, every=True, first=1):
            if not views:
                what = t.dotted(site.arg(0, "resource")) or "a resource"
                told = f"the methods of {what} under {path} come from outside this tree"
                self.blind.append(BlindSpot(place_of(site), "routes", told))
                continue
            self._add(key, path, self._methods(site), views, site)

    def _child(self, key: Key, site: CallSite) -> None:
        given = site.arg(0, "blueprint", "blp", "api")
        below = [k for k in self.identify(given, site.scope) if self.nodes[k].kind != "app"]
        if not below:
            self._unidentified(key, site, given)
        prefix = self._prefix(site, None, "url_prefix")
        name = self.contexts.text(site.arg(None, "name"), site.scope)
        for child in dict.fromkeys(made for k in below for made in self._made_like(k)):
            self.nodes[key].children.append(Child(child, prefix, name, site))

    def _made_like(self, key: Key) -> list[Key]:
        """What the calls of a factory make, where the factory itself registers it; else the node."""
        made = [k for k, node in self.nodes.items() if node.pattern is self.nodes[key]]
        return made or [key]

    def _document(self, key: Key, site: CallSite) -> None:
        """connexion's `add_api`: what the operations of an OpenAPI document name."""
        served = list(self.connexion.served(site))
        for each in served:
            view = View(each.name, each.place, None, methods=(each.method,))
            if each.handler is not None:
                view = replace(self.views.of_function(each.handler), methods=(each.method,))
            rule = Rule(each.path, (each.method,), view, each.name, each.demand)
            self.nodes[key].rules.append(rule)
        if not served:
            told = "the OpenAPI document of `add_api` is not in this tree"
            self.blind.append(BlindSpot(place_of(site), "routes", told))

    @functools.cached_property
    def connexion(self) -> Connexion:
        return Connexion(self.application)

    def _namespace(self, key: Key, site: CallSite) -> None:
        prefix = self._prefix(site, 1, "path")
        for child in self.identify(site.arg(0, "ns", "namespace"), site.scope):
            node = self.nodes[key]
            node.children = [c for c in node.children if c.key != child or c.prefix is not None]
            node.children.append(Child(child, prefix))

    def _unidentified(self, key: Key, site: CallSite, given: t.Expr | None) -> None:
        name = self.code.name(given, site.scope)
        for source in self.values.sources(given, site.scope):
            name = self.code.name(source.node, source.scope)  # type: ignore[arg-type]
            if isinstance(source.node, t.Call):
                made = CallSite(source.node, source.scope)
                rules = self.extensions.sign_in(made, name.removesuffix("()"))
                if rules is not None:
                    prefix = self._prefix(site, None, "url_prefix") or ""
                    self.nodes[key].rules += [
                        dataclasses.replace(rule, path=prefix.rstrip("/") + rule.path)
                        for rule in rules
                    ]
                    return
        if (
            name
            and ":" not in name
            and not name.startswith(("module:", "importlib", "builtins", "types.ModuleType"))
        ):
            told = f"the routes of {name.removesuffix('()')} come from outside this tree"
            self.blind.append(BlindSpot(place_of(site), "routes", told))
        else:
            self._dynamic.append((key, site))

    def _settle_dynamic(self) -> None:
        """Blueprints found by their name at run time: those that nothing else registers."""
        if not self._dynamic:
            return
        registered = {child.key for node in self.nodes.values() for child in node.children}
        loose = [
            key
            for key, node in self.nodes.items()
            if node.kind == "blueprint" and key not in registered
        ]
        found = [(*each, self._prefix(each[1], None, "url_prefix")) for each in self._dynamic]
        untold = [s for _, s, prefix in found if prefix is None and s.arg(None, "url_prefix")]
        for above, site, prefix in found:
            if site in untold:
                continue  # told as a blind spot: any path would be wrong
            for key in loose:
                if untold and _top(key[0]) != _top(site.scope.module.path):
                    continue  # it may be registered under the prefix that is not told
                if not self._reaches(key, above):
                    self.nodes[above].children.append(Child(key, prefix))
            if not loose:
                told = f"which blueprint `{t.dotted(site.node.func)}` registers is told at run time"
                self.blind.append(BlindSpot(place_of(site), "routes", told))

    def _reaches(self, start: Key, goal: Key) -> bool:
        """Whether a node lies below another one, so that registering it there would be a circle."""
        seen: set[Key] = set()
        pending = [start]
        while pending:
            key = pending.pop()
            if key == goal:
                return True
            if key not in seen:
                seen.add(key)
                pending += [child.key for child in self.nodes[key].children]
        return False

    def _find_administrations(self) -> None:
        for made, attached, exposed in Administrations(self.values, self.views).found():
            given = [(s.arg(0, "app"), s.scope) for s in (made, *attached)]
            for key in dict.fromkeys(k for app, scope in given for k in self.identify(app, scope)):
                for each in exposed:
                    rule = Rule(
                        each.path,
                        each.methods,
                        each.view,
                        each.endpoint,
                        None,
                        each.gate,
                        each.public,
                    )
                    self.nodes[key].rules.append(rule)

    def _find_extensions(self) -> None:
        for site, app, made in self.extensions.registered():
            if isinstance(made, BlindSpot):
                self.blind.append(made)
                continue
            for key in self.identify(app, site.scope):
                self.nodes[key].rules.append(made)
        for node in self.nodes.values():
            if node.kind == "app":
                node.rules += self.extensions.of_application(node.site)
        parents = {
            id(self.nodes[child.key]): (key, node)
            for key, node in self.nodes.items()
            for child in node.children
        }
        for node in list(self.nodes.values()):
            if id(node) not in parents:
                continue
            key, above = parents[id(node)]
            own, around, whole = self.extensions.documentation(node)
            node.rules += own
            above.rules += around
            for _ in range(_MAX_DEPTH):  # up to the application
                above = parents.get(id(above), (key, above))[1]
            above.rules += whole
            if node.kind == "registry":
                above.rules += self.extensions.pages(node.site)

    # --- hooks

    def _find_hooks(self) -> None:
        for found in self.code.functions():
            assert isinstance(found.node, t.Function)
            for index, decorator in enumerate(found.node.decorators):
                match decorator:
                    case t.Attr(value=owner, name=name) if name in _HOOKS:
                        view = self.views.of_function(found, index + 1)
                        self._hooked(owner, name, found.scope, (view,))
        for site in self.code.method_calls(*_HOOKS):
            match site.node.func:
                case t.Attr(value=owner, name=name) if site.node.args:
                    given = Located(site.node.args[0], site.scope)
                    views = self.views.of(site.node.args[0], site.scope)
                    foreign = View("", place_of(site), None, (Applied(given, "application"),))
                    self._hooked(owner, name, site.scope, views or (foreign,))

    def _hooked(self, owner: t.Expr, name: str, scope: Scope, views: tuple[View, ...]) -> None:
        for key in self.identify(owner, scope):
            node = self.nodes[key]
            for view in views:
                hook = Hook(view.function, view.place, view.decorators)
                wide = name in _WIDE
                (node.wide_hooks if wide else node.hooks).append(hook)

    # --- the routing table

    def served(self, key: Key) -> Iterator[Found]:
        """Every rule that an application serves, in the order of registration."""
        yield from self._walk(key, None, "", (), 0)

    def _walk(
        self, key: Key, prefix: str | None, name: str, trail: tuple[Node, ...], depth: int
    ) -> Iterator[Found]:
        node = self.nodes[key]
        if node in trail or depth > _MAX_DEPTH:
            return
        like = (node,) if node.pattern is None else (node.pattern, node)
        trail = (*trail, *like)
        plain = node.kind in _PLAIN
        for child in _in_order(like):
            if isinstance(child, Rule):
                path = (prefix or "") + child.path if plain else _joined(prefix, child.path)
                endpoint = f"{name}.{child.endpoint}" if name else child.endpoint
                yield Found(path, endpoint, child, trail)
                continue
            below = self.nodes[child.key]
            own = child.prefix if child.prefix is not None else below.prefix
            if below.kind in _PLAIN:
                inner: str | None = (prefix or "") + (own or "")
            elif own is None:
                inner = prefix
            else:
                inner = own if prefix is None else f"{prefix.rstrip('/')}/{own.lstrip('/')}"
            known_as = child.name or below.name
            if below.kind != "blueprint":
                named = name
            else:
                named = f"{name}.{known_as}" if name else known_as
            yield from self._walk(child.key, inner, named, trail, depth + 1)

    def wide_hooks(self, key: Key) -> list[Hook]:
        """The hooks for every request of an application, those of its blueprints included."""
        found: dict[int, Hook] = {}
        pending, seen = [key], set()
        while pending:
            below = pending.pop()
            if below in seen:
                continue
            seen.add(below)
            node = self.nodes[below]
            own = node.hooks if node.kind == "app" else []
            for each in (node, node.pattern or node):
                found |= {id(hook): hook for hook in [*own, *each.wide_hooks]}
                pending += [child.key for child in each.children]
        return list(found.values())


def _in_order(like: tuple[Node, ...]) -> Iterator[Rule | Child]:
    """Rules and children as they are registered: of two for the same path the first one is served.

    Where both stand in one piece of code their lines tell; else rules come first.
    """
    children = [child for each in like for child in each.children]
    late: dict[int, list[Rule]] = defaultdict(list)
    for rule in (rule for each in like for rule in each.rules):
        above = [i for i, child in enumerate(children) if _stands_above(child.site, rule.site)]
        late[max(above, default=-1)].append(rule)
    yield from late[-1]
    for index, child in enumerate(children):
        yield child
        yield from late[index]


def _stands_above(one: CallSite | None, other: CallSite | None) -> bool:
    return (
        one is not None
        and other is not None
        and one.scope is other.scope
        and one.node.line < other.node.line
    )


_PLAIN = ("api", "namespace")
"""Nodes that join their paths as they are."""


def _top(path: str) -> str:
    return path.partition("/")[0]


def _joined(prefix: str | None, path: str) -> str:
    """As `BlueprintSetupState.add_url_rule` does."""
    if prefix is None:
        return path
    return f"{prefix.rstrip('/')}/{path.lstrip('/')}" if path else prefix


def converters(path: str) -> list[tuple[str, str]]:
    """(converter, name) of each variable of a path: `<int:id>` is ("int", "id")."""
    found = re.findall(r"<(?:([^:<>]+):)?([^:<>]+)>", path)
    return [(re.sub(r"\(.*", "", kind), name) for kind, name in found]


@provides(FlaskRouting)
def flask_routing(application: Application) -> list[FlaskRouting]:
    return [FlaskRouting(application)]
