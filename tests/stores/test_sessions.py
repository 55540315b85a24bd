"""What a session is asked for and sends nothing for: nobody awaits it, or it has the object already."""

from __future__ import annotations

import asyncio

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session, declarative_base, relationship, selectinload

from auditor.model.data import Query
from tests.conftest import Build

_MODELS = """
from fastapi import Depends
from sqlalchemy import Column, ForeignKey, Integer, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import Session, declarative_base, relationship, sessionmaker
Base = declarative_base()
make = async_sessionmaker(create_async_engine("postgresql+asyncpg://db/x"))
class Book(Base):
    __tablename__ = "books"
    id = Column(Integer, primary_key=True)
    shelf = Column(Integer)
    pages = relationship("Page", lazy="selectin")
class Page(Base):
    __tablename__ = "pages"
    id = Column(Integer, primary_key=True)
    book_id = Column(ForeignKey("books.id"))
old = sessionmaker(engine, class_=AsyncSession)
async def given():
    async with old() as session:
        yield session
async def opened():
    async with make() as session:
        yield session
"""
_UNSENT = "nothing awaits it, so that it is never sent"


@pytest.mark.parametrize(
    ("lines", "sent"),
    [
        ("book = session.get(Book, id)\n    book.shelf = 1\n    return book", False),
        ("book = session.get(Book, id)\n    book.shelf = 1\n    session.add(book)\n    return book", False),
        ("book = session.get(Book, id)\n    if not book:\n        return None\n    return book.shelf", False),
        ("session.execute(select(Book).where(Book.shelf == id))", False),
        ("return session.execute(select(Book).where(Book.shelf == id)).scalars().all()", False),
        ("found = session.scalars(select(Book).where(Book.shelf == id))\n    return found.all()", False),
        ("async with make() as own:\n        return own.scalar(select(Book).where(Book.shelf == id)).pages", False),
        ("book = await session.get(Book, id)\n    book.shelf = 1\n    return book", True),
        ("return session.get(Book, id)", True),
        ("asked = session.get(Book, id)\n    book = await asked\n    return book.shelf", True),
        ("asked = session.get(Book, id)\n    return (await gather(asked))[0].shelf", True),
        ("book = session.get(Book, id)\n    book = await book\n    return book.shelf", True),
        ("book = session.get(Book, id) if id else Book()\n    return book.shelf", True),
        ("book = Book()\n    if id:\n        book = await session.get(Book, id)\n    return book.shelf", True),
        ("return (await session.execute(select(Book).where(Book.shelf == id))).scalars().all()", True),
    ],
)  # fmt: skip
def test_what_nobody_awaits_is_never_sent(lines: str, sent: bool, build: Build) -> None:
    for given in ("session: AsyncSession", "session = Depends(opened)", "session = Depends(given)"):
        code = f"{_MODELS}async def ask(id, {given}):\n    {lines}\n"
        found = build({"app.py": code}).facts(Query)
        assert {q.unresolved for q in found if q.collection == "books"} == {"" if sent else _UNSENT}
        assert any(q.collection == "pages" for q in found) is sent


def test_what_a_session_is_asked_for_at_once_is_sent(build: Build) -> None:
    code = f"{_MODELS}def ask(id, session: Session):\n    book = session.get(Book, id)\n    return book.shelf\n"
    assert not any(q.unresolved for q in build({"app.py": code}).facts(Query))
    code = code.replace("session: Session", "session = Depends(given)").replace(
        "class_=AsyncSession", ""
    )
    assert not any(q.unresolved for q in build({"app.py": code}).facts(Query))


_HELD = "book = session.scalars(select(Book).where(Book.shelf == id)).first()\n    "


@pytest.mark.parametrize(
    ("lines", "anew"),
    [
        (f"{_HELD}same = session.get(Book, book.id)", False),
        (f"{_HELD}if not book:\n        return None\n    same = session.get(Book, book.id)", False),
        ("book = session.query(Book).filter_by(shelf=id).first()\n    same = session.get(Book, book.id)\n    session.commit()", False),
        (f"{_HELD}session.commit()\n    same = session.get(Book, book.id)", True),
        (f"{_HELD}session.refresh(book)\n    same = session.get(Book, book.id)", True),
        (f"{_HELD}log(session)\n    same = session.get(Book, book.id)", True),
        (f"{_HELD}same = session.get(Book, book.shelf)", True),
        (f"{_HELD}same = session.get(Book, book.id, populate_existing=True)", True),
        (f"{_HELD}other = Session(engine)\n    same = other.get(Book, book.id)", True),
        (f"{_HELD}for _ in range(3):\n        same = session.get(Book, book.id)\n        session.commit()", True),
        ("same = session.get(Book, given.id)", True),
    ],
)  # fmt: skip
def test_what_the_session_holds_is_not_loaded_anew(lines: str, anew: bool, build: Build) -> None:
    code = f"{_MODELS}def ask(id, given, session: Session):\n    {lines}\n    return same\n"
    found = build({"app.py": code}).facts(Query)
    last = max(q.place.line for q in found)
    assert any(q.collection == "pages" and q.place.line == last for q in found) is anew


def test_that_is_what_sessions_do() -> None:
    base = declarative_base()

    class Book(base):  # type: ignore[misc, valid-type]
        __tablename__ = "books"
        id = sa.Column(sa.Integer, primary_key=True)
        pages = relationship("Page", lazy="selectin")

    class Page(base):  # type: ignore[misc, valid-type]
        __tablename__ = "pages"
        id = sa.Column(sa.Integer, primary_key=True)
        book_id = sa.Column(sa.Integer, sa.ForeignKey("books.id"))

    engine = sa.create_engine("sqlite://")
    base.metadata.create_all(engine)
    sent: list[str] = []
    sa.event.listen(engine, "before_cursor_execute", lambda *given: sent.append(given[2]))

    def asked(session: Session, id_: int) -> int:
        sent.clear()
        session.get(Book, id_)
        return len(sent)

    with Session(engine) as session:
        session.add(Book(id=1))
        session.commit()
        book = session.scalars(sa.select(Book)).one()
        assert book
        assert asked(session, 1) == 0  # it is held by `book`
        session.commit()
        assert asked(session, 1) == 2  # the book and its pages
        with pytest.raises(AttributeError):
            session.scalars(sa.select(Book).options(selectinload(Book.notes)))
        sent.clear()
        with pytest.raises(sa.exc.InvalidRequestError):
            session.scalars(sa.select(Book).filter_by(nothing=1))
        assert not sent

    async def kept() -> None:
        async def get() -> Book:
            return Book()

        made = get()
        with pytest.raises(AttributeError):
            _ = made.pages  # type: ignore[attr-defined]
        made.close()

    asyncio.run(kept())
