"""Schemas as each database spells them: what a script leaves behind, and what a query finds of it."""

from __future__ import annotations

import pytest

from auditor.extract.sql import schema_steps, split
from auditor.model.data import CollectionFit, Fit, Index
from tests.conftest import Build

ASKS = """
def ask(cursor, given):
    cursor.execute("SELECT * FROM points WHERE owner = %s", (given,))
"""
OLD = (
    "CREATE TABLE old (id SERIAL PRIMARY KEY, owner INT);\nCREATE INDEX by_owner ON old (owner);\n"
)


def _fits(build: Build, schema: str, code: str = ASKS, table: str = "points") -> list[Fit]:
    found = build({"app.py": code, "schema.sql": schema}).facts(CollectionFit)
    return [match.fit for fit in found if fit.name == table for _, match in fit.fits]


@pytest.mark.parametrize(
    ("made", "fit"),
    [
        ("CREATE TABLE points (LIKE old INCLUDING ALL);", Fit.COVERED),
        ("CREATE TABLE points (note TEXT, LIKE old INCLUDING INDEXES);", Fit.COVERED),
        ("CREATE TABLE points LIKE old;", Fit.COVERED),
        ("CREATE TABLE points (LIKE old INCLUDING DEFAULTS);", Fit.MISSING),
        ("CREATE TABLE points (LIKE old INCLUDING ALL EXCLUDING INDEXES);", Fit.MISSING),
        ("CREATE TABLE points (LIKE old);", Fit.MISSING),
        ("CREATE TABLE points AS SELECT * FROM old;", Fit.MISSING),
        ("CREATE TABLE points (LIKE elsewhere INCLUDING ALL);", Fit.UNKNOWN),
    ],
)
def test_a_table_that_is_made_like_another(made: str, fit: Fit, build: Build) -> None:
    """PostgreSQL and MySQL give it the indexes of the other one, if they are told to."""
    assert _fits(build, OLD + made) == [fit]


_POINTS = "CREATE TABLE points (id INT PRIMARY KEY, owner INT)"


@pytest.mark.parametrize(
    ("made", "fits"),
    [
        (f"DO $$\nBEGIN\nIF NOT EXISTS (SELECT FROM pg_tables WHERE tablename = 'points') THEN\n{_POINTS};\nEND IF;\nEND\n$$;", [Fit.MISSING]),
        (f"DO $x$ BEGIN {_POINTS}; CREATE INDEX a ON points (owner); END $x$;", [Fit.COVERED]),
        (f"{_POINTS};\nDO $$ BEGIN IF NOT EXISTS (SELECT 1) THEN CREATE INDEX a ON points (owner); END IF; END $$;", [Fit.COVERED]),
        (f"IF NOT EXISTS (SELECT * FROM sys.tables WHERE name = 'points')\nBEGIN\n{_POINTS}\nEND\nGO\n", [Fit.MISSING]),
        (f"IF OBJECT_ID('dbo.points', 'U') IS NULL {_POINTS}", [Fit.MISSING]),
        # what other conditions make, and what is a text, may be there or not
        (f"DO $$ BEGIN IF EXISTS (SELECT 1) THEN {_POINTS}; END IF; END $$;", [Fit.UNKNOWN]),
        (f"DO $$ BEGIN EXECUTE '{_POINTS}'; END $$;", [Fit.UNKNOWN]),
    ],
)  # fmt: skip
def test_a_table_that_is_made_where_there_is_none(made: str, fits: list[Fit], build: Build) -> None:
    assert _fits(build, made) == fits
    if fits != [Fit.UNKNOWN] and not made.startswith("CREATE"):
        assert (
            _fits(build, "", f'{ASKS}\ndef make(cursor):\n    cursor.execute("""{made}""")\n')
            == fits
        )


def test_a_table_is_made_like_what_another_was_then(build: Build) -> None:
    schema = "CREATE TABLE old (id INT, owner INT);\nCREATE TABLE points (LIKE old INCLUDING ALL);\nCREATE INDEX by_owner ON old (owner);\n"
    assert _fits(build, schema) == [Fit.MISSING]


@pytest.mark.parametrize(
    ("constraint", "fit"),
    [
        ("PRIMARY KEY (owner)", Fit.COVERED),
        ("UNIQUE (owner)", Fit.COVERED),
        ("PRIMARY KEY", Fit.MISSING),
        ("UNIQUE", Fit.MISSING),
    ],
)
def test_a_comma_that_is_forgotten_before_a_constraint(
    constraint: str, fit: Fit, build: Build
) -> None:
    schema = f"CREATE TABLE points (owner INT, name TEXT NOT NULL\n {constraint}\n);"
    assert _fits(build, schema) == [fit]


@pytest.mark.parametrize(
    ("index", "fit"),
    [
        ("CREATE INDEX i ON points (owner(10))", Fit.COVERED),
        ("CREATE INDEX i ON points (lower(owner))", Fit.MISSING),
        ("CREATE FULLTEXT INDEX i ON points (owner)", Fit.MISSING),
        ("ALTER TABLE points ADD FULLTEXT KEY i (owner)", Fit.MISSING),
        ("ALTER TABLE points ADD KEY i (owner)", Fit.COVERED),
        ("ALTER TABLE points ADD INDEX i (owner) COMMENT it's broken", Fit.UNKNOWN),
        ("ALTER TABLE points OWNER TO somebody", Fit.MISSING),
        ("ALTER TABLE others ADD INDEX i (owner) COMMENT it's broken", Fit.MISSING),
    ],
)
def test_indexes_that_one_database_alone_has(index: str, fit: Fit, build: Build) -> None:
    schema = f"CREATE TABLE points (id INT PRIMARY KEY, owner VARCHAR(99));\n{index};\n"
    assert _fits(build, schema) == [fit]


@pytest.mark.parametrize(
    ("member", "fit"),
    [
        ("KEY by_owner (owner)", Fit.COVERED),
        ("INDEX by_owner (owner)", Fit.COVERED),
        ("KEY (owner)", Fit.COVERED),
        ("INDEX (`owner`)", Fit.COVERED),
        ("UNIQUE KEY by_owner (owner)", Fit.COVERED),
        ("key VARCHAR(20)", Fit.MISSING),
        ("index INT", Fit.MISSING),
        ("key TEXT REFERENCES people (owner)", Fit.MISSING),
    ],
)
def test_indexes_among_the_columns(member: str, fit: Fit, build: Build) -> None:
    """As MySQL has them, and as columns may be called elsewhere."""
    assert _fits(build, f"CREATE TABLE points (id INT PRIMARY KEY, owner INT, {member});") == [fit]


@pytest.mark.parametrize("special", ["CREATE FULLTEXT INDEX i ON points (body)", "ALTER TABLE points ADD FULLTEXT (body)"])  # fmt: skip
def test_words_are_searched_by_a_full_text_index(special: str, build: Build) -> None:
    code = "def ask(cursor, given):\n    cursor.execute('SELECT * FROM points WHERE MATCH (body) AGAINST (%s)', (given,))\n"
    schema = f"CREATE TABLE points (id INT PRIMARY KEY, body TEXT);\n{special};\n"
    assert _fits(build, schema, code) == [Fit.COVERED]
    assert _fits(build, schema.replace("FULLTEXT", ""), code) == [Fit.MISSING]
    both = schema.replace("(body)", "(body, title)").replace("body TEXT", "body TEXT, title TEXT")
    asked = code.replace("(body)", "(body, title)")
    assert _fits(build, both, asked) == [Fit.COVERED]
    assert _fits(build, both.replace("(body, title)", "(title)"), asked) == [Fit.MISSING]


@pytest.mark.parametrize(
    ("spelling", "fit"),
    [
        ("id INT auto_increment PRIMARY KEY", Fit.COVERED),
        ("id SERIAL PRIMARY KEY", Fit.MISSING),
        ("id INTEGER PRIMARY KEY AUTOINCREMENT", Fit.MISSING),
        ("id INT PRIMARY KEY", Fit.MISSING),
    ],
)
def test_the_spelling_of_a_schema_tells_the_database(spelling: str, fit: Fit, build: Build) -> None:
    """MySQL alone gives a foreign key an index, and neither driver nor address tells it."""
    schema = (
        "CREATE TABLE people (id INT PRIMARY KEY);\n"
        f"CREATE TABLE points ({spelling}, owner INT, FOREIGN KEY (owner) REFERENCES people (id));\n"
    )
    assert _fits(build, schema) == [fit]


_SQLITE = "URL = 'sqlite+aiosqlite:///./shop.db'\n"
_CONNECTS = "import os\nfrom sqlalchemy import create_engine\nengine = create_engine(os.environ['URL'], connect_args=%s)\n"


@pytest.mark.parametrize(
    ("beside", "fit"),
    [
        ({"app.py": "from flaskext.mysql import MySQL\n" + ASKS}, Fit.COVERED),
        ({"app.py": "import mariadb\n" + ASKS}, Fit.COVERED),
        ({"app.py": "from flask_mysql_connector import MySQL\n" + ASKS}, Fit.COVERED),
        ({"app.py": "from flaskext.markdown import Markdown\n" + ASKS}, Fit.MISSING),
        ({"compose.yml": "services:\n  db:\n    image: mysql:8\n"}, Fit.COVERED),
        ({".env.example": "DATABASE_URL=mysql+aiomysql://u:p@h/d\n"}, Fit.COVERED),
        ({".env.example": "DATABASE_URL=postgresql://u:p@h/d\nCACHE=mysql.example.org\n"}, Fit.MISSING),
        ({"alembic.ini": "[alembic]\nsqlalchemy.url = mysql+pymysql://u@h/d\n"}, Fit.COVERED),
        ({"alembic.ini": "[alembic]\n# mysql+pymysql://u@h/d\nsqlalchemy.url = sqlite:///x\n"}, Fit.MISSING),
        ({"versions/1.py": "from sqlalchemy.dialects import mysql\n"}, Fit.COVERED),
        ({"versions/1.py": "from sqlalchemy.dialects import postgresql\n"}, Fit.MISSING),
        ({"compose.yml": "services:\n  db:\n    image: docker.io/library/mariadb\n"}, Fit.COVERED),
        ({"compose.yml": "services:\n  db:\n    image: postgres:16-alpine\n"}, Fit.MISSING),
        ({"compose.yml": "services:\n  db:\n    image: prom/mysqld-exporter\n"}, Fit.MISSING),
        ({"app.py": "import psycopg2\n" + ASKS, "compose.yml": "services:\n  db:\n    image: mysql:8\n"}, Fit.MISSING),
        # what the drivers of MySQL alone are given
        ({"db.py": _CONNECTS % "{'ssl': {'ca': 'ca.pem'}}"}, Fit.COVERED),
        ({"db.py": _CONNECTS % "MORE" + "MORE = {'ssl': {}}\n"}, Fit.COVERED),
        ({"db.py": _CONNECTS % "{'ssl': True}"}, Fit.MISSING),  # asyncpg takes it
        ({"db.py": _CONNECTS % "{'sslmode': 'require'}"}, Fit.MISSING),
        ({"db.py": "import os\nURL = os.environ['URL'].replace('?ssl-mode=REQUIRED', '')\n"}, Fit.COVERED),
        ({"db.py": "import os\nURL = os.environ['URL'] + '?charset=utf8mb4'\n"}, Fit.COVERED),
        ({"db.py": "import os\nURL = os.environ['URL'] + '?sslmode=require'\n"}, Fit.MISSING),
        ({"db.py": _CONNECTS % "{'ssl': {}}" + "URL = 'postgresql://h/d'\n"}, Fit.MISSING),
        ({"db.py": "import asyncpg\n" + _CONNECTS % "{'ssl': {}}"}, Fit.MISSING),
        # of two drivers that are required, the one of the address
        ({"db.py": _SQLITE, "requirements.txt": "aiomysql\naiosqlite\n"}, Fit.MISSING),
        ({"db.py": _SQLITE, "requirements.txt": "aiomysql\n"}, Fit.COVERED),
        ({"db.py": _SQLITE, "requirements.txt": "aiomysql\naiosqlite\n", ".env.example": "URL=mysql+aiomysql://u:p@h/d\n"}, Fit.COVERED),
        ({"db.py": "import aiomysql\n" + _SQLITE, "requirements.txt": "aiomysql\naiosqlite\n"}, Fit.COVERED),
        ({"db.py": _SQLITE + "OTHER = 'mysql+aiomysql://u@h/d'\n", "requirements.txt": "aiomysql\naiosqlite\n"}, Fit.COVERED),
    ],
)  # fmt: skip
def test_drivers_and_images_tell_the_database(
    beside: dict[str, str], fit: Fit, build: Build
) -> None:
    schema = (
        "CREATE TABLE people (id INT PRIMARY KEY);\n"
        "CREATE TABLE points (id INT, owner INT, FOREIGN KEY (owner) REFERENCES people (id));\n"
    )
    found = build({"app.py": ASKS, "schema.sql": schema} | beside).facts(CollectionFit)
    assert [m.fit for f in found if f.name == "points" for _, m in f.fits] == [fit]


def test_a_driver_tells_more_than_a_spelling(build: Build) -> None:
    schema = (
        "CREATE TABLE people (id INT AUTO_INCREMENT PRIMARY KEY);\n"
        "CREATE TABLE points (id INT, owner INT, FOREIGN KEY (owner) REFERENCES people (id));\n"
    )
    assert _fits(build, schema, "import psycopg2\n" + ASKS) == [Fit.MISSING]


ROWS = "COPY public.kinds (name) FROM stdin;\none; it's\ntwo\\tCREATE TABLE none (a INT);\n\\.\n"


def test_rows_in_a_dump_are_no_statements() -> None:
    text = f"CREATE TABLE a (b INT);\n-- rows\n{ROWS}\nCREATE TABLE c (d INT);\n"
    assert [(statement.split("(")[0].strip(), line) for statement, line in split(text)] == [
        ("CREATE TABLE a", 1),
        ("CREATE TABLE c", 8),
    ]


def test_a_command_of_psql_ends_with_its_line() -> None:
    text = (
        "CREATE DATABASE shop;\n\\c shop\n\nCREATE TABLE a (b INT);\n\\echo 'it''s; done\n"
        "CREATE TABLE c (d TEXT DEFAULT '\n\\c shop\n');\n\\if :more\nCREATE INDEX e ON a (b);\n\\endif\nDROP TABLE a;\n"
    )
    assert [(statement.split("(")[0].strip(), line) for statement, line in split(text)] == [
        ("CREATE DATABASE shop", 1),
        ("CREATE TABLE a", 4),
        ("CREATE TABLE c", 6),
        ("DROP TABLE a", 12),
    ]


def test_rows_that_do_not_end_leave_the_rest_as_statements() -> None:
    text = "COPY a FROM stdin;\none\n;\nCREATE TABLE c (d INT);\n" * 3
    assert [line for _, line in split(text)] == [4, 8, 12]


def test_a_key_and_its_table_are_told_once() -> None:
    steps = schema_steps("CREATE TABLE a (b INT UNIQUE, c INT PRIMARY KEY, FOREIGN KEY (b) REFERENCES d (e))")  # fmt: skip
    told = [(s.action, s.columns) for s in steps if s.columns]
    assert told == [("constraint", [("b", 1)]), ("key", [("c", 1)]), ("foreign key", [("b", 1)])]


def test_a_comment_behind_the_last_column_is_no_part_of_it() -> None:
    told = "CREATE TABLE a (b INT, c BOOLEAN DEFAULT FALSE{}\n);".format
    assert schema_steps(told("  -- whether it is gone")) == schema_steps(told(""))


@pytest.mark.parametrize(
    ("kind", "fit"),
    [
        ("VARCHAR(9) CHECK (owner IN ('a', 'b'))", Fit.COVERED),
        ("ENUM('a', 'b')", Fit.COVERED),
        ("VARCHAR(9) CHECK (owner IN ('a', 'b', 'c'))", Fit.MISSING),
        ("ENUM('a', 'b', 'c')", Fit.MISSING),
        ("VARCHAR(9) CHECK (other IN ('a', 'b'))", Fit.MISSING),
        ("VARCHAR(9) CHECK (owner <> '')", Fit.MISSING),
    ],
)
def test_a_column_that_takes_one_of_two_values(kind: str, fit: Fit, build: Build) -> None:
    """Whatever a schema elsewhere lets the caller send under the same name."""
    schema = f"CREATE TABLE points (id INT PRIMARY KEY, other TEXT, owner {kind});"
    form = "from pydantic import BaseModel\nclass Ask(BaseModel):\n    owner: str = 'x'\n"
    assert _fits(build, schema, form + ASKS) == [fit]


@pytest.mark.parametrize(
    "view", ["CREATE VIEW points AS SELECT 1 AS owner", "CREATE OR REPLACE VIEW points AS SELECT 1"]
)
def test_a_view_is_said_to_be_one(view: str, build: Build) -> None:
    for files in (
        {"app.py": ASKS, "schema.sql": f"{view};"},
        {"app.py": f'{ASKS}def make(cursor):\n    cursor.execute("{view}")\n'},
    ):
        found = [m for f in build(files).facts(CollectionFit) for _, m in f.fits]
        assert [(m.fit, "view" in m.why) for m in found] == [(Fit.UNKNOWN, True)]


@pytest.mark.parametrize(
    ("beside", "fit"),
    [
        ({}, Fit.COVERED),
        ({"api/save.php": "<?php $db->query('INSERT INTO points VALUES (1)');"}, Fit.MISSING),
        ({"api/save.php": "<?php echo 'other';"}, Fit.COVERED),
    ],
)
def test_a_program_in_another_language_may_add_to_a_table(
    beside: dict[str, str], fit: Fit, build: Build
) -> None:
    schema = (
        "CREATE TABLE points (id INT PRIMARY KEY, owner INT);\nINSERT INTO points VALUES (1, 2);\n"
    )
    found = build({"app.py": ASKS, "schema.sql": schema} | beside).facts(CollectionFit)
    assert [m.fit for f in found for _, m in f.fits] == [fit]


RESET = "DROP TABLE IF EXISTS posts CASCADE;\n"
REVISION = """
from alembic import op
import sqlalchemy as sa
revision = "1"
down_revision = None
def upgrade():
    op.create_table("posts", sa.Column("id", sa.Integer, primary_key=True), sa.Column("owner", sa.Integer, sa.ForeignKey("people.id")), sa.Column("made", sa.Integer))
    op.create_index("ix_made", "posts", ["made"])
"""
MODEL = """
from sqlalchemy import Column, ForeignKey, Integer, select
from sqlalchemy.orm import declarative_base
Base = declarative_base()
class Post(Base):
    __tablename__ = "posts"
    id = Column(Integer, primary_key=True)
    owner = Column(Integer, ForeignKey("people.id"), index=True)
    made = Column(Integer)
def ask(session, given):
    session.scalars(select(Post).where(Post.owner == given))
    session.scalars(select(Post).where(Post.made == given))
"""


@pytest.mark.parametrize("script", ["", RESET])
def test_a_script_that_empties_a_database_undoes_no_migration(script: str, build: Build) -> None:
    files = {"app.py": MODEL, "versions/1.py": REVISION} | ({"reset.sql": script} if script else {})
    (found,) = build(files).facts(CollectionFit)
    assert {q.equality: m.fit for q, m in found.fits} == {
        ("owner",): Fit.MISSING,
        ("made",): Fit.COVERED,
    }


@pytest.mark.parametrize(("driver", "owner"), [("psycopg2", Fit.MISSING), ("pymysql", Fit.COVERED)])
def test_an_index_of_a_foreign_key_that_no_migration_creates(
    driver: str, owner: Fit, build: Build
) -> None:
    """MySQL creates it with the constraint; elsewhere `index=True` is a word that a migration has to follow."""
    files = {"app.py": MODEL, "versions/1.py": REVISION, "requirements.txt": f"{driver}\n"}
    (found,) = build(files).facts(CollectionFit)
    assert {q.equality: m.fit for q, m in found.fits}["owner",] is owner


@pytest.mark.parametrize("path", ["schema.sql", "migrations/1.sql"])
def test_tables_of_one_name_in_two_databases(path: str, build: Build) -> None:
    schema = (
        "USE shop;\nCREATE TABLE points (id INT AUTO_INCREMENT PRIMARY KEY, owner INT, UNIQUE KEY (owner));\n"
        "USE bot;\nCREATE TABLE points (id INT AUTO_INCREMENT PRIMARY KEY, place INT, UNIQUE KEY (place));\n"
    )
    found = build({"app.py": ASKS, path: schema}).facts(CollectionFit)
    assert [m.fit for f in found for _, m in f.fits] == [Fit.COVERED]


def test_a_table_that_is_made_anew_has_the_indexes_that_are_made_then(build: Build) -> None:
    table = "CREATE TABLE points (id INT PRIMARY KEY, owner INT);\n"
    files = {
        "app.py": ASKS,
        "migrations/1.sql": f"{table}CREATE INDEX by_owner ON points (owner);\n",
        "migrations/2.sql": table.replace("TABLE", "TABLE IF NOT EXISTS"),
    }
    assert [m.fit for f in build(files).facts(CollectionFit) for _, m in f.fits] == [Fit.COVERED]
    files["migrations/2.sql"] = f"DROP TABLE points;\n{table}"
    assert [m.fit for f in build(files).facts(CollectionFit) for _, m in f.fits] == [Fit.MISSING]


def test_a_table_of_a_name_that_is_made_up_has_its_indexes_for_itself(build: Build) -> None:
    code = ASKS + (
        "def make(cursor, name):\n"
        '    cursor.execute(f"CREATE TABLE IF NOT EXISTS {name} (ship INT PRIMARY KEY, owner INT)")\n'
    )
    schema = "CREATE TABLE points (id INT PRIMARY KEY, owner INT);\n"
    assert _fits(build, schema, code) == [Fit.MISSING]


@pytest.mark.parametrize(
    ("driver", "table", "column", "expected"),
    [
        ("pymysql", "`orders`", "`due date`", "CREATE INDEX ix_orders_due_date ON orders (`due date`)"),
        ("psycopg2", '"Orders"', '"dueDate"', 'CREATE INDEX ix_Orders_dueDate ON "Orders" ("dueDate")'),
        ("psycopg2", "Orders", "dueDate", "CREATE INDEX ix_orders_duedate ON orders (duedate)"),
        ("pymysql", "`order`", "`due`", "CREATE INDEX ix_order_due ON `order` (due)"),
    ],
)  # fmt: skip
def test_an_index_is_recommended_in_words_that_the_database_reads(
    driver: str, table: str, column: str, expected: str, build: Build
) -> None:
    asked = f"SELECT 1 FROM {table} WHERE {column} = %s"
    code = f"import {driver}\ndef ask(cursor, given):\n    cursor.execute({asked!r}, (given,))\n"
    schema = f"CREATE TABLE {table} (id INT PRIMARY KEY, {column} DATE);\n"
    (found,) = build({"app.py": code, "schema.sql": schema}).facts(CollectionFit)
    assert [p.code for p in found.proposed] == [expected]


@pytest.mark.parametrize(
    ("column", "kind", "fit"),
    [
        ("is_open", "INTEGER", Fit.COVERED),
        ("enabled", "BINARY(1)", Fit.COVERED),
        ("IsActive", "SMALLINT", Fit.COVERED),
        ("is_open", "CHAR(1)", Fit.COVERED),
        ("active", "VARCHAR(1)", Fit.COVERED),
        ("approved", "VARCHAR(40)", Fit.MISSING),  # by whom
        ("island", "INTEGER", Fit.MISSING),
        ("is_open", "TIMESTAMP", Fit.MISSING),
    ],
)
def test_a_column_that_answers_yes_or_no(column: str, kind: str, fit: Fit, build: Build) -> None:
    code = f"def ask(cursor, given):\n    cursor.execute('SELECT 1 FROM points WHERE {column} = %s', (given,))\n"
    assert _fits(build, f"CREATE TABLE points (id INT PRIMARY KEY, {column} {kind});", code) == [
        fit
    ]


@pytest.mark.parametrize(
    ("more", "fit"),
    [
        ("def tune(table):\n    run_client(f'CREATE INDEX ix ON `{table}` (`number`)')\n", Fit.MISSING),
        ("def tune(cursor, table):\n    cursor.execute(f'CREATE INDEX ix ON `{table}` (`number`)')\n", Fit.MISSING),
        ("def tune(cursor, table):\n    cursor.execute(f'CREATE INDEX ix ON `{table}` (`owner`)')\n", Fit.UNKNOWN),
    ],
)  # fmt: skip
def test_an_index_whose_table_alone_is_told_at_run_time(more: str, fit: Fit, build: Build) -> None:
    schema = "CREATE TABLE points (id INT PRIMARY KEY, owner INT, number INT);\n"
    assert _fits(build, schema, ASKS + more) == [fit]


@pytest.mark.parametrize(
    ("step", "fit"),
    [
        ("ADD CONSTRAINT c CHECK (owner IS DISTINCT FROM id)", Fit.MISSING),
        ("ADD CONSTRAINT c UNIQUE USING INDEX ix", Fit.UNKNOWN),
    ],
)
def test_a_constraint_that_cannot_be_read(step: str, fit: Fit, build: Build) -> None:
    schema = f"CREATE TABLE points (id INT PRIMARY KEY, owner INT);\nALTER TABLE points {step} garble'd;\n"
    assert _fits(build, schema) == [fit]


def test_a_table_that_a_file_is_loaded_into(build: Build) -> None:
    schema = (
        "CREATE TABLE points (id INT PRIMARY KEY, owner INT);\n"
        "LOAD DATA LOCAL INFILE 'points.csv' INTO TABLE points FIELDS TERMINATED BY ',';\n"
    )
    assert _fits(build, schema) == [Fit.COVERED]


_VISITS = """
from sqlalchemy import Column, Integer, String, create_engine, select
from sqlalchemy.orm import declarative_base, sessionmaker
Base = declarative_base()
class Visit(Base):
    __tablename__ = "visits"
    id = Column(Integer, primary_key=True)
    status = Column(String, index=True)
    page = Column(String)
class Page(Base):
    __tablename__ = "pages"
    id = Column(Integer, primary_key=True)
    name = Column(String, index=True)
Base.metadata.create_all(create_engine("postgresql://localhost/x"))
def ask(session, status, page):
    session.scalars(select(Visit).where(Visit.status == status)).all()
    session.scalars(select(Visit).where(Visit.page == page)).all()
    session.scalars(select(Page).where(Page.name == page)).all()
"""
_MOUNTING = "services:\n  db:\n    image: postgres:16\n    volumes:\n      - {}:/docker-entrypoint-initdb.d{}\n"


@pytest.mark.parametrize(
    ("mounted", "stands"),
    [
        (("./db/init.sql", "/1.sql:ro"), True),
        (("./db", ""), True),
        (("./db/other.sql", "/1.sql"), False),
        (("db", ""), False),  # a volume of that name
    ],
)
def test_a_table_that_the_image_makes_at_first_gets_no_index_of_the_model(
    mounted: tuple[str, str], stands: bool, build: Build
) -> None:
    schema = "CREATE TABLE visits (id serial PRIMARY KEY, status text, page text);\nCREATE INDEX by_page ON visits (page);\n"
    compose = _MOUNTING.format(*mounted)
    files = {"app.py": _VISITS, "db/init.sql": schema, "compose.yml": compose}
    fits = {q.equality: m.fit for c in build(files).facts(CollectionFit) for q, m in c.fits}
    assert fits == {
        ("status",): Fit.MISSING if stands else Fit.COVERED,
        ("page",): Fit.COVERED,
        ("name",): Fit.COVERED,
    }


_COACHES = """
from sqlalchemy import Column, ForeignKey, Integer, create_engine, select
from sqlalchemy.orm import declarative_base
Base = declarative_base()
class Person(Base):
    __tablename__ = "people"
    id = Column(Integer, primary_key=True)
class Coach(Base):
    __tablename__ = "coaches"
    id = Column(Integer, primary_key=True)
    person = Column(Integer, ForeignKey("people.id"), unique=True)
create_engine("mysql+pymysql://localhost/x")
def ask(session, person):
    session.scalars(select(Coach).where(Coach.person == person)).all()
"""


@pytest.mark.parametrize(
    ("more", "fit"),
    [
        ("ALTER TABLE coaches ADD FOREIGN KEY (person) REFERENCES people (id);", Fit.COVERED),
        ("ALTER TABLE coaches ADD UNIQUE (person);", Fit.COVERED),
        ("ALTER TABLE coaches ADD FOREIGN KEY (id) REFERENCES people (id);", Fit.MISSING),
    ],
)
def test_a_foreign_key_has_an_index_where_its_models_unique_one_was_never_made(
    more: str, fit: Fit, build: Build
) -> None:
    schema = f"CREATE TABLE coaches (id int PRIMARY KEY, person int);\n{more}\n"
    compose = _MOUNTING.format("./db", "").replace("postgres:16", "mysql:8")
    files = {"app.py": _COACHES, "db/init.sql": schema, "compose.yml": compose}
    assert [m.fit for c in build(files).facts(CollectionFit) for q, m in c.fits] == [fit]


_BROKEN = "CREATE TABLE IF NOT EXISTS player (\n  id SERIAL PRIMARY KEY,\n  name TEXT NOT NULL\n  born DATE NOT NULL\n)"


@pytest.mark.parametrize(
    ("files", "place"),
    [
        ({"schema.sql": f"CREATE TABLE team (id INT PRIMARY KEY);\n{_BROKEN};\n"}, "schema.sql:2"),
        ({"init.py": f'def make(cursor):\n    cursor.execute("""{_BROKEN}""")\n'}, "init.py:2"),
        ({"schema.sql": f"{_BROKEN};\nCREATE TABLE other (id INT);\n"}, "schema.sql:1"),
        ({"schema.sql": "CREATE TABLE team (id INT PRIMARY KEY);\n"}, ""),
        ({"schema.sql": "CREATE TABLE player (id INT PRIMARY KEY, name TEXT);\n"}, None),
    ],
)
def test_a_table_whose_statement_cannot_be_parsed_is_said_to_be_so(
    files: dict[str, str], place: str | None, build: Build
) -> None:
    code = (
        'def ask(cursor, x):\n    cursor.execute("SELECT id FROM player WHERE name = %s", (x,))\n'
    )
    found = build({"app.py": code, **files}).facts(CollectionFit)
    ((match,),) = [[m for _, m in f.fits] for f in found if f.name == "player"]
    if place is None:
        assert match.fit is Fit.MISSING
    else:
        told = f"{place}, which creates its table, cannot be parsed" if place else "told nowhere"
        assert (match.fit, told in match.why) == (Fit.UNKNOWN, True)


_HELD = """CREATE TABLE points (id INT AUTO_INCREMENT PRIMARY KEY, owner INT);
SET @there = (SELECT COUNT(1) FROM information_schema.statistics WHERE index_name = 'by_owner');
SET @sql := IF(@there > 0, {then},
    {other});
PREPARE stmt FROM @sql; {run} DEALLOCATE PREPARE stmt;
"""


@pytest.mark.parametrize(
    ("then", "other", "run", "fit"),
    [
        ("'SELECT 1'", "'CREATE INDEX by_owner ON points (owner)'", "EXECUTE stmt;", Fit.COVERED),
        ("'SELECT 1'", "'ALTER TABLE points ADD INDEX by_owner (owner)'", "EXECUTE stmt;", Fit.COVERED),
        ("'SELECT 1'", "'CREATE INDEX by_owner ON points (owner)'", "", Fit.MISSING),
        ("'SELECT 1'", "'CREATE INDEX by_id ON points (id, owner)'", "EXECUTE stmt;", Fit.MISSING),
        ("'there is one: create index by_owner on points (owner)'", "'SELECT 1'", "EXECUTE stmt;", Fit.MISSING),
    ],
)  # fmt: skip
def test_what_mysql_executes_as_a_text(
    then: str, other: str, run: str, fit: Fit, build: Build
) -> None:
    assert _fits(build, _HELD.format(then=then, other=other, run=run)) == [fit]


def test_a_text_that_is_executed_at_once(build: Build) -> None:
    schema = "CREATE TABLE points (id INT, owner INT);\nPREPARE s FROM 'CREATE INDEX by_owner ON points (owner)';\nEXECUTE s;\n"
    assert _fits(build, schema) == [Fit.COVERED]


@pytest.mark.parametrize(
    ("declared", "fit"),
    [
        ("INT NOT NULL, -- 0: no mail, 1: mail at the end of the day", Fit.COVERED),
        ("INT, -- 1 = shown, 0 = hidden", Fit.COVERED),
        ("SMALLINT DEFAULT 0, -- 0/1", Fit.COVERED),
        ("TINYINT COMMENT '0 or 1',", Fit.COVERED),
        ("INT, -- 0: never, 1: daily, 2: weekly", Fit.MISSING),
        ("INT, -- 0: none, 1: one, ...", Fit.MISSING),
        ("INT, -- 0 means nobody, 1 is the first user", Fit.MISSING),
        ("INT, -- of the user 1", Fit.MISSING),
        ("TEXT, -- 0/1", Fit.MISSING),
        ("INT,", Fit.MISSING),
    ],
)
def test_a_number_of_which_a_comment_says_that_it_is_0_or_1(
    declared: str, fit: Fit, build: Build
) -> None:
    schema = f"CREATE TABLE points (\n id INT PRIMARY KEY,\n owner {declared}\n name TEXT\n);"
    assert _fits(build, schema) == [fit]


@pytest.mark.parametrize(
    ("operation", "missing"),
    [
        ("migrations.RunSQL('CREATE INDEX i ON desk_parcel (code);')", False),
        ("migrations.RunSQL(sql='CREATE INDEX i ON desk_parcel (code);', reverse_sql='DROP INDEX i;')", False),
        ("migrations.RunSQL('CREATE INDEX i ON desk_parcel (code);', 'DROP INDEX IF EXISTS i;')", False),
        ("migrations.RunSQL(['CREATE INDEX i ON desk_parcel (code);'], ['DROP INDEX IF EXISTS i;'])", False),
        ("migrations.RunSQL(sql='CREATE INDEX i ON desk_parcel (code);', reverse_sql=UNDO)", False),
        ("migrations.RunSQL('DROP INDEX IF EXISTS i;', 'CREATE INDEX i ON desk_parcel (code);')", True),
        ("migrations.RunSQL('SELECT 1;', reverse_sql='CREATE INDEX i ON desk_parcel (code);')", True),
    ],
)  # fmt: skip
def test_what_takes_a_migration_back_is_not_run(
    operation: str, missing: bool, build: Build
) -> None:
    files = {
        "desk/models.py": "from django.db import models\nclass Parcel(models.Model):\n    code = models.CharField(max_length=9)\n",
        "desk/migrations/0001_initial.py": "from django.db import migrations, models\nclass Migration(migrations.Migration):\n    operations = [migrations.CreateModel(name='Parcel', fields=[('id', models.BigAutoField(primary_key=True)), ('code', models.CharField(max_length=9))])]\n",
        "desk/migrations/0002_by_code.py": f"from django.db import migrations\nUNDO = 'DROP INDEX IF EXISTS i;'\nclass Migration(migrations.Migration):\n    operations = [{operation}]\n",
        "desk/views.py": "from desk.models import Parcel\ndef ask(request, x):\n    Parcel.objects.create(code=x)\n    return list(Parcel.objects.filter(code=x))\n",
    }
    (parcels,) = (f for f in build(files).facts(CollectionFit) if f.name == "desk_parcel")
    told = {m.fit for q, m in parcels.fits if q.equality == ("code",)}
    assert told == {Fit.MISSING if missing else Fit.COVERED}


_LOG = "CREATE TABLE points (id SERIAL PRIMARY KEY, owner INT);\nCREATE INDEX by_owner ON points (owner);\n"


@pytest.mark.parametrize(
    "before",
    [
        "CREATE EXTENSION IF NOT EXISTS vector;",
        "DO $$ BEGIN CREATE TYPE st AS ENUM ('a'); EXCEPTION WHEN duplicate_object THEN NULL; END $$;",
        "-- kinds\nCREATE TYPE st AS ENUM ('a');",
        "/* kinds */ CREATE TYPE st AS ENUM ('a');",
        "SET client_min_messages = warning;",
        "SET search_path TO public;",
        "BEGIN;",
        "BEGIN TRANSACTION;",
        "PRAGMA foreign_keys = ON;",
        "CREATE SCHEMA IF NOT EXISTS s;",
        "CREATE OR REPLACE FUNCTION f() RETURNS trigger AS $$ BEGIN NEW.owner := 1; RETURN NEW; END; $$ LANGUAGE plpgsql;",
    ],
)
def test_a_text_that_is_executed_as_a_whole(before: str, build: Build) -> None:
    """It makes tables whatever stands before them."""
    for spelt in ("", "f"):
        text = before.replace("{", "{{")
        code = f'SCHEMA = {spelt}"""\n{text}\n{_LOG}"""\ndef start(cursor):\n    cursor.execute(SCHEMA)\n'
        found = build({"app.py": code + ASKS}).facts(CollectionFit)
        assert [m.fit for f in found if f.name == "points" for _, m in f.fits] == [Fit.COVERED]


def test_a_column_that_is_added_behind_another_statement(build: Build) -> None:
    added = "DO $$ BEGIN NULL; END $$;\nALTER TABLE points ADD COLUMN place INT;\n"
    made = "CREATE TABLE points (id SERIAL PRIMARY KEY, owner INT);"
    code = f"""
def start(cursor):
    cursor.execute('{made}')
    cursor.execute('''{added}''')
def ask(cursor, place):
    cursor.execute("SELECT * FROM points WHERE place = %s", (place,))
"""
    found = build({"app.py": code}).facts(CollectionFit)
    assert [m.fit for f in found if f.name == "points" for _, m in f.fits] == [Fit.MISSING]


@pytest.mark.parametrize(
    "before",
    ["Set up this table:", "Begin with the tables;", "Use what you are told;", "SELECT 1;"],
)
def test_a_text_that_only_speaks_of_tables(before: str, build: Build) -> None:
    code = f'PROMPT = """{before}\n{_LOG}"""\ndef start(model):\n    model.ask(PROMPT)\n'
    found = build({"app.py": code + ASKS}).facts(CollectionFit)
    assert [m.fit for f in found if f.name == "points" for _, m in f.fits] == [Fit.UNKNOWN]


@pytest.mark.parametrize(
    ("url", "key", "told"),
    [
        ("mysql+pymysql://u@h/s", "FOREIGN KEY (item) REFERENCES items(id)", Fit.COVERED),
        ("mysql+pymysql://u@h/s", "CONSTRAINT by FOREIGN KEY (item) REFERENCES items(id) ON DELETE CASCADE", Fit.COVERED),
        ("mysql+pymysql://u@h/s", "UNIQUE (number)", Fit.MISSING),
        ("postgresql://u@h/s", "FOREIGN KEY (item) REFERENCES items(id)", Fit.MISSING),
    ],
)  # fmt: skip
def test_a_foreign_key_that_only_the_schema_declares(
    url: str, key: str, told: Fit, build: Build
) -> None:
    """https://dev.mysql.com/doc/refman/8.4/en/create-table-foreign-keys.html"""
    code = f"""
from sqlalchemy import Column, Integer, create_engine
from sqlalchemy.orm import declarative_base, sessionmaker
engine = create_engine("{url}")
Base = declarative_base()
class Order(Base):
    __tablename__ = "orders"
    id = Column(Integer, primary_key=True)
    item = Column(Integer)
    number = Column(Integer)
def ask(x):
    session = sessionmaker(engine)()
    session.add(Order(item=x))
    return session.query(Order).filter(Order.item == x).all()
"""
    schema = f"CREATE TABLE items (id INT PRIMARY KEY);\nCREATE TABLE orders (id INT PRIMARY KEY, item INT, number INT, {key});\n"
    found = build({"app.py": code, "schema.sql": schema}).facts(CollectionFit)
    assert [m.fit for f in found for q, m in f.fits if q.equality == ("item",)] == [told]


_INITIAL = "from django.db import migrations, models\nclass Migration(migrations.Migration):\n    operations = [migrations.CreateModel(name='Parcel', fields=[('id', models.BigAutoField(primary_key=True)), ('code', models.CharField(max_length=9))], options={%s})]\n"


@pytest.mark.parametrize(
    ("meta", "field", "files", "told"),
    [
        ("managed = False", "", {}, Fit.UNKNOWN),
        ("managed = False", "", {"desk/migrations/0001_initial.py": _INITIAL % "'managed': False"}, Fit.UNKNOWN),
        ("managed = False", "", {"schema.sql": "CREATE TABLE desk_parcel (id INT PRIMARY KEY, code TEXT);"}, Fit.MISSING),
        ("managed = True", "", {}, Fit.MISSING),
        ("managed = True", "", {"desk/migrations/0001_initial.py": _INITIAL % ""}, Fit.MISSING),
        # a column that no migration has made comes with its index
        ("managed = True", "number", {"desk/migrations/0001_initial.py": _INITIAL % ""}, Fit.COVERED),
    ],
)  # fmt: skip
def test_tables_that_django_does_not_create_and_columns_that_it_will(
    meta: str, field: str, files: dict[str, str], told: Fit, build: Build
) -> None:
    more = "    number = models.CharField(max_length=9, unique=True)\n" if field else ""
    models = f"from django.db import models\nclass Parcel(models.Model):\n    code = models.CharField(max_length=9)\n{more}    class Meta:\n        {meta}\n"
    asked = field or "code"
    views = f"from desk.models import Parcel\ndef ask(request, x):\n    Parcel.objects.create(code=x)\n    return list(Parcel.objects.filter({asked}=x))\n"
    found = build({"desk/models.py": models, "desk/views.py": views, **files}).facts(CollectionFit)
    assert {m.fit for f in found for q, m in f.fits if q.equality == (asked,)} == {told}


BATCHES = """USE shop
GO
{table}
GO
{index}
go
"""


@pytest.mark.parametrize(
    ("table", "index", "fit"),
    [
        ("CREATE TABLE points (id INT IDENTITY(1,1) PRIMARY KEY, owner INT)", "PRINT 'made'", Fit.MISSING),
        ("CREATE TABLE points (id INT, owner INT);", "CREATE INDEX by_owner ON points (owner)", Fit.COVERED),
        ("CREATE TABLE [dbo].[Points]([ID] [int] NOT NULL, [Owner] [nvarchar](50) NULL,\n CONSTRAINT [PK] "
         "PRIMARY KEY CLUSTERED ([ID] ASC) WITH (PAD_INDEX = OFF) ON [PRIMARY]) ON [PRIMARY]", "SET NOCOUNT ON", Fit.MISSING),
        ("CREATE TABLE [dbo].[Points]([ID] [int] NOT NULL, [Owner] [nvarchar](50) NULL) ON [PRIMARY]",
         "CREATE UNIQUE NONCLUSTERED INDEX [IX] ON dbo.Points ([Owner] DESC) WITH (FILLFACTOR = 90) ON [PRIMARY]", Fit.COVERED),
        ("CREATE TABLE points (id INT, owner INT, INDEX ix NONCLUSTERED (owner))", "", Fit.COVERED),
        ("CREATE TABLE points (id INT, owner INT)",
         "ALTER TABLE [Points] ADD CONSTRAINT [UQ] UNIQUE NONCLUSTERED ([Owner])", Fit.COVERED),
    ],
)  # fmt: skip
def test_the_batches_of_sql_server(table: str, index: str, fit: Fit, build: Build) -> None:
    """GO ends a statement; what stands in brackets has no case, and a clustered index is one."""
    assert _fits(build, BATCHES.format(table=table, index=index)) == [fit]


def test_a_batch_keeps_the_lines() -> None:
    text = "USE shop\r\nGO\r\n\r\nCREATE TABLE a (go INT)\r\nGO 2\r\n-- go\r\nCREATE TABLE b (\n  go_on INT);\n"
    assert [line for _, line in split(text)] == [4, 6]
    assert len([*split("CREATE TABLE a (note TEXT DEFAULT 'x\ngo\ny')")]) == 1


_UPGRADING = """
def {name}(connection):
    connection.execute("CREATE TABLE points (id INT PRIMARY KEY, owner INT); CREATE INDEX by_owner ON points (owner)")
"""
_RUN = 'if __name__ == "__main__":\n    {name}(connect())\n'


@pytest.mark.parametrize(
    ("name", "more", "told"),
    [
        ("upgrade", _RUN, True),
        ("migrate", _RUN, True),
        ("upgrade", "", False),  # a revision, or nothing runs it
        ("upgrade", "def go():\n    {name}(connect())\n", False),
        ("downgrade", _RUN, False),
        ("undo", _RUN, False),
    ],
)
def test_a_program_may_call_what_it_does_an_upgrade(
    name: str, more: str, told: bool, build: Build
) -> None:
    schema = "CREATE TABLE points (id INT PRIMARY KEY, owner INT);\n"
    changes = (_UPGRADING + more).format(name=name)
    files = {"app.py": ASKS, "schema.sql": schema, "points_by_owner.py": changes}
    assert any(index.fields == (("owner", 1),) for index in build(files).facts(Index)) is told


@pytest.mark.parametrize(
    "told",
    [
        "id bigint NOT NULL GENERATED ALWAYS AS IDENTITY ( INCREMENT 1 START 1 MINVALUE 1 CACHE 1 ) PRIMARY KEY",
        "id bigint GENERATED BY DEFAULT AS  IDENTITY (CACHE 1)",
        "id bigint, CONSTRAINT at FOREIGN KEY (id) REFERENCES old (id) MATCH SIMPLE ON DELETE NO ACTION NOT VALID",
    ],
)
def test_how_postgresql_numbers_and_checks_rows_hides_no_table(told: str, build: Build) -> None:
    made = f"CREATE TABLE points ({told}, owner INT"
    assert _fits(build, f"{OLD}{made});") == [Fit.MISSING]
    assert _fits(build, f"{OLD}{made}, UNIQUE (owner));") == [Fit.COVERED]


def test_the_operator_of_a_remainder_is_doubled_for_drivers(build: Build) -> None:
    code = ASKS.replace("owner = %s", "owner = %s ORDER BY (id + 1) %% 5")
    assert _fits(build, "CREATE TABLE points (id INT, owner INT);", code) == [Fit.MISSING]


def test_a_dump_of_mysql_says_what_is_a_view_in_comments(build: Build) -> None:
    dump = (
        "CREATE TABLE `old` (`id` int NOT NULL, `owner` int, PRIMARY KEY (`id`)) ENGINE=InnoDB;\n"
        "/*!40000 ALTER TABLE `old` DISABLE KEYS */;\n"
        "/*!50001 CREATE TABLE `points` (\n  `owner` tinyint NOT NULL\n) ENGINE=MyISAM */;\n"
        "/*!50001 DROP TABLE IF EXISTS `points`*/;\n/*!50001 CREATE ALGORITHM=UNDEFINED */\n"
        "/*!50013 DEFINER=`a`@`%` SQL SECURITY DEFINER */\n/*!50001 VIEW `points` AS select `owner` from `old` */;\n"
    )
    (match,) = [m for f in build({"app.py": ASKS, "dump.sql": dump}).facts(CollectionFit) for _, m in f.fits]  # fmt: skip
    assert (match.fit, "view" in match.why) == (Fit.UNKNOWN, True)


@pytest.mark.parametrize(
    ("added", "fit"),
    [("'points', 'owner', 'INTEGER'", Fit.MISSING), ("'points', 'other', 'INTEGER'", Fit.UNKNOWN)],
)
def test_a_column_may_be_added_further_up_than_its_table_is_created(
    added: str, fit: Fit, build: Build
) -> None:
    code = (
        "def add(db, table, column, kind):\n    db.execute(f'ALTER TABLE {table} ADD COLUMN {column} {kind}')\n\n\n"
        f"def start(db):\n    db.execute('CREATE TABLE points (id INTEGER PRIMARY KEY)')\n    add(db, {added})\n"
    )
    assert _fits(build, "", code + ASKS) == [fit]


@pytest.mark.parametrize(
    ("driver", "indexed"), [("pymysql", True), ("sqlite3", True), ("psycopg2", False)]
)
def test_a_table_is_known_by_its_name_in_any_case(driver: str, indexed: bool, build: Build) -> None:
    mark = "`" if driver == "pymysql" else '"'
    schema = f"CREATE TABLE {mark}Guests{mark} (id INTEGER PRIMARY KEY, mail TEXT);\nCREATE INDEX by_mail ON guests (mail);\n"
    code = f"import {driver}\ncur = {driver}.connect('x').cursor()\ncur.execute('SELECT * FROM {mark}Guests{mark} WHERE mail = 1')\n"
    found = build({"app.py": code, "schema.sql": schema}).facts(Index)
    assert ("Guests" in {i.collection for i in found if i.fields == (("mail", 1),)}) is indexed
