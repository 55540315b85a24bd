"""Indexes of Django's models that hold some records only: which queries they serve, and near misses."""

from __future__ import annotations

import pytest

from auditor.model.data import CollectionFit, Fit
from tests.conftest import Build

MODELS = """
from django.db import models
from django.db.models import Q
class Status(models.TextChoices):
    OPEN = "o", "Open"
    DONE = "d", "Done"
class Order(models.Model):
    status = models.CharField(max_length=1)
    kind = models.CharField(max_length=9)
    made = models.DateTimeField()
    gone = models.DateTimeField(null=True)
    class Meta:
        app_label = "shop"
        indexes = [models.Index(fields=["made"], condition={condition}, name="some")]
"""


def fit(build: Build, condition: str, query: str) -> Fit:
    code = f"from django.db.models import Q\nfrom shop.models import Order, Status\nSTATUS = 'o'\ndef ask(x):\n    return list(Order.objects.{query})\n"
    files = {"shop/models.py": MODELS.replace("{condition}", condition), "shop/views.py": code}
    ((_, match),) = [f for found in build(files).facts(CollectionFit) for f in found.fits]
    return match.fit


OPEN = "Q(status='o')"


@pytest.mark.parametrize(
    ("condition", "query", "expected"),
    [
        (OPEN, "filter(status='o', made__gt=x)", Fit.COVERED),
        (OPEN, "filter(status=STATUS, made__gt=x)", Fit.COVERED),
        (OPEN, "filter(status=Status.OPEN, made__gt=x)", Fit.COVERED),
        (OPEN, "filter(Q(status='o'), made__gt=x)", Fit.COVERED),
        (OPEN, "filter(status='o').order_by('made')[:9]", Fit.COVERED),
        (OPEN, "filter(status='d', made__gt=x)", Fit.MISSING),
        (OPEN, "filter(status=x, made__gt=x)", Fit.MISSING),
        (OPEN, "filter(status__in=['o', 'd'], made__gt=x)", Fit.MISSING),
        (OPEN, "exclude(status='o').filter(made__gt=x)", Fit.MISSING),
        (OPEN, "filter(made__gt=x)", Fit.MISSING),
        ("Q(status=Status.OPEN)", "filter(status='o', made__gt=x)", Fit.COVERED),
        ("Q(('status', 'o'))", "filter(status='d', made__gt=x)", Fit.MISSING),
        ("Q(status__in=['o', 'd'])", "filter(status='o', made__gt=x)", Fit.PARTIAL),
        ("Q(status__in=['o', 'd'])", "filter(status='x', made__gt=x)", Fit.MISSING),
        ("Q(status__in=['o', 'd'])", "filter(status='o', kind=x)", Fit.PARTIAL),
        ("Q(status__in=['o', 'd'])", "filter(status='x', kind=x)", Fit.MISSING),
        ("Q(gone__isnull=True)", "filter(gone__isnull=True, kind=x)", Fit.MISSING),
        ("Q(status='o') & Q(kind='a')", "filter(status='o', made__gt=x)", Fit.MISSING),
        ("Q(status='o') & Q(kind='a')", "filter(status='o', kind='a', made__gt=x)", Fit.COVERED),
        ("Q(gone__isnull=True)", "filter(gone__isnull=True, made__gt=x)", Fit.COVERED),
        ("Q(gone__isnull=True)", "filter(gone=None, made__gt=x)", Fit.COVERED),
        ("Q(gone__isnull=True)", "filter(gone__isnull=False, made__gt=x)", Fit.MISSING),
        ("Q(gone__isnull=True)", "filter(made__gt=x)", Fit.MISSING),
        ("Q(gone__isnull=False)", "filter(gone__isnull=True, made__gt=x)", Fit.MISSING),
        ("Q(gone__isnull=False)", "filter(gone__isnull=False, made__gt=x)", Fit.COVERED),
    ],
)  # fmt: skip
def test_an_index_of_some_records_serves_what_finds_no_others(
    build: Build, condition: str, query: str, expected: Fit
) -> None:
    assert fit(build, condition, query) is expected
