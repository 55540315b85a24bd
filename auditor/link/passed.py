"""What the call that is looked at passes for a parameter, and what tests of it come to.

`query = {} if query is None else query`, `if status: query["status"] = status`, `order or [("_id", 1)]`: which
way is taken each caller decides, by what it passes or leaves out.
"""

from __future__ import annotations

from auditor.extract.python import tree as t
from auditor.link.enumerations import is_member, worth
from auditor.link.scopes import Binding, Located, Scope
from auditor.link.values import Evaluator

_MAX_DEPTH = 6
_ALWAYS = {"ObjectId", "PydanticObjectId", "UUID", "uuid4", "str", "now", "utcnow", "today"}
"""What gives something that counts as true."""
_KEYS = {"id", "_id", "pk"}
"""What each record has."""
_MADE = t.Map | t.Seq | t.Text | t.Comp | t.Compare | t.Lambda


def outcome(values: Evaluator, test: t.Expr, scope: Scope) -> bool | None:
    """The outcome of a test of a parameter for which this call passes a constant, nothing, or what it always has."""
    match test:
        case t.Unary(op="not", value=inner):
            told = outcome(values, inner, scope)
            return None if told is None else not told
        case t.Compare(
            left=inner, ops=[("is" | "is not" | "==" | "!=") as op], rights=[t.Const(value=None)]
        ):
            given = _argument(values, inner, scope)
            nothing = _is_nothing(values, given) if given is not None else None
            return None if nothing is None else nothing == (op in ("is", "=="))
        case t.BoolOp(op=op, values=parts):
            outcomes = [outcome(values, each, scope) for each in parts]
            if (op == "or") in outcomes:
                return op == "or"
            return None if None in outcomes else op == "and"
        case t.Compare(
            left=t.Call(func=t.Name(id="len"), args=[inner]),
            ops=["=="],
            rights=[t.Const(value=count)],
        ):
            rest = _rest(values, inner, scope)
            return None if rest is None else len(rest) == count
        case t.Call(
            func=t.Name(id="isinstance"),
            args=[t.Item(value=inner, index=t.Const(value=0)), t.Name(id="dict")],
        ):
            first = next(iter(_rest(values, inner, scope) or ()), None)
            return True if isinstance(first, t.Map) else None
        case t.Call(func=t.Name(id="isinstance"), args=[inner, t.Name(id="dict" | "str" as kind)]):
            given = _argument(values, inner, scope)
            is_a = _builtin(values, given) if given is not None else ""
            return is_a == kind if is_a else None
    given = _argument(values, test, scope)
    return _counts(values, given) if given is not None else None


def taken(values: Evaluator, expr: t.Expr, scope: Scope) -> Located:
    """What an expression stands for in this call: of `order or [("_id", 1)]` the side that it takes."""
    for _ in range(_MAX_DEPTH):
        match expr:
            case t.Choice(test=test, then=then, other=other) if (
                told := outcome(values, test, scope)
            ) is not None:
                expr = then if told else other
            case t.BoolOp(op="or", values=[first, other]) if (
                told := outcome(values, first, scope)
            ) is not None:
                expr = first if told else other
            case t.Name() if values.is_bound(expr, scope):
                origins = [o for o in values.origins(expr, scope) if o.node is not expr]
                if len(origins) != 1:
                    break
                expr, scope = origins[0].node, origins[0].scope  # type: ignore[assignment]
            case _:
                break
    return Located(expr, scope)


def _argument(values: Evaluator, expr: t.Expr, scope: Scope) -> Located | None:
    """What the call that is looked at passes for a parameter."""
    if not isinstance(expr, t.Name) or not values.is_bound(expr, scope):
        return None
    _, bindings = values.code.find(expr.id, scope)  # type: ignore[misc]
    before = all(isinstance(b.node, t.Param) or b.node.line > expr.line for b in bindings)
    given = values.handed(expr, scope) if before else values.origins(expr, scope)
    return next(iter(given), None)


def _rest(values: Evaluator, expr: t.Expr, scope: Scope) -> list[t.Expr] | None:
    """What the call that is looked at leaves for `*args`, as far as it is told."""
    given = _argument(values, expr, scope)
    items = given.node.items if given is not None and isinstance(given.node, t.Seq) else None
    return None if any(isinstance(x, t.Star) for x in items or ()) else items


def _builtin(values: Evaluator, given: Located) -> str:
    """Which of a text and a dict is passed, where that is told; else empty."""
    match given.node:
        case t.Map():
            return "dict"
        case t.Text() | t.Const(value=str()):
            return "str"
        case t.Name(id=name) if (found := values.code.find(name, given.scope)) is not None:
            match found[1]:
                case [Binding(node=t.Param(annotation=t.Name(id="dict" | "str" as kind)))]:
                    return kind
                case [Binding(kind="value", index=None, part=t.Map())]:
                    return "dict"
    return ""


def _is_nothing(values: Evaluator, given: Located, depth: int = 0) -> bool | None:
    """Whether what is passed is None."""
    match given.node:
        case t.Const(value=value):
            return value is None
        case node if isinstance(node, _MADE) or _counts(values, given):
            return False
        case t.Name() if depth < _MAX_DEPTH:
            told = {_is_nothing(values, each, depth + 1) for each in _held(values, given)}
            return told.pop() if len(told) == 1 else None
    return None


def _counts(values: Evaluator, given: Located, depth: int = 0) -> bool | None:
    """Whether what is passed counts as true: an item and a parameter that the caller must be given do."""
    match given.node:
        case t.Const(value=value):
            return bool(value)
        case t.Item():
            return True
        case t.Map(keys=parts) | t.Seq(items=parts) | t.Text(parts=parts):
            surely = any(part is not None and not isinstance(part, t.Star) for part in parts)
            if isinstance(given.node, t.Text):
                surely = any(isinstance(part, t.Const) and part.value for part in parts)
            return True if surely else None if parts or depth else False
        case t.Call(func=func):
            return True if t.last_word(func) in _ALWAYS else None
        case t.Attr() as node:
            if is_always(node):
                return True
            members = [
                o for o in values.origins(given.node, given.scope) if is_member(values.code, o)
            ]
            told = {_counts(values, worth(values.code, each), depth + 1) for each in members}
            return told.pop() if len(told) == 1 else None
        case t.Name() if depth < _MAX_DEPTH:
            told = {_counts(values, each, depth + 1) for each in _held(values, given)}
            alike = told.pop() if len(told) == 1 else None
            return True if alike is None and _is_required(values, given) else alike
    return None


def is_always(expr: t.Expr) -> bool:
    """Whether an expression counts as true by what it is: the key of a record, `user.id`, `str(user["_id"])`."""
    match expr:
        case t.Call(func=t.Name(id="str"), args=[inner]):
            return is_always(inner)
        case t.Call(func=func):
            return t.last_word(func) in _ALWAYS - {"str"}
        case t.Attr(name=name) | t.Item(index=t.Const(value=str(name))):
            return name in _KEYS
    return False


def _held(values: Evaluator, given: Located) -> list[Located]:
    """What a variable holds that is only ever given as a whole; nothing where that is not told."""
    assert isinstance(given.node, t.Name)
    if values.is_bound(given.node, given.scope):  # by the caller's caller
        return values.origins(given.node, given.scope)
    found = values.code.find(given.node.id, given.scope)
    whole = found is not None and all(
        b.kind == "value" and b.part is not None and not getattr(b.node, "op", "") for b in found[1]
    )
    return values.origins(given.node, given.scope) if whole else []


def _is_required(values: Evaluator, given: Located) -> bool:
    """Whether a name is a parameter of the caller that has no default and may not be nothing."""
    assert isinstance(given.node, t.Name)
    found = values.code.find(given.node.id, given.scope)
    return found is not None and all(
        isinstance(b.node, t.Param)
        and b.node.default is None
        and b.node.annotation is not None
        and not any(
            (isinstance(n, t.Const) and n.value is None) or getattr(n, "id", "") == "Optional"
            for n in t.walk_own(b.node.annotation)
        )
        for b in found[1]
    )
