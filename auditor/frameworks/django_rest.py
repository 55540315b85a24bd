"""Django REST framework: what a router registers, and the permissions of a view or an action.

https://www.django-rest-framework.org/api-guide/routers/: `router.register(prefix, viewset)` makes a
list and a detail route for the actions that the viewset has, one for each `@action`, and, with
DefaultRouter, a root view. The patterns that only add a format suffix are left out: they serve what
the others serve.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from auditor.extract.python import tree as t
from auditor.frameworks.django_settings import DjangoProject
from auditor.frameworks.django_views import Extra, Views
from auditor.link.application import Application
from auditor.link.contexts import contexts_of
from auditor.link.names import CallSite, Located, Scope
from auditor.model.values import possible

_ROUTERS = re.compile(
    r"^(?:rest_framework(?:_nested|_extensions)?(?:\.\w+)*|rest_framework_bulk(?:\.\w+)*)\.(\w*Router)$"
)
_MAX_ROUTERS = 200


@dataclass(frozen=True)
class RestRoute:
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
    parent: str = ""
    """The regular expression of the parent's detail route, for a nested router."""


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
        return _Router(site, kind, text, is_regex)

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
        return f"{outer}{prefix}/(?P<{lookup}_{field}>{value})/"

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
        if "Default" in router.kind and "Nested" not in router.kind and depth == 0:
            yield RestRoute("", "GET", "root", None, None, router.site)
        for site, prefix, viewset in self.registered.get(key, ()):
            base = start + router.parent + prefix
            yield from self._viewset(router, site, base, end, viewset)
        for other in self.merged.get(key, ()):
            if depth < 4 and other != key:
                yield from self.routes(other, depth + 1)

    def _viewset(
        self, router: _Router, site: CallSite, base: str, end: str, viewset: Located | None
    ) -> Iterator[RestRoute]:
        slash = router.slash
        bare = base[1:] if base == "^" else base
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
        del bare
        for action, method in self.views.actions(viewset).items():
            path = listed if action in ("list", "create") else detail + slash
            yield RestRoute(path + end, method, action, viewset, None, site)
        for extra in self.views.extras(viewset):
            above = f"{detail}/" if extra.detail else joined
            for method in extra.methods:
                yield RestRoute(
                    above + extra.path + slash + end, method, extra.name, viewset, extra, site
                )


class Permissions:
    """The permission expressions that apply to one method of a DRF view."""

    def __init__(self, application: Application, project: DjangoProject) -> None:
        self.values, self.code = application.values, application.code
        self.views = Views(self.values)
        self.project = project

    def default(self) -> list[str]:
        """The dotted names of DEFAULT_PERMISSION_CLASSES; DRF's own default lets everybody pass."""
        for value in self.project.main.known("REST_FRAMEWORK"):
            if isinstance(value, dict):
                listed = value.get("DEFAULT_PERMISSION_CLASSES")
                if isinstance(listed, list):
                    return [x for x in listed if isinstance(x, str)]
        return []

    def of(
        self, view: Located, method: str, action: str, extra: Extra | None
    ) -> list[Located] | None:
        """The entries of `permission_classes` that apply; None where the default does."""
        if extra is not None:
            for keyword in extra.decorator.keywords:
                if keyword.name == "permission_classes":
                    return self._items(Located(keyword.value, extra.function.scope))
        own = self.views.method(view, "get_permissions")
        if own is not None:
            chosen = self._chosen(own, view, method, action)
            if chosen is not None:
                return chosen
        found = self.views.attribute(view, "permission_classes")
        return self._items(found) if found is not None else None

    def of_function(self, function: Located) -> list[Located] | None:
        for decorator in function.node.decorators:  # type: ignore[attr-defined]
            match decorator:
                case t.Call(func=func, args=[given, *_]):
                    if t.dotted(func).rpartition(".")[2] == "permission_classes":
                        return self._items(Located(given, function.scope))
        return None

    def _items(self, found: Located) -> list[Located]:
        """The entries of a list of permissions, lists added up."""
        node = found.node
        match node:
            case t.BinOp(op="+", left=left, right=right):
                return [
                    *self._items(Located(left, found.scope)),
                    *self._items(Located(right, found.scope)),
                ]
            case t.Seq(items=items):
                entries = []
                for item in items:
                    if isinstance(item, t.Star):
                        entries += self._items(Located(item.value, found.scope))
                    else:
                        entries.append(Located(item, found.scope))
                return entries
        entries = []
        for source in self.values.sources(node, found.scope):  # type: ignore[arg-type]
            if isinstance(source.node, t.Seq | t.BinOp) and source.node is not node:
                entries += self._items(source)
        return entries or [found]

    def _chosen(
        self, function: Located, view: Located, method: str, action: str
    ) -> list[Located] | None:
        """What `get_permissions` returns for an action, its branches on `self.action` decided."""
        inner = self.code.inside(function)
        held: dict[str, Located] = {}
        returned = self._run(function.node.body, inner, method, action, held)  # type: ignore[attr-defined]
        if returned is None:
            return None
        match returned.node:
            case t.Comp(loops=[loop]):
                name = t.dotted(loop.iter)
                if name in held:
                    return self._items(held[name])
                if name.startswith("self."):
                    found = self.views.attribute(
                        view, loop.iter.name if isinstance(loop.iter, t.Attr) else ""
                    )
                    return self._items(found) if found else None
                return self._items(Located(loop.iter, inner))
            case t.Name(id=name) if name in held:
                return self._items(held[name])
            case t.Seq():
                return self._items(returned)
        if "permission_classes" in held:
            return self._items(held["permission_classes"])
        if "self.permission_classes" in held:
            return self._items(held["self.permission_classes"])
        return None

    def _run(
        self,
        body: list[t.Stmt],
        scope: Scope,
        method: str,
        action: str,
        held: dict[str, Located],
    ) -> Located | None:
        for stmt in body:
            match stmt:
                case t.Assign(targets=[target], value=value) if value is not None:
                    held[t.dotted(target)] = Located(value, scope)
                case t.Return(value=value) if value is not None:
                    return Located(value, scope)
                case t.If(test=test, body=then, orelse=other):
                    outcome = self._decide(test, scope, method, action)
                    for part in (
                        [then] if outcome else [other] if outcome is False else [other, then]
                    ):
                        if (found := self._run(part, scope, method, action, held)) is not None:
                            return found
        return None

    def _decide(self, test: t.Expr, scope: Scope, method: str, action: str) -> bool | None:
        match test:
            case t.Unary(op="not", value=value):
                inner = self._decide(value, scope, method, action)
                return None if inner is None else not inner
            case t.BoolOp(op=op, values=values):
                outcomes = [self._decide(v, scope, method, action) for v in values]
                if (op == "or") in outcomes:
                    return op == "or"
                return None if None in outcomes else op == "and"
            case t.Compare(left=left, ops=[op], rights=[right]):
                dotted = t.dotted(left)
                subject = (
                    action
                    if dotted.endswith("self.action")
                    else method
                    if dotted.endswith("request.method")
                    else None
                )
                if subject is None:
                    return None
                if self.code.name(right, scope).endswith("SAFE_METHODS"):
                    return (method in ("GET", "HEAD", "OPTIONS")) == (op == "in")
                for known in possible(self.values.value(right, scope)):
                    listed = known.value if isinstance(known.value, list) else [known.value]
                    inside = subject in listed
                    return inside == (op in ("==", "in"))
        return None
