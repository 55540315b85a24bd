"""What a name means: modules, scopes and symbols across all Python files of the tree.

Every expression has a *canonical name*, in one notation for all code:

| source (after its imports)                  | canonical name                                   |
|---------------------------------------------|--------------------------------------------------|
| `Depends`, `fastapi.Depends`                | `fastapi.Depends`                                |
| `app.include_router` (`app = FastAPI()`)    | `fastapi.FastAPI().include_router`               |
| `request.json` (`request: Request`)         | `fastapi.Request().json`                         |
| `client["x"].leads.find`                    | `pymongo.MongoClient()[].leads.find`             |
| `verify` (defined in this tree)             | `backend/auth.py:verify`                         |
| a method of a class of this tree            | `backend/auth.py:Guard.check`                    |

A call adds `()`, a subscript `[]`, an awaited value is the value. Variables, parameters'
annotations, re-exports, class attributes, `self.x = …` and what a function of the tree returns are
followed. An empty name means that it could not be told.
"""

from __future__ import annotations

import builtins
import functools
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TypeVar

import msgspec

from auditor.extract.python import tree as t
from auditor.link.stars import starred

Definition = t.Function | t.Class
_BUILTINS = frozenset(dir(builtins))
_MAX_DEPTH = 24
_MAX_ACTIVE = 80
"""Questions that may wait for each other: frameworks that fill parameters ask anew."""
_MAX_STEPS = 3000
"""Steps one question may take before what was cut short counts as told, against hostile code."""
N = TypeVar("N", bound=t.Node)


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
                _collect(stmt.body, found)
                for handler in stmt.handlers:
                    if handler.name:
                        found[handler.name].append(Binding("other", handler))
                    _collect(handler.body, found)
                _collect(stmt.orelse, found)
                _collect(stmt.final, found)
            case t.Match():
                for case in stmt.cases:
                    for name in case.names:
                        found[name].append(Binding("other", stmt))
                    _collect(case.body, found)


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
                part = Binding(binding.kind, binding.node, binding.value, index)
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


class CallSite(Located, frozen=True, eq=False):
    """One call, with what is known of its surroundings."""

    node: t.Call

    def arg(self, position: int | None, *names: str) -> t.Expr | None:
        return argument(self.node, position, *names)

    @property
    def function(self) -> t.Function | None:
        return self.scope.function


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


class Code:
    """All Python of the tree, and the questions that can be asked of it."""

    def __init__(self, modules: Iterable[Module]) -> None:
        self.modules = {module.path: module for module in modules}
        self.fillers: list[Callable[[t.Param, Scope], str]] = []
        """How frameworks fill parameters: (parameter, its function's scope) -> canonical name."""
        self._names: dict[tuple[int, int], str] = {}
        self._members: dict[tuple[str, str], str] = {}
        self._stars: dict[tuple[str, str], str] = {}
        self._cut = False
        self._steps = 0
        self._active = 0
        self._nodes = {id(m): list(_scoped(m)) for m in self.modules.values()}
        self._by_kind: dict[type, list[Located]] = defaultdict(list)
        self._calls: dict[str, list[CallSite]] = defaultdict(list)
        for nodes in self._nodes.values():
            for node, scope in nodes:
                if type(node) is t.Call:
                    self._calls[t.last_word(node.func)].append(CallSite(node, scope))
                elif type(node) in _INDEXED:
                    self._by_kind[type(node)].append(Located(node, scope))
                elif isinstance(node, t.Bind):
                    scope.walruses.append(node)
        self._defined = [
            found
            for nodes in self._nodes.values()
            for found in (Located(n, s) for n, s in nodes if type(n) in (t.Function, t.Class))
        ]
        self._definitions = {
            f"{found.path}:{self._qualname(found.node, found.scope)}": found  # type: ignore[arg-type]
            for found in self._defined
        }  # of several with one name, the last holds it

    # --- enumeration

    def nodes(self, module: Module) -> list[tuple[t.Node, Scope]]:
        """Every node of a module in source order, each with its scope."""
        return self._nodes[id(module)]

    def of_kind(self, kind: type[N]) -> Iterator[tuple[N, Scope]]:
        """Every node of one of the kinds that are asked for often, with its scope."""
        assert kind in _INDEXED
        return ((found.node, found.scope) for found in self._by_kind[kind])  # type: ignore[misc]

    def all_calls(self) -> Iterator[CallSite]:
        return (site for sites in self._calls.values() for site in sites)

    def functions(self) -> Iterator[Located]:
        """All functions, also those whose name another one takes over."""
        return (found for found in self._defined if isinstance(found.node, t.Function))

    def classes(self) -> Iterator[Located]:
        return (found for found in self._defined if isinstance(found.node, t.Class))

    def calls(self, *names: str) -> Iterator[CallSite]:
        """Calls whose callee has one of these canonical names, in stable order."""
        wanted = set(names)
        for last in sorted({_last_of_name(name) for name in wanted}):
            for site in self._calls_named(last):
                if self.name(site.node.func, site.scope) in wanted:
                    yield site

    def with_callees(self, function: Located, depth: int) -> list[Located]:
        """A function and the functions of the tree that it calls, so many levels down, each once."""
        found = {id(function.node): function}
        level = [function]
        for _ in range(depth):
            callees = [callee for each in level for callee in self._callees(each)]
            level = [callee for callee in callees if id(callee.node) not in found]
            found |= {id(callee.node): callee for callee in level}
        return list(found.values())

    def _callees(self, function: Located) -> Iterator[Located]:
        assert isinstance(function.node, t.Function)
        inner = self.inside(function)
        for node in t.walk_own(*function.node.body):
            if isinstance(node, t.Call):
                callee = self.defined(node.func, inner)
                if callee is not None and isinstance(callee.node, t.Function):
                    yield callee

    def method_calls(self, *names: str) -> Iterator[CallSite]:
        """Calls of any attribute or function with one of these plain names."""
        for name in names:
            yield from self._calls.get(name, ())

    @functools.cached_property
    def _words(self) -> set[str]:
        """Every plain name that something of the tree may be called by."""
        words = {found.node.name for found in self._defined}  # type: ignore[attr-defined]
        for imported, _ in self.of_kind(t.Import):
            words.update(alias for _, alias in imported.names if alias)
        for assign, _ in self.of_kind(t.Assign):
            if isinstance(assign.value, t.Name | t.Attr | t.Call):
                for target in assign.targets:
                    words.add(t.last_word(target))
        return words

    def _calls_named(self, last: str) -> list[CallSite]:
        """Calls spelt with this last word, or with an alias that imports it."""
        return [*self._calls.get(last, ()), *self._aliased.get(last, ())]

    @functools.cached_property
    def _aliased(self) -> dict[str, list[CallSite]]:
        """Calls through a renaming: `from fastapi import Depends as D`, `get = client.get`."""
        found: dict[str, list[CallSite]] = defaultdict(list)
        renamed: dict[str, set[str]] = defaultdict(set)
        for imported, _ in self.of_kind(t.Import):
            for name, alias in imported.names:
                if alias and alias != name:
                    renamed[alias].add(name.split(".")[-1])
        for assign, _ in self.of_kind(t.Assign):
            if isinstance(assign.value, t.Name | t.Attr):
                for target in assign.targets:
                    if isinstance(target, t.Name) and target.id != t.last_word(assign.value):
                        renamed[target.id].add(t.last_word(assign.value))
        for alias, originals in renamed.items():
            for original in sorted(originals):
                found[original].extend(self._calls.get(alias, ()))
        return found

    # --- names

    def decorated(self, call: t.Call) -> Located | None:
        """The function that a call decorates."""
        return self._decorated.get(id(call))

    @functools.cached_property
    def _decorated(self) -> dict[int, Located]:
        return {id(d): f for f in self.functions() for d in f.node.decorators}  # type: ignore[attr-defined]

    def definition(self, name: str) -> Located | None:
        """The function or class of the tree with this canonical name."""
        return self._definitions.get(name)

    def own_name(self, found: Located) -> str:
        """The canonical name of a function or class of the tree."""
        return f"{found.path}:{self._qualname(found.node, found.scope)}"  # type: ignore[arg-type]

    def methods_named(self, name: str) -> list[Located]:
        """Every method of this plain name, whatever its class."""
        return self._methods.get(name, [])

    @functools.cached_property
    def _methods(self) -> dict[str, list[Located]]:
        found: dict[str, list[Located]] = defaultdict(list)
        for each in self.functions():
            if isinstance(each.scope.owner, t.Class):
                found[each.node.name].append(each)  # type: ignore[attr-defined]
        return found

    def definitions_in(self, path: str) -> list[tuple[str, Located]]:
        """(canonical name, definition) of everything a module defines."""
        return [(n, f) for n, f in self._definitions.items() if f.path == path]

    def defined(self, expr: t.Expr, scope: Scope) -> Located | None:
        """The function or class of the tree that `expr` refers to."""
        if isinstance(expr, t.Attr) and expr.name not in self._words:
            return None  # most attributes are nobody's function here; spares naming them
        return self._definitions.get(self.name(expr, scope))

    def name(self, expr: t.Expr | None, scope: Scope, depth: int = 0) -> str:
        """The canonical name of `expr` as seen from `scope`; empty where it cannot be told."""
        if expr is None:
            return ""
        key = (id(expr), id(scope))
        known = self._names.get(key)
        if known is not None:
            return known
        if self._active == 0:
            self._steps = 0
        self._steps += 1
        if depth > _MAX_DEPTH or self._active > _MAX_ACTIVE:
            self._cut = True
            return ""
        cut_before, self._cut = self._cut, False
        self._names[key] = ""  # a cycle ends here
        self._active += 1
        try:
            name = self._name(expr, scope, depth + 1)
        finally:
            self._active -= 1
        if name or not self._cut or self._steps > _MAX_STEPS:
            self._names[key] = name
        else:
            del self._names[key]  # from a shorter way it may be told yet
        self._cut = cut_before or self._cut
        return name

    def _name(self, expr: t.Expr, scope: Scope, depth: int) -> str:
        match expr:
            case t.Name(id=name):
                return self._lookup(name, scope, depth)
            case t.Attr(value=t.Call(func=t.Name(id="super")), name=name):
                return self._inherited(name, scope, depth)
            case t.Attr(value=value, name=name):
                base = self.name(value, scope, depth)
                if base.rpartition(".")[2] in self._namespaces:
                    below = self._imported(f"{base}.{name}", scope.module, depth)
                    if below.startswith("module:"):
                        return below
                return self._member(base, name, depth)
            case t.Call(func=t.Item(value=func)) if t.dotted(func).rpartition(".")[2][:1].isupper():
                return self.result(self.name(func, scope, depth), depth)  # Repository[User](…)
            case t.Call(func=func):
                return self.result(self.name(func, scope, depth), depth)
            case t.Item(value=value, index=index):
                return self._item(value, index, scope, depth)
            case t.Await(value=value) | t.Bind(value=value):
                return self.name(value, scope, depth)
            case t.BoolOp(values=values):
                return next(filter(None, (self.name(v, scope, depth) for v in values)), "")
            case t.Choice(then=then, other=other):
                return self.name(then, scope, depth) or self.name(other, scope, depth)
            case t.BinOp(op="|", left=left, right=right):  # an optional type, `X | None`
                return self.name(left, scope, depth) or self.name(right, scope, depth)
            case t.Const(value=str(text)) if text.isidentifier():  # a quoted annotation
                return self._lookup(text, scope, depth)
        return ""

    def _inherited(self, name: str, scope: Scope, depth: int) -> str:
        """`super().name`: the attribute of the next class that has it."""
        here: Scope | None = scope
        while here is not None and not isinstance(here.owner, t.Class):
            here = here.parent
        if here is None or here.parent is None or depth > _MAX_DEPTH:
            return ""
        assert isinstance(here.owner, t.Class)
        bases = self.ancestry(Located(here.owner, here.parent))[1:]
        found = next((b for b in bases if f"{b}.{name}" in self._definitions), None)
        return f"{found or (bases[0] if bases else 'builtins.super()')}.{name}"

    def _item(self, value: t.Expr, index: t.Expr, scope: Scope, depth: int) -> str:
        base = self.name(value, scope, depth)
        match base.rpartition(".")[2]:
            case "Annotated" if isinstance(index, t.Seq) and index.items:
                return self.name(index.items[0], scope, depth)
            case "Optional":
                return self.name(index, scope, depth)
            case "Generator" | "AsyncGenerator" | "Iterator" | "AsyncIterator":
                first = index.items[0] if isinstance(index, t.Seq) and index.items else index
                return self.name(first, scope, depth)
            case "Type" | "type" | "List" | "list" | "Dict" | "dict":
                return base
        generic = self._definitions.get(base)
        if generic is not None and isinstance(generic.node, t.Class):
            return base
        return f"{base}[]" if base else ""

    def find(self, name: str, scope: Scope) -> tuple[Scope, list[Binding]] | None:
        """The nearest scope that binds `name`, by Python's rules, and how it does."""
        here: Scope | None = scope
        while here is not None:
            if here is scope or not isinstance(here.owner, t.Class):
                if bindings := here.bindings.get(name):
                    return here, bindings
            here = here.parent
        return None

    def _lookup(self, name: str, scope: Scope, depth: int) -> str:
        found = self.find(name, scope)
        if found is None:
            if meaning := self._starred(scope.module, name, depth):
                return meaning
            return (
                f"builtins.{name}"
                if name in _BUILTINS
                else self._of_packages(scope.module, name, depth)
            )
        where, bindings = found
        for binding in reversed(bindings):
            if meaning := self._bound(binding, where, depth):
                return meaning
        return ""

    def _bound(self, binding: Binding, scope: Scope, depth: int) -> str:
        depth += 1
        if depth > _MAX_DEPTH:
            return ""
        match binding.kind:
            case "definition":
                assert isinstance(binding.node, Definition)
                return f"{scope.module.path}:{self._qualname(binding.node, scope)}"
            case "import":
                return self._imported(binding.target, scope.module, depth)
            case "parameter":
                assert isinstance(binding.node, t.Param)
                return self._parameter(binding.node, scope, depth)
            case "value" | "context" if binding.part is not None:
                return self.name(binding.part, scope, depth)
            case "element" if binding.value is not None and binding.index is None:
                base = self.name(binding.value, scope, depth)
                return f"{base}[]" if base else ""
        annotation = getattr(binding.node, "annotation", None)
        return self._instance(self.name(annotation, scope, depth)) if annotation else ""

    def _parameter(self, param: t.Param, scope: Scope, depth: int) -> str:
        for fill in self.fillers:
            if name := fill(param, scope):
                return name
        if param.annotation is not None:
            assert scope.parent is not None
            if name := self.name(param.annotation, scope.parent, depth):
                return self._instance(name)
        owner = scope.parent
        if isinstance(scope.owner, t.Function) and owner and isinstance(owner.owner, t.Class):
            if scope.owner.params and scope.owner.params[0] is param:
                kind = f"{owner.module.path}:{owner.qualname}"
                static = any(t.dotted(d) in _STATIC for d in scope.owner.decorators)
                return kind if static else f"{kind}()"
            if scope.owner.name == "__init__":
                return self._constructed(param, scope, depth)
        return ""

    def _constructed(self, param: t.Param, scope: Scope, depth: int) -> str:
        """What the tree passes for a constructor's parameter, when its calls agree."""
        assert isinstance(scope.owner, t.Function)
        assert scope.parent is not None
        assert isinstance(scope.parent.owner, t.Class)
        position = scope.owner.params.index(param) - 1
        names = set()
        for site in self._calls.get(scope.parent.owner.name, ())[:8]:
            given = site.arg(position, param.name)
            if given is not None and (name := self.name(given, site.scope, depth)):
                names.add(name)
        return names.pop() if len(names) == 1 else ""

    @staticmethod
    def _instance(name: str) -> str:
        return f"{name}()" if name and not name.startswith("typing.") else ""

    def _qualname(self, node: Definition, scope: Scope) -> str:
        outer = scope.qualname
        return f"{outer}.{node.name}" if outer else node.name

    def _member(self, base: str, name: str, depth: int) -> str:
        """The canonical name of attribute `name` of what `base` names."""
        if not base:
            return ""
        if base.startswith("module:"):
            return self._module_member(self.modules[base[7:]], name, depth)
        owner, instance = (base[:-2], True) if base.endswith("()") else (base, False)
        definition = self._definitions.get(owner)
        if definition is None:
            return f"{base}.{name}"
        if not isinstance(definition.node, t.Class):
            return f"{base}.{name}"
        key = (base, name)
        if key not in self._members:
            self._members[key] = ""  # a class that inherits from itself ends here
            self._members[key] = self._class_member(definition, name, instance, depth)
        return self._members[key]

    def _class_member(self, found: Located, name: str, instance: bool, depth: int) -> str:
        assert isinstance(found.node, t.Class)
        if depth > _MAX_DEPTH:
            return ""
        inner = self.inside(found)
        for binding in reversed(inner.bindings.get(name, ())):
            if meaning := self._bound(binding, inner, depth):
                definition = self._definitions.get(meaning)
                if definition and isinstance(definition.node, t.Function):
                    if any(t.dotted(d) in _PROPERTIES for d in definition.node.decorators):
                        return self.result(meaning, depth)
                return meaning
        if instance and (assigned := self.attributes(found).get(name)):
            for value in assigned:
                if meaning := self.name(value.node, value.scope, depth):  # type: ignore[arg-type]
                    return meaning
        for base in found.node.bases:
            plain = base.value if isinstance(base, t.Item) else base  # Generic[T]
            base_name = self.name(plain, found.scope, depth + 1)
            if base_name and base_name != "builtins.object":
                suffix = "()" if instance else ""
                if member := self._member(base_name + suffix, name, depth + 1):
                    return member
        qualified = f"{found.path}:{self._qualname(found.node, found.scope)}"
        return f"{qualified}{'()' if instance else ''}.{name}"

    def attributes(self, found: Located) -> dict[str, list[Located]]:
        """`self.x = …` of a class: attribute -> the expressions assigned to it."""
        cached = self._assigned.get(id(found.node))
        if cached is not None:
            return cached
        attributes: dict[str, list[Located]] = defaultdict(list)
        assert isinstance(found.node, t.Class)
        inner = self.inside(found)
        for method in found.node.body:
            if isinstance(method, t.Function) and method.params:
                scope = inner.module.scopes[id(method)]
                for node in t.walk_own(*method.body):
                    if isinstance(node, t.Assign) and node.value is not None:
                        for target in node.targets:
                            match target:
                                case t.Attr(value=t.Name(id=owner), name=name):
                                    if owner in (method.params[0].name, "cls"):
                                        attributes[name].append(Located(node.value, scope))
        self._assigned[id(found.node)] = attributes
        return attributes

    @functools.cached_property
    def _assigned(self) -> dict[int, dict[str, list[Located]]]:
        return {}

    def attribute_values(self, found: Located, name: str) -> list[Located]:
        """The expressions assigned to `self.name` in a class of the tree."""
        return self.attributes(found).get(name, [])

    def as_function(self, found: Located) -> Located:
        """A lambda as the function that it abbreviates."""
        assert isinstance(found.node, t.Lambda)
        key = id(found.node)
        if key not in self._lambdas:
            node = found.node
            at = (node.line, node.column, node.end_line)
            body = t.Return(*at, node.body)
            function = t.Function(*at, "<lambda>", node.params, [], None, [body], False)
            module = found.scope.module
            module.scopes[id(function)] = Scope(module, function, found.scope)
            self._lambdas[key] = Located(function, found.scope)
        return self._lambdas[key]

    @functools.cached_property
    def _lambdas(self) -> dict[int, Located]:
        return {}

    def enclosing(self, scope: Scope) -> Located | None:
        """The function that a scope lies in."""
        while scope.parent is not None:
            if isinstance(scope.owner, t.Function):
                return Located(scope.owner, scope.parent)
            scope = scope.parent
        return None

    def inside(self, found: Located) -> Scope:
        """The scope that a function or class opens."""
        return found.scope.module.scopes[id(found.node)]

    def result(self, callee: str, depth: int = 0) -> str:
        """The canonical name of what calling `callee` gives."""
        definition = self._definitions.get(callee)
        if definition is None or not isinstance(definition.node, t.Function):
            return f"{callee}()" if callee else ""
        scope = self.inside(definition)
        for node in t.walk_own(*definition.node.body):
            value = node.value if isinstance(node, t.Return | t.Yield) else None
            if value is not None and (name := self.name(value, scope, depth)):
                if not self._opaque(name):
                    return name
        if definition.node.returns is not None:
            if name := self.name(definition.node.returns, definition.scope, depth):
                return self._instance(name)
        return f"{callee}()"

    def _opaque(self, name: str) -> bool:
        """`path:function()`: what a function gives of which nothing could be told."""
        if name.startswith(("builtins.getattr()", "importlib.import_module()")):
            return True
        found = self._definitions.get(name.removesuffix("()")) if name.endswith("()") else None
        return found is not None and isinstance(found.node, t.Function)

    def ancestry(self, found: Located) -> list[str]:
        """Canonical names of a class and all its bases, nearest first."""
        key = id(found.node)
        if key not in self._ancestries:
            self._ancestries[key] = []  # a class that inherits from itself ends here
            self._ancestries[key] = self._ancestry(found)
        return self._ancestries[key]

    @functools.cached_property
    def _ancestries(self) -> dict[int, list[str]]:
        return {}

    def _ancestry(self, found: Located) -> list[str]:
        assert isinstance(found.node, t.Class)
        names = [f"{found.path}:{self._qualname(found.node, found.scope)}"]
        for base in found.node.bases:
            expr = base.value if isinstance(base, t.Item) else base  # Generic[T]
            name = self.name(expr, found.scope)
            if name == names[0]:  # class View(View): the name that it takes over
                name = self._taken_over(expr, found)
            definition = self._definitions.get(name)
            if name in names:
                continue
            if (
                definition
                and isinstance(definition.node, t.Class)
                and definition.node is not found.node
            ):
                names += [n for n in self.ancestry(definition) if n not in names]
            elif name:
                names.append(name)
        return names

    def _taken_over(self, expr: t.Expr, found: Located) -> str:
        """What a name meant before the class that now bears it."""
        bound = self.find(expr.id, found.scope) if isinstance(expr, t.Name) else None
        for binding in bound[1] if bound else ():
            if binding.node is not found.node and bound is not None:
                if name := self._bound(binding, bound[0], 0):
                    return name
        return ""

    def kinds(self, name: str) -> list[str]:
        """`X()` for an instance, with the instances of all bases where X is of this tree."""
        if not name.endswith("()"):
            return [name]
        definition = self._definitions.get(name[:-2])
        if definition is None or not isinstance(definition.node, t.Class):
            return [name]
        return [f"{base}()" for base in self.ancestry(definition)]

    # --- imports

    def _imported(self, target: str, module: Module, depth: int) -> str:
        """The canonical name of a dotted import target as written in `module`."""
        if target.startswith("."):
            return self._relative(target, module, depth)
        parts = target.split(".")
        for root in (*self._roots(module.path), *self._workspace.get(parts[0], ())):
            if name := self._walk_modules(root, parts, module, depth, 1):
                return name
        return target

    def module_of(self, target: str, scope: Scope) -> Module | None:
        """The module of the tree that an import target (with its leading dots) names."""
        module = scope.module
        if not target.startswith("."):
            for root in self._roots(module.path):
                found = self._module_at(root, target.split("."))
                if found is not None and found is not module:
                    return found
        name = self._imported(target, module, 0)
        return self.modules[name[7:]] if name.startswith("module:") else None

    def _relative(self, target: str, module: Module, depth: int) -> str:
        rest = target.lstrip(".")
        base = PurePosixPath(module.path).parent
        for _ in range(len(target) - len(rest) - 1):
            base = base.parent
        return self._walk_modules(str(base), rest.split(".") if rest else [], module, depth)

    @functools.cached_property
    def _stems(self) -> frozenset[str]:
        """Paths of the modules without their ending, and of the directories that hold some."""
        found = {path.removesuffix(".py") for path in self.modules}
        return frozenset(
            found | {str(up) for path in self.modules for up in PurePosixPath(path).parents}
        )

    @functools.cached_property
    def _namespaces(self) -> frozenset[str]:
        """Names of directories that hold modules and no `__init__.py` (PEP 420)."""
        holding = {str(PurePosixPath(path).parent) for path in self.modules}
        return frozenset(
            PurePosixPath(x).name for x in holding if f"{x}/__init__.py" not in self.modules
        ) - {""}

    @functools.cached_property
    def _workspace(self) -> dict[str, list[str]]:
        """Packages of a workspace: `worker_lib` -> the directory `libs/worker-lib` or its `src`."""
        found: dict[str, list[str]] = defaultdict(list)
        for path in self.modules:
            package = PurePosixPath(path).parent
            root = package.parent
            if path.endswith("/__init__.py") and root.name:
                project = root.parent.name if root.name == "src" else root.name
                if project.replace("-", "_").lower() == package.name.lower():
                    found[package.name].append(str(root))
        return found

    def _walk_modules(
        self, root: str, parts: list[str], importer: Module, depth: int, first: int = 0
    ) -> str:
        """Follow `parts` below a directory through packages, then through a module's names.

        The first `first` parts must be modules: `import os` in a package is not what its
        `__init__.py` calls `os`. All but the last part are modules where there are such, whatever
        their packages call by the same name.
        """
        longest = len(parts)
        if longest and _below(root, parts[:1]) not in self._stems:
            longest = 0  # most imports are of packages that are not in the tree
        if longest < first:
            return ""
        cuts = [*range(longest - 1, first - 1, -1), longest] if longest else [0]
        for cut in cuts:  # a name of the deepest package before the submodule of that name
            found = self._module_at(root, parts[:cut])
            if found is None or (found is importer and not found.path.endswith("__init__.py")):
                continue
            if cut == 0 and parts and self._module_at(root, parts[:1]):
                continue  # a submodule is reached through its own path, not through its package
            name = f"module:{found.path}"
            for part in parts[cut:]:
                name = self._member(name, part, depth)
            if name:
                return name
        return ""

    def _module_at(self, root: str, parts: list[str]) -> Module | None:
        stem = _below(root, parts)
        package = self.modules.get(f"{stem}/__init__.py" if stem else "__init__.py")
        return package or self.modules.get(f"{stem}.py")

    def _module_member(self, module: Module, name: str, depth: int, guessed: bool = True) -> str:
        for binding in reversed(module.scope.bindings.get(name, ())):
            if binding.kind == "import" and binding.target == f".{name}":
                continue  # `from . import name`: the submodule below
            if meaning := self._bound(binding, module.scope, depth):
                return meaning
        if module.path.endswith("__init__.py"):
            directory = str(PurePosixPath(module.path).parent)
            if found := self._module_at(directory, [name]):
                return f"module:{found.path}"
        if name in module.scope.bindings:
            return f"{module.path}:{name}"
        meaning = self._starred(module, name, depth)
        return meaning or (self._of_packages(module, name, depth) if guessed else "")

    def _starred(self, module: Module, name: str, depth: int) -> str:
        """What `name` means through a `from x import *` of `module`."""
        key = (module.path, name)
        if key not in self._stars:
            self._stars[key] = ""  # packages that import all of each other end here
            self._stars[key] = self._through_stars(module, name, depth)
        return self._stars[key]

    def _through_stars(self, module: Module, name: str, depth: int) -> str:
        for star in self._star_sources(module, depth):
            if star.startswith("module:"):
                if meaning := self._module_member(self.modules[star[7:]], name, depth + 1, False):
                    return meaning
        return ""

    def _of_packages(self, module: Module, name: str, depth: int) -> str:
        """What a name that the tree nowhere binds means by a `from package import *`."""
        if name in _BUILTINS:
            return ""
        key = (module.path, f"{name}*")
        if key not in self._stars:
            self._stars[key] = starred(self._foreign_stars(module, depth), name)
        return self._stars[key]

    def _star_sources(self, module: Module, depth: int) -> list[str]:
        targets = (b.target.removesuffix(".*") or "." for b in module.scope.bindings.get("*", ()))
        return [self._imported(target, module, depth) for target in targets]

    def _foreign_stars(self, module: Module, depth: int) -> list[str]:
        """Packages outside of the tree of which `module`, or what it imports all of, imports all."""
        found: dict[str, None] = {}
        seen, left = {module.path}, [module]
        while left:
            for star in self._star_sources(left.pop(), depth):
                if star.startswith("module:"):
                    if star[7:] in seen:
                        continue
                    seen.add(star[7:])
                    left.append(self.modules[star[7:]])
                elif star:
                    found.setdefault(star)
        return list(found)

    @functools.cache  # noqa: B019 - one Code lives as long as the audit
    def _roots(self, path: str) -> tuple[str, ...]:
        """Directories an absolute import may start from: the package's root, then those above.

        Last come the directories inside the package, for files run as scripts, and those that the
        tree puts on `sys.path`.
        """
        above = [str(p) for p in PurePosixPath(path).parents]
        packages = [p for p in above if f"{p}/__init__.py".removeprefix("./") in self.modules]
        outer = [p for p in above if p not in packages]
        sources = [f"{p}/src".removeprefix("./") for p in outer]
        return (*outer, *sources, *packages, *self._on_path)

    @functools.cached_property
    def _on_path(self) -> list[str]:
        """`sys.path.insert(0, BASE_DIR / "apps")`: the directory of that name nearest to the file."""
        found: dict[str, None] = {}
        for site in (*self._calls.get("insert", ()), *self._calls.get("append", ())):
            func = site.node.func
            if not (isinstance(func, t.Attr) and self.name(func.value, site.scope) == "sys.path"):
                continue
            texts = [n.value for n in t.walk(*site.node.args) if isinstance(n, t.Const)]
            tail = "/".join(x.strip("/") for x in texts if isinstance(x, str) and x.strip("./"))
            for above in PurePosixPath(site.path).parents if tail else ():
                directory = f"{above}/{tail}".removeprefix("./")
                if any(path.startswith(f"{directory}/") for path in self.modules):
                    found[directory] = None
                    break
        return list(found)


def _below(root: str, parts: list[str]) -> str:
    """The path of a module below a directory, without its ending."""
    return "/".join(([] if root in (".", "") else [root]) + parts)


_INDEXED = {t.Import, t.Item, t.Const, t.Assign}
_STATIC = {"classmethod"}
_PROPERTIES = {"property", "cached_property", "functools.cached_property"}


def _last_of_name(name: str) -> str:
    return name.replace(":", ".").rpartition(".")[2].removesuffix("()").removesuffix("[]")


def _scoped(module: Module) -> Iterator[tuple[t.Node, Scope]]:
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
