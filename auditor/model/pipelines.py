"""Continuous integration: jobs, what they run and wait for, and what they may do."""

from __future__ import annotations

import msgspec

from auditor.model.places import Place


class JobStep(msgspec.Struct, frozen=True):
    """One thing that a job runs: a shell text (`run`), or something ready-made (`uses`).

    `tests` and `deploys` are the words by which it runs tests or deploys; empty where it does not.
    """

    run: str
    uses: str
    arguments: tuple[tuple[str, str], ...]
    environment: tuple[str, ...]
    condition: str
    tolerated: bool
    tests: str
    deploys: str
    place: Place

    @property
    def text(self) -> str:
        return self.run or self.uses


class Job(msgspec.Struct, frozen=True):
    """A job of a pipeline. `active` when something starts it by itself.

    `before` are the names of the jobs that it waits for, near and far; `after` those of workflows.
    `permissions` is what its token may do: write-all, read-all, `contents: write`, none; "" not told.
    `limited` are the inputs of its pipeline that take no free text.
    """

    system: str
    name: str
    pipeline: str
    triggers: tuple[str, ...]
    active: bool
    scheduled: bool
    before: tuple[str, ...]
    after: tuple[str, ...]
    condition: str
    permissions: str
    environment: str
    branches: tuple[str, ...]
    tolerated: bool
    steps: tuple[JobStep, ...]
    place: Place
    limited: tuple[str, ...] = ()


class PushDeployment(msgspec.Struct, frozen=True):
    """A platform that deploys a pushed change by itself, whatever the tests say.

    `written` tells that its file says so; else it is the platform's default.
    """

    platform: str
    branch: str
    written: bool
    place: Place


class DependencyScan(msgspec.Struct, frozen=True):
    """A scanner of dependencies: in a pipeline itself, or in a file that `runner` runs there.

    `active` when something starts it by itself, `tolerated` when nothing minds what it finds.
    """

    tool: str
    active: bool
    tolerated: bool
    place: Place
    runner: str


class WorkflowWeakness(msgspec.Struct, frozen=True):
    """One finding of zizmor, with its own words for severity and confidence.

    `expression` is the context that is pasted into a script, where the finding is about one.
    """

    audit: str
    title: str
    detail: str
    expression: str
    severity: str
    confidence: str
    place: Place
