"""The proposed indexes serve every query, and no smaller set does."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator

from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.model.data import Bound, Fit, Index, Proposal, Query
from auditor.stores.matching import best, serves
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


_FOUR = st.sampled_from(("a", "b", "c", "d"))
_ORDER = st.lists(st.tuples(_FOUR, st.sampled_from((1, -1))), max_size=2, unique_by=lambda p: p[0])
_SHAPES = st.builds(
    lambda equality, spans, sort: query(
        " ".join(sorted(equality)), " ".join(sorted(spans - equality)), tuple(sort)
    ),
    st.frozensets(_FOUR, max_size=4),
    st.frozensets(_FOUR, max_size=1),
    _ORDER,
)


def _every_index() -> Iterator[Index]:
    for length in range(1, 5):
        for names in itertools.permutations("abcd", length):
            for ways in itertools.product(("", "-"), repeat=length - 1):
                yield index(*(way + name for way, name in zip(("", *ways), names, strict=True)))


def _least(queries: list[Query]) -> int:
    """The size of the smallest set of indexes that serves all, of all that there can be."""
    asking = [q for q in queries if best(q, ()).fit is Fit.MISSING]
    served = {
        frozenset(i for i, q in enumerate(asking) if serves(made, q).fit is Fit.COVERED)
        for made in _every_index()
    }
    return next(
        size
        for size in range(len(asking) + 1)
        if any(
            len(frozenset().union(*some)) == len(asking)
            for some in itertools.combinations(served, size)
        )
    )


@settings(max_examples=150, deadline=None)
@given(st.lists(_SHAPES, max_size=7))
def test_no_smaller_set_serves_all(queries: list[Query]) -> None:
    assert len(propose([(q, best(q, ())) for q in queries], ())) == _least(queries)


def test_five_that_the_first_fit_would_serve_by_more() -> None:
    asked = [query(names) for names in ("a b", "a c", "b c", "a", "b", "c")]
    assert len(propose([(q, best(q, ())) for q in asked], ())) == 3


def test_an_order_that_nobody_needs_takes_over_what_there_is() -> None:
    old, other = index("b"), query("a")
    asked = [query("a b"), query("a b", "c"), other]
    proposals = propose([(q, best(q, [old])) for q in asked[:2]], [old])
    assert [(p.fields, p.replaces) for p in proposals] == [((("b", 1), ("a", 1), ("c", 1)), (old,))]
    (proposal,) = propose([(q, best(q, [old])) for q in asked], [old])
    assert proposal.fields == (("a", 1), ("b", 1), ("c", 1))
    assert proposal.replaces == ()


def test_what_no_index_can_search_gets_none() -> None:
    asked = [query("on", broad=("on",)), query(scanned=("name",)), query("is_deleted")]
    assert propose([(q, best(q, ())) for q in asked], ()) == []


def test_many_shapes_take_no_time() -> None:
    names = [f"{a}{b}" for a in "abcdefgh" for b in "abcdefgh"]
    pairs = [query(f"{one} {two}") for one, two in itertools.combinations(names, 2)]
    before = time.process_time()
    assert propose([(q, best(q, ())) for q in pairs], ())
    assert time.process_time() - before < 5


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


def test_an_index_that_is_there_is_not_proposed_for_what_it_leaves_to_be_gone_through() -> None:
    live = [index("tenant")]
    searched = query("tenant", scanned=("name",))
    assert best(searched, live).fit is Fit.PARTIAL
    assert propose([(searched, best(searched, live))], live) == []
    sorted_ = query("tenant", "", (("created", -1),), Bound.LIMITED, scanned=("name",))
    (made,) = propose([(sorted_, best(sorted_, live))], live)
    assert made.fields == (("tenant", 1), ("created", -1))


def test_behind_the_key_that_gives_the_order_a_field_narrows_nothing() -> None:
    key = [index("_id", unique=True)]
    by_key = query("", "created", (("_id", 1),), Bound.LIMITED)
    assert best(by_key, key).fit is Fit.PARTIAL
    assert propose([(by_key, best(by_key, key))], key) == []
    narrowed = query("owner", "created", (("_id", 1),), Bound.LIMITED)
    (made,) = propose([(narrowed, best(narrowed, key))], key)
    assert made.fields == (("owner", 1), ("_id", 1), ("created", 1))
    plain = [index("_id")]
    assert propose([(by_key, best(by_key, plain))], plain)


def test_what_many_records_share_stands_last_and_the_best_index_is_gone_on_with() -> None:
    shared = query("mark number", most=("mark",))
    live = [index("mark"), index("number")]
    (one,) = propose([(shared, best(shared, live))], live)
    assert [f for f, _ in one.fields] == ["number", "mark"]
    assert list(one.replaces) == [live[1]]
    plain = query("follower approved")
    kept = index("follower", implied="foreign key")
    (one,) = propose([(plain, best(plain, [kept]))], [kept])
    assert [f for f, _ in one.fields] == ["follower", "approved"]
    named = query("role owner")
    (one,) = propose([(named, best(named, []))], [])
    assert [f for f, _ in one.fields] == ["owner", "role"]
