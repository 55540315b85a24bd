"""Class-based views whose handlers are the framework's own: what they load, and what narrows it.

https://www.django-rest-framework.org/api-guide/generic-views/ and /filtering/: `get_object` looks up
the id of the URL among `get_queryset()`, after the filter backends, and asks the permissions.
https://docs.djangoproject.com/en/stable/ref/class-based-views/mixins-single-object/
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from auditor.extract.python import tree as t
from auditor.link.labels.engine import (
    NOTHING,
    Access,
    Labels,
    Marks,
    Meeting,
    Trace,
    knows_caller,
    sent_id,
)
from auditor.link.scopes import Located
from auditor.link.values import Evaluator
from auditor.model.web import Route
from auditor.stores.sql.reading.selection import Selections

_NARROWING = (
    "get_queryset", "get_object", "filter_queryset", "test_func", "has_permission", "has_object_permission",
    "dispatch", "initial", "setup", "check_object_permissions", "check_permissions", "get_base_queryset",
    "get_permissions", "get_form_kwargs", "before_request", "handle_no_permission",
)  # fmt: skip
_LOADING = re.compile(
    r"Detail|Update|Delete|Destroy|Retrieve|SingleObject|ModelViewSet|GenericViewSet|GenericAPIView|Edit"
)
_PRESENCE = {"is_authenticated", "is_anonymous", "is_active"}
"""What tells only that there is a caller."""
_PLAIN_PERMISSIONS = re.compile(
    r"^(?:rest_framework\.permissions\.)?(?:IsAuthenticated|AllowAny|IsAuthenticatedOrReadOnly)$"
    r"|TokenHasScope|HasAPIKey"
)


class ObjectViews:
    """What the framework does for a view that it serves itself."""

    def __init__(self, values: Evaluator, labels: Labels, selections: Selections) -> None:
        self.values, self.code, self.labels, self.selections = (
            values,
            values.code,
            labels,
            selections,
        )

    def of(self, route: Route) -> Trace:
        assert route.view is not None
        found = Trace()
        view = route.view
        named: Marks = NOTHING
        for parameter in route.parameters:
            if parameter.source == "path":
                named |= sent_id(parameter.name, "path")
        if not named:
            return found
        looks_up = self._loads_itself(route, view)
        if looks_up:
            kind, at = self._kind(view)
            last = list(route.parameters)[-1].name
            key = frozenset(m for m in named if m.name == last) or named
            if kind:
                found.accesses.add(Access(at, kind, key))
            found.links.add(key | self._chosen_among(view, named))
        if narrowing := list(self._narrowed(view, {g.name for g in route.guards})):
            narrowed = narrowing[0]
            asked = [self._parts(each) if _is_permission(each) else set() for each in narrowing]
            parts = set().union(*asked) if all(asked) else set()
            tied = frozenset(m for m in named if not parts or m.name in parts)
            if tied:
                found.ties.add(Meeting(tied, "checked", narrowed))
        return found

    def _loads_itself(self, route: Route, view: Located) -> bool:
        """Whether the framework looks the object up, in its own handler or by `self.get_object()`."""
        names = [a for a in self.code.ancestry(view) if ":" not in a]
        if not any(_LOADING.search(name.rpartition(".")[2]) for name in names):
            return False
        if route.function is None:
            action = route.handler.rpartition(".")[2]
            return action not in ("list", "create")
        if self._method(view, "get_object") is not None:
            return False  # followed as any other function
        return any(
            isinstance(node, t.Call)
            and isinstance(node.func, t.Attr)
            and (node.func.name == "get_object" or isinstance(node.func.value, t.Call))
            for node in t.walk_own(*route.function.node.body)  # type: ignore[attr-defined]
        )

    def _method(self, view: Located, name: str) -> Located | None:
        for ancestor in self.code.ancestry(view):
            found = self.code.definition(f"{ancestor}.{name}")
            if found is not None and isinstance(found.node, t.Function):
                return found
        return None

    def _kind(self, view: Located) -> tuple[str, Located]:
        """The class that a view serves, and where it says so."""
        for name in ("queryset", "model"):
            for value in self.values.attribute(view, name):
                kind = self._class(value)
                if kind:
                    return kind, value
        method = self._method(view, "get_queryset")
        if method is not None:
            inner = self.code.inside(method)
            for node in t.walk_own(*method.node.body):  # type: ignore[attr-defined]
                if isinstance(node, t.Return) and node.value is not None:
                    if kind := self._class(Located(node.value, inner)):
                        return kind, Located(node, inner)
        return "", view

    def _class(self, value: Located) -> str:
        expr = value.node
        while not isinstance(expr, t.Name):
            match expr:
                case t.Attr(value=inner) | t.Await(value=inner):
                    if kind := self.selections.model(expr, value.scope):
                        return kind
                    expr = inner
                case t.Call(func=inner):
                    expr = inner
                case _:
                    return ""
        return self.selections.model(expr, value.scope)

    def _narrowed(self, view: Located, asked: set[str]) -> Iterator[Located]:
        """Where a view, its permissions or its filters look at who calls.

        `asked` names the permissions that a method of the view chooses for the route.
        """
        for name in _NARROWING:
            method = self._method(view, name)
            if method is not None and self._knows(method):
                yield method
        for attribute in ("permission_classes", "filter_backends", "authentication_classes"):
            for value in self.values.attribute(view, attribute):
                for node in t.walk_own(value.node):
                    if not isinstance(node, t.Name | t.Attr):
                        continue
                    if (narrowing := self._class_narrows(node, value, attribute)) is not None:
                        yield narrowing
        chooses = self._method(view, "get_permissions")
        for value in self._returned(chooses) if chooses is not None else ():
            for node in t.walk_own(value.node):
                if isinstance(node, t.Name | t.Attr) and t.last_word(node) in asked:
                    narrowing = self._class_narrows(node, value, "permission_classes")
                    if narrowing is not None:
                        yield narrowing

    def _returned(self, method: Located) -> Iterator[Located]:
        inner = self.code.inside(method)
        for node in t.walk_own(*method.node.body):  # type: ignore[attr-defined]
            if isinstance(node, t.Return):
                yield Located(node, inner)

    def _class_narrows(self, node: t.Expr, value: Located, attribute: str) -> Located | None:
        name = self.code.name(node, value.scope)
        short = re.split(r"[.:]", name)[-1] if name else ""
        found = self.code.definition(name)
        if found is None or not isinstance(found.node, t.Class):
            if attribute == "permission_classes" and short and short[0].isupper():
                if ":" not in name and not _PLAIN_PERMISSIONS.search(name):
                    return Located(node, value.scope)
            if "ObjectPermission" in short:
                return Located(node, value.scope)
            return None
        for method in ("has_object_permission", "filter_queryset", "has_permission"):
            own = self._method(found, method)
            if own is None:
                continue
            if method == "has_permission" and not self._mentions_parts(own):
                continue
            if self._knows(own):
                return own
        return None

    def _chosen_among(self, view: Located, named: Marks) -> Marks:
        """The parts of the URL that tell among which objects the id is looked up."""
        method = self._method(view, "get_queryset")
        parts = self._parts(method) if method is not None else set()
        return frozenset(mark for mark in named if mark.name in parts)

    def _mentions_parts(self, method: Located) -> bool:
        return any(
            _is_parts(n)
            for each in self.code.with_callees(method, 1)
            for n in t.walk_own(*each.node.body)  # type: ignore[attr-defined]
        )

    def _parts(self, method: Located) -> set[str]:
        """The parts of the URL by name that a method asks about."""
        found: set[str] = set()
        for each in self.code.with_callees(method, 1):
            for node in t.walk_own(*each.node.body):  # type: ignore[attr-defined]
                match node:
                    case (
                        t.Call(func=t.Attr(value=parts), args=[t.Const(value=str(key)), *_])
                        | t.Item(value=parts, index=t.Const(value=str(key)))
                    ) if _is_parts(parts):
                        found.add(key)
        return found

    def _knows(self, method: Located) -> bool:
        """Whether a method, or what it calls, looks at the caller."""
        for each in self.code.with_callees(method, 2):
            inner = self.code.inside(each)
            nodes = t.walk_own(*each.node.body)  # type: ignore[attr-defined]
            listed = list(nodes)
            presence = {
                id(n.value) for n in listed if isinstance(n, t.Attr) and n.name in _PRESENCE
            }
            for node in listed:
                if isinstance(node, t.Name | t.Attr | t.Call) and id(node) not in presence:
                    if isinstance(node, t.Attr) and node.name in _PRESENCE:
                        continue
                    held = self.labels.ambient(node, inner)
                    if held is not None and knows_caller(held):
                        return True
        return False


def _is_permission(method: Located) -> bool:
    """Other methods may look at all parts of the URL."""
    return isinstance(method.node, t.Function) and method.node.name == "has_permission"


def _is_parts(node: t.Node) -> bool:
    """`self.kwargs`, `request.parser_context["kwargs"]`: the parts of the URL by name."""
    match node:
        case t.Attr(name="kwargs") | t.Item(index=t.Const(value="kwargs")):
            return True
        case t.Call(func=t.Attr(name="get"), args=[t.Const(value="kwargs"), *_]):
            return True
    return False
