"""What keeps another site from sending a form in a user's name (CWE-352).

https://docs.djangoproject.com/en/stable/ref/csrf/, https://flask-wtf.readthedocs.io/en/stable/csrf/,
https://www.django-rest-framework.org/api-guide/authentication/#sessionauthentication.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from auditor.extract.python import tree as t
from auditor.frameworks.cookie_settings import (
    FlaskSettings,
    django_sessions,
    flask_sessions,
    serving_variant,
)
from auditor.frameworks.django.settings import DjangoProject, place_in
from auditor.frameworks.flask.apps import FlaskApps
from auditor.link.application import Application, provides
from auditor.link.names import Code
from auditor.link.scopes import Located, place_of
from auditor.model.cookies import Cookie, CsrfGap, CsrfProtection
from auditor.model.places import Place
from auditor.model.web import Guarding, Route, WebApp

_EXEMPT = "django.views.decorators.csrf.csrf_exempt"
_DRF_SESSIONS = "rest_framework.authentication.SessionAuthentication"
_EXTENSIONS = (
    "flask_wtf.CSRFProtect", "flask_wtf.csrf.CSRFProtect", "flask_wtf.CsrfProtect", "flask_wtf.csrf.CsrfProtect",
    "flask_seasurf.SeaSurf", "quart_csrf.CSRFProtect",
)  # fmt: skip
_CREDENTIAL_ELSEWHERE = re.compile(
    r"HTTP_AUTHORIZATION|^authorization$|api_?key|signature|hmac|webhook|x-|bearer|token_auth", re.I
)
_CHECKED_BY_FORM = {"validate_on_submit", "validate", "validate_csrf"}
_JSON_ONLY = {"get_json"}


# --- Django


@provides(CsrfProtection)
def django_protection(application: Application) -> Iterator[CsrfProtection]:
    for project in application.facts(DjangoProject):
        main = serving_variant(project)
        sessions = django_sessions(main)
        if sessions is None:
            continue
        names = [
            str(each)
            for value in main.known("MIDDLEWARE")
            if isinstance(value, list)
            for each in value
        ]
        found = next((n for n in names if "csrf" in n.lower()), "")
        if not found and "None" in names:
            continue  # a part of the list cannot be told
        own = application.code.classes() if not found else ()
        if any(isinstance(c.node, t.Class) and "csrf" in c.node.name.lower() for c in own):
            continue  # one of the tree's own may stand behind another name
        place = place_in(main, "MIDDLEWARE")
        yield CsrfProtection("Django", project.name, found.rpartition(".")[2], place, sessions)


@provides(CsrfGap)
def exempt_views(application: Application) -> Iterator[CsrfGap]:
    """`@csrf_exempt` where the view knows its user by the session."""
    code = application.code
    if not application.facts(DjangoProject):
        return
    wrapped = {
        code.name(given.func.value if isinstance(given, t.Call) and isinstance(given.func, t.Attr) else given, site.scope)
        for site in code.calls(_EXEMPT)
        if (given := site.arg(0)) is not None
    }  # fmt: skip
    seen: set[tuple[str, int]] = set()
    for route in application.facts(Route):
        function = route.function
        if function is None or not route.framework.startswith("Django"):
            continue
        if route.method in ("GET", "HEAD", "OPTIONS") or route.authentication not in (
            Guarding.ENFORCED,
            Guarding.OPTIONAL,
            Guarding.ABSENT,
        ):
            continue
        if route.method != "POST" and not _changes(function):
            continue
        how = _exemption(code, function, wrapped)
        if not how or not _by_session(code, route, function):
            continue
        at = place_of(how)
        if (at.path, at.line) not in seen:
            seen.add((at.path, at.line))
            why = "csrf_exempt on a view that knows its user by the session"
            yield CsrfGap(
                f"{route.method} {route.path}", at, why, route.framework, route.application
            )


def _exemption(code: Code, function: Located, wrapped: set[str]) -> Located | None:
    """What exempts a view: its decorator, its class's, its dispatch's, or a wrapper in the URLs."""
    owners = [function]
    scope = function.scope
    if isinstance(scope.owner, t.Class) and scope.parent is not None:
        owners.append(Located(scope.owner, scope.parent))
        owners += [
            Located(m, scope)
            for m in scope.owner.body
            if isinstance(m, t.Function) and m.name == "dispatch"
        ]
    for owner in owners:
        for decorator in owner.node.decorators:  # type: ignore[attr-defined]
            inner = decorator
            if isinstance(decorator, t.Call) and decorator.args:
                inner = decorator.args[0]  # method_decorator(csrf_exempt, name="dispatch")
            if code.name(inner, owner.scope).removesuffix("()") == _EXEMPT:
                return owner
        if code.own_name(owner) in wrapped:
            return owner
    return None


def _by_session(code: Code, route: Route, function: Located) -> bool:
    """Whether the caller is known by a cookie, and not by what only its own code can send."""
    if any(_CREDENTIAL_ELSEWHERE.search(word) for word in _words(function.node)):
        return False
    guards = [g for g in route.guards if g.state is Guarding.ENFORCED]
    if any(_OTHER_CREDENTIAL.search(f"{g.name} {g.reason}") for g in guards):
        return False
    if not guards:  # it serves guests too, and whoever is signed in as himself
        return _asks_session(function.node, opens=True)
    for guard in guards:
        if _SESSION_GUARD.search(f"{guard.name} {guard.reason}"):
            return True
        if guard.via == "body":  # a view that verifies something else may open a session itself
            if _asks_session(function.node, opens=True) or _rests_on_session(code, function):
                return True
            continue
        node = _definition_at(code, guard.place)
        if node is not None and _asks_session(node):
            return not any(_CREDENTIAL_ELSEWHERE.search(word) for word in _words(node))
    return False


def _rests_on_session(code: Code, function: Located) -> bool:
    """Whether a view, or what it calls, reads Flask's session and puts nothing there itself."""
    reads = False
    for each in code.with_callees(function, 1):
        inner = code.inside(each)
        for node in t.walk_own(*each.node.body):  # type: ignore[attr-defined]
            match node:
                case t.Assign(targets=[t.Item(value=t.Name(id="session"))]):
                    return False
                case t.Name(id="session"):
                    reads = reads or code.name(node, inner) in ("flask.session", "quart.session")
    return reads


def _asks_session(node: t.Node, opens: bool = False) -> bool:
    """Whether code asks `request.user`, `current_user` or, unless it opens one, the session."""
    for each in t.walk(node):
        match each:
            case t.Attr(value=owner, name="user") if t.dotted(owner).endswith("request"):
                return True
            case t.Name(id="current_user"):
                return True
            case t.Name(id="session") | t.Attr(name="session") if not opens:
                return True
    return False


_SESSION_GUARD = re.compile(
    r"LoginRequired|PermissionRequired|UserPassesTest|signed-in user|member of staff|Django demands"
    r"|signed session|administration's own login", re.I
)  # fmt: skip
_OTHER_CREDENTIAL = re.compile(
    r"DRF|ninja|token|api.?key|JWT|OAuth|signature|bearer|basic|verify_password", re.I
)


def _definition_at(code: Code, place: Place) -> t.Node | None:
    """The function or class that a guard's place stands in."""
    inside = [
        found.node
        for _, found in code.definitions_in(place.path)
        if found.node.line <= place.line <= found.node.end_line
    ]
    return max(inside, key=lambda node: node.line, default=None)


def _words(node: t.Node) -> Iterator[str]:
    """The plain names and the texts of a definition."""
    for each in t.walk(node):
        match each:
            case t.Name(id=word) | t.Attr(name=word) | t.Const(value=str(word)):
                yield word[:200]


_CHANGES = {
    "POST",
    "FILES",
    "body",
    "save",
    "delete",
    "create",
    "update",
    "bulk_create",
    "set_password",
    "add",
    "execute",
}


def _changes(function: Located) -> bool:
    """Whether a view that takes any method reads what a form sends, or changes something."""
    return any(isinstance(n, t.Attr) and n.name in _CHANGES for n in t.walk(function.node))


@provides(CsrfGap)
def lenient_authentication(application: Application) -> Iterator[CsrfGap]:
    """A heir of DRF's SessionAuthentication that leaves the check out: `def enforce_csrf: return`."""
    code = application.code
    for found in code.classes():
        assert isinstance(found.node, t.Class)
        for method in found.node.body:
            if isinstance(method, t.Function) and method.name == "enforce_csrf":
                if _DRF_SESSIONS in code.ancestry(found) and not _does(method):
                    place = place_of(Located(method, found.scope), found.node.name)
                    why = f"{found.node.name} authenticates by the session and leaves the check out"
                    yield CsrfGap(found.node.name, place, why)


def _does(method: t.Function) -> bool:
    """Whether a method raises, or calls anything."""
    return any(isinstance(n, t.Raise | t.Call) for n in t.walk_own(*method.body))


# --- Flask


@provides(CsrfProtection)
def flask_protection(application: Application) -> Iterator[CsrfProtection]:
    (apps,) = application.facts(FlaskApps)
    if not apps.sites:
        return
    code = application.code
    extension = next(iter(code.calls(*_extensions(code))), None)
    hook = None if extension is not None else _own_hook(code)
    seen: set[str] = set()
    for app in application.facts(WebApp):
        if app.framework not in ("Flask", "Quart") or app.name in seen:
            continue
        seen.add(app.name)
        settings = FlaskSettings(application, app.name)
        sessions = flask_sessions(code, app)
        off = next(
            (s for s in ("WTF_CSRF_ENABLED", "WTF_CSRF_CHECK_DEFAULT") if settings.is_false(s)), ""
        )
        at = settings.get(off) if off else None
        if off == "WTF_CSRF_CHECK_DEFAULT" and _calls_protect(code):
            off, at = "", None  # it is asked for by hand
        if extension is not None:
            place = at.place if at else place_of(extension)
            why = f"{off} is False" if off else ""
            yield CsrfProtection(app.framework, app.name, "CSRFProtect", place, sessions, why)
        elif hook is not None:
            place = place_of(hook)
            yield CsrfProtection(app.framework, app.name, hook.node.name, place, sessions)  # type: ignore[attr-defined]
        else:
            place = at.place if at else app.place
            yield CsrfProtection(app.framework, app.name, "", place, sessions, f"{off} is False" if off else "")  # fmt: skip


def _extensions(code: Code) -> list[str]:
    """The extensions' classes, and their heirs here."""
    own = [
        names[0]
        for found in code.classes()
        if set(_EXTENSIONS).intersection(names := code.ancestry(found))
    ]
    return [*_EXTENSIONS, *own]


def _calls_protect(code: Code) -> bool:
    return any(
        code.name(site.node.func, site.scope).endswith("().protect")
        for site in code.method_calls("protect")
    )


_HOOKS = {"before_request", "before_app_request"}


def _own_hook(code: Code) -> Located | None:
    """A hook of the tree's own that speaks of CSRF before every request."""
    for function in code.functions():
        assert isinstance(function.node, t.Function)
        for decorator in function.node.decorators:
            if (
                isinstance(decorator, t.Attr)
                and decorator.name in _HOOKS
                and _speaks(function.node)
            ):
                return function
    for site in code.method_calls(*_HOOKS):
        if site.node.args:
            found = code.defined(site.node.args[0], site.scope)
            if found is not None and isinstance(found.node, t.Function) and _speaks(found.node):
                return found
    return None


def _speaks(function: t.Function) -> bool:
    if re.search("csrf|xsrf", function.name, re.I):
        return True
    for node in t.walk_own(*function.body):
        match node:
            case t.Name(id=word) | t.Attr(name=word) | t.Const(value=str(word)):
                if re.search("csrf|xsrf|nonce", word, re.I):
                    return True
    return False


@provides(CsrfGap)
def token_cookies(application: Application) -> Iterator[CsrfGap]:
    """Flask-JWT-Extended demands a second token of cookies, unless it is told not to."""
    for cookie in application.facts(Cookie):
        if cookie.framework == "Flask-JWT-Extended":
            settings = FlaskSettings(application, cookie.application)
            at = settings.get("JWT_COOKIE_CSRF_PROTECT")
            if at is not None and settings.is_false("JWT_COOKIE_CSRF_PROTECT"):
                why = "is False: cookies alone let a caller in"
                yield CsrfGap(at.name, at.place, why, cookie.framework, cookie.application, False)


@provides(CsrfGap)
def flask_gaps(application: Application) -> Iterator[CsrfGap]:
    """Routes that change something for a signed-in user, and read a form that nothing checks."""
    code = application.code
    protections = {
        p.application: p
        for p in application.facts(CsrfProtection)
        if p.framework in ("Flask", "Quart") and p.sessions
    }
    exempt = _exempted(code)
    seen: set[tuple[str, int]] = set()
    for route in application.facts(Route):
        protection = protections.get(route.application)
        if protection is None or route.function is None or route.method != "POST":
            continue
        function = route.function
        own = code.own_name(function)
        covered = bool(protection.name) and not protection.off
        if covered and own not in exempt:
            continue
        if route.authentication is not Guarding.ENFORCED or _checked(code, function):
            continue
        if not _by_session(code, route, function):
            continue
        at = place_of(function, own.rpartition(":")[2])
        if (at.path, at.line) not in seen:
            seen.add((at.path, at.line))
            why = "exempt from the check" if covered else "takes a form that nothing checks"
            told = f"{why}, from a user known by the session"
            name = f"{route.method} {route.path}"
            yield CsrfGap(name, at, told, route.framework, route.application, covered)


def _exempted(code: Code) -> set[str]:
    """Canonical names of functions that `@csrf.exempt` or `csrf.exempt(view)` lets through."""
    found: set[str] = set()
    for function in code.functions():
        for decorator in function.node.decorators:  # type: ignore[attr-defined]
            if isinstance(decorator, t.Attr) and decorator.name == "exempt":
                if re.search(
                    r"CSRFProtect\(\)|SeaSurf\(\)|csrf", code.name(decorator, function.scope), re.I
                ):
                    found.add(code.own_name(function))
    for site in code.method_calls("exempt"):
        if site.node.args and re.search(
            "csrf", code.name(site.node.func, site.scope) or t.dotted(site.node.func), re.I
        ):
            found.add(code.name(site.node.args[0], site.scope))
    return found


def _checked(code: Code, function: Located) -> bool:
    """Whether a form or a decorator checks the token, or the body is JSON, which no form can send."""
    for decorator in function.node.decorators:  # type: ignore[attr-defined]
        name = t.dotted(t.callee(decorator))
        if "csrf" in name.lower() and not name.endswith("exempt"):
            return True
    bodies = [each.node.body for each in code.with_callees(function, 1)]  # type: ignore[attr-defined]
    for node in t.walk_own(*(stmt for body in bodies for stmt in body)):
        match node:
            case t.Attr(name=name) if name in _CHECKED_BY_FORM or name in _JSON_ONLY:
                return True
            case t.Attr(value=t.Name(id="request"), name="json"):
                return True
    return False
