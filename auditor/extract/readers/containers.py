"""Dockerfiles and compose files.

https://docs.docker.com/reference/dockerfile/ and https://github.com/compose-spec/compose-spec.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from auditor.discover import Kind
from auditor.extract.facts import Fact
from auditor.extract.markup import Document, at, read_yaml, text_at
from auditor.extract.readers.proxies import traefik_labels
from auditor.extract.sensitive import is_sensitive, safe_value
from auditor.extract.source import Source, extracts


class Image(Fact, frozen=True):
    """What a Dockerfile builds: its last stage's base and user, health check and command.

    `environment` holds (name, value, line), those of the stages it builds upon included.
    """

    base: str
    user: str
    healthcheck: str
    command: str
    line: int
    command_line: int
    environment: list[tuple[str, str, int]]


class Service(Fact, frozen=True):
    """One service of a compose file; `environment` holds (name, value, line)."""

    name: str
    image: str
    command: str
    ports: list[str]
    environment: list[tuple[str, str, int]]
    literal_secrets: list[tuple[str, int]]
    healthcheck: str
    line: int
    replicas: int = 1
    limited_by: str = ""
    """The Traefik middleware that limits the rate of what it serves."""
    limited_path: str = ""


@dataclass
class _Stage:
    """One stage of a build, with what it takes over from the stage it builds upon."""

    base: str
    line: int
    user: str = ""
    healthcheck: str = ""
    entrypoint: str = ""
    command: str = ""
    command_line: int = 1
    environment: dict[str, tuple[str, int]] = field(default_factory=dict)

    def run(self, number: int, word: str, rest: str) -> None:
        match word:
            case "USER":
                self.user = rest.split(":")[0]
            case "HEALTHCHECK":
                self.healthcheck = "" if rest.upper().startswith("NONE") else rest
            case "ENTRYPOINT":
                self.entrypoint, self.command_line = _exec_form(rest), number
            case "CMD":
                self.command, self.command_line = _exec_form(rest), number
            case "ENV":
                for name, value in _pairs(rest):
                    self.environment[name] = (safe_value(name, value), number)


@extracts(Kind.DOCKERFILE)
def dockerfile(source: Source) -> Iterator[Fact]:
    """One image per file: the last stage is what runs."""
    stages: dict[str, _Stage] = {}
    stage: _Stage | None = None
    for number, word, rest in _instructions(source.text):
        if word == "FROM":
            words = re.sub(r"^(?:--\S+\s+)+", "", rest).split()
            base = words[0] if words else ""
            below = stages.get(base.lower())
            stage = _Stage(below.base if below else base, number)
            if below is not None:
                stage = replace(below, line=number, environment=dict(below.environment))
            if len(words) > 2:
                stages[words[2].lower()] = stage
        elif stage is not None:
            stage.run(number, word, rest)
    if stage is not None and stage.base:
        environment = [(name, value, line) for name, (value, line) in stage.environment.items()]
        yield Image(
            stage.base,
            stage.user,
            stage.healthcheck,
            f"{stage.entrypoint} {stage.command}".strip(),
            stage.line,
            stage.command_line,
            environment,
        )


_PAIR = re.compile(r"""([A-Za-z_]\w*)=("(?:[^"\\]|\\.)*"|'[^']*'|\S*)""")


def _pairs(rest: str) -> Iterator[tuple[str, str]]:
    """`ENV A=1 B="two words"`, and the old form `ENV A value`."""
    if re.match(r"[A-Za-z_]\w*=", rest):
        for name, value in _PAIR.findall(rest):
            yield name, value.strip("\"'")
    elif len(words := rest.split(None, 1)) == 2:
        yield words[0], words[1]


def _instructions(text: str) -> Iterator[tuple[int, str, str]]:
    """(line, INSTRUCTION, arguments), continued lines joined, comments left out."""
    start = 0
    parts: list[str] = []
    for number, raw in enumerate(text.split("\n"), 1):
        stripped = raw.strip()
        if stripped.startswith("#") or (not stripped and not parts):
            continue
        if not parts:
            start = number
        parts.append(stripped.removesuffix("\\").strip())
        if stripped.endswith("\\"):
            continue
        word, _, rest = " ".join(parts).partition(" ")
        yield start, word.upper(), rest.strip()
        parts = []


def _exec_form(text: str) -> str:
    if text.startswith("["):
        try:
            return " ".join(map(str, json.loads(text)))
        except ValueError:
            return text
    return text


@extracts(Kind.COMPOSE)
def compose(source: Source) -> Iterator[Fact]:
    for document in read_yaml(source.text):
        services = at(document.data, "services")
        for name in services if isinstance(services, dict) else ():
            if isinstance(services[name], dict):
                yield _service(document, str(name), services[name])


def _service(document: Document, name: str, data: dict[str, Any]) -> Service:
    environment = _environment(document, name, data.get("environment"))
    limit = traefik_labels(_labels(data.get("labels")) | _labels(at(data, "deploy", "labels")))
    replicas = at(data, "deploy", "replicas") or data.get("scale")
    return Service(
        name,
        str(data.get("image") or ""),
        text_at(data, "command") or text_at(data, "entrypoint"),
        [
            text_at(p, "published") if isinstance(p, dict) else str(p)
            for p in _list(data.get("ports"))
        ],
        [(key, safe_value(key, value), line) for key, value, line in environment],
        [
            (key, line)
            for key, value, line in environment
            if is_sensitive(key) and value and not value.startswith("$") and "${" not in value
        ],
        text_at(data, "healthcheck", "test"),
        document.line("services", name),
        replicas if isinstance(replicas, int) else 1,
        *(limit or ("", "")),
    )


def _labels(value: Any) -> dict[str, str]:
    if isinstance(value, dict):
        return {str(key): str(label) for key, label in value.items()}
    parts = (str(item).partition("=") for item in _list(value))
    return {key: label for key, _, label in parts}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _environment(document: Document, name: str, data: Any) -> list[tuple[str, str, int]]:
    found = []
    if isinstance(data, dict):
        for key, value in data.items():
            line = document.line("services", name, "environment", key)
            found.append((str(key), "" if value is None else str(value), line))
    for index, item in enumerate(_list(data)):
        key, _, value = str(item).partition("=")
        found.append((key, value, document.line("services", name, "environment", index)))
    return found
