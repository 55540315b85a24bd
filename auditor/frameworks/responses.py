"""Responses: which calls and exceptions make one, with which status, and what of them is sent.

Sources: the response classes of Starlette, Flask, Werkzeug, Django and DRF as they document them.
"""

from __future__ import annotations

import http
import re

import msgspec

from auditor.extract.python import tree as t
from auditor.link.names import Code
from auditor.link.scopes import Scope, argument
from auditor.link.values import Evaluator
from auditor.model.values import possible

_STATUS_NAMES = ("status_code", "status", "code")
_CLASSES = {
    "HttpResponseBadRequest": 400, "HttpResponseForbidden": 403, "HttpResponseNotFound": 404,
    "HttpResponseNotAllowed": 405, "HttpResponseGone": 410, "HttpResponseServerError": 500,
}  # fmt: skip
_SECOND = {
    "JSONResponse", "ORJSONResponse", "UJSONResponse", "PlainTextResponse", "HTMLResponse",
    "Response", "make_response", "APIResponse",
}  # fmt: skip
"""Responses whose second argument is the status."""
_MAKERS = {*_CLASSES, *_SECOND, "JsonResponse", "HttpResponse", "StreamingHttpResponse", "jsonify"}
_PAGES = {"render", "render_template", "render_template_string", "TemplateResponse"}
_EXCEPTIONS = {
    "APIException": 500, "ValidationError": 400, "ParseError": 400, "NotFound": 404,
    "PermissionDenied": 403, "MethodNotAllowed": 405, "AuthenticationFailed": 401, "NotAuthenticated": 401,
    "BadRequest": 400, "Unauthorized": 401, "Forbidden": 403, "Conflict": 409,
    "UnprocessableEntity": 422, "InternalServerError": 500, "ServiceUnavailable": 503,
    "HttpError": 500, "ProblemException": 500,
}  # fmt: skip
_ANSWERING = re.compile(
    r"^(?:rest_framework\.(?:exceptions|serializers)|werkzeug\.exceptions|ninja\.errors|connexion"
    r"|starlette\.exceptions|fastapi(?:\.exceptions)?)\.(\w+)$"
)
_ABORTS = re.compile(r"^(?:flask|quart|werkzeug\.exceptions|flask_restful|flask_restx|flask_smorest|apiflask)\b.*\babort$")  # fmt: skip


class Answer(msgspec.Struct, frozen=True):
    """What is sent, and with which status; 200 where none is named."""

    sent: tuple[t.Expr, ...]
    status: int
    explicit: bool
    """Whether a response is made here, not only a value returned."""


def returned(values: Evaluator, expr: t.Expr, scope: Scope) -> Answer:
    """The answer that a returned value makes: a response, `body, status`, or plain data."""
    match expr:
        case t.Await(value=inner):
            return returned(values, inner, scope)
        case t.Seq(kind="tuple", items=[body, status, *_]):
            told = status_of(values, status, scope)
            inner_answer = returned(values, body, scope)
            return Answer(inner_answer.sent, told or inner_answer.status, inner_answer.explicit)
        case t.BoolOp(values=parts):  # `render_error(…) or JSONResponse(…)`
            answers = [returned(values, part, scope) for part in parts]
            sent = tuple(x for a in answers for x in a.sent)
            explicit = [a.status for a in answers if a.explicit]
            return Answer(sent, max(explicit, default=200), bool(explicit))
        case t.Call():
            return _call(values, expr, scope)
    return Answer((expr,), 200, False)


def _call(values: Evaluator, call: t.Call, scope: Scope) -> Answer:
    last = t.last_word(call.func)
    sent = (*call.args, *(k.value for k in call.keywords))
    if last in _PAGES:
        return Answer(sent, _named(values, call, scope, None) or 200, True)
    if last in _MAKERS:
        second = 1 if last in _SECOND else 2 if last == "HttpResponse" else None
        status = _named(values, call, scope, second) or _CLASSES.get(last, 200)
        inner = call.args[0] if call.args else None
        if last == "make_response" and isinstance(inner, t.Call | t.Seq):
            nested = returned(values, inner, scope)
            return Answer(sent, status if status != 200 else nested.status, True)
        return Answer(sent, status, True)
    if thrown := raised(values, call, scope):
        return thrown  # `return abort(400, …)`
    return Answer((call,), 200, False)


def raised(values: Evaluator, expr: t.Expr | None, scope: Scope) -> Answer | None:
    """The answer that an exception, or a call of `abort`, makes of itself."""
    if not isinstance(expr, t.Call):
        return None
    code = values.code
    name = code.name(expr.func, scope) or t.dotted(expr.func)
    sent = (*expr.args, *(k.value for k in expr.keywords))
    if _ABORTS.match(name):
        return Answer(sent, _named(values, expr, scope, 0) or 500, True)
    if name.endswith(("HTTPException", "HttpError")):
        told = [argument(expr, 1, "detail", "description", "message", "response")]
        return Answer(tuple(x for x in told if x), _named(values, expr, scope, 0) or 500, True)
    if (known := _ANSWERING.match(name)) and known[1] in _EXCEPTIONS:
        detail = argument(expr, 0, "detail", "description", "message")
        return Answer((detail,) if detail else (), _EXCEPTIONS[known[1]], True)
    found = code.defined(expr.func, scope)
    if found is not None and isinstance(found.node, t.Class):
        for ancestor in code.ancestry(found)[1:]:
            if ancestor.endswith("HTTPException") or _is_answering(ancestor):
                status = _EXCEPTIONS.get(ancestor.rpartition(".")[2], 0)
                return Answer(sent, _named(values, expr, scope, None) or status or 500, True)
    return None


def _is_answering(name: str) -> bool:
    match = _ANSWERING.match(name)
    return match is not None and match[1] in _EXCEPTIONS


def _named(values: Evaluator, call: t.Call, scope: Scope, position: int | None) -> int | None:
    return status_of(values, argument(call, position, *_STATUS_NAMES), scope)


def status_of(values: Evaluator, expr: t.Expr | None, scope: Scope) -> int | None:
    """A status: a number, `status.HTTP_400_BAD_REQUEST`, `HTTPStatus.BAD_REQUEST`."""
    if expr is None:
        return None
    words = t.dotted(expr)
    if match := re.search(r"HTTP_(\d{3})", words):
        return int(match[1])
    if match := re.search(r"HTTPStatus\.(\w+)", words):
        return http.HTTPStatus.__members__.get(match[1])
    for known in possible(values.value(expr, scope)):
        if isinstance(known.value, int) and 100 <= known.value < 600:
            return known.value
    return None


def told_to_user(code: Code, call: t.Call, scope: Scope) -> tuple[t.Expr, ...]:
    """What a call shows on the next page: `flash(…)`, `messages.error(request, …)`."""
    name = code.name(call.func, scope)
    if name in ("flask.flash", "quart.flash"):
        return tuple(call.args[:1])
    if re.match(r"django\.contrib\.messages(?:\.api)?\.(?:error|warning|info|success)$", name):
        return tuple(call.args[1:2])
    if re.match(r"django\.contrib\.messages(?:\.api)?\.add_message$", name):
        return tuple(call.args[2:3])
    return ()
