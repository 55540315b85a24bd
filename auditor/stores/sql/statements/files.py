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


_OTHER_PROGRAMS = (".php", ".java", ".kt", ".cs", ".go", ".rb", ".rs", ".ex", ".scala", ".pl", ".jsp", ".aspx")  # fmt: skip


def words_of_others(application: Application) -> set[str]:
    """The words of programs in other languages, which may add to the tables that they name."""
    found: set[str] = set()
    for file in application.tree.files:
        if file.path.endswith(_OTHER_PROGRAMS) and file.size < _LARGEST:
            text = read(application.tree, file).decode("utf-8", "replace")
            found.update(re.findall(r"\w+", text.lower()))
    return found
