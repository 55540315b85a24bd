"""What a document of MongoEngine that is at hand asks by its key, whatever found it."""

from __future__ import annotations

import pytest

from auditor.model.data import Query
from tests.conftest import Build

_FARM = """
import mongoengine as me
from flask import Flask, request
app = Flask(__name__)
class Farmer(me.Document):
    login = me.StringField()
    notes = me.ListField(me.StringField())
    def modified(self, **given):
        return given
def found(login):
    farmer = Farmer.objects(login=login)[0]
    return farmer
def gotten(login):
    return Farmer.objects.get(login=login)
def all_of(login):
    return Farmer.objects(login=login)
@app.put("/farmers/<login>")
def put(login):
    {body}
"""


@pytest.mark.parametrize(
    ("body", "operation"),
    [
        ("Farmer.objects.get(login=login).modify(**request.json)", "find_one_and_update"),
        ("farmer = Farmer.objects.get(login=login)\nfarmer.modify(login='x')", "find_one_and_update"),
        ("farmer = Farmer.objects(login=login)[0]\nfarmer.update(push__notes='x')", "update_one"),
        ("farmer = found(login)\nfarmer.update(push__notes='x')", "update_one"),
        ("farmer = gotten(login)\nfarmer.reload()", "find_one"),
        ("found(login).modify(set__login='x')", "find_one_and_update"),
        ("farmer = found(login)\nfarmer.update(login='x')", "update_one"),
        ("farmer = found(login)\nfarmer.update(**request.json)", "update_one"),
        ("Farmer.objects.get(login=login).update(login='x')", "update_one"),
        # no document, or nothing is asked
        ("farmer = found(login)\nfarmer = farmer.to_mongo()\nfarmer.update(login='x')", ""),
        ("farmer = found(login)\nfarmer.update()", ""),
        ("farmers = all_of(login)[:3]\nfarmers.reload()", ""),
        ("farmer = found(login)\nfarmer.modify()", ""),
        ("farmer = found(login)\nfarmer.modified(login='x')", ""),
        ("farmer = {'login': login}\nfarmer.update(push__notes='x')", ""),
    ],
)  # fmt: skip
def test_what_a_document_asks_by_its_key(body: str, operation: str, build: Build) -> None:
    found = build({"app.py": _FARM.format(body=body.replace("\n", "\n    "))}).facts(Query)
    asked = {q.operation for q in found if q.equality == ("_id",)}
    assert asked == ({operation} if operation else set())


_PAGES = """
class Pages:
    def __init__(self, rows, page):
        self.total = rows.count()
def pages(rows, page=0):
    return rows.count()
"""


@pytest.mark.parametrize(
    ("body", "asked"),
    [
        ("Pages(Farmer.objects(login=login), 1)", {("login",)}),
        ("farmers = all_of(login)\npages(farmers)", {("login",)}),
        ("pages(page=1, rows=Farmer.objects.filter(login=login).order_by('notes'))", {("login",)}),
        ("pages(Farmer.objects)", {()}),
        ("pages(Farmer.objects(login=login)); pages(Farmer.objects.all())", {("login",), ()}),
        ("pages([login])", set()),
    ],
)
def test_a_search_is_counted_where_it_is_handed_to(
    body: str, asked: set[tuple[str, ...]], build: Build
) -> None:
    code = _FARM.replace("@app.put", _PAGES + "@app.put").format(body=body.replace("\n", "\n    "))
    counted = [q for q in build({"app.py": code}).facts(Query) if q.operation == "count_documents"]
    assert {q.equality for q in counted} == asked


_MODELS = """
class Base(me.Document):
    meta = {"abstract": True}
    @classmethod
    def one(cls, **names):
        return cls.objects(**names).get()
    @classmethod
    def get(cls, **names):
        return cls.objects(**names).first()
class Visit(Base):
    room = me.StringField()
class Rooms:
    def __init__(self):
        self.kinds = {k: self.made(k) for k in "ab"}
    def made(self, k):
        class Model(Visit):
            meta = {"collection": k}
        return Model
    def model(self, k):
        return self.kinds[k]
    def ask(self, k, room):
        return ASKED
def plain():
    return request.json
@app.get("/rooms/<k>")
def room(k):
    return Rooms().ask(k, "x")
"""


@pytest.mark.parametrize(
    ("asked", "lines"),
    [
        ("self.model(k).one(room=room)", {31}),
        ("self.model(k).one(room=room) or Visit.one(room=room)", {31}),
        ("[m.one(room=room) for m in [Visit]]", set()),
        ("plain().get(room)", set()),  # what every dict has
        ("Visit.one(room=room)", set()),
    ],
)
def test_a_class_that_a_function_gives_is_not_told(
    asked: str, lines: set[int], build: Build
) -> None:
    code = _FARM.split("def found")[0] + _MODELS.replace("ASKED", asked)
    found = build({"app.py": code}).facts(Query)
    why = "the document class is named at run time"
    assert {q.place.line for q in found if q.unresolved == why} == lines
