"""What advisories say of one dependency, and how an answer is kept and sent."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from auditor.advisories import osv
from auditor.ecosystems.versions import Scheme, scheme
from auditor.model.dependencies import (
    Admitted,
    Advisory,
    Checked,
    Dependency,
    Finding,
    NotChecked,
)


class Answer(msgspec.Struct, frozen=True):
    """A finding without the dependency that it is about."""

    advisories: tuple[Advisory, ...] = ()
    upgrade: str = ""
    within: bool = True
    released: str = ""
    admitted: tuple[tuple[str, ...], tuple[str, ...]] | None = None
    """(known, affected) versions of an unpinned one."""
    reason: str = ""
    """Why nothing could be said."""

    @classmethod
    def of(cls, finding: Finding) -> Answer:
        match finding:
            case Checked():
                return cls(finding.advisories, finding.upgrade, finding.within, finding.released)
            case Admitted():
                return cls(finding.advisories, admitted=(finding.known, finding.affected))
            case NotChecked():
                return cls(reason=finding.reason)

    def finding(self, dependency: Dependency) -> Finding:
        if self.reason:
            return NotChecked(dependency, self.reason)
        if self.admitted is not None:
            return Admitted(dependency, *self.admitted, self.advisories)
        return Checked(dependency, self.advisories, self.upgrade, self.within, self.released)


def judged(
    dependency: Dependency, records: Iterable[osv.Record], source: str, released: Sequence[str]
) -> Finding:
    """A dependency held against all advisories on its name; `released` are versions that exist."""
    known = scheme(dependency.ecosystem)
    assert known is not None
    matches = osv.matching(records, dependency.ecosystem, dependency.name)
    if not dependency.version:
        return _admitted(dependency, matches, known, source, released)
    if known.key(dependency.version) is None:
        return NotChecked(dependency, f"{dependency.version!r} is no version")
    hits = osv.affecting(matches, dependency.version, known)
    advisories = tuple(osv.merged(hits, dependency.version, known, source))
    upgrade, within = ("", True)
    if hits:
        upgrade, within = osv.upgrade(
            matches, dependency.version, wanted(dependency), known, released
        )
    return Checked(dependency, advisories, upgrade, within)


def wanted(dependency: Dependency) -> str:
    """The specifier that an upgrade must fit: an exact pin is there to be changed."""
    return "" if dependency.specifier.startswith("==") else dependency.specifier


def _admitted(
    dependency: Dependency,
    matches: list[osv.Match],
    known: Scheme,
    source: str,
    released: Sequence[str],
) -> Finding:
    """Of the versions that are known to exist, which does the specifier admit, and which are affected?"""
    exist = {*released}
    if not exist:
        for match in matches:
            exist.update(osv.fixes(match.affected, known))
            exist.update(v for a in match.affected for v in a.versions or ())
    fitting = sorted(
        (
            v
            for v in exist
            if known.key(v) is not None
            and not known.preliminary(v)
            and known.admits(dependency.specifier, v)
        ),
        key=known.key,
    )
    hits = {v: found for v in fitting if (found := osv.affecting(matches, v, known))}
    together = {id(m): m for found in hits.values() for m in found}
    advisories = osv.merged(list(together.values()), "", known, source)
    return Admitted(dependency, tuple(fitting), tuple(hits), tuple(advisories))
