"""Error responses: what of an exception reaches the caller (CWE-209)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import msgspec

from auditor.extract.python import tree as t
from auditor.frameworks.django.urls import UrlConf
from auditor.frameworks.fastapi.application import unit_of
from auditor.frameworks.fastapi.routers import Routing
from auditor.frameworks.flask.routing import FlaskRouting
from auditor.frameworks.responses import Answer, raised, returned, told_to_user
from auditor.link.application import Application, provides
from auditor.link.names import Code
from auditor.link.scopes import Located, Scope, place_of
from auditor.link.values import Evaluator
from auditor.model.values import possible
from auditor.model.web import ErrorHandler, Exposure, Route

_UNEXPECTED = re.compile(
    r"^(?:builtins\.)?(?:Exception|BaseException|RuntimeError|OSError|IOError|EnvironmentError|ConnectionError"
    r"|AttributeError|IndexError|NotImplementedError|MemoryError|SystemError|NameError"
    r"|TimeoutError|FileNotFoundError|ImportError|ArithmeticError|ZeroDivisionError)$"
)
_TOLD = re.compile(
    r"(?:Valid|Value|NotFound|Exist|Duplicate|Decode|Parse|HTTPException|Http404|PermissionDenied"
    r"|BadRequest|OAuth|Unauthorized|Forbidden|Signature|Token|Jwt|JWT|Schema|Abort)\w*$"
)
"""Names of exceptions whose text is about what the caller sent."""
_OF_USER = {"builtins.ValueError", "builtins.KeyError", "builtins.TypeError", "builtins.PermissionError",
            "builtins.LookupError", "builtins.AssertionError"}  # fmt: skip
"""Builtins that people raise to tell the caller something."""
_HARMLESS = {
    "status_code", "code", "errors", "messages", "message_dict", "detail", "description", "status",
    "name", "field", "field_name", "title", "error_dict", "normalized_messages", "error_code", "headers",
    "returncode", "errno", "retry_after", "get_full_details", "get_codes", "get_response", "__class__",
    "error_list", "user_message", "json", "error",
}  # fmt: skip
_TELLS_KIND = {"type", "isinstance", "hasattr", "id", "len", "bool", "issubclass"}
_DEBUG = re.compile(r"debug|is_dev|development|local_?env|DEV_MODE|verbose_errors", re.I)
_LOGS = re.compile(r"(?:^|\.)(?:debug|info|warning|warn|error|exception|critical|log|print|capture_\w+|notify)$")  # fmt: skip
_TRACES = re.compile(r"^traceback\.(?:format_\w+|print_exc)$|^sys\.exc_info$")
_MAX_DEPTH = 2


@dataclass
class _Search:
    """Looks through functions for answers that hold an exception's text."""

    values: Evaluator
    answering: set[int]
    """Functions whose returned value becomes the response."""
    seen: set[tuple[str, int, int]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.code = self.values.code

    def function(self, function: Located) -> Iterator[Exposure]:
        """Everything that the `except` clauses of a function give away."""
        inner = self.code.inside(function)
        answers = id(function.node) in self.answering
        body: list[t.Stmt] = function.node.body  # type: ignore[attr-defined]
        for node in t.walk_own(*body):
            if isinstance(node, t.Try):
                for handler in node.handlers:
                    carrier = _Carrier(self, inner, answers, handler.name)
                    expected = self._expected(handler, node, inner)
                    yield from self._found(carrier, handler.body, body, expected)

    def handler(self, function: Located, name: str) -> Iterator[Exposure]:
        """What a function that is called with an exception gives away of it."""
        inner = self.code.inside(function)
        carrier = _Carrier(self, inner, True, name)
        yield from self._found(carrier, function.node.body, (), _Expected(False, False))  # type: ignore[attr-defined]

    def _found(
        self,
        carrier: _Carrier,
        body: Iterable[t.Stmt],
        around: Iterable[t.Stmt],
        expected: _Expected,
    ) -> Iterator[Exposure]:
        found = list(carrier.block(body))
        found += carrier.later(around)
        for where, answer, what in found:
            if expected.by_name or (expected.by_kind and 400 <= answer.status < 500):
                if what != "a traceback":
                    continue
            if where.key not in self.seen:
                self.seen.add(where.key)
                yield Exposure(place_of(where), what, answer.status)

    def _expected(self, handler: t.Handler, attempt: t.Try, scope: Scope) -> _Expected:
        """Whether the text of what is caught was written to be read by the caller."""
        caught = handler.catches
        if caught is None:
            return _Expected(False, False)
        listed = caught.items if isinstance(caught, t.Seq) else [caught]
        names = [self.code.name(each, scope) or t.dotted(each) for each in listed]
        written = [
            not _UNEXPECTED.match(name)
            and (
                ":" in name
                or (name not in _OF_USER and _TOLD.search(name) is not None)
                or self._raises(attempt, name, scope)
            )
            for name in names
        ]
        kind = all(told or n in _OF_USER for told, n in zip(written, names, strict=True))
        return _Expected(all(written), kind)

    def _raises(self, attempt: t.Try, name: str, scope: Scope) -> bool:
        """Whether what is tried raises it itself, with a text of the tree's."""
        bodies: list[tuple[list[t.Stmt], Scope]] = [(attempt.body, scope)]
        for node in t.walk_own(*attempt.body):
            if isinstance(node, t.Call):
                callee = self.code.defined(node.func, scope)
                if callee is not None and isinstance(callee.node, t.Function):
                    bodies += [
                        (f.node.body, self.code.inside(f))  # type: ignore[attr-defined]
                        for f in self.code.with_callees(callee, 1)
                    ]
        for body, inner in bodies:
            for node in t.walk_own(*body):
                if isinstance(node, t.Raise) and node.exception is not None:
                    if self.code.name(node.exception, inner).removesuffix("()") == name:
                        return True
        return False


class _Expected(msgspec.Struct, frozen=True):
    """`by_name`: its text is for the caller. `by_kind`: it is when the answer is a 4xx."""

    by_name: bool
    by_kind: bool


_Found = tuple[Located, Answer, str]


@dataclass
class _Carrier:
    """What carries an exception's text inside of one handler."""

    search: _Search
    scope: Scope
    answers: bool
    exception: str
    depth: int = 0
    names: dict[str, str] = field(default_factory=dict)
    made: dict[str, Located] = field(default_factory=dict)

    def block(self, body: Iterable[t.Stmt]) -> Iterator[_Found]:
        for stmt in body:
            match stmt:
                case t.If(test=test):
                    if not self.spares(test):
                        yield from self.block(stmt.body)
                    yield from self.block(stmt.orelse)
                case t.For() | t.While():
                    yield from self.block(stmt.body)
                case t.With():
                    yield from self.block(stmt.body)
                case t.Try():
                    for part in (stmt.body, stmt.orelse, stmt.final):
                        yield from self.block(part)
                case t.Assign(value=value) if value is not None:
                    self.assigned(stmt, value)
                case t.Return(value=value) if value is not None:
                    answer = returned(self.search.values, value, self.scope)
                    if self.answers or answer.explicit:
                        yield from self.sent(stmt, answer)
                case t.Raise(exception=exception):
                    if answer_of := raised(self.search.values, exception, self.scope):
                        yield from self.sent(stmt, answer_of)
                case t.Do(value=t.Call() as call):
                    shown = told_to_user(self.search.code, call, self.scope)
                    if shown:
                        yield from self.sent(stmt, Answer(shown, 200, True))
                    elif answer_of := raised(self.search.values, call, self.scope):
                        yield from self.sent(stmt, answer_of)
                    else:
                        self.filled(call)

    def spares(self, test: t.Expr) -> bool:
        """Whether what a test lets through is for developers, or for errors written for the caller."""
        if _DEBUG.search(" ".join(_words(test))):
            return True
        match test:
            case t.Call(func=t.Name(id="isinstance"), args=[t.Name(id=name), kind]) if (
                name == self.exception
            ):
                kinds = kind.items if isinstance(kind, t.Seq) else [kind]
                return not any(
                    _UNEXPECTED.match(self.search.code.name(k, self.scope)) for k in kinds
                )
        return False

    def later(self, around: Iterable[t.Stmt]) -> Iterator[_Found]:
        """A variable that the handler filled and the function returns afterwards."""
        if not self.made:
            return
        for node in t.walk_own(*around):
            if not isinstance(node, t.Return) or node.value is None:
                continue
            answer = returned(self.search.values, node.value, self.scope)
            if not (self.answers or answer.explicit):
                continue
            for part in answer.sent:
                for each in t.walk_own(part):
                    if isinstance(each, t.Name) and (where := self.made.get(each.id)):
                        if where.node.line < node.line:
                            yield where, answer, self.names[each.id]

    def sent(self, stmt: t.Stmt, answer: Answer) -> Iterator[_Found]:
        for part in answer.sent:
            if what := self.internals(part):
                yield Located(stmt, self.scope), answer, what
                return

    def assigned(self, stmt: t.Assign, value: t.Expr) -> None:
        what = self.internals(value)
        for target in stmt.targets:
            name = target
            while isinstance(name, t.Item):
                name = name.value
            if isinstance(name, t.Name):
                if what:
                    self.names[name.id] = what
                    self.made[name.id] = Located(stmt, self.scope)
                elif name is target:
                    self.names.pop(name.id, None)
                    self.made.pop(name.id, None)

    def filled(self, call: t.Call) -> None:
        """`errors.append(str(e))`."""
        match call.func:
            case t.Attr(value=t.Name(id=name), name="append" | "extend" | "update" | "add"):
                for arg in call.args:
                    if what := self.internals(arg):
                        self.names[name] = what
                        self.made[name] = Located(call, self.scope)

    def internals(self, expr: t.Node, depth: int = 0) -> str:
        """What of the exception an expression holds."""
        code = self.search.code
        if depth > 30:
            return ""
        match expr:
            case t.Name(id=name):
                if name == self.exception and name:
                    return "the exception's text"
                return self.names.get(name, "")
            case t.Attr(value=value, name=name):
                if name == "original_exception":
                    return "the exception's text"
                return "" if name in _HARMLESS else self.internals(value, depth + 1)
            case t.Call(func=func, args=args, keywords=keywords):
                name = code.name(func, self.scope) or t.dotted(func)
                if _TRACES.match(name):
                    return "a traceback"
                if name.rpartition(".")[2] in _TELLS_KIND or _LOGS.search(t.dotted(func)):
                    return ""
                given = [*args, *(k.value for k in keywords)]
                callee = code.defined(func, self.scope)
                if callee is not None and isinstance(callee.node, t.Function):
                    return self.through(callee, expr)
                base = (
                    [func.value] if isinstance(func, t.Attr) and func.name not in _HARMLESS else []
                )
                if isinstance(func, t.Attr) and isinstance(func.value, t.Name):
                    if func.value.id == self.exception and func.name not in ("__str__", "with_traceback", "json"):  # fmt: skip
                        base = []
                return self._any([*given, *base], depth)
            case t.Compare():
                return ""
            case t.Choice(test=test, then=then, other=other):
                if self.spares(test):
                    return self.internals(other, depth + 1)
                return self._any([then, other], depth)
        return self._any(t.children(expr), depth)

    def _any(self, parts: Iterable[t.Node], depth: int) -> str:
        return next((what for p in parts if (what := self.internals(p, depth + 1))), "")

    def through(self, callee: Located, call: t.Call) -> str:
        """What a function of the tree returns of an exception that it is given."""
        params = [p.name for p in callee.node.params if p.name not in ("self", "cls")]  # type: ignore[attr-defined]
        given = dict(zip(params, call.args, strict=False))
        given |= {k.name: k.value for k in call.keywords if k.name}
        held = {name: what for name, arg in given.items() if (what := self.internals(arg))}
        if not held or self.depth >= _MAX_DEPTH:
            return ""
        inner = self.search.code.inside(callee)
        below = _Carrier(self.search, inner, True, "", self.depth + 1, dict(held))
        return next((what for _, _, what in below.block(callee.node.body)), "")  # type: ignore[attr-defined]


def _words(expr: t.Expr) -> Iterator[str]:
    for node in t.walk_own(expr):
        match node:
            case t.Name(id=word) | t.Attr(name=word):
                yield word
            case t.Const(value=str(word)):
                yield word


class _Registered(msgspec.Struct, frozen=True):
    """A function that answers for exceptions, and the parameter that it gets them by."""

    function: Located | None
    parameter: int
    general: bool
    caught: str
    handler: ErrorHandler | None
    wrapped: bool = False
    """Whether what the function gets is the framework's own exception around the one raised."""


@provides(Exposure)
def exposures(application: Application) -> Iterator[Exposure]:
    routes = [r.function for r in application.facts(Route) if r.function is not None]
    if not routes:
        return
    search = _Search(application.values, _answering(application.values, routes))
    for each in application.facts(_Registered):
        if each.function is None or not (each.general or _UNEXPECTED.match(each.caught)):
            continue
        params = [p.name for p in each.function.node.params if p.name != "self"]  # type: ignore[attr-defined]
        if each.parameter < len(params):
            name = "" if each.wrapped else params[each.parameter]
            yield from search.handler(each.function, name)
    for function in application.code.functions():
        yield from search.function(function)


def _answering(values: Evaluator, routes: list[Located]) -> set[int]:
    """Handlers, and functions of the tree whose result they return as it is."""
    code = values.code
    found = {id(f.node) for f in routes}
    pending = [(f, 0) for f in routes]
    while pending:
        function, depth = pending.pop()
        inner = code.inside(function)
        for node in t.walk_own(*function.node.body):  # type: ignore[attr-defined]
            if not isinstance(node, t.Return) or node.value is None or depth >= _MAX_DEPTH:
                continue
            for sent in returned(values, node.value, inner).sent:
                call = sent.value if isinstance(sent, t.Await) else sent
                callee = code.defined(call.func, inner) if isinstance(call, t.Call) else None
                if callee is not None and isinstance(callee.node, t.Function):
                    if id(callee.node) not in found:
                        found.add(id(callee.node))
                        pending.append((callee, depth + 1))
    return found


@provides(ErrorHandler)
def error_handlers(application: Application) -> Iterator[ErrorHandler]:
    for each in application.facts(_Registered):
        if each.general and each.handler is not None:
            yield each.handler


def general_handlers(application: Application) -> Iterator[Located]:
    """The functions that are called with every exception that nothing else caught."""
    for each in application.facts(_Registered):
        if each.general and each.function is not None:
            yield each.function


@provides(_Registered)
def starlette_handlers(application: Application) -> Iterator[_Registered]:
    """`@app.exception_handler(Exception)`, `add_exception_handler(Exception, …)`, `exception_handlers=`."""
    (routing,) = application.facts(Routing)
    if not routing.routers:
        return
    code = application.code
    for site in code.method_calls("exception_handler", "add_exception_handler"):
        if not isinstance(site.node.func, t.Attr):
            continue
        given = site.arg(0, "exc_class_or_status_code")
        function = code.decorated(site.node) or _defined(code, site.arg(1, "handler"), site.scope)
        for key in routing.identify(site.node.func.value, site.scope):
            handler = ErrorHandler(place_of(site), unit_of(key[0]))
            yield _registered(application, given, site.scope, function, 1, handler)
    for site in code.calls("fastapi.FastAPI", "starlette.applications.Starlette"):
        for source in application.values.sources(site.arg(None, "exception_handlers"), site.scope):
            if isinstance(source.node, t.Map):
                for kind, value in zip(source.node.keys, source.node.values, strict=True):
                    handler = ErrorHandler(place_of(site), unit_of(site.path))
                    function = _defined(code, value, source.scope)
                    yield _registered(application, kind, source.scope, function, 1, handler)


@provides(_Registered)
def flask_handlers(application: Application) -> Iterator[_Registered]:
    """`@app.errorhandler(Exception)`, `app.register_error_handler(500, …)`, and a blueprint's own.

    https://flask.palletsprojects.com/en/stable/errorhandling/: for a code the function gets an
    HTTPException, whose text the framework wrote.
    """
    (routing,) = application.facts(FlaskRouting)
    if not routing.nodes:
        return
    code = application.code
    apps = [key for key, node in routing.nodes.items() if node.kind == "app"]
    for site in code.method_calls("errorhandler", "app_errorhandler", "register_error_handler"):
        if not isinstance(site.node.func, t.Attr):
            continue
        given = site.arg(0, "code_or_exception", "code")
        function = code.decorated(site.node) or _defined(code, site.arg(1, "f"), site.scope)
        keys = routing.identify(site.node.func.value, site.scope) or apps[:1]
        for key in keys[:1]:
            handler = ErrorHandler(place_of(site), unit_of(key[0]))
            yield _registered(application, given, site.scope, function, 0, handler, wraps=True)


@provides(_Registered)
def django_handlers(application: Application) -> Iterator[_Registered]:
    """`handler500` in the URL configuration: https://docs.djangoproject.com/en/stable/ref/urls/."""
    for conf in application.facts(UrlConf):
        for module in application.code.modules.values():
            for binding in module.scope.bindings.get("handler500", ()):
                if binding.value is not None and module.path.endswith("urls.py"):
                    place = place_of(Located(binding.value, module.scope))
                    handler = ErrorHandler(place, conf.project.name)
                    yield _Registered(None, 0, True, "500", handler)


def _registered(
    application: Application,
    given: t.Expr | None,
    scope: Scope,
    function: Located | None,
    parameter: int,
    handler: ErrorHandler,
    wraps: bool = False,
) -> _Registered:
    caught = application.code.name(given, scope)
    statuses = [k.value for k in possible(application.values.value(given, scope))]
    general = 500 in statuses or caught in (
        "builtins.Exception", "werkzeug.exceptions.InternalServerError",
    )  # fmt: skip
    wrapped = wraps and caught != "builtins.Exception"
    return _Registered(function, parameter, general, caught, handler, wrapped)


def _defined(code: Code, expr: t.Expr | None, scope: Scope) -> Located | None:
    found = code.defined(expr, scope) if expr is not None else None
    return found if found is not None and isinstance(found.node, t.Function) else None
