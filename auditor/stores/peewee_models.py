"""Peewee's models: tables, columns and indexes.

Source: https://docs.peewee-orm.com/en/latest/peewee/models.html (foreign keys are indexed, an `id`
stands for a missing key).
"""

from __future__ import annotations

import re
from dataclasses import replace

from auditor.extract.python import tree as t
from auditor.link.names import Located, argument
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

_BASE = re.compile(
    r"^(?:peewee|playhouse|peewee_async|peewee_aio)\b.*Model$|\.Database\(\)\.Model$"
)


@reads_entities
def peewee_model(entities: Entities, found: Located, ancestry: list[str]) -> Entity | None:
    assert isinstance(found.node, t.Class)
    if not any(_BASE.search(name) for name in ancestry[1:]):
        return None
    place, values = place_of(found, found.node.name), entities.values
    entity = Entity(
        ancestry[0], "peewee", re.sub(r"\W+", "_", found.node.name.lower()), place, found
    )
    for name in reversed(ancestry):
        owner = entities.code.definition(name)
        if owner is None or not isinstance(owner.node, t.Class):
            continue
        scope = entities.code.inside(owner)
        for stmt in owner.node.body:
            match stmt:
                case t.Assign(targets=[t.Name(id=attribute)], value=t.Call(func=func) as call):
                    kind = last_name(func)
                    if not kind.endswith("Field"):
                        continue
                    refers = kind in ("ForeignKeyField", "DeferredForeignKey")
                    stored = values.text(argument(call, None, "column_name"), scope)
                    indexed = truth(values, call, scope, "index")
                    column = Column(
                        attribute,
                        stored or (f"{attribute}_id" if refers else attribute),
                        kind,
                        place_of(Located(call, scope), attribute),
                        truth(values, call, scope, "primary_key") is True or kind in ("AutoField", "BigAutoField", "IdentityField"),
                        truth(values, call, scope, "unique") is True,
                        indexed if indexed is not None else refers,
                        "?" if refers else "",
                    )  # fmt: skip
                    entity.columns[attribute] = column
                    if refers:
                        entity.pending.append(
                            (2, lambda all_, c=column, k=call, s=scope: _key(all_, entity, c, k, s))  # type: ignore[misc]
                        )
                case t.Class(name="Meta"):
                    _options(entities, entity, Located(stmt, scope), owner is found or owner.node is found.node)  # fmt: skip
    if not any(c.primary for c in entity.columns.values()):
        entity.columns["id"] = Column("id", "id", "AutoField", place, primary=True)
    return entity


def _options(entities: Entities, entity: Entity, meta: Located, own: bool) -> None:
    values, scope = entities.values, entities.code.inside(meta)
    for stmt in meta.node.body:  # type: ignore[attr-defined]
        match stmt:
            case t.Assign(targets=[t.Name(id="table_name" | "db_table")], value=value) if own:
                entity.table = values.text(value, scope) or entity.table
            case t.Assign(targets=[t.Name(id="indexes")], value=t.Seq(items=items)):
                for item in items:
                    plain = getattr(values.value(item, scope), "value", None)
                    if isinstance(plain, list) and plain and isinstance(plain[0], list):
                        names = [
                            c.name if (c := entity.column(n)) else n
                            for n in plain[0]
                            if isinstance(n, str)
                        ]
                        unique = len(plain) > 1 and plain[1] is True
                        entity.declared.append(
                            Declared(
                                tuple((n, 1) for n in names),
                                place_of(Located(item, scope)),
                                unique,
                                "",
                                "unique" if unique else "",
                            )
                        )
            case t.Assign(targets=[t.Name(id="primary_key")], value=t.Call(args=args)):
                for arg in args:
                    column = entity.column(values.text(arg, scope) or "")
                    if column is not None:
                        entity.columns[column.attribute] = replace(column, primary=True)


def _key(entities: Entities, entity: Entity, column: Column, call: t.Call, scope: object) -> None:
    expr = argument(call, 0, "model")
    if isinstance(expr, t.Const) and expr.value == "self":
        target: Entity | None = entity
    else:
        target = entities.of(expr, scope) if expr is not None else None  # type: ignore[arg-type]
    if target is None:
        return
    remote = target.key.name if target.key else "id"
    entity.columns[column.attribute] = replace(column, target=f"{target.table}.{remote}")
    entity.relations[column.attribute] = Relation(
        column.attribute, target.name, False, column.name, remote
    )
    back = entities.values.text(argument(call, None, "backref", "related_name"), scope)  # type: ignore[arg-type]
    back = back or f"{entity.name.rpartition(':')[2].lower()}_set"
    target.relations.setdefault(back, Relation(back, entity.name, True, remote, column.name))
