"""Until when languages and frameworks get security fixes, by their makers' own calendars.

Sources, read in November 2026: https://devguide.python.org/versions/,
https://nodejs.org/en/about/previous-releases, https://www.djangoproject.com/download/#supported-versions.
A line that is not in the table is not judged.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date

from auditor.ecosystems.versions import scheme
from auditor.link.application import Application, provides
from auditor.model.dependencies import Dependency, EndOfLife, Runtime

ENDS: Mapping[str, Mapping[str, date]] = {
    "python": {
        "2.7": date(2020, 1, 1), "3.5": date(2020, 9, 30), "3.6": date(2021, 12, 23), "3.7": date(2023, 6, 27),
        "3.8": date(2024, 10, 7), "3.9": date(2025, 10, 31), "3.10": date(2026, 10, 31), "3.11": date(2027, 10, 31),
        "3.12": date(2028, 10, 31), "3.13": date(2029, 10, 31), "3.14": date(2030, 10, 31),
    },
    "node": {
        "10": date(2021, 4, 30), "12": date(2022, 4, 30), "14": date(2023, 4, 30), "16": date(2023, 9, 11),
        "18": date(2025, 4, 30), "20": date(2026, 4, 30), "22": date(2027, 4, 30), "24": date(2028, 4, 30),
    },
    "django": {
        "1.11": date(2020, 4, 1), "2.0": date(2019, 4, 1), "2.1": date(2019, 12, 2), "2.2": date(2022, 4, 11),
        "3.0": date(2021, 4, 6), "3.1": date(2021, 12, 7), "3.2": date(2024, 4, 1), "4.0": date(2023, 4, 1),
        "4.1": date(2023, 12, 1), "4.2": date(2026, 4, 30), "5.0": date(2025, 4, 2), "5.1": date(2025, 12, 31),
        "5.2": date(2028, 4, 30),
    },
}  # fmt: skip
"""Language or distribution -> release line -> the last day with security fixes."""


@provides(EndOfLife)
def ended(application: Application) -> Iterator[EndOfLife]:
    """What the tree runs on, or installs, that gets no fixes any more; a range counts by its newest."""
    today = application.today
    for runtime in application.facts(Runtime):
        line = _newest(runtime.language, runtime.specifier)
        if line and (end := ENDS[runtime.language][line]) < today:
            yield EndOfLife(runtime.language, line, end, runtime.place)
    for dependency in application.facts(Dependency):
        lines = ENDS.get(dependency.name) if dependency.ecosystem == "pypi" else None
        match = re.match(r"\d+\.\d+", dependency.version)
        if lines and match and match[0] in lines and lines[match[0]] < today:
            yield EndOfLife(dependency.name, match[0], lines[match[0]], dependency.place)


def _newest(language: str, specifier: str) -> str | None:
    """The newest line that a specifier admits; None where it admits a newer one than the table has."""
    lines = list(ENDS.get(language, ()))
    known = scheme("pypi" if language == "python" else "npm")
    if known is None or not lines:
        return None
    text = specifier
    if language == "node" and (match := re.fullmatch(r"==(\d+)(?:\.\d+)?\.\*", specifier)):
        text = f"{match[1]}.x"
    if language == "python" and re.search(r">=?\s*\d", text) and "<" not in text:
        return None
    fitting = [line for line in lines if known.admits(text, _late(line, language))]
    beyond = known.admits(text, "4.0" if language == "python" else "99.0.0")
    if beyond or not fitting:
        return None
    return max(fitting, key=lambda line: ENDS[language][line])


def _late(line: str, language: str) -> str:
    """A version far into a line, so that `>=3.8.1` admits its line."""
    return f"{line}.99" if language == "python" else f"{line}.999.0"
