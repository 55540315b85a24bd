"""What a record works out, what its class computes, and what is loaded with it."""

from __future__ import annotations

import pytest

from auditor.model.data import Query
from tests.conftest import Build

_STOCKED = """
from sqlalchemy import Column, Float, ForeignKey, Integer, String, func, select
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import declarative_base
Base = declarative_base()
class Store(Base):
    __tablename__ = "stores"
    id = Column(Integer, primary_key=True)
    item_id = Column(ForeignKey("items.id"), unique=True)
    amount = Column(Float)
class Counted:
    @hybrid_property
    def counted(self): return self.amount
class Item(Counted, Base):
    __tablename__ = "items"
    MOST = 5
    id = Column(Integer, primary_key=True)
    least = Column(Float)
    amount = Column(Float)
    sent = Column(Float)
    @hybrid_property
    def stock(self): return 0
    @stock.expression
    def stock(cls): return select(Store.amount).where(Store.item_id == cls.id).scalar_subquery()
def ask(session, item):
    return session.scalars(select(Item).where({asked})).all()
"""


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("Item.stock <= Item.least", ()),
        ("Item.least >= Item.stock", ()),
        ("Item.least >= Item.counted * 2", ()),
        ("Item.least > Item.amount", ()),
        ("Item.least > Item.amount - Item.sent", ()),
        ("Item.least > func.coalesce(Item.amount, 0)", ()),
        ("Item.least > Item.MOST", ("least",)),
        ("Item.least > item.amount", ("least",)),
        ("Item.least > func.now()", ("least",)),
        ("Item.least > select(func.avg(Item.amount)).scalar_subquery()", ("least",)),
    ],
)
def test_what_a_record_holds_against_itself_is_no_field_to_search_by(
    asked: str, told: tuple[str, ...], build: Build
) -> None:
    found = build({"app.py": _STOCKED.replace("{asked}", asked)}).facts(Query)
    own = [q for q in found if q.collection == "items" and q.operation == "select"]
    assert {(q.range, q.unresolved) for q in own} == {(told, "")}
