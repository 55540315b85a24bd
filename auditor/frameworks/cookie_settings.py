"""Cookies that frameworks set by themselves, as their settings say.

https://flask.palletsprojects.com/en/stable/config/, https://flask-login.readthedocs.io/,
https://flask-jwt-extended.readthedocs.io/en/stable/options.html,
https://docs.djangoproject.com/en/stable/ref/settings/#sessions.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from auditor.extract.python import tree as t
from auditor.frameworks.cookies import flag_of, samesite_of, setting_of, truths
from auditor.frameworks.django.settings import DjangoProject, Variant, place_in
from auditor.frameworks.flask.apps import FlaskApps
from auditor.frameworks.flask.config import filled_from_outside
from auditor.link.application import Application, provides
from auditor.link.names import Code
from auditor.link.scopes import place_of
from auditor.model.cookies import Cookie, Flag
from auditor.model.settings import FrameworkSetting, in_service
from auditor.model.values import OneOf, Value, possible
from auditor.model.web import WebApp

_SESSION_USERS = (
    "flask.session", "flask_login", "flask_security", "flask_user", "flask_dance", "flask_admin", "flask_appbuilder",
    "flask_session", "flask_principal", "quart.session", "quart_auth", "flask_wtf",
)  # fmt: skip


def flask_sessions(code: Code, app: WebApp) -> bool:
    """Whether a Flask application knows its users by the session cookie."""
    folder = app.place.path.rpartition("/")[0]
    for node, scope in code.of_kind(t.Import):
        if not scope.module.path.startswith(f"{folder}/" if folder else ""):
            continue
        for name, _alias in node.names:
            whole = f"{node.module}.{name}" if node.module else name
            if whole.startswith(_SESSION_USERS):
                return True
    return False


class FlaskSettings:
    """What an application's configuration holds where it serves."""

    def __init__(self, application: Application, unit: str) -> None:
        groups: dict[str, list[FrameworkSetting]] = defaultdict(list)
        for setting in application.facts(FrameworkSetting):
            if setting.framework in ("Flask", "Quart"):
                groups[setting.name].append(setting)
        own = {
            name: [s for s in settings if s.application == unit]
            for name, settings in groups.items()
        }
        if not any(own.values()):
            own = (
                groups  # what is set beside another application of the tree holds for this one too
            )
        self.found = {name: in_service(settings) for name, settings in own.items() if settings}
        self.outside = filled_from_outside(application.values)
        self.defined = truths(application)

    def get(self, name: str) -> FrameworkSetting | None:
        return next(iter(self.found.get(name, ())), None)

    def value(self, name: str) -> Value | None:
        settings = self.found.get(name, [])
        if len(settings) > 1:
            return OneOf(tuple(s.value for s in settings), settings[-1].place)
        return settings[0].value if settings else None

    def flag(self, name: str, default: Flag) -> Flag:
        if name not in self.found:
            return Flag.UNKNOWN if self.outside and default is Flag.UNSET else default
        return flag_of(self.value(name), self.defined)

    def samesite(self, name: str) -> str:
        if name not in self.found:
            return "?" if self.outside else ""
        return samesite_of(self.value(name), "")

    def is_false(self, name: str) -> bool:
        return any(known.value is False for known in possible(self.value(name)))


@provides(Cookie)
def flask_cookies(application: Application) -> Iterator[Cookie]:
    (apps,) = application.facts(FlaskApps)
    if not apps.sites:
        return
    code = application.code
    talisman = next(
        iter(code.calls("flask_talisman.Talisman", "flask_talisman.talisman.Talisman")), None
    )
    seen: set[str] = set()
    for app in application.facts(WebApp):
        if app.framework not in ("Flask", "Quart") or app.name in seen:
            continue
        seen.add(app.name)
        settings = FlaskSettings(application, app.name)
        if flask_sessions(code, app):
            at = settings.get("SESSION_COOKIE_SECURE") or settings.get("SESSION_COOKIE_HTTPONLY")
            secure = settings.flag("SESSION_COOKIE_SECURE", Flag.UNSET)
            samesite = settings.samesite("SESSION_COOKIE_SAMESITE")
            if talisman is not None:  # its own options default to Secure and Lax
                secure, samesite = Flag.ON if secure is Flag.UNSET else secure, samesite or "lax"
            yield Cookie(
                "session", "session", app.framework, app.name, at.place if at else app.place,
                secure, settings.flag("SESSION_COOKIE_HTTPONLY", Flag.ON), samesite,
                setting_of(settings.value("SESSION_COOKIE_SECURE")),
            )  # fmt: skip
        yield from _remembered(code, settings, app)
        yield from _token_cookies(settings, app)


def _remembered(code: Code, settings: FlaskSettings, app: WebApp) -> Iterator[Cookie]:
    """flask-login's cookie, where a login asks for it."""
    for site in code.calls("flask_login.login_user", "flask_login.utils.login_user"):
        remember = site.arg(1, "remember")
        if remember is None or (isinstance(remember, t.Const) and not remember.value):
            continue
        at = settings.get("REMEMBER_COOKIE_SECURE")
        yield Cookie(
            "remember_token", "login", "flask-login", app.name, at.place if at else place_of(site),
            settings.flag("REMEMBER_COOKIE_SECURE", Flag.UNSET),
            settings.flag("REMEMBER_COOKIE_HTTPONLY", Flag.ON),
            settings.samesite("REMEMBER_COOKIE_SAMESITE"),
            setting_of(settings.value("REMEMBER_COOKIE_SECURE")),
        )  # fmt: skip
        return


def _token_cookies(settings: FlaskSettings, app: WebApp) -> Iterator[Cookie]:
    """Flask-JWT-Extended's, where JWT_TOKEN_LOCATION names cookies."""
    location = settings.get("JWT_TOKEN_LOCATION")
    if location is None or not any("cookies" in (k.value or ()) for k in possible(settings.value("JWT_TOKEN_LOCATION"))):  # fmt: skip
        return
    at = settings.get("JWT_COOKIE_SECURE") or location
    yield Cookie(
        "access_token_cookie", "token", "Flask-JWT-Extended", app.name, at.place,
        settings.flag("JWT_COOKIE_SECURE", Flag.UNSET), Flag.ON, settings.samesite("JWT_COOKIE_SAMESITE"),
        setting_of(settings.value("JWT_COOKIE_SECURE")),
    )  # fmt: skip


# --- Django

_SESSION_MIDDLEWARE = "SessionMiddleware"


def serving_variant(project: DjangoProject) -> Variant:
    """The settings that serve; another variant where the entry point names those for development."""
    if project.main.environment not in ("development", "test", "example"):
        return project.main
    others = [v for v in project.variants if v.environment in ("production", "staging", "")]
    return others[0] if others else project.main


def django_sessions(variant: Variant) -> bool | None:
    """Whether a project keeps sessions; None where its middleware cannot be told."""
    lists = [value for value in variant.known("MIDDLEWARE") if isinstance(value, list)]
    if not lists:
        return None if variant.get("MIDDLEWARE") is not None else False
    if any(str(each).endswith(_SESSION_MIDDLEWARE) for value in lists for each in value):
        return True
    return None if any(each is None for value in lists for each in value) else False


@provides(Cookie)
def django_cookies(application: Application) -> Iterator[Cookie]:
    defined = truths(application) if application.facts(DjangoProject) else {}
    for project in application.facts(DjangoProject):
        main = serving_variant(project)
        if not django_sessions(main):
            continue
        for name, prefix, what in (
            ("sessionid", "SESSION_COOKIE", "session"),
            ("csrftoken", "CSRF_COOKIE", "csrf"),
        ):
            secure = main.get(f"{prefix}_SECURE")
            httponly = main.get(f"{prefix}_HTTPONLY")
            given = main.get(f"{prefix}_SAMESITE")
            at = f"{prefix}_SECURE" if secure is not None else "MIDDLEWARE"
            yield Cookie(
                next(iter(main.texts(f"{prefix}_NAME")), "") or main.text(f"{prefix}_NAME") or name,
                what,
                "Django",
                project.name,
                place_in(main, at),
                flag_of(secure, defined),
                Flag.ON if httponly is None or what == "csrf" else flag_of(httponly, defined),
                samesite_of(given, "lax"),
                setting_of(secure),
            )
