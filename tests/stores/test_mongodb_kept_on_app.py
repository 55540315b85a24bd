"""A store that hangs on the application, got by a function that says what it is."""

from __future__ import annotations

import pytest

from auditor.model.data import CollectionFit, Fit
from tests.conftest import Build

STORE = """
from pymongo import MongoClient
class Store:
    def __init__(self, url, name):
        self.url, self.name, self._database = url, name, None
    @property
    def database(self):
        if self._database is None:
            self._database = MongoClient(self.url)[self.name]
        return self._database
    def find_one(self, collection_name, asked):
        return self.database[collection_name].find_one(asked)
"""
APP = """
from fastapi import Depends, FastAPI, Request
from store import Store
app = FastAPI()
@app.on_event("startup")
def startup():
    app.store = Store("mongodb://localhost", "shop")
def get_db(request: Request) -> Store:
    return request.app.store
@app.get("/accounts/{address}")
def account(address: str, db: Store = Depends(get_db)):
    return db.find_one("account", {"address": address})
@app.post("/accounts/{address}")
def new(address: str, db: Store = Depends(get_db)):
    db.database["account"].insert_one({"address": address})
"""


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("", "", True),
        ("app.store", "app.state.store", True),
        ("request.app.store", "request.state.store", True),
        (" -> Store", "", True),  # the parameter says it too
        ("db: Store", "db", True),
        (" -> Store", " -> dict", False),
    ],
)
def test_what_hangs_on_an_application_is_what_it_is_declared_to_be(
    before: str, after: str, told: bool, build: Build
) -> None:
    code = APP.replace(before, after)
    if not told:
        code = code.replace("db: Store", "db")
    found = build({"app.py": code, "store.py": STORE}).facts(CollectionFit)
    fits = [m.fit for f in found if f.name == "account" for q, m in f.fits if q.equality == ("address",)]  # fmt: skip
    assert fits == ([Fit.MISSING] if told else [])
