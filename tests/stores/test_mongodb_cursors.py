"""Searches that are not sent where they are written: those that a function gives back, and those that nothing reads."""

from __future__ import annotations

import pytest

from auditor.model.data import Bound, CollectionFit, Fit, Query
from tests.conftest import Build

_HEAD = """
from flask import Flask, jsonify
from pymongo import MongoClient
app = Flask(__name__)
db = MongoClient("mongodb://localhost")["shop"]
"""
_BY_NAME = "def get_find(col, query):\n    return db[col].find(query)\n"
_FIXED = "def fixed():\n    return db.carts.find()\n"
_REPO = """
class Repo:
    def __init__(self, name):
        self.col = db[name]
    def many(self, query):
        cursor = self.col.find(query)
        cursor = cursor.batch_size(10)
        return cursor
    def page(self, query):
        return self.many(query).sort("made", -1)
logs = Repo("logs")
notes = Repo("notes")
"""
_FOUND = "\nclass Rows(Cursor):\n    pass\ndef rows(query):\n    return Rows(db.carts, query)\n"

Told = set[tuple[str, tuple[str, ...], tuple[tuple[str, int], ...], Bound]]


def _told(build: Build, code: str) -> Told:
    asked = build({"app.py": _HEAD + code}).facts(Query)
    return {(q.collection, q.equality, q.sort, q.bound) for q in asked if q.collection}


def _route(body: str) -> str:
    return f"@app.route('/x/<who>')\ndef view(who):\n    {body}\n"


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (
            _BY_NAME + _route("return jsonify(list(get_find('carts', {'who': who}).sort('made', -1).limit(5)))"),
            {("carts", ("who",), (("made", -1),), Bound.LIMITED)},
        ),
        (
            _BY_NAME + _route("found = get_find('carts', {})\n    found = found.sort('made')\n    return list(found)"),
            {("carts", (), (("made", 1),), Bound.NONE)},
        ),
        (
            _BY_NAME + _route("return list(get_find('carts', {'who': who}))"),
            {("carts", ("who",), (), Bound.NONE)},
        ),
        (
            _FIXED + _route("return [list(fixed()), list(fixed().sort('x').limit(3))]"),
            {("carts", (), (), Bound.NONE), ("carts", (), (("x", 1),), Bound.LIMITED)},
        ),
        (
            _REPO + _route("return [list(logs.page({'a': who}).limit(5)), list(notes.many({'b': who}).sort('z'))]"),
            {("logs", ("a",), (("made", -1),), Bound.LIMITED), ("notes", ("b",), (("z", 1),), Bound.NONE)},
        ),
        (  # of two orders the last one counts
            "def fixed():\n    return db.carts.find().sort('a')\n" + _route("return list(fixed().sort('b').limit(2))"),
            {("carts", (), (("b", 1),), Bound.LIMITED)},
        ),
        (  # a list is no cursor
            "def fixed():\n    return list(db.carts.find())\n" + _route("found = fixed()\n    found.sort(key=len)\n    return found"),
            {("carts", (), (), Bound.NONE)},
        ),
        (  # nor is a record of it
            "def fixed():\n    return db.carts.find()[0]\n" + _route("return fixed().tags.sort('b')"),
            {("carts", (), (), Bound.UNKNOWN)},
        ),
        (  # they give each other's
            "def one(n):\n    return two(n) if n else db.carts.find()\ndef two(n):\n    return one(n).sort('a')\n" + _route("return list(two(3))"),
            {("carts", (), (("a", 1),), Bound.NONE)},
        ),
        (
            "from pymongo.cursor import Cursor\n" + _FOUND + _route("return list(rows({'who': who}).sort('made').limit(1))"),
            {("carts", ("who",), (("made", 1),), Bound.LIMITED)},
        ),
    ],
)  # fmt: skip
def test_what_callers_do_with_a_cursor_that_they_are_given(
    build: Build, code: str, told: Told
) -> None:
    assert _told(build, code) == told


_MAPPED = """
from fastapi import FastAPI
from beanie import Document
from mongoengine import Document as Doc, StringField
app = FastAPI()
class Parcel(Document):
    state: str
    sent_at: int
class Post(Doc):
    title = StringField()
    made = StringField()
"""
_PARCELS = "def parcels(state):\n    return Parcel.find(Parcel.state == state)\n"
_POSTS = "def posts():\n    return Post.objects(title='x')\n"
_EVERY = "def every():\n    return Post.objects\n"


@pytest.mark.parametrize(
    ("given", "body", "told"),
    [
        (_PARCELS, "return await parcels(q).sort(-Parcel.sent_at).to_list()", {("Parcel", ("state",), ("sent_at",))}),
        (_POSTS, "return posts().order_by('made')", {("post", ("title",), ("made",))}),
        (_EVERY, "return every().order_by('made').limit(3)", {("post", (), ("made",))}),
        (
            _EVERY,
            "found = every()\n    if q:\n        found = found.filter(title=q)\n    return found.order_by('made')",
            {("post", (), ("made",)), ("post", ("title",), ("made",))},
        ),
        (
            _EVERY,
            "if q:\n        return every().filter(title=q)\n    return None",
            {("post", ("title",), ())},
        ),
    ],
)  # fmt: skip
def test_searches_of_mappers_that_a_function_gives_back(
    build: Build, given: str, body: str, told: set[tuple[str, tuple[str, ...], tuple[str, ...]]]
) -> None:
    code = f"{_MAPPED}{given}@app.get('/')\nasync def view(q: str):\n    {body}\n"
    asked = build({"app.py": code}).facts(Query)
    assert {(q.collection, q.equality, tuple(name for name, _ in q.sort)) for q in asked} == told


_COMMENTS = """
from flask import Flask, render_template
from mongoengine import Document, StringField
app = Flask(__name__)
class Comment(Document):
    post = StringField()
    author = StringField()
@app.route("/<pid>")
def one(pid):
"""
_AGAIN = "found = Comment.objects(author=pid)\n    return found.to_json()"


@pytest.mark.parametrize(
    ("body", "asked"),
    [
        (f"found = Comment.objects(post=pid)\n    n = len(pid)\n    {_AGAIN}", {"author"}),
        (f"found = Comment.objects(post=pid).order_by('post')[:3]\n    {_AGAIN}", {"author"}),
        ("found = Comment.objects(post=pid)\n    return pid", set()),
        ("found = Comment.objects(post=pid)\n    if pid:\n        found = found.filter(author=pid)\n    return found.to_json()", {"post", "author"}),
        # sent at once
        (f"found = Comment.objects(post=pid).first()\n    {_AGAIN}", {"post", "author"}),
        (f"found = Comment.objects(post=pid).delete()\n    {_AGAIN}", {"post", "author"}),
        ("n = Comment.objects(post=pid).count()\n    return pid", {"post"}),
        # read before, or in other runs
        (f"found = Comment.objects(post=pid)\n    n = len(found)\n    {_AGAIN}", {"post", "author"}),
        ("if pid:\n        found = Comment.objects(post=pid)\n    else:\n        found = Comment.objects(author=pid)\n    return found.to_json()", {"post", "author"}),
        ("found = Comment.objects(post=pid)\n    if len(pid) > 3:\n        found = Comment.objects(author=pid)\n    return found.to_json()", {"post", "author"}),
        ("found = Comment.objects(post=pid)\n    return render_template('x.html', **locals())", {"post"}),
        ("global found\n    found = Comment.objects(post=pid)\n    return pid", {"post"}),
        ("found = Comment.objects(post=pid)\n    def rows():\n        return list(found)\n    return rows()", {"post"}),
    ],
)  # fmt: skip
def test_a_search_that_is_replaced_before_it_is_read_is_never_sent(
    build: Build, body: str, asked: set[str]
) -> None:
    found = build({"app.py": f"{_COMMENTS}    {body}\n"}).facts(Query)
    assert {name for query in found for name in query.equality} == asked


@pytest.mark.parametrize(
    ("search", "told"),
    [
        ("Note.objects().search_text(w).aggregate([{'$sort': {'made': -1}}])", Fit.COVERED),
        ("Note.objects.search_text(w).order_by('$text_score').paginate(page=1, per_page=4)", Fit.COVERED),
        ("Note.objects(made=w).search_text(w).order_by('-made').first()", Fit.COVERED),
        ("Note.objects(made=w).aggregate([{'$sort': {'made': -1}}])", Fit.MISSING),
        ("Note.objects(title=w).first()", Fit.MISSING),
    ],
)  # fmt: skip
def test_the_text_index_serves_a_search_for_words(build: Build, search: str, told: Fit) -> None:
    code = f"""
from flask import Flask
from flask_mongoengine import MongoEngine
app = Flask(__name__)
db = MongoEngine(app)
class Note(db.Document):
    title = db.StringField()
    made = db.StringField()
    meta = {{"indexes": [{{"fields": ["$title"]}}]}}
@app.route("/<w>", methods=["POST"])
def view(w):
    Note(title=w).save()
    return list({search})
"""
    (notes,) = build({"app.py": code}).facts(CollectionFit)
    assert [match.fit for _, match in notes.fits] == [told]
    assert bool(notes.unused) is (told is Fit.MISSING)


@pytest.mark.parametrize(
    ("search", "bound"),
    [
        ("db.notes.find({'made': w}).sort('made')[:20]", Bound.LIMITED),
        ("db.notes.find({'made': w}).sort('made')[5:20]", Bound.LIMITED),
        ("db.notes.find({'made': w}).sort('made')[5:]", Bound.NONE),
        ("list(db.notes.find({'made': w}))[:20]", Bound.NONE),
        ("some(w).sort('made')[:20]", Bound.LIMITED),
        ("Note.objects(made=w).order_by('made')[:20]", Bound.LIMITED),
        ("Note.objects[:20]", Bound.LIMITED),
        ("Note.objects(made=w).order_by('made')", Bound.UNKNOWN),
    ],
)  # fmt: skip
def test_a_slice_of_a_cursor_bounds_it(build: Build, search: str, bound: Bound) -> None:
    some = "def some(w):\n    return db.notes.find({'made': w})\n" if "some" in search else ""
    code = f"""
from mongoengine import Document, StringField
from pymongo import MongoClient
db = MongoClient("mongodb://localhost")["shop"]
class Note(Document):
    made = StringField()
{some}
def view(w):
    for each in {search}:
        print(each)
"""
    (query,) = build({"app.py": code}).facts(Query)
    assert query.bound is bound
