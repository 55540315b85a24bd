"""The grade: open, explainable, monotone.

Each rule that applies and is known weighs by its plain severity and scores 1 when it passes, its
coverage when it holds in part, else 0. A section is the weighted mean of its rules, the whole the
weighted mean of its sections. Caps keep an average from hiding a hole.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from auditor.assess.verdict import Severity

WEIGHTS = {
    Severity.CRITICAL: 10.0,
    Severity.HIGH: 7.5,
    Severity.MEDIUM: 5.0,
    Severity.LOW: 2.5,
    Severity.INFO: 0.0,
}
SECTION_WEIGHTS = {"security": 0.40, "reliability": 0.25, "deployment": 0.20, "performance": 0.15}
LETTERS = ((90.0, "A"), (80.0, "B"), (65.0, "C"), (50.0, "D"), (0.0, "F"))
CAPS = {Severity.CRITICAL: 64.9, Severity.HIGH: 89.9}
"""The greatest score with an open finding of this severity: no better than D, than B."""
PROVISIONAL_FROM = 1 / 3
"""The share of the weight that may be unknown before the grade is provisional."""


class Mark(msgspec.Struct, frozen=True):
    """What the grade needs to know of one verdict; `score` is None for an unknown one."""

    section: str
    weight: Severity
    score: float | None
    open: Severity | None = None
    """The worst finding that is open, if any."""


class Grade(msgspec.Struct, frozen=True):
    """`score` is 0 to 100 after the caps; sections that nothing is known of are left out."""

    letter: str
    score: float
    provisional: bool
    sections: dict[str, float]


def grade(marks: Sequence[Mark]) -> Grade:
    """The grade of all marks, in whatever order they come."""
    sections = {
        section: score
        for section in SECTION_WEIGHTS
        if (score := _mean(m for m in marks if m.section == section)) is not None
    }
    share = sum(SECTION_WEIGHTS[section] for section in sections)
    score = sum(SECTION_WEIGHTS[s] * v for s, v in sections.items()) / share if share else 0.0
    worst = max((m.open for m in marks if m.open is not None), default=None)
    if worst is not None:
        score = min(score, CAPS.get(worst, 100.0))
    if not any(m.score is not None for m in marks):
        score = 0.0
    total = sum(WEIGHTS[m.weight] for m in marks)
    unknown = sum(WEIGHTS[m.weight] for m in marks if m.score is None)
    provisional = total == 0 or unknown / total > PROVISIONAL_FROM
    return Grade(
        letter(score), round(score, 1), provisional, {s: round(v, 1) for s, v in sections.items()}
    )


def letter(score: float) -> str:
    return next(name for least, name in LETTERS if score >= least)


def _mean(marks: Iterable[Mark]) -> float | None:
    known = [(WEIGHTS[m.weight], m.score) for m in marks if m.score is not None]
    weight = sum(w for w, _ in known)
    if not known or weight == 0:
        return None
    return 100 * sum(w * s for w, s in known) / weight
