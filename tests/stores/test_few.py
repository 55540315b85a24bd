"""Tables and collections to which a record is added only where none is there, or a few; and near misses."""

import pytest

from auditor.model.data import CollectionFit, Fit
from tests.conftest import Build

_SQLALCHEMY = """
from flask import Flask, abort
from flask_sqlalchemy import SQLAlchemy
app = Flask(__name__)
db = SQLAlchemy(app)
MOST = 8
class Desk(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    owner_id = db.Column(db.Integer)
    label = db.Column(db.String)
def found():
    return Desk.query.first()
def one_of(owner):
    return Desk.query.filter_by(owner_id=owner).first()
@app.post("/desks/<given>")
def add(given):
    {body}
@app.get("/desks/<given>")
def find(given):
    return str(Desk.query.filter(Desk.label == given).all())
"""
_DJANGO = """
from django.db import models
class Desk(models.Model):
    owner = models.ForeignKey("auth.User", on_delete=models.CASCADE)
    label = models.CharField(max_length=50)
    @classmethod
    def load(cls):
        {within}
def add(request, given):
    {body}
def find(request, given):
    return Desk.load(), list(Desk.objects.filter(label=given))
"""
_MONGODB = """
from pymongo import MongoClient
db = MongoClient()["app"]
def add(given):
    {body}
def find(given):
    return list(db.desks.find({{"label": given}}))
"""


def _fit(source: str, body: str, build: Build, within: str = "return None") -> set[Fit]:
    body = body.replace("\n", "\n    ")
    found = build({"app.py": source.format(body=body, within=within)}).facts(CollectionFit)
    return {m.fit for f in found for q, m in f.fits if q.equality == ("label",)}


@pytest.mark.parametrize(
    ("source", "body"),
    [
        (_SQLALCHEMY, "row = Desk.query.first() or Desk(label=given)\ndb.session.add(row)"),
        (_SQLALCHEMY, "row = db.session.query(Desk).first()\nif row is None:\n    row = Desk()\n    db.session.add(row)"),
        (_SQLALCHEMY, "row = db.session.execute(db.select(Desk)).scalars().first()\nif row:\n    row.label = given\nelse:\n    db.session.add(Desk())"),
        (_SQLALCHEMY, "row = found()\nif not row:\n    db.session.add(Desk())"),
        (_SQLALCHEMY, "if Desk.query.count() >= 8:\n    return 'full', 400\ndb.session.add(Desk(label=given))"),
        (_SQLALCHEMY, "n = Desk.query.count()\nif n >= MOST:\n    abort(400)\ndb.session.add(Desk(label=given))"),
        (_SQLALCHEMY, "if given and Desk.query.count() < 8:\n    db.session.add(Desk(label=given))"),
        (_SQLALCHEMY, "for label in given:\n    if len(Desk.query.all()) >= 8:\n        break\n    db.session.add(Desk(label=label))"),
        (_DJANGO, "row = Desk.objects.first() or Desk.objects.create()"),
        (_DJANGO, "try:\n    row = Desk.objects.get()\nexcept Desk.DoesNotExist:\n    row = Desk.objects.create()"),
        (_DJANGO, "if not Desk.objects.exists():\n    Desk(label=given).save()"),
        (_DJANGO, "row, _ = Desk.objects.get_or_create(defaults={'label': given})"),
        (_MONGODB, "db.desks.update_one({}, {'$set': {'label': given}}, upsert=True)"),
        (_MONGODB, "if db.desks.find_one({}) is None:\n    db.desks.insert_one({'label': given})"),
        (_MONGODB, "if db['desks'].count_documents({}) > 7:\n    return\ndb.desks.insert_one({'label': given})"),
    ],
)  # fmt: skip
def test_a_table_of_a_few(source: str, body: str, build: Build) -> None:
    assert _fit(source, body, build) == {Fit.COVERED}


@pytest.mark.parametrize(
    ("source", "body"),
    [
        (_SQLALCHEMY, "row = Desk.query.first()\ndb.session.add(Desk(label=given))"),
        (_SQLALCHEMY, "row = Desk.query.first()\nif row is not None:\n    db.session.add(Desk(label=given))"),
        (_SQLALCHEMY, "row = one_of(given)\nif not row:\n    db.session.add(Desk(owner_id=given))"),
        (_SQLALCHEMY, "row = Desk.query.filter_by(owner_id=given).first()\nif not row:\n    db.session.add(Desk(owner_id=given))"),
        (_SQLALCHEMY, "if not Desk.query.first():\n    for label in given:\n        db.session.add(Desk(label=label))"),
        (_SQLALCHEMY, "n = Desk.query.count()\nfor label in given:\n    if n >= 8:\n        break\n    db.session.add(Desk(label=label))"),
        (_SQLALCHEMY, "if not Desk.query.first():\n    db.session.add_all([Desk(label=x) for x in given])"),
        (_SQLALCHEMY, "row = Desk.query.first()\nif row and row.label:\n    return\ndb.session.add(Desk(label=given))"),
        (_SQLALCHEMY, "row = Desk.query.first()\nrow = None\nif row is None:\n    db.session.add(Desk(label=given))"),
        (_SQLALCHEMY, "if Desk.query.filter_by(owner_id=given).count() >= 8:\n    return\ndb.session.add(Desk(owner_id=given))"),
        (_SQLALCHEMY, "if Desk.query.count() >= 8:\n    print('many')\ndb.session.add(Desk(label=given))"),
        (_SQLALCHEMY, "if Desk.query.count() >= 8000:\n    return\ndb.session.add(Desk(label=given))"),
        (_SQLALCHEMY, "row = Desk.query.first() or Desk()\ndb.session.execute(db.insert(Desk), given)"),
        (_DJANGO, "if Desk.objects.exists() == True:\n    Desk.objects.create()"),
        (_DJANGO, "if not Desk.objects.exists():\n    Desk.objects.bulk_create(given)"),
        (_DJANGO, "row = Desk.objects.first() or Desk.objects.create()\nrequest.user.desk_set.create(label=given)"),
        (_DJANGO, "Desk.objects.get_or_create(label=given, defaults={})"),
        (_DJANGO, "try:\n    row = Desk.objects.get(label=given)\nexcept Desk.DoesNotExist:\n    row = Desk.objects.create()"),
        (_MONGODB, "db.desks.update_one({'_id': given}, {'$set': {'label': given}}, upsert=True)"),
        (_MONGODB, "if db.desks.find_one({'label': given}) is None:\n    db.desks.insert_one({'label': given})"),
        (_MONGODB, "if db.desks.find_one({}) is None:\n    db.desks.insert_many(given)"),
    ],
)  # fmt: skip
def test_a_table_that_grows(source: str, body: str, build: Build) -> None:
    assert Fit.COVERED not in _fit(source, body, build)


@pytest.mark.parametrize(
    ("within", "covered"),
    [
        ("return cls.objects.first() or cls.objects.create()", True),
        ("return cls.objects.get_or_create(pk=1)[0]", True),
        ("return cls.objects.create()", False),
        ("return cls()", False),
    ],
)
def test_what_a_class_makes_of_itself(within: str, covered: bool, build: Build) -> None:
    body = "row = Desk.objects.first() or Desk.objects.create()"
    assert (_fit(_DJANGO, body, build, within) == {Fit.COVERED}) is covered
