"""What the expressions of a registration stand for: routers, handlers, paths, dependencies, tests."""

from __future__ import annotations

from auditor.extract.python import tree as t
from auditor.frameworks.fastapi.dependencies import Dependency
from auditor.frameworks.fastapi.router import Key, Router
from auditor.link.application import Application
from auditor.link.contexts import agree, contexts_of
from auditor.link.origins import Env
from auditor.link.scopes import CallSite, Located, Scope, argument, place_of
from auditor.model.values import Known, Setting, Value, possible

APPS = {
    "fastapi.FastAPI": "FastAPI",
    "fastapi.applications.FastAPI": "FastAPI",
    "starlette.applications.Starlette": "Starlette",
}
OBJECTS = {"classy_fastapi.Routable": "router"}
"""Classes whose methods are handlers, and the attribute of their objects that is the router."""
_PASS_ON = {"__init__", "add_api_route"}


class Reading:
    """Reads expressions where they stand, with what their names are bound to."""

    def __init__(self, application: Application) -> None:
        self.application = application
        self.code = application.code
        self.values = application.values
        self.contexts = contexts_of(self.values)
        self.routers: dict[Key, Router] = {}
        self._at: dict[tuple[str, int, int], list[Key]] = {}

    def identify(self, expr: t.Expr | None, scope: Scope, env: Env | None = None) -> list[Key]:
        """The routers that an expression may stand for."""
        with self.values.within(env or {}):
            found = [s.key for s in self.values.sources(expr, scope) if s.key in self._at]
            several = any(len(self._at[key]) > 1 for key in found)
            behind = self.contexts.behind(expr, scope) if several else {}
        if not found:
            if isinstance(expr, t.Attr) and expr.name in OBJECTS.values():
                return [k for k in self.identify(expr.value, scope, env) if self._made_of(k)]
            return self._by_type(expr, scope)
        bound = {**(env or {}), **behind}
        keys = [key for at in found for key in self._at[at]]
        return [key for key in keys if agree(self.routers[key].env, bound)] or keys

    def _by_type(self, expr: t.Expr | None, scope: Scope) -> list[Key]:
        """A parameter that is an application, such as a lifespan's: the one of its module."""
        if self.code.name(expr, scope).removesuffix("()") not in APPS:
            return []
        apps = [key for key, router in self.routers.items() if router.framework]
        here = [key for key in apps if key[0] == scope.module.path]
        return here or (apps if len(apps) == 1 else [])

    def _made_of(self, key: Key) -> list[Located]:
        """The class whose object a router is of, and those of its base classes whose methods it serves."""
        site = self.routers[key].site
        made = self.code.defined(site.node.func, site.scope)
        if made is None or not isinstance(made.node, t.Class):
            return []
        ancestry = self.code.ancestry(made)
        if not OBJECTS.keys() & set(ancestry):
            return []
        return [found for name in ancestry if (found := self.code.definition(name))]

    def _runs(self, node: t.Node, scope: Scope) -> list[Env]:
        """The bindings a place runs under: those it uses, and the loops it stands in."""
        turns = self.contexts.loops_at(node, scope)
        return [
            {**env, **turn}
            for env in self.contexts.of(node, scope)
            for turn in turns
            if agree(env, turn)
        ]

    def _given(self, site: CallSite, keyword: str) -> Located | None:
        """An argument of the call that creates a router, or what its class passes on for it."""
        if (given := self.values.given(site, None, keyword)) is not None:
            return given
        found = self.code.defined(site.node.func, site.scope)
        if found is None or not isinstance(found.node, t.Class):
            return None
        for ancestor in self.code.ancestry(found):
            definition = self.code.definition(ancestor)
            if definition is None:
                continue
            for method in definition.node.body:  # type: ignore[attr-defined]
                if isinstance(method, t.Function) and method.name in _PASS_ON:
                    inner = self.code.inside(Located(method, self.code.inside(definition)))
                    for node in t.walk(*method.body):
                        if passed := _passed_on(node, keyword):
                            return Located(passed, inner)
            for origin in self.values.attribute(definition, keyword):
                return origin
        return None

    def _registers_twice(self, name: str) -> str:
        """The method of a router class of the tree that calls its base's twice, for two paths."""
        found = self.code.definition(name)
        for ancestor in self.code.ancestry(found) if found else ():
            for method in ("api_route", "add_api_route"):
                override = self.code.definition(f"{ancestor}.{method}")
                if override is not None:
                    nodes = t.walk(*override.node.body)  # type: ignore[attr-defined]
                    calls = [n for n in nodes if isinstance(n, t.Call)]
                    own = [c for c in calls if isinstance(c.func, t.Attr) and c.func.name == method]
                    return method if len(own) > 1 else ""
        return ""

    def _around(self, name: str) -> Located | None:
        """What a route class of the tree runs instead of the handler: its `get_route_handler`."""
        found = self.code.definition(name)
        for ancestor in self.code.ancestry(found) if found else ():
            if self.code.definition(f"{ancestor}.get_route_handler"):
                inner = self.code.definition(self.code.result(f"{ancestor}.get_route_handler"))
                if inner is not None and isinstance(inner.node, t.Function):
                    return inner
        return None

    def _condition(self, node: t.Node, scope: Scope) -> str | None:
        """What decides at run time whether a statement runs; None where it never does."""
        for test, outcome in self.contexts.conditions(node, scope):
            value = self._debugs(test, scope) or self.values.value(test, scope)
            settled = next((k.value for k in possible(value)), None)
            if not isinstance(value, Known | Setting) or settled is None:
                return f"`{t.dotted(_subject(test)) or 'a test'}` says so"
            if isinstance(value, Known) and bool(settled) != outcome:
                return None
            if bool(settled) != outcome:
                return f"{value.name} says so" if isinstance(value, Setting) else "a test says so"
        return ""

    def _never(self, site: CallSite) -> bool:
        """Whether the code itself keeps a registration from being run, in debug mode for example."""
        handed = {p.name for p in site.function.params} if site.function else set()
        for test, outcome in self.contexts.conditions(site.node, site.scope):
            named = {n.id for n in t.walk_own(test) if isinstance(n, t.Name)}
            told = self._debugs(test, site.scope)
            if told is None and (not named & handed or self.values.is_bound(test, site.scope)):
                told = self.values.value(test, site.scope)
            if isinstance(told, Known) and bool(told.value) != outcome:
                return True
        return False

    def _debugs(self, test: t.Expr, scope: Scope) -> Value | None:
        """`if app.debug:`: what the application was given, which is False where it was given nothing."""
        if not (isinstance(test, t.Attr) and test.name == "debug"):
            return None
        for key in self.identify(test.value, scope):
            router = self.routers[key]
            if router.framework:
                given = self.values.given(router.site, None, "debug")
                if given is None:
                    return Known(False, place_of(router.site))
                return self.values.value(given.node, given.scope)  # type: ignore[arg-type]
        return None

    def _handed(self, expr: t.Expr, scope: Scope) -> Located | None:
        """The handler that an expression names, also where the call's result takes its name."""
        if isinstance(expr, t.Name) and (found := self.code.find(expr.id, scope)):
            where, bindings = found
            for binding in bindings:
                if isinstance(binding.node, t.Function):
                    return Located(binding.node, where)
        return self._callable(expr, scope)

    def _callable(self, expr: t.Expr | None, scope: Scope) -> Located | None:
        """The handler that an expression names; a bound variable's, a method's by its instance."""
        if expr is None:
            return None
        if found := self.values.method(expr, scope):
            return found
        for source in self.values.sources(expr, scope):
            if isinstance(source.node, t.Name | t.Attr):
                if found := self.values.method(source.node, source.scope):
                    return found
            elif isinstance(source.node, t.Call) and isinstance(source.node.func, t.Name):
                if source.node.func.id in ("partial", "wraps") and source.node.args:
                    return self._callable(source.node.args[0], source.scope)
        return None

    def _keyword_listed(self, site: CallSite, via: str) -> list[Dependency]:
        """What a call lists as `dependencies=`, by itself or in the options that it spreads."""
        given = self.values.given(site, None, "dependencies")
        return self._listed(given.node, given.scope, via) if given else []  # type: ignore[arg-type]

    def _listed(self, expr: t.Expr | None, scope: Scope, via: str) -> list[Dependency]:
        """`dependencies=[Depends(a), Security(b)]`, followed through variables."""
        found: list[Dependency] = []
        match expr:
            case None:
                return found
            case t.BinOp(op="+", left=left, right=right):
                return [*self._listed(left, scope, via), *self._listed(right, scope, via)]
            case t.BoolOp(values=values):
                return [each for value in values for each in self._listed(value, scope, via)]
        for source in self.values.sources(expr, scope):
            if isinstance(source.node, t.BinOp | t.BoolOp) and source.node is not expr:
                found += self._listed(source.node, source.scope, via)
                continue
            items = source.node.items if isinstance(source.node, t.Seq) else [source.node]
            for item in items:
                if isinstance(item, t.Star):
                    found += self._listed(item.value, source.scope, via)
                    continue
                for each in self.values.sources(item, source.scope):  # type: ignore[arg-type]
                    if dependency := Dependency.of(self.values, each.node, each.scope, via):  # type: ignore[arg-type]
                        found.append(dependency)
        return found

    def _parameters(self, function: Located) -> list[Dependency]:
        assert isinstance(function.node, t.Function)
        return [
            dependency
            for param in function.node.params
            if (dependency := Dependency.of_parameter(self.values, param, function.scope))
        ]

    def _text(self, expr: t.Expr | None, scope: Scope, depth: int = 4) -> str:
        """A text, with `{?}` for the parts that cannot be told."""
        if expr is None:
            return ""
        match expr if depth else None:
            case t.Text(parts=parts):
                return "".join(self._text(part, scope, depth - 1) for part in parts)
            case t.BinOp(op="+", left=left, right=right):
                return self._text(left, scope, depth - 1) + self._text(right, scope, depth - 1)
            case t.Choice(test=test, then=then, other=other):
                return self._text(
                    other if self._holds(test, scope) is False else then, scope, depth - 1
                )
            case t.Name() | t.Attr():
                for origin in self.values.origins(expr, scope):
                    if isinstance(origin.node, t.Text | t.BinOp | t.Choice) and self._reached(
                        origin
                    ):
                        return self._text(origin.node, origin.scope, depth - 1)
        text = self.values.text(expr, scope)
        return "{?}" if text is None else text

    def _holds(self, test: t.Expr, scope: Scope) -> bool | None:
        """The outcome of a test, settings taken as they are by default; None where it is not told."""
        told = next(possible(self.values.value(test, scope)), None)
        return None if told is None else bool(told.value)

    def _reached(self, found: Located) -> bool:
        """Whether a statement runs, as far as the tests around it can be told."""
        tests = self.contexts.conditions(found.node, found.scope)
        return all(self._holds(test, found.scope) in (None, outcome) for test, outcome in tests)


def _subject(test: t.Expr) -> t.Expr:
    """What a test is about: its first name or attribute."""
    found = (n for n in t.walk_own(test) if isinstance(n, t.Name | t.Attr))
    return next(found, test)


def _passed_on(node: t.Node, keyword: str) -> t.Expr | None:
    """What `super().__init__(keyword=…)` or `kwargs["keyword"] = …` passes on."""
    match node:
        case t.Call(func=t.Attr(name=name)) if name in _PASS_ON:
            return argument(node, None, keyword)
        case t.Call(func=t.Attr(name="setdefault"), args=[t.Const(value=str(key)), value]):
            return value if key == keyword else None
        case t.Assign(targets=[t.Item(index=t.Const(value=str(key)))], value=value):
            return value if key == keyword else None
    return None
