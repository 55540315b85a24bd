"""Conditions of Django's querysets that Python itself decides about: `Q(…) or Q(…)`."""

from __future__ import annotations

import pytest

from auditor.model.data import Query
from tests.conftest import Build

_CODE = """
from django.db import models
from django.db.models import Q
class Note(models.Model):
    owner = models.CharField(max_length=20)
    kind = models.CharField(max_length=20)
    class Meta:
        app_label = "notes"
def ask(x, wanted):
    return list(Note.objects.filter({}))
"""
_OWNER, _KIND = ("owner",), ("kind",)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("Q(owner=x) or Q(kind=x)", {_OWNER}),
        ("Q(owner=x) and Q(kind=x)", {_KIND}),
        ("(Q(owner=x) | Q(owner='')) or Q(kind=x)", {_OWNER}),
        ("~Q(kind='') and Q(owner=x) or Q(kind=x)", {_OWNER}),
        ("Q() or Q(kind=x)", {(), _KIND}),
        ("Q(**x) or Q(kind=x)", {(), _KIND}),
        ("Q(_connector='OR') or Q(kind=x)", {(), _KIND}),
        ("Q(owner=x) | Q(kind=x)", {_OWNER, _KIND}),
        ("Q(owner=x) if wanted else Q(kind=x)", {_OWNER, _KIND}),
    ],
)
def test_of_conditions_that_python_joins_one_is_asked(
    condition: str, expected: set[tuple[str, ...]], build: Build
) -> None:
    told = build({"notes.py": _CODE.format(condition)}).facts(Query)
    assert {q.equality for q in told} == expected
