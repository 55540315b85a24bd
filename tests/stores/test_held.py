"""A queryset of Django that was gone through holds its rows: what is counted or taken of them then is no query."""

from __future__ import annotations

import pytest

from auditor.model.data import CollectionFit
from tests.conftest import Build

_APP = """
from django.db import models, transaction
from helpers import tidy
class Note(models.Model):
    title = models.CharField(max_length=50)
    pages = models.IntegerField()
def ask(request, given):
    notes = Note.objects.filter(title=given)
    {body}
"""


def _figures(body: str, build: Build) -> list[str]:
    """What is asked besides the rows themselves."""
    program = _APP.format(body=body.replace("\n", "\n    "))
    found = [q for c in build({"app.py": program}).facts(CollectionFit) for q, _ in c.fits]
    assert any(q.operation == "select" and "title" in q.equality for q in found)
    told = [q.bound.value if q.operation == "select" else q.operation for q in found]
    return [x for x in told if x not in ("none", "unknown")]


@pytest.mark.parametrize(
    "body",
    [
        "return sum(n.pages for n in notes), notes.count()",
        "list(notes)\nreturn notes.exists()",
        "pages = [n.pages for n in notes]\nreturn pages, notes.count()",
        "for note in notes:\n    print(note, notes.count())",
        "for note in notes:\n    break\nreturn notes.count()",
        "if not notes:\n    return 0\nreturn notes.count(), notes[:5], notes[0]",
        "if notes:\n    return notes.count()",
        "return notes.count() if notes else 0",
        "return notes and notes.count()",
        "if given in notes:\n    pass\nreturn notes.count()",
        "if given:\n    list(notes)\nelse:\n    len(notes)\nreturn notes.count()",
        "if given:\n    list(notes)\nelse:\n    return 0\nreturn notes.count()",
        "try:\n    list(notes)\nexcept ValueError:\n    return 0\nreturn notes.count()",
        "list(notes)\nwith transaction.atomic():\n    return notes.count()",
        "list(notes)\nwhile given():\n    print(notes.count())",
    ],
)
def test_rows_that_are_held_are_not_asked_for(body: str, build: Build) -> None:
    assert _figures(body, build) == []


@pytest.mark.parametrize(
    ("body", "asked"),
    [
        ("return notes.count(), list(notes)", "count"),
        ("if given:\n    list(notes)\nreturn notes.count()", "count"),
        ("given and list(notes)\nreturn notes.count()", "count"),
        ("list(notes.filter(pages=1))\nreturn notes.count()", "count"),
        ("list(notes)\nreturn notes.all().count()", "count"),
        ("list(notes)\nreturn notes.filter(pages=1).count()", "count"),
        ("list(notes)\nreturn notes.first()", "one"),
        ("list(notes)\nnotes = notes.order_by('pages')\nreturn notes.count()", "count"),
        ("list(notes)\nif given:\n    notes = notes.all()\nreturn notes.count()", "count"),
        ("for note in notes:\n    print(notes.count())\n    notes = notes.all()", "count"),
        ("for turn in given:\n    list(notes)\nreturn notes.count()", "count"),
        ("try:\n    list(notes)\nexcept ValueError:\n    pass\nreturn notes.count()", "count"),
        ("list(notes)\ntidy(notes)\nreturn notes.count()", "count"),
        ("for note in notes.iterator():\n    pass\nreturn notes.count()", "count"),
        ("while notes:\n    notes = notes.all()\n    break\nreturn notes.count()", "count"),
        ("def later():\n    list(notes)\nreturn notes.count()", "count"),
    ],
)
def test_what_may_not_be_held_is_asked(body: str, asked: str, build: Build) -> None:
    assert asked in _figures(body, build)


@pytest.mark.parametrize("step", ["delete()", "update(pages=1)"])
def test_rows_are_forgotten_with_a_change(step: str, build: Build) -> None:
    assert "count" in _figures(f"list(notes)\nnotes.{step}\nreturn notes.count()", build)


def test_what_only_a_truth_asks_stays_listed(build: Build) -> None:
    body = "if notes:\n    return notes.count(), list(notes.filter(pages=1))"
    assert _figures(body, build) == []
