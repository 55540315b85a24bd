"""Conditions of SQLAlchemy's columns that compare with a pattern, or ask for its absence."""

from __future__ import annotations

import pytest

from auditor.model.data import CollectionFit, Fit
from tests.conftest import Build

_ORDERS = """
from sqlalchemy import Column, Integer, String, func, select
from sqlalchemy.orm import declarative_base
Base = declarative_base()
class Order(Base):
    __tablename__ = "orders"
    id = Column(Integer, primary_key=True)
    state = Column(String)
    owner = Column(Integer)
def ask(session, text):
    return session.scalars(select(Order).where({})).all()
"""


@pytest.mark.parametrize(
    ("condition", "fit"),
    [
        ('Order.state.notlike("%done%")', Fit.COVERED),
        ('Order.state.not_like("%done%")', Fit.COVERED),
        ('Order.state.not_ilike("%done%")', Fit.COVERED),
        ("Order.state.notilike(text)", Fit.COVERED),
        ('func.lower(Order.state).notlike("%done%")', Fit.COVERED),
        ('func.lower(Order.state) != "done"', Fit.COVERED),
        ('~Order.state.like("%done%")', Fit.COVERED),
        ('Order.state.notlike("%done%"), Order.owner == text', Fit.MISSING),
        ('Order.state.ilike("%done%")', Fit.MISSING),
    ],
)
def test_what_no_record_like_a_pattern_asks_needs_no_index(
    condition: str, fit: Fit, build: Build
) -> None:
    (found,) = build({"app.py": _ORDERS.format(condition)}).facts(CollectionFit)
    assert [match.fit for _, match in found.fits] == [fit]
