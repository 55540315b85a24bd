"""Routes that show a page without any data: a template that gets nothing, constants, a front end.

Who is signed in or not sees the same text, so that an open one gives nothing away.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from auditor.extract.python import tree as t
from auditor.link.application import Application, provides
from auditor.link.scopes import Located, arguments
from auditor.model.pages import StaticPage
from auditor.model.web import Route

_RENDERS = re.compile(
    r"(?:^|\.)(?:render|render_template|render_to_string|TemplateResponse|redirect)$"
)
_CATCH_ALL = re.compile(r"(?:/\w+)?/(?:\{\w+:path\}|<path:\w+>)")
_SENDS_FILE = re.compile(r"FileResponse|send_from_directory|send_file|send_static_file")
_SENDS = re.compile(rf"{_SENDS_FILE.pattern}|TemplateResponse|render_template")
_RESPONDS = re.compile(
    r"^(?:Http|Json|JSON|PlainText|HTML|Redirect)?Response(?:Permanent)?(?:Redirect)?$"
)
_HARMLESS = re.compile(r"(?:^|\.)(?:url_for|reverse|reverse_lazy|_|gettext\w*|ngettext)$")


@provides(StaticPage)
def static_pages(application: Application) -> Iterator[StaticPage]:
    for route in application.facts(Route):
        function = route.function
        if route.handler == "TemplateView" or _is_bare_template(application, route):
            static = True  # a template and what the address names, whatever its pattern
        elif any(mark in route.path for mark in "{<"):
            static = function is not None and (
                _is_front_end(route.path, function) or _is_shell(function)
            )
        else:
            static = function is not None and _is_static(function)
        if static:
            yield StaticPage(route.application, route.name)


def _is_bare_template(application: Application, route: Route) -> bool:
    """A view of the project's own that gives Django's TemplateView its template, and nothing else."""
    view = route.view
    if view is None or not isinstance(view.node, t.Class):
        return False
    names = application.code.ancestry(view)
    own = [d for n in names if (d := application.code.definition(n)) is not None]
    shown = any(n.startswith("django.views.generic") and n.endswith(".TemplateView") for n in names)
    return shown and all(
        isinstance(stmt, t.Assign) and t.dotted(stmt.targets[0]) in _OF_TEMPLATES
        for d in own
        if isinstance(d.node, t.Class)
        for stmt in d.node.body
        if not (_is_docstring(stmt) or isinstance(stmt, t.Jump))
    )


_OF_TEMPLATES = {"template_name", "http_method_names", "content_type", "template_engine"}


def _is_front_end(path: str, function: Located) -> bool:
    """A catch-all that sends files of the built front end, and its start page for the rest."""
    if not _CATCH_ALL.fullmatch(path):
        return False
    nodes = list(t.walk_own(*function.node.body))  # type: ignore[attr-defined]
    match function.node.body[-1]:  # type: ignore[attr-defined]
        case t.Return(value=t.Call(func=func, args=[folder, t.Name()])) if t.last_word(
            func
        ) == "send_from_directory" and any(map(_FOLDER.fullmatch, _words(folder))):
            return True
    if not any(isinstance(n, t.Const) and str(n.value).endswith("index.html") for n in nodes):
        return False
    calls = [t.last_word(n.func) for n in nodes if isinstance(n, t.Call)]
    return any(_SENDS.search(call) for call in calls)


_FOLDER = re.compile(r"front[-_]?end|dist|build|www|client|webapp|spa", re.I)
"""Words of the names of folders that hold a built front end."""


def _words(folder: t.Expr) -> list[str]:
    """The words of a folder: of `app.config["FRONTEND_FOLDER"]` or `"../frontend/dist"`."""
    nodes = list(t.walk_own(folder))
    spelt = [str(n.value) for n in nodes if isinstance(n, t.Const)]
    spelt += [n.id for n in nodes if isinstance(n, t.Name)]
    return [word for text in spelt for word in re.split(r"[/\\_.]", text[:200])]


def _is_static(function: Located) -> bool:
    """Whether all that a handler does is to render a template by its constant name.

    Before that it may remember where a caller wants to be sent: `session["next"] = request.args.get("next")`.
    """
    body = [
        s
        for s in function.node.body  # type: ignore[attr-defined]
        if not (_is_docstring(s) or _logs_a_text(s))
    ]
    if len(body) > 1 and all(map(_fills_in, body)):
        return True
    if len(body) > 1:
        calls = [n for n in t.walk_own(*body) if isinstance(n, t.Call)]
        return any(_RENDERS.search(t.dotted(c.func)) for c in calls) and all(map(_trifles, body))
    match body:
        case [t.Return(value=None | t.Const(value=None)) | t.Jump(kind="pass") | t.Raise()]:
            return True  # `/api/.*` that answers 404
        case [t.Return(value=t.Call(func=func) as call)] if _RESPONDS.search(t.last_word(func)):
            return all(isinstance(given, t.Const) for given in arguments(call))
        case [t.Return(value=t.Call() as call)] if _sends_page(call):
            return True
        case [t.Return(value=t.Call(func=func) as call)] if _RENDERS.search(t.dotted(func)):
            below = [n for n in t.walk_own(call) if n is not call]
            return all(
                _HARMLESS.search(t.dotted(n.func)) for n in below if isinstance(n, t.Call)
            ) and not any(isinstance(n, t.Attr | t.Comp | t.Item) and not _own(n) for n in below)
    return False


def _is_shell(function: Located) -> bool:
    """Whether it renders a constant page with nothing but what the address names: scripts load the rest."""
    body = function.node.body  # type: ignore[attr-defined]
    pages = (n for n in t.walk_own(*body) if isinstance(n, t.Const) and isinstance(n.value, str))
    return _is_static(function) and any(n.value.endswith(".html") for n in pages)  # type: ignore[union-attr]


def _sends_page(call: t.Call) -> bool:
    """`no_store(send_from_directory(folder, "index.html"))`: a file of a constant name, whatever is around it."""
    while not _SENDS_FILE.fullmatch(t.last_word(call.func)):
        match call.args:
            case [t.Call() as inner]:
                call = inner
            case _:
                return False
    return any(isinstance(arg, t.Const) and str(arg.value).endswith(".html") for arg in call.args)


def _fills_in(stmt: t.Stmt) -> bool:
    """`response.headers["Location"] = "/auth/login"`, and the response itself: the same for everybody."""
    match stmt:
        case t.Assign(targets=[t.Attr() | t.Item()], value=t.Const()) | t.Return(value=None):
            return True
        case t.Return(value=t.Name(id=name)):
            return "response" in name.lower()
    return False


def _trifles(stmt: t.Stmt) -> bool:
    """Whether a statement only shows a page, or notes where the caller goes next."""
    match stmt:
        case t.If(test=test, body=then, orelse=other):
            return _of_query(test) and all(map(_trifles, [*then, *other]))
        case t.Assign(targets=[t.Name() | t.Item()], value=value) if value is not None:
            return _of_query(value)
        case t.Return(value=t.Call(func=func) as call) if _RENDERS.search(t.dotted(func)):
            return not any(
                isinstance(n, t.Call | t.Comp) for n in t.walk_own(call) if n is not call
            )
    return False


def _of_query(expr: t.Expr) -> bool:
    return all(
        _QUERY.search(t.dotted(n.func)) for n in t.walk_own(expr) if isinstance(n, t.Call)
    ) and not any(isinstance(n, t.Comp | t.Await) for n in t.walk_own(expr))


_QUERY = re.compile(
    r"(?:^|\.)(?:request\.(?:args|query_params|GET)\.get|environ\.get|getenv|url_for|reverse|startswith|endswith)$"
)


def _own(node: t.Node) -> bool:
    """The names of functions, `templates.TemplateResponse` for one."""
    return isinstance(node, t.Attr) and bool(
        _RENDERS.search(t.dotted(node)) or _HARMLESS.search(t.dotted(node))
    )


def _logs_a_text(stmt: t.Stmt) -> bool:
    """`logger.info("Renders the form")`: nothing of the request is in it."""
    match stmt:
        case t.Do(value=t.Call(func=func, args=args, keywords=[])):
            logs = _LOGS.search(t.dotted(func)) is not None
            return logs and all(isinstance(arg, t.Const) for arg in args)
    return False


_LOGS = re.compile(r"(?:^|\.)(?:log(?:ger|ging)?\.(?:debug|info|warning|error)|print)$")


def _is_docstring(stmt: t.Stmt) -> bool:
    return isinstance(stmt, t.Do) and isinstance(stmt.value, t.Const)
