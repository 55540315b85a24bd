"""From verdicts to the report: grade, costs, plan, gate."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from msgspec.structs import replace

import auditor
from auditor.assess.rule import SECTIONS, Rule
from auditor.assess.run import Assessment
from auditor.assess.verdict import Evidence, Outcome, Severity, State, Verdict
from auditor.discover import Role
from auditor.link.application import Application
from auditor.model.web import WebApp
from auditor.report import document as d
from auditor.report import limits
from auditor.report.grade import Grade, Mark, grade, letter
from auditor.report.plan import plan

Waive = Callable[[str, Evidence], "d.Waived | None"]
"""(rule id, evidence) -> why it is accepted, or None."""

_UNGATED = {Role.TEST, Role.EXAMPLE, Role.DOCUMENTATION}
_GATED_ANYWHERE = {"leaked-secrets"}


def build_report(
    application: Application,
    assessment: Assessment,
    *,
    fail_on: Severity | None = Severity.HIGH,
    strict: bool = False,
    waive: Waive = lambda rule, evidence: None,
    notes: Sequence[str] = (),
    now: datetime | None = None,
) -> d.Report:
    """The report on an application. `fail_on` None never fails; `strict` fails unknown verdicts."""
    roles = {file.path: file.role for file in application.tree.files}
    results = [_result(rule, verdict, roles, waive) for rule, verdict in assessment.verdicts]
    marks = {
        rule.id: _mark(rule, verdict, result)
        for (rule, verdict), result in zip(assessment.verdicts, results, strict=True)
    }
    overall = grade([m for m in marks.values() if m is not None])
    if not application.attempt(WebApp)[0]:
        overall = replace(overall, provisional=True)  # the application itself was not seen
    results = [_with_cost(result, marks, overall) for result in results]
    phases = plan(results, {rule.id: rule for rule, _ in assessment.verdicts})
    findings: Counter[str] = Counter(p.severity for r in results for p in r.evidence if p.finding)
    verdicts = Counter(result.verdict for result in results)
    blocked = bool(assessment.blockers)
    return d.Report(
        "1.0",
        d.Tool("auditor", auditor.__version__),
        d.Target(str(application.tree.root), application.tree.name, application.tree.commit),
        (now or datetime.now(timezone.utc)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        d.Summary(
            _letter("F" if blocked else overall.letter),
            min(overall.score, 49.9) if blocked else overall.score,
            _decision(overall, findings, blocked),
            overall.provisional,
            _gate(results, fail_on, strict, blocked),
            d.Findings(**{word: findings[word] for word in d.Findings.__struct_fields__}),
            d.Verdicts(
                verdicts["pass"],
                verdicts["partial"],
                verdicts["fail"],
                verdicts["unknown"],
                verdicts["not-applicable"],
            ),
            _after_phase_1(phases, marks),
            list(assessment.blockers),
        ),
        [_section(id_, title, overall) for id_, title in SECTIONS.items()],
        results,
        phases,
        [d.UnreadFile(path, reason) for path, reason in limits.unread(application)],
        [*limits.blind(application), *limits.left_out(application), *notes],
    )


def _letter(text: str) -> Any:
    return text


def _section(id_: Any, title: str, overall: Grade) -> d.Section:
    score = overall.sections.get(id_)
    return d.Section(id_, title, None if score is None else letter(score), score)


def _result(rule: Rule, verdict: Verdict, roles: Mapping[str, Role], waive: Waive) -> d.Result:
    seen: Counter[str] = Counter()
    pieces = [_piece(rule.id, e, seen, roles, waive) for e in _ordered(verdict.evidence)]
    worst = max((Severity[p.severity.upper()] for p in pieces if p.finding), default=None)
    outcome: Any = verdict.outcome.value
    section: Any = rule.section
    severity: Any = worst.word if worst is not None else None
    confidence: Any = verdict.confidence
    return d.Result(
        rule.id,
        rule.title,
        section,
        outcome,
        severity,
        confidence,
        d.Coverage(verdict.coverage.met, verdict.coverage.total) if verdict.coverage else None,
        verdict.summary,
        rule.question,
        rule.risk,
        rule.fix,
        verdict.settle,
        [d.Link(reference.id, reference.url) for reference in rule.references],
        False,
        0.0,
        pieces,
    )


def _ordered(evidence: Sequence[Evidence]) -> list[Evidence]:
    """Worst first, then by place, so that the same tree gives the same report."""
    return sorted(
        evidence, key=lambda e: (e.state is State.PRESENT, -e.severity, e.place, e.message)
    )


def _piece(
    rule: str, evidence: Evidence, seen: Counter[str], roles: Mapping[str, Role], waive: Waive
) -> d.Piece:
    place = evidence.place
    identity = "\0".join(
        (rule, place.path, evidence.subject or evidence.message, evidence.state.value)
    )
    seen[identity] += 1
    text = f"{identity}\0{seen[identity]}".encode("utf-8", "surrogateescape")
    waived = waive(rule, evidence) if evidence.state is not State.PRESENT else None
    role = roles.get(place.path, Role.SOURCE)
    if (
        waived is None
        and role in _UNGATED
        and rule not in _GATED_ANYWHERE
        and evidence.state is not State.PRESENT
    ):
        waived = d.Waived(f"stands in {role.value}", "")
    state: Any = evidence.state.value
    severity: Any = evidence.severity.word
    return d.Piece(
        place.path,
        place.line,
        place.column,
        place.end_line or place.line,
        place.symbol,
        state,
        severity,
        evidence.message,
        hashlib.sha256(text).hexdigest()[:16],
        waived,
    )


def _mark(rule: Rule, verdict: Verdict, result: d.Result) -> Mark | None:
    """What a verdict counts for; None when the rule does not apply."""
    worst = Severity[result.severity.upper()] if result.severity else None
    match verdict.outcome:
        case Outcome.NOT_APPLICABLE:
            return None
        case Outcome.UNKNOWN:
            return Mark(rule.section, rule.severity, None, worst)
        case Outcome.PASS:
            return Mark(rule.section, rule.severity, 1.0, worst)
        case Outcome.FAIL:
            return Mark(rule.section, rule.severity, 0.0, worst)
    return Mark(rule.section, rule.severity, _share(result), worst)


def _share(result: d.Result) -> float:
    """How far a control holds: its coverage, else its strengths among its evidence.

    Without coverage a finding counts by its severity, so that a rule with a few low findings is not
    half lost; whatever is open keeps the share below 1.
    """
    if result.coverage is not None and result.coverage.total:
        share = result.coverage.met / result.coverage.total
        return min(share, 0.95) if any(p.finding for p in result.evidence) else share
    lost = {"critical": 1.0, "high": 0.8, "medium": 0.5, "low": 0.2, "info": 0.05}
    worst = max((lost[p.severity] for p in result.evidence if p.finding), default=0.0)
    return 1.0 - worst


def _with_cost(result: d.Result, marks: Mapping[str, Mark | None], overall: Grade) -> d.Result:
    """What the rule takes off the score: the score it would be with this rule passing."""
    mark = marks[result.rule]
    if mark is None or mark.score is None or mark.score == 1.0:
        return result
    better = {**marks, result.rule: replace(mark, score=1.0)}
    gain = _uncapped(better) - _uncapped(marks)
    return d.Result(
        **{**{f: getattr(result, f) for f in result.__struct_fields__}, "cost": round(gain, 1)}
    )


def _uncapped(marks: Mapping[str, Mark | None]) -> float:
    return grade([replace(m, open=None) for m in marks.values() if m is not None]).score


def _after_phase_1(phases: Sequence[d.Phase], marks: Mapping[str, Mark | None]) -> str:
    done = {item.rule for phase in phases if phase.phase == 1 for item in phase.items}
    better = [
        replace(m, score=1.0, open=None) if rule in done and m.score is not None else m
        for rule, m in marks.items()
        if m is not None
    ]
    return grade(better).letter


def _decision(overall: Grade, findings: Counter[Any], blocked: bool) -> Any:
    """Not ready with an open critical or high finding or a D or F; conditions with medium ones."""
    if blocked or findings["critical"] or findings["high"] or overall.letter in "DF":
        return "not ready"
    if findings["medium"] or overall.provisional:
        return "ready with conditions"
    return "ready"


def _gate(
    results: Sequence[d.Result], fail_on: Severity | None, strict: bool, blocked: bool
) -> d.Gate:
    word: Any = fail_on.word if fail_on is not None else "never"
    if fail_on is None:
        return d.Gate(word, True)
    reached = any(
        Severity[p.severity.upper()] >= fail_on for r in results for p in r.evidence if p.finding
    )
    doubtful = strict and any(r.verdict == "unknown" for r in results)
    return d.Gate(word, not (reached or doubtful or blocked))
