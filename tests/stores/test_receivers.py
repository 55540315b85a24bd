"""Methods that serve several models ask the one that they are called for, by what the call says."""

from __future__ import annotations

import pytest

from auditor.model.data import Query, Table
from tests.conftest import Build
from tests.stores.test_sql_shapes import TORTOISE

_MODELS = """
from typing import Generic, TypeVar
from fastapi import Depends, FastAPI
from sqlalchemy import select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
class Base(DeclarativeBase): pass
class User(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str]
    name: Mapped[str]
class Note(Base):
    __tablename__ = "notes"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
M = TypeVar("M")
class Repository(Generic[M]):
    def __init__(self, model): self.model = model
    def find(self, session, **given):
        return session.scalars(select(self.model).filter_by(**given)).first()
    def by(self, session, field, value):
        return session.scalars(select(self.model).where(getattr(self.model, field) == value)).all()
    def among(self, session, given):
        return session.scalars(select(self.model).filter_by(**given)).all()
"""
_CALLS = {
    "an object made for a model": (
        "notes = Repository(Note)\nusers = Repository(User)\n"
        "def f(s, x):\n    notes.find(s, title=x)\n    users.find(s, email=x)\n",
        {("notes", ("title",)), ("users", ("email",))},
    ),
    "a class of a model": (
        "class Users(Repository[User]):\n    pass\nclass Notes(Repository[Note]):\n    pass\n"
        "def f(s, x, users: Users, notes: Notes):\n    users.find(s, name=x)\n    notes.among(s, {'title': x})\n",
        {("notes", ("title",)), ("users", ("name",))},
    ),
    "a type with another name": (
        "Users = Repository[User]\nNotes = Repository[Note]\n"
        "class Service:\n    def __init__(self, users: Users, notes: Notes):\n"
        "        self.users = users\n        self.notes = notes\n"
        "    def f(self, s, x):\n        self.users.among(s, dict(email=x))\n        self.notes.by(s, 'title', x)\n",
        {("notes", ("title",)), ("users", ("email",))},
    ),
    "a method of the heir": (
        "class Users(Repository[User]):\n    model = User\n    def of(self, s, x):\n        return self.by(s, 'email', x)\n"
        "class Notes(Repository[Note]):\n    model = Note\n    def find(self, s, x):\n        return super().find(s, title=x)\n"
        "def f(s, x):\n    Users().of(s, x)\n    Notes().find(s, x)\n",
        {("notes", ("title",)), ("users", ("email",))},
    ),
    "a dependency": (
        "class Users(Repository[User]):\n    pass\nclass Notes(Repository[Note]):\n    pass\n"
        "app = FastAPI()\n@app.get('/x')\n"
        "def f(s, x, users: Users = Depends(Users), notes: Notes = Depends()):\n"
        "    users.find(s, email=x)\n    notes.find(s, title=x)\n",
        {("notes", ("title",)), ("users", ("email",))},
    ),
}  # fmt: skip


@pytest.mark.parametrize("code, shapes", _CALLS.values(), ids=_CALLS)
def test_what_a_call_says(code: str, shapes: set[object], build: Build) -> None:
    asked = [q for q in build({"app.py": _MODELS + code}).facts(Query) if q.equality]
    assert {(q.collection, q.equality) for q in asked} == shapes
    first = _MODELS.count("\n") + 1
    assert all(q.place.line > first for q in asked)  # where the call says it


def test_a_call_that_does_not_say_leaves_it_open(build: Build) -> None:
    code = "notes, users = Repository(Note), Repository(User)\ndef f(s, given):\n    users.find(s, **given)\n"
    asked = build({"app.py": _MODELS + code}).facts(Query)
    assert all(q.unresolved for q in asked)


_OWN_GETTERS = """
from peewee import CharField, Model, SqliteDatabase
class Base(Model):
    class Meta:
        database = SqliteDatabase("x.db")
    @classmethod
    def get_or_null(cls, *query, **given):
        try:
            return cls.get(*query, **given)
        except cls.DoesNotExist:
            return None
    @classmethod
    def by_mail(cls, mail):
        return cls.get_or_none(cls.mail == mail)
    def again(self, **given):
        return self.get(**given)
class User(Base):
    name = CharField()
    mail = CharField()
class Guest(Base):
    name = CharField()
    mail = CharField()
def ask(x, given):
    return CALL
"""


@pytest.mark.parametrize(
    ("call", "told"),
    [
        ("User.get_or_null(User.name == x)", {("user", ("name",), "")}),
        ("User.get_or_null(name=x)", {("user", ("name",), "")}),
        ("User.get_or_null(User.mail == x, name=x)", {("user", ("mail", "name"), "")}),
        ("User.get_or_null(**given)", {("user", (), "its conditions are named at run time")}),
        ("User.by_mail(x)", {("user", ("mail",), "")}),
        ("User().again(name=x)", {("user", ("name",), "")}),
        ("[User.get_or_null(name=x), Guest.by_mail(x)]", {("user", ("name",), ""), ("guest", ("mail",), "")}),
    ],
)  # fmt: skip
def test_what_a_common_class_asks_is_asked_of_the_model_it_is_called_on(
    call: str, told: set[tuple[str, tuple[str, ...], str]], build: Build
) -> None:
    application = build({"app.py": _OWN_GETTERS.replace("CALL", call)})
    line = _OWN_GETTERS.splitlines().index("    return CALL") + 1
    found = {
        (q.collection, q.equality, q.unresolved)
        for q in application.facts(Query)
        if q.place.line == line
    }
    assert found == told
    assert {t.name for t in application.facts(Table)} == {"user", "guest"}


_KEPT = """
import telegram
from tortoise import fields
from tortoise.models import Model
class Users(Model):
    name = fields.CharField(max_length=20)
class Kind(Model):
    name = fields.CharField(max_length=20)
class Things:
    class Kind:
        get = None
class Handler:
    def __init__(self, client):
        self.client = client
    async def ask(self, client, x):
        return await CALL
"""


@pytest.mark.parametrize(
    ("call", "told"),
    [
        ("client.db.Users.get(name=x)", {("users", "get", ("name",))}),
        ("client.db.Users.get_or_none(name=x)", {("users", "get", ("name",))}),
        ("self.client.db.Users.get_or_create(name=x)", {("users", "get", ("name",))}),
        ("self.client.db.Users.filter(name=x).first()", {("users", "select", ("name",))}),
        ("client.db.Users.all()", {("users", "select", ())}),
        ("client.db.Users.create(name=x)", {("users", "insert", ())}),
        ("client.db.users.get(name=x)", set()),
        ("telegram.Users.get(name=x)", set()),
        ("Things.Kind.get(name=x)", set()),
    ],
)
def test_an_attribute_that_is_called_like_the_one_model_is_that_model(
    call: str, told: set[tuple[str, str, tuple[str, ...]]], build: Build
) -> None:
    application = build({"app.py": _KEPT.replace("CALL", call)})
    assert {(q.collection, q.operation, q.equality) for q in application.facts(Query)} == told


def test_of_two_models_of_a_name_an_attribute_is_neither(build: Build) -> None:
    code = _KEPT.replace("CALL", "client.db.Users.get(name=x)")
    application = build({"app.py": code, "other.py": code})
    assert {q.collection for q in application.facts(Query)} <= {""}


_SMALL = """
from flask_sqlalchemy import SQLAlchemy
db = SQLAlchemy()
class users(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    name = db.Column(db.String(20))
"""


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("models.users.query.filter_by(name=x).first()", {("users", ("name",))}),
        ("models.users.query.filter(models.users.name == x).first()", {("users", ("name",))}),
        ("db.session.query(models.users).filter_by(name=x).first()", {("users", ("name",))}),
        ("len(cache.users)", set()),
    ],
)
def test_a_model_of_a_small_name_is_reached_through_its_module(
    asked: str, found: set[tuple[str, tuple[str, ...]]], build: Build
) -> None:
    view = f"import models\nfrom models import db\nimport cache\ndef ask(x):\n    return {asked}\n"
    application = build({"models.py": _SMALL, "app.py": view, "cache.py": "users = []\\n"})
    assert {(q.collection, q.equality) for q in application.facts(Query)} == found


_HANDED = """
from fastapi import Depends, FastAPI
from sqlalchemy import Column, Integer, String, select
from sqlalchemy.orm import declarative_base
app = FastAPI()
Base = declarative_base()
class User(Base):
    __tablename__ = "users"
    id = Column(Integer, primary_key=True)
    name = Column(String)
class Item(Base):
    __tablename__ = "items"
    id = Column(Integer, primary_key=True)
    name = Column(String)
def session(): ...
class Repo:
    def __init__(self, session=Depends(session), model=GIVEN):
        self.session = session
        self.model = model
    def by_name(self, name):
        return self.session.execute(select(self.model).where(self.model.name == name)).scalars().first()
@app.get("/")
def ask(name: str, repo: Repo = Depends()):
    return repo.by_name(name)
"""


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("Depends(lambda: User)", {"users"}),
        ("Depends(lambda: Item)", {"items"}),
        ("Depends(lambda: pick())", {""}),
        ("Query(lambda: User)", {""}),
    ],
)
def test_a_model_that_a_dependency_gives_is_the_one_that_is_asked(
    given: str, told: set[str], build: Build
) -> None:
    application = build({"app.py": _HANDED.replace("GIVEN", given)})
    assert {q.collection for q in application.facts(Query)} == told


_GIVEN = """
from peewee import CharField, DateTimeField, IntegerField, Model, SqliteDatabase
class Script(Model):
    app = IntegerField()
    name = CharField()
    made = DateTimeField()
    class Meta:
        database = SqliteDatabase("x.db")
class Search:
    def narrow(self, query, params):
        word = params.get("k")
        if word is None:
            return query
        return query.where(Script.name == word)
class Group:
    @classmethod
    def get(cls, params, query=None):
        if query is None:
            query = Script.select()
        BEFORE
        if params.get("made", "") != "":
            query = query.where(Script.made == params.get("made"))
        return Search().narrow(query, params)
def ask(a, given):
    return list(Group.get(CALL))
"""
_ALL = {(), ("made",), ("name",), ("made", "name")}
_MINE = "query=Script.select().where(Script.app == a)"


@pytest.mark.parametrize(
    ("call", "before", "told"),
    [
        ("{}", "", {()}),
        ("{'k': 'x'}", "", {("name",)}),
        ("{'k': given}", "", {(), ("name",)}),
        ("{'made': 'x'}", "", {("made",)}),
        ("{'made': ''}", "", {()}),
        ("{'made': given}", "", {(), ("made",)}),
        (f"{{}}, {_MINE}", "", {("app",)}),
        (f"{{'k': 'x'}}, {_MINE}", "", {("app", "name")}),
        ("given", "", _ALL),
        ("{**given}", "", _ALL),
        ("{given: 'x'}", "", _ALL),
        ("{'k': 'x'}", "params['made'] = now()", _ALL),
        ("{'k': 'x'}", "params.update(more())", _ALL),
        ("{}", "params = more()", _ALL),
        ("{}", "if 'made' in params: query = query.where(Script.app == 1)", {()}),
        ("{'made': ''}", "if 'made' in params: query = query.where(Script.app == 1)", {("app",)}),
        ("{}", "if not params: query = query.where(Script.app == 1)", {("app",)}),
    ],
)  # fmt: skip
def test_a_dict_or_a_query_that_a_call_spells_out_decides_what_is_asked(
    call: str, before: str, told: set[tuple[str, ...]], build: Build
) -> None:
    code = _GIVEN.replace("CALL", call).replace("BEFORE", before)
    found = build({"app.py": code}).facts(Query)
    assert {tuple(sorted(q.equality)) for q in found} == told


@pytest.mark.parametrize("name", ["model", "_model", "__model"])
def test_a_class_may_keep_its_model_to_itself(name: str, build: Build) -> None:
    code = (
        TORTOISE
        + f"""
class Store:
    def __init__(self, model): self.{name} = model
    async def ask(self, views): return await self.{name}.filter(views=views).count()
class Posts(Store):
    def __init__(self): super().__init__(Post)
"""
    )
    found = build({"app.py": code}).facts(Query)
    assert [(q.collection, q.equality) for q in found] == [("posts", ("views",))]
