"""Modules, scopes and places: what the names of one file are bound to.

Meaning across files is told by `names`.
"""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import msgspec

from auditor.extract.python import tree as t
from auditor.model.places import Place

Definition = t.Function | t.Class


@dataclass(eq=False, slots=True)
class Module:
    """One Python file: its path relative to the root, and its statements."""

    path: str
    body: list[t.Stmt]
    scope: Scope = field(init=False)
    scopes: dict[int, Scope] = field(init=False, default_factory=dict)
    """The scope that each function and class opens, by `id` of its node."""

    def __post_init__(self) -> None:
        self.scope = Scope(self, None, None)


class Binding(msgspec.Struct, frozen=True):
    """One way in which a scope gives a name a meaning.

    `kind` is definition, import, value, element (of an iterable), context (of a `with`),
    parameter or other; `value` is the expression behind it; `index` its place in an unpacking.
    """

    kind: str
    node: t.Node
    value: t.Expr | None = None
    index: int | None = None
    target: str = ""

    @property
    def part(self) -> t.Expr | None:
        """The expression itself, or the one at its place when a display is unpacked."""
        if self.index is None:
            return self.value
        match self.value:
            case t.Seq(items=items) if self.index < len(items):
                return items[self.index]
        return None


@dataclass(eq=False)
class Scope:
    """A module, class or function body and the names it binds."""

    module: Module
    owner: t.Function | t.Class | t.Lambda | None
    parent: Scope | None
    walruses: list[t.Bind] = field(default_factory=list)
    """`name := value` anywhere in it."""

    @functools.cached_property
    def bindings(self) -> dict[str, list[Binding]]:
        found: dict[str, list[Binding]] = defaultdict(list)
        match self.owner:
            case None:
                body = self.module.body
            case t.Lambda():
                body = []
            case _:
                body = self.owner.body
        if isinstance(self.owner, t.Function | t.Lambda):
            for param in self.owner.params:
                found[param.name].append(Binding("parameter", param, param.default))
        _collect(body, found)
        for walrus in self.walruses:
            _collect_target(walrus.target, Binding("value", walrus, walrus.value), found)
        return dict(found)

    @property
    def qualname(self) -> str:
        outer = self.parent.qualname if self.parent else ""
        name = getattr(self.owner, "name", "<lambda>") if self.owner else ""
        return f"{outer}.{name}" if outer and name else outer or name

    @property
    def function(self) -> t.Function | None:
        """The nearest enclosing function."""
        scope: Scope | None = self
        while scope and not isinstance(scope.owner, t.Function):
            scope = scope.parent
        return scope.owner if scope and isinstance(scope.owner, t.Function) else None

    @property
    def of_class(self) -> Scope | None:
        """The nearest scope, this one included, that is the body of a class."""
        scope: Scope | None = self
        while scope is not None and not isinstance(scope.owner, t.Class):
            scope = scope.parent
        return scope


def _collect(body: Iterable[t.Stmt], found: dict[str, list[Binding]]) -> None:
    for stmt in body:
        match stmt:
            case t.Function() | t.Class():
                found[stmt.name].append(Binding("definition", stmt))
            case t.Import():
                _collect_import(stmt, found)
            case t.Assign(value=value) if value is not None:
                for target in stmt.targets:
                    _collect_target(target, Binding("value", stmt, value), found)
            case t.Assign():
                for target in stmt.targets:
                    _collect_target(target, Binding("other", stmt), found)
            case t.For():
                _collect_target(stmt.target, Binding("element", stmt, stmt.iter), found)
                _collect(stmt.body, found)
                _collect(stmt.orelse, found)
            case t.If() | t.While():
                _collect(stmt.body, found)
                _collect(stmt.orelse, found)
            case t.With():
                for context, target_of in zip(stmt.contexts, stmt.targets, strict=True):
                    if target_of is not None:
                        _collect_target(target_of, Binding("context", stmt, context), found)
                _collect(stmt.body, found)
            case t.Try():
                _collect_attempt(stmt, found)
            case t.Match():
                for case in stmt.cases:
                    for name in case.names:
                        found[name].append(Binding("other", stmt))
                    _collect(case.body, found)


def _collect_attempt(stmt: t.Try, found: dict[str, list[Binding]]) -> None:
    """The last binding of a name counts, but not that of a stand-in for what could not be imported.

    `try: from .auth import login_required` / `except ImportError: def login_required(view): …`
    """
    tried: dict[str, list[Binding]] = defaultdict(list)
    instead: dict[str, list[Binding]] = defaultdict(list)
    _collect(stmt.body, tried)
    for handler in stmt.handlers:
        if handler.name:
            instead[handler.name].append(Binding("other", handler))
        _collect(handler.body, instead)
    for name in {**tried, **instead}:
        first, second = tried[name], instead[name]
        imported = any(b.kind == "import" for b in first)
        if imported and all(b.kind != "import" for b in second):
            first, second = second, first
        found[name] += [*first, *second]
    _collect(stmt.orelse, found)
    _collect(stmt.final, found)


def _collect_import(stmt: t.Import, found: dict[str, list[Binding]]) -> None:
    for name, alias in stmt.names:
        if stmt.module:
            dots = stmt.module if stmt.module.endswith(".") else stmt.module + "."
            found[alias or name].append(Binding("import", stmt, target=dots + name))
        elif alias:
            found[alias].append(Binding("import", stmt, target=name))
        else:
            found[name.split(".")[0]].append(Binding("import", stmt, target=name.split(".")[0]))


def _collect_target(target: t.Expr, binding: Binding, found: dict[str, list[Binding]]) -> None:
    match target:
        case t.Name(id=name):
            found[name].append(binding)
        case t.Seq(items=items):
            for index, item in enumerate(items):
                inner = item.value if isinstance(item, t.Star) else item
                match binding.value:
                    case t.Choice(then=t.Seq(items=some), other=t.Seq(items=others)) as choice if (
                        len(some) == len(others) == len(items)
                    ):  # `where, given = ("WHERE …", [x]) if x else ("", [])`
                        at = (choice.line, choice.column, choice.end_line)
                        value = t.Choice(*at, choice.test, some[index], others[index])
                        part = Binding(binding.kind, binding.node, value)
                    case value:
                        part = Binding(binding.kind, binding.node, value, index)
                _collect_target(inner, part, found)


class Located(msgspec.Struct, frozen=True, eq=False):
    """An expression or definition together with the scope that gives its names their meaning."""

    node: t.Node
    scope: Scope

    @property
    def path(self) -> str:
        return self.scope.module.path

    @property
    def key(self) -> tuple[str, int, int]:
        """Identity of the place, for sets and dictionaries."""
        return self.path, self.node.line, self.node.column

    @property
    def of_class(self) -> Located | None:
        """The class whose method a function is."""
        owner, around = self.scope.owner, self.scope.parent
        return Located(owner, around) if isinstance(owner, t.Class) and around is not None else None


class CallSite(Located, frozen=True, eq=False):
    """One call, with what is known of its surroundings."""

    node: t.Call

    def arg(self, position: int | None, *names: str) -> t.Expr | None:
        return argument(self.node, position, *names)

    @property
    def function(self) -> t.Function | None:
        return self.scope.function


def place_of(found: Located, symbol: str = "") -> Place:
    node = found.node
    name = symbol or found.scope.qualname
    return Place(found.path, node.line, node.column, node.end_line, name)


@functools.cache
def named(name: str) -> t.Name:
    """A name as it would be written. One node for each: what a node stands for is kept by its id."""
    return t.Name(1, 1, 1, name)


def argument(call: t.Call, position: int | None, *names: str) -> t.Expr | None:
    """The argument at `position`, or by one of its names; None where it is not given."""
    for keyword in call.keywords:
        if keyword.name in names:
            return keyword.value
    if position is not None and 0 <= position < len(call.args):
        if not any(isinstance(arg, t.Star) for arg in call.args[: position + 1]):
            return call.args[position]
    return None


def arguments(call: t.Call) -> list[t.Expr]:
    """All that a call passes, by position and by name."""
    return [*call.args, *(k.value for k in call.keywords)]


def scoped(module: Module) -> Iterator[tuple[t.Node, Scope]]:
    """Every node of a module with the scope its names are looked up in."""
    stack: list[tuple[t.Node, Scope]] = [(node, module.scope) for node in reversed(module.body)]
    while stack:
        node, scope = stack.pop()
        yield node, scope
        match node:
            case t.Function():
                inner = Scope(module, node, scope)
                module.scopes[id(node)] = inner
                stack.extend((x, inner) for x in reversed(node.body))
                outer = [*node.decorators, *node.params]
                if node.returns is not None:
                    outer.append(node.returns)
                stack.extend((x, scope) for x in reversed(outer))
            case t.Class():
                inner = Scope(module, node, scope)
                module.scopes[id(node)] = inner
                stack.extend((x, inner) for x in reversed(node.body))
                outer = [*node.decorators, *node.bases, *(k.value for k in node.keywords)]
                stack.extend((x, scope) for x in reversed(outer))
            case t.Lambda():
                inner = Scope(module, node, scope)
                module.scopes[id(node)] = inner
                stack.append((node.body, inner))
                stack.extend((x, scope) for x in reversed(node.params))
            case _:
                stack.extend((x, scope) for x in reversed(t.children(node)))
