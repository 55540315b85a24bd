"""Django's tables of which the code finds records by names of its own, and to which it adds no others.

`State.objects.get(code=State.PAID)`, `Doctor.objects.filter(sectors__code="ECO")`: states, sectors, methods of payment,
which a fixture or the administration fills, or the code itself by names of its own (`State.objects.get_or_create(code="paid")`).
How many there are, the code does not say. Told where nothing else of the tree makes records of them, and of which other
models refer to them and their columns do no more than to describe an entry: of others only where the code never asks but
for one by its name, `Clinic.objects.get(name="main")`.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from auditor.extract.python import tree as t
from auditor.link.application import Application, provides
from auditor.link.scopes import CallSite
from auditor.model.values import Known
from auditor.stores.makings import FINDS_OR_MAKES, makings
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
        if entity.found is None or not entity.managed:
            continue
        made = list(makings(application, entity))
        others = [site for site in made if site is None or not _names(application, site)]
        besides_forms = len(others) < len(made) and not any(others)
        if not others or besides_forms:  # a form adds to the code's own at most
            names = {k.name for site in made if site is not None for k in site.node.keywords}
            columns = [column.name for column in entity.stored() if column.name not in names]
            described = entity.name in referred and describes_entries(entity.table, columns, most=0)
            yield Catalogue(entity.table, described)


def _names(application: Application, site: CallSite) -> bool:
    """Whether what is made is what the code names, where it is not there."""
    given = site.node.keywords
    told = t.last_word(site.node.func) in FINDS_OR_MAKES and bool(given) and not site.node.args
    return told and all(
        k.name == "defaults" or isinstance(application.values.value(k.value, site.scope), Known)
        for k in given
    )


def _refers(relation: Relation, entity: Entity) -> bool:
    """Whether a model has the key of another one: in a column, or in a table between that it declares."""
    if relation.target == entity.name:
        return False
    body = entity.found.node.body if entity.found is not None else []  # type: ignore[attr-defined]
    named = {
        x.id for s in body if isinstance(s, t.Assign) for x in s.targets if isinstance(x, t.Name)
    }
    return relation.attribute in (named if relation.through is not None else entity.columns)
