"""Migrations of a tree's own, whose steps stand beside what takes them back."""

from __future__ import annotations

import pytest

from auditor.model.data import CollectionFit, Fit
from tests.conftest import Build

_UP = '"""CREATE TABLE people (id SERIAL PRIMARY KEY, name TEXT UNIQUE, city TEXT);"""'
_DOWN = '"DROP TABLE people;"'
_ASK = """
def ask(cursor, given):
    cursor.execute("SELECT * FROM people WHERE name = %s", (given,))
    cursor.execute("SELECT * FROM people WHERE city = %s", (given,))
"""


def _fits(migration: str, build: Build) -> list[tuple[str, Fit]]:
    files = {"app.py": _ASK, "migrations/001_people.py": migration}
    found = build(files).facts(CollectionFit)
    return [(q.equality[0], m.fit) for c in found for q, m in c.fits]


@pytest.mark.parametrize(
    "migration",
    [
        f"steps = [[{_UP}, {_DOWN}]]",
        f"steps = [({_UP}, {_DOWN}), ('CREATE INDEX by_id ON people (id)', 'DROP INDEX by_id')]",
        f"steps = ([{_UP}, None],)",
        f"steps = [[{_UP}, '']]",
        f"steps = [[{_UP}, '-- gone\\nDROP TABLE people']]",
        f"from yoyo import step\nsteps = [step({_UP}, {_DOWN})]",
        f"from yoyo import step\nstep({_UP}, {_DOWN})",
        f"from lib import Step\nsteps = [Step(up={_UP}, down={_DOWN})]",
        f"steps = [{{'up': {_UP}, 'down': {_DOWN}}}]",
        f"UP = {_UP}\nDOWN = {_DOWN}",
        f"up_sql = {_UP}\ndown_sql = {_DOWN}\nsteps = [[up_sql, down_sql]]",
        f"create = {_UP}\nundo_create = {_DOWN}",
    ],
)
def test_the_step_counts_and_not_what_takes_it_back(migration: str, build: Build) -> None:
    assert _fits(migration, build) == [("name", Fit.COVERED), ("city", Fit.MISSING)]


@pytest.mark.parametrize(
    "migration",
    [
        f"steps = [{_UP}, {_DOWN}]",
        f"steps = [[{_UP}], [{_DOWN}]]",
        f"steps = [[{_UP}, None], [{_DOWN}, {_UP}]]",
        f"steps = [[{_UP}, None]]\ndef more(cursor):\n    run(cursor, {_DOWN})",
        f"def up(cursor):\n    cursor.execute({_UP})\n    cursor.execute({_DOWN})",
    ],
)
def test_a_table_that_a_step_drops_is_gone(migration: str, build: Build) -> None:
    assert {fit for _, fit in _fits(migration, build)} == {Fit.UNKNOWN}
