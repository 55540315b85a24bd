"""What a function returns, taken apart: items of a tuple, entries of a dict, fields of an object.

`user, error = check(request)`, `if not result["ok"]` and `if result.failure` ask for a part of an
outcome. Each way out of a function says of each part whether it is truthy, and what is established
where it is; who tests the part learns which of the ways were taken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import msgspec
from msgspec.structs import replace

from auditor.extract.python import tree as t
from auditor.link.checks.strength import Exit, Origin, Piece, Strength, least
from auditor.link.names import Code
from auditor.link.scopes import Located, Scope, argument

_MAX_MAKERS = 3
"""How many functions are followed that only make the object: `Result.fail(…)`."""
_NONE = t.Const(1, 1, 1, None)

_SOMETHING = "..."
"""Stands for what is truthy, whatever it is, among the constants that a part may be."""
_FALSY = {"None", "False", "0", "''"}

Judge = Callable[[t.Expr], tuple[bool | None, Strength]]
"""Whether an expression of the function at hand is truthy for certain, and what it shows if so."""


class Field(msgspec.Struct, frozen=True):
    """A part of an outcome as it is written; `of_caller` tells that the function itself wrote it."""

    value: t.Expr
    of_caller: bool
    negated: bool = False


def pieces(value: t.Expr, scope: Scope, code: Code, judge: Judge) -> tuple[Piece, ...]:
    """The parts of a returned value."""
    match value:
        case t.Seq(items=items):
            return tuple(_piece(str(i), item, judge) for i, item in enumerate(items))
        case t.Map(keys=keys, values=values):
            return tuple(
                _piece(key.value, entry, judge)
                for key, entry in zip(keys, values, strict=True)
                if isinstance(key, t.Const) and isinstance(key.value, str)
            )
        case t.Call():
            return tuple(_judged(fields(value, scope, code), judge))
    return ()


def _piece(name: str, value: t.Expr, judge: Judge) -> Piece:
    return Piece(name, *judge(value), literal(value))


def literal(expr: t.Expr) -> str:
    """A constant as Python writes it; empty for other expressions."""
    return repr(expr.value) if isinstance(expr, t.Const) else ""


def _judged(found: dict[str, Field], judge: Judge) -> Iterator[Piece]:
    for name, each in found.items():
        truthy: bool | None = None
        shown = Strength.NONE
        if each.of_caller:
            truthy, shown = judge(each.value)
        elif isinstance(each.value, t.Const):
            truthy = bool(each.value.value)
        if each.negated:
            truthy, shown = None if truthy is None else not truthy, Strength.NONE
        yield Piece(name, truthy, shown, "" if each.negated else literal(each.value))


def fields(made: t.Call, scope: Scope, code: Code, depth: int = 0) -> dict[str, Field]:
    """Attribute -> what it holds, of an object of a class of the tree that a call makes."""
    found = code.defined(made.func, scope)
    if found is None or depth > _MAX_MAKERS:
        return {}
    if isinstance(found.node, t.Function):
        return _made_by(found, made, code, depth)
    if not isinstance(found.node, t.Class):
        return {}
    held = _constructed(found, made, code)
    return {**held, **dict(_told(found, held))}


def _made_by(maker: Located, call: t.Call, code: Code, depth: int) -> dict[str, Field]:
    """`Result.fail(error)`, a function that only makes the object."""
    node = maker.node
    assert isinstance(node, t.Function)
    returned = [n.value for n in t.walk_own(*node.body) if isinstance(n, t.Return)]
    if len(returned) != 1 or not isinstance(made := returned[0], t.Call):
        return {}
    inner = code.inside(maker)
    skip = int(isinstance(maker.scope.owner, t.Class) and not _is_static(node))
    if isinstance(made.func, t.Name) and skip and made.func.id == node.params[0].name:
        owner = t.Name(made.line, made.column, made.end_line, maker.scope.owner.name)  # type: ignore[union-attr]
        made = replace(made, func=owner)  # `cls(…)`
        inner = maker.scope.parent or inner
    given = _given(node.params[skip:], call)
    found = {}
    for name, each in fields(made, inner, code, depth + 1).items():
        if isinstance(each.value, t.Name) and each.value.id in given:
            found[name] = replace(each, value=given[each.value.id], of_caller=True)
        else:
            found[name] = replace(each, of_caller=False)
    return found


def _constructed(owner: Located, made: t.Call, code: Code) -> dict[str, Field]:
    """The attributes that a constructor sets, or that a dataclass or model declares."""
    body: Sequence[t.Stmt] = owner.node.body  # type: ignore[attr-defined]
    init = next((s for s in body if isinstance(s, t.Function) and s.name == "__init__"), None)
    if init is None:
        declared = [
            t.Param(s.line, s.column, s.end_line, target.id, "positional", None, s.value)
            for s in body
            if isinstance(s, t.Assign) and s.annotation is not None
            for target in s.targets
            if isinstance(target, t.Name)
        ]
        return {name: Field(value, True) for name, value in _given(declared, made).items()}
    given = _given(init.params[1:], made)
    found: dict[str, Field] = {}
    for node in t.walk_own(*init.body):
        match node:
            case t.Assign(targets=[t.Attr(value=t.Name(id="self"), name=name)], value=value) if (
                value
            ):
                if isinstance(value, t.Name) and value.id in given:
                    found[name] = Field(given[value.id], True)
                elif isinstance(value, t.Const):
                    found[name] = Field(value, False)
    return found


def _told(owner: Located, held: dict[str, Field]) -> Iterator[tuple[str, Field]]:
    """Properties and methods that tell of a field: `def failed(self): return not self.ok`."""
    for method in owner.node.body:  # type: ignore[attr-defined]
        if not isinstance(method, t.Function) or len(method.params) != 1:
            continue
        returned = [n.value for n in t.walk_own(*method.body) if isinstance(n, t.Return)]
        match returned:
            case [t.Attr(value=t.Name(id="self"), name=name)]:
                negated = False
            case [t.Unary(op="not", value=t.Attr(value=t.Name(id="self"), name=name))]:
                negated = True
            case [t.Compare(left=t.Attr(value=t.Name(id="self"), name=name), ops=["is"], rights=[t.Const(value=None)])]:  # fmt: skip
                negated = True
            case [t.Compare(left=t.Attr(value=t.Name(id="self"), name=name), ops=["is not"], rights=[t.Const(value=None)])]:  # fmt: skip
                negated = False
            case _:
                continue
        if name in held:
            yield method.name, replace(held[name], negated=held[name].negated != negated)


def _given(params: Sequence[t.Param], call: t.Call) -> dict[str, t.Expr]:
    """Parameter -> what a call passes for it, or its default."""
    found: dict[str, t.Expr] = {}
    for index, param in enumerate(params):
        value = argument(call, None if param.kind == "keyword" else index, param.name)
        if (value := value or param.default) is not None:
            found[param.name] = value
    return found


def _is_static(node: t.Function) -> bool:
    return any(t.dotted(d) == "staticmethod" for d in node.decorators)


# --- who asks for a part


def asked(expr: t.Expr) -> str:
    """The part that is asked for, as the variables of a walk name it: `result.ok`; empty for others.

    `result["ok"]`, `result.get("ok")` and `result.ok()` are asked for under the same name.
    """
    match expr:
        case t.Attr(value=t.Name(id=name), name=part):
            return f"{name}.{part}"
        case t.Item(value=t.Name(id=name), index=t.Const(value=str(part))):
            return f"{name}.{part}"
        case t.Call(func=t.Attr(value=t.Name(id=name), name="get"), args=[t.Const(value=str(part)), *_]):  # fmt: skip
            return f"{name}.{part}"
        case t.Call(func=t.Attr(value=t.Name(id=name), name=part), args=[], keywords=[]):
            return f"{name}.{part}"
    return ""


def named_parts(ways: Sequence[Exit], whole: Origin) -> dict[str, Origin]:
    """Name of a part -> what a variable says that holds it, where the ways tell it apart."""
    names = {piece.name for way in ways for piece in way.parts if not piece.name.isdigit()}
    return {name: part_of(ways, name, whole) for name in names}


def part_of(ways: Sequence[Exit], name: str, whole: Origin) -> Origin:
    """What a part says: of the ways on which it may be truthy, and of those on which it may not."""
    none = Strength.NONE
    each = []
    for way in ways:
        piece = next((p for p in way.parts if p.name == name), None)
        if piece is None and way.parts and not name.isdigit():
            piece = Piece(name, False, none)  # a dict without the entry
        each.append((way.strength, piece or Piece(name, None, way.truth)))
    truth = least((max(s, p.truth) for s, p in each if p.truthy is not False), none)
    absent = least((s for s, p in each if p.truthy is not True), none)
    absent = absent if absent >= Strength.DEFAULT_SECRET else none
    told: dict[str, Strength] = {}
    if all(way.parts for way in ways):
        for strength, piece in each:
            value = piece.constant or (_SOMETHING if piece.truthy else "")
            told[value] = min(strength, told.get(value, strength))
    return replace(
        whole,
        truth=truth,
        absent=absent,
        plain=none,
        refusal=absent > truth,
        told=tuple(told.items()),
    )


def compared(origin: Origin, constant: str) -> tuple[Strength, Strength]:
    """What is established where a part is a constant, and where it is not."""
    maybe = {"", constant} if constant in _FALSY else {"", constant, _SOMETHING}
    yes = [strength for value, strength in origin.told if value in maybe]
    no = [strength for value, strength in origin.told if value != constant]
    return least(yes, Strength.NONE), least(no, Strength.NONE)
