"""What views ask of their querysets, and where; queries in dicts; keys behind relations."""

from __future__ import annotations

import pytest

from auditor.model.data import Bound, CollectionFit, Query
from tests.conftest import Build

_MODELS = """
from django.db import models
class Agent(models.Model):
    name = models.CharField(max_length=20)
class Post(models.Model):
    slug = models.SlugField(unique=True)
    status = models.CharField(max_length=20)
    agent = models.ForeignKey(Agent, on_delete=models.CASCADE, db_column="by_whom")
"""
_DETAIL = """
from django.views.generic import DetailView
from shop.models import Post
class PostView(DetailView):
    model = Post
    def get_queryset(self):
        return Post.objects.filter(status="published")
{more}
"""


def asked(build: Build, views: str, routes: str = "") -> list[tuple[str, int, tuple[str, ...]]]:
    files = {
        "manage.py": "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'settings')\n",
        "settings.py": "ROOT_URLCONF = 'urls'\nINSTALLED_APPS = ['shop']\nSECRET_KEY = 'x'\n",
        "urls.py": f"from django.urls import path\nfrom shop import views\nurlpatterns = [{routes}]\n",
        "shop/__init__.py": "",
        "shop/models.py": _MODELS,
        "shop/views.py": views,
    }
    found = build(files).facts(Query)
    return sorted(
        (q.operation, q.place.line, q.equality) for q in found if q.collection == "shop_post"
    )


@pytest.mark.parametrize(
    ("routes", "key"),
    [
        ("path('a/<slug:slug>/', views.PostView.as_view())", "slug"),
        ("path('a/<int:pk>/', views.PostView.as_view())", "id"),
        ("path('a/<int:pk>/<slug:slug>/', views.PostView.as_view())", "id"),
        ("path('a/<slug:slug>/', views.PostView.as_view()), path('b/<int:pk>/', views.PostView.as_view())", "id"),
    ],
)  # fmt: skip
def test_a_view_of_one_object_asks_by_what_its_routes_name(
    build: Build, routes: str, key: str
) -> None:
    assert asked(build, _DETAIL.format(more=""), routes) == [("get", 7, ("status", key))]


def test_what_a_view_also_lists_is_told(build: Build) -> None:
    more = "    def get_context_data(self, **given):\n        return {'n': [x.id for x in self.get_queryset()]}\n"
    found = asked(build, _DETAIL.format(more=more), "path('a/<int:pk>/', views.PostView.as_view())")
    assert ("select", ("status",)) in {(operation, key) for operation, _, key in found}


def test_what_is_taken_of_a_kept_queryset_is_asked_there(build: Build) -> None:
    code = """
from rest_framework import viewsets
from shop.models import Post
class Posts(viewsets.ModelViewSet):
    queryset = Post.objects.all()
    def ask(self, request):
        name = request.GET["a"]
        found = self.queryset.filter(status=name)
        return found.count()
"""
    found = asked(build, code, "path('a/', views.Posts.as_view({'get': 'ask'}))")
    assert ("count", 9, ("status",)) in found
    assert all(line > 5 for _, line, equality in found if equality == ("status",))


@pytest.mark.parametrize(
    "body",
    [
        'return given["posts"].count()',
        'return given.get("posts").count()',
        'return {**given}["posts"].count()',
    ],
)
def test_a_query_in_a_dict(build: Build, body: str) -> None:
    code = f"""
from shop.models import Post
def body(given):
    {body}
def show(request):
    posts = Post.objects.filter(status=request.GET["a"])
    return body({{"posts": posts, "b": 1}})
"""
    assert [(operation, key) for operation, _, key in asked(build, code)] == [
        ("count", ("status",))
    ]


def test_another_key_of_a_dict_is_another_thing(build: Build) -> None:
    code = """
from shop.models import Post
def body(given):
    return given["names"].count("a")
def show(request):
    posts = Post.objects.filter(status=request.GET["a"])
    return body({"posts": posts, "names": ["a"]})
"""
    assert [(operation, key) for operation, _, key in asked(build, code)] == [
        ("select", ("status",))
    ]


def test_the_key_behind_a_relation_whatever_its_column_is_called(build: Build) -> None:
    code = "from shop.models import Post\ndef show(request):\n    return Post.objects.filter({}=request.GET['a']).count()\n"
    for name in ("agent", "agent_id"):
        assert [key for _, _, key in asked(build, code.format(name))] == [("by_whom",)]


@pytest.mark.parametrize(
    ("goes_through", "scanned"),
    [
        ("for one in agents: print(one.name)", {(), ("status",)}),  # all are read, of either way
        ("agents.first()", {()}),  # a few of them: their posts are looked up by the key
    ],
)
def test_each_way_in_which_a_list_was_put_together_is_gone_through(
    build: Build, goes_through: str, scanned: set[tuple[str, ...]]
) -> None:
    views = f"""
from shop.models import Agent
def show(request):
    agents = Agent.objects.exclude(name="x")
    if request.GET.get("word"):
        agents = agents.filter(post__status__icontains=request.GET["word"])
    {goes_through}
"""
    found = build({"manage.py": "", "settings.py": "INSTALLED_APPS = ['shop']", "shop/__init__.py": "", "shop/models.py": _MODELS, "shop/views.py": views}).facts(Query)  # fmt: skip
    assert {q.scanned for q in found if q.collection == "shop_post"} | {()} == scanned


_OBJECT = """
from django.views.generic import DetailView, UpdateView
from django.contrib.auth.models import User
from shop.models import Agent
class Change(UpdateView):
    model = Agent
    fields = ["name"]




    def post(self, request, *args, **kwargs):
        self.object = self.get_object()
class Show(DetailView):
    model = Agent
    def get_context_data(self, **kwargs):
        context = super().get_context_data(**kwargs)

        for post in context["object"].post_set.all():
            print(post)
        return context
def accounts(request, pk):
    user = User.objects.get(pk=pk)


    return list(user.socialaccount_set.all())
"""


def test_a_view_asks_for_its_object_where_it_says_so(build: Build) -> None:
    files = {"shop/models.py": _MODELS, "shop/views.py": _OBJECT}
    found = {(q.collection, q.place.line, q.equality, q.unresolved) for q in build(files).facts(Query)}  # fmt: skip
    assert {x for x in found if x[1] > 6} == {
        ("shop_agent", 13, ("id",), ""),
        ("shop_agent", 14, ("id",), ""),
        ("shop_post", 19, ("by_whom",), ""),
        ("auth_user", 23, ("id",), ""),
        ("", 26, (), "socialaccount_set belongs to a model that is not in this tree"),
    }


_HELD = """
from shop.models import Agent
class Engine:
    def __init__(self, agent):
        self.agent = agent
    def total(self):
        posts = getattr(self.agent, "post_set", None)
        if not posts:
            return 0


        for post in posts.all():
            print(post)
    def other(self):
        return getattr(self.agent, "name", None).all()
"""


def test_a_relation_that_is_looked_up_by_its_name(build: Build) -> None:
    files = {"shop/models.py": _MODELS, "shop/views.py": _HELD}
    found = {(q.collection, q.place.line, q.equality) for q in build(files).facts(Query)}
    assert found == {("shop_post", 12, ("by_whom",))}


@pytest.mark.parametrize("module", ["models", "forms", "admin"])
def test_djangos_user_by_way_of_another_module(module: str, build: Build) -> None:
    code = f"from django.contrib.auth.{module} import User\ndef ask(request, x):\n    return User.objects.get(email=x)\n"
    (query,) = build({"shop/models.py": _MODELS, "shop/views.py": code}).facts(Query)
    assert (query.collection, query.equality) == ("auth_user", ("email",))


_SUGGESTED = """
from dal import autocomplete
from django.db import models
class Author(models.Model):
    name = models.CharField(max_length=200)
    town = models.CharField(max_length=200)
class Authors(autocomplete.Select2QuerySetView):
{body}
"""


@pytest.mark.parametrize(
    ("body", "scanned"),
    [
        ("    def get_queryset(self):\n        return Author.objects.filter(town__icontains=self.q)", {("town",)}),
        ("    model = Author", {(), ("name",)}),
        ("    queryset = Author.objects.all()\n    search_fields = ['town', '^name']", {(), ("name",), ("town",)}),
    ],
)  # fmt: skip
def test_what_suggests_records_asks_for_a_page_of_them(
    body: str, scanned: set[tuple[str, ...]], build: Build
) -> None:
    fits = build({"app.py": _SUGGESTED.format(body=body)}).facts(CollectionFit)
    asked = [q for c in fits for q, _ in c.fits if q.operation == "select"]
    assert {q.scanned for q in asked} == scanned
    assert {q.bound for q in asked} == {Bound.LIMITED}


_OF_TWO = """
from rest_framework import viewsets
from shop.models import Post
class Posts(viewsets.ModelViewSet):
    def get_queryset(self):
        if self.request.user.agent:
            return Post.objects.filter(agent=self.request.user.agent)
        return Post.objects.all()
    def list(self, request):
        posts = self.filter_queryset(self.get_queryset())
        if request.GET:
            posts = posts.filter(status=request.GET["status"])
        return Response([x.slug for x in posts])
"""


def test_what_is_handed_through_the_framework_narrows_each_way_of_the_list(build: Build) -> None:
    told = {equality for _, line, equality in asked(build, _OF_TWO) if line > 9}
    assert ("status",) in told


_LIST = """
from django.views.generic import ListView
from shop.models import Post
class Posts(ListView):
    def get_queryset(self):
        found = Post.objects.all()
        if self.request.GET.get("agent"):
            found = found.filter(agent_id=self.request.GET["agent"])
        if self.request.GET.get("day"):
            {day}
        return found
"""


@pytest.mark.parametrize(
    "day",
    [
        "found = found.filter(status='a', slug__gt='b')",
        "found = found.filter(status='a').filter(slug__gt='b')",
        "try:\n                found = found.filter(status='a').filter(slug__gt='b')\n            except ValueError:\n                pass",
    ],
)
def test_what_one_test_adds_is_told_however_much_it_is(build: Build, day: str) -> None:
    views = _LIST.format(day=day)
    told = {by for _, _, by in asked(build, views, "path('', views.Posts.as_view())")}
    assert told == {(), ("by_whom",), ("status",)}  # and not each with each


_GIVES = """
from shop.models import Post
def listed(request):
    return [p.slug for p in found_by(request)]
def found_by(request):
    found = Post.objects.filter(status="a")
    {body}
"""


@pytest.mark.parametrize(
    ("body", "also"),
    [
        ("if request.GET:\n        return found\n    return found.filter(agent_id=1)", {("status", "by_whom")}),
        ("mine = found.filter(agent_id=1)\n    return mine if mine.exists() else found", {("status", "by_whom")}),
        ("mine = found.filter(agent_id=1)\n    if mine.exists():\n        return mine\n    return found", {("status", "by_whom")}),
        ("print(found.count())\n    return found", set()),
    ],
)  # fmt: skip
def test_what_a_function_narrows_and_gives_back_is_told_both_ways(
    build: Build, body: str, also: set[tuple[str, ...]]
) -> None:
    told = asked(build, _GIVES.format(body=body), "path('', views.listed)")
    assert {by for operation, _, by in told if operation == "select"} == {("status",), *also}


@pytest.mark.parametrize(
    "body",
    [
        "if request.GET:\n        return found.filter(agent_id=2)\n    return found.filter(agent_id=1)",
        "found = found.filter(agent_id=1)\n    return found",
    ],
)
def test_what_is_only_narrowed_is_not_told_without(build: Build, body: str) -> None:
    told = asked(build, _GIVES.format(body=body), "path('', views.listed)")
    assert {by for _, _, by in told} == {("status", "by_whom")}


_REPLACED = """
from django.views.generic import ListView
from shop.models import Post
class Posts(ListView):
    queryset = Post.objects.filter(status="new")
    {method}
{more}
"""


@pytest.mark.parametrize(
    ("method", "more", "told"),
    [
        ("def get_queryset(self): return Post.objects.filter(agent=1)", "", False),
        ("def get_queryset(self): return super().get_queryset().filter(agent=1)", "", True),
        ("def get_queryset(self): return self.queryset.filter(agent=1)", "", True),
        ("def get_queryset(self): return Post.objects.all()", "class Own(Posts):\n    def get_queryset(self): return self.queryset.all()", True),
        ("def get_ordering(self): return None", "", True),
    ],
)  # fmt: skip
def test_a_queryset_that_a_method_replaces_is_not_asked(
    method: str, more: str, told: bool, build: Build
) -> None:
    found = asked(
        build, _REPLACED.format(method=method, more=more), "path('a/', views.Posts.as_view())"
    )
    assert any("status" in equality for _, _, equality in found) is told
