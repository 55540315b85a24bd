"""What stored objects ask for themselves, and which class a shared one serves."""

from __future__ import annotations

import pytest

from auditor.link.application import Application
from auditor.model.data import Query
from auditor.stores.sql.reading.frames import Reading
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


def test_a_model_that_is_asked_for_by_its_label_and_kept_in_a_repository(build: Build) -> None:
    code = DJANGO + (
        "from django.apps import apps\n"
        "class Store:\n"
        "    def __init__(self, model, related=None):\n        self.model = model\n"
        "    def one(self, find):\n        return self.model.objects.filter(**find).first()\n"
        "post_model = apps.get_model('blog', 'Post')\n"
        "posts = Store(model=post_model)\nusers = Store(model=User)\n"
        "def post(key):\n    return posts.one({'author_id': key})\n"
        "def user(name):\n    return users.one({'name': name})\n"
    )
    assert asked(build({"app.py": code})) == {
        ("blog_post", "select", ("author_id",)), ("blog_user", "select", ("name",))
    }  # fmt: skip


def test_what_a_repository_is_made_for_unknown_models_is_not_taken_for_the_one_known(
    build: Build,
) -> None:
    code = DJANGO + (
        "class Store:\n"
        "    def __init__(self, model):\n        self.model = model\n"
        "    def one(self, find):\n        return self.model.objects.filter(**find).first()\n"
        "users = Store(model=User)\nothers = Store(model=load('x'))\n"
        "def other(key):\n    return others.one({'serial': key})\n"
    )
    found = [q for q in build({"app.py": code}).facts(Query) if q.reads]
    assert found
    assert all(q.unresolved and not q.collection for q in found)


def test_repositories_that_are_annotated_or_provided(build: Build) -> None:
    code = PEEWEE + (
        "from dependency_injector import containers, providers\n"
        "class Store:\n"
        "    def __init__(self, model):\n        self.model = model\n"
        "    def one(self, key):\n        return self.model.get_by_id(key)\n"
        "class Posts(Store):\n    model: type[Post]\n"
        "class Users(Store):\n    pass\n"
        "class Container(containers.DeclarativeContainer):\n"
        "    users = providers.Factory(Users, model=User)\n"
    )
    assert asked(build({"app.py": code})) == {("post", "get", ("id",)), ("user", "get", ("id",))}


def test_models_that_a_package_gathers_when_it_is_imported(build: Build) -> None:
    files = {
        "shop/models/__init__.py": "import pkgutil\nfor m in pkgutil.iter_modules(__path__):\n    globals()[m.name] = m\n",
        "shop/models/post.py": TORTOISE,
        "shop/views.py": "from shop.models import Post\nasync def one(key):\n    return await Post.get_or_none(id=key)\n",
    }
    assert asked(build(files)) == {("posts", "get", ("id",))}


def test_a_column_beside_a_condition_is_a_condition(build: Build) -> None:
    code = PEEWEE.replace(
        "    views = IntegerField()\n", "    views = IntegerField()\n    live = BooleanField()\n"
    )
    code = code.replace("import CharField", "import BooleanField, CharField") + (
        "def one(n):\n    return Post.get((Post.views == n) & Post.live)\n"
    )  # fmt: skip
    assert asked(build({"app.py": code})) == {("post", "get", ("views", "live"))}


def test_the_class_of_an_object_and_relations_of_objects_that_are_not_known(build: Build) -> None:
    code = DJANGO.replace(
        "    live = models.BooleanField()\n",
        "    live = models.BooleanField()\n    readers = models.ManyToManyField(User, related_name='+')\n"
        "    def hide(self):\n        type(self).objects.filter(author=self.author_id).update(live=False)\n",
    )
    code += "def share(self, seen):\n    self.post.readers.set(seen)\n    seen.clear()\n"
    found = asked(build({"app.py": code}))
    assert found == {
        ("blog_post", "update", ("author_id",)), ("blog_post_readers", "update", ("post_id",))
    }  # fmt: skip


def test_a_query_that_is_left_out_keeps_others_from_its_place(build: Build) -> None:
    """What is left out is told by the address of an object: it must not be given to another one."""
    (reading,) = build({"app.py": DJANGO}).facts(Reading)
    assert all(id(draft) == key for key, draft in reading.dropped.items())


SCHOOL = """
from django.db import models
class User(models.Model):
    id = models.CharField(max_length=8, primary_key=True)
    class Meta:
        app_label = "school"
class Student(models.Model):
    user = models.OneToOneField(User, on_delete=models.CASCADE, primary_key=True)
    class Meta:
        app_label = "school"
class Course(models.Model):
    student = models.ForeignKey(Student, on_delete=models.CASCADE)
    class Meta:
        app_label = "school"
def ask(x):
    return list(Course.objects.filter({}=x))
"""


def test_a_key_that_is_a_relation_itself_is_followed(build: Build) -> None:
    for lookup in ("student__user__id", "student__user", "student__pk", "student__user__in"):
        code = SCHOOL.replace("{}", lookup)
        found = [q for q in build({"app.py": code}).facts(Query) if q.collection == "school_course"]
        assert found, lookup
        assert not any(q.scanned for q in found), lookup
    contained = build({"app.py": SCHOOL.replace("{}", "student__user__contains")})
    assert any("contains" in q.unresolved for q in contained.facts(Query))  # Django refuses it


@pytest.mark.parametrize(
    ("method", "told"),
    [
        ("def delete_model(self, request, obj):\n        obj.delete()", {("blog_user", "delete", ("id",))}),
        ("def save_model(self, request, obj, form, change):\n        obj.refresh_from_db()", {("blog_user", "get", ("id",))}),
        ("def delete_model(self, request, obj):\n        super().delete_model(request, obj)", set()),
        ("def label(self, request, obj):\n        obj.delete()", set()),
    ],
)  # fmt: skip
def test_a_page_of_the_administration_is_handed_an_object_of_its_model(
    method: str, told: set[tuple[str, str, tuple[str, ...]]], build: Build
) -> None:
    base = f"from django.contrib import admin\nclass Base(admin.ModelAdmin):\n    {method}\n"
    page = "class UserAdmin(Base):\n    pass\nadmin.site.register(User, UserAdmin)\n"
    assert asked(build({"app.py": DJANGO + base + page})) == told
    other = page.replace("UserAdmin(Base)", "UserAdmin(Plain)")
    plain = base.replace("Base(admin.ModelAdmin)", "Plain:\n    pass\nclass Base")
    found = asked(build({"app.py": DJANGO + plain + other}))
    assert "blog_user" not in {table for table, _, _ in found}


_FILTER = """
from django.contrib import admin
class Narrowed(admin.SimpleListFilter):
    parameter_name = "named"
    def queryset(self, request, queryset):
        if not self.value():
            return queryset
        if self.value() == "none":
            return queryset.filter(name="")
        return queryset.exclude(name="").filter(
            name__gt="a")
class UserAdmin(admin.ModelAdmin):
    list_filter = {}
admin.site.register(User, UserAdmin)
"""


@pytest.mark.parametrize(
    ("listed", "told"),
    [("['name', Narrowed]", True), ("(Narrowed,)", True), ("['name']", False), ("[]", False)],
)
def test_a_filter_of_the_administration_narrows_the_list_of_the_page_that_names_it(
    listed: str, told: bool, build: Build
) -> None:
    code = DJANGO + _FILTER.format(listed)
    found = [q for q in build({"app.py": code}).facts(Query) if q.collection == "blog_user"]
    assert {(q.equality, q.range) for q in found} == ({(("name",), ()), ((), ("name",))} if told else set())  # fmt: skip
    lines = [n for n, text in enumerate(code.splitlines(), 1) if "return queryset." in text]
    assert [q.place.line for q in found] == (lines if told else [])


VIEWS = """
from rest_framework import generics, mixins, views, viewsets
from django.views import generic
class Posts({base}):
    queryset = Post.objects.select_related("author")
{method}
"""
GET = ("blog_post", "get", ("id",))
DELETE = ("blog_post", "delete", ("id",))


@pytest.mark.parametrize(
    ("base", "method", "found"),
    [
        ("generics.DestroyAPIView", "def perform_destroy(self, instance):\n        instance.delete()", {GET, DELETE}),
        ("generics.DestroyAPIView", "def perform_destroy(self, one):\n        User.objects.filter(name=one.views).delete()", {GET, ("blog_user", "delete", ("name",))}),
        ("viewsets.GenericViewSet", "def perform_destroy(self, instance):\n        instance.delete()", set()),
        ("views.APIView", "def perform_destroy(self, instance):\n        instance.delete()", set()),
        ("generics.RetrieveAPIView", "def drop(self, request):\n        instance = self.get_object()\n        instance.delete()", {GET, DELETE}),
        ("viewsets.GenericViewSet", "def drop(self, request, pk):\n        self.get_object().delete()", {GET, DELETE}),
        ("viewsets.GenericViewSet", "lookup_field = 'views'\n    def show(self, request, views):\n        return self.get_object()", {("blog_post", "get", ("views",))}),
        ("generics.RetrieveAPIView", "def get_object(self):\n        return User.objects.get(name=self.name)\n    def drop(self, request):\n        self.get_object().delete()", {("blog_user", "get", ("name",)), ("blog_user", "delete", ("id",))}),
        ("generics.RetrieveAPIView", "def get_object(self):\n        return super().get_object()\n    def drop(self, request):\n        self.get_object().delete()", {GET, DELETE}),
        ("generics.RetrieveAPIView", "def get_object(self):\n        return Shelf().get_object(self.key)", set()),
        ("generic.DetailView", "def post(self, request, pk):\n        self.object = self.get_object()\n        self.object.delete()", {GET, DELETE}),
        ("Shelf", "def post(self, request, pk):\n        self.get_object().delete()", set()),
    ],
)  # fmt: skip
def test_the_object_that_a_view_looks_up(
    base: str, method: str, found: set[tuple[str, str, tuple[str, ...]]], build: Build
) -> None:
    code = DJANGO + VIEWS.format(base=base, method=f"    {method}")
    assert {x for x in asked(build({"app.py": code})) if x[2]} == found


@pytest.mark.parametrize(
    ("base", "told"),
    [
        ("generic.DetailView", True),
        ("generic.DeleteView", True),
        ("generic.TemplateView", False),
        ("Shelf", False),
    ],
)
def test_a_relation_of_the_views_object_is_handed_to_a_method(
    base: str, told: bool, build: Build
) -> None:
    code = (
        DJANGO
        + f"""
from django.views import generic
class Days:
    def days(self, queryset):
        return list(queryset.filter(views__gte=self.least))
class Writer(Days, {base}):
    model = User
    def get_context_data(self, **kwargs):
        return self.days(self.object.post_set)
"""
    )
    code = code.replace(", related_name='posts'", "").replace(', related_name="posts"', "")
    found = build({"app.py": code}).facts(Query)
    asks = [(q.equality, q.range, q.place.symbol) for q in found if q.range]
    assert asks == [(("author_id",), ("views",), "Writer.get_context_data")] * told


def test_what_a_view_does_to_its_object_is_told_once(build: Build) -> None:
    method = "    def perform_destroy(self, one):\n        User.objects.filter(name=one.author.name).delete()\n        one.delete()"
    code = DJANGO + VIEWS.format(base="generics.DestroyAPIView", method=method)
    told = [q for q in build({"app.py": code}).facts(Query) if q.operation == "delete"]
    assert sorted(q.collection for q in told) == ["blog_post", "blog_user"]


@pytest.mark.parametrize(
    ("kept", "used", "deletes"),
    [
        ("self.post = get_object_or_404(Post, id=key)", "self.post.delete()", True),
        ("self.post = Post.objects.get(id=key)", "self.post.delete()", True),
        ("self.post = Post.objects.filter(id=key).first()\n        if not self.post:\n            raise Http404", "self.post.delete()", True),
        ("post = get_object_or_404(Post, id=key)", "self.post.delete()", False),
        ("self.post = get_object_or_404(Post, id=key).views", "self.post.delete()", False),
        ("self.post = find(key)", "self.post.delete()", False),
        ("self.post = get_object_or_404(Post, id=key)", "self.other.delete()", False),
        ("self.post = get_object_or_404(Post, id=key)", "post = self.shelf\n        post.delete()", False),
    ],
)  # fmt: skip
def test_an_object_that_another_method_keeps(
    kept: str, used: str, deletes: bool, build: Build
) -> None:
    code = DJANGO + (
        "from django.shortcuts import get_object_or_404\nfrom django.views import View\n"
        f"class Take(View):\n    def last(self):\n        {used}\n    def setup(self, key):\n        {kept}\n"
    )
    found = asked(build({"app.py": code}))
    assert (("blog_post", "delete", ("id",)) in found) is deletes


def test_an_object_that_is_kept_is_one_of_none_that_are_gone_through(build: Build) -> None:
    code = DJANGO + (
        "from django.views import View\nclass Take(View):\n    def setup(self):\n"
        "        for post in Post.objects.filter(views=3):\n            self.post = post\n"
        "        self.user = User.objects.get(name='x')\n"
        "    def last(self):\n        return [self.user.post_set.count(), self.post.author.name]\n"
    )
    found = [q for q in build({"app.py": code}).facts(Query) if q.place.symbol == "Take.last"]
    assert [(q.collection, q.operation, q.equality, q.loop) for q in found] == [
        ("blog_post", "count", ("author_id",), None)
    ]
