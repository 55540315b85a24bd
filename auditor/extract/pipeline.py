"""Extraction: every file's facts, in parallel, each content once, kept between runs."""

from __future__ import annotations

import functools
import importlib
import logging
import multiprocessing
import os
import pkgutil
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from typing import Any

import msgspec

import auditor
from auditor.discover import SourceFile, Tree, read
from auditor.extract import readers
from auditor.extract.cache import Cache, key_of
from auditor.extract.facts import Fact, Unread
from auditor.extract.source import Source, Unreadable, extractors_for

log = logging.getLogger(__name__)

_SMALL = 300_000
"""Bytes that are read sooner in this process than by starting others."""
_BATCH = 120_000
"""Bytes one task takes, so that small files do not cost a round trip each."""

Progress = Callable[[int, int], None]


@functools.cache
def _codec() -> tuple[msgspec.msgpack.Encoder, Any]:
    """Encoder and decoder for the facts of all readers."""
    for module in pkgutil.iter_modules(readers.__path__):
        importlib.import_module(f"{readers.__name__}.{module.name}")
    kinds = sorted(_subclasses(Fact), key=lambda kind: kind.__name__)
    union: Any = functools.reduce(lambda a, b: a | b, kinds)
    return msgspec.msgpack.Encoder(), msgspec.msgpack.Decoder(list[union])


def _subclasses(kind: type[Fact]) -> list[type[Fact]]:
    return [each for sub in kind.__subclasses__() for each in (sub, *_subclasses(sub))]


def extract_source(source: Source) -> list[Fact]:
    """What all extractors say of one file. What cannot be read says so; nothing is raised."""
    facts: list[Fact] = []
    for extractor in extractors_for(source):
        try:
            facts.extend(extractor(source))
        except Unreadable as error:
            facts.append(Unread(str(error), error.line, error.column))
        except Exception as error:  # noqa: BLE001 - hostile input must not end the audit
            log.debug("%s: %s failed", source.name, extractor.__name__, exc_info=True)
            facts.append(Unread(f"could not be read ({type(error).__name__})"))
    unread = [fact for fact in facts if isinstance(fact, Unread)]
    return [fact for fact in facts if not isinstance(fact, Unread)] + unread[:1]


def _work(batch: list[Source]) -> list[bytes]:
    sys.setrecursionlimit(20_000)
    encoder, _ = _codec()
    return [encoder.encode(extract_source(source)) for source in batch]


def extract_all(
    tree: Tree,
    jobs: int | None = None,
    cache: Cache | None = None,
    progress: Progress = lambda done, total: None,
) -> dict[str, tuple[Fact, ...]]:
    """The facts of every file of the tree, by path, in the tree's order."""
    _, decoder = _codec()
    paths: dict[bytes, list[str]] = {}
    sources: dict[bytes, Source] = {}
    failed: dict[str, Fact] = {}
    for file in tree.files:
        try:
            source = _source(tree, file)
        except OSError as error:
            failed[file.path] = Unread((error.strerror or "cannot be read").lower())
            continue
        key = key_of(_version(), source.kind, source.role, source.name, source.data)
        paths.setdefault(key, []).append(file.path)
        sources[key] = source
    encoded = cache.get(sources) if cache else {}
    facts: dict[bytes, tuple[Fact, ...]] = {}
    for key, data in encoded.items():
        try:
            facts[key] = tuple(decoder.decode(data))
        except (msgspec.DecodeError, RecursionError):
            continue  # damaged: extracted again below
    missing = {key: source for key, source in sources.items() if key not in facts}
    fresh = _extract(missing, jobs, progress)
    facts |= {key: tuple(decoder.decode(data)) for key, data in fresh.items()}
    if cache:
        cache.put(fresh)
    by_path = {path: facts[key] for key, found in paths.items() for path in found}
    return {
        file.path: by_path.get(file.path) or tuple(filter(None, [failed.get(file.path)]))
        for file in tree.files
    }


def _source(tree: Tree, file: SourceFile) -> Source:
    return Source(file.kind, file.role, file.path.rpartition("/")[2], read(tree, file))


@functools.cache
def _version() -> str:
    """What facts depend on besides the file: this program and the interpreter that parses."""
    return f"{auditor.__version__} {sys.version_info[:2]} {auditor.code_digest()}"


def _extract(sources: dict[bytes, Source], jobs: int | None, progress: Progress) -> dict[bytes, bytes]:
    jobs = jobs or len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else jobs or os.cpu_count() or 1
    total = sum(len(source.data) for source in sources.values())
    if jobs <= 1 or total < _SMALL:
        return dict(zip(sources, _work(list(sources.values())), strict=True))
    batches = _batches(sources)
    results: dict[bytes, bytes] = {}
    context = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
    with ProcessPoolExecutor(min(jobs, len(batches)), context) as pool:
        futures: dict[Future[list[bytes]], list[bytes]] = {
            pool.submit(_work, [sources[key] for key in batch]): batch for batch in batches
        }
        for done, future in enumerate(as_completed(futures), 1):
            batch = futures[future]
            try:
                results.update(zip(batch, future.result(), strict=True))
            except BrokenProcessPool:
                results.update(_died(batch))
            progress(done, len(batches))
    return results


def _died(keys: Iterable[bytes]) -> dict[bytes, bytes]:
    encoder, _ = _codec()
    lost = encoder.encode([Unread("reading it ended the worker process")])
    return dict.fromkeys(keys, lost)


def _batches(sources: dict[bytes, Source]) -> list[list[bytes]]:
    """Keys in tasks of some size, the biggest files first and alone."""
    batches: list[list[bytes]] = []
    room = 0
    for key, source in sorted(sources.items(), key=lambda item: -len(item[1].data)):
        if room < len(source.data):
            batches.append([])
            room = _BATCH
        batches[-1].append(key)
        room -= len(source.data)
    return batches
