"""A collection that FastAPI gives a parameter by its type."""

from __future__ import annotations

import pytest

from auditor.model.data import CollectionFit, Fit
from tests.conftest import Build

APP = """
from typing import Annotated
from fastapi import Depends, FastAPI
from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorCollection
db = AsyncIOMotorClient()["shop"]
app = FastAPI()
def pick(name: str) -> AsyncIOMotorCollection:
    return db[name]
def pick_dep(name: str):
    def inner() -> AsyncIOMotorCollection:
        return pick(name)
    return inner
def get_owners():
    return db["owners"]
def other() -> AsyncIOMotorCollection:
    return db[input()]
Owners = Annotated[AsyncIOMotorCollection, Depends(get_owners)]
@app.get("/owners/{mail}")
async def owner(mail: str, kept: Annotated[AsyncIOMotorCollection, Depends(pick_dep("owners"))]):
    return await kept.find_one({"mail": mail})
@app.post("/owners")
async def add(body: dict):
    await pick("owners").insert_one(body)
"""
_INJECTED = 'Annotated[AsyncIOMotorCollection, Depends(pick_dep("owners"))]'
_ASKED = 'return await kept.find_one({"mail": mail})'


@pytest.mark.parametrize(
    ("before", "after", "name"),
    [
        ("", "", "owners"),
        ('pick_dep("owners")', "get_owners", "owners"),
        (_INJECTED, "Owners", "owners"),
        (_ASKED, 'kept = [x async for x in kept.find({"mail": mail})]', "owners"),  # later a list
        (_ASKED, f"kept = other()\n    {_ASKED}", ""),  # another one by then
        ('pick_dep("owners")', "other", ""),
        (_INJECTED, "AsyncIOMotorCollection", ""),  # whoever calls it hands it on
    ],
)
def test_what_is_injected_by_a_type_is_what_the_dependency_gives(
    before: str, after: str, name: str, build: Build
) -> None:
    found = build({"main.py": APP.replace(before, after)}).facts(CollectionFit)
    fits = [(f.name, m.fit) for f in found for q, m in f.fits if q.equality == ("mail",)]
    assert fits == [(name, Fit.MISSING if name else Fit.UNKNOWN)]
