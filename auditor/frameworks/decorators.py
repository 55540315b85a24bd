"""What a decorator puts around a handler: wrappers of this tree, and decorators from outside.

A decorator may be a function, a function that makes one (`role_required("admin")`), a class, a
variable, or a helper that combines several others (`return login_required(admin_required(f))`).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import msgspec

from auditor.extract.python import tree as t
from auditor.link.names import Code
from auditor.link.origins import Env
from auditor.link.scopes import Binding, Located, Scope
from auditor.link.values import Evaluator

_MAX_DEPTH = 6
_TRANSPARENT = {
    "functools.wraps()", "functools.update_wrapper", "functools.partial", "functools.wraps",
    "builtins.staticmethod", "builtins.classmethod",
}  # fmt: skip


class Applied(msgspec.Struct, frozen=True):
    """A decorator that runs before a handler; `via` is how the handler gets it."""

    found: Located
    via: str


class Layer(msgspec.Struct, frozen=True):
    """One thing that runs around a handler.

    `wrapper` is the function of the tree that runs in the handler's stead and `around` the names by
    which it knows the handler; both are empty for a decorator from outside, known by its `name`.
    """

    name: str
    used: Located
    wrapper: Located | None = None
    around: frozenset[str] = frozenset()
    bound: tuple[tuple[tuple[int, str], Located], ...] = ()
    """What the functions that made it were given: the test of `demanding(lambda user: user.is_staff)`."""


class Decorators:
    """Takes decorators apart."""

    def __init__(self, values: Evaluator) -> None:
        self.values = values
        self.code: Code = values.code
        self._bound: Env = {}

    def layers(self, used: Located, depth: int = 0) -> Iterator[Layer]:
        """What a decorator puts around a handler, outermost first."""
        expr: t.Expr = used.node  # type: ignore[assignment]
        scope = used.scope
        called = isinstance(expr, t.Call)
        target = t.callee(expr)
        found = self.code.defined(target, scope)
        if depth > _MAX_DEPTH:
            return
        if found is None:
            if depth and (inner := self._of_methods(expr, scope)) is not None:
                yield from self.layers(inner, depth + 1)
                return
            if isinstance(expr, t.Name | t.Attr):
                for origin in self.values.origins(expr, scope):
                    if isinstance(origin.node, t.Call | t.Name | t.Attr | t.Lambda):
                        if origin.node is not expr:
                            yield from self.layers(origin, depth + 1)
                            return
            yield Layer(self.code.name(expr, scope) or t.dotted(target), used)
        elif (instead := self._of_the_package(found, expr, scope)) is not None:
            yield from self.layers(instead, depth + 1)
        elif isinstance(found.node, t.Class):
            call = self._method(found, "__call__")
            if call is not None and called:
                yield from self._decorating(call, used, depth)
            elif call is not None:
                yield Layer(found.node.name, used, call, frozenset(["self"]))
        elif isinstance(expr, t.Call):
            with self._given(found, [Located(arg, scope) for arg in expr.args]):
                yield from self._made(found, used, depth)
        elif (made := self._decorated(found)) is not None:
            with self._given(made, [Located(expr, scope)]):
                yield from self._made(made, used, depth)
        else:
            yield from self._decorating(found, used, depth)

    def _of_the_package(self, found: Located, expr: t.Expr, scope: Scope) -> Located | None:
        """What a name also stands for, where its function hands back the handler as it is: that is for
        where a package is missing (`limited = limiter.limit("3/minute")` in the other branch)."""
        match found.node:
            case t.Function(params=[param], body=[*_, t.Return(value=t.Name(id=name))]) if (
                isinstance(expr, t.Name) and name == param.name
            ):
                others = (o for o in self.values.origins(expr, scope) if isinstance(o.node, t.Call))
                return next(others, None)
        return None

    @contextlib.contextmanager
    def _given(self, factory: Located, args: list[Located]) -> Iterator[None]:
        """With the parameters of a function that makes a decorator bound to what it is given."""
        saved, inner = self._bound, self.code.inside(factory)
        params: list[t.Param] = factory.node.params  # type: ignore[attr-defined]
        names = [
            p.name
            for p in params
            if p.name not in ("self", "cls") and p.kind not in ("args", "kwargs", "keyword")
        ]
        self._bound = {
            **saved,
            **{(id(inner), n): a for n, a in zip(names, args, strict=False) if self._asked(a)},
        }
        try:
            yield
        finally:
            self._bound = saved

    def _asked(self, given: Located) -> bool:
        """Whether a decorator's maker is given something to ask: a function."""
        if isinstance(given.node, t.Lambda):
            return True
        found = self.code.defined(given.node, given.scope)  # type: ignore[arg-type]
        return found is not None and isinstance(found.node, t.Function)

    def _decorated(self, found: Located) -> Located | None:
        """What makes a decorator of a function: `@demanding def managers_only(user): return …`."""
        for decorator in found.node.decorators:  # type: ignore[attr-defined]
            made = self.code.defined(decorator, found.scope)
            if (
                made is not None
                and isinstance(made.node, t.Function)
                and made.node is not found.node
            ):
                if any(_takes_one(self._nested(each)) for each in self._returned(made)):
                    return made
        return None

    def _of_methods(self, expr: t.Expr, scope: Scope) -> Located | None:
        """The decorator within Django's `method_decorator(decorator, name="dispatch")`."""
        if isinstance(expr, t.Call) and expr.args:
            if self.code.name(expr.func, scope) == "django.utils.decorators.method_decorator":
                return Located(expr.args[0], scope)
        return None

    def made_by(self, function: Located) -> list[Layer]:
        """What a function puts around a handler, if it is a decorator or makes one."""
        return [*self._decorating(function, function, 0), *self._made(function, function, 0)]

    def marks(self, used: Located) -> Iterator[str]:
        """The attributes that a decorator puts on the handler, `view.is_public = True`, and where it lists it."""
        found = self.code.defined(t.callee(used.node), used.scope)
        if found is None or not isinstance(found.node, t.Function):
            return
        for node in t.walk(*found.node.body):
            match node:
                case t.Assign(targets=[t.Attr(value=t.Name(), name=name)]):
                    yield name
                case t.Call(
                    func=t.Name(id="setattr"), args=[t.Name(), t.Const(value=str(name)), *_]
                ):
                    yield name
                case t.Call(
                    func=t.Attr(value=t.Name(id=name), name="add" | "append"), args=[t.Name(id=one)]
                ) if one in {p.name for p in found.node.params}:
                    yield f"in {name}"

    def _method(self, found: Located, name: str) -> Located | None:
        for ancestor in self.code.ancestry(found):
            if method := self.code.definition(f"{ancestor}.{name}"):
                return method
        return None

    def _made(self, factory: Located, used: Located, depth: int) -> Iterator[Layer]:
        """The decorator that a function makes; with `@f()` and `@f` both allowed, either."""
        returns = list(self._returned(factory))
        for returned in returns:
            nested = self._nested(returned)
            if nested is not None:
                yield from self._decorating(nested, used, depth)
                return
        for returned in returns:
            match returned.node:
                case t.Call(func=func, args=[inner, *_]) if self._transparent(func, returned.scope):
                    yield from self.layers(Located(inner, returned.scope), depth + 1)
                    return
                case t.Call(func=func) if depth < _MAX_DEPTH:
                    yield from self.layers(returned, depth + 1)
                    return

    def _decorating(self, decorator: Located, used: Located, depth: int) -> Iterator[Layer]:
        """What a function that takes the handler gives in its stead."""
        assert isinstance(decorator.node, t.Function)
        params = [p.name for p in decorator.node.params if p.name not in ("self", "cls")]
        around = frozenset(params[:1])
        for returned in reversed(list(self._returned(decorator))):  # the last is the plain case
            layers = list(self._around(returned, decorator, around, used, depth))
            if layers:
                yield from layers
                return

    def _around(
        self,
        returned: Located,
        decorator: Located,
        around: frozenset[str],
        used: Located,
        depth: int,
    ) -> Iterator[Layer]:
        nested = self._nested(returned)
        if nested is not None:
            assert isinstance(nested.node, t.Function)
            for each in nested.node.decorators:
                if not self._transparent(each, nested.scope):
                    yield from self.layers(Located(each, nested.scope), depth + 1)
            for name, guarding in self._guarded(nested, around):
                yield from self.layers(guarding, depth + 1)
                around |= {name}
            name = t.dotted(t.callee(used.node)) or decorator.node.name  # type: ignore[attr-defined]
            yield Layer(name, used, nested, around, tuple(self._bound.items()))
            return
        match returned.node:
            case t.Name(id=name) if depth < _MAX_DEPTH:
                made = [o for o in self.values.origins(returned.node, returned.scope) if not _mentions(o.node, {name})]  # fmt: skip
                if len(made) == 1 and isinstance(made[0].node, t.Call):
                    yield from self._around(made[0], decorator, around, used, depth + 1)
            case t.Call(func=func, args=[inner, *_]):
                if not self._transparent(func, returned.scope):
                    yield from self.layers(Located(func, returned.scope), depth + 1)
                below = Located(inner, returned.scope)
                yield from self._around(below, decorator, around, used, depth + 1)

    def _transparent(self, func: t.Expr, scope: Scope) -> bool:
        return self.code.name(func, scope) in _TRANSPARENT

    def _returned(self, function: Located) -> Iterator[Located]:
        inner = self.code.inside(function)
        for node in t.walk_own(*function.node.body):  # type: ignore[attr-defined]
            match node:
                case t.Return(value=t.Call(func=func, args=[_, cast])) if (
                    self.code.name(func, inner) == "typing.cast"
                ):
                    yield Located(cast, inner)
                case t.Return(value=value) if value is not None:
                    yield Located(value, inner)

    def _nested(self, returned: Located) -> Located | None:
        """The function that a returned name stands for."""
        if not isinstance(returned.node, t.Name | t.Attr):
            return None
        found = self.code.defined(returned.node, returned.scope)
        if found is None and isinstance(returned.node, t.Name):
            where, bindings = self._bindings(returned.node.id, returned.scope)
            for binding in bindings:
                match binding.value:
                    case t.Call(args=[t.Name(id=name) as inner, *_]):  # f = update_wrapper(f, g)
                        if name != returned.node.id:
                            return self.code.defined(inner, returned.scope)
                        for own in bindings:  # f = mark(f), which was `def f` before
                            if isinstance(own.node, t.Function):
                                return Located(own.node, where)
        return found if found is not None and isinstance(found.node, t.Function) else None

    def _guarded(self, wrapper: Located, around: frozenset[str]) -> Iterator[tuple[str, Located]]:
        """What a wrapper calls in the handler's stead: `guarded = jwt_required(view)`, made before."""
        inner = self.code.inside(wrapper)
        for node in t.walk_own(*wrapper.node.body):  # type: ignore[attr-defined]
            if not isinstance(node, t.Call) or not isinstance(node.func, t.Name):
                continue
            where, bindings = self._bindings(node.func.id, inner)
            for binding in bindings:
                match binding.value:
                    case t.Call(func=func, args=[t.Name(id=given)]) if given in around:
                        yield node.func.id, Located(func, where)

    def _bindings(self, name: str, scope: Scope) -> tuple[Scope, list[Binding]]:
        """Where a name is bound as seen from a scope, and how."""
        return self.code.find(name, scope) or (scope, [])


def letting_pass(function: Located, around: frozenset[str]) -> frozenset[int]:
    """The ids of the `return` statements of a wrapper that hand over to the handler."""
    body: list[t.Stmt] = function.node.body  # type: ignore[attr-defined]
    known = set(around)
    for _ in range(2):  # what it returned may be kept in a variable first
        for node in t.walk_own(*body):
            if isinstance(node, t.Assign) and node.value is not None:
                if _calls(node.value, known):
                    known |= {x.id for x in node.targets if isinstance(x, t.Name)}
    return frozenset(
        id(node)
        for node in t.walk_own(*body)
        if isinstance(node, t.Return) and node.value is not None and _mentions(node.value, known)
    )


def _takes_one(function: Located | None) -> bool:
    """Whether a function takes one thing, as a decorator does."""
    params: list[t.Param] = function.node.params if function is not None else []  # type: ignore[attr-defined]
    return len(params) == 1 and params[0].kind not in ("args", "kwargs")


def _mentions(expr: t.Node, names: set[str]) -> bool:
    return any(isinstance(node, t.Name) and node.id in names for node in t.walk_own(expr))


def _calls(expr: t.Expr, names: set[str]) -> bool:
    return any(isinstance(n, t.Call) and _mentions(n, names) for n in t.walk_own(expr))
