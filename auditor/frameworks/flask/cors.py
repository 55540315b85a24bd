"""Cross-origin policies of Flask-CORS (https://flask-cors.readthedocs.io/en/stable/configuration.html).

An extension or `@cross_origin` that is told nothing lets every origin in. What a resource says comes
before what the extension is given, that before `CORS_ORIGINS` and `CORS_SUPPORTS_CREDENTIALS`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from auditor.extract.python import tree as t
from auditor.frameworks.cookie_settings import FlaskSettings
from auditor.frameworks.flask.apps import FlaskApps
from auditor.link.application import Application, provides
from auditor.link.scopes import CallSite, Located, Scope, place_of
from auditor.model.places import Place
from auditor.model.values import Known, Value, possible
from auditor.model.web import CorsPolicy

_EXTENSION = re.compile(r"^(?:flask_cors|quart_cors)(?:\.\w+)*\.(?:CORS(?:\(\)\.init_app)?|cors)$")
_DECORATOR = re.compile(r"^(?:flask_cors|quart_cors)(?:\.\w+)*\.(?:cross_origin|route_cors)$")
_ORIGINS = ("origins", "allow_origin")
_CREDENTIALS = ("supports_credentials", "allow_credentials")
_PATTERN = re.compile(r"[*\\?$^\[(]")
"""What makes Flask-CORS take an origin for a pattern."""


@provides(CorsPolicy)
def flask_policies(application: Application) -> Iterator[CorsPolicy]:
    (apps,) = application.facts(FlaskApps)
    if not apps.sites:
        return
    code = application.code
    reader = _Reader(application)
    for site in code.method_calls("CORS", "init_app", "cors"):
        name = code.name(site.node.func, site.scope)
        given = site.node.args or any(k.name == "app" for k in site.node.keywords)
        if _EXTENSION.match(name) and given:
            yield from reader.extension(site, apps.unit(site.path))
    for function in code.functions():
        for decorator in function.node.decorators:  # type: ignore[attr-defined]
            called = t.callee(decorator)
            if t.last_word(called) in ("cross_origin", "route_cors"):
                if _DECORATOR.match(code.name(called, function.scope)):
                    options = decorator.keywords if isinstance(decorator, t.Call) else ()
                    place = place_of(Located(decorator, function.scope))
                    told = {k.name: Located(k.value, function.scope) for k in options if k.name}
                    yield reader.policy([told], place, apps.unit(function.path))


class _Reader:
    def __init__(self, application: Application) -> None:
        self.application = application
        self.settings: dict[str, FlaskSettings] = {}

    def extension(self, site: CallSite, unit: str) -> Iterator[CorsPolicy]:
        scope = site.scope
        told = {k.name: Located(k.value, scope) for k in site.node.keywords if k.name}
        if isinstance(
            site.node.func, t.Attr
        ):  # `cors = CORS(origins=…)`, then `cors.init_app(app)`
            for made in self.application.values.sources(site.node.func.value, scope):
                if isinstance(made.node, t.Call):
                    earlier = {k.name: Located(k.value, made.scope) for k in made.node.keywords}
                    told = {k: v for k, v in earlier.items() if k} | told
        resources = list(self._resources(told.get("resources")))
        for each, place in resources or [({}, place_of(site))]:
            yield self.policy([each, told], place, unit)

    def _resources(self, given: Located | None) -> Iterator[tuple[dict[str, Located], Place]]:
        """The options of each resource: `resources={r"/api/*": {"origins": "*"}}`."""
        for table in self._maps(given):
            for value in table.node.values:  # type: ignore[attr-defined]
                for options in self._maps(Located(value, table.scope)):
                    yield _entries(options.node, options.scope), place_of(options)

    def _maps(self, given: Located | None) -> Iterator[Located]:
        if given is None:
            return
        named = self.application.values.origins(given.node, given.scope)  # type: ignore[arg-type]
        for found in (given, *named):
            if isinstance(found.node, t.Map):
                yield found

    def policy(self, options: list[dict[str, Located]], place: Place, unit: str) -> CorsPolicy:
        origins = self._option(options, _ORIGINS, unit, "CORS_ORIGINS") or Known("*", place)
        credentials = self._option(options, _CREDENTIALS, unit, "CORS_SUPPORTS_CREDENTIALS")
        return CorsPolicy(
            place, unit, origins, _pattern(origins), credentials or Known(False, place)
        )

    def _option(
        self, options: list[dict[str, Located]], names: tuple[str, ...], unit: str, setting: str
    ) -> Value | None:
        for each in options:
            for name in names:
                if (found := each.get(name)) is not None:
                    return self.application.values.value(found.node, found.scope)  # type: ignore[arg-type]
        if unit not in self.settings:
            self.settings[unit] = FlaskSettings(self.application, unit)
        return self.settings[unit].value(setting)


def _entries(node: t.Node, scope: Scope) -> dict[str, Located]:
    assert isinstance(node, t.Map)
    return {
        str(key.value): Located(value, scope)
        for key, value in zip(node.keys, node.values, strict=True)
        if isinstance(key, t.Const)
    }


def _pattern(origins: Value) -> Value | None:
    """The first of the origins that is a pattern."""
    for known in possible(origins):
        listed = known.value if isinstance(known.value, list) else [known.value]
        for each in listed:
            if isinstance(each, str) and each.strip() != "*" and _PATTERN.search(each):
                return Known(each, known.place)
    return None
