"""Queries of Advanced Alchemy's repositories and services: `await users_service.get_one(email=email)`.

Source: https://docs.advanced-alchemy.litestar.dev/latest/usage/repositories.html and `services.html`
(methods; filters as conditions, as keyword arguments and as objects of `advanced_alchemy.filters`).
"""

from __future__ import annotations

import re

from msgspec.structs import replace

from auditor.extract.python import tree as t
from auditor.link.scopes import Scope, argument
from auditor.model.data import Bound
from auditor.stores.sql.conditions import Condition, Draft, Every, Test, Untold, no_column
from auditor.stores.sql.entities import Entity, last_name
from auditor.stores.sql.expressions import condition
from auditor.stores.sql.reading.frames import Frame, Reading, reads_calls
from auditor.stores.sql.reading.things import Row, Rows, Thing, Told

_LIBRARY = re.compile(r"^(?:advanced_alchemy|litestar\.(?:contrib|plugins)\.sqlalchemy)\b")
_BY_KEY = {"get": "get", "delete": "delete", "delete_many": "delete", "update": "update", "upsert": "update"}  # fmt: skip
_BY_FILTER = {
    "get_one": "select", "get_one_or_none": "select", "exists": "exists", "count": "count", "list": "select",
    "get_many": "select", "list_and_count": "select", "get_many_and_count": "select", "delete_where": "delete",
    "get_by_slug": "select", "get_or_upsert": "select", "get_and_update": "select",
}  # fmt: skip
_MANY = {"list", "get_many", "list_and_count", "get_many_and_count"}
_OPTIONS = {
    "auto_expunge", "auto_commit", "auto_refresh", "statement", "id_attribute", "error_messages", "load", "execution_options",
    "uniquify", "count_with_window_function", "order_by", "attribute_names", "with_for_update", "sanity_check", "upsert",
    "bind_group", "use_cache",
}  # fmt: skip
_HOW = {
    "CollectionFilter": "equality", "BeforeAfter": "range", "OnBeforeAfter": "range", "SearchFilter": "scanned",
    "NotInSearchFilter": "scanned", "ComparisonFilter": "equality", "NotInCollectionFilter": "unequal",
}  # fmt: skip
"""Filter objects that compare the column that they name."""


@reads_calls
def calls(reading: Reading, call: t.Call, last: str, base: Thing | None, frame: Frame) -> Told:
    func = call.func
    if not isinstance(func, t.Attr) or (last not in _BY_KEY and last not in _BY_FILTER):
        return None, False
    if not _is_repository(reading, func.value, frame.scope):
        return None, False
    given = [reading.thing(a, frame) for a in call.args]
    for keyword in call.keywords:
        reading.thing(keyword.value, frame)
    entity = reading.entities.by_name.get(reading.selections.served(func.value, frame.scope))
    reason = "" if entity is not None else "the model is chosen at run time"
    operation = _BY_KEY.get(last) or _BY_FILTER[last]
    bound, limited = (
        (Bound.NONE, _limit(reading, call, frame)) if last in _MANY else (Bound.ONE, None)
    )
    draft = Draft(
        "sqlalchemy", entity, reading.place(call, frame), operation, bound=limited or bound, loop=frame.loop,
        unresolved=reason,
    )  # fmt: skip
    if entity is not None:
        where = (
            _key(entity) if last in _BY_KEY else _filters(reading, entity, call, last, given, frame)
        )
        draft = replace(draft, where=where)
    made = reading.record(draft)
    if entity is None or operation not in ("select", "get"):
        return None, True
    return (Rows(entity, made) if last in _MANY else Row(entity, made)), True


def _is_repository(reading: Reading, expr: t.Expr, scope: Scope) -> bool:
    """A repository or a service, or the repository that a service keeps as `self.repository`."""
    name = reading.code.name(expr, scope)
    if name and any(_LIBRARY.match(kind) for kind in reading.code.kinds(name)):
        return True
    if isinstance(expr, t.Attr) and expr.name == "repository":
        return _is_repository(reading, expr.value, scope)
    return False


def _key(entity: Entity) -> tuple[Condition, ...]:
    key = entity.key
    return (Test(entity.table, key.name) if key else Untold("the primary key is not known"),)


def _filters(
    reading: Reading, entity: Entity, call: t.Call, last: str, given: list[Thing | None], frame: Frame
) -> tuple[Condition, ...]:  # fmt: skip
    where: list[Condition] = []
    if last == "get_by_slug":
        return (_named(entity, "slug", "equality"),)
    for arg, thing in zip(call.args, given, strict=True):
        if isinstance(arg, t.Call) and last_name(arg.func) in ("LimitOffset", "OrderBy"):
            continue
        if isinstance(arg, t.Call) and (how := _HOW.get(last_name(arg.func))):
            name = reading.values.text(argument(arg, 0, "field_name"), frame.scope)
            where.append(_named(entity, name or "", how))
        else:
            where.append(condition(thing, arg))
    if last in ("get_or_upsert", "get_and_update"):
        where.append(Untold("its conditions are named at run time"))
        return tuple(where)
    for keyword in call.keywords:
        if keyword.name is None:
            where.append(Untold("its conditions are named at run time"))
        elif keyword.name not in _OPTIONS:
            where.append(_named(entity, keyword.name, "equality"))
    return tuple(where) or (Every(()),)


def _named(entity: Entity, name: str, how: str) -> Condition:
    column = entity.column(name)
    if column is None:
        return Untold(no_column(name) if name else "its conditions are named at run time")  # fmt: skip
    return Test(column.table or entity.table, column.name, how)


def _limit(reading: Reading, call: t.Call, frame: Frame) -> Bound | None:
    """`LimitOffset(limit=20, offset=0)`; filters that a framework hands over may hold one."""
    for arg in call.args:
        if isinstance(arg, t.Star):
            return Bound.UNKNOWN
        if isinstance(arg, t.Call) and last_name(arg.func) == "LimitOffset":
            size = argument(arg, 0, "limit")
            return reading.bounds.of(size, frame.scope) if size is not None else Bound.UNKNOWN
    return None
