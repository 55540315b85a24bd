"""What a session of SQLAlchemy loads, and what it has already, cannot load, or is never asked for.

What is asked in each case was taken from the statements that SQLAlchemy 2.0 sends to SQLite.
"""

from __future__ import annotations

import pytest

from auditor.model.data import CollectionFit, Fit, Query
from tests.conftest import Build

_MODELS = """
from sqlalchemy import Column, ForeignKey, Integer, String, case, func, select
from sqlalchemy.orm import declarative_base, joinedload, lazyload, relationship, selectinload
Base = declarative_base()
class Team(Base):
    __tablename__ = "team"
    id = Column(Integer, primary_key=True)
    name = Column(String)
    players = relationship("Player", lazy="{players}")
class Player(Base):
    __tablename__ = "player"
    id = Column(Integer, primary_key=True)
    team_id = Column(ForeignKey("team.id"))
class Game(Base):
    __tablename__ = "game"
    id = Column(Integer, primary_key=True)
    home_id = Column(ForeignKey("team.id"))
    away_id = Column(ForeignKey("team.id"))
    home = relationship("Team", foreign_keys=[home_id], lazy="joined")
    away = relationship("Team", foreign_keys=[away_id])
"""


def _lines(build: Build, code: str, players: str = "select") -> list[int]:
    """The lines, behind the models, at which the players of a team are asked for."""
    found = build({"app.py": _MODELS.format(players=players) + code}).facts(Query)
    behind = _MODELS.count("\n")
    return sorted(q.place.line - behind for q in found if "team_id" in q.equality)


@pytest.mark.parametrize(
    ("selected", "loads"),
    [
        ("Team", True),
        ("Team, func.count(Game.id)", True),
        ("*[Team, Game.id]", True),
        ("*((Team, Game.id) if session else (Team, Game.home_id))", True),
        ("Team.id", False),
        ("Team.id, func.lower(Team.name)", False),
        ("Team.id, func.count(Game.id).label('games')", False),
        ("func.lower(Team.name).label('name')", False),
        ("Team.id, case((Team.name == 'x', 1), else_=0)", False),
        ("Team.id, select(func.max(Game.id)).scalar_subquery().label('last')", False),
    ],
)
def test_columns_alone_load_no_relation(selected: str, loads: bool, build: Build) -> None:
    code = f"def ask(session):\n    return session.execute(select({selected}).where(Team.id == 1)).all()\n"
    assert _lines(build, code, players="selectin") == [2] * loads


def test_what_is_only_joined_loads_no_relation(build: Build) -> None:
    code = (
        "class Row:\n    id = func.coalesce(-Team.id, Game.id)\n    name = func.min(Team.name)\n"
        "def ask(session, grouped):\n    model = Row if grouped else Game\n"
        "    return session.execute(select(model.id, model.name).outerjoin(Team)).all()\n"
    )
    assert _lines(build, code, players="selectin") == []


@pytest.mark.parametrize(
    ("steps", "lines"),
    [
        (["game = session.get(Game, i)", "return session.get(Team, game.home_id)"], [2]),
        (["game = session.get(Game, i)", "return session.get(Team, game.away_id)"], [2, 3]),
        (
            [
                "game = session.get(Game, i, options=[joinedload(Game.away)])",
                "return session.get(Team, game.away_id)",
            ],
            [2],
        ),
        (
            [
                "game = session.get(Game, i, options=[lazyload(Game.home)])",
                "return session.get(Team, game.home_id)",
            ],
            [3],
        ),
        (["game = session.get(Game, i)", "session.commit()", "return session.get(Team, game.home_id)"], [2, 4]),
        (["game = session.get(Game, i)", "return session.get(Team, game.id)"], [2, 3]),
    ],
)  # fmt: skip
def test_what_was_loaded_with_another_object_is_in_the_session(
    steps: list[str], lines: list[int], build: Build
) -> None:
    code = "def ask(session, i):\n" + "".join(f"    {step}\n" for step in steps)
    assert _lines(build, code, players="selectin") == lines


@pytest.mark.parametrize(
    ("options", "lines"),
    [
        ("", [3]),
        (", options=[selectinload(Team.players)]", [2]),
        (", options=(selectinload(Team.players),)", [2]),
        (", options=[lazyload(Team.players)]", [3]),
    ],
)
def test_get_is_given_options(options: str, lines: list[int], build: Build) -> None:
    code = (
        f"def ask(session, i):\n    team = session.get(Team, i{options})\n    return team.players\n"
    )
    assert _lines(build, code) == lines


_HELPER = """
def team_with({params}):
    {inner}
{calls}
"""
_ASKS = "return session.scalars(select(Team).options(*options).where(Team.id == i)).one()"


@pytest.mark.parametrize(
    ("params", "inner", "calls", "lines"),
    [
        ("session, i, *options", _ASKS, "team_with(session, 1, lazyload(Team.players), selectinload(Team.players))", [4]),
        ("session, i, *options, strict=False", _ASKS, "team_with(session, 1, selectinload(Team.players), strict=True)", [4]),
        ("session, i, *options", _ASKS, "team_with(session, 1)", []),
        (
            "*options", f"def found(session, i):\n        {_ASKS}\n    return found",
            "by_name = team_with(lazyload(Team.players))\nwhole = team_with(lazyload('*'), selectinload(Team.players))", [7],
        ),
        ("*options", f"def found(session, i):\n        {_ASKS}\n    return found", "team = team_with()", []),
    ],
)  # fmt: skip
def test_options_that_a_function_is_handed_one_by_one(
    params: str, inner: str, calls: str, lines: list[int], build: Build
) -> None:
    if "session" in params:
        calls = f"def use(session): {calls}"
    code = _HELPER.format(params=params, inner=inner, calls=calls)
    assert sorted(set(_lines(build, code))) == lines


@pytest.mark.parametrize(
    ("players", "step", "lines"),
    [
        ("select", "return team.players", [3]),
        ("noload", "return team.players", []),
        ("raise", "return team.players", []),
        ("raise_on_sql", "return team.players", []),
        ("noload", "session.delete(team)", []),
        ("raise", "session.delete(team)", [3]),
    ],
)
def test_a_relation_that_reading_does_not_load(
    players: str, step: str, lines: list[int], build: Build
) -> None:
    code = f"def ask(session, i):\n    team = session.get(Team, i)\n    {step}\n"
    assert _lines(build, code, players) == lines


_LINKED = """
from sqlalchemy import Column, ForeignKey, Integer, String, select
from sqlalchemy.orm import declarative_base, relationship
Base = declarative_base()
class Crew(Base):
    __tablename__ = "crew"
    id = Column(Integer, primary_key=True)
    port = Column(Integer, index=True)
    sailors = relationship("Sailor", secondary="berth")
class Sailor(Base):
    __tablename__ = "sailor"
    id = Column(Integer, primary_key=True)
    name = Column(String)
    ship_id = Column(ForeignKey("crew.id"))
    ship = relationship("Crew", foreign_keys=[ship_id])
class Berth(Base):
    __tablename__ = "berth"
    sailor_id = Column(ForeignKey("sailor.id"), primary_key=True)
    crew_id = Column(ForeignKey("crew.id"), primary_key=True)
def ask(session, given):
    return session.scalars(select(Crew).where(Crew.port == given, {asked})).all()
"""


@pytest.mark.parametrize(
    ("asked", "fit"),
    [
        ("Crew.sailors.any(id=given)", Fit.COVERED),
        ("Crew.sailors.any(Sailor.id == given)", Fit.COVERED),
        ("Crew.sailors.any(name=given)", Fit.MISSING),
        ("Crew.sailors.any()", Fit.MISSING),
        ("~Crew.sailors.any(id=given)", Fit.MISSING),
    ],
)
def test_what_any_is_told_by_keyword_is_asked(asked: str, fit: Fit, build: Build) -> None:
    found = build({"app.py": _LINKED.format(asked=asked)}).facts(CollectionFit)
    assert [m.fit for c in found for q, m in c.fits if c.name == "berth"] == [fit]


_SHELVES = """
from sqlalchemy import Column, ForeignKey, Integer, select
from sqlalchemy.orm import declarative_base, joinedload, relationship, selectinload, with_loader_criteria
Base = declarative_base()
class OfShop:
    shop_id = Column(Integer)
class Shelf(Base):
    __tablename__ = "shelf"
    id = Column(Integer, primary_key=True)
    books = relationship("Book")
class Book(Base, OfShop):
    __tablename__ = "book"
    id = Column(Integer, primary_key=True)
    shelf_id = Column(ForeignKey("shelf.id"))
def ask(session, n):
    statement = select(Shelf).options({options}).where(Shelf.id == n)
    for shelf in session.scalars(statement):
        return shelf.books
"""
_OF_SHOP = "with_loader_criteria(Book, Book.shop_id == n)"
_BOTH = ("shelf_id", "shop_id")


@pytest.mark.parametrize(
    ("options", "asked"),
    [
        ("selectinload(Shelf.books)", ("shelf_id",)),
        (f"selectinload(Shelf.books), {_OF_SHOP}", _BOTH),
        (f"{_OF_SHOP}, selectinload(Shelf.books)", _BOTH),
        (f"{_OF_SHOP}, joinedload(Shelf.books)", _BOTH),
        (f"selectinload(Shelf.books).options({_OF_SHOP})", _BOTH),
        (_OF_SHOP, _BOTH),  # it is asked for when it is read
        ("selectinload(Shelf.books), with_loader_criteria(OfShop, lambda c: c.shop_id == n)", _BOTH),
        ("selectinload(Shelf.books), with_loader_criteria(Book, where_criteria=lambda c: c.shop_id == n)", _BOTH),
        ("selectinload(Shelf.books.and_(Book.shop_id == n))", _BOTH),
        ("selectinload(Shelf.books), with_loader_criteria(Shelf, Shelf.id > n)", ("shelf_id",)),
    ],
)  # fmt: skip
def test_what_options_ask_of_all_that_is_loaded(
    options: str, asked: tuple[str, ...], build: Build
) -> None:
    found = build({"app.py": _SHELVES.format(options=options)}).facts(Query)
    assert {q.equality for q in found if q.collection == "book"} == {asked}


_BY_WAYS = """
def found(session, i, *, deep=False, named=False):
    statement = select(Team).where(Team.id == i)
    if named:
        statement = statement.where(Team.name != None)
    if deep:
        statement = statement.options(selectinload(Team.players))
    return session.scalars(statement).one()
def ask(session, i, given):
    return found({given}).players
def other(session, i, given):
    return found(session, i, deep=given)
"""


@pytest.mark.parametrize(
    ("given", "lazy"),
    [
        ("session, i, deep=True", False),
        ("session, i, deep=True, named=given", False),
        ("session, i, deep=given", True),
        ("session, i, deep=False", True),
        ("session, i", True),
    ],
)
def test_what_a_call_has_a_function_load(given: str, lazy: bool, build: Build) -> None:
    assert (10 in _lines(build, _BY_WAYS.format(given=given))) is lazy


_ENGINE = "from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine\nengine = create_async_engine('')\n"


@pytest.mark.parametrize(
    ("head", "read", "loads"),
    [
        (_ENGINE, "team.players", False),
        (_ENGINE, "await session.delete(team)", True),
        (_ENGINE + "from sqlalchemy import create_engine\nold = create_engine('')\n", "team.players", True),
        (_ENGINE + "async def main(session):\n    await session.run_sync(shown)\n", "team.players", True),
        (_ENGINE + "async def main(c):\n    await c.run_sync(Base.metadata.create_all)\n", "team.players", False),
        ("from sqlalchemy import create_engine\nengine = create_engine('')\n", "team.players", True),
    ],
)  # fmt: skip
def test_an_asynchronous_session_loads_nothing_late(
    head: str, read: str, loads: bool, build: Build
) -> None:
    code = f"{head}async def ask(session, i):\n    team = await session.get(Team, i)\n    {read}\n"
    assert bool(_lines(build, code)) is loads


def test_an_awaited_attribute_is_loaded(build: Build) -> None:
    base = "from sqlalchemy.ext.asyncio import AsyncAttrs\nclass Base(AsyncAttrs, DeclarativeBase):\n    pass\n"
    models = _MODELS.format(players="select").replace("Base = declarative_base()\n", base)
    models = models.replace("declarative_base", "DeclarativeBase")
    code = "async def ask(session, i):\n    team = await session.get(Team, i)\n    await team.awaitable_attrs.players\n"
    found = build({"app.py": f"{models}{_ENGINE}{code}"}).facts(Query)
    assert [q.equality for q in found if q.operation == "lazy"] == [("team_id",)]


@pytest.mark.parametrize(
    ("again", "lines"),
    [
        ("return [[p.id for p in team.players] for x in keys]", [3]),
        ("for x in keys:\n        list(team.players)", [3]),
        ("for team in session.scalars(select(Team)):\n        list(team.players)", [3, 5]),
        ("return [list(other.players) for other in session.scalars(select(Team))]", [3, 4]),
    ],
)
def test_an_object_keeps_what_it_loaded_in_a_loop_too(
    again: str, lines: list[int], build: Build
) -> None:
    code = f"def ask(session, i, keys):\n    team = session.get(Team, i)\n    list(team.players)\n    {again}\n"
    assert _lines(build, code) == lines
