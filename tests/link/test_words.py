"""Whatever code calls by a word that means something here, nothing stumbles over it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import auditor
from auditor.link import application as linking
from tests.conftest import Build

_WORD = re.compile(r"""["']([A-Za-z_][A-Za-z0-9_]{2,40})["']""")
_HEAD = """
import peewee, mongoengine, beanie, odmantic, pymongo, motor, umongo, gridfs, flask_pymongo, tortoise, sqlalchemy, sqlmodel, alembic
import django, rest_framework, ninja, fastapi, flask, flask_login, starlette, aiohttp, celery, redis, jwt, requests, httpx, logging
from django.db import models
from flask import Flask
from fastapi import FastAPI, Depends
from peewee import CharField, Model
from mongoengine import Document, StringField
flask_app, app, db, a, b = Flask(__name__), FastAPI(), object(), object(), object()
class Note(Model):
    title = CharField()
class Page(Document):
    title = StringField()
class Item(models.Model):
    title = models.CharField(max_length=9)
"""


def _words() -> list[str]:
    root = Path(auditor.__file__).parent
    found = {w for p in root.rglob("*.py") for w in _WORD.findall(p.read_text("utf-8"))}
    return sorted(w for w in found if w.isidentifier() and not _is_keyword(w))


def _is_keyword(word: str) -> bool:
    import keyword

    return keyword.iskeyword(word) or keyword.issoftkeyword(word)


SHAPES = {
    "functions": "{w}()\n{w}(a)\n{w}(a, 'x', key=b)\n",
    "methods": "a.{w}()\nb.{w}(a, *a, **b)\ndb.{w}.{w}('x')\n",
    "of models": "Note.{w}(a)\nPage.{w}\nItem.objects.{w}(b)\nItem.{w}()\n",
    "in a route": "@app.get('/{w}')\ndef {w}({w}=Depends(a.{w})):\n    return {w}.{w}({w})\n",
    "decorators": "@{w}\n@a.{w}('x')\ndef f_{w}(x):\n    return x.{w}['{w}']\n",
    "classes": "class C_{w}(Model):\n    {w} = CharField({w}=a)\n    def m(self):\n        return self.{w}(self)\n",
    "keys": "a['{w}'] = b.get('{w}')\nc_{w} = {{'{w}': a}}\ndb.notes.find(c_{w}).{w}(c_{w})\n",
}


@pytest.mark.parametrize("shape", SHAPES)
def test_no_word_makes_it_stumble(shape: str, build: Build) -> None:
    words = _words()
    assert len(words) > 2000
    code = _HEAD + "".join(SHAPES[shape].format(w=word) for word in words)
    built = build({"app.py": code})
    linking.load_knowledge()
    for kind in list(linking._PROVIDERS):
        built.facts(kind)
