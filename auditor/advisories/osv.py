"""Advisories in the OSV format, and whether a version is affected.

https://ossf.github.io/osv-schema/, version 1.x: an affected package has ranges of events
(`introduced`, `fixed`, `last_affected`, `limit`) and a list of versions; a version is affected when
the list holds it or a range does. Ranges of commits (GIT) say nothing of versions. Withdrawn
advisories affect nothing.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from packaging.utils import canonicalize_name

from auditor.ecosystems.versions import Scheme
from auditor.model.dependencies import Advisory

ECOSYSTEMS = {"pypi": "PyPI", "npm": "npm"}
"""The ecosystem's name here -> OSV's."""


class Package(msgspec.Struct):
    name: str = ""
    ecosystem: str = ""


class Range(msgspec.Struct):
    type: str = ""
    events: list[dict[str, str]] = []


class Severity(msgspec.Struct):
    type: str = ""
    score: str = ""


class Affected(msgspec.Struct):
    package: Package | None = None
    ranges: list[Range] | None = None
    versions: list[str] | None = None
    severity: list[Severity] | None = None


class Record(msgspec.Struct):
    """One advisory. Fields that nothing here needs are not kept."""

    id: str
    aliases: list[str] | None = None
    withdrawn: Any = None
    summary: str | None = None
    details: str | None = None
    severity: list[Severity] | None = None
    affected: list[Affected] | None = None
    database_specific: dict[str, Any] | None = None

    def concerns(self, ecosystem: str, name: str) -> list[Affected]:
        """What it says of one package."""
        wanted = ECOSYSTEMS[ecosystem], normal(ecosystem, name)
        return [
            each
            for each in self.affected or ()
            if each.package is not None
            and (each.package.ecosystem.partition(":")[0], normal(ecosystem, each.package.name))
            == wanted
        ]


def normal(ecosystem: str, name: str) -> str:
    """A package's name as its index compares names."""
    return str(canonicalize_name(name)) if ecosystem == "pypi" else name


class Malformed(ValueError):
    """Not an advisory in the OSV format; the message is one line."""


def decode(data: bytes) -> Record:
    """Raises Malformed."""
    try:
        return _decoder().decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(str(error)[:200]) from error


def convert(data: Any) -> Record:
    """The same from a document that was parsed elsewhere. Raises Malformed."""
    try:
        return msgspec.convert(data, Record, strict=False)
    except (msgspec.ValidationError, RecursionError) as error:
        raise Malformed(str(error)[:200]) from error


@functools.cache
def _decoder() -> msgspec.json.Decoder[Record]:
    return msgspec.json.Decoder(Record)


# --- whether a version is affected


def affects(affected: Affected, version: str, scheme: Scheme) -> bool:
    """Whether a version is in the list, or in a range of versions."""
    key = scheme.key(version)
    listed = affected.versions or ()
    if version in listed:
        return True
    if key is None:
        return False
    ranges = [r for r in affected.ranges or () if r.type in ("ECOSYSTEM", "SEMVER")]
    if any(_inside(each, key, scheme) for each in ranges):
        return True
    return any(scheme.key(each) == key for each in listed)


def _inside(found: Range, key: Any, scheme: Scheme) -> bool:
    """OSV's evaluation: of the events at or before the version, the last one decides."""
    limits = [scheme.key(e["limit"]) for e in found.events if "limit" in e and e["limit"] != "*"]
    if limits and not any(limit is not None and key < limit for limit in limits):
        return False
    inside = False
    for at, kind in _events(found, scheme):
        if at is not None and (key < at or (kind == "last_affected" and key == at)):
            break
        inside = kind == "introduced"
    return inside


def _events(found: Range, scheme: Scheme) -> list[tuple[Any | None, str]]:
    """(version, kind) in order; None is before everything ("0")."""
    told = []
    for event in found.events:
        for kind in ("introduced", "fixed", "last_affected"):
            if kind in event:
                at = None if event[kind] == "0" else scheme.key(event[kind])
                if at is not None or event[kind] == "0":
                    told.append((at, kind))
    order = {"fixed": 0, "introduced": 1, "last_affected": 2}
    first = [e for e in told if e[0] is None]
    return first + sorted((e for e in told if e[0] is not None), key=lambda e: (e[0], order[e[1]]))


def fixes(affected: Iterable[Affected], scheme: Scheme) -> list[str]:
    """The versions that an advisory names as mending it, lowest first."""
    found = {
        event["fixed"]
        for each in affected
        for range_ in each.ranges or ()
        if range_.type in ("ECOSYSTEM", "SEMVER")
        for event in range_.events
        if "fixed" in event
    }
    return sorted((v for v in found if scheme.key(v) is not None), key=scheme.key)


# --- one row for one flaw


class Match(msgspec.Struct, frozen=True):
    """An advisory that concerns a package, with what it says of it."""

    record: Record
    affected: tuple[Affected, ...]


def matching(records: Iterable[Record], ecosystem: str, name: str) -> list[Match]:
    """The advisories on a package that stand, whatever its version."""
    found = []
    for record in records:
        if record.withdrawn is None and (affected := record.concerns(ecosystem, name)):
            found.append(Match(record, tuple(affected)))
    return found


def affecting(matches: Iterable[Match], version: str, scheme: Scheme) -> list[Match]:
    return [m for m in matches if any(affects(a, version, scheme) for a in m.affected)]


def merged(matches: Sequence[Match], version: str, scheme: Scheme, source: str) -> list[Advisory]:
    """One advisory for each flaw: those that share a name are the same one. In stable order."""
    groups: list[tuple[set[str], list[Match]]] = []
    for match in sorted(matches, key=lambda m: m.record.id):
        names = {match.record.id, *(match.record.aliases or ())}
        joined = [group for group in groups if group[0] & names]
        for group in joined:
            groups.remove(group)
        names |= {name for group in joined for name in group[0]}
        groups.append((names, [*(m for group in joined for m in group[1]), match]))
    found = [_advisory(names, group, version, scheme, source) for names, group in groups]
    return sorted(found, key=lambda a: (-(a.score or 0.0), a.id))


def _advisory(
    names: set[str], group: list[Match], version: str, scheme: Scheme, source: str
) -> Advisory:
    ids = sorted(names, key=_preference)
    score, severity = max((_rated(m) for m in group), key=lambda rated: rated[0] or 0.0)
    key = scheme.key(version) if version else None
    fixed = {
        fix
        for match in group
        for fix in fixes(match.affected, scheme)
        if key is None or key < scheme.key(fix)
    }
    summary = next((m.record.summary for m in group if m.record.summary), "") or ""
    if not summary:
        details = next((m.record.details for m in group if m.record.details), "") or ""
        summary = re.split(r"(?<=[.!?])\s", " ".join(details.split()), maxsplit=1)[0][:200]
    return Advisory(
        ids[0],
        tuple(ids[1:]),
        " ".join(summary.split()),
        severity,
        score,
        tuple(sorted(fixed, key=scheme.key)),
        source,
    )


def _preference(id_: str) -> tuple[int, str]:
    """CVE first: it is what people search for."""
    order = ("CVE-", "GHSA-", "PYSEC-")
    return next((i for i, start in enumerate(order) if id_.startswith(start)), len(order)), id_


_WORDS = {"CRITICAL": 9.0, "HIGH": 7.0, "MODERATE": 4.0, "MEDIUM": 4.0, "LOW": 0.1}


def _rated(match: Match) -> tuple[float | None, str]:
    """(score, severity): the newest CVSS that it carries, else the word of its database."""
    vectors = [
        *(match.record.severity or ()),
        *(s for a in match.affected for s in a.severity or ()),
    ]
    for kind in ("CVSS_V4", "CVSS_V3", "CVSS_V2"):
        for each in vectors:
            if each.type == kind and (score := cvss_score(each.score)) is not None:
                return score, severity_of(score)
    word = str((match.record.database_specific or {}).get("severity", "")).upper()
    return (None, severity_of(_WORDS[word])) if word in _WORDS else (None, "")


def severity_of(score: float) -> str:
    """https://www.first.org/cvss/v3.1/specification-document, qualitative severity rating scale."""
    for least, word in ((9.0, "critical"), (7.0, "high"), (4.0, "medium"), (0.1, "low")):
        if score >= least:
            return word
    return ""


@functools.lru_cache(maxsize=4096)
def cvss_score(vector: str) -> float | None:
    """The base score of a CVSS vector; None for what is none."""
    from cvss import CVSS2, CVSS3, CVSS4
    from cvss.exceptions import CVSSError

    if len(vector) > 400:
        return None
    kind = CVSS4 if vector.startswith("CVSS:4") else CVSS3 if vector.startswith("CVSS:3") else CVSS2
    try:
        return float(kind(vector).scores()[0])
    except (CVSSError, ValueError, KeyError, TypeError):
        return None


# --- what to do


def upgrade(
    matches: Sequence[Match], version: str, specifier: str, scheme: Scheme, name_all: Iterable[str]
) -> tuple[str, bool]:
    """(lowest version above this one that nothing affects, whether the specifier admits it).

    One that the specifier admits goes before a lower one that it does not. ("", True) where no version
    is known to be safe.
    """
    key = scheme.key(version)
    candidates = {*name_all, *(f for m in matches for f in fixes(m.affected, scheme))}
    above = sorted(
        (v for v in candidates if (k := scheme.key(v)) is not None and (key is None or key < k)),
        key=scheme.key,
    )
    safe = [v for v in above if not scheme.preliminary(v) and not affecting(matches, v, scheme)]
    inside = [v for v in safe if scheme.admits(specifier, v)]
    if inside:
        return inside[0], True
    return (safe[0], False) if safe else ("", True)
