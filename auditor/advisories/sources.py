"""Where advisories come from, as the command line asks for it."""

from __future__ import annotations

import datetime
from pathlib import Path

from auditor.advisories.database import Database, Local
from auditor.advisories.lookup import Lookup, Memory
from auditor.advisories.process import Process

_OLD = 30
"""Days after which a database on this machine is called old."""


def lookup(
    service: str,
    offline: bool,
    database: Path | None,
    cache: Path | None,
    limit: float,
    today: datetime.date,
) -> Lookup:
    """The lookup for an audit. Raises DatabaseError for a database that cannot be used."""
    if database is not None:
        found = Database(database, cache)
        made = Lookup(Local(found), name=found.source, limit=limit)
        age = (today - found.day).days
        if age > _OLD:
            made.notes.append(f"advisories: the database {found.source} is {age} days old")
        if found.broken:
            made.notes.append(f"advisories: {found.broken} files of {database.name} cannot be read")
        return made
    memory = Memory(cache, service)
    name = {"pypi": "PyPI", "osv": "OSV"}[service]
    if offline:
        reason = "advisories were not looked up, because of --offline"
        return Lookup(None, reason, name, limit, memory)
    process = Process(service, cache / "http" if cache else None)
    return Lookup(process, "nothing answered", name, limit, memory)
