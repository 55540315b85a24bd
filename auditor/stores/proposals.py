"""The few indexes that serve what a collection's own do not.

Each query that is not served in full asks for an index: the fields compared for equality in any
order, those sorted by in theirs, the others in any order. Where one such demand is the beginning of
another, once the free orders are fixed, one index serves both. Longest first, each demand joins the
first index that it can; an index that the others make superfluous is dropped.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from auditor.model.data import Fit, Index, Match, Proposal, Query
from auditor.stores.matching import Need, serves

_MOST = 400
"""Different shapes of one collection that are looked at, against hostile code."""
Ways = dict[str, int]


@dataclass
class _Plan:
    """An index whose order is only fixed as far as somebody needs it."""

    blocks: list[frozenset[str]]
    ways: Ways = field(default_factory=dict)

    @classmethod
    def of(cls, query: Query) -> _Plan:
        need = Need.of(query)
        equality = need.equality - need.broad
        order = [name for name, _ in need.sort]
        spans = need.spans - need.broad - frozenset(order)
        blocks = [equality, *(frozenset([name]) for name in order), spans]
        return cls([b for b in blocks if b], dict(need.sort))

    def joined(self, other: _Plan) -> _Plan | None:
        """An index that serves as both; None where there is none."""
        ways = _agreed(self.ways, other.ways)
        if ways is None:
            return None
        mine, theirs = list(self.blocks), list(other.blocks)
        blocks: list[frozenset[str]] = []
        while mine and theirs:
            one, two = mine.pop(0), theirs.pop(0)
            common = one & two
            if common not in (one, two):
                return None
            blocks.append(common)
            if rest := one - common:
                mine.insert(0, rest)
            if rest := two - common:
                theirs.insert(0, rest)
        return _Plan([*blocks, *mine, *theirs], ways)

    def fields(self, rank: Counter[str]) -> tuple[tuple[str, int], ...]:
        names = [n for block in self.blocks for n in sorted(block, key=lambda n: (-rank[n], n))]
        return tuple((name, self.ways.get(name, 1)) for name in names)


def _agreed(mine: Ways, theirs: Ways) -> Ways | None:
    """Directions that serve both; an index is read forward and backward, hence all may turn."""
    turns = {mine[name] * way for name, way in theirs.items() if name in mine}
    if len(turns) > 1:
        return None
    turn = turns.pop() if turns else 1
    return {**{name: way * turn for name, way in theirs.items()}, **mine}


def propose(fits: Sequence[tuple[Query, Match]], live: Sequence[Index]) -> list[Proposal]:
    """The indexes to add, most needed first; `live` are those that there are."""
    asking = [q for q, match in fits if match.fit in (Fit.MISSING, Fit.PARTIAL)]
    rank = Counter(f for q, _ in fits for f in {*q.fields, *(name for name, _ in q.sort)})
    plain = [q for q in asking if not q.special]
    made = [_index(plain[0], plan.fields(rank)) for plan in _plans(plain)]
    served: dict[int, list[Query]] = defaultdict(list)
    for query, good in _needed(plain, made):
        served[good].append(query)
    proposals = [
        Proposal(made[i].fields, "ordered", tuple(queries), tuple(_taken_over(made[i], live)))
        for i, queries in served.items()
    ]
    return sorted([*proposals, *_special(asking)], key=lambda p: (-len(p.queries), p.fields))


def _plans(asking: Sequence[Query]) -> list[_Plan]:
    shapes = {(q.equality, q.range, q.sort, q.broad, q.bound): q for q in asking}
    wanted = [_Plan.of(q) for q in list(shapes.values())[:_MOST]]
    wanted.sort(key=lambda p: (-sum(map(len, p.blocks)), [sorted(b) for b in p.blocks]))
    plans: list[_Plan] = []
    for plan in wanted:
        for position, before in enumerate(plans):
            if (both := before.joined(plan)) is not None:
                plans[position] = both
                break
        else:
            plans.append(plan)
    return [plan for plan in plans if plan.blocks]


def _index(query: Query, fields: tuple[tuple[str, int], ...]) -> Index:
    return Index(query.store, query.collection, fields, False, query.place, "model", "start")


def _needed(asking: Sequence[Query], made: Sequence[Index]) -> Iterator[tuple[Query, int]]:
    """Each query with the index that serves it best, without those that the rest makes superfluous."""
    good: list[tuple[Query, list[int]]] = []
    for query in asking:
        marks = [_mark(serves(index, query)) for index in made]
        least = min(marks, default=_WORST)
        if least < _WORST:
            good.append((query, [i for i, mark in enumerate(marks) if mark == least]))
    uses = Counter(i for _, choice in good for i in choice)
    kept = set(uses)
    for i in sorted(uses, key=lambda i: (uses[i], -i)):
        if all(kept & {*choice} - {i} for _, choice in good if i in choice):
            kept.discard(i)
    for query, choice in good:
        yield query, next(i for i in choice if i in kept)


_WORST = (2, 0)


def _mark(match: Match) -> tuple[int, int]:
    """The lower, the better."""
    if match.fit is Fit.COVERED:
        return 0, 0
    return (1, len(match.missing)) if match.fit is Fit.PARTIAL else _WORST


def _taken_over(proposed: Index, live: Sequence[Index]) -> Iterator[Index]:
    """Live indexes that are the beginning of a proposed one, and that no constraint needs."""
    for index in live:
        plain = index.kind == "ordered" and not (index.unique or index.implied or index.expires)
        if plain and not index.condition and is_prefix(index.fields, proposed.fields):
            yield index


def is_prefix(short: Sequence[tuple[str, int]], long: Sequence[tuple[str, int]]) -> bool:
    """Whether whatever an index serves another one serves, read forward or backward."""
    start = list(long[: len(short)])
    return list(short) == start or [(n, -way) for n, way in short] == start


def _special(asking: Sequence[Query]) -> Iterator[Proposal]:
    for kind in ("text", "geo"):
        queries = tuple(q for q in asking if q.special == kind)
        if not queries:
            continue
        fields = [f for q in queries for f in (q.range if kind == "geo" else q.scanned)]
        named = tuple((name, 1) for name in dict.fromkeys(fields))
        if named or kind == "text":  # near what, `$geoNear` need not say
            yield Proposal(named, kind, queries, ())
