"""What is said of the queries of the SQL twins, held against the plans of SQLite and PostgreSQL.

The tables are those that the twin itself creates (`metadata.create_all()`, Django's migrations), filled
and analysed. Every shape that the audit reads is written as a SELECT and explained. So are the shapes
of the hardened twins with one index taken away.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from auditor.model.data import Bound, CollectionFit, Fit, Match, Query
from tests.conftest import load
from tests.stores.engines import MISSING, postgresql, programs
from tests.stores.removals import FIXTURES, REMOVALS, Removal
from tests.stores.test_sql_engines import scanned

CREATE = {
    "flask-sqlalchemy": """
from expenses.extensions import db
import expenses.models
db.metadata.create_all(engine)
""",
    "django-rest": """
import django
from django.conf import settings
from django.core.management import call_command
settings.configure(
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "projects", "invoices", "documents"],
    DATABASES={"default": django_database}, DEFAULT_AUTO_FIELD="django.db.models.BigAutoField", USE_TZ=True,
)
django.setup()
call_command("migrate", verbosity=0)
""",
}
"""How each twin creates its tables; `engine` is SQLAlchemy's, `django_database` Django's entry."""
RUN = """
import datetime, json, sys
import sqlalchemy as sa
url, create, shapes = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
if url.startswith("postgresql"):
    with sa.create_engine(url, isolation_level="AUTOCOMMIT").connect() as connection:
        connection.exec_driver_sql("DROP DATABASE IF EXISTS twin")
        connection.exec_driver_sql("CREATE DATABASE twin")
    url = sa.make_url(url).set(database="twin")
engine = sa.create_engine(url)
django_database = {"ENGINE": "django.db.backends." + engine.url.get_backend_name().replace("sqlite", "sqlite3"),
                   "NAME": engine.url.database, "USER": engine.url.username, "HOST": engine.url.host, "PORT": engine.url.port}
exec(create)
ROWS = 6_000

def value(column, unique, n):
    kind = column.type.python_type
    if column.foreign_keys and not unique:
        return n % 500 + 1
    if kind is bool:
        return n % 2 == 0
    if kind is datetime.datetime:
        return datetime.datetime(2020, 1, 1) + datetime.timedelta(hours=n)
    if kind is datetime.date:
        return datetime.date(1990, 1, 1) + datetime.timedelta(days=n)
    if kind is str:
        return f"{column.name[:6]}{n}"
    return n if unique or column.primary_key else n % 500 + 1

metadata = sa.MetaData()
metadata.reflect(engine)
asked = {shape["table"] for shape in shapes}
for name in list(asked):
    asked |= {key.column.table.name for key in metadata.tables[name].foreign_keys}
filled = {}
with engine.begin() as connection:
    for table in metadata.sorted_tables:
        if table.name not in asked:
            continue
        unique = {c.name for i in table.indexes if i.unique and len(i.columns) == 1 for c in i.columns}
        unique |= {c.name for k in table.constraints if isinstance(k, sa.UniqueConstraint) and len(k.columns) == 1 for c in k.columns}
        connection.execute(table.delete())
        rows = [{c.name: value(c, c.name in unique, n) for c in table.columns} for n in range(1, ROWS + 1)]
        connection.execute(table.insert(), rows)
        filled[table.name] = rows
    connection.execute(sa.text("ANALYZE"))
plans = []
with engine.connect() as connection:
    for shape in shapes:
        table = metadata.tables[shape["table"]]
        one, late = filled[table.name][76], filled[table.name][-20]
        query = sa.select(table)
        for name in shape["equality"]:
            query = query.where(table.c[name] == one[name])
        for name in shape["range"]:
            query = query.where(table.c[name] > late[name])
        for name in shape["scanned"]:
            query = query.where(table.c[name].like("%7"))
        query = query.order_by(*(table.c[n].desc() if way < 0 else table.c[n] for n, way in shape["sort"]))
        if shape["limited"]:
            query = query.limit(5)
        sql = str(query.compile(engine, compile_kwargs={"literal_binds": True}))
        explain = "EXPLAIN QUERY PLAN " if engine.url.get_backend_name() == "sqlite" else "EXPLAIN (FORMAT JSON, COSTS FALSE) "
        found = connection.exec_driver_sql(explain + sql.replace("%", "%%") if "psycopg" in str(engine.url) else explain + sql).all()
        plans.append([row[3] for row in found] if engine.url.get_backend_name() == "sqlite" else found[0][0])
print(json.dumps(plans))
"""
ENVIRONMENT = {
    "ENVIRONMENT": "production", "SECRET_KEY": "of-the-test", "DATABASE_URL": "sqlite://",
    "LIMITER_STORAGE": "memory://", "SENTRY_DSN": "",
}  # fmt: skip


@dataclass(frozen=True)
class Case:
    twin: str
    name: str
    removal: Removal | None = None

    def root(self, tmp_path: Path) -> Path:
        if self.removal is not None:
            return self.removal.mutated(tmp_path / "twin")
        return Path(shutil.copytree(FIXTURES / self.twin / self.name, tmp_path / "twin"))

    def __str__(self) -> str:
        return f"{self.twin} {self.removal or self.name}"


CASES = [
    *(Case(twin, name) for twin in CREATE for name in ("hardened", "vulnerable")),
    *(Case(removal.twin, "hardened", removal) for removal in REMOVALS),
]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    if programs() is None:
        pytest.skip(MISSING)
    with postgresql() as where:
        yield where


def judged(root: Path) -> list[tuple[Query, Match]]:
    """The queries that ask for an index, each shape once, with what is said of them."""
    found = {
        (q.collection, q.equality, q.range, q.scanned, q.sort, _limited(q)): (q, match)
        for collection in load(root).facts(CollectionFit)
        for q, match in collection.fits
        if match.fit is not Fit.UNKNOWN and not (match.fit is Fit.COVERED and match.by is None)
    }
    return list(found.values())


def _limited(query: Query) -> bool:
    return query.bound in (Bound.ONE, Bound.LIMITED, Bound.CALLER)


def plans(case: Case, root: Path, url: str, asked: list[tuple[Query, Match]]) -> list[object]:
    shapes = [
        {"table": q.collection, "equality": q.equality, "range": q.range, "scanned": q.scanned,
         "sort": q.sort if q.operation == "select" else [], "limited": _limited(q)}
        for q, _ in asked
    ]  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", RUN, url, CREATE[case.twin], json.dumps(shapes)],
        cwd=root, env={**os.environ, **ENVIRONMENT}, capture_output=True, text=True, timeout=240,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    found: list[object] = json.loads(done.stdout)
    return found


def disagreements(asked: list[tuple[Query, Match]], explained: list[object]) -> list[object]:
    return [
        (q.collection, q.fields, q.sort, match.fit.value, plan)
        for (q, match), plan in zip(asked, explained, strict=True)
        if (scanned(plan) and not _in_key_order(q, plan)) != (match.fit is Fit.MISSING)
    ]


def _in_key_order(query: Query, plan: object) -> bool:
    """Whether SQLite reads a table by its own key, which it calls a scan, and stops at the limit."""
    return bool(query.sort) and _limited(query) and isinstance(plan, list) and all(
        isinstance(line, str) and "TEMP B-TREE" not in line for line in plan
    )  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_sqlite_plans_as_told(case: Case, tmp_path: Path) -> None:
    root = case.root(tmp_path)
    asked = judged(root)
    assert asked
    explained = plans(case, root, f"sqlite:///{tmp_path}/twin.db", asked)
    assert disagreements(asked, explained) == []


@pytest.mark.parametrize("case", CASES, ids=str)
def test_postgresql_plans_as_told(case: Case, tmp_path: Path, server: str) -> None:
    root = case.root(tmp_path)
    asked = judged(root)
    parts = dict(pair.split("=") for pair in server.split())
    url = f"postgresql+psycopg://{parts['user']}@{parts['host']}:{parts['port']}/postgres"
    assert disagreements(asked, plans(case, root, url, asked)) == []
