"""Flags that tell whether conditions were added: `asked = True` beside each `q |= Q(…)`."""

from __future__ import annotations

from collections.abc import Iterator

from auditor.extract.python import tree as t
from auditor.link.scopes import Scope


def marked(flag: str, scope: Scope) -> set[str]:
    """The variables that were added to, and begun once, wherever a flag of a function is true."""
    bound = [binding.node for binding in scope.bindings.get(flag, ())]
    if not isinstance(scope.owner, t.Function) or not all(_is_told(node, flag) for node in bound):
        return set()
    true = [node for node in bound if node.value.value is True]  # type: ignore[attr-defined]
    beside = [
        {x.targets[0].id for x in _beside(node, block) if isinstance(x.targets[0], t.Name)}
        for block in t.levels(scope.owner.body)
        for node in block
        if any(node is x for x in true)
    ]
    if not beside or len(beside) != len(true):
        return set()
    return {name for name in set.intersection(*beside) if _is_begun_once(scope, name)}


def _is_told(node: t.Node, flag: str) -> bool:
    match node:
        case t.Assign(targets=[t.Name(id=name)], op="", value=t.Const(value=bool())):
            return name == flag
    return False


def _beside(flag: t.Stmt, block: list[t.Stmt]) -> Iterator[t.Assign]:
    """What is added whenever a flag is set: nothing but assignments lies between."""
    at = next(i for i, stmt in enumerate(block) if stmt is flag)
    for way in (block[at + 1 :], block[:at][::-1]):
        for stmt in way:
            if not isinstance(stmt, t.Assign):
                break
            if stmt.op in ("|", "&"):
                yield stmt


def _is_begun_once(scope: Scope, name: str) -> bool:
    nodes = [binding.node for binding in scope.bindings.get(name, ())]
    begun = [node for node in nodes if not isinstance(node, t.Assign) or not node.op]
    return len(begun) == 1 and isinstance(begun[0], t.Assign)
