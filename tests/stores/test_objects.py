"""What stored objects ask for themselves, and which class a shared one serves."""

from __future__ import annotations

from auditor.link.application import Application
from auditor.model.data import Query
from tests.conftest import Build
from tests.stores.test_sql_shapes import DJANGO, PEEWEE, TORTOISE


def asked(application: Application) -> set[tuple[str, str, tuple[str, ...]]]:
    return {
        (q.collection, q.operation, q.equality) for q in application.facts(Query) if q.reads
    }  # fmt: skip


def test_objects_are_deleted_and_read_again_by_their_key(build: Build) -> None:
    django = DJANGO + (
        "def forget(key):\n    post = Post.objects.get(id=key)\n    post.refresh_from_db()\n    post.delete()\n"
    )
    of_post = {("blog_post", "get", ("id",)), ("blog_post", "delete", ("id",))}
    assert asked(build({"app.py": django})) == of_post
    tortoise = TORTOISE + (
        "async def forget(key):\n    post = await Post.get_or_none(id=key)\n    await post.delete()\n"
    )
    assert ("posts", "delete", ("id",)) in asked(build({"app.py": tortoise}))
    peewee = PEEWEE + "def forget(key):\n    Post.get_by_id(key).delete_instance(recursive=True)\n"
    assert ("post", "delete", ("id",)) in asked(build({"app.py": peewee}))


def test_a_model_that_deletes_in_its_own_way_is_read_there(build: Build) -> None:
    code = DJANGO.replace(
        "    live = models.BooleanField()\n",
        "    live = models.BooleanField()\n"
        "    def delete(self, *args):\n        Post.objects.filter(author=self.author).update(live=False)\n",
    )
    code += "def forget(key):\n    Post.objects.get(id=key).delete()\n"
    found = asked(build({"app.py": code}))
    assert found == {("blog_post", "get", ("id",)), ("blog_post", "update", ("author_id",))}


def test_what_an_object_is_made_of_is_there_and_asks_nothing(build: Build) -> None:
    code = DJANGO + (
        "def copies(posts):\n    made = []\n    for number in range(3):\n"
        "        made.append(Post.objects.create(author=posts[0], views=number))\n"
        "    return [post.author.name for post in made]\n"
    )
    assert not [q for q in build({"app.py": code}).facts(Query) if q.operation == "lazy"]


def test_the_model_that_a_class_gives_itself_when_it_is_made(build: Build) -> None:
    code = PEEWEE + (
        "class Resource:\n"
        "    def one(self, key):\n        return self.model.get(self.model.id == key)\n"
        "    def change(self, key, data):\n"
        "        return self.model.update(**data).where(self.model.id == key).execute()\n"
        "class Posts(Resource):\n"
        "    def __init__(self):\n        self.model = Post\n"
    )
    assert asked(build({"app.py": code})) == {("post", "get", ("id",)), ("post", "update", ("id",))}


def test_what_is_asked_of_a_class_that_is_not_known_is_listed(build: Build) -> None:
    code = PEEWEE + (
        "import importer\nmodel = importer.load('elsewhere')\n"
        "def one(key):\n    return model.Resource.get(model.Resource.uuid == key)\n"
        "def other(key, requests):\n    return requests.get(key == 1)\n"
    )
    found = [q for q in build({"app.py": code}).facts(Query) if q.reads]
    assert [(q.operation, q.place.symbol) for q in found] == [("get", "one")]
    assert found[0].unresolved


def test_the_coroutines_of_peewee_async(build: Build) -> None:
    code = PEEWEE.replace("Model, ", "Model as Plain, ") + (
        "import peewee_async\n"
        "async def find(name):\n"
        "    await User.aio_get_or_none(User.name == name)\n"
        "    return await Post.select().where(Post.views > 3).aio_execute()\n"
    )
    code = code.replace("class Base(Model)", "class Base(peewee_async.AioModel)")
    code = "import peewee_async\n" + code
    found = build({"app.py": code}).facts(Query)
    assert {(q.collection, q.equality, q.range) for q in found} == {
        ("user", ("name",), ()), ("post", (), ("views",))
    }  # fmt: skip


def test_a_mixin_of_a_queryset_and_the_model_of_an_admin_class(build: Build) -> None:
    code = DJANGO.replace(
        "class PostQuerySet(models.QuerySet):", "class PostQuerySet(Aged, models.QuerySet):"
    )
    code = code.replace(
        "class PostQuerySet",
        "class Aged:\n    def aged(self):\n        return self.annotate(age=models.F('views') - 1)\n"
        "class PostQuerySet",
    ) + (
        "from django.contrib import admin\n"
        "def old(author):\n    return list(Post.objects.aged().filter(age__gt=3, author=author))\n"
        "@admin.register(User)\nclass UserAdmin(admin.ModelAdmin):\n"
        "    def get_queryset(self, request):\n        return self.model.objects.filter(name='x')\n"
    )  # fmt: skip
    found = [q for q in build({"app.py": code}).facts(Query) if q.reads]
    assert all(not q.unresolved for q in found)
    assert {(q.collection, q.equality) for q in found} >= {
        ("blog_post", ("author_id",)), ("blog_user", ("name",))
    }  # fmt: skip


def test_as_many_as_there_are_groups_are_not_all_there_are(build: Build) -> None:
    code = DJANGO + (
        "from django.db.models import Count\n"
        "def figures():\n    return list(Post.objects.values('views').annotate(n=Count('id')))\n"
        "def each():\n    return list(Post.objects.values('id').annotate(n=Count('author')))\n"
    )
    bounds = {q.place.symbol: q.bound.value for q in build({"app.py": code}).facts(Query)}
    assert bounds == {"figures": "unknown", "each": "none"}
