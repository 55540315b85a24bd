"""Collections and filters of MongoDB as applications of all kinds spell them."""

from __future__ import annotations

import pytest

from auditor.model.data import CollectionFit, Fit, Query
from tests.conftest import Build
from tests.stores.test_mongodb import HEAD, shapes


def test_the_receiver_of_a_method_is_its_class_whatever_is_written_beside_it(build: Build) -> None:
    code = """
import uuid
from typing import Self
from beanie import Document, init_beanie

class Task(Document):
    task_id: uuid.UUID

    @classmethod
    async def by_key(cls: type[Self], key: uuid.UUID) -> Self | None:
        return await cls.find_one(cls.task_id == key)
"""
    (found,) = build({"app.py": code}).facts(Query)
    assert (found.collection, found.equality) == ("Task", ("task_id",))


def test_a_collection_that_a_function_names_after_a_class(build: Build) -> None:
    code = """
from pymongo import MongoClient
from pydantic import BaseModel

class Booking(BaseModel):
    user: str

def named(kind):
    return kind.__name__.lower()

bookings = MongoClient()["shop"][named(Booking)]

def of(user):
    return bookings.find({"user": user})
"""
    (found,) = build({"app.py": code}).facts(Query)
    assert (found.collection, found.equality) == ("booking", ("user",))


def test_a_repository_that_is_given_a_function_without_a_name(build: Build) -> None:
    code = f"""{HEAD}
class Repository:
    def __init__(self, getter):
        self._getter = getter

    @property
    def collection(self):
        return self._getter()

    async def find_one(self, filter):
        filter.setdefault("deleted_at", None)
        return await self.collection.find_one(filter)

class Branches(Repository):
    def __init__(self):
        super().__init__(lambda: db["branches"])

    async def by_code(self, code):
        return await self.find_one({{"code": code}})

class Agents(Repository):
    def __init__(self):
        super().__init__(lambda: db["agents"])

    async def by_name(self, name):
        return await self.find_one({{"name": name}})

    async def end(self, call):
        return await self.collection.update_one({{"call": call}}, {{"$set": {{"ended": True}}}})
"""
    found = build({"app.py": code}).facts(Query)
    asked = {(q.collection, q.equality) for q in found}
    assert asked == {
        ("branches", ("code", "deleted_at")),
        ("agents", ("name", "deleted_at")),
        ("agents", ("call",)),
    }


@pytest.mark.parametrize(
    "call",
    [
        "await asyncio.to_thread(db.leads.find_one, {'email': a})",
        "await run_in_threadpool(db.leads.find_one, {'email': a})",
        "await loop.run_in_executor(None, db.leads.find_one, {'email': a})",
        "await sync_to_async(db.leads.find_one)({'email': a})",
        "await functools.partial(db.leads.find_one, {'email': a})()",
    ],
)
def test_a_call_that_another_function_makes(build: Build, call: str) -> None:
    (found,) = shapes(build, call)
    assert (found.collection, found.operation, found.equality) == ("leads", "find_one", ("email",))


def test_methods_of_other_things_that_are_handed_over_are_no_queries(build: Build) -> None:
    assert not shapes(build, "list(map(a.update, b))\nsorted(b, key=a.count)")


def test_calls_of_the_driver_before_its_version_4(build: Build) -> None:
    found = shapes(build, "q = {'a': a}\ndb.users.update(q, b, upsert=True)\ndb.users.remove(q)")
    assert [(q.operation, q.equality) for q in found] == [
        ("update_many", ("a",)),
        ("delete_many", ("a",)),
    ]
    assert not shapes(build, "db_options = {}\ndb_options.update(a)\ncollections = []\ncollections.remove(a)")  # fmt: skip


def test_a_field_that_is_one_of_several(build: Build) -> None:
    body = """
by = 'passenger'
if b:
    by = 'driver'
await db.trips.find_one({by: a, 'state': 'open'})
db.trips.aggregate([{'$match': {'$and': [{by: a}, {'state': 'open'}]}}])
"""
    found = shapes(build, body)
    both = [{"passenger", "state"}, {"driver", "state"}]
    assert sorted(map(sorted, (set(q.equality) for q in found))) == sorted(map(sorted, both * 2))


def test_an_index_answers_nothing_of_what_was_taken_apart(build: Build) -> None:
    (found,) = shapes(
        build,
        "db.trips.aggregate([{'$unwind': '$reviews'}, {'$match': {'driver': a, 'reviews.by': b}}, {'$sort': {'at': 1}}])",
    )
    assert (found.equality, found.sort) == (("driver",), ())


@pytest.mark.parametrize(
    ("stage", "fit"),
    [
        ("{'near': a, 'distanceField': 'd'}", Fit.COVERED),
        ("{'near': a, 'distanceField': 'd', 'key': 'location', 'query': {'on': b}}", Fit.COVERED),
        ("{'near': a, 'distanceField': 'd', 'key': 'home'}", Fit.MISSING),
    ],
)
def test_the_geo_index_need_not_be_named(build: Build, stage: str, fit: Fit) -> None:
    code = f"""{HEAD}
@app.on_event("startup")
async def start():
    await db.drivers.create_index([("location", "2dsphere")])

@app.get("/near")
async def near(a, b):
    await db.drivers.insert_one({{}})
    return await db.drivers.aggregate([{{'$geoNear': {stage}}}, {{'$match': {{'state': 'free'}}}}]).to_list(5)
"""
    (found,) = build({"app.py": code}).facts(CollectionFit)
    assert [match.fit for _, match in found.fits] == [fit]


def test_a_list_of_one_is_the_value_that_a_partial_index_holds(build: Build) -> None:
    code = f"""{HEAD}
OPEN = ["confirmed"]

@app.on_event("startup")
async def start():
    await db.slots.create_index([("doctor", 1)], partialFilterExpression={{"state": "confirmed"}})

@app.get("/x")
async def x(a):
    await db.slots.insert_one({{}})
    await db.slots.find_one({{"doctor": a, "state": {{"$in": OPEN}}}})
    await db.slots.find_one({{"doctor": a, "state": {{"$in": ["confirmed", "held"]}}}})
"""
    (found,) = build({"app.py": code}).facts(CollectionFit)
    assert [match.fit for _, match in found.fits] == [Fit.COVERED, Fit.MISSING]


_STATES = """
from flask import Flask, request
from pymongo import MongoClient
app = Flask(__name__)
db = MongoClient().shop
OPEN = ["confirmed", "held"]
db.slots.create_index("doctor", partialFilterExpression={PARTIAL})
@app.route("/")
def index():
    db.slots.insert_one({{"doctor": request.args["d"]}})
    return db.slots.find_one({{"doctor": request.args["d"], "state": {ASKED}}})
"""
_SOME = '{"state": {"$in": ["confirmed", "held"]}}'


@pytest.mark.parametrize(
    ("partial", "asked", "fit"),
    [
        (_SOME, '{"$in": ["held", "confirmed"]}', Fit.COVERED),
        (_SOME, '{"$in": OPEN}', Fit.COVERED),
        (_SOME, '{"$in": ["held"]}', Fit.PARTIAL),  # among these it looks for some
        (_SOME, '"held"', Fit.PARTIAL),
        (_SOME, '{"$in": ["held", "gone"]}', Fit.MISSING),
        (_SOME, '{"$in": ["held", None]}', Fit.MISSING),
        (_SOME, '{"$in": [*OPEN, request.args["s"]]}', Fit.MISSING),
        (_SOME, '{"$in": request.args.getlist("s")}', Fit.MISSING),
        (_SOME, '{"$nin": ["held"]}', Fit.MISSING),
        (_SOME, '{"$all": ["held"]}', Fit.MISSING),
        ('{"rank": {"$gt": 0}, "state": "held"}', '"held", "rank": {"$in": [2, 3]}', Fit.PARTIAL),
        ('{"rank": {"$gt": 0}, "state": "held"}', '"held", "rank": {"$in": [0, 3]}', Fit.MISSING),
    ],
)  # fmt: skip
def test_a_list_of_what_a_partial_index_holds(
    build: Build, partial: str, asked: str, fit: Fit
) -> None:
    code = _STATES.format(PARTIAL=partial, ASKED=asked)
    (found,) = build({"app.py": code}).facts(CollectionFit)
    assert [match.fit for _, match in found.fits] == [fit]


@pytest.mark.parametrize(
    ("code", "asked"),
    [
        (
            """
from mongoengine import Document, StringField
class Slot(Document):
    state = StringField()
""",
            "Slot.objects(state__in=['held', 'gone']).first()",
        ),
        (
            """
from beanie import Document
from beanie.operators import In
class Slot(Document):
    state: str
""",
            "Slot.find_one(In(Slot.state, ['held', 'gone']))",
        ),
    ],
)
def test_the_constants_of_a_list_by_mappers(build: Build, code: str, asked: str) -> None:
    code = f"{code}from flask import Flask\napp = Flask(__name__)\n@app.route('/')\ndef index():\n    return {asked}\n"
    (found,) = build({"app.py": code}).facts(Query)
    assert found.values == (("state", "gone"), ("state", "held"))


def test_gridfs_has_an_index_on_the_names_of_files(build: Build) -> None:
    code = f"""{HEAD}
from motor.motor_asyncio import AsyncIOMotorGridFSBucket

files = AsyncIOMotorGridFSBucket(db)
images = AsyncIOMotorGridFSBucket(db, bucket_name="images")

@app.get("/files/{{name}}")
async def one(name):
    async for each in files.find({{"filename": name}}):
        await images.open_download_stream_by_name(name)
    return await files.find({{"metadata.owner": name}}).to_list(5)
"""
    asked = {
        (c.name, q.equality): match.fit
        for c in build({"app.py": code}).facts(CollectionFit)
        for q, match in c.fits
    }
    assert asked == {
        ("fs.files", ("filename",)): Fit.COVERED,
        ("fs.files", ("metadata.owner",)): Fit.MISSING,
        ("images.files", ("filename",)): Fit.COVERED,
    }


def test_an_attribute_that_no_class_declares_names_no_collection(build: Build) -> None:
    code = f"""{HEAD}
class Order:
    pass

@app.get("/x")
async def x(a):
    return await Order.orders_collection.find({{"state": a}}).to_list(5)
"""
    (found,) = build({"app.py": code}).facts(Query)
    assert found.collection == ""
    assert found.unresolved


@pytest.mark.parametrize(
    ("path", "fit"),
    [
        ("scripts/roles.py", Fit.COVERED),
        ("seed_products.py", Fit.COVERED),
        ("fix_roles.py", Fit.COVERED),
        ("old_scripts/look.py", Fit.COVERED),
        ("app/scratch_roles.py", Fit.COVERED),
        ("app/transcripts/server.py", Fit.MISSING),
        ("worker.py", Fit.MISSING),
        ("app/seed.py", Fit.MISSING),  # the application imports it
    ],
)
def test_what_a_script_asks_once_asks_for_no_index(build: Build, path: str, fit: Fit) -> None:
    script = """
import os
from pymongo import MongoClient

db = MongoClient(os.environ["MONGO_URL"]).shop

def main():
    db.users.update_many({"role": "staff"}, {"$set": {"role": "admin"}})

if __name__ == "__main__":
    main()
"""
    files = {"app/__init__.py": "", "app/main.py": f"{HEAD}\nfrom app import seed\n", path: script}
    (found,) = build({"app/seed.py": "", **files}).facts(CollectionFit)
    assert [match.fit for _, match in found.fits] == [fit]


def test_a_script_that_a_worker_calls_is_no_errand(build: Build) -> None:
    script = (
        "import os\nfrom pymongo import MongoClient\ndb = MongoClient(os.environ['MONGO_URL']).shop\n"
        "def summary(day):\n    return list(db.found.find({'day': day}).limit(5))\n"
        "if __name__ == '__main__':\n    summary(1)\n"
    )
    filling = (
        "\n@app.post('/x')\nasync def x(day: str):\n    await db.found.insert_one({'day': day})\n"
    )
    files = {
        "app/__init__.py": "",
        "app/main.py": HEAD + filling,
        "scripts/__init__.py": "",
        "scripts/summary.py": script,
    }
    worker = "from scripts.summary import summary\nsummary(2)\n"
    (alone,) = build(files).facts(CollectionFit)
    assert [m.fit for q, m in alone.fits if q.reads] == [Fit.COVERED]
    (found,) = build({**files, "workers/status.py": worker}).facts(CollectionFit)
    assert [m.fit for q, m in found.fits if q.reads] == [Fit.MISSING]


def test_a_lookup_that_compares_with_a_value_as_well(build: Build) -> None:
    joined = """
await db.movies.aggregate([{'$lookup': {'from': 'likes', 'let': {'movie': '$_id'}, 'as': 'mine', 'pipeline': [
    {'$match': {'$expr': {'$and': [{'$eq': ['$movie', '$$movie']}, {'$eq': ['$user', a]}]}}}]}}]).to_list(5)
"""
    (found,) = (q for q in shapes(build, joined) if q.operation == "join")
    assert (found.collection, set(found.equality)) == ("likes", {"movie", "user"})


def test_methods_of_a_class_are_asked_of_that_class(build: Build) -> None:
    code = f"""{HEAD}
class Stored:
    COLLECTION = None

    @classmethod
    def find_one(cls, condition=None):
        return cls.COLLECTION.find_one(condition)

class Device(Stored):
    COLLECTION = db["devices"]

    def __init__(self, name):
        self.name = name

def made(name, other):
    return Device(name), Device(other)

def by_key(key):
    return Device.find_one({{"key": key}})
"""
    (found,) = build({"app.py": code}).facts(Query)
    assert (found.collection, found.equality) == ("devices", ("key",))


def test_collections_that_properties_give(build: Build) -> None:
    code = f"""{HEAD}
from contextlib import contextmanager

class Collection:
    def __init__(self, inner):
        self._inner = inner

    def find_one(self, filter):
        return self._inner.find_one(filter)

class Database:
    def __init__(self):
        self._users = Collection(db["users"])
        self._posts = Collection(db["posts"])

    @property
    def users(self):
        return self._users

    @property
    def posts(self):
        return self._posts

@contextmanager
def connected():
    yield Database()

@app.get("/x")
def x(name, slug):
    with connected() as found:
        found.users.find_one({{"name": name}})
        found.posts.find_one({{"slug": slug}})
"""
    found = build({"app.py": code}).facts(Query)
    assert {(q.collection, q.equality) for q in found} == {
        ("users", ("name",)),
        ("posts", ("slug",)),
    }


def test_the_files_of_gridfs_by_their_collection(build: Build) -> None:
    (found,) = shapes(build, "await db.fs.files.find_one({'metadata.owner': a})")
    assert found.collection == "fs.files"


@pytest.mark.parametrize(
    ("settings", "fit"),
    [
        ("    pass", Fit.COVERED),
        ("    class Settings(BeanieBaseUser.Settings):\n        name = 'users'", Fit.COVERED),
        ("    class Settings:\n        name = 'users'", Fit.MISSING),
    ],
)
def test_users_of_fastapi_users_are_indexed_by_their_address(
    build: Build, settings: str, fit: Fit
) -> None:
    code = f"""
from beanie import Document, init_beanie
from fastapi import FastAPI
from fastapi_users.db import BeanieBaseUser

class User(BeanieBaseUser, Document):
{settings}

app = FastAPI()

@app.on_event("startup")
async def start():
    await init_beanie(database=None, document_models=[User])

@app.get("/x")
async def x(email: str):
    return await User.find_one(User.email == email)
"""
    (found,) = build({"app.py": code}).facts(CollectionFit)
    assert [match.fit for _, match in found.fits] == [fit]


def test_a_class_that_hands_on_to_the_collection_that_it_wraps(build: Build) -> None:
    code = f"""{HEAD}
class ReadOnly:
    def __init__(self, collection):
        self._collection = collection

    def __getattr__(self, name):
        return getattr(self._collection, name)

def get_collection(name: str) -> ReadOnly:
    return ReadOnly(db[name])

@app.get("/x")
async def x(a):
    await get_collection("orders").find_one({{"number": a}})
    reviews = get_collection("reviews")
    return await reviews.find({{"order": a}}).to_list(5)
"""
    found = build({"app.py": code}).facts(Query)
    assert [(q.collection, q.equality) for q in found] == [
        ("orders", ("number",)),
        ("reviews", ("order",)),
    ]


def test_a_repository_of_beanie_documents_asks_those_it_is_made_for(build: Build) -> None:
    code = """
from beanie import Document

class User(Document):
    email: str

class Post(Document):
    slug: str

class Repository:
    def __init__(self, model):
        self.model = model

    async def get(self, key):
        return await self.model.get(key)

    def all(self):
        return self.model.find()

users, posts = Repository(User), Repository(Post)
"""
    found = build({"app.py": code}).facts(Query)
    assert {(q.collection, q.equality) for q in found} == {
        (name, fields) for name in ("User", "Post") for fields in (("_id",), ())
    }


@pytest.mark.parametrize(
    ("kind", "asked", "told"),
    [
        ("model: Type[Document]", "self.model.find(filters).count()", ("notes", "count_documents")),
        ("model: Type[Document]", "self.model.find(filters).to_list()", ("notes", "find")),
        # a collection of the driver's
        ("model = Motor().shop.pages", "self.model.find(filters).to_list(None)", ("pages", "find")),
    ],
)
def test_what_a_generic_class_asks_of_beanie_is_told_once(
    build: Build, kind: str, asked: str, told: tuple[str, str]
) -> None:
    given = "    model = Note" if "Type" in kind else "    pass"
    code = f"""
from typing import Type
from beanie import Document
from fastapi import FastAPI
from motor.motor_asyncio import AsyncIOMotorClient as Motor
app = FastAPI()
class Note(Document):
    kind: str
    class Settings:
        name = "notes"
class Store:
    {kind}
    async def page(self, filters: dict):
        return await {asked}
class Notes(Store):
{given}
notes = Notes()
@app.get("/notes")
async def index():
    return await notes.page({{}})
"""
    found = build({"app.py": code}).facts(Query)
    assert [(q.collection, q.operation) for q in found] == [told]


def test_indexes_that_a_helper_is_handed(build: Build) -> None:
    code = f"""{HEAD}
def safely(collection, *args, **kwargs):
    try:
        collection.create_index(*args, **kwargs)
    except Exception:
        pass

@app.on_event("startup")
def start():
    safely(db.tasks, "key", unique=True)
    safely(db.nodes, [("state", 1), ("at", -1)])

@app.get("/x")
async def x(a):
    await db.tasks.insert_one({{}})
    await db.tasks.find_one({{"key": a}})
    return await db.nodes.find({{"state": a}}).sort("at", -1).to_list(5)
"""
    fits = [match.fit for c in build({"app.py": code}).facts(CollectionFit) for _, match in c.fits]
    assert fits == [Fit.COVERED] * len(fits)
    assert len(fits) == 2


@pytest.mark.parametrize(("field", "fit"), [("status", Fit.UNKNOWN), ("owner", Fit.MISSING)])
def test_an_index_of_another_application_of_the_tree_may_be_the_same(
    build: Build, field: str, fit: Fit
) -> None:
    one = f"{HEAD}\n@app.on_event('startup')\nasync def start():\n    await db.states.create_index('status')\n"
    other = f"{HEAD}\n@app.get('/x')\nasync def x(a):\n    await db.states.delete_many({{'{field}': a}})\n"
    (found,) = (
        c
        for c in build({"writer/main.py": one, "viewer/main.py": other}).facts(CollectionFit)
        if c.fits
    )
    assert [match.fit for _, match in found.fits] == [fit]


def test_a_database_is_no_collection(build: Build) -> None:
    code = f"""{HEAD}
class Repository:
    def __init__(self, collection):
        self.collection = collection

    async def by_key(self, key):
        return await self.collection.find_one({{"key": key}})

class Holder:
    database = db

found = Repository(Holder().database)
"""
    assert {q.collection for q in build({"app.py": code}).facts(Query)} == {""}


def test_umongo(build: Build) -> None:
    code = f"""{HEAD}
from umongo import Document, fields
from umongo.frameworks import MotorAsyncIOInstance

instance = MotorAsyncIOInstance(db)

@instance.register
class BlogPost(Document):
    slug = fields.StrField(unique=True)
    owner = fields.StrField()

    class Meta:
        collection_name = "posts"
        indexes = ["-created"]

@app.on_event("startup")
async def start():
    await BlogPost.ensure_indexes()

@app.get("/x")
async def x(a):
    await BlogPost.find_one({{"slug": a}})
    return await BlogPost.find({{"owner": a}}).sort("created", -1).to_list(5)
"""
    (found,) = build({"app.py": code}).facts(CollectionFit)
    assert (found.name, [(q.equality, match.fit) for q, match in found.fits]) == (
        "posts",
        [(("slug",), Fit.COVERED), (("owner",), Fit.PARTIAL)],
    )
    assert [p.code for p in found.proposed] == [
        'BlogPost.Meta: indexes = [IndexModel([("owner", 1), ("created", -1)])]'
    ]


@pytest.mark.parametrize(
    ("asked", "equality", "fit"),
    [
        ('Media.find({"file_id": a}).to_list(1)', ("_id",), Fit.COVERED),
        ('Media.find({"_id": a}).to_list(1)', ("_id",), Fit.COVERED),
        ('Media.count_documents({"$or": [{"file_id": a}]})', ("_id",), Fit.COVERED),
        ('Media.find_one({"owner.name": a})', ("by.name",), Fit.MISSING),
        ('Media.find_one({"kind": a})', ("kind",), Fit.MISSING),
        ('Media.collection.find_one({"_id": a})', ("_id",), Fit.COVERED),
        ('Media.collection.find_one({"file_id": a})', ("file_id",), Fit.MISSING),  # as it is stored
    ],
)
def test_umongo_asks_by_what_a_field_is_stored_as(
    build: Build, asked: str, equality: tuple[str, ...], fit: Fit
) -> None:
    code = f"""{HEAD}
from umongo import Document, fields
from umongo.frameworks import MotorAsyncIOInstance

instance = MotorAsyncIOInstance(db)

@instance.register
class Media(Document):
    file_id = fields.StrField(attribute="_id")
    owner = fields.DictField(attribute="by")
    kind = fields.StrField()

    class Meta:
        collection_name = "media"

@app.post("/add")
async def add(a):
    await Media(file_id=a, kind=a).commit()

@app.get("/x")
async def x(a):
    return await {asked}
"""
    (found,) = build({"app.py": code}).facts(CollectionFit)
    assert [(found.name, q.equality, m.fit) for q, m in found.fits if q.reads] == [
        ("media", equality, fit)
    ]


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ('for key, kind in KINDS.items():\n        kind["collection"].find_one({"state": a})', ["leads", "users"]),
        ('for kind in KINDS.values():\n        kind["collection"].find_one({"state": a})', ["leads", "users"]),
        ('KINDS[a]["collection"].find_one({"state": a})', ["leads", "users"]),
        ('KINDS["lead"]["collection"].find_one({"state": a})', ["leads"]),
        ('given["collection"].find_one({"state": a})', [""]),
        ('db["collection"].find_one({"state": a})', ["collection"]),
    ],
)  # fmt: skip
def test_a_collection_that_a_dict_of_dicts_holds(
    build: Build, asked: str, names: list[str]
) -> None:
    code = f"""{HEAD}
from kept import leads

KINDS = {{
    "lead": {{"collection": leads, "label": "Leads"}},
    "user": {{"collection": db.users, "label": "Users"}},
}}

@app.get("/x")
def x(a, given):
    {asked}
"""
    kept = 'from pymongo import MongoClient\n\nleads = MongoClient()["shop"]["leads"]\n'
    found = build({"app.py": code, "kept.py": kept}).facts(Query)
    assert sorted(q.collection for q in found) == names


PYMODM = """
from pymodm import MongoModel, fields
from pymodm.connection import connect
from pymongo import ASCENDING, DESCENDING, IndexModel

connect("mongodb://localhost/shop")

class BlogPost(MongoModel):
    key = fields.CharField(primary_key=True)
    room = fields.CharField(mongo_name="r")
    made = fields.DateTimeField()

    class Meta:
        indexes = [IndexModel([("r", ASCENDING), ("made", DESCENDING)])]

class Notice(BlogPost):
    pass
"""


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ('list(BlogPost.objects.raw({"r": a}).order_by([("made", -1)]))', ("find", ("r",), Fit.COVERED)),
        ('BlogPost.objects.raw({"made": a}).count()', ("count_documents", ("made",), Fit.MISSING)),
        ('BlogPost.objects.get({"_id": a})', ("find_one", ("_id",), Fit.COVERED)),
        ('BlogPost.objects.raw({"made": a}).first().delete()', ("delete_one", ("_id",), Fit.COVERED)),
        ('BlogPost.objects.get({"made": a})', ("find_one", ("made",), Fit.MISSING)),
        ('Notice.objects.raw({"made": a}).delete()', ("delete_many", ("made",), Fit.MISSING)),
        ('list(BlogPost.objects.aggregate({"$match": {"made": a}}))', ("aggregate", ("made",), Fit.MISSING)),
    ],
)  # fmt: skip
def test_pymodm(build: Build, asked: str, told: tuple[str, tuple[str, ...], Fit]) -> None:
    code = f"{PYMODM}\ndef of(a):\n    return {asked}\nof(1)\n"
    (found,) = build({"app.py": code}).facts(CollectionFit)
    assert found.name == "blog_post"
    assert told in [(q.operation, q.equality, match.fit) for q, match in found.fits]


def test_a_helper_that_adds_the_tenant_to_a_filter(build: Build) -> None:
    helper = """
def scoped(query, tenant=None):
    base = query or {}
    current = tenant or "default"
    if "tenant" in base:
        return base
    clause = {"tenant": current}
    if not base:
        return clause
    return {"$and": [base, clause]}
"""
    code = f"""{HEAD}{helper}
async def one(key):
    await db.a.find_one(scoped({{"key": key}}))

async def every():
    return await db.b.find(scoped({{}})).to_list(5)

async def some(state):
    query = {{}}
    if state:
        query["state"] = state
    return await db.d.find(scoped(query)).to_list(5)

async def own(tenant):
    return await db.c.find(scoped({{"tenant": tenant}})).to_list(5)
"""
    found = [(q.collection, set(q.equality)) for q in build({"app.py": code}).facts(Query)]
    assert [each for each in found if each[0] != "d"] == [
        ("a", {"key", "tenant"}),
        ("b", {"tenant"}),
        ("c", {"tenant"}),
    ]
    assert all("tenant" in fields for _, fields in found)


def test_indexes_that_a_migration_creates_are_there(build: Build) -> None:
    migration = """
async def up(db):
    await db.leads.create_index([("tenant", 1), ("key", 1)])
"""
    code = f"{HEAD}\nasync def one(a, b):\n    await db.leads.insert_one({{}})\n    await db.leads.find_one({{'tenant': a, 'key': b}})\n"
    (found,) = build({"app.py": code, "migrations/001_leads.py": migration}).facts(CollectionFit)
    assert [match.fit for _, match in found.fits] == [Fit.COVERED]
    assert [index.declared_in for index in found.live] == ["migration"]


def test_what_runs_is_not_told_where_the_framework_is_not_read(build: Build) -> None:
    code = """
import webapp2
from pymongo import MongoClient

db = MongoClient().shop

def prepare():
    db.leads.create_index("key")

def never():
    db.leads.create_index("name")

class Leads(webapp2.RequestHandler):
    def get(self, key):
        prepare()
        db.leads.delete_one({"name": key})
        return db.leads.find_one({"key": key})
"""
    (found,) = build({"app.py": code}).facts(CollectionFit)
    fits = {query.equality: match.fit for query, match in found.fits}
    assert fits == {("key",): Fit.COVERED, ("name",): Fit.MISSING}


BEANIE_FLAGS = """
from enum import Enum
from beanie import Document
class Gender(str, Enum):
    M = "m"
    F = "f"
class State(str, Enum):
    A = "a"
    B = "b"
    C = "c"
class Room(Document):
    gender: Gender
    open: bool = True
    state: State
    class Settings:
        name = "rooms"
async def some(x):
    return await Room.find_one(FILTER)
"""


@pytest.mark.parametrize(
    ("asked", "fit"),
    [
        ('{"gender": x}', Fit.COVERED),
        ("Room.open == x", Fit.COVERED),
        ('{"state": x}', Fit.MISSING),
        ('{"gender": x, "state": x}', Fit.MISSING),
    ],
)
def test_a_field_of_two_values_alone_asks_for_no_index(build: Build, asked: str, fit: Fit) -> None:
    (found,) = build({"app.py": BEANIE_FLAGS.replace("FILTER", asked)}).facts(CollectionFit)
    assert [match.fit for _, match in found.fits] == [fit]


def test_a_field_of_two_values_of_mongoengine(build: Build) -> None:
    code = (
        "import mongoengine as me\nclass Room(me.Document):\n    kind = me.StringField(choices=['a', 'b'])\n"
        "    open = me.BooleanField()\n    name = me.StringField(choices=['a', 'b', 'c'])\n"
        "def f(x):\n    return [Room.objects(kind=x), Room.objects(open=x), Room.objects(name=x)]\n"
    )
    (found,) = build({"app.py": code}).facts(CollectionFit)
    told = {query.equality[0]: match.fit for query, match in found.fits if query.equality}
    assert told == {"kind": Fit.COVERED, "open": Fit.COVERED, "name": Fit.MISSING}


FETCHED = """
from beanie import Document, Link, init_beanie
class Account(Document):
    email: str
class Job(Document):
    owner: Link[Account]
    slug: str
async def ask(account, slug):
    await Job.find_one(Job.owner.id == account.id, Job.slug == slug{links})
async def start(db):
    await init_beanie(database=db, document_models=[Account, Job])
SHOWN = [ask, start]
"""


def test_a_link_is_compared_after_it_has_been_fetched(build: Build) -> None:
    def told(links: str) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
        queries = build({"app.py": FETCHED.replace("{links}", links)}).facts(Query)
        return [(q.equality, q.scanned) for q in queries if q.collection == "Job"]

    assert told(", fetch_links=True") == [(("slug",), ("owner.$id",))]
    assert told(", fetch_links=False") == told("") == [(("owner.$id", "slug"), ())]


OLD = """
import pymongo
from flask_pymongo import PyMongo
mongo = PyMongo(app)
votes = mongo.db.votes
info = pymongo.collection.Collection(pymongo.MongoClient()["shop"], "facts")
def ask(x):
    pitches = mongo.db.pitches
    pitches.update({"_id": x}, {"$set": {"a": 1}})
    votes.remove({"pitch_id": x})
    info.find_one({"name": x})
    seen, left = {}, []
    seen.update({"key": x})
    left.remove({"key": x})
"""


def test_methods_of_old_drivers_on_a_variable(build: Build) -> None:
    found = {(q.collection, q.equality) for q in build({"app.py": OLD}).facts(Query)}
    assert found == {("pitches", ("_id",)), ("votes", ("pitch_id",)), ("facts", ("name",))}


KINDS = """
from enum import Enum
from fastapi import FastAPI
from motor.motor_asyncio import AsyncIOMotorClient
class Kind(str, Enum):
    loans = "all_loans"
    payments = "all_payments"
class Page:
    loans = "pages"
db = AsyncIOMotorClient().shop
app = FastAPI()
"""


@pytest.mark.parametrize(
    ("asked", "collections"),
    [
        ("async def ask(kind: Kind, x):\n    await db[kind.value].find_one({'a': x})", {"all_loans", "all_payments"}),
        ("async def ask(x):\n    await db[Kind.loans.value].find_one({'a': x})", {"all_loans"}),
        ("async def ask(x):\n    kind = Kind.payments\n    await db[kind.value].find_one({'a': x})", {"all_payments"}),
        ("async def of(kind: Kind, x):\n    await db[kind.value].find_one({'a': x})\n@app.get('/')\nasync def ask(x):\n    await of(Kind.loans, x)", {"all_loans"}),
        ("async def ask(kind, x):\n    await db[kind.value].find_one({'a': x})", {""}),
        ("async def ask(x):\n    await db[Page.loans.value].find_one({'a': x})", {""}),
    ],
)  # fmt: skip
def test_a_member_of_an_enumeration_names_the_collection(
    build: Build, asked: str, collections: set[str]
) -> None:
    queries = build({"app.py": f"{KINDS}@app.get('/{{kind}}')\n{asked}\n"}).facts(Query)
    assert {q.collection for q in queries if q.equality == ("a",)} == collections


STORE = """
from pymongo import MongoClient
class Store:
    def __init__(self):
        self._db = MongoClient("mongodb://x")["shop"]
    def get_collection(self, name):
        return self._db[name]
    def find_one(self, name, query):
        if "_id" in query:
            query["_id"] = str(query["_id"])
        collection = self.get_collection(name)
        return collection.find_one(query)
def get_store():
    return Store()
class Lazy:
    def __getattr__(self, name):
        return getattr(get_store(), name)
store = Store()
lazy = Lazy()
"""
ASKS = "from store import store, lazy\ndef ask(x):\n    store.find_one('leads', {'email': x})\n    lazy.find_one('tags', {'name': x})\n    store.find_one('leads', {'_id': x})\n"


@pytest.mark.parametrize(
    "test",
    ['"_id" in query', '"_id" in query and isinstance(query["_id"], int)', 'query.get("_id")'],
)
def test_a_wrapper_that_is_handed_the_collection_s_name_is_told_where_it_is_called(
    test: str, build: Build
) -> None:
    store = STORE.replace('"_id" in query', test)
    found = build({"store.py": store, "app.py": ASKS}).facts(Query)
    told = {(q.place.path, q.place.line, q.collection, q.equality) for q in found}
    assert told == {
        ("app.py", 3, "leads", ("email",)),
        ("app.py", 4, "tags", ("name",)),
        ("app.py", 5, "leads", ("_id",)),
        ("store.py", 12, "", ()),
    }


def test_a_helper_that_is_handed_a_collection_stays_where_it_stands(build: Build) -> None:
    code = f"{KINDS}\ndef one(leads, x):\n    return leads.find_one({{'a': x}})\ndef ask(x):\n    return one(db.leads, x), one(db['all'], x)\n"
    found = build({"app.py": code}).facts(Query)
    assert {(q.place.line, q.collection) for q in found} == {(14, "leads"), (14, "all")}


def test_a_database_of_a_list_is_one(build: Build) -> None:
    code = f"{KINDS}\ndef every(first):\n    found = [first]\n    return found\nasync def ask(x):\n    for each_db in every(db):\n        await each_db['loans'].find_one({{'a': x}})\n"
    (query,) = build({"app.py": code}).facts(Query)
    assert (query.collection, query.equality) == ("loans", ("a",))


_BEANIE = """
from beanie import Document, init_beanie
{imports}
from fastapi import FastAPI
from pydantic import BaseModel

app = FastAPI()

class Named(BaseModel):
    nick: str

class Member(Document, Named):
    city: str
    age: int

    class Settings:
        name = "members"

@app.on_event("startup")
async def start():
    await init_beanie(database=None, document_models=[Member])

@app.get("/members")
async def members(nick: str, city: str, age: int):
    return await Member.find({asked}).to_list()
"""


@pytest.mark.parametrize(
    ("imports", "asked", "equality", "ranged"),
    [
        ("from beanie.operators import In as OneOf", "OneOf(Member.nick, [nick, city])", ("nick",), ()),
        ("from beanie.operators import And as Both, Eq as Is", "Both(Is(Member.nick, nick), Member.city == city)", ("nick", "city"), ()),
        ("from beanie.operators import GTE as AtLeast", "AtLeast(Member.age, age)", (), ("age",)),
        ("import beanie.operators as ops", "ops.In(Member.nick, [nick])", ("nick",), ()),
        ("from beanie.odm.operators.find.comparison import In as OneOf", "OneOf(Member.nick, [nick])", ("nick",), ()),
    ],
)  # fmt: skip
def test_an_operator_that_is_imported_by_another_name(
    build: Build,
    imports: str,
    asked: str,
    equality: tuple[str, ...],
    ranged: tuple[str, ...],
) -> None:
    code = _BEANIE.format(imports=imports, asked=asked)
    (found,) = build({"app.py": code}).facts(Query)
    assert (found.unresolved, found.equality, found.range) == ("", equality, ranged)


def test_a_function_of_the_tree_that_is_called_like_nothing_known(build: Build) -> None:
    code = _BEANIE.format(
        imports="from elsewhere import made as OneOf", asked="OneOf(Member.nick, [nick])"
    )
    (found,) = build({"app.py": code}).facts(Query)
    assert found.unresolved


def test_odmantic_and_mongoengine_by_other_names(build: Build) -> None:
    code = """
from motor.motor_asyncio import AsyncIOMotorClient
from odmantic import AIOEngine, Model
from odmantic.query import desc as down, in_ as one_of

engine = AIOEngine(motor_client=AsyncIOMotorClient(), database="shop")

class Lead(Model):
    state: str
    made: int

async def leads(states):
    return await engine.find(Lead, one_of(Lead.state, states), sort=down(Lead.made))
"""
    (found,) = build({"app.py": code}).facts(Query)
    assert (found.equality, found.sort) == (("state",), (("made", -1),))
    code = """
from mongoengine import Document, StringField, Q as Where

class Note(Document):
    topic = StringField()
    owner = StringField()

def notes(topic, owner):
    return list(Note.objects(Where(topic=topic) & Where(owner=owner)))
"""
    (found,) = build({"app.py": code}).facts(Query)
    assert set(found.equality) == {"topic", "owner"}


@pytest.mark.parametrize(
    ("asked", "lacking"),
    [
        ("Member.api_keys == nick", True),
        ("{Member.api_keys: nick}", True),
        ("{+Member.api_keys: nick}", True),
        ("In(Member.api_keys, [nick])", True),
        ("Member.api_keys.first == nick", True),
        ("Or(Member.nick == nick, Member.api_keys == nick)", True),
        ("Member.nick == nick", False),  # of a base of the tree
        ("Member.id == nick", False),
        ('{"api_keys": nick}', False),  # a text: documents may have it
    ],
)
def test_a_field_that_a_class_of_documents_has_not_raises(
    build: Build, asked: str, lacking: bool
) -> None:
    code = _BEANIE.format(imports="from beanie.operators import In, Or", asked=asked)
    found = build({"app.py": code}).facts(Query)
    raised = any(q.unresolved == "Member has no field api_keys: it raises" for q in found)
    assert raised == lacking
    # what is not in the tree may declare it
    apart = code.replace("class Named(BaseModel):\n    nick: str", "from elsewhere import Named")
    found = build({"app.py": apart}).facts(Query)
    assert not any("raises" in q.unresolved for q in found)


@pytest.mark.parametrize(
    ("collection", "photo", "pipe"),
    [
        ("engine.get_collection(Photo)", Fit.COVERED, Fit.MISSING),
        ("engine.get_collection(Pipe)", Fit.MISSING, Fit.COVERED),
        ("engine.get_collection(elsewhere())", Fit.UNKNOWN, Fit.UNKNOWN),
    ],
)
def test_an_index_on_the_collection_of_a_model(
    build: Build, collection: str, photo: Fit, pipe: Fit
) -> None:
    code = f"""
from fastapi import FastAPI
from motor.motor_asyncio import AsyncIOMotorClient
from odmantic import AIOEngine, Model
from other import elsewhere

class Photo(Model):
    project: str

class Pipe(Model):
    project: str

engine: AIOEngine = None
app = FastAPI()

@app.on_event("startup")
async def start():
    global engine
    engine = AIOEngine(motor_client=AsyncIOMotorClient(), database="shop")
    await {collection}.create_index([("project", 1)])

@app.get("/")
async def ask(project: str):
    await engine.find(Photo, Photo.project == project)
    await engine.find(Pipe, Pipe.project == project)
"""
    fits = {
        c.name: c.fits[0][1].fit for c in build({"app.py": code}).facts(CollectionFit) if c.fits
    }
    assert (fits["photo"], fits["pipe"]) == (photo, pipe)
