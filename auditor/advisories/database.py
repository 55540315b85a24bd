"""An advisory database on this machine: an OSV export, as a directory or a zip file.

The exports of OSV (one JSON file for each advisory, `all.zip` of an ecosystem) and checkouts of
databases in the same format (JSON or YAML). Which file speaks of which package is kept between
runs, so that only what concerns the application is read. The database is the user's own, not the
repository's; broken files are counted and said.
"""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import os
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from auditor.advisories import DatabaseError, osv
from auditor.advisories.answers import judged
from auditor.advisories.lookup import Answered
from auditor.model.dependencies import Dependency, Finding, NotChecked

_SUFFIXES = (".json", ".yaml", ".yml")
_MAX_RECORD = 20_000_000


class _Store(Protocol):
    """Where the files lie."""

    identity: str
    changed: float

    def names(self) -> list[str]: ...

    def read(self, name: str) -> bytes: ...


class _Directory:
    def __init__(self, root: Path) -> None:
        self.root = root
        self._names = sorted(self._walk())
        newest, digest = 0.0, hashlib.sha256(str(root.resolve()).encode("utf-8", "surrogateescape"))
        for name in self._names:
            stat = os.stat(root / name)
            newest = max(newest, stat.st_mtime)
            digest.update(
                f"{name}\0{stat.st_size}\0{stat.st_mtime_ns}\n".encode("utf-8", "replace")
            )
        self.identity, self.changed = digest.hexdigest(), newest

    def _walk(self) -> Iterator[str]:
        for folder, folders, files in os.walk(self.root):
            folders[:] = [each for each in folders if not each.startswith(".")]
            for file in files:
                if file.endswith(_SUFFIXES):
                    yield os.path.relpath(os.path.join(folder, file), self.root)

    def names(self) -> list[str]:
        return self._names

    def read(self, name: str) -> bytes:
        with open(self.root / name, "rb") as file:
            return file.read(_MAX_RECORD)


class _Archive:
    def __init__(self, path: Path) -> None:
        self.archive = zipfile.ZipFile(path)
        stat = path.stat()
        text = f"{path.resolve()}\0{stat.st_size}\0{stat.st_mtime_ns}"
        self.identity = hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
        self.changed = stat.st_mtime

    def names(self) -> list[str]:
        return sorted(n for n in self.archive.namelist() if n.endswith(_SUFFIXES))

    def read(self, name: str) -> bytes:
        with self.archive.open(name) as file:
            return file.read(_MAX_RECORD)


class Database:
    """Advisories by package. Raises DatabaseError where the path holds none."""

    def __init__(self, path: Path, cache: Path | None = None) -> None:
        self.path = path
        try:
            self._store: _Store = _Directory(path) if path.is_dir() else _Archive(path)
        except (OSError, zipfile.BadZipFile) as error:
            told = getattr(error, "strerror", None) or "neither a directory nor a zip file"
            raise DatabaseError(f"{path}: {str(told).lower()}") from error
        self.broken = 0
        self._index = self._known(cache) or self._made(cache)
        if not self._index:
            raise DatabaseError(f"{path}: holds no advisory in the OSV format")

    @property
    def day(self) -> datetime.date:
        """When its newest file was written."""
        moment = datetime.datetime.fromtimestamp(self._store.changed, datetime.timezone.utc)
        return moment.date()

    @property
    def source(self) -> str:
        """What an advisory from here names as its source."""
        return f"{self.path.name} ({self.day})"

    @property
    def ecosystems(self) -> set[str]:
        """The ecosystems that it speaks of, by their names here."""
        told = {key.partition("\0")[0] for key in self._index}
        return {ours for ours, theirs in osv.ECOSYSTEMS.items() if theirs in told}

    def packages(self, ecosystem: str) -> list[str]:
        """The packages of an ecosystem that it speaks of."""
        start = f"{osv.ECOSYSTEMS[ecosystem]}\0"
        return sorted(key.removeprefix(start) for key in self._index if key.startswith(start))

    def records(self, ecosystem: str, name: str) -> list[osv.Record]:
        """Every advisory that names a package, the withdrawn ones included."""
        key = f"{osv.ECOSYSTEMS[ecosystem]}\0{osv.normal(ecosystem, name)}"
        return [record for file in self._index.get(key, ()) if (record := self._read(file))]

    def _read(self, name: str) -> osv.Record | None:
        try:
            data = self._store.read(name)
            return osv.decode(data) if name.endswith(".json") else osv.convert(_yaml(data))
        except (osv.Malformed, OSError, zipfile.BadZipFile, RuntimeError):
            self.broken += 1
            return None

    def _made(self, cache: Path | None) -> dict[str, list[str]]:
        index: dict[str, list[str]] = defaultdict(list)
        for name in self._store.names():
            if record := self._read(name):
                for key in _keys(record.affected or ()):
                    index[key].append(name)
        if cache is not None and index:
            with contextlib.suppress(OSError):
                cache.mkdir(parents=True, exist_ok=True, mode=0o700)
                self._file(cache).write_bytes(msgspec.msgpack.encode((dict(index), self.broken)))
        return dict(index)

    def _known(self, cache: Path | None) -> dict[str, list[str]]:
        if cache is None:
            return {}
        try:
            data = self._file(cache).read_bytes()
            index, self.broken = msgspec.msgpack.decode(data, type=tuple[dict[str, list[str]], int])
        except (OSError, msgspec.DecodeError):
            return {}
        return index

    def _file(self, cache: Path) -> Path:
        return cache / f"advisories-{self._store.identity[:32]}.msgpack"


def _keys(affected: Iterable[osv.Affected]) -> set[str]:
    names = {ours: theirs for theirs, ours in osv.ECOSYSTEMS.items()}
    found = set()
    for each in affected:
        if each.package is not None:
            theirs = each.package.ecosystem.partition(":")[0]
            if theirs in names:
                found.add(f"{theirs}\0{osv.normal(names[theirs], each.package.name)}")
    return found


def _yaml(data: bytes) -> object:
    """Dates stay text: OSV's YAML writes versions such as 2020.1 and days without quotes."""
    import yaml

    loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
    try:
        return yaml.load(data, loader)
    except (yaml.YAMLError, RecursionError) as error:
        raise osv.Malformed(str(error)[:200]) from error


class Local:
    """A database as a source of answers."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def check(self, dependencies: Sequence[Dependency], answered: Answered) -> None:
        for each in dependencies:
            answered(self._finding(each))

    def stop(self) -> None:
        """There is nothing to end: it takes moments."""

    def _finding(self, dependency: Dependency) -> Finding:
        if dependency.ecosystem not in self._database.ecosystems:
            reason = f"the database holds no advisories for {dependency.ecosystem}"
            return NotChecked(dependency, reason)
        records = self._database.records(dependency.ecosystem, dependency.name)
        if not records and dependency.origin == "index":
            return NotChecked(dependency, "it comes from an index of its own")
        return judged(dependency, records, self._database.source, ())
