"""What the objects were loaded with that every call hands to a parameter: reading such a relation asks for nothing.

`def total(order: Order): return sum(item.price for item in order.items)`, called with orders of
`options(joinedload(Order.items))` alone.
Source: https://docs.sqlalchemy.org/en/20/orm/queryguide/relationships.html.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence

import msgspec

from auditor.extract.python import tree as t
from auditor.link.decisions import hands_itself
from auditor.link.scopes import Located, Scope
from auditor.stores.sql.conditions import Draft
from auditor.stores.sql.reading.things import Row, Thing, each

IsGotBy = Callable[[Located, Collection[int]], bool]
"""Whether these calls, by `id`, are all that is spoken of a function."""


class _Call(msgspec.Struct, frozen=True, eq=False):
    """A call as it was read once: in what scope, and what its arguments stood for there."""

    call: t.Call
    scope: Scope
    values: tuple[Thing | None, ...]


class _Read(msgspec.Struct, frozen=True, eq=False):
    """A relation that is read from a parameter of which nothing tells what it was loaded with."""

    draft: Draft
    function: Located
    name: str
    relation: str


class Lent:
    """What calls hand to the functions of the tree, and what these read of it."""

    def __init__(self) -> None:
        self._calls: dict[int, list[_Call]] = defaultdict(list)
        self._read: list[_Read] = []

    def hand(
        self, function: Located, call: t.Call, scope: Scope, values: Sequence[Thing | None]
    ) -> None:
        """Note what a call hands to a function, each time that the call is read."""
        self._calls[id(function.node)].append(_Call(call, scope, tuple(values)))

    def read(self, draft: Draft, expr: t.Attr, scope: Scope) -> None:
        """Note that a relation is read from an object of which nothing is told but its class."""
        function = _function_of(scope)
        if function is None or not isinstance(expr.value, t.Name):
            return
        name = expr.value.id
        if any(p.name == name for p in scope.owner.params) and len(scope.bindings[name]) == 1:  # type: ignore[union-attr]
            self._read.append(_Read(draft, function, name, expr.name))

    def loaded(self, is_got_by: IsGotBy) -> Iterator[Draft]:
        """The relations that are loaded already in every call."""
        for x in self._read:
            if self._is_loaded(x.function, x.name, x.relation, is_got_by, frozenset()):
                yield x.draft

    def _is_loaded(
        self, function: Located, name: str, relation: str, is_got_by: IsGotBy, along: frozenset[int]
    ) -> bool:
        """Whether whatever is handed to a parameter was loaded with a relation; `along` are the functions it is handed on to."""
        key = id(function.node)
        calls = self._calls.get(key, [])
        if not calls or key in along or not is_got_by(function, {id(x.call) for x in calls}):
            return False

        def has(row: Thing, expr: t.Expr | None, scope: Scope) -> bool:
            if not isinstance(row, Row):
                return False
            if row.draft is not None:
                return relation in row.draft.eager
            outer = _function_of(scope)
            return (
                outer is not None
                and isinstance(expr, t.Name)
                and self._is_loaded(outer, expr.id, relation, is_got_by, along | {key})
            )

        for one in calls:
            expr, thing = _given(function, one, name)
            rows = each(thing)
            if not rows or not all(has(row, expr, one.scope) for row in rows):
                return False
        return True


def by_place(function: Located, call: t.Call) -> list[str]:
    """The parameters that a call fills in turn: not the object that it is called on."""
    node = function.node
    assert isinstance(node, t.Function)
    places = [p.name for p in node.params if p.kind == "positional"]
    if isinstance(function.scope.owner, t.Class) and places:
        static = any(t.dotted(d) == "staticmethod" for d in node.decorators)
        return places if static or hands_itself(call) else places[1:]
    return places


def _given(function: Located, one: _Call, name: str) -> tuple[t.Expr | None, Thing | None]:
    """What a call gives a parameter, as it is written and what it stands for."""
    args, keywords = one.call.args, one.call.keywords
    if any(isinstance(x, t.Star) for x in args):
        return None, None
    for place, expr, value in zip(by_place(function, one.call), args, one.values, strict=False):
        if place == name:
            return expr, value
    for keyword, value in zip(keywords, one.values[len(args) :], strict=False):
        if keyword.name == name:
            return keyword.value, value
    return None, None


def _function_of(scope: Scope) -> Located | None:
    if isinstance(scope.owner, t.Function) and scope.parent is not None:
        return Located(scope.owner, scope.parent)
    return None
