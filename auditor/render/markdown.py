"""The report as Markdown, in the shape of an assessment that a person would write."""

from __future__ import annotations

from collections.abc import Iterator

from auditor.render.grouping import accepted, alike, findings, shown, strengths, unknowns
from auditor.render.safe import code, markdown
from auditor.report.document import Piece, Report, Result

_PLACES = 5
_IMPACT = {"performance"}


def render(report: Report) -> str:
    return "\n".join(_lines(report)).rstrip() + "\n"


def _lines(report: Report) -> Iterator[str]:
    yield f"# Production readiness of {markdown(report.target.name)}"
    yield ""
    yield from _head(report)
    for section in report.sections:
        results = [r for r in report.results if r.section == section.id]
        grade = (
            f" (grade {section.grade}, {section.score:.0f}/100)"
            if section.score is not None
            else ""
        )
        yield f"## {section.title}{grade}"
        yield ""
        yield from _strengths(results)
        yield from _issues(results)
    yield from _plan(report)
    yield from _unknown(report)
    yield from _accepted(report)
    yield from _foot(report)


def _head(report: Report) -> Iterator[str]:
    summary = report.summary
    for blocker in summary.blockers:
        yield f"> **{markdown(blocker)}**"
        yield ""
    provisional = " (provisional: much could not be determined)" if summary.provisional else ""
    yield f"**Grade {summary.grade}** — {summary.score:.0f} of 100{provisional}. **{summary.decision.capitalize()}.**"
    yield ""
    yield "| Findings | critical | high | medium | low | info |"
    yield "| --- | --- | --- | --- | --- | --- |"
    counts = summary.findings
    yield f"| open | {counts.critical} | {counts.high} | {counts.medium} | {counts.low} | {counts.info} |"
    yield ""
    yield "| Section | Grade | Score |"
    yield "| --- | --- | --- |"
    for section in report.sections:
        score = "–" if section.score is None else f"{section.score:.0f}"
        yield f"| {section.title} | {section.grade or '–'} | {score} |"
    yield ""
    if summary.after_phase_1 != summary.grade:
        yield f"Phase 1 of the plan below would lift the grade to {summary.after_phase_1}."
        yield ""


def _strengths(results: list[Result]) -> Iterator[str]:
    found = [(result, strengths(result)) for result in results]
    found = [(result, pieces) for result, pieces in found if pieces]
    if not found:
        return
    yield "### Strengths found"
    yield ""
    for result, pieces in found:
        some = shown(pieces, 2)
        told = "; ".join(f"{markdown(p.message)} ({_place(p)})" for p, _ in some.pieces)
        more = f"; and {some.more} more" if some.more else ""
        yield f"- **{result.title}**: {told}{more}"
    yield ""


def _issues(results: list[Result]) -> Iterator[str]:
    found = [result for result in results if findings(result)]
    if not found:
        return
    yield "### Issues identified"
    yield ""
    for number, result in enumerate(found, 1):
        word = "IMPACT" if result.section in _IMPACT else "RISK"
        severity = (result.severity or "info").upper()
        yield f"#### {number}. {result.title} - {severity} {word}"
        yield ""
        yield f"- **Issue**: {markdown(result.summary)}"
        yield f"- **{'Impact' if word == 'IMPACT' else 'Risk'}**: {markdown(result.risk)}"
        yield f"- **Fix required**: {markdown(result.fix)}"
        yield "- **Evidence**:"
        some = shown(findings(result), _PLACES)
        for piece, same in some.pieces:
            told = f"{markdown(piece.message)}{alike(same)}"
            yield f"  - {_place(piece)} ({piece.severity}, {piece.state}): {told}"
        if some.more:
            yield f"  - … and {some.more} more"
        yield f"- Rule {code(result.rule)}; costs {result.cost:.1f} points of 100"
        yield ""


def _place(piece: Piece) -> str:
    """A link to the place, when the path can stand in one; else the place as code."""
    text = f"{piece.path}:{piece.line}"
    if all(c.isalnum() or c in "/._-" for c in piece.path) and piece.path.isascii():
        return f"[{text}]({piece.path}#L{piece.line})"
    return code(text)


def _plan(report: Report) -> Iterator[str]:
    yield "## Priority plan"
    yield ""
    for phase in report.plan:
        yield f"### Phase {phase.phase}: {phase.title} ({phase.when})"
        yield ""
        for number, item in enumerate(phase.items, 1):
            more = f" and {item.more} more" if item.more else ""
            places = ", ".join(code(place) for place in item.places)
            yield f"{number}. **{item.rule}** ({item.severity}, effort {item.effort}): {markdown(item.action)} {places}{more}"
        if not phase.items:
            yield "Nothing to do."
        yield ""


def _unknown(report: Report) -> Iterator[str]:
    found = unknowns(report)
    if not (found or report.unread or report.limits):
        return
    yield "## What could not be determined"
    yield ""
    for result in found:
        yield f"- **{result.title}**: {markdown(result.summary)} {markdown(result.settle)}"
    for file in report.unread[:20]:
        yield f"- {code(file.path)} was not read: {markdown(file.reason)}"
    if len(report.unread) > 20:
        yield f"- {len(report.unread) - 20} more files were not read"
    for limit in report.limits[:20]:
        yield f"- not looked at: {markdown(limit)}"
    if len(report.limits) > 20:
        yield f"- and {len(report.limits) - 20} more"
    yield ""


def _accepted(report: Report) -> Iterator[str]:
    found = [(r, p) for r in report.results for p in accepted(r)]
    if not found:
        return
    yield "## Accepted findings"
    yield ""
    for result, piece in found[:30]:
        until = f", until {piece.waived.until}" if piece.waived and piece.waived.until else ""
        reason = markdown(piece.waived.reason) if piece.waived else ""
        yield f"- {code(result.rule)} at {_place(piece)}: {reason}{until}"
    if len(found) > 30:
        yield f"- and {len(found) - 30} more"
    yield ""


def _foot(report: Report) -> Iterator[str]:
    commit = f", commit {code(report.target.commit)}" if report.target.commit else ""
    gate = "passed" if report.summary.gate.passed else "failed"
    yield "---"
    yield ""
    yield (
        f"Assessed {report.generated_at}{commit}, with {report.tool.name} {report.tool.version}. "
        f"Gate (fail on {report.summary.gate.fail_on}): {gate}."
    )
