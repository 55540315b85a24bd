"""What an expression stands for while queries are read: a query, its rows, one of them, a column."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from auditor.extract.python import tree as t
from auditor.link.scopes import Located
from auditor.model.data import Bound
from auditor.model.places import Place
from auditor.stores.sql.conditions import EMPTY, NOTHING, Condition, Draft, Link, Outer
from auditor.stores.sql.entities import Column, Entity, Relation


class Class(msgspec.Struct, frozen=True, eq=False):
    """A stored class or table itself."""

    entity: Entity


class Field(msgspec.Struct, frozen=True, eq=False):
    """A column of a stored class; `expression` where a function is applied to it: `lower(email)`."""

    entity: Entity
    column: Column
    expression: str = ""
    way: int = 1


class Related(msgspec.Struct, frozen=True, eq=False):
    """A relation as an attribute of the class: `User.items`, for joins and loading."""

    entity: Entity
    relation: Relation


class Holds(msgspec.Struct, frozen=True, eq=False):
    """A condition: `User.id == 1`, `Q(name="x")`."""

    condition: Condition = NOTHING


class Rows(msgspec.Struct, frozen=True, eq=False):
    """Stored objects that a query brought."""

    entity: Entity
    draft: Draft | None = None


class Row(msgspec.Struct, frozen=True, eq=False):
    """A stored object; `loop` where it is one of many that are gone through."""

    entity: Entity
    draft: Draft | None = None
    loop: Place | None = None


class Result(msgspec.Struct, frozen=True, eq=False):
    """What executing a query gave, before rows are taken from it."""

    draft: Draft


class Listed(msgspec.Struct, frozen=True, eq=False):
    """A list that the code puts together: of conditions, mostly."""

    items: tuple[Thing | None, ...]


class Keyed(msgspec.Struct, frozen=True, eq=False):
    """A dict by text keys, for `filter(**given)`; `open_` where some keys could not be told.

    `kept` are the queries, stored objects and classes in it, by their keys: `context["orders"].count()`.
    """

    names: tuple[tuple[str, bool], ...]
    open_: bool = False
    kept: tuple[tuple[str, Thing], ...] = ()

    def get(self, key: str) -> Thing | None:
        """What it keeps under a key."""
        return next((thing for name, thing in reversed(self.kept) if name == key), None)

    def with_(self, key: str, thing: Thing | None) -> Keyed:
        """The same with one key more."""
        kept = ((key, thing),) if thing is not None and is_stored(thing) else ()
        return self.also(Keyed(((key, False),), kept=kept))

    def also(self, other: Keyed) -> Keyed:
        """The keys of both, one spread after the other."""
        return Keyed(
            (*self.names, *other.names), self.open_ or other.open_, (*self.kept, *other.kept)
        )


class Self(msgspec.Struct, frozen=True, eq=False):
    """The object or class whose method runs; `model` where it was made for one: `CRUD(User)`."""

    found: Located
    model: Entity | None = None


class Chosen(msgspec.Struct, frozen=True):
    """The fields that a schema is told to write, of all where `only` is None, and to leave: "room", "room.meetings"."""

    only: frozenset[str] | None = None
    without: frozenset[str] = frozenset()

    def has(self, name: str) -> bool:
        heads = {path.partition(".")[0] for path in self.only or ()}
        return name not in self.without and (self.only is None or name in heads)

    def below(self, name: str) -> Chosen:
        """What is told of the fields behind one."""
        inner = None if self.only is None or name in self.only else _behind(name, self.only)
        return Chosen(inner, _behind(name, self.without))

    def also(self, other: Chosen) -> Chosen:
        """What both leave to be written."""
        only = self.only if other.only is None else other.only
        return Chosen(only, self.without | other.without)


ALL = Chosen()


def _behind(name: str, paths: frozenset[str]) -> frozenset[str]:
    return frozenset(path[len(name) + 1 :] for path in paths if path.startswith(f"{name}."))


class Written(msgspec.Struct, frozen=True, eq=False):
    """A record that a serializer, a schema or a response model writes out; `found` is its class."""

    found: Located
    row: Row
    chosen: Chosen = ALL


class Function(msgspec.Struct, frozen=True, eq=False):
    """A function that mappers give for expressions: `func.lower`; `of` are the columns of what it works out.

    `whole` where it is a column of a subquery that has all there is in its table.
    """

    name: str
    of: tuple[Field, ...] = ()
    whole: bool = False


def columns(thing: Thing | None) -> tuple[Field, ...]:
    """The columns of which something is worked out."""
    match thing:
        case Field():
            return (thing,)
        case Function(of=of):
            return of
    return ()


class Statement(msgspec.Struct, frozen=True, eq=False):
    """SQL as text."""

    text: str
    node: t.Node
    added: tuple[t.Node, ...] = ()
    """What was added to it."""
    joining: frozenset[int] = frozenset()
    """Those of its additions, by `id`, that join a table: that is done to ask something of it."""


class Either(msgspec.Struct, frozen=True, eq=False):
    """One of several, decided at run time."""

    things: tuple[Thing, ...]


Thing = (
    Class
    | Field
    | Related
    | Holds
    | Rows
    | Row
    | Result
    | Listed
    | Keyed
    | Self
    | Function
    | Statement
    | Draft
    | Either
)
Told = tuple[Thing | None, bool]
"""What a call stands for, and whether that is known."""
_MAX = 12


def each(thing: Thing | None) -> tuple[Thing, ...]:
    """All that a thing may be."""
    if thing is None:
        return ()
    return thing.things if isinstance(thing, Either) else (thing,)


def is_stored(thing: Thing) -> bool:
    """Whether something is, or may be, a query, what it brings, or a stored object or its class, or a dict that keeps one."""
    return any(
        isinstance(x, Draft | Rows | Row | Class) or (isinstance(x, Keyed) and bool(x.kept))
        for x in each(thing)
    )


def either(things: list[Thing]) -> Thing | None:
    distinct = list({id(x): x for one in things for x in each(one)}.values())
    if not distinct:
        return None
    return distinct[0] if len(distinct) == 1 else Either(tuple(distinct[:40]))


def opened(things: list[Thing]) -> list[Thing]:
    """The same where another dict is given in some runs, whose keys are not told."""
    return [
        replace(x, open_=True) if isinstance(x, Keyed) else x for one in things for x in each(one)
    ]


def _added(thing: Thing) -> frozenset[object]:
    """What steps have added to something."""
    match thing:
        case Draft(where=where):  # a table is joined to be asked
            return frozenset(x for x in where if not isinstance(x, Link | Outer))
        case Listed(items=items):
            return frozenset(items)
        case Keyed(names=names):
            return frozenset(names)
        case Statement(added=added, joining=joining):
            return frozenset(map(id, added)) - joining
        case Holds(condition=condition) if condition != EMPTY:
            return frozenset(getattr(condition, "parts", (condition,)))
    return frozenset()


def _least(group: list[Thing]) -> list[Thing]:
    """Those of several ways that are no more than one addition, of however many parts, above another."""
    parts = [_added(x) for x in group]
    above = [any(two < one for two in parts) for one in parts]
    return [
        thing
        for thing, one in zip(group, parts, strict=True)
        if not any(up and two < one for up, two in zip(above, parts, strict=True))
    ]


def merged(one: Thing | None, two: Thing | None) -> tuple[Thing | None, list[Draft]]:
    """What a name holds when one of two ways was taken, and the queries that are left out.

    Conditions that are added one by one under tests of their own would double the ways each time:
    what is kept is the query without them, and with each.
    """
    for whole, part in ((one, two), (two, one)):
        if part is not None and {id(x) for x in each(part)} <= {id(x) for x in each(whole)}:
            return whole, []
    every = list({id(x): x for x in (*each(one), *each(two))}.values())
    groups: dict[object, list[Thing]] = {}
    for thing in every:
        key: object = thing.place if isinstance(thing, Draft) else type(thing)
        groups.setdefault(key, []).append(thing)
    kept: list[Thing] = []
    for group in groups.values():
        if len(group) > 2:
            group = _least(group)[:_MAX]
        kept += group
    dropped = [x for x in every if isinstance(x, Draft) and not any(x is y for y in kept)]
    if not kept:
        return None, []
    return (kept[0] if len(kept) == 1 else Either(tuple(kept))), dropped


def executed(draft: Draft, **changes: object) -> Draft:
    """The next step of a query."""
    return replace(draft, origin=draft, manager=False, **changes)


def figure(draft: Draft, operation: str = "count") -> Draft:
    """A figure of what a query finds: its order says which are counted of a slice, and nothing else.

    Source: https://github.com/django/django/blob/main/django/db/models/sql/query.py (`get_aggregation`).
    """
    sliced = draft.limited is not None and operation != "exists"
    return executed(draft, operation=operation, bound=Bound.ONE, sort=draft.sort if sliced else ())
