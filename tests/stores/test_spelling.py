"""SQL that is put together in steps, and what its tables hold by the statements that create them."""

from __future__ import annotations

import pytest

from auditor.model.data import CollectionFit, Query
from tests.conftest import Build

SCHEMA = """
CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT, is_active INTEGER);
CREATE TABLE shops (id INTEGER PRIMARY KEY, owner_id INTEGER, code TEXT, name TEXT);
CREATE TABLE links (shop_id INTEGER, tag_id INTEGER, PRIMARY KEY (tag_id, shop_id));
"""


def told(build: Build, code: str, schema: str = SCHEMA) -> set[tuple[str, str, tuple[str, ...]]]:
    app = build({"schema.sql": schema, "app.py": "import sqlite3\n" + code})
    return {(q.collection, q.operation, q.equality) for q in app.facts(Query)}


def test_a_text_is_followed_through_names_and_f_strings(build: Build) -> None:
    code = (
        "def find(cur, name, code):\n    sql = 'SELECT id'\n    sql += ' FROM shops WHERE 1 = 1'\n"
        "    if code:\n        sql = f'{sql} AND code = ?'\n    cur.execute(sql + ' ORDER BY id', (code,))\n"
    )
    assert told(build, code) == {("shops", "select", ()), ("shops", "select", ("code",))}


@pytest.mark.parametrize(
    ("other", "found"),
    [
        ("'SELECT id FROM shops WHERE name = ?'", {("shops", "select", ("name",))}),
        ("'SELECT id FROM shops WHERE code = ? ORDER BY id'", set()),
        ("'PRAGMA foreign_keys'", set()),
    ],
)
def test_a_choice_of_two_texts_is_each(
    other: str, found: set[tuple[str, str, tuple[str, ...]]], build: Build
) -> None:
    code = (
        "def find(conn, code, flag):\n    cur = conn.cursor()\n"
        f"    cur.execute('SELECT id FROM shops WHERE code = ?' if flag else {other}, (code,))\n"
    )
    assert told(build, code) == {("shops", "select", ("code",))} | found


def test_a_choice_of_a_text_that_is_not_told_is_unknown(build: Build) -> None:
    code = (
        "from elsewhere import make\ndef find(cur, code, flag):\n"
        "    cur.execute('SELECT id FROM shops WHERE code = ?' if flag else make(code), (code,))\n"
    )
    assert told(build, code) == {("", "execute", ())}


def test_a_clause_that_is_put_in_behind_a_literal_leaves_the_rest_told(build: Build) -> None:
    code = (
        "from elsewhere import more\ndef find(cur):\n"
        "    cur.execute(f\"SELECT id FROM shops WHERE code = 'x' {more} ORDER BY id\")\n"
    )
    assert told(build, code) == {("shops", "select", ("code",))}


@pytest.mark.parametrize("other", ["'PRAGMA user_version'", "'BEGIN'"])
def test_a_choice_of_texts_that_search_nothing_asks_nothing(other: str, build: Build) -> None:
    code = f"def begin(cur, flag):\n    cur.execute('PRAGMA foreign_keys' if flag else {other})\n"
    assert told(build, code) == set()


def test_a_base_class_asks_the_tables_of_those_that_inherit_from_it(build: Build) -> None:
    code = (
        "class Base:\n    table = None\n    def one(self, cur, id):\n"
        "        cur.execute(f'SELECT * FROM {self.table} WHERE id = ?', (id,))\n"
        "    def named(self, cur, name):\n        cur.execute('SELECT * FROM {} WHERE name = ?'.format(self.table), (name,))\n"
        "class Users(Base):\n    table = 'users'\nclass Shops(Base):\n    table = 'shops'\n"
    )
    assert told(build, code) == {
        (table, "select", (column,)) for table in ("users", "shops") for column in ("id", "name")
    }


def test_a_table_is_named_by_what_the_object_is_made_with(build: Build) -> None:
    code = (
        "class Store:\n    def __init__(self, table):\n        self.table = table\n    def one(self, cur, id):\n"
        "        cur.execute('DELETE FROM ' + self.table + ' WHERE id = ?', (id,))\nusers = Store('users')\nshops = Store('shops')\n"
    )
    assert told(build, code) == {("users", "delete", ("id",)), ("shops", "delete", ("id",))}


@pytest.mark.parametrize(
    ("itself", "own"),
    [("self", True), ("self=self", True), ("other", False), ("self=other", False)],
)
def test_a_base_is_called_by_its_name_with_the_object(itself: str, own: bool, build: Build) -> None:
    code = (
        "class Base:\n    def __init__(self, table):\n        self.table = table\n"
        "    def by(self, cur, field, value):\n        cur.execute(f'SELECT * FROM {self.table} WHERE {field} = ?', (value,))\n"
        f"class Users(Base):\n    def __init__(self):\n        Base.__init__({itself.replace('other', 'self')}, table='users')\n"
        f"    def named(self, cur, other):\n        Base.by({itself}, cur=cur, field='name', value=1)\n"
        f"class Shops(Base):\n    def __init__(self):\n        Base.__init__({itself.replace('other', 'self')}, table='shops')\n"
        f"    def coded(self, cur, other):\n        Base.by({itself}, cur=cur, field='code', value=1)\n"
    )
    ours = {("users", "select", ("name",)), ("shops", "select", ("code",))}
    assert (told(build, code) == ours) is own


@pytest.mark.parametrize(
    "sql",
    [
        "sql = 'UPDATE shops SET '\n    sql += ', '.join(sets) + ' WHERE code = ?'",
        "sql = 'UPDATE shops SET '\n    sql = sql + ', '.join(sets) + ' WHERE code = ?'",
        "sql = 'UPDATE shops SET '\n    sql += sets_of(cur) + ' WHERE code = ?'",
        "sql = 'UPDATE shops SET ' + ', '.join(sets) + ' WHERE code = ?'",
    ],
)
def test_what_follows_a_joined_list_is_no_less_asked(sql: str, build: Build) -> None:
    code = (
        "def change(cur, name, owner, code):\n    sets = []\n    if name:\n        sets.append('name = ?')\n"
        "    if owner:\n        sets.append('owner_id = ?')\n    if not sets:\n        return\n"
        f"    {sql}\n    cur.execute(sql, (name, owner, code))\n"
    )
    assert ("shops", "update", ("code",)) in told(build, code)
    assert ("shops", "update", ()) not in told(build, code)


def test_what_is_begun_and_never_told_is_unknown(build: Build) -> None:
    code = "def find(cur, rest):\n    sql = 'SELECT id '\n    sql += rest()\n    cur.execute(sql)\n    cur.execute('SELECT 1')\n"
    app = build({"schema.sql": SCHEMA, "app.py": "import sqlite3\n" + code})
    (query,) = app.facts(Query)
    assert query.unresolved
    assert query.place.line == 5


def test_a_column_belongs_to_the_table_that_has_it(build: Build) -> None:
    code = "def find(cur, tag):\n    cur.execute('SELECT * FROM shops JOIN links ON links.shop_id = shops.id WHERE tag_id = ?', (tag,))\n"
    app = build({"schema.sql": SCHEMA, "app.py": "import sqlite3\n" + code})
    fits = {f.name: [m.fit.value for _, m in f.fits] for f in app.facts(CollectionFit)}
    assert fits["links"] == ["covered"]
    assert fits["shops"] == ["covered"]


def test_a_number_that_answers_yes_or_no_needs_no_index(build: Build) -> None:
    code = "def find(cur):\n    cur.execute('SELECT * FROM users WHERE is_active = 1')\n    cur.execute('SELECT * FROM users WHERE name = ?', ('a',))\n"
    app = build({"schema.sql": SCHEMA, "app.py": "import sqlite3\n" + code})
    (users,) = (f for f in app.facts(CollectionFit) if f.name == "users")
    assert [m.fit.value for _, m in users.fits] == ["covered", "missing"]


def test_a_dump_that_one_dialect_reads_is_read_in_that_one(build: Build) -> None:
    dump = "CREATE TABLE `users` (\n  `id` int(11) NOT NULL AUTO_INCREMENT,\n  `name` varchar(45) NOT NULL,\n  PRIMARY KEY (`id`),\n  KEY `by_name` (`name`)\n) ENGINE=InnoDB AUTO_INCREMENT=171 DEFAULT CHARSET=utf8;\n"
    code = "def find(cur):\n    cur.execute('SELECT * FROM users WHERE name = %s', ('a',))\n"
    app = build({"dump.sql": dump, "app.py": "import pymysql\n" + code})
    (users,) = (f for f in app.facts(CollectionFit) if f.name == "users")
    assert [m.fit.value for _, m in users.fits] == ["covered"]


def test_a_table_of_another_application_has_the_indexes_of_that_one(build: Build) -> None:
    flask = "from flask import Flask\napp = Flask(__name__)\n"
    asks = "def find(cur):\n    cur.execute('SELECT * FROM books WHERE isbn = ?', (1,))\n"
    makes = "def init(cur):\n    cur.execute('CREATE TABLE books (id INTEGER PRIMARY KEY, isbn TEXT UNIQUE)')\n"
    app = build({"one/app.py": flask + asks, "two/app.py": flask + makes + asks})
    found = [f for f in app.facts(CollectionFit) if f.name == "books"]
    assert {f.unit for f in found} == {"one", "two"}
    assert [m.fit.value for f in found for _, m in f.fits] == ["covered", "covered"]


def test_names_are_compared_without_case(build: Build) -> None:
    dump = "CREATE TABLE `Customer` (\n  `CustomerID` int NOT NULL,\n  `Name` varchar(9),\n  PRIMARY KEY (`CustomerID`)\n) ENGINE=InnoDB;\n"
    code = "def find(cur, x):\n    cur.execute('SELECT * FROM customer WHERE CustomerID = %s', (x,))\n    cur.execute('SELECT * FROM Customer WHERE name = %s', (x,))\n"
    app = build({"dump.sql": dump, "app.py": "import pymysql\n" + code})
    (found,) = app.facts(CollectionFit)
    assert [(m.fit.value, q.equality) for q, m in found.fits] == [
        ("covered", ("CustomerID",)),
        ("missing", ("Name",)),
    ]


def test_a_parameter_that_is_cast_is_read(build: Build) -> None:
    code = "def find(cur, x):\n    cur.execute('SELECT code FROM shops WHERE id = %s::uuid AND owner_id = %s', (x, x))\n"
    assert told(build, code) == {("shops", "select", ("id", "owner_id"))}


def test_a_store_without_such_indexes_is_left_alone(build: Build) -> None:
    code = "import clickhouse_connect\nclient = clickhouse_connect.get_client()\ndef find():\n    client.query('SELECT * FROM shops WHERE code = 1')\n"
    assert told(build, code) == set()


@pytest.mark.parametrize(
    "base",
    [
        "f'FROM shops {where}'",
        "'FROM shops {where}'.format(where=where)",
        "'FROM shops {}'.format(where)",
        "'FROM shops %s' % where",
        "'FROM shops %(where)s' % {'where': where}",
    ],
)
def test_conditions_that_are_put_into_a_text_that_is_put_into_another(
    base: str, build: Build
) -> None:
    code = (
        "def find(cur, name, owner):\n    given = []\n"
        "    if name:\n        given.append('name = ?')\n    if owner:\n        given.append('owner_id = ?')\n"
        "    where = ('WHERE ' + ' AND '.join(given)) if given else ''\n"
        f"    base = {base}\n    cur.execute(f'SELECT id {{base}} ORDER BY id', (name, owner))\n"
    )
    ways = {(), ("name",), ("owner_id",), ("name", "owner_id")}
    assert told(build, code) == {("shops", "select", way) for way in ways}


def test_conditions_of_a_text_within_another_that_are_not_told(build: Build) -> None:
    code = (
        "def find(cur, where):\n    base = 'FROM shops {where}'.format(where=where)\n"
        "    cur.execute(f'SELECT id {base}')\n"
    )
    app = build({"schema.sql": SCHEMA, "app.py": "import sqlite3\n" + code})
    assert [bool(q.unresolved) for q in app.facts(Query)] == [True]


@pytest.mark.parametrize("sent", ["sql", "f'SELECT * FROM ({sql}) ORDER BY id'"])
@pytest.mark.parametrize(
    ("way", "asks"),
    [("' UNION ALL '.join(parts)", {""}), ("'SELECT id FROM shops WHERE code = ?'", {"shops"}), ("'SELECT 1'", set())],
)  # fmt: skip
def test_a_way_that_is_not_told_is_unknown_beside_one_that_searches_nothing(
    way: str, asks: set[str], sent: str, build: Build
) -> None:
    code = (
        "def make(parts):\n    if not parts:\n        return 'SELECT NULL WHERE 0', []\n"
        f"    return {way}, parts\n\n\ndef page(cur, kinds):\n"
        "    sql, given = make([k() for k in kinds])\n"
        f"    cur.execute({sent}, given)\n"
    )
    app = build({"schema.sql": SCHEMA, "app.py": "import sqlite3\n" + code})
    assert {"" if q.unresolved else q.collection for q in app.facts(Query)} == asks


@pytest.mark.parametrize(
    "before",
    [
        "SET TIME ZONE UTC; ",
        '\\n  SET lc_monetary TO "ru_RU.UTF-8";\\n  ',
        "BEGIN; ",
        "BEGIN TRANSACTION\\n",
        "START TRANSACTION; SET LOCAL statement_timeout = 5; -- soon\\n",
        "-- whose\\nPRAGMA foreign_keys = ON; ",
        "USE shop; ",
        "\\n  TRUNCATE TABLE totals;\\n\\n  ",
        "DROP TABLE IF EXISTS totals; -- anew\\nANALYZE shops; ",
    ],
)
@pytest.mark.parametrize(
    "query",
    ["SELECT id FROM shops WHERE owner_id = %s", "UPDATE shops SET name = '' WHERE owner_id = %s"],
)
def test_what_sets_up_the_session_stands_before_a_query(
    before: str, query: str, build: Build
) -> None:
    whole = f"def find(cur, owner):\n    cur.execute('''{before}{query}''', (owner,))\n"
    grown = f"def find(cur, owner):\n    sql = '''{before}{query}'''.replace('%s', '?')\n    sql += ' AND id > 7'\n    cur.execute(sql, (owner,))\n"
    for code in (whole, grown):
        assert {columns for _, _, columns in told(build, code)} == {("owner_id",)}


@pytest.mark.parametrize("after", ["", " SELECT 1", " COMMIT;"])
def test_what_only_sets_up_the_session_searches_nothing(after: str, build: Build) -> None:
    code = f'def begin(cur):\n    cur.execute("SET TIME ZONE 0;{after}")\n    sql = "BEGIN;{after}"\n    cur.execute(sql)\n'
    assert told(build, code) == set()


_FORMS = "def find(cur, form):\n    {}\n    {}\n    cur.execute(sql, values)\n"


@pytest.mark.parametrize(
    ("made", "sql"),
    [
        ("where, values = narrowed(form, 's')", "sql = 'SELECT name FROM shops s {}'.format(('WHERE ' + where) if where else '')"),
        ("where, values = narrowed(form, alias='s')", "sql = f'SELECT name FROM shops s WHERE 1 = 1 AND {where}'"),
        ("where = alone(form)", "sql = f'SELECT name FROM shops s {where}'; values = []"),
    ],
)  # fmt: skip
def test_conditions_that_a_function_gives_back_are_read(made: str, sql: str, build: Build) -> None:
    code = (
        "def narrowed(form, alias):\n    where, values = [], []\n    if form.get('owner'):\n        where.append(f'{alias}.owner_id = ?')\n"
        "    if form.get('code'):\n        where.append(f'{alias}.code = ?')\n    return ' AND '.join(where), values\n\n"
        "def alone(form):\n    if not form:\n        return ''\n    if form.get('code'):\n        return 'WHERE s.code = ?'\n    return 'WHERE s.owner_id = ?'\n\n"
    )
    found = {columns for _, _, columns in told(build, code + _FORMS.format(made, sql))}
    assert found >= {("owner_id",), ("code",)}
    assert ("owner_id", "code") in found or "alone" in made


def test_a_condition_that_a_function_gives_back_and_nothing_tells_is_unknown(build: Build) -> None:
    code = (
        "def narrowed(form):\n    if form.get('rest'):\n        return form['rest'], []\n    return 's.code = ?', []\n\n"
        + _FORMS.format(
            "where, values = narrowed(form)", "sql = f'SELECT name FROM shops s WHERE {where}'"
        )
    )
    app = build({"schema.sql": SCHEMA, "app.py": "import sqlite3\n" + code})
    assert {q.equality: bool(q.unresolved) for q in app.facts(Query)} == {("code",): False, (): True}  # fmt: skip


@pytest.mark.parametrize("sql", ["sql = built('shops', 'code')", "sql, _ = pair('shops', 'code')"])
def test_a_statement_that_a_function_builds_names_what_it_is_handed(sql: str, build: Build) -> None:
    code = (
        "def built(table, key):\n    return f'SELECT id FROM {table} WHERE {key} = ?'\n\n"
        "def pair(table, key):\n    sets = ['name = ?']\n    return f\"UPDATE {table} SET {', '.join(sets)} WHERE {key} = ?\", sets\n\n"
        f"def find(cur, code):\n    {sql}\n    cur.execute(sql + ' AND id > 0', (code,))\n"
    )
    assert {(table, columns) for table, _, columns in told(build, code)} == {("shops", ("code",))}


@pytest.mark.parametrize(
    ("test", "told_"),
    [
        ("if key in ('code', 'name'):", {("code",), ("name",)}),
        ("if key in NAMES:", {("code",), ("name",)}),
        ("if key in given:", set()),
    ],
)
def test_a_column_is_one_of_those_that_are_let_through(
    test: str, told_: set[tuple[str, ...]], build: Build
) -> None:
    code = (
        f"NAMES = ['code', 'name']\n\ndef find(cur, form, given):\n    where = []\n    for key in form:\n        {test}\n            where.append(f'{{key}} = ?')\n"
        "    sql = 'SELECT id FROM shops'\n    if where:\n        sql += ' WHERE ' + ' AND '.join(where)\n    cur.execute(sql, form)\n"
    )
    assert {columns for _, _, columns in told(build, code) if columns} == told_
