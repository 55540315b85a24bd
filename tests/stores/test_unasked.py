"""What a class asks that others inherit from is told for those that something speaks of."""

from __future__ import annotations

import pytest

from auditor.model.data import Query
from tests.conftest import Build

_STORE = """
from pymongo import MongoClient
db = MongoClient()["shop"]

class Store:
    fields = ["_id"]
    def __init__(self, document):
        self.document = document
    @classmethod
    def by_code(cls, code):
        return cls(cls._one(code))
    @classmethod
    def _one(cls, code):
        return cls._any(code)
    @classmethod
    def _any(cls, code):
        return db[cls.__name__].find_one({"code": code})
    @classmethod
    def add(cls, document):
        cls._add(document)
    @classmethod
    def _add(cls, document):
        cls._insert(document)
    @classmethod
    def _insert(cls, document):
        db[cls.__name__].insert_one(document)
"""
_ITEM = "from store import Store\nclass Item(Store):\n    fields = Store.fields + ['code']\n"
_NOTE = "from store import Store\nclass Note(Store):\n    pass\n"
_APP = """
from flask import Flask
from item import Item
app = Flask(__name__)
@app.get("/items/<code>")
def item(code):
    {extra}
    Item.add({{"code": code}})
    return Item.by_code(code).document
"""


def _asked(build: Build, extra: str = "pass", **files: str) -> set[str]:
    tree = {"store.py": _STORE, "item.py": _ITEM, "note.py": _NOTE, "app.py": _APP.format(extra=extra)}  # fmt: skip
    found = build(tree | {f"{name}.py": text for name, text in files.items()}).facts(Query)
    assert {q.collection for q in found if q.operation == "insert_one"} == {
        q.collection for q in found if q.operation == "find_one"
    }
    return {q.collection for q in found}


def test_classes_that_nothing_speaks_of_are_asked_nothing(build: Build) -> None:
    assert _asked(build) == {"Item"}
    assert _asked(build, old="from note import Note\ndef old(code):\n    return Note.by_code(code)\n") == {"Item"}  # fmt: skip


@pytest.mark.parametrize(
    ("extra", "files", "also"),
    [
        ("from note import Note; Note.by_code(code)", {}, {"Note"}),
        ("import note; note.Note.by_code(code)", {}, {"Note"}),
        ("from note import Note as Kind; Kind.by_code(code)", {}, {"Note"}),
        ("import note; getattr(note, code).by_code(code)", {}, {"Note", "Store"}),
        ("load('Note')", {}, {"Note"}),
        ("from store import Store; Store.__subclasses__()", {}, {"Note", "Store"}),
        ("from store import Store; Store.by_code(code)", {}, {"Store"}),
        ("", {"note": "from kept import known\nfrom store import Store\n@known\nclass Note(Store):\n    pass\n"}, {"Note"}),
        ("", {"note": "from store import Store\nfrom kit import Part\nclass Note(Store, Part):\n    pass\n"}, {"Note", "Store"}),
        ("", {"item": _ITEM + "    store = Store({})\n"}, {"Store"}),
    ],
)  # fmt: skip
def test_classes_that_something_may_ask_are_asked(
    extra: str, files: dict[str, str], also: set[str], build: Build
) -> None:
    assert _asked(build, extra or "pass", **files) == {"Item"} | also
