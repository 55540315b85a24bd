"""Python files: their syntax tree, and what bandit says of them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from auditor.discover import Kind, Role
from auditor.extract.facts import Fact
from auditor.extract.python.build import MAX_DEPTH, TooDeep, build
from auditor.extract.python.parse import UnreadablePython, parse
from auditor.extract.python.syntax import Syntax
from auditor.extract.secrets import Secret
from auditor.extract.source import Source, Unreadable, extracts
from auditor.extract.weaknesses import weaknesses

_CREATES_APPLICATION = re.compile(
    rb"(?m)^[^#\n]*=\s*(?:FastAPI|Flask|Starlette|Quart|Sanic|Litestar|get_[aw]sgi_application)\("
)


@extracts(Kind.PYTHON)
def syntax(source: Source) -> Iterator[Fact]:
    """The tree of a source file, without the values of its secrets."""
    if source.role is not Role.SOURCE:
        return
    try:
        module = parse(source.data)
    except UnreadablePython as error:
        creates = _CREATES_APPLICATION.search(source.data) is not None
        raise Unreadable(str(error), error.line, error.column, creates) from error
    spans = _by_line(source.secrets)

    def mask(node: ast.expr) -> str | None:
        line, start = node.lineno, node.col_offset
        last, end = node.end_lineno or line, node.end_col_offset or start
        for secret in spans.get(line, ()) if line == last else _between(spans, line, last):
            if line != last or start <= secret.column - 1 < end:
                return _scheme(node) + secret.shape
        return None

    try:
        yield Syntax(build(module, mask if spans else None))
    except TooDeep as error:
        raise Unreadable(f"nested deeper than {MAX_DEPTH} levels") from error


def _scheme(node: ast.expr) -> str:
    """`mysql+pymysql://`, which tells what an address is of, and nothing secret."""
    text = node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
    match = _SCHEME.match(text)
    return match[0] if match else ""


_SCHEME = re.compile(r"[a-z][a-z0-9+]{1,30}://")


def _by_line(secrets: list[Secret]) -> dict[int, list[Secret]]:
    found: dict[int, list[Secret]] = {}
    for secret in secrets:
        for line in range(secret.line, secret.end_line + 1):
            found.setdefault(line, []).append(secret)
    return found


def _between(spans: dict[int, list[Secret]], first: int, last: int) -> list[Secret]:
    return [secret for line, found in spans.items() if first <= line <= last for secret in found]


@extracts(Kind.PYTHON, late=True)
def bandit(source: Source) -> Iterator[Fact]:
    """bandit's findings in a source file; what cannot be parsed has been reported already."""
    if source.role is not Role.SOURCE:
        return
    try:
        module = parse(source.data)
    except UnreadablePython:
        return
    yield from weaknesses(source.data, module)
