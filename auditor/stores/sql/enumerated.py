"""Tables that a unique index keeps small: one row for each value of its columns, which are enumerations.

A fare for each kind of vehicle (`kind = Column(Enum(Kind), primary_key=True)`), opening hours for each day of the week;
one row alone where a check lets the key have one value (`CHECK (id = 1)`).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator

from auditor.extract.sql import has_one_value
from auditor.link.application import Application, provides
from auditor.model.data import Constant, Index
from auditor.stores.sql.entities import Column, Entities
from auditor.stores.sql.migrations import History

_MOST = 100


@provides(Constant)
def by_unique_indexes(application: Application) -> Iterator[Constant]:
    (entities,) = application.facts(Entities)
    seen: set[str] = set()
    for index in application.facts(Index):
        entity = entities.by_table.get(index.collection) if index.store == "sql" else None
        if entity is None or not (index.unique and index.run) or index.condition or index.only:
            continue
        columns = {column.name: column for column in entity.stored()}
        most = math.prod(_count(columns.get(name)) for name, _ in index.fields)
        if 0 < most <= _MOST and entity.table not in seen:
            seen.add(entity.table)
            names = ", ".join(name for name, _ in index.fields)
            why = f"its unique index of {names} allows {most} rows, by the values that these take"
            yield Constant("sql", entity.table, why)


@provides(Constant)
def by_checks(application: Application) -> Iterator[Constant]:
    """Tables of which a check lets the primary key have one value alone."""
    single = _single(application)
    for index in application.facts(Index) if single else ():
        # not other unique columns: a check lets any number of NULL in
        key = index.store == "sql" and index.implied == "primary key" and index.run
        if key and {name for name, _ in index.fields} <= single[index.collection]:
            yield Constant("sql", index.collection, "a check lets its key have one value alone")


def _single(application: Application) -> defaultdict[str, set[str]]:
    """The columns that a check lets have one value, by their tables: in statements and in classes of SQLAlchemy."""
    (entities,), (history,) = application.facts(Entities), application.facts(History)
    found: defaultdict[str, set[str]] = defaultdict(set)
    for table, state in history.tables.items():
        if state.single:
            found[table] |= state.single.keys()
    owners = {id(e.found.node): e for e in entities if e.found is not None}
    for site in application.code.method_calls("CheckConstraint"):
        around, check = site.scope.of_class, site.arg(0, "sqltext")
        entity = owners.get(id(around.owner)) if around is not None else None
        text = application.values.text(check, site.scope) if check is not None else None
        if entity is not None and text and (column := has_one_value(text)):
            found[entity.table].add(column)
    return found


def _count(column: Column | None) -> int:
    """How many values a column takes; more than any table may have where that is not told."""
    if column is None or column.target:
        return _MOST + 1
    return column.choices or (2 if column.two else _MOST + 1)
