"""The shapes that a query comes to: where a database starts to search, and how it goes on from there.

Of a query that joins tables, each table gets a shape of its own. The database starts where a condition
that an index serves narrows the search, and looks the others up by the columns that join them; what
else is asked of these is then held against the few records that are found. Sources: PostgreSQL,
"Planner/Optimizer" (https://www.postgresql.org/docs/current/planner-optimizer.html); SQLite, "The Query
Planner" (https://www.sqlite.org/optoverview.html#joins).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from msgspec.structs import replace

from auditor.model.data import Bound, Query
from auditor.stores.flags import may_be_most, others, waits
from auditor.stores.matching import has_few_values, marks_deletion
from auditor.stores.spans import ABOVE
from auditor.stores.sql.conditions import Branch, Draft, Every, Link, Test, branches
from auditor.stores.sql.entities import Entity, snake

_TIMES = re.compile(r"(?i)date|time")
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
    "mediumint",
    "binary",
    "varbinary",
}
_TEXTS = {"string", "varchar", "char", "text", "charfield", "textfield", "unicode", "str", "enum"}
_ASKS = re.compile(r"(?:is|has|was|can)_\w+|\w+_flag|(?:is)?(?:(?:in)?active|(?:en|dis)abled)")
"""What is answered by Y or N, whatever holds it."""
_YES = re.compile(
    r"(?:is|has|was|can)_\w+|\w+_flag|(?:is)?(?:(?:in)?active|(?:en|dis)abled|deleted|archived|visible|hidden|published|verified"
    r"|confirmed|blocked|banned|completed|done|approved|seen|processed)"
)
"""What a number answers with 0 or 1, where a schema has no booleans."""


@dataclass(frozen=True)
class Schema:
    """What a search is planned by: the tables by name, and the columns that begin an index of each."""

    tables: Mapping[str, Entity]
    leading: Mapping[str, frozenset[str]]
    choosing: Mapping[str, frozenset[str]]
    """The columns whose value decides whether a record is in an index."""
    unique: Mapping[str, frozenset[str]]
    """The columns of which no two records of a table have the same."""
    dialect: str = ""
    """The database that plans it; empty where it is not told."""
    cased: bool = False
    """Whether it is SQLite, whose LIKE takes large and small letters as one, and no index does so."""
    set_true: frozenset[str] = frozenset()
    """The attributes that the code sets to true."""

    def leads(self, table: str, column: str) -> bool:
        return column in self.leading.get(table, ())

    def served(self, test: Test) -> Test:
        """A test of what a function gives, where an index is on that very expression; and what LIKE asks of SQLite."""
        if test.how == "prefix" and self.cased:
            return replace(test, how="scanned", applied=(test.column, "prefix"))
        expression, how = test.applied
        if how in _LOOSE or not self.leads(test.table, expression):
            return test
        return replace(test, column=expression, how=how)

    def is_key(self, table: str, column: str) -> bool:
        entity = self.tables.get(table)
        return entity is not None and entity.key is not None and entity.key.name == column

    def is_alone(self, table: str, column: str) -> bool:
        """Whether no two records of a table have the same in a column."""
        return self.is_key(table, column) or column in self.unique.get(table, ())

    def is_flag(self, table: str, name: str) -> bool:
        """Whether a column takes one of two values."""
        return is_flag(self.tables.get(table), name)

    def finds_most(self, test: Test) -> bool:
        """Whether what is asked finds too much for an index to help: a flag, no mark of soft deletion."""
        marked = test.how == "equality" and marks_deletion(test.column)
        return marked or self.is_flag(test.table, test.column)

    def tells_few(self, test: Test) -> bool:
        """Whether a column is equal to something that is not what most records may have."""
        entity = self.tables.get(test.table)
        column = entity.column(test.column) if entity is not None else None
        if test.how != "equality" or column is None:
            return test.how == "equality"
        return not may_be_most(test.column, test.values, column.first, column.choices, column.ends)

    def may_find_most(self, test: Test, tests: list[Test]) -> bool:
        """Whether a condition may find nearly all there is: constants of most records, more than nought, all that was
        before a time where none of the others is its lower end."""
        if test.how == "equality":
            return not self.tells_few(test)
        entity = self.tables.get(test.table)
        column = entity.column(test.column) if entity is not None else None
        ends = [x for x in tests if x.column == test.column and x.how in ("range", ABOVE)]
        timed = column is not None and bool(_TIMES.search(column.type))
        return test.how == ABOVE or (timed and test.till and all(x.till for x in ends))

    def finds_few(self, test: Test) -> bool:
        """Whether a column is asked for another constant than new records have: how many have it is not told."""
        entity = self.tables.get(test.table)
        column = entity.column(test.column) if entity is not None else None
        return column is not None and bool(others(test.values, column.first))


def shapes(draft: Draft, schema: Schema) -> Iterator[Query]:
    """The queries that a finished draft comes to, one for each alternative and each table."""
    if draft.refused:
        draft = replace(draft, where=(), joins=(), sort=())
    reason = (
        draft.unresolved
        or _unmatched(draft)
        or ("" if draft.table else "the table is named at run time")
    )
    found = _of_matches(branches(Every(draft.where)) or [Branch(reasons=[_NEVER])], draft)
    found = _over_one_table(found, schema)
    broad = [branch for branch in found if _is_broad(branch, schema)]
    for branch in broad[:1] or found:
        yield from _of_branch(draft, branch, reason, schema)


def _unmatched(draft: Draft) -> str:
    """Why PostgreSQL refuses `DISTINCT ON`: the order does not begin with its fields. No other database has it.

    Source: https://www.postgresql.org/docs/current/sql-select.html#SQL-DISTINCT.
    """
    if not draft.apart or draft.entity is None or draft.grouped or draft.operation == "exists":
        return ""
    own = ((draft.table, column, way) for column, way in draft.entity.ordering)
    left = set(draft.apart)
    for table, column, _ in own if draft.sort is None else draft.sort:
        if not left or table != draft.table or any(table != x for x, _ in left):
            return ""
        if (table, column) not in draft.apart:
            return f"the database refuses distinct() of fields with which its order does not begin, but with {column}"
        left.discard((table, column))
    return ""


def _of_matches(found: list[Branch], draft: Draft) -> list[Branch]:
    """The alternatives without what is asked of a table that an outer join brings, where one of them takes what has no match.

    `books LEFT JOIN sales … WHERE sales.day IS NULL`: each book's sales are looked up before any is tested.
    Source: https://www.postgresql.org/docs/current/explicit-joins.html.
    """
    links = [*draft.joins, *(link for branch in found for link in branch.links)]
    kept = {name for x in links if not x.outer for name in (x.table, x.other)}
    brought = {x.brought for x in links if x.outer and x.brought} - kept - {draft.table}

    def rejects(test: Test, table: str) -> bool:
        return test.table == table and not test.null and not test.outer

    for table in brought:
        if any(x.null and x.table == table and not x.outer for b in found for x in b.tests):
            if not all(any(rejects(x, table) for x in branch.tests) for branch in found):
                found = [
                    Branch([x for x in b.tests if x.table != table or x.outer], b.links, b.reasons)
                    for b in found
                ]
    return found


def _over_one_table(found: list[Branch], schema: Schema) -> list[Branch]:
    """The alternatives that indexes serve one by one: those which all ask something of one table.

    Of `orders.number = … OR customers.email = …` no table can be narrowed before both are joined, so
    that only what holds besides counts.
    """
    if len(found) < 2 or any(branch.reasons for branch in found):
        return found
    common = [x for x in found[0].tests if all(x in branch.tests for branch in found[1:])]
    asked = [{x.table for x in b.tests if x not in common and not x.outer} for b in found]
    if len(set.union(*asked)) < 2 or set.intersection(*asked):
        return found
    links = [*dict.fromkeys(link for branch in found for link in branch.links)]
    telling = (x for x in common if not schema.is_flag(x.table, x.column))
    why = [] if any(map(narrows, telling)) else [_OVER_TABLES]
    return [Branch(common, links, why)]


_NEVER = "no record meets its conditions, whatever there is"
_OVER_TABLES = "its alternatives (OR) are columns of several tables, which no index narrows: ask for each by itself, and unite them"


def _is_broad(branch: Branch, schema: Schema) -> bool:
    """Whether an alternative finds so much that all is read, whatever index the others have."""
    loose = all(x.how == "unequal" or schema.is_flag(x.table, x.column) for x in branch.tests)
    return loose and bool(branch.tests) and not branch.links and not branch.reasons


def _of_branch(draft: Draft, branch: Branch, reason: str, schema: Schema) -> Iterator[Query]:
    root = draft.table
    reasons = reason or "; ".join(dict.fromkeys(branch.reasons))
    tests: dict[str, list[Test]] = defaultdict(list)
    for test in map(schema.served, branch.tests):
        tests[test.table].append(test)
    links = [*draft.joins, *branch.links]
    if draft.operation in ("select", "get"):
        links += draft.loads
    if draft.correlated:
        own = {root, *(entity.table for entity in draft.tables)}
        for table, column, other in [way for link in links for way in _ways(link)]:
            if table in own and other not in own:  # of the record that it is asked for
                tests[table].append(Test(table, column))
        links = [link for link in links if {link.table, link.other} <= own]
    narrowed = {name for name, found in tests.items() if any(map(narrows, found))}
    served = {name for name in narrowed if _is_served(tests[name], schema)}
    shared = {x.other for x in links if x.table == root and _shares_key(x, schema)} - served
    if narrowed - shared:  # a base's table is then reached by the key that both share
        narrowed -= shared
    telling = {n: [x for x in tests[n] if not schema.finds_most(x)] for n in narrowed}
    equal = {name for name, found in telling.items() if any(map(schema.tells_few, found))}
    by_more = {name for name, found in telling.items() if any(map(narrows, found))}
    by_few = {
        name
        for name in by_more
        if name in equal or any(_tells_few(x, telling[name], schema) for x in telling[name])
    }
    surely = {n for n in served if _is_served(tests[n], schema, surely=True)}
    served = surely or (set() if by_few - served else served)
    far = {
        n for n in served if any(not has_few_values(x.column) for x in _serving(tests[n], schema))
    }
    if root in served and (other := _beside(root, far - {root}, root in far, links, schema)):
        starts = {other}
    else:
        starts = _starts(root, narrowed, served, equal, links, schema)
    alone = {n for n in served for x in _equal(tests[n]) if schema.is_alone(n, x.column)}
    if not draft.correlated and _unled(starts | alone, links, schema) < _unled(starts, links, schema) - alone:  # fmt: skip
        starts |= alone  # one record of each, from which indexes lead to what lies between
    order = _order(draft)
    first = _ordered_by(draft, links, schema)
    if first and starts <= {root, first} and (starts == {first} or not narrowed):
        starts = {first}
    else:
        first = ""
    if apart := reasons == _OVER_TABLES:
        starts = {_start_of_all(root, links, schema)}
    limited = _bound(draft) not in (Bound.NONE, Bound.UNKNOWN)
    if order and limited and not (first or apart or starts & by_more or draft.grouped):
        starts = {
            root
        }  # the first few in an order are soon found, if most of the others may be among them
    reached = _reached(starts, links, schema)
    if beside := set() if draft.correlated else narrowed - starts - reached.keys():
        starts |= beside  # nothing that is found leads there
        reached = _reached(starts, links, schema)
    # where no index leads to it, its first few are looked for in the order of one, as without the join
    in_order = limited and not draft.grouped and any(schema.leads(root, x) for x, _ in order[:1])
    for start in sorted(starts - served):
        # the search may start from the other side just as well
        given = [
            Test(own, column)
            for link in links
            for own, column, other in _ways(link)
            if own == start and other in by_few - {own} and not schema.is_key(own, column)
        ]
        tests[start] += given
        led = any(schema.leads(root, test.column) for test in given)
        if given and start == root and (led or not in_order):
            order = ()  # of several keys, which the other table gives, no index keeps one order
    whole = not reasons and not draft.correlated and _reads_all(draft, branch.tests, schema)
    if root in starts:
        mine = [test for test in tests[root] if not test.outer]
    elif whole and not any(schema.finds_few(x) for x in branch.tests if not x.outer):
        # nearly all of the other table is joined: looking each of its rows up here costs more than to read this one
        mine, order = [x for x in tests[root] if not x.outer], ()
    else:
        mine = [Test(root, name) for name in reached.get(root, ())]
        led = any(schema.leads(root, test.column) for test in mine)
        by_one = led and _leads_from_one(root, starts, tests, links, schema)
        if by_one:  # as where it is asked by the key itself
            mine += [test for test in tests[root] if not test.outer]
        elif not led:
            mine += _finding_few(_equal(tests[root]), schema)
        order = order if by_one or (in_order and not led) else ()
    yield _query(draft, schema, root, draft.operation, mine, order, reasons)
    for name in sorted((set(tests) | set(reached)) - {root, ""}):
        if name in starts:
            asked = _sorted(draft) if name == first else ()
            yield _query(draft, schema, name, "join", tests[name], asked, reasons)
        elif name in reached:
            by = [Test(name, column) for column in reached[name]]
            by += [*_known(name, branch.tests, links), *(x for x in tests[name] if x.outer)]
            told = _equal(tests[name])
            between = (held := schema.tables.get(name)) is not None and held.found is None
            led = any(schema.leads(name, column) for column in reached[name])
            if between or (not led and any(schema.leads(name, x.column) for x in told)):
                by += told  # both keys of many to many
            elif not led:
                by += _finding_few(told, schema)
            sought = [x for x in tests[name] if x.how == "scanned" and not x.outer]
            part = [x for x in tests[name] if x.outer and narrows(replace(x, outer=False))]
            part = [x for x in part if x.how != ABOVE and not schema.finds_most(x)]
            if schema.dialect == "postgresql" and all(x.how == "range" for x in part):
                sought += part  # it finds the part once, and joins it by a table of hashes
            elif part:
                sought = by  # each row is joined with a part of it, `AND word.lang = ?`
            refused = draft.unresolved if draft.entity is not None and draft.mapper == "sql" else ""
            if apart and not led and schema.dialect == "postgresql":
                refused = reasons  # it joins both by a table of hashes
            # where nothing else finds any, and neither one nor the first few of an order are wanted, all that is sought in
            # is gone through: of what is rare, a page is found no sooner
            few = _bound(draft) is not Bound.LIMITED or bool(_order(draft) or first)
            open_ = _bound(draft) is Bound.UNKNOWN or not few
            open_ = open_ and not by_more and not draft.correlated
            through = whole or (bool(sought) and open_)
            if whole and name in _of_a_part(draft, schema):
                yield _query(draft, schema, name, "join", by, (), _PART)
            else:
                yield _query(draft, schema, name, "join", sought if through else by, (), refused)


_PART = "how much of it is loaded, for the records that a key leads to, the code does not tell"


def _of_a_part(draft: Draft, schema: Schema) -> set[str]:
    """The tables that eager loading reaches through a key to one other record: of these only what belongs to such
    records is read, however many have the key."""
    part: set[str] = set()
    for link in draft.loads:
        to_one = schema.is_key(link.other, link.remote) and not schema.is_key(link.table, link.column)  # fmt: skip
        if link.table in part or to_one:
            part.add(link.other)
    return part


def narrows(test: Test) -> bool:
    return test.how not in _LOOSE and not test.outer


def _equal(tests: list[Test]) -> list[Test]:
    return [x for x in tests if x.how == "equality" and not x.outer]


def _finding_few(tests: list[Test], schema: Schema) -> list[Test]:
    """Of equalities those that find few, which are as good a place to start as the key of a join that no index has."""
    return [x for x in tests if schema.tells_few(x) and not schema.finds_most(x)]


def _tells_few(test: Test, tests: list[Test], schema: Schema) -> bool:
    return narrows(test) and not schema.may_find_most(test, tests)


def _is_served(tests: list[Test], schema: Schema, *, surely: bool = False) -> bool:
    """Whether an index finds what one of these conditions narrows a table to; `surely` where that is no most of it."""
    found = _serving(tests, schema)
    return any(_tells_few(x, tests, schema) for x in found) if surely else bool(found)


def _serving(tests: list[Test], schema: Schema) -> list[Test]:
    """The conditions on one table that an index serves, and that are none on a flag."""
    return [
        x
        for x in tests
        if narrows(x) and schema.leads(x.table, x.column) and not schema.is_flag(x.table, x.column)
    ]


def _beside(root: str, others: set[str], far: bool, links: list[Link], schema: Schema) -> str:
    """The joined table in which the search starts though an index serves what is asked of the first: where indexes
    lead from it to all others, and the first has many records of each value that is asked for, or leads not to all."""

    def leads(start: str) -> bool:
        reached = _reached({start}, links, schema)
        every = {x for link in links for x in (link.table, link.other)} - {start}
        return reached.keys() >= every and all(
            any(schema.leads(x, c) for c in by) for x, by in reached.items()
        )

    if not others or (far and leads(root)):
        return ""
    return next(filter(leads, sorted(others)), "")


def _starts(
    root: str,
    narrowed: set[str],
    served: set[str],
    equal: set[str],
    links: list[Link],
    schema: Schema,
) -> set[str]:
    """The tables in which the search starts: where an index serves it, if there is one, else by an equality.

    A table that is narrowed too is then looked up for what was found, if an index serves that.
    """
    if not narrowed or root in served:
        return {root}
    if not served:
        first = equal or narrowed
        return {root} if root in first else first
    reached = _reached(served, links, schema)
    return served | {
        name
        for name in narrowed - served
        if not any(schema.leads(name, column) for column in reached.get(name, ()))
    }


def _unled(starts: set[str], links: list[Link], schema: Schema) -> set[str]:
    """The tables to which no index leads from those where a search starts."""
    reached = _reached(starts, links, schema)
    return {x for x, by in reached.items() if not any(schema.leads(x, c) for c in by)}


def _start_of_all(root: str, links: list[Link], schema: Schema) -> str:
    """Where a search starts that reads one table from end to end, whatever is asked: where indexes lead to most others."""

    joined = dict.fromkeys(x for link in links for x in (link.table, link.other))
    outer = ((x.brought,) if x.brought else (x.table, x.other) for x in links if x.outer)
    brought = {name for names in outer for name in names}
    return min(
        (root, *(x for x in joined if x not in brought)),
        key=lambda x: len(_unled({x}, links, schema)),
    )


def _ordered_by(draft: Draft, links: list[Link], schema: Schema) -> str:
    """The joined table whose rows are asked for in order, each with the one that its key leads to.

    A few are found by an index on that order, if the search starts there.
    """
    tables = {table for table, _, _ in draft.sort or ()}
    few = _bound(draft) not in (Bound.NONE, Bound.UNKNOWN)
    if not few or len(tables) != 1 or tables == {draft.table} or draft.correlated:
        return ""
    (table,) = tables
    led = any(
        own == draft.table and other == table and schema.is_key(own, column) and not link.outer
        for link in links
        for own, column, other in _ways(link)
    )
    return table if led else ""


def _leads_from_one(
    root: str,
    starts: set[str],
    tests: Mapping[str, list[Test]],
    links: list[Link],
    schema: Schema,
) -> bool:
    """Whether the search starts in a table of which one record is asked for, to whose key the first one's is equal."""
    return len(starts) == 1 and any(
        own == root
        and other in starts
        and not schema.is_alone(own, column)
        and any(schema.is_alone(other, x.column) for x in _equal(tests[other]))
        for link in links
        for own, column, other in _ways(link)
        if not link.outer
    )


def _sorted(draft: Draft) -> tuple[tuple[str, int], ...]:
    return tuple((column, way) for _, column, way in draft.sort or ())


def _order(draft: Draft) -> tuple[tuple[str, int], ...]:
    """What is asked for in order, where it is columns of the first table."""
    sort = draft.sort
    if sort is None:
        if draft.operation != "select" or draft.entity is None:
            return ()
        return draft.entity.ordering
    return _sorted(draft) if all(x[0] == draft.table for x in sort) else ()


def _reads_all(draft: Draft, tests: list[Test], schema: Schema) -> bool:
    """Whether tables are read from end to end, and none is looked into for a few records of another."""
    whole = all(x.outer or x.how in _LOOSE or schema.finds_most(x) for x in tests)
    every = draft.operation in ("count", "aggregate") or draft.bound is Bound.NONE
    # a statement without a limit is planned for all rows, however many are fetched
    every = every or (
        draft.mapper == "sql" and draft.limited is None and draft.bound is Bound.UNKNOWN
    )
    # how many groups are wanted is asked of them at the end
    return whole and (every or draft.grouped)


def _known(table: str, tests: list[Test], links: list[Link]) -> Iterator[Test]:
    """Columns of a table whose values are known from the other side of a link."""
    told = {(test.table, test.column) for test in tests if test.how == "equality"}
    for link in links:
        for own, column, _ in _ways(link):
            other, remote = (link.other, link.remote) if own == link.table else (link.table, link.column)  # fmt: skip
            if own == table and (other, remote) in told:
                yield Test(table, column)


def _ways(link: Link) -> tuple[tuple[str, str, str], tuple[str, str, str]]:
    """(table, its column, the table that it is joined with), from both sides."""
    return (link.table, link.column, link.other), (link.other, link.remote, link.table)


def _shares_key(link: Link, schema: Schema) -> bool:
    return schema.is_key(link.other, link.remote) and schema.is_key(link.table, link.column)


def _reached(starts: set[str], links: list[Link], schema: Schema) -> dict[str, tuple[str, ...]]:
    """By which columns each other table is reached from the tables where the search starts.

    What an outer join brings leads to none, unless something else narrows it: each of its rows is looked up for one that is there.
    """
    reached: dict[str, tuple[str, ...]] = {}
    known = set(starts)
    kept = starts | {name for x in links if not x.outer for name in (x.table, x.other)}
    while more := {x for link in links if link.brought in kept for x in (link.table, link.other)} - kept:  # fmt: skip
        kept |= more  # what is asked of a table that is brought is asked of what brings it
    brought = {x.brought for x in links} - kept
    ways = [
        (own, column, other)
        for link in links
        for own, column, other in _ways(link)
        if other != link.brought or other not in brought
    ]
    for last in (False, True):  # what is brought is looked up for the rows of all others
        while open_ := [w for w in ways if w[0] not in known and w[2] in known and (last or w[0] not in brought)]:  # fmt: skip
            table, column, _ = next((w for w in open_ if schema.leads(w[0], w[1])), open_[0])
            every = (w[1] for w in open_ if w[0] == table)
            alone = schema.leads(table, column) and table not in brought
            reached[table] = (column,) if alone else tuple(dict.fromkeys(every))
            known.add(table)
        # what nothing leads to is paired with each of them: `CROSS JOIN`
        known |= {other for _, _, other in ways} - brought
    return reached


def _query(
    draft: Draft,
    schema: Schema,
    table: str,
    operation: str,
    tests: list[Test],
    sort: tuple[tuple[str, int], ...],
    unresolved: str,
) -> Query:
    by_kind: dict[str, list[str]] = defaultdict(list)
    choosing = schema.choosing.get(table, ())
    for test in tests:
        by_kind[test.how].append(test.column)
    equality = tuple(dict.fromkeys(by_kind["equality"]))
    spanned = (*by_kind["range"], *by_kind["prefix"])
    above = [x for x in by_kind[ABOVE] if x not in spanned]
    asked = dict.fromkeys((*spanned, *above, *by_kind["unequal"]))
    spans = tuple(x for x in asked if x not in equality)
    scanned = dict.fromkeys((*by_kind["scanned"], *by_kind["text"]))
    begins = (x.column for x in tests if x.applied == (x.column, "prefix"))
    own = operation != "join"
    found = {*equality, *spanned, *above}
    loose = [x for x in by_kind["unequal"] if x not in found]
    entity = draft.entity if draft.table == table else schema.tables.get(table)
    flags = [x for x in equality if is_flag(entity, x)]
    told = [
        (column, x.column, x.values)
        for x in tests
        if x.how == "equality" and (column := entity and entity.column(x.column))
        if x.values
    ]
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
        _bound(draft) if own or sort else Bound.UNKNOWN,
        tuple(x for x in scanned if x not in found),
        "text" if by_kind["text"] else "",
        draft.projection if own else (),
        draft.loop,
        tuple(dict.fromkeys((*flags, *loose))),
        tuple(
            dict.fromkeys((x.column, v) for x in tests if x.column in choosing for v in x.values)
        ),
        tuple(dict.fromkeys((*by_kind["prefix"], *begins))),
        tuple(dict.fromkeys(above)),
        tuple(
            dict.fromkeys(
                (x, v)
                for c, x, asked in told
                for v in (
                    others(asked, c.first)
                    or (asked if waits(c.attribute, asked, c.first, schema.set_true) else ())
                )
            )
        ),
        tuple(
            dict.fromkeys(
                x for c, x, asked in told if may_be_most(x, asked, c.first, c.choices, c.ends)
            )
        ),
    )


def _bound(draft: Draft) -> Bound:
    if draft.operation == "aggregate" and draft.bound is Bound.NONE:
        return Bound.UNKNOWN  # as many as there are groups
    if draft.bound is Bound.UNKNOWN and draft.limited is not None:
        return draft.limited if draft.limited is not Bound.UNKNOWN else Bound.LIMITED
    return draft.bound


def is_flag(entity: Entity | None, name: str) -> bool:
    column = entity.column(name) if entity is not None else None
    if column is None:
        return False
    kind = column.type.lower()
    if column.two or kind in _FLAGS:
        return True
    asks = _YES if kind in _NUMBERS else _ASKS if kind in _TEXTS else None
    return asks is not None and bool(asks.fullmatch(snake(column.name)))
