"""Administration panels that packages mount on an application of Starlette's.

sqladmin (https://aminalaee.dev/sqladmin/) serves every table that it is given, and lets everybody in
unless it gets an `authentication_backend`. What a backend does is not judged: with one, a panel is
the blind spot that every package is which is handed the application.
"""

from __future__ import annotations

from collections.abc import Iterator

from auditor.extract.python import tree as t
from auditor.frameworks.fastapi.application import unit_of
from auditor.frameworks.fastapi.dependencies import DependencyGuards
from auditor.frameworks.fastapi.routers import Routing
from auditor.frameworks.middleware import middleware_guard
from auditor.link.application import Application, provides
from auditor.link.scopes import CallSite
from auditor.link.values import place_of
from auditor.model.web import Route

_PANELS = ("sqladmin.Admin", "sqladmin.application.Admin")
_ROUTES = (
    ("GET", ""),
    ("GET", "/{identity}/list"),
    ("GET", "/{identity}/details/{pk}"),
    ("DELETE", "/{identity}/delete"),
    ("GET", "/{identity}/create"),
    ("POST", "/{identity}/create"),
    ("GET", "/{identity}/edit/{pk}"),
    ("POST", "/{identity}/edit/{pk}"),
    ("GET", "/{identity}/export/{export_type}"),
)


def _closed(site: CallSite) -> bool:
    """Whether a panel is given, or may be given, something that asks who is calling."""
    backend = site.arg(None, "authentication_backend")
    if backend is None:
        return any(k.name is None for k in site.node.keywords)
    return not (isinstance(backend, t.Const) and backend.value is None)


@provides(Route)
def open_panels(application: Application) -> Iterator[Route]:
    """The routes of a panel that lets everybody in."""
    sites = [s for s in application.code.calls(*_PANELS) if not _closed(s)]
    if not sites:
        return
    (routing,) = application.facts(Routing)
    apps = {unit_of(path): app for (path, *_), app in routing.apps()}
    judge = DependencyGuards(application)
    for site in sites if apps else ():
        unit = unit_of(site.path)
        unit = unit if unit in apps else next(iter(apps))
        given = site.arg(None, "base_url")
        base = "/admin" if given is None else application.values.text(given, site.scope)
        if base is None:
            continue
        app = apps[unit]
        for method, below in _ROUTES:
            path = base.rstrip("/") + (below or "/")
            found = (middleware_guard(application, judge, m, method, path) for m in app.middleware)
            guards = tuple(guard for guard in found if guard)  # a mounted panel has no dependencies
            yield Route(method, path, "sqladmin", place_of(site), app.framework, unit, guards)
