"""Web frameworks that are recognised and not read yet: what rests on them is unknown."""

from __future__ import annotations

from collections.abc import Iterator

from auditor.extract.packages import Dependency
from auditor.extract.python import tree as t
from auditor.link.application import Application, provides
from auditor.link.scopes import Located, place_of
from auditor.model.places import Place
from auditor.model.web import UnreadFramework

_PYTHON = {
    "sanic": "Sanic",
    "tornado": "Tornado",
    "litestar": "Litestar",
    "falcon": "Falcon",
    "bottle": "Bottle",
    "pyramid": "Pyramid",
    "aiohttp.web": "aiohttp",
    "http.server": "http.server",
    "BaseHTTPServer": "http.server",
}
_NPM = {
    "express": "Express",
    "koa": "Koa",
    "fastify": "Fastify",
    "@nestjs/core": "NestJS",
    "@hapi/hapi": "hapi",
}


@provides(UnreadFramework)
def unread_frameworks(application: Application) -> Iterator[UnreadFramework]:
    """Each framework once, where it is first imported or declared."""
    found: dict[str, Place] = {}
    for node, scope in application.code.of_kind(t.Import):
        for name, _ in node.names:
            module = node.module or name
            title = _PYTHON.get(module) or _PYTHON.get(module.partition(".")[0])
            if module == "aiohttp" and name == "web":
                title = "aiohttp"
            if title:
                found.setdefault(title, place_of(Located(node, scope)))
    for file, dependency in application.of(Dependency):
        if dependency.ecosystem == "npm" and dependency.name in _NPM and not dependency.group:
            found.setdefault(_NPM[dependency.name], Place(file.path, dependency.line))
    for name, place in sorted(found.items()):
        yield UnreadFramework(name, place)
