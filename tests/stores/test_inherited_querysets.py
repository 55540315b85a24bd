"""What views make of the queryset that a class above gives, and what actions get."""

from __future__ import annotations

import pytest

from auditor.model.data import Query
from tests.conftest import Build
from tests.stores.test_sql_shapes import DJANGO

_VIEWS = """
from rest_framework import viewsets
from blog.models import Post, User
class FilteredQuerySetMixin:
    def get_queryset(self):
        queryset = super().get_queryset()
        return queryset.filter(views__gte=3)
class Posts(FilteredQuerySetMixin, viewsets.ModelViewSet):
    queryset = Post.objects.all()
    def get_queryset(self):
        queryset = super().get_queryset()
        return queryset.filter(author=self.request.user)
class Users(FilteredQuerySetMixin, viewsets.ModelViewSet):
    queryset = User.objects.all()
"""
_ADMIN = """
from django.contrib import admin
def publish(modeladmin, request, queryset):
    queryset.update(live=True)
def forget(names):
    names.update(live=True)
"""


def test_a_mixin_between_a_view_and_its_queryset(build: Build) -> None:
    asked = build({"blog/models.py": DJANGO, "blog/views.py": _VIEWS}).facts(Query)
    posts = {(q.equality, q.range) for q in asked if q.collection == "blog_post"}
    assert (("author_id",), ("views",)) in posts
    assert not any(q.unresolved for q in asked if q.collection == "blog_post")
    users = [q for q in asked if q.collection == "blog_user" and q.operation == "select"]
    assert any("views__gte" in q.unresolved for q in users)  # users have no views


def test_actions_change_the_queryset_that_they_get(build: Build) -> None:
    asked = build({"blog/models.py": DJANGO, "blog/admin.py": _ADMIN}).facts(Query)
    assert [(q.operation, q.place.symbol) for q in asked if q.unresolved] == [("update", "publish")]


def test_both_keys_of_many_to_many_are_known(build: Build) -> None:
    code = DJANGO.replace(
        "    live = models.BooleanField()\n",
        "    live = models.BooleanField()\n    readers = models.ManyToManyField(User, related_name='+')\n",
    )
    code += "def reads(key, reader):\n    return Post.objects.get(id=key).readers.filter(id=reader).exists()\n"
    asked = build({"blog/models.py": code}).facts(Query)
    between = [q for q in asked if q.collection == "blog_post_readers"]
    assert [sorted(q.equality) for q in between] == [["post_id", "user_id"]]


_PAGE = """
from django.contrib import admin
from blog.models import Post, User
def remind(modeladmin, request, chosen):
    for post in chosen:
        print(post.views)
    chosen.filter(views=3).update(views=4)
{register}
class PostAdmin({base}):
    actions = {actions}
    def archive(self, request, queryset):
        queryset.update(live=False)
"""


@pytest.mark.parametrize(
    ("register", "base", "actions", "found"),
    [
        ("@admin.register(Post)", "admin.ModelAdmin", "[remind]", {("remind", "blog_post", "select", ("id",)), ("remind", "blog_post", "update", ("id", "views"))}),
        ("@admin.register(User)", "UserAdmin", "(remind,)", {("remind", "blog_user", "select", ("id",))}),
        ("@admin.register(Post)", "admin.ModelAdmin", "['archive']", {("archive", "blog_post", "update", ("id",))}),
        ("@admin.register(Post)", "admin.ModelAdmin", "[]", set()),
        ("", "admin.ModelAdmin", "[remind]", set()),
        ("@admin.register(Post)", "Page", "[remind]", set()),
    ],
)  # fmt: skip
def test_actions_get_what_was_ticked_of_their_model(
    register: str,
    base: str,
    actions: str,
    found: set[tuple[str, str, str, tuple[str, ...]]],
    build: Build,
) -> None:
    code = _PAGE.format(register=register, base=base, actions=actions)
    if base == "UserAdmin":
        code = "from django.contrib.auth.admin import UserAdmin\n" + code
    asked = build({"blog/models.py": DJANGO, "blog/admin.py": code}).facts(Query)
    told = {(q.place.symbol.rpartition(".")[2], q.collection, q.operation, q.equality) for q in asked if not q.unresolved}  # fmt: skip
    assert told == found
