from __future__ import annotations

import re

from auditor.assess.rule import Reference, Rule, asvs, cwe
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
from auditor.model.dependencies import Requirement
from auditor.model.deployment import Bot
from auditor.model.pipelines import DependencyScan

_KNOWS = {
    "pypi": {"pip", "pipenv", "poetry", "uv", "pip-compile", "conda", "setuptools"},
    "npm": {"npm", "yarn", "pnpm", "bun"},
}
"""Dependabot's words for what looks after an ecosystem of ours."""
_ONE = (
    ("npm", re.compile(r"\b(?:npm|yarn|pnpm|bun)\b|audit-ci", re.I)),
    ("pypi", re.compile(r"pip-audit|safety|poetry|\buv\b|python", re.I)),
)
_TITLES = {"pypi": "Python", "npm": "JavaScript"}


def _covers(tool: str, wanted: set[str]) -> set[str]:
    """The ecosystems that a scanner reads: all of them, unless it is made for one."""
    return next(({one} & wanted for one, words in _ONE if words.search(tool)), wanted)


class DependencyScanning(Rule):
    """CI scans the dependencies for known vulnerabilities.

    Counts are Dependabot, Renovate and their like for the ecosystems that they look after, or a scanner
    in a pipeline that something starts: a push, a pull request or the clock, also by way of a Makefile,
    nox, tox, pre-commit or a script that the pipeline runs. A scanner in a workflow that only starts by
    hand, in a job that is switched off, in a file that no pipeline runs, or whose failure is ignored is
    decorative. Where Python packages are looked after and JavaScript ones are not, or the other way
    round, that is said.
    """

    id = "dependency-scanning"
    title = "Dependency security"
    section = "deployment"
    seeks = True
    severity = Severity.LOW
    risk = "A library with a known hole stays in production until somebody else finds it."
    fix = "Turn on Dependabot or Renovate, and run pip-audit on each pull request and every week."
    references = (
        cwe(1104),
        asvs("15.1.2"),
        Reference(
            "OWASP: vulnerable and outdated components",
            "https://owasp.org/Top10/A06_2021-Vulnerable_and_Outdated_Components/",
        ),
    )
    effort = "small"

    def assess(self, application: Application) -> Verdict:
        requirements = application.facts(Requirement)
        if not requirements:
            return not_applicable("no dependencies are declared")
        wanted = {r.ecosystem for r in requirements if r.ecosystem in _KNOWS}
        covered: set[str] = set()
        strengths: list[Evidence] = []
        weak: list[Evidence] = []
        for bot in application.facts(Bot):
            told = {e for e in wanted if _KNOWS[e] & set(bot.ecosystems)}
            covers = told if bot.ecosystems else wanted
            if covers or not wanted:
                covered |= covers
                strengths.append(present(bot.place, f"{bot.tool} proposes updates", bot.tool))
            else:
                names = ", ".join(bot.ecosystems)
                message = f"{bot.tool} looks after {names} alone, not after what the application is made of"
                weak.append(Evidence(bot.place, State.WEAK, Severity.LOW, message, bot.tool))
        for scan in application.facts(DependencyScan):
            piece = self._scan(scan)
            if piece.state is State.PRESENT:
                covered |= _covers(scan.tool, wanted)
                strengths.append(piece)
            else:
                weak.append(piece)
        if strengths and covered >= wanted:
            return judge("Dependencies are scanned.", strengths)
        evidence = [*strengths, *weak]
        for missing in sorted(wanted - covered) if strengths else ():
            first = next(r for r in requirements if r.ecosystem == missing)
            told_of = f"nothing scans the {_TITLES[missing]} packages for known vulnerabilities"
            evidence.append(Evidence(first.place, State.ABSENT, Severity.LOW, told_of, missing))
        if not evidence:
            nothing = "nothing scans the dependencies for known vulnerabilities"
            evidence = [
                Evidence(requirements[0].place, State.ABSENT, Severity.LOW, nothing, "scanning")
            ]
        summary = "No scan of the dependencies runs by itself."
        if strengths:
            summary = "Some of the dependencies are scanned, others are not."
        return judge(summary, evidence)

    @staticmethod
    def _scan(scan: DependencyScan) -> Evidence:
        via = f" by way of {scan.runner}" if scan.runner else ""
        if not scan.active:
            where = f"in a file that no pipeline runs ({scan.runner})" if scan.runner else "in a workflow that nothing starts by itself"  # fmt: skip
            told = f"{scan.tool} stands {where}"
        elif scan.tolerated:
            told = f"{scan.tool} runs{via}, and its failure is ignored"
        else:
            return present(scan.place, f"{scan.tool} runs in CI{via}", scan.tool)
        return Evidence(scan.place, State.DECORATIVE, Severity.LOW, told, scan.tool)

    good = (
        {
            "requirements.txt": "fastapi==0.115.0\n",
            ".github/dependabot.yml": "version: 2\nupdates:\n  - package-ecosystem: pip\n    directory: /\n",
        },
        {
            "requirements.txt": "fastapi==0.115.0\n",
            ".github/workflows/ci.yml": "on: [push]\njobs:\n  scan:\n    steps:\n      - run: pip-audit\n",
        },
        {  # by way of a file that the pipeline runs
            "requirements.txt": "fastapi==0.115.0\n",
            "Makefile": "scan:\n\tosv-scanner --lockfile requirements.txt\n",
            ".github/workflows/ci.yml": "on: [push]\njobs:\n  scan:\n    steps:\n      - run: make scan\n",
        },
        {
            "requirements.txt": "fastapi==0.115.0\n",
            ".gitlab-ci.yml": "include:\n  - template: Jobs/Dependency-Scanning.gitlab-ci.yml\n",
        },
    )
    bad = (
        {"requirements.txt": "fastapi==0.115.0  # expect: low\n"},
        {
            "requirements.txt": "fastapi==0.115.0\n",
            ".github/dependabot.yml": "version: 2\nupdates:  # expect: low\n  - package-ecosystem: github-actions\n    directory: /\n",
        },
        {
            "requirements.txt": "fastapi==0.115.0\n",
            "web/package.json": '{"dependencies": {\n  "react": "19.0.0"}}\n',
            "noxfile.py": "def audit(session):\n    session.run('pip-audit')  # expect: low\n",
            ".github/workflows/ci.yml": "on: [push]\njobs:\n  scan:\n    steps:\n      - run: pytest\n",
        },
        {
            "requirements.txt": "fastapi==0.115.0\n",
            ".github/workflows/scan.yml": """
on: workflow_dispatch
jobs:
  scan:
    steps:
      - run: pip-audit  # expect: low
""",
        },
    )
