"""SQL whose text a function puts together of parts, some of which only some runs have."""

from __future__ import annotations

import pytest

from auditor.model.data import Query
from tests.conftest import Build

_ANIMALS = """
import sqlite3
db = sqlite3.connect("zoo.db")
db.execute("CREATE TABLE animals (id INTEGER PRIMARY KEY, tag TEXT, nick TEXT, kind TEXT)")
def ask(kind, nick):
    {steps}
"""


def _asked(steps: list[str], build: Build) -> list[Query]:
    code = _ANIMALS.replace("{steps}", "\n    ".join(steps))
    return [q for q in build({"app.py": code}).facts(Query) if q.collection == "animals"]


_RUN_TIME = "a condition is put together at run time"


@pytest.mark.parametrize(
    ("begins", "ends", "reason"),
    [
        ('["1=1"]', 'more = "WHERE " + " AND ".join(wanted)', _RUN_TIME),
        ('["1=1"]', "more = f\"WHERE {' AND '.join(wanted)} ORDER BY nick\"", _RUN_TIME),
        ("[\"kind = 'cat'\"]", 'more = " WHERE " + " AND ".join(wanted)', _RUN_TIME),
        ("[]", 'more = "WHERE " + " AND ".join(wanted)', _RUN_TIME),
    ],
)
def test_a_list_of_conditions_that_begins_with_one_may_have_more_in_it(
    begins: str, ends: str, reason: str, build: Build
) -> None:
    steps = [
        f"wanted = {begins}",
        'if kind: wanted.append("kind = ?")',
        ends,
        'return db.execute(f"SELECT * FROM animals {more}").fetchall()',
    ]
    found = _asked(steps, build)
    assert {q.unresolved for q in found} == {reason}
    assert {q.equality for q in found} == ({("kind",)} if "cat" in begins else {()})


def test_a_list_that_nothing_is_added_to_is_what_it_says(build: Build) -> None:
    steps = [
        'wanted = ["kind = ?", "nick = ?"]',
        'more = "WHERE " + " AND ".join(wanted)',
        'return db.execute(f"SELECT * FROM animals {more}", (kind, nick)).fetchall()',
    ]
    assert {(q.equality, q.unresolved) for q in _asked(steps, build)} == {(("kind", "nick"), "")}


@pytest.mark.parametrize("alias", ["a", "as a", "AS a"])
def test_a_table_has_another_name_in_an_update(alias: str, build: Build) -> None:
    steps = [f"db.execute(\"UPDATE animals {alias} SET nick = ? WHERE a.kind = 'cat'\", (nick,))"]
    ((asked),) = _asked(steps, build)
    assert (asked.operation, asked.equality, asked.unresolved) == ("update", ("kind",), "")
