"""Lookup tables that only the code's own lists fill, and near misses that grow."""

from __future__ import annotations

import pytest

from auditor.model.data import CollectionFit, Fit
from tests.conftest import Build

MODELS = """
from django.db import models
class Percentile(models.Model):
    sex = models.CharField(max_length=9)
    class Meta:
        app_label = "core"
"""
FILLING = """
from django.db import migrations, models
def fill(apps, editor):
    Percentile = apps.get_model("core", "Percentile")
    Percentile.objects.bulk_create([Percentile(sex=sex) for sex in ("girl", "boy", "all")])
class Migration(migrations.Migration):
    operations = [
        migrations.CreateModel("Percentile", [("id", models.AutoField(primary_key=True)), ("sex", models.CharField(max_length=9))]),
        migrations.RunPython(fill),
    ]
"""
READING = "from core.models import Percentile\ndef curve(sex):\n    return list(Percentile.objects.filter(sex=sex))\nSHOWN = [curve]\n"


@pytest.mark.parametrize(
    ("added", "filling", "fit"),
    [
        ("", FILLING, Fit.COVERED),
        ("", FILLING.replace(".bulk_create", ".filter"), Fit.MISSING),
        ("def add(sex):\n    Percentile.objects.create(sex=sex)\n", FILLING, Fit.MISSING),
        ("def add(sex):\n    Percentile(sex=sex).save()\n", FILLING, Fit.MISSING),
        ("class Form:\n    class Meta:\n        model = Percentile\n", FILLING, Fit.MISSING),
        ("AUTH_USER_MODEL = 'core.Percentile'\n", FILLING, Fit.MISSING),
    ],
)
def test_a_table_that_a_migration_fills_and_nothing_adds_to_needs_no_index(
    build: Build, added: str, filling: str, fit: Fit
) -> None:
    application = build(
        {
            "core/__init__.py": "",
            "core/models.py": MODELS,
            "core/migrations/__init__.py": "",
            "core/migrations/0001_initial.py": filling,
            "core/views.py": READING + added,
        }
    )
    (found,) = [c for c in application.facts(CollectionFit) if c.name == "core_percentile"]
    assert [match.fit for query, match in found.fits if "sex" in query.equality] == [fit]


MONGO = """
import os
from fastapi import FastAPI
from motor.motor_asyncio import AsyncIOMotorClient
db = AsyncIOMotorClient(os.environ["MONGO_URL"]).shop
app = FastAPI()
PARTS = [{"code": "a", "label": "A"}, {"code": "b", "label": "B"}]
@app.on_event("startup")
async def fill():
    if await db.parts.count_documents({}) == 0:
        await db.parts.insert_many(PARTS)
@app.get("/parts/{code}")
async def kind(code: str):
    return await db.parts.find_one({"code": code})
"""


@pytest.mark.parametrize(
    ("added", "fit"),
    [
        ("", Fit.COVERED),
        ("    await db.parts.update_one({'_id': 1}, {'$set': {'label': code}})\n", Fit.COVERED),
        ("    await db.parts.insert_one({'code': code})\n", Fit.MISSING),
        ("    await db.parts.insert_many(json.loads(code))\n", Fit.MISSING),
        ("    await db.parts.update_one({'_id': 1}, {'$set': {'n': 1}}, upsert=True)\n", Fit.MISSING),
        ("    await db[code].insert_one({'code': code})\n", Fit.MISSING),
    ],
)  # fmt: skip
def test_a_collection_that_a_list_of_the_code_fills_needs_no_index(
    build: Build, added: str, fit: Fit
) -> None:
    code = MONGO + (f"@app.post('/parts')\nasync def add(code: str):\n{added}" if added else "")
    found = build({"app.py": code}).facts(CollectionFit)
    (parts,) = [c for c in found if c.name == "parts"]
    assert [match.fit for query, match in parts.fits if "code" in query.equality] == [fit]


def test_what_django_fills_by_itself_stays_small(build: Build) -> None:
    source = """
from django.contrib.contenttypes.models import ContentType
from django.db import models
class Note(models.Model):
    kind = models.CharField(max_length=9)
def of(name):
    return ContentType.objects.get(model=name), list(Note.objects.filter(kind=name))
"""
    fits = {f.name: f.fits[0][1].fit for f in build({"a/models.py": source}).facts(CollectionFit)}
    assert fits == {"django_content_type": Fit.COVERED, "a_note": Fit.MISSING}


_KEPT = (
    "from pymongo import MongoClient\ndb = MongoClient()['app']\n"
    "def get():\n    return db.boards.find_one({'type': 'club'})\n"
    "def put(given):\n    db.boards.update_one({'type': 'club'}, {'$set': given}, upsert=True)\n"
)


@pytest.mark.parametrize(
    ("added", "fit"),
    [
        ("", Fit.COVERED),
        ("def least(n):\n    return db.boards.find_one({'type': 'club', 'members': {'$gt': n}})\n", Fit.COVERED),
        ("def by(owner):\n    return db.boards.find_one({'owner': owner})\n", Fit.COVERED),
        ("def one(kind):\n    return db.boards.find_one({'type': kind})\n", Fit.MISSING),
        ("def put_in(town, given):\n    db.boards.update_one({'type': 'club', 'town': town}, {'$set': given}, upsert=True)\n", Fit.MISSING),
        ("def put_by(owner, given):\n    db.boards.update_one({'owner': owner}, {'$set': given}, upsert=True)\n", Fit.MISSING),
        ("def by(owner, town):\n    return db.boards.find_one({'owner': owner}), db.boards.find_one({'town': town})\n", Fit.MISSING),
        ("def add(given):\n    db.boards.insert_one(given)\n", Fit.MISSING),
        ("def add(name, given):\n    db[name].insert_one(given)\n", Fit.MISSING),
    ],
)  # fmt: skip
def test_a_collection_with_a_document_for_each_name_needs_no_index(
    build: Build, added: str, fit: Fit
) -> None:
    found = build({"app.py": _KEPT + added}).facts(CollectionFit)
    told = [m.fit for f in found if f.name == "boards" for q, m in f.fits if q.equality]
    assert set(told) == {fit}


_RIBBONS = {
    "models.py": "from flask_sqlalchemy import SQLAlchemy\ndb = SQLAlchemy()\nclass Ribbon(db.Model):\n    id = db.Column(db.Integer, primary_key=True)\n    name = db.Column(db.String)\n",
    "app.py": "from flask import Flask\nfrom models import db, Ribbon\napp = Flask(__name__)\n@app.route('/r/<name>')\ndef one(name):\n    return db.session.query(Ribbon).filter(Ribbon.name == name).first()\n",
    "seed_ribbons.py": "from models import db, Ribbon\nif __name__ == '__main__':\n    for name in ('admin', 'editor', 'reader'):\n        db.session.add(Ribbon(name=name))\n",
}


_ROWS = "ROWS = [['admin', 1], ['editor', 2]]\n"
_SET_LATER = (
    "from app import app\nfrom models import db, Ribbon\nfrom rows import ROWS\n@app.cli.command('fill')\ndef fill_ribbons():\n"
    "    for row in {}:\n        r = Ribbon()\n        r.name = {}\n        {}\n        db.session.add(r)\n        db.session.commit()\n"
)


@pytest.mark.parametrize(
    ("added", "fit"),
    [
        ({}, Fit.COVERED),
        ({"seed_ribbons.py": "from models import db, Ribbon\nimport csv\nfor row in csv.reader(open('x')):\n    db.session.add(Ribbon(name=row[0]))\n"}, Fit.MISSING),
        ({"seed_ribbons.py": ""}, Fit.MISSING),  # another program fills it
        ({"seed_ribbons.py": "RIBBONS = [('admin',), ('reader',)]\ndef upsert(cursor, table, row): ...\ndef main(cursor):\n    for (name,) in RIBBONS:\n        upsert(cursor, 'ribbon', {'name': name})\nif __name__ == '__main__':\n    main(None)\n"}, Fit.COVERED),
        ({"seed_ribbons.py": "import csv\ndef upsert(cursor, table, row): ...\ndef main(cursor):\n    for row in csv.reader(open('x')):\n        upsert(cursor, 'ribbon', row)\nif __name__ == '__main__':\n    main(None)\n"}, Fit.MISSING),
        ({"seed_ribbons.py": "from models import db, Ribbon\nRIBBONS = {'admin': 1, 'reader': 2}\ndef seed():\n    for name in RIBBONS:\n        db.session.add(Ribbon(name=name))\nif __name__ == '__main__':\n    seed()\n"}, Fit.COVERED),
        ({"seed_ribbons.py": "from models import db, Ribbon\ndef seed(names):\n    for name in names:\n        db.session.add(Ribbon(name=name))\nif __name__ == '__main__':\n    seed(input().split())\n"}, Fit.MISSING),
        ({"add.py": "from app import app\nfrom models import db, Ribbon\n@app.post('/r')\ndef add(name):\n    db.session.add(Ribbon(name=name))\n"}, Fit.MISSING),
        # by another name
        ({"add.py": "from app import app\nfrom models import db, Ribbon as Row\n@app.post('/r')\ndef add(name):\n    db.session.add(Row(name=name))\n"}, Fit.MISSING),
        ({"crud.py": "from models import Ribbon as Row\nribbons = Repository(Row)\n"}, Fit.MISSING),
        ({"crud.py": "from models import db, Ribbon as Row\ndef all_() -> list[Row]:\n    return db.session.query(Row).all()\n"}, Fit.COVERED),
        ({"crud.py": "from models import db, Other as Row\ndef add(name):\n    db.session.add(Row(name=name))\n"}, Fit.COVERED),
        # an object that is made empty and given what it has later
        ({"seed_ribbons.py": "", "rows.py": _ROWS, "init.py": _SET_LATER.format("ROWS", "row[0]", "")}, Fit.COVERED),
        ({"seed_ribbons.py": "", "rows.py": _ROWS, "init.py": _SET_LATER.format("ROWS", "row[0]", "r.id = row[1]")}, Fit.COVERED),
        ({"seed_ribbons.py": "", "rows.py": _ROWS, "init.py": _SET_LATER.format("ROWS", "input()", "")}, Fit.MISSING),
        ({"seed_ribbons.py": "", "rows.py": _ROWS, "init.py": _SET_LATER.format("open('x')", "row[0]", "")}, Fit.MISSING),
        ({"seed_ribbons.py": "", "rows.py": _ROWS, "init.py": _SET_LATER.format("ROWS", "row[0]", "fill(r)")}, Fit.MISSING),
        ({"seed_ribbons.py": "", "rows.py": _ROWS, "init.py": _SET_LATER.format("ROWS", "row[0]", "").replace("cli.command", "post")}, Fit.MISSING),
        ({"admin.py": "from models import Ribbon\nadmin.add_view(ModelView(Ribbon, None))\n"}, Fit.MISSING),
        ({"crud.py": "from models import Ribbon\nribbons = Repository(Ribbon)\n"}, Fit.MISSING),
        ({"crud.py": "from models import db, Ribbon\ndef all_() -> list[Ribbon]:\n    return db.session.query(Ribbon).all()\n"}, Fit.COVERED),
        ({"raw.py": "from sqlalchemy import text\nfrom models import db\nfrom app import app\n@app.post('/r')\ndef add(name):\n    db.session.execute(text('INSERT INTO ribbon (name) VALUES (:n)'), {'n': name})\n"}, Fit.MISSING),
    ],
)  # fmt: skip
def test_a_table_that_only_a_seed_fills_with_constants_needs_no_index(
    build: Build, added: dict[str, str], fit: Fit
) -> None:
    found = build({**_RIBBONS, **added}).facts(CollectionFit)
    (told,) = [
        m.fit for f in found for q, m in f.fits if f.name == "ribbon" and "name" in q.equality
    ]
    assert told is fit


_SCHEMA = (
    "from flask_marshmallow import Marshmallow\nfrom models import Ribbon\nma = Marshmallow()\n"
    "class RibbonSchema(ma.SQLAlchemyAutoSchema):\n    class Meta:\n        model = Ribbon\n{}"
)
_RESET = (
    "from models import db, Ribbon\n{}\n"
    "def ribbons():\n    first = Ribbon(name='admin')\n    second = Ribbon(name='reader')\n    return [first, second]\n"
    "def reset():\n    db.{}()\n    db.session.add_all(ribbons())\n    db.session.commit()\n"
)
_DAILY = (
    "from datetime import datetime\nfrom models import db, Ribbon\n"
    "ROWS = [{{'name': 'a', 'made': {0}}}, {{'name': 'b', 'made': {0}}}]\n"
    "def seed():\n    for row in ROWS:\n"
    "        if not Ribbon.query.filter_by({1}).first():\n            db.session.add(Ribbon(name=row['name'], made={0}))\n"
)


@pytest.mark.parametrize(
    ("added", "fit"),
    [
        ({"schemas.py": _SCHEMA.format("")}, Fit.COVERED),
        ({"schemas.py": _SCHEMA.format("        load_instance = True\n")}, Fit.MISSING),
        ({"reset.py": _RESET.format("", "drop_all")}, Fit.COVERED),
        ({"reset.py": _RESET.format("", "engine.dispose")}, Fit.MISSING),
        ({"reset.py": _DAILY.format("datetime.now()", "name=row['name']")}, Fit.COVERED),
        ({"reset.py": _DAILY.format("datetime.now()", "name=row['name'], made=row['made']")}, Fit.MISSING),
        ({"reset.py": _DAILY.format("1", "name=row['name'], made=row['made']")}, Fit.COVERED),
    ],
)  # fmt: skip
def test_a_table_that_is_filled_with_constants_anew(
    build: Build, added: dict[str, str], fit: Fit
) -> None:
    called = "".join(
        f"from sqlalchemy import inspect\nif not inspect(db.engine).get_table_names():\n    from reset import {name}\n    {name}()\n"
        for name in ("reset", "seed")
        if f"def {name}(" in added.get("reset.py", "")
    )
    files = {**_RIBBONS, **added, "app.py": _RIBBONS["app.py"] + called}
    files["models.py"] += "    made = db.Column(db.DateTime)\n"
    found = build(files).facts(CollectionFit)
    told = {
        m.fit
        for f in found
        for q, m in f.fits
        if f.name == "ribbon" and q.equality == ("name",) and q.place.path == "app.py"
    }
    assert told == {fit}


@pytest.mark.parametrize(
    ("name", "added", "fit"),
    [
        ("counters", "", Fit.COVERED),
        ("visits", "", Fit.MISSING),
        ("counters", "def put(x):\n    db.counters.insert_one(x)\n", Fit.MISSING),
        ("counters", "def of(x):\n    return db.counters.find_one({'owner': x})\n", Fit.MISSING),
    ],
)
def test_a_collection_of_counters(build: Build, name: str, added: str, fit: Fit) -> None:
    code = (
        "from pymongo import MongoClient\ndb = MongoClient()['app']\ndef next_(name):\n"
        f"    return db.{name}.find_one_and_update({{'name': name}}, {{'$inc': {{'n': 1}}}}, upsert=True)\n"
    )
    found = build({"app.py": code + added}).facts(CollectionFit)
    told = [m.fit for f in found if f.name == name for q, m in f.fits if q.equality == ("name",)]
    assert told == [fit]


@pytest.mark.parametrize(
    ("names", "key", "added", "fit"),
    [
        ("['red', 'green']", "{'kind': kind}", "", Fit.COVERED),
        ("NAMES", "{'kind': kind}", "", Fit.COVERED),
        ("request.json['kinds']", "{'kind': kind}", "", Fit.MISSING),
        ("NAMES", "{'kind': kind, 'n': {'$lt': 200}}", "", Fit.MISSING),
        ("NAMES", "{'kind': kind, 'day': datetime.now()}", "", Fit.MISSING),
        ("NAMES", "{'kind': 'red'}", "", Fit.MISSING),
        ("NAMES", "{'kind': kind}", "def add(x):\n    db.totals.insert_one(x)\n", Fit.MISSING),
        ("NAMES", "{'kind': kind}", "def put(x):\n    db.totals.update_one({'kind': x}, {'$set': {'n': 1}}, upsert=True)\n", Fit.MISSING),
        ("NAMES", "{'kind': kind}", "def of(x):\n    return db.totals.find_one({'owner': x})\n", Fit.MISSING),
    ],
)  # fmt: skip
def test_a_collection_with_a_document_for_each_name_of_a_list(
    build: Build, names: str, key: str, added: str, fit: Fit
) -> None:
    code = (
        "from datetime import datetime\nfrom flask import Flask, request\nfrom pymongo import MongoClient\ndb = MongoClient()['app']\n"
        "app = Flask(__name__)\nNAMES = ['red', 'green']\n"
        "@app.get('/one')\ndef one():\n    return db.totals.find_one({'kind': request.args['kind']})\n"
        f"@app.post('/fill')\ndef fill():\n    for kind in {names}:\n        db.totals.update_one({key}, {{'$inc': {{'n': 1}}}}, upsert=True)\n"
    )
    found = build({"app.py": code + added}).facts(CollectionFit)
    told = {m.fit for f in found for q, m in f.fits if q.place.symbol == "one"}
    assert told == {fit}


_FILLED = """
import csv, requests, sys
from datetime import datetime
from flask import Flask, request
from pymongo import MongoClient
db = MongoClient()["shop"]
app = Flask(__name__)
NAMES = ["a", "b"]
PARTS = {"a": [1, 2], "b": [3]}
@app.get("/parts/<code>")
def one(code):
    return db.parts.find_one({"code": code})
"""


@pytest.mark.parametrize(
    ("filling", "fit"),
    [
        ("def seed():\n    docs = []\n    for n in NAMES:\n        docs.append({'code': n, 'at': datetime.now()})\n    db.parts.insert_many(docs)\n", Fit.COVERED),
        ("def seed():\n    docs = []\n    for i, n in enumerate(NAMES):\n        doc = {'code': n}\n        doc['order'] = i\n        docs.append(doc)\n    db.parts.insert_many(docs)\n", Fit.COVERED),
        ("def seed():\n    docs = []\n    for n, sizes in PARTS.items():\n        docs += [{'code': n, 'size': s} for s in sizes]\n    db.parts.insert_many(docs)\n", Fit.COVERED),
        ("def seed():\n    db.parts.insert_many([dict(code=n) for n in NAMES])\n", Fit.COVERED),
        ("class Settings:\n    PARTS: int = 20\nsettings = Settings()\ndef seed():\n    db.parts.insert_many([{'code': n} for n in range(1, settings.PARTS)])\n", Fit.COVERED),
        ("def seed():\n    db.parts.insert_many([{'code': n} for n in range(100_000)])\n", Fit.MISSING),
        ("def seed():\n    db.parts.insert_many([{'code': n} for n in range(int(sys.argv[1]))])\n", Fit.MISSING),
        ("def rows():\n    return [{'code': n} for n in NAMES]\ndef seed():\n    db.parts.insert_many(rows())\n", Fit.COVERED),
        ("def put(docs):\n    db.parts.insert_many(docs)\ndef seed():\n    put([{'code': n} for n in NAMES])\n", Fit.COVERED),
        ("def seed():\n    docs = []\n    for p in requests.get('https://x/').json():\n        docs.append({'code': p['code']})\n    db.parts.insert_many(docs)\n", Fit.MISSING),
        ("def seed():\n    docs = []\n    for p in requests.get('https://x/').json():\n        docs.append({'code': 'a'})\n    db.parts.insert_many(docs)\n", Fit.MISSING),
        ("def seed():\n    docs = []\n    for p in request.json:\n        docs.append({'code': p})\n    db.parts.insert_many(docs)\n", Fit.MISSING),
        ("def seed(rows):\n    docs = []\n    for p in rows:\n        docs.append(p)\n    db.parts.insert_many(docs)\n", Fit.MISSING),
        ("def seed():\n    docs = []\n    for row in csv.DictReader(open('x')):\n        docs.append(row)\n    db.parts.insert_many(docs)\n", Fit.MISSING),
        ("def seed():\n    docs = []\n    docs.extend(requests.get('https://x/').json())\n    db.parts.insert_many(docs)\n", Fit.MISSING),
        ("def seed():\n    docs = []\n    docs += requests.get('https://x/').json()\n    db.parts.insert_many(docs)\n", Fit.MISSING),
        ("def seed():\n    docs = []\n    while len(docs) < int(sys.argv[1]):\n        docs.append({'code': 'a'})\n    db.parts.insert_many(docs)\n", Fit.MISSING),
        ("def collect(docs):\n    docs.append(requests.get('https://x/').json())\ndef seed():\n    docs = []\n    collect(docs)\n    db.parts.insert_many(docs)\n", Fit.MISSING),
        ("@app.post('/parts')\ndef add():\n    db.parts.insert_many([{'code': request.json['code']}])\n", Fit.MISSING),
        ("@app.post('/parts/<code>')\ndef add(code):\n    db.parts.insert_many([{'code': code}])\n", Fit.MISSING),
        ("@app.post('/parts')\ndef add(docs=[]):\n    db.parts.insert_many(docs)\n", Fit.MISSING),
        ("DOCS = []\n@app.post('/parts/<code>')\ndef add(code):\n    DOCS.append({'code': code})\n    db.parts.insert_many(DOCS)\n", Fit.MISSING),
        ("def put(docs):\n    db.parts.insert_many(docs)\n@app.post('/parts')\ndef add():\n    put([])\n    put(request.json)\n", Fit.MISSING),
        ("def rows(given):\n    return [{'code': n} for n in given]\ndef seed():\n    db.parts.insert_many(rows(request.json))\n", Fit.MISSING),
    ],
)  # fmt: skip
def test_a_list_of_the_code_is_one_that_is_put_together_of_constants(
    build: Build, filling: str, fit: Fit
) -> None:
    found = build({"app.py": _FILLED + filling}).facts(CollectionFit)
    (parts,) = [c for c in found if c.name == "parts"]
    assert [match.fit for query, match in parts.fits if "code" in query.equality] == [fit]


_ROLES = """
import requests
from fastapi import FastAPI
from sqlalchemy import Column, Integer, String, create_engine, event
from sqlalchemy.orm import declarative_base, sessionmaker
Base = declarative_base()
engine = create_engine("postgresql://localhost/x")
Session = sessionmaker(engine)
app = FastAPI()
ROLES = [dict(name="a", scope=1), dict(name="b", scope=5)]
class Role(Base):
    __tablename__ = "pack"
    id = Column(Integer, primary_key=True)
    name = Column(String(50))
    scope = Column(Integer)
class Crud:
    def __init__(self, model):
        self.model = model
    def create(self, db, *, data):
        db.add(self.model(**data))
    def update(self, db, *, row):
        db.add(row)
class Roles(Crud):
    def open(self, db):
        return db.query(Role).filter(Role.scope >= 9).all()
class Others(Crud):
    pass
roles = Roles(Role)
@app.get("/roles")
def of():
    return roles.open(Session())
"""
_BY_SESSION = "def init_db():\n    db = Session()\n    for r in ROLES:\n        db.add(Role(**r))\ninit_db()\n"
_BY_LISTENER = "def init_db():\n    @event.listens_for(Role.__table__, 'after_create')\n    def fill(table, conn, **kwargs):\n        for r in ROLES:\n            conn.execute(table.insert().values(**dict(r)))\ninit_db()\n"


@pytest.mark.parametrize(
    ("filling", "fit"),
    [
        (_BY_SESSION, Fit.COVERED),
        (_BY_LISTENER, Fit.COVERED),
        (_BY_LISTENER + "@app.post('/x')\ndef other(data: dict):\n    Others(Role2).create(Session(), data=data)\n", Fit.COVERED),
        (_BY_LISTENER + "@app.post('/x')\ndef other(policy, data: dict):\n    policy.create(who=data)\n", Fit.COVERED),
        (_BY_LISTENER + "@app.post('/x')\ndef change(data: dict):\n    roles.update(Session(), row=data)\n", Fit.COVERED),
        (_BY_LISTENER + "@app.post('/x')\ndef add(data: dict):\n    roles.create(Session(), data=data)\n", Fit.MISSING),
        (_BY_LISTENER + "@app.post('/x')\ndef add(crud, data: dict):\n    crud.create(Session(), data=data)\n", Fit.MISSING),
        (_BY_LISTENER + "class More(Crud):\n    def put(self, db, data):\n        self.create(db, data=data)\nmore = More(Role)\n", Fit.MISSING),
        (_BY_LISTENER + "import generic\nmore = generic.Crud(Role)\n", Fit.MISSING),
        (_BY_LISTENER.replace("in ROLES", "in requests.get('https://x/').json()"), Fit.MISSING),
        (_BY_LISTENER.replace("after_create", "before_drop"), Fit.MISSING),
        (_BY_LISTENER.replace("Role.__table__", "Base.metadata"), Fit.MISSING),
        (_BY_SESSION.replace("in ROLES", "in requests.get('https://x/').json()"), Fit.MISSING),
        (_BY_SESSION.replace("in ROLES", "in requests.get('https://x/').json()").replace("**r", "name='a'"), Fit.MISSING),
        ("", Fit.MISSING),  # another program fills it
    ],
)  # fmt: skip
def test_a_table_that_is_filled_when_it_is_made(build: Build, filling: str, fit: Fit) -> None:
    found = build({"app.py": _ROLES + filling}).facts(CollectionFit)
    told = [m.fit for f in found if f.name == "pack" for q, m in f.fits if "scope" in q.range]
    assert told == [fit]


HANDLING = """
from django.db import models
class Handling(models.Model):
    OPEN, PAID, GONE = 0, 1, 2
    code = models.IntegerField({choices})
    label = models.CharField(max_length=9)
"""


@pytest.mark.parametrize(
    ("choices", "asked", "more", "fit"),
    [
        ("choices=CODES", "Handling.objects.get(code=Handling.PAID)", "", Fit.COVERED),
        ("choices=CODES", "get_object_or_404(Handling, code=Handling.PAID)", "", Fit.COVERED),
        ("", "Handling.objects.get(code=Handling.PAID)", "", Fit.MISSING),
        ("choices=[(i, 'x') for i in (0, 1, 2, 3, 4, 5)]", "Handling.objects.filter(code=Handling.PAID).first()", "", Fit.MISSING),
        ("choices=CODES", "Handling.objects.filter(code=Handling.PAID).first()", "", Fit.UNKNOWN),
        ("choices=CODES", "Handling.objects.get(code=Handling.PAID)", "def add(label):\n    Handling.objects.create(label=label)\n", Fit.UNKNOWN),
        ("choices=CODES", "Handling.objects.get(code=Handling.PAID)", "def add(label):\n    Handling(label=label).save()\n", Fit.UNKNOWN),
        ("choices=CODES", "Handling.objects.get(code=Handling.PAID)", "class Files(resources.ModelResource):\n    class Meta:\n        model = Handling\n", Fit.COVERED),
        ("choices=CODES", "Handling.objects.get(code=Handling.PAID)", "class All(generic.ListView):\n    model = Handling\n    def get_queryset(self):\n        return []\n", Fit.COVERED),
        ("choices=CODES", "Handling.objects.get(code=Handling.PAID)", "class More(generic.CreateView):\n    model = Handling\n    fields = ['label']\nadd = More.as_view()\n", Fit.UNKNOWN),
        ("choices=CODES", "Handling.objects.get(code=Handling.PAID)", "class HandlingForm(forms.ModelForm):\n    class Meta:\n        model = Handling\nFORMS = [HandlingForm]\n", Fit.UNKNOWN),
        ("choices=CODES", "Handling.objects.get(code=Handling.PAID)", "class HandlingForm(forms.ModelForm):\n    class Meta:\n        model = Handling\n", Fit.COVERED),
    ],
)  # fmt: skip
def test_a_model_with_a_record_for_each_choice(
    choices: str, asked: str, more: str, fit: Fit, build: Build
) -> None:
    """`get` finds one: there are no more than the field has values. Not where the application makes some."""
    view = f"from django import forms\nfrom django.views import generic\nfrom import_export import resources\nfrom django.shortcuts import get_object_or_404\nfrom shop.models import Handling\ndef ask(request):\n    return {asked}\n{more}"
    files = {
        "manage.py": "",
        "site/settings.py": "INSTALLED_APPS = ['shop']\n",
        "shop/__init__.py": "",
        "shop/models.py": HANDLING.replace("{choices}", choices).replace("CODES", "((0, 'a'), (1, 'b'), (2, 'c'))"),
        "shop/views.py": view,
    }  # fmt: skip
    found = build(files).facts(CollectionFit)
    assert {m.fit for f in found if f.name == "shop_handling" for q, m in f.fits if q.reads and q.equality} == {fit}  # fmt: skip


_SHOP = """
from django.db import models
class Area(models.Model):
    title = models.CharField(max_length=50)
    code = models.CharField(max_length=4, null=True)
class Worker(models.Model):
    title = models.CharField(max_length=50)
    areas = models.ManyToManyField(Area, related_name="workers")
    {more}
"""
_ASKED = "Worker.objects.filter(areas__code='ECO')"


@pytest.mark.parametrize(
    ("asked", "model", "more", "fit"),
    [
        (_ASKED, "", "", Fit.UNKNOWN),
        ("Area.objects.filter(code='ECO')", "", "", Fit.UNKNOWN),
        ("Area.objects.filter(code=request.GET['c'])", "", "", Fit.MISSING),
        ("Worker.objects.filter(areas__code=request.GET['c'])", "", "", Fit.MISSING),
        (_ASKED, "mail = models.EmailField()", "", Fit.UNKNOWN),
        (_ASKED, "", "def add(request):\n    Area.objects.create(code=request.POST['c'])\n", Fit.MISSING),
        (_ASKED, "", "class Form(forms.ModelForm):\n    class Meta:\n        model = Area\nFORMS = [Form]\n", Fit.MISSING),
        (_ASKED, "", "class Form(forms.ModelForm):\n    class Meta:\n        model = Area\n", Fit.UNKNOWN),  # nothing uses it
    ],
)  # fmt: skip
def test_a_table_that_the_code_asks_by_names_of_its_own(
    asked: str, model: str, more: str, fit: Fit, build: Build
) -> None:
    """Whether a list of sectors grows, to which nothing adds and others refer, the code does not tell."""
    files = {
        "manage.py": "",
        "site/settings.py": "INSTALLED_APPS = ['shop']\n",
        "shop/__init__.py": "",
        "shop/models.py": _SHOP.replace("{more}", model),
        "shop/views.py": f"from django import forms\nfrom shop.models import Area, Worker\ndef ask(request):\n    return list({asked})\n{more}",
    }
    found = build(files).facts(CollectionFit)
    assert {m.fit for f in found if f.name == "shop_area" for q, m in f.fits if q.reads and q.equality} == {fit}  # fmt: skip


_OFFICE = """
from django.db import models
class Office(models.Model):
    name = models.CharField(max_length=50)
    email = models.EmailField()
"""
_WRITTEN = """
from rest_framework import generics, mixins, serializers
class Written(serializers.ModelSerializer):
    class Meta:
        model = Office
"""
_FORM = """
from django import forms
from django.views.generic import CreateView, UpdateView
class Form(forms.ModelForm):
    class Meta:
        model = Office
"""


@pytest.mark.parametrize(
    ("more", "fit"),
    [
        ("def again(request):\n    return Office.objects.get(name='main'), Office.objects.get(pk=1)\n", Fit.UNKNOWN),
        ("def again(request):\n    return Office.objects.get(name=request.GET['n'])\n", Fit.MISSING),
        ("def again(request):\n    return list(Office.objects.filter(name='other'))\n", Fit.MISSING),
        ("def last(request):\n    return Office.objects.latest('email')\n", Fit.MISSING),
        ("def add(request):\n    Office.objects.create(name=request.POST['n'])\n", Fit.MISSING),
        ("def again(request):\n    return Office.objects.filter(name='other').first(), list(Office.objects.order_by('email'))\n", Fit.UNKNOWN),
        ("def again(request):\n    return list(Office.objects.order_by('email')[:5])\n", Fit.MISSING),
        (_WRITTEN + "class Page(generics.ListAPIView):\n    queryset = Office.objects.all()\n    serializer_class = Written\n", Fit.UNKNOWN),
        (_WRITTEN + "class Page(generics.ListCreateAPIView):\n    queryset = Office.objects.all()\n    serializer_class = Written\n", Fit.MISSING),
        (_WRITTEN + "class Page(mixins.CreateModelMixin, generics.ListAPIView):\n    queryset = Office.objects.all()\n    serializer_class = Written\n", Fit.MISSING),
        (_WRITTEN + "class Page(generics.ListAPIView):\n    serializer_class = Written\n    def post(self, request):\n        self.get_serializer(data=request.data)\n", Fit.MISSING),
        (_WRITTEN + "class Around(serializers.Serializer):\n    office = Written()\n", Fit.UNKNOWN),
        (_WRITTEN + "from drf_writable_nested import NestedMixin\nclass Around(NestedMixin, serializers.Serializer):\n    office = Written()\n", Fit.MISSING),
        (_WRITTEN + "def page(request):\n    return Written(Office.objects.all(), many=True).data\n", Fit.UNKNOWN),
        (_WRITTEN + "def page(request):\n    return Written(data=request.data).data\n", Fit.MISSING),
        (_WRITTEN + "def page(request):\n    return Written(None, request.data).data\n", Fit.MISSING),
        (_WRITTEN + "def page(request):\n    return Written(**request.data).data\n", Fit.MISSING),
        (_FORM + "class Change(UpdateView):\n    model = Office\n    form_class = Form\n", Fit.UNKNOWN),
        (_FORM + "class Add(CreateView):\n    form_class = Form\n", Fit.MISSING),
        (_FORM + "def add(request):\n    Form(request.POST).save()\n", Fit.MISSING),
    ],
)  # fmt: skip
def test_the_one_record_that_the_code_asks_for_by_name(more: str, fit: Fit, build: Build) -> None:
    files = {
        "manage.py": "",
        "site/settings.py": "INSTALLED_APPS = ['shop']\n",
        "shop/__init__.py": "",
        "shop/models.py": _OFFICE,
        "shop/views.py": f"from shop.models import Office\ndef ask(request):\n    return Office.objects.get(name='main')\n{more}",
    }
    found = build(files).facts(CollectionFit)
    assert {m.fit for f in found if f.name == "shop_office" for q, m in f.fits if q.equality == ("name",)} == {fit}  # fmt: skip


_PLANS = """
from django.db import models
class Offer(models.Model):
    name = models.CharField(max_length=50, unique=True)
    area = models.CharField(max_length=9)
class Permission(models.Model):
    name = models.CharField(max_length=50, unique=True)
    area = models.CharField(max_length=9)
    resource = models.CharField(max_length=9)
    action = models.CharField(max_length=9)
"""
_COMMAND = """
from django.core.management.base import BaseCommand
from shop.models import Offer, Permission
OFFERS = [{"name": "a", "area": "x"}, {"name": "b", "area": "y"}, {"name": "c", "area": "z"}]
class Command(BaseCommand):
    def handle(self, *args, **options):
        for data in OFFERS:
            Offer.objects.update_or_create(name=data["name"], defaults=data)
            Permission.objects.get_or_create(name=data["name"], defaults=data)
"""


@pytest.mark.parametrize(
    ("model", "more", "fit"),
    [
        ("Offer", "", Fit.COVERED),
        ("Offer", "admin.site.register(Offer)\n", Fit.MISSING),
        ("Offer", "class Serializer(serializers.ModelSerializer):\n    class Meta:\n        model = Offer\nKINDS = [Serializer]\n", Fit.MISSING),
        ("Offer", "def add(request):\n    Offer.objects.create(name=request.POST['n'])\n", Fit.MISSING),
        ("Offer", "OFFERS", Fit.MISSING),
        ("Permission", "class Serializer(serializers.ModelSerializer):\n    class Meta:\n        model = Permission\nKINDS = [Serializer]\n", Fit.UNKNOWN),
        ("Permission", "OFFERS", Fit.MISSING),
    ],
)  # fmt: skip
def test_a_model_that_a_command_fills_with_constants(
    model: str, more: str, fit: Fit, build: Build
) -> None:
    command = _COMMAND
    if more == "OFFERS":  # what they are, the code does not say
        command, more = command.replace("in OFFERS", 'in json.load(open("o.json"))'), ""
    head = "from django.contrib import admin\nfrom rest_framework import serializers\nfrom shop.models import Offer, Permission\n"
    files = {
        "manage.py": "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'site.settings')\n",
        "site/settings.py": "INSTALLED_APPS = ['shop']\nROOT_URLCONF = 'site.urls'\n",
        "site/urls.py": "from django.urls import path\nfrom shop.views import ask\nurlpatterns = [path('', ask)]\n",
        "shop/__init__.py": "",
        "shop/models.py": _PLANS,
        "shop/management/commands/init_offers.py": "import json\n" + command,
        "shop/views.py": f"{head}def ask(request):\n    return list({model}.objects.filter(area=request.GET['a']))\n{more}",
    }
    found = build(files).facts(CollectionFit)
    table = f"shop_{model.lower()}"
    assert {m.fit for f in found if f.name == table for q, m in f.fits if "area" in q.equality} == {fit}  # fmt: skip


READ_ANEW = """
import json
from flask import Flask, request
from pymongo import MongoClient
app = Flask(__name__)
db = MongoClient()["game"]

def load():
    for name in ["recipes", "levels"]:
        with open(f"data/{name}.json") as file:
            documents = json.load(file)
        db[name].drop()
        db[name].insert_many(documents)

load()

@app.get("/recipe")
def recipe():
    return str(db.recipes.find_one({"name": request.args["name"]}))

@app.get("/hero")
def hero():
    return str(db.heroes.find_one({"title": request.args["title"]}))

@app.post("/hero")
def add():
    db.heroes.insert_one(dict(request.json))
    db.games.insert_one(dict(request.json))
    return ""

@app.get("/game")
def game():
    return str(db.games.find_one({"title": request.args["title"]}))
"""


@pytest.mark.parametrize(
    ("before", "after", "fit"),
    [
        ("", "", Fit.UNKNOWN),
        ("    db.heroes.insert_one", "    db.recipes.insert_one", Fit.MISSING),
        ("def load():", "@app.post('/load')\ndef load():", Fit.MISSING),
        ('{"name": request.args["name"]}', '{"user_id": request.args["name"]}', Fit.MISSING),
        ("db.games.insert_one(dict(request.json))", "db[request.json['to']].insert_one(dict(request.json))", Fit.MISSING),
    ],
)  # fmt: skip
def test_a_collection_that_each_start_fills_anew(
    before: str, after: str, fit: Fit, build: Build
) -> None:
    found = build({"app.py": READ_ANEW.replace(before, after) if before else READ_ANEW}).facts(CollectionFit)  # fmt: skip
    told = [m.fit for f in found if f.name == "recipes" for q, m in f.fits if q.operation == "find_one"]  # fmt: skip
    assert told == [fit]


LOOKED_UP = """
from fastapi import FastAPI
from sqlalchemy import Column, Integer, String, create_engine, select
from sqlalchemy.orm import declarative_base, sessionmaker
Base = declarative_base()
Session = sessionmaker(create_engine("postgresql://localhost/x"))
app = FastAPI()

class Reason(Base):
    __tablename__ = "moving_reasons"
    id = Column(Integer, primary_key=True)
    name = Column(String(15))
    user_id = Column(Integer)

class Move(Base):
    __tablename__ = "moves"
    id = Column(Integer, primary_key=True)
    reason_id = Column(Integer)

@app.get("/reason")
def reason(name: str):
    with Session() as db:
        return db.query(Reason).filter(Reason.name == name).first()

@app.post("/move")
def move(reason_id: int):
    with Session() as db:
        db.add(Move(reason_id=reason_id))
        db.commit()
"""


@pytest.mark.parametrize(
    ("before", "after", "fit"),
    [
        ("", "", Fit.UNKNOWN),
        ("db.add(Move(", "db.add(Reason(name='a')); db.add(Move(", Fit.MISSING),
        ("db.add(Move(", "Row = Reason; db.add(Row(name='a')); db.add(Move(", Fit.MISSING),
        ("db.add(Move(", "db.execute(insert(Reason)); db.add(Move(", Fit.MISSING),
        ("db.add(Move(", "fill(db, Reason); db.add(Move(", Fit.MISSING),
        ("Reason.name == name", "Reason.user_id == name", Fit.MISSING),
        ("db.add(Move(", "print(Move(", Fit.UNKNOWN),
        ("db.add(Move(reason_id=reason_id))", "pass", Fit.MISSING),  # another program fills all
    ],
)
def test_a_table_to_which_nothing_adds(before: str, after: str, fit: Fit, build: Build) -> None:
    found = build({"app.py": LOOKED_UP.replace(before, after) if before else LOOKED_UP}).facts(CollectionFit)  # fmt: skip
    assert [m.fit for f in found if f.name == "moving_reasons" for _, m in f.fits] == [fit]


_OF_TEXT = """
import sqlite3
from flask import Flask, request
app = Flask(__name__)
db = sqlite3.connect("a.db")
db.executescript("CREATE TABLE job (id INTEGER PRIMARY KEY, size TEXT, email TEXT); CREATE TABLE memo (id INTEGER PRIMARY KEY, body TEXT);")
@app.post("/memo/<body>")
def memo(body):
    db.execute("INSERT INTO memo (body) VALUES (?)", (body,))
@app.get("/jobs")
def jobs():
    return db.execute("SELECT id FROM job WHERE size = ?", (request.args["size"],)).fetchall()
"""
_CATALOGUES = """
@app.get("/towns")
def towns():
    return db.execute("SELECT name FROM town").fetchall()
"""
_TOWNS = "CREATE TABLE town (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO town (name) VALUES ('a'), ('b');"


@pytest.mark.parametrize(
    ("more", "fit"),
    [
        ({}, Fit.UNKNOWN),
        ({"app.py": _OF_TEXT.replace("memo (body) VALUES", "job (size) VALUES")}, Fit.MISSING),
        ({"app.py": _OF_TEXT.replace("size = ?", "email = ?")}, Fit.MISSING),
        ({"fill.py": "frame.to_sql('job', connection)\n"}, Fit.MISSING),
        ({"trigger.sql": "CREATE TRIGGER t AFTER INSERT ON memo BEGIN INSERT INTO job (size) SELECT body FROM memo; END;"}, Fit.MISSING),
        ({"fill.py": "def fill(cursor, rows):\n    cursor.copy_expert('COPY public.job FROM STDIN', rows)\n"}, Fit.MISSING),
        ({"Fill.java": "class Fill { String table = \"job\"; }"}, Fit.MISSING),
        ({"app.py": _OF_TEXT + _CATALOGUES, "town.sql": _TOWNS}, Fit.UNKNOWN),
        ({"app.py": _OF_TEXT + _CATALOGUES, "town.sql": _TOWNS.partition("INSERT")[0]}, Fit.MISSING),  # most are not filled
        ({"any.py": "def put(cursor, table):\n    cursor.execute(f'INSERT INTO {table} (size) VALUES (1)')\n"}, Fit.MISSING),
        ({"app.py": _OF_TEXT.replace("INSERT INTO memo (body) VALUES (?)", "DELETE FROM memo WHERE body = ?")}, Fit.MISSING),  # another program fills all
    ],
)  # fmt: skip
def test_a_table_of_text_that_nothing_writes(more: dict[str, str], fit: Fit, build: Build) -> None:
    found = build({"app.py": _OF_TEXT, **more}).facts(CollectionFit)
    assert [m.fit for f in found if f.name == "job" for _, m in f.fits] == [fit]


LOOKED_UP_BY_DJANGO = {
    "manage.py": "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'site.settings')\n",
    "site/settings.py": "INSTALLED_APPS = ['shop']\nROOT_URLCONF = 'site.urls'\n",
    "site/urls.py": "from django.urls import path\nfrom shop import views\nurlpatterns = [path('a', views.menu), path('b', views.add)]\n",
    "shop/models.py": "from django.db import models\nclass Menu(models.Model):\n    name = models.CharField(max_length=9)\n"
    "class Dish(models.Model):\n    menu = models.ForeignKey(Menu, models.CASCADE, related_name='dishes')\n",
    "shop/views.py": "from shop.models import Dish, Menu\ndef menu(request):\n    return Menu.objects.get(name=request.GET['name'])\n"
    "def add(request):\n    Dish.objects.create(menu_id=1)\n",
}


@pytest.mark.parametrize(
    ("added", "fit"),
    [
        ({}, Fit.UNKNOWN),
        ({"shop/admin.py": "from django.contrib import admin\nfrom shop.models import Menu\nadmin.site.register(Menu)\n"}, Fit.MISSING),
        ({"shop/forms.py": "from django import forms\nfrom shop.models import Menu\nclass F(forms.ModelForm):\n    class Meta:\n        model = Menu\n"}, Fit.MISSING),
        ({"shop/views.py": LOOKED_UP_BY_DJANGO["shop/views.py"] + "    Menu.objects.bulk_create(request.POST['all'])\n"}, Fit.MISSING),
        ({"shop/management/commands/fill.py": "from django.core.management.base import BaseCommand\nfrom shop.models import Menu\n"
          "class Command(BaseCommand):\n    def handle(self, *args, **options):\n        Menu.objects.create(name=options['n'])\n"}, Fit.UNKNOWN),
    ],
)  # fmt: skip
def test_a_model_of_django_to_which_nothing_adds(
    added: dict[str, str], fit: Fit, build: Build
) -> None:
    found = build(LOOKED_UP_BY_DJANGO | added).facts(CollectionFit)
    assert [m.fit for f in found if f.name == "shop_menu" for _, m in f.fits] == [fit]


def test_what_a_related_manager_adds_to_is_no_such_model(build: Build) -> None:
    views = LOOKED_UP_BY_DJANGO["shop/views.py"].replace("Dish.objects.create(menu_id=1)", "Menu.objects.get(id=1).dishes.create()")  # fmt: skip
    views += "def dish(request):\n    return list(Dish.objects.order_by('menu__name')[:5])\n"
    added = {"shop/views.py": views.replace("name=request", "dishes__id=request")}
    found = build(LOOKED_UP_BY_DJANGO | added).facts(CollectionFit)
    assert all(m.fit is not Fit.UNKNOWN for f in found if f.name == "shop_dish" for _, m in f.fits)


_STATEMENTS = """
import sqlite3
from flask import Flask, request
app = Flask(__name__)
db = sqlite3.connect("a.db")
db.executescript("CREATE TABLE IF NOT EXISTS person (pid TEXT PRIMARY KEY, name TEXT);")
PEOPLE = [{{"pid": "demo-a", "name": "Ann"}}, {{"pid": "demo-b", "name": "Bob"}}]
{before}
{deletes}
    for p in {rows}:
        db.execute("INSERT INTO person (pid, name) VALUES (?, ?)", (p["pid"], p["name"]))
{after}
@app.get("/<n>")
def ask(n):
    return db.execute("SELECT pid FROM person WHERE name = ?", (n,)).fetchone()
"""
_INIT, _ROUTE = "def init():", '@app.post("/again")\ndef again():'
_DELETES = """    db.execute("DELETE FROM person WHERE pid LIKE 'demo-%'")"""


@pytest.mark.parametrize(
    ("before", "deletes", "rows", "after", "fit"),
    [
        (_INIT, "    pass", "PEOPLE", "init()", Fit.COVERED),
        (_ROUTE, _DELETES, "PEOPLE", "", Fit.COVERED),
        (_ROUTE, "    pass", "PEOPLE", "", Fit.MISSING),
        (_ROUTE, """    db.execute("DELETE FROM person WHERE pid < 'demo'")""", "PEOPLE", "", Fit.MISSING),
        (_INIT, "    pass", "request.json", "init()", Fit.MISSING),
        (_INIT, "    pass", "PEOPLE", 'init()\n@app.post("/")\ndef add():\n    db.execute("INSERT INTO person (pid) VALUES (?)", (request.json["p"],))', Fit.MISSING),
        (_INIT, "    pass", "PEOPLE", 'init()\n@app.post("/")\ndef add():\n    keep("insert into person (pid) values (?)", (request.json["p"],))', Fit.MISSING),
        (_INIT, "    pass", "PEOPLE", 'init()\n@app.post("/")\ndef add():\n    db.execute(open(request.json["p"]).read())', Fit.MISSING),
        (_INIT, "    pass", "PEOPLE", 'init()\nfrom elsewhere import frame\nframe.to_sql("person", db)', Fit.MISSING),
    ],
)  # fmt: skip
def test_a_table_that_statements_of_a_seed_fill(
    before: str, deletes: str, rows: str, after: str, fit: Fit, build: Build
) -> None:
    code = _STATEMENTS.format(before=before, deletes=deletes, rows=rows, after=after)
    (found,) = [c for c in build({"app.py": code}).facts(CollectionFit) if c.name == "person"]
    assert [match.fit for query, match in found.fits if "name" in query.equality] == [fit]
