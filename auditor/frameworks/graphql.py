"""What a GraphQL query hands to resolvers: arguments that the caller writes.

https://docs.graphene-python.org/en/latest/types/objecttypes/#resolver-parameters,
https://strawberry.rocks/docs/types/resolvers, https://ariadnegraphql.org/docs/resolvers
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from auditor.extract.python import tree as t
from auditor.link.flow import Flow, Form, Source, Taint
from auditor.link.scopes import Located

_LIBRARIES = ("graphene", "strawberry", "ariadne")
_NARROW = {
    "Int", "Float", "Boolean", "BigInt", "Decimal", "Date", "DateTime", "Time", "UUID", "Enum", "Upload",
}  # fmt: skip
_STRAWBERRY = re.compile(r"^strawberry(?:_django)?\.(?:\w+\.)*(?:field|mutation|subscription)$")
_ARIADNE = re.compile(r"^ariadne\.(?:\w+\.)*(?:Query|Mutation|Subscription|Object)Type\(\)\.\w+$")


def resolver_arguments(flow: Flow) -> Iterator[tuple[Located, dict[str, Taint]]]:
    """Every resolver of the tree with what its parameters hold of the query's."""
    if not any(
        (node.module or name).partition(".")[0].startswith(_LIBRARIES)
        for node, _ in flow.code.of_kind(t.Import)
        for name, _alias in node.names
    ):
        return
    for function in flow.code.functions():
        given = _given(flow, function)
        if given:
            yield function, given


def _given(flow: Flow, function: Located) -> dict[str, Taint]:
    node = function.node
    assert isinstance(node, t.Function)
    code = flow.code
    owner = function.scope.owner
    if isinstance(owner, t.Class) and re.match(
        r"resolve_\w+|mutate$|mutate_and_get_payload$", node.name
    ):
        at = function.scope.parent
        named = code.ancestry(Located(owner, at)) if at is not None else ()
        if any(name.startswith(("graphene.", "graphene_")) for name in named):
            return _untyped(node.params[1:], _declared(owner))
    for decorator in node.decorators:
        func = t.callee(decorator)
        name = code.name(func, function.scope)
        if _STRAWBERRY.match(name):
            return _typed(flow, function, node)
        if _ARIADNE.match(name):
            return _untyped(node.params[1:], {})
    return {}


def _untyped(params: list[t.Param], declared: dict[str, str]) -> dict[str, Taint]:
    given: dict[str, Taint] = {}
    for param in params:
        if param.name in ("info", "_info", "_") or declared.get(param.name) in _NARROW:
            continue
        source = Source("body", param.name)
        form = Form.FIELDS if param.kind == "kwargs" else Form.TEXT
        given[param.name] = Taint(source, form)
    return given


def _declared(owner: t.Class) -> dict[str, str]:
    """Arguments that a class declares -> the last name of their type: `count = graphene.Int()`."""
    found: dict[str, str] = {}
    for node in t.walk(*owner.body):
        match node:
            case t.Assign(targets=[t.Name(id=name)], value=t.Call(func=func)):
                found[name] = t.dotted(func).rpartition(".")[2]
            case t.Call(keywords=keywords):
                for keyword in keywords:
                    value = keyword.value
                    func = t.callee(value)
                    if keyword.name and isinstance(func, t.Attr | t.Name):
                        found.setdefault(keyword.name, t.dotted(func).rpartition(".")[2])
    return found


def _typed(flow: Flow, function: Located, node: t.Function) -> dict[str, Taint]:
    given: dict[str, Taint] = {}
    for param in node.params:
        if param.annotation is None or param.name in ("self", "root", "info"):
            continue
        held = flow.models.typed(param.annotation, function.scope, Source("body", param.name))
        if held is not None:
            given[param.name] = held
    return given
