"""Running the application: logs, error trackers."""

from __future__ import annotations

from dataclasses import dataclass

from auditor.model.places import Place
from auditor.model.values import Value


@dataclass(frozen=True, slots=True)
class LogSetup:
    """A place that sets up logging; `run` is empty where nothing runs it."""

    library: str
    structured: bool
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
