"""Error trackers of front ends, by the calls that start them in JavaScript and TypeScript.

Sources: the set-up pages of Sentry, Rollbar, Bugsnag, Datadog RUM, Honeybadger, LogRocket, Elastic RUM.
"""

from __future__ import annotations

from collections.abc import Iterator

import re2

from auditor.discover import Kind, Role
from auditor.extract.facts import Fact
from auditor.extract.markup import at, items, read_json
from auditor.extract.source import Source, extracts


class BrowserTracker(Fact, frozen=True):
    """A tracker that front-end code starts; `empty` where it is given an empty address."""

    name: str
    empty: bool
    line: int


class ComponentLibrary(Fact, frozen=True):
    """A package.json of components that a front end uses: who runs it brings the framework along."""

    line: int


@extracts(Kind.MANIFEST, name=r"package\.json")
def component_libraries(source: Source) -> Iterator[Fact]:
    if '"peerDependencies"' in source.text:
        document = read_json(source.text)
        if any(name in _FRAMEWORKS for name, _ in items(at(document.data, "peerDependencies"))):
            yield ComponentLibrary(document.line("peerDependencies"))
            return
    if '"exports"' in source.text and '"private"' in source.text:
        document = read_json(source.text)
        scripts = {name for name, _ in items(at(document.data, "scripts"))}
        if not scripts & {"start", "dev", "serve", "preview", "build"}:
            yield ComponentLibrary(document.line("exports"))


_FRAMEWORKS = {"react", "react-dom", "next", "vue", "svelte", "@angular/core", "preact"}
_CALLS = (
    ("Sentry", b"Sentry", re2.compile(rb"\bSentry\.init\(|\bSentry\.(?:withErrorBoundary|captureException)\(")),
    ("Rollbar", b"ollbar", re2.compile(rb"new Rollbar\(|\bRollbar\.init\(|<Provider[^>]*rollbar")),
    ("Bugsnag", b"ugsnag", re2.compile(rb"\bBugsnag\.start\(|\bbugsnag\(")),
    ("Datadog RUM", b"datadog", re2.compile(rb"\bdatadog(?:Rum|Logs)\.init\(")),
    ("Honeybadger", b"oneybadger", re2.compile(rb"\bHoneybadger\.configure\(")),
    ("LogRocket", b"LogRocket", re2.compile(rb"\bLogRocket\.init\(")),
    ("Elastic RUM", b"apm-rum", re2.compile(rb"\binitApm\(|\binit\(\{")),
    ("PostHog", b"posthog", re2.compile(rb"captureException|capture_exceptions")),
    ("Application Insights", b"ApplicationInsights", re2.compile(rb"new ApplicationInsights\(")),
)  # fmt: skip
_EMPTY = re2.compile(rb"\b(?:dsn|accessToken|apiKey)\s*:\s*(?:\"\"|''|``|undefined|null)")


@extracts(Kind.JAVASCRIPT)
def browser_trackers(source: Source) -> Iterator[Fact]:
    if source.role is not Role.SOURCE:
        return
    for name, word, pattern in _CALLS:
        if word in source.data and (match := pattern.search(source.data)):
            line = source.data.count(b"\n", 0, match.start()) + 1
            yield BrowserTracker(
                name, bool(_EMPTY.search(source.data[match.end() : match.end() + 300])), line
            )
            return
