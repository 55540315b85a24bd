"""What the address of a database is put together from, where the host alone knows its parts."""

from __future__ import annotations

import re

from auditor.extract.python import tree as t
from auditor.link.scopes import Scope
from auditor.link.values import Evaluator

_ADDRESS = re.compile(r"://(?P<login>[^/@\s]+:[^/@\s]+@)?")
_WORDS = re.compile(r"(?i)\b(?:server|host|driver|data source)\s*=")
_USER = re.compile(r"(?i)\b(?:uid|user(?: id)?)\s*=\s*[^\s;]")
_PASSWORD = re.compile(r"(?i)\b(?:pwd|password)\s*=\s*[^\s;]")
"""`SERVER=db;UID=shop;PWD=…` of ODBC, `host=db user=shop password=…` of libpq."""
_PLACES = re.compile(r"\{[^{}]*\}|%(?:\(\w+\))?s")
_PART = "\0"


def names_a_login(values: Evaluator, expr: t.Expr | None, scope: Scope) -> bool:
    """`f"postgresql://{user}:{quote(password)}@{host}/shop"`: every address that it may be has both.

    `URL.create(username=…, password=…)` and its kin are given them by name.
    """
    written = []
    for source in values.sources(expr, scope):
        if isinstance(source.node, t.Call) and _gives(source.node):
            written.append(True)
            continue
        text = _text(source.node)
        if match := _ADDRESS.search(text):
            written.append(match["login"] is not None)
        elif _WORDS.search(text):
            written.append(bool(_USER.search(text) and _PASSWORD.search(text)))
    return bool(written) and all(written)


def unchecked(values: Evaluator, expr: t.Expr | None, scope: Scope) -> str:
    """What turns encryption or its check off in a connection string of ODBC, whatever else it holds.

    https://learn.microsoft.com/sql/connect/odbc/dsn-connection-string-attribute
    """
    for source in values.sources(expr, scope):
        if match := _UNCHECKED.search(_text(source.node)):
            return match[0]
    return ""


_UNCHECKED = re.compile(
    r"(?i)\bTrustServerCertificate\s*=\s*(?:yes|true)\b|\bEncrypt\s*=\s*(?:no|false)\b"
)


def _gives(call: t.Call) -> bool:
    names = {keyword.name for keyword in call.keywords}
    return "password" in names and not names.isdisjoint(("user", "username"))


def _text(node: t.Node) -> str:
    """What stands in the code of a text, with a mark for each part that is filled in."""
    match node:
        case t.Const(value=str(value)):
            return value
        case t.Text(parts=parts):
            return "".join(map(_text, parts))
        case t.BinOp(op="+", left=left, right=right):
            return _text(left) + _text(right)
        case t.BinOp(op="%", left=t.Const(value=str(value))):
            return _PLACES.sub(_PART, value)
        case t.Call(func=t.Attr(value=t.Const(value=str(value)), name="format")):
            return _PLACES.sub(_PART, value)
    return _PART
