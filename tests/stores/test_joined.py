"""Conditions and queries that are joined while they are put together: with `&` and `|`, step by step."""

from __future__ import annotations

import pytest

from auditor.model.data import Bound, CollectionFit, Fit, Query
from tests.conftest import Build
from tests.stores.test_sql_shapes import PEEWEE, TORTOISE, of

DJANGO = """
from django.db import models
class Item(models.Model):
    owner = models.CharField(max_length=20)
    name = models.CharField(max_length=20)
    price = models.IntegerField()
    made = models.DateTimeField()
    class Meta:
        app_label = "shop"
"""
OWNER, NAME, PRICE = ("owner",), ("name",), ("price",)
GROWN = {
    "in two steps": (
        "q = Q()\nif a:\n    q &= Q(owner=a)\nif b:\n    q &= Q(name=b)",
        {(), OWNER, NAME},
    ),
    "in three": (
        "q = Q()\nif a:\n    q &= Q(owner=a)\nif b:\n    q = q & Q(name=b)\nif c:\n    q &= Q(price=c)",
        {(), OWNER, NAME, PRICE},
    ),
    "as alternatives": (
        "q = Q()\nif a:\n    q |= Q(owner=a)\nif b:\n    q |= Q(name=b)",
        {(), OWNER, NAME},
    ),
    "from a first one": ("q = Q(owner=a)\nif b:\n    q &= Q(name=b)", {OWNER, ("owner", "name")}),
    "always": ("q = Q()\nq &= Q(owner=a)\nq &= Q(name=b)", {("owner", "name")}),
    "by add": ("q = Q()\nq.add(Q(owner=a), Q.AND)\nq.add(Q(name=b), Q.AND)", {("owner", "name")}),
    "by add, as alternatives": ("q = Q()\nq.add(Q(owner=a), Q.OR)\nq.add(Q(name=b), Q.OR)", {OWNER, NAME}),
}  # fmt: skip


def asked(build: Build, body: str) -> tuple[Query, ...]:
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    code = f"from django.db.models import Q\nfrom shop.models import Item\ndef ask(a, b, c):\n{lines}\n"
    return build({"shop/models.py": DJANGO, "shop/views.py": code}).facts(Query)


@pytest.mark.parametrize("case", GROWN)
def test_conditions_grow_under_tests_of_their_own(case: str, build: Build) -> None:
    body, expected = GROWN[case]
    found = asked(build, f"{body}\nreturn list(Item.objects.filter(q))")
    assert {q.equality for q in found} == expected
    assert not any(q.unresolved for q in found)


AUTHOR, VIEWS = ("author_id",), ("views",)
CONNECTED = {
    "and": ('Q(Q(author_id=a), Q(views=b), join_type="AND")', {AUTHOR + VIEWS}),
    "or": ('Q(Q(author_id=a), Q(views=b), join_type="OR")', {AUTHOR, VIEWS}),
    "or by name": ("Q(Q(author_id=a), Q(views=b), join_type=Q.OR)", {AUTHOR, VIEWS}),
    "or of keywords": ('Q(author_id=a, views=b, join_type="OR")', {AUTHOR, VIEWS}),
    "neither": ("Q(Q(author_id=a), Q(views=b))", {AUTHOR + VIEWS}),
    "one within the other": (
        'Q(Q(author_id=a), Q(Q(views=b), Q(views=c), join_type="OR"), join_type="AND")',
        {AUTHOR + VIEWS},
    ),
    "a list": ("Q(*[Q(author_id=a), Q(views=b)])", {AUTHOR + VIEWS}),
    "one of a list": ('Q(*[Q(author_id=a), Q(views=b)], join_type="OR")', {AUTHOR, VIEWS}),
    "one of any": ('Q(*[Q(views=x) for x in c], join_type="OR")', {VIEWS}),
}  # fmt: skip


@pytest.mark.parametrize("case", CONNECTED)
def test_how_conditions_of_one_q_of_tortoise_hang_together(case: str, build: Build) -> None:
    q, expected = CONNECTED[case]
    code = f"{TORTOISE}\nfrom tortoise.expressions import Q\nasync def ask(a, b, c):\n    return await Post.filter({q})\n"
    found = of(build({"app.py": code}), "posts")
    assert {x.equality for x in found} == expected
    assert not any(x.unresolved for x in found)


@pytest.mark.parametrize(
    ("connector", "expected"), [("AND", {("owner", "name")}), ("OR", {OWNER, NAME})]
)
def test_how_conditions_of_one_q_of_django_hang_together(
    connector: str, expected: set[tuple[str, ...]], build: Build
) -> None:
    line = f"return list(Item.objects.filter(Q(owner=a, name=b, _connector=Q.{connector})))"
    assert {x.equality for x in asked(build, line)} == expected


@pytest.mark.parametrize("connector", ["", ", _connector=Q.OR"])
def test_a_list_that_cannot_be_told_is_a_condition_all_the_same(
    connector: str, build: Build
) -> None:
    (found,) = asked(build, f"return list(Item.objects.filter(Q(*made(a){connector})))")
    assert found.unresolved


def test_conditions_of_tortoise_grow_too(build: Build) -> None:
    code = TORTOISE + (
        "from tortoise.expressions import Q\nasync def ask(a, b):\n    q = Q()\n    if a:\n        q &= Q(author_id=a)\n"
        "    if b:\n        q &= Q(views=b)\n    return await Post.filter(q)\n"
    )
    found = of(build({"app.py": code}), "posts")
    assert {q.equality for q in found} == {(), ("author_id",), ("views",)}


def test_what_is_joined_and_cannot_be_told_is_said(build: Build) -> None:
    (found,) = asked(build, "q = Q(owner=a)\nq &= b.wanted()\nreturn list(Item.objects.filter(q))")
    assert found.unresolved


@pytest.mark.parametrize(
    ("joined", "expected"),
    [("|", {OWNER, NAME}), ("&", {("owner", "name")})],
)
def test_querysets_are_joined_to_one_query(
    joined: str, expected: set[tuple[str, ...]], build: Build
) -> None:
    line = f"return (Item.objects.filter(owner=a) {joined} Item.objects.filter(name=b)).count()"
    found = asked(build, line)
    assert {q.equality for q in found} == expected
    assert {q.operation for q in found} == {"count"}


@pytest.mark.parametrize("lookup", ["name__icontains", "name__regex", "name", "name__in"])
def test_what_must_not_be_like_something_is_no_search(lookup: str, build: Build) -> None:
    (found,) = asked(build, f"return list(Item.objects.exclude({lookup}=a))")
    assert (found.equality, found.scanned, found.range) == ((), (), ("name",))
    assert found.broad == ("name",)
    (kept,) = asked(build, "return list(Item.objects.exclude(price__gt=a))")
    assert (kept.range, kept.broad) == (("price",), ())


LETTERS = (
    PEEWEE
    + """
from peewee import JOIN
class Box(Base):
    user = ForeignKeyField(User)
    post = ForeignKeyField(Post)
    kind = IntegerField()
class Mail(Base):
    sender = ForeignKeyField(User)
    reader = ForeignKeyField(User)
    kind = IntegerField()
"""
)


def shapes(
    build: Build, line: str
) -> set[tuple[str, tuple[str, ...], tuple[tuple[str, int], ...]]]:
    code = f"{LETTERS}def ask(a):\n    {line}\n"
    return {(q.collection, q.equality, q.sort) for q in build({"app.py": code}).facts(Query)}


def test_peewee_joins_on_more_than_a_key(build: Build) -> None:
    on = "((Box.user == a) & (Box.post == Post.id))"
    found = shapes(build, f"return list(Post.select().join(Box, on={on}).where(Box.kind == 2))")
    assert found == {("box", ("user_id", "kind"), ()), ("post", ("id",), ())}
    outer = f"return list(Post.select().join(Box, JOIN.LEFT_OUTER, on={on}).where(Post.views == 2))"
    assert shapes(build, outer) == {("post", ("views",), ()), ("box", ("post_id", "user_id"), ())}
    by = "return list(Mail.select().join(User, on=Mail.reader).where(User.name == a))"
    assert shapes(build, by) == {("user", ("name",), ()), ("mail", ("reader_id",), ())}


def test_the_parts_of_a_union_keep_their_order(build: Build) -> None:
    body = (
        "q = Post.select().where(Post.author == a).order_by(Post.views.desc()).limit(50)\n"
        "    other = Post.select().where(Post.views == a)\n"
        "    both = (q | other).alias('s')\n"
        "    return list(both.select(both.c.id).order_by(both.c.id).limit(3))"
    )
    assert shapes(build, body) == {
        ("post", ("author_id",), (("views", -1),)),
        ("post", ("views",), ()),
    }


def test_the_order_of_a_union_is_none_of_its_parts(build: Build) -> None:
    line = "return list(Item.objects.filter(owner=a).union(Item.objects.filter(name=b)).order_by('made')[:5])"
    assert {(q.equality, q.sort) for q in asked(build, line)} == {(OWNER, ()), (NAME, ())}


SERIALIZERS = """
from rest_framework import generics, serializers
from shop.models import Item
class Known(serializers.Serializer):
    item = serializers.{field}
class Latest(generics.ListAPIView):
    queryset = Item.objects.order_by("-made"){slice}
"""


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("PrimaryKeyRelatedField(queryset=Item.objects.filter(owner='x'))", ("owner", "id")),
        ("SlugRelatedField(slug_field='name', queryset=Item.objects.all())", ("name",)),
        ("SlugRelatedField('name', queryset=Item.objects.filter(owner='x'))", ("owner", "name")),
        ("PrimaryKeyRelatedField(queryset=Item.objects.filter(owner='x'), many=True)", ("owner", "id")),
        ("PrimaryKeyRelatedField(read_only=True)", None),
    ],
)  # fmt: skip
def test_a_field_of_a_serializer_asks_for_one_record(
    field: str, expected: tuple[str, ...] | None, build: Build
) -> None:
    code = SERIALIZERS.format(field=field, slice="")
    found = build({"shop/models.py": DJANGO, "shop/api.py": code}).facts(Query)
    gets = [q for q in found if q.operation == "get"]
    assert [(q.equality, q.bound) for q in gets] == ([(expected, Bound.ONE)] if expected else [])
    assert [q for q in found if q.place.line == 5] == gets, "the list itself is never asked"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("name = serializers.CharField(validators=[UniqueValidator(queryset=Item.objects.all())])", ("name",)),
        ("x = serializers.CharField(source='name', validators=[UniqueValidator(Item.objects.all())])", ("name",)),
        ("name = serializers.CharField(validators=[UniqueValidator(Item.objects.all(), lookup='icontains')])", ()),
        ("class Meta:\n        extra_kwargs = {'name': {'validators': [UniqueValidator(Item.objects.all())]}}", ("name",)),
        ("class Meta:\n        validators = [UniqueTogetherValidator(Item.objects.all(), fields=['owner', 'name'])]", ("owner", "name")),
        ("class Meta:\n        validators = [UniqueTogetherValidator(Item.objects.all(), fields=FIELDS)]", None),
        ("name = serializers.CharField(validators=[OtherValidator(queryset=Item.objects.filter(name='x'))])", None),
    ],
)  # fmt: skip
def test_a_validator_asks_whether_the_value_of_its_field_is_there(
    line: str, expected: tuple[str, ...] | None, build: Build
) -> None:
    code = f"from rest_framework import serializers\nfrom rest_framework.validators import *\nfrom shop.models import Item\n\n\nclass Known(serializers.Serializer):\n    {line}\n"
    found = build({"shop/models.py": DJANGO, "shop/api.py": code}).facts(Query)
    asks = [q for q in found if q.operation == "exists" and not q.unresolved]
    assert [(q.equality, q.bound) for q in asks] == ([(expected, Bound.ONE)] if expected is not None else [])  # fmt: skip


@pytest.mark.parametrize(("slice_", "bound"), [("[:5]", Bound.LIMITED), ("", Bound.NONE)])
def test_a_list_may_be_a_slice(slice_: str, bound: Bound, build: Build) -> None:
    code = SERIALIZERS.format(field="CharField()", slice=slice_)
    settings = "REST_FRAMEWORK = {'DEFAULT_PERMISSION_CLASSES': []}\n"
    files = {"shop/models.py": DJANGO, "shop/api.py": code, "shop/settings.py": settings}
    (found,) = build(files).facts(Query)
    assert (found.sort, found.bound) == ((("made", -1),), bound)


@pytest.mark.parametrize(
    ("word", "expected"),
    [("or", ("author_id",)), ("and", ("views",)), ("&", ("author_id", "views"))],
)
def test_words_of_python_keep_one_condition_of_peewee(
    word: str, expected: tuple[str, ...], build: Build
) -> None:
    """Its expressions are true, so that `a or b` is `a`, and `a and b` is `b`."""
    found = shapes(build, f"return Post.get((Post.author == a) {word} (Post.views == a))")
    assert found == {("post", expected, ())}


ABOVE = PEEWEE.replace("class Base(Model):", "class Base(Model):\n{method}") + "def ask(a):\n    return Post.get(Post.views == a)\n"  # fmt: skip


@pytest.mark.parametrize(
    ("method", "asked"),
    [
        ("    @classmethod\n    def get(cls, *query, **filters):\n        return super().get(*query, **filters)", {("views",)}),
        ("    @classmethod\n    def get(cls, *query, **filters):\n        return CACHE[query]", set[tuple[str, ...]]()),
    ],
)  # fmt: skip
def test_a_method_that_asks_what_it_stands_before(
    method: str, asked: set[tuple[str, ...]], build: Build
) -> None:
    found = build({"app.py": ABOVE.replace("{method}", method)}).facts(Query)
    assert {q.equality for q in found if q.collection == "post"} == asked


def test_the_connection_is_no_condition(build: Build) -> None:
    code = TORTOISE + "async def ask(a, db):\n    return await Post.get_or_create(views=a, using_db=db)\n"  # fmt: skip
    (found,) = of(build({"app.py": code}), "posts")
    assert (found.equality, found.unresolved) == (("views",), "")


def test_whether_records_of_tortoise_exist(build: Build) -> None:
    code = (
        TORTOISE + "async def ask(a):\n    return await Post.exists(views=a), await Post.exists()\n"
    )
    found = of(build({"app.py": code}), "posts")
    assert {(q.operation, q.equality) for q in found} == {("exists", ("views",)), ("exists", ())}


def test_a_slice_of_peewee_sends_no_limit(build: Build) -> None:
    code = f"{LETTERS}def ask(a):\n    return Post.select().order_by(Post.views)[a:9]\n"
    (found,) = build({"app.py": code}).facts(Query)
    assert found.bound is Bound.UNKNOWN


_DATED = """
from peewee import CharField, DateTimeField, Model
class Post(Model):
    made = DateTimeField(index=True)
    name = CharField(index=True)
def ask(x):
    return list(Post.select().where(CONDITION))
"""


@pytest.mark.parametrize(
    ("condition", "told"),
    [
        ("Post.made.date() >= x", ((), (), ("made",), Fit.MISSING)),
        ("Post.made.truncate('day') == x", ((), (), ("made",), Fit.MISSING)),
        ("Post.made.year == x", ((), (), ("made",), Fit.MISSING)),
        ("Post.made >= x.date()", ((), ("made",), (), Fit.COVERED)),
        ("Post.made.between(x, x)", ((), ("made",), (), Fit.COVERED)),
        ("Post.name.collate('NOCASE') == x", ((), (), ("name",), Fit.MISSING)),
        ("Post.name.startswith(x)", ((), ("name",), (), Fit.COVERED)),
    ],
)
def test_a_method_of_a_column_is_a_function_of_it(
    condition: str, told: tuple[object, ...], build: Build
) -> None:
    application = build({"app.py": _DATED.replace("CONDITION", condition)})
    ((query, match),) = [f for found in application.facts(CollectionFit) for f in found.fits]
    assert (query.equality, query.range, query.scanned, match.fit) == told


OWNED = """
from django.db import models
class Course(models.Model):
    owner = models.CharField(max_length=20)
    class Meta:
        app_label = "shop"
class Meeting(models.Model):
    course = models.ForeignKey(Course, on_delete=models.CASCADE)
    starts = models.DateTimeField()
    class Meta:
        app_label = "shop"
"""


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("Course.objects.filter(owner=a).exclude(meeting__starts__lt=b)", ("course_id",)),
        ("Course.objects.filter(owner=a).filter(~Q(meeting__starts__lt=b))", ("course_id",)),
        ("Course.objects.filter(meeting__starts__lt=b)", ("starts",)),
        ("Course.objects.exclude(~Q(meeting__starts__lt=b))", ("starts",)),
        ("Meeting.objects.exclude(starts__lt=b)", ("starts",)),
    ],
)
def test_what_must_not_be_among_many_is_looked_for_by_their_key(
    line: str, expected: tuple[str, ...], build: Build
) -> None:
    code = f"from django.db.models import Q\nfrom shop.models import Course, Meeting\ndef ask(a, b):\n    return list({line})\n"
    found = build({"shop/models.py": OWNED, "shop/views.py": code}).facts(Query)
    assert [q.equality + q.range for q in found if q.collection == "shop_meeting"] == [expected]
