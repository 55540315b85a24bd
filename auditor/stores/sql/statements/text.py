"""Queries written as SQL text, executed through any driver.

A text that begins as a query does is one wherever it stands; the call that is given it says where it
runs. Sources: https://peps.python.org/pep-0249/, https://sqlglot.com/.
"""

from __future__ import annotations

import re

from msgspec.structs import replace

from auditor.extract.python import tree as t
from auditor.link.scopes import Located, argument, arguments
from auditor.model.data import Bound
from auditor.model.places import Place
from auditor.stores.sql import untold
from auditor.stores.sql.conditions import (
    Draft,
    no_column,
)
from auditor.stores.sql.reading.frames import Frame, Reading, reads_calls
from auditor.stores.sql.reading.things import (
    Class,
    Either,
    Result,
    Row,
    Rows,
    Self,
    Statement,
    Thing,
    Told,
    each,
    either,
)
from auditor.stores.sql.statements.queries import ROUTINE, drafts, kept_by_database
from auditor.stores.sql.statements.spelling import BEFORE, MARK, consistent, of_file, statement

QUERY = re.compile(
    BEFORE
    + r"(?:select\b(?=.*\bfrom\b)|with\s+(?:recursive\s+)?\w+.{0,200}?\bas\b|update\s+[\w\"`.\[{]+\s+(?:(?:as\s+)?\w+\s+)?set\b"
    r"|update\s+[\w\"`.]+(?=[^;]{0,1000}?(?:\sjoin\b|,))[^;]{0,2000}?\sset\b|delete\s+(?:[\w\"`.*, ]{1,200}?\s)?from\b|insert\s+(?:or\s+\w+\s+|ignore\s+)?into\b|replace\s+into\b|(?:execute|exec|call)\s+(?!"
    rf"{untold.OF_GRAPHS})[\w.\"\[\]]+)|{ROUTINE}",
    re.I | re.S,
)
_ELSEWHERE = re.compile(
    r"(?:clickhouse|aiochclient|asynch|snowflake|google\.cloud\.bigquery|influxdb)\w*\b"
)
"""Clients of stores that speak SQL and keep no indexes of this kind."""
_WRAPS = {"text", "SQL", "sql", "format", "strip", "dedent", "join", "replace", "Composed", "lower", "upper", "RawSQL",
          "cleandoc", "format_map", "bindparams", "columns", "rstrip", "lstrip", "DDL", "append", "sub", "as_string",
          "debug", "info", "warning", "error", "print", "exception", "startswith", "endswith", "split", "encode",
          "execution_options", "literal_column"}  # fmt: skip
_ONE = {"fetchone", "fetchrow", "fetchval", "fetch_one", "fetch_val", "scalar", "scalar_one", "scalar_one_or_none", "first", "one", "one_or_none"}  # fmt: skip
_ALL = {"fetchall", "fetch", "fetch_all", "all", "iterate", "read_sql", "read_sql_query", "scalars", "fetchmany"}  # fmt: skip
_RUNS = re.compile(r"execut|fetch|query|run|select|read_sql|raw|^all$|^one$|^first$|scalar|exec|iterate|stream|cursor|prepare", re.I)  # fmt: skip
_DRIVES = re.compile(r"execute|fetch")
"""What drivers run a statement with, and raise at once where the database refuses it."""
_KEEPS = re.compile(r"(?:^|_)(?:record|log|note|trace|track|remember|debug|print|show|echo)(?:_|$)")


@reads_calls
def calls(reading: Reading, call: t.Call, last: str, base: Thing | None, frame: Frame) -> Told:
    if isinstance(base, Either | Statement) and any(isinstance(x, Statement) for x in each(base)):
        return (
            statement(reading, call, frame) if last == "format" else None
        ) or base, True  # sql.strip()
    if base is not None and not isinstance(base, Row | Class | Rows | Self):
        return None, False
    named = [k.value for k in call.keywords if k.name in untold.NAMED]
    first = next(iter((*call.args, *named)), None)
    if first is None:
        return None, False
    if last == "Composed" and (composed := statement(reading, call, frame)) is not None:
        return composed, True
    if last in _WRAPS:
        found = reading.thing(first, frame)
        held = [x for x in each(found) if isinstance(x, Statement)]
        return (either(list(held)) if held else None), bool(held)
    own = reading.code.defined(call.func, frame.scope)
    function = own if own is not None and isinstance(own.node, t.Function) else None
    if function is not None and _KEEPS.search(last) and not _is_running(reading, function):
        return None, True  # it writes down what is run elsewhere
    first, given = _handed(reading, call, first, last, function, frame)
    if first is None:
        return None, False
    if not given:
        things = each(reading.thing(first, frame))
        begun = any(isinstance(x, Statement) and not untold.OTHER.match(x.text) for x in things)
        if things and not begun:  # `SELECT LAST_INSERT_ID()` is known to search nothing
            return None, all(isinstance(x, Statement) for x in things)
        return None, untold.statement(reading, call, first, last, frame, begun)
    if function is not None and _builds(reading, function):
        return None, False  # what it makes of the text is sent elsewhere
    if function is not None:
        reading.handed[id(function.node)] = function
        if frame.loop is not None:
            reading.looped.setdefault(id(function.node), frame.loop)
    for arg in call.args:
        if arg is not first:
            reading.thing(arg, frame)
    if isinstance(call.func, t.Attr) and _ELSEWHERE.match(reading.code.name(call.func.value, frame.scope)):  # fmt: skip
        return None, True
    made: list[Thing] = []
    likes = any(_LIKE.search(one.text) for one in given)
    bound = _bound(reading, call, frame) if likes else ""
    why = ""
    for one in consistent(given) if len(given) > 1 else given:
        place = _spelt_at(reading, one, call, frame)
        whole = len(given) == 1 or isinstance(one.node, t.Const)
        outer: Draft | None = None
        for draft in drafts(reading, one.text, place, frame, like=bound, whole=whole):
            if last in _ONE:
                draft = replace(draft, bound=Bound.ONE)
            elif last in _ALL and draft.bound is Bound.UNKNOWN:
                draft = replace(draft, bound=draft.limited or Bound.NONE)
            why = why or (draft.unresolved if draft.unresolved.endswith(no_column("")) else "")
            draft = reading.record(draft)
            outer = outer or (draft if draft.entity is not None else None)
        if outer is not None:
            made.append(Result(outer))
    # a function of the tree may catch what the database raises
    if function is None and _DRIVES.match(last) and (why or id(call.func) in reading.refused):
        reading.refuse(call, why)
    return either(made), True


def _spelt_at(reading: Reading, one: Statement, call: t.Call, frame: Frame) -> Place:
    """Where a statement is told: at the call that spells what a function puts into it."""
    parts = (one.node, *one.added)
    names = {n.id for part in parts for n in t.walk_own(part) if isinstance(n, t.Name)}
    while frame.called is not None and names & frame.texts.keys():
        call, frame = frame.called
        reading.spelling.add(id(call))
        names = {n.id for arg in arguments(call) for n in t.walk_own(arg) if isinstance(n, t.Name)}
    function = frame.scope.function
    if frame.called is None and MARK in one.text and function is not None:
        if put_in := names & {p.name for p in function.params} - {"self", "cls"}:
            _, before = reading.unspelt.get(id(function), (function, set()))
            reading.unspelt[id(function)] = function, before | put_in
    return reading.place(call, frame)


@reads_calls
def from_files(reading: Reading, call: t.Call, last: str, base: Thing | None, frame: Frame) -> Told:
    """`Path("sql/users.sql").read_text()`, `load("users.sql")`: a statement that a file of the tree holds."""
    if base is not None or not reading.statement_files:
        return None, False
    named = any(isinstance(x, t.Const) and isinstance(x.value, str) for x in arguments(call))
    if last in ("read", "read_text", "decode") or (named and reading.code.defined(call.func, frame.scope)):  # fmt: skip
        thing = of_file(reading, call, frame)
        return thing, thing is not None
    return None, False


@reads_calls
def procedures(reading: Reading, call: t.Call, last: str, base: Thing | None, frame: Frame) -> Told:
    """`cursor.callproc("free_seats", given)`, https://peps.python.org/pep-0249/#callproc."""
    named = argument(call, 0, "procname", "proc_name", "name")
    if last != "callproc" or not isinstance(call.func, t.Attr) or named is None:
        return None, False
    name = reading.text(named, frame) or "a procedure"
    reading.record(kept_by_database(reading.place(call, frame), name, frame))
    return None, True


def _handed(
    reading: Reading, call: t.Call, first: t.Expr, last: str, function: Located | None, frame: Frame
) -> tuple[t.Expr | None, list[Statement]]:
    """The argument that may be a statement, and the queries that it is, as far as they are told.

    A function of the tree that runs statements takes them anywhere: `execute_query(connection, sql)`.
    """
    if isinstance(first, t.Const | t.Text) or (
        isinstance(first, _STATEMENTS) and _RUNS.search(last)
    ):
        if given := _queries(reading, first, frame):
            return first, given
    if function is not None and _is_running(reading, function):
        for arg in (*call.args, *(k.value for k in call.keywords)):
            if isinstance(arg, _STATEMENTS) and (given := _queries(reading, arg, frame)):
                return arg, given
    plain = isinstance(first, t.Const) and not isinstance(first.value, str)
    asks = isinstance(first, _STATEMENTS) and (
        isinstance(first, t.Const | t.Text) or _RUNS.search(last)
    )
    return (first if asks and not plain else None), []


_STATEMENTS = (t.Const, t.Text, t.BinOp, t.Name, t.Attr, t.Call, t.Item, t.Choice)


def _queries(reading: Reading, expr: t.Expr, frame: Frame) -> list[Statement]:
    things = each(reading.thing(expr, frame)) if _is_told(reading, expr, frame) else ()
    return [
        x
        for x in things
        if isinstance(x, Statement) and (QUERY.match(x.text[:4000]) or x.text == MARK)
    ]


def _is_told(reading: Reading, expr: t.Expr, frame: Frame) -> bool:
    """Whether no text of `sql if new else old` is left out: one that is not known would be lost beside the other."""
    if not isinstance(expr, t.Choice):
        return True
    return all(
        _is_told(reading, x, frame)
        and (
            isinstance(x, t.Const)
            or any(isinstance(y, Statement) for y in each(reading.thing(x, frame)))
        )
        for x in (expr.then, expr.other)
    )


def _is_running(reading: Reading, function: Located) -> bool:
    """Whether a function of the tree calls what may run a statement."""
    key = id(function.node)
    if key not in reading.running:
        calls = (n for n in t.walk(function.node) if isinstance(n, t.Call))
        reading.running[key] = any(_RUNS.search(t.last_word(n.func)) for n in calls)
    return reading.running[key]


def _builds(reading: Reading, function: Located) -> bool:
    """Whether a function of the tree gives back what it makes of a text, and runs none."""
    assert isinstance(function.node, t.Function)
    body = t.walk_own(*function.node.body)
    given = any(isinstance(n, t.Return) and n.value is not None for n in body)
    return given and not _is_running(reading, function)


_LIKE = re.compile(r"like|~~", re.I)
_SENT = re.compile(r"\brequest\.(?:form|args|values|json|data)$|\bform\.\w+\.data$")


def _bound(reading: Reading, call: t.Call, frame: Frame) -> str:
    """How a LIKE of what is bound to a statement searches, in MySQL and in PostgreSQL; empty where it may not.

    `(request.form["email"],)` is looked up as it is; what is found begins with `f"{name}%"`.
    """
    bound: list[t.Expr] = []
    for arg in call.args[1:]:
        bound += arg.items if isinstance(arg, t.Seq) else [arg]
    ways = {_searches(s.node) for part in bound for s in reading.values.sources(part, frame.scope)}
    return "" if "" in ways or not ways else "prefix" if "prefix" in ways else "range"


def _searches(node: t.Node) -> str:
    match node:
        case t.Text(parts=[first, _, *_]) | t.BinOp(op="+", left=first):
            return "prefix" if isinstance(first, t.Name | t.Attr | t.Item | t.Call) else ""
        case t.Item(value=owner) | t.Call(func=t.Attr(value=owner, name="get")):
            return "range" if _SENT.search(t.dotted(owner)) else ""
        case t.Attr():
            return "range" if _SENT.search(t.dotted(node)) else ""
    return ""


def raw(reading: Reading, call: t.Call, given: Thing | None, frame: Frame) -> Rows | None:
    """`Model.objects.raw(sql)`: the objects that a statement brings."""
    place, table = reading.place(call, frame), None
    found = [d for one in each(given) if isinstance(one, Statement) for d in drafts(reading, one.text, place, frame)]  # fmt: skip
    if not found:
        found = [Draft("sql", None, place, unresolved=untold.REASON, loop=frame.loop)]
    for draft in found:
        limited = draft.limited or Bound.NONE
        done = reading.record(replace(draft, bound=limited) if draft.bound is Bound.UNKNOWN else draft)  # fmt: skip
        table = table or (done if done.entity is not None else None)
    return Rows(table.entity, table) if table is not None and table.entity is not None else None
