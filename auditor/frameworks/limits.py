"""What limits a route: packages by name, code of the tree by what it does, proxies in front.

Each framework's module asks `Limits` for the decorators, dependencies, hooks and middleware that it
finds around a handler; `Limited` adds what stands in front of the application, and what is wrong with
where a limit counts.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator

import re2
from msgspec.structs import replace

from auditor.extract.python import tree as t
from auditor.frameworks.decorators import Decorators
from auditor.libraries.counters import Counter, Counters
from auditor.libraries.limiters import (
    LIMITING_MIDDLEWARE,
    LIMITS,
    SLOWAPI_MIDDLEWARE,
    SPOOFABLE,
)
from auditor.link.application import Application, provides
from auditor.link.contexts import contexts_of
from auditor.link.pathtests import PathTests
from auditor.link.scopes import CallSite, Located, argument, place_of
from auditor.model.deployment import Workers
from auditor.model.patterns import compiled
from auditor.model.places import Place
from auditor.model.values import Known
from auditor.model.web import Limit, Limited, Limiter, Limiting, Route
from auditor.platforms.front import Front

_NEVER_COUNTS = "answers 429, but never counts: nobody reaches the limit"
_ABOVE = "stands above the route's decorator, so the framework never calls it"


class Limits:
    """Judges what runs before a handler as rate limits."""

    def __init__(self, application: Application) -> None:
        self.application, self.code = application, application.code
        self.counters = Counters(application)
        self.decorators = Decorators(application.values)

    @functools.cached_property
    def known(self) -> tuple[Limiter, ...]:
        return self.application.facts(Limiter)

    def decorator(self, used: Located, via: str, tests: PathTests | None = None) -> Limit | None:
        """The limit that a decorator puts on its route; `tests` tells which route."""
        for layer in self.decorators.layers(used):
            if layer.wrapper is not None:
                known = tests
                if tests is not None:
                    given = contexts_of(tests.values).behind(layer.used.node, layer.used.scope)  # type: ignore[arg-type]
                    known = replace(tests, env={**given, **tests.env})
                if limit := self.running(layer.wrapper, short(layer.name), via, known):
                    return limit
            elif LIMITS.match(layer.name):
                if tests is not None and not self._covers(layer.used, tests.method):
                    continue
                limit = Limit(short(layer.name), place_of(used), via, _rate(layer.used.node))
                return self.by_limiter(limit, layer.name)
        return None

    def _covers(self, used: Located, method: str) -> bool:
        """Whether `methods=` of a limit names a route's method."""
        given = argument(used.node, None, "methods") if isinstance(used.node, t.Call) else None
        value = self.application.values.value(given, used.scope) if given is not None else None
        if isinstance(value, Known) and isinstance(value.value, list):
            return method in [str(each).upper() for each in value.value]
        return True

    def above(self, used: Located) -> Limit | None:
        """A limit above the decorator that registers the handler: nothing calls it."""
        limit = self.decorator(used, "decorator")
        return replace(limit, state=Limiting.DECORATIVE, reason=_ABOVE) if limit else None

    def running(
        self, function: Located, name: str, via: str, tests: PathTests | None = None
    ) -> Limit | None:
        """The limit that a function is which runs before the handler, or the handler itself."""
        return _counted(self.counters.of(function, tests), name, via)

    def first(self, functions: Iterable[Located], via: str) -> list[Limit]:
        """The limit among functions that run before a handler, if one is."""
        for function in functions:
            if isinstance(function.node, t.Function):
                if limit := self.running(function, function.node.name, via):
                    return [limit]
        return []

    def named(self, name: str, place: Place, via: str) -> Limit | None:
        """The limit that a dependency or middleware from outside is."""
        if LIMITS.match(name) or LIMITING_MIDDLEWARE.search(name):
            return Limit(short(name), place, via)
        if SLOWAPI_MIDDLEWARE.match(name):
            if any(each.default_limits and each.name == "slowapi" for each in self.known):
                return self.by_limiter(Limit(short(name), place, via), name)
        return None

    def made(self, name: str, place: Place, path: str) -> Limit | None:
        """The limit that a middleware from outside is, or that a function of the tree makes."""
        for each in (name, self.code.result(name).removesuffix("()")):
            if LIMITING_MIDDLEWARE.search(each):
                patterns = [p for site in self.code.calls(each) for p in self._patterns(site)]
                if patterns and not any(_found(pattern, path) for pattern in patterns):
                    return None
                return Limit(short(each), place, "middleware")
            if limit := self.named(each, place, "middleware"):
                return limit
        return None

    def _patterns(self, site: CallSite) -> Iterator[str]:
        """The expressions of paths that asgi-ratelimit is given: https://github.com/abersheeran/asgi-ratelimit."""
        pending = list(self.application.values.sources(site.arg(3, "config"), site.scope))
        for _ in range(20):
            if not pending:
                return
            source = pending.pop()
            if isinstance(source.node, t.Map):
                for key, value in zip(source.node.keys, source.node.values, strict=True):
                    if isinstance(key, t.Const) and isinstance(key.value, str):
                        yield key.value
                    elif not isinstance(key, t.Const):
                        pending += self.application.values.sources(value, source.scope)

    def by_limiter(self, limit: Limit, name: str) -> Limit:
        """A limit with what its limiter object says of it."""
        package = name.partition(".")[0]
        for each in self.known:
            if each.name.lower().replace("-", "_") == package:
                return of_limiter(limit, each)
        return limit


def of_limiter(limit: Limit, limiter: Limiter) -> Limit:
    limit = replace(limit, memory=limiter.memory)
    if limiter.off:
        return replace(limit, state=Limiting.DECORATIVE, reason=limiter.off)
    if limiter.spoofable:
        return replace(limit, state=Limiting.WEAK, reason=limiter.spoofable)
    return limit


def _counted(counter: Counter | None, name: str, via: str) -> Limit | None:
    if counter is None:
        return None
    limit = Limit(name or counter.place.symbol, counter.place, via, memory=counter.memory)
    if not counter.counts:
        return replace(limit, state=Limiting.DECORATIVE, reason=_NEVER_COUNTS)
    if counter.spoofable:
        return replace(limit, state=Limiting.WEAK, reason=SPOOFABLE)
    return limit


def short(name: str) -> str:
    return re.split(r"[.:]", name.replace("()", ""))[-1]


def _found(pattern: str, path: str) -> bool:
    try:
        return compiled(pattern).search(path) is not None
    except re2.error:
        return True


def _rate(node: t.Node) -> str:
    match node:
        case t.Call(args=[t.Const(value=str(rate)), *_]):
            return rate
    return ""


@provides(Limited)
def limited(application: Application) -> Iterator[Limited]:
    """Every route with its limits, those of proxies among them, as the deployment runs them."""
    (front,) = application.facts(Front)
    several = application.facts(Workers)
    for route in application.facts(Route):
        limits = [_deployed(_cleaned(limit, route, front), several) for limit in route.limits]
        yield Limited(route, (*limits, *_in_front(route, front)))


def _cleaned(limit: Limit, route: Route, front: Front) -> Limit:
    """A limit by X-Forwarded-For holds where nobody gets past a proxy that writes the header anew."""
    if limit.reason != SPOOFABLE:
        return limit
    reached = front.reached(route)
    if reached and all(each.cleans for each in reached) and front.around(route) is None:
        return replace(limit, state=Limiting.PRESENT, reason="")
    return limit


def _deployed(limit: Limit, several: tuple[Workers, ...]) -> Limit:
    """A limit in the memory of one of several processes allows each its number."""
    if limit.memory and several and limit.state is Limiting.PRESENT:
        told = f"counts in the memory of each of {several[0].told} ({several[0].place})"
        return replace(limit, state=Limiting.WEAK, reason=told)
    return limit


def _in_front(route: Route, front: Front) -> Iterator[Limit]:
    reached = front.reached(route)
    if not reached or not all(each.limits for each in reached):
        return
    around = front.around(route)
    for limit in reached[0].limits:
        name = f"{limit.server} {limit.name}"
        found = Limit(name, limit.place, "proxy", limit.rate)
        if _WRITTEN.search(limit.key):
            header = limit.key.lower().removeprefix("$http_").replace("_", "-")
            reason = SPOOFABLE if header == "x-forwarded-for" else f"counts by the header {header}, which callers write themselves"  # fmt: skip
            yield replace(found, state=Limiting.WEAK, reason=reason)
        elif around is not None:
            told, place = around
            reason = f"can be got round: {told} ({place})"
            yield replace(found, state=Limiting.WEAK, reason=reason)
        else:
            yield found


_WRITTEN = re.compile(r"http_x_|^x-", re.I)
"""What a proxy counts by that callers write: a header such as X-Forwarded-For or X-Tenant-Id."""
