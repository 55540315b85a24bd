"""What a function reads of an object that every call loaded with it asks for nothing."""

from __future__ import annotations

import pytest

from auditor.model.data import Query
from tests.conftest import Build

_MODELS = """
from sqlalchemy import Column, ForeignKey, Integer
from sqlalchemy.orm import declarative_base, joinedload, relationship
Base = declarative_base()
class Team(Base):
    __tablename__ = "team"
    id = Column(Integer, primary_key=True)
    players = relationship("Player")
class Player(Base):
    __tablename__ = "player"
    id = Column(Integer, primary_key=True)
    team_id = Column(ForeignKey("team.id"))
class Teams:
    def get(self, db, key):
        return db.query(Team).options(joinedload(Team.players)).filter(Team.id == key).first()
    def plain(self, db, key):
        return db.query(Team).filter(Team.id == key).first()
class Report:
    def shown(self, team: Team):
        return self._table(team)
    def _table(self, team: Team):
        return [p.id for p in team.players]
"""


@pytest.mark.parametrize(
    ("calls", "asks"),
    [
        ("Report().shown(Teams().get(db, 1))", False),
        ("team = Teams().get(db, 1)\n    Report().shown(team=team)", False),
        ("[Report().shown(Teams().get(db, x)) for x in keys]", False),
        ("Report().shown(Teams().plain(db, 1))", True),
        ("Report().shown(Teams().get(db, 1))\n    Report().shown(Teams().plain(db, 1))", True),
        ("Report().shown(Teams().get(db, 1))\n    Report().shown(found(db))", True),
        ("Report().shown(Teams().get(db, 1))\n    later(Report().shown)", True),
    ],
)
def test_what_every_call_hands_is_loaded(build: Build, calls: str, asks: bool) -> None:
    code = f"{_MODELS}\ndef view(db, keys):\n    {calls}\n"
    found = build({"app.py": code}).facts(Query)
    assert any(q.operation == "lazy" and "team_id" in q.equality for q in found) is asks
