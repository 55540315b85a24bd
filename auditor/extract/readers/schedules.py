"""What a machine starts by its clock: crontabs, systemd's units and timers.

https://man7.org/linux/man-pages/man5/crontab.5.html and
https://www.freedesktop.org/software/systemd/man/latest/systemd.timer.html.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from auditor.discover import Kind
from auditor.extract.facts import Fact
from auditor.extract.readers.platforms import Process
from auditor.extract.source import Source, extracts

_CRON = re.compile(
    r"^\s*((?:[\d*/,\-]+[ \t]+){4}[\w*/,\-]+|@(?:hourly|daily|weekly|monthly|midnight))[ \t]+(\S.*)$"
)


class Unit(Fact, frozen=True):
    """A systemd unit: a service with its command, or a timer with its calendar."""

    name: str
    kind: str
    command: str
    calendar: str
    line: int


@extracts(
    Kind.TEXT,
    name=r"(?:.*[-_.])?crontabs?(?:[-_.].*)?|.+\.cron|cron\.(?:txt|conf)|cronfile|cronjobs?",
)
def crontab(source: Source) -> Iterator[Fact]:
    for number, line in enumerate(source.text.split("\n"), 1):
        if not line.lstrip().startswith("#") and (match := _CRON.match(line)):
            yield Process("cron", "cron", match[2].strip()[:500], match[1].strip(), number)


@extracts(Kind.PLATFORM, name=r".+\.(?:service|timer)")
def systemd(source: Source) -> Iterator[Fact]:
    name, _, kind = source.name.removesuffix(".j2").rpartition(".")
    command = calendar = ""
    line = 1
    for number, raw in enumerate(source.text.split("\n"), 1):
        key, _, value = raw.strip().partition("=")
        if key == "ExecStart":
            command, line = value.strip(), number
        elif key in ("OnCalendar", "OnUnitActiveSec"):
            calendar, line = value.strip(), number
        elif key == "Unit" and kind == "timer":
            name = value.strip().removesuffix(".service")
    if command or calendar:
        yield Unit(name, kind, command, calendar, line)
