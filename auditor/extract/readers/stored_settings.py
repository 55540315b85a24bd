"""Settings in TOML, YAML and JSON files, which libraries such as Dynaconf read for the application.

https://www.dynaconf.com/settings_files/. Nested tables are joined by two underscores, as in the
environment; a table at the top may be an environment.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from auditor.discover import Kind
from auditor.extract.facts import Fact
from auditor.extract.markup import Document, read_json, read_toml, read_yaml
from auditor.extract.sensitive import is_placeholder, safe_value
from auditor.extract.source import Source, Unreadable, extracts

_LARGEST = 200_000
_MOST = 500


class StoredSetting(Fact, frozen=True):
    """One value of a settings file; `path` is its keys, from the top."""

    path: list[str]
    value: str
    empty: bool
    placeholder: bool
    line: int


@extracts(
    Kind.TEXT,
    Kind.PLATFORM,
    name=r"\.?(?:[\w-]+[._-])?(?:settings|secrets?|config(?:uration)?|default)s?(?:[._-][\w-]+)?\.(?:toml|ya?ml|json)",
)
def stored(source: Source) -> Iterator[Fact]:
    if len(source.data) > _LARGEST:
        return
    try:
        documents = _documents(source)
    except Unreadable:
        return
    for document in documents[:1]:
        found = _values(document, document.data, ())
        yield from (setting for _, setting in zip(range(_MOST), found, strict=False))


def _documents(source: Source) -> list[Document]:
    suffix = source.name.rpartition(".")[2].lower()
    if suffix == "toml":
        return [read_toml(source.text)]
    return [read_json(source.text)] if suffix == "json" else read_yaml(source.text)


def _values(document: Document, data: Any, path: tuple[str, ...]) -> Iterator[StoredSetting]:
    if not isinstance(data, dict) or len(path) > 6:
        return
    for key, value in data.items():
        here = (*path, str(key))
        if isinstance(value, dict):
            yield from _values(document, value, here)
        elif re.fullmatch(r"[\w-]{1,100}", str(key)):
            text = "" if value is None else str(value)
            name = str(key)
            yield StoredSetting(
                list(here),
                safe_value(name, text),
                not text,
                is_placeholder(text),
                document.line(*here),
            )
