"""How many records a read may bring, told from what is given as its limit.

A number of the code bounds it; so does a parameter with a maximum (`Query(50, le=100)`, a field of a
model with one), `min(limit, 100)`, or a comparison with the maximum before. What a caller sends without
one does not.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable

from auditor.extract.python import tree as t
from auditor.link.application import Application
from auditor.link.scopes import Located, Scope
from auditor.link.values import Evaluator
from auditor.model.data import Bound
from auditor.model.values import Known, Setting
from auditor.model.web import Route

_MAX_DEPTH = 8
_WORST = (Bound.NONE, Bound.CALLER, Bound.UNKNOWN, Bound.LIMITED, Bound.ONE)
_MAXIMA = {"le", "lt", "max_value"}
_SENT = re.compile(r"\b(?:request|req)\b.*\b(?:args|query_params|GET|json|values|form|POST|data)\b")


class Bounds:
    """Judges limits; `handlers` are the functions whose parameters callers fill."""

    def __init__(self, values: Evaluator, handlers: Iterable[Located]) -> None:
        self.values, self.code = values, values.code
        self.handlers = {id(found.node) for found in handlers}

    def of(self, expr: t.Expr | None, scope: Scope, depth: int = 0) -> Bound:
        """The bound that a limit sets; without one there is none."""
        if depth > _MAX_DEPTH:
            return Bound.UNKNOWN
        match expr:
            case None | t.Const(value=None | False | 0):
                return Bound.NONE
            case t.Const():
                return Bound.LIMITED
            case t.Await(value=inner) | t.Bind(value=inner) | t.Unary(value=inner):
                return self.of(inner, scope, depth + 1)
            case t.Choice(then=then, other=other):
                return worst(self.of(x, scope, depth + 1) for x in (then, other))
            case t.BoolOp(values=[first, *_]):
                return self.of(first, scope, depth + 1)
            case t.BinOp(op="+", left=left, right=right):  # [offset : offset + limit], from 0
                told = [self.of(x, scope, depth + 1) for x in (left, right)]
                return worst([x for x in told if x is not Bound.NONE] or told)
            case t.BinOp(op="-", left=t.Const() as most):  # `5 - len(found)`
                return self.of(most, scope, depth + 1)
            case t.BinOp(left=left, right=right):
                return worst(self.of(x, scope, depth + 1) for x in (left, right))
            case t.Call(func=t.Name(id="min")):
                return Bound.LIMITED
            case t.Call(func=t.Name(id="max" | "int" | "abs"), args=args):
                return worst(self.of(x, scope, depth + 1) for x in args)
            case t.Name():
                return self._name(expr, scope, depth)
            case t.Attr():
                return self._attribute(expr, scope, depth)
            case t.Call():
                return Bound.CALLER if _SENT.search(_spelt(expr)) else Bound.UNKNOWN
        return Bound.UNKNOWN

    def _name(self, expr: t.Name, scope: Scope, depth: int) -> Bound:
        found = self.code.find(expr.id, scope)
        if found is None or self._compared(expr.id, scope):
            return Bound.LIMITED if found is not None else self._constant(expr, scope)
        where, bindings = found
        assigned = [b.part for b in bindings if b.kind == "value" and b.part is not None]
        if any(_caps(each) for each in assigned):
            return Bound.LIMITED
        for binding in bindings:
            if binding.kind == "parameter":
                assert isinstance(binding.node, t.Param)
                return self._parameter(binding.node, where, depth)
        if assigned:
            return worst(self.of(each, where, depth + 1) for each in assigned)
        return self._constant(expr, scope)

    def _constant(self, expr: t.Expr, scope: Scope) -> Bound:
        value = self.values.value(expr, scope)
        return Bound.LIMITED if isinstance(value, Known | Setting) else Bound.UNKNOWN

    def _compared(self, name: str, scope: Scope) -> bool:
        """`if limit > 100: …` somewhere in the function."""
        function = scope.function
        for node in t.walk_own(*function.body) if function is not None else ():
            match node:
                case t.Compare(left=t.Name(id=left), ops=[">" | ">=", *_]) if left == name:
                    return True
                case t.Compare(rights=[*_, t.Name(id=right)], ops=["<" | "<=", *_]) if (
                    right == name
                ):
                    return True
                case t.Compare(left=_, ops=[_, "<" | "<="], rights=[t.Name(id=mid), _]) if (
                    mid == name
                ):
                    return True
        return False

    def _parameter(self, param: t.Param, where: Scope, depth: int) -> Bound:
        if any(_has_maximum(part) for part in (param.annotation, param.default) if part):
            return Bound.LIMITED
        function = self.code.enclosing(where)
        if function is None or id(function.node) in self.handlers:
            return Bound.CALLER
        assert isinstance(function.node, t.Function)
        skip = 1 if isinstance(function.scope.owner, t.Class) else 0
        position = function.node.params.index(param) - skip
        given = [
            self.of(expr, site.scope, depth + 1)
            for site in self.code.calls(self.code.own_name(function))
            if (expr := site.arg(position, param.name)) is not None
        ]
        if given:
            return worst(given)
        return self.of(param.default, where, depth + 1) if param.default else Bound.UNKNOWN

    def _attribute(self, expr: t.Attr, scope: Scope, depth: int) -> Bound:
        """`page.limit`: the field of a class of the tree, by its own maximum."""
        name = self.code.name(expr.value, scope)
        owner = self.code.definition(name.removesuffix("()"))
        if owner is not None and isinstance(owner.node, t.Class):
            for ancestor in self.code.ancestry(owner):
                found = self.code.definition(ancestor)
                for stmt in found.node.body if found else ():  # type: ignore[attr-defined]
                    match stmt:
                        case t.Assign(targets=[t.Name(id=field)]) if field == expr.name:
                            parts = [p for p in (stmt.annotation, stmt.value) if p is not None]
                            if any(_has_maximum(part) for part in parts):
                                return Bound.LIMITED
                            if stmt.annotation is not None and name.endswith("()"):
                                return Bound.CALLER
        if _SENT.search(_spelt(expr)):
            return Bound.CALLER
        return self._constant(expr, scope)


def bounds_of(application: Application) -> Bounds:
    """The bounds of an application, whose handlers are those of its routes."""
    handlers = (route.function for route in application.facts(Route))
    return _bounds(application.values, tuple(h for h in handlers if h is not None))


@functools.lru_cache(maxsize=4)
def _bounds(values: Evaluator, handlers: tuple[Located, ...]) -> Bounds:
    return Bounds(values, handlers)


def worst(found: Iterable[Bound]) -> Bound:
    """The one that bounds least."""
    return min(found, key=_WORST.index, default=Bound.UNKNOWN)


def _caps(expr: t.Expr) -> bool:
    """`min(limit, 100)`, also around or inside of other calls."""
    return any(
        isinstance(node, t.Call) and t.dotted(node.func) == "min" for node in t.walk_own(expr)
    )


def _has_maximum(expr: t.Expr) -> bool:
    return any(
        (isinstance(node, t.Call) and any(k.name in _MAXIMA for k in node.keywords))
        or (isinstance(node, t.Name | t.Attr) and t.dotted(node).rpartition(".")[2] == "Literal")
        for node in t.walk_own(expr)
    )  # fmt: skip


def _spelt(expr: t.Expr) -> str:
    """The names of an expression, as they follow each other."""
    return " ".join(
        node.id if isinstance(node, t.Name) else node.name
        for node in reversed(list(t.walk_own(expr)))
        if isinstance(node, t.Name | t.Attr)
    )
