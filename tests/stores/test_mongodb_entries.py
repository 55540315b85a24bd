"""Filters that stand in a dict of the code: under a key, or one of them."""

from __future__ import annotations

import pytest

from auditor.model.data import Query
from tests.conftest import Build

_APP = """
from fastapi import FastAPI
from pymongo import MongoClient
app = FastAPI()
leads = MongoClient()["shop"].leads
TABS = {"new": {"state": "new"}, "mine": {"owner": 1}}
@app.get("/leads")
def all_(author: str, tab: str, options: dict, untold: dict):
%s
"""
_IN_STEPS = "asked = {}\nasked['author'] = author\noptions = {}\nif asked:\n    options = {'filter': asked}\n"
_MAYBE = "options = {}\nif author:\n    options['filter'] = {'author': author}\n"


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("return list(leads.find(TABS['new']))", {("state",)}),
        ("return list(leads.find(TABS.get('new')))", {("state",)}),
        ("return list(leads.find(TABS[tab]))", {("state",), ("owner",)}),
        ("return list(leads.find(TABS.get(tab, {})))", {("state",), ("owner",), ()}),
        ("return list(leads.find(TABS.get('old', {'author': tab})))", {("author",)}),
        ("return list(leads.find({'author': author, **TABS['mine']}))", {("author", "owner")}),
        (
            "asked = {'author': author}\nif tab:\n    asked.update(TABS.get(tab))\nreturn list(leads.find(asked))",
            {("author",), ("author", "state"), ("author", "owner")},
        ),
        ("options = {'filter': {'author': author}}\nreturn list(leads.find(options['filter']))", {("author",)}),
        ("options = {'filter': {'author': author}}\nreturn list(leads.find(**options))", {("author",)}),
        ("return list(leads.find(**{'filter': {'author': author}, 'limit': 5}))", {("author",)}),
        ("return list(leads.find(**{'limit': 5}))", {()}),
        (_IN_STEPS + "return list(leads.find(options['filter']))", {("author",)}),
        ("options = {'query': {'author': author}, 'upsert': True}\nreturn leads.find_and_modify(**options)", {("author",)}),
        (_IN_STEPS + "return list(leads.find(**options))", {("author",), ()}),
        (_MAYBE + "return list(leads.find(options['filter']))", {("author",)}),
        (_MAYBE + "return list(leads.find(**options))", {("author",), ()}),
        (_MAYBE + "return list(leads.find(options.get('filter', {})))", {("author",), ()}),
        ("return list(leads.find(options['filter']))", None),
        ("return list(leads.find(options.get('filter', {})))", None),
        ("return list(leads.find(**options))", None),
        ("options = {**untold}\nreturn list(leads.find(**options))", None),
        ("options = {tab: {'author': author}}\nreturn list(leads.find(**options))", None),
    ],
)  # fmt: skip
def test_a_filter_in_a_dict(build: Build, body: str, told: set[tuple[str, ...]] | None) -> None:
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    asked = build({"app.py": _APP % lines}).facts(Query)
    assert {bool(q.unresolved) for q in asked} == {told is None}
    assert told is None or {q.equality for q in asked} == told


def test_an_order_in_a_dict_that_a_call_spreads(build: Build) -> None:
    body = "    options = {'filter': {'author': author}, 'sort': [('made', -1)]}\n    return list(leads.find(**options))"
    (asked,) = build({"app.py": _APP % body}).facts(Query)
    assert (asked.equality, asked.sort) == (("author",), (("made", -1),))
