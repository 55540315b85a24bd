"""Routes that extensions of Flask register by themselves: documentation, metrics, sign-in, files.

What an extension registers whatever its configuration says is told route by route; where its
configuration decides, the routes are a told blind spot. Sources: the extensions' own documentation.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass

from auditor.extract.python import tree as t
from auditor.frameworks.flask.admin import Gate
from auditor.frameworks.flask.nodes import UNTOLD, Node, Rule
from auditor.frameworks.flask.security import offered
from auditor.frameworks.flask.views import View
from auditor.link.application import Application
from auditor.link.contexts import contexts_of
from auditor.link.scopes import CallSite, place_of
from auditor.model.blind import BlindSpot
from auditor.model.settings import FrameworkSetting, in_service
from auditor.model.values import possible

_OWN = {
    "flask_bootstrap.Bootstrap": ("/static/bootstrap/<path:filename>", "bootstrap.static"),
    "flask_themes2.Themes": ("/_themes/<themeid>/<path:filename>", "_themes.static"),
    "flask_ckeditor.CKEditor": ("/ckeditor/static/<path:filename>", "ckeditor.static"),
    "prometheus_flask_exporter.PrometheusMetrics": ("/metrics", "prometheus_metrics"),
}
"""Extension -> path and endpoint of what it registers on the application it is given."""
_PUBLIC = {"prometheus_metrics": "metrics"}
_CONFIGURED = {
    "flask_appbuilder.AppBuilder": "Flask-AppBuilder",
    "flask_appbuilder.base.AppBuilder": "Flask-AppBuilder",
    "flask_user.UserManager": "Flask-User",
    "flasgger.Swagger": "Flasgger",
}
"""Extensions whose configuration tells which routes they register."""
_SECURITY = ("flask_security.Security", "flask_security.core.Security")
_SCHEDULER = ("flask_apscheduler.APScheduler", "flask_apscheduler.scheduler.APScheduler")
_SCHEDULER_ROUTES = (
    ("get_scheduler_info", "", "GET"),
    ("pause_scheduler", "/pause", "POST"),
    ("resume_scheduler", "/resume", "POST"),
    ("start_scheduler", "/start", "POST"),
    ("shutdown_scheduler", "/shutdown", "POST"),
    ("add_job", "/jobs", "POST"),
    ("get_jobs", "/jobs", "GET"),
    ("get_job", "/jobs/<job_id>", "GET"),
    ("delete_job", "/jobs/<job_id>", "DELETE"),
    ("update_job", "/jobs/<job_id>", "PATCH"),
    ("pause_job", "/jobs/<job_id>/pause", "POST"),
    ("resume_job", "/jobs/<job_id>/resume", "POST"),
    ("run_job", "/jobs/<job_id>/run", "POST"),
)
"""Flask-APScheduler's API, which SCHEDULER_API_ENABLED turns on and SCHEDULER_AUTH closes.

https://viniciuschiele.github.io/flask-apscheduler/rst/api.html
"""
_SIGN_IN = re.compile(r"^flask_dance\.(?:contrib\.\w+\.make_(\w+)_blueprint|consumer\.OAuth[12]ConsumerBlueprint)$")  # fmt: skip
_DOCUMENTED = re.compile(r"^flask_rest(?:x|plus)\.")
_OF_APIFLASK = (
    ("spec_path", "/openapi.json", "spec"),
    ("docs_path", "/docs", "docs"),
    ("docs_oauth2_redirect_path", "/docs/oauth2-redirect", "swagger_ui_oauth_redirect"),
)
"""What APIFlask serves of itself. https://apiflask.com/openapi/#the-openapi-blueprint"""
_PAGES = (
    ("OPENAPI_JSON_PATH", "openapi_json"),
    ("OPENAPI_REDOC_PATH", "openapi_redoc"),
    ("OPENAPI_SWAGGER_UI_PATH", "openapi_swagger_ui"),
    ("OPENAPI_RAPIDOC_PATH", "openapi_rapidoc"),
)


@dataclass
class Extensions:
    """What the extensions of a tree register."""

    application: Application

    def __post_init__(self) -> None:
        self.code, self.values = self.application.code, self.application.values
        self.contexts = contexts_of(self.values)

    def registered(self) -> Iterator[tuple[CallSite, t.Expr | None, Rule | BlindSpot]]:
        """(call, the application or blueprint that it is given, what that makes there)."""
        makers = (*_OWN, *_CONFIGURED, *_SECURITY, *_SCHEDULER)
        for name in makers:
            for made in self.code.calls(name):
                yield from self._given(made, made, name)
        for site in self.code.method_calls("init_app"):
            if isinstance(site.node.func, t.Attr):
                for source in self.values.sources(site.node.func.value, site.scope):
                    if isinstance(source.node, t.Call):
                        name = self.code.name(source.node.func, source.scope)
                        if name in makers:
                            made = CallSite(source.node, source.scope)
                            yield from self._given(made, site, name)

    def _given(
        self, made: CallSite, site: CallSite, name: str
    ) -> Iterator[tuple[CallSite, t.Expr | None, Rule | BlindSpot]]:
        app = site.arg(0, "app")
        if app is None:
            return
        if name in _SECURITY or name in _SCHEDULER:
            rules = self._accounts(made, site) if name in _SECURITY else self._jobs(made)
            yield from ((site, app, each) for each in rules)
            return
        if (package := _CONFIGURED.get(name)) is not None:
            told = f"{package} registers routes of its own, as it is configured"
            yield site, app, BlindSpot(place_of(site), "routes", told)
            return
        path, endpoint = _OWN[name]
        public = _PUBLIC.get(endpoint, "static files")
        if public == "metrics":
            path = self._path(made, "path", path) or ""
        if path:
            yield site, app, _rule(made, path, endpoint, public)

    def _accounts(self, made: CallSite, site: CallSite) -> Iterator[Rule | BlindSpot]:
        """The routes of Flask-Security, unless its blueprint is left out."""
        for call in (made, site):
            own = self.values.value(call.arg(2, "register_blueprint"), call.scope)
            if any(known.value is False for known in possible(own)):
                return
        for each in offered(self.settings, place_of(made)):
            if isinstance(each, BlindSpot):
                yield each
                continue
            view = View(each.endpoint, place_of(made), None)
            public = "" if each.closed else "static files" if each.endpoint == "static" else "login"
            closed = "Flask-Security" if each.closed else ""
            endpoint = f"security.{each.endpoint}"
            yield Rule(each.path, each.methods, view, endpoint, public=public, closed=closed)

    def _jobs(self, made: CallSite) -> Iterator[Rule]:
        """The API of Flask-APScheduler, which anybody may call unless it is given an `auth`."""
        if True not in self._told("SCHEDULER_API_ENABLED"):
            return
        prefix = next((str(x) for x in self._told("SCHEDULER_API_PREFIX")), "/scheduler")
        closed = any(s.name == "SCHEDULER_AUTH" for s in self.settings) or any(
            isinstance(assign.targets[0], t.Attr)
            and assign.targets[0].name == "auth"
            and any(s.key == made.key for s in self.values.sources(assign.targets[0].value, scope))
            for assign, scope in self.code.of_kind(t.Assign)
        )
        for endpoint, path, method in _SCHEDULER_ROUTES:
            view = View(endpoint, place_of(made), None)
            gate = None if closed else Gate(None)
            closes = "Flask-APScheduler's auth" if closed else ""
            yield Rule(
                prefix + path, (method,), view, f"scheduler.{endpoint}", gate=gate, closed=closes
            )

    def _told(self, name: str) -> list[object]:
        """What a setting may be where the application serves."""
        found = in_service(s for s in self.settings if s.name == name)
        return [known.value for setting in found for known in possible(setting.value)]

    @functools.cached_property
    def settings(self) -> list[FrameworkSetting]:
        return list(self.application.facts(FrameworkSetting))

    def _path(self, site: CallSite, name: str, default: str) -> str | None:
        """A path that a call gives or leaves at its default; None where it is turned off, or untold."""
        given = site.arg(None, name)
        if given is None:
            return default
        if any(known.value in (False, None) for known in possible(self.values.value(given, site.scope))):  # fmt: skip
            return None
        return self.contexts.text(given, site.scope)

    def documentation(self, node: Node) -> tuple[list[Rule], list[Rule], list[Rule]]:
        """What an API of Flask-RESTX documents itself with: on itself, on its parent, on the app."""
        name = self.code.name(node.site.node.func, node.site.scope)
        found = self.code.defined(node.site.node.func, node.site.scope)
        names = [name] if found is None else self.code.ancestry(found)
        if node.kind != "api" or not any(_DOCUMENTED.match(each) for each in names):
            return [], [], []
        site, why = node.site, "documentation"
        own, above = [], []
        if self._path(site, "add_specs", "/") is not None or site.arg(None, "add_specs") is None:
            own.append(_rule(site, "/swagger.json", "specs", why))
            if (doc := self._path(site, "doc", "/")) is not None and doc != UNTOLD:
                above.append(_rule(site, doc, "doc", why))
        above.append(_rule(site, node.prefix or "/", "root", why))
        return own, above, [_rule(site, "/swaggerui/<path:filename>", "restx_doc.static", why)]

    def of_application(self, site: CallSite) -> Iterator[Rule]:
        """The document of an APIFlask application and its pages, which parameters move or turn off."""
        found = self.code.defined(site.node.func, site.scope)
        names = self.code.ancestry(found) if found is not None else []
        if not any(
            n.startswith("apiflask.") for n in (*names, self.code.name(site.node.func, site.scope))
        ):
            return
        enabled = self.values.value(site.arg(None, "enable_openapi"), site.scope)
        if any(known.value is False for known in possible(enabled)):
            return
        prefix = self._path(site, "openapi_blueprint_url_prefix", "") or ""
        shown = self._path(site, "docs_path", "/docs")
        for name, default, endpoint in _OF_APIFLASK if shown else _OF_APIFLASK[:1]:
            if (path := self._path(site, name, default)) and path != UNTOLD:
                yield _rule(site, prefix + path, f"openapi.{endpoint}", "documentation")

    def pages(self, site: CallSite) -> Iterator[Rule]:
        """The document and its pages that flask-smorest serves, where a prefix is configured."""
        named: dict[str, str] = {}
        for setting in self.settings:
            for known in possible(setting.value):
                if setting.name.startswith("OPENAPI_") and isinstance(known.value, str):
                    named.setdefault(setting.name, known.value)
        if (prefix := named.get("OPENAPI_URL_PREFIX")) is None:
            return
        named.setdefault("OPENAPI_JSON_PATH", "openapi.json")
        for key, endpoint in _PAGES:
            wanted = "OPENAPI_JSON_PATH" if endpoint == "openapi_json" else key[:-4] + "URL"
            if key in named and wanted in named:
                path = f"/{prefix.strip('/')}/{named[key].lstrip('/')}".replace("//", "/")
                yield _rule(site, path, f"api-docs.{endpoint}", "documentation")

    def sign_in(self, site: CallSite, name: str) -> list[Rule] | None:
        """The two routes of a blueprint of Flask-Dance; None for other calls."""
        match = _SIGN_IN.match(name)
        if match is None:
            return None
        provider = match[1] or self.values.text(site.arg(0, "name"), site.scope) or ""
        login = self.contexts.text(site.arg(None, "login_url"), site.scope) or f"/{provider}"
        back = self.contexts.text(site.arg(None, "authorized_url"), site.scope)
        back = back or f"/{provider}/authorized"
        return [
            _rule(site, login, f"{provider}.login", "login"),
            _rule(site, back, f"{provider}.authorized", "sign-in callback"),
        ]


def _rule(site: CallSite, path: str, endpoint: str, public: str) -> Rule:
    view = View(endpoint.rpartition(".")[2], place_of(site), None)
    return Rule(path, ("GET",), view, endpoint, public=public)
