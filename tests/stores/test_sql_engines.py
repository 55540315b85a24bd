"""What is said of each query, held against the plans of SQLite and PostgreSQL.

Each sample is a small application whose queries are functions. It is read as any other, and it is run:
its tables are created by the mapper, filled and analysed, and the database explains every query.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from auditor.model.data import CollectionFit, Fit
from tests.conftest import load
from tests.stores.engines import MISSING, postgresql, programs

SQLALCHEMY = """
from sqlalchemy import ForeignKey, Index, UniqueConstraint, String, delete, exists, func, or_, select, update
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

class Base(DeclarativeBase):
    pass

class User(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(80), unique=True)
    name: Mapped[str] = mapped_column(String(80))
    items: Mapped[list["Item"]] = relationship(back_populates="owner")

class Item(Base):
    __tablename__ = "items"
    __table_args__ = (
        Index("ix_items_kind_made", "kind", "made"),
        UniqueConstraint("shop", "number"),
        Index("ix_items_code", "code"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    kind: Mapped[int]
    made: Mapped[int]
    shop: Mapped[int]
    number: Mapped[int]
    code: Mapped[str] = mapped_column(String(20))
    label: Mapped[str] = mapped_column(String(20))
    price: Mapped[int] = mapped_column(index=True)
    owner: Mapped[User] = relationship(back_populates="items")

def by_key(): return select(Item).where(Item.id == 7)
def by_email(): return select(User).filter_by(email="user7@example.org")
def by_name(): return select(User).where(User.name == "name7")
def by_foreign_key(): return select(Item).where(Item.owner_id == 7)
def by_kind(): return select(Item).where(Item.kind == 7)
def by_kind_and_made(): return select(Item).where(Item.kind == 7, Item.made > 19000)
def by_kind_latest(): return select(Item).where(Item.kind == 7).order_by(Item.made.desc()).limit(5)
def by_made(): return select(Item).where(Item.made == 7)
def by_kind_and_label(): return select(Item).where(Item.kind == 7).where(Item.label == "label7")
def by_unique_pair(): return select(Item).where(Item.shop == 7, Item.number == 7)
def by_second_of_pair(): return select(Item).where(Item.number == 7)
def by_code_prefix(): return select(Item).where(Item.code >= "code777").where(Item.code < "code778")
def by_code_inside(): return select(Item).where(Item.code.like("%77%"))
def by_lower(): return select(Item).where(func.lower(Item.code) == "code7")
def by_list(): return select(Item).where(Item.id.in_([1, 2, 3]))
def by_either_indexed(): return select(Item).where(or_(Item.id == 7, Item.code == "code7"))
def by_either_one(): return select(Item).where(or_(Item.id == 7, Item.label == "label7"))
def by_price(): return select(Item).where(Item.price.between(7, 8))
def newest(): return select(Item).order_by(Item.id.desc()).limit(3)
def latest_label(): return select(Item).order_by(Item.label).limit(3)
def counted(): return select(func.count()).select_from(Item).where(Item.kind == 7)
def changed(): return update(Item).where(Item.code == "code7").values(price=1)
def removed(): return delete(Item).where(Item.label == "label7")
def step_by_step(name=True):
    query = select(Item).where(Item.code == "code7")
    query = query.where(Item.kind == 7)
    return query
def joined(): return select(Item).join(Item.owner).where(User.email == "user7@example.org", Item.id == 7)
"""
EXPECTED = {
    "by_key": "covered", "by_email": "covered", "by_name": "missing", "by_foreign_key": "missing",
    "by_kind": "covered", "by_kind_and_made": "covered", "by_kind_latest": "covered", "by_made": "missing",
    "by_kind_and_label": "partial", "by_unique_pair": "covered", "by_second_of_pair": "missing",
    "by_code_prefix": "covered", "by_code_inside": "missing", "by_lower": "missing", "by_list": "covered",
    "by_either_indexed": "covered", "by_either_one": "missing", "by_price": "covered", "newest": "covered",
    "latest_label": "missing", "counted": "covered", "changed": "covered", "removed": "missing",
    "step_by_step": "partial", "joined": "covered",
}  # fmt: skip
RUN_SQLALCHEMY = """
import json, sys
from sqlalchemy import create_engine, text
import models
engine = create_engine(sys.argv[1])
with engine.begin() as connection:
    models.Base.metadata.create_all(connection)
    numbers = range(1, 20001)
    connection.execute(models.User.__table__.insert(), [
        dict(id=n, email=f"user{n}@example.org", name=f"name{n}") for n in numbers])
    connection.execute(models.Item.__table__.insert(), [
        dict(id=n, owner_id=n, kind=n % 500, made=n, shop=n % 140, number=n, code=f"code{n}",
             label=f"label{n}", price=n) for n in numbers])
    connection.execute(text("ANALYZE"))
plans = {}
explain = "EXPLAIN (FORMAT JSON, COSTS FALSE) " if "postgresql" in sys.argv[1] else "EXPLAIN QUERY PLAN "
with engine.connect() as connection:
    for name in sys.argv[2:]:
        query = getattr(models, name)()
        sql = str(query.compile(engine, compile_kwargs={"literal_binds": True}))
        rows = connection.exec_driver_sql(explain + sql.replace("%", "%%")).all()
        plans[name] = rows[0][0] if "postgresql" in sys.argv[1] else [row[3] for row in rows]
print(json.dumps(plans))
"""
DJANGO = """
from django.db import models

class Author(models.Model):
    email = models.CharField(max_length=80, unique=True)
    name = models.CharField(max_length=80)

class Book(models.Model):
    author = models.ForeignKey(Author, on_delete=models.CASCADE, related_name="books")
    isbn = models.CharField(max_length=20, db_index=True)
    title = models.CharField(max_length=80)
    year = models.IntegerField()
    slug = models.SlugField()

    class Meta:
        indexes = [models.Index(fields=["year", "-title"], name="book_year_title")]
        unique_together = [("title", "year")]

class Shelf(models.Model):
    place = models.CharField(max_length=80, unique=True)
    books = models.ManyToManyField(Book)

def by_key(): return Book.objects.filter(pk=7)
def by_relation(): return Book.objects.filter(author=7)
def by_relation_name(): return Author.objects.filter(books__isbn="isbn7")
def by_isbn(): return Book.objects.filter(isbn="isbn7")
def by_isbn_inside(): return Book.objects.filter(isbn__contains="77")
def by_title(): return Book.objects.filter(title="title7")
def by_title_and_year(): return Book.objects.filter(title="title7", year=7)
def by_year_latest(): return Book.objects.filter(year=7).order_by("-title")[:5]
def by_name(): return Author.objects.filter(name="name7")
def without(): return Author.objects.filter(email__in=["a", "b"]).exclude(name="x")
def by_slug(): return Book.objects.filter(slug="slug7")
def by_either(): return Book.objects.filter(models.Q(isbn="isbn7") | models.Q(slug="slug7"))
def by_either_one(): return Author.objects.filter(models.Q(email="e") | models.Q(name="name7"))
def of_year(): return Book.objects.filter(year__gte=499)
"""
EXPECTED_DJANGO = {
    "by_key": "covered", "by_relation": "covered", "by_isbn": "covered", "by_isbn_inside": "missing",
    "by_title": "covered", "by_title_and_year": "covered", "by_year_latest": "covered", "by_name": "missing",
    "without": "covered", "by_slug": "covered", "by_either": "covered", "by_either_one": "missing",
    "of_year": "covered",
}  # fmt: skip
RUN_DJANGO = """
import json, sys
import django
from django.conf import settings
database = json.loads(sys.argv[1])
settings.configure(INSTALLED_APPS=["library"], DATABASES={"default": database}, DEFAULT_AUTO_FIELD="django.db.models.AutoField")
django.setup()
from django.db import connection
from library import models
with connection.schema_editor() as editor:
    for model in (models.Author, models.Book, models.Shelf):
        editor.create_model(model)
numbers = range(1, 20001)
models.Author.objects.bulk_create(
    [models.Author(id=n, email=f"user{n}", name=f"name{n}") for n in numbers], batch_size=5000)
models.Book.objects.bulk_create(
    [models.Book(id=n, author_id=n, isbn=f"isbn{n}", title=f"title{n}", year=n % 500, slug=f"slug{n}") for n in numbers],
    batch_size=4000)
with connection.cursor() as cursor:
    cursor.execute("ANALYZE")
plans = {}
for name in sys.argv[2:]:
    query = getattr(models, name)()
    if connection.vendor == "postgresql":

        sql, params = query.query.sql_with_params()
        with connection.cursor() as cursor:
            cursor.execute("EXPLAIN (FORMAT JSON, COSTS FALSE) " + sql, params)
            plans[name] = cursor.fetchone()[0]
            if isinstance(plans[name], str):
                plans[name] = json.loads(plans[name])
    else:
        plans[name] = query.explain().splitlines()
print(json.dumps(plans))
"""
ROWID = {"newest"}
"""Read in the order of SQLite's own key: a plan that says SCAN and sorts nothing."""
_SEVERITY = {Fit.COVERED: 0, Fit.PARTIAL: 1, Fit.MISSING: 2, Fit.UNKNOWN: 3}


def verdicts(root: Path) -> dict[str, Fit]:
    """The verdict of each function's query: the worst of its branches and tables."""
    found: dict[str, list[Fit]] = defaultdict(list)
    for collection in load(root).facts(CollectionFit):
        for query, match in collection.fits:
            found[query.place.symbol].append(match.fit)
    return {name: max(fits, key=_SEVERITY.__getitem__) for name, fits in found.items()}


def scanned(plan: object) -> bool:
    """Whether a plan reads a whole table."""
    if isinstance(plan, list) and plan and isinstance(plan[0], str):  # SQLite
        whole = re.compile(
            r"\bSCAN \w+(?! USING (?:COVERING )?INDEX)\b|\(ANY\("
        )  # or skips along one
        return any(whole.search(line) for line in plan)
    return "Seq Scan" in _nodes(plan)


def filtered(plan: object) -> bool:
    """Whether PostgreSQL looks at records that an index did not decide, or sorts them for a limit."""
    return "Filter" in _nodes(plan) or "Sort" in _nodes(plan)


def _nodes(plan: object) -> set[str]:
    found: set[str] = set()
    stack = [plan]
    while stack:
        node = stack.pop()
        if isinstance(node, list):
            stack += node
        elif isinstance(node, dict):
            found.add(str(node.get("Node Type")))
            if "Filter" in node:
                found.add("Filter")
            stack += [v for v in node.values() if isinstance(v, list | dict)]
    return found


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    if programs() is None:
        pytest.skip(MISSING)
    with postgresql() as where:
        yield where


def explained(root: Path, script: str, database: str, names: list[str]) -> dict[str, object]:
    done = subprocess.run(
        [sys.executable, "-c", script, database, *names],
        cwd=root, capture_output=True, text=True, timeout=180,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    plans: dict[str, object] = json.loads(done.stdout)
    return plans


def sample(tmp_path: Path, mapper: str) -> Path:
    if mapper == "sqlalchemy":
        (tmp_path / "models.py").write_text(SQLALCHEMY)
    else:
        (tmp_path / "library").mkdir()
        (tmp_path / "library" / "__init__.py").write_text("")
        (tmp_path / "library" / "models.py").write_text(DJANGO)
    return tmp_path


@pytest.mark.parametrize("mapper", ["sqlalchemy", "django"])
def test_verdicts_are_as_expected(mapper: str, tmp_path: Path) -> None:
    told = verdicts(sample(tmp_path, mapper))
    expected = EXPECTED if mapper == "sqlalchemy" else EXPECTED_DJANGO
    assert {name: told[name].value for name in expected} == expected


@pytest.mark.parametrize("mapper", ["sqlalchemy", "django"])
def test_sqlite_scans_what_has_no_index(mapper: str, tmp_path: Path) -> None:
    root = sample(tmp_path, mapper)
    told = verdicts(root)
    expected = list(EXPECTED if mapper == "sqlalchemy" else EXPECTED_DJANGO)
    database = "sqlite://" if mapper == "sqlalchemy" else json.dumps(
        {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}
    )  # fmt: skip
    script = RUN_SQLALCHEMY if mapper == "sqlalchemy" else RUN_DJANGO
    plans = explained(root, script, database, expected)
    wrong = {
        name: plan
        for name, plan in plans.items()
        if scanned(plan) != (told[name] is Fit.MISSING) and name not in ROWID
    }
    assert wrong == {}


@pytest.mark.parametrize("mapper", ["sqlalchemy", "django"])
def test_postgresql_plans_as_told(mapper: str, tmp_path: Path, server: str) -> None:
    root = sample(tmp_path, mapper)
    told = verdicts(root)
    expected = list(EXPECTED if mapper == "sqlalchemy" else EXPECTED_DJANGO)
    parts = dict(pair.split("=") for pair in server.split())
    if mapper == "sqlalchemy":
        database = f"postgresql+psycopg://{parts['user']}@{parts['host']}:{parts['port']}/postgres"
    else:
        database = json.dumps(
            {"ENGINE": "django.db.backends.postgresql", "NAME": "postgres", "USER": parts["user"],
             "HOST": parts["host"], "PORT": parts["port"]}
        )  # fmt: skip
    script = RUN_SQLALCHEMY if mapper == "sqlalchemy" else RUN_DJANGO
    plans = explained(root, script, database, expected)
    for name in expected:
        assert scanned(plans[name]) == (told[name] is Fit.MISSING), (name, told[name], plans[name])
        if told[name] is Fit.PARTIAL:
            assert filtered(plans[name]), (name, plans[name])
