"""What a text begins with: which index of PostgreSQL finds it, whatever the collation.

Source: https://www.postgresql.org/docs/current/indexes-opclass.html.
"""

from __future__ import annotations

import sqlite3

import pytest

from auditor.model.data import CollectionFit, Fit
from tests.conftest import Build
from tests.stores.engines import MISSING, postgresql, programs

SQLALCHEMY = """
import psycopg2
from sqlalchemy import Column, Index, Integer, String, select
from sqlalchemy.orm import declarative_base
Base = declarative_base()
class Post(Base):
    __tablename__ = "posts"
    __table_args__ = ({index},)
    id = Column(Integer, primary_key=True)
    name = Column(String(80))
def ask(session, given):
    return session.scalars(select(Post).where({asked})).all()
"""
PLAIN = 'Index("by_name", "name")'
PATTERN = 'Index("by_name", "name", postgresql_ops={"name": "text_pattern_ops"})'


@pytest.mark.parametrize(
    ("index", "asked", "fit"),
    [
        (PLAIN, "Post.name.startswith(given)", Fit.UNKNOWN),
        (PLAIN, 'Post.name.like("a%")', Fit.UNKNOWN),
        (PATTERN, "Post.name.startswith(given)", Fit.COVERED),
        (PLAIN, "Post.name > given", Fit.COVERED),
        (PLAIN, "Post.name == given", Fit.COVERED),
        ("", "Post.name.startswith(given)", Fit.MISSING),
    ],
)
def test_an_index_of_sqlalchemy(index: str, asked: str, fit: Fit, build: Build) -> None:
    code = SQLALCHEMY.replace("{index}", index or "None").replace("{asked}", asked)
    (found,) = build({"app.py": code}).facts(CollectionFit)
    assert [m.fit for _, m in found.fits] == [fit]
    if fit is Fit.UNKNOWN:
        assert "text_pattern_ops" in found.fits[0][1].why
    if fit is Fit.MISSING:
        assert [p.code for p in found.proposed] == [
            'Post: __table_args__ = (Index("ix_posts_name", "name", postgresql_ops={"name": "text_pattern_ops"}),)'
        ]


@pytest.mark.parametrize(("driver", "fit"), [("pymysql", Fit.COVERED), ("psycopg2", Fit.UNKNOWN)])
def test_other_databases_find_it_by_any_index(driver: str, fit: Fit, build: Build) -> None:
    code = SQLALCHEMY.replace("{index}", PLAIN).replace("{asked}", "Post.name.startswith(given)")
    (found,) = build({"app.py": code.replace("psycopg2", driver)}).facts(CollectionFit)
    assert [m.fit for _, m in found.fits] == [fit]


@pytest.mark.parametrize(
    ("column", "index", "asked", "fit"),
    [
        ("TEXT", "name", "LIKE '+7%'", Fit.MISSING),
        ("TEXT", "name", "GLOB '+7*'", Fit.COVERED),
        ("TEXT", "name", "GLOB '*7'", Fit.MISSING),
        ("TEXT", "name", "> 'a'", Fit.COVERED),
        ("TEXT COLLATE NOCASE", "name", "LIKE '+7%'", Fit.COVERED),
        ("TEXT", "name COLLATE NOCASE", "LIKE '+7%'", Fit.COVERED),
    ],
)
def test_like_of_sqlite_takes_large_and_small_letters_as_one(
    column: str, index: str, asked: str, fit: Fit, build: Build
) -> None:
    """https://www.sqlite.org/optoverview.html#the_like_optimization"""
    made = f"CREATE TABLE posts (id INTEGER PRIMARY KEY, name {column}); CREATE INDEX by_name ON posts ({index});"
    query = f"SELECT id FROM posts WHERE name {asked}"
    code = (
        "import sqlite3\ndb = sqlite3.connect('x.db')\n"
        f"db.executescript({made!r})\ndef ask():\n    return db.execute({query!r}).fetchall()\n"
    )
    (found,) = build({"app.py": code}).facts(CollectionFit)
    assert [m.fit for _, m in found.fits] == [fit]
    database = sqlite3.connect(":memory:")
    database.executescript(made)
    ((*_, plan),) = database.execute(f"EXPLAIN QUERY PLAN {query}")
    assert plan.startswith("SEARCH") == (fit is Fit.COVERED)


@pytest.mark.parametrize(
    ("field", "meta", "fit"),
    [
        ("models.CharField(max_length=9, db_index=True)", "", Fit.COVERED),
        ("models.CharField(max_length=9, unique=True)", "", Fit.COVERED),
        ("models.CharField(max_length=9)", 'models.Index(fields=["name"])', Fit.UNKNOWN),
        ("models.CharField(max_length=9)", 'models.Index(fields=["name"], name="x", opclasses=["varchar_pattern_ops"])', Fit.COVERED),
        ("models.CharField(max_length=9)", "", Fit.MISSING),
    ],
)  # fmt: skip
def test_django_makes_a_second_index_beside_that_of_a_field(
    field: str, meta: str, fit: Fit, build: Build
) -> None:
    """https://docs.djangoproject.com/en/stable/ref/databases/#indexes-for-varchar-and-text-columns"""
    model = (
        f"from django.db import models\nclass Post(models.Model):\n    name = {field}\n    class Meta:\n        indexes = [{meta}]\n"
        "def ask(given):\n    return list(Post.objects.filter(name__startswith=given))\n"
    )
    settings = 'DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql"}}\nINSTALLED_APPS = ["blog"]\n'
    files = {"manage.py": "", "site/settings.py": settings, "blog/models.py": model, "blog/__init__.py": ""}  # fmt: skip
    found = build(files).facts(CollectionFit)
    assert [m.fit for f in found if f.name == "blog_post" for _, m in f.fits] == [fit]


@pytest.mark.skipif(programs() is None, reason=MISSING)
def test_postgresql_plans_so() -> None:
    """Under a collation other than C, only the operator class serves a pattern; a whole text is found by either."""
    psycopg = pytest.importorskip("psycopg")
    with postgresql() as address:
        connection = psycopg.connect(address)
        cursor = connection.cursor()
        cursor.execute('CREATE TABLE posts (id INT, plain TEXT COLLATE "en-x-icu", marked TEXT COLLATE "en-x-icu")')  # fmt: skip
        cursor.execute("INSERT INTO posts SELECT i, 'name' || i, 'name' || i FROM generate_series(1, 20000) i")  # fmt: skip
        cursor.execute("CREATE INDEX by_plain ON posts (plain)")
        cursor.execute("CREATE INDEX by_marked ON posts (marked text_pattern_ops)")
        cursor.execute("ANALYZE posts")
        plans = {}
        for asked in ("plain LIKE 'name77%'", "marked LIKE 'name77%'", "plain LIKE 'name77'", "plain = 'name77'"):  # fmt: skip
            cursor.execute(f"EXPLAIN SELECT * FROM posts WHERE {asked}")
            plans[asked] = "Seq Scan" in "".join(row[0] for row in cursor.fetchall())
        connection.close()
    assert plans == {
        "plain LIKE 'name77%'": True,
        "marked LIKE 'name77%'": False,
        "plain LIKE 'name77'": False,
        "plain = 'name77'": False,
    }


@pytest.mark.parametrize(
    ("index", "asked", "fit"),
    [
        (PLAIN, "Post.name.like(own.name)", Fit.UNKNOWN),
        (PATTERN, "Post.name.like(own.name)", Fit.COVERED),
        ("", "Post.name.like(own.name)", Fit.MISSING),
        # letters large or small, wildcards, another column, the column itself and what a request brings
        (PLAIN, "Post.name.ilike(own.name)", Fit.MISSING),
        (PLAIN, 'Post.name.like("%" + own.name)', Fit.MISSING),
        (PLAIN, 'Post.name.like(f"%{own.name}%")', Fit.MISSING),
        (PLAIN, "Post.name.like(own.pattern)", Fit.MISSING),
        (PLAIN, "Post.name.like(Post.name)", Fit.MISSING),
        (PLAIN, "Post.name.like(given)", Fit.MISSING),
    ],
)
def test_like_what_a_record_has(index: str, asked: str, fit: Fit, build: Build) -> None:
    code = SQLALCHEMY.replace("{index}", index or "None").replace("{asked}", asked)
    code = code.replace("(session, given)", "(session, given, own: Post)")
    code = code.replace("    name =", "    pattern = Column(String(80))\n    name =")
    (found,) = build({"app.py": code}).facts(CollectionFit)
    assert [m.fit for _, m in found.fits] == [fit]
