"""Which routes must open when a guard is taken out, told from where it stands.

The inventory of the unchanged application says which guards enforce something and where they are
defined; a site brings those whose definition its names lead to. What the analyser makes of the
changed source is not asked.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from auditor.model.web import Guard, Guarding, Route
from tests.mutation.names import Names, Span
from tests.mutation.sites import Site


@dataclass(frozen=True)
class Mutation:
    """A guard to take out, the routes that it guards, and those that nothing guards without it.

    Of these, `opened` are to be reported, and `exempt` are public by nature. The handlers of `unsure`
    test something by themselves, perhaps what the guard gave them: nothing is expected of them.
    """

    site: Site
    guarded: tuple[Route, ...]
    opened: tuple[Route, ...]
    exempt: tuple[Route, ...]
    unsure: tuple[Route, ...] = ()


class Expectation:
    """Tells what each site of a tree brings."""

    def __init__(
        self,
        routes: Sequence[Route],
        names: Names,
        sites: Sequence[Site],
        sources: Mapping[str, str],
    ) -> None:
        self.routes, self.names, self.sites, self.sources = routes, names, sites, sources
        self._brings: dict[tuple[Site, Guard], bool] = {}
        self._owned: dict[Site, list[Route]] = {}
        self._owners: dict[int, list[Site]] = defaultdict(list)
        self._in_file: dict[str, list[Route]] = defaultdict(list)
        self._of_class: dict[str, list[Route]] = defaultdict(list)
        for route in routes:
            self._in_file[route.place.path].append(route)
            self._of_class[route.handler.partition(".")[0]].append(route)
        for site in sites:
            if not site.shared:
                self._owned[site] = self._under(site)
                for route in self._owned[site]:
                    self._owners[id(route)].append(site)

    def mutations(self) -> Iterator[Mutation]:
        """Every site at which an enforced guard stands, where its routes can be told."""
        for site in self.sites:
            if mutation := self.mutation(site):
                yield mutation

    def mutation(self, site: Site) -> Mutation | None:
        candidates = self.routes if site.shared else self._owned[site]
        guarded = [route for route in candidates if self._brought(site, route)]
        if guarded and site.shared:
            guarded = self._behind(site, guarded)
        unsure = tuple(r for r in guarded if site.used and _checks_itself(r))
        if len(unsure) == len(guarded):
            return None
        bare = [r for r in guarded if r not in unsure and self._alone(site, r)]
        opened = tuple(r for r in bare if not r.public)
        exempt = tuple(r for r in bare if r.public)
        return Mutation(site, tuple(guarded), opened, exempt, unsure)

    def _brought(self, site: Site, route: Route) -> list[Guard]:
        """The enforced guards of a route that a site brings."""
        return [guard for guard in _enforced(route) if self.brings(site, guard)]

    def brings(self, site: Site, guard: Guard) -> bool:
        key = (site, guard)
        if key not in self._brings:
            self._brings[key] = guard.via in site.vias and (
                site.holds(guard.place)
                or self.names.lead_to(site.names, guard.place.path, guard.place.line)
                or (
                    site.kind in ("mixin", "default") and guard.name in self.names.every(site.names)
                )
            )
        return self._brings[key]

    def _under(self, site: Site) -> list[Route]:
        """The routes whose handler a site stands on: it, or a method of it or of its heirs."""
        if site.owner is None:
            return self._wrapped(site)
        found = {id(r): r for r in self._in_file[site.path] if _holds(site.owner, r)}
        if "class" in site.vias:
            for name in self.names.derived(site.owner_name) & self.names.bases.keys():
                found |= {id(r): r for r in self._of_class.get(name, ())}
                for span in self.names.spans[name]:
                    found |= {id(r): r for r in self._in_file.get(span.path, ()) if _holds(span, r)}
        return list(found.values())

    def _wrapped(self, site: Site) -> list[Route]:
        """The routes of the view around which a URLconf puts something, where it does so once."""
        others = [s for s in self.sites if s.kind == "wrapper" and s.owner_name == site.owner_name]
        if len({s.span for s in others}) > 1:
            return []
        return self._of_class.get(site.owner_name, [])

    def _alone(self, site: Site, route: Route) -> bool:
        """Whether nothing else guards a route."""
        brought = self._brought(site, route)
        if len(brought) < len(_enforced(route)):
            return False
        if site.shared:
            rivals = [
                other
                for other in self.sites
                if site.shared == other.shared != "?"
                and site.path == other.path
                and not _one_hook(site, other)
            ]
        else:
            rivals = self._owners[id(route)]
        return not any(
            self.brings(other, guard) for other in rivals if other is not site for guard in brought
        )

    def _behind(self, site: Site, routes: list[Route]) -> list[Route]:
        """The routes behind a router or application, where others may have the same guard.

        Where no other site brings the guard, they all are; where some do, those that its own
        variable registers in its file. Where neither tells, none: the site is left out.
        """
        guards = {guard for route in routes for guard in self._brought(site, route)}
        if not any(
            self.brings(other, guard)
            for other in self.sites
            if other is not site
            and other.shared
            and (site.shared == "?" or (other.path, other.shared) != (site.path, site.shared))
            for guard in guards
        ):
            return routes
        text = self.sources[site.path]
        if site.shared == "?" or re.search(rf"\b{site.shared}\.(?:include_|mount|register_)", text):
            return []
        lines = text.splitlines()
        return [
            route
            for route in routes
            if route.place.path == site.path
            and _registered_on(site.shared, lines, route.place.line)
        ]


def _one_hook(site: Site, other: Site) -> bool:
    """Whether one registers a hook and the other decorates it: they go, and guard, together."""
    return site.hook is not None and site.hook == other.hook and "hook" in (site.kind, other.kind)


def _holds(span: Span, route: Route) -> bool:
    return span.holds(route.place.path, route.place.line)


def _registered_on(variable: str, lines: list[str], line: int) -> bool:
    """Whether the decorators above a handler's definition are those of a router."""
    used = rf"\s*@{variable}\."
    for number in range(line, max(line - 40, 0), -1):
        text = lines[number - 1]
        if re.match(used, text):
            return True
        if number < line and re.match(r"(?:async )?def |class |\S+ = ", text):
            return False
    return False


def _enforced(route: Route) -> list[Guard]:
    return [guard for guard in route.guards if guard.state is Guarding.ENFORCED]


def _checks_itself(route: Route) -> bool:
    """Whether the handler tests something by itself, perhaps what the guard gave it."""
    return any(guard.via == "body" for guard in route.guards)
