"""Stored classes that an object keeps, asked by nothing but `get` and `get_or_none`: no word of the function speaks of
a model, and whole repositories were left out."""

import pytest

from auditor.model.data import CollectionFit, Fit
from tests.conftest import Build

_MODELS = {
    "tortoise": "from tortoise import fields, models\nclass Parcel(models.Model):\n    code = fields.CharField(max_length=20)\nclass User(models.Model):\n    name = fields.CharField(max_length=20)\n",
    "peewee": "from peewee import CharField, Model\nclass Parcel(Model):\n    code = CharField()\nclass User(Model):\n    name = CharField()\n",
}
_KEEPS = "from models import Parcel\nclass Repository:\n    def __init__(self):\n        self.{name} = Parcel\n    async def one(self, code):\n        return {asked}\n"
_HANDED = "from models import Parcel\nclass Base:\n    def __init__(self, model):\n        self.{name} = model\n    async def one(self, code):\n        return {asked}\nclass Repository(Base):\n    def __init__(self):\n        super().__init__(Parcel)\n"
_DECLARES = "from models import Parcel\nclass Repository:\n    {name} = Parcel\n    async def one(self, code):\n        return {asked}\n"
_APP = """
from fastapi import FastAPI
from repository import Repository
app = FastAPI()
class Service:
    def __init__(self):
        self.repository = Repository()
    async def one(self, code):
        return await self.repository.one(code)
@app.get("/plans/{code}")
async def plan(code: str):
    return await Service().one(code)
"""


@pytest.mark.parametrize("name", ["_model", "model", "kind", "_plans"])
@pytest.mark.parametrize("repository", [_KEEPS, _HANDED, _DECLARES])
@pytest.mark.parametrize(
    ("mapper", "asked"),
    [
        ("tortoise", "await self.{name}.get(code=code)"),
        ("tortoise", "await self.{name}.get_or_none(code=code)"),
        ("peewee", "self.{name}.get_or_none(self.{name}.code == code)"),
        ("peewee", "self.{name}.get(self.{name}.code == code)"),
    ],
)
def test_a_repository_that_only_gets(
    mapper: str, asked: str, repository: str, name: str, build: Build
) -> None:
    if repository is _HANDED and "model" not in name:
        pytest.skip("told by the names that repositories keep their model by")
    code = repository.format(name=name, asked=asked.format(name=name))
    found = build({"models.py": _MODELS[mapper], "repository.py": code, "app.py": _APP})
    told = [(f.name, q.equality, m.fit) for f in found.facts(CollectionFit) for q, m in f.fits]
    assert told == [("parcel", ("code",), Fit.MISSING)]


@pytest.mark.parametrize(
    "asked",
    [
        "self.repository._model.get_or_none(code=code)",
        "self.repository._model.filter(code=code).first()",
        "Repository()._model.get(code=code)",
    ],
)
@pytest.mark.parametrize(
    "made",
    [
        "def __init__(self):\n        self.repository = Repository()",
        "def __init__(self, repository: Repository):\n        self.repository = repository",
    ],
)
def test_the_model_that_another_object_keeps(asked: str, made: str, build: Build) -> None:
    app = _APP.replace("def __init__(self):\n        self.repository = Repository()", made)
    app = app.replace("Service()", "Service(Repository())" if ", repository:" in made else "Service()")  # fmt: skip
    app = app.replace("self.repository.one(code)", asked)
    code = _KEEPS.format(name="_model", asked="1")
    found = build({"models.py": _MODELS["tortoise"], "repository.py": code, "app.py": app})
    told = [(f.name, q.equality, m.fit) for f in found.facts(CollectionFit) for q, m in f.fits]
    assert told == [("parcel", ("code",), Fit.MISSING)]
