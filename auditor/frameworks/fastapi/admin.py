"""Administration panels that packages mount on an application of Starlette's.

sqladmin (https://aminalaee.dev/sqladmin/authentication/) serves every table that it is given, and lets
everybody in unless it gets an `authentication_backend`, whose `authenticate` says who may pass. It asks
nobody who looks records up for a form, which works for views with `form_ajax_refs` alone.
"""

from __future__ import annotations

from collections.abc import Iterator

from auditor.extract.python import tree as t
from auditor.frameworks.fastapi.application import unit_of
from auditor.frameworks.fastapi.dependencies import DependencyGuards
from auditor.frameworks.fastapi.routers import Routing
from auditor.frameworks.middleware import middleware_guard
from auditor.link.application import Application, provides
from auditor.link.scopes import CallSite, place_of
from auditor.model.places import Place
from auditor.model.web import Guard, Guarding, Route

_PANELS = ("sqladmin.Admin", "sqladmin.application.Admin")
_ROUTES = (
    ("GET", "/"),
    ("GET", "/{identity}/list"),
    ("GET", "/{identity}/details/{pk:path}"),
    ("DELETE", "/{identity}/delete"),
    ("GET", "/{identity}/create"),
    ("POST", "/{identity}/create"),
    ("GET", "/{identity}/edit/{pk:path}"),
    ("POST", "/{identity}/edit/{pk:path}"),
    ("GET", "/{identity}/export/{export_type}"),
    ("GET", "/{identity}/ajax/lookup"),
)
_LOOKUP = _ROUTES[-1]
_LOGIN = (("GET", "/login"), ("POST", "/login"), ("GET", "/logout"))


@provides(Route)
def panels(application: Application) -> Iterator[Route]:
    """The routes of panels, and of their logins."""
    sites = list(application.code.calls(*_PANELS))
    if not sites:
        return
    (routing,) = application.facts(Routing)
    apps = {unit_of(path): app for (path, *_), app in routing.apps()}
    judge, looked_up = DependencyGuards(application), _looks_up(application)
    for site in sites if apps else ():
        unit = unit_of(site.path)
        unit = unit if unit in apps else next(iter(apps))
        given = site.arg(None, "base_url")
        base = "/admin" if given is None else application.values.text(given, site.scope)
        if base is None:
            continue
        app, at = apps[unit], place_of(site)
        login = _login(application, judge, site)
        for method, below in (*_ROUTES, *(_LOGIN if login else ())):
            path = base.rstrip("/") + below
            found = (middleware_guard(application, judge, m, method, path) for m in app.middleware)
            guards = tuple(guard for guard in found if guard)  # a mounted panel has no dependencies
            if (method, below) in _LOGIN:
                guards = (*guards, _exempt(at, "login"))
            elif (method, below) == _LOOKUP and not looked_up:
                guards = (*guards, _exempt(at, "no view has form_ajax_refs: it answers 404"))
            elif login and (method, below) != _LOOKUP:
                guards = (*guards, login)
            yield Route(method, path, "sqladmin", at, app.framework, unit, guards)


def _exempt(at: Place, reason: str) -> Guard:
    return Guard("sqladmin", at, "application", Guarding.EXEMPT, reason)


def _looks_up(application: Application) -> bool:
    code = application.code
    return any("form_ajax_refs" in code.inside(found).bindings for found in code.classes())


def _login(application: Application, judge: DependencyGuards, site: CallSite) -> Guard | None:
    """The guard that a panel's backend is; None where it has none."""
    backend = site.arg(None, "authentication_backend")
    if backend is None and not any(k.name is None for k in site.node.keywords):
        return None
    if isinstance(backend, t.Const) and backend.value is None:
        return None
    code = application.code
    for source in application.values.sources(backend, site.scope):
        kind = code.defined(source.node.func, source.scope) if isinstance(source.node, t.Call) else None  # fmt: skip
        for ancestor in code.ancestry(kind) if kind is not None else ():
            method = code.definition(f"{ancestor}.authenticate")
            if method is not None and isinstance(method.node, t.Function):
                state, reason = judge.judge_answer(method)
                return Guard("authenticate", place_of(method), "application", state, reason)
    untold = "what the authentication backend of sqladmin accepts could not be followed"
    return Guard("authentication_backend", place_of(site), "application", Guarding.UNKNOWN, untold)
