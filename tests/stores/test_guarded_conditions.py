"""Alternatives that a loop puts together and a guard asks for: without one of them nothing is sent; near misses."""

from __future__ import annotations

import pytest

from auditor.model.data import CollectionFit
from tests.conftest import Build

_DJANGO = """
from django.db import models
from django.db.models import Q
class Note(models.Model):
    room = models.CharField(max_length=50, db_index=True)
    author = models.CharField(max_length=50)
    state = models.CharField(max_length=50)
"""
_VIEW = """
def find(rooms, only, request):
    wanted = Q()
    for room in rooms:
        wanted |= Q(room=room)
    {body}
    return None
"""
_ASKS = "list(Note.objects.filter(wanted, author='x'))"
_ALONE, _ROOM = ("author",), ("room", "author")


@pytest.mark.parametrize(
    ("body", "shapes"),
    [
        (f"if wanted:\n        return {_ASKS}", {_ROOM}),
        (f"if only and wanted:\n        return {_ASKS}", {_ROOM}),
        (f"if not wanted:\n        return []\n    return {_ASKS}", {_ROOM}),
        (f"if not wanted or only:\n        return []\n    return {_ASKS}", {_ROOM}),
        (f"if not wanted:\n        pass\n    else:\n        return {_ASKS}", {_ROOM}),
        (f"return {_ASKS}", {_ALONE, _ROOM}),
        (f"if only or wanted:\n        return {_ASKS}", {_ALONE, _ROOM}),
        (f"if not wanted:\n        only = True\n    return {_ASKS}", {_ALONE, _ROOM}),
        (f"if wanted:\n        only = True\n    return {_ASKS}", {_ALONE, _ROOM}),
        (f"if wanted:\n        wanted = Q()\n    return {_ASKS}", {_ALONE, _ROOM}),
        (f"if not wanted and only:\n        return []\n    return {_ASKS}", {_ALONE, _ROOM}),
        (f"for room in rooms:\n        if not wanted:\n            continue\n    return {_ASKS}", {_ALONE, _ROOM}),
    ],
)  # fmt: skip
def test_a_guard_asks_for_conditions(body: str, shapes: set[tuple[str, ...]], build: Build) -> None:
    found = build(
        {"app/models.py": _DJANGO + _VIEW.format(body=body), "requirements.txt": "django"}
    )
    assert {q.equality for c in found.facts(CollectionFit) for q, _ in c.fits} == shapes


def test_a_guard_of_an_inner_function_says_nothing_of_what_follows_it(build: Build) -> None:
    body = f"def inner():\n        if wanted:\n            print(1)\n        return {_ASKS}\n    return inner()"
    found = build(
        {"app/models.py": _DJANGO + _VIEW.format(body=body), "requirements.txt": "django"}
    )
    assert {q.equality for c in found.facts(CollectionFit) for q, _ in c.fits} == {_ALONE, _ROOM}


def test_a_q_of_tortoise_is_always_true(build: Build) -> None:
    fields = "room = fields.CharField(50, db_index=True)\n    author = fields.CharField(50)\n"
    head = f"from tortoise import fields, models\nfrom tortoise.expressions import Q\nclass Note(models.Model):\n    {fields}"
    body = "if wanted:\n        return await Note.filter(wanted, author='x')"
    code = head + _VIEW.format(body=body).replace("def find", "async def find")
    found = build({"app/models.py": code, "requirements.txt": "tortoise-orm"})
    shapes = {q.equality for c in found.facts(CollectionFit) for q, _ in c.fits}
    assert shapes == {_ALONE, _ROOM}


_FLAGGED = """
def find(rooms, only, request):
    wanted = Q()
    asked = False
    if rooms:
        wanted |= Q(room=rooms)
        {set}
    {body}
    if not asked:
        return []
    return list(Note.objects.filter(wanted, author='x'))
"""


@pytest.mark.parametrize(
    ("set_", "body", "shapes"),
    [
        ("asked = True", "", {_ROOM}),
        ("print(1)", "if only:\n        asked = True\n        wanted &= Q(room=only)", {_ROOM}),
        ("asked = True", "if only:\n        asked = True", {_ALONE, _ROOM}),
        ("asked = True", "if only:\n        asked = only", {_ALONE, _ROOM}),
        ("asked = True", "if only:\n        wanted = Q()", {_ALONE, _ROOM}),
        ("asked = True", "for asked in only:\n        pass", {_ALONE, _ROOM}),
        ("print(1)", "for one in only:\n        asked = True\n        if one:\n            continue\n        wanted &= Q(room=one)", {_ALONE, _ROOM}),
    ],
)  # fmt: skip
def test_a_flag_beside_each_condition_tells_whether_there_is_one(
    set_: str, body: str, shapes: set[tuple[str, ...]], build: Build
) -> None:
    code = _DJANGO + _FLAGGED.format(set=set_, body=body)
    found = build({"app/models.py": code, "requirements.txt": "django"})
    assert {q.equality for c in found.facts(CollectionFit) for q, _ in c.fits} == shapes
