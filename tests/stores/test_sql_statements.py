"""Statements as text: how they are put together, and what they ask."""

from __future__ import annotations

import pytest

from auditor.model.data import CollectionFit, Fit, Query
from tests.conftest import Build

FLIGHTS = """
CREATE TABLE flight (number INT, line INT, plane INT, PRIMARY KEY (line, number));
CREATE TABLE ticket (ticket INT PRIMARY KEY, line INT, number INT, seat INT);
CREATE INDEX by_flight ON ticket (line, number);
CREATE TABLE bought (ticket INT PRIMARY KEY, who INT, day DATE);
"""


def _asked(build: Build, *statements: str) -> list[tuple[str, tuple[str, ...], str]]:
    code = "def ask(cursor, given):\n" + "".join(
        f'    cursor.execute("{statement}", (given,))\n' for statement in statements
    )
    application = build({"app.py": code, "schema.sql": FLIGHTS})
    found = [(fit.name, q, m) for fit in application.facts(CollectionFit) for q, m in fit.fits]
    return [(name, q.fields, m.fit.value) for name, q, m in found]


def test_a_natural_join_compares_the_columns_of_the_same_name(build: Build) -> None:
    """The tickets of a line are found first, and what was bought by the key of each."""
    found = _asked(
        build, "SELECT who FROM bought NATURAL JOIN ticket WHERE line = %s AND day > 'x'"
    )
    assert sorted(found) == [("bought", ("ticket",), "covered"), ("ticket", ("line",), "covered")]


@pytest.mark.parametrize(
    "tables",
    [
        "(ticket t JOIN bought b ON b.ticket = t.ticket)",
        "((ticket t JOIN bought b ON b.ticket = t.ticket) JOIN flight f ON f.line = t.line)",
        "(ticket t)",
    ],
)
def test_tables_in_brackets_are_read(build: Build, tables: str) -> None:
    found = _asked(build, f"SELECT 1 FROM {tables} WHERE t.seat = %s")
    assert ("ticket", ("seat",), "missing") in found


def test_a_subquery_in_brackets_is_one(build: Build) -> None:
    found = _asked(build, "SELECT 1 FROM (SELECT * FROM ticket WHERE seat = %s) t WHERE t.line = 1")
    assert [x for x in found if x[1] == ("seat",)] == [("ticket", ("seat",), "missing")]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("(plane, line) < (%s, 3)", [("flight", ("plane",), "missing")]),
        ("(line, plane) < (%s, 3)", [("flight", ("line",), "covered")]),
        ("(plane, line) = (%s, 3)", [("flight", ("plane", "line"), "partial")]),
    ],
)
def test_of_a_row_that_is_compared_the_first_column_has_a_bound(
    build: Build, condition: str, expected: list[tuple[str, tuple[str, ...], str]]
) -> None:
    assert _asked(build, f"SELECT * FROM flight WHERE {condition}") == expected


def test_a_natural_join_may_find_no_index(build: Build) -> None:
    found = _asked(build, "SELECT who FROM flight NATURAL JOIN ticket WHERE seat = %s")
    assert sorted(found) == [("flight", ("line",), "covered"), ("ticket", ("seat",), "missing")]


def test_a_natural_join_with_a_table_that_is_not_declared_is_not_told(build: Build) -> None:
    found = _asked(build, "SELECT who FROM bought NATURAL JOIN elsewhere WHERE day > %s")
    assert [x for x in found if x[2] == "missing"] == []


@pytest.mark.parametrize(
    ("joins", "expected"),
    [
        ("bought JOIN ticket USING (ticket) JOIN flight USING (line) WHERE plane = %s",
         [("bought", ("ticket",), "covered"), ("flight", ("plane",), "missing"), ("ticket", ("line",), "covered")]),
        ("bought b JOIN ticket t USING (ticket) JOIN flight f USING (plane) WHERE who = %s",  # none has it
         [("bought", ("who",), "missing"), ("flight", ("plane",), "missing"), ("ticket", ("ticket",), "covered")]),
        ("bought LEFT JOIN ticket USING (ticket) WHERE who = %s",
         [("bought", ("who",), "missing"), ("ticket", ("ticket",), "covered")]),
        ("(SELECT 1 AS ticket) e JOIN ticket USING (ticket) JOIN bought USING (ticket) WHERE who = %s",
         [("bought", ("who",), "missing"), ("ticket", ("ticket",), "covered")]),
    ],
)  # fmt: skip
def test_using_compares_with_the_table_before_that_has_the_column(
    joins: str, expected: list[tuple[str, tuple[str, ...], str]], build: Build
) -> None:
    found = _asked(build, f"SELECT 1 FROM {joins}")
    assert sorted(found) == expected


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("TIMEDIFF(plane, number) <= %s", []),
        ("plane - number > %s", []),
        ("ABS(plane) <= %s", ["plane"]),
        ("CONCAT(plane, number) LIKE '%x%'", ["plane", "number"]),
    ],
)
def test_what_is_worked_out_of_several_columns_is_no_range(
    condition: str, expected: list[str], build: Build
) -> None:
    code = (
        f'def ask(cursor, given):\n    cursor.execute("SELECT 1 FROM flight WHERE {condition}")\n'
    )
    (query,) = build({"app.py": code, "schema.sql": FLIGHTS}).facts(Query)
    assert ([*query.range], query.equality) == ([], ())
    assert set(query.scanned) <= set(expected)
    assert bool(query.scanned) == bool(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('"SELECT * FROM flight WHERE plane = 1 ORDER BY day" + (f" LIMIT {n}" if n else "")', {"flight"}),
        ('"SELECT * FROM flight" + (" WHERE plane = 1" if n else " WHERE number = 2")', {"flight"}),
        ('"SELECT * FROM %s WHERE plane = 1" % TABLE', {"flight"}),
        ('"SELECT * FROM %s WHERE plane = %%s" % TABLE', {"flight"}),
        ('"SELECT * FROM %s WHERE plane = %s" % (TABLE, n)', {"flight"}),
        ('"SELECT * FROM %(of)s WHERE plane = %(n)s" % {"of": TABLE, "n": n}', {"flight"}),
        ('"SELECT * FROM flight WHERE plane = %s" % n', {"flight"}),
        ('"SELECT * FROM %s WHERE plane = 1" % n', {""}),
    ],
)  # fmt: skip
def test_a_statement_that_is_put_together(text: str, expected: set[str], build: Build) -> None:
    code = f'TABLE = "flight"\ndef ask(cursor, n):\n    cursor.execute({text})\n'
    queries = list(build({"app.py": code, "schema.sql": FLIGHTS}).facts(Query))
    assert {q.collection for q in queries} == expected
    told = [q for q in queries if q.collection]
    assert all(q.equality in (("plane",), ("number",)) and not q.unresolved for q in told)


@pytest.mark.parametrize(
    ("text", "equality", "why"),
    [
        ('"SELECT * FROM flight WHERE %s ORDER BY number" % n', (), "put together at run time"),
        ('"SELECT * FROM flight WHERE plane = 1 AND %s" % n', ("plane",), "put together at run time"),
        ('"DELETE FROM flight WHERE (%s)" % n', (), "put together at run time"),
        ('"SELECT * FROM flight %s" % n', (), "put together at run time"),
        ('"SELECT * FROM flight WHERE %s = %s" % (n, n)', (), "which column is compared"),
        ('"SELECT * FROM flight WHERE plane IN (%s)" % n', ("plane",), ""),
        ('"SELECT * FROM flight WHERE plane = \'%s\' LIMIT %d" % (n, n)', ("plane",), ""),
    ],
)  # fmt: skip
def test_a_condition_that_percent_puts_in(
    text: str, equality: tuple[str, ...], why: str, build: Build
) -> None:
    code = f"def ask(cursor, n):\n    cursor.execute({text})\n"
    (query,) = build({"app.py": code, "schema.sql": FLIGHTS}).facts(Query)
    assert query.equality == equality
    assert why in query.unresolved
    assert bool(why) == bool(query.unresolved)


def test_a_table_that_is_named_at_run_time_is_said_to_be(build: Build) -> None:
    code = 'def ask(cursor, n):\n    cursor.execute("SELECT * FROM %s WHERE plane = 1" % n)\n'
    found = [m for f in build({"app.py": code}).facts(CollectionFit) for _, m in f.fits]
    assert [m.fit for m in found] == [Fit.UNKNOWN]
    assert "named at run time" in found[0].why


@pytest.mark.parametrize(
    ("text", "begins"),
    [
        ("f\"SELECT 1 FROM flight WHERE plane LIKE '{n}%'\"", True),
        ('"SELECT 1 FROM flight WHERE plane LIKE \'" + n + "%\'"', True),
        ("f\"SELECT 1 FROM flight WHERE plane LIKE '%{n}%'\"", False),
        ("f\"SELECT 1 FROM flight WHERE plane LIKE '{n}'\"", False),
        ("\"SELECT 1 FROM flight WHERE plane LIKE '%%%s%%'\" % n", False),
    ],
)
def test_a_pattern_that_begins_with_what_is_given(text: str, begins: bool, build: Build) -> None:
    code = f"def ask(cursor, n):\n    cursor.execute({text})\n"
    (query,) = build({"app.py": code, "schema.sql": FLIGHTS}).facts(Query)
    assert (query.range, query.scanned) == ((("plane",), ()) if begins else ((), ("plane",)))


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("SELECT number + line AS plane FROM flight ORDER BY plane LIMIT 3", [((), ())]),
        ("SELECT plane AS p FROM flight ORDER BY p LIMIT 3", [((), (("plane", 1),))]),
        ("SELECT number, plane AS p FROM flight ORDER BY 2 DESC, 1 LIMIT 3", [((), (("plane", -1), ("number", 1)))]),
        ("SELECT number + 1 FROM flight ORDER BY 1 LIMIT 3", [((), ())]),
        ("SELECT * FROM flight ORDER BY 2 LIMIT 3", [((), ())]),
        ("SELECT number FROM flight ORDER BY 2 LIMIT 3", [((), ())]),
        ("SELECT number AS plane FROM flight ORDER BY flight.plane LIMIT 3", [((), (("plane", 1),))]),
        ("SELECT plane AS p FROM flight WHERE p = 3", [(("plane",), ())]),
        ("SELECT line AS plane FROM flight WHERE plane = 3", [(("plane",), ())]),
        ("SELECT one AS two, two AS one FROM flight WHERE one = 3", [((), ())]),
    ],
)  # fmt: skip
def test_names_that_the_query_itself_gives(
    statement: str, expected: list[tuple[object, object]], build: Build
) -> None:
    """An order is by what is given under a name, a condition on the column of that name, if there is one."""
    code = f'def ask(cursor):\n    cursor.execute("{statement}")\n'
    found = build({"app.py": code, "schema.sql": FLIGHTS}).facts(Query)
    assert [(q.equality, q.sort) for q in found] == expected


@pytest.mark.parametrize(
    ("driver", "condition", "expected"),
    [
        ("sqlite3", "(plane = ? OR ?)", {()}),
        ("sqlite3", "(? IS NULL OR plane = ?)", {()}),
        ("sqlite3", "(plane = ? OR number = ?)", {("plane",), ("number",)}),
        ("pymysql", "(plane = %s OR %s)", {("plane",), ()}),
    ],
)
def test_a_condition_that_a_value_turns_off(
    driver: str, condition: str, expected: set[tuple[str, ...]], build: Build
) -> None:
    """SQLite plans before it knows the value; drivers of MySQL put it into the text."""
    code = f'import {driver}\ndef ask(cursor, a):\n    cursor.execute("SELECT 1 FROM flight WHERE {condition}", a)\n'
    files = {"app.py": code, "schema.sql": FLIGHTS, "app.cfg": ""}
    address = f'DB = "{"sqlite:///x.db" if driver == "sqlite3" else "mysql://x/y"}"\n'
    found = build(files | {"app.py": address + code}).facts(Query)
    assert {q.equality for q in found} == expected


def test_a_clause_of_a_list_is_told_at_run_time(build: Build) -> None:
    code = """
def ask(cursor, given):
    where = []
    for key in given:
        where.append(f"{key} = %s")
    clause = f"WHERE {' AND '.join(where)}" if where else ""
    cursor.execute(f"SELECT number FROM flight {clause} ORDER BY plane LIMIT 3")
"""
    found = build({"app.py": code, "schema.sql": FLIGHTS}).facts(CollectionFit)
    told = [(q.sort, m.fit) for f in found if f.name == "flight" for q, m in f.fits]
    assert {sort for sort, _ in told} == {(("plane", 1),)}
    assert {fit for _, fit in told} == {
        Fit.MISSING,
        Fit.UNKNOWN,
    }  # without conditions, and with some


def test_a_change_that_cannot_be_parsed_is_one(build: Build) -> None:
    code = """
def change(cursor, name):
    cursor.execute("INSERT INTO flight VALUES ('" + name + "' 'x'y)")
    cursor.execute("UPDATE flight SET line = 'x'y' WHERE " + name)
"""
    found = build({"app.py": code, "schema.sql": FLIGHTS}).facts(Query)
    assert {q.operation for q in found} == {"insert", "update"}


WRAPPER = """
import MySQLdb
def connect():
    return MySQLdb.connect("host")
def execute_query(connection=None, query=None, given=()):
    cursor = connection.cursor()
    cursor.execute(query, given)
    return cursor
def shown(connection, query):
    print(query)
"""


@pytest.mark.parametrize(
    ("call", "line"),
    [
        ('execute_query(connection, "SELECT line FROM flight WHERE plane = 1")', 5),
        ("execute_query(connection, sql)", 5),
        ("execute_query(connection, sql, (1,))", 5),
        ("execute_query(connection, query=sql)", 5),
        ("execute_query(connection=connection, query=sql, given=[1])", 5),
        ("execute_query(connection, sql + ' AND line = 2')", 5),
        ("shown(connection, sql)", 0),
        ("print(connection, sql)", 0),
    ],
)
def test_a_function_that_runs_statements_takes_them_anywhere(
    call: str, line: int, build: Build
) -> None:
    """What it is given is asked by its caller, who knows the query."""
    code = (
        "from db import connect, execute_query, shown\ndef ask(given):\n    connection = connect()\n"
        f'    sql = "SELECT number FROM flight WHERE plane = 1"\n    return {call}\n'
    )
    found = build({"app.py": code, "db.py": WRAPPER, "schema.sql": FLIGHTS}).facts(Query)
    told = [(q.place.path, q.place.line, "plane" in q.equality) for q in found if q.collection]
    assert told == ([("app.py", line, True)] if line else [])


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("DELETE t FROM ticket t WHERE t.seat = %s", {("ticket", "delete", ("seat",))}),
        (
            "DELETE t FROM ticket t INNER JOIN bought b ON b.ticket = t.ticket WHERE b.who = %s",
            {("ticket", "delete", ("ticket",)), ("bought", "join", ("who",))},
        ),
        (
            "DELETE FROM ticket USING bought WHERE bought.ticket = ticket.ticket AND bought.who = %s",
            {("ticket", "delete", ("ticket",)), ("bought", "join", ("who",))},
        ),
        (
            "UPDATE ticket t JOIN bought b ON b.ticket = t.ticket SET t.seat = 1 WHERE b.who = %s",
            {("ticket", "update", ("ticket",)), ("bought", "join", ("who",))},
        ),
        ("UPDATE ticket, bought SET seat = 1 WHERE bought.ticket = ticket.ticket AND who = %s",
         {("ticket", "update", ("ticket",)), ("bought", "join", ("who",))}),
    ],
)  # fmt: skip
def test_changes_of_what_a_join_finds(
    statement: str, expected: set[tuple[str, str, tuple[str, ...]]], build: Build
) -> None:
    code = f'def change(cursor, given):\n    cursor.execute("{statement}", (given,))\n'
    found = build({"app.py": code, "schema.sql": FLIGHTS}).facts(Query)
    assert {(q.collection, q.operation, q.equality) for q in found} == expected


@pytest.mark.parametrize(
    ("condition", "unknown"),
    [
        ("{given} = ?", True),
        ("f.{given} = ?", True),
        ("LOWER({given}) = ?", True),
        ("{given} > ?", True),
        ("plane = {given}", False),
        ("{given} <= plane", False),
    ],
)
def test_a_column_that_is_chosen_at_run_time(condition: str, unknown: bool, build: Build) -> None:
    code = f'def ask(cursor, given):\n    cursor.execute(f"SELECT number FROM flight f WHERE {condition}")\n'
    found = build({"app.py": code, "schema.sql": FLIGHTS}).facts(CollectionFit)
    told = [m.fit for f in found if f.name == "flight" for _, m in f.fits]
    assert told == [Fit.UNKNOWN if unknown else Fit.MISSING]


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT number FROM flight WHERE plane = 1 {more} ORDER BY number",
        "SELECT f.number FROM flight f JOIN ticket t ON t.number = f.number AND t.seat BETWEEN 1 AND 2 {more} WHERE f.plane = 1",
    ],
)
def test_a_clause_that_is_put_in_behind_a_condition(statement: str, build: Build) -> None:
    code = f'def ask(cursor, more):\n    cursor.execute(f"{statement}")\n'
    found = build({"app.py": code, "schema.sql": FLIGHTS}).facts(Query)
    assert [q.equality[0] for q in found if q.collection == "flight"] == ["plane"]


@pytest.mark.parametrize(
    ("statement", "unknown"),
    [
        ("SELECT k FROM (SELECT plane AS k {source}) x WHERE k IS NOT NULL", True),
        ("SELECT 1 WHERE {source}", True),
        ("SELECT k FROM (SELECT 1 AS k) x WHERE k = {source}", False),
    ],
)
def test_a_source_that_is_put_in_is_not_lost(statement: str, unknown: bool, build: Build) -> None:
    code = f'def ask(cursor, source):\n    cursor.execute(f"{statement}")\n'
    found = build({"app.py": code, "schema.sql": FLIGHTS}).facts(CollectionFit)
    told = [m.fit for f in found for _, m in f.fits]
    assert told == ([Fit.UNKNOWN] if unknown else [])


@pytest.mark.parametrize("fields", [2, 5, 6, 9])
def test_no_index_over_all_that_a_record_holds(fields: int, build: Build) -> None:
    """Where one narrows the search to a few records already."""
    names = [f"part{i}" for i in range(fields)]
    schema = f"CREATE TABLE parts (id INT PRIMARY KEY, {', '.join(f'{n} INT' for n in names)});\nCREATE INDEX first ON parts (part0);\n"
    asked = " AND ".join(f"{name} = %s" for name in names)
    code = (
        f"def ask(cursor, given):\n    cursor.execute('SELECT 1 FROM parts WHERE {asked}', given)\n"
    )
    (found,) = build({"app.py": code, "schema.sql": schema}).facts(CollectionFit)
    assert [m.fit for _, m in found.fits] == [Fit.PARTIAL]
    assert [len(p.fields) for p in found.proposed] == ([fields] if fields <= 5 else [])


@pytest.mark.parametrize(
    ("rest", "expected"),
    [
        ("JOIN ticket t ON t.plane = p.id ORDER BY t.seat LIMIT 3", {("ticket", "seat", "missing")}),
        ("JOIN ticket t ON t.plane = p.id ORDER BY t.number LIMIT 3", {("ticket", "number", "covered")}),
        ("LEFT JOIN ticket t ON t.plane = p.id ORDER BY t.seat LIMIT 3", set()),
        ("JOIN ticket t ON t.plane = p.id ORDER BY t.seat", set()),
        ("JOIN ticket t ON t.plane = p.id WHERE p.name = 'x' ORDER BY t.seat LIMIT 3", set()),
        ("JOIN ticket t ON t.plane = p.id ORDER BY p.name LIMIT 3", {("plane", "name", "missing")}),
        ("JOIN ticket t ON t.plane = p.id WHERE t.line = 1 ORDER BY t.seat LIMIT 3", {("ticket", "seat", "partial")}),
    ],
)  # fmt: skip
def test_the_order_of_the_rows_of_a_joined_table(
    rest: str, expected: set[tuple[str, str, str]], build: Build
) -> None:
    """The search may start there, if each row has its one of the other table."""
    schema = (
        "CREATE TABLE plane (id INT PRIMARY KEY, name TEXT);\n"
        "CREATE TABLE ticket (id INT PRIMARY KEY, plane INT, line INT, number INT, seat INT);\n"
        "CREATE INDEX by_plane ON ticket (plane);\nCREATE INDEX by_line ON ticket (line);\nCREATE INDEX by_number ON ticket (number);\n"
    )
    code = f'def ask(cursor):\n    cursor.execute("SELECT p.name, t.seat FROM plane p {rest}")\n'
    found = build({"app.py": code, "schema.sql": schema}).facts(CollectionFit)
    told = {(f.name, q.sort[0][0], m.fit.value) for f in found for q, m in f.fits if q.sort}
    assert {x for x in told if x[2] != "covered" or x[1] == "number"} == expected


def test_a_join_of_whole_tables_looks_nothing_up(build: Build) -> None:
    code = """
def ask(cursor):
    cursor.execute("SELECT plane, seat FROM flight LEFT JOIN ticket ON ticket.seat = flight.plane")
def some(cursor):
    cursor.execute("SELECT plane, seat FROM flight LEFT JOIN ticket ON ticket.seat = flight.plane LIMIT 3")
"""
    found = build({"app.py": code, "schema.sql": FLIGHTS}).facts(CollectionFit)
    told = {q.place.line: m.fit for f in found if f.name == "ticket" for q, m in f.fits}
    assert told == {3: Fit.COVERED, 5: Fit.MISSING}


@pytest.mark.parametrize(
    ("kind", "condition", "fit"),
    [
        ("INT", "COALESCE(is_done, 0) = 0", Fit.COVERED),
        ("TINYINT(1)", "cut = 1", Fit.COVERED),
        ("TINYINT", "cut = 1", Fit.MISSING),
        ("INT", "COALESCE(cut, 0) = 0", Fit.MISSING),
        ("TINYINT", "COALESCE(cut, 0) = 0", Fit.COVERED),
        ("TINYINT", "IFNULL(cut, 0) = 0 AND COALESCE(is_done, 0) = 0", Fit.COVERED),
        ("TINYINT", "COALESCE(cut, 0) = 3", Fit.MISSING),
        ("TINYINT", "COALESCE(cut, 0) = 0 AND num = 3", Fit.MISSING),
    ],
)
def test_flags_by_their_type_and_with_a_default(
    kind: str, condition: str, fit: Fit, build: Build
) -> None:
    schema = f"CREATE TABLE plants (id INT PRIMARY KEY, is_done {kind}, cut {kind}, num INT);\n"
    code = f'def ask(cursor):\n    cursor.execute("SELECT id FROM plants WHERE {condition}")\n'
    (found,) = build({"app.py": code, "schema.sql": schema}).facts(CollectionFit)
    assert [m.fit for _, m in found.fits] == [fit]


def test_a_statement_that_is_rewritten_before_it_runs_is_not_lost(build: Build) -> None:
    code = "def run(cursor, sql, given):\n    cursor.execute(sql.replace('?', '%s'), given)\n"
    found = build({"app.py": code, "schema.sql": FLIGHTS}).facts(Query)
    assert [(q.collection, bool(q.unresolved)) for q in found] == [("", True)]


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ('text("all")', {()}),
        ('text("plane")', {("plane",)}),
        ("text(given)", {(), ("plane",), ("number",)}),
        ('text("other")', {("number",)}),
        ("text()", {("number",)}),
    ],
)
def test_one_of_several_statements_by_what_a_call_spells_out(
    call: str, expected: set[tuple[str, ...]], build: Build
) -> None:
    code = f"""
def text(kind=None):
    if kind == "all":
        return "SELECT COUNT(*) FROM flight"
    elif kind == "plane":
        return "SELECT COUNT(*) FROM flight WHERE plane = 1"
    return "SELECT COUNT(*) FROM flight WHERE number = 1"

def ask(cursor, given):
    cursor.execute({call})
"""
    found = build({"app.py": code, "schema.sql": FLIGHTS}).facts(Query)
    assert {q.equality for q in found} == expected


GROUPS = "(SELECT line, MAX(number) AS last FROM flight GROUP BY line)"


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (f"SELECT * FROM ticket t JOIN {GROUPS} d ON d.line = t.seat", set()),
        (f"SELECT * FROM ticket t JOIN {GROUPS} d ON d.line = t.seat AND t.number = d.last", set()),
        (f"SELECT * FROM ticket t, {GROUPS} AS d WHERE t.seat = d.line", set()),
        (f"SELECT * FROM {GROUPS} d LEFT JOIN ticket t ON t.seat = d.line", set()),
        (f"WITH d AS {GROUPS} SELECT * FROM ticket t JOIN d ON t.seat = d.line", set()),
        (f"WITH c AS {GROUPS}, d AS (SELECT line FROM c) SELECT * FROM ticket t JOIN d ON t.seat = d.line", set()),
        ("SELECT * FROM ticket t JOIN (SELECT line FROM flight UNION SELECT who FROM bought) d ON d.line = t.seat", set()),
        (f"SELECT * FROM ticket t JOIN {GROUPS} d ON t.number > d.last", set()),
        (f"SELECT * FROM ticket t JOIN {GROUPS} d ON d.line = t.line WHERE t.seat = 4", {"seat"}),
        (f"SELECT * FROM ticket t JOIN {GROUPS} d ON d.line = t.number ORDER BY t.seat LIMIT 3", {"seat"}),
        # few rows of what is worked out, each of which is looked up
        (f"SELECT * FROM ticket t JOIN {GROUPS} d ON d.line = t.seat ORDER BY d.last DESC LIMIT 3", {"seat"}),
        (f"SELECT * FROM ticket t JOIN {GROUPS} d ON d.line = t.seat WHERE d.last = 3", {"seat"}),
        ("SELECT * FROM ticket t JOIN (SELECT line FROM flight WHERE number = 3) d ON d.line = t.seat", {"seat"}),
        ("SELECT * FROM (SELECT line FROM flight WHERE number = 3) d LEFT JOIN ticket t ON d.line = t.seat", {"seat"}),
        # of rows that the statement is given, too
        ("WITH d AS (SELECT * FROM unnest(%s) AS u(line)) SELECT * FROM ticket t JOIN d ON d.line = t.seat", {"seat"}),
        ("SELECT * FROM ticket t JOIN unnest(%s) AS d ON d = t.seat", {"seat"}),
        ("SELECT * FROM ticket t JOIN (VALUES (1, 2), (3, 4)) AS d(line, last) ON d.line = t.seat", {"seat"}),
        ("UPDATE ticket SET line = d.last FROM (SELECT unnest(%s) AS line, unnest(%s) AS last) d WHERE seat = d.line", {"seat"}),
        ("SELECT * FROM ticket t JOIN (SELECT line FROM flight LIMIT 9) d ON d.line = t.seat", {"seat"}),
        ("SELECT * FROM ticket t JOIN (SELECT MAX(line) AS line FROM flight) d ON d.line = t.seat", {"seat"}),
        ("SELECT * FROM ticket t JOIN (SELECT line FROM flight GROUP BY line HAVING COUNT(*) > 1) d ON d.line = t.seat", {"seat"}),
        ("WITH RECURSIVE d AS (SELECT ticket FROM ticket UNION SELECT t.ticket FROM ticket t JOIN d ON t.seat = d.ticket) "
         "SELECT * FROM d", {"seat"}),
    ],
)  # fmt: skip
def test_rows_that_are_held_against_groups_of_whole_tables(
    statement: str, expected: set[str], build: Build
) -> None:
    """Both sides are read from end to end, whichever is put into a table of hashes."""
    code = f'def ask(cursor):\n    cursor.execute("{statement}")\n'
    found = build({"app.py": code, "schema.sql": FLIGHTS}).facts(CollectionFit)
    told = [(f.name, q, m) for f in found for q, m in f.fits]
    assert not any(q.unresolved for _, q, _ in told)
    missing = {x for n, _, m in told if n == "ticket" for x in m.missing}
    assert missing == expected


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("t.seat = (SELECT MAX(n.seat) FROM ticket n WHERE n.line = t.line)", set()),
        ("(SELECT MAX(n.seat) FROM ticket n WHERE n.line = t.line) = t.seat", set()),
        ("t.seat IN (SELECT n.seat FROM ticket n WHERE n.line = t.line)", set()),
        ("t.seat > (SELECT AVG(n.seat) FROM ticket n WHERE n.line = t.line)", set()),
        ("t.seat < f.plane", set()),
        ("t.seat - 4 < t.ticket", set()),
        ("t.seat > abs(t.line - t.number)", set()),
        ("t.seat = t.line + 1", set()),
        ("t.seat < abs(4 - 5)", {"seat"}),
        ("t.seat = (SELECT MAX(n.seat) FROM ticket n WHERE n.line = 3)", {"seat"}),
        ("t.seat = (SELECT MAX(t.seat) FROM ticket t WHERE t.line = 3)", {"seat"}),
        ("t.seat IN (SELECT n.number FROM flight n WHERE n.line = 3)", {"seat"}),
        ("t.seat > (SELECT AVG(n.number) FROM flight n WHERE n.line = 3)", {"seat"}),
    ],
)
def test_what_is_found_for_each_row_is_no_value_to_look_up(
    condition: str, expected: set[str], build: Build
) -> None:
    statement = f"SELECT * FROM ticket t JOIN flight f ON f.line = t.line AND f.number = t.number WHERE {condition}"  # fmt: skip
    code = f'def ask(cursor):\n    cursor.execute("{statement}")\n'
    found = build({"app.py": code, "schema.sql": FLIGHTS}).facts(CollectionFit)
    assert not any(q.unresolved for f in found for q, _ in f.fits)
    assert {x for f in found for _, m in f.fits for x in m.missing} == expected


STORES = """
import sqlite3
class Store:
    def __init__(self, table):
        self.table = table
    def update(self, table, data, where, given=None):
        parts = ", ".join(f"{key} = ?" for key in data)
        sqlite3.connect("a").execute(f"UPDATE {table} SET {parts} WHERE {where}", given)
    def delete(self, table: str, where: str, given=None):
        query = "DELETE FROM " + table + " WHERE " + where
        sqlite3.connect("a").cursor().execute(query, given or ())
    def drop(self, where):
        self.delete("bought", where)
    def own(self, where, given):
        sqlite3.connect("a").execute(f"DELETE FROM {self.table} WHERE {where}", given)
class Flights(Store):
    def __init__(self):
        super().__init__("flight")
    def clear(self, x):
        self.own("plane = ?", (x,))
class Tickets(Store):
    def __init__(self):
        Store.__init__(self, "ticket")
    def clear(self, x):
        self.own("seat = ?", (x,))
def ask(x, given):
    store = Store("bought")
"""


@pytest.mark.parametrize(
    ("calls", "expected"),
    [
        (['store.delete("ticket", "seat = ?", (x,))'], {(27, "ticket", "seat")}),
        (['store.delete("ticket", "seat = 4")', 'store.delete(table="flight", where="plane = 4")'],
         {(27, "ticket", "seat"), (28, "flight", "plane")}),
        (['store.update("ticket", {"number": x}, "seat = ?", (x,))'], {(27, "ticket", "seat")}),
        (['store.drop("day = 4")'], {(27, "bought", "day")}),
        (['store.delete("ticket", "seat = ?", (x,))', 'store.delete(given, "seat = ?", (x,))'],
         {(27, "ticket", "seat"), (28, "", "")}),
        (['store.delete("ticket", "seat = ?", (x,))', 'store.delete(given, x, (x,))'],
         {(27, "ticket", "seat"), (10, "", "")}),
    ],
)  # fmt: skip
def test_what_calls_put_into_a_statement_is_told_where_they_stand(
    calls: list[str], expected: set[tuple[int, str, str]], build: Build
) -> None:
    code = STORES.lstrip() + "".join(f"    {call}\n" for call in calls)
    found = build({"app.py": code, "schema.sql": FLIGHTS}).facts(Query)
    told = {(q.place.line, q.collection, "".join(q.equality)) for q in found}
    own = {(19, "flight", "plane"), (24, "ticket", "seat")}
    assert {x for x in told if x[2]} == own | {x for x in expected if x[2]}
    assert {x for x in expected if not x[2]} <= told


@pytest.mark.parametrize(
    "guard",
    [
        "def guard(x):\n    if x:\n        return str(x), 403\n    return None\n",
        "def guard(x):\n    if x:\n        return str(x), 403\n",
        "def guard(x):\n    return [str(x)] if x else None\n",
    ],
)
def test_what_comes_after_a_guard_is_asked(guard: str, build: Build) -> None:
    """`err = guard(…)`, `if err: return err`: a tuple or nothing."""
    code = f"import sqlite3\ndb = sqlite3.connect('a.db')\n{guard}\ndef ask(x):\n    err = guard(x)\n    if err:\n        return err\n    return db.execute('SELECT * FROM item WHERE name = ?', (x,)).fetchall()\n"
    files = {"app.py": code, "schema.sql": "CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT);"}
    assert [q.equality for q in build(files).facts(Query)] == [("name",)]


@pytest.mark.parametrize(
    ("condition", "missing"),
    [
        ("%s = ANY(tags)", ("ANY(tags)",)),
        ("%s = ANY (a.tags)", ("ANY(tags)",)),
        ("tags @> ARRAY[%s]", ()),
        ("owner = ANY(%s)", ("owner",)),
        ("%s = ANY(SELECT name FROM articles)", ()),
        ("id = ANY(%s)", ()),
    ],
)
def test_what_one_element_of_a_list_is_no_index_finds(
    condition: str, missing: tuple[str, ...], build: Build
) -> None:
    """By EXPLAIN in PostgreSQL, where `tags` has a GIN index: it serves `@>`, `<@` and `&&`."""
    schema = "CREATE TABLE articles (id SERIAL PRIMARY KEY, owner INT, name TEXT, tags TEXT[]);\nCREATE INDEX ON articles USING GIN (tags);\n"
    code = f"import psycopg\ndef ask(cursor, given):\n    cursor.execute('SELECT id FROM articles a WHERE {condition}', (given,))\n"
    found = build({"app.py": code, "schema.sql": schema}).facts(CollectionFit)
    assert tuple(f for c in found for _, m in c.fits for f in m.missing) == missing


@pytest.mark.parametrize(
    ("statement", "unknown"),
    [
        ("SELECT number FROM flight ORDER BY lower(plane) LIMIT 3", True),
        ("SELECT number FROM flight ORDER BY coalesce(day, '') DESC, number LIMIT 3", True),
        ("SELECT number + line AS total FROM flight ORDER BY total LIMIT 3", True),
        ("SELECT number FROM flight ORDER BY lower(plane)", False),
        ("SELECT number FROM flight WHERE plane = ? ORDER BY lower(day) LIMIT 3", False),
        ("SELECT number FROM flight ORDER BY random() LIMIT 3", False),
        ("SELECT number FROM flight ORDER BY plane LIMIT 3", False),
        ("SELECT count(*) AS n FROM flight GROUP BY plane ORDER BY n LIMIT 3", False),
    ],
)
def test_a_few_first_by_what_is_computed(statement: str, unknown: bool, build: Build) -> None:
    program = f"def ask(cursor, given):\n    cursor.execute({statement!r}, (given,))\n"
    table = "CREATE TABLE flight (number INT PRIMARY KEY, line INT, plane TEXT, day TEXT);"
    fits = [m for c in build({"app.py": program, "schema.sql": table}).facts(CollectionFit) for _, m in c.fits]  # fmt: skip
    assert [m.fit is Fit.UNKNOWN for m in fits] == [unknown]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("seat, COUNT(*)", []),
        ("COALESCE(MAX(seat), 0) + 1", []),
        ("seat, COUNT(*) FILTER (WHERE line = 1) AS n", []),
        ("seat, COUNT(*) OVER ()", ["missing"]),
        ("seat, MAX(line, number)", ["missing"]),
        ("seat, (SELECT COUNT(*) FROM flight)", ["missing"]),
    ],
)
def test_the_order_of_the_one_row_of_an_aggregate_asks_for_no_index(
    build: Build, given: str, expected: list[str]
) -> None:
    found = _asked(build, f"SELECT {given} FROM ticket ORDER BY seat DESC LIMIT 5")
    assert [fit for name, _, fit in found if name == "ticket" and fit != "covered"] == expected


@pytest.mark.parametrize(
    ("beside", "expected"),
    [
        ("day IS NOT NULL", "missing"),
        ("day <> '2020-01-01'", "missing"),
        ("ticket = 1", "covered"),
    ],
)
def test_what_is_computed_of_a_column_is_held_against_it_besides_what_excludes_little(
    build: Build, beside: str, expected: str
) -> None:
    found = _asked(build, f"SELECT who FROM bought WHERE DATE(day) = DATE(%s) AND {beside}")
    assert [fit for *_, fit in found] == [expected]
