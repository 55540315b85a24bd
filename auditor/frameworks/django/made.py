"""Functions of a tree that make a view, or put something around the views of a list of patterns.

`path("x", page(Shelf))`, where `page` returns `login_required(view.as_view())`;
`include(protect(patterns))`, where `protect` sets `pattern.callback = login_required(pattern.callback)`.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from auditor.extract.python import tree as t
from auditor.link.names import Code
from auditor.link.scopes import CallSite, Located, argument

_MAX_STEPS = 8
_ASKING = {"hasattr", "isinstance"}
"""Tests that tell patterns from includes."""


class Made(msgspec.Struct, frozen=True):
    """The view that a call makes, and what the function puts around it, outermost first."""

    view: Located
    wrappers: tuple[Located, ...]


def made_view(code: Code, call: CallSite) -> Made | None:
    """What a function of the tree returns for a view, where that is told."""
    found = code.defined(call.node.func, call.scope)
    if found is None or not isinstance(found.node, t.Function):
        return None
    returned = [n.value for n in t.walk_own(*found.node.body) if isinstance(n, t.Return)]
    if len(returned) != 1 or returned[0] is None:
        return None
    inner, value, given = code.inside(found), returned[0], _given(found.node, call)
    wrappers: list[Located] = []
    for _ in range(_MAX_STEPS):
        match value:
            case t.Call(func=t.Attr(value=t.Name(id=name), name="as_view") as func) if (
                view := given.get(name)
            ) is not None:
                made = t.Call(
                    call.node.line,
                    call.node.column,
                    call.node.end_line,
                    msgspec.structs.replace(func, value=view),
                    [],
                    [],
                )
                return Made(Located(made, call.scope), tuple(wrappers))
            case t.Call(func=t.Attr(name="as_view")):
                return Made(Located(value, inner), tuple(wrappers))
            case t.Name(id=name) if (view := given.get(name)) is not None:
                return Made(Located(view, call.scope), tuple(wrappers))
            case t.Name(id=name):
                bindings = inner.bindings.get(name, ())
                if len(bindings) != 1 or bindings[0].value is None:
                    return None
                value = bindings[0].value
            case t.Call(func=func, args=[below]):
                wrappers.append(Located(func, inner))
                value = below
            case _:
                return None
    return None


def wrapped_callbacks(code: Code, function: Located, call: CallSite) -> Iterator[Located]:
    """What a function that is given patterns wraps every one of their views in.

    Where it picks some of them, nothing is told.
    """
    assert isinstance(function.node, t.Function)
    given = _given(function.node, call)
    for assign in _every(function.node.body):
        match assign:
            case t.Assign(
                targets=[t.Attr(name="callback" | "_callback")],
                value=t.Call(func=func, args=[t.Attr(name="callback" | "_callback")]),
            ):
                if isinstance(func, t.Name) and (passed := given.get(func.id)) is not None:
                    yield Located(passed, call.scope)
                else:
                    yield Located(func, code.inside(function))


def _given(function: t.Function, call: CallSite) -> dict[str, t.Expr | None]:
    """What a call gives each parameter of the function it calls."""
    return {
        param.name: argument(call.node, index, param.name)
        for index, param in enumerate(function.params)
    }


def _every(body: list[t.Stmt]) -> Iterator[t.Stmt]:
    """The statements that run for each pattern, whatever it is."""
    for stmt in body:
        match stmt:
            case t.For(body=inner):
                yield from _every(inner)
            case t.If(test=t.Call(func=t.Name(id=name)), body=inner, orelse=orelse) if (
                name in _ASKING
            ):
                yield from _every(inner)
                yield from _every(orelse)
            case _:
                yield stmt
