"""Gateways that are declared in YAML or TOML: Traefik's files and labels, Kong's declarative file, Envoy.

https://doc.traefik.io/traefik/reference/routing-configuration/http/router/rules-and-priority/: routers name the
middlewares that requests go through, by `name` or `name@provider`.
https://developer.konghq.com/gateway/entities/plugin/: of a plugin's entries the one of the route counts, then that of
the service, then the one for all; a route strips its path unless told otherwise.
https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/local_rate_limit_filter.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import urlsplit

from auditor.discover import Kind
from auditor.extract.facts import Fact
from auditor.extract.markup import Document, at, items, read_toml, read_yaml, text_at
from auditor.extract.source import Source, Unreadable, extracts


class GatewayLimit(Fact, frozen=True):
    """A rate limit for all that a gateway hands on below `target`, empty for everything."""

    gateway: str
    name: str
    target: str
    line: int


class TraefikEntry(Fact, frozen=True):
    """What Traefik does for an entry point: `https` where it sends plain HTTP on, and its middlewares."""

    https: bool
    middlewares: list[str]
    line: int


class TraefikMiddleware(Fact, frozen=True):
    """`body` is the greatest body in bytes, 0 where it does not bound it; `strips` the prefixes it takes away."""

    name: str
    limits: bool
    https: bool
    body: int
    chain: list[str]
    strips: list[str]
    line: int


class TraefikRouter(Fact, frozen=True):
    """A way through Traefik; `host` is where it leads, `tls` whether it answers HTTPS alone."""

    name: str
    middlewares: list[str]
    path: str
    host: str
    tls: bool
    line: int


class KongRoute(Fact, frozen=True):
    """A path that Kong hands on to `host`, what stands for it there, and the limit with its `limit_by`."""

    path: str
    replaced: str
    keeps: bool
    host: str
    limit: str
    key: str
    line: int


_GATEWAY = re.compile(
    r"rateLimit|rate-limiting|redirections|redirectScheme|buffering|routers|local_ratelimit|_format_version"
    r"|entryPoints|middlewares"
)


@extracts(Kind.PROXY, Kind.PLATFORM, name=r".+\.(?:ya?ml|toml)")
def gateways(source: Source) -> Iterator[Fact]:
    if not _GATEWAY.search(source.text):
        return
    try:
        toml = source.name.endswith(".toml")
        documents = [read_toml(source.text)] if toml else read_yaml(source.text)
    except Unreadable:
        return
    for document in documents:
        yield from _traefik(document)
        yield from _kubernetes(document)
        yield from _kong(document)
    if match := re.search(r"envoy\.filters\.http\.local_ratelimit", source.text):
        line = source.text.count("\n", 0, match.start()) + 1
        yield GatewayLimit("Envoy", "local_ratelimit", "", line)


def _traefik(document: Document) -> Iterator[Fact]:
    data = document.data
    for name, entry in items(at(data, "entryPoints")):
        told = at(entry, "http", "redirections", "entryPoint")
        https = bool(told) and text_at(told, "scheme") in ("", "https")
        used = _texts(at(entry, "http", "middlewares"))
        if https or used:
            yield TraefikEntry(https, used, document.line("entryPoints", name))
    for name, options in items(at(data, "http", "middlewares")):
        yield _middleware(name, options, document.line("http", "middlewares", name))
    hosts = {
        name: urlsplit(text_at(server, "url")).hostname or ""
        for name, options in items(at(data, "http", "services"))
        for server in reversed(_list(at(options, "loadBalancer", "servers")))
    }
    for name, router in items(at(data, "http", "routers")):
        service = text_at(router, "service")
        if service.endswith("@internal"):
            continue  # Traefik's own panel
        yield TraefikRouter(
            name,
            _texts(at(router, "middlewares")),
            _prefix(text_at(router, "rule")),
            hosts.get(service, ""),
            at(router, "tls") is not None,
            document.line("http", "routers", name),
        )


def _middleware(name: str, options: Any, line: int) -> TraefikMiddleware:
    body = at(options, "buffering", "maxRequestBodyBytes")
    return TraefikMiddleware(
        name,
        bool(at(options, "rateLimit") or at(options, "inFlightReq")),
        text_at(at(options, "redirectScheme"), "scheme") == "https",
        body if isinstance(body, int) else 0,
        [_told(each) for each in _list(at(options, "chain", "middlewares"))],
        _texts(at(options, "stripPrefix", "prefixes")),
        line,
    )


def _kubernetes(document: Document) -> Iterator[Fact]:
    """Middleware and IngressRoute of Traefik, Kong's plugin and who uses it."""
    data, kind = document.data, text_at(document.data, "kind")
    name = text_at(data, "metadata", "name")
    if kind == "Middleware":
        yield _middleware(name, at(data, "spec"), document.line("kind"))
    elif kind == "IngressRoute":
        for route in _list(at(data, "spec", "routes")):
            to = _list(at(route, "services"))
            yield TraefikRouter(
                name,
                [_told(each) for each in _list(at(route, "middlewares"))],
                _prefix(text_at(route, "match")),
                text_at(to[0], "name") if to else "",
                at(data, "spec", "tls") is not None,
                document.line("kind"),
            )


def labelled(labels: dict[str, str], host: str, line: int) -> Iterator[Fact]:
    """What the labels of a container, or the arguments of Traefik itself, say of its routers and middlewares."""
    options: dict[str, dict[str, str]] = {}
    routers: dict[str, dict[str, str]] = {}
    for label, value in labels.items():
        parts = label.removeprefix("--").split(".")
        head = [part.lower() for part in parts[:3]]
        if head == ["traefik", "http", "middlewares"] and len(parts) > 4:
            options.setdefault(parts[3], {})[".".join(parts[4:]).lower()] = value
        elif head == ["traefik", "http", "routers"] and len(parts) > 4:
            routers.setdefault(parts[3], {})[".".join(parts[4:]).lower()] = value
        elif head[0] == "entrypoints" and [p.lower() for p in parts[2:]] == ["http", "middlewares"]:
            yield TraefikEntry(False, _names(value), line)
    for name, told in options.items():
        body = told.get("buffering.maxrequestbodybytes", "")
        yield TraefikMiddleware(
            name,
            any(key.startswith(("ratelimit", "inflightreq")) for key in told),
            told.get("redirectscheme.scheme") == "https",
            int(body) if body.isdigit() else 0,
            _names(told.get("chain.middlewares", "")),
            _names(told.get("stripprefix.prefixes", "")),
            line,
        )
    for name, told in routers.items():
        tls = any(key == "tls" or key.startswith("tls.") for key in told)
        path = _prefix(told.get("rule", ""))
        yield TraefikRouter(name, _names(told.get("middlewares", "")), path, host, tls and told.get("tls") != "false", line)  # fmt: skip


def _kong(document: Document) -> Iterator[Fact]:
    data = document.data
    if not at(data, "_format_version") and not any(at(s, "routes") for s in _list(at(data, "services"))):  # fmt: skip
        return
    of_all = _list(at(data, "plugins"))
    for index, service in enumerate(_list(at(data, "services"))):
        name, url = text_at(service, "name"), urlsplit(text_at(service, "url"))
        host = url.hostname or text_at(service, "host")
        below = url.path or text_at(service, "path")
        own = [*_list(at(service, "plugins")), *_about(of_all, "service", name)]
        elsewhere = _about(_list(at(data, "routes")), "service", name)
        for route in (*_list(at(service, "routes")), *elsewhere):
            near = [*_list(at(route, "plugins")), *_about(of_all, "route", text_at(route, "name"))]
            general = [p for p in of_all if not at(p, "service") and not at(p, "route") and not at(p, "consumer")]  # fmt: skip
            limit, key = next(filter(None, map(_rate, (near, own, general))), ("", ""))
            keeps = at(route, "strip_path") is False
            for path in _texts(at(route, "paths")) or ["/"]:
                line = document.line("services", index)
                yield KongRoute(path.removeprefix("~"), below or "/", keeps, host, limit, key, line)


def _rate(plugins: Iterable[Any]) -> tuple[str, str] | None:
    for plugin in plugins:
        kind = text_at(plugin, "name")
        if kind.startswith("rate-limiting") and at(plugin, "enabled") is not False:
            key = text_at(plugin, "config", "limit_by")
            return kind, text_at(plugin, "config", "header_name") if key == "header" else key
    return None


def _about(entries: list[Any], what: str, name: str) -> Iterator[Any]:
    """Those that name a service or route, by its name or in a table of its own."""
    for entry in entries:
        if name and name in (text_at(entry, what), text_at(entry, what, "name")):
            yield entry


def _prefix(rule: str) -> str:
    """The path of a Traefik rule; empty where it names none."""
    found = re.search(r"Path(?:Prefix)?\(\s*[`'\"]([^`'\"]*)", rule)
    return found[1] if found else ""


def _told(each: Any) -> str:
    return each if isinstance(each, str) else text_at(each, "name")


def _names(text: str) -> list[str]:
    return [each.strip() for each in text.split(",") if each.strip()]


def _texts(value: Any) -> list[str]:
    return [str(each) for each in _list(value)]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
