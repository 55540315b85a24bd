"""Secrets in the text of any file, and what a build makes public."""

from __future__ import annotations

from collections.abc import Iterable

from auditor.discover import Kind
from auditor.extract.secrets import Secret, as_utf8
from auditor.extract.secrets.shipped import ShippedCredential, shipped
from auditor.extract.source import Source, extracts


@extracts(*Kind, texts=True)
def secrets(source: Source) -> Iterable[Secret]:
    return source.secrets


@extracts(Kind.JAVASCRIPT, Kind.WORKFLOW, Kind.COMPOSE, Kind.DOCKERFILE, Kind.PLATFORM, texts=True)
def credentials_of_pages(source: Source) -> Iterable[ShippedCredential]:
    return shipped(as_utf8(source.data), source.kind)
