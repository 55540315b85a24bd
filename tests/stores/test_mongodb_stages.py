"""What comes too late in a pipeline: no index serves what is asked of documents that are counted, cut or made."""

from __future__ import annotations

import pytest

from auditor.model.data import CollectionFit, Fit, Query
from tests.conftest import Build

_APP = """
from fastapi import FastAPI
from pymongo import MongoClient
app = FastAPI()
db = MongoClient()["shop"]
@app.post("/orders")
def add(owner: str):
    db.orders.insert_one({"owner": owner})
    db.items.insert_one({"order": owner})
@app.get("/orders")
def all_(owner: str, size: int):
    return list(db.orders.aggregate([%s]))
"""
_OWN = '{"$match": {"owner": owner}}'
_NEW = '{"$sort": {"day": -1}}'
_DAY = (("day", -1),)
Told = set[tuple[str, tuple[str, ...], tuple[tuple[str, int], ...]]]


def _told(build: Build, stages: list[str]) -> Told:
    asked = build({"app.py": _APP % ", ".join(stages)}).facts(Query)
    return {(q.collection, q.equality, q.sort) for q in asked if q.reads}


@pytest.mark.parametrize(
    ("stages", "told"),
    [
        ([_OWN, _NEW], {("orders", ("owner",), _DAY)}),
        ([_NEW, _OWN, '{"$limit": 5}'], {("orders", ("owner",), _DAY)}),
        (['{"$limit": 5}', _OWN], {("orders", (), ())}),
        (['{"$skip": 5}', _OWN], {("orders", (), ())}),
        (['{"$sample": {"size": 5}}', _OWN, _NEW], {("orders", (), ())}),
        (['{"$sample": {"size": 5}}', _NEW], {("orders", (), ())}),
        ([_NEW, '{"$skip": size}', '{"$limit": 5}', _OWN], {("orders", (), _DAY)}),
        ([_OWN, '{"$limit": 5}', _NEW], {("orders", ("owner",), ())}),
        ([_OWN, '{"$count": "day"}', '{"$match": {"day": 1}}'], {("orders", ("owner",), ())}),
        (['{"$facet": {"owner": []}}', _OWN], {("orders", (), ())}),
        (['{"$group": {"_id": "$owner"}}', _OWN, _NEW], {("orders", (), ())}),
        (['{"$unwind": "$lines"}', _OWN, '{"$match": {"lines.sku": 1}}'], {("orders", ("owner",), ())}),
        (
            ['{"$limit": 5}', '{"$lookup": {"from": "items", "localField": "_id", "foreignField": "order", "as": "items"}}'],
            {("orders", (), ()), ("items", ("order",), ())},
        ),
        (
            [_OWN, '{"$unionWith": {"coll": "items", "pipeline": [{"$match": {"order": owner}}]}}', '{"$match": {"day": 1}}'],
            {("orders", ("owner",), ()), ("items", ("order",), ())},
        ),
        ([_OWN, '{"$unionWith": "items"}', _NEW], {("orders", ("owner",), ())}),
    ],
)  # fmt: skip
def test_the_stages_that_an_index_serves(build: Build, stages: list[str], told: Told) -> None:
    assert _told(build, stages) == told


def test_a_match_that_comes_after_a_limit_asks_for_no_index(build: Build) -> None:
    found = build({"app.py": _APP % f'{{"$limit": 5}}, {_OWN}'}).facts(CollectionFit)
    (orders,) = [fit for fit in found if fit.name == "orders"]
    assert [m.fit for q, m in orders.fits if q.reads] == [Fit.COVERED]
