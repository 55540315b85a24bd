"""What an expression is worth without running it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from auditor.extract.python import tree as t
from auditor.link.enumerations import is_member, worth
from auditor.link.folding import (
    COLLECTING,
    COMPARISONS,
    FUNCTIONS,
    KINDS,
    METHODS,
    OPERATORS,
    apply_to,
    formatted,
    lift,
    one_of,
)
from auditor.link.origins import Env, Origins
from auditor.link.scopes import CallSite, Located, Scope, place_of
from auditor.model.places import Place
from auditor.model.values import Known, Masked, Setting, Unknown, Value, possible, text_of

Reader = Callable[["Evaluator", str, t.Expr, Scope], Value | None]
"""(evaluator, canonical name, expression, scope) -> the setting it reads, or None."""

_READERS: list[Reader] = []


def reads_settings(reader: Reader) -> Reader:
    """Register how a library reads settings from the environment."""
    _READERS.append(reader)
    return reader


Filler = Callable[["Evaluator", t.Param, Scope], str]
"""(evaluator, parameter, its function's scope) -> canonical name of what a framework passes."""

_FILLERS: list[Filler] = []


def fills_parameters(filler: Filler) -> Filler:
    """Register how a framework injects values into parameters."""
    _FILLERS.append(filler)
    return filler


_MAX_DEPTH = 30
_MAX_ITEMS = 100


@dataclass(eq=False)
class Evaluator(Origins):
    """Evaluates expressions of a `Code`; remembers what it found."""

    named: dict[str, Value] = field(default_factory=dict)
    """What names of packages stand for in this tree: `django.conf.settings.LOGIN_URL`."""

    switches: dict[tuple[str, str], Value] = field(default_factory=dict)
    """(section, option) -> what the tree's INI files say of it."""

    def __post_init__(self) -> None:
        self.code.fillers = [functools.partial(filler, self) for filler in _FILLERS]

    def value(self, expr: t.Expr | None, scope: Scope) -> Value:
        if expr is None:
            return Unknown("not given", Place(scope.module.path, 1))
        key = (expr, id(scope))
        if key in self._known:
            return self._known[key]
        if key in self._busy or len(self._busy) > _MAX_DEPTH:
            return Unknown("refers to itself", self._place(expr, scope))
        self._busy.add(key)
        try:
            self._known[key] = value = self._value(expr, scope)
            return value
        finally:
            self._busy.discard(key)

    def text(self, expr: t.Expr | None, scope: Scope) -> str | None:
        return text_of(self.value(expr, scope))

    def _place(self, expr: t.Node, scope: Scope) -> Place:
        return place_of(Located(expr, scope))

    def _value(self, expr: t.Expr, scope: Scope) -> Value:
        place = self._place(expr, scope)
        name = self.code.name(expr, scope)
        for reader in _READERS:
            if (found := reader(self, name, expr, scope)) is not None:
                return found
        if name in self.named:
            return self.named[name]
        match expr:
            case t.Const(value=value):
                return Known(value, place)
            case t.Call(
                func=t.Name(id="getattr"), args=[base, t.Const(value=str(attribute)), *rest]
            ):
                if own := self.bound_class(base, scope):
                    if origins := self._class_origins(own, attribute):
                        return self.value(origins[0].node, origins[0].scope)  # type: ignore[arg-type]
                    return self.value(rest[0] if rest else None, scope)
                at = (expr.line, expr.column, expr.end_line)
                return self.value(t.Attr(*at, base, attribute), scope)
            case t.Hidden(shape=shape):
                return Masked(shape, place)
            case t.Seq(items=items):
                return lift(lambda *xs: list(xs), self._spread(items, scope), place)
            case t.Map(keys=keys, values=values):
                names = [None if x is None else self.value(x, scope) for x in keys]
                return self._dictionary(names, [self.value(x, scope) for x in values], place)
            case t.Text(parts=parts):
                parts_values = [self.value(x, scope) for x in parts]
                return lift(lambda *xs: "".join(map(str, xs)), parts_values, place)
            case t.BinOp(op=op, left=left, right=right) if op in OPERATORS:
                both = [self.value(left, scope), self.value(right, scope)]
                return lift(OPERATORS[op], both, place)
            case t.Compare(left=left, ops=[op], rights=[right]) if op in COMPARISONS:
                both = [self.value(left, scope), self.value(right, scope)]
                return lift(COMPARISONS[op], both, place)
            case t.Unary(op="not", value=inner):
                return lift(lambda x: not x, [self.value(inner, scope)], place)
            case t.Unary(op="-", value=inner):
                return lift(lambda x: -x, [self.value(inner, scope)], place)
            case t.BoolOp(op=op, values=values):
                return self._alternatives(op, [self.value(x, scope) for x in values], place)
            case t.Choice(then=then, other=other):
                return one_of([self.value(then, scope), self.value(other, scope)], place)
            case t.Await(value=inner) | t.Bind(value=inner) | t.Star(value=inner):
                return self.value(inner, scope)
            case t.Name() | t.Attr():
                return self._reference(expr, scope, place)
            case t.Call():
                return self._call(CallSite(expr, scope), name, place)
            case t.Item(value=base, index=index):
                both = [self.value(base, scope), self.value(index, scope)]
                if isinstance(both[0], Unknown) and (entry := self._entry(base, both[1], scope)):
                    return self.value(entry.node, entry.scope)  # type: ignore[arg-type]
                return lift(lambda a, b: a[b], both, place)
            case t.Comp(elements=[element], loops=[loop]):
                return self._comprehension(element, loop, scope, place)
        return Unknown("computed at run time", place)

    def _dictionary(self, names: list[Value | None], values: list[Value], place: Place) -> Value:
        """`{"a": 1, **more}`: a name of None stands for a spread."""

        def put_together(*known: Any) -> dict[Any, Any]:
            found: dict[Any, Any] = {}
            rest = iter(known)
            for name in names:
                found |= dict(next(rest)) if name is None else {next(rest): next(rest)}
            return found

        pairs = zip(names, values, strict=True)
        return lift(put_together, [v for pair in pairs for v in pair if v is not None], place)

    def _spread(self, items: list[t.Expr], scope: Scope) -> list[Value]:
        spread: list[Value] = []
        for item in items:
            value = self.value(item, scope)
            if isinstance(item, t.Star) and isinstance(value, Known) and _is_list(value.value):
                spread.extend(Known(x, value.place) for x in value.value)
            else:
                spread.append(value)
        return spread

    def _alternatives(self, op: str, values: list[Value], place: Place) -> Value:
        """`a or b`: a setting without default takes `b` as its default; `and` gives its last."""
        if op == "and":
            return values[-1]
        first, *rest = values
        if isinstance(first, Known) and first.value:
            return first
        if isinstance(first, Setting) and not any(k.value for k in possible(first.default)):
            other = rest[0] if len(rest) == 1 else one_of(rest, place)
            return Setting(first.name, other, first.place)
        full = [v for v in values if not (isinstance(v, Known) and not v.value)]
        return one_of(full, place) if full else values[-1]

    def _reference(self, expr: t.Name | t.Attr, scope: Scope, place: Place) -> Value:
        """A variable, class attribute or module constant: what is assigned to it."""
        origins = [worth(self.code, found) for found in self.origins(expr, scope)]
        values = [self.value(found.node, found.scope) for found in origins]  # type: ignore[arg-type]
        known = [v for v in values if not isinstance(v, Unknown)]
        if not known and isinstance(expr, t.Attr) and expr.name == "__name__":
            if (kind := self.bound(expr.value, scope)) is not None:
                return Known(kind.node.name, place)  # type: ignore[attr-defined]
        if not known and isinstance(expr, t.Attr) and expr.name == "value":
            values = self._worth_of_members(expr.value, scope)
            known = [v for v in values if not isinstance(v, Unknown)]
        if not known:
            return values[0] if values else Unknown("not assigned in this tree", place)
        return known[0] if len(values) == 1 else one_of(values, place)

    def _worth_of_members(self, expr: t.Expr, scope: Scope, depth: int = 3) -> list[Value]:
        """What the members of enumerations are worth that an expression stands for: `Kind.a`, `kind`."""
        found: list[Value] = []
        for origin in self.origins(expr, scope):
            if is_member(self.code, origin):
                member = worth(self.code, origin)
                found.append(self.value(member.node, member.scope))  # type: ignore[arg-type]
            elif isinstance(origin.node, t.Name | t.Attr) and depth:
                found += self._worth_of_members(origin.node, origin.scope, depth - 1)
        return found

    def decided(self, test: t.Expr, scope: Scope) -> bool | None:
        """The outcome of a test that the code itself settles."""
        match test:
            case t.Unary(op="not", value=inner):
                outcome = self.decided(inner, scope)
                return None if outcome is None else not outcome
            case t.BoolOp(op=op, values=values):
                outcomes = [self.decided(each, scope) for each in values]
                if (op == "or") in outcomes:
                    return op == "or"
                return None if None in outcomes else op == "and"
        value = self.value(test, scope)
        if isinstance(value, Known):
            if not value.value and isinstance(value.value, list | dict | set):
                if isinstance(test, t.Name) and scope.function and test.id in scope.bindings:
                    return None  # `errors = []` is filled before it is asked
            return bool(value.value)
        match test:
            case t.Compare(left=left, ops=[("is" | "is not") as op], rights=[t.Const(value=None)]):
                value = self.value(left, scope)
                if isinstance(value, Known):
                    return (value.value is None) == (op == "is")
                return op == "is not" if self._is_bound(left, scope) else None
            case t.Compare(left=left, ops=[("in" | "not in") as op], rights=[right]):
                among = self._among(left, right, scope)
                return None if among is None else among == (op == "in")
            case t.Name():
                return True if self._is_bound(test, scope) else None
            case t.Call(func=t.Name(id="isinstance"), args=[subject, t.Name(id=kind)]):
                value = self.value(subject, scope)
                if isinstance(value, Known) and kind in KINDS:
                    return isinstance(value.value, KINDS[kind])
            case t.Call(func=t.Name(id="hasattr"), args=[base, t.Const(value=str(name))]):
                own = self.bound_class(base, scope)
                return bool(self._class_origins(own, name)) if own else None
        return None

    def _among(self, left: t.Expr, right: t.Expr, scope: Scope) -> bool | None:
        """Whether a class or function of a known name is among those that stand in a display."""
        wanted = self.code.name(left, scope)
        if wanted.endswith(("()", "[]")):
            return None  # an object: only classes and functions are known by their names
        for source in self.sources(right, scope):
            node = source.node
            while isinstance(node, t.Call) and t.dotted(node.func) in COLLECTING and node.args:
                inner = self.sources(node.args[0], source.scope)
                if not inner:
                    return None
                source, node = inner[0], inner[0].node
            if not isinstance(node, t.Seq) or not wanted:
                return None
            names = [self.code.name(item, source.scope) for item in node.items]
            return wanted in names if all(names) and "()" not in "".join(names) else None
        return None

    def _call(self, site: CallSite, name: str, place: Place) -> Value:
        call = site.node
        if isinstance(call.func, t.Attr) and call.func.name in METHODS and not call.keywords:
            values = [self.value(x, site.scope) for x in [call.func.value, *call.args]]
            if not isinstance(values[0], Unknown):
                return lift(METHODS[call.func.name], values, place)
        if isinstance(call.func, t.Attr) and call.func.name == "format":
            names = [k.name or "" for k in call.keywords]
            given = [call.func.value, *call.args, *(k.value for k in call.keywords)]
            count = len(call.args) + 1
            return lift(
                lambda *xs: formatted(*xs[:count], **dict(zip(names, xs[count:], strict=True))),
                [self.value(x, site.scope) for x in given],
                place,
            )
        match call:
            case t.Call(func=t.Attr(value=base, name="get"), args=[t.Const(value=str(key)), *rest]):
                for source in self.sources(base, site.scope):
                    if isinstance(source.node, t.Map):
                        found = self.entry(source, key)
                        if found is not None:
                            return self.value(found.node, found.scope)  # type: ignore[arg-type]
                        return self.value(rest[0], site.scope) if rest else Known(None, place)
        callee = self.code.name(call.func, site.scope)
        if callee in FUNCTIONS and len(call.args) == 1 and not call.keywords:
            return lift(FUNCTIONS[callee], [self.value(call.args[0], site.scope)], place)
        definition = self.code.definition(callee)
        if definition is not None and isinstance(definition.node, t.Function):
            unbound = not self._bound  # one level, or calls that pass each other on never end
            if unbound and reads_environment(definition.node):
                with self.within(self._given(definition, site)):
                    return self._returned(definition, place)
            return self._returned(definition, place)
        return Unknown(f"result of {callee or 'a call'}", place)

    def _given(self, function: Located, site: CallSite) -> Env:
        """What a call gives the parameters of a plain function; those left out keep their defaults."""
        assert isinstance(function.node, t.Function)
        inner = self.code.inside(function)
        return {
            (id(inner), param.name): Located(given, site.scope)
            for position, param in enumerate(function.node.params)
            if (given := site.arg(position, param.name)) is not None
        }

    def _returned(self, function: Located, place: Place) -> Value:
        assert isinstance(function.node, t.Function)
        inner = self.code.inside(function)
        values = [
            self.value(node.value, inner)
            for node in t.walk_own(*function.node.body)
            if isinstance(node, t.Return) and node.value is not None
        ]
        return one_of(values, place) if values else Unknown("returns nothing", place)

    def _comprehension(self, element: t.Expr, loop: t.Loop, scope: Scope, place: Place) -> Value:
        """`[f(x) for x in xs]` where f is built of plain text methods."""
        if not isinstance(loop.target, t.Name):
            return Unknown("computed at run time", place)
        target = loop.target.id
        whole = self.value(loop.iter, scope)
        if isinstance(whole, Unknown):  # only a part of each item may be wanted
            listed = [s for s in self.sources(loop.iter, scope) if isinstance(s.node, t.Seq)]
            if len(listed) == 1 and not loop.conditions and (id(scope), target) not in self._bound:
                items: list[t.Expr] = listed[0].node.items  # type: ignore[attr-defined]
                parts = []
                for item in items[:_MAX_ITEMS]:
                    with self.within({(id(scope), target): Located(item, listed[0].scope)}):
                        parts.append(self.value(element, scope))
                return lift(lambda *xs: list(xs), parts, place)

        def each(items: Any) -> list[Any]:
            return [apply_to(element, target, item) for item in items]

        return lift(each, [whole], place)

    def _entry(self, base: t.Expr, key: Value, scope: Scope) -> Located | None:
        """The entry of a dict that is known only in part."""
        maps = [s for s in self.sources(base, scope) if isinstance(s.node, t.Map)]
        if len(maps) != 1 or not isinstance(key, Known):
            return None
        found = [
            value
            for name, value in zip(maps[0].node.keys, maps[0].node.values, strict=True)  # type: ignore[attr-defined]
            if isinstance(name, t.Const) and name.value == key.value
        ]
        return Located(found[-1], maps[0].scope) if found else None


def reads_environment(function: t.Function) -> bool:
    """Whether a function may be the tree's own way to read a setting: `env("NAME", default)`."""
    return any(
        (isinstance(node, t.Attr) and node.name in ("environ", "getenv"))
        or (isinstance(node, t.Name) and node.id in ("environ", "getenv"))
        for node in t.walk_own(*function.body)
    )


def _is_list(value: Any) -> bool:
    return isinstance(value, list)
