"""The audit: its stages in order, each a function of the one before."""

from __future__ import annotations

import contextlib
import datetime
import gc
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from auditor.assess.registry import all_rules
from auditor.assess.rule import Rule
from auditor.assess.run import assess
from auditor.assess.verdict import Severity
from auditor.discover import discover
from auditor.discover.walk import selection
from auditor.extract.pipeline import Extraction
from auditor.link.application import Application
from auditor.report.build import build_report
from auditor.report.document import Report
from auditor.waivers import Waiver, Waivers

if TYPE_CHECKING:
    from auditor.advisories.lookup import Lookup

Progress = Callable[[int, int], None]
LOOKED_UP = ("vulnerable-dependencies", "dependency-hygiene")
"""Rules that ask for advisories and release dates: without them nothing is looked up."""


class Request(msgspec.Struct, frozen=True):
    """What is to be audited, and how. `jobs` None takes a process for each processor.

    `rules` is asked while other processes read files: importing rules takes a moment, too. Where
    they are `named`, there are few of them, and what they need is known before files are read.
    """

    root: Path
    rules: Callable[[], Sequence[Rule]] = all_rules
    named: bool = False
    include: Sequence[str] = ()
    exclude: Sequence[str] = ()
    jobs: int | None = None
    cache: Path | None = None
    fail_on: Severity | None = Severity.HIGH
    strict: bool = False
    waivers: Sequence[Waiver] = ()
    lookup: Lookup | None = None
    notes: list[str] = msgspec.field(default_factory=list)
    progress: Progress = lambda done, total: None
    history: bool = False


@contextlib.contextmanager
def load(request: Request, late: bool = False, texts_only: bool = False) -> Iterator[Application]:
    """Discover, extract, link; the processes that extract end with the block.

    `late` takes the facts that take long, too, `texts_only` nothing but what a text tells by itself.
    Raises DiscoveryError when there is nothing to read.
    """
    sys.setrecursionlimit(10_000)  # trees of a few hundred levels, several calls for each
    gc.disable()  # facts live until the end; looking for cycles among them only costs time
    tree = discover(request.root, include=request.include, exclude=request.exclude)
    cache = None
    if request.cache:
        from auditor.extract.cache import Cache

        cache = Cache(request.cache)
    extraction = Extraction(tree, request.jobs, cache, request.progress, late, texts_only)
    try:
        application = Application(tree, extraction, request.lookup)
        if request.history:  # while other processes read the files
            from auditor.extract.history import read_history

            wanted = selection(request.include, request.exclude)
            application.history = read_history(tree.repository, wanted, request.progress)
        yield application
    finally:
        extraction.close()


def audit(request: Request) -> Report:
    """Discover, extract, link, assess, grade: the report."""
    named = request.rules() if request.named else ()
    texts_only = bool(named) and all(rule.texts_only for rule in named)
    with load(request, late=True, texts_only=texts_only) as application:
        rules = named or request.rules()
        if any(rule.id == "workflow-security" for rule in rules):
            from auditor.extract.zizmor import Inspection, installed

            tree = application.tree
            application.inspection = Inspection(tree, installed(tree))  # beside everything else
        if any(rule.id in LOOKED_UP for rule in rules):
            from auditor.model.dependencies import Dependency

            application.lookup.start(application.attempt(Dependency)[0])  # beside everything else
        assessment = assess(application, rules)
        today = datetime.datetime.now(datetime.timezone.utc).date()
        waivers = Waivers(application.tree, request.waivers, today)
        report = build_report(
            application,
            assessment,
            fail_on=request.fail_on,
            strict=request.strict,
            waive=waivers,
            notes=request.notes,
        )
    report.limits.extend(waivers.notes)
    report.limits.extend([] if texts_only else application.lookup.notes)
    report.limits.extend(application.inspection.notes() if application.inspection else ())
    report.limits.extend(application.history.limits if application.history else ())
    return report
