"""Views of Flask that no request reaches: an equal rule was added before, or the rule passes what the view does not take."""

from __future__ import annotations

import pytest

from auditor.model.data import CollectionFit, Fit
from tests.conftest import Build

_TOWN = """
from flask import Blueprint, Flask, request
from flask_login import login_required
from pymongo import MongoClient
app, shops = Flask(__name__), Blueprint("shops", __name__)
db = MongoClient()["town"]
def known(view):
    return lambda **given: view(**given, user=1)
@app.route("/add", methods=["POST"])
def add():
    db.shops.insert_one({{"city": request.form["city"]}})
    return ""
{views}
app.register_blueprint(shops{prefix})
"""
_ASKS = "    return list(db.shops.find({'city': request.args['city']}))\n"
_FIRST = "@app.route('/shops/<int:one>')\ndef first(one):\n    return ''\n"


def _fit(build: Build, views: str, prefix: str = "") -> Fit:
    found = build({"app.py": _TOWN.format(views=views, prefix=prefix)}).facts(CollectionFit)
    (fit,) = {match.fit for each in found for query, match in each.fits if query.equality}
    return fit


@pytest.mark.parametrize(
    ("first", "rule", "fit"),
    [
        (_FIRST, "@app.route('/shops/<int:one>')", Fit.COVERED),
        (_FIRST, "@app.route('/shops/<int:other>', methods=['GET'])", Fit.COVERED),
        (_FIRST, "@app.route('/shops/<one>')", Fit.MISSING),
        (_FIRST, "@app.route('/shops/<int:one>/')", Fit.MISSING),
        (_FIRST, "@app.route('/shops/<int:one>', methods=['GET', 'POST'])", Fit.MISSING),
        (_FIRST, "@app.route('/shops/<int:one>', subdomain='x')", Fit.MISSING),
        (_FIRST, "@app.route('/all/<int:one>')\n@app.route('/shops/<int:one>')", Fit.MISSING),
        ("if app.debug:\n    " + _FIRST.replace("\n", "\n    "), "@app.route('/shops/<int:one>')", Fit.MISSING),
    ],
)  # fmt: skip
def test_the_first_of_equal_rules_answers(build: Build, first: str, rule: str, fit: Fit) -> None:
    name = "other" if "other" in rule else "one"
    assert _fit(build, f"{first}\n{rule}\ndef second({name}):\n{_ASKS}") is fit


@pytest.mark.parametrize(
    ("view", "prefix", "fit"),
    [
        ("@app.route('/near')\ndef near(shop):", "", Fit.COVERED),
        ("@login_required\n@app.route('/near')\n@login_required\ndef near(shop):", "", Fit.COVERED),
        ("@app.get('/near/<int:shop>')\ndef near():", "", Fit.COVERED),
        ("@app.route('/near')\n@app.route('/near/<shop>')\ndef near(shop):", "", Fit.MISSING),
        ("@app.route('/near')\ndef near(shop=None):", "", Fit.MISSING),
        ("@app.route('/near/<shop>')\ndef near(**given):", "", Fit.MISSING),
        ("@app.route('/near', defaults={'shop': 1})\ndef near(shop):", "", Fit.MISSING),
        ("@app.route('/near')\n@known\ndef near(user):", "", Fit.MISSING),
        ("@app.route('/near')\ndef near(shop: Shop):", "", Fit.MISSING),
        ("@shops.route('/near')\ndef near(shop):", ", url_prefix='/<shop>'", Fit.MISSING),
        ("@shops.route('/near')\ndef near(shop):", ", url_prefix='/x'", Fit.COVERED),
        ("@shops.route('/near')\ndef near(shop):", ", url_defaults={'shop': 1}", Fit.MISSING),
        ("@shops.route('/near')\ndef near(shop):", ", url_prefix=given()", Fit.MISSING),
        ("@app.route('/near')\ndef near(shop):\n    return ''\ndef far():", "", Fit.COVERED),
        ("@app.route('/far')\ndef far():\n    return near(1)\n@app.route('/near')\ndef near(shop):", "", Fit.MISSING),
    ],
)  # fmt: skip
def test_a_rule_that_passes_what_its_view_does_not_take(
    build: Build, view: str, prefix: str, fit: Fit
) -> None:
    assert _fit(build, f"{view}\n{_ASKS}", prefix) is fit
