"""The matcher against a whole database, where one is there: `AUDITOR_TEST_DATABASE=DIR pytest …`.

For example a checkout of https://github.com/pypa/advisory-database. Of each advisory on PyPI that has a
range and a list, every version that any advisory on the package lists is tried. The range must give
what the schema's own evaluation gives, and what the list says but for lists that are out of date.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.version import InvalidVersion, Version

from auditor.advisories import osv
from auditor.advisories.database import Database
from auditor.ecosystems.versions import Pep440

DATABASE = os.environ.get("AUDITOR_TEST_DATABASE", "")
SCHEME = Pep440()


def by_the_schema(found: osv.Range, version: str) -> bool:
    """https://ossf.github.io/osv-schema/#evaluation, as it is written there."""
    order = {"fixed": 0, "introduced": 1, "last_affected": 2}
    events = [(kind, at) for e in found.events for kind, at in e.items() if kind in order]
    events.sort(key=lambda e: (Version(e[1]) if e[1] != "0" else Version("0.dev0"), order[e[0]]))
    vulnerable, v = False, Version(version)
    for kind, at in events:
        if kind == "introduced" and (at == "0" or v >= Version(at)):
            vulnerable = True
        elif (kind == "fixed" and v >= Version(at)) or (
            kind == "last_affected" and v > Version(at)
        ):
            vulnerable = False
    return vulnerable


def entries() -> Iterator[tuple[str, list[osv.Range], set[str], set[str]]]:
    """(advisory, its ranges, the versions it lists, all versions known of the package)."""
    database = Database(Path(DATABASE))
    for key in database.packages("pypi"):
        told = [(r.id, a) for r in database.records("pypi", key) for a in r.concerns("pypi", key)]
        known = {v for _, a in told for v in a.versions or () if _parses(v)}
        for id_, each in told:
            ranges = [r for r in each.ranges or () if r.type == "ECOSYSTEM"]
            if ranges and each.versions:
                yield id_, ranges, {v for v in each.versions if _parses(v)}, known


def _parses(version: str) -> bool:
    try:
        return bool(Version(version))
    except InvalidVersion:
        return False


@pytest.mark.skipif(not DATABASE, reason="AUDITOR_TEST_DATABASE names no advisory database")
def test_every_advisory_of_a_database() -> None:
    tried = wrong = 0
    stale: set[str] = set()
    total: set[str] = set()
    for id_, ranges, listed, known in entries():
        total.add(id_)
        listed_keys = {Version(v) for v in listed}
        for version in known:
            tried += 1
            ours = any(osv.affects(osv.Affected(None, [r], None), version, SCHEME) for r in ranges)
            wrong += ours is not any(by_the_schema(r, version) for r in ranges)
            if ours is not (Version(version) in listed_keys):
                stale.add(id_)
    print(f"{len(total)} advisories, {tried} versions tried, lists out of date: {sorted(stale)}")
    assert tried > 1000
    assert wrong == 0
    assert len(stale) <= len(total) * 0.02
