"""A filter that a helper takes as a dict, or makes of a text."""

from __future__ import annotations

import pytest

from auditor.model.data import CollectionFit
from tests.conftest import Build

APP = """
from fastapi import FastAPI
from motor.motor_asyncio import AsyncIOMotorClient
db = AsyncIOMotorClient()["shop"]
app = FastAPI()
async def fetch(query: str | dict):
    if isinstance(query, str):
        query = {"key": query}
    elif not isinstance(query, dict):
        raise ValueError()
    return await db.owners.find_one(query)
@app.get("/by-key/{key}")
async def by_key(key: str):
    return await fetch(key)
@app.get("/by-mail/{mail}")
async def by_mail(mail: str):
    return await fetch({"mail": mail})
@app.post("/owners")
async def add(body: dict):
    await db.owners.insert_one(body)
"""
_CHECKED = """    elif not isinstance(query, dict):
        raise ValueError()
"""


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("", "", {("key",), ("mail",)}),
        (_CHECKED, "", {("key",), ("mail",)}),
        ("fetch(key)", 'fetch("main")', {("key",), ("mail",)}),
        ("fetch(key)", 'fetch({"mail": key})', {("mail",)}),  # no text comes to it
        ('{"mail": mail}', "mail", {("key",)}),  # no dict does
        (
            'fetch({"mail": mail})',
            'fetch({"mail": mail} if mail else key)',
            {("key",), ("mail",)},
        ),
    ],
)
def test_each_caller_takes_the_way_of_what_it_hands_on(
    before: str, after: str, told: set[tuple[str, ...]], build: Build
) -> None:
    found = build({"main.py": APP.replace(before, after)}).facts(CollectionFit)
    asked = {q.equality for f in found for q, _ in f.fits if q.operation == "find_one" and q.equality}  # fmt: skip
    assert asked == told
