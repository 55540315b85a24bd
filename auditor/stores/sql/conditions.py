"""Conditions and queries while they are put together.

A condition is a small tree over columns of tables; `join_order` tells what shapes come of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec
from msgspec.structs import replace

from auditor.model.data import Bound
from auditor.model.places import Place
from auditor.model.values import Plain
from auditor.stores.spans import ABOVE
from auditor.stores.sql.entities import Column, Entity

_MAX_BRANCHES = 24


class Test(msgspec.Struct, frozen=True):
    """A column compared. `how` is equality, range, above (more than 0), prefix, unequal, scanned (no index serves it) or text."""

    table: str
    column: str
    how: str = "equality"
    outer: bool = False
    """Whether an outer join asks it: it narrows what is looked up there, and not what is found."""
    applied: tuple[str, str] = ("", "")
    """What is compared in place of a column that is scanned, and how: `lower(email)`, equality."""
    values: tuple[Plain, ...] = ()
    """The constants of the code that it is equal to, or to one of which; empty where any value is asked for."""
    till: bool = False
    """Whether it is a range without a lower end."""
    null: bool = False
    """Whether what has no value is asked for, as what an outer join finds no match for."""


class Link(msgspec.Struct, frozen=True):
    """Two columns of different tables that are equal; `outer` where rows without a match are brought too, `brought`
    the table that is then looked up for each of the rows before it."""

    table: str
    column: str
    other: str
    remote: str
    outer: bool = False
    brought: str = ""


class Every(msgspec.Struct, frozen=True):
    parts: tuple[Condition, ...]


class Some(msgspec.Struct, frozen=True):
    parts: tuple[Condition, ...]


class Opposite(msgspec.Struct, frozen=True):
    part: Condition


class Outer(msgspec.Struct, frozen=True):
    """What an outer join asks of the table that it adds, where that is told."""

    part: Condition
    brought: str = ""


class Lookup(msgspec.Struct, frozen=True):
    """A comparison by name whose model is not known yet: `Q(author__name="x")`."""

    path: str
    nothing: bool = False
    """Whether it is compared with None."""
    own: bool = False
    """Whether it is compared with another column of the same record, which no index serves."""
    values: tuple[Plain, ...] = ()
    """The constants of the code that it is compared with."""
    now: bool = False
    """Whether it is compared with this moment."""


def no_column(name: str) -> str:
    return f"{name} is no column that the code declares"


COMPUTED = "whether an index serves the order by what is computed of {column} is not told"


class Untold(msgspec.Struct, frozen=True):
    """A condition that cannot be told from the code."""

    reason: str


Condition = Test | Link | Every | Some | Opposite | Outer | Lookup | Untold
NOTHING = Every(())
EMPTY = Every((NOTHING,))
"""`Q()`: it gives way to what is joined with it, where a condition that tells nothing stays one."""


NEVER = Some(())
"""What no record meets, `Item.sold is None` of a class: among alternatives it is none."""
UNTOLD = Untold("a condition cannot be told from the code")


def joined(one: Condition, two: Condition, *, any_: bool = False) -> Condition:
    """Two conditions of which both must hold, or one; those of one kind stay side by side."""
    if EMPTY in (one, two):
        return two if one == EMPTY else one
    kind = Some if any_ else Every
    parts = (x.parts if isinstance(x, kind) else (x,) for x in (one, two))
    return kind(tuple(part for each in parts for part in each))


def compared(
    entity: Entity, column: Column, how: str = "equality", values: tuple[Plain, ...] = ()
) -> Condition:
    """A column of a stored class compared, in the table that keeps it."""
    key = entity.key
    if not column.table or column.table == entity.table or key is None:
        return Test(entity.table, column.name, how, values=values)
    _, _, remote = key.target.rpartition(".")
    link = Link(entity.table, key.name, column.table, remote or key.name)
    return Every((link, Test(column.table, column.name, how, values=values)))


@dataclass(slots=True)
class Branch:
    """Conditions that hold together."""

    tests: list[Test] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)

    def with_(self, other: Branch) -> Branch:
        return Branch(
            self.tests + other.tests, self.links + other.links, self.reasons + other.reasons
        )


def is_open(parts: tuple[Condition, ...]) -> bool:
    """Whether some of these conditions cannot be told."""
    for part in parts:
        match part:
            case Untold():
                return True
            case Every(parts=inner) | Some(parts=inner):
                if is_open(inner):
                    return True
            case Opposite(part=one) | Outer(part=one):
                if is_open((one,)):
                    return True
    return False


def tables_of(condition: Condition) -> set[str]:
    """The tables whose columns a condition compares."""
    match condition:
        case Test(table=table):
            return {table}
        case Link(table=table, other=other):
            return {table, other}
        case Every(parts=parts) | Some(parts=parts):
            return set().union(*map(tables_of, parts))
        case Opposite(part=part) | Outer(part=part):
            return tables_of(part)
    return set()


def branches(condition: Condition, depth: int = 0) -> list[Branch]:
    """The alternatives of a condition, each a conjunction; a search needs an index for each."""
    if depth > 40:
        return [Branch(reasons=["the condition is nested too deeply"])]
    match condition:
        case Test():
            return [Branch(tests=[condition])]
        case Link():
            return [Branch(links=[condition])]
        case Untold(reason=reason):
            return [Branch(reasons=[reason])]
        case Lookup(path=path):
            return [Branch(reasons=[f"{path} is of a model that could not be told"])]
        case Opposite(part=part):
            return [_flat(branches(part, depth + 1), opposite=True)]
        case Outer(part=part, brought=brought):
            found = branches(part, depth + 1)
            one = found[0] if len(found) == 1 else _flat(found)
            tests = [replace(x, outer=True) for x in one.tests]
            links = [replace(x, outer=True, brought=brought) for x in one.links]
            return [Branch(tests, links, one.reasons)]
        case Every(parts=parts):
            found = [Branch()]
            for part in parts:
                more = branches(part, depth + 1)
                if len(found) * len(more) > _MAX_BRANCHES:
                    more = [_flat(more)]  # too many to tell apart: fields that are looked at
                found = [one.with_(two) for one in found for two in more]
            return found
        case Some(parts=parts):
            every = [branch for part in parts for branch in branches(part, depth + 1)]
            return every if len(every) <= _MAX_BRANCHES else [_flat(every)]
    return [Branch()]


def _flat(found: list[Branch], *, opposite: bool = False) -> Branch:
    """One branch for several: their fields are looked at, and none is looked up by.

    What must not hold narrows a search little: most records are found, by a pattern too.
    """
    loose = ("equality", "prefix", "scanned", "text") if opposite else ("equality",)
    less = {ABOVE: "range"} if opposite else {}
    tests = [
        replace(
            test,
            how="unequal" if test.how in loose else less.get(test.how, test.how),
            applied=("", "") if opposite else test.applied,
            values=(),
            till=test.till and not opposite,
            null=test.null and not opposite,
        )
        for branch in found
        for test in branch.tests
    ]
    links = [link for branch in found for link in branch.links]
    return Branch(tests, links, [reason for branch in found for reason in branch.reasons])


def combined(parts: Iterable[Condition], any_: bool = False) -> Condition:
    given = tuple(parts)
    if len(given) == 1:
        return given[0]
    return Some(given) if any_ and given else Every(given)


class Loaded(msgspec.Struct, frozen=True):
    """A class of objects that are loaded with others, by which columns they are joined to them, and the classes
    on the way; None where they are asked for apart."""

    entity: Entity
    way: tuple[Link, ...] | None = ()
    along: frozenset[str] = frozenset()


class Draft(msgspec.Struct, frozen=True, eq=False):
    """A query as far as the code has put it together; every step makes a new one.

    `entity` is None where the table could not be told, and `unresolved` says why. `where` holds
    what each step adds. `origin` is the draft before the last step, `root` where it began.
    `eager` are the relations that are loaded with it. `done` when nothing may be added any more.
    """

    mapper: str
    entity: Entity | None
    place: Place
    operation: str = "select"
    where: tuple[Condition, ...] = ()
    joins: tuple[Link, ...] = ()
    tables: tuple[Entity, ...] = ()
    sort: tuple[tuple[str, str, int], ...] | None = None
    bound: Bound = Bound.UNKNOWN
    projection: tuple[str, ...] = ()
    eager: frozenset[str] = frozenset()
    loads: tuple[Link, ...] = ()
    """By which columns what is loaded with its objects is joined to them; a figure of them loads nothing."""
    loaded: tuple[Loaded, ...] = ()
    """The classes of these objects."""
    along: tuple[str, ...] = ()
    """The classes on the way to its objects, where they were loaded with others."""
    besides: tuple[Draft, ...] = ()
    """What is asked besides for what is loaded with its objects."""
    criteria: tuple[tuple[str, Condition], ...] = ()
    """What is asked of a table wherever its objects are searched or loaded (`with_loader_criteria`)."""
    left: frozenset[str] = frozenset()
    """The relations that it does not load with its objects, though their class does; "*" for all."""
    unresolved: str = ""
    refused: bool = False
    """Whether it is surely not sent as it stands, as `unresolved` says: no index makes it one that is served."""
    loop: Place | None = None
    origin: Draft | None = None
    limited: Bound | None = None
    tentative: bool = False
    """Whether it is only told that something is asked here: what a query at its place says is better."""
    correlated: bool = False
    """Whether it looks something up for each row of a query around it."""
    manager: bool = False
    """A manager that nothing has been asked of yet."""
    assumed: bool = False
    """Whether it begins with a parameter, of which only the type is told."""
    computed: frozenset[str] = frozenset()
    """Names that it computes, which are no columns."""
    grouped: bool = False
    """Whether it brings groups of rows, whose order no index of the rows keeps."""
    apart: tuple[tuple[str, str], ...] = ()
    """The columns, with their tables, of which each value is brought once (DISTINCT ON)."""
    compound: bool = False
    """Whether rows of other queries come with its own (UNION): what follows is asked of the result."""

    @property
    def table(self) -> str:
        return self.entity.table if self.entity is not None else ""

    @property
    def model(self) -> str:
        return self.entity.name if self.entity is not None else ""
