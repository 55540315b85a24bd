"""Which Flask applications a tree has, and which expressions stand for one.

Flask, and what is Flask under another name: Quart, APIFlask, connexion, flask-openapi3.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from auditor.extract.python import tree as t
from auditor.frameworks.fastapi.application import unit_of
from auditor.link.application import Application, provides
from auditor.link.names import Code
from auditor.link.scopes import CallSite, Scope
from auditor.link.values import Evaluator
from auditor.model.deployment import Command
from auditor.model.places import shared

Key = tuple[str, int, int]

APPS = {
    "flask.Flask": "Flask",
    "flask.app.Flask": "Flask",
    "flask_api.FlaskAPI": "Flask",
    "apiflask.APIFlask": "Flask",
    "apiflask.app.APIFlask": "Flask",
    "flask_openapi3.OpenAPI": "Flask",
    "flask_openapi3.openapi.OpenAPI": "Flask",
    "connexion.App": "Flask",
    "connexion.FlaskApp": "Flask",
    "connexion.apps.flask.FlaskApp": "Flask",
    "connexion.apps.flask_app.FlaskApp": "Flask",
    "quart.Quart": "Quart",
    "quart.app.Quart": "Quart",
    "quart_trio.QuartTrio": "Quart",
}
"""Constructor -> framework."""

_FAMILY = re.compile(r"^(?:_?flask|quart|apiflask|connexion)", re.I)
_SERVES = ("run", "route", "get", "post", "register_blueprint", "add_url_rule", "register_api")
_NAMED = re.compile(r"(?:^|[\s.\"'/])(\w+):\w+")
_APP_WORD = re.compile(r"(?:^|[._])(?:app|application|current_app|flask_app|_app)$")


def uses_flask(code: Code) -> bool:
    """Whether anything of the tree imports Flask or what is built on it."""
    return any(
        _FAMILY.match(node.module or name)
        for node, _ in code.of_kind(t.Import)
        for name, _ in node.names
    )


@dataclass
class FlaskApps:
    """The application objects of the tree, by the call that creates them."""

    values: Evaluator
    used: bool = True
    named: frozenset[str] = frozenset()
    """Stems of the modules that servers are told to load: `wsgi` of `gunicorn wsgi:app`."""
    sites: dict[Key, CallSite] = field(default_factory=dict)
    frameworks: dict[Key, str] = field(default_factory=dict)
    classes: dict[str, str] = field(default_factory=dict)
    """Canonical name of each application class -> its framework."""

    def __post_init__(self) -> None:
        self.classes = dict(APPS)
        if not self.used:
            return
        code = self.values.code
        for found in code.classes():
            name, *bases = code.ancestry(found) or [""]
            for base in bases:
                if base in APPS:
                    self.classes[name] = APPS[base]
        made = list(code.calls(*self.classes))
        serving = [site for site in made if not self._for_tasks(site)]
        for site in serving or made:
            self.sites[site.key] = site
            self.frameworks[site.key] = self.classes[code.name(site.node.func, site.scope)]

    def _for_tasks(self, site: CallSite) -> bool:
        """Whether a module makes an application only so that tasks or a shell run within its context.

        https://flask.palletsprojects.com/en/stable/appcontext/#manually-push-a-context: it pushes one when
        it is loaded, and neither routes nor serves; no server is told its name either.
        """
        module = site.scope.module
        if site.scope.owner is not None or PurePosixPath(module.path).stem in self.named:
            return False
        kept = {
            t.dotted(x)
            for stmt in module.body
            if isinstance(stmt, t.Assign) and stmt.value is site.node
            for x in stmt.targets
        }
        pushes = False
        for node, _ in self.values.code.nodes(module):
            match node:
                case t.Call(func=t.Attr(name="push", value=t.Call(func=t.Attr(value=app, name="app_context")))):  # fmt: skip
                    pushes = pushes or t.dotted(app) in kept
                case t.Call(func=t.Attr(value=app, name=name)) if name in _SERVES:
                    if t.dotted(app) in kept:
                        return False
        return pushes

    def identify(self, expr: t.Expr | None, scope: Scope) -> list[Key]:
        """The applications that an expression may stand for; all of them for `current_app`."""
        if not self.sites or expr is None:
            return []
        found = [s.key for s in self.values.sources(expr, scope) if s.key in self.sites]
        if found or not self.is_app(expr, scope):
            return found
        return self.near(scope.module.path)

    def near(self, path: str) -> list[Key]:
        """The application that a file most probably belongs to: the one in the nearest directory."""
        ranked = sorted(self.sites, key=lambda key: -shared(key[0], path))
        return [key for key in ranked if shared(key[0], path) == shared(ranked[0][0], path)]

    def unit(self, path: str) -> str:
        """The name of the application that a file belongs to."""
        near = self.near(path)
        return unit_of(near[0][0] if near else path)

    def is_app(self, expr: t.Expr, scope: Scope) -> bool:
        """Whether an expression is an application, by what it is or, untold, by its word."""
        code = self.values.code
        name = code.name(expr, scope)
        if not name and code.is_unbound(expr, scope):
            return False  # a piece of code that somebody is to paste elsewhere
        if not name or (":" in name and code.definition(name.partition("(")[0]) is None):
            return bool(_APP_WORD.search(t.dotted(expr)))
        return is_app_name(name) or name.removesuffix("()") in self.classes


def is_app_name(name: str) -> bool:
    """Whether a canonical name is that of an application object."""
    if name in ("flask.current_app", "quart.current_app", "flask.globals.current_app"):
        return True
    if name.endswith("._get_current_object()"):
        return is_app_name(name[: -len("._get_current_object()")])
    if name.endswith("().app") and name.startswith("connexion."):
        return True
    return name.endswith("()") and name[:-2] in APPS


@provides(FlaskApps)
def flask_apps(application: Application) -> Iterator[FlaskApps]:
    texts = " ".join(command.text for command in application.facts(Command))
    named = frozenset(match[1] for match in _NAMED.finditer(texts[:200_000]))
    yield FlaskApps(application.values, uses_flask(application.code), named)
