"""What a request that brings nothing meets: no header, no cookie, no parameter, nobody signed in.

A guard turns such a request away. What only turns away who brings something (`if "Basic" in header:
return 401`) is a filter, and what signs in who brings nothing lets everybody in.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from auditor.extract.python import tree as t
from auditor.link.scopes import Located, Scope
from auditor.link.values import Evaluator
from auditor.model.values import possible

Condition = tuple[t.Expr, bool]

_BROUGHT = re.compile(
    r"(?:^|\.)(?:headers|cookies|COOKIES|GET|POST|FILES|query_params|args|form|session)$"
)
_META = re.compile(r"(?:^|\.)META$")
_TOLD = {
    "is_authenticated": False, "is_staff": False, "is_superuser": False, "is_anonymous": True,
    "is_active": False,
}  # fmt: skip
"""What the framework says of nobody."""
_STAYS_EMPTY = {
    "get", "getlist", "pop", "strip", "lower", "upper", "split", "partition", "removeprefix", "encode",
    "decode", "replace", "get_signed_cookie",
}  # fmt: skip
_MAX_DEPTH = 8


class Bare:
    """Decides tests for a request that brings nothing."""

    def __init__(self, values: Evaluator) -> None:
        self.values = values

    def meets(self, conditions: Iterable[Condition], scope: Scope) -> bool:
        """Whether such a request may get where these conditions hold."""
        return all(self.decide(test, scope) is not (not outcome) for test, outcome in conditions)

    def decide(self, test: t.Expr, scope: Scope, depth: int = 0) -> bool | None:
        """The outcome of a test, None where it hangs on something else."""
        if depth > _MAX_DEPTH:
            return None
        match test:
            case t.Unary(op="not", value=value):
                outcome = self.decide(value, scope, depth + 1)
                return None if outcome is None else not outcome
            case t.BoolOp(op=op, values=values):
                outcomes = [self.decide(value, scope, depth + 1) for value in values]
                if (op == "or") in outcomes:
                    return op == "or"
                return None if None in outcomes else op == "and"
            case t.Compare(left=left, ops=[op], rights=[right]):
                return self._compared(left, op, right, scope, depth)
            case t.Attr(name=name, value=owner) if name in _TOLD and "user" in t.dotted(owner):
                return _TOLD[name]
            case t.Call(func=t.Attr(name="startswith" | "endswith", value=owner)):
                return False if self._empty(owner, scope, depth) else None
            case t.Bind(value=value) | t.Await(value=value):
                return self.decide(value, scope, depth + 1)
        return False if self._empty(test, scope, depth) else None

    def _compared(
        self, left: t.Expr, op: str, right: t.Expr, scope: Scope, depth: int
    ) -> bool | None:
        one, other = self._empty(left, scope, depth), self._empty(right, scope, depth)
        if not one and not other:
            return None
        if op in ("in", "not in"):
            return op == "not in"
        if op in ("is", "is not", "==", "!="):
            against = right if one else left
            known = [k.value for k in possible(self.values.value(against, scope))]
            if isinstance(against, t.Const) and not against.value:
                return op in ("is", "==")
            return op in ("is not", "!=") if known and all(known) else None
        return None

    def _empty(self, expr: t.Expr, scope: Scope, depth: int) -> bool:
        """Whether an expression is something that the caller would have had to bring."""
        if depth > _MAX_DEPTH:
            return False
        match expr:
            case t.Call(func=t.Attr(value=owner, name=name)) if name in _STAYS_EMPTY:
                if name in ("get", "pop") and _META.search(t.dotted(owner)):
                    return _is_header(expr.args[:1])
                if len(expr.args) > 1 and name in ("get", "pop", "get_signed_cookie"):
                    if not (isinstance(expr.args[1], t.Const) and not expr.args[1].value):
                        return False  # another default than nothing
                return bool(_BROUGHT.search(t.dotted(owner))) or self._empty(
                    owner, scope, depth + 1
                )
            case t.Item(value=owner, index=index):
                if _META.search(t.dotted(owner)):
                    return _is_header([index])
                return bool(_BROUGHT.search(t.dotted(owner))) or self._empty(
                    owner, scope, depth + 1
                )
            case t.Attr(value=owner, name=name) if _BROUGHT.search(t.dotted(expr)):
                return "request" in t.dotted(owner) or name in ("headers", "COOKIES")
            case t.Const(value=value):
                return not value  # `token = None`, where none was brought
            case t.Name():
                found = [s for s in self.values.origins(expr, scope) if s.node is not expr]
                return bool(found) and all(
                    self._empty(s.node, s.scope, depth + 1)  # type: ignore[arg-type]
                    for s in found
                )
            case t.Await(value=value):
                return self._empty(value, scope, depth + 1)
        return False


def _is_header(key: list[t.Expr]) -> bool:
    """Whether a key of Django's `request.META` stands for a header that the caller sends."""
    match key:
        case [t.Const(value=str(name))]:
            return name.startswith("HTTP_") and name != "HTTP_HOST"
    return False


def conditions(function: Located, node: t.Node) -> list[Condition]:
    """The tests with their outcomes on which a node of a function is reached.

    Besides those around it, those before it that leave: `if done: return`.
    """
    return list(_within(function.node.body, node))  # type: ignore[attr-defined]


def _within(body: list[t.Stmt], node: t.Node) -> Iterator[Condition]:
    for stmt in body:
        if stmt.line <= node.line <= stmt.end_line:
            match stmt:
                case t.If(test=test, body=then, orelse=other):
                    if any(s.line <= node.line <= s.end_line for s in then):
                        yield test, True
                        yield from _within(then, node)
                    elif any(s.line <= node.line <= s.end_line for s in other):
                        yield test, False
                        yield from _within(other, node)
                case t.Try(body=then, orelse=other, final=final, handlers=handlers):
                    yield from _within([*then, *other, *final], node)
                    for handler in handlers:
                        yield from _within(handler.body, node)
                case t.With(body=then) | t.For(body=then) | t.While(body=then):
                    yield from _within(then, node)
            return
        match stmt:
            case t.If(
                test=test, body=[*_, t.Return() | t.Raise() | t.Jump(kind="continue")], orelse=[]
            ):
                yield test, False
