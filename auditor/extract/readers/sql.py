"""SQL files: what their statements do to the schema, in order."""

from __future__ import annotations

from collections.abc import Iterator

from auditor.discover import Kind, Role
from auditor.extract.facts import Fact
from auditor.extract.source import Source, extracts
from auditor.extract.sql import SchemaStep, schema_steps, split

_MAX_STEPS = 20_000


class SchemaText(Fact, frozen=True):
    """The steps of a script; `unread` counts the statements about a schema that were not read."""

    steps: list[SchemaStep]
    unread: int = 0


@extracts(Kind.SQL)
def schema_text(source: Source) -> Iterator[Fact]:
    if source.role is not Role.SOURCE or len(source.data) > 20_000_000:
        return
    steps: list[SchemaStep] = []
    unread = 0
    for statement, line in split(source.text):
        found = schema_steps(statement, line=line)
        if not found and statement.lstrip()[:12].lower().startswith(("create table", "create index", "create uniqu")):  # fmt: skip
            unread += 1
        steps += found
        if len(steps) > _MAX_STEPS:
            break
    if steps or unread:
        yield SchemaText(steps, unread)
