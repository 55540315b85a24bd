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


def states(build: Build, files: dict[str, str]) -> dict[str, Guarding]:
    return {r.path: r.authentication for r in build(files).facts(Route)}


def test_a_variable_that_only_the_verified_get(build: Build) -> None:
    source = """
import os
import jwt
from flask import Flask, jsonify, request
from flask_login import current_user

app = Flask(__name__)

def caller():
    user, known = None, False
    sent = request.headers.get("Authorization")
    if sent and jwt.decode(sent, os.environ["KEY"], algorithms=["HS256"]):
        known = True
        user = current_user
    return user, known

@app.get("/closed")
def closed():
    allowed = False
    token = request.headers.get("Authorization")
    try:
        jwt.decode(token, os.environ["KEY"], algorithms=["HS256"])
        allowed = True
    except jwt.InvalidTokenError:
        pass
    if not allowed:
        return jsonify(error="who are you"), 401
    return "private"

@app.get("/open")
def opened():
    allowed = False
    token = request.headers.get("Authorization")
    try:
        jwt.decode(token, os.environ["KEY"], algorithms=["HS256"])
    except jwt.InvalidTokenError:
        pass
    allowed = True
    if not allowed:
        return jsonify(error="who are you"), 401
    return "private"
"""
    found = states(build, {"app.py": source})
    assert found["/closed"] is Guarding.ENFORCED
    assert found["/open"] is not Guarding.ENFORCED


def test_a_status_that_is_taken_out_of_a_pair(build: Build) -> None:
    source = """
import os
import jwt
from flask import Flask, jsonify, request

app = Flask(__name__)

def error(code, text, status=400):
    return {"code": code, "text": text}, status

@app.get("/closed")
def closed():
    try:
        jwt.decode(request.headers["Authorization"], os.environ["KEY"], algorithms=["HS256"])
        return jsonify(secret=1)
    except jwt.InvalidTokenError:
        body, status = error("TOKEN", "no such token", 401)
        return jsonify(body), status
    except Exception:
        body, status = error("INTERNAL", "sorry", 500)
        return jsonify(body), status

@app.get("/open")
def opened():
    try:
        jwt.decode(request.headers["Authorization"], os.environ["KEY"], algorithms=["HS256"])
        return jsonify(secret=1)
    except jwt.InvalidTokenError:
        body, status = error("TOKEN", "never mind", 200)
        return jsonify(body), status
    except Exception:
        body, status = error("INTERNAL", "sorry", 401)
        return jsonify(body), status
"""
    found = states(build, {"app.py": source})
    assert found["/closed"] is Guarding.ENFORCED
    assert found["/open"] is not Guarding.ENFORCED


FASTAPI = """
import os
import jwt
from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import HTTPBearer, OAuth2PasswordBearer
from fastapi_jwt_auth import AuthJWT
from okta_jwt_verifier import BaseJWTVerifier
from pydantic import BaseModel

app = FastAPI()
okta = BaseJWTVerifier(issuer="https://example.com", audience="api")

class TokenResponse(BaseModel):
    token: str

class Body(BaseModel):
    name: str

async def verified(token: str = Depends(OAuth2PasswordBearer("token"))):
    try:
        await okta.verify_access_token(token)
    except Exception:
        raise HTTPException(401)

@app.get("/okta", dependencies=[Depends(verified)])
def by_okta(): ...

@app.post("/demanded", dependencies=[Depends(HTTPBearer())])
def demanded(body: Body, authorize: AuthJWT = Depends()):
    authorize.jwt_required()
    return body

@app.post("/maybe", dependencies=[Depends(HTTPBearer())])
def maybe(body: Body, authorize: AuthJWT = Depends()):
    authorize.jwt_optional()
    return body

@app.post("/exchanged")
def exchanged(token: str = Depends(OAuth2PasswordBearer("token"))):
    try:
        jwt.decode(token, os.environ["KEY"], algorithms=["HS256"])
    except jwt.InvalidTokenError:
        raise HTTPException(401)
    return TokenResponse(token="x")

@app.post("/given")
def given(token: str = Depends(OAuth2PasswordBearer("token"))):
    if not token:
        raise HTTPException(401)
    return TokenResponse(token="x")
"""


def test_what_packages_demand_and_records_that_are_called_responses(build: Build) -> None:
    found = states(build, {"app.py": FASTAPI})
    closed = {path for path, state in found.items() if state is Guarding.ENFORCED}
    assert closed == {"/okta", "/demanded", "/exchanged"}


def test_routers_that_a_package_hands_on_through_a_star(build: Build) -> None:
    files = {
        "main.py": "from fastapi import FastAPI\nfrom api import router\n\napp = FastAPI()\napp.include_router(router)\n",
        "api/__init__.py": "from fastapi import APIRouter\nfrom .users import *\n\nrouter = APIRouter(prefix='/v1')\n"
        "router.include_router(people_router)\n",
        "api/users/__init__.py": "from .people import router as people_router\n",
        "api/users/people.py": "from fastapi import APIRouter\n\nrouter = APIRouter(prefix='/people')\n\n"
        "@router.get('/all')\ndef everybody(): ...\n",
    }
    assert set(states(build, files)) == {"/v1/people/all"}


LOOKED_UP = """
from flask import Flask, make_response, request
from flask.views import MethodView
app = Flask(__name__)
class Upload(MethodView):
    def known(self):
        if request.authorization is None:
            return False
        return self.project.credentials.filter_by({by}=request.authorization.password).scalar()
    def post(self, name):
        if not self.known():
            response = make_response("", {status})
            response.headers["WWW-Authenticate"] = "Basic"
            return response
        return "kept"
app.add_url_rule("/upload/<name>", view_func=Upload.as_view("upload"))
"""


@pytest.mark.parametrize(
    "by, status, state",
    [("key", 401, Guarding.ENFORCED), ("key", 200, Guarding.ABSENT)],
    ids=["refused", "told only"],
)
def test_a_response_with_a_name(by: str, status: int, state: Guarding, build: Build) -> None:
    routes = build({"app.py": LOOKED_UP.format(by=by, status=status)}).facts(Route)
    assert [r.authentication for r in routes if r.path.startswith("/upload")] == [state]


STAGE = """
from fastapi import FastAPI, HTTPException, Request
from pydantic_settings import BaseSettings

class Settings(BaseSettings):
    CRON_SECRET: str = ""
    APP_ENV: str = "dev"
    @property
    def is_prod(self) -> bool:
        return self.APP_ENV == "production"
    @property
    def is_dev(self) -> bool:
        return self.APP_ENV == "dev"
    @property
    def is_big(self) -> bool:
        return len(self.APP_ENV) > 4

settings = Settings()
app = FastAPI()

@app.post("/run")
def run(request: Request):
    secret = settings.CRON_SECRET
    if not secret:
        if {test}:
            raise HTTPException(500)
    elif request.headers.get("authorization") != f"Bearer {secret}":
        raise HTTPException(401)
    return work()
"""


@pytest.mark.parametrize(
    ("test", "state"),
    [
        ("settings.is_prod", Guarding.ENFORCED),
        ("not settings.is_dev", Guarding.ENFORCED),
        ('settings.APP_ENV == "production"', Guarding.ENFORCED),
        ('settings.APP_ENV in ("staging", "production")', Guarding.ENFORCED),
        ('settings.APP_ENV == "dev"', Guarding.ABSENT),
        ("settings.is_dev", Guarding.ABSENT),
        ("settings.is_big", Guarding.ABSENT),
    ],
)
def test_a_secret_that_only_production_demands(build: Build, test: str, state: Guarding) -> None:
    """A report is about production: what refuses there may let a developer pass."""
    application = build({"main.py": STAGE.replace("{test}", test)})
    found = {r.name: r.authentication for r in application.facts(Route)}
    assert found["POST /run"] is state
