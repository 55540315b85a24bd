"""Mappers without a reader here: their queries are unknown with that reason, and never left out."""

from __future__ import annotations

import pytest

from auditor.model.data import Query
from tests.conftest import Build

PICCOLO = """
from piccolo.columns import Varchar
from piccolo.table import Table
class Lead(Table):
    email = Varchar()
"""
SESSIONS = """
from piccolo_api.session_auth.tables import SessionsBase
class Visit(SessionsBase, tablename="visits"):
    pass
"""
USERS = "from piccolo.apps.user.tables import BaseUser"
ORMAR = """
import ormar
class Lead(ormar.Model):
    email: str = ormar.String(max_length=99)
"""
GINO = """
from gino import Gino
db = Gino()
class Lead(db.Model):
    email = db.Column(db.Unicode())
"""
PONY = """
from pony.orm import Database, Required, Set, select
db = Database()
class Lead(db.Entity):
    email = Required(str)
    notes = Set("Note")
"""
PRISMA = """
from prisma import Prisma
db = Prisma()
"""


@pytest.mark.parametrize(
    ("head", "asked", "mapper"),
    [
        (PICCOLO, "Lead.select().where(Lead.email == e).first()", "piccolo"),
        (PICCOLO, "Lead.objects().get(Lead.email == e)", "piccolo"),
        (SESSIONS, "Visit.objects().where(Visit.token == e).first()", "piccolo"),
        (USERS, "BaseUser.select().where(BaseUser.username == e)", "piccolo"),
        (ORMAR, "Lead.objects.filter(email=e).all()", "ormar"),
        (GINO, "Lead.query.where(Lead.email == e).gino.first()", "gino"),
        (PONY, "select(one for one in Lead if one.email == e)", "pony"),
        (PONY, "Lead.get(email=e)", "pony"),
        (PONY, "e.notes.select(lambda n: n.text == 'x')", "pony"),
        (PONY, "e.notes.select(text='x').first()", "pony"),
        (PONY, "list(e.lead.notes.random(1))[0]", "pony"),
        (PRISMA, 'db.lead.find_first(where={"email": e})', "prisma"),
    ],
)
def test_is_listed_as_unknown(build: Build, head: str, asked: str, mapper: str) -> None:
    (query,) = build({"app.py": f"{head}\ndef found(e):\n    return {asked}\n"}).facts(Query)
    assert query.unresolved == f"queries of {mapper} are not read"


@pytest.mark.parametrize(
    ("head", "asked"),
    [
        (ORMAR, "Lead.objects.create(email=e)"),
        (PICCOLO, "Lead(email=e)"),
        ("import piccolo\nfrom tables import Lead", "Lead.select()"),
        (PICCOLO, "e.select().where(e.email == 1)"),
        (PRISMA, "db.connect()"),
        (PONY, "e.get(email=1)"),
        (PONY, "e.notes.add(1)"),
        (PONY, "e.lines.select(lambda n: n.text == 'x')"),
        (PONY, "notes.select(lambda n: n.text == 'x')"),
        ("import piccolo\nclass Lead:\n    ...\n", "Lead.select()"),
    ],
)
def test_is_no_query_of_theirs(build: Build, head: str, asked: str) -> None:
    application = build({"app.py": f"{head}\ndef found(e):\n    return {asked}\n"})
    assert not [q for q in application.facts(Query) if "are not read" in q.unresolved]
