"""Which routes run a function: handlers, what runs before them, and what all of these call.

A class-based view runs hooks of its own, and the serializers that it names run theirs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from auditor.extract.python import tree as t
from auditor.link.application import Application, provides
from auditor.link.names import Code
from auditor.link.scopes import Located, Scope
from auditor.model.data import Query
from auditor.model.places import Place
from auditor.model.traffic import Traffic
from auditor.model.web import Route
from auditor.stores.sql.reading.frames import Reading

_MAX_DEPTH = 8
_READING = {"get_queryset", "get_object", "filter_queryset", "get_serializer", "get_serializer_class", "get_context_data",
            "get_serializer_context", "get_permissions", "initial", "dispatch", "setup", "to_representation", "options",
            "paginate_queryset", "get_paginated_response", "check_permissions", "finalize_response", "get_template_names",
            "get_form", "get_form_class", "get_form_kwargs", "get_initial", "test_func", "get_success_url"}  # fmt: skip
_CHANGING = {"perform_create", "perform_update", "perform_destroy", "form_valid", "form_invalid", "to_internal_value",
             "run_validation", "validate", "create", "update", "save", "delete"}  # fmt: skip


@provides(Traffic)
def traffic(application: Application) -> list[Traffic]:
    code = application.code
    callees: dict[tuple[int, str], list[_Run]] = {}
    hooks = _Hooks(code)
    shared = _Shared(application)
    found = Traffic(shared=shared.collections)
    for route in application.facts(Route):
        seen: set[tuple[int, str]] = set()
        level = [(f, "") for f in (route.function, *route.dependencies) if f is not None]
        if route.view is not None:
            level += [(f, "") for f in hooks.of(route.view, route.method != "GET")]
            for owner in hooks.classes(route.view):
                found.add(owner.path, code.own_name(owner).partition(":")[2], route)
        for _ in range(_MAX_DEPTH):
            below: list[_Run] = []
            for function, table in level:
                key = id(function.node), table
                if key in seen or not isinstance(function.node, t.Function):
                    continue
                seen.add(key)
                found.add(*shared.key(function), route, shared.collection(function, table))
                if key not in callees:
                    callees[key] = [
                        (callee, shared.by(call, callee, function, table))
                        for call, callee in code.calls_in(function)
                    ]
                below += callees[key]
            level = below
    return [found]


_Run = tuple[Located, str]
"""A function, and the table that it runs for, where its class is written once for many."""


class _Shared:
    """What is written once for many models: `users.get(…)` runs `Repository.get` for users."""

    def __init__(self, application: Application) -> None:
        (self.reading,) = application.facts(Reading)
        self.code = application.code
        self.collections: dict[tuple[str, str], frozenset[str]] = {}
        self._kinds: dict[int, bool] = {}
        asked: dict[Place, set[str]] = defaultdict(set)
        for query in application.facts(Query):
            asked[query.place].add(query.collection)
        many = {(p.path, p.symbol): names for p, names in asked.items() if len(names) > 1}
        for key, names in many.items():
            found = self.code.definition(":".join(key))
            owner = found.of_class if found is not None else None
            served = self.reading.served(owner, "model") if owner is not None else []
            if owner is None:
                self.collections[key] = frozenset(names)
            elif len(served) > 1:
                self.collections[key] = frozenset(entity.table for entity in served)
        self._owners = {(path, symbol.rpartition(".")[0]) for path, symbol in self.collections}

    def key(self, found: Located) -> tuple[str, str]:
        return found.path, self.code.own_name(found).partition(":")[2]

    def collection(self, function: Located, table: str) -> str:
        """The collection that a function is run for."""
        return table if table in self.collections.get(self.key(function), ()) else ""

    def by(self, call: t.Call, callee: Located, function: Located, table: str) -> str:
        """The table that a function calls another one for; empty where that is not told."""
        scope = self.code.inside(function)
        owner = callee.of_class
        if owner is None:
            if self.key(callee) not in self.collections:
                return ""
            given = [e for x in call.args if (e := self.reading.entities.of(x, scope)) is not None]
            return given[0].table if len(given) == 1 else ""
        if not isinstance(call.func, t.Attr) or not self._inherits(owner):
            return ""
        base = call.func.value
        if t.dotted(base.func if isinstance(base, t.Call) else base) in ("self", "cls", "super"):
            own = function.of_class
            model = self.reading.receivers.model_of(own) if own is not None and not table else None
        else:
            table, model = "", self.reading.receivers.model(base, scope)
        return model.table if model is not None else table

    def _inherits(self, found: Located) -> bool:
        """Whether a class, or one that it inherits from, is written for many."""
        key = id(found.node)
        if key not in self._kinds:
            near = [self.code.definition(name) for name in self.code.ancestry(found)]
            self._kinds[key] = any(x is not None and self.key(x) in self._owners for x in near)
        return self._kinds[key]


class _Hooks:
    """What class-based views run besides their handlers."""

    def __init__(self, code: Code) -> None:
        self.code = code
        self._classes: dict[int, list[Located]] = {}
        self._written: dict[int, list[Located]] = {}

    def classes(self, view: Located) -> list[Located]:
        """The classes that a view and its serializers are made of, whose own statements count."""
        key = id(view.node)
        if key not in self._classes:
            found = [view, *self._serializers(view)]
            every = {id(c.node): c for one in found for c in self._above(one)}
            self._classes[key] = list(every.values())
        return self._classes[key]

    def of(self, view: Located, changes: bool) -> list[Located]:
        """The methods that the framework calls of a view and of its serializers."""
        found: dict[int, Located] = {}
        serializers = self._serializers(view)
        for owner in (view, *serializers):
            for name, method in self._methods(owner).items():
                shown = name in _READING or (owner is not view and name.startswith("get_"))
                if shown or (changes and (name in _CHANGING or name.startswith("validate_"))):
                    found[id(method.node)] = method
        return list(found.values())

    def _above(self, found: Located) -> list[Located]:
        names = (self.code.definition(n) for n in self.code.ancestry(found))
        return [d for d in names if d is not None and isinstance(d.node, t.Class)]

    def _methods(self, found: Located) -> dict[str, Located]:
        made: dict[str, Located] = {}
        for owner in self._above(found):
            inner = self.code.inside(owner)
            for stmt in owner.node.body:  # type: ignore[attr-defined]
                if isinstance(stmt, t.Function):
                    made.setdefault(stmt.name, Located(stmt, inner))
        return made

    def _serializers(self, view: Located) -> list[Located]:
        """The serializers that a view names, and those that these nest."""
        key = id(view.node)
        if key not in self._written:
            found: dict[int, Located] = {}
            left = [view]
            while left and len(found) < 60:
                for owner in self._above(left.pop()):
                    for node, scope in self._names(owner):
                        if not node.id.endswith("Serializer"):
                            continue
                        named = self.code.defined(node, scope)
                        if named is None or not isinstance(named.node, t.Class):
                            continue
                        if id(named.node) not in found:
                            found[id(named.node)] = named
                            left.append(named)
            self._written[key] = list(found.values())
        return self._written[key]

    def _names(self, owner: Located) -> Iterator[tuple[t.Name, Scope]]:
        inner = self.code.inside(owner)
        for stmt in owner.node.body:  # type: ignore[attr-defined]
            scope = (
                self.code.inside(Located(stmt, inner)) if isinstance(stmt, t.Function) else inner
            )
            for node in t.walk(stmt):
                if isinstance(node, t.Name):
                    yield node, scope
