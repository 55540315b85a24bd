"""Where what an expression stands for is written: what names were assigned, passed and given back.

`origins` goes one step back, `sources` to the expressions that create a thing.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from auditor.extract.python import tree as t
from auditor.link.names import Code
from auditor.link.scopes import Binding, CallSite, Located, Scope, argument, named
from auditor.model.values import Value

_MAX_DEPTH = 30

Env = dict[tuple[int, str], Located]
"""What names are bound to while a place runs: (`id` of the scope, name) -> expression or class."""


def instance_attribute(own: Located, name: str) -> tuple[int, str]:
    """The key under which an environment binds an attribute of an instance of a class."""
    return id(own.node), f".{name}"


def call_of(scope: Scope) -> tuple[int, str]:
    """The key under which an environment keeps the call that runs the function of a scope."""
    return id(scope), "()"


@dataclass(eq=False)
class Origins:
    """Follows expressions of a `Code`; remembers what it found."""

    code: Code
    _busy: set[tuple[t.Expr, int]] = field(default_factory=set)
    _known: dict[tuple[t.Expr, int], Value] = field(default_factory=dict)
    _created: dict[tuple[t.Expr, int], list[Located]] = field(default_factory=dict)
    _bindings: dict[tuple[str, str], list[Located]] = field(default_factory=dict)
    _bound: Env = field(default_factory=dict)
    bound_scopes: frozenset[int] = frozenset()
    """The `id` of each scope in which a name is bound."""
    told_apart: set[int] = field(default_factory=set)
    """The `id` of the calls of factories, each of which makes another thing of its own."""

    # --- what `values` does

    def text(self, expr: t.Expr | None, scope: Scope) -> str | None:
        """The text that an expression is worth."""
        raise NotImplementedError

    def decided(self, test: t.Expr, scope: Scope) -> bool | None:
        """The outcome of a test that the code itself settles."""
        raise NotImplementedError

    # --- under which bindings

    @contextlib.contextmanager
    def within(self, env: Env) -> Iterator[None]:
        """Evaluate with these names bound: in one call of a function, one turn of a loop."""
        if not env:
            yield
            return
        saved = self._bound, self._busy, self._known, self._created, self._bindings
        scopes = self.bound_scopes
        self._bound = {**self._bound, **env}
        self.bound_scopes = scopes | {scope for scope, _ in env}
        self._busy, self._known, self._created, self._bindings = set(), {}, {}, {}
        try:
            yield
        finally:
            self._bound, self._busy, self._known, self._created, self._bindings = saved
            self.bound_scopes = scopes

    def tell_apart(self, calls: Iterable[CallSite]) -> None:
        """From here on each of these calls is the source of what it gives."""
        self.told_apart |= {id(call.node) for call in calls}
        self._created.clear()

    def running(self, scope: Scope) -> CallSite | None:
        """The call that runs a function just now, where that is told."""
        call = self._bound.get(call_of(scope))
        return CallSite(call.node, call.scope) if call is not None else None  # type: ignore[arg-type]

    def is_bound(self, test: t.Expr, scope: Scope) -> bool:
        """Whether a test is about something that is bound just now."""
        for node in t.walk_own(test) if self._bound else ():
            if isinstance(node, t.Name) and (found := self.code.find(node.id, scope)):
                if (id(found[0]), node.id) in self._bound:
                    return True
        return False

    def handed(self, name: t.Name, scope: Scope) -> list[Located]:
        """As `origins`, but as it came where what is bound just now is made anew: not in a loop, whose turns tell two."""
        found = self.code.find(name.id, scope)
        bound = self._bound.get((id(found[0]), name.id)) if found is not None else None
        owner = found[0].owner if found is not None else None
        if bound is None or bound.node is name or not isinstance(owner, t.Function):
            return self.origins(name, scope)
        again = [b.node.line for b in found[1] if not isinstance(b.node, t.Param)]  # type: ignore[index]
        loops = (
            [n for n in t.walk_own(*owner.body) if isinstance(n, t.For | t.While)] if again else []
        )
        turned = any(n.line <= line <= n.end_line for n in loops for line in again)
        return self.origins(name, scope) if turned else [bound]

    def _is_bound(self, expr: t.Expr, scope: Scope) -> bool:
        """Whether a name is bound to a function or class of the tree."""
        if not self._bound or not isinstance(expr, t.Name):
            return False
        return any(
            self.code.definition(self.code.name(s.node, s.scope)) is not None
            for s in self.origins(expr, scope)
            if isinstance(s.node, t.Name | t.Attr)
        )

    # --- one step back

    def origins(self, expr: t.Expr, scope: Scope) -> list[Located]:
        """The expressions that a name or attribute was assigned from, within this tree."""
        match expr:
            case t.Name(id=name):
                found = self.code.find(name, scope)
                if found is None:
                    if bound := self._bound.get((id(scope), name)):
                        return [bound]
                    if defined := self._module_origins(self.code.name(expr, scope)):
                        return defined
                    star = self.code.bound_through_star(name, scope.module)
                    return self._module_binding(star, name) if star else []
                where, bindings = found
                if bound := self._bound.get((id(where), name)):
                    remade = _remade(name, bindings)
                    if remade and not any(n is expr for r in remade for n in t.walk_own(r)):
                        return [Located(each, where) for each in remade]
                    return [bound] if bound.node is not expr else []
                values = [
                    Located(b.part, where)
                    for b in bindings
                    if b.kind == "value" and b.part is not None and not getattr(b.node, "op", "")
                ]
                known = [v for v in values if not _is_nothing(v.node)]
                if known:
                    return values
                for binding in bindings:  # an import that may fail stands beside `name = None`
                    if binding.kind == "import":
                        if origin := self._imported_origins(binding.target, where):
                            return [*values, *origin]
                if values:
                    return values
                for binding in bindings:
                    if binding.kind == "parameter" and binding.value is not None:
                        return [Located(binding.value, where)]
            case t.Attr(value=base, name=name):
                if own := self.bound_class(base, scope):
                    given = self._bound.get(instance_attribute(own, name))
                    return [given] if given else self._class_origins(own, name)
                if isinstance(base, t.Name) and self.is_bound(base, scope):
                    if (given_it := self._given_field(base, scope, name)) is not None:
                        return given_it
                owner = self._owner(base, scope)
                if owner.startswith("module:"):
                    return self._module_binding(owner[7:], name)
                found_class = self.code.definition(owner.removesuffix("()"))
                if found_class is not None and isinstance(found_class.node, t.Class):
                    if (given_it := self._given_field(base, scope, name)) is not None:
                        return given_it
                    return self._class_origins(found_class, name)
        return []

    def _owner(self, base: t.Expr, scope: Scope, depth: int = 4) -> str:
        """The name of an object: of one that is handed just now to a parameter without a type, of what is handed."""
        if isinstance(base, t.Name) and depth and self.is_bound(base, scope):
            binding = self.code.find(base.id, scope)[1][0].node  # type: ignore[index]
            handed = self.origins(base, scope)
            if handed and isinstance(binding, t.Param) and binding.annotation is None:
                owners = (self._owner(x.node, x.scope, depth - 1) for x in handed)  # type: ignore[arg-type]
                return next(filter(None, owners), "")
        return self.code.name(base, scope)

    def bound_class(self, expr: t.Expr, scope: Scope) -> Located | None:
        """The class that `self` is an instance of, where it is bound."""
        if self._bound and isinstance(expr, t.Name) and (found := self.code.find(expr.id, scope)):
            bound = self._bound.get((id(found[0]), expr.id))
            if bound is not None and isinstance(bound.node, t.Class):
                return bound
        return None

    def bound(self, expr: t.Expr, scope: Scope, depth: int = 0) -> Located | None:
        """The class of the tree that an expression is bound to: `self.model`, where it was given."""
        if own := self.bound_class(expr, scope):
            return own
        if isinstance(expr, t.Call) and t.dotted(expr.func) == "type" and expr.args and depth < 6:
            return self.bound(expr.args[0], scope, depth + 1)
        found = self.code.definition(self._owner(expr, scope).removesuffix("()"))
        if found is not None and isinstance(found.node, t.Class):
            return found
        for origin in self.origins(expr, scope) if depth < 6 else ():
            if isinstance(origin.node, t.Class):
                return origin
            if origin.node is not expr and isinstance(origin.node, t.Name | t.Attr):
                if found := self.bound(origin.node, origin.scope, depth + 1):
                    return found
        return None

    def method(self, expr: t.Expr, scope: Scope) -> Located | None:
        """The function or class of the tree that `expr` names; `self.x` by its bound class."""
        if isinstance(expr, t.Attr) and (own := self.bound_class(expr.value, scope)):
            for ancestor in self.code.ancestry(own):
                if found := self.code.definition(f"{ancestor}.{expr.name}"):
                    return found
        return self.code.defined(expr, scope)

    def attribute(self, found: Located, name: str) -> list[Located]:
        """The expressions that a class of the tree assigns to its attribute, bases included."""
        return self._class_origins(found, name)

    # --- to what creates it

    def sources(self, expr: t.Expr | None, scope: Scope, depth: int = 0) -> list[Located]:
        """The expressions that create what `expr` stands for.

        Names, attributes, awaited values, parameters (through the calls of their function), loop
        variables over literal sequences and what functions of the tree return are followed.
        """
        if expr is None or depth > _MAX_DEPTH:
            return []
        key = (expr, id(scope))
        if key not in self._created:
            self._created[key] = []  # a cycle ends here
            self._created[key] = self._sources(expr, scope, depth)
        return self._created[key]

    def _sources(self, expr: t.Expr, scope: Scope, depth: int) -> list[Located]:
        found: list[Located] = []
        match expr:
            case t.Name() | t.Attr():
                origins = self.origins(expr, scope) or self._passed(expr, scope)
                for origin in origins:
                    if origin.node is not expr:
                        found += self.sources(origin.node, origin.scope, depth + 1)  # type: ignore[arg-type]
                return _distinct(found) or [Located(expr, scope)]
            case t.Await(value=value) | t.Bind(value=value):
                return self.sources(value, scope, depth + 1)
            case t.Choice(test=test, then=then, other=other):
                decided = self.decided(test, scope)
                if decided is not None:
                    return self.sources(then if decided else other, scope, depth + 1)
                return self.sources(then, scope, depth + 1) + self.sources(other, scope, depth + 1)
            case t.Item(value=base, index=index) if (key := self.text(index, scope)) is not None:
                for source in self.sources(base, scope, depth + 1):
                    if isinstance(source.node, t.Map):
                        for name, value in zip(source.node.keys, source.node.values, strict=True):
                            if name is not None and self.text(name, source.scope) == key:
                                found += self.sources(value, source.scope, depth + 1)
                return _distinct(found) or [Located(expr, scope)]
            case t.Item(value=base, index=t.Const(value=int(at))) if (
                at >= 0
            ):  # what a call leaves for `*args`, too
                for source in self.sources(base, scope, depth + 1):
                    if isinstance(source.node, t.Seq) and source.node.kind == "tuple":
                        items = source.node.items[: at + 1]
                        if len(items) > at and not any(isinstance(x, t.Star) for x in items):
                            found += self.sources(items[at], source.scope, depth + 1)
                return _distinct(found) or [Located(expr, scope)]
            case t.Call(func=func) if id(expr) not in self.told_apart:
                function = self.code.defined(func, scope)
                if function is not None and isinstance(function.node, t.Function):
                    inner = self.code.inside(function)
                    for node in t.walk_own(*function.node.body):
                        if isinstance(node, t.Return | t.Yield) and node.value is not None:
                            if (given := self._handed_back(node.value, inner, expr)) is not None:
                                found += self.sources(given, scope, depth + 1)
                            else:
                                found += self.sources(node.value, inner, depth + 1)
                    return _distinct(found) or [Located(expr, scope)]
        return [Located(expr, scope)]

    def _handed_back(self, returned: t.Expr, inner: Scope, call: t.Call) -> t.Expr | None:
        """What a call has passed for the parameter that its function returns: `timed(blueprint)`."""
        if not isinstance(returned, t.Name) or not isinstance(inner.owner, t.Function):
            return None
        bindings = inner.bindings.get(returned.id, ())
        if len(bindings) != 1 or bindings[0].kind != "parameter":
            return None
        position = inner.owner.params.index(bindings[0].node)  # type: ignore[arg-type]
        return CallSite(call, inner).arg(position, returned.id)

    def _passed(self, expr: t.Expr, scope: Scope) -> list[Located]:
        """What the calls of a function pass for its parameter; the items a loop variable takes."""
        if not isinstance(expr, t.Name) or (found := self.code.find(expr.id, scope)) is None:
            return []
        where, bindings = found
        passed: list[Located] = []
        for binding in bindings:
            if binding.kind == "element" and binding.value is not None:
                for source in self.sources(binding.value, where, 8):
                    for item in source.node.items if isinstance(source.node, t.Seq) else []:
                        part = item
                        if binding.index is not None and isinstance(item, t.Seq):
                            part = item.items[min(binding.index, len(item.items) - 1)]
                        passed.append(Located(part, source.scope))
            elif binding.kind == "parameter" and isinstance(where.owner, t.Function):
                position = where.owner.params.index(binding.node)  # type: ignore[arg-type]
                name = f"{where.module.path}:{where.qualname}"
                position -= where.owner.params[0].name in ("self", "cls")
                for site in self.code.calls(name) if position >= 0 else ():
                    if (given := site.arg(position, expr.id)) is not None:
                        passed.append(Located(given, site.scope))
        return passed

    def given(self, site: CallSite, position: int | None, name: str) -> Located | None:
        """What a call passes at a position or by a name, also in a dict that it spreads: `**options`."""
        if (given := site.arg(position, name)) is not None:
            return Located(given, site.scope)
        for spread in site.node.keywords:
            if spread.name is None:
                for source in self.sources(spread.value, site.scope):
                    if found := self.entry(source, name):
                        return found
        return None

    def entry(self, found: Located, key: str, depth: int = 4) -> Located | None:
        """What stands under a key of a dict display, those that it spreads included."""
        if not isinstance(found.node, t.Map) or not depth:
            return None
        pairs = list(zip(found.node.keys, found.node.values, strict=True))
        for name, value in reversed(pairs):
            if name is None:
                for source in self.sources(value, found.scope):
                    if below := self.entry(source, key, depth - 1):
                        return below
            elif isinstance(name, t.Const) and name.value == key:
                return Located(value, found.scope)
        return None

    # --- attributes and modules

    def _given_field(self, base: t.Expr, scope: Scope, name: str) -> list[Located] | None:
        """What the call that makes an object passes for its field; nothing where that is not told.

        The default in the class of `Payload(**claims)` says nothing of this one.
        """
        for made in [Located(base, scope), *self.origins(base, scope)]:
            if isinstance(made.node, t.Call):
                position = self._field_position(made.node, made.scope, name)
                if (given := argument(made.node, position, name)) is not None:
                    return [Located(given, made.scope)]
                if any(keyword.name is None for keyword in made.node.keywords):
                    return []
        return None

    def _field_position(self, made: t.Call, scope: Scope, name: str) -> int | None:
        """Where a call passes what an attribute of its object holds, by its constructor or fields."""
        found = self.code.defined(made.func, scope)
        if not made.args or found is None or not isinstance(found.node, t.Class):
            return None
        fields: list[str] = []
        for stmt in found.node.body:
            match stmt:
                case t.Function(name="__init__", params=params):
                    fields = [p.name for p in params[1:]]
                    break
                case t.Assign(targets=[t.Name(id=field)]) if stmt.annotation is not None:
                    fields.append(field)
        return fields.index(name) if name in fields else None

    def _class_origins(self, found: Located, name: str) -> list[Located]:
        for ancestor in self.code.ancestry(found):
            definition = self.code.definition(ancestor)
            if definition is None:
                continue
            inner = self.code.inside(definition)
            values = [
                Located(b.value, inner)
                for b in inner.bindings.get(name, ())
                if b.kind == "value" and b.value is not None
            ]
            if all(_is_nothing(v.node) for v in values):  # `leads = None`, until a method sets it
                values += self.code.attribute_values(definition, name)
            if values := values or self._property(inner, name):
                return values
        return []

    def _imported_origins(self, target: str, scope: Scope) -> list[Located]:
        owner, _, name = target.rpartition(".")
        if not owner.strip("."):
            owner += "."  # `from . import name`
        module = self.code.module_of(owner, scope)
        return self._module_binding(module.path, name) if module else []

    def _module_origins(self, name: str) -> list[Located]:
        path, _, member = name.partition(":")
        return self._module_binding(path, member) if path in self.code.modules else []

    def _module_binding(self, path: str, name: str) -> list[Located]:
        key = (path, name)
        if key not in self._bindings:
            self._bindings[key] = []  # modules that import each other end here
            module = self.code.modules[path]
            if name in module.scope.bindings:
                self._bindings[key] = self.origins(named(name), module.scope)
            elif star := self.code.bound_through_star(name, module):  # it only hands the name on
                self._bindings[key] = self._module_binding(star, name)
        return self._bindings[key]

    def _property(self, kind: Scope, name: str) -> list[Located]:
        """What a property of a class returns."""
        if name not in self.code.properties:
            return []
        for binding in kind.bindings.get(name, ()):
            if isinstance(binding.node, t.Function):
                inner = self.code.inside(Located(binding.node, kind))
                returned = [
                    n.value for n in t.walk_own(*binding.node.body) if isinstance(n, t.Return)
                ]
                return [Located(value, inner) for value in returned if value is not None]
        return []


def _remade(name: str, bindings: Iterable[Binding]) -> list[t.Expr]:
    """What a variable is made of itself anew: `prefix = prefix.strip("/")`."""
    return [
        b.part
        for b in bindings
        if b.kind == "value"
        and b.part is not None
        and any(isinstance(n, t.Name) and n.id == name for n in t.walk_own(b.part))
    ]


def _distinct(found: list[Located]) -> list[Located]:
    return list({each.key: each for each in found}.values())


def _is_nothing(node: t.Node) -> bool:
    return isinstance(node, t.Const) and node.value is None
