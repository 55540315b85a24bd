"""Traces of operations in any file: backup commands, load-test scenarios."""

from __future__ import annotations

import re
from collections.abc import Iterator

from auditor.discover import Kind, Role
from auditor.extract.facts import Fact
from auditor.extract.source import Source, extracts


class BackupCommand(Fact, frozen=True):
    """A script that dumps a database; `name` is its file's base name."""

    name: str
    tool: str
    line: int


class LoadScenario(Fact, frozen=True):
    """A load-test scenario of a known tool."""

    tool: str
    line: int


_BACKUP = re.compile(
    rb"(?m)^[^#\n]*?\b(mongodump|pg_dump(?:all)?|mysqldump|pgbackrest|wal-g|barman|pg_basebackup|velero backup"
    rb"|create-db-(?:cluster-)?snapshot|sqlite3(?=[^\n]*?[\"'\s]\.(?:backup|dump)\b))\b([^\n]*)"
)
_DUMPERS = (
    b"mongodump", b"pg_dump", b"mysqldump", b"pgbackrest", b"wal-g", b"barman", b"pg_basebackup", b"velero",
    b"-snapshot", b"sqlite3",
)  # fmt: skip
_COPIES = re.compile(
    rb"--schema-only|--no-data|\s-s\s|\bpg_restore\b|\|\s*(?:psql|mongorestore|mysql)\b"
)
"""What a command says that fills another database, or leaves the data out."""
_REFILLS = re.compile(rb"\|\s*(?:pg_restore|mongorestore)\b")
_RUN = re.compile(
    r".+\.(?:sh|bash|zsh|ksh|ps1|bat|cmd|py|m?[jt]s|rb|pl|php|go|ya?ml|service|timer|tf|j2|tmpl|template|nomad|hcl)"
    r"|(?:gnu)?makefile|\.?justfile|[\w-]*cron\w*|[\w-]+",
    re.I,
)
"""Names of what is run, or says what is; a data file only mentions it."""
_BY_HAND = re.compile(r"(?:gnu)?makefile|justfile|taskfile\.ya?ml", re.I)
_LOAD = (
    (
        "k6",
        b"k6",
        re.compile(
            rb"(?m)^import\s.+from\s+[\"']k6(?:/[\w/]+)?[\"']|require\([\"']k6(?:/\w+)?[\"']\)"
        ),
    ),
    ("Locust", b"locust", re.compile(rb"(?m)^\s*(?:from locust[\w.]* import|import locust)")),
    ("Artillery", b"phases:", re.compile(rb"(?m)^config:\s*\n(?:.*\n){0,12}?\s+phases:")),
    ("JMeter", b"jmeterTestPlan", re.compile(rb"<jmeterTestPlan")),
    ("Gatling", b"gatling", re.compile(rb"import io\.gatling|from\s+[\"']@gatling\.io/")),
    ("Molotov", b"molotov", re.compile(rb"(?m)^\s*(?:from molotov import|import molotov)")),
    (
        "Taurus",
        b"execution:",
        re.compile(rb"(?m)^execution:\s*\n\s*-\s*(?:executor|concurrency|scenario)"),
    ),
)


@extracts(Kind.TEXT, Kind.PYTHON, Kind.JAVASCRIPT)
def backup_commands(source: Source) -> Iterator[Fact]:
    if source.role is Role.DOCUMENTATION or not any(word in source.data for word in _DUMPERS):
        return
    if not _RUN.fullmatch(source.name):
        return
    for match in _BACKUP.finditer(source.data):
        by_hand = _BY_HAND.fullmatch(source.name) and b"localhost" in match[2]
        following = source.data[match.end() : match.end() + 400]
        if not by_hand and not _COPIES.search(match[2]) and not _REFILLS.search(following):
            line = source.data.count(b"\n", 0, match.start(1)) + 1
            yield BackupCommand(source.name, match[1].decode(), line)
            return


@extracts(Kind.TEXT, Kind.PYTHON, Kind.JAVASCRIPT)
def load_scenarios(source: Source) -> Iterator[Fact]:
    if source.role is Role.DOCUMENTATION:
        return
    for tool, word, pattern in _LOAD:
        if word in source.data and (match := pattern.search(source.data)):
            yield LoadScenario(tool, source.data.count(b"\n", 0, match.start()) + 1)
            return
