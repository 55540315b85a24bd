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
        ("Item.least > select(func.avg(Store.amount)).where(Store.item_id == item.id).scalar_subquery()", ("least",)),
        ("Item.least > select(func.avg(Store.amount)).where(Store.item_id == Item.id).scalar_subquery()", ()),
        ("Item.least > session.query(Store.amount).filter(Store.item_id == Item.id).scalar_subquery()", ()),
    ],
)  # fmt: skip
def test_what_a_record_holds_against_itself_is_no_field_to_search_by(
    asked: str, told: tuple[str, ...], build: Build
) -> None:
    found = build({"app.py": _STOCKED.replace("{asked}", asked)}).facts(Query)
    own = [q for q in found if q.collection == "items" and q.operation == "select"]
    assert {(q.range, q.unresolved) for q in own} == {(told, "")}


_LOADED = """
from sqlalchemy import Column, ForeignKey, Integer, String
from sqlalchemy.orm import declarative_base, joinedload, relationship, selectinload, subqueryload
Base = declarative_base()
class Writer(Base):
    __tablename__ = "writers"
    id = Column(Integer, primary_key=True)
    posts = relationship("Post", back_populates="writer")
class Post(Base):
    __tablename__ = "posts"
    id = Column(Integer, primary_key=True)
    writer_id = Column(ForeignKey("writers.id"), index=True)
    title = Column(String, index=True)
    writer = relationship("Writer", back_populates="posts")
    photos = relationship("Photo", back_populates="post")
class Photo(Base):
    __tablename__ = "photos"
    id = Column(Integer, primary_key=True)
    post_id = Column(ForeignKey("posts.id"))
    post = relationship("Post", back_populates="photos")
def ask(db, n):
    return db.query({asked}
"""


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("Post).options(joinedload(Post.photos)).filter(Post.title == n).first()", {("post_id",)}),
        ("Post).options(joinedload(Post.photos)).filter(Post.title == n).all()", {("post_id",)}),
        ("Post).options(subqueryload(Post.photos)).filter(Post.title == n).all()", {("post_id",)}),
        ("Post).options(joinedload(Post.photos)).limit(10).all()", {("post_id",)}),
        ("Post).options(joinedload(Post.photos)).get(n)", {("post_id",)}),
        (
            "Writer).options(joinedload(Writer.posts).joinedload(Post.photos)).filter_by(id=n).one()",
            {("post_id",)},
        ),
        (
            "Writer).options(selectinload(Writer.posts).joinedload(Post.photos)).all()",
            {("post_id",)},
        ),
        ("Post).options(selectinload(Post.photos)).all()", {("post_id",)}),  # for each 500 anew
        ("Post).options(subqueryload(Post.photos)).all()", {()}),
        ("Post).options(joinedload(Post.photos)).all()", {()}),
        ("Post).options(joinedload(Post.photos)).filter(Post.title == n).count()", set()),
        ("Post).options(joinedload(Post.writer)).filter(Post.title == n).all()", set()),
    ],
)
def test_what_is_loaded_with_objects_is_looked_up_by_its_key_to_them(
    asked: str, told: set[tuple[str, ...]], build: Build
) -> None:
    """SQLAlchemy 2.0 joins it to the objects that are found; all of them are joined with all of it."""
    found = build({"app.py": _LOADED.replace("{asked}", asked)}).facts(Query)
    assert {q.equality for q in found if q.collection == "photos"} == told
    assert not any(q.unresolved for q in found)


@pytest.mark.parametrize("function", ["extract('year', Post.made)", "func.year(Post.made)"])
def test_a_part_of_a_date_is_a_function_of_its_column(function: str, build: Build) -> None:
    code = f"""
from sqlalchemy import Column, Date, Integer, String, extract, func, select
from sqlalchemy.orm import declarative_base
Base = declarative_base()
class Post(Base):
    __tablename__ = "posts"
    id = Column(Integer, primary_key=True)
    made = Column(Date)
    state = Column(String)
def ask(session, year):
    return session.scalars(select(Post).where({function} == year, Post.state == "out")).all()
"""
    ((found),) = build({"app.py": code}).facts(Query)
    assert (found.equality, found.scanned, found.unresolved) == (("state",), ("made",), "")


def test_a_join_that_some_runs_add_stays_where_another_condition_follows(build: Build) -> None:
    asked = """Post)
    if n.writer:
        query = query.join(Writer, Writer.id == Post.writer_id).filter(Writer.name == n.writer)
    if n.title:
        query = query.filter(Post.title == n.title)
    if n.id:
        query = query.filter(Post.id == n.id)
    return query.all()"""
    code = _LOADED.replace("return db", "query = db").replace("{asked}", asked)
    code = code.replace("    posts =", "    name = Column(String)\n    posts =")
    found = build({"app.py": code}).facts(Query)
    assert ("name",) in {q.equality for q in found if q.collection == "writers"}
