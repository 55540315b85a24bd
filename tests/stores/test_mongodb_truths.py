"""What serves nothing in MongoDB's mappers, what never holds a document, and what asks in spellings of their own."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from auditor.model.data import CollectionFit, Fit, Query
from tests.conftest import Build

_APP = """
from flask import Flask, request
from flask_pymongo import PyMongo
app = Flask(__name__)
mongo = PyMongo(app)
@app.route("/join", methods=["POST"])
def join():
    if mongo.db.people.find_one({"nick": request.form.get("nick")}):
        return "taken"
    mongo.db.people.insert_one({"nick": request.form.get("nick")})
    return "ok"
"""
_CLASS = "from mongoengine import Document, StringField\nclass Person(Document):\n    nick = StringField(unique=True)\n    meta = {'collection': 'people'}\n"


def _fit(found: Iterable[CollectionFit], name: str) -> CollectionFit:
    (one,) = [fit for fit in found if fit.name == name]
    return one


@pytest.mark.parametrize(
    ("added", "told"),
    [
        ("", Fit.MISSING),
        ("from models.model import Person\n", Fit.MISSING),  # nothing asks it: it makes no index
        ("from models.model import Person\ndef all_():\n    return Person.objects()\n", Fit.COVERED),
        ("from models import model\ndef all_():\n    return model.Person.objects()\n", Fit.COVERED),
        ("from models.model import Person\nPerson.ensure_indexes()\n", Fit.COVERED),
    ],
)  # fmt: skip
def test_the_index_of_a_class_of_mongoengine_that_nothing_uses_serves_nothing(
    build: Build, added: str, told: Fit
) -> None:
    files = {"app.py": added + _APP, "models/model.py": _CLASS, "models/__init__.py": ""}
    people = _fit(build(files).facts(CollectionFit), "people")
    assert [m.fit for q, m in people.fits if q.equality] == [told]
    if told is Fit.MISSING:
        assert [p.code for p in people.proposed] == ['db.people.create_index("nick")']


_PARCELS = """
from beanie import Document, init_beanie
from fastapi import FastAPI
from motor.motor_asyncio import AsyncIOMotorClient
app = FastAPI()
class Parcel(Document):
    state: str
    owner: str
    sent_at: int
@app.on_event("startup")
async def start():
    await init_beanie(database=AsyncIOMotorClient().shop, document_models=[Parcel])
@app.get("/parcels")
async def parcels(state: str = "", owner: str = ""):
"""
_SORTED = "    return await query.sort(-Parcel.sent_at).limit(20).to_list()\n"


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (
            "    query = Parcel.find()\n    if state:\n        query = Parcel.find(Parcel.state == state)\n",
            {((), ("sent_at",)), (("state",), ("sent_at",))},
        ),
        (
            "    if state:\n        query = Parcel.find(Parcel.state == state)\n    else:\n        query = Parcel.find()\n",
            {((), ("sent_at",)), (("state",), ("sent_at",))},
        ),
        (
            "    query = Parcel.find()\n    query = Parcel.find(Parcel.state == state)\n",
            {(("state",), ("sent_at",))},  # the first is never sent
        ),
        (
            "    query = Parcel.find()\n    if state:\n        query = Parcel.find(Parcel.state == state)\n    elif owner:\n        query = Parcel.find(Parcel.owner == owner)\n    else:\n        query = Parcel.find(Parcel.owner == state)\n",
            {((), ()), (("state",), ("sent_at",)), (("owner",), ("sent_at",))},
        ),
        (
            "    query = Parcel.find()\n    if state:\n        query = Parcel.find(Parcel.state == state)\n        return await query.sort(-Parcel.owner).to_list()\n",
            {((), ("sent_at",)), (("state",), ("owner",))},
        ),
    ],
)  # fmt: skip
def test_the_order_of_a_search_that_some_runs_replace(
    build: Build, body: str, told: set[tuple[tuple[str, ...], tuple[str, ...]]]
) -> None:
    asked = build({"app.py": _PARCELS + body + _SORTED}).facts(Query)
    assert {(q.equality, tuple(name for name, _ in q.sort)) for q in asked} == told


_CHATS = """
from fastapi import FastAPI
from motor.motor_asyncio import AsyncIOMotorClient
app = FastAPI()
db = AsyncIOMotorClient().site
@app.delete("/users/{user}")
async def gone(user: str):
    await db["chats"].delete_many({"user": user})
    await db["mails"].delete_many({"owner": user})
@app.post("/mails")
async def mail(owner: str):
    await db["mails"].insert_one({"owner": owner})
"""


@pytest.mark.parametrize(
    ("added", "told"),
    [
        ("", Fit.UNKNOWN),
        ("async def all_():\n    return await db['chats'].find({}).to_list(9)\n@app.get('/')\nasync def of():\n    return await all_()\n", Fit.MISSING),
        ("@app.put('/c')\nasync def put(user: str):\n    await db['chats'].update_one({'_id': user}, {'$set': {'a': 1}}, upsert=True)\n", Fit.MISSING),
        ("@app.put('/c')\nasync def put(kind: str):\n    await db[kind].insert_one({'a': 1})\n", Fit.MISSING),
        ("@app.put('/c')\nasync def put(kind: str):\n    await db[f'{kind}s'].insert_one({'a': 1})\n", Fit.MISSING),
        ("@app.put('/c')\nasync def put(kind: str):\n    return await db[kind].find_one({'a': 1})\n", Fit.UNKNOWN),
    ],
)  # fmt: skip
def test_a_collection_that_is_only_deleted_from(build: Build, added: str, told: Fit) -> None:
    found = build({"app.py": _CHATS + added}).facts(CollectionFit)
    assert [m.fit for q, m in _fit(found, "chats").fits if q.equality == ("user",)] == [told]
    assert [m.fit for _, m in _fit(found, "mails").fits] == [Fit.MISSING]


_LOOK = "import asyncio\nfrom motor.motor_asyncio import AsyncIOMotorClient\nasync def main():\n    db = AsyncIOMotorClient()['clinic']\n    print(await db.users.find_one({'email': 'a@example.org'}))\nasyncio.run(main())\n"
_USERS = "from fastapi import FastAPI\nfrom motor.motor_asyncio import AsyncIOMotorClient\napp = FastAPI()\ndb = AsyncIOMotorClient()['clinic']\n@app.post('/u')\nasync def new(email: str):\n    await db.users.insert_one({'email': email})\n"


@pytest.mark.parametrize(
    ("path", "deployed", "told"),
    [
        ("old_scripts/look.py", "", Fit.COVERED),
        ("scratch_look.py", "", Fit.COVERED),
        ("look.py", "", Fit.MISSING),
        ("old_scripts/look.py", "CMD python old_scripts/look.py\n", Fit.MISSING),
    ],
)
def test_a_script_that_runs_without_asking_whether_it_is_the_program(
    build: Build, path: str, deployed: str, told: Fit
) -> None:
    files = {"main.py": _USERS, path: _LOOK, "Dockerfile": f"FROM python:3.12\n{deployed}"}
    assert [m.fit for _, m in _fit(build(files).facts(CollectionFit), "users").fits] == [told]


_NOTES = """
from mongoengine import Document, LazyReferenceField, ListField, StringField, connect
connect("notes")
class Text(Document):
    text = StringField()
class Note(Document):
    title = StringField()
    tags = ListField(StringField())
    text = LazyReferenceField(Text)
"""


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("    note = Note.objects.get(id=key)\n    note.update(pull__tags=tag)\n", [("note", "find_one", ("_id",)), ("note", "update_one", ("_id",))]),
        ("    for note in Note.objects(title=tag):\n        note.update(add_to_set__tags=tag)\n", [("note", "find", ("title",)), ("note", "update_one", ("_id",))]),
        ("    found = Note.objects(title=tag)\n    found.update(set__title=key)\n", [("note", "update_many", ("title",))]),
        ("    note = Note.objects.get(id=key)\n    return note.text.fetch().text\n", [("note", "find_one", ("_id",)), ("text", "find_one", ("_id",))]),
        ("    note = Note.objects.get(id=key)\n    note.title.update(a=1)\n    other.fetch()\n", [("note", "find_one", ("_id",))]),
        ("    known = {}\n    known.update(tag=tag, set__x=key)\n", []),
        ("    note = Note(title=tag).save()\n    note.reload()\n    note.delete()\n", [("note", "find_one", ("_id",)), ("note", "delete_one", ("_id",))]),
        ("    Note.objects.get(title=tag).delete()\n", [("note", "delete_one", ("_id",)), ("note", "find_one", ("title",))]),
        ("    found = Note.objects(title=tag)\n    found.delete()\n    other.reload()\n", [("note", "delete_many", ("title",))]),
        ("    class Kept(Note):\n        def delete(self):\n            super().delete()\n    Kept(title=tag).delete()\n", [("note", "delete_one", ("_id",))]),
    ],
)  # fmt: skip
def test_what_a_document_of_mongoengine_asks_by_its_key(
    build: Build, body: str, told: list[tuple[str, str, tuple[str, ...]]]
) -> None:
    asked = build({"app.py": f"{_NOTES}def run(key, tag, other):\n{body}"}).facts(Query)
    assert [(q.collection, q.operation, q.equality) for q in asked] == told


def test_a_document_that_a_parameter_is(build: Build) -> None:
    code = f"{_NOTES}def untag(note: Note, tag):\n    note.update(pull__tags=tag)\n"
    (found,) = build({"app.py": code}).facts(Query)
    assert (found.collection, found.operation, found.equality) == ("note", "update_one", ("_id",))


_ROWS = """
from pymongo import MongoClient
from pymongo.cursor import Cursor
from sqlite3 import Cursor as Other
db = MongoClient()["site"]
class Rows(Cursor):
    def as_list(self):
        return list(self)
class Asked(Cursor):
    def __init__(self, asked, kept, more=None):
        super().__init__(kept, filter=asked)
class Table(Other):
    def __init__(self, kept, asked):
        pass
class Box:
    def __init__(self, kept):
        self._col = kept
    def find(self, asked):
        return Rows(self._col, asked)
entries = Box(db["entries"])
"""


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("entries.find({'author': x})", [("entries", ("author",))]),
        ("Rows(db.notes, {'author': x}).as_list()", [("notes", ("author",))]),
        ("Rows(collection=db.notes, filter={'author': x})", [("notes", ("author",))]),
        ("Asked({'author': x}, db.notes)", [("notes", ("author",))]),
        ("Rows(db.notes)", [("notes", ())]),
        ("Table(db.notes, {'author': x})", []),
    ],
)
def test_an_own_class_of_cursors_finds_what_it_is_made_with(
    build: Build, body: str, told: list[tuple[str, tuple[str, ...]]]
) -> None:
    asked = build({"app.py": f"{_ROWS}def run(x):\n    return {body}\n"}).facts(Query)
    assert [(q.collection, q.equality) for q in asked if q.collection] == told


_BASES = """
from flask import Flask, request
from pymongo import MongoClient
app = Flask(__name__)
client = MongoClient()
db = client[%s]
@app.post("/add")
def add():
    db["people"].insert_one(dict(request.form))
@app.post("/off")
def off():
    %s.update_one({"person": request.form["id"]}, {"$set": {"active": False}}%s)
"""


@pytest.mark.parametrize(
    ("kept", "asked", "more", "name", "fit"),
    [
        ('"shop"', 'client["old"]["people"]', "", "old/people", Fit.UNKNOWN),
        ('"shop"', 'client.get_database("old")["people"]', "", "old/people", Fit.UNKNOWN),
        ('"shop"', 'client["old"]["people"]', ", upsert=True", "old/people", Fit.MISSING),
        ('"shop"', 'client["shop"]["people"]', "", "people", Fit.MISSING),
        ('"shop"', 'db["people"]', "", "people", Fit.MISSING),
        ("app.config['BASE']", 'client["old"]["people"]', "", "people", Fit.MISSING),
    ],
)
def test_a_collection_of_another_database(
    kept: str, asked: str, more: str, name: str, fit: Fit, build: Build
) -> None:
    found = build({"app.py": _BASES % (kept, asked, more)}).facts(CollectionFit)
    told = [(f.name, m.fit, [p.code for p in f.proposed]) for f in found for _, m in f.fits]
    assert [(name, fit)] == [one[:2] for one in told]
    if more:
        assert told[0][2] == ['client["old"]["people"].create_index("person")']


@pytest.mark.parametrize(("asked", "told"), [("", set()), ('"part", {"at": 1}', {"distinct"})])
def test_distinct_without_a_key_is_none_of_mongodb(
    asked: str, told: set[str], build: Build
) -> None:
    code = f"""
from pymongo import MongoClient
mongo = MongoClient("mongodb://h").get_database("d")
def ask(rows):
    mongo.logs.insert_one({{"at": 1}})
    return rows.lines.find_lines().distinct({asked})
"""
    assert {q.operation for q in build({"app.py": code}).facts(Query)} - {"insert_one"} == told


@pytest.mark.parametrize(
    ("kind", "told"),
    [("Optional[bool] = None", Fit.COVERED), ("bool", Fit.COVERED), ("Optional[str] = None", Fit.MISSING)],
)  # fmt: skip
def test_a_truth_that_callers_ask_for_finds_too_much(build: Build, kind: str, told: Fit) -> None:
    files = {
        "app.py": "from typing import Optional\nfrom fastapi import FastAPI\nfrom pydantic import BaseModel\nfrom motor.motor_asyncio import AsyncIOMotorClient\n"
        f"app = FastAPI()\ndb = AsyncIOMotorClient().shop\nclass Search(BaseModel):\n    isPublic: {kind}\n"
        "@app.post('/count')\nasync def count(params: Search):\n    query = {}\n    if params.isPublic is not None:\n        query['isPublic'] = params.isPublic\n"
        "    return await db.recipes.count_documents(query)\n"
        "@app.post('/add')\nasync def add(given: Search):\n    await db.recipes.insert_one({'isPublic': given.isPublic})\n"
    }
    recipes = _fit(build(files).facts(CollectionFit), "recipes")
    assert [m.fit for q, m in recipes.fits if q.equality] == [told]


_PLAYERS = """
from beanie import Document, init_beanie
from fastapi import FastAPI
from motor.motor_asyncio import AsyncIOMotorClient
app = FastAPI()
class Player(Document):
    nick: str
@app.on_event("startup")
async def start():
    await init_beanie(database=AsyncIOMotorClient().game, document_models=[Player])
@app.put("/players")
async def put(nick: str):
%s
"""
_FOUND, _SEARCH = (
    "    p = await Player.find_one(Player.nick == nick)\n",
    "    p = Player.find_one(Player.nick == nick)\n",
)
_SET = "    p = await p.update({'$set': {'seen': 1}})\n"


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (_FOUND + _SET, [("find_one", "nick"), ("update_one", "_id")]),
        (_SEARCH + _SET, [("update_one", "nick")]),
        (_FOUND + _SEARCH + _SET, [("find_one", "nick"), ("update_one", "nick")]),
        (
            _SEARCH + _SET + _FOUND + _SET,
            [("find_one", "nick"), ("update_one", "_id"), ("update_one", "nick")],
        ),
    ],
)
def test_what_is_not_awaited_is_a_search_and_no_document(
    build: Build, body: str, told: list[tuple[str, str]]
) -> None:
    asked = build({"app.py": _PLAYERS % body}).facts(Query)
    assert sorted((q.operation, *q.equality) for q in asked) == told


_ROUTES = """
from typing import Annotated
from fastapi import APIRouter, Depends
from app.core.store import base, get_db
router = APIRouter()
@router.post("/people")
def new(nick: str):
    base.people.insert_one({"nick": nick})
@router.get("/people")
def get(nick: str, db=Depends(get_db), other: Annotated[object, Depends(get_db)] = None):
    return %s
"""
_KEPT = """
class Store:
    def __init__(self, db):
        self.db = db
    def get(self, nick):
        return self.db.people.find_one({"nick": nick})
"""
_STORE = (
    "from pymongo import MongoClient\nbase = MongoClient().shop\ndef get_db():\n    return base\n"
)


@pytest.mark.parametrize(
    "asked",
    [
        'db.people.find_one({"nick": nick})',
        'db["people"].find_one({"nick": nick})',
        'other.people.find_one({"nick": nick})',
        'base.people.find_one({"nick": nick})',
        'get_db().people.find_one({"nick": nick})',
        "Store(db).get(nick)",
    ],
)
@pytest.mark.parametrize(
    ("added", "told"),
    [
        ({}, Fit.UNKNOWN),
        ({"app/core/store.py": _STORE}, Fit.MISSING),
        ({"app/core/store/__init__.py": _STORE}, Fit.MISSING),
    ],
)
def test_a_database_of_a_module_that_the_tree_does_not_have(
    build: Build, asked: str, added: dict[str, str], told: Fit
) -> None:
    main = "import pymongo\nfrom fastapi import FastAPI\nfrom app.api.people import router\napp = FastAPI()\napp.include_router(router)\n"
    files = {"app/main.py": main, "app/core/config.py": "A = 1\n", "app/api/people.py": _ROUTES % asked + _KEPT * ("Store" in asked)}  # fmt: skip
    people = _fit(build(files | added).facts(CollectionFit), "people")
    fits = [m for q, m in people.fits if q.reads]
    assert [m.fit for m in fits] == [told]
    if told is Fit.UNKNOWN:
        assert "app.core.store" in fits[0].why


def test_the_key_serves_whatever_module_the_database_comes_from(build: Build) -> None:
    main = "import pymongo\nfrom fastapi import FastAPI\nfrom app.api.people import router\napp = FastAPI()\napp.include_router(router)\n"
    routes = _ROUTES % 'db.people.find_one({"_id": nick})'
    files = {"app/main.py": main, "app/core/config.py": "A = 1\n", "app/api/people.py": routes}
    people = _fit(build(files).facts(CollectionFit), "people")
    assert [m.fit for q, m in people.fits if q.reads] == [Fit.COVERED]


_OLD = """
from pymongo import MongoClient
db = MongoClient("mongodb://x").farm
def crop(name):
    db.fields.insert_one({"name": name})
    db.fields.update({"name": name}, {"$set": {"crop": "rye"}})
    return db.fields.find_one({"owner": name})
"""


@pytest.mark.parametrize(
    ("required", "refused"),
    [
        ("pymongo==4.1.1", True),
        ("motor~=3.1", True),
        ("pymongo==3.12.0", False),
        ("pymongo>=3.11", False),
        ("pymongo", False),
    ],
)
def test_what_the_fixed_version_of_pymongo_has_not(
    required: str, refused: bool, build: Build
) -> None:
    (found,) = build({"app.py": _OLD, "requirements.txt": required}).facts(CollectionFit)
    told = {q.operation: bool(q.unresolved) for q, _ in found.fits}
    assert told == {"update_many": refused, "find_one": False}
