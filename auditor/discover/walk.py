"""Walking the tree under audit, which is hostile: nothing of it is run, no link is followed."""

from __future__ import annotations

import codecs
import os
import re
import stat
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from auditor.discover import git
from auditor.discover.kinds import (
    BINARY_SUFFIXES,
    Kind,
    Role,
    in_template,
    is_generated,
    kind_of,
    may_be_no_test,
    role_of,
)
from auditor.engines import Words, engine

if TYPE_CHECKING:
    import pathspec

MAX_SIZE = 5 * 1024 * 1024
"""Bytes; a larger file is listed as left out, not read."""

_DEPENDENCY_FOLDERS = {
    "node_modules": "installed packages",
    "bower_components": "installed packages",
    "site-packages": "installed packages",
    "__pycache__": "generated",
    ".git": "version control",
    ".hg": "version control",
    ".svn": "version control",
    ".tox": "virtual environment",
    ".nox": "virtual environment",
    ".venv": "virtual environment",
    "__pypackages__": "installed packages",
    ".mypy_cache": "generated",
    ".ruff_cache": "generated",
    ".pytest_cache": "generated",
    ".hypothesis": "generated",
    ".next": "generated",
    ".nuxt": "generated",
    ".svelte-kit": "generated",
    ".gradle": "generated",
    ".terraform": "generated",
    ".auditor_cache": "generated",
    ".eggs": "installed packages",
    "htmlcov": "generated",
    ".history": "an editor's history",
    "vendor": "vendored",
    ".yarn": "vendored",
    "third_party": "vendored",
}
ON_PURPOSE = frozenset(
    {"ignored by git", "excluded", "virtual environment", *_DEPENDENCY_FOLDERS.values()}
)
"""Reasons for which nobody expects files to be looked at."""


_OWN_MODULE = Words(
    r"(?:\w+_)?(?:models?|views?|urls|apps|admin|routers?|routes|api|schemas?|services?|crud|serializers?|endpoints?"
    r"|handlers?|repository|repositories|forms|tasks)\.py"
)


_SCHEMA = (
    r"(?is)(?:\s|--[^\n]*\n|/\*.*?\*/|(?:begin|use|set|drop|pragma|create\s+(?:database|schema|extension|type))\b[^;]*;)*"
    r"create\s+table\s+(?:if\s+not\s+exists\s+)?[\w.\"`\[\]]+\s*\("
)
"""What stands before the first table of a schema: comments, the database, what is dropped."""
_OF_ENVIRONMENT = {
    "bin", "include", "lib", "lib64", "share", "etc", "Scripts", "Lib", "Include", "pyvenv.cfg", ".gitignore",
}  # fmt: skip
_PROJECT = (
    "__init__.py",
    "manage.py",
    "pyproject.toml",
    "requirements.txt",
    "setup.py",
    "main.py",
    "app.py",
)


def _is_project(entry: os.DirEntry[str]) -> bool:
    """Whether a file or folder beside `pyvenv.cfg` is somebody's project."""
    if entry.name in _PROJECT:
        return True
    return entry.is_dir(follow_symlinks=False) and any(
        os.path.lexists(os.path.join(entry.path, name)) for name in _PROJECT[1:]
    )


def is_dependency_folder(name: str) -> bool:
    """Whether a folder of this name holds what others wrote, or what is generated."""
    return name in _DEPENDENCY_FOLDERS


def is_binary(beginning: bytes) -> bool:
    """Whether a file is no text, by its first bytes; UTF-16 says what it is."""
    marked = beginning.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return not marked and b"\0" in beginning


class DiscoveryError(Exception):
    """The path cannot be audited; the message is one line."""


class SourceFile(msgspec.Struct, frozen=True):
    """A file of the tree: `path` is relative with forward slashes (undecodable bytes escaped)."""

    path: str
    kind: Kind
    role: Role
    size: int
    tracked: bool | None = None
    """Whether git tracks it; None where no git index can be read."""
    generated: bool = False


class LeftOut(msgspec.Struct, frozen=True):
    """Files that were not looked at, and why; `count` is None where they were not counted."""

    path: str
    reason: str
    count: int | None = None


class Tree(msgspec.Struct, frozen=True):
    root: Path
    files: tuple[SourceFile, ...]
    left_out: tuple[LeftOut, ...]
    commit: str | None
    name: str
    repository: git.Repository | None = None


@dataclass
class _Walker:
    root: Path
    repository: git.Repository | None
    include: pathspec.PathSpec | None  # type: ignore[type-arg]
    exclude: pathspec.PathSpec | None  # type: ignore[type-arg]
    max_size: int
    files: list[SourceFile] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    counted: Counter[str] = field(default_factory=Counter)
    apps: list[str] = field(default_factory=list)
    """Folders that are Django applications, whatever they are called: `projects/examples`."""
    packages: set[str] = field(default_factory=set)
    """Folders that Python imports from."""

    def walk(self) -> None:
        rules = self.repository.outer_rules(self.root) if self.repository else []
        self._folder("", rules)

    def _folder(self, folder: str, rules: list[git.Rules]) -> None:
        try:
            with os.scandir(self.root / folder if folder else self.root) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError as error:
            self.left_out.append(LeftOut(folder + "/", _reason(error)))
            return
        names = {entry.name for entry in entries}
        if folder and "pyvenv.cfg" in names:
            self.left_out.append(LeftOut(folder + "/", "virtual environment"))
            entries = [e for e in entries if e.name not in _OF_ENVIRONMENT]
            if not any(_is_project(e) for e in entries):
                return  # else somebody has put a project into its own environment
        if {"__init__.py", "apps.py"} <= names and "migrations" in names:
            self.apps.append(folder)
        if "__init__.py" in names:
            self.packages.add(folder)
        if ".gitignore" in names:
            if (own := git.read_rules(self.root / folder / ".gitignore", folder)) is not None:
                rules = [*rules, own]
        for entry in entries:
            path = f"{folder}/{entry.name}" if folder else entry.name
            try:
                self._entry(entry, path, rules)
            except OSError as error:
                self.left_out.append(LeftOut(path, _reason(error)))

    def _entry(self, entry: os.DirEntry[str], path: str, rules: list[git.Rules]) -> None:
        if entry.is_symlink():
            self.counted["symbolic link, not followed"] += 1
        elif entry.is_dir(follow_symlinks=False):
            self._directory(entry.name, path, rules)
        elif not entry.is_file(follow_symlinks=False):
            self.left_out.append(LeftOut(path, "not a regular file"))
        else:
            self._file(entry, path, rules)

    def _directory(self, name: str, path: str, rules: list[git.Rules]) -> None:
        tracks = self.repository is not None and self.repository.tracks_below(path)
        reason = _DEPENDENCY_FOLDERS.get(name)
        if reason == "vendored" and self._is_own(path):
            reason = None
        if reason:
            if name != ".git":
                self.left_out.append(LeftOut(path + "/", reason))
        elif git.ignored(rules, path + "/") and not tracks:
            self.left_out.append(LeftOut(path + "/", "ignored by git"))
        elif self.exclude is not None and self.exclude.match_file(path + "/"):
            self.left_out.append(LeftOut(path + "/", "excluded"))
        elif path.count("/") > 200:
            self.left_out.append(LeftOut(path + "/", "nested too deeply"))
        else:
            self._folder(path, rules)

    def _is_own(self, folder: str) -> bool:
        """Whether `vendor` is a part of the application: a folder with its models, views or routes."""
        try:
            names = {entry.name for entry in os.scandir(self.root / folder)}
        except OSError:
            return False
        return any(map(_OWN_MODULE.fullmatch, names))

    def _file(self, entry: os.DirEntry[str], path: str, rules: list[git.Rules]) -> None:
        tracked = None if self.repository is None else self.repository.tracks(path)
        if not tracked and git.ignored(rules, path):
            self.counted["ignored by git"] += 1
            return
        if (self.exclude is not None and self.exclude.match_file(path)) or (
            self.include is not None and not self.include.match_file(path)
        ):
            self.counted["excluded"] += 1
            return
        size = entry.stat(follow_symlinks=False).st_size
        kind = kind_of(path)
        if kind is Kind.WORKFLOW and self._never_run(path):
            kind = Kind.TEXT
        if kind is Kind.TEXT and "." not in entry.name and self._makes_tables(path):
            kind = Kind.SQL
        if kind is Kind.TEXT and self._binary(path):
            self.counted["binary"] += 1
        elif size > self.max_size:
            limit = self.max_size // (1024 * 1024)
            self.left_out.append(LeftOut(path, f"{size:,} bytes, over the limit of {limit} MB"))
        else:
            self.files.append(
                SourceFile(path, kind, self._role(path), size, tracked, is_generated(path))
            )

    def _never_run(self, path: str) -> bool:
        """Whether a workflow lies below the root of the repository, where GitHub does not look for any."""
        folder, found, name = path.partition("/.github/")
        return bool(
            found
            and name.startswith(("workflows/", "dependabot."))
            and self.repository is not None
            and self.repository.prefix == ""
            and not os.path.lexists(self.root / folder / ".git")
        )

    def of_template(self) -> list[SourceFile]:
        """The files, where those of a template of a project are the project if there is little else."""
        code = [f for f in self.files if f.kind is Kind.PYTHON]
        inside = sum(in_template(file.path) for file in code)
        beside = sum(f.role is Role.SOURCE and not in_template(f.path) for f in code)
        if inside <= beside:
            return self.files
        return [
            msgspec.structs.replace(file, role=self._role(file.path, is_template=True))
            if in_template(file.path)
            else file
            for file in self.files
        ]

    def _role(self, path: str, *, is_template: bool = False) -> Role:
        """The role by the path; an application's folder is not judged by its name."""
        for app in self.apps:
            if path.startswith(f"{app}/"):
                above = app.rpartition("/")[0]
                path = f"{above}{path[len(app) :]}".lstrip("/")
                break
        return role_of(path, self.packages, is_template=is_template)

    def _makes_tables(self, path: str) -> bool:
        """Whether a file, whose name has no ending, begins as a schema in SQL does."""
        return engine(_SCHEMA).match(_read(self.root / path, 8192)) is not None

    def _binary(self, path: str) -> bool:
        if path.rpartition(".")[2].lower() in BINARY_SUFFIXES:
            return True
        return is_binary(_read(self.root / path, 8192))


def discover(
    root: Path,
    *,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    max_size: int = MAX_SIZE,
) -> Tree:
    """The files below `root`, by the patterns of .gitignore files and of `include`/`exclude`.

    Raises DiscoveryError when there is no such directory or it cannot be read.
    """
    if not root.exists():
        raise DiscoveryError(f"{root}: no such directory")
    if not root.is_dir():
        raise DiscoveryError(f"{root}: not a directory; give the root of a repository")
    root = root.resolve()
    if not os.access(root, os.R_OK | os.X_OK):
        raise DiscoveryError(f"{root}: cannot be read (permission denied)")
    repository = git.open_repository(root)
    walker = _Walker(root, repository, _patterns(include), _patterns(exclude), max_size)
    walker.walk()
    files = sorted(walker.of_template(), key=lambda file: file.path)
    counted = [LeftOut("", reason, count) for reason, count in sorted(walker.counted.items())]
    return Tree(
        root,
        tuple(_without_imported(root, files)),
        tuple(walker.left_out + counted),
        repository.commit if repository else None,
        root.name,
        repository,
    )


_TESTS = re.compile(
    rb"(?m)^[ \t]*(?:(?:import|from) (?:pytest|unittest|(?:django|rest_framework)\.test|\S*\.testclient)\b"
    rb"|class \w+\([^)\n]*TestCase\b)"
)
"""What tests are written with: whatever a module with one of these is called, it is none to import."""
_IMPORT = engine(
    r"(?m)^[ \t]*(?:from[ \t]+([.\w]{1,200})[ \t]+import[ \t]*(\([^)]*\)|[^\n]*)|import[ \t]+([^\n]+))"
)
_NO_MODULE = re.compile(rb"#[^\n]*|\bas\s+\w+")
_MODULE = re.compile(rb"[.\w]{1,200}")


def _without_imported(root: Path, files: list[SourceFile]) -> list[SourceFile]:
    """The files, where those that are tests by their name or their folder alone are none when others import them.

    `routers/test_checkout.py` with the routes of a checkout that is tried is a part of the
    application: `from routers import test_checkout`; so is what it imports in its turn.
    """
    doubtful: dict[str, SourceFile] = {}
    waiting: list[SourceFile] = []
    for file in files:
        if file.kind is Kind.PYTHON and file.role is Role.SOURCE:
            waiting.append(file)
        elif file.kind is Kind.PYTHON and file.role is Role.TEST and may_be_no_test(file.path):
            if not _TESTS.search(_content(root, file)):
                doubtful[file.path.removesuffix(".py").removesuffix("/__init__")] = file
    imported: set[str] = set()
    while doubtful and waiting:
        file = waiting.pop()
        content = _content(root, file)
        if _TESTS.search(content):
            continue
        for place in _imports(file.path, content):
            if (found := doubtful.pop(place, None)) is not None:
                imported.add(found.path)
                waiting.append(found)
    return [
        msgspec.structs.replace(file, role=Role.SOURCE) if file.path in imported else file
        for file in files
    ]


def _imports(path: str, content: bytes) -> Iterator[str]:
    """Where the modules and packages that a file imports may lie: beside or above it, by all of their names."""
    folders = path.split("/")[:-1]
    for origin, names, plain in _IMPORT.findall(content):
        named = _MODULE.findall(_NO_MODULE.sub(b"", names or plain))
        between = b"" if origin.endswith(b".") else b"."
        for target in [origin, *(origin + between + name for name in named)] if origin else named:
            parts = target.lstrip(b".").decode("utf-8", "replace").split(".")
            up = len(target) - len(target.lstrip(b"."))
            levels = [len(folders) - up + 1] if up else range(len(folders) + 1)
            for start in (folders[:level] for level in levels if level >= 0):
                yield from ("/".join([*start, *parts[:at]]) for at in range(1, len(parts) + 1))


def _content(root: Path, file: SourceFile) -> bytes:
    try:
        return _read(root / file.path, MAX_SIZE + 1)
    except OSError:
        return b""


def selection(include: Sequence[str], exclude: Sequence[str]) -> Callable[[str], bool]:
    """Whether a path is one of those asked for."""
    only, without = _patterns(include), _patterns(exclude)
    return lambda path: (
        not (
            (without is not None and without.match_file(path))
            or (only is not None and not only.match_file(path))
        )
    )


def _patterns(lines: Sequence[str]) -> pathspec.PathSpec | None:  # type: ignore[type-arg]
    if not lines:
        return None
    import pathspec

    return pathspec.PathSpec.from_lines("gitignore", lines)


def read(tree: Tree, file: SourceFile) -> bytes:
    """The bytes of a file; raises OSError when it changed into something else meanwhile."""
    return _read(tree.root / file.path, MAX_SIZE + 1)


def _read(path: Path, limit: int) -> bytes:
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    with open(os.open(path, flags | getattr(os, "O_BINARY", 0)), "rb") as handle:
        if not stat.S_ISREG(os.fstat(handle.fileno()).st_mode):
            raise OSError("not a regular file")
        return handle.read(limit)


def _reason(error: OSError) -> str:
    return (error.strerror or str(error) or type(error).__name__).lower()
