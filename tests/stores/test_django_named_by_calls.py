"""Columns that a function puts together with a text that its calls give: `f"{column}__gte"`."""

from __future__ import annotations

import pytest

from auditor.model.data import CollectionFit
from tests.conftest import Build

_SOURCE = """
from django.db import models
class Note(models.Model):
    opened = models.DateTimeField()
    closed = models.DateTimeField()
    shop = models.IntegerField()
def narrow(found, *, shop=None, since=None, column="opened"):
    if shop:
        found = found.filter(shop=shop)
    if since:
        found = found.filter(**{f"{column}__gte": since})
    return found
def recent(since, column="opened"):
    return Note.objects.filter(**{f"{column}__gte": since})
def ask(request, **given):
    """


def _columns(build: Build, body: str) -> set[str]:
    lines = "\n    ".join(body.splitlines())
    application = build({"notes/models.py": _SOURCE + lines + "\n"})
    (line,) = (n for n, text in enumerate((_SOURCE + lines).splitlines(), 1) if "r(N" in text or "w(N" in text or "recent(r" in text)  # fmt: skip
    fits = (fit for of in application.facts(CollectionFit) for fit in of.fits)
    queries = [query for query, _ in fits if query.place.line == line]
    assert queries
    return {x for q in queries for x in (*q.fields, *(["unknown"] if q.unresolved else []))}


@pytest.mark.parametrize(
    ("body", "columns"),
    [
        ("return list(narrow(Note.objects.all(), since=request.x))", {"opened"}),
        ("return list(narrow(Note.objects.all(), since=request.x, column='closed'))", {"closed"}),
        ("dim = {k: given.get(k) for k in ('shop',)}\nreturn list(narrow(Note.objects.all(), since=request.x, column='closed', **dim))", {"closed", "shop"}),
        ("dim = {k: given.get(k) for k in ('shop',)}\nreturn list(narrow(Note.objects.all(), **dim))", {"shop"}),
        ("dim = {k: given.get(k) for k in given}\nreturn list(narrow(Note.objects.all(), **dim))", {"shop", "unknown"}),
        ("kept = {**given, 'column': 'closed'}\nreturn list(narrow(Note.objects.all(), **kept))", {"closed", "shop"}),
        ("kept = {'column': 'closed', **given}\nreturn list(narrow(Note.objects.all(), **kept))", {"shop", "unknown"}),
        ("kept = {**given, 'column': 'closed'}\nkept.update(request.GET)\nreturn list(narrow(Note.objects.all(), **kept))", {"shop", "unknown"}),
        ("return list(narrow(Note.objects.all(), since=request.x, column=request.y))", {"unknown"}),
        ("def per(found, field):\n    return narrow(found, column=field, **given)\nreturn list(per(Note.objects.all(), 'closed'))", {"closed", "shop"}),
        ("return list(recent(request.x, 'closed'))", {"closed"}),
        ("return list(recent(request.x, request.y))", {"unknown"}),
        ("return list(recent(request.x))", {"opened"}),
    ],
)  # fmt: skip
def test_the_column_that_a_call_names_is_asked(build: Build, body: str, columns: set[str]) -> None:
    assert _columns(build, body) == columns
