"""The SQL files of a tree, as texts."""

from __future__ import annotations

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
