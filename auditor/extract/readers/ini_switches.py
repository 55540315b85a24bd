"""Switches in INI files, which configparser reads for the application.

https://docs.python.org/3/library/configparser.html: sections and options without regard to the case of
an option; 1, yes, true and on are true. Other values are not kept.
"""

from __future__ import annotations

import configparser
from collections.abc import Iterator

from auditor.discover import Kind
from auditor.extract.facts import Fact
from auditor.extract.source import Source, extracts

_LARGEST = 200_000
_STATES = configparser.ConfigParser.BOOLEAN_STATES


class IniSwitch(Fact, frozen=True):
    """An option that is on or off."""

    section: str
    option: str
    on: bool
    line: int


@extracts(
    Kind.TEXT,
    Kind.PLATFORM,
    name=r"(?!(?:tox|pytest|alembic|uwsgi|setup|mypy)\.)[\w.-]+\.(?:ini|cfg)",
)
def switches(source: Source) -> Iterator[Fact]:
    if len(source.data) > _LARGEST:
        return
    section = ""
    for number, line in enumerate(source.text.splitlines(), 1):
        text = line.strip()
        if text.startswith("[") and "]" in text:
            section = text[1 : text.index("]")]
        elif text[:1] not in ("#", ";") and not line[:1].isspace():
            key, equals, value = text.partition("=") if "=" in text else text.partition(":")
            on = _STATES.get(value.strip().lower())
            if section and equals and on is not None:
                yield IniSwitch(section, key.strip().lower(), on, number)
