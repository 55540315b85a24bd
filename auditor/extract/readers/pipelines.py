"""Continuous integration: what runs, when, and after what.

GitLab CI, CircleCI, Azure Pipelines, Bitbucket Pipelines, Travis, Cloud Build, CodeBuild, Jenkins,
each by its published configuration reference.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import Any

import msgspec

from auditor.discover import Kind
from auditor.extract.facts import Fact
from auditor.extract.markup import Document, at, items, read_yaml, text_at
from auditor.extract.sensitive import safe_value
from auditor.extract.shell import commands, program
from auditor.extract.source import Source, extracts


class CiStep(msgspec.Struct, frozen=True, array_like=True):
    """One thing that a job runs: a shell text (`run`) or something ready-made (`uses`).

    `tolerated`: its failure does not fail the job.
    """

    run: str
    uses: str
    arguments: dict[str, str]
    condition: str
    tolerated: bool
    line: int
    environment: list[str] = []


class CiJob(Fact, frozen=True):
    """A job of a pipeline; `active` when something starts it by itself: a push, a request, the clock.

    `needs` are the jobs (or stages) it waits for, `after` the workflows whose end starts it.
    """

    system: str
    name: str
    line: int
    steps: list[CiStep]
    triggers: list[str] = []
    active: bool = True
    scheduled: bool = False
    needs: list[str] = []
    condition: str = ""
    permissions: str = ""
    environment: str = ""
    after: list[str] = []
    title: str = ""
    branches: list[str] = []
    tolerated: bool = False
    stage: str = ""
    limited: list[str] = []
    """Inputs that take no free text: choices, numbers, flags."""
    extends: list[str] = []
    """Jobs, perhaps of other files, that it takes its script from (GitLab)."""


class CiInclude(Fact, frozen=True):
    """A file of the tree that a pipeline takes in, as it is written: a path from the root, perhaps with `*`."""

    path: str
    line: int


class CiStages(Fact, frozen=True):
    """The stages of a GitLab pipeline, in order."""

    stages: list[str]


def tolerates(script: str) -> bool:
    """Whether a script ends well though its command failed: `|| true`, `; exit 0`, `set +e`."""
    found = list(commands(script))
    for (_, separator), (after, _) in itertools.pairwise(found):
        if separator == "||" and program(after) in ("true", ":", "echo"):
            return True
    last = found[-1][0] if found else []
    return last[:2] == ["exit", "0"] and any(words[:2] == ["set", "+e"] for words, _ in found)


def words_of(value: Any) -> list[str]:
    """A list of texts, from a list or a single text."""
    if isinstance(value, list):
        return [str(each) for each in value if isinstance(each, str | int)]
    return [str(value)] if isinstance(value, str) and value else []


def _script(value: Any) -> str:
    """A script that may be a text, a list, or lists in a list."""
    if isinstance(value, list):
        return "\n".join(_script(each) for each in value)
    return str(value) if isinstance(value, str | int) else ""


@extracts(Kind.WORKFLOW, name=r".+\.ya?ml")
def gitlab(source: Source) -> Iterator[Fact]:
    """https://docs.gitlab.com/ci/yaml/. What a pipeline includes may have any name: its jobs tell what it is."""
    root = "gitlab-ci" in source.name.lower()
    if not root and (_OTHERS.search(source.text) or not _GITLAB.search(source.text)):
        return
    for document in read_yaml(source.text):
        data = document.data if isinstance(document.data, dict) else {}
        if not root and (_ELSEWHERES & data.keys() or not any(map(_is_job, data.values()))):
            continue
        if stages := words_of(data.get("stages")):
            yield CiStages(stages)
        for include in _list(data.get("include")) or [data.get("include")]:
            line = document.line("include")
            local = include if isinstance(include, str) else text_at(include, "local")
            if local and "://" not in local:
                yield CiInclude(local.lstrip("/"), line)
            for key in ("template", "component", "project"):
                if used := text_at(include, key):
                    used = f"{used} {text_at(include, 'file')}".strip()
                    yield CiJob("GitLab CI", "", line, [CiStep("", used, {}, "", False, line)])
        for name, job in data.items():
            if isinstance(job, dict) and name not in _GITLAB_GLOBAL:
                yield from _gitlab_job(document, data, name, job)


_GITLAB_GLOBAL = {"default", "variables", "workflow", "include", "stages", "image", "cache", "services", "spec"}  # fmt: skip
_ELSEWHERES = {"on", "jobs", "steps", "pool", "trigger", "pipelines", "apiVersion", "kind", "runs", "updates"}  # fmt: skip
"""What stands at the top of other systems' files."""


_OTHERS = re.compile(r"(?m)^[\"']?(?:on|true|jobs|steps|pool|runs)[\"']?:")
_GITLAB = re.compile(r"(?m)^\s+(?:script|extends|trigger):")


def _is_job(value: Any) -> bool:
    return isinstance(value, dict) and bool({"script", "extends", "trigger"} & value.keys())


def _gitlab_job(
    document: Document, data: dict[str, Any], name: str, own: dict[str, Any]
) -> Iterator[Fact]:
    job = _extended(data, own, 0)
    hidden = name.startswith(".")
    script = "\n".join(_script(job.get(key)) for key in ("before_script", "script"))
    elsewhere = [each for each in words_of(own.get("extends")) if each not in data]
    if not script.strip() and not job.get("trigger") and not elsewhere:
        return
    when = [text_at(job, "when")] + [text_at(r, "when") for r in _list(job.get("rules"))]
    sources = f"{job.get('only')} {job.get('rules')}"
    tolerated = job.get("allow_failure") is True
    line = document.line(name)
    where = document.line(name, "script") if "script" in own else line
    steps = [CiStep(script, "", {}, "", tolerated or tolerates(script), where)]
    yield CiJob(
        "GitLab CI",
        name,
        line,
        steps if script.strip() else [],
        active=not hidden and "never" not in when[:1],
        scheduled="schedule" in sources,
        needs=_gitlab_needs(job.get("needs")),
        condition="manual" if "manual" in when else "",
        environment=text_at(job, "environment") or text_at(job, "environment", "name"),
        tolerated=tolerated,
        stage=text_at(job, "stage") or "test",
        extends=elsewhere,
    )


def _gitlab_needs(value: Any) -> list[str]:
    return [each if isinstance(each, str) else text_at(each, "job") for each in _list(value)]


def _extended(data: dict[str, Any], job: dict[str, Any], depth: int) -> dict[str, Any]:
    for name in words_of(job.get("extends")):
        below = data.get(name)
        if isinstance(below, dict) and depth < 8:
            job = {**_extended(data, below, depth + 1), **job}
    return job


_CIRCLE = re.compile(r"(?m)^jobs:[ \t]*(?:#.*)?$")


@extracts(Kind.WORKFLOW, name=r".+\.ya?ml")
def circleci(source: Source) -> Iterator[Fact]:
    """https://circleci.com/docs/configuration-reference/: jobs by name; parts of a dynamic one have any name."""
    if not _CIRCLE.search(source.text) or re.search(r"(?m)^[\"']?on[\"']?:", source.text):
        return
    for document in read_yaml(source.text):
        data = document.data
        jobs = at(data, "jobs")
        if not isinstance(jobs, dict) or "on" in data:
            continue
        runs: dict[str, tuple[list[str], bool]] = {}
        workflows = at(data, "workflows")
        for flow in workflows.values() if isinstance(workflows, dict) else ():
            scheduled = "schedule" in str(at(flow, "triggers"))
            for entry in _list(at(flow, "jobs")):
                for name, options in entry.items() if isinstance(entry, dict) else [(entry, None)]:
                    runs[str(name)] = words_of(at(options, "requires")), scheduled
        for name, job in jobs.items():
            needs, scheduled = runs.get(name, ([], False))
            steps = list(_circle_steps(document, data, at(job, "steps"), ("jobs", name, "steps")))
            active = name in runs or not runs
            line = document.line("jobs", name)
            yield CiJob(
                "CircleCI", name, line, steps, active=active, scheduled=scheduled, needs=needs
            )


def _circle_steps(
    document: Document, data: Any, steps: Any, path: tuple[str | int, ...], depth: int = 0
) -> Iterator[CiStep]:
    for index, step in enumerate(_list(steps)):
        line = document.line(*path, index)
        for word, options in step.items() if isinstance(step, dict) else [(str(step), None)]:
            own = at(data, "commands", word, "steps")
            if word == "run":
                run = options if isinstance(options, str) else text_at(options, "command")
                yield CiStep(run, "", {}, "", tolerates(run), line)
            elif own and depth < 4:
                yield from _circle_steps(
                    document, data, own, ("commands", word, "steps"), depth + 1
                )
            else:
                yield CiStep("", str(word), {}, "", False, line)


_AZURE = re.compile(r"(?m)^(?:stages|jobs|steps):[ \t]*(?:#.*)?\n(?:[ \t]*(?:#.*)?\n)*[ \t]*-")


@extracts(Kind.WORKFLOW, name=r"(?!cloudbuild|buildspec|\.gitlab-ci).+\.ya?ml")
def azure(source: Source) -> Iterator[Fact]:
    """https://learn.microsoft.com/azure/devops/pipelines/yaml-schema/: stages, jobs and steps are lists.

    A file with parameters and without a trigger is a template, which others start.
    """
    if not _AZURE.search(source.text):
        return
    for document in read_yaml(source.text):
        data = document.data
        if _list(at(data, "stages")) and not any(isinstance(x, dict) for x in at(data, "stages")):
            continue  # GitLab's stages are names
        active = at(data, "trigger") != "none" or at(data, "pr") not in (None, "none")
        if "parameters" in data and not {"trigger", "pr", "schedules"} & data.keys():
            active = False
        scheduled = bool(at(data, "schedules"))
        stages = _list(at(data, "stages")) or [data]
        earlier: list[str] = []
        for stage in stages:
            before = words_of(at(stage, "dependsOn")) or earlier[-1:]
            name = text_at(stage, "stage")
            for job in _list(at(stage, "jobs")) or [stage]:
                if not isinstance(job, dict):
                    continue
                found = list(_azure_steps(document, job))
                title = text_at(job, "job") or text_at(job, "deployment") or name
                needs = words_of(at(job, "dependsOn")) + [f"stage:{each}" for each in before]
                if found:
                    yield CiJob(
                        "Azure Pipelines", title, found[0].line, found, active=active,
                        scheduled=scheduled, needs=needs, stage=name,
                        environment=text_at(job, "environment") or text_at(job, "environment", "name"),
                    )  # fmt: skip
            earlier.append(name)


def _azure_steps(document: Document, job: Any) -> Iterator[CiStep]:
    deploy = next((found for way in ("runOnce", "rolling", "canary") if (found := at(job, "strategy", way, "deploy", "steps"))), None)  # fmt: skip
    own = [job] if at(job, "template") else []
    for step in own or _list(at(job, "steps")) or _list(deploy):
        run = text_at(step, "script") or text_at(step, "bash") or text_at(step, "powershell")
        run = run or text_at(step, "inputs", "script")
        uses = text_at(step, "task") or text_at(step, "template")
        tolerated = at(step, "continueOnError") is True or tolerates(run)
        first = (run or uses).strip().split("\n")[0]
        position = document.text.find(first) if first else -1
        line = document.text.count("\n", 0, position) + 1 if position >= 0 else 1
        given = {k: safe_value(k, str(v)) for k, v in items(at(step, "inputs")) if k != "script"}
        yield CiStep(run, uses, given, text_at(step, "condition"), tolerated, line)


@extracts(
    Kind.WORKFLOW,
    name=r"bitbucket-pipelines\.ya?ml|\.travis\.ya?ml|cloudbuild\.ya?ml|buildspec\.ya?ml",
)
def scripts(source: Source) -> Iterator[Fact]:
    """Where every script of the file is one job: Bitbucket, Travis, Cloud Build, CodeBuild."""
    for document in read_yaml(source.text):
        steps: list[CiStep] = []
        for path, value in _walk(document.data, ()):
            if path and path[-1] in (
                "script",
                "before_script",
                "commands",
                "args",
                "deploy",
                "pipe",
            ):
                if text := _script(value):
                    steps.append(CiStep(text, "", {}, "", tolerates(text), document.line(*path)))
        if steps:
            yield CiJob(source.name, "", steps[0].line, steps)


def _walk(data: Any, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    yield path, data
    if isinstance(data, dict):
        for key, value in data.items():
            yield from _walk(value, (*path, key))
    elif isinstance(data, list):
        for index, value in enumerate(data):
            if isinstance(value, dict | list):
                yield from _walk(value, (*path, index))


@extracts(Kind.WORKFLOW, name=r"jenkinsfile.*")
def jenkinsfile(source: Source) -> Iterator[Fact]:
    steps = []
    for number, line in enumerate(source.text.split("\n"), 1):
        if match := re.search(r"\b(?:sh|bat)\b[\s(]*[\"']+([^\"']+)", line):
            steps.append(CiStep(match[1], "", {}, "", tolerates(match[1]), number))
    if steps:
        scheduled = "cron(" in source.text
        yield CiJob("Jenkins", "", steps[0].line, steps, scheduled=scheduled)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
