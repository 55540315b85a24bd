"""Running the application: logs, error trackers."""

from __future__ import annotations

from dataclasses import dataclass

from auditor.model.places import Place
from auditor.model.values import Value


@dataclass(frozen=True, slots=True)
class LogSetup:
    """A place that sets up logging; `run` is empty where nothing runs it.

    `structured` is None where another package decides.
    """

    library: str
    structured: bool | None
    place: Place
    run: str


@dataclass(frozen=True, slots=True)
class Print:
    """A `print` in code that the application runs."""

    place: Place


@dataclass(frozen=True, slots=True)
class Tracker:
    """An error tracker's set-up. `dsn` is where it reports to; `run` empty where nothing runs it."""

    name: str
    place: Place
    dsn: Value | None
    needs_dsn: bool
    run: str


@dataclass(frozen=True, slots=True)
class LoggedValue:
    """Something that a log keeps and should not: `what` is a secret, personal data or a whole request."""

    what: str
    name: str
    place: Place


@dataclass(frozen=True, slots=True)
class OutboundCall:
    """A call to another system. `limit` is its timeout: "given", "default", "long", "none", "unknown"."""

    library: str
    limit: str
    serving: bool
    """Whether the application runs it when it serves."""
    place: Place


@dataclass(frozen=True, slots=True)
class Retry:
    """A retry that waits longer each time, or does not (`backoff` False)."""

    library: str
    backoff: bool
    place: Place


@dataclass(frozen=True, slots=True)
class Swallowed:
    """A handler of nearly every exception that leaves no trace.

    `answers` where it sits in a route and the caller is told that all is well.
    """

    caught: str
    answers: bool
    serving: bool
    place: Place


@dataclass(frozen=True, slots=True)
class Telemetry:
    """Metrics or traces; `run` is empty where nothing runs the set-up, `exposed` whether they get out."""

    name: str
    exposed: bool
    run: str
    place: Place


@dataclass(frozen=True, slots=True)
class Resource:
    """A client, pool or worker that lives as long as the application, and where it is closed."""

    kind: str
    name: str
    place: Place
    closed: Place | None
    run: str
    """What runs the place that closes it; empty where nothing does."""


@dataclass(frozen=True, slots=True)
class BrowserErrors:
    """A front end, and the tracker that its errors go to; `name` is empty where there is none."""

    name: str
    addressed: bool
    place: Place
