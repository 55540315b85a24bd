"""package.json and the lock files of npm, Yarn and pnpm.

https://docs.npmjs.com/cli/configuring-npm/package-json and package-lock-json (versions 1 to 3),
https://classic.yarnpkg.com/lang/en/docs/yarn-lock/, https://yarnpkg.com/, https://pnpm.io/git#lockfiles.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from auditor.discover import Kind
from auditor.extract.facts import Fact
from auditor.extract.markup import Document, at, items, read_json, read_yaml
from auditor.extract.packages import (
    NPM,
    Dependency,
    Locked,
    LockFile,
    Project,
    Runtime,
    index_origin,
)
from auditor.extract.readers.python_locks import key_lines
from auditor.extract.source import Source, Unreadable, extracts

_EXACT = re.compile(r"[v=]*(\d+\.\d+\.\d+\S*)")
_MAX_LEVELS = 60


@extracts(Kind.MANIFEST, name=r"package\.json")
def package_json(source: Source) -> Iterator[Fact]:
    document = read_json(source.text)
    node = at(document.data, "engines", "node")
    if isinstance(node, str):
        yield Runtime("node", node, document.line("node"))
    if isinstance(name := at(document.data, "name"), str):
        yield Project(name, NPM)
    overridden = {
        name.rpartition("/")[2] if not name.startswith("@") else name
        for place in (("overrides",), ("resolutions",), ("pnpm", "overrides"))
        for name, _ in items(at(document.data, *place))
    }
    tables = (("dependencies", ""), ("optionalDependencies", ""), ("devDependencies", "dev"))
    for table, group in tables:
        for name, value in items(at(document.data, table)):
            specifier, origin = _declared(str(value))
            if name in overridden and not origin:
                specifier = ""  # something else decides
            exact = _EXACT.fullmatch(specifier)
            version = exact[1] if exact else ""
            yield Dependency(name, specifier, version, NPM, group, document.line(name), origin)


def _declared(text: str) -> tuple[str, str]:
    """(specifier, origin) of a dependency's value."""
    if text.startswith("npm:"):
        return "", "alias"
    if re.match(r"(?:file|link|portal|workspace|catalog):|\.{0,2}/", text):
        return "", "path"
    if re.match(r"git[+:@]|github:|gitlab:|bitbucket:|[\w.-]+/[\w.-]+(?:#|$)", text):
        return "", "vcs"
    if text.startswith(("http:", "https:")):
        return "", "url"
    return text, ""


@extracts(Kind.LOCK, name=r"package-lock\.json|npm-shrinkwrap\.json")
def package_lock(source: Source) -> Iterator[Fact]:
    data = read_json(source.text).data
    lines = key_lines(source.text)
    packages = at(data, "packages")
    members = ["."]
    if isinstance(packages, dict):
        yield from _by_path(packages, lines)
        members = sorted({path or "." for path in packages if "node_modules/" not in path})
    else:
        yield from _nested(at(data, "dependencies"), lines, 0)
    yield LockFile(source.name, NPM, members)


def _by_path(packages: dict[str, Any], lines: dict[str, int]) -> Iterator[Locked]:
    """Versions 2 and 3: every installed folder with what lies in it."""
    for path, entry in packages.items():
        version = at(entry, "version")
        if not path.rpartition("node_modules/")[1] or not isinstance(version, str):
            continue
        name = str(at(entry, "name") or path.rpartition("node_modules/")[2])
        origin = "path" if at(entry, "link") else _resolved(entry)
        group = "dev" if at(entry, "dev") else ""
        requires = sorted({*_names(entry, "dependencies"), *_names(entry, "optionalDependencies")})
        yield Locked(name, version, NPM, group, lines.get(path, 1), requires, origin)


def _nested(table: Any, lines: dict[str, int], level: int) -> Iterator[Locked]:
    """Version 1: a tree of tables."""
    if level > _MAX_LEVELS:
        raise Unreadable("nested too deeply")
    for name, entry in items(table):
        version = at(entry, "version")
        if isinstance(version, str):
            plain = re.fullmatch(r"(?:npm:(?:@?[^@]+)@)?(\d\S*)", version)
            origin = _resolved(entry) if plain else "vcs"
            group = "dev" if at(entry, "dev") else ""
            text = plain[1] if plain else version
            requires = sorted(_names(entry, "requires"))
            yield Locked(name, text, NPM, group, lines.get(name, 1), requires, origin)
        yield from _nested(at(entry, "dependencies"), lines, level + 1)


def _names(entry: Any, key: str) -> set[str]:
    return {name for name, _ in items(at(entry, key))}


def _resolved(entry: Any) -> str:
    url = at(entry, "resolved")
    if not isinstance(url, str):
        return ""
    if url.startswith(("git+", "git:", "git@")):
        return "vcs"
    return "path" if url.startswith("file:") else index_origin(url)


# --- Yarn

_HEADER = re.compile(r"^(\S.*):\s*$")


@extracts(Kind.LOCK, name=r"yarn\.lock")
def yarn_lock(source: Source) -> Iterator[Fact]:
    members = None
    if re.search(r"^__metadata:", source.text, re.M):
        (document, *_) = read_yaml(source.text)
        yield from _berry(document)
        members = _workspaces(document.data)
    else:
        yield from _classic(source.text)
    yield LockFile(source.name, NPM, members)


def _classic(text: str) -> Iterator[Locked]:
    """Entries headed by what they serve (`"a@^1", a@^1.2:`), indented by two spaces a level."""
    name, line, entry, table = "", 0, dict[str, str](), ""
    requires: list[str] = []
    for number, raw in enumerate([*text.split("\n"), "end:"], 1):
        if not raw.strip() or raw.startswith("#"):
            continue
        if match := _HEADER.match(raw):
            if name and "version" in entry:
                origin = index_origin(entry.get("resolved", ""))
                yield Locked(name, entry["version"], NPM, None, line, sorted(requires), origin)
            name, line, entry, requires = _served(match[1]), number, {}, []
        elif raw.startswith("    "):
            if table in ("dependencies", "optionalDependencies"):
                requires.append(_unquoted(raw.split()[0]))
        else:
            words = raw.split(None, 1)
            table = words[0].rstrip(":")
            if len(words) == 2:
                entry[table] = _unquoted(words[1].strip())


def _served(header: str) -> str:
    """The package's name in `"@scope/name@^1.0", "@scope/name@^1.2"`."""
    first = _unquoted(header.split(",")[0].strip())
    name, _, wanted = first[1:].partition("@")
    alias = re.match(r"npm:(@?[^@]+)@", wanted)
    return alias[1] if alias else first[:1] + name


def _unquoted(text: str) -> str:
    return text.strip('"')


def _workspaces(data: Any) -> list[str]:
    resolutions = (str(at(entry, "resolution") or "") for _, entry in items(data))
    return sorted(
        {r.partition("@workspace:")[2] for r in resolutions if "@workspace:" in r} | {"."}
    )


def _berry(document: Document) -> Iterator[Locked]:
    for key, entry in items(document.data):
        resolution = re.match(r"(@?[^@]+)@(\w+):(.*)", str(at(entry, "resolution") or ""), re.S)
        version = str(at(entry, "version") or "")
        if key == "__metadata" or resolution is None or resolution[2] == "workspace":
            continue
        origins = {"npm": "", "patch": ""}
        origin = origins.get(resolution[2], "vcs" if "git" in resolution[3] else "path")
        requires = sorted(_names(entry, "dependencies"))
        yield Locked(resolution[1], version, NPM, None, document.line(key), requires, origin)


# --- pnpm


@extracts(Kind.LOCK, name=r"pnpm-lock\.yaml")
def pnpm_lock(source: Source) -> Iterator[Fact]:
    """Versions 5 to 9; from 9 on `snapshots` hold what a package requires."""
    for document in read_yaml(source.text)[-1:]:
        snapshots: dict[str, set[str]] = {}
        for key, entry in items(at(document.data, "snapshots")):
            name, version = _pnpm_key(key)
            snapshots.setdefault(f"{name}@{version}", set()).update(_pnpm_requires(entry))
        for key, entry in items(at(document.data, "packages")):
            name, version = _pnpm_key(key)
            resolution = at(entry, "resolution")
            origin = "vcs" if at(resolution, "type") == "git" or at(resolution, "repo") else ""
            origin = origin or ("path" if at(resolution, "directory") else "")
            requires = snapshots.get(f"{name}@{version}", _pnpm_requires(entry))
            dev = at(entry, "dev")
            group = None if dev is None else "dev" if dev is True else ""
            line = document.line("packages", key)
            if version:
                yield Locked(name, version, NPM, group, line, sorted(requires), origin)
        members = [name for name, _ in items(at(document.data, "importers"))] or ["."]
        overridden = sorted(
            {
                _pnpm_key(name.rpartition(">")[2])[0]
                for name, _ in items(at(document.data, "overrides"))
            }
        )
        yield LockFile(source.name, NPM, members, overridden)


def _pnpm_requires(entry: Any) -> set[str]:
    return {*_names(entry, "dependencies"), *_names(entry, "optionalDependencies")}


def _pnpm_key(key: str) -> tuple[str, str]:
    """(name, version) of `name@1.0.0(peer@2)`, `/name@1.0.0(peer)` and `/name/1.0.0_peer`."""
    plain = re.sub(r"\(.*$", "", key, flags=re.S).removeprefix("/")
    match = re.fullmatch(r"(@?[^@]+)@(.+)", plain)
    if match is None:
        match = re.fullmatch(r"(.+)/(\d[^/_]*)(?:_.*)?", plain)
    return (match[1], match[2]) if match else (plain, "")
