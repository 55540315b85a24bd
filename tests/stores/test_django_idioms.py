"""What Django's models and querysets ask of the database where their names mislead; and near misses."""

from __future__ import annotations

import pytest

from auditor.model.data import Bound, CollectionFit, Fit, Query
from tests.conftest import Build

MODELS = """
from django.db import models
class Tag(models.Model):
    name = models.CharField(max_length=20)
    class Meta:
        app_label = "shop"
class Product(models.Model):
    ref = models.CharField(max_length=20)
    shelf = models.IntegerField()
    tags = models.ManyToManyField(Tag)
    class Meta:
        app_label = "shop"
class Cheap(Product):
    class Meta:
        proxy = True
        app_label = "shop"
"""


def asked(build: Build, line: str) -> tuple[Query, ...]:
    code = f"from django.db.models import Count\nfrom shop.models import Product, Tag\ndef ask(request, x):\n    return {line}\n"
    return build({"shop/models.py": MODELS, "shop/views.py": code}).facts(Query)


def test_a_proxy_shares_the_table_between_two_models(build: Build) -> None:
    code = "from shop.models import Product\ndef ask(request, x):\n    return list(Product.objects.get(pk=x).tags.all())\n"
    application = build({"shop/models.py": MODELS, "shop/views.py": code})
    told = {
        (query.collection, query.equality): match.fit
        for found in application.facts(CollectionFit)
        for query, match in found.fits
    }
    assert told["shop_product_tags", ("product_id",)] is Fit.COVERED


def test_the_order_of_groups_is_no_order_of_rows(build: Build) -> None:
    (grouped,) = asked(
        build,
        "list(Product.objects.values('shelf').annotate(n=Count('id')).order_by('shelf')[:10])",
    )
    assert (grouped.operation, grouped.sort) == ("aggregate", ())
    (plain,) = asked(build, "list(Product.objects.values('shelf').order_by('shelf')[:10])")
    assert plain.sort == (("shelf", 1),)


@pytest.mark.parametrize(
    ("line", "operation", "equality", "sort"),
    [
        ("list(Product.objects.annotate(n=Count('tags')).order_by('ref')[:10])", "select", (), ()),
        ("list(Product.objects.order_by('ref').annotate(Count('tags'))[:10])", "select", (), ()),
        ("list(Product.objects.annotate(n=Coalesce(Sum('tags__id'), 0) + 1).order_by('ref')[:10])", "select", (), ()),
        ("Product.objects.annotate(n=Count('tags')).order_by('ref').first()", "select", (), ()),
        ("Product.objects.annotate(n=Count('tags')).latest('ref')", "select", (), ()),
        ("list(Product.objects.filter(shelf=x).annotate(n=Count('tags')).order_by('ref')[:10])", "select", ("shelf",), ()),
        ("list(Product.objects.annotate(low=Lower('ref')).order_by('ref')[:10])", "select", (), (("ref", 1),)),
        ("list(Product.objects.annotate(n=Subquery(x.annotate(m=Count('id')))).order_by('ref')[:10])", "select", (), (("ref", 1),)),
        ("list(Product.objects.annotate(n=Window(Count('id'))).order_by('ref')[:10])", "select", (), (("ref", 1),)),
    ],
)  # fmt: skip
def test_rows_with_figures_of_what_is_joined_are_groups_too(
    build: Build,
    line: str,
    operation: str,
    equality: tuple[str, ...],
    sort: tuple[tuple[str, int], ...],
) -> None:
    (query, *_) = asked(build, line)
    assert (query.operation, query.equality, query.sort) == (operation, equality, sort)


def test_in_bulk_asks_by_the_field_that_it_names(build: Build) -> None:
    (named,) = asked(build, "Product.objects.in_bulk(x, field_name='ref')")
    assert named.equality == ("ref",)
    (keys,) = asked(build, "Product.objects.in_bulk(x)")
    assert keys.equality == ("id",)


_REF = """
from shop.models import Product
from django.db.models import Q
from django.shortcuts import get_object_or_404
def ask(request):
    return get_object_or_404(Product, ref="first"), Product.objects.filter(Q(ref="last"))
"""


def test_what_is_asked_for_is_nothing_that_is_given(build: Build) -> None:
    application = build({"shop/models.py": MODELS, "shop/views.py": _REF})
    told = {
        match.fit
        for found in application.facts(CollectionFit)
        for query, match in found.fits
        if query.equality == ("ref",)
    }
    assert told == {Fit.MISSING}


LOGS = """
from django.db import models
class Log(models.Model):
    kind = models.CharField(max_length=9)
    made = models.DateTimeField()
    rank = models.IntegerField()
    class Meta:
        ordering = ["-made"]
        get_latest_by = "rank"
class Plain(models.Model):
    kind = models.CharField(max_length=9)
class Keyed(models.Model):
    kind = models.CharField(max_length=9)
    class Meta:
        ordering = ["-pk"]
"""


@pytest.mark.parametrize(
    ("line", "sort", "fit"),
    [
        ("Log.objects.first()", (("made", -1),), Fit.MISSING),
        ("Log.objects.last()", (("made", 1),), Fit.MISSING),
        ("Log.objects.all()[0]", (("made", -1),), Fit.MISSING),
        ("Log.objects.filter(kind=x).first()", (("made", -1),), Fit.MISSING),
        ("Log.objects.latest()", (("rank", -1),), Fit.MISSING),
        ("Log.objects.earliest()", (("rank", 1),), Fit.MISSING),
        ("Log.objects.latest('kind')", (("kind", -1),), Fit.MISSING),
        ("Log.objects.order_by('kind').last()", (("kind", -1),), Fit.MISSING),
        ("Log.objects.order_by().first()", (), Fit.COVERED),
        ("Log.objects.get(pk=x)", (), Fit.COVERED),
        ("Log.objects.exists()", (), Fit.COVERED),
        ("Plain.objects.first()", (), Fit.COVERED),
        ("Plain.objects.filter(kind=x).first()", (), Fit.MISSING),
        ("Keyed.objects.filter(kind=x).first()", (), Fit.MISSING),
    ],
)
def test_the_first_and_the_last_are_told_by_an_order(
    build: Build, line: str, sort: tuple[tuple[str, int], ...], fit: Fit
) -> None:
    code = f"from shop.models import Keyed, Log, Plain\ndef ask(request, x):\n    return {line}\n"
    application = build({"shop/models.py": LOGS, "shop/views.py": code})
    ((query, match),) = [f for found in application.facts(CollectionFit) for f in found.fits]
    assert (query.sort, match.fit) == (sort, fit)


_SHELVES = """
from django.db import models
class Shelf(models.Model):
    name = models.CharField(max_length=20)
    class Meta:
        app_label = "shop"
class Book(models.Model):
    shelf = models.ForeignKey(Shelf, related_name="books", on_delete=models.CASCADE)
    title = models.CharField(max_length=20)
    at = models.DateTimeField()
    class Meta:
        app_label = "shop"
"""


@pytest.mark.parametrize(
    ("queryset", "equality", "sort"),
    [
        ("Book.objects.filter(title=x).order_by('-at')", ("title", "shelf_id"), (("at", -1),)),
        ("Book.objects.order_by('-at')[:3]", ("shelf_id",), ()),  # within each shelf's own
        ("Book.objects.all()", ("shelf_id",), ()),
    ],
)
def test_the_queryset_of_a_prefetch_is_asked_by_the_key_to_the_other_side(
    build: Build, queryset: str, equality: tuple[str, ...], sort: tuple[tuple[str, int], ...]
) -> None:
    code = (
        "from django.db.models import Prefetch\nfrom shop.models import Book, Shelf\ndef ask(request, x):\n"
        f"    return list(Shelf.objects.prefetch_related(Prefetch('books', queryset={queryset})))\n"
    )
    found = build({"shop/models.py": _SHELVES, "shop/views.py": code}).facts(Query)
    assert [(q.equality, q.sort) for q in found if q.collection == "shop_book"] == [
        (equality, sort)
    ]


MANAGED = """
from django.db import models
class Live(models.Manager):
    def get_queryset(self):
        return super().get_queryset().filter(kind="live")
class Item(models.Model):
    kind = models.CharField(max_length=9)
    name = models.CharField(max_length=9)
    live = Live()
class Cheap(Item):
    class Meta:
        proxy = True
"""


@pytest.mark.parametrize(
    ("line", "shapes"),
    [
        ("list(Item.live.filter(name=x))", [("kind", "name")]),
        ("list(Cheap.live.filter(name=x))", [("kind", "name")]),
        ("list(Item.live.all())", [("kind",)]),
        ("Item.live.create(name=x)", []),
    ],
)
def test_what_a_manager_narrows_is_asked_once_with_what_follows(
    build: Build, line: str, shapes: list[tuple[str, ...]]
) -> None:
    code = f"from shop.models import Cheap, Item\ndef ask(request, x):\n    return {line}\n"
    application = build({"shop/models.py": MANAGED, "shop/views.py": code})
    found = [q for q in application.facts(Query) if q.place.path == "shop/views.py"]
    assert [q.equality for q in found if q.reads] == shapes


VIEWS = """
from django.views.generic import ListView
from rest_framework.generics import ListAPIView
from rest_framework.pagination import PageNumberPagination
from rest_framework.views import APIView
from shop.models import Product
class Pages(PageNumberPagination):
    page_size = 10
class View({base}):
    {body}
"""


@pytest.mark.parametrize(
    ("base", "body", "missing"),
    [
        ("ListView", "model = Product; ordering = ['-shelf']; paginate_by = 5", {"shelf"}),
        ("ListView", "model = Product; paginate_by = 5", set()),
        ("ListAPIView", "queryset = Product.objects.all(); ordering = ['-shelf']; pagination_class = Pages", set()),
        ("APIView", "def get(self, request):\n        pages = Pages()\n        return pages.paginate_queryset(Product.objects.order_by('-shelf'), request)", {"shelf"}),
        ("APIView", "def get(self, request):\n        return [p.ref for p in Product.objects.order_by('-shelf')]", set()),
    ],
)  # fmt: skip
def test_a_page_of_a_list_in_order_asks_for_an_index(
    base: str, body: str, missing: set[str], build: Build
) -> None:
    files = {"shop/models.py": MODELS, "shop/views.py": VIEWS.format(base=base, body=body)}
    fits = [m for c in build(files).facts(CollectionFit) for _, m in c.fits]
    assert {name for match in fits for name in match.missing} == missing


@pytest.mark.parametrize(
    ("taken", "sort"),
    [
        ("Product.objects.order_by('-id').filter(shelf=x)[:5].count()", (("id", -1),)),
        ("Paginator(Product.objects.order_by('-id').filter(shelf=x)[:5], 2)", (("id", -1),)),
        ("Product.objects.order_by('-id').filter(shelf=x)[:5].exists()", ()),
        ("Product.objects.order_by('-id').filter(shelf=x).count()", ()),
        ("Product.objects.filter(shelf=x)[:5].count()", ()),
    ],
)
def test_what_is_counted_of_a_slice_is_the_first_of_its_order(
    taken: str, sort: tuple[tuple[str, int], ...], build: Build
) -> None:
    code = f"from django.core.paginator import Paginator\nfrom shop.models import Product\ndef ask(request, x):\n    return {taken}\n"
    found = build({"shop/models.py": MODELS, "shop/views.py": code}).facts(Query)
    assert [q.sort for q in found if q.operation in ("count", "exists")] == [sort]


@pytest.mark.parametrize(
    ("imported", "fit"),
    [
        ("from somepackage.models import BaseThing", Fit.MISSING),
        ("from django.forms import Form as BaseThing", None),
        ("BaseThing = object", None),
    ],
)
def test_a_model_of_a_base_that_nobody_knows(imported: str, fit: Fit | None, build: Build) -> None:
    """Fields of Django make a table of a class whose base comes from somewhere else."""
    models = f"""
from django.db.models import CharField
{imported}
class Parcel(BaseThing):
    title = CharField(max_length=50)
    class Meta:
        app_label = "shop"
"""
    views = "from shop.models import Parcel\ndef ask(request):\n    return list(Parcel.objects.filter(title=request.GET['q']))\n"
    application = build({"shop/models.py": models, "shop/views.py": views})
    fits = {m.fit for c in application.facts(CollectionFit) for _, m in c.fits if c.name}
    assert fits == ({fit} if fit else set())


@pytest.mark.parametrize(
    ("unique", "fit"), [("unique=True", Fit.COVERED), ("db_index=True", Fit.PARTIAL)]
)
def test_what_stands_behind_a_unique_field_orders_nothing(
    unique: str, fit: Fit, build: Build
) -> None:
    models = MODELS.replace(
        "ref = models.CharField(max_length=20)", f"ref = models.CharField(max_length=20, {unique})"
    )
    views = "from shop.models import Product\ndef ask(request):\n    return list(Product.objects.order_by('ref', 'shelf')[:10])\n"
    application = build({"shop/models.py": models, "shop/views.py": views})
    assert [m.fit for c in application.facts(CollectionFit) for _, m in c.fits] == [fit]


def test_a_manager_s_own_queryset_is_told_where_it_is_asked(build: Build) -> None:
    models = """
from django.db import models
class Live(models.Manager):
    def get_queryset(self):
        return super().get_queryset().filter(stock__gt=0)
class Item(models.Model):
    stock = models.IntegerField()
    name = models.CharField(max_length=9)
    live = Live()
    class Meta:
        app_label = "shop"
"""
    views = "from shop.models import Item\ndef ask(request):\n    return list(Item.live.filter(name=request.GET['n']))\n"
    (found,) = build({"shop/models.py": models, "shop/views.py": views}).facts(Query)
    assert (found.place.path, found.equality, found.range) == (
        "shop/views.py",
        ("name",),
        ("stock",),
    )


@pytest.mark.parametrize(
    ("meta", "expected"),
    [
        ('ordering = ["name"]', (("day", -1),)),
        ("verbose_name = 'x'", (("day", -1), ("kind_id", 1))),
    ],
)
def test_an_order_by_a_relation_is_that_of_its_model(
    meta: str, expected: tuple[tuple[str, int], ...], build: Build
) -> None:
    """Django sorts by `kind.name` then: https://docs.djangoproject.com/en/stable/ref/models/querysets/#order-by"""
    models = f"""
from django.db import models
class Kind(models.Model):
    name = models.CharField(max_length=9)
    class Meta:
        app_label = "shop"
        {meta}
class Item(models.Model):
    day = models.DateField()
    kind = models.ForeignKey(Kind, on_delete=models.CASCADE)
    class Meta:
        app_label = "shop"
        ordering = ["-day", "kind"]
"""
    views = "from shop.models import Item\ndef ask(request, offset=0, limit=20):\n    return list(Item.objects.all()[offset : offset + limit])\n"
    (found,) = build({"shop/models.py": models, "shop/views.py": views}).facts(Query)
    assert (found.sort, found.bound) == (expected, Bound.LIMITED)


_SEARCHED = """
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
class Book(models.Model):
    name = models.CharField(max_length=30)
    vector = SearchVectorField(null=True)
    class Meta:
        app_label = "shop"
        indexes = [{indexes}]
"""


@pytest.mark.parametrize(
    ("asked", "indexes", "fit", "code"),
    [
        (
            "name__search=x", "", Fit.MISSING,
            'GinIndex(SearchVector("name", config="simple"), name="ix_shop_book_name")]; search by SearchQuery(…, config="simple")',
        ),
        ("name__search=x", 'models.Index(fields=["name"])', Fit.MISSING, "GinIndex(SearchVector("),
        ("vector=x", "", Fit.MISSING, 'GinIndex(fields=["vector"], name="ix_shop_book_vector")]'),
        ("vector=x", 'GinIndex(fields=["vector"])', Fit.COVERED, None),
        ("name=x", "", Fit.MISSING, 'models.Index(fields=["name"])'),
    ],
)  # fmt: skip
def test_a_search_for_words_needs_an_index_of_words(
    asked: str, indexes: str, fit: Fit, code: str | None, build: Build
) -> None:
    """What is recommended was held against PostgreSQL, which uses it for what is said beside it."""
    view = f"from shop.models import Book\ndef ask(request, x):\n    return list(Book.objects.filter({asked}))\n"
    models = _SEARCHED.replace("{indexes}", indexes)
    (found,) = build({"shop/models.py": models, "shop/views.py": view}).facts(CollectionFit)
    assert [m.fit for q, m in found.fits] == [fit]
    assert [code in p.code if code else p.code for p in found.proposed] == ([True] if code else [])


@pytest.mark.parametrize(
    ("package", "line", "operation", "equality"),
    [
        ("model_utils.managers", "Card.objects.get_subclass(id=x)", "get", ("id",)),
        ("model_utils.managers", "Card.objects.filter(name=x).get_subclass(id=x)", "get", ("name", "id")),
        ("model_utils.managers", "list(Card.objects.select_subclasses().filter(name=x))", "select", ("name",)),
        ("shelves.managers", "Card.objects.get_subclass(id=x)", "select", ()),
        ("model_utils.managers", "Card.own.get_subclass(id=x)", "select", ("name",)),
    ],
)  # fmt: skip
def test_an_inheritance_manager_gets_the_subclass(
    package: str, line: str, operation: str, equality: tuple[str, ...], build: Build
) -> None:
    models = f"""
from django.db import models
from {package} import InheritanceManager
class Card(models.Model):
    name = models.CharField(max_length=20)
    objects = InheritanceManager()
    class Meta:
        app_label = "shop"
"""
    if ".own." in line:
        own = "class OwnManager(models.Manager):\n    def get_subclass(self, id):\n        return self.filter(name=id)\n"
        models = models.replace("class Card", f"{own}class Card") + "    own = OwnManager()\n"
    code = f"from shop.models import Card\ndef ask(request, x):\n    return {line}\n"
    asked = build({"shop/models.py": models, "shop/views.py": code}).facts(Query)
    assert {(q.operation, q.equality) for q in asked} == {(operation, equality)}


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("def ask(x):\n    return Lost.objects.get(name=x)\n", "Lost is not defined at this place"),
        ("from elsewhere import *\ndef ask(x):\n    return Lost.objects.get(name=x)\n", "elsewhere.Lost is a model of a package"),
        ("from elsewhere import find\nLost = find('lost')\ndef ask(x):\n    return Lost.objects.get(name=x)\n", "the model is chosen at run time"),
        ("def ask(x, Lost):\n    return Lost.objects.get(name=x)\n", "the model is chosen at run time"),
    ],
)  # fmt: skip
def test_a_model_that_its_file_does_not_know(code: str, reason: str, build: Build) -> None:
    application = build({"shop/models.py": MODELS, "shop/views.py": code})
    assert [q.unresolved for q in application.facts(Query)] == [reason]


@pytest.mark.parametrize(
    ("prefetch", "line", "asks"),
    [  # as Django 5.2 sends them
        ("'book_set'", "shelf.book_set.count()", False),
        ("'book_set'", "shelf.book_set.exists()", False),
        ("'book_set__shelf'", "shelf.book_set.count()", False),
        ("'book_set'", "shelf.book_set.all().count()", False),
        ("'book_set'", "len(shelf.book_set.all())", False),
        ("Prefetch('book_set', queryset=Book.objects.filter(year=3))", "shelf.book_set.count()", False),
        ("'book_set'", "shelf.book_set.filter(year=4).count()", True),
        ("'book_set'", "shelf.book_set.first()", True),
        ("'book_set'", "shelf.book_set.aggregate(n=Count('id'))", True),
        ("Prefetch('book_set', to_attr='books')", "shelf.book_set.count()", True),
        ("Prefetch('book_set', to_attr='books')", "list(shelf.book_set.all())", True),
        ("x", "shelf.book_set.count()", True),
        ("", "shelf.book_set.count()", True),
    ],
)  # fmt: skip
def test_what_a_prefetch_has_brought_is_counted_without_asking(
    prefetch: str, line: str, asks: bool, build: Build
) -> None:
    models = """
from django.db import models
class Shelf(models.Model):
    class Meta:
        app_label = "shop"
class Book(models.Model):
    shelf = models.ForeignKey(Shelf, on_delete=models.CASCADE)
    year = models.IntegerField()
    class Meta:
        app_label = "shop"
"""
    code = (
        "from django.db.models import Count, Prefetch\nfrom shop.models import Book, Shelf\ndef ask(x):\n"
        f"    return [\n        {line}\n        for shelf in Shelf.objects.prefetch_related({prefetch})\n    ]\n"
    )
    found = build({"shop/models.py": models, "shop/views.py": code}).facts(Query)
    assert any(q.collection == "shop_book" and q.place.line == 5 for q in found) is asks


def test_objects_of_unknown_origin_are_counted_by_asking(build: Build) -> None:
    code = "def ask(products):\n    return [product.tags.count() for product in products]\n"
    found = build({"shop/models.py": MODELS, "shop/views.py": code}).facts(Query)
    assert [(q.collection, q.operation) for q in found if q.collection == "shop_product_tags"]


def test_the_tokens_of_rest_framework_are_found_by_their_user(build: Build) -> None:
    code = """
from rest_framework.authtoken.models import Token
def show(request):
    return Token.objects.get(user=request.user), Token.objects.filter(user__username="a").first()
"""
    files = {"manage.py": "", "settings.py": "INSTALLED_APPS = ['rest_framework.authtoken']\n", "views.py": code}  # fmt: skip
    found = build(files).facts(Query)
    assert {q.equality for q in found if q.collection == "authtoken_token"} == {("user_id",)}


_BASKETS = {
    "manage.py": "",
    "site/settings.py": "INSTALLED_APPS = ['django.contrib.auth', 'shop']\nAUTH_USER_MODEL = 'shop.Member'\n",
    "shop/__init__.py": "",
    "shop/models.py": "from django.contrib.auth.models import AbstractUser\nfrom django.db import models\nclass Member(AbstractUser):\n    pass\n"
    "class Basket(models.Model):\n    owner = models.ForeignKey(Member, on_delete=models.CASCADE, related_name='baskets')\n",
}


@pytest.mark.parametrize(
    ("user", "listed"),
    [
        ("info.context.user", True),
        ("info.context.request.user", True),
        ("self.request.user", True),
        ("info.other.user", False),
    ],
)
def test_what_belongs_to_whoever_asks(user: str, listed: bool, build: Build) -> None:
    """The request of GraphQL is its context: https://docs.graphene-python.org/projects/django/en/latest/authorization/."""
    code = f"def resolve(self, info):\n    user = {user}\n    mine = user.baskets\n    return mine.count()\n"
    found = build({**_BASKETS, "shop/schema.py": code}).facts(Query)
    told = {(q.collection, q.operation, q.equality) for q in found}
    assert (("shop_basket", "count", ("owner_id",)) in told) is listed


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("owner__user", ((), "owner__user asks a model that is not in this tree")),
        ("owner__user__id", ((), "owner__user__id asks a model that is not in this tree")),
        ("owner__nick__icontains", ((), "owner__nick__icontains asks a model that is not in this tree")),
        ("owner__id", (("owner_id",), "")),
        ("owner__pk__in", (("owner_id",), "")),
        ("owner__in", (("owner_id",), "")),
        ("owner", (("owner_id",), "")),
    ],
)  # fmt: skip
def test_a_key_of_a_model_that_is_not_in_the_tree(
    path: str, told: tuple[tuple[str, ...], str], build: Build
) -> None:
    models = "from django.db import models\nfrom people.models import Person\nclass Ticket(models.Model):\n    owner = models.ForeignKey(Person, on_delete=models.CASCADE)\n"
    code = f"from desk.models import Ticket\ndef ask(request, x):\n    return list(Ticket.objects.filter({path}=x))\n"
    asked = build({"desk/models.py": models, "desk/views.py": code}).facts(Query)
    assert {(q.equality, q.unresolved) for q in asked} == {told}


@pytest.mark.parametrize(
    ("body", "line", "told"),
    [
        ("self.filter(name=self.model.Kind.RED)", "list(Card.objects.filter(kind=x).red())", {("kind", "name")}),
        ("self.filter(name=x)", "Card.objects.filter(kind=x).red(x).exists()", {("kind", "name")}),
        ("self.filter(name=x)", "Card.objects.filter(kind=x).red(x).get()", {("kind", "name")}),
        ("self.filter(name=self.model.Kind.RED)", "list(Card.objects.filter(kind=x))", {("kind",)}),  # nothing calls it
        ("self.filter(name=self.model.Kind.RED).count()", "list(Card.objects.filter(kind=x))", {("kind",), ("name",)}),
        ("self.filter(name=x)", "mine.count(), mine.red(x).count()", {("kind",), ("kind", "name")}),
    ],
)  # fmt: skip
def test_a_step_of_a_queryset_of_the_tree_goes_on_with_what_went_before(
    body: str, line: str, told: set[tuple[str, ...]], build: Build
) -> None:
    models = f"""
from django.db import models
class Cards(models.QuerySet):
    def red(self, x=None):
        return {body}
class Card(models.Model):
    name = models.CharField(max_length=20)
    kind = models.CharField(max_length=20)
    objects = Cards.as_manager()
    class Kind(models.TextChoices):
        RED = "red"
"""
    code = f"from shop.models import Card\ndef ask(request, x):\n    mine = Card.objects.filter(kind=x)\n    return {line}\n"
    asked = build({"shop/models.py": models, "shop/views.py": code}).facts(Query)
    assert {tuple(sorted(q.equality)) for q in asked} - {("kind",)} == told - {("kind",)}


@pytest.mark.parametrize("base", ["object", "", "Base"])
def test_a_class_that_is_only_called_a_manager_tells_what_it_asks(base: str, build: Build) -> None:
    models = "from django.db import models\nclass Card(models.Model):\n    name = models.CharField(max_length=20)\n"
    code = f"from shop.models import Card\nclass Base:\n    pass\nclass CardManager({base}):\n    def by(self, name):\n        return Card.objects.filter(name=name)\ndef ask(request, x):\n    return CardManager().by(x)\n"
    asked = build({"shop/models.py": models, "shop/views.py": code}).facts(Query)
    assert ("name",) in {q.equality for q in asked}


@pytest.mark.parametrize(
    ("field", "none"),
    [
        ("models.OneToOneField", "review__isnull=True"),
        ("models.ForeignKey", "reviews__isnull=True"),
        ("models.OneToOneField", "review=None"),
        ("models.ForeignKey", "reviews=None"),
    ],
)
def test_who_has_none_is_found_by_no_key(field: str, none: str, build: Build) -> None:
    name = none.partition("=")[0].partition("__")[0]
    models = f"from django.db import models\nclass Booking(models.Model):\n    made = models.DateTimeField()\nclass Review(models.Model):\n    booking = {field}(Booking, on_delete=models.CASCADE, related_name='{name}')\n"
    code = f"from shop.models import Booking\ndef ask(request, x):\n    Booking.objects.create(made=x)\n    return list(Booking.objects.filter({none}, made__lte=x))\n"
    found = build({"shop/models.py": models, "shop/views.py": code}).facts(CollectionFit)
    (told,) = ((q, m) for f in found if f.name == "shop_booking" for q, m in f.fits if q.range)
    assert (told[0].equality, told[0].range, told[1].fit) == ((), ("made",), Fit.MISSING)


_BOOKS = """
from django.db import models
class Writer(models.Model):
    name = models.CharField(max_length=90)
class Book(models.Model):
    writers = models.ManyToManyField(Writer, related_name="books")
    owner = models.ForeignKey(Writer, null=True, on_delete=models.CASCADE)
class Scan(models.Model):
    book = models.ForeignKey(Book, on_delete=models.CASCADE, related_name="scans", db_index=False)
def ask(x):
    return list(Book.objects.filter({asked}))
"""


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("scans=None", {("app_book", ()), ("app_scan", ())}),
        ("writers=None", {("app_book", ()), ("app_book_writers", ())}),
        ("writers__isnull=True", {("app_book", ()), ("app_book_writers", ())}),
        ("owner=None", {("app_book", ("owner_id",))}),
        ("owner__isnull=False", {("app_book", ())}),
        ("scans=x", {("app_book", ("id",)), ("app_scan", ("id",))}),
    ],
)
def test_those_that_nothing_refers_to_are_all_looked_at(
    asked: str, told: set[tuple[str, tuple[str, ...]]], build: Build
) -> None:
    found = build({"app/models.py": _BOOKS.format(asked=asked), "requirements.txt": "django"})
    assert {(f.name, q.equality) for f in found.facts(CollectionFit) for q, _ in f.fits} == told


_DOCS = """
from django.db import models
from django.db.models import OuterRef, Subquery
class Doc(models.Model):
    folder = models.IntegerField(db_index=True)
    version = models.IntegerField()
def ask(given):
    newest = Doc.objects.filter(folder=OuterRef("folder")).values("version")
    last = Doc.objects.filter(folder=given).values("version")
    return list(Doc.objects.filter({asked}))
"""


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("version=Subquery(newest[:1])", False),
        ("version=Subquery(newest)", False),
        ("version__in=newest", False),
        ("version=Subquery(Doc.objects.filter(folder=OuterRef('folder')).values('version')[:1])", False),
        ("version=Subquery(last[:1])", True),
        ("version__in=last", True),
    ],
)  # fmt: skip
def test_what_is_found_for_each_row_is_no_value_to_look_up(
    asked: str, told: bool, build: Build
) -> None:
    found = build({"app/models.py": _DOCS.replace("{asked}", asked)}).facts(Query)
    assert not any(q.unresolved for q in found)
    assert any("version" in q.equality for q in found) is told
    assert any("folder" in q.equality for q in found)


@pytest.mark.parametrize(("named", "known"), [("app.Shelf", True), ("app.shelf", True), ("shelf", True), ("app.shelves", False)])  # fmt: skip
def test_a_model_is_named_without_its_case(named: str, known: bool, build: Build) -> None:
    models = f"""
from django.db import models
class Shelf(models.Model):
    tags = models.ManyToManyField("app.tag")
class Tag(models.Model):
    pass
class Book(models.Model):
    shelf = models.ForeignKey("{named}", models.CASCADE, related_name="books")
def ask(given):
    shelf = Shelf.objects.get(pk=given)
    return list(shelf.books.all())
"""
    found = build({"app/__init__.py": "", "app/models.py": models}).facts(Query)
    assert any(q.collection == "app_book" and q.equality == ("shelf_id",) for q in found) is known


@pytest.mark.parametrize(
    ("field", "told"),
    [
        ("ModelChoiceField(Product.objects)", [()]),
        ("ModelMultipleChoiceField(queryset=Product.objects)", [()]),
        ("ModelChoiceField(Product.objects.all())", [()]),
        ("ModelChoiceField(queryset=Product.objects.filter(ref='x'))", [("ref",)]),
        ("ModelChoiceField(Product.objects.none())", []),
        ("OtherField(Product.objects)", []),
    ],
)
def test_a_field_of_a_form_offers_all_of_a_manager(
    field: str, told: list[tuple[str, ...]], build: Build
) -> None:
    code = f"from django import forms\nfrom shop.models import Product\nclass Pick(forms.Form):\n    one = forms.{field}\n"
    found = build({"shop/models.py": MODELS, "shop/forms.py": code}).facts(Query)
    assert [q.equality for q in found if q.collection == "shop_product"] == told


OWNERS = """
from django.db import models
class Course(models.Model):
    class Meta:
        app_label = "shop"
class Camp(models.Model):
    class Meta:
        app_label = "shop"
class Pupil(models.Model):
    course = models.ForeignKey(Course, on_delete=models.CASCADE)
    camp = models.ForeignKey(Camp, on_delete=models.CASCADE)
    class Meta:
        app_label = "shop"
"""


@pytest.mark.parametrize(
    ("shown", "known"),
    [
        ("list_display = ['id', 'number']", True),
        ("readonly_fields = ('number',)", True),
        ("list_display = ['id']", False),
    ],
)
def test_a_column_of_the_administration_is_handed_an_object_of_its_model(
    shown: str, known: bool, build: Build
) -> None:
    body = (
        f"    {shown}\n    def number(self, instance):\n        return instance.pupil_set.count()\n"
    )
    code = f"from django.contrib import admin\nfrom shop.models import Course\n@admin.register(Course)\nclass CourseAdmin(admin.ModelAdmin):\n{body}"
    found = build({"shop/models.py": OWNERS, "shop/admin.py": code}).facts(Query)
    counts = [q for q in found if q.operation == "count"]
    assert [(q.equality, not q.unresolved) for q in counts] == [(("course_id",) if known else (), known)]  # fmt: skip
