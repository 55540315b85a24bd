"""Calls that are spelt as queries are, of which nothing was told: they are listed, never left out.

A query may come from where no reader follows it: a model of a package, an object that is put together
at run time, code that nothing calls. What it asks is then unknown, and said to be so.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from auditor.extract.python import tree as t
from auditor.link.scopes import CallSite, place_of
from auditor.model.data import Query
from auditor.stores.mongo.documents import documents_of
from auditor.stores.sql.django.managers import MANAGERS
from auditor.stores.sql.django.suspects import speaks_of_models
from auditor.stores.sql.objects import OF_OBJECTS
from auditor.stores.sql.reading.frames import Frame, Reading
from auditor.stores.sql.untold import may_execute
from auditor.stores.waiting.once import runs_once

_REASON = "what it is called on is not followed"
_STEPS = {
    "filter", "exclude", "get", "aget", "first", "afirst", "last", "count", "acount", "exists", "aexists", "aggregate",
    "all", "order_by", "values", "values_list", "annotate", "select_related", "prefetch_related", "delete", "update",
    "get_or_create", "update_or_create", "in_bulk", "raw", "latest", "earliest", "only", "defer", "distinct", "iterator",
}  # fmt: skip
_OF_QUERYSETS = {
    "filter", "exclude", "values_list", "select_related", "prefetch_related", "annotate", "aggregate", "get_or_create",
    "update_or_create",
}  # fmt: skip
_OF_QUERIES = {
    "filter", "filter_by", "get", "all", "first", "count", "get_or_404", "first_or_404", "paginate", "order_by", "one",
    "one_or_none", "join", "outerjoin", "options", "with_entities", "limit", "scalar", "delete", "update",
}  # fmt: skip
_OF_ANY_QUERY = {"filter", "filter_by", "get_or_404", "first_or_404", "with_entities"}
"""What nothing but a query has, whatever holds the class: `kind.query.filter(kind.id == key)`."""
_OF_PEEWEE = {"select", "get_or_none", "get_by_id", "delete_by_id"}
_BY_COLUMNS = {"where", "get"}
"""What is given columns of the class that it is asked of: `self.model.get(self.model.id == key)`."""
_MODEL = re.compile(r"_*(?:[A-Z]\w*[a-z]\w*|model(?:_class|_cls)?)$")
_ELSEWHERE = re.compile(r"^(?:\w+\.)*models?\.(?:\w+\.)*[A-Z]\w*[a-z]\w*$")
"""A model of Peewee or Tortoise that no file of the tree has: one of a package, or of a module that is not there."""
_EXECUTES = {"execute", "executemany", "scalars", "scalar", "exec", "fetch_one", "fetch_all", "fetchrow", "fetchval", "stream_scalars"}  # fmt: skip
_VERBS = sorted(
    _STEPS
    | _OF_QUERYSETS
    | _OF_QUERIES
    | _OF_PEEWEE
    | _BY_COLUMNS
    | _EXECUTES
    | OF_OBJECTS
    | {"query"}
)
_SESSION = re.compile(r"(?:^|_)(?:session|db|dbs|sess)$")
_CLASS = re.compile(r"_*[A-Z]\w*[a-z]\w*$")
_ORM = ("sqlalchemy", "sqlmodel", "flask_sqlalchemy")
_DRIVERS = (
    *_ORM, "psycopg", "psycopg2", "asyncpg", "sqlite3", "aiosqlite", "pymysql", "MySQLdb", "mysql", "aiomysql",
    "asyncmy", "databases", "pyodbc", "oracledb", "cx_Oracle", "django", "peewee", "tortoise", "duckdb",
)  # fmt: skip


def left_over(reading: Reading) -> Iterator[Query]:
    if not reading.code.imports(*_DRIVERS):
        return
    drafted: defaultdict[str, set[int]] = defaultdict(set)
    for draft in reading.drafts:
        drafted[draft.place.path].add(draft.place.line)
    seen: set[tuple[str, int]] = set()
    for site in reading.code.method_calls(*_VERBS):
        node = site.node
        if not isinstance(node.func, t.Attr):
            continue
        at = (site.path, node.line)
        if at in seen or any(n in drafted[site.path] for n in range(node.line, node.end_line + 1)):
            continue
        if not _is_spelt(reading, site, node.func) or _is_followed(reading, node):
            continue
        if runs_once(site.scope.module) or reading.code.defined(node.func, site.scope) is not None:
            continue  # what a method of the tree asks is read there
        if documents_of(reading.values).starts(node.func, site.scope):
            continue  # MongoDB's
        seen.add(at)
        model = reading.code.name(node.func.value, site.scope)
        why = f"{model} is not in this tree" if _ELSEWHERE.match(model) else _REASON
        yield Query("sql", "", node.func.name, (), (), (), place_of(site), why, False)


def _is_spelt(reading: Reading, site: CallSite, func: t.Attr) -> bool:
    """Whether a call is spelt as nothing but a query is, in the language of a mapper that the tree uses."""
    last, base, code = func.name, func.value, reading.code
    if last in OF_OBJECTS and code.imports("django", "tortoise", "peewee"):
        return True
    if code.imports("django", "tortoise"):
        if last in _STEPS and isinstance(base, t.Attr) and base.name in MANAGERS:
            return True
        if last in _OF_QUERYSETS and speaks_of_models(reading, site.node, last, Frame(site.scope)):
            if not code.name(base, site.scope).startswith("django.template"):
                return not isinstance(base, t.Name) or base.id not in ("self", "cls", "register")
    if code.imports(*_ORM):
        if last in _OF_QUERIES and isinstance(base, t.Attr) and base.name == "query":
            return last in _OF_ANY_QUERY or bool(_CLASS.match(t.last_word(base.value)))
        if last in ("get", "get_one") and len(site.node.args) > 1:
            return bool(_SESSION.search(t.last_word(base))) and bool(
                _CLASS.match(t.last_word(site.node.args[0]))
            )
        if last == "query" and site.node.args:
            return bool(_SESSION.search(t.last_word(base))) and any(
                isinstance(node, t.Name | t.Attr) and _CLASS.match(t.last_word(node))
                for node in t.walk_own(site.node.args[0])  # func.count(Item.id)
            )
        if last == "filter_by" and site.node.keywords and t.last_word(base) not in ("self", "cls"):
            return True
    if code.imports("peewee", "tortoise") and last in _STEPS:
        if _ELSEWHERE.match(code.name(base, site.scope)):
            return True
    if code.imports("peewee") and last in _OF_PEEWEE:
        return bool(_MODEL.match(t.last_word(base)))
    if last in _BY_COLUMNS and code.imports("peewee"):
        return _compares_own(site.node, base)
    return last in _EXECUTES and may_execute(reading, site)


def _compares_own(call: t.Call, base: t.Expr) -> bool:
    """Whether a call is given columns of the class that its chain begins with."""
    while isinstance(base, t.Call) and isinstance(base.func, t.Attr):
        base = base.func.value
    root = t.dotted(base)
    return bool(root) and any(
        isinstance(node, t.Compare)
        and isinstance(node.left, t.Attr)
        and t.dotted(node.left.value) == root
        for arg in call.args
        for node in t.walk_own(arg)
    )


def _is_followed(reading: Reading, call: t.Call) -> bool:
    """Whether a reader knew a step of a chain of calls: what it asks was told, or is nothing."""
    expr: t.Expr = call
    while True:
        match expr:
            case t.Call(func=func):
                if id(expr) in reading.followed:
                    return True
                expr = func
            case t.Attr(value=value) | t.Item(value=value) | t.Await(value=value):
                expr = value
            case _:
                return False
