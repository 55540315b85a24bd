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
