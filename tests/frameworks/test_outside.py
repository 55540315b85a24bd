"""Guards of packages that nobody knows: what cannot be followed is unknown, and never open."""

from __future__ import annotations

import pytest

from auditor.model.web import Guarding, Route
from tests.conftest import Build

HEAD = """
import jwt, os
import registry
from acme.security import Authorizer, authorize, needs_login, render_form, require_permission
from fastapi import Depends, FastAPI, Request
app = FastAPI()
auth = registry.load("auth")

def verify_token(request):
    return auth.validate_token(request)

def check_token(request):
    return bool(request)

def ensure_token(request):
    told = read_token(request.headers.get("x-token"))
    return "ERROR" not in told

def read_token(token):
    try:
        return jwt.decode(token, os.environ["KEY"], algorithms=["HS256"])["email"]
    except jwt.PyJWTError:
        return "ERROR"

def ensure_any_token(request):
    read_token(request.headers.get("x-token"))
    return True
"""
HANDLER = """
@app.post("/orders")
{decorator}
async def create(request: Request{parameter}):
    {body}
    return {{}}
"""
UNKNOWN = {
    "a decorator": ("@needs_login", "", "pass"),
    "a dependency": ("", ", user=Depends(Authorizer('orders'))", "pass"),
    "a function": ("", "", "authorize(request, 'orders')"),
    "a method of what the application keeps": (
        "",
        "",
        "await request.app.state.auth.authorize(request)",
    ),
    "what gives the caller": ("", "", "user = await auth.get_current_user(request)"),
    "a test": ("", "", "if not auth.is_authorized(request): return None"),
    "a function of the tree that asks one": ("", "", "if not verify_token(request): return None"),
    "a verification whose outcome is told by a text": (
        "",
        "",
        "if not ensure_token(request): return None",
    ),
    "a context": ("", "", "with require_permission(request): pass"),
}
OPEN = {
    "a decorator that guards nothing": ("@render_form", "", "pass"),
    "a dependency that guards nothing": ("", ", page=Depends(registry.Paging())", "pass"),
    "a function of the tree that asks nobody": ("", "", "if not check_token(request): return None"),
    "a verification whose outcome nobody minds": (
        "",
        "",
        "if not ensure_any_token(request): return None",
    ),
    "a call that asks nobody": ("", "", "auth.log(request)"),
    "what it only tells": ("", "", "shown = {'may': auth.is_authorized(request)}"),
    "the sign-in's own question": ("", "", "user = auth.authenticate('name', 'password')"),
}


def _state(build: Build, parts: tuple[str, str, str]) -> Guarding:
    decorator, parameter, body = parts
    source = HEAD + HANDLER.format(decorator=decorator, parameter=parameter, body=body)
    (route,) = build({"main.py": source}).facts(Route)
    return route.authentication


@pytest.mark.parametrize("parts", UNKNOWN.values(), ids=UNKNOWN.keys())
def test_unknown(parts: tuple[str, str, str], build: Build) -> None:
    assert _state(build, parts) is Guarding.UNKNOWN


@pytest.mark.parametrize("parts", OPEN.values(), ids=OPEN.keys())
def test_open(parts: tuple[str, str, str], build: Build) -> None:
    assert _state(build, parts) is Guarding.ABSENT


def test_a_function_of_the_tree_is_judged_by_what_it_does(build: Build) -> None:
    source = HEAD + "def authorize(request, what): print(what)\n"
    source += HANDLER.format(decorator="", parameter="", body="authorize(request, 'orders')")
    (route,) = build({"main.py": source}).facts(Route)
    assert route.authentication is Guarding.ABSENT


@pytest.mark.parametrize(
    "name, state", [("AuthMiddleware", Guarding.UNKNOWN), ("TimingMiddleware", Guarding.ABSENT)]
)
def test_middleware(name: str, state: Guarding, build: Build) -> None:
    source = f"""
from acme.middleware import {name}
from fastapi import FastAPI
app = FastAPI()
app.add_middleware({name})
@app.post("/orders")
def create(): return {{}}
"""
    (route,) = build({"main.py": source}).facts(Route)
    assert route.authentication is state


@pytest.mark.parametrize(
    "bases, state",
    [("AuthMixin, View", Guarding.UNKNOWN), ("PagesMixin, View", Guarding.ABSENT)],
)
def test_mixins_of_django(bases: str, state: Guarding, build: Build) -> None:
    files = {
        "manage.py": "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'settings')\nimport django\n",
        "settings.py": "ROOT_URLCONF = 'urls'\nINSTALLED_APPS = []\nMIDDLEWARE = []\n",
        "urls.py": "from django.urls import path\nfrom views import Orders\nurlpatterns = [path('orders', Orders.as_view())]\n",
        "views.py": f"""
from acme.views import AuthMixin, PagesMixin
from django.http import HttpResponse
from django.views import View
class Orders({bases}):
    def post(self, request): return HttpResponse("x")
""",
    }
    (route,) = build(files).facts(Route)
    assert route.authentication is state


FLASK = """
from acme.sso import Gate, Timer, check_login
from acme.web import AuthView, PageView
from flask import Blueprint, Flask
from flask.views import MethodView

app = Flask(__name__)
page = Blueprint("page", __name__)
gate = Gate()
{hook}

@page.get("/orders")
def orders(): return "x"

class Orders({base}):
    def get(self): return "x"

app.register_blueprint(page)
app.add_url_rule("/more", view_func=Orders.as_view("more"))
"""


@pytest.mark.parametrize(
    ("hook", "expected"),
    [
        ("page.before_request(check_login)", Guarding.UNKNOWN),
        ("page.before_request(gate.require_user)", Guarding.UNKNOWN),
        ("app.before_request(gate.require_user)", Guarding.UNKNOWN),
        ("page.before_request(Timer().start)", Guarding.ABSENT),
    ],
)
def test_hooks_of_a_package(hook: str, expected: Guarding, build: Build) -> None:
    routes = build({"app.py": FLASK.format(hook=hook, base="MethodView")}).facts(Route)
    assert {r.authentication for r in routes if r.path == "/orders"} == {expected}


@pytest.mark.parametrize(
    ("base", "expected"),
    [
        ("AuthView", Guarding.UNKNOWN),
        ("PageView", Guarding.ABSENT),
        ("MethodView", Guarding.ABSENT),
    ],
)
def test_views_whose_base_a_package_brings(base: str, expected: Guarding, build: Build) -> None:
    routes = build({"app.py": FLASK.format(hook="", base=base)}).facts(Route)
    assert {r.authentication for r in routes if r.path == "/more"} == {expected}
