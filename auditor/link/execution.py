"""What the names of a module or class hold once its statements have run, in their order.

`Evaluator` asks what a name may be anywhere; configuration is written in sequence: a settings module
imports everything of another one, appends to its lists, and overrides some of it in branches. Here
the statements are followed one by one. A test that cannot be decided runs both ways; what differs
is one of several values. An element of a list that cannot be told is None.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import PurePosixPath

import msgspec

from auditor.extract.python import tree as t
from auditor.link.folding import COMPARISONS, lift, one_of
from auditor.link.scopes import Located, Module, Scope, place_of
from auditor.link.values import Evaluator
from auditor.model.places import Place
from auditor.model.values import Known, OneOf, Setting, Unknown, Value, possible


class Bound(msgspec.Struct, frozen=True):
    """What a name holds, and the statement that gave it last."""

    value: Value
    place: Place


Names = dict[str, Bound]
_MAX_DEPTH = 12
_MAX_WAYS = 16
"""Values a name may have at most; what is beyond is not looked at."""


@dataclass
class Execution:
    """Runs modules and classes in thought; remembers what it found."""

    values: Evaluator
    _modules: dict[str, Names] = field(default_factory=dict)
    _classes: dict[int, Names] = field(default_factory=dict)

    def module(self, module: Module) -> Names:
        """The names of a module after its last statement."""
        if module.path not in self._modules:
            self._modules[module.path] = {}  # modules that import each other end here
            self._modules[module.path] = _Run(self, module.scope, {}).block(module.body)
        return self._modules[module.path]

    def klass(self, found: Located) -> Names:
        """The names of a class, those of its bases included."""
        assert isinstance(found.node, t.Class)
        key = id(found.node)
        if key not in self._classes:
            self._classes[key] = {}  # a class that inherits from itself ends here
            names: Names = {}
            for base in reversed(found.node.bases):
                definition = self.values.code.defined(base, found.scope)
                if definition is not None and isinstance(definition.node, t.Class):
                    names |= self.klass(definition)
            inner = self.values.code.inside(found)
            self._classes[key] = _Run(self, inner, names).block(found.node.body)
        return self._classes[key]


@dataclass
class _Run:
    execution: Execution
    scope: Scope
    names: Names
    depth: int = 0

    @property
    def values(self) -> Evaluator:
        return self.execution.values

    def block(self, body: Iterable[t.Stmt]) -> Names:
        for stmt in body:
            self.stmt(stmt)
        return self.names

    def stmt(self, stmt: t.Stmt) -> None:
        match stmt:
            case t.Import(names=[("*", _)]):
                self.star(stmt)
            case t.Import():
                self.imported(stmt)
            case t.Assign(value=value) if value is not None:
                for target in stmt.targets:
                    self.assign(target, stmt, value)
            case t.If():
                self.branch(stmt)
            case t.Try():
                self.block(stmt.body)
                self.block(stmt.orelse)
                for handler in stmt.handlers:
                    self.either(handler.body)
                self.block(stmt.final)
            case t.With():
                self.block(stmt.body)
            case t.For() | t.While():
                self.either(stmt.body)
            case t.Do(value=t.Call() as call):
                self.call(call)

    def star(self, stmt: t.Import) -> None:
        module = self.values.code.module_of(stmt.module, self.scope)
        if module is not None:
            self.names |= {
                name: bound
                for name, bound in self.execution.module(module).items()
                if not name.startswith("_")
            }

    def imported(self, stmt: t.Import) -> None:
        module = self.values.code.module_of(stmt.module, self.scope) if stmt.module else None
        if module is not None and any(name.isupper() for name, _ in stmt.names):
            given = self.execution.module(module)
            for name, alias in stmt.names:
                if name in given:
                    self.names[alias or name] = given[name]

    def assign(self, target: t.Expr, stmt: t.Assign, value: t.Expr) -> None:
        match target:
            case t.Name(id=name):
                worth = self.value(value)
                if stmt.op:
                    worth = self.added(name, worth, stmt) if stmt.op == "+" else self.lost(stmt)
                self.put(name, worth, stmt)
            case t.Item(value=t.Name(id=name), index=index) if name in self.names:
                key = self.value(index)
                if isinstance(key, Known) and isinstance(key.value, str) and not stmt.op:
                    self.entry(name, key.value, self.value(value), stmt)
            case t.Seq(items=items) if isinstance(value, t.Seq) and len(items) == len(value.items):
                for part, each in zip(items, value.items, strict=True):
                    self.assign(part, stmt, each)

    def put(self, name: str, value: Value, node: t.Node) -> None:
        self.names[name] = Bound(value, place_of(Located(node, self.scope), name))

    def lost(self, node: t.Node) -> Value:
        return Unknown("computed at run time", place_of(Located(node, self.scope)))

    def added(self, name: str, value: Value, node: t.Node) -> Value:
        if name not in self.names:
            return self.lost(node)
        return self.joined(self.names[name].value, value, node)

    def joined(self, left: Value, right: Value, node: t.Node) -> Value:
        """`left + right`; of lists, the one that can be told stays."""
        place = place_of(Located(node, self.scope))
        if isinstance(left, Unknown) != isinstance(right, Unknown):
            known, unknown = (right, left) if isinstance(left, Unknown) else (left, right)
            if any(isinstance(k.value, list) for k in possible(known)):
                gap = Known([None], unknown.place)
                left, right = (gap, right) if unknown is left else (left, gap)
        return lift(lambda a, b: a + b, [left, right], place)

    def entry(self, name: str, key: str, value: Value, node: t.Node) -> None:
        plain = Known(None, value.place) if isinstance(value, Unknown) else value
        before = self.names[name].value
        place = place_of(Located(node, self.scope))
        self.put(name, lift(lambda d, v: {**d, key: v}, [before, plain], place), node)

    def branch(self, stmt: t.If) -> None:
        outcome = self.decided(stmt.test)
        if outcome is None:
            then, other = self.fork(stmt.body), self.fork(stmt.orelse)
            self.names = _merged(then, other)
            self.switched(stmt, then, other)
        else:
            self.block(stmt.body if outcome else stmt.orelse)

    def switched(self, stmt: t.If, then: Names, other: Names) -> None:
        """Switches that one setting turns, by its default: `if MODE == "development": DEBUG = True`."""
        worth = self.value(stmt.test)
        if not isinstance(worth, Setting) or not isinstance(worth.default, Known):
            return
        usual, unusual = (then, other) if worth.default.value else (other, then)
        for name, bound in usual.items():
            if name in unusual and unusual[name] is not bound:
                told = [_plain(bound.value), _plain(unusual[name].value)]
                if all(isinstance(each, Known) and isinstance(each.value, bool) for each in told):
                    value = Setting(worth.name, told[0], bound.place)
                    self.names[name] = Bound(value, bound.place)

    def either(self, body: Iterable[t.Stmt]) -> None:
        """Statements that may run or not."""
        self.names = _merged(self.names, self.fork(body))

    def fork(self, body: Iterable[t.Stmt]) -> Names:
        if self.depth > _MAX_DEPTH:
            return self.names
        return _Run(self.execution, self.scope, dict(self.names), self.depth + 1).block(body)

    def decided(self, test: t.Expr) -> bool | None:
        worth = self.value(test)
        return bool(worth.value) if isinstance(worth, Known) else None

    def call(self, call: t.Call) -> None:
        """`LIST.append(x)`, `LIST.insert(0, x)`, `LIST.remove(x)`, `MAP.update({…})`."""
        match call:
            case t.Call(func=t.Attr(value=t.Name(id=name), name=method), args=args) if (
                name in self.names
            ):
                self.changed(name, method, args, call)
            case _:
                for path in self.included(call):
                    self.names |= self.execution.module(path)

    def changed(self, name: str, method: str, args: list[t.Expr], call: t.Call) -> None:
        before, worth = self.names[name].value, [self.value(arg) for arg in args]
        place = place_of(Located(call, self.scope))
        match method, worth:
            case "append", [one]:
                self.put(name, self.joined(before, self.listed([one], place), call), call)
            case "extend", [more]:
                self.put(name, self.joined(before, more, call), call)
            case "insert", [index, one]:
                position = index.value if isinstance(index, Known) else 0
                self.put(
                    name,
                    lift(
                        lambda items, new: [*items[:position], *new, *items[position:]],
                        [before, self.listed([one], place)],
                        place,
                    ),
                    call,
                )
            case "remove", [one]:
                self.put(
                    name,
                    lift(lambda items, x: [i for i in items if i != x], [before, one], place),
                    call,
                )
            case "update", [more]:
                self.put(name, lift(lambda a, b: {**a, **b}, [before, more], place), call)

    def included(self, call: t.Call) -> list[Module]:
        """The files of `include("base.py", optional("local.py"))` of django-split-settings."""
        code = self.values.code
        if not code.name(call.func, self.scope).startswith("split_settings."):
            return []
        folder = PurePosixPath(self.scope.module.path).parent
        found = []
        for given in call.args:
            inner = given.args[0] if isinstance(given, t.Call) and given.args else given
            text = self.values.text(inner, self.scope)
            if text and (module := code.modules.get(str(folder / text))):
                found.append(module)
        return found

    # --- expressions, with the names as they are now

    def value(self, expr: t.Expr) -> Value:
        place = place_of(Located(expr, self.scope))
        match expr:
            case t.Name(id=name) if name in self.names:
                return self.names[name].value
            case t.BinOp(op="+", left=left, right=right):
                return self.joined(self.value(left), self.value(right), expr)
            case t.Seq(items=items):
                return self.listed([self.item(item) for item in items], place)
            case t.Map(keys=keys, values=values):
                return self.mapped(keys, values, place)
            case t.Unary(op="not", value=inner):
                return lift(lambda x: not x, [self.value(inner)], place)
            case t.Compare(left=left, ops=[op], rights=[right]) if op in COMPARISONS:
                return lift(COMPARISONS[op], [self.value(left), self.value(right)], place)
            case t.Choice(test=test, then=then, other=other):
                outcome = self.decided(test)
                if outcome is not None:
                    return self.value(then if outcome else other)
                return one_of([self.value(then), self.value(other)], place)
            case t.Call(func=t.Name(id="getattr"), args=[_, t.Const(value=str(name)), default]):
                return Setting(name, self.value(default), place)
            case t.Call(func=t.Name(id="list" | "tuple"), args=[inner]):
                return self.value(inner)
        return self.values.value(expr, self.scope)

    def item(self, expr: t.Expr) -> Value:
        if isinstance(expr, t.Star):
            inner = self.value(expr.value)
            if any(isinstance(k.value, list) for k in possible(inner)):
                return _Spread(inner)  # type: ignore[return-value]
            return Unknown("computed at run time", place_of(Located(expr, self.scope)))
        return self.value(expr)

    def listed(self, items: list[Value], place: Place) -> Value:
        """A list of these values; one that cannot be told stands as None."""
        whole: Value = Known([], place)
        for item in items:
            match item:
                case _Spread(value=value):
                    whole = lift(lambda a, b: a + b, [whole, value], place)
                case Unknown():
                    whole = lift(lambda a: [*a, None], [whole], place)
                case _:
                    whole = lift(lambda a, b: [*a, b], [whole, item], place)
        return whole

    def mapped(self, keys: list[t.Expr | None], values: list[t.Expr], place: Place) -> Value:
        whole: Value = Known({}, place)
        for key, value in zip(keys, values, strict=True):
            worth = self.value(value)
            if key is None:
                if not isinstance(worth, Unknown):
                    whole = lift(lambda a, b: {**a, **b}, [whole, worth], place)
                continue
            if isinstance(worth, Unknown):
                worth = Known(None, worth.place)
            whole = lift(lambda a, k, v: {**a, k: v}, [whole, self.value(key), worth], place)
        return whole


def _plain(value: Value) -> Value | None:
    return value.default if isinstance(value, Setting) else value


class _Spread(msgspec.Struct, frozen=True):
    value: Value


def _merged(one: Names, two: Names) -> Names:
    """What names hold when one of two ways was taken; the later statement is the place."""
    merged = dict(one)
    for name, bound in two.items():
        before = merged.get(name)
        if before is None:
            merged[name] = bound
        elif before is not bound and before.value != bound.value:
            values = one_of([before.value, bound.value], bound.place)
            if isinstance(values, OneOf) and len(values.values) > _MAX_WAYS:
                values = OneOf(values.values[:_MAX_WAYS], values.place)
            merged[name] = Bound(values, bound.place)
    return merged
