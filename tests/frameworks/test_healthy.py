"""Ways in which applications guard their routes that read like holes: each with its near miss."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from auditor.model.web import OF_THE_PRIVATE, Guarding, Route, UnusedGuard
from tests.conftest import Build

States = Mapping[str, Guarding]
ENFORCED, ABSENT, EXEMPT = Guarding.ENFORCED, Guarding.ABSENT, Guarding.EXEMPT
SAMPLES: dict[str, tuple[str, States]] = {
    "an object of fastapi-jwt-auth, handed to a helper that a setting can switch off": (
        """
import os
from fastapi import Depends, FastAPI
from fastapi_jwt_auth import AuthJWT
from pydantic import BaseSettings

class Settings(BaseSettings):
    DISABLE_AUTH = os.environ.get("DISABLE_AUTH", False)

settings = Settings()
app = FastAPI()

def auth_check(Authorize):
    if str(settings.DISABLE_AUTH).lower() == "true":
        return
    return Authorize.jwt_required()

@app.post("/helped")
def helped(Authorize: AuthJWT = Depends()):
    auth_check(Authorize)

@app.post("/direct")
def direct(Authorize: AuthJWT = Depends()):
    Authorize.jwt_required()

@app.post("/optional")
def optional(Authorize: AuthJWT = Depends()):
    Authorize.jwt_optional()

@app.post("/forgotten")
def forgotten(Authorize: AuthJWT = Depends()):
    return {}
""",
        {"/helped": ENFORCED, "/direct": ENFORCED, "/optional": ABSENT, "/forgotten": ABSENT},
    ),
    "rules made of the request's session and key": (
        """
from fastapi import Depends, FastAPI, HTTPException, Request
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

class Base(DeclarativeBase): ...

class ApiKey(Base):
    __tablename__ = "keys"
    key: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[int]

def get_db():
    with Session() as db:
        yield db

class Rules:
    def __init__(self, key, session: dict, db: Session):
        self.key, self.session, self.db = key, session, db

    def user(self):
        if self.key:
            found = self.db.query(ApiKey).filter(ApiKey.key == self.key).one_or_none()
            return found.user_id if found else None
        return self.session.get("user_id")

    def demand(self):
        user = self.user()
        if not user:
            raise HTTPException(401)
        return user

    def demand_for(self, channel):
        if channel.private:
            self.demand()

def get_session(request: Request):
    return request.session

def get_rules(request: Request, session: dict = Depends(get_session), db: Session = Depends(get_db)):
    return Rules(request.headers.get("x-api-key"), session, db)

app = FastAPI()

@app.post("/jobs")
def jobs(rules: Rules = Depends(get_rules)):
    rules.demand()

@app.post("/open")
def unasked(rules: Rules = Depends(get_rules)):
    return {}
""",
        {"/jobs": ENFORCED, "/open": ABSENT},
    ),
    "a table of checks, one for each way to sign in": (
        """
from functools import wraps
from flask import Flask, abort, request
from flask_login import current_user
import jwt

app = Flask(__name__)

def by_session(asked):
    return current_user.is_authenticated

def by_token(asked):
    return jwt.decode(asked.headers["Authorization"], app.config["KEY"], algorithms=["HS256"])

def known(asked):
    return {"local": by_session, "token": by_token}.get(app.config.get("KIND"))(asked)

def required(view):
    @wraps(view)
    def inner(*args, **kwargs):
        if not known(request):
            abort(401)
        return view(*args, **kwargs)
    return inner

@app.post("/case")
@required
def case(): ...

@app.post("/other")
def other(): ...
""",
        {"/case": ENFORCED, "/other": ABSENT},
    ),
    "an answer whose status is set afterwards, and a helper that raises what it makes": (
        """
from flask import Flask, make_response, request, session
from werkzeug.exceptions import HTTPException
from flask import Response

app = Flask(__name__)

def stop(status, message):
    error = HTTPException(response=Response(message, status=status))
    error.code = status
    raise error

@app.post("/answered")
def answered():
    if not session.get("user_id"):
        response = make_response({"error": "who are you"})
        response.status_code = 401
        return response
    return {}

@app.post("/raised")
def raised():
    if not session.get("user_id"):
        stop(401, "who are you")
    return {}

@app.post("/missing")
def missing():
    if not request.json.get("name"):
        response = make_response({"error": "no name"})
        response.status_code = 400
        return response
    return {}
""",
        {"/answered": ENFORCED, "/raised": ENFORCED, "/missing": ABSENT},
    ),
    "sign-ins by another server, and mails that reset": (
        """
from flask import Flask, redirect, request, session
from flask_admin import Admin

app = Flask(__name__)

@app.get("/enter/<name>")
def enter(name):
    return oauth.create_client(name).authorize_redirect("/back")

@app.get("/back/<name>")
def back(name):
    session["user"] = oauth.create_client(name).authorize_access_token()["userinfo"]
    return redirect("/")

@app.post("/oauth/<provider>/authorize")
def authorize(provider): ...

@app.post("/users/<name>/reset/trigger")
def trigger(name):
    send_email_reset_password(name)

@app.post("/users/<name>/reset")
def reset(name):
    user = find(name)
    user.set_password(request.json["new_password"])
    send_email_reset_password(name)
""",
        {
            "/enter/<name>": EXEMPT,
            "/back/<name>": EXEMPT,
            "/oauth/<provider>/authorize": EXEMPT,
            "/users/<name>/reset/trigger": EXEMPT,
            "/users/<name>/reset": ABSENT,
        },
    ),
    "a public key's fingerprint is no credential": (
        """
from fastapi import Depends, FastAPI, HTTPException
from sqlalchemy import select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

class Base(DeclarativeBase): ...

class SshKey(Base):
    __tablename__ = "keys"
    fingerprint: Mapped[str] = mapped_column(primary_key=True)
    scope: Mapped[str]

def get_db():
    with Session() as db:
        yield db

app = FastAPI()

@app.get("/keys/{fingerprint}")
def key(fingerprint: str, wanted: str = "", db: Session = Depends(get_db)):
    found = db.scalars(select(SshKey).where(SshKey.fingerprint == fingerprint)).first()
    if not found:
        raise HTTPException(404)
    if wanted and not found.scope:
        raise HTTPException(401)
    return found
""",
        {"/keys/{fingerprint}": ABSENT},
    ),
    "an object made of the request, a resolver somebody else has chosen": (
        """
import os
from fastapi import Depends, FastAPI, HTTPException, Request
import jwt

class Context:
    def __init__(self, request: Request):
        self.request = request

def context(request: Request):
    return Context(request=request)

class Reader:
    def __call__(self, context: Context = Depends(context)):
        return self.authenticate(context)

    def authenticate(self, context):
        try:
            return jwt.decode(context.request.headers["x"], os.environ["KEY"], algorithms=["HS256"])
        except jwt.PyJWTError:
            raise HTTPException(401)

def resolved(request: Request):
    resolver = getattr(request.app.state, "resolver", None)
    match resolver(request.headers.get("authorization")):
        case Ok(value=user):
            return user
        case _:
            raise HTTPException(401)

app = FastAPI()
reads = Reader()

@app.post("/context")
def in_context(user=Depends(reads)): ...

@app.post("/resolved")
def by_resolver(user=Depends(resolved)): ...
""",
        {"/context": ENFORCED, "/resolved": Guarding.UNKNOWN},
    ),
    "flask-jwt-oidc": (
        """
from flask import Flask
from flask_jwt_oidc import JwtManager

app = Flask(__name__)
jwt = JwtManager()

@app.post("/roles")
@jwt.has_one_of_roles(["staff"])
def roles(): ...

@app.post("/none")
def none(): ...
""",
        {"/roles": ENFORCED, "/none": ABSENT},
    ),
    "paths below a prefix that is told at run time": (
        """
from flask import Flask
from settings import read

app = Flask(__name__)
_, PREFIX = read("prefix")

@app.post(f"{PREFIX}/api/users")
def users(): ...
""",
        {"/api/users": ABSENT},
    ),
}


@pytest.mark.parametrize(("code", "states"), SAMPLES.values(), ids=SAMPLES.keys())
def test_states(build: Build, code: str, states: States) -> None:
    found = {r.path: r.authentication for r in build({"app.py": code}).facts(Route)}
    assert {path: found.get(path) for path in states} == states


def test_guards_of_the_private_are_told_as_such(build: Build) -> None:
    code = (
        SAMPLES["rules made of the request's session and key"][0]
        + """
def channel_or_fail(name: str, rules: Rules = Depends(get_rules), db: Session = Depends(get_db)):
    channel = db.get(ApiKey, name)
    rules.demand_for(channel)
    return channel

@app.get("/channels/{name}")
def channel(channel=Depends(channel_or_fail)):
    return channel
"""
    )
    (route,) = [r for r in build({"app.py": code}).facts(Route) if r.path == "/channels/{name}"]
    assert [(g.state, g.reason) for g in route.guards] == [(Guarding.OPTIONAL, OF_THE_PRIVATE)]


def test_hook_whose_test_of_the_path_is_not_followed_is_unknown(build: Build) -> None:
    application = build(
        {
            "app.py": """
from flask import Flask, abort, request, session

app = Flask(__name__)
OPEN = ["/static/", "validate"]

@app.before_request
def ask():
    if "user_id" not in session and len([x for x in OPEN if x not in request.path]) == len(OPEN):
        abort(401)

@app.post("/users")
def users(): ...
"""
        }
    )
    (route,) = [r for r in application.facts(Route) if r.path == "/users"]
    assert route.authentication is Guarding.UNKNOWN


def test_functions_that_are_handed_over_are_no_unused_guards(build: Build) -> None:
    code = """
from fastapi import Depends, FastAPI, Header, HTTPException
from fastapi_jwt_auth import AuthJWT

app = FastAPI()

@AuthJWT.token_in_denylist_loader
def check_if_token_in_denylist(token):
    return token["jti"] in denied

def authorize(x_token: str = Header()):
    if x_token != SECRET:
        raise HTTPException(401)

app.add_api_route("/back", authorize)

def verify_token(x_token: str = Header()):
    if x_token != SECRET:
        raise HTTPException(401)

@app.get("/items")
def items(): ...
"""
    unused = build({"app.py": code}).facts(UnusedGuard)
    assert [each.name for each in unused] == ["verify_token"]


def test_helpers_that_are_given_what_they_check_are_no_unused_guards(build: Build) -> None:
    code = """
from fastapi import Depends, FastAPI, Header, HTTPException, Request
import jwt
app = FastAPI()

def verify_token(token: str):
    try:
        return jwt.decode(token, SECRET, algorithms=["HS256"])
    except jwt.PyJWTError:
        raise HTTPException(401)

class Users:
    def validate_user_permissions(self, user, permission):
        if permission not in user.permissions:
            raise HTTPException(403)

def require_role(role: str):
    def check(request: Request):
        if request.headers.get("x-role-token") != SECRET:
            raise HTTPException(403)
    return check

@app.get("/items")
def items(): ...
"""
    unused = build({"app.py": code}).facts(UnusedGuard)
    assert [each.name for each in unused] == ["require_role"]
