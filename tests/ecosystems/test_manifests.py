"""What each manifest format declares, spelling by spelling."""

from __future__ import annotations

import json

import pytest

from auditor.model.dependencies import Dependency, OutOfStep, Requirement, Runtime, Usage
from tests.conftest import Build

REQUIREMENTS = [
    ("fastapi==0.115.0", ("fastapi", "==0.115.0", "0.115.0", "")),
    ("FastAPI[all]>=0.100,<1 ; python_version >= '3.9'", ("fastapi", "<1,>=0.100", "", "")),
    ("flask_cors", ("flask-cors", "", "", "")),
    ("idna==3.7 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb", ("idna", "==3.7", "3.7", "")),
    ("numpy===1.26.4  # kept back", ("numpy", "===1.26.4", "1.26.4", "")),
    ("django==4.*", ("django", "==4.*", "", "")),
    ("git+https://git.example/team/tools.git@v1#egg=team-tools", ("team-tools", "@v1", "", "vcs")),
    ("-e git+ssh://git@git.example/team/kit.git@main", ("kit", "@main", "", "vcs")),
    ("kit @ git+https://git.example/team/kit.git", ("kit", "", "", "vcs")),
    ("kit @ https://files.example/kit-1.0.whl", ("kit", "", "", "url")),
    ("https://files.example/kit-1.0-py3-none-any.whl", ("kit", "", "", "url")),
]
NOTHING = [
    "-e .",
    ".",
    "./libs/kit",
    "--no-binary :all:",
    "# fastapi==1",
    "-f https://files.example/",
    "==",
]


@pytest.mark.parametrize("line, expected", REQUIREMENTS)
def test_a_line_of_a_requirements_file(
    line: str, expected: tuple[str, str, str, str], build: Build
) -> None:
    (found,) = build({"requirements.txt": f"\n{line}\n"}).facts(Requirement)
    assert (found.name, found.specifier, found.exact, found.origin) == expected
    assert found.place.line == 2


@pytest.mark.parametrize("line", NOTHING)
def test_a_line_that_declares_nothing(line: str, build: Build) -> None:
    assert build({"requirements.txt": line}).facts(Requirement) == ()


def test_files_that_are_taken_in_are_read_where_they_lie(build: Build) -> None:
    application = build(
        {
            "requirements/base.txt": "fastapi==0.115.0\n",
            "requirements/dev.txt": "-r base.txt\n-c constraints.txt\npytest==8.0\n",
            "requirements/constraints.txt": "anyio==4.0\n",
        }
    )
    found = {(r.place.path, r.name, r.group) for r in application.facts(Requirement)}
    assert ("requirements/base.txt", "fastapi", "") in found
    assert found == {
        ("requirements/base.txt", "fastapi", ""),
        ("requirements/dev.txt", "pytest", "dev"),
    }


def test_constraints_pin_what_a_file_declares(build: Build) -> None:
    application = build(
        {
            "requirements.txt": "-c constraints.txt\nflask\nredis\n",
            "constraints.txt": "flask==3.0.0\n",
        }
    )
    assert {d.name: d.version for d in application.facts(Dependency)} == {
        "flask": "3.0.0",
        "redis": "",
    }


def test_another_index_is_told(build: Build) -> None:
    (found,) = build(
        {"requirements.txt": "--extra-index-url https://pk.example/simple\nkit==1\n"}
    ).facts(Requirement)
    assert found.origin == "index"


PYPROJECT = """
[project]
requires-python = ">=3.10"
dependencies = ["fastapi>=0.115", "kit @ git+https://git.example/kit.git"]
[project.optional-dependencies]
cache = ["redis==5.0.0"]
[dependency-groups]
dev = ["pytest>=8", {include-group = "lint"}]
[tool.uv.sources]
redis = { index = "team" }
[tool.poetry.dependencies]
python = "^3.10"
django = "^4.2.1"
jinja2 = "~3.1"
numpy = "1.26.4"
motor = { version = ">=3.3,<4", extras = ["tls"] }
tools = { git = "https://git.example/tools.git" }
either = [{ version = "^1", python = "<3.11" }, { version = "^2", python = ">=3.11" }]
zero = "^0.2.3"
open = "*"
[tool.poetry.group.test.dependencies]
pytest-cov = "5.0.0"
"""


def test_pyproject_in_every_dialect(build: Build) -> None:
    application = build({"pyproject.toml": PYPROJECT})
    found = {
        r.name: (r.specifier, r.exact, r.group, r.origin) for r in application.facts(Requirement)
    }
    assert found == {
        "fastapi": (">=0.115", "", "", ""),
        "kit": ("", "", "", "vcs"),
        "redis": ("==5.0.0", "5.0.0", "cache", "index"),
        "pytest": (">=8", "", "dev", ""),
        "django": (">=4.2.1,<5", "", "", ""),
        "jinja2": (">=3.1,<3.2", "", "", ""),
        "numpy": ("==1.26.4", "1.26.4", "", ""),
        "motor": (">=3.3,<4", "", "", ""),
        "tools": ("", "", "", "vcs"),
        "either": ("", "", "", ""),
        "zero": (">=0.2.3,<0.3", "", "", ""),
        "open": ("", "", "", ""),
        "pytest-cov": ("==5.0.0", "5.0.0", "test", ""),
    }
    assert {r.specifier for r in application.facts(Runtime)} == {">=3.10", ">=3.10,<4"}


SETUP_PY = """
from setuptools import find_packages, setup
WEB = ["flask>=2", "gunicorn==21.2.0"]
raise SystemExit("never run")
setup(
    name="shop",
    python_requires=">=3.8",
    install_requires=WEB + ["requests"],
    extras_require={"dev": ["pytest"], "all": [*WEB]},
)
"""


def test_setup_py_is_read_and_never_run(build: Build) -> None:
    found = {(r.name, r.group) for r in build({"setup.py": SETUP_PY}).facts(Requirement)}
    assert found == {
        ("flask", ""), ("gunicorn", ""), ("requests", ""), ("pytest", "dev"), ("flask", "all"), ("gunicorn", "all"),
    }  # fmt: skip


OTHERS = {
    "setup.cfg": (
        "[options]\npython_requires = >=3.9\ninstall_requires =\n    flask>=2\n    redis==4.0\n"
        "[options.extras_require]\ndev =\n    pytest\n",
        {("flask", ""), ("redis", ""), ("pytest", "dev")},
    ),
    "Pipfile": (
        '[packages]\nflask = "*"\nkit = {git = "https://git.example/kit.git"}\n[dev-packages]\npytest = "==8.0"\n',
        {("flask", ""), ("kit", ""), ("pytest", "dev")},
    ),
    "environment.yml": (
        "dependencies:\n  - python=3.9\n  - numpy=1.26\n  - conda-forge::pandas\n  - pip:\n    - fastapi==0.115.0\n",
        {("numpy", ""), ("pandas", ""), ("fastapi", "")},
    ),
    "package.json": (
        '{"dependencies": {"@shop/cart": "^1.0.0", "kit": "team/kit"}, "devDependencies": {"vite": "5.0.0"}}',
        {("@shop/cart", ""), ("kit", ""), ("vite", "dev")},
    ),
    "Dockerfile": (
        "FROM python:3.12\nRUN pip install --no-cache-dir -r requirements.txt \\\n && pip install gunicorn==21.2.0"
        " 'uvicorn[standard]>=0.30' -t /app\nRUN pip install -U pip wheel\n",
        {("gunicorn", ""), ("uvicorn", "")},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", OTHERS)
def test_other_manifests(name: str, build: Build) -> None:
    content, expected = OTHERS[name]
    found = build({name: content}).facts(Requirement)
    assert {(r.name, r.group) for r in found} == expected


def test_a_lock_file_that_was_not_written_again(build: Build) -> None:
    application = build(
        {
            "pyproject.toml": '[project]\ndependencies = ["flask>=3", "redis", "idna==3.7",'
            " \"tomli; python_version < '3.8'\"]\n",
            "uv.lock": '[[package]]\nname = "flask"\nversion = "2.0.0"\n\n[[package]]\nname = "idna"\nversion = "3.7"\n',
        }
    )
    found = {(o.requirement.name, o.locked) for o in application.facts(OutOfStep)}
    assert found == {("flask", "2.0.0"), ("redis", "")}
    declared = {d.name: d.pinned for d in application.facts(Dependency)}
    assert declared == {"flask": True, "idna": True, "redis": False}


def test_the_nearest_lock_file_holds_a_manifest(build: Build) -> None:
    entry = '[[package]]\nname = "flask"\nversion = "{}"\n'
    application = build(
        {
            "uv.lock": entry.format("1.0"),
            "api/pyproject.toml": '[project]\ndependencies = ["flask>=2"]\n',
            "api/uv.lock": entry.format("2.0"),
        }
    )
    direct = [(d.version, d.place.path) for d in application.facts(Dependency) if d.direct]
    assert direct == [("2.0", "api/uv.lock")]


def test_a_lock_file_holds_the_members_of_its_workspace_only(build: Build) -> None:
    member = '[project]\nname = "{}"\ndependencies = ["flask>=3"]\n'
    application = build(
        {
            "uv.lock": '[[package]]\nname = "api"\nversion = "1"\nsource = { editable = "api" }\n\n'
            '[[package]]\nname = "flask"\nversion = "2.0"\n',
            "api/pyproject.toml": member.format("api"),
            "template/pyproject.toml": member.format("other"),
        }
    )
    assert [o.requirement.place.path for o in application.facts(OutOfStep)] == [
        "api/pyproject.toml"
    ]
    assert {(d.place.path, d.version) for d in application.facts(Dependency)} == {
        ("uv.lock", "2.0"),
        ("template/pyproject.toml", ""),
    }


def test_projects_of_the_tree_are_no_dependencies(build: Build) -> None:
    files = {
        "kit/pyproject.toml": '[project]\nname = "shop-kit"\n',
        "api/requirements.txt": "shop_kit\nflask==3.0.0\n",
        "web/package.json": '{"name": "@shop/web", "dependencies": {"@shop/ui": "workspace:*"}}',
        "ui/package.json": '{"name": "@shop/ui"}',
    }
    assert [d.name for d in build(files).facts(Dependency)] == ["flask"]


def test_what_is_pinned_in_a_lock_file_on_purpose_is_not_out_of_step(build: Build) -> None:
    files = {
        "package.json": '{"dependencies": {"react": "^19.0.0", "vue": "^3.0.0"}}',
        "pnpm-lock.yaml": "lockfileVersion: '9.0'\noverrides:\n  react: 18.0.0\nimporters:\n  .: {}\n"
        "packages:\n  react@18.0.0: {}\n  vue@2.0.0: {}\n",
    }
    assert [o.requirement.name for o in build(files).facts(OutOfStep)] == ["vue"]


SCRIPTS = """
import React from "react"
import {
  useCart,
} from '@shop/cart/hooks'
const vue = require("vue")
export * from "./lodash"
import "@/components/axios"
const lazy = () => import('moment/locale/de')
// a text from the "express" train
"""


def test_where_scripts_import_a_package(build: Build) -> None:
    names = ["react", "@shop/cart", "vue", "lodash", "axios", "moment", "express"]
    manifest = json.dumps({"dependencies": dict.fromkeys(names, "1.0.0")})
    application = build({"package.json": manifest, "src/app.tsx": SCRIPTS})
    found = {u.distribution: [p.line for p in u.places] for u in application.facts(Usage)}
    assert found == {
        "react": [2], "@shop/cart": [5], "vue": [6], "lodash": [], "axios": [], "moment": [9], "express": [],
    }  # fmt: skip


def test_a_version_that_a_lock_file_holds_twice_counts_once(build: Build) -> None:
    entry = '[[package]]\nname = "fastapi"\nversion = "0.115.0"\n{}\n\n'
    files = {
        "pyproject.toml": '[project]\ndependencies = ["fastapi[all]"]\n',
        "pdm.lock": entry.format("") + entry.format('extras = ["all"]'),
    }
    (found,) = build(files).facts(Dependency)
    assert found.direct
