"""Resolvers of graphene: which a field calls, and what it gives them.

No field calls `resolve_claim` where no class has a field `claim`, or where that is a node of relay, which is looked up by
its type's `get_node`. What a field calls gets the arguments that the field declares, and no others.
Sources: https://docs.graphene-python.org/en/latest/types/objecttypes/#resolvers,
https://docs.graphene-python.org/en/latest/types/objecttypes/#graphql-argument-defaults,
https://docs.graphene-python.org/en/latest/relay/nodes/#node-root-field.
"""

from __future__ import annotations

import re

from auditor.extract.python import tree as t
from auditor.link.decisions import Keys, Worth
from auditor.link.kinds import all_bases_told
from auditor.link.names import Code
from auditor.link.scopes import Binding, Located, Scope

_PREFIX = "resolve_"
_OWN = ("graphene.ObjectType", "graphene.types.ObjectType", "graphene.types.objecttype.ObjectType")
"""What brings no field of itself, as what stands for a model does."""
_FIELDS = re.compile(r"graphene\.(?:types\.(?:\w+\.)?)?(?:Field|List|NonNull|String|Int|Float|Boolean|ID)(?:\(\))?")  # fmt: skip
"""Fields of graphene that have no arguments of themselves, as those of relay do."""


def calls_none(code: Code, function: Located) -> bool:
    """Whether a function is a resolver that no field calls, of its own class or of one that inherits from it."""
    own = function.of_class
    name: str = function.node.name  # type: ignore[attr-defined]
    if own is None or not name.startswith(_PREFIX):
        return False
    heirs = code.heirs(own)
    if not any(kind in _OWN for heir in heirs for kind in code.ancestry(heir)):
        return False
    fields = [_declared(code, heir, name.removeprefix(_PREFIX)) for heir in heirs]
    return all(told is not None and all(_is_node(b) for b, _ in told) for told in fields)


def resolving(code: Code, function: Located) -> dict[str, Worth]:
    """What a resolver is given beside the object and the request: no argument but those that its field declares."""
    node, own = function.node, function.of_class
    assert isinstance(node, t.Function)
    _, is_resolver, name = node.name.partition(_PREFIX)
    if not is_resolver or own is None or node.decorators:
        return {}
    declared: set[str | None] = set()
    for heir in code.heirs(own):
        above = filter(None, map(code.definition, code.ancestry(heir)))
        if not all(all_bases_told(code, each) for each in above):
            return {}
        match [(b.value, scope) for b, scope in _declared(code, heir, name) or ()]:
            case [(t.Call(func=func, args=[] | [_], keywords=keywords), scope)]:
                if not _FIELDS.fullmatch(code.name(func, scope)):
                    return {}
                declared |= {k.name for k in keywords}
            case _:
                return {}
    if not declared.isdisjoint((None, "args", "resolver")):
        return {}
    told: dict[str, Worth] = {}
    for param in node.params[2:]:
        match param:
            case t.Param(kind="kwargs"):
                told[param.name] = Keys((), frozenset(map(str, declared)))
            case t.Param(default=t.Const(value=None)) if param.name not in declared:
                told[param.name] = "nothing"
    return told


def _declared(code: Code, kind: Located, field: str) -> list[tuple[Binding, Scope]] | None:
    """What a class and those that it inherits from say of a field; nothing where a base of a package may have it too."""
    found: list[tuple[Binding, Scope]] = []
    for name in code.ancestry(kind):
        above = code.definition(name)
        if above is None:
            if name not in (*_OWN, "builtins.object"):
                return None
            continue
        inner = code.inside(above)
        if "Meta" in inner.bindings:
            return None  # interfaces have fields too
        found += [(each, inner) for each in inner.bindings.get(field, ())]
    return found


def _is_node(binding: Binding) -> bool:
    """`graphene.relay.Node.Field(ClaimNode)`."""
    match binding.value:
        case t.Call(func=t.Attr(name="Field", value=kind)):
            return t.last_word(kind) == "Node"
    return False
