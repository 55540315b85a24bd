"""A database or collection whose truth is tested: PyMongo 4 raises, and what stands behind is never asked."""

from __future__ import annotations

import pytest

from auditor.model.data import Query
from tests.conftest import Build

_STORE = """
from fastapi import FastAPI
from motor.motor_asyncio import AsyncIOMotorClient
app = FastAPI()
class Store:
    client = None
    db = {first}
    async def connect(self):
        self.client = AsyncIOMotorClient("mongodb://localhost")
        self.db = self.client.get_database("shop")
store = Store()
leads = AsyncIOMotorClient().shop.leads
async def of(store, owner, given=None):
    {body}
@app.get("/leads")
async def ask(owner):
    return await of(store, owner)
"""
_ASK = "return await store.db.leads.find_one({'owner': owner})"


@pytest.mark.parametrize(
    ("body", "tested"),
    [
        (f"if not store.db:\n    return []\n{_ASK}", "store.db"),
        (f"if store.db:\n    {_ASK}", "store.db"),
        (f"if not owner or not store.db:\n    return []\n{_ASK}", "store.db"),
        (f"if store.db and owner:\n    try:\n        {_ASK}\n    except OSError:\n        pass", "store.db"),
        ("if not leads:\n    raise OSError\nreturn await leads.find_one({'owner': owner})", "leads"),
        # it may be asked
        (f"if store.db is None:\n    return []\n{_ASK}", ""),
        (f"if not store.client:\n    return []\n{_ASK}", ""),
        (f"if not store.db:\n    store.db = given\n{_ASK}", ""),
        (f"if not store.db:\n    print(owner)\nelse:\n    pass\nstore.db = given\n{_ASK}", ""),
        (f"if not owner and not store.db:\n    return []\n{_ASK}", ""),
        (f"if owner or store.db:\n    {_ASK}", ""),
        (f"try:\n    if not store.db:\n        return []\nexcept NotImplementedError:\n    pass\n{_ASK}", ""),
        (f"if not given:\n    return []\n{_ASK}", ""),
        ("db = given or leads\nif not db:\n    return []\nreturn await db.find_one({'owner': owner})", ""),
    ],
)  # fmt: skip
def test_the_truth_of_a_database(body: str, tested: str, build: Build) -> None:
    code = _STORE.format(first=None, body=body.replace("\n", "\n    "))
    (query,) = build({"app.py": code, "requirements.txt": "motor==3.5.1\n"}).facts(Query)
    assert (query.unresolved.partition(" is tested")[0] == f"`{tested}`") == bool(tested)
    assert bool(query.unresolved) == bool(tested)


@pytest.mark.parametrize(
    ("first", "requirements"),
    [("None", "motor==2.5.1\n"), ("None", "motor\n"), ("Fake()", "motor==3.5.1\n")],
)
def test_a_truth_that_may_be_told(first: str, requirements: str, build: Build) -> None:
    code = _STORE.format(first=first, body=f"if not store.db:\n        return []\n    {_ASK}")
    (query,) = build({"app.py": code, "requirements.txt": requirements}).facts(Query)
    assert not query.unresolved
