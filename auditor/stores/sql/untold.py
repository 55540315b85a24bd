"""Calls that ask a database something which the code does not tell.

They are listed with the reason, never left out; where the query is told at the same place after all,
that counts instead.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from auditor.extract.python import tree as t
from auditor.link.scopes import CallSite, Located, Scope, place_of
from auditor.model.data import Query
from auditor.stores.sql.conditions import Draft
from auditor.stores.sql.entities import last_name
from auditor.stores.sql.reading.frames import Frame, Reading
from auditor.stores.sql.statements.files import read_files
from auditor.stores.sql.statements.spelling import AHEAD, BEGINS
from auditor.stores.waiting.once import runs_once

_EXECUTES = {
    "execute", "executemany", "fetch", "fetchrow", "fetchval", "fetch_all", "fetch_one", "fetch_val", "executescript",
    "execute_sql", "scalars", "scalar", "exec", "stream", "stream_scalars", "iterate", "read_sql", "read_sql_query",
}  # fmt: skip
_RECEIVER = re.compile(
    r"(?:^|_)(?:cur(?:sor)?|c|con(?:n(?:ection)?)?|db|dbh|database|session|pool|engine|tx|transaction|trans|acquire|connect"
    r"|connection_pool|sessionmaker|begin)\d?$",
    re.I,
)
_DRIVER = re.compile(
    r"^(?:asyncpg|psycopg\w*|sqlite3|aiosqlite|pymysql|MySQLdb|mysql|aiomysql|asyncmy|pyodbc|databases|sqlalchemy|sqlmodel"
    r"|flask_sqlalchemy)\b"
)
_OF_PACKAGES = re.compile(r"(?:sqlalchemy|sqlmodel|peewee|pypika|psycopg|asyncpg|django)")
"""What makes expressions of their own."""
NAMED = ("query", "sql", "statement", "stmt")
_OF_TEXTS = {"replace", "strip", "rstrip", "lstrip", "format", "lower", "upper", "encode"}
OF_GRAPHS = r"(?:dbms|apoc|gds|db\.(?:index|schema|labels))\b"
"""Procedures of Neo4j."""
OTHER = re.compile(
    rf"(?!{AHEAD}{{1,9}}\s*(?:update|delete|insert|replace|execute|exec|call|(?:select|with)\b.*\b(?:from|__given__))\b)"
    r"\s*(?:--[^\n]*\n\s*)*(?:create|alter|drop|pragma|set|begin|commit|rollback|show|vacuum|truncate|explain|grant|revoke|listen|unlisten"
    r"|notify|lock|savepoint|release|use|analy[sz]e|copy|attach|detach|discard|abort|describe|refresh|reindex|comment|do"
    r"|select\s+(?!.*\bfrom\b|.*__given__)|(?:optional\s+)?match|unwind|merge(?=\s*\()|call\s+"
    rf"(?={OF_GRAPHS}))\b",
    re.I | re.S,
)
"""Statements that search no table, and those of Cypher, which search a graph."""
REASON = "the statement is put together at run time"
UNPARSED = "the SQL text could not be parsed"
_PROSE = "its text does not begin as a query does"
_NAMELESS = "the statement names no table"
_WITHOUT_NAME = re.compile(r"\s*(?:update\s+set|insert\s+into\s+values)\b", re.I)


def statement(
    reading: Reading, call: t.Call, first: t.Expr, last: str, frame: Frame, begun: bool
) -> bool:  # fmt: skip
    """`cursor.execute(sql)`, `session.scalars(statement)`: recorded where they say no more than that.

    `begun` where the text is known to begin as a query does.
    """
    if last not in _EXECUTES or not _executes(reading, call, first, frame, begun):
        return False
    why = reason(reading, first, frame)
    reading.record(
        Draft("sql", None, reading.place(call, frame), "execute", loop=frame.loop, unresolved=why, tentative=True)
    )  # fmt: skip
    return True


def reason(reading: Reading, expr: t.Expr, frame: Frame) -> str:
    """Why a text that may be a statement tells nothing: by what it is, where the code spells all of it."""
    plain = isinstance(expr, t.Const | t.Name | t.Attr)
    nodes = [x.node for x in reading.values.sources(expr, frame.scope)] if plain else []
    texts = [x.value for x in nodes if isinstance(x, t.Const) and isinstance(x.value, str)]
    found = reading.code.find(expr.id, frame.scope) if isinstance(expr, t.Name) else None
    if not texts or len(texts) != len(nodes) or (found is not None and len(found[1]) > len(nodes)):
        return REASON  # `sql, values = narrowed(sql, given)` makes another one of it
    texts = [text for text in texts if text.strip() and not OTHER.match(text)]
    if any(map(_WITHOUT_NAME.match, texts)):
        return _NAMELESS
    # what begins as a query does is read where the name stands for it
    return UNPARSED if all(map(BEGINS.match, texts)) else _PROSE


def may_execute(reading: Reading, site: CallSite) -> bool:
    """The same of a call by itself, wherever it stands."""
    first = site.arg(0, *NAMED)
    return first is not None and _executes(reading, site.node, first, Frame(site.scope))


def _executes(
    reading: Reading, call: t.Call, first: t.Expr, frame: Frame, begun: bool = False
) -> bool:
    """Whether a call on a connection or session runs a statement that the code does not tell."""
    func = call.func
    if not isinstance(func, t.Attr):
        return False
    if not _RECEIVER.search(last_name(func.value)) and not func.name.startswith("read_sql"):
        if not _DRIVER.match(reading.code.name(func.value, frame.scope)):
            return False
    if reading.code.defined(func, frame.scope) is not None:
        return False
    return begun or _asks(reading, first, frame)


def _asks(reading: Reading, first: t.Expr, frame: Frame) -> bool:
    """Whether an unread statement may search a table: not what defines tables or sets options."""
    if _inserts(first):
        return False
    plain = first
    while isinstance(plain, t.Call | t.BinOp):
        if isinstance(plain, t.BinOp):
            plain = plain.left
        elif last_name(plain.func) == "join" and plain.args:
            plain = plain.args[0]
        elif isinstance(plain.func, t.Attr) and (
            isinstance(plain.func.value, t.Const | t.Text) or plain.func.name in _OF_TEXTS
        ):
            plain = plain.func.value
        elif plain.args and not _makes(reading, plain, frame):
            plain = plain.args[0]
        else:
            break
    if isinstance(plain, t.Const):
        return False  # a query's text would have been read
    if isinstance(plain, t.Text) and _beginning(plain).strip():
        return False
    if isinstance(plain, t.Name) and frame.find(plain.id)[1] is not None:
        return False
    worth = reading.text(plain, frame)
    if worth is not None and (OTHER.match(worth) or not worth.strip()):
        return False
    begins = [_beginning(source.node) for source in reading.values.sources(plain, frame.scope)]
    others = [bool(OTHER.match(text)) for text in begins]
    if _is_schema(reading, plain, frame.scope):
        return False
    if any(others) and all(o or BEGINS.match(text) for o, text in zip(others, begins, strict=True)):
        return False  # what begins as a query does is read where the name stands for it
    return not (isinstance(first, t.Call) and re.search(r"Table|Schema|Sequence|DDL|^(?:next_value|now)$", last_name(first.func)))  # fmt: skip


def _makes(reading: Reading, call: t.Call, frame: Frame) -> bool:
    """Whether a function makes a statement of a name or the like: `cursor.execute(count_of("users"))`."""
    given = call.args[0].value if isinstance(call.args[0], t.Const) else None
    if not isinstance(given, str) or OTHER.match(given) or BEGINS.match(given):
        return False
    named = reading.code.name(call.func, frame.scope).partition(".")[0]
    return bool(named) and not _OF_PACKAGES.match(named)


def _is_schema(reading: Reading, expr: t.Expr, scope: Scope) -> bool:
    """Whether a text is what a file holds that makes tables, and searches none: `Path("schema.sql").read_text()`."""
    files = read_files(reading.code, reading.values, expr, scope)
    return bool(files) and all(x and reading.schema_files.issuperset(x) for x in files)


def _inserts(expr: t.Expr) -> bool:
    """`model.insert().values(…)`: records are added, unless a query gives them."""
    while isinstance(expr, t.Call) and isinstance(expr.func, t.Attr):
        if expr.func.name == "insert":
            return True
        if expr.func.name == "from_select":
            return False
        expr = expr.func.value
    return False


def _beginning(node: t.Node) -> str:
    """What a text begins with, whatever is put in after it."""
    if isinstance(node, t.Const) and isinstance(node.value, str):
        return node.value
    first = node.parts[0] if isinstance(node, t.Text) and node.parts else None
    return first.value if isinstance(first, t.Const) and isinstance(first.value, str) else ""


def handed_on(reading: Reading) -> Iterator[Query]:
    """Calls of functions that run whatever text they are handed, where that text is not told."""
    told = {draft.place for draft in reading.drafts}
    for function in reading.handed.values():
        assert isinstance(function.node, t.Function)
        for site in reading.code.method_calls(function.node.name):
            found = reading.code.defined(site.node.func, site.scope)
            if found is None or found.node is not function.node or runs_once(site.scope.module):
                continue
            place = place_of(Located(site.node, site.scope))
            given = site.arg(0, *NAMED)
            if place in told or id(site.node) in reading.followed or given is None:
                continue
            if _asks(reading, given, frame := Frame(site.scope)):
                why = reason(reading, given, frame)
                yield Query("sql", "", "execute", (), (), (), place, why, False)
