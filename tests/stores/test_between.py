"""The table between two others is searched by both of their keys, where both are known."""

from __future__ import annotations

import pytest

from auditor.model.data import CollectionFit, Fit
from tests.conftest import Build

_MODELS = """
from tortoise import fields
from tortoise.models import Model
class Todo(Model):
    id = fields.IntField(pk=True)
class User(Model):
    id = fields.IntField(pk=True)
    todos = fields.ManyToManyField("models.Todo", related_name="users", through="user_todo")
"""


@pytest.mark.parametrize(
    "body, fit",
    {
        "await Todo.filter(id=a, users__id=b).exists()": Fit.COVERED,
        "todo = await Todo.get(id=a)\n    await todo.users.add(b)": Fit.COVERED,
        "await Todo.filter(id=a).prefetch_related('users')": Fit.MISSING,
    }.items(),
)
def test_both_keys(body: str, fit: Fit, build: Build) -> None:
    source = f"{_MODELS}async def of(a, b):\n    {body}\n"
    found = build({"app.py": source}).facts(CollectionFit)
    (between,) = [f for f in found if f.name == "user_todo"]
    assert [match.fit for _, match in between.fits] == [fit]
