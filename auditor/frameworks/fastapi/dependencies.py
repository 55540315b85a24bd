"""FastAPI's dependency injection: what a parameter gets, and what a dependency demands.

https://fastapi.tiangolo.com/tutorial/dependencies/ and .../security/: `Depends(f)` and
`Security(f)` as a default, inside `Annotated`, through an alias in another module, with a class
(its constructor runs), an instance (its `__call__` runs) or a function that returns a function.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import msgspec

from auditor.extract.python import tree as t
from auditor.frameworks.guards import CREDENTIAL, DEMANDS_ANY, GUARDING_NAME, Guards
from auditor.frameworks.inputs import is_model
from auditor.libraries.authentication import PRESENCE_SCHEMES, known_guard
from auditor.link.application import Application
from auditor.link.checks import Origin, Strength
from auditor.link.contexts import contexts_of
from auditor.link.names import Code
from auditor.link.origins import Env
from auditor.link.scopes import Located, Scope, argument, arguments, place_of
from auditor.link.values import Evaluator, fills_parameters
from auditor.model.places import Place
from auditor.model.web import Guard, Guarding, Parameter

_DEPENDS = {
    "fastapi.Depends",
    "fastapi.Security",
    "fastapi.param_functions.Depends",
    "fastapi.param_functions.Security",
    "fastapi.params.Depends",
    "fastapi.params.Security",
}
SOURCES = {
    f"{module}.{name}": name.lower()
    for module in ("fastapi", "fastapi.params", "fastapi.param_functions")
    for name in ("Path", "Query", "Header", "Cookie", "Body", "Form", "File")
}
"""What a default says of a parameter: the part of the request that gives it."""
_REQUESTS = re.compile(r"^(?:fastapi|starlette)(?:\.\w+)*\.(?:Request|HTTPConnection)$")
_PLUMBING = re.compile(
    r"^(?:fastapi|starlette)(?:\.\w+)*\.(?:Response|BackgroundTasks|WebSocket|SecurityScopes)$"
)
_OF_CREDENTIALS = re.compile(r"auth|jwt|token|credential", re.I)
_KEPT_OF_CALLERS = re.compile(r"user|account|principal|identity|auth|claims|tenant", re.I)
_HANDS_OUT = re.compile(r"(?:get|make|create|open)?_?(?:\w+_)?session", re.I)
"""Names of what hands a session out, whoever is calling."""
_UPLOAD = re.compile(r"(?:fastapi|starlette)(?:\.\w+)*\.UploadFile")
_BOUNDS = {
    "min_length", "max_length", "pattern", "regex", "ge", "gt", "le", "lt", "multiple_of",
    "max_items", "min_items", "max_digits",
}  # fmt: skip


@dataclass
class Dependency:
    """One `Depends(…)`: what runs (`target`), under which name, and how the route gets it."""

    name: str
    place: Place
    via: str
    target: Located | None
    env: Env = field(default_factory=dict)
    """What the calls that make it bind: `RoleChecker("admin")`, `current_user(optional=True)`."""
    made: Located | None = None
    """The call that makes it, where a library's function does: its arguments say what it demands."""

    @property
    def short(self) -> str:
        return re.split(r"[.:]", self.name.replace("()", ""))[-1] or "a dependency"

    @classmethod
    def of(cls, values: Evaluator, expr: t.Expr, scope: Scope, via: str) -> Dependency | None:
        """The dependency that a `Depends(…)` expression declares."""
        if not isinstance(expr, t.Call) or values.code.name(expr.func, scope) not in _DEPENDS:
            return None
        return cls._running(values, argument(expr, 0, "dependency"), Located(expr, scope), via)

    @classmethod
    def of_parameter(cls, values: Evaluator, param: t.Param, scope: Scope) -> Dependency | None:
        """What a parameter depends on; `scope` is the one around its function."""
        code = values.code
        for found in declarations(values, param, scope):
            call = found.node
            if isinstance(call, t.Call) and code.name(call.func, found.scope) in _DEPENDS:
                what = argument(call, 0, "dependency")
                if what is None:  # Depends() on an annotated class
                    annotated = plain_annotation(values, param, scope)
                    if annotated is None:
                        return None
                    what, found = annotated.node, Located(call, annotated.scope)  # type: ignore[assignment]
                return cls._running(values, what, found, "parameter")
        return None

    @classmethod
    def _running(
        cls, values: Evaluator, what: t.Expr | None, depends: Located, via: str
    ) -> Dependency | None:
        code = values.code
        at = Located(what, depends.scope) if what is not None else depends
        target = None
        if isinstance(what, t.Attr):
            target = values.method(what, depends.scope)
        name = code.name(what, depends.scope)
        env = contexts_of(values).behind(what, depends.scope)
        with values.within(env):
            sources = values.sources(what, depends.scope)
        named = [s for s in sources if isinstance(s.node, t.Name | t.Attr)]
        if named and (env or not name):  # what a function of the tree gives, as it was called
            at = named[0]
            name = code.name(at.node, at.scope) or name  # type: ignore[arg-type]
        made = next(iter(values.sources(at.node, at.scope)), None)  # type: ignore[arg-type]
        if target is None or not isinstance(target.node, t.Function):
            target = running(code, name)
        made = made if made is not None and isinstance(made.node, t.Call) else None
        if target is None and made is not None:
            with values.within(env):
                target = copied(values, made)
        return cls(name, place_of(depends), via, target, env, made)


def class_dependencies(values: Evaluator, method: Located) -> list[Dependency]:
    """What a class-based view depends on for each of its methods (fastapi-utils' `@cbv(router)`).

    https://fastapi-utils.davidmontague.xyz/user-guide/class-based-views/: attributes of the class
    and parameters of its constructor are injected.
    """
    owner = method.scope.owner
    if not isinstance(owner, t.Class) or method.scope.parent is None:
        return []
    outer = method.scope.parent
    if not any(isinstance(decorator, t.Call) for decorator in owner.decorators):
        return []  # a plain class: nobody injects anything
    found: list[Dependency] = []
    for ancestor in values.code.ancestry(Located(owner, outer)):
        definition = values.code.definition(ancestor)
        if definition is None:
            continue
        inner = values.code.inside(definition)
        for stmt in definition.node.body:  # type: ignore[attr-defined]
            params: list[t.Param] = []
            if isinstance(stmt, t.Assign) and isinstance(stmt.targets[0], t.Name):
                at, name = (stmt.line, stmt.column, stmt.end_line), stmt.targets[0].id
                params = [t.Param(*at, name, "keyword", stmt.annotation, stmt.value)]
            elif isinstance(stmt, t.Function) and stmt.name == "__init__":
                params = stmt.params[1:]
            for param in params:
                if dependency := Dependency.of_parameter(values, param, inner):
                    found.append(replace(dependency, via="class"))
    return found


def running(code: Code, name: str) -> Located | None:
    """The function of the tree that runs when something of this canonical name is called."""
    found = code.definition(name.removesuffix("()"))
    if found is None or (name.endswith("()") and isinstance(found.node, t.Function)):
        return None
    if isinstance(found.node, t.Function):
        return found
    method = "__call__" if name.endswith("()") else "__init__"
    for ancestor in code.ancestry(found):
        if inherited := code.definition(f"{ancestor}.{method}"):
            return inherited
    return None


def copied(values: Evaluator, made: Located) -> Located | None:
    """The function that `partial(f, …)` calls, or that `update_wrapper(copy, f)` is a copy of."""
    assert isinstance(made.node, t.Call)
    position = _COPYING.get(values.code.name(made.node.func, made.scope))
    given = argument(made.node, position, "wrapped") if position is not None else None
    for source in values.sources(given, made.scope):
        found = values.code.defined(source.node, source.scope)  # type: ignore[arg-type]
        if found is not None and isinstance(found.node, t.Function):
            return found
    return None


_COPYING = {"functools.partial": 0, "copy.copy": 0, "functools.update_wrapper": 1}


def declarations(values: Evaluator, param: t.Param, scope: Scope) -> Iterator[Located]:
    """What is said of a parameter besides its type: its default, and `Annotated` metadata."""
    if param.annotation is not None:
        for source in values.sources(param.annotation, scope):
            match source.node:
                case t.Item(value=base, index=t.Seq(items=[_, *metadata])):
                    if values.code.name(base, source.scope).endswith(".Annotated"):
                        for item in metadata:
                            yield from values.sources(item, source.scope)
    if isinstance(param.default, t.Call | t.Name | t.Attr):
        yield from values.sources(param.default, scope)


def plain_annotation(values: Evaluator, param: t.Param, scope: Scope) -> Located | None:
    """A parameter's type without `Annotated` and `Optional` around it."""
    if param.annotation is None:
        return None
    found = Located(param.annotation, scope)
    for source in values.sources(param.annotation, scope):
        match source.node:
            case t.Item(value=base, index=t.Seq(items=[first, *_])) if values.code.name(
                base, source.scope
            ).endswith(".Annotated"):
                found = Located(first, source.scope)
    match found.node:
        case t.Item(value=base, index=index) if values.code.name(base, found.scope).endswith(
            ".Optional"
        ):
            return Located(index, found.scope)
        case t.BinOp(op="|", left=left):
            return Located(left, found.scope)
    return found


@fills_parameters
def filled_by_depends(values: Evaluator, param: t.Param, scope: Scope) -> str:
    """The canonical name of what FastAPI passes for a parameter with a dependency."""
    if scope.parent is None or (param.default is None and param.annotation is None):
        return ""
    dependency = Dependency.of_parameter(values, param, scope.parent)
    if dependency is None or not dependency.name:
        return ""
    filled = values.code.result(dependency.name)
    declared = values.code.name(param.annotation, scope.parent)
    return "" if values.code.tells_more(declared, filled) else filled


class DependencyGuards(Guards):
    """Judges FastAPI's dependencies as guards."""

    def __init__(self, application: Application) -> None:
        super().__init__(application)
        self._guarantees: dict[tuple[object, ...], Strength] = {}
        self._guards: dict[tuple[object, ...], list[Guard]] = {}
        self._wrapping: dict[int, bool] = {}

    def origin(self, param: t.Param, scope: Scope) -> Origin | None:
        """What a parameter holds: a verified identity, an optional one, or a caller's word."""
        if scope.parent is None:
            return None
        dependency = Dependency.of_parameter(self.values, param, scope.parent)
        if dependency is None:
            return None
        if guard := known_guard(dependency.name, dependency.made):
            if guard.state in (Guarding.ENFORCED, Guarding.OPTIONAL):
                return Origin(truth=Strength.VERIFIED)
        if self._scheme(dependency.name):
            return Origin(caller=True)
        if dependency.target is None:  # a package's object that is made of the request
            return Origin(caller=bool(_OF_CREDENTIALS.search(dependency.name)))
        with self.checks.within(dependency.env):
            summary = self.checks.summary(dependency.target)
            if self._takes_credential(dependency.target) or summary.denies:
                truth = max(self.established(dependency.target), summary.when_truthy)
                return Origin(caller=truth < Strength.VERIFIED, truth=truth)
        return Origin(caller=self._wraps_request(dependency.target))

    def _wraps_request(self, function: Located) -> bool:
        """Whether a dependency makes an object of the request: `RequestContext(request=request)`."""
        key = id(function.node)
        if key not in self._wrapping:
            requests = {
                p.name
                for p in function.node.params  # type: ignore[attr-defined]
                if p.annotation is not None
                and _REQUESTS.match(self.code.name(p.annotation, function.scope))
            }
            self._wrapping[key] = bool(requests) and any(
                isinstance(node, t.Call)
                and t.last_word(node.func)[:1].isupper()
                and any(isinstance(x, t.Name) and x.id in requests for x in arguments(node))
                for node in t.walk_own(*function.node.body)  # type: ignore[attr-defined]
            )
        return self._wrapping[key]

    def _scheme(self, name: str) -> bool:
        """Whether a dependency is a security scheme, own subclasses without a check included."""
        if not name.endswith("()"):
            return False
        return any(PRESENCE_SCHEMES.fullmatch(kind[:-2]) for kind in self.code.kinds(name))

    def below(self, function: Located) -> list[Located]:
        """The functions that a dependency's own parameters depend on, all the way down."""
        found: dict[int, Located] = {}
        pending = [function]
        while pending:
            for dependency in self._own(pending.pop()):
                if dependency.target is not None and id(dependency.target.node) not in found:
                    found[id(dependency.target.node)] = dependency.target
                    pending.append(dependency.target)
        return list(found.values())

    def _own(self, function: Located) -> list[Dependency]:
        assert isinstance(function.node, t.Function)
        found = []
        for param in function.node.params:
            if dependency := Dependency.of_parameter(self.values, param, function.scope):
                found.append(dependency)
        return found

    def established(self, function: Located) -> Strength:
        """What has been established once a dependency returned, its own dependencies included."""
        key = (id(function.node), self.checks.instance)
        if key not in self._guarantees:
            self._guarantees[key] = Strength.NONE  # a cycle ends here
            self._guarantees[key] = self._with_own(function)
        return self._guarantees[key]

    def _with_own(self, function: Located) -> Strength:
        own = self.checks.summary(function).guaranteed
        for dependency in self._own(function):
            guard = known_guard(dependency.name, dependency.made)
            if guard is not None and guard.state is Guarding.ENFORCED:
                return Strength.VERIFIED
            if dependency.target is not None:
                with self.checks.within(dependency.env):
                    own = max(own, self.established(dependency.target))
            elif self._scheme(dependency.name):
                own = max(own, Strength.FORM)  # it demands a credential, any
        return own

    def _takes_credential(self, function: Located) -> bool:
        assert isinstance(function.node, t.Function)
        for param in function.node.params:
            dependency = Dependency.of_parameter(self.values, param, function.scope)
            if dependency is not None:
                if self._scheme(dependency.name) or known_guard(dependency.name):
                    return True
                if dependency.target is None and _OF_CREDENTIALS.search(dependency.name):
                    return True
                continue
            for found in declarations(self.values, param, function.scope):
                if isinstance(found.node, t.Call):
                    source = SOURCES.get(self.code.name(found.node.func, found.scope))
                    if source in ("header", "cookie") and CREDENTIAL.search(param.name):
                        return True
        inner = self.code.inside(function)
        for node in t.walk_own(*function.node.body):
            match node:
                case t.Attr(name="headers" | "cookies" | "session", value=value):
                    if _REQUESTS.match(self.code.name(value, inner).removesuffix("()")):
                        return True
                case t.Attr(name=name, value=t.Attr(name="state", value=value)) if (
                    _KEPT_OF_CALLERS.search(name)  # a middleware has put it there
                ):
                    if _REQUESTS.match(self.code.name(value, inner).removesuffix("()")):
                        return True
        return False

    def before(self, function: Located) -> Iterator[Located]:
        return (d.target for d in self._own(function) if d.target is not None)

    def means_to_guard(self, function: Located) -> bool:
        """Whether a dependency is there to turn callers away, judged by name and behaviour."""
        assert isinstance(function.node, t.Function)
        name = function.node.name
        if name in ("__call__", "__init__"):
            name = function.scope.qualname
        summary = self.checks.summary(function)
        if summary.denies:
            return True
        if not summary.rejects and _HANDS_OUT.fullmatch(name):
            return False
        takes = self._takes_credential(function)
        called = GUARDING_NAME.search(name) or GUARDING_NAME.search(_maker(function))
        return (bool(called) and (takes or not self._own(function))) or (
            takes and bool(CREDENTIAL.search(name) or re.search("user", name, re.I))
        )

    def could_be_injected(self, function: Located) -> bool:
        """Whether a function is written to guard routes: as a dependency, or to run in a handler's stead.

        A helper is given what it checks; a dependency asks for the request, or has it injected.
        """
        node = function.node
        assert isinstance(node, t.Function)
        if {p.kind for p in node.params} >= {"args", "kwargs"}:
            return True
        if isinstance(function.scope.owner, t.Class) and node.name != "__call__":
            return False
        return self._takes_credential(function) or any(
            Dependency.of_parameter(self.values, param, function.scope) is not None
            or _REQUESTS.match(self.code.name(param.annotation, function.scope))
            for param in node.params
        )

    def exchanges(self, function: Located) -> bool:
        """Whether all that it can verify came in the body: it sees no header, cookie or session."""
        inputs = tuple(self._inputs(function, "", 4))
        sources = {p.source for p in inputs}
        brings = [p for p in inputs if p.source in ("body", "form")]
        if not brings or sources & {"header", "cookie"}:
            return False
        if any(p.model is not None and not is_model(self.code, p.model) for p in brings):
            return False  # no model: whatever fills it was not told
        seen = {f.key: f for f in (function, *self.below(function))}
        seen |= {f.key: f for each in list(seen.values()) for f in self.code.with_callees(each, 2)}
        return not any(self._takes_credential(each) for each in seen.values())

    def demands(self, dependency: Dependency) -> bool:
        """Whether a dependency, or one below it, is a scheme that turns away who sends nothing."""
        if dependency.target is None:
            return self._scheme(dependency.name)
        below = [dependency.target, *self.below(dependency.target)]
        return any(self._scheme(d.name) for function in below for d in self._own(function))

    def of(self, dependency: Dependency) -> list[Guard]:
        """The guards that a dependency brings: itself, or those it depends on in turn."""
        if known := known_guard(dependency.name, dependency.made):
            return [
                Guard(dependency.short, dependency.place, dependency.via, known.state, known.reason)
            ]
        if dependency.target is None:
            return self._outside(dependency)
        function = dependency.target
        if self.means_to_guard(function):
            with self.checks.within(dependency.env):
                state, reason = self.judge(function)
            name = dependency.short
            if state is Guarding.DECORATIVE:
                name = _maker(function) or name
            guard = Guard(name, place_of(function, name), dependency.via, state, reason)
            return [self.exchanging(guard, function)]
        key = (id(function.node), self.checks.instance)
        if key not in self._guards:
            self._guards[key] = []  # a cycle ends here
            below = [guard for inner in self._own(function) for guard in self.of(inner)]
            self._guards[key] = list(dict.fromkeys(below))
        return [msgspec.structs.replace(guard, via=dependency.via) for guard in self._guards[key]]

    def _outside(self, dependency: Dependency) -> list[Guard]:
        if self._scheme(dependency.name):
            place, state = dependency.place, Guarding.DECORATIVE
            return [Guard(dependency.short, place, dependency.via, state, DEMANDS_ANY)]
        if dependency.name and self.may_guard(dependency.name):
            reason = f"{dependency.name} lies outside this tree and is not known"
            return [
                Guard(dependency.short, dependency.place, dependency.via, Guarding.UNKNOWN, reason)
            ]
        return []

    # --- what a handler takes in

    def inputs(self, function: Located | None, path: str) -> tuple[Parameter, ...]:
        """The handler's parameters that come from the request."""
        if function is None:
            return ()
        return tuple(self._inputs(function, path, 4))

    def _inputs(self, function: Located, path: str, depth: int) -> Iterator[Parameter]:
        """The parameters of a handler, and of what it depends on: the framework fills them too."""
        assert isinstance(function.node, t.Function)
        for param in function.node.params:
            dependency = Dependency.of_parameter(self.values, param, function.scope)
            if dependency is None:
                if found := self._input(param, function, path):
                    yield found
            elif dependency.target is not None and depth:
                yield from self._inputs(dependency.target, path, depth - 1)

    def _input(self, param: t.Param, function: Located, path: str) -> Parameter | None:
        if param.name in ("self", "cls") or param.kind in ("args", "kwargs"):
            return None
        place = place_of(Located(param, function.scope), function.node.name)  # type: ignore[attr-defined]
        declared = "", False
        for found in declarations(self.values, param, function.scope):
            if isinstance(found.node, t.Call):
                name = self.code.name(found.node.func, found.scope)
                bounds = any(k.name in _BOUNDS for k in found.node.keywords)
                declared = SOURCES.get(name, declared[0]), declared[1] or bounds
        annotation = plain_annotation(self.values, param, function.scope)
        kind = self.code.name(annotation.node, annotation.scope) if annotation else ""  # type: ignore[arg-type]
        if _PLUMBING.match(kind):
            return None
        model = self.code.definition(kind)
        source = declared[0] or self._source(param.name, kind, model, path, annotation)
        bounded = declared[1] or self._bounded(kind, model)
        return Parameter(param.name, source, kind, bounded, place, model)

    def _source(
        self, name: str, kind: str, model: Located | None, path: str, annotation: Located | None
    ) -> str:
        if re.search(r"\{" + re.escape(name) + r"(?::\w+)?\}", path):
            return "path"
        if _REQUESTS.match(kind):
            return "request"
        if _UPLOAD.search(kind) or (annotation and "UploadFile" in _words(annotation.node)):
            return "file"
        if kind in ("builtins.dict", "typing.Dict", "typing.Any", "builtins.list", "typing.List"):
            return "body"
        if model is not None and isinstance(model.node, t.Class) and not self._is_enum(model):
            return "body"
        if annotation is not None and isinstance(annotation.node, t.Item):
            base = self.code.name(annotation.node.value, annotation.scope).rpartition(".")[2]
            if base.lower() in ("dict", "list", "mapping", "sequence", "set"):
                return "body"
        return "query"

    def _is_enum(self, model: Located) -> bool:
        return any(name.startswith("enum.") for name in self.code.ancestry(model))

    def _bounded(self, kind: str, model: Located | None) -> bool:
        """A type that leaves no room for arbitrary text or numbers."""
        if model is not None and isinstance(model.node, t.Class):
            return self._is_enum(model)
        return kind.startswith(("uuid.", "datetime.", "typing.Literal")) or kind in (
            "builtins.bool",
            "pydantic.EmailStr",
            "pydantic.HttpUrl",
        )


def _maker(function: Located) -> str:
    """The name of the function that makes a dependency: `def require(right): def check(): …`."""
    owner = function.scope.owner
    return owner.name if isinstance(owner, t.Function) else ""


def _words(node: t.Node) -> set[str]:
    return {
        n.id if isinstance(n, t.Name) else n.name
        for n in t.walk_own(node)
        if isinstance(n, t.Name | t.Attr)
    }
