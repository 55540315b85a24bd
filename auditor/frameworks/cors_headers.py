"""Cross-origin policies written by hand: `response.headers["Access-Control-Allow-Origin"] = "*"`.

A header that names one origin lets that one in; the request's own Origin sent back untested lets
in everybody (https://fetch.spec.whatwg.org/#http-cors-protocol).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from auditor.extract.python import tree as t
from auditor.frameworks.fastapi.application import unit_of
from auditor.link.application import Application, provides
from auditor.link.names import Code
from auditor.link.scopes import Located, place_of
from auditor.model.values import Known, possible
from auditor.model.web import CorsPolicy, WebApp

_ORIGIN = "access-control-allow-origin"
_CREDENTIALS = "access-control-allow-credentials"
_ADDS = ("add", "set", "setdefault", "append", "insert", "extend", "set_header")
_RESPONSES = (
    "Response", "make_response", "JSONResponse", "HTMLResponse", "PlainTextResponse", "StreamingResponse",
    "FileResponse", "HttpResponse", "JsonResponse",
)  # fmt: skip
_ASKED = re.compile(r"^(?:http_)?origin$", re.I)


@provides(CorsPolicy)
def policies_by_hand(application: Application) -> Iterator[CorsPolicy]:
    units = sorted({app.name for app in application.facts(WebApp)})
    if not units:
        return
    code, values = application.code, application.values
    for at, given in _set(code):
        function = code.enclosing(at.scope)
        unit = _unit(units, at.path)
        if function is None or unit is None:
            continue
        place = place_of(at)
        reflected = _reflects(given, function.node)
        origins = Known("*", place) if reflected else values.value(given, at.scope)
        if not reflected and not any(True for _ in possible(origins)):
            continue  # what stands behind it tests it, or cannot be told
        # browsers refuse `*` together with credentials, so that only what is sent back counts
        with_credentials = Known(reflected and _sends_credentials(function.node), place)
        yield CorsPolicy(place, unit, origins, None, with_credentials, reflected)


def _set(code: Code) -> Iterator[tuple[Located, t.Expr]]:
    """Where code puts the header on something, and the value it gives."""
    for assign, scope in code.of_kind(t.Assign):
        match assign:
            case t.Assign(targets=[t.Item(index=t.Const(value=str(key)))], value=value) if (
                value is not None and key.lower() == _ORIGIN
            ):
                yield Located(assign, scope), value
    for site in code.method_calls(*_ADDS):
        match site.node.args:
            case [t.Const(value=str(key)), value, *_] if key.lower() == _ORIGIN:
                yield site, value
    for site in code.method_calls(*_RESPONSES):
        headers = site.arg(None, "headers")
        if isinstance(headers, t.Map):
            for key_of, value in zip(headers.keys, headers.values, strict=True):
                if isinstance(key_of, t.Const) and str(key_of.value).lower() == _ORIGIN:
                    yield Located(key_of, site.scope), value


def _unit(units: list[str], path: str) -> str | None:
    """The application that a file belongs to."""
    if len(units) == 1:
        return units[0]
    own = [unit for unit in units if path.startswith(f"{unit}/") or unit_of(path) == unit]
    return max(own, key=len, default="." if "." in units else None)


def _reflects(given: t.Expr, function: t.Node) -> bool:
    """Whether the value is the request's Origin, which no test of the function looks at."""
    kept = {
        target.id: node.value
        for node in t.walk(function)
        if isinstance(node, t.Assign) and node.value is not None
        for target in node.targets
        if isinstance(target, t.Name)
    }
    origin = kept.get(given.id, given) if isinstance(given, t.Name) else given
    if not _asks_origin(origin):
        return False
    name = given.id if isinstance(given, t.Name) else ""
    return not any(
        _mentions(part, name)
        for node in t.walk(function)
        if isinstance(node, t.Compare)
        for part in t.walk(node)
    ) and not any(_tests(node, name) for node in t.walk(function))


def _asks_origin(expr: t.Expr) -> bool:
    """`request.headers.get("Origin", "*")`, `request.headers["Origin"]`, `request.META["HTTP_ORIGIN"]`."""
    match expr:
        case t.Call(func=t.Attr(name="get"), args=[t.Const(value=str(key)), *_]):
            return bool(_ASKED.match(key))
        case t.Item(index=t.Const(value=str(key))):
            return bool(_ASKED.match(key))
        case t.Attr(name="origin", value=owner):
            return t.dotted(owner).endswith("request")
        case t.BoolOp(values=values):
            return any(_asks_origin(each) for each in values)
    return False


def _mentions(node: t.Node, name: str) -> bool:
    if isinstance(node, t.Name):
        return bool(name) and node.id == name
    return isinstance(node, t.Expr) and _asks_origin(node)


def _tests(node: t.Node, name: str) -> bool:
    """A call that is handed the origin where a path is chosen: `if allowed(origin):`."""
    if not isinstance(node, t.If):
        return False
    return any(
        isinstance(call, t.Call) and any(_mentions(arg, name) for arg in call.args)
        for call in t.walk(node.test)
    )


def _sends_credentials(function: t.Node) -> bool:
    return any(
        isinstance(node, t.Const) and str(node.value).lower() == _CREDENTIALS
        for node in t.walk(function)
    )
