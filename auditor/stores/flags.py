"""Fields that take one of two values: an index on one alone finds half of what there is."""

from __future__ import annotations

from auditor.extract.python import tree as t
from auditor.link.scopes import Scope
from auditor.link.values import Evaluator


def two_values(values: Evaluator, expr: t.Expr | None, scope: Scope) -> bool:
    """Whether `choices=…` or an enumeration offers no more than two values."""
    if isinstance(expr, t.Attr) and expr.name == "choices":
        expr = expr.value
    found = values.code.defined(expr, scope) if isinstance(expr, t.Name | t.Attr) else None
    if found is not None and isinstance(found.node, t.Class):
        members = [
            s for s in found.node.body if isinstance(s, t.Assign) and isinstance(s.targets[0], t.Name)
            and s.value is not None and not s.targets[0].id.startswith("_")
        ]  # fmt: skip
        return 0 < len(members) <= 2
    listed = getattr(values.value(expr, scope), "value", None) if expr is not None else None
    return isinstance(listed, list) and 0 < len(listed) <= 2


def is_flag(values: Evaluator, field: t.Assign, scope: Scope) -> bool:
    """Whether a field of a document is declared as a boolean, or as an enumeration of two."""
    match field.value:
        case t.Call(func=func, keywords=keywords) if field.annotation is None:
            offered = [k.value for k in keywords if k.name == "choices"]
            return t.last_word(func) == "BooleanField" or any(
                two_values(values, each, scope) for each in offered
            )
    for node in t.walk_own(field.annotation) if field.annotation is not None else ():
        if isinstance(node, t.Name | t.Attr):
            found = values.code.defined(node, scope)
            kinds = values.code.ancestry(found) if found and isinstance(found.node, t.Class) else []
            if t.last_word(node) == "bool" or (
                any(kind.endswith("Enum") for kind in kinds) and two_values(values, node, scope)
            ):
                return True
    return False
