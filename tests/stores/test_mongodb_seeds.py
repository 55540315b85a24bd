"""Collections that the start of an application fills from constants and requests only change, and near misses that grow."""

from __future__ import annotations

import pytest

from auditor.model.data import CollectionFit, Fit
from tests.conftest import Build

SEEDED = """
from fastapi import FastAPI
from pymongo import AsyncMongoClient
app = FastAPI()
db = AsyncMongoClient("mongodb://localhost")["school"]
LESSONS = [{"code": "a1", "course": "a", "open": False}, {"code": "b1", "course": "b", "open": False}]
async def fill_lessons():
    for lesson in LESSONS:
        if not await db.lessons.find_one({"code": lesson["code"]}):
            await db.lessons.insert_one(dict(lesson))
@app.on_event("startup")
async def startup():
    await fill_lessons()
@app.get("/courses/{course}")
async def lessons(course: str):
    return await db.lessons.find({"course": course}, {"_id": 0}).to_list(length=100)
@app.post("/lessons/{code}/open")
async def open_lesson(code: str, other: str):
    if not await db.lessons.find_one({"code": code}):
        return {"ok": False}
    await db.lessons.update_one({"code": code}, {"$set": {"open": True}}, upsert=True)
"""
_GUARD = '    if not await db.lessons.find_one({"code": code}):\n        return {"ok": False}\n'


@pytest.mark.parametrize(
    ("before", "after", "fit"),
    [
        ("", "", Fit.COVERED),
        (", upsert=True", "", Fit.COVERED),
        (_GUARD, '    found = await db.lessons.find_one({"code": code})\n    if found is None or other:\n        raise KeyError(code)\n', Fit.COVERED),
        (_GUARD, '    found = await db.lessons.find_one({"code": code})\n    if not found:\n        found = next((x for x in LESSONS if x["code"] == code), None)\n    if not found:\n        return\n', Fit.COVERED),
        (_GUARD, '    if await db.lessons.count_documents({"code": code}) == 0:\n        return\n', Fit.COVERED),
        (_GUARD + "    await", '    if await db.lessons.find_one({"code": code}):\n        await', Fit.COVERED),
        (_GUARD + "    await", '    if await db.lessons.find_one({"code": code}):\n        pass\n    else:\n        await', Fit.MISSING),
        (_GUARD, "", Fit.MISSING),
        ("        return {", "        found = {", Fit.MISSING),
        (_GUARD, _GUARD.replace("lessons", "courses"), Fit.MISSING),
        (_GUARD, _GUARD.replace("not ", ""), Fit.MISSING),
        ('"ok": False}\n', '"ok": False}\n    code = other\n', Fit.MISSING),
        ('update_one({"code": code}', 'update_one({"code": other}', Fit.MISSING),
        ('    await db.lessons.update_one', '    await db.lessons.insert_one({"code": other})\n    await db.lessons.update_one', Fit.MISSING),
        ('    await db.lessons.update_one', '    await db[other].insert_one({"code": other})\n    await db.lessons.update_one', Fit.MISSING),
        ('    await db.lessons.update_one', '    await db.moves.aggregate([{"$out": "lessons"}])\n    await db.lessons.update_one', Fit.MISSING),
        ("    await fill_lessons()", "    pass\n@app.post('/fill')\nasync def fill():\n    await fill_lessons()", Fit.MISSING),
        ("for lesson in LESSONS", "for lesson in json.load(open('lessons.json'))", Fit.MISSING),
    ],
)  # fmt: skip
def test_a_collection_that_the_start_fills_and_requests_change(
    before: str, after: str, fit: Fit, build: Build
) -> None:
    assert before in SEEDED
    code = SEEDED.replace(before, after) if before else SEEDED
    found = build({"app.py": code}).facts(CollectionFit)
    assert {m.fit for f in found if f.name == "lessons" for q, m in f.fits if "course" in q.equality} == {fit}  # fmt: skip


@pytest.mark.parametrize(
    ("before", "after", "fit"),
    [
        ("", "", Fit.COVERED),
        ("**item, ", "", Fit.COVERED),
        ('{"code": item["code"]}', '{"code": "a"}', Fit.MISSING),
        ('{"code": item["code"]}', '{"code": code}', Fit.MISSING),
        ("in ROOMS", "in json.load(sys.stdin)", Fit.MISSING),
        ('\nif __name__ == "__main__":\n    seed', "\n@app.post('/fill')\ndef fill():\n    seed", Fit.MISSING),
        ("# more", "@app.post('/')\ndef add(room: dict):\n    db.rooms.insert_one(room)", Fit.MISSING),
        ("# more", "@app.post('/')\ndef add(code: str):\n    db.rooms.update_one({'code': code}, {'$set': {}}, upsert=True)", Fit.MISSING),
        ("# more", "@app.post('/')\ndef put(code: str):\n    db.rooms.update_one({'code': code}, {'$set': {'open': True}})", Fit.COVERED),
    ],
)  # fmt: skip
def test_a_collection_that_upserts_in_a_loop_over_a_list_fill(
    before: str, after: str, fit: Fit, build: Build
) -> None:
    seed = """
import json, sys
from app import app, db
ROOMS = [{"code": "a", "floor": "1"}, {"code": "b", "floor": "2"}, {"code": "c", "floor": "3"}]
def seed(code):
    for item in ROOMS:
        db.rooms.update_one({"code": item["code"]}, {"$set": {**item, "by": code}}, upsert=True)
if __name__ == "__main__":
    seed(sys.argv[1])
# more
"""
    app = """
from fastapi import FastAPI
from pymongo import MongoClient
app = FastAPI()
db = MongoClient("mongodb://localhost")["school"]
@app.get("/rooms/{floor}")
def rooms(floor: str):
    return list(db.rooms.find({"floor": floor}).limit(10))
import seed
"""
    found = build({"app.py": app, "seed.py": seed.replace(before, after) if before else seed})
    told = {
        m.fit for f in found.facts(CollectionFit) for q, m in f.fits if q.place.symbol == "rooms"
    }
    assert told == {fit}


def test_the_name_of_a_collection_is_no_document(build: Build) -> None:
    """`store.insert_many("lessons", lessons)` adds what it is handed."""
    code = """
from fastapi import FastAPI
from pymongo import MongoClient
app = FastAPI()
class Store:
    def __init__(self):
        self.db = MongoClient()["school"]
    def insert_many(self, name, documents):
        return self.db[name].insert_many(documents)
    def find(self, name, asked):
        return list(self.db[name].find(asked))
store = Store()
@app.get("/lessons")
def lessons(course: str):
    return store.find("lessons", {"course": course})
@app.post("/lessons")
def add(lessons: list):
    store.insert_many("lessons", lessons)
"""
    found = build({"app.py": code}).facts(CollectionFit)
    assert [m.fit for f in found if f.name == "lessons" for _, m in f.fits] == [Fit.MISSING]


LOGGED = """
from datetime import datetime
from fastapi import FastAPI
from pymongo import AsyncMongoClient
app = FastAPI()
db = AsyncMongoClient("mongodb://localhost")["office"]
@app.get("/activity")
async def activity(since: datetime):
    return await db["activity_logs"].find({"at": {"$gte": since}}, {"_id": 0}).to_list(None)
@app.get("/desks")
async def desks(name: str):
    return await db["desks"].find_one({"name": name})
@app.post("/desks")
async def desk(name: str):
    await db["desks"].insert_one({"name": name})
"""
_SCRIPT = (
    "from app import db\nfor n in open('at.txt'):\n    db.activity_logs.insert_one({'at': n})\n"
)


@pytest.mark.parametrize(
    ("files", "fit"),
    [
        ({"app.py": LOGGED}, Fit.UNKNOWN),
        ({"app.py": LOGGED.replace('await db["activity_logs"]', "await Logs(db).db['activity_logs']") + "class Logs:\n    def __init__(self, db):\n        self.db = db\n"}, Fit.UNKNOWN),
        ({"app.py": LOGGED, "scripts/fill.py": _SCRIPT}, Fit.MISSING),
        ({"app.py": LOGGED + '    await db["activity_logs"].update_one({"_id": 1}, {"$set": {"name": name}})\n'}, Fit.MISSING),
        ({"app.py": LOGGED + "    await db[name].insert_one({})\n"}, Fit.MISSING),
        ({"app.py": LOGGED + '    await db.desks.aggregate([{"$merge": {"into": "activity_logs"}}])\n'}, Fit.MISSING),
        ({"app.py": LOGGED + '    await db.activity_logs.create_index("name")\n'}, Fit.MISSING),
        ({"app.py": LOGGED + '    await db.rooms.create_index("name")\n'}, Fit.MISSING),  # it keeps indexes of what it does not write
        ({"app.py": LOGGED + '    await db.desks.create_index("name")\n'}, Fit.UNKNOWN),
        ({"app.py": LOGGED.replace('await db["desks"].insert_one({"name": name})', '""')}, Fit.UNKNOWN),  # nothing at all
        ({"app.py": LOGGED.replace('await db["desks"].insert_one', 'await db["chairs"].insert_one')}, Fit.MISSING),  # most is another's
    ],
)  # fmt: skip
def test_a_collection_that_nothing_here_writes(
    files: dict[str, str], fit: Fit, build: Build
) -> None:
    found = build(files).facts(CollectionFit)
    assert {m.fit for f in found if f.name == "activity_logs" for q, m in f.fits if "at" in q.range} == {fit}  # fmt: skip


_STATES = """
from flask import Flask, request
from pymongo import MongoClient
app = Flask(__name__)
db = MongoClient().shop
@app.post("/")
def add():
    db.notes.insert_one({"text": request.json["text"]})
    db.internals.insert_one(request.json)
@app.get("/")
def index():
    return str([ASKED])
"""
_UPDATES, _HOSTS = "db.internals.find_one({'name': 'updates'})", "db.internals.find_one({'name': 'hosts'})"  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "fit"),
    [
        (f"{_UPDATES}, {_HOSTS}", Fit.UNKNOWN),
        (f"{_UPDATES}, {_HOSTS}, db.internals.update_one({{'name': 'hosts'}}, {{'$set': {{'n': 1}}}})", Fit.UNKNOWN),
        (f"{_UPDATES}, {_HOSTS}, db.internals.find_one({{'_id': 3}})", Fit.UNKNOWN),
        (_UPDATES, Fit.MISSING),  # one name may be that of many
        (f"{_UPDATES}, {_HOSTS}, db.internals.find_one({{'name': request.args['n']}})", Fit.MISSING),
        (f"{_UPDATES}, {_HOSTS}, db.internals.count_documents({{'name': 'hosts'}})", Fit.MISSING),
        (f"{_UPDATES}, list(db.internals.find({{'name': 'hosts'}}))", Fit.MISSING),
        (f"{_UPDATES}, db.internals.find_one({{'name': 'hosts'}}, sort=[('made', -1)])", Fit.MISSING),
        (f"{_UPDATES}, db.internals.find_one({{'name': 'hosts', 'owner': request.args['n']}})", Fit.MISSING),
        ("db.internals.find_one({'email': 'a@b.example'}), db.internals.find_one({'email': 'c@b.example'})", Fit.MISSING),
        ("db.internals.find_one({'status': 'new'}), db.internals.find_one({'status': 'sent'})", Fit.MISSING),
    ],
)  # fmt: skip
def test_a_collection_that_is_asked_for_documents_by_names_of_the_code(
    build: Build, asked: str, fit: Fit
) -> None:
    found = build({"app.py": _STATES.replace("ASKED", asked)}).facts(CollectionFit)
    (told,) = ({m.fit for q, m in f.fits if q.fields != ("_id",)} for f in found if f.name == "internals")  # fmt: skip
    assert fit in told
    assert fit is Fit.MISSING or told == {fit}


_SUMMARY = """
from flask import Flask
from pymongo import MongoClient
app = Flask(__name__)
db = MongoClient()["site"]
@app.post("/rebuild")
def rebuild():
    {adds}
@app.get("/summary")
def summary():
    return str(db.summary.find_one({{"pages": 7}}))
"""
_INSERT = "db.summary.insert_one({'pages': app.pages})"


@pytest.mark.parametrize(
    ("adds", "small"),
    [
        ("db.summary.delete_many({})\n    " + _INSERT, True),
        ("gone = db.summary.delete_many({})\n    if app.pages:\n        " + _INSERT, True),
        ("db.summary.delete_many({'pages': 7})\n    " + _INSERT, False),
        ("db.others.delete_many({})\n    " + _INSERT, False),
        ("if app.pages:\n        db.summary.delete_many({})\n    " + _INSERT, False),
        ("db.summary.delete_many({})\n    for page in app.pages:\n        " + _INSERT, False),
        ("db.summary.delete_many({})\n    db.summary.insert_many(app.pages)", False),
    ],
)
def test_a_collection_that_is_emptied_before_each_insert(
    build: Build, adds: str, small: bool
) -> None:
    found = build({"app.py": _SUMMARY.format(adds=adds)}).facts(CollectionFit)
    (fit,) = {match.fit for each in found for query, match in each.fits if query.equality}
    assert fit is (Fit.COVERED if small else Fit.MISSING)


_STORE = """
from pymongo import MongoClient
client = MongoClient()
PARTS = [{{"id": "main", "name": ""}}, {{"id": "rights", "name": "x"}}]
def seed():
    if client["office"]["parts"].find_one({{}}) is None:
        client["office"]["parts"].insert_many(PARTS)
def replace_one(db, collection, query, data):
    return client[db][collection].replace_one(query, data{upsert})
def find_one(db, collection, query):
    return client[db][collection].find_one(query)
def insert_one(db, collection, data):
    return client[db][collection].insert_one(data)
"""
_OFFICE = """
from flask import Flask, request
import store
app = Flask(__name__)
@app.before_first_request
def first():
    store.seed()
@app.post("/parts")
def change():
    store.replace_one("office", "parts", {"id": request.form["id"]}, {"id": "main", "name": "x"})
    store.insert_one("office", "ADDED", {"owner": "x"})
@app.get("/limits")
def limits():
    return str(store.find_one("office", "limits", {"kind": "beds"}))
"""


@pytest.mark.parametrize(
    ("upsert", "added", "parts", "limits"),
    [
        ("", "rooms", Fit.COVERED, Fit.UNKNOWN),
        (", upsert=True", "rooms", Fit.MISSING, Fit.UNKNOWN),
        ("", "parts", Fit.MISSING, Fit.UNKNOWN),
        ("", "limits", Fit.COVERED, Fit.MISSING),
    ],
)
def test_what_is_added_through_a_function_that_is_told_the_collection(
    build: Build, upsert: str, added: str, parts: Fit, limits: Fit
) -> None:
    files = {"store.py": _STORE.format(upsert=upsert), "app.py": _OFFICE.replace("ADDED", added)}
    found = build(files).facts(CollectionFit)
    fits = {q.collection: match.fit for each in found for q, match in each.fits if q.equality}
    assert fits == {"parts": parts, "limits": limits}
