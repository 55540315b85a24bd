"""Tables that stay small by what the code shows: a row for each value of an enumeration, keys that stand in the code,
seeds of Tortoise and Peewee; and near misses."""

import pytest

from auditor.model.data import CollectionFit, Fit
from tests.conftest import Build

_SQLALCHEMY = """
import enum
from flask import Flask, request
from flask_sqlalchemy import SQLAlchemy
app = Flask(__name__)
db = SQLAlchemy(app)
class Kind(enum.Enum):
    CAR = "car"
    VAN = "van"
    BUS = "bus"
class Parcel(db.Model):
    {columns}
    label = db.Column(db.String)
@app.post("/parcels")
def add():
    db.session.add(Parcel({given}label=request.form["l"]))
    db.session.commit()
@app.get("/parcels")
def find():
    return str(Parcel.query.filter(Parcel.label == request.args["l"]).all())
"""


@pytest.mark.parametrize(
    ("columns", "given", "fit"),
    [
        ("kind = db.Column(db.Enum(Kind), primary_key=True)", "kind=request.form['k'], ", Fit.COVERED),
        ("id = db.Column(db.Integer, primary_key=True)\n    kind = db.Column(db.Enum(Kind), unique=True)", "kind=request.form['k'], ", Fit.COVERED),
        ("id = db.Column(db.Integer, primary_key=True)\n    kind = db.Column(db.Enum(Kind))\n    name = db.Column(db.String)\n    __table_args__ = (db.UniqueConstraint('kind', 'name'),)", "kind=request.form['k'], ", Fit.MISSING),
        ("id = db.Column(db.Integer, primary_key=True)\n    kind = db.Column(db.Enum(Kind), index=True)", "kind=request.form['k'], ", Fit.MISSING),
        ("id = db.Column(db.Integer, primary_key=True)", "id=1, ", Fit.COVERED),
        ("id = db.Column(db.Integer, primary_key=True)", "id=request.form['i'], ", Fit.MISSING),
        ("id = db.Column(db.Integer, primary_key=True)", "", Fit.MISSING),
        ("id = db.Column(db.Integer, primary_key=True)\n    shop = db.Column(db.Integer)", "shop=1, ", Fit.MISSING),
    ],
)  # fmt: skip
def test_a_row_for_each_value(columns: str, given: str, fit: Fit, build: Build) -> None:
    source = _SQLALCHEMY.format(columns=columns, given=given)
    found = build({"app.py": source}).facts(CollectionFit)
    assert {m.fit for f in found for q, m in f.fits if q.equality == ("label",)} == {fit}


_TORTOISE = """
from fastapi import FastAPI
from tortoise import fields, models
from tortoise.contrib.fastapi import register_tortoise
class Parcel(models.Model):
    id = fields.IntField(primary_key=True)
    name = fields.CharField(max_length=9)
app = FastAPI()
@app.on_event("startup")
async def seed():
    {seed}
@app.post("/parcels")
async def add(given: str):
    {add}
@app.get("/parcels")
async def find(name: str):
    return await Parcel.filter(name=name)
register_tortoise(app, db_url="sqlite://x", modules={{"models": ["app"]}}, generate_schemas=True)
"""
_PEEWEE = """
from flask import Flask, request
from peewee import CharField, Model, SqliteDatabase
db = SqliteDatabase("x.db")
class Parcel(Model):
    name = CharField()
    class Meta:
        database = db
app = Flask(__name__)
db.create_tables([Parcel])
{seed}
@app.post("/parcels")
def add():
    given = request.form["given"]
    {add}
@app.get("/parcels")
def find():
    return str(list(Parcel.select().where(Parcel.name == request.args["name"])))
"""


@pytest.mark.parametrize(
    ("source", "seed", "add", "fit"),
    [
        (_TORTOISE, "if not await Parcel.exists():\n        await Parcel.bulk_create([Parcel(name='a'), Parcel(name='b')])", "pass", Fit.COVERED),
        (_TORTOISE, "if not await Parcel.exists():\n        await Parcel.bulk_create([Parcel(name='a'), Parcel(name='b')])", "await Parcel.create(name=given)", Fit.MISSING),
        (_TORTOISE, "if not await Parcel.exists():\n        await Parcel.bulk_create(read())", "pass", Fit.MISSING),
        (_TORTOISE, "pass", "parcel, _ = await Parcel.get_or_create(id=1)", Fit.COVERED),
        (_TORTOISE, "pass", "parcel, _ = await Parcel.get_or_create(pk=1, defaults={'name': given})", Fit.COVERED),
        (_TORTOISE, "ONLY = 1", "parcel, _ = await Parcel.get_or_create(id=given)", Fit.MISSING),
        (_TORTOISE, "pass", "async def make(key=1):\n        await Parcel.create(id=key)\n    await make(given)", Fit.MISSING),
        (_PEEWEE, "ONLY = 1", "Parcel.get_or_create(id=ONLY, defaults={'name': given})", Fit.COVERED),
        (_TORTOISE, "await Parcel.get_or_create(id=1)", "await Parcel.create(name=given)", Fit.MISSING),
        (_PEEWEE, "if Parcel.select().count() == 0:\n    Parcel.insert_many([{'name': 'a'}, {'name': 'b'}]).execute()", "pass", Fit.COVERED),
        (_PEEWEE, "if Parcel.select().count() == 0:\n    Parcel.insert_many([{'name': 'a'}, {'name': 'b'}]).execute()", "Parcel.create(name=given)", Fit.MISSING),
        (_PEEWEE, "", "Parcel.get_or_create(id=1, defaults={'name': given})", Fit.COVERED),
        (_PEEWEE, "", "Parcel.get_or_create(name=given)", Fit.MISSING),
    ],
)  # fmt: skip
def test_what_seeds_and_keys_leave(
    source: str, seed: str, add: str, fit: Fit, build: Build
) -> None:
    found = build({"app.py": source.format(seed=seed, add=add)}).facts(CollectionFit)
    told = {m.fit for f in found for q, m in f.fits if q.equality == ("name",) and q.operation == "select"}  # fmt: skip
    assert told == {fit}


_STATEMENTS = """
def prepare(cursor):
    cursor.execute("CREATE TABLE desks ({columns})")
def keep(cursor, key, title):
    cursor.execute("INSERT INTO desks (id, title) VALUES (?, ?)", (key, title))
def find(cursor, title):
    return cursor.execute("SELECT * FROM desks WHERE title = ?", (title,)).fetchall()
"""
_CHECKED = """
from sqlalchemy import CheckConstraint, Column, Integer, String
from sqlalchemy.orm import declarative_base
Base = declarative_base()
class Desk(Base):
    __tablename__ = "desks"
    {columns}
    title = Column(String)
def keep(session, key, title):
    session.add(Desk(id=key, title=title))
def find(session, title):
    return session.query(Desk).filter(Desk.title == title).all()
"""


@pytest.mark.parametrize(
    ("source", "columns", "fit"),
    [
        (_STATEMENTS, "id INTEGER PRIMARY KEY CHECK (id = 1), title TEXT", Fit.COVERED),
        (_STATEMENTS, "id INTEGER PRIMARY KEY, title TEXT, CHECK (id = 1)", Fit.COVERED),
        (_STATEMENTS, "id CHAR(1), title TEXT, PRIMARY KEY (id), CONSTRAINT one CHECK (id = 'X')", Fit.COVERED),
        (_STATEMENTS, "id INTEGER PRIMARY KEY, title TEXT, CHECK (id >= 1)", Fit.MISSING),
        (_STATEMENTS, "id INTEGER PRIMARY KEY CHECK (id = 1 OR title = 'x'), title TEXT", Fit.MISSING),
        (_STATEMENTS, "id INTEGER UNIQUE CHECK (id = 1), title TEXT", Fit.MISSING),
        (_STATEMENTS, "id INTEGER CHECK (id = 1), title TEXT, n INTEGER, PRIMARY KEY (id, n)", Fit.MISSING),
        (_CHECKED, "__table_args__ = (CheckConstraint('id = 1', name='one'),)\n    id = Column(Integer, primary_key=True)", Fit.COVERED),
        (_CHECKED, "id = Column(Integer, CheckConstraint('id = 1'), primary_key=True)", Fit.COVERED),
        (_CHECKED, "id = Column(Integer, CheckConstraint('id > 0'), primary_key=True)", Fit.MISSING),
    ],
)  # fmt: skip
def test_a_check_of_the_key(source: str, columns: str, fit: Fit, build: Build) -> None:
    found = build({"app.py": source.format(columns=columns)}).facts(CollectionFit)
    assert {m.fit for f in found for q, m in f.fits if q.equality == ("title",)} == {fit}


NAMED = """
from django.db import models
class Standing(models.Model):
    spelling = models.CharField(max_length=30)
class Visit(models.Model):
    state = models.ForeignKey(Standing, on_delete=models.CASCADE)
    note = models.TextField()
"""
NAMED_VIEWS = """
from django.http import HttpResponse
from clinic.models import Standing, Visit
def start(request):
    state = Standing.objects.get_or_create(spelling=WAITING)[0]
    Standing.objects.get_or_create(spelling="green")
    Visit.objects.create(state=state, note=request.POST["note"])
    return HttpResponse()
def done(request):
    return HttpResponse(Standing.objects.filter(spelling="red").first())
MORE
"""
NAMED_URLS = """
from django.urls import path
from clinic import views
urlpatterns = [path("start", views.start), path("done", views.done), path("add", views.add)]
"""
ADDS = """
def add(request):
    Standing.objects.create(spelling=request.POST["name"])
"""


@pytest.mark.parametrize(
    ("waiting", "more", "fit"),
    [
        ('"blue"', "", Fit.UNKNOWN),
        ('request.POST["state"]', "", Fit.MISSING),
        ('"blue"', ADDS, Fit.MISSING),
    ],
)
def test_what_the_code_makes_by_names_of_its_own(
    build: Build, waiting: str, more: str, fit: Fit
) -> None:
    files = {
        "manage.py": 'import os\nos.environ.setdefault("DJANGO_SETTINGS_MODULE", "site1.settings")',
        "site1/settings.py": 'ROOT_URLCONF = "clinic.urls"\nINSTALLED_APPS = ["clinic"]\nDATABASES = {"default": {"ENGINE": "django.db.backends.postgresql"}}',
        "clinic/__init__.py": "",
        "clinic/models.py": NAMED,
        "clinic/views.py": NAMED_VIEWS.replace("WAITING", waiting).replace("MORE", more),
        "clinic/urls.py": NAMED_URLS,
    }
    told = [
        (m.fit, m.why)
        for each in build(files).facts(CollectionFit)
        for q, m in each.fits
        if q.collection == "clinic_standing" and q.operation == "select"
    ]
    assert {x for x, _ in told} == {fit}, told
