"""How the queries of each collection fit its indexes."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from msgspec.structs import replace

from auditor.link.application import Application, provides
from auditor.model.data import (
    CollectionFit,
    Constant,
    Index,
    Match,
    Query,
    Table,
)
from auditor.model.places import Place
from auditor.stores.doubts import Doubts
from auditor.stores.idioms import code
from auditor.stores.left_alone import LeftAlone
from auditor.stores.matching import best, helps
from auditor.stores.proposals import propose
from auditor.stores.sql.databases import Databases
from auditor.stores.units import Key, Units


@provides(CollectionFit)
def collections(application: Application) -> list[CollectionFit]:
    """Every collection that is queried, by application and name."""
    units = Units(application)
    queries: dict[Key, list[Query]] = defaultdict(list)
    indexes: dict[Key, list[Index]] = defaultdict(list)
    tables: dict[Key, Table] = {}
    for query in application.facts(Query):
        queries[units.key(query)].append(query)
    for index in application.facts(Index):
        indexes[units.key(index)].append(index)
    for table in application.facts(Table):
        tables.setdefault(units.key(table), table)
    _share(queries, indexes)
    _lend(queries, indexes, tables)
    driver = "Motor" if application.code.imports("motor") else "PyMongo"
    blind = {unit for (unit, _, name), asked in queries.items() if not name and asked}
    small = {(c.store, c.name): c.why for c in application.facts(Constant)}
    doubts = Doubts(application, units, queries, indexes, tables)
    databases = Databases(application)
    fitted: dict[Key, tuple[tuple[Query, Match], ...]] = {}
    for key in sorted(queries.keys() | indexes.keys()):
        unit, store, name = key
        live = tuple(i for i in indexes[key] if i.run)
        reads = [q for q in queries[key] if q.reads]
        usable = (*live, *_brought(store, name, reads))
        why = small.get((store, name), "")
        fitted[key] = tuple((q, best(q, databases.there(q, usable), why)) for q in reads)
    declared_as = {key[1:]: table for key, table in tables.items()}
    alone = LeftAlone(application, itertools.chain.from_iterable(fitted.values()), declared_as)
    found = []
    for key, before in fitted.items():
        unit, store, name = key
        declared, declaring = indexes[key], tables.get(key)
        live = tuple(i for i in declared if i.run)
        fits = tuple((q, alone.match(q, match)) for q, match in before)
        fits = tuple((q, doubts.match(key, q, match)) for q, match in fits)
        if fits or declared:
            reads = [q for q, _ in fits]
            idle = tuple(i for i in declared if not i.run)
            default = driver if store == "mongodb" else ""
            proposed = tuple(
                replace(p, code=code(declaring, default, p, name, idle))
                for p in propose(fits, live)
            )
            unused = () if blind & {unit, ""} or not name else tuple(_unused(live, reads))
            found.append(CollectionFit(unit, name, store, fits, live, idle, proposed, unused))
    return found


_AROUND = ("", ".")
"""Where no application of its own stands, and the one around all others."""


def _share(queries: dict[Key, list[Query]], indexes: dict[Key, list[Index]]) -> None:
    """Indexes that stand outside of every application, in migrations beside it, are those of the
    applications that query their collection."""
    users: dict[tuple[str, str], list[Key]] = defaultdict(list)
    for unit, store, name in queries:
        if unit not in _AROUND:
            users[store, name].append((unit, store, name))
    for key in [key for key in indexes if key[0] in _AROUND]:
        using = users.get(key[1:])
        if not using or (key[0] and key in queries):
            continue  # the application around all others has them for itself
        made = indexes[key] if key in queries else indexes.pop(key)
        for user in using:
            indexes[user] = [*indexes.get(user, []), *made]


def _lend(
    queries: dict[Key, list[Query]], indexes: dict[Key, list[Index]], tables: dict[Key, Table]
) -> None:
    """A table that an application queries and another one declares is that other's."""
    owners: dict[tuple[str, str], list[Index]] = defaultdict(list)
    for (_, store, name), made in indexes.items():
        if store == "sql" and name:
            owners[store, name] += made
    for key in queries:
        if key not in tables and (lent := owners.get(key[1:])):
            own = indexes.get(key, [])
            indexes[key] = [*own, *(index for index in lent if index not in own)]


def _unused(live: Iterable[Index], reads: Sequence[Query]) -> Iterator[Index]:
    """Indexes that serve no query, where every query could be read."""
    if any(q.unresolved for q in reads):
        return
    for index in live:
        needed = index.unique or index.implied or index.expires or index.kind == "vector"
        if not needed and not any(helps(index, q) for q in reads):
            yield index


def _brought(store: str, name: str, reads: list[Query]) -> list[Index]:
    """The indexes that a store creates unasked: MongoDB that on `_id`."""
    if store != "mongodb" or not reads:
        return []
    place = Place(reads[0].place.path, 1)
    key = (("_id", 1),)
    return [Index(store, name, key, True, place, "model", "start", implied="primary key")]
