"""What a route costs on every call: money, or work of the database."""

from __future__ import annotations

import msgspec

from auditor.model.data import Cache
from auditor.model.places import Place
from auditor.model.web import Route


class Costly(msgspec.Struct, frozen=True):
    """A route that calls a paid or abusable service: LLM, SMS, e-mail, payment."""

    route: Route
    what: str
    place: Place


class HeavyRead(msgspec.Struct, frozen=True):
    """A route that reads much on every call; `cached` by what, None where by nothing."""

    route: Route
    reads: int
    place: Place
    cached: Cache | None
