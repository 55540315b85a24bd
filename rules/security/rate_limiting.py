from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from auditor.assess.rule import Rule, asvs, cwe, owasp_api
from auditor.assess.verdict import (
    Coverage,
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
from auditor.model.costs import Costly
from auditor.model.pages import StaticPage
from auditor.model.places import Place
from auditor.model.web import Guarding, Limit, Limited, Limiter, Limiting, Route, WebApp

_ABUSED = {
    "login", "registration", "token refresh", "password recovery", "password change", "form for visitors",
}  # fmt: skip
_HARMLESS = {"token refresh", "form for visitors"}
"""A token that nobody guesses, and what robots fill: without end, they cost time and attention alone."""
_ELSEWHERE = re.compile(r"oauth\d?_?login|OAuth\d?LoginView|saml|oidc|social", re.I)
"""Handlers that send whoever signs in on to another service, where passwords are tried."""
_NOT_COUNTED = {"health check", "documentation", "static files", "metrics"}


_WORDS = (
    (
        "login",
        re.compile(r"(?:log|sign)[-_]?in|authenticate|login_for_access_token|obtain_token", re.I),
    ),
    ("registration", re.compile(r"register(?:_user|_account)?|sign[-_]?up", re.I)),
    (
        "one-time code",
        re.compile(
            r"(?:(?:send|verify|resend|check)[-_])?(?:otp|totp|mfa|2fa)|(?:send|verify|resend|check)[-_](?:code|pin)",
            re.I,
        ),
    ),
    (
        "password recovery",
        re.compile(r"(?:forgot|reset|recover)[-_]?password|password[-_]?reset", re.I),
    ),
)


_OWN_CHOICE = re.compile(r"lang(?:uage)?/?$|consent/?$", re.I)
"""Forms by which visitors set something for themselves alone."""
_OF_A_DEVICE = re.compile(
    r"/(?:push[-_]?)?(?:tokens?|devices?|(?:backup/)?phones?|numbers?|fcm|push|notifications?|(?:web)?hooks?|clients?)/register/?$",
    re.I,
)
"""What is registered there is no account."""


def _guessed(route: Route) -> str:
    """What can be tried at a route, by its nature, or by the last word of its path or handler."""
    if not (route.writes or route.method == "ANY") or route.authentication is Guarding.ENFORCED:
        return ""
    if route.public == "login" and _ELSEWHERE.search(route.handler):
        return ""
    if route.public == "token refresh" and route.path.rstrip("/").endswith("/verify"):
        return ""  # who holds a token learns nothing
    if route.public == "form for visitors" and _OWN_CHOICE.search(route.path):
        return ""
    if route.public:
        return route.public if route.public in _ABUSED else ""
    if _OF_A_DEVICE.search(route.path):
        return ""
    last = next((s for s in reversed(route.path.split("/")) if s and s[0] not in "{<"), "")
    for why, words in _WORDS:
        if words.fullmatch(last) or words.fullmatch(route.handler.rpartition(".")[2]):
            return why
    return ""


class RateLimiting(Rule):
    """Routes are limited, first of all those that are guessed at or cost money.

    Login, registration, one-time codes, password recovery, and routes that call a language model or send
    text messages, e-mail or payments are high each when nothing limits them; a token refresh is medium, as nobody
    guesses a token, and so is a form for visitors (contact, newsletter), which robots fill. The other routes are
    one finding for each application: medium, high when the application has no limiter at all.

    A limit that does nothing is decorative: a limiter that limits no route, a throttle without a
    rate, `block=False` whose answer nobody looks at, a limit above the route's decorator, code that
    answers 429 and never counts. One that can be got round is weak (medium): counted by a header
    that callers write, or in the memory of each of several workers. Limits of nginx, Caddy, Traefik
    and Kong count where their configuration is in the tree; what stands in front of it elsewhere is
    not known. Health checks, documentation and static files need no limit.
    """

    id = "rate-limiting"
    title = "API rate limiting"
    section = "security"
    severity = Severity.HIGH
    risk = (
        "Passwords can be guessed without end, and anybody can run up bills or exhaust the server."
    )
    fix = "Set a default limit for every route, and a tighter one on login and on what costs money."
    references = (cwe(770), cwe(307), owasp_api(4), asvs("2.4.1"))
    effort = "small"

    def assess(self, application: Application) -> Verdict:
        found = [f for f in application.facts(Limited) if f.route.public not in _NOT_COUNTED]
        if not found:
            if unseen := [b for b in application.facts(BlindSpot) if b.kind == "routes"]:
                return unknown(
                    f"No route was read: {unseen[0].reason} ({unseen[0].place}).",
                    "Ask a login of the running application until it answers 429.",
                )
            return not_applicable("no routes were found")
        limited = [f for f in found if f.state in (Limiting.PRESENT, Limiting.WEAK)]
        evidence = [*self._unlimited(application, found), *self._limiters(application, limited)]
        reported = {e.place for e in evidence}
        evidence += [
            *self._weak(limited),
            *self._void(limited, reported),
            *self._strengths(limited),
        ]
        summary = f"{len(limited)} of {len(found)} routes are rate limited."
        return judge(summary, evidence, Coverage(len(limited), len(found)))

    def _unlimited(self, application: Application, found: list[Limited]) -> Iterator[Evidence]:
        pages = {(page.application, page.name) for page in application.facts(StaticPage)}
        costly = {(c.route.application, c.route.name): c for c in application.facts(Costly)}
        rest: dict[str, list[Route]] = defaultdict(list)
        void: dict[tuple[str, Limit], list[Route]] = defaultdict(list)
        told: set[tuple[str, Place, str]] = set()
        for each in found:
            route, limit = each.route, each.best
            if each.state in (Limiting.PRESENT, Limiting.WEAK):
                continue
            spends = costly.get((route.application, route.name))
            guessed = "" if (route.application, route.name) in pages else _guessed(route)
            if guessed:
                if (route.application, route.place, guessed) in told:
                    continue  # the same handler under another method or path
                told.add((route.application, route.place, guessed))
                done = "filled by robots" if guessed == "form for visitors" else "tried"
                message = f"{route.name} ({guessed}) can be {done} without end"
            elif spends:
                message = f"{route.name} spends on {spends.what} ({spends.place}) without a limit"
            elif limit is not None:
                void[route.application, limit].append(route)
                rest[route.application].append(route)
                continue
            else:
                rest[route.application].append(route)
                continue
            state = State.DECORATIVE if limit else State.ABSENT
            if limit:
                message += f": `{limit.name}` does nothing: {limit.reason} ({limit.place})"
            subject = f"{route.application} {route.name}"
            severity = Severity.MEDIUM if guessed in _HARMLESS else Severity.HIGH
            yield Evidence(route.place, state, severity, message, subject)
        for (name, limit), routes in void.items():
            more = f" and {len(routes) - 1} more" if len(routes) > 1 else ""
            message = f"`{limit.name}` does nothing for {routes[0].name}{more}: {limit.reason}"
            subject = f"{name} {limit.name}"
            yield Evidence(limit.place, State.DECORATIVE, Severity.HIGH, message, subject)
        for app in application.facts(WebApp):
            if missing := rest.pop(app.name, None):
                total = [f for f in found if f.route.application == app.name]
                none = not any(f.state in (Limiting.PRESENT, Limiting.WEAK) for f in total)
                severity = Severity.HIGH if none else Severity.MEDIUM
                message = f"{len(missing)} of {len(total)} routes have no limit, {missing[0].name} for one"  # fmt: skip
                subject = f"{app.name} the other routes"
                yield Evidence(app.place, State.ABSENT, severity, message, subject)

    def _limiters(self, application: Application, limited: list[Limited]) -> Iterator[Evidence]:
        used = {limit.place for each in limited for limit in each.limits}
        for limiter in application.facts(Limiter):
            if not limited and limiter.place not in used:
                why = f": {limiter.off}" if limiter.off else ""
                message = f"a {limiter.name} limiter is created, and limits no route{why}"
                yield Evidence(
                    limiter.place, State.DECORATIVE, Severity.HIGH, message, limiter.name
                )

    def _weak(self, limited: list[Limited]) -> Iterator[Evidence]:
        """Limits that can be got round, each way once for each application."""
        weak: dict[tuple[str, str], list[Limited]] = defaultdict(list)
        for each in limited:
            if each.state is Limiting.WEAK and each.best:
                weak[each.route.application, each.best.reason].append(each)
        for (name, reason), routes in weak.items():
            limit = routes[0].best
            assert limit is not None
            more = f" and {len(routes) - 1} more" if len(routes) > 1 else ""
            message = f"the limit `{limit.name}` of {routes[0].route.name}{more} {reason}"
            subject = f"{name} {reason.partition(' (')[0]}"
            yield Evidence(limit.place, State.WEAK, Severity.MEDIUM, message, subject)

    def _void(self, limited: list[Limited], reported: set[Place]) -> Iterator[Evidence]:
        """Limits that do nothing on routes that something else limits."""
        void: dict[tuple[str, Limit], list[Limited]] = defaultdict(list)
        for each in limited:
            for limit in each.limits:
                if limit.state is Limiting.DECORATIVE and limit.place not in reported:
                    void[each.route.application, limit].append(each)
        for (name, limit), routes in void.items():
            more = f" and {len(routes) - 1} more" if len(routes) > 1 else ""
            message = (
                f"`{limit.name}` does nothing for {routes[0].route.name}{more}: {limit.reason}"
            )
            message += "; something else limits it"
            subject = f"{name} {limit.name} beside another"
            yield Evidence(limit.place, State.DECORATIVE, Severity.MEDIUM, message, subject)

    def _strengths(self, limited: list[Limited]) -> Iterator[Evidence]:
        by_limit: dict[tuple[str, str], list[Limited]] = defaultdict(list)
        for each in limited:
            if each.state is Limiting.PRESENT and each.best:
                by_limit[each.best.name, each.best.via].append(each)
        for (name, via), routes in by_limit.items():
            message = f"`{name}` limits {len(routes)} routes, {routes[0].route.name} for one"
            assert routes[0].best is not None
            yield present(routes[0].best.place, message, f"{name} {via}")

    good = (
        {
            "app.py": """
from fastapi import FastAPI
from slowapi import Limiter
from slowapi.middleware import SlowAPIMiddleware
from slowapi.util import get_remote_address

app = FastAPI()
app.state.limiter = Limiter(key_func=get_remote_address, default_limits=["60/minute"])
app.add_middleware(SlowAPIMiddleware)

@app.post("/login")
def login(): ...
"""
        },
        {
            "app.py": """
from fastapi import Depends, FastAPI
from fastapi_limiter.depends import RateLimiter

app = FastAPI(dependencies=[Depends(RateLimiter(times=5, seconds=60))])

@app.post("/login")
def login(): ...
"""
        },
        {
            "app.py": """
import time
from collections import defaultdict
from fastapi import FastAPI, HTTPException, Request
from starlette.middleware.base import BaseHTTPMiddleware

app = FastAPI()
seen = defaultdict(list)

class Throttle(BaseHTTPMiddleware):
    async def dispatch(self, request, call_next):
        if request.url.path == "/health":
            return await call_next(request)
        now = time.time()
        recent = [t for t in seen[request.client.host] if t > now - 60]
        if len(recent) > 100:
            raise HTTPException(status_code=429)
        seen[request.client.host] = [*recent, now]
        return await call_next(request)

app.add_middleware(Throttle)

@app.get("/health")
def health(): ...

@app.post("/login")
def login(): ...
"""
        },
        {
            "app.py": """
from flask import Flask
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address

app = Flask(__name__)
limiter = Limiter(get_remote_address, app=app, storage_uri="redis://cache", default_limits=["60/minute"])

@app.post("/login")
@limiter.limit("5/minute")
def login(): ...

@app.get("/reports")
def reports(): ...
""",
            "Procfile": "web: gunicorn --workers 4 app:app\n",
        },
        {
            "manage.py": "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'settings')\n",
            "settings.py": """
ROOT_URLCONF = "urls"
INSTALLED_APPS = ["django.contrib.auth", "rest_framework", "axes"]
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
REST_FRAMEWORK = {
    "NUM_PROXIES": 1,
    "DEFAULT_THROTTLE_CLASSES": ["rest_framework.throttling.UserRateThrottle"],
    "DEFAULT_THROTTLE_RATES": {"user": "60/minute"},
}
""",
            "urls.py": """
from django.contrib.auth.views import LoginView
from django.urls import path
from django_ratelimit.decorators import ratelimit
from rest_framework.views import APIView

class Orders(APIView):
    def get(self, request): ...

@ratelimit(key="ip", rate="5/m")
def find(request): ...

urlpatterns = [path("orders/", Orders.as_view()), path("find/", find), path("login/", LoginView.as_view())]
""",
            "nginx.conf": """
limit_req_zone $binary_remote_addr zone=pages:10m rate=5r/s;
server {
  location / { limit_req zone=pages; proxy_pass http://app; }
}
""",
        },
    )
    bad = (
        {
            "app.py": """
from flask import Flask, request
from flask_limiter import Limiter

def who():
    return request.headers.get("X-Forwarded-For", request.remote_addr)

app = Flask(__name__)
limiter = Limiter(who, app=app)

@limiter.limit("5/minute")
@app.post("/login")
def login(): ...  # expect: high

@app.get("/reports")
@limiter.limit("5/minute")  # expect: medium
def reports(): ...
"""
        },
        {
            "app.py": """
from flask import Flask, abort
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address

app = Flask(__name__)
limiter = Limiter(get_remote_address, app=app, default_limits=["60/minute"])  # expect: medium

@app.post("/login")
def login(): ...
""",
            "Procfile": "web: gunicorn --workers 4 app:app\n",
        },
        {
            "app.py": """
from fastapi import Depends, FastAPI, HTTPException

app = FastAPI()  # expect: high
LIMIT = 10

def throttle():  # expect: high
    calls = 0
    if calls > LIMIT:
        raise HTTPException(429)

@app.get("/reports", dependencies=[Depends(throttle)])
def reports(): ...
"""
        },
        {
            "manage.py": "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'settings')\n",
            "settings.py": """
ROOT_URLCONF = "urls"  # expect: high
INSTALLED_APPS = ["django.contrib.auth", "rest_framework"]
REST_FRAMEWORK = {  # expect: high
    "DEFAULT_THROTTLE_CLASSES": ["rest_framework.throttling.UserRateThrottle"],
}
""",
            "urls.py": """
from django.contrib.auth.views import LoginView
from django.urls import path
from django_ratelimit.decorators import ratelimit
from rest_framework.throttling import ScopedRateThrottle
from rest_framework.views import APIView

class Orders(APIView):
    def get(self, request): ...

class Prices(APIView):
    throttle_classes = [ScopedRateThrottle]
    def get(self, request): ...

@ratelimit(key="ip", rate="5/m", block=False)  # expect: high
def find(request): ...

urlpatterns = [
    path("orders/", Orders.as_view()),
    path("prices/", Prices.as_view()),
    path("find/", find),
    path("login/", LoginView.as_view()),  # expect: high
]
""",
        },
        {
            "app.py": """
from fastapi import FastAPI, Request
from slowapi import Limiter
from slowapi.util import get_remote_address

app = FastAPI()  # expect: medium
limiter = Limiter(key_func=get_remote_address)

@app.post("/login")
def login(): ...  # expect: high

@app.get("/leads")
def leads(): ...

@app.get("/cars")
@limiter.limit("5/minute")
def cars(request: Request): ...
"""
        },
        {
            "app.py": """
import openai
from fastapi import FastAPI
from slowapi import Limiter

app = FastAPI()
limiter = Limiter(key_func=lambda r: "x")  # expect: high

def ask(prompt):
    return openai.OpenAI().responses.create(input=prompt)

@app.post("/chat")
def chat(prompt: str):  # expect: high
    return ask(prompt)
"""
        },
        {
            "app.py": """
from fastapi import FastAPI
from pydantic import BaseModel
from store import keep

app = FastAPI()  # expect: high

class Letter(BaseModel):
    email: str
    message: str

@app.post("/contacts/submit")
def write(letter: Letter):  # expect: medium
    keep(letter)

@app.get("/reports")
def reports(): ...
"""
        },
    )
