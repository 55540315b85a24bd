"""Aerich's migrations of Tortoise's models: numbered files whose `upgrade` gives the statements as text.

Source: https://tortoise.github.io/migration.html.
"""

from __future__ import annotations

import re

from auditor.extract.python import tree as t
from auditor.extract.sql import schema_steps
from auditor.link.application import Application
from auditor.link.scopes import Located, Module, argument
from auditor.stores.sql.entities import Entities, last_name
from auditor.stores.sql.migrations import Origin, Steps, gives_steps, migration_class

_FILE = re.compile(r"(?:^|/)(\d+)_[^/]*\.py$")


@gives_steps
def aerich_steps(application: Application) -> Steps:
    (entities,) = application.facts(Entities)
    if not any(entity.mapper == "tortoise" for entity in entities):
        return
    moved = _moved(entities)
    found: list[tuple[int, str, t.Function]] = []
    for function in application.code.functions():
        numbered = _FILE.search(function.path)
        node = function.node
        if numbered and isinstance(node, t.Function) and node.name == "upgrade":
            found.append((int(numbered[1]), function.path, node))
    for _, path, node in sorted(found, key=lambda x: x[:2]):
        for given in t.walk_own(*node.body):
            if isinstance(given, t.Return) and isinstance(given.value, t.Const):
                for step in schema_steps(str(given.value.value), line=given.line):
                    if step.table in moved:
                        continue
                    yield step, Origin(path, True, "migration")


def of_tortoise(entities: Entities, module: Module) -> bool:
    """Whether a module is a migration of Tortoise's own (since its version 1.0), which is written like one of Django's.

    Source: https://tortoise.github.io/migration.html.
    """
    node = migration_class(module)
    above = entities.code.ancestry(Located(node, module.scope)) if node is not None else []
    return any(name.startswith("tortoise.") for name in above)


def _moved(entities: Entities) -> set[str]:
    """The tables that Tortoise's own migrations make: what Aerich's say of them is no longer kept, and the models tell what there is."""
    made = {
        named.value
        for module in entities.code.modules.values()
        if of_tortoise(entities, module)
        for call in t.walk(*module.body)
        if isinstance(call, t.Call) and last_name(call.func) == "CreateModel"
        if isinstance(named := argument(call, 0, "name"), t.Const)
    }
    return {
        entity.table for entity in entities
        if entity.mapper == "tortoise" and re.split(r"[.:]", entity.name)[-1] in made
    }  # fmt: skip
