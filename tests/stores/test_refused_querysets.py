"""Querysets that name a field which their model has not: Django refuses them, and what follows is not reached."""

from __future__ import annotations

import subprocess
import sys

import pytest

from auditor.model.data import CollectionFit
from tests.conftest import Build
from tests.stores.engines import MISSING, postgresql, programs

_FIELDS = """
class Author(models.Model):
    name = models.CharField(max_length=20)
{more}
class Book(models.Model):
    author = models.ForeignKey(Author, on_delete=models.CASCADE)
    pages = models.IntegerField(null=True)
{more}
"""
_MODELS = f"from django.db import models\n{_FIELDS.format(more='')}"
_LABEL = "    class Meta:\n        app_label = 'contenttypes'"
_DJANGO = f"""
import django
from django.conf import settings
settings.configure(INSTALLED_APPS=["django.contrib.contenttypes"], DATABASES={{"default": {{"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}}},
                   DEFAULT_AUTO_FIELD="django.db.models.BigAutoField")
django.setup()
from django.db import connection, models
from django.db.models import Case, Count, F, Max, Q, Sum, When
{_FIELDS.format(more=_LABEL)}
with connection.schema_editor() as editor:
    editor.create_model(Author)
    editor.create_model(Book)
x, none = 1, None
import sys
for step in sys.argv[1:]:
    try:
        made = eval(step)
    except Exception:
        print("at once")
        continue
    try:
        list(made) if hasattr(made, "query") else None
        print("sent")
    except Exception:
        print("later")
"""
_STEPS = {
    "Book.objects.filter(title=x)": "at once",
    "Book.objects.exclude(title=x)": "at once",
    "Book.objects.filter(Q(pages=x) | ~Q(title=x))": "at once",
    "Book.objects.filter(pages=F('title'))": "at once",
    "Book.objects.filter(author__age=x)": "at once",
    "Author.objects.filter(book__title=x)": "at once",
    "Author.objects.filter(book_set__pages=x)": "sent?",  # refused, and not told: the name is that of the manager
    "Book.objects.order_by('-title')": "at once",
    "Book.objects.order_by('author__age')": "later",
    "Book.objects.values('title')": "at once",
    "Book.objects.values_list('title', flat=True)": "at once",
    "Book.objects.values_list('hour', flat=True)": "at once",
    "Book.objects.filter(hour=x)": "at once",
    "Book.objects.annotate(n=F('title'))": "at once",
    "Book.objects.aggregate(n=Sum(F('pages') * F('price')))": "at once",
    "Book.objects.aggregate(n=Count('id', filter=Q(title=x)))": "at once",
    "Book.objects.annotate(n=Case(When(title=x, then=1), default=0))": "at once",
    "Book.objects.latest('title')": "at once",
    "Book.objects.filter(pages=x).update(title=x)": "at once",
    "Book.objects.only('title')": "later",
    "Book.objects.defer('title')": "later",
    "Book.objects.select_related('title')": "later",
    "Book.objects.filter(author__name=x, author_id=x, pk=x)": "sent",
    "Book.objects.filter(author__icontains=x)": "at once",
    "Author.objects.filter(book__author__startswith=x)": "at once",
    "Book.objects.filter(author__in=[x], author__gt=x, author__isnull=False)": "sent",
    "Book.objects.filter(author__name__icontains=x, author__pk__startswith=x)": "sent",
    "Book.objects.order_by('author_id', 'pk')": "sent",
    "Book.objects.annotate(n=F('pages')).filter(n=x).order_by('n')": "sent",
    "Book.objects.annotate(n=Max('pages'), m=F('n'))": "sent",
    "Book.objects.values(n=F('pages')).filter(n=x)": "sent",
    "Author.objects.annotate(n=Count('book')).filter(n__gt=x)": "sent",
    "Author.objects.filter(book__pages=x)": "sent",
    "Book.objects.order_by('?')": "sent",
    "Book.objects.distinct('author').aggregate(n=Sum('pages'))": "at once",
    "Book.objects.distinct('author').filter(pages=x).delete()": "at once",
    "Book.objects.distinct('author').distinct().aggregate(n=Sum('pages'))": "sent",
    "Book.objects.distinct().aggregate(n=Sum('pages'))": "sent",
    "Book.objects.filter(pages=x)[:5].filter(author=x)": "at once",
    "Book.objects.filter(pages=x)[:5].exclude(author=x)": "at once",
    "Book.objects.filter(pages=x)[:5].order_by('pages')": "at once",
    "Book.objects.filter(pages=x)[:5].distinct()": "at once",
    "Book.objects.order_by('pages')[:5].last()": "at once",
    "Book.objects.filter(pages=x)[:5].delete()": "at once",
    "Book.objects.filter(pages=x)[:5].update(pages=x)": "at once",
    "Book.objects.filter(pages=x)[:5].latest('pages')": "at once",
    "Book.objects.filter(pages=x)[:5].values('pages')": "sent",
    "Book.objects.filter(pages=x)[:5].annotate(n=F('pages'))": "sent",
    "Book.objects.filter(pages=x)[:5].aggregate(n=Sum('pages'))": "sent",
    "Book.objects.filter(pages=x)[:5].count()": "sent",
    "Book.objects.filter(pages=x)[:5].filter()": "sent",
    "Book.objects.filter(pages=x)[:none].filter(author=x)": "sent",
    "Book.objects.filter(pages=x).values('pages').delete()": "at once",
    "Book.objects.values_list('pages').only('pages')": "at once",
    "Book.objects.values('pages').filter(pages=x).count()": "sent",
    "Book.objects.filter(pages=x).union(Book.objects.filter(author=x)).filter(author=x)": "at once",
    "Book.objects.filter(pages=x).union(Book.objects.filter(author=x)).annotate(n=F('pages'))": "at once",
    "Book.objects.filter(pages=x).union(Book.objects.filter(author=x)).order_by('pages').count()": "sent",
    "Book.objects.filter(pages=x).union(Book.objects.filter(author=x)).values('pages')": "sent",
}  # fmt: skip


def test_django_refuses_them_then() -> None:
    found = subprocess.run(
        [sys.executable, "-c", _DJANGO, *_STEPS], capture_output=True, text=True, check=True
    )
    expected = ["at once" if told == "sent?" else told for told in _STEPS.values()]
    assert dict(zip(_STEPS, found.stdout.splitlines(), strict=True)) == dict(zip(_STEPS, expected, strict=True))  # fmt: skip


def _told(build: Build, body: str, models: str = _MODELS, more: str = "") -> dict[int, str]:
    """Why the queries on each line are unknown, from the first line of the body on."""
    code = (
        "from django.db.models import Case, Count, F, Max, Q, Sum, When\nfrom shop.models import Author, Book\n"
        f"def ask(request, x, y=None, none=None):\n{body}\n{more}"
    )
    application = build({"shop/models.py": models, "shop/views.py": code})
    fits = [(q, m) for f in application.facts(CollectionFit) for q, m in f.fits]
    return {
        q.place.line - 3: m.why if m.fit.value == "unknown" else ""
        for q, m in sorted(fits, key=lambda pair: pair[1].fit.value != "unknown", reverse=True)
    }


@pytest.mark.parametrize(("step", "how"), _STEPS.items())
def test_what_django_refuses_is_unknown_with_all_that_follows(
    step: str, how: str, build: Build
) -> None:
    told = _told(
        build, f"    rows = list({step})\n    return Author.objects.filter(name=x).first()"
    )
    refused = any(word in told[1] for word in ("no column", "no relation", "Django refuses"))
    assert refused is (how in ("at once", "later"))
    assert ("not reached" in told[2]) is (how == "at once")


_MATCHED = {
    "distinct('author').order_by('author', '-pages')": True,
    "order_by('author', '-pages').distinct('author')": True,
    "order_by('pages').distinct('author').order_by('author')": True,
    "order_by('author_id').distinct('author', 'pages')": True,
    "order_by('pages', 'author').distinct('author', 'pages')": True,
    "distinct('author')": True,
    "order_by('pages').distinct('author').order_by()": True,
    "order_by('pages').distinct('author').distinct()": True,
    "distinct('author__name').order_by('author__name')": True,
    "distinct('author').order_by('pages')": False,
    "distinct('author').order_by('-pages')[:5]": False,
    "order_by('author').distinct('author').order_by('pages')": False,
    "order_by('author', 'id').distinct('author', 'pages')": False,
    "order_by('id').distinct('author').filter(author=x)": False,
}


@pytest.mark.parametrize(("steps", "matched"), _MATCHED.items())
def test_distinct_fields_that_do_not_lead_the_order_are_refused(
    steps: str, matched: bool, build: Build
) -> None:
    told = _told(
        build, f"    rows = list(Book.objects.filter(pages=x).{steps})\n    return {_NEXT}"
    )
    assert ("refuses distinct" not in told[1]) is matched
    assert "not reached" not in told[2]


def test_the_order_of_the_model_leads_too(build: Build) -> None:
    models = _MODELS + "    class Meta:\n        ordering = ['-pages']\n"
    told = _told(build, "    a = list(Book.objects.filter(pages=x).distinct('author'))\n    b = Book.objects.filter(pages=x).distinct('author').exists()", models)  # fmt: skip
    assert ["refuses distinct" in told[line] for line in (1, 2)] == [True, False]


@pytest.mark.skipif(programs() is None, reason=MISSING)
def test_postgresql_refuses_them() -> None:
    import psycopg

    orders = {"author, pages DESC": True, "pages, author": False, "author": True, "id": False}
    with postgresql() as dsn, psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("CREATE TABLE book (id int, author int, pages int)")
        for order, matched in orders.items():
            try:
                connection.execute(f"SELECT DISTINCT ON (author) * FROM book ORDER BY {order}")
                assert matched
            except psycopg.errors.InvalidColumnReference:
                assert not matched
        connection.execute("SELECT DISTINCT ON (author, pages) * FROM book ORDER BY pages, author")
        connection.execute("SELECT DISTINCT ON (author, pages) * FROM book ORDER BY author")


_REFUSED = "Book.objects.filter(title=x)"
_NEXT = "Author.objects.filter(name=x).first()"


@pytest.mark.parametrize(
    ("body", "reached"),
    [
        (f"    a = {_REFUSED}\n    if x:\n        return {_NEXT}", {3: False}),
        (f"    for a in {_REFUSED}:\n        {_NEXT}\n    {_NEXT}", {3: False}),
        (f"    if {_REFUSED}.exists():\n        pass\n    {_NEXT}", {3: False}),
        (f"    try:\n        {_REFUSED}\n        {_NEXT}\n    except Exception:\n        pass\n    {_NEXT}", {3: False, 6: True}),
        (f"    if x:\n        a = {_REFUSED}\n        {_NEXT}\n    {_NEXT}", {3: False, 4: True}),
        (f"    a = {_REFUSED} if x else 1\n    {_NEXT}", {2: True}),
        (f"    a = x and {_REFUSED}\n    {_NEXT}", {2: True}),
        (f"    a = lambda: {_REFUSED}\n    {_NEXT}", {2: True}),
        (f"    a = [{_REFUSED} for y in x]\n    {_NEXT}", {2: True}),
        (f"    def b():\n        return {_REFUSED}\n    {_NEXT}", {3: True}),
        (f"    with x:\n        {_REFUSED}\n    {_NEXT}", {3: True}),
        (f"    {_NEXT}\n    a = {_REFUSED}\n    other(x)", {1: True, 5: True}),
    ],
)  # fmt: skip
def test_only_what_surely_follows_is_not_reached(
    body: str, reached: dict[int, bool], build: Build
) -> None:
    told = _told(build, body, more=f"def other(x):\n    return {_NEXT}\n")
    assert {line: "not reached" not in told[line] for line in reached} == reached


@pytest.mark.parametrize(
    ("field", "more"),
    [
        ("    title = kept.TitleField()\n", ""),
        ("    other = models.ForeignKey('elsewhere.Thing', on_delete=models.CASCADE)\n", ""),
        ("", "Book.add_to_class('title', models.CharField())\n"),
        ("", "class Note(models.Model):\n    book = models.ForeignKey(Book, models.CASCADE, related_name='title')\n"),
        ("", "class Title(models.Model):\n    book = models.ForeignKey(Book, models.CASCADE, related_name='%(class)s')\n"),
        ("", "class Note(models.Model):\n    book = models.ManyToManyField(Book, related_query_name='title')\n"),
        ("", "class Note(models.Model):\n    book = models.ForeignKey(Book, models.CASCADE)\n    class Meta:\n        default_related_name = 'title'\n"),
    ],
)  # fmt: skip
def test_a_field_that_may_be_there_is_not_refused(field: str, more: str, build: Build) -> None:
    models = _MODELS.replace("null=True)\n", f"null=True)\n{field}") + more
    told = _told(build, f"    a = {_REFUSED}\n    {_NEXT}", models)
    assert "not reached" not in told[2]


@pytest.mark.parametrize("base", ["AbstractUser", "kept.Titled"])
def test_a_base_that_cannot_be_read_may_bring_the_field(base: str, build: Build) -> None:
    models = _MODELS.replace("class Book(models.Model)", f"class Book({base})")
    models = f"import kept\nfrom django.contrib.auth.models import AbstractUser\n{models}"
    assert "not reached" not in _told(build, f"    a = {_REFUSED}\n    {_NEXT}", models)[2]


@pytest.mark.parametrize(
    ("step", "told"),
    [
        ("list(Book.objects.filter(author=x).order_by('label'))", ["no column", "not reached"]),
        ("list(Book.objects.filter(author=x, label=y))", ["no column", "not reached"]),
        ("list(Book.objects.filter(author=x).order_by('author__label'))", ["no column", ""]),
        ("list(Book.objects.filter(author=x).only('label'))", ["no column", ""]),
        ("list(Book.objects.filter(author=x).order_by('pages'))", ["", ""]),
        ("list(Book.objects.filter(author=x).annotate(label=F('pages')).order_by('label'))", ["", ""]),
        ("sorted(Book.objects.filter(author=x), key=lambda b: b.label)", ["", ""]),
    ],
)  # fmt: skip
def test_no_index_serves_what_is_refused_or_not_reached(
    step: str, told: list[str], build: Build
) -> None:
    models = f"{_MODELS}    @property\n    def label(self):\n        return self.author.name\n"
    found = _told(build, f"    {step}\n    return Author.objects.filter(pk=x).first()", models)
    assert [bool(found[line]) for line in (1, 2)] == [bool(why) for why in told]
    assert all(why in found[line] for line, why in enumerate(told, 1))
