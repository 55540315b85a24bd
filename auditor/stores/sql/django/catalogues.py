"""Django's tables of which the code finds records by names of its own, and to which it adds none.

`State.objects.get(code=State.PAID)`, `Doctor.objects.filter(sectors__code="ECO")`: states, sectors, methods of payment,
which a fixture or the administration fills. How many there are, the code does not say. Told where nothing of the tree makes
records of them, and of which other models refer to them and their columns do no more than to describe an entry: of others
only where the code never asks but for one by its name, `Clinic.objects.get(name="main")`.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from auditor.extract.python import tree as t
from auditor.link.application import Application, provides
from auditor.stores.makings import makings
from auditor.stores.short_lists import describes_entries
from auditor.stores.sql.entities import Entities, Entity, Relation


class Catalogue(msgspec.Struct, frozen=True):
    """A table to which only a fixture or the administration adds; `described` where it holds what others refer to."""

    table: str
    described: bool


@provides(Catalogue)
def catalogues(application: Application) -> Iterator[Catalogue]:
    (entities,) = application.facts(Entities)
    models = [entity for entity in entities if entity.mapper == "django"]
    referred = {
        x.target for entity in models for x in entity.relations.values() if _refers(x, entity)
    }
    for entity in models:
        columns = [column.name for column in entity.stored()]
        if entity.found is None or not entity.managed:
            continue
        if not any(True for _ in makings(application, entity)):
            described = entity.name in referred and describes_entries(entity.table, columns, most=0)
            yield Catalogue(entity.table, described)


def _refers(relation: Relation, entity: Entity) -> bool:
    """Whether a model has the key of another one: in a column, or in a table between that it declares."""
    if relation.target == entity.name:
        return False
    body = entity.found.node.body if entity.found is not None else []  # type: ignore[attr-defined]
    named = {
        x.id for s in body if isinstance(s, t.Assign) for x in s.targets if isinstance(x, t.Name)
    }
    return relation.attribute in (named if relation.through is not None else entity.columns)
