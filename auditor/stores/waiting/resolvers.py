"""Resolvers of graphene that no field of theirs calls: `resolve_claim` where no class has a field `claim`, or where that is a
node of relay, which is looked up by its type's `get_node`.

Sources: https://docs.graphene-python.org/en/latest/types/objecttypes/#resolvers,
https://docs.graphene-python.org/en/latest/relay/nodes/#node-root-field.
"""

from __future__ import annotations

from auditor.extract.python import tree as t
from auditor.link.names import Code
from auditor.link.scopes import Binding, Located

_PREFIX = "resolve_"
_OWN = ("graphene.ObjectType", "graphene.types.ObjectType", "graphene.types.objecttype.ObjectType")
"""What brings no field of itself, as what stands for a model does."""


def calls_none(code: Code, function: Located) -> bool:
    """Whether a function is a resolver that no field calls, of its own class or of one that inherits from it."""
    owner, around = function.scope.owner, function.scope.parent
    name: str = function.node.name  # type: ignore[attr-defined]
    if not isinstance(owner, t.Class) or around is None or not name.startswith(_PREFIX):
        return False
    heirs = code.heirs(Located(owner, around))
    if not any(kind in _OWN for heir in heirs for kind in code.ancestry(heir)):
        return False
    return all(_has_none(code, heir, name.removeprefix(_PREFIX)) for heir in heirs)


def _has_none(code: Code, kind: Located, field: str) -> bool:
    """Whether no class that another inherits from has a field that asks for a resolver."""
    for name in code.ancestry(kind):
        above = code.definition(name)
        if above is None:
            if name not in (*_OWN, "builtins.object"):
                return False
            continue
        inner = code.inside(above)
        if "Meta" in inner.bindings:
            return False  # interfaces have fields too
        if not all(_is_node(each) for each in inner.bindings.get(field, ())):
            return False
    return True


def _is_node(binding: Binding) -> bool:
    """`graphene.relay.Node.Field(ClaimNode)`."""
    match binding.value:
        case t.Call(func=t.Attr(name="Field", value=kind)):
            return t.last_word(kind) == "Node"
    return False
