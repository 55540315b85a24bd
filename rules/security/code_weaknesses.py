from __future__ import annotations

from auditor.assess.rule import Rule, asvs, cwe
from auditor.assess.verdict import (
    Evidence,
    Severity,
    State,
    Verdict,
    count,
    judge,
    not_applicable,
    present,
)
from auditor.discover import Kind, Role
from auditor.link.application import Application
from auditor.model.deployment import CodeWeakness

_ANSWERED_ELSEWHERE = {
    "B105", "B106", "B107",  # hard-coded passwords: leaked-secrets judges the value, too
    "B323", "B501",  # certificates that are not checked: transport-headers
    "B104",  # binding to all interfaces is what a container must do
}  # fmt: skip
_SEVERITIES = {"high": Severity.HIGH, "medium": Severity.MEDIUM, "low": Severity.LOW}


class CodeWeaknesses(Rule):
    """bandit finds no weakness in the code.

    bandit's own severity, one step lower where bandit's confidence is low; low where a weak hash is
    made of nothing secret (a checksum, an `ETag`, the key of a cache) and where the code is a script
    that the application does not run. Tests are left out, and so is what other rules answer with more
    context (hard-coded passwords, listening addresses).
    """

    id = "code-weaknesses"
    title = "Code weaknesses"
    section = "security"
    severity = Severity.MEDIUM
    risk = "Known dangerous calls give an attacker a foothold where input reaches them."
    fix = "Go through the places, the high ones first; mark what is meant with `# nosec` and why."
    references = (cwe(710), asvs("15.2.1"))

    def assess(self, application: Application) -> Verdict:
        files = [f for f in application.files(Kind.PYTHON) if f.role is Role.SOURCE]
        if not files:
            return not_applicable("there is no Python code")
        weaknesses = [
            w for w in application.facts(CodeWeakness) if w.test not in _ANSWERED_ELSEWHERE
        ]
        if not weaknesses:
            message = f"bandit finds nothing in {len(files)} files"
            return judge("bandit finds no weakness.", [present(application.root_place, message)])
        found = [self._evidence(w) for w in weaknesses]
        return judge(f"bandit has {count(len(found), 'finding')} in the code.", found)

    @staticmethod
    def _evidence(weakness: CodeWeakness) -> Evidence:
        severity = _SEVERITIES[weakness.severity]
        if weakness.confidence == "low":
            severity = Severity(max(severity - 1, Severity.LOW))
        first = weakness.message.split("\n")[0].split(". ")[0].rstrip(".")
        message = f"{first} ({weakness.test} {weakness.name})"
        if weakness.eased:
            severity, message = min(severity, Severity.LOW), f"{message}; {weakness.eased}"
        return Evidence(weakness.place, State.ABSENT, severity, message, weakness.test)

    good = ({"app.py": "def add(a, b):\n    return a + b\n"},)
    bad = (
        {
            "app.py": """
import subprocess  # expect: low

def run(command):
    return subprocess.call(command, shell=True)  # expect: high

def load(text):
    return eval(text)  # expect: medium
"""
        },
        {
            "app.py": """
import hashlib
from flask import Flask

app = Flask(__name__)

def etag(content):
    return hashlib.md5(content).hexdigest()  # expect: low

def password_hash(password):
    return hashlib.md5(password).hexdigest()  # expect: high
""",
            "tools/build.py": """
import os

def build(folder):
    os.system("make -C " + folder)  # expect: low
""",
        },
    )
