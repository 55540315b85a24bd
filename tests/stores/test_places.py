"""Where a query is asked, and of which model, when it is put together in several places."""

from __future__ import annotations

import pytest

from auditor.model.data import Index, Query
from tests.conftest import Build
from tests.stores.test_sql_shapes import DJANGO, TORTOISE

Told = tuple[str, int, str, tuple[str, ...]]


def _told(build: Build, models: str, source: str) -> list[Told]:
    """(table, line, operation, conditions) of what a module beside the models asks."""
    application = build({"blog/models.py": models, "blog/views.py": source})
    return [
        (q.collection, q.place.line, q.operation, tuple(sorted(q.equality)))
        for q in application.facts(Query)
        if q.place.path == "blog/views.py"
    ]


def test_what_is_awaited_is_asked_there(build: Build) -> None:
    found = _told(
        build,
        TORTOISE,
        """
from blog.models import Post
async def of(author, views=None):
    given = {"author_id": author}
    if views is not None:
        given["views"] = views
    return await Post.filter(**given)
async def one(author):
    return await of(author)
async def other(author, views):
    return await of(author, views=3)
""",
    )
    assert {line for _, line, _, _ in found} == {7}


@pytest.mark.parametrize("goes", ["frozenset({})", "sorted({})", "dict({})"])
def test_what_is_gone_through_is_asked_there(goes: str, build: Build) -> None:
    asked = goes.format("Post.objects.filter(views=1)")
    found = _told(
        build,
        DJANGO,
        f"""
from blog.models import Post
def rights():
    return {asked}
def has(right):
    return right in rights()
""",
    )
    assert found == [("blog_post", 4, "select", ("views",))]


def test_a_function_is_read_for_itself_whoever_came_to_it_first(build: Build) -> None:
    found = _told(
        build,
        DJANGO,
        """
from blog.models import Post, User
class Base:
    model = None
    def fill(self):
        self.model.objects.filter(id=number())
class Users(Base):
    model = User
class Posts(Base):
    model = Post
def start():
    Users().fill()
def number():
    return Post.objects.filter(views=1).first().views
""",
    )
    assert ("blog_post", 14, "select", ("views",)) in found


def test_the_class_by_its_keyword(build: Build) -> None:
    found = _told(
        build,
        DJANGO,
        """
from django.shortcuts import get_object_or_404
from blog.models import Post
def page(request, views):
    return get_object_or_404(klass=Post, views=views)
""",
    )
    assert found == [("blog_post", 5, "get", ("views",))]


def test_a_queryset_that_a_manager_makes(build: Build) -> None:
    managed = DJANGO.replace(
        "class User(",
        """class Manager(models.Manager):
    def get_queryset(self):
        made = PostQuerySet(self.model, using=self._db)
        return made.filter(live=True)
class User(""",
    ).replace("objects = PostQuerySet.as_manager()", "objects = Manager()")
    found = _told(
        build,
        managed,
        """
from blog.models import Post
def popular():
    return Post.objects.filter(views=2).first()
""",
    )
    assert found == [("blog_post", 4, "select", ("live", "views"))]


def test_a_parameter_is_what_its_callers_give(build: Build) -> None:
    source = """
from django.db.models import QuerySet
from blog.models import Post
def narrowed(found: QuerySet[Post], views):
    return list(found.filter(views=views))
"""
    called = """
def page(request):
    return narrowed(Post.objects.filter(author_id=request.user.id), 3)
"""
    assert _told(build, DJANGO, source) == [("blog_post", 5, "select", ("views",))]
    found = _told(build, DJANGO, source + called)
    assert found
    assert all("author_id" in equality for _, _, _, equality in found)


def test_pony_is_listed_and_not_told(build: Build) -> None:
    application = build(
        {
            "app.py": """
from pony.orm import Database, PrimaryKey, Required, db_session
db = Database()
class User(db.Entity):
    id = PrimaryKey(int)
    name = Required(str)
class Cache:
    def get(self, key): return key
@db_session
def named(name, cache=Cache()):
    return User.get(name=name), cache.get(name), Cache.get(cache, name)
"""
        }
    )
    (query,) = application.facts(Query)
    assert (query.operation, query.place.line, bool(query.unresolved)) == ("get", 11, True)


def test_what_a_prefetch_brought_is_asked_again_by_another_step(build: Build) -> None:
    found = _told(
        build,
        DJANGO.replace(
            "on_delete=models.CASCADE)", 'on_delete=models.CASCADE, related_name="posts")'
        ),
        """
from blog.models import User
def cleared(name):
    user = User.objects.prefetch_related("posts").get(pk=1)
    for post in user.posts.all():
        print(post)
    user.posts.all().delete()
""",
    )
    assert {(line, operation) for _, line, operation, _ in found} == {
        (4, "get"),
        (4, "join"),
        (7, "delete"),
    }


def test_what_is_begun_is_listed_where_it_begins(build: Build) -> None:
    found = _told(
        build,
        DJANGO,
        """
from blog.models import Post
def by(user):
    return Post.objects.filter(author=user)
def live():
    return Post.objects.filter(live=True)
def page(request):
    return list(by(request.user)), live().filter(views=3).first()
""",
    )
    assert [(line, equality) for _, line, _, equality in found] == [
        (4, ("author_id",)),
        (6, ("live",)),
        (8, ("author_id",)),
        (8, ("live", "views")),
    ]


def test_tortoise_that_generates_has_the_indexes_of_its_models(build: Build) -> None:
    files = {
        "app.py": TORTOISE.replace(
            "views = fields.IntField()", "views = fields.IntField(index=True)"
        )
        + """
from fastapi import FastAPI
from tortoise.contrib.fastapi import register_tortoise
app = FastAPI()
@app.get("/")
async def page(views: int):
    return await Post.filter(views=views)
register_tortoise(app, db_url="postgres://db", modules={"models": ["app"]}, generate_schemas=MADE)
""",
        "migrations/models/0_init.py": """
async def upgrade(db):
    return '''CREATE TABLE IF NOT EXISTS "posts" ("id" SERIAL PRIMARY KEY, "author_id" INT, "views" INT);'''
async def downgrade(db):
    return ""
""",
    }
    source = files["app.py"]
    for made in (True, False):
        files["app.py"] = source.replace("MADE", str(made))
        indexes = [i for i in build(files).facts(Index) if i.fields == (("views", 1),)]
        assert [bool(i.run) for i in indexes] == [made]


@pytest.mark.parametrize(
    ("path", "creates", "made"),
    [
        ("migrations/versions/20250624_initial.sql", "generate_schemas(safe=True)", True),
        ("migrations/versions/20250624_initial.sql", "init(config={})", False),
        ("migrations/models/0_20250624093000_init.sql", "generate_schemas(safe=True)", False),
    ],
)
def test_a_script_beside_what_tortoise_creates_is_no_migration(
    path: str, creates: str, made: bool, build: Build
) -> None:
    indexed = TORTOISE.replace("views = fields.IntField()", "views = fields.IntField(index=True)")
    files = {
        "app.py": f"{indexed}\nasync def by(views):\n    return await Post.filter(views=views)\n",
        "setup.py": f"from tortoise import Tortoise\nasync def run():\n    await Tortoise.{creates}\n",
        path: 'CREATE TABLE IF NOT EXISTS "posts" ("id" SERIAL PRIMARY KEY, "author_id" INT, "views" INT);',
    }  # fmt: skip
    indexes = [i for i in build(files).facts(Index) if i.fields == (("views", 1),)]
    assert [bool(i.run) for i in indexes] == [made]


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ("a = found.count()", {(6, "count", ())}),
        ("a = found.filter(views=1).exists()", {(6, "exists", ("views",))}),
        ("a = {'x': 1,\n         'y': found.filter(views=1).count(), 'z': found.count()}", {(7, "count", ("views",)), (7, "count", ())}),
        ("a = found.first()", {(6, "select", ())}),
        ("found.filter(views=1).update(views=2)", {(6, "update", ("views",))}),
        ("a = Post.objects.filter(views=1)[:2].count()", {(6, "count", ("views",))}),
        ("found = found.filter(views=1)\n    a = list(found)", {(5, "select", ("views",))}),
        ("a = found.count(), list(found)", {(5, "select", ()), (6, "count", ())}),
        ("x = 2\n    a = found.filter(views=1)\n    b = found.filter(views=2)\n    a = a, b", {(7, "select", ("views",)), (8, "select", ("views",))}),
        ("x = 2\n    a = {'x': found.filter(views=1).order_by('id')}", {(7, "select", ("views",))}),
        ("x = 2\n    found = found.filter(views=1)\n    a = found", {(5, "select", ("views",))}),
        ("x = 2\n    return found.filter(views=1)", {(5, "select", ("views",))}),
    ],
)  # fmt: skip
def test_a_query_in_a_variable_is_asked_where_it_is_executed(
    lines: str, told: set[tuple[int, str, tuple[str, ...]]], build: Build
) -> None:
    source = f"from django.shortcuts import render\nfrom blog.models import Post\nx = 1\ndef page(request):\n    found = Post.objects.all()\n    {lines}\n    return a\n"
    found = _told(build, DJANGO, source)
    assert {(line, operation, equality) for _, line, operation, equality in found} == told


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("free = Post.objects.filter(views=1)", False),
        ("free = Post.objects.filter(views=1)\n    free = Post.objects.order_by('id').filter(views=1)", False),
        ("free = Post.objects.filter(views=1).first()", True),
        ("free = Post.objects.filter(views=1)[:1].get()", True),
        ("free = list(Post.objects.filter(views=1))", True),
        ("free = Post.objects.filter(views=1)\n    return free", True),
        ("free = Post.objects.filter(views=1)\n    return render(request, 'x.html', locals())", True),
        ("free = Post.objects.filter(views=1)\n    return lambda: free", True),
        ("free = Post.objects.filter(views=1)\n    def inner():\n        return list(free)\n    return inner", True),
        ("global free\n    free = Post.objects.filter(views=1)", True),
        ("request.free = Post.objects.filter(views=1)", True),
        ("free = Post.objects.filter(views=1).update(views=2)", True),
    ],
)  # fmt: skip
def test_a_query_under_a_name_that_nothing_reads_is_never_asked(
    body: str, told: bool, build: Build
) -> None:
    source = f"from django.shortcuts import render\nfrom blog.models import Post\ndef page(request):\n    {body}\n"
    found = _told(build, DJANGO, source)
    assert any("views" in equality for _, _, _, equality in found) is told


_LOADS = """
from fastapi import Depends
from pydantic import BaseModel
from tortoise import fields
from tortoise.models import Model
class Role(Model):
    id = fields.IntField(pk=True)
class User(Model):
    id = fields.IntField(pk=True)
    roles = fields.ManyToManyField("models.Role", related_name="users")
class Other(Model):
    id = fields.IntField(pk=True)
    role = fields.ForeignKeyField("models.Role", related_name="others")
class Third(Model):
    id = fields.IntField(pk=True)
    role = fields.ForeignKeyField("models.Role", related_name="thirds")
class UserOut(BaseModel):
    id: int
async def current(): ...
async def page({given}):
    await {load}
"""


@pytest.mark.parametrize(
    ("given", "load", "told"),
    [
        ("me=Depends(current)", "me.fetch_related('roles')", {("user_role", ("user_id",)), ("role", ("id",))}),
        ("me: UserOut = Depends(current)", "me.fetch_related('roles')", {("user_role", ("user_id",)), ("role", ("id",))}),
        ("me", "me.fetch_related('users')", {("user_role", ("role_id",)), ("user", ("id",))}),
        ("third", "third.fetch_related('role')", {("role", ("id",))}),
        ("third: Third", "third.fetch_related('role')", {("role", ("id",))}),
        ("me", "me.fetch_related('role')", {("", ())}),
        ("me", "me.fetch_related('nothing')", {("", ())}),
        ("me, name", "me.fetch_related(name)", {("", ())}),
    ],
)  # fmt: skip
def test_what_an_object_of_tortoise_loads_is_told_by_the_relation(
    given: str, load: str, told: set[tuple[str, tuple[str, ...]]], build: Build
) -> None:
    found = build({"app.py": _LOADS.format(given=given, load=load)}).facts(Query)
    assert {(q.collection, q.equality) for q in found} == told
    assert all(bool(q.unresolved) is (not q.collection) for q in found)


@pytest.mark.parametrize(
    ("given", "load", "told"),
    [
        ("third: Third", "third.role", {("role", ("id",))}),
        ("others", "others[0].role", {("role", ("id",))}),
        ("me", "me.nothing", set()),
        ("me", "(await Third.get(id=me)).role", {("third", ("id",)), ("role", ("id",))}),
    ],
)  # fmt: skip
def test_a_key_of_tortoise_that_is_awaited_is_asked_for(
    given: str, load: str, told: set[tuple[str, tuple[str, ...]]], build: Build
) -> None:
    source = _LOADS.format(given=given, load=load).replace("    await", "    kept = await")
    found = build({"app.py": f"{source}    return kept\n"}).facts(Query)
    assert {(q.collection, q.equality) for q in found} == told


@pytest.mark.parametrize(
    ("order", "reason"),
    [
        ("'seen'", "seen is no column that the code declares"),
        ("'-seen', 'views'", "seen is no column that the code declares"),
        ("'author__seen'", "author__seen is no column that the code declares"),
        ("'views'", ""),
        ("'-pk'", ""),
        ("'author__name'", ""),
        ("'?'", ""),
        ("order", ""),
    ],
)
@pytest.mark.parametrize("mapper", ["django", "tortoise"])
def test_an_order_by_a_column_that_the_model_lacks_is_unknown(
    mapper: str, order: str, reason: str, build: Build
) -> None:
    models, manager = (DJANGO, "Post.objects") if mapper == "django" else (TORTOISE, "Post")
    source = f"from blog.models import Post\ndef page(order):\n    return list({manager}.filter(views=1).order_by({order}))\n"
    found = build({"blog/models.py": models, "blog/views.py": source}).facts(Query)
    assert {q.unresolved for q in found if q.collection.endswith(("post", "posts"))} == {reason}


@pytest.mark.parametrize(
    "made",
    [
        "annotate(seen=Count('id'))",
        "values(seen=F('views'))",
        "annotate(**given)",
        "extra(select={})",
        "all().with_rank()",
    ],
)
def test_what_a_query_makes_up_may_be_its_order(made: str, build: Build) -> None:
    source = f"from django.db.models import Count, F\nfrom blog.models import Post\ndef page(given):\n    return list(Post.objects.{made}.order_by('seen'))\n"
    found = build({"blog/models.py": DJANGO, "blog/views.py": source}).facts(Query)
    assert not any("seen" in q.unresolved for q in found)
