from __future__ import annotations

import re
from collections.abc import Iterator

from auditor.assess.rule import Reference, Rule, cwe, owasp_api
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
)
from auditor.link.application import Application
from auditor.model.data import Bound, Constant, Query
from auditor.model.traffic import Traffic
from auditor.model.web import Route

_KEY = re.compile(
    r"(?:^|\.)(?:_?id|uuid|guid|e?mail|token|slug|username|api_?key|sku|phone)$", re.I
)
"""Fields that few records share a value of."""
_READS = {"find", "aggregate", "select", "find_raw_batches", "distinct"}


def _repeating(query: Query, traffic: Traffic) -> tuple[Route, ...]:
    """The routes that run the loop which a query is in, where that stands elsewhere."""
    loop, place = query.loop, query.place
    if loop is None or (loop.path, loop.symbol) == (place.path, place.symbol):
        return ()
    running, asking = traffic.at(loop), traffic.of(query)
    return tuple(route for route in running if route in asking)


class UnboundedQueries(Rule):
    """Reads that serve requests are bounded, and not repeated for each record of another read.

    A list route that reads all there is gets slower with every record; where the caller sets the limit
    and nothing caps it, one request can ask for everything. Reading everything by no condition, or by
    one that most records meet, is medium, as is a limit without a maximum and a query in a loop over
    another one's result (N+1); what is narrowed by a condition first is low, and nothing where that is
    by a key (an id, an e-mail address). Reads that no route runs,
    and tables that stay small, are left alone.
    """

    id = "unbounded-queries"
    title = "Unbounded queries"
    section = "performance"
    severity = Severity.MEDIUM
    risk = "One request can read a whole collection into memory, or send a query for each of its records."
    fix = "Page every list with a limit that has a maximum, and read related records in one query."
    references = (
        cwe(770),
        owasp_api(4),
        Reference(
            "MongoDB: limit the number of query results",
            "https://www.mongodb.com/docs/manual/tutorial/optimize-query-performance-with-indexes-and-projections/",
        ),
    )
    effort = "small"

    def assess(self, application: Application) -> Verdict:
        (traffic,) = application.facts(Traffic)
        small = {(c.store, c.name) for c in application.facts(Constant)}
        served = [
            (query, routes)
            for query in dict.fromkeys(application.facts(Query))
            if query.reads
            and (routes := _repeating(query, traffic) or traffic.of(query))
            and (query.store, query.collection) not in small
        ]
        reads = [(q, r) for q, r in served if q.operation in _READS or q.loop is not None]
        if not reads:
            return not_applicable("no route reads lists from a database")
        places = {q.place for q, _ in reads}
        bad: dict[object, Evidence] = {}
        for query, routes in reads:
            if (found := self._judged(query, routes)) is not None:
                before = bad.get(query.place)
                if before is None or found.severity > before.severity:
                    bad[query.place] = found
        met = len(places) - len(bad)
        evidence = [*bad.values(), *self._strength([q for q, _ in reads if q.place not in bad])]
        if not evidence:
            return not_applicable("how much the reads bring is decided elsewhere")
        summary = f"{met} of {count(len(places), 'read')} that serve requests are bounded."
        return judge(summary, evidence, Coverage(met, len(places)), "medium")

    def _judged(self, query: Query, routes: tuple[Route, ...]) -> Evidence | None:
        what = query.collection or "a collection named at run time"
        on = routes[0].name
        if len(routes) > 1:
            on += f" (and {count(len(routes) - 1, 'more route')})"
        subject = f"{routes[0].application} {what} {query.place.symbol} {query.operation}"
        if query.loop is not None and query.operation != "join":
            at = query.loop
            where = f"line {at.line}" if at.path == query.place.path else f"{at.path}:{at.line}"
            message = f"{on} queries {what} once for each record of the loop in {where}"
            return Evidence(query.place, State.ABSENT, Severity.MEDIUM, message, f"{subject} loop")
        if query.operation not in _READS or query.operation == "distinct":
            return None
        if query.bound is Bound.CALLER:
            message = (
                f"{on} reads as many of {what} as the caller asks for: its limit has no maximum"
            )
            return Evidence(query.place, State.WEAK, Severity.MEDIUM, message, f"{subject} limit")
        if query.bound is not Bound.NONE or query.unresolved:
            return None
        narrowed = set(query.fields) - set(query.broad)
        if any(_KEY.search(name) for name in narrowed):
            return None
        severity = Severity.LOW if narrowed else Severity.MEDIUM
        by = f" by {', '.join(sorted(narrowed))}" if narrowed else ""
        message = f"{on} reads all of {what}{by}, with no limit"
        return Evidence(query.place, State.ABSENT, severity, message, subject)

    @staticmethod
    def _strength(bounded: list[Query]) -> Iterator[Evidence]:
        limited = [q for q in bounded if q.bound in (Bound.LIMITED, Bound.ONE)]
        if limited:
            told = f"{count(len({q.place for q in limited}), 'read')} with a limit"
            yield present(limited[0].place, told, "bounded reads")

    good = (
        {
            "app.py": """
import os
from fastapi import FastAPI, Query
from motor.motor_asyncio import AsyncIOMotorClient

db = AsyncIOMotorClient(os.environ["MONGO_URL"]).shop
app = FastAPI()

@app.get("/leads")
async def leads(limit: int = Query(20, le=100)):
    return await db.leads.find({"tenant": "a"}).limit(limit).to_list(None)

@app.get("/few")
async def few(limit: int = 20):
    limit = min(limit, 100)
    return await db.leads.find().to_list(limit)

@app.get("/owners")
async def owners():
    leads = await db.leads.find().to_list(50)
    found = await db.users.find({"_id": {"$in": [lead["owner"] for lead in leads]}}).to_list(50)
    return [user for user in found]

@app.get("/taken")
async def taken(name: str, email: str):
    return [u async for u in db.users.find({"$or": [{"username": name}, {"email": email}]})]

@app.get("/figures")
async def figures():
    return [x async for x in db.leads.aggregate([{"$group": {"_id": "$status", "n": {"$sum": 1}}}])]

async def export():
    return [lead async for lead in db.leads.find()]
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

@app.get("/leads")
async def leads():
    return await db.leads.find().to_list(None)  # expect: medium

@app.get("/mine")
async def mine(tenant: str):
    return [lead async for lead in db.leads.find({"tenant": tenant})]  # expect: low

@app.get("/many")
async def many(limit: int = 20):
    return await db.leads.find({"tenant": "a"}).limit(limit).to_list(None)  # expect: medium

async def owner(lead):
    return await db.users.find_one({"id": lead["owner"]})  # expect: medium

@app.get("/owners")
async def owners():
    found = await db.leads.find().to_list(50)
    for lead in found:
        lead["car"] = await db.cars.find_one({"id": lead["car"]})  # expect: medium
    return [await owner(lead) for lead in found]
"""
        },
    )
