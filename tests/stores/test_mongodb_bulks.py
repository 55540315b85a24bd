"""Operations that are written in bulk, wherever they are made."""

from __future__ import annotations

import pytest

from auditor.model.data import CollectionFit, Query
from tests.conftest import Build

_HEAD = """
from flask import Flask, request
from pymongo import DeleteOne, InsertOne, MongoClient, UpdateOne
app = Flask(__name__)
db = MongoClient()["plant"]
def change(sensor, value):
    return UpdateOne({"sensor": sensor}, {"$set": {"value": value}}, upsert=True)
def removal(sensor):
    if sensor:
        return DeleteOne({"sensor": sensor, "old": True})
    return other.operation()
@app.post("/readings")
def store():
    data = request.get_json()
"""


@pytest.mark.parametrize(
    ("steps", "told"),
    [
        (
            ["todo = []", "for sensor, value in data.items(): todo.append(change(sensor, value))", "db.readings.bulk_write(todo)"],
            {("update_one", ("sensor",), "")},
        ),
        (["db.readings.bulk_write([change(s, 1) for s in data])"], {("update_one", ("sensor",), "")}),
        (["one = UpdateOne({'place': data['x']}, {})", "db.readings.bulk_write([one])"], {("update_one", ("place",), "")}),
        (["db.readings.bulk_write([removal(s) for s in data])"], {("delete_one", ("sensor", "old"), "")}),
        (["db.readings.bulk_write([InsertOne({'sensor': s}) for s in data])"], {("insert_one", (), "")}),
        (["db.readings.bulk_write(data['todo'])"], {("bulk_write", (), "its operations are built at run time")}),
        (["db.readings.bulk_write([make(s) for s in data])"], {("bulk_write", (), "its operations are built at run time")}),
    ],
)  # fmt: skip
def test_the_operations_of_a_bulk(
    build: Build, steps: list[str], told: set[tuple[str, tuple[str, ...], str]]
) -> None:
    found = build({"app.py": _HEAD + "".join(f"    {x}\n" for x in steps)}).facts(Query)
    assert {(q.operation, q.equality, q.unresolved) for q in found} == told


@pytest.mark.parametrize(
    ("bulk", "expected"),
    [
        ("[InsertOne({'name': x, 'town': x}) for x in data]", "missing"),
        ("[UpdateOne({'_id': x}, {'$set': {'town': x}}, upsert=True) for x in data]", "missing"),
        ("[UpdateOne({'_id': x}, {'$set': {'town': x}}) for x in data]", "unknown"),  # adds nothing
    ],
)  # fmt: skip
def test_a_bulk_may_add(build: Build, bulk: str, expected: str) -> None:
    code = f"""
from flask import Flask, request
from pymongo import InsertOne, MongoClient, UpdateOne
app = Flask(__name__)
db = MongoClient()["plant"]
@app.post("/places")
def add():
    data = request.get_json()
    db.places.bulk_write({bulk})
    db.logs.insert_one({{"n": len(data)}})
    db.notes.insert_one({{"n": len(data)}})
@app.get("/places")
def show():
    db.logs.find_one({{"n": 3}})
    db.notes.find_one({{"n": 3}})
    return db.places.find_one({{"kind": request.args["kind"]}})
"""
    (places,) = [x for x in build({"app.py": code}).facts(CollectionFit) if x.name == "places"]
    assert [m.fit.value for q, m in places.fits if "kind" in q.equality] == [expected]
