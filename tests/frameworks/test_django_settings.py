"""Django's settings as they are once all statements of a variant have run."""

from __future__ import annotations

from auditor.frameworks.django.settings import DjangoProject
from auditor.model.settings import FrameworkSetting
from auditor.model.values import Known, OneOf, Setting, Value, possible
from tests.conftest import Build

MANAGE = """
import os
from django.core.management import execute_from_command_line
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
"""
BASE = """
DEBUG = True
ROOT_URLCONF = "shop.urls"
LOCAL_APPS = ["shop"]
INSTALLED_APPS = ["django.contrib.auth", *LOCAL_APPS]
MIDDLEWARE = ["a.A", "b.B"]
REST_FRAMEWORK = {"DEFAULT_PERMISSION_CLASSES": ["x.P"]}
"""


def plain(value: Value | None) -> list[object]:
    return [known.value for known in possible(value)]


def test_split_settings_are_followed_to_their_end(build: Build) -> None:
    application = build(
        {
            "manage.py": MANAGE.replace("shop.settings", "shop.settings.development"),
            "shop/wsgi.py": MANAGE.replace("shop.settings", "shop.settings.production"),
            "shop/urls.py": "urlpatterns = []",
            "shop/__init__.py": "",
            "shop/settings/__init__.py": "",
            "shop/settings/base.py": BASE,
            "shop/settings/development.py": "from .base import *\nMIDDLEWARE += ['c.C']\n",
            "shop/settings/production.py": (
                "from shop.settings.base import *\nDEBUG = False\n"
                "MIDDLEWARE.insert(0, 'z.Z')\nREST_FRAMEWORK['PAGE_SIZE'] = 5\n"
                "INSTALLED_APPS = INSTALLED_APPS + ['more']\n"
            ),
        }
    )
    (project,) = application.facts(DjangoProject)
    assert (project.name, project.main.name) == (".", "shop.settings.production")
    assert {v.environment for v in project.variants} == {"production", "development"}
    assert plain(project.main.get("MIDDLEWARE")) == [["z.Z", "a.A", "b.B"]]
    assert plain(project.main.get("INSTALLED_APPS")) == [["django.contrib.auth", "shop", "more"]]
    assert plain(project.main.get("REST_FRAMEWORK")) == [
        {"DEFAULT_PERMISSION_CLASSES": ["x.P"], "PAGE_SIZE": 5}
    ]
    debug = {
        f.environment: (plain(f.value), str(f.place))
        for f in application.facts(FrameworkSetting)
        if f.name == "DEBUG"
    }
    assert debug == {
        "production": ([False], "shop/settings/production.py:2"),
        "development": ([True], "shop/settings/base.py:2"),
    }


def test_branches_that_cannot_be_decided_run_both_ways(build: Build) -> None:
    settings = """
import environ
import local
env = environ.Env(DEBUG=(bool, True))
DEBUG = env("DEBUG")
SSL = env.bool("SSL", default="off")
STRICT = False
MIDDLEWARE = ["a.A", local.first()]
if DEBUG:
    MIDDLEWARE += ["d.D"]
if not STRICT:
    ALLOWED_HOSTS = ["*"]
else:
    ALLOWED_HOSTS = []
ROOT_URLCONF = "shop.urls"
"""
    application = build({"manage.py": MANAGE, "shop/settings.py": settings})
    (project,) = application.facts(DjangoProject)
    assert isinstance(project.main.get("MIDDLEWARE"), OneOf)
    assert plain(project.main.get("MIDDLEWARE")) == [["a.A", None, "d.D"], ["a.A", None]]
    assert project.main.always("MIDDLEWARE", "a.A")
    assert not project.main.always("MIDDLEWARE", "d.D")
    debug, ssl = project.main.get("DEBUG"), project.main.get("SSL")
    assert isinstance(debug, Setting)
    assert (debug.name, plain(debug)) == ("DEBUG", [True])
    assert isinstance(ssl, Setting)
    assert plain(ssl) == [False]
    assert plain(project.main.get("ALLOWED_HOSTS")) == [["*"]]


def test_classes_of_django_configurations_are_variants(build: Build) -> None:
    settings = """
from configurations import Configuration, values

class Base(Configuration):
    DEBUG = values.BooleanValue(True)
    ROOT_URLCONF = "shop.urls"
    MIDDLEWARE = ["a.A"]

class Dev(Base):
    pass

class Production(Base):
    DEBUG = False
    MIDDLEWARE = Base.MIDDLEWARE + ["p.P"]
"""
    application = build({"manage.py": MANAGE, "shop/settings.py": settings})
    (project,) = application.facts(DjangoProject)
    assert project.main.name == "Production"
    assert plain(project.main.get("MIDDLEWARE")) == [["a.A", "p.P"]]
    found = {
        f.environment: f.value for f in application.facts(FrameworkSetting) if f.name == "DEBUG"
    }
    assert isinstance(found["production"], Known)
    assert isinstance(found["development"], Setting)
    assert found["development"].name == "DJANGO_DEBUG"


def test_other_trees_have_no_projects(build: Build) -> None:
    application = build({"app.py": "ROOT_URLCONF = 'x'\nMIDDLEWARE = []\n"})
    assert application.facts(DjangoProject) == ()
    assert application.facts(FrameworkSetting) == ()
