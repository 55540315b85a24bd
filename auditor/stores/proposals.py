"""The few indexes that serve what a collection's own do not.

Each query that is not served in full asks for an index: the fields compared for equality in any
order, those sorted by in theirs, the others in any order. Where one such demand is the beginning of
another, once the free orders are fixed, one index serves both. The fewest indexes are the fewest groups
of demands that agree: for sets of fields this is the least number of chains that cover them, which is
the size of the largest set of which none contains another (R. P. Dilworth, "A decomposition theorem for
partially ordered sets", 1950). An order that nobody needs is set so that a live index becomes the
beginning, and can go.
"""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from auditor.model.data import Fit, Index, Match, Proposal, Query
from auditor.stores.matching import Need, has_few_values, serves

_MOST = 200
"""Different shapes of one collection that are looked at, against hostile code."""
_TRIES = 40_000
"""Joins tried for one collection: enough for each shape to try all others once."""
_WIDEST = 5
"""Fields of an index that is worth its upkeep beside one that narrows the search already."""
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

    @property
    def key(self) -> tuple[int, list[list[str]], list[tuple[str, int]]]:
        """The same for plans that ask for the same; the longest come first."""
        blocks = [sorted(block) for block in self.blocks]
        return -sum(map(len, blocks)), blocks, sorted(self.ways.items())

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

    def fields(self, rank: Callable[[str], tuple[object, ...]]) -> tuple[tuple[str, int], ...]:
        names = [n for block in self.blocks for n in sorted(block, key=rank)]
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
    # a vector is wider than what an index of order may hold
    vectors = {name for index in live if index.kind == "vector" for name, _ in index.fields}
    asking = [q for q, match in fits if _asks(q, match) and vectors.isdisjoint(q.fields)]
    rank = _rank(fits)
    shapes = _shapes(q for q in asking if not q.special)
    spare = [index for index in live if _replaceable(index)]
    best = {match.by for q, match in fits if match.by is not None and _asks(q, match)}
    spare.sort(key=lambda index: (*_most_selective(index), index not in best))
    plans = [_extending(plan, spare) for plan in _fewest(_wanted(shapes))]
    made = [_index(asking[0], plan.fields(rank)) for plan in plans]
    served: dict[int, list[Query]] = defaultdict(list)
    for queries, good in _needed(shapes, made):
        served[good] += queries
    proposals = [
        Proposal(made[i].fields, "ordered", tuple(queries), tuple(_taken_over(made[i], spare)))
        for i, queries in served.items()
    ]
    return sorted([*proposals, *_special(asking)], key=lambda p: (-len(p.queries), p.fields))


def _rank(fits: Sequence[tuple[Query, Match]]) -> Callable[[str], tuple[object, ...]]:
    """In which order the fields of an index come that may come in any: last those of which many records share a value,
    first those by which an index finds what is asked now, and those that are asked for most."""
    shared = {f for q, _ in fits for f in (*q.most, *dict(q.others))}
    leading = {m.by.fields[0][0] for _, m in fits if m.by is not None and m.fit is Fit.PARTIAL}
    uses = Counter(f for q, _ in fits for f in {*q.fields, *(name for name, _ in q.sort)})
    return lambda n: (n in shared or has_few_values(n), n not in leading, -uses[n], n)


def _asks(query: Query, match: Match) -> bool:
    """Whether an index is missing; what is left to be gone through, as `LIKE '%x%'` is, none of order decides."""
    left = set(match.missing) - ({*query.scanned} if not query.special else set())
    if _is_in_order_of_key(query, match):
        return False
    # a record that is looked for by all that it holds is found as it is
    narrow = len(query.fields) <= _WIDEST
    return match.fit is Fit.MISSING or (match.fit is Fit.PARTIAL and bool(left) and narrow)


def _is_in_order_of_key(query: Query, match: Match) -> bool:
    """Whether a unique field gives the order: behind it, another field of an index narrows nothing."""
    need = Need.of(query)
    if match.by is None or not match.by.unique or len(match.by.fields) != 1 or not need.sort:
        return False
    return match.by.fields[0][0] == need.sort[0][0] and not need.equality - need.broad


def _shapes(asking: Iterable[Query]) -> list[list[Query]]:
    """The queries by what they ask of an index."""
    shapes: dict[object, list[Query]] = defaultdict(list)
    for q in asking:
        shapes[q.equality, q.range, q.sort, q.scanned, q.broad, q.bound].append(q)
    return list(itertools.islice(shapes.values(), _MOST))


def _wanted(shapes: Sequence[Sequence[Query]]) -> list[_Plan]:
    """What the shapes ask for, the longest first."""
    plans = sorted((p for same in shapes if (p := _Plan.of(same[0])).blocks), key=lambda p: p.key)
    return [next(same) for _, same in itertools.groupby(plans, lambda plan: plan.key)]


def _fewest(wanted: Sequence[_Plan]) -> list[_Plan]:
    """The least number of plans that serve all; the least found where there is too much to try.

    Each demand joins a plan or begins one, in every way; a way is left when it has as many plans as
    the best one. None is better than one with as many plans as there are demands of which no two agree.
    """
    apart: list[_Plan] = []
    for plan in wanted:
        if all(other.joined(plan) is None for other in apart):
            apart.append(plan)
    best = list(wanted)
    tries = iter(range(_TRIES))

    def place(position: int, plans: list[_Plan]) -> None:
        nonlocal best
        if len(plans) >= len(best):
            return
        if position == len(wanted):
            best = plans
            return
        for i, plan in enumerate(plans):
            if len(best) == len(apart) or next(tries, None) is None:
                return
            if (both := plan.joined(wanted[position])) is not None:
                place(position + 1, [*plans[:i], both, *plans[i + 1 :]])
        place(position + 1, [*plans, wanted[position]])

    place(0, [])
    return best


def _extending(plan: _Plan, spare: Sequence[Index]) -> _Plan:
    """The plan in an order that begins as the live indexes do, the best first, which it then takes over."""
    for index in spare:
        begun = _Plan([frozenset([name]) for name, _ in index.fields], dict(index.fields))
        both = plan.joined(begun)
        if both is not None and sum(map(len, both.blocks)) == sum(map(len, plan.blocks)):
            plan = both
    return plan


def _most_selective(index: Index) -> tuple[int, bool]:
    return -len(index.fields), any(has_few_values(name) for name, _ in index.fields[:1])


def _index(query: Query, fields: tuple[tuple[str, int], ...]) -> Index:
    return Index(query.store, query.collection, fields, False, query.place, "model", "start")


def _needed(
    shapes: Sequence[Sequence[Query]], made: Sequence[Index]
) -> Iterator[tuple[Sequence[Query], int]]:
    """Each shape with the index that serves it best, without those that the rest makes superfluous."""
    good: list[tuple[Sequence[Query], list[int]]] = []
    for same in shapes:
        need = Need.of(same[0])
        marks = [_mark(serves(index, same[0], need)) for index in made]
        least = min(marks, default=_WORST)
        if least < _WORST:
            good.append((same, [i for i, mark in enumerate(marks) if mark == least]))
    uses = Counter(i for _, choice in good for i in choice)
    kept = set(uses)
    for i in sorted(uses, key=lambda i: (uses[i], -i)):
        if all(kept & {*choice} - {i} for _, choice in good if i in choice):
            kept.discard(i)
    for same, choice in good:
        yield same, next(i for i in choice if i in kept)


_WORST = (2, 0)


def _mark(match: Match) -> tuple[int, int]:
    """The lower, the better."""
    if match.fit is Fit.COVERED:
        return 0, 0
    return (1, len(match.missing)) if match.fit is Fit.PARTIAL else _WORST


def _replaceable(index: Index) -> bool:
    """Whether an index may go once another one begins with it: no constraint needs it."""
    hashed = any(way == 0 for _, way in index.fields)
    needed = index.unique or index.implied or index.expires or index.condition or hashed
    return index.kind == "ordered" and not needed


def _taken_over(proposed: Index, spare: Sequence[Index]) -> Iterator[Index]:
    """Live indexes that are the beginning of a proposed one."""
    return (index for index in spare if is_prefix(index.fields, proposed.fields))


def is_prefix(short: Sequence[tuple[str, int]], long: Sequence[tuple[str, int]]) -> bool:
    """Whether whatever an index serves another one serves, read forward or backward."""
    start = list(long[: len(short)])
    return list(short) == start or [(n, -way) for n, way in short] == start


def _special(asking: Sequence[Query]) -> Iterator[Proposal]:
    for kind in ("text", "geo"):
        apart: dict[tuple[str, ...], list[Query]] = defaultdict(list)
        for query in (q for q in asking if q.special == kind):
            # of a collection MongoDB has one text index, a table as many as are searched in
            one = query.store == "mongodb" or kind == "geo"
            apart[() if one else query.scanned].append(query)
        for queries in apart.values():
            fields = [f for q in queries for f in (q.range if kind == "geo" else q.scanned)]
            named = tuple((name, 1) for name in dict.fromkeys(fields))
            if named or kind == "text":  # near what, `$geoNear` need not say
                yield Proposal(named, kind, tuple(queries), ())
