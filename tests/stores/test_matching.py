"""The matcher against an index that is built and read: what it touches, and in which order.

The model knows no prefix rule. It sorts all records by the index's keys and takes the shortest run
of keys outside of which none can match; what it has to fetch are the keys of that run that satisfy
all that can be told from a key. An index serves in full when it fetches nothing in vain, needs no
sorting, and no other index that does so reads fewer keys.
"""

from __future__ import annotations

import functools
import itertools
import random
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from auditor.model.data import Bound, Fit, Index, Query
from auditor.model.places import Place
from auditor.stores.matching import best, helps, serves

_AT = Place("app.py", 1)
_FIELDS = ("a", "b", "c", "x")
_QUERIED = ("a", "b", "c")
_DOMAIN = range(4)
_RECORDS = list(itertools.product(_DOMAIN, repeat=len(_FIELDS)))
"""Every combination of values, the worst case for every index; records of equal keys in any order."""
random.Random(4).shuffle(_RECORDS)

Fields = tuple[tuple[str, int], ...]
Shape = tuple[frozenset[str], frozenset[str], Fields]


def query(
    equality: str = "",
    spans: str = "",
    sort: Fields = (),
    bound: Bound = Bound.LIMITED,
    **more: object,
) -> Query:
    return Query(
        "mongodb", "things", "find", tuple(equality.split()), tuple(spans.split()), sort, _AT, bound=bound, **more  # type: ignore[arg-type]
    )  # fmt: skip


def index(*fields: str, unique: bool = False, kind: str = "ordered", **more: object) -> Index:
    keys = tuple((f.removeprefix("-"), -1 if f.startswith("-") else 1) for f in fields)
    return Index("mongodb", "things", keys, unique, _AT, "code", "start", kind=kind, **more)  # type: ignore[arg-type]


def _value(record: tuple[int, ...], field: str) -> int:
    return record[_FIELDS.index(field)]


def _holds(record: tuple[int, ...], shape: Shape, known: set[str]) -> bool:
    equality, spans, _ = shape
    return all(_value(record, f) == 1 for f in equality & known) and all(
        _value(record, f) in (1, 2) for f in spans & known
    )


def _in_order(records: list[tuple[int, ...]], sort: Fields) -> bool:
    keys = [tuple(_value(r, f) * way for f, way in sort) for r in records]
    return keys == sorted(keys) or keys == sorted(keys, reverse=True)


@functools.cache
def _cost(fields: Fields, shape: Shape) -> tuple[int, int, bool]:
    """(keys read, records fetched in vain, whether they must be sorted)."""
    known = {f for f, _ in fields}
    keyed = sorted(_RECORDS, key=lambda r: tuple(_value(r, f) * way for f, way in fields))
    keys = [tuple(_value(r, f) for f, _ in fields) for r in keyed]
    hits = [i for i, r in enumerate(keyed) if _holds(r, shape, known)]
    first, last = keys[hits[0]], keys[hits[-1]]
    run = range(keys.index(first), len(keys) - keys[::-1].index(last))
    fetched = [keyed[i] for i in run if _holds(keyed[i], shape, known)]
    wanted = [r for r in fetched if _holds(r, shape, set(_FIELDS))]
    return len(run), len(fetched) - len(wanted), not _in_order(wanted, shape[2])


def _all_indexes() -> Iterator[Fields]:
    for length in range(1, len(_QUERIED) + 1):
        for names in itertools.permutations(_QUERIED, length):
            for ways in itertools.product((1, -1), repeat=length - 1):
                yield tuple(zip(names, (1, *ways), strict=True))


@functools.cache
def _fewest(shape: Shape) -> int:
    costs = [_cost(fields, shape) for fields in _all_indexes()]
    return min(keys for keys, vain, sorting in costs if not vain and not sorting)


def _expected(fields: Fields, shape: Shape) -> Fit:
    keys, vain, sorting = _cost(fields, shape)
    if not vain and not sorting and keys == _fewest(shape):
        return Fit.COVERED
    narrow = keys <= len(_RECORDS) // 2
    return Fit.PARTIAL if narrow or (shape[2] and not sorting) else Fit.MISSING


_INDEXES = st.lists(st.sampled_from(_FIELDS), min_size=1, unique=True).flatmap(
    lambda names: st.tuples(*[st.tuples(st.just(n), st.sampled_from((1, -1))) for n in names])
)
_SHAPES = st.tuples(
    st.frozensets(st.sampled_from(_QUERIED)),
    st.frozensets(st.sampled_from(_QUERIED)),
    st.lists(st.sampled_from(_QUERIED), max_size=2, unique=True).flatmap(
        lambda names: st.tuples(*[st.tuples(st.just(n), st.sampled_from((1, -1))) for n in names])
    ),
).map(lambda s: (s[0], s[1] - s[0], tuple(p for p in s[2] if p[0] not in s[0])))


@settings(max_examples=400, deadline=None)
@given(_INDEXES, _SHAPES.filter(any))
def test_verdicts_are_those_of_an_index_that_is_read(fields: Fields, shape: Shape) -> None:
    equality, spans, sort = shape
    asked = query(" ".join(sorted(equality)), " ".join(sorted(spans)), sort)
    made = Index("mongodb", "things", fields, False, _AT, "code", "start")
    assert serves(made, asked).fit is _expected(fields, shape)


@pytest.mark.parametrize(
    ("made", "asked", "fit", "missing"),
    [
        (index("a"), query("a b"), Fit.PARTIAL, ("b",)),
        (index("a", unique=True), query("a b"), Fit.COVERED, ()),
        (index("a", "b", unique=True), query("a"), Fit.COVERED, ()),
        (index("b", "a"), query("a"), Fit.MISSING, ("a",)),
        (index("a", "-c"), query("a", sort=(("c", 1),)), Fit.COVERED, ()),
        (index("c", "d"), query(sort=(("c", 1), ("d", -1))), Fit.MISSING, ("c", "d")),
        (index("c", "-d"), query(sort=(("c", -1), ("d", 1))), Fit.COVERED, ()),
        (index("c"), query("a", sort=(("c", 1),)), Fit.PARTIAL, ("a",)),
        (index("c"), query("a", sort=(("c", 1),), bound=Bound.NONE), Fit.MISSING, ("a", "c")),
        (index("a"), query("a", sort=(("c", 1),)), Fit.PARTIAL, ("c",)),
        (index("a", "r", "b"), query("a b", "r"), Fit.PARTIAL, ("b",)),
        (Index("mongodb", "things", (("a", 0), ("b", 1)), False, _AT, "code", "start"), query("a", sort=(("b", 1),)), Fit.COVERED, ()),
        (Index("mongodb", "things", (("a", 0), ("b", 1)), False, _AT, "code", "start"), query("", "a"), Fit.MISSING, ("a",)),
        (index("a", kind="hash"), query("a"), Fit.COVERED, ()),
        (index("a", kind="hash"), query("", "a"), Fit.MISSING, ("a",)),
        (index("a", kind="hash"), query(sort=(("a", 1),)), Fit.MISSING, ("a",)),
        (index("a"), query(scanned=("a",)), Fit.MISSING, ("a",)),
        (index("a"), query("a", scanned=("n",)), Fit.PARTIAL, ("n",)),
        (index("n", kind="other"), query(scanned=("n",)), Fit.COVERED, ()),
        (index("t", kind="text"), query(special="text"), Fit.COVERED, ()),
        (index("t"), query(special="text"), Fit.MISSING, ()),
        (index("at", kind="geo"), query("", "at", special="geo"), Fit.COVERED, ()),
        (index("at"), query("", "at", special="geo"), Fit.MISSING, ("at",)),
        (index("a", condition=("a",)), query("a"), Fit.COVERED, ()),
        (index("a", condition=("a",)), query(sort=(("a", 1),)), Fit.MISSING, ("a",)),
        (index("a", condition=("s",)), query("a"), Fit.MISSING, ("a",)),
        (index("a", condition=("s",), only=(("s", "on"),)), query("a s", values=(("s", "on"),)), Fit.COVERED, ()),
        (index("a", condition=("s",), only=(("s", "on"), ("s", "off"))), query("a s", values=(("s", "off"),)), Fit.PARTIAL, ("s",)),
        (index("a", condition=("s",), only=(("s", "on"),)), query("a s", values=(("s", "off"),)), Fit.MISSING, ("a", "s")),
        (index("a"), query("a on", broad=("on",)), Fit.COVERED, ()),
        (index("on"), query("a on", broad=("on",)), Fit.MISSING, ("a",)),
        (index("on", "c"), query("on", sort=(("c", 1),), broad=("on",)), Fit.COVERED, ()),
    ],
)  # fmt: skip
def test_an_index_and_a_query(
    made: Index, asked: Query, fit: Fit, missing: tuple[str, ...]
) -> None:
    found = serves(made, asked)
    assert (found.fit, found.missing) == (fit, missing)


@pytest.mark.parametrize(
    ("fields", "store", "fit"),
    [
        (("a", "on"), "sql", Fit.COVERED),
        (("on", "a"), "sql", Fit.MISSING),
        (("on", "a"), "mongodb", Fit.COVERED),
    ],
)
def test_what_is_not_one_value_bounds_no_run_of_the_keys(
    fields: tuple[str, ...], store: str, fit: Fit
) -> None:
    asked = replace(query(spans="a on", broad=("on",)), store=store)
    assert serves(index(*fields), asked).fit is fit


@pytest.mark.parametrize(("field", "by"), [("owner", "owner"), ("status", "id")])
def test_what_finds_few_serves_more_than_what_gives_the_order(field: str, by: str) -> None:
    asked = replace(query(field, sort=(("id", -1),)), store="sql")
    found = best(asked, [index("id", unique=True), index(field)])
    assert (found.fit, found.by and found.by.fields[0][0]) == (Fit.PARTIAL, by)


def test_of_two_indexes_the_one_that_finds_fewer_serves() -> None:
    asked = replace(query("mark number"), store="sql", most=("mark",))
    found = best(asked, [index("mark"), index("number")])
    assert (found.fit, found.missing) == (Fit.PARTIAL, ("mark",))


@pytest.mark.parametrize(("field", "fit"), [("on", Fit.PARTIAL), ("live", Fit.MISSING)])
def test_an_index_of_a_flag_finds_the_few_that_have_it_set(field: str, fit: Fit) -> None:
    asked = query("live on", "day", broad=("live", "on"), others=(("on", True),))
    assert best(replace(asked, store="sql"), [index(field)]).fit is fit


def test_left_alone() -> None:
    assert best(query("on", broad=("on",)), ()).fit is Fit.COVERED
    assert best(query(), ()).fit is Fit.COVERED
    assert best(query("a"), (), constant="filled from a list of 5").fit is Fit.COVERED
    assert best(query("a", unresolved="built at run time"), ()).fit is Fit.UNKNOWN
    assert best(query("a"), ()).fit is Fit.MISSING


def test_reading_everything_uses_no_index() -> None:
    everything = Query("mongodb", "leads", "find", (), (), (), _AT)
    index = Index("mongodb", "leads", (("tenant", 1),), False, _AT, "script", "")
    assert not helps(index, everything)
    assert helps(index, replace(everything, equality=("tenant",)))


def test_of_two_indexes_the_one_that_finds_by_equality_is_named() -> None:
    for indexes in ([index("b"), index("a")], [index("a"), index("b")]):
        found = best(query("a", "b"), indexes)
        assert (found.by, found.missing) == (index("a"), ("b",))
