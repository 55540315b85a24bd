"""What a seed adds alone stays small; what belongs to records of others comes with them, whoever writes it."""

from __future__ import annotations

import pytest

from auditor.model.data import Constant
from tests.conftest import Build

TORTOISE = """
from tortoise import fields
from tortoise.models import Model
class Kind(Model):
    name = fields.CharField(30)
class Device(Model):
    name = fields.CharField(30)
class Level(Model):
    kind = fields.ForeignKeyField("models.Kind")
    above = fields.ForeignKeyField("models.Level", null=True)
    made_by = fields.ForeignKeyField("models.Device", null=True)
    name = fields.CharField(30)
class Reading(Model):
    device = fields.ForeignKeyField("models.Device")
    name = fields.CharField(30)
"""
SEED = """
from models import Kind, Level, Reading
async def run_seed():
    await Kind.create(name="a")
    await Level.create(kind_id=1, name="a")
    await Reading.create(device_id=1, name="a")
"""
ROUTES = """
from fastapi import FastAPI
from models import Device, Kind, Level, Reading
app = FastAPI()
@app.post("/")
async def add(name: str):
    await Device.create(name=name)
@app.get("/")
async def show(name: str):
    return await Kind.filter(name=name), await Level.filter(name=name), await Reading.filter(name=name)
"""


def small(build: Build, files: dict[str, str]) -> set[str]:
    return {found.name for found in build(files).facts(Constant)}


def test_what_belongs_to_records_of_others_is_no_list(build: Build) -> None:
    files = {"models.py": TORTOISE, "seeders/seed_all.py": SEED, "app.py": ROUTES}
    assert small(build, files) == {"kind", "level"}


PEEWEE = """
from flask import Flask
from peewee import CharField, Model, SqliteDatabase
db = SqliteDatabase("x.db")
app = Flask(__name__)
class Kind(Model):
    name = CharField()
    class Meta:
        database = db
@app.get("/<name>")
async def show(name):
    {}
    return str(Kind.get(Kind.name == name))
"""


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("pass", {"kind"}),
        ("Kind.select().count()", {"kind"}),
        ("Kind.create(name=name)", set()),
        ("Kind.get_or_create(name=name)", set()),
        ("Kind.create_or_get(name=name)", set()),
        ("Kind.insert(name=name).execute()", set()),
        ("Kind.insert_many([{'name': name}]).execute()", set()),
        ("Kind.insert_from(rows(name), [Kind.name]).execute()", set()),
        ("Kind.replace(name=name).execute()", set()),
        ("Kind.replace_many([{'name': name}]).execute()", set()),
        ("Kind.bulk_create([Kind(name=name)])", set()),
        ("Kind(name=name).save(force_insert=True)", set()),
        ("await Kind.aio_create(name=name)", set()),
        ("await objects.create(Kind, name=name)", set()),
    ],
)
def test_ways_of_peewee_to_add(line: str, found: set[str], build: Build) -> None:
    seed = "from app import Kind\ndef run_seed():\n    Kind.create(name='a')\n"
    assert small(build, {"app.py": PEEWEE.format(line), "seeders/seed_kinds.py": seed}) == found


_STORED = """
from sqlalchemy import Column, ForeignKey, Integer, String, create_engine
from sqlalchemy.orm import declarative_base, relationship, sessionmaker
Session = sessionmaker(bind=create_engine(settings.url))
Base = declarative_base()
class Metal(Base):
    __tablename__ = "metals"
    id = Column(Integer, primary_key=True)
    name = Column(String)
    rates = relationship("Rate")
class Rate(Base):
    __tablename__ = "rates"
    id = Column(Integer, primary_key=True)
    metal_id = Column(ForeignKey("metals.id"))
    kind = Column(String)
class Repository:
    def __init__(self, model):
        self.model = model
    def get(self, db, id):
        return db.query(self.model).filter(self.model.id == id).first()
    def create(self, db, data):
        made = self.model(**data)
        db.add(made)
        db.commit()
        return made
class Metals(Repository):
    pass
class Rates(Repository):
    pass
metals = Metals(Metal)
rates = Rates(Rate)
"""
_NESTED = """
from models import Session, metals, rates
METALS = [{"metal": {"name": "gold"}, "rates": [{"kind": "buy"}, {"kind": "sell"}]}]
def seed(found):
    db = Session()
    for data in METALS:
        made = metals.create(db, data["metal"])
        for each in {rates}:
            rates.create(db, {**each, "metal_id": made.id})
def run_seed():
    seed(read())
if __name__ == "__main__":
    run_seed()
"""
_SERVED = """
from fastapi import FastAPI
from models import Session, metals, rates
app = FastAPI()
@app.put("/{id}")
def show(id: int, name: str):
    metal = metals.get(Session(), id)
    metal.name = name
    {line}
    return metal.rates
"""


@pytest.mark.parametrize(
    ("given", "line", "found"),
    [
        ('data["rates"]', "pass", {"metals", "rates"}),
        ('data["rates"]', "rates.create(Session(), {'kind': name})", {"metals"}),
        ('data["rates"]', "metals.create(Session(), {'name': name})", set()),
        ('data["rates"]', "unknown(name).create(Session(), name)", set()),
        ("found", "pass", {"metals"}),
    ],
)
def test_children_that_a_seed_makes_through_what_is_handed_their_model(
    given: str, line: str, found: set[str], build: Build
) -> None:
    seed = _NESTED.replace("{rates}", given)
    served = _SERVED.replace("{line}", line)
    assert small(build, {"models.py": _STORED, "seeding/seed.py": seed, "app.py": served}) == found


OF_A_FILE = """
import csv, json
from pathlib import Path
import pandas as pd
from fastapi import FastAPI
from sqlalchemy import create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
engine = create_engine("sqlite:///x.db")
app = FastAPI()
FOLDER = Path(__file__).resolve().parent / "seed"
class Base(DeclarativeBase):
    pass
class Place(Base):
    __tablename__ = "place"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column()
def read_csv(name):
    with open(FOLDER / name) as file:
        return list(csv.DictReader(file))
@app.on_event("startup")
def fill():
    with Session(engine) as session:
        ROWS
        session.commit()
@app.get("/")
def show(name: str):
    with Session(engine) as session:
        SPARE
        return session.scalars(select(Place).where(Place.name == name)).all()
@app.post("/import")
def more(upload: str):
    return len(pd.read_csv(upload))
"""
PLACES = 'session.add_all([Place(name=row["name"]) for row in read_csv("places.csv")])'
AT_ONCE = 'session.add_all([Place(name=row["name"]) for row in json.loads((FOLDER / "places.json").read_text())])'
OPENED = """with open(FOLDER / "places.csv") as file:
            for row in csv.DictReader(file):
                session.add(Place(name=row["name"]))"""
ASKED_FOR = 'session.add_all([Place(name=row["name"]) for row in csv.DictReader(open(input()))])'
SPARE = """spare = session.scalars(select(Place).where(Place.name == "spare")).first()
        if spare is None:
            session.add(Place(name="spare"))"""
NAMED = SPARE.replace('"spare"', "name")
EACH_TIME = 'session.add(Place(name="spare"))'
NONE_FOUND = """if session.scalars(select(Place).where(Place.name == "other")).first():
            session.add(Place(name="spare"))"""


@pytest.mark.parametrize(
    ("rows", "spare", "size", "found"),
    [
        (PLACES, "pass", 20, {"place"}),
        (AT_ONCE, "pass", 20, {"place"}),
        (OPENED, "pass", 20, {"place"}),
        (PLACES, SPARE, 20, {"place"}),
        (PLACES, "pass", 40_000, set()),
        (PLACES.replace("places.csv", "other.csv"), "pass", 20, set()),  # it is not there
        (ASKED_FOR, "pass", 20, set()),
        (PLACES, NAMED, 20, set()),
        (PLACES, EACH_TIME, 20, set()),
        (PLACES, NONE_FOUND, 20, set()),
    ],
)
def test_the_rows_of_a_small_file_of_the_tree_are_constants(
    build: Build, rows: str, spare: str, size: int, found: set[str]
) -> None:
    data = "name\n" + "a\n" * (size // 2)
    files = {"app.py": OF_A_FILE.replace("ROWS", rows).replace("SPARE", spare)}
    files |= {"seed/places.csv": data, "seed/places.json": data}
    assert small(build, files) == found


def test_paths_that_stand_in_files_whose_paths_stand_in_files(build: Build) -> None:
    """However many there are, they end the search and not the audit."""
    chain = "".join(
        f"for x{i} in csv.reader(open(x{i + 1})):\n            pass\n        " for i in range(4_000)
    )
    rows = f'{chain}x4000 = "places.csv"\n        session.add(Place(name=x0))'
    files = {"app.py": OF_A_FILE.replace("ROWS", rows).replace("SPARE", "pass")}
    assert small(build, files | {"seed/places.csv": "name\na\n"}) == set()


GUARDED = """
import os
from datetime import date
from uuid import uuid4
from enum import Enum
from flask import Flask, current_app
from flask_jwt_extended import get_jwt_identity
from flask_restful import reqparse
from flask_sqlalchemy import SQLAlchemy
from flask_wtf import FlaskForm
from pydantic_settings import BaseSettings
from wtforms import StringField
app, db, parser = Flask(__name__), SQLAlchemy(), reqparse.RequestParser()
class Member(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    email = db.Column(db.String(100))
class MemberForm(FlaskForm):
    email = StringField("email")
class Settings(BaseSettings):
    admin: str = "boss"
class Role(Enum):
    BOSS = "boss"
settings = Settings()
def today():
    return date.today()
@app.route("/new")
def new():
    form = MemberForm()
    if Member.query.filter_by(email=GIVEN).first() is None:
        db.session.add(Member(email=GIVEN))
    return str(Member.query.all())
"""


@pytest.mark.parametrize(
    ("given", "found"),
    [
        *((x, {"member"}) for x in ('"boss"', 'os.getenv("X")', "settings.admin", "Role.BOSS.value")),
        *((x, {"member"}) for x in ('"Boss".lower()', 'current_app.config["X"]')),
        *((x, set()) for x in ("form.email.data", "get_jwt_identity()", 'parser.parse_args()["x"]')),
        *((x, set()) for x in ("date.today()", "str(uuid4())", "today()")),
    ],
)  # fmt: skip
def test_only_what_is_the_same_each_time_keeps_a_table_small(
    build: Build, given: str, found: set[str]
) -> None:
    """A search before an addition bounds nothing where each request, or each day, searches for something else."""
    assert small(build, {"app.py": GUARDED.replace("GIVEN", given)}) == found
