"""Peewee's models: tables, columns and indexes.

Source: https://docs.peewee-orm.com/en/latest/peewee/models.html (foreign keys are indexed, an `id`
stands for a missing key) and https://docs.peewee-orm.com/en/latest/peewee/relationships.html#manytomany.
"""

from __future__ import annotations

import re

from msgspec.structs import replace

from auditor.extract.python import tree as t
from auditor.link.scopes import Located, Scope, argument, place_of
from auditor.stores.field_models import between, fields, keyed, named, refer
from auditor.stores.flags import first_value
from auditor.stores.sql.entities import (
    Column,
    Declared,
    Entities,
    Entity,
    last_name,
    reads_entities,
    snake,
    truth,
)

_BASE = re.compile(
    r"^(?:peewee|playhouse|peewee_async|peewee_aio|flask_pw|flask\.ext\.pw)\b.*Model$|\.Database\(\)\.Model$"
)
_FIELD = re.compile(r"^(?:peewee|playhouse)\b.*(?:Field|ForeignKey)$")
_NO_MODELS = re.compile(r"^(?:builtins\.)?object$|^(?:abc|typing|typing_extensions|enum)\.")
KEYS = ("AutoField", "BigAutoField", "IdentityField", "PrimaryKeyField")


@reads_entities
def peewee_model(entities: Entities, found: Located, ancestry: list[str]) -> Entity | None:
    assert isinstance(found.node, t.Class)
    if not any(_BASE.search(name) for name in ancestry[1:]) and not _is_told_by_fields(
        entities, found, ancestry
    ):
        return None
    place = place_of(found, found.node.name)
    entity = Entity(
        ancestry[0], "peewee", re.sub(r"\W+", "_", found.node.name.lower()), place, found
    )
    told = ""
    options: dict[str, tuple[t.Expr, Scope]] = {}
    for name, value, scope, where in fields(entities, found, ancestry):
        if not where:
            if isinstance(value, t.Call):
                _field(entities, entity, name, value, scope)
        elif name == "legacy_table_names":
            if _is(False, (value, scope)):
                entity.table = snake(found.node.name)
        elif name not in ("table_name", "db_table"):
            options[name] = value, scope
        elif where == "own":
            told = entities.values.text(value, scope) or told
    for name, (value, scope) in options.items():  # `Meta` may stand before the fields that it names
        _option(entities, entity, name, value, scope)
    entity.table = told or entity.table
    if not entity.columns and not told and entities.heirs(ancestry[0]):
        return None  # what models have in common: it is no table itself
    if not _is(False, options.get("primary_key")):
        keyed(entity, "AutoField")
    return entity


def _is(worth: bool, option: tuple[t.Expr, Scope] | None) -> bool:
    return option is not None and isinstance(option[0], t.Const) and option[0].value is worth


def _is_told_by_fields(entities: Entities, found: Located, ancestry: list[str]) -> bool:
    """Whether a class with a base that another package makes (`db.Model`) has fields of Peewee, which nothing else has."""
    code = entities.code
    if not code.imports("peewee", "playhouse") or all(
        code.definition(name) is not None or _NO_MODELS.match(name) for name in ancestry[1:]
    ):
        return False
    return any(
        isinstance(value, t.Call) and _FIELD.match(code.name(value.func, scope))
        for _, value, scope, where in fields(entities, found, ancestry)
        if not where
    )


def _field(entities: Entities, entity: Entity, name: str, call: t.Call, scope: Scope) -> None:
    values, kind = entities.values, last_name(call.func)
    if kind == "ManyToManyField":
        entity.pending.append((2, lambda all_: _many(all_, entity, name, call, scope)))
        return
    if not kind.endswith("Field") and kind != "DeferredForeignKey":
        return
    refers = kind in ("ForeignKeyField", "DeferredForeignKey")
    stored = values.text(argument(call, None, "column_name", "db_column"), scope)
    indexed = truth(values, call, scope, "index")
    column = Column(
        name,
        stored or (f"{name}_id" if refers and not name.endswith("_id") else name),
        kind,
        place_of(Located(call, scope), name),
        truth(values, call, scope, "primary_key") is True or kind in KEYS,
        truth(values, call, scope, "unique") is True,
        indexed if indexed is not None else refers,
        "?" if refers else "",
        first=first_value(values, call, scope),
    )
    entity.columns[name] = column
    if refers:
        entity.pending.append((2, lambda all_: _key(all_, entity, column, call, scope)))


def _option(entities: Entities, entity: Entity, name: str, value: t.Expr, scope: Scope) -> None:
    values = entities.values
    match name, value:
        case "indexes", t.Seq(items=items):
            for item in items:
                plain = getattr(values.value(item, scope), "value", None)
                if isinstance(plain, list) and plain and isinstance(plain[0], list):
                    unique = len(plain) > 1 and plain[1] is True
                    place, implied = place_of(Located(item, scope)), "unique" if unique else ""
                    columns = named(entity, plain[0])
                    entity.declared.append(Declared(columns, place, unique, "", implied))
        case "primary_key", t.Call(args=args):
            found = [entity.column(values.text(arg, scope) or "") for arg in args]
            keys = {c.attribute: replace(c, primary=True) for c in found if c is not None}
            entity.columns = keys | {n: c for n, c in entity.columns.items() if n not in keys}


def _target(entities: Entities, entity: Entity, call: t.Call, scope: Scope) -> Entity | None:
    expr = argument(call, 0, "model", "rel_model")
    if isinstance(expr, t.Const):
        if expr.value == "self":
            return entity
        return entities.called(expr.value, entity) if isinstance(expr.value, str) else None
    return entities.of(expr, scope) if expr is not None else None


def _key(entities: Entities, entity: Entity, column: Column, call: t.Call, scope: Scope) -> None:
    if (target := _target(entities, entity, call, scope)) is not None:
        back = entities.values.text(argument(call, None, "backref", "related_name"), scope)
        refer(entity, column.attribute, target, back or f"{_word(entity)}_set", True)


def _many(entities: Entities, entity: Entity, name: str, call: t.Call, scope: Scope) -> None:
    target = _target(entities, entity, call, scope)
    if target is None or argument(call, None, "through_model") is not None:
        return
    one, two = f"{_word(entity)}_id", f"{_word(target)}_id"
    back = entities.values.text(argument(call, None, "backref", "related_name"), scope)
    table = f"{entity.table}_{target.table}_through"
    between(entities, entity, target, name, back or f"{_word(entity)}s", (table, one, two), True, True)  # fmt: skip


def _word(entity: Entity) -> str:
    """The class's own name, as Peewee makes others of it."""
    return re.split(r"[.:]", entity.name)[-1].lower()
