"""What a document of MongoEngine that is at hand asks by its key, whatever found it."""

from __future__ import annotations

import pytest

from auditor.model.data import Query
from tests.conftest import Build

_FARM = """
import mongoengine as me
from flask import Flask, request
app = Flask(__name__)
class Farmer(me.Document):
    login = me.StringField()
    notes = me.ListField(me.StringField())
    def modified(self, **given):
        return given
def found(login):
    farmer = Farmer.objects(login=login)[0]
    return farmer
def gotten(login):
    return Farmer.objects.get(login=login)
def all_of(login):
    return Farmer.objects(login=login)
@app.put("/farmers/<login>")
def put(login):
    {body}
"""


@pytest.mark.parametrize(
    ("body", "operation"),
    [
        ("Farmer.objects.get(login=login).modify(**request.json)", "find_one_and_update"),
        ("farmer = Farmer.objects.get(login=login)\nfarmer.modify(login='x')", "find_one_and_update"),
        ("farmer = Farmer.objects(login=login)[0]\nfarmer.update(push__notes='x')", "update_one"),
        ("farmer = found(login)\nfarmer.update(push__notes='x')", "update_one"),
        ("farmer = gotten(login)\nfarmer.reload()", "find_one"),
        ("found(login).modify(set__login='x')", "find_one_and_update"),
        # no document, or nothing is asked
        ("farmers = all_of(login)[:3]\nfarmers.reload()", ""),
        ("farmer = found(login)\nfarmer.modify()", ""),
        ("farmer = found(login)\nfarmer.modified(login='x')", ""),
        ("farmer = {'login': login}\nfarmer.update(push__notes='x')", ""),
    ],
)  # fmt: skip
def test_what_a_document_asks_by_its_key(body: str, operation: str, build: Build) -> None:
    found = build({"app.py": _FARM.format(body=body.replace("\n", "\n    "))}).facts(Query)
    asked = {q.operation for q in found if q.equality == ("_id",)}
    assert asked == ({operation} if operation else set())
