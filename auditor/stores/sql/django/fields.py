"""Django's fields: which columns they make, and which indexes Django makes for them by itself.

Source: https://docs.djangoproject.com/en/stable/ref/models/fields/ (foreign keys and slugs are indexed).
"""

from __future__ import annotations

import re

from auditor.extract.python import tree as t
from auditor.link.names import Code
from auditor.link.scopes import Located, Scope, argument, place_of
from auditor.stores.flags import first_value, how_many, usual
from auditor.stores.sql.entities import Column, Entities, Entity, last_name, truth

_NO_COLUMN = {"ManyToManyField", "GenericRelation", "GenericForeignKey", "TaggableManager", "ParentalManyToManyField"}  # fmt: skip
_REFERS = {"ForeignKey", "OneToOneField", "ParentalKey", "TreeForeignKey", "TreeOneToOneField", "AutoOneToOneField"}  # fmt: skip
ONE = {"OneToOneField", "TreeOneToOneField", "AutoOneToOneField"}
_OF_PLACES = {
    "GeometryField", "PointField", "LineStringField", "PolygonField", "MultiPointField", "MultiLineStringField",
    "MultiPolygonField", "GeometryCollectionField", "RasterField",
}  # fmt: skip
"""https://docs.djangoproject.com/en/stable/ref/contrib/gis/model-api/#spatial-index."""


_NOW = re.compile(
    r"(?:django\.utils\.timezone\.(?:now|localtime|localdate)|datetime\.(?:datetime|date)\.(?:now|utcnow|today)"
    r"|django\.db\.models\.functions\.(?:\w+\.)*Now)(?:\(\)(?:\.date)?)?(?:\(\))?$"
)


def is_now(code: Code, expr: t.Expr, scope: Scope) -> bool:
    """Whether an expression is this moment or day, or what tells it: `timezone.now()`, `date.today`."""
    return _NOW.match(code.name(expr, scope)) is not None


def is_field(canonical: str, kind: str) -> bool:
    if kind.endswith(("Manager", "QuerySet", "Choices")) or kind == "GenericForeignKey":
        return False
    if "rest_framework" in canonical or canonical.startswith("django.forms"):
        return False
    if re.search(r"Field$|Key$", kind) or ".models." in canonical:
        return True
    return bool(re.search(r"fields?\b|models\b", canonical)) and kind[:1].isupper()


def field_column(entities: Entities, name: str, call: t.Call, scope: Scope) -> Column | None:
    """The column of a field; None where it has none. `target` is "?" where it refers to a model."""
    kind, values = last_name(call.func), entities.values
    if kind in _NO_COLUMN:
        return None
    places = kind in _OF_PLACES and truth(values, call, scope, "spatial_index") is not False
    refers = kind in _REFERS or kind.endswith(("ForeignKey", "ParentalKey"))
    named = values.text(argument(call, None, "db_column"), scope)
    told = truth(values, call, scope, "db_index")
    implied = refers or kind in ("SlugField", "AutoSlugField")
    choices = how_many(values, argument(call, None, "choices"), scope)
    return Column(
        name,
        named or (f"{name}_id" if refers else name),
        kind,
        place_of(Located(call, scope), name),
        truth(values, call, scope, "primary_key") is True,
        truth(values, call, scope, "unique") is True or kind in ONE,
        told if told is not None else implied,
        "?" if refers else "",
        two=0 < choices <= 2,
        choices=choices,
        spatial=places,
        listed=argument(call, None, "choices") is not None,
        first=first_value(values, call, scope),
        ends=usual(values, argument(call, None, "choices"), scope),
        made=_is_made_at(entities, call, scope),
    )


_TIMES = {"DateTimeField", "DateField"}


def _is_made_at(entities: Entities, call: t.Call, scope: Scope) -> bool:
    """Whether a field is the time at which a record is made or changed: `auto_now_add=True`, `default=timezone.now`."""
    if truth(entities.values, call, scope, "auto_now_add", "auto_now"):
        return True
    given = argument(call, None, "default", "db_default")
    return (
        last_name(call.func) in _TIMES and given is not None and is_now(entities.code, given, scope)
    )


def stored(entity: Entity, name: str) -> str:
    """What a field is called in the table."""
    found = entity.column(name)
    return found.name if found else name
