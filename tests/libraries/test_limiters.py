"""Limiters of packages: which routes they limit by default, where they count, decorators kept under a name."""

from __future__ import annotations

import pytest

from auditor.model.web import Limited, Limiting
from tests.conftest import Build

_FLASK = """
import os
from flask import Flask
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
app = Flask(__name__)
limiter = Limiter(get_remote_address, app=app, default_limits=LISTED, storage_uri=os.environ.get("REDIS_URL", "memory://"))

@app.route("/orders")
def orders(): ...
"""
_IMAGE = {"Dockerfile": "FROM python:3.13\nCMD gunicorn -w 4 app:app\n"}
_COMPOSE = "services:\n  web:\n    build: .\n    environment:\n      REDIS_URL: VALUE\n"


@pytest.mark.parametrize(
    ("listed", "given", "state"),
    [
        ("[]", "", Limiting.ABSENT),
        ("['60/minute']", "", Limiting.WEAK),
        ("['60/minute']", "redis://cache:6379", Limiting.PRESENT),
        ("['60/minute']", "memory://", Limiting.WEAK),
        ("os.environ['LIMITS'].split(';')", "redis://cache:6379", Limiting.PRESENT),
    ],
)
def test_default_limits(build: Build, listed: str, given: str, state: Limiting) -> None:
    files = {"app.py": _FLASK.replace("LISTED", listed), **_IMAGE}
    if given:
        files["compose.prod.yml"] = _COMPOSE.replace("VALUE", given)
    (found,) = (each for each in build(files).facts(Limited) if each.route.path == "/orders")
    assert found.state is state


@pytest.mark.parametrize(
    ("made", "state"),
    [("limiter.limit('3/minute')", Limiting.PRESENT), ("print", Limiting.ABSENT)],
)
def test_a_decorator_for_where_the_package_is_missing(
    build: Build, made: str, state: Limiting
) -> None:
    source = f"""
try:
    from slowapi import Limiter
    limiter = Limiter(key_func=lambda request: request.client.host)
except ImportError:
    limiter = None
from fastapi import FastAPI, Request
app = FastAPI()
if limiter:
    limited = {made}
else:
    def limited(function):
        return function

@app.post("/read")
@limited
def read(request: Request): ...
"""
    (found,) = build({"app.py": source}).facts(Limited)
    assert found.state is state
