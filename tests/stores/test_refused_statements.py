"""Statements that name a column which their table does not have: the database refuses them, and nothing is missing."""

from __future__ import annotations

import sqlite3

import pytest

from auditor.model.data import CollectionFit
from tests.conftest import Build

MADE = """CREATE TABLE entries (id INTEGER PRIMARY KEY, member INT, slot TEXT, "Mixed" INT);
CREATE TABLE members (id INTEGER PRIMARY KEY, name TEXT, boss INT);
"""


def _told(build: Build, statement: str, made: str = MADE, more: str = "") -> dict[str, set[str]]:
    code = f'import sqlite3\n\ndef ask(db, x):\n    return db.execute("""{statement} """, (x,)).fetchall()\n{more}'
    application = build({"app.py": code, "schema.sql": made})
    found = [(f.name, m) for f in application.facts(CollectionFit) for q, m in f.fits]
    told: dict[str, set[str]] = {}
    for name, match in found:
        told.setdefault(name, set()).add(
            match.why if match.fit.value == "unknown" else match.fit.value
        )
    return told  # fmt: skip


def _sqlite(statement: str) -> bool:
    db = sqlite3.connect(":memory:")
    db.executescript(MADE)
    try:
        db.execute(statement, (1,) if "?" in statement else ())
    except sqlite3.OperationalError:
        return False
    return True


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        ("SELECT id, slot_id FROM entries WHERE member = ?", "slot_id"),
        ("SELECT en.id, en.slot_id FROM entries en WHERE en.member = ?", "slot_id"),
        ('SELECT en."slot_id" FROM entries en WHERE en.member = ?', "slot_id"),
        ("SELECT MAX(slot_id) FROM entries WHERE member = ?", "slot_id"),
        ("SELECT COALESCE(en.slot_id, 'x') AS slot FROM entries en WHERE en.member = ?", "slot_id"),
        ("SELECT id FROM entries WHERE member = ? ORDER BY made DESC LIMIT 5", "made"),
        ("SELECT member FROM entries WHERE slot = ? GROUP BY made", "made"),
        ("UPDATE entries SET made = 1 WHERE member = ?", "made"),
        ("UPDATE entries SET slot = made WHERE member = ?", "made"),
        ("SELECT m.name FROM entries e JOIN members m ON m.entry = e.id WHERE e.member = ?", "entry"),
        ("SELECT m.name FROM entries e LEFT JOIN members m ON m.entry = e.id WHERE e.member = ?", "entry"),
        ("SELECT m.age, e.id FROM entries e JOIN members m ON m.boss = e.id WHERE e.member = ?", "age"),
    ],
)  # fmt: skip
def test_what_the_database_refuses_is_unknown(statement: str, name: str, build: Build) -> None:
    assert not _sqlite(statement)
    told = _told(build, statement)
    assert f"{name} is no column that the code declares" in told["entries"]
    assert not any("missing" in states for states in told.values())


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT rowid, oid, _rowid_, SLOT, CURRENT_DATE FROM entries WHERE member = ?",
        "SELECT slot AS made FROM entries WHERE member = ? ORDER BY made",
        "SELECT slot made, COUNT(*) n FROM entries WHERE member = ? GROUP BY made HAVING n > 1 ORDER BY n",
        'SELECT "none" AS kind, slot FROM entries WHERE member = ?',
        "SELECT e.* FROM entries e WHERE E.MEMBER = ?",
        'SELECT "mixed", mixed FROM entries WHERE member = ?',
        "SELECT name FROM entries, members WHERE member = ?",
        "SELECT d.made FROM entries e JOIN (SELECT id, name AS made FROM members) d ON d.id = e.slot WHERE e.member = ?",
        "SELECT made FROM entries, (SELECT id, name AS made FROM members) WHERE member = ?",
        "WITH d AS (SELECT id AS entry, name AS made FROM members) SELECT made FROM entries JOIN d ON entry = slot WHERE member = ?",
        "SELECT value FROM entries, json_each(entries.slot) WHERE member = ?",
        "SELECT id FROM entries WHERE member = ? AND EXISTS (SELECT 1 FROM members WHERE boss = member)",
        "SELECT json_extract(slot, '$.made') FROM entries WHERE member = ?",
        "SELECT slot COLLATE NOCASE FROM entries WHERE member = ?",
        "SELECT ROW_NUMBER() OVER w FROM entries WHERE member = ? WINDOW w AS (ORDER BY slot)",
    ],
)
def test_what_the_database_knows_besides_is_no_fault(statement: str, build: Build) -> None:
    assert _sqlite(statement)
    assert "missing" in _told(build, statement)["entries"]


def test_names_of_other_databases_are_no_fault(build: Build) -> None:
    for name in ("SYSDATE", "ROWNUM", "e.xmin", "TIMESTAMPDIFF(MINUTE, e.slot, NOW())"):
        told = _told(build, f"SELECT {name} FROM entries e WHERE e.member = ? AND ROWNUM <= 5")
        assert told["entries"] == {"missing"}


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ("ALTER TABLE entries ADD COLUMN made INT;", ""),
        ("DO $$ BEGIN IF TRUE THEN ALTER TABLE entries ADD COLUMN made INT; END IF; END $$;", ""),
        ("CREATE TABLE entries AS SELECT * FROM members;", ""),
        ("", "def a(db, t, c):\n    db.execute(f'ALTER TABLE {t} ADD COLUMN {c} TEXT')\n"),
        ("", "def a(db, c):\n    db.execute('ALTER TABLE entries ADD COLUMN ' + c)\n"),
        ("", "def a(db, c):\n    db.execute('ALTER TABLE entries ADD COLUMN %s TEXT' % c)\n"),
        ("", "def a(db, c):\n    db.execute('ALTER TABLE {} ADD COLUMN {}'.format('entries', c))\n"),
        ("", "def a(db):\n    db.execute('ALTER TABLE later ADD COLUMN made INT')\n"),
        ("", "def a(df, db):\n    df.to_sql('entries', db, if_exists='replace')\n"),
    ],
)  # fmt: skip
def test_a_column_that_may_be_added_is_no_fault(more: str, code: str, build: Build) -> None:
    name = "later" if "later" in code else "entries"
    if name == "later":
        more, code = "", f"{code}    db.execute('CREATE TABLE later (member INT)')\n"
    told = _told(build, f"SELECT en.made FROM {name} en WHERE en.member = ?", MADE + more, code)
    assert "missing" in told[name]


@pytest.mark.parametrize(
    "more",
    [
        "ALTER TABLE members ADD COLUMN made INT;",
        "ALTER TABLE entries ADD CONSTRAINT one UNIQUE (slot);",
        "CREATE TABLE others AS SELECT * FROM members;",
    ],
)
def test_what_is_added_elsewhere_gives_it_no_column(more: str, build: Build) -> None:
    told = _told(build, "SELECT en.made FROM entries en WHERE en.member = ?", MADE + more)
    assert told["entries"] == {"made is no column that the code declares"}


def test_a_table_that_has_the_columns_of_another_is_not_told_in_full(build: Build) -> None:
    made = "CREATE TABLE base (made INT);\nCREATE TABLE entries (member INT) INHERITS (base);\n"
    assert _told(build, "SELECT en.made FROM entries en WHERE en.member = ?", made)["entries"] == {"missing"}  # fmt: skip


@pytest.mark.parametrize(
    "rest",
    [
        'WHERE slot = "late"',
        'WHERE slot > "late"',
        'WHERE slot <= date("now", "+30 days") AND slot >= date("now")',
        'WHERE slot = date("now")',
        'WHERE slot LIKE "late%"',
        'JOIN members m ON m.id = entries.member WHERE entries.slot = "late"',
    ],
)
def test_a_text_in_double_quotes_is_compared(rest: str, build: Build) -> None:
    statement = f"SELECT entries.id FROM entries {rest}"
    assert _sqlite(statement)
    assert _told(build, statement)["entries"] == {"missing"}


@pytest.mark.parametrize("other", ['"Mixed"', 'date("Mixed")', "member"])
def test_a_column_in_double_quotes_is_no_text(other: str, build: Build) -> None:
    assert _told(build, f"SELECT id FROM entries WHERE slot > {other}")["entries"] == {"covered"}


_JOIN = "SELECT en.id FROM {} JOIN entries en ON en.member = s.id WHERE s.id = ?"


@pytest.mark.parametrize("how", ["nowhere", "NOWHERE"])
def test_a_table_that_nothing_creates_is_refused(how: str, build: Build) -> None:
    assert not _sqlite(_JOIN.format(f"{how} s"))
    told = _told(build, _JOIN.format(f"{how} s"))
    assert told["entries"] == {"nowhere is no table that the code creates"}


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ("CREATE TABLE nowhere (id INTEGER PRIMARY KEY);", ""),
        ("CREATE VIEW nowhere AS SELECT * FROM members;", ""),
        ("CREATE TABLE nowhere (id INT, made @odd@ type) USING what;", ""),
        ("", "def a(db, t):\n    db.execute(f'CREATE TABLE IF NOT EXISTS {t} (id INT)')\n"),
        ("", "def a(db, t):\n    db.execute(f'CREATE TABLE no{t} (id INT)')\n"),
        ("", "def a(db, t):\n    db.execute('CREATE TABLE ' + t + ' (id INT)')\n"),
        ("", "def a(db, t):\n    db.execute('CREATE TABLE %s (id INT)' % t)\n"),
        ("", "def a(db, t):\n    db.execute('CREATE TEMP TABLE {} (id INT)'.format(t))\n"),
        ("", "def a(df, db):\n    df.to_sql('nowhere', db)\n"),
    ],
)  # fmt: skip
def test_a_table_that_may_be_created_is_not(more: str, code: str, build: Build) -> None:
    told = _told(build, _JOIN.format("nowhere s"), MADE + more, code)
    assert "missing" in told["entries"]


@pytest.mark.parametrize(
    "table", ["members s", "auth.nowhere s", "(SELECT 1 AS id) s", "schema_version s"]
)
def test_a_table_of_something_else_is_not_refused(table: str, build: Build) -> None:
    assert "missing" in _told(build, _JOIN.format(table))["entries"]


def test_a_table_by_itself_is_told_as_such(build: Build) -> None:
    told = _told(build, "SELECT id FROM nowhere WHERE id = ?")
    assert told["nowhere"] == {"what its table holds is told nowhere in this tree"}


def test_what_other_programs_and_models_bring_may_be_created(build: Build) -> None:
    code = (
        f'def ask(db, x):\n    return db.execute("{_JOIN.format("nowhere s")}", (x,)).fetchall()\n'
    )
    other = {"main.go": 'db.Exec("CREATE TABLE nowhere (id int)")'}
    model = {
        "models.py": "from sqlalchemy.orm import declarative_base\nfrom sqlalchemy import Column, Integer\n"
        "Base = declarative_base()\nclass A(Base):\n    __tablename__ = 'a'\n    id = Column(Integer, primary_key=True)\n"
    }
    nothing: dict[str, str] = {}
    for beside, fit in ((nothing, "unknown"), (other, "missing"), (model, "missing")):
        found = build({"app.py": code, "schema.sql": MADE} | beside).facts(CollectionFit)
        told = {m.fit.value for f in found if f.name == "entries" for _, m in f.fits}
        assert told == {fit}


_REFUSED = "db.execute('SELECT slot_id FROM entries WHERE id = ?', (x,)).fetchall()"
_BEHIND = "db.execute('SELECT id FROM members WHERE name = ?', (x,)).fetchone()"


@pytest.mark.parametrize(
    "lines",
    [
        f"rows = {_REFUSED}\n    for row in rows:\n        {_BEHIND}",
        f"{_REFUSED}\n    return {_BEHIND}",
        f"if x:\n        {_REFUSED}\n        return {_BEHIND}",
    ],
)
def test_what_follows_a_refused_statement_is_not_reached(lines: str, build: Build) -> None:
    (why,) = _told(build, "SELECT 1", more=f"\ndef late(db, x):\n    {lines}\n")["members"]
    assert "slot_id is no column that the code declares" in why
    assert "not reached" in why


@pytest.mark.parametrize(
    ("lines", "made"),
    [
        (f"if x:\n        {_REFUSED}\n    return {_BEHIND}", MADE),
        (f"x and {_REFUSED}\n    return {_BEHIND}", MADE),
        (f"try:\n        {_REFUSED}\n    except Exception:\n        return {_BEHIND}", MADE),
        (f"run({_REFUSED[11:-11]}\n    return {_BEHIND}", MADE),
        (f"db.select({_REFUSED[11:-11]}\n    return {_BEHIND}", MADE),
        (f"{_REFUSED}\n    return {_BEHIND}", MADE + "ALTER TABLE entries ADD COLUMN slot_id INT;"),
    ],
)  # fmt: skip
def test_what_may_be_reached_beside_a_refused_statement_is_told(
    lines: str, made: str, build: Build
) -> None:
    run = "\ndef run(sql, given):\n    try:\n        return db.execute(sql, given)\n    except Exception:\n        return []\n"
    told = _told(build, "SELECT 1", made, more=f"{run}\ndef late(db, x):\n    {lines}\n")
    assert told["members"] == {"missing"}


@pytest.mark.parametrize(
    ("driver", "function", "refused"),
    [
        ("pymysql", "strftime('%d', Bill.paid)", True),
        ("pymysql", "date_trunc('day', Bill.paid)", True),
        ("pymysql", "date_format(Bill.paid, '%d')", False),
        ("psycopg2", "date_format(Bill.paid, '%d')", True),
        ("psycopg2", "date_trunc('day', Bill.paid)", False),
        ("aiosqlite", "date_format(Bill.paid, '%d')", False),  # it may be made by the code
    ],
)
def test_a_function_of_another_database(
    driver: str, function: str, refused: bool, build: Build
) -> None:
    code = (
        f"import {driver}\nfrom sqlalchemy import Column, DateTime, Integer, func, select\nfrom sqlalchemy.orm import declarative_base\n"
        "Base = declarative_base()\nclass Bill(Base):\n    __tablename__ = 'bills'\n    id = Column(Integer, primary_key=True)\n"
        "    paid = Column(DateTime)\n"
        f"def ask(session, x):\n    return session.execute(select(func.{function}).where(Bill.paid >= x)).all()\n"
    )
    ((_, match),) = [f for found in build({"app.py": code}).facts(CollectionFit) for f in found.fits]  # fmt: skip
    assert match.fit.value == ("unknown" if refused else "missing")
