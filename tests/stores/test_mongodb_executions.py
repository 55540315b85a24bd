"""One search that is put together once and asked several times, and documents that are changed once they are found."""

from __future__ import annotations

import pytest

from auditor.model.data import Query
from tests.conftest import Build

_ENGINE = """
from flask import Flask, request
from mongoengine import DateTimeField, Document, ListField, StringField
app = Flask(__name__)
class Post(Document):
    kind = StringField()
    tags = ListField(StringField())
    made = DateTimeField()
@app.route("/")
def index():
    tag = request.args.get("tag")
"""
_BEANIE = """
from beanie import Document, init_beanie
from beanie.operators import Set
from fastapi import FastAPI
from motor.motor_asyncio import AsyncIOMotorClient
app = FastAPI()
class Post(Document):
    kind: str
    tags: list[str]
    made: int
    async def won(self):
        self.made += 1
{method}
@app.on_event("startup")
async def start():
    await init_beanie(database=AsyncIOMotorClient().shop, document_models=[Post])
@app.get("/")
async def index(tag: str = ""):
"""

Told = set[tuple[str, tuple[str, ...], tuple[str, ...]]]


def _told(build: Build, code: str) -> Told:
    found = build({"app.py": code}).facts(Query)
    return {(q.operation, q.equality, tuple(name for name, _ in q.sort)) for q in found}


@pytest.mark.parametrize(
    ("steps", "told"),
    [
        (  # the tags of all, then a page of some
            ["found = Post.objects.filter(kind='a').order_by('-made')", "tags = found.distinct('tags')",
             "if tag:", "    found = found.filter(tags=tag)", "return found.paginate(page=1, per_page=9)"],
            {("distinct", ("kind",), ()), ("find", ("kind",), ("made",)), ("find", ("kind", "tags"), ("made",))},
        ),
        (
            ["found = Post.objects.filter(kind='a')", "few = found.filter(tags='x').count()", "many = found.filter(made=3).count()"],
            {("count_documents", ("kind", "tags"), ()), ("count_documents", ("kind", "made"), ())},
        ),
        (  # both are asked: it is counted, and gone through
            ["found = Post.objects.filter(kind='a').order_by('made')", "n = found.count()", "return [n, *[x.kind for x in found]]"],
            {("count_documents", ("kind",), ()), ("find", ("kind",), ("made",))},
        ),
        (  # nothing goes through it
            ["found = Post.objects.filter(kind='a').order_by('made')", "return str(found.count())"],
            {("count_documents", ("kind",), ())},
        ),
        (  # what is made of it has a name of its own
            ["found = Post.objects.filter(kind='a')", "mine = found.filter(tags='x')", "mine = mine.order_by('made')",
             "return [mine.count(), mine.first()]"],
            {("count_documents", ("kind", "tags"), ()), ("find_one", ("kind", "tags"), ("made",))},
        ),
        (  # one way or the other
            ["found = Post.objects.filter(kind='a')", "if tag:", "    return found.filter(tags=tag).count()", "return found.first()"],
            {("count_documents", ("kind", "tags"), ()), ("find_one", ("kind",), ())},
        ),
    ],
)  # fmt: skip
def test_each_execution_of_a_queryset(build: Build, steps: list[str], told: Told) -> None:
    assert _told(build, _ENGINE + "".join(f"    {step}\n" for step in steps)) == told


@pytest.mark.parametrize(
    ("steps", "told"),
    [
        (
            ["found = Post.find(Post.kind == 'a')", "if tag:", "    found = found.find(Post.tags == tag)",
             "n = await found.count()", "return [n, await found.sort('-made').skip(3).limit(3).to_list()]"],
            {(asked, fields, order) for asked, order in (("count_documents", ()), ("find", ("made",)))
             for fields in (("kind",), ("kind", "tags"))},
        ),
        (  # a statement changes the search itself
            ["found = Post.find(Post.kind == 'a')", "found.sort('made')", "return await found.to_list()"],
            {("find", ("kind",), ("made",))},
        ),
        (
            ["found = Post.find(Post.kind == 'a')", "first = await found.first_or_none()", "await found.delete()"],
            {("find_one", ("kind",), ()), ("delete_many", ("kind",), ())},
        ),
        (  # the one that was found
            ["post = await Post.find_one(Post.kind == 'a')", "await post.set({'made': 3})", "await post.delete()"],
            {("find_one", ("kind",), ()), ("update_one", ("_id",), ()), ("delete_one", ("_id",), ())},
        ),
        (  # what is asked without having it
            ["await Post.find_one(Post.kind == 'a').update(Set({Post.made: 3}))"],
            {("update_one", ("kind",), ())},
        ),
        (  # a dict and a set of one's own
            ["seen = {'kind': 'a'}", "seen.update(made=3)", "return await Post.find_one(Post.kind == 'a')"],
            {("find_one", ("kind",), ())},
        ),
    ],
)  # fmt: skip
def test_each_execution_of_a_search_of_beanie(build: Build, steps: list[str], told: Told) -> None:
    code = _BEANIE.format(method="        return self")
    assert _told(build, code + "".join(f"    {step}\n" for step in steps)) == told


def test_a_document_that_changes_itself(build: Build) -> None:
    code = _BEANIE.format(method="        await self.update(Set({Post.made: self.made}))")
    steps = "    return await (await Post.find_one(Post.kind == tag)).won()\n"
    assert _told(build, code + steps) == {
        ("find_one", ("kind",), ()),
        ("update_one", ("_id",), ()),
    }


_ORDERED = """
from flask import Flask
from mongoengine import BooleanField, DateTimeField, Document, ReferenceField
app = Flask(__name__)
class Topic(Document):
    open = BooleanField()
    made = DateTimeField()
    meta = {"ordering": ["-made"]}
class Note(Document):
    topic = ReferenceField(Topic)
@app.route("/")
def index():
"""


@pytest.mark.parametrize(
    ("steps", "sorts"),
    [
        ("return Note.objects(topic__in=Topic.objects(open=True)).first()", {()}),
        ("return Note.objects(topic__nin=Topic.objects.filter(open=True).only('id')).first()", {()}),
        ("return Note.objects(topic__in=Topic.objects).first()", {()}),
        # which ones are the first rests on the order
        ("return Note.objects(topic__in=Topic.objects(open=True)[:9]).first()", {("made",)}),
        ("return Note.objects(topic__in=Topic.objects(open=True).order_by('open')).first()", {("open",)}),
        ("return Note.objects(topic=Topic.objects(open=True).first()).first()", {("made",)}),
        ("return [topic.made for topic in Topic.objects(open=True)]", {("made",)}),
    ],
)  # fmt: skip
def test_nobody_sees_the_order_of_what_is_searched_among(
    build: Build, steps: str, sorts: set[tuple[str, ...]]
) -> None:
    found = build({"app.py": f"{_ORDERED}    {steps}\n"}).facts(Query)
    assert {tuple(n for n, _ in q.sort) for q in found if q.collection == "topic"} == sorts


def test_what_is_asked_alike_in_several_runs_is_told_once(build: Build) -> None:
    """A document that is found, and both what is done with it in one way and in another."""
    steps = [
        "post = Post.objects.get_or_404(kind=tag)",
        "try:",
        "    post.delete()",
        "except OSError:",
        "    pass",
        "post.delete()",
        "return tag",
    ]
    code = _ENGINE + "".join(f"    {step}\n" for step in steps)
    found = build({"app.py": code}).facts(Query)
    assert [q.operation for q in found] == ["find_one", "delete_one", "delete_one"]


@pytest.mark.parametrize(
    ("body", "operation"),
    [
        ("found = found[0]\n    return found", "find"),
        ("if found:\n        found = found[0]\n        return found", "find"),
        ("found = found[:5]\n    return found", "delete_many"),
        ("return found", "delete_many"),
        ("if found:\n        found = found[0]\n    return found", "delete_many"),  # or it is empty
    ],
)
def test_what_is_taken_out_of_a_search_and_given_back_is_no_search(
    build: Build, body: str, operation: str
) -> None:
    giving = f"def by_kind(kind):\n    found = Post.objects(kind=kind)\n    {body}\n"
    code = _ENGINE.replace('@app.route("/")', giving + '@app.route("/")')
    found = build({"app.py": f"{code}    by_kind(tag).delete()\n    return tag\n"}).facts(Query)
    assert {q.operation for q in found if q.equality == ("kind",)} == {operation}
