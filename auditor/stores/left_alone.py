"""Queries without an index that are left alone: nobody waits for them, or they find half of all there is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from auditor.link.application import Application
from auditor.model.data import Bound, Fit, Match, Query, Table
from auditor.stores.flags import may_be_most, moves_on
from auditor.stores.matching import Need, perhaps_few
from auditor.stores.offered import Offered
from auditor.stores.sql.entities import Entities
from auditor.stores.waiting.errands import Errands

_NAMES = re.compile(
    r"(?:^|_|\.)(?i:id|pk|uuid|guid|email|e_mail|mail|token|key|slug|code|url|uri|name|username|phone|hash|number|date|time|at|on|by|title"
    r"|address|text|content|description|path)$|[a-z]Id$|\."
)
"""Fields that tell one record from another, whatever values the code itself spells out."""


_MOST = "it asks for a {} that most records may have: how many do, the code does not tell"
_OFFERED = "{} takes one of {} values: how many records have one of them, the code does not tell"
_FEW = 5
"""Of how many values one may well be what a fifth of all records have, or nearly all."""
_ABOVE = "how many records have more than 0 of {}, the code does not tell"


class LeftAlone:
    """What becomes of a match when the application as a whole is looked at."""

    def __init__(
        self,
        application: Application,
        fits: Iterable[tuple[Query, Match]],
        tables: Mapping[tuple[str, str], Table],
    ) -> None:
        (self.errands,) = application.facts(Errands)
        self._attributes = {key: dict(table.attributes) for key, table in tables.items()}
        (entities,) = application.facts(Entities)
        self._tables = entities.by_table
        self._owners = {e.table: re.split(r"[:.]", e.name)[-1] for e in entities}
        fits = list(fits)
        alone = {self._alone(query, match) for query, match in fits}
        alone |= {self._ordering(query) for query, _ in fits}
        self.offered = Offered(application, alone - {""})

    def match(self, query: Query, match: Match) -> Match:
        if match.fit not in (Fit.MISSING, Fit.PARTIAL):
            return match
        why = self.errands.why(query.place)
        if not why and (name := self._alone(query, match)) and self._takes_two(query, name):
            if few := perhaps_few(query):
                return few
            why = f"{name} takes one of two values: it alone finds too much for an index to help"
        if not why and (name := self._ordering(query)) and self.offered.is_truth(name):
            why = f"{name} takes one of two values, and all is read: to put one half first needs no index"
        if why:
            return Match(Fit.COVERED, why=why)
        left = {*match.missing} if match.fit is Fit.MISSING else set()
        if left and left <= {*query.above} and not Need.of(query).sort:
            names = ", ".join(match.missing)
            return Match(Fit.UNKNOWN, missing=match.missing, why=_ABOVE.format(names))
        if self._asks_for_most(query, match) or _asks_for_nothing(query, match):
            why = _MOST.format(*match.missing)
            return Match(Fit.UNKNOWN, missing=match.missing, why=why)
        if 0 < (choices := self._choices(query, match)) <= _FEW:
            why = _OFFERED.format(*match.missing, choices)
            return Match(Fit.UNKNOWN, missing=match.missing, why=why)
        return match

    def _choices(self, query: Query, match: Match) -> int:
        """How many values the field has that a query asks for alone: not of what records soon leave."""
        column, name = _only(query, match), self._alone(query, match)
        if moves_on(name or column):
            return 0
        entity = self._tables.get(query.collection) if query.store == "sql" else None
        stored = entity.stored() if entity is not None and column else ()
        # whatever it is called: `letter_key`
        told = max((c.choices for c in stored if c.name == column), default=0)
        return told or self.offered.how_many(name)

    def _asks_for_most(self, query: Query, match: Match) -> bool:
        """Whether a query asks alone for a value that nearly all records may have."""
        if not self._alone(query, match):
            return False
        (name,) = match.missing
        told = [value for field, value in query.values if field == name and query.store == "mongodb"]  # fmt: skip
        return name in query.most or may_be_most(name, tuple(told), ())

    def _takes_two(self, query: Query, name: str) -> bool:
        if query.store == "mongodb" and self.offered.is_truth(name):
            return True  # documents are declared nowhere: what asks for it says what it is
        owner = self._owners.get(query.collection, "") if query.store == "sql" else ""
        return self.offered.two(name, owner)

    @staticmethod
    def _ordering(query: Query) -> str:
        """The field that a whole collection is read in the order of."""
        need = Need.of(query)
        if need.filters or need.scanned or query.special or len(need.sort) != 1:
            return ""
        return need.sort[0][0] if query.bound is Bound.NONE and query.store == "mongodb" else ""

    def _alone(self, query: Query, match: Match) -> str:
        """The attribute that is all that a query asks for, where it may be one of few values."""
        name = _only(query, match)
        if _NAMES.search(name):
            return ""
        return self._attributes.get((query.store, query.collection), {}).get(name, name)


def _only(query: Query, match: Match) -> str:
    """The field that is all that a query asks for."""
    need = Need.of(query)
    if match.fit is not Fit.MISSING or need.sort or len(match.missing) != 1:
        return ""
    return match.missing[0] if match.missing[0] in need.equality else ""


def _asks_for_nothing(query: Query, match: Match) -> bool:
    """Whether a query of MongoDB asks only for documents without a field: those that are still open, or nearly all."""
    if query.store != "mongodb" or match.fit is not Fit.MISSING or Need.of(query).sort:
        return False
    return len(match.missing) == 1 and (match.missing[0], None) in query.values
