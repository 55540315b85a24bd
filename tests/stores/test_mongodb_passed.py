"""Filters and orders that have a default: which of both is asked, each caller decides."""

from __future__ import annotations

import pytest

from auditor.model.data import CollectionFit, Fit, Query
from tests.conftest import Build

_APP = """
import pymongo
from bson import ObjectId
from enum import Enum
from fastapi import Depends, FastAPI
from pymongo import MongoClient
app = FastAPI()
db = MongoClient()["shop"]
class State(str, Enum):
    open = "open"
    none = ""
class Store:
    def __init__(self, col):
        self.col = col
    def get(self, query=None, order=None, way=1):
%s
store = Store(db.leads)
def me() -> dict: ...
@app.get("/leads")
def leads(owner: str, maybe: str | None = None, sent: str = None, user=Depends(me)):
    return %s
"""
Told = set[tuple[tuple[str, ...], tuple[tuple[str, int], ...]]]


def _told(build: Build, body: str, call: str) -> Told:
    lines = "\n".join(f"        {line}" for line in body.splitlines())
    return {(q.equality, q.sort) for q in build({"app.py": _APP % (lines, call)}).facts(Query)}


_OWNED = 'store.get({"owner": owner})'


@pytest.mark.parametrize(
    "body",
    [
        "return list(self.col.find({} if query is None else query))",
        "return list(self.col.find(query if query is not None else {}))",
        "return list(self.col.find(query if query else {}))",
        "return list(self.col.find(query or {}))",
        "query = query or {}\nreturn list(self.col.find(query))",
        "query = {} if query is None else query\nreturn list(self.col.find(query))",
        "if query is None:\n    query = {}\nreturn list(self.col.find(query))",
        "if query == None:\n    query = {}\nreturn list(self.col.find(query))",
        "if not query:\n    query = {}\nreturn list(self.col.find(query))",
    ],
)
def test_the_default_of_a_filter_is_asked_where_a_caller_gives_none(
    build: Build, body: str
) -> None:
    assert _told(build, body, _OWNED) == {(("owner",), ())}
    assert _told(build, body, "store.get()") == {((), ())}
    assert _told(build, body, f"{_OWNED} + store.get(None)") == {(("owner",), ()), ((), ())}


@pytest.mark.parametrize(
    "body",
    [
        "return list(self.col.find(query or {'state': 'open'}))",
        "query = query or {'state': 'open'}\nreturn list(self.col.find(query))",
        "if not query:\n    query = {'state': 'open'}\nreturn list(self.col.find(query))",
    ],
)
def test_a_default_that_asks_something(build: Build, body: str) -> None:
    assert _told(build, body, "store.get()") == {(("state",), ())}
    assert _told(build, body, _OWNED) == {(("owner",), ())}


@pytest.mark.parametrize(
    "body",
    [
        "return list(self.col.find(query).sort([('_id', 1)] if order is None else order))",
        "return list(self.col.find(query).sort([('_id', 1)] if not order else order))",
        "return list(self.col.find(query).sort(order or [('_id', 1)]))",
        "return list(self.col.find(query, sort=order or [('_id', 1)]))",
        "order = order or [('_id', 1)]\nreturn list(self.col.find(query).sort(order))",
        "order = [('_id', 1)] if not order else order\nreturn list(self.col.find(query).sort(order))",
        "if not order:\n    order = [('_id', 1)]\nreturn list(self.col.find(query).sort(order))",
        "if order is None:\n    order = [('_id', 1)]\nreturn list(self.col.find(query, sort=order))",
    ],
)
@pytest.mark.parametrize(
    ("given", "told"),
    [
        ('order=[("made", -1)]', ("made", -1)),
        ('order=[("made", pymongo.DESCENDING)]', ("made", -1)),
        ('[("made", pymongo.ASCENDING)]', ("made", 1)),
        ("order=None", ("_id", 1)),
        ("", ("_id", 1)),
    ],
)
def test_the_default_of_an_order(
    build: Build, body: str, given: str, told: tuple[str, int]
) -> None:
    call = f'store.get({{"owner": owner}}, {given})'
    assert _told(build, body, call) == {(("owner",), (told,))}


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ('"made", pymongo.DESCENDING', {("made", -1)}),
        ('"made"', {("made", 1)}),
        ("way=-1", {("_id", -1)}),
    ],
)
def test_a_field_and_a_direction_that_callers_give(
    build: Build, given: str, told: set[tuple[str, int]]
) -> None:
    body = "if not order:\n    order = '_id'\nreturn list(self.col.find(query).sort(order, way))"
    found = _told(build, body, f'store.get({{"owner": owner}}, {given})')
    assert found == {(("owner",), tuple(told))}


_BY_STATE = (
    "asked = {}\nif query:\n    asked['owner'] = query\nif order is not None:\n    asked['state'] = order\n"
    "return list(self.col.find(asked))"
)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("owner, State.open", {("owner", "state")}),
        ("user.id, 'open'", {("owner", "state")}),
        ("ObjectId(owner), str(owner)", {("owner", "state")}),
        ("f'u{owner}', f'{owner}'", {("owner", "state")}),
        ("user.id", {("owner",)}),
        ("order=sent", {(), ("state",)}),  # perhaps
        ("maybe", {(), ("owner",)}),
        ("user.company", {(), ("owner",)}),
        ("user.get('id')", {(), ("owner",)}),
        ("State.none", {()}),
        ("f'{maybe}'", {(), ("owner",)}),
    ],
)
def test_what_is_passed_always_is_something(
    build: Build, given: str, told: set[tuple[str, ...]]
) -> None:
    assert {fields for fields, _ in _told(build, _BY_STATE, f"store.get({given})")} == told


_ADDING = """
from flask import Flask, request
from pymongo import MongoClient
app = Flask(__name__)
db = MongoClient()["school"]
class Record:
    collection = None
    def __init__(self, **given):
        self.given = given
class Course(Record):
    collection = "courses"
class Film(Record):
    collection = "films"
def insert(record, db):
    return db[record.collection].insert_one(record.given)
@app.post("/courses")
def add_course():
    insert(Course(code=request.form["code"]), db)
@app.post("/films")
def add_films():
    films = []
    for title in request.form.getlist("title"):
        films.append(Film(title=title))
    for film in films:
        {adds}
@app.get("/courses/<code>")
def one(code):
    return str(db[Course.collection].find_one({{"code": code}}))
@app.get("/films/<title>")
def film(title):
    return str(db[Film.collection].find_one({{"title": title}}))
"""


@pytest.mark.parametrize(
    ("adds", "told"), [("insert(film, db)", Fit.MISSING), ("print(film)", Fit.UNKNOWN)]
)
def test_what_is_added_to_a_collection_that_is_not_told_may_go_to_any(
    build: Build, adds: str, told: Fit
) -> None:
    found = build({"app.py": _ADDING.format(adds=adds)}).facts(CollectionFit)
    fits = {q.collection: match.fit for each in found for q, match in each.fits if q.equality}
    assert fits == {"courses": Fit.MISSING, "films": told}


_ABOVE = """
from flask import Flask
from pymongo import MongoClient
app = Flask(__name__)
class Base:
    def __init__(self, name):
        self.col = MongoClient()["shop"][name]
    def one(self, asked):
        return self.col.find_one(asked)
class Store(Base):
    def __init__(self, name):
        ABOVE.__init__(name)
class Boxes(Store):
    def __init__(self):
        ABOVE.__init__("boxes")
    def by_label(self, label):
        return GIVEN.one({"label": label})
class Crates(Store):
    def __init__(self):
        ABOVE.__init__("crates")
boxes, crates = Boxes(), Crates()
@app.get("/boxes/<label>")
def box(label):
    return str(boxes.by_label(label))
@app.get("/crates/<code>")
def crate(code):
    return str(crates.one({"code": code}))
"""


@pytest.mark.parametrize(
    ("above", "given"),
    [
        ("super()", "super()"),
        ("self.above = super()\n        self.above", "self.above"),
        ("self.above = super()\n        self.above", "self"),
    ],
)
def test_a_repository_is_told_of_its_name_where_super_is_kept(
    build: Build, above: str, given: str
) -> None:
    made = build({"app.py": _ABOVE.replace("ABOVE", above).replace("GIVEN", given)})
    asked = {(q.collection, q.equality) for q in made.facts(Query)}
    assert asked == {("boxes", ("label",)), ("crates", ("code",))}


_SORTED = """
from flask import Flask, request
from pymongo import MongoClient
app = Flask(__name__)
db = MongoClient()["shop"]
@app.get("/leads")
def leads(by, name=None):
    return str(%s)
"""


@pytest.mark.parametrize(
    ("asked", "sort", "untold"),
    [
        ("list(db.leads.find().sort(by, -1).limit(3))", (), True),
        ("list(db.leads.find({}).sort([(by, -1), ('_id', -1)]).limit(3))", (), True),
        ("list(db.leads.find().sort({by: -1}).limit(3))", (), True),
        ("list(db.leads.find().sort(by, -1))", (), False),
        ("list(db.leads.find({'name': name}).sort(by, -1).limit(3))", (), False),
        ("list(db.leads.find().sort('$natural', -1).limit(3))", (), False),
        ("list(db.leads.find().sort('rating', -1).limit(3))", (("rating", -1),), False),
    ],
)
def test_the_first_by_a_field_that_is_named_at_run_time(
    build: Build, asked: str, sort: tuple[tuple[str, int], ...], untold: bool
) -> None:
    (found,) = build({"app.py": _SORTED % asked}).facts(Query)
    assert (found.sort, bool(found.unresolved)) == (sort, untold)


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("'_id' if by else None", {(), ("_id",), ("name",)}),
        ("None if not by else '_id'", {(), ("_id",), ("name",)}),
        ("'_id'", {("_id",), ("_id", "name")}),
    ],
)
def test_a_key_that_is_none_in_some_runs_is_asked_in_the_others(
    build: Build, key: str, told: set[tuple[str, ...]]
) -> None:
    filter_ = f"{{{key}: by, 'name' if name else None: name}}"
    found = build({"app.py": _SORTED % f"list(db.leads.find({filter_}))"}).facts(Query)
    assert {q.equality for q in found} == told


_BUILT = """
from fastapi import FastAPI
from pymongo import MongoClient
app = FastAPI()
db = MongoClient()["shop"]
def built(chosen):
    query = {}
    if chosen.get("colour") is not None:
        query["colour"] = chosen["colour"]
    if "size" in chosen:
        query["size"] = chosen["size"]
    return query
def page(chosen):
%s
    return list(db.dishes.find(built(chosen)))
@app.get("/dishes")
def dishes(a):
    more = {}
    more["colour"] = a
    return page(%s)
db.dishes.insert_one({})
"""


@pytest.mark.parametrize(
    ("between", "given", "told"),
    [
        ("    pass", "{}", {()}),
        ("    pass", '{"colour": "red"}', {("colour",)}),
        ("    pass", '{"size": a}', {("size",)}),
        ("    pass", "more", {(), ("colour",), ("size",)}),
        ('    chosen["size"] = 1', "{}", {(), ("colour",), ("size",)}),
        ("    chosen.update(size=1)", "{}", {(), ("colour",), ("size",)}),
    ],
)
def test_what_is_added_for_keys_of_a_dict_that_the_call_spells_out(
    build: Build, between: str, given: str, told: set[tuple[str, ...]]
) -> None:
    found = build({"app.py": _BUILT % (between, given)}).facts(Query)
    assert {q.equality for q in found if q.operation == "find"} == told
