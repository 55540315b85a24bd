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


_PLAIN: tuple[tuple[str, ...], str] = ((), "")
_KIND, _NICK, _BOTH = (("kind",), ""), (("nick",), ""), (("kind", "nick"), "")


@pytest.mark.parametrize("added", ['wanted.append("{}")', 'wanted += ["{}"]', 'wanted.extend(["{}"])'])  # fmt: skip
@pytest.mark.parametrize(
    ("begins", "ends", "told"),
    [
        ('["1=1"]', 'more = "WHERE " + " AND ".join(wanted)', {_PLAIN, _KIND, _NICK, _BOTH}),
        ('["1=1"]', "more = f\"WHERE {' AND '.join(wanted)} ORDER BY id\"", {_PLAIN, _KIND, _NICK, _BOTH}),
        ("[\"kind = 'cat'\"]", 'more = " WHERE " + " AND ".join(wanted)', {_KIND, _BOTH}),
        # without a condition it could not run
        ("[]", 'more = "WHERE " + " AND ".join(wanted)', {_KIND, _NICK, _BOTH}),
        ("[]", 'more = ("WHERE " + " AND ".join(wanted)) if wanted else ""', {_PLAIN, _KIND, _NICK, _BOTH}),
    ],
)  # fmt: skip
def test_the_conditions_of_a_list_are_told_as_the_runs_have_them(
    added: str, begins: str, ends: str, told: set[tuple[tuple[str, ...], str]], build: Build
) -> None:
    steps = [
        f"wanted = {begins}",
        f"if kind: {added.format('kind = ?')}",
        f"if nick: {added.format('nick = ?')}",
        ends,
        'return db.execute(f"SELECT * FROM animals {more}").fetchall()',
    ]
    assert {(q.equality, q.unresolved) for q in _asked(steps, build)} == told


@pytest.mark.parametrize(
    ("calls", "told"),
    [
        ("ask(1, None)", {_KIND}),
        ("ask(1, 'rex')\nask(1, None)", {_KIND, _BOTH}),
        ("ask(None, 'rex')\nask(1, None)", {_PLAIN, _KIND, _NICK, _BOTH}),
        ("ask(1, None)\nHOOKS = [ask]", {_PLAIN, _KIND, _NICK, _BOTH}),
    ],
)
def test_a_condition_that_every_call_gives_is_always_there(
    calls: str, told: set[tuple[tuple[str, ...], str]], build: Build
) -> None:
    steps = [
        'wanted = ["1=1"]',
        'if kind: wanted.append("kind = ?")',
        'if nick: wanted.append("nick = ?")',
        """return db.execute(f"SELECT * FROM animals WHERE {' AND '.join(wanted)}").fetchall()""",
    ]
    code = _ANIMALS.replace("{steps}", "\n    ".join(steps)) + calls + "\n"
    found = build({"app.py": code}).facts(Query)
    assert {(q.equality, q.unresolved) for q in found if q.collection == "animals"} == told


@pytest.mark.parametrize("begins", ['wanted, given = ["1=1"], []', '(given, wanted) = [], ["1=1"]'])
def test_a_list_that_begins_beside_another(begins: str, build: Build) -> None:
    steps = [
        begins,
        'if kind: wanted.append("kind = ?"); given.append(kind)',
        'return db.execute("SELECT * FROM animals WHERE " + " AND ".join(wanted), given).fetchall()',
    ]
    assert {(q.equality, q.unresolved) for q in _asked(steps, build)} == {_PLAIN, _KIND}


def test_a_condition_that_every_run_has_is_none_by_itself(build: Build) -> None:
    steps = [
        "wanted = []",
        'wanted.append("kind = ?")',
        'if nick: wanted.append("nick = ?")',
        'return db.execute("SELECT * FROM animals WHERE " + " AND ".join(wanted)).fetchall()',
    ]
    assert {(q.equality, q.unresolved) for q in _asked(steps, build)} == {_KIND, _BOTH}


@pytest.mark.parametrize(
    "added", ["wanted.append(nick)", "wanted.extend(nick)", 'wanted.append(f"{nick} = ?")']
)
def test_of_a_condition_that_is_told_nowhere_the_others_are(added: str, build: Build) -> None:
    steps = [
        "wanted = [\"kind = 'cat'\"]",
        f"if nick: {added}",
        'return db.execute("SELECT * FROM animals WHERE " + " AND ".join(wanted)).fetchall()',
    ]
    found = _asked(steps, build)
    assert {q.equality for q in found} == {("kind",)}
    assert len({q.unresolved for q in found}) == 2


def test_of_a_list_from_which_something_is_taken_only_the_beginning_is_told(build: Build) -> None:
    steps = [
        "wanted = [\"kind = 'cat'\"]",
        'if nick: wanted.append("nick = ?")',
        "wanted.pop(0)",
        'return db.execute("SELECT * FROM animals WHERE " + " AND ".join(wanted)).fetchall()',
    ]
    assert {q.unresolved for q in _asked(steps, build)} == {_RUN_TIME}


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


_BY_RUN = "what it is ordered by is decided at run time"


@pytest.mark.parametrize(
    ("steps", "told"),
    [
        (
            ['if nick not in ["tag", "kind"]: nick = "tag"'],
            {((("tag", 1),), ""), ((("kind", 1),), "")},
        ),
        (
            ['if nick not in {"tag": 1, "kind": 2}: return []'],
            {((("tag", 1),), ""), ((("kind", 1),), "")},
        ),
        (['if kind not in ["tag", "kind"]: kind = "tag"'], {((), _BY_RUN)}),
        (
            ['if nick not in known(): nick = "tag"'],
            {((("tag", 1),), ""), ((), _BY_RUN)},
        ),
        ([], {((), _BY_RUN)}),
    ],
)
def test_what_a_test_lets_through_is_ordered_by(
    steps: list[str], told: set[tuple[object, str]], build: Build
) -> None:
    asks = 'return db.execute(f"SELECT * FROM animals ORDER BY {nick} LIMIT 5").fetchall()'
    assert {(q.sort, q.unresolved) for q in _asked([*steps, asks], build)} == told


def test_an_order_of_which_the_way_is_not_told_is_one_of_its_column(build: Build) -> None:
    asks = 'return db.execute(f"SELECT * FROM animals ORDER BY nick {kind} LIMIT 5").fetchall()'
    assert {q.sort for q in _asked([asks], build)} == {(("nick", 1),)}


def test_an_order_at_run_time_of_what_is_looked_up_leaves_the_look_up(build: Build) -> None:
    asks = 'return db.execute(f"SELECT * FROM animals WHERE tag = ? ORDER BY {nick} LIMIT 5", (kind,)).fetchall()'
    assert {(q.equality, q.unresolved) for q in _asked([asks], build)} == {(("tag",), "")}


def test_of_more_ways_than_are_read_the_others_are_unknown(build: Build) -> None:
    """One of nine orders would else stand for all of them, and be served by the key."""
    ways = [f'elif kind == "{n}": way = "nick{n}, tag"' for n in range(9)]
    steps = [
        'if kind == "id": way = "id"',
        *ways,
        "else:\n        way = '''CASE WHEN kind = 'cat'\n        THEN 0 ELSE 1 END'''",
        'return db.execute(f"SELECT * FROM animals ORDER BY {way} LIMIT 5").fetchall()',
    ]
    found = _asked(steps, build)
    assert {q.sort for q in found} >= {(("id", 1),), (("nick0", 1), ("tag", 1))}
    assert _BY_RUN in {q.unresolved for q in found}


@pytest.mark.parametrize(
    ("steps", "told"),
    [
        (
            ["more = \"WHERE kind = 'cat'\"", 'if nick: more += " AND nick = ?"'],
            {(("kind",), ""), (("kind", "nick"), "")},
        ),
        (['more = ""', 'if nick: more += " WHERE nick = ?"'], {((), ""), (("nick",), "")}),
        (
            ['more = "WHERE tag = ?"', 'if kind: more += " AND kind = ?"', 'if nick: more = more + " AND nick = ?"'],
            {(("tag",), ""), (("tag", "kind"), ""), (("tag", "nick"), ""), (("tag", "kind", "nick"), "")},
        ),
        (  # one of both
            ['more = "WHERE tag = ?"', 'if kind: more += " AND kind = ?"', 'else: more += " AND nick = ?"'],
            {(("tag", "kind"), ""), (("tag", "nick"), "")},
        ),
        (["more = \"WHERE kind = 'cat'\"", 'more += " AND nick = ?"'], {(("kind", "nick"), "")}),
        (  # what is added is not told
            ["more = \"WHERE kind = 'cat'\"", 'if nick: more += f" AND {nick} = ?"'],
            {(("kind",), ""), (("kind",), "which column is compared is decided at run time")},
        ),
        (
            ["more = \"WHERE kind = 'cat'\"", 'if nick: more = f"{more} AND nick = ?"'],
            {(("kind",), ""), (("kind", "nick"), "")},
        ),
    ],
)  # fmt: skip
def test_what_some_runs_add_to_a_part_of_a_statement_is_told(
    steps: list[str], told: set[tuple[tuple[str, ...], str]], build: Build
) -> None:
    ends = 'return db.execute(f"SELECT * FROM animals {more}", (kind, nick)).fetchall()'
    assert {(q.equality, q.unresolved) for q in _asked([*steps, ends], build)} == told


_BASE = """
import psycopg2
cur = psycopg2.connect("").cursor()
cur.execute("CREATE TABLE review (id SERIAL PRIMARY KEY, cabin INT)")
cur.execute("CREATE TABLE booking (id SERIAL PRIMARY KEY, cabin INT)")
class Store:
    def __init__(self, table):
        self._table = table
    def _all(self, field=None, value=None):
        sql = f"SELECT * FROM {self._table}"
        if field:
            sql += f" WHERE {field} = %s"
        cur.execute(sql, (value,))
        return cur.fetchall()
    def _one(self, field, value):
        cur.execute(f"SELECT * FROM {self._table} WHERE {field} = %s", (value,))
        return cur.fetchone()
class Reviews(Store):
    def __init__(self):
        Store.__init__(self, table="review")
    def of(self, cabin):
        return {call}
class Bookings(Store):
    def __init__(self):
        Store.__init__(self, table="booking")
    def every(self):
        return {other}
"""


@pytest.mark.parametrize("other", ["Store._all(self)", "self._all()", "super()._all()"])
@pytest.mark.parametrize(
    "call",
    [
        'Store._all(self, field="cabin", value=cabin)',
        'Store._all(self, "cabin", cabin)',
        'self._all("cabin", cabin)',
        'super()._all(field="cabin", value=cabin)',
        'Store._one(self, "cabin", cabin)',
        'self._one("cabin", cabin)',
    ],
)
def test_what_one_class_hands_its_base_is_asked_of_its_table(
    call: str, other: str, build: Build
) -> None:
    code = _BASE.replace("{call}", call).replace("{other}", other)
    line = 1 + next(n for n, x in enumerate(code.splitlines()) if call in x)
    found = build({"app.py": code}).facts(Query)
    narrowed = {(q.collection, q.equality, q.place.line) for q in found if q.equality}
    assert narrowed == {("review", ("cabin",), line)}
    if "_all" in call:
        assert not any(q.unresolved for q in found if "_one" not in q.place.symbol)


def test_a_column_that_a_call_does_not_spell_stays_open(build: Build) -> None:
    code = _BASE.replace("{call}", 'self._all("cabin", cabin)')
    code = code.replace("def every(self)", "def every(self, by)").replace(
        "{other}", "self._all(by)"
    )
    assert any(q.unresolved for q in build({"app.py": code}).facts(Query))


def test_a_text_that_grows_by_itself_is_read_in_time(build: Build) -> None:
    doubled = [f"more{n + 1} = 'a = 1'\n    more{n + 1} += f' AND {{more{n}}} {{more{n}}}'" for n in range(40)]  # fmt: skip
    steps = ["more0 = 'a = 1'", *doubled, 'db.execute(f"SELECT * FROM animals WHERE {more40}")']
    code = _ANIMALS.replace("{steps}", "\n    ".join(steps))
    assert [q.operation for q in build({"app.py": code}).facts(Query)] == ["select"]


_BUILT = """
def build(base, number=None):
    values = {{}}
    if number:
        base += " AND number = :number"
        values["number"] = number
    return {back}
def marked(text):
    return text.strip()
def ask(cursor, number):
    {ask}
"""


@pytest.mark.parametrize(
    ("back", "ask", "expected"),
    [
        ("base, values", "sql, values = build('SELECT * FROM flight WHERE 1 = 1', number)\\n    sql += ' ORDER BY line LIMIT 5'\\n    cursor.execute(sql, values)",
         {((), ("line",)), (("number",), ("line",))}),
        ("base, values", "sql, values = build('SELECT * FROM flight WHERE plane = 1', number)\\n    cursor.execute(sql, values)", {(("plane",), ()), (("plane", "number"), ())}),
        ("base", "cursor.execute(build('SELECT * FROM flight WHERE plane = 1', number))", {(("plane",), ()), (("plane", "number"), ())}),
        ("base", "cursor.execute(marked('SELECT * FROM flight WHERE plane = 1'))", {(("plane",), ())}),
        # nothing sends it
        ("base, values", "return build('SELECT * FROM flight WHERE plane = 1', number)", set()),
    ],
)  # fmt: skip
def test_what_a_function_makes_of_a_statement_is_told_where_it_is_sent(
    back: str, ask: str, expected: set[tuple[tuple[str, ...], tuple[str, ...]]], build: Build
) -> None:
    ask = ask.replace("\\n", "\n")
    schema = "CREATE TABLE flight (id INT PRIMARY KEY, line INT, plane INT, number INT);"
    found = build({"app.py": _BUILT.format(back=back, ask=ask), "schema.sql": schema}).facts(Query)
    assert {
        (q.equality, tuple(f for f, _ in q.sort)) for q in found if not q.unresolved
    } == expected


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        (
            [
                "if kind:",
                "    parts.append(sql.SQL('kind = %s'))",
                "if nick:",
                "    parts.append(sql.SQL('{} = %s').format(sql.Identifier('nick')))",
                "where = sql.SQL(' AND ').join(parts) if parts else sql.SQL('TRUE')",
                "cur.execute(sql.Composed([sql.SQL('SELECT id FROM animals WHERE '), where, sql.SQL(' ORDER BY tag')]), given)",
            ],
            {_PLAIN, _KIND, _NICK, _BOTH},
        ),
        (
            [
                "sets = sql.SQL(', ').join([sql.SQL('{} = %s').format(sql.Identifier(k)) for k in given])",
                "cur.execute(sql.SQL('UPDATE animals SET ') + sets + sql.SQL(' WHERE kind = %s'), given)",
            ],
            {_KIND},
        ),
        (
            [
                "cur.execute(sql.SQL('SELECT id FROM {} WHERE {} = %s').format(sql.Identifier('animals'), sql.Identifier('kind')), given)"
            ],
            {_KIND},
        ),
        (
            [
                "cur.execute(sql.Composed([sql.SQL('SELECT id FROM animals WHERE '), living(sql.SQL('kind = %s'))]), given)"
            ],
            {(("kind", "nick"), "")},
        ),
        (
            [
                "cur.execute(sql.SQL('SELECT id FROM animals WHERE {} = %s').format(sql.Identifier(kind)), given)"
            ],
            {((), "which column is compared is decided at run time")},
        ),
    ],
)
@pytest.mark.parametrize("package", ["psycopg", "psycopg2"])
def test_parts_that_psycopg_composes_are_read(
    package: str, steps: list[str], expected: set[tuple[tuple[str, ...], str]], build: Build
) -> None:
    code = _ANIMALS.replace("import sqlite3", f"from {package} import sql\nimport {package}")
    code = code.replace("sqlite3.connect", f"{package}.connect").replace("def ask", _LIVING + "def ask")  # fmt: skip
    begun = ["parts, given = [], (kind, nick)", "cur = db.cursor()"]
    code = code.replace("{steps}", "\n    ".join([*begun, *steps]))
    found = [q for q in build({"app.py": code}).facts(Query) if q.collection == "animals"]
    assert {(q.equality, q.unresolved) for q in found} == expected


_LIVING = "def living(found):\n    return sql.Composed([found, sql.SQL(' AND nick = %s')])\n"


_POOL = """
import psycopg2
from flask import request
cur = psycopg2.connect("x").cursor()
cur.execute("CREATE TABLE pools (id INTEGER PRIMARY KEY, kind TEXT, nick TEXT, made TIMESTAMP)")
ORDER = " ORDER BY made"
def begun(kind):
    query = " FROM pools WHERE 1=1"
    if kind:
        query += " AND kind = %s"
    return query, [kind]
def ask(kind, more):
    {steps}
    cur.execute(query)
ask(1, 2)
"""


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        # what a function gives is put into a text of the same name
        ("query, given = begun(kind)\n    query = 'SELECT *' + query + ' ORDER BY id LIMIT 5'", {((), ""), (("kind",), "")}),
        ("tail = 'LIMIT {}'.format(int(more)) if more else ''\n    query = 'SELECT * FROM pools WHERE kind = 4 ORDER BY made DESC {}'.format(tail)", {(("kind",), "")}),
        ("query = 'SELECT * FROM pools'\n    if kind:\n        query += ' WHERE kind = 1'\n    query += ORDER", {(("kind",), "")}),
        ("query = 'SELECT * FROM pools p WHERE p.kind = %(p.kind)s'", {(("kind",), "")}),
        # a column that the names of a dict are, or one that stands here
        ("wanted = []\n    for field, value in more.items():\n        if field == 'called':\n            field = 'nick'\n        wanted.append(f'{field} = 1')\n"
         "    query = f\"SELECT * FROM pools WHERE {' AND '.join(wanted)}\"", {(("nick",), ""), ((), "which column is compared is decided at run time")}),
        ("query = f'SELECT * FROM pools {kind} ORDER BY {more} {more} LIMIT 5'", {((), f"{_RUN_TIME}; what it is ordered by is decided at run time")}),
    ],
)  # fmt: skip
def test_what_a_statement_is_put_together_of_leaves_its_table(
    steps: str, expected: set[tuple[tuple[str, ...], str]], build: Build
) -> None:
    found = build({"app.py": _POOL.replace("{steps}", steps)}).facts(Query)
    assert {(q.equality, q.unresolved) for q in found} == expected
    assert {q.collection for q in found} == {"pools"}


@pytest.mark.parametrize("steps", ['["ALTER TABLE pools ADD COLUMN note TEXT", "UPDATE pools SET nick = 1 WHERE kind = 2"]',
                                   '["UPDATE pools SET nick = 1 WHERE kind = 2"]'])  # fmt: skip
def test_a_query_among_statements_that_alter_tables(steps: str, build: Build) -> None:
    code = _POOL.replace(
        "{steps}", f"for query in {steps}:\n        cur.execute(query)\n    return"
    )
    assert {(q.collection, q.operation, q.equality) for q in build({"app.py": code}).facts(Query)} == {("pools", "update", ("kind",))}  # fmt: skip


_JOINED = """
import sqlite3
db = sqlite3.connect("zoo.db")
db.execute("CREATE TABLE animals (id INTEGER PRIMARY KEY, kind TEXT)")
db.execute("CREATE TABLE meals (id INTEGER PRIMARY KEY, animal_id INTEGER, food TEXT)")
def ask(kind, food):
    wanted, joins, sql = [], [], "SELECT a.id FROM animals a"
    if kind: wanted.append("a.kind = ?")
    {food}
    if joins: sql += f" {' '.join(joins)} "
    if wanted:
        sql += " WHERE "
        sql += " AND ".join(wanted)
    return db.execute(sql).fetchall()
"""
_JOIN = 'joins.append("JOIN meals m ON m.animal_id = a.id")'


@pytest.mark.parametrize(
    ("food", "told"),
    [
        # whoever asks of meals joins them, and nobody joins them for nothing
        (f'if food: wanted.append("m.food = ?"); {_JOIN}',
         {("animals", ()), ("animals", ("kind",)), ("animals", ("id",)), ("meals", ("food",)), ("meals", ("animal_id", "food"))}),
        # it may be that those without a meal are left out
        (f"if food: {_JOIN}",
         {("animals", ()), ("animals", ("kind",)), ("meals", ()), ("meals", ("animal_id",))}),
    ],
)  # fmt: skip
def test_a_table_is_joined_where_something_is_asked_of_it(
    food: str, told: set[tuple[str, tuple[str, ...]]], build: Build
) -> None:
    found = build({"app.py": _JOINED.replace("{food}", food)}).facts(Query)
    assert {(q.collection, q.equality) for q in found} == told
