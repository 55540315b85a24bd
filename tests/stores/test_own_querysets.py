"""What views ask of their own list: `self.get_queryset()`, `self.queryset`, in their methods and in those they inherit."""

from __future__ import annotations

import pytest

from auditor.model.data import Query
from tests.conftest import Build

_MODELS = """
from django.db import models
class Order(models.Model):
    code = models.CharField(max_length=30)
class Offer(models.Model):
    title = models.CharField(max_length=90)
    code = models.CharField(max_length=30)
class Other(models.Model):
    code = models.CharField(max_length=30)
"""
_HEAD = "from django.views.generic import ListView, DetailView, TemplateView\nfrom rest_framework import generics, viewsets\nfrom shop.models import Order, Offer, Other\n"
Asked = set[tuple[str, str, tuple[str, ...]]]


def _asked(build: Build, views: str, routes: str = "") -> Asked:
    files = {
        "manage.py": "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'settings')\n",
        "settings.py": "ROOT_URLCONF = 'urls'\nINSTALLED_APPS = ['shop']\nSECRET_KEY = 'x'\n",
        "urls.py": f"from django.urls import path\nfrom shop import views\nurlpatterns = [{routes}]\n",
        "shop/__init__.py": "",
        "shop/models.py": _MODELS,
        "shop/views.py": _HEAD + views,
    }
    found = build(files).facts(Query)
    return {(q.collection.removeprefix("shop_"), q.operation, q.equality) for q in found}


_VIEWSET = """
class Base(viewsets.ModelViewSet):
    queryset = None
    {given}
class Orders(Base):
    queryset = Order.objects.all()
    def {own}
"""
_BY_CODE = ("order", "select", ("code",))
_ALL = ("order", "select", ())
_ONE = ("order", "get", ("id",))


@pytest.mark.parametrize("given", ["pass", "def get_queryset(self):\n        return super().get_queryset()"])  # fmt: skip
@pytest.mark.parametrize(
    ("own", "actions", "asked"),
    [
        ("list(self, request):\n        return [x.id for x in self.get_queryset().filter(code=request.GET['a'])]", "{'get': 'list'}", {_BY_CODE}),
        ("list(self, request):\n        rows = self.get_queryset()\n        return rows.filter(code=request.GET['a']).count()", "{'get': 'list'}", {("order", "count", ("code",))}),
        ("list(self, request):\n        rows = self.filter_queryset(self.get_queryset())\n        return list(rows.filter(code=request.GET['a']))", "{'get': 'list'}", {_BY_CODE, _ALL}),
        ("list(self, request):\n        return super().list(request)", "{'get': 'list'}", {_ALL}),
        ("list(self, request):\n        return listed(self, request)", "{'get': 'list'}", {_ALL}),
        ("retrieve(self, request, pk):\n        return self.get_queryset().get(code=pk)", "{'get': 'retrieve'}", {("order", "get", ("code",))}),
        ("retrieve(self, request, pk):\n        return self.queryset.get(code=pk)", "{'get': 'retrieve'}", {("order", "get", ("code",))}),
        ("retrieve(self, request, pk):\n        return self.get_object()", "{'get': 'retrieve'}", {_ONE}),
    ],
)  # fmt: skip
def test_what_a_viewset_asks_of_its_list(
    given: str, own: str, actions: str, asked: Asked, build: Build
) -> None:
    code = _VIEWSET.format(given=given, own=own)
    assert _asked(build, code, f"path('a', views.Orders.as_view({actions}))") == asked


_BASE = """
class Base({kind}):
    def get_context_data(self, **kwargs):
        rows = self.{rows}
        return {{"found": list(rows.filter(code=self.request.GET["q"]))}}
"""


@pytest.mark.parametrize("kind", ["DetailView", "TemplateView"])
@pytest.mark.parametrize("rows", ["get_queryset()", "queryset"])
@pytest.mark.parametrize(
    ("heirs", "asked"),
    [
        ("class One(Base):\n    queryset = Order.objects.all()\nclass Two(Base):\n    queryset = Offer.objects.all()\n", {"order", "offer"}),
        ("class One(Base):\n    queryset = Order.objects.filter(code='x')\nclass Two(One):\n    queryset = Offer.objects.all()\n", {"order", "offer"}),
        ("class One(Base):\n    queryset = Order.objects.all()\nclass Two(Base):\n    queryset = Offer.objects.all()\n    def get_context_data(self, **kwargs):\n        return {}\n", {"order"}),
        ("class One(Base):\n    queryset = Order.objects.all()\n    def get_context_data(self, **kwargs):\n        return {**super().get_context_data(**kwargs)}\n", {"order"}),
        ("class One(Base):\n    queryset = CHOSEN[0]\n", {""}),
        ("", {""}),
    ],
)  # fmt: skip
def test_a_method_of_a_base_asks_for_each_view_that_runs_it(
    kind: str, rows: str, heirs: str, asked: set[str], build: Build
) -> None:
    found = _asked(build, _BASE.format(kind=kind, rows=rows) + heirs)
    assert {x for x, _, keys in found if keys == ("code",) or not x} == asked


def test_what_a_list_is_narrowed_to_stays(build: Build) -> None:
    heirs = "class One(Base):\n    def get_queryset(self):\n        return Offer.objects.filter(title=self.request.GET['t'])\n"
    found = _asked(build, _BASE.format(kind="ListView", rows="get_queryset()") + heirs)
    assert ("offer", "select", ("code", "title")) in found or ("offer", "select", ("title", "code")) in found  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "more", "asked"),
    [
        ("generics.RetrieveUpdateDestroyAPIView", "lookup_field = 'code'", {("order", "get", ("code",))}),
        ("generics.ListAPIView", "pass", set()),
        ("ListView", "pass", set()),
        ("DetailView", "pass", set()),
        ("generics.RetrieveAPIView", "def get_queryset(self):\n        return Offer.objects.all()", {("offer", "get", ("id",))}),
        ("generics.GenericAPIView", "def get(self, request):\n        return self.get_queryset().objects.get(code=request.GET['a'])", {("order", "get", ("code",))}),
    ],
)  # fmt: skip
def test_a_class_as_the_queryset(kind: str, more: str, asked: Asked, build: Build) -> None:
    code = f"class Orders({kind}):\n    queryset = Order\n    {more}\n"
    assert _asked(build, code, "path('a/<pk>', views.Orders.as_view())") == asked


_KEPT = """
class Counts:
    def __init__(self, given, code):
        {begun}
    def of(self, title):
        {asked}
"""
_BEGUN = "self.offers = Offer.objects.filter(code=code)"
_BOTH = ("code", "title")


@pytest.mark.parametrize(
    ("begun", "asked", "expected"),
    [
        (_BEGUN, "return self.offers.filter(title=title).count()", {("offer", "count", _BOTH)}),
        (_BEGUN, "return self.offers.get(title=title), list(self.offers.all())", {("offer", "get", _BOTH), ("offer", "select", ("code",))}),
        (f"{_BEGUN}\n        if given:\n            self.offers = Offer.objects.all()", "return self.offers.get(title=title)", {("offer", "get", _BOTH), ("offer", "get", ("title",))}),
        (_BEGUN, "return self.offers", {("offer", "select", ("code",))}),  # whoever asks it then
        (_BEGUN, "return list(self.offers)", {("offer", "select", ("code",))}),
    ],
)  # fmt: skip
def test_a_queryset_that_an_object_keeps(
    build: Build, begun: str, asked: str, expected: Asked
) -> None:
    code = _KEPT.format(begun=begun, asked=asked)
    assert _asked(build, code) == expected


_GIVEN = """
class Shows(DetailView):
    {own}
class Lists(ListView):
    model = Offer
def chosen(name, kind):
    view = globals()[name]
    return view.as_view(model=kind)
"""


@pytest.mark.parametrize(
    ("own", "route", "expected"),
    [
        ("pass", "views.Shows.as_view(model=views.Order)", {("order", "get", ("id",))}),
        ("model = Other", "views.Shows.as_view(model=views.Order)", {("other", "get", ("id",))}),
        ("pass", "views.chosen('Shows', views.Order)", {("", "get", ())}),
        ("pass", "views.Lists.as_view()", {("", "get", ())}),
    ],
)
def test_a_model_that_a_route_gives(build: Build, own: str, route: str, expected: Asked) -> None:
    found = _asked(build, _GIVEN.format(own=own), f"path('a/<int:pk>/', {route})")
    assert {x for x in found if x[1] == "get"} == expected


def test_a_view_to_which_nothing_gives_a_model_asks_nothing(build: Build) -> None:
    assert not _asked(build, "class Shows(DetailView):\n    pass\n")
