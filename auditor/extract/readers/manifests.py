"""Dependency manifests and lock files.

pip's requirements file format, PEP 508/621/735, Poetry, Pipfile, package.json. Nothing is resolved
or installed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from auditor.discover import Kind
from auditor.extract.facts import Fact
from auditor.extract.markup import Document, at, read_json, read_toml
from auditor.extract.source import Source, extracts


class Dependency(Fact, frozen=True):
    """One declared dependency. `exact` when only one version fits; `group` is "" for production."""

    name: str
    specifier: str
    exact: str
    ecosystem: str
    group: str
    line: int


class LockFile(Fact, frozen=True):
    """A file that fixes the version of everything that is installed."""

    tool: str
    ecosystem: str


@extracts(Kind.MANIFEST, name=r".*\.(?:txt|in)")
def requirements(source: Source) -> Iterator[Fact]:
    group = "dev" if re.search(r"dev|test|lint|docs", source.name, re.I) else ""
    lines = source.text.split("\n")
    for number, raw in enumerate(lines, 1):
        text = re.sub(r"(?:^|\s)#.*$", "", raw).strip().removesuffix("\\").strip()
        text = re.split(r"\s--hash", text)[0].strip()
        if not text or text.startswith(("-", "git+", "http", ".", "/")):
            continue
        if found := _python(text, group, number):
            yield found


def _python(text: str, group: str, line: int) -> Dependency | None:
    try:
        parsed = Requirement(text)
    except InvalidRequirement:
        return None
    exact = [
        s.version for s in parsed.specifier if s.operator in ("==", "===") and "*" not in s.version
    ]
    return Dependency(
        canonicalize_name(parsed.name),
        str(parsed.specifier),
        exact[0] if exact else "",
        "pypi",
        group,
        line,
    )


@extracts(Kind.MANIFEST, name=r"pyproject\.toml")
def pyproject(source: Source) -> Iterator[Fact]:
    document = read_toml(source.text)
    yield from _project(document)
    poetry = at(document.data, "tool", "poetry")
    yield from _poetry(document, at(poetry, "dependencies"), "")
    yield from _poetry(document, at(poetry, "dev-dependencies"), "dev")
    for name, group in _items(at(poetry, "group")):
        yield from _poetry(document, at(group, "dependencies"), name)


def _project(document: Document) -> Iterator[Fact]:
    listed: list[tuple[str, Any]] = [("", at(document.data, "project", "dependencies"))]
    listed += _items(at(document.data, "project", "optional-dependencies"))
    listed += _items(at(document.data, "dependency-groups"))
    for group, texts in listed:
        for text in texts if isinstance(texts, list) else ():
            if isinstance(text, str) and (found := _python(text, group, _line(document, text))):
                yield found


def _line(document: Document, text: str) -> int:
    at = document.text.find(text)
    return document.text.count("\n", 0, at) + 1 if at >= 0 else 1


def _poetry(document: Document, table: Any, group: str) -> Iterator[Fact]:
    for name, value in _items(table):
        if name == "python":
            continue
        version = value if isinstance(value, str) else str(at(value, "version") or "")
        exact = version.lstrip("=") if re.fullmatch(r"={0,2}\d[\w.]*", version) else ""
        line = document.line(name)
        yield Dependency(canonicalize_name(name), version, exact, "pypi", group, line)


@extracts(Kind.MANIFEST, name=r"pipfile")
def pipfile(source: Source) -> Iterator[Fact]:
    document = read_toml(source.text)
    for table, group in (("packages", ""), ("dev-packages", "dev")):
        yield from _poetry(document, at(document.data, table), group)


@extracts(Kind.MANIFEST, name=r"package\.json")
def package_json(source: Source) -> Iterator[Fact]:
    document = read_json(source.text)
    for table, group in (("dependencies", ""), ("devDependencies", "dev")):
        for name, version in _items(at(document.data, table)):
            text = str(version)
            exact = text if re.fullmatch(r"\d+\.\d+\.\d+\S*", text) else ""
            yield Dependency(name, text, exact, "npm", group, document.line(name))


@extracts(Kind.LOCK)
def lock(source: Source) -> Iterator[Fact]:
    python = source.name.lower() in (
        "poetry.lock",
        "uv.lock",
        "pdm.lock",
        "pipfile.lock",
        "pylock.toml",
    )
    if len(source.data) > 200:  # an empty one locks nothing
        yield LockFile(source.name, "pypi" if python else "npm")


def _items(data: Any) -> list[tuple[str, Any]]:
    return list(data.items()) if isinstance(data, dict) else []
