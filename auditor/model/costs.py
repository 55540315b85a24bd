"""What a route sets in motion that costs money or invites abuse."""

from __future__ import annotations

from dataclasses import dataclass

from auditor.model.places import Place
from auditor.model.web import Route


@dataclass(frozen=True, slots=True)
class Costly:
    """A route that calls a paid or abusable service: LLM, SMS, e-mail, payment."""

    route: Route
    what: str
    place: Place
