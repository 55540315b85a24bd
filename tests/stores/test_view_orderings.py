"""By what a view of Django sorts its list: `ordering` counts where its `get_queryset` is that of Django's own view."""

from __future__ import annotations

import pytest

from auditor.model.data import Query
from tests.conftest import Build

_TALKS = """
from django.db import models
from django.views import generic
class Talk(models.Model):
    entered = models.DateTimeField()
    ends = models.DateTimeField()
    class Meta:
        ordering = ["entered"]
class Talks(generic.{kind}):
    queryset = Talk.objects.filter(pk__gt=3)
    {body}
    def get_queryset(self):
        return {given}
"""
_ABOVE = "super().get_queryset().filter(ends=1)"


@pytest.mark.parametrize(
    ("kind", "body", "given", "sort"),
    [
        ("ListView", "ordering = ('-ends',)", _ABOVE, "-ends"),
        ("ListView", "ordering = 'ends'", _ABOVE, "ends"),
        ("ListView", "ordering = 'ends'", f"{_ABOVE}.order_by('id')", "id"),
        ("ListView", "ordering = 'ends'", "self.queryset.filter(ends=1)", "entered"),
        ("ListView", "ordering = None", _ABOVE, "entered"),
        ("ListView", "ordering = ['speaker__name']", _ABOVE, "entered"),
        ("ListView", "ordering = 'ends'\n    def get_ordering(self):\n        return self.kwargs['by']", _ABOVE, "entered"),
    ],
)  # fmt: skip
def test_ordering_of_a_view(kind: str, body: str, given: str, sort: str, build: Build) -> None:
    code = _TALKS.format(kind=kind, body=body, given=given)
    found = build({"app.py": code}).facts(Query)
    way = (sort.lstrip("-"), -1 if sort.startswith("-") else 1)
    assert {q.sort for q in found if q.operation == "select"} == {(way,)}
