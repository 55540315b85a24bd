"""What routes are registered on in Flask: applications, blueprints, APIs and namespaces.

Each is made by a call of a known class, or of a class of the tree that derives from one and may set
its prefix itself. With a folder of static files comes a route of its own.
https://flask.palletsprojects.com/en/stable/api/#flask.Flask.add_url_rule
"""

from __future__ import annotations

import functools
import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from auditor.extract.python import tree as t
from auditor.frameworks.decorators import Applied
from auditor.frameworks.flask.admin import Gate
from auditor.frameworks.flask.apps import FlaskApps, Key
from auditor.frameworks.flask.connexion import Demand
from auditor.frameworks.flask.views import View, Views
from auditor.link.contexts import contexts_of
from auditor.link.layout import module_name
from auditor.link.scopes import CallSite, Located, Scope, argument, arguments, place_of
from auditor.link.values import Evaluator
from auditor.model.blind import BlindSpot
from auditor.model.places import Place
from auditor.model.values import possible

KINDS = {
    "flask.Blueprint": "blueprint",
    "flask.blueprints.Blueprint": "blueprint",
    "quart.Blueprint": "blueprint",
    "quart.blueprints.Blueprint": "blueprint",
    "apiflask.APIBlueprint": "blueprint",
    "apiflask.blueprint.APIBlueprint": "blueprint",
    "flask_smorest.Blueprint": "blueprint",
    "flask_smorest.blueprint.Blueprint": "blueprint",
    "flask_openapi3.APIBlueprint": "blueprint",
    "flask_openapi3.blueprint.APIBlueprint": "blueprint",
    "flask_smorest.Api": "registry",
    "flask_restful.Api": "api",
    "flask_restplus.Api": "api",
    "flask_restplus.api.Api": "api",
    "flask_restx.Api": "api",
    "flask_restx.api.Api": "api",
    "flask_restplus.Namespace": "namespace",
    "flask_restx.Namespace": "namespace",
    "flask_restx.namespace.Namespace": "namespace",
    "flask_restplus.Api().namespace": "namespace",
    "flask_restx.Api().namespace": "namespace",
    "flask_restx.api.Api().namespace": "namespace",
}
"""Constructor -> what it makes; a registry hands blueprints on to its application."""


@dataclass
class Rule:
    """One registration of a view: its path below the node, and the methods it answers."""

    path: str
    methods: tuple[str, ...]
    view: View
    endpoint: str
    demand: Demand | None = None
    """What an OpenAPI document asks of the caller."""
    gate: Gate | None = None
    """What a view of flask-admin asks before it runs."""
    public: str = ""
    """Why a route that the framework makes by itself is public."""
    closed: str = ""
    """What closes a route that a package makes by itself."""
    site: CallSite | None = None
    """The call that registers it, where it is written in the tree."""


@dataclass
class Hook:
    """A function that runs before every request of an application or blueprint."""

    function: Located | None
    place: Place
    decorators: tuple[Applied, ...]


@dataclass
class Child:
    """One registration of a blueprint, API or namespace on a node."""

    key: Key
    prefix: str | None
    name: str | None = None
    site: CallSite | None = None


@dataclass(eq=False)
class Node:
    """An application, blueprint, API, namespace or registry."""

    site: CallSite
    kind: str
    name: str
    prefix: str | None
    framework: str = ""
    rules: list[Rule] = field(default_factory=list)
    children: list[Child] = field(default_factory=list)
    hooks: list[Hook] = field(default_factory=list)
    """For what is registered on this node and below."""
    wide_hooks: list[Hook] = field(default_factory=list)
    """`before_app_request`: for the whole application that a blueprint is registered on."""
    decorators: tuple[Applied, ...] = ()
    pattern: Node | None = None
    """What the factory that makes this node registers on each that it makes."""


UNTOLD = "<?>"
"""Stands for a path that is told at run time only."""
_STATIC = {"flask": (2, 1), "quart": (2, 1)}
"""Package -> positions of the folder of static files and of its URL in the application's call."""


@dataclass
class Nodes:
    """Makes the nodes of a tree, and keeps what could not be told of them."""

    values: Evaluator
    apps: FlaskApps
    views: Views
    blind: list[BlindSpot] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.code, self.contexts = self.values.code, contexts_of(self.values)
        self.kinds = dict(KINDS)
        for found in self.code.classes():
            name, *bases = self.code.ancestry(found) or [""]
            for base in bases:
                if base in KINDS:
                    self.kinds[name] = KINDS[base]

    def found(self) -> dict[Key, Node]:
        nodes: dict[Key, Node] = {}
        for key, site in self.apps.sites.items():
            nodes[key] = Node(site, "app", "", None, self.apps.frameworks[key])
        for site in self.code.calls(*self.kinds):
            callee = self.code.name(site.node.func, site.scope)
            nodes[site.key] = self._node(site, self.kinds[callee], callee)
        for node in nodes.values():
            if node.kind in ("app", "blueprint"):
                node.rules += self._static(node)
        return nodes | self._manufactured(nodes)

    def _manufactured(self, nodes: Mapping[Key, Node]) -> dict[Key, Node]:
        """The blueprints of a function that makes one as it is told: one for each of its calls."""
        found: dict[Key, Node] = {}
        made: list[CallSite] = []
        for pattern in nodes.values():
            factory = self.code.enclosing(pattern.site.scope)
            if pattern.kind not in ("blueprint", "namespace") or factory is None:
                continue
            if not self._depends(pattern.site, factory) or not self._gives(pattern.site, factory):
                continue
            for call in self.code.calls(self.code.own_name(factory)):
                with self.values.within(self.contexts.bound_by(call)):
                    callee = self.code.name(pattern.site.node.func, pattern.site.scope)
                    node = self._node(pattern.site, pattern.kind, callee)
                node.pattern = pattern
                found[call.key] = node
                made.append(call)
        self.values.tell_apart(made)
        return found

    def _depends(self, site: CallSite, factory: Located) -> bool:
        """Whether what a call is given hangs on the parameters of the function around it."""
        params = {param.name for param in factory.node.params}  # type: ignore[attr-defined]
        given = (node for x in arguments(site.node) for node in t.walk_own(x))
        return any(isinstance(node, t.Name) and node.id in params for node in given)

    def _gives(self, site: CallSite, factory: Located) -> bool:
        inner = self.code.inside(factory)
        return any(
            source.key == site.key
            for node in t.walk_own(*factory.node.body)  # type: ignore[attr-defined]
            if isinstance(node, t.Return)
            for source in self.values.sources(node.value, inner)
        )

    def _node(self, site: CallSite, kind: str, callee: str) -> Node:
        position = {"blueprint": 5, "namespace": 2}.get(kind)
        if callee.startswith("flask_restful."):
            position = 1
        keyword = (
            "path" if kind == "namespace" else "url_prefix" if kind == "blueprint" else "prefix"
        )
        prefix = self.prefix(self._given(site, position, keyword), site)
        name = self.values.text(site.arg(0, "name"), site.scope) or ""
        if kind == "namespace":
            prefix = (prefix or f"/{name}").rstrip("/")
        node = Node(site, kind, name, prefix)
        listed = self.views.decorator_list(site.arg(None, "decorators"), site.scope, "router")
        node.decorators = tuple(applied for applied, _ in listed)
        return node

    def _given(self, site: CallSite, position: int | None, keyword: str) -> Located | None:
        """What a constructor is given, by its call or by the constructor of an own class."""
        if (given := site.arg(position, keyword)) is not None:
            return Located(given, site.scope)
        return next(self._own(site, keyword), None)

    def _own(self, site: CallSite, keyword: str) -> Iterator[Located]:
        """What the constructors of a class of the tree hand on to that of its base."""
        found = self.code.defined(site.node.func, site.scope)
        for ancestor in self.code.ancestry(found) if found is not None else ():
            if (made := self.code.definition(f"{ancestor}.__init__")) is None:
                continue
            inner = self.code.inside(made)
            for node in t.walk_own(*made.node.body):  # type: ignore[attr-defined]
                match node:
                    case t.Call(func=t.Attr(name="__init__")) as call:
                        if (given := argument(call, None, keyword)) is not None:
                            yield Located(given, inner)
                    case (
                        t.Call(
                            func=t.Attr(value=t.Name(), name="setdefault"),
                            args=[t.Const(value=key), given],
                        )
                        | t.Assign(
                            targets=[t.Item(value=t.Name(), index=t.Const(value=key))], value=given
                        )
                    ) if key == keyword and given is not None:
                        yield Located(given, inner)

    def text(self, expr: t.Expr, scope: Scope) -> str | None:
        """A prefix or path; None where it is given as None, a sign where it cannot be told."""
        text = self.contexts.text(expr, scope)
        if text is not None and not text.startswith("None/"):
            return text
        match expr:
            case t.Text(parts=[_, t.Const(value=str(below)) as second, *rest]) if below[:1] == "/":
                after = [self.contexts.text(part, scope) for part in (second, *rest)]
                if None not in after:  # `f"{PREFIX}/users"`: its prefix is told at run time
                    return "".join(part or "" for part in after)
        value = self.values.value(expr, scope)
        if any(known.value is None for known in possible(value)):
            return None
        return UNTOLD

    def prefix(self, given: Located | None, site: CallSite) -> str | None:
        """A prefix; one that cannot be told counts as none, which is said."""
        if given is None:
            return None
        env = {} if given.scope is site.scope else self.contexts.bound_by(site)
        with self.values.within(env):
            prefix = self.text(given.node, given.scope)  # type: ignore[arg-type]
        if prefix == UNTOLD:
            what = t.dotted(given.node) or "computed"  # type: ignore[arg-type]
            told = f"the prefix `{what}` is told at run time"
            self.blind.append(BlindSpot(place_of(site), "routes", told))
            return None
        return prefix

    # --- static files

    def _static(self, node: Node) -> Iterator[Rule]:
        """The route of the static files: applications have a folder unless they are told None."""
        package = self.code.name(node.site.node.func, node.site.scope).partition(".")[0]
        if node.kind == "app":
            at, url_at = _STATIC.get(package, (None, None))
        else:
            at, url_at = (2, 4) if package in (*_STATIC, "flask_smorest") else (None, None)
        folder = self._given(node.site, at, "static_folder")
        if folder is None and node.kind == "blueprint":
            return
        url = self._given(node.site, url_at, "static_url_path")
        path = self._name(url, node.site) if url is not None else None
        if path is None and (url is None or _is_none(url)):
            name = self._name(folder, node.site) if folder is not None else "static"
            path = "/" + posixpath.basename(name.rstrip("/")) if name else None
        if path is None:
            if url is not None and not _is_none(url):
                told = "the URL of the static files is told at run time"
                self.blind.append(BlindSpot(place_of(node.site), "routes", told))
            return
        view = View("send_static_file", place_of(node.site), None)
        yield Rule(
            f"{path.rstrip('/')}/<path:filename>", ("GET",), view, "static", public="static files"
        )

    def _name(self, given: Located, site: CallSite) -> str | None:
        """A folder or URL; of `os.path.join(root, "static")` the last part. None: none, or untold."""
        sources = self.values.sources(given.node, given.scope)  # type: ignore[arg-type]
        if len(sources) == 1 and isinstance(sources[0].node, t.Call | t.BinOp):
            given = sources[0]
        match given.node:
            case t.Name(id="__name__"):
                return module_name(given.scope.module.path)
            case t.Call(func=func, args=[*_, last]) if t.dotted(func).endswith(("join", "Path")):
                given = Located(last, given.scope)
            case t.BinOp(op="/", right=last):
                given = Located(last, given.scope)
        env = {} if given.scope is site.scope else self.contexts.bound_by(site)
        with self.values.within(env):
            text = self.text(given.node, given.scope)  # type: ignore[arg-type]
        return None if text == UNTOLD else text

    # --- own classes that change what they are given

    def rewrites(self, node: Node, path: str, site: CallSite) -> str:
        """The method of an own class that makes another path of a registration's, or nothing."""
        found = self.code.defined(node.site.node.func, node.site.scope)
        if found is None or not isinstance(found.node, t.Class):
            return ""
        own = [name for name in ("add_url_rule", "make_setup_state") if self._has(found, name)]
        if not own:
            return ""
        name = own[0]
        if path and path[0] not in "/<" and not path[0].isalnum():  # a sign for it alone
            return name
        for block, managed in self._managed(site.scope):
            if block.line <= site.node.line <= block.end_line:
                if any(s.key == node.site.key for s in self.values.sources(managed, site.scope)):
                    return name
        return ""

    def _has(self, found: Located, name: str) -> bool:
        names = (f"{ancestor}.{name}" for ancestor in self.code.ancestry(found))
        return any(self.code.definition(method) is not None for method in names)

    @functools.cached_property
    def _blocks(self) -> dict[str, list[tuple[t.With, t.Expr]]]:
        return {}

    def _managed(self, scope: Scope) -> list[tuple[t.With, t.Expr]]:
        """The blocks of a module under `with thing.method():`, and the thing."""
        module = scope.module
        if module.path not in self._blocks:
            self._blocks[module.path] = [
                (node, item.func.value)
                for node in t.walk_own(*module.body)
                if isinstance(node, t.With)
                for item in node.contexts
                if isinstance(item, t.Call) and isinstance(item.func, t.Attr)
            ]
        return self._blocks[module.path]


def _is_none(found: Located) -> bool:
    return isinstance(found.node, t.Const) and found.node.value is None
