"""By what querysets of Django's language are sorted.

Sources: https://docs.djangoproject.com/en/stable/ref/models/querysets/#order-by, …/#latest.
"""

from __future__ import annotations

from auditor.extract.python import tree as t
from auditor.stores.lookups import follow
from auditor.stores.sql.conditions import Draft, no_column
from auditor.stores.sql.entities import last_name
from auditor.stores.sql.reading.frames import Frame, Reading

ANY = frozenset({"*"})
"""What is computed under names that are not told."""


def sort_of(
    reading: Reading, draft: Draft, args: list[t.Expr], frame: Frame
) -> tuple[tuple[str, str, int], ...]:  # fmt: skip
    """The columns of an `order_by`, with the way of each; none where one cannot be told."""
    sort: list[tuple[str, str, int]] = []
    for arg in args:
        inner, way = arg, 1
        if isinstance(arg, t.Call) and isinstance(arg.func, t.Attr) and arg.func.name in ("desc", "asc"):  # fmt: skip
            inner, way = arg.func.value, -1 if arg.func.name == "desc" else 1
            if isinstance(inner, t.Call) and last_name(inner) == "F" and inner.args:
                inner = inner.args[0]
        text = reading.values.text(inner, frame.scope)
        if text is None or draft.entity is None or text == "?":
            return ()
        path = text.lstrip("-+")
        found = follow(reading.entities, draft.entity, path)
        if found is None or found.rest or path.partition("__")[0] in draft.computed:
            return ()
        sort.append((found.table, found.column, -1 if text.startswith("-") else way))
    return tuple(sort)


def apart_by(
    reading: Reading, draft: Draft, args: list[t.Expr], frame: Frame
) -> tuple[tuple[str, str], ...]:
    """The columns of `distinct("author")`: those that cannot be told have no name."""
    found = [sort_of(reading, draft, [arg], frame) or (("", "", 1),) for arg in args]
    return tuple((table, column) for ((table, column, _),) in found)


def first_of(
    reading: Reading, draft: Draft, call: t.Call, last: str, frame: Frame
) -> tuple[tuple[str, str, int], ...]:  # fmt: skip
    """What is sorted by to tell the first or last record.

    The key, which is meant where nothing is said, is no order that asks for an index.
    """
    if draft.grouped:
        return ()
    entity, sort = draft.entity, draft.sort
    if last in ("earliest", "latest"):
        sort = sort_of(reading, draft, call.args, frame) if call.args else None
    if last == "last" and sort is None and entity is not None and entity.mapper == "tortoise":
        return ()  # by the key, whatever order its model has
    if sort is None and entity is not None:
        own = entity.latest if last in ("earliest", "latest") else entity.ordering
        by_key = entity.key is not None and [c for c, _ in own] == [entity.key.name]
        sort = tuple((entity.table, column, way) for column, way in own if not by_key)
    if last in ("last", "latest"):
        sort = tuple((table, column, -way) for table, column, way in sort or ())
    return sort or ()


def untold(reading: Reading, draft: Draft, args: list[t.Expr], frame: Frame) -> str:
    """Why an order is none: a column of no model is refused before anything is asked."""
    if draft.entity is None or draft.entity.found is None or draft.projection:
        return ""
    if draft.grouped or draft.computed >= ANY:
        return ""
    for arg in args:
        path = (reading.values.text(arg, frame.scope) or "?").lstrip("-+")
        told = path != "?" and path.partition("__")[0] not in draft.computed
        if told and follow(reading.entities, draft.entity, path) is None:
            return no_column(path)
    return ""
