"""Every record was made before this moment: to ask for that finds all there is."""

from __future__ import annotations

import pytest

from auditor.model.data import CollectionFit, Fit
from tests.conftest import Build

_MODELS = """
from datetime import date
from django.db import models
from django.utils import timezone
class Ticket(models.Model):
    added = models.DateTimeField(auto_now_add=True)
    changed = models.DateTimeField(auto_now=True)
    made = models.DateTimeField(default=timezone.now)
    day = models.DateField(default=date.today)
    due = models.DateTimeField(null=True)
    kind = models.CharField(max_length=7)
"""


def _fit(build: Build, line: str) -> Fit:
    code = (
        "import datetime\nfrom datetime import date\nfrom django.db.models import Q\nfrom django.db.models.functions import Now\n"
        f"from django.utils import timezone\nfrom shop.models import Ticket\ndef ask(request, x):\n    now = timezone.now()\n    return list({line})\n"
    )
    application = build({"shop/models.py": _MODELS, "shop/views.py": code})
    (told,) = (m.fit for f in application.facts(CollectionFit) for _, m in f.fits)
    return told


@pytest.mark.parametrize(
    "condition",
    [
        "added__lte=timezone.now()", "added__lt=now", "changed__lte=now", "made__lte=timezone.now()", "made__lt=Now()",
        "day__lte=date.today()", "added__lte=datetime.datetime.now()", "added__date__lte=timezone.now().date()", "made__lte=timezone.localtime()",
    ],
)  # fmt: skip
def test_what_was_made_before_now_is_all_there_is(condition: str, build: Build) -> None:
    assert _fit(build, f"Ticket.objects.filter({condition})") is Fit.COVERED
    assert _fit(build, f"Ticket.objects.filter(Q({condition}))") is Fit.COVERED


@pytest.mark.parametrize(
    "query",
    [
        "Ticket.objects.filter(due__lte=now)",  # a time that the record is given
        "Ticket.objects.filter(added__gte=now)",
        "Ticket.objects.filter(made__lte=x)",
        "Ticket.objects.filter(added__lte=now - x)",
        "Ticket.objects.filter(added__lte=now, kind=x)",
        "Ticket.objects.filter(added__lte=now).order_by('-added')[:5]",
    ],
)
def test_what_narrows_still_asks_for_an_index(query: str, build: Build) -> None:
    assert _fit(build, query) is Fit.MISSING
