"""Tables that a unique index keeps small: one row for each value of its columns, which are enumerations.

A fare for each kind of vehicle (`kind = Column(Enum(Kind), primary_key=True)`), opening hours for each day of the week.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from auditor.link.application import Application, provides
from auditor.model.data import Constant, Index
from auditor.stores.sql.entities import Column, Entities

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


def _count(column: Column | None) -> int:
    """How many values a column takes; more than any table may have where that is not told."""
    if column is None or column.target:
        return _MOST + 1
    return column.choices or (2 if column.two else _MOST + 1)
