"""Indexes of pgvector find what is near to a vector: PostgreSQL uses them for no condition and no other order."""

from __future__ import annotations

import pytest

from auditor.model.data import CollectionFit, Fit
from tests.conftest import Build

_TEXT = """
def start(cursor):
    cursor.execute("CREATE TABLE articles (id SERIAL PRIMARY KEY, embedding vector(8))")
    cursor.execute("CREATE INDEX by_embedding ON articles USING {using} (embedding{ops})")
"""
_ALCHEMY = """
from pgvector.sqlalchemy import Vector
from sqlalchemy import Column, Index, Integer
from sqlalchemy.orm import declarative_base
Base = declarative_base()
class Article(Base):
    __tablename__ = "articles"
    id = Column(Integer, primary_key=True)
    embedding = Column(Vector(8))
    __table_args__ = (Index("by_embedding", "embedding", postgresql_using="{using}"),)
"""
_ASKS = """
def ask(cursor):
    cursor.execute("SELECT id FROM articles WHERE embedding IS NULL")
def near(cursor, given):
    cursor.execute("SELECT id FROM articles ORDER BY embedding <=> %s LIMIT 5", (given,))
"""


@pytest.mark.parametrize("code", [_TEXT, _ALCHEMY])
@pytest.mark.parametrize(
    ("using", "ops", "fit"),
    [
        ("hnsw", " vector_cosine_ops", Fit.MISSING),
        ("ivfflat", " vector_l2_ops", Fit.MISSING),
        ("HNSW", " vector_l2_ops", Fit.MISSING),
        ("btree", "", Fit.COVERED),
        ("gist", "", Fit.COVERED),
    ],
)
def test_a_condition_is_served_by_no_index_of_pgvector(
    code: str, using: str, ops: str, fit: Fit, build: Build
) -> None:
    code = code.replace("{using}", using).replace("{ops}", ops)
    (found,) = build({"app.py": code + _ASKS}).facts(CollectionFit)
    assert [m.fit for q, m in found.fits if "embedding" in q.fields] == [fit]
    assert not found.unused
    assert not found.proposed
