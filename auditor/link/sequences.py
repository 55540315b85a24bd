"""What a list holds that is put together in steps: displays, `+=`, comprehensions, other lists.

EXEMPT = [compile(settings.LOGIN_URL)]
EXEMPT += [compile(text) for text in settings.LOGIN_EXEMPT_URLS]
"""

from __future__ import annotations

from auditor.extract.python import tree as t
from auditor.link.origins import Env
from auditor.link.scopes import Located, Scope
from auditor.link.values import Evaluator
from auditor.model.values import possible

_MAX_ITEMS = 200
_MAX_DEPTH = 8

Items = list[tuple[Located, Env]]
"""Each item, and what the variables of the loop that made it are."""


def items_of(values: Evaluator, expr: t.Expr, scope: Scope, depth: int = 0) -> Items | None:
    """The items of a list in order; None where not all of them can be told."""
    found = _items(values, expr, scope, depth) if depth < _MAX_DEPTH else None
    return None if found is None or len(found) > _MAX_ITEMS else found


def _items(values: Evaluator, expr: t.Expr, scope: Scope, depth: int) -> Items | None:
    match expr:
        case t.Seq(items=items):
            parts: list[Items | None] = [
                items_of(values, item.value, scope, depth + 1)
                if isinstance(item, t.Star)
                else [(Located(item, scope), {})]
                for item in items
            ]
            return _together(parts)
        case t.BinOp(op="+", left=left, right=right):
            return _together([items_of(values, side, scope, depth + 1) for side in (left, right)])
        case t.Comp(elements=[element], loops=[t.Loop(target=t.Name(id=name)) as loop]):
            turns = items_of(values, loop.iter, scope, depth + 1)
            if turns is None or loop.conditions:
                return None
            key = (id(scope), name)
            return [(Located(element, scope), {**env, key: item}) for item, env in turns]
        case t.Call(func=t.Name(id="list" | "tuple" | "set" | "sorted"), args=[inner]):
            return items_of(values, inner, scope, depth + 1)
        case t.Name(id=name) if (found := values.code.find(name, scope)) is not None:
            where, bindings = found
            given = [b.value for b in bindings if b.kind == "value" and b.index is None]
            if given and len(given) == len(bindings):
                return _together(
                    [items_of(values, x, where, depth + 1) if x else None for x in given]
                )
    for known in possible(values.value(expr, scope)):
        if isinstance(known.value, list):
            at = (expr.line, expr.column, expr.end_line)
            return [(Located(t.Const(*at, item), scope), {}) for item in known.value]
    origins = [o for o in values.origins(expr, scope) if o.node is not expr]
    if len(origins) == 1:
        return items_of(values, origins[0].node, origins[0].scope, depth + 1)  # type: ignore[arg-type]
    return None


def _together(parts: list[Items | None]) -> Items | None:
    """Lists one after the other; None where one is not known."""
    whole: Items = []
    for part in parts:
        if part is None:
            return None
        whole += part
    return whole
