"""Conditions written as names with lookups, `filter(author__name__icontains="x")`: Django, Tortoise.

Sources: https://docs.djangoproject.com/en/stable/ref/models/querysets/#field-lookups,
https://tortoise.github.io/query.html#filtering.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from msgspec.structs import replace

from auditor.extract.python import tree as t
from auditor.link.scopes import Scope
from auditor.link.values import Evaluator
from auditor.model.values import Known, Plain
from auditor.stores.spans import ABOVE, span, till
from auditor.stores.sql.conditions import (
    Condition,
    Every,
    Link,
    Lookup,
    Opposite,
    Some,
    Test,
    Untold,
    no_column,
)
from auditor.stores.sql.entities import Entities, Entity, Relation
from auditor.stores.sql.expressions import links

_EQUAL = {"exact", "in", "isnull", "is_null"}
_RANGE = {"gt", "gte", "lt", "lte", "range"}
_OTHERS = {
    "contains", "icontains", "iexact", "startswith", "istartswith", "endswith", "iendswith", "regex", "iregex", "search", "not",
    "not_in", "not_isnull", "contained_by", "overlap", "has_key", "has_keys", "has_any_keys", "len", "trigram_similar",
    "unaccent", "distance_lte", "distance_lt", "within", "intersects", "dwithin", "filter",
}  # fmt: skip
_PARTS = {"year", "date", "month", "day", "week", "week_day", "quarter", "time", "hour", "minute", "second", "iso_year", "lower", "upper", "length", "abs"}  # fmt: skip
_REFERS = {"ForeignKey", "OneToOneField", "ParentalKey", "ForeignKeyField"}
LOOKUPS = _EQUAL | _RANGE | _OTHERS | _PARTS


class Found(msgspec.Struct, frozen=True):
    """Where a path leads: the joins on the way, the column at its end, and what is left of it."""

    links: tuple[Link, ...]
    table: str
    column: str
    rest: tuple[str, ...]
    kind: str = ""
    is_key: bool = False
    """Whether the path ends with a relation, whose other side it is the key of."""
    made: bool = False
    """Whether the column is the time at which a record is made."""


def _inherits(entity: Entity) -> Relation | None:
    key = entity.key
    if key is None or not key.attribute.endswith("_ptr"):
        return None
    return entity.relations.get(key.attribute)


def follow(entities: Entities, entity: Entity, path: str, depth: int = 0) -> Found | None:
    """`author__country__name__in` over relations of the models."""
    joined: list[Link] = []
    here = entity
    parts = path.split("__")
    for position, part in enumerate(parts[:12]):
        rest = tuple(parts[position + 1 :])
        relation = here.relations.get(part)
        if relation is None:
            column = here.column(part)
            if column is None:
                above = _inherits(here)
                parent = entities.by_name.get(above.target) if above is not None else None
                if parent is None:
                    return None
                rest_ = "__".join((part, *rest))
                found = follow(entities, parent, rest_, depth + 1) if depth < 6 else None
                if found is None:
                    return None
                return replace(found, links=(*joined, *links(here, above, entities), *found.links))  # type: ignore[arg-type]
            return Found(
                tuple(joined), here.table, column.name, rest, column.type, made=column.made
            )
        target = entities.by_name.get(relation.target)
        if target is None:
            return None
        last = not rest or (
            rest[0] in LOOKUPS and rest[0] not in target.relations and target.column(rest[0]) is None
        )  # fmt: skip
        key = target.key
        by_key = not last and LOOKUPS.issuperset(rest[1:2]) and len(rest) <= 2 and (
            key is not None and rest[0] in ("pk", key.attribute)
        )  # fmt: skip
        whether = last and rest[:1] in (("isnull",), ("is_null",))
        if whether and here.key is not None and relation.local == here.key.name:
            there = (*joined, *links(here, relation, entities))  # the other side has the key
            return Found(there, target.table, key.name if key else "id", rest, is_key=True)
        if relation.local and not relation.many and (
            last or (by_key and key is not None and relation.remote == key.name)
        ):  # fmt: skip
            return Found(tuple(joined), here.table, relation.local, rest if last else rest[1:])
        joined += links(here, relation, entities)
        here = target
        if relation.through is not None and (last or by_key):  # the table between is enough
            left = rest if last else rest[1:]
            return Found(
                tuple(joined[:-1]), relation.through[0], relation.through[2], left, is_key=last
            )
        if last:
            return Found(tuple(joined), here.table, key.name if key else "id", rest, is_key=True)
    return None


_OF_TORTOISE = {
    "not", "in", "not_in", "isnull", "not_isnull", "gte", "lte", "gt", "lt", "range", "contains", "startswith", "search", "endswith",
    "iexact", "icontains", "istartswith", "iendswith", "posix_regex", "iposix_regex",
    "year", "quarter", "month", "week", "day", "hour", "minute", "second", "microsecond",
}  # fmt: skip
_PLAIN_OF_TORTOISE = {
    "BigIntField", "BinaryField", "BooleanField", "CharEnumField", "CharField", "DateField", "DatetimeField", "DecimalField", "FloatField",
    "ForeignKeyField", "IntEnumField", "IntField", "JSONField", "OneToOneField", "SmallIntField", "TextField", "TimeDeltaField", "TimeField", "UUIDField",
}  # fmt: skip
_OF_JSON = {"not", "isnull", "not_isnull", "contains", "contained_by", "filter"}
"""https://tortoise.github.io/query.html#filtering"""


def _is_refused(entities: Entities, entity: Entity, path: str) -> bool:
    """Whether Tortoise has no such filter: of Django's (`name__exact`, `made__date`), of a column of JSON (`data__icontains`),
    of a foreign key by itself (`author__in`, which is `author_id__in` there)."""
    here, parts = entity, path.split("__")
    for position, part in enumerate(parts):
        rest, column = parts[position + 1 :], here.column(part)
        relation = here.relations.get(part)
        if relation is None:
            if column is None or not rest or column.type not in _PLAIN_OF_TORTOISE:
                return False
            if column.target and part == column.attribute:
                return False  # its model is not in this tree
            return len(rest) > 1 or rest[0] not in (_OF_JSON if column.type == "JSONField" else _OF_TORTOISE)  # fmt: skip
        target = entities.by_name.get(relation.target)
        if target is None or not rest:
            return False
        if rest[0] not in target.relations and target.column(rest[0]) is None:
            return column is not None and rest[0] in LOOKUPS
        here = target
    return False


def order(
    entities: Entities, entity: Entity, fields: Iterable[str]
) -> tuple[tuple[str, str, int], ...]:  # fmt: skip
    """What `["-made", "name"]` sorts by, where all of it is columns of the model's own table."""
    made = []
    for field in fields:
        found = follow(entities, entity, field.lstrip("-"))
        if found is None or found.rest or found.links:
            return ()
        made.append((found.table, found.column, -1 if field.startswith("-") else 1))
    return tuple(made)


def how(rest: tuple[str, ...], negative: bool = False) -> str:
    """What lookups at the end of a path ask of an index."""
    if not rest:
        return "equality"
    if rest[0] == "search":
        return "text"
    if rest[0] == "year" and len(rest) <= 2:
        return "range"
    if len(rest) > 1 or rest[0] not in LOOKUPS:
        return "scanned"
    if rest[0] in ("isnull", "is_null"):
        return "unequal" if negative else "equality"
    if rest[0] in ("not", "not_in", "not_isnull"):
        return "unequal"
    if rest[0] == "startswith":
        return "prefix"
    return "equality" if rest[0] in _EQUAL else "range" if rest[0] in _RANGE else "scanned"


def constants(values: Evaluator, path: str, expr: t.Expr, scope: Scope) -> tuple[Plain, ...]:
    """What of the code's own a lookup compares with: `"o"`, `Status.OPEN`, nothing for `isnull=True`."""
    worth = values.value(expr, scope)
    if not isinstance(worth, Known):
        return ()
    if worth.value is None and not isinstance(expr, t.Const):
        return ()  # what stands where the caller sends nothing: `only: bool | None = None`
    last = path.rpartition("__")[2]
    if last in ("isnull", "is_null"):
        return (None,) if worth.value is True else ()
    given = worth.value if last == "in" and isinstance(worth.value, list) else [worth.value]
    plain = tuple(x for x in given if x is None or isinstance(x, str | int | float))
    return plain if len(plain) == len(given) else ()


def bound(
    condition: Condition,
    entity: Entity | None,
    entities: Entities,
    computed: frozenset[str],
    opposite: bool = False,
) -> Condition:
    """The same condition over the columns of a model."""
    match condition:
        case Lookup(path=path, nothing=nothing, own=own, values=values, now=now):
            if path.partition("__")[0] in computed:
                return Every(())
            if entity is None:
                return Untold("it is a condition on a model that could not be told")
            void = values == (None,) and entity.mapper == "django" and path.rpartition("__")[2] not in LOOKUPS  # fmt: skip
            found = follow(entities, entity, f"{path}__isnull" if void else path)  # `scans=None`
            if found is None:
                return Untold(no_column(path))
            if entity.mapper == "tortoise" and _is_refused(entities, entity, path):
                return Untold(f"{path} is no filter of Tortoise's: it raises")
            if found.kind in _REFERS and found.rest and found.rest[0] not in LOOKUPS:
                if found.rest[0] not in ("id", "pk"):
                    return Untold(f"{path} asks a model that is not in this tree")
                found = replace(found, rest=found.rest[1:])
            if own:
                return Every(found.links)
            if found.links and found.is_key and found.rest in (("isnull",), ("is_null",)):
                return Every(
                    tuple(replace(link, outer=True) for link in found.links)
                )  # who has none
            kind = how(found.rest, negative=nothing and not void and found.rest[-1:] in (("isnull",), ("is_null",)))  # fmt: skip
            if kind == "equality" and found.kind == "SearchVectorField":
                kind = "text"
            if kind == "range" and len(values) == 1:
                kind = span(found.rest[-1], values[0])
            if opposite and kind in ("range", ABOVE) and _is_over_many(entity, path):
                kind = "unequal"  # NOT EXISTS: by the key of each record it is looked for there
            if now and found.made:
                kind = "unequal"  # every record was made before
            given = values if kind == "equality" else ()
            open_ = kind == "range" and till(found.rest[-1])
            made = Test(found.table, found.column, kind, values=given, till=open_)
            return Every((*found.links, made))
        case Every(parts=parts):
            return Every(tuple(bound(p, entity, entities, computed, opposite) for p in parts))
        case Some(parts=parts):
            return Some(tuple(bound(p, entity, entities, computed, opposite) for p in parts))
        case Opposite(part=part):
            return Opposite(bound(part, entity, entities, computed, not opposite))
    return condition


def _is_over_many(entity: Entity, path: str) -> bool:
    """Whether a path of Django begins with a relation that gives many records."""
    over = entity.relations.get(path.partition("__")[0]) if entity.mapper == "django" else None
    return over is not None and over.many
