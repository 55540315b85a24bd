"""The report as a document: what `--format json` writes, schema version 1.0."""

from __future__ import annotations

from typing import Literal

import msgspec

SCHEMA_VERSION = "1.0"

SeverityWord = Literal["critical", "high", "medium", "low", "info"]
VerdictWord = Literal["pass", "partial", "fail", "unknown", "not-applicable"]
StateWord = Literal["absent", "decorative", "weak", "present"]
SectionId = Literal["security", "performance", "reliability", "deployment"]


class Tool(msgspec.Struct, frozen=True):
    name: str
    version: str


class Target(msgspec.Struct, frozen=True):
    path: str
    name: str
    commit: str | None


class Gate(msgspec.Struct, frozen=True):
    """`fail_on` is the least severity that fails a build; `never` fails none."""

    fail_on: Literal["critical", "high", "medium", "low", "never"]
    passed: bool


class Findings(msgspec.Struct, frozen=True):
    critical: int = 0
    high: int = 0
    medium: int = 0
    low: int = 0
    info: int = 0


class Verdicts(msgspec.Struct, frozen=True, rename={"passed": "pass"}):
    passed: int = 0
    partial: int = 0
    fail: int = 0
    unknown: int = 0
    not_applicable: int = 0


class Summary(msgspec.Struct, frozen=True):
    grade: Literal["A", "B", "C", "D", "F"]
    score: float
    decision: Literal["ready", "ready with conditions", "not ready"]
    provisional: bool
    gate: Gate
    findings: Findings
    verdicts: Verdicts
    after_phase_1: str
    """The grade that remains when everything of the plan's first phase is done."""
    blockers: list[str]
    """What keeps the application from starting at all; comes before everything else."""


class Section(msgspec.Struct, frozen=True):
    """`score` and `grade` are None where nothing of the section could be judged."""

    id: SectionId
    title: str
    grade: str | None
    score: float | None


class Link(msgspec.Struct, frozen=True):
    id: str
    url: str


class Coverage(msgspec.Struct, frozen=True):
    met: int
    total: int


class Waived(msgspec.Struct, frozen=True):
    """Why a finding is accepted, and until when (YYYY-MM-DD, empty for ever)."""

    reason: str
    until: str


class Piece(msgspec.Struct, frozen=True):
    """One piece of evidence."""

    path: str
    line: int
    column: int
    end_line: int
    symbol: str
    state: StateWord
    severity: SeverityWord
    message: str
    fingerprint: str
    waived: Waived | None = None

    @property
    def finding(self) -> bool:
        return self.state != "present" and self.waived is None


class Result(msgspec.Struct, frozen=True):
    """A rule's verdict. `cost` is what it takes off the score, in points of 100."""

    rule: str
    title: str
    section: SectionId
    verdict: VerdictWord
    severity: SeverityWord | None
    confidence: Literal["high", "medium", "low"]
    coverage: Coverage | None
    summary: str
    question: str
    risk: str
    fix: str
    settle: str
    references: list[Link]
    fixable: bool
    cost: float
    evidence: list[Piece]


class PlanItem(msgspec.Struct, frozen=True):
    rule: str
    severity: SeverityWord
    action: str
    places: list[str]
    more: int
    effort: Literal["small", "medium", "large"]


class Phase(msgspec.Struct, frozen=True):
    phase: Literal[1, 2, 3]
    title: str
    when: str
    items: list[PlanItem]


class UnreadFile(msgspec.Struct, frozen=True):
    path: str
    reason: str


class Report(msgspec.Struct, frozen=True):
    schema_version: Literal["1.0"]
    tool: Tool
    target: Target
    generated_at: str
    summary: Summary
    sections: list[Section]
    results: list[Result]
    plan: list[Phase]
    unread: list[UnreadFile]
    limits: list[str]


class ReportError(Exception):
    """A file is no report of this tool; the message is one line."""


def to_json(report: Report) -> bytes:
    return msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n"


def from_json(data: bytes) -> Report:
    """Raises ReportError."""
    try:
        return msgspec.json.decode(data, type=Report)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ReportError(f"not a report of this tool: {error}") from error


def json_schema() -> bytes:
    """The published JSON Schema of the report."""
    schema = msgspec.json.schema(Report)
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = f"auditor report, schema version {SCHEMA_VERSION}"
    return msgspec.json.format(msgspec.json.encode(schema), indent=2) + b"\n"
