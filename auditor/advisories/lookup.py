"""Looking dependencies up beside the rest of an audit, within a time limit, with a memory.

What a source cannot say is `NotChecked` with the reason, never clean.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import msgspec
from msgspec.structs import replace

from auditor.advisories.answers import Answer
from auditor.ecosystems.versions import scheme
from auditor.model.dependencies import Dependency, Finding, NotChecked

log = logging.getLogger(__name__)

_FRESH = 24 * 3600.0
"""Seconds for which an answer is taken for today's."""
_USABLE = 14 * 24 * 3600.0
"""Seconds for which an older answer is better than none; its age is said."""
_ORIGINS = {
    "vcs": "it is installed from a repository, not from the index",
    "url": "it is installed from an address, not from the index",
    "path": "it is installed from a folder, not from the index",
    "conda": "conda packages have no advisories of their own",
    "alias": "it is installed under another name",
}

Answered = Callable[[Finding], None]


class Source(Protocol):
    """Something that knows advisories."""

    def check(self, dependencies: Sequence[Dependency], answered: Answered) -> None:
        """Say what it knows of each, in any order; returns when there is no more to say."""

    def stop(self) -> None:
        """End a check that takes too long, from another thread."""


# --- memory


class Memory:
    """Answers of earlier audits, in the user's cache directory. Never raises."""

    def __init__(self, directory: Path | None, service: str) -> None:
        self._file = directory / f"answers-{service}.msgpack" if directory else None
        self._answers: dict[str, tuple[float, Answer]] = {}
        self._changed = False
        if self._file is not None:
            with contextlib.suppress(OSError, msgspec.DecodeError):
                data = self._file.read_bytes()
                self._answers = msgspec.msgpack.decode(data, type=dict[str, tuple[float, Answer]])

    def get(self, dependency: Dependency, limit: float) -> tuple[Finding, float] | None:
        """(answer, its age in seconds), where there is one that is young enough."""
        at, answer = self._answers.get(_key(dependency), (0.0, None))
        age = time.time() - at
        if answer is None or not 0 <= age < limit:
            return None
        return answer.finding(dependency), age

    def put(self, finding: Finding) -> None:
        if not isinstance(finding, NotChecked):
            self._changed = True
            self._answers[_key(finding.dependency)] = time.time(), Answer.of(finding)

    def save(self) -> None:
        if self._file is None or not self._changed:
            return
        now = time.time()
        kept = {k: v for k, v in self._answers.items() if now - v[0] < _USABLE}
        with contextlib.suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            new = self._file.with_suffix(".new")
            new.write_bytes(msgspec.msgpack.encode(kept))
            new.replace(self._file)


def _key(d: Dependency) -> str:
    return f"{d.ecosystem}\0{d.name}\0{d.version}\0{d.specifier}"


# --- the lookup


@dataclass
class Lookup:
    """Where advisories come from in this audit. `source` None: nowhere, for a `reason`."""

    source: Source | None = None
    reason: str = "no advisories were asked for"
    name: str = ""
    """What the answers come from, for people."""
    limit: float = 60.0
    memory: Memory = field(default_factory=lambda: Memory(None, ""))
    notes: list[str] = field(default_factory=list)
    """What was cut short or could not be reached, in words, once the findings are known."""

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._answers: dict[str, Finding] = {}
        self._ages: list[float] = []
        self._failure = ""
        self._thread: threading.Thread | None = None
        self._end = 0.0

    def start(self, dependencies: Iterable[Dependency]) -> None:
        """Begin looking up, each package and version once; nothing is waited for."""
        if self._end:
            return
        self._end = time.monotonic() + self.limit
        wanted: dict[str, Dependency] = {}
        for each in dependencies:
            wanted.setdefault(_key(each), each)
        missing: list[Dependency] = []
        for key, each in wanted.items():
            if reason := _cannot(each):
                self._answers[key] = NotChecked(each, reason)
            elif found := self.memory.get(each, _FRESH if self.source else _USABLE):
                self._answers[key] = found[0]
                self._ages.append(found[1])
            else:
                missing.append(each)
        if self.source is not None and missing:
            work = (self.source, missing)
            self._thread = threading.Thread(target=self._run, args=work, daemon=True)
            self._thread.start()

    def _run(self, source: Source, missing: list[Dependency]) -> None:
        try:
            source.check(missing, self._take)
        except Exception as error:
            log.debug("looking up advisories failed", exc_info=True)
            self._failure = f"looking it up failed ({type(error).__name__})"

    def _take(self, finding: Finding) -> None:
        with self._lock:
            self._answers[_key(finding.dependency)] = finding
            self.memory.put(finding)

    def findings(self, dependencies: Sequence[Dependency]) -> tuple[Finding, ...]:
        """What is known of each dependency, in their order; waits, at most for the limit."""
        self.start(dependencies)
        if self._thread is not None and self.source is not None:
            self._thread.join(max(0.0, self._end - time.monotonic()))
            if self._thread.is_alive():
                self._failure = f"no answer within {self.limit:g} seconds"
            self.source.stop()
        with self._lock:
            self.memory.save()
            found = tuple(self._finding(each) for each in dependencies)
        if self._ages:
            told = f"advisories: {len(self._ages)} answers are {_ago(max(self._ages))} old"
            self.notes.append(told)
            self._ages = []
        return found

    def _finding(self, dependency: Dependency) -> Finding:
        known = self._answers.get(_key(dependency))
        if isinstance(known, NotChecked) or known is None:
            if older := self.memory.get(dependency, _USABLE):
                self._ages.append(older[1])
                known = older[0]
        if known is None:
            return NotChecked(dependency, self._failure or self.reason)
        return replace(known, dependency=dependency)


def _cannot(dependency: Dependency) -> str:
    """Why a dependency cannot be looked up anywhere."""
    if reason := _ORIGINS.get(dependency.origin):
        return reason
    if scheme(dependency.ecosystem) is None:
        return f"nothing is known of {dependency.ecosystem}"
    return ""


def _ago(seconds: float) -> str:
    for size, word in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= size:
            return f"up to {seconds / size:.0f} {word}"
    return "less than a minute"
