from __future__ import annotations

import difflib
import itertools
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence

from auditor.assess.rule import Reference, Rule, cwe
from auditor.assess.verdict import (
    Coverage,
    Evidence,
    Severity,
    State,
    Verdict,
    count,
    judge,
    not_applicable,
    present,
    unknown,
)
from auditor.link.application import Application
from auditor.model.data import Bound, CollectionFit, Connection, Fit, Index, Match, Query
from auditor.model.traffic import Traffic

_LIMITED = (Bound.ONE, Bound.LIMITED, Bound.CALLER)

_IDENTITY = re.compile(
    r"(?:^|[_. ])(?:uuid|guid|e?mail|token|slug|username|api_?key|sku|phone)\b|(?:^|[. ])_?id\b"
)
"""Fields that tell one record from all others."""
_KEYS = {"id", "_id"}


def _leading(index: Index, fields: Sequence[str]) -> int:
    """How many of an index's fields are among these, from its first on."""
    return sum(1 for _ in itertools.takewhile(lambda key: key[0] in fields, index.fields))


def _costly(query: Query, match: Match) -> bool:
    """Whether what an index leaves open costs much: sorting all for a few, searching for the one.

    The order of the key costs little: it may be gone through instead, where much is found.
    """
    unsorted = {name for name, _ in query.sort if name in match.missing}
    searched = set(match.missing) - unsorted
    return query.bound in _LIMITED and (
        bool(unsorted - _KEYS) or any(map(_IDENTITY.search, searched))
    )


class DatabaseIndexes(Rule):
    """Every frequent query has an index it can use, and every index a query.

    Queries are taken as shapes (the fields compared, the order, how much is taken) and held against the
    indexes that the application creates: prefix, equality-sort-range, direction, uniqueness, partial
    and special indexes. A shape that reads the whole collection is medium when several queries or
    routes have it, else low, and so does one that looks for a single record among those of another key;
    one whose limited result has to be sorted is low. An index that only a
    script declares which nothing runs does not count, and is decorative, as is one on a field that no
    query of its collection uses: often a misspelt field. Booleans, collections that stay small and
    reads of everything ask for no index. What cannot be told from the code is not judged.
    """

    id = "database-indexes"
    title = "Database queries"
    section = "performance"
    severity = Severity.MEDIUM
    risk = (
        "Without an index each query reads the whole collection, and gets slower with every record."
    )
    fix = (
        "Create the indexes when the application starts, for the fields that its queries filter by."
    )
    references = (
        cwe(400),
        Reference(
            "MongoDB: the ESR guideline",
            "https://www.mongodb.com/docs/manual/tutorial/equality-sort-range-guideline/",
        ),
    )
    effort = "small"

    def assess(self, application: Application) -> Verdict:
        found = application.facts(CollectionFit)
        if not found and application.facts(Connection):
            return unknown(
                "The application has a database, and none of its queries could be read.",
                "Run the slow-query log or `explain()` in production.",
            )
        if not found:
            return not_applicable("no database queries were found")
        (traffic,) = application.facts(Traffic)
        judged = [(c, q, m.fit) for c in found for q, m in c.fits if m.fit is not Fit.UNKNOWN]
        if not judged:
            return unknown(
                "No query's collection and filter could be told from the code.",
                "Run the slow-query log or `explain()` in production.",
            )
        met = sum(1 for _, _, fit in judged if fit is not Fit.MISSING)
        blind = {c.unit for c in found if not c.name and c.fits}
        evidence = [
            e
            for c in found
            for e in (*self._gaps(c, traffic), *self._indexes(c, bool(blind & {c.unit, ""})))
        ]
        if met and not any(e.state is State.PRESENT for e in evidence):
            query = next(q for _, q, fit in judged if fit is Fit.COVERED)
            evidence.append(
                present(query.place, f"{met} queries have an index they can use", "covered")
            )
        unknown_ones = sum(len(c.fits) for c in found) - len(judged)
        more = f" {count(unknown_ones, 'other')} could not be told." if unknown_ones else ""
        summary = f"{met} of {count(len(judged), 'query')} have an index they can use.{more}"
        return judge(summary, evidence, Coverage(met, len(judged)), "medium")

    def _gaps(self, collection: CollectionFit, traffic: Traffic) -> Iterator[Evidence]:
        shapes: dict[tuple[object, ...], list[tuple[Query, Match]]] = defaultdict(list)
        for query, match in collection.fits:
            if match.fit is Fit.MISSING or (match.fit is Fit.PARTIAL and _costly(query, match)):
                key = (match.fit, frozenset(query.fields), match.missing, query.special)
                shapes[key].append((query, match))
        for found in sorted(shapes.values(), key=lambda each: -len(each)):
            yield self._gap(collection, traffic, found)

    @staticmethod
    def _gap(
        collection: CollectionFit, traffic: Traffic, found: list[tuple[Query, Match]]
    ) -> Evidence:
        query, match = found[0]
        places = {q.place for q, _ in found}
        routes = {r.name for q, _ in found for r in traffic.of(q)}
        many = count(len(places), "query")
        on = f" on {count(len(routes), 'route')}" if routes else ""
        fields = ", ".join(match.missing) or query.special or "a text"
        several = len(places) > 1 or len(routes) > 1
        severity, state = Severity.MEDIUM if several else Severity.LOW, State.ABSENT
        message = f"{collection.name}: {many}{on} by {fields} without an index they can use"
        if match.fit is Fit.PARTIAL:
            assert match.by is not None
            index = ", ".join(name for name, _ in match.by.fields)
            message = f"{collection.name}: {many}{on} by {fields}, which the index ({index}) leaves to be searched or sorted"
            state = State.WEAK
            if not _IDENTITY.search(fields):
                severity = Severity.LOW
        script = max(collection.idle, key=lambda i: _leading(i, match.missing), default=None)
        if script is not None and not _leading(script, match.missing):
            script = None
        proposed = next((p for p in collection.proposed if query in p.queries), None)
        if script is not None and match.fit is Fit.MISSING:
            message += f"; {script.place} declares one, but nothing runs it"
        elif proposed is not None and proposed.code:
            message += f"; create it: {proposed.code}"
        elif any(name.endswith(".$id") for name in query.scanned):
            message += (
                "; a link is compared after it has been fetched (fetch_links), which no index helps"
            )
        elif query.scanned:
            message += "; a pattern without a fixed beginning needs a text or search index"
        subject = f"{collection.unit} {collection.name} {tuple(sorted(query.fields)) or fields}"
        return Evidence(query.place, state, severity, message, subject)

    def _indexes(self, collection: CollectionFit, blind: bool) -> Iterator[Evidence]:
        used = {
            name
            for query, _ in collection.fits
            for name in (*query.fields, *query.scanned, *(s for s, _ in query.sort))
        }
        blind = blind or any(query.unresolved for query, _ in collection.fits)
        for index in (*collection.live, *collection.idle):
            names = [name for name, _ in index.fields]
            label = f"{collection.name} ({', '.join(names)})"
            needed = index.unique or index.expires or index.implied or index.kind != "ordered"
            if names and names[0] not in used and not needed and not blind:
                close = difflib.get_close_matches(names[0], sorted(used), 1, 0.8)
                meant = f"; {close[0]} is queried" if close else ""
                message = f"index {label}: no query uses {names[0]}{meant}"
                yield Evidence(index.place, State.DECORATIVE, Severity.MEDIUM, message, label)
            elif index in collection.unused and collection.fits:
                message = f"index {label}: no query can use it"
                yield Evidence(index.place, State.DECORATIVE, Severity.LOW, message, label)
            elif not index.run:
                message = f"index {label} is declared in a script that nothing runs"
                yield Evidence(index.place, State.DECORATIVE, Severity.MEDIUM, message, label)
            else:
                yield present(index.place, f"index {label} is created by the application", label)

    good = (
        {
            "app.py": """
import os
from fastapi import FastAPI
from motor.motor_asyncio import AsyncIOMotorClient

db = AsyncIOMotorClient(os.environ["MONGO_URL"]).shop
app = FastAPI()

@app.on_event("startup")
async def indexes():
    await db.leads.create_index("id", unique=True)
    await db.leads.create_index("expires_at", expireAfterSeconds=0)
    await db.leads.create_index([("tenant", 1), ("created_at", -1)])

@app.get("/leads/{lead_id}")
async def lead(lead_id: str):
    return await db.leads.find_one({"id": lead_id, "tenant": "a"})

@app.get("/leads")
async def leads():
    return await db.leads.find({"tenant": "a"}).sort("created_at", -1).to_list(50)
"""
        },
    )
    bad = (
        {
            "app.py": """
import os
from fastapi import FastAPI
from motor.motor_asyncio import AsyncIOMotorClient

db = AsyncIOMotorClient(os.environ["MONGO_URL"]).shop
app = FastAPI()

@app.get("/leads/{lead_id}")
async def lead(lead_id: str):
    return await db.leads.find_one({"id": lead_id})  # expect: medium

@app.delete("/leads/{lead_id}")
async def remove(lead_id: str):
    return await db.leads.delete_one({"id": lead_id})
""",
            "setup_db.py": """
import os
from motor.motor_asyncio import AsyncIOMotorClient

async def main():
    db = AsyncIOMotorClient(os.environ["MONGO_URL"]).shop
    await db.leads.create_index("lead_id")  # expect: medium

if __name__ == "__main__":
    main()
""",
        },
    )
