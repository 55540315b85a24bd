"""Code that raises or leaves before it asks anything: what it asks needs no index; and near misses that are run."""

from __future__ import annotations

import pytest

from auditor.model.data import CollectionFit, Fit
from tests.conftest import Build

MODELS = """
from flask_sqlalchemy import SQLAlchemy
db = SQLAlchemy()
class User(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    email = db.Column(db.String)
"""
APP = """
from flask import Flask
from shop.models import db
app = Flask(__name__)
@app.route("/")
def all():
    from shop import views
    return views.one("x")
"""
NEEDS = """
from flask import Flask
from shop import views
app = Flask(__name__)
app.register_blueprint(views.views)
"""
VIEWS = """
from flask import Blueprint
from shop.models import User
%s
views = Blueprint("views", __name__)
@views.route("/<e>")
def one(e):
    return User.query.filter_by(email=e).first()
"""
CONFIG = "class Config:\n    DEBUG = True\n"


def told(build: Build, files: dict[str, str]) -> tuple[Fit, str]:
    whole = {"run.py": APP, "shop/__init__.py": "", "shop/models.py": MODELS, **files}
    found = build(whole).facts(CollectionFit)
    ((answer, why),) = {(m.fit, m.why) for f in found for q, m in f.fits if q.equality == ("email",)}  # fmt: skip
    return answer, why


@pytest.mark.parametrize(
    ("line", "more", "why"),
    [
        ("from shop.config import Config\nPATH = Config.PATH", {}, "Config has no PATH (shop/views.py:5)"),
        ("from shop.config import Config\nprint(Config.DEBUG, Config.PATH)", {}, "Config has no PATH (shop/views.py:5)"),
        ("from shop import config\nPATH = config.Config.PATH", {}, "Config has no PATH (shop/views.py:5)"),
        ("from shop.config import LIMIT", {}, "shop/config.py has no LIMIT (shop/views.py:4)"),
        ("from .config import LIMIT", {}, "shop/config.py has no LIMIT (shop/views.py:4)"),
        ("from shop import config\nLIMIT = config.LIMIT", {}, "shop/config.py has no LIMIT (shop/views.py:5)"),
        ("from shop.helpers import f", {"shop/helpers.py": "from shop.config import LIMIT\ndef f(): return LIMIT\n"}, "shop/helpers.py cannot be imported: shop/config.py has no LIMIT (shop/helpers.py:1)"),
        ("from shop.parts import f", {"shop/parts/__init__.py": "from shop.config import LIMIT\ndef f(): return LIMIT\n"}, "shop/config.py has no LIMIT (shop/parts/__init__.py:1)"),
        ("from shop.parts.deep import f", {"shop/parts/__init__.py": "from shop.config import LIMIT\n", "shop/parts/deep.py": "def f(): pass\n"}, "shop/config.py has no LIMIT (shop/parts/__init__.py:1)"),
        ("LIMIT = limit + 1", {}, "limit is not defined (shop/views.py:4)"),
        ("class Kept:\n    limit = limits[0]", {}, "limits is not defined (shop/views.py:4)"),
        ("class Kept(Unheard):\n    pass", {}, "Unheard is not defined (shop/views.py:4)"),
        ("def f(x=unheard): pass", {}, "unheard is not defined (shop/views.py:4)"),
        ("from shop.config import settings\nURL = settings.URL", {"shop/config.py": "from pydantic_settings import BaseSettings\nclass Settings(BaseSettings):\n    DEBUG: bool = True\nsettings = Settings()\n"}, "Settings has no URL (shop/views.py:5)"),
        ("from shop.config import *\nLIMIT = limit", {}, "limit is not defined (shop/views.py:5)"),
    ],
)  # fmt: skip
def test_a_module_that_raises_while_it_is_imported(
    build: Build, line: str, more: dict[str, str], why: str
) -> None:
    answer, reason = told(build, {"shop/views.py": VIEWS % line, "shop/config.py": CONFIG, **more})
    assert (answer, reason.endswith(why)) == (Fit.COVERED, True), reason


@pytest.mark.parametrize(
    ("line", "more"),
    [
        ("from shop.config import Config\nPATH = Config.DEBUG", {}),
        ("from shop.config import Config\nPATH = getattr(Config, 'PATH', None)", {}),
        ("from shop.config import Config\ntry:\n    PATH = Config.PATH\nexcept AttributeError:\n    PATH = ''", {}),
        ("from shop.config import Config\nif Config.DEBUG:\n    PATH = Config.PATH", {}),
        ("from shop.config import Config\nPATH = Config.DEBUG and Config.PATH", {}),
        ("from shop.config import Config\nPATH = lambda: Config.PATH", {}),
        ("from shop.config import Config\nPATH = Config.PATH", {"run.py": "from shop.config import Config\nConfig.PATH = 'x'\n" + APP}),
        ("from shop.config import Config\nPATH = Config.PATH", {"run.py": "from shop.config import Config\nsetattr(Config, 'PATH', 'x')\n" + APP}),
        ("from shop.config import Config\nPATH = Config.PATH", {"run.py": "from shop.config import Config\nfor k, v in read():\n    setattr(Config, k, v)\n" + APP}),
        ("from shop.config import Config\nPATH = Config.PATH", {"shop/config.py": "from base import Kept\nclass Config(Kept):\n    pass\n"}),
        ("from shop.config import Config\nPATH = Config.PATH", {"shop/config.py": "class Config(metaclass=Reads):\n    pass\nclass Reads(type): pass\n"}),
        ("from shop.config import Config\nPATH = Config.PATH", {"shop/config.py": "from environ import config\n@config\nclass Config:\n    pass\n"}),
        ("from shop.config import Config\nPATH = Config.PATH", {"shop/config.py": "import os\nclass Config:\n    for k, v in os.environ.items():\n        locals()[k] = v\n"}),
        ("from shop.config import Config\nPATH = Config.PATH", {"shop/config.py": "class Base:\n    PATH = 1\nclass Config(Base):\n    pass\n"}),
        ("from shop.config import Config\nPATH = Config.PATH", {"shop/config.py": "class Config:\n    pass\nConfig = load(Config)\ndef load(x): return x\n"}),
        ("from shop.config import config\nPATH = config.PATH", {"shop/config.py": "class Config:\n    def __getattr__(self, name): return 1\nconfig = Config()\n"}),
        ("from shop.config import config\nPATH = config.PATH", {"shop/config.py": "class Config:\n    def __init__(self): self.PATH = 1\nconfig = Config()\n"}),
        ("from shop.config import config\nPATH = config.PATH", {"shop/config.py": "class Config:\n    def __init__(self, **more): self.__dict__.update(more)\nconfig = Config(PATH=1)\n"}),
        ("from shop.config import settings\nURL = settings.URL", {"shop/config.py": "from pydantic_settings import BaseSettings\nclass Settings(BaseSettings):\n    model_config = {'extra': 'allow'}\nsettings = Settings()\n"}),
        ("from shop.config import settings\nURL = settings.URL", {"shop/config.py": "from dynaconf import Dynaconf\nsettings = Dynaconf()\n"}),
        ("from shop.config import Kind\nK = Kind.A", {"shop/config.py": "from enum import Enum\nKind = Enum('Kind', 'A B')\n"}),
        ("from shop.config import LIMIT", {"shop/config.py": "from limits import *\n"}),
        ("from shop.config import LIMIT", {"shop/config.py": "globals()['LIMIT'] = 1\n"}),
        ("from shop.config import LIMIT", {"shop/config.py": "exec(open('x').read())\n"}),
        ("from shop.config import LIMIT", {"shop/config.py": "def __getattr__(name): return 1\n"}),
        ("from shop.config import LIMIT", {"shop/config.py": "def start():\n    global LIMIT\n    LIMIT = 1\n"}),
        ("from shop.config import LIMIT", {"shop/config.py": "try:\n    LIMIT = 1\nfinally:\n    pass\n"}),
        ("try:\n    from shop.config import LIMIT\nexcept ImportError:\n    LIMIT = 1", {}),
        ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from shop.config import LIMIT", {}),
        ("from shop.config import LIMIT", {"run.py": "from shop import config\nconfig.LIMIT = 1\n" + APP}),
        ("from shop.parts import deep", {"shop/parts/__init__.py": "", "shop/parts/deep.py": ""}),
        ("from shop.parts import deep", {"shop/parts/__init__.py": "", "shop/parts/deep.pyx": ""}),
        ("from shop.parts import deep", {"shop/parts/__init__.py": "", "shop/parts/deep/more.py": ""}),
        ("from config import LIMIT", {"shop/config.py": "", "other/config.py": "LIMIT = 1\n"}),
        ("from redis import Redis", {"shop/redis.py": "from redis import Sentinel\n"}),
        ("from jwt import encode", {"shop/jwt.py": "import jwt\ndef token(): return jwt.encode({})\n"}),
        ("from queue import Queue", {"shop/queue.py": ""}),
        ("from shop.local_settings import LIMIT", {}),
        ("from shop._version import version", {}),
        ("from shop.user_pb2 import Message", {}),
        ("from shop.models_gen import Message", {".gitignore": "*_gen.py\n"}),
        ("from shop.made import Message", {".gitignore": "/shop/made/\n"}),
        ("from shop.rpc.entity import Message", {"shop/rpc/README.md": "of another repository"}),
        ("print(_('hello'))", {}),
        ("print(__file__, WindowsError if False else 1)", {}),
        ("KEPT = [limit for limit in (1, 2)]", {}),
        ("KEPT: Unheard = 1", {}),
        ("def f(x: Unheard) -> Other: pass", {}),
        ("from shop.config import *\nLIMIT = limit", {"shop/config.py": "from elsewhere import *\n"}),
        ("LIMIT = limit", {"run.py": "import builtins\nbuiltins.limit = 1\n" + APP}),
        ("if False:\n    limit = 1\nLIMIT = limit", {}),
        ("KEPT = T", {}),
        ("from contextlib import suppress\nwith suppress(ImportError):\n    from shop.config import LIMIT", {}),
    ],
)  # fmt: skip
def test_a_module_of_which_nobody_can_tell_that_it_raises(
    build: Build, line: str, more: dict[str, str]
) -> None:
    answer, why = told(build, {"shop/views.py": VIEWS % line, "shop/config.py": CONFIG, **more})
    assert answer is Fit.MISSING, why


def test_a_module_that_is_not_in_the_tree(build: Build) -> None:
    """What only some of the application needs is missing; what it cannot start without is left out on purpose."""
    needs = VIEWS % "from shop.mails import send"
    answer, why = told(build, {"shop/views.py": needs})
    assert (answer, why.endswith("shop.mails is not there (shop/views.py:4)")) == (Fit.COVERED, True)  # fmt: skip
    assert told(build, {"run.py": NEEDS, "shop/views.py": needs})[0] is Fit.MISSING


def test_what_the_application_needs_to_start_does_not_raise(build: Build) -> None:
    """Something is read wrongly then: nobody keeps an application that does not start."""
    files = {"shop/views.py": VIEWS % "from shop.config import LIMIT", "shop/config.py": CONFIG}
    assert told(build, files)[0] is Fit.COVERED
    assert told(build, {"run.py": NEEDS, **files})[0] is Fit.MISSING


@pytest.mark.parametrize(
    "more",
    [
        {"shop/parts/__init__.py": "", "shop/parts/fastapi/__init__.py": "from fastapi import FastAPI\n"},
        {"shop/fastapi.py": "from fastapi import FastAPI\n", "shop/other.py": "from shop.fastapi import FastAPI\n"},
        {"requirements.txt": "fastapi\n", "fastapi/__init__.py": "from .more import FastAPI\n", "fastapi/more.py": "FastAPI = 1\n"},
    ],
)  # fmt: skip
def test_a_module_that_is_called_like_a_package(build: Build, more: dict[str, str]) -> None:
    views = VIEWS % "from fastapi import FastAPI, Request"
    answer, why = told(build, {"shop/views.py": views, **more})
    assert answer is Fit.MISSING, why


ASKS = "return User.query.filter_by(email=e).first()"


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("sys.exit(1)\n    " + ASKS, "code leaves before (shop/views.py:9)"),
        ("abort(404)\n    " + ASKS, "code leaves before (shop/views.py:9)"),
        ("if e:\n        return 1\n    else:\n        return 2\n    " + ASKS, "code leaves before (shop/views.py:9)"),
        ("while True:\n        e += 'x'\n    " + ASKS, "code leaves before (shop/views.py:9)"),
        ("log.info(e)\n    " + ASKS, "log is not defined (shop/views.py:9)"),
        ("if limit:\n        " + ASKS, "limit is not defined (shop/views.py:9)"),
        ("return User.query.filter_by(email=mail).first()", "mail is not defined (shop/views.py:9)"),
        ("from shop.config import LIMIT\n    " + ASKS, "shop/config.py has no LIMIT (shop/views.py:9)"),
        ("from shop.broken import f\n    " + ASKS, "shop/config.py has no LIMIT (shop/broken.py:1)"),
        ("try:\n        log.info(e)\n        " + ASKS + "\n    except Exception:\n        return 1", "log is not defined (shop/views.py:10)"),
    ],
)  # fmt: skip
def test_a_function_that_raises_or_leaves_before(build: Build, body: str, why: str) -> None:
    views = (VIEWS % "import sys\nfrom flask import abort").replace(ASKS, body)
    broken = {
        "shop/config.py": CONFIG,
        "shop/broken.py": "from shop.config import LIMIT\ndef f(): pass\n",
    }
    answer, reason = told(build, {"shop/views.py": views, **broken})
    assert (answer, reason.endswith(why)) == (Fit.COVERED, True), reason


@pytest.mark.parametrize(
    "body",
    [
        "if not e:\n        return None\n    " + ASKS,
        "try:\n        log.info(e)\n    except Exception:\n        pass\n    " + ASKS,
        "try:\n        return log[e]\n    except Exception:\n        " + ASKS,
        "try:\n        return 1\n    finally:\n        User.query.filter_by(email=e).first()",
        "with suppress(Exception):\n        raise ValueError\n    " + ASKS,
        "while True:\n        if e:\n            break\n    " + ASKS,
        "log = e\n    print(log)\n    " + ASKS,
        "found = User.query.filter_by(email=e).first()\n    return found, limit",
        "return [User.query.filter_by(email=e).first() for e in (e,)]",
        "def inner():\n        return later\n    " + ASKS,
        "e = e or limit\n    " + ASKS,
        "e = unicode(e)\n    " + ASKS,
        "match e:\n        case {'x': limit}:\n            print(limit)\n    " + ASKS,
        "if (limit := len(e)) > 2:\n        print(limit)\n    " + ASKS,
    ],
)
def test_a_function_of_which_nobody_can_tell_that_it_raises(build: Build, body: str) -> None:
    answer, why = told(
        build, {"shop/views.py": (VIEWS % "from contextlib import suppress").replace(ASKS, body)}
    )
    assert answer is Fit.MISSING, why


def test_what_only_code_calls_that_raises_before(build: Build) -> None:
    store = "from shop.models import User\ndef find(e):\n    return User.query.filter_by(email=e).first()\n"
    views = (VIEWS % "from shop.store import find").replace(ASKS, "log.info(e)\n    return find(e)")
    answer, why = told(build, {"shop/store.py": store, "shop/views.py": views})
    assert (answer, why) == (Fit.COVERED, "nothing that runs calls find, which asks it")
    views = views.replace("log.info(e)\n    ", "")
    assert told(build, {"shop/store.py": store, "shop/views.py": views})[0] is Fit.MISSING


@pytest.mark.parametrize(
    ("signature", "call", "is_called"),
    [
        ("e, kind", "find(e)", False),
        ("e, *, kind", "find(e)", False),
        ("e", "find(e, kind='x')", False),
        ("e, kind", "store.find(e)", False),
        ("e, kind", "find(e, 'x')", True),
        ("e, kind", "find(e, kind='x')", True),
        ("e, kind", "find(*e)", True),
        ("e, kind", "find(**e)", True),
        ("e, kind='x'", "find(e)", True),
        ("e, *kinds", "find(e)", True),
        ("e, **more", "find(e, kind='x')", True),
        ("e, kind", "run(find, e)", True),
        ("e, kind", "functools.partial(find, kind='x')(e)", True),
    ],
)
@pytest.mark.parametrize("decorator", ["", "@gives_kind\n"])
def test_a_call_that_lacks_what_a_function_requires(
    build: Build, signature: str, call: str, is_called: bool, decorator: str
) -> None:
    store = f"from elsewhere import gives_kind\nfrom shop.models import User\n{decorator}def find({signature}):\n    return User.query.filter_by(email=e).first()\n"
    views = (VIEWS % "import functools\nfrom elsewhere import run\nfrom shop import store\nfrom shop.store import find").replace(ASKS, f"return {call}")  # fmt: skip
    answer, why = told(build, {"shop/store.py": store, "shop/views.py": views})
    assert answer is (Fit.MISSING if is_called or decorator else Fit.COVERED), why


_STORE = (
    "from shop.models import User\ndef find(e):\n    return User.query.filter_by(email=e).first()\n"
)
_PARTS = {"shop/config.py": CONFIG, "shop/parts/store.py": _STORE, "shop/more.py": "from shop.parts.store import find\n"}  # fmt: skip
_BREAKS = "from shop.config import LIMIT\n"


@pytest.mark.parametrize(
    "more",
    [
        {"shop/parts/__init__.py": _BREAKS},
        {"shop/parts/__init__.py": "from .store import find\n" + _BREAKS},
        {"shop/parts/__init__.py": "from .other import f\n", "shop/parts/other.py": _BREAKS + "def f(): pass\n"},
        {"shop/parts/__init__.py": _BREAKS, "shop/more.py": "def one(e):\n    from .parts import store\n    return store.find(e)\n"},
        {"shop/parts/__init__.py": _BREAKS, "shop/parts/deep/__init__.py": "", "shop/parts/deep/store.py": _STORE, "shop/parts/store.py": "", "shop/more.py": "from shop.parts.deep.store import find\n"},
    ],
)  # fmt: skip
def test_a_module_whose_package_cannot_be_imported(build: Build, more: dict[str, str]) -> None:
    answer, why = told(build, {**_PARTS, **more})
    assert (answer, "shop/config.py has no LIMIT" in why) == (Fit.COVERED, True), why


@pytest.mark.parametrize(
    "more",
    [
        {"shop/parts/__init__.py": ""},
        {"shop/parts/__init__.py": "try:\n    from shop.config import LIMIT\nexcept ImportError:\n    pass\n"},
        {"shop/parts/__init__.py": "from .store import find\nfind('x')\n" + _BREAKS},
        {"shop/parts/__init__.py": _BREAKS, "shop/parts/other.py": "import store\nstore.find('x')\n"},
        {"shop/parts/__init__.py": _BREAKS, "shop/parts/store.py": _STORE + "if __name__ == '__main__':\n    find('x')\n"},
        {"shop/parts/__init__.py": _BREAKS, "shop/parts/store.py": _STORE + "find('x')\n"},
    ],
)  # fmt: skip
def test_a_module_that_is_run_all_the_same(build: Build, more: dict[str, str]) -> None:
    views = (VIEWS % "").replace(ASKS, "from shop.parts.store import find\n    return find(e)")
    answer, why = told(build, {**_PARTS, "shop/views.py": views, **more})
    assert answer is Fit.MISSING, why


@pytest.mark.parametrize(
    ("bases", "missing"),
    [
        ("[ItemT: dict](list[ItemT])", True),
        ("(list[ItemT])", True),  # a parameter that an older grammar leaves out
        ("(ItemT)", False),
    ],
)
def test_the_parameters_of_a_class_are_bound_in_its_bases(
    bases: str, missing: bool, build: Build
) -> None:
    files = {"shop/views.py": VIEWS % f"class Items{bases}:\n    pass"}
    assert (told(build, files)[0] is Fit.MISSING) is missing


_GUARDED = """
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
{before}
app = Flask(__name__)
db = SQLAlchemy(app)
class Guest({bases}):
    id = db.Column(db.Integer, primary_key=True)
    {within}
class Stay(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    email = db.Column(db.String)
@app.route("/<e>")
def stays(e):
    guest = Guest.query.get_or_404(e)
    {guard}
    return Stay.query.filter_by(email=e).count()
"""


@pytest.mark.parametrize(
    ("guard", "more", "raises"),
    [
        ("if not guest.checked: return ''", {}, True),
        ("print(guest.checked)", {"bases": "UserMixin, db.Model"}, True),
        ("checked = guest.checked", {"before": "class Kept:\n    def f(self): ..."}, True),
        ("if guest.checked.at: return ''", {}, True),
        ("print(guest.checked)", {"within": "checked = db.Column(db.Boolean)"}, False),
        ("print(guest.checked)", {"within": "checker = db.relationship('Stay', backref='checked')"}, False),
        ("print(guest.checked)", {"within": "@property\n    def checked(self): return 1"}, False),
        ("print(guest.checked)", {"within": "def __getattr__(self, name): return 1"}, False),
        ("print(guest.checked)", {"bases": "db.Model, Kept"}, False),
        ("print(guest.checked)", {"bases": "Kept, db.Model", "before": "class Kept:\n    checked = 1"}, False),
        ("print(guest.checked)", {"before": "def check(guest):\n    guest.checked = True"}, False),
        ("print(guest.checked)", {"before": "def check(guest):\n    setattr(guest, 'checked', True)"}, False),
        ("print(guest.checked)", {"within": "__table_args__ = {'autoload_with': 1}"}, False),
        ("print(guest.query)", {}, False),
        ("print(guest.is_active)", {"bases": "UserMixin, db.Model"}, False),
        ("print(getattr(guest, 'checked', None))", {}, False),
        ("if e: print(guest.checked)", {}, False),
        ("try: print(guest.checked)\n    except AttributeError: pass", {}, False),
        ("if e: guest = load(e)\n    print(guest.checked)", {"before": "from elsewhere import load"}, False),
    ],
)  # fmt: skip
def test_an_attribute_that_a_stored_object_has_not(
    build: Build, guard: str, more: dict[str, str], raises: bool
) -> None:
    parts = {"before": "", "bases": "db.Model", "within": "", **more}
    parts["before"] = f"from flask_login import UserMixin\nfrom kept import Kept\n{parts['before']}"
    found = build({"run.py": _GUARDED.format(guard=guard, **parts)}).facts(CollectionFit)
    ((answer, why),) = {(m.fit, m.why) for f in found for q, m in f.fits if q.operation == "count"}
    assert answer is (Fit.UNKNOWN if raises else Fit.MISSING), why


_CALLING = """
import asyncpg, contextlib, elsewhere
from fastapi import FastAPI
app = FastAPI()
async def connect():
    return await asyncpg.connect(host="localhost", database="club")
@contextlib.asynccontextmanager
async def connected():
    yield await connect()
async def ended(token):
    async with connect() as c:
        print(token)
def refuse(why):
    print(why)
    raise ValueError(why)
def given(why):
    yield why
    raise ValueError(why)
def checked(why):
    if why == "x":
        return why
    raise ValueError(why)
async def start():
    async with connected() as c:
        await c.execute("CREATE TABLE IF NOT EXISTS members (pk text PRIMARY KEY, token text)")
@app.get("/me")
async def me(token: str):
    c = await connect()
    {body}
"""


@pytest.mark.parametrize(
    ("body", "reaches"),
    [
        ("async with connect() as c: {asks}", False),
        ("async with connect() as c: pass\n    {asks}", False),
        ("await ended(token)\n    {asks}", False),
        ("if await ended(token):\n        {asks}", False),
        ("refuse(token)\n    {asks}", False),
        ("print(refuse(token))\n    {asks}", False),
        ("async with await connect() as d: {asks}", True),
        ("async with connected() as c: {asks}", True),
        ("try: await ended(token)\n    except TypeError: pass\n    {asks}", True),
        ("with contextlib.suppress(ValueError): refuse(token)\n    {asks}", True),
        ("if token: refuse(token)\n    {asks}", True),
        ("token and refuse(token)\n    {asks}", True),
        ("ended(token)\n    {asks}", True),  # a coroutine that nothing begins
        ("given(token)\n    {asks}", True),
        ("checked(token)\n    {asks}", True),
        ("elsewhere.run(refuse)\n    {asks}", True),
        ("{asks}\n    refuse(token)", True),
    ],
)  # fmt: skip
def test_what_stands_after_a_call_that_always_raises(
    build: Build, body: str, reaches: bool
) -> None:
    asks = 'await c.fetchrow("SELECT pk FROM members WHERE token = $1", token)'
    files = {"main.py": _CALLING.format(body=body.format(asks=asks)), "requirements.txt": "asyncpg"}
    found = build(files).facts(CollectionFit)
    (fit,) = [m for f in found for q, m in f.fits if q.equality == ("token",)]
    assert fit.fit is (Fit.MISSING if reaches else Fit.COVERED), fit.why


def test_a_script_that_ends_with_what_raises(build: Build) -> None:
    """Its functions are called before."""
    body = 'await c.fetchrow("SELECT pk FROM members WHERE token = $1", token)\n'
    ends = (
        "import asyncio\ndef main():\n    asyncio.run(me('x'))\n    raise SystemExit(0)\nmain()\n"
    )
    files = {"main.py": _CALLING.format(body=body) + ends, "requirements.txt": "asyncpg"}
    found = build(files).facts(CollectionFit)
    (fit,) = [m for f in found for q, m in f.fits if q.equality == ("token",)]
    assert fit.fit is Fit.MISSING, fit.why


_OF_SELF = """
from flask import Flask
from elsewhere import Other
from shop.models import User
app = Flask(__name__)
{before}
class Store:
    def by(self, mail):
        return User.query.filter_by(email=mail).first()
class Desk:
{within}
    def __init__(self):
        self._store = Store()
    def ask(self, mail):
        {guard}
        return self.store.by(mail)
{after}
@app.route("/<e>")
def one(e):
    return Desk().ask(e)
"""


@pytest.mark.parametrize(
    ("parts", "raises"),
    [
        ({}, True),
        ({"after": "class Inner(Desk): pass"}, True),
        ({"guard": "print(self._store)"}, True),
        ({"within": "    store = Store()"}, False),
        ({"within": "    store: Store"}, False),
        ({"within": "    @property\n    def store(self): return self._store"}, False),
        ({"within": "    def __getattr__(self, name): return self._store"}, False),
        ({"within": "    def fill(self, **made): self.__dict__.update(made)"}, False),
        ({"within": "    def fill(self, **made):\n        for name in made: setattr(self, name, made[name])"}, False),
        ({"guard": "if not hasattr(self, 'store'): setattr(self, 'store', Store())"}, False),
        ({"guard": "with Store() as self.store: pass"}, False),
        ({"guard": "for self.store in [Store()]: pass"}, False),
        ({"guard": "self = Other()"}, False),
        ({"before": "def fill(desk):\n    desk.store = Store()"}, False),
        ({"before": "def fill(desk, **made):\n    for name in made: setattr(desk, name, made[name])"}, False),
        ({"after": "class Inner(Desk, Other): pass"}, False),
        ({"after": "class Inner(Desk):\n    store = Store()"}, False),
        ({"after": "Inner = type('Inner', (Desk,), {'store': Store()})"}, False),
        ({"after": "from shop import desks"}, False),
    ],
)  # fmt: skip
def test_an_attribute_that_no_object_of_a_class_has(
    build: Build, parts: dict[str, str], raises: bool
) -> None:
    whole = {"before": "", "within": "    kept = 1", "guard": "pass", "after": "", **parts}
    files = {
        "shop/__init__.py": "",
        "shop/models.py": MODELS,
        "run.py": _OF_SELF.format(**whole),
        "shop/desks.py": "from outer.run import Desk\nclass Inner(Desk):\n    store = 1\n",
    }
    if "desks" not in whole["after"]:
        del files["shop/desks.py"]
    found = build(files).facts(CollectionFit)
    ((answer, why),) = {(m.fit, m.why) for f in found for q, m in f.fits if q.equality == ("email",)}  # fmt: skip
    assert answer is (Fit.COVERED if raises else Fit.MISSING), why


_RESOLVING = """
import graphene
from graphene import relay
from graphene_django.types import DjangoObjectType
from elsewhere import Asked
from .models import Song
class SongType(DjangoObjectType):
    class Meta:
        model = Song
{before}
class Query({bases}):
    songs = {field}
    def resolve_songs(self, info{taken}):
        if {test}:
            return Song.objects.filter(title=info.context.path)
        return Song.objects.all()
{after}
"""


@pytest.mark.parametrize(
    ("parts", "asked"),
    [
        ({}, False),
        ({"test": "kwargs.get('x')"}, False),
        ({"test": "kwargs"}, False),
        ({"field": "graphene.List(SongType, y=graphene.Int())"}, False),
        ({"field": "graphene.Field(graphene.List(SongType), required=True)"}, False),
        ({"taken": ", x=None", "test": "x"}, False),
        ({"after": "class Root(Query, graphene.ObjectType): pass"}, False),
        ({"field": "graphene.List(SongType, x=graphene.Int())"}, True),
        ({"field": "graphene.List(SongType, args={'x': graphene.Int()})"}, True),
        ({"field": "graphene.List(SongType, **Asked)"}, True),
        ({"field": "relay.ConnectionField(SongType)"}, True),
        ({"field": "Asked(SongType)"}, True),
        ({"taken": ", x=None", "test": "x", "field": "graphene.List(SongType, x=graphene.Int())"}, True),
        ({"taken": ", x=3", "test": "x"}, True),
        ({"bases": "Asked, graphene.ObjectType"}, True),
        ({"after": "class Root(Query):\n    songs = graphene.List(SongType, x=graphene.Int())"}, True),
        ({"after": "def other(query, info): return query.resolve_songs(info, x=1)"}, True),
    ],
)  # fmt: skip
def test_an_argument_that_no_field_of_graphene_declares(
    build: Build, parts: dict[str, str], asked: bool
) -> None:
    whole = {"before": "", "after": "", "bases": "graphene.ObjectType", "field": "graphene.List(SongType)", "taken": ", **kwargs", "test": "'x' in kwargs", **parts}  # fmt: skip
    files = {
        "shop/__init__.py": "",
        "shop/models.py": "from django.db import models\nclass Song(models.Model):\n    title = models.CharField(max_length=9)\n",
        "shop/schema.py": _RESOLVING.format(**whole),
    }
    found = build(files).facts(CollectionFit)
    (fit,) = [m for f in found for q, m in f.fits if q.equality == ("title",)]
    assert fit.fit is (Fit.MISSING if asked else Fit.COVERED), fit.why


_NARROWED = """
from flask import Blueprint, request
from sqlalchemy import select%s
from shop.models import User, db
views = Blueprint("views", __name__)
@views.route("/<e>")
def one(e):
    found = select(User)
    if request.args.get("mail"):
        %s
    return db.session.execute(found).scalars().all()
"""


@pytest.mark.parametrize(
    ("imported", "line", "asked"),
    [
        ("", "found = found.where(or_(User.email == e))", False),
        ("", "found = found.where(User.email == e, User.mail == e)", False),
        (", or_", "found = found.where(or_(User.email == e))", True),
        ("", "found = found.where(User.email == e)", True),
        ("", "found = found.where(User.email == e) if e else found.where(or_(User.id == e))", True),
    ],
)
def test_a_query_narrowed_by_what_raises_is_not_sent(
    imported: str, line: str, asked: bool, build: Build
) -> None:
    views = _NARROWED % (imported, line)
    files = {
        "run.py": APP,
        "shop/__init__.py": "",
        "shop/models.py": MODELS,
        "shop/views.py": views,
    }
    found = build(files).facts(CollectionFit)
    fields = {q.fields for f in found for q, _ in f.fits if q.place.path == "shop/views.py"}
    assert (("email",) in fields) is asked
    assert () in fields
