"""Settings that files of deployments and pipelines give to what they start.

GitHub Actions, GitLab CI, CircleCI, Kubernetes manifests, Helm values and templates, Render,
Netlify, Vercel, Fly, Serverless, Heroku's app.json: all of them write them as a mapping or as a list
of names with values, under a key that speaks of the environment.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import re2

from auditor.discover import Kind
from auditor.engines import OPTIONS
from auditor.extract.facts import Fact
from auditor.extract.markup import Document, read_json, read_toml, read_yaml, text_at
from auditor.extract.sensitive import is_placeholder, safe_value
from auditor.extract.source import Source, Unreadable, extracts


class GivenSetting(Fact, frozen=True):
    """A setting of what is started; `value` is empty where it is secret, or kept elsewhere.

    `elsewhere` tells that the value comes from a store of secrets or is typed in at the platform;
    `environment` is what the file says around it, or empty.
    """

    name: str
    value: str
    elsewhere: bool
    placeholder: bool
    environment: str
    line: int


class Interpolated(Fact, frozen=True):
    """A setting that a file of a deployment, or a script, takes up: `${PORT}:80`, `{$DOMAIN} {`."""

    name: str


_TAKES = re2.compile(r"\$[({]?([A-Z][A-Z0-9_]{1,60})\b", OPTIONS)


@extracts(Kind.COMPOSE, Kind.PROXY, Kind.PLATFORM, Kind.DOCKERFILE)
@extracts(Kind.TEXT, name=r".+\.(?:ba)?sh")
def taken_up(source: Source) -> Iterator[Interpolated]:
    """But for what is handed on under its own name: `PORT: ${PORT}`, `ENV PORT=$PORT`."""
    seen = set()
    for line in source.text.split("\n"):
        for match in _TAKES.finditer(line) if "$" in line else ():
            name, before = match[1], line[: match.start()]
            if name not in seen and not re.search(rf"\b{name}[\"']?\s*[:=]\s*[\"']?$", before):
                seen.add(name)
                yield Interpolated(name)


_GIVES = re.compile(
    r"(?i)^(?:envs?|environment|environments?|environment_?variables|env_?vars|env_?variables|extra_?env(?:_?vars)?|variables|vars|environmentSecrets|data|stringData|config_?(?:map|env|data)?|secrets?(?:_?(?:env|data|values))?)$"
)
_OF_DEPLOYMENTS = {"name", "url", "action", "on_stop", "auto_stop_in", "deployment_tier"}
"""What a pipeline's job says of the `environment` that it deploys to."""
_DECLARES = {"inputs", "outputs", "parameters"}
"""What a pipeline takes: an input may be called `environment`."""
_CAPITALS_ONLY = re.compile(r"(?i)^(?:data|stringData|config\w*|secrets?\w*|variables|vars)$")
"""Keys that hold more than settings: only names in capitals are."""
_CAPITALS = re.compile(r"[A-Z][A-Z0-9_]{1,100}")
_NAME = re.compile(r"^[A-Za-z_][A-Za-z0-9_]{1,100}$")
_ELSEWHERE = re.compile(
    r"\$\{\{\s*(?:secrets|vars)\.|\$\{ssm:|\$\{env:|^@|\$\{[A-Z_]+\}|^\$[A-Z_]+$|\{\{"
)
_REFERRING = {"valueFrom", "sync", "generateValue", "fromDatabase", "fromService", "fromGroup", "secretKeyRef", "generator"}  # fmt: skip


@extracts(Kind.PLATFORM, Kind.WORKFLOW)
def given(source: Source) -> Iterator[Fact]:
    if re.fullmatch(r"railway\.(?:json|toml)", source.name.lower()):
        return  # it holds no settings but those of its environments: https://docs.railway.com/config-as-code/reference
    try:
        documents = _documents(source)
    except Unreadable:
        yield from _template(source.text)  # a Helm template is no YAML until it is rendered
        return
    inside = "test" if source.kind is Kind.WORKFLOW else ""
    for document in documents:
        kind = text_at(document.data, "kind")
        yield from _blocks(document, document.data, (), inside, kind in ("ConfigMap", "Secret"), 0)


def _documents(source: Source) -> list[Document]:
    name = source.name.lower()
    if re.search(r"\.ya?ml$", name):
        return read_yaml(source.text)
    if name.endswith(".json"):
        return [read_json(source.text)]
    return [read_toml(source.text)] if name.endswith(".toml") else []


def _blocks(
    document: Document,
    data: Any,
    path: tuple[str | int, ...],
    inside: str,
    manifest: bool,
    depth: int,
) -> Iterator[GivenSetting]:
    """What every block of settings below `data` gives."""
    if depth > 40:
        return
    items: list[tuple[str | int, Any]] = []
    if isinstance(data, dict):
        items = [(str(key), value) for key, value in data.items()]
    elif isinstance(data, list):
        items = list(enumerate(data))
    for key, value in items:
        here = (*path, key)
        if (
            isinstance(key, str)
            and _GIVES.match(key)
            and not (inside == "test" and re.match(r"(?i)secret|config", key))
            and not (inside == "test" and path and path[-1] in _DECLARES)
            and (manifest or key not in ("data", "stringData"))
            and not (inside == "test" and text_at(value, "name") and set(value) <= _OF_DEPLOYMENTS)
        ):
            told = _told(path) or inside
            yield from _settings(
                document,
                value,
                here,
                told,
                secret=key == "data" and text_at(document.data, "kind") == "Secret",
            )
        if isinstance(value, dict | list):
            yield from _blocks(document, value, here, _told(here) or inside, manifest, depth + 1)


def _told(path: tuple[str | int, ...]) -> str:
    """The environment that a key names: Netlify's contexts, Railway's environments."""
    for part in path[-2:]:
        if isinstance(part, str) and re.fullmatch(r"production|staging|preview|development", part):
            return "staging" if part == "preview" else part
    return ""


def _settings(
    document: Document, data: Any, path: tuple[str | int, ...], environment: str, secret: bool
) -> Iterator[GivenSetting]:
    pairs: list[tuple[str, Any, bool, int]] = []
    if isinstance(data, dict):
        for name, value in data.items():
            told = isinstance(value, dict)  # app.json: {"value": …}; Serverless: {"Ref": …}
            plain = value.get("value") if told else value
            line = document.line(*path, str(name))
            pairs.append((str(name), plain, (told and plain is None) or secret, line))
    for index, item in enumerate(data if isinstance(data, list) else ()):
        line = document.line(*path, index)
        if isinstance(item, dict):
            name = text_at(item, "name") or text_at(item, "key")
            elsewhere = bool(_REFERRING.intersection(item)) and item.get("value") is None
            pairs.append((name, item.get("value"), elsewhere, line))
        elif isinstance(item, str) and "=" in item:
            name, _, value = item.partition("=")
            pairs.append((name, value, False, line))
    strict = _CAPITALS_ONLY.match(str(path[-1])) is not None
    for name, value, elsewhere, line in pairs:
        if not _NAME.match(name) or isinstance(value, dict | list):
            continue
        if _GIVES.match(name) and name != name.upper():
            continue  # `Environment: Variables: …` of CloudFormation
        if strict and not _CAPITALS.fullmatch(name):
            continue
        text = "" if value is None else str(value)
        away = elsewhere or bool(_ELSEWHERE.search(text))
        shown = "" if away else safe_value(name, text)
        yield GivenSetting(name, shown, away, not away and is_placeholder(text), environment, line)


_MAPPED = re.compile(r"\s+[\"']?([A-Z][A-Z0-9_]{1,100})[\"']?:\s*(.*)$")
_ITEM = re.compile(r"\s*-\s*name:\s*[\"']?([A-Z][A-Z0-9_]{1,100})[\"']?\s*$")


def _template(text: str) -> Iterator[GivenSetting]:
    """`- name: X` with what follows, in a template."""
    lines = text.split("\n")
    maps = re.search(r"(?m)^kind:\s*(?:ConfigMap|Secret)\b", text) is not None
    for number, line in enumerate(lines):
        if maps and (match := _MAPPED.match(line)):
            value = match[2].strip().strip("\"'")
            away = "{{" in value or "kind: Secret" in text
            shown = "" if away else safe_value(match[1], value)
            yield GivenSetting(match[1], shown, away, False, "", number + 1)
    for number, line in enumerate(lines[:-1]):
        if match := _ITEM.match(line):
            following = lines[number + 1].strip()
            value = following.removeprefix("value:").strip().strip("\"'")
            plain = following.startswith("value:") and "{{" not in value
            shown = safe_value(match[1], value) if plain else ""
            yield GivenSetting(match[1], shown, not plain, False, "", number + 1)
