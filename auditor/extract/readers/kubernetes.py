"""Kubernetes manifests, and Helm templates as far as they are YAML without their actions.

https://kubernetes.io/docs/reference/kubernetes-api/. A template's own lines are left out, what it would
fill in is a placeholder, and a block that it makes of its values is known to be there, not what it says.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from auditor.discover import Kind
from auditor.extract.facts import Fact
from auditor.extract.markup import Document, at, read_yaml, text_at
from auditor.extract.readers.platforms import PlatformSetting, Probe, Process
from auditor.extract.sensitive import safe_value
from auditor.extract.source import Source, Unreadable, extracts

FILLED = "filled-in"


class Workload(Fact, frozen=True):
    """One container of a workload. `root`, `limited`, `probed` are None where a template decides."""

    kind: str
    name: str
    image: str
    root: bool | None
    power: list[tuple[str, int]]
    limited: bool | None
    probed: bool | None
    replicas: int
    volumes: bool
    line: int


_WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet", "Pod", "ReplicaSet")
_BACKUPS = {
    "ScheduledBackup", "Schedule", "BackupSchedule", "PerconaServerMongoDBBackup", "VolumeSnapshotSchedule",
    "RecurringJob", "BackupPolicy", "MongoDBBackup",
}  # fmt: skip


@extracts(Kind.PLATFORM, name=r"(?!render|serverless|values|chart\.|manifest\.yml).+\.ya?ml")
def kubernetes(source: Source) -> Iterator[Fact]:
    text = source.text
    if "kind:" not in text:
        return
    if "{{" in text:
        text = rendered(text)
    try:
        documents = read_yaml(text)
    except Unreadable:
        if text is not source.text:
            return  # a template that is no YAML until it is rendered
        raise
    for document in documents:
        kind = text_at(document.data, "kind")
        name = text_at(document.data, "metadata", "name")
        line = document.line("kind")
        if kind == "CronJob":
            pod = at(document.data, "spec", "jobTemplate", "spec", "template", "spec")
            words = [
                f"{text_at(c, 'image')} {text_at(c, 'command')} {text_at(c, 'args')}"
                for c in _list(at(pod, "containers"))
            ]
            schedule = text_at(document.data, "spec", "schedule")
            if at(document.data, "spec", "suspend") is not True:
                yield Process("Kubernetes", name, f"{name} {' '.join(words)}", schedule, line)
        elif kind in _BACKUPS and text_at(document.data, "spec", "schedule"):
            schedule = text_at(document.data, "spec", "schedule")
            yield Process("Kubernetes", name, f"backup {kind} {name}", schedule, line)
        elif kind == "PostgresCluster" and at(document.data, "spec", "backups", "pgbackrest"):
            repositories = _list(at(document.data, "spec", "backups", "pgbackrest", "repos"))
            if any(at(each, "schedules") for each in repositories):
                yield Process("Kubernetes", name, f"pgbackrest {name}", "scheduled", line)
        elif kind in _WORKLOADS:
            yield from _workload(document, kind, name)
        elif kind == "ConfigMap":
            data = at(document.data, "data")
            for key, value in data.items() if isinstance(data, dict) else ():
                if isinstance(value, str | int) and "\n" not in str(value):
                    where = document.line("data", key)
                    yield PlatformSetting("Kubernetes", key, safe_value(key, str(value)), "", where)


def _workload(document: Document, kind: str, name: str) -> Iterator[Fact]:
    base: tuple[str | int, ...] = ("spec",) if kind == "Pod" else ("spec", "template", "spec")
    pod = at(document.data, *base)
    replicas = at(document.data, "spec", "replicas")
    for index, container in enumerate(_list(at(pod, "containers"))):
        where = (*base, "containers", index)
        title = text_at(container, "name") or name
        line = document.line(*where)
        command = f"{text_at(container, 'command')} {text_at(container, 'args')}".strip()
        if command:
            yield Process("Kubernetes", title, command, "", line)
        probed = False
        for probe in ("livenessProbe", "readinessProbe", "startupProbe"):
            told = at(container, probe)
            probed = probed or bool(told)
            target = text_at(told, "httpGet", "path") or text_at(told, "exec", "command")
            if target:  # what a template fills in is asked, too: at a path that nobody can tell
                target = "" if FILLED in target else target
                yield Probe(f"Kubernetes {probe}", target, document.line(*where, probe))
        for number, setting in enumerate(_list(at(container, "env"))):
            key, value = text_at(setting, "name"), at(setting, "value")
            if key and isinstance(value, str | int) and FILLED not in str(value):
                place = document.line(*where, "env", number)
                yield PlatformSetting("Kubernetes", key, safe_value(key, str(value)), "", place)
        limits = at(container, "resources")
        yield Workload(
            kind,
            title,
            text_at(container, "image"),
            _root(at(pod, "securityContext"), at(container, "securityContext")),
            list(_power(document, pod, container, base, where)),
            None if FILLED in str(limits) else bool(at(limits, "limits", "memory")),
            probed,
            replicas if isinstance(replicas, int) else 1,
            bool(at(container, "volumeMounts")),
            line,
        )


def _root(pod: Any, own: Any) -> bool | None:
    """False where a user other than root is demanded, True where root is; None where nothing tells."""
    for context in (own, pod):
        if at(context, "runAsNonRoot") is True:
            return False
        user = at(context, "runAsUser")
        if isinstance(user, int):
            return user == 0
    return None


def _power(
    document: Document,
    pod: Any,
    container: Any,
    base: tuple[str | int, ...],
    where: tuple[str | int, ...],
) -> Iterator[tuple[str, int]]:
    """https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline."""
    if at(container, "securityContext", "privileged") is True:
        yield "privileged: true", document.line(*where, "securityContext", "privileged")
    for key in ("hostNetwork", "hostPID", "hostIPC"):
        if at(pod, key) is True:
            yield f"{key}: true", document.line(*base, key)
    for index, volume in enumerate(_list(at(pod, "volumes"))):
        path = text_at(volume, "hostPath", "path")
        if path.endswith("docker.sock"):
            yield "the Docker socket", document.line(*base, "volumes", index)


_ACTION = re.compile(r"\{\{-?[^{}]*-?\}\}")
_ONLY = re.compile(r"^(\s*)(?:-\s+)?(?:\{\{[^{}]*\}\}\s*)+$")


def rendered(text: str) -> str:
    """A template without its actions, line for line."""
    lines = []
    for line in text.split("\n"):
        if "{{" in line and (match := _ONLY.match(line)):
            indent = re.search(r"nindent\s+(\d+)", line)
            spaces = " " * int(indent[1][:2]) if indent else match[1]
            keeps = re.search(r"toYaml|include|tpl", line)
            lines.append(f"{spaces}{FILLED}: {FILLED}" if keeps and indent else "")
        else:
            lines.append(_ACTION.sub(FILLED, line))
    return "\n".join(lines)


def _list(data: Any) -> list[Any]:
    return data if isinstance(data, list) else []
