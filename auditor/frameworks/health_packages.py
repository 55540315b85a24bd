"""Health checks that packages serve: their routes stand in no file of the tree.

https://pypi.org/project/flask-healthz/, https://python-dockerflow.readthedocs.io/.
"""

from __future__ import annotations

from collections.abc import Iterator

from auditor.frameworks.django.settings import DjangoProject, place_in
from auditor.link.application import Application
from auditor.link.scopes import place_of
from auditor.model.places import Place
from auditor.model.web import HealthCheck, Route, WebApp

_BLUEPRINT = "flask_healthz.healthz"
_EXTENSIONS = {
    "flask_healthz.Healthz": ("/healthz/ready", ("what HEALTHZ names",)),
    "dockerflow.flask.Dockerflow": ("/__heartbeat__", ("what it is given",)),
    "dockerflow.flask.app.Dockerflow": ("/__heartbeat__", ("what it is given",)),
}
"""Extension -> where it answers, and what it asks."""
_CHECKS = ("healthcheck.HealthCheck", "py_healthcheck.HealthCheck")
"""https://github.com/ateliedocodigo/py-healthcheck: `HealthCheck(app, "/health").add_check(f)`."""
_MIDDLEWARE = "dockerflow.django.middleware.DockerflowMiddleware"
_ROUTER = "dockerflow.fastapi.router"


def packaged_checks(application: Application) -> Iterator[HealthCheck]:
    code = application.code
    for site in code.method_calls("register_blueprint", "include_router"):
        given = site.arg(0)
        name = code.name(given, site.scope) if given is not None else ""
        if name == _BLUEPRINT:
            prefix = application.values.text(site.arg(None, "url_prefix"), site.scope) or ""
            path = f"{prefix.rstrip('/')}/ready"
            yield from _served(application, path, place_of(site), ("what HEALTHZ names",))
        elif name == _ROUTER:
            yield from _served(application, "/__heartbeat__", place_of(site), ("what is registered",))  # fmt: skip
    for site in code.calls(*_EXTENSIONS):
        path, checks = _EXTENSIONS[code.name(site.node.func, site.scope)]
        yield from _served(application, path, place_of(site), checks)
    for site in code.calls(*_CHECKS):
        path = application.values.text(site.arg(1, "path"), site.scope) or "/healthcheck"
        asks = any(True for _ in code.method_calls("add_check"))
        yield from _served(application, path, place_of(site), ("what is added",) if asks else ())
    for project in application.facts(DjangoProject):
        if _MIDDLEWARE in project.main.texts("MIDDLEWARE"):  # it asks databases and migrations
            place = place_in(project.main, "MIDDLEWARE")
            route = Route("GET", "/__heartbeat__", "heartbeat", place, "Django", project.name, public="health check")  # fmt: skip
            yield HealthCheck(route, ("database",), True, "")


def _served(
    application: Application, path: str, place: Place, checks: tuple[str, ...]
) -> Iterator[HealthCheck]:
    apps = application.facts(WebApp)
    near = [app for app in apps if place.path.startswith(f"{app.name}/") or app.name == "."]
    for app in [max(near, key=lambda app: len(app.name))] if near else apps[:1]:
        route = Route("GET", path, "health check", place, app.framework, app.name, public="health check")  # fmt: skip
        yield HealthCheck(route, checks, True, "")
