"""From the bytes of a Python file to the standard library's syntax tree.

The running interpreter's `ast` reads what it knows. Syntax newer than the interpreter is read by
libcst and written back in older words, line for line, so that the same facts come out. A file that
neither reads is unreadable, and the reason says where.
"""

from __future__ import annotations

import ast
import re
import sys
import warnings

MAX_NESTING = 150
"""Brackets deeper than this are not parsed: no person writes them, and parsers recurse."""


class UnreadablePython(Exception):
    """The file is not Python that any supported version reads; the message is one line."""

    def __init__(self, reason: str, line: int = 0, column: int = 0) -> None:
        super().__init__(reason)
        self.line, self.column = line, column


def parse(data: bytes) -> ast.Module:
    """The syntax tree of a Python file. Raises UnreadablePython."""
    if b"\0" in data:
        raise UnreadablePython("contains NUL bytes", data.count(b"\n", 0, data.index(b"\0")) + 1)
    try:
        return _ast(data)
    except SyntaxError as error:
        return _newer(data, error)


def _ast(data: bytes | str) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return ast.parse(data)
        except (RecursionError, MemoryError) as error:
            raise UnreadablePython("too deeply nested for the parser") from error
        except ValueError as error:  # a character that no source may hold
            raise UnreadablePython(_one_line(str(error))) from error


def _newer(data: bytes, error: SyntaxError) -> ast.Module:
    """The tree of a file in newer syntax; else the first parser's error tells what is wrong."""
    if _nesting(data) > MAX_NESTING:  # `ast` refuses these by itself, libcst would recurse
        raise UnreadablePython(f"brackets nested deeper than {MAX_NESTING}") from error
    line, column = error.lineno or 0, error.offset or 0
    reason = _one_line(error.msg or "not valid Python")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        at = data.count(b"\n", 0, wrong.start) + 1
        raise UnreadablePython("not valid UTF-8", at) from error
    if looks := _python_2(text, line):
        raise UnreadablePython(looks, line, column) from error
    from auditor.extract.python.downgrade import NotPython, downgrade

    try:
        return _ast(downgrade(text))
    except (NotPython, SyntaxError) as second:
        running = f"{sys.version_info.major}.{sys.version_info.minor}"
        raise UnreadablePython(
            f"no supported Python version parses it: {reason} (Python {running})", line, column
        ) from second


_OLD = (
    (r"^\s*print\s+[\"'\w%]", "a print statement"),
    (r"^\s*except\s+[\w.]+\s*,\s*[a-z_]\w*\s*:", "`except X, e`"),
    (r"^\s*exec\s+[\"'\w]", "an exec statement"),
    (r"^\s*raise\s+[\w.]+\s*,\s*", "`raise X, message`"),
    (r"\b0[0-7]+\b|\b\d+L\b|<>|`[^`]+`", "an old literal or operator"),
)


def _python_2(text: str, line: int) -> str:
    lines = text.split("\n")
    here = lines[line - 1] if 0 < line <= len(lines) else ""
    for pattern, what in _OLD:
        if re.search(pattern, here):
            return f"looks like Python 2: {what}"
    return ""


def _nesting(data: bytes) -> int:
    """The greatest depth of brackets, strings and comments left out roughly, in one pass."""
    deepest = depth = 0
    for match in _BRACKETS.finditer(data):
        token = match[0]
        if token in b"([{":
            depth += 1
            deepest = max(deepest, depth)
        elif token in b")]}":
            depth = max(0, depth - 1)
    return deepest


_BRACKETS = re.compile(
    rb"#[^\n]*|\"\"\"(?:[^\"\\]|\\.|\"(?!\"\"))*\"\"\"|'''(?:[^'\\]|\\.|'(?!''))*'''"
    rb"|\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'|[(\[{)\]}]",
    re.S,
)


def _one_line(text: str) -> str:
    return " ".join(text.split())[:200]
