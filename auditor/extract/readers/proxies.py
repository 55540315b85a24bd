"""Reverse proxies: nginx's and Caddy's configuration, statement by statement; limits of others.

https://nginx.org/en/docs/beginners_guide.html#conf_structure and https://caddyserver.com/docs/caddyfile/concepts:
both are statements in nested blocks; nginx ends one with a semicolon, Caddy with its line.
Traefik's middlewares come from dynamic files or labels, Kong's plugins from its declarative file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from auditor.discover import Kind
from auditor.extract.facts import Fact
from auditor.extract.markup import Document, at, items, read_toml, read_yaml, text_at
from auditor.extract.source import Source, Unreadable, extracts

_TOKEN = re.compile(
    r"[^\S\n]*(?:#[^\n]*)?"
    r"(\n|;|\{\{|\{%|\{|\}|\"[^\"\n]*\"|'[^'\n]*'|(?:\$\{[^}\s]*\}|[^\s;{}\"'#])+)?"
)
_MAX_STATEMENTS = 5_000
_MAX_DEPTH = 12


class ProxyStatement(Fact, frozen=True):
    """`words` of one statement; `blocks` are the (header, line) pairs around it, outermost first."""

    server: str
    blocks: list[tuple[str, int]]
    words: list[str]
    line: int


class GatewayLimit(Fact, frozen=True):
    """A rate limit of a gateway; `target` is the service or path it is for, empty for all."""

    gateway: str
    name: str
    target: str
    line: int


@extracts(
    Kind.PROXY,
    name=r".*\.conf(?:\..+)?|.*nginx.*|default\.conf.*|.*\.template|.*\.j2|(?!caddy)[\w-]+",
)
def nginx(source: Source) -> Iterator[Fact]:
    yield from _statements("nginx", source.text, by_line=False)


_NGINX = re.compile(
    r"(?m)^\s*(?:proxy_pass|uwsgi_pass|proxy_set_header|limit_req(?:_zone)?|client_max_body_size|ssl_certificate|add_header)\s"
)


@extracts(Kind.TEXT, name=r".+\.conf(?:\.(?:template|j2|jinja2?))?")
def nginx_parts(source: Source) -> Iterator[Fact]:
    """What nginx includes may have any name: its statements tell what it is."""
    if _NGINX.search(source.text[:100_000]):
        yield from _statements("nginx", source.text, by_line=False)


@extracts(Kind.PROXY, name=r"caddyfile.*|.*\.caddy(?:file)?")
def caddy(source: Source) -> Iterator[Fact]:
    yield from _statements("caddy", source.text, by_line=True)


def _statements(server: str, text: str, by_line: bool) -> Iterator[Fact]:
    """A template's own tags are passed over; what they would fill in stays unknown."""
    blocks: list[tuple[str, int]] = []
    words: list[str] = []
    line, position, start, found = 1, 0, 1, 0
    while position < len(text) and found < _MAX_STATEMENTS:
        match = _TOKEN.match(text, position)
        if match is None or match.end() == position:
            break
        token = match[1] or ""
        position = match.end()
        if token in ("{{", "{%"):
            end = text.find("}}" if token == "{{" else "%}", position)
            if end < 0:
                break
            line += text.count("\n", position, end)
            position = end + 2
            if token == "{{":
                words.append("{{}}")
            continue
        ends = token in (";", "}") or (token == "\n" and by_line)
        if token == "{":
            if len(blocks) < _MAX_DEPTH:
                blocks.append((" ".join(words), start if words else line))
            words = []
        elif ends:
            if words:
                found += 1
                yield ProxyStatement(server, list(blocks), words, start)
            words = []
            if token == "}" and blocks:
                blocks.pop()
        elif token and token != "\n":
            if not words:
                start = line
            words.append(token.strip("\"'"))
        if token == "\n":
            line += 1


class TraefikEntry(Fact, frozen=True):
    """What Traefik's own files say beyond limits: `https` where plain HTTP is sent on, the greatest body."""

    https: bool
    body: int
    line: int


_GATEWAY = re.compile(r"rateLimit|rate-limiting|redirections|redirectScheme|buffering")


@extracts(Kind.PROXY, Kind.PLATFORM, name=r".+\.(?:ya?ml|toml)")
def gateways(source: Source) -> Iterator[Fact]:
    """Traefik's static and dynamic configuration, Kong's plugins."""
    if not _GATEWAY.search(source.text):
        return
    try:
        toml = source.name.endswith(".toml")
        documents = [read_toml(source.text)] if toml else read_yaml(source.text)
    except Unreadable:
        return
    for document in documents:
        yield from _traefik(document)
        yield from _kong(document.data, document.line("plugins"), "")


def _traefik(document: Document) -> Iterator[Fact]:
    """https://doc.traefik.io/traefik/reference/install-configuration/entrypoints/ and its middlewares."""
    data = document.data
    for name, entry in items(at(data, "entryPoints")):
        told = at(entry, "http", "redirections", "entryPoint")
        if told and text_at(told, "scheme") in ("", "https"):
            yield TraefikEntry(True, 0, document.line("entryPoints", name))
    middlewares = items(at(data, "http", "middlewares"))
    limiting = {name for name, options in middlewares if at(options, "rateLimit")}
    redirecting = {
        n for n, o in middlewares if text_at(at(o, "redirectScheme"), "scheme") == "https"
    }
    bodies = {n: at(o, "buffering", "maxRequestBodyBytes") for n, o in middlewares}
    for name, router in items(at(data, "http", "routers")):
        used = at(router, "middlewares")
        line = document.line("http", "routers", name)
        for each in used if isinstance(used, list) else ():
            middleware = str(each).split("@")[0]
            if middleware in limiting:
                yield GatewayLimit("Traefik", str(each), _prefix(text_at(router, "rule")), line)
            body = bodies.get(middleware)
            if middleware in redirecting or isinstance(body, int):
                yield TraefikEntry(middleware in redirecting, body if isinstance(body, int) else 0, line)  # fmt: skip


def _kong(data: Any, line: int, target: str) -> Iterator[Fact]:
    plugins = at(data, "plugins")
    for plugin in plugins if isinstance(plugins, list) else ():
        enabled = at(plugin, "enabled")
        if text_at(plugin, "name").startswith("rate-limiting") and enabled is not False:
            yield GatewayLimit("Kong", text_at(plugin, "name"), target, line)
    if not target:
        services = at(data, "services")
        for service in services if isinstance(services, list) else ():
            yield from _kong(service, line, "/")
            routes = at(service, "routes")
            for route in routes if isinstance(routes, list) else ():
                yield from _kong(route, line, text_at(route, "paths").split(" ")[0] or "/")


def _prefix(rule: str) -> str:
    """The path of a Traefik rule; empty where it names none."""
    found = re.search(r"Path(?:Prefix)?\(\s*[`'\"]([^`'\"]*)", rule)
    return found[1] if found else ""


def traefik_labels(labels: dict[str, str]) -> tuple[str, str] | None:
    """(middleware, path) where a service's labels limit the rate of a router of it."""
    rates = re.compile(r"traefik\.http\.middlewares\.([^.]+)\.ratelimit\..+", re.I)
    limiting = {match[1] for label in labels if (match := rates.fullmatch(label))}
    for label, value in labels.items():
        match = re.fullmatch(r"traefik\.http\.routers\.([^.]+)\.middlewares", label, re.I)
        used = {each.strip().split("@")[0] for each in value.split(",")} if match else set()
        if match and (found := sorted(used & limiting)):
            rule = labels.get(f"traefik.http.routers.{match[1]}.rule", "")
            return found[0], _prefix(rule)
    return None
