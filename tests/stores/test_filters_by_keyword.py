"""Filters that go down as `**filters`, or in a dict that is filled step by step: each caller gives the keys it does."""

from __future__ import annotations

import pytest

from auditor.model.data import CollectionFit, Query
from tests.conftest import Build

_STORE = """
from django.db import models
class Trip(models.Model):
    driver = models.CharField(max_length=40)
    starts = models.DateField()
class Leg(models.Model):
    driver = models.CharField(max_length=40)
    starts = models.DateField()
class Store:
    def count_all(self, **wanted):
        return self._narrow(Trip.objects.all(), **wanted).count()
    def _narrow(self, trips, **wanted):
        if "driver" in wanted:
            trips = trips.filter(driver=wanted["driver"])
        if wanted.get("since"):
            trips = trips.filter(starts=wanted["since"])
        return trips
class Service:
    def how_many(self, **wanted):
        return Store().count_all(**wanted)
def find(wanted):
    legs = Leg.objects.all()
    if "driver" in wanted:
        legs = legs.filter(driver=wanted["driver"])
    if "since" in wanted:
        legs = legs.filter(starts=wanted["since"])
    return list(legs)
def harmless(given):
    return len(given)
def fill(given):
    given["since"] = 1
"""
_ANY = [(), ("driver",), ("starts",)]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("if given:\n    wanted['driver'] = given\nService().how_many(**wanted)", [(), ("driver",)]),
        ("wanted['driver'] = given\nif given:\n    wanted['since'] = 1\nService().how_many(**wanted)", _ANY),
        ("Service().how_many(driver=given)", [("driver",)]),
        ("Service().how_many()", [()]),
        ("Service().how_many(**{'since': given}, driver=1)", [("driver",), ("driver", "starts")]),
        ("Service().how_many(**given)", _ANY),
        ("wanted.update(given)\nService().how_many(**wanted)", _ANY),
        ("wanted[given] = 1\nService().how_many(**wanted)", _ANY),
        ("wanted['driver'] = 1\nfill(wanted)\nService().how_many(**wanted)", _ANY),
        ("Service().how_many(driver=1)\nHOOKS.append(Service().how_many)", _ANY),
        ("if given:\n    wanted['driver'] = given\nharmless(wanted)\nfind(wanted)", [(), ("driver",)]),
        ("if given:\n    wanted['driver'] = given\nfill(wanted)\nfind(wanted)", _ANY),
        ("wanted['driver'] = given\ndel wanted['driver']\nfind(wanted)", _ANY),
    ],
)  # fmt: skip
def test_what_no_caller_gives_is_not_asked(
    body: str, told: list[tuple[str, ...]], build: Build
) -> None:
    lines = ["from store import *", "def view(given):", "    wanted = {}"]
    lines += [f"    {line}" for line in body.splitlines()]
    found = build({"store.py": _STORE, "views.py": "\n".join(lines)}).facts(CollectionFit)
    of = "leg" if "find(" in body else "trip"
    asked = {tuple(sorted(q.equality)) for f in found if f.name.endswith(of) for q, _ in f.fits}
    assert sorted(asked) == told


_MIXED_IN = """
from django.db import models
from django.views import generic
class Trip(models.Model):
    driver = models.CharField(max_length=40)
class Mixed:
    def get_context_data(self, **wanted):
        if "driver" in wanted:
            list(Trip.objects.filter(driver=wanted["driver"]))
        return super().get_context_data(**wanted)
    def again(self, form):
        return self.get_context_data(form=form)
class Trips(Mixed{}):
    pass
"""


@pytest.mark.parametrize(("base", "told"), [(", generic.FormView", {("driver",)}), ("", set())])
def test_what_is_mixed_in_with_a_view_is_called_by_it(
    base: str, told: set[tuple[str, ...]], build: Build
) -> None:
    found = build({"views.py": _MIXED_IN.format(base)}).facts(CollectionFit)
    assert {q.equality for f in found for q, _ in f.fits} == told


_SHARED = """
from sqlalchemy import ForeignKey, Integer, String, select
from sqlalchemy.orm import DeclarativeBase, mapped_column
class Base(DeclarativeBase):
    id = mapped_column(Integer, primary_key=True)
    @classmethod
    def select(cls, **kwargs):
        found = select(cls)
        for each in conditions(cls, **kwargs):
            found = found.where(each)
        return found
def conditions(model, **kwargs):
    for name, value in kwargs.items():
        yield getattr(model, name.split("__")[0]) == value
class Link(Base):
    __tablename__ = "links"
    owner = mapped_column(String(40))
class Account(Base):
    __tablename__ = "accounts"
    link_id = mapped_column(ForeignKey("links.id"))
class Store:
    @classmethod
    def select(cls, **kwargs):
        return cls.__model__.select(**kwargs)
    @classmethod
    def read(cls, db, **kwargs):
        return db.scalars(cls.select(**kwargs)).one()
class Accounts(Store):
    __model__ = Account
class Links(Store):
    __model__ = Link
    @classmethod
    def select(cls, owner: str | None = None, account_id: int | None = None, **kwargs):
        found = super().select(**kwargs)
        if account_id:
            found = found.join(Account)
        if owner:
            found = found.where(Link.owner == owner)
        if account_id:
            found = found.where(Account.id == account_id)
        return found
"""


@pytest.mark.parametrize(
    ("asks", "told"),
    [
        # both are given: the account is found by its key, and the link by its own
        ("def ask(db, owner_id: int, account_id: int):\n    Links.read(db, owner=owner_id, account_id=account_id)",
         {("accounts", ("id",), ""), ("links", ("id",), "")}),
        ("def ask(db, account_id: int):\n    Links.read(db, account_id=account_id)",
         {("accounts", ("id",), ""), ("links", ("id",), "")}),
        ("def ask(db):\n    Links.read(db, owner='ann')", {("links", ("owner",), "")}),
        ("def ask(db):\n    Links.read(db)", {("links", (), "")}),
        ("def ask(db):\n    Accounts.read(db)", {("accounts", (), "")}),
        ("def ask(db, n):\n    Accounts.read(db, link_id__eq=n)", {("accounts", (), "a condition cannot be told")}),
    ],
)  # fmt: skip
def test_filters_that_go_through_what_all_stores_share(
    asks: str, told: set[tuple[str, tuple[str, ...], str]], build: Build
) -> None:
    found = build({"app.py": _SHARED, "asks.py": f"from app import *\n{asks}\n"}).facts(Query)
    got = {
        (q.collection, q.equality, q.unresolved[:26]) for q in found if q.place.path == "asks.py"
    }
    assert got == told


_BY_NAMES = """
from flask_sqlalchemy import SQLAlchemy
db = SQLAlchemy()
class Seat(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    hall = db.Column(db.Integer)
    row = db.Column(db.Integer)
class Store:
    def __init__(self, model):
        self.model = model
    def find(self, first=False, **wanted):
        return self.model.query.filter_by(**wanted).first()
class Seats(Store):
    def __init__(self):
        super().__init__(Seat)
"""


@pytest.mark.parametrize(
    ("call", "equality", "unresolved"),
    [
        ("find(**{'hall': x})", ("hall",), ""),
        ("find(row=1, **{'hall': x, 'first': True})", ("row", "hall"), ""),
        ("find(**{'hall': x}, row=1)", ("hall", "row"), ""),
        ("find(hall=1, **x)", (), "its conditions are named at run time"),
        ("find(**{x: 1})", (), "its conditions are named at run time"),
    ],
)
def test_a_dict_that_is_spread_gives_its_keys(
    call: str, equality: tuple[str, ...], unresolved: str, build: Build
) -> None:
    asks = f"from app import *\ndef ask(x):\n    return Seats().{call}\n"
    found = build({"app.py": _BY_NAMES, "asks.py": asks}).facts(Query)
    assert {(q.equality, q.unresolved) for q in found} == {(equality, unresolved)}


_OTHERWISE_NONE = """
from sqlalchemy import Column, Integer, String, select
from sqlalchemy.orm import declarative_base
Base = declarative_base()
class Trip(Base):
    __tablename__ = "trips"
    id = Column(Integer, primary_key=True)
    driver = Column(String)
def find(session, given, flag):
    {body}
    return session.execute(select(Trip).filter_by(**wanted)).scalars().all()
"""


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("wanted = given.model_dump() if given else {}", False),
        ("wanted = {} if flag else given.wanted", False),
        ("wanted = given.wanted or {}", False),
        ("wanted = {}\n    if given:\n        wanted = given.model_dump()", False),
        ("wanted = {}", True),
        ("wanted = None\n    wanted = None or {}", True),
        ("wanted = {'driver': flag} if given else None", True),
    ],
)
def test_a_dict_that_is_empty_only_in_some_runs_is_not_told(
    body: str, told: bool, build: Build
) -> None:
    found = build({"app.py": _OTHERWISE_NONE.format(body=body)}).facts(Query)
    assert [not q.unresolved for q in found] == [told]
