"""What runs the code that creates MongoDB's indexes, and stages and steps that leave fields as they are."""

from __future__ import annotations

import pytest

from auditor.model.data import CollectionFit, Fit, Index, Query
from tests.conftest import Build
from tests.stores.test_mongodb import HEAD, shapes

SHOP = """
from elsewhere import handlers
from fastapi import FastAPI
from motor.motor_asyncio import AsyncIOMotorClient
db = AsyncIOMotorClient().shop
async def on_start_leads():
    await db.leads.create_index("key")
async def other():
    await db.leads.create_index("name")
app = FastAPI(%s)
@app.get("/")
async def ask(key, name):
    await db.leads.insert_one({})
    await db.leads.find_one({"name": name})
    return await db.leads.find_one({"key": key})
"""


def fits(build: Build, files: dict[str, str]) -> dict[tuple[str, ...], Fit]:
    (found,) = build(files).facts(CollectionFit)
    return {query.equality: match.fit for query, match in found.fits if query.equality}


@pytest.mark.parametrize("named", ["locals()", "globals()", "vars()"])
def test_handlers_of_the_start_that_are_listed_by_their_names(build: Build, named: str) -> None:
    listed = f"on_startup=[f for n, f in {named}.items() if n.startswith('on_start')]"
    told = fits(build, {"app.py": SHOP % listed})
    assert told == {("key",): Fit.COVERED, ("name",): Fit.MISSING}


def test_handlers_that_no_list_names_are_not_run(build: Build) -> None:
    listed = "on_startup=[f for f in handlers]"
    assert set(fits(build, {"app.py": SHOP % listed}).values()) == {Fit.MISSING}


@pytest.mark.parametrize(
    ("told", "fit"),
    [
        ("First run `python init_db.py`.", Fit.COVERED),
        ("    python3 -m init_db", Fit.COVERED),
        ("See init_db.py for what the database holds.", Fit.MISSING),
    ],
)
def test_a_script_that_the_instructions_have_run(build: Build, told: str, fit: Fit) -> None:
    script = """
from pymongo import MongoClient
db = MongoClient().shop
db.leads.create_index("key")
"""
    code = f"{HEAD}\n@app.get('/')\nasync def ask(key):\n    await db.leads.insert_one({{}})\n    await db.leads.find_one({{'key': key}})\n"
    files = {"app.py": code, "init_db.py": script, "README.md": told}
    assert fits(build, files) == {("key",): fit}


@pytest.mark.parametrize(
    ("called", "fit"),
    [
        ("", Fit.MISSING),
        ("Leads.create_index()\n", Fit.COVERED),
        ("def make(kind):\n    kind.create_index()\nmake(Leads)\n", Fit.COVERED),
        ("db.others.create_index('name')\n", Fit.MISSING),
    ],
)
def test_a_method_that_is_called_like_the_driver_s_own(build: Build, called: str, fit: Fit) -> None:
    method = "class {0}:\n    @classmethod\n    def create_index(cls):\n        db.{1}.create_index('key')\n"
    methods = method.format("Leads", "leads") + method.format("Notes", "notes")
    code = f"{HEAD}\n{methods}{called}@app.get('/')\nasync def ask(key):\n    await db.leads.insert_one({{}})\n    await db.leads.find_one({{'key': key}})\n"
    (leads,) = (c for c in build({"app.py": code}).facts(CollectionFit) if c.name == "leads")
    assert [match.fit for query, match in leads.fits if query.equality] == [fit]


@pytest.mark.parametrize(
    "stage",
    [
        "{'$addFields': {'total': {'$sum': '$items.price'}}}",
        "{'$set': {'total': 1}}",
        "{'$unset': 'total'}",
        "{'$project': {'shop': 1, 'total': {'$sum': '$items.price'}}}",
    ],
)
def test_stages_that_leave_a_field_as_it_is(build: Build, stage: str) -> None:
    body = f"await db.c.aggregate([{stage}, {{'$match': {{'shop': a, 'total': b}}}}, {{'$sort': {{'at': 1}}}}])"
    (query,) = shapes(build, body)
    assert (query.equality, query.sort) == (("shop",), ())


def test_a_stage_whose_fields_cannot_be_told_hides_what_comes_after(build: Build) -> None:
    body = "await db.c.aggregate([{'$project': {a: b}}, {'$match': {'shop': a}}])"
    (query,) = shapes(build, body)
    assert query.equality == ()


def test_a_border_that_is_put_into_a_default(build: Build) -> None:
    body = "q = {'t': tenant}\nif a:\n    q.setdefault('at', {})['$gte'] = a\nawait db.c.find(q)"
    found: list[Query] = shapes(build, body)
    assert {(q.equality, q.range) for q in found} == {(("t",), ()), (("t",), ("at",))}


SHELL = """
db = db.getSiblingDB('shop');
// db.leads.createIndex({ old: 1 });
db.leads.createIndex({ "owner.id": 1, at: -1 }, { name: "mine", unique: true });
db.getCollection("visits").createIndexes([{ at: NumberInt(-1) }, { page: 1 }]);
db['places'].createIndex({ spot: "2dsphere" });
db.carts.createIndex({ user: 1 }, { partialFilterExpression: { open: true } });
sh.shardCollection("shop.places", { town: "hashed" });
// sh.shardCollection("shop.places", { old: 1 });
"""
MOUNTED = """
services:
  mongo:
    image: mongo:7
    volumes: ["./docker/mongo:/docker-entrypoint-initdb.d:ro"]
"""


def test_indexes_that_a_script_of_the_shell_creates(build: Build) -> None:
    application = build({"app.py": HEAD, "docker/mongo/a.js": SHELL, "compose.yml": MOUNTED})
    told = {(i.collection, i.fields, i.kind, i.unique, i.run) for i in application.facts(Index)}
    assert told == {
        ("leads", (("owner.id", 1), ("at", -1)), "ordered", True, "migration"),
        ("visits", (("at", -1),), "ordered", False, "migration"),
        ("visits", (("page", 1),), "ordered", False, "migration"),
        ("places", (("spot", 1),), "geo", False, "migration"),
        ("carts", (("user", 1),), "ordered", False, "migration"),
        ("places", (("town", 1),), "hash", False, "migration"),
    }
    assert [i.condition for i in application.facts(Index) if i.collection == "carts"] == [("user",)]


def test_a_script_of_the_shell_that_nothing_runs_creates_no_index(build: Build) -> None:
    application = build({"app.py": HEAD, "docker/mongo/a.js": SHELL})
    assert {index.run for index in application.facts(Index)} == {""}


def test_code_of_node_is_no_script_of_the_shell(build: Build) -> None:
    code = "await db.collection('leads').createIndex({ a: 1 });\nawait Lead.createIndexes();"
    assert not build({"app.py": HEAD, "migrations/a.js": code}).facts(Index)


_PAIRS = """
from flask import Flask, request
from pymongo import MongoClient
app = Flask(__name__)
class Connection:
    def __init__(self):
        self._client = MongoClient()
        self._db = self._client["shop"]
    def get_collection(self, name):
        return self._db[name]
def handle(name):
    try:
        conn = Connection()
        return conn.get_collection(name), conn._client
    except Exception:
        return None, None
def either(name):
    if name:
        return MongoClient()["shop"]["leads"], 1
    return MongoClient()["shop"]["others"], 1
@app.get("/")
def one():
    %s
    return str(members.find_one({"badge": request.args["badge"]}))
"""


@pytest.mark.parametrize(
    ("given", "collection"),
    [
        ('members, client = handle("members")', "members"),
        ('client, members = handle("members")', ""),
        ('members, client = handle(request.args["kind"])', ""),
        ('members, client = either(request.args["kind"])', ""),
        ('members, client = handle("a")\n    members, client = handle("b")', ""),
    ],
)
def test_a_collection_that_a_function_gives_beside_something_else(
    given: str, collection: str, build: Build
) -> None:
    (found,) = build({"app.py": _PAIRS % given}).facts(Query)
    assert found.collection == collection


@pytest.mark.parametrize("given", ["b['query']", "b.query", "b.ids"])
def test_what_is_no_key_may_be_a_filter(given: str, build: Build) -> None:
    (found,) = shapes(build, f"await db.c.find_one({given})")
    assert found.unresolved


_UNREAD = {
    "app/db.py": "from motor.motor_asyncio import AsyncIOMotorClient\nclient = AsyncIOMotorClient('mongodb://localhost')\ndef get_database():\n    return client['shop']\n",
    "app/indexes.py": "async def create_indexes(db):\n    await db.users.create_index([('email', 1)], unique=True)\n",
    "app/auth.py": "from fastapi import APIRouter\nfrom app.db import get_database\nrouter = APIRouter()\n@router.post('/login')\nasync def login(email: str, name: str):\n    db = get_database()\n    return await db.users.find_one({'email': email}) or await db.users.find_one({'name': name})\n"
    "@router.post('/add')\nasync def add(email: str):\n    await get_database().users.insert_one({'email': email})\n",
}


@pytest.mark.parametrize(
    ("path", "source", "email"),
    [
        ("app/main.py", "<<<<<<< HEAD\n", Fit.UNKNOWN),
        ("app/start.py", "<<<<<<< HEAD\nfrom app.indexes import create_indexes\n", Fit.UNKNOWN),
        ("app/start.py", "<<<<<<< HEAD\n", Fit.MISSING),  # speaks of nothing that creates one
        (
            "app/main.py",
            "from fastapi import FastAPI\nfrom app.auth import router\napp = FastAPI()\napp.include_router(router)\n",
            Fit.MISSING,
        ),
    ],
)
def test_what_could_not_be_read_may_create_indexes(
    path: str, source: str, email: Fit, build: Build
) -> None:
    (users,) = build(_UNREAD | {path: source}).facts(CollectionFit)
    told = {q.equality: m for q, m in users.fits if q.equality}
    assert told[("email",)].fit is email
    assert told[("name",)].fit is Fit.MISSING
    if email is Fit.UNKNOWN:
        assert told[("email",)].why.endswith(f"and {path} may run that: it could not be read")


_SINGLETON = """
from fastapi import FastAPI
from motor.motor_asyncio import AsyncIOMotorClient
app = FastAPI()
class Store:
    _instance = None
    @classmethod
    async def get_instance(cls):
        if cls._instance is None:
            {keeps}
            {starts}
        return cls._instance
    async def initialize(self):
        self.db = AsyncIOMotorClient().shop
        await self.db.pages.create_index("number")
    async def page(self, number):
        return await self.db.pages.find_one({{"number": number}})
    async def add(self, number):
        await self.db.pages.insert_one({{"number": number}})
@app.post("/pages")
async def add(number: int):
    await (await Store.get_instance()).add(number)
@app.get("/pages")
async def page(number: int):
    return await (await Store.get_instance()).page(number)
"""


@pytest.mark.parametrize(
    ("keeps", "starts", "fit"),
    [
        ("cls._instance = cls()", "await cls._instance.initialize()", Fit.COVERED),
        ("Store._instance = Store()", "await Store._instance.initialize()", Fit.COVERED),
        ("cls._instance = cls()", "pass", Fit.MISSING),
        ("cls._instance = Other()", "await cls._instance.initialize()", Fit.MISSING),
    ],
)
def test_indexes_that_an_object_creates_which_its_class_keeps(
    build: Build, keeps: str, starts: str, fit: Fit
) -> None:
    other = "class Other:\n    async def initialize(self):\n        pass\n"
    told = fits(build, {"app.py": _SINGLETON.format(keeps=keeps, starts=starts) + other})
    assert told == {("number",): fit}


_ON_A_CLASS = """
from fastapi import FastAPI
from pymongo import MongoClient
class Mongo:
    {first}
    @staticmethod
    def start(app):
        db = MongoClient()["post"]
        Mongo.parcels = {made}
        Mongo.parcels.create_index("code")
        app.state.db = db
app = FastAPI()
Mongo.start(app)
@app.post("/parcels")
def add(parcel: dict):
    app.state.db.parcels.insert_one(parcel)
@app.get("/parcels/{{code}}")
def one(code, sender):
    return app.state.db.parcels.find_one({{"code": code}}), app.state.db.parcels.find_one({{"sender": sender}})
"""


@pytest.mark.parametrize(
    ("first", "made", "expected"),
    [
        ("parcels = None", 'db["parcels"]', {Fit.COVERED, Fit.MISSING}),
        ("parcels: object", 'db["parcels"]', {Fit.COVERED, Fit.MISSING}),
        ("parcels = None", "db[app.title]", {Fit.UNKNOWN, Fit.MISSING}),
    ],
)
def test_a_collection_that_a_class_has_once_a_method_sets_it(
    first: str, made: str, expected: set[Fit], build: Build
) -> None:
    code = _ON_A_CLASS.format(first=first, made=made)
    found = build({"app.py": code}).facts(CollectionFit)
    assert {m.fit for c in found if c.name == "parcels" for _, m in c.fits} == expected
