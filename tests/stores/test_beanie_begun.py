"""Documents of Beanie that no `init_beanie` is given raise before they ask."""

from __future__ import annotations

import pytest

from auditor.model.data import Query
from tests.conftest import Build

_MODELS = """
from beanie import Document
class Shop(Document):
    name: str
class Branch(Document):
    shop: str
class Stall(Branch):
    row: int
"""
_MAIN = """
from beanie import init_beanie
from fastapi import FastAPI
from models import Branch, Shop, Stall
app = FastAPI()
{begin}
@app.get("/branches/{{shop}}")
async def branch(shop: str):
    return await {kind}.find_one({{"shop": shop}})
"""
_BEGIN = "async def begin(db, *more):\n    await init_beanie(database=db, document_models={})"


def _why(begin: str, kind: str, build: Build) -> str:
    app = build({"models.py": _MODELS, "main.py": _MAIN.format(begin=begin, kind=kind)})
    (query,) = app.facts(Query)
    return query.unresolved


@pytest.mark.parametrize(
    "begin",
    [
        _BEGIN.format("[Shop]"),
        _BEGIN.format("KINDS") + "\nKINDS = [Shop]",
        _BEGIN.format("[Shop, *more]") + "\nasync def start(db):\n    await begin(db)",
    ],
)
def test_what_is_left_out_raises(begin: str, build: Build) -> None:
    assert "raises before it asks" in _why(begin, "Branch", build)


@pytest.mark.parametrize(
    ("begin", "kind"),
    [
        ("", "Branch"),
        (_BEGIN.format("[Shop, Branch]"), "Branch"),
        (_BEGIN.format("[Shop, Stall]"), "Branch"),  # what is above is begun with it
        (_BEGIN.format("[Shop, Branch]"), "Stall"),  # what is below has the settings
        (_BEGIN.format("[Shop, *more]"), "Branch"),
        (_BEGIN.format("[Shop, *more]") + "\nasync def start(db):\n    await begin(db, Branch)", "Branch"),
        (_BEGIN.format("[Shop, 'models.Branch']"), "Branch"),
        (_BEGIN.format("KINDS") + "\nKINDS = [Shop]\nKINDS.append(Branch)", "Branch"),
        (_BEGIN.format("[Shop]") + "\nOTHERS = [Branch]", "Branch"),
        (_BEGIN.format("Branch.__subclasses__()"), "Branch"),
        (_BEGIN.format("[Shop]") + "\nasync def again(db, kinds):\n    await init_beanie(database=db, document_models=kinds)", "Branch"),
    ],
)  # fmt: skip
def test_what_may_be_begun_asks(begin: str, kind: str, build: Build) -> None:
    assert _why(begin, kind, build) == ""
