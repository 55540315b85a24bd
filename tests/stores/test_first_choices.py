"""What an enumeration with labels gives new records of Django's: told as Django itself has it."""

from __future__ import annotations

from typing import Any

import pytest

from auditor.model.data import CollectionFit, Fit
from tests.conftest import Build

PEOPLE = """
from django.db import models
from django.utils.translation import gettext_lazy as _
class Person(models.Model):
    class Kind(models.TextChoices):
        GUEST = "guest", _("Guest")
        MEMBER = "member", "Member"
        STAFF = "staff"
        HELP = "help"
        BOARD = "board"
        HEAD = "head"
    class Level(models.IntegerChoices):
        LOW = 1, "Low"
        MIDDLE = 2, "Middle"
        HIGH = 3, "High"
        TOP = 4, "Top"
        OTHER = 5, "Other"
        LAST = 6, "Last"
    name = models.CharField(max_length=50)
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.GUEST)
    level = models.IntegerField(choices=Level.choices, default=Level.LOW.value)
"""
VIEWS = """
from django.http import JsonResponse
from people.models import Person
def make(request):
    Person.objects.create(name=request.POST["name"], kind=request.POST["kind"], level=request.POST["level"])
def show(request):
    return JsonResponse({{"n": [p.name for p in Person.objects.filter({})]}})
"""


def test_what_django_gives_new_records() -> None:
    models = pytest.importorskip("django.db.models")

    class Kind(models.TextChoices):  # type: ignore[misc, name-defined]
        GUEST = "guest", "Guest"

    class Level(models.IntegerChoices):  # type: ignore[misc, name-defined]
        LOW = 1, "Low"

    guest: Any
    low: Any
    guest, low = Kind.GUEST, Level.LOW
    assert (guest.value, guest == "guest", low.value) == ("guest", True, 1)


@pytest.mark.parametrize(
    ("asked", "fit"),
    [
        ("kind='guest'", Fit.UNKNOWN),
        ("kind=Person.Kind.GUEST", Fit.UNKNOWN),
        ("level=1", Fit.UNKNOWN),
        ("level=Person.Level.LOW", Fit.UNKNOWN),
        ("kind='staff'", Fit.MISSING),
        ("kind=Person.Kind.STAFF", Fit.MISSING),
        ("level=3", Fit.MISSING),
        ("name=request.GET['name']", Fit.MISSING),
    ],
)
def test_a_default_that_is_a_member_is_what_new_records_have(
    asked: str, fit: Fit, build: Build
) -> None:
    application = build(
        {
            "people/__init__.py": "",
            "people/models.py": PEOPLE,
            "people/views.py": VIEWS.format(asked),
            "urls.py": "from django.urls import path\nfrom people import views\nurlpatterns = [path('a/', views.make), path('b/', views.show)]\n",
            "settings.py": "ROOT_URLCONF = 'urls'\nINSTALLED_APPS = ['people']\nSECRET_KEY = 'x'\n",
        }
    )
    told = {m.fit for f in application.facts(CollectionFit) for q, m in f.fits if q.equality}
    assert told == {fit}
