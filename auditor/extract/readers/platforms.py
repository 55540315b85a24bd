"""Hosting platforms: what they start, what they probe, what they set, what they schedule.

Procfile (Heroku, Railway), railway.json/toml, vercel.json, render.yaml, fly.toml, app.json,
netlify.toml and Cloud Foundry's manifest, each by its platform's configuration reference.
Vercel, Render, Railway and API Gateway send plain HTTP on to HTTPS or take nothing else; Fly where it is told to.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from auditor.discover import Kind
from auditor.extract.facts import Fact
from auditor.extract.markup import Document, at, items, read_json, read_toml, read_yaml, text_at
from auditor.extract.sensitive import safe_value
from auditor.extract.source import Source, extracts


class Process(Fact, frozen=True):
    """A command that a platform starts; `schedule` where it is started by the clock."""

    platform: str
    name: str
    command: str
    schedule: str
    line: int


class Probe(Fact, frozen=True):
    """A path that the platform asks to know whether the application is well."""

    platform: str
    path: str
    line: int


class PlatformSetting(Fact, frozen=True):
    """A setting that a platform's file gives; `environment` where the file tells."""

    platform: str
    name: str
    value: str
    environment: str
    line: int


class ManagedStore(Fact, frozen=True):
    """A database that the platform runs; `backups` as the file says, None where it does not.

    `fragile` tells what lets one command delete it together with its backups; `variable` is what decides
    on backups where a variable of Terraform does.
    """

    platform: str
    name: str
    backups: bool | None
    line: int
    fragile: str = ""
    variable: str = ""


class Variable(Fact, frozen=True):
    """A number or flag that Terraform is given: the default of a variable, or a line of a `.tfvars` file."""

    name: str
    value: str
    given: bool
    line: int


VOLUME = "Fly volume"
"""What keeps files, and a database only where that is one."""


class Staged(Fact, frozen=True):
    """Where a platform's file takes other values for another stage of the deployment."""

    name: str
    line: int


class Traced(Fact, frozen=True):
    """Metrics or traces that a platform's file turns on."""

    what: str
    line: int


class Alarm(Fact, frozen=True):
    """An alarm on failing responses or functions, which tells somebody."""

    what: str
    line: int


class HttpsOnly(Fact, frozen=True):
    """A platform or load balancer that sends plain HTTP on to HTTPS, or takes nothing else."""

    what: str
    line: int


class PushDeploy(Fact, frozen=True):
    """A platform that builds and starts what is pushed, without asking whether its tests pass.

    `branch` is the one that it follows, where the file says; `written` tells that the file says so, and
    not the platform's default alone.
    """

    platform: str
    branch: str
    written: bool
    line: int


class BuiltFrom(Fact, frozen=True):
    """The Dockerfile that a platform builds what it serves from, by the root of the tree or this file."""

    dockerfile: str
    line: int


@extracts(Kind.PLATFORM, name=r"procfile")
def procfile(source: Source) -> Iterator[Fact]:
    for number, line in enumerate(source.text.split("\n"), 1):
        if match := re.match(r"([A-Za-z0-9_-]+):\s*(\S.*)", line):
            yield Process("Procfile", match[1], match[2].strip(), "", number)


@extracts(Kind.PLATFORM, name=r"railway\.(?:json|toml)")
def railway(source: Source) -> Iterator[Fact]:
    read = read_json if source.name.endswith("json") else read_toml
    document = read(source.text)
    data = document.data
    if command := text_at(data, "deploy", "startCommand"):
        schedule = text_at(data, "deploy", "cronSchedule")
        yield Process("Railway", "web", command, schedule, document.line("startCommand"))
    if dockerfile := text_at(data, "build", "dockerfilePath"):
        yield BuiltFrom(dockerfile, document.line("dockerfilePath"))
    if path := text_at(data, "deploy", "healthcheckPath"):
        yield Probe("Railway", path, document.line("healthcheckPath"))
    if isinstance(at(data, "deploy"), dict):
        yield HttpsOnly("Railway", document.line("deploy"))
    for environment, settings in items(at(data, "environments")):
        for name, value in items(at(settings, "variables")):
            line = document.line(name)
            yield PlatformSetting("Railway", name, safe_value(name, str(value)), environment, line)


@extracts(Kind.PLATFORM, name=r"vercel\.json|now\.json")
def vercel(source: Source) -> Iterator[Fact]:
    document = read_json(source.text)
    for settings in (at(document.data, "env"), at(document.data, "build", "env")):
        for name, value in items(settings):
            line = document.line(name)
            yield PlatformSetting("Vercel", name, safe_value(name, str(value)), "", line)
    for cron in at(document.data, "crons") or ():
        line = document.line("crons")
        yield Process("Vercel", "cron", text_at(cron, "path"), text_at(cron, "schedule"), line)
    enabled = at(document.data, "git", "deploymentEnabled")
    branches = [b for b, on in items(enabled) if on is True] or [""] * (enabled is True)
    for (
        branch
    ) in branches:  # on where nothing says so, but only in a project that follows a repository
        yield PushDeploy("Vercel", branch, True, document.line("git"))
    if re.search(r"\.py\b|@vercel/python", source.text):  # else it is the front end that is there
        yield HttpsOnly("Vercel", 1)


@extracts(Kind.PLATFORM, name=r"render\.ya?ml")
def render(source: Source) -> Iterator[Fact]:
    for document in read_yaml(source.text):
        for index, service in enumerate(at(document.data, "services") or ()):
            line = document.line("services", index)
            name = text_at(service, "name")
            if command := text_at(service, "startCommand"):
                schedule = text_at(service, "schedule")
                yield Process("Render", name, command, schedule, line)
            if path := text_at(service, "healthCheckPath"):
                yield Probe("Render", path, document.line("services", index, "healthCheckPath"))
            if text_at(service, "type") == "web":
                yield HttpsOnly("Render", line)
            yield from _render_trigger(document, service, index)
            if dockerfile := text_at(service, "dockerfilePath"):
                below = f"{text_at(service, 'rootDir')}/{dockerfile}".lstrip("/")
                yield BuiltFrom(below, document.line("services", index, "dockerfilePath"))
            for number, setting in enumerate(at(service, "envVars") or ()):
                key = text_at(setting, "key")
                at_line = document.line("services", index, "envVars", number)
                if key and at(setting, "value") is not None:
                    value = safe_value(key, text_at(setting, "value"))
                    yield PlatformSetting("Render", key, value, "", at_line)
        for index, store in enumerate(at(document.data, "databases") or ()):
            free = text_at(store, "plan") == "free"
            line = document.line("databases", index)
            yield ManagedStore("Render PostgreSQL", text_at(store, "name"), not free, line)


def _render_trigger(document: Document, service: Any, index: int) -> Iterator[PushDeploy]:
    """Every commit is deployed unless the file says otherwise: https://render.com/docs/blueprint-spec."""
    runtime = text_at(service, "runtime") or text_at(service, "env")
    if text_at(service, "type") not in ("web", "worker", "pserv") or runtime in ("static", "image"):
        return
    for key in ("autoDeployTrigger", "autoDeploy"):
        said = at(service, key)
        if said is not None:
            if said in (True, "commit", "yes"):
                line = document.line("services", index, key)
                yield PushDeploy("Render", text_at(service, "branch"), True, line)
            return
    line = document.line("services", index)
    yield PushDeploy("Render", text_at(service, "branch"), False, line)


@extracts(Kind.PLATFORM, name=r"fly\.toml")
def fly(source: Source) -> Iterator[Fact]:
    document = read_toml(source.text)
    for name, command in items(at(document.data, "processes")):
        yield Process("Fly", name, str(command), "", document.line(name))
    services = [at(document.data, "http_service"), *_list(at(document.data, "services"))]
    for service in services:
        for check in [*_list(at(service, "checks")), *_list(at(service, "http_checks"))]:
            if path := text_at(check, "path"):
                yield Probe("Fly", path, document.line("path"))
        if at(service, "tcp_checks"):  # whether something listens, and no more
            yield Probe("Fly", "", document.line("tcp_checks"))
        ports = _list(at(service, "ports"))
        if any(at(each, "force_https") is True for each in (service, *ports)):
            yield HttpsOnly("Fly", document.line("force_https"))
    for check in _named_list(at(document.data, "checks")):
        if path := text_at(check, "path"):
            yield Probe("Fly", path, document.line("path"))
    if dockerfile := text_at(document.data, "build", "dockerfile"):
        yield BuiltFrom(dockerfile, document.line("dockerfile"))
    mounts = at(document.data, "mounts")
    for mount in mounts if isinstance(mounts, list) else [mounts] if mounts else []:
        # taken daily unless told not to: https://fly.io/docs/volumes/snapshots/
        kept = at(mount, "scheduled_snapshots") is not False
        yield ManagedStore(VOLUME, text_at(mount, "source"), kept, document.line("mounts"))
    for name, value in items(at(document.data, "env")):
        yield PlatformSetting("Fly", name, safe_value(name, str(value)), "", document.line(name))


@extracts(Kind.PLATFORM, name=r"app\.json")
def heroku(source: Source) -> Iterator[Fact]:
    document = read_json(source.text)
    for cron in _list(at(document.data, "cron")):  # Dokku's, in the same file
        command, schedule = text_at(cron, "command"), text_at(cron, "schedule")
        yield Process("app.json", "cron", command, schedule, document.line("cron"))
    for addon in _list(at(document.data, "addons")):
        plan = addon if isinstance(addon, str) else text_at(addon, "plan")
        if re.search(r"postgres|mongo|mysql|jawsdb|cleardb", plan):
            yield ManagedStore("Heroku", plan, None, document.line("addons"))


@extracts(Kind.PLATFORM, name=r"manifest.*\.ya?ml")
def cloud_foundry(source: Source) -> Iterator[Fact]:
    """https://docs.cloudfoundry.org/devguide/deploy-apps/manifest-attributes.html."""
    for document in read_yaml(source.text):
        for index, app in enumerate(_list(at(document.data, "applications"))):
            path: tuple[str | int, ...] = ("applications", index)
            processes = [(app, path)] + [
                (process, (*path, "processes", number))
                for number, process in enumerate(_list(at(app, "processes")))
            ]
            for process, where in processes:
                if command := text_at(process, "command"):
                    name = text_at(process, "type") or "web"
                    yield Process("Cloud Foundry", name, command, "", document.line(*where, "command"))  # fmt: skip
                if probe := text_at(process, "health-check-http-endpoint"):
                    line = document.line(*where, "health-check-http-endpoint")
                    yield Probe("Cloud Foundry", probe, line)
            for number, bound in enumerate(_list(at(app, "services"))):
                name = bound if isinstance(bound, str) else text_at(bound, "name")
                if re.search(
                    r"rds|postgres|mysql|mariadb|mongo|(?:^|-)(?:db|database)(?:-|$)", name
                ):
                    line = document.line(*path, "services", number)
                    yield ManagedStore("Cloud Foundry", name, None, line)
            for name, value in items(at(app, "env")):
                line = document.line(*path, "env", name)
                yield PlatformSetting("Cloud Foundry", name, safe_value(name, str(value)), "", line)


@extracts(Kind.PLATFORM, name=r"heroku\.ya?ml")
def heroku_yml(source: Source) -> Iterator[Fact]:
    """https://devcenter.heroku.com/articles/build-docker-images-heroku-yml."""
    for document in read_yaml(source.text):
        for name, run in items(at(document.data, "run")):
            command = run if isinstance(run, str) else text_at(run, "command")
            if command:
                yield Process("heroku.yml", name, command, "", document.line("run", name))


@extracts(Kind.PLATFORM, name=r"nixpacks\.toml")
def nixpacks(source: Source) -> Iterator[Fact]:
    document = read_toml(source.text)
    if command := text_at(document.data, "start", "cmd"):
        yield Process("Nixpacks", "web", command, "", document.line("cmd"))
    for name, value in items(at(document.data, "variables")):
        yield PlatformSetting("Nixpacks", name, safe_value(name, str(value)), "", document.line(name))  # fmt: skip


@extracts(Kind.PLATFORM, name=r"\.platform\.app\.ya?ml")
def platform_sh(source: Source) -> Iterator[Fact]:
    """https://docs.upsun.com/create-apps/app-reference.html."""
    for document in read_yaml(source.text):
        if command := text_at(document.data, "web", "commands", "start"):
            yield Process("Platform.sh", "web", command, "", document.line("web", "commands", "start"))  # fmt: skip
        for name, job in items(at(document.data, "crons")):
            command = text_at(job, "commands", "start") or text_at(job, "cmd")
            line = document.line("crons", name)
            yield Process("Platform.sh", name, f"{name} {command}", text_at(job, "spec"), line)


@extracts(Kind.PLATFORM, name=r"supervisord?\.conf")
def supervisor(source: Source) -> Iterator[Fact]:
    """https://supervisord.org/configuration.html#program-x-section-settings."""
    program = ""
    for number, line in enumerate(source.text.split("\n"), 1):
        if match := re.match(r"\[program:([^\]]+)\]", line):
            program = match[1]
        elif line.startswith("["):
            program = ""
        elif program and (match := re.match(r"command\s*=\s*(\S.*)", line)):
            yield Process("supervisor", program, match[1].strip(), "", number)


@extracts(Kind.PLATFORM, name=r"netlify\.toml")
def netlify(source: Source) -> Iterator[Fact]:
    document = read_toml(source.text)
    contexts = [("", at(document.data, "build", "environment"))]
    contexts += [
        (name, at(context, "environment")) for name, context in items(at(document.data, "context"))
    ]
    for context, settings in contexts:
        for name, value in items(settings):
            line = document.line(name)
            yield PlatformSetting("Netlify", name, safe_value(name, str(value)), context, line)


def _list(data: Any) -> list[Any]:
    return data if isinstance(data, list) else []


def _named_list(data: Any) -> list[Any]:
    """The entries of a list, or of a table by name."""
    return list(data.values()) if isinstance(data, dict) else _list(data)
