"""What flows from the request to a sink, and what ends a flow."""

from __future__ import annotations

import time

import pytest

from auditor.model.web import Intake, Sink
from tests.conftest import Build

HEAD = """
import asyncio, base64, gzip, html, http.client, io, os, re, shlex, sqlite3, subprocess, uuid
import xml.dom.minidom, xml.sax, xml.sax.handler
import elementpath, ldap, lxml.etree, tarfile, yaml, zipfile
from markupsafe import Markup
from ldap.filter import escape_filter_chars
from PIL import ImageMath
from functools import partial
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote, unquote, urlparse
import httpx, requests
from bson import ObjectId
from fastapi import APIRouter, Body, Depends, FastAPI, File, HTTPException, Query, Request, UploadFile
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse
from motor.motor_asyncio import AsyncIOMotorClient
from pydantic import BaseModel, ConfigDict, Extra, Field, HttpUrl, field_validator
from sqlalchemy import text
from werkzeug.utils import secure_filename
app = FastAPI()
db = AsyncIOMotorClient("mongodb://localhost")["shop"]
conn = sqlite3.connect("x.db")
ALLOWED = {"name", "age"}
BASE = "https://api.example.org"
class Guarded(requests.Session):
    def __init__(self):
        super().__init__()
        self.mount("https://", PublicOnly())
directory = ldap.initialize("ldap://directory")
tree = lxml.etree.parse("users.xml")
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
        ("os.system(base64.b64decode(base64.b64encode(q.encode())))", Sink.SHELL),
        ("conn.execute(f\"select * from t where a = '{html.escape(q)}'\")", Sink.SQL),
        ("requests.get(unquote(quote(q)))", Sink.URL),
        ("conn.execute('select * from t where a = ' + shlex.quote(q))", Sink.SQL),
        ("words = ['sh', '-c']\nwords.append(f'ls {q}')\nsubprocess.run(words)", Sink.SHELL),
        ("buffer = io.StringIO()\nbuffer.write('ls ')\nbuffer.write(q)\nos.system(buffer.getvalue())", Sink.SHELL),
        ("limit = 86\nif 7 * 42 - limit < 200:\n    q = 'x'\nos.system(q)", Sink.SHELL),
        ("return tree.xpath(f\"//user[@name='{q}']\")", Sink.XPATH),
        ("return lxml.etree.XPath(f\"//user[@name='{q}']\")(tree)", Sink.XPATH),
        ("return elementpath.select(tree, '//user/' + q)", Sink.XPATH),
        ("return directory.search_s('dc=x', ldap.SCOPE_SUBTREE, f'(uid={q})')", Sink.LDAP),
        ("parser = lxml.etree.XMLParser(resolve_entities=True)\nlxml.etree.fromstring(q, parser)", Sink.XML),
        ("lxml.etree.parse(io.BytesIO(q.encode()), lxml.etree.XMLParser(load_dtd=True, no_network=False))", Sink.XML),
        ("p = xml.sax.make_parser()\np.setFeature(xml.sax.handler.feature_external_ges, True)\nxml.dom.minidom.parseString(q, p)", Sink.XML),
        ("return yaml.load(q)", Sink.DESERIALISATION),
        ("return ImageMath.eval(q)", Sink.CODE),
        ("return gzip.open(q)", Sink.PATH),
        ("return http.client.HTTPConnection(q)", Sink.URL),
        ("name, end = os.path.splitext(q)\nopen('/data/' + name)", Sink.PATH),
        ("open('/data/' + q.rsplit('.', 1)[0])", Sink.PATH),
        ("with requests.Session() as session:\n    return session.get(q)", Sink.URL),
        ("return Markup(q)", Sink.MARKUP),
        ("return tree.find(q)", Sink.XPATH),
        ("return directory.search_s(q, 2, '(objectClass=*)')", Sink.LDAP),
        ("async def same(x):\n    return x\nos.system(asyncio.run(same(q)))", Sink.SHELL),
        ("return tarfile.open(fileobj=io.BytesIO(q.encode())).extractall('/d')", Sink.PATH),
        ("async def ask(client: httpx.AsyncClient, url):\n    return await client.get(url)\nclient = httpx.AsyncClient()\nreturn await ask(client, q)", Sink.URL),
        ("ext = q.rsplit('.')[-1]\nif ext not in ALLOWED:\n    raise HTTPException(400)\nopen('/d/' + q)", Sink.PATH),
        ("if '../' in q:\n    raise HTTPException(400)\nopen(os.path.join('/data', q))", Sink.PATH),
        ("if '../' in q:\n    raise HTTPException(400)\n(Path('/data') / q).read_text()", Sink.PATH),
        ("q = q.replace('../', '')\nopen(f'/data/{q}')", Sink.PATH),
        ("return os.path.exists('/data/' + q)", Sink.EXISTENCE),
        ("return (Path('/data') / q).is_file()", Sink.EXISTENCE),
        ("if os.path.exists('/data/' + q):\n    open('/data/' + q)", Sink.PATH),
        ("items = ['a', q]\nitems.pop(0)\nos.system(items[0])", Sink.SHELL),
        ("items = ['a', 'b']\nitems.insert(1, q)\nos.system(items[1])", Sink.SHELL),
        ("items = ['a']\nif BASE:\n    items.insert(0, q)\nos.system(items[0])", Sink.SHELL),
        ("items = ['a']\nitems += [q]\nos.system(items[1])", Sink.SHELL),
        ("items = ['a', q]\nitems.reverse()\nos.system(items[0])", Sink.SHELL),
        ("items = ['a', q]\ndel items[0]\nos.system(items[0])", Sink.SHELL),
    ],
)  # fmt: skip
def test_text_reaches(build: Build, statements: str, sink: Sink) -> None:
    assert sinks(build, handler(statements)) == [sink]


@pytest.mark.parametrize(
    "statements",
    [
        "conn.execute('select * from t where a = ?', (q,))",
        "conn.execute(text('select * from t where a = :q'), {'q': q})",
        "os.system('ls ' + shlex.quote(q))",
        "conn.execute('select ' + base64.b64encode(q.encode()).decode())",
        "return HTMLResponse(f'<b>{html.escape(q)}</b>')",
        "limit = 86\nif 7 * 42 - limit > 200:\n    q = 'x'\nos.system(q)",
        "limit = 86\nos.system('x' if 7 * 42 - limit > 200 else q)",
        "letter = 'ABC'[1]\nmatch letter:\n    case 'A':\n        os.system(q)\n    case _:\n        pass",
        "clean = ''\nfor c in q:\n    if c.isalnum() or c in ',.':\n        clean += c\nos.system(clean)",
        "if \"'\" in q:\n    raise HTTPException(400)\ntree.xpath(f\"//user[@name='{q}']\")",
        "return tree.xpath('//user[@name=$name]', name=q)",
        "return name_of(q).find(q)",
        "if False:\n    os.system(q)",
        "return tarfile.open(fileobj=io.BytesIO(q.encode())).extractall('/d', filter='data')",
        "return directory.search_s('dc=x', 2, f'(uid={escape_filter_chars(q)})')",
        "parser = lxml.etree.XMLParser(resolve_entities=False)\nlxml.etree.fromstring(q, parser)",
        "return xml.dom.minidom.parseString(q, xml.sax.make_parser())",
        "return yaml.load(q, Loader=yaml.SafeLoader)",
        "end = q.rsplit('.', 1)[-1]\nopen('/data/file.' + end)",
        "name, end = os.path.splitext(q)\nopen('/data/file' + end)",
        "return zipfile.ZipFile(io.BytesIO(q.encode()))",
        "target = q\nif not len(adapter.allowed_methods(target)):\n    target = '/'\nreturn RedirectResponse(target)",
        "with Guarded() as session:\n    return session.get(q)",
        "async def ask(client: httpx.AsyncClient, url):\n    return await client.get(url)\nclient = httpx.AsyncClient(transport=Public())\nreturn await ask(client, q)",
        "return HTMLResponse('<b>%s</b>' % html.escape(Markup(q).unescape()))",
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
        "if '../' in q:\n    raise HTTPException(400)\nopen(f'/data/{q}')",
        "items = []\nitems.append('a')\nitems.append(q)\nitems.append('c')\nitems.pop(0)\nos.system(items[1])",
        "items = ['a', q]\nitems.insert(0, 'b')\nos.system(items[1])",
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
    mail: str
    hook: HttpUrl
    word: str

    @field_validator("kind")
    @classmethod
    def kinds(cls, value):
        if value not in ("a", "b"):
            raise ValueError("unknown")
        return value

    @field_validator("mail")
    @classmethod
    def mails(cls, value):
        return check_mail(value)

    @field_validator("word")
    @classmethod
    def words(cls, value):
        if not value.strip() or len(value) > 80:
            raise ValueError("empty or too long")
        return value.strip()
"""


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("os.system(item.name)", [Sink.SHELL]),
        ("os.system(item.model_dump()['name'])", [Sink.SHELL]),
        ("os.system(str(item.count))", []),
        ("os.system(item.kind)", []),
        ("os.system(item.mail)", []),
        ("os.system(item.word)", [Sink.SHELL]),
        ("requests.get(str(item.hook))", [Sink.URL]),
        ("os.system(f'x {item.hook}')", []),
        ("subprocess.run(item.name, shell=SHELL)", [Sink.SHELL]),
        ("subprocess.run(['ls', item.name], shell=SHELL)", []),
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
        ("await db.t.find_one({'$where': f'this.a == {body}'})", [Sink.WHERE]),
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


def test_a_converter_of_the_url_is_a_type(build: Build) -> None:
    view = "@app.get('/<int:q>/<name>')\ndef view(q, name):\n    os.system(f'{q}')\n    os.system(name)\n"
    found = [i.place.line for i in build({"app.py": FLASK + view}).facts(Intake) if i.sink]
    assert found == [FLASK.count("\n") + 4]


FLASK = """
import flask, os
from flask import Flask, jsonify, make_response, redirect, request
import helpers.parameters
app = Flask(__name__)
"""
PARAMETERS = """
class Wrapper:
    def __init__(self, request):
        self.request = request
    def form(self, name):
        return self.request.form.get(name)
def parameter(request, name):
    return request.args.get(name)
"""


def of_flask(build: Build, statements: str) -> list[tuple[Sink, str]]:
    view = handler(statements, "").replace("async def", "def")
    files = {"app.py": FLASK + view, "helpers/parameters.py": PARAMETERS}
    return [(i.sink, i.source) for i in build(files).facts(Intake) if i.sink]


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        ("return f'<b>{request.args[\"q\"]}</b>'", [(Sink.MARKUP, "query")]),
        ("page = 'Hello '\npage += request.args['q']\nreturn page, 200", [(Sink.MARKUP, "query")]),
        ("return make_response((request.args['q'], 200))", [(Sink.MARKUP, "query")]),
        ("return redirect(request.cookies['next'])", [(Sink.REDIRECT, "cookie")]),
        ("r = make_response('x')\nr.headers['Location'] = request.args['q']\nreturn r", [(Sink.REDIRECT, "query")]),
        ("r = make_response('x')\nr.headers['Location'] = '/x/' + request.args['q']\nreturn r", []),
        ("return flask.escape(request.args['q'])", []),
        ("return {'q': request.args['q']}", []),
        ("return jsonify(request.args['q'])", []),
        ("return request.args['q'], 200, {'Content-Type': 'text/plain'}", []),
        ("def inner():\n    return request.args['q']\nreturn jsonify(inner())", []),
        ("os.system(helpers.parameters.parameter(request, 'q'))\nreturn ''", [(Sink.SHELL, "query")]),
        ("w = helpers.parameters.Wrapper(request)\nos.system(w.form('q'))\nreturn ''", [(Sink.SHELL, "form")]),
    ],
)  # fmt: skip
def test_flask(build: Build, statements: str, expected: list[tuple[Sink, str]]) -> None:
    """Text that a view returns is a page; the request is handed to functions like any value."""
    assert of_flask(build, statements) == expected


def test_sql_that_is_only_handed_on_is_the_callers(build: Build) -> None:
    body = """
def run(query, params=()):
    return conn.execute(query, params).fetchall()

@app.get('/a')
def a(q: str):
    return run(f"select * from t where a = '{q}'")

@app.get('/b')
def b(q: str):
    return run("select * from t where a = ?", (q,))

@app.get('/c')
def c(q: str):
    return run(f"delete from t where a = '{q}'")
"""
    assert reached(build, body) == [(Sink.SQL, 7), (Sink.SQL, 15)]


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        ('class M(BaseModel, extra="allow"):\n    a: str', [Sink.FIELDS]),
        ("class M(BaseModel):\n    class Config:\n        extra = Extra.allow\n    a: str", [Sink.FIELDS]),
        ('class M(BaseModel):\n    model_config = ConfigDict(extra="allow")\n    a: str', [Sink.FIELDS]),
        ('class M(BaseModel):\n    model_config = ConfigDict(extra="forbid")\n    a: str', []),
        ("class M(BaseModel):\n    a: str", []),
    ],
)  # fmt: skip
def test_models_that_take_more_than_they_declare(
    build: Build, declared: str, expected: list[Sink]
) -> None:
    loop = "for name, value in {}.items():\n    setattr(stored, name, value)"
    for dump in ("m.dict()", "m.model_dump(exclude_unset=True)", "vars(m)"):
        assert sinks(build, declared + "\n" + handler(loop.format(dump), "m: M")) == expected


def test_what_graphql_hands_to_resolvers(build: Build) -> None:
    files = {
        "app.py": """
import os
import graphene, strawberry
from ariadne import QueryType
from flask import Flask
from flask_graphql import GraphQLView
app = Flask(__name__)
query = QueryType()

class Ping(graphene.Mutation):
    class Arguments:
        host = graphene.String()
        count = graphene.Int()

    def mutate(self, info, host, count):
        os.system(f"ping -c {count} x")
        os.system(f"ping {host}")

class Query(graphene.ObjectType):
    log = graphene.String(name=graphene.String())
    def resolve_log(self, info, **kwargs):
        os.system("cat " + kwargs["name"])

@strawberry.type
class Other:
    @strawberry.field
    def lookup(self, host: str, port: int) -> str:
        os.system(f"nc x {port}")
        os.system("dig " + host)

@query.field("who")
def who(obj, info, name):
    os.system("whois " + name)

class Plain:
    def mutate(self, info, host):
        os.system(host)

@app.route("/")
def home():
    return "x"
"""
    }
    found = [i.place.line for i in build(files).facts(Intake) if i.sink]
    assert found == [17, 22, 29, 33]


def test_hooks_of_flask(build: Build) -> None:
    files = {
        "app.py": """
import os
from flask import Flask, redirect, render_template_string, request
app = Flask(__name__)

@app.errorhandler(404)
def missing(error):
    return render_template_string("<h1>%s</h1>" % request.url), 404

@app.before_request
def slashes():
    if request.args.get("trim"):
        return redirect(request.path)

@app.route("/")
def home():
    return "x"
"""
    }
    found = [(i.sink, i.place.line) for i in build(files).facts(Intake) if i.sink]
    assert found == [(Sink.TEMPLATE, 8)]


def test_a_hostile_call_graph_ends(build: Build) -> None:
    """Functions that all call each other, with every shape of arguments."""
    count = 60
    calls = "\n".join(f"    f{n}(b, [a], x={{'k': a}})" for n in range(count))
    functions = "\n".join(
        f"def f{n}(a, b=None, x=None):\n{calls}\n    return a" for n in range(count)
    )
    body = f"{functions}\n" + handler("f0(q, q)\nos.system(q)")
    started = time.process_time()  # other processes of a busy machine do not count
    assert sinks(build, body) == [Sink.SHELL]
    assert time.process_time() - started < 20


def test_a_deep_expression_ends(build: Build) -> None:
    body = handler("x = " + " + ".join(["q"] * 180) + "\nos.system(q)")
    assert sinks(build, body) == [Sink.SHELL]
