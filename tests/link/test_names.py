"""Canonical names: what an expression means, across files."""

from __future__ import annotations

import pytest

from auditor.extract.python import tree as t
from auditor.link.scopes import named
from tests.conftest import Build

CASES = {
    "an import": ("from fastapi import Depends\nprobe(Depends)", "fastapi.Depends"),
    "an alias": ("import fastapi as f\nprobe(f.Depends)", "fastapi.Depends"),
    "a method of an instance": (
        "from fastapi import FastAPI\napp = FastAPI()\nprobe(app.include_router)",
        "fastapi.FastAPI().include_router",
    ),
    "a subscript": (
        "from pymongo import MongoClient\nclient = MongoClient()\nprobe(client['x'].leads.find)",
        "pymongo.MongoClient()[].leads.find",
    ),
    "an annotated parameter": (
        "from fastapi import Request\ndef f(request: Request):\n    probe(request.json)",
        "fastapi.Request().json",
    ),
    "an optional parameter": (
        "from fastapi import Request\ndef f(r: Request | None = None):\n    probe(r.json)",
        "fastapi.Request().json",
    ),
    "what a function returns": (
        "from pymongo import MongoClient\ndef connect():\n    return MongoClient()\nprobe(connect().shop)",
        "pymongo.MongoClient().shop",
    ),
    "an attribute set in the constructor": (
        "from redis import Redis\nclass A:\n    def __init__(self):\n        self.r = Redis()\n"
        "    def go(self):\n        probe(self.r.get)",
        "redis.Redis().get",
    ),
    "a constructor's argument": (
        "from redis import Redis\nclass A:\n    def __init__(self, r):\n        self.r = r\n"
        "    def go(self):\n        probe(self.r.get)\nA(Redis())",
        "redis.Redis().get",
    ),
    "an injected value": (
        "from fastapi import Depends\nfrom redis import Redis\ndef store():\n    return Redis()\n"
        "def f(r=Depends(store)):\n    probe(r.get)",
        "redis.Redis().get",
    ),
    "an annotated injected value": (
        "from typing import Annotated\nfrom fastapi import Depends\nfrom redis import Redis\n"
        "def store():\n    yield Redis()\nStore = Annotated[Redis, Depends(store)]\n"
        "def f(r: Store):\n    probe(r.get)",
        "redis.Redis().get",
    ),
    "an instance of a generic class": (
        "from typing import Generic\nfrom store import Base\nclass Users(Base[int], Generic[T]): ...\n"
        "users = Users[int](1)\nprobe(users.get)",
        "store.Base().get",
    ),
    "a local that shadows an import": (
        "from os import environ\ndef f(environ):\n    probe(environ)",
        "",
    ),
    "a walrus": (
        "from redis import Redis\ndef f():\n    if (r := Redis()):\n        probe(r.get)",
        "redis.Redis().get",
    ),
    "an unpacked display": (
        "from redis import Redis\na, b = 1, Redis()\nprobe(b.get)",
        "redis.Redis().get",
    ),
    "a builtin": ("probe(print)", "builtins.print"),
    "a name from a package of the tree": (
        "from pkg import connect\nprobe(connect().x)",
        "redis.Redis().x",
    ),
    "a name through a star import": (
        "from pkg.stores import *\nprobe(store.get)",
        "redis.Redis().get",
    ),
    "a star import of a package outside": (
        "from redis import *\nprobe(Redis().get)",
        "redis.Redis().get",
    ),
    "star imports of which one is known to give it": (
        "from flask import *\nfrom peewee import *\nfrom redis import *\nprobe(Model)",
        "peewee.Model",
    ),
    "a builtin beside a star import": ("from redis import *\nprobe(print)", "builtins.print"),
    "star imports of which any may give it": (
        "from redis import *\nfrom valkey import *\nprobe(Client)",
        "",
    ),
    "a package's star import through the tree": (
        "from pkg.all import *\nfrom pkg.stores import *\nprobe(store.get)\nprobe",
        "redis.Redis().get",
    ),
    "a submodule": ("from pkg import stores\nprobe(stores.store.get)", "redis.Redis().get"),
}
PACKAGE = {
    "pkg/__init__.py": "from .stores import make as connect\n",
    "pkg/all.py": "from valkey import *\n",
    "pkg/stores.py": "from redis import Redis\nstore = Redis()\ndef make():\n    return store\n",
}


@pytest.mark.parametrize("source, expected", CASES.values(), ids=CASES.keys())
def test_canonical_name(source: str, expected: str, build: Build) -> None:
    code = build({"main.py": source, **PACKAGE}).code
    (site,) = code.method_calls("probe")
    assert code.name(site.node.args[0], site.scope) == expected


def test_a_class_of_its_files_name_brought_by_a_star(build: Build) -> None:
    code = build(
        {
            "shop/__init__.py": "from .Top import *\n",
            "shop/Top.py": "class Top:\n    url = 'x'\n",
            "use.py": "from shop import Top\nprobe(Top)\n",
        }
    ).code
    (site,) = code.method_calls("probe")
    assert code.name(site.node.args[0], site.scope) == "shop/Top.py:Top"


def test_an_annotation_that_names_a_module_is_no_instance(build: Build) -> None:
    """`conf: settings` with the module handed in: a slip that Python lets pass."""
    code = build(
        {
            "settings.py": "url = 'x'\n",
            "use.py": "import settings\ndef load(conf: settings):\n    conf.url.open()\nload(settings)\n",
        }
    ).code
    (site,) = code.method_calls("open")
    assert "module:" not in code.name(site.node.func, site.scope)


def test_a_module_named_like_a_package_does_not_import_itself(build: Build) -> None:
    code = build({"redis.py": "import redis\nprobe(redis.Redis)\n"}).code
    (site,) = code.method_calls("probe")
    assert code.name(site.node.args[0], site.scope) == "redis.Redis"


@pytest.mark.parametrize(
    "line",
    ["from .models import Item", "from shop.models import Item", "from . import models as own\n    Item = own.Item"],
)  # fmt: skip
def test_a_function_that_imports_from_its_own_module(line: str, build: Build) -> None:
    source = f"def ask():\n    {line}\n    probe(Item)\nclass Item: ...\n"
    code = build({"shop/__init__.py": "", "shop/models.py": source}).code
    (site,) = code.method_calls("probe")
    assert code.name(site.node.args[0], site.scope) == "shop/models.py:Item"


def test_a_module_that_imports_from_itself_what_it_has_not_ends(build: Build) -> None:
    source = "from .models import Gone\nfrom shop.models import *\nprobe(Gone, Other)\n"
    code = build({"shop/__init__.py": "", "shop/models.py": source}).code
    (site,) = code.method_calls("probe")
    names = [code.name(arg, site.scope) for arg in site.node.args]
    assert not any("Item" in name for name in names)


def test_a_module_of_a_package_named_like_what_it_imports(build: Build) -> None:
    source = "from redis import Redis\nprobe(Redis)\nclass Redis2(Redis): ...\n"
    code = build({"kept/__init__.py": "", "kept/redis.py": source}).code
    (site,) = code.method_calls("probe")
    assert code.name(site.node.args[0], site.scope) == "redis.Redis"


@pytest.mark.parametrize("home", ["libs/shop-core", "libs/shop-core/src"])
def test_members_of_a_workspace_import_each_other(home: str, build: Build) -> None:
    files = {
        "apps/api/main.py": "from shop_core.db import find\nprobe(find)",
        f"{home}/shop_core/__init__.py": "",
        f"{home}/shop_core/db.py": "def find(): ...",
    }
    code = build(files).code
    (site,) = code.method_calls("probe")
    assert code.name(site.node.args[0], site.scope) == f"{home}/shop_core/db.py:find"


@pytest.mark.parametrize(
    ("root", "lines", "expected"),
    [
        ("", "from shop.models.note import Note\nprobe(Note)", "models/note.py:Note"),
        ("", "from shop.models import note\nprobe(note.Note)", "models/note.py:Note"),
        ("", "import shop.models.note\nprobe(shop.models.note.Note)", "models/note.py:Note"),
        ("", "import shop.models.note as n\nprobe(n.Note)", "models/note.py:Note"),
        ("Note = 1", "from shop import Note\nprobe(Note)", "__init__.py:Note"),
        # what is called alike elsewhere is not the tree's
        ("", "from shop.models.note import Other\nprobe(Other)", "shop.models.note.Other"),
        ("", "from shop.models.note import A, B, Note\nprobe(Note)", "shop.models.note.Note"),
        ("", "from json.models.note import Note\nprobe(Note)", "json.models.note.Note"),
        ("", "from a.models.note import Note\nfrom b.models import note\nprobe(Note)", "a.models.note.Note"),
        (None, "from shop.models.note import Note\nprobe(Note)", "shop.models.note.Note"),
    ],
)  # fmt: skip
def test_a_root_that_is_itself_the_package(
    root: str | None, lines: str, expected: str, build: Build
) -> None:
    files = {
        "models/__init__.py": "",
        "models/note.py": "class Note: ...\n",
        "web/__init__.py": "",
        "web/notes.py": lines,
    }
    code = build(files if root is None else files | {"__init__.py": root}).code
    (site,) = code.method_calls("probe")
    assert code.name(site.node.args[0], site.scope) == expected


def test_packages_that_import_all_of_each_other_end(build: Build) -> None:
    files = {
        "__init__.py": "from core import *\nfrom core.a import *\n",
        "core/__init__.py": "from pkg.core import *\nfrom core.a import *\nfrom core.b import *\n",
        "core/a.py": "from core import *\nfrom core.b import *\n",
        "core/b.py": "from core.a import *\nfrom .. import *\nprobe(missing)\n",
    }
    code = build(files).code
    (site,) = code.method_calls("probe")
    assert code.name(site.node.args[0], site.scope) == "pkg.core.missing"  # the one package outside


def test_mutual_references_end(build: Build) -> None:
    code = build({"a.py": "from b import x\nx = x\nprobe(x.y)", "b.py": "from a import x\n"}).code
    (site,) = code.method_calls("probe")
    assert code.name(site.node.args[0], site.scope) in ("", "a.py:x.y")


def test_functions_of_one_name_are_all_there(build: Build) -> None:
    code = build({"a.py": "def f(): ...\ndef f(): ...\n"}).code
    assert [f.node.line for f in code.functions()] == [1, 2]


def test_walk_own_stays_out_of_nested_functions(build: Build) -> None:
    code = build({"a.py": "def f():\n    x = 1\n    def g():\n        y = 2\n"}).code
    (outer, _) = code.functions()
    assert isinstance(outer.node, t.Function)
    constants = [n.value for n in t.walk_own(*outer.node.body) if isinstance(n, t.Const)]
    assert constants == [1]


def test_a_directory_that_the_settings_put_on_the_path(build: Build) -> None:
    files = {
        "shop/settings.py": "import os, sys\nROOT = os.path.dirname(__file__)\n"
        "sys.path.insert(0, os.path.join(ROOT, '../apps'))\n",
        "shop/urls.py": "from orders.views import listed\n",
        "apps/__init__.py": "",
        "apps/orders/views.py": "def listed(): ...\n",
        "apps/orders/__init__.py": "",
    }
    code = build(files).code
    scope = code.modules["shop/urls.py"].scope
    assert code.name(named("listed"), scope) == "apps/orders/views.py:listed"


@pytest.mark.parametrize("order", ["ab", "ba"])
def test_the_order_of_asking_does_not_matter(build: Build, order: str) -> None:
    """Names that rest on one another: what is asked of in the middle is told once it is known."""
    code = build({"app.py": "from redis import Redis\nb = a\na = b or Redis()\n"}).code
    scope = code.modules["app.py"].scope
    for name in order:
        assert code.name(t.Name(1, 1, 1, name), scope) == "redis.Redis()"


@pytest.mark.parametrize("init", [{}, {"src/kit/__init__.py": ""}])
def test_a_directory_of_packages_is_a_package_itself(build: Build, init: dict[str, str]) -> None:
    files = {
        "src/app.py": "import kit.core.models\nX = kit.core.models.Group\n",
        "src/kit/core/__init__.py": "",
        "src/kit/core/models.py": "class Group: ...\n",
    }
    code = build(files | init).code
    scope = code.modules["src/app.py"].scope
    (binding,) = scope.bindings["X"]
    assert code.name(binding.value, scope) == "src/kit/core/models.py:Group"
