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
from auditor.model.concurrency import BlockingCall, LoopFunction


class BlockingCalls(Rule):
    """Coroutines that serve requests never hold the event loop.

    Looked at are coroutine handlers, dependencies, middleware and tasks, and what they call. Waiting
    for the network, a database, a process or the clock in a blocking call is medium: nobody else is
    served meanwhile. Work of the processor or the disk (hashing a password, opening an image, reading
    a table) is low. What is handed to a thread does not count, and neither do plain functions, which
    the framework runs in threads; sync Flask and Django views have no loop to block.
    """

    id = "blocking-calls"
    title = "Blocking calls in async code"
    section = "performance"
    severity = Severity.MEDIUM
    risk = "While one request waits in a blocking call, the worker answers nobody, its health check included."
    fix = "Use the async client, make the handler a plain `def`, or hand the call to a thread (`run_in_threadpool`)."
    references = (
        Reference(
            "Python: Developing with asyncio, Running Blocking Code",
            "https://docs.python.org/3/library/asyncio-dev.html#running-blocking-code",
        ),
        Reference("FastAPI: Concurrency and async / await", "https://fastapi.tiangolo.com/async/"),
        cwe(400),
    )
    effort = "medium"

    def assess(self, application: Application) -> Verdict:
        functions = application.facts(LoopFunction)
        if not functions:
            return not_applicable("no coroutine serves requests on an event loop")
        calls = application.facts(BlockingCall)
        handlers = {f.place: f for f in functions if f.role == "handler"}
        held = {r.place for call in calls for r in call.routes}
        free = [f for place, f in handlers.items() if place not in held]
        evidence = [self._evidence(call) for call in calls]
        evidence += self._strength(free or ([] if calls else [*functions]))
        summary = (
            f"{len(free)} of {count(len(handlers), 'async handler')} never hold the event loop."
        )
        coverage = Coverage(len(free), len(handlers)) if handlers else None
        return judge(summary, evidence, coverage)

    @staticmethod
    def _evidence(call: BlockingCall) -> Evidence:
        severity = Severity.MEDIUM if call.kind == "wait" else Severity.LOW
        way = f"`{call.chain[0]}`"
        if len(call.chain) > 1:
            way += f" (through {' and '.join(f'`{name}`' for name in call.chain[1:])})"
        others = len({route.place for route in call.routes}) - 1
        more = f", and {count(others, 'more handler')}" if others > 0 else ""
        message = f"{call.what} holds the event loop in async {call.role} {way}{more}"
        return Evidence(
            call.place, State.ABSENT, severity, message, f"{call.place.symbol} {call.what}"
        )

    @staticmethod
    def _strength(free: list[LoopFunction]) -> Iterator[Evidence]:
        if free:
            name = free[0].route.name if free[0].route else free[0].place.symbol
            what = f"async {free[0].role}"
            told = f"{count(len(free), what)} without a blocking call, {name} for one"
            yield present(free[0].place, told, "async handlers")

    good = (
        {
            "app.py": """
import asyncio
import time
import httpx
import requests
from fastapi import Depends, FastAPI
from fastapi.concurrency import run_in_threadpool

app = FastAPI()

def fetch(url):
    return requests.get(url, timeout=5).json()

def get_db():
    time.sleep(1)
    yield 1

@app.get("/threads")
def threads():
    return fetch("https://example.org")

@app.get("/given-away")
async def given_away(db=Depends(get_db)):
    def work():
        time.sleep(1)
    await run_in_threadpool(work)
    await asyncio.to_thread(requests.get, "https://example.org")
    return await run_in_threadpool(fetch, "https://example.org")

@app.get("/async")
async def gives_way():
    await asyncio.sleep(1)
    async with httpx.AsyncClient() as client:
        return (await client.get("https://example.org")).json()
"""
        },
        {
            "db.py": """
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import sessionmaker

engine = create_async_engine("postgresql+asyncpg://db/x")
Session = sessionmaker(engine, class_=AsyncSession)

async def get_db():
    async with Session() as session:
        yield session
""",
            "app.py": """
import asyncio
from fastapi import Depends, FastAPI
from openai import AsyncOpenAI
from db import get_db

app = FastAPI()
client = AsyncOpenAI()

@app.get("/rows")
async def rows(db=Depends(get_db)):
    first, second = await asyncio.gather(db.execute("select 1"), db.execute("select 2"))
    return (await db.execute("select 3")).scalars().all()

@app.post("/chat")
async def chat(text: str):
    return await client.responses.create(input=text)
""",
        },
    )
    bad = (
        {
            "clients.py": """
import requests
from openai import OpenAI

class Assistant:
    def __init__(self):
        self.client = OpenAI()

    def ask(self, text):
        return self.client.chat.completions.create(messages=[text])  # expect: medium

def fetch(url):
    return requests.get(url, timeout=5).json()  # expect: medium
""",
            "app.py": """
import subprocess
import time
import bcrypt
from fastapi import Depends, FastAPI, UploadFile
from sqlalchemy.orm import Session, sessionmaker
from clients import Assistant, fetch

app = FastAPI()
SessionLocal = sessionmaker()
assistant = Assistant()

def get_db():
    yield SessionLocal()

async def tenant():
    time.sleep(1)  # expect: medium

@app.middleware("http")
async def slow(request, call_next):
    subprocess.run(["true"])  # expect: medium
    return await call_next(request)

@app.get("/chat", dependencies=[Depends(tenant)])
async def chat(text: str):
    return assistant.ask(text)

@app.get("/rows")
async def rows(db: Session = Depends(get_db)):
    return db.query(int).filter(True).all()  # expect: medium

@app.get("/far")
async def far():
    return await further()

async def further():
    return fetch("https://example.org")

@app.post("/login")
async def login(password: str):
    return bcrypt.checkpw(password.encode(), b"x")  # expect: low

@app.post("/photo")
async def photo(file: UploadFile):
    with open("/srv/photo", "wb") as out:  # expect: low
        out.write(await file.read())

@app.get("/fine")
def fine():
    return fetch("https://example.org")
""",
        },
    )
