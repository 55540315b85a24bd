"""A query that a function gives back is asked where it is called, if every call goes on from it."""

from __future__ import annotations

import pytest

from auditor.model.data import CollectionFit
from tests.conftest import Build

PEEWEE = """
from peewee import CharField, DateTimeField, Model, SqliteDatabase
db = SqliteDatabase("x.db")
class Token(Model):
    token = CharField()
    made = DateTimeField()
    class Meta:
        database = db
    @classmethod
    def active(cls, now):
        return cls.select().where(cls.made > now)
def by_token(a):
    return list(Token.active(3).where(Token.token == a))
"""
SQLALCHEMY = """
from sqlalchemy import Column, Integer, String, select
from sqlalchemy.orm import declarative_base
Base = declarative_base()
class Token(Base):
    __tablename__ = "token"
    id = Column(Integer, primary_key=True)
    token = Column(String)
    made = Column(Integer)
def active(now):
    return select(Token).where(Token.made > now)
def by_token(session, a):
    return session.execute(active(3).where(Token.token == a)).all()
"""
OTHERS = {
    "none": ("", {("unknown", ("made",)), ("missing", ("token", "made"))}),
    "one that gives it back": (
        "def fresh():\n    return Token.active(9)\ndef other(a):\n    return list(fresh().where(Token.token == a))\n",
        {("unknown", ("made",)), ("missing", ("token", "made"))},
    ),
    "one that gives it to nobody known": (
        "def fresh():\n    return Token.active(9)\n",
        {("missing", ("made",)), ("missing", ("token", "made"))},
    ),
    "one that goes through it": (
        "def other():\n    return [x.token for x in Token.active(9)]\n",
        {("missing", ("made",)), ("missing", ("token", "made"))},
    ),
    "one that hands it on": (
        "def other(show):\n    return show(Token.active)\n",
        {("missing", ("made",)), ("missing", ("token", "made"))},
    ),
}  # fmt: skip


def fits(build: Build, code: str) -> set[tuple[str, tuple[str, ...]]]:
    found = build({"app.py": code}).facts(CollectionFit)
    return {(m.fit.value, (*q.equality, *q.range)) for f in found for q, m in f.fits}


@pytest.mark.parametrize("case", OTHERS)
def test_what_every_call_goes_on_from(case: str, build: Build) -> None:
    more, expected = OTHERS[case]
    assert fits(build, PEEWEE + more) == expected


def test_a_function_of_a_module(build: Build) -> None:
    assert fits(build, SQLALCHEMY) == {("unknown", ("made",)), ("missing", ("token", "made"))}
    alone = SQLALCHEMY.replace("active(3).where(Token.token == a)", "active(3)")
    assert fits(build, alone) == {("missing", ("made",))}


_DJANGO = """
from django.db import models
class Club(models.Model):
    name = models.CharField(max_length=50)
    founded = models.DateTimeField(db_index=True)
def clubs(name):
    found = Club.objects.all()
    if name:
        found = found.filter(name__icontains=name)
    return found.order_by("founded")
def page(request):
    return {}
"""


@pytest.mark.parametrize(
    ("taken", "told"),
    [
        ("list(clubs(request)[:20])", {"partial"}),
        ("[x.name for x in clubs(request)]", {"missing"}),
        ("list(clubs(request)[:20])\ndef all_of(request):\n    return list(clubs(request))", {"partial", "missing"}),
    ],
)  # fmt: skip
def test_what_its_callers_read_in_pages_is_told_as_they_read_it(
    taken: str, told: set[str], build: Build
) -> None:
    found = build({"app.py": _DJANGO.format(taken)}).facts(CollectionFit)
    assert {m.fit.value for f in found for q, m in f.fits if q.scanned} == told


PROPERTY = (
    PEEWEE.partition("    @classmethod")[0]
    + """
from functools import cached_property
class Tokens:
    def __init__(self, text):
        self.text = text
    @cached_property
    def found(self):
        return Token.select().where(Token.token == self.text)
"""
)


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        (
            "    def late(self):\n        return list(self.found.where(Token.made > 3))\n",
            {("unknown", ("token",)), ("missing", ("token", "made"))},
        ),
        (
            "def late(text):\n    tokens = Tokens(text)\n    return list(tokens.found.where(Token.made > 3))\n",
            {("unknown", ("token",)), ("missing", ("token", "made"))},
        ),
        (
            "    def late(self):\n        return list(self.found.where(Token.made > 3))\n"
            "def every(text):\n    return list(Tokens(text).found)\n",
            {("missing", ("token",)), ("missing", ("token", "made"))},
        ),
        (
            "    def late(self):\n        return list(self.found.where(Token.made > 3))\n"
            "def every(tokens):\n    return list(tokens.found)\n",
            {("missing", ("token",)), ("missing", ("token", "made"))},
        ),
    ],
    ids=["of its own object", "of another", "and what goes through it", "and what may go through it"],
)  # fmt: skip
def test_what_a_property_gives(
    more: str, expected: set[tuple[str, tuple[str, ...]]], build: Build
) -> None:
    assert fits(build, PROPERTY + more) == expected


def test_a_query_that_a_property_gives_is_counted_where_it_is_read(build: Build) -> None:
    count = "    def total(self):\n        return self.found.count()\n"
    found = build({"app.py": PROPERTY + count}).facts(CollectionFit)
    line = (PROPERTY + count).count("\n")
    assert (line, "count") in {(q.place.line, q.operation) for f in found for q, _ in f.fits}


TOGETHER = (
    PEEWEE.partition("    @classmethod")[0]
    + """
def late(model, now):
    found = model.select().where(model.made > now)
    return found.order_by(model.token).limit(10), found
def listed(now):
    page, every = late(Token, now)
    return list(page), every.count()
"""
)


def test_what_a_function_gives_back_together_is_asked_where_it_is_gone_on_with(
    build: Build,
) -> None:
    found = build({"app.py": TOGETHER}).facts(CollectionFit)
    asked = {(q.operation, q.place.symbol, len(q.sort)) for f in found for q, _ in f.fits}
    assert asked > {("select", "listed", 1), ("count", "listed", 0)}
    assert ("count", "late", 0) not in asked
