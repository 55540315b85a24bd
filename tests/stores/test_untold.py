"""What the code does not tell of a query is listed; what a name alone tells is told."""

from __future__ import annotations

import pytest

from auditor.model.data import Query
from tests.conftest import Build
from tests.stores.test_sql_shapes import DJANGO, SQLALCHEMY

UNKNOWN = {
    "a text that a function is handed": "import sqlite3\ndef run(cursor, text):\n    cursor.execute(text)\n",
    "texts in a list": "import sqlite3\ndef run(cursor, made):\n    for text, given in made:\n        cursor.execute(text, given)\n",
    "a wrapper's text": (
        "import asyncpg\nclass Store:\n    async def fetch(self, text):\n        return await self.conn.fetch(text)\n"
        "    async def one(self):\n        return await self.fetch('SELECT a FROM t WHERE b = $1')\n"
        "    async def other(self, made):\n        return await self.fetch(made)\n"
    ),
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
    (query,) = build({"models.py": SQLALCHEMY, "app.py": code}).facts(Query)
    assert (query.collection, query.bound.value) == ("posts", "limited")
