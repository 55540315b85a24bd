"""Calls of coroutines that nothing awaits: what they ask is never sent.

Source: https://docs.python.org/3/library/asyncio-task.html#coroutines.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator

from auditor.extract.python import tree as t
from auditor.link.names import Code
from auditor.link.scopes import Module

_OF_COROUTINES = {"send", "throw", "close", "cr_await", "cr_code", "cr_frame", "cr_running", "__await__", "__name__", "__class__"}  # fmt: skip


@functools.lru_cache(maxsize=4_000)
def unawaited(code: Code, module: Module) -> frozenset[int]:
    """The calls, by `id`, that begin nothing where they call a coroutine: they are statements by themselves, or what
    they give is asked for an attribute, also by the one name that it has."""
    found: set[int] = set()
    for node, _ in code.nodes(module):
        match node:
            case t.Do(value=t.Call() as call):
                found.add(id(call))
            case t.Attr(value=t.Call() as call, name=name) if name not in _OF_COROUTINES:
                found.add(id(call))
            case t.Function(is_async=True):
                found.update(id(call) for call in _kept(node))
    return frozenset(found)


def _kept(function: t.Function) -> Iterator[t.Call]:
    """The calls whose value a variable has that is asked for an attribute, `user.email`, before anybody gets it."""
    made: dict[str, t.Call] = {}
    got = {param.name for param in function.params}
    fine: set[int] = set()
    for node in t.walk(*function.body):
        match node:
            case t.Assign(targets=[t.Name(id=name) as kept], value=t.Call() as call, op="") if (
                name not in made
            ):
                made[name] = call
                fine.add(id(kept))
            case t.If(test=t.Name() as tested) | t.Unary(op="not", value=t.Name() as tested):
                fine.add(id(tested))
            case t.Attr(value=t.Name(id=name) as owner, name=read) if read not in _OF_COROUTINES:
                fine.add(id(owner))
                if name in made and name not in got:
                    yield made[name]
            case t.Name(id=name) if id(node) not in fine:
                got.add(name)  # another value, or somebody who may await it
