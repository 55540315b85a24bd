"""Tortoise's models: tables, columns and indexes.

Source: https://tortoise.github.io/models.html and https://tortoise.github.io/fields.html (a foreign
key gets no index of its own).
"""

from __future__ import annotations

import re
from dataclasses import replace

from auditor.extract.python import tree as t
from auditor.link.names import Located, Scope, argument
from auditor.link.values import place_of
from auditor.stores.entities import (
    Column,
    Declared,
    Entities,
    Entity,
    Relation,
    last_name,
    reads_entities,
    truth,
)

_BASE = re.compile(r"^tortoise\b.*\bModel$")
_REFERS = {"ForeignKeyField", "OneToOneField"}


@reads_entities
def tortoise_model(entities: Entities, found: Located, ancestry: list[str]) -> Entity | None:
    assert isinstance(found.node, t.Class)
    if not any(_BASE.search(name) for name in ancestry[1:]):
        return None
    place, values = place_of(found, found.node.name), entities.values
    entity = Entity(ancestry[0], "tortoise", found.node.name.lower(), place, found)
    for name in reversed(ancestry):
        owner = entities.code.definition(name)
        if owner is None or not isinstance(owner.node, t.Class):
            continue
        scope = entities.code.inside(owner)
        for stmt in owner.node.body:
            match stmt:
                case t.Assign(targets=[t.Name(id=attribute)], value=t.Call() as call):
                    _field(entities, entity, attribute, call, scope)
                case t.Class(name="Meta"):
                    inner = entities.code.inside(Located(stmt, scope))
                    for option in stmt.body:
                        match option:
                            case t.Assign(targets=[t.Name(id="abstract")], value=t.Const(value=True)):  # fmt: skip
                                if owner.node is found.node:
                                    return None
                            case t.Assign(targets=[t.Name(id="table")], value=value) if value is not None:  # fmt: skip
                                entity.table = values.text(value, inner) or entity.table
                            case t.Assign(targets=[t.Name(id=what)], value=value) if value is not None:  # fmt: skip
                                _option(entities, entity, what, value, inner)
    if not any(c.primary for c in entity.columns.values()):
        entity.columns["id"] = Column("id", "id", "IntField", place, primary=True)
    return entity


def _field(entities: Entities, entity: Entity, name: str, call: t.Call, scope: Scope) -> None:
    values, kind = entities.values, last_name(call.func)
    if kind == "ManyToManyField":
        entity.pending.append((2, lambda all_: _many(all_, entity, name, call, scope)))
    if not kind.endswith("Field") or kind == "ManyToManyField":
        return
    refers = kind in _REFERS
    stored = values.text(argument(call, None, "source_field", "db_column"), scope)
    column = Column(
        name,
        stored or (f"{name}_id" if refers else name),
        kind,
        place_of(Located(call, scope), name),
        truth(values, call, scope, "pk", "primary_key") is True,
        truth(values, call, scope, "unique") is True or kind == "OneToOneField",
        truth(values, call, scope, "index", "db_index") is True,
        "?" if refers else "",
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
    for group in groups:
        if isinstance(group, list):
            fields = tuple(
                (c.name if (c := entity.column(n)) else n, 1) for n in group if isinstance(n, str)
            )
            entity.declared.append(
                Declared(
                    fields, place_of(Located(value, scope)), unique, "", "unique" if unique else ""
                )
            )
    for node in t.walk_own(value):
        if isinstance(node, t.Call) and last_name(node.func).endswith("Index"):
            names = getattr(values.value(argument(node, None, "fields"), scope), "value", None)
            if isinstance(names, list):
                fields = tuple((c.name if (c := entity.column(n)) else n, 1) for n in names)
                entity.declared.append(Declared(fields, place_of(Located(node, scope))))


def _named(entities: Entities, entity: Entity, call: t.Call, scope: Scope) -> Entity | None:
    expr = argument(call, 0, "model_name", "to")
    if text := entities.values.text(expr, scope):
        return entities.called(text, entity)
    return entities.of(expr, scope) if expr is not None else None


def _key(entities: Entities, entity: Entity, column: Column, call: t.Call, scope: Scope) -> None:
    target = _named(entities, entity, call, scope)
    if target is None:
        return
    remote = target.key.name if target.key else "id"
    entity.columns[column.attribute] = replace(column, target=f"{target.table}.{remote}")
    entity.relations[column.attribute] = Relation(
        column.attribute, target.name, False, column.name, remote
    )
    back = entities.values.text(argument(call, None, "related_name"), scope)
    back = back or f"{entity.name.rpartition(':')[2].lower()}s"
    many = last_name(call.func) == "ForeignKeyField"
    target.relations.setdefault(back, Relation(back, entity.name, many, remote, column.name))


def _many(entities: Entities, entity: Entity, name: str, call: t.Call, scope: Scope) -> None:
    target = _named(entities, entity, call, scope)
    if target is None:
        return

    def text(key: str) -> str | None:
        return entities.values.text(argument(call, None, key), scope)

    table = text("through") or f"{entity.table}_{target.table}"
    one, two = text("backward_key") or f"{entity.table}_id", text("forward_key") or f"{target.table}_id"  # fmt: skip
    entity.relations[name] = Relation(name, target.name, True, "", "", False, (table, one, two))
    back = text("related_name") or f"{entity.table}s"
    target.relations.setdefault(
        back, Relation(back, entity.name, True, "", "", False, (table, two, one))
    )
