"""Continuous integration: what runs, when, and which bots keep dependencies up.

GitHub Actions, GitLab CI, CircleCI, Azure Pipelines, Bitbucket Pipelines, Jenkins, Dependabot,
Renovate, each by its published configuration reference.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from auditor.discover import Kind
from auditor.extract.facts import Fact
from auditor.extract.markup import Document, at, read_yaml
from auditor.extract.source import Source, extracts


class Step(Fact, frozen=True):
    """One thing a pipeline runs: a shell text or an action (`uses`).

    `active` is whether anything starts it by itself: a push, a pull request or a schedule.
    `tolerated`: a failure does not fail the pipeline.
    """

    text: str
    active: bool
    scheduled: bool
    tolerated: bool
    line: int


class UpdateBot(Fact, frozen=True):
    """A bot that proposes dependency updates."""

    tool: str
    line: int


_STARTS = {"push", "pull_request", "schedule", "merge_group", "pull_request_target", "release"}


@extracts(Kind.WORKFLOW, name=r"dependabot\.ya?ml")
def dependabot(source: Source) -> Iterator[Fact]:
    for document in read_yaml(source.text):
        if isinstance(at(document.data, "updates"), list) and at(document.data, "updates"):
            yield UpdateBot("Dependabot", document.line("updates"))


@extracts(Kind.WORKFLOW, name=r"renovate\.json5?|\.renovaterc(?:\.json)?")
def renovate(source: Source) -> Iterator[Fact]:
    yield UpdateBot("Renovate", 1)


@extracts(Kind.WORKFLOW, name=r"(?!dependabot).+\.ya?ml")
def workflow(source: Source) -> Iterator[Fact]:
    for document in read_yaml(source.text):
        if isinstance(document.data, dict):
            yield from _jobs(document) if "jobs" in document.data else _scripts(document)


def _jobs(document: Document) -> Iterator[Fact]:
    data: Any = document.data
    on = data.get("on", data.get("True", data.get("true")))
    starts = set(on) if isinstance(on, dict | list) else {str(on)}
    circle = "version" in data and "on" not in data
    active = circle or bool(starts & _STARTS)
    scheduled = "schedule" in starts
    jobs = data.get("jobs")
    for name, job in jobs.items() if isinstance(jobs, dict) else ():
        off = str(at(job, "if")).strip("${} ").lower() == "false"
        for index, step in enumerate(at(job, "steps") or ()):
            text = _step_text(step)
            tolerated = bool(
                at(step, "continue-on-error") is True or re.search(r"\|\|\s*true", text)
            )
            line = document.line("jobs", name, "steps", index)
            if text:
                yield Step(text, active and not off, scheduled, tolerated, line)
        if uses := at(job, "uses"):
            yield Step(str(uses), active and not off, scheduled, False, document.line("jobs", name))


def _step_text(step: Any) -> str:
    if isinstance(step, str):
        return step
    run = at(step, "run")
    if isinstance(run, dict):
        run = run.get("command")
    script = at(step, "script") or at(step, "bash")
    return str(at(step, "uses") or run or script or at(step, "task") or "")


def _scripts(document: Document) -> Iterator[Fact]:
    """GitLab CI, Azure and Bitbucket pipelines: every `script` anywhere."""
    for path, value in _walk(document.data, ()):
        key = path[-1] if path else ""
        if key in (
            "script",
            "before_script",
            "after_script",
            "bash",
            "task",
            "template",
            "include",
        ):
            text = "\n".join(map(str, value)) if isinstance(value, list) else str(value)
            tolerated = bool(re.search(r"\|\|\s*true", text))
            yield Step(text, True, "schedule" in path, tolerated, document.line(*path))


def _walk(data: Any, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    yield path, data
    if isinstance(data, dict):
        for key, value in data.items():
            yield from _walk(value, (*path, key))
    elif isinstance(data, list):
        for index, value in enumerate(data):
            if isinstance(value, dict | list):
                yield from _walk(value, (*path, index))


@extracts(Kind.WORKFLOW, name=r"jenkinsfile")
def jenkinsfile(source: Source) -> Iterator[Fact]:
    scheduled = "cron(" in source.text
    for number, line in enumerate(source.text.split("\n"), 1):
        if match := re.search(r"\b(?:sh|bat)\b[\s(]*[\"']+(.+?)[\"']", line):
            yield Step(match[1], True, scheduled, "|| true" in line, number)
