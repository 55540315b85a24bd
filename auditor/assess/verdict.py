"""What a rule says: a verdict and the evidence it rests on."""

from __future__ import annotations

import enum
from collections.abc import Iterable

import msgspec

from auditor.model.places import Place


class Severity(enum.IntEnum):
    """How much a finding matters; comparable, worst highest."""

    INFO = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4

    @property
    def word(self) -> str:
        return self.name.lower()


class State(str, enum.Enum):
    """What a piece of evidence says of the control."""

    ABSENT = "absent"
    DECORATIVE = "decorative"
    WEAK = "weak"
    PRESENT = "present"


class Outcome(str, enum.Enum):
    PASS = "pass"
    PARTIAL = "partial"
    FAIL = "fail"
    UNKNOWN = "unknown"
    NOT_APPLICABLE = "not-applicable"


class Evidence(msgspec.Struct, frozen=True):
    """One place and what it shows; one sentence without a full stop's worth of padding.

    `subject` names the thing judged independently of its line ("GET /leads", "leads.email"), so
    that the finding keeps its fingerprint when lines move.
    """

    place: Place
    state: State
    severity: Severity
    message: str
    subject: str = ""


class Coverage(msgspec.Struct, frozen=True):
    """How many of the things a control applies to have it."""

    met: int
    total: int


class Verdict(msgspec.Struct, frozen=True):
    """A rule's answer. `settle` says what would decide an unknown one."""

    outcome: Outcome
    summary: str
    evidence: tuple[Evidence, ...] = ()
    coverage: Coverage | None = None
    confidence: str = "high"
    settle: str = ""


def count(number: int, noun: str) -> str:
    """`1 route`, `2 routes`, `2 dependencies`, `2 keys`."""
    if number == 1:
        return f"1 {noun}"
    changes = noun.endswith("y") and noun[-2:-1] not in "aeiou"
    return f"{number} {noun[:-1]}ies" if changes else f"{number} {noun}s"


def present(place: Place, message: str, subject: str = "") -> Evidence:
    """Evidence for a strength."""
    return Evidence(place, State.PRESENT, Severity.INFO, message, subject)


def judge(
    summary: str,
    evidence: Iterable[Evidence],
    coverage: Coverage | None = None,
    confidence: str = "high",
) -> Verdict:
    """The verdict that evidence adds up to: any finding fails it, unless something holds too.

    Raises ValueError without evidence: nothing seen is never a pass.
    """
    found = tuple(evidence)
    if not found:
        raise ValueError("a verdict needs evidence; use unknown() or not_applicable()")
    findings = [e for e in found if e.state is not State.PRESENT]
    if not findings:
        outcome = Outcome.PASS
    elif coverage is not None:
        outcome = Outcome.PARTIAL if coverage.met else Outcome.FAIL
    elif len(findings) < len(found) or all(e.state is State.WEAK for e in findings):
        outcome = Outcome.PARTIAL
    else:
        outcome = Outcome.FAIL
    return Verdict(outcome, summary, found, coverage, confidence)


def unknown(summary: str, settle: str, evidence: Iterable[Evidence] = ()) -> Verdict:
    """The answer lies where an audit of the source cannot look; `settle` says what would tell."""
    return Verdict(Outcome.UNKNOWN, summary, tuple(evidence), settle=settle)


def not_applicable(reason: str) -> Verdict:
    return Verdict(Outcome.NOT_APPLICABLE, reason)
