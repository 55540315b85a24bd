"""What a name means, across all Python files of the tree.

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
from pathlib import PurePosixPath

from auditor.extract.python import tree as t
from auditor.link.index import Index
from auditor.link.layout import Layout, below
from auditor.link.scopes import (
    Binding,
    CallSite,
    Definition,
    Located,
    Module,
    Scope,
    argument,
)
from auditor.link.stars import starred

_BUILTINS = frozenset(dir(builtins))
_MAX_DEPTH = 24
_MAX_CALLERS = 8
"""Calls of a function that are asked what they pass."""
_MAX_ACTIVE = 80
"""Questions that may wait for each other: frameworks that fill parameters ask anew."""
_MAX_STEPS = 3000
"""Steps one question may take before what was cut short counts as told, against hostile code."""


class Code(Index):
    """All Python of the tree, and the questions that can be asked of it."""

    def __init__(self, modules: Iterable[Module]) -> None:
        super().__init__(modules)
        self._layout = Layout(self.modules)
        self.fillers: list[Callable[[t.Param, Scope], str]] = []
        """How frameworks fill parameters: (parameter, its function's scope) -> canonical name."""
        self._names: dict[tuple[t.Expr, int], str] = {}
        """By the expression, not its `id`, which another one made on the way may be given."""
        self._members: dict[tuple[str, str], str] = {}
        self._stars: dict[tuple[str, str], str] = {}
        self._asked: set[tuple[t.Expr, int]] = set()
        self._cut = False
        self._steps = 0
        self._active = 0

    # --- enumeration

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
            callees = [callee for each in level for _, callee in self.calls_in(each)]
            level = [callee for callee in callees if id(callee.node) not in found]
            found |= {id(callee.node): callee for callee in level}
        return list(found.values())

    def calls_in(self, function: Located) -> Iterator[tuple[t.Call, Located]]:
        """The calls that a function makes of functions of the tree: (call, what it runs)."""
        assert isinstance(function.node, t.Function)
        inner = self.inside(function)
        for node in t.walk_own(*function.node.body):
            if isinstance(node, t.Call):
                callee = self.defined(node.func, inner)
                if callee is not None and isinstance(callee.node, t.Function):
                    yield node, callee

    # --- names

    def defined(self, expr: t.Expr, scope: Scope) -> Located | None:
        """The function or class of the tree that `expr` refers to."""
        if isinstance(expr, t.Attr) and expr.name not in self.words:
            return None  # most attributes are nobody's function here; spares naming them
        return self._definitions.get(self.name(expr, scope))

    def name(self, expr: t.Expr | None, scope: Scope, depth: int = 0) -> str:
        """The canonical name of `expr` as seen from `scope`; empty where it cannot be told."""
        if expr is None:
            return ""
        key = (expr, id(scope))
        known = self._names.get(key)
        if known is not None:
            if not known and key in self._asked:
                self._cut = True  # from here it may be told yet
            return known
        if self._active == 0:
            self._steps = 0
        self._steps += 1
        if depth > _MAX_DEPTH or self._active > _MAX_ACTIVE:
            self._cut = True
            return ""
        cut_before, self._cut = self._cut, False
        self._names[key] = ""  # a cycle ends here
        self._asked.add(key)
        self._active += 1
        try:
            name = self._name(expr, scope, depth + 1)
        finally:
            self._active -= 1
            self._asked.discard(key)
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
                if base.rpartition(".")[2] in self._layout.namespaces:
                    below = self._imported(f"{base}.{name}", scope.module, depth)
                    if below.startswith("module:"):
                        return below
                return self._member(base, name, depth)
            case t.Call(func=t.Item(value=func)) if t.dotted(func).rpartition(".")[2][:1].isupper():
                return self.result(self.name(func, scope, depth), depth)  # Repository[User](…)
            case t.Call(func=t.Name(id="type"), args=[_, t.Seq(items=[_, *_] as bases), _]):
                named = [self.name(base, scope, depth) for base in bases]
                return next((name for name in named if name in self._definitions), named[0])
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
            case (
                "Optional" | "FromDishka" | "Inject" | "Injected"
            ):  # a container gives what is named
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

    def is_unbound(self, expr: t.Expr, scope: Scope) -> bool:
        """Whether an expression begins with a name that its module cannot know: it would not run."""
        while isinstance(expr, t.Attr):
            expr = expr.value
        if not isinstance(expr, t.Name) or self.find(expr.id, scope) is not None:
            return False
        return expr.id not in _BUILTINS and not self._may_bind(scope.module, expr.id)

    @functools.cache  # noqa: B019 - one Code lives as long as the audit
    def _may_bind(self, module: Module, name: str) -> bool:
        """Whether a module binds a name by a `*`, or by `global` within a function."""
        scopes = module.scopes.values()
        return "*" in module.scope.bindings or any(name in each.bindings for each in scopes)

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
                made = self._instance(self.name(_factory(binding.part), scope, depth))
                return made if ":" in made else self.name(binding.part, scope, depth)
            case "element" if binding.value is not None and binding.index is None:
                base = self.name(binding.value, scope, depth)
                return f"{base}[]" if base else ""
        annotation = getattr(binding.node, "annotation", None)
        return self._instance(self.name(annotation, scope, depth)) if annotation else ""

    def _parameter(self, param: t.Param, scope: Scope, depth: int) -> str:
        for fill in self.fillers:
            if name := fill(param, scope):
                return name
        if param.annotation is None or param.name in ("self", "cls"):  # cls: type[Self]
            if own := self._receiver(param, scope):
                return own
        if param.annotation is None:
            return self._passed(param, scope, depth)
        assert scope.parent is not None
        name = self.name(param.annotation, scope.parent, depth)
        if name and name not in _ANYTHING:
            return self._instance(name)
        return self._passed(param, scope, depth) or self._instance(name)

    @staticmethod
    def _receiver(param: t.Param, scope: Scope) -> str:
        """The class, or its instance, that a method's first parameter stands for."""
        owner, method = scope.parent, scope.owner
        if not isinstance(method, t.Function) or owner is None:
            return ""
        if not isinstance(owner.owner, t.Class) or method.params[:1] != [param]:
            return ""
        kind = f"{owner.module.path}:{owner.qualname}"
        static = any(t.dotted(d) in _STATIC for d in method.decorators)
        return kind if static else f"{kind}()"

    def _passed(self, param: t.Param, scope: Scope, depth: int) -> str:
        """What the tree passes for a parameter that says nothing itself, when its calls agree."""
        callee, owner = scope.owner, scope.parent and scope.parent.owner
        if not isinstance(callee, t.Function) or param.kind in ("args", "kwargs"):
            return ""
        if isinstance(owner, t.Class) and callee.name != "__init__":
            return ""
        method = isinstance(owner, t.Class)
        called = owner.name if isinstance(owner, t.Class) else callee.name
        own = "" if method else f"{scope.module.path}:{scope.qualname}"
        position = callee.params.index(param) - method
        names = set()
        for site in self._calls.get(called, ())[:_MAX_CALLERS]:
            if own and self.name(site.node.func, site.scope, depth) != own:
                continue
            given = site.arg(position, param.name)
            if given is not None and (name := self.name(given, site.scope, depth)):
                names.add(name)
        return names.pop() if len(names) == 1 else ""

    @staticmethod
    def _instance(name: str) -> str:
        return f"{name}()" if name and not name.startswith("typing.") else ""

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
                        for target, value in _assigned(node):
                            match target:
                                case t.Attr(value=t.Name(id=owner), name=name):
                                    if owner in (method.params[0].name, "cls"):
                                        attributes[name].append(Located(value, scope))
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
        if definition is None and callee.endswith("()") and depth <= _MAX_DEPTH:
            called = self._member(callee, "__call__", depth + 1)  # an instance that is called
            if called in self._definitions:
                return self.result(called, depth + 1)
        if definition is None or not isinstance(definition.node, t.Function):
            return f"{callee}()" if callee else ""
        scope = self.inside(definition)
        declared = self.name(definition.node.returns, definition.scope, depth)
        for node in t.walk_own(*definition.node.body):
            value = node.value if isinstance(node, t.Return | t.Yield) else None
            if value is not None and (name := self.name(value, scope, depth)):
                if not self._opaque(name) and not self.tells_more(declared, name):
                    return name
        return self._instance(declared) or f"{callee}()"

    def tells_more(self, declared: str, name: str) -> bool:
        """Whether a declared type says more than what a package's call gives: `container.resolve(X)`."""
        if ":" in name or not name.endswith("()"):
            return False
        found = self._definitions.get(declared)
        return found is not None and isinstance(found.node, t.Class)

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
        roots = [*self._roots(module.path), *self._layout.workspaces.get(parts[0], ())]
        if len(parts) == 1 and (wanted := _submodules(module, target)):
            roots.sort(key=lambda root: not any(self._layout.at(root, below) for below in wanted))
        for root in roots:
            if name := self._walk_modules(root, parts, module, depth, 1):
                return name
        return target

    def module_of(self, target: str, scope: Scope) -> Module | None:
        """The module of the tree that an import target (with its leading dots) names."""
        module = scope.module
        if not target.startswith("."):
            for root in self._roots(module.path):
                found = self._layout.at(root, target.split("."))
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

    def _walk_modules(
        self, root: str, parts: list[str], importer: Module, depth: int, first: int = 0
    ) -> str:
        """Follow `parts` below a directory through packages, then through a module's names.

        The first `first` parts must be modules: `import os` in a package is not what its
        `__init__.py` calls `os`. All but the last part are modules where there are such, whatever
        their packages call by the same name.
        """
        longest = len(parts)
        if longest and below(root, parts[:1]) not in self._layout.stems:
            longest = 0  # most imports are of packages that are not in the tree
        if longest < first:
            return ""
        cuts = [*range(longest - 1, first - 1, -1), longest] if longest else [0]
        for cut in cuts:  # a name of the deepest package before the submodule of that name
            found = self._layout.at(root, parts[:cut])
            if found is None or (found is importer and not self._may_name_itself(found, root)):
                continue
            if cut == 0 and parts and self._layout.at(root, parts[:1]):
                continue  # a submodule is reached through its own path, not through its package
            name = f"module:{found.path}"
            for part in parts[cut:]:
                name = self._member(name, part, depth)
            if name:
                return name
        return ""

    def _may_name_itself(self, module: Module, root: str) -> bool:
        """Whether a module may import from itself: a package, and not by its name within another."""
        inside = f"{root}/__init__.py".removeprefix("./") in self.modules
        return module.path.endswith("__init__.py") and not (
            inside and str(PurePosixPath(module.path).parent) != root
        )

    def _module_member(self, module: Module, name: str, depth: int, guessed: bool = True) -> str:
        for binding in reversed(module.scope.bindings.get(name, ())):
            if binding.kind == "import" and binding.target == f".{name}":
                continue  # `from . import name`: the submodule below
            if meaning := self._bound(binding, module.scope, depth):
                return meaning
        if module.path.endswith("__init__.py"):
            directory = str(PurePosixPath(module.path).parent)
            if found := self._layout.at(directory, [name]):
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

    @functools.cache  # noqa: B019 - one Code lives as long as the audit
    def bound_through_star(self, name: str, module: Module) -> str:
        """The path of the module whose binding of a name `from x import *` brings into `module`."""
        seen, left = {module.path}, [module]
        while left:
            for star in self._star_sources(left.pop(0), 0):
                path = star.removeprefix("module:")
                if path == star or path in seen:
                    continue
                if name in self.modules[path].scope.bindings:
                    return path
                seen.add(path)
                left.append(self.modules[path])
        return ""

    def _of_packages(self, module: Module, name: str, depth: int) -> str:
        """What a name that the tree nowhere binds means by a `from package import *`."""
        if name in _BUILTINS:
            return ""
        key = (module.path, f"{name}*")
        if key not in self._stars:
            self._stars[key] = ""  # modules that import all of each other end here
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
        """Where an absolute import of a file may start; last, what the tree puts on `sys.path`."""
        return (*self._layout.roots(path), *self._on_path)

    @functools.cached_property
    def _on_path(self) -> list[str]:
        """`sys.path.insert(0, BASE_DIR / "apps")`: the directory of that name nearest to the file.

        Told by how it is spelt: names are told by it.
        """
        found: dict[str, None] = {}
        for site in (*self._calls.get("insert", ()), *self._calls.get("append", ())):
            func = site.node.func
            if not (isinstance(func, t.Attr) and t.dotted(func.value).endswith("sys.path")):
                continue
            texts = [n.value for n in t.walk(*site.node.args) if isinstance(n, t.Const)]
            words = "/".join(x for x in texts if isinstance(x, str)).split("/")
            tail = "/".join(word for word in words if word.strip("."))
            for above in PurePosixPath(site.path).parents if tail else ():
                directory = f"{above}/{tail}".removeprefix("./")
                if any(path.startswith(f"{directory}/") for path in self.modules):
                    found[directory] = None
                    break
        return list(found)


_ANYTHING = {"builtins.dict", "builtins.object", "typing.Any", "typing.Dict", "typing.Mapping"}
"""Types that say nothing of what is passed."""
_STATIC = {"classmethod"}
_PROPERTIES = {"property", "cached_property", "functools.cached_property"}


def _factory(expr: t.Expr) -> t.Expr | None:
    """What makes a field's value where none is given: `api: Api = Field(default_factory=Api)`."""
    if isinstance(expr, t.Call) and expr.keywords and t.dotted(expr.func) in _FIELDS:
        return argument(expr, None, "default_factory")
    return None


_FIELDS = {"Field", "field", "pydantic.Field", "dataclasses.field"}


def _assigned(assign: t.Assign) -> Iterator[tuple[t.Expr, t.Expr]]:
    """What each target gets, also of `self.a, self.b = a, b`."""
    assert assign.value is not None
    for target in assign.targets:
        match target, assign.value:
            case t.Seq(items=targets), t.Seq(items=values) if len(targets) == len(values):
                yield from zip(targets, values, strict=True)
            case _:
                yield target, assign.value


def _last_of_name(name: str) -> str:
    return name.replace(":", ".").rpartition(".")[2].removesuffix("()").removesuffix("[]")


def _submodules(module: Module, package: str) -> list[list[str]]:
    """What a module imports below a package: `import users.views`, whatever `users.py` stands beside it."""
    nodes = (b.node for b in module.scope.bindings.get(package, ()) if b.kind == "import")
    return [
        name.split(".")
        for node in nodes
        if isinstance(node, t.Import) and not node.module
        for name, alias in node.names
        if not alias and name.startswith(f"{package}.")
    ]
