"""A route is listed with the queries that it makes, where the code of them is shared by many."""

from __future__ import annotations

from auditor.inventory.data import rows
from tests.conftest import Build

_BASE = """
from typing import Generic, TypeVar
from fastapi import FastAPI
from sqlalchemy import select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

class Base(DeclarativeBase):
    pass

class User(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]

class Item(Base):
    __tablename__ = "items"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]

class Log(Base):
    __tablename__ = "logs"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]

M = TypeVar("M")
app = FastAPI()
"""


def _routes(build: Build, source: str) -> dict[tuple[str, int], list[str]]:
    application = build({"app.py": _BASE + source})
    first = _BASE.count("\n")
    return {
        (store.collection, query.line - first): query.routes
        for store in rows(application)
        for query in store.queries
    }


def test_a_repository_that_many_inherit_from(build: Build) -> None:
    found = _routes(
        build,
        """
class Repository(Generic[M]):
    def __init__(self, model):
        self.model = model
    def named(self, session):
        return session.scalars(select(self.model).where(self.model.name == "x")).all()

class Users(Repository[User]):
    def first(self, session):
        return self.named(session)[0]

users = Users(User)
items = Repository[Item](Item)
logs = Repository[Log](Log)

@app.get("/users")
def of_users(session):
    return users.first(session)

@app.get("/items")
def of_items(session):
    return items.named(session)
""",
    )
    assert found["users", 6] == ["GET /users"]
    assert found["items", 6] == ["GET /items"]
    assert found["logs", 6] == []


def test_a_repository_that_is_not_told_may_be_any(build: Build) -> None:
    found = _routes(
        build,
        """
class Repository:
    model = None
    def named(self, session):
        return session.scalars(select(self.model).where(self.model.name == "x")).all()

class Users(Repository):
    model = User

class Items(Repository):
    model = Item

def one(repository: Repository, session):
    return repository.named(session)

@app.get("/any")
def of_any(kind: str, session):
    return one({"users": Users, "items": Items}[kind](), session)

@app.get("/items")
def of_items(session):
    return Items().named(session)
""",
    )
    assert found["users", 5] == ["GET /any"]
    assert found["items", 5] == ["GET /any", "GET /items"]


def test_what_a_repository_reads_besides_is_its_own(build: Build) -> None:
    found = _routes(
        build,
        """
class Repository(Generic[M]):
    model = None
    def named(self, session):
        session.scalars(select(Log).where(Log.name == "read")).all()
        return session.scalars(select(self.model).where(self.model.name == "x")).all()

class Users(Repository[User]):
    model = User

class Items(Repository[Item]):
    model = Item

@app.get("/users")
def of_users(session):
    return Users().named(session)

@app.get("/items")
def of_items(session):
    return Items().named(session)
""",
    )
    assert found["users", 6] == ["GET /users"]
    assert found["items", 6] == ["GET /items"]
    assert found["logs", 5] == ["GET /users", "GET /items"]
