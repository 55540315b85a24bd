"""OpenAPI and Swagger documents: operations, the functions they name, and the security they ask.

https://spec.openapis.org/oas/v3.1.0, https://swagger.io/specification/v2/; the extensions
(`x-openapi-router-controller`, `x-bearerInfoFunc`) are connexion's,
https://connexion.readthedocs.io/en/stable/security.html.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from auditor.discover import Kind
from auditor.extract.facts import Fact
from auditor.extract.markup import Document, at, read_json, read_yaml, text_at
from auditor.extract.source import Source, Unreadable, extracts

_VERBS = ("get", "post", "put", "patch", "delete")
_CONTROLLERS = ("x-openapi-router-controller", "x-swagger-router-controller")
_MAX_REFERENCES = 8

Alternatives = list[list[str]]
"""Names of security schemes: any of the lists will do, all of its names; an empty one is anybody."""


class Operation(Fact, frozen=True):
    """One method of a path; `types` tell the variables of the path that are no plain text."""

    method: str
    path: str
    handler: str
    controller: str
    security: Alternatives
    types: dict[str, str]
    line: int


class Specification(Fact, frozen=True):
    """A document; `schemes` maps a security scheme to the function that verifies it, or nothing."""

    base: str
    operations: list[Operation]
    schemes: dict[str, str]
    remote: list[str]
    """The schemes whose tokens a server outside verifies (`x-tokenInfoUrl`)."""


@extracts(Kind.TEXT, Kind.PLATFORM, name=r".+\.(?:ya?ml|json)")
def specification(source: Source) -> Iterator[Fact]:
    if not re.search(rb"[\"']?(?:openapi|swagger)[\"']?\s*:", source.data[:4000]):
        return
    if b"paths" not in source.data:
        return
    try:
        read = read_json if source.name.lower().endswith("json") else _first_of_yaml
        document = read(source.text)
    except Unreadable:
        return  # a template, or a document of something else: the code tells what it needed
    if isinstance(at(document.data, "paths"), dict):
        yield _specification(document)


def _first_of_yaml(text: str) -> Document:
    return next(iter(read_yaml(text)), Document(None))


def _specification(document: Document) -> Specification:
    data = document.data
    declared = at(data, "components", "securitySchemes") or at(data, "securityDefinitions")
    schemes: dict[str, str] = {}
    remote: list[str] = []
    for name, scheme in declared.items() if isinstance(declared, dict) else ():
        functions = [
            str(function)
            for key, function in (scheme.items() if isinstance(scheme, dict) else ())
            if re.fullmatch(r"x-(?:apikey|bearer|basic|token)InfoFunc", str(key))
        ]
        schemes[name] = functions[0] if functions else ""
        if not functions and text_at(scheme, "x-tokenInfoUrl"):
            remote.append(name)
    base = text_at(data, "basePath") or _server(_address(at(data, "servers", 0)))
    return Specification(base, list(_operations(document)), schemes, remote)


def _address(server: Any) -> str:
    """The URL of a server, with its variables as they are by default."""
    url, variables = text_at(server, "url"), at(server, "variables")
    for name in variables if isinstance(variables, dict) else ():
        url = url.replace(f"{{{name}}}", text_at(variables[name], "default"))
    return url


def _server(url: str) -> str:
    """The path of a server's address: `https://host/v1` and `/v1` are both /v1."""
    return re.sub(r"^[a-z]+://[^/]*", "", url).rstrip("/")


def _operations(document: Document) -> Iterator[Operation]:
    data = document.data
    default = _security(at(data, "security")) or []
    for path, item in data["paths"].items():
        if not isinstance(item, dict) or not str(path).startswith("/"):
            continue
        for verb in _VERBS:
            operation = item.get(verb)
            if not isinstance(operation, dict):
                continue
            own = _security(operation.get("security"))
            parameters = [*_listed(item, "parameters"), *_listed(operation, "parameters")]
            controllers = [text_at(x, key) for x in (operation, item) for key in _CONTROLLERS]
            yield Operation(
                verb.upper(),
                str(path),
                text_at(operation, "operationId"),
                next((name for name in controllers if name), ""),
                default if own is None else own,
                dict(_types(data, parameters)),
                document.line("paths", path, verb),
            )


def _listed(item: dict[str, Any], key: str) -> list[Any]:
    return item[key] if isinstance(item.get(key), list) else []


def _types(data: Any, parameters: list[Any]) -> Iterator[tuple[str, str]]:
    """(variable of the path, type) for those that are numbers or whole paths."""
    for parameter in parameters:
        for _ in range(_MAX_REFERENCES):
            reference = text_at(parameter, "$ref")
            if not reference.startswith("#/"):
                break
            parameter = at(data, *reference[2:].split("/"))
        if text_at(parameter, "in") == "path":
            for found in (parameter, at(parameter, "schema")):
                kind = text_at(found, "type")
                if text_at(found, "format") == "path":
                    kind = "path"
                if kind and kind != "string":
                    yield text_at(parameter, "name"), kind


def _security(given: Any) -> Alternatives | None:
    """The alternatives that `security` lists; None where it is not given."""
    if not isinstance(given, list):
        return None
    return [[str(name) for name in each] for each in given if isinstance(each, dict)]
