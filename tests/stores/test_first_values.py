"""What most records may have: how many do, the code does not tell."""

from __future__ import annotations

import pytest

from auditor.model.data import CollectionFit, Fit
from tests.conftest import Build

PEOPLE = """
import enum
from fastapi import FastAPI
from sqlalchemy import Column, Enum, Integer, String, create_engine
from sqlalchemy.orm import declarative_base, sessionmaker
Base = declarative_base()
Session = sessionmaker(create_engine("postgresql://localhost/x"))
app = FastAPI()
class Kind(str, enum.Enum):
    GUEST = "guest"
    MEMBER = "member"
    STAFF = "staff"
class Person(Base):
    __tablename__ = "people"
    id = Column(Integer, primary_key=True)
    name = Column(String(50))
    role = Column(String(10), default="member")
    kind = Column(Enum(Kind), default=Kind.GUEST)
    status = Column(String(10), default="waiting")
    size = Column(Enum("s", "m", "l"))
    colour = Column(Enum("red", "green", "blue", "grey", "black", "white"))
    phase = Column(Enum("asked", "given", "done"))
@app.post("/people")
def add(name: str, role: str):
    with Session() as db:
        db.add(Person(name=name, role=role))
@app.get("/people")
def people(given: str):
    with Session() as db:
        return db.query(Person).filter(%s).all()
"""
MOST = "it asks for a {} that most records may have: how many do, the code does not tell"


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ("Person.role == 'member'", "role"),
        ("Person.kind == Kind.GUEST", "kind"),
        ("Person.status == 'completed'", "status"),
        ("Person.role == 'user'", "role"),
        ("Person.phase.in_(['asked', 'given'])", "phase"),
        ("Person.size.in_(['s', 'm'])", "size"),
    ],
)
def test_what_most_records_may_have(asked: str, field: str, build: Build) -> None:
    (match,) = [m for f in build({"app.py": PEOPLE % asked}).facts(CollectionFit) for _, m in f.fits]  # fmt: skip
    assert (match.fit, match.why) == (Fit.UNKNOWN, MOST.format(field))


@pytest.mark.parametrize("asked", ["Person.size == given", "Person.size.in_(given)"])
def test_one_of_a_few_values(asked: str, build: Build) -> None:
    (match,) = [m for f in build({"app.py": PEOPLE % asked}).facts(CollectionFit) for _, m in f.fits]  # fmt: skip
    assert (
        match.why
        == "size takes one of 3 values: how many records have one of them, the code does not tell"
    )


@pytest.mark.parametrize(
    "asked",
    [
        "Person.role == 'staff'",
        "Person.role == given",
        "Person.colour == given",
        "Person.phase == given",
        "Person.size == given, Person.name == given",
        "Person.status == 'waiting'",
        "Person.role == 'member', Person.name == given",
    ],
)
def test_what_tells_some_records_from_others(asked: str, build: Build) -> None:
    found = build({"app.py": PEOPLE % asked}).facts(CollectionFit)
    assert [m.fit for f in found for _, m in f.fits] == [Fit.MISSING]


def test_with_the_first_few_in_an_order_an_index_helps(build: Build) -> None:
    source = (PEOPLE % "Person.role == 'member'").replace(".all()", ".order_by(Person.name).limit(9).all()")  # fmt: skip
    found = build({"app.py": source}).facts(CollectionFit)
    assert [m.fit for f in found for _, m in f.fits] == [Fit.MISSING]


ORDERS = """
from fastapi import FastAPI
from motor.motor_asyncio import AsyncIOMotorClient
app = FastAPI()
db = AsyncIOMotorClient()["shop"]
@app.post("/orders")
async def add(order: dict):
    await db.orders.insert_one(order)
@app.get("/orders")
async def orders(given: str):
    return await db.orders.find({%s}).to_list(None)
"""


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ('"status": "delivered"', Fit.UNKNOWN),
        ('"status": "SETTLED"', Fit.UNKNOWN),
        ('"status": "pending"', Fit.MISSING),
        ('"status": given', Fit.MISSING),
        ('"status": "delivered", "of": given', Fit.MISSING),
    ],
)
def test_what_most_documents_may_have(asked: str, expected: Fit, build: Build) -> None:
    found = build({"app.py": ORDERS % asked}).facts(CollectionFit)
    assert [m.fit for f in found for q, m in f.fits if q.operation == "find"] == [expected]


@pytest.mark.parametrize(
    ("listed", "asked", "expected"),
    [
        ("VALID_TAX_TYPES = {'sales', 'use', 'lodging'}", "tax_type", Fit.UNKNOWN),
        ("_ALLOWED_TAX_TYPES = ('sales', 'use', 'lodging')", "tax_type", Fit.UNKNOWN),
        ("TAX_TYPE_CHOICES = [('s', 'Sales'), ('u', 'Use'), ('l', 'Lodging')]", "tax_type", Fit.UNKNOWN),
        ("VALID_TAX_TYPES = frozenset({'sales', 'use', 'lodging'})", "tax_type", Fit.UNKNOWN),
        ("class Given(BaseModel):\n    tax_type: Literal['sales', 'use', 'lodging']", "tax_type", Fit.UNKNOWN),
        ("class Given(BaseModel):\n    tax_type: str", "tax_type", Fit.MISSING),
        ("VALID_TAX_TYPES = {'a', 'b', 'c', 'd', 'e', 'f'}", "tax_type", Fit.MISSING),
        ("from elsewhere import read\nVALID_TAX_TYPES = set(read())", "tax_type", Fit.MISSING),
        ("valid_tax_types = {'sales', 'use', 'lodging'}", "tax_type", Fit.MISSING),  # no constant
        ("VALID_TYPES = {'sales', 'use', 'lodging'}", "tax_type", Fit.MISSING),
        ("VALID_STATUSES = {'open', 'held', 'done'}", "status", Fit.MISSING),  # what records soon leave
    ],
)  # fmt: skip
def test_one_of_a_few_values_of_documents(
    listed: str, asked: str, expected: Fit, build: Build
) -> None:
    source = ORDERS % f'"{asked}": given'
    source = f"from typing import Literal\nfrom pydantic import BaseModel\n{listed}\n{source}"
    found = build({"app.py": source}).facts(CollectionFit)
    assert [m.fit for f in found for q, m in f.fits if q.fields] == [expected]


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ("sold", "sold alone finds too much for an index to help"),
        ("None", "how many records have sold = None is not told"),
    ],
)
def test_what_a_caller_need_not_send_is_no_constant(asked: str, why: str, build: Build) -> None:
    code = f"""
from fastapi import Depends, FastAPI
from pydantic import BaseModel
from tortoise import fields
from tortoise.models import Model
app = FastAPI()
class Product(Model):
    sold = fields.BooleanField(default=True)
class Params(BaseModel):
    every: bool | None = None
@app.get("/")
async def ask(params: Params = Depends()):
    sold = params.every
    if sold is not None:
        return await Product.filter(sold={asked}).count()
"""
    (found,) = [c for c in build({"app.py": code}).facts(CollectionFit) if c.name == "product"]
    assert [m.why for q, m in found.fits if "sold" in q.equality] == [why]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ('"left_at": None', Fit.UNKNOWN),
        ('"table": None', Fit.UNKNOWN),
        ('"deleted_at": None', Fit.COVERED),  # nearly all
        ('"left_at": None, "made_at": {"$lt": given}', Fit.MISSING),
        ('"left_at": given', Fit.MISSING),
    ],
)
def test_documents_without_a_field(asked: str, expected: Fit, build: Build) -> None:
    found = build({"app.py": ORDERS % asked}).facts(CollectionFit)
    assert [m.fit for f in found for q, m in f.fits if q.equality] == [expected]
