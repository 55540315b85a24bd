"""Options that say what is loaded with a record, where a function is handed them, or a class keeps them."""

from __future__ import annotations

import pytest

from auditor.model.data import Query
from tests.conftest import Build

_MODELS = """
from sqlalchemy import ForeignKey
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship
class Base(DeclarativeBase):
    pass
class Shelf(Base):
    __tablename__ = "shelf"
    id: Mapped[int] = mapped_column(primary_key=True)
    books: Mapped[list["Book"]] = relationship(back_populates="shelf")
class Book(Base):
    __tablename__ = "book"
    id: Mapped[int] = mapped_column(primary_key=True)
    shelf_id: Mapped[int] = mapped_column(ForeignKey("shelf.id"))
    shelf: Mapped[Shelf] = relationship(back_populates="books")
"""
_STORE = """
from sqlalchemy import select
from models import Shelf
def get_shelf(session, id, options=None):
    statement = select(Shelf).where(Shelf.id == id)
    if options:
        statement = statement.options(*options)
    return session.scalar(statement)
"""
_ROUTES = """
from sqlalchemy.orm import selectinload
from models import Book, Shelf
from store import get_shelf
OPTIONS = [selectinload(Shelf.books)]
class Shelves:
    default_options = [selectinload(Shelf.books)]
    def show(self, session, id):
        shelf = get_shelf({given})
        return [book.id for book in shelf.books]
"""


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ("session, id, [selectinload(Shelf.books)]", 9),
        ("session, id, options=(selectinload(Shelf.books),)", 9),
        ("session, id, [*self.default_options]", 7),
        ("session, id, self.default_options", 7),
        ("session, id, OPTIONS", 5),
        ("session, id", 10),  # they are loaded when they are read
        ("session, id, []", 10),
        ("session, id, [selectinload(Book.shelf)]", 10),
    ],
)
def test_options_are_told_where_they_are_spelt(given: str, line: int, build: Build) -> None:
    files = {"models.py": _MODELS, "store.py": _STORE, "routes.py": _ROUTES.format(given=given)}
    found = [q.place for q in build(files).facts(Query) if q.collection == "book"]
    assert [(place.path, place.line) for place in found] == [("routes.py", line)]


def test_options_that_an_heir_has_not(build: Build) -> None:
    routes = _ROUTES.format(given="session, id, self.default_options")
    routes += "class Bare(Shelves):\n    default_options = []\n"
    found = build({"models.py": _MODELS, "store.py": _STORE, "routes.py": routes}).facts(Query)
    assert {q.place.line for q in found if q.collection == "book"} >= {10}
