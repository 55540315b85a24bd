"""What a tree holds beside its Python: files of SQL, and programs in other languages that may speak of its tables."""

from __future__ import annotations

import re
from collections.abc import Iterator

from auditor.discover import Kind
from auditor.discover.walk import read
from auditor.link.application import Application

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


_OTHER_PROGRAMS = (".php", ".java", ".kt", ".cs", ".go", ".rb", ".rs", ".ex", ".scala", ".pl", ".jsp", ".aspx")  # fmt: skip


def words_of_others(application: Application) -> set[str]:
    """The words of programs in other languages, which may add to the tables that they name."""
    found: set[str] = set()
    for file in application.tree.files:
        if file.path.endswith(_OTHER_PROGRAMS) and file.size < _LARGEST:
            text = read(application.tree, file).decode("utf-8", "replace")
            found.update(re.findall(r"\w+", text.lower()))
    return found
