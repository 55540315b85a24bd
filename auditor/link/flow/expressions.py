"""What an expression holds of the caller's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from auditor.extract.python import tree as t
from auditor.link.flow.taint import Form, Taint, each, join, record
from auditor.link.flow.texts import Texts, joined
from auditor.link.flow.variables import is_splitext
from auditor.link.scopes import Located, place_of
from auditor.model.values import Known

_MAX_NESTING = 150


class Expressions(Texts):
    """Evaluates every kind of expression but calls."""

    evaluators: ClassVar[dict[type, Callable[[Any, Any], Taint | None]]]
    returns: Taint | None
    nesting: int

    def eval(self, expr: t.Expr) -> Taint | None:
        kind = type(expr)
        if kind is t.Const:
            return None
        if kind is t.Name:
            return self.named(expr)  # type: ignore[arg-type]
        evaluate = self.evaluators.get(kind)
        if evaluate is None or self.nesting > _MAX_NESTING:
            return None
        self.nesting += 1
        try:
            found: Taint | None = evaluate(self, expr)
            return found
        finally:
            self.nesting -= 1

    def named(self, expr: t.Name) -> Taint | None:
        if self.lists:
            self.lists.pop(expr.id, None)  # whoever is handed it may order it anew
        if expr.id in self.env:
            return self.env[expr.id]
        return self.flow.read(expr, self.scope) if self.flow.implicit else None

    def attribute(self, expr: t.Attr) -> Taint | None:
        if (key := self.key(expr)) in self.env:
            return self.env[key]
        base = self.eval(expr.value)
        found = self.get(base, expr.name) if base is not None else None
        if found is None and self.flow.implicit and (base is None or base.form is Form.RECORD):
            return self.flow.read(expr, self.scope)
        return found

    def item(self, expr: t.Item) -> Taint | None:
        if (key := self.key(expr)) in self.env:
            return self.env[key]
        match expr:
            case t.Item(value=t.Name(id=name), index=t.Const(value=int(at))) if name in self.lists:
                order = self.lists[name][1]
                if at < len(order):
                    return order[at]
        base = self.eval(expr.value)
        if not isinstance(expr.index, t.Const):
            self.eval(expr.index)
        if base is None:
            return None
        if base.form is Form.REQUEST:
            return None
        found = self.part(base, self.constant(expr.index))
        return found.dressed("a name") if found is not None and _is_end(expr) else found

    def binary(self, expr: t.BinOp) -> Taint | None:
        left, right = self.eval(expr.left), self.eval(expr.right)
        if left is None and right is None:
            return None
        if expr.op == "+":
            if any(
                x is not None and x.form is not Form.TEXT and x.form is not Form.OBJECT
                for x in (left, right)
            ):
                return join(left, right)
            return self.concatenated([(expr.left, left), (expr.right, right)])
        if expr.op == "%":
            if left is not None:
                return left.as_text()
            return self.percent(expr.left, expr.right, right) if right else None
        if expr.op == "/":
            return joined(self.pieces([(expr.left, left), (expr.right, right)]), below=False)
        if expr.op == "|":
            return join(left, right)
        return None

    def boolean(self, expr: t.BoolOp) -> Taint | None:
        before = dict(self.env)
        found: Taint | None = None
        for value in expr.values:
            held = self.eval(value)
            found = (
                held if expr.op == "and" else join(found, held)
            )  # falsy, what is before the last
            self.learn(value, expr.op == "and")
        self.env = before
        return found

    def choice(self, expr: t.Choice) -> Taint | None:
        self.eval(expr.test)
        settled = self.settled(expr.test)
        if settled is not None:
            return self.eval(expr.then if settled else expr.other)
        before = dict(self.env)
        self.learn(expr.test, True)
        then = self.eval(expr.then)
        self.env = dict(before)
        self.learn(expr.test, False)
        other = self.eval(expr.other)
        self.env = before
        return join(then, other)

    def compare(self, expr: t.Compare) -> None:
        self.eval(expr.left)
        for right in expr.rights:
            self.eval(right)

    def display(self, expr: t.Seq) -> Taint | None:
        parts: dict[str, Taint] = {}
        certain = True
        for index, item in enumerate(expr.items):
            if isinstance(item, t.Star):
                certain = False
                if spread := each(self.eval(item.value)):
                    parts["*"] = join(parts.get("*"), spread) or spread
            elif held := self.eval(item):
                place = str(index) if certain else "*"
                parts[place] = join(parts.get(place), held) or held
        return record(next(iter(parts.values())), parts) if parts else None

    def mapping(self, expr: t.Map) -> Taint | None:
        parts: dict[str, Taint] = {}
        for key, value in zip(expr.keys, expr.values, strict=True):
            held = self.eval(value)
            if key is None:
                if held is not None and held.form is Form.RECORD:
                    parts |= held.parts()
                elif held is not None:
                    parts["**"] = held
                continue
            place = self.eval(key)
            name = self.constant(key) or self.flow.values.text(key, self.scope) if held else None
            if name is not None:
                parts.pop(name, None)
            if held is not None:
                parts[name if name is not None else ("**" if place else "*")] = held
            elif place is not None:
                parts["**"] = place
        return record(next(iter(parts.values())), parts) if parts else None

    def comprehension(self, expr: t.Comp) -> Taint | None:
        before = dict(self.env)
        for loop in expr.loops:
            self.bind(loop.target, each(self.eval(loop.iter)), loop.iter)
            for condition in loop.conditions:
                self.eval(condition)
                self.learn(condition, True)
        found = [self.eval(element) for element in expr.elements]
        self.env = before
        held = found[-1]
        if len(found) == 2 and found[0] is not None:
            return Taint(
                found[0].source,
                Form.OBJECT if held and held.form is Form.OBJECT else Form.FIELDS,
                steps=found[0].steps,
            )
        return record(held, {"*": held}) if held else None

    def awaited(self, expr: t.Await | t.Star) -> Taint | None:
        return self.eval(expr.value)

    def walrus(self, expr: t.Bind) -> Taint | None:
        held = self.eval(expr.value)
        self.bind(expr.target, held, expr.value)
        return held

    def unary(self, expr: t.Unary) -> None:
        self.eval(expr.value)

    def yielded(self, expr: t.Yield) -> None:
        if expr.value is not None:
            self.returns = join(self.returns, self.eval(expr.value))

    def function(self, expr: t.Lambda) -> Taint | None:
        before, scope = self.env, self.scope
        self.env = {**before, **{p.name: None for p in expr.params}}
        self.scope = scope.module.scopes.get(id(expr), scope)
        found = self.eval(expr.body)
        self.env, self.scope = before, scope
        return found

    def slice(self, expr: t.Slice) -> None:
        for bound in (expr.lower, expr.upper):
            if bound is not None:
                self.eval(bound)

    def settled(self, test: t.Expr) -> bool | None:
        """The outcome of a test that rests on nothing but numbers and texts of this function."""
        value = self.settled_value(test)
        return bool(value.value) if value is not None else None

    def settled_value(self, expr: t.Expr) -> Known | None:
        if isinstance(expr, t.Const) and expr.value is False:
            return Known(False, place_of(Located(expr, self.scope)))  # `if False:` never runs
        names = 0
        for node in t.walk_own(expr):
            if isinstance(node, t.Name):
                names += 1
                bound = self.scope.bindings.get(node.id, ())
                if len(bound) != 1 or bound[0].kind != "value" or bound[0].index is not None:
                    return None
            elif not isinstance(node, _PLAIN):
                return None
        if not names:
            return None  # any other constant is a switch that somebody turns
        value = self.flow.values.value(expr, self.scope)
        return value if isinstance(value, Known) else None


def _is_end(expr: t.Item) -> bool:
    """The last part of a name, which climbs nowhere: `name.rsplit(".", 1)[-1]`, `splitext(name)[1]`."""
    call, index = expr.value, expr.index
    if not isinstance(call, t.Call):
        return False
    if is_splitext(call):
        return isinstance(index, t.Const) and index.value == 1
    match call, index:
        case (
            t.Call(func=t.Attr(name="split" | "rsplit"), args=[t.Const(value="." | "/"), *_]),
            t.Unary(op="-", value=t.Const(value=1)) | t.Const(value=-1),
        ):
            return True
    return False


_PLAIN = (t.Const, t.BinOp, t.Compare, t.Unary, t.BoolOp, t.Item)
