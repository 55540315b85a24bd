"""Where code surely raises or leaves, so that it never comes to what stands below: names that nothing binds, attributes that
a class or module of the tree has not, modules of the tree that are not there, and whatever imports such a module; and ways
of a function that none of its calls takes.

What cannot be looked at is there: modules that git ignores or something makes, what `__getattr__`, `exec`, `globals()` or a
`*` of a package may bring, what an attempt (`try`) or a condition stands around.
"""

from __future__ import annotations

import functools
import re
import sys
from collections.abc import Callable, Iterator

from msgspec.structs import replace

from auditor.discover import Role
from auditor.discover.git import ignored, read_rules
from auditor.extract.packages import Dependency
from auditor.extract.python import tree as t
from auditor.link.application import Application, provides
from auditor.link.decisions import Keys, Worth, agreed, decides, given_back, keeps, settled
from auditor.link.layout import ends, module_name
from auditor.link.mentions import Mentions
from auditor.link.reach import Reach, is_main_guard
from auditor.link.resolvers import resolving
from auditor.link.scopes import Binding, CallSite, Located, Module, Scope
from auditor.model.places import Place

EXITS = {
    "sys.exit", "builtins.exit", "builtins.quit", "os._exit", "os.abort", "flask.abort", "quart.abort", "bottle.abort",
    "werkzeug.exceptions.abort",
}  # fmt: skip
_DEPENDS = re.compile(r"fastapi\.(?:\w+\.)*(?:Depends|Security)")
_SWALLOWS = {"suppress", "raises", "assertRaises", "ignored"}
_MAY_BE_LEFT_OUT = re.compile(
    r"(?i)(?:^|_)(?:version|local|secrets?|settings?|configs?|conf|configuration|credentials?|creds|keys?|tokens?|env|environment|private"
    r"|prod|production|dev|pb2|grpc|generated|gen|build|rc|ui|resources?|constants?|custom|overrides?)(?:_|$)"
)
"""Names of modules that people keep to themselves, or that a tool makes."""
_PLAIN_BASES = {"builtins.object", "abc.ABC", "typing.Generic", "typing.Protocol"}
_MODELS = re.compile(r"pydantic(?:_settings|\.v1|\.env_settings)?\.Base(?:Settings|Model)$")
_OF_MODELS = re.compile(r"model_\w+|dict|json|copy|construct|schema\w*|parse_\w+|validate|fields|from_orm|update_forward_refs")  # fmt: skip
_STORED = re.compile(r"flask_sqlalchemy\.(?:\w+\.)*SQLAlchemy\(\)\.Model|sqlalchemy\.(?:\w+\.)*(?:DeclarativeBase|declarative_base\(\))|flask_login\.(?:\w+\.)*UserMixin|sqlmodel\.(?:\w+\.)*SQLModel")  # fmt: skip
_OF_STORED = {
    "query",
    "query_class",
    "metadata",
    "registry",
    "is_authenticated",
    "is_active",
    "is_anonymous",
    "get_id",
}
"""Bases of stored classes, and what they give their objects beside the columns and relations that the code spells."""
_OF_MIGRATIONS = re.compile(r"(?:^|/)(?:migrations|alembic|versions)/")
_FROM_DATABASE = {"autoload", "autoload_with", "automap_base", "DeferredReflection", "reflect"}
"""What takes columns from the database."""
_PLAIN_DECORATORS = {"dataclass", "final", "total_ordering"}
_CHANGES_ITSELF = {"setattr", "vars", "locals", "exec", "globals"}
_OF_ALL = frozenset((*dir(object), *dir(type)))
_DEEPEST = 6


class Raising:
    """Tells which places code never comes to, and what stands in the way."""

    def __init__(self, application: Application) -> None:
        self.application, self.code = application, application.code
        self._always: dict[int, str] = {}
        """Why functions raise whatever they are given, by their `id`."""
        self._lacked: dict[tuple[int, str], bool] = {}
        """Whether no object of a class, by its `id`, has an attribute."""

    def why(self, place: Place) -> str:
        """What keeps code from a place; empty where it may come to it."""
        return self._never(place.path, place.line) or self._within(place)

    def always(self, function: Located) -> str:
        """Why a function raises whenever it is called; empty where it may come to its end, or give something before."""
        node = function.node
        kept = {t.last_word(t.callee(d)) for d in getattr(node, "decorators", ())}
        if not isinstance(node, t.Function) or not kept <= {"lru_cache", "cache"}:
            return ""
        if id(node) not in self._always:
            self._always[id(node)] = ""  # what calls itself ends here
            self._always[id(node)] = self._whatever_given(function)
        return self._always[id(node)]

    def _whatever_given(self, function: Located) -> str:
        inner = self.code.inside(function)
        for stmt in function.node.body:  # type: ignore[attr-defined]
            if why := self._raises(stmt, inner):
                return _told(why, function.path, stmt.line)
            match stmt:
                case t.Raise():
                    return _told("it raises in any case", function.path, stmt.line)
                case t.If(test=test, body=[t.Raise()]) | t.If(test=test, orelse=[t.Raise()]):
                    way = decides(test, self._given(function), inner)
                    taken = [] if way is None else stmt.body if way else stmt.orelse
                    if taken and isinstance(taken[0], t.Raise):
                        return _told("it raises whatever it is given", function.path, stmt.line)
            if any(isinstance(n, t.Return | t.Raise | t.Yield) for n in t.walk_own(stmt)):
                return ""
        return ""

    def at(self, stmt: t.Stmt, scope: Scope) -> bool:
        """Whether a statement surely raises when code comes to it; one of a template does not."""
        of_code = self.code.modules.get(scope.module.path) is scope.module
        return of_code and bool(self._raises(stmt, scope) or self._imports_broken(stmt, scope))

    def never(self, site: Located) -> bool:
        return bool(self._never(site.path, site.node.line))

    def _never(self, path: str, line: int) -> str:
        module = self.code.modules.get(path)
        if module is None:
            return ""
        if (broken := self.modules.get(path)) and not _is_before(module, line, broken[0]):
            return broken[1]
        around = (why for first, last, why in self._unreached(module) if first <= line <= last)
        return next(around, "")

    def _within(self, place: Place) -> str:
        """What a call raises itself, before it is made."""
        for call, scope in self._calls_at(place.path).get((place.line, place.column), ()):
            if why := self._evaluating([call], scope, call):
                return _told(why, place.path, call.line)
        return ""

    @functools.cache  # noqa: B019 - lives as long as the audit of one tree
    def _calls_at(self, path: str) -> dict[tuple[int, int], list[tuple[t.Call, Scope]]]:
        """The calls of a module by where they stand."""
        found: dict[tuple[int, int], list[tuple[t.Call, Scope]]] = {}
        module = self.code.modules.get(path)
        for node, scope in self.code.nodes(module) if module is not None else ():
            if isinstance(node, t.Call):
                found.setdefault((node.line, node.column), []).append((node, scope))
        return found

    # --- modules

    @functools.cached_property
    def modules(self) -> dict[str, tuple[int, str]]:
        """The modules that cannot be imported: in which line they raise, and why.

        None that the application needs to start: it does start, so that something is read wrongly, or left out on purpose.
        """
        absent, raising = self._first(self._absent), self._first(self._raises)
        first = {**absent, **raising} if self._is_whole else raising
        found = {path: why for path, why in first.items() if path not in self._needed}
        left = list(found)
        while left:
            broken = left.pop()
            for path in self._importing_it.get(broken, ()):
                if path not in found:
                    line = min(at for each, at in self._imported[path] if each == broken)
                    found[path] = line, found[broken][1]
                    left.append(path)
            for path in self._inside(broken, found[broken][0]):
                if path not in found:
                    # the package may have imported it before it raises itself: all its own is run then
                    found[path] = sys.maxsize, found[broken][1]
                    left.append(path)
        return found

    def _inside(self, broken: str, line: int) -> Iterator[str]:
        """The modules of a package that cannot be imported: Python imports the package before them.

        Source: https://docs.python.org/3/reference/import.html#regular-packages
        """
        folder, is_package, _ = broken.rpartition("/__init__.py")
        early = [s for s in self.code.modules[broken].body if s.line < line]
        if not is_package or any(isinstance(n, t.Call) for n in t.walk_own(*early)):
            return  # what it has imported may be called before it raises
        for path in self._as_part:
            stem = path.removesuffix(".py").removesuffix("/__init__")
            above, _, name = stem.rpartition("/")
            if above == folder and name not in self._importers and path not in self._needed:
                if not any(map(is_main_guard, self.code.modules[path].body)):
                    yield path

    @functools.cached_property
    def _as_part(self) -> list[str]:
        """The modules that an import anywhere names."""
        imports = self.code.of_kind(t.Import)
        return sorted({m.path for node, scope in imports for m in self._brings(node, scope)})

    @functools.cached_property
    def _imported(self) -> dict[str, list[tuple[str, int]]]:
        """What each module surely imports while it is imported: the path, and in which line."""
        return {
            path: [(m.path, s.line) for s in module.body for m in self._brings(s, module.scope)]
            for path, module in self.code.modules.items()
        }

    @functools.cached_property
    def _importing_it(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for path, imported in self._imported.items():
            for each, _ in imported:
                found.setdefault(each, []).append(path)
        return found

    @functools.cached_property
    def _needed(self) -> frozenset[str]:
        """The modules that the application imports when it starts."""
        (reach,) = self.application.facts(Reach)
        left = [root.path for root in reach.roots]
        found = set(left)
        while left:
            for path, _ in self._imported.get(left.pop(), ()):
                if path not in found:
                    found.add(path)
                    left.append(path)
        return frozenset(found)

    def _first(self, told: Callable[[t.Stmt, Scope], str]) -> dict[str, tuple[int, str]]:
        """The modules of which a statement raises that is run in any case: the line, and why."""
        found: dict[str, tuple[int, str]] = {}
        for path, module in self.code.modules.items():
            why = next(((s.line, why) for s in module.body if (why := told(s, module.scope))), None)
            if why is not None:
                found[path] = why[0], f"{path} cannot be imported: {_told(why[1], path, why[0])}"
        return found

    def _brings(self, stmt: t.Stmt, scope: Scope) -> Iterator[Module]:
        """The modules of the tree that an import surely imports."""
        if not isinstance(stmt, t.Import):
            return
        wanted = [f"{stmt.module}{'' if stmt.module.endswith('.') else '.'}{n}" if stmt.module else n for n, _ in stmt.names]  # fmt: skip
        for target in [stmt.module, *wanted] if stmt.module else wanted:
            dots = len(target) - len(target.lstrip("."))
            parts = target[dots:].split(".")
            for end in range(1 if parts[0] else 0, len(parts) + 1):
                found = self._module(target[:dots] + ".".join(parts[:end]), scope)
                if found is not None:
                    yield found

    # --- statements

    @functools.cache  # noqa: B019 - lives as long as the audit of one tree
    def _unreached(self, module: Module) -> list[tuple[int, int, str]]:
        """The lines of a module's functions that nothing comes to, and why."""
        found: list[tuple[int, int, str]] = []
        for node, _ in self.code.nodes(module):
            if isinstance(node, t.Function):
                inner = module.scopes[id(node)]
                told = self._given(Located(node, inner.parent or inner))
                self._follow(node.body, inner, found, told)
        for stmt in module.body:
            if is_main_guard(stmt):
                self._follow(stmt.body, module.scope, found, {})  # type: ignore[union-attr]
        return found

    def _given(self, function: Located) -> dict[str, Worth]:
        """What every call of a function gives the parameters that it tests and leaves as they are."""
        (mentions,) = self.application.facts(Mentions)
        assert isinstance(function.node, t.Function)
        kept = settled(function.node)
        told = agreed(function, mentions, frozenset())
        handed = self._handed.get(id(function.node)) or resolving(self.code, function)
        if handed and not any(map(mentions.is_call, mentions.of(function))):
            told = handed  # nothing but FastAPI or graphene calls it
        return {name: worth for name, worth in told.items() if name in kept}

    @functools.cached_property
    def _handed(self) -> dict[int, dict[str, Worth]]:
        """What parameters of functions, by their `id`, are given by dependencies of FastAPI that spell out a dict.

        All that depend on one share it: what keys code of the tree puts in any dict, it may have.
        """
        takers: dict[int, list[tuple[t.Function, str]]] = {}
        made: dict[int, Keys] = {}
        for function in self.code.functions():
            for param in function.node.params:  # type: ignore[attr-defined]
                source = self._dependency(param, function.scope)
                if source is None:
                    continue
                keys = given_back(source.node, self.code.inside(source))  # type: ignore[arg-type]
                if keys is not None:
                    made[id(source.node)] = keys
                    takers.setdefault(id(source.node), []).append((function.node, param.name))  # type: ignore[arg-type]
        added = self._added_keys if made else frozenset()
        found: dict[int, dict[str, Worth]] = {}
        for key, those in takers.items() if made and not self.overrides else ():
            if all(keeps(each, name) for each, name in those):
                for each, name in those:
                    found.setdefault(id(each), {})[name] = replace(made[key], perhaps=added | made[key].perhaps)  # fmt: skip
        return found

    @functools.cached_property
    def overrides(self) -> bool:
        """Whether something else is put in the place of dependencies of FastAPI, by other code than tests."""
        sources = {f.path for f in self.application.tree.files if f.role is Role.SOURCE}
        modules = (m for path, m in self.code.modules.items() if path in sources)
        nodes = (node for module in modules for node, _ in self.code.nodes(module))
        return any(isinstance(n, t.Attr) and n.name == "dependency_overrides" for n in nodes)

    def _dependency(self, param: t.Param, scope: Scope) -> Located | None:
        """The function whose result FastAPI gives a parameter: `user: dict = Depends(me)`, `Annotated[dict, Depends(me)]`."""
        match param:
            case t.Param(default=t.Call(func=func, args=[given, *_])):
                pass
            case t.Param(
                annotation=t.Item(index=t.Seq(items=[_, t.Call(func=func, args=[given, *_])]))
            ):
                pass
            case _:
                return None
        if not _DEPENDS.fullmatch(self.code.name(func, scope)):
            return None
        found = self.code.defined(given, scope)
        return found if found is not None and _is_as_written(found) else None

    @functools.cached_property
    def _added_keys(self) -> frozenset[str]:
        """The keys that code puts in a dict: `user["plan"] = plan`, `user.update(plan=plan)`."""
        items = (x for a, _ in self.code.of_kind(t.Assign) for x in a.targets if isinstance(x, t.Item))  # fmt: skip
        calls = self.code.method_calls("update", "setdefault")
        exprs: list[t.Node | None] = [item.index for item in items]
        named: set[str] = set()
        for call in calls:
            exprs += [key for arg in call.node.args for key in getattr(arg, "keys", [arg])]
            named |= {k.name for k in call.node.keywords if k.name}
        texts = (x.value for x in exprs if isinstance(x, t.Const))
        return frozenset(named | {x for x in texts if isinstance(x, str)})

    def _follow(
        self,
        block: list[t.Stmt],
        scope: Scope,
        found: list[tuple[int, int, str]],
        told: dict[str, Worth],
    ) -> None:
        path = scope.module.path
        for at, stmt in enumerate(block):
            raised = (
                self._raises(stmt, scope)
                or self._missing(stmt, scope)
                or self._imports_broken(stmt, scope)
            )
            inner = t.blocks(stmt) if not isinstance(stmt, t.Function | t.Class) else []
            for each in inner:
                if raised and each and not isinstance(stmt, t.Try):
                    found.append((each[0].line, each[-1].end_line, _told(raised, path, stmt.line)))
                else:
                    self._follow(each, scope, found, told)
            way = decides(stmt.test, told, scope) if told and isinstance(stmt, t.If) else None
            if way is not None and isinstance(stmt, t.If):
                passed, taken = (stmt.orelse, stmt.body) if way else (stmt.body, stmt.orelse)
                why = _told("no call takes this way", path, stmt.line)
                for lines in (passed, block[at + 1 :] if t.leaves(taken, True) else []):
                    if lines and lines[0].line > stmt.line:
                        found.append((lines[0].line, lines[-1].end_line, why))
            left = "" if raised or not self._leaves(stmt, scope) else "code leaves before"
            if (raised or left) and (rest := block[at + 1 :]):
                found.append((rest[0].line, rest[-1].end_line, _told(raised or left, path, stmt.line)))  # fmt: skip
                return

    def _leaves(self, stmt: t.Stmt, scope: Scope) -> bool:
        match stmt:
            case t.Do(value=t.Call(func=func)):
                return self.code.name(func, scope) in EXITS
            case t.With(contexts=contexts):
                words = {t.last_word(t.callee(each)) for each in contexts}
                return words.isdisjoint(_SWALLOWS) and t.leaves([stmt], True)
            case t.While(test=t.Const(value=True), body=body):
                inner = t.walk_own(*body)
                return not any(isinstance(n, t.Jump) and n.kind == "break" for n in inner)
        return t.leaves([stmt], True)

    def _imports_broken(self, stmt: t.Stmt, scope: Scope) -> str:
        broken = (m.path for m in self._brings(stmt, scope) if m.path in self.modules)
        path = next(broken, "")
        return self.modules[path][1] if path and path != scope.module.path else ""

    def _raises(self, stmt: t.Stmt, scope: Scope) -> str:
        """Why a statement surely raises when it is run, whatever stands in its blocks."""
        match stmt:
            case t.Import():
                return self._importing(stmt, scope)
            case t.Class(decorators=decorators, bases=bases, body=body):
                # what stands in brackets may be a parameter of the class: `class Box[ItemT](Base[ItemT])`
                plain = [b.value if isinstance(b, t.Item) else b for b in bases]
                if why := self._evaluating([*decorators, *plain], scope):
                    return why
                inner = scope.module.scopes[id(stmt)]
                return next((why for s in body if (why := self._raises(s, inner))), "")
            case t.Function(decorators=decorators, params=params):
                defaults = [p.default for p in params if p.default is not None]
                return self._evaluating([*decorators, *defaults], scope)
            case t.Assign(value=value, targets=targets) if value is not None:
                owners = [x.value for x in targets if isinstance(x, t.Attr | t.Item)]
                return self._evaluating([value, *owners], scope)
            case t.Do(value=value) | t.Return(value=t.Node() as value):
                return self._evaluating([value], scope)
            case t.If(test=value) | t.While(test=value) | t.For(iter=value) | t.Assert(test=value):
                return self._evaluating([value], scope)
            case t.Match(subject=value):
                return self._evaluating([value], scope)
            case t.With(contexts=contexts):
                return self._evaluating(contexts[:1], scope) or self._unentered(contexts[0], scope)
        return ""

    def _unentered(self, context: t.Expr, scope: Scope) -> str:
        """Why nothing enters a context: it is a coroutine that nothing awaits, `async with connect() as connection`."""
        called = self._owner(context.func, scope) if isinstance(context, t.Call) else None
        if isinstance(called, Located) and _is_plain_function(called) and called.node.is_async:  # type: ignore[attr-defined]
            return f"{t.last_word(t.callee(context))} gives a coroutine, which is no context"
        return ""

    # --- expressions

    def _evaluating(self, exprs: list[t.Expr], scope: Scope, begun: t.Call | None = None) -> str:
        awaited: set[int] = set()
        for node in t.surely(*exprs):
            match node:
                case t.Await(value=value):
                    awaited.add(id(value))
                case t.Name(id=name) if self.code.is_unbound(node, scope):
                    return f"{name} is not defined"
                case t.Attr() if why := self._lacking(node, scope):
                    return why
                case t.Call() if why := self._refused(node, scope):
                    return why
                case t.Call() if node is not begun and (why := self._ended(node, scope, id(node) in awaited)):  # fmt: skip
                    return why
        return ""

    def _ended(self, call: t.Call, scope: Scope, awaited: bool) -> str:
        """Why nothing comes back from a call: it runs a function of the tree that always raises."""
        if self.code.enclosing(scope) is None:
            return ""  # a module that calls `main()` last is none that cannot be imported
        called = self._owner(call.func, scope)
        if not isinstance(called, Located) or not _is_plain_function(called):
            return ""
        return self.always(called) if called.node.is_async is awaited else ""  # type: ignore[attr-defined]

    def refuses(self, call: CallSite) -> bool:
        """Whether a call raises itself, before what it calls is run."""
        return bool(self._evaluating([call.node], call.scope, call.node))

    def _refused(self, call: t.Call, scope: Scope) -> str:
        """Why a function of the tree is not called, or a class not made: the call does not give what it requires, or
        gives what it does not take."""
        called, how = self._owner(call.func, scope), "called"
        if not isinstance(called, Located) or self._is_made(call.func, scope):
            return ""
        if any(isinstance(arg, t.Star) for arg in call.args) or None in {k.name for k in call.keywords}:  # fmt: skip
            return ""
        params = called.node.params if _is_as_written(called) else []  # type: ignore[attr-defined]
        if isinstance(called.node, t.Class):
            constructor, how = self._constructor(called), "made"
            params = constructor.params[1:] if constructor is not None else []
        given = {k.name for k in call.keywords}
        for at, param in enumerate(params):
            if param.kind in ("args", "kwargs") or param.default is not None or param.name in given:
                continue
            if param.kind == "keyword" or at >= len(call.args):
                return f"{t.last_word(call.func)} is {how} without {param.name}"
        unheard = given - {p.name for p in params}
        if params and unheard and all(p.kind != "kwargs" for p in params):
            return f"{t.last_word(call.func)} takes no {min(map(str, unheard))}"
        return ""

    def _constructor(self, kind: Located) -> t.Function | None:
        """The `__init__` that surely runs when a class is called; None where something else may."""
        for name in self.code.ancestry(kind):
            found = self.code.definition(name)
            node = found.node if found is not None else None
            if not isinstance(node, t.Class) or node.keywords or node.decorators:
                return None
            bound = self.code.inside(found).bindings  # type: ignore[arg-type]
            if "__new__" in bound or "metaclass" in bound:
                return None
            made = [s for s in node.body if isinstance(s, t.Function) and s.name == "__init__"]
            if "__init__" in bound:
                (binding, *more) = bound["__init__"]
                plain = made and not more and binding.node is made[0] and not made[0].decorators
                return made[0] if plain else None
        return None

    def _lacking(self, expr: t.Attr, scope: Scope) -> str:
        """Why an attribute is not there, of a module or a class of the tree."""
        if expr.name in _OF_ALL or expr.name.startswith("__"):
            return ""
        match self._owner(expr.value, scope):
            case Module() as module if not self._has(module, expr.name):
                return f"{module.path} has no {expr.name}"
            case Located(node=t.Class(name=name)) as kind:
                made = self._is_made(expr.value, scope)
                if self._class_lacks(kind, expr.name, made, t.last_word(expr.value)):
                    return f"{name} has no {expr.name}"
            case None if (own := self._itself(expr.value, scope)) and self._objects_lack(own, expr.name):  # fmt: skip
                return f"{own.node.name} has no {expr.name}"  # type: ignore[attr-defined]
        return ""

    def _owner(self, expr: t.Expr, scope: Scope, depth: int = 0) -> Module | Located | None:
        """The module, class or function of the tree that an expression surely is, or the class that it is surely made of."""
        match expr:
            case t.Name(id=name):
                bound = self.code.find(name, scope)
                if bound is None or len(bound[1]) != 1 or name in self.code.set_attributes:
                    return None
                where, (binding,) = bound
                if self.code.may_bind(where.module, name):
                    return None
                return self._bound(binding, where, depth)
            case t.Attr(value=value, name=name):
                owner = self._owner(value, scope, depth + 1)
                if isinstance(owner, Module):
                    return self._member(owner, name, depth)
        return None

    def _bound(self, binding: Binding, where: Scope, depth: int) -> Module | Located | None:
        if depth > _DEEPEST:
            return None
        match binding:
            case Binding(kind="definition", node=t.Class() | t.Function() as node):
                return Located(node, where)
            case Binding(kind="import", node=t.Import(module=source), target=target) if source:
                name = target.rpartition(".")[2]
                module = self._module(source, where)
                if module is not None and (found := self._member(module, name, depth)):
                    return found
                return self._module(target, where) if module is None or name not in module.scope.bindings else None  # fmt: skip
            case Binding(kind="import", node=t.Import(names=names), target=target):
                whole = any((alias or name) == target or alias for name, alias in names)
                return self._module(target, where) if whole else None
            case Binding(kind="value", index=None, value=t.Call(func=t.Name() | t.Attr() as func)):
                match self._owner(func, where, depth + 1):
                    case Located(node=t.Class()) as made if not self._is_made(func, where):
                        return made
        return None

    def _member(self, module: Module, name: str, depth: int) -> Module | Located | None:
        bindings = module.scope.bindings.get(name, ())
        if len(bindings) != 1 or name in self.code.set_attributes:
            return None
        if self.code.may_bind(module, name):
            return None
        return self._bound(bindings[0], module.scope, depth + 1)

    def _is_made(self, expr: t.Expr, scope: Scope) -> bool:
        """Whether an expression is an object of the class that owns it, and not the class itself."""
        name = self.code.name(expr, scope)
        return name.endswith("()") or not name

    # --- what is there

    def _has(self, module: Module, name: str) -> bool:
        if self.code.may_have(module, name):
            return True
        folder, is_package, _ = module.path.rpartition("__init__.py")
        return bool(is_package) and self._is_there(folder.rstrip("/"), name)

    def lacks(self, found: Located, name: str) -> bool:
        """Whether a stored object of a class of the tree surely has no attribute of a name."""
        plain = name not in _OF_ALL and not name.startswith("_")
        return plain and self._class_lacks(found, name, True, "")

    def _itself(self, expr: t.Expr, scope: Scope) -> Located | None:
        """The class of which `self` is an object, in a method that is called as it is written."""
        if not isinstance(expr, t.Name) or expr.id != "self":
            return None
        match self.code.find("self", scope):
            case Scope(
                owner=t.Function(params=[first, *_], decorators=[]),
                parent=Scope(owner=t.Class() as kind, parent=Scope() as around),
            ), [Binding(kind="parameter", node=param)]:
                return Located(kind, around) if param is first else None
        return None

    def _objects_lack(self, kind: Located, name: str) -> bool:
        """Whether no object of a class or of its heirs has an attribute, whoever makes it."""
        if name in self.code.set_attributes:
            return False
        key = id(kind.node), name
        if key not in self._lacked:
            heirs = self.code.heirs(kind)
            told = {id(each.node) for each in heirs}
            words = {each.node.name for each in heirs}  # type: ignore[attr-defined]
            self._lacked[key] = (
                self._changed <= {"self"}  # of its own class: `_class_lacks` looks there
                and all(self._named_as_base.get(word, told) <= told for word in words)
                and all(self._class_lacks(each, name, True, "") for each in heirs)
            )
        return self._lacked[key]

    @functools.cached_property
    def _named_as_base(self) -> dict[str, set[int]]:
        """What has a class of this last word for a base, by its `id`: classes, and calls of `type(name, bases, body)`."""
        made = [(s.node, s.node.args[1:2]) for s in self.code.method_calls("type")]
        found: dict[str, set[int]] = {}
        for node, bases in (*((c.node, c.node.bases) for c in self.code.classes()), *made):  # type: ignore[attr-defined]
            for each in t.walk(*bases):
                if isinstance(each, t.Name | t.Attr):
                    found.setdefault(t.last_word(each), set()).add(id(node))
        return found

    def _class_lacks(self, found: Located, name: str, made: bool, spelt: str) -> bool:
        kinds = [k for kind in self.code.ancestry(found) if (k := self.code.definition(kind))]
        if name in self.code.set_attributes or not kinds:
            return False
        for kind in kinds:
            node = kind.node
            if not isinstance(node, t.Class) or node.keywords:
                return False
            if any(t.last_word(t.callee(d)) not in _PLAIN_DECORATORS for d in node.decorators):
                return False
            if not all(self._is_plain(base, kind.scope, name, made, node) for base in node.bases):
                return False
            bound = self.code.inside(kind).bindings
            if not bound.keys().isdisjoint((name, "__getattr__", "__getattribute__")):
                return False
            if self._changes_itself(node):
                return False
        words = {spelt, *(kind.node.name for kind in kinds)}  # type: ignore[attr-defined]
        return words.isdisjoint(self._changed)

    @functools.cache  # noqa: B019 - lives as long as the audit of one tree
    def _changes_itself(self, node: t.Class) -> bool:
        return any(map(_changes, t.walk(*node.body)))

    def _is_plain(self, base: t.Expr, scope: Scope, name: str, made: bool, node: t.Class) -> bool:
        expr = base.value if isinstance(base, t.Item) else base
        told = self.code.name(expr, scope)
        if self.code.definition(told) is not None or told in _PLAIN_BASES:
            return True
        if not made or name.startswith("_") or _OF_MODELS.fullmatch(name):
            return False
        if _STORED.fullmatch(told):
            return name not in _OF_STORED and name not in self._spelt and self._spelt.isdisjoint(_FROM_DATABASE)  # fmt: skip
        if not _MODELS.match(told):
            return False
        texts = (getattr(n, "value", None) or getattr(n, "name", "") for n in t.walk(*node.body))
        return not any(text == "allow" for text in texts)

    @functools.cached_property
    def _spelt(self) -> frozenset[str]:
        """The words of the code that may give a stored object an attribute, as those of backrefs and labels do: all but
        attributes that are asked for, and what migrations say of tables."""
        found: set[str] = set()
        for path, module in self.code.modules.items():
            for node, _ in self.code.nodes(module) if not _OF_MIGRATIONS.search(path) else ():
                match node:
                    case t.Const(value=str(text)):
                        found.update(re.findall(r"\w+", text))
                    case t.Import(names=names):
                        found.update(name for name, _ in names)
                    case t.Function(name=name):
                        found.add(name)
                    case t.Class(name=name):
                        found.update((name, *module.scopes[id(node)].bindings))
                    case t.Call(func=func, keywords=keywords):
                        found.update(k.name for k in keywords if k.name)
                        found.add(t.last_word(func))
        return frozenset(found)

    @functools.cached_property
    def _changed(self) -> frozenset[str]:
        """The words of what gets attributes by names that the code makes up: `setattr(settings, key, value)`."""
        calls = (s for s in self.code.method_calls("setattr") if not isinstance(s.arg(1), t.Const))
        given = [s.node.args[0] for s in (*calls, *self.code.method_calls("vars")) if s.node.args]
        for module in self.code.modules.values():
            for node, _ in self.code.nodes(module):
                if isinstance(node, t.Attr) and node.name == "__dict__":
                    given.append(node.value)
        return frozenset(t.last_word(each) for each in given)

    # --- modules that an import names

    def _importing(self, stmt: t.Import, scope: Scope) -> str:
        module = self._module(stmt.module, scope) if stmt.module else None
        if module is None or module is scope.module:
            return ""
        lacking = (n for n, _ in stmt.names if n != "*" and not self._has(module, n))
        return next((f"{module.path} has no {name}" for name in lacking), "")

    @functools.cached_property
    def asked_in_vain(self) -> frozenset[str]:
        """The modules that an import may ask for what they do not have: it may be called otherwise by now."""
        return frozenset(
            module.path
            for node, scope in self.code.of_kind(t.Import)
            for module in (*self._by_name.get(node.module, ()), self._module(node.module, scope))
            if module and any(n != "*" and not self._has(module, n) for n, _ in node.names)
        )

    def _missing(self, stmt: t.Stmt, scope: Scope) -> str:
        """The module of the tree that an import asks for and that is not there, in a tree that is whole."""
        return self._absent(stmt, scope) if self._is_whole else ""

    @functools.cached_property
    def _is_whole(self) -> bool:
        """Whether the application could start with the modules that are there: else they are left out on purpose."""
        return self._needed.isdisjoint(self._first(self._absent))

    def _absent(self, stmt: t.Stmt, scope: Scope) -> str:
        """The module of the tree that an import asks for and that is not there."""
        if not isinstance(stmt, t.Import):
            return ""
        targets = [stmt.module] if stmt.module else [name for name, _ in stmt.names]
        absent = (target for target in targets if self._is_absent(target, scope))
        return next((f"{target} is not there" for target in absent), "")

    def _module(self, target: str, scope: Scope) -> Module | None:
        return self._module_of(target, scope.module.path)

    @functools.cache  # noqa: B019 - lives as long as the audit of one tree
    def _module_of(self, target: str, path: str) -> Module | None:
        """The one module of the tree that an import can mean: not one that a package may stand before."""
        modules = self.code.modules
        if target.startswith("."):
            where = _place_of(target, path)
            if where is None:
                return None
            at = [p for p in (f"{where}.py", f"{where}/__init__.py".lstrip("/")) if p in modules]
            return modules[at[0]] if len(at) == 1 else None
        named = self._by_name.get(target, ())
        if len(named) != 1 or target.partition(".")[0] in sys.stdlib_module_names:
            return None
        (found,) = named
        return found if found.path != path and self._is_own(target, found, path) else None

    @functools.cached_property
    def _by_name(self) -> dict[str, list[Module]]:
        """The modules by what they are called from each folder above them."""
        found: dict[str, list[Module]] = {}
        for path, module in self.code.modules.items():
            for end in ends(module_name(path)):
                found.setdefault(end, []).append(module)
        return found

    def _is_own(self, target: str, found: Module, path: str) -> bool:
        """Whether a name means a module of the tree and no package: in the same package, or as other imports show."""
        first, root = target.partition(".")[0], _root(found, target)
        if not self._is_root(root) or first.lower() in self._packages:
            return False
        start = f"{root}{first}"
        return ("." in target and path.startswith(f"{start}/")) or start in self._own

    def _is_root(self, folder: str) -> bool:
        """Whether modules are looked for in a folder: not in a package, nor in what other modules name as one."""
        inside = folder.rstrip("/")
        if not inside:
            return True
        return f"{inside}/__init__.py" not in self.code.modules and inside.rpartition("/")[2] not in self._importers  # fmt: skip

    @functools.cached_property
    def _packages(self) -> frozenset[str]:
        """The packages that the tree declares to need, by what they are called where they are imported."""
        declared = (each.name for _, each in self.application.of(Dependency))
        return frozenset(name.lower().replace("-", "_") for name in declared)

    @functools.cached_property
    def _own(self) -> frozenset[str]:
        """The packages and modules of which the tree imports what they have, so that they are its own."""
        found: set[str] = set()
        for target, names in self._asked_of.items():
            first, own = target.partition(".")[0], self._by_name.get(target, ())
            for module in own if len(own) == 1 else ():
                if target == first and module.path in self._importers.get(first, ()):
                    if not module.path.endswith("__init__.py"):
                        continue  # `jwt.py` imports the package `jwt`
                if any(x in module.scope.bindings or f"{target}.{x}" in self._by_name for x in names):  # fmt: skip
                    found.add(f"{_root(module, target)}{first}")
        return frozenset(found)

    @functools.cached_property
    def _asked_of(self) -> dict[str, set[str]]:
        """What is imported from each module, by the name that it is called."""
        found: dict[str, set[str]] = {}
        for node, _ in self.code.of_kind(t.Import):
            found.setdefault(node.module, set()).update(name for name, _ in node.names)
        return found

    @functools.cached_property
    def _importers(self) -> dict[str, set[str]]:
        """The paths of the modules that import something below each first word."""
        found: dict[str, set[str]] = {}
        for node, scope in self.code.of_kind(t.Import):
            for name in [node.module] if node.module else [name for name, _ in node.names]:
                found.setdefault(name.partition(".")[0], set()).add(scope.module.path)
        return found

    def _is_absent(self, target: str, scope: Scope) -> bool:
        """Whether a module that can only be one of the tree is in no file of it."""
        path = scope.module.path
        if target.startswith("."):
            where = _place_of(target, path)
            if where is None or not target.strip("."):
                return False
        else:
            first, _, rest = target.partition(".")
            above = path.split("/")[:-1]
            if not rest or first not in above or first in sys.stdlib_module_names:
                return False
            at = above.index(first)
            root, outer = "/".join(above[: at + 1]), "/".join([*above[:at], "__init__.py"])
            if f"{root}/__init__.py" not in self.code.modules or outer in self.code.modules:
                return (
                    False  # a folder may be one of several of its name, or be called like a package
                )
            where = f"{root}/{rest.replace('.', '/')}"
            if any(name.endswith(f".{target}") or name == target for name in self._by_name):
                return False
        parts = where.split("/")
        for at in range(1, len(parts) + 1):
            folder = "/".join(parts[: at - 1])
            if not self._is_there(folder, parts[at - 1]):
                missing = "/".join(parts[:at])
                if folder not in self._folders:  # of another repository, as a submodule is
                    return False
                return not _MAY_BE_LEFT_OUT.search(parts[at - 1]) and not self._is_ignored(missing)
        return False

    @functools.cached_property
    def _folders(self) -> frozenset[str]:
        """The folders that modules lie in."""
        return frozenset(path.rpartition("/")[0] for path in self.code.modules)

    @functools.cache  # noqa: B019 - lives as long as the audit of one tree
    def _names_in(self, folder: str) -> frozenset[str]:
        """The names in a folder without their endings, also of what is not looked at."""
        try:
            listed = (self.application.tree.root / folder).iterdir()
            return frozenset(each.name.partition(".")[0] for each in listed)
        except OSError:
            return frozenset()

    def _is_there(self, folder: str, name: str) -> bool:
        return name in self._names_in(folder)

    def _is_ignored(self, path: str) -> bool:
        """Whether git would leave a module or package of this path out."""
        parts = path.split("/")
        above = ["/".join(parts[:at]) for at in range(len(parts))]
        read = (
            read_rules(self.application.tree.root / each / ".gitignore", each) for each in above
        )
        rules = [each for each in read if each is not None]
        names = [f"{each}/" for each in (*above[1:], path)] + [f"{path}.py"]
        return any(ignored(rules, name) for name in names)


@provides(Raising)
def raising(application: Application) -> list[Raising]:
    return [Raising(application)]


def _is_as_written(found: Located) -> bool:
    """Whether a function is called as it is written: no decorator takes its place."""
    return isinstance(found.node, t.Function) and not found.node.decorators


def _is_plain_function(found: Located) -> bool:
    """Whether a call of a function runs its body, or makes a coroutine that does: it is decorated by nothing and yields nothing."""
    node = found.node
    own = t.walk_own(*node.body) if isinstance(node, t.Function) else ()
    return _is_as_written(found) and not any(isinstance(n, t.Yield) for n in own)


def _told(why: str, path: str, line: int) -> str:
    return why if why.endswith(")") else f"{why} ({path}:{line})"


def _root(module: Module, target: str) -> str:
    """The folder, with its slash, from which a module has this name."""
    stem = module.path.removesuffix(".py").removesuffix("/__init__")
    return stem[: len(stem) - len(target)]


def _place_of(target: str, path: str) -> str | None:
    """The path, without its ending, that a relative import means; None above the tree."""
    rest = target.lstrip(".")
    up = len(target) - len(rest)
    parts = path.split("/")
    if up > len(parts):
        return None
    return "/".join([*parts[: len(parts) - up], *(rest.split(".") if rest else [])])


def _is_before(module: Module, line: int, raised: int) -> bool:
    """Whether code of a module is run before the line that raises: on the module's own, or called there."""
    around = next((s for s in module.body if s.line <= line <= s.end_line), None)
    if not isinstance(around, t.Function | t.Class):
        return line < raised
    early = [s for s in module.body if s.line < raised and not isinstance(s, t.Function | t.Class)]
    return any(isinstance(n, t.Name) and n.id == around.name for n in t.walk(*early))


def _changes(node: t.Node) -> bool:
    """Whether a class may give itself attributes by names that are made up."""
    if isinstance(node, t.Call):
        return t.last_word(node.func) in _CHANGES_ITSELF
    return isinstance(node, t.Attr) and node.name == "__dict__"
