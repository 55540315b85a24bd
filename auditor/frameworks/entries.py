"""What enters a handler: which of its parameters, and which globals, hold what the caller sent.

FastAPI declares it by parameters (https://fastapi.tiangolo.com/tutorial/), Flask has a request global
(https://flask.palletsprojects.com/en/stable/api/#flask.request) and converters in its URLs, Django
hands the request to the view and keeps it on class-based ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from auditor.extract.python import tree as t
from auditor.frameworks.fastapi.dependencies import Dependency, declarations, plain_annotation
from auditor.link.flow import (
    Flow,
    Form,
    Hit,
    Source,
    Taint,
    bring,
    bring_source,
    patterned,
    reads_request,
)
from auditor.link.scopes import Located, Scope
from auditor.model.web import Parameter, Route

GLOBALS = {
    "flask.request",
    "flask.globals.request",
    "quart.request",
    "bottle.request",
    "sanic.request",
}
CLEANED = "cleaned_data"
"""What a Django form holds once it is valid: the fields that it declares."""
_NARROW = {"int", "float", "uuid", "bool"}
_OPEN_CONVERTERS = {"", "string", "str", "default", "path", "unicode"}
"""Converters that take any text; `slug`, `any` and an application's own take what their pattern says."""
_HANDED = re.compile(r"^_?(?:request|req)$")


_AS_IT_STANDS = {"Flask", "Quart"}
"""Frameworks that hand on what the URL holds, whatever an annotation says."""


class Entries:
    """The tainted parameters of handlers, by framework."""

    def __init__(self, flow: Flow) -> None:
        self.flow, self.code, self.values = flow, flow.code, flow.values
        self._depended: dict[tuple[int, str], tuple[Taint | None, tuple[Hit, ...]]] = {}

    def of(self, route: Route) -> tuple[dict[str, Taint], list[Hit]]:
        """What a handler's parameters hold, and what was reached on the way to it."""
        function = route.function
        if function is None or not isinstance(function.node, t.Function):
            return {}, []
        here = any(p.place.path == function.path for p in route.parameters)
        if route.framework in ("FastAPI", "Starlette") or (
            here and route.framework not in _AS_IT_STANDS
        ):
            return self._declared(route, function)
        return dict(self._handed(route, function)), []

    # --- FastAPI

    def _declared(self, route: Route, function: Located) -> tuple[dict[str, Taint], list[Hit]]:
        given: dict[str, Taint] = {}
        hits: list[Hit] = []
        known = {(p.place.path, p.place.line, p.name): p for p in route.parameters}
        for param in function.node.params:  # type: ignore[attr-defined]
            parameter = known.get((function.path, param.line, param.name))
            if parameter is not None:
                held = self._parameter(parameter, param, function, route.path)
            elif _HANDED.match(param.name) and route.framework == "Starlette":
                held = Taint(Source("request", "starlette"), Form.REQUEST)
            else:
                held, reached = self._injected(route, known, param, function)
                hits += reached
            if held is not None:
                given[param.name] = held
        return given, hits

    def _parameter(
        self, parameter: Parameter, param: t.Param, function: Located, path: str
    ) -> Taint | None:
        kind = parameter.source
        if kind == "request":
            return Taint(Source("request", "starlette"), Form.REQUEST)
        source = Source(kind, param.name, segment=kind == "path" and not _slashes(path, param.name))
        if kind == "file":
            return Taint(source, Form.FILE)
        if kind == "path" and (_converter(path, param.name) or "") not in _OPEN_CONVERTERS:
            return None
        for found in declarations(self.values, param, function.scope):
            if patterned(found.node):  # type: ignore[arg-type]
                return None
        if param.annotation is None:
            return Taint(source, Form.OBJECT if kind == "body" else Form.TEXT)
        annotation = plain_annotation(self.values, param, function.scope)
        if annotation is None:
            return None
        return self.flow.models.typed(annotation.node, annotation.scope, source)  # type: ignore[arg-type]

    def _injected(
        self,
        route: Route,
        known: dict[tuple[str, int, str], Parameter],
        param: t.Param,
        function: Located,
        depth: int = 0,
    ) -> tuple[Taint | None, tuple[Hit, ...]]:
        """What a dependency returns of what it takes from the request."""
        dependency = Dependency.of_parameter(self.values, param, function.scope)
        if dependency is None or dependency.target is None or depth > 3:
            return None, ()
        target = dependency.target
        key = (id(target.node), route.path if any(k[0] == target.path for k in known) else "")
        if key in self._depended:
            return self._depended[key]
        self._depended[key] = None, ()  # a cycle ends here
        given: dict[str, Taint] = {}
        hits: list[Hit] = []
        for inner in target.node.params:  # type: ignore[attr-defined]
            parameter = known.get((target.path, inner.line, inner.name))
            if parameter is not None:
                held = self._parameter(parameter, inner, target, route.path)
            else:
                held, below = self._injected(route, known, inner, target, depth + 1)
                hits += below
            if held is not None:
                given[inner.name] = held
        if not given and not hits:
            return None, ()
        summary = self.flow.summary(target, given)
        hits += [resolved(hit, given) for hit in summary.hits]
        returned = bring(summary.returns, given)
        if returned is not None and returned.form is Form.REQUEST:
            returned = None
        self._depended[key] = returned, tuple(hits)
        return self._depended[key]

    # --- frameworks that hand out the request, and parts of the URL

    def _handed(self, route: Route, function: Located) -> Iterator[tuple[str, Taint]]:
        assert isinstance(function.node, t.Function)
        params = list(function.node.params)
        if isinstance(function.scope.owner, t.Class) and params:
            params.pop(0)
        for index, param in enumerate(params):
            if index == 0 and (_HANDED.match(param.name) or route.framework.startswith("Django")):
                yield param.name, Taint(Source("request", route.framework), Form.REQUEST)
            elif param.kind in ("positional", "keyword"):
                converter = _converter(route.written, param.name)
                if converter is None or converter not in _OPEN_CONVERTERS:
                    continue
                if route.framework not in _AS_IT_STANDS:
                    if param.default is not None and not converter:
                        continue
                    if param.annotation is not None and t.dotted(param.annotation) in _NARROW:
                        continue
                yield param.name, Taint(Source("path", param.name, segment=converter != "path"))


def resolved(hit: Hit, given: dict[str, Taint]) -> Hit:
    """A hit of a function in terms of what the function was given."""
    source, steps = bring_source(hit.source, given)
    steps = tuple(dict.fromkeys((*steps, *hit.steps)))[:6]
    return Hit(hit.sink, hit.where, hit.what, source, steps)


def _slashes(path: str, name: str) -> bool:
    return _converter(path, name) == "path"


def _converter(path: str, name: str) -> str | None:
    """The converter of a part of a URL; empty where none is named, None where it is no part."""
    found = re.search(
        r"[<{](?:(\w+)(?:\([^)]*\))?:)?\s*" + re.escape(name) + r"(?::([^}>]+))?[>}]", path
    )
    return None if found is None else found[1] or found[2] or ""


@reads_request
def request_global(expr: t.Expr, scope: Scope, flow: Flow) -> Taint | None:
    """`flask.request`, by whatever name a module imports it."""
    match expr:
        case t.Name(id=name):
            found = scope.module.scope.bindings.get(name, ())
            if any(b.kind == "import" and b.target in GLOBALS for b in found):
                return Taint(Source("request", "flask"), Form.REQUEST)
        case t.Attr(value=t.Name(id="flask"), name="request"):
            return Taint(Source("request", "flask"), Form.REQUEST)
        case t.Attr(value=t.Name(id="self"), name="request"):
            return Taint(Source("request", "self"), Form.REQUEST)
        case t.Attr(name="cleaned_data"):
            return Taint(Source("form", CLEANED), Form.FIELDS)
        case t.Attr(name="data", value=t.Attr(value=form, name=field)):
            return _form_field(form, field, scope, flow)
    return None


_TEXT_FIELDS = {
    "StringField", "TextAreaField", "PasswordField", "HiddenField", "TextField", "SearchField", "URLField",
    "EmailField", "TelField", "CKEditorField", "PageDownField", "MarkdownField",
}  # fmt: skip
_NARROWING = {"Regexp", "AnyOf", "UUID"}


def _form_field(form: t.Expr, field: str, scope: Scope, flow: Flow) -> Taint | None:
    """`form.title.data` of WTForms (https://wtforms.readthedocs.io/en/stable/fields/)."""
    kind = flow.code.name(form, scope)
    found = flow.code.definition(kind[:-2]) if kind.endswith("()") else None
    if found is None or not isinstance(found.node, t.Class):
        return None
    ancestry = flow.code.ancestry(found)
    if not any(name.startswith(("flask_wtf.", "wtforms.")) for name in ancestry):
        return None
    for owner in filter(None, map(flow.code.definition, ancestry)):
        for stmt in owner.node.body:  # type: ignore[attr-defined]
            match stmt:
                case t.Assign(targets=[t.Name(id=name)], value=t.Call() as made) if name == field:
                    words = {
                        t.last_word(n) for n in t.walk_own(made) if isinstance(n, t.Name | t.Attr)
                    }
                    if t.last_word(made.func) in _TEXT_FIELDS and not words & _NARROWING:
                        return Taint(Source("form", field))
                    return None
    return None
