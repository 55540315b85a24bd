"""How the inventory of data is told to people."""

from __future__ import annotations

import pytest

from auditor.inventory.data import rows, show
from tests.conftest import Build

_NOTES = """
from flask import Flask, request
from flask_pymongo import PyMongo
app = Flask(__name__)
mongo = PyMongo(app)
@app.post("/search")
def search():
    return list(mongo.db.notes.find(ASKED))
@app.post("/new")
def new():
    mongo.db.notes.insert_one({"title": request.form.get("title")})
"""
_CLASS = "from mongoengine import Document, StringField\nclass Note(Document):\n    title = StringField()\n    meta = {'collection': 'notes'}\ndef all_():\n    return Note.objects()\n"


@pytest.mark.parametrize(
    ("asked", "mapped", "told", "advice"),
    [
        ("{'$text': {'$search': 'x'}}", False, ("words", "no text index"), 'db.notes.create_index([("the searched field", "text")])'),
        ("{'$text': {'$search': 'x'}}", True, ("words", "no text index"), 'Note: meta = {"indexes": ["$the searched field"]}'),
        ("{'text': {'$regex': 'x'}}", False, ("pattern text", "no index serves how text is compared"), ""),
        ("{'at': {'$near': [1, 2]}}", False, ("range at", "no geo index of at"), 'db.notes.create_index([("at", "2dsphere")])'),
    ],
)  # fmt: skip
def test_what_an_index_of_another_kind_is_needed_for(
    build: Build, asked: str, mapped: bool, told: tuple[str, str], advice: str
) -> None:
    files = {"app.py": _NOTES.replace("ASKED", asked)}
    if mapped:
        files["models.py"] = _CLASS
        files["app.py"] = "import models\n" + files["app.py"]
    found = rows(build(files))
    lines = ["".join(text for text, _ in line) for line in show(found, 120)]
    assert any(told[0] in line and told[1] in line for line in lines)
    (notes,) = [store for store in found if store.collection == "notes"]
    assert [proposal.code for proposal in notes.recommended] == ([advice] if advice else [])
