"""Tables whose rows are all there once what fills them has run, be it a schema's own file or a statement that adds none twice."""

from __future__ import annotations

import pytest

from auditor.model.data import CollectionFit
from tests.conftest import Build

_ASKS = "\n\ndef mine(cur, me):\n    cur.execute('SELECT id FROM slots WHERE owner = %s', (me,))\n    cur.execute('UPDATE slots SET owner = %s WHERE id = %s', (me, 1))\n"


def _told(build: Build, schema: str, code: str) -> set[str]:
    files = {"schema.sql": schema, "app.py": f"import os\nimport psycopg2\n{code}{_ASKS}"}
    found = build(files).facts(CollectionFit)
    fits = [fit for c in found if c.name == "slots" for fit in c.fits]
    return {m.fit.value for q, m in fits if q.equality == ("owner",)}


_SLOTS = "CREATE TABLE slots (id INTEGER PRIMARY KEY, name TEXT UNIQUE, owner TEXT);\n"


@pytest.mark.parametrize(
    "copy",
    [
        "\\COPY slots(id, name) FROM 'slots.csv' DELIMITER ',' CSV HEADER;",
        "COPY public.slots FROM '/data/slots.csv' CSV;",
    ],
)
def test_a_schema_that_copies_a_file_into_its_table_fills_it(copy: str, build: Build) -> None:
    assert _told(build, _SLOTS + copy, "") == {"covered"}


@pytest.mark.parametrize(
    ("copy", "code"),
    [
        ("COPY slots TO '/data/slots.csv' CSV;", ""),
        ("COPY others (id) FROM '/data/slots.csv' CSV;", ""),
        ("COPY slots FROM 'a.csv';", "def load(cur, file):\n    cur.copy_expert('COPY slots FROM STDIN', file)\n"),
        ("COPY slots FROM 'a.csv';", "def add(cur, name):\n    cur.execute('INSERT INTO slots (name) VALUES (%s)', (name,))\n"),
    ],
)  # fmt: skip
def test_what_something_else_adds_to_is_copied_only_at_first(
    copy: str, code: str, build: Build
) -> None:
    assert _told(build, _SLOTS + copy, code) == {"missing"}


_RUN = "MOST = int(os.getenv('MOST', '64'))\n\n\ndef main(cur):\n    cur.execute({!r}{})\n\n\nif __name__ == '__main__':\n    main(psycopg2.connect('').cursor())\n    mine(psycopg2.connect('').cursor(), 'a')\n"
_SERIES = "INSERT INTO slots (id) SELECT generate_series(0, %s) ON CONFLICT DO NOTHING"


_VALUES = "INSERT INTO slots (id, name) VALUES (1, 'a') ON CONFLICT (id) DO UPDATE SET name = 'b'"


@pytest.mark.parametrize(("statement", "given"), [(_SERIES, ", (MOST - 1,)"), (_VALUES, "")])
def test_what_adds_no_row_twice_fills_a_table_once(
    statement: str, given: str, build: Build
) -> None:
    assert _told(build, _SLOTS, _RUN.format(statement, given)) == {"covered"}


@pytest.mark.parametrize(
    ("statement", "given"),
    [
        (_SERIES.replace(" ON CONFLICT DO NOTHING", ""), ", (MOST - 1,)"),
        ("INSERT INTO slots (owner) VALUES (%s) ON CONFLICT DO NOTHING", ", (MOST,)"),
        ("INSERT INTO slots (owner) VALUES (%s) ON CONFLICT (id) DO NOTHING", ", (MOST,)"),
        (_SERIES, ", (input(),)"),
        (_VALUES.replace("1", "%s"), ", (MOST,)"),
    ],
)
def test_what_may_add_another_row_each_time_does_not(
    statement: str, given: str, build: Build
) -> None:
    assert _told(build, _SLOTS, _RUN.format(statement, given)) == {"missing"}


_SEEDED = _SLOTS + "INSERT INTO slots (id, name) VALUES (1, 'a');\n"
_NEW = "INSERT INTO slots (name) VALUES (NEW.name);"


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("", "covered"),
        (f"DELIMITER $$\nCREATE TRIGGER made AFTER INSERT ON others FOR EACH ROW\nBEGIN\n  {_NEW}\nEND $$\nDELIMITER ;", "missing"),
        (f"CREATE TRIGGER made AFTER INSERT ON others FOR EACH ROW {_NEW}", "missing"),
        (f"CREATE TRIGGER made AFTER INSERT ON others BEGIN\n  IF NEW.id THEN\n    UPDATE others SET n = CASE WHEN n THEN 1 ELSE 2 END;\n  END IF;\n  {_NEW}\nEND;", "missing"),
        (f"CREATE OR REPLACE FUNCTION made() RETURNS trigger AS $body$\nBEGIN\n  {_NEW}\n  RETURN NEW;\nEND;\n$body$ LANGUAGE plpgsql;", "missing"),
        ("CREATE TRIGGER made AFTER INSERT ON slots BEGIN\n  INSERT INTO others (n) VALUES (1);\nEND;", "covered"),
        ("CREATE TRIGGER made AFTER INSERT ON slots BEGIN\n  UPDATE others SET n = 1;\nEND;\nINSERT INTO slots (id, name) VALUES (2, 'b');", "covered"),
        ("CREATE PROCEDURE fill()\nBEGIN\n  INSERT INTO slots (id, name) VALUES (2, 'b');\nEND;\nCALL fill();", "covered"),
    ],
)  # fmt: skip
def test_what_a_trigger_of_the_schema_adds_to_grows(more: str, expected: str, build: Build) -> None:
    assert _told(build, _SEEDED + more, "") == {expected}
