"""Ways of a function that no call of it takes, and tests of one value in several places."""

from __future__ import annotations

import pytest

from auditor.model.data import CollectionFit, Fit
from tests.conftest import Build

_DJANGO = """
from django.db import models
class Note(models.Model):
    user_id = models.CharField(max_length=50, db_index=True)
    state = models.CharField(max_length=50)
"""
_ASKS = """
def find(user_id=None, state=None):
    asked = Note.objects.all()
    if user_id:
        asked = asked.filter(user_id=user_id)
    if state:
        asked = asked.filter(state=state)
    return list(asked)
"""
_STORE = """
class Store{base}:
    {decorator}
    def get({first}, given, model=None):
        {before}
        if model is None:
            return list(Note.objects.filter(user_id=given))
        else:
            return list(Note.objects.filter(state=given))
    def post(self, request):
        return {call}
"""
_TESTS = """
def ask(request, given):
    state = {state}
    user = request.GET.get("user")
    asked = Note.objects.all()
    {body}
    return list(asked)
"""
_ALL, _STATE, _USER, _BOTH = (), ("state",), ("user_id",), ("user_id", "state")


def _asked(text: str, build: Build) -> set[tuple[str, ...]]:
    found = build({"app/models.py": _DJANGO + text, "requirements.txt": "django"})
    return {q.equality for c in found.facts(CollectionFit) for q, _ in c.fits}


@pytest.mark.parametrize(
    ("calls", "shapes"),
    [
        ("def one(user, s):\n    return find(user_id=user.id, state=s)", {_USER, _BOTH}),
        ("def one(user, s):\n    key = str(user.id)\n    return find(key, s)", {_USER, _BOTH}),
        ("def one(user_id: int, s):\n    return find(user_id, s)", {_USER, _BOTH}),
        ("@app.get('/of/<int:user_id>')\ndef one(user_id, s):\n    return find(user_id, s)", {_USER, _BOTH}),
        ("def one(user_id: int | None, s):\n    return find(user_id, 'x')", {_STATE, _BOTH}),
        ("def one(given, s):\n    return find(str(given), 'x')", {_STATE, _BOTH}),
        ("def one(note, s):\n    return find(note.user_id, 'x')", {_STATE, _BOTH}),
        ("def one(user, s):\n    return find(user.id, s)\ndef two(s):\n    return find(state=s)", {_ALL, _STATE, _USER}),
        ("def one(user, s):\n    return find(user.id, s)\nHANDLERS = [find]", {_ALL, _STATE, _USER}),
        ("def one(user, s):\n    key = user.id\n    if s:\n        key = None\n    return find(key, 'x')", {_STATE, _BOTH}),
        # handed on from call to call
        ("def on(who=None, s=None):\n    return find(who, s)\ndef one(user):\n    return on(user.id, 'x')", {_BOTH}),
        ("def on(who=None, s=None):\n    return find(who, s)\ndef one(user):\n    return on(user.id)", {_USER}),
        ("def on(who=None, s=None):\n    return find(who, s)\ndef one(user):\n    return on(s='x')", {_STATE}),
        ("def on(who=None, s=None):\n    who = given(who)\n    return find(who, s)\ndef one(user):\n    return on(user.id, 'x')", {_STATE, _BOTH}),
        ("@app.get('/')\ndef on(who=None, s=None):\n    return find(who, s)\ndef one(user):\n    return on(user.id, 'x')", {_ALL, _STATE, _USER}),
        # tested where the call stands
        ("def one(s=None):\n    if s:\n        return find(state=s)", {_STATE}),
        ("def one(user, s=None):\n    if user and not s:\n        return\n    with user:\n        return find(state=s)", {_ALL, _STATE}),
        ("def one(user, s=None):\n    if user or not s:\n        return\n    with user:\n        return find(state=s)", {_STATE}),
        ("def one(s=None):\n    return find(state=s) if s else []", {_STATE}),
        ("def one(s=None):\n    return [] if s else find(state=s)", {_ALL, _STATE}),
        ("def one(s=None):\n    if s is None:\n        return find(state=s)", {_ALL}),
        ("def one(s=None):\n    if s is not None:\n        return find(state=s)", {_ALL, _STATE}),
        ("def one(s=None):\n    if s:\n        print(s)\n    return find(state=s)", {_ALL, _STATE}),
        ("def one(s=None):\n    if s:\n        s = other(s)\n        return find(state=s)", {_ALL, _STATE}),
        ("def one(s=None):\n    if s:\n        return lambda: find(state=s)\ndef two(s):\n    return find(state=s)", {_ALL, _STATE}),
        # who is signed in
        ("@jwt_required()\ndef one():\n    who = get_jwt_identity()\n    return find(who, 'x')", {_BOTH}),
        ("@jwt_required()\ndef one():\n    return find(get_jwt_identity(), 'x')", {_BOTH}),
        ("@jwt_required(optional=True)\ndef one():\n    return find(get_jwt_identity(), 'x')", {_STATE, _BOTH}),
        ("def one():\n    return find(get_jwt_identity(), 'x')", {_STATE, _BOTH}),
    ],
)  # fmt: skip
def test_what_every_call_gives_is_asked_for(
    calls: str, shapes: set[tuple[str, ...]], build: Build
) -> None:
    assert _asked(f"{_ASKS}{calls}\n", build) == shapes


@pytest.mark.parametrize(
    ("decorator", "param", "shapes"),
    [
        ("app.get('/')", "state: str", {_STATE}),
        ("app.get('/')", "state: str = 'open'", {_STATE}),
        ("app.get('/')", "state: str = Query('open', max_length=9)", {_STATE}),
        ("app.get('/')", "state: str = Query(..., max_length=9)", {_STATE}),
        ("app.get('/')", "state: str = None", {_ALL, _STATE}),
        ("app.get('/')", "state: str | None = 'open'", {_ALL, _STATE}),
        ("app.get('/')", "state: str = Query(None)", {_ALL, _STATE}),
        ("app.get('/')", "state: str = STATE", {_ALL, _STATE}),
        ("app.get('/')", "state='open'", {_ALL, _STATE}),
        ("traced('/')", "state: str", {_ALL, _STATE}),
    ],
)
def test_what_fastapi_checks_is_never_none(
    decorator: str, param: str, shapes: set[tuple[str, ...]], build: Build
) -> None:
    asks = _ASKS.replace("if state:", "if state is not None:")
    assert _asked(f"{asks}@{decorator}\ndef one({param}):\n    return find(state=state)\n", build) == shapes  # fmt: skip
    truth = {_ALL, _STATE}  # it may be empty
    assert _asked(f"{_ASKS}@{decorator}\ndef one({param}):\n    return find(state=state)\n", build) == truth  # fmt: skip


@pytest.mark.parametrize(
    ("base", "decorator", "before", "call", "shapes"),
    [
        ("", "", "", "self.get(request)", {_USER}),
        ("", "@classmethod", "", "Store.get(request)", {_USER}),
        ("", "@staticmethod", "", "Store.get(request)", {_USER}),
        ("(View)", "@staticmethod", "", "Store.get(request)", {_USER}),
        ("", "@cached", "", "self.get(request)", {_USER, _STATE}),
        ("", "@classmethod", "", "Store.get(request, 1)", {_STATE}),
        ("(View)", "", "", "self.get(request)", {_USER, _STATE}),  # which may call it itself
        ("", "", "model = model or given.model", "self.get(request)", {_USER, _STATE}),
    ],
)
def test_what_no_call_gives_is_what_it_is_by_default(
    base: str, decorator: str, before: str, call: str, shapes: set[tuple[str, ...]], build: Build
) -> None:
    first = "given_first" if "static" in decorator else "cls" if "class" in decorator else "self"
    text = _STORE.replace("{first}, ", "") if "static" in decorator else _STORE
    text = text.format(base=base, decorator=decorator, before=before or "pass", call=call, first=first)  # fmt: skip
    assert _asked(f"from django.views import View\n{text}", build) == shapes


_GUARD = "if not state and not user:\n        return []\n    "
_EITHER = "if state and not user:\n        asked = asked.filter(state=state)\n    if user:\n        asked = asked.filter(user_id=user)"


@pytest.mark.parametrize(
    ("state", "body", "shapes"),
    [
        ("request.GET.get('state')", _GUARD + _EITHER, {_STATE, _USER}),
        ("request.GET.get('state')", f"print(asked)\n    {_GUARD}{_EITHER}", {_ALL, _STATE, _USER}),
        ("request.GET.get('state')", _EITHER, {_ALL, _STATE, _USER}),
        ("request.GET.get('state')", f"state = state or given\n    {_GUARD}{_EITHER}", {_ALL, _STATE, _USER}),
        ("[]", f"{_GUARD}if user:\n        state.append(given)\n    {_EITHER}", {_ALL, _STATE, _USER}),
    ],
)  # fmt: skip
def test_tests_of_a_variable_hang_together(
    state: str, body: str, shapes: set[tuple[str, ...]], build: Build
) -> None:
    assert _asked(_TESTS.format(state=state, body=body), build) == shapes


_MONGO = """
from fastapi import FastAPI
from pymongo import MongoClient
app = FastAPI()
notes = MongoClient()["app"].notes
notes.create_index("user")
{before}
@app.get("/notes")
def ask(request, kind, user, given):
    status = request.GET.get("status")
    asked = {{}}
    {body}
    return list(notes.find(asked))
"""


def _of_mongo(build: Build, body: str, before: str = "") -> set[tuple[str, ...]]:
    text = _MONGO.format(body=body.replace("\n", "\n    "), before=before)
    found = build({"app.py": text}).facts(CollectionFit)
    return {q.equality for c in found for q, m in c.fits if m.fit is not Fit.COVERED}


_A, _NOT_A = "if kind == 'a':\n    ", "if kind != 'a':\n    "


@pytest.mark.parametrize(
    ("body", "missing"),
    [
        (f"{_A}asked['user'] = user\nprint(kind)\n{_A}asked['at'] = given", {("user", "at")}),
        (f"{_A}asked['user'] = user\nelse:\n    asked['at'] = given\n{_NOT_A}asked['user'] = 1", {("at", "user")}),
        (f"{_A}asked['user'] = user\nkind = given\n{_A}asked['at'] = given", {("at",)}),
        ("if kind:\n    asked['user'] = user\nif given:\n    asked['at'] = given\nif not kind:\n    return []", {("user", "at")}),
        ("asked['at'] = given\nif status and not user:\n    asked['is'] = status\nif user:\n    asked['user'] = user\nif not status and not user:\n    return []", {("at", "is"), ("at", "user")}),
        ("if kind:\n    asked['user'] = user\nelif given:\n    asked['at'] = given\nelse:\n    raise ValueError", {("at",)}),
    ],
)  # fmt: skip
def test_tests_of_one_choice_hang_together_in_filters(
    body: str, missing: set[tuple[str, ...]], build: Build
) -> None:
    assert _of_mongo(build, body) == missing


_REMOVE = """
class Store:
    {decorator}
    def remove({first}title, model=None):
        {before}
        if model is None:
            return notes.delete_one({{"user": title}})
        {other}return notes.delete_one({{"title": title}})
"""


@pytest.mark.parametrize(
    ("decorator", "before", "other", "call", "missing"),
    [
        ("@classmethod", "", "else:\n            ", "Store.remove(user)", set()),
        ("@staticmethod", "", "", "Store.remove(user)", set()),
        ("@classmethod", "", "", "Store.remove(user, request.model)", {("title",)}),
        ("@classmethod", "model = model or notes.model", "", "Store.remove(user)", {("title",)}),
        ("@cached", "", "", "Store.remove(user)", {("title",)}),
        ("@classmethod", "", "", "Store.remove(user), given(Store.remove)", {("title",)}),
    ],
)  # fmt: skip
def test_what_no_call_takes_asks_nothing_of_a_collection(
    decorator: str, before: str, other: str, call: str, missing: set[tuple[str, ...]], build: Build
) -> None:
    first = "" if decorator == "@staticmethod" else "cls, "
    store = _REMOVE.format(decorator=decorator, before=before or "pass", other=other, first=first)
    assert _of_mongo(build, call, store) == missing


_REST = """
class Store:
    def __init__(self, model):
        self.model = model
    def all(self, session, {rest}):
        asked = select(self.model)
        {body}
        return session.scalars(asked).all()
notes, others = Store(Note), Store(Other)
def ask(session, given):
    return notes.all(session{given})
"""
_KEPT = """
from sqlalchemy import Column, Integer, select
from sqlalchemy.orm import declarative_base
Base = declarative_base()
class Note(Base):
    __tablename__ = "notes"
    id = Column(Integer, primary_key=True)
    state = Column(Integer)
class Other(Base):
    __tablename__ = "others"
    id = Column(Integer, primary_key=True)
"""
_LOOP = "for one in filters: asked = asked.where(one)"
_TEST = "if filters: asked = asked.where(*filters)"
_NAMED = "if filters: asked = asked.filter_by(**filters)"


@pytest.mark.parametrize(
    ("rest", "body", "given", "told"),
    [
        ("*filters", _LOOP, "", True),
        ("*filters", _LOOP, ", Note.state == given", False),
        ("*filters", _LOOP, ", *given", False),
        ("*filters", f"filters = made(filters)\n        {_LOOP}", "", False),
        ("*filters", _TEST, "", True),
        ("*filters", _TEST, ", Note.state == given", False),
        ("*filters", _TEST, ", *given", False),
        ("**filters", _NAMED, "", True),
        ("**filters", _NAMED, ", **given", False),
    ],
)
def test_what_a_call_gives_besides(
    rest: str, body: str, given: str, told: bool, build: Build
) -> None:
    code = _KEPT + _REST.format(rest=rest, body=body, given=given)
    found = build({"app.py": code}).facts(CollectionFit)
    asked = [
        (q, m) for f in found if f.name == "notes" for q, m in f.fits if q.place.symbol == "ask"
    ]
    assert asked
    assert all(m.fit is Fit.COVERED and not q.fields for q, m in asked) == told


@pytest.mark.parametrize(
    ("calls", "asked"),
    [
        (["find(user_id=7)"], {_USER}),
        (["find(state=given)"], {_STATE}),
        (["find(user_id=7)", "find(state=given)"], {_USER, _STATE}),
        (["find(given, request.GET)"], {_USER, _STATE}),
    ],
)
def test_a_choice_of_a_parameter_goes_as_the_calls_say(
    calls: list[str], asked: set[tuple[str, ...]], build: Build
) -> None:
    """`a if user_id is None else b`, in one expression, as in a statement."""
    text = (
        "def find(user_id=None, state=None):\n    notes = Note.objects\n"
        "    return list(notes.filter(state=state) if user_id is None else notes.filter(user_id=user_id))\n"
    )
    views = (
        f"def view{n}(request, given: int):\n    return {call}\n" for n, call in enumerate(calls)
    )
    assert _asked(text + "".join(views), build) == asked


_GENERIC = """
def every(by=None, order=None):
    asked = Note.objects.all()
    if by is not None:
        asked = asked.filter(by)
    return list(asked)
"""


@pytest.mark.parametrize(
    ("call", "shapes"),
    [
        ("Q(state=s)", {_STATE}),
        ("Q(state=s) & Q(user_id=s)", {("state", "user_id")}),
        ("made(s)", {_ALL}),
        ("s and Q(state=s)", {_ALL, _STATE}),
        ("None", {_ALL}),
    ],
)
def test_a_condition_that_is_put_together_is_none_that_is_left_out(
    call: str, shapes: set[tuple[str, ...]], build: Build
) -> None:
    text = f"{_GENERIC}from django.db.models import Q\ndef one(s):\n    return every(by={call})\n"
    found = build({"app/models.py": _DJANGO + text, "requirements.txt": "django"})
    fits = [q for c in found.facts(CollectionFit) for q, _ in c.fits if not q.unresolved]
    assert {q.equality for q in fits} == shapes
