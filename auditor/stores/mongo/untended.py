"""Collections to which nothing adds that somebody waits for: whether they grow, the code does not tell.

Recipes that each start reads anew from a file, what a script puts in by hand. Told where the application fills most
of its collections itself, and not where it only reads what another program keeps; and of collections of facts alone,
not of those that tell of people or of what happened when.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from auditor.link.application import Application, provides
from auditor.model.data import Query
from auditor.stores.constants import SAVING
from auditor.stores.sql.entities import snake
from auditor.stores.waiting.errands import Asked, Errands

_ADDS = {
    "insert_one", "insert_many", "bulk_write", "update_one", "update_many", "replace_one", "find_one_and_update",
    "find_one_and_replace",
}  # fmt: skip
_TELLS = re.compile(
    r"(?:^|_)(?:e?_?mail|password|token|hash|secret|phone|session|ip|user(?:name)?|customer|client|account|owner|author|member|company|tenant"
    r"|employee|student|patient|seller|status|state|amount|total|balance|message|comment|body)(?:_?id)?$"
    r"|(?:^|_)(?:date|time|day|at|on|timestamp|created|updated)$"
)
"""Fields of who somebody is, and of what happened when."""


class Untended(msgspec.Struct, frozen=True):
    """A collection that is asked, and to which nothing adds but what is run at the start or by hand."""

    name: str


@provides(Untended)
def untended(application: Application) -> Iterator[Untended]:
    if application.code.imports(*SAVING):
        return
    (errands,) = application.facts(Errands)
    queries = [query for query in application.facts(Query) if query.store == "mongodb"]
    adding = [q for q in queries if q.operation in _ADDS and errands.of(q.place) is Asked.LIVE]
    if any(not q.collection or "{" in q.collection for q in adding):
        return  # it may add to any
    read = {query.collection for query in queries if query.reads and query.collection}
    left = read - {query.collection for query in adding}
    left -= {query.collection for query in queries if _tells(query)}
    if 2 * len(left) <= len(read):
        yield from map(Untended, sorted(left))


def _tells(query: Query) -> bool:
    """Whether a query asks for people, or for what happened when."""
    fields = (*query.fields, *query.scanned, *(field for field, _ in query.sort))
    return any(_TELLS.search(snake(field.rpartition(".")[2])) for field in fields)
