"""Aerich's migrations of Tortoise's models: numbered files whose `upgrade` gives the statements as text.

Source: https://tortoise.github.io/migration.html.
"""

from __future__ import annotations

import re

from auditor.extract.python import tree as t
from auditor.extract.sql import schema_steps
from auditor.link.application import Application
from auditor.stores.sql.entities import Entities
from auditor.stores.sql.migrations import Origin, Steps, gives_steps

_FILE = re.compile(r"(?:^|/)(\d+)_[^/]*\.py$")


@gives_steps
def aerich_steps(application: Application) -> Steps:
    (entities,) = application.facts(Entities)
    if not any(entity.mapper == "tortoise" for entity in entities):
        return
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
                    yield step, Origin(path, True, "migration")
