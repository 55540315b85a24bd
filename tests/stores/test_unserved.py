"""Handlers of FastAPI to which no request comes: a route declared before takes them, or a dependency raises."""

from __future__ import annotations

import pytest

from auditor.model.data import CollectionFit, Fit
from tests.conftest import Build

_SHOPS = """
from fastapi import APIRouter, FastAPI
from pymongo import MongoClient
app, router, other = FastAPI(), APIRouter(), APIRouter()
db = MongoClient()["town"]
@router.post("/shops")
def add(city: str):
    db.shops.insert_one({{"city": city}})
{first}
{second}
app.include_router(router)
app.include_router(other)
"""
_ONE = '@router.get("{}")\ndef one(shop_id):\n    return str(shop_id)'
_NEAR = '@router.get("{}")\ndef near(city: str):\n    return list(db.shops.find({{"city": city}}))'


def _fit(build: Build, source: str) -> Fit:
    found = build({"app.py": source}).facts(CollectionFit)
    (fit,) = {match.fit for each in found for query, match in each.fits if query.equality}
    return fit


@pytest.mark.parametrize(
    ("first", "second", "taken"),
    [
        ("/shops/{shop_id}", "/shops/near", True),
        ("/shops/{shop_id:str}", "/shops/near", True),
        ("/shops/{shop_id:path}", "/shops/near/{city}", True),
        ("/shops/{shop_id}/{city}", "/shops/{city}/near", True),
        ("/shops/{shop_id:int}", "/shops/near", False),
        ("/shops/{shop_id}", "/shops/near/all", False),
        ("/shops/{shop_id}", "/shops/", False),
        ("/shops/{shop_id}", "/shops/{rest:path}", False),
        ("/shops/id-{shop_id}", "/shops/near", False),
    ],
)
def test_a_route_declared_before_takes_the_path(
    build: Build, first: str, second: str, taken: bool
) -> None:
    source = _SHOPS.format(first=_ONE.format(first), second=_NEAR.format(second))
    assert _fit(build, source) is (Fit.COVERED if taken else Fit.MISSING)


@pytest.mark.parametrize(
    "first",
    [
        _ONE.replace("router", "other").format("/shops/{shop_id}"),  # which is included later
        _ONE.replace(".get", ".put").format("/shops/{shop_id}"),
        "if app.debug:\n    @router.get('/shops/{shop_id}')\n    def one(shop_id): ...",
        "app.router.routes.reverse()\n" + _ONE.format("/shops/{shop_id}"),
        _NEAR.replace("near", "all_near").format("/shops/all"),
    ],
)
def test_a_route_that_may_not_take_the_path(build: Build, first: str) -> None:
    source = _SHOPS.format(first=first, second=_NEAR.format("/shops/near"))
    assert _fit(build, source) is Fit.MISSING


def test_a_route_that_comes_after_takes_nothing(build: Build) -> None:
    source = _SHOPS.format(
        first=_NEAR.format("/shops/near"), second=_ONE.format("/shops/{shop_id}")
    )
    assert _fit(build, source) is Fit.MISSING


def test_a_handler_that_something_else_calls_is_run(build: Build) -> None:
    second = (
        _NEAR.format("/shops/near") + '\n@router.get("/all")\ndef every():\n    return near("x")'
    )
    source = _SHOPS.format(first=_ONE.format("/shops/{shop_id}"), second=second)
    assert _fit(build, source) is Fit.MISSING


_DESK = """
from fastapi import Depends, FastAPI
from pymongo import MongoClient
app = FastAPI()
db = MongoClient()["desk"]
class Service{base}:
    {init}
    def opened(self, owner):
        return list(db.tickets.find({{"owner": owner}}))
    def note(self, owner):
        db.tickets.insert_one({{"owner": owner}})
def get_service():
    {gives}
@app.post("/tickets")
def create_ticket(owner: str):
    db.tickets.insert_one({{"owner": owner}})
@app.get("/tickets/{{owner}}")
def list_tickets(owner: str, service: Service = Depends(get_service)):
    return service.opened(owner)
"""


@pytest.mark.parametrize(
    ("init", "gives", "fails"),
    [
        ("def __init__(self, mailer): ...", "return Service()", True),
        ("def __init__(self, mailer, clock): ...", "return Service(1)", True),
        ("def __init__(self, *, mailer): ...", "service = Service(1)\n    return service", True),
        ("def __init__(self, mailer=None): ...", "return Service()", False),
        ("def __init__(self, *mailers): ...", "return Service()", False),
        ("def __init__(self, mailer): ...", "return Service(mailer=1)", False),
        ("def __init__(self, mailer): ...", "return Service(*app.state.given)", False),
        ("@inject\n    def __init__(self, mailer): ...", "return Service()", False),
        ("def __init__(self, mailer): ...", "return app.service or Service()", False),
        ("def __init__(self, mailer): ...", "if app.debug:\n        return Service()\n    return Service(1)", False),
    ],
)  # fmt: skip
def test_a_dependency_that_makes_an_object_without_what_it_requires(
    build: Build, init: str, gives: str, fails: bool
) -> None:
    source = _DESK.format(init=init, gives=gives, base="")
    source = source.replace(
        "import MongoClient", "import MongoClient\nfrom elsewhere import inject"
    )
    assert _fit(build, source) is (Fit.COVERED if fails else Fit.MISSING)


def test_a_constructor_that_another_class_may_stand_before(build: Build) -> None:
    source = _DESK.format(init="def __init__(self, mailer): ...", gives="return Service()", base="(metaclass=Single)")  # fmt: skip
    assert _fit(build, "from elsewhere import Single\n" + source) is Fit.MISSING


@pytest.mark.parametrize(
    ("path", "fit"), [("/rooms/book_room/<room>", Fit.COVERED), ("Desk.book_room", Fit.MISSING)]
)
def test_the_path_of_a_route_names_no_method(build: Build, path: str, fit: Fit) -> None:
    source = f"""
from flask import Flask
from pymongo import MongoClient
app = Flask(__name__)
db = MongoClient()["hotel"]
class Desk:
    @staticmethod
    def book_room(guest):
        return db.guests.find_one({{"name": guest}})
@app.route("/rooms")
def rooms():
    db.guests.insert_one({{"name": "x"}})
    return {path!r}
"""
    assert _fit(build, source) is fit


_PARCELS = """
from typing import Annotated
from fastapi import Depends, FastAPI, HTTPException
from pymongo import MongoClient
app = FastAPI()
db = MongoClient()["post"]
{before}
async def who(token: str):
    {gives}
def boss(user: dict = Depends(who)):
    if not user.get("is_boss"):
        raise HTTPException(403)
    return user
@app.post("/parcels")
def add(city: str):
    db.parcels.insert_one({{"city": city}})
@app.get("/parcels")
def in_city(city: str, user: {takes}):
    {guard}
    return list(db.parcels.find({{"city": city}}))
"""
_GIVES = "return {'uid': token, 'role': token[:1], 'kind': 'guest'}"
_GUARD = "if not user.get('is_boss'):\n        raise HTTPException(403)"


@pytest.mark.parametrize(
    ("guard", "more", "passes"),
    [
        (_GUARD, {}, False),
        (_GUARD, {"takes": "Annotated[dict, Depends(who)]"}, False),
        (_GUARD, {"gives": "user = {'uid': token}\n    return user"}, False),
        (_GUARD, {"gives": "if token:\n        return {'uid': token}\n    return {'uid': None}"}, False),
        ("if user.get('is_boss') != 1:\n        raise HTTPException(403)", {}, False),
        ("if 'is_boss' not in user:\n        raise HTTPException(403)", {}, False),
        ("if user.get('kind') != 'boss':\n        raise HTTPException(403)", {}, False),
        ("", {"takes": "dict = Depends(boss)"}, False),
        ("if user.get('role') != 'b':\n        raise HTTPException(403)", {}, True),
        ("if user.get('kind') != 'guest':\n        raise HTTPException(403)", {}, True),
        ("if not user.get('is_boss', True):\n        raise HTTPException(403)", {}, True),
        (_GUARD, {"gives": "return {'uid': token, **app.state.all}"}, True),
        (_GUARD, {"gives": "user = {'uid': token}\n    app.state.enrich(user)\n    return user"}, True),
        (_GUARD, {"gives": "if token:\n        return {'uid': token}\n    return decode(token)"}, True),
        (_GUARD, {"gives": "yield {'uid': token}"}, True),
        (_GUARD, {"before": "def enrich(user):\n    user['is_boss'] = True"}, True),
        (_GUARD, {"before": "def enrich(user):\n    user.update(is_boss=True)"}, True),
        (_GUARD, {"before": "@elsewhere"}, True),
        (_GUARD, {"before": "def of_all(city):\n    return in_city(city, {'is_boss': True})"}, True),
        (_GUARD, {"before": "app.dependency_overrides[who] = None"}, True),
        (f"user = dict(user, is_boss=True)\n    {_GUARD}", {}, True),
        (f"user.update(app.state.all)\n    {_GUARD}", {}, True),
    ],
)  # fmt: skip
def test_a_guard_that_asks_what_a_dependency_gives_for_a_key_that_it_has_not(
    build: Build, guard: str, more: dict[str, str], passes: bool
) -> None:
    parts = {"before": "", "gives": _GIVES, "takes": "dict = Depends(who)", **more}
    assert _fit(build, _PARCELS.format(guard=guard, **parts)) is (Fit.MISSING if passes else Fit.COVERED)  # fmt: skip
