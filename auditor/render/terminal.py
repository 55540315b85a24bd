"""The report for a terminal: the worst first, then what to do. Plain text when piped."""

from __future__ import annotations

import io
from collections.abc import Iterator

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from auditor.render.grouping import accepted, alike, findings, problems, shown, strengths, unknowns
from auditor.render.safe import plain
from auditor.report.document import Piece, Report, Result

_STYLES = {
    "critical": "bold white on red",
    "high": "bold red",
    "medium": "yellow",
    "low": "cyan",
    "info": "dim",
}
_GRADES = {"A": "bold green", "B": "green", "C": "yellow", "D": "red", "F": "bold red"}
_PLACES = 3


def render(report: Report, verbose: bool = False) -> str:
    """Plain text, 100 columns wide, for files and pipes."""
    out = io.StringIO()
    console = Console(file=out, width=100, color_system=None, highlight=False, emoji=False)
    show(report, console, verbose)
    return "".join(line.rstrip() + "\n" for line in out.getvalue().splitlines())


def show(report: Report, console: Console, verbose: bool = False) -> None:
    """Print the report; `verbose` shows every place."""
    limit = 10_000 if verbose else _PLACES
    _head(report, console)
    for result in problems(report):
        _problem(result, console, limit)
    _strengths(report, console)
    _plan(report, console)
    _unknown(report, console)
    _foot(report, console)


def _line(console: Console, *parts: str | tuple[str, str], indent: int = 0) -> None:
    text = Text.assemble(
        *((plain(p), "") if isinstance(p, str) else (plain(p[0]), p[1]) for p in parts)
    )
    console.print(Padding(text, (0, 0, 0, indent), expand=False))


def _head(report: Report, console: Console) -> None:
    summary = report.summary
    for blocker in summary.blockers:
        _line(console, (blocker, "bold red"))
        console.print()
    _line(
        console,
        (f"Grade {summary.grade}", _GRADES[summary.grade]),
        f"  {summary.score:.0f}/100  ",
        (summary.decision, "bold"),
        "  (provisional: much could not be determined)" if summary.provisional else "",
    )
    _line(
        console,
        ("{} {}".format(report.target.name, (report.target.commit or "")[:12]).strip(), "dim"),
    )
    console.print()
    table = Table(box=None, pad_edge=False, show_header=False)
    for section in report.sections:
        grade = section.grade or "–"
        score = "not judged" if section.score is None else f"{section.score:.0f}/100"
        table.add_row(section.title, Text(grade, _GRADES.get(grade, "dim")), score)
    console.print(table)
    console.print()


def _problem(result: Result, console: Console, limit: int) -> None:
    severity = result.severity or "info"
    coverage = f"  {result.coverage.met}/{result.coverage.total}" if result.coverage else ""
    _line(
        console,
        (f" {severity.upper()} ", _STYLES[severity]),
        (f" {result.title}", "bold"),
        coverage,
        (f"  {result.rule}", "dim"),
    )
    _line(console, result.summary, indent=2)
    some = shown(findings(result), limit)
    for piece, same in some.pieces:
        state = "" if piece.state == "absent" else f"[{piece.state}] "
        place = (f"{piece.path}:{piece.line}", "blue")
        _line(console, place, f"  {state}{piece.message}{alike(same)}", indent=4)
    if some.more:
        _line(console, (f"… and {some.more} more", "dim"), indent=4)
    if count := len(accepted(result)):
        _line(console, (f"{count} accepted or in tests, examples, documentation", "dim"), indent=4)
    console.print()


def _strengths(report: Report, console: Console) -> None:
    found: list[tuple[Result, Piece]] = [
        (r, strengths(r)[0]) for r in report.results if strengths(r)
    ]
    if not found:
        return
    _line(console, ("Strengths", "bold"))
    for result, piece in found:
        told = f"{result.title}: {piece.message}"
        _line(console, ("+ ", "green"), told, (f"  {piece.path}:{piece.line}", "dim"), indent=2)
    console.print()


def _plan(report: Report, console: Console) -> None:
    phases = [phase for phase in report.plan if phase.items]
    if not phases:
        return
    _line(console, ("What to do first", "bold"))
    for phase in phases:
        _line(console, f"Phase {phase.phase}: {phase.title} ({phase.when})", indent=2)
        for number, item in enumerate(phase.items, 1):
            _line(
                console,
                f"{number}. {item.action}",
                (f"  {item.rule}, effort {item.effort}", "dim"),
                indent=4,
            )
    if report.summary.after_phase_1 != report.summary.grade:
        _line(console, f"Phase 1 would lift the grade to {report.summary.after_phase_1}.", indent=2)
    console.print()


def _unknown(report: Report, console: Console) -> None:
    told = list(_unknown_lines(report))
    if not told:
        return
    _line(console, ("Could not be determined", "bold"))
    for line in told:
        _line(console, "? ", line, indent=2)
    console.print()


def _unknown_lines(report: Report) -> Iterator[str]:
    for result in unknowns(report):
        yield f"{result.title}: {result.summary} {result.settle}"
    for file in report.unread[:8]:
        yield f"{file.path} was not read: {file.reason}"
    if len(report.unread) > 8:
        yield f"{len(report.unread) - 8} more files were not read"
    for limit in report.limits[:8]:
        yield f"not looked at: {limit}"
    if len(report.limits) > 8:
        yield f"not looked at: {len(report.limits) - 8} more"


def _foot(report: Report, console: Console) -> None:
    counts = report.summary.findings
    gate = report.summary.gate
    told = ", ".join(
        f"{getattr(counts, word)} {word}"
        for word in counts.__struct_fields__
        if getattr(counts, word)
    )
    passed = (
        ("gate passed", "green")
        if gate.passed
        else (f"gate failed (fail on {gate.fail_on})", "red")
    )
    _line(console, f"{told or 'no findings'}; ", passed)
