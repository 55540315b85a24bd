"""Secrets in the text of any file."""

from __future__ import annotations

from collections.abc import Iterable

from auditor.discover import Kind
from auditor.extract.secrets import Secret
from auditor.extract.source import Source, extracts


@extracts(*Kind, texts=True)
def secrets(source: Source) -> Iterable[Secret]:
    return source.secrets
