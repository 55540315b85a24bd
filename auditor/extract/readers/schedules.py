"""What a machine starts by its clock: crontabs, systemd's units and timers, cron jobs that Ansible sets up.

https://man7.org/linux/man-pages/man5/crontab.5.html and
https://www.freedesktop.org/software/systemd/man/latest/systemd.timer.html,
https://docs.ansible.com/ansible/latest/collections/ansible/builtin/cron_module.html.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from auditor.discover import Kind
from auditor.extract.facts import Fact
from auditor.extract.markup import at, read_yaml, text_at
from auditor.extract.readers.platforms import PlatformSetting, Process
from auditor.extract.sensitive import safe_value
from auditor.extract.source import Source, Unreadable, extracts

_CRON = re.compile(
    r"^\s*((?:[\d*/,\-]+[ \t]+){4}[\w*/,\-]+|@(?:hourly|daily|weekly|monthly|midnight))[ \t]+(\S.*)$"
)


class Unit(Fact, frozen=True):
    """A systemd unit: a service with its command, or a timer with its calendar.

    `root` is the line that has the service run as root: a user, or a target of the system without one;
    0 where it is another user, or not told.
    """

    name: str
    kind: str
    command: str
    calendar: str
    line: int
    root: int = 0


@extracts(
    Kind.TEXT,
    name=r"(?:.*[-_.])?crontabs?(?:[-_.].*)?|.+\.cron|cron\.(?:txt|conf)|cronfile|cronjobs?",
)
def crontab(source: Source) -> Iterator[Fact]:
    for number, line in enumerate(source.text.split("\n"), 1):
        if not line.lstrip().startswith("#") and (match := _CRON.match(line)):
            yield Process("cron", "cron", match[2].strip()[:500], match[1].strip(), number)


_SET_UP = re.compile(
    r"((?:[\d*/,\-]+[ \t]+){4}[\w*/,\-]+|@(?:hourly|daily|weekly|monthly))[ \t]+(/?[^\s\"'*][^\"'\n]*)"
)


@extracts(Kind.TEXT, name=r".+\.(?:ba)?sh")
def crontab_by_script(source: Source) -> Iterator[Fact]:
    """`(crontab -l; echo "0 2 * * * /opt/dump.sh") | crontab -`, and what a script writes to `/etc/cron.d`."""
    if "crontab" not in source.text and "/etc/cron" not in source.text:
        return
    inside = ""
    for number, line in enumerate(source.text.split("\n"), 1):
        if inside:
            if line.strip() == inside:
                inside = ""
            elif match := _CRON.match(line):
                yield Process("cron", "cron", match[2].strip()[:500], match[1].strip(), number)
            continue
        if line.lstrip().startswith("#") or not re.search(r"\bcrontab\b|/etc/cron", line):
            continue
        if opened := re.search(r"<<-?\s*[\"']?(\w+)[\"']?", line):
            inside = opened[1]
        elif match := _SET_UP.search(line):
            yield Process("cron", "cron", match[2].strip()[:500], match[1].strip(), number)


@extracts(Kind.PLATFORM, Kind.TEXT, name=r".+\.ya?ml")
def ansible_cron(source: Source) -> Iterator[Fact]:
    """Tasks of a playbook or role, whatever blocks they stand in."""
    if not _ANSIBLE_CRON.search(source.text):
        return
    try:
        documents = read_yaml(source.text)
    except Unreadable:
        return
    for document in documents:
        for path, task in _tasks(document.data, (), 0):
            options = next((task[key] for key in _CRON_MODULES if key in task), None)
            job = text_at(options, "job")
            if job and at(options, "state") != "absent" and at(options, "disabled") is not True:
                when = text_at(options, "special_time") or " ".join(text_at(options, key) or "*" for key in _FIELDS)  # fmt: skip
                words = f"{text_at(task, 'name')} {job}".strip()[:500]
                yield Process("Ansible", "cron", words, when, document.line(*path))


_ANSIBLE_CRON = re.compile(r"(?m)^\s*(?:-\s+)?(?:ansible\.builtin\.)?cron:")
_CRON_MODULES = ("ansible.builtin.cron", "cron", "community.general.cron")
_FIELDS = ("minute", "hour", "day", "month", "weekday")


def _tasks(data: Any, path: tuple[str | int, ...], depth: int) -> Iterator[tuple[tuple[str | int, ...], dict[str, Any]]]:  # fmt: skip
    if depth > 12:
        return
    if isinstance(data, dict):
        if any(isinstance(data.get(key), dict) for key in _CRON_MODULES):
            yield path, data
        for key, value in data.items():
            if isinstance(value, list):
                yield from _tasks(value, (*path, key), depth + 1)
    elif isinstance(data, list):
        for index, value in enumerate(data):
            yield from _tasks(value, (*path, index), depth + 1)


_ASSIGNED = re.compile(r"\"?([A-Za-z_]\w{0,100})=(?:\"([^\"]*)\"|'([^']*)'|(\S*?))\"?(?:\s+|$)")


@extracts(Kind.PLATFORM, name=r".+\.service(?:\.j2)?")
def systemd_settings(source: Source) -> Iterator[Fact]:
    """`Environment="LEVEL=info" "MODE=live"` of a unit."""
    for number, raw in enumerate(source.text.split("\n"), 1):
        key, _, given = raw.strip().partition("=")
        if key == "Environment":
            for match in _ASSIGNED.finditer(given):
                value = next((v for v in match.groups()[1:] if v is not None), "")
                yield PlatformSetting("systemd", match[1], safe_value(match[1], value), "", number)


@extracts(Kind.PLATFORM, name=r".+\.(?:service|timer)")
def systemd(source: Source) -> Iterator[Fact]:
    name, _, kind = source.name.removesuffix(".j2").rpartition(".")
    command = calendar = ""
    line, users, wanted = 1, dict[str, int](), False
    going_on = False  # a backslash at the end continues a line
    for number, raw in enumerate(source.text.split("\n"), 1):
        key, _, value = raw.strip().partition("=")
        if going_on:
            command = f"{command} {raw.strip().removesuffix(chr(92)).strip()}"[:2000]
            going_on = raw.rstrip().endswith("\\")
        elif key == "ExecStart":
            command, line = value.strip().removesuffix("\\").strip(), number
            going_on = raw.rstrip().endswith("\\")
        elif key in ("OnCalendar", "OnUnitActiveSec"):
            calendar, line = value.strip(), number
        elif key in ("User", "DynamicUser"):
            users[value.strip()] = number
        elif key == "WantedBy":
            wanted = "multi-user.target" in value
        elif key == "Unit" and kind == "timer":
            name = value.strip().removesuffix(".service")
    if command or calendar:
        # https://www.freedesktop.org/software/systemd/man/latest/systemd.exec.html#User=
        root = users.get("root") or users.get("0") or (line if wanted and not users else 0)
        yield Unit(name, kind, command, calendar, line, root)
