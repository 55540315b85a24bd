"""Two reports held against each other: what got better, what only looks so."""

from __future__ import annotations

import msgspec

from auditor.report.document import Piece, Report, Result

_RANK = {"info": 0, "low": 1, "medium": 2, "high": 3, "critical": 4}
_VERDICTS = {"fail": 0, "unknown": 1, "partial": 2, "pass": 3, "not-applicable": 3}
_REAL = 0.1
"""Coverage must rise by this share of what was missing to count as a real improvement."""


class Change(msgspec.Struct, frozen=True):
    """What became of one rule. `kind` is better, looks-better, worse or unchanged."""

    rule: str
    title: str
    kind: str
    before: str
    after: str
    told: str
    fixed: list[Piece]
    new: list[Piece]


class Diff(msgspec.Struct, frozen=True):
    before_grade: str
    after_grade: str
    before_score: float
    after_score: float
    blockers: list[str]
    changes: list[Change]


def compare(before: Report, after: Report) -> Diff:
    """Rule by rule, in the order of the later report."""
    known = {result.rule: result for result in before.results}
    changes = [
        _change(known[result.rule], result) for result in after.results if result.rule in known
    ]
    return Diff(
        before.summary.grade,
        after.summary.grade,
        before.summary.score,
        after.summary.score,
        after.summary.blockers,
        changes,
    )


def _change(before: Result, after: Result) -> Change:
    old, new = _open(before), _open(after)
    fixed = [piece for key, piece in old.items() if key not in new]
    added = [piece for key, piece in new.items() if key not in old]
    kind, told = _judge(before, after, fixed, added)
    return Change(after.rule, after.title, kind, _told(before), _told(after), told, fixed, added)


def _open(result: Result) -> dict[str, Piece]:
    return {piece.fingerprint: piece for piece in result.evidence if piece.finding}


def _told(result: Result) -> str:
    severity = f" {result.severity}" if result.severity else ""
    coverage = f" {result.coverage.met}/{result.coverage.total}" if result.coverage else ""
    return f"{result.verdict}{severity}{coverage}"


def _judge(
    before: Result, after: Result, fixed: list[Piece], added: list[Piece]
) -> tuple[str, str]:
    hollow = [p for p in added if p.state == "decorative"]
    gained = _gained(before, after)
    if after.verdict == "unknown" and before.verdict != "unknown":
        return "worse", "it can no longer be judged: " + after.summary
    if _VERDICTS[after.verdict] >= 3 and _VERDICTS[before.verdict] < 3:
        return "better", after.summary
    if hollow:
        told = f"a control was added that does nothing: {hollow[0].message}"
        return ("looks-better", told) if gained < _REAL else ("better", after.summary)
    if gained >= _REAL and _rank(after) <= _rank(before):
        return "better", f"in part: {after.summary[0].lower()}{after.summary[1:]}"
    if gained > 0 and _strengthened(before, after) and _rank(after) >= _rank(before):
        return "looks-better", f"only {after.summary[0].lower()}{after.summary[1:]}"
    if _rank(after) < _rank(before):
        return "better", after.summary
    if _rank(after) > _rank(before) or (added and not fixed and len(added) > len(fixed)):
        new = f"{len(added)} new, {added[0].message} for one" if added else after.summary
        return "worse", new
    if fixed and not added:
        return "better", f"{len(fixed)} findings fixed"
    return "unchanged", after.summary


def _strengthened(before: Result, after: Result) -> bool:
    """Whether a strength came that was not there."""
    old = {p.fingerprint for p in before.evidence if p.state == "present"}
    return any(p.state == "present" and p.fingerprint not in old for p in after.evidence)


def _gained(before: Result, after: Result) -> float:
    """The share of what was missing that is now there; 0 where coverage is not counted."""
    if before.coverage is None or after.coverage is None:
        return 0.0
    old = before.coverage.met / before.coverage.total if before.coverage.total else 0.0
    new = after.coverage.met / after.coverage.total if after.coverage.total else 0.0
    return (new - old) / (1 - old) if old < 1 else 0.0


def _rank(result: Result) -> int:
    return _RANK.get(result.severity or "", -1)


HEADINGS = {
    "better": "What really got better",
    "looks-better": "What only looks better",
    "worse": "What got worse",
    "unchanged": "What is unchanged",
}


def to_json(diff: Diff) -> str:
    return msgspec.json.format(msgspec.json.encode(diff), indent=2).decode() + "\n"


def to_text(diff: Diff, markup: bool) -> str:
    """Plain text, or Markdown with `markup`."""
    from auditor.render.safe import markdown, plain

    safe = markdown if markup else plain
    heading = "## " if markup else ""
    lines = [f"> **{safe(b)}**" if markup else safe(b) for b in diff.blockers]
    lines += [
        f"{'# ' if markup else ''}Grade {diff.before_grade} ({diff.before_score:.0f}) -> "
        f"{diff.after_grade} ({diff.after_score:.0f})",
        "",
    ]
    for kind, title in HEADINGS.items():
        found = [change for change in diff.changes if change.kind == kind]
        if kind == "unchanged":
            found = [c for c in found if c.after.split(" ")[0] not in ("not-applicable", "pass")]
        lines += [f"{heading}{title}", ""]
        for change in found:
            lines.append(f"- {safe(change.title)}: {change.before} -> {change.after}")
            lines.append(f"  {safe(change.told)}")
            counts = [f"{len(change.fixed)} fixed"] * bool(change.fixed) + [
                f"{len(change.new)} new"
            ] * bool(change.new)
            if counts:
                lines.append(f"  ({', '.join(counts)})")
        if not found:
            lines.append("- nothing")
        lines.append("")
    return "\n".join(lines)
