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
from auditor.model.deployment import LoadTest
from auditor.model.web import WebApp


class LoadTesting(Rule):
    """Load has been tried before launch.

    A scenario for k6, Locust, JMeter, Artillery or Gatling counts. Its absence is information only:
    load may be tried elsewhere.
    """

    id = "load-testing"
    title = "Load testing"
    section = "deployment"
    severity = Severity.INFO
    risk = "The first real crowd is the first test."
    fix = "Write a scenario for the three busiest routes, and run it against a staging environment."
    references = (cwe(400), Reference("k6 documentation", "https://grafana.com/docs/k6/latest/"))

    def assess(self, application: Application) -> Verdict:
        apps = application.facts(WebApp)
        if not apps:
            return not_applicable("no web application was found")
        tests = application.facts(LoadTest)
        if tests:
            evidence = [present(test.place, f"a {test.tool} scenario", test.tool) for test in tests]
            return judge("A load test stands in the repository.", evidence)
        told = "no load-test scenario was found"
        return judge(
            "No load test was found.",
            [Evidence(apps[0].place, State.ABSENT, Severity.INFO, told, "load")],
        )

    good = (
        {
            "app.py": "from fastapi import FastAPI\napp = FastAPI()\n",
            "tests/locustfile.py": "from locust import HttpUser\n",
        },
    )
    bad = ({"app.py": "from fastapi import FastAPI\napp = FastAPI()  # expect: info\n"},)
