"""Which routes run a function, and make the queries in it."""

from __future__ import annotations

from dataclasses import dataclass, field

from auditor.model.data import Query
from auditor.model.places import Place
from auditor.model.web import Route


@dataclass
class Traffic:
    """Routes by (path, qualified name) of the functions that they run.

    Each comes with the collection that the function is run for there, where it is written once for
    many (`shared`, by the function); with an empty text where it is not, or where that is not told.
    """

    routes: dict[tuple[str, str], dict[tuple[int, str], Route]] = field(default_factory=dict)
    shared: dict[tuple[str, str], frozenset[str]] = field(default_factory=dict)

    def add(self, path: str, symbol: str, route: Route, collection: str = "") -> None:
        self.routes.setdefault((path, symbol), {})[id(route), collection] = route

    def of(self, query: Query) -> tuple[Route, ...]:
        """The routes that make a query, in the order of the inventory."""
        key = query.place.path, query.place.symbol
        one_of_many = query.collection in self.shared.get(key, ())
        asking = {
            id(route): route
            for (_, asked), route in self.routes.get(key, {}).items()
            if not one_of_many or asked in ("", query.collection)
        }
        return tuple(asking.values())

    def at(self, place: Place) -> tuple[Route, ...]:
        """The routes that run the function around a place."""
        routes = self.routes.get((place.path, place.symbol), {})
        return tuple({id(route): route for route in routes.values()}.values())
