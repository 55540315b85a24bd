"""SQL files: what their statements do to the schema, in order."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from auditor.discover import Kind, Role
from auditor.extract.facts import Fact
from auditor.extract.source import Source, extracts
from auditor.extract.sql import SchemaStep, schema_steps, split, unread_steps

_MAX_STEPS = 20_000


class SchemaText(Fact, frozen=True):
    """The steps of a script, and the database that its spelling tells; empty where it tells none."""

    steps: list[SchemaStep]
    dialect: str = ""


_SPEAKING = (Role.SOURCE, Role.DOCUMENTATION)
"""The files that say how tables are made: `doc/schema.sql` is all that some trees have of it."""
_SPELLINGS = {
    "mysql": re.compile(
        r"\bauto_increment\b|\bengine\s*=\s*innodb\b|create\s+table\s[^(`]{0,200}`", re.I
    ),
    "postgresql": re.compile(
        r"\b(?:big|small)?serial\b|\btimestamptz\b|\bjsonb\b|\bnextval\(", re.I
    ),
    "sqlite": re.compile(r"\bautoincrement\b", re.I),
}
"""What one database alone spells so, in statements about schemas.

Sources: https://dev.mysql.com/doc/refman/8.4/en/create-table.html,
https://www.postgresql.org/docs/current/datatype.html, https://www.sqlite.org/autoinc.html.
"""


@extracts(Kind.SQL)
def schema_text(source: Source) -> Iterator[Fact]:
    if source.role not in _SPEAKING or len(source.data) > 20_000_000:
        return
    steps: list[SchemaStep] = []
    spelt: Counter[str] = Counter()
    for statement, line in split(source.text):
        steps += schema_steps(statement, line=line) or unread_steps(statement, line)
        spelt.update(name for name, way in _SPELLINGS.items() if way.search(statement))
        if len(steps) > _MAX_STEPS:
            break
    if steps:
        (told, _), *_ = [*spelt.most_common(1), ("", 0)]
        yield SchemaText(steps, told)
