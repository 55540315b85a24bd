"""The grade's promises."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from auditor.assess.verdict import Severity
from auditor.report.grade import LETTERS, SECTION_WEIGHTS, Mark, grade

SEVERITIES = st.sampled_from(list(Severity))
MARKS = st.lists(
    st.builds(
        Mark,
        st.sampled_from(list(SECTION_WEIGHTS)),
        SEVERITIES,
        st.none() | st.floats(0, 1),
        st.none() | SEVERITIES,
    ),
    max_size=12,
)
LETTER_ORDER = [letter for _, letter in reversed(LETTERS)]


@given(MARKS, st.randoms())
def test_order_does_not_matter(marks: list[Mark], random: object) -> None:
    shuffled = list(marks)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert grade(shuffled) == grade(marks)


@given(MARKS.filter(bool), st.data())
def test_fixing_never_lowers(marks: list[Mark], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(marks) - 1))
    mark = marks[index]
    if mark.score is None:
        return
    better = replace(mark, score=data.draw(st.floats(mark.score, 1)), open=None)
    after, before = grade([*marks[:index], better, *marks[index + 1 :]]), grade(marks)
    assert after.score >= before.score
    assert LETTER_ORDER.index(after.letter) >= LETTER_ORDER.index(before.letter)


@given(MARKS)
def test_caps(marks: list[Mark]) -> None:
    found = grade(marks)
    worst = max((m.open for m in marks if m.open is not None), default=None)
    if worst is Severity.CRITICAL:
        assert found.letter in "DF"
    if worst is Severity.HIGH:
        assert found.letter in "BCDF"


def test_plain_cases() -> None:
    passed = Mark("security", Severity.CRITICAL, 1.0)
    assert grade([passed]).letter == "A"
    assert grade([passed, Mark("security", Severity.CRITICAL, 0.0)]).score == 50
    assert grade([]).letter == "F"
    assert grade([]).provisional


def test_unknown_is_no_pass_and_makes_provisional() -> None:
    known = Mark("security", Severity.HIGH, 0.5)
    unknown = Mark("security", Severity.HIGH, None)
    assert grade([known, unknown]).score == grade([known]).score
    assert grade([known, unknown]).provisional
    assert not grade([known, known, known, unknown]).provisional


def test_information_weighs_nothing() -> None:
    passed = Mark("security", Severity.LOW, 1.0)
    assert grade([passed, Mark("security", Severity.INFO, 0.0)]).score == 100
