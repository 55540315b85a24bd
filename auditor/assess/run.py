"""Assessment: every rule's verdict, and what a file that cannot be read does to it."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from pathlib import PurePosixPath

import msgspec
from msgspec.structs import replace

from auditor.assess.rule import Rule
from auditor.assess.verdict import Outcome, State, Verdict, unknown
from auditor.discover import Kind, Role
from auditor.extract.facts import Unread
from auditor.link.application import Application
from auditor.model.web import Route, UnreadFramework

log = logging.getLogger(__name__)


class Assessment(msgspec.Struct, frozen=True):
    """All verdicts in the rules' order; `blockers` are sentences that come before everything."""

    verdicts: tuple[tuple[Rule, Verdict], ...]
    blockers: tuple[str, ...]


def assess(application: Application, rules: Sequence[Rule]) -> Assessment:
    """Ask every rule. A rule that fails says unknown, never nothing."""
    broken = _broken(application)
    verdicts = tuple((rule, _ask(application, rule, broken)) for rule in rules)
    return Assessment(
        verdicts, tuple(_blocker(path, fact) for path, fact in broken if fact.application)
    )


def _ask(application: Application, rule: Rule, broken: list[tuple[str, Unread]]) -> Verdict:
    try:
        return _judge(application, rule, broken)
    except Exception as error:
        log.warning("rule %s failed: %s", rule.id, error, exc_info=log.isEnabledFor(logging.DEBUG))
        return unknown(
            f"The rule failed ({type(error).__name__}), so nothing was judged.",
            "Report the failure with the output of --verbose.",
        )


def _judge(application: Application, rule: Rule, broken: list[tuple[str, Unread]]) -> Verdict:
    with application.watching() as watch:
        verdict = rule.assess(application)
    if watch.code and broken:
        return _doubted(verdict, broken)
    unread = _unread_deployment(application) if rule.seeks else ""
    if unread and _only_absent(verdict):
        return replace(
            verdict,
            outcome=Outcome.UNKNOWN,
            summary=f"{unread} cannot be read, and it may hold what was not found. Elsewhere: {verdict.summary}",
            evidence=(),
            coverage=None,
            settle=f"Make {unread} parse, and audit again.",
        )
    if watch.code and verdict.outcome is Outcome.NOT_APPLICABLE:
        return _unless_unread(application, verdict)
    return verdict


_DEPLOYS = (Kind.DOCKERFILE, Kind.COMPOSE, Kind.WORKFLOW, Kind.PLATFORM, Kind.PROXY)


def _unread_deployment(application: Application) -> str:
    """A file of the deployment that could not be read."""
    kinds = {f.path: (f.kind, f.role) for f in application.tree.files}
    for path, _ in application.unread:
        kind, role = kinds.get(path, (Kind.TEXT, Role.SOURCE))
        if kind in _DEPLOYS and role is Role.SOURCE:
            return path
    return ""


def _only_absent(verdict: Verdict) -> bool:
    """Whether all that a verdict rests on is that nothing was found."""
    return len(verdict.evidence) == 1 and verdict.evidence[0].state is State.ABSENT


def _unless_unread(application: Application, verdict: Verdict) -> Verdict:
    """Nothing to judge, because the application is in a framework that is not read, is unknown."""
    others = application.facts(UnreadFramework)
    if not others or application.facts(Route):
        return verdict
    names = ", ".join(framework.name for framework in others)
    return unknown(
        f"The application is written with {names}, {others[0].why} ({others[0].place}).",
        "Ask the question by hand.",
    )


def _doubted(verdict: Verdict, broken: list[tuple[str, Unread]]) -> Verdict:
    """A verdict that rests on code of which a part cannot be read: findings stay, nothing passes."""
    path = broken[0][0]
    holds = any(fact.application for _, fact in broken)
    if not holds and verdict.outcome not in (Outcome.PASS, Outcome.NOT_APPLICABLE):
        return verdict
    findings = tuple(e for e in verdict.evidence if e.state is not State.PRESENT)
    elsewhere = f" Elsewhere: {verdict.summary}" if findings else ""
    return replace(
        verdict,
        outcome=Outcome.UNKNOWN,
        summary=f"{path} cannot be read, so this cannot be judged.{elsewhere}",
        evidence=findings,
        coverage=None,
        settle=f"Make {path} parse, and audit again.",
    )


def _broken(application: Application) -> list[tuple[str, Unread]]:
    """Source files that cannot be parsed and belong to an application."""
    kinds = {f.path: (f.kind, f.role) for f in application.tree.files}
    unread = [
        (path, fact)
        for path, fact in application.unread
        if kinds.get(path) == (Kind.PYTHON, Role.SOURCE)
    ]
    if not unread:
        return []
    imported = _imported(application)
    found = [(p, f) for p, f in unread if f.application or PurePosixPath(p).stem in imported]
    return sorted(found, key=lambda item: (not item[1].application, item[0]))


def _imported(application: Application) -> set[str]:
    from auditor.extract.python import tree as t
    from auditor.extract.python.syntax import Syntax

    names: set[str] = set()
    for _, syntax in application.of(Syntax):
        for node in t.walk(*syntax.body):
            if isinstance(node, t.Import):
                names.update(re.split(r"\W+", node.module))
                names.update(part for name, _ in node.names for part in name.split("."))
    return names


def _blocker(path: str, fact: Unread) -> str:
    where = f"{path}:{fact.line}:{fact.column}" if fact.line else path
    return (
        f"The application in {path} cannot start: {fact.reason}, at {where}. "
        "What depends on that file is unknown."
    )
