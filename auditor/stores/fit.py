"""How the queries of each collection fit its indexes."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from difflib import SequenceMatcher

from msgspec.structs import replace

from auditor.link.application import Application, provides
from auditor.link.scopes import place_of
from auditor.model.data import (
    CollectionFit,
    Constant,
    Fit,
    Index,
    Match,
    Query,
    Table,
    UntoldIndexes,
)
from auditor.model.places import Place
from auditor.model.web import WebApp
from auditor.stores.constants import Seeded, asks_by_name, upserts_of
from auditor.stores.idioms import code
from auditor.stores.left_alone import LeftAlone
from auditor.stores.matching import best, helps
from auditor.stores.proposals import propose
from auditor.stores.short_lists import reads_like_a_list
from auditor.stores.sql.django.catalogues import Catalogue
from auditor.stores.untended import Untended

Key = tuple[str, str, str]
"""Application, store, collection."""


_ASKING = {
    "find", "find_one", "find_raw_batches", "count", "count_documents", "distinct", "aggregate", "join",
    "estimated_document_count", "find_one_or_404",
}  # fmt: skip


@provides(CollectionFit)
def collections(application: Application) -> list[CollectionFit]:
    """Every collection that is queried, by application and name."""
    units = [app.name for app in application.facts(WebApp)]
    queries: dict[Key, list[Query]] = defaultdict(list)
    indexes: dict[Key, list[Index]] = defaultdict(list)
    tables: dict[Key, Table] = {}
    for query in application.facts(Query):
        queries[_key(query, units)].append(query)
    for index in application.facts(Index):
        indexes[_key(index, units)].append(index)
    for table in application.facts(Table):
        tables.setdefault((unit_of(table.place.path, units), table.store, table.name), table)
    _share(queries, indexes)
    _lend(queries, indexes, tables)
    driver = "Motor" if application.code.imports("motor") else "PyMongo"
    blind = {unit for (unit, _, name), asked in queries.items() if not name and asked}
    tended = {unit for (unit, store, _), made in indexes.items() if made and store == "mongodb"}
    tended |= {key[0] for key, asked in queries.items() if any(map(_changes, asked))}
    nameless: dict[tuple[str, str], list[Index]] = defaultdict(list)
    for (unit, store, name), made in indexes.items():
        nameless[unit, store] += [] if name else [index for index in made if index.run]
    kept: dict[tuple[str, str], list[Index]] = defaultdict(list)
    for (_, store, name), made in indexes.items():
        if store == "mongodb" and name:
            kept[store, name] += [index for index in made if index.run]
    untended = {(each.store, each.name) for each in application.facts(Untended)}
    catalogues = {each.table for each in application.facts(Catalogue)}
    seeded = {each.table for each in application.facts(Seeded)}
    deleted = _never_filled(application) - {name for _, _, name in indexes}
    untold: dict[Key, Place] = {}
    for each in application.facts(UntoldIndexes):
        untold.setdefault(_key(each, units), each.place)
    small = {(c.store, c.name): c.why for c in application.facts(Constant)}
    fitted: dict[Key, tuple[tuple[Query, Match], ...]] = {}
    for key in sorted(queries.keys() | indexes.keys()):
        unit, store, name = key
        live = tuple(i for i in indexes[key] if i.run)
        reads = [q for q in queries[key] if q.reads]
        usable = (*live, *_brought(store, name, reads))
        fits = tuple((q, best(q, usable, small.get((store, name), ""))) for q in reads)
        if key not in tables and store == "mongodb" and unit not in tended:
            fits = tuple((q, _unsure(match, _ELSEWHERE)) for q, match in fits)
        fits = tuple((q, _perhaps(q, match, nameless[unit, store])) for q, match in fits)
        if not live and not any(q.certain or _changes(q) for q in queries[key]):
            fits = tuple((q, _by_another_name(q, m, kept)) for q, m in fits)
        fits = tuple((q, _elsewhere(q, match, kept[store, name], live)) for q, match in fits)
        if made_at := untold.get(key) or untold.get((unit, store, "")):
            why = f"{made_at} creates indexes whose keys cannot be told"
            fits = tuple((q, _unsure(match, why)) for q, match in fits)
        fitted[key] = fits
    declared_as = {key[1:]: table for key, table in tables.items()}
    alone = LeftAlone(application, itertools.chain.from_iterable(fitted.values()), declared_as)
    found = []
    for key, before in fitted.items():
        unit, store, name = key
        declared, declaring = indexes[key], tables.get(key)
        live = tuple(i for i in declared if i.run)
        fits = tuple((q, alone.match(q, match)) for q, match in before)
        told = tables[key].columns if key in tables else ()
        columns = [column for column, _ in told] or [f for q, _ in fits for f in q.fields]
        if reads_like_a_list(name, columns, seeded=name in seeded):
            fits = tuple((q, _unsure(match, _SHORT)) for q, match in fits)
        if name in catalogues:
            fits = tuple((q, _unsure(m, _KEPT) if asks_by_name(q) else m) for q, m in fits)
        if key not in tables and store == "mongodb" and name in deleted:
            fits = tuple((q, _unsure(match, _EMPTY)) for q, match in fits)
        if (store, name) in untended:
            fits = tuple((q, _unsure(match, _UNTENDED)) for q, match in fits)
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


def _changes(query: Query) -> bool:
    return query.store == "mongodb" and query.operation not in _ASKING


_SHORT = "it reads like a short list, of settings or of what others refer to: whether it grows, the code does not tell"
_KEPT = "the code finds its records by names of its own and adds none: whether it grows, the code does not tell"
_UNTENDED = "nothing adds to it but what is run by hand or at the start: whether it grows, the code does not tell"
_ELSEWHERE = "nothing here fills the database or creates an index: another program does"


_EMPTY = "nothing here fills it: what is there is only ever changed or deleted"
_DELETING = {"delete_one", "delete_many", "find_one_and_delete"}
_CHANGING = {"update_one", "update_many", "find_one_and_update"}


def _never_filled(application: Application) -> set[str]:
    """The collections of MongoDB from which documents are taken, and of which nothing else is said; of another database
    than the tree's own also those whose documents are only changed."""
    changing = {place_of(site) for site in application.code.method_calls(*sorted(_CHANGING))}
    changing -= upserts_of(application)
    by_name: dict[str, set[str]] = defaultdict(set)
    for query in application.facts(Query):
        if query.store == "mongodb":
            changes = "/" in query.collection and query.place in changing
            by_name[query.collection].add("delete_one" if changes else query.operation)
    made_up = (ways for name, ways in by_name.items() if not name or "{" in name or "$" in name)
    if any(not ways <= {*_DELETING, *_ASKING} for ways in made_up):
        by_name = {
            name: ways for name, ways in by_name.items() if "/" in name
        }  # it may fill others
    return {name for name, ways in by_name.items() if name and ways <= _DELETING}


def _unsure(match: Match, why: str) -> Match:
    """No index is known, and there is a reason why there may be one."""
    if match.fit is not Fit.MISSING:
        return match
    return Match(Fit.UNKNOWN, missing=match.missing, why=why)


def _perhaps(query: Query, match: Match, nameless: Sequence[Index]) -> Match:
    """An index is created on collections that are named at run time: this may be one of them."""
    if match.fit is Fit.MISSING and nameless:
        by = best(query, nameless).by
        if by is not None:
            return _unsure(match, f"{by.place} creates an index on collections named at run time")
    return match


def _elsewhere(query: Query, match: Match, kept: Sequence[Index], own: Sequence[Index]) -> Match:
    """Another application of the tree has such an index on a collection of this name: it may be the same."""
    others = [index for index in kept if index not in own] if match.fit is Fit.MISSING else []
    by = best(query, others).by if others else None
    if by is None:
        return match
    return _unsure(match, f"another application of this tree creates one: {by.place}")


def _by_another_name(query: Query, match: Match, kept: dict[tuple[str, str], list[Index]]) -> Match:
    """A search of words fails without its index: where the name is only that of an attribute, it may mean a collection
    that has one."""
    if query.special != "text" or query.store != "mongodb":
        return match
    made = [i for indexes in kept.values() for i in indexes if i.kind == "text"]
    if not made:
        return match
    of_words = max(
        made, key=lambda i: SequenceMatcher(None, i.collection, query.collection).ratio()
    )
    why = f"{of_words.place} creates a text index on {of_words.collection}, which may be what is asked here"
    return _unsure(match, why)


def _key(found: Query | Index | UntoldIndexes, units: list[str]) -> Key:
    return unit_of(found.place.path, units), found.store, found.collection


def _unused(live: Iterable[Index], reads: Sequence[Query]) -> Iterator[Index]:
    """Indexes that serve no query, where every query could be read."""
    if any(q.unresolved for q in reads):
        return
    for index in live:
        needed = index.unique or index.implied or index.expires
        if not needed and not any(helps(index, q) for q in reads):
            yield index


def _brought(store: str, name: str, reads: list[Query]) -> list[Index]:
    """The indexes that a store creates unasked: MongoDB that on `_id`."""
    if store != "mongodb" or not reads:
        return []
    place = Place(reads[0].place.path, 1)
    key = (("_id", 1),)
    return [Index(store, name, key, True, place, "model", "start", implied="primary key")]


def unit_of(path: str, units: list[str]) -> str:
    """The application that a file belongs to: the one whose directory holds it, closest first."""
    inside = [unit for unit in units if unit != "." and path.startswith(unit + "/")]
    return max(
        inside, key=len, default="." if "." in units else (units[0] if len(units) == 1 else "")
    )
