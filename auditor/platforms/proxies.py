"""Reverse proxies in front of the applications: which paths they hand on, and with which limits.

https://nginx.org/en/docs/http/ngx_http_core_module.html#location: exact locations first, then the
longest prefix (kept where it carries `^~`), then regular expressions in order.
https://nginx.org/en/docs/http/ngx_http_limit_req_module.html: `limit_req` is inherited where a level
has none of its own, and needs a `limit_req_zone` of that name.
https://nginx.org/en/docs/http/ngx_http_core_module.html#client_max_body_size: 1 MB unless told.
https://nginx.org/en/docs/ngx_core_module.html#include: a file of that name in the tree, the nearest first.
"""

from __future__ import annotations

import fnmatch
import re
from collections import ChainMap, defaultdict
from collections.abc import Iterable, Iterator, Mapping

import msgspec
from msgspec.structs import replace

from auditor.extract.readers.ingress import Ingress
from auditor.extract.readers.proxies import ProxyStatement
from auditor.link.application import Application, provides
from auditor.model.deployment import ProxyLimit, ProxyLocation
from auditor.model.places import Place, apart

_HANDS_ON = {"proxy_pass", "uwsgi_pass", "fastcgi_pass", "grpc_pass", "scgi_pass", "reverse_proxy"}
_DEFAULT_BODY = 1024 * 1024
_MAX_INCLUDES = 4
_Block = tuple[tuple[str, int], ...]


class _Placed(msgspec.Struct, frozen=True):
    """A statement with the file it stands in, and the blocks around it there and where that is included."""

    path: str
    words: list[str]
    blocks: _Block
    line: int

    @property
    def place(self) -> Place:
        return Place(self.path, self.line)


@provides(ProxyLocation)
def nginx_locations(application: Application) -> Iterator[ProxyLocation]:
    files: dict[str, list[_Placed]] = defaultdict(list)
    for file, found in application.of(ProxyStatement):
        if found.server == "nginx":
            blocks = tuple((header, line) for header, line in found.blocks)
            files[file.path].append(_Placed(file.path, found.words, blocks, found.line))
    whole = {path: list(_whole(path, files, 0)) for path in files}
    taken_in = {s.path for path, found in whole.items() for s in found if s.path != path}
    sites = _Sites(files)
    for path, statements in whole.items():
        if path in taken_in:
            continue
        site = sites.of(path)
        for block in dict.fromkeys(s.blocks for s in statements if s.words[0] in _HANDS_ON):
            if block and block[-1][0].startswith(("location", "server", "if")):
                yield from _location(path, block, statements, site)


_BEANSTALK = re.compile(r"(?:^|/)\.platform/nginx/conf\.d/[^/]+\.conf$")


@provides(ProxyLocation)
def beanstalk(application: Application) -> Iterator[ProxyLocation]:
    """What Elastic Beanstalk's own nginx, which hands everything on, takes in for all that it serves.

    https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/platforms-linux-extend.proxy.html
    """
    for file, found in application.of(ProxyStatement):
        if found.server == "nginx" and not found.blocks and _BEANSTALK.search(file.path):
            if found.words[0] == "client_max_body_size" and len(found.words) > 1:
                place = Place(file.path, found.line)
                yield ProxyLocation("nginx", "prefix", "/", None, (), _bytes(found.words[1]), place)


class _Own(msgspec.Struct, frozen=True):
    """What one file of nginx has that others may use: `shared` stands outside of every server.

    A file with `http` in it is `main`: all that an nginx reads.
    """

    zones: dict[str, _Placed]
    upstreams: dict[str, tuple[str, ...]]
    shared: list[_Placed]
    includes: frozenset[str]
    main: bool

    @classmethod
    def of(cls, statements: list[_Placed]) -> _Own:
        names = (s.words[-1].rpartition("/")[2] for s in statements if s.words[0] == "include")
        return cls(
            {_zone(s.words): s for s in statements if s.words[0] == "limit_req_zone"},
            _upstreams(statements),
            [s for s in statements if [header for header, _ in s.blocks] in ([], ["http"])],
            frozenset(names),
            any(s.blocks and s.blocks[0][0] == "http" for s in statements),
        )


class _Site(msgspec.Struct, frozen=True):
    """What one file of nginx can use, its own and that of the files that one nginx reads with it."""

    zones: Mapping[str, _Placed]
    upstreams: Mapping[str, tuple[str, ...]]
    shared: list[_Placed]


class _Sites:
    """The files of nginx by what they share: one includes the other, or both are parts in one folder.

    Each site of a tree (`dev/nginx.conf` beside `prod/nginx.conf`) has its own zones, upstreams and limits;
    a name that none of its files gives is looked for in all of them.
    """

    def __init__(self, files: Mapping[str, list[_Placed]]) -> None:
        self.own = {path: _Own.of(statements) for path, statements in files.items()}
        self.zones = {name: s for own in self.own.values() for name, s in own.zones.items()}
        self.upstreams = _together(own.upstreams for own in self.own.values())
        self._position = {path: at for at, path in enumerate(files)}
        self._parts: dict[str, list[str]] = defaultdict(list)
        self._including: dict[str, list[str]] = defaultdict(list)
        self._called: dict[str, list[str]] = defaultdict(list)
        for path, own in self.own.items():
            folder, _, name = path.rpartition("/")
            self._called[name].append(path)
            if not own.main:
                self._parts[folder].append(path)
            for pattern in own.includes:
                self._including[pattern].append(path)
        self._matched = {
            pattern: [name for name in self._called if fnmatch.fnmatchcase(name, pattern)]
            for pattern in self._including
        }
        self._asking: dict[str, list[str]] = defaultdict(list)
        for pattern, names in self._matched.items():
            for name in names:
                self._asking[name].append(pattern)

    def of(self, path: str) -> _Site:
        near = [
            self.own[p] for p in (*self._around(path), path)
        ]  # the file's own last, and so first
        zones = {name: s for own in near for name, s in own.zones.items()}
        upstreams = _together(own.upstreams for own in near)
        shared = [s for own in near for s in own.shared]
        return _Site(ChainMap(zones, self.zones), ChainMap(upstreams, self.upstreams), shared)

    def _around(self, path: str) -> list[str]:
        """The files that one nginx reads with this one."""
        own, (folder, _, name) = self.own[path], path.rpartition("/")
        found = set(self._parts[folder]) if not own.main else set()
        found.update(p for pattern in self._asking[name] for p in self._including[pattern])
        found.update(
            p for pattern in own.includes for n in self._matched[pattern] for p in self._called[n]
        )
        return sorted(found - {path}, key=self._position.__getitem__)


def _upstreams(statements: Iterable[_Placed]) -> dict[str, tuple[str, ...]]:
    servers = ((s.blocks[-1][0].partition(" "), s) for s in statements if s.words[0] == "server" and len(s.words) > 1 and s.blocks)  # fmt: skip
    return _together({name.strip(): (_host(s.words[1]),)} for (header, _, name), s in servers if header == "upstream")  # fmt: skip


def _together(several: Iterable[Mapping[str, tuple[str, ...]]]) -> dict[str, tuple[str, ...]]:
    """The hosts of each name, of all that has any."""
    found: dict[str, list[str]] = defaultdict(list)
    for each in several:
        for name, hosts in each.items():
            found[name] += hosts
    return {name: tuple(hosts) for name, hosts in found.items()}


def _whole(path: str, files: dict[str, list[_Placed]], depth: int) -> Iterator[_Placed]:
    """The statements of a file, with what its servers and locations include in its place.

    What `http` includes (`conf.d/*.conf`) holds servers of its own, which are read as they are.
    """
    for statement in files[path]:
        name = statement.words[-1].rpartition("/")[2]
        inside = any(header.startswith(("server", "location")) for header, _ in statement.blocks)
        if statement.words[0] == "include" and inside and depth < _MAX_INCLUDES:
            targets = [p for p in files if p != path and fnmatch.fnmatchcase(p.rpartition("/")[2], name)]  # fmt: skip
            for target in sorted(targets, key=lambda p: (apart(p, path), p))[: None if "*" in name else 1]:  # fmt: skip
                for below in _whole(target, files, depth + 1):
                    yield replace(below, blocks=(*statement.blocks, *below.blocks))
        else:
            yield statement


def _location(
    path: str,
    block: _Block,
    statements: list[_Placed],
    site: _Site,
) -> Iterator[ProxyLocation]:
    locations = [header for header, _ in block if header.startswith("location")]
    words = locations[-1].split() if locations else ["location", "/"]
    modifier = words[1] if len(words) > 2 else ""
    where = words[-1] if len(words) > 1 else "/"
    match = {"=": "exact", "~": "regex", "~*": "regex"}.get(modifier, "prefix")
    if where.startswith("@"):
        match, where = "prefix", "/"  # a named one stands for what `try_files` did not find
    levels = [[s for s in statements if s.blocks == block[:end]] for end in range(len(block), 0, -1)]  # fmt: skip
    levels.append(site.shared)
    limits = []
    for level in levels:
        applied = [s for s in level if s.words[0] == "limit_req"]
        for statement in applied:
            zone = site.zones.get(_zone(statement.words))
            if zone is None or "limit_req_dry_run" in _names(level):
                continue
            rate = next((w[5:] for w in zone.words if w.startswith("rate=")), "")
            key = zone.words[1] if len(zone.words) > 1 else ""
            limits.append(ProxyLimit("nginx", _zone(zone.words), key, rate, statement.place))
        if applied:
            break
    body: int | None = _DEFAULT_BODY
    for level in levels:
        if told := [s.words[1] for s in level if s.words[0] == "client_max_body_size" and len(s.words) > 1]:  # fmt: skip
            body = _bytes(told[-1])
            break
    target = next((s.words[1] for s in levels[0] if s.words[0] == "proxy_pass" and len(s.words) > 1), "")  # fmt: skip
    replaced = re.match(r"\w+://(?:unix:[^:\s]+:|(?!unix:)[^/\s]+)(/[^\s$]*)$", target)
    yield ProxyLocation(
        "nginx",
        match,
        where,
        replaced[1] if replaced and match == "prefix" else None,
        tuple(limits),
        body,
        Place(path, block[-1][1]),
        tuple(
            host
            for s in levels[0]
            if s.words[0] in _HANDS_ON and len(s.words) > 1 and (name := _host(s.words[1]))
            for host in site.upstreams.get(name, (name,))
        ),
    )


def _host(address: str) -> str:
    """The name in `http://backend:8000/api`; empty for a socket and for what a variable holds."""
    found = re.match(r"(?:\w+://)?([\w.-]+)(?::\d+)?(?:/|$)", address)
    return found[1] if found and not address.startswith("unix:") else ""


def _names(statements: list[_Placed]) -> set[str]:
    return {s.words[0] for s in statements if s.words[-1] == "on"}


def _zone(words: list[str]) -> str:
    return next((w[5:].split(":")[0] for w in words if w.startswith("zone=")), "")


def _bytes(text: str) -> int | None:
    """`10m` in bytes; None for `0`, which lets everything pass, and for what a template fills in."""
    found = re.fullmatch(r"(\d+)([kKmMgG]?)", text)
    if found is None or int(found[1]) == 0:
        return None
    return int(found[1]) * {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}[found[2].lower()]


def handed_on(statement: ProxyStatement) -> list[str]:
    """What Caddy's `reverse_proxy app:8000` names, with or without a block of its own."""
    if statement.words[0] == "reverse_proxy":
        return list(statement.words)
    headers = (header.split() for header, _ in statement.blocks[1:])
    return next((words for words in headers if words[:1] == ["reverse_proxy"]), [])


@provides(ProxyLocation)
def caddy_sites(application: Application) -> Iterator[ProxyLocation]:
    """`rate_limit` is a module of its own: https://github.com/mholt/caddy-ratelimit."""
    by_site: dict[tuple[str, int], list[ProxyStatement]] = defaultdict(list)
    snippets: dict[tuple[str, str], list[ProxyStatement]] = defaultdict(list)
    for file, statement in application.of(ProxyStatement):
        if statement.server == "caddy" and statement.blocks:
            header, line = statement.blocks[0]
            if snippet := re.fullmatch(r"\((\S+)\)", header):
                snippets[file.path, snippet[1]].append(statement)
            else:
                by_site[file.path, line].append(statement)
    trusting = {
        f.path for f, s in application.of(ProxyStatement) if s.words[0] == "trusted_proxies"
    }
    for (path, line), own in by_site.items():
        handed = [words for s in own if (words := handed_on(s))]
        if not handed:
            continue
        taken = [s.words[1] for s in own if s.words[0] == "import" and len(s.words) > 1]
        statements = [*own, *(s for name in taken for s in snippets.get((path, name), ()))]
        limiting = [
            s for s in statements if any(h.split(" ")[0] == "rate_limit" for h, _ in s.blocks)
        ]
        limits = [ProxyLimit("Caddy", "rate_limit", "", "", Place(path, s.line)) for s in limiting[:1]]  # fmt: skip
        sizes = [s.words[1] for s in statements if s.words[0] == "max_size" and len(s.words) > 1]
        body = _bytes(re.sub(r"[iI]?[bB]$", "", sizes[0])) if sizes else None
        hosts = tuple(dict.fromkeys(h for words in handed for w in words[1:] if (h := _host(w))))
        cleans = path not in trusting and not any(map(_passes_on, statements))
        yield ProxyLocation("Caddy", "prefix", "/", None, tuple(limits), body, Place(path, line), hosts, cleans)  # fmt: skip


def _passes_on(statement: ProxyStatement) -> bool:
    """`header_up X-Forwarded-For {header.X-Real-IP}`: without it Caddy writes down who asked, and nothing
    of what he sent: https://caddyserver.com/docs/caddyfile/directives/reverse_proxy#defaults."""
    words = [word.lower() for word in statement.words]
    return words[:1] == ["header_up"] and "x-forwarded-for" in words[1] and "header." in words[-1]


@provides(ProxyLocation)
def ingresses(application: Application) -> Iterator[ProxyLocation]:
    for file, found in application.of(Ingress):
        place = Place(file.path, found.line)
        limits: tuple[ProxyLimit, ...] = ()
        if found.limit:
            key = "the caller's address"
            limits = (ProxyLimit("the ingress", found.limit, key, "", Place(file.path, found.limit_line)),)  # fmt: skip
        body = _bytes(found.body.removesuffix("i")) if found.body else None
        if limits or body is not None:
            for path in found.paths or ["/"]:
                plain = path.startswith("/") and not re.search(r"[(*\[]", path)
                where = path if plain else "/"
                yield ProxyLocation("the ingress", "prefix", where, None, limits, body, place)
