"""What django-filter asks of a view's queryset: its declared and generated filters, methods, orders; near misses."""

from __future__ import annotations

import pytest

from auditor.model.data import Bound, Query
from tests.conftest import Build

MODELS = """
from django.db import models
class Author(models.Model):
    name = models.CharField(max_length=50)
class Item(models.Model):
    name = models.CharField(max_length=50)
    price = models.IntegerField()
    rank = models.IntegerField()
    made = models.DateField()
    author = models.ForeignKey(Author, on_delete=models.CASCADE)
"""
HEAD = """
import django_filters as df
from django.db.models import Q
from shop.models import Item
"""
VIEW = """
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework import generics
from shop.filters import Items
from shop.models import Item
class View(generics.ListAPIView):
    queryset = Item.objects.all()
    filter_backends = [DjangoFilterBackend]
    filterset_class = Items
"""
Shape = tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...], tuple[tuple[str, int], ...]]
NOTHING: Shape = ((), (), (), ())


def asked(build: Build, filters: str, view: str = VIEW) -> tuple[Query, ...]:
    files = {"shop/models.py": MODELS, "shop/filters.py": HEAD + filters, "shop/views.py": view}
    return build(files).facts(Query)


def shapes(build: Build, filters: str, view: str = VIEW) -> set[Shape]:
    found = asked(build, filters, view)
    assert {q.place.path for q in found} <= {"shop/views.py"}
    return {
        (q.equality, q.range, q.scanned, q.sort) for q in found if q.collection == "shop_item"
    } - {NOTHING}


@pytest.mark.parametrize(
    ("declared", "shape"),
    [
        ("name = df.CharFilter()", (("name",), (), (), ())),
        ("x = df.CharFilter(field_name='name', lookup_expr='icontains')", ((), (), ("name",), ())),
        ("x = df.CharFilter('name', 'icontains')", ((), (), ("name",), ())),
        ("x = df.NumberFilter(field_name='price', lookup_expr='lte')", ((), ("price",), (), ())),
        ("made = df.DateFromToRangeFilter()", ((), ("made",), (), ())),
        ("x = df.BaseInFilter(field_name='name')", (("name",), (), (), ())),
        ("x = df.BaseRangeFilter(field_name='price')", ((), ("price",), (), ())),
        ("name = df.CharFilter(exclude=True)", ((), ("name",), (), ())),
        ("o = df.OrderingFilter(fields=(('rank', 'r'),))", ((), (), (), (("rank", 1),))),
        ("o = df.OrderingFilter(fields=['rank'])", ((), (), (), (("rank", 1),))),
        ("o = df.OrderingFilter(fields={'rank': 'r'})", ((), (), (), (("rank", 1),))),
        ("x = df.CharFilter(method=lambda qs, name, value: qs.filter(rank=value))", (("rank",), (), (), ())),
    ],
)  # fmt: skip
def test_a_declared_filter_compares_as_it_says(build: Build, declared: str, shape: Shape) -> None:
    assert shapes(build, f"class Items(df.FilterSet):\n    {declared}\n") == {shape}


@pytest.mark.parametrize(
    ("declared", "more", "refused"),
    [
        ("author = df.CharFilter(lookup_expr='icontains')", "", True),
        ("x = df.CharFilter('author', 'startswith')", "", True),
        ("x = df.CharFilter('author__name', 'icontains')", "", False),
        ("author = df.BaseInFilter()", "", False),
        ("author = df.NumberFilter(lookup_expr='gt')", "", False),
        ("name = df.CharFilter(lookup_expr='icontains')", "", False),
        ("author = df.CharFilter(lookup_expr='icontains')", "Key.register_lookup(Kept)", False),
    ],
)
def test_a_key_that_is_compared_as_a_text_is_refused(
    build: Build, declared: str, more: str, refused: bool
) -> None:
    found = asked(build, f"{more}\nclass Items(df.FilterSet):\n    {declared}\n")
    assert any("no column" in q.unresolved for q in found) is refused


def test_a_method_of_the_class_or_of_a_filter_narrows_the_queryset(build: Build) -> None:
    code = (
        "class Cheap(df.BooleanFilter):\n"
        "    def filter(self, qs, value):\n"
        "        return qs.filter(price__lt=9) if value else qs\n"
        "class Items(df.FilterSet):\n"
        "    q = df.CharFilter(method='search')\n"
        "    cheap = Cheap()\n"
        "    def search(self, queryset, name, value):\n"
        "        if not value:\n"
        "            return queryset\n"
        "        return queryset.filter(Q(name=value) | Q(rank=value))\n"
    )
    expected = {(("name",), (), (), ()), (("rank",), (), (), ()), ((), ("price",), (), ())}
    assert shapes(build, code) == expected


def test_fields_of_the_model_are_offered_as_meta_says(build: Build) -> None:
    code = (
        "class Base(df.FilterSet):\n"
        "    rank = df.NumberFilter(lookup_expr='gt')\n"
        "    made = df.DateFilter()\n"
        "class Items(Base):\n"
        "    made = None\n"
        "    class Meta:\n"
        "        model = Item\n"
        "        fields = {'name': ['exact', 'icontains'], 'rank': ['exact']}\n"
    )
    expected = {(("name",), (), (), ()), ((), (), ("name",), ()), ((), ("rank",), (), ())}
    assert shapes(build, code) == expected
    listed = "class Items(df.FilterSet):\n    class Meta:\n        model = Item\n        fields = ['name', 'author']\n"
    assert shapes(build, listed) == {(("name",), (), (), ()), (("author_id",), (), (), ())}
    left = "class Items(df.FilterSet):\n    class Meta:\n        model = Item\n        exclude = ['price', 'made', 'author']\n"
    assert shapes(build, left) == {(("name",), (), (), ()), (("rank",), (), (), ())}


def test_a_type_of_field_may_be_compared_in_another_way(build: Build) -> None:
    code = (
        "from django.db import models\n"
        "class Items(df.FilterSet):\n"
        "    class Meta:\n"
        "        model = Item\n"
        "        fields = ['name', 'rank']\n"
        "        filter_overrides = {models.CharField: {'filter_class': df.CharFilter, 'extra': lambda f: {'lookup_expr': 'icontains'}}}\n"
    )
    assert shapes(build, code) == {((), (), ("name",), ()), (("rank",), (), (), ())}


def test_what_the_class_adds_by_itself_is_added_to_each(build: Build) -> None:
    code = (
        "class Items(df.FilterSet):\n"
        "    name = df.CharFilter()\n"
        "    @property\n"
        "    def qs(self):\n"
        "        return super().qs.filter(author=self.request.user)\n"
    )
    expected = {(("author_id",), (), (), ()), (("name", "author_id"), (), (), ())}
    assert shapes(build, code) == expected


def test_what_cannot_be_told_is_unknown(build: Build) -> None:
    code = (
        "class Items(df.FilterSet):\n"
        "    q = df.CharFilter(method='search')\n"
        "    def search(self, queryset, name, value):\n"
        "        return queryset.filter(**{name: value})\n"
    )
    assert [bool(q.unresolved) for q in asked(build, code)] == [False, True]


def test_other_attributes_and_other_views_ask_nothing(build: Build) -> None:
    code = "class Items(df.FilterSet):\n    label = str('name')\n    name = Item.objects.none\n"
    assert shapes(build, code) == set()
    filters = "class Items(df.FilterSet):\n    name = df.CharFilter()\n"
    assert shapes(build, filters, VIEW.replace("[DjangoFilterBackend]", "[]")) == set()


FILTERED = """
from django.core.paginator import Paginator
from django.views.generic import ListView
from django_filters.views import FilterView
from shop.filters import Items
from shop.models import Item
"""
NAME = "class Items(df.FilterSet):\n    name = df.CharFilter()\n    class Meta:\n        model = Item\n        fields = []\n"


@pytest.mark.parametrize(
    "view",
    [
        "class View(FilterView):\n    filterset_class = Items\n",
        "class View(FilterView):\n    model = Item\n    filterset_fields = ['name']\n",
        "def view(request):\n    return list(Items(request.GET, queryset=Item.objects.all()).qs)\n",
        "def view(request):\n    found = Items(data=request.GET)\n    return list(found.qs)\n",
        "class View(ListView):\n    def get_queryset(self):\n"
        "        self.found = Items(self.request.GET, queryset=Item.objects.all())\n"
        "        return self.found.qs\n",
        "class View(ListView):\n    model = Item\n    filterset_class = Items\n    def get_queryset(self):\n"
        "        self.found = self.filterset_class(self.request.GET, queryset=super().get_queryset())\n"
        "        return self.found.qs\n",
    ],
)
def test_views_that_filter_without_a_backend(build: Build, view: str) -> None:
    assert shapes(build, NAME, FILTERED + view) == {(("name",), (), (), ())}


def test_what_follows_is_asked_of_each(build: Build) -> None:
    view = FILTERED + (
        "def view(request):\n"
        "    found = Items(request.GET, queryset=Item.objects.order_by('rank'))\n"
        "    return Paginator(found.qs, 20).get_page(1)\n"
    )
    found = {q.equality: q for q in asked(build, NAME, view) if q.operation == "select"}
    assert {(q.sort, q.bound) for q in found.values()} == {((("rank", 1),), Bound.LIMITED)}
    assert found.keys() == {(), ("name",)}


@pytest.mark.parametrize(
    ("given", "filters"),
    [
        ("{}, queryset=Item.objects.order_by('rank')", False),
        ("None, queryset=Item.objects.order_by('rank')", False),
        ("queryset=Item.objects.order_by('rank')", False),
        ("data={}, queryset=Item.objects.order_by('rank')", False),
        ("{'name': x}, queryset=Item.objects.order_by('rank')", True),
        ("x, queryset=Item.objects.order_by('rank')", True),
        ("data=x, queryset=Item.objects.order_by('rank')", True),
        ("*x, queryset=Item.objects.order_by('rank')", True),
        ("queryset=Item.objects.order_by('rank'), **x", True),
    ],
)
def test_filters_that_are_given_nothing_filter_nothing(
    given: str, filters: bool, build: Build
) -> None:
    view = FILTERED + f"def view(request, x):\n    return list(Items({given}).qs)\n"
    expected = {(), ("name",)} if filters else {()}
    assert {q.equality for q in asked(build, NAME, view)} == expected
    made = (
        NAME
        + "    def __init__(self, data=None, **more):\n        super().__init__(data or {'name': 1}, **more)\n"
    )
    assert {q.equality for q in asked(build, made, view)} == {(), ("name",)}
    plain = (
        NAME
        + "    def __init__(self, *args, **kwargs):\n        super().__init__(*args, **kwargs)\n        self.filters['name'].label = 'Name'\n"
    )
    assert {q.equality for q in asked(build, plain, view)} == expected


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ("search_fields = ('title')", False),
        ("search_fields = 'title'", False),
        ("search_fields = ('title',)", True),
        ("search_fields = ['title']", True),
        ("ordering_fields = ('title')", False),
        ("ordering_fields = ('title',)", True),
        ("ordering = 'title'", True),
        ("filterset_fields = ('title')", False),
        ("filterset_fields = ('title',)", True),
    ],
)
def test_a_text_in_brackets_is_no_list_of_fields(option: str, told: bool, build: Build) -> None:
    models = "from django.db import models\nclass Book(models.Model):\n    title = models.CharField(max_length=20)\n    class Meta:\n        app_label = 'shop'\n"
    view = (
        "from rest_framework import filters, generics\nfrom django_filters.rest_framework import DjangoFilterBackend\n"
        "from shop.models import Book\nclass Books(generics.ListAPIView):\n    queryset = Book.objects.all()\n"
        f"    filter_backends = [DjangoFilterBackend, filters.SearchFilter, filters.OrderingFilter]\n    {option}\n"
    )
    application = build({"shop/models.py": models, "shop/views.py": view})
    asked = [q for q in application.facts(Query) if q.reads]
    named = {n for q in asked for n in (*q.equality, *q.scanned, *(s for s, _ in q.sort))}
    assert asked
    assert ("title" in named) is told


_REQUIRED = """
class Items(df.FilterSet):
    author = df.NumberFilter(required={required})
    cheap = df.BooleanFilter(field_name="price", required=True)
    {own}
    class Meta:
        model = Item
        fields = ["author", "name"]
        {option}
"""
_OPTIONAL = {("author_id",), ("name",), ("price",), ()}
_DEMANDED = {("author_id",), ("author_id", "name"), ("author_id", "price")}
_HAND = """
from shop.filters import Items
from shop.models import Item
def view(request):
    return list(Items(request.GET, queryset=Item.objects.all()).qs)
"""
_OF_DJANGO = """
from django_filters.views import FilterView
from shop.filters import Items
class View(FilterView):
    filterset_class = Items
"""
_BACKEND = "class DjangoFilterBackend(filters.DjangoFilterBackend):\n    raise_exception = False\n"


@pytest.mark.parametrize(
    ("required", "own", "option", "view", "expected"),
    [
        ("True", "", "", VIEW, _DEMANDED),
        ("False", "", "", VIEW, _OPTIONAL),
        ("given", "", "", VIEW, _OPTIONAL),
        ("True", "", "form = Loose", VIEW, _OPTIONAL),
        ("True", "def __init__(self, *args, **kwargs):\n        super().__init__(*args, **kwargs)\n        self.filters['author'].extra['required'] = False", "", VIEW, _OPTIONAL),
        ("True", "", "", VIEW.replace("\nclass", f"\nfrom django_filters import rest_framework as filters\n{_BACKEND}class", 1), _OPTIONAL),
        ("True", "", "", VIEW + "    def filter_queryset(self, queryset):\n        return queryset\n", _OPTIONAL),
        ("True", "", "", _HAND, _OPTIONAL),  # what is not valid is left out
        ("True", "", "", _OF_DJANGO, _OPTIONAL),  # a page that is asked for nothing
    ],
)  # fmt: skip
def test_what_a_request_must_fill_is_in_every_query(
    build: Build, required: str, own: str, option: str, view: str, expected: set[tuple[str, ...]]
) -> None:
    code = _REQUIRED.format(required=required, own=own, option=option)
    assert {q.equality for q in asked(build, code, view) if q.collection == "shop_item"} == expected


@pytest.mark.parametrize(
    ("else_", "expected"),
    [("queryset.filter(rank=0)", {("name",), ("rank",)}), ("queryset", {("name",), ()})],
)
def test_a_method_that_must_be_asked_may_leave_the_queryset_as_it_is(
    build: Build, else_: str, expected: set[tuple[str, ...]]
) -> None:
    code = (
        "class Items(df.FilterSet):\n"
        "    q = df.CharFilter(method='search', required=True)\n"
        "    def search(self, queryset, name, value):\n"
        "        if value == 'all':\n"
        f"            return {else_}\n"
        "        return queryset.filter(name=value)\n"
    )
    view = VIEW + "    search_fields = ['=price']\n"
    assert {q.equality for q in asked(build, code, view)} == expected


_SCHEMA = """
import graphene
from graphene_django import DjangoObjectType
from graphene_django.filter import DjangoFilterConnectionField
from shop.filters import Items
from shop.models import Item
class ItemType(DjangoObjectType):
    class Meta:
        model = Item
        {said}
class Query(graphene.ObjectType):
    items = DjangoFilterConnectionField({field})
    {resolver}
"""
_OF_NAME = "filter_fields = {'name': ['icontains'], 'price': ['lt']}"


@pytest.mark.parametrize(
    ("said", "field", "resolver", "expected"),
    [
        (_OF_NAME, "ItemType", "", {((), ("price",), (), ()), ((), (), ("name",), ())}),
        (_OF_NAME, "lambda: ItemType", "", {((), ("price",), (), ()), ((), (), ("name",), ())}),
        (_OF_NAME, "ItemType, fields=['name']", "", {(("name",), (), (), ())}),
        ("filterset_class = Items", "ItemType", "", {(("rank",), (), (), ())}),
        (_OF_NAME, "ItemType, filterset_class=Items", "", {(("rank",), (), (), ())}),
        ("filter_fields = ['price']", "ItemType", "def resolve_items(self, info, **given):\n        return Item.objects.filter(name='a')", {(("name",), (), (), ()), (("name", "price"), (), (), ())}),
        ("fields = '__all__'", "ItemType", "", set()),
        (_OF_NAME, "other", "", set()),
    ],
)  # fmt: skip
def test_a_field_of_graphene_that_filters(
    build: Build, said: str, field: str, resolver: str, expected: set[Shape]
) -> None:
    view = _SCHEMA.format(said=said, field=field, resolver=resolver)
    assert shapes(build, "class Items(df.FilterSet):\n    rank = df.NumberFilter()\n", view) == expected  # fmt: skip
