"""What each turn of a loop binds, and which loops and tests a place stands in.

`for name in ("cars", "leads"): app.include_router(make(name))` runs twice. A loop is unrolled over what
stands in the code or what the code itself computes; where its items cannot be told, it binds nothing.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator

from auditor.extract.python import tree as t
from auditor.link.origins import Env
from auditor.link.scopes import Binding, CallSite, Located, Scope, place_of
from auditor.link.values import Evaluator
from auditor.model.values import Known

MAX_CONTEXTS = 256
MAX_CALLS = 400
_MAX_DEPTH = 6


class Turns:
    """The turns of loops; remembers what it found."""

    def __init__(self, values: Evaluator) -> None:
        self.values, self.code = values, values.code
        self._loops: dict[int, list[dict[str, Located]]] = {}

    def turns(self, loop: t.Loop | t.For, scope: Scope) -> list[Env]:
        """What each turn of a loop binds; none where it cannot be told."""
        turns = [_bind(loop.target, i.node, i.scope) for i in self._items(loop.iter, scope)]
        return [{(id(scope), name): x for name, x in turn.items()} for turn in turns if turn]

    def loops_at(self, node: t.Node, scope: Scope) -> list[Env]:
        """The turns of every loop over a literal sequence that `node` stands in, used or not."""
        envs: list[Env] = [{}]
        body = scope.owner.body if isinstance(scope.owner, t.Function | t.Class) else None
        for loop in _enclosing(scope.module.body if body is None else body, node):
            envs = [
                {**env, **turn} for env in envs for turn in self._turns_within(loop, scope, env)
            ][:MAX_CONTEXTS]
        return envs

    def conditions(self, node: t.Node, scope: Scope) -> list[tuple[t.Expr, bool]]:
        """The tests, with their outcomes, on which a statement of this scope runs."""
        body = scope.owner.body if isinstance(scope.owner, t.Function | t.Class) else None
        return _conditions(scope.module.body if body is None else body, node)

    def is_empty(self, over: t.Expr, scope: Scope, depth: int = 4) -> bool:
        """Whether an object's list has no item: made empty, and filled in loops over empty ones alone.

        `self.open = []; for route in excluded or []: self.open.append(route)`, called without `excluded`.
        """
        if not isinstance(over, t.Attr):
            return False  # a variable's list may be filled by whatever it is handed to
        value = self.values.value(over, scope)
        if not isinstance(value, Known) or value.value not in ([], None) or not depth:
            return False
        for site in self.code.method_calls("append", "extend", "insert"):
            match site.node.func:
                case t.Attr(value=t.Attr(name=name)) if name == over.name:
                    function = site.scope.function
                    loops = _enclosing(function.body, site.node) if function else []
                    if not any(self.is_empty(loop.iter, site.scope, depth - 1) for loop in loops):
                        return False
        return True

    @contextlib.contextmanager
    def spread(self, site: CallSite) -> Iterator[CallSite]:
        """A call with its `*args` written out, where they are told; names stand for the items."""
        args: list[t.Expr] = []
        env: Env = {}
        for arg in site.node.args:
            items = self._items(arg.value, site.scope) if isinstance(arg, t.Star) else []
            for item in items:
                name = f"*{len(args)}"
                env[id(site.scope), name] = item
                args.append(t.Name(arg.line, arg.column, arg.end_line, name))
            if not items:
                args.append(arg)
        if not env:
            yield site
            return
        call = site.node
        written = t.Call(call.line, call.column, call.end_line, call.func, args, call.keywords)
        with self.values.within(env):
            yield CallSite(written, site.scope)

    # --- one loop

    def _loops_around(self, node: t.Node, scope: Scope) -> list[tuple[Scope, t.For]]:
        """The loops whose variables `node` uses, and those that these loop over; outer ones first."""
        found: dict[int, tuple[Scope, t.For]] = {}
        pending = [node]
        while pending:
            names = {n.id for n in t.walk_own(pending.pop()) if isinstance(n, t.Name)}
            for where, binding in self._bindings(sorted(names), scope):
                loop = binding.node
                if binding.kind == "element" and isinstance(loop, t.For) and id(loop) not in found:
                    if loop.line <= node.line <= loop.end_line:
                        found[id(loop)] = where, loop
                        pending.append(loop.iter)
        return sorted(found.values(), key=lambda each: each[1].line)

    def _turns(self, loop: t.For, scope: Scope) -> list[dict[str, Located]]:
        """What the loop's variables are bound to in each turn; empty where it cannot be told."""
        if id(loop) not in self._loops:
            self._loops[id(loop)] = []  # a loop over itself ends here
            items = self._items(loop.iter, scope)
            self._loops[id(loop)] = [_bind(loop.target, i.node, i.scope) for i in items]
        return self._loops[id(loop)]

    def _turns_within(self, loop: t.For, scope: Scope, env: Env) -> list[Env]:
        with self.values.within(env):
            items = self._items(loop.iter, scope)
            if not items and self._takes_no_turn(loop.iter, scope):
                return []
        turns = [_bind(loop.target, i.node, i.scope) for i in items]
        return [{(id(scope), n): x for n, x in turn.items()} for turn in turns] or [{}]

    def _takes_no_turn(self, over: t.Expr, scope: Scope) -> bool:
        """Whether a loop goes over an entry of a table that is empty: `for index in INDEXES["leads"]`."""
        entries = [Located(over, scope), *self.values.origins(over, scope)]
        found = [
            source.node
            for entry in entries
            if isinstance(entry.node, t.Item)
            for source in self.values.sources(entry.node, entry.scope)
        ]
        return bool(found) and all(isinstance(n, t.Seq) and not n.items for n in found)

    def _items(self, expr: t.Expr, scope: Scope, depth: int = 0) -> list[Located]:
        """The items of a sequence that stands in the code, or that the code itself computes."""
        if depth > _MAX_DEPTH:
            return []
        match expr:
            case t.Call(func=t.Attr(value=base, name="items" | "values" | "keys" as what), args=[]):
                return [
                    Located(part, source.scope)
                    for source in self.values.sources(base, scope)
                    if isinstance(source.node, t.Map)
                    for part in _parts(source.node, what)
                ]
            case t.Call(func=t.Name(id="enumerate"), args=[inner, *_]):
                items = self._items(inner, scope, depth + 1)
                return [Located(_pair(_count(i), x.node), x.scope) for i, x in enumerate(items)]
            case t.Call(
                func=t.Name(id="list" | "tuple" | "sorted" | "set" | "reversed"), args=[inner, *_]
            ):
                return self._items(inner, scope, depth + 1)
            case t.BoolOp(op="or", values=values):
                return [x for each in values for x in self._items(each, scope, depth + 1)]
        found: list[Located] = []
        for source in self.values.sources(expr, scope):
            match source.node:
                case t.Seq(items=listed):
                    found += self._spread(listed, source.scope, depth)
                case t.BinOp(op="+", left=left, right=right):
                    found += self._items(left, source.scope, depth + 1)
                    found += self._items(right, source.scope, depth + 1)
                case t.Map() as mapping:
                    found += [Located(part, source.scope) for part in _parts(mapping, "keys")]
        if not found:
            value = self.values.value(expr, scope)
            if isinstance(value, Known) and isinstance(value.value, list):
                at = place_of(Located(expr, scope))
                plain = [v for v in value.value if isinstance(v, str | int | float | bool)]
                found = [Located(t.Const(at.line, at.column, at.line, v), scope) for v in plain]
        return found[:MAX_CALLS]

    def _spread(self, items: Iterable[t.Expr], scope: Scope, depth: int) -> list[Located]:
        found: list[Located] = []
        for item in items:
            if isinstance(item, t.Star):
                found += self._items(item.value, scope, depth + 1)
            else:
                found.append(Located(item, scope))
        return found

    def _bindings(self, names: Iterable[str], scope: Scope) -> Iterator[tuple[Scope, Binding]]:
        for name in names:
            where, bindings = self.code.find(name, scope) or (scope, [])
            for binding in bindings:
                yield where, binding


_EXPRESSIONS = (t.Name, t.Attr, t.Call, t.Const, t.Item, t.Seq, t.Map)


def _enclosing(body: Iterable[t.Stmt], node: t.Node) -> list[t.For]:
    """The `for` statements of a body that a node stands in, outermost first."""
    found: list[t.For] = []
    for stmt in body:
        if stmt.line <= node.line <= stmt.end_line and not isinstance(stmt, t.Function | t.Class):
            if isinstance(stmt, t.For):
                found.append(stmt)
            below = [s for s in t.children(stmt) if not isinstance(s, _EXPRESSIONS)]
            found += _enclosing(below, node)  # type: ignore[arg-type]
    return found


def _conditions(body: Iterable[t.Stmt], node: t.Node) -> list[tuple[t.Expr, bool]]:
    for stmt in body:
        if not stmt.line <= node.line <= stmt.end_line or isinstance(stmt, t.Function | t.Class):
            continue
        match stmt:
            case t.If(test=test, body=then, orelse=other):
                inside = any(s.line <= node.line <= s.end_line for s in then)
                return [(test, inside), *_conditions(then if inside else other, node)]
            case t.Try(body=then, orelse=other, final=final):
                return _conditions([*then, *other, *final], node)
            case t.With(body=then) | t.For(body=then) | t.While(body=then):
                return _conditions(then, node)
    return []


def _parts(mapping: t.Map, what: str) -> list[t.Expr]:
    pairs = [(k, v) for k, v in zip(mapping.keys, mapping.values, strict=True) if k is not None]
    if what == "items":
        return [_pair(key, value) for key, value in pairs]
    return [key if what == "keys" else value for key, value in pairs]


def _pair(first: t.Expr, second: t.Node) -> t.Expr:
    return t.Seq(first.line, first.column, first.end_line, "tuple", [first, second])  # type: ignore[list-item]


def _count(number: int) -> t.Expr:
    return t.Const(1, 1, 1, number)


def _bind(target: t.Expr, item: t.Node, scope: Scope) -> dict[str, Located]:
    match target, item:
        case t.Name(id=name), _:
            return {name: Located(item, scope)}
        case t.Seq(items=names), t.Seq(items=values):
            bound: dict[str, Located] = {}
            for part, value in zip(names, values, strict=False):
                bound |= _bind(part, value, scope)
            return bound
    return {}
