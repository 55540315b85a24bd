"""Stored objects that a function is handed: what is asked of them is told by their type, or by what they are called."""

from __future__ import annotations

import pytest

from auditor.model.data import Query
from tests.conftest import Build

TORTOISE = """
from fastapi import Depends
from tortoise import fields
from tortoise.models import Model
class User(Model):
    email = fields.CharField(max_length=20, unique=True)
class Post(Model):
    user = fields.ForeignKeyField("models.User", related_name="posts")
class Tag(Model):
    post = fields.ForeignKeyField("models.Post", related_name="tags")
"""
PEEWEE = """
from flask import g
from peewee import CharField, ForeignKeyField, Model, SqliteDatabase
db = SqliteDatabase("x.db")
class Team(Model):
    name = CharField()
    @property
    def size(self):
        return {}
    class Meta:
        database = db
class User(Model):
    team = ForeignKeyField(Team, backref="members")
    class Meta:
        database = db
"""
HANDED = {
    "all": ("user: User = Depends()", "return await user.posts.all()", {("post", ("user_id",))}),
    "counted": ("user: User", "return await user.posts.all().count()", {("post", ("user_id",))}),
    "awaited": ("user: User", "return await user.posts", {("post", ("user_id",))}),
    "deleted": ("user: User", "await user.delete()", {("user", ("id",))}),
    "of another type": ("user: dict", "user.delete()", set()),
    "after select_related": (
        "i",
        "post = await Post.get_or_none(id=i).select_related('user')\n    return await post.tags.all()",
        {("post", ("id",)), ("tag", ("post_id",))},
    ),
    "after prefetch_related": (
        "i",
        "post = await Post.filter(id=i).first().prefetch_related('user')\n    return await post.tags.all()",
        {("post", ("id",)), ("user", ("id",)), ("tag", ("post_id",))},
    ),
    "its values": (
        "i",
        "post = await Post.get(id=i).values('id')\n    return post.tags",
        {("post", ("id",))},
    ),
    "the latest": ("i", "query = Post.latest('id')\n    return await query", {("post", ())}),
}


def asked(build: Build, code: str) -> set[tuple[str, tuple[str, ...]]]:
    found = build({"app.py": code}).facts(Query)
    assert not any(q.unresolved for q in found)
    return {(q.collection, q.equality) for q in found}


@pytest.mark.parametrize("case", HANDED)
def test_of_tortoise(case: str, build: Build) -> None:
    given, body, expected = HANDED[case]
    assert asked(build, f"{TORTOISE}async def ask({given}):\n    {body}\n") == expected


MEMBERS = {("user", ("team_id",))}


@pytest.mark.parametrize(
    ("within", "line", "expected"),
    [
        ("sum(x.id for x in self.members)", "pass", MEMBERS),
        ("self.members.count()", "pass", MEMBERS),
        ("1", "return list(team.members)", MEMBERS),
        ("1", "return g.team.members.count()", MEMBERS),
        ("1", "return guild.members", set()),
        ("1", "team.delete_instance()", {("team", ("id",))}),
    ],
)
def test_of_peewee(
    within: str, line: str, expected: set[tuple[str, tuple[str, ...]]], build: Build
) -> None:
    assert asked(build, f"{PEEWEE.format(within)}def ask(team, guild):\n    {line}\n") == expected


def test_a_module_is_no_object(build: Build) -> None:
    code = PEEWEE.format(1) + "import team\ndef ask():\n    return team.members\n"
    assert asked(build, code) == set()


def test_an_object_of_no_name_is_listed(build: Build) -> None:
    code = PEEWEE.format(1) + "def ask(x):\n    x.delete_instance()\n"
    (found,) = build({"app.py": code}).facts(Query)
    assert found.unresolved
