"""How queries of each mapper and of SQL text are read, and what migrations leave behind."""

from __future__ import annotations

import pytest

from auditor.link.application import Application
from auditor.model.data import Bound, CollectionFit, Fit, Index, Query, Table
from tests.conftest import Build

PEEWEE = """
from peewee import CharField, ForeignKeyField, IntegerField, Model, SqliteDatabase
db = SqliteDatabase("x.db")
class Base(Model):
    class Meta:
        database = db
class User(Base):
    name = CharField(unique=True)
class Post(Base):
    author = ForeignKeyField(User, backref="posts")
    views = IntegerField()
"""
TORTOISE = """
from tortoise import fields
from tortoise.models import Model
class User(Model):
    name = fields.CharField(max_length=20, unique=True)
class Post(Model):
    author = fields.ForeignKeyField("models.User", related_name="posts")
    views = fields.IntField()
    class Meta:
        table = "posts"
"""
DJANGO = """
from django.db import models
class PostQuerySet(models.QuerySet):
    def popular(self):
        return self.filter(views__gte=100)
class User(models.Model):
    name = models.CharField(max_length=20)
    class Meta:
        app_label = "blog"
class Post(models.Model):
    author = models.ForeignKey(User, on_delete=models.CASCADE)
    views = models.IntegerField()
    live = models.BooleanField()
    objects = PostQuerySet.as_manager()
    class Meta:
        app_label = "blog"
"""
SQLALCHEMY = """
from sqlalchemy import Column, ForeignKey, Integer, String
from sqlalchemy.orm import declarative_base, relationship
Base = declarative_base()
class User(Base):
    __tablename__ = "users"
    id = Column(Integer, primary_key=True)
    name = Column(String, unique=True)
    posts = relationship("Post", back_populates="author")
class Post(Base):
    __tablename__ = "posts"
    id = Column(Integer, primary_key=True)
    author_id = Column(ForeignKey("users.id"))
    views = Column(Integer)
    author = relationship("User", back_populates="posts")
"""
CASES = {
    "peewee": (PEEWEE, "Post.select().where((Post.author == u) & (Post.views > 3))", "post", ("author_id",), ("views",)),
    "peewee in": (PEEWEE, "Post.select().where((Post.author << [1, 2]) & (Post.views ** '%x%'))", "post", ("author_id",), ()),
    "peewee list": (PEEWEE, "Post.select().where(functools.reduce(operator.and_, [Post.author == u, Post.views > 3]))", "post", ("author_id",), ("views",)),
    "peewee key": (PEEWEE, "Post.get_by_id(3)", "post", ("id",), ()),
    "tortoise": (TORTOISE, "Post.filter(author_id=3, views__gte=4).limit(5)", "posts", ("author_id",), ("views",)),
    "tortoise single": (TORTOISE, "Post.get_or_none(author_id=3).filter(views__gte=4)", "posts", ("author_id",), ("views",)),
    "tortoise relation": (TORTOISE, "Post.filter(author__name='x')", "user", ("name",), ()),
    "django": (DJANGO, "Post.objects.filter(author=3).exclude(views=4)", "blog_post", ("author_id",), ("views",)),
    "django queryset": (DJANGO, "Post.objects.popular().filter(author_id=3)", "blog_post", ("author_id",), ("views",)),
    "django reverse": (DJANGO, "User.objects.filter(post__views=4)", "blog_post", ("views",), ()),
    "sqlalchemy query": (SQLALCHEMY, "session.query(Post).filter_by(author_id=3).filter(Post.views > 4).all()", "posts", ("author_id",), ("views",)),
    "sqlalchemy get": (SQLALCHEMY, "session.get(Post, 3)", "posts", ("id",), ()),
    "text": (SQLALCHEMY, "cursor.execute('SELECT * FROM posts p WHERE p.author_id = %s AND p.views > %s', (1, 2))", "posts", ("author_id",), ("views",)),
}  # fmt: skip


def of(application: Application, table: str) -> list[Query]:
    return [q for q in application.facts(Query) if q.collection == table and q.reads]


@pytest.mark.parametrize("case", CASES)
def test_shapes(case: str, build: Build) -> None:
    models, expression, table, equality, spans = CASES[case]
    application = build(
        {
            "app.py": f"import functools, operator\n{models}\ndef ask(session, cursor, u):\n    return {expression}\n"
        }
    )
    assert [(q.equality, q.range) for q in of(application, table)] == [(equality, spans)]


def test_conditions_added_under_tests_give_the_query_without_and_with_each(build: Build) -> None:
    code = SQLALCHEMY + (
        "from sqlalchemy import select\n"
        "def ask(session, a, b):\n"
        "    query = select(Post).where(Post.id > 1)\n"
        "    if a:\n"
        "        query = query.where(Post.author_id == a)\n"
        "    if b:\n"
        "        query = query.where(Post.views == b)\n"
        "    return session.scalars(query.limit(10)).all()\n"
    )
    found = of(build({"app.py": code}), "posts")
    assert {q.equality for q in found} == {(), ("author_id",), ("views",)}
    assert {q.bound for q in found} == {Bound.LIMITED}


def test_a_relation_read_in_a_loop_is_a_query_for_each(build: Build) -> None:
    code = SQLALCHEMY + (
        "from sqlalchemy import select\n"
        "from sqlalchemy.orm import selectinload\n"
        "def slow(session):\n"
        "    return [len(user.posts) for user in session.scalars(select(User))]\n"
        "def fast(session):\n"
        "    query = select(User).options(selectinload(User.posts))\n"
        "    return [len(user.posts) for user in session.scalars(query)]\n"
    )
    lazy = [q for q in of(build({"app.py": code}), "posts") if q.operation == "lazy"]
    assert [q.place.symbol for q in lazy] == ["slow"]
    assert lazy[0].loop is not None


def test_what_cannot_be_told_is_said(build: Build) -> None:
    code = SQLALCHEMY + (
        "def ask(session, model, given):\n"
        "    session.query(model).all()\n"
        "    return session.query(Post).filter_by(**given).all()\n"
    )
    reasons = {q.place.line: q.unresolved for q in build({"app.py": code}).facts(Query)}
    assert all(reasons.values())
    assert len(reasons) == 2


MIGRATION = """
from alembic import op
import sqlalchemy as sa
revision = "{revision}"
down_revision = {down}
def upgrade():
{steps}
"""


def test_migrations_are_replayed_in_their_order(build: Build) -> None:
    first = (
        '    op.create_table("users", sa.Column("id", sa.Integer), sa.Column("name", sa.String), sa.PrimaryKeyConstraint("id"))\n'
        '    op.create_index("ix_name", "users", ["name"])\n'
    )
    second = (
        '    op.drop_index("ix_name")\n'
        '    op.create_table("posts", sa.Column("id", sa.Integer, primary_key=True), sa.Column("views", sa.Integer))\n'
        '    op.execute("CREATE INDEX ix_views ON posts (views)")\n'
    )
    application = build(
        {
            "versions/b.py": MIGRATION.format(revision="1", down=None, steps=first),
            "versions/a.py": MIGRATION.format(revision="2", down='"1"', steps=second),
            "app.py": SQLALCHEMY,
        }
    )
    found = {(i.collection, i.fields[0][0]): i.run for i in application.facts(Index)}
    assert found["posts", "views"] == "migration"
    assert found["users", "id"] == "migration"
    assert found["users", "name"] == "", "declared by the model, dropped by a migration"


def test_scripts_of_sql(build: Build) -> None:
    application = build(
        {
            "schema.sql": "CREATE TABLE t (id serial PRIMARY KEY, a int, b text);\n-- ;\nCREATE UNIQUE INDEX t_ab ON t (a, b DESC);\n",
            "app.py": "def ask(cursor, a):\n    cursor.execute('select * from t where a = %s', (a,))\n",
        }
    )
    found = [(i.fields, i.unique) for i in application.facts(Index)]
    assert found == [((("id", 1),), True), ((("a", 1), ("b", -1)), True)]
    assert [q.equality for q in of(application, "t")] == [("a",)]


def test_hostile_sql_is_not_parsed_for_ever(build: Build) -> None:
    deep = "SELECT * FROM t WHERE " + "(" * 500 + "a = 1" + ")" * 500
    application = build({"app.py": f"def ask(cursor):\n    cursor.execute('{deep}')\n"})
    assert [q.unresolved for q in application.facts(Query)] == ["the SQL text could not be parsed"]


JOINED = """
from sqlalchemy import Column, DateTime, ForeignKey, Integer, String, create_engine
from sqlalchemy.orm import declarative_base
engine = create_engine("mysql+pymysql://db/x")
Base = declarative_base()
class Submission(Base):
    __tablename__ = "submissions"
    id = Column(Integer, primary_key=True)
    date = Column(DateTime)
    ip = Column(String(40), index=True)
class Solve(Submission):
    __tablename__ = "solves"
    id = Column(None, ForeignKey("submissions.id"), primary_key=True)
    player = Column(Integer, ForeignKey("users.id"))
def before(session, day):
    return session.query(Solve).filter(Solve.date < day).all()
def of_player(session, player, day):
    return session.query(Solve).filter_by(player=player).filter(Solve.date < day).all()
"""


def test_a_column_of_a_base_with_a_table_is_in_that_table(build: Build) -> None:
    application = build({"app.py": JOINED})
    found = {(q.place.line, q.collection): (q.equality, q.range) for q in application.facts(Query)}
    before, of_player = sorted({line for line, _ in found})
    assert found[before, "submissions"] == ((), ("date",))
    assert found[before, "solves"] == (("id",), ())
    assert found[of_player, "solves"] == (("player",), ())
    assert found[of_player, "submissions"] == (("id",), ())
    fields = {i.fields[0][0] for i in application.facts(Index) if i.collection == "solves"}
    assert fields == {"id", "player"}


_BETWEEN = """
from sqlalchemy import Column, ForeignKey, Index, Integer, UniqueConstraint, create_engine
from sqlalchemy.orm import declarative_base
engine = create_engine("mysql+pymysql://db/x")
Base = declarative_base()
class Seat(Base):
    __tablename__ = "seats"
    pupil = Column(Integer, ForeignKey("pupils.id"), primary_key=True)
    course = Column(Integer, ForeignKey("courses.id"), primary_key=True)
    room = Column(Integer, ForeignKey("rooms.id"))
    desk = Column(Integer)
    place = Column(Integer, ForeignKey("places.id"), unique=True)
    __table_args__ = (Index("by_room", "room", "desk"),)
"""


@pytest.mark.parametrize(
    ("address", "brought"), [("mysql+pymysql://db/x", {"course"}), ("postgresql://db/x", set())]
)
def test_mysql_indexes_a_foreign_key_that_no_index_begins_with(
    address: str, brought: set[str], build: Build
) -> None:
    indexes = build({"app.py": _BETWEEN.replace("mysql+pymysql://db/x", address)}).facts(Index)
    assert {i.fields[0][0] for i in indexes if i.implied == "foreign key"} == brought
    assert {i.fields[0][0] for i in indexes} == {"pupil", "room", "place"} | brought


def test_an_address_with_a_password_tells_the_database_all_the_same(build: Build) -> None:
    code = JOINED.replace(
        "mysql+pymysql://db/x", "mysql+pymysql://shop:River" + "5703@db.shop.io/x"
    )
    application = build({"app.py": code})
    assert any(i.fields == (("player", 1),) for i in application.facts(Index))


@pytest.mark.parametrize(
    ("address", "keyed"),
    [
        ('URL.create(drivername="mysql+pymysql", host=HOST)', True),
        ('URL.create("mysql+pymysql", host=HOST)', True),
        ('MultiHostUrl.build(scheme="mysql", host=HOST)', True),
        ('MultiHostUrl.build(scheme="postgresql", host=HOST)', False),
        ('image.build(tag="mysql", path=HOST)', False),
        ('HOST + "CREATE TABLE `x` (`id` INT NOT NULL PRIMARY KEY AUTO_INCREMENT)"', True),
    ],
)
def test_an_address_that_is_made_of_parts_tells_the_database(
    address: str, keyed: bool, build: Build
) -> None:
    code = JOINED.replace('"mysql+pymysql://db/x"', address)
    indexes = build({"app.py": code}).facts(Index)
    assert any(i.fields == (("player", 1),) for i in indexes) is keyed


def test_the_driver_of_tests_is_not_what_the_application_is_made_for(build: Build) -> None:
    project = (
        '[project]\nname = "x"\nversion = "1"\ndependencies = ["pymysql"]\n'
        '[dependency-groups]\ndev = ["psycopg2-binary"]\n'
    )
    code = JOINED.replace("mysql+pymysql://db/x", "sqlite://")
    application = build({"app.py": code, "pyproject.toml": project})
    assert any(i.fields == (("player", 1),) for i in application.facts(Index))


def test_what_a_class_computes_is_selected_from_its_table(build: Build) -> None:
    code = (
        JOINED.replace(
            'ForeignKey("users.id"))', 'ForeignKey("users.id"))\n    account = property(id)'
        )
        + "def count(session):\n    return session.query(Solve.account).filter(Solve.player == 1).group_by(Solve.account).count()\n"
    )
    found = [q for q in build({"app.py": code}).facts(Query) if q.operation == "count"]
    assert [(q.collection, q.equality, q.unresolved) for q in found] == [
        ("solves", ("player",), "")
    ]


def test_keys_that_heirs_add_to_a_shared_table_are_indexed_as_its_own(build: Build) -> None:
    heir = """
class Kept(Submission):
    __mapper_args__ = {"polymorphic_identity": "kept"}
    owner = Column(Integer, ForeignKey("users.id"))
    code = Column(Integer, index=True)
"""
    indexes = build({"app.py": JOINED + heir}).facts(Index)
    assert [i.fields[0][0] for i in indexes if i.collection == "submissions"] == [
        "id",
        "ip",
        "code",
        "owner",
    ]


def test_statements_of_files_are_read_where_their_names_are_called(build: Build) -> None:
    statements = (
        "CREATE TABLE users (id int PRIMARY KEY, email text, born date);\n"
        "-- name: get-user-by-email^\nSELECT * FROM users WHERE email = :email;\n\n"
        "-- name: born-since\nSELECT id FROM users WHERE born > :day ORDER BY born;\n"
        "-- name: never-called\nSELECT id FROM users WHERE id = 1;\n"
    )
    code = (
        "import aiosql\nqueries = aiosql.from_path('sql', 'asyncpg')\n"
        "class Repo:\n    def born_since(self, day):\n        return []\n"
        "async def one(connection, email):\n    return await queries.get_user_by_email(connection, email=email)\n"
        "async def many(connection, day):\n    Repo().born_since(day)\n    return await queries.born_since(connection, day=day)\n"
    )
    schema = "CREATE TABLE users (id INTEGER PRIMARY KEY);\n"
    found = of(build({"app.py": code, "sql/users.sql": statements, "schema.sql": schema}), "users")
    assert [(q.equality, q.range, q.bound, q.place.line) for q in found] == [
        (("email",), (), Bound.ONE, 7),
        ((), ("born",), Bound.NONE, 10),
    ]


def indexes_of(
    application: Application, table: str
) -> set[tuple[tuple[tuple[str, int], ...], str]]:
    return {(i.fields, i.run) for i in application.facts(Index) if i.collection == table}


def test_statements_of_peewee_migrations_make_indexes_and_take_them_back(build: Build) -> None:
    first = (
        "def migrate(migrator, database, fake=False):\n"
        '    migrator.sql(\'CREATE TABLE "post" ("id" INTEGER NOT NULL PRIMARY KEY, "author_id" INTEGER, "views" INTEGER)\')\n'
        '    migrator.sql(\'CREATE INDEX "by_views" ON "post" ("views")\')\n'
    )
    second = (
        "def migrate(migrator, database, fake=False):\n"
        "    migrator.sql('DROP INDEX by_views')\n"
        "    migrator.add_index('post', 'author', 'views')\n"
        "def rollback(migrator, database, fake=False):\n"
        '    migrator.sql(\'CREATE INDEX "back" ON "post" ("views")\')\n'
    )
    application = build(
        {"app.py": PEEWEE, "migrations/001_a.py": first, "migrations/002_b.py": second}
    )
    live = {fields for fields, run in indexes_of(application, "post") if run}
    assert (("author_id", 1), ("views", 1)) in live
    assert (("views", 1),) not in live


def test_models_of_migrations_are_not_those_of_the_application(build: Build) -> None:
    past = (
        "from sqlalchemy import Column, Integer, select\n"
        "from sqlalchemy.orm import declarative_base\n"
        "revision, down_revision = 'b', 'a'\n"
        "Base = declarative_base()\n"
        "class User(Base):\n"
        "    __tablename__ = 'users'\n"
        "    id = Column(Integer, primary_key=True)\n"
        "def upgrade():\n"
        "    op.get_bind().execute(select(User).where(User.id == 1))\n"
    )
    ask = "\ndef ask(session):\n    return session.query(User).filter_by(name='x').first()\n"
    application = build({"alembic/versions/b_x.py": past, "models.py": SQLALCHEMY + ask})
    assert ((("name", 1),), "table") in indexes_of(application, "users")
    assert {q.place.path for q in of(application, "users")} == {"models.py"}


def test_what_a_call_gives_decides_which_conditions_hold(build: Build) -> None:
    code = DJANGO + (
        "def posts(author=None):\n"
        "    found = Post.objects.filter(views=3)\n"
        "    if author:\n"
        "        found = found.filter(author=author)\n"
        "    return found\n"
        "def of_one(author: User):\n"
        "    return list(posts(author))\n"
        "def of_all():\n"
        "    return list(posts())\n"
    )
    found = of(build({"blog/models.py": code}), "blog_post")
    asked = {(q.place.symbol, q.equality) for q in found if q.place.symbol in ("of_one", "of_all")}
    assert asked == {("of_one", ("views", "author_id")), ("of_all", ("views",))}


def test_conditions_that_cannot_be_told_narrow_what_an_index_finds(build: Build) -> None:
    code = SQLALCHEMY + (
        "def ask(session, given):\n"
        "    session.query(User).filter(User.name == 'x', given).first()\n"
        "def other(session, given):\n"
        "    session.query(Post).filter(Post.views == 3, given).first()\n"
    )
    found = {
        q.place.symbol: match.fit
        for collection in build({"app.py": code}).facts(CollectionFit)
        for q, match in collection.fits
    }
    assert found == {"ask": Fit.COVERED, "other": Fit.UNKNOWN}


def test_many_to_many_tables_of_tortoise_have_a_unique_index(build: Build) -> None:
    code = TORTOISE + (
        "class Tag(Model):\n"
        "    posts = fields.ManyToManyField('models.Post', related_name='tags')\n"
    )
    made = indexes_of(build({"app.py": code}), "tag_posts")
    assert made == {((("tag_id", 1), ("post_id", 1)), "table")}


VIEWS = """
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework import filters, viewsets
from django.views.generic import DetailView, ListView
from blog.models import Post
class Posts(viewsets.ReadOnlyModelViewSet):
    queryset = Post.objects.filter(live=True)
    lookup_field = "views"
    filter_backends = [DjangoFilterBackend, filters.SearchFilter, filters.OrderingFilter]
    filterset_fields = {"author": ["exact"], "views": ["gte"]}
    search_fields = ["^author__name"]
    ordering_fields = ["views"]
class Quiet(viewsets.ReadOnlyModelViewSet):
    queryset = Post.objects.filter(author=1)
    filter_backends = []
    filterset_fields = ["views"]
class All(ListView):
    model = Post
class Paged(ListView):
    model = Post
    paginate_by = 20
class One(DetailView):
    model = Post
"""
OPTIONS = """
REST_FRAMEWORK = {"DEFAULT_PAGINATION_CLASS": "rest_framework.pagination.PageNumberPagination", "PAGE_SIZE": 20}
"""


def test_views_ask_for_lists_objects_filters_and_orders(build: Build) -> None:
    files = {"blog/models.py": DJANGO, "blog/api.py": VIEWS, "site/settings.py": OPTIONS}
    application = build(files)
    found = [
        q for q in application.facts(Query) if q.place.path == "blog/api.py" and q.store == "sql"
    ]
    posts = {
        (q.collection, q.operation, q.equality, q.range, q.scanned, q.sort)
        for q in found
        if q.place.line == 7
    }
    assert posts == {
        ("blog_post", "get", ("live", "views"), (), (), ()),
        ("blog_post", "select", ("live",), (), (), ()),
        ("blog_post", "select", ("live", "author_id"), (), (), ()),
        ("blog_post", "select", ("live",), ("views",), (), ()),
        ("blog_post", "select", ("live",), (), (), (("views", 1),)),
        ("blog_post", "count", ("live",), (), (), ()),
        ("blog_post", "count", ("live", "author_id"), (), (), ()),
        ("blog_post", "count", ("live",), ("views",), (), ()),
        ("blog_user", "join", (), (), ("name",), ()),
    }
    quiet = {(q.operation, q.equality) for q in found if q.place.line == 14}
    assert quiet == {("get", ("author_id", "id")), ("select", ("author_id",)), ("count", ("author_id",))}  # fmt: skip
    bounds = {q.place.line: q.bound for q in found if q.operation == "select" and q.place.line > 16}
    assert bounds == {17: Bound.NONE, 19: Bound.LIMITED}
    assert [q.place.line for q in found if q.operation == "count" and q.place.line > 16] == [19]


def _paged(build: Build, pages: str) -> list[Query]:
    """What a view asks whose pages are of a class with this behind its bracket."""
    code = (
        "from rest_framework import generics, pagination\n"
        "from blog.models import Post\n"
        f"class Pages({pages}\n    page_size = 20\n"
        "class Posts(generics.ListAPIView):\n    queryset = Post.objects.filter(author=1)\n    pagination_class = Pages\n"
    )
    return list(build({"blog/models.py": DJANGO, "blog/api.py": code}).facts(Query))


@pytest.mark.parametrize(
    ("base", "counted"),
    [
        ("pagination.PageNumberPagination", True),
        ("pagination.LimitOffsetPagination", True),
        ("pagination.CursorPagination", False),
        ("pagination.BasePagination", False),
    ],
)
def test_pages_are_counted_but_by_a_cursor(build: Build, base: str, counted: bool) -> None:
    found = _paged(build, f"{base}):")
    assert [q.equality for q in found if q.operation == "count"] == [("author_id",)] * counted


@pytest.mark.parametrize(
    ("pages", "order"),
    [
        ('CursorPagination):\n    ordering = "-views"', (("views", -1),)),
        ('CursorPagination):\n    ordering = ("views", "id")', (("views", 1), ("id", 1))),
        ('PageNumberPagination):\n    ordering = "-views"', ()),
    ],
)
def test_a_cursor_pages_by_its_own_order(
    build: Build, pages: str, order: tuple[tuple[str, int], ...]
) -> None:
    found = _paged(build, f"pagination.{pages}")
    assert [q.sort for q in found if q.operation == "select" and q.equality] == [order]


def test_functions_by_another_name(build: Build) -> None:
    code = "from sqlalchemy import update as change\nfrom models import User\ndef run(session, key):\n    session.execute(change(User).where(User.id == key))\n"
    (query,) = build({"models.py": SQLALCHEMY, "app.py": code}).facts(Query)
    assert (query.collection, query.operation, query.equality) == ("users", "update", ("id",))


def test_a_count_of_some_model_is_unknown(build: Build) -> None:
    code = "from sqlalchemy import select, func\ndef run(session, model):\n    return session.execute(select(func.count(model.id)))\n"
    (query,) = build({"models.py": SQLALCHEMY, "app.py": code}).facts(Query)
    assert query.unresolved


def test_conditions_that_python_joins_are_the_first(build: Build) -> None:
    code = "from sqlalchemy import select\nfrom models import User\ndef run(session, a, b):\n    return session.scalars(select(User).where(User.id == a and User.name == b)).all()\n"
    (query,) = build({"models.py": SQLALCHEMY, "app.py": code}).facts(Query)
    assert query.equality == ("id",)


def test_a_table_is_called_by_its_class(build: Build) -> None:
    models = (
        "import re\nfrom sqlalchemy.orm import DeclarativeBase, declared_attr, mapped_column, Mapped\nclass Base(DeclarativeBase):\n"
        "    @declared_attr.directive\n    def __tablename__(cls):\n        return re.sub(r'(?<!^)(?=[A-Z])', '_', cls.__name__).lower()\n"
        "class OrderItem(Base):\n    id: Mapped[int] = mapped_column(primary_key=True)\n"
    )
    code = "from models import OrderItem\ndef run(session, key):\n    return session.get(OrderItem, key)\n"
    (query,) = build({"models.py": models, "app.py": code}).facts(Query)
    assert query.collection == "order_item"


def test_a_function_in_a_class_gets_no_object_of_it(build: Build) -> None:
    code = "from models import User\nclass Users:\n    async def one(db: AsyncSession, key: int):\n        return await db.get(User, key)\n"
    (query,) = build({"models.py": SQLALCHEMY, "app.py": code}).facts(Query)
    assert (query.collection, query.equality) == ("users", ("id",))


def test_an_enumeration_of_two_is_a_flag(build: Build) -> None:
    models = (
        "from enum import Enum\nfrom sqlalchemy import Enum as SqlEnum\nfrom sqlalchemy.orm import DeclarativeBase, mapped_column, Mapped\n"
        "class Base(DeclarativeBase):\n    pass\nclass Role(str, Enum):\n    USER = 'user'\n    ADMIN = 'admin'\n"
        "class Level(str, Enum):\n    LOW = 'a'\n    MID = 'b'\n    HIGH = 'c'\n"
        "class User(Base):\n    __tablename__ = 'users'\n    id: Mapped[int] = mapped_column(primary_key=True)\n"
        "    role: Mapped[Role] = mapped_column(SqlEnum(Role, native_enum=False))\n    level: Mapped[Level] = mapped_column(SqlEnum(Level))\n"
    )
    code = "from sqlalchemy import select\nfrom models import User\ndef run(session, a):\n    session.scalars(select(User).where(User.role == a)).all()\n    session.scalars(select(User).where(User.level == a)).all()\n"
    first, second = build({"models.py": models, "app.py": code}).facts(Query)
    assert (first.broad, second.broad) == (("role",), ())


def test_no_index_keeps_an_order_that_is_worked_out(build: Build) -> None:
    code = "from sqlalchemy import select, func\nfrom models import User\ndef run(session, q):\n    session.scalars(select(User).order_by(func.ts_rank(User.name, q)).limit(9)).all()\n    session.scalars(select(User).order_by(func.lower(User.name)).limit(9)).all()\n"
    first, second = build({"models.py": SQLALCHEMY, "app.py": code}).facts(Query)
    assert (first.sort, second.sort) == ((), (("lower(name)", 1),))


def test_columns_of_one_record_that_are_compared_ask_for_no_index(build: Build) -> None:
    django = (
        "from django.db.models import F\nfrom blog.models import Post\n"
        "def some(who):\n    return Post.objects.filter(views__lte=F('id'), author=who).count()\n"
    )
    (query,) = build({"blog/models.py": DJANGO, "blog/views.py": django}).facts(Query)
    assert (query.equality, query.range, query.scanned) == (("author_id",), (), ())


def test_columns_of_one_record_that_are_compared_in_sql(build: Build) -> None:
    text = (
        "def some(cursor, who):\n"
        "    cursor.execute('SELECT a FROM t WHERE stock <= minimum AND owner = %s', (who,))\n"
        "    cursor.execute('SELECT a FROM t WHERE stock <= %s', (who,))\n"
    )
    found = build({"app.py": text}).facts(Query)
    assert [(q.equality, q.range) for q in found] == [(("owner",), ()), ((), ("stock",))]


@pytest.mark.parametrize(
    "asked",
    ["a IS NOT NULL", "a IS NOT NULL AND b IS NOT NULL", "a <> 'x'", "a != %s", "a IS NOT NULL AND b != 1", "a IS NOT TRUE"],
)  # fmt: skip
def test_what_differs_alone_finds_nearly_everything_in_text_too(build: Build, asked: str) -> None:
    code = f'def ask(cursor):\n    cursor.execute("SELECT a FROM t WHERE {asked}", (1,))\n'
    schema = "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b TEXT);\n"
    found = build({"app.py": code, "schema.sql": schema}).facts(CollectionFit)
    assert [m.fit for f in found for _, m in f.fits] == [Fit.COVERED]


@pytest.mark.parametrize(("kind", "fit"), [("DATE", Fit.COVERED), ("TIMESTAMP", Fit.MISSING)])
def test_a_cast_to_its_own_type_leaves_the_index_to_a_column(
    build: Build, kind: str, fit: Fit
) -> None:
    code = (
        "def ask(cursor):\n    cursor.execute('SELECT a FROM t WHERE day::date = CURRENT_DATE')\n"
    )
    schema = f"CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, day {kind});\nCREATE INDEX ix ON t (day);\n"
    files = {"app.py": code, "schema.sql": schema, "requirements.txt": "psycopg2\n"}
    assert [m.fit for f in build(files).facts(CollectionFit) for _, m in f.fits] == [fit]


GIVEN = """
import sqlite3
db = sqlite3.connect("shop.db")
db.executescript("CREATE TABLE messages (id INTEGER PRIMARY KEY, phone TEXT, oid INTEGER, made TEXT);")
def ask(since, given):
    where, more = ("WHERE made > ?", [since]) if since else ("", [])
    asked = []
    if given:
        asked.append("phone = ?")
    joined = " AND ".join(asked) if asked else "1=1"
    return db.execute(f"%s").fetchall()
"""


@pytest.mark.parametrize(
    "text, expected",
    [
        ("SELECT phone, COUNT(*) FROM messages {where} GROUP BY phone", {("missing", "made"), ("covered", "")}),
        ("SELECT phone, COUNT(*) FROM messages {given} GROUP BY phone", {("unknown", "")}),
        ("SELECT * FROM messages {given}", {("unknown", "")}),
        ("SELECT * FROM messages WHERE {joined}", {("covered", ""), ("missing", "phone")}),
        ("SELECT * FROM messages m WHERE m.oid = 7", {("missing", "oid")}),
        ("SELECT * FROM messages m WHERE m.rowid = 7", {("covered", "")}),
        ("SELECT * FROM ({given}) ORDER BY made", {("unknown", "")}),
        ("SELECT * FROM (SELECT * FROM messages WHERE phone = 'x')", {("missing", "phone")}),
        ("SELECT * FROM last_messages(7)", {("unknown", "")}),
        ("SELECT * FROM json_each('[1]')", set()),
    ],
)  # fmt: skip
def test_what_is_put_into_a_text(text: str, expected: set[tuple[str, str]], build: Build) -> None:
    application = build({"app.py": GIVEN % text})
    found = {
        (match.fit.value, ", ".join(match.missing))
        for fit in application.facts(CollectionFit)
        for _, match in fit.fits
    }
    assert found == expected


def test_the_index_of_what_narrows_most_is_used(build: Build) -> None:
    """Of two columns with an index each, a status is shared by many records."""
    schema = (
        "CREATE TABLE messages (id INTEGER PRIMARY KEY, phone TEXT, status TEXT);\n"
        "CREATE INDEX by_status ON messages (status);\nCREATE INDEX by_phone ON messages (phone);\n"
    )
    code = (
        "def ask(cursor, phone):\n"
        "    cursor.execute(\"SELECT 1 FROM messages WHERE phone = %s AND status = 'sent'\", (phone,))\n"
    )
    (fit,) = build({"schema.sql": schema, "app.py": code}).facts(CollectionFit)
    ((_, match),) = fit.fits
    assert match.by is not None
    assert (match.by.fields, match.missing) == ((("phone", 1),), ("status",))
    assert [p.fields for p in fit.proposed] == [(("phone", 1), ("status", 1))]


@pytest.mark.parametrize("column, fit", [("school", Fit.UNKNOWN), ("number", Fit.MISSING)])
def test_an_index_of_one_table_or_another(column: str, fit: Fit, build: Build) -> None:
    """The table is told at run time, the columns are not: what it cannot serve is missing all the same."""
    code = f"""
def start(cursor, table):
    cursor.execute("CREATE TABLE payments (id INT PRIMARY KEY, school INT, number INT)")
    cursor.execute(f"CREATE INDEX by_school_{{table}} ON {{table}} (school)")

def ask(cursor, given):
    cursor.execute("SELECT * FROM payments WHERE {column} = %s", (given,))
"""
    application = build({"app.py": code})
    found = [m.fit for c in application.facts(CollectionFit) for _, m in c.fits]
    assert found == [fit]
    assert {table.name for table in application.facts(Table)} == {"payments"}


@pytest.mark.parametrize(
    "made, fit", [("POINT", Fit.COVERED), ("POINT', spatial_index=False, x='", Fit.MISSING)]
)
def test_types_of_places_bring_their_index(made: str, fit: Fit, build: Build) -> None:
    """GeoAlchemy creates a GiST index with the table, if it is not told otherwise."""
    code = f"""
from geoalchemy2 import Geography
from sqlalchemy import Column, Integer, func, select
from sqlalchemy.orm import declarative_base
class Event(declarative_base()):
    __tablename__ = "events"
    id = Column(Integer, primary_key=True)
    place = Column(Geography(geometry_type='{made}'))
def near(session, point):
    return session.scalars(select(Event).where(func.ST_DWithin(Event.place, point, 1000)))
"""
    (found,) = build({"app.py": code}).facts(CollectionFit)
    assert [match.fit for _, match in found.fits] == [fit]


def test_statements_behind_a_comment_change_the_schema(build: Build) -> None:
    code = """
SCHEMA = \"\"\"
-- what is asked by its owner
CREATE TABLE items (id SERIAL PRIMARY KEY, owner INT);
CREATE INDEX by_owner ON items (owner);
\"\"\"
def start(connection):
    connection.execute(text(SCHEMA))
def ask(connection, owner):
    connection.execute("SELECT * FROM items WHERE owner = %s", (owner,))
"""
    fits = [m for c in build({"app.py": code}).facts(CollectionFit) for _, m in c.fits]
    assert [match.fit for match in fits] == [Fit.COVERED]


def test_a_class_asks_its_own_model(build: Build) -> None:
    """`query(self.model).filter(self.model.id == …)` of a class with many heirs: each asks its own table."""
    code = """
from sqlalchemy import Column, Integer
from sqlalchemy.orm import declarative_base
Base = declarative_base()
class A(Base):
    __tablename__ = "a"
    id = Column(Integer, primary_key=True)
class B(Base):
    __tablename__ = "b"
    id = Column(Integer, primary_key=True)
class Store:
    def __init__(self, model):
        self.model = model
    def get(self, session, id):
        return session.query(self.model).filter(self.model.id == id).first()
class StoreOfA(Store):
    def __init__(self):
        super().__init__(A)
class StoreOfB(Store):
    def __init__(self):
        super().__init__(B)
def ask(session):
    return StoreOfA().get(session, 1), StoreOfB().get(session, 2)
"""
    found = {(q.collection, q.equality) for q in build({"app.py": code}).facts(Query)}
    assert found == {("a", ("id",)), ("b", ("id",))}


def test_a_constraint_that_is_told_twice_is_one_index(build: Build) -> None:
    model = """
from sqlalchemy import Column, Integer, UniqueConstraint
from sqlalchemy.orm import declarative_base
class Review(declarative_base()):
    __tablename__ = "reviews"
    id = Column(Integer, primary_key=True)
    booking = Column(Integer, unique=True)
    __table_args__ = (UniqueConstraint("booking", name="one_of_a_booking"),)
"""
    migration = """
import sqlalchemy as sa
from alembic import op
revision, down_revision = "1", None
def upgrade():
    op.create_table("reviews", sa.Column("id", sa.Integer()), sa.Column("booking", sa.Integer()),
                    sa.PrimaryKeyConstraint("id"), sa.UniqueConstraint("booking", name="one_of_a_booking"))
"""
    application = build({"app.py": model, "alembic/versions/1_first.py": migration})
    made = [(i.fields, i.run) for i in application.facts(Index)]
    assert sorted(made) == [((("booking", 1),), "migration"), ((("id", 1),), "migration")]


@pytest.mark.parametrize(
    "text", ["ALL_ITEMS", "queries.ALL_ITEMS", "Texts.BY_OWNER", "self.by_owner_sql", "again"]
)
def test_statements_that_are_kept_elsewhere(text: str, build: Build) -> None:
    files = {
        "queries.py": 'ALL_ITEMS = "SELECT * FROM items WHERE owner = %s"\n',
        "app.py": f"""
import queries
from queries import ALL_ITEMS
class Texts:
    BY_OWNER = "SELECT * FROM items WHERE owner = %s"
class Store:
    by_owner_sql = "SELECT * FROM items WHERE owner = %s"
    def ask(self, cursor, owner, limit):
        again = ALL_ITEMS
        if limit:
            again += f" LIMIT {{limit}}"
        cursor.execute({text}, (owner,))
""",
        "schema.sql": "CREATE TABLE items (id SERIAL PRIMARY KEY, owner INT);\n",
    }
    found = {
        (match.fit, match.missing) for c in build(files).facts(CollectionFit) for _, match in c.fits
    }
    assert found == {(Fit.MISSING, ("owner",))}


def test_constructors_hand_their_model_to_their_base(build: Build) -> None:
    code = """
from sqlalchemy import Column, Integer, String
from sqlalchemy.orm import declarative_base
class Item(declarative_base()):
    __tablename__ = "items"
    id = Column(Integer, primary_key=True)
    name = Column(String)
class Store:
    def __init__(self, model, session):
        self.model, self.session = model, session
    def named(self, name):
        return self.session.query(self.model).filter(self.model.name == name).first()
class Items(Store):
    def __init__(self, session):
        super().__init__(Item, session)
"""
    assert {(q.collection, q.equality) for q in build({"app.py": code}).facts(Query)} == {
        ("items", ("name",))
    }


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("SELECT * FROM (SELECT ware_id, SUM(n) AS sold FROM sale GROUP BY ware_id) t NATURAL JOIN ware ORDER BY sold DESC LIMIT 3", ()),
        ("SELECT * FROM (SELECT ware_id, SUM(n) AS sold FROM sale GROUP BY ware_id) t NATURAL JOIN ware ORDER BY name LIMIT 3", (("name", 1),)),
        ("SELECT * FROM ware ORDER BY sold DESC LIMIT 3", (("sold", -1),)),
    ],
)  # fmt: skip
def test_an_order_by_what_a_subquery_works_out(
    statement: str, expected: tuple[tuple[str, int], ...], build: Build
) -> None:
    schema = "CREATE TABLE ware (ware_id INT PRIMARY KEY, name TEXT);\nCREATE TABLE sale (ware_id INT, n INT);\n"
    code = f"import sqlite3\ncur = sqlite3.connect('x').cursor()\ndef ask():\n    cur.execute({statement!r})\nask()\n"
    found = build({"app.py": code, "schema.sql": schema}).facts(Query)
    assert [q.sort for q in found if q.collection == "ware"] == [expected]


@pytest.mark.parametrize(
    ("driver", "bound", "fit"),
    [
        ("pymysql", "(request.form['email'],)", Fit.COVERED),
        ("pymysql", "request.form.get('email')", Fit.COVERED),
        ("psycopg2", "[form.email.data]", Fit.COVERED),
        ("pymysql", "(f\"%{request.form['email']}%\",)", Fit.MISSING),
        ("pymysql", "(f'{pattern}%',)", Fit.COVERED),
        ("pymysql", "(pattern + '%',)", Fit.COVERED),
        ("pymysql", "('%' + pattern,)", Fit.MISSING),
        ("pymysql", "(pattern,)", Fit.MISSING),
        ("pymysql", "(made,)", Fit.MISSING),
        ("sqlite3", "(request.form['email'],)", Fit.MISSING),
    ],
)
def test_a_like_without_a_wildcard_is_a_search(
    driver: str, bound: str, fit: Fit, build: Build
) -> None:
    schema = "CREATE TABLE member (id INT PRIMARY KEY, email VARCHAR(99), UNIQUE (email));\n"
    code = (
        f"import {driver}\nfrom flask import Flask, request\napp = Flask(__name__)\ncur = {driver}.connect('x').cursor()\n"
        f"@app.post('/<pattern>/<form>')\ndef ask(pattern, form):\n    made = '%' + request.form['email']\n    cur.execute('SELECT * FROM member WHERE email LIKE (%s)', {bound})\n"
        "    cur.execute('INSERT INTO member (email) VALUES (%s)', (1,))\n"
    )
    found = build({"app.py": code, "schema.sql": schema}).facts(CollectionFit)
    assert [m.fit for c in found for q, m in c.fits if (*q.range, *q.scanned)] == [fit]


@pytest.mark.parametrize(
    ("wrapper", "tables"),
    [
        ("from flask_pw import Peewee\ndb = Peewee(app)", ["post"]),
        ("from flask_pw import Peewee\ndb = Peewee()\ndb.init_app(app)", ["post"]),
        ("from playhouse.flask_utils import FlaskDB\ndb = FlaskDB(app)", ["post"]),
        ("from flask_peewee.db import Database\ndb = Database(app)", ["post"]),
    ],
)
def test_the_model_that_an_extension_of_flask_gives(
    wrapper: str, tables: list[str], build: Build
) -> None:
    code = f"from peewee import IntegerField\nfrom app import app\n{wrapper}\nclass Post(db.Model):\n    views = IntegerField()\n"
    assert [t.name for t in build({"models.py": code}).facts(Table)] == tables


@pytest.mark.parametrize(
    ("imported", "base", "tables"),
    [
        ("from peewee import TextField", "Model", ["post"]),  # of a package that wraps Peewee
        ("import peewee\nfrom peewee import TextField", "db.Model", ["post"]),
        ("from playhouse.postgres_ext import TSVectorField as TextField", "Model", ["post"]),
        ("from peewee import TextField", "Own", ["post"]),
        ("from wtforms import TextField\nimport peewee", "Model", []),
        ("from peewee import TextField", "object", []),  # what models are mixed with
        ("from peewee import TextField", "Plain", []),
    ],
)
def test_fields_of_peewee_tell_a_model_whose_base_another_package_makes(
    imported: str, base: str, tables: list[str], build: Build
) -> None:
    code = (
        f"{imported}\nfrom acme.db import db\nModel = db.Model\nclass Plain:\n    pass\nclass Own(Model):\n    pass\n"
        f"class Post({base}):\n    code = TextField()\n"
        "def ask(code):\n    return Post.get(code=code)\n"
    )
    found = build({"models.py": code})
    assert [t.name for t in found.facts(Table)] == tables
    asked = {(q.collection, q.operation, q.equality) for q in found.facts(Query) if q.collection}
    assert asked == {(table, "get", ("code",)) for table in tables}


@pytest.mark.parametrize(
    ("options", "meta", "columns"),
    [  # as Tortoise 1.1 makes them
        ("", "", ("channel_rel_id", "channel_id")),
        (", forward_key='to_id'", "", ("channel_id", "to_id")),
        (", backward_key='me_id'", "", ("me_id", "channel_id")),
        ("", "\n    class Meta:\n        table = 'ways'", ("ways_id", "channel_id")),
    ],
)
def test_the_table_between_a_model_of_tortoise_and_itself(
    options: str, meta: str, columns: tuple[str, str], build: Build
) -> None:
    code = (
        "from tortoise import fields\nfrom tortoise.models import Model\nclass Channel(Model):\n"
        f"    bridged = fields.ManyToManyField('models.Channel', related_name='others', through='between'{options}){meta}\n"
        "async def ask(key):\n    return await Channel.filter(bridged__id=key)\n"
        "async def back(key):\n    return await Channel.filter(others__id=key)\n"
    )
    application = build({"models.py": code})
    (unique,) = [x for x in application.facts(Index) if x.collection == "between"]
    assert tuple(name for name, _ in unique.fields) == columns
    assert [q.equality for q in of(application, "between")] == [(columns[1],), (columns[0],)]
