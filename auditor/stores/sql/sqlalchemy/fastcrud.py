"""Queries of FastCRUD: `crud_users.get(db=db, email=email)`.

Source: https://benavlabs.github.io/fastcrud/usage/crud/ (methods, and filters as names with operators).
"""

from __future__ import annotations

import re

from auditor.extract.python import tree as t
from auditor.link.scopes import argument
from auditor.model.data import Bound
from auditor.stores.lookups import bound
from auditor.stores.sql.conditions import Condition, Draft, Lookup, Test, Untold
from auditor.stores.sql.entities import Entity
from auditor.stores.sql.reading.frames import Frame, Reading, reads_calls
from auditor.stores.sql.reading.things import Row, Rows, Thing, Told

_ONE = {"get": "select", "get_joined": "select", "exists": "exists", "count": "count"}
_MANY = {"get_multi", "get_multi_joined", "get_multi_by_cursor"}
_CHANGES = {"update": "update", "delete": "delete", "db_delete": "delete"}
_BY_KEY = {"upsert", "upsert_multi"}
_OPTIONS = {
    "db", "object", "instance", "instances", "schema_to_select", "return_as_model", "one_or_none", "offset", "limit", "commit",
    "sort_columns", "sort_orders", "return_total_count", "join_model", "join_prefix", "join_on", "join_schema_to_select",
    "join_type", "alias", "join_filters", "joins_config", "nest_joins", "counts_config", "relationship_type", "allow_multiple",
    "return_columns", "db_row", "cursor", "sort_column", "sort_order", "joined_model_filters", "update_override",
}  # fmt: skip
_CALLS = _ONE.keys() | _MANY | _CHANGES.keys() | _BY_KEY
_LIBRARY = re.compile(r"^fastcrud\b")


@reads_calls
def calls(reading: Reading, call: t.Call, last: str, base: Thing | None, frame: Frame) -> Told:
    if last not in _CALLS or not isinstance(call.func, t.Attr) or base is not None:
        return None, False
    name = reading.code.name(call.func.value, frame.scope)
    if not any(_LIBRARY.match(kind) for kind in reading.code.kinds(name)):
        return None, False
    for given in (*call.args, *(k.value for k in call.keywords)):
        reading.thing(given, frame)
    entity = reading.entities.by_name.get(reading.selections.served(call.func.value, frame.scope))
    reason = "" if entity is not None else "the model is chosen at run time"
    draft = Draft(
        "sqlalchemy", entity, reading.place(call, frame), _ONE.get(last) or _CHANGES.get(last, "select"),
        _where(reading, entity, call, last), bound=_bound(reading, call, last, frame), loop=frame.loop, unresolved=reason,
        sort=_sort(reading, entity, call, frame),
    )  # fmt: skip
    made = reading.record(draft)
    if entity is None or last not in _MANY | {"get", "get_joined"}:
        return None, True
    return (Rows(entity, made) if last in _MANY else Row(entity, made)), True


def _where(
    reading: Reading, entity: Entity | None, call: t.Call, last: str
) -> tuple[Condition, ...]:  # fmt: skip
    if entity is None:
        return ()
    if last in _BY_KEY or argument(call, 1 if last in ("delete", "db_delete") else None, "db_row"):
        key = entity.key
        return (Test(entity.table, key.name) if key else Untold("the primary key is not known"),)
    return tuple(
        bound(Lookup(k.name), entity, reading.entities, frozenset())
        if k.name
        else Untold("its conditions are named at run time")
        for k in call.keywords
        if k.name not in _OPTIONS
    )


def _bound(reading: Reading, call: t.Call, last: str, frame: Frame) -> Bound:
    """At most 100 unless a limit is given."""
    if last not in _MANY:
        return Bound.ONE
    limit = argument(call, 2, "limit")
    return reading.bounds.of(limit, frame.scope) if limit is not None else Bound.LIMITED


def _sort(
    reading: Reading, entity: Entity | None, call: t.Call, frame: Frame
) -> tuple[tuple[str, str, int], ...]:  # fmt: skip
    columns, orders = (argument(call, None, name) for name in ("sort_columns", "sort_orders"))
    names, ways = (x.items if isinstance(x, t.Seq) else [x] for x in (columns, orders))
    sort: list[tuple[str, str, int]] = []
    for position, each in enumerate(names):
        text = reading.values.text(each, frame.scope)
        column = entity.column(text) if entity is not None and text else None
        if entity is None or column is None:
            return ()
        way = ways[position] if position < len(ways) else None
        down = reading.values.text(way, frame.scope) == "desc"
        sort.append((entity.table, column.name, -1 if down else 1))
    return tuple(sort)
