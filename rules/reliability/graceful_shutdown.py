from __future__ import annotations

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
from auditor.model.operations import Resource
from auditor.model.web import WebApp


class GracefulShutdown(Rule):
    """What the application opens is closed with it.

    Asynchronous clients, pools, schedulers and executors that live as long as the application and
    that nothing closes are low each; closed in code that nothing runs is decorative. A background
    task whose result nobody keeps is low: it may vanish while it runs, and is lost at a stop.
    Where the application keeps none of these, the question does not arise.
    """

    id = "graceful-shutdown"
    title = "Graceful shutdown"
    section = "reliability"
    severity = Severity.LOW
    risk = (
        "Every deployment cuts requests and background work short, and leaves connections behind."
    )
    fix = (
        "Close clients and pools after `yield` in the lifespan, and keep a reference to every task."
    )
    references = (
        cwe(404),
        Reference("FastAPI: lifespan events", "https://fastapi.tiangolo.com/advanced/events/"),
    )
    effort = "small"

    def assess(self, application: Application) -> Verdict:
        if not application.facts(WebApp):
            return not_applicable("no web application was found")
        found = application.facts(Resource)
        if not found:
            return not_applicable("the application keeps nothing open that it would have to close")
        evidence = [self._resource(each) for each in found]
        met = sum(1 for e in evidence if e.state is State.PRESENT)
        summary = f"{met} of {count(len(found), 'lasting resource')} closed with the application."
        return judge(summary, evidence, Coverage(met, len(found)))

    @staticmethod
    def _resource(each: Resource) -> Evidence:
        subject = f"{each.place.path} {each.name}"
        if each.kind == "a background task":
            told = "nobody keeps this background task: it may vanish while it runs, and is lost at a stop"
            return Evidence(each.place, State.WEAK, Severity.LOW, told, subject)
        if each.closed is None:
            told = f"nothing closes {each.kind} when the application stops"
            return Evidence(each.place, State.ABSENT, Severity.LOW, told, subject)
        if not each.run:
            told = f"{each.kind} is closed at {each.closed}, which the application does not run"
            return Evidence(each.place, State.DECORATIVE, Severity.LOW, told, subject)
        return present(each.place, f"{each.kind} is closed ({each.closed})", subject)

    good = (
        {  # asked of a module's variable, which is called like the class
            "db/__init__.py": "",
            "db/holder.py": "mongo = None\n",
            "db/mongodb.py": """
import motor.motor_asyncio

class MongoStorage:
    def __init__(self, **kwargs):
        self.connection = motor.motor_asyncio.AsyncIOMotorClient(**kwargs)

    async def close(self):
        self.connection.close()
""",
            "app.py": """
from contextlib import asynccontextmanager
from fastapi import FastAPI
from db import holder
from db.mongodb import MongoStorage

@asynccontextmanager
async def lifespan(app):
    holder.mongo = MongoStorage(host="mongodb://db")
    yield
    await holder.mongo.close()

app = FastAPI(lifespan=lifespan)
""",
        },
        {  # asked of something that cannot be told, by a name like the module's
            "app.py": """
from fastapi import FastAPI
from prices_service import make
app = FastAPI()

@app.on_event("shutdown")
async def stop():
    prices = make()
    await prices.close()
""",
            "prices_service.py": """
import httpx
import registry

class Prices:
    def client(self):
        self._client = httpx.AsyncClient()
        return self._client

    async def close(self):
        await self._client.aclose()

def make():
    return registry.known(Prices)
""",
        },
        {
            "app.py": """
import os
from contextlib import asynccontextmanager
import httpx
from fastapi import FastAPI
from motor.motor_asyncio import AsyncIOMotorClient

client = AsyncIOMotorClient(os.environ["MONGO_URL"])

@asynccontextmanager
async def lifespan(app):
    app.state.http = httpx.AsyncClient()
    yield
    await app.state.http.aclose()
    client.close()

app = FastAPI(lifespan=lifespan)
"""
        },
    )
    bad = (
        {  # a class that closes what it keeps, and nobody asks it to; another of the same words is asked
            "app.py": """
from contextlib import asynccontextmanager
import aiohttp
from fastapi import FastAPI
from catalog import Catalog
from market import Market

catalog = Catalog()

@asynccontextmanager
async def lifespan(app):
    yield
    await catalog.close()

app = FastAPI(lifespan=lifespan)

@app.get("/prices")
async def prices():
    await catalog.open()
    return await Market().prices()
""",
            "catalog.py": """
import aiohttp

class Catalog:
    async def open(self):
        self.session = aiohttp.ClientSession()

    async def close(self):
        await self.session.close()
""",
            "market.py": """
import aiohttp

class Market:
    async def prices(self):
        self.session = aiohttp.ClientSession()  # expect: low

    async def close(self):
        await self.session.close()
""",
        },
        {
            "app.py": """
import asyncio
import os
from fastapi import FastAPI
from motor.motor_asyncio import AsyncIOMotorClient

client = AsyncIOMotorClient(os.environ["MONGO_URL"])  # expect: low
app = FastAPI()

async def send():
    pass

@app.post("/mail")
async def mail():
    asyncio.create_task(send())  # expect: low
"""
        },
    )
