"""Queries that are put together in ways of their own: helpers of extensions, relations to many, steps
that are taken in some runs only, filters that a class or a caller brings."""

from __future__ import annotations

import pytest

from auditor.model.data import CollectionFit, Fit, Index, Query
from tests.conftest import Build
from tests.stores.test_sql_shapes import DJANGO, PEEWEE, SQLALCHEMY, TORTOISE, of


def told(build: Build, code: str, table: str) -> set[tuple[tuple[str, ...], tuple[str, ...]]]:
    return {(q.equality, (*q.range, *q.scanned)) for q in of(build({"app.py": code}), table)}


def fits(build: Build, files: dict[str, str], table: str) -> dict[tuple[str, ...], Fit]:
    (found,) = (c for c in build(files).facts(CollectionFit) if c.name == table)
    return {q.fields: match.fit for q, match in found.fits}


def test_peewee_helpers_for_flask(build: Build) -> None:
    code = "from playhouse import flask_utils\n" + PEEWEE + (
        "def one(key):\n    return flask_utils.get_object_or_404(Post, Post.views == key)\n"
        "def many():\n    return flask_utils.object_list('posts.html', Post.select().where(Post.author == 3))\n"
    )  # fmt: skip
    assert told(build, code, "post") == {(("views",), ()), (("author_id",), ())}


def test_tortoise_asks_again_for_a_relation_that_was_loaded(build: Build) -> None:
    code = TORTOISE + (
        "async def ask():\n"
        "    for user in await User.all().prefetch_related('posts'):\n"
        "        print(len(user.posts), user.posts[0], await user.posts.all())\n"
    )
    found = of(build({"app.py": code}), "posts")
    assert [(q.equality, q.loop is not None) for q in found if q.operation == "select"] == [
        (("author_id",), True)
    ]


@pytest.mark.parametrize("way", ["rows[0]", "next(iter(rows))"])
def test_rows_of_values_are_dicts_of_their_own(way: str, build: Build) -> None:
    code = f"{TORTOISE}async def ask(key):\n    rows = await Post.filter(views=key).values('id', 'views')\n    row = {way}\n    return row.get('id')\n"
    loop = f"{TORTOISE}async def ask(key):\n    rows = await Post.filter(views=key).values('id')\n    for row in rows:\n        row.get('id')\n"
    objects = f"{TORTOISE}async def ask(key):\n    post = (await Post.filter(views=key))[0]\n    return await post.get(views=1)\n"
    assert [len(of(build({"app.py": x}), "posts")) for x in (code, loop, objects)] == [1, 1, 2]


@pytest.mark.parametrize(
    ("body", "sent"),
    [
        ("    post = Post.get_or_none(views=key)\n    if post:\n        return 1\n", False),
        (
            "    post = Post.get_or_none(views=key)\n    return 1 if post is None else post.id\n",
            False,
        ),
        ("    post = await Post.get_or_none(views=key)\n    if post:\n        return 1\n", True),
        ("    post = Post.get_or_none(views=key)\n    if await post:\n        return 1\n", True),
        ("    post = Post.get_or_none(views=key)\n    return post\n", True),
        ("    post = Post.get_or_none(views=key)\n    return await gather(post)\n", True),
        (
            "    post = Post.filter(views=key)\n    if await post.exists():\n        return 1\n",
            True,
        ),
        ("    if Post.filter(views=key).exists():\n        return 1\n", False),
        ("    if not Post.filter(views=key).exists():\n        return 1\n", False),
        ("    if await Post.filter(views=key).exists():\n        return 1\n", True),
        ("    Post.filter(views=key).delete()\n", False),
        ("    await Post.filter(views=key).delete()\n", True),
        ("    run(Post.filter(views=key).delete())\n", True),
    ],
)
def test_a_query_of_tortoise_that_nothing_awaits_is_not_sent(
    body: str, sent: bool, build: Build
) -> None:
    code = f"{TORTOISE}async def ask(key):\n{body}"
    assert bool(of(build({"app.py": code}), "posts")) is sent


@pytest.mark.parametrize(
    ("modules", "fit"),
    [
        ('{"models": ["live"]}', Fit.MISSING),
        ('{"models": ["live", "old"]}', Fit.COVERED),
        ('{"models": ["live", "both"]}', Fit.COVERED),
        ('{"models": named}', Fit.COVERED),
        ('{"models": ["elsewhere"]}', Fit.COVERED),
    ],
)
def test_a_model_of_a_module_that_tortoise_is_not_told(
    modules: str, fit: Fit, build: Build
) -> None:
    """Another of the same table adds no index to it."""
    live = 'from tortoise import fields, models\nclass User(models.Model):\n    name = fields.CharField(max_length=9)\n    class Meta:\n        table = "users"\n'
    old = "from tortoise import fields, models\nclass Users(models.Model):\n    name = fields.CharField(max_length=9, unique=True)\n"
    app = f"from tortoise.contrib.fastapi import register_tortoise\nfrom elsewhere import app, named\nfrom live import User\nasync def ask(name):\n    return await User.filter(name=name).first()\nregister_tortoise(app, modules={modules}, generate_schemas=True)\n"
    files = {"app.py": app, "live.py": live, "old.py": old, "both.py": "from old import Users\n"}
    assert fits(build, files, "users") == {("name",): fit}


@pytest.mark.parametrize(
    ("users", "equality"),
    [
        ("await User.all().prefetch_related('posts')", ()),
        (
            "[u async for u in User.all().prefetch_related('posts').order_by('name')]",
            (),
        ),
        ("await User.all().prefetch_related('posts').order_by('name')", ()),
        ("await User.all().prefetch_related('posts').limit(9)", ("author_id",)),
        ("await User.all().prefetch_related('posts').first()", ("author_id",)),
        ("await User.filter(name=key).prefetch_related('posts')", ("author_id",)),
        ("await User.all().prefetch_related('posts').filter(name=key)", ("author_id",)),
    ],
)
def test_what_belongs_to_all_objects_is_read_from_end_to_end(
    users: str, equality: tuple[str, ...], build: Build
) -> None:
    code = f"{TORTOISE}async def ask(key):\n    return {users}\n"
    assert [q.equality for q in of(build({"app.py": code}), "posts")] == [equality]


MANY = """
from django.db import models
class Tag(models.Model):
    name = models.CharField(max_length=9)
    class Meta:
        app_label = "blog"
class Note(models.Model):
    number = models.CharField(max_length=9, unique=True)
    state = models.CharField(max_length=4, choices=[("open", "Open"), ("shut", "Shut")])
    kind = models.CharField(max_length=4, choices=[("a", "A"), ("b", "B"), ("c", "C")])
    archived_at = models.DateTimeField(null=True)
    tags = models.ManyToManyField(Tag, through="Tagged")
    class Meta:
        app_label = "blog"
class Tagged(models.Model):
    note = models.ForeignKey(Note, on_delete=models.CASCADE)
    tag = models.ForeignKey(Tag, on_delete=models.CASCADE)
    class Meta:
        app_label = "blog"
"""


def test_a_relation_over_a_table_named_as_text_is_changed_in_that_table(build: Build) -> None:
    code = MANY + "def empty():\n    note = Note(number='1')\n    note.tags.clear()\n"
    assert told(build, code, "blog_tagged") == {(("note_id",), ())}
    assert not told(build, code, "blog_tag")


def test_a_queryset_that_is_handed_on_is_asked_where_it_ends(build: Build) -> None:
    code = MANY + (
        "from django.shortcuts import get_object_or_404\n"
        "def show(key):\n"
        "    found = Note.objects.filter(kind='a')\n"
        "    return get_object_or_404(found, number=key)\n"
    )
    assert told(build, code, "blog_note") == {(("kind", "number"), ())}


def test_columns_of_two_values_and_marks_of_deletion_are_left_alone(build: Build) -> None:
    code = MANY + (
        "def ask():\n"
        "    list(Note.objects.filter(state='open'))\n"
        "    list(Note.objects.filter(archived_at__isnull=True))\n"
        "    list(Note.objects.filter(kind='a'))\n"
    )
    found = fits(build, {"app.py": code}, "blog_note")
    assert found == {("state",): Fit.COVERED, ("archived_at",): Fit.COVERED, ("kind",): Fit.UNKNOWN}


def test_an_enumeration_of_two_is_one_of_two_values(build: Build) -> None:
    code = (
        "import enum\nfrom sqlalchemy import Column, Enum, Integer, select\nfrom sqlalchemy.orm import declarative_base\n"
        "Base = declarative_base()\n"
        "class Kind(enum.Enum):\n    A = 'a'\n    B = 'b'\n"
        "class Item(Base):\n    __tablename__ = 'items'\n    id = Column(Integer, primary_key=True)\n"
        "    kind = Column(Enum(Kind))\n    size = Column(Enum('s', 'm', 'l', name='size'))\n"
        "def ask(session):\n"
        "    session.scalars(select(Item).where(Item.kind == Kind.A)).all()\n"
        "    session.scalars(select(Item).where(Item.size == 's')).all()\n"
    )
    found = fits(build, {"app.py": code}, "items")
    assert found == {("kind",): Fit.COVERED, ("size",): Fit.UNKNOWN}


def test_a_helper_that_names_no_model_is_listed(build: Build) -> None:
    code = DJANGO + "def live(found):\n    return found.filter(live=True)\n"
    untold = [q for q in build({"app.py": code}).facts(Query) if not q.collection]
    assert [q.place.line for q in untold] == [len(code.splitlines())]
    assert all(q.unresolved for q in untold)


def test_what_a_step_may_leave_out_stays_possible(build: Build) -> None:
    code = DJANGO + (
        "def index(render, a, b):\n"
        "    found = Post.objects.all()\n"
        "    if a:\n        found = found.filter(views__gt=a)\n"
        "    if b:\n        found = found.exclude(live=b)\n"
        "    return render({'posts': found})\n"
    )
    assert {((), ()), ((), ("views",))} <= told(build, code, "blog_post")


def test_a_list_of_conditions_is_not_empty(build: Build) -> None:
    code = SQLALCHEMY + (
        "from sqlalchemy import select\n"
        "def one(session, given=None):\n"
        "    query = select(Post)\n"
        "    if given:\n        query = query.where(*given)\n"
        "    return session.scalars(query).first()\n"
        "def ask(session):\n"
        "    wanted = (Post.views == 3, Post.author_id == 4)\n"
        "    return one(session, wanted)\n"
    )
    assert (("views", "author_id"), ()) in told(build, code, "posts")


def test_names_that_a_call_brings(build: Build) -> None:
    code = SQLALCHEMY + (
        "def find(session, **given):\n    return session.query(Post).filter_by(**given).all()\n"
        "def ask(session):\n    return find(session, author_id=3, views=4)\n"
    )
    assert (("author_id", "views"), ()) in told(build, code, "posts")


def test_relations_that_are_always_loaded_are_asked_for(build: Build) -> None:
    code = SQLALCHEMY.replace('back_populates="author")', 'back_populates="author", lazy="selectin")')  # fmt: skip
    code += "from sqlalchemy import select\ndef ask(session):\n    {}\n"
    asked = [
        told(build, code.format(line), "posts")
        for line in ("return session.scalars(select(User)).all()", "return session.execute(select(User.id)).all()")
    ]  # fmt: skip
    assert asked == [{(("author_id",), ())}, set()]


def test_fastapi_filter(build: Build) -> None:
    code = SQLALCHEMY + (
        "from fastapi_filter.contrib.sqlalchemy import Filter\nfrom sqlalchemy import select\n"
        "class Given(Filter):\n    views__gte: int | None = None\n    author_id: int | None = None\n"
        "    order_by: list[str] | None = None\n"
        "    class Constants(Filter.Constants):\n        model = Post\n"
        "async def ask(session, given: Given):\n"
        "    query = given.sort(given.filter(select(Post)))\n"
        "    return (await session.scalars(query)).all()\n"
    )
    assert told(build, code, "posts") == {((), ()), ((), ("views",)), (("author_id",), ())}


def test_a_table_is_not_dropped_by_running_code(build: Build) -> None:
    code = (
        "import asyncpg\n"
        "CREATE = 'CREATE TABLE days (day DATE PRIMARY KEY, note TEXT)'\nDROP = 'DROP TABLE days'\n"
        "async def make(conn):\n    await conn.execute(CREATE)\n"
        "async def ask(conn, day):\n    return await conn.fetch('SELECT note FROM days WHERE day = $1', day)\n"
    )
    assert fits(build, {"app.py": code}, "days") == {("day",): Fit.COVERED}


AERICH = 'from tortoise import BaseDBAsyncClient\nasync def upgrade(db: BaseDBAsyncClient) -> str:\n    return """{}"""\nasync def downgrade(db: BaseDBAsyncClient) -> str:\n    return """DROP TABLE IF EXISTS "posts";"""\n'


def test_aerich_replays_its_files_by_number(build: Build) -> None:
    files = {
        "app.py": TORTOISE.replace("views = fields.IntField()", "views = fields.IntField(index=True)"),
        "migrations/models/10_views.py": AERICH.format('CREATE INDEX "ix_author" ON "posts" ("author_id");'),
        "migrations/models/0_init.py": AERICH.format(
            'CREATE TABLE IF NOT EXISTS "user" ("id" SERIAL NOT NULL PRIMARY KEY, "name" VARCHAR(20) NOT NULL UNIQUE);\n'
            'CREATE TABLE IF NOT EXISTS "posts" ("id" SERIAL NOT NULL PRIMARY KEY, "views" INT NOT NULL, "author_id" INT NOT NULL);'
        ),
    }  # fmt: skip
    runs = {(i.collection, i.fields[0][0]): i.run for i in build(files).facts(Index)}
    assert runs["posts", "author_id"] == runs["user", "name"] == "migration"
    assert runs["posts", "views"] == "", "declared by the model, created by no migration"


@pytest.mark.parametrize("whole", ["user.dict()", "user.model_dump(exclude_none=True)"])
def test_a_whole_document_as_filter_is_not_told(build: Build, whole: str) -> None:
    code = f"from pymongo import MongoClient\ndb = MongoClient()['x']\ndef ask(user):\n    return db.users.find_one({whole})\n"
    (query,) = build({"app.py": code}).facts(Query)
    assert (query.equality, query.unresolved) == ((), "a whole document is its filter")


STORE = """
from typing import Generic, TypeVar
from pymongo import MongoClient
db = MongoClient()["x"]
T = TypeVar("T")
class User:
    name = "users"
class Order:
    name = "orders"
class Store(Generic[T]):
    def __init__(self, db, model: type[T]):
        self.kept = db[model.name]
    def get(self, query):
        return self.kept.find_one(query)
users = Store(db, User)
orders = Store(db, model=Order)
"""


def test_an_object_asks_the_collection_that_its_type_names(build: Build) -> None:
    code = STORE + (
        "class Users:\n    def __init__(self, kept: Store[User]):\n        self.kept = kept\n"
        "    def by_mail(self, mail):\n        return self.kept.get({'mail': mail})\n"
        "def by_number(kept: Store[Order], number):\n    return kept.get({'number': number})\n"
    )
    found = {(q.collection, q.equality) for q in build({"app.py": code}).facts(Query)}
    assert found == {("users", ("mail",)), ("orders", ("number",))}


def test_a_call_that_could_be_of_either_says_nothing_of_both(build: Build) -> None:
    code = STORE + "def by_mail(kept: Store, mail):\n    return kept.get({'mail': mail})\n"
    found = [q for q in build({"app.py": code}).facts(Query) if "mail" in q.equality]
    assert not found


def test_odmantic_in_a_class_for_every_model(build: Build) -> None:
    code = (
        "from odmantic import Model\n"
        "class User(Model):\n    mail: str\n    age: int\n"
        "class Base:\n    model = None\n    def __init__(self, session):\n        self.session = session\n"
        "    async def one(self, *clauses):\n        return await self.session.find_one(self.model, *clauses)\n"
        "class Users(Base):\n    model = User\n"
        "    async def by_mail(self, mail):\n        return await self.one(self.model.mail == mail)\n"
    )
    found = [(q.collection, q.equality) for q in build({"app.py": code}).facts(Query)]
    assert found == [("user", ("mail",))]


def test_a_join_of_two_whole_tables_looks_nothing_up(build: Build) -> None:
    asked = "session.query(User).join(Post){}.distinct().all()"
    found = [
        told(build, f"{SQLALCHEMY}def ask(session, key):\n    return {asked.format(narrowed)}\n", "posts")
        for narrowed in ("", ".filter(User.name == key)")
    ]  # fmt: skip
    assert found == [{((), ())}, {(("author_id",), ())}]


def test_a_decorated_base_declares_models(build: Build) -> None:
    code = (
        "from sqlalchemy import Column, Integer, String, select\n"
        "from sqlalchemy.ext.declarative import as_declarative, declared_attr\n"
        "@as_declarative()\nclass Base:\n    id = Column(Integer, primary_key=True)\n"
        "    @declared_attr\n    def __tablename__(cls):\n        return cls.__name__.lower()\n"
        "class Todo(Base):\n    title = Column(String)\n"
        "def ask(session, title):\n    return session.scalars(select(Todo).where(Todo.title == title)).all()\n"
    )
    assert fits(build, {"app.py": code}, "todo") == {("title",): Fit.MISSING}


def test_users_of_a_package_are_models_of_tortoise(build: Build) -> None:
    code = (
        "from fastapi_users.db import TortoiseBaseUserModel\n"
        "class User(TortoiseBaseUserModel):\n    pass\n"
        "async def ask(mail):\n    return await User.filter(email=mail).first()\n"
    )
    assert fits(build, {"app.py": code}, "user") == {("email",): Fit.COVERED}


def test_links_that_are_fetched_one_by_one(build: Build) -> None:
    code = (
        "from beanie import Document, Link\n"
        "class Org(Document):\n    name: str\n"
        "class Member(Document):\n    org: Link[Org]\n"
        "async def ask():\n"
        "    for member in await Member.find(Member.org.id == 3).to_list():\n"
        "        await member.fetch_link('org')\n"
    )
    found = of(build({"app.py": code}), "Org")
    assert [(q.operation, q.equality, q.loop is not None) for q in found] == [("find_one", ("_id",), True)]  # fmt: skip


def test_collections_of_eve(build: Build) -> None:
    code = (
        "from eve.auth import BasicAuth\nfrom flask import current_app as app\n"
        "class Auth(BasicAuth):\n    def check_auth(self, name):\n"
        "        accounts = app.data.driver.db['users']\n"
        "        return accounts.find_one({'email': name})\n"
    )
    assert [(q.collection, q.equality) for q in build({"app.py": code}).facts(Query)] == [("users", ("email",))]  # fmt: skip


GENERIC = """
from django.contrib.contenttypes.fields import GenericForeignKey, GenericRelation
from django.contrib.contenttypes.models import ContentType
from django.db import models
class Review(models.Model):
    content_type = models.ForeignKey(ContentType, on_delete=models.CASCADE)
    object_id = models.PositiveIntegerField()
    of = GenericForeignKey("content_type", "object_id")
    class Meta:
        app_label = "blog"
class Room(models.Model):
    name = models.CharField(max_length=9)
    reviews = GenericRelation(Review)
    class Meta:
        app_label = "blog"
"""


def test_generic_relations_ask_by_both_columns(build: Build) -> None:
    code = GENERIC + "def show(key):\n    return list(Room.objects.get(pk=key).reviews.all())\n"
    assert told(build, code, "blog_review") == {(("content_type_id", "object_id"), ())}
    assert fits(build, {"app.py": code}, "blog_review") == {("content_type_id", "object_id"): Fit.PARTIAL}  # fmt: skip


SOME_MODEL = {
    "its query": "def ask(model):\n    return model.query.all()\n",
    "by its key": "def ask(self, key):\n    return self.session.get(self.entity_class, key)\n",
    "text of a list": "import pandas\ndef ask(parts, conn):\n    return pandas.read_sql('\\n'.join(parts), conn)\n",
}


@pytest.mark.parametrize("code", SOME_MODEL.values(), ids=list(SOME_MODEL))
def test_a_model_that_only_callers_know_is_listed(build: Build, code: str) -> None:
    whole = SQLALCHEMY + code
    found = [q for q in build({"app.py": whole}).facts(Query) if not q.collection]
    assert [q.place.line for q in found] == [len(whole.splitlines())]
    assert all(q.unresolved for q in found)


def test_other_attributes_called_query_are_nothing(build: Build) -> None:
    code = (
        SQLALCHEMY
        + "def ask(request, url):\n    return request.query.get('a'), url.query.count('b')\n"
    )
    assert not build({"app.py": code}).facts(Query)


def test_an_object_of_tortoise_asks_its_own_table(build: Build) -> None:
    code = TORTOISE.replace("    views = fields.IntField()", "    views = fields.IntField()\n    async def keep(self):\n        await self.filter(views=self.views).update(views=3)")  # fmt: skip
    assert told(build, code, "posts") == {(("views",), ())}


def test_the_manager_of_peewee_async(build: Build) -> None:
    code = PEEWEE + (
        "async def ask(app, key):\n"
        "    await app.objects.get(Post, Post.views == key)\n"
        "    await app.objects.get_or_create(Post, author=key)\n"
    )
    assert told(build, code, "post") == {(("views",), ()), (("author_id",), ())}


def test_a_text_and_its_condition(build: Build) -> None:
    code = (
        "import sqlite3\nKEYS = ['a', 'b']\n"
        "def ask(cursor, name):\n"
        "    sql = f\"SELECT {','.join(KEYS)} FROM users\"\n"
        "    cursor.execute(sql + ' WHERE name = ?', (name,))\n"
    )
    assert told(build, code, "users") == {(("name",), ())}


def test_an_index_in_an_order_of_its_own_is_of_the_column(build: Build) -> None:
    code = (
        "import sqlite3\n"
        "def make(db):\n"
        "    db.execute('CREATE TABLE users (id TEXT PRIMARY KEY, name TEXT)')\n"
        "    db.execute('CREATE UNIQUE INDEX by_name ON users (name COLLATE NOCASE)')\n"
        "def ask(db, name):\n    db.execute('DELETE FROM users WHERE name = ? COLLATE NOCASE', (name,))\n"
    )
    assert fits(build, {"app.py": code}, "users") == {("name",): Fit.COVERED}


def test_a_driver_that_is_only_required(build: Build) -> None:
    code = (
        "from elsewhere import connect\n"
        "class Store:\n    def __init__(self):\n        self.mongo = connect()['leads']\n"
        "    def one(self, given):\n        return self.mongo.find_one({'mail': given})\n"
    )
    found = [build({"app.py": code, **more}).facts(Query) for more in ({}, {"requirements.txt": "motor==3.3.2\n"})]  # fmt: skip
    assert [[q.equality for q in each] for each in found] == [[], [("mail",)]]


def test_groups_of_a_user(build: Build) -> None:
    code = DJANGO + (
        "from django.contrib.auth.models import User as Account\n"
        "def allowed(request):\n"
        "    return request.user.groups.filter(name='staff').exists()\n"
        "def named(someone):\n    return someone.groups.get(user=someone)\n"
        "Account.objects.count()\n"
    )
    application = build({"app.py": code})
    asked = {(q.collection, q.operation, q.equality) for q in application.facts(Query) if "group" in q.collection}  # fmt: skip
    assert ("auth_group", "exists", ("name",)) in asked
    assert all(not q.unresolved for q in application.facts(Query))


def test_a_collection_that_is_kept_in_a_dict(build: Build) -> None:
    code = (
        "import motor.motor_asyncio as motor\n"
        "def connect(url):\n    made = {}\n    made['leads'] = motor.AsyncIOMotorClient(url).db.leads\n    return made\n"
        "class Store:\n    def __init__(self, url):\n        self.mongo_leads = dict(connect(url))['leads']\n"
        "    async def one(self, mail):\n        return await self.mongo_leads.find_one({'mail': mail}, {'_id': 0})\n"
    )
    assert [q.equality for q in build({"app.py": code}).facts(Query)] == [("mail",)]
