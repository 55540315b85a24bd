"""Conditions and queries while they are put together, and the shapes that come of them.

A condition is a small tree over columns of tables. Of a query that joins tables, each table gets a
shape of its own: the database starts where conditions narrow the search, and reaches the others by
the columns that join them.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import msgspec
from msgspec.structs import replace

from auditor.model.data import Bound, Query
from auditor.model.places import Place
from auditor.stores.sql.entities import Column, Entity

_MAX_BRANCHES = 24
_LOOSE = ("scanned", "unequal")
_FLAGS = {"bool", "boolean", "booleanfield", "nullbooleanfield", "bit"}
_NUMBERS = {
    "int",
    "integer",
    "smallint",
    "tinyint",
    "smallinteger",
    "integerfield",
    "smallintfield",
}
_YES = re.compile(
    r"(?:is|has|was|can)_\w+|\w+_flag|(?:in)?active|(?:en|dis)abled|deleted|archived|visible|hidden|published|verified"
    r"|confirmed|blocked|banned|completed|done|approved|seen|processed"
)
"""What a number answers with 0 or 1, where a schema has no booleans."""


class Test(msgspec.Struct, frozen=True):
    """A column compared. `how` is equality, range, unequal, scanned (no index serves it) or text."""

    table: str
    column: str
    how: str = "equality"


class Link(msgspec.Struct, frozen=True):
    """Two columns of different tables that are equal."""

    table: str
    column: str
    other: str
    remote: str


class Every(msgspec.Struct, frozen=True):
    parts: tuple[Condition, ...]


class Some(msgspec.Struct, frozen=True):
    parts: tuple[Condition, ...]


class Opposite(msgspec.Struct, frozen=True):
    part: Condition


class Lookup(msgspec.Struct, frozen=True):
    """A comparison by name whose model is not known yet: `Q(author__name="x")`."""

    path: str
    nothing: bool = False
    """Whether it is compared with None."""
    own: bool = False
    """Whether it is compared with another column of the same record, which no index serves."""


class Untold(msgspec.Struct, frozen=True):
    """A condition that cannot be told from the code."""

    reason: str


Condition = Test | Link | Every | Some | Opposite | Lookup | Untold
NOTHING = Every(())


def compared(entity: Entity, column: Column, how: str = "equality") -> Condition:
    """A column of a stored class compared, in the table that keeps it."""
    key = entity.key
    if not column.table or column.table == entity.table or key is None:
        return Test(entity.table, column.name, how)
    _, _, remote = key.target.rpartition(".")
    link = Link(entity.table, key.name, column.table, remote or key.name)
    return Every((link, Test(column.table, column.name, how)))


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
            case Opposite(part=one):
                if is_open((one,)):
                    return True
    return False


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
            return [_opposite(branches(part, depth + 1))]
        case Every(parts=parts):
            found = [Branch()]
            for part in parts:
                more = branches(part, depth + 1)
                if len(found) * len(more) > _MAX_BRANCHES:
                    more = [_opposite(more)]  # too many to tell apart: fields that are looked at
                found = [one.with_(two) for one in found for two in more]
            return found
        case Some(parts=parts):
            every = [branch for part in parts for branch in branches(part, depth + 1)]
            return every if len(every) <= _MAX_BRANCHES else [_opposite(every)]
    return [Branch()]


def _opposite(found: list[Branch]) -> Branch:
    """What must not hold narrows a search little: most records are found."""
    tests = [
        replace(test, how="unequal" if test.how == "equality" else test.how)
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
    unresolved: str = ""
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

    @property
    def table(self) -> str:
        return self.entity.table if self.entity is not None else ""

    @property
    def model(self) -> str:
        return self.entity.name if self.entity is not None else ""


def shapes(draft: Draft, tables: Mapping[str, Entity]) -> Iterator[Query]:
    """The queries that a finished draft comes to, one for each alternative and each table.

    `tables` are the entities by the names of their tables.
    """
    table = draft.table
    reason = draft.unresolved or ("" if table else "the table is named at run time")
    every = branches(Every(draft.where))
    for branch in every:
        yield from _of_branch(draft, branch, reason, tables)


def _of_branch(
    draft: Draft, branch: Branch, reason: str, tables: Mapping[str, Entity]
) -> Iterator[Query]:
    root = draft.table
    reasons = reason or "; ".join(dict.fromkeys(branch.reasons))
    tests: dict[str, list[Test]] = defaultdict(list)
    for test in branch.tests:
        tests[test.table].append(test)
    links = [*draft.joins, *branch.links]
    if draft.correlated:
        links, outer = [], links
        for link in outer:
            column = (
                link.column if link.table == root else link.remote if link.other == root else ""
            )
            if column:
                tests[root].append(Test(root, column))
    narrowed = {name for name, found in tests.items() if any(x.how not in _LOOSE for x in found)}
    shared = {x.other for x in links if x.table == root and _shares_key(draft, x, tables)}
    if narrowed - shared:  # a base's table is then reached by the key that both share
        narrowed -= shared
    starts = {root} if root in narrowed or not narrowed else narrowed
    reached = _reached(starts, links)
    joined = root not in starts
    if root in starts:
        for link in links:  # the search may start from the other side just as well
            for own, column, other in (
                (link.table, link.column, link.other),
                (link.other, link.remote, link.table),
            ):
                if own == root and other in narrowed and other != root and not _is_key(draft, column):  # fmt: skip
                    tests[root].append(Test(root, column))
                    joined = True
    sort = draft.sort
    if sort is None:
        plain = draft.entity.ordering if draft.entity is not None else ()
        sort = tuple((root, name, way) for name, way in plain)
        if draft.operation not in ("select",) or draft.bound is Bound.ONE:
            sort = ()
    order = tuple((name, way) for owner, name, way in sort) if all(x[0] == root for x in sort) else ()  # fmt: skip
    if joined:
        order = ()  # of several keys, which the other table gives, no index keeps one order
    mine = tests[root] if root in starts else [Test(root, reached[root])] if root in reached else []
    yield _query(draft, tables, root, draft.operation, mine, order, reasons)
    whole = not branch.tests and not reasons and not draft.correlated and _reads_all(draft)
    for name in sorted((set(tests) | set(reached)) - {root, ""}):
        if name in starts:
            yield _query(draft, tables, name, "join", tests[name], (), reasons)
        elif name in reached and whole:  # both tables are read from end to end
            yield _query(draft, tables, name, "join", [], (), "")
        elif name in reached:
            by = [Test(name, reached[name]), *_known(name, branch.tests, links)]
            yield _query(draft, tables, name, "join", by, (), "")


def _reads_all(draft: Draft) -> bool:
    """Whether all records are asked for, so that no table is looked into for a few of another's."""
    return draft.operation in ("count", "aggregate") or draft.bound is Bound.NONE


def _known(table: str, tests: list[Test], links: list[Link]) -> Iterator[Test]:
    """Columns of a table whose values are known from the other side of a link."""
    told = {(test.table, test.column) for test in tests if test.how == "equality"}
    for link in links:
        if link.table == table and (link.other, link.remote) in told:
            yield Test(table, link.column)
        if link.other == table and (link.table, link.column) in told:
            yield Test(table, link.remote)


def _is_key(draft: Draft, column: str) -> bool:
    key = draft.entity.key if draft.entity is not None else None
    return key is not None and key.name == column


def _shares_key(draft: Draft, link: Link, tables: Mapping[str, Entity]) -> bool:
    other = tables.get(link.other)
    key = other.key if other is not None else None
    return key is not None and key.name == link.remote and _is_key(draft, link.column)


def _reached(starts: set[str], links: list[Link]) -> dict[str, str]:
    """By which column each other table is reached from the tables where the search starts."""
    reached: dict[str, str] = {}
    known = set(starts)
    for _ in range(len(links) + 1):
        more = False
        for link in links:
            for here, there, column in (
                (link.table, link.other, link.remote),
                (link.other, link.table, link.column),
            ):
                if here in known and there not in known:
                    known.add(there)
                    reached[there] = column
                    more = True
        if not more:
            break
    return reached


def _query(
    draft: Draft,
    tables: Mapping[str, Entity],
    table: str,
    operation: str,
    tests: list[Test],
    sort: tuple[tuple[str, int], ...],
    unresolved: str,
) -> Query:
    by_kind: dict[str, list[str]] = defaultdict(list)
    for test in tests:
        by_kind[test.how].append(test.column)
    equality = tuple(dict.fromkeys(by_kind["equality"]))
    spans = tuple(
        x for x in dict.fromkeys((*by_kind["range"], *by_kind["unequal"])) if x not in equality
    )
    scanned = tuple(x for x in dict.fromkeys(by_kind["scanned"]) if x not in equality + spans)
    own = operation != "join"
    loose = [x for x in by_kind["unequal"] if x not in by_kind["range"] and x not in equality]
    entity = draft.entity if draft.table == table else tables.get(table)
    flags = [x for x in equality if _is_flag(entity, x)]
    return Query(
        "sql",
        table,
        operation,
        equality,
        spans,
        sort,
        draft.place,
        unresolved,
        bool(table),
        _bound(draft) if own else Bound.UNKNOWN,
        scanned,
        "text" if by_kind["text"] else "",
        draft.projection if own else (),
        draft.loop,
        tuple(dict.fromkeys((*flags, *loose))),
    )


def _bound(draft: Draft) -> Bound:
    if draft.operation == "aggregate" and draft.bound is Bound.NONE:
        return Bound.UNKNOWN  # as many as there are groups
    if draft.bound is Bound.UNKNOWN and draft.limited is not None:
        return draft.limited if draft.limited is not Bound.UNKNOWN else Bound.LIMITED
    return draft.bound


def _is_flag(entity: Entity | None, name: str) -> bool:
    column = entity.column(name) if entity is not None else None
    if column is None:
        return False
    kind = column.type.lower()
    return column.two or kind in _FLAGS or (kind in _NUMBERS and bool(_YES.fullmatch(column.name)))
