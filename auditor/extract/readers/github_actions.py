"""GitHub Actions: what starts a workflow, what its jobs run, and with which permissions.

https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from auditor.discover import Kind
from auditor.extract.facts import Fact
from auditor.extract.markup import Document, at, items, read_yaml, text_at
from auditor.extract.readers.pipelines import CiJob, CiStep, tolerates, words_of
from auditor.extract.source import Source, extracts

_STARTS = {
    "push", "pull_request", "schedule", "merge_group", "pull_request_target", "release",
    "workflow_run", "issue_comment", "issues", "deployment", "create",
}  # fmt: skip


@extracts(Kind.WORKFLOW, name=r"(?!dependabot|\.gitlab-ci|azure-pipelines|bitbucket).+\.ya?ml")
def workflow(source: Source) -> Iterator[Fact]:
    for document in read_yaml(source.text):
        data = document.data
        if isinstance(data, dict) and isinstance(at(data, "runs", "steps"), list):
            steps = list(_steps(document, at(data, "runs", "steps"), ("runs", "steps")))
            yield CiJob("GitHub Actions", "", 1, steps, triggers=["action"], active=False)
        elif isinstance(data, dict) and "on" in data:
            yield from _jobs(document, data)


def _jobs(document: Document, data: dict[str, Any]) -> Iterator[Fact]:
    on = data["on"]
    triggers = [str(each) for each in (on if isinstance(on, dict | list) else [on])]
    everywhere = _permissions(data.get("permissions"))
    limited = _limited(on)
    jobs = data.get("jobs")
    for name, job in jobs.items() if isinstance(jobs, dict) else ():
        condition = text_at(job, "if")
        off = condition.strip("${} ").lower() == "false" or at(job, "if") is False
        given = [*_given(data), *_given(job)]  # what every step is given
        steps = list(_steps(document, at(job, "steps"), ("jobs", name, "steps"), given))
        line = document.line("jobs", name)
        if uses := text_at(job, "uses"):
            handed = at(job, "secrets")
            named = [str(each) for each in handed.values()] if isinstance(handed, dict) else []
            named += ["secrets.*"] if handed == "inherit" else []
            steps.append(CiStep("", uses, {}, "", False, line, named))
        own = _permissions(at(job, "permissions")) if "permissions" in (job or ()) else everywhere
        yield CiJob(
            "GitHub Actions",
            str(name),
            line,
            steps,
            triggers=triggers,
            active=bool(_STARTS.intersection(triggers)) and not off,
            scheduled="schedule" in triggers,
            needs=words_of(at(job, "needs")),
            condition="false" if off else condition,
            permissions=own,
            environment=text_at(job, "environment") or text_at(job, "environment", "name"),
            after=words_of(at(on, "workflow_run", "workflows")),
            title=text_at(data, "name"),
            branches=words_of(at(on, "push", "branches")) + words_of(at(on, "push", "tags")),
            tolerated=at(job, "continue-on-error") is True,
            limited=limited,
        )


_LIMITED = ("boolean", "choice", "number", "environment")


def _limited(on: Any) -> list[str]:
    """The inputs that only take what the workflow or the platform allows, wherever it is started from.

    https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#onworkflow_dispatchinputsinput_idtype
    """
    kinds: dict[str, set[str]] = {}
    for event in ("workflow_dispatch", "workflow_call"):
        for name, told in items(at(on, event, "inputs")):
            kinds.setdefault(str(name), set()).add(text_at(told, "type"))
    return [name for name, found in kinds.items() if found <= set(_LIMITED)]


def _permissions(value: Any) -> str:
    """`write-all`, `read-all`, `contents: write, …`, `none` for an empty mapping; "" when not given."""
    if isinstance(value, dict):
        return ", ".join(f"{scope}: {access}" for scope, access in value.items()) or "none"
    return str(value) if value else ""


def _given(data: Any) -> list[str]:
    env = at(data, "env")
    return [f"{key}={value}" for key, value in env.items()] if isinstance(env, dict) else []


def _steps(
    document: Document, steps: Any, path: tuple[str | int, ...], everywhere: Sequence[str] = ()
) -> Iterator[CiStep]:
    for index, step in enumerate(steps if isinstance(steps, list) else ()):
        if not isinstance(step, dict):
            continue
        run = text_at(step, "run")
        given = at(step, "with")
        arguments = {str(k): str(v) for k, v in given.items()} if isinstance(given, dict) else {}
        yield CiStep(
            run,
            text_at(step, "uses"),
            arguments,
            text_at(step, "if"),
            at(step, "continue-on-error") is True or tolerates(run),
            document.line(*path, index),
            [*everywhere, *_given(step)],
        )
