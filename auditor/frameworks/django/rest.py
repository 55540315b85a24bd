"""Django REST framework: what a router registers.

https://www.django-rest-framework.org/api-guide/routers/: `router.register(prefix, viewset)` makes a
list and a detail route for the actions that the viewset has, one for each `@action`, and, with
DefaultRouter, a root view. The patterns that only add a format suffix are left out: they serve what
the others serve.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from auditor.extract.python import tree as t
from auditor.frameworks.django.views import Extra, Views
from auditor.link.application import Application
from auditor.link.contexts import contexts_of
from auditor.link.scopes import CallSite, Located, Scope
from auditor.model.values import possible

_ROUTERS = re.compile(
    r"^(?:rest_framework(?:_nested|_extensions)?(?:\.\w+)*|rest_framework_bulk(?:\.\w+)*)\.(\w*Router)$"
)
_MAX_ROUTERS = 200


class RestRoute(msgspec.Struct, frozen=True):
    """One route of a router: path below it, method, and the viewset's action that answers."""

    path: str
    method: str
    action: str
    viewset: Located | None
    extra: Extra | None
    site: CallSite


@dataclass
class _Router:
    site: CallSite
    kind: str
    slash: str
    regex: bool
    root: bool = False
    """Whether it has a root view of its own."""
    parent: str = ""
    """The regular expression of the parent's detail route, for a nested router."""
    added: tuple[tuple[bool, str, str], ...] = ()
    """Actions that its class adds to the routes: whether to the detail route, method, action."""


class RestRouters:
    """Every DRF router of the tree with what is registered on it."""

    def __init__(self, application: Application) -> None:
        self.values, self.code = application.values, application.code
        self.contexts = contexts_of(self.values)
        self.views = Views(self.values)
        self.routers: dict[tuple[str, int, int], _Router] = {}
        self.registered: dict[tuple[str, int, int], list[tuple[CallSite, str, Located | None]]] = {}
        self.merged: dict[tuple[str, int, int], list[tuple[str, int, int]]] = {}
        self._find()

    def _find(self) -> None:
        kinds: dict[str, str] = {}
        for found in self.code.classes():
            for name in self.code.ancestry(found)[1:]:
                if match := _ROUTERS.match(name):
                    kinds[self.code.ancestry(found)[0]] = match[1]
        for site in self.code.all_calls():
            word = t.dotted(site.node.func).rpartition(".")[2]
            if "outer" not in word:
                continue
            name = self.code.name(site.node.func, site.scope)
            match = _ROUTERS.match(name)
            kind = kinds.get(name) or (match[1] if match else "")
            if kind and len(self.routers) < _MAX_ROUTERS:
                self.routers[site.key] = self._router(site, kind, name)
        for site in self.code.method_calls("register"):
            if isinstance(site.node.func, t.Attr) and self.routers:
                for env in self.contexts.of(site.node, site.scope):
                    with self.values.within(env):
                        self._register(site, site.node.func.value)
        for site in self.code.method_calls("extend"):
            match site.node:
                case t.Call(
                    func=t.Attr(value=t.Attr(value=into, name="registry")),
                    args=[t.Attr(value=given, name="registry")],
                ):
                    for key in self.of(into, site.scope):
                        self.merged.setdefault(key, []).extend(self.of(given, site.scope))
        for key, router in self.routers.items():
            if "Nested" in router.kind:
                router.parent = self._parent(key, router)

    def _router(self, site: CallSite, kind: str, name: str) -> _Router:
        slash = self.values.value(site.arg(None, "trailing_slash"), site.scope)
        own = self.code.definition(name)
        if own is not None and site.arg(None, "trailing_slash") is None:
            listed = self.values.attribute(own, "trailing_slash")
            if listed:
                slash = self.values.value(listed[0].node, listed[0].scope)  # type: ignore[arg-type]
        plain = next((k.value for k in possible(slash)), True)
        regex = self.values.value(site.arg(None, "use_regex_path"), site.scope)
        is_regex = getattr(regex, "value", True) is not False
        text = plain if isinstance(plain, str) else ("/" if plain else "")
        shown = self.values.attribute(own, "include_root_view") if own is not None else []
        hidden = any(isinstance(s.node, t.Const) and s.node.value is False for s in shown[:1])
        root = "Default" in kind and "Nested" not in kind and not hidden
        added = tuple(self._added(own)) if own is not None else ()
        return _Router(site, kind, text, is_regex, root, added=added)

    def _added(self, own: Located) -> Iterator[tuple[bool, str, str]]:
        """`self.routes[0].mapping.update({"delete": "bulk_destroy"})` in a router class."""
        for ancestor in self.code.ancestry(own):
            definition = self.code.definition(ancestor)
            for node in t.walk(*definition.node.body) if definition is not None else ():  # type: ignore[attr-defined]
                match node:
                    case t.Call(
                        func=t.Attr(
                            value=t.Attr(
                                value=t.Item(value=routes, index=t.Const(value=0 | 2 as index)),
                                name="mapping",
                            ),
                            name="update",
                        ),
                        args=[t.Map(keys=keys, values=values)],
                    ) if t.dotted(routes).rpartition(".")[2] == "routes":
                        for method, action in zip(keys, values, strict=True):
                            if isinstance(method, t.Const) and isinstance(action, t.Const):
                                yield index == 2, str(method.value).upper(), str(action.value)

    def _register(self, site: CallSite, receiver: t.Expr) -> None:
        prefix = self.values.text(site.arg(0, "prefix"), site.scope)
        given = site.arg(1, "viewset")
        viewset = self.code.defined(given, site.scope) if given is not None else None
        for source in self.values.sources(given, site.scope) if viewset is None else ():
            if isinstance(source.node, t.Name | t.Attr):
                viewset = viewset or self.code.defined(source.node, source.scope)
        if viewset is not None and not isinstance(viewset.node, t.Class):
            viewset = None
        for key in self.of(receiver, site.scope):
            entry = (site, "{?}" if prefix is None else prefix, viewset)
            self.registered.setdefault(key, []).append(entry)

    def of(self, expr: t.Expr, scope: Scope) -> list[tuple[str, int, int]]:
        """The routers that an expression stands for."""
        found = [s.key for s in self.values.sources(expr, scope) if s.key in self.routers]
        if not found and isinstance(expr, t.Call) and isinstance(expr.func, t.Attr):
            return self.of(expr.func.value, scope)  # router.register(…).register(…)
        return found

    def _parent(self, key: tuple[str, int, int], router: _Router) -> str:
        """`domains/(?P<domain_pk>[^/.]+)/` of `NestedSimpleRouter(router, "domains", lookup="domain")`."""
        site = router.site
        above = site.arg(0, "parent_router")
        prefix = self.values.text(site.arg(1, "parent_prefix"), site.scope) or ""
        lookup = self.values.text(site.arg(None, "lookup"), site.scope) or "nested_1"
        outer = ""
        viewset: Located | None = None
        for parent in self.of(above, site.scope) if above is not None else ():
            if parent != key:
                outer = self.routers[parent].parent or (
                    self._parent(parent, self.routers[parent])
                    if "Nested" in self.routers[parent].kind
                    else ""
                )
                for _, name, found in self.registered.get(parent, ()):
                    if name == prefix:
                        viewset = found
        field = self._lookup_field(viewset, "lookup_field", "pk")
        value = self._lookup_field(viewset, "lookup_value_regex", "[^/.]+")
        return f"{outer}{prefix}{'/' if prefix else ''}(?P<{lookup}_{field}>{value})/"

    def _lookup_field(self, viewset: Located | None, name: str, default: str) -> str:
        if viewset is None:
            return default
        found = self.views.attribute(viewset, name)
        if found is None:
            return default
        return self.values.text(found.node, found.scope) or default  # type: ignore[arg-type]

    def routes(self, key: tuple[str, int, int], depth: int = 0) -> Iterator[RestRoute]:
        """Everything that a router serves, as its patterns are written."""
        router = self.routers[key]
        start, end = ("^", "$") if router.regex else ("", "")
        for site, prefix, viewset in self.registered.get(key, ()):
            base = start + router.parent + prefix
            yield from self._viewset(router, site, base, end, viewset)
        for other in self.merged.get(key, ()):
            if depth < 4 and other != key:
                yield from self.routes(other, depth + 1)
        shadowed = any(not prefix for _, prefix, _ in self.registered.get(key, ()))
        if router.root and depth == 0 and not shadowed:
            yield RestRoute("", "GET", "root", None, None, router.site)

    def _viewset(
        self, router: _Router, site: CallSite, base: str, end: str, viewset: Located | None
    ) -> Iterator[RestRoute]:
        slash = router.slash
        joined = base + "/" if base not in ("^", "") else base
        listed = base + slash if base not in ("^", "") else base
        if viewset is None:
            yield RestRoute(listed + end, "ANY", "?", None, None, site)
            return
        field = self._lookup_field(viewset, "lookup_url_kwarg", "") or self._lookup_field(
            viewset, "lookup_field", "pk"
        )
        if router.regex:
            value = self._lookup_field(viewset, "lookup_value_regex", "[^/.]+")
            detail = f"{joined}(?P<{field}>{value})"
        else:
            value = self._lookup_field(viewset, "lookup_value_converter", "str")
            detail = f"{joined}<{value}:{field}>"
        for action, method in self.views.actions(viewset).items():
            path = listed if action in ("list", "create") else detail + slash
            yield RestRoute(path + end, method, action, viewset, None, site)
        for of_one, method, action in router.added:
            if self.views.method(viewset, action) is not None:
                path = detail + slash if of_one else listed
                yield RestRoute(path + end, method, action, viewset, None, site)
        for extra in self.views.extras(viewset):
            above = f"{detail}/" if extra.detail else joined
            for method in extra.methods:
                yield RestRoute(
                    above + extra.path + slash + end, method, extra.name, viewset, extra, site
                )
