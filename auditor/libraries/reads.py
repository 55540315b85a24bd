"""Routes that compute from the database on every call: dashboards, statistics, aggregates."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from auditor.link.application import Application, provides
from auditor.link.scopes import Located
from auditor.model.costs import HeavyRead
from auditor.model.data import Bound, Cache, Query
from auditor.model.places import Place
from auditor.model.traffic import Traffic
from auditor.model.web import Route

_HEAVY = {"aggregate", "count_documents", "distinct", "count"}
_READING = {"GET", "ANY"}
_MANY = 3
"""Reads for one answer from which it is worth remembering, where two or more of them are figures."""
_DEPTH = 3
"""Calls between a handler and the function that reads through a cache."""


@provides(HeavyRead)
def heavy_reads(application: Application) -> Iterator[HeavyRead]:
    (traffic,) = application.facts(Traffic)
    by_function: dict[tuple[str, str], list[Query]] = defaultdict(list)
    for query in application.facts(Query):
        if query.reads:
            by_function[query.place.path, query.place.symbol].append(query)
    read: dict[Place, list[Query]] = defaultdict(list)
    for queries in by_function.values():
        if any(q.operation in _HEAVY for q in queries):
            for query in queries:
                for route in traffic.of(query):
                    read[route.place].append(query)
    caches = application.facts(Cache)
    for route in application.facts(Route):
        if route.method not in _READING or route.function is None or route.public == "health check":
            continue
        queries = read.get(route.place, [])
        heavy = [q for q in queries if q.operation in _HEAVY]
        places = {q.place for q in queries}
        many = len(places) >= _MANY and len({q.place for q in heavy}) > 1
        if many or any(_sums_up(q) for q in heavy):
            functions = application.code.with_callees(route.function, _DEPTH)
            yield HeavyRead(route, len(places), heavy[0].place, _cached(functions, caches))


def _sums_up(query: Query) -> bool:
    """Whether it goes over much for a figure; one of what an equality narrows down is soon told."""
    told = query.store == "sql" and query.bound is Bound.ONE and query.equality
    return query.operation == "aggregate" and not told


def _cached(functions: list[Located], caches: tuple[Cache, ...]) -> Cache | None:
    """The cache that one of the functions reads through."""
    spans = [(f.path, _first_line(f), f.node.end_line) for f in functions]
    for cache in caches:
        for place in cache.used:
            if any(
                path == place.path and first <= place.line <= last for path, first, last in spans
            ):
                return cache
    return None


def _first_line(function: Located) -> int:
    """The line of the first decorator, or of the function itself."""
    decorators = function.node.decorators  # type: ignore[attr-defined]
    lines: list[int] = [function.node.line, *(d.line for d in decorators)]
    return min(lines)
