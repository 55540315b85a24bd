"""What stands in front of each application: which proxies hand its routes on, and what gets past them.

A proxy names a service of a compose file, which is built from a folder of the tree: it hands on to the applications
in there. One whose own container is published nowhere is reached through another, which decides.
"""

from __future__ import annotations

import functools
import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import re2

from auditor.extract.readers.compose import Service
from auditor.extract.readers.dockerfiles import Image
from auditor.extract.readers.gateways import TraefikRouter
from auditor.link.application import Application, provides
from auditor.model.deployment import Hosted, ProxyLocation
from auditor.model.patterns import compiled
from auditor.model.places import Place
from auditor.model.web import Route, WebApp
from auditor.platforms.compose import Compose, dockerfile_of, for_developers

_UNPLAIN = re.compile(r"[\^$\\?]")
_LOOPBACK = re.compile(r"(?:127\.0\.0\.1|localhost|\[?::1\]?):")


@dataclass
class Front:
    """The locations of proxies by application."""

    application: Application
    _known: dict[str, list[ProxyLocation]] = field(default_factory=dict)

    @functools.cached_property
    def _entries(self) -> dict[str, str]:
        return {app.name: app.place.path for app in self.application.facts(WebApp)}

    @functools.cached_property
    def _compose(self) -> Compose:
        (compose,) = self.application.facts(Compose)
        return compose

    @functools.cached_property
    def _services(self) -> dict[str, list[tuple[str, Service]]]:
        """The services of each name, with their files."""
        found: dict[str, list[tuple[str, Service]]] = {}
        for path, services in self._compose.files.items():
            for name, service in services.items():
                found.setdefault(name, []).append((path, service))
                if service.container:
                    found.setdefault(service.container, []).append((path, service))
        return found

    @functools.cached_property
    def _locations(self) -> list[ProxyLocation]:
        every = self.application.facts(ProxyLocation)
        served = [each for each in every if not for_developers(each.place.path)] or list(every)
        inside = set(self._inside(dict.fromkeys(each.place.path for each in served)))
        return [e for e in served if e.place.path not in inside] or served

    def _before(self, name: str) -> list[ProxyLocation]:
        if name not in self._known:
            self._known[name] = [each for each in self._locations if self._leads(each, name)]
        return self._known[name]

    def reached(self, route: Route) -> list[ProxyLocation]:
        """The locations by which a route is reached; of each server the best match."""
        locations = self._before(route.application)
        return handed_on(locations, _UNPLAIN.sub("", route.path)) if locations else []

    def _leads(self, location: ProxyLocation, name: str) -> bool:
        """Whether a location may hand on to an application; one of which that cannot be told may."""
        told = [folders for host in location.hosts if (folders := self._folders(host)) is not None]
        if not told or len(told) < len(location.hosts):
            return True
        entry = self._entries.get(name, "")
        return any(not folder or entry.startswith(folder + "/") for folders in told for folder in folders)  # fmt: skip

    def _folders(self, host: str) -> list[str] | None:
        """The folders that a service is built from; none for an image of others, None where it cannot be told."""
        found = self._services.get(host)
        if not found:
            return None
        built = [self._folder(path, each) for path, each in found if each.build]
        if built:
            return built
        beside = any(s.build for path, _ in found for s in self._compose.files[path].values())
        return [] if beside else None

    def _folder(self, path: str, service: Service) -> str:
        dockerfile, context = dockerfile_of(path, service)
        near = posixpath.dirname(dockerfile)
        if near != context and any(e.startswith(near + "/") for e in self._entries.values()):
            return near
        return context

    def _inside(self, paths: dict[str, None]) -> Iterator[str]:
        """Files of proxies whose container nobody reaches from outside, where another's is reached."""
        users = {path: list(self._users(path)) for path in paths}
        if not any(self._open(*user) for found in users.values() for user in found):
            return
        for path, found in users.items():
            if found and not any(self._open(*user) for user in found):
                yield path

    def _users(self, path: str) -> Iterator[tuple[str, Service]]:
        """The services, not of a developer's, that mount a file or are built with it."""
        images = {file.path: image for file, image in self.application.of(Image)}
        for at, services in self._compose.files.items():
            for service in services.values() if not self._compose.is_local(at) else ():
                mounted = [
                    (posixpath.dirname(at), source) for source, _, _ in service.volumes if source
                ]
                if service.build and "://" not in service.build:
                    dockerfile, context = dockerfile_of(at, service)
                    if dockerfile in images:
                        mounted += [(context, source) for source, _ in images[dockerfile].copies]
                for folder, source in mounted:
                    whole = posixpath.normpath(posixpath.join(folder, source))
                    if whole != "." and (path == whole or path.startswith(whole + "/")):
                        yield at, service
                        break

    def _open(self, path: str, service: Service) -> bool:
        """Whether what a service serves is asked from outside, by a port or through Traefik."""
        routed = any(r.host == service.name for _, r in self.application.of(TraefikRouter))
        return bool(service.ports) or routed or "host" in service.privileged

    def around(self, route: Route) -> tuple[str, Place] | None:
        """A service that runs an application and publishes its port itself, beside the proxies before it."""
        return self._published.get(route.application)

    @functools.cached_property
    def _published(self) -> dict[str, tuple[str, Place]]:
        """Not where a platform serves the application: then a compose file that names no environment is a developer's."""
        found: dict[str, tuple[str, Place]] = {}
        if self.application.facts(Hosted):
            return found
        hosts = {host for each in self._locations for host in each.hosts}
        for name, entry in self._entries.items():
            for host in sorted(hosts):
                for path, service in self._services.get(host, ()):
                    port = next((p for p in service.ports if not _LOOPBACK.match(p)), "")
                    folder = self._folder(path, service) if service.build else None
                    own = folder is not None and (not folder or entry.startswith(folder + "/"))
                    if port and own and not self._compose.is_local(path):
                        found.setdefault(name, (f"service {service.name} publishes {port}", Place(path, service.ports_line)))  # fmt: skip
        return found


@provides(Front)
def front(application: Application) -> Iterator[Front]:
    yield Front(application)


def handed_on(locations: list[ProxyLocation], path: str) -> list[ProxyLocation]:
    """The locations by which a path of the application is reached; of each server the best match."""
    found: list[ProxyLocation] = []
    servers = dict.fromkeys((each.server, each.place.path) for each in locations)
    for server in servers:
        own = [each for each in locations if (each.server, each.place.path) == server]
        if best := _best(own, path):
            if best.replaced is None or best.path == best.replaced:
                found.append(best)
        for each in own:
            if each.replaced is not None and path.startswith(each.replaced):
                public = each.path + path[len(each.replaced) :]
                if _best(own, public) is each and each not in found:
                    found.append(each)
    return found


def _best(locations: list[ProxyLocation], path: str) -> ProxyLocation | None:
    for each in locations:
        if each.match == "exact" and each.path == path:
            return each
    for each in locations:
        if each.match == "regex" and _matches(each.path, path):
            return each
    prefixes = [e for e in locations if e.match == "prefix" and path.startswith(e.path)]
    return max(prefixes, key=lambda e: len(e.path), default=None)


def _matches(pattern: str, path: str) -> bool:
    """Expressions of the tree are matched without backtracking; what RE2 does not read matches nothing."""
    try:
        return compiled(pattern).search(path) is not None
    except re2.error:
        return False
