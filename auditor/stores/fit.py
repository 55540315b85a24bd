"""How the queries of each collection fit its indexes."""

from __future__ import annotations

from collections import defaultdict

from auditor.link.application import Application, provides
from auditor.model.data import CollectionFit, Fit, Index, Query, serves
from auditor.model.web import WebApp


@provides(CollectionFit)
def collections(application: Application) -> list[CollectionFit]:
    """Every collection that is queried, by application and name."""
    units = [app.name for app in application.facts(WebApp)]
    queries: dict[tuple[str, str], list[Query]] = defaultdict(list)
    indexes: dict[tuple[str, str], list[Index]] = defaultdict(list)
    for query in application.facts(Query):
        queries[unit_of(query.place.path, units), query.collection].append(query)
    for index in application.facts(Index):
        indexes[unit_of(index.place.path, units), index.collection].append(index)
    found = []
    for key in sorted(queries.keys() | indexes.keys()):
        declared = indexes[key]
        live = tuple(i for i in declared if i.run)
        fits = tuple((q, fit(q, live)) for q in queries[key] if q.reads)
        if fits or declared:
            idle = tuple(i for i in declared if not i.run)
            found.append(CollectionFit(*key, "mongodb", fits, live, idle))
    return found


def unit_of(path: str, units: list[str]) -> str:
    """The application that a file belongs to: the one whose directory holds it, closest first."""
    inside = [unit for unit in units if unit != "." and path.startswith(unit + "/")]
    return max(
        inside, key=len, default="." if "." in units else (units[0] if len(units) == 1 else "")
    )


def fit(query: Query, indexes: tuple[Index, ...]) -> Fit:
    """How the best of the indexes serves a query; `_id` always has one."""
    if query.unresolved or not query.collection:
        return Fit.UNKNOWN
    if "_id" in query.equality:
        return Fit.COVERED
    if not query.fields and not query.sort:
        return Fit.UNKNOWN if query.operation == "aggregate" else Fit.COVERED
    found = {serves(index, query) for index in indexes}
    for each in (Fit.COVERED, Fit.PARTIAL):
        if each in found:
            return each
    return Fit.MISSING
