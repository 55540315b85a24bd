"""Queries of SQL stores, whatever mapper or driver asks them."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from itertools import chain

from msgspec.structs import replace

from auditor.discover import walk
from auditor.extract.python import tree as t
from auditor.link.application import Application, provides
from auditor.model.data import Bound, Index, Query
from auditor.stores.sql import serialized, untold
from auditor.stores.sql.conditions import Draft, Link, Loaded, Outer, Test
from auditor.stores.sql.dialects import dialect
from auditor.stores.sql.django.catalogues import Catalogue
from auditor.stores.sql.entities import Entity, Relation
from auditor.stores.sql.expressions import links
from auditor.stores.sql.join_order import Schema, shapes
from auditor.stores.sql.leftover import left_over
from auditor.stores.sql.migrations import History
from auditor.stores.sql.reading.frames import Reading
from auditor.stores.sql.reading.tree import TreeReading
from auditor.stores.sql.sqlalchemy.creation import creates_all
from auditor.stores.sql.sqlalchemy.relations import goes_on, looks_up
from auditor.stores.sql.tortoise.registered import Registered


@provides(Reading)
def reading(application: Application) -> list[Reading]:
    made = TreeReading(application)
    serialized.read(made)
    return [made]


@provides(Query)
def queries(application: Application) -> list[Query]:
    """Every query that the code puts together, as far as it goes: each last step is one."""
    (read,) = application.facts(Reading)
    (history,) = application.facts(History)
    created = {name for name, state in history.tables.items() if state.created}
    known = read.entities.by_table.keys() | created
    made = _created(read, history)
    schema = _schema(application, read)
    (registered,) = application.facts(Registered)
    unlisted = {e.table for e in read.entities if registered.lacks(e)}
    unlisted -= {e.table for e in read.entities if not registered.lacks(e)}
    earlier = {id(d.origin) for d in read.drafts if d.origin is not None}
    found: dict[Query, Query] = {}
    further = _further(read)
    for draft in read.drafts:
        if id(draft) in earlier or id(draft) in read.dropped or draft.manager:
            continue
        if not _asked(read, draft):
            continue
        if draft.loop is None and (loop := read.looped.get(read.owners.get(id(draft), 0))):
            draft = replace(draft, loop=loop)  # its function is called in a loop over rows
        if (owners := read.prefetched.get(id(draft))) is not None and _brings_all(owners, further):
            draft = replace(
                draft, where=()
            )  # what belongs to all there are is read from end to end
        for query in chain.from_iterable(shapes(d, schema) for d in _all_asked(read, draft)):
            name = query.collection
            asks = {name, draft.entity.table if draft.entity is not None else ""}
            if draft.mapper == "tortoise" and not unlisted.isdisjoint(asks):
                query = replace(query, unresolved=_UNLISTED)
            if name and name not in (known if draft.mapper == "sql" else made):
                unread = history.unread.get(name)
                why = (
                    _VIEW
                    if name in history.views
                    else _UNREAD.format(unread)
                    if unread
                    else _NOWHERE
                )
                query = replace(query, unresolved=query.unresolved or why)
            shape = replace(
                query, others=(), most=()
            )  # told once, whatever constants one place asks for
            found[shape] = query if query.others or not query.most else found.get(shape, query)
    listed = {(q.place.path, q.place.line) for q in found}
    for query in chain(
        _begun(read, schema, earlier, listed), untold.handed_on(read), left_over(read)
    ):
        found.setdefault(query, query)
    return sorted(found.values(), key=lambda q: (q.place, q.operation, q.equality, q.range, q.sort, q.collection))  # fmt: skip


def _further(read: Reading) -> dict[int, list[Draft]]:
    """The steps that are taken from each draft, by its `id`."""
    found: dict[int, list[Draft]] = {}
    for draft in read.drafts if read.prefetched else ():
        if draft.origin is not None:
            found.setdefault(id(draft.origin), []).append(draft)
    return found


def _brings_all(draft: Draft, further: dict[int, list[Draft]]) -> bool:
    """Whether all that becomes of a query brings every record of its table, and its objects."""
    ends, pending = list[Draft](), [draft]
    while pending:
        one = pending.pop()
        steps = further.get(id(one), [])
        pending += steps
        ends += [] if steps or one.operation not in ("select", "get") else [one]
    return bool(ends) and all(
        x.bound is Bound.NONE and x.limited is None and not (x.where or x.unresolved) for x in ends
    )


_VIEW = "it is a view: the tables that it reads have the indexes"
_UNREAD = "{}, which creates its table, cannot be parsed"
_UNLISTED = "its model is in no module that Tortoise is told of: what asks it raises"
_NOWHERE = "what its table holds is told nowhere in this tree"


def _schema(application: Application, read: Reading) -> Schema:
    leading: defaultdict[str, set[str]] = defaultdict(set)
    choosing: defaultdict[str, set[str]] = defaultdict(set)
    unique: defaultdict[str, set[str]] = defaultdict(set)
    for index in application.facts(Index):
        if index.store == "sql":
            choosing[index.collection].update(index.condition)
        if (
            index.store == "sql"
            and index.run
            and index.fields
            and index.kind in ("ordered", "hash")
        ):
            leading[index.collection].add(index.fields[0][0])
            if index.unique and len(index.fields) == 1 and not (index.condition or index.only):
                unique[index.collection].add(index.fields[0][0])
    for catalogue in application.facts(Catalogue):
        told = read.tables[catalogue.table]
        choosing[catalogue.table].update(column.name for column in told.stored())
    leads, chooses, alone = (
        {table: frozenset(x) for table, x in found.items()} for found in (leading, choosing, unique)
    )
    kind = dialect(application)
    cased = kind == "sqlite" and not _folds(application)
    return Schema(read.tables, leads, chooses, alone, kind, cased, _set_true(application))


_FOLDING = re.compile(r"(?i)\bNOCASE\b|case_sensitive_like")
"""What lets an index of SQLite serve LIKE: https://www.sqlite.org/optoverview.html#the_like_optimization."""


def _folds(application: Application) -> bool:
    texts = (node.value for node, _ in application.code.of_kind(t.Const))
    if any(_FOLDING.search(text) for text in texts if isinstance(text, str)):
        return True
    scripts = (x for x in application.tree.files if x.path.endswith(".sql"))
    return any(
        _FOLDING.search(walk.read(application.tree, x).decode("utf-8", "replace")) for x in scripts
    )


def _set_true(application: Application) -> frozenset[str]:
    """The attributes that code gives a true value where a record is there already: `doctor.approved = True`,
    `update(approved=True)`."""
    code = application.code
    set_ = {
        target.name
        for assign, _ in code.of_kind(t.Assign)
        if _is_true(assign.value)
        for target in assign.targets
        if isinstance(target, t.Attr)
    }
    updates = (site.node.keywords for site in code.method_calls("update", "aupdate", "values"))
    return frozenset(set_ | {k.name for each in updates for k in each if k.name and _is_true(k.value)})  # fmt: skip


def _is_true(expr: t.Expr | None) -> bool:
    return isinstance(expr, t.Const) and expr.value is True


def _begun(
    read: Reading, schema: Schema, earlier: set[int], listed: set[tuple[str, int]]
) -> Iterator[Query]:
    """What a function begins and gives away, to be completed where it is called.

    It is listed there with all that it asks; here it is known where nothing is added to it.
    """
    last: dict[tuple[str, int], Draft] = {}
    ends = {id(d.origin): d for d in read.drafts if d.origin is not None}
    for draft in read.drafts:
        at = draft.place.path, draft.place.line
        after = ends.get(id(draft))
        if after is not None and at not in listed and _function(after) != _function(draft):
            if draft.entity is not None and id(draft) not in read.dropped and not draft.manager:
                last[at] = draft
    for draft in last.values():
        after = ends[id(draft)]
        while id(after) in ends:
            after = ends[id(after)]
        if after.where != draft.where or after.sort != draft.sort:
            why = f"{after.place} calls it and completes what it asks"
            draft = replace(draft, unresolved=draft.unresolved or why)
        else:  # as it is sent: of a list that is read in pages, the first of its order
            draft = replace(draft, bound=after.bound, limited=after.limited)
        yield from shapes(draft, schema)


def _function(draft: Draft) -> tuple[str, str]:
    return draft.place.path, draft.place.symbol


_JOINED = ("joined", "False", "subquery")
_MANY = 200
"""Ways along eager relations behind which those that turn back are no longer told apart."""


def _all_asked(read: Reading, draft: Draft) -> Iterator[Draft]:
    """A query and what it loads besides, with what its options ask of the tables of each."""
    for one in _with_loaded(read, draft):
        where = list(one.where)
        joined = {x.other for x in (*one.joins, *one.loads)} | {e.table for e in one.tables}
        for table, told in draft.criteria:
            if table == one.table:
                where.append(told)
            elif table in joined:
                where.append(Outer(told))
        yield replace(one, where=tuple(where))


def _with_loaded(read: Reading, draft: Draft) -> Iterator[Draft]:
    """A query, with what it joins for the relations that a model always loads with its objects, and what is asked
    besides for the others; so for the objects that it loads.

    Source: https://docs.sqlalchemy.org/en/20/orm/queryguide/relationships.html (`lazy="selectin"`).
    """
    entity = draft.entity
    if draft.projection or draft.operation not in ("select", "get"):
        yield draft
        return
    besides = [*draft.besides]
    if entity is None or entity.mapper != "sqlalchemy" or draft.unresolved:
        yield draft
        yield from besides
        return
    loads = [*draft.loads]
    seen: set[tuple[str, str, frozenset[str]]] = set()
    told: set[tuple[str, str, bool]] = set()
    open_ = [Loaded(entity), *draft.loaded]
    while open_:
        at = open_.pop()
        owner, path = at.entity, at.way
        along = at.along | {owner.name} if len(seen) < _MANY else frozenset()
        for name, relation in owner.relations.items():
            target = read.entities.by_name.get(relation.target) if relation.eager else None
            if target is None or {name, "*"} & draft.left:
                continue
            if name in draft.eager or (owner.name, name, along) in seen:
                continue  # what an option names is loaded as that says
            if not goes_on(read.entities, relation, along):
                continue
            seen.add((owner.name, name, along))
            way: tuple[Link, ...] | None = None
            if path is not None and relation.eager in _JOINED:
                added = links(owner, relation, read.entities)
                way = (*path, *(replace(link, outer=True) for link in added))
            new = (owner.name, name, way is None) not in told
            told.add((owner.name, name, way is None))
            if new and looks_up(relation, target):
                if way is not None:
                    loads += way
                else:
                    besides.append(_second_query(read, draft, relation, target))
            begun = relation.eager == "immediate"  # it is asked for as if by itself
            open_.append(Loaded(target, way, frozenset() if begun else along))
    yield replace(draft, loads=tuple(dict.fromkeys(loads)))
    yield from besides


def _second_query(read: Reading, draft: Draft, relation: Relation, target: Entity) -> Draft:
    table, column = relation.through[:2] if relation.through else (target.table, relation.remote)
    made = read.entities.by_table.get(table, target)
    return Draft("sqlalchemy", made, draft.place, "join", (Test(table, column),), loop=draft.loop)


def _created(read: Reading, history: History) -> set[str]:
    """The tables of models that exist as such; a model of a view has none that migrations create.

    Where the migrations create most of the tables, what they do not create is a view, or belongs to
    somebody else, unless `metadata.create_all()` creates every table first.
    """
    tables = set(read.entities.by_table)
    if creates_all(read.code):
        return tables
    own = {e.table for e in read.entities if e.mapper == "sqlalchemy"}
    there = own & history.tables.keys()
    return tables - own | there if len(there) * 3 > len(own) * 2 and len(own) > 3 else tables


def _asked(read: Reading, draft: Draft) -> bool:
    """Whether it is a query of its own: not `select(1)`, not one that its callers complete."""
    if draft.entity is None and not draft.unresolved:
        return False
    return not draft.tentative or read.is_untold(draft)
