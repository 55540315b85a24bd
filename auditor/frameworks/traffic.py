"""Which routes run a function: handlers, what runs before them, and what all of these call."""

from __future__ import annotations

from auditor.extract.python import tree as t
from auditor.link.application import Application, provides
from auditor.link.names import Located
from auditor.model.traffic import Traffic
from auditor.model.web import Route

_MAX_DEPTH = 8


@provides(Traffic)
def traffic(application: Application) -> list[Traffic]:
    code = application.code
    callees: dict[int, list[Located]] = {}
    found = Traffic()
    for route in application.facts(Route):
        seen: set[int] = set()
        level = [f for f in (route.function, *route.dependencies) if f is not None]
        for _ in range(_MAX_DEPTH):
            below: list[Located] = []
            for function in level:
                if id(function.node) in seen or not isinstance(function.node, t.Function):
                    continue
                seen.add(id(function.node))
                found.add(function.path, code.own_name(function).partition(":")[2], route)
                if id(function.node) not in callees:
                    callees[id(function.node)] = code.with_callees(function, 1)[1:]
                below += callees[id(function.node)]
            level = below
    return [found]
