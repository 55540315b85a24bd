"""Settings whose names stand in a list that the code goes through: `for name in NAMES: os.environ[name]`."""

from __future__ import annotations

from collections.abc import Iterator

from auditor.extract.python import tree as t
from auditor.link.application import Application
from auditor.link.names import Code
from auditor.link.scopes import Located, Scope
from auditor.link.values import Evaluator

_MOST = 200


def in_turn(application: Application, key: t.Expr, node: t.Expr, scope: Scope) -> Iterator[str]:
    """The texts that `key`, a part of `node`, takes on in the loop or comprehension around it."""
    values = application.values
    for word in t.walk(key):
        if not isinstance(word, t.Name):
            continue
        for where, iterated, index in _loops(values.code, word.id, node, scope):
            told = False
            for item in _items(values, iterated, where, index):
                with values.within({(id(where), word.id): item}):
                    if text := values.text(key, scope):
                        told = True
                        yield text
            if told:
                return


def _loops(
    code: Code, name: str, node: t.Expr, scope: Scope
) -> Iterator[tuple[Scope, t.Expr, int | None]]:
    """(scope, what is gone through, place in an unpacking) of the loops that bind a name."""
    if (found := code.find(name, scope)) is not None:
        where, bindings = found
        for binding in bindings:
            if binding.kind == "element" and binding.value is not None:
                yield where, binding.value, binding.index
        return
    for comp, inside in code.nodes(scope.module):
        if isinstance(comp, t.Comp) and inside is scope and any(n is node for n in t.walk(comp)):
            for loop in comp.loops:
                match loop.target:
                    case t.Name(id=target) if target == name:
                        yield scope, loop.iter, None
                    case t.Seq(items=items):
                        for index, item in enumerate(items):
                            if isinstance(item, t.Name) and item.id == name:
                                yield scope, loop.iter, index


def _items(
    values: Evaluator, iterated: t.Expr, scope: Scope, index: int | None
) -> Iterator[Located]:
    """The items of a display, or the keys or values of a dict."""
    half = index
    match iterated:
        case t.Call(func=t.Attr(value=base, name="items" | "keys" | "values" as word), args=[]):
            iterated = base
            half = {"items": index, "keys": 0, "values": 1}[word]
        case t.Call(func=t.Name(id="sorted" | "list" | "set" | "tuple" | "enumerate"), args=[only]):
            iterated = only
    for source in values.sources(iterated, scope):
        match source.node:
            case t.Seq(items=items):
                for item in items[:_MOST]:
                    if index is not None and isinstance(item, t.Seq) and index < len(item.items):
                        item = item.items[index]
                    yield Located(item, source.scope)
            case t.Map(keys=keys, values=told):
                parts: list[t.Expr | None] = [*(told if half == 1 else keys)]
                yield from (Located(x, source.scope) for x in parts[:_MOST] if x is not None)
