"""Evidence in a form that is short enough to be read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from auditor.report.document import Piece, Report, Result

ORDER = ("critical", "high", "medium", "low", "info")


@dataclass(frozen=True)
class Shown:
    """The first pieces of evidence and how many more there are."""

    pieces: list[Piece]
    more: int


def shown(pieces: Sequence[Piece], limit: int) -> Shown:
    """One piece from each kind of message first, so that 200 of a kind do not hide the others."""
    by_kind: dict[tuple[str, str], list[Piece]] = {}
    for piece in pieces:
        by_kind.setdefault((piece.state, piece.severity), []).append(piece)
    chosen: list[Piece] = []
    queues = list(by_kind.values())
    while queues and len(chosen) < limit:
        for queue in queues:
            if len(chosen) < limit:
                chosen.append(queue.pop(0))
        queues = [queue for queue in queues if queue]
    order = {id(piece): number for number, piece in enumerate(pieces)}
    chosen.sort(key=lambda piece: order[id(piece)])
    return Shown(chosen, len(pieces) - len(chosen))


def findings(result: Result) -> list[Piece]:
    return [piece for piece in result.evidence if piece.finding]


def strengths(result: Result) -> list[Piece]:
    return [piece for piece in result.evidence if piece.state == "present"]


def accepted(result: Result) -> list[Piece]:
    return [piece for piece in result.evidence if piece.waived is not None]


def problems(report: Report) -> list[Result]:
    """Results with open findings, the worst first."""
    found = [result for result in report.results if findings(result)]
    return sorted(found, key=lambda r: (ORDER.index(r.severity or "info"), -r.cost))


def unknowns(report: Report) -> list[Result]:
    return [result for result in report.results if result.verdict == "unknown"]
