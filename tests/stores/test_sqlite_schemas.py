"""Schemas that SQLite alone takes, held against what it makes of them."""

from __future__ import annotations

import sqlite3

import pytest

from auditor.extract.sql import schema_steps
from auditor.model.data import CollectionFit, Index
from auditor.stores.sql.dialects import dialect
from tests.conftest import Build

_REFERS = "FOREIGN KEY (room) REFERENCES rooms (id) ON DELETE CASCADE"


@pytest.mark.parametrize(
    ("columns", "indexed"),
    [
        ('"id" INTEGER NOT NULL UNIQUE, room INT, PRIMARY KEY("id" AUTOINCREMENT)', {"id"}),
        ("id INTEGER, room INT, PRIMARY KEY (id ASC AUTOINCREMENT)", {"id"}),
        (f"id INTEGER PRIMARY KEY, room INT, {_REFERS}\n {_REFERS}", {"id"}),
        (f"id INTEGER PRIMARY KEY, room INT, {_REFERS} UNIQUE (room)", {"id", "room"}),
        ("id INT, room INT, CONSTRAINT one UNIQUE (room) CONSTRAINT k PRIMARY KEY (id)", {"id", "room"}),
        ("id INTEGER PRIMARY KEY, room INT, UNIQUE (room), CONSTRAINT own UNIQUE (id)", {"id", "room"}),
        ("id INTEGER PRIMARY KEY, room", {"id"}),
        ('id INTEGER PRIMARY KEY, "room", UNIQUE (room)', {"id", "room"}),
    ],
)  # fmt: skip
def test_what_sqlite_takes_is_read(columns: str, indexed: set[str], build: Build) -> None:
    made = f"CREATE TABLE booking ({columns})"
    sqlite3.connect(":memory:").execute(made)
    application = build({
        "app.py": f"def set_up(db):\n    db.execute('''{made}''')\n"
        "def ask(db, room):\n    return db.execute('SELECT * FROM booking WHERE room = ?', (room,))\n"
    })  # fmt: skip
    assert {i.fields[0][0] for i in application.facts(Index)} == indexed
    (fit,) = application.facts(CollectionFit)
    assert [m.fit.value for _, m in fit.fits] == ["covered" if "room" in indexed else "missing"]


def test_what_no_database_takes_is_not_read() -> None:
    assert schema_steps("CREATE TABLE booking (id INTEGER, PRIMARY KEY (id) AUTOINCREMENT)") == []


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("import sqlite3\nc = sqlite3.connect('a.db')\n", "sqlite"),
        ("import sqlite3, mysql.connector\nc = sqlite3.connect('a.db')\n", "mysql"),
        ("import sqlite3\nfrom sqlalchemy import create_engine\nc = sqlite3.connect('a.db')\n", "mysql"),
        ("c = connect()\n", "mysql"),
    ],
)  # fmt: skip
def test_a_driver_that_nothing_imports_tells_no_database(
    code: str, expected: str, build: Build
) -> None:
    files = {"app.py": code, "requirements.txt": "mysql-connector-python==9.1.0\n"}
    assert dialect(build(files)) == expected


_ADDRESS = "DATABASE_URL=sqlite:///./shows.db\n"


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"env-example": _ADDRESS}, "sqlite"),
        ({".env.example": _ADDRESS}, "sqlite"),
        ({".env.dev": _ADDRESS}, "mysql"),
        ({".env.example": _ADDRESS, ".env.prod": "DATABASE_URL=mysql+pymysql://db/shows\n"}, "mysql"),
        ({".env.example": _ADDRESS, "base.py": "import pymysql\n"}, "mysql"),
        ({".env.example": _ADDRESS, "docker-compose.yml": "services:\n  db:\n    image: mysql:8\n"}, "mysql"),
        ({}, "mysql"),
    ],
)  # fmt: skip
def test_an_address_says_which_of_the_drivers_is_taken(
    more: dict[str, str], expected: str, build: Build
) -> None:
    code = "import os\nfrom sqlmodel import create_engine\nengine = create_engine(os.getenv('DATABASE_URL'))\n"
    files = {"app.py": code, "requirements.txt": "PyMySQL==1.1.0\nsqlmodel==0.0.18\n", **more}
    assert dialect(build(files)) == expected


@pytest.mark.parametrize(
    ("made", "told"),
    [
        ("CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT)", "SQLite refuses MATCH"),
        ("CREATE VIRTUAL TABLE notes USING rtree(body)", "told nowhere in this tree"),
    ],
)
def test_words_are_searched_for_in_tables_of_fts_alone(made: str, told: str, build: Build) -> None:
    code = f"import sqlite3\ndb = sqlite3.connect('a.db')\ndb.execute('{made}')\ndef ask(words):\n    return db.execute('SELECT * FROM notes WHERE body MATCH ?', (words,)).fetchall()\n"
    ((match,),) = ([m for _, m in f.fits] for f in build({"app.py": code}).facts(CollectionFit))
    assert match.fit.value == "unknown"
    assert told in match.why


@pytest.mark.parametrize(
    ("made", "asked", "expected"),
    [
        ("body, title", "notes_fts MATCH ?", "covered"),
        ("body, title UNINDEXED, content='notes', tokenize = 'porter ascii'", "body MATCH ?", "covered"),
        ("body", "body LIKE ?", "missing"),
        ("body, tokenize='trigram'", "body LIKE ?", "covered"),
        ("body, place UNINDEXED", "place = ?", "missing"),
        ("body", "rowid = ?", "covered"),
    ],
)  # fmt: skip
def test_a_table_that_is_an_index_of_words(
    made: str, asked: str, expected: str, build: Build
) -> None:
    application = build({
        "app.py": "import sqlite3\ndb = sqlite3.connect('a.db')\n"
        f'db.executescript("""CREATE VIRTUAL TABLE IF NOT EXISTS notes_fts USING fts5({made});""")\n'
        f"def ask(given):\n    return db.execute('SELECT * FROM notes_fts WHERE {asked}', (f'%{{given}}%',))\n"
    })  # fmt: skip
    (fit,) = application.facts(CollectionFit)
    assert [m.fit.value for _, m in fit.fits] == [expected]


_OPENS = "import os, sqlite3\nROOT = os.getcwd()\nDB = sqlite3.connect(os.path.join(ROOT, 'db/{}'))\nDB.execute('CREATE TABLE IF NOT EXISTS board (id INTEGER PRIMARY KEY, owner TEXT, xp INTEGER{})')\n"


@pytest.mark.parametrize("name", ["bets.py", "zebra.py"])  # whichever creates its table first
@pytest.mark.parametrize(
    ("own", "other", "expected"),
    [
        (("bets.db", ""), ("pets.db", ", UNIQUE (owner)"), "missing"),
        (("bets.db", ", UNIQUE (owner)"), ("pets.db", ", UNIQUE (owner)"), "covered"),
        (("bets.db", ""), ("bets.db", ", UNIQUE (owner)"), "covered"),
        (("bets.db", ""), ("' + given + '", ", UNIQUE (owner)"), "covered"),
    ],
)
def test_a_database_has_no_index_of_another(
    name: str, own: tuple[str, str], other: tuple[str, str], expected: str, build: Build
) -> None:
    asks = "def ask(owner, id):\n    DB.execute('SELECT xp FROM board WHERE owner = ?', (owner,))\n    DB.execute('SELECT xp FROM board WHERE id = ?', (id,))\n"
    files = {name: _OPENS.format(*own) + asks, "pets.py": _OPENS.format(*other)}
    (fit,) = build(files).facts(CollectionFit)
    assert [m.fit.value for _, m in fit.fits] == [expected, "covered"]


def test_a_path_that_is_made_of_itself_is_not_told(build: Build) -> None:
    code = "import sqlite3\nfrom pathlib import Path\ndef connect(path='a.db'):\n    path = Path(path)\n    return sqlite3.connect(str(path))\n"
    asks = "def ask(id):\n    connect().execute('SELECT 1 FROM board WHERE id = ?', (id,))\n"
    made = "connect().execute('CREATE TABLE board (id INTEGER PRIMARY KEY)')\n"
    (fit,) = build({"store.py": code + asks + made}).facts(CollectionFit)
    assert [m.fit.value for _, m in fit.fits] == ["covered"]
