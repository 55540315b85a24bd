"""Middleware as a guard: what it tests, of which paths, and whom it lets pass."""

from __future__ import annotations

import pytest

from auditor.model.web import Guarding, Route
from tests.conftest import Build

HEAD = """
import os
import jwt
from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse
from starlette.middleware.base import BaseHTTPMiddleware
SECRET = os.environ["SECRET"]
app = FastAPI()

def verified(token):
    try:
        return jwt.decode(token, SECRET, algorithms=["HS256"])
    except jwt.PyJWTError:
        raise HTTPException(401)

class Middle(BaseHTTPMiddleware):
    OPEN = ["/", "/docs"]
    async def dispatch(self, request: Request, call_next):
        token = None
        if "authorization" in request.headers:
            token = request.headers["authorization"]
{body}
        return await call_next(request)
{helpers}
app.add_middleware(Middle)

@app.post("/orders")
def create(): ...

@app.get("/docs/internal")
def documentation(): ...
"""
REFUSES = """
        if self.is_open(request):
            return await call_next(request)
        if not verified(token):
            return JSONResponse({}, status_code=401)
"""
CASES = {
    "prefixes, all but one": (
        REFUSES,
        """
    def is_open(self, request):
        for prefix in self.OPEN:
            if prefix != "/" and request.url.path.startswith(prefix):
                return True
        return False
""",
        Guarding.ENFORCED,
    ),
    "prefixes, all but one, in one expression": (
        REFUSES,
        """
    def is_open(self, request):
        return any(request.url.path.startswith(p) for p in self.OPEN if p != "/")
""",
        Guarding.ENFORCED,
    ),
    "all prefixes": (
        REFUSES,
        """
    def is_open(self, request):
        return any(request.url.path.startswith(p) for p in self.OPEN)
""",
        Guarding.ABSENT,
    ),
    "a cache for each caller": (
        """
        if token is None:
            return await call_next(request)
        verified(token)
""",
        "",
        Guarding.ABSENT,
    ),
    "a log of who calls": (
        """
        try:
            user = verified(token)
        except Exception:
            user = None
        print(user)
""",
        "",
        Guarding.ABSENT,
    ),
    "a filter of robots": (
        """
        if self.blocked(request):
            return JSONResponse({}, status_code=403)
""",
        """
    def blocked(self, request):
        return "bot" in request.headers.get("user-agent", "").lower()
""",
        Guarding.ABSENT,
    ),
    "the form of a credential": (
        """
        if token is None or len(token) < 10:
            return JSONResponse({}, status_code=401)
""",
        "",
        Guarding.DECORATIVE,
    ),
}


@pytest.mark.parametrize(("body", "helpers", "state"), CASES.values(), ids=CASES.keys())
def test_what_a_middleware_does_to_a_route(
    body: str, helpers: str, state: Guarding, build: Build
) -> None:
    source = HEAD.replace("{body}", body).replace("{helpers}", helpers)
    routes = {r.path: r for r in build({"main.py": source}).facts(Route)}
    assert routes["/orders"].authentication is state
    if "is_open" in helpers:
        assert routes["/docs/internal"].authentication is not Guarding.ENFORCED


CONTAINER = """
import os
import jwt, punq
from fastapi import Depends, FastAPI, Header, HTTPException
class Tokens:
    def decode(self, token):
        try:
            return jwt.decode(token, os.environ["SECRET"], algorithms=["HS256"])
        except jwt.PyJWTError:
            return None
container = punq.Container()
def tokens(){declared}:
    return container.resolve(Tokens)
app = FastAPI()
def user(authorization: str = Header(), tokens{annotated} = Depends(tokens)):
    if (found := tokens.decode(authorization)) is None:
        raise HTTPException(401)
    return found
@app.get("/items")
def items(user=Depends(user)): ...
"""


@pytest.mark.parametrize(
    ("declared", "annotated", "state"),
    [
        (" -> Tokens", "", Guarding.ENFORCED),
        ("", ": Tokens", Guarding.ENFORCED),
    ],
)
def test_what_a_container_gives_is_told_by_its_declared_type(
    declared: str, annotated: str, state: Guarding, build: Build
) -> None:
    source = CONTAINER.replace("{declared}", declared).replace("{annotated}", annotated)
    (route,) = build({"main.py": source}).facts(Route)
    assert route.authentication is state


def test_a_factory_that_calls_an_instance(build: Build) -> None:
    source = """
import os
from fastapi import Depends, FastAPI, Header, HTTPException
app = FastAPI()

class Access:
    def __init__(self, rights):
        self.rights = rights
    def __call__(self):
        def check(key: str = Header()):
            if key != os.environ["KEY"]:
                raise HTTPException(403)
        return check

def demands(rights):
    return Access(rights)()

@app.post("/items", dependencies=[Depends(demands(["a"]))])
def add(): ...
"""
    (route,) = build({"main.py": source}).facts(Route)
    assert route.authentication is Guarding.ENFORCED


def test_a_factory_whose_dependency_lets_everybody_pass_is_decorative(build: Build) -> None:
    source = """
from fastapi import Depends, FastAPI
app = FastAPI()

def require_permission(right):
    async def dependency():
        return None
    return dependency

def paging(size):
    async def dependency():
        return size
    return dependency

@app.post("/roles", dependencies=[Depends(require_permission("roles.create"))])
def add(): ...

@app.get("/roles", dependencies=[Depends(paging(10))])
def roles(): ...
"""
    routes = {r.method: r for r in build({"main.py": source}).facts(Route)}
    assert routes["POST"].authentication is Guarding.DECORATIVE
    assert [guard.name for guard in routes["POST"].guards] == ["require_permission"]
    assert routes["GET"].authentication is Guarding.ABSENT
