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

    A scenario for k6, Locust, JMeter, Artillery, Gatling, Molotov or Taurus counts, and a pipeline that
    runs one of them, wrk, ab, hey, vegeta or oha; whether a pipeline runs it is said. Its absence is
    information only: load may be tried elsewhere.
    """

    id = "load-testing"
    title = "Load testing"
    section = "deployment"
    seeks = True
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
            runs = [test for test in tests if test.runs]
            evidence = [
                present(
                    test.place,
                    f"CI runs {test.tool}" if test.runs else f"a {test.tool} scenario",
                    test.tool,
                )
                for test in tests
            ]
            told = "A pipeline tries load." if runs else "A load test stands in the repository, and no pipeline runs it."  # fmt: skip
            return judge(told, evidence)
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
        {
            "app.py": "from fastapi import FastAPI\napp = FastAPI()\n",
            ".github/workflows/load.yml": "on:\n  schedule:\n    - cron: '0 3 * * 0'\njobs:\n  load:\n    steps:\n      - uses: grafana/setup-k6-action@v1\n      - run: k6 run load/orders.js\n",
        },
    )
    bad = ({"app.py": "from fastapi import FastAPI\napp = FastAPI()  # expect: info\n"},)
