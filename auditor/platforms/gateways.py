"""Ways through gateways that are declared: Traefik's routers, Kong's routes, limits of the cloud's."""

from __future__ import annotations

from collections.abc import Iterator

from auditor.extract.readers.gateways import (
    GatewayLimit,
    KongRoute,
    TraefikEntry,
    TraefikMiddleware,
    TraefikRouter,
)
from auditor.link.application import Application, provides
from auditor.model.deployment import ProxyLimit, ProxyLocation
from auditor.model.places import Place
from auditor.model.transport import HttpsRedirect

_DEEPEST = 4


class _Middlewares:
    """Middlewares by their plain name: providers share them, as `name@file` or `name@docker`."""

    def __init__(self, application: Application) -> None:
        self.named = {each.name: each for _, each in application.of(TraefikMiddleware)}
        self.of_all = [n for _, entry in application.of(TraefikEntry) for n in entry.middlewares]

    def used(self, names: list[str], depth: int = 0) -> Iterator[TraefikMiddleware]:
        """Those of names, with the members of chains."""
        for name in names:
            plain = name.split("@")[0]
            found = self.named.get(plain)
            if found is None and "-" in plain:  # `namespace-name@kubernetescrd`
                found = next((m for n, m in self.named.items() if plain.endswith(f"-{n}")), None)
            if found is not None:
                yield found
                if depth < _DEEPEST:
                    yield from self.used(found.chain, depth + 1)


@provides(ProxyLocation)
def traefik(application: Application) -> Iterator[ProxyLocation]:
    """A router that only sends plain HTTP on to HTTPS is no way in."""
    middlewares = _Middlewares(application)
    for file, router in application.of(TraefikRouter):
        place = Place(file.path, router.line)
        used = list(middlewares.used([*router.middlewares, *middlewares.of_all]))
        if any(each.https for each in used):
            continue
        limits = tuple(ProxyLimit("Traefik", each.name, "", "", place) for each in used if each.limits)  # fmt: skip
        body = next((each.body for each in used if each.body), None)
        path = router.path or "/"
        strips = any(prefix.rstrip("/") == path.rstrip("/") for each in used for prefix in each.strips)  # fmt: skip
        hosts = (router.host,) if router.host else ()
        yield ProxyLocation("Traefik", "prefix", path, "/" if strips else None, limits, body, place, hosts)  # fmt: skip


@provides(HttpsRedirect)
def traefik_redirects(application: Application) -> Iterator[HttpsRedirect]:
    """Where plain HTTP is sent on, or every router of a file answers HTTPS alone."""
    middlewares = _Middlewares(application)
    routers = [(Place(f.path, r.line), r) for f, r in application.of(TraefikRouter)]
    for file, entry in application.of(TraefikEntry):
        if entry.https:
            yield HttpsRedirect("", "Traefik", Place(file.path, entry.line))
    for place, router in routers:
        if any(each.https for each in middlewares.used(router.middlewares)):
            yield HttpsRedirect("", "Traefik", place)
    if routers and all(router.tls for _, router in routers):
        yield HttpsRedirect("", "Traefik", routers[0][0])


@provides(ProxyLocation)
def kong(application: Application) -> Iterator[ProxyLocation]:
    for file, route in application.of(KongRoute):
        place = Place(file.path, route.line)
        limits = (ProxyLimit("Kong", route.limit, route.key, "", place),) if route.limit else ()
        kept = route.keeps and route.replaced == "/"
        hosts = (route.host,) if route.host else ()
        yield ProxyLocation("Kong", "prefix", route.path, None if kept else route.replaced, limits, None, place, hosts)  # fmt: skip


@provides(ProxyLocation)
def of_the_cloud(application: Application) -> Iterator[ProxyLocation]:
    for file, found in application.of(GatewayLimit):
        place = Place(file.path, found.line)
        limit = ProxyLimit(found.gateway, found.name, "", "", place)
        yield ProxyLocation(found.gateway, "prefix", found.target or "/", None, (limit,), None, place)  # fmt: skip
