"""What the code does not tell of a query is listed; what a name alone tells is told."""

from __future__ import annotations

import pytest

from auditor.model.data import Bound, CollectionFit, Fit, Index, Query
from tests.conftest import Build
from tests.stores.test_sql_shapes import DJANGO, SQLALCHEMY, TORTOISE

UNKNOWN = {
    "a text that a function is handed": "import sqlite3\ndef run(cursor, text):\n    cursor.execute(text)\n",
    "a connection of a pool that another function makes": (
        "import asyncpg\nasync def setup(app):\n    global _pool\n    _pool = await asyncpg.create_pool()\n"
        "async def run(text):\n    async with _pool.acquire() as con:\n        await con.fetch(text)\n"
    ),
    "texts in a list": "import sqlite3\ndef run(cursor, made):\n    for text, given in made:\n        cursor.execute(text, given)\n",
    "a wrapper's text": (
        "import asyncpg\nclass Store:\n    async def fetch(self, text):\n        return await self.conn.fetch(text)\n"
        "    async def one(self):\n        return await self.fetch('SELECT a FROM t WHERE b = $1')\n"
        "    async def other(self, made):\n        return await self.fetch(made)\n"
    ),
    "a text that begins with a call": "import sqlite3\ndef run(cursor, made):\n    cursor.execute(f' {made()} WHERE a = 1')\n",
    "a statement that is handed": "from sqlalchemy import select\ndef run(session, made):\n    return session.scalars(made).all()\n",
}


@pytest.mark.parametrize("code", UNKNOWN.values(), ids=list(UNKNOWN))
def test_a_statement_that_is_not_told_is_listed(build: Build, code: str) -> None:
    found = build({"app.py": code}).facts(Query)
    last = len(code.splitlines())
    assert [(q.collection, q.place.line) for q in found if q.unresolved and not q.collection] == [
        ("", last)
    ]


@pytest.mark.parametrize("text", ["PRAGMA foreign_keys = ON", "CREATE TABLE t (a int)", "SELECT 1"])
def test_what_searches_no_table_is_not(build: Build, text: str) -> None:
    code = f"import sqlite3\nTEXT = {text!r}\ndef run(cursor):\n    cursor.execute(TEXT)\n"
    assert not build({"app.py": code}).facts(Query)


def test_text_that_grows_keeps_its_conditions(build: Build) -> None:
    code = "def run(cursor, a):\n    sql = 'SELECT a FROM t'\n    sql += ' WHERE b = ?'\n    cursor.execute(sql, (a,))\n"
    assert [q.equality for q in build({"app.py": code}).facts(Query)] == [("b",)]


def test_a_relation_is_told_by_its_name(build: Build) -> None:
    code = "def count(user):\n    return user.post_set.filter(views=3).count()\n"
    (query,) = build({"blog/models.py": DJANGO, "blog/views.py": code}).facts(Query)
    assert (query.collection, sorted(query.equality)) == ("blog_post", ["author_id", "views"])


def test_a_query_that_a_function_begins_is_asked_where_that_is_called(build: Build) -> None:
    code = (
        "from models import User\ndef query(session, model):\n    return session.query(model)\n"
        "def one(session):\n    return query(session, User).filter(User.name == 'x').first()\n"
    )
    told = [
        q for q in build({"models.py": SQLALCHEMY, "app.py": code}).facts(Query) if q.collection
    ]
    assert [(q.place.line, q.equality) for q in told][-1:] == [(5, ("name",))]


def test_a_class_by_another_name_is_read(build: Build) -> None:
    code = "from models import User as Person\nasync def one(session, key):\n    return await session.get(Person, key)\n"
    (query,) = build({"models.py": SQLALCHEMY, "app.py": code}).facts(Query)
    assert (query.collection, query.equality) == ("users", ("id",))


def test_fastcrud(build: Build) -> None:
    code = (
        "from fastcrud import FastCRUD\nfrom models import Post\ncrud_posts = FastCRUD(Post)\n"
        "async def some(db, user):\n    return await crud_posts.get_multi(db, author_id=user, views__gt=3)\n"
    )
    (query,) = build({"models.py": SQLALCHEMY, "app.py": code}).facts(Query)
    assert (query.collection, query.equality, query.range) == ("posts", ("author_id",), ("views",))


def test_advanced_alchemy(build: Build) -> None:
    code = (
        "from advanced_alchemy.repository import SQLAlchemyAsyncRepository\nfrom advanced_alchemy.filters import LimitOffset\n"
        "from models import Post\nclass Posts(SQLAlchemyAsyncRepository[Post]):\n    model_type = Post\n"
        "async def some(posts: Posts, user, key):\n"
        "    await posts.get(key)\n    await posts.get_one_or_none(author_id=user)\n"
        "    await posts.list(LimitOffset(10, 0), Post.views > 3)\n    await posts.list()\n"
    )
    found = build({"models.py": SQLALCHEMY, "app.py": code}).facts(Query)
    assert [(q.operation, q.equality, q.range, q.bound.value) for q in found] == [
        ("get", ("id",), (), "one"),
        ("select", ("author_id",), (), "one"),
        ("select", (), ("views",), "limited"),
        ("select", (), (), "none"),
    ]


def test_a_page_of_fastapi_pagination_has_a_maximum(build: Build) -> None:
    code = (
        "from fastapi_pagination.ext.sqlalchemy import paginate\nfrom sqlalchemy import select\nfrom models import Post\n"
        "def some(db):\n    return paginate(db, select(Post))\n"
    )
    found = build({"models.py": SQLALCHEMY, "app.py": code}).facts(Query)
    told = {(q.collection, q.operation, q.bound.value) for q in found}
    assert told == {("posts", "select", "limited"), ("posts", "count", "one")}


@pytest.mark.parametrize(
    ("asked", "fields"), [("Post", ()), ("Post.all()", ()), ("Post.filter(views=1)", ("views",))]
)
def test_a_page_of_a_model_of_tortoise(asked: str, fields: tuple[str, ...], build: Build) -> None:
    code = (
        "from fastapi_pagination.ext.tortoise import paginate\nfrom models import Post\n"
        f"async def some():\n    return await paginate({asked})\n"
    )
    (query,) = build({"models.py": TORTOISE, "app.py": code}).facts(Query)
    told = (query.collection, query.equality, query.bound.value)
    assert told == ("posts", fields, "limited")


_MODELS = (
    "from django.db import models\n\nclass Item(models.Model):\n    name = models.TextField()\n"
)


@pytest.mark.parametrize(
    ("code", "operation"),
    [
        ("def f(tenant):\n    return tenant.property_set.filter(active=True).count()\n", "filter"),
        ("def f(operations):\n    return operations.aggregate(total=Count('id'))\n", "aggregate"),
        (
            "from billing.models import Plan\n\ndef f():\n    return Plan.objects.get(pk=1)\n",
            "get",
        ),
    ],
)
def test_what_is_spelt_as_a_query_is_never_left_out(
    build: Build, code: str, operation: str
) -> None:
    found = build({"app/models.py": _MODELS, "app/views.py": code}).facts(Query)
    (query,) = found
    assert (query.place.line, query.operation) == (len(code.splitlines()), operation)
    assert query.unresolved


def test_a_flask_query_of_an_unknown_model_is_listed(build: Build) -> None:
    code = (
        "from flask_sqlalchemy import SQLAlchemy\nfrom .gone import Video\n\n"
        "def f(key):\n    return Video.query.filter_by(key=key).first()\n"
    )
    (found,) = build({"app/views.py": code}).facts(Query)
    assert found.place.line == 5
    assert found.unresolved


@pytest.mark.parametrize(
    "code",
    [
        "from django import template\n\nregister = template.Library()\n\n@register.filter(name='x')\ndef x(v):\n    return v\n",
        "from pathlib import Path\n\ndef f(path):\n    return Path(path).exists()\n",
        "from PIL import ImageFilter\n\ndef f(layer):\n    return layer.filter(ImageFilter.BLUR)\n",
        "def f(self, cache):\n    return cache.get('x', 1)\n",
    ],
)
def test_other_methods_of_these_names_are_no_queries(build: Build, code: str) -> None:
    assert not build({"app/models.py": _MODELS, "app/views.py": code}).facts(Query)


@pytest.mark.parametrize(
    ("line", "operation", "equality"),
    [
        ("sync_to_async(Item.objects.get)(name=name)", "get", ("name",)),
        ("sync_to_async(Item.objects.filter(name=name).delete)()", "delete", ("name",)),
        ("asyncio.to_thread(Item.objects.filter(name=name).count)", "count", ("name",)),
        ("loop.run_in_executor(None, Item.objects.filter(name=name).first)", "select", ("name",)),
    ],
)
def test_what_a_thread_asks_is_read(
    build: Build, line: str, operation: str, equality: tuple[str, ...]
) -> None:
    code = f"from .models import Item\n\nasync def f(name, loop):\n    return await {line}\n"
    found = build({"app/models.py": _MODELS, "app/views.py": code}).facts(Query)
    assert (operation, equality) in [(q.operation, q.equality) for q in found]
    assert not any(q.unresolved for q in found)


def test_a_method_that_is_handed_on_is_listed(build: Build) -> None:
    code = "from .models import Item\n\ndef f(cache):\n    return cache.get_or_set('n', Item.objects.count)\n"
    (found,) = build({"app/models.py": _MODELS, "app/views.py": code}).facts(Query)
    assert found.place.line == 4
    assert found.unresolved


def test_the_objects_of_a_raw_statement(build: Build) -> None:
    code = (
        "from .models import Item\n\ndef f(name):\n"
        '    sql = "select * from app_item where name = \'" + name + "\'"\n'
        "    return Item.objects.raw(sql)\n"
    )
    found = build({"app/models.py": _MODELS, "app/views.py": code}).facts(Query)
    assert [(q.collection, q.equality, q.place.line) for q in found] == [("app_item", ("name",), 5)]


def test_a_statement_that_is_named(build: Build) -> None:
    code = (
        "from sqlalchemy import select\nfrom sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column\n\n"
        "class Base(DeclarativeBase):\n    pass\n\nclass Key(Base):\n    __tablename__ = 'keys'\n"
        "    id: Mapped[int] = mapped_column(primary_key=True)\n    prefix: Mapped[str]\n\n"
        "async def f(session, prefix):\n    stmt = select(Key).where(Key.prefix == prefix)\n"
        "    found = await session.execute(statement=stmt)\n    return found.scalars().first()\n"
    )
    (found,) = build({"app.py": code}).facts(Query)
    assert (found.equality, found.bound) == (("prefix",), Bound.ONE)


@pytest.mark.parametrize(
    "call", ["kind.query.filter(kind.id == key).first()", "db.session.get(Company, key)"]
)
def test_what_a_class_from_elsewhere_is_asked_is_listed(build: Build, call: str) -> None:
    code = f"from flask_sqlalchemy import SQLAlchemy\nfrom elsewhere import Company\ndb = SQLAlchemy()\ndef one(kind, key):\n    return {call}\n"
    (query,) = build({"app.py": code}).facts(Query)
    assert query.unresolved
    assert query.place.line == 5


@pytest.mark.parametrize("call", ["request.query.get('page')", "session.get('user', None)"])
def test_what_a_dict_is_asked_is_not(build: Build, call: str) -> None:
    code = f"from flask_sqlalchemy import SQLAlchemy\nfrom flask import session\ndef one(request):\n    return {call}\n"
    assert not build({"app.py": code}).facts(Query)


def test_the_database_s_own_tables_are_nobody_s(build: Build) -> None:
    models = (
        "from sqlalchemy import Column, String\nfrom sqlalchemy.orm import declarative_base\nBase = declarative_base()\n"
        "class Columns(Base):\n    __tablename__ = 'columns'\n    __table_args__ = {'schema': 'information_schema'}\n"
        "    name = Column(String, primary_key=True)\n    owner = Column(String)\n"
    )
    code = "from models import Columns\ndef one(session, key):\n    return session.query(Columns).filter(Columns.owner == key).all()\n"
    (query,) = build({"models.py": models, "app.py": code}).facts(Query)
    assert query.unresolved


def test_a_class_that_is_handed_a_statement_is_no_function(build: Build) -> None:
    code = (
        "class Select:\n    def __init__(self, text):\n        self.text = text\n\n"
        "def f(run):\n    return run(Select('SELECT a FROM t WHERE b = 1'))\n"
    )
    assert build({"app.py": code}).facts(Query) is not None


@pytest.mark.parametrize(
    ("text", "listed"),
    [
        ("CREATE INDEX {name} ON t (a)", False),
        ("ALTER TABLE {name} ADD a int", False),
        ("{name} FROM t WHERE a = 1", True),
    ],
)
def test_an_f_string_that_defines_something_searches_nothing(
    build: Build, text: str, listed: bool
) -> None:
    code = f"import sqlite3\ndef run(cursor, name):\n    sql = f'{text}'\n    cursor.execute(sql)\n"
    assert bool(build({"app.py": code}).facts(Query)) is listed


MADE = """
import psycopg2
conn = psycopg2.connect("x")
cur = conn.cursor()
cur.execute("CREATE TABLE {first} (id int primary key, a text, b text, c text, d text){engine}")
def unique(table, columns):
    cur.execute(f"ALTER TABLE {{table}} ADD CONSTRAINT u UNIQUE ({{columns}})")
unique("things", "a")
for name, table, column in [("i1", "things", "b"), ("i2", "others", "c")]:
    sql = f"CREATE INDEX IF NOT EXISTS {{name}} ON {{table}} ({{column}})"
    cur.execute(sql)
def ask(x):
    cur.execute("SELECT * FROM things WHERE {field} = %s", (x,))
    return cur.fetchall()
ask(input())
"""


@pytest.mark.parametrize(
    ("field", "fit"), [("a", Fit.COVERED), ("b", Fit.COVERED), ("c", Fit.MISSING)]
)
def test_statements_that_a_helper_or_a_loop_puts_together(
    build: Build, field: str, fit: Fit
) -> None:
    code = MADE.format(first="things", engine="", field=field)
    code += (
        "def add(x):\n    cur.execute('INSERT INTO things (a) VALUES (%s)', (x,))\nadd(input())\n"
    )
    told = [
        match.fit
        for found in build({"app.py": code}).facts(CollectionFit)
        for query, match in found.fits
        if query.equality == (field,)
    ]
    assert told == [fit]


def test_an_index_on_what_only_a_caller_elsewhere_names_makes_no_table(build: Build) -> None:
    code = MADE.format(first="things", engine="", field="c").replace('unique("things", "a")', "")
    application = build({"app.py": code})
    assert "untold__" not in {index.collection for index in application.facts(Index)}


def test_a_table_of_clickhouse_has_no_indexes_of_this_kind(build: Build) -> None:
    code = MADE.format(first="visits", engine=" ENGINE = MergeTree() ORDER BY (a, b)", field="a")
    application = build({"app.py": code.replace("FROM things", "FROM visits")})
    told = [
        match.fit
        for found in application.facts(CollectionFit)
        for query, match in found.fits
        if query.collection == "visits"
    ]
    assert told == [Fit.UNKNOWN]


@pytest.mark.parametrize(
    ("made", "fit"),
    [("", Fit.UNKNOWN), ("CREATE TABLE t (id int primary key, a int, b int);", Fit.MISSING)],
)
def test_a_table_that_the_tree_only_alters_may_have_other_indexes(
    build: Build, made: str, fit: Fit
) -> None:
    code = "import psycopg2\ncur = psycopg2.connect('x').cursor()\ndef ask(x):\n    cur.execute('SELECT * FROM t WHERE a = %s', (x,))\n    cur.execute('INSERT INTO t (a) VALUES (%s)', (x,))\nask(input())\n"
    changed = f"{made}\nALTER TABLE t ADD COLUMN c int;\nCREATE INDEX t_b ON t (b);\n"
    application = build({"app.py": code, "migrations/001.sql": changed})
    (told,) = (
        match.fit
        for found in application.facts(CollectionFit)
        for query, match in found.fits
        if query.equality
    )
    assert told is fit


def test_a_column_that_no_statement_declares_is_another_program_s(build: Build) -> None:
    schema = "CREATE TABLE t (id int primary key, a int);\nINSERT INTO t (a) VALUES (1);"
    code = "import psycopg2\ncur = psycopg2.connect('x').cursor()\ndef ask(x):\n    cur.execute('SELECT * FROM t WHERE {} = %s', (x,))\nask(input())\n"

    def reason(column: str) -> str:
        files = {"app.py": code.replace("{}", column), "migrations/1.sql": schema}
        (query,) = build(files).facts(Query)
        return query.unresolved

    assert reason("b") == "b is no column that the code declares"
    assert reason("a") == reason("A") == ""


@pytest.mark.parametrize(
    "text", ["EXECUTE get_rows (%s)", "CALL archive(%s)", "EXEC dbo.GetRows @a = 1"]
)
def test_what_the_database_keeps_asks_something_that_is_not_told(build: Build, text: str) -> None:
    code = f"import psycopg2\ncur = psycopg2.connect('x').cursor()\ndef ask(x):\n    cur.execute({text!r}, (x,))\nask(1)\n"
    (found,) = build({"app.py": code}).facts(Query)
    assert found.unresolved.endswith("which the database keeps, asks it")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("  the first request\n", "its text does not begin as a query does"),
        ("UPDATE  SET a = %s WHERE id = %s", "the statement names no table"),
        ("UPDATE t SETT a = 1", "the SQL text could not be parsed"),
        ("SELECT LAST_INSERT_ID()", None),
        ("SELECT COUNT(*) FROM information_schema.tables WHERE table_name = %s", None),
        ("MATCH (n:Person) WHERE n.name = $x RETURN n", None),
        ("MERGE (n:Person {name: $x})", None),
        ("CALL dbms.components()", None),
    ],
)
def test_a_text_that_the_code_spells_is_not_put_together(
    text: str, why: str | None, build: Build
) -> None:
    code = f"""
import pymysql
def run(query, given):
    cursor = pymysql.connect(host="x").cursor()
    cursor.execute(query, given)
def keep(cursor, given):
    sql = "INSERT INTO t (a) VALUES (%s)"
    cursor.execute(sql, given)
    sql = \"\"\"{text}\"\"\"
    cursor.execute(sql, given)
def other(given):
    asked = \"\"\"{text}\"\"\"
    run(asked, given)
def one():
    return run("SELECT a FROM t WHERE b = 1", ())
"""
    found = [q for q in build({"app.py": code}).facts(Query) if not q.collection]
    assert all(why and why in q.unresolved for q in found), found
    assert bool(found) == (why is not None)


_WORDS = """
from flask import Flask, request
from flask_login import current_user
from pymongo import MongoClient
app = Flask(__name__)
db = MongoClient()["shop"]
%s
@app.get("/s")
def search():
    return str(list(%s.find({"$text": {"$search": request.args["q"]}})))
@app.post("/a")
def add():
    db.note.insert_one(dict(request.form))
    %s
"""
_CREATED = 'db.note.create_index([("$**", "text")])'


@pytest.mark.parametrize(
    ("made", "asked", "added", "fit"),
    [
        (_CREATED, "current_user.notes", "", Fit.UNKNOWN),
        ("", "current_user.notes", "", None),
        ('db.note.create_index("owner")', "current_user.notes", "", None),
        (_CREATED, "db.notes", "", None),
        (_CREATED, "current_user.notes", "db.notes.insert_one({'a': 1})", Fit.MISSING),
        (_CREATED, "db.note", "", Fit.COVERED),
    ],
)
def test_a_search_of_words_by_an_attribute(
    made: str, asked: str, added: str, fit: Fit | None, build: Build
) -> None:
    """None: nothing fills what is asked, whatever it is called."""
    found = build({"app.py": _WORDS % (made, asked, added)}).facts(CollectionFit)
    (told,) = [m for f in found for q, m in f.fits if q.special == "text"]
    assert told.fit is (fit or Fit.UNKNOWN)
    assert ("creates a text index on note" in told.why) == (fit is Fit.UNKNOWN)
    assert ("nothing here fills it" in told.why) == (fit is None)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        ("cursor.callproc('free_seats', (given,))", "free_seats"),
        ("cursor.callproc(procname='free_seats', args=[given])", "free_seats"),
        ("cursor.callproc(given)", "a procedure"),
        ("run('SELECT free_seats (%s)', (given,))", "free_seats"),
        ("run('SELECT count_seats(%s, 3) AS n;', (given,))", "count_seats"),
        ("cursor.execute(f\"SELECT free_seats('{given}')\")", "free_seats"),
        ("cursor.execute('SELECT free_seats(%s' + ')', (given,))", "free_seats"),
        ("cursor.execute('SELECT GET_LOCK(%s, 3)', (given,))", None),
        ("cursor.execute('SELECT pg_advisory_lock(%s)', (given,))", None),
        ("cursor.execute('SELECT COUNT(*)')", None),
        ("run('SELECT ' + '1  ' * 3)", None),
        ("show('Select size (required)')", None),
    ],
)
def test_a_routine_of_the_database_is_listed(call: str, name: str | None, build: Build) -> None:
    code = f"""
import pymysql
cursor = pymysql.connect(host="x").cursor()
def run(query, given=()):
    cursor.execute(query, given)
def one():
    return run("SELECT a FROM t WHERE b = 1")
def ask(given, show):
    {call}
"""
    found = [q for q in build({"app.py": code}).facts(Query) if q.place.line == 9]
    why = f"{name}, which the database keeps, asks it"
    assert [q.unresolved for q in found] == ([why] if name else [])


def test_a_document_of_mongoengine_under_another_name_is_no_model(build: Build) -> None:
    """Beside Django, what its `objects` are asked is told of the collection, and not once more of a table."""
    files = {
        "documents.py": "from mongoengine import Document, fields\nclass User(Document):\n    made = fields.DateTimeField()\n    meta = {'collection': 'users'}\n",
        "views.py": "from django.http import JsonResponse\nfrom documents import User as Member\ndef page(request):\n    newest = Member.objects.order_by('-made')[:3]\n    return JsonResponse({'n': Member.objects.count(), 'm': [str(m) for m in newest]})\n",
    }
    found = build(files).facts(Query)
    assert {(q.store, q.collection) for q in found} == {("mongodb", "users")}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("'WITH r AS (' + piece(1) + ') SELECT a FROM r'", ""),
        ("'WITH r AS (' + piece(1) + ') SELECT t.a FROM t JOIN r ON r.a = t.a'", "t"),
        ("'WITH r AS (' + PIECE + ') SELECT a FROM r'", "t"),
    ],
)
def test_a_part_of_a_statement_that_is_put_in(text: str, told: str, build: Build) -> None:
    code = f"PIECE = 'SELECT a FROM t WHERE b = 3'\ndef ask(cursor):\n    cursor.execute({text})\n"
    found = build({"app.py": code}).facts(Query)
    assert [q.collection for q in found] == [told]


def test_texts_of_a_module_are_known_to_whoever_calls_it(build: Build) -> None:
    """Whichever module is read first."""
    pieces = ", ".join(f"a AS a{n}" for n in range(80))
    parts = (
        f"piece = 'SELECT {pieces} FROM t WHERE b = 3'\ntotals = 'SELECT sum(a) FROM t {{more}} GROUP BY a'\n"
        "def whole(cursor):\n    return cursor.execute(piece)\n"
        "def part(cursor):\n    return cursor.execute('WITH r AS (' + piece + ') SELECT * FROM r')\n"
        "def total(cursor):\n    return cursor.execute(totals.format(more='WHERE c = 1'))\n"
    )
    page = "import parts\ndef page(cursor):\n    cursor.execute('SELECT a FROM u WHERE d = 1')\n    return [parts.whole(cursor), parts.part(cursor), parts.total(cursor)]\n"
    found = build({"a.py": page, "parts.py": parts}).facts(Query)
    assert sorted((q.collection, q.equality) for q in found) == [
        ("t", ("b",)),
        ("t", ("b",)),
        ("t", ("c",)),
        ("u", ("d",)),
    ]


_SCHEMA = "-- the tables\nCREATE TABLE t (a INT, b INT);\nUPDATE t SET b = 0 WHERE b IS NULL;\nINSERT INTO t VALUES (1, 2);\nCREATE FUNCTION f() RETURNS INT AS $$\nSELECT 1 FROM t\n$$ LANGUAGE sql;\n"


@pytest.mark.parametrize(
    ("lines", "schema", "told"),
    [
        ("sql = Path(__file__).with_name('schema.sql').read_text(encoding='utf-8')", _SCHEMA, True),
        ("path = Path('db') / 'schema.sql'\n    sql = path.read_text()", _SCHEMA, True),
        ("sql = open('schema.sql').read()", _SCHEMA, True),
        ("with open('schema.sql') as file:\n        sql = file.read()", _SCHEMA, True),
        ("sql = open('schema.sql').read()", _SCHEMA + "SELECT a FROM t WHERE b = 1;\n", False),
        ("sql = open('schema.sql').read()", "DELETE FROM t WHERE b = 1;\n", False),
        ("sql = open('other.sql').read()", _SCHEMA, False),
        ("sql = open(made).read()", _SCHEMA, False),
        ("sql = open('schema.sql').read() if made else made", _SCHEMA, False),
    ],
)  # fmt: skip
def test_a_schema_that_a_file_holds_asks_nothing(
    lines: str, schema: str, told: bool, build: Build
) -> None:
    code = f"import sqlite3\nfrom pathlib import Path\ndef make(cursor, made):\n    {lines}\n    cursor.executescript(sql)\n"
    found = build({"app.py": code, "schema.sql": schema}).facts(Query)
    assert (not found) is told


@pytest.mark.parametrize(
    ("made", "why"),
    [
        ("sql, values = narrowed(sql, given)", "the statement is put together at run time"),
        ("values = tuple(given)", "the SQL text could not be parsed"),
    ],
)
def test_a_text_that_is_made_anew_beside_its_values_is_put_together(
    made: str, why: str, build: Build
) -> None:
    code = f"""
import psycopg2
def ask(given):
    cursor = psycopg2.connect("x").cursor()
    sql = "SELECT * FROM people WHERE "
    {made}
    cursor.execute(sql, values)
"""
    (found,) = build({"app.py": code}).facts(Query)
    assert found.unresolved == why


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("made('users')", True),
        ("lib.made('users', 1)", True),
        ("text('VACUUM')", False),
        ("ddl('CREATE TABLE x (id INT)')", False),
        ("of_tables('x')", False),
        ("func.nextval('seq')", False),
    ],
)
def test_a_statement_that_a_function_makes_of_a_name(
    statement: str, told: bool, build: Build
) -> None:
    code = (
        "import lib\nimport psycopg2\nfrom lib import made, ddl\nfrom sqlalchemy import func, text\ncur = psycopg2.connect('x').cursor()\n"
        f"def of_tables(name):\n    return f'CREATE TABLE {{name}} (id INT)'\ndef ask():\n    cur.execute({statement})\nask()\n"
    )
    assert bool(list(build({"app.py": code}).facts(Query))) is told


_RUNS = """
import psycopg2
from flask import request
conn = psycopg2.connect("x")
conn.cursor().execute("CREATE TABLE pools (id INTEGER PRIMARY KEY, zone TEXT, kind TEXT)")
def run(sql):
    with conn.cursor() as cur:
        cur.execute(sql)
def run_all(steps):
    with conn.cursor() as cur:
        for sql, given in steps:
            cur.execute(sql, given)
def ask(made):
    run("SELECT * FROM pools WHERE zone = 1")
    run_all([("DELETE FROM pools WHERE id = 1", ())])
    {}
"""


@pytest.mark.parametrize(
    ("call", "told"),
    [
        ("run(sql=request.json['sql'])", {("", ())}),
        ("run(request.json['sql'])", {("", ())}),
        ("run(sql='CREATE INDEX x ON pools (kind)')", set()),
        ("run_all([('UPDATE pools SET id = %s WHERE kind = %s', (1, 2)), (made, ())])",
         {("", ()), ("pools", ("kind",))}),
        ("run_all([('UPDATE pools SET id = %s WHERE kind = %s', (1, 2)), ('DROP TABLE x', ())])",
         {("pools", ("kind",))}),
    ],
)  # fmt: skip
def test_a_text_that_is_told_nowhere_beside_others_that_are(
    call: str, told: set[tuple[str, tuple[str, ...]]], build: Build
) -> None:
    found = build({"app.py": _RUNS.format(call)}).facts(Query)
    assert {(q.collection, q.equality) for q in found} == told | {
        ("pools", ("zone",)),
        ("pools", ("id",)),
    }
