from __future__ import annotations

import re
from collections.abc import Iterator

from auditor.assess.rule import Reference, Rule, cwe
from auditor.assess.verdict import (
    Evidence,
    Severity,
    State,
    Verdict,
    judge,
    not_applicable,
    present,
    unknown,
)
from auditor.link.application import Application
from auditor.model.blind import BlindSpot
from auditor.model.deployment import HealthProbe
from auditor.model.web import Guarding, HealthCheck, Route, UnreadFramework, WebApp

_ASKS = re.compile(r"(?:^|(?:localhost|127\.0\.0\.1|0\.0\.0\.0):\d+)/([\w-]+)")
_OWN = re.compile(r"(?:localhost|127\.0\.0\.1|0\.0\.0\.0)(?::\d+)?(/[\w./-]+)")
_NAMED = re.compile(
    r"health|ready|readi|live|ping|status|alive|up\b|heartbeat|probe|check|z$", re.I
)
_LIVENESS = re.compile(r"/(?:ping|live\w*|alive)/?$", re.I)


class HealthChecks(Rule):
    """A health check really checks, and says so by its status code.

    An application without one is critical. One that answers a constant while the application has a
    database is decorative (high), unless a deeper one stands beside it; then only a deployment that
    asks the shallow one is reported (medium). A ping that promises no more than that the process is
    alive is weak (medium) while nothing tells whether the application is ready, and so is a probe of
    the deployment that asks some page. A deeper one whose failure leaves the status at 200, or whose
    check cannot work, is decorative too: no probe notices. Behind authentication it is medium. What an
    application depends on is its database, a vector store that runs by itself, or a message broker: a
    constant beside nothing but a broker is weak (medium), a deeper check that leaves out a vector store or
    a broker low.
    """

    id = "health-checks"
    title = "Health checks"
    section = "reliability"
    severity = Severity.CRITICAL
    risk = "The platform keeps sending traffic to an instance that has lost its database."
    fix = "Ask the database within a short time limit, and answer 503 when it does not answer."
    references = (
        cwe(754),
        Reference(
            "Kubernetes: liveness and readiness probes",
            "https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/",
        ),
    )
    effort = "small"

    def assess(self, application: Application) -> Verdict:
        apps = application.facts(WebApp)
        if not apps:
            return not_applicable("no web application was found")
        routed = {
            route.application
            for route in application.facts(Route)
            if route.public != "static files"
        }
        asked = {check.route.application for check in application.facts(HealthCheck)}
        unseen = [b for b in application.facts(BlindSpot) if b.kind == "routes"]
        unread = (*application.facts(UnreadFramework), *unseen)
        if unread and not any(app.name in routed | asked for app in apps):
            return unknown(
                f"No route of {apps[0].entry} could be read, so whether one is a health check is open.",
                "Ask the application's health path, and stop its database.",
            )
        serving = [
            app for app in apps if app.name in routed | asked
        ]  # one of a script serves nobody
        evidence = [e for app in serving or apps for e in self._app(application, app)]
        evidence += self._probes(application)
        evidence = list({(e.place, e.message): e for e in evidence}.values())  # of shared routers
        wrong = [e for e in evidence if e.state is not State.PRESENT]
        summary = "A health check asks what the application depends on."
        if not any(check.checks for check in application.facts(HealthCheck)):
            summary = "A health check tells that the process is alive; nothing that it depends on was found."
        if wrong:
            worst = max(wrong, key=lambda e: e.severity)
            summary = worst.message[0].upper() + worst.message[1:] + "."
        return judge(summary, evidence)

    def _app(self, application: Application, app: WebApp) -> Iterator[Evidence]:
        checks = [c for c in application.facts(HealthCheck) if c.route.application == app.name]
        if not checks:
            if (probe := _page_asked(application, app)) is not None:
                told = f"{probe.source} asks whether a page answers; nothing tells whether {app.entry} is ready"
                yield Evidence(probe.place, State.WEAK, Severity.MEDIUM, told, app.name)
                return
            told = f"application {app.entry} has no health check"
            yield Evidence(app.place, State.ABSENT, Severity.CRITICAL, told, app.name)
            return
        sound = [c for c in checks if c.checks and c.reports_failure and not c.broken]
        open_ = any(c.route.authentication is not Guarding.ENFORCED for c in checks)
        yield from _unasked(sound)
        for check in checks:
            if open_ and check.route.authentication is Guarding.ENFORCED:
                continue  # not the one that probes ask
            deeper = any(c.checks for c in checks)
            yield from self._check(check, bool(sound), deeper, open_)

    def _check(
        self, check: HealthCheck, sound: bool, deeper: bool, open_: bool
    ) -> Iterator[Evidence]:
        name, place = check.route.name, check.route.place
        subject = f"{check.route.application} {name}"
        if check.route.authentication is Guarding.ENFORCED and not open_:
            told = f"{name} is behind authentication: a probe cannot ask it"
            yield Evidence(place, State.WEAK, Severity.MEDIUM, told, subject)
        if check.broken:
            told = f"{name}: {check.broken}"
            yield Evidence(
                check.broken_place or place,
                State.DECORATIVE,
                Severity.HIGH,
                told,
                subject + " broken",
            )
        if check.checks and not check.reports_failure:
            told = f"{name} answers 200 also when its check of the {check.checks[0]} fails"
            yield Evidence(place, State.DECORATIVE, Severity.HIGH, told, subject + " status")
        elif check.checks and not check.broken:
            yield present(place, f"{name} asks the {' and the '.join(check.checks)}", subject)
        elif not check.checks and (check.needs or check.claims) and not sound:
            said = f" and says {check.claims} as a constant" if check.claims else ""
            beside = ", beside a deeper one" if deeper else ""
            needed = " and the ".join(check.needs or ("database",))
            told = f"{name} answers a constant{said}, whatever the state of the {needed}{beside}"
            if check.needs == ("queue",) and not check.claims:
                yield Evidence(place, State.WEAK, Severity.MEDIUM, told, subject)
                return
            if not check.claims and not (_NAMED.search(name) or _NAMED.search(check.route.handler)):
                told = (
                    f"a probe asks {name}, a page: nothing tells whether the application is ready"
                )
                yield Evidence(place, State.WEAK, Severity.MEDIUM, told, subject)
                return
            if not check.claims and _LIVENESS.search(name):
                told = f"{name} tells that the process is alive; nothing tells whether it is ready{beside}"
                yield Evidence(place, State.WEAK, Severity.MEDIUM, told, subject)
                return
            yield Evidence(place, State.DECORATIVE, Severity.HIGH, told, subject)
        elif not check.checks:
            yield present(place, f"{name} tells that the process is alive", subject)

    def _probes(self, application: Application) -> Iterator[Evidence]:
        """A deployment that asks a shallow check although a sound one stands beside it."""
        checks = application.facts(HealthCheck)
        for probe in application.facts(HealthProbe):
            exact = _asked(probe.target, checks)
            if not exact:
                continue
            apps = {c.route.application for c in exact}
            if any(c.checks and c.reports_failure and not c.broken for c in exact):
                yield present(
                    probe.place, f"{probe.source} asks {exact[0].route.path}", probe.source
                )
            elif not any(c.checks for c in exact) and any(
                c.checks and c.reports_failure and not c.broken
                for c in checks
                if c.route.application in apps
            ):
                told = f"{probe.source} asks {exact[0].route.path}, which checks nothing, instead of the deeper check"
                yield Evidence(probe.place, State.WEAK, Severity.MEDIUM, told, probe.source)

    good = (
        {  # the vector store is asked, and what goes wrong goes on
            "app.py": """
import os
from fastapi import FastAPI
from qdrant_client import AsyncQdrantClient

vectors = AsyncQdrantClient(url=os.environ["QDRANT_URL"])
app = FastAPI()

@app.get("/health")
async def health():
    await vectors.get_collections()
    return {"status": "ok"}
""",
        },
        {  # another program's image asks itself
            "app.py": """
from fastapi import FastAPI, HTTPException
from pymongo import MongoClient

db = MongoClient("mongodb://db").shop
app = FastAPI()

@app.get("/health")
def health():
    return {}

@app.get("/ready")
def ready():
    db.command("ping")
    return {}
""",
            "scheduler/Dockerfile": "FROM python:3.13\nHEALTHCHECK CMD curl -f http://localhost:8080/api/v2/monitor/health\nCMD airflow\n",
        },
        {  # a status page that says that all is well
            "app.py": """
from fastapi import FastAPI
app = FastAPI()

@app.get("/status")
def status():
    return "OK"
"""
        },
        {
            "app.py": """
import os
from fastapi import FastAPI, HTTPException
from motor.motor_asyncio import AsyncIOMotorClient

client = AsyncIOMotorClient(os.environ["MONGO_URL"])
app = FastAPI()

@app.get("/health")
async def health():
    return {"status": "ok"}

@app.get("/ready")
async def ready():
    try:
        await client.admin.command("ping")
    except Exception:
        raise HTTPException(503, "database unreachable")
    return {"status": "ready"}
"""
        },
        {
            "app.py": """
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import text

app = Flask(__name__)
db = SQLAlchemy(app)

@app.get("/health")
def health():
    db.session.execute(text("SELECT 1"))
    return {"status": "ok"}
"""
        },
        {
            "manage.py": "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'settings')\n",
            "settings.py": "ROOT_URLCONF = 'urls'\nINSTALLED_APPS = ['health_check', 'health_check.db']\n",
            "urls.py": """
from django.urls import include, path

urlpatterns = [path("health/", include("health_check.urls"))]
""",
        },
    )
    bad = (
        {  # FastAPI takes a tuple for data, and a check that tells what went wrong raises nothing
            "app.py": """
import os
import redis
from fastapi import FastAPI
from qdrant_client import QdrantClient

cache = redis.Redis()
vectors = QdrantClient(url=os.environ["QDRANT_URL"])
app = FastAPI()

def get_cache():
    if cache is None:
        raise RuntimeError("not connected")
    return cache

def check_cache():
    try:
        get_cache().ping()
        return "ok"
    except Exception as error:
        return str(error)

@app.get("/health")
def health():  # expect: high
    return {"cache": check_cache()}

@app.get("/ready")
def ready():  # expect: high
    try:
        cache.ping()
        return {"status": "ready"}
    except Exception:
        return {"status": "not ready"}, 503
""",
        },
        {  # a vector store is what it depends on
            "app.py": """
import os
from fastapi import FastAPI
from qdrant_client import AsyncQdrantClient

vectors = AsyncQdrantClient(url=os.environ["QDRANT_URL"])
app = FastAPI()

@app.get("/health")
def health():  # expect: high
    return {"status": "ok"}
""",
        },
        {  # the deeper check leaves the vector store out
            "app.py": """
import os
from fastapi import FastAPI
from qdrant_client import QdrantClient
from sqlalchemy import create_engine, text

engine = create_engine(os.environ["DATABASE_URL"])
vectors = QdrantClient(url=os.environ["QDRANT_URL"])
app = FastAPI()

@app.get("/health")
def health():  # expect: low
    with engine.connect() as connection:
        connection.execute(text("SELECT 1"))
    return {"status": "ok"}
""",
        },
        {  # what is on, and how far a job is
            "app.py": """
from fastapi import FastAPI
app = FastAPI()  # expect: critical
job = {"state": "idle"}

@app.get("/sports/live")
def matches():
    return []

@app.get("/status")
def status():
    return job
""",
        },
        {  # how ready an athlete is
            "app.py": """
from fastapi import Depends, FastAPI
app = FastAPI()  # expect: critical

def get_user():
    return 1

@app.get("/api/v1/readiness")
def readiness(user_id: int = Depends(get_user)):
    return {"score": 78}
""",
        },
        {  # records of patients, whose path begins like a health check's
            "app.py": """
from fastapi import FastAPI
app = FastAPI()  # expect: critical

@app.get("/api/v1/health/records")
def records():
    return []
""",
        },
        {  # a tool that pings others
            "app.py": """
from fastapi import FastAPI
app = FastAPI()  # expect: critical

@app.get("/admin/ping")
def ping(target: str):
    return target
"""
        },
        {  # the deployment asks some page; no database
            "app.py": """
from fastapi import FastAPI
app = FastAPI()

@app.get("/prices/today")
def prices():
    return []
""",
            "docker-compose.yml": """
services:
  web:  # expect: medium
    build: .
    healthcheck:
      test: curl -f http://localhost:8000/prices
""",
        },
        {  # what makes a service asks nobody
            "app.py": """
import os
from fastapi import FastAPI, HTTPException
from sqlalchemy import create_engine

engine = create_engine(os.environ["DATABASE_URL"])
app = FastAPI()

class Accounts:
    pass

def get_accounts():
    return Accounts()

@app.get("/health")
def health():  # expect: high
    try:
        get_accounts()
        return {"status": "ok"}
    except Exception:
        raise HTTPException(503)
"""
        },
        {
            "manage.py": "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'settings')\n",
            "settings.py": """
ROOT_URLCONF = "urls"
INSTALLED_APPS = []
MIDDLEWARE = ["alive.Alive"]
DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql", "NAME": "shop"}}
""",
            "urls.py": "from django.urls import path\n\nurlpatterns = []\n",
            "alive.py": """
from django.http import HttpResponse

HEALTH = "/healthz"

class Alive:
    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        if request.path == HEALTH:  # expect: high
            return HttpResponse("ok")
        return self.get_response(request)
""",
        },
        {
            "app.py": """
import os
from flask import Flask
from pymongo import MongoClient

db = MongoClient(os.environ["MONGO_URL"]).shop
app = Flask(__name__)

@app.get("/ping")
def ping():  # expect: medium
    return "pong"
"""
        },
        {
            "manage.py": "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'settings')\n",
            "settings.py": "ROOT_URLCONF = 'urls'\nINSTALLED_APPS = []\n",
            "urls.py": """
from django.db import connection
from django.http import JsonResponse
from django.urls import path

def health(request):  # expect: high
    try:
        connection.ensure_connection()
        state = "up"
    except Exception:
        state = "down"
    return JsonResponse({"database": state})

def ready(request):  # expect: high
    return JsonResponse({"database": "connected"})

urlpatterns = [path("health/", health), path("ready/", ready)]
""",
        },
        {"app.py": "from fastapi import FastAPI\napp = FastAPI()  # expect: critical\n"},
        {
            "app.py": """
import os
from fastapi import FastAPI
from motor.motor_asyncio import AsyncIOMotorClient

client = AsyncIOMotorClient(os.environ["MONGO_URL"])
db = client["shop"]
app = FastAPI()

@app.get("/health")
async def health():  # expect: high
    return {"status": "ok", "database": "connected"}
"""
        },
        {
            "app.py": """
import os
from fastapi import FastAPI
from motor.motor_asyncio import AsyncIOMotorClient

db = AsyncIOMotorClient(os.environ["MONGO_URL"])["shop"]
app = FastAPI()

@app.get("/health")
async def health():  # expect: high
    try:
        await db.admin.command("ping")  # expect: high
        state = "up"
    except Exception:
        state = "down"
    return {"database": state}
"""
        },
    )


def _unasked(sound: list[HealthCheck]) -> Iterator[Evidence]:
    """A vector store or a broker that the deeper checks leave out."""
    asked = {what for check in sound for what in check.checks}
    for check in sound[:1]:
        for what in check.needs:
            if what not in asked and what != "database":
                told = f"{check.route.name} asks the {' and the '.join(check.checks)}, and not the {what}"
                subject = f"{check.route.application} {what}"
                yield Evidence(check.route.place, State.WEAK, Severity.LOW, told, subject)


def _page_asked(application: Application, app: WebApp) -> HealthProbe | None:
    """A probe that asks a page of the application, or Django's administration."""
    routes = [r for r in application.facts(Route) if r.application == app.name]
    first = {route.path.strip("/").split("/")[0] for route in routes}
    if app.framework.lower() == "django":
        first.add("admin")
    for probe in application.facts(HealthProbe):
        if (match := _ASKS.search(probe.target)) and match[1] in first:
            return probe
    return None


def _asked(target: str, checks: tuple[HealthCheck, ...]) -> list[HealthCheck]:
    """The checks that a probe asks: by its path, or by the longest path in its command."""
    if match := _OWN.search(target):  # another program's `/api/monitor/health` ends the same
        return [c for c in checks if c.route.path.strip("/") == match[1].strip("/")]
    found = [c for c in checks if c.route.path.strip("/") and c.route.path.rstrip("/") in target]
    longest = max((len(c.route.path) for c in found), default=0)
    return [c for c in found if len(c.route.path) == longest]
