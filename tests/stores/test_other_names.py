"""What declares columns and constraints, imported by another name."""

from __future__ import annotations

import pytest

from auditor.model.data import CollectionFit, Fit
from tests.conftest import Build

_SQLMODEL = """
from sqlmodel import Field as SQLField, SQLModel, select
class User(SQLModel, table=True):
    id: int | None = SQLField(default=None, primary_key=True)
    email: str = {made}
def ask(session, email):
    return session.exec(select(User).where(User.email == email)).first()
"""
_SQLALCHEMY = """
from sqlalchemy import Column as C, ForeignKey as FK, Index as I, Integer, String, select
from sqlalchemy.orm import declarative_base, mapped_column as mc
Base = declarative_base()
class User(Base):
    __tablename__ = "user"
    id = C(Integer, primary_key=True)
    email = {made}
    {more}
def ask(session, email):
    return session.scalars(select(User).where(User.email == email)).first()
"""


def _fits(build: Build, code: str) -> list[Fit]:
    found = build({"app.py": code}).facts(CollectionFit)
    return [match.fit for f in found for _, match in f.fits]


@pytest.mark.parametrize(
    ("made", "fit"),
    [
        ("SQLField(index=True)", Fit.COVERED),
        ("SQLField(unique=True)", Fit.COVERED),
        ("SQLField(max_length=20)", Fit.MISSING),
        ("SQLField(index=False)", Fit.MISSING),
    ],
)
def test_a_field_of_sqlmodel(made: str, fit: Fit, build: Build) -> None:
    assert _fits(build, _SQLMODEL.format(made=made)) == [fit]


@pytest.mark.parametrize(
    ("made", "more", "fit"),
    [
        ("C(String, index=True)", "", Fit.COVERED),
        ("mc(String, unique=True)", "", Fit.COVERED),
        ("C(String)", "__table_args__ = (I('by_email', 'email'),)", Fit.COVERED),
        ("C(String)", "__table_args__ = (I('by_id', 'id'),)", Fit.MISSING),
        ("mc(String)", "", Fit.MISSING),
    ],
)
def test_a_column_of_sqlalchemy(made: str, more: str, fit: Fit, build: Build) -> None:
    assert _fits(build, _SQLALCHEMY.format(made=made, more=more)) == [fit]


_CALLED = """
from sqlalchemy import text as _text, select as sel, or_ as either, func as f, update as change
{models}
def ask(session, given):
    {asks}
"""


@pytest.mark.parametrize(
    ("asks", "missing"),
    [
        ("sql = 'SELECT * FROM users WHERE email = :e'\n    session.execute(_text(sql), given)", ["email"]),
        ("session.execute(_text('SELECT * FROM users WHERE email = :e'), given)", ["email"]),
        ("session.scalars(sel(User).where(either(User.email == given, User.team == given))).all()", ["email", "team"]),
        ("session.execute(change(User).where(User.team == given).values(email=''))", ["team"]),
        ("session.scalars(sel(User).where(f.lower(User.email) == given)).all()", ["email"]),
        ("session.scalars(sel(User).where(User.id == given)).all()", []),
        ("session.execute(_text('SELECT 1'))", []),
    ],
)  # fmt: skip
def test_what_is_called_by_another_name(asks: str, missing: list[str], build: Build) -> None:
    models = (
        "from sqlalchemy import Column, Integer, String\nfrom sqlalchemy.orm import declarative_base\n"
        "Base = declarative_base()\nclass User(Base):\n    __tablename__ = 'users'\n"
        "    id = Column(Integer, primary_key=True)\n    email = Column(String)\n    team = Column(String)\n"
    )
    found = build({"app.py": _CALLED.format(models=models, asks=asks)}).facts(CollectionFit)
    told = [(m.fit, m.missing) for c in found for _, m in c.fits]
    assert Fit.UNKNOWN not in [fit for fit, _ in told]
    assert sorted(name for _, names in told for name in names) == missing


_SHADOWED = """
from typing import Annotated
from sqlalchemy import select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
key = Annotated[str, mapped_column({module})]
class Base(DeclarativeBase):
    pass
class Box(Base):
    __tablename__ = "boxes"
    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[key]
    key: Mapped[str] = mapped_column({own})
def ask(session, code):
    return session.scalars(select(Box).where(Box.code == code)).first()
"""


@pytest.mark.parametrize(
    ("module", "own", "fit"),
    [("index=True", "", Fit.COVERED), ("", "index=True", Fit.MISSING)],
)
def test_a_type_that_a_class_calls_a_column_by_further_down(
    module: str, own: str, fit: Fit, build: Build
) -> None:
    found = build({"app.py": _SHADOWED.format(module=module, own=own)}).facts(CollectionFit)
    assert [m.fit for f in found for _, m in f.fits] == [fit]


_HELD = """
from datetime import datetime
from humps import decamelize
from sqlalchemy import select
from sqlalchemy.orm import DeclarativeBase, Mapped as {held}, declared_attr, mapped_column as {made}
class Table(DeclarativeBase):
    @declared_attr
    def __tablename__(cls):
        name = decamelize(cls.__name__)
        if name[-1] != "s":
            name += "s"
        return name
class Trip(Table):
    id: {held}[int] = {made}(primary_key=True)
    at: {held}[datetime]
    code: {held}[str] = {made}(unique=True)
    done: {held}[bool]
def ask(session, given):
    return session.scalars(select(Trip).where(Trip.{asked})).all()
"""


@pytest.mark.parametrize(
    ("asked", "fit"),
    [
        ("at > given", Fit.MISSING),
        ("code == given", Fit.COVERED),
        ("done == given", Fit.COVERED),
        ("id == given", Fit.COVERED),
    ],
)
@pytest.mark.parametrize(("held", "made"), [("Column", "column"), ("Mapped", "mapped_column")])
def test_columns_of_a_table_whose_name_is_made(
    held: str, made: str, asked: str, fit: Fit, build: Build
) -> None:
    code = _HELD.format(held=held, made=made, asked=asked)
    found = build({"app.py": code}).facts(CollectionFit)
    assert [(f.name, m.fit) for f in found for _, m in f.fits] == [("trip", fit)]
