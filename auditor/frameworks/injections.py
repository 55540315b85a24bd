"""What of a request reaches a sink: the flows of every handler, as facts."""

from __future__ import annotations

import re
from collections.abc import Iterator

from auditor.extract.python import tree as t
from auditor.extract.readers.templates import Unescaped
from auditor.frameworks.entries import CLEANED, GLOBALS, Entries, resolved
from auditor.frameworks.flask.hooks import hooks
from auditor.frameworks.graphql import resolver_arguments
from auditor.link.application import Application, provides
from auditor.link.flow import Flow, Hit
from auditor.link.names import Code
from auditor.link.scopes import Located, place_of
from auditor.model.places import Place
from auditor.model.web import Intake, Route, Sink


@provides(Intake)
def injections(application: Application) -> Iterator[Intake]:
    """One fact for each place that something of the caller's reaches, and for each function one."""
    routes = [route for route in application.facts(Route) if route.function is not None]
    if not routes:
        return
    implicit = any(route.framework not in ("FastAPI", "Starlette") for route in routes)
    shown = _shown(application)
    unescaped = _unescaped(application)
    flow = Flow(application.values, implicit, pages(routes), unescaped, frozenset(shown))
    entries = Entries(flow)
    seen: set[tuple[object, ...]] = set()
    judged = _judged_fields(application) if implicit else frozenset()
    for route, name, hits in _walked(application, flow, entries, routes):
        found = list(hits)
        opened = {hit.source for hit in found if hit.sink == "path"}
        for hit in found:
            if hit.sink == "existence" and hit.source in opened:
                continue  # asked for before it is opened
            if hit.source.name == CLEANED and judged.intersection(hit.source.keys[:1]):
                continue
            if hit.sink.startswith("kept "):
                for file, line in shown.pop(hit.what, ()):
                    yield _stored(name, route, hit, Place(file, line))
                continue
            is_file = hit.sink in ("path", "existence")  # looked at, opened and removed
            by = "" if is_file else hit.what
            same = (hit.sink, hit.where.path, hit.where.scope.qualname, hit.source, by)
            if _counts(hit) and hit.key not in seen and same not in seen:
                seen |= {hit.key, same}
                sink = Sink(hit.sink)
                message = _message(name, hit, sink)
                at = place_of(hit.where)
                yield Intake(route, at, "injection", message, sink, hit.source.kind)


def _walked(
    application: Application, flow: Flow, entries: Entries, routes: list[Route]
) -> Iterator[tuple[Route, str, Iterator[Hit]]]:
    """Handlers, and what else is called while there is a request: resolvers, hooks, error handlers.

    With the route that each is counted for, and the name that it is told by.
    """
    for route in routes:  # routing has settled what its own URL holds
        own = (h for h in _hits(flow, entries, route) if h.source.kind != "url" or h.source.name)
        yield route, route.name, own
    graphql = next((r for r in application.facts(Route) if "graphql" in r.path.lower()), None)
    if found := list(resolver_arguments(flow)):
        for function, given in found:
            hits = flow.summary(function, given).hits
            yield (
                graphql or routes[0],
                (graphql or routes[0]).name,
                (resolved(hit, given) for hit in hits),
            )
    flask = next((r for r in routes if r.framework in ("Flask", "Quart")), None)
    if flask is not None:
        for function in hooks(application.code):
            if flow.reads(function):
                yield flask, _called(function), iter(flow.summary(function, {}).hits)
        for function in _reading(application.code):  # routed in a way that is not seen
            if not flow.walked(function) and flow.reads(function):
                yield flask, _called(function), iter(flow.summary(function, {}).hits)


def _called(function: Located) -> str:
    return f"{function.node.name}()"  # type: ignore[attr-defined]


def _reading(code: Code) -> Iterator[Located]:
    """The functions of modules that import Flask's request."""
    importing = {
        path
        for path, module in code.modules.items()
        if any(b.target in GLOBALS for b in module.scope.bindings.get("request", ()))
    }
    return (function for function in code.functions() if function.path in importing)


def _judged_fields(application: Application) -> frozenset[str]:
    """Fields of Django's forms that the form's own code turns away (`clean_url` raises) or puts there."""
    found: set[str] = set()
    for function in application.code.functions():
        assert isinstance(function.node, t.Function)
        name = function.node.name
        if name.startswith("clean_"):
            if any(isinstance(n, t.Raise) for n in t.walk_own(*function.node.body)):
                found.add(name.removeprefix("clean_"))
        elif name == "clean":
            for node in t.walk_own(*function.node.body):
                match node:
                    case t.Assign(targets=[t.Item(value=owner, index=t.Const(value=str(key)))]):
                        if t.dotted(owner).endswith(CLEANED):
                            found.add(key)
    return frozenset(found)


def _shown(application: Application) -> dict[str, list[tuple[str, int]]]:
    """Attribute -> where templates show it as it is, of what they are handed."""
    found: dict[str, list[tuple[str, int]]] = {}
    for file, shown in application.of(Unescaped):
        if shown.part and not shown.part.isdigit():
            found.setdefault(shown.part, []).append((file.path, shown.line))
    return found


def _stored(name: str, route: Route, hit: Hit, at: Place) -> Intake:
    """What a caller stores is shown to others (https://owasp.org/www-community/attacks/xss/#stored-xss-attacks)."""
    message = (
        f"shows `{hit.what}` without escaping it, and {name} keeps what the caller sends there: "
        f"{Sink.MARKUP.consequence}"
    )
    return Intake(route, at, "injection", message, Sink.MARKUP, "stored")


def _unescaped(application: Application) -> dict[str, dict[str, frozenset[str]]]:
    found: dict[str, dict[str, frozenset[str]]] = {}
    for file, shown in application.of(Unescaped):
        named = found.setdefault(file.path.rpartition("/")[2], {})
        named[file.path] = named.get(file.path, frozenset()) | {shown.name}
    return found


def pages(routes: list[Route]) -> frozenset[int]:
    """The handlers whose text becomes a page as it is: Flask answers text as HTML, FastAPI where it is told so."""
    found: set[int] = set()
    for route in routes:
        function = route.function
        if function is None or not isinstance(function.node, t.Function):
            continue
        decorators = function.node.decorators
        if route.framework in ("Flask", "Quart"):
            if not any(_encodes(decorator) for decorator in decorators):
                found.add(id(function.node))
        elif any(_answers_pages(decorator) for decorator in decorators):
            found.add(id(function.node))
    return frozenset(found)


def _answers_pages(decorator: t.Expr) -> bool:
    """`@app.get("/", response_class=HTMLResponse)`."""
    return isinstance(decorator, t.Call) and any(
        k.name == "response_class" and t.last_word(k.value) == "HTMLResponse"
        for k in decorator.keywords
    )


def _encodes(decorator: t.Expr) -> bool:
    """Whether a decorator's name tells that it makes something else of what a view returns."""
    name = t.dotted(t.callee(decorator))
    return (
        re.search(r"json|api|render|templat|produce|serial|marshal|output", name, re.I) is not None
    )


def _hits(flow: Flow, entries: Entries, route: Route) -> Iterator[Hit]:
    assert route.function is not None
    given, hits = entries.of(route)
    yield from hits
    if given or (flow.implicit and flow.reads(route.function)):
        yield from (resolved(hit, given) for hit in flow.summary(route.function, given).hits)


def _counts(hit: Hit) -> bool:
    kind = hit.source.kind
    if kind == "url":  # its own address leads nowhere else, and a browser encodes its markup
        return hit.sink not in ("redirect", "url", "markup")
    if hit.sink == "fields":
        return hit.source.name != CLEANED and all(key == "*" for key in hit.source.keys)
    return kind != "given"


def _message(name: str, hit: Hit, sink: Sink) -> str:
    of = {"request": "request", "form": "form or query", "url": "request"}.get(
        hit.source.kind, hit.source.kind
    )
    what = f"{hit.source} of the {of}" if "`" in str(hit.source) else f"the {of}"
    steps = [s for s in hit.steps if s not in (hit.source.name, hit.source.kind)]
    through = f" through {', '.join(steps)}" if steps else ""
    return f"{name}: {what} reaches `{hit.what}`{through}: {sink.consequence}"
