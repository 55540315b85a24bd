"""The nearest by a distance among what else is asked for: an index of pgvector may find them, whatever that is."""

from __future__ import annotations

import pytest

from auditor.model.data import CollectionFit, Fit
from tests.conftest import Build

_SQL = """
import psycopg
db = psycopg.connect("x")
db.execute("CREATE TABLE shots (id INTEGER PRIMARY KEY, zone TEXT, place vector(3))")
def ask(zone, v):
    db.execute("INSERT INTO shots (zone) VALUES (%s)", (zone,))
    db.execute("SELECT id FROM shots WHERE {}", (zone, v))
ask(1, 2)
"""
_MAPPED = """
from pgvector.sqlalchemy import Vector
from sqlalchemy import String, select
from sqlalchemy.orm import DeclarativeBase, mapped_column
class Base(DeclarativeBase):
    pass
class Shot(Base):
    __tablename__ = "shots"
    id = mapped_column(primary_key=True)
    zone = mapped_column(String(9))
    place = mapped_column(Vector(3))
def ask(session, given):
    session.add(Shot(zone=given))
    session.execute(select(Shot){})
"""


@pytest.mark.parametrize(
    ("code", "asked", "fit"),
    [
        (_SQL, "zone = %s ORDER BY place <=> %s LIMIT 5", Fit.UNKNOWN),
        (_SQL, "id = %s ORDER BY place <=> %s LIMIT 5", Fit.COVERED),
        (_SQL, "zone = %s ORDER BY place <=> %s", Fit.MISSING),
        (_SQL, "zone = %s ORDER BY lower(zone) LIMIT 5", Fit.MISSING),
        (_MAPPED, ".where(Shot.zone == given).order_by(Shot.place.cosine_distance(given)).limit(1)", Fit.UNKNOWN),
        (_MAPPED, ".where(Shot.id == given).order_by(Shot.place.cosine_distance(given)).limit(1)", Fit.COVERED),
        (_MAPPED, ".order_by(Shot.place.cosine_distance(given)).limit(1)", Fit.COVERED),
        (_MAPPED, ".where(Shot.zone == given).limit(1)", Fit.MISSING),
    ],
)  # fmt: skip
def test_the_nearest_of_what_else_is_asked_for(
    code: str, asked: str, fit: Fit, build: Build
) -> None:
    found = build({"app.py": code.format(asked)}).facts(CollectionFit)
    assert {m.fit for each in found for _, m in each.fits} == {fit}
