"""Files of SQL that nothing runs, beside code that makes the same tables."""

from __future__ import annotations

import pytest

from auditor.model.data import CollectionFit, Fit, Index, Match
from tests.conftest import Build

_MODEL = """
from sqlalchemy import Column, Integer, create_engine, select
from sqlalchemy.orm import declarative_base
Base = declarative_base()
class Perm(Base):
    __tablename__ = "perms"
    id = Column(Integer, primary_key=True)
    doc_id = Column(Integer)
    user_id = Column(Integer)
def ask(session, d, u):
    return session.scalars(select(Perm).where(Perm.doc_id == d, Perm.user_id == u)).first()
"""
_CREATES = "Base.metadata.create_all(create_engine('postgresql://localhost/d'))\n"
_SQL = "CREATE TABLE perms (id SERIAL PRIMARY KEY, doc_id INT, user_id INT, UNIQUE (doc_id, user_id));\n"
_REVISION = """
from alembic import op
import sqlalchemy as sa
revision, down_revision = "1", None
def upgrade():
    op.create_table("perms", sa.Column("id", sa.Integer(), primary_key=True), sa.Column("doc_id", sa.Integer()),
                    sa.Column("user_id", sa.Integer()))
"""


def _fit(files: dict[str, str], build: Build) -> Match:
    found = build(files).facts(CollectionFit)
    ((match,),) = [[m for _, m in f.fits] for f in found if f.name == "perms"]
    return match


@pytest.mark.parametrize(
    ("path", "beside", "fit"),
    [
        ("perms.sql", {}, Fit.MISSING),
        ("worker/sql/perms.sql", {"worker/wrangler.toml": "[[d1_databases]]\n"}, Fit.MISSING),
        ("perms.sql", {"README.md": "├── perms.sql    # the tables\n"}, Fit.MISSING),
        ("perms.sql", {"backup.sh": "pg_dump d > perms.sql\n"}, Fit.MISSING),
        ("perms.sql", {"README.md": "psql -d d -f perms.sql\n"}, Fit.COVERED),
        ("perms.sql", {"README.md": "Import `perms.sql` into the database.\n"}, Fit.COVERED),
        ("perms.sql", {"Makefile": "db:\n\tpsql d < sql/perms.sql\n"}, Fit.COVERED),
        ("sql/perms.sql", {"db.Dockerfile": "FROM postgres:16\n"}, Fit.MISSING),
        (
            "sql/perms.sql",
            {"db/Dockerfile": "FROM postgres:16\nCOPY ./sql/ /docker-entrypoint-initdb.d/\n"},
            Fit.COVERED,
        ),
        ("initdb/perms.sql", {}, Fit.COVERED),
        ("migrations/1.sql", {}, Fit.COVERED),
        ("perms.sql", {"all.sql": "\\i perms.sql\n"}, Fit.COVERED),
        ("perms.sql", {"load.py": 'SCHEMA = open("sql/perms.sql").read()\n'}, Fit.COVERED),
        (
            "sql/perms.sql",
            {"load.py": 'from pathlib import Path\nALL = Path("sql").glob("*.sql")\n'},
            Fit.COVERED,
        ),
    ],
)
def test_a_file_of_sql_counts_where_something_runs_it(
    path: str, beside: dict[str, str], fit: Fit, build: Build
) -> None:
    assert _fit({"app.py": _MODEL + _CREATES, path: _SQL} | beside, build).fit is fit


def test_what_a_database_was_written_down_to_tells_of_it(build: Build) -> None:
    dump = "--\n-- PostgreSQL database dump\n--\n" + _SQL
    assert _fit({"app.py": _MODEL + _CREATES, "perms.sql": dump}, build).fit is Fit.COVERED


def test_a_file_of_sql_counts_where_no_code_makes_the_table(build: Build) -> None:
    assert _fit({"app.py": _MODEL, "perms.sql": _SQL}, build).fit is Fit.COVERED
    handed = "async def start(c):\n    await c.run_sync(Base.metadata.create_all)\n"
    assert _fit({"app.py": _MODEL + handed, "perms.sql": _SQL}, build).fit is Fit.MISSING


def test_beside_migrations_of_the_same_table_it_does_not(build: Build) -> None:
    files = {"app.py": _MODEL, "alembic/versions/1.py": _REVISION, "perms.sql": _SQL}
    assert _fit(files, build).fit is Fit.MISSING


def test_its_indexes_are_listed_as_run_by_nothing(build: Build) -> None:
    indexes = build({"app.py": _MODEL + _CREATES, "perms.sql": _SQL}).facts(Index)
    assert [(i.place.path, i.run) for i in indexes] == [("app.py", "table"), ("perms.sql", "")]


_OTHERS = "".join(
    f'class T{n}(Base):\n    __tablename__ = "t{n}"\n    id = Column(Integer, primary_key=True)\n'
    for n in range(4)
)


@pytest.mark.parametrize(
    ("creates", "fit"),
    [
        ("async def start(c):\n    await c.run_sync(Base.metadata.create_all)\n", Fit.MISSING),
        (
            "async def start(c):\n    await c.run_sync(lambda x: Base.metadata.create_all(x))\n",
            Fit.MISSING,
        ),
        (
            'from advanced_alchemy.config import Config\nconfig = Config("postgresql://localhost/d", create_all=True)\n',
            Fit.MISSING,
        ),
        ('config = Config("postgresql://localhost/d", create_all=False)\n', Fit.UNKNOWN),
        ("", Fit.UNKNOWN),
    ],
)
def test_tables_that_migrations_leave_out_are_made_by_create_all(
    creates: str, fit: Fit, build: Build
) -> None:
    made = "".join(f"CREATE TABLE t{n} (id SERIAL PRIMARY KEY);\n" for n in range(4))
    files = {"app.py": _MODEL + _OTHERS + creates, "migrations/1.sql": made}
    assert _fit(files, build).fit is fit


_RUN = "CREATE TABLE note (id INTEGER PRIMARY KEY, owner_id INTEGER, day TEXT);\n"
_OLD = "DROP TABLE IF EXISTS note;\nCREATE TABLE note (id INTEGER PRIMARY KEY, user_id INTEGER);\n"
_LOADS = "import sqlite3\ndb = sqlite3.connect('a.db')\ndb.executescript(open('{}').read())\n"
_MADE = f'import sqlite3\ndb = sqlite3.connect("a.db")\ndb.execute("{_RUN.strip()}")\n'


@pytest.mark.parametrize(
    ("column", "beside", "told"),
    [
        ("user_id", {"app/run.sql": _RUN, "load.py": _LOADS.format("app/run.sql")}, "unknown"),
        ("owner_id", {"app/run.sql": _RUN, "load.py": _LOADS.format("app/run.sql")}, "missing"),
        ("user_id", {"load.py": _MADE}, "unknown"),
        ("owner_id", {"load.py": _MADE}, "missing"),
        ("user_id", {"migrations/1.sql": _RUN}, "unknown"),
        ("owner_id", {"migrations/1.sql": _RUN}, "missing"),
        # neither is run by anything that is told: the table may have either's columns
        ("user_id", {"app/run.sql": _RUN}, "missing"),
        ("owner_id", {"app/run.sql": _RUN}, "missing"),
    ],
)
@pytest.mark.parametrize("stray", ["app/backup.sql", "a.sql", "zz.sql"])
def test_of_two_files_that_make_a_table_the_one_that_is_run_tells_its_columns(
    column: str, beside: dict[str, str], told: str, stray: str, build: Build
) -> None:
    old = _OLD if len(beside) > 1 or "app/run.sql" not in beside else _OLD.partition("\n")[2]
    asks = f"def ask(db, x):\n    return db.execute('SELECT id FROM note WHERE {column} = ?', (x,)).fetchall()\n"
    found = build({"app.py": asks, stray: old} | beside).facts(CollectionFit)
    assert {m.fit.value for f in found if f.name == "note" for _, m in f.fits} == {told}


def test_an_index_that_only_a_stray_file_has_is_run_by_nothing(build: Build) -> None:
    index = "CREATE INDEX by_owner ON note (owner_id);\n"
    asks = "def ask(db, x):\n    return db.execute('SELECT id FROM note WHERE owner_id = ?', (x,)).fetchall()\n"
    for old, told in ((_OLD + index, "missing"), (index, "missing")):
        found = build({"app.py": asks + _MADE, "old.sql": old}).facts(CollectionFit)
        assert {m.fit.value for f in found if f.name == "note" for _, m in f.fits} == {told}
    made = _MADE + f'db.execute("{index.strip()}")\n'
    found = build({"app.py": asks + made, "old.sql": _OLD}).facts(CollectionFit)
    assert {m.fit.value for f in found if f.name == "note" for _, m in f.fits} == {"covered"}


def test_an_index_that_the_start_makes_too_is_run(build: Build) -> None:
    made = "CREATE INDEX IF NOT EXISTS by_doc ON perms (doc_id, user_id)"
    start = f"from sqlalchemy import text\nwith create_engine('postgresql://localhost/d').begin() as db:\n    db.execute(text('{made}'))\n"
    app = _MODEL + _CREATES
    assert _fit({"app.py": app, "add_index.sql": f"{made};\n"}, build).fit is Fit.MISSING
    assert _fit({"app.py": app + start, "add_index.sql": f"{made};\n"}, build).fit is Fit.COVERED


_ASKS = """
import mysql.connector
connection = mysql.connector.connect(host="x")
{more}
def ask(cursor, d):
    cursor.execute("SELECT 1 FROM perms WHERE doc_id = %s", (d,))
"""
_TABLE = "CREATE TABLE perms (id INT AUTO_INCREMENT PRIMARY KEY, doc_id INT NOT NULL, {});\n"


@pytest.mark.parametrize(
    ("files", "fit"),
    [
        ({"doc/base.sql": _TABLE.format("x INT")}, Fit.MISSING),
        ({"doc/base.sql": _TABLE.format("INDEX (doc_id)")}, Fit.COVERED),
        # of what something else makes it is an older copy
        ({"doc/base.sql": _TABLE.format("INDEX (doc_id)"), "base.sql": _TABLE.format("x INT")}, Fit.MISSING),
        ({"doc/base.sql": _TABLE.format("INDEX (doc_id)"), "models.py": _MODEL}, Fit.MISSING),
        ({"doc/base.sql": "-- CREATE TABLE perms (id INT);\n"}, Fit.UNKNOWN),
        ({"doc/migrations/1.sql": _TABLE.format("INDEX (doc_id)")}, Fit.UNKNOWN),
        # nothing ends the statement before
        ({"base.sql": "CREATE DATABASE d\n\n" + _TABLE.format("x INT")}, Fit.MISSING),
    ],
)  # fmt: skip
def test_a_schema_among_the_documents(files: dict[str, str], fit: Fit, build: Build) -> None:
    found = build({"app.py": _ASKS.format(more=""), **files}).facts(CollectionFit)
    fits = [m.fit for f in found for q, m in f.fits if q.place.path == "app.py"]
    assert fits == [fit]


@pytest.mark.parametrize(
    ("more", "fit"),
    [
        ('MAKE, NAME = "CREATE TABLE", "perms"\nSQL = f"{MAKE} {NAME} (id INT PRIMARY KEY, doc_id INT)"', Fit.MISSING),
        ('MAKE = "CREATE TABLE"\nSQL = f"""{MAKE} perms (id INT PRIMARY KEY, doc_id INT UNIQUE)"""', Fit.COVERED),
        ('MAKE = "SELECT 1 FROM"\nSQL = f"{MAKE} perms (id INT PRIMARY KEY, doc_id INT)"', Fit.UNKNOWN),
    ],
)  # fmt: skip
def test_a_table_whose_first_words_are_a_constant(more: str, fit: Fit, build: Build) -> None:
    found = build({"app.py": _ASKS.format(more=more)}).facts(CollectionFit)
    assert [m.fit for f in found for _, m in f.fits] == [fit]


_FURTHER = "CREATE TABLE notes (id SERIAL PRIMARY KEY, doc_id INT);\n"
_ASKS_FURTHER = 'from sqlalchemy import text\ndef notes(session):\n    return session.execute(text("SELECT id FROM notes WHERE id = :i"), {"i": 1})\n'


@pytest.mark.parametrize(
    ("files", "fit"),
    [
        ({"perms.sql": _SQL + _FURTHER, "notes.py": _ASKS_FURTHER}, Fit.UNKNOWN),
        ({"perms.sql": _SQL + _FURTHER}, Fit.MISSING),
        ({"perms.sql": _SQL, "notes.sql": _FURTHER, "notes.py": _ASKS_FURTHER}, Fit.MISSING),
        ({"perms.sql": _SQL.replace("UNIQUE (doc_id, user_id)", "n INT") + _FURTHER, "notes.py": _ASKS_FURTHER}, Fit.MISSING),
    ],
)  # fmt: skip
def test_a_file_that_alone_makes_another_table_is_run_by_somebody(
    files: dict[str, str], fit: Fit, build: Build
) -> None:
    assert _fit({"app.py": _MODEL + _CREATES, **files}, build).fit is fit
