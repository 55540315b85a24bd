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


_SPELT_FOR_IT = re.compile(
    r"\btop\s*\(|\btop\s+\d|\b(?:outer|cross)\s+apply\b|(?<![@\w])@\w+|\boutput\s+(?:inserted|deleted)\.|\bnolock\b|\[\w+\]",
    re.I,
)
"""What SQL Server spells so, of the dialects that are tried."""


class SchemaStep(msgspec.Struct, frozen=True, array_like=True):
    """One thing done to a schema, in the order in which it stands.

    `action` is table, unread table, view, like, drop table, rename table, column, drop column, rename column, key (primary),
    untold column, index, untold index, drop index, constraint (unique), drop constraint, foreign key, one value or unknown.
    `columns` are (name, direction) pairs; a column's `type` is its type's name; `to` a new name, the table
    that a foreign key refers to, or the one that a table is made like: of its columns, or its indexes too.
    `two` where a column takes one of two values, `default` the constant that it has if nothing is said, `pattern` where an index finds what begins with a text by its
    operator class (`text_pattern_ops`).
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
    two: bool = False
    default: str = ""
    pattern: bool = False


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
    last = ("tsql",) if _SPELT_FOR_IT.search(plain) else ()
    for each in dict.fromkeys((dialect or "postgres", "postgres", "mysql", "sqlite", *last)):
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
    if _BATCH.search(text):
        text = _OF_SQL_SERVER.sub(_plainly, text)
    text = _DATABASE.sub(r"\1;", _VIEWS_OF_DUMP.sub(r"\1", text)) + "\n;"
    start, line, position = 0, 1, 0
    found, copies = 0, True
    while (match := _BREAK.search(text, position)) is not None:
        position = match.end()
        if match[0] != ";" and not _ENDS.fullmatch(match[0]):
            continue
        statement = text[start : match.start()]
        if (made := _WHERE_THERE_IS_NONE.match(statement)) is not None:
            line += statement.count("\n", 0, made.end())
            start += made.end()
            statement = _END.sub("", statement[made.end() :])
        if _SCHEMA.match(statement) or _ALTERS.search(statement):  # also inside of `DO $$ … $$`
            found += 1
            yield statement, line + _leading(statement)
            if found >= _MAX_STATEMENTS:
                return
        elif _PREPARED.match(statement) and _EXECUTED.search(text, position):
            for literal in _LITERAL.findall(statement):
                if _SCHEMA.match(literal):
                    found += 1
                    yield literal.replace("''", "'"), line + _leading(statement)
        elif copies and _COPY.match(statement):
            end = text.find(_END_OF_COPY, position)
            copies = end >= 0
            position = end + len(_END_OF_COPY) if copies else position
        line += text.count("\n", start, position - 1)
        start = position


_BLOCK = r"do\s+\$\w*\$\s*(?:declare\b[^;]{0,2000};\s*)?begin\s+"
_UNLESS = (
    r"(?:end(?:\s+if)?\s+)?if\s+(?:not\s+exists\s*\((?:[^']|'[^']*'){0,2000}?(?:\)|\bthen|\bbegin)"
    r"|object_id\s*\((?:[^()']|'[^']*'){0,99}\)\s+is\s+null(?:\s+begin)?)\s+"
)
_WHERE_THERE_IS_NONE = re.compile(
    rf"\s*(?:--[^\n]*\n\s*|/\*[^*]{{0,2000}}\*/\s*)*(?:{_BLOCK}(?:{_UNLESS})?|{_UNLESS})"
    r"(?=create\s+(?:unlogged\s+)?(?:table|(?:unique\s+)?index)\b)",
    re.I,
)
"""What makes a table or an index where there is none: `DO $$ BEGIN IF NOT EXISTS (…) THEN CREATE TABLE …`, and of SQL Server
`IF OBJECT_ID('…') IS NULL BEGIN CREATE TABLE … END`."""
_END = re.compile(r"(?<=\))\s+end\s*$", re.I)
_DATABASE = re.compile(r"(?im)^([ \t]*create[ \t]+database[ \t]+[\w`\"]+)[ \t]*$(?=\s*create\b)")
"""What is run by itself, though nothing ends it: the statements that follow are those of tables."""
_PREPARED = re.compile(
    r"\s*(?:--[^\n]*\n\s*|/\*[^*]{0,2000}\*/\s*)*(?:set\s+@\w+\s*:?=|prepare\s+\w+\s+from\b)", re.I
)
"""What MySQL executes as a text: `SET @sql := IF(@there, 'SELECT 1', 'CREATE INDEX …'); PREPARE s FROM @sql; EXECUTE s`.

Whatever the condition is, the index is there afterwards: MySQL has no `CREATE INDEX IF NOT EXISTS`. Source:
https://dev.mysql.com/doc/refman/8.4/en/sql-prepared-statements.html.
"""
_EXECUTED = re.compile(r"\bexecute\s+\w+\s*;", re.I)
_LITERAL = re.compile(r"'((?:[^'\\]|\\.|'')*)'")
_COPY = re.compile(r"\s*(?:--[^\n]*\n\s*)*copy\b[^;]*\bfrom\s+stdin\b", re.I)
_END_OF_COPY = "\n\\."
"""What ends the rows that stand in a dump of PostgreSQL: https://www.postgresql.org/docs/current/sql-copy.html."""
_BATCH = re.compile(r"^[ \t]*[gG][oO](?:[ \t]+\d+)?[ \t]*(?=\r?$)", re.M)
"""What ends the statements before it for SQL Server's tools, semicolon or not.

Source: https://learn.microsoft.com/sql/t-sql/language-elements/sql-server-utilities-statements-go.
"""
_OF_PSQL = re.compile(r"^[ \t]*\\(?!if\b|elif\b|else\b)[a-z][^\n]*", re.M)
"""A command of psql's own, which ends with its line (`\\c shop`, `\\restrict`); behind a condition it is not told what runs.

Source: https://www.postgresql.org/docs/current/app-psql.html#APP-PSQL-META-COMMANDS.
"""
_ENDS = re.compile(rf"{_BATCH.pattern}|{_OF_PSQL.pattern}", re.M)
_VIEWS_OF_DUMP = re.compile(
    r"/\*!\d{5,6}\s+((?:create\s+(?:table|view|algorithm)|drop\s+(?:table|view)|definer|view)\b(?:[^*]|\*(?!/)){0,20000})\*/",
    re.I,
)
"""What a dump of MySQL says of views, in comments that MySQL executes: https://dev.mysql.com/doc/refman/8.4/en/comments.html."""
_BREAK = re.compile(
    rf"--[^\n]*|/\*(?:[^*]|\*(?!/))*\*/|'(?:[^'\\]|\\.|'')*'|\"[^\"]*\"|\$(\w*)\$|;|{_ENDS.pattern}",
    re.M,
)
_OF_SQL_SERVER = re.compile(
    r"(?:(?<=\])\s)?\[(\w+)\]|\b(?:(?:non)?clustered|asc)\b|(?<=\))\s*with\s*\([^()]*\)|\b(?:textimage_)?on\s+(?:\[primary\]|primary\b)",
    re.I,
)


def _plainly(found: re.Match[str]) -> str:
    """What SQL Server alone spells, as others do: names without case, and nothing of where it keeps what.

    Sources: https://learn.microsoft.com/sql/t-sql/statements/create-index-transact-sql,
    https://learn.microsoft.com/sql/relational-databases/databases/database-identifiers.
    """
    if found[1]:  # `[ID] [int]`: a name, and its type
        return f'"{found[1].lower()}"' if found[0][0] == "[" else f" {found[1]}"
    return "\n" * found[0].count("\n")


def _leading(statement: str) -> int:
    head = len(statement) - len(statement.lstrip())
    return statement.count("\n", 0, head)


_KEYS = re.compile(
    r"(?:[,(]|\badd)\s{0,99}(?:key|index)\b(?:\s{1,9}[`\w]+)?\s{0,9}\(\s{0,9}[`a-z_]", re.I
)
"""Indexes among the columns, `KEY by_owner (owner)`: to other databases that would be a column of this name."""


def schema_steps(text: str, dialect: str = "", line: int = 1) -> list[SchemaStep]:
    """What the statements of a text do to the schema."""
    from sqlglot import exp

    steps = [step for made in _SEARCHED.finditer(text) for step in _searched(made, line)]
    text = _SEARCHED.sub("", text) if steps else text
    if not dialect and _KEYS.search(text):
        dialect = "mysql"
    for statement in parse(text, dialect) or parse(_as_others_spell(text), dialect):
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
            case exp.Command():
                steps += unread_steps(f"{statement.this} {statement.expression}", line)
    return steps


_SEARCHED = re.compile(
    r"\bcreate\s+virtual\s+table\s+(?:if\s+not\s+exists\s+)?([\w.\"`]+)\s+using\s+fts[345]\s*\(((?:[^()]|\([^()]*\))*)\)",
    re.I,
)


def _searched(made: re.Match[str], line: int) -> Iterator[SchemaStep]:
    """A table of SQLite that is an index of words itself, and has other columns than it says (https://www.sqlite.org/fts5.html)."""
    table = _plain(made[1])
    told = [x.split() for x in made[2].split(",") if "=" not in x and x.strip()]
    names = [_plain(x[0]) for x in told if "unindexed" not in map(str.lower, x)]
    columns = [(name, 1) for name in (*names, table)]
    yield SchemaStep("table", table, line=line)
    yield SchemaStep("untold column", table, line=line)
    yield SchemaStep("index", table, columns=columns, kind="text", line=line)
    if "trigram" in made[2].lower():  # it also finds what LIKE asks for
        yield SchemaStep("index", table, columns=columns, kind="other", line=line)


_COUNTS = re.compile(
    r"(\bprimary\s+key\s*\([^()]{1,99}?)(?:\s+asc)?\s+autoincrement(?=\s*\))", re.I
)
_OF_IDENTITY = re.compile(r"(\bas\s+identity)\s*\([\s\w-]{0,200}\)|\s+not\s+valid\b", re.I)
_OF_TABLE = re.compile(
    r"\s(?:constraint\s+\S{1,99}\s+)?(?:foreign\s+key|primary\s+key|unique)\s*\(", re.I
)


def _as_others_spell(text: str) -> str:
    """What SQLite alone takes: `PRIMARY KEY (id AUTOINCREMENT)`, and no comma between what a table has; and how PostgreSQL
    numbers rows (`IDENTITY (START 1 CACHE 1)`) or when it checks them (`NOT VALID`), which tells nothing of a table.

    Sources: https://www.sqlite.org/lang_createtable.html, `conslist` in the grammar that it is parsed by;
    https://www.postgresql.org/docs/current/sql-createtable.html.
    """

    def apart(found: re.Match[str]) -> str:
        before = text[: found.start()].rstrip()[-1:]
        return f",{found[0]}" if before == ")" or before.isalnum() else found[0]

    text = _OF_IDENTITY.sub(r"\1", _COUNTS.sub(r"\1", text))
    return _OF_TABLE.sub(apart, text)


_SPECIAL = re.compile(
    r"\s*create\s+(fulltext|spatial)\s+index\s+[`\w]+\s+on\s+([`\w.]+)\s*\(([^()]*)\)", re.I
)
_INDEXES = re.compile(
    r"\s*create\s+(?:unique\s+)?index\b.{0,200}?\bon\s+(?:only\s+)?([\w.\"`]+)"
    r"|\s*alter\s+table\s+(?:only\s+)?([\w.\"`]+).{0,2000}?\badd\s+(?:constraint\s+\S{1,99}\s+)?(?:unique|index|key|primary)\b",
    re.I | re.S,
)


_TABLE = re.compile(
    r"\s*(?:--[^\n]*\n\s*|/\*[^*]{0,2000}\*/\s*)*create\s+table\s+(?:if\s+not\s+exists\s+)?([\w.\"`]+)\s*\(",
    re.I,
)


def unread_steps(text: str, line: int) -> Iterator[SchemaStep]:
    """What a statement does that the parser does not know: MySQL's own indexes, or one that is not told."""
    if (special := _SPECIAL.match(text)) is not None:
        columns = [(x.strip(" `").lower(), 1) for x in special[3].split(",")]
        kind = _KINDS[special[1].upper()]
        yield SchemaStep("index", _plain(special[2]), columns=columns, kind=kind, line=line)
    elif (told := _INDEXES.match(text)) is not None:
        yield SchemaStep("untold index", _plain(told[1] or told[2]), line=line)
    elif (table := _TABLE.match(text)) is not None:
        yield SchemaStep("unread table", _plain(table[1]), line=line)
    yield from altered_steps(text, line)


_ALTERS = re.compile(
    r"\balter\s+table\s+(?:only\s+|if\s+exists\s+)*([\w.\"`]*)(?:[^\w;]*$|[^;]{0,2000}?\badd\b"
    r"(?!\s+(?:constraint|primary|unique|foreign|index|key|check|fulltext|spatial|partition)\b))",
    re.I,
)


def altered_steps(text: str, line: int) -> Iterator[SchemaStep]:
    """The tables that may get columns by what stands somewhere in a text that is not read otherwise."""
    for found in _ALTERS.finditer(text):
        yield SchemaStep("untold column", _plain(found[1]), line=line)


def _plain(name: str) -> str:
    last = name.rpartition(".")[2]
    return last.strip('"`') if last[:1] in '"`' else last.lower()


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
    if isinstance(node, exp.ColumnDef | exp.ColumnPrefix):
        return _name(node.this), way
    if isinstance(node, exp.Anonymous) and all(
        isinstance(x, exp.Literal) for x in node.expressions
    ):
        return str(node.this).lower(), way  # MySQL: as many letters of it, `name(10)`
    return node.sql(comments=False).lower().replace(" ", "").replace('"', ""), way


def _created(statement: Any, line: int) -> Iterator[SchemaStep]:
    from sqlglot import exp

    kind = str(statement.args.get("kind") or "").upper()
    if kind == "INDEX":
        yield from _index(statement, line)
        return
    if kind == "VIEW":
        yield SchemaStep("view", _name(statement.this), line=line)
    if kind != "TABLE" or _is_columnar(statement):
        return
    table = _name(statement.this)
    yield SchemaStep("table", table, line=line)
    if statement.expression is not None or statement.find(exp.InheritsProperty) is not None:
        yield SchemaStep("untold column", table, line=line)  # those of what it is made of
    if not isinstance(statement.this, exp.Schema):  # MySQL: `CREATE TABLE a LIKE b`
        if (other := statement.find(exp.LikeProperty)) is not None:
            yield SchemaStep("like", table, kind="indexes", to=_name(other.this), line=line)
        return
    for item in statement.this.expressions:
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
        typed = kind.sql(comments=False).partition("(")[0] if kind is not None else ""
        yield SchemaStep(
            "column",
            table,
            name,
            type=typed,
            line=line,
            two=_takes_two(item, name),
            default=_default(item),
        )
        for constraint in item.args.get("constraints") or ():
            told = constraint.args.get("kind")
            if isinstance(told, exp.PrimaryKeyColumnConstraint):
                yield SchemaStep("key", table, columns=[(name, 1)], unique=True, line=line)
            elif isinstance(told, exp.UniqueColumnConstraint) and told.this is None:
                yield SchemaStep("constraint", table, columns=[(name, 1)], unique=True, line=line)
            elif isinstance(told, exp.Reference):
                yield SchemaStep("foreign key", table, columns=[(name, 1)], to=_name(told.this), line=line)  # fmt: skip
            else:  # what the table has, behind a comma that is forgotten
                yield from _constraint(told, "", table, line)
    elif isinstance(item, exp.Identifier):  # SQLite: a column needs no type
        yield SchemaStep("column", table, _name(item), line=line)
    elif isinstance(item, exp.LikeProperty):
        yield from _like(item, table, line)
    elif isinstance(item, exp.Constraint):
        for each in item.expressions:
            yield from _constraint(each, _name(item.this), table, line)
    else:
        yield from _constraint(item, "", table, line)


def _default(column: Any) -> str:
    """`DEFAULT 'new'`, `DEFAULT TRUE`."""
    from sqlglot import exp

    kinds = (x.args.get("kind") for x in column.args.get("constraints") or ())
    given = (x.this for x in kinds if isinstance(x, exp.DefaultColumnConstraint))
    return next(
        (
            x.name or x.sql(comments=False)
            for x in given
            if isinstance(x, exp.Literal | exp.Boolean)
        ),
        "",
    )


def _takes_two(column: Any, name: str) -> bool:
    """`ENUM('a', 'b')`, `CHECK (kind IN ('a', 'b'))`, `TINYINT(1)`, `INTEGER -- 0: by day, 1: by week`."""
    from sqlglot import exp

    kind = column.args.get("kind")
    if kind is not None and kind.this == exp.DataType.Type.ENUM:
        return 0 < len(kind.expressions) <= 2
    if kind is not None and kind.sql(comments=False).upper() == "TINYINT(1)":  # MySQL's boolean
        return True
    if kind is not None and kind.is_type(*exp.DataType.INTEGER_TYPES) and _is_commented(column):
        return True
    checks = [x.args.get("kind") for x in column.args.get("constraints") or ()]
    inside = [x.this.unnest() for x in checks if isinstance(x, exp.CheckColumnConstraint)]
    return any(
        isinstance(x, exp.In) and _name(x.this) == name and 0 < len(x.expressions) <= 2
        for x in inside
    )


_BOTH = re.compile(
    r"(?<![\w.])(?:0\s*(?:/|\||\bor\b)\s*1|1\s*(?:/|\||\bor\b)\s*0)(?![\w.])"
    r"|(?<![\w.])(?:0\s*(?:[:=]|->?)\D*(?<![\w.])1|1\s*(?:[:=]|->?)\D*(?<![\w.])0)\s*(?:[:=]|->?)",
    re.I,
)
_MORE = re.compile(r"[2-9]|\d\d|\.\.|…|\betc\b|[01]\s*\+|>")


def _is_commented(column: Any) -> bool:
    """Whether what is said beside a number is that it is 0 or 1: `-- 0: by day, 1: by week`, `COMMENT '0/1'`."""
    from sqlglot import exp

    said = [text for node in column.walk() for text in node.comments or ()]
    said += [x.this.name for x in column.find_all(exp.CommentColumnConstraint)]
    return any(_BOTH.search(x) and not _MORE.search(x.replace("->", "")) for x in said)


def _constraint(each: Any, own: str, table: str, line: int) -> Iterator[SchemaStep]:
    """What a table has over one or several of its columns."""
    from sqlglot import exp

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
        kind = _KINDS.get(str(each.args.get("kind") or "").upper(), "ordered")
        yield SchemaStep("index", table, _name(each.this), columns, kind=kind, line=line)
    elif isinstance(each, exp.CheckColumnConstraint) and (
        column := has_one_value(each.this.sql(comments=False))
    ):
        yield SchemaStep("one value", table, own, [(column, 1)], line=line)


_ONE_VALUE = re.compile(r"""\(*["`\[]?(\w+)["`\]]?\s*==?\s*(?:\d+|'[^']*'|true)\)*$""", re.I)


def has_one_value(check: str) -> str:
    """The column that a check lets have one value alone: `id = 1`."""
    found = _ONE_VALUE.match(check.strip())
    return found[1] if found is not None else ""


_KINDS = {"FULLTEXT": "text", "SPATIAL": "geo"}
_COPIES = {"ALL", "INDEXES"}


def _like(item: Any, table: str, line: int) -> Iterator[SchemaStep]:
    """`(LIKE other INCLUDING ALL)`: the columns of another table, with its indexes where it says so.

    Source: https://www.postgresql.org/docs/current/sql-createtable.html.
    """
    told = [(str(x.this).upper(), x.text("value").upper()) for x in item.expressions]
    taken = {what for way, what in told if way == "INCLUDING"} & _COPIES
    left_out = ("EXCLUDING", "INDEXES") in told
    kind = "indexes" if taken and not left_out else "columns"
    yield SchemaStep("like", table, kind=kind, to=_name(item.this), line=line)


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
    kind = kind_of_method(using)
    unique = bool(statement.args.get("unique"))
    yield SchemaStep(
        "index", _name(index.args.get("table")), _name(index.this), columns, "", unique, kind, condition, "", line,
        pattern="pattern_ops" in statement.sql().lower(),
    )  # fmt: skip


def kind_of_method(using: str) -> str:
    """The kind of an index by what PostgreSQL makes it with; one of pgvector finds what is near, and nothing else.

    Source: https://github.com/pgvector/pgvector#indexing.
    """
    kinds = {
        "": "ordered",
        "btree": "ordered",
        "hash": "hash",
        "hnsw": "vector",
        "ivfflat": "vector",
    }
    return kinds.get(using.lower(), "other")


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
