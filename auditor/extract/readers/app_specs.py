"""Application specifications of DigitalOcean's App Platform and Google's App Engine.

https://docs.digitalocean.com/products/app-platform/reference/app-spec/ and
https://docs.cloud.google.com/appengine/docs/standard/reference/app-yaml: both are called app.yaml and told apart
by their keys. A production database of App Platform is a managed cluster, which is backed up every
day; a development database is not. App Platform itself sends plain HTTP on to HTTPS.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from auditor.discover import Kind
from auditor.extract.facts import Fact
from auditor.extract.markup import Document, at, read_yaml, text_at
from auditor.extract.readers.platforms import (
    BuiltFrom,
    HttpsOnly,
    ManagedStore,
    Probe,
    Process,
    PushDeploy,
)
from auditor.extract.source import Source, extracts

_STARTED = ("services", "workers", "jobs", "functions")
_DATABASES = {"PG": "PostgreSQL", "MYSQL": "MySQL", "MONGODB": "MongoDB"}


@extracts(Kind.PLATFORM, name=r".*app.*\.ya?ml|.*spec.*\.ya?ml")
def digitalocean(source: Source) -> Iterator[Fact]:
    if "{{" in source.text:
        return  # a chart's template
    for document in read_yaml(source.text):
        below: tuple[str | int, ...] = ("spec",) if at(document.data, "spec", "services") else ()
        spec = at(document.data, *below)
        if at(spec, "kind") or not any(isinstance(at(spec, key), list) for key in _STARTED):
            continue
        yield HttpsOnly("DigitalOcean App Platform", document.line(*below, "services"))
        for key in _STARTED:
            for index, component in enumerate(_list(at(spec, key))):
                yield from _component(document, component, (*below, key, index))
        for index, store in enumerate(_list(at(spec, "databases"))):
            engine = _DATABASES.get(text_at(store, "engine").upper(), "")
            if engine:
                name = f"DigitalOcean {engine}"
                line = document.line(*below, "databases", index)
                backups = at(store, "production") is True or bool(at(store, "cluster_name"))
                yield ManagedStore(name, text_at(store, "name"), backups, line)


def _component(document: Document, component: Any, path: tuple[str | int, ...]) -> Iterator[Fact]:
    name = text_at(component, "name")
    schedule = text_at(component, "schedule", "cron")
    if command := text_at(component, "run_command"):
        yield Process("DigitalOcean", name, command, schedule, document.line(*path))
    if dockerfile := text_at(component, "dockerfile_path"):
        yield BuiltFrom(dockerfile, document.line(*path, "dockerfile_path"))
    for key in ("github", "gitlab", "bitbucket"):
        if at(component, key, "deploy_on_push") is True:
            line = document.line(*path, key, "deploy_on_push")
            yield PushDeploy("DigitalOcean", text_at(component, key, "branch"), True, line)
    for key in ("health_check", "liveness_health_check"):
        if probe := text_at(component, key, "http_path"):
            yield Probe("DigitalOcean", probe, document.line(*path, key))


@extracts(Kind.PLATFORM, name=r"app(?:[-_.].+)?\.ya?ml")
def app_engine(source: Source) -> Iterator[Fact]:
    for document in read_yaml(source.text) if "runtime:" in source.text else ():
        data = document.data
        if not isinstance(data, dict) or not text_at(data, "runtime") or "services" in data:
            continue
        if command := text_at(data, "entrypoint"):
            yield Process("App Engine", "web", command, "", document.line("entrypoint"))
        for key in ("liveness_check", "readiness_check"):
            if path := text_at(data, key, "path"):
                yield Probe("App Engine", path, document.line(key))
        handlers = _list(data.get("handlers"))
        if handlers and all(at(each, "secure") == "always" for each in handlers):
            yield HttpsOnly("App Engine", document.line("handlers"))


@extracts(Kind.PLATFORM, name=r"cron\.ya?ml")
def app_engine_cron(source: Source) -> Iterator[Fact]:
    """https://docs.cloud.google.com/appengine/docs/standard/scheduling-jobs-with-cron-yaml: paths that are called."""
    for document in read_yaml(source.text) if source.text.startswith("cron:") or "\ncron:" in source.text else ():  # fmt: skip
        for index, job in enumerate(_list(at(document.data, "cron"))):
            url, schedule = text_at(job, "url"), text_at(job, "schedule")
            if url and schedule:
                words = f"{url} {text_at(job, 'description')}".strip()
                yield Process("App Engine", "cron", words, schedule, document.line("cron", index))


def _list(data: Any) -> list[Any]:
    return data if isinstance(data, list) else []
