"""Relations that a query loads with its objects, and that their model has not.

What is asked was taken from what Django sends: `select_related` of no relation is refused before anything is
asked, `prefetch_related` after the objects were. Tortoise refuses both before it asks.
"""

from __future__ import annotations

import pytest

from auditor.model.data import CollectionFit, Fit
from tests.conftest import Build

_TORTOISE = """
from tortoise import fields, models
class Animal(models.Model):
    id = fields.IntField(pk=True)
    breed = fields.CharField(max_length=50)
class Image(models.Model):
    id = fields.IntField(pk=True)
    animal = fields.ForeignKeyField("models.{target}", related_name="animal_images")
async def ask(breed):
    return await Animal.{asked}
"""
_DJANGO = """
from django.db import models
class Kind(models.Model):
    name = models.CharField(max_length=50)
class Animal({base}):
    breed = models.CharField(max_length=50)
    kind = models.ForeignKey(Kind, on_delete=models.CASCADE)
class Tag(models.Model):
    animal = models.OneToOneField(Animal, on_delete=models.CASCADE)
def ask(breed):
    return list(Animal.objects.{asked})
"""


def _fits(build: Build, code: str) -> list[Fit]:
    found = build({"zoo/models.py": code}).facts(CollectionFit)
    return [m.fit for f in found for q, m in f.fits if "breed" in q.fields or q.unresolved]


@pytest.mark.parametrize(
    ("asked", "target", "fit"),
    [
        ("all().prefetch_related('images').filter(breed=breed)", "Animal", Fit.UNKNOWN),
        ("filter(breed=breed).prefetch_related('animal_images', 'images')", "Animal", Fit.UNKNOWN),
        ("filter(breed=breed).select_related('images')", "Animal", Fit.UNKNOWN),
        ("filter(breed=breed).prefetch_related('animal_images')", "Animal", Fit.MISSING),
        ("filter(breed=breed).prefetch_related('animal_images__animal')", "Animal", Fit.MISSING),
        # what the key refers to is not found: it may be this model
        ("filter(breed=breed).prefetch_related('images')", "Elsewhere", Fit.MISSING),
    ],
)
def test_a_relation_that_tortoise_refuses(asked: str, target: str, fit: Fit, build: Build) -> None:
    assert _fits(build, _TORTOISE.format(asked=asked, target=target)) == [fit]


@pytest.mark.parametrize(
    ("asked", "base", "fit"),
    [
        ("filter(breed=breed).select_related('owner')", "models.Model", Fit.UNKNOWN),
        ("filter(breed=breed).select_related('kind', 'tag')", "models.Model", Fit.MISSING),
        ("filter(breed=breed).select_related()", "models.Model", Fit.MISSING),
        ("filter(breed=breed).select_related(None)", "models.Model", Fit.MISSING),
        ("filter(breed=breed).prefetch_related('owner')", "models.Model", Fit.MISSING),
        ("filter(breed=breed).select_related('owner')", "Packaged", Fit.MISSING),
    ],
)
def test_a_relation_that_django_refuses(asked: str, base: str, fit: Fit, build: Build) -> None:
    code = _DJANGO.format(asked=asked, base=base)
    if base == "Packaged":
        code = code.replace("class Kind", "from packaged.models import Packaged\nclass Kind")
        code = code.replace("Animal(Packaged)", "Animal(Packaged, models.Model)")
    assert _fits(build, code) == [fit]


_FILTERED = """
from tortoise import fields, models
class Author(models.Model):
    id = fields.IntField(primary_key=True)
    name = fields.CharField(max_length=50)
class Book(models.Model):
    id = fields.IntField(primary_key=True)
    title = fields.CharField(max_length=50)
    made = fields.DatetimeField()
    data = fields.JSONField()
    words = ArrayField("text")
    author = fields.ForeignKeyField("models.Author", related_name="books")
    other = fields.ForeignKeyField("models.Elsewhere", related_name="books")
    tags = fields.ManyToManyField("models.Author", related_name="tagged")
async def ask(given):
    return await %s
"""


@pytest.mark.parametrize(
    ("asked", "raises"),
    [
        ("Book.filter(title='a', title__exact=given)", True),
        ("Book.filter(title__regex=given)", True),
        ("Book.filter(title='a', made__date=given)", True),
        ("Book.filter(made__gte__date=given)", True),
        ("Book.filter(title='a', data__icontains=given)", True),
        ("Book.filter(title='a', data__city=given)", True),
        ("Book.filter(title='a', data__in=given)", True),
        ("Book.filter(title='a', author__in=given)", True),
        ("Book.filter(title='a', author__isnull=True)", True),
        ("Book.filter(title='a', author__name__exact=given)", True),
        ("Author.filter(name='a', books__title__exact=given)", True),
        ("Book.filter(title='a', title__icontains=given)", False),
        ("Book.filter(title='a', made__range=given)", False),
        ("Book.filter(title='a', made__year=given)", False),
        ("Book.filter(title='a', data__filter=given)", False),
        ("Book.filter(title='a', data__contains=given)", False),
        ("Book.filter(title='a', words__overlap=given)", False),
        ("Book.filter(title='a', author=given)", False),
        ("Book.filter(title='a', author_id__in=given)", False),
        ("Book.filter(title='a', author__id__in=given)", False),
        ("Book.filter(title='a', author__pk__not=given)", False),
        ("Book.filter(title='a', author__name__in=given)", False),
        ("Book.filter(title='a', other__name=given)", False),
        ("Book.filter(title='a', tags__in=given)", False),
        ("Author.filter(name='a', books__isnull=True)", False),
        ("Author.filter(name='a', books__not_in=given)", False),
    ],
)
def test_a_filter_that_tortoise_has_not(asked: str, raises: bool, build: Build) -> None:
    """What it refuses was taken from what Tortoise 1.1 does."""
    found = build({"books.py": _FILTERED % asked}).facts(CollectionFit)
    refused = {"no filter of Tortoise" in q.unresolved for f in found for q, m in f.fits}
    fit = {m.fit for f in found for q, m in f.fits}
    assert True in refused if raises else refused == {False}
    assert not raises or fit == {Fit.UNKNOWN}
