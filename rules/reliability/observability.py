from __future__ import annotations

from auditor.assess.rule import Reference, Rule, cwe
from auditor.assess.verdict import (
    Evidence,
    Severity,
    State,
    Verdict,
    judge,
    not_applicable,
    present,
)
from auditor.link.application import Application
from auditor.model.operations import Telemetry
from auditor.model.web import WebApp


class Observability(Rule):
    """Metrics or traces tell how the application is doing.

    Counts are Prometheus metrics that are exposed, OpenTelemetry, StatsD, an APM service's agent (in
    code or around the command that starts the application), and Sentry's tracing. Metrics that are
    counted and exposed nowhere, or a set-up that nothing runs, are decorative.
    """

    id = "observability"
    title = "Metrics and traces"
    section = "reliability"
    severity = Severity.LOW
    risk = "Nobody sees that requests take longer every day until they fail."
    fix = (
        "Expose request rate, errors and durations to Prometheus, or instrument with OpenTelemetry."
    )
    references = (
        cwe(778),
        Reference("OpenTelemetry: Python", "https://opentelemetry.io/docs/languages/python/"),
    )
    effort = "small"

    def assess(self, application: Application) -> Verdict:
        apps = application.facts(WebApp)
        if not apps:
            return not_applicable("no web application was found")
        found = application.facts(Telemetry)
        works = {t.name: t for t in reversed(found) if t.run and t.exposed}
        if works:
            evidence = [
                present(t.place, f"{t.name} tells how the application is doing", t.name)
                for t in works.values()
            ]
            return judge("Metrics or traces are collected.", evidence)
        if not found:
            told = "neither metrics nor traces are collected"
            absent = Evidence(apps[0].place, State.ABSENT, Severity.LOW, told, "telemetry")
            return judge("Neither metrics nor traces are collected.", [absent])
        first = found[0]
        why = "nothing exposes them" if not first.exposed else "nothing runs the set-up"
        told = f"{first.name}: metrics are prepared, and {why}"
        wrong = Evidence(first.place, State.DECORATIVE, Severity.LOW, told, first.name)
        return judge(f"{told}.", [wrong])

    good = (
        {
            "app.py": """
from fastapi import FastAPI
from jaeger_client import Config

def tracing():
    config = Config(config={"sampler": {"type": "const", "param": 1}}, service_name="shop")
    return config.initialize_tracer()

tracer = tracing()
app = FastAPI()

@app.middleware("http")
async def traced(request, call_next):
    with tracer.start_span(request.url.path):
        return await call_next(request)
"""
        },
        {
            "app.py": """
from fastapi import FastAPI
from prometheus_fastapi_instrumentator import Instrumentator
app = FastAPI()
Instrumentator().instrument(app).expose(app)
"""
        },
        {
            "app.py": "from flask import Flask\napp = Flask(__name__)\n",
            "Procfile": "web: newrelic-admin run-program gunicorn app:app\n",
        },
    )
    bad = (
        {"app.py": "from fastapi import FastAPI\napp = FastAPI()  # expect: low\n"},
        {
            "app.py": """
from fastapi import FastAPI
from prometheus_client import Counter
app = FastAPI()
ORDERS = Counter("orders", "Orders")  # expect: low
"""
        },
    )
