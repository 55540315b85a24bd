"""What platforms, pipelines and images say of how an application is run."""

from __future__ import annotations

import pytest

from auditor.assess.registry import all_rules
from auditor.assess.verdict import Outcome
from auditor.model.containers import ContainerImage
from auditor.model.debugging import DebugSwitch
from auditor.model.deployment import ContainerService, ManagedDatabase, ServerRun
from auditor.model.pipelines import Job
from auditor.model.settings import EnvironmentNames, IdleSetting
from auditor.model.values import Known
from auditor.model.web import Route
from tests.conftest import Build

_FLASK = "from flask import Flask\napp = Flask(__name__)\n"
_RULES = {rule.id: rule for rule in all_rules()}
_FASTAPI = "from fastapi import FastAPI\napp = FastAPI()\n"


@pytest.mark.parametrize(
    ("name", "text", "serves"),
    [
        ("serverless.yml", "functions:\n  web:\n    handler: wsgi_handler.handler\n", True),
        ("zappa_settings.json", '{"production": {"app_function": "app.app"}}', True),
        ("serverless.yml", "functions:\n  dump:\n    handler: dump.run\n", False),
    ],
)
def test_serverless_adapters_serve_an_application(
    build: Build, name: str, text: str, serves: bool
) -> None:
    found = build({"app.py": _FLASK, name: text}).facts(ServerRun)
    assert [(run.production, run.place.path) for run in found] == [(True, name)] * serves


@pytest.mark.parametrize(("more", "serves"), [("package", True), ("startUpCommand", False)])
def test_app_service_starts_gunicorn_unless_told_otherwise(
    build: Build, more: str, serves: bool
) -> None:
    pipeline = f"""
steps:
  - task: AzureWebApp@1
    inputs:
      appName: shop
      {more}: x
"""
    application = build({"app.py": _FLASK, "azure-pipelines.yml": pipeline})
    assert [run.production for run in application.facts(ServerRun)] == [True] * serves
    (job,) = application.facts(Job)
    assert any(step.deploys for step in job.steps)


def test_environments_chosen_by_the_branch(build: Build) -> None:
    workflow = """
on: {push: {branches: [main, develop]}}
jobs:
  deploy:
    steps:
      - run: |
          if [ "$GITHUB_REF" = "refs/heads/OTHER" ]; then export ENV=prod; fi
          ./deploy.sh
"""
    for other, told in (("main", True), ("feature", False)):
        branches = "[main, develop]" if told else "[feature]"
        text = workflow.replace("OTHER", other).replace("[main, develop]", branches)
        found = build({"app.py": _FASTAPI, ".github/workflows/ci.yml": text}).facts(
            EnvironmentNames
        )
        assert bool(found) is told, other


def test_settings_that_nothing_asks_for(build: Build) -> None:
    text = """
import os
STAGE = os.getenv("STAGE", "dev").lower()
MODE = os.getenv("MODE", "dev")
print(MODE)
"""
    assert [each.name for each in build({"settings.py": text}).facts(IdleSetting)] == ["STAGE"]


_CLASS = """
from pydantic import model_validator
from pydantic_settings import BaseSettings

class Settings(BaseSettings):
    ENV: str = "dev"

    @property
    def is_production(self):
        return self.ENV == "production"

    @property
    def shows_documents(self):
        return not self.is_production

settings = Settings()
"""
_FUNCTION = """
import os

def is_production():
    return os.getenv("APP_ENV") == "production"
"""


@pytest.mark.parametrize(
    "text, idle",
    [
        (_CLASS, True),
        (_CLASS + "print(settings.shows_documents)\n", False),
        (_CLASS.replace("@property", "@model_validator(mode='after')", 1), False),
        (_FUNCTION, True),
        (_FUNCTION + "shown = not is_production()\n", False),
        (_FUNCTION.replace("def is_production", "def create_app"), False),
        (_FUNCTION.replace("def", "@app.get('/')\ndef"), False),
        ("import os\nENV = os.getenv('ENV')\n", True),
        ("import os, flask\nENV = os.getenv('ENV')\n", False),
    ],
)
def test_settings_that_only_idle_functions_ask_for(build: Build, text: str, idle: bool) -> None:
    assert bool(build({"settings.py": text}).facts(IdleSetting)) is idle


def test_context_decides_which_dockerignore_counts(build: Build) -> None:
    """https://docs.docker.com/build/concepts/context/#dockerignore-files: the one at the root of the context."""
    files = {
        "backend/Dockerfile": "FROM python:3.13\nCOPY . .\nCMD gunicorn app:app\n",
        "backend/app.py": _FLASK,
        ".dockerignore": "**/.env\n",
    }
    (unknown,) = build(files).facts(ContainerImage)
    assert unknown.unfiltered is None
    compose = {"compose.yml": "services:\n  web:\n    build: backend\n    restart: always\n"}
    (image,) = build(files | compose).facts(ContainerImage)
    assert image.unfiltered is not None
    (image,) = build(files | compose | {"backend/.dockerignore": "# nothing\n"}).facts(
        ContainerImage
    )
    assert image.unfiltered is not None
    (image,) = build(files | compose | {"backend/.dockerignore": ".env\n"}).facts(ContainerImage)
    assert image.unfiltered is None


def test_passwords_that_anybody_knows(build: Build) -> None:
    compose = """
services:
  web: {build: .}
  db:
    image: postgres:17
    env_file: db.env
    environment: {OTHER_PASSWORD: "${OTHER:-changeme}", SAFE_PASSWORD: $SAFE}
"""
    files = {
        "docker-compose.prod.yml": compose,
        "db.env": "POSTGRES_PASSWORD=postgres\nAPI_TOKEN=x9Kq2LmZ7vRt\n",
    }
    (service,) = [s for s in build(files).facts(ContainerService) if s.name == "db"]
    assert service.well_known == ("OTHER_PASSWORD", "POSTGRES_PASSWORD")


def test_compose_file_that_traefik_serves_by_tls_is_no_developers(build: Build) -> None:
    compose = """
services:
  web:
    build: .
    volumes: [".:/app"]
    labels: [LABEL]
"""
    for label, local in (("traefik.enable=true", True), ("traefik.http.routers.web.tls.certresolver=le", False)):  # fmt: skip
        files = {"app.py": _FASTAPI, "docker-compose.yml": compose.replace("LABEL", label)}
        (service,) = build(files).facts(ContainerService)
        assert service.local is local, label


def test_settings_that_the_platform_starts_with(build: Build) -> None:
    """The module that `--settings` names serves, whatever the entry point falls back to."""
    files = {
        "manage.py": "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'config.base')\n",
        "config/__init__.py": "",
        "config/wsgi.py": "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'config.base')\n",
        "config/base.py": "ROOT_URLCONF = 'config.urls'\nINSTALLED_APPS = []\nimport django\n",
        "config/heroku.py": "from .base import *\nDEBUG = True\n",
        "config/urls.py": "urlpatterns = []\n",
        "Procfile": "release: python manage.py migrate --settings=config.heroku\nweb: gunicorn config.wsgi\n",
    }
    (switch,) = [s for s in build(files).facts(DebugSwitch) if s.name == "`DEBUG`"]
    assert switch.place.path == "config/heroku.py"
    assert isinstance(switch.value, Known)
    assert switch.value.value is True


@pytest.mark.parametrize(
    ("files", "summary"),
    [
        ({}, "nothing is run in a container, as far as the repository tells"),
        (
            {"api/Dockerfile": ""},
            "api/Dockerfile builds nothing that runs in production, as far as the repository tells",
        ),
    ],
)
def test_what_no_container_is_run_of(build: Build, files: dict[str, str], summary: str) -> None:
    verdict = _RULES["container-hardening"].assess(build({"app.py": _FLASK, **files}))
    assert (verdict.outcome, verdict.summary) == (Outcome.NOT_APPLICABLE, summary)


@pytest.mark.parametrize(
    ("image", "summary"),
    [
        ("redis:7", "no database was found"),
        (
            "postgres:17",
            "The password of service db is set outside of the repository (compose.yml:4).",
        ),
    ],
)
def test_databases_that_nothing_of_the_code_connects_to(
    build: Build, image: str, summary: str
) -> None:
    compose = f"services:\n  web:\n    build: .\n  db:\n    image: {image}\n    env_file: /etc/shop/db.env\n"
    verdict = _RULES["database-credentials"].assess(
        build({"app.py": _FLASK, "compose.yml": compose})
    )
    assert verdict.summary == summary


def test_views_of_the_older_package_for_tokens(build: Build) -> None:
    """https://jpadilla.github.io/django-rest-framework-jwt/: each view is made already."""
    files = {
        "manage.py": "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')\n",
        "shop/__init__.py": "",
        "shop/settings.py": "ROOT_URLCONF = 'shop.urls'\nINSTALLED_APPS = []\n",
        "shop/urls.py": """
from django.urls import path
from rest_framework_jwt.views import obtain_jwt_token, verify_jwt_token
urlpatterns = [path('token/', obtain_jwt_token), path('token/verify/', verify_jwt_token)]
""",
    }
    found = [(r.method, r.path, r.public) for r in build(files).facts(Route)]
    assert found == [
        ("POST", "/token/", "login"),
        ("POST", "/token/verify/", "token refresh"),
    ]


@pytest.mark.parametrize(
    ("host", "names"),
    [("'shop.c1.eu-west-1.rds.amazonaws.com'", ["Amazon RDS"]), ("os.environ['DB_HOST']", [])],
)
def test_the_host_of_a_database_tells_who_runs_it(
    build: Build, host: str, names: list[str]
) -> None:
    settings = f"import os\nDATABASES = {{'default': {{'ENGINE': 'django.db.backends.postgresql', 'USER': 'a', 'PASSWORD': os.environ['DB_PASSWORD'], 'HOST': {host}}}}}\n"
    files = {
        "manage.py": "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')\n",
        "shop/__init__.py": "",
        "shop/settings.py": f"{settings}ROOT_URLCONF = 'shop.urls'\nINSTALLED_APPS = []\n",
        "shop/urls.py": "from django.urls import path\nurlpatterns = []\n",
    }
    assert [each.name for each in build(files).facts(ManagedDatabase)] == names
