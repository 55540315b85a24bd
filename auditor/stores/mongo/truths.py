"""Truth tests of a database or a collection, which PyMongo 4 answers with an error: what stands behind them is never asked.

Source: "Collection.__bool__ raises NotImplementedError", "Database.__bool__ raises NotImplementedError"
(https://pymongo.readthedocs.io/en/stable/migrate-to-pymongo4.html).
"""

from __future__ import annotations

import functools
import re
from collections import defaultdict
from collections.abc import Iterator

from auditor.extract.python import tree as t
from auditor.link.names import Code
from auditor.link.scopes import CallSite, Located, Scope

_REFUSES = re.compile(
    r"^(?:motor|pymongo|flask_pymongo)\b[\w.]*(?:(?:Client|PyMongo)\(\)(?=[.\[])|Database\(\)|Collection\(\))"
    r"(?:\[\]|\.(?:get_\w+|with_options)\(\)|\.(?!client$)\w+)*$"
)


class Truths:
    """Tells which calls of a collection stand behind a truth test of it, or of its database."""

    def __init__(self, code: Code) -> None:
        self.code = code

    def before(self, site: CallSite) -> str:
        """The database or collection whose truth is tested on every way to a call; empty where none is."""
        function = site.scope.owner
        if not isinstance(function, t.Function) or not isinstance(site.node.func, t.Attr):
            return ""
        held: dict[str, t.Expr] = {}
        part: t.Expr = site.node.func.value
        while isinstance(part, t.Attr | t.Item | t.Name):
            if not isinstance(part, t.Item):
                held[t.dotted(part)] = part
            if isinstance(part, t.Name):
                break
            part = part.value
        for asked in _tested(function.body, site.node):
            name = t.dotted(asked) if isinstance(asked, t.Name | t.Attr) else ""
            if name in held and self._refuses(held[name], site.scope):
                if not _is_set(function, name, asked.line, site.node.line):
                    return name
        return ""

    def _refuses(self, expr: t.Expr, scope: Scope) -> bool:
        """Whether an expression surely is a database or a collection, wherever it is not None."""
        name = self.code.name(expr, scope)
        if name and not _REFUSES.match(name):
            return False
        if isinstance(expr, t.Attr) and (held := self._attributes.get(expr.name)):
            own = all(map(_is_own, self.code.set_attributes.get(expr.name, ())))
            return own and self._all_refuse(held)
        found = self.code.find(expr.id, scope) if isinstance(expr, t.Name) else None
        values = [Located(b.value, found[0]) for b in found[1] if b.value] if found else []
        return bool(name) and self._all_refuse(values)

    def _all_refuse(self, values: list[Located]) -> bool:
        """Whether all values but None are databases or collections."""
        told = [v for v in values if not (isinstance(v.node, t.Const) and v.node.value is None)]
        return all(
            isinstance(v.node, t.Expr)
            and not isinstance(v.node, t.BoolOp | t.Choice)  # one of several
            and bool(_REFUSES.match(self.code.name(v.node, v.scope)))
            for v in told
        ) and (bool(told) or not values)

    @functools.cached_property
    def _attributes(self) -> dict[str, list[Located]]:
        """What the classes of the tree have as their attributes."""
        found: dict[str, list[Located]] = defaultdict(list)
        for kind in self.code.classes():
            for name, values in self.code.attributes(kind).items():
                found[name] += values
            inner = self.code.inside(kind)
            for name, bindings in inner.bindings.items():
                told = (b for b in bindings if b.value or not isinstance(b.node, t.Assign))
                found[name] += [Located(b.value or b.node, inner) for b in told]
        return found


def _tested(body: list[t.Stmt], place: t.Node) -> Iterator[t.Expr]:
    """What is tested for its truth on every way to a place."""
    for stmt in body:
        if stmt.line <= place.line <= stmt.end_line:
            if not any(node is place for node in t.walk(stmt)):
                continue
            for block in t.blocks(stmt):
                if any(node is place for node in t.walk(*block)):
                    if isinstance(stmt, t.If | t.While):
                        yield from _asked(stmt.test, block is stmt.body)
                    yield from _tested(block, place)
            return
        if isinstance(stmt, t.If) and not stmt.orelse and t.leaves(stmt.body, True):
            yield from _asked(stmt.test, False)


def _asked(test: t.Expr, outcome: bool) -> Iterator[t.Expr]:
    """What is surely tested for its truth where a test comes out so."""
    match test:
        case t.Unary(op="not", value=inner):
            yield from _asked(inner, not outcome)
        case t.BoolOp(op=op, values=values):
            # all of them, where the last one decides
            for each in values if outcome == (op == "and") else values[:1]:
                yield from _asked(each, outcome)
        case _:
            yield test


def _is_set(function: t.Function, name: str, first: int, last: int) -> bool:
    """Whether something is set between two lines, itself or what it is an attribute of."""
    return any(
        isinstance(node, t.Assign)
        and first <= node.line <= last
        and any(f"{name}.".startswith(f"{t.dotted(x)}.") for x in node.targets if t.dotted(x))
        for node in t.walk(*function.body)
    )


def _is_own(setting: tuple[t.Expr | None, Scope]) -> bool:
    """Whether an attribute is set by a method of its own class."""
    return isinstance(setting[0], t.Name) and setting[0].id in ("self", "cls")
