"""Every rule's own examples: the good ones raise nothing, the bad ones exactly what they mark."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from auditor.assess.registry import all_rules
from auditor.assess.rule import Rule
from auditor.assess.verdict import Outcome, State, Verdict
from tests.conftest import Build

RULES = all_rules()
RULE_FILES = (Path(__file__).parents[2] / "rules").rglob("[!_]*.py")
_MARK = re.compile(r"expect: (critical|high|medium|low|info)")


def _cases(kind: str) -> list[object]:
    return [
        pytest.param(rule, example, id=f"{rule.id}-{kind}-{number}")
        for rule in RULES
        for number, example in enumerate(getattr(rule, kind))
    ]


def _found(verdict: Verdict) -> set[tuple[str, int, str]]:
    return {
        (e.place.path, e.place.line, e.severity.word)
        for e in verdict.evidence
        if e.state is not State.PRESENT
    }


@pytest.mark.parametrize("rule, example", _cases("good"))
def test_good_example_raises_nothing(rule: Rule, example: Mapping[str, str], build: Build) -> None:
    verdict = rule.assess(build(example))
    assert _found(verdict) == set()
    assert verdict.outcome not in (Outcome.FAIL, Outcome.PARTIAL), verdict.summary


@pytest.mark.parametrize("rule, example", _cases("bad"))
def test_bad_example_raises_what_it_marks(
    rule: Rule, example: Mapping[str, str], build: Build
) -> None:
    expected = {
        (name, number, match[1])
        for name, content in example.items()
        for number, line in enumerate(content.split("\n"), 1)
        if (match := _MARK.search(line))
    }
    assert expected, "a bad example marks what is wrong with it"
    verdict = rule.assess(build(example))
    assert _found(verdict) == expected
    assert verdict.outcome in (Outcome.FAIL, Outcome.PARTIAL)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_rule_documents_itself(rule: Rule) -> None:
    assert rule.question.endswith(".")
    assert rule.documentation
    assert rule.risk
    assert rule.fix
    assert rule.references
    assert rule.good
    assert rule.bad


@pytest.mark.parametrize("path", sorted(RULE_FILES), ids=lambda path: path.stem)
def test_rules_see_the_application_only(path: Path) -> None:
    """A rule asks for facts; what frameworks and syntax mean is not its business."""
    allowed = ("auditor.assess.", "auditor.model.", "auditor.link.application", "auditor.discover")
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("auditor"):
            assert (node.module or "").startswith(allowed), node.module
