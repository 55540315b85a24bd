from __future__ import annotations

import re
from collections.abc import Iterator

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
from auditor.model.deployment import Bot, PipelineStep

_SCANNERS = re.compile(
    r"pip-audit|pypa/gh-action-pip-audit|\bsafety (?:check|scan)|pyupio/safety|osv-scanner|google/osv-scanner"
    r"|\btrivy\b|aquasecurity/trivy|\bsnyk\b|anchore/(?:scan|grype)|\bgrype\b|dependency-review-action"
    r"|\bnpm audit|\byarn audit|\bpnpm audit|dependency-check|renovatebot/|\baudit (?:scan )?\.|gemnasium",
    re.I,
)


class DependencyScanning(Rule):
    """CI scans the dependencies for known vulnerabilities.

    Counts are Dependabot, Renovate, or a scanner in a pipeline that something starts: a push, a pull
    request or the clock. A scanner in a workflow that only starts by hand, in a job that is switched
    off, or whose failure is ignored is decorative.
    """

    id = "dependency-scanning"
    title = "Dependency security"
    section = "deployment"
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
        evidence = [
            present(bot.place, f"{bot.tool} proposes updates", bot.tool)
            for bot in application.facts(Bot)
        ]
        evidence += self._steps(application)
        works = any(e.state is State.PRESENT for e in evidence)
        if works:
            evidence = [e for e in evidence if e.state is State.PRESENT]
        if not evidence:
            told = "nothing scans the dependencies for known vulnerabilities"
            evidence = [
                Evidence(requirements[0].place, State.ABSENT, Severity.LOW, told, "scanning")
            ]
        summary = (
            "Dependencies are scanned." if works else "No scan of the dependencies runs by itself."
        )
        return judge(summary, evidence)

    def _steps(self, application: Application) -> Iterator[Evidence]:
        for step in application.facts(PipelineStep):
            if match := _SCANNERS.search(step.text):
                yield self._step(step, match[0])

    @staticmethod
    def _step(step: PipelineStep, tool: str) -> Evidence:
        if not step.active:
            told = f"{tool} stands in a workflow that nothing starts by itself"
        elif step.tolerated:
            told = f"{tool} runs, and its failure is ignored"
        else:
            return present(step.place, f"{tool} runs in CI", tool)
        return Evidence(step.place, State.DECORATIVE, Severity.LOW, told, tool)

    good = (
        {
            "requirements.txt": "fastapi==0.115.0\n",
            ".github/dependabot.yml": "version: 2\nupdates:\n  - package-ecosystem: pip\n    directory: /\n",
        },
        {
            "requirements.txt": "fastapi==0.115.0\n",
            ".github/workflows/ci.yml": "on: [push]\njobs:\n  scan:\n    steps:\n      - run: pip-audit\n",
        },
    )
    bad = (
        {"requirements.txt": "fastapi==0.115.0  # expect: low\n"},
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
