"""Extraction: every file's facts, in parallel, each content once, kept between runs."""

from __future__ import annotations

import functools
import gc
import hashlib
import importlib
import logging
import os
import pkgutil
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Union

import msgspec

import auditor
from auditor.discover import SourceFile, Tree, read
from auditor.extract import readers
from auditor.extract.facts import Fact, Unread
from auditor.extract.source import Source, Stage, Unreadable, extractors_for

if TYPE_CHECKING:
    from concurrent.futures import Future, ProcessPoolExecutor

    from auditor.extract.cache import Cache

log = logging.getLogger(__name__)

_SMALL = 300_000
"""Bytes that are read sooner in this process than by starting others."""
_BATCH = 120_000
"""Bytes one task takes, so that small files do not cost a round trip each."""
_LATE_BATCH = 600_000
"""The same for late facts: each process that takes some must first load what takes them."""

_TIME_LIMIT = 120.0
"""Seconds that one task may take before its files are given up."""

Progress = Callable[[int, int], None]


@functools.cache
def load_readers(texts_only: bool = False) -> None:
    """Import every module that reads a kind of file, in name order; or the one for their text."""
    for module in pkgutil.iter_modules(readers.__path__):
        if module.name == "secrets" or not texts_only:
            importlib.import_module(f"{readers.__name__}.{module.name}")


@functools.cache
def _codec(texts_only: bool = False) -> tuple[msgspec.msgpack.Encoder, Any]:
    """Encoder and decoder for the facts of the readers."""
    load_readers(texts_only)
    kinds: Any = tuple(sorted(_subclasses(Fact), key=lambda kind: kind.__name__))
    union: Any = Union[kinds]  # noqa: UP007 - the kinds are known at run time only
    return msgspec.msgpack.Encoder(), msgspec.msgpack.Decoder(list[union])


def _subclasses(kind: type[Fact]) -> list[type[Fact]]:
    return [each for sub in kind.__subclasses__() for each in (sub, *_subclasses(sub))]


def extract_source(source: Source, stage: Stage = Stage.EARLY) -> list[Fact]:
    """What all extractors say of one file. What cannot be read says so; nothing is raised."""
    load_readers(stage is Stage.TEXTS)
    facts: list[Fact] = []
    unread: list[Fact] = []
    for extractor in extractors_for(source, stage):
        try:
            facts.extend(extractor(source))
        except Unreadable as error:
            unread.append(Unread(str(error), error.line, error.column, error.application))
        except Exception as error:
            log.debug("%s: %s failed", source.name, extractor.__name__, exc_info=True)
            unread.append(Unread(f"could not be read ({type(error).__name__})"))
    return facts + unread[:1]


def _start_worker() -> None:
    """An interrupt is for the process that was started by the user; it ends the others."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _work(batch: list[Source], stage: Stage) -> list[bytes]:
    """Runs in a worker, which ends with the audit: collecting garbage would only cost time."""
    gc.disable()
    sys.setrecursionlimit(20_000)
    return [_encoded(extract_source(source, stage), stage) for source in batch]


def _encoded(facts: list[Fact], stage: Stage) -> bytes:
    """Facts for the way between processes; text that no encoding holds makes a file unread."""
    encoder, _ = _codec(stage is Stage.TEXTS)
    try:
        return encoder.encode(facts)
    except (UnicodeEncodeError, OverflowError, RecursionError) as error:
        return encoder.encode([Unread(f"could not be read ({type(error).__name__})")])


Facts = dict[str, tuple[Fact, ...]]


class Extraction:
    """The facts of a tree's files, by path in the tree's order.

    Processes take them while this one goes on; they are waited for when they are asked for. `late`
    False leaves out the facts that take long, `texts_only` all that is not told by the text alone.
    """

    def __init__(
        self,
        tree: Tree,
        jobs: int | None = None,
        cache: Cache | None = None,
        progress: Progress = lambda done, total: None,
        late: bool = True,
        texts_only: bool = False,
    ) -> None:
        self.texts_only = texts_only
        _codec(texts_only)
        run = _Run(tree, cache, Workers(jobs or _processors()))
        self._workers, self._progress = run.workers, progress
        self._wait_early = run.start(Stage.TEXTS if texts_only else Stage.EARLY)
        late = late and not texts_only
        self._wait_late = run.start(Stage.LATE) if late else lambda progress: {}

    @functools.cached_property
    def facts(self) -> Facts:
        return self._wait_early(self._progress)

    @functools.cached_property
    def late_facts(self) -> Facts:
        return self._wait_late(lambda done, total: None)

    def close(self) -> None:
        """End the processes; what has not been asked for is given up."""
        self._workers.close()


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Workers:
    """Processes that extract; small work is done in this one, when its result is wanted."""

    def __init__(self, jobs: int) -> None:
        self.jobs = jobs
        self._pool: ProcessPoolExecutor | None = None

    def submit(
        self, batches: list[list[Source]], stage: Stage
    ) -> list[Future[list[bytes]] | _Lazy]:
        size = sum(len(source.data) for batch in batches for source in batch)
        if self._pool is None and (self.jobs <= 1 or size < _SMALL):
            return [_Lazy(batch, stage) for batch in batches]
        if self._pool is None:
            import multiprocessing  # slow to import, and small trees do without
            from concurrent.futures import ProcessPoolExecutor

            context = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
            self._pool = ProcessPoolExecutor(self.jobs, context, _start_worker)
        return [self._pool.submit(_work, batch, stage) for batch in batches]

    def close(self) -> None:
        if self._pool is not None:
            for process in list(self._pool._processes.values()):
                process.kill()  # there is no public way before Python 3.14, and one may hang
            self._pool.shutdown(wait=False, cancel_futures=True)


class _Lazy(msgspec.Struct, frozen=True):
    """Work that is done in this process when somebody asks for it."""

    batch: list[Source]
    stage: Stage

    def result(self) -> list[bytes]:
        return _work(self.batch, self.stage)


@dataclass
class _Run:
    """One extraction: which contents there are, which facts are known, which must be taken."""

    tree: Tree
    cache: Cache | None
    workers: Workers
    failed: Facts = field(default_factory=dict)

    @functools.cached_property
    def sources(self) -> dict[str, Source]:
        found = {}
        for file in self.tree.files:
            try:
                found[file.path] = _source(self.tree, file)
            except OSError as error:
                self.failed[file.path] = (Unread((error.strerror or "cannot be read").lower()),)
        return found

    @functools.cached_property
    def digests(self) -> dict[str, bytes]:
        version = _version() if self.cache else ""
        return {
            path: _key_of(version, source.kind, source.role, source.name, source.data)
            for path, source in self.sources.items()
        }

    def start(self, stage: Stage) -> Callable[[Progress], Facts]:
        """Begin extracting; the function returned waits for the facts."""
        texts_only = stage is Stage.TEXTS
        keys = {path: digest + bytes([stage]) for path, digest in self.digests.items()}
        wanted = {
            key: source
            for path, key in keys.items()
            if extractors_for(source := self.sources[path], stage)
        }
        known = self._known(wanted, texts_only)
        missing = {key: source for key, source in wanted.items() if key not in known}
        batches = _batches(missing, _LATE_BATCH if stage is Stage.LATE else _BATCH)
        futures = self.workers.submit([[missing[key] for key in batch] for batch in batches], stage)

        def wait(progress: Progress) -> Facts:
            fresh: dict[bytes, bytes] = {}
            for done, (batch, future) in enumerate(zip(batches, futures, strict=True), 1):
                fresh |= _collect(batch, future)
                progress(done, len(batches))
            if self.cache:
                self.cache.put(fresh)
            encoder, decoder = _codec(texts_only)
            decoded = known | {key: tuple(decoder.decode(data)) for key, data in fresh.items()}
            taken: set[bytes] = set()

            def own(key: bytes) -> tuple[Fact, ...]:
                """Two files of one content share no node: what is known of nodes tells them apart."""
                facts: tuple[Fact, ...] = decoded.get(key, ())
                if key in taken and any(type(fact).parsed for fact in facts):
                    facts = tuple(decoder.decode(encoder.encode(list(facts))))
                taken.add(key)
                return facts

            return {
                file.path: own(keys.get(file.path, b""))
                + (() if stage is Stage.LATE else self.failed.get(file.path, ()))
                for file in self.tree.files
            }

        return wait

    def _known(
        self, wanted: dict[bytes, Source], texts_only: bool
    ) -> dict[bytes, tuple[Fact, ...]]:
        _, decoder = _codec(texts_only)
        known = {}
        for key, data in (self.cache.get(wanted) if self.cache else {}).items():
            try:
                known[key] = tuple(decoder.decode(data))
            except (msgspec.DecodeError, RecursionError):
                continue  # damaged: taken again
        return known


def _source(tree: Tree, file: SourceFile) -> Source:
    return Source(file.kind, file.role, file.path.rpartition("/")[2], read(tree, file))


@functools.cache
def _version() -> str:
    """What facts depend on besides the file: this program and the interpreter that parses."""
    return f"{auditor.__version__} {sys.version_info[:2]} {auditor.code_digest()}"


def _collect(keys: list[bytes], future: Future[list[bytes]] | _Lazy) -> dict[bytes, bytes]:
    if isinstance(future, _Lazy):
        return dict(zip(keys, future.result(), strict=True))
    from concurrent.futures.process import BrokenProcessPool

    try:
        return dict(zip(keys, future.result(_TIME_LIMIT), strict=True))
    except (BrokenProcessPool, TimeoutError) as error:
        slow = isinstance(error, TimeoutError)
        reason = "took too long to read" if slow else "reading it ended the worker process"
        encoder, _ = _codec()
        return dict.fromkeys(keys, encoder.encode([Unread(reason)]))


def _batches(sources: dict[bytes, Source], size: int) -> list[list[bytes]]:
    """Keys in tasks of some size, the biggest files first and alone."""
    batches: list[list[bytes]] = []
    room = 0
    for key, source in sorted(sources.items(), key=lambda item: -len(item[1].data)):
        if not batches or room < len(source.data):
            batches.append([])
            room = size
        batches[-1].append(key)
        room -= len(source.data)
    return batches


def _key_of(*parts: bytes | str) -> bytes:
    """A digest of parts, unambiguous about where one ends."""
    digest = hashlib.blake2b(digest_size=20)
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "little") + data)
    return digest.digest()
