"""What is written for type checkers says nothing of a run."""

from __future__ import annotations

from auditor.model.data import CollectionFit, Fit
from tests.conftest import Build

TYPED = """
from typing import TYPE_CHECKING, cast
from peewee import ForeignKeyField, Model, SqliteDatabase, TextField
import typing as t
db = SqliteDatabase("x.db")
class Typed:
    if TYPE_CHECKING:
        @classmethod
        def get_by_id(cls, pk): ...
        @classmethod
        def select(cls, *fields): ...
class Base(Typed, Model):
    class Meta:
        database = db
        legacy_table_names = False
class GameRoom(Base):
    uuid = cast(str, TextField(primary_key=True))
class HTTPNote(Base):
    uuid = cast(str, TextField(primary_key=True))
    room = t.cast(GameRoom, ForeignKeyField(GameRoom, backref="notes"))
    title = cast(str, TextField())

def main(a, b):
    GameRoom.get_by_id(a)
    HTTPNote.select().where(HTTPNote.room == a).execute()
    HTTPNote.select().where(HTTPNote.uuid == a).execute()
    HTTPNote.select().where(HTTPNote.title == b).execute()
main(1, 2)
"""


def test_casts_and_stubs_hide_no_column_and_no_query(build: Build) -> None:
    application = build({"app.py": TYPED})
    fits = {
        (found.name, *query.fields): match.fit
        for found in application.facts(CollectionFit)
        for query, match in found.fits
    }
    assert fits == {
        ("game_room", "uuid"): Fit.COVERED,
        ("http_note", "room_id"): Fit.COVERED,
        ("http_note", "uuid"): Fit.COVERED,
        ("http_note", "title"): Fit.MISSING,
    }


def test_a_cast_in_the_database_stays_one(build: Build) -> None:
    code = """
from sqlalchemy import Column, Integer, String, cast, create_engine, select
from sqlalchemy.orm import Session, declarative_base
Base = declarative_base()
class Note(Base):
    __tablename__ = "notes"
    id = Column(Integer, primary_key=True)
    number = Column(String, index=True)
def main(session: Session):
    session.scalars(select(Note).where(cast(Note.number, Integer) == 3))
engine = create_engine("sqlite:///x")
Base.metadata.create_all(engine)
main(Session(engine))
"""
    (found,) = build({"app.py": code}).facts(CollectionFit)
    ((query, match),) = found.fits
    assert (query.equality, match.by) == ((), None)
