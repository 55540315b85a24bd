"""Our routing table held against FastAPI's own, in every style at once.

Each sample is imported in a process of its own; FastAPI says which routes it serves (through its
OpenAPI document, which recent versions fill from lazily included routers), and its test client says
who is turned away without a credential.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from auditor.model.web import Guarding, Route
from tests.conftest import load, write

AUTH = """
import os
from typing import Annotated
from fastapi import Depends, Header, HTTPException

KEY = os.environ["SAMPLE_KEY"]

def signed_in(x_key: Annotated[str | None, Header()] = None):
    if x_key != KEY:
        raise HTTPException(status_code=401)
    return "somebody"

User = Annotated[str, Depends(signed_in)]
"""
SAMPLES: dict[str, Mapping[str, str]] = {
    "one file": {
        "auth.py": AUTH,
        "app.py": """
from fastapi import Depends, FastAPI
from auth import User, signed_in

app = FastAPI()

@app.get("/open")
def open_(): return {}

@app.get("/closed")
def closed(user: User): return {}

@app.api_route("/both", methods=["GET", "POST"], dependencies=[Depends(signed_in)])
def both(): return {}
""",
    },
    "a package with routers": {
        "shop/__init__.py": "",
        "shop/auth.py": AUTH,
        "shop/config.py": "class Settings:\n    PREFIX = '/api/v1'\nsettings = Settings()\n",
        "shop/api/__init__.py": """
from fastapi import APIRouter, Depends
from . import leads, cars as car_module
from ..auth import signed_in
router = APIRouter()
router.include_router(leads.router, prefix="/leads", dependencies=[Depends(signed_in)])
router.include_router(car_module.router)
""",
        "shop/api/leads.py": """
from fastapi import APIRouter
router = APIRouter()

@router.get("")
def all_(): return []

@router.get("/{lead_id}")
def one(lead_id: int): return {}
""",
        "shop/api/cars.py": """
from fastapi import APIRouter
from shop.auth import User
router = APIRouter(prefix="/cars", tags=["cars"])

@router.get("/")
def all_(): return []

@router.delete("/{car_id}")
def remove(car_id: int, user: User): return {}
""",
        "app.py": """
from fastapi import FastAPI
from shop.api import router
from shop.config import settings

def create_app() -> FastAPI:
    application = FastAPI()
    application.include_router(router, prefix=settings.PREFIX)
    return application

app = create_app()
""",
    },
    "loops, factories and mounts": {
        "auth.py": AUTH,
        "app.py": """
from fastapi import APIRouter, Depends, FastAPI
from auth import signed_in

def make(name):
    router = APIRouter()

    @router.get("/list")
    def listed(): return []

    return router

first, second = APIRouter(), APIRouter(dependencies=[Depends(signed_in)])

@first.get("/one")
def one(): return {}

@second.get("/two")
def two(): return {}

def added(): return {}

app = FastAPI()
for router, prefix in [(first, "/a"), (second, "/b")]:
    app.include_router(router, prefix=prefix)
app.include_router(make("x"), prefix="/made")
app.add_api_route("/added", added, methods=["PUT"], dependencies=[Depends(signed_in)])
""",
    },
    "options that a helper spreads": {
        "auth.py": AUTH,
        "app.py": """
from typing import Any, cast
from fastapi import APIRouter, Depends, FastAPI
from auth import signed_in
import os

BASE = os.environ.get("SAMPLE_BASE", "")
LOCKED = {"dependencies": [Depends(signed_in)]}
one, two, three = APIRouter(), APIRouter(prefix="/two"), APIRouter()

@one.get("/a")
def a(): return {}

@two.get("/b", **LOCKED)
def b(): return {}

@three.post("/c")
def c(): return {}

def include(application: FastAPI, router: APIRouter, **kwargs: Any) -> None:
    base = f"/{BASE.strip('/')}" if BASE else ""
    given = cast(str | None, kwargs.get("prefix"))
    if given:
        prefix = f"{base}/{given.strip('/')}"
    else:
        prefix = f"{base}"
    options: dict[str, Any] = {**kwargs, "prefix": prefix}
    application.include_router(router, **options)

def include_closed(application: FastAPI, router: APIRouter, prefix: str | None = None) -> None:
    include(application, router, prefix=prefix, dependencies=[Depends(signed_in)])

app = FastAPI()
include(app, one, prefix="one/")
include(app, two)
include_closed(app, three, prefix="/three")
""",
    },
    "tables of routers and of paths": {
        "auth.py": AUTH,
        "app.py": """
from dataclasses import dataclass
from fastapi import APIRouter, Depends, FastAPI
from auth import signed_in

one, two, three = APIRouter(), APIRouter(), APIRouter()

@one.get("/a")
def a(): return {}

@two.get("/b")
def b(): return {}

@three.get("/c")
def c(): return {}

CLOSED = [Depends(signed_in)]
first = [
    {"router": one, "prefix": "/one", "tags": ["One"], "dependencies": CLOSED},
    {"router": two, "prefix": "/two", "tags": ["Two"]},
]
every = first + [{"router": three, "tags": ["Three"], "dependencies": CLOSED}]

@dataclass
class Family:
    paths: list[str]
    wide: bool = False

families = [Family(["/red", "/blue"], True), Family(paths=["/green"])]

def proxied(): return {}

def make():
    router = APIRouter(dependencies=[Depends(signed_in)])
    for family in families:
        for path in family.paths:
            router.add_api_route(path, proxied, methods=["POST"])
    return router

def attach(app: FastAPI, target: FastAPI):
    app.mount("/below", target)

app = FastAPI()
for entry in every:
    app.include_router(**entry)
app.include_router(make(), prefix="/colours")
""",
    },
    "a router class that knows a slash only for what is decorated": {
        "auth.py": AUTH,
        "app.py": """
from fastapi import APIRouter as Plain
from fastapi import Depends, FastAPI
from auth import signed_in

class APIRouter(Plain):
    def api_route(self, path, *, include_in_schema=True, **kwargs):
        path = path.removesuffix("/")
        add = super().api_route(path, include_in_schema=include_in_schema, **kwargs)
        alternate = super().api_route(path + "/", include_in_schema=True, **kwargs)

        def decorator(func):
            alternate(func)
            return add(func)

        return decorator

router = APIRouter(prefix="/things", dependencies=[Depends(signed_in)])

@router.get("/")
def things(): return []

def tag(): return {}

router.add_api_route("/tag", endpoint=tag, methods=["POST"])
app = FastAPI()
app.include_router(router)
""",
    },
    "paths from declared settings": {
        "auth.py": AUTH,
        "config.py": """
import os

class Entry:
    def __init__(self, key, default): self.key, self.default = key, default
    def __get__(self, owner, kind=None): return os.environ.get(self.key, self.default)

class Conf:
    def text(self, key, default=None, description=None): return self.entry(key, default)
    def entry(self, key, default): return Entry(key, default)

conf = Conf()

class Config:
    ROUTE = conf.text("SAMPLE_ROUTE", "/from-settings", description="where it is")
    SWITCH = conf.text("SAMPLE_SWITCH", default=None)

config = Config()
""",
        "app.py": """
from fastapi import Depends, FastAPI
from auth import signed_in
from config import config

app = FastAPI()

@app.get(config.ROUTE, dependencies=[Depends(signed_in)])
def there(): return {}
""",
    },
    "an application-wide dependency": {
        "auth.py": AUTH,
        "app.py": """
from fastapi import APIRouter, Depends, FastAPI
from auth import signed_in

app = FastAPI(dependencies=[Depends(signed_in)])
router = APIRouter(prefix="/r")

@app.get("/x")
def x(): return {}

@router.post("/y")
def y(): return {}

app.include_router(router)
""",
    },
    "a class of dependencies": {
        "auth.py": AUTH,
        "app.py": """
from fastapi import Depends, FastAPI, HTTPException
from auth import User

class Role:
    def __init__(self, name): self.name = name
    def __call__(self, user: User): return user

class Page:
    def __init__(self, limit: int = 10): self.limit = limit

app = FastAPI()

@app.get("/admin", dependencies=[Depends(Role("admin"))])
def admin(): return {}

@app.get("/page")
def page(page: Page = Depends()): return {}
""",
    },
    "routers from a factory called twice": {
        "auth.py": AUTH,
        "app.py": """
from fastapi import APIRouter, Depends, FastAPI
from auth import signed_in

def crud(name, guard=None):
    router = APIRouter(prefix=f"/{name}", dependencies=[Depends(guard)] if guard else [])

    @router.get("")
    def many(): return []

    @router.post("/new")
    def new(): return {}

    return router

app = FastAPI()
app.include_router(crud("leads", signed_in))
app.include_router(crud("cars"))
""",
    },
    "routers made in a loop": {
        "auth.py": AUTH,
        "app.py": """
from fastapi import APIRouter, Depends, FastAPI
from auth import signed_in

app = FastAPI()
for name in ("a", "b"):
    router = APIRouter(prefix=f"/{name}")

    @router.get("/list", dependencies=[Depends(signed_in)])
    def listed(): return []

    app.include_router(router)

PATHS = {"x": True, "y": False}
def answer(): return {}
for path, closed in PATHS.items():
    app.add_api_route(f"/p/{path}", answer, methods=["GET"], dependencies=[Depends(signed_in)])
""",
    },
    "class-based views": {
        "auth.py": AUTH,
        "app.py": """
from fastapi import APIRouter, Depends, FastAPI
from fastapi_utils.cbv import cbv
from auth import signed_in

router = APIRouter(prefix="/cars")
open_router = APIRouter()

@cbv(router)
class Cars:
    user: str = Depends(signed_in)

    @router.get("/")
    def many(self): return []

    @router.get("/{car_id}")
    def one(self, car_id: int): return {}

@cbv(open_router)
class Info:
    def __init__(self, limit: int = 10): self.limit = limit

    @open_router.get("/info")
    def info(self): return {}

app = FastAPI()
app.include_router(router)
app.include_router(open_router)
""",
    },
    "controllers that register their own methods": {
        "auth.py": AUTH,
        "app.py": """
from fastapi import APIRouter, Depends, FastAPI
from auth import User, signed_in

class Base:
    prefix = ""
    def __init__(self):
        self.router = APIRouter(prefix=self.prefix)
        self.register()
    def register(self): ...

class Leads(Base):
    prefix = "/leads"
    def register(self):
        self.router.add_api_route("/", self.many, methods=["GET"])
        self.router.add_api_route("/{lead_id}", self.one, methods=["GET", "DELETE"])
    def many(self, user: User): return []
    def one(self, lead_id: int): return {}

class Reports:
    def __init__(self, tag):
        self.router = APIRouter(tags=[tag], dependencies=[Depends(signed_in)])
        self.router.add_api_route("/reports", self.listed)
    async def listed(self): return []

app = FastAPI()
app.include_router(Leads().router)
app.include_router(Reports("r").router)
""",
    },
    "own router and route classes": {
        "auth.py": AUTH,
        "app.py": """
import os
from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request
from fastapi.routing import APIRoute
from auth import signed_in

class Private(APIRouter):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, dependencies=[Depends(signed_in)], **kwargs)

class Checked(APIRoute):
    def get_route_handler(self):
        original = super().get_route_handler()
        async def handler(request: Request):
            if request.headers.get("x-key") != os.environ["SAMPLE_KEY"]:
                raise HTTPException(401)
            return await original(request)
        return handler

class Timed(APIRoute):
    def get_route_handler(self):
        original = super().get_route_handler()
        async def handler(request: Request):
            response = await original(request)
            response.headers["x-time"] = "1"
            return response
        return handler

private = Private(prefix="/private")
checked = APIRouter(prefix="/checked", route_class=Checked)
timed = APIRouter(prefix="/timed", route_class=Timed)

@private.get("/a")
def a(): return {}

@checked.get("/b")
def b(): return {}

@timed.get("/c")
def c(): return {}

app = FastAPI()
for router in [private, checked, timed]:
    app.include_router(router)
""",
    },
    "scopes, chains and callable classes": {
        "auth.py": AUTH,
        "deps.py": """
from typing import Annotated
from fastapi import Depends, HTTPException, Security
from fastapi.security import SecurityScopes
from auth import signed_in

def scoped(scopes: SecurityScopes, user: Annotated[str, Depends(signed_in)]):
    return user

def active(user: str = Depends(scoped)):
    return user

class Needs:
    def __init__(self, *rights): self.rights = rights
    async def __call__(self, user=Depends(active)):
        if not set(self.rights) <= {"read"}:
            raise HTTPException(403)
        return user

Admin = Annotated[str, Depends(Needs("admin"))]
Scoped = Annotated[str, Security(scoped, scopes=["items"])]
""",
        "app.py": """
from fastapi import Depends, FastAPI, Security
import deps
from deps import Admin, Needs, Scoped as S

app = FastAPI()

@app.get("/1")
def one(user: S): return {}

@app.get("/2")
def two(admin: Admin): return {}

@app.get("/3", dependencies=[Security(deps.active, scopes=["x"])])
def three(): return {}

@app.get("/4")
def four(user: str = Depends(deps.Needs("read"))): return {}

@app.get("/5")
def five(limit: int = Depends(lambda: 5)): return {}
""",
    },
    "mounted applications": {
        "auth.py": AUTH,
        "admin/__init__.py": "",
        "admin/main.py": """
from fastapi import Depends, FastAPI
from auth import signed_in
admin_app = FastAPI(dependencies=[Depends(signed_in)])

@admin_app.get("/users")
def users(): return []
""",
        "app.py": """
from fastapi import Depends, FastAPI
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route, WebSocketRoute
from admin.main import admin_app
from auth import signed_in

async def plain(request): return JSONResponse({})
async def socket(websocket):
    await websocket.accept()
    await websocket.close()

class Endpoint:
    pass

inner = Starlette(routes=[Route("/plain", plain, methods=["GET", "POST"]), WebSocketRoute("/ws", socket)])
app = FastAPI(dependencies=[Depends(signed_in)], routes=[Route("/first", plain)])
app.mount("/admin", admin_app)
app.mount("/inner", inner)

@app.get("/own")
def own(): return {}
""",
    },
    "web sockets": {
        "auth.py": AUTH,
        "app.py": """
import os
from fastapi import APIRouter, Depends, FastAPI, Query, WebSocket, WebSocketException, status

router = APIRouter()
app = FastAPI()

async def token(token: str | None = Query(None)):
    if token != os.environ["SAMPLE_KEY"]:
        raise WebSocketException(code=status.WS_1008_POLICY_VIOLATION)
    return token

@router.websocket("/closed")
async def closed(websocket: WebSocket, user: str = Depends(token)):
    await websocket.accept()
    await websocket.close()

@app.websocket("/inside")
async def inside(websocket: WebSocket):
    if websocket.query_params.get("token") != os.environ["SAMPLE_KEY"]:
        await websocket.close(code=1008)
        return
    await websocket.accept()
    await websocket.close()

@app.websocket("/open")
async def open_(websocket: WebSocket):
    await websocket.accept()
    await websocket.close()

app.include_router(router, prefix="/ws")
""",
    },
    "middleware with exceptions": {
        "auth.py": AUTH,
        "app.py": """
import os, re
from fastapi import FastAPI, Request
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.responses import JSONResponse

PUBLIC = {"/open", "/health"}
PREFIXES = ("/static", "/share")
PATTERN = re.compile(r"^/v\\d+/public")

class Auth(BaseHTTPMiddleware):
    def __init__(self, app, skip=()):
        super().__init__(app)
        self.skip = skip

    async def dispatch(self, request: Request, call_next):
        path = request.url.path
        path = path.strip()
        if path in PUBLIC or path.startswith(PREFIXES) or path in self.skip or re.match(r"^/v\\d+/public", path):
            return await call_next(request)
        key = request.headers.get("x-key")
        if not key:
            return JSONResponse({"detail": "missing"}, status_code=401)
        if key != os.environ["SAMPLE_KEY"]:
            return JSONResponse({"detail": "wrong"}, status_code=403)
        return await call_next(request)

app = FastAPI()
app.add_middleware(Auth, skip=["/skipped"])

@app.get("/open")
def open_(): return {}
@app.get("/closed")
def closed(): return {}
@app.get("/share/{name}")
def share(name: str): return {}
@app.get("/skipped")
def skipped(): return {}
@app.get("/v1/public")
def public(): return {}
@app.get("/openly")
def openly(): return {}
""",
    },
    "a pure ASGI middleware": {
        "app.py": """
import os
from fastapi import FastAPI
from starlette.datastructures import Headers
from starlette.responses import JSONResponse

class KeyMiddleware:
    def __init__(self, app): self.app = app
    async def __call__(self, scope, receive, send):
        if scope["type"] != "http" or scope["path"] == "/open":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if headers.get("x-key") != os.environ["SAMPLE_KEY"]:
            response = JSONResponse({"detail": "no"}, status_code=401)
            await response(scope, receive, send)
            return
        await self.app(scope, receive, send)

app = FastAPI()
app.add_middleware(KeyMiddleware)

@app.get("/open")
def open_(): return {}
@app.get("/closed")
def closed(): return {}
""",
    },
    "a function as middleware that leaves the user on the request": {
        "app.py": """
import os
from fastapi import Depends, FastAPI, HTTPException, Request

app = FastAPI()

@app.middleware("http")
async def identify(request: Request, call_next):
    request.state.user = None
    if request.headers.get("x-key") == os.environ["SAMPLE_KEY"]:
        request.state.user = "somebody"
    return await call_next(request)

def user(request: Request):
    if request.state.user is None:
        raise HTTPException(401)
    return request.state.user

@app.get("/closed")
def closed(user=Depends(user)): return {}
@app.get("/open")
def open_(request: Request): return {"user": request.state.user}
""",
    },
    "routes added when the application starts": {
        "auth.py": AUTH,
        "app.py": """
from contextlib import asynccontextmanager
from fastapi import APIRouter, Depends, FastAPI
from auth import signed_in

late = APIRouter(prefix="/late")

@late.get("/one")
def one(): return {}

def setup_routes(application, debug=False):
    application.include_router(late, dependencies=[Depends(signed_in)])
    if debug:
        application.include_router(late, prefix="/debug")

@asynccontextmanager
async def lifespan(app: FastAPI):
    app.include_router(late, prefix="/started")
    yield

def create_app():
    application = FastAPI(lifespan=lifespan)
    setup_routes(application, debug=True)
    return application

app = create_app()
""",
    },
    "fastapi-users": {
        "app.py": """
import os, uuid
from fastapi import Depends, FastAPI
from fastapi_users import BaseUserManager, FastAPIUsers, schemas
from fastapi_users.authentication import AuthenticationBackend, BearerTransport, JWTStrategy

class UserRead(schemas.BaseUser[uuid.UUID]): pass
class UserCreate(schemas.BaseUserCreate): pass
class UserUpdate(schemas.BaseUserUpdate): pass

async def get_user_manager():
    yield BaseUserManager(None)

def strategy(): return JWTStrategy(secret=os.environ["SAMPLE_KEY"], lifetime_seconds=3600)
backend = AuthenticationBackend(name="jwt", transport=BearerTransport(tokenUrl="auth/login"), get_strategy=strategy)
users = FastAPIUsers(get_user_manager, [backend])
current = users.current_user(active=True)
maybe = users.current_user(optional=True)
app = FastAPI()
app.include_router(users.get_auth_router(backend), prefix="/auth/jwt", tags=["auth"])
app.include_router(users.get_register_router(UserRead, UserCreate), prefix="/auth")
app.include_router(users.get_reset_password_router(), prefix="/auth")
app.include_router(users.get_verify_router(UserRead), prefix="/auth")
app.include_router(users.get_users_router(UserRead, UserUpdate), prefix="/users")

@app.get("/private")
def private(user=Depends(current)): return {}
@app.get("/perhaps")
def perhaps(user=Depends(maybe)): return {}
""",
    },
    "decorators of one's own": {
        "app.py": """
import os
from functools import wraps
from fastapi import FastAPI, HTTPException, Request

app = FastAPI()

def keyed(function):
    @wraps(function)
    async def wrapper(request: Request, *args, **kwargs):
        if request.headers.get("x-key") != os.environ["SAMPLE_KEY"]:
            raise HTTPException(status_code=401)
        return await function(request, *args, **kwargs)
    return wrapper

def needs(role):
    def decorate(function):
        @wraps(function)
        async def wrapper(request: Request, *args, **kwargs):
            if request.headers.get("x-key") != os.environ["SAMPLE_KEY"]:
                raise HTTPException(status_code=403)
            return await function(request, *args, **kwargs)
        return wrapper
    return decorate

@app.get("/keyed")
@keyed
async def a(request: Request): return {}

@app.get("/needs")
@needs("admin")
async def b(request: Request): return {}

@app.get("/plain")
async def c(request: Request): return {}

@keyed
@app.get("/above")
async def d(request: Request): return {}
""",
    },
    "decorators called like functions, copies and generators": {
        "guards.py": """
import os
from functools import partial, update_wrapper
from types import FunctionType
from fastapi import Depends, HTTPException, Request, Response
from fastapi.security.http import HTTPBasic, HTTPBasicCredentials

basic = HTTPBasic(auto_error=False)
ZONE = os.getenv("ZONE", "main")

def known(name, password):
    return name == "u" and password == os.environ["SAMPLE_KEY"]

def user(request: Request, sent: HTTPBasicCredentials = Depends(basic)):
    if key := request.headers.get("x-key"):
        if key != os.environ["SAMPLE_KEY"]:
            raise HTTPException(401)
        return key
    elif sent and known(sent.username, sent.password):
        return sent.username
    raise HTTPException(401)

def held(who=Depends(user)):
    try:
        yield who
    finally:
        pass

def maybe(request: Request):
    yield request.headers.get("x-key")

def demanded(who=Depends(held), zone: str = "main"):
    if zone == ZONE and who is None:
        raise HTTPException(403)
    return who

def copy_of(function):
    made = FunctionType(function.__code__, function.__globals__, argdefs=function.__defaults__)
    return update_wrapper(made, function)

copied = copy_of(user)
bound = partial(demanded, zone="main")
""",
        "app.py": """
from fastapi import APIRouter, Depends, FastAPI
from guards import bound, copied, demanded, held, maybe
app = FastAPI()
router = APIRouter(prefix="/r")

def closed(who=Depends(held)): return {}
def open_(who=Depends(maybe)): return {}
def again(who=Depends(demanded)): return {}

router.post("/closed")(closed)
router.get("/open")(open_)
again = router.put("/again")(again)

@router.get("/copied", dependencies=[Depends(copied)])
def c(): return {}

@router.get("/bound", dependencies=[Depends(bound)])
def d(): return {}

app.include_router(router)
""",
    },
    "a prefix from the host, conditionals, and factories of factories": {
        "settings.py": """
import os
class Settings:
    base: str = "/api"
    root: str | None = os.getenv("ROOT_PATH_OF_THE_APP")
    admin: bool = True
    legacy: bool = False
settings = Settings()
""",
        "deps.py": """
import os
from typing import Annotated
from fastapi import Depends, HTTPException, Header

def user(x_key: Annotated[str | None, Header()] = None):
    if x_key != os.environ["SAMPLE_KEY"]:
        raise HTTPException(401)
    return "u"

User = Annotated[str, Depends(user)]
""",
        "made.py": """
from fastapi import APIRouter, Depends
from deps import user

def reading(model: type, kind: str) -> APIRouter:
    router = APIRouter(prefix=f"/things/{kind}")

    @router.get("/", name="list")
    def ls(): return []

    @router.api_route("/{key}", methods=["GET", "DELETE"], dependencies=[Depends(user)])
    def one(key: str): return {}

    return router

def both(model: type, kind: str) -> APIRouter:
    whole = APIRouter()
    part = reading(model=model, kind=kind)
    whole.include_router(part)
    return whole

CARS = both(model=dict, kind="cars")
LEADS = both(model=list, kind="leads")
""",
        "app.py": """
from fastapi import APIRouter, FastAPI
from deps import User
from made import CARS, LEADS
from settings import settings

def hello(who: User): return {}
def info(): return {}

def include(app: FastAPI, router: APIRouter, **more):
    app.include_router(router, **more)

def create_app(final: bool = False) -> FastAPI:
    app = FastAPI()
    api = FastAPI()
    api.add_api_route("/hello", hello, methods=["GET", "POST"])
    if settings.admin:
        admin = APIRouter(prefix=settings.base + "/admin")
        admin.add_api_route("/info", info)
        app.include_router(admin)
    include(app, CARS)
    include(app, LEADS)
    if settings.root:
        app.mount(settings.root, api)
    else:
        app.mount("/mounted", api)
    return app

def main():
    return create_app(final=True)

app = create_app()
""",
    },
    "many routers through one helper": {
        "app.py": """
from fastapi import APIRouter, FastAPI
app = FastAPI()

def include(into: FastAPI, router: APIRouter):
    into.include_router(router)

"""
        + "".join(
            f"""
r{n} = APIRouter(prefix="/r{n}")
@r{n}.get("/")
def f{n}(): return {{}}
include(app, r{n})
"""
            for n in range(80)
        ),
    },
    "Starlette alone": {
        "app.py": """
import os
from starlette.applications import Starlette
from starlette.authentication import AuthCredentials, AuthenticationBackend, SimpleUser, requires
from starlette.endpoints import HTTPEndpoint
from starlette.middleware import Middleware
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route, Router

class Keys(AuthenticationBackend):
    async def authenticate(self, conn):
        if conn.headers.get("x-key") == os.environ["SAMPLE_KEY"]:
            return AuthCredentials(["authenticated"]), SimpleUser("somebody")

@requires("authenticated")
async def closed(request): return JSONResponse({})

async def open_(request): return JSONResponse({})

class Things(HTTPEndpoint):
    async def get(self, request): return JSONResponse({})
    @requires("authenticated")
    async def post(self, request): return JSONResponse({})

nested = [Route("/closed", closed), Route("/open", open_)]
routes = [Route("/things", Things), Mount("/nested", routes=nested), Route("/open", endpoint=open_)]
app = Starlette(routes=routes, middleware=[Middleware(AuthenticationMiddleware, backend=Keys())])
app.add_route("/added", open_, ["PUT"])
""",
    },
}


PROBE = Path(__file__).with_name("probe_fastapi.py")


@pytest.mark.parametrize("files", SAMPLES.values(), ids=SAMPLES.keys())
def test_same_routes_and_guards_as_the_framework(files: Mapping[str, str], tmp_path: Path) -> None:
    root = write(tmp_path, files)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(PROBE)],
        cwd=root,
        env={"SAMPLE_KEY": "k", "PATH": "", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    served = {(method, path): closed for method, path, closed in json.loads(done.stdout)}
    ours = {
        (r.method, r.path): r.authentication is Guarding.ENFORCED for r in load(root).facts(Route)
    }
    assert ours == served
