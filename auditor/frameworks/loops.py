"""What runs on the server's event loop: coroutine handlers, dependencies, middleware, tasks.

FastAPI and Starlette run plain functions in a pool of threads and coroutines on the loop
(https://fastapi.tiangolo.com/async/); Django does so with async views under ASGI
(https://docs.djangoproject.com/en/stable/topics/async/). Flask gives each async view a loop of its
own in the thread of its request (https://flask.palletsprojects.com/en/stable/async-await/), so that it
holds up nobody else.
"""

from __future__ import annotations

from collections.abc import Iterator

from auditor.extract.python import tree as t
from auditor.frameworks.fastapi.dependencies import DependencyGuards
from auditor.frameworks.fastapi.routers import Routing
from auditor.frameworks.middleware import entry
from auditor.link.application import Application, provides
from auditor.link.names import Code
from auditor.link.scopes import Located, place_of
from auditor.model.concurrency import LoopFunction
from auditor.model.web import Route

_OWN_LOOP = {"Flask"}
_STARTS_TASK = ("create_task", "ensure_future", "add_task", "run_coroutine_threadsafe")


@provides(LoopFunction)
def handlers(application: Application) -> Iterator[LoopFunction]:
    for route in application.facts(Route):
        if route.framework not in _OWN_LOOP:
            yield from _on_loop(route.function, "handler", route)


@provides(LoopFunction)
def dependencies(application: Application) -> Iterator[LoopFunction]:
    """Those of the routes, and all that these depend on; the same one comes once."""
    guards = DependencyGuards(application)
    seen: set[int] = set()
    for route in application.facts(Route):
        for direct in route.dependencies if route.framework not in _OWN_LOOP else ():
            if id(direct.node) in seen:
                continue
            for dependency in (direct, *guards.below(direct)):
                if id(dependency.node) not in seen:
                    seen.add(id(dependency.node))
                    yield from _on_loop(dependency, "dependency")


@provides(LoopFunction)
def middleware(application: Application) -> Iterator[LoopFunction]:
    (routing,) = application.facts(Routing)
    for router in routing.routers.values():
        for each in router.middleware:
            yield from _on_loop(entry(application.code, each), "middleware")


@provides(LoopFunction)
def tasks(application: Application) -> Iterator[LoopFunction]:
    """`asyncio.create_task(poll())` and `background.add_task(send, …)`, where the app does so."""
    (routing,) = application.facts(Routing)
    if not routing.routers:
        return
    code = application.code
    for site in code.method_calls(*_STARTS_TASK):
        started = site.arg(0, "coro", "func", "coro_or_future")
        if isinstance(started, t.Call):
            started = started.func
        if started is not None and _serves(code, site.path, routing):
            yield from _on_loop(code.defined(started, site.scope), "task")


def _serves(code: Code, path: str, routing: Routing) -> bool:
    """Whether a file registers routes or creates the application: not a script beside it."""
    return any(key[0] == path for key in routing.routers)


def _on_loop(
    function: Located | None, role: str, route: Route | None = None
) -> Iterator[LoopFunction]:
    if function is not None and isinstance(function.node, t.Function) and function.node.is_async:
        place = place_of(function, function.node.name)
        yield LoopFunction(role, place, route, function)
