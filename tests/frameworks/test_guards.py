"""Guards, judged by what they do: each a function, and the state of the route behind it."""

from __future__ import annotations

import pytest

from auditor.model.web import Guarding, Route
from tests.conftest import Build

HEAD = """
import hmac, os
import jwt
from fastapi import Depends, FastAPI, Header, HTTPException, Request
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer, OAuth2PasswordBearer
from motor.motor_asyncio import AsyncIOMotorClient

db = AsyncIOMotorClient(os.environ["MONGO_URL"]).shop
SECRET = os.environ["SECRET"]
oauth2 = OAuth2PasswordBearer(tokenUrl="token")
bearer = HTTPBearer()
app = FastAPI()
"""
ROUTE = """
@app.get("/private")
def private(user=Depends(guard)):
    return user
"""
ENFORCED, DECORATIVE = Guarding.ENFORCED, Guarding.DECORATIVE
OPTIONAL, UNKNOWN = Guarding.OPTIONAL, Guarding.UNKNOWN
GUARDS = {
    "verifies a signature": (
        """
def guard(token: str = Depends(oauth2)):
    try:
        return jwt.decode(token, SECRET, algorithms=["HS256"])
    except jwt.PyJWTError:
        raise HTTPException(401)
""",
        ENFORCED,
    ),
    "verifies through a helper that returns None": (
        """
def read(token):
    try:
        return jwt.decode(token, SECRET, algorithms=["HS256"])
    except jwt.PyJWTError:
        return None

def guard(token: str = Depends(oauth2)):
    claims = read(token)
    if claims is None:
        raise HTTPException(status_code=401)
    return claims
""",
        ENFORCED,
    ),
    "looks the session up": (
        """
async def guard(request: Request):
    session = await db.sessions.find_one({"token": request.cookies.get("session")})
    if not session:
        raise HTTPException(401)
    return session
""",
        ENFORCED,
    ),
    "compares a key with a setting": (
        """
def guard(x_api_key: str = Header()):
    if x_api_key != SECRET:
        raise HTTPException(403)
""",
        ENFORCED,
    ),
    "compares in constant time": (
        """
def guard(x_api_key: str = Header()):
    if not hmac.compare_digest(x_api_key, SECRET):
        raise HTTPException(403)
    return "service"
""",
        ENFORCED,
    ),
    "rests on another that verifies": (
        """
def user(token: str = Depends(oauth2)):
    try:
        return jwt.decode(token, SECRET, algorithms=["HS256"])
    except jwt.PyJWTError:
        raise HTTPException(401)

def guard(user=Depends(user)):
    if not user.get("active"):
        raise HTTPException(400, "inactive")
    return user
""",
        ENFORCED,
    ),
    "checks roles with a class": (
        """
def user(token: str = Depends(oauth2)):
    try:
        return jwt.decode(token, SECRET, algorithms=["HS256"])
    except jwt.PyJWTError:
        raise HTTPException(401)

class RoleChecker:
    def __init__(self, role):
        self.role = role
    def __call__(self, user=Depends(user)):
        if user["role"] != self.role:
            raise HTTPException(403)
        return user

guard = RoleChecker("admin")
""",
        ENFORCED,
    ),
    "made by a function": (
        """
def require(role):
    def check(token: str = Depends(oauth2)):
        claims = jwt.decode(token, SECRET, algorithms=["HS256"])
        if claims["role"] != role:
            raise HTTPException(403)
        return claims
    return check

guard = require("admin")
""",
        ENFORCED,
    ),
    "accepts any string of some length": (
        """
async def guard(credentials: HTTPAuthorizationCredentials = Depends(bearer)):
    token = credentials.credentials
    if not token or len(token) < 10:
        raise HTTPException(401)
    return {"user": "demo"}
""",
        DECORATIVE,
    ),
    "does not verify the signature": (
        """
def guard(token: str = Depends(oauth2)):
    try:
        return jwt.decode(token, options={"verify_signature": False})
    except jwt.PyJWTError:
        raise HTTPException(401)
""",
        DECORATIVE,
    ),
    "accepts the algorithm none": (
        """
def guard(token: str = Depends(oauth2)):
    try:
        return jwt.decode(token, SECRET, algorithms=["none"])
    except jwt.PyJWTError:
        raise HTTPException(401)
""",
        DECORATIVE,
    ),
    "never rejects": (
        """
def get_current_user(token: str = Depends(oauth2)):
    return {"id": "demo"}
guard = get_current_user
""",
        DECORATIVE,
    ),
    "is a bare scheme": ("guard = bearer\n", DECORATIVE),
    "trusts a name in a header": (
        """
async def guard(x_user: str = Header()):
    user = await db.users.find_one({"name": x_user})
    if not user:
        raise HTTPException(401)
    return user
""",
        DECORATIVE,
    ),
    "swallows its own failure": (
        """
def guard(token: str = Depends(oauth2)):
    try:
        claims = jwt.decode(token, SECRET, algorithms=["HS256"])
    except Exception:
        claims = {"sub": "guest"}
    if not claims:
        raise HTTPException(401)
    return claims
""",
        DECORATIVE,
    ),
    "lets callers without a token pass": (
        """
def guard(authorization: str = Header(None)):
    if not authorization:
        return None
    try:
        return jwt.decode(authorization, SECRET, algorithms=["HS256"])
    except jwt.PyJWTError:
        raise HTTPException(401)
""",
        OPTIONAL,
    ),
    "can be skipped": (
        """
def guard(authorization: str = Header(None)):
    if os.environ.get("DEBUG"):
        return {"sub": "dev"}
    try:
        return jwt.decode(authorization, SECRET, algorithms=["HS256"])
    except jwt.PyJWTError:
        raise HTTPException(401)
""",
        OPTIONAL,
    ),
    "asks a service": (
        """
import httpx
def guard(authorization: str = Header()):
    answer = httpx.get("https://id.example.org/me", headers={"Authorization": authorization})
    if answer.status_code != 200:
        raise HTTPException(401)
    return answer.json()
""",
        ENFORCED,
    ),
    "asks a service, whose refusal it heeds": (
        """
import httpx
async def guard(authorization: str = Header()):
    async with httpx.AsyncClient() as client:
        answer = await client.get("https://id.example.org/me", headers={"Authorization": authorization})
    if answer.status_code in (401, 403):
        raise HTTPException(401)
    answer.raise_for_status()
    return answer.json()
""",
        ENFORCED,
    ),
    "calls a service with a key of its own": (
        """
import httpx
def guard(authorization: str = Header()):
    answer = httpx.get("https://api.example.org/x", headers={"X-Key": os.environ["KEY"]})
    if not authorization or answer.status_code != 200:
        raise HTTPException(401)
    return answer.json()
""",
        DECORATIVE,
    ),
    "verifies for some of the objects that are asked for": (
        """
async def guard(project: str, authorization: str = Header("")):
    found = await db.projects.find_one({"name": project})
    if found is None:
        raise HTTPException(404)
    if found["private"]:
        if not hmac.compare_digest(authorization, os.environ["KEY"]):
            raise HTTPException(403)
    return found
""",
        OPTIONAL,
    ),
    "takes a verified token, or an id that exists": (
        """
import jwt
async def guard(usr: str | None = None, authorization: str = Header("")):
    if authorization:
        claims = jwt.decode(authorization, os.environ["KEY"], algorithms=["HS256"])
        user = await db.users.find_one({"_id": claims["sub"]})
    elif usr:
        user = await db.users.find_one({"_id": usr})
    else:
        raise HTTPException(401)
    if not user:
        raise HTTPException(401)
    return user
""",
        ENFORCED,
    ),
    "verifies a claim that has a default in its class": (
        """
import jwt
from pydantic import BaseModel
class Payload(BaseModel):
    sub: str = ""
    purpose: str | None = None
def verified(token, purpose):
    payload = Payload(**jwt.decode(token, os.environ["KEY"], algorithms=["HS256"]))
    if payload.purpose != purpose:
        raise HTTPException(403)
    return payload
def guard(authorization: str = Header()):
    return verified(token=authorization, purpose="login")
""",
        ENFORCED,
    ),
    "hands what is sent and the key to a helper": (
        """
def same(sent, expected, kind):
    if sent != expected:
        raise HTTPException(401, f"{kind} is wrong")
    return sent
def guard(authorization: str = Header()):
    return same(authorization, os.environ["SERVICE_PASSPHRASE"], "key")
""",
        ENFORCED,
    ),
    "hands what is sent and its own form to a helper": (
        """
def same(sent, expected, kind):
    if sent != expected:
        raise HTTPException(401, f"{kind} is wrong")
    return sent
def guard(authorization: str = Header()):
    return same(len(authorization), 32, "key")
""",
        DECORATIVE,
    ),
    "verifies in a thread, or gives two times nothing": (
        """
import asyncio
import bcrypt
def same(secret, hashed):
    return bcrypt.checkpw(secret, hashed)
async def lookup(token):
    if "." not in token:
        return None, None
    name, secret = token.split(".")
    found = await db.clients.find_one({"name": name})
    if found is None:
        return None, None
    if await asyncio.to_thread(same, secret, found["hashed"]):
        return found, name
    return None, None
async def guard(request: Request, authorization: str = Header("")):
    if hasattr(request.state, "user"):
        return request.state.user
    user, name = await lookup(authorization)
    if not user:
        raise HTTPException(401)
    request.state.user = user
    return user
""",
        ENFORCED,
    ),
    "gives two times nothing, and nobody asks": (
        """
import asyncio
import bcrypt
async def lookup(token):
    if "." not in token:
        return None, None
    name, secret = token.split(".")
    found = await db.clients.find_one({"name": name})
    return found, name
async def guard(authorization: str = Header("")):
    user, name = await lookup(authorization)
    if not authorization:
        raise HTTPException(401)
    return user
""",
        DECORATIVE,
    ),
    "believes a proxy in front": (
        """
async def guard(request: Request):
    if request.headers.get("Remote-Role") != "admin":
        raise HTTPException(403)
""",
        UNKNOWN,
    ),
    "believes a header of its own": (
        """
async def guard(request: Request):
    if request.headers.get("X-Role") != "admin":
        raise HTTPException(403)
""",
        DECORATIVE,
    ),
    "reads a name out of an unverified token, and finds somebody by it": (
        """
VERIFY = False
def sessions():
    yield make_session()

def by_name(session, name):
    return session.query(User).filter(User.name == name).first()

def guard(token: str = Depends(oauth2), session=Depends(sessions)):
    try:
        claims = jwt.decode(token, SECRET, algorithms=["HS256"], options={"verify_signature": VERIFY})
    except jwt.PyJWTError:
        raise HTTPException(401)
    user = by_name(session, claims.get("sub"))
    if user is None:
        raise HTTPException(401)
    return user
""",
        DECORATIVE,
    ),
    "asks its identity provider": (
        """
from keycloak import KeycloakOpenID
provider = KeycloakOpenID(server_url="https://id.example.org")
def guard(authorization: str = Header()):
    try:
        return provider.userinfo(authorization)
    except Exception:
        raise HTTPException(401)
""",
        ENFORCED,
    ),
    "hands on what another one found": (
        """
def user(token: str = Depends(oauth2)):
    try:
        return {"ok": True, "claims": jwt.decode(token, SECRET, algorithms=["HS256"])}
    except jwt.PyJWTError:
        return {"ok": False}

def get_current_active_user(user=Depends(user)):
    return user
guard = get_current_active_user
""",
        OPTIONAL,
    ),
    "looks a key up that must exist, which a helper reads by the name of its scheme": (
        """
from fastapi import Request
def guard(request: Request):
    key = sent(request, "Client")
    try:
        found = sessions.query(Client).filter(Client.api_key == key).one()
    except NoResultFound:
        raise HTTPException(401)
    return found

def sent(request, scheme):
    for part in request.headers.get("Authorization", "").split(","):
        if part.startswith(scheme):
            return part.removeprefix(scheme)
""",
        ENFORCED,
    ),
    "comes from outside": ("from company.auth import verify_user\nguard = verify_user\n", UNKNOWN),
}


@pytest.mark.parametrize("guard, expected", GUARDS.values(), ids=GUARDS.keys())
def test_guard(guard: str, expected: Guarding, build: Build) -> None:
    application = build({"app.py": HEAD + guard + ROUTE})
    (route,) = application.facts(Route)
    assert route.authentication is expected, [(g.name, g.reason) for g in route.guards]


def test_a_dependency_that_is_no_guard(build: Build) -> None:
    guard = "def guard(limit: int = 10):\n    return limit\n"
    (route,) = build({"app.py": HEAD + guard + ROUTE}).facts(Route)
    assert route.guards == ()
    assert route.authentication is Guarding.ABSENT


def test_middleware_guards_all_but_its_exceptions(build: Build) -> None:
    source = (
        HEAD
        + """
PUBLIC = ["/open"]

@app.middleware("http")
async def check(request: Request, call_next):
    if request.url.path in PUBLIC or request.url.path.startswith("/static"):
        return await call_next(request)
    if request.headers.get("x-key") != SECRET:
        return JSONResponse({"detail": "no"}, status_code=401)
    return await call_next(request)

@app.get("/open")
def open_(): ...

@app.get("/closed")
def closed(): ...
"""
    ).replace("import hmac, os", "import hmac, os\nfrom fastapi.responses import JSONResponse")
    states = {r.path: r.authentication for r in build({"app.py": source}).facts(Route)}
    assert states == {"/open": Guarding.ABSENT, "/closed": Guarding.ENFORCED}


def test_a_handler_that_checks_by_itself(build: Build) -> None:
    source = (
        HEAD
        + """
@app.post("/hook")
async def hook(request: Request):
    sent = request.headers.get("x-signature")
    if not hmac.compare_digest(sent, hmac.new(SECRET.encode(), await request.body(), "sha256").hexdigest()):
        raise HTTPException(403)
    return {}
"""
    )
    (route,) = build({"app.py": source}).facts(Route)
    assert route.authentication is Guarding.ENFORCED
    assert route.guards[0].via == "body"


COOKIES = {
    "decoded": ("json.loads(base64.b64decode(cookie))", Guarding.ABSENT),
    "decrypted": ("json.loads(Fernet(os.environ['KEY']).decrypt(cookie))", Guarding.ENFORCED),
}


@pytest.mark.parametrize("read, expected", COOKIES.values(), ids=COOKIES.keys())
def test_what_a_hook_keeps_of_a_cookie(read: str, expected: Guarding, build: Build) -> None:
    """A cookie that anybody can write names nobody, though the view asks for a name in it."""
    source = f"""
import base64, json, os
from cryptography.fernet import Fernet
from flask import Flask, g, redirect, request
app = Flask(__name__)

def load(request):
    cookie = request.cookies.get("seat")
    if not cookie:
        return {{}}
    try:
        return {read}
    except Exception:
        return {{}}

@app.before_request
def remember():
    g.seat = load(request)

@app.post("/orders")
def order():
    if "name" not in g.seat:
        return redirect("/login")
    return {{}}
"""
    (found,) = [r for r in build({"app.py": source}).facts(Route) if r.path == "/orders"]
    assert found.authentication is expected


def test_who_verifies_what_the_body_brings_signs_in(build: Build) -> None:
    """Anybody may try a pairing code, so that its route stands open; a key in a header guards."""
    source = (
        HEAD
        + """
from pydantic import BaseModel

class Pairing(BaseModel):
    code: str

@app.post("/pair")
def pair(request: Request, body: Pairing):
    if not hmac.compare_digest(body.code, SECRET):
        raise HTTPException(403)
    return {"address": request.client.host}

@app.post("/push")
def push(body: Pairing, key: str = Header()):
    if not hmac.compare_digest(key, SECRET):
        raise HTTPException(403)
"""
    )
    states = {r.path: r.authentication for r in build({"app.py": source}).facts(Route)}
    assert states == {"/pair": Guarding.EXEMPT, "/push": Guarding.ENFORCED}


def test_guards_of_one_factory_are_judged_apart(build: Build) -> None:
    """What one instance of a guard does is not remembered of another, nor of the bare function."""
    source = (
        HEAD
        + """
def read(token, required):
    if token is None and not required:
        return None
    return jwt.decode(token, SECRET, algorithms=["HS256"])

class Caller:
    def __init__(self, required: bool = True):
        self.required = required

    def check(self, request):
        if not self.required:
            return None
        try:
            return jwt.decode(request.headers["authorization"], SECRET, algorithms=["HS256"])
        except Exception:
            raise HTTPException(401)

    def __call__(self, request: Request):
        return self.check(request)

@app.get("/maybe")
def maybe(user=Depends(Caller(required=False))): ...

@app.get("/must")
def must(user=Depends(Caller())): ...

@app.get("/also-maybe")
def also(user=Depends(Caller(False))): ...
"""
    )
    states = {r.path: r.authentication for r in build({"app.py": source}).facts(Route)}
    assert states["/must"] is Guarding.ENFORCED
    assert states["/maybe"] is states["/also-maybe"] is not Guarding.ENFORCED


def test_a_view_that_is_wrapped_under_its_own_name(build: Build) -> None:
    files = {
        "manage.py": "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'settings')\n",
        "settings.py": "ROOT_URLCONF = 'urls'\nSECRET_KEY = 'x'\nINSTALLED_APPS = ['django.contrib.auth']\n",
        "urls.py": "from django.urls import path\nimport views\nurlpatterns = [path('mine/', views.mine)]\n",
        "views.py": "from django.contrib.auth.decorators import login_required\n\n"
        "def mine(request):\n    return None\n\nmine = login_required(mine)\n",
    }
    (route,) = build(files).facts(Route)
    assert route.path == "/mine/"


TOLD = """
from flask import Flask, jsonify, session
app = Flask(__name__)

@app.post("/orders")
def orders():
    user = session.get("user_id")
    if not user:
        return {refusal}
    return jsonify(done=True)
"""


@pytest.mark.parametrize(
    ("refusal", "expected"),
    [
        ("jsonify(errno=4101, errmsg='sign in first')", ENFORCED),
        ("jsonify({'success': False, 'message': 'sign in first'})", ENFORCED),
        ("{'code': 401}", ENFORCED),
        ("jsonify(items=[], errors=None)", Guarding.ABSENT),
        ("jsonify({'success': True})", Guarding.ABSENT),
    ],
)
def test_a_refusal_that_is_told_with_a_status_of_200(
    refusal: str, expected: Guarding, build: Build
) -> None:
    source = TOLD.replace("{refusal}", refusal)
    (route,) = (r for r in build({"app.py": source}).facts(Route) if r.path == "/orders")
    assert route.authentication is expected
