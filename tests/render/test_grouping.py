"""What is shown of much evidence."""

from __future__ import annotations

from auditor.render.grouping import shown
from auditor.report.document import Piece, SeverityWord


def piece(line: int, message: str, severity: SeverityWord = "low") -> Piece:
    return Piece("a.py", line, 1, line, "", "absent", severity, message, str(line))


def test_what_is_alike_shows_once() -> None:
    pieces = [piece(n, "the same") for n in range(60)] + [piece(100, "another")]
    found = shown(pieces, 3)
    assert [(p.line, same) for p, same in found.pieces] == [(0, 59), (100, 0)]
    assert found.more == 0


def test_one_of_each_kind_comes_first() -> None:
    pieces = [piece(n, f"route {n}", "high") for n in range(200)] + [piece(300, "x", "medium")]
    found = shown(pieces, 3)
    assert [p.line for p, _ in found.pieces] == [0, 1, 300]
    assert found.more == 198
