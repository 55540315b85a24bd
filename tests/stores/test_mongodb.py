"""Shapes that are told from code written in the ways people write it."""

from __future__ import annotations

import pytest

from auditor.model.data import Bound, CollectionFit, Fit, Index, Query, UntoldIndexes
from tests.conftest import Build

HEAD = """
import os
from fastapi import FastAPI, Query
from motor.motor_asyncio import AsyncIOMotorClient

db = AsyncIOMotorClient(os.environ["MONGO_URL"]).shop
app = FastAPI()
"""


def shapes(build: Build, body: str, files: dict[str, str] | None = None) -> list[Query]:
    indented = "\n".join(f"    {line}" for line in body.strip().splitlines())
    code = f"{HEAD}\n@app.get('/x')\nasync def handler(a=None, b=None, tenant=None):\n{indented}\n"
    return list(build({"app.py": code, **(files or {})}).facts(Query))


@pytest.mark.parametrize(
    ("body", "equality", "spans", "sort", "scanned"),
    [
        ("q = {}\nq.update({'t': tenant})\nawait db.c.find_one(q)", {"t"}, set(), (), set()),
        ("q = {**{'t': tenant}, 'a': a}\nawait db.c.find_one(q)", {"t", "a"}, set(), (), set()),
        ("q = dict(t=tenant)\nawait db.c.find_one(q)", {"t"}, set(), (), set()),
        ("d = {}\nif a:\n    d['$gte'] = a\nawait db.c.find_one({'t': tenant, 'd': d})", {"t"}, {"d"}, (), set()),
        ("await db.c.find({'t': tenant, 'n': {'$in': [1]}}).sort([('d', -1)]).to_list(5)", {"t", "n"}, set(), (("d", -1),), set()),
        ("cursor = db.c.find({'t': tenant})\ncursor = cursor.sort('d', -1).limit(5)\nawait cursor.to_list(5)", {"t"}, set(), (("d", -1),), set()),
        ("await db.c.find_one({'n': {'$regex': a}})", set(), set(), (), {"n"}),
        ("await db.c.find_one({'n': {'$regex': f'^{a}'}})", set(), {"n"}, (), set()),
        ("await db.c.find_one({'n': {'$regex': '^x', '$options': 'i'}})", set(), set(), (), {"n"}),
        ("await db.c.find_one({'items': {'$elemMatch': {'sku': a}}})", {"items.sku"}, set(), (), set()),
        ("await db.c.find_one({'items': {'$all': [{'$elemMatch': {'sku': a}}, {'$elemMatch': {'sku': b, 'd': {'$gt': 2}}}]}})", {"items.sku"}, {"items.d"}, (), set()),
        ("await db.c.find_one({'items': {'$all': [{'$elemMatch': {'sku': x}} for x in a]}})", {"items.sku"}, set(), (), set()),
        ("await db.c.find_one({'items': {'$all': [a, b]}})", {"items"}, set(), (), set()),
        ("await db.c.find_one({'items': {'$all': a}})", {"items"}, set(), (), set()),
        ("await db.c.find_one({'$and': [{'t': tenant}, {'d': {'$lt': a}}]})", {"t"}, {"d"}, (), set()),
        ("await db['c'].aggregate([{'$match': {'t': tenant}}, {'$sort': {'d': -1}}, {'$group': {'_id': '$a'}}]).to_list(5)", {"t"}, set(), (("d", -1),), set()),
    ],
)  # fmt: skip
def test_one_shape(
    build: Build,
    body: str,
    equality: set[str],
    spans: set[str],
    sort: tuple[tuple[str, int], ...],
    scanned: set[str],
) -> None:
    (found,) = shapes(build, body)
    assert found.collection == "c"
    assert not found.unresolved
    assert (set(found.equality), set(found.range), found.sort) == (equality, spans, sort)
    assert set(found.scanned) == scanned


def test_alternatives_are_a_query_each(build: Build) -> None:
    found = shapes(build, "await db.c.find_one({'t': tenant, '$or': [{'a': a}, {'b': b}]})")
    assert [set(q.equality) for q in found] == [{"t", "a"}, {"t", "b"}]
    found = shapes(
        build, "if a:\n    q = {'a': a}\nelse:\n    q = {'b': b}\nawait db.c.find_one(q)"
    )
    assert [q.equality for q in found] == [("a",), ("b",)]


def test_a_variable_that_is_used_twice(build: Build) -> None:
    found = shapes(
        build, "q = {'a': a}\nawait db.c.find_one(q)\nq = {'b': b}\nawait db.d.find_one(q)"
    )
    assert [(q.collection, q.equality) for q in found] == [("c", ("a",)), ("d", ("b",))]


@pytest.mark.parametrize("always", [(), ("t",)])
def test_optional_fields_are_told_without_them_and_with_each(
    always: tuple[str, ...], build: Build
) -> None:
    start = f"q = {{{', '.join(f'{x!r}: tenant' for x in always)}}}\n"
    found = shapes(build, f"{start}if a:\n    q['a'] = a\nawait db.c.find_one(q)")
    assert {(q.equality, q.broad) for q in found} == {((*always, "a"), ()), (always, ())}
    many = "".join(f"if {x}:\n    q['{x}'] = {x}\n" for x in "abcd")
    whole, some = shapes(build, f"{start}{many}await db.c.find_one(q)")
    assert (whole.equality, whole.unresolved) == (always, "")
    assert (some.equality, some.unresolved) == (
        (*always, "a", "b", "c", "d"),
        "which of these fields it asks is decided at run time",
    )


_OPTIONAL = """
from fastapi import FastAPI
from pymongo import MongoClient
app = FastAPI()
leads = MongoClient("mongodb://db")["shop"]["leads"]
leads.create_index("{index}")
@app.get("/leads/{{owner}}")
def read(owner: str, tenant: str | None = None):
    query = {{"owner": owner}}
    if tenant:
        query["tenant"] = tenant
    return list(leads.find(query))
@app.post("/leads")
def add(lead: dict):
    leads.insert_one(lead)
"""


@pytest.mark.parametrize(
    ("index", "alone", "both"),
    [
        ("tenant", Fit.MISSING, Fit.PARTIAL),
        ("owner", Fit.COVERED, Fit.PARTIAL),
        ("other", Fit.MISSING, Fit.MISSING),
    ],
)
def test_an_index_of_an_optional_field_serves_the_runs_that_ask_it(
    index: str, alone: Fit, both: Fit, build: Build
) -> None:
    (found,) = build({"app.py": _OPTIONAL.format(index=index)}).facts(CollectionFit)
    told = {q.equality: m.fit for q, m in found.fits}
    assert told == {("owner",): alone, ("owner", "tenant"): both}
    assert len(found.proposed) == 1


def test_lookups_ask_the_collection_that_they_join(build: Build) -> None:
    pipeline = "[{'$match': {'t': tenant}}, {'$lookup': {'from': 'users', 'localField': 'u', 'foreignField': 'key', 'as': 'user'}}]"
    found = shapes(build, f"await db.c.aggregate({pipeline}).to_list(5)")
    assert [(q.operation, q.collection, q.equality) for q in found] == [
        ("aggregate", "c", ("t",)),
        ("join", "users", ("key",)),
    ]


def test_special_indexes(build: Build) -> None:
    (text,) = shapes(build, "await db.c.find_one({'$text': {'$search': a}})")
    (near,) = shapes(build, "await db.c.find_one({'at': {'$near': {'$geometry': a}}})")
    assert (text.special, near.special, near.range) == ("text", "geo", ("at",))


@pytest.mark.parametrize(
    ("body", "bound"),
    [
        ("await db.c.find().to_list(None)", Bound.NONE),
        ("[x async for x in db.c.find()]", Bound.NONE),
        ("await db.c.find().to_list(50)", Bound.LIMITED),
        ("await db.c.find().limit(a).to_list(None)", Bound.CALLER),
        ("await db.c.find().limit(min(a, 50)).to_list(None)", Bound.LIMITED),
        ("if a > 100:\n    a = 100\nawait db.c.find().to_list(a)", Bound.LIMITED),
        ("await db.c.find_one({'x': a})", Bound.ONE),
        ("return db.c.find({'x': a})", Bound.UNKNOWN),
    ],
)
def test_bounds(build: Build, body: str, bound: Bound) -> None:
    (found,) = shapes(build, body)
    assert found.bound is bound


def test_a_repository_is_read_for_each_of_its_collections(build: Build) -> None:
    repository = """
class Repository:
    def __init__(self, db, name):
        self.collection = db[name]

    async def by(self, query):
        return await self.collection.find_one(query)

class Cars(Repository):
    def __init__(self, db):
        super().__init__(db, "cars")
"""
    body = """
from repository import Cars, Repository
leads = Repository(db, "leads")
await leads.by({"email": a})
"""
    found = shapes(build, body, {"repository.py": repository})
    assert ("leads", ("email",)) in {(q.collection, q.equality) for q in found}


def test_what_cannot_be_told_says_why(build: Build) -> None:
    (found,) = shapes(build, "await db[a].find_one({'x': 1})")
    assert found.unresolved == "the collection is named at run time"
    (found,) = shapes(build, "await db.c.find_one(a)")
    assert found.unresolved == "the filter is built at run time"


@pytest.mark.parametrize(
    ("asked", "fit"),
    [
        ("find_one({'_id': b})", Fit.COVERED),
        ("update_one({'_id': b, 'c': tenant}, {'$set': {'d': 1}})", Fit.COVERED),
        ("estimated_document_count()", Fit.COVERED),
        ("find({})", Fit.COVERED),
        ("find({'_id': {'$ne': b}, 'c': tenant})", Fit.UNKNOWN),
        ("find({'c': tenant})", Fit.UNKNOWN),
        ("find({}).sort('c').limit(5)", Fit.UNKNOWN),
        ("find(tenant)", Fit.UNKNOWN),
    ],
)  # fmt: skip
def test_each_collection_has_a_key_whatever_its_name(asked: str, fit: Fit, build: Build) -> None:
    code = f"{HEAD}\n@app.get('/x')\nasync def handler(a, b, tenant):\n    return db[a].{asked}\n"
    (found,) = build({"app.py": code}).facts(CollectionFit)
    assert [(found.name, m.fit) for _, m in found.fits] == [("", fit)]


def test_other_libraries_have_finds_too(build: Build) -> None:
    body = "text = 'abc'\ntext.find('b')\nimport re\nre.compile('x').search(text)\n[1].count(1)\nlead = await db.c.find_one({'x': a})\nlead.get('y', '').find('z')"
    assert len(shapes(build, body)) == 1


BEANIE = """
from beanie import Document, Indexed, Link, init_beanie
from beanie.operators import In, Or, RegEx
from fastapi import FastAPI
from pymongo import IndexModel
from typing import Annotated

class Lead(Document):
    email: Annotated[str, Indexed(unique=True)]
    tenant: str
    state: int
    created: int
    phone: str
    name: str
    users: list[dict]
    owner: Link["Lead"]
    class Settings:
        name = "leads"
        indexes = ["tenant", [("tenant", 1), ("created", -1)], IndexModel([("text", "text")])]

app = FastAPI()

@app.on_event("startup")
async def start():
    await init_beanie(database=None, document_models=[Lead])

@app.get("/leads")
async def leads(tenant: str):
    await Lead.find(Lead.tenant == tenant, In(Lead.state, [1])).sort(-Lead.created).limit(5).to_list()
    await Lead.find_one(Or(Lead.email == tenant, Lead.phone == tenant))
    await Lead.get(tenant)
    await Lead.find(Lead.owner.id == tenant).count()
    await Lead.find(RegEx(Lead.name, tenant)).first_or_none()
    await Lead.find(Lead.tenant == tenant).aggregate([{"$match": {"x": 1}}]).to_list()
"""


def test_beanie(build: Build) -> None:
    application = build({"app.py": BEANIE})
    found = [
        (q.operation, q.collection, q.equality, q.sort, q.scanned) for q in application.facts(Query)
    ]
    assert found == [
        ("find", "leads", ("tenant", "state"), (("created", -1),), ()),
        ("find_one", "leads", ("email",), (), ()),
        ("find_one", "leads", ("phone",), (), ()),
        ("find_one", "leads", ("_id",), (), ()),
        ("count_documents", "leads", ("owner.$id",), (), ()),
        ("find_one", "leads", (), (), ("name",)),
        ("aggregate", "leads", ("tenant", "x"), (), ()),
    ]
    indexes = [(i.fields, i.unique, i.kind, i.run) for i in application.facts(Index)]
    assert indexes == [
        ((("tenant", 1),), False, "ordered", "handler"),
        ((("tenant", 1), ("created", -1)), False, "ordered", "handler"),
        ((("text", 1),), False, "text", "handler"),
        ((("email", 1),), True, "ordered", "handler"),
    ]


ANNOTATIONS = {
    "Indexed(str)": "both",
    "Indexed(str, unique=True)": "both",
    "Annotated[str, Indexed()]": "both",
    "Annotated[Optional[str], Indexed()]": "both",
    "Annotated[Annotated[str, Indexed()], Field(max_length=3)]": "both",
    "Alias": "both",
    "Optional[Indexed(str)]": "old",
    "Indexed(str) | None": "old",
    "Union[Indexed(str), None]": "old",
    "Optional[Alias]": "old",
    "Optional[Annotated[str, Indexed()]]": "old",
    "list[Indexed(str)]": "never",
    "Annotated[str, Indexed(str)]": "never",
    "str": "none",
}
"""What Beanie 1.26 with Pydantic 1.10 (old), and 2.2 with Pydantic 2.14 make an index of: `get_index_attributes`."""


@pytest.mark.parametrize("annotation", ANNOTATIONS)
def test_what_beanie_does_not_see_makes_no_index(annotation: str, build: Build) -> None:
    expected = ANNOTATIONS[annotation]
    code = (
        "from typing import Annotated, Optional, Union\nfrom beanie import Document, Indexed, init_beanie\n"
        f"from pydantic import Field\nAlias = Indexed(str)\nclass Lead(Document):\n    email: {annotation}\n"
        "async def main():\n    await init_beanie(database=None, document_models=[Lead])\nmain()\n"
    )
    for pins, old in (("", False), ("pydantic==1.10.13\nbeanie>=1.19", True), ("beanie==1.11.0", True), ("beanie==1.26.0", False)):  # fmt: skip
        found = build({"app.py": code, "requirements.txt": pins}).facts(Index)
        assert len(found) == (expected != "none")
        assert any(i.run for i in found) == (expected == "both" or (expected == "old" and old))


MONGOENGINE = """
from flask import Flask
from mongoengine import Document, StringField, Q

class BlogPost(Document):
    title = StringField(db_field="t", unique=True)
    owner = StringField()
    editor = StringField()
    created = StringField()
    meta = {"indexes": ["-created", ("owner", "created")], "ordering": ["-created"]}

app = Flask(__name__)

@app.get("/posts")
def posts(name):
    list(BlogPost.objects(owner=name, created__gte=1).order_by("-created").limit(5))
    BlogPost.objects.get(title=name)
    BlogPost.objects.filter(Q(owner=name) | Q(editor=name)).count()
    BlogPost.objects(title__icontains=name, pk=name).first()
"""


def test_mongoengine(build: Build) -> None:
    application = build({"app.py": MONGOENGINE})
    found = [
        (q.operation, q.equality, q.range, q.sort, q.scanned) for q in application.facts(Query)
    ]
    assert found == [
        ("find", ("owner",), ("created",), (("created", -1),), ()),
        ("find_one", ("t",), (), (("created", -1),), ()),
        ("count_documents", ("editor",), (), (), ()),
        ("count_documents", ("owner",), (), (), ()),
        ("find_one", ("_id",), (), (("created", -1),), ("t",)),
    ]
    assert {q.collection for q in application.facts(Query)} == {"blog_post"}
    fields = [(i.fields, i.unique) for i in application.facts(Index)]
    assert fields == [
        ((("t", 1),), True),
        ((("created", -1),), False),
        ((("owner", 1), ("created", 1)), False),
    ]


ODMANTIC = """
from fastapi import FastAPI
from odmantic import AIOEngine, Field, Model

class LeadModel(Model):
    email: str = Field(unique=True)
    tenant: str = Field(index=True)
    created: int
    name: str

engine = AIOEngine()
app = FastAPI()

@app.get("/leads")
async def leads(tenant: str):
    await engine.find(LeadModel, LeadModel.tenant == tenant, sort=LeadModel.created.desc(), limit=5)
    await engine.find_one(LeadModel, (LeadModel.id == tenant) | (LeadModel.email == tenant))
    await engine.count(LeadModel, LeadModel.name.match("^x"))
"""


def test_odmantic(build: Build) -> None:
    application = build({"app.py": ODMANTIC})
    found = [
        (q.operation, q.collection, q.equality, q.range, q.sort) for q in application.facts(Query)
    ]
    assert found == [
        ("find", "lead", ("tenant",), (), (("created", -1),)),
        ("find_one", "lead", ("_id",), (), ()),
        ("find_one", "lead", ("email",), (), ()),
        ("count_documents", "lead", (), ("name",), ()),
    ]
    assert [(i.fields, i.unique, i.run) for i in application.facts(Index)] == [
        ((("email", 1),), True, ""),
        ((("tenant", 1),), False, ""),
    ]


def test_what_the_proposed_indexes_leave(build: Build) -> None:
    code = (
        HEAD
        + """
@app.get("/x")
async def x(a, b):
    await db.c.find({"t": a}).sort("d", -1).to_list(5)
    await db.c.find_one({"t": a, "n": b})
    await db.c.insert_one({"t": a})
"""
    )
    (found,) = build({"app.py": code}).facts(CollectionFit)
    assert [p.code for p in found.proposed] == [
        'await db.c.create_index([("t", 1), ("d", -1)])',
        'await db.c.create_index([("t", 1), ("n", 1)])',
    ]
    assert all(match.fit is Fit.MISSING for _, match in found.fits)


def test_who_tends_a_database_that_this_tree_only_reads_is_unknown(build: Build) -> None:
    code = HEAD + "\n@app.get('/x')\nasync def x(a):\n    await db.c.find_one({'t': a})\n"
    (found,) = build({"app.py": code}).facts(CollectionFit)
    ((_, match),) = found.fits
    assert (match.fit, match.missing) == (Fit.UNKNOWN, ("t",))


@pytest.mark.parametrize("folder", ["migrations", "backend/migrations", "alembic"])
def test_what_a_migration_asks_once_is_no_query_of_the_application(
    build: Build, folder: str
) -> None:
    migration = "import pymongo\n\ndef upgrade(db):\n    db.c.update_one({'old': 1}, {'$set': {'new': 1}})\n    db.c.find({'old': 2})\n"
    found = shapes(build, "await db.c.find_one({'t': a})", {f"{folder}/0001_c.py": migration})
    assert [q.equality for q in found] == [("t",)]


@pytest.mark.parametrize(
    ("base", "unresolved"),
    [("Document", "editr is no field that the class declares"), ("DynamicDocument", "")],
)
def test_mongoengine_refuses_fields_that_a_class_does_not_declare(
    build: Build, base: str, unresolved: str
) -> None:
    code = MONGOENGINE.replace("Document", base).partition("def posts")[0]
    code += "def posts(name):\n    BlogPost.objects(editr=name).first()\n"
    (found,) = build({"app.py": code}).facts(Query)
    assert found.unresolved == unresolved


@pytest.mark.parametrize(
    ("line", "fit"),
    [
        ("await db.c.create_index(spec.keys)", Fit.UNKNOWN),
        ("await db.other.create_index(spec.keys)", Fit.MISSING),
        ("await db.c.create_index('z')", Fit.MISSING),
        ("await db.c.create_index('t')", Fit.COVERED),
    ],
)
def test_indexes_whose_keys_cannot_be_told_leave_it_open(build: Build, line: str, fit: Fit) -> None:
    code = (
        f"{HEAD}\nfrom specs import spec\n@app.on_event('startup')\nasync def start():\n    {line}\n"
        "@app.get('/x')\nasync def x(a):\n    await db.c.find_one({'t': a})\n    await db.c.insert_one({'t': a})\n"
    )
    (found,) = [c for c in build({"app.py": code}).facts(CollectionFit) if c.name == "c"]
    assert [match.fit for _, match in found.fits] == [fit]


REPOSITORY = """
class Base:
    def __init__(self, database, name):
        self.name = name
        self.database = database

    async def _kept(self, client):
        return client[self.database][self.name]

    async def _one(self, query):
        kept = await self._kept(db.client)
        return await kept.find_one(query)

class Leads(Base):
    def __init__(self):
        super().__init__("shop", "leads")

    async def by_email(self, email):
        return await self._one({"email": email})

class Users(Base):
    def __init__(self):
        super().__init__("shop", "users")

    async def by_name(self, name):
        return await self._one({"name": name})
"""
BEHIND_A_PROPERTY = """
class Queries:
    @property
    def collection(self):
        return db.client["shop"][self.COLLECTION]

class Leads(Queries):
    COLLECTION = "leads"

    async def by_email(self, email):
        return await self.collection.find_one({"email": email})

class Users(Queries):
    COLLECTION = "users"

    async def by_name(self, name):
        return await self.collection.find_one({"name": name})
"""
WRAPPED = """
class Queries:
    def __init__(self, name):
        self.collection = db[name]

    async def one(self, query):
        return await self.collection.find_one(query)

async def by_email(email):
    return await Queries("leads").one({"email": email})

async def by_name(name):
    users = Queries("users")
    return await users.one({"name": name})
"""
KEPT = """
class Store:
    def setup(self, database):
        self.lead_collection = database.leads
        self.user_collection = database.users

def by_email(store, email):
    return store.lead_collection.find_one({"email": email})

def by_name(store, name):
    return store.user_collection.find_one({"name": name})
"""


@pytest.mark.parametrize("code", [REPOSITORY, BEHIND_A_PROPERTY, WRAPPED, KEPT])
def test_each_class_and_object_asks_its_own_collection(build: Build, code: str) -> None:
    found = build({"app.py": HEAD + code}).facts(Query)
    assert {(q.collection, q.equality) for q in found} == {
        ("leads", ("email",)),
        ("users", ("name",)),
    }


@pytest.mark.parametrize(
    ("body", "asked"),
    [
        ("q = {'id': a, 't': b}\nq['_id'] = q.pop('id')\nawait db.c.find_one(q)", {("_id", "t")}),
        ("q = {'id': a, 't': b}\ndel q['id']\nawait db.c.find_one(q)", {("t",)}),
        ("q = {}\nif a:\n    q['a'] = a\nelse:\n    q['b'] = b\n    q['t'] = tenant\nawait db.c.find_one(q)", {("a",), ("b", "t")}),
        ("q = {}\nif a:\n    q['a'] = a\n    if b:\n        q['b'] = b\nawait db.c.find_one(q)", {("a",), ("a", "b")}),
        ("q = {}\nif a:\n    k = 'A' if b else 'a'\n    q[k] = a\nawait db.c.find_one(q)", {("A",), ("a",)}),
        ("q = {}\nif a:\n    k = 'A' if b else 'a'\n    q[k] = a\n    q['t'] = tenant\nawait db.c.find_one(q)", {("A", "t"), ("a", "t")}),
        ("q = {}\nif a:\n    q.update({'a': a} if b else {'a': a, 'b': 1})\nawait db.c.find_one(q)", {("a",), ("a", "b")}),
        ("q = {}\nif a:\n    q['a'] = a\n    q['b'] = b\nawait db.c.find_one(q)", {("a", "b")}),
        ("q = {}\nfor k in ['a', 'b']:\n    if tenant.get(k):\n        q[k] = tenant[k]\nawait db.c.find_one(q)", {("a",), ("b",)}),
        ("q = {}\nfor k in ('a', 'b'):\n    q[k] = tenant[k]\nawait db.c.find_one(q)", {("a", "b")}),
        ("q = {'t': tenant}\nfor k in ('a', 'b'):\n    if k not in tenant:\n        continue\n    q[k] = tenant[k]\nawait db.c.find_one(q)", {("t",), ("a", "t"), ("b", "t")}),
        ("q = {'t': tenant}\nif a:\n    q['a'] = a\nq['b'] = b\nawait db.c.find_one(q)", {("b", "t"), ("a", "b", "t")}),
        ("q = {}\nif a:\n    q['a'] = a\nawait db.c.find_one({**q, 't': tenant})", {("t",), ("a", "t")}),
        ("q = {'t': tenant}\nif a:\n    q['a'] = True\nawait db.c.find_one(q)", {("t",)}),
        ("q = {}\nfor k, f in (('x', 'a'), ('y', 'b')):\n    if tenant.get(k):\n        q[f] = tenant[k]\nif a:\n    q['t'] = a\nawait db.c.find_one(q)", {("a",), ("b",), ("t",)}),
        ("d = {}\nfor o in ('$gte', '$lte'):\n    d[o] = tenant[o]\nawait db.c.find_one({'d': d})", {("d",)}),
        ("q = {'$and': [{'t': tenant}]}\nq['$and'].append({'a': a})\nawait db.c.find_one(q)", {("a", "t")}),
        ("q = {'t': tenant, 'd': {}}\nq['d']['$gte'] = a\nawait db.c.find_one(q)", {("d", "t")}),
        ("q = {'t': tenant}\nnarrow(q)\nawait db.c.find_one(q)", {("n", "t")}),
        ("await db.c.find_one({'$or': [{'a': a}, {'$or': [{'b': b}, {'t': tenant}]}]})", {("a",), ("b",), ("t",)}),
        ("await db.c.find_one(ObjectId(a))", {("_id",)}),
        ("await db.c.find_one(a._id)", {("_id",)}),
        ("await db.c.find_one(b['_id'])", {("_id",)}),
        ("db.c.remove({'a': a})", {("a",)}),
        # what narrows counts beside what does not
        ("await db.c.find_one({'$and': [{'a': {'$nin': [1]}}, {'a': {'$in': b}}]})", {("a",)}),
        ("await db.c.find_one({'a': {'$in': b, '$nin': [1]}})", {("a",)}),
        ("await db.c.find_one({'a': {'$gt': b, '$ne': 1}})", {("a",)}),
        ("await db.c.find_one({'a': {'$nin': [1], '$ne': b}})", set()),
        ("q = {'a': {'$ne': None}}\nif b:\n    q['a'] = b\nawait db.c.find_one(q)", set()),
        # another `$or` takes the place of the first
        ("q = {'$or': [{'a': a}, {'b': b}]}\nq['$or'] = [{'t': tenant}]\nawait db.c.find_one(q)", {("t",)}),
        ("q = either()\nq['$or'] = [{'t': tenant}]\nawait db.c.find_one(q)", {("t",)}),
        ("await db.c.find_one({**either(), '$or': [{'t': tenant}]})", {("t",)}),
        ("q = {'$and': [either()]}\nq['$or'] = [{'t': tenant}]\nawait db.c.find_one(q)", {("a", "t"), ("b", "t")}),
        ("q = either()\ndel q['$or']\nq['t'] = tenant\nawait db.c.find_one(q)", {("t",)}),
    ],
)  # fmt: skip
def test_filters_by_the_branches_that_make_them(
    build: Build, body: str, asked: set[tuple[str, ...]]
) -> None:
    helper = "from bson import ObjectId\n\ndef narrow(query):\n    query['n'] = 1\n\ndef either():\n    return {'$or': [{'a': 1}, {'b': 1}]}\n"
    indented = "\n".join(f"    {line}" for line in body.splitlines())
    code = f"{HEAD}\n{helper}\n@app.get('/x')\nasync def handler(a=None, b=None, tenant=None):\n{indented}\n"
    found = build({"app.py": code}).facts(Query)
    assert not any(q.unresolved for q in found)
    told = {tuple(sorted({*q.fields} - {*q.broad})) for q in found}
    assert told - {()} == asked


def test_fields_of_a_list_that_the_code_does_not_spell_are_named_at_run_time(build: Build) -> None:
    (found,) = shapes(
        build, "q = {}\nfor k in tenant:\n    q[k] = tenant[k]\nawait db.c.find_one(q)"
    )
    assert found.unresolved == "a field of the filter is named at run time"


def test_what_a_caller_leaves_out_is_not_asked_for(build: Build) -> None:
    code = """
async def leads(owner=None, status=None):
    query = {}
    if owner:
        query["owner"] = owner
    if status is not None:
        query["status"] = status
    return await db.leads.find(query).to_list(9)

@app.get("/mine")
async def mine(owner: str):
    return await leads(owner)

@app.get("/open")
async def open_ones():
    return await leads(status="open")
"""
    found = build({"app.py": HEAD + code}).facts(Query)
    assert {q.equality for q in found} == {("owner",), ("status",)}


def test_fields_that_a_lookup_adds_ask_nothing_of_the_collection(build: Build) -> None:
    lookup = (
        "{'$lookup': {'from': 'users', 'localField': 'u', 'foreignField': '_id', 'as': 'user'}}"
    )
    pipeline = f"[{{'$match': {{'t': a}}}}, {lookup}, {{'$match': {{'$or': [{{'user.n': b}}, {{'user.m': b}}]}}}}]"
    found = shapes(build, f"await db.c.aggregate({pipeline}).to_list(5)")
    assert {q.equality for q in found if q.operation == "aggregate"} == {("t",)}


INDEXED = """
from pymongo import IndexModel

INDEXES = {
    "leads": [IndexModel([("email", 1)])],
    "users": [IndexModel([("name", 1)]), IndexModel([("age", -1)])],
    "cars": [],
}

def create(names=None):
    for name in names or INDEXES:
        wanted = INDEXES[name]
        for index in wanted:
            db[name].create_indexes([index])
"""


@pytest.mark.parametrize(
    ("caller", "run"),
    [
        ("import click\n\n@click.command()\ndef index():\n    create()\n", "command"),
        ("def index():\n    create()\n", ""),
    ],
)
def test_indexes_that_a_table_names(build: Build, caller: str, run: str) -> None:
    imported = "from app import app, create\n"
    files = {"app.py": HEAD + INDEXED, "more.py": imported + caller}
    found = build(files).facts(Index)
    assert {(i.collection, i.fields, i.run) for i in found} == {
        ("leads", (("email", 1),), run),
        ("users", (("name", 1),), run),
        ("users", (("age", -1),), run),
    }
    assert not build(files).facts(UntoldIndexes)


@pytest.mark.parametrize(
    ("made", "fit"),
    [
        ('    for name in NAMES_OF_TODAY():\n        db[name].create_index("email")', Fit.UNKNOWN),
        ('    for name in NAMES_OF_TODAY():\n        db[name].create_index("other")', Fit.MISSING),
        ('    aside = db[f"leads_{os.getpid()}"]\n    aside.create_index("email")\n    aside.rename("leads")', Fit.COVERED),
        ('    aside = db[f"leads_{os.getpid()}"]\n    aside.create_index("email")', Fit.MISSING),
    ],
)  # fmt: skip
def test_indexes_of_collections_named_at_run_time(build: Build, made: str, fit: Fit) -> None:
    code = f"{HEAD}\n@app.on_event('startup')\nasync def start():\n{made}\n\n@app.get('/x')\nasync def one(email: str):\n    return await db.leads.find_one({{'email': email}})\n"
    found = {c.name: c for c in build({"app.py": code}).facts(CollectionFit)}
    ((_, match),) = found["leads"].fits
    assert match.fit is fit


def test_mongoengine_managers_that_are_not_called(build: Build) -> None:
    code = """
from mongoengine import Document, ListField, StringField

class Lead(Document):
    name = StringField()
    tags = ListField()

def all_of_them():
    return [lead.name for lead in Lead.objects]

def first_ones():
    leads = Lead.objects
    return leads.order_by("name").limit(3)

def tagged(slug):
    return Lead.objects(tags__match={"slug": slug})

def of_one(slug):
    leads = Lead.objects(tags__match={"slug": slug})
    return leads[0].tags.get(slug=slug)

def kept_by_one(slug):
    return Lead.objects(tags__match={"slug": slug}).first().tags.filter(slug=slug)

def touched():
    Lead._collection.update_many({"name": "x"}, {"$set": {"name": "y"}})
"""
    found = build({"app.py": code}).facts(Query)
    assert {(q.operation, q.equality, q.sort) for q in found} == {
        ("find", (), ()),
        ("find", (), (("name", 1),)),
        ("find", ("tags.slug",), ()),
        ("find_one", ("tags.slug",), ()),
        ("update_many", ("name",), ()),
    }


@pytest.mark.parametrize(
    ("asked", "equality", "scanned", "broad"),
    [
        ("tags__match={'slug': slug, 'kind': 'x'}", ("tags.slug", "tags.kind"), (), ()),
        ("tags__match=dict(slug=slug)", ("tags.slug",), (), ()),
        ("tags__elemMatch={'slug__in': [slug]}", ("tags.slug",), (), ()),
        ("tags__match={'slug__icontains': slug}", (), ("tags.slug",), ()),
        ("tags__match={'of__slug': slug}", ("tags.of.slug",), (), ()),
        ("tags__match={'slug__ne': slug}", (), (), ("tags.slug",)),
        ("tags__match=slug", ("tags",), (), ()),
        ("tags__not__match={'slug': slug}", (), (), ("tags",)),
    ],
)
def test_mongoengine_asks_one_item_of_a_list(
    asked: str,
    equality: tuple[str, ...],
    scanned: tuple[str, ...],
    broad: tuple[str, ...],
    build: Build,
) -> None:
    code = (
        "from mongoengine import Document, ListField, StringField\n"
        "class Lead(Document):\n    slug = StringField(unique=True)\n    tags = ListField()\n"
        f"def f(slug):\n    return list(Lead.objects({asked}))\n"
    )
    (query,) = build({"app.py": code}).facts(Query)
    told = (query.equality if not broad else (), query.scanned, query.broad)
    assert told == (equality, scanned, broad)


def test_a_beanie_search_that_is_counted_and_read(build: Build) -> None:
    code = """
from beanie import Document

class Lead(Document):
    owner: str

async def page(owner, skip):
    found = Lead.find(Lead.owner == owner)
    total = await found.count()
    return total, await found.sort("-owner").limit(9).to_list()

async def by_key(key):
    return await Lead.get(document_id=key)
"""
    found = build({"app.py": code}).facts(Query)
    assert {(q.operation, q.equality, q.bound) for q in found} == {
        ("count_documents", ("owner",), Bound.ONE),
        ("find", ("owner",), Bound.LIMITED),
        ("find_one", ("_id",), Bound.ONE),
    }


def test_everything_that_an_attribute_is_asked_is_asked_of_its_collection(build: Build) -> None:
    code = """
from pymongo import AsyncMongoClient
class Store:
    def __init__(self, db):
        self._notes = db.notes
        self._files = db.files
    async def all(self):
        return self._notes.find().sort("made", -1)
    async def one(self, key):
        return await self._notes.find_one({"_id": key})
    async def names(self):
        return self._files.find()
"""
    asked = build({"app.py": code}).facts(Query)
    assert [(q.collection, q.place.line) for q in asked] == [("notes", 8), ("notes", 10)]


CONVERTER = """
def convert(given, deep=False):
    if isinstance(given, list):
        return [convert(each) for each in given]
    if isinstance(given, dict):
        if deep:
            return {k: convert(v, deep) for k, v in given.items() if k != "id"}
        return {("_id" if k == "id" else k): convert(v) for k, v in given.items()}
    if isinstance(given, Model):
        if deep:
            return convert(given.dict(include={"id"}), deep=True)
        return convert(dict(given), deep=True) if given.id else convert(dict(given))
    return convert(given.dict())
"""


@pytest.mark.parametrize("given", ["a", "{'email': a}"])
def test_a_converter_that_calls_itself_is_read_once(given: str, build: Build) -> None:
    """At each level it was read as often as it calls itself, for minutes."""
    code = f"{HEAD}{CONVERTER}\n@app.get('/x')\nasync def handler(a):\n    q = convert({given})\n    await db.leads.find_one(q)\n"
    found = build({"app.py": code}).facts(Query)
    assert {q.collection for q in found} == {"leads"}
    assert any(q.unresolved == "the filter is built at run time" for q in found) or {
        q.equality for q in found
    } == {("email",)}


@pytest.mark.parametrize(
    "given", ["request.form.get('id')", "request.args['id']", "str(a)", "f'{a}'", "'first'"]
)
def test_what_is_no_filter_is_the_key(build: Build, given: str) -> None:
    (found,) = shapes(build, f"await db.leads.find_one({given})")
    assert (found.equality, found.unresolved) == (("_id",), "")


def test_the_order_of_texts_that_are_searched_is_kept_by_no_index(build: Build) -> None:
    body = "await db.posts.find({'$text': {'$search': a}}).sort([('likes', -1)]).to_list(5)"
    code = f"{HEAD}\n@app.get('/x')\nasync def handler(a):\n    {body}\n@app.post('/x')\nasync def put(a):\n    await db.posts.insert_one(a)\n"
    index = "\n@app.on_event('startup')\nasync def made():\n    await db.posts.create_index([('title', 'text')])\n"
    for text, expected in ((code, Fit.MISSING), (code + index, Fit.COVERED)):
        (match,) = (m for c in build({"app.py": text}).facts(CollectionFit) for q, m in c.fits)
        assert (match.fit, match.missing) == (expected, ())


def test_what_beanie_is_asked_for(build: Build) -> None:
    asked = (
        "    await Lead.find_many(ElemMatch(Lead.users, _id=tenant)).to_list()\n"
        "    await Lead.find(ElemMatch(Lead.users, {'name': tenant})).to_list()\n"
        "    await Lead.find_all(Lead.email == tenant).to_list()\n"
        "    await Lead.find(Lead.tenant == tenant).find_one({'phone': kind})\n"
        "    query = Lead.find(Lead.tenant == tenant)\n"
        "    if kind:\n        query = query.find({'kind': kind})\n"
        "    elif state:\n        query = query.find({'state': state})\n"
        "    await query.to_list()\n"
    )
    head, _, _ = BEANIE.partition('@app.get("/leads")')
    code = f"from beanie.operators import ElemMatch\n{head}@app.get('/leads')\nasync def leads(tenant, kind=None, state=None):\n{asked}"
    found = build({"app.py": code}).facts(Query)
    assert [(q.collection, q.equality) for q in found] == [
        ("leads", ("users._id",)),
        ("leads", ("users.name",)),
        ("leads", ()),
        ("leads", ("tenant", "phone")),
        ("leads", ("tenant",)),
        ("leads", ("tenant", "kind")),
        ("leads", ("tenant", "state")),
    ]
    assert [q.operation for q in found][3:] == ["find_one", "find", "find", "find"]


def test_querysets_of_mongoengine_are_narrowed_by_calls(build: Build) -> None:
    body = (
        "    found = BlogPost.objects()\n    if owner:\n        found = found(owner=owner)\n"
        "    if title is not None:\n        found = found.filter(title=title)\n    return list(found[0:5])\n"
    )
    head, _, _ = MONGOENGINE.partition('@app.get("/posts")')
    code = f"{head}@app.get('/posts')\ndef posts(owner=None, title=None):\n{body}"
    found = build({"app.py": code}).facts(Query)
    assert {(q.equality, q.broad) for q in found} == {
        ((), ()),
        (("owner",), ()),
        (("t",), ()),
    }


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("[(a, -1), ('_id', -1)]", ()),
        ("[('made', -1), (a, 1)]", ()),
        ("[('made', -1), ('_id', -1)]", (("made", -1), ("_id", -1))),
    ],
)
def test_an_order_of_which_a_part_is_not_told_is_none(
    sort: str, expected: tuple[tuple[str, int], ...], build: Build
) -> None:
    (found,) = shapes(build, f"await db.posts.find({{'owner': b}}).sort({sort}).to_list(5)")
    assert (found.equality, found.sort) == (("owner",), expected)


def test_files_that_flask_pymongo_saves_have_the_indexes_of_gridfs(build: Build) -> None:
    code = (
        "from flask import Flask, request\nfrom flask_pymongo import PyMongo\napp = Flask(__name__)\nmongo = PyMongo(app)\n"
        "@app.post('/f')\ndef add():\n    {save}(request.form['n'], request.files['f'])\n"
        "@app.post('/d/<name>/<key>')\ndef delete(name, key):\n    mongo.db.fs.files.delete_one({'filename': name})\n"
        "    mongo.db.fs.chunks.delete_one({'files_id': key})\n    mongo.db.notes.insert_one({'a': 1})\n"
    )
    for save, fit in (("mongo.save_file", Fit.COVERED), ("store.save_file", Fit.UNKNOWN)):
        found = build({"app.py": code.replace("{save}", save)}).facts(CollectionFit)
        fits = {m.fit for c in found for q, m in c.fits if c.name.startswith("fs.")}
        assert fits == {fit}


@pytest.mark.parametrize(
    ("path", "runs"),
    [("migrations/0001_first.py", True), ("shop/migrations.py", False), ("shop/indexes.py", False)],
)
def test_a_module_that_is_only_called_migrations_runs_nothing(
    path: str, runs: bool, build: Build
) -> None:
    made = "from pymongo import MongoClient\ndef create_indexes():\n    MongoClient().shop.users.create_index('email')\n"
    code = f"{HEAD}\n@app.get('/x')\nasync def handler(a):\n    await db.users.find_one({{'email': a}})\n"
    indexes = build({"app.py": code, path: made}).facts(Index)
    assert [bool(i.run) for i in indexes] == [runs]


@pytest.mark.parametrize(
    ("name", "collection"),
    [("DVD", "dvd"), ("HTTPLog", "http_log"), ("OrderItem", "order_item"), ("UserModel", "user")],
)
def test_the_names_of_collections_of_odmantic(name: str, collection: str, build: Build) -> None:
    code = (
        f"from odmantic import AIOEngine, Model\nclass {name}(Model):\n    title: str\nengine = AIOEngine()\n"
        f"async def main(a):\n    await engine.find_one({name}, {name}.title == a)\nmain(1)\n"
    )
    (found,) = build({"app.py": code}).facts(Query)
    assert found.collection == collection


@pytest.mark.parametrize(
    ("index", "kind", "fit"),
    [
        ('"$t"', "text", Fit.MISSING),
        ('{"fields": ["$t", "$owner"]}', "text", Fit.MISSING),
        ('"#t"', "hash", Fit.COVERED),
        ('"t"', "ordered", Fit.COVERED),
    ],
)
def test_letters_before_fields_of_mongoengine(
    index: str, kind: str, fit: Fit, build: Build
) -> None:
    code = (
        "from mongoengine import Document, StringField\nclass Post(Document):\n    t = StringField()\n    owner = StringField()\n"
        f"    meta = {{'indexes': [{index}]}}\ndef main(a):\n    Post(t=a).save()\n    Post.objects(t=a).first()\nmain(input())\n"
    )
    application = build({"app.py": code})
    (made,) = application.facts(Index)
    assert made.kind == kind
    assert [m.fit for c in application.facts(CollectionFit) for q, m in c.fits if q.equality] == [
        fit
    ]


CHOSEN = """
from fastapi import FastAPI
from pymongo import MongoClient
app = FastAPI()
db = MongoClient("mongodb://db")["shop"]
ALL = {"a": db.admins, "u": db.users}
def pick(kind):
    if kind == "a":
        return db.admins
    return db.users
@app.get("/one")
def one(kind: str, name: str):
"""


@pytest.mark.parametrize(
    ("body", "collections"),
    [
        ("coll = db.users if kind else db.admins\nreturn coll.find_one({'n': name})", "users admins"),
        ("return (db.users if kind else db.admins).find_one({'n': name})", "users admins"),
        ("if kind:\n    c = db['users']\nelse:\n    c = db['admins']\nreturn c.find_one({'n': name})", "users admins"),
        ("c = db.users\nif kind:\n    c = db.admins\nreturn c.find_one({'n': name})", "users admins"),
        ("key = 'users' if kind else 'admins'\nreturn db[key].find_one({'n': name})", "users admins"),
        ("return pick(kind).find_one({'n': name})", "users admins"),
        ("return ALL[kind].find_one({'n': name})", "users admins"),
        ("return ALL['u'].find_one({'n': name})", "users"),
        ("c = db.users\nc = db.admins\nreturn c.find_one({'n': name})", "admins"),
        ("c = db.users\nif kind:\n    c = db.admins\n    return 1\nreturn c.find_one({'n': name})", "users"),
        ("c = db.users if kind else None\nreturn c.find_one({'n': name})", "users"),
    ],
)  # fmt: skip
def test_a_collection_that_branches_choose_is_either(
    body: str, collections: str, build: Build
) -> None:
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    found = build({"app.py": CHOSEN + lines}).facts(Query)
    assert {q.collection for q in found} == set(collections.split())


@pytest.mark.parametrize(
    ("given", "asked", "collection"),
    [
        ("db: MongoClient", "c = db['users']\n    return c.find_one({'n': x})", "users"),
        ("db: MongoClient", "return Store(db['users']).read(x)", "users"),
        ("db: MongoClient", "return db.users.find_one({'n': x})", "users"),
        ("db: Database", "c = db['users']\n    return c.find_one({'n': x})", "users"),
        ("db: MongoClient", "c = db['shop']\n    return c.users.find_one({'n': x})", "users"),
        ("client: MongoClient", "c = client['shop']\n    return c['users'].find_one({'n': x})", "users"),
        ("client: MongoClient", "return Store(client['shop']).read(x)", ""),
    ],
)  # fmt: skip
def test_what_is_called_a_database_is_one_whatever_its_type(
    given: str, asked: str, collection: str, build: Build
) -> None:
    code = (
        "from pymongo import MongoClient\nfrom pymongo.database import Database\n"
        "class Store:\n    def __init__(self, made):\n        self.made = made\n"
        "    def read(self, x):\n        return self.made.find_one({'n': x})\n"
        f"def ask({given}, x):\n    {asked}\n"
    )
    found = build({"app.py": code}).facts(Query)
    assert {q.collection for q in found if q.collection} == set(collection.split())


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        (".limit(3)", "partial"),
        (".limit(3 - len(found))", "partial"),
        (".limit(settings.get('most', 20))", "partial"),
        ("", "missing"),
    ],
)
def test_a_limit_that_is_worked_out_is_one(limit: str, expected: str, build: Build) -> None:
    """The index keeps the order: few are read, however many there are."""
    code = (
        "from flask import Flask\nfrom pymongo import MongoClient\napp = Flask(__name__)\ndb = MongoClient()['shop']\ndb.posts.create_index([('made', -1)])\n"
        f"@app.get('/a/<found>/<settings>')\ndef ask(found, settings):\n    return [x for x in db.posts.find({{'status': 'open'}}).sort('made', -1){limit}]\n"
        "@app.post('/a/<post>')\ndef add(post):\n    db.posts.insert_one(post)\n"
    )
    (found,) = build({"app.py": code}).facts(CollectionFit)
    assert [m.fit.value for _, m in found.fits] == [expected]


@pytest.mark.parametrize(
    ("partial", "expected"),
    [
        ("{'number': {'$type': 'int'}}", "missing"),
        ("{'number': {'$exists': True}}", "covered"),
    ],
)
def test_an_index_of_one_type_serves_no_value(partial: str, expected: str, build: Build) -> None:
    """The planner does not conclude from a value to its type."""
    code = (
        "from flask import Flask\nfrom pymongo import MongoClient\napp = Flask(__name__)\ndb = MongoClient()['shop']\n"
        f"db.posts.create_index('number', partialFilterExpression={partial})\n"
        "@app.get('/a/<given>')\ndef ask(given):\n    return db.posts.find_one({'number': given})\n"
        "@app.post('/a/<post>')\ndef add(post):\n    db.posts.insert_one(post)\n"
    )
    (found,) = build({"app.py": code}).facts(CollectionFit)
    assert [m.fit.value for _, m in found.fits] == [expected]


@pytest.mark.parametrize(
    ("partial", "asked", "expected"),
    [
        ("{'status': {'$in': ['new', 'sent']}}", "{'status': 'new', 'number': given}", "covered"),
        ("{'status': {'$in': ['new', 'sent']}}", "{'status': 'lost', 'number': given}", "missing"),
        ("{'status': {'$in': ['new', 'sent']}}", "{'status': given, 'number': given}", "missing"),
        ("{'status': 'new'}", "{'status': 'new', 'number': given}", "covered"),
        ("{'stock': {'$gt': 0}}", "{'stock': {'$gt': 0}, 'number': given}", "covered"),
        ("{'stock': {'$gt': 0}}", "{'stock': {'$gte': 1}, 'number': given}", "covered"),
        ("{'stock': {'$gt': 0}}", "{'stock': 3, 'number': given}", "covered"),
        ("{'stock': {'$gt': 0}}", "{'stock': {'$lt': 3}, 'number': given}", "missing"),
        ("{'stock': {'$gt': 0}}", "{'stock': given, 'number': given}", "missing"),
        ("{'stock': {'$gt': 0}}", "{'number': given}", "missing"),
        ("{'at': {'$lt': 5}}", "{'at': {'$lt': given}, 'number': given}", "missing"),
        ("{'$and': [{'status': 'new'}, {'stock': {'$gt': 0}}]}", "{'status': 'new', 'stock': {'$gt': 0}, 'number': given}", "covered"),
        ("{'$or': [{'status': 'new'}, {'stock': 1}]}", "{'status': 'new', 'number': given}", "missing"),
    ],
)  # fmt: skip
def test_a_partial_index_serves_what_asks_for_no_more(
    partial: str, asked: str, expected: str, build: Build
) -> None:
    code = (
        "from flask import Flask\nfrom pymongo import MongoClient\napp = Flask(__name__)\ndb = MongoClient()['shop']\n"
        f"db.posts.create_index('number', partialFilterExpression={partial})\n"
        f"@app.get('/a/<given>')\ndef ask(given):\n    return db.posts.find_one({asked})\n"
        "@app.post('/a/<post>')\ndef add(post):\n    db.posts.insert_one(post)\n"
    )
    (found,) = build({"app.py": code}).facts(CollectionFit)
    told = {m.fit.value for _, m in found.fits}
    assert told == ({"missing"} if expected == "missing" else told - {"missing"})


@pytest.mark.parametrize(
    ("told", "code"),
    [
        ("unique=True", ["await engine.configure_database([Client])"]),
        (
            "",
            [
                'Client: model_config = {"indexes": lambda: [Index(Client.cpf)]}; await engine.configure_database([Client])'
            ],
        ),
    ],
)
def test_what_a_model_of_odmantic_declares_wants_to_be_created(
    told: str, code: list[str], build: Build
) -> None:
    source = f"""
from fastapi import FastAPI
from odmantic import AIOEngine, Field, Model
app = FastAPI()
engine = AIOEngine()
class Client(Model):
    cpf: str = Field({told})
@app.post("/")
async def add(client: Client):
    if await engine.find_one(Client, Client.cpf == client.cpf):
        return None
    return await engine.save(client)
"""
    (found,) = build({"app.py": source}).facts(CollectionFit)
    assert [proposal.code for proposal in found.proposed] == code


_DECLARED = 'Client: model_config = {"indexes": lambda: [Index(Client.cpf)]}'
_CREATED = "await engine.configure_database([Client])"


@pytest.mark.parametrize(
    ("told", "models", "proposed"),
    [
        ("unique=True", "[Shop]", [_CREATED]),
        ("", "[Shop]", [f"{_DECLARED}; {_CREATED}"]),
        ("unique=True", "[Shop, Client]", []),
        ("", "[Shop, Client]", [_DECLARED]),
        ("unique=True", "MODELS", []),
        ("unique=True", "[*MODELS]", []),
        ("unique=True", "[models.Client, Shop]", []),
        ("unique=True", "Model.__subclasses__()", []),  # it may be any
        ("unique=True", "[x for x in found()]", []),
    ],
)
def test_odmantic_creates_the_indexes_of_the_models_that_it_is_given(
    told: str, models: str, proposed: list[str], build: Build
) -> None:
    declared = f"""
from odmantic import Field, Model
class Client(Model):
    cpf: str = Field({told})
class Shop(Model):
    name: str = Field(index=True)
"""
    source = f"""
from fastapi import FastAPI
from odmantic import AIOEngine, Model
import models
from models import Client, Shop
from elsewhere import found
app = FastAPI()
engine = AIOEngine()
MODELS = [Shop, Client]
@app.on_event("startup")
async def start():
    await engine.configure_database({models})
@app.get("/")
async def one(cpf: str):
    return await engine.find_one(Client, Client.cpf == cpf)
"""
    fits = build({"app.py": source, "models.py": declared}).facts(CollectionFit)
    (found,) = (fit for fit in fits if fit.name == "client")
    assert [proposal.code for proposal in found.proposed] == proposed


@pytest.mark.parametrize(
    ("code", "nowhere"),
    [
        ("def ask(a):\n    return db.users.find_one({'email': a})\n", True),
        ("def ask(a):\n    return db['users'].find_one({'email': a})\n", True),
        ("from other import *\ndef ask(a):\n    return db.users.find_one({'email': a})\n", False),
        ("def start():\n    global db\n    db = MongoClient().shop\n\ndef ask(a):\n    return db.users.find_one({'email': a})\n", False),
        ("def ask(a):\n    with MongoClient() as db:\n        return db.shop.users.find_one({'email': a})\n", False),
        ("def ask(a):\n    return [db.users.find_one({'email': a}) for db in MongoClient().all]\n", False),
        ("ask = lambda db, a: db.users.find_one({'email': a})\n", False),
        ("def ask(a):\n    if (db := MongoClient().shop) is not None:\n        return db.users.find_one({'email': a})\n", False),
        ("try:\n    from shop import db\nexcept ImportError as db:\n    pass\ndef ask(a):\n    return db.users.find_one({'email': a})\n", False),
        ("def ask(a):\n    match a:\n        case {'db': db}:\n            return db.users.find_one({'email': a})\n", False),
        ("def ask(a):\n    for (_, db) in a:\n        db.users.find_one({'email': a})\n", False),
    ],
)  # fmt: skip
def test_a_name_that_the_module_binds_nowhere(code: str, nowhere: bool, build: Build) -> None:
    """The call fails before anything is asked."""
    found = build({"app.py": f"from pymongo import MongoClient\n{code}"}).facts(Query)
    told = [q.unresolved == "db is not defined at this place" for q in found]
    assert told == [nowhere]
