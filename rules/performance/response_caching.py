from __future__ import annotations

from collections.abc import Iterator

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
)
from auditor.link.application import Application
from auditor.model.costs import HeavyRead
from auditor.model.data import Cache


class ResponseCaching(Rule):
    """Expensive, repeated reads are cached.

    Expensive are GET routes that aggregate, or that count or list distinct values more than once among
    three reads or more; the one count of a page is not. A cache that is set up and that no such route reads through
    is decorative. A route is medium when it makes five reads or more, else low.
    """

    id = "response-caching"
    title = "API response caching"
    section = "performance"
    severity = Severity.MEDIUM
    risk = "Every visit to a dashboard repeats the same work, and the database is the first to give in."
    fix = "Keep the result of dashboard and statistics routes for some seconds, in Redis when there are several workers."
    references = (
        cwe(400),
        Reference(
            "MDN: HTTP caching", "https://developer.mozilla.org/en-US/docs/Web/HTTP/Guides/Caching"
        ),
    )

    def assess(self, application: Application) -> Verdict:
        heavy = application.facts(HeavyRead)
        caches = application.facts(Cache)
        idle = [cache for cache in caches if not cache.used]
        if not heavy and not idle:
            return not_applicable("no route makes repeated expensive reads")
        met = sum(1 for read in heavy if read.cached)
        evidence = [*self._reads(heavy), *self._idle(idle)]
        summary = f"{met} of {len(heavy)} expensive reads are cached."
        return judge(summary, evidence, Coverage(met, len(heavy)) if heavy else None, "medium")

    def _reads(self, heavy: tuple[HeavyRead, ...]) -> Iterator[Evidence]:
        for read in heavy:
            subject = f"{read.route.application} {read.route.name}"
            if read.cached:
                yield present(
                    read.route.place, f"{read.route.name} reads through {read.cached.name}", subject
                )
            else:
                severity = Severity.MEDIUM if read.reads >= 5 else Severity.LOW
                message = f"{read.route.name} makes {count(read.reads, 'read')} on every call, with no cache"
                yield Evidence(read.route.place, State.ABSENT, severity, message, subject)

    def _idle(self, caches: list[Cache]) -> Iterator[Evidence]:
        for cache in caches:
            message = (
                f"a {cache.name} cache is set up, and nothing that the application serves reads it"
            )
            yield Evidence(cache.place, State.DECORATIVE, Severity.MEDIUM, message, cache.name)

    good = (
        {
            "app.py": """
import os
from aiocache import cached
from fastapi import FastAPI
from motor.motor_asyncio import AsyncIOMotorClient

db = AsyncIOMotorClient(os.environ["MONGO_URL"]).shop
app = FastAPI()

@cached(ttl=30)
async def numbers():
    return await db.leads.aggregate([{"$group": {"_id": "$status"}}]).to_list(10)

@app.get("/stats")
async def stats():
    return await numbers()

@app.get("/leads")
async def leads(owner: str):
    user = await db.users.find_one({"_id": owner})
    total = await db.leads.count_documents({"owner": user["_id"]})
    return total, await db.leads.find({"owner": user["_id"]}).to_list(20)
"""
        },
    )
    bad = (
        {
            "app.py": """
import os
import redis
from fastapi import FastAPI
from motor.motor_asyncio import AsyncIOMotorClient

db = AsyncIOMotorClient(os.environ["MONGO_URL"]).shop
store = redis.from_url(os.environ["REDIS_URL"])  # expect: medium
app = FastAPI()

@app.get("/stats")
async def stats():  # expect: low
    return await numbers()

async def numbers():
    return await figures()

async def figures():
    return {
        "leads": await db.leads.count_documents({}),
        "sold": await db.sales.count_documents({"sold": True}),
        "cars": await db.cars.count_documents({}),
    }
"""
        },
    )
