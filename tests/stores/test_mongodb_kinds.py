"""Document classes in variables and parameters, their collections in variables, and files of GridFS by their keys."""

from __future__ import annotations

import pytest

from auditor.model.data import CollectionFit, Fit, Index, Query
from tests.conftest import Build

_BEANIE = """
from typing import Optional, Type, TypeVar
from beanie import Document
from fastapi import FastAPI
app = FastAPI()
class Base(Document):
    text: str
class Ask(Base):
    pass
class Seek(Base):
    pass
class Other(Document):
    text: str
T = TypeVar("T", bound=Base)
D = TypeVar("D", bound=Document)
KINDS = {"ask": Ask, "seek": Seek}
"""
_BOTH = {("Ask", "text"), ("Seek", "text")}
_NONE: set[tuple[str, str]] = set()
_FIND = "    return await kind.find_one(kind.text == text)\n"


def _asked(build: Build, code: str) -> set[tuple[str, str]]:
    found = build({"app.py": code}).facts(Query)
    return {(q.collection, name) for q in found for name in q.equality or ("",)}


@pytest.mark.parametrize(
    ("code", "told"),
    [
        # what the annotation names, where nothing calls it
        (f"async def one(kind: type[Ask] | type[Seek], text):\n{_FIND}", _BOTH),
        (f"async def one(kind: Optional[Type[Ask]], text):\n{_FIND}", {("Ask", "text")}),
        (f"async def one(kind: Type[Base], text):\n{_FIND}", _BOTH),
        (f"async def one(kind: Type[T], text):\n{_FIND}", _BOTH),
        (f"async def one(kind: Type[D], text):\n{_FIND}", {("", "")}),
        ("async def one(kind: type[Base], key):\n    return await kind.get(key)\n", {("Ask", "_id"), ("Seek", "_id")}),
        # what callers give
        (f"async def one(kind: Type[Base], text):\n{_FIND}async def two(a):\n    return await one(Ask, a)\n", {("Ask", "text")}),
        (f"async def one(kind: Type[D], text):\n{_FIND}async def two(a):\n    return await one(Other, a)\n", {("Other", "text")}),
        (f"async def one(kind, text):\n{_FIND}async def two(a):\n    return await one(Ask if a else Seek, a)\n", _BOTH),
        # variables
        (f"async def one(text):\n    kind = Ask if text else Seek\n{_FIND}", _BOTH),
        (f"async def one(name, text):\n    kind = KINDS[name]\n{_FIND}", _BOTH),
        (f"async def one(name, text):\n    kind = KINDS.get(name) or Other\n{_FIND}", {*_BOTH, ("Other", "text")}),
        ("async def one(name, key):\n    kind = KINDS[name]\n    return await kind.get(key)\n", {("Ask", "_id"), ("Seek", "_id")}),
        ("async def one(text):\n    for kind in (Ask, Seek):\n        await kind.find_one({'text': text})\n", _BOTH),
        ("async def one(text):\n    for name, kind in KINDS.items():\n        await kind.find_one({'text': text})\n", _BOTH),
        # none of a class
        ("async def one(name):\n    kind = {'a': 1}\n    return kind.get(name)\n", _NONE),
        ("async def one(kind: type[int], text):\n    return kind.find_one(text)\n", _NONE),
        ("async def one(kind: dict, text):\n    return kind.get(text)\n", _NONE),
        # its collection
        ("async def one(text):\n    coll = Other.get_motor_collection()\n    return await coll.aggregate([{'$match': {'text': text}}]).to_list(5)\n", {("Other", "text")}),
        ("async def one(text):\n    found = Other.get_pymongo_collection()\n    return await found.count_documents({'text': text})\n", {("Other", "text")}),
    ],
)  # fmt: skip
def test_the_class_of_documents_that_a_name_stands_for(
    build: Build, code: str, told: set[tuple[str, str]]
) -> None:
    assert _asked(build, _BEANIE + code) == told


def test_an_attribute_that_is_annotated_as_a_class_asks_what_is_not_told(build: Build) -> None:
    code = """
class Repo:
    model: Type[Document]
    async def one(self, key):
        return await self.model.get(key)
"""
    assert _asked(build, _BEANIE + code) == {("", "_id")}


@pytest.mark.parametrize(
    ("head", "body"),
    [
        ("from mongoengine import Document as Model, StringField", "kind.objects(text=text).first()"),
        ("from mongoengine import Document as Model, StringField", "kind.objects.get(text=text)"),
        ("from odmantic import AIOEngine, Model\nengine = AIOEngine()\nStringField = str", "engine.find_one(kind, kind.text == text)"),
    ],
)  # fmt: skip
def test_classes_of_other_mappers_in_variables(build: Build, head: str, body: str) -> None:
    field = "text = StringField()" if "mongoengine" in head else "text: str"
    code = f"{head}\nclass Ask(Model):\n    {field}\nclass Seek(Model):\n    {field}\n"
    for made in ("kind = Ask if text else Seek", "kind = {'a': Ask, 's': Seek}[text]"):
        asked = _asked(build, f"{code}async def one(text):\n    {made}\n    return {body}\n")
        assert asked == {("ask", "text"), ("seek", "text")}


def test_the_files_of_gridfs_by_their_keys(build: Build) -> None:
    code = """
from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorGridFSBucket
files = AsyncIOMotorGridFSBucket(AsyncIOMotorClient().x, bucket_name="images")
async def one(key, kept):
    stream = await files.open_download_stream(key)
    await files.delete(key)
    return kept.get(key), await stream.read()
"""
    found = build({"app.py": code}).facts(Query)
    assert {(q.collection, q.operation, q.equality) for q in found} == {
        ("images.files", "find_one", ("_id",)),
        ("images.files", "delete_one", ("_id",)),
    }


def test_a_file_that_flask_pymongo_sends_is_found_by_its_name(build: Build) -> None:
    code = """
from flask_pymongo import PyMongo
mongo = PyMongo()
def image(name, other):
    other.send_file(name)
    return mongo.send_file(name, base="images")
"""
    (found,) = build({"app.py": code}).facts(Query)
    asked = (found.collection, found.equality, found.sort)
    assert asked == ("images.files", ("filename",), (("uploadDate", -1),))


_INDEXED = """
import pymongo
from beanie import Document, init_beanie
from fastapi import FastAPI
app = FastAPI()
class Base(Document):
    a: str
    class Settings:
        indexes = ["base"]
class Dish(Base):
    class Settings:
        {settings}
@app.on_event("startup")
async def up():
    await init_beanie(document_models=[Dish]{options})
"""


@pytest.mark.parametrize(
    ("form", "fields"),
    [  # what Beanie 2.2 with PyMongo 4.20 makes of each, by running them
        ('"a"', (("a", 1),)),
        ('"-a"', (("-a", 1),)),
        ('[("a", -1), ("b", 1)]', (("a", -1), ("b", 1))),
        ('["a", "b"]', (("a", 1), ("b", 1))),
        ('[("a", 1), "b"]', (("a", 1), ("b", 1))),
        ('(("a", 1), ("b", pymongo.DESCENDING))', (("a", 1), ("b", -1))),
        ('{"a": 1, "b": -1}', (("a", 1), ("b", -1))),
        ('pymongo.IndexModel({"a": 1})', (("a", 1),)),
        ('pymongo.IndexModel("a", unique=True)', (("a", 1),)),
        ('{"keys": [("a", 1)], "name": "x"}', None),
        ('{"fields": ["a"], "unique": True}', None),
        ('{"fields": "a", "unique": True}', None),
        ('pymongo.IndexModel({"keys": ["a"]})', None),
    ],
)
def test_every_form_in_which_beanie_takes_an_index(
    build: Build, form: str, fields: tuple[tuple[str, int], ...] | None
) -> None:
    code = _INDEXED.format(settings=f"indexes = [{form}]", options="")
    found = [i.fields for i in build({"app.py": code}).facts(Index) if i.collection == "Dish"]
    assert found == ([fields] if fields else [])


@pytest.mark.parametrize(
    ("settings", "options", "told"),
    [
        ('indexes = ["a"]', "", {("a", "handler")}),
        ('indexes = ["a"]; merge_indexes = True', "", {("a", "handler"), ("base", "handler")}),
        ('indexes = ["a"]', ", skip_indexes=True", {("a", "")}),
        ('indexes = ["a"]', ", skip_indexes=False", {("a", "handler")}),
    ],
)
def test_which_indexes_beanie_creates_at_the_start(
    build: Build, settings: str, options: str, told: set[tuple[str, str]]
) -> None:
    code = _INDEXED.format(settings=settings, options=options)
    found = [i for i in build({"app.py": code}).facts(Index) if i.collection == "Dish"]
    assert {(index.fields[0][0], index.run) for index in found} == told


def test_what_documents_are_asked_is_no_query_of_django(build: Build) -> None:
    files = {
        "manage.py": "import os\nfrom django.core.management import execute_from_command_line\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'settings')\nexecute_from_command_line([])\n",
        "settings.py": "INSTALLED_APPS = ['users']\n",
        "users/__init__.py": "",
        "users/models.py": "from django.db import models\nclass Member(models.Model):\n    email = models.EmailField()\n",
        "gifts.py": "from mongoengine import Document, fields\nclass Gift(Document):\n    kind = fields.StringField()\n",
        "views.py": """
from gifts import Gift as Given
def board(request, other):
    Given.objects.count()
    Given.objects.distinct("kind")
    made = Given.objects(kind="x")
    made.order_by("kind").first()
    made.filter(kind="b").delete()
    Given.objects.filter(kind="c").update(set__kind="d")
    return other(request).objects.filter(kind="x")
""",
    }
    found = [q for q in build(files).facts(Query) if q.store == "sql"]
    assert [(q.collection, q.place.line) for q in found] == [("", 10)]  # of what is not known


def test_conditions_that_a_helper_lists_are_not_lost_beside_what_is_asked_without_them(
    build: Build,
) -> None:
    code = """
from odmantic import AIOEngine, Model, query
engine = AIOEngine()
class Worker(Model):
    a: int
    b: int
    c: int
    d: int
def conditions(given):
    made = []
    if given.get("a"):
        made.append(Worker.a >= given.get("a"))
    if given.get("b"):
        made.append(Worker.b >= given.get("b"))
    if given.get("c"):
        made.append(Worker.c >= given.get("c"))
    if given.get("d"):
        made.append(Worker.d >= given.get("d"))
    return made
async def search(**given):
    made = conditions(given)
    return await engine.find(Worker, query.and_(*made))
async def view(a, b):
    return await search(**{"a": a, "b": b})
"""
    found = build({"app.py": code}).facts(Query)
    assert {(q.range, bool(q.unresolved)) for q in found} >= {(("a", "b", "c", "d"), True)}


_ODM = """
from flask import Flask, request
from pymongo import MongoClient
app = Flask(__name__)
db = MongoClient().shop
class Record(dict):
    collection_name = None
    @classmethod
    def get_collection(klass):
        return db[klass.collection_name]
    @classmethod
    def get(klass, *args, **kwargs):
        if len(args) == 1 and isinstance(args[0], dict):
            kwargs |= args[0]
        return klass.get_collection().find_one(kwargs)
class Person(Record):
    collection_name = "people"
class House(Record):
    collection_name = "houses"
@app.route("/")
def index():
    asked = request.args["asked"]
    return str([{calls}])
"""


@pytest.mark.parametrize(
    ("calls", "told"),
    [
        ("Person.get(key=asked)", {("people", ("key",))}),
        ("Person.get({'town': asked})", {("people", ("town",))}),
        ("Person.get({'town': asked}, key=asked)", {("people", ("key", "town"))}),
        ("Person.get(key=asked), House.get(street=asked)", {("people", ("key",)), ("houses", ("street",))}),
        ("House.get({'street': asked}, 1)", {("houses", ())}),
    ],
)  # fmt: skip
def test_a_class_of_the_tree_that_names_its_collection(
    build: Build, calls: str, told: set[tuple[str, tuple[str, ...]]]
) -> None:
    found = build({"app.py": _ODM.replace("{calls}", calls)}).facts(Query)
    assert {(q.collection, tuple(sorted(q.equality))) for q in found} == told
    assert not any(q.unresolved for q in found)


@pytest.mark.parametrize(
    ("names", "told"),
    [
        ("{Person: 'people', House: 'houses', Car: 'cars'}", {"people", "houses", "cars"}),
        ("{House: 'houses'}", {"houses"}),  # the others raise
        ("{Car: 'cars'}", {"cars"}),  # a class of a package
        ("{'Person': 'people', 'House': 'houses'}", set()),
        ("make()", set()),
    ],
)
def test_a_dict_that_names_the_collections_of_classes(
    build: Build, names: str, told: set[str]
) -> None:
    code = f"""
from elsewhere import Car, make
from fastapi import FastAPI
from motor.motor_asyncio import AsyncIOMotorClient
from pydantic import BaseModel
app = FastAPI()
class Person(BaseModel):
    name: str
class House(BaseModel):
    name: str
class Database:
    COLLECTIONS = {names}
    def __init__(self):
        self._db = AsyncIOMotorClient()["shop"]
    def _collection(self, model):
        name = self.COLLECTIONS[model]
        return self._db[name]
    async def find_one(self, model, **kwargs):
        return await self._db[self.COLLECTIONS[model]].find_one(kwargs)
    async def find(self, model, **kwargs):
        return await self._collection(model).find(kwargs).to_list(None)
db = Database()
@app.get("/c/{{name}}")
async def cars(name: str):
    return await db.find(Car, name=name)
@app.get("/p/{{name}}")
async def person(name: str):
    return await db.find_one(Person, name=name)
@app.get("/h/{{name}}")
async def house(name: str):
    return await db.find_one(House, name=name)
"""
    found = build({"app.py": code}).facts(Query)
    assert {q.collection for q in found} - {""} == told
    assert told or all(q.unresolved for q in found)


_SERIES = """
from datetime import datetime
from fastapi import FastAPI
from pymongo import MongoClient

app = FastAPI()
db = MongoClient()["shop"]

@app.on_event("startup")
def start():
    db.create_collection("readings"{options})

@app.post("/readings")
def add(at: int, sensor: str):
    db.readings.insert_one({{"at": at, "sensor": sensor}})
    db.others.insert_one({{"at": at}})

@app.get("/readings")
def readings(since: int, sensor: str):
    return list({asked})
"""


@pytest.mark.parametrize(
    ("options", "asked", "fit"),
    [
        (', timeseries={"timeField": "at"}', 'db.readings.find({"at": {"$gte": since}})', Fit.COVERED),
        (', timeseries={"timeField": "at"}', 'db.readings.find().sort("at", -1).limit(5)', Fit.COVERED),
        (', **{"timeseries": {"timeField": "at"}}', 'db.readings.find({"at": {"$gte": since}})', Fit.COVERED),
        (', timeseries={"timeField": "at", "metaField": "sensor"}', 'db.readings.find({"sensor": sensor, "at": {"$gte": since}})', Fit.COVERED),
        ("", 'db.readings.find({"at": {"$gte": since}})', Fit.MISSING),
        (', timeseries={"timeField": "at"}', 'db.readings.find({"value": since})', Fit.MISSING),
        (', timeseries={"timeField": "at"}', 'db.others.find({"at": {"$gte": since}})', Fit.MISSING),
    ],
)  # fmt: skip
def test_a_time_series_collection_is_kept_by_time(
    build: Build, options: str, asked: str, fit: Fit
) -> None:
    code = _SERIES.format(options=options, asked=asked)
    (found,) = (m.fit for c in build({"app.py": code}).facts(CollectionFit) for _, m in c.fits)
    assert found is fit


@pytest.mark.parametrize(
    ("asked", "fit"),
    [
        ("Reading.at >= since", Fit.COVERED),
        ("Reading.sensor == sensor, Reading.at >= since", Fit.COVERED),
        ("Reading.value >= since", Fit.MISSING),
    ],
)
def test_a_time_series_of_beanie(build: Build, asked: str, fit: Fit) -> None:
    code = """
from beanie import Document, TimeSeriesConfig, init_beanie
from fastapi import FastAPI

class Reading(Document):
    at: int
    sensor: str
    value: int

    class Settings:
        timeseries = TimeSeriesConfig(time_field="at", meta_field="sensor")

app = FastAPI()

@app.on_event("startup")
async def start():
    await init_beanie(database=None, document_models=[Reading])

@app.get("/")
async def ask(since: int, sensor: str):
    return await Reading.find({asked}).to_list()
"""
    source = code.replace("{asked}", asked)
    (found,) = (m.fit for c in build({"app.py": source}).facts(CollectionFit) for _, m in c.fits)
    assert found is fit
