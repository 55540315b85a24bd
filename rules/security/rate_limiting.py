from __future__ import annotations

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
)
from auditor.link.application import Application
from auditor.model.costs import Costly
from auditor.model.web import Limiter, Route, WebApp

_ABUSED = {"login", "registration", "token refresh", "password recovery"}


class RateLimiting(Rule):
    """Routes are limited, first of all those that are guessed at or cost money.

    Login, registration, token and password recovery, and routes that call a language model or send
    text messages, e-mail or payments are high each when nothing limits them. The other routes are
    one finding for each application: medium, high when the application has no limiter at all. A
    limiter that is created and limits nothing is decorative. Limits set at a proxy are not seen yet.
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
        routes = [
            r for r in application.facts(Route) if r.public not in ("health check", "documentation")
        ]
        if not routes:
            return not_applicable("no routes were found")
        limited = [r for r in routes if r.limits]
        evidence = [*self._unlimited(application, routes), *self._limiters(application, limited)]
        evidence += self._strengths(limited)
        summary = f"{len(limited)} of {len(routes)} routes are rate limited."
        return judge(summary, evidence, Coverage(len(limited), len(routes)))

    def _unlimited(self, application: Application, routes: list[Route]) -> Iterator[Evidence]:
        costly = {(c.route.application, c.route.name): c for c in application.facts(Costly)}
        rest: dict[str, list[Route]] = defaultdict(list)
        for route in routes:
            if route.limits:
                continue
            spends = costly.get((route.application, route.name))
            if route.public in _ABUSED and route.writes:
                message = f"{route.name} ({route.public}) can be tried without end"
            elif spends:
                message = f"{route.name} spends on {spends.what} ({spends.place}) without a limit"
            else:
                rest[route.application].append(route)
                continue
            yield Evidence(
                route.place,
                State.ABSENT,
                Severity.HIGH,
                message,
                f"{route.application} {route.name}",
            )
        for app in application.facts(WebApp):
            if missing := rest.get(app.name):
                none = not any(r.limits for r in routes if r.application == app.name)
                severity = Severity.HIGH if none else Severity.MEDIUM
                total = sum(1 for r in routes if r.application == app.name)
                message = (
                    f"{len(missing)} of {total} routes have no limit, {missing[0].name} for one"
                )
                yield Evidence(
                    app.place, State.ABSENT, severity, message, f"{app.name} the other routes"
                )

    def _limiters(self, application: Application, limited: list[Route]) -> Iterator[Evidence]:
        for limiter in application.facts(Limiter):
            if not limited:
                message = f"a {limiter.name} limiter is created, and limits no route"
                yield Evidence(
                    limiter.place, State.DECORATIVE, Severity.HIGH, message, limiter.name
                )

    def _strengths(self, limited: list[Route]) -> Iterator[Evidence]:
        by_limit: dict[tuple[str, str], list[Route]] = defaultdict(list)
        for route in limited:
            by_limit[route.limits[0].name, route.limits[0].via].append(route)
        for (name, via), routes in by_limit.items():
            message = f"`{name}` limits {len(routes)} routes, {routes[0].name} for one"
            yield present(routes[0].limits[0].place, message, f"{name} {via}")

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
    )
    bad = (
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
    )
