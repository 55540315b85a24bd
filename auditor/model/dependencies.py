"""Dependencies: what is declared, what is installed, and what is known against it."""

from __future__ import annotations

import datetime

import msgspec

from auditor.model.places import Place


class Requirement(msgspec.Struct, frozen=True):
    """One declared dependency; `exact` is its only version, `group` is empty for production.

    `specifier` is in the ecosystem's notation. `origin` is empty for the public index of the
    ecosystem, else url, vcs, path, index (another one), conda or alias.
    """

    name: str
    specifier: str
    exact: str
    ecosystem: str
    group: str
    place: Place
    origin: str = ""
    conditional: bool = False
    """Wanted under an environment marker only."""


class Lock(msgspec.Struct, frozen=True):
    """A lock file; `tool` is its file name."""

    tool: str
    ecosystem: str
    place: Place


class Runtime(msgspec.Struct, frozen=True):
    """The version of Python or Node that a file asks for, in the ecosystem's notation."""

    language: str
    specifier: str
    place: Place


class Dependency(msgspec.Struct, frozen=True):
    """One package as it would be installed from a manifest and its lock file.

    `version` is empty where nothing fixes it. `direct` tells whether a manifest names it; `through`
    is the shortest chain of names from a direct dependency to it. `place` is where it is declared,
    or where the lock file fixes it.
    """

    name: str
    version: str
    specifier: str
    ecosystem: str
    group: str
    place: Place
    direct: bool
    pinned: bool
    through: tuple[str, ...] = ()
    origin: str = ""
    requires: tuple[str, ...] = ()
    """Names of what it depends on itself, where the lock file tells."""


class Advisory(msgspec.Struct, frozen=True):
    """What is known of one flaw in one package, with its names merged.

    `score` is the CVSS base score (0.0 to 10.0), None where no advisory carries one; `severity` is
    critical, high, medium, low or empty. `fixed_in` are the versions that mend it, lowest first.
    """

    id: str
    aliases: tuple[str, ...]
    summary: str
    severity: str
    score: float | None
    fixed_in: tuple[str, ...]
    source: str


class Checked(msgspec.Struct, frozen=True):
    """A package whose one version was looked up; without advisories it is clean.

    `upgrade` is the lowest version that none of them affects; `within` whether the manifest admits it.
    """

    dependency: Dependency
    advisories: tuple[Advisory, ...]
    upgrade: str = ""
    within: bool = True
    released: str = ""
    """When this version was released (YYYY-MM-DD), where the index told."""


class Admitted(msgspec.Struct, frozen=True):
    """A package that nothing pins: which of the versions that its specifier admits are affected.

    `known` are the versions that are known to exist and fit, lowest first; `affected` those of them
    with an advisory.
    """

    dependency: Dependency
    known: tuple[str, ...]
    affected: tuple[str, ...]
    advisories: tuple[Advisory, ...]


class NotChecked(msgspec.Struct, frozen=True):
    """A package that nobody could say anything about."""

    dependency: Dependency
    reason: str


Finding = Checked | Admitted | NotChecked


class Usage(msgspec.Struct, frozen=True):
    """Where source files import a package: empty where none does.

    `otherwise` says how it is used without an import (a server, a driver, a name in a setting).
    """

    ecosystem: str
    distribution: str
    places: tuple[Place, ...]
    otherwise: str = ""


class Undeclared(msgspec.Struct, frozen=True):
    """A well-known Python package that the code imports and that nothing would install."""

    distribution: str
    place: Place


class OutOfStep(msgspec.Struct, frozen=True):
    """A requirement that the lock file beside its manifest does not hold as it is declared."""

    requirement: Requirement
    lock: str
    locked: str
    """The version that is locked, empty where the package is not locked at all."""


class EndOfLife(msgspec.Struct, frozen=True):
    """A release line of a language or framework that gets no security fixes since `end`."""

    name: str
    line: str
    end: datetime.date
    place: Place


class Lookalike(msgspec.Struct, frozen=True):
    """A declared package whose name is a slip of the finger away from one that everybody uses."""

    requirement: Requirement
    meant: str
