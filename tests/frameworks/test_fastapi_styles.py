"""FastAPI's routes and guards in styles whose packages the samples cannot install."""

from __future__ import annotations

import pytest

from auditor.model.web import Guarding, Route
from tests.conftest import Build

CHECK = """
import os, jwt
from fastapi import HTTPException, Request
def verify(request: Request):
    try:
        return jwt.decode(request.headers["Authorization"], os.environ["KEY"], algorithms=["HS256"])
    except Exception:
        raise HTTPException(401)
"""
HEAD = "import re\nfrom fastapi import Depends, FastAPI\nfrom check import verify\n"


def states(build: Build, source: str) -> dict[str, Guarding]:
    routes = build({"check.py": CHECK, "app.py": HEAD + source}).facts(Route)
    return {route.name: route.authentication for route in routes}


def test_methods_of_a_class_are_served_by_the_router_of_its_object(build: Build) -> None:
    source = """
from classy_fastapi import Routable, get, post
class Users(Routable):
    def __init__(self): super().__init__(prefix="/users")
    @get("/me")
    def me(self, user=Depends(verify)): return {}
    @post("/open")
    def open(self): return {}
app = FastAPI()
app.include_router(Users().router, prefix="/api")
"""
    assert states(build, source) == {
        "GET /api/users/me": Guarding.ENFORCED,
        "POST /api/users/open": Guarding.ABSENT,
    }


@pytest.mark.parametrize("given, served", [("", False), ("debug=True", True)])
def test_what_is_added_in_debug_mode(build: Build, given: str, served: bool) -> None:
    source = f"""
from fastapi import APIRouter
router = APIRouter()
@router.get("/try")
def attempt(): return {{}}
app = FastAPI({given})
if app.debug:
    app.include_router(router)
"""
    assert bool(states(build, source)) is served


def test_an_application_that_nothing_makes_beside_one_that_is_served(build: Build) -> None:
    source = """
def older():
    made = FastAPI()
    @made.get("/old")
    def old(): return {}
    return made
def create():
    made = FastAPI()
    @made.get("/new")
    def new(): return {}
    return made
app = create()
"""
    assert set(states(build, source)) == {"GET /new"}


def test_patterns_of_a_middleware_that_look_ahead(build: Build) -> None:
    source = """
from starlette.requests import Request
from starlette.responses import JSONResponse
class Guard:
    OPEN = ["/docs"]
    CLOSED = re.compile(r"^/v\\d+/(?!shared/)[^/]+")
    def __init__(self, app): self.app = app
    def is_open(self, path):
        for each in self.OPEN:
            if path.startswith(each):
                return True
        return False
    async def __call__(self, scope, receive, send):
        path = scope.get("path", "")
        if not self.is_open(path) and self.CLOSED.match(path):
            verify(Request(scope))
        await self.app(scope, receive, send)
app = FastAPI()
app.add_middleware(Guard)
@app.get("/v1/users")
def users(): return {}
@app.get("/v1/shared/news")
def news(): return {}
"""
    assert states(build, source) == {
        "GET /v1/users": Guarding.ENFORCED,
        "GET /v1/shared/news": Guarding.ABSENT,
    }


@pytest.mark.parametrize(
    "given, state", [("", Guarding.ENFORCED), ("['/me']", Guarding.OPTIONAL)], ids=["none", "one"]
)
def test_exceptions_that_nobody_makes(build: Build, given: str, state: Guarding) -> None:
    source = f"""
from fastapi import Request
class Auth:
    def __init__(self, excluded=None):
        self.excluded = excluded or []
        self.open = []
        for path in self.excluded:
            self.open.append({{"pattern": re.compile(path)}})
    def __call__(self, request: Request):
        for each in self.open:
            if each["pattern"].match(request.url.path):
                return None
        return verify(request)
app = FastAPI()
@app.get("/me", dependencies=[Depends(Auth({given}))])
def me(): return {{}}
"""
    assert states(build, source) == {"GET /me": state}


def test_a_switch_that_is_off_lets_nobody_pass(build: Build) -> None:
    source = """
from fastapi import Request, HTTPException
from pydantic import BaseModel, Field
from pydantic_settings import BaseSettings
class Login(BaseModel):
    enabled: bool = False
    prefix: str = "/v1"
class Settings(BaseSettings):
    login: Login = Field(default_factory=Login)
settings = Settings()
def check(request: Request):
    if not settings.login.enabled:
        raise HTTPException(401)
    return verify(request)
app = FastAPI()
@app.get(settings.login.prefix + "/me", dependencies=[Depends(check)])
def me(): return {}
"""
    assert states(build, source) == {"GET /v1/me": Guarding.ENFORCED}


BACKENDS = """
from sqladmin.authentication import AuthenticationBackend
from fastapi import FastAPI
from sqladmin import Admin, ModelView
class Login(AuthenticationBackend):
    async def authenticate(self, request):
        if not request.session.get("user_id"):
            return False
        return True
class Anybody(AuthenticationBackend):
    async def authenticate(self, request):
        return True
app = FastAPI()
admin = Admin({arguments})
"""


@pytest.mark.parametrize(
    ("arguments", "base", "state"),
    [
        ("app, engine", "/admin", Guarding.ABSENT),
        ('app, engine, base_url="/manage"', "/manage", Guarding.ABSENT),
        ("app, engine, authentication_backend=None", "/admin", Guarding.ABSENT),
        ("app, engine, authentication_backend=Login(secret_key=KEY)", "/admin", Guarding.ENFORCED),
        ("app, engine, authentication_backend=Anybody(KEY)", "/admin", Guarding.DECORATIVE),
        ("app, engine, authentication_backend=ours()", "/admin", Guarding.UNKNOWN),
        ("app, engine, **options", "/admin", Guarding.UNKNOWN),
    ],
)
def test_panels_of_sqladmin(build: Build, arguments: str, base: str, state: Guarding) -> None:
    built = build({"main.py": BACKENDS.replace("{arguments}", arguments)})
    panel = {r.path: r.authentication for r in built.facts(Route) if r.handler == "sqladmin"}
    assert panel[f"{base}/"] is panel[f"{base}/{{identity}}/list"] is state
    assert (f"{base}/login" in panel) is (state is not Guarding.ABSENT)
    assert panel.get(f"{base}/login", Guarding.EXEMPT) is Guarding.EXEMPT
    assert panel[f"{base}/{{identity}}/ajax/lookup"] is Guarding.EXEMPT


def test_records_that_a_panel_looks_up_are_open(build: Build) -> None:
    source = BACKENDS.replace("{arguments}", "app, engine, authentication_backend=Login(KEY)")
    source += "class Orders(ModelView):\n    form_ajax_refs = {'customer': {'fields': ('name',)}}\n"
    panel = {r.path: r.authentication for r in build({"main.py": source}).facts(Route)}
    assert panel["/admin/{identity}/ajax/lookup"] is Guarding.ABSENT
    assert panel["/admin/{identity}/list"] is Guarding.ENFORCED
