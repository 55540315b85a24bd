"""Migrations of Peewee's models: peewee_migrate's numbered files, and `playhouse.migrate`.

Statements that they give as SQL are read before, where all SQL of the code is (`sql_scripts`).
Sources: https://github.com/klen/peewee_migrate, https://docs.peewee-orm.com/en/latest/peewee/playhouse.html#schema-migrations.
"""

from __future__ import annotations

from auditor.extract.python import tree as t
from auditor.extract.sql import SchemaStep
from auditor.link.application import Application
from auditor.link.scopes import Scope
from auditor.stores.field_models import named
from auditor.stores.sql.entities import Entities, last_name, truth
from auditor.stores.sql.migrations import Origin, Steps, gives_steps
from auditor.stores.sql.statements.scripts import OTHERWISE

_STEPS = ("add_index", "drop_index", "add_unique", "drop_unique")


@gives_steps
def peewee_steps(application: Application) -> Steps:
    (entities,) = application.facts(Entities)
    if not any(entity.mapper == "peewee" for entity in entities):
        return
    sites = application.code.method_calls(*_STEPS)
    for site in sorted(sites, key=lambda s: (s.scope.module.path, s.node.line)):
        owner, func = site.scope.function, site.node.func
        if not isinstance(func, t.Attr) or (owner is not None and owner.name in OTHERWISE):
            continue
        if last_name(func.value) in ("migrator", "migration", "schema_migrator"):
            step = _step(entities, site.node, func.name, site.scope)
            if step is not None:
                yield step, Origin(site.scope.module.path, False, "migration")


def _step(entities: Entities, call: t.Call, name: str, scope: Scope) -> SchemaStep | None:
    """`add_index(Model, "a", "b", unique=True)`, `add_index("table", ("a", "b"), True)`."""
    values = entities.values
    if not call.args:
        return None
    first, rest = call.args[0], call.args[1:]
    entity = entities.of(first, scope) or entities.by_table.get(values.text(first, scope) or "")
    if entity is None:
        text = values.text(first, scope) or last_name(first)
        entity = next(iter(entities.by_class.get(text, ())), None)
    if entity is None:
        return None
    told: list[object] = []
    for arg in rest:
        given = getattr(values.value(arg, scope), "value", None)
        told += given if isinstance(given, list) else [given]
    if name.startswith("drop_"):
        index = next((x for x in told if isinstance(x, str)), "")
        return SchemaStep("drop index", "", index, line=call.line)
    unique = name == "add_unique" or True in told or truth(values, call, scope, "unique") is True
    columns = list(named(entity, told))
    return SchemaStep("index", entity.table, columns=columns, unique=unique, line=call.line)
