"""Lock files of Python's package managers: poetry.lock, uv.lock, pdm.lock, pylock.toml, Pipfile.lock.

https://packaging.python.org/en/latest/specifications/pylock-toml/ and the managers' documentation.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from packaging.utils import canonicalize_name

from auditor.discover import Kind
from auditor.extract.facts import Fact
from auditor.extract.markup import at, read_json, read_toml
from auditor.extract.packages import PYPI, Locked, LockFile, Runtime, index_origin
from auditor.extract.source import Source, extracts

_ENTRY = re.compile(r"^[ \t]*\[\[[ \t]*packages?[ \t]*\]\]", re.M)


@extracts(Kind.LOCK, name=r"(?:poetry|uv|pdm)\.lock|pylock(?:\.[\w-]+)?\.toml")
def toml_lock(source: Source) -> Iterator[Fact]:
    document = read_toml(source.text)
    data = document.data
    entries = at(data, "package") or at(data, "packages") or []
    starts = [match.start() for match in _ENTRY.finditer(source.text)]
    line, scanned = 1, 0
    if isinstance(version := at(data, "requires-python"), str):
        yield Runtime("python", version, document.line("requires-python"))
    count = 0
    for number, entry in enumerate(entries if isinstance(entries, list) else ()):
        if number < len(starts):
            line += source.text.count("\n", scanned, starts[number])
            scanned = starts[number]
        if found := _entry(entry, line):
            count += 1
            yield found
    if count or not entries:
        yield LockFile(source.name, PYPI, _members(entries))


def _members(entries: Any) -> list[str]:
    """uv names the projects of its workspace; the others hold the project beside them."""
    found = {"."}
    for entry in entries if isinstance(entries, list) else ():
        for key in ("virtual", "editable"):
            if isinstance(folder := at(entry, "source", key), str):
                found.add(folder)
    return sorted(found)


def _entry(entry: Any, line: int) -> Locked | None:
    """One package; None for the project itself and for what has no version."""
    name, version = at(entry, "name"), at(entry, "version")
    origin = _origin(entry)
    if not isinstance(name, str) or not isinstance(version, str) or origin is None:
        return None
    return Locked(
        canonicalize_name(name),
        version,
        PYPI,
        _group(entry),
        line,
        sorted(_requires(entry)),
        origin,
    )


def _origin(entry: Any) -> str | None:
    """Where a package comes from; None for the project that the lock file belongs to."""
    source = at(entry, "source")
    if isinstance(source, dict):
        if source.keys() & {"virtual", "editable"}:
            return None
        kind = source.get("type")
        if "git" in source or kind == "git":
            return "vcs"
        if source.keys() & {"path", "directory"} or kind in ("directory", "file"):
            return "path"
        if kind == "url" or (kind is None and "url" in source):
            return "url"
        if kind in ("legacy", None):
            return index_origin(str(source.get("registry") or source.get("url") or ""))
    for key, origin in (("vcs", "vcs"), ("git", "vcs"), ("directory", "path"), ("path", "path"),
                        ("archive", "url"), ("url", "url")):  # fmt: skip
        if at(entry, key):
            return None if at(entry, "path") == "." or at(entry, "editable") else origin
    return index_origin(str(at(entry, "index") or ""))


def _group(entry: Any) -> str | None:
    groups = at(entry, "groups")
    if isinstance(groups, list) and groups:
        production = {"main", "default"}.intersection(str(g) for g in groups)
        return "" if production else str(groups[0])
    category = at(entry, "category")
    if isinstance(category, str):
        return "" if category == "main" else category
    return None


def _requires(entry: Any) -> set[str]:
    """Names that it depends on: a table (Poetry), a list of tables (uv, pylock) or of texts (PDM)."""
    found = at(entry, "dependencies")
    names: list[Any] = list(found) if isinstance(found, dict) else []
    for item in found if isinstance(found, list) else ():
        names.append(at(item, "name") if isinstance(item, dict) else item)
    for extra in (
        (at(entry, "optional-dependencies") or {}).values()
        if isinstance(at(entry, "optional-dependencies"), dict)
        else ()
    ):
        names += [at(item, "name") for item in extra] if isinstance(extra, list) else []
    matches = (re.match(r"[A-Za-z0-9][\w.-]*", name) for name in names if isinstance(name, str))
    return {canonicalize_name(match[0]) for match in matches if match}


@extracts(Kind.LOCK, name=r"pipfile\.lock")
def pipfile_lock(source: Source) -> Iterator[Fact]:
    document = read_json(source.text)
    lines = key_lines(source.text)
    sources = at(document.data, "_meta", "sources")
    public = not isinstance(sources, list) or not any(
        index_origin(str(at(each, "url") or "")) for each in sources
    )
    known = False
    for table, group in (("default", ""), ("develop", "dev")):
        packages = at(document.data, table)
        for name, entry in packages.items() if isinstance(packages, dict) else ():
            version = str(at(entry, "version") or "").lstrip("=")
            origin = "vcs" if at(entry, "git") else "path" if at(entry, "path") else ""
            origin = origin or ("" if public or at(entry, "index") == "pypi" else "index")
            known = True
            if version:
                yield Locked(
                    canonicalize_name(name), version, PYPI, group, lines.get(name, 1), [], origin
                )
    if known:
        yield LockFile(source.name, PYPI, ["."])


_KEY = re.compile(r'^[ \t]*"([^"\\]+)"[ \t]*:[ \t]*\{', re.M)


def key_lines(text: str) -> dict[str, int]:
    """The line of each key of a JSON file that holds a table; of the first where several do."""
    found: dict[str, int] = {}
    line, scanned = 1, 0
    for match in _KEY.finditer(text):
        line += text.count("\n", scanned, match.start(1))
        scanned = match.start(1)
        found.setdefault(match[1], line)
    return found
