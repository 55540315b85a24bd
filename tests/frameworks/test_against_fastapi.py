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
}
PROBE = """
import json, sys
sys.path.insert(0, ".")
from fastapi.testclient import TestClient
from app import app
client = TestClient(app, raise_server_exceptions=False)
rows = []
for path, methods in app.openapi()["paths"].items():
    for method in methods:
        url = path.replace("{lead_id}", "1").replace("{car_id}", "1")
        rows.append([method.upper(), path, client.request(method, url).status_code in (401, 403)])
print(json.dumps(rows))
"""


@pytest.mark.parametrize("files", SAMPLES.values(), ids=SAMPLES.keys())
def test_same_routes_and_guards_as_the_framework(files: Mapping[str, str], tmp_path: Path) -> None:
    root = write(tmp_path, files)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROBE],
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
