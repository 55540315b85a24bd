"""Queries of Supabase's client, which speaks to PostgreSQL by PostgREST: `supabase.table("users").select("*").eq("email", email)`.

Sources: https://supabase.com/docs/reference/python/select, https://docs.postgrest.org/en/stable/references/api/tables_views.html.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec.structs import replace

from auditor.extract.python import tree as t
from auditor.link.scopes import argument
from auditor.model.data import Bound
from auditor.stores.spans import span
from auditor.stores.sql.conditions import (
    Condition,
    Draft,
    Every,
    Opposite,
    Some,
    Test,
    Untold,
    no_column,
)
from auditor.stores.sql.entities import Entity, last_name
from auditor.stores.sql.reading.frames import Frame, Reading, reads_attributes, reads_calls
from auditor.stores.sql.reading.things import Result, Self, Thing, Told
from auditor.stores.sql.statements.queries import kept_by_database
from auditor.stores.sql.statements.spelling import MARK, texts_of

LIBRARIES = ("supabase", "postgrest", "supabase_py", "postgrest_py")
_CLIENT = re.compile(rf"(?:{'|'.join(LIBRARIES)})\.")
_NAMED_SO = re.compile(r"supabase|postgrest|^_*(?:sb|client|db|admin)$", re.I)
_OTHERS = re.compile(
    r"(?:ibis|pyspark|boto3|aioboto3|rethinkdb|pyairtable|tinydb|lancedb|duckdb|sqlalchemy|polars)\b"
)
"""What else has tables that are asked for by name."""
_TABLES = {"table", "from_", "from_table"}
_STARTS = {"select": "select", "insert": "insert", "upsert": "insert", "update": "update", "delete": "delete"}  # fmt: skip
_EQUAL = {
    "eq": "equality",
    "in_": "equality",
    "in": "equality",
    "is_": "equality",
    "is": "equality",
    "neq": "unequal",
}
_SPANS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
_LOOKED_AT = {
    "ilike", "contains", "contained_by", "overlaps", "ov", "cs", "cd", "sl", "sr", "nxl", "nxr", "adj", "match_", "imatch",
    "range_gt", "range_gte", "range_lt", "range_lte", "range_adjacent", "like_all_of", "like_any_of", "ilike_all_of", "ilike_any_of",
}  # fmt: skip
_TEXT = {"text_search", "fts", "plfts", "phfts", "wfts", "plain_search", "web_search"}
_FILTERS = {*_EQUAL, *_SPANS, "like", *_LOOKED_AT, *_TEXT}
_ONE = {"single", "maybe_single"}
_SAME = {"csv", "explain", "offset", "retry", "max_affected", "strip_nulls", "select"}
_DEEPEST = 10
_PLAIN = re.compile(r"\w+")
_OTHER_TABLE = (
    "it compares columns of what is embedded, of which the code does not tell how it is joined"
)
_RUN_TIME = "its alternatives are put together at run time"


@reads_calls
def calls(reading: Reading, call: t.Call, last: str, base: Thing | None, frame: Frame) -> Told:
    func = call.func
    if not isinstance(func, t.Attr) or not reading.code.imports(*LIBRARIES):
        return None, False
    if isinstance(base, Draft) and base.mapper == "sql":
        return _step(reading, call, last, base, frame)
    if base is not None and not isinstance(base, Self):
        return None, False
    if last in _TABLES and len(call.args) + len(call.keywords) == 1:
        if _is_client(reading, func.value, frame):
            return _of_table(reading, call, frame), True
    if last == "rpc" and (named := argument(call, 0, "func", "fn")) is not None:
        if _is_client(reading, func.value, frame, certain=True):
            name = reading.text(named, frame) or "a function"
            reading.record(kept_by_database(reading.place(call, frame), name, frame))
            return None, True
    return None, False


@reads_attributes
def attributes(reading: Reading, expr: t.Attr, base: Thing | None, frame: Frame) -> Thing | None:
    match base:
        case Draft(mapper="sql") if expr.name == "not_":
            return base  # what is called on it says that it must not hold
        case Result(draft=Draft(mapper="sql")) if expr.name == "data":
            return base
    return None


def _is_client(reading: Reading, expr: t.Expr, frame: Frame, certain: bool = False) -> bool:
    name = reading.code.name(expr, frame.scope)
    if last_name(expr) == "storage" or ".storage" in name or _OTHERS.match(name):
        return False
    return bool(_CLIENT.match(name)) or not certain or bool(_NAMED_SO.search(last_name(expr)))


def _of_table(reading: Reading, call: t.Call, frame: Frame) -> Draft:
    named = argument(call, 0, "table_name", "table")
    table = reading.text(named, frame) if named is not None else None
    place = reading.place(call, frame)
    entity = None
    if table:
        known = reading.tables.get(table) or reading.tables.get(
            reading.spelt.get(table.lower(), "")
        )
        entity = known or Entity(f"sql:{table}", "sql", table, place)
    reason = "" if entity is not None else "the table is named at run time"
    made = Draft("sql", entity, place, unresolved=reason, loop=frame.loop, manager=True)
    return reading.record(made)


def _step(reading: Reading, call: t.Call, last: str, draft: Draft, frame: Frame) -> Told:
    for given in (*call.args, *(k.value for k in call.keywords)):
        reading.thing(given, frame)
    changes: dict[str, object] = {}
    if draft.manager:
        if last not in _STARTS:
            return None, False
        changes = {"operation": _STARTS[last], "manager": False}
        if last == "select" and _is_true(argument(call, None, "head")):
            changes["operation"] = "count"
    elif last == "execute":
        if draft.bound is Bound.UNKNOWN:
            changes = {"bound": draft.limited or Bound.NONE}
    elif last in _ONE:
        changes = {"bound": Bound.ONE, "limited": Bound.ONE}
    elif last == "limit":
        changes = {"limited": reading.bounds.of(argument(call, 0, "size"), frame.scope)}
    elif last == "range":
        changes = {"limited": reading.bounds.of(argument(call, 1, "end"), frame.scope)}
    elif last == "order":
        changes = {"sort": (*(draft.sort or ()), *_sort(reading, draft, call, frame))}
    elif last in _FILTERS or last in ("match", "filter", "or_"):
        if _is_of_embedded(call):
            return draft, True
        asked = _condition(reading, draft, call, last, frame)
        func = call.func
        if isinstance(func, t.Attr) and last_name(func.value) == "not_":
            asked = Opposite(asked)
        changes = {"where": (*draft.where, asked)}
    elif last not in _SAME:
        return None, False
    place = reading.place(call, frame)
    made = reading.record(replace(draft, place=place, origin=draft, loop=frame.loop, **changes))
    return (Result(made) if last == "execute" else made), True


def _is_true(expr: t.Expr | None) -> bool:
    return isinstance(expr, t.Const) and expr.value is True


def _is_of_embedded(call: t.Call) -> bool:
    """Whether it narrows or orders what is embedded in each record: `order("at", foreign_table="items")`."""
    return argument(call, None, "foreign_table", "reference_table", "referenced_table") is not None


def _sort(
    reading: Reading, draft: Draft, call: t.Call, frame: Frame
) -> Iterator[tuple[str, str, int]]:
    column = argument(call, 0, "column")
    name = reading.text(column, frame) if column is not None else None
    if name and _PLAIN.fullmatch(name) and not _is_of_embedded(call):
        way = -1 if _is_true(argument(call, 1, "desc")) else 1
        yield draft.table, _spelt(draft, name), way


def _condition(reading: Reading, draft: Draft, call: t.Call, last: str, frame: Frame) -> Condition:
    """What a filter compares."""
    if last == "match":
        given = reading.values.sources(call.args[0], frame.scope) if call.args else []
        if len(given) != 1 or not isinstance(given[0].node, t.Map):
            return Untold("which columns are compared is decided at run time")
        keys = [reading.text(key, frame) if key is not None else None for key in given[0].node.keys]
        return Every(tuple(_test(draft, key, "eq", None) for key in keys))
    first = argument(call, 0, "column", "filters")
    name = reading.text(first, frame) if first is not None else None
    if last == "or_":
        texts = texts_of(reading, first, frame) if first is not None else []
        texts = texts or [name or ""]
        told = [_alternatives(draft, x) if x else Untold(_RUN_TIME) for x in texts]
        return told[0] if len(told) == 1 else Untold(_RUN_TIME)
    if last == "filter":
        operator = argument(call, 1, "operator")
        how = (reading.text(operator, frame) if operator is not None else None) or ""
        return _test(draft, name, how, argument(call, 2, "criteria"))
    return _test(draft, name, last, argument(call, 1, "value", "values", "pattern"))


def _test(draft: Draft, name: str | None, how: str, value: t.Expr | None) -> Condition:
    if not name or MARK in name:
        return Untold("which column is compared is decided at run time")
    if how.startswith("not."):
        return Opposite(_test(draft, name, how[4:], value))
    how = how.partition("(")[0]  # `fts(english)`
    if "." in name:
        return Untold(_OTHER_TABLE)
    column = _spelt(draft, re.split(r"->|::", name)[0])
    entity = draft.entity
    if entity is not None and entity.mapper == "sql" and entity.columns and entity.column(column) is None:  # fmt: skip
        return Untold(no_column(column))
    plain = _PLAIN.fullmatch(name) is not None
    constant = value.value if isinstance(value, t.Const) else None
    if how in _EQUAL and plain:
        told = () if constant is None or how not in ("eq", "is_", "is") else (str(constant).upper() if isinstance(constant, bool) else str(constant),)  # fmt: skip
        return Test(draft.table, column, _EQUAL[how], values=told)
    if how in _SPANS and plain:
        return Test(draft.table, column, span(_SPANS[how], constant))
    if how == "like" and plain:
        begins = _beginning(value)
        return Test(
            draft.table, column, "prefix" if begins and begins[0] not in "%*_" else "scanned"
        )
    if how in _TEXT:
        return Test(draft.table, column, "text")
    if how in _FILTERS:
        return Test(draft.table, column, "scanned")
    return Untold("how a column is compared is decided at run time")


def _beginning(value: t.Expr | None) -> str:
    match value:
        case t.Const(value=str(text)):
            return text
        case t.Text(parts=[t.Const(value=str(text)), *_]):
            return text
        case t.Text(parts=[_, *_]):
            return "?"  # what is put in
    return ""


def _spelt(draft: Draft, name: str) -> str:
    entity = draft.entity
    if entity is None or entity.column(name) is not None:
        return name
    return next((c.name for c in entity.stored() if c.name.lower() == name.lower()), name)


def _alternatives(draft: Draft, text: str, depth: int = 0) -> Condition:
    """`or_("status.eq.open,and(status.eq.held,owner.is.null)")`."""
    return Some(tuple(_alternative(draft, part.strip(), depth) for part in _parts(text)))


def _alternative(draft: Draft, text: str, depth: int) -> Condition:
    nested = re.match(r"(not\.)?(and|or)\(", text)
    if nested is not None and text.endswith(")"):
        if depth > _DEEPEST:
            return Untold("the condition is nested too deeply")
        inner = _alternatives(draft, text[nested.end() : -1], depth + 1)
        if nested[2] == "and" and isinstance(inner, Some):
            inner = Every(inner.parts)
        return Opposite(inner) if nested[1] else inner
    name, _, asked = text.partition(".")
    opposite = asked.startswith("not.")
    how, _, value = asked.removeprefix("not.").partition(".")
    given = t.Const(1, 1, 1, value)
    found = _test(
        draft, name, how, None if MARK in value and not value.startswith(("%", "*")) else given
    )
    return Opposite(found) if opposite else found


def _parts(text: str) -> Iterator[str]:
    """What stands between commas, outside of brackets and quotes."""
    depth, quoted, begun = 0, False, 0
    for at, sign in enumerate(text):
        if sign == '"':
            quoted = not quoted
        elif not quoted:
            depth += {"(": 1, ")": -1}.get(sign, 0)
            if sign == "," and depth == 0:
                yield text[begun:at]
                begun = at + 1
    yield text[begun:]
