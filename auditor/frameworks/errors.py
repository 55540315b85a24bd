"""Error responses: what of an exception reaches the caller (CWE-209)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from auditor.extract.python import tree as t
from auditor.frameworks.fastapi import unit_of
from auditor.frameworks.fastapi_routers import Routing
from auditor.link.application import Application, provides
from auditor.link.names import Code, Located, Scope, argument
from auditor.link.values import place_of
from auditor.model.values import possible
from auditor.model.web import ErrorHandler, Exposure, Route

_EXPECTED = {
    "builtins.ValueError", "builtins.KeyError", "builtins.TypeError", "builtins.PermissionError",
    "pydantic.ValidationError", "fastapi.HTTPException", "fastapi.exceptions.RequestValidationError",
    "starlette.exceptions.HTTPException",
}  # fmt: skip
"""Exceptions that people raise to tell the caller something."""
_TELLING = re.compile(r"(?:Valid|Value|NotFound|Exists|Duplicate)\w*$")


@provides(Exposure)
def exposures(application: Application) -> Iterator[Exposure]:
    code = application.code
    handlers = {id(r.function.node) for r in application.facts(Route) if r.function is not None}
    for function in code.functions():
        inner = code.inside(function)
        answers = id(function.node) in handlers
        for node in t.walk_own(*function.node.body):  # type: ignore[attr-defined]
            if isinstance(node, t.Try):
                for handler in node.handlers:
                    yield from _handler(application, handler, inner, answers)


def _handler(
    application: Application, handler: t.Handler, scope: Scope, answers: bool
) -> Iterator[Exposure]:
    code = application.code
    for node in t.walk_own(*handler.body):
        sent: t.Expr | None = None
        status = 500
        match node:
            case t.Raise(exception=t.Call() as call) if _is_http(code, call, scope):
                sent = argument(call, 1, "detail", "description")
                status = _status(application, call, scope)
            case t.Return(value=value) if answers and value is not None:
                sent = value
                status = 200
        if sent is None or (status < 500 and status != 200 and _expected(code, handler, scope)):
            continue
        if what := _internals(code, sent, handler.name, scope):
            yield Exposure(place_of(Located(node, scope)), what, status)


def _is_http(code: Code, call: t.Call, scope: Scope) -> bool:
    name = code.name(call.func, scope) or t.dotted(call.func)
    return name.endswith("HTTPException")


def _status(application: Application, call: t.Call, scope: Scope) -> int:
    value = application.values.value(argument(call, 0, "status_code"), scope)
    for known in possible(value):
        if isinstance(known.value, int):
            return known.value
    words = t.dotted(argument(call, 0, "status_code"))
    match = re.search(r"HTTP_(\d{3})", words)
    return int(match[1]) if match else 500


def _expected(code: Code, handler: t.Handler, scope: Scope) -> bool:
    caught = handler.catches
    listed = caught.items if isinstance(caught, t.Seq) else [caught]
    names = [code.name(each, scope) for each in listed]
    return all(name in _EXPECTED or ":" in name or _TELLING.search(name) for name in names)


def _internals(code: Code, sent: t.Expr, exception: str, scope: Scope) -> str:
    """What of an exception an expression holds; a log call inside sends nothing."""
    for node in t.walk_own(sent):
        match node:
            case t.Name(id=name) if exception and name == exception:
                return "the exception's text"
            case t.Call(func=func) if code.name(func, scope).startswith("traceback."):
                return "a traceback"
            case t.Call(func=func) if code.name(func, scope) == "sys.exc_info":
                return "the exception"
    return ""


@provides(ErrorHandler)
def error_handlers(application: Application) -> Iterator[ErrorHandler]:
    """`@app.exception_handler(Exception)` and `add_exception_handler(Exception, …)`."""
    (routing,) = application.facts(Routing)
    code = application.code
    for site in code.method_calls("exception_handler", "add_exception_handler"):
        caught = code.name(site.arg(0, "exc_class_or_status_code"), site.scope)
        status = application.values.value(site.arg(0, "exc_class_or_status_code"), site.scope)
        general = caught == "builtins.Exception" or any(k.value == 500 for k in possible(status))
        if general and isinstance(site.node.func, t.Attr):
            for key in routing.identify(site.node.func.value, site.scope):
                yield ErrorHandler(place_of(site), unit_of(key[0]))
