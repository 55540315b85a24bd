"""Running the application: logs, error trackers."""

from __future__ import annotations

import msgspec

from auditor.model.places import Place
from auditor.model.values import Value


class LogSetup(msgspec.Struct, frozen=True):
    """A place that sets up logging; `run` is empty where nothing runs it.

    `structured` is None where another package decides.
    """

    library: str
    structured: bool | None
    place: Place
    run: str


class Print(msgspec.Struct, frozen=True):
    """A `print` in code that the application runs."""

    place: Place


class Tracker(msgspec.Struct, frozen=True):
    """An error tracker's set-up. `dsn` is where it reports to; `run` empty where nothing runs it."""

    name: str
    place: Place
    dsn: Value | None
    needs_dsn: bool
    run: str


class OwnReport(msgspec.Struct, frozen=True):
    """Errors that code of the tree reports by itself.

    `how` is posts (what nothing caught is sent to `where`), keeps (it is written down) or caught (errors
    are sent in so many handlers, and what nothing catches is not).
    """

    how: str
    where: str
    places: int
    place: Place


class LoggedValue(msgspec.Struct, frozen=True):
    """Something that a log keeps and should not: `what` is a secret, personal data or a whole request."""

    what: str
    name: str
    place: Place


class OutboundCall(msgspec.Struct, frozen=True):
    """A call to another system. `limit` is its timeout: "given", "default", "long", "none", "unknown"."""

    library: str
    limit: str
    serving: bool
    """Whether the application runs it when it serves."""
    place: Place


class Retry(msgspec.Struct, frozen=True):
    """A retry that waits longer each time, or does not (`backoff` False)."""

    library: str
    backoff: bool
    place: Place


class Swallowed(msgspec.Struct, frozen=True):
    """A handler of nearly every exception that leaves no trace.

    `answers` where it sits in a route and the caller is told that all is well.
    """

    caught: str
    answers: bool
    serving: bool
    place: Place


class Telemetry(msgspec.Struct, frozen=True):
    """Metrics or traces; `run` is empty where nothing runs the set-up, `exposed` whether they get out."""

    name: str
    exposed: bool
    run: str
    place: Place


class Resource(msgspec.Struct, frozen=True):
    """A client, pool or worker that lives as long as the application, and where it is closed."""

    kind: str
    name: str
    place: Place
    closed: Place | None
    run: str
    """What runs the place that closes it; empty where nothing does."""


class BrowserErrors(msgspec.Struct, frozen=True):
    """A front end, and the tracker that its errors go to; `name` is empty where there is none."""

    name: str
    addressed: bool
    place: Place
