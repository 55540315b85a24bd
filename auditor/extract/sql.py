"""SQL as text: parsed within limits, and what statements do to a schema.

Parsed by sqlglot (https://sqlglot.com/), which knows the dialects; imported when first needed.
"""

from __future__ import annotations

import functools
import logging
import re
from collections.abc import Iterator
from typing import Any

import msgspec

MAX_TEXT = 20_000
"""Characters of one statement that are read."""
_MAX_NESTING = 24
_MAX_STATEMENTS = 3000
_PARAMETER = re.compile(r"%\((\w+)\)s|%[sd]|(?<![\w:$])\$\d+\b|#\{\w+\}")
_SCHEMA = re.compile(r"\s*(?:--[^\n]*\n\s*|/\*[^*]{0,2000}\*/\s*)*(?:create|alter|drop|rename)\b", re.I)  # fmt: skip


class SchemaStep(msgspec.Struct, frozen=True, array_like=True):
    """One thing done to a schema, in the order in which it stands.

    `action` is table, drop table, rename table, column, drop column, rename column, key (primary),
    index, untold index, drop index, constraint (unique), drop constraint, foreign key or unknown.
    `columns` are (name, direction) pairs; a column's `type` is its type's name; `to` a new name, or the table
    that a foreign key refers to.
    """

    action: str
    table: str
    name: str = ""
    columns: list[tuple[str, int]] = []
    type: str = ""
    unique: bool = False
    kind: str = "ordered"
    condition: list[str] = []
    to: str = ""
    line: int = 1


@functools.lru_cache(maxsize=2000)
def parse(text: str, dialect: str = "") -> tuple[Any, ...]:
    """The statements of a text; empty where it is too long, nested too deeply, or no SQL."""
    if len(text) > MAX_TEXT or nesting(text) > _MAX_NESTING:
        return ()
    import sqlglot
    from sqlglot.errors import SqlglotError

    logging.getLogger("sqlglot").setLevel(logging.CRITICAL)
    plain = _PARAMETER.sub(":given", text)  # `?::uuid` would be an operator
    best: tuple[Any, ...] = ()
    for each in dict.fromkeys((dialect or "postgres", "postgres", "mysql", "sqlite")):
        try:
            found = tuple(x for x in sqlglot.parse(plain, read=each) if x is not None)
        except (SqlglotError, RecursionError, ValueError, TypeError, AttributeError, KeyError):
            continue
        if not any(isinstance(x, sqlglot.exp.Command) for x in found):
            return found
        best = best or found  # kept as it is spelt: another dialect may know what it says
    return best


def nesting(text: str) -> int:
    """How deeply brackets and CASE are nested."""
    depth = deepest = 0
    for match in re.finditer(r"[()\[\]]|\bcase\b|\bend\b", text, re.I):
        opens = match[0].lower() in ("(", "[", "case")
        depth = depth + 1 if opens else max(0, depth - 1)
        deepest = max(deepest, depth)
    return deepest


def split(text: str) -> Iterator[tuple[str, int]]:
    """The statements of a script, each with the line that it starts in.

    Quotes, comments and dollar quotes are stepped over; what is not about a schema is left out.
    """
    start, line, position = 0, 1, 0
    found = 0
    for match in _BREAK.finditer(text):
        if match[0] != ";":
            continue
        position = match.start()
        statement = text[start:position]
        if _SCHEMA.match(statement):
            found += 1
            yield statement, line + _leading(statement)
            if found >= _MAX_STATEMENTS:
                return
        line += text.count("\n", start, position)
        start = position + 1
    if _SCHEMA.match(text[start:]):
        yield text[start:], line + _leading(text[start:])


_BREAK = re.compile(r"--[^\n]*|/\*(?:[^*]|\*(?!/))*\*/|'(?:[^'\\]|\\.|'')*'|\"[^\"]*\"|\$(\w*)\$|;")


def _leading(statement: str) -> int:
    head = len(statement) - len(statement.lstrip())
    return statement.count("\n", 0, head)


def schema_steps(text: str, dialect: str = "", line: int = 1) -> list[SchemaStep]:
    """What the statements of a text do to the schema."""
    from sqlglot import exp

    steps: list[SchemaStep] = []
    for statement in parse(text, dialect):
        match statement:
            case exp.Create():
                steps += _created(statement, line)
            case exp.Alter():
                steps += _altered(statement, line)
            case exp.Drop():
                name = _dropped(statement)
                kind = str(statement.args.get("kind") or "").upper()
                if kind == "TABLE":
                    steps.append(SchemaStep("drop table", name, line=line))
                elif kind == "INDEX":
                    steps.append(SchemaStep("drop index", "", name, line=line))
    return steps


def _name(node: Any) -> str:
    """A table's own name, without its schema; unquoted names are folded."""
    from sqlglot import exp

    if isinstance(node, exp.Schema):
        node = node.this
    if isinstance(node, exp.Table):
        node = node.this
    if isinstance(node, exp.Identifier):
        return str(node.this) if node.args.get("quoted") else str(node.this).lower()
    if isinstance(node, exp.Column):
        return _name(node.this)
    return str(getattr(node, "name", "") or "").lower()


def _dropped(node: Any) -> str:
    """What a DROP names; sqlglot's releases differ in where they keep it."""
    return _name((node.args.get("tables") or [node.args.get("this")])[0])


def _ordered(node: Any) -> tuple[str, int]:
    """A column of an index, or the spelling of an expression: `lower(email)`."""
    from sqlglot import exp

    way = 1
    if isinstance(node, exp.Ordered):
        way = -1 if node.args.get("desc") else 1
        node = node.this
    if isinstance(node, exp.Opclass):
        node = node.this
    if isinstance(node, exp.Paren):
        node = node.this
    if isinstance(node, exp.Collate):  # `username COLLATE NOCASE` is still that column
        node = node.this
    if isinstance(node, exp.Column | exp.Identifier):
        return _name(node), way
    if isinstance(node, exp.ColumnDef):
        return _name(node.this), way
    return node.sql().lower().replace(" ", "").replace('"', ""), way


def _created(statement: Any, line: int) -> Iterator[SchemaStep]:
    from sqlglot import exp

    kind = str(statement.args.get("kind") or "").upper()
    if kind == "INDEX":
        yield from _index(statement, line)
        return
    if kind != "TABLE" or _is_columnar(statement):
        return
    table = _name(statement.this)
    yield SchemaStep("table", table, line=line)
    body = statement.this.expressions if isinstance(statement.this, exp.Schema) else []
    for item in body:
        yield from _member(item, table, line)


def _is_columnar(statement: Any) -> bool:
    """Whether ClickHouse keeps a table: it reads by the table's own order, and has no indexes of this kind.

    Source: https://clickhouse.com/docs/engines/table-engines/mergetree-family/mergetree.
    """
    from sqlglot import exp

    engine = statement.find(exp.EngineProperty)
    return engine is not None and "mergetree" in engine.sql().lower()


def _member(item: Any, table: str, line: int) -> Iterator[SchemaStep]:
    from sqlglot import exp

    if isinstance(item, exp.ColumnDef):
        name = _name(item.this)
        kind = item.args.get("kind")
        typed = kind.sql().partition("(")[0] if kind is not None else ""
        yield SchemaStep("column", table, name, type=typed, line=line)
        for constraint in item.args.get("constraints") or ():
            told = constraint.args.get("kind")
            if isinstance(told, exp.PrimaryKeyColumnConstraint):
                yield SchemaStep("key", table, columns=[(name, 1)], unique=True, line=line)
            elif isinstance(told, exp.UniqueColumnConstraint):
                yield SchemaStep("constraint", table, columns=[(name, 1)], unique=True, line=line)
            elif isinstance(told, exp.Reference):
                yield SchemaStep("foreign key", table, columns=[(name, 1)], to=_name(told.this), line=line)  # fmt: skip
        return
    own = ""
    inner = [item]
    if isinstance(item, exp.Constraint):
        own, inner = _name(item.this), item.expressions
    for each in inner:
        if isinstance(each, exp.PrimaryKey):
            columns = [_ordered(x) for x in each.expressions]
            yield SchemaStep("key", table, own, columns, unique=True, line=line)
        elif isinstance(each, exp.UniqueColumnConstraint):
            schema = each.this
            named = schema.expressions if isinstance(schema, exp.Schema) else []
            columns = [_ordered(x) for x in named]
            yield SchemaStep("constraint", table, own or _name(getattr(schema, "this", None)), columns, unique=True, line=line)  # fmt: skip
        elif isinstance(each, exp.ForeignKey):
            columns = [_ordered(x) for x in each.expressions]
            told = each.args.get("reference")
            to = _name(told.this) if told is not None else ""
            yield SchemaStep("foreign key", table, own, columns, to=to, line=line)
        elif isinstance(each, exp.IndexColumnConstraint):
            columns = [_ordered(x) for x in each.expressions]
            yield SchemaStep("index", table, _name(each.this), columns, line=line)


def _index(statement: Any, line: int) -> Iterator[SchemaStep]:
    from sqlglot import exp

    index = statement.this
    if not isinstance(index, exp.Index):
        return
    params = index.args.get("params")
    columns = [_ordered(x) for x in (params.args.get("columns") or ()) if x is not None] if params else []  # fmt: skip
    using = str(params.args.get("using") or "").lower() if params else ""
    where = params.args.get("where") if params else None
    condition = sorted({_name(c.this) for c in where.find_all(exp.Column)}) if where else []
    kind = {"": "ordered", "btree": "ordered", "hash": "hash"}.get(using, "other")
    unique = bool(statement.args.get("unique"))
    yield SchemaStep(
        "index", _name(index.args.get("table")), _name(index.this), columns, "", unique, kind, condition, "", line
    )  # fmt: skip


def _altered(statement: Any, line: int) -> Iterator[SchemaStep]:
    from sqlglot import exp

    table = _name(statement.this)
    for action in statement.args.get("actions") or ():
        if isinstance(action, exp.ColumnDef):
            yield from _member(action, table, line)
        elif isinstance(action, exp.AddConstraint):
            for item in action.expressions:
                yield from _member(item, table, line)
        elif isinstance(action, exp.Drop):
            what = str(action.args.get("kind") or "").upper()
            if what in ("COLUMN", "CONSTRAINT", "INDEX"):
                yield SchemaStep(f"drop {what.lower()}", table, _dropped(action), line=line)
        elif isinstance(action, exp.AlterRename):
            yield SchemaStep("rename table", table, to=_name(action.this), line=line)
        elif isinstance(action, exp.RenameColumn):
            yield SchemaStep("rename column", table, _name(action.this), to=_name(action.args.get("to")), line=line)  # fmt: skip
