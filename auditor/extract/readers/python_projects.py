"""Python projects' manifests: pyproject.toml, Pipfile, setup.cfg, setup.py, environment.yml.

PEP 621 and 735 (https://packaging.python.org/en/latest/specifications/pyproject-toml/), Poetry
(https://python-poetry.org/docs/dependency-specification/), PDM, Hatch, uv, Pipenv, setuptools, conda.
setup.py is read, never run.
"""

from __future__ import annotations

import ast
import configparser
import re
from collections.abc import Iterator
from typing import Any

import msgspec
from packaging.utils import canonicalize_name

from auditor.discover import Kind
from auditor.extract.facts import Fact
from auditor.extract.markup import Document, at, items, read_toml, read_yaml
from auditor.extract.packages import (
    CONDA,
    PYPI,
    Dependency,
    Project,
    Runtime,
    exact_version,
    index_origin,
    python_dependency,
)
from auditor.extract.source import Source, Unreadable, extracts


@extracts(Kind.MANIFEST, name=r"pyproject\.toml")
def pyproject(source: Source) -> Iterator[Fact]:
    document = read_toml(source.text)
    data = document.data
    if isinstance(version := at(data, "project", "requires-python"), str):
        yield Runtime("python", version, document.line("requires-python"))
    poetry = at(data, "tool", "poetry")
    for own in (at(data, "project", "name"), at(poetry, "name")):
        if isinstance(own, str):
            yield Project(canonicalize_name(own), PYPI)
    yield from _project(document)
    yield from _poetry(document, at(poetry, "dependencies"), "")
    yield from _poetry(document, at(poetry, "dev-dependencies"), "dev")
    for name, group in items(at(poetry, "group")):
        yield from _poetry(document, at(group, "dependencies"), name)


def _project(document: Document) -> Iterator[Fact]:
    data = document.data
    listed: list[tuple[str, Any]] = [("", at(data, "project", "dependencies"))]
    listed += items(at(data, "project", "optional-dependencies"))
    listed += [(name or "dev", items) for name, items in items(at(data, "dependency-groups"))]
    listed += items(at(data, "tool", "pdm", "dev-dependencies"))
    listed += [("dev", at(data, "tool", "uv", "dev-dependencies"))]
    for name, environment in items(at(data, "tool", "hatch", "envs")):
        listed += [(name, at(environment, "dependencies"))]
    sources = at(data, "tool", "uv", "sources")
    for group, texts in listed:
        for text in texts if isinstance(texts, list) else ():
            if isinstance(text, str) and (
                found := python_dependency(text, group, _line(document, text))
            ):
                yield _from(found, at(sources, found.name))


def _from(found: Dependency, source: Any) -> Dependency:
    """The dependency with the origin that `[tool.uv.sources]` gives it."""
    if not isinstance(source, dict):
        return found
    keys = {"git": "vcs", "path": "path", "workspace": "path", "url": "url", "index": "index"}
    origin = next((origin for key, origin in keys.items() if key in source), found.origin)
    return msgspec.structs.replace(found, origin=origin)


def _line(document: Document, text: str) -> int:
    at = document.text.find(text)
    return document.text.count("\n", 0, at) + 1 if at >= 0 else 1


def _poetry(document: Document, table: Any, group: str) -> Iterator[Fact]:
    """A table of Poetry's or Pipenv's: name = version, or a table with where it comes from."""
    for name, value in items(table):
        choices = value if isinstance(value, list) else [value]
        first = choices[0] if choices else ""
        text = first if isinstance(first, str) else str(at(first, "version") or "")
        line = document.line(name)
        if name == "python":
            yield Runtime("python", poetry_specifier(text), line)
            continue
        specifier = poetry_specifier(text) if len(choices) == 1 else ""
        conditional = bool(at(first, "markers") or at(first, "python") or at(first, "platform"))
        yield Dependency(
            canonicalize_name(name),
            specifier,
            exact_version(specifier),
            PYPI,
            group,
            line,
            _origin(first),
            conditional,
        )


def _origin(value: Any) -> str:
    if not isinstance(value, dict):
        return ""
    for key, origin in (("git", "vcs"), ("path", "path"), ("file", "path"), ("url", "url")):
        if key in value:
            return origin
    return "index" if value.get("source") or value.get("index") not in (None, "pypi") else ""


def poetry_specifier(text: str) -> str:
    """A constraint of Poetry's in PEP 440's notation; empty where any version fits.

    `^1.2.3` is >=1.2.3,<2; `~1.2` is >=1.2,<1.3; a bare version is exact. Alternatives (`||`) have no
    PEP 440 notation and are left open.
    """
    text = text.strip()
    if text in ("", "*") or "||" in text or "|" in text:
        return ""
    parts = []
    for part in re.split(r"\s*,\s*|\s+(?=[<>=!~^])", text):
        match = re.fullmatch(
            r"(\^|~(?!=)|)\s*v?(\d+(?:\.\d+)*(?:\.\*)?(?:[-.]?[a-z]+\d*)*)", part, re.I
        )
        if match is None:
            parts.append(re.sub(r"\s+", "", part))
            continue
        sign, version = match[1], match[2]
        if not sign:
            parts.append(f"=={version}")
            continue
        numbers = [int(n) for n in re.match(r"\d+(?:\.\d+)*", version)[0].split(".")]  # type: ignore[index]
        parts.append(f">={version},<{_next(numbers, sign)}")
    return ",".join(part for part in parts if part)


def _next(numbers: list[int], sign: str) -> str:
    """The first version that `^` or `~` leaves out."""
    at = 1 if sign == "~" and len(numbers) > 1 else 0
    if sign == "^":
        at = next((i for i, n in enumerate(numbers) if n), len(numbers) - 1)
    return ".".join(str(n) for n in (*numbers[:at], numbers[at] + 1))


@extracts(Kind.MANIFEST, name=r"pipfile")
def pipfile(source: Source) -> Iterator[Fact]:
    document = read_toml(source.text)
    if isinstance(version := at(document.data, "requires", "python_version"), str):
        yield Runtime("python", f"=={version}.*", document.line("python_version"))
    sources = at(document.data, "source")
    public = not isinstance(sources, list) or not any(
        index_origin(str(at(each, "url") or "")) for each in sources
    )
    for table, group in (("packages", ""), ("dev-packages", "dev")):
        for fact in _pipenv(document, at(document.data, table), group):
            if public or not isinstance(fact, Dependency) or fact.origin:
                yield fact
            else:
                yield msgspec.structs.replace(fact, origin="index")


def _pipenv(document: Document, table: Any, group: str) -> Iterator[Fact]:
    for name, value in items(table):
        text = value if isinstance(value, str) else str(at(value, "version") or "")
        specifier = "" if text.strip() == "*" else re.sub(r"\s+", "", text)
        yield Dependency(
            canonicalize_name(name),
            specifier,
            exact_version(specifier),
            PYPI,
            group,
            document.line(name),
            _origin(value),
        )


@extracts(Kind.MANIFEST, name=r"setup\.cfg")
def setup_cfg(source: Source) -> Iterator[Fact]:
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(source.text)
    except configparser.Error as error:
        raise Unreadable(f"broken setup.cfg: {str(error).splitlines()[0][:120]}") from error
    document = Document(None, {}, source.text)
    if version := parser.get("options", "python_requires", fallback=""):
        yield Runtime("python", version.strip(), document.line("python_requires"))
    if name := parser.get("metadata", "name", fallback=""):
        yield Project(canonicalize_name(name), PYPI)
    listed = [("", parser.get("options", "install_requires", fallback=""))]
    if parser.has_section("options.extras_require"):
        listed += parser.items("options.extras_require")
    for group, text in listed:
        for line in re.split(r"[\n;](?=\s*[A-Za-z])", text):
            if found := python_dependency(
                line.strip(), group, _line(document, line.strip() or "\0")
            ):
                yield found


@extracts(Kind.PYTHON, name=r"setup\.py")
def setup_py(source: Source) -> Iterator[Fact]:
    """The lists that `setup()` is given, as they stand in the file or in a variable of it."""
    try:
        tree = ast.parse(source.text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return  # the reader of Python files says so
    variables = {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id="setup") | ast.Attribute(attr="setup")):
                for keyword in node.keywords:
                    yield from _setup_argument(keyword, variables)


def _setup_argument(keyword: ast.keyword, variables: dict[str, ast.expr]) -> Iterator[Fact]:
    def known(node: ast.expr) -> ast.expr:
        return variables.get(node.id, node) if isinstance(node, ast.Name) else node

    value = known(keyword.value)
    match keyword.arg, value:
        case "name", ast.Constant(value=str(own)):
            yield Project(canonicalize_name(own), PYPI)
        case "python_requires", ast.Constant(value=str(version)):
            yield Runtime("python", version, value.lineno)
        case "install_requires", _:
            yield from _listed(value, "", variables)
        case "extras_require", ast.Dict(keys=keys, values=values):
            for key, items in zip(keys, values, strict=True):
                name = str(key.value) if isinstance(key, ast.Constant) else "extra"
                yield from _listed(known(items), name, variables)


def _listed(node: ast.expr, group: str, variables: dict[str, ast.expr]) -> Iterator[Fact]:
    match node:
        case ast.List(elts=items) | ast.Tuple(elts=items):
            for item in items:
                yield from _listed(item, group, variables)
        case ast.BinOp(op=ast.Add(), left=left, right=right):
            for side in (left, right):
                if not isinstance(side, ast.Name) or side.id in variables:
                    yield from _listed(
                        variables[side.id] if isinstance(side, ast.Name) else side, group, {}
                    )
        case ast.Starred(value=ast.Name(id=name)) if name in variables:
            yield from _listed(variables[name], group, {})
        case ast.Constant(value=str(text)):
            for line in text.split("\n"):
                if found := python_dependency(line.strip(), group, node.lineno):
                    yield found


@extracts(Kind.MANIFEST, name=r"environment\.ya?ml")
def conda(source: Source) -> Iterator[Fact]:
    """https://docs.conda.io/projects/conda/en/stable/user-guide/tasks/manage-environments.html."""
    for document in read_yaml(source.text)[:1]:
        listed = at(document.data, "dependencies")
        for index, item in enumerate(listed if isinstance(listed, list) else ()):
            line = document.line("dependencies", index)
            if isinstance(item, str):
                yield from _conda_package(item, line)
            for at_pip, text in enumerate(at(item, "pip") or ()):
                if found := python_dependency(
                    str(text), "", document.line("dependencies", index, "pip", at_pip)
                ):
                    yield found


def _conda_package(text: str, line: int) -> Iterator[Fact]:
    match = re.match(r"(?:[\w.-]+::)?([\w.-]+)\s*([=<>!~].*)?$", text.strip())
    if match is None:
        return
    name, specifier = match[1], (match[2] or "").strip()
    pin = re.match(r"={1,2}\s*([^=,\s*]+)(?:=.*)?$", specifier)
    if name == "python":
        yield Runtime("python", f"=={pin[1]}.*" if pin else specifier, line)
    else:
        yield Dependency(
            canonicalize_name(name), specifier, pin[1] if pin else "", CONDA, "", line, "conda"
        )


@extracts(Kind.TEXT, name=r"\.python-version|runtime\.txt")
def runtime(source: Source) -> Iterator[Fact]:
    """pyenv's and uv's .python-version, and Heroku's runtime.txt."""
    if match := re.match(r"\s*(?:python-|cpython-)?(\d+\.\d+)(?:\.\d+)?\b", source.text):
        yield Runtime("python", f"=={match[1]}.*", 1)


@extracts(Kind.DOCKERFILE)
def base_images(source: Source) -> Iterator[Fact]:
    """The language of official base images: `FROM python:3.8-slim`."""
    pattern = re.compile(
        r"^\s*FROM\s+(?:--\S+\s+)?(?:[\w.-]+(?::\d+)?/)*(python|node):v?(\d+(?:\.\d+)?)", re.I
    )
    for number, line in enumerate(source.text.split("\n"), 1):
        if match := pattern.match(line):
            yield Runtime(match[1].lower(), f"=={match[2]}.*", number)
