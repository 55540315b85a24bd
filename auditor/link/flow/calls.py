"""A call that is given something of the caller's, and what such calls do: filled by libraries and frameworks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import msgspec

from auditor.extract.python import tree as t
from auditor.link.flow.taint import Taint
from auditor.link.scopes import CallSite, Scope

if TYPE_CHECKING:
    from auditor.link.flow.engine import Flow


class Reached(msgspec.Struct, frozen=True):
    """A call with something of the caller's in its receiver or arguments."""

    site: CallSite
    flow: Flow
    receiver: Taint | None
    positional: tuple[Taint | None, ...]
    named: dict[str | None, Taint | None]

    @property
    def name(self) -> str:
        """The callee's canonical name; empty where it cannot be told."""
        return self.flow.code.name(self.site.node.func, self.site.scope)

    @property
    def spelt(self) -> str:
        func = self.site.node.func
        return t.dotted(func) or (f"….{func.name}" if isinstance(func, t.Attr) else "a call")

    def arg(self, position: int | None, *names: str) -> Taint | None:
        for name in names:
            if name in self.named:
                return self.named[name]
        if position is not None and position < len(self.positional):
            return self.positional[position]
        return None


Drain = Callable[[Reached], Iterable[tuple[str, "Taint | None"]]]
"""What a call does with tainted arguments: (kind of danger, the value)."""

DRAINS: dict[str, list[Drain]] = defaultdict(list)


def drains(*names: str) -> Callable[[Drain], Drain]:
    """Register what calls with one of these last names do."""

    def register(drain: Drain) -> Drain:
        for name in names:
            DRAINS[name].append(drain)
        return drain

    return register


Reads = Callable[[t.Expr, Scope, "Flow"], "Taint | None"]
READS: list[Reads] = []


def reads_request(reader: Reads) -> Reads:
    """Register how code reads the request without being handed it: a global, `self.request`."""
    READS.append(reader)
    return reader
