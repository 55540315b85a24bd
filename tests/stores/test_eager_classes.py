"""Relations that a model of SQLAlchemy loads with its objects, by their classes or by options.

What is asked in each case was taken from the statements that SQLAlchemy 2.0 sends to SQLite.
"""

from __future__ import annotations

import pytest

from auditor.model.data import CollectionFit, Fit, Query
from tests.conftest import Build

_MODELS = """
from sqlalchemy import Boolean, Column, ForeignKey, Integer, create_engine, select
from sqlalchemy.orm import declarative_base, defer, joinedload, lazyload, noload, raiseload, relationship, selectinload
from sqlalchemy.orm import joinedload as _joined
Base = declarative_base()
class Lecture(Base):
    __tablename__ = "lecture"
    id = Column(Integer, primary_key=True)
    lessons = relationship("Lesson", back_populates="lecture", lazy="{lessons}")
    note = relationship("Note", uselist=False, lazy="{note}")
class Note(Base):
    __tablename__ = "note"
    id = Column(Integer, primary_key=True)
    lecture_id = Column(ForeignKey("lecture.id"))
class Lesson(Base):
    __tablename__ = "lesson"
    id = Column(Integer, primary_key=True)
    lecture_id = Column(ForeignKey("lecture.id"))
    lecture = relationship("Lecture", back_populates="lessons", lazy="select")
    tags = relationship("Tag", lazy="{tags}")
class Tag(Base):
    __tablename__ = "tag"
    id = Column(Integer, primary_key=True)
    lesson_id = Column(ForeignKey("lesson.id"))
class Curation(Base):
    __tablename__ = "curation"
    id = Column(Integer, primary_key=True)
    shown = Column(Boolean)
    lecture_id = Column(ForeignKey("lecture.id"))
    lecture = relationship("Lecture", lazy="{lecture}")
def ask(session, i):
    return session.execute({asked}).unique().scalars().all()
"""
_ONE = "select(Lecture).where(Lecture.id == i)"
_KEYS = ("lesson.lecture_id", "tag.lesson_id", "note.lecture_id")


def _asked(build: Build, asked: str, **lazy: str) -> dict[str, Fit]:
    ways = dict.fromkeys(("lessons", "note", "tags", "lecture"), "select") | lazy
    code = _MODELS.format(asked=asked, **ways)
    found = build({"app.py": code}).facts(CollectionFit)
    told = {
        f"{f.name}.{name}": match.fit for f in found for q, match in f.fits for name in q.equality
    }
    return {name: fit for name, fit in told.items() if name in _KEYS}


@pytest.mark.parametrize(
    ("asked", "lazy", "told"),
    [
        (_ONE, {}, ""),
        (_ONE, {"lessons": "joined"}, "lesson.lecture_id"),
        (_ONE, {"lessons": "subquery"}, "lesson.lecture_id"),
        (_ONE, {"lessons": "selectin"}, "lesson.lecture_id"),
        (_ONE, {"note": "joined"}, "note.lecture_id"),
        (_ONE, {"note": "selectin"}, "note.lecture_id"),
        (_ONE, {"lessons": "joined", "tags": "selectin"}, "lesson.lecture_id tag.lesson_id"),
        (_ONE, {"lessons": "joined", "tags": "joined"}, "lesson.lecture_id tag.lesson_id"),
        (_ONE, {"lessons": "selectin", "tags": "joined"}, "lesson.lecture_id tag.lesson_id"),
        (_ONE, {"tags": "selectin"}, ""),
        (f"{_ONE}.options(joinedload(Lecture.lessons))", {"tags": "selectin"}, "lesson.lecture_id tag.lesson_id"),
        (f"{_ONE}.options(selectinload(Lecture.lessons))", {"tags": "joined"}, "lesson.lecture_id tag.lesson_id"),
        (f"{_ONE}.options(joinedload(Lecture.note))", {"tags": "selectin"}, "note.lecture_id"),
        (f"{_ONE}.options(_joined(Lecture.note))", {"tags": "selectin"}, "note.lecture_id"),
        ("select(Curation).where(Curation.id == i)", {"lecture": "joined", "lessons": "joined"}, "lesson.lecture_id"),
        ("select(Curation).where(Curation.id == i)", {"lecture": "selectin", "lessons": "selectin"}, "lesson.lecture_id"),
        ("select(Curation).where(Curation.id == i)", {"lessons": "selectin"}, ""),
        ("select(Lecture.id).where(Lecture.id == i)", {"lessons": "joined"}, ""),
        # an option says otherwise
        (f"{_ONE}.options(lazyload(Lecture.lessons))", {"lessons": "joined", "note": "joined"}, "note.lecture_id"),
        (f"{_ONE}.options(raiseload(Lecture.note))", {"lessons": "selectin", "note": "joined"}, "lesson.lecture_id"),
        (f"{_ONE}.options(noload(Lecture.lessons))", {"lessons": "joined"}, ""),
        (f"{_ONE}.options(lazyload('*'))", {"lessons": "joined", "note": "selectin"}, ""),
        (f"{_ONE}.options(raiseload('*'), joinedload(Lecture.note))", {"lessons": "joined"}, "note.lecture_id"),
        (f"{_ONE}.options(joinedload(Lecture.lessons).lazyload(Lesson.tags))", {"tags": "selectin"}, "lesson.lecture_id"),
        (f"{_ONE}.options(defer(Lecture.id))", {"lessons": "joined"}, "lesson.lecture_id"),
        # all of both is read, where neither is looked up in the other
        ("select(Lecture)", {"lessons": "joined"}, ""),
        ("select(Lecture)", {"lessons": "selectin"}, "lesson.lecture_id"),
        ("select(Lecture).limit(3)", {"lessons": "joined"}, "lesson.lecture_id"),
    ],
)  # fmt: skip
def test_what_a_class_loads_with_its_objects_is_asked_too(
    asked: str, lazy: dict[str, str], told: str, build: Build
) -> None:
    assert _asked(build, asked, **lazy) == dict.fromkeys(told.split(), Fit.MISSING)


@pytest.mark.parametrize("where", ["", ".where(Curation.shown == True)"])
def test_how_much_is_loaded_for_what_a_key_leads_to_is_not_told(where: str, build: Build) -> None:
    loads = "joinedload(Curation.lecture).joinedload(Lecture.lessons)"
    asked = f"select(Curation).options({loads}){where}"
    assert _asked(build, asked) == {"lesson.lecture_id": Fit.UNKNOWN}


@pytest.mark.parametrize(
    ("option", "told"),
    [("", False), (".options(lazyload(Lecture.lessons))", True), (".options(lazyload('*'))", True)],
)
def test_what_an_option_leaves_is_asked_when_it_is_read(
    option: str, told: bool, build: Build
) -> None:
    asked = f"select(Lecture){option}"
    code = _MODELS.format(asked=asked, lessons="joined", note="select", tags="select", lecture="select")  # fmt: skip
    code += """
def read(session):
    for lecture in ask(session, 1):
        print(len(lecture.lessons))
"""
    found = build({"app.py": code}).facts(Query)
    assert any(q.operation == "lazy" and q.collection == "lesson" for q in found) is told


_PARTIES = """
from sqlalchemy import Column, ForeignKey, Integer, select
from sqlalchemy.orm import declarative_base, relationship, selectinload
Base = declarative_base()
class Guest(Base):
    __tablename__ = "guest"
    id = Column(Integer, primary_key=True)
    tickets = relationship("Ticket", back_populates="guest", lazy="{lazy}")
class Party(Base):
    __tablename__ = "party"
    id = Column(Integer, primary_key=True)
    tickets = relationship("Ticket", back_populates="party", lazy="{lazy}")
class Ticket(Base):
    __tablename__ = "ticket"
    id = Column(Integer, primary_key=True)
    guest_id = Column(ForeignKey("guest.id"))
    guest = relationship("Guest", back_populates="tickets", lazy="{lazy}")
    party_id = Column(ForeignKey("party.id"))
    party = relationship("Party", back_populates="tickets", lazy="{lazy}")
class Page(Base):
    __tablename__ = "page"
    id = Column(Integer, primary_key=True)
    parent_id = Column(ForeignKey("page.id"))
    children = relationship("Page", lazy="{lazy}"{depth})
    notes = relationship("Remark", lazy="{lazy}")
class Remark(Base):
    __tablename__ = "remark"
    id = Column(Integer, primary_key=True)
    page_id = Column(ForeignKey("page.id"))
class Road(Base):  # leads to stops by two ways, of which one comes by lines
    __tablename__ = "road"
    id = Column(Integer, primary_key=True)
    lines = relationship("Line", lazy="{lazy}")
    stops = relationship("Stop", lazy="{lazy}", foreign_keys="Stop.road_id")
class Line(Base):
    __tablename__ = "line"
    id = Column(Integer, primary_key=True)
    road_id = Column(ForeignKey("road.id"))
    stop_id = Column(ForeignKey("stop.id"))
    stops = relationship("Stop", lazy="{lazy}", foreign_keys="Stop.line_id")
class Stop(Base):
    __tablename__ = "stop"
    id = Column(Integer, primary_key=True)
    road_id = Column(ForeignKey("road.id"))
    line_id = Column(ForeignKey("line.id"))
    lines = relationship("Line", lazy="{lazy}", foreign_keys="Line.stop_id")
class Shape(Base):
    __tablename__ = "shape"
    id = Column(Integer, primary_key=True)
    outer_id = Column(ForeignKey("shape.id"))
    inner = relationship("Square", lazy="{lazy}", remote_side=outer_id)
class Square(Shape):
    __mapper_args__ = {{"polymorphic_identity": "square"}}
def ask(session, i):
    {asked}
"""


def _sent(build: Build, asked: str, lazy: str, depth: str = "") -> set[str]:
    code = _PARTIES.format(asked=asked, lazy=lazy, depth=depth)
    found = build({"app.py": code}).facts(Query)
    return {f"{q.collection}.{name}" for q in found for name in q.equality if name != "id"}


_CYCLES = ("selectin", "joined", "subquery")


@pytest.mark.parametrize("lazy", _CYCLES)
@pytest.mark.parametrize(
    ("asked", "depth", "told"),
    [
        ("session.get(Guest, i)", "", "ticket.guest_id"),
        ("session.get(Party, i)", "", "ticket.party_id"),
        ("session.get(Ticket, i)", "", ""),
        ("session.get(Page, i)", "", "remark.page_id"),
        ("session.get(Line, i)", "", "stop.line_id"),
    ],
)
def test_what_is_on_the_way_already_is_not_loaded_anew(
    asked: str, depth: str, told: str, lazy: str, build: Build
) -> None:
    assert _sent(build, asked, lazy, depth) == set(told.split())


@pytest.mark.parametrize(
    ("asked", "lazy", "depth", "told"),
    [
        ("session.get(Page, i)", "selectin", ", join_depth=1", "page.parent_id remark.page_id"),
        ("session.get(Page, i)", "selectin", ", join_depth=FAR", "page.parent_id remark.page_id"),
        # on one of the ways it is new
        ("session.get(Road, i)", "selectin", "", "line.road_id line.stop_id stop.road_id stop.line_id"),
        # a class stands for the one that it inherits from
        ("session.get(Square, i)", "selectin", "", "shape.outer_id"),
        ("session.get(Ticket, i)", "immediate", "", "ticket.guest_id ticket.party_id"),
        ("session.get(Page, i)", "immediate", "", "page.parent_id remark.page_id"),
    ],
)  # fmt: skip
def test_how_far_loading_goes_on(
    asked: str, lazy: str, depth: str, told: str, build: Build
) -> None:
    assert _sent(build, asked, lazy, depth) == set(told.split())


_WHOLE = "selectinload(Guest.tickets).selectinload(Ticket.party).selectinload(Party.tickets)"


@pytest.mark.parametrize("lazy", _CYCLES)
@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (f"session.scalars(select(Guest).options({_WHOLE})).all()", "ticket.guest_id ticket.party_id"),
        ("session.scalars(select(Guest).options(selectinload(Guest.tickets))).all()", "ticket.guest_id"),
        # what is not loaded with the others is when it is read
        ("return [t.party.tickets for t in session.get(Guest, i).tickets]", "ticket.guest_id ticket.party_id"),
        ("return [t.guest.tickets for t in session.get(Guest, i).tickets]", "ticket.guest_id"),
        ("return session.get(Ticket, i).guest.tickets", "ticket.guest_id"),
        ("return session.get(Page, i).children", "page.parent_id remark.page_id"),
    ],
)  # fmt: skip
def test_options_and_reading_load_what_the_class_does_not(
    asked: str, told: str, lazy: str, build: Build
) -> None:
    assert _sent(build, asked, lazy) == set(told.split())
