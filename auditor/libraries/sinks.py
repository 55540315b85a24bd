"""Where a value of the caller's is dangerous: what calls of libraries do with it.

Each danger has a name (`model/web.py`, `SINKS`) and a weakness (CWE). Only what the library's own
documentation says is interpreted counts: query text, not query parameters; a pattern, not its subject.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from auditor.extract.python import tree as t
from auditor.link.flow import Reached, drains
from auditor.link.names import argument
from auditor.link.taint import Form, Taint, leaves

Found = Iterator[tuple[str, Taint | None]]

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


def _text(taint: Taint | None) -> Taint | None:
    """The value where it is text as a whole, or may be."""
    return taint if taint is not None and taint.form in (Form.TEXT, Form.OBJECT) else None


def _receiver(reached: Reached) -> str:
    func = reached.site.node.func
    if not isinstance(func, t.Attr):
        return ""
    inner = func.value
    while isinstance(inner, t.Await | t.Call):
        inner = inner.value if isinstance(inner, t.Await) else inner.func
    return t.dotted(inner) or (inner.name if isinstance(inner, t.Attr) else "")


@drains("execute", "executemany", "executescript", "exec_driver_sql", "fetch", "fetchrow", "fetchval",
        "fetch_all", "fetch_one", "fetch_val", "execute_sql", "read_sql", "read_sql_query")  # fmt: skip
def sql_text(reached: Reached) -> Found:
    text = _text(reached.arg(0, "query", "sql", "statement", "operation"))
    if text is None or not isinstance(reached.site.node.func, t.Attr):
        return
    last = reached.site.node.func.name
    receiver = _receiver(reached)
    known = _SQL_PACKAGES.match(reached.name) or receiver.startswith(("pd", "pandas"))
    sounds = _SQL_RECEIVERS.search(receiver) and last.startswith(("exec", "fetch_"))
    if (
        _SQL_WORDS.search(text.within)
        and (known or sounds or last.startswith(("execute", "fetch", "read_sql")))
    ) or ((known or (sounds and last != "execute")) and text.form is Form.TEXT):
        yield "sql", text


@drains("text", "RawSQL", "SQL", "literal_column")
def sql_clause(reached: Reached) -> Found:
    name = reached.name
    if name.startswith(
        ("sqlalchemy", "sqlmodel", "django.db.models.expressions", "psycopg", "peewee")
    ):
        yield "sql", _text(reached.arg(0, "text", "sql"))


@drains("raw", "extra", "from_statement")
def sql_of_orm(reached: Reached) -> Found:
    """`Model.objects.raw(f"…")`, `.extra(where=[f"…"])`."""
    func = reached.site.node.func
    if not isinstance(func, t.Attr):
        return
    if func.name == "raw":
        text = _text(reached.arg(0, "raw_query", "sql"))
        if text is not None and (_SQL_WORDS.search(text.within) or "objects" in _receiver(reached)):
            yield "sql", text
    elif func.name == "extra":
        for keyword in ("where", "select", "order_by", "tables"):
            given = reached.named.get(keyword)
            if given is not None:
                yield (
                    "sql",
                    next((x for _, x in leaves(given) if x.within or keyword != "select"), None),
                )


# --- commands and code (CWE-78, CWE-94, CWE-502)

_SUBPROCESS = {"run", "call", "check_call", "check_output", "Popen", "getoutput", "getstatusoutput"}
_SHELLS = {"sh", "bash", "/bin/sh", "/bin/bash", "cmd", "cmd.exe", "powershell", "zsh"}


@drains(
    "system", "popen", "getoutput", "getstatusoutput", "create_subprocess_shell", "popen2", "spawn"
)
def shell_text(reached: Reached) -> Found:
    if reached.name.startswith(("os.", "subprocess.", "asyncio.", "commands.", "pexpect.")):
        yield "shell", _any_part(reached.arg(0, "command", "cmd"))


@drains("run", "call", "check_call", "check_output", "Popen", "create_subprocess_exec")
def shell_or_program(reached: Reached) -> Found:
    if not reached.name.startswith(("subprocess.", "asyncio.")):
        return
    given = reached.arg(0, "args", "program")
    if given is None:
        node = reached.site.node
        if reached.name.startswith("asyncio.") and _runs_shell(node.args):
            yield "shell", reached.arg(2)
        return
    shell = argument(reached.site.node, None, "shell")
    if isinstance(shell, t.Const) and shell.value:
        yield "shell", _any_part(given)
    elif given.form is Form.RECORD:
        parts = given.parts()
        yield "shell", parts.get("0")
        display = reached.site.node.args[0] if reached.site.node.args else None
        if isinstance(display, t.Seq) and _runs_shell(display.items):
            yield "shell", parts.get("2")
    elif not given.led:
        yield "shell", _text(given)


def _runs_shell(items: list[t.Expr]) -> bool:
    match items:
        case [t.Const(value=str(program)), t.Const(value=str(flag)), _, *_]:
            return program in _SHELLS and flag.startswith(("-c", "-lc", "/c"))
    return False


@drains("exec_command")
def remote_shell(reached: Reached) -> Found:
    yield "shell", _any_part(reached.arg(0, "command"))


def _any_part(taint: Taint | None) -> Taint | None:
    return next((x for _, x in leaves(taint)), None) if taint is not None else None


@drains("eval", "exec", "compile", "__import__", "import_module", "runsource", "run_path")
def code_text(reached: Reached) -> Found:
    if reached.name in (
        "builtins.eval", "builtins.exec", "builtins.compile", "builtins.__import__",
        "importlib.import_module", "runpy.run_path",
    ):  # fmt: skip
        given = _text(reached.arg(0))
        if given is not None and not (given.led and "import" in reached.name):
            yield "code", given


@drains("loads", "load", "unsafe_load", "full_load", "load_all", "decode", "Unpickler")
def deserialised(reached: Reached) -> Found:
    name = reached.name
    if re.match(
        r"(?:c?[pP]ickle|_pickle|dill|cloudpickle|marshal|jsonpickle|joblib|shelve)\.", name
    ):
        yield "deserialisation", _any_part(reached.arg(0))
    elif name in ("yaml.unsafe_load", "yaml.full_load", "yaml.load", "yaml.load_all"):
        loader = argument(reached.site.node, 1, "Loader")
        if (
            name == "yaml.unsafe_load"
            or (loader is not None and "Unsafe" in t.dotted(loader))
            or (loader is not None and re.search(r"(?:^|\.)C?Loader$", t.dotted(loader)))
        ):
            yield "deserialisation", _any_part(reached.arg(0))


# --- templates and markup (CWE-1336, CWE-79)


@drains("render_template_string", "Template", "from_string")
def template_text(reached: Reached) -> Found:
    name = reached.name
    if name.startswith(("flask.", "quart.")) or re.match(r"(?:jinja2|mako)\b", name):
        yield "template", _text(reached.arg(0, "source", "text"))
    elif name.startswith("django.template"):
        yield "markup", _text(reached.arg(0))
    elif name.endswith(".from_string") and re.search(r"env|jinja", _receiver(reached), re.I):
        yield "template", _text(reached.arg(0, "source"))


_HTML_RESPONSES = re.compile(
    r"(?:fastapi|starlette)\.responses\.HTMLResponse|django\.(?:http|shortcuts)(?:\.response)?\.HttpResponse$"
    r"|flask\.(?:make_response|Response)$|flask\.wrappers\.Response$"
)


@drains("HTMLResponse", "HttpResponse", "make_response", "Response")
def reflected(reached: Reached) -> Found:
    if not _HTML_RESPONSES.match(reached.name):
        return
    if (
        argument(reached.site.node, None, "content_type", "mimetype", "media_type", "headers")
        is not None
    ):
        return
    given = reached.arg(0, "content", "response")
    if given is not None and given.form is Form.TEXT and given.source.kind not in _UNREFLECTED:
        if (
            not reached.name.endswith("esponse")
            or "make" in reached.name
            or "<" in given.within
            or not given.within
            or given.within
        ):
            yield "markup", given


_UNREFLECTED = {"header", "cookie", "file", "body"}
"""What another site cannot make a browser send."""


@drains("mark_safe", "Markup", "SafeString", "SafeText")
def marked_safe(reached: Reached) -> Found:
    if re.match(r"django\.utils\.safestring|markupsafe|flask\.|jinja2", reached.name):
        yield "markup", _text(reached.arg(0))


# --- paths (CWE-22)

_PATH_CALLS = {
    "open": 1, "send_file": 1, "FileResponse": 1, "remove": 1, "unlink": 1, "rmtree": 1, "rename": 2,
    "copy": 2, "copyfile": 2, "copy2": 2, "copytree": 2, "move": 2, "makedirs": 1, "mkdir": 1,
    "rmdir": 1, "listdir": 1, "scandir": 1, "replace": 2, "read_csv": 1, "chmod": 1, "walk": 1,
}  # fmt: skip
_PATH_PACKAGES = re.compile(
    r"(?:builtins|io|codecs|aiofiles|os|shutil)\.\w+$|aiofiles\.os\.\w+$|(?:flask|quart)\.(?:helpers\.)?send_file"
    r"|(?:fastapi|starlette)\.responses\.FileResponse|pandas\.read_csv|zipfile\.ZipFile|tarfile\.open"
)


def _path(taint: Taint | None) -> Taint | None:
    """Text that may climb out of a directory: not a part of a URL's path, which holds no slash."""
    text = _text(taint)
    if text is None or (text.source.segment and text.form is Form.TEXT):
        return None
    return text


@drains(*_PATH_CALLS)
def path_opened(reached: Reached) -> Found:
    if _PATH_PACKAGES.match(reached.name):
        func = reached.site.node.func
        last = (
            func.name if isinstance(func, t.Attr) else func.id if isinstance(func, t.Name) else ""
        )
        for position in range(_PATH_CALLS.get(last, 1)):
            yield (
                "path",
                _path(
                    reached.arg(
                        position, *("file", "path", "filename_or_fp") if not position else ()
                    )
                ),
            )


@drains(
    "open",
    "read_text",
    "read_bytes",
    "write_text",
    "write_bytes",
    "unlink",
    "iterdir",
    "rmdir",
    "mkdir",
    "touch",
)
def path_object(reached: Reached) -> Found:
    """A method of a path that the caller had a say in."""
    taint = reached.receiver
    if taint is not None and taint.form is Form.TEXT and isinstance(reached.site.node.func, t.Attr):
        if not reached.name.startswith("builtins."):
            yield "path", _path(taint)


@drains("save")
def path_saved(reached: Reached) -> Found:
    """`upload.save(path)`."""
    if reached.receiver is not None and reached.receiver.form is Form.FILE:
        yield "path", _path(reached.arg(0, "dst"))


# --- outgoing requests (CWE-918) and redirects (CWE-601)

_HTTP = re.compile(
    r"^(?:requests|httpx|aiohttp|urllib\.request|urllib3|urllib2|http\.client|pycurl|niquests|curl_cffi)\b"
)
_HTTP_RECEIVER = re.compile(
    r"(?:http|requests|aio|web)_?(?:client|session)|^(?:requests|httpx)$", re.I
)


@drains(
    "get",
    "post",
    "put",
    "patch",
    "delete",
    "head",
    "options",
    "urlopen",
    "urlretrieve",
    "stream",
    "Request",
)
def outgoing(reached: Reached) -> Found:
    yield "url", _host(reached, 0)


@drains("request")
def outgoing_by_method(reached: Reached) -> Found:
    yield "url", _host(reached, 1)


def _host(reached: Reached, position: int) -> Taint | None:
    if reached.receiver is not None:
        return None
    name = reached.name
    if not _HTTP.match(name) and (name or not _HTTP_RECEIVER.search(_receiver(reached))):
        return None
    url = _text(reached.arg(position, "url"))
    if url is None or url.led or _has_transport(reached):
        return None
    return url


def _has_transport(reached: Reached) -> bool:
    """A client with a transport of its own, which may refuse inner addresses."""
    func = reached.site.node.func
    if not isinstance(func, t.Attr):
        return False
    found, pending = False, [(func.value, reached.site.scope)]
    while pending and not found:
        expr, scope = pending.pop()
        if isinstance(expr, t.Call):
            found = argument(expr, None, "transport", "connector") is not None
        elif isinstance(expr, t.Name) and (bound := reached.flow.code.find(expr.id, scope)):
            pending += [(b.part, bound[0]) for b in bound[1] if isinstance(b.part, t.Call)]
    return found


_REDIRECTS = re.compile(
    r"(?:fastapi|starlette)\.responses\.RedirectResponse|(?:flask|quart|werkzeug\.utils)\.redirect$|flask\.helpers\.redirect"
    r"|django\.shortcuts\.redirect|django\.http\.(?:response\.)?HttpResponse(?:Permanent)?Redirect"
)


@drains("RedirectResponse", "redirect", "HttpResponseRedirect", "HttpResponsePermanentRedirect")
def redirected(reached: Reached) -> Found:
    if not _REDIRECTS.match(reached.name):
        return
    target = _text(reached.arg(0, "url", "location", "redirect_to", "to"))
    if target is not None and not target.led and not target.source.segment:
        if target.source.kind not in ("header", "cookie"):
            yield "redirect", target


# --- patterns (CWE-1333)


@drains("compile", "match", "search", "fullmatch", "findall", "sub", "finditer", "split")
def pattern(reached: Reached) -> Found:
    if re.match(r"(?:re|regex)\.\w+$", reached.name):
        yield "regex", _text(reached.arg(0, "pattern"))


# --- MongoDB (CWE-943): https://www.mongodb.com/docs/manual/reference/operator/query/

_CLIENT = re.compile(r"^(?:motor|pymongo|mongomock|mongoengine)\b")
_MONGO_RECEIVER = re.compile(
    r"(?:^|[._])(?:db|database|mongo\w*|\w*collection|\w*coll|\w*_col)(?:[._]|$)", re.I
)
_FILTERS = {
    "find_one", "find", "count_documents", "update_one", "update_many", "replace_one", "delete_one",
    "delete_many", "find_one_and_update", "find_one_and_delete", "find_one_and_replace", "aggregate",
    "insert_one", "insert_many", "count", "distinct",
}  # fmt: skip
_CERTAIN = _FILTERS - {"find", "count", "distinct", "aggregate"}
_UPDATES = {"update_one", "update_many", "find_one_and_update"}


@drains(*sorted(_FILTERS))
def document_query(reached: Reached) -> Found:
    func = reached.site.node.func
    if not isinstance(func, t.Attr) or reached.receiver is not None:
        return
    known = _CLIENT.match(reached.name) or func.name in _CERTAIN
    if not known and not _MONGO_RECEIVER.search(_receiver(reached)):
        return
    if func.name in ("insert_one", "insert_many"):
        yield "fields", _open(reached.arg(0, "document", "documents"))
        return
    position = 1 if func.name == "distinct" else 0
    given = reached.arg(position, "filter", "pipeline", "query")
    if given is not None:
        yield from _operators(given)
    if func.name in _UPDATES and (update := reached.arg(1, "update")) is not None:
        yield from _updated(update)
    if func.name in ("replace_one", "find_one_and_replace"):
        yield "fields", _open(reached.arg(1, "replacement"))


def _operators(given: Taint) -> Found:
    for path, leaf in leaves(given):
        if "$where" in path or "$function" in path:
            yield "code", leaf
        elif "$regex" in path:
            yield "regex", leaf if leaf.form in (Form.TEXT, Form.OBJECT) else None
        elif leaf.form is Form.OBJECT and not {
            "$set",
            "$project",
            "$text",
            "$limit",
            "$skip",
        } & set(path):
            yield "operator", leaf


def _updated(update: Taint) -> Found:
    """Operators of the caller's choosing, or fields of it below `$set`."""
    if update.form in (Form.OBJECT, Form.FIELDS):
        yield "operator", update
    for path, leaf in leaves(update):
        if path and path[0].startswith("$") and (len(path) == 1 or path[-1] == "**"):
            if leaf.form in (Form.OBJECT, Form.FIELDS) and not leaf.source.keys:
                yield "fields", leaf


def _open(taint: Taint | None) -> Taint | None:
    """A mapping whose keys are the caller's to choose, as a whole or spread into another."""
    if taint is None:
        return None
    if taint.form in (Form.OBJECT, Form.FIELDS):
        return None if taint.source.keys else taint
    if taint.form is Form.RECORD:
        spread = taint.parts().get("**")
        return (
            spread
            if spread and spread.form in (Form.OBJECT, Form.FIELDS) and not spread.source.keys
            else None
        )
    return None


# --- fields of the caller's choosing (CWE-915)

_STORED = re.compile(
    r"^(?:sqlalchemy|flask_sqlalchemy|django\.db\.models|mongoengine|peewee|tortoise|pony|sqlmodel)"
    r"|declarative_base|DeclarativeBase|SQLAlchemy\(\)"
)


def stored_class(reached: Reached, expr: t.Expr) -> bool:
    """Whether an expression names a class of the tree whose instances a database keeps."""
    code = reached.flow.code
    found = code.defined(expr, reached.site.scope)
    if found is None or not isinstance(found.node, t.Class):
        return False
    return any(_STORED.search(name) for name in code.ancestry(found))


@drains("setattr")
def attribute_set(reached: Reached) -> Found:
    name = reached.arg(1)
    if reached.name == "builtins.setattr" and name is not None and not name.led:
        yield "fields", name


@drains("()")
def model_of_fields(reached: Reached) -> Found:
    """`Model(**data)` of a class whose instances a database keeps, without a check of its own."""
    if stored_class(reached, reached.site.node.func):
        yield "fields", _open(reached.named.get(None))


@drains(
    "create",
    "update_or_create",
    "get_or_create",
    "filter",
    "update",
    "insert",
    "values",
    "bulk_create",
)
def spread_into_model(reached: Reached) -> Found:
    """`Model.objects.create(**data)`."""
    func = reached.site.node.func
    given = reached.named.get(None)
    if given is None or not isinstance(func, t.Attr) or reached.receiver is not None:
        return
    if func.name in ("filter", "values", "insert"):
        if ".objects" not in "." + _receiver(reached):
            return
    yield "fields", _open(given)
