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
        (" -> Store", " -> dict", True),  # so does what is put there
        ("request.app.store", "request.app.other", False),
    ],
)
def test_what_hangs_on_an_application_is_what_it_is_declared_to_be(
    before: str, after: str, told: bool, build: Build
) -> None:
    code = APP.replace(before, after)
    if not told:
        code = code.replace("db: Store", "db").replace(" -> Store", " -> dict")
    found = build({"app.py": code, "store.py": STORE}).facts(CollectionFit)
    fits = [m.fit for f in found if f.name == "account" for q, m in f.fits if q.equality == ("address",)]  # fmt: skip
    assert fits == ([Fit.MISSING] if told else [])


_MANAGER = """
from pymongo import MongoClient
class Manager:
    def connect(self):
        self.database = MongoClient()["shop"]
    def create_index(self, name, keys, **options):
        return self.database[name].create_index(keys, **options)
    def find_one(self, name, asked):
        return self.database[name].find_one(asked)
class Other:
    def create_index(self, name, keys, **options):
        return None
"""
_LIFESPAN = """
from contextlib import asynccontextmanager
from fastapi import FastAPI, Request
from manager import Manager, Other
@asynccontextmanager
async def lifespan(api: FastAPI):
    {kept} = Manager()
    {kept}.connect()
    {kept}.create_index("users", "key", unique=True)
    yield
app = FastAPI(lifespan=lifespan)
def get_db(request: Request) -> Manager:
    return request.app.manager
{more}
@app.get("/u/{{key}}")
def one(key: int, request: Request):
    return get_db(request).find_one("users", {{"key": key}})
@app.post("/u")
def add(key: int, request: Request):
    get_db(request).database["users"].insert_one({{"key": key}})
"""


@pytest.mark.parametrize(
    ("kept", "more", "fit"),
    [
        ("api.manager", "", Fit.COVERED),
        ("api.state.manager", "", Fit.COVERED),
        ("api.manager", "app.manager = None", Fit.COVERED),
        ("api.manager", "app.manager = Other()", Fit.MISSING),  # it may be that one
        ("api.extra['manager']", "", Fit.MISSING),
    ],
)
def test_indexes_that_a_store_creates_which_hangs_on_the_application(
    kept: str, more: str, fit: Fit, build: Build
) -> None:
    code = _LIFESPAN.format(kept=kept, more=more)
    found = build({"app.py": code, "manager.py": _MANAGER}).facts(CollectionFit)
    fits = [m.fit for f in found if f.name == "users" for q, m in f.fits if q.equality == ("key",)]
    assert fits == [fit]
