"""What a tree holds beside its Python: files of SQL, and programs in other languages that may speak of its tables."""

from __future__ import annotations

import re
from collections.abc import Iterator

from auditor.discover import Kind
from auditor.discover.walk import read
from auditor.extract.python import tree as t
from auditor.link.application import Application
from auditor.link.names import Code
from auditor.link.scopes import Located, Scope, arguments
from auditor.link.values import Evaluator

_LARGEST = 400_000
"""Bytes of a file that is read: larger ones are dumps."""


def sql_files(application: Application) -> Iterator[str]:
    """The text of each SQL file that is no dump. Raises OSError where one has become something else."""
    for file in application.tree.files:
        if file.kind is Kind.SQL and file.size < _LARGEST:
            yield read(application.tree, file).decode("utf-8", "replace")


_MAKES = re.compile(r"\bcreate\s+(?:\w+\s+){0,2}table\b", re.I)
_SEARCHES = re.compile(r"(?:^|;)\s*(?:select|with|call|exec(?:ute)?)\b", re.I | re.M)
_BODY = re.compile(r"--[^\n]*|\$(\w*)\$.*?\$\1\$", re.S)


def schema_files(application: Application) -> frozenset[str]:
    """The names of the SQL files that make tables, and ask for no rows: what they change fills columns that are new."""
    kinds: dict[str, set[bool]] = {}
    for file in application.tree.files:
        if file.kind is Kind.SQL and file.size < _LARGEST:
            text = _BODY.sub(" ", read(application.tree, file).decode("utf-8", "replace"))
            makes = _MAKES.search(text) is not None and _SEARCHES.search(text) is None
            kinds.setdefault(file.path.rpartition("/")[2], set()).add(makes)
    return frozenset(name for name, found in kinds.items() if found == {True})


_ROUTINE = re.compile(
    r"\bcreate\s+(?:or\s+replace\s+)?(?:definer\s*=\s*\S+\s+)?(?:\w+\s+)?(?:trigger|function|procedure|event)\s+"
    r"(?:if\s+not\s+exists\s+)?(?:[`\"]?\w+[`\"]?\.)?[`\"]?(\w+)\b[^;]*?(?:\bas\s+\$(\w*)\$|\bbegin\b|;|\Z)",
    re.I,
)
_LEVEL = re.compile(r"\b(?:begin|case|end\s+(?:if|loop|while|repeat|for)|end(?:\s+case)?)\b", re.I)
_CALLED = re.compile(r"^[ \t]*(?:call|select)[ \t]+(?:\w+\.)?(\w+)", re.I | re.M)


def routines(text: str) -> Iterator[str]:
    """What triggers, events and stored functions of a file do while the database is in use: not what the file itself calls."""
    called = {name.lower() for name in _CALLED.findall(text)}
    position = 0
    while (made := _ROUTINE.search(text, position)) is not None:
        position = made.end()
        if made[2] is not None:
            closed = text.find(f"${made[2]}$", position)
            position = closed if closed >= 0 else len(text)
        elif made[0].lower().endswith("begin"):
            depth = 1
            for level in _LEVEL.finditer(text, position):
                word = level[0].lower().split()
                depth += 1 if word[0] != "end" else -1 if word[1:] in ([], ["case"]) else 0
                position = level.end()
                if not depth:
                    break
        if made[1].lower() not in called:
            yield text[made.start() : position]
        if position == len(text):
            return


_OTHER_PROGRAMS = (".php", ".java", ".kt", ".cs", ".go", ".rb", ".rs", ".ex", ".scala", ".pl", ".jsp", ".aspx")  # fmt: skip


def words_of_others(application: Application) -> set[str]:
    """The words of programs in other languages, which may add to the tables that they name."""
    found: set[str] = set()
    for file in application.tree.files:
        if file.path.endswith(_OTHER_PROGRAMS) and file.size < _LARGEST:
            text = read(application.tree, file).decode("utf-8", "replace")
            found.update(re.findall(r"\w+", text.lower()))
    return found


# --- texts that the code reads from files of SQL

_LARGEST_QUERY = 50_000
_DEEPEST = 5
_READS = {"read", "read_text", "read_bytes", "decode", "open", "strip", "joinpath", "split"}
_PREAMBLE = re.compile(
    r"(?:\s+|--[^\n]*\n|/\*.*?\*/|(?:begin|start|use|set|pragma|truncate|lock)\b[^;]*;)*",
    re.I | re.S,
)
"""What may stand before the first statement of a file: comments, the database, a transaction."""
_SPLITS = {"sqlparse.split", "sqlparse.format"}
"""What gives the statements of a text (https://sqlparse.readthedocs.io/en/stable/api.html)."""


def statement_files(application: Application) -> dict[str, str]:
    """What the files of SQL hold, by their names, as far as one file has a name."""
    found: dict[str, list[str]] = {}
    for file in application.tree.files:
        if file.kind is Kind.SQL and file.size < _LARGEST_QUERY:
            text = read(application.tree, file).decode("utf-8", "replace")
            text = text[_PREAMBLE.match(text).end() :]  # type: ignore[union-attr]
            found.setdefault(file.path.rpartition("/")[2], []).append(text)
    return {name: texts[0] for name, texts in found.items() if len(texts) == 1}


def read_files(
    code: Code, values: Evaluator, expr: t.Expr, scope: Scope, depth: int = 0
) -> list[list[str]]:
    """The names of the SQL files that a text is read from, for each of its sources; none where that is another one.

    `Path("schema.sql").read_text()`, `with open(path) as file: file.read()`, `load("users.sql")`, and
    `for statement in file.read().split(";")`.
    """
    sources = values.sources(expr, scope) if depth < _DEEPEST else []

    def inner(part: t.Expr, where: Scope) -> list[str]:
        found = read_files(code, values, part, where, depth + 1)
        return [x for each in found for x in each] if all(found) else []

    def names(source: Located) -> list[str]:
        named = _named(source.node)
        if named:
            return named
        match source.node:
            case t.Call(func=func, args=[part, *_]) if code.name(func, source.scope) in _SPLITS:
                return inner(part, source.scope)
            case t.Call(func=t.Attr(value=part, name=name)) if name in _READS:
                return inner(part, source.scope) or (bound(part, source.scope) if isinstance(part, t.Name) else [])  # fmt: skip
            case t.Call(func=t.Name(id="open"), args=[part, *_]):
                return inner(part, source.scope)
            case t.Comp(elements=[element], loops=[t.Loop(target=t.Name(id=name), iter=part)]):
                return inner(part, source.scope) if _is_trimmed(element, name) else []
            case t.Name():  # `with open(path) as file`, `for statement in statements`
                return bound(source.node, source.scope)
        return []

    def bound(name: t.Name, scope: Scope) -> list[str]:
        found = code.find(name.id, scope)
        where, bindings = found if found is not None else (scope, [])
        given = [b.value for b in bindings if b.value is None or not _is_trimmed(b.value, name.id)]
        told = [inner(x, where) if x is not None else [] for x in given]
        return [x for each in told for x in each] if all(told) else []

    found = [names(source) for source in sources]
    return found if any(found) else _handed_by_name(code, values, expr, scope)


def _is_trimmed(expr: t.Expr, name: str) -> bool:
    """Whether an expression is a variable, or what is left of it without blanks: `statement.strip()`."""
    while isinstance(expr, t.Call) and t.last_word(expr.func) in ("strip", "rstrip"):
        expr = expr.func.value if isinstance(expr.func, t.Attr) else expr.func
    return isinstance(expr, t.Name) and expr.id == name


def _named(node: t.Node) -> list[str]:
    return [
        n.value.rpartition("/")[2]
        for n in t.walk_own(node)
        if isinstance(n, t.Const)
        and isinstance(n.value, str)
        and re.search(r"[\w-]\.sql$", n.value)
    ]


def _handed_by_name(code: Code, values: Evaluator, expr: t.Expr, scope: Scope) -> list[list[str]]:
    """`load("users.sql")`, `load("users")`: a function of the tree that reads the file of this name."""
    bound = code.find(expr.id, scope) if isinstance(expr, t.Name) else None
    if bound is not None and len(bound[1]) == 1 and bound[1][0].value is not None:
        expr, scope = bound[1][0].value, bound[0]
    function = code.defined(expr.func, scope) if isinstance(expr, t.Call) else None
    if function is None or not isinstance(function.node, t.Function):
        return []
    body = list(t.walk_own(*function.node.body))
    reads = any(isinstance(n, t.Call) and t.last_word(n.func) in ("read", "read_text") for n in body)  # fmt: skip
    given = [values.text(x, scope) or "" for x in arguments(expr)] if reads else []  # type: ignore[arg-type]
    ends = any(isinstance(n, t.Const) and n.value == ".sql" for n in body)
    names = [x if x.endswith(".sql") else f"{x}.sql" for x in given if x.endswith(".sql") or (x and ends)]  # fmt: skip
    return [[x.rpartition("/")[2] for x in names]] if len(names) == 1 else []
