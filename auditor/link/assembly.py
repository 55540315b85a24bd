"""What a dict or list is made of at a place where it was put together in steps.

`query = {}`, then `if status: query["status"] = status`, then `query.update(more)`: at the call that
takes `query`, it is made of pieces, some of which are only there in some runs. Statements are
followed in their order up to the place; of branches that do not lead there, what they add is
optional, and what they assign anew is an alternative.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass

from auditor.extract.python import tree as t
from auditor.link.names import Scope
from auditor.link.values import Evaluator

_MOST = 12
"""Alternatives that are kept apart."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A dict or list that becomes a part of the whole; None where it cannot be told.

    `front` tells that it comes before what was there.
    """

    expr: t.Expr | None
    scope: Scope
    optional: bool = False
    front: bool = False


Whole = tuple[Piece, ...]


def assembled(values: Evaluator, name: t.Name, scope: Scope) -> list[Whole]:
    """The ways in which a variable may have been put together where `name` stands."""
    found = values.code.find(name.id, scope)
    if found is None:
        return []
    where, bindings = found
    start: list[Whole] = []
    if any(b.kind == "parameter" for b in bindings):
        origins = values.origins(name, scope) if values.is_bound(name, scope) else []
        whole = tuple(Piece(o.node, o.scope) for o in origins[:1]) or (Piece(None, where),)  # type: ignore[arg-type]
        start = [whole]
    body = where.module.body if where.owner is None else getattr(where.owner, "body", [])
    walk = _Walk(name, where, body if isinstance(body, list) else [])
    return walk.run(start)


@dataclass
class _Walk:
    name: t.Name
    scope: Scope
    body: list[t.Stmt]

    def run(self, start: list[Whole]) -> list[Whole]:
        state, _ = self._block(self.body, start)
        return state

    def _block(self, body: Iterable[t.Stmt], state: list[Whole]) -> tuple[list[Whole], bool]:
        """(what it is afterwards, whether the way ends here: at the place, or by leaving)."""
        for stmt in body:
            here = stmt.line <= self.name.line <= stmt.end_line and self._holds(stmt)
            state, ended = self._inside(stmt, state) if here else self._past(stmt, state)
            if here or ended:
                return state, True
        return state, False

    def _holds(self, stmt: t.Stmt) -> bool:
        return any(node is self.name for node in t.walk(stmt))

    def _inside(self, stmt: t.Stmt, state: list[Whole]) -> tuple[list[Whole], bool]:
        """Go on in the block of a statement that holds the place."""
        for block in _blocks(stmt):
            if any(self._holds(inner) for inner in block):
                return self._block(block, state)
        return state, True

    def _past(self, stmt: t.Stmt, state: list[Whole]) -> tuple[list[Whole], bool]:
        match stmt:
            case t.Return() | t.Raise() | t.Jump(kind="break" | "continue"):
                return state, True
            case t.Assign(targets=[t.Name(id=name)], value=value, op=op) if name == self.name.id:
                if value is None:
                    return state, False
                if not op:
                    return [(Piece(value, self.scope),)], False
                return self._add(state, value if op.rstrip("=") in ("|", "+", "&") else None), False
            case t.Assign(targets=[t.Item(value=t.Name(id=name), index=key)], value=value) if (
                name == self.name.id and value is not None
            ):
                at = (stmt.line, stmt.column, stmt.end_line)
                return self._add(state, t.Map(*at, [key], [value])), False
            case t.Do(value=t.Call(func=t.Attr(value=t.Name(id=name), name=method)) as call):
                return self._called(state, method, call) if name == self.name.id else state, False
            case t.If(body=then, orelse=other):
                one, left = self._block(then, state)
                two, right = self._block(other, state)
                if left or right:
                    return (two if left else one), left and right
                return _either(one, two), False
            case t.For(body=then) | t.While(body=then):
                one, _ = self._block(then, state)
                return _either(one, state), False
            case t.With(body=then):
                return self._block(then, state)
            case t.Try(body=then, handlers=handlers, final=final):
                ways = [self._block(then, state)]
                ways += [self._block(handler.body, ways[0][0]) for handler in handlers]
                going = [way for way, ended in ways if not ended] or [ways[0][0]]
                for way in going[1:]:
                    going[0] = _either(going[0], way)
                return self._block(final, going[0])[0], all(ended for _, ended in ways)
            case t.Match(cases=cases):
                after = state
                for case in cases:
                    one, ended = self._block(case.body, state)
                    after = after if ended else _either(after, one)
                return after, False
        return state, False

    def _called(self, state: list[Whole], method: str, call: t.Call) -> list[Whole]:
        at = (call.line, call.column, call.end_line)
        match method, call.args:
            case "update", _ if call.keywords:
                keys = [k.name for k in call.keywords if k.name]
                named = t.Map(*at, [t.Const(*at, k) for k in keys], [k.value for k in call.keywords if k.name])  # fmt: skip
                return self._add(state, named)
            case "update" | "extend", [more]:
                return self._add(state, more)
            case "setdefault", [key, value]:
                return self._add(state, t.Map(*at, [key], [value]))
            case "append", [item]:
                return self._add(state, t.Seq(*at, "list", [item]))
            case "insert", [where, item]:
                front = isinstance(where, t.Const) and where.value == 0
                return self._add(state, t.Seq(*at, "list", [item]), front)
        return state

    def _add(self, state: list[Whole], expr: t.Expr | None, front: bool = False) -> list[Whole]:
        piece = Piece(expr, self.scope, front=front)
        return [(piece, *whole) if front else (*whole, piece) for whole in state]


def _blocks(stmt: t.Stmt) -> list[list[t.Stmt]]:
    match stmt:
        case t.If(body=then, orelse=other):
            return [then, other]
        case t.For(body=then, orelse=other) | t.While(body=then, orelse=other):
            return [then, other]
        case t.With(body=then) | t.Function(body=then) | t.Class(body=then):
            return [then]
        case t.Try(body=then, handlers=handlers, orelse=other, final=final):
            return [[*then, *other], *(handler.body for handler in handlers), final]
        case t.Match(cases=cases):
            return [case.body for case in cases]
    return []


def _either(one: list[Whole], two: list[Whole]) -> list[Whole]:
    """Both ways: of what grew from the same beginning, the differing pieces are optional."""
    merged: list[Whole] = []
    rest = list(two)
    for whole in one:
        partner = next((other for other in rest if _same_origin(whole, other)), None)
        if partner is None:
            merged.append(whole)
            continue
        rest.remove(partner)
        merged.append(_joined(whole, partner))
    return [*merged, *rest][:_MOST]


def _same_origin(one: Whole, two: Whole) -> bool:
    mine = [p for p in one if not p.front][:1]
    theirs = [p for p in two if not p.front][:1]
    return bool(mine and theirs) and mine[0].expr is theirs[0].expr


def _joined(one: Whole, two: Whole) -> Whole:
    mine, theirs = {id(p.expr): p for p in one}, {id(p.expr): p for p in two}
    joined = []
    for piece in (*one, *(p for p in two if id(p.expr) not in mine)):
        shared = id(piece.expr) in mine and id(piece.expr) in theirs
        other = theirs.get(id(piece.expr), piece) if shared else piece
        optional = piece.optional or other.optional or not shared
        joined.append(dataclasses.replace(piece, optional=optional))
    return tuple(joined)
