"""Every dependency: what it is declared as, what would be installed, and what is known against it."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from auditor.link.application import Application
from auditor.model.dependencies import (
    Admitted,
    Advisory,
    Checked,
    Dependency,
    Finding,
    NotChecked,
)


class AdvisoryRow(msgspec.Struct, frozen=True):
    """`score` is the CVSS base score; `fixed_in` are the versions that mend it, lowest first."""

    id: str
    aliases: list[str]
    summary: str
    severity: str
    score: float | None
    fixed_in: list[str]
    source: str


class DependencyRow(msgspec.Struct, frozen=True):
    """`version` is null where nothing fixes it; `through` is the chain that brings a transitive one.

    `checked` is false where nobody could say anything, for the `reason`. `upgrade` is the lowest
    version that no advisory affects. `affected` are the affected versions that an unpinned one admits.
    """

    name: str
    version: str | None
    specifier: str
    ecosystem: str
    group: str
    file: str
    line: int
    direct: bool
    pinned: bool
    through: list[str]
    checked: bool
    reason: str
    upgrade: str
    affected: list[str]
    released: str
    advisories: list[AdvisoryRow]


def rows(application: Application) -> list[DependencyRow]:
    """Vulnerable ones first, then what was not checked, then by name."""
    findings = application.lookup.findings(application.facts(Dependency))
    return sorted((_row(each) for each in findings), key=_rank)


def _rank(row: DependencyRow) -> tuple[object, ...]:
    worst = max((a.score or 5.0 for a in row.advisories), default=0.0)
    return -worst, row.checked, not row.direct, row.name, row.version or "", row.file, row.line


def _row(finding: Finding) -> DependencyRow:
    dependency = finding.dependency
    advisories: tuple[Advisory, ...] = ()
    affected: tuple[str, ...] = ()
    reason, upgrade, released = "", "", ""
    match finding:
        case Checked():
            advisories, upgrade, released = finding.advisories, finding.upgrade, finding.released
        case Admitted():
            advisories, affected = finding.advisories, finding.affected
        case NotChecked():
            reason = finding.reason
    return DependencyRow(
        dependency.name,
        dependency.version or None,
        dependency.specifier,
        dependency.ecosystem,
        dependency.group,
        dependency.place.path,
        dependency.place.line,
        dependency.direct,
        dependency.pinned,
        list(dependency.through),
        not reason,
        reason,
        upgrade,
        list(affected),
        released,
        [
            AdvisoryRow(
                a.id, list(a.aliases), a.summary, a.severity, a.score, list(a.fixed_in), a.source
            )
            for a in advisories
        ],
    )


def table(found: Sequence[DependencyRow]) -> tuple[list[str], list[list[str]]]:
    columns = ["dependency", "version", "declared as", "for", "known against it", "place"]
    return columns, [
        [
            row.name,
            row.version or "not pinned",
            row.specifier if row.direct else " > ".join(row.through) and f"by {row.through[-1]}",
            row.group or "production",
            _known(row),
            f"{row.file}:{row.line}",
        ]
        for row in found
    ]


def _known(row: DependencyRow) -> str:
    if not row.checked:
        return f"not checked: {row.reason}"
    told = ", ".join(f"{a.id} ({a.severity or '?'})" for a in row.advisories[:3])
    told += f" and {len(row.advisories) - 3} more" if len(row.advisories) > 3 else ""
    return f"{told}; {row.upgrade} is safe" if row.upgrade else told or "nothing"


def cyclonedx(application: Application) -> str:
    from auditor.inventory.sbom import render  # the library is only needed here

    return render(application)


EXPORTS = {"cyclonedx": cyclonedx}
"""Format -> how the whole of it is written."""
