"""Secrets of the git history: what was committed once and is gone from the tree is leaked all the same.

Commits are walked from the oldest on. Each tree and each blob is read once, so the commit at which a
blob is first seen is the one that brought it. `git` is not run (auditor/discover/git.py).
"""

from __future__ import annotations

import datetime
import hashlib
import heapq
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from auditor.discover.git import Repository
from auditor.discover.kinds import BINARY_SUFFIXES, Role, kind_of, role_of
from auditor.discover.objects import Commit, ObjectError, Objects, tips
from auditor.discover.walk import MAX_SIZE, is_binary, is_dependency_folder
from auditor.extract.secrets import Secret, as_utf8, find_secrets

Progress = Callable[[int, int], None]


class Bounds(msgspec.Struct, frozen=True):
    """How much is read before it is said that there is more."""

    commits: int = 50_000
    blobs: int = 300_000
    bytes: int = 2 << 30
    seconds: float = 300.0
    found: int = 2_000


class Past(msgspec.Struct, frozen=True):
    """A secret that was committed and is not in the last commit any more.

    `commit` is the hash that brought it, `date` the author's (ISO 8601, UTC).
    """

    secret: Secret
    path: str
    role: Role
    commit: str
    date: str


@dataclass
class History:
    """What was found, how much was read, and in words what was not."""

    past: list[Past] = field(default_factory=list)
    commits: int = 0
    blobs: int = 0
    limits: list[str] = field(default_factory=list)


def read_history(
    repository: Repository | None,
    wanted: Callable[[str], bool] = lambda path: True,
    progress: Progress = lambda done, total: None,
    bounds: Bounds | None = None,
) -> History:
    """The secrets of all commits that a branch, tag or HEAD leads to. Raises nothing."""
    history = History()
    if repository is None:
        history.limits.append("git history: there is no git repository here")
        return history
    directory = repository.own_objects()
    if directory is None:
        history.limits.append("git history: its objects lie outside of the tree and were not read")
        return history
    objects = Objects(directory)
    try:
        _Walk(objects, directory, repository, wanted, bounds or Bounds(), history).run(progress)
    finally:
        objects.close()
    return history


class _Walk:
    def __init__(
        self,
        objects: Objects,
        directory: Path,
        repository: Repository,
        wanted: Callable[[str], bool],
        bounds: Bounds,
        history: History,
    ) -> None:
        self.objects, self.directory, self.repository = objects, directory, repository
        self.wanted, self.bounds, self.history = wanted, bounds, history
        self.key = os.urandom(32)  # values are compared by a digest that means nothing elsewhere
        self.seen: set[tuple[bytes, bool]] = set()
        self.present: set[bytes] = set()
        self.first: dict[bytes, Past] = {}
        self.bytes = self.unreadable = 0
        self.until = time.monotonic() + bounds.seconds

    def run(self, progress: Progress) -> None:
        commits = self._commits()
        current = self._current()
        cut = ""
        for done, commit in enumerate(commits):
            progress(done, len(commits))
            try:
                for path, blob in self._new_blobs(commit.tree, "", 0):
                    cut = cut or self._cut()
                    if cut:
                        break
                    self._search(path, blob, commit, blob in current)
            except ObjectError:
                self.unreadable += 1
            if cut:
                day = _date(commit.when)[:10]
                left = len(commits) - done
                self.history.limits.append(
                    f"git history: {cut}; {left:,} commits from {day} on were not read"
                )
                break
            self.history.commits += 1
        self.history.past = [p for digest, p in self.first.items() if digest not in self.present]
        self._note()

    def _commits(self) -> list[Commit]:
        """The newest commits, oldest first; a parent is no younger than its child."""
        found: dict[bytes, Commit] = {}
        heap: list[tuple[int, bytes, Commit]] = []
        for tip in tips(self.directory):
            self._reach(tip, found, heap)
        ordered: list[Commit] = []
        while heap and len(ordered) < self.bounds.commits and time.monotonic() < self.until:
            _, _, commit = heapq.heappop(heap)
            ordered.append(commit)
            for parent in commit.parents:
                self._reach(parent, found, heap)
        if heap:
            self.history.limits.append(
                f"git history: only the newest {len(ordered):,} commits were read"
            )
        return ordered[::-1]

    def _reach(
        self, id_: bytes, found: dict[bytes, Commit], heap: list[tuple[int, bytes, Commit]]
    ) -> None:
        if id_ in found:
            return
        try:
            commit = self.objects.commit(id_)
        except ObjectError:
            self.unreadable += not self.objects.shallow
            return
        if commit.id not in found:
            found[id_] = found[commit.id] = commit
            heapq.heappush(heap, (-commit.when, commit.id, commit))

    def _current(self) -> set[bytes]:
        """The blobs of the commit that is checked out."""
        found: set[bytes] = set()
        if self.repository.commit is None:
            return found
        trees: set[bytes] = set()
        try:
            stack = [self.objects.commit(bytes.fromhex(self.repository.commit)).tree]
            while stack and len(trees) < self.bounds.blobs and time.monotonic() < self.until:
                tree = stack.pop()
                if tree in trees:
                    continue
                trees.add(tree)
                for _, child, folder in self.objects.tree(tree):
                    if folder:
                        stack.append(child)
                    else:
                        found.add(child)
        except ObjectError:
            self.unreadable += 1
        return found

    def _new_blobs(self, tree: bytes, folder: str, depth: int) -> Iterator[tuple[str, bytes]]:
        """What a tree holds that no earlier one did; each tree and blob comes once."""
        if (tree, True) in self.seen or depth > 200:
            return
        self.seen.add((tree, True))
        prefix = self.repository.prefix
        for name, child, is_folder in self.objects.tree(tree):
            path = folder + name
            if is_folder:
                inside = f"{path}/".startswith(prefix) or prefix.startswith(f"{path}/")
                if inside and not is_dependency_folder(name):
                    try:
                        yield from self._new_blobs(child, f"{path}/", depth + 1)
                    except ObjectError:
                        self.unreadable += 1
            elif (child, False) not in self.seen and path.startswith(prefix):
                self.seen.add((child, False))
                own = path[len(prefix) :]
                if name.rpartition(".")[2].lower() not in BINARY_SUFFIXES and self.wanted(own):
                    yield own, child

    def _cut(self) -> str:
        bounds = self.bounds
        if time.monotonic() > self.until:
            return f"stopped after {bounds.seconds:.0f} seconds"
        if self.history.blobs >= bounds.blobs:
            return f"stopped after {bounds.blobs:,} files"
        if self.bytes >= bounds.bytes:
            return f"stopped after {bounds.bytes >> 20:,} MB"
        if len(self.first) >= bounds.found:
            return f"stopped after {bounds.found:,} secrets"
        return ""

    def _search(self, path: str, blob: bytes, commit: Commit, current: bool) -> None:
        try:
            kind, data = self.objects.read(blob)
        except ObjectError:
            self.unreadable += 1
            return
        if kind != "blob" or len(data) > MAX_SIZE or is_binary(data[:8192]):
            return
        data = as_utf8(data)
        self.history.blobs += 1
        self.bytes += len(data)
        role = role_of(path)
        for secret in find_secrets(data, path.rpartition("/")[2], role, kind_of(path)):
            value = data[secret.start : secret.end]
            digest = hashlib.blake2b(value, key=self.key, digest_size=16).digest()
            if current:
                self.present.add(digest)
            elif digest not in self.first:
                when = _date(commit.when)
                self.first[digest] = Past(secret, path, role, commit.id.hex(), when)

    def _note(self) -> None:
        limits = self.history.limits
        if self.unreadable:
            limits.append(f"git history: {self.unreadable:,} objects are missing or broken")
        if self.objects.shallow:
            limits.append("git history: the clone is shallow, what came before is not in it")
        if self.objects.borrows:
            limits.append("git history: objects borrowed from another repository were not read")


def _date(seconds: int) -> str:
    try:
        return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).isoformat()
    except (OverflowError, OSError, ValueError):
        return "1970-01-01T00:00:00+00:00"
