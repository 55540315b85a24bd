"""Pipelines, conditions and indexes of MongoDB that functions, loops and other classes give."""

from __future__ import annotations

import pytest

from auditor.model.data import CollectionFit, Fit, Index, Query
from tests.conftest import Build
from tests.stores.test_mongodb import HEAD, shapes


def test_a_list_that_a_function_gives_is_read_with_what_it_was_handed(build: Build) -> None:
    code = f"""{HEAD}
def between(field, start, end):
    if not start and not end:
        return []
    asked = {{}}
    if start:
        asked["$gte"] = start
    if end:
        asked["$lte"] = end
    return [{{"$match": {{field: asked}}}}]

@app.post("/leads")
async def add(lead):
    await db.leads.insert_one(lead)

@app.get("/leads")
async def counts(start, end):
    pipeline = [*between("created_at", start, end), {{"$group": {{"_id": "$state"}}}}]
    return await db.leads.aggregate(pipeline).to_list(5)
"""
    found = [q for q in build({"app.py": code}).facts(Query) if q.reads]
    assert {(q.collection, q.range, q.unresolved) for q in found} == {
        ("leads", ("created_at",), ""),
        ("leads", (), ""),
    }
    (fit,) = build({"app.py": code}).facts(CollectionFit)
    assert {m.fit for q, m in fit.fits} == {Fit.COVERED, Fit.MISSING}  # without dates it reads all


GUARDED = """
from fastapi import FastAPI
from pymongo import MongoClient
app = FastAPI()
rows = MongoClient("mongodb://db")["shop"]["rows"]
rows.create_index("other")
def _match(upload_id, batch=None):
    match = {START}
    if upload_id:
        match["upload_id"] = upload_id
    if batch:
        match["batch"] = batch
    return match
@app.get("/rows")
def read(upload_id: str | None = None, batch: str | None = None):
    return list(rows.aggregate([{"$match": _match(upload_id, batch)}]))
@app.post("/rows")
def add(row: dict):
    rows.insert_one(row)
"""


@pytest.mark.parametrize(
    ("start", "told"),
    [
        ("{}", {((), Fit.COVERED), (("upload_id",), Fit.MISSING), (("batch",), Fit.MISSING)}),
        (
            '{"year": 1}',
            {
                (("year",), Fit.MISSING),
                (("year", "upload_id"), Fit.MISSING),
                (("year", "batch"), Fit.MISSING),
            },
        ),
        (
            '{"is_deleted": False}',
            {
                (("is_deleted",), Fit.COVERED),
                (("is_deleted", "upload_id"), Fit.MISSING),
                (("is_deleted", "batch"), Fit.MISSING),
            },
        ),
    ],
)
def test_a_field_that_some_runs_ask_passes_in_none(
    start: str, told: set[tuple[tuple[str, ...], Fit]], build: Build
) -> None:
    (found,) = build({"app.py": GUARDED.replace("{START}", start)}).facts(CollectionFit)
    assert {(q.equality, m.fit) for q, m in found.fits if q.reads} == told


def test_a_list_that_a_comprehension_makes(build: Build) -> None:
    asked = "await db.leads.find({'$or': [{f: a} for f in ('name', 'email')]}).to_list(5)"
    assert {q.equality for q in shapes(build, asked)} == {("name",), ("email",)}


def test_a_filter_of_what_was_given(build: Build) -> None:
    asked = "given = {'name': a, 'age': b}\nawait db.leads.find({k: v for k, v in given.items() if v}).to_list(5)"
    assert {q.equality for q in shapes(build, asked) if len(q.broad) < len(q.equality)} == {
        ("name",),
        ("age",),
    }


EXPRESSIONS = [
    ("{'$eq': ['$name', a]}", ("name",), ()),
    ("{'$and': [{'$eq': ['$name', a]}, {'$gt': ['$age', 3]}]}", ("name",), ("age",)),
    ("{'$gt': [{'$subtract': ['$end', '$start']}, 5]}", (), ()),
    ("{'$lt': ['$stock', '$least']}", (), ()),
    ("{'$or': [{'$eq': ['$name', a]}, {'$eq': ['$age', 3]}]}", (), ()),
]


@pytest.mark.parametrize(("asked", "equality", "between"), EXPRESSIONS)
def test_an_expression_asks_for_the_fields_that_it_compares_with_values(
    build: Build, asked: str, equality: tuple[str, ...], between: tuple[str, ...]
) -> None:
    (found,) = shapes(build, f"await db.leads.find({{'$expr': {asked}}}).to_list(5)")
    assert (found.equality, found.range, found.scanned) == (equality, between, ())
    assert ("`$expr` works out" in found.unresolved) is (not equality)


REPOSITORY = """
from beanie import Document
class Repository:
    def __init__(self, kind):
        self._WORD = kind
    async def count(self, asked=None):
        return await self._WORD.find(asked or {}).count()
class Lead(Document):
    state: str
    class Settings:
        name = "leads"
class Leads(Repository):
    def __init__(self):
        super().__init__(Lead)
async def counted():
    return await Leads().count({"state": "new"})
"""


@pytest.mark.parametrize("word", ["model", "document_class", "doc", "entity_type"])
def test_a_repository_calls_its_document_class_by_any_word(build: Build, word: str) -> None:
    found = build({"app.py": REPOSITORY.replace("WORD", word)}).facts(Query)
    assert {(q.collection, q.equality) for q in found} == {("leads", ("state",))}


def test_settings_that_a_document_inherits(build: Build) -> None:
    code = """
from beanie import Document, init_beanie
from fastapi import FastAPI
class Base(Document):
    tenant: str
    class Settings:
        indexes = ["tenant", *[[(f, -1)] for f in ("created", "changed")]]
class Lead(Base):
    class Settings(Base.Settings):
        name = "leads"
app = FastAPI()
@app.on_event("startup")
async def start():
    await init_beanie(document_models=[Lead])
"""
    found = [i for i in build({"app.py": code}).facts(Index) if i.collection == "leads"]
    told = {index.fields for index in found}
    assert told == {(("tenant", 1),), (("created", -1),), (("changed", -1),)}


def test_a_database_of_a_module_that_is_imported_by_its_name(build: Build) -> None:
    code = """
import pymongo
def by_id(key):
    db = __import__("app.db", fromlist=["get"]).get()
    return db.subscriptions.find_one({"user": key})
"""
    (found,) = build({"app.py": code}).facts(Query)
    assert (found.collection, found.equality) == ("subscriptions", ("user",))


HANDED = [
    "await in_thread(db.leads.find_one, {'key': a})",
    "await asyncio.to_thread(db.leads.find_one, {'key': a})",
    "await retried(3, db.leads.find_one, {'key': a})",
    "await sync_to_async(db.leads.find_one)({'key': a})",
    "await retrying(db.leads.find_one, 3)({'key': a})",
]


@pytest.mark.parametrize("asked", HANDED)
def test_a_method_that_is_handed_to_what_calls_it(build: Build, asked: str) -> None:
    found = shapes(build, asked)
    assert [q.collection for q in found] == ["leads"]


def test_an_attribute_of_the_database_by_its_name(build: Build) -> None:
    asked = "held = getattr(db, 'sessions', None)\nif held is not None:\n    await held.find_one({'user': a})"
    assert [(q.collection, q.equality) for q in shapes(build, asked)] == [("sessions", ("user",))]


@pytest.mark.parametrize("given", ["collection('leads')", "collection"])
def test_a_collection_that_is_asked_for_as_a_dependency(build: Build, given: str) -> None:
    code = f"""{HEAD}
from fastapi import Depends

def collection(name="leads"):
    def get():
        return db[name]
    return get{"" if "leads" in given else "()"}

@app.get("/leads")
async def leads(owner: str, kept=Depends({given})):
    return await kept.find_one({{"owner": owner}})
"""
    found = build({"app.py": code}).facts(Query)
    assert {(q.collection, q.equality) for q in found} == {("leads", ("owner",))}


def test_options_that_a_helper_hands_on(build: Build) -> None:
    code = f"""{HEAD}
async def safely(collection, keys, **kwargs):
    await collection.create_index(keys, **kwargs)

@app.on_event("startup")
async def prepare():
    await safely(db.users, [("email", 1)], unique=True)
    await safely(db.sessions, [("ends", 1)], expireAfterSeconds=0)
    await safely(db.leads, [("owner", 1)])
"""
    found = build({"app.py": code}).facts(Index)
    told = {i.collection: (i.unique, i.expires) for i in found}
    assert told == {"users": (True, False), "sessions": (False, True), "leads": (False, False)}


def test_a_document_for_each_constant_of_a_module(build: Build) -> None:
    code = f"""{HEAD}
KEY = "look"
async def look():
    return await db.settings.find_one({{"key": KEY}})
async def limits():
    return await db.settings.find_one({{"key": "limits"}})
async def save(value):
    await db.settings.update_one({{"key": KEY}}, {{"$set": value}}, upsert=True)
"""
    (found,) = build({"app.py": code}).facts(CollectionFit)
    assert {match.fit for _, match in found.fits} == {Fit.COVERED}


def test_a_search_that_is_narrowed_many_times_and_asked_for_from_afar(build: Build) -> None:
    narrowed = "".join(
        f"        if asked.f{i}:\n            found = found.find(cls.f{i} == asked.f{i})\n"
        for i in range(6)
    )
    model = f"""
from beanie import Document
class Lead(Document):
    class Settings:
        name = "leads"
    @classmethod
    async def by(cls, asked, page):
        found = cls.find_all()
{narrowed}
        return await found.skip(page.skip).limit(page.limit).sort(page.sort).to_list()
"""
    view = """
from fastapi import FastAPI
from models import Lead
app = FastAPI()
@app.get("/leads")
async def leads(asked: str, page: str):
    listed = await Lead.by(asked, page)
    return listed.items().first()
"""
    found = build({"models.py": model, "app.py": view}).facts(Query)
    assert {q.collection for q in found} == {"leads"}


def test_indexes_of_a_script_beside_several_applications(build: Build) -> None:
    app = "from motor.motor_asyncio import AsyncIOMotorClient\nfrom fastapi import FastAPI\napp = FastAPI()\n"
    app += 'db = AsyncIOMotorClient("x").shop\n@app.get("/x")\nasync def get(a):\n'
    script = "from pymongo import MongoClient\ndb = MongoClient()['shop']\n"
    script += "if __name__ == '__main__':\n    db.leads.create_index('owner')\n"
    files = {
        "one/main.py": app + "    return await db.leads.find_one({'owner': a})\n",
        "two/main.py": app + "    return await db.deals.find_one({'owner': a})\n",
        "copies/old.py": "from pymongo import MongoClient\ndef f(db, a):\n    return db.leads.delete_one({'x': a})\n",
        "scripts/prepare.py": script,
        "Dockerfile": "FROM python:3.12\nCMD python -m scripts.prepare && uvicorn one.main:app\n",
    }
    fits = {
        (fit.unit, fit.name): [m.fit for q, m in fit.fits if q.operation == "find_one"]
        for fit in build(files).facts(CollectionFit)
    }
    assert fits["one", "leads"] == [Fit.COVERED]


@pytest.mark.parametrize(
    "sort",
    ["[('score', {'$meta': 'textScore'})]", "'score', {'$meta': 'textScore'}"],
)
def test_the_score_of_a_text_is_kept_by_no_index(build: Build, sort: str) -> None:
    asked = f"await db.leads.find({{'$text': {{'$search': a}}}}).sort({sort}).to_list(5)"
    assert [(q.special, q.sort) for q in shapes(build, asked)] == [("text", ())]
