"""A module that tries out its own functions below `if __name__ == "__main__"`: no caller of theirs."""

from __future__ import annotations

import pytest

from auditor.model.data import Query
from tests.conftest import Build

MODELS = """
from peewee import CharField, IntegerField, Model, SqliteDatabase
db = SqliteDatabase("x.db")
class Comment(Model):
    claim = CharField(index=True)
    made = IntegerField()
    class Meta:
        database = db
def listed(claim=None, given=None):
    query = Comment.select()
    if claim:
        query = query.where(Comment.claim == claim)
    if given is not None:
        query = query.where(given)
    return query.count()
"""
TRIAL = 'if __name__ == "__main__":\n    print(listed(given=(Comment.made < 9)))\n'
APP = """
from flask import Flask
from models import Comment, listed
app = Flask(__name__)
@app.route("/<claim>")
def of_claim(claim):
    return str(listed(claim=claim))
"""


@pytest.mark.parametrize(
    ("files", "counts"),
    [
        ({}, False),
        ({"README.md": "Run `python app.py`."}, False),
        ({"Procfile": "worker: python models.py"}, True),
        ({"README.md": "Then run\n\n    python models.py\n"}, True),
        ({"app.py": APP.replace("claim=claim", "claim=claim, given=Comment.made < 9")}, True),
        ({"app.py": "from models import listed\nlisted(claim=1)\n"}, False),
        (
            {"app.py": "", "tests/test_a.py": "from models import listed\nlisted(claim=1)\n"},
            True,
        ),  # the program
        ({"models.py": f"{MODELS}listed(given=(Comment.made < 9))\n"}, True),
        ({"more.py": f"from models import Comment, listed\n{TRIAL}"}, True),
    ],
)
def test_what_a_module_tries_out_is_no_call(
    files: dict[str, str], counts: bool, build: Build
) -> None:
    found = build({"models.py": MODELS + TRIAL, "app.py": APP, **files}).facts(Query)
    assert any(q.range == ("made",) for q in found) is counts
    assert (
        any(q.unresolved for q in found) is counts
    )  # what is given stands for anything, read alone


def test_what_only_a_trial_calls_is_read_all_the_same(build: Build) -> None:
    app = APP.replace("listed(claim=claim)", "Comment.select().count()")
    found = build({"models.py": MODELS + TRIAL, "app.py": app}).facts(Query)
    assert any(q.equality == ("claim",) for q in found)


def test_a_query_that_stands_in_a_trial_is_listed(build: Build) -> None:
    trial = (
        'if __name__ == "__main__":\n    print(Comment.select().where(Comment.made == 1).count())\n'
    )
    found = build({"models.py": MODELS + trial, "app.py": APP}).facts(Query)
    assert any(q.equality == ("made",) for q in found)
