"""Queries of SQL stores, whatever mapper or driver asks them."""

from __future__ import annotations

from auditor.link.application import Application, provides
from auditor.model.data import Query
from auditor.stores import django_queries, peewee_queries, sql_text, sqlalchemy_queries
from auditor.stores.conditions import Draft, shapes
from auditor.stores.reading import Reading

_MAPPERS = (django_queries, peewee_queries, sqlalchemy_queries, sql_text)
"""Imported for what they register."""


@provides(Reading)
def reading(application: Application) -> list[Reading]:
    return [Reading(application)]


@provides(Query)
def queries(application: Application) -> list[Query]:
    """Every query that the code puts together, as far as it goes: each last step is one."""
    (read,) = application.facts(Reading)
    earlier = {id(d.origin) for d in read.drafts if d.origin is not None}
    found: dict[Query, None] = {}
    for draft in read.drafts:
        if id(draft) in earlier or id(draft) in read.dropped or draft.manager:
            continue
        if not _asked(read, draft):
            continue
        for query in shapes(draft):
            found.setdefault(query)
    return sorted(found, key=lambda q: (q.place, q.operation, q.equality, q.range, q.sort, q.collection))  # fmt: skip


def _asked(read: Reading, draft: Draft) -> bool:
    """Whether it is a query of its own: not `select(1)`, not one that its callers complete."""
    if draft.entity is None and not draft.unresolved:
        return False
    return not (draft.unknown_parameter and draft.unknown_parameter in read.bound_functions)
