"""Under which bindings a place in the code runs: loops unrolled, callers' arguments, instances.

`for name in ("cars", "leads"): app.include_router(make(name))` runs twice, `make` once for each. A
place that stands in a loop over a literal sequence, in a function that is called with different
arguments, or in a method of a class that is instantiated several times, is looked at once for each,
with the names bound (`Evaluator.within`).
"""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Callable, Iterable

from msgspec.structs import replace

from auditor.extract.python import tree as t
from auditor.link.origins import Env, call_of
from auditor.link.scopes import CallSite, Located, Scope
from auditor.link.turns import MAX_CALLS, MAX_CONTEXTS, Turns
from auditor.link.values import Evaluator

_MAX_DEPTH = 6
_MAX_STEPS = 400
"""Steps that one text may take, against hostile code."""
UNTIED = (0, "")
"""In the bindings of a call: that it does not say on which instance of its class it runs."""

Idle = Callable[[CallSite], bool]
"""Whether a call is never made."""


def _never(call: CallSite) -> bool:
    return False


class Contexts(Turns):
    """The bindings of places; remembers what it found."""

    def __init__(self, values: Evaluator) -> None:
        super().__init__(values)
        self._rests: dict[tuple[int, int], t.Expr] = {}
        self._making: list[t.Call] = []
        self._steps = 0

    def of(self, node: t.Node, scope: Scope) -> list[Env]:
        """The bindings under which `node` is evaluated; a single empty one in the plain case."""
        envs: list[Env] = [{}]
        for where, loop in self._loops_around(node, scope):
            turns = [
                {(id(where), n): x for n, x in turn.items()} for turn in self._turns(loop, where)
            ]
            if turns:
                envs = [{**env, **turn} for env in envs for turn in turns][:MAX_CONTEXTS]
            elif any(envs):  # what it loops over hangs on the loop around it
                envs = [{**e, **turn} for e in envs for turn in self._turns_within(loop, where, e)]
                envs = envs[:MAX_CONTEXTS]
        here: Scope | None = scope
        while here is not None:
            if isinstance(here.owner, t.Function):
                runs = self._runs(here)
                if runs:
                    envs = [{**run, **env} for env in envs for run in runs][:MAX_CONTEXTS]
            here = here.parent
        return envs

    def behind(self, expr: t.Expr | None, scope: Scope, depth: int = 0) -> Env:
        """What the calls that create `expr` bind in the functions and constructors they run."""
        if expr is None or depth > _MAX_DEPTH:
            return {}
        match expr:
            case t.Call():
                env = self.bound_by(CallSite(expr, scope))
                function = self.code.defined(expr.func, scope)
                if function is not None and isinstance(function.node, t.Function):
                    inner = self.code.inside(function)
                    for node in t.walk_own(*function.node.body):
                        if isinstance(node, t.Return) and node.value is not None:
                            env = {**self.behind(node.value, inner, depth + 1), **env}
                return env
            case t.Name() | t.Attr():
                env = {}
                for origin in self.values.origins(expr, scope):
                    if origin.node is not expr:
                        env |= self.behind(origin.node, origin.scope, depth + 1)  # type: ignore[arg-type]
                if isinstance(expr, t.Attr):
                    env = {**self.behind(expr.value, scope, depth + 1), **env}
                return env
        return {}

    def bound_by(self, site: CallSite) -> Env:
        """What a call binds: the parameters of a function, or an instance's `self` as well."""
        found = self.code.defined(site.node.func, site.scope)
        if found is None:
            return {}
        if isinstance(found.node, t.Function):
            return self._parameters(found, site, _taken_by_object(found, site.node))
        env = self.instance(found)
        if constructor := self._constructor(self.code.ancestry(found)):
            return {**env, **self._parameters(constructor, site, 1)}
        return env

    def instance(self, found: Located) -> Env:
        """What an instance of a class binds: `self` in its methods, inherited ones included.

        And what its constructor hands on to those of its bases: `super().__init__("leads")`.
        """
        ancestry = self.code.ancestry(found)
        env: Env = {}
        constructor = self._constructor(ancestry)
        for _ in range(_MAX_DEPTH):
            if constructor is None:
                break
            handed, constructor = self._handed_up(constructor)
            env |= handed
        for ancestor in ancestry:
            definition = self.code.definition(ancestor)
            if definition is None or not isinstance(definition.node, t.Class):
                continue
            inner = self.code.inside(definition)
            for method in definition.node.body:
                if isinstance(method, t.Function) and method.params and not _is_static(method):
                    scope = self.code.inside(Located(method, inner))
                    env[id(scope), method.params[0].name] = found
        return env

    def _constructor(self, ancestry: Iterable[str]) -> Located | None:
        made = (self.code.definition(f"{ancestor}.__init__") for ancestor in ancestry)
        return next((each for each in made if each is not None), None)

    def _handed_up(self, constructor: Located) -> tuple[Env, Located | None]:
        """What a constructor passes to that of a base class, and that one."""
        inner = self.code.inside(constructor)
        for node in t.walk_own(*constructor.node.body):  # type: ignore[attr-defined]
            if isinstance(node, t.Call) and isinstance(node.func, t.Attr):
                if node.func.name == "__init__":
                    above = self.code.defined(node.func, inner)
                    if above is not None and above.node is not constructor.node:
                        by_class = self._by_class(CallSite(node, inner))
                        given = replace(node, args=node.args[1:]) if by_class else node
                        return self._parameters(above, CallSite(given, inner), 1), above
        return {}, None

    def instances(
        self, scope: Scope, unasked: Callable[[Located], bool] = lambda kind: False
    ) -> list[Env]:
        """What the instances of the class bind that a method's scope belongs to, subclasses' too.

        Of a class that the tree instantiates, once for each such call; of others, once, as of a method of the class itself.
        Those of which nothing is asked (`unasked`) are left out, where others of its kind remain.
        """
        owner = scope.of_class
        if owner is None or owner.parent is None:
            return []
        envs: list[Env] = []
        method = self.code.enclosing(scope)
        by_class = method is not None and _is_of_class(method.node)  # type: ignore[arg-type]
        kinds = self._heirs.get(f"{owner.module.path}:{owner.qualname}", ())
        told = [found for kind in kinds if (found := self.code.definition(kind)) is not None]
        asked = [found for found in told if not unasked(found)] if len(told) > 1 else told
        for found in asked or told:
            sites = () if by_class else self.code.calls(self.code.own_name(found))
            made = [self.bound_by(site) for site in sites]
            envs += made or [self.instance(found)]
        alike = {frozenset((key, id(x.node)) for key, x in env.items()): env for env in envs}
        return list(alike.values())[:MAX_CONTEXTS]

    def _parameters(self, function: Located, site: CallSite, skip: int) -> Env:
        assert isinstance(function.node, t.Function)
        inner = self.code.inside(function)
        env: Env = {}
        for index, param in enumerate(function.node.params[skip:]):
            if param.kind in ("args", "kwargs"):
                rest = self._rest(function.node, param, site.node, index)
                env[id(inner), param.name] = Located(rest, site.scope)
                continue
            position = None if param.kind == "keyword" else index
            given = site.arg(position, param.name)
            if given is not None:
                env[id(inner), param.name] = Located(given, site.scope)
            elif param.default is not None:
                env[id(inner), param.name] = Located(param.default, function.scope)
        return env

    def _rest(self, function: t.Function, param: t.Param, call: t.Call, index: int) -> t.Expr:
        """What a call leaves for `*args` or `**kwargs`; one node for each, known by its id."""
        key = id(param), id(call)
        if key not in self._rests:
            at = call.line, call.column, call.end_line
            taken = {p.name for p in function.params if p.kind not in ("args", "kwargs")}
            left = [k for k in call.keywords if k.name is None or k.name not in taken]
            names = [t.Const(*at, k.name) if k.name is not None else None for k in left]
            mapped = t.Map(*at, names, [k.value for k in left])  # type: ignore[arg-type]
            listed = t.Seq(*at, "tuple", call.args[index:])
            self._rests[key] = listed if param.kind == "args" else mapped
        return self._rests[key]

    # --- registrations: calls that stand for many

    def calls(
        self,
        site: CallSite,
        depth: int = 2,
        *,
        given: bool = False,
        idle: Idle = _never,
    ) -> list[Env]:
        """The bindings under which a call runs, of the names it uses and no others.

        Unlike `of`, callers are followed to their callers, `depth` levels up, since a registration
        may be handed down through helpers. Where its function gives what it makes (`given`), each
        also tells the call that gets it. Calls that are never made (`idle`) are left out, where others remain.
        """
        loops: dict[int, tuple[Scope, t.For]] = {}
        functions: dict[int, Scope] = {}
        names = sorted({n.id for n in t.walk_own(site.node) if isinstance(n, t.Name)})
        for where, binding in self._bindings(names, site.scope):
            if binding.kind == "element" and isinstance(binding.node, t.For):
                loops.setdefault(id(binding.node), (where, binding.node))
            elif binding.kind == "parameter" and isinstance(where.owner, t.Function):
                functions.setdefault(id(where.owner), where)
        if given and isinstance(site.scope.owner, t.Function):
            functions.setdefault(id(site.scope.owner), site.scope)
        for where, loop in loops.values():  # what is looped over may be a parameter
            over = [n.id for n in t.walk_own(loop.iter) if isinstance(n, t.Name)]
            for outer, binding in self._bindings(over, where):
                if binding.kind == "parameter" and isinstance(outer.owner, t.Function):
                    functions.setdefault(id(outer.owner), outer)
        envs: list[Env] = [{}]
        for inner in sorted(functions.values(), key=lambda s: -s.qualname.count(".")):
            around = [{**env, **run} for env in envs for run in self._decorating(inner, env)]
            runs = [] if around else self._handed(inner, depth, given=given, idle=idle)
            envs = around or [
                {**env, **run} for env in envs for run in ([{}] if _binds(env, inner) else runs)
            ]
            envs = envs[:MAX_CALLS]
        for where, loop in loops.values():
            envs = [
                {**env, **turn} for env in envs for turn in self._turns_within(loop, where, env)
            ][:MAX_CALLS]
        return envs

    def called(self, scope: Scope) -> list[Env]:
        """What each call of the function binds that a scope belongs to; none where nothing calls it."""
        while scope.parent is not None and not isinstance(scope.owner, t.Function):
            scope = scope.parent
        return [env for env in self._handed(scope, 2) if env] if scope.parent is not None else []

    def _handed(
        self,
        inner: Scope,
        depth: int,
        *,
        given: bool = False,
        idle: Idle = _never,
    ) -> list[Env]:
        """What each call of a function binds, with what its own callers bind."""
        return [env for _, env in self.callers(inner, depth, given=given, idle=idle)] or [{}]

    def callers(
        self,
        inner: Scope,
        depth: int = 2,
        most: int = MAX_CALLS,
        *,
        given: bool = False,
        idle: Idle = _never,
    ) -> list[tuple[CallSite, Env]]:
        """The calls of a function, each once for everything that its own callers bind."""
        function = self.code.enclosing(inner)
        name = f"{inner.module.path}:{inner.qualname}"
        found: list[tuple[CallSite, Env]] = []
        called = self.code.calls(name) if depth and function is not None else ()
        sites = [site for site in called if site.scope is not inner]  # it calls itself
        for site in [site for site in sites if not idle(site)] or sites:
            params = inner.owner.params  # type: ignore[union-attr]
            skip = 1 if params and params[0].name in ("self", "cls") else 0
            bound = self._parameters(function, site, skip)  # type: ignore[arg-type]
            if skip and (owner := self._called_on(site)) is not None:
                made = self._made_of(site)
                bound = {**made, **bound, (id(inner), params[0].name): owner}
                if not made and not self._of_itself(site) and not self._by_class(site):
                    bound[UNTIED] = owner
            if given:
                bound[call_of(inner)] = Located(site.node, site.scope)
            around = self.calls(site, depth - 1, given=given, idle=idle)
            found += [(site, {**e, **bound}) for e in around]
            if len(found) > most:
                break
        return found

    def _called_on(self, site: CallSite) -> Located | None:
        """The class on whose instances a call runs a method: of `self`, the one it stands in."""
        if not isinstance(site.node.func, t.Attr):
            return None
        receiver = site.node.func.value
        if self._of_itself(site):
            scope = site.scope.of_class
            return Located(scope.owner, scope.parent) if scope and scope.parent else None  # type: ignore[arg-type]
        found = self.code.definition(self.code.name(receiver, site.scope).removesuffix("()"))
        return found if found is not None and isinstance(found.node, t.Class) else None

    def _of_itself(self, site: CallSite) -> bool:
        """`self.find(…)`, `super().find(…)`, `self.above.find(…)` after `self.above = super()`: on whatever
        instance runs the method around it."""
        receiver = site.node.func.value  # type: ignore[union-attr]
        if isinstance(receiver, t.Attr) and t.dotted(receiver.value) == "self":
            made = [x.node for x in self.values.sources(receiver, site.scope)]
            receiver = made[0] if len(made) == 1 else receiver
        if isinstance(receiver, t.Call):
            return t.dotted(receiver.func) == "super"
        return isinstance(receiver, t.Name) and receiver.id in ("self", "cls")

    def _by_class(self, site: CallSite) -> bool:
        """`Lead.by_key(key)`: of the class itself, whatever its instances were made with."""
        assert isinstance(site.node.func, t.Attr)
        found = self.code.definition(self.code.name(site.node.func.value, site.scope))
        return found is not None and isinstance(found.node, t.Class)

    def _made_of(self, site: CallSite) -> Env:
        """What the object was made with on which a call runs a method: `Queries("users").find(…)`."""
        assert isinstance(site.node.func, t.Attr)
        made = self.values.sources(site.node.func.value, site.scope)
        calls = [x for x in made if isinstance(x.node, t.Call)]
        if len(made) == 1 and isinstance(made[0].node, t.Name):
            return self._typed_with(made[0].node, made[0].scope)
        if len(made) != 1 or not calls:
            return {}
        found = self.code.defined(calls[0].node.func, calls[0].scope)  # type: ignore[attr-defined]
        if found is None or not isinstance(found.node, t.Class):
            return {}
        constructor = self._constructor(self.code.ancestry(found))
        if constructor is None:
            return {}
        return self._parameters(constructor, CallSite(calls[0].node, calls[0].scope), 1)  # type: ignore[arg-type]

    def _typed_with(self, name: t.Name, scope: Scope) -> Env:
        """The class that an object was made for by its type: `users: Store[User]` of
        `class Store(Generic[T])`, whose constructor takes a `type[T]`."""
        found = self.code.find(name.id, scope)
        annotation = getattr(found[1][0].node, "annotation", None) if found and found[1] else None
        if annotation is None or found is None:
            return {}
        outer = found[0].parent or found[0]
        for origin in [Located(annotation, outer), *self.values.origins(annotation, outer)[:4]]:
            node = origin.node
            if isinstance(node, t.Item) and t.last_word(node.value) == "Annotated":
                node = node.index.items[0] if isinstance(node.index, t.Seq) else node.index
            owner = (
                self.code.defined(node.value, origin.scope) if isinstance(node, t.Item) else None
            )
            if owner is None or not isinstance(owner.node, t.Class) or not isinstance(node, t.Item):
                continue
            constructor = self._constructor(self.code.ancestry(owner))
            if constructor is None:
                return {}
            inner = self.code.inside(constructor)
            first = node.index.items[0] if isinstance(node.index, t.Seq) else node.index
            return {
                (id(inner), param.name): Located(first, origin.scope)
                for param in constructor.node.params  # type: ignore[attr-defined]
                if isinstance(param.annotation, t.Item)
                and t.last_word(param.annotation.value) in ("type", "Type")
            }
        return {}

    def _same(self, one: Located, two: Located) -> bool:
        """Whether both name the same class of the tree."""
        if not isinstance(one.node, t.Name | t.Attr) or not isinstance(two.node, t.Name | t.Attr):
            return False
        first = self.code.defined(one.node, one.scope)
        second = self.code.defined(two.node, two.scope)
        return first is not None and second is not None and first.node is second.node

    def met(self, instance: Env, call: Env) -> Env | None:
        """Both bindings; None where the call is of another class, or another object, than the instance."""
        for key, given in call.items():
            own = instance.get(key)
            if own is None or own.node is given.node or self._same(own, given):
                continue
            if not isinstance(given.node, t.Class):
                return None
            if self.code.own_name(given) not in self.code.ancestry(own):
                return None
        return {**call, **instance}

    def _decorating(self, inner: Scope, env: Env) -> list[Env]:
        """What each use of a decorator of the tree binds: `@resource("/x")` above a view.

        `inner` is the function that is given the view; what makes it may have parameters as well.
        """
        owner, params = inner.owner, inner.owner.params  # type: ignore[union-attr]
        if _binds(env, inner) or len(params) != 1:
            return []
        found: list[Env] = []
        maker = inner.parent.owner if inner.parent is not None else None
        for used, view in self._decorated.get(id(maker), ()):
            if isinstance(used.node, t.Call):
                given = self._parameters(
                    self.code.defined(used.node.func, used.scope),  # type: ignore[arg-type]
                    CallSite(used.node, used.scope),
                    0,
                )
                found.append({**given, (id(inner), params[0].name): view})
        for used, view in self._decorated.get(id(owner), ()):
            if not isinstance(used.node, t.Call):
                found.append({(id(inner), params[0].name): view})
        return found[:MAX_CALLS]

    @functools.cached_property
    def _decorated(self) -> dict[int, list[tuple[Located, Located]]]:
        """Function of the tree, by the id of its node -> its uses as a decorator, and above what."""
        uses: dict[int, list[tuple[Located, Located]]] = defaultdict(list)
        for found in (*self.code.functions(), *self.code.classes()):
            for decorator in found.node.decorators:  # type: ignore[attr-defined]
                named = t.callee(decorator)
                maker = self.code.defined(named, found.scope)
                if maker is not None and isinstance(maker.node, t.Function):
                    uses[id(maker.node)].append((Located(decorator, found.scope), found))
        return uses

    def text(self, expr: t.Expr | None, scope: Scope) -> str | None:
        """A text, also one that a function of the tree makes of its arguments."""
        if self._steps > _MAX_STEPS:
            return None  # texts that are made of each other
        outermost = not self._steps
        self._steps += 1
        try:
            text = self.values.text(expr, scope)
            return text if text is not None else self._text(expr, scope)
        finally:
            if outermost:
                self._steps = 0

    def _text(self, expr: t.Expr | None, scope: Scope) -> str | None:
        match expr:
            case t.Text(parts=parts):
                texts = [self.text(part, scope) for part in parts]
                return None if None in texts else "".join(x for x in texts if x is not None)
            case t.BinOp(op="+", left=left, right=right):
                one, other = self.text(left, scope), self.text(right, scope)
                return None if one is None or other is None else one + other
            case t.Call(func=func) if expr not in self._making:
                found = self.code.defined(func, scope)
                if found is None or not isinstance(found.node, t.Function):
                    return None
                self._making.append(expr)
                with self.values.within(self._parameters(found, CallSite(expr, scope), 0)):
                    texts = [
                        self.text(node.value, self.code.inside(found))
                        for node in t.walk_own(*found.node.body)
                        if isinstance(node, t.Return) and node.value is not None
                    ]
                self._making.pop()
                return next((text for text in reversed(texts) if text is not None), None)
            case t.Name() | t.Attr():
                for origin in self.values.origins(expr, scope):
                    if isinstance(origin.node, t.Text | t.BinOp | t.Call):
                        return self.text(origin.node, origin.scope)
        return None

    # --- where a place runs

    def _runs(self, scope: Scope, depth: int = 2) -> list[Env]:
        """One environment for each call of the function that `scope` belongs to.

        Callers are followed to their callers, `depth` levels up, where they hand on what they got.
        """
        assert isinstance(scope.owner, t.Function)
        owner = scope.parent
        if owner is not None and isinstance(owner.owner, t.Class):
            made = [self.bound_by(site) for site in self._instantiations(owner)]
            return [env for env in made if env][:MAX_CONTEXTS]
        if not scope.owner.params:
            return []
        name = f"{scope.module.path}:{scope.qualname}"
        sites = [s for s in self.code.calls(name) if s.scope.function is not scope.owner]
        return [env for site in sites[:MAX_CONTEXTS] for env in self._called(site, depth)][
            :MAX_CONTEXTS
        ]

    def _called(self, site: CallSite, depth: int) -> list[Env]:
        """What a call binds; where it hands its own function's parameters on, also what those are."""
        env = self.bound_by(site)
        caller = site.scope.function
        given = {n.id for x in env.values() for n in t.walk_own(x.node) if isinstance(n, t.Name)}
        if caller is None or not depth or given.isdisjoint(p.name for p in caller.params):
            return [env]
        around = site.scope
        while around.owner is not caller and around.parent is not None:
            around = around.parent
        return [{**outer, **env} for outer in self._runs(around, depth - 1)] or [env]

    def _instantiations(self, scope: Scope) -> list[CallSite]:
        """The calls that make an instance of a class or of one that derives from it."""
        name = f"{scope.module.path}:{scope.qualname}"
        return [site for kind in self._heirs.get(name, ()) for site in self.code.calls(kind)]

    @functools.cached_property
    def _heirs(self) -> dict[str, list[str]]:
        """Class -> itself and every class of the tree that derives from it."""
        heirs: dict[str, list[str]] = defaultdict(list)
        for found in self.code.classes():
            ancestry = self.code.ancestry(found)
            for ancestor in ancestry:
                heirs[ancestor].append(ancestry[0])
        return heirs


@functools.lru_cache(maxsize=8)
def contexts_of(values: Evaluator) -> Contexts:
    """The contexts of an evaluator's code, found once."""
    return Contexts(values)


def _taken_by_object(function: Located, call: t.Call) -> int:
    """How many of a method's parameters the object fills on which it is called."""
    assert isinstance(function.node, t.Function)
    if not isinstance(function.scope.owner, t.Class) or not isinstance(call.func, t.Attr):
        return 0
    by_class = t.dotted(call.func.value).rpartition(".")[2] == function.scope.owner.name
    of_class = _is_of_class(function.node)
    return 0 if _is_static(function.node) or (by_class and not of_class) else 1


def _is_of_class(method: t.Function) -> bool:
    return any(t.dotted(each) == "classmethod" for each in method.decorators)


def _is_static(method: t.Function) -> bool:
    return any(t.dotted(each) == "staticmethod" for each in method.decorators)


def agree(one: Env, other: Env) -> bool:
    """Whether two environments bind no name differently."""
    small, large = (one, other) if len(one) < len(other) else (other, one)
    return all(key not in large or large[key].node is small[key].node for key in small)


def _binds(env: Env, scope: Scope) -> bool:
    """Whether an environment binds names of a scope."""
    return any(where == id(scope) for where, _ in env)
