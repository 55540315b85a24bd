"""What pages of Django's administration ask with what they are handed.

Sources: https://docs.djangoproject.com/en/stable/ref/contrib/admin/#modeladmin-methods,
https://docs.djangoproject.com/en/stable/ref/contrib/admin/actions/,
https://docs.djangoproject.com/en/stable/ref/contrib/admin/#django.contrib.admin.ModelAdmin.list_display.
"""

from __future__ import annotations

from collections.abc import Iterator

from auditor.extract.python import tree as t
from auditor.link.scopes import Located, place_of
from auditor.stores.sql.conditions import Draft, Test, Untold
from auditor.stores.sql.django.managers import administered, hand, is_admin, method_of
from auditor.stores.sql.entities import Entity
from auditor.stores.sql.reading.frames import Reading, reads_classes
from auditor.stores.sql.reading.things import Row

_HANDED = ("save_model", "delete_model")
"""Methods that get the object after the request."""

_SHOWN = ("list_display", "readonly_fields")
"""Attributes that name functions which get each object that is shown."""


@reads_classes
def page(reading: Reading, found: Located, ancestry: list[str]) -> None:
    if not is_admin(ancestry[1:]):
        return
    for entity in administered(reading, found):
        for name in _HANDED:
            hand(reading, found, method_of(reading, found, name), 2, Row(entity))
        whole = method_of(reading, found, "delete_queryset")
        for action in (whole, *_named(reading, found, "actions")):
            if action is not None:
                hand(reading, found, action, 2, _chosen(action, entity, reading))
        for shown in _SHOWN:
            for column in _named(reading, found, shown):
                if column is not None:
                    after_self = int(isinstance(column.scope.owner, t.Class))
                    hand(reading, found, column, after_self, Row(entity))
        for kind in _filters(reading, found):
            if (method := method_of(reading, kind, "queryset")) is not None:
                hand(reading, kind, method, 2, _list(method, entity, reading))


def _named(reading: Reading, found: Located, attribute: str) -> Iterator[Located | None]:
    """The functions that `actions` or `list_display` names: `[publish, "archive"]`."""
    for given in reading.values.attribute(found, attribute)[:1]:
        for item in given.node.items if isinstance(given.node, t.Seq) else ():
            match item:
                case t.Const(value=str(name)):
                    yield method_of(reading, found, name)
                case t.Name() | t.Attr():
                    yield reading.code.defined(item, given.scope)


def _filters(reading: Reading, found: Located) -> Iterator[Located]:
    """The classes of filters that `list_filter` names: `["city", PaidFilter]`."""
    for given in reading.values.attribute(found, "list_filter")[:1]:
        for item in given.node.items if isinstance(given.node, t.Seq) else ():
            kind = reading.code.defined(item, given.scope)
            if kind is not None and isinstance(kind.node, t.Class):
                yield kind


def _list(method: Located, entity: Entity, reading: Reading) -> Draft:
    """What a filter gets: the list of the page, before it is narrowed.

    Source: https://docs.djangoproject.com/en/stable/ref/contrib/admin/filters/#using-a-simplelistfilter.
    """
    place = place_of(Located(method.node, reading.code.inside(method)))
    return Draft("django", entity, place, manager=True, assumed=True)


def _chosen(action: Located, entity: Entity, reading: Reading) -> Draft:
    """What an action gets: the objects that were ticked in the list, by their keys."""
    key = entity.key
    where = Test(entity.table, key.name) if key else Untold("the primary key is not known")
    place = place_of(Located(action.node, reading.code.inside(action)))
    return Draft("django", entity, place, where=(where,))
