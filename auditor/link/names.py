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

import functools
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator

from auditor.extract.python import tree as t
from auditor.link.imports import BUILTINS
from auditor.link.scopes import (
    Binding,
    CallSite,
    Definition,
    Located,
    Module,
    Scope,
    argument,
)
from auditor.link.unbound import Unbound

_MAX_DEPTH = 24
_MAX_CALLERS = 8
"""Calls of a function that are asked what they pass."""
_MAX_ACTIVE = 80
"""Questions that may wait for each other: frameworks that fill parameters ask anew."""
_MAX_STEPS = 3000
"""Steps one question may take before what was cut short counts as told, against hostile code."""


_MAKING = {"locals", "setattr", "import_module", "__import__", "iter_modules", "walk_packages"}
"""Calls by which a module may give itself names, besides those that write them."""


class Code(Unbound):
    """All Python of the tree, and the questions that can be asked of it."""

    def __init__(self, modules: Iterable[Module]) -> None:
        super().__init__(modules)
        self.fillers: list[Callable[[t.Param, Scope], str]] = []
        """How frameworks fill parameters: (parameter, its function's scope) -> canonical name."""
        self._names: dict[tuple[t.Expr, int], str] = {}
        """By the expression, not its `id`, which another one made on the way may be given."""
        self._members: dict[tuple[str, str], str] = {}
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

    def _named(self, expr: t.Expr, scope: Scope) -> str:
        return self.name(expr, scope)

    def _name(self, expr: t.Expr, scope: Scope, depth: int) -> str:
        match expr:
            case t.Name(id=name):
                return self._lookup(name, scope, depth)
            case t.Attr(value=t.Call(func=t.Name(id="super")), name=name):
                return self._inherited(name, scope, depth)
            case t.Call(func=t.Name(id="super"), args=[]):  # kept: `self.store = super()`
                above = self._above(scope)
                return self._instance(above[0]) if above else "builtins.super()"
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
        if scope.of_class is None or depth > _MAX_DEPTH:
            return ""
        bases = self._above(scope)
        found = next((b for b in bases if f"{b}.{name}" in self._definitions), None)
        return f"{found or (bases[0] if bases else 'builtins.super()')}.{name}"

    def _above(self, scope: Scope) -> list[str]:
        """The classes that `super()` looks through."""
        here = scope.of_class
        if here is None or here.parent is None:
            return []
        assert isinstance(here.owner, t.Class)
        return self.ancestry(Located(here.owner, here.parent))[1:]

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

    def lacks(self, expr: t.Attr, scope: Scope) -> bool:
        """Whether a module of the tree has no attribute that it is asked for: `models.Note`, where it imports no `Note`."""
        owner = self.name(expr.value, scope)
        if not owner.startswith("module:") or self.name(expr, scope):
            return False
        module = self.modules[owner[7:]]
        if "*" in module.scope.bindings or self.may_have(module, expr.name):
            return False
        calls = (node for node, _ in self.nodes(module) if isinstance(node, t.Call))
        return not any(t.last_word(call.func) in _MAKING for call in calls)

    def _lookup(self, name: str, scope: Scope, depth: int) -> str:
        found = self.find(name, scope)
        if found is None:
            if meaning := self._starred(scope.module, name, depth):
                return meaning
            return (
                f"builtins.{name}"
                if name in BUILTINS
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
            self._cut = True  # from a shorter way it may be told yet
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
        told = {t.dotted(d) for d in method.decorators}
        if "staticmethod" in told:
            return ""
        kind = f"{owner.module.path}:{owner.qualname}"
        return f"{kind}()" if told.isdisjoint(_STATIC) else kind

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
        return f"{name}()" if name and not name.startswith(("typing.", "module:")) else ""

    def _member(self, base: str, name: str, depth: int) -> str:
        """The canonical name of attribute `name` of what `base` names."""
        if not base:
            return ""
        if base.startswith("module:"):
            return self._module_member(self.modules[base[7:]], name, depth)
        owner, instance = (base[:-2], True) if base.endswith("()") else (base, False)
        definition = self._definitions.get(owner)
        if definition is None:
            kept = self._kept.get(name) if _APPLICATION.search(base) else None
            return kept or f"{base}.{name}"
        if not isinstance(definition.node, t.Class):
            return f"{base}.{name}"
        key = (base, name)
        if key not in self._members:
            self._members[key] = ""  # a class that inherits from itself ends here
            self._members[key] = self._class_member(definition, name, instance, depth)
        return self._members[key]

    @property
    def _kept(self) -> dict[str, str]:
        """Attributes of applications that hold an object of a class of the tree, wherever one is given: `app.store = Store()`."""
        if self._on_application is None:
            self._on_application = {}  # what is looked at now does not ask for itself
            found: dict[str, set[str]] = defaultdict(set)
            for assign, scope in self.of_kind(t.Assign):
                for target, value in _assigned(assign) if assign.value is not None else ():
                    if isinstance(target, t.Attr) and not isinstance(value, t.Const):
                        if _APPLICATION.search(self.name(target.value, scope)):
                            found[target.name].add(self.name(value, scope))
            told = ((name, made.pop()) for name, made in found.items() if len(made) == 1)
            self._on_application = {name: made for name, made in told if self._is_made(made)}
        return self._on_application

    _on_application: dict[str, str] | None = None

    def _is_made(self, name: str) -> bool:
        found = self._definitions.get(name.removesuffix("()")) if name.endswith("()") else None
        return found is not None and isinstance(found.node, t.Class)

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
        for value in self.attributes(found).get(name, ()):
            if instance or _is_of_the_class(value.scope.owner):
                if meaning := self.name(value.node, value.scope, depth):  # type: ignore[arg-type]
                    return meaning
        for base in found.node.bases:
            plain = base.value if isinstance(base, t.Item) else base  # Generic[T]
            base_name = self.name(plain, found.scope, depth + 1)
            if base_name and base_name != "builtins.object":
                suffix = "()" if instance else ""
                if member := self._member(base_name + suffix, name, depth + 1):
                    return member
        if instance and (behind := self._stands_for(found, depth + 1)):
            return self._member(behind, name, depth + 1)
        qualified = f"{found.path}:{self._qualname(found.node, found.scope)}"
        return f"{qualified}{'()' if instance else ''}.{name}"

    def _stands_for(self, found: Located, depth: int) -> str:
        """What an object hands whatever it is asked on to: `def __getattr__(self, name): return getattr(store(), name)`."""
        methods = (m for m in found.node.body if isinstance(m, t.Function))  # type: ignore[attr-defined]
        method = next((m for m in methods if m.name == "__getattr__" and len(m.params) > 1), None)
        if method is None:
            return ""
        inner = found.scope.module.scopes[id(method)]
        for node in t.walk_own(*method.body):
            match node:
                case t.Return(
                    value=t.Call(func=t.Name(id="getattr"), args=[behind, t.Name(id=asked)])
                ) if asked == method.params[1].name:
                    return self.name(behind, inner, depth)
        return ""

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
                                    if owner in (method.params[0].name, "cls", found.node.name):
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
        """Whether a declared type says more than what a package's call gives, or its application keeps:
        `container.resolve(X)`, `request.app.state.store`."""
        if ":" in name or not (name.endswith("()") or _KEPT.search(name)):
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

    def heirs(self, found: Located) -> list[Located]:
        """The classes of the tree that inherit from a class, at any distance, itself first."""
        return self._heirs.get(self.own_name(found), [found])

    @functools.cached_property
    def _heirs(self) -> dict[str, list[Located]]:
        every: dict[str, list[Located]] = defaultdict(list)
        for each in self.classes():
            own, *above = self.ancestry(each)
            every[own].insert(0, each)
            for name in above:
                every[name].append(each)
        return every

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


_ANYTHING = {"builtins.dict", "builtins.object", "typing.Any", "typing.Dict", "typing.Mapping"}
"""Types that say nothing of what is passed."""
_STATIC = {"classmethod"}
_KEPT = re.compile(r"(?:\)\.app|\)(?:\.app)?\.state|^(?:flask|quart)\.(?:current_app|g))\.\w+$")
"""What hangs on an application, or on a request."""
_APPLICATION = re.compile(
    r"(?:^(?:fastapi|starlette|flask|quart)\.(?:\w+\.)*(?:FastAPI|Starlette|Flask|Quart)\(\)|(?:Request|WebSocket)\(\)\.app"
    r"|^(?:flask|quart)\.current_app)(?:\.state)?$"
)
_PROPERTIES = {"property", "cached_property", "functools.cached_property"}


def _is_of_the_class(method: t.Node | None) -> bool:
    """Whether what a method gives `cls` is kept by the class itself: `cls._instance = cls()`."""
    return isinstance(method, t.Function) and (
        method.name == "__new__" or any(t.dotted(d) in _STATIC for d in method.decorators)
    )


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
