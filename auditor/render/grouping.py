"""Evidence in a form that is short enough to be read."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from auditor.report.document import Piece, Report, Result

ORDER = ("critical", "high", "medium", "low", "info")


_OF_A_KIND = 2
"""Findings of one kind that are shown of one file."""


class Shown(msgspec.Struct, frozen=True):
    """The first pieces of evidence, each with how many say the same, and how many are left out."""

    pieces: list[tuple[Piece, int]]
    more: int


def shown(pieces: Sequence[Piece], limit: int) -> Shown:
    """Pieces that say the same once, and one of each kind first.

    So neither 200 open routes nor 60 equal findings of bandit hide what else there is.
    """
    same: dict[tuple[str, str, str], list[Piece]] = {}
    for piece in pieces:
        same.setdefault((piece.state, piece.severity, piece.message), []).append(piece)
    kinds: dict[tuple[str, str], list[list[Piece]]] = {}
    for group in _without_repeats([*same.values()]) if len(pieces) > limit else same.values():
        kinds.setdefault((group[0].state, group[0].severity), []).append(group)
    chosen: list[list[Piece]] = []
    queues = list(kinds.values())
    while queues and len(chosen) < limit:
        for queue in queues:
            if len(chosen) < limit:
                chosen.append(queue.pop(0))
        queues = [queue for queue in queues if queue]
    order = {id(piece): number for number, piece in enumerate(pieces)}
    chosen.sort(key=lambda group: order[id(group[0])])
    told = sum(len(group) for group in chosen)
    return Shown([(group[0], len(group) - 1) for group in chosen], len(pieces) - told)


def _without_repeats(groups: list[list[Piece]]) -> list[list[Piece]]:
    """A file with 80 findings of one kind shows two of them, and how many there are."""
    first: dict[tuple[str, str, str], list[list[Piece]]] = {}
    kept = []
    for group in groups:
        piece = group[0]
        kind = piece.message.partition(" in `")[0].partition(": ")[0]
        known = first.setdefault((piece.path, piece.severity, kind), [])
        if len(known) < _OF_A_KIND:
            known.append(group)
            kept.append(group)
        else:
            known[-1].extend(group)
    return kept


def alike(number: int) -> str:
    """How a line ends when other places say the same."""
    return f" (and {number} more of the same)" if number else ""


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
