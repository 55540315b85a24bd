"""Flask's views: functions, and classes with one method for each verb.

https://flask.palletsprojects.com/en/stable/views/. Flask-RESTful, Flask-RESTX, flask-smorest and
APIFlask build on the same classes; what they add is a list of decorators under another name.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import msgspec
from msgspec.structs import replace

from auditor.extract.python import tree as t
from auditor.frameworks.decorators import Applied
from auditor.link.scopes import Located, Scope, place_of
from auditor.link.values import Evaluator
from auditor.model.places import Place
from auditor.model.values import possible

VERBS = ("get", "post", "put", "delete", "patch")
"""Methods that are listed; HEAD and OPTIONS Flask adds itself."""
_DECORATOR_LISTS = ("decorators", "method_decorators")
_MAX_DEPTH = 6


class View(msgspec.Struct, frozen=True):
    """What a rule calls: a function or one method of a class.

    `above` are decorators that the registration does not see, because they stand above it.
    """

    name: str
    place: Place
    function: Located | None
    decorators: tuple[Applied, ...] = ()
    above: tuple[Located, ...] = ()
    owner: Located | None = None
    methods: tuple[str, ...] = ()
    """The methods that the view itself names, empty where it names none."""

    def under(self, decorators: tuple[Applied, ...]) -> View:
        return replace(self, decorators=(*decorators, *self.decorators))


@dataclass
class Views:
    """Finds the views that expressions stand for."""

    values: Evaluator
    _classes: dict[int, tuple[View, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.code = self.values.code

    def of(self, expr: t.Expr | None, scope: Scope, depth: int = 0) -> tuple[View, ...]:
        """The views of a `view_func` or resource: several for a class, one for each method."""
        if expr is None or depth > _MAX_DEPTH:
            return ()
        match expr:
            case t.Call(func=t.Attr(value=owner, name="as_view")):
                return self.of(owner, scope, depth + 1)
            case t.Call(func=func, args=[inner, *_]) if views := self.of(inner, scope, depth + 1):
                if self.code.name(func, scope) in ("functools.partial", "builtins.staticmethod"):
                    return views
                wrapped = Applied(Located(func, scope), "decorator")
                return tuple(view.under((wrapped,)) for view in views)
            case t.Lambda():
                at = place_of(Located(expr, scope), "<lambda>")
                return (View("<lambda>", at, None),)
            case t.Class():  # what a decorator of the tree is given
                return self.of_class(Located(expr, scope))
            case t.Function():
                return (self.of_function(Located(expr, scope)),)
        defined = self.code.defined(expr, scope)
        if defined is not None:
            if isinstance(defined.node, t.Class):
                return self.of_class(defined)
            return (self.of_function(defined),)
        if isinstance(expr, t.Name | t.Attr):
            origins = self.values.origins(expr, scope)
            for origin in sorted(origins, key=lambda o: not _makes_view(o.node)):
                if origin.node is not expr:
                    if views := self.of(origin.node, origin.scope, depth + 1):  # type: ignore[arg-type]
                        return views
        return ()

    def of_function(self, found: Located, below: int = 0) -> View:
        """A function with the decorators from number `below` on; those before it are `above`."""
        assert isinstance(found.node, t.Function)
        decorators = [Located(d, found.scope) for d in found.node.decorators]
        return View(
            found.node.name,
            place_of(found, found.node.name),
            found,
            tuple(Applied(d, "decorator") for d in decorators[below:]),
            tuple(decorators[: max(below - 1, 0)]),
        )

    # --- classes

    def of_class(self, found: Located) -> tuple[View, ...]:
        key = id(found.node)
        if key not in self._classes:
            self._classes[key] = tuple(self._methods(found))
        return self._classes[key]

    def _methods(self, found: Located) -> Iterator[View]:
        assert isinstance(found.node, t.Class)
        listed = self._listed(found, "methods")
        around = tuple(self.class_decorators(found))
        verbs = [verb for verb in VERBS if self.method(found, verb) is not None]
        for name in verbs or ["dispatch_request"]:
            method = self.method(found, name)
            if method is None:
                continue
            methods = (name.upper(),) if verbs else listed
            if verbs and listed and name.upper() not in listed:
                continue
            view = self.of_function(method)
            yield replace(
                view,
                name=f"{found.node.name}.{name}",
                decorators=(*self._for_method(around, name), *view.decorators),
                owner=found,
                methods=methods,
            )

    def method(self, found: Located, name: str) -> Located | None:
        """The function that a class or a base of it in the tree defines under a name."""
        own = [n for n in found.node.body if isinstance(n, t.Function) and n.name == name]  # type: ignore[attr-defined]
        if own:
            return Located(own[-1], self.code.inside(found))
        for ancestor in self.code.ancestry(found)[1:]:
            method = self.code.definition(f"{ancestor}.{name}")
            if method is not None and isinstance(method.node, t.Function):
                return method
        return None

    def _listed(self, found: Located, name: str) -> tuple[str, ...]:
        for value in self.class_values(found, name):
            for known in possible(self.values.value(value.node, value.scope)):  # type: ignore[arg-type]
                if isinstance(known.value, list):
                    return tuple(str(method).upper() for method in known.value)
        return ()

    def class_values(self, found: Located, name: str) -> list[Located]:
        """What the class attribute `name` is assigned in the nearest class that has it."""
        for ancestor in self.code.ancestry(found):
            own = ancestor == f"{found.path}:{self.code.inside(found).qualname}"
            definition = found if own else self.code.definition(ancestor)
            if definition is None or not isinstance(definition.node, t.Class):
                continue
            inner = self.code.inside(definition)
            bindings = inner.bindings.get(name, ())
            if values := [Located(b.value, inner) for b in bindings if b.value is not None]:
                return values
        return []

    def class_decorators(self, found: Located) -> Iterator[tuple[Applied, str]]:
        """(decorator, the method it is for or empty), outermost first: the class's own, then listed.

        A decorator above the class that makes a guard of it puts that around each of its methods.
        """
        for decorator in found.node.decorators:  # type: ignore[attr-defined]
            yield Applied(Located(decorator, found.scope), "class"), ""
        for attribute in _DECORATOR_LISTS:
            for value in self.class_values(found, attribute):
                yield from self.decorator_list(value.node, value.scope, "class")  # type: ignore[arg-type]

    def decorator_list(
        self, expr: t.Expr | None, scope: Scope, via: str, verb: str = ""
    ) -> Iterator[tuple[Applied, str]]:
        """`[a, b]`, `{"get": [a]}`, lists put together with `+`; the last one is outermost."""
        match expr:
            case None:
                return
            case t.Seq(items=items):
                for item in reversed(items):
                    if isinstance(item, t.Star):
                        yield from self.decorator_list(item.value, scope, via, verb)
                    else:
                        yield Applied(Located(item, scope), via), verb
            case t.Map(keys=keys, values=values):
                for key, value in zip(keys, values, strict=True):
                    word = self.values.text(key, scope) or ""
                    yield from self.decorator_list(value, scope, via, word.lower())
            case t.BinOp(op="+", left=left, right=right):
                yield from self.decorator_list(right, scope, via, verb)
                yield from self.decorator_list(left, scope, via, verb)
            case _:
                for source in self.values.sources(expr, scope):
                    if source.node is not expr and isinstance(source.node, t.Seq | t.Map | t.BinOp):
                        yield from self.decorator_list(source.node, source.scope, via, verb)

    @staticmethod
    def _for_method(around: tuple[tuple[Applied, str], ...], name: str) -> tuple[Applied, ...]:
        return tuple(applied for applied, verb in around if verb in ("", name))


def _makes_view(node: t.Node) -> bool:
    return (
        isinstance(node, t.Call) and isinstance(node.func, t.Attr) and node.func.name == "as_view"
    )
