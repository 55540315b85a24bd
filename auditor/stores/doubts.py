"""Why it is not certain that an index is missing: one may be there that is not seen, or what is asked may stay small.

Each doubt is a sentence of what the code does not tell; the first that holds makes `missing` unknown.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher

from auditor.discover import Kind
from auditor.discover.walk import read
from auditor.extract.facts import Unread
from auditor.link.application import Application
from auditor.link.scopes import place_of
from auditor.model.data import Bound, Fit, Index, Match, Query, Table, UntoldIndexes
from auditor.model.places import Place
from auditor.stores.constants import Named, Seeded, asks_by_name
from auditor.stores.few import NAME
from auditor.stores.matching import best
from auditor.stores.mongo.additions import UPSERTING, upserts
from auditor.stores.short_lists import reads_like_a_list
from auditor.stores.sql.django.catalogues import Catalogue
from auditor.stores.sql.entities import Entities
from auditor.stores.sql.migrations import History
from auditor.stores.units import Key, Units
from auditor.stores.untended import ASKING, GROWS, Untended

_OF_SEVERAL = {"count", "count_documents", "distinct", "update_many", "delete_many"}
_ENTRY = re.compile(r"(?:^|/)(?:main|app|server|run|wsgi|asgi|manage|__init__)\.py$")
_DELETING = {"delete_one", "delete_many", "find_one_and_delete"}


class Doubts:
    """What the tree as a whole leaves open of each collection."""

    def __init__(
        self,
        application: Application,
        units: Units,
        queries: Mapping[Key, Sequence[Query]],
        indexes: Mapping[Key, Sequence[Index]],
        tables: Mapping[Key, Table],
    ) -> None:
        self.queries, self.indexes, self.tables = queries, indexes, tables
        self.tended = {unit for (unit, store, _), made in indexes.items() if made and store == "mongodb"}  # fmt: skip
        self.tended |= {key[0] for key, asked in queries.items() if any(map(_changes, asked))}
        self.nameless: dict[tuple[str, str], list[Index]] = defaultdict(list)
        self.kept: dict[str, list[Index]] = defaultdict(list)
        for (unit, store, name), made in indexes.items():
            run = [index for index in made if index.run]
            if not name:
                self.nameless[unit, store] += run
            elif store == "mongodb":
                self.kept[name] += run
        self.untold: dict[Key, Place] = {}
        for each in application.facts(UntoldIndexes):
            self.untold.setdefault(units.key(each), each.place)
        self.untended = {(each.store, each.name): each.why for each in application.facts(Untended)}
        self.catalogues = {each.table: each for each in application.facts(Catalogue)}
        self.seeded = {each.table for each in application.facts(Seeded)}
        self.named = {each.table for each in application.facts(Named)}
        self.unmanaged = _unmanaged(application)
        self.made_by: dict[str, set[str]] = defaultdict(set)
        """The tables that are asked, by the files of SQL that make them."""
        for (unit, store, name), table in tables.items():
            if store == "sql" and table.columns and queries.get((unit, store, name)):
                self.made_by[table.place.path].add(name)
        self.unread = [
            (
                file.path,
                set(re.findall(r"\w+", read(application.tree, file).decode("utf-8", "replace"))),
            )
            for file, _ in application.of(Unread)
            if file.kind is Kind.PYTHON
        ]
        self.begins = any(application.code.method_calls("init_beanie", "init_bunnet"))
        self.unfilled = _never_filled(application) - {name for _, _, name in indexes}

    def match(self, key: Key, query: Query, match: Match) -> Match:
        if match.fit is not Fit.MISSING:
            return match
        why = next((why for why in self._why(key, query) if why), "")
        return Match(Fit.UNKNOWN, missing=match.missing, why=why) if why else match

    def _why(self, key: Key, query: Query) -> Iterator[str]:
        unit, store, name = key
        if store == "mongodb":
            yield from self._of_documents(key, query)
        yield self._of_any_name(query, self.nameless[unit, store])
        yield self._by_what_is_unread(key, query)
        yield self._by_a_copy(key, query)
        if made_at := self.untold.get(key) or self.untold.get((unit, store, "")):
            yield f"{made_at} creates indexes whose keys cannot be told"
        if self._reads_like_a_list(key):
            yield f"it reads like a short list, of settings or of what others refer to: {GROWS}"
        named = store == "sql" and name in self.named
        if named or (asks_by_name(query) and self._is_named(key)):
            yield f"the code finds its records by names of its own and adds no others: {GROWS}"
        if store == "sql" and name in self.unmanaged:
            yield "Django does not create it (managed = False): what indexes it has is told elsewhere"
        yield self.untended.get((store, name), "")

    def _of_documents(self, key: Key, query: Query) -> Iterator[str]:
        unit, _, name = key
        if key not in self.tables and unit not in self.tended:
            yield "nothing here fills the database or creates an index: another program does"
        if key not in self.tables and name in self.unfilled:
            yield "nothing here fills it: what is there is only ever changed or deleted"
        yield self._by_another_name(key, query)
        yield self._begun_elsewhere(key, query)
        if self._is_found_by_names(key):
            yield f"the code finds each of its documents by a name of its own: {GROWS}"
        live = [index for index in self.indexes.get(key, ()) if index.run]
        others = [index for index in self.kept[name] if index not in live]
        if others and (by := best(query, others).by) is not None:
            yield f"another application of this tree creates one: {by.place}"

    @staticmethod
    def _of_any_name(query: Query, nameless: Sequence[Index]) -> str:
        """An index is created on collections that are named at run time: this may be one of them."""
        by = best(query, nameless).by if nameless else None
        return f"{by.place} creates an index on collections named at run time" if by else ""

    def _by_what_is_unread(self, key: Key, query: Query) -> str:
        """What would create an index is run by nothing that was read: a program that was not may do so."""
        idle = (
            [index for index in self.indexes.get(key, ()) if not index.run] if self.unread else ()
        )
        if not idle or (by := best(query, idle).by) is None:
            return ""
        made = by.place
        named = {made.path.rpartition("/")[2].removesuffix(".py"), made.symbol.rpartition(".")[2]}
        speaks = (path for path, words in self.unread if named & words or _ENTRY.search(path))
        path = next(speaks, "")
        return f"{made} creates one, and {path} may run that: it could not be read" if path else ""

    def _begun_elsewhere(self, key: Key, query: Query) -> str:
        """Beanie asks nothing before `init_beanie`, which creates what a class declares: none here is called elsewhere."""
        if self.begins or key not in self.tables or self.tables[key].library != "Beanie":
            return ""
        by = best(query, self.indexes.get(key, ())).by
        return f"{by.place} declares one, and nothing here calls `init_beanie`" if by else ""

    def _by_a_copy(self, key: Key, query: Query) -> str:
        """A file of SQL makes a table that the code makes too, with an index, and nothing is seen to run it; what is asked
        of another table that it alone makes tells that somebody does: which of the two came first, nothing tells."""
        idle = [i for i in self.indexes.get(key, ()) if not i.run and i.declared_in == "script"]
        by = best(query, idle).by if idle else None
        others = self.made_by[by.place.path] - {key[2]} if by is not None else ()
        return f"{by.place} creates one, and its file alone makes {min(others)}, which is asked too" if by and others else ""  # fmt: skip

    def _by_another_name(self, key: Key, query: Query) -> str:
        """A search of words fails without its index: where the name is only that of an attribute, it may mean a
        collection that has one."""
        asked = self.queries.get(key, ())
        made = [i for indexes in self.kept.values() for i in indexes if i.kind == "text"]
        if query.special != "text" or not made or any(q.certain or _changes(q) for q in asked):
            return ""
        if any(index.run for index in self.indexes.get(key, ())):
            return ""
        alike = max(made, key=lambda i: SequenceMatcher(None, i.collection, query.collection).ratio())  # fmt: skip
        return f"{alike.place} creates a text index on {alike.collection}, which may be what is asked here"

    def _is_named(self, key: Key) -> bool:
        """Whether the code finds the records of a table by names of its own, and adds none."""
        found = self.catalogues.get(key[2])
        if found is None or found.described:
            return found is not None
        unique = {i.fields for i in self.indexes.get(key, ()) if i.unique}
        asked = [
            query
            for query in self.queries[key]
            if query.reads and tuple((field, 1) for field in query.fields) not in unique
        ]
        return all(
            (q.operation == "get" or _takes_one_by_name(q)) and asks_by_name(q)
            for q in asked
            if q.fields or (q.sort and q.bound is not Bound.NONE)
        )

    def _is_found_by_names(self, key: Key) -> bool:
        """Whether a collection is only asked for one document at a time, by several names that the code spells out
        (`{"name": "updates"}`), and by keys."""
        asked = [q for q in self.queries[key] if q.reads and q.fields != ("_id",)]
        names = {pair for q in asked for pair in q.values if q.fields == pair[:1]}
        fields = {field for field, _ in names}
        one = all(
            q.bound is Bound.ONE and not q.sort and q.operation not in _OF_SEVERAL for q in asked
        )
        named = all(len(q.fields) == 1 and asks_by_name(q) for q in asked)
        told = len(fields) == 1 and all(NAME.search(x) for x in fields)
        return one and named and told and len(names) > 1

    def _reads_like_a_list(self, key: Key) -> bool:
        name = key[2]
        told = self.tables[key].columns if key in self.tables else ()
        asked = (field for query in self.queries[key] if query.reads for field in query.fields)
        columns = [column for column, _ in told] or list(asked)
        return reads_like_a_list(name, columns, seeded=name in self.seeded)


def _takes_one_by_name(query: Query) -> bool:
    """`filter(name="phone").first()`; not one of those of a state."""
    one = query.bound is Bound.ONE and not query.sort and query.operation not in _OF_SEVERAL
    return one and all(map(NAME.search, query.fields))


def _unmanaged(application: Application) -> set[str]:
    """The tables of Django's models that neither Django nor a statement of the tree creates.

    Source: https://docs.djangoproject.com/en/stable/ref/models/options/#managed.
    """
    (entities,), (history,) = application.facts(Entities), application.facts(History)
    django = [
        entity for entity in entities if entity.mapper == "django" and entity.found is not None
    ]
    made = {name for name, state in history.tables.items() if state.created}
    made |= {entity.table for entity in django if entity.managed}
    return {entity.table for entity in django} - made


def _changes(query: Query) -> bool:
    return query.store == "mongodb" and query.operation not in ASKING


def _never_filled(application: Application) -> set[str]:
    """The collections of MongoDB from which documents are taken, and of which nothing else is said; of another database
    than the tree's own also those whose documents are only changed."""
    changes = application.code.method_calls(*UPSERTING)
    changing = {place_of(site) for site in changes if not upserts(site)}
    by_name: dict[str, set[str]] = defaultdict(set)
    for query in application.facts(Query):
        if query.store == "mongodb":
            only = "/" in query.collection and query.place in changing
            by_name[query.collection].add("delete_one" if only else query.operation)
    made_up = (ways for name, ways in by_name.items() if not name or "{" in name or "$" in name)
    if any(not ways <= {*_DELETING, *ASKING} for ways in made_up):  # it may fill others
        by_name = {name: ways for name, ways in by_name.items() if "/" in name}
    return {name for name, ways in by_name.items() if name and ways <= _DELETING}
