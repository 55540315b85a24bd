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
from collections import defaultdict
from collections.abc import Iterator

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
    for path, statements in whole.items():
        if path in taken_in:
            continue
        site = _Site(path, files)
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


class _Site:
    """What one file of nginx shares with others: its own, that which includes it, those beside it that it includes.

    Each site of a tree (`dev/nginx.conf` beside `prod/nginx.conf`) has its own zones, upstreams and limits.
    """

    def __init__(self, path: str, files: dict[str, list[_Placed]]) -> None:
        around = [p for p in files if p != path and _share(path, p, files)]
        near = [s for p in (*around, path) for s in files[p]]  # the file's own last, and so first
        everything = [s for p, found in files.items() if p not in (*around, path) for s in found]
        self.zones = {
            _zone(s.words): s for s in (*everything, *near) if s.words[0] == "limit_req_zone"
        }
        self.shared = [s for s in near if [header for header, _ in s.blocks] in ([], ["http"])]
        self.upstreams = {**_upstreams(everything), **_upstreams(near)}


def _share(path: str, other: str, files: dict[str, list[_Placed]]) -> bool:
    """Whether two files are read by one nginx: one includes the other, or both are parts in one folder."""
    if _includes(files[other], path) or _includes(files[path], other):
        return True
    folder = path.rpartition("/")[0] == other.rpartition("/")[0]
    return folder and not any(map(_is_main, (files[path], files[other])))


def _includes(statements: list[_Placed], path: str) -> bool:
    name = path.rpartition("/")[2]
    return any(
        s.words[0] == "include" and fnmatch.fnmatchcase(name, s.words[-1].rpartition("/")[2])
        for s in statements
    )


def _is_main(statements: list[_Placed]) -> bool:
    """Whether a file is all that an nginx reads: it has `http` in it."""
    return any(s.blocks and s.blocks[0][0] == "http" for s in statements)


def _upstreams(statements: list[_Placed]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = defaultdict(tuple)
    for s in statements:
        if s.words[0] == "server" and len(s.words) > 1 and s.blocks:
            header, _, name = s.blocks[-1][0].partition(" ")
            if header == "upstream":
                found[name.strip()] += (_host(s.words[1]),)
    return found


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
        yield ProxyLocation("Caddy", "prefix", "/", None, tuple(limits), body, Place(path, line), hosts)  # fmt: skip


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
