"""Searches for what most records come to have: how many do, the code does not tell."""

from __future__ import annotations

import pytest

from auditor.model.data import CollectionFit, Fit
from tests.conftest import Build

_MODELS = """
from django.db import models
from django.utils.translation import gettext_lazy as _
STATUS = (("0", "New"), ("1", "Inspection"), ("2", "Accepted for now"), ("3", "Completed"), ("4", "Rejected"))
class Stage(models.TextChoices):
    OPEN = "o", _("Open")
    PARTLY = "p", _("Partly")
    CLOSED = "c", _("Wound up")
class Job(models.Model):
    LEVELS = [(1, _("Asked")), (2, _("Refused")), (3, _("Done"))]
    status = models.CharField(max_length=1, choices=STATUS, default="0")
    stage = models.CharField(max_length=1, choices=Stage.choices, default=Stage.OPEN)
    phase = models.IntegerField(choices=LEVELS, default=1)
    note = models.TextField()
"""


def _fit(build: Build, condition: str) -> Fit:
    code = f"from shop.models import Job, Stage\ndef ask(request, x):\n    return list(Job.objects.filter({condition}))\n"
    application = build({"shop/models.py": _MODELS, "shop/views.py": code})
    (told,) = (m.fit for f in application.facts(CollectionFit) for _, m in f.fits)
    return told


@pytest.mark.parametrize(
    "condition",
    [
        "status='3'", "status=3", "stage='c'", "stage=Stage.CLOSED", "phase=3", "status__in=['3', '4']", "phase__in=[2, 3]",
        "phase__in=[1, 2]", "stage__in=[Stage.OPEN, Stage.PARTLY]", "status__in=['0', '1', '2']",
    ],
)  # fmt: skip
def test_what_most_records_may_have_is_not_told(condition: str, build: Build) -> None:
    assert _fit(build, condition) is Fit.UNKNOWN


@pytest.mark.parametrize(
    "condition",
    ["status='0'", "status='2'", "status=x", "stage='o'", "phase=2", "status__in=['0', '1']", "status='3', note=x"],
)  # fmt: skip
def test_what_a_record_soon_leaves_still_asks_for_an_index(condition: str, build: Build) -> None:
    assert _fit(build, condition) is Fit.MISSING


_NOTES = """
class Note(models.Model):
    job = models.ForeignKey(Job, models.CASCADE)
    paid = models.BooleanField(default=False)
    made = models.DateTimeField()
"""


@pytest.mark.parametrize(
    ("condition", "fit"),
    [
        ("job__status='3', made__gte=x", Fit.MISSING),
        ("job__status='3', paid=False, made__gte=x", Fit.MISSING),
        (
            "job__status='2', made__gte=x",
            Fit.COVERED,
        ),  # few jobs, whose notes are looked up by their key
        ("job__note=x, made__gte=x", Fit.COVERED),
        ("job__status='3'", Fit.COVERED),
    ],
)
def test_a_search_does_not_start_from_most_of_another_table(
    condition: str, fit: Fit, build: Build
) -> None:
    code = f"from shop.models import Note\ndef ask(request, x):\n    return list(Note.objects.filter({condition}))\n"
    application = build({"shop/models.py": _MODELS + _NOTES, "shop/views.py": code})
    (told,) = (m.fit for f in application.facts(CollectionFit) if f.name == "shop_note" for _, m in f.fits)  # fmt: skip
    assert told is fit
