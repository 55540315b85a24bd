"""Statements that another module, a class, a dict, an enumeration or a file of SQL keeps."""

from __future__ import annotations

import pytest

from auditor.model.data import CollectionFit
from tests.conftest import Build

_SCHEMA = "CREATE TABLE jobs (id SERIAL PRIMARY KEY, status TEXT, tag TEXT);\n"
_KEPT = """
from enum import Enum
open_jobs = "SELECT * FROM jobs WHERE status = %s"
job_notice = "Select a job from the list"
class Queries:
    opened = "SELECT * FROM jobs WHERE status = %s"
class Q(Enum):
    OPENED = "SELECT * FROM jobs WHERE status = %s"
class QS(str, Enum):
    opened = "SELECT * FROM jobs WHERE status = %s"
SQL = {"opened": "SELECT * FROM jobs WHERE status = %s", "one": "SELECT * FROM jobs WHERE id = %s"}
"""
_APP = """
import os
from pathlib import Path
import psycopg2
import kept
from kept import Q, QS, SQL, Queries, job_notice, open_jobs
BASE = Path(__file__).parent
FOLDER = os.path.join(os.path.dirname(__file__), "sql")
BY_TAG = (BASE / "sql" / "by_tag.sql").read_text()
def load(name):
    with open(os.path.join(FOLDER, name)) as file:
        return file.read()
def query_named(name):
    return (BASE / f"{{name}}.sql").read_text().strip()
loaded = load("by_tag.sql")
def execute_query(query, given=()):
    with psycopg2.connect("") as conn, conn.cursor() as cursor:
        cursor.execute(query, given)
        return cursor.fetchall()
def ask(given):
    cursor = psycopg2.connect("").cursor()
    {ask}
"""


@pytest.mark.parametrize("run", ["execute_query", "cursor.execute"])
@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("open_jobs", ["status"]),
        ("kept.open_jobs", ["status"]),
        ("Queries.opened", ["status"]),
        ("kept.Queries.opened", ["status"]),
        ("Q.OPENED.value", ["status"]),
        ("QS.opened", ["status"]),
        ("SQL['opened']", ["status"]),
        ("SQL['one']", []),
        ("BY_TAG", ["tag"]),
        ("loaded", ["tag"]),
        ("load('by_tag.sql')", ["tag"]),
        ("query_named('by_tag')", ["tag"]),
        ("open('sql/by_tag.sql').read()", ["tag"]),
        ("Path('sql/by_tag.sql').read_text(encoding='utf-8')", ["tag"]),
        ("BASE.joinpath('sql/by_tag.sql').read_text()", ["tag"]),
        ("(BASE / 'sql' / 'by_tag.sql').read_text()", ["tag"]),
    ],
)
def test_a_statement_is_told_where_it_is_run(
    text: str, missing: list[str], run: str, build: Build
) -> None:
    ask = f"return {run}({text}, (given,))"
    files = {
        "app.py": _APP.format(ask=ask),
        "kept.py": _KEPT,
        "schema.sql": _SCHEMA,
        "sql/by_tag.sql": "-- by tag\nSELECT * FROM jobs WHERE tag = %s\n",
    }
    line = files["app.py"].splitlines().index(f"    {ask}") + 1
    every = [(q, m) for c in build(files).facts(CollectionFit) for q, m in c.fits]
    found = [(q, m) for q, m in every if q.place.line == line]
    assert len(found) == 1
    assert [f for _, m in found for f in m.missing] == missing
    assert not any(q.unresolved for q, _ in found)


@pytest.mark.parametrize(
    "ask",
    [
        "flash(job_notice)",
        "print(open_jobs)",
        "return load('notes.txt')",
        "return Path('other.sql').read_text()",
    ],
)
def test_a_text_that_is_not_run_asks_nothing(ask: str, build: Build) -> None:
    files = {"app.py": _APP.format(ask=ask), "kept.py": _KEPT, "schema.sql": _SCHEMA}
    asked = [q for c in build(files).facts(CollectionFit) for q, _ in c.fits if not q.unresolved]
    assert asked == []


def test_files_of_one_name_are_not_told_apart(build: Build) -> None:
    ask = "return execute_query(open('sql/by_tag.sql').read(), (given,))"
    by_tag = "SELECT * FROM jobs WHERE tag = %s\n"
    files = {
        "app.py": _APP.format(ask=ask),
        "kept.py": _KEPT,
        "schema.sql": _SCHEMA,
        "sql/by_tag.sql": by_tag,
        "old/by_tag.sql": by_tag,
    }
    found = [q for c in build(files).facts(CollectionFit) for q, _ in c.fits]
    assert found
    assert all(q.unresolved for q in found)


_OF_A_PATH = """
def run(path):
    text = open(path).read()
    for part in text.split(";"):
        part = part.strip()
        if part:
            cursor.execute(part)
"""
_RUN = """
import sqlparse
from flask import Flask
import psycopg2
app = Flask(__name__)
conn = psycopg2.connect("")
cursor = conn.cursor()
def trimmed(path):
    with open(path) as file:
        return [part.strip() for part in file.read().split(";") if part.strip()]
{run}def fill(given):
    {fill}
@app.get("/<given>")
def ask(given):
    cursor.execute("SELECT * FROM readings WHERE name = %s", (given,)){more}
"""


@pytest.mark.parametrize(
    ("fill", "more", "fit"),
    [
        ("cursor.execute(open('seed.sql').read())", "", "covered"),
        ("cursor.execute(open('seed.sql').read(), multi=True)", "", "covered"),
        ("for x in sqlparse.split(open('seed.sql').read()):\n        cursor.execute(x)", "", "covered"),
        ("for x in open('seed.sql').read().split(';'):\n        cursor.execute(x)", "", "covered"),
        ("for x in trimmed('seed.sql'):\n        cursor.execute(x)", "", "covered"),
        ("run('schema.sql')\n    run('seed.sql')", "", "covered"),
        # what fills it is not told, or somebody waits for it
        ("cursor.execute(open(given[1]).read())", "", "missing"),
        ("for x in sqlparse.split(given[1]):\n        cursor.execute(x)", "", "missing"),
        ("for x in open('seed.sql').read().split(';'):\n        cursor.execute(x + given[1])", "", "missing"),
        ("cursor.execute(open('one.sql').read(), given)", "", "missing"),
        ("cursor.execute(open('seed.sql').read())", "\n    fill(given)", "missing"),
    ],
)  # fmt: skip
def test_a_table_that_a_file_fills_which_the_code_runs(
    fill: str, more: str, fit: str, build: Build
) -> None:
    files = {
        "schema.sql": "CREATE TABLE readings (id SERIAL PRIMARY KEY, name TEXT);\n",
        "seed.sql": "/* readings */\nBEGIN;\nINSERT INTO readings (name) VALUES ('a'), ('b');\nCOMMIT;\n",
        "create_database.py": "import sys\nfrom app import fill\nif __name__ == '__main__':\n    fill(sys.argv)\n",
        "one.sql": "INSERT INTO readings (name) VALUES (%s);\n",
        "app.py": _RUN.format(fill=fill, more=more, run=_OF_A_PATH if "run(" in fill else ""),
    }
    found = [(q, m) for c in build(files).facts(CollectionFit) for q, m in c.fits]
    assert [m.fit.value for q, m in found if q.equality] == [fit]
    if fit == "covered":
        assert not any(q.unresolved for q, _ in found)


@pytest.mark.parametrize(
    ("ask", "told"),
    [
        ("for x in ['DELETE FROM jobs WHERE tag = %s', 'UPDATE jobs SET tag = 1 WHERE status = %s']:\n        cursor.execute(x, (given,))", {"tag", "status"}),
        ("every = [open_jobs, Queries.opened]\n    for x in every:\n        execute_query(x, (given,))", {"status"}),
        ("for x, y in [('DELETE FROM jobs WHERE tag = %s', given), (open_jobs, 1)]:\n        cursor.execute(x, (y,))", {"tag", "status"}),
        # one of them is not told, which is said beside the others
        ("for x in [open_jobs, given]:\n        cursor.execute(x, (given,))", {"status", ""}),
        ("every = [open_jobs]\n    every.append(given)\n    for x in every:\n        cursor.execute(x)", {"status", ""}),
        ("every = [open_jobs]\n    every += given\n    for x in every:\n        cursor.execute(x)", {"status", ""}),
    ],
)  # fmt: skip
def test_a_loop_over_a_list_of_statements(ask: str, told: set[str], build: Build) -> None:
    files = {"app.py": _APP.format(ask=ask), "kept.py": _KEPT, "schema.sql": _SCHEMA}
    line = files["app.py"].splitlines().index(f"    {ask}".splitlines()[-1]) + 1
    every = [q for c in build(files).facts(CollectionFit) for q, _ in c.fits]
    found = [q for q in every if q.place.line == line]
    assert {f for q in found for f in q.equality or ("",)} == told
    assert any(q.unresolved for q in found) is ("" in told)
