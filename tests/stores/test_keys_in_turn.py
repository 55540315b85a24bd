"""A loop that takes columns by the keys of `**filters`: each call says which ones."""

import pytest

from auditor.model.data import CollectionFit, Fit
from tests.conftest import Build

_APP = """
from fastapi import FastAPI
from sqlalchemy import String, create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
engine = create_engine("postgresql://db/x")
app = FastAPI()
class Base(DeclarativeBase):
    pass
class Guest(Base):
    __tablename__ = "guests"
    id: Mapped[int] = mapped_column(primary_key=True)
    nick: Mapped[str] = mapped_column(String(50))
    town: Mapped[str] = mapped_column(String(50))
class Room(Base):
    __tablename__ = "rooms"
    id: Mapped[int] = mapped_column(primary_key=True)
    door: Mapped[str] = mapped_column(String(50), unique=True)
class Repo:
    def __init__(self, db, model):
        self.db = db
        self.model = model
    def find_by(self, **kwargs):
{body}
        return self.db.execute(query).scalar_one_or_none()
class GuestRepo(Repo):
    def __init__(self, db):
        super().__init__(db, Guest)
class RoomRepo(Repo):
    def __init__(self, db):
        super().__init__(db, Room)
@app.get("/rooms/{{door}}")
def room(door: str):
    with Session(engine) as db:
        return RoomRepo(db).find_by(door=door)
@app.get("/guests/{{nick}}")
def guest(nick: str, town: str | None = None):
    with Session(engine) as db:
        return GuestRepo(db).find_by({given})
"""
_LISTED = """
        filters = []
        for key, value in kwargs.items():
            if not hasattr(self.model, key):
                raise AttributeError(key)
            if value is not None:
                filters.append(getattr(self.model, key) == value)
        query = select(self.model).filter(*filters)
"""
_NARROWED = """
        query = select(self.model)
        for key, value in kwargs.items():
            column = getattr(self.model, key, None)
            if column is not None:
                query = query.where(column == value)
"""
_BY_KEYS = """
        query = select(self.model)
        for key in kwargs:
            if hasattr(self.model, key):
                query = query.where(getattr(self.model, key) == kwargs[key])
"""
_AT_ONCE = """
        query = select(self.model).where(*[getattr(self.model, k) == v for k, v in kwargs.items()])
"""
_BODIES = [_LISTED, _NARROWED, _BY_KEYS, _AT_ONCE]

Told = set[tuple[str, tuple[str, ...], Fit]]


def _told(build: Build, body: str, given: str) -> Told:
    app = build({"app.py": _APP.format(body=body, given=given)})
    return {
        (f.name, tuple(sorted(q.equality)), m.fit)
        for f in app.facts(CollectionFit)
        for q, m in f.fits
    }


@pytest.mark.parametrize("body", _BODIES)
def test_each_call_tells_its_columns(body: str, build: Build) -> None:
    assert _told(build, body, "nick=nick") == {
        ("guests", ("nick",), Fit.MISSING),
        ("rooms", ("door",), Fit.COVERED),
    }


@pytest.mark.parametrize("body", _BODIES[1:])
def test_all_of_several(body: str, build: Build) -> None:
    told = _told(build, body, "nick=nick, town='Rome'")
    assert ("guests", ("nick", "town"), Fit.MISSING) in told
    assert len(told) == 2


def test_what_may_be_none_is_asked_or_not(build: Build) -> None:
    told = _told(build, _LISTED, "nick=nick, town=town")
    assert told - {("rooms", ("door",), Fit.COVERED)} == {
        ("guests", ("nick", "town"), Fit.MISSING),
        ("guests", ("nick",), Fit.MISSING),
    }


@pytest.mark.parametrize("body", _BODIES)
def test_what_is_spread_is_unknown(body: str, build: Build) -> None:
    """Which columns is not told: neither one of them nor all of the table is said."""
    told = _told(build, body, "**dict(nick.split('='))")
    assert {fit for name, _, fit in told if name == "guests"} == {Fit.UNKNOWN}


@pytest.mark.parametrize("body", _BODIES[1:])
def test_a_call_of_none_reads_all(body: str, build: Build) -> None:
    told = _told(build, body, "")
    assert {fit for name, _, fit in told if name == "guests"} == {Fit.COVERED}
