"""Where a function comes back to a queryset of Django that it has gone through: the rows are held, and nothing is asked.

Source: https://docs.djangoproject.com/en/stable/topics/db/queries/#caching-and-querysets.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator

from auditor.extract.python import tree as t
from auditor.link.decisions import bound_anew

_THROUGH = {"list", "tuple", "set", "frozenset", "sorted", "reversed", "enumerate", "dict", "max", "min", "len",
            "sum", "any", "all", "bool"}  # fmt: skip
"""Built-in functions that bring all rows of the queryset that they are given."""
_ANSWERED = {"count", "exists", "acount", "aexists"}
"""What a queryset that holds its rows tells of them."""
_FORGETS = {"delete", "adelete", "update", "aupdate"}
"""What lets a queryset forget its rows."""


@functools.lru_cache(maxsize=20_000)
def held(function: t.Function) -> frozenset[int]:
    """The places, by the `id` of the name, where a variable is asked for what it holds if it is a queryset."""
    return frozenset(_Course(function).found)


class _Course:
    """Goes through a function's statements with the variables that were surely gone through before, `filled`."""

    def __init__(self, function: t.Function) -> None:
        self.found: set[int] = set()
        nested = (
            n for n in t.walk(*function.body) if isinstance(n, t.Function | t.Lambda | t.Class)
        )
        self.elsewhere = {name for inner in nested for name in _lost(*t.children(inner))}
        self.block(function.body, set())

    def block(self, body: list[t.Stmt], filled: set[str]) -> None:
        for stmt in body:
            self.statement(stmt, filled)

    def statement(self, stmt: t.Stmt, filled: set[str]) -> None:
        match stmt:
            case t.If(test=test, body=body, orelse=orelse):
                self.true(test, filled)
                ways = [(part, set(filled)) for part in (body, orelse)]
                for part, way in ways:
                    self.block(part, way)
                going = [way for part, way in ways if not t.leaves(part, turn=True)]
                if going:
                    filled.clear()
                    filled |= set.intersection(*going)
            case t.For(iter=iter_) | t.While(test=iter_):
                if isinstance(stmt, t.For):
                    self.through(iter_, filled)
                filled -= _lost(stmt)  # a later turn finds what an earlier one has left
                if isinstance(stmt, t.While):
                    self.true(iter_, filled)
                for part in t.blocks(stmt):
                    self.block(part, set(filled))
                filled -= _lost(*stmt.body)
            case t.Try(body=body, handlers=handlers, orelse=orelse, final=final):
                begun = filled - _lost(stmt)
                self.block([*body, *orelse], filled)
                for handler in handlers:
                    way = set(begun)
                    self.block(handler.body, way)
                    if not t.leaves(handler.body, turn=True):
                        filled &= way
                self.block(final, set(begun))
                filled -= _lost(*final)
            case t.With() | t.Match():
                parts = t.blocks(stmt)
                within = {id(n) for part in parts for n in part}
                for node in t.children(stmt):
                    if id(node) not in within:
                        self.read(node, filled)
                filled -= _lost(stmt)
                for part in parts:
                    self.block(part, set(filled))  # it may end before its end
            case t.Function() | t.Class():
                pass
            case t.Assign(value=value):
                if value is not None:
                    self.read(value, filled)
                filled -= _lost(stmt)
            case _:
                for node in t.children(stmt):
                    self.read(node, filled)
                if isinstance(stmt, t.Delete):
                    filled -= _lost(stmt)

    def through(self, expr: t.Expr, filled: set[str]) -> None:
        self.read(expr, filled)
        if isinstance(expr, t.Name):
            filled.add(expr.id)

    true = through
    """A queryset brings all of its rows to tell whether there are any."""

    def read(self, node: t.Node, filled: set[str]) -> None:
        """An expression, in the order in which it is worked out; what only some runs come to leaves nothing."""
        perhaps: list[t.Expr] = []
        match node:
            case t.Lambda():
                return
            case t.BoolOp(values=[first, *perhaps]):
                self.true(first, filled)
            case t.Choice(test=test, then=then, other=other):
                self.true(test, filled)
                perhaps = [then, other]
            case t.Unary(op="not", value=value):
                self.true(value, filled)
            case t.Star(value=value):
                self.through(value, filled)
            case t.Comp(loops=[first_, *rest]):
                self.through(first_.iter, filled)
                inner = (x for loop in rest for x in (loop.iter, *loop.conditions))
                perhaps = [*first_.conditions, *inner, *node.elements]
            case t.Compare(left=left, ops=[op, *_], rights=[right, *perhaps]):
                self.read(left, filled)
                (self.through if op in ("in", "not in") else self.read)(right, filled)
            case t.Call(func=t.Attr(value=t.Name(id=name) as own, name=asked), args=[], keywords=[]) if asked in _ANSWERED:  # fmt: skip
                self.ask(name, own, filled)
            case t.Call(func=t.Name(id=called), args=[first, *_]) if called in _THROUGH:
                for part in t.children(node):
                    self.read(part, filled)
                self.through(first, filled)
            case _:
                if isinstance(node, t.Item) and isinstance(node.value, t.Name):
                    self.ask(node.value.id, node.value, filled)
                for part in t.children(node):
                    self.read(part, filled)
                if isinstance(node, t.Call | t.Bind):
                    filled -= set(_lost_by(node))
        for part in perhaps:
            self.read(part, set(filled))

    def ask(self, name: str, node: t.Name, filled: set[str]) -> None:
        if name in filled and name not in self.elsewhere:
            self.found.add(id(node))


def _lost(*nodes: t.Node) -> set[str]:
    """The variables that are bound anew, or that may forget their rows."""
    found = {name for node in nodes for name in bound_anew(node)}  # type: ignore[arg-type]
    return found | {name for node in t.walk_own(*nodes) for name in _lost_by(node)}


def _lost_by(node: t.Node) -> Iterator[str]:
    match node:
        case t.Call(func=t.Attr(value=t.Name(id=name), name=method)) if method in _FORGETS:
            yield name
        case t.Call(func=func) if not t.last_word(func)[:1].isupper() and t.last_word(func) not in _THROUGH:  # fmt: skip
            # a function may do so to what it is handed
            yield from (x.id for x in t.children(node)[1:] if isinstance(x, t.Name))
        case t.Bind(target=t.Name(id=name)):
            yield name
        case t.Delete(targets=targets):
            yield from (x.id for x in targets if isinstance(x, t.Name))
