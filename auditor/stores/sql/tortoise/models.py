"""Tortoise's models: tables, columns and indexes.

Source: https://tortoise.github.io/models.html and https://tortoise.github.io/fields.html (a foreign
key gets no index of its own; the table of a relation of many to many gets a unique one over both).
"""

from __future__ import annotations

import functools
import re

from auditor.extract.python import tree as t
from auditor.link.scopes import Located, Scope, argument, place_of
from auditor.stores.field_models import between, fields, keyed, named, refer
from auditor.stores.flags import first_value, how_many
from auditor.stores.sql.entities import (
    Column,
    Declared,
    Entities,
    Entity,
    last_name,
    reads_entities,
    truth,
)

_BASE = re.compile(r"^tortoise\b.*\bModel$|\bTortoiseBaseUserModel$")
_USERS = "TortoiseBaseUserModel"
"""What fastapi-users brings: its key and the address, each unique.
https://github.com/fastapi-users/fastapi-users-db-tortoise"""
_REFERS = {"ForeignKeyField", "OneToOneField"}


@reads_entities
def tortoise_model(entities: Entities, found: Located, ancestry: list[str]) -> Entity | None:
    assert isinstance(found.node, t.Class)
    if not any(_BASE.search(name) for name in ancestry[1:]):
        return None
    place = place_of(found, found.node.name)
    entity = Entity(ancestry[0], "tortoise", found.node.name.lower(), place, found)
    for name, value, scope, where in fields(entities, found, ancestry):
        if not where:
            if isinstance(value, t.Call):
                _field(entities, entity, name, value, scope)
        elif name == "abstract" and where == "own":
            if isinstance(value, t.Const) and value.value is True:
                return None
        elif name == "table":
            entity.table = entities.values.text(value, scope) or entity.table
        elif name == "ordering":
            if where == "own":  # of a base that is abstract, its newest releases alone take it
                entity.pending.append((2, functools.partial(_order, entity, value, scope)))
        else:
            _option(entities, entity, name, value, scope)
    if any(name.endswith(_USERS) for name in ancestry):
        for name, kind in (("id", "UUIDField"), ("email", "CharField")):
            entity.columns.setdefault(name, Column(name, name, kind, place, name == "id", True))
    keyed(entity, "IntField")
    return entity


def _field(entities: Entities, entity: Entity, name: str, call: t.Call, scope: Scope) -> None:
    values, kind = entities.values, last_name(call.func)
    if kind == "ManyToManyField":
        entity.pending.append((2, lambda all_: _many(all_, entity, name, call, scope)))
    if not kind.endswith("Field") or kind == "ManyToManyField":
        return
    refers = kind in _REFERS
    stored = values.text(argument(call, None, "source_field", "db_column"), scope)
    choices = how_many(values, argument(call, 0, "enum_type"), scope) if kind.endswith("EnumField") else 0  # fmt: skip
    column = Column(
        name,
        stored or (f"{name}_id" if refers else name),
        kind,
        place_of(Located(call, scope), name),
        truth(values, call, scope, "pk", "primary_key") is True,
        truth(values, call, scope, "unique") is True or kind == "OneToOneField",
        truth(values, call, scope, "index", "db_index") is True,
        "?" if refers else "",
        two=0 < choices <= 2,
        choices=choices,
        first=first_value(values, call, scope),
    )
    entity.columns[name] = column
    if refers:
        entity.pending.append((2, lambda all_: _key(all_, entity, column, call, scope)))


def _option(entities: Entities, entity: Entity, name: str, value: t.Expr, scope: Scope) -> None:
    values = entities.values
    if name not in ("indexes", "unique_together"):
        return
    unique = name == "unique_together"
    plain = getattr(values.value(value, scope), "value", None)
    groups = plain if isinstance(plain, list) else []
    if groups and all(isinstance(x, str) for x in groups):
        groups = [groups]
    place, implied = place_of(Located(value, scope)), "unique" if unique else ""
    for group in groups:
        if isinstance(group, list):
            entity.declared.append(Declared(named(entity, group), place, unique, "", implied))
    for node in t.walk_own(value):
        if isinstance(node, t.Call) and last_name(node.func).endswith("Index"):
            columns = getattr(values.value(argument(node, None, "fields"), scope), "value", None)
            if columns := named(entity, columns):
                entity.declared.append(Declared(columns, place_of(Located(node, scope))))


def _order(entity: Entity, value: t.Expr, scope: Scope, entities: Entities) -> None:
    """What is sorted by where a query says nothing.

    Source: https://tortoise.github.io/models.html#the-meta-class.
    """
    plain = getattr(entities.values.value(value, scope), "value", None)
    for text in plain if isinstance(plain, list) else ():
        column = entity.column(text.lstrip("-")) if isinstance(text, str) else None
        if column is None or column.target:
            return
        entity.ordering = (*entity.ordering, (column.name, -1 if text.startswith("-") else 1))


def _named(entities: Entities, entity: Entity, call: t.Call, scope: Scope) -> Entity | None:
    expr = argument(call, 0, "model_name", "to")
    if text := entities.values.text(expr, scope):
        return entities.called(text, entity)
    return entities.of(expr, scope) if expr is not None else None


def _key(entities: Entities, entity: Entity, column: Column, call: t.Call, scope: Scope) -> None:
    if (target := _named(entities, entity, call, scope)) is not None:
        back = entities.values.text(argument(call, None, "related_name"), scope)
        back = back or f"{_word(entity)}s"
        refer(entity, column.attribute, target, back, last_name(call.func) == "ForeignKeyField")


def _many(entities: Entities, entity: Entity, name: str, call: t.Call, scope: Scope) -> None:
    target = _named(entities, entity, call, scope)
    if target is None:
        return

    def text(key: str) -> str | None:
        return entities.values.text(argument(call, None, key), scope)

    table = text("through") or f"{entity.table}_{target.table}"
    two = text("forward_key") or f"{_word(target)}_id"
    one = f"{entity.table}_id"
    one = text("backward_key") or (one if one != two else f"{entity.table}_rel_id")  # of itself
    unique = truth(entities.values, call, scope, "unique", "create_unique_index") is not False
    back = text("related_name") or f"{entity.table}s"
    between(entities, entity, target, name, back, (table, one, two), unique, False)


def _word(entity: Entity) -> str:
    """The class's own name, as Tortoise makes others of it."""
    return re.split(r"[.:]", entity.name)[-1].lower()
