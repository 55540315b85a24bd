"""Where TLS ends in the tree, and what proxies add to every response.

https://nginx.org/en/docs/http/ngx_http_headers_module.html#add_header: headers of a level replace those
of the level above. https://caddyserver.com/docs/automatic-https: a site with a host's name is served by
TLS and redirects to it. https://www.uvicorn.org/settings/#https, https://docs.gunicorn.org/en/stable/settings.html#ssl.
"""

from __future__ import annotations

import posixpath
import re
from collections import defaultdict
from collections.abc import Iterator

from auditor.extract.readers.compose import Service
from auditor.extract.readers.ingress import Ingress
from auditor.extract.readers.platforms import HttpsOnly
from auditor.extract.readers.proxies import ProxyStatement
from auditor.libraries.security_headers import header_of, switched_off
from auditor.link.application import Application, provides
from auditor.link.scopes import place_of
from auditor.model.deployment import Standing, Start
from auditor.model.places import Place
from auditor.model.transport import HttpsRedirect, ResponseHeader, TlsEnd
from auditor.model.values import Known
from auditor.model.web import WebApp
from auditor.platforms.proxies import handed_on

_SERVER_TLS = re.compile(r"--(?:ssl-keyfile|ssl-certfile|certfile|keyfile)[ =]\S")
_THIS_MACHINE = re.compile(r"localhost$|127\.|.+\.(?:local|localhost|test)$")
_FILLED_IN = re.compile(r"\{\$\w+:([^{}]*)\}")
"""`{$DOMAIN:localhost}`: what an address is where the environment says nothing else."""
_PLAIN_SITE = re.compile(r"http://|[^/]*:80$|:(?!443$)\d+$")


@provides(ResponseHeader)
def proxy_headers(application: Application) -> Iterator[ResponseHeader]:
    for file, statement in application.of(ProxyStatement):
        words = statement.words
        place = Place(file.path, statement.line)
        name, value, via = "", "", "nginx"
        if statement.server == "nginx" and words[0] == "add_header" and len(words) > 2:
            name, value = header_of(words[1]), words[2]
        elif statement.server == "caddy":
            via = "Caddy"
            inside = [header.split(" ")[0] for header, _ in statement.blocks]
            if "header" in inside and not words[0].startswith("-"):
                name, value = header_of(words[0].lstrip("+?>")), " ".join(words[1:])
            elif words[0] == "header":
                rest = [w for w in words[1:] if not w.startswith(("/", "@", "*"))]
                if rest:
                    name, value = header_of(rest[0].lstrip("+?>")), " ".join(rest[1:])
        if name:
            yield ResponseHeader("", name, via, place, switched_off(name, value))


@provides(HttpsRedirect)
def proxy_redirects(application: Application) -> Iterator[HttpsRedirect]:
    for file, statement in application.of(ProxyStatement):
        words = statement.words
        if statement.server == "nginx" and words[0] in ("return", "rewrite"):
            if any(word.startswith("https://") for word in words[1:]):
                yield HttpsRedirect("", "nginx", Place(file.path, statement.line))
    for end, insisted in _caddy_sites(application):
        if insisted:
            yield HttpsRedirect("", "Caddy", end)
    for file, service in application.of(Service):
        if service.redirects:
            yield HttpsRedirect("", "Traefik", Place(file.path, service.line))
    for file, ingress in application.of(Ingress):
        if ingress.https:
            yield HttpsRedirect("", "the ingress", Place(file.path, ingress.line))


@provides(HttpsRedirect)
def platform_redirects(application: Application) -> Iterator[HttpsRedirect]:
    """A platform's file speaks of the applications in its own folder."""
    for file, found in application.of(HttpsOnly):
        folder = posixpath.dirname(file.path)
        if folder.rpartition("/")[2] in _BESIDE:
            folder = posixpath.dirname(folder)
        for app in application.facts(WebApp):
            if not folder or app.place.path.startswith(folder + "/"):
                yield HttpsRedirect(app.name, found.what, Place(file.path, found.line))


_BESIDE = {".do", "terraform", "infra", "infrastructure", "deploy", "deployment", "cloudformation", "aws", "iac"}  # fmt: skip
"""Folders that hold what the application beside them is deployed by."""


@provides(TlsEnd)
def tls_ends(application: Application) -> Iterator[TlsEnd]:
    local: dict[str, bool] = defaultdict(bool)  # files of nginx whose every server is this machine
    for file, statement in application.of(ProxyStatement):
        if statement.words[0] == "server_name":
            here = bool(_THIS_MACHINE.match(statement.words[1])) if statement.words[1:] else False
            local[file.path] = here and local.get(file.path, True)
    for file, statement in application.of(ProxyStatement):
        words = statement.words
        ends = words[0] == "ssl_certificate" or (words[0] == "listen" and "ssl" in words[1:])
        if statement.server == "nginx" and ends and not local[file.path]:
            yield TlsEnd("nginx", Place(file.path, statement.line))
    for place, _ in _caddy_sites(application):
        yield TlsEnd("Caddy", place)
    for file, service in application.of(Service):
        if service.tls:
            yield TlsEnd("Traefik", Place(file.path, service.line))
    for start in application.facts(Start):
        if start.standing is not Standing.LOCAL and _SERVER_TLS.search(start.command.text):
            yield TlsEnd(start.command.source, start.command.place)
    for site in application.code.calls("uvicorn.run", "uvicorn.Config"):
        given = site.arg(None, "ssl_keyfile", "ssl_certfile")
        if given is not None:
            value = application.values.value(given, site.scope)
            if isinstance(value, Known) and value.value:
                yield TlsEnd("uvicorn", place_of(site))


def _caddy_sites(application: Application) -> Iterator[tuple[Place, bool]]:
    """Sites of Caddy that it serves by TLS, and whether it serves none of their addresses without."""
    sites: dict[tuple[str, str, int], bool] = defaultdict(bool)
    off: set[str] = set()
    certified: set[tuple[str, int]] = set()
    for file, statement in application.of(ProxyStatement):
        if statement.server == "caddy":
            if statement.words[:2] == ["auto_https", "off"]:
                off.add(file.path)
            if statement.blocks and statement.blocks[0][0]:
                header, line = statement.blocks[0]
                sites[file.path, header, line] |= bool(handed_on(statement))
                if statement.words[0] == "tls":
                    certified.add((file.path, line))
    for (path, header, line), serves in sites.items():
        if not serves or path in off or header.startswith(("(", "&")):
            continue
        addresses = re.split(r"[,\s]+", _FILLED_IN.sub(r"\1", header).strip(", "))
        own = (path, line) in certified
        plain = [a for a in addresses if _PLAIN_SITE.match(a) and not (own and a.startswith(":"))]
        if len(plain) < len(addresses):
            named = any(not a.startswith(":") for a in addresses)
            yield Place(path, line), named and not plain
