"""What flows from the request to a sink, and what ends a flow."""

from __future__ import annotations

import time

import pytest

from auditor.model.web import Intake, Sink
from tests.conftest import Build

HEAD = """
import asyncio, os, re, sqlite3, subprocess, uuid
from functools import partial
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlparse
import httpx, requests
from bson import ObjectId
from fastapi import APIRouter, Body, Depends, FastAPI, File, HTTPException, Query, Request, UploadFile
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse
from motor.motor_asyncio import AsyncIOMotorClient
from pydantic import BaseModel, Field, field_validator
from sqlalchemy import text
from werkzeug.utils import secure_filename
app = FastAPI()
db = AsyncIOMotorClient("mongodb://localhost")["shop"]
conn = sqlite3.connect("x.db")
ALLOWED = {"name", "age"}
BASE = "https://api.example.org"
"""


def reached(build: Build, body: str) -> list[tuple[Sink, int]]:
    """(sink, line in `body`) of what the application reaches."""
    application = build({"app.py": HEAD + body})
    start = HEAD.count("\n")
    return [(i.sink, i.place.line - start) for i in application.facts(Intake) if i.sink]


def sinks(build: Build, body: str) -> list[Sink]:
    return [sink for sink, _ in reached(build, body)]


def handler(statements: str, params: str = "q: str") -> str:
    lines = "\n".join("    " + line for line in statements.strip("\n").split("\n"))
    return f"@app.get('/x')\nasync def handler({params}):\n{lines}\n"


@pytest.mark.parametrize(
    ("statements", "sink"),
    [
        ("conn.execute(f'select * from t where a = {q}')", Sink.SQL),
        ("sql = 'select * from t where a = ' + q\nconn.execute(sql)", Sink.SQL),
        ("sql = 'select * from t where a = %s' % q\nconn.execute(sql)", Sink.SQL),
        ("sql = 'select * from t where a = {}'.format(q)\nconn.execute(sql)", Sink.SQL),
        ("parts = []\nparts.append(q)\nconn.execute('select * from t where ' + ' and '.join(parts))", Sink.SQL),
        ("conn.execute(text(f'select {q}'))", Sink.SQL),
        ("a, b = q.split(',')\nos.system(b)", Sink.SHELL),
        ("subprocess.run(f'ls {q}', shell=True)", Sink.SHELL),
        ("subprocess.run([q, '-l'])", Sink.SHELL),
        ("subprocess.run(['sh', '-c', q])", Sink.SHELL),
        ("for word in q.split():\n    os.system(word)", Sink.SHELL),
        ("with open('/data/' + q) as file:\n    return file.read()", Sink.PATH),
        ("return FileResponse(os.path.join('/data', q))", Sink.PATH),
        ("path = Path('/data') / q\nreturn path.read_text()", Sink.PATH),
        ("return requests.get(q).text", Sink.URL),
        ("async with httpx.AsyncClient() as client:\n    return await client.get(f'https://{q}/x')", Sink.URL),
        ("return await asyncio.to_thread(requests.get, q)", Sink.URL),
        ("return RedirectResponse(q)", Sink.REDIRECT),
        ("return HTMLResponse(f'<b>{q}</b>')", Sink.MARKUP),
        ("return eval(q)", Sink.CODE),
        ("return re.compile(q)", Sink.REGEX),
        ("if q:\n    value = q\nelse:\n    value = 'x'\nos.system(value)", Sink.SHELL),
        ("try:\n    int(q)\nexcept ValueError:\n    pass\nos.system(q)", Sink.SHELL),
        ("run = lambda: os.system(q)\nrun()", Sink.SHELL),
        ("def inner():\n    os.system(q)\ninner()", Sink.SHELL),
        ("if not q.startswith('http'):\n    raise HTTPException(400)\nrequests.get(q)", Sink.URL),
        ("ext = q.rsplit('.')[-1]\nif ext not in ALLOWED:\n    raise HTTPException(400)\nopen('/d/' + q)", Sink.PATH),
    ],
)  # fmt: skip
def test_text_reaches(build: Build, statements: str, sink: Sink) -> None:
    assert sinks(build, handler(statements)) == [sink]


@pytest.mark.parametrize(
    "statements",
    [
        "conn.execute('select * from t where a = ?', (q,))",
        "conn.execute(text('select * from t where a = :q'), {'q': q})",
        "if q not in ALLOWED:\n    raise HTTPException(400)\nconn.execute(f'select {q} from t')",
        "if q in ALLOWED:\n    conn.execute(f'select {q} from t')",
        "column = {'a': 'b'}.get(q, 'a')\nconn.execute(f'select {column} from t')",
        "if q != 'name':\n    return\nconn.execute(f'select {q} from t')",
        "conn.execute(f'select {q} from t' if q in ('a', 'b') else 'select 1')",
        "q in ALLOWED and os.system(q)",
        "subprocess.run(['ls', q])",
        "subprocess.run(['ls', '--', q], check=True)",
        "number = int(q)\nos.system(f'kill {number}')",
        "try:\n    uuid.UUID(q)\nexcept ValueError:\n    raise HTTPException(400)\nos.system(q)",
        "if not re.fullmatch(r'[a-z]+', q):\n    raise HTTPException(400)\nos.system(q)",
        "open('/data/' + secure_filename(q))",
        "open('/data/' + os.path.basename(q))",
        "if '..' in q:\n    raise HTTPException(400)\nopen('/data/' + q)",
        "path = (Path('/data') / q).resolve()\nif not path.is_relative_to('/data'):\n    raise HTTPException(400)\npath.read_text()",
        "requests.get(f'{BASE}/items/{q}')",
        "requests.get('https://api.example.org/search', params={'q': q})",
        "requests.get('https://api.example.org/' + q)",
        "host = urlparse(q).hostname\nif host not in ALLOWED:\n    raise HTTPException(400)\nrequests.get(q)",
        "if not is_safe_url(q):\n    raise HTTPException(400)\nrequests.get(q)",
        "return RedirectResponse(f'/items/{q}')",
        "return {'echo': f'<b>{q}</b>'}",
        "q = 'x'\nos.system(q)",
        "items = {'a': q, 'b': 'ls'}\nos.system(items['b'])",
    ],
)  # fmt: skip
def test_harmless(build: Build, statements: str) -> None:
    assert sinks(build, handler(statements)) == []


@pytest.mark.parametrize("kind", ["int", "float", "bool", "uuid.UUID", "Literal['a']"])
def test_narrow_types_hold_nothing(build: Build, kind: str) -> None:
    assert sinks(build, handler("os.system(f'x {q}')", f"q: {kind}")) == []


def test_a_pattern_declared_for_a_parameter_counts(build: Build) -> None:
    assert sinks(build, handler("os.system(q)", "q: str = Query(pattern='^[a-z]+$')")) == []


def test_a_part_of_the_path_holds_no_slash(build: Build) -> None:
    plain = "@app.get('/f/{name}')\ndef f(name: str):\n    return FileResponse('/data/' + name)\n"
    assert sinks(build, plain) == []
    assert sinks(build, plain.replace("{name}", "{name:path}")) == [Sink.PATH]


MODEL = """
class Item(BaseModel):
    name: str
    count: int
    meta: dict
    kind: str

    @field_validator("kind")
    @classmethod
    def kinds(cls, value):
        return value
"""


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("os.system(item.name)", [Sink.SHELL]),
        ("os.system(item.model_dump()['name'])", [Sink.SHELL]),
        ("os.system(str(item.count))", []),
        ("os.system(item.kind)", []),
        ("await db.t.find_one({'name': item.name})", []),
        ("await db.t.find_one({'meta': item.meta})", [Sink.OPERATOR]),
        ("await db.t.insert_one(item.model_dump())", []),
        ("await db.t.update_one({'a': 1}, {'$set': item.model_dump()})", []),
        ("for key, value in item.model_dump().items():\n    setattr(app, key, value)", []),
    ],
)
def test_models_type_their_fields(build: Build, statement: str, expected: list[Sink]) -> None:
    assert sinks(build, MODEL + handler(statement, "item: Item")) == expected


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("await db.t.find_one({'name': body['name']})", [Sink.OPERATOR]),
        ("await db.t.find_one({'name': str(body['name'])})", []),
        ("await db.t.find_one({'name': f\"{body['name']}\"})", []),
        ("await db.t.find_one({'_id': ObjectId(body['id'])})", []),
        ("await db.t.find_one(body)", [Sink.OPERATOR]),
        ("await db.t.find_one({**body})", [Sink.OPERATOR]),
        ("query = {}\nquery['name'] = body.get('name')\nawait db.t.find_one(query)", [Sink.OPERATOR]),
        ("await db.t.find_one({'$where': f'this.a == {body}'})", [Sink.CODE]),
        ("await db.t.find_one({'a': {'$regex': body['q']}})", [Sink.REGEX]),
        ("await db.t.find_one({'a': {'$regex': re.escape(body['q'])}})", []),
        ("await db.t.insert_one(body)", [Sink.FIELDS]),
        ("await db.t.insert_one({'name': body['name']})", []),
        ("await db.t.update_one({'a': 1}, {'$set': body})", [Sink.FIELDS]),
        ("await db.t.update_one({'a': 1}, body)", [Sink.OPERATOR]),
        ("if not isinstance(body['a'], str):\n    raise HTTPException(400)\nawait db.t.find_one({'a': body['a']})", []),
        ("for key, value in body.items():\n    setattr(app, key, value)", [Sink.FIELDS]),
        ("for key, value in body.items():\n    if key in ALLOWED:\n        setattr(app, key, value)", []),
        ("clean = {k: v for k, v in body.items() if k in ALLOWED}\nawait db.t.insert_one(clean)", []),
    ],
)  # fmt: skip
def test_untyped_bodies(build: Build, statement: str, expected: list[Sink]) -> None:
    assert sinks(build, handler(statement, "body: dict")) == expected


def test_the_raw_request(build: Build) -> None:
    body = handler(
        "data = await request.json()\nos.system(request.query_params['a'])\n"
        "await db.t.find_one({'a': data['a']})",
        "request: Request",
    )
    assert set(sinks(build, body)) == {Sink.SHELL, Sink.OPERATOR}


def test_a_file_name_of_the_clients(build: Build) -> None:
    assert sinks(
        build, handler("open('/data/' + file.filename, 'wb')", "file: UploadFile = File(...)")
    ) == [Sink.PATH]
    assert sinks(build, handler("open('/data/x', 'wb')", "file: UploadFile")) == []


def test_through_functions_objects_and_dependencies(build: Build) -> None:
    body = """
class Runner:
    def __init__(self, command, label):
        self.command = command
        self.label = label
    def run(self):
        os.system(self.command)
    def safe(self):
        os.system(self.label)

def build_command(name, flag="x"):
    return "ls " + name

def term(q: str = "", n: int = 1):
    return q.strip()

@app.get("/a")
def a(q: str):
    os.system(build_command(q))

@app.get("/b")
def b(q: str):
    Runner(q, "x").run()

@app.get("/c")
def c(q: str):
    Runner(q, "x").safe()

@app.get("/d")
def d(q: str = Depends(term)):
    os.system(q)

@app.get("/e")
def e(q: str):
    os.system(build_command("x", q))
"""
    lines = body.split("\n")
    found = [lines[line - 1].strip() for _, line in reached(build, body)]
    assert found == ["os.system(build_command(q))", "os.system(self.command)", "os.system(q)"]


def test_the_way_is_told(build: Build) -> None:
    body = "def run(command):\n    os.system(command)\n" + handler("value = q\nrun(value)")
    (intake,) = [i for i in build({"app.py": HEAD + body}).facts(Intake) if i.sink]
    assert intake.place.line == HEAD.count("\n") + 2
    assert intake.message.startswith(
        "GET /x: `q` of the query reaches `os.system` through value, run()"
    )


def test_a_hostile_call_graph_ends(build: Build) -> None:
    """Functions that all call each other, with every shape of arguments."""
    count = 60
    calls = "\n".join(f"    f{n}(b, [a], x={{'k': a}})" for n in range(count))
    functions = "\n".join(
        f"def f{n}(a, b=None, x=None):\n{calls}\n    return a" for n in range(count)
    )
    body = f"{functions}\n" + handler("f0(q, q)\nos.system(q)")
    started = time.monotonic()
    assert sinks(build, body) == [Sink.SHELL]
    assert time.monotonic() - started < 20


def test_a_deep_expression_ends(build: Build) -> None:
    body = handler("x = " + " + ".join(["q"] * 180) + "\nos.system(q)")
    assert sinks(build, body) == [Sink.SHELL]
