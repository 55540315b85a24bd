"""What Flask applications read from their configuration, in the ways they are given it."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from auditor.extract.python import tree as t
from auditor.link.application import Application
from auditor.model.settings import FrameworkSetting
from auditor.model.values import Known, Masked, Setting, Value
from auditor.model.web import Route, WebApp
from tests.conftest import Build

CLASSES = """
import os
class Config:
    SECRET_KEY = os.environ["SECRET_KEY"]
    SESSION_COOKIE_SECURE = False
class DevelopmentConfig(Config):
    DEBUG = True
class Live(Config):
    SESSION_COOKIE_SECURE = True
config = {"development": DevelopmentConfig, "production": Live, "default": DevelopmentConfig}
"""


def settings(application: Application) -> set[tuple[str, str, object]]:
    return {(s.name, s.environment, _plain(s.value)) for s in application.facts(FrameworkSetting)}


def _plain(value: Value) -> object:
    match value:
        case Known(value=plain):
            return plain
        case Setting(name=name):
            return f"${name}"
        case Masked():
            return "masked"
    return type(value).__name__


FROM_CLASSES = {
    ("SECRET_KEY", "", "$SECRET_KEY"),
    ("SESSION_COOKIE_SECURE", "", False),
    ("DEBUG", "development", True),
    ("SESSION_COOKIE_SECURE", "production", True),
}


@pytest.mark.parametrize(
    "loading",
    [
        "app.config.from_object(config[name])",
        "app.config.from_object(config.get(name, 'default'))",
        "app.config.from_object(f'settings.{name}')",
        "app.config.from_object(os.environ.get('APP_SETTINGS', 'settings.Live'))",
        "app.config.from_object(os.environ['APP_SETTINGS'])",
    ],
)
def test_configuration_classes(build: Build, loading: str) -> None:
    app = f"""
import os
from flask import Flask
from settings import config

def create_app(name):
    app = Flask(__name__)
    {loading}
    return app
"""
    found = settings(build({"app.py": app, "settings.py": CLASSES}))
    assert found == FROM_CLASSES


DIRECT: Mapping[str, tuple[str, tuple[str, str, object]]] = {
    "key": ('app.config["TESTING"] = True', ("TESTING", "", True)),
    "keywords": ("app.config.update(TESTING=True)", ("TESTING", "", True)),
    "mapping": ('app.config.update({"TESTING": True})', ("TESTING", "", True)),
    "from_mapping": ("app.config.from_mapping(dict(A=1))", ("A", "", 1)),
    "attribute": ("app.debug = True", ("DEBUG", "", True)),
    "secret": ("app.secret_key = 'qwertyuiop-12345'", ("SECRET_KEY", "", "masked")),
    "variable": ('c = app.config\nc["A"] = 1', ("A", "", 1)),
    "init_app": ('def init_app(app):\n    app.config["A"] = 1', ("A", "", 1)),
    "run": ("app.run(debug=True)", ("run(debug)", "", True)),
}


@pytest.mark.parametrize(("code", "expected"), DIRECT.values(), ids=DIRECT.keys())
def test_direct_ways(build: Build, code: str, expected: tuple[str, str, object]) -> None:
    application = build({"app.py": f"from flask import Flask\napp = Flask(__name__)\n{code}\n"})
    assert settings(application) == {expected}


def test_what_is_not_flask_is_left_alone(build: Build) -> None:
    code = """
from celery import Celery
from fastapi import FastAPI
celery, app, other = Celery(), FastAPI(), {}
celery.config["A"] = 1
app.config["B"] = 2
other["C"] = 3
"""
    assert settings(build({"app.py": code})) == set()
    assert settings(build({"app.py": "import flask\n" + code})) == set()


@pytest.mark.parametrize(
    "reading",
    ['current_app.config["K"]', 'current_app.config.get("K")', 'app.config["K"]'],
)
def test_a_key_is_traced_to_its_value(build: Build, reading: str) -> None:
    application = build(
        {
            "shop/__init__.py": """
from flask import Flask
from .settings import Development, Production
app = Flask(__name__)
app.config.from_object(Production if app.env else Development)
""",
            "shop/settings.py": """
import os
class Development:
    K = "dev"
class Production:
    K = os.environ["KEY"]
""",
            "shop/views.py": f"""
from flask import current_app
from shop import app
def view():
    return f({reading})
""",
        }
    )
    (site,) = application.code.method_calls("f")
    assert isinstance(site.node, t.Call)
    value = application.values.value(site.node.args[0], site.scope)
    assert isinstance(value, Setting)
    assert (value.name, value.default) == ("KEY", None)


def test_an_application_for_tasks_is_no_second_one(build: Build) -> None:
    """A worker's module makes one, fills it by the factory and pushes its context; it serves nobody."""
    files = {
        "app/__init__.py": "def create_app(application):\n    @application.get('/')\n    def home():\n        return ''\n",
        "application.py": "from flask import Flask\nfrom app import create_app\napplication = Flask('api')\ncreate_app(application)\n",
        "run_celery.py": "from flask import Flask\nfrom app import create_app\napplication = Flask('delivery')\ncreate_app(application)\napplication.app_context().push()\n",
    }
    assert [app.entry for app in build(files).facts(WebApp)] == ["application:application"]
    files["Procfile"] = "web: gunicorn run_celery:application\n"
    assert len(build(files).facts(WebApp)) == 2


GUARDED_BY_A_FILE = """
import configparser
from functools import wraps
from flask import Flask, abort, session
app = Flask(__name__)
config = configparser.ConfigParser()
config.read("config.ini")
def needed(view):
    @wraps(view)
    def inner(*args, **kwargs):
        if not config.getboolean("ACCESS", "Enabled", fallback=True):
            return view(*args, **kwargs)
        if not session.get("user_id"):
            abort(401)
        return view(*args, **kwargs)
    return inner
@app.get("/orders")
@needed
def orders():
    return load()
"""


@pytest.mark.parametrize(
    ("files", "state"),
    [
        ({}, "enforced"),
        ({"config.ini": "[ACCESS]\n; off for now\nenabled = False\n"}, "absent"),
        ({"config.ini": "[ACCESS]\nENABLED: yes\n"}, "enforced"),
        ({"config.ini": "[OTHER]\nenabled = no\n"}, "enforced"),
        ({"config.ini": "[ACCESS]\n; enabled = no\n"}, "enforced"),
        ({"config.dev.ini": "[ACCESS]\nenabled = no\n"}, "enforced"),
        ({"a.ini": "[ACCESS]\nenabled=no\n", "b.ini": "[ACCESS]\nenabled=on\n"}, "enforced"),
    ],
)
def test_a_switch_in_an_ini_file(build: Build, files: dict[str, str], state: str) -> None:
    routes = build({"app.py": GUARDED_BY_A_FILE, **files}).facts(Route)
    assert {r.path: r.authentication.value for r in routes}["/orders"] == state
