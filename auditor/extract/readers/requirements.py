"""pip's requirements files, and what container builds install with pip by themselves.

https://pip.pypa.io/en/stable/reference/requirements-file-format/. Nothing is resolved or installed;
files that are taken in are named, and read as files of their own.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

import msgspec
from packaging.utils import canonicalize_name

from auditor.discover import Kind
from auditor.extract.facts import Fact
from auditor.extract.packages import (
    PYPI,
    Constraint,
    Dependency,
    Include,
    Locked,
    LockFile,
    origin_of,
    python_dependency,
    revision,
)
from auditor.extract.source import Source, extracts

_DEVELOPMENT = re.compile(r"dev|test|lint|docs?\b|\bci\b|typing|quality|build", re.I)
_OPTION = re.compile(r"^(-r|--requirement|-c|--constraint)(?:\s*=?\s*)(\S+)")
_EDITABLE = re.compile(r"^(?:-e|--editable)(?:\s*=?\s*)(\S+)")
_PER_REQUIREMENT = re.compile(r"\s+--(?:hash|global-option|config-settings?|install-option)\b")
_EGG = re.compile(r"#(?:.*&)?egg=([A-Za-z0-9][\w.-]*)")


@extracts(Kind.MANIFEST, name=r".*\.(?:txt|in|pip)")
def requirements(source: Source) -> Iterator[Fact]:
    """What a file declares; one that pip-compile or uv wrote is the lock file of what it was made of."""
    group = "dev" if _DEVELOPMENT.search(source.name) else ""
    constraints = source.name.lower().startswith("constraint")
    needed_by = {} if constraints else _needed_by(source.text)
    other_index = False
    for line, text in _logical_lines(source.text):
        if match := _OPTION.match(text):
            yield Include(match[2], match[1] in ("-c", "--constraint"), line)
        elif re.match(r"(?:-i|--index-url|--extra-index-url)\b", text):
            other_index = other_index or not re.search(r"pypi\.org", text)
        elif found := _requirement(text, group, line):
            if other_index and not found.origin:
                found = msgspec.structs.replace(found, origin="index")
            if constraints:
                yield Constraint(found.name, found.exact, line)
            elif not needed_by:
                yield found
            else:
                yield from _compiled(found, needed_by)
    if needed_by:
        yield LockFile(source.name, PYPI, [])


def _compiled(found: Dependency, needed_by: dict[str, set[str]]) -> Iterator[Fact]:
    """A pinned package; declared by itself where something besides other packages needs it."""
    requires = sorted(name for name, takers in needed_by.items() if found.name in takers)
    version = found.exact
    if version:
        origin = found.origin
        yield Locked(found.name, version, PYPI, found.group or None, found.line, requires, origin)
    takers = needed_by.get(found.name, set())
    if not version or not takers or takers - needed_by.keys():
        yield found


_VIA = re.compile(r"#\s*via\b\s*(.*)$")


def _needed_by(text: str) -> dict[str, set[str]]:
    """Package -> what the comments `# via …` under it name; empty for a file without any."""
    if "# via" not in text:
        return {}
    found: dict[str, set[str]] = {}
    name, listing = "", False
    for raw in text.split("\n"):
        if match := re.match(r"([A-Za-z0-9][\w.-]*)", raw):
            name, listing = canonicalize_name(match[1]), False
            found.setdefault(name, set())
        elif name and (match := _VIA.search(raw)):
            listing = True
            found[name].update(_taker(each) for each in match[1].split(",") if each.strip())
        elif listing and (match := re.match(r"\s+#\s{2,}(\S.*)$", raw)):
            found[name].add(_taker(match[1]))
        else:
            listing = False
    return found


def _taker(text: str) -> str:
    """A package's name, or as it stands what is none (`-r requirements.in`, a project)."""
    text = text.strip()
    return canonicalize_name(text) if re.fullmatch(r"[A-Za-z0-9][\w.-]*", text) else f"({text})"


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """(line, text) without comments, with continued lines joined."""
    start, parts = 0, list[str]()
    for number, raw in enumerate(text.split("\n"), 1):
        line = re.sub(r"(?:^|\s)#.*$", "", raw).rstrip()
        if not parts:
            start = number
        parts.append(line.removesuffix("\\").strip())
        if not line.endswith("\\"):
            if joined := " ".join(part for part in parts if part):
                yield start, joined
            parts = []
    if joined := " ".join(part for part in parts if part):
        yield start, joined


def _requirement(text: str, group: str, line: int) -> Dependency | None:
    text = _PER_REQUIREMENT.split(text, maxsplit=1)[0].strip()
    editable = _EDITABLE.match(text)
    target = editable[1] if editable else text
    if found := python_dependency(text, group, line):
        return found
    if editable or re.match(r"(?:git|hg|svn|bzr)\+|https?:|file:", target):
        egg = _EGG.search(target)
        name = egg[1] if egg else _name_in(target)
        if name and not (editable and origin_of(target) == "path"):
            origin = origin_of(target)
            at = revision(target) if origin == "vcs" else ""
            return Dependency(canonicalize_name(name), at, "", PYPI, group, line, origin)
    return None


def _name_in(url: str) -> str:
    """The package's name as the last part of a repository's or archive's address shows it."""
    last = url.split("#")[0].split("?")[0].rstrip("/").rpartition("/")[2]
    last = re.sub(r"(?:\.git)?(?:@[^@]*)?$", "", last)
    match = re.match(r"([A-Za-z][\w.]*?)(?:-\d.*)?(?:\.whl|\.zip|\.tar\.gz|\.git)?$", last)
    return match[1] if match else re.sub(r"[^\w.-]", "", last)


_INSTALL = re.compile(r"\b(?:pip3?|uv\s+pip|python3?\s+-m\s+pip)\s+install\s+([^;&|]*)")
_VALUED = {"-r", "--requirement", "-c", "--constraint", "-i", "--index-url", "--extra-index-url",
           "-t", "--target", "-f", "--find-links", "--prefix", "--root", "--timeout", "--retries",
           "--trusted-host", "--cache-dir", "--python"}  # fmt: skip
_TOOLS = {"pip", "setuptools", "wheel", "uv", "poetry", "pipenv", "pdm", "hatch", "virtualenv"}


@extracts(Kind.DOCKERFILE)
def container_installs(source: Source) -> Iterator[Fact]:
    """What `RUN pip install NAME` installs besides the manifests; installers themselves are none."""
    for line, text in _logical_lines(source.text):
        if not text[:4].upper().startswith("RUN"):
            continue
        for match in _INSTALL.finditer(text):
            yield from _installed(match[1], line)


def _installed(arguments: str, line: int) -> Iterator[Dependency]:
    try:
        words = shlex.split(arguments)
    except ValueError:
        words = arguments.split()
    skip = False
    for word in words:
        if skip or word.startswith("-"):
            skip = not skip and word in _VALUED
            continue
        if "/" in word or "$" in word or word == ".":
            continue
        found = python_dependency(word, "", line)
        if found and found.name not in _TOOLS:
            yield found
