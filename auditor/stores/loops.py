"""Queries that run once for each record of another query (N+1)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from auditor.extract.python import tree as t
from auditor.link.scopes import CallSite, Located, Scope, place_of
from auditor.link.values import Evaluator
from auditor.model.places import Place

_MAX_DEPTH = 4
Asks = Callable[[t.Expr], bool]


class Loops:
    """Finds the loop over a query's result that a place runs in; `asks` tells which calls query."""

    def __init__(self, values: Evaluator, asks: Asks) -> None:
        self.values, self.code, self.asks = values, values.code, asks
        self._loops: dict[int, list[tuple[t.Expr, t.Node, list[t.Node]]]] = {}
        self._callers: dict[int, Place | None] = {}

    def around(self, site: Located, depth: int = 0) -> Place | None:
        """The loop, in the place's own function or around a call of it."""
        for over, loop, inside in self._of(site.scope):
            if not loop.line <= site.node.line <= loop.end_line:
                continue
            if any(node is site.node for part in inside for node in t.walk(part)):
                if self._queried(over, site.scope):
                    return place_of(Located(loop, site.scope))
        function = self.code.enclosing(site.scope)
        if function is None or depth > 1:
            return None
        key = id(function.node)
        if key not in self._callers:
            self._callers[key] = None
            self._callers[key] = self._called_in(function, depth)
        return self._callers[key]

    def _called_in(self, function: Located, depth: int) -> Place | None:
        sites: Iterator[CallSite] = self.code.calls(self.code.own_name(function))
        for site in sites:
            if (loop := self.around(site, depth + 1)) is not None:
                return loop
        return None

    def _of(self, scope: Scope) -> list[tuple[t.Expr, t.Node, list[t.Node]]]:
        """(what is looped over, the loop, what runs in each turn) of every loop of a function."""
        key = id(scope)
        if key not in self._loops:
            body = scope.module.body if scope.owner is None else getattr(scope.owner, "body", [])
            found: list[tuple[t.Expr, t.Node, list[t.Node]]] = []
            for node in t.walk_own(*(body if isinstance(body, list) else [body])):
                match node:
                    case t.For(iter=over, body=inside):
                        found.append((over, node, list(inside)))
                    case t.Comp(elements=elements, loops=[first, *others]):
                        later = [other.iter for other in others]
                        tests = [test for loop in (first, *others) for test in loop.conditions]
                        found.append((first.iter, node, [*elements, *later, *tests]))
            self._loops[key] = found
        return self._loops[key]

    def _queried(self, over: t.Expr, scope: Scope, depth: int = 0) -> bool:
        """Whether what is looped over is, or was made of, what a query gave."""
        for node in t.walk_own(over):
            if isinstance(node, t.Call | t.Attr) and self.asks(node):
                return True
            if isinstance(node, t.Call) and self._gives(node, scope, depth):
                return True
            if isinstance(node, t.Name) and depth < _MAX_DEPTH:
                found = self.code.find(node.id, scope)
                for binding in found[1] if found is not None else ():
                    if binding.kind in ("value", "element") and binding.value is not None:
                        assert found is not None
                        if binding.value is not over and found[0].owner is not None:
                            if self._queried(binding.value, found[0], depth + 1):
                                return True
        return False

    def _gives(self, call: t.Call, scope: Scope, depth: int) -> bool:
        """Whether a function of the tree gives what a query gave."""
        if depth >= _MAX_DEPTH:
            return False
        function = self.code.defined(call.func, scope)
        if function is None or not isinstance(function.node, t.Function):
            return False
        inner = self.code.inside(function)
        return any(
            isinstance(node, t.Return)
            and node.value is not None
            and self._queried(node.value, inner, depth + 2)
            for node in t.walk_own(*function.node.body)
        )
