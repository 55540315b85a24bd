"""What an application shows to browsers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PageServer:
    """A route that answers with a page of HTML; `name` as of the route."""

    application: str
    name: str
