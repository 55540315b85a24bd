"""Routes that show a page without any data: a template that gets nothing, or constants.

Who is signed in or not sees the same text, so that an open one gives nothing away.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from auditor.extract.python import tree as t
from auditor.link.application import Application, provides
from auditor.link.scopes import Located
from auditor.model.pages import StaticPage
from auditor.model.web import Route

_RENDERS = re.compile(
    r"(?:^|\.)(?:render|render_template|render_to_string|TemplateResponse|redirect)$"
)
_HARMLESS = re.compile(r"(?:^|\.)(?:url_for|reverse|reverse_lazy|_|gettext\w*|ngettext)$")


@provides(StaticPage)
def static_pages(application: Application) -> Iterator[StaticPage]:
    for route in application.facts(Route):
        if route.method not in ("GET", "ANY") or any(mark in route.path for mark in "{<"):
            continue
        if route.handler == "TemplateView" or (route.function is not None and _is_static(route.function)):  # fmt: skip
            yield StaticPage(route.application, route.name)


def _is_static(function: Located) -> bool:
    """Whether all that a handler does is to render a template by its constant name."""
    body = [s for s in function.node.body if not _is_docstring(s)]  # type: ignore[attr-defined]
    match body:
        case [t.Return(value=t.Call(func=func) as call)] if _RENDERS.search(t.dotted(func)):
            below = [n for n in t.walk_own(call) if n is not call]
            return all(
                _HARMLESS.search(t.dotted(n.func)) for n in below if isinstance(n, t.Call)
            ) and not any(isinstance(n, t.Attr | t.Comp | t.Item) and not _own(n) for n in below)
    return False


def _own(node: t.Node) -> bool:
    """The names of functions, `templates.TemplateResponse` for one."""
    return isinstance(node, t.Attr) and bool(
        _RENDERS.search(t.dotted(node)) or _HARMLESS.search(t.dotted(node))
    )


def _is_docstring(stmt: t.Stmt) -> bool:
    return isinstance(stmt, t.Do) and isinstance(stmt.value, t.Const)
