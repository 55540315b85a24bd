"""What a dict or list is made of at a place where it was put together in steps.

`query = {}`, then `if status: query["status"] = status`, then `query.update(more)`: at the call that
takes `query`, it is made of pieces, some of which are only there in some runs. Statements are
followed in their order up to the place; of branches that do not lead there, what they add is
optional, and what they assign anew is an alternative. So are those of a function of the tree that the
variable is handed to: `add_filters(query, form)`.
"""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import msgspec
from msgspec.structs import replace

from auditor.extract.python import tree as t
from auditor.link.contexts import contexts_of
from auditor.link.decisions import NoneOf, Worth, choices, decides, keeps, tested, worth_of
from auditor.link.origins import Env
from auditor.link.passed import outcome
from auditor.link.scopes import Located, Module, Scope, named
from auditor.link.values import Evaluator

_MOST = 12
"""Alternatives that are kept apart."""
_FEW = 6
"""Alternatives up to which the branches of an `if` with an `else` are kept apart."""
_DEEPEST = 3
_MOST_PIECES = 100
"""Pieces of one whole up to which they are told: no query has more, and each is compared with each way's."""

_LEAVING = ""
"""Stands for no variable."""

Branches = tuple[int, ...]
"""Each by the `id` of its statement; the other way of the same statement is its negative."""


class Piece(msgspec.Struct, frozen=True):
    """A dict or list that becomes a part of the whole; None where it cannot be told.

    `branches` are those that a run has to take for it to be there, `front` tells that it comes before
    what was there, and `taken` is a key that is taken out instead. `env` is what is bound where it
    stands: in a function that gave it back, what the call hands that function. `needs` is a key without
    which it is not there: `if "id" in query: query["id"] = ObjectId(query["id"])`.
    """

    expr: t.Expr | None
    scope: Scope
    branches: Branches = ()
    front: bool = False
    taken: t.Expr | None = None
    env: Env = {}
    needs: t.Expr | None = None

    @property
    def optional(self) -> bool:
        return bool(self.branches)


Whole = tuple[Piece, ...]


def assembled(
    values: Evaluator, name: t.Name, scope: Scope, told: Mapping[str, Worth] | None = None
) -> list[Whole]:
    """The ways in which a variable may have been put together where `name` stands; `told` is what parameters and
    variables are that the function tests, where the reader knows that."""
    found = values.code.find(name.id, scope)
    if found is None:
        return []
    where, bindings = found
    start: list[Whole] = []
    if any(b.kind == "parameter" for b in bindings):
        given = values.handed(name, scope) if values.is_bound(name, scope) else []
        whole = tuple(Piece(o.node, o.scope) for o in given[:1]) or (Piece(None, where),)  # type: ignore[arg-type]
        start = [whole]
    body = _concerning(where, name.id)
    dicts = _dicts(values, where)
    plain = _Walk(values, name, where, told=(told or dicts) if where is scope else dicts).block(
        body, start
    )[0]
    if told is not None or (len(plain) < 2 and not any(p.branches for w in plain for p in w)):
        return plain
    made: dict[tuple[object, ...], Whole] = {}
    for way in _ways(values, where):
        for whole in _Walk(values, name, where, told={**dicts, **way}).block(body, start)[0]:
            made.setdefault(tuple((_key(p), p.branches, p.front) for p in whole), whole)
    return list(made.values()) if 0 < len(made) <= _MOST else plain


def _concerning(scope: Scope, name: str) -> list[t.Stmt]:
    """The statements of a function or module that speak of a variable, or that may leave before they come to it."""
    if isinstance(scope.owner, t.Lambda):
        return []
    owner = scope.owner or scope.module
    by_name = _by_name(owner)
    return [owner.body[at] for at in sorted({*by_name.get(name, ()), *by_name.get(_LEAVING, ())})]


@functools.lru_cache(maxsize=1_000)
def _by_name(owner: t.Class | t.Function | Module) -> dict[str, list[int]]:
    """The statements in which each variable stands, and as `_LEAVING` those that hold one that leaves: a function is
    asked about each of its variables in turn."""
    found: dict[str, list[int]] = defaultdict(list)
    for at, stmt in enumerate(owner.body):
        for node in t.walk(stmt):
            match node:
                case t.Name(id=name):
                    pass
                case t.Return() | t.Raise() | t.Jump():
                    name = _LEAVING
                case _:
                    continue
            if found[name][-1:] != [at]:
                found[name].append(at)
    return found


def _ways(values: Evaluator, scope: Scope) -> list[dict[str, Worth]]:
    """What a function's tests of one parameter or variable hang together by, as far as the call that is looked at lets
    it be."""
    ways = choices(scope.owner) if isinstance(scope.owner, t.Function) else []
    return [w for w in ways if all(_may_be(values, name, x, scope) for name, x in w.items())]


def _dicts(values: Evaluator, scope: Scope) -> dict[str, Worth]:
    """The parameters by which a function decides for which the call that is looked at spells out a dict: `listed({})`."""
    function, told = scope.owner, dict[str, Worth]()
    for name in tested(function) if isinstance(function, t.Function) else ():
        given = _kept_as_given(values, name, scope)
        if given is not None and (worth := worth_of(given.node, given.scope, {})):  # type: ignore[arg-type]
            told[name] = worth
    return told


def _kept_as_given(values: Evaluator, name: str, scope: Scope) -> Located | None:
    """The dict that stands in a call for a parameter, where each function that hands it on leaves it as it was."""
    for _ in range(_DEEPEST):
        function, expr = scope.owner, named(name)
        if not isinstance(function, t.Function) or not keeps(function, name):
            return None
        if not values.is_bound(expr, scope):
            return None
        given = next(iter(values.origins(expr, scope)), None)
        match given:
            case Located(node=t.Map()):
                return given
            case Located(node=t.Name(id=outer)):
                name, scope = outer, given.scope
            case _:
                return None
    return None


def _may_be(values: Evaluator, name: str, worth: Worth, scope: Scope) -> bool:
    """Whether the call that is looked at may give a parameter this."""
    counts = outcome(values, named(name), scope)
    if counts is None or isinstance(worth, NoneOf):
        return True
    return counts == (worth != "nothing")


@dataclass
class _Walk:
    values: Evaluator
    name: t.Name
    scope: Scope
    depth: int = 0
    told: Mapping[str, Worth] = field(default_factory=dict)

    def block(self, body: Iterable[t.Stmt], state: list[Whole]) -> tuple[list[Whole], bool]:
        """(what it is afterwards, whether the way ends here: at the place, or by leaving)."""
        for stmt in body:
            here = self._holds(stmt)
            state, ended = self._inside(stmt, state) if here else self._past(stmt, state)
            if here or ended:
                return state, True
        return state, False

    def _holds(self, stmt: t.Stmt) -> bool:
        if not stmt.line <= self.name.line <= stmt.end_line:
            return False
        if any(self._holds(inner) for block in t.blocks(stmt) for inner in block):
            return True
        return any(node is self.name for node in t.walk(stmt))

    def _inside(self, stmt: t.Stmt, state: list[Whole]) -> tuple[list[Whole], bool]:
        """Go on in the block of a statement that holds the place, if this way comes there."""
        if (
            isinstance(stmt, t.If)
            and (way := decides(stmt.test, self.told, self.scope)) is not None
        ):
            if any(self._holds(inner) for inner in (stmt.orelse if way else stmt.body)):
                return [], True
        for block in t.blocks(stmt):
            if any(self._holds(inner) for inner in block):
                return self.block(block, state)
        return state, True

    def _past(self, stmt: t.Stmt, state: list[Whole]) -> tuple[list[Whole], bool]:
        match stmt:
            case t.Return() | t.Raise() | t.Jump(kind="break" | "continue"):
                return state, True
            case t.Assign(targets=[t.Name(id=name)], value=value, op=op) if name == self.name.id:
                if value is None:
                    return state, False
                if not op and (more := _more(value, name)) is not None:
                    return self._add(state, more), False
                if not op:
                    return [(Piece(value, self.scope),)], False
                return self._add(state, value if op.rstrip("=") in ("|", "+", "&") else None), False
            case t.Assign(targets=[t.Seq(items=targets)], value=t.Seq(items=items), op="") if len(
                targets
            ) == len(items) and (own := [i for n, i in zip(targets, items, strict=True) if isinstance(n, t.Name) and n.id == self.name.id]):  # fmt: skip
                return [(Piece(own[-1], self.scope),)], False  # `where, params = ["1=1"], []`
            case t.Assign(targets=[t.Item(value=t.Name(id=name), index=key)], value=value) if (
                name == self.name.id and value is not None
            ):
                at = (stmt.line, stmt.column, stmt.end_line)
                match value:
                    case t.Call(func=t.Attr(value=t.Name(id=name), name="pop"), args=[old, *_]) if (
                        name == self.name.id
                    ):
                        state = self._taken(state, old)
                if isinstance(key, t.Const) and key.value == "$or" and not self._spoken(value):
                    state = self._taken(state, key)
                return self._add(state, t.Map(*at, [key], [value])), False
            case t.Assign(targets=[t.Item(value=t.Item() | t.Call()) as target], value=value) if (
                keys := self._path(target)
            ) and value is not None:
                return self._add(state, _nested(keys, value)), False
            case t.Do(
                value=t.Call(
                    func=t.Attr(value=inner, name="append" | "extend" | "update" as method),
                    args=[item],
                )
            ) if keys := self._path(inner):
                if isinstance(keys[-1], t.Const) and keys[-1].value == "$or":
                    return self._add(state, None), False  # one more way, which is no piece
                at = (stmt.line, stmt.column, stmt.end_line)
                listed = t.Seq(*at, "list", [item]) if method == "append" else item
                return self._add(state, _nested(keys, listed)), False
            case t.Do(value=t.Call(func=t.Attr(value=t.Name(id=name), name=method)) as call) if (
                name == self.name.id
            ):
                return self._called(state, method, call), False
            case t.Do(value=t.Call() as call) | t.Do(value=t.Await(value=t.Call() as call)):
                return self._handed(state, call), False
            case t.Assign(value=t.Call(func=t.Attr(value=t.Name(id=name), name="pop")) as call):
                return self._called(state, "pop", call) if name == self.name.id else state, False
            case t.Delete(targets=[t.Item(value=t.Name(id=name), index=key)]):
                return self._taken(state, key) if name == self.name.id else state, False
            case t.If(test=test, body=then, orelse=[]) if held := _asked(test, self.name.id):
                # without the key, what is done about it changes nothing
                one, ended = self.block(then, state)
                before = {_key(piece) for whole in state for piece in whole}
                return (state if ended else [_needing(held, whole, before) for whole in one]), False
            case t.If(test=test, body=then, orelse=other):
                given = outcome(self.values, test, self.scope)
                if given is not None:
                    return self.block(then if given else other, state)
                if (told := decides(test, self.told, self.scope)) is not None:
                    taken = then if told else other
                    state, ended = self.block(taken, state)
                    return ([] if ended and t.leaves(taken) else state), ended
                one, left = self.block(then, state)
                two, right = self.block(other, state)
                if left or right:
                    return (two if left else one), left and right
                if state not in (one, two) and len(one) + len(two) <= _FEW:
                    return [*one, *two], False
                return _either(one, two, id(stmt)), False
            case t.For(body=then) | t.While(body=then):
                one, _ = self.block(then, state)
                turned = self._turned(stmt, one, state) if isinstance(stmt, t.For) else []
                return turned or _either(one, state, id(stmt)), False
            case t.With(body=then):
                return self.block(then, state)
            case t.Try(body=then, handlers=handlers, final=final):
                ways = [self.block(then, state)]
                ways += [self.block(handler.body, ways[0][0]) for handler in handlers]
                going = [way for way, ended in ways if not ended] or [ways[0][0]]
                for way in going[1:]:
                    going[0] = _either(going[0], way, id(stmt))
                return self.block(final, going[0])[0], all(ended for _, ended in ways)
            case t.Match(cases=cases):
                after = state
                for case in cases:
                    one, ended = self.block(case.body, state)
                    after = after if ended else _either(after, one, id(case))
                return after, False
        return state, False

    def _spoken(self, expr: t.Expr) -> bool:
        """Whether an expression speaks of the variable itself."""
        return any(isinstance(n, t.Name) and n.id == self.name.id for n in t.walk_own(expr))

    def _turned(self, loop: t.For, one: list[Whole], state: list[Whole]) -> list[Whole]:
        """What is put in under the items of a list that the code spells: `for key in ("a", "b"): query[key] = given[key]`."""
        names = {n.id for n in t.walk_own(loop.target) if isinstance(n, t.Name)}
        before = {_key(piece) for whole in state for piece in whole}
        added = [p for whole in one for p in whole if _key(p) not in before]
        if not added or not all(_is_keyed(piece, names) for piece in added):
            return []
        turns = contexts_of(self.values).turns(loop, self.scope)
        passed = (id(loop),) if any(isinstance(n, t.Jump) for n in t.walk(*loop.body)) else ()

        def turn(piece: Piece, number: int) -> Piece:
            ways = tuple(_of_turn(way, number) for way in piece.branches or passed)
            return replace(piece, branches=ways, env={**piece.env, **turns[number]})

        return [
            tuple(
                each
                for p in whole
                for each in ([p] if _key(p) in before else [turn(p, i) for i in range(len(turns))])
            )
            for whole in one
            if 0 < len(turns) <= _MOST
        ]

    def _path(self, expr: t.Expr) -> list[t.Expr]:
        """The keys by which something inside of the variable is reached: `query["$match"]["$and"]`."""
        keys: list[t.Expr] = []
        while True:
            match expr:
                case t.Item(value=value, index=index):
                    keys.insert(0, index)
                    expr = value
                case t.Call(func=t.Attr(value=value, name="setdefault"), args=[key, *_]):
                    keys.insert(0, key)
                    expr = value
                case t.Name(id=name) if name == self.name.id:
                    return keys
                case _:
                    return []

    def _handed(self, state: list[Whole], call: t.Call) -> list[Whole]:
        """What a function of the tree makes of the variable that it is given."""
        at = [i for i, x in enumerate(call.args) if isinstance(x, t.Name) and x.id == self.name.id]
        function = (
            self.values.method(call.func, self.scope) if at and self.depth < _DEEPEST else None
        )
        if function is None or not isinstance(function.node, t.Function):
            return state
        params = function.node.params
        first = at[0] + (1 if params and params[0].name in ("self", "cls") else 0)
        if first >= len(params):
            return state
        inside = self.values.code.inside(function)
        walk = _Walk(self.values, named(params[first].name), inside, self.depth + 1)
        return walk.block(function.node.body, state)[0]

    def _called(self, state: list[Whole], method: str, call: t.Call) -> list[Whole]:
        at = (call.line, call.column, call.end_line)
        match method, call.args:
            case "update", _ if call.keywords:
                keys = [k.name for k in call.keywords if k.name]
                named = t.Map(*at, [t.Const(*at, k) for k in keys], [k.value for k in call.keywords if k.name])  # fmt: skip
                return self._add(state, named)
            case "update" | "extend", [more]:
                return self._add(state, more)
            case "pop", [key, *_]:
                return self._taken(state, key)
            case "setdefault", [key, value]:
                return self._add(state, t.Map(*at, [key], [value]))
            case "append", [item]:
                return self._add(state, t.Seq(*at, "list", [item]))
            case "insert", [where, item]:
                front = isinstance(where, t.Const) and where.value == 0
                return self._add(state, t.Seq(*at, "list", [item]), front)
        return state

    def _taken(self, state: list[Whole], key: t.Expr) -> list[Whole]:
        return [(*whole, Piece(None, self.scope, taken=key)) for whole in state]

    def _add(self, state: list[Whole], expr: t.Expr | None, front: bool = False) -> list[Whole]:
        piece = Piece(expr, self.scope, front=front)
        told = [x if len(x) < _MOST_PIECES else (Piece(None, self.scope),) for x in state]
        return [(piece, *whole) if front else (*whole, piece) for whole in told]


def _needing(key: t.Expr, whole: Whole, before: set[tuple[int, ...]]) -> Whole:
    """A whole of which what was not there before depends on a key."""
    return tuple(p if _key(p) in before else replace(p, needs=key) for p in whole)


def _is_keyed(piece: Piece, names: set[str]) -> bool:
    """Whether a piece is a dict with one of some variables as a key."""
    keys = piece.expr.keys if isinstance(piece.expr, t.Map) else []
    return any(isinstance(key, t.Name) and key.id in names for key in keys)


def _of_turn(branch: int, number: int) -> int:
    """A branch as one turn of a loop takes it; the other way of it stays the negative."""
    told = abs(hash((abs(branch), number)))
    return told if branch > 0 else -told


def _asked(test: t.Expr, name: str) -> t.Const | None:
    """The key that a dict has where a condition holds: `"id" in query and isinstance(query["id"], str)`, `query.get("id")`."""
    match test:
        case t.BoolOp(op="and", values=values):
            return next((key for each in values if (key := _asked(each, name))), None)
        case (
            t.Compare(left=t.Const() as key, ops=["in"], rights=[t.Name(id=asked)])
            | t.Call(func=t.Attr(value=t.Name(id=asked), name="get"), args=[t.Const() as key])
        ):
            return key if asked == name else None
    return None


def _more(value: t.Expr, name: str) -> t.Expr | None:
    """What a variable gets besides what it was: `x = x + more`, `x = f"{x} more"`."""
    match value:
        case t.BinOp(left=t.Name(id=same), op="+" | "|" | "&", right=more) if same == name:
            return more
        case t.Text(parts=[t.Name(id=same), *rest]) if same == name:
            return t.Text(value.line, value.column, value.end_line, rest)
    return None


def _nested(keys: list[t.Expr], value: t.Expr) -> t.Expr:
    at = (value.line, value.column, value.end_line)
    for key in reversed(keys):
        value = t.Map(*at, [key], [value])
    return value


def _either(one: list[Whole], two: list[Whole], branch: int) -> list[Whole]:
    """Both ways: of what grew from the same beginning, the differing pieces are optional."""
    merged: list[Whole] = []
    rest = list(two)
    for whole in one:
        partner = next((other for other in rest if _same_origin(whole, other)), None)
        if partner is None:
            merged.append(whole)
            continue
        rest.remove(partner)
        merged.append(_joined(whole, partner, branch))
    return [*merged, *rest][:_MOST]


def _same_origin(one: Whole, two: Whole) -> bool:
    mine = [p for p in one if not p.front][:1]
    theirs = [p for p in two if not p.front][:1]
    return bool(mine and theirs) and mine[0].expr is theirs[0].expr


def _joined(one: Whole, two: Whole, branch: int) -> Whole:
    mine, theirs = {_key(p): p for p in one}, {_key(p): p for p in two}
    joined = []
    for piece in (*one, *(p for p in two if _key(p) not in mine)):
        key = _key(piece)
        if key in mine and key in theirs:
            branches = mine[key].branches or theirs[key].branches
        else:
            branches = (*piece.branches, branch if key in mine else -branch)
        joined.append(replace(piece, branches=branches))
    return tuple(joined)


def _key(piece: Piece) -> tuple[int, ...]:
    """A piece by what it is, and by the turn of a loop that puts it in."""
    turn = (id(located.node) for located in piece.env.values())
    return id(piece.taken if piece.expr is None else piece.expr), *turn
