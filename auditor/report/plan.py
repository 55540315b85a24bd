"""The plan: what to do first, by risk removed for effort spent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from auditor.assess.rule import Rule
from auditor.assess.verdict import Severity
from auditor.report import document as d
from auditor.report.grade import WEIGHTS

_PHASES = {
    1: ("Critical security", "immediately, before anybody uses it"),
    2: ("Performance and monitoring", "next"),
    3: ("Deployment and reliability", "last"),
}
_EFFORT = {"small": 1.0, "medium": 2.0, "large": 4.0}
_PLACES = 3
_RISK = {"critical": 100.0, "high": 10.0, "medium": 4.0, "low": 1.0}
_Rank = tuple[float, bool, float, str]


def plan(results: Sequence[d.Result], rules: Mapping[str, Rule]) -> list[d.Phase]:
    """Every rule with open findings, in its phase.

    What removes most risk for its effort comes first. Risk rises tenfold from high to critical, so that a leaked key
    and open routes come before a missing limit, however small its effort; of equals those of security
    come first, then what has most findings.
    """
    items: dict[int, list[tuple[_Rank, d.PlanItem]]] = {1: [], 2: [], 3: []}
    for result in results:
        open_ = [p for p in result.evidence if p.finding]
        if result.severity is None or not open_ or result.severity == "info":
            continue
        rule = rules[result.rule]
        removed = sum(_weight(p.severity) for p in open_)
        beside = result.section != "security"
        worth = _RISK[result.severity] / _EFFORT[rule.effort]
        rank = (-worth, beside, -removed, result.rule)
        effort: Any = rule.effort
        places = [f"{p.path}:{p.line}" for p in open_[:_PLACES]]
        item = d.PlanItem(
            result.rule, result.severity, rule.fix, places, len(open_) - len(places), effort
        )
        items[_phase(result)].append((rank, item))
    phases = []
    for number, (title, when) in _PHASES.items():
        ordered = sorted(items[number], key=lambda entry: entry[0])
        phase: Any = number
        phases.append(d.Phase(phase, title, when, [item for _, item in ordered]))
    return phases


def _weight(severity: str) -> float:
    return WEIGHTS[Severity[severity.upper()]]


def _phase(result: d.Result) -> int:
    """1: critical and high of security, and health checks; 2: performance, monitoring; 3: the rest."""
    if result.rule == "health-checks" or (
        result.section == "security" and result.severity in ("critical", "high")
    ):
        return 1
    if result.section == "deployment":
        return 3
    return 2
