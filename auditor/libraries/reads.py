"""Routes that compute from the database on every call: dashboards, statistics, aggregates."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from auditor.link.application import Application, provides
from auditor.link.names import Located
from auditor.model.costs import HeavyRead
from auditor.model.data import Bound, Cache, Query
from auditor.model.web import Route

_HEAVY = {"aggregate", "count_documents", "distinct", "count"}
_MANY = 3
"""Reads in one handler from which it is worth remembering the result."""


@provides(HeavyRead)
def heavy_reads(application: Application) -> Iterator[HeavyRead]:
    code = application.code
    by_function: dict[tuple[str, str], list[Query]] = defaultdict(list)
    for query in application.facts(Query):
        by_function[query.place.path, query.place.symbol].append(query)
    caches = application.facts(Cache)
    for route in application.facts(Route):
        if route.method != "GET" or route.function is None or route.public == "health check":
            continue
        functions = code.with_callees(route.function, 1)
        reads = [q for f in functions for q in by_function.get((f.path, _qualname(f)), ())]
        heavy = [q for q in reads if q.operation in _HEAVY]
        if heavy and (len(reads) >= _MANY or any(_sums_up(q) for q in heavy)):
            cached = _cached(functions, caches)
            yield HeavyRead(route, len(reads), heavy[0].place, cached)


def _sums_up(query: Query) -> bool:
    """Whether it goes over much for a figure; one of what an equality narrows down is soon told."""
    told = query.store == "sql" and query.bound is Bound.ONE and query.equality
    return query.operation == "aggregate" and not told


def _qualname(function: Located) -> str:
    outer = function.scope.qualname
    name: str = function.node.name  # type: ignore[attr-defined]
    return f"{outer}.{name}" if outer else name


def _cached(functions: list[Located], caches: tuple[Cache, ...]) -> Cache | None:
    """The cache that one of the functions reads through."""
    spans = [(f.path, f.node.line, f.node.end_line) for f in functions]
    for cache in caches:
        for place in cache.used:
            if any(
                path == place.path and first - 6 <= place.line <= last
                for path, first, last in spans
            ):
                return cache
    return None
