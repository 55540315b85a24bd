"""Queries that the caller writes a part of: SQL, XPath, LDAP, XML with entities."""

from __future__ import annotations

import re

from auditor.extract.python import tree as t
from auditor.libraries.sinks import Found, any_part, receiver_of, text_of
from auditor.link.flow import Form, Reached, drains, leaves
from auditor.link.scopes import argument

# --- SQL (CWE-89)

_SQL_WORDS = re.compile(
    r"\b(?:select\b.*\bfrom|insert\s+into|update\b.*\bset|delete\s+from|where|order\s+by|create\s+"
    r"(?:table|user|database)|drop\s+|alter\s+|and|or|union|values|pragma|call|set|like)\b", re.I | re.S,
)  # fmt: skip
_SQL_PACKAGES = re.compile(
    r"^(?:sqlalchemy|sqlmodel|sqlite3|psycopg2?|asyncpg|aiosqlite|aiomysql|aiopg|pymysql|MySQLdb|mysql"
    r"|django\.db|flask_sqlalchemy|databases|duckdb|pyodbc|cx_Oracle|oracledb|peewee|tortoise|clickhouse\w*"
    r"|snowflake|pymssql)\b"
)
_SQL_RECEIVERS = re.compile(
    r"(?:^|[._])(?:cur|cursor|conn|connection|db|database|session|engine|c|crsr|pool|tx|sql\w*)(?:\(\)|$)",
    re.I,
)


@drains("execute", "executemany", "executescript", "exec_driver_sql", "fetch", "fetchrow", "fetchval",
        "fetch_all", "fetch_one", "fetch_val", "execute_sql", "read_sql", "read_sql_query")  # fmt: skip
def sql_text(reached: Reached) -> Found:
    text = text_of(reached.arg(0, "query", "sql", "statement", "operation"))
    if text is None or not isinstance(reached.site.node.func, t.Attr):
        return
    last = reached.site.node.func.name
    receiver = receiver_of(reached)
    known = _SQL_PACKAGES.match(reached.name) or receiver.startswith(("pd", "pandas"))
    sounds = _SQL_RECEIVERS.search(receiver) and last.startswith(("exec", "fetch_"))
    if (
        _SQL_WORDS.search(text.within)
        and (known or sounds or last.startswith(("execute", "fetch", "read_sql")))
    ) or ((known or (sounds and last != "execute")) and text.form is Form.TEXT):
        yield "sql", text


@drains("text", "TextClause", "RawSQL", "SQL", "literal_column")
def sql_clause(reached: Reached) -> Found:
    name = reached.name
    if name.startswith(
        (
            "sqlalchemy",
            "flask_sqlalchemy",
            "sqlmodel",
            "django.db.models.expressions",
            "psycopg",
            "peewee",
        )
    ):
        yield "sql", text_of(reached.arg(0, "text", "sql"))


@drains("raw", "extra", "from_statement")
def sql_of_orm(reached: Reached) -> Found:
    """`Model.objects.raw(f"…")`, `.extra(where=[f"…"])`."""
    func = reached.site.node.func
    if not isinstance(func, t.Attr):
        return
    if func.name == "raw":
        text = text_of(reached.arg(0, "raw_query", "sql"))
        if text is not None and (
            _SQL_WORDS.search(text.within) or "objects" in receiver_of(reached)
        ):
            yield "sql", text
    elif func.name == "extra":
        for keyword in ("where", "select", "order_by", "tables"):
            given = reached.named.get(keyword)
            if given is not None:
                yield (
                    "sql",
                    next((x for _, x in leaves(given) if x.within or keyword != "select"), None),
                )


# --- XPath (CWE-643): https://lxml.de/xpathxslt.html, https://pypi.org/project/elementpath/

_XPATH_WORDS = re.compile(r"//|/\w|\[@|\[\w+\s*=|text\(\)|contains\(")


@drains("xpath", "XPath", "ETXPath", "select", "iter_select", "xpathEval")
def xpath_text(reached: Reached) -> Found:
    """`tree.xpath(text)`, `etree.XPath(text)`, `elementpath.select(tree, text)`; not its variables."""
    last = reached.name.rpartition(".")[2]
    func = reached.site.node.func
    if reached.name.startswith("elementpath."):
        yield "xpath", text_of(reached.arg(1, "path"))
    elif last in ("XPath", "ETXPath") and reached.name.startswith("lxml."):
        yield "xpath", text_of(reached.arg(0, "path"))
    elif (
        isinstance(func, t.Attr)
        and func.name in ("xpath", "xpathEval")
        and reached.receiver is None
    ):
        yield "xpath", text_of(reached.arg(0, "_path", "query"))


@drains("find", "findall", "findtext", "iterfind")
def element_path(reached: Reached) -> Found:
    """ElementTree's paths, where fixed text around the value shows that it is one."""
    if isinstance(reached.site.node.func, t.Attr) and reached.receiver is None:
        text = text_of(reached.arg(0, "path", "match"))
        if text is not None and _XPATH_WORDS.search(text.within):
            if "[" in text.within:
                yield "xpath", text
        if text is not None and _XML.match(reached.name):
            yield "xpath", text


# --- LDAP (CWE-90): RFC 4515

_LDAP = re.compile(r"^(?:ldap|ldap3|bonsai|flask_simpleldap|django_auth_ldap)\b")


@drains("search", "search_s", "search_st", "search_ext", "search_ext_s", "paged_search")
def directory_filter(reached: Reached) -> Found:
    """`search_s(base, scope, filter)` of python-ldap, `search(base, filter)` of ldap3."""
    func = reached.site.node.func
    if not isinstance(func, t.Attr) or reached.receiver is not None:
        return
    own = func.name.startswith("search_") and func.name != "search_"
    known = _LDAP.match(reached.name) or re.search(
        r"ldap|^conn(?:ection)?$", receiver_of(reached), re.I
    )
    for position in (0, 2) if own else (0, 1):
        names = ("filterstr", "filter", "search_filter") * (position > 0)
        text = text_of(reached.arg(position, *names))
        written = text is not None and ("(" in text.within or "=" in text.within)
        if (written and (known or own)) or _LDAP.match(reached.name):
            yield "ldap", text


# --- XML with entities of its own (CWE-611)
# https://docs.python.org/3/library/xml.html#xml-security, https://lxml.de/parsing.html#parser-options

_XML = re.compile(r"^(?:lxml|xml)\b")


@drains(
    "parse",
    "parseString",
    "fromstring",
    "XML",
    "iterparse",
    "parseFile",
    "XMLID",
)
def external_entities(reached: Reached) -> Found:
    if not _XML.match(reached.name):
        return
    node = reached.site.node
    given = any_part(reached.arg(0, "source", "string", "text"))
    if given is None and reached.receiver is None:
        return
    parsers = [x for x in (*node.args[1:], *(k.value for k in node.keywords)) if x is not None]
    if isinstance(node.func, t.Attr) and not _XML.match(t.dotted(node.func)):
        parsers.append(node.func.value)
    if any(_resolves(reached, parser) for parser in parsers):
        yield "xml", given


def _resolves(reached: Reached, parser: t.Expr) -> bool:
    """Whether a parser was told to follow entities that a document declares."""
    for source in reached.flow.values.sources(parser, reached.site.scope):
        match source.node:
            case t.Call(func=func) if t.dotted(func).endswith("XMLParser"):
                told = {
                    name: value.value
                    for name in ("resolve_entities", "load_dtd", "dtd_validation")
                    if isinstance(value := argument(source.node, None, name), t.Const)
                }
                dtd = told.get("load_dtd") or told.get("dtd_validation")
                if told.get("resolve_entities", dtd) is True:
                    return True
            case t.Call(func=func) if t.dotted(func).endswith("make_parser"):
                if isinstance(parser, t.Name):
                    return _external_feature(reached, parser.id)
    return False


def _external_feature(reached: Reached, name: str) -> bool:
    """`parser.setFeature(feature_external_ges, True)` in the same function."""
    owner = reached.site.scope.owner
    body = owner.body if isinstance(owner, t.Function) else []
    for node in t.walk_own(*body):
        match node:
            case t.Call(
                func=t.Attr(value=t.Name(id=own), name="setFeature"),
                args=[feature, t.Const(value=value)],
            ) if own == name and value and "external" in t.dotted(feature):
                return True
    return False
