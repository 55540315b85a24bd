"""What FastAPI is sure to hand to a route's function: a parameter of a plain type is checked before it runs.

Source: https://fastapi.tiangolo.com/tutorial/query-params/.
"""

from __future__ import annotations

from typing import Literal

from auditor.extract.python import tree as t
from auditor.frameworks.fastapi.dependencies import SOURCES
from auditor.link.decisions import assures

_CHECKED = {"str", "int", "float", "bool", "date", "datetime", "Decimal", "UUID"}
_OF_REQUESTS = {name.rpartition(".")[2] for name in SOURCES}
_ROUTES = {"get", "post", "put", "patch", "delete", "websocket", "api_route"}


@assures
def checked_parameter(expr: t.Expr, function: t.Function) -> Literal["present"] | None:
    """A value of the parameter's plain type, or the default that it has, and never None."""
    param = next(
        (p for p in function.params if isinstance(expr, t.Name) and p.name == expr.id), None
    )
    match param:
        case t.Param(annotation=t.Name(id=kind), default=default) if kind in _CHECKED:
            pass
        case _:
            return None
    match default:
        case t.Call(func=func, args=[first, *_]) if t.last_word(func) in _OF_REQUESTS:
            default = first if t.dotted(first) != "..." else None
        case t.Call(func=func, keywords=named) if t.last_word(func) in _OF_REQUESTS:
            default = next((k.value for k in named if k.name == "default"), None)
        case _:
            pass
    if default is not None and (not isinstance(default, t.Const) or default.value is None):
        return None
    routes = (
        d for d in function.decorators if isinstance(d, t.Call) and isinstance(d.func, t.Attr)
    )
    return "present" if any(t.last_word(d.func) in _ROUTES for d in routes) else None
