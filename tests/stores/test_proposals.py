"""The proposed indexes serve every query, and none of them is one too many."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.model.data import Bound, Fit, Index, Proposal, Query
from auditor.stores.matching import best
from auditor.stores.proposals import is_prefix, propose
from tests.stores.test_matching import index, query

_NAMES = st.sampled_from(("a", "b", "c", "d", "e"))
_PAIRS = st.lists(st.tuples(_NAMES, st.sampled_from((1, -1))), max_size=3, unique_by=lambda p: p[0])
_QUERIES = st.builds(
    lambda equality, spans, broad, sort, bound: query(
        " ".join(sorted(equality)),
        " ".join(sorted(spans - equality)),
        tuple(sort),
        bound,
        broad=tuple(sorted(broad & (equality | spans))),
    ),
    st.frozensets(_NAMES),
    st.frozensets(_NAMES, max_size=2),
    st.frozensets(_NAMES, max_size=2),
    _PAIRS,
    st.sampled_from((Bound.LIMITED, Bound.NONE)),
)
_INDEXES = _PAIRS.filter(len).map(lambda pairs: index(*(f"-{n}" if w < 0 else n for n, w in pairs)))


def _indexes(proposals: list[Proposal]) -> list[Index]:
    return [index(*(f"-{n}" if w < 0 else n for n, w in p.fields), kind=p.kind) for p in proposals]


@settings(max_examples=300, deadline=None)
@given(st.lists(_QUERIES, max_size=8), st.lists(_INDEXES, max_size=3))
def test_every_query_is_served(queries: list[Query], live: list[Index]) -> None:
    proposals = propose([(q, best(q, live)) for q in queries], live)
    made = _indexes(proposals)
    kept = [i for i in live if not any(i in p.replaces for p in proposals)]
    for each in queries:
        assert best(each, [*kept, *made]).fit is Fit.COVERED
    for one in made:
        assert not any(is_prefix(one.fields, other.fields) for other in made if other is not one)
        rest = [*live, *(other for other in made if other is not one)]
        assert any(best(q, rest).fit is not Fit.COVERED for q in queries)


def test_one_compound_index_instead_of_five() -> None:
    queries = [
        query("tenant"),
        query("tenant status"),
        query("tenant status", "created"),
        query("tenant status", sort=(("created", -1),)),
        query("status tenant owner", bound=Bound.ONE),
    ]
    proposals = propose([(q, best(q, ())) for q in queries], ())
    assert {p.fields for p in proposals} == {
        (("tenant", 1), ("status", 1), ("created", -1)),
        (("tenant", 1), ("status", 1), ("owner", 1)),
    }


def test_what_is_longer_takes_over_what_is_shorter() -> None:
    short, unique = index("tenant"), index("tenant", unique=True)
    asked = query("tenant status")
    (proposal,) = propose([(asked, best(asked, [short])), (query("tenant"), best(query("tenant"), [short]))], [short])  # fmt: skip
    assert proposal.fields == (("tenant", 1), ("status", 1))
    assert proposal.replaces == (short,)
    assert propose([(asked, best(asked, [unique]))], [unique]) == []


def test_text_and_places_have_indexes_of_their_own() -> None:
    text, near = query(special="text"), query("", "at", special="geo")
    proposals = propose([(q, best(q, ())) for q in (text, near)], ())
    assert [(p.kind, p.fields) for p in proposals] == [("text", ()), ("geo", (("at", 1),))]
