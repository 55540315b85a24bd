"""Records that wait until the code sets a flag of theirs: they may be few, however many there are."""

from __future__ import annotations

import pytest

from auditor.model.data import CollectionFit, Fit
from tests.conftest import Build

_MODELS = """
from django.db import models
class Doctor(models.Model):
    name = models.CharField(max_length=40)
    approved = models.BooleanField(default=False)
    is_paid = models.BooleanField(default=False)
    status = models.BooleanField(default=False)
    seen = models.BooleanField(default=False)
    verified = models.BooleanField(default=False, db_index=True)
    is_admin = models.BooleanField(default=False)
    active = models.BooleanField(default=True)
    closed = models.BooleanField()
"""
_VIEWS = """
from shop.models import Doctor
def ask(request, x):
    return list(Doctor.objects.filter({}))
def approve(request, pk):
    doctor = Doctor.objects.get(pk=pk)
    doctor.approved = True
    doctor.status = True
    doctor.verified = True
    doctor.is_admin = True
    doctor.active = True
    doctor.closed = True
    doctor.save()
    Doctor.objects.filter(pk=pk).update(is_paid=True)
"""


def _fit(build: Build, condition: str) -> Fit:
    files = {"shop/models.py": _MODELS, "shop/views.py": _VIEWS.format(condition)}
    fits = [pair for f in build(files).facts(CollectionFit) for pair in f.fits]
    (told,) = (match.fit for query, match in fits if query.place.line == 4)
    return told


@pytest.mark.parametrize("condition", ["approved=False", "is_paid=False", "status=False"])
def test_how_many_wait_is_not_told(condition: str, build: Build) -> None:
    assert _fit(build, condition) is Fit.UNKNOWN


@pytest.mark.parametrize(
    "condition",
    [
        "seen=False",  # nothing sets it
        "is_admin=False",  # what hardly anybody becomes
        "active=True",  # what records are from the first
        "closed=False",  # what a new record has, no declaration says
        "approved=x",
        "verified=False",  # an index finds them
    ],
)
def test_what_most_records_have_asks_for_no_index(condition: str, build: Build) -> None:
    assert _fit(build, condition) is Fit.COVERED
