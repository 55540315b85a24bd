"""Which routes run a place of the code."""

from __future__ import annotations

from dataclasses import dataclass, field

from auditor.model.places import Place
from auditor.model.web import Route


@dataclass
class Traffic:
    """Asked by place: `routes` is by (path, qualified name) of the function that it stands in."""

    routes: dict[tuple[str, str], list[Route]] = field(default_factory=dict)

    def add(self, path: str, symbol: str, route: Route) -> None:
        self.routes.setdefault((path, symbol), []).append(route)

    def of(self, place: Place) -> tuple[Route, ...]:
        """The routes that run the function of a place, in the order of the inventory."""
        return tuple(self.routes.get((place.path, place.symbol), ()))
