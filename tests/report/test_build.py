"""The report: fingerprints, the gate, and what stands in tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from auditor.assess.registry import all_rules
from auditor.assess.run import assess
from auditor.assess.verdict import Severity
from auditor.link import application as linked
from auditor.link.application import Application
from auditor.model.web import Route, WebApp
from auditor.report.build import build_report
from auditor.report.document import Report, from_json, to_json
from tests.conftest import load, write

APP = """from fastapi import FastAPI
app = FastAPI()

@app.get("/a")
def a():
    return {}

@app.post("/b")
def b():
    return {}
"""


def report(root: Path, fail_on: Severity | None = Severity.HIGH, strict: bool = False) -> Report:
    application = load(root)
    return build_report(
        application, assess(application, all_rules()), fail_on=fail_on, strict=strict
    )


def fingerprints(found: Report) -> set[str]:
    return {p.fingerprint for r in found.results for p in r.evidence if p.finding}


def test_fingerprints_survive_moved_lines(tmp_path: Path) -> None:
    before = report(write(tmp_path, {"app.py": APP}))
    after = report(write(tmp_path, {"app.py": "# a comment\n\n\n" + APP}))
    assert fingerprints(before) == fingerprints(after)


def test_a_new_finding_has_a_new_fingerprint(tmp_path: Path) -> None:
    before = report(write(tmp_path, {"app.py": APP}))
    more = APP + "\n@app.get('/c')\ndef c():\n    return {}\n"
    after = report(write(tmp_path, {"app.py": more}))
    new = fingerprints(after) - fingerprints(before)
    assert len(new) == 1


def test_a_clean_file_changes_nothing(tmp_path: Path) -> None:
    before = report(write(tmp_path, {"app.py": APP}))
    after = report(write(tmp_path, {"helper.py": "def add(a, b):\n    return a + b\n"}))
    assert before.summary.score == after.summary.score
    assert fingerprints(before) == fingerprints(after)


def test_the_gate(tmp_path: Path) -> None:
    root = write(tmp_path, {"app.py": APP})
    assert not report(root).summary.gate.passed
    assert report(root, None).summary.gate.passed


def test_strict_fails_unknown_verdicts(tmp_path: Path) -> None:
    root = write(
        tmp_path,
        {"app.py": "import os\nfrom pymongo import MongoClient\nMongoClient(os.environ['U'])\n"},
    )
    application = load(root)
    rules = [rule for rule in all_rules() if rule.id == "database-credentials"]
    assessed = assess(application, rules)
    assert build_report(application, assessed).summary.gate.passed
    assert not build_report(application, assessed, strict=True).summary.gate.passed


def test_json_comes_back_as_it_went(tmp_path: Path) -> None:
    found = report(write(tmp_path, {"app.py": APP}))
    assert from_json(to_json(found)) == found


def test_the_plan_names_every_open_rule(tmp_path: Path) -> None:
    found = report(write(tmp_path, {"app.py": APP}))
    planned = {item.rule for phase in found.plan for item in phase.items}
    failing = {r.rule for r in found.results if r.severity not in (None, "info")}
    assert planned == failing


def test_a_failure_of_ours_leaves_a_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be told because a reader of ours fails is unknown; everything else stays."""

    def fails(application: Application) -> list[Route]:
        raise AssertionError

    monkeypatch.setitem(linked._PROVIDERS, Route, [fails])
    monkeypatch.setitem(linked._PROVIDERS, WebApp, [fails])
    found = report(write(tmp_path, {"app.py": APP}))
    verdicts = {result.rule: result.verdict for result in found.results}
    assert verdicts["authentication"] == "unknown"
    assert set(verdicts.values()) - {"unknown"}
    assert found.summary.provisional
    assert any("please report it" in limit for limit in found.limits)


def test_the_plan_goes_by_risk_for_effort(tmp_path: Path) -> None:
    """Open routes (critical, medium effort) come before missing limits (high, small effort), these before
    what is as grave and takes more."""
    phases = report(write(tmp_path, {"app.py": APP + UNTYPED})).plan
    first = [item.rule for item in phases[0].items]
    assert first.index("authentication") < first.index("rate-limiting")
    assert first.index("rate-limiting") < first.index("input-validation")


UNTYPED = """
from pymongo import MongoClient
db = MongoClient()["x"]
@app.post("/c")
def c(given: dict):
    return db.users.find_one({"name": given["name"]})
@app.post("/login")
def login(given: dict):
    return db.users.find_one({"name": given["name"]})
"""
