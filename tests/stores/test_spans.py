"""What is asked to be more than 0, and nothing else: how much that finds, the code does not tell."""

from __future__ import annotations

import pytest

from auditor.model.data import CollectionFit, Fit
from tests.conftest import Build
from tests.stores.test_mongodb import HEAD
from tests.stores.test_sql_shapes import PEEWEE, TORTOISE

SCHEMA = (
    "CREATE TABLE item (id INT PRIMARY KEY, owner INT, stock INT, price NUMERIC, live BOOLEAN);\n"
)
BEANIE = """
from beanie import Document, init_beanie
class Item(Document):
    stock: int
async def start(database):
    await init_beanie(database=database, document_models=[Item])
"""
ENGINE = "import mongoengine as me\nclass Item(me.Document):\n    stock = me.IntField()\n"
SQLALCHEMY = """
from sqlalchemy import Column, Integer, select
from sqlalchemy.orm import declarative_base
Base = declarative_base()
class Item(Base):
    __tablename__ = "item"
    id = Column(Integer, primary_key=True)
    stock = Column(Integer)
"""


def _fits(build: Build, files: dict[str, str]) -> list[tuple[str, bool]]:
    found = [m for f in build(files).facts(CollectionFit) for _, m in f.fits]
    return [(m.fit.value, "more than 0" in m.why) for m in found]


@pytest.mark.parametrize(
    ("rest", "told"),
    [
        ("stock > 0", False),
        ("0 < stock", False),
        ("stock >= 1", False),
        ("stock > 0 AND price >= 0", False),
        ("live AND stock > 0", False),
        ("stock < 5", True),
        ("stock <= 0", True),
        ("stock = 0", True),
        ("stock > 1", True),
        ("0 > stock", True),
        ("NOT stock > 0", True),
        ("stock > 0 AND stock < 5", True),
        ("stock > 0 AND owner = %s", True),
        ("stock > 0 ORDER BY price LIMIT 3", True),
        ("stock > %s", True),
    ],
)
def test_a_column_of_statements(rest: str, told: bool, build: Build) -> None:
    code = f'def ask(cursor, x):\n    cursor.execute("SELECT id FROM item WHERE {rest}", (x,))\n'
    found = _fits(build, {"app.py": code, "schema.sql": SCHEMA})
    assert found == [(Fit.MISSING.value, False) if told else (Fit.UNKNOWN.value, True)]


CASES = {
    "SQLAlchemy": (SQLALCHEMY, "session.execute(select(Item).where(Item.stock {})).all()"),
    "SQLAlchemy, by filter": (SQLALCHEMY, "session.query(Item).filter(Item.stock {}).all()"),
    "Peewee": (PEEWEE, "list(Post.select().where(Post.views {}))"),
    "Beanie": (BEANIE, "Item.find(Item.stock {}).to_list()"),
}
NAMED = {
    "Tortoise": (TORTOISE, "await Post.filter(views__{}).all()"),
    "MongoEngine": (ENGINE, "list(Item.objects(stock__{}))"),
}


@pytest.mark.parametrize(("way", "told"), [("> 0", False), (">= 1", False), ("< 5", True), ("<= 0", True)])  # fmt: skip
@pytest.mark.parametrize("case", CASES)
def test_an_attribute(case: str, way: str, told: bool, build: Build) -> None:
    models, asks = CASES[case]
    code = f"{models}\nasync def ask(session):\n    return {asks.format(way)}\n"
    assert _fits(build, {"app.py": code}) == [("missing", False) if told else ("unknown", True)]


@pytest.mark.parametrize(("way", "told"), [("gt=0", False), ("gte=1", False), ("lt=5", True), ("gt=5", True)])  # fmt: skip
@pytest.mark.parametrize("case", NAMED)
def test_a_lookup_by_its_name(case: str, way: str, told: bool, build: Build) -> None:
    models, asks = NAMED[case]
    code = f"{models}\nasync def ask():\n    return {asks.format(way)}\n"
    assert _fits(build, {"app.py": code}) == [("missing", False) if told else ("unknown", True)]


@pytest.mark.parametrize(("way", "told"), [("gt=0", False), ("lte=0", True)])
def test_a_lookup_of_django(way: str, told: bool, build: Build) -> None:
    models = "from django.db import models\nclass Item(models.Model):\n    stock = models.IntegerField()\n"
    code = f"from shop.models import Item\ndef ask():\n    return list(Item.objects.filter(stock__{way}))\n"
    found = _fits(build, {"shop/models.py": models, "shop/views.py": code})
    assert found == [("missing", False) if told else ("unknown", True)]


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("{'stock': {'$gt': 0}}", False),
        ("{'stock': {'$gte': 1}}", False),
        ("{'stock': {'$gt': 0, '$lt': 5}}", True),
        ("{'stock': {'$lt': 5}}", True),
        ("{'stock': 0}", True),
        ("{'stock': {'$gt': 0}, 'owner': x}", True),
    ],
)
def test_a_filter_of_mongodb(asked: str, told: bool, build: Build) -> None:
    code = f"{HEAD}\n@app.post('/i')\nasync def add(x: int):\n    await db.items.insert_one({{'stock': x, 'owner': x}})\n@app.get('/i')\nasync def ask(x: int):\n    return await db.items.find({asked}).to_list(None)\n"
    found = _fits(build, {"app.py": code})
    assert found == [("missing", False) if told else ("unknown", True)]
