"""Every collection: its queries as shapes, its indexes, the gaps, and what would fill them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby

import msgspec

from auditor.link.application import Application
from auditor.model.data import CollectionFit, Index, Match, Query
from auditor.model.traffic import Traffic
from auditor.stores.matching import helps

_STATES = ("missing", "unknown", "partial", "covered")
_COLOURS = {"missing": "bold red", "unknown": "yellow", "partial": "yellow", "covered": "green"}
_LEAST = 72


class Served(msgspec.Struct, frozen=True):
    """`by` names the index, or says why none is needed; `missing` are the fields it leaves."""

    state: str
    by: str
    missing: list[str] = []


class QueryRow(msgspec.Struct, frozen=True):
    operation: str
    equality: list[str]
    range: list[str]
    sort: list[str]
    file: str
    line: int
    index: Served
    unresolved: str
    scanned: list[str]
    special: str
    """The kind of index that is needed, where it is not an ordered one: text, geo."""
    bound: str
    loop: int
    """The line of the loop over another query's result that it runs in; 0 for none."""
    routes: list[str]


class IndexRow(msgspec.Struct, frozen=True):
    fields: list[str]
    unique: bool
    file: str
    line: int
    used: bool | None
    """None where queries that could not be read may use it."""
    declared_in: str
    kind: str
    implied: str
    run: str
    """What creates it: start, handler, migration; empty where nothing does."""


class ProposalRow(msgspec.Struct, frozen=True):
    fields: list[str]
    kind: str
    code: str
    replaces: list[list[str]]
    queries: int


class StoreRow(msgspec.Struct, frozen=True):
    kind: str
    collection: str
    application: str
    queries: list[QueryRow]
    indexes: list[IndexRow]
    recommended: list[ProposalRow]


def rows(application: Application) -> list[StoreRow]:
    (traffic,) = application.facts(Traffic)
    return [_row(found, traffic) for found in application.facts(CollectionFit)]


def _row(found: CollectionFit, traffic: Traffic) -> StoreRow:
    return StoreRow(
        found.store,
        found.name,
        found.unit,
        [_query(query, match, traffic) for query, match in found.fits],
        [_index(index, found) for index in (*found.live, *found.idle)],
        [
            ProposalRow(
                _signed(p.fields),
                p.kind,
                p.code,
                [_signed(r.fields) for r in p.replaces],
                len(p.queries),
            )
            for p in found.proposed
        ],
    )


def _query(query: Query, match: Match, traffic: Traffic) -> QueryRow:
    by = ", ".join(_signed(match.by.fields)) if match.by is not None else match.why
    return QueryRow(
        query.operation,
        list(query.equality),
        list(query.range),
        _signed(query.sort),
        query.place.path,
        query.place.line,
        Served(match.fit.value, by, list(match.missing)),
        query.unresolved,
        list(query.scanned),
        query.special,
        query.bound.value,
        query.loop.line if query.loop is not None else 0,
        list(dict.fromkeys(route.name for route in traffic.of(query))),
    )


def _index(index: Index, found: CollectionFit) -> IndexRow:
    used: bool | None = any(helps(index, query) for query, _ in found.fits)
    if not used and index in found.live and index not in found.unused:
        used = None
    return IndexRow(
        _signed(index.fields),
        index.unique,
        index.place.path,
        index.place.line,
        used,
        index.declared_in,
        index.kind,
        index.implied,
        index.run,
    )


def _signed(fields: Sequence[tuple[str, int]]) -> list[str]:
    marks = {1: "", -1: "-", 0: "#"}
    return [marks[way] + name for name, way in fields]


# --- for people


def show(found: Sequence[StoreRow], width: int) -> Iterator[list[tuple[str, str]]]:
    """Lines of (text, style): by application and collection, the most gaps first; a summary.

    `width` is in characters; what does not fit is shortened.
    """
    if not found:
        yield [("no queries or indexes", "dim")]
        return
    room = max(width, _LEAST)
    ranked = sorted(found, key=lambda s: (s.application, -_gaps(s), s.collection))
    for name, group in groupby(ranked, lambda store: store.application):
        if name not in (".", ""):
            yield [(name, "bold")]
        for store in group:
            yield from _store(store, room)
    total = Counter(q.index.state for store in found for q in store.queries)
    told = ", ".join(f"{total[state]} {state}" for state in _STATES if total[state])
    queries = sum(total.values())
    yield [(f"{queries} queries of {len(found)} collections: {told}", "bold")]


def _gaps(store: StoreRow) -> int:
    return sum(query.index.state == "missing" for query in store.queries)


def _store(store: StoreRow, width: int) -> Iterator[list[tuple[str, str]]]:
    name = store.collection or "named at run time"
    yield [(f"  {name}", "bold"), (f"  {store.kind}, {len(store.queries)} queries", "dim")]
    shapes: dict[tuple[object, ...], list[QueryRow]] = {}
    for query in store.queries:
        same = (
            *sorted(query.equality),
            "",
            *sorted(query.range),
            "",
            *query.scanned,
            query.special,
            *query.sort,
        )
        shapes.setdefault((query.index.state, _answer(query), *same), []).append(query)
    listed = sorted(
        shapes.values(), key=lambda same: (_STATES.index(same[0].index.state), -len(same))
    )
    places = [_place(same) for same in listed]
    left = width - 15 - max(map(len, places), default=0)
    one = min(max((len(_shape(same[0])) for same in listed), default=0), left * 55 // 100)
    two = left - one - 2
    for members, place in zip(listed, places, strict=True):
        query = members[0]
        state = query.index.state
        text = f"{_cut(_shape(query), one):<{one}}  {_cut(_answer(query), two):<{two}}  {place}"
        yield [(f"    {state:<9}", _COLOURS[state]), (text, "")]
    for index in store.indexes:
        what = ", ".join(index.fields) + (" (unique)" if index.unique else "")
        needed = index.implied or index.unique
        states = ["no query uses it"] if index.used is False and not needed else []
        states += [] if index.run else ["nothing runs it"]
        place = f"{index.file.rpartition('/')[2]}:{index.line}"
        told = "; ".join(states)
        line = f"    index    {_cut(what, width - 17 - len(told) - len(place))}"
        yield [(line, "dim"), (f"  {told}" if told else "", "yellow"), (f"  {place}", "dim")]
    for proposal in store.recommended:
        more = f" instead of ({', '.join(proposal.replaces[0])})" if proposal.replaces else ""
        yield [("    add      ", "cyan"), (_cut(proposal.code + more, width - 13), "")]
    yield [("", "")]


def _place(same: Sequence[QueryRow]) -> str:
    first = same[0]
    times = f" x{len(same)}" if len(same) > 1 else ""
    return f"{first.file.rpartition('/')[2]}:{first.line}{times}"


def _shape(query: QueryRow) -> str:
    parts = [", ".join(query.equality)] if query.equality else []
    parts += [f"range {', '.join(query.range)}"] if query.range else []
    scans = "words" if query.special == "text" else "pattern"
    parts += [f"{scans} {', '.join(query.scanned)}"] if query.scanned else []
    parts += ["words"] if query.special == "text" and not query.scanned else []
    parts += [f"sort {', '.join(query.sort)}"] if query.sort else []
    return "; ".join(parts) or query.operation


def _answer(query: QueryRow) -> str:
    if query.unresolved and query.index.state == "unknown":
        return query.unresolved
    if query.index.state == "missing" and query.special:
        where = ", ".join([*query.range, *query.scanned])
        return f"no {query.special} index" + (f" of {where}" if where else "")
    if (
        query.index.state == "missing"
        and query.scanned
        and {*query.index.missing} <= {*query.scanned}
    ):
        return f"no index serves how {', '.join(query.scanned)} is compared"
    if query.index.state == "missing":
        return f"no index of {', '.join(query.index.missing) or query.operation}"
    if query.index.state == "partial":
        return f"by {query.index.by}, not {', '.join(query.index.missing)}"
    return query.index.by


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: max(width - 1, 0)] + "…"
