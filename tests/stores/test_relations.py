"""What relations of SQLAlchemy ask: those that are queries themselves, lists, and what is deleted with its owner."""

from __future__ import annotations

import pytest

from auditor.model.data import CollectionFit, Fit
from tests.conftest import Build

_MODELS = """
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
db = SQLAlchemy()
class Box(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    things = db.relationship("Thing", back_populates="box"{})
class Thing(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    name = db.Column(db.String(9))
    box_id = db.Column(db.Integer, db.ForeignKey("box.id"))
    box = db.relationship("Box", back_populates="things")
    bits = db.relationship("Bit")
class Bit(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    thing_id = db.Column(db.Integer, db.ForeignKey("thing.id"))
app = Flask(__name__)
@app.post("/things")
def add():
    db.session.add(Thing(name=request.form["name"], bits=[Bit()]))
    db.session.commit()
@app.get("/boxes/<int:id>")
def ask(id):
    box = Box.query.get(id)
    {}
"""


def _asked(arguments: str, code: str, build: Build) -> set[str]:
    """The columns of the tables of things and bits that are asked for without an index."""
    found = build({"app.py": _MODELS.format(arguments, code)}).facts(CollectionFit)
    return {
        " ".join((*q.equality, *(f"by {name}" for name, _ in q.sort or ())))
        for f in found
        if f.name in ("thing", "bit")
        for q, m in f.fits
        if m.fit is Fit.MISSING
    }


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("return [x.id for x in box.things]", {"box_id"}),
        ("return Thing.query.get(1) in box.things", {"box_id"}),
        ("return Thing.query.get(1) not in box.things", {"box_id"}),
        ("return box.things[0]", {"box_id"}),
        ("return list(box.things)", {"box_id"}),
        ("return box.things.filter_by(name='x').all()", {"box_id name"}),
        ("return box.things.count()", {"box_id"}),
        ("box.things.append(Thing())", set()),
        ("return 'some' if box.things else 'none'", set()),
        ("things = box.things\n    return things.order_by(Thing.name).first()", {"box_id by name"}),
    ],
)
def test_a_relation_that_is_a_query(code: str, expected: set[str], build: Build) -> None:
    assert _asked(', lazy="dynamic"', code, build) == expected


def test_what_has_the_name_of_such_a_relation_may_be_a_list(build: Build) -> None:
    assert _asked(', lazy="dynamic"', "return [x for x in made(box).things]", build) == set()


@pytest.mark.parametrize("step", ["count()", "filter_by(name='x').all()", "order_by('name')"])
def test_a_list_has_no_such_step(step: str, build: Build) -> None:
    assert _asked("", f"return box.things.{step}", build) == {"box_id"}


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("", {"box_id"}),
        (', lazy="dynamic"', {"box_id"}),
        (", uselist=False", {"box_id"}),
        (', cascade="all, delete-orphan"', {"box_id", "thing_id"}),
        (', cascade="save-update, merge"', {"box_id"}),
        (', cascade="all", passive_deletes=True', set()),
        (', passive_deletes="all"', set()),
        (", viewonly=True", set()),
    ],
)
def test_what_a_session_deletes_with_its_owner(
    arguments: str, expected: set[str], build: Build
) -> None:
    code = "db.session.delete(box)\n    db.session.commit()"
    assert _asked(arguments, code, build) == expected


@pytest.mark.parametrize(
    "code",
    [
        "store.delete(box)",
        "Box.query.filter_by(id=id).delete()",
        "db.session.delete(made(box))",
    ],
)
def test_nothing_is_loaded_to_be_deleted(code: str, build: Build) -> None:
    assert _asked("", code, build) == set()


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("db.session.refresh(box)", ["get", "get"]),
        ("db.session.refresh(instance=box, attribute_names=['id'])", ["get", "get"]),
        (
            "made = Box(id=id)\n    db.session.add(made)\n    db.session.refresh(made)",
            ["get", "get"],
        ),
        ("db.session.refresh(box, ['things'])", ["get"]),
        ("cache.refresh(box)", ["get"]),
        ("made = make(Box)\n    db.session.refresh(made)", ["get"]),
    ],
)
def test_an_object_that_a_session_refreshes_is_read_again_by_its_key(
    code: str, expected: list[str], build: Build
) -> None:
    found = build({"app.py": _MODELS.format("", code)}).facts(CollectionFit)
    told = [q.operation for f in found if f.name == "box" for q, _ in f.fits]
    assert told == expected


_EAGER = """
from sqlalchemy import Column, ForeignKey, Integer
from sqlalchemy.orm import declarative_base, relationship
Base = declarative_base()
class Team(Base):
    __tablename__ = "team"
    id = Column(Integer, primary_key=True)
    cups = relationship("Cup", lazy="selectin")
class Cup(Base):
    __tablename__ = "cup"
    id = Column(Integer, primary_key=True)
    team_id = Column(ForeignKey("team.id"))
class User(Base):
    __tablename__ = "user"
    id = Column(Integer, primary_key=True)
    team_id = Column(ForeignKey("team.id"))
    team = relationship("Team", lazy="selectin")
    pets = relationship("Pet", lazy="selectin")
class Pet(Base):
    __tablename__ = "pet"
    id = Column(Integer, primary_key=True)
    user_id = Column(ForeignKey("user.id"))
def make(session, given):
    user = User(**given)
    session.add(user)
    session.refresh(user)
"""


def test_a_refresh_loads_what_refers_to_the_object_and_not_what_it_refers_to(build: Build) -> None:
    found = build({"app.py": _EAGER}).facts(CollectionFit)
    asked = {(f.name, q.equality) for f in found for q, _ in f.fits}
    assert asked == {("user", ("id",)), ("pet", ("user_id",))}


def test_what_is_loaded_already_is_not_loaded_to_be_deleted(build: Build) -> None:
    code = "sold = any(x.name for x in box.things)\n    db.session.delete(box)"
    found = build({"app.py": _MODELS.format("", code)}).facts(CollectionFit)
    (line,) = (q.place.line for f in found if f.name == "thing" for q, _ in f.fits)
    assert "any" in _MODELS.format("", code).splitlines()[line - 1]


_OWNERS = """
from flask import Flask
from flask_login import UserMixin
from sqlalchemy import Column, ForeignKey, Integer, create_engine
from sqlalchemy.orm import declarative_base, relationship, selectinload, sessionmaker
Base = declarative_base()
Session = sessionmaker(bind=create_engine("postgresql://db/app"))
class Ship({base}Base):
    __tablename__ = "ship"
    id = Column(Integer, primary_key=True)
    crew = relationship("Sailor", back_populates="ship")
    @property
    def awake(self):
        return [x for x in self.{read} if x.id]
class Sailor(Base):
    __tablename__ = "sailor"
    id = Column(Integer, primary_key=True)
    ship_id = Column(Integer, ForeignKey("ship.id"))
    ship = relationship("Ship", back_populates="crew")
app = Flask(__name__)
@app.post("/sailors")
def add():
    session = Session()
    session.add(Sailor(ship_id=request.form["ship"]))
    session.commit()
{code}
"""
_SHOWS = """
@app.get("/ships/<id>")
def show(id):
    return {}
"""
_ONE = "Session().get(Ship, id)"


@pytest.mark.parametrize(
    ("code", "read", "loads"),
    [
        (_SHOWS.format(f"{_ONE}.awake"), "crew", True),
        (_SHOWS.format(f"{_ONE}.id"), "crew", False),
        (_SHOWS.format(f"{_ONE}.awake"), "id", False),
        (_SHOWS.format("Session().query(Ship).options(selectinload(Ship.crew)).first().awake"), "crew", False),
        ("from sqlalchemy.ext.asyncio import AsyncSession\n" + _SHOWS.format(f"{_ONE}.awake"), "crew", True),
        ("ship = object()\ndef first(ship: Ship):\n    return ship.crew\n" + _SHOWS.format(f"first({_ONE})"), "id", True),
        ("def first(ship):\n    return ship.crew\n" + _SHOWS.format(f"first({_ONE})"), "id", True),
        ("def first(ship):\n    return ship.crew\n" + _SHOWS.format("first(made(id))"), "id", False),
        ("from flask_login import current_user\n" + _SHOWS.format("list(current_user.crew)"), "id", True),
        ("current_user = made()\n" + _SHOWS.format("list(current_user.crew)"), "id", False),
        ("def first(ship: str):\n    return ship.crew\n" + _SHOWS.format("first(made(id))"), "id", False),
    ],
)  # fmt: skip
def test_a_relation_that_is_read_apart_from_what_brings_its_owner(
    code: str, read: str, loads: bool, build: Build
) -> None:
    base = "UserMixin, " if "current_user" in code else ""
    found = build({"app.py": _OWNERS.format(code=code, read=read, base=base)}).facts(CollectionFit)
    asked = {name for f in found if f.name == "sailor" for q, m in f.fits for name in q.equality if m.fit is Fit.MISSING and q.operation == "lazy"}  # fmt: skip
    assert asked == ({"ship_id"} if loads else set())


_COLUMNS = """
from sqlalchemy import Column, Integer, func, select
from sqlalchemy.orm import declarative_base
Base = declarative_base()
class Log(Base):
    __tablename__ = "logs"
    id = Column(Integer, primary_key=True)
    at = Column(Integer)
class Job(Base):
    __tablename__ = "jobs"
    id = Column(Integer, primary_key=True)
    ends = Column(Integer)
def ask(session, given):
    for model, column in {}:
        session.execute({}).scalar()
"""


@pytest.mark.parametrize(
    ("over", "asked", "expected"),
    [
        ("[(Log, Log.at), (Job, Job.ends)]", "select(func.max(column))", {"logs aggregate", "jobs aggregate"}),
        ("[(Log, Log.at), (Job, Job.ends)]", "select(model).where(column == given)", {"logs select at", "jobs select ends"}),
        ("[(Log, Log.at), (Job, given)]", "select(func.max(column))", set()),
    ],
)  # fmt: skip
def test_a_loop_over_columns(over: str, asked: str, expected: set[str], build: Build) -> None:
    found = build({"app.py": _COLUMNS.format(over, asked)}).facts(CollectionFit)
    assert {" ".join((f.name, q.operation, *q.equality)) for f in found for q, _ in f.fits if f.name} == expected  # fmt: skip


_BOTH_WAYS = """
from sqlalchemy import Column, ForeignKey, Integer
from sqlalchemy.orm import declarative_base, relationship
Base = declarative_base()
class Shelf(Base):
    __tablename__ = "shelf"
    id = Column(Integer, primary_key=True)
    best_id = Column(Integer, ForeignKey("book.id"))
    related = relationship("Book", {arguments})
class Book(Base):
    __tablename__ = "book"
    id = Column(Integer, primary_key=True)
    shelf_id = Column(Integer, ForeignKey("shelf.id"))
def ask(session):
    return [shelf.related for shelf in session.query(Shelf).all()]
"""


@pytest.mark.parametrize(
    ("arguments", "asked"),
    [
        ("foreign_keys=[best_id]", "id"),
        ("foreign_keys='Shelf.best_id'", "id"),
        ("foreign_keys='Book.shelf_id'", "shelf_id"),
        ("foreign_keys='[Book.shelf_id]', uselist=False", "shelf_id"),
    ],
)
def test_the_key_that_a_relation_names_tells_its_direction(
    arguments: str, asked: str, build: Build
) -> None:
    found = build({"app.py": _BOTH_WAYS.format(arguments=arguments)}).facts(CollectionFit)
    assert {q.equality for f in found if f.name == "book" for q, _ in f.fits} == {(asked,)}
