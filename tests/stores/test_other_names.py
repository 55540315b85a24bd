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
