"""What manifests and lock files say, in one vocabulary for every package manager."""

from __future__ import annotations

import re

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from auditor.extract.facts import Fact

PYPI, NPM, CONDA = "pypi", "npm", "conda"


class Dependency(Fact, frozen=True):
    """One declared dependency.

    `specifier` is in the ecosystem's own notation (PEP 440, node-semver), `@` and the revision for a
    repository; `exact` is the version when only one fits; `group` is "" for what production installs. `origin` is "" for the ecosystem's
    public index, else url, vcs, path, or index for another index.
    """

    name: str
    specifier: str
    exact: str
    ecosystem: str
    group: str
    line: int
    origin: str = ""
    conditional: bool = False
    """Wanted under a marker only, which a lock file may know never to hold."""


class Constraint(Fact, frozen=True):
    """A version that a package has where something else asks for it: a line of a constraints file."""

    name: str
    exact: str
    line: int


class Locked(Fact, frozen=True):
    """One version that a lock file fixes; `requires` names what it depends on.

    `group` is None where the lock file does not tell who needs it.
    """

    name: str
    version: str
    ecosystem: str
    group: str | None
    line: int
    requires: list[str]
    origin: str = ""


class LockFile(Fact, frozen=True):
    """A file that fixes the version of everything that is installed.

    `members` are the folders of the projects that it holds, relative to its own ("." for that one);
    None where it does not tell. `overridden` are packages whose version is not as declared on purpose.
    """

    tool: str
    ecosystem: str
    members: list[str] | None = None
    overridden: list[str] = []


class Project(Fact, frozen=True):
    """The name under which a project of the tree could be installed itself."""

    name: str
    ecosystem: str


class Include(Fact, frozen=True):
    """A requirements file that another takes in (`-r`), or is held by (`-c`: `constraint`)."""

    path: str
    constraint: bool
    line: int


class Runtime(Fact, frozen=True):
    """The version of a language that a file asks for: "python" or "node"."""

    language: str
    specifier: str
    line: int


def python_dependency(text: str, group: str, line: int) -> Dependency | None:
    """A requirement as PEP 508 writes it; None where it is none."""
    try:
        parsed = Requirement(text)
    except (InvalidRequirement, RecursionError):
        return None
    origin = origin_of(parsed.url) if parsed.url else ""
    specifier = revision(parsed.url) if parsed.url else str(parsed.specifier)
    return Dependency(
        canonicalize_name(parsed.name),
        specifier,
        exact_version(specifier),
        PYPI,
        group,
        line,
        origin,
        parsed.marker is not None,
    )


def exact_version(specifier: str) -> str:
    """The version that a PEP 440 specifier pins, empty where several fit."""
    match = re.search(r"(?:^|,)\s*={2,3}\s*([^,*\s]+)\s*(?:,|$)", specifier)
    return match[1] if match else ""


def origin_of(url: str) -> str:
    """Where a direct reference leads: vcs, path or url."""
    if re.match(r"(?:git|hg|svn|bzr)(?:\+|:)|git@", url) or url.endswith(".git"):
        return "vcs"
    if re.match(r"(?:file:|link:|portal:|workspace:|\.{0,2}/)", url) or "://" not in url:
        return "path"
    return "url"


def revision(url: str) -> str:
    """`@` and what stands behind it in a repository's address; empty where nothing does."""
    match = re.search(r"[^@/:]@([\w][\w./+-]*)(?:#|$)", url.rpartition("//")[2])
    return f"@{match[1]}" if match else ""


_PUBLIC = re.compile(
    r"https?://(?:[\w.-]+\.)?(?:pypi\.org|pythonhosted\.org|npmjs\.(?:org|com)|yarnpkg\.com)(?:[/:]|$)"
)


def index_origin(url: str) -> str:
    """ "" for the public index of an ecosystem, "index" for any other."""
    return "" if not url or _PUBLIC.match(url) else "index"
