from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Iterator

from auditor.assess.rule import Reference, Rule, cwe
from auditor.assess.verdict import (
    Coverage,
    Evidence,
    Severity,
    State,
    Verdict,
    judge,
    not_applicable,
    present,
    unknown,
)
from auditor.link.application import Application
from auditor.model.data import CollectionFit, Connection, Fit, Query


class DatabaseIndexes(Rule):
    """Every frequent query has an index it can use, and every index a query.

    Queries are grouped by collection and by the fields they filter and sort by, and held against the
    indexes that the application creates (the prefix, equality-sort-range and uniqueness rules of
    MongoDB; `_id` always has one). An index that only a script declares which nothing runs does not
    count, and is decorative, as is one on a field that no query of its collection uses: often a
    misspelt field. A shape that a single query uses is low, one that several use medium.
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
        judged = [(c, q, m.fit) for c in found for q, m in c.fits if m.fit is not Fit.UNKNOWN]
        if not judged:
            return unknown(
                "No query's collection and filter could be told from the code.",
                "Run the slow-query log or `explain()` in production.",
            )
        met = sum(1 for _, _, fit in judged if fit is Fit.COVERED)
        evidence = [e for c in found for e in (*self._gaps(c), *self._indexes(c))]
        if met and not any(e.state is State.PRESENT for e in evidence):
            query = next(q for _, q, fit in judged if fit is Fit.COVERED)
            evidence.append(
                present(query.place, f"{met} queries have an index they can use", "covered")
            )
        summary = f"{met} of {len(judged)} queries have an index they can use."
        return judge(summary, evidence, Coverage(met, len(judged)), "medium")

    def _gaps(self, collection: CollectionFit) -> Iterator[Evidence]:
        shapes: dict[tuple[str, ...], list[Query]] = defaultdict(list)
        for query, match in collection.fits:
            if match.fit in (Fit.MISSING, Fit.PARTIAL):
                fields = query.fields or tuple(name for name, _ in query.sort)
                shapes[tuple(sorted(fields))].append(query)
        for fields, queries in sorted(shapes.items(), key=lambda item: -len(item[1])):
            severity = Severity.MEDIUM if len(queries) > 1 else Severity.LOW
            many = f"{len(queries)} queries" if len(queries) > 1 else "a query"
            script = next(
                (i for i in collection.idle if i.fields and i.fields[0][0] in fields), None
            )
            hint = f"; {script.place} declares one, but nothing runs it" if script else ""
            message = f"{collection.name}: {many} by {', '.join(fields)} without an index they can use{hint}"
            yield Evidence(
                queries[0].place,
                State.ABSENT,
                severity,
                message,
                f"{collection.unit} {collection.name} {fields}",
            )

    def _indexes(self, collection: CollectionFit) -> Iterator[Evidence]:
        used = {
            name
            for query, _ in collection.fits
            for name in (*query.fields, *(s for s, _ in query.sort))
        }
        for index in (*collection.live, *collection.idle):
            names = [name for name, _ in index.fields]
            label = f"{collection.name} ({', '.join(names)})"
            if names and names[0] not in used and not (index.unique or index.expires):
                close = difflib.get_close_matches(names[0], sorted(used), 1, 0.6)
                meant = f"; {close[0]} is queried" if close else ""
                message = f"index {label}: no query uses {names[0]}{meant}"
                yield Evidence(index.place, State.DECORATIVE, Severity.MEDIUM, message, label)
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
