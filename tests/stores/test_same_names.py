"""Functions of the same name: which one the code means where it says it, and what might still be another."""

from __future__ import annotations

import pytest

from auditor.model.data import CollectionFit, Fit
from tests.conftest import Build

MODELS = """
from flask_sqlalchemy import SQLAlchemy
db = SQLAlchemy()
class Offer(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    number = db.Column(db.Integer)
"""
OLD = "from models import Offer\ndef solve(n):\n    return Offer.query.filter_by(number=n).first()\ndef other():\n    return 1\n"
NEW = "def solve(n):\n    return n\n"
ROUTE = "from flask import Flask\napp = Flask(__name__)\n{}\n@app.route('/a')\ndef a():\n    return {}\n"


def is_called(build: Build, files: dict[str, str]) -> bool:
    application = build({"models.py": MODELS, "old.py": OLD, "new.py": NEW, **files})
    told = {
        match.why
        for found in application.facts(CollectionFit)
        for query, match in found.fits
        if query.equality == ("number",)
    }
    (why,) = told
    return "nothing that runs calls solve" not in why


def route(imports: str, call: str = "str(solve(1))") -> dict[str, str]:
    return {"app.py": ROUTE.format(imports, call)}


@pytest.mark.parametrize(
    "files",
    [
        route("from new import solve\nfrom old import other"),
        route("from new import solve as find\nimport old", "find(1)"),
        route("import new, old", "new.solve(1)"),
        route("from old import other\nimport new as old", "old.solve(1)"),
        route("def solve(n):\n    return n\nimport old"),
        route("from api import solve\nimport old") | {"api/__init__.py": "from .fast import solve\n", "api/fast.py": NEW},
        route("from models import *\nfrom new import solve\nimport old"),
    ],
)  # fmt: skip
def test_a_name_that_means_another_function_does_not_call_this_one(
    build: Build, files: dict[str, str]
) -> None:
    assert not is_called(build, files)


@pytest.mark.parametrize(
    "files",
    [
        route("from old import solve"),
        route("from new import solve\nfrom old import solve"),
        route("try:\n    from new import solve\nexcept ImportError:\n    from old import solve"),
        route("try:\n    import old as found\nexcept ImportError:\n    import new as found", "found.solve(1)"),
        route("from either import solve") | {"either.py": "import os\nif os.environ.get('X'):\n    from old import solve\nelse:\n    from new import solve\n"},
        route("from either import solve") | {"either.py": "from new import solve\nfrom old import *\n"},
        route("from new import solve\nfrom old import *"),
        route("from nowhere import solve\nimport old"),
        route("from new import solve as s\nfrom old import solve as o", "o(s(1))"),
        route("import new, old\nnew.solve = old.solve"),
        route("from new import solve\nimport old\nSOLVE = getattr(old, 'solve')"),
        # two programs of a tree with a module of the same name: whose it is, their paths tell
        route("from solver import solve", "solve(1)") | {"old.py": "", "solver.py": NEW, "late/solver.py": OLD},
    ],
)  # fmt: skip
def test_what_may_mean_it_calls_it(build: Build, files: dict[str, str]) -> None:
    assert is_called(build, files)


_METHOD = "from models import Offer\nclass Offers:\n    def solve(self, n):\n        return Offer.query.filter_by(number=n).first()\n{}\noffers = Offers()\n"


@pytest.mark.parametrize(
    ("more", "call", "called"),
    [
        ("", "old.solve(1)", False),  # the module has no such function
        ("", "old.offers.solve(1)", True),
        ("solve = Offers().solve", "old.solve(1)", True),
        ("def __getattr__(name):\n    return getattr(offers, name)", "old.solve(1)", True),
        ("from elsewhere import *", "old.solve(1)", False),  # it is of elsewhere
        ("", "str(old)", False),
    ],
)
def test_a_method_that_is_asked_of_the_module_around_its_class(
    more: str, call: str, called: bool, build: Build
) -> None:
    files = route("import old", call) | {"old.py": _METHOD.format(more)}
    assert is_called(build, files) is called


@pytest.mark.parametrize(("second", "asked"), [("/a", 1), ("/b", 2)])
def test_routes_whose_functions_are_called_alike(second: str, asked: int, build: Build) -> None:
    """The first of two that serve one path is asked; of two paths, both."""
    solve = "def solve(n: int):\n    return Offer.query.filter_by(number=n).first()\n"
    code = f"from fastapi import APIRouter, FastAPI\nfrom models import Offer\napp = FastAPI()\nrouter = APIRouter()\n@router.get('/a')\n{solve}@router.get('{second}')\n{solve}app.include_router(router)\n"
    found = build({"models.py": MODELS, "app.py": code}).facts(CollectionFit)
    fits = [x for f in found for x in f.fits if x[0].equality]
    told = sorted((q.place.line, m.fit is Fit.MISSING) for q, m in fits)
    assert [answer for _, answer in told] == [True, asked == 2]


_SIBLINGS = """
from abc import ABC, abstractmethod
from dataclasses import dataclass
from flask import Flask
from models import Offer
app = Flask(__name__)
class Service({root}):
    @abstractmethod
    def solve(self, n): ...
class Offers(Service):
    def solve(self, n):
        return Offer.query.filter_by(number=n).first()
class Carts(Service):
    def solve(self, n):
        return n
{more}
SERVICES = [Carts, Offers]
@dataclass
class Case:
    service: {kind}
    def run(self, n):
        return self.service.solve(n)
@app.route("/a")
def a():
    return str(Case(Carts()).run(1))
"""


@pytest.mark.parametrize(
    ("root", "kind", "more", "called"),
    [
        ("ABC", "Carts", "", False),
        ("ABC", "Offers", "", True),
        ("ABC", "Service", "", True),
        ("ABC", "Carts", "class Both(Carts, Offers):\n    pass", True),
        ("ABC", "Cheap", "class Cheap(Offers):\n    pass", True),
        ("Protocol", "Carts", "from typing import Protocol", True),
    ],
)
def test_a_method_of_a_sibling_is_not_called_where_the_object_is_of_another_class(
    root: str, kind: str, more: str, called: bool, build: Build
) -> None:
    code = _SIBLINGS.format(root=root, kind=kind, more=more)
    assert is_called(build, {"app.py": code, "old.py": ""}) is called
