"""Which sinks what the caller sent reaches, function by function."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from auditor.extract.python import tree as t
from auditor.link.flow.calls import DRAINS, READS, Reached
from auditor.link.flow.models import Models
from auditor.link.flow.summaries import Summary, symbolic
from auditor.link.flow.taint import Taint
from auditor.link.names import Code
from auditor.link.scopes import Located, Scope
from auditor.link.values import Evaluator

_MAX_DEPTH = 7
_MAX_SHAPES = 10
_MAX_STATEMENTS = 1_000_000
"""Statements and calls one audit walks; beyond it the rest of the flows stay unseen."""


@dataclass
class Flow:
    """Follows values through the functions of a tree."""

    values: Evaluator
    implicit: bool = False
    """Whether functions may read the request without being handed it."""
    pages: frozenset[int] = frozenset()
    """Ids of the functions whose returned text becomes a page."""
    unescaped: dict[str, dict[str, frozenset[str]]] = field(default_factory=dict)
    """Base name of a template -> path -> variables of its context that it shows as they are."""
    shown: frozenset[str] = frozenset()
    """Attributes of stored objects that some template shows as they are."""
    _summaries: dict[tuple[object, ...], Summary] = field(default_factory=dict)
    _shapes: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    _active: list[tuple[object, ...]] = field(default_factory=list)
    _reading: dict[int, bool] = field(default_factory=dict)
    statements: int = 0

    def __post_init__(self) -> None:
        self.code: Code = self.values.code
        self.models = Models(self)

    def summary(self, function: Located, given: dict[str, Taint]) -> Summary:
        """What a function does when its parameters hold these values; a cycle does nothing."""
        shape = tuple(sorted((name, taint.shape) for name, taint in given.items()))
        key = (id(function.node), shape)
        known = self._summaries.get(key)
        if known is not None:
            return known
        if len(self._active) > _MAX_DEPTH or self.statements > _MAX_STATEMENTS:
            return Summary()
        if self._shapes[id(function.node)] >= _MAX_SHAPES:
            return Summary()
        self._shapes[id(function.node)] += 1
        self._summaries[key] = Summary()  # a cycle ends here
        self._active.append(key)
        try:
            from auditor.link.flow.walk import Walk

            own = {name: symbolic(name, taint) for name, taint in given.items()}
            self._summaries[key] = found = Walk(self, function, own).run()
        finally:
            self._active.pop()
        return found

    def walked(self, function: Located) -> bool:
        """Whether a function has been walked, whatever it was given."""
        return id(function.node) in self._shapes

    def reads(self, function: Located) -> bool:
        """Whether a function of the tree, or one it calls, reads the request by itself."""
        key = id(function.node)
        if key not in self._reading:
            self._reading[key] = False  # a cycle ends here
            inner = self.code.inside(function)
            self._reading[key] = (
                any(
                    self.read(node, inner) is not None
                    for node in t.walk_own(*function.node.body)  # type: ignore[attr-defined]
                    if isinstance(node, t.Name | t.Attr)
                )
                or any(self.reads(callee) for callee in self.code.with_callees(function, 1)[1:])
            )
        return self._reading[key]

    def read(self, expr: t.Expr, scope: Scope) -> Taint | None:
        """The part of the request that an expression names by itself."""
        for reader in READS:
            if found := reader(expr, scope, self):
                return found
        return None

    def drained(self, reached: Reached, last: str) -> Iterator[tuple[str, Taint]]:
        for drain in DRAINS.get(last, ()):
            for sink, taint in drain(reached):
                if taint is not None and not taint.proof(sink):
                    yield sink, taint
