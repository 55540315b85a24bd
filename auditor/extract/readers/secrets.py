"""Secrets in the text of any file."""

from __future__ import annotations

from collections.abc import Iterator

from auditor.discover import Kind
from auditor.extract.facts import Fact
from auditor.extract.source import Source, extracts


class FoundSecret(Fact, frozen=True):
    """A secret in a file, described without its value."""

    kind: str
    title: str
    confidence: str
    shape: str
    variable: str
    line: int
    column: int
    end_line: int
    host: str = ""


@extracts(*Kind)
def secrets(source: Source) -> Iterator[FoundSecret]:
    for found in source.secrets:
        yield FoundSecret(
            found.kind,
            found.title,
            found.confidence,
            found.shape,
            found.variable,
            found.line,
            found.column,
            found.end_line,
            found.host,
        )
