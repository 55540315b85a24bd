"""One set of dependencies as each package manager really locks it, and the same read from each.

The files in `locks/` are what the tools wrote (Poetry 2.5, uv, PDM 2.29, Pipenv, pip-compile 7,
`uv export`, npm 11 in its three formats, Yarn 1 and 4, pnpm 9) for Flask and Requests, with pytest for
development, or for Express and debug, with semver for development.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from auditor.model.dependencies import Dependency, OutOfStep
from tests.conftest import load

LOCKS = Path(__file__).parent / "locks"
PYTHON = ["uv", "pdm", "pipenv", "poetry", "pylock", "piptools", "uv-export"]
NODE = ["npm", "npm1", "npm2", "yarn", "berry", "pnpm"]
WITHOUT_GRAPH = {"pipenv", "pylock"}
"""Formats that do not say what requires what."""
PRODUCTION = {
    "blinker", "certifi", "charset-normalizer", "click", "flask", "idna", "itsdangerous", "jinja2", "markupsafe",
    "requests", "urllib3", "werkzeug",
}  # fmt: skip
DEVELOPMENT = {"iniconfig", "packaging", "pluggy", "pygments", "pytest"}


def dependencies(tool: str) -> dict[str, list[Dependency]]:
    found: dict[str, list[Dependency]] = {}
    for each in load(LOCKS / tool).facts(Dependency):
        found.setdefault(each.name, []).append(each)
    return found


@pytest.mark.parametrize("tool", PYTHON)
def test_python_locks_hold_the_same(tool: str) -> None:
    found = dependencies(tool)
    names = set(found) - {"colorama"}  # for Windows: Pipenv and pip-compile leave it out on Linux
    assert names == PRODUCTION | (DEVELOPMENT if tool != "piptools" else set())
    assert all(d.pinned and not d.origin for each in found.values() for d in each)
    assert {n for n, each in found.items() if each[0].direct} == {
        "flask", "requests", *(["pytest"] if tool != "piptools" else []),
    }  # fmt: skip
    (flask,), (werkzeug,) = found["flask"], found["werkzeug"]
    assert flask.version == "3.1.3"
    assert werkzeug.version == "3.1.9"
    assert werkzeug.through == (() if tool in WITHOUT_GRAPH else ("flask",))


@pytest.mark.parametrize("tool", ["uv", "pdm", "pipenv", "poetry"])
def test_what_only_development_needs_is_told_apart(tool: str) -> None:
    groups = {name: each[0].group for name, each in dependencies(tool).items()}
    assert {n for n, group in groups.items() if not group} == PRODUCTION
    assert groups["pluggy"] == "dev"


@pytest.mark.parametrize("tool", NODE)
def test_node_locks_hold_the_same(tool: str) -> None:
    found = dependencies(tool)
    assert len(found) == 73
    assert set(found) == set(dependencies("npm"))
    assert {n for n, each in found.items() if any(d.direct for d in each)} == {
        "debug",
        "express",
        "semver",
    }
    assert {d.version for d in found["debug"]} == {"4.4.3", "2.6.9"}
    assert [d.version for d in found["debug"] if d.direct] == ["4.4.3"]
    assert {n for n, each in found.items() if each[0].group} == {"semver", "lru-cache", "yallist"}
    assert found["yallist"][0].through == ("semver", "lru-cache")
    assert found["qs"][0].through == ("express",)
    assert found["semver"][0].requires == ("lru-cache",)


@pytest.mark.parametrize("tool", [*PYTHON, *NODE])
def test_each_entry_stands_where_it_is_said_to(tool: str) -> None:
    application = load(LOCKS / tool)
    lines: dict[str, list[str]] = {}
    for each in application.facts(Dependency):
        text = lines.setdefault(
            each.place.path, (LOCKS / tool / each.place.path).read_text().split("\n")
        )
        assert each.name in "".join(text[each.place.line - 1 : each.place.line + 1])
    assert application.facts(OutOfStep) == ()
    assert application.unread == ()


DAMAGED = {
    "poetry.lock": "[[package]]\nname = 1\nversion = []\n",
    "uv.lock": "package = 3\n",
    "package-lock.json": '{"packages": {"node_modules/a": 7, "": null}}',
    "npm-shrinkwrap.json": '{"dependencies": [1, 2]}',
    "yarn.lock": 'a@^1:\n    deep\n  version\n"b@1", :\n',
    "pnpm-lock.yaml": "packages:\n  ? [a]\n  : 1\n  /x: null\n",
    "Pipfile.lock": '{"default": {"a": null, "b": {"version": 3}}}',
    "pylock.toml": "[[packages]]\nname = 'a'\n",
    "setup.cfg": "no section\n",
    "environment.yml": "dependencies: {a: b}\n",
    "package.json": '{"dependencies": ["a"], "engines": 3}',
    "pyproject.toml": "[project]\ndependencies = 'a'\n[tool.poetry]\ndependencies = []\n[tool.uv]\nsources = 1\n",
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_file_ends_nothing(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(DAMAGED[name])
    application = load(tmp_path)
    application.facts(Dependency)
    assert all("could not be read (" not in fact.reason for _, fact in application.unread)
