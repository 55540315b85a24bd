"""What runs: whether a place in the code is reached when the application starts or serves.

From the application objects' modules, imports run module-level code; startup handlers, lifespans
and routes run functions; functions run what they call. A script that only its own
`if __name__ == "__main__"` starts is reached by nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from auditor.extract.python import tree as t
from auditor.link.application import Application, provides
from auditor.link.layout import module_name
from auditor.link.names import Code
from auditor.link.scopes import Located, Module, Scope
from auditor.link.values import Evaluator
from auditor.model.values import Known, Unknown, Value

_RUNS = {
    "submit", "map", "imap", "starmap", "apply", "apply_async", "run_in_executor", "to_thread", "run_sync",
    "run_in_threadpool", "sync_to_async", "async_to_sync", "Thread", "Timer", "Process", "partial", "add_task", "add_job", "call_soon",
    "call_later", "on_commit", "enqueue", "retry_call", "start_soon", "spawn",
}  # fmt: skip
"""What runs the functions that it is handed: pools, threads, loops, schedulers, queues."""


@dataclass
class Reach:
    """Functions and modules that the application's own start or its routes run."""

    code: Code
    roots: list[Module]
    started: list[Located] = field(default_factory=list)
    """Functions that start the application: what makes it."""
    handlers: list[Located] = field(default_factory=list)
    modules: dict[str, str] = field(default_factory=dict)
    functions: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        pending = [(module, "start") for module in self.roots]
        while pending:
            module, how = pending.pop()
            if module.path in self.modules:
                continue
            self.modules[module.path] = how
            pending += [(found, how) for found in imported(self.code, module)]
        for path in self.modules:
            self._run_module(self.code.modules[path])
        for how, functions in (("start", self.started), ("handler", self.handlers)):
            for function in functions:
                self._run(function, how)

    def _run_module(self, module: Module) -> None:
        """Everything a module does when it is imported, and every handler it registers."""
        for stmt in module.body:
            if not is_main_guard(stmt):
                self._calls(stmt, module.scope, "start")
        for node, scope in self.code.nodes(module):
            if isinstance(node, t.Function) and _is_handed(node):
                self._run(Located(node, scope), "handler")
            elif isinstance(node, t.Call):
                last = node.func.name if isinstance(node.func, t.Attr) else ""
                registers = last in (
                    "add_event_handler",
                    "add_api_route",
                    "add_task",
                    "create_task",
                    "add_job",
                )
                for keyword in node.keywords:
                    if keyword.name == "on_startup" and isinstance(keyword.value, t.Comp):
                        for listed in self._listed(keyword.value, scope):
                            self._run(listed, "handler")
                for value in [k.value for k in node.keywords] + (node.args if registers else []):
                    if found := self._function(value, scope):
                        self._run(found, "handler")
                if isinstance(node.func, t.Name) and node.func.id == "Depends" and node.args:
                    if found := self._function(node.args[0], scope):
                        self._run(found, "handler")

    def _listed(self, made: t.Comp, scope: Scope) -> list[Located]:
        """`[f for name, f in locals().items() if name.startswith("on_start")]`: functions of a module."""
        parts = [part for loop in made.loops for part in (loop.iter, *loop.conditions)]
        asked = [n for n in t.walk_own(*parts) if isinstance(n, t.Call)]
        module = None
        for call in asked:
            last = t.last_word(call.func)
            if last in ("locals", "globals", "dir", "vars") and not call.args:
                module = scope.module
            elif last in ("vars", "dir", "getmembers") and call.args:
                name = self.code.name(call.args[0], scope)
                module = self.code.modules.get(name.removeprefix("module:"))
        if module is None:
            return []
        starts = [
            str(call.args[0].value)
            for call in asked
            if t.last_word(call.func) == "startswith"
            and call.args
            and isinstance(call.args[0], t.Const)
        ]
        return [
            Located(stmt, module.scope)
            for stmt in module.body
            if isinstance(stmt, t.Function)
            and not stmt.decorators
            and (not starts or stmt.name.startswith(tuple(starts)))
        ]

    def _function(self, expr: t.Expr, scope: Scope) -> Located | None:
        if not isinstance(expr, t.Name | t.Attr):
            return None
        found = self.code.defined(expr, scope)
        return found if found and isinstance(found.node, t.Function) else None

    def _run(self, function: Located, how: str) -> None:
        if id(function.node) in self.functions:
            return
        self.functions[id(function.node)] = how
        assert isinstance(function.node, t.Function)
        inner = self.code.inside(function)
        for stmt in function.node.body:
            self._calls(stmt, inner, how)

    def _calls(self, stmt: t.Node, scope: Scope, how: str) -> None:
        for node in t.walk_own(stmt):
            if not isinstance(node, t.Call):
                continue
            if t.last_word(node.func) in _RUNS:
                for value in (*node.args, *(k.value for k in node.keywords)):
                    if (handed := self._function(value, scope)) is not None:
                        self._run(handed, how)
            found = self.code.defined(node.func, scope)
            if found is None:
                continue
            if isinstance(found.node, t.Function):
                self._run(found, how)
            else:
                inner = self.code.inside(found)
                bases = {t.last_word(base) for base in found.node.bases}  # type: ignore[attr-defined]
                runs = ("__init__", "run") if bases & {"Thread", "Process"} else ("__init__",)
                for method in found.node.body:  # type: ignore[attr-defined]
                    if isinstance(method, t.Function) and method.name in runs:
                        self._run(Located(method, inner), how)

    def run_statement(self, stmt: t.Stmt, scope: Scope) -> None:
        """Count what a statement runs as started, too: that below a main guard, in a program."""
        self._calls(stmt, scope, "start")

    def started_by(self, found: Located) -> str:
        """ "start" or "handler" when the application runs this place, empty when nothing does."""
        function = found.scope.function
        if function is None:
            return self.modules.get(found.path, "")
        return self.functions.get(id(function), "")


def is_main_guard(stmt: t.Stmt) -> bool:
    """`if __name__ == "__main__":`."""
    match stmt:
        case t.If(test=t.Compare(left=t.Name(id="__name__"))):
            return True
    return False


def around(site: Located) -> list[t.If]:
    """The `if` statements of its own function or module that a place stands in, outermost first."""
    body: list[t.Stmt] = getattr(site.scope.owner, "body", None) or site.scope.module.body
    found: list[t.If] = []
    while True:
        holding = next((s for s in body if t.holds([s], site.node)), None)
        inner = t.blocks(holding) if holding is not None else []
        below = next((block for block in inner if t.holds(block, site.node)), None)
        if below is None:
            return found
        if isinstance(holding, t.If):
            found.append(holding)
        body = below


def branches_of(site: Located, outer: Located) -> tuple[int, ...]:
    """The branches that a run takes to a place, and not to another: see `assembly.Branches`."""
    common = {id(stmt) for stmt in around(outer)}
    return tuple(
        id(stmt) if t.holds(stmt.body, site.node) else -id(stmt)
        for stmt in around(site)
        if id(stmt) not in common
    )


def goes_on(site: Located, later: Located) -> bool:
    """Whether a run goes on from a place to a later one: not out of a branch that ends by leaving the function."""
    common = {id(stmt) for stmt in around(later)}
    return not any(
        id(stmt) not in common
        and t.leaves(stmt.body if t.holds(stmt.body, site.node) else stmt.orelse)
        for stmt in around(site)
    )


def under(values: Evaluator, site: Located, value: Value) -> Value:
    """What a value that is on is worth below the conditions it stands in.

    A condition that cannot be told and speaks of development makes it one for development: off.
    """
    for outer in _conditions(site):
        test = values.value(outer.test, site.scope)
        if isinstance(test, Unknown) and _of_development(outer.test):
            return Known(False, test.place)
        if isinstance(test, Unknown) and _of_development(outer.test, negated=True):
            continue
        if not (isinstance(test, Known) and test.value):
            return test
    return value


def for_developers(values: Evaluator, site: Located) -> bool:
    """Whether a place is run only where the code tells that a developer is at work: `if DEBUG:`."""
    for outer in _conditions(site):
        if _of_development(outer.test):
            test = values.value(outer.test, site.scope)
            if not (isinstance(test, Known) and test.value):
                return True
    return False


def _conditions(site: Located) -> Iterator[t.If]:
    """The `if` statements whose body, not whose `else`, holds a place."""
    for outer in around(site):
        if not is_main_guard(outer) and t.holds(outer.body, site.node):
            yield outer


def _of_development(test: t.Expr, negated: bool = False) -> bool:
    """Whether a condition speaks of development; `negated`, of anything but it."""
    if isinstance(test, t.Unary) and test.op == "not":
        return negated and _of_development(test.value)
    words = (word for node in t.walk_own(test) for word in _word(node))
    return not negated and any(map(_DEVELOPS.search, words))


_DEVELOPS = re.compile(r"debug|(?:^|_)dev(?:el|elopment)?(?:_|$)|(?:^|_)local(?:_|$)", re.I)


def _word(node: t.Node) -> Iterator[str]:
    match node:
        case t.Name(id=word) | t.Attr(name=word):
            yield word
        case t.Const(value=str(word)):
            yield word


_ENTRY = re.compile(
    r"(?:^|/)(?:wsgi|asgi|gunicorn(?:\.conf|_conf|_config)?|settings/(?!test|local|dev)\w+|(?:base|production|prod)_settings)\.py$"
)
"""Modules that a server or Django loads by their names."""
_HOOKS = re.compile(r"(?:^|/)gunicorn(?:\.conf|_conf|_config)?\.py$")
"""gunicorn calls the functions of its configuration (`post_fork`, `when_ready`)."""


OF_METHODS = {"classmethod", "staticmethod", "abstractmethod", "property", "cached_property", "override", "overload"}  # fmt: skip
"""What says of a method how it is called, and hands it to nobody."""


def _is_handed(function: t.Function) -> bool:
    """Whether a decorator hands it to what will call it; not one by which somebody starts it at a terminal, of click or Flask."""
    words = {t.last_word(t.callee(each)) for each in function.decorators}
    return not words <= OF_METHODS and words.isdisjoint({"command", "group"})


def _is_ready(found: Located) -> bool:
    """Django calls `ready` of every application's configuration."""
    owner = found.scope.owner
    return (
        isinstance(found.node, t.Function)
        and found.node.name == "ready"
        and isinstance(owner, t.Class)
        and any(t.last_word(base).endswith("Config") for base in owner.bases)
    )


def imported_from(code: Code, paths: set[str]) -> set[str]:
    """The modules of the tree that some modules import, near and far, themselves included."""
    pending = [code.modules[path] for path in paths if path in code.modules]
    found: set[str] = set()
    while pending:
        module = pending.pop()
        if module.path not in found:
            found.add(module.path)
            pending += imported(code, module)
    return found


def imported(code: Code, module: Module) -> Iterator[Module]:
    for node, scope in code.nodes(module):
        if isinstance(node, t.Import):
            yield from named_by(code, node, scope)


def named_by(code: Code, node: t.Import, scope: Scope) -> Iterator[Module]:
    """The modules of the tree that an import names."""
    for name, _ in node.names:
        dots = node.module if node.module.endswith(".") else node.module + "."
        target = dots + name if node.module else name
        for candidate in (target, target.rpartition(".")[0]):
            if candidate.strip(".") or candidate:
                if found := code.module_of(candidate, scope):
                    yield found
                    if name == "*":
                        yield from _offered(code, found)


def _offered(code: Code, package: Module) -> Iterator[Module]:
    """The modules below a package that `from package import *` imports: those that its `__all__` names, or may name.

    Source: https://docs.python.org/3/tutorial/modules.html#importing-from-a-package.
    """
    if not package.path.endswith("__init__.py"):
        return
    folder = package.path.removesuffix("__init__.py")
    for binding in package.scope.bindings.get("__all__", ()):
        value = binding.value if isinstance(binding.value, t.Seq | t.BinOp) else None
        # None where they are put together: of the files of the folder
        told = {n.value for n in t.walk(value) if isinstance(n, t.Const)} if value else None
        for path, module in code.modules.items():
            name = module_name(path.removeprefix(folder))
            if path.startswith(folder) and "." not in name and module is not package:
                if told is None or (name in told and name not in package.scope.bindings):
                    yield module


_SERVED = re.compile(r"(?:^|/)(?:app|main|server|application|wsgi|asgi)\.py$")


def _completes(code: Code, module: Module, made: set[str]) -> bool:
    """Whether a server loads a module that takes an application from another and goes on with it."""
    return bool(_SERVED.search(module.path)) and any(
        found.path in made for found in imported(code, module)
    )


_FACTORY = re.compile(r"(?:create|make|build|get|init)_(?:\w+_)?app(?:lication)?$")


def _makes(module: Module) -> bool:
    """Whether a module makes an application for a server when it is loaded: `app = create_app()`."""
    for name in ("app", "application"):
        for binding in module.scope.bindings.get(name, ()):
            if isinstance(binding.value, t.Call) and _FACTORY.search(t.dotted(binding.value.func)):
                return True
    return False


@provides(Reach)
def reach(application: Application) -> list[Reach]:
    from auditor.model.web import Route, WebApp

    code = application.code
    apps, routes = application.facts(WebApp), application.facts(Route)
    roots = [code.modules[app.place.path] for app in apps]
    roots += (
        [m for path, m in code.modules.items() if _ENTRY.search(path) or _makes(m)] if apps else []
    )
    starts = {app.place.path for app in apps}
    roots += [m for m in code.modules.values() if m.path not in starts and _completes(code, m, starts)]  # fmt: skip
    made = [code.enclosing(app.source.scope) for app in apps if app.source is not None]
    made += [found for found in code.functions() if _is_ready(found)] if apps else []
    handlers = [found for r in routes for found in (r.function, *r.dependencies) if found]
    handlers += [found for found in code.functions() if _HOOKS.search(found.path)] if apps else []
    return [Reach(code, roots, [f for f in made if f is not None], handlers)]
