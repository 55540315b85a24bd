"""What an application shows to browsers."""

from __future__ import annotations

import msgspec


class PageServer(msgspec.Struct, frozen=True):
    """A route that answers with a page of HTML; `name` as of the route."""

    application: str
    name: str


class StaticPage(msgspec.Struct, frozen=True):
    """A route that shows a page without any data; `name` as of the route."""

    application: str
    name: str
