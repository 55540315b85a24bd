"""Routes that answer with pages: templates that are rendered, generic views that have one."""

from __future__ import annotations

import re
from collections.abc import Iterator

from auditor.extract.python import tree as t
from auditor.link.application import Application, provides
from auditor.link.names import Code
from auditor.link.scopes import Located
from auditor.model.pages import PageServer
from auditor.model.web import Route

_RENDERS = re.compile(
    r"(?:^|[.:])(?:render_template(?:_string)?|TemplateResponse|HTMLResponse)$|^django\.shortcuts\.render$"
)
_WRAPS = re.compile(r"(?:^|\.)(?:make_response|Response|HttpResponse)$")
_VIEWS = re.compile(
    r"(?:Template|List|Detail|Form|Create|Update|Delete|Login|PasswordReset\w*)View$"
)
_DOCUMENTATION = ("documentation", "health check", "static files")


@provides(PageServer)
def page_servers(application: Application) -> Iterator[PageServer]:
    code = application.code
    renders: dict[int, bool] = {}
    for route in application.facts(Route):
        if route.public in _DOCUMENTATION or route.method not in ("GET", "ANY"):
            continue
        found = route.function
        if found is None or not isinstance(found.node, t.Function):
            if route.framework == "Django" and _VIEWS.search(route.handler):
                yield PageServer(route.application, route.name)
            elif route.view is not None:
                ancestry = code.ancestry(route.view)
                if any(n.startswith("django.views.") and _VIEWS.search(n) for n in ancestry):
                    yield PageServer(route.application, route.name)
            continue
        key = id(found.node)
        if key not in renders:
            renders[key] = _shows(code, found)
        if renders[key]:
            yield PageServer(route.application, route.name)


def _shows(code: Code, function: Located) -> bool:
    """Whether a handler returns what it renders."""
    inner = code.inside(function)
    for node in t.walk_own(*function.node.body):  # type: ignore[attr-defined]
        if isinstance(node, t.Return) and isinstance(node.value, t.Call | t.Await):
            value = node.value.value if isinstance(node.value, t.Await) else node.value
            if not isinstance(value, t.Call):
                continue
            wraps = _WRAPS.search(t.dotted(value.func))
            for call in (value, *(value.args if wraps else ())):
                if isinstance(call, t.Call):
                    name = code.name(call.func, inner) or t.dotted(call.func)
                    if _RENDERS.search(name):
                        return True
    return False
