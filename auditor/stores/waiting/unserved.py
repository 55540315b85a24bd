"""Handlers to which no request comes; of FastAPI: an earlier route takes its path, or a dependency raises before.

Starlette asks its routes in their order and hands a request to the first whose pattern matches, whatever FastAPI
then makes of the parameters. Sources: https://www.starlette.io/routing/#route-priority and
https://fastapi.tiangolo.com/tutorial/path-params/#order-matters.
"""

from __future__ import annotations

import functools
import re
from collections import defaultdict
from typing import NamedTuple

from auditor.extract.python import tree as t
from auditor.link.application import Application
from auditor.link.raising import Raising
from auditor.link.scopes import Located
from auditor.model.web import Route
from auditor.stores.waiting.shadowed import Shadowed
from auditor.stores.waiting.unruled import unruled

_WHOLE = re.compile(r"\{\w+(?::str)?\}")
_REST = re.compile(r"\{\w+:path\}")
_VERSIONS = re.compile(r"version", re.I)
"""What serves routes of one path under several versions: `@version(1, 0)`."""


class _Declared(NamedTuple):
    """A route as a decorator of its module declares it."""

    on: tuple[str, str]
    """The router, and under which prefix it is included."""
    path: str
    line: int


class Unserved:
    """Tells which handlers no request comes to, and why."""

    def __init__(self, application: Application) -> None:
        self.application, self.code = application, application.code
        (self.raising,) = application.facts(Raising)
        (self.shadowed,) = application.facts(Shadowed)

    def why(self, function: Located) -> str:
        if taken := self.shadowed.functions.get(id(function.node)):
            return f'path("{taken}"), which stands before its own, takes its requests'
        return self._found.get(id(function.node), "")

    @functools.cached_property
    def _found(self) -> dict[int, str]:
        """The handlers that are served by none of their routes."""
        served: dict[int, list[Route]] = defaultdict(list)
        declared: dict[tuple[str, str, str], list[Route]] = defaultdict(list)
        for route in self.application.facts(Route):
            if route.framework == "FastAPI" and route.function is not None:
                served[id(route.function.node)].append(route)
                declared[route.application, route.method, route.function.path].append(route)
        told = unruled(self.application)
        for key, routes in served.items():
            beside = (declared[r.application, r.method, r.function.path] for r in routes)  # type: ignore[union-attr]
            reasons = [
                self._taken(route, others) or self._fails(route)
                for route, others in zip(routes, beside, strict=True)
            ]
            if all(reasons):
                told[key] = reasons[0]
        return told

    def _taken(self, route: Route, others: list[Route]) -> str:
        """The route of the same router that is declared before and takes each request for this one."""
        own = _declared(route)
        for other in others if own is not None and not self._are_ordered_anew else ():
            before = _declared(other)
            if before is not None and own is not None and before.on == own.on:
                if before.line < own.line and _takes(before.path.split("/"), own.path.split("/")):
                    return f"{other.name}, declared before, takes its requests"
        return ""

    @functools.cached_property
    def _are_ordered_anew(self) -> bool:
        """Whether the code changes the order of routes, or how they match."""
        lists: list[t.Node] = [x for a, _ in self.code.of_kind(t.Assign) for x in a.targets]
        for site in self.code.method_calls("insert", "sort", "reverse", "sorted", "remove"):
            lists += [*t.children(site.node.func), *site.node.args]
        anew = any(isinstance(n, t.Attr) and n.name == "routes" for n in lists)
        return anew or any(f.node.name == "matches" for f in self.code.functions())  # type: ignore[attr-defined]

    def _fails(self, route: Route) -> str:
        """Why a dependency raises, before it comes to the handler, whatever it is asked."""
        why = next((why for d in route.dependencies if (why := self.raising.always(d))), "")
        return "" if why and self.raising.overrides else why


def _declared(route: Route) -> _Declared | None:
    """How a route is declared; None where that may be at another time, or for one of several versions."""
    assert route.function is not None
    node, module = route.function.node, route.function.scope.module
    if not isinstance(node, t.Function) or not any(s is node for s in module.body):
        return None
    if any(_VERSIONS.search(t.last_word(t.callee(d))) for d in node.decorators):
        return None
    match [d for d in node.decorators if t.last_word(t.callee(d)) == route.method.lower()]:
        case [t.Call(func=t.Attr(value=t.Name(id=name)), args=[t.Const(value=str(path)), *_])]:
            alone = len(module.scope.bindings.get(name, ())) == 1
            if alone and route.path.endswith(path):
                return _Declared((name, route.path[: len(route.path) - len(path)]), path, node.line)
    return None


def _takes(first: list[str], path: list[str]) -> bool:
    """Whether a route's path, in its parts, matches each request that another's does."""
    for at, part in enumerate(first):
        if _REST.fullmatch(part) and at == len(first) - 1:
            return len(path) > at
        if at >= len(path) or _REST.search(path[at]):
            return False
        if part != path[at] and not (_WHOLE.fullmatch(part) and path[at]):
            return False
    return len(first) == len(path)
