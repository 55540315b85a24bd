"""Guards that hang on a part of what a check gives back: an entry, a field, a property of it."""

from __future__ import annotations

import pytest

from auditor.model.web import Guarding, Route
from tests.conftest import Build

HEAD = """
import os
from configparser import ConfigParser
from dataclasses import dataclass

import jwt
from flask import Flask, jsonify, request

app = Flask(__name__)
KEY = os.environ["KEY"]
options = ConfigParser()


@dataclass
class Outcome:
    ok: bool
    claims: dict | None = None
    error: str | None = None

    @property
    def failed(self):
        return not self.ok

    @staticmethod
    def fail(error):
        return Outcome(False, error=error)


def check(token):
    try:
        claims = jwt.decode(token, KEY, algorithms=["HS256"])
    except jwt.InvalidTokenError as exc:
        return Outcome.fail("no such token")
    return Outcome(ok=True, claims=claims)


def look(token):
    try:
        claims = jwt.decode(token, KEY, algorithms=["HS256"])
    except jwt.InvalidTokenError:
        return {"status": "error", "message": "no such token"}
    return {"status": "ok", "claims": claims}


def careless(token):
    try:
        claims = jwt.decode(token, KEY, algorithms=["HS256"])
    except jwt.InvalidTokenError:
        return {"status": "ok", "claims": None}
    return {"status": "ok", "claims": claims}


@app.get("/private")
def private():
    found = CHECK(request.headers.get("X-Token"))
    if TEST:
        return jsonify(error="who are you"), 401
    return "private"
"""
CLOSED = [
    ("check", "found.failed"),
    ("check", "not found.ok"),
    ("check", "found.error is not None"),
    ("check", "found.claims is None"),
    ("look", 'found["status"] == "error"'),
    ("look", 'found.get("status") != "ok"'),
    ("look", 'not found.get("claims")'),
    ("careless", 'found["claims"] is None'),
]
OPEN = [
    ("check", "not found.failed"),
    ("check", "found.ok"),
    ("look", 'found["status"] != "error"'),
    ("look", 'found.get("claims")'),
    ("careless", 'found["status"] == "error"'),
]


@pytest.mark.parametrize(("check", "test"), CLOSED)
def test_closed(build: Build, check: str, test: str) -> None:
    source = HEAD.replace("CHECK", check).replace("TEST", test)
    (state,) = [
        r.authentication for r in build({"app.py": source}).facts(Route) if r.path == "/private"
    ]
    assert state is Guarding.ENFORCED


@pytest.mark.parametrize(("check", "test"), OPEN)
def test_open(build: Build, check: str, test: str) -> None:
    source = HEAD.replace("CHECK", check).replace("TEST", test)
    (state,) = [
        r.authentication for r in build({"app.py": source}).facts(Route) if r.path == "/private"
    ]
    assert state is not Guarding.ENFORCED


@pytest.mark.parametrize(("fallback", "closed"), [("False", True), ("True", False)])
def test_an_option_of_an_ini_file(build: Build, fallback: str, closed: bool) -> None:
    option = f'options.getboolean("web", "anonymous", fallback={fallback})'
    source = HEAD.replace("CHECK", "check").replace("if TEST", f"if not {option} and found.failed")
    (state,) = [
        r.authentication for r in build({"app.py": source}).facts(Route) if r.path == "/private"
    ]
    assert state is (Guarding.ENFORCED if closed else Guarding.ABSENT)


def test_a_view_class_made_by_type(build: Build) -> None:
    source = """
from flask import Flask
from flask_admin import Admin
from flask_admin.contrib.sqla import ModelView
from flask_login import current_user
from models import Ship, db

app = Flask(__name__)
admin = Admin(app)

class Closed(ModelView):
    def is_accessible(self):
        return current_user.is_authenticated

def made(name, **attributes):
    return type(name, (Closed,), attributes)

admin.add_view(made("Ships", can_export=True)(Ship, db.session))
"""
    found = {r.path: r.authentication for r in build({"app.py": source}).facts(Route)}
    assert found["/admin/ship/"] is found["/admin/ship/new/"] is Guarding.ENFORCED
