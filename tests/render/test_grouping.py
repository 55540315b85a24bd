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


def test_of_one_file_two_findings_of_a_kind_show() -> None:
    """A log with 80 secrets does not fill the report; what stands elsewhere keeps its place."""
    secrets = [piece(n, f"password in `user_{n}`: …({n + 6} characters)") for n in range(80)]
    other = Piece("b.py", 7, 1, 7, "", "absent", "low", "password in `db`: …(9 characters)", "b")
    found = shown([*secrets, other, piece(90, "another kind: x")], 10)
    assert [(p.path, p.line, same) for p, same in found.pieces] == [
        ("a.py", 0, 0),
        ("a.py", 1, 78),
        ("b.py", 7, 0),
        ("a.py", 90, 0),
    ]
    assert found.more == 0


def test_few_findings_of_a_kind_all_show() -> None:
    secrets = [piece(n, f"password in `user_{n}`: …(9 characters)") for n in range(4)]
    assert len(shown(secrets, 10).pieces) == 4
