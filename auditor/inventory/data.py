"""Every collection: its queries as shapes, its indexes, and what serves what."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from auditor.link.application import Application
from auditor.model.data import CollectionFit, Fit, Index, Match, Query
from auditor.stores.matching import serves


class Served(msgspec.Struct, frozen=True):
    """`by` names the index, where one serves."""

    state: str
    by: str


class QueryRow(msgspec.Struct, frozen=True):
    operation: str
    equality: list[str]
    range: list[str]
    sort: list[str]
    file: str
    line: int
    index: Served
    unresolved: str


class IndexRow(msgspec.Struct, frozen=True):
    fields: list[str]
    unique: bool
    file: str
    line: int
    used: bool
    declared_in: str


class StoreRow(msgspec.Struct, frozen=True):
    kind: str
    collection: str
    application: str
    queries: list[QueryRow]
    indexes: list[IndexRow]


def rows(application: Application) -> list[StoreRow]:
    return [_row(found) for found in application.facts(CollectionFit)]


def _row(found: CollectionFit) -> StoreRow:
    declared = (*found.live, *found.idle)
    return StoreRow(
        found.store,
        found.name,
        found.unit,
        [_query(query, match) for query, match in found.fits],
        [_index(index, [q for q, _ in found.fits]) for index in declared],
    )


def _query(query: Query, match: Match) -> QueryRow:
    by = _label(match.by) if match.by is not None else match.why
    return QueryRow(
        query.operation,
        list(query.equality),
        list(query.range),
        [name if way > 0 else f"-{name}" for name, way in query.sort],
        query.place.path,
        query.place.line,
        Served(match.fit.value, by),
        query.unresolved,
    )


def _index(index: Index, queries: Sequence[Query]) -> IndexRow:
    used = any(serves(index, query).fit is not Fit.MISSING for query in queries)
    fields = [name if way > 0 else f"-{name}" for name, way in index.fields]
    return IndexRow(
        fields, index.unique, index.place.path, index.place.line, used, index.declared_in
    )


def _label(index: Index) -> str:
    return ", ".join(name for name, _ in index.fields)


def table(found: Sequence[StoreRow]) -> tuple[list[str], list[list[str]]]:
    columns = ["application", "collection", "what", "equality", "range", "sort", "index", "place"]
    cells = []
    for store in found:
        for query in store.queries:
            cells.append(
                [
                    store.application,
                    store.collection or "?",
                    query.operation,
                    ", ".join(query.equality),
                    ", ".join(query.range),
                    ", ".join(query.sort),
                    query.unresolved or f"{query.index.state} {query.index.by}".strip(),
                    f"{query.file}:{query.line}",
                ]
            )
        for index in store.indexes:
            state = "used" if index.used else "no query uses it"
            idle = "" if index.declared_in == "code" else ", nothing runs it"
            cells.append(
                [
                    store.application,
                    store.collection,
                    "index",
                    ", ".join(index.fields),
                    "",
                    "",
                    state + idle,
                    f"{index.file}:{index.line}",
                ]
            )
    return columns, cells
