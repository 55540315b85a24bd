"""Models of Tortoise that are in none of the modules which its configuration names."""

import pytest

from auditor.link.application import Application
from auditor.model.data import CollectionFit, Fit
from tests.conftest import Build

_ANIMAL = """
from tortoise import fields, models
class Animal(models.Model):
    id = fields.IntField(primary_key=True)
    breed = fields.CharField(max_length=9)
"""
_MARK = """
from tortoise import fields, models
class Mark(models.Model):
    id = fields.IntField(primary_key=True)
    value = fields.CharField(max_length=9)
    animal = fields.ForeignKeyField("models.Animal", related_name="marks")
"""
_APP = """
import os
from elsewhere import found, named
from fastapi import FastAPI
from tortoise import Tortoise
from tortoise.contrib.fastapi import register_tortoise
from db.animal import Animal
from db.mark import Mark
app = FastAPI()
@app.post("/marks")
async def add(animal: int, value: str):
    await Animal.create(breed=value)
    return await Mark.create(animal_id=animal, value=value)
@app.get("/marks")
async def read(value: str):
    return await Mark.filter(value=value)
@app.get("/animals")
async def animals(breed: str, value: str):
    return [await Animal.filter(breed=breed), await Animal.filter(marks__value=value)]
"""
_FILES = {"db/__init__.py": "", "db/animal.py": _ANIMAL, "db/mark.py": _MARK}
_CONFIG = 'CONFIG = {"connections": {"default": "sqlite://x"}, "apps": {"models": {"models": %s, "default_connection": "default"}}}\nregister_tortoise(app, config=CONFIG, generate_schemas=True)\n'


def told(application: Application, *fields: str) -> set[Fit]:
    every = (pair for found in application.facts(CollectionFit) for pair in found.fits)
    return {match.fit for query, match in every if query.equality == fields}


@pytest.mark.parametrize(
    "setup",
    [
        _CONFIG % '["db.animal"]',
        _CONFIG % '["db.animal", "aerich.models"]',
        'register_tortoise(app, db_url="sqlite://x", modules={"models": ["db.animal"]})\n',
        '@app.on_event("startup")\nasync def start():\n    await Tortoise.init(db_url="sqlite://x", modules={"models": ["db.animal"]})\n',
        'MODELS = ["db.animal"]\nregister_tortoise(app, db_url="sqlite://x", modules={"models": MODELS})\n',
    ],
)
def test_what_asks_an_unlisted_model_raises(setup: str, build: Build) -> None:
    made = build({**_FILES, "app.py": _APP + setup})
    assert told(made, "value") == {Fit.UNKNOWN}
    assert told(made, "breed") == {Fit.MISSING}


@pytest.mark.parametrize(
    ("setup", "more"),
    [
        (_CONFIG % '["db.animal", "db.mark"]', {}),
        (_CONFIG % '["db.animal", "__main__"]', {}),
        (_CONFIG % '["db.animal", *os.listdir("db")]', {}),
        (_CONFIG % '["db.animal"] + found()', {}),
        (_CONFIG % '["db"]', {"db/__init__.py": "from db.animal import Animal\nfrom db.mark import Mark\n"}),
        (_CONFIG % '["db"]', {"db/__init__.py": "from .animal import *\nfrom .mark import *\n"}),
        (_CONFIG % '["db"]', {"db/__init__.py": "from .animal import Animal as A\nfrom .mark import Mark as M\n"}),
        (_CONFIG % '["db"]', {"db/__init__.py": "from . import animal, mark\n__models__ = [*animal.ALL, *mark.ALL]\n"}),
        (_CONFIG % '["db"]', {"db/__init__.py": "import importlib\nfor n in ('animal', 'mark'):\n    globals().update(vars(importlib.import_module('db.' + n)))\n"}),
        (_CONFIG % '["db.animal"]' + 'CONFIG["apps"]["models"]["models"].append("db.mark")\n', {}),
        ('CONFIG = {"apps": {"models": dict(models=["db.animal", "db.mark"])}}\n' + _CONFIG % '["db.animal"]', {}),
        (_CONFIG % '["db.animal"]' + 'Tortoise.init_models(["db.mark"], "models")\n', {}),
        (_CONFIG % '["db.animal"]' + 'Tortoise.init(config_file="tortoise.json")\n', {}),
        ('register_tortoise(app, db_url="sqlite://x", modules={"models": ["db.animal"], "more": ["db.mark"]})\n', {}),
        ('register_tortoise(app, db_url="sqlite://x", modules=named())\n', {}),
    ],
)  # fmt: skip
def test_a_model_that_a_list_may_name(setup: str, more: dict[str, str], build: Build) -> None:
    assert told(build({**_FILES, **more, "app.py": _APP + setup}), "value") == {Fit.MISSING}


_LISTED = 'CONFIG = {"connections": {"default": "sqlite://x"}, "apps": {"models": {"models": ["db.mark", "db.animal"], "default_connection": "default"}}}\n'
_SET_UP = (
    'register_tortoise(app, config={"apps": {"models": {"models": %s}}}, generate_schemas=True)\n'
)
_INIT = (
    "from tortoise import Tortoise\nfrom settings import CONFIG\nasync def init():\n    await Tortoise.init(config=CONFIG)\n"
    'if __name__ == "__main__":\n    import asyncio\n    asyncio.run(init())\n'
)


@pytest.mark.parametrize(
    ("models", "more", "fit"),
    [
        ('["db"]', {}, Fit.UNKNOWN),
        ('["db.mark", "db.animal"]', {}, Fit.MISSING),
        ('["db"]', {"scripts/init_db.py": _INIT}, Fit.UNKNOWN),
        ('["db"]', {"worker.py": f"{_INIT}    while True:\n        print()\n"}, Fit.MISSING),
        ("named", {}, Fit.MISSING),
    ],
)
def test_what_a_file_lists_for_others_does_not_register_a_model(
    build: Build, models: str, more: dict[str, str], fit: Fit
) -> None:
    aerich = {
        "settings.py": _LISTED,
        "aerich.ini": "[tortoise]\ntortoise_orm = settings.CONFIG\n",
    }
    files = {**_FILES, **aerich, **more, "main.py": _APP + _SET_UP % models}
    assert told(build(files), "value") == {fit}


_AERICH = """
async def upgrade(db) -> str:
    return '''CREATE TABLE "parcel" ("id" INT PRIMARY KEY, "box" INT);
CREATE TABLE "aerich" ("id" INT PRIMARY KEY);'''
"""
_PARCEL = """
from tortoise import fields, models
class Parcel(models.Model):
    id = fields.IntField(primary_key=True)
    box = fields.IntField()
    class Meta:
        table = "parcel"
        indexes = [("box",)]
async def parcels(box):
    return await Parcel.filter(box=box)
"""
_MADE = """
from tortoise import fields, migrations
from tortoise.migrations import operations as ops
class Migration(migrations.Migration):
    operations = [ops.CreateModel(name="{}", fields=[("id", fields.IntField(primary_key=True))], options={{"table": "parcel"}})]
"""


@pytest.mark.parametrize(
    ("migration", "fit"),
    [
        (_MADE.format("Parcel"), Fit.COVERED),
        (_MADE.format("Other")[:-2] + ', ops.RunSQL("CREATE INDEX b ON parcel (box)")]', Fit.COVERED),
        (_MADE.format("Other"), Fit.MISSING),  # what Aerich's migrations tell of this table still counts
        ("", Fit.MISSING),
    ],
)  # fmt: skip
def test_tortoises_own_migrations_are_not_those_of_django(
    migration: str, fit: Fit, build: Build
) -> None:
    files = {
        "shop/models.py": _PARCEL,
        "migrations/models/0_2025_init.py": _AERICH,
        "shop/migrations/0001_initial.py": migration,
    }
    made = build(files)
    assert not any(found.name.startswith("shop_") for found in made.facts(CollectionFit))
    assert told(made, "box") == {fit}
