"""Ways to put a query together of which the code tells more than each step does."""

from __future__ import annotations

import pytest

from auditor.model.data import CollectionFit, Fit, Query, Table
from tests.conftest import Build

MODELS = """
from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, String, and_, func, select
from sqlalchemy.orm import declarative_base
Base = declarative_base()
class User(Base):
    __tablename__ = "users"
    id = Column(Integer, primary_key=True)
    team_id = Column(ForeignKey("teams.id"), index=True)
    name = Column(String)
    email = Column(String)
    deleted = Column(Boolean)
    __table_args__ = (
        Index("ix_name", func.lower(Column("name"))),
        Index("ix_email", "email", unique=True, postgresql_where="deleted = false"),
    )
class Team(Base):
    __tablename__ = "teams"
    id = Column(Integer, primary_key=True)
class Membership(Base):
    __tablename__ = "memberships"
    user_id = Column(ForeignKey("users.id"), primary_key=True, index=True)
    team_id = Column(ForeignKey("teams.id"), primary_key=True, index=True)
"""
REPOSITORY = """
class Repository:
    model = None
    def shown(self, *more):
        found = []
        if hasattr(self.model, "deleted"):
            found.append(self.model.deleted.is_(False))
        if hasattr(self.model, "hidden"):
            found.append(self.model.hidden.is_(False))
        return found
    def of(self, session, email):
        wanted = [self.model.email == email]
        wanted.extend(self.shown())
        return session.scalars(select(self.model).where(*wanted)).first()
class Users(Repository):
    model = User
"""


def _asked(code: str, build: Build, table: str = "users") -> list[tuple[tuple[str, ...], Fit]]:
    found = build({"app.py": MODELS + code}).facts(CollectionFit)
    return [(q.fields or q.scanned, m.fit) for c in found if c.name == table for q, m in c.fits]


def test_a_list_that_has_a_condition_is_taken_for_true(build: Build) -> None:
    code = """
def ask(session, team, name):
    wanted = []
    wanted.append(User.team_id == team)
    if name:
        wanted.append(User.name == name)
    query = select(User)
    if wanted:
        query = query.where(and_(*wanted))
    return session.scalars(query.order_by(User.name).limit(10)).all()
"""
    assert {fields for fields, _ in _asked(code, build)} == {("team_id",), ("team_id", "name")}


def test_each_condition_that_a_list_may_have_is_told(build: Build) -> None:
    code = """
def ask(session, team, name, text):
    wanted = []
    if name:
        wanted.append(User.name.ilike(f"%{name}%"))
    if text:
        wanted.append(or_(User.name == text, User.email.ilike(f"%{text}%")))
    if team:
        wanted.append(User.team_id == team)
    return session.scalars(select(User).where(and_(*wanted))).all()
"""
    code = "from sqlalchemy import or_\n" + code
    (found,) = (
        c for c in build({"app.py": MODELS + code}).facts(CollectionFit) if c.name == "users"
    )
    told = {(q.equality, q.scanned) for q, _ in found.fits}
    assert told == {
        ((), ()),
        ((), ("name",)),
        (("name",), ()),
        ((), ("email",)),
        (("team_id",), ()),
    }


def test_a_list_that_may_be_empty_leaves_both_ways(build: Build) -> None:
    code = """
def ask(session, name):
    wanted = []
    if name:
        wanted.append(User.name == name)
    query = select(User)
    if wanted:
        query = query.where(and_(*wanted))
    return session.scalars(query).all()
"""
    assert {fields for fields, _ in _asked(code, build)} == {(), ("name",)}


def test_conditions_that_a_helper_gives_are_those_of_the_model(build: Build) -> None:
    asked = _asked(REPOSITORY, build)
    assert asked == [(("email", "deleted"), Fit.COVERED)]


def test_conditions_that_are_not_told_leave_it_unknown(build: Build) -> None:
    code = """
def ask(session, email, more):
    wanted = [User.email == email]
    wanted.extend(more)
    return session.scalars(select(User).where(*wanted)).first()
"""
    assert _asked(code, build) == [(("email",), Fit.UNKNOWN)]


@pytest.mark.parametrize(
    "expression",
    [
        "session.query(User).filter(func.lower(User.name) == 'a').first()",
        "session.execute('SELECT * FROM users WHERE lower(name) = :name').first()",
    ],
)
def test_an_index_on_an_expression_serves_that_expression(expression: str, build: Build) -> None:
    assert [fit for _, fit in _asked(f"def ask(session):\n    {expression}\n", build)] == [
        Fit.COVERED
    ]
    other = expression.replace("lower", "upper")
    assert [fit for _, fit in _asked(f"def ask(session):\n    {other}\n", build)] == [Fit.MISSING]


def test_each_column_of_a_key_may_have_an_index_of_its_own(build: Build) -> None:
    code = "def ask(session):\n    session.query(Membership).filter_by(team_id=3).all()\n"
    assert _asked(code, build, "memberships") == [(("team_id",), Fit.COVERED)]


@pytest.mark.parametrize(
    "given",
    [
        "User = registry['User']\n    ",
        "from flask import current_app\n    User = current_app.config['User']\n    ",
    ],
)
def test_a_class_that_is_looked_up_by_its_name(given: str, build: Build) -> None:
    models = (
        "def make(db):\n"
        + "\n".join(f"    {line}" for line in MODELS.splitlines())
        + "\n    return User\n"
    )
    code = f"def ask(session, registry):\n    {given}return session.query(User).filter(User.name == 'a').all()\n"
    application = build({"models.py": models, "app.py": code})
    assert [(q.collection, q.equality) for q in application.facts(Query)] == [("users", ("name",))]


ANNOTATED = """
from typing import Annotated
from sqlmodel import Field, Session, SQLModel, select
Key = Annotated[int, Field(default=None, primary_key=True)]
class Doctor(SQLModel, table=True):
    id: Annotated[int, Field(default=None, primary_key=True)]
    badge: Annotated[str, Field(index=True)]
    name: Annotated[str, Field(max_length=80)]
class Ward(SQLModel, table=True):
    id: Key
def ask(db: Session, x):
    db.exec(select(Doctor).where(Doctor.id == x)).first()
    db.exec(select(Doctor).where(Doctor.badge == x)).first()
    db.exec(select(Doctor).where(Doctor.name == x)).first()
    db.exec(select(Ward).where(Ward.id == x)).first()
SHOWN = [ask]
"""


def test_columns_of_sqlmodel_in_annotated(build: Build) -> None:
    told = {
        (query.collection, query.equality[0]): match.fit
        for found in build({"models.py": ANNOTATED}).facts(CollectionFit)
        for query, match in found.fits
    }
    assert told == {
        ("doctor", "id"): Fit.COVERED,
        ("doctor", "badge"): Fit.COVERED,
        ("doctor", "name"): Fit.MISSING,
        ("ward", "id"): Fit.COVERED,
    }


@pytest.mark.parametrize(
    ("steps", "sort"),
    [
        (".order_by(User.name)", (("name", 1),)),
        (".group_by(User.id).order_by(User.name)", ()),
        (".order_by(User.name).group_by(User.id)", ()),
    ],
)
def test_the_order_of_groups_is_kept_by_no_index(
    build: Build, steps: str, sort: tuple[tuple[str, int], ...]
) -> None:
    code = f"def ask(db):\n    return db.query(User, func.count(Membership.team_id)){steps}.limit(20).all()\n"
    found = build({"app.py": MODELS + code}).facts(Query)
    assert {q.sort for q in found if q.collection == "users"} == {sort}


@pytest.mark.parametrize(
    ("asked", "sort"),
    [
        ("select(User).order_by(desc('name'))", (("name", -1),)),
        ("select(User).order_by('name', sa.desc('id'))", (("name", 1), ("id", -1))),
        ("select(User).order_by(asc('name'))", (("name", 1),)),
        ("select(User.id, func.lower(User.email).label('name')).order_by(desc('name'))", ()),
        ("select(User.team_id, func.count(User.id).label('name')).group_by(User.team_id).order_by(desc('name'))", ()),
        ("select(User).order_by('other')", ()),
    ],
)  # fmt: skip
def test_an_order_by_the_name_of_a_column(
    build: Build, asked: str, sort: tuple[tuple[str, int], ...]
) -> None:
    code = "import sqlalchemy as sa\nfrom sqlalchemy import asc, desc\n"
    code += f"def ask(db):\n    return db.scalars({asked}.limit(20)).all()\n"
    assert {q.sort for q in build({"app.py": MODELS + code}).facts(Query)} == {sort}


MIXED = """
from sqlalchemy import Column, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import declarative_base
Base = declarative_base()
class Tenanted:
    tenant = Column(String)
    __table_args__ = (Index("ix_t", "tenant"),)
class Item(Tenanted, Base):
    __tablename__ = "items"
    id = Column(Integer, primary_key=True)
    name = Column(String)
    c = Column(Integer)
{own}
def add(db):
    db.add(Item())
def ask(db, x):
    return db.query(Item).filter(Item.tenant == x).order_by(Item.c).first()
"""


@pytest.mark.parametrize(
    ("own", "fit"),
    [
        ("", Fit.PARTIAL),
        ("    __table_args__ = (UniqueConstraint('name'),)", Fit.MISSING),
        (
            "    __table_args__ = (*Tenanted.__table_args__, UniqueConstraint('name'))",
            Fit.PARTIAL,
        ),
    ],
)
def test_the_arguments_of_a_table_take_the_place_of_a_mixin_s(
    build: Build, own: str, fit: Fit
) -> None:
    code = MIXED.replace("{own}", own) + "ask(add(1), input())\n"
    ((query, match),) = [
        f for found in build({"app.py": code}).facts(CollectionFit) for f in found.fits
    ]
    assert query.sort == (("c", 1),)  # a column of that name, no table's columns
    assert match.fit is fit


LISTED = "def listed(db, name=None):\n    found = db.query(User)\n    if name is not None:\n        found = found.filter(User.name == name)\n    return found.all()\n"


@pytest.mark.parametrize(
    ("caller", "asked"),
    [
        ("def ask(db):\n    return listed(db)\n", {()}),
        ("def ask(db):\n    return listed(db), listed(db, 'a')\n", {(), ("name",)}),
        ("def ask(db, **given):\n    return listed(db, **given)\n", {(), ("name",)}),
        ("def ask(db):\n    return listed(db), run(listed)\n", {(), ("name",)}),
        ("", {(), ("name",)}),
    ],
)
def test_what_no_call_ever_passes_narrows_nothing(
    build: Build, caller: str, asked: set[tuple[str, ...]]
) -> None:
    found = build({"app.py": MODELS + LISTED + caller}).facts(Query)
    assert {q.equality for q in found if q.collection == "users"} == asked


def test_functions_within_functions_are_one_expression(build: Build) -> None:
    index = 'Index("ix", func.lower(func.trim(User.email)))\n'
    code = "def add(db):\n    db.add(User())\ndef ask(db, x):\n    return db.query(User).filter(func.lower(func.trim(User.email)) == x).first()\nask(add(1), 2)\n"
    told = [
        (query.equality, match.fit)
        for found in build({"app.py": MODELS + index + code}).facts(CollectionFit)
        for query, match in found.fits
    ]
    assert told == [(("lower(trim(email))",), Fit.COVERED)]


NAMED = """
from sqlalchemy import Column, ForeignKey, Integer, String, select
from sqlalchemy.orm import Session, declarative_base, declared_attr
{imports}
class Named:
    @declared_attr
    def __tablename__(cls):
        return cls.__name__.lower() + "s"
    id = Column(Integer, primary_key=True)
{base}
class Rental({name}):
    day = Column(String)
def add(db):
    db.add(Rental(day=input()))
def ask(db, day):
    return db.query(Rental).filter(Rental.day == day).all()
add(Session())
ask(Session(), input())
"""


@pytest.mark.parametrize(
    ("imports", "base", "name"),
    [
        ("", "Base = declarative_base(cls=Named)", "Base"),
        ("from flask_sqlalchemy import SQLAlchemy", "db = SQLAlchemy(model_class=Named)", "db.Model"),
    ],
)  # fmt: skip
def test_a_base_may_be_made_of_a_class(imports: str, base: str, name: str, build: Build) -> None:
    code = NAMED.format(imports=imports, base=base, name=name)
    (found,) = (c for c in build({"app.py": code}).facts(CollectionFit) if c.fits)
    assert found.name == "rentals"
    assert [(q.equality, m.fit) for q, m in found.fits] == [(("day",), Fit.MISSING)]


REST = """
class Repository:
    def __init__(self, model):
        self.model = model
    def filtered(self, db, *filters, limit=10, **by):
        return db.scalars(select(self.model).filter(*filters).filter_by(**by).limit(limit)).all()
users = Repository(User)
def ask(db, x):
    return {}
"""


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("users.filtered(db, name=x)", (("name",), ())),
        ("users.filtered(db, User.name == x, limit=3)", (("name",), ())),
        ("users.filtered(db, User.name == x, User.email > x)", (("name",), ("email",))),
    ],
)
def test_what_is_left_of_the_arguments(
    call: str, expected: tuple[tuple[str, ...], tuple[str, ...]], build: Build
) -> None:
    found = build({"app.py": MODELS + REST.format(call)}).facts(Query)
    assert {(q.equality, q.range) for q in found if not q.unresolved} == {expected}
    (untold,) = build(
        {"app.py": MODELS + REST.format("users.filtered(db, *x.wanted())")}
    ).facts(Query)  # fmt: skip
    assert untold.unresolved


@pytest.mark.parametrize(("end", "asked"), [("", ["title"]), (".all()", [])])
def test_a_list_of_what_was_found_is_not_searched_by_the_database(
    end: str, asked: list[str], build: Build
) -> None:
    """It has no `filter()`: the program stops there."""
    code = f"""
from flask_sqlalchemy import SQLAlchemy
db = SQLAlchemy()
class Job(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    title = db.Column(db.String(80))
def search(given):
    jobs = Job.query{end}
    return jobs.filter(Job.title == given)[:3]
"""
    found = build({"app.py": code}).facts(Query)
    assert [name for q in found for name in q.equality] == asked


def test_a_table_is_joined_to_the_one_that_was_joined_last(build: Build) -> None:
    """Where that has a foreign key; else to any that has one."""
    code = """
from sqlalchemy import Column, ForeignKey, Integer, select
from sqlalchemy.orm import declarative_base
Base = declarative_base()
class Owner(Base):
    __tablename__ = "owners"
    id = Column(Integer, primary_key=True)
class Hotel(Base):
    __tablename__ = "hotels"
    id = Column(Integer, primary_key=True)
    owner_id = Column(Integer, ForeignKey("owners.id"))
class Room(Base):
    __tablename__ = "rooms"
    id = Column(Integer, primary_key=True)
    hotel_id = Column(Integer, ForeignKey("hotels.id"))
class Stay(Base):
    __tablename__ = "stays"
    id = Column(Integer, primary_key=True)
    owner_id = Column(Integer, ForeignKey("owners.id"))
    room_id = Column(Integer, ForeignKey("rooms.id"))
def ask(session, given):
    return session.execute(select(Stay).join(Owner).join(Room).join(Hotel).where(Stay.id == given)).all()
"""
    found = {q.collection: q.equality for q in build({"app.py": code}).facts(Query)}
    assert found == {"stays": ("id",), "owners": ("id",), "rooms": ("id",), "hotels": ("id",)}


_PACKAGED = """
from {package} import {base}
from sqlalchemy import String, select
from sqlalchemy.orm import Mapped, mapped_column
class SprintLog({base}):
    kind: Mapped[str] = mapped_column(String(50))
def ask(session, given):
    return session.scalars(select(SprintLog).where(SprintLog.{field} == given)).all()
"""


@pytest.mark.parametrize(
    ("package", "base", "field", "fit"),
    [
        ("advanced_alchemy.base", "UUIDAuditBase", "kind", Fit.MISSING),
        ("advanced_alchemy.base", "UUIDAuditBase", "created_at", Fit.MISSING),
        ("advanced_alchemy.base", "UUIDv7Base", "id", Fit.COVERED),
        ("advanced_alchemy.base", "UUIDv7Base", "created_at", Fit.UNKNOWN),
        ("litestar.contrib.sqlalchemy.base", "BigIntBase", "kind", Fit.MISSING),
        ("litestar.plugins.sqlalchemy.base", "NanoIDAuditBase", "id", Fit.COVERED),
    ],
)
def test_tables_that_a_package_names(
    package: str, base: str, field: str, fit: Fit, build: Build
) -> None:
    code = _PACKAGED.format(package=package, base=base, field=field)
    (found,) = build({"app.py": code}).facts(CollectionFit)
    assert (found.name, [m.fit for _, m in found.fits]) == ("sprint_log", [fit])


def test_the_first_class_of_all_is_no_table(build: Build) -> None:
    code = """
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
class Base(DeclarativeBase):
    id: Mapped[int] = mapped_column(primary_key=True)
class SprintLog(Base):
    __tablename__ = "sprint_log"
def ask(session, given):
    return session.get(SprintLog, given)
"""
    (found,) = build({"app.py": code}).facts(CollectionFit)
    assert (found.name, [m.fit for _, m in found.fits]) == ("sprint_log", [Fit.COVERED])


def test_a_class_of_the_tree_that_is_called_like_one_of_a_package(build: Build) -> None:
    base = "from sqlalchemy import Column, Integer\nfrom sqlalchemy.orm import declarative_base\nclass UUIDBase(declarative_base()):\n    __abstract__ = True\n    number = Column(Integer, primary_key=True)\n"
    code = _PACKAGED.format(package="bases", base="UUIDBase", field="id")
    (found,) = build({"bases.py": base, "app.py": code}).facts(CollectionFit)
    assert [m.fit for _, m in found.fits] == [Fit.UNKNOWN]


_MEMBERS = """
from sqlalchemy import Column, Integer
from sqlalchemy.orm import declarative_base
class Numbered(declarative_base()):
    __abstract__ = True
    id = Column(Integer, primary_key=True)
class Member(Numbered):
    __tablename__ = "members"
    team_id = Column(Integer, primary_key=True)
    {own}
def ask(session, given):
    return session.query(Member).filter_by({field}=given).first()
"""


@pytest.mark.parametrize(
    ("required", "own", "field", "fit"),
    [
        ("sqlalchemy==2.0.23\n", "", "team_id", Fit.COVERED),
        ("sqlalchemy\n", "", "team_id", Fit.COVERED),
        ("sqlalchemy\n", "", "id", Fit.MISSING),
        ("sqlalchemy\n", "id = Column(Integer, primary_key=True)", "id", Fit.MISSING),
        ("sqlalchemy==1.4.50\n", "", "team_id", Fit.MISSING),
        ("sqlalchemy==1.3.24\n", "", "id", Fit.COVERED),
    ],
)
def test_a_primary_key_begins_with_the_columns_of_the_class_itself(
    build: Build, required: str, own: str, field: str, fit: Fit
) -> None:
    code = _MEMBERS.format(own=own, field=field)
    (found,) = build({"requirements.txt": required, "app.py": code}).facts(CollectionFit)
    assert [m.fit for _, m in found.fits] == [fit]


def test_a_primary_key_of_sqlmodel_begins_with_the_columns_of_its_bases(build: Build) -> None:
    code = """
from sqlmodel import Field, SQLModel, select
class Numbered(SQLModel):
    id: int = Field(primary_key=True)
class Member(Numbered, table=True):
    team_id: int = Field(primary_key=True)
def ask(session, given):
    return session.exec(select(Member).where(Member.id == given)).first()
"""
    (found,) = build({"app.py": code}).facts(CollectionFit)
    assert [m.fit for _, m in found.fits] == [Fit.COVERED]


_SHOP = """
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.orm import joinedload
from starlette.concurrency import run_in_threadpool
db = SQLAlchemy()
class Shop(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    notes = db.relationship("Note", backref="shop", lazy="dynamic")
class Note(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    made = db.Column(db.DateTime)
    shop_id = db.Column(db.Integer, db.ForeignKey("shop.id"))
def ask(given):
    shop = db.session.get(Shop, given)
    {line}
"""


@pytest.mark.parametrize(
    "steps",
    [
        ".order_by(Note.made).all()",
        ".options(joinedload(Note.shop)).order_by(Note.made).all()",
        ".with_entities(Note.id).all()",
        ".offset(3).all()",
    ],
)
def test_each_step_of_a_relation_that_is_a_query_itself(steps: str, build: Build) -> None:
    code = _SHOP.format(line=f"return shop.notes{steps}")
    found = build({"app.py": code}).facts(Query)
    assert [q.equality for q in found if q.collection == "note"] == [("shop_id",)]


_ENTRIES = """
import unheard_of
from sqlalchemy import Column, DateTime, ForeignKey, Integer, desc, func, select
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import backref, column_property, declarative_base, declared_attr, relationship, synonym, with_polymorphic
Base = declarative_base({made})
class Mixed:
    {mixin}
class Entry({bases}):
    __tablename__ = "entries"
    id = Column(Integer, primary_key=True)
    book_id = Column(ForeignKey("books.id"))
    made = Column(DateTime)
    {own}
class Book(Base):
    __tablename__ = "books"
    id = Column(Integer, primary_key=True)
    {book}
{later}
def ask(session, book):
    return session.scalars(select(Entry).filter_by(book_id=book).order_by({order})).all()
"""
_GIVEN = {"made": "", "mixin": "pass", "bases": "Mixed, Base", "own": "pass", "book": "pass", "later": "", "order": "Entry.at.desc()"}  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, True),
        ({"order": "desc(Entry.at)"}, True),
        ({"order": "Entry.made, func.lower(Entry.at).desc().nulls_last()"}, True),
        ({"order": "Entry.made.desc()"}, False),
        ({"order": "'at'"}, False),
        ({"own": "at = column_property(made)"}, False),
        ({"own": "at = synonym('made')"}, False),
        ({"own": "@hybrid_property\n    def at(self): return self.made"}, False),
        ({"own": "if True:\n        at = unheard_of.thing()"}, False),
        ({"own": "locals()['a' + 't'] = made"}, False),
        ({"own": "__table__ = unheard_of.table"}, False),
        ({"mixin": "@declared_attr\n    def at(cls): return unheard_of.thing()"}, False),
        ({"bases": "unheard_of.Timed, Base"}, False),
        ({"bases": "Mixed, Base, metaclass=unheard_of.Meta"}, False),
        ({"made": "cls=unheard_of.Timed"}, False),
        ({"book": "entries = relationship('Entry', backref=backref('at', uselist=False))"}, False),
        ({"book": "entries = relationship('Entry', backref=unheard_of.name())"}, False),
        ({"later": "Entry.at = column_property(Entry.made)"}, False),
        ({"later": "for cls in unheard_of.classes:\n    setattr(cls, unheard_of.name(), Column(Integer))"}, False),
        ({"later": "Entry.__mapper__.add_property('at', Entry.__table__.c.made)"}, False),
        ({"later": "def change(entry, key, value):\n    setattr(entry, key, value)\n    entry.at = value"}, True),
        ({"book": "entries = relationship('Entry', backref='book')"}, True),
    ],
)  # fmt: skip
def test_an_order_by_what_a_class_does_not_have_ends_before_it_is_asked(
    changes: dict[str, str], told: bool, build: Build
) -> None:
    found = build({"app.py": _ENTRIES.format(**{**_GIVEN, **changes})}).facts(Query)
    ((reason, compared),) = {(q.unresolved, q.equality) for q in found if q.operation == "select"}
    assert reason == ("at is no column that the code declares" if told else "")
    assert told or compared == ("book_id",)


def test_a_column_that_a_migration_adds_is_given_to_no_class(build: Build) -> None:
    migration = """
from alembic import op
import sqlalchemy as sa
revision = "1"
def upgrade():
    with op.batch_alter_table("entries") as batch_op:
        batch_op.add_column(sa.Column("at", sa.DateTime()))
"""
    files = {"app.py": _ENTRIES.format(**_GIVEN), "migrations/versions/1_at.py": migration}
    found = build(files).facts(Query)
    assert {q.unresolved for q in found if q.operation == "select"} == {
        "at is no column that the code declares"
    }


_LOADED = """
from sqlalchemy import Column, DateTime, ForeignKey, Integer, and_, or_, select, update
from sqlalchemy.orm import declarative_base, joinedload, load_only, relationship, selectinload
Base = declarative_base()
class Book(Base):
    __tablename__ = "books"
    id = Column(Integer, primary_key=True)
    made = Column(DateTime)
    pages = relationship("Page", back_populates="book", lazy="selectin")
    notes = relationship("Note", back_populates="book")
class Page(Base):
    __tablename__ = "pages"
    id = Column(Integer, primary_key=True)
    book_id = Column(ForeignKey("books.id"))
    book = relationship("Book", back_populates="pages")
class Note(Base):
    __tablename__ = "notes"
    id = Column(Integer, primary_key=True)
    book_id = Column(ForeignKey("books.id"))
    book = relationship("Book", back_populates="notes")
def ask(session, day, order):
    return session.scalars({asked}).all()
"""


@pytest.mark.parametrize(
    ("asked", "refused"),
    [
        ("select(Book).where(Book.made > day).order_by(Book.at)", True),
        ("select(Book).where(Book.at > day)", True),
        ("select(Book).where(or_(Book.made > day, Book.at > day))", True),
        ("select(Book).where(day < Book.at.desc())", True),
        ("select(Book, Book.at).where(Book.made > day)", True),
        ("select(Book).filter_by(at=day)", True),
        ("select(Book).where(Book.made > day).group_by(Book.at)", True),
        ("select(Book).join(Book.at).where(Book.made > day)", True),
        ("select(Book).options(selectinload(Book.notes), selectinload(Book.at))", True),
        ("select(Book).options(selectinload(Book.notes)).order_by(Book.at)", True),
        ("select(Book).options(joinedload(Book.pages).joinedload(Page.at))", True),
        ("select(Book).options(load_only(Book.at)).where(Book.made > day)", True),
        ("select(Book).where(Book.made > day)", False),
        ("select(Book).filter_by(made=day)", False),
        ("select(Book).order_by(Book.at if order else Book.made)", False),
        ("select(Book).order_by((lambda: Book.at)() if order else Book.made)", False),
        ("select(Book).where(and_(*[Book.at == x for x in order]))", False),
        ("select(Book).where(order and Book.at == order)", False),
    ],
)
def test_what_a_class_does_not_have_ends_the_statement_wherever_it_stands(
    asked: str, refused: bool, build: Build
) -> None:
    """Nothing is loaded either: neither what an option names nor what the class loads with its objects."""
    found = build({"app.py": _LOADED.format(asked=asked)}).facts(Query)
    told = {(q.collection, q.unresolved) for q in found}
    reason = "at is no column that the code declares"
    assert (told == {("books", reason)}) is refused
    assert any(q.collection == "pages" for q in found) is not refused


def test_what_sqlmodel_gives_a_class_is_no_column(build: Build) -> None:
    code = (
        "from sqlmodel import Field, SQLModel, update\n"
        "class Book(SQLModel, table=True):\n    id: int | None = Field(primary_key=True)\n    name: str\n"
        "def ask(session, name, given):\n"
        "    return session.exec(update(Book).where(Book.name == name).values(**Book.model_validate(given).model_dump()))\n"
    )
    (found,) = build({"app.py": code}).facts(Query)
    assert (found.equality, found.unresolved) == (("name",), "")


@pytest.mark.parametrize(
    ("options", "tables"),
    [
        ("selectinload(Shelf.books).options(selectinload(Book.pages))", {"books", "pages"}),
        ("selectinload(Shelf.books).selectinload(Book.pages)", {"books", "pages"}),
        ("selectinload(Shelf.books).options(joinedload(Book.pages), selectinload(Book.notes))", {"books", "pages", "notes"}),
        ("selectinload(Shelf.books).options(load_only(Book.id))", {"books"}),
        ("selectinload(Shelf.books)", {"books"}),
    ],
)  # fmt: skip
def test_options_of_an_option(options: str, tables: set[str], build: Build) -> None:
    code = (
        _LOADED.format(asked=f"select(Shelf).options({options})")
        .replace(', lazy="selectin"', "")
        .replace("class Page", '    shelf_id = Column(ForeignKey("shelves.id"))\nclass Page')
        .replace(
            "def ask",
            'class Shelf(Base):\n    __tablename__ = "shelves"\n    id = Column(Integer, primary_key=True)\n'
            '    books = relationship("Book")\ndef ask',
        )
    )
    found = build({"app.py": code}).facts(Query)
    assert {q.collection for q in found if q.operation == "join"} == tables


def test_a_figure_loads_nothing_with_it(build: Build) -> None:
    code = _LOADED.format(asked="None") + (
        "def count(session, day):\n    return session.query(Book).options(selectinload(Book.notes)).count()\n"
    )
    found = build({"app.py": code}).facts(Query)
    assert {q.collection for q in found} == {"books"}


@pytest.mark.parametrize(
    ("line", "asked"),
    [
        ("if not shop.notes.filter_by(made=given).count > 0:\n        print(shop)", False),
        ("if Note.query.filter_by(made=given).first:\n        print(shop)", False),
        ("return shop and not Note.query.filter_by(made=given).first", False),
        ("Note.query.filter_by(made=given).delete", False),
        ("return 1 if Note.query.filter_by(made=given).count else 2", False),
        ("if not shop.notes.filter_by(made=given).count() > 0:\n        print(shop)", True),
        ("if Note.query.filter_by(made=given).first().made:\n        print(shop)", True),
        ("return run_in_threadpool(Note.query.filter_by(made=given).first)", True),
        ("many = Note.query.filter_by(made=given).count\n    return many() > 0", True),
        (
            "found = Note.query.filter_by(made=given)\n    if found.count:\n        return found.all()",
            True,
        ),
    ],
)
def test_a_method_that_is_named_and_not_called_asks_nothing(
    line: str, asked: bool, build: Build
) -> None:
    code = _SHOP.format(line=line)
    found = build({"app.py": code}).facts(Query)
    assert any("made" in q.equality for q in found) is asked


@pytest.mark.parametrize(
    ("annotation", "given", "upwards"),
    [  # as SQLAlchemy's own mappers tell the direction
        ("", "", False),
        ("", ", remote_side=[id]", True),
        ("", ", remote_side=id", True),
        ("", ", remote_side='Node.id'", True),
        ("", ", remote_side=lambda: Node.id", True),
        ("", ", remote_side=[parent_id]", False),
        ("", ", remote_side=[parent_id], uselist=False", False),
        ("", ", primaryjoin='remote(Node.id) == foreign(Node.parent_id)'", True),
        ("", ", primaryjoin='foreign(Node.id) == remote(Node.parent_id)'", False),
        ("", ", primaryjoin='Node.id == Node.parent_id', remote_side='[Node.id]'", True),
        (": Mapped['Node']", "", False),
        (": Mapped['Node']", ", remote_side=[id]", True),
        (": Mapped[list['Node']]", "", False),
        ("", ", remote_side=[id], backref='others'", True),
    ],
)
def test_the_remote_side_tells_where_a_relation_of_a_table_with_itself_leads(
    annotation: str, given: str, upwards: bool, build: Build
) -> None:
    code = f"""
from sqlalchemy import ForeignKey, Integer, String
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship
class Base(DeclarativeBase):
    pass
class Node(Base):
    __tablename__ = "node"
    id = mapped_column(Integer, primary_key=True)
    name = mapped_column(String(80), unique=True)
    parent_id = mapped_column(Integer, ForeignKey("node.id"))
    other{annotation} = relationship("Node"{given})
def ask(session: Session):
    return [found.other for found in session.query(Node).all()]
"""
    asked = [q.equality for q in build({"app.py": code}).facts(Query) if q.operation == "lazy"]
    assert asked == [("id",) if upwards else ("parent_id",)]


_HELPER = "def key():\n    return db.Column(db.Integer, primary_key=True)\n"


@pytest.mark.parametrize(
    ("helper", "base", "body", "tables"),
    [
        (_HELPER, "db.Model", "    id = key()\n    name = db.Column(db.String(80))\n", {"plant"}),
        (_HELPER, "db.Model", "    id = key()\n", {"plant"}),
        ("from keys import key\n", "db.Model", "    id = key()\n    name = db.Column(db.String(80))\n", {"plant"}),
        ("from keys import key\n", "db.Model", "    size = 3\n", set()),
        (_HELPER, "object", "    id = key()\n    name = db.Column(db.String(80))\n", set()),
        ("from keys import key\n", "db.Model", "    __abstract__ = True\n    id = key()\n    name = db.Column(db.String(80))\n", set()),
        ("from keys import key\n", "db.Model", "    id = key()\n    name = db.Column(db.String(80))\nclass Tree(Plant):\n    pass\n", set()),
    ],
)  # fmt: skip
def test_a_key_that_a_function_makes(
    helper: str, base: str, body: str, tables: set[str], build: Build
) -> None:
    code = f"from flask_sqlalchemy import SQLAlchemy\ndb = SQLAlchemy()\n{helper}class Plant({base}):\n{body}"
    code += "def ask(key, name):\n    return Plant.query.filter_by(name=name).with_for_update().options().get(key)\n"
    found = build({"app.py": code})
    assert {t.name for t in found.facts(Table)} == tables
    assert {q.collection for q in found.facts(Query) if q.collection} == tables


_SEVERAL = """
from sqlalchemy import Column, ForeignKey, Integer, Table, func, insert, select
from sqlalchemy.orm import declarative_base
import tables
Base = declarative_base()
class Product(Base):
    __tablename__ = "products"
    id = Column(Integer, primary_key=True)
    of_id = Column(ForeignKey("products.id"))
class Detail(Base):
    __tablename__ = "details"
    id = Column(Integer, primary_key=True)
    product_id = Column(ForeignKey("products.id"))
def ask(session, given, model):
    {line}
"""
_TABLES = """
from sqlalchemy import Column, Integer, MetaData, Table
links = Table("links", MetaData(), Column("one", Integer), Column("two", Integer))

"""


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (
            "session.query(Product.id, Detail.id).join(Product).filter(Detail.id == given).all()",
            {"details": ("id",), "products": ("id",)},
        ),
        (
            "session.query(Detail.id, Product.id).join(Detail).filter(Product.id == given).all()",
            {"details": ("product_id",), "products": ("id",)},
        ),
        (
            "session.query(Detail.id, Product.id).join(Product).filter(Detail.id == given).all()",
            {"details": ("id",), "products": ("id",)},
        ),
        ("session.query(Product.id).join(Product).all()", {"products": ()}),
        ("session.execute(func.count(Detail.id)).scalar_one()", {"details": ()}),
        ("session.scalar(func.max(Detail.product_id))", {"details": ()}),
        ("session.execute(func.now())", {}),
        ("session.execute(func.pg_advisory_xact_lock(given))", {}),
        ("session.execute(func.free_seats(given))", {"": ()}),
        (
            "session.execute(tables.links.select().where(tables.links.c.one == given)).all()",
            {"links": ("one",)},
        ),
        ("session.execute(tables.links.insert().values(one=given))", {}),
        ("session.execute(insert(tables.links), [{'one': given}])", {}),
        ("session.execute(model.insert().values(one=given))", {}),
        ("session.execute(model.__table__.insert().returning(model.id))", {}),
        (
            "session.execute(insert(Detail).from_select(['id'], select(tables.links.c.one).where(tables.links.c.two == given)))",
            {"links": ("two",)},
        ),
        ("session.execute(model.insert().from_select(['id'], given()))", {"": ()}),
    ],
)
def test_entities_and_figures_and_what_is_added(
    line: str, told: dict[str, tuple[str, ...]], build: Build
) -> None:
    code = _SEVERAL.format(line=line)
    found = build({"app.py": code, "tables.py": _TABLES}).facts(Query)
    assert {q.collection: q.equality for q in found if q.operation != "insert"} == told


HELPER = """
def narrow(query, name):
    if name:
        query = query.where(User.name == name)
    return query
def ask(session, name):
    return session.scalars({asked}).all()
"""


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("narrow(select(User).where(User.team_id == 1), name)", {(("team_id", "name"), Fit.PARTIAL), (("name",), Fit.UNKNOWN)}),
        ("narrow(select(User), name)", {(("name",), Fit.MISSING), (("name",), Fit.UNKNOWN)}),
    ],
)  # fmt: skip
def test_what_narrows_a_parameter_is_told_where_it_is_handed(
    asked: str, expected: set[tuple[tuple[str, ...], Fit]], build: Build
) -> None:
    assert expected <= set(_asked(HELPER.format(asked=asked), build))
    alone = [fit for fields, fit in _asked(HELPER.format(asked="query"), build) if fields]
    assert alone == [Fit.UNKNOWN]


CHOSEN = """
KINDS = {"user": User, "team": Team}
def ask(kind, key, name):
    return KINDS[kind].query.get(key), KINDS["user"].query.filter_by(name=name).first()
"""


def test_a_model_of_a_dict(build: Build) -> None:
    assert _asked(CHOSEN, build) == [(("id",), Fit.COVERED), (("name",), Fit.MISSING)]
    assert _asked(CHOSEN, build, "teams") == [(("id",), Fit.COVERED)]


OWN = """
class Note(Base):
    __tablename__ = "notes"
    id = Column(Integer, primary_key=True)
    words = Column(String)
    {more}
    def alike(self):
        return self.query.filter_by(words=self.words).all()
"""


def test_an_object_asks_what_its_class_does(build: Build) -> None:
    assert _asked(OWN.format(more=""), build, "notes") == [(("words",), Fit.MISSING)]
    kept = _asked(OWN.format(more="query = Column(String)"), build, "notes")
    assert (("words",), Fit.MISSING) not in kept


@pytest.mark.parametrize(
    ("call", "decorator", "asked"),
    [
        ("listed()", "", False),
        ("listed(good=None)", "", False),
        ("listed(good=True)", "", True),
        ("listed(good=given)", "", True),
        ("listed() or run(listed)", "", True),
        ("listed()", "@app.get('/listed')", True),
    ],
)
def test_what_no_call_of_a_function_comes_to_asks_nothing(
    call: str, decorator: str, asked: bool, build: Build
) -> None:
    code = f"""
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
app = Flask(__name__)
db = SQLAlchemy(app)
class Part(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    good = db.Column(db.Boolean)
{decorator}
def listed(good=None):
    query = Part.query
    if good is not None:
        query = query.filter_by(good=good)
    return query.all()
def ask(given, run):
    return {call}
"""
    found = build({"app.py": code}).facts(Query)
    assert any(q.place.line == 13 or "good" in q.equality for q in found) is asked
    assert len(found) > 0


SORTED = """
def ask(session, by):
    order = {"id": User.id, "name": User.name}.get(by, User.name)
    return session.scalars(select(User).order_by(order.desc()).limit(9)).all()
"""


def test_the_order_that_is_taken_where_none_is_asked_for(build: Build) -> None:
    found = build({"app.py": MODELS + SORTED}).facts(CollectionFit)
    assert [q.sort for c in found for q, _ in c.fits] == [(("name", -1),)]


@pytest.mark.parametrize(
    ("line", "asked"),
    [
        ("User.query.session.add(x)", 0),
        ("User.query.session.commit()", 0),
        ("User.query.session.execute(select(User).where(User.name == x))", 1),
        ("User.query.filter_by(name=x).first()", 1),
    ],
)
def test_the_session_of_a_query_asks_nothing_by_itself(line: str, asked: int, build: Build) -> None:
    code = f"from flask_sqlalchemy import SQLAlchemy\nfrom sqlalchemy import select\ndb = SQLAlchemy()\nclass User(db.Model):\n    id = db.Column(db.Integer, primary_key=True)\n    name = db.Column(db.String)\ndef ask(x):\n    return {line}\n"
    assert len(list(build({"app.py": code}).facts(Query))) == asked


@pytest.mark.parametrize(
    "given",
    [
        "await session.run_sync(lambda s: s.query(Book).filter(Book.made > day).all())",
        "retried(lambda: session.query(Book).filter(Book.made > day).all())",
        "sorted(day, key=lambda x: session.query(Book).filter(Book.made > x).count())",
    ],
)
def test_what_only_a_lambda_asks(given: str, build: Build) -> None:
    code = _LOADED.format(asked="None") + f"async def more(session, day):\n    return {given}\n"
    found = build({"app.py": code}).facts(Query)
    assert [q.range for q in found if q.collection == "books"] == [("made",)]


_ONE_TO_ONE = """
from sqlalchemy import Column, ForeignKey, Integer, select
from sqlalchemy.orm import declarative_base, joinedload, relationship
Base = declarative_base()
class User(Base):
    __tablename__ = "users"
    id = Column(Integer, primary_key=True)
    doctor = relationship("Doctor", back_populates="user", uselist=False)
    notes = relationship("Note")
class Doctor(Base):
    __tablename__ = "doctors"
    id = Column(Integer, primary_key=True)
    user_id = Column(ForeignKey("users.id"))
    user = relationship("User", back_populates="doctor")
class Note(Base):
    __tablename__ = "notes"
    id = Column(Integer, primary_key=True)
    user_id = Column(ForeignKey("users.id"))
def ask(session, id, ids):
    {line}
"""


@pytest.mark.parametrize(
    ("line", "asked"),
    [
        ("return session.get(User, id).doctor.id", {("doctors", ("user_id",))}),
        ("return session.get(User, id).doctor is None", {("doctors", ("user_id",))}),
        ("return session.scalars(select(User).options(joinedload(User.doctor))).first().doctor", set()),
        ("session.get(User, id).doctor = Doctor()", set()),
        ("return session.get(Doctor, id).user.id", set()),  # by its key, which the session may have
        ("return next(u for u in session.query(User).all() if u.id == id).doctor", {("doctors", ("user_id",))}),
        ("return max(session.query(User).all(), key=lambda u: u.id).notes", {("notes", ("user_id",))}),
        ("found = session.query(User).all()\n    for one in [next(u for u in found if u.id == i) for i in ids]:\n        print(one.notes)", {("notes", ("user_id",))}),
        ("for one in [session.get(User, i) for i in ids]:\n        print(one.notes)", {("notes", ("user_id",))}),
        ("return len(session.query(User).all())", set()),
    ],
)  # fmt: skip
def test_what_one_object_is_asked_for(line: str, asked: set[object], build: Build) -> None:
    found = build({"app.py": _ONE_TO_ONE.format(line=line)}).facts(Query)
    assert {(q.collection, q.equality) for q in found if q.operation == "lazy"} == asked


_GATHERED = {
    "app.py": "from shop import models\nfrom shop.models.note import Note as Own\n"
    "def ask(session, id):\n    return session.query({0}).filter({0}.user_id == id).all()\n",
    "shop/models/__init__.py": "",
    "shop/models/note.py": _ONE_TO_ONE.format(line="pass"),
}


@pytest.mark.parametrize(
    ("named", "package", "reason"),
    [
        ("models.Note", "", "models.Note is defined nowhere"),
        ("models.Note", "from .note import User", "models.Note is defined nowhere"),
        ("models.Note", "from .note import Note", ""),
        ("models.Note", "from .note import *", ""),
        ("models.Note", "from . import note\nglobals().update(vars(note))", ""),
        ("models.Note", "def __getattr__(name):\n    return found(name)", ""),
        ("models.note.Note", "", ""),
        ("Own", "", ""),
        ("Note", "", "Note is defined nowhere in this file"),
    ],
)
def test_a_class_that_its_package_does_not_have(
    named: str, package: str, reason: str, build: Build
) -> None:
    files = {**_GATHERED, "app.py": _GATHERED["app.py"].format(named)}
    files["shop/models/__init__.py"] = package
    found = build(files).facts(Query)
    assert {q.unresolved for q in found} == {reason}
    assert all(q.collection == "notes" for q in found if not reason)


_BY_KEYS = """
from sqlalchemy import Column, DateTime, Integer
from sqlalchemy.orm import declarative_base
Base = declarative_base()
class Note(Base):
    __tablename__ = "notes"
    id = Column(Integer, primary_key=True)
    owner = Column(Integer)
    made = Column(DateTime)
{before}def find(session, by):
    asked = session.query(Note)
    {first}
    if {owner}:
        asked = asked.filter_by(owner=by["owner"])
    elif {made}:
        asked = asked.filter(Note.made > by["made"])
    return asked.all()
def show(session, given, more):
    return {calls}
"""


@pytest.mark.parametrize(
    ("changes", "asked"),
    [
        ({}, {("owner",)}),
        ({"calls": "find(session, by={'owner': given})"}, {("owner",)}),
        ({"calls": "find(session, {'made': given})"}, {("made",)}),
        ({"calls": "find(session, {'owner': given}), find(session, {'owner': more})"}, {("owner",)}),
        ({"calls": "find(session, {'owner': 1}), find(session, {'owner': 1, 'page': 2})"}, {("owner",)}),
        ({"calls": "find(session, {'owner': given}), find(session, {'made': more})"}, {("owner",), ("made",)}),
        ({"calls": "find(session, {'page': given})"}, set()),
        ({"calls": "find(session, given)"}, {("owner",), ("made",)}),
        ({"calls": "find(session, {'owner': given, **more})"}, {("owner",), ("made",)}),
        ({"calls": "find(session, {'owner': given}), more(find)"}, {("owner",), ("made",)}),
        ({"first": "by['made'] = session"}, {("owner",), ("made",)}),
        ({"first": "by.update(session.info)"}, {("owner",), ("made",)}),
        ({"before": "@unheard_of\n"}, {("owner",), ("made",)}),
        ({"owner": "by.get('owner')", "made": "by.get('made')"}, {("owner",)}),
        ({"owner": "by.get('owner')", "made": "by.get('made')", "calls": "find(session, {'made': given})"}, {("made",)}),
    ],
)  # fmt: skip
def test_a_way_that_no_caller_takes(
    changes: dict[str, str], asked: set[tuple[str, ...]], build: Build
) -> None:
    plain = {"before": "", "first": "pass", "owner": "'owner' in by", "made": "'made' in by"}
    given = {**plain, "calls": "find(session, {'owner': given})", **changes}
    found = build({"app.py": _BY_KEYS.format(**given)}).facts(Query)
    assert {q.equality + q.range for q in found} - {()} == asked


_CHOSEN = """
from sqlalchemy import Column, DateTime, Integer, select
from sqlalchemy.orm import declarative_base
Base = declarative_base()
class Note(Base):
    __tablename__ = "notes"
    id = Column(Integer, primary_key=True)
    owner = Column(Integer)
    kind = Column(Integer)
    made = Column(DateTime)
def ask(session, given, way):
    asked = select(Note)
    {lines}
    return session.scalars(asked).all()
"""
_BY_OWNER, _BY_KIND, _BY_TIME = (
    "asked = asked.where(Note.owner == given)",
    "asked = asked.where(Note.kind == given)",
    "asked = asked.order_by(Note.made)",
)


@pytest.mark.parametrize(
    ("lines", "asked"),
    [
        (["if way == 'a': A", "else: B", "if way == 'a': C"], {"owner,made", "kind,"}),
        (["if way: A", "else: B", "if not way: C"], {"owner,", "kind,made"}),
        (["if way == 'a': A", "elif way == 'b': B", "if way == 'b': C"], {"owner,", "kind,made", ","}),
        (["if way == 'a': A", "else: B", "if way != 'a': C"], {"owner,", "kind,made"}),
        (["if way == 'a' and given: A", "else: B", "if way == 'a': C"], {"owner,made", "kind,made", "kind,"}),
        (["if way == 'a': A", "else: B", "way = given", "if way == 'a': C"], {"owner,", "kind,", "owner,made", "kind,made"}),
        (["if way == 'a': A", "else: B", "if given: C"], {"owner,", "kind,", "owner,made", "kind,made"}),
        (["if way == 'a': A", "elif way == 'b': B"], {"owner,", "kind,", ","}),
    ],
)  # fmt: skip
def test_ways_that_hang_together(lines: list[str], asked: set[str], build: Build) -> None:
    spelt = {"A": _BY_OWNER, "B": _BY_KIND, "C": _BY_TIME}
    told = [line if ": " not in line else f"{line[:-1]}{spelt[line[-1]]}" for line in lines]
    found = build({"app.py": _CHOSEN.format(lines="\n    ".join(told))}).facts(Query)
    shapes = {(",".join(q.equality), ",".join(name for name, _ in q.sort)) for q in found}
    assert {f"{equal},{order}" for equal, order in shapes} == asked
