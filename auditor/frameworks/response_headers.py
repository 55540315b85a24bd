"""What an application sends with every response, which hosts it answers, whether it insists on HTTPS.

Headers count where code sets them that sees every response: middleware, Flask's `after_request`,
Django's MIDDLEWARE. https://docs.djangoproject.com/en/stable/ref/middleware/#module-django.middleware.security,
https://flask.palletsprojects.com/en/stable/web-security/#security-headers, https://www.starlette.io/middleware/.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from auditor.extract.python import tree as t
from auditor.frameworks.django.settings import DjangoProject, place_in
from auditor.frameworks.fastapi.application import unit_of
from auditor.frameworks.fastapi.routers import Routing
from auditor.frameworks.flask.routing import FlaskRouting
from auditor.frameworks.middleware import entry
from auditor.libraries.security_headers import (
    HSTS,
    PACKAGED_MIDDLEWARE,
    SECURE,
    SECWEB,
    SENT_BY_SECURE,
    TALISMAN,
    TALISMAN_OPTIONS,
    header_of,
    switched_off,
)
from auditor.link.application import Application, provides
from auditor.link.names import Code
from auditor.link.scopes import CallSite, Located, place_of
from auditor.link.values import Evaluator
from auditor.model.places import Place
from auditor.model.transport import HostPolicy, HttpsRedirect, ResponseHeader
from auditor.model.values import Known, Setting, Value, possible, settings_in
from auditor.model.web import WebApp

_TRUSTED = re.compile(r"(?:^|\.)TrustedHostMiddleware$")
_HTTPS = re.compile(r"(?:^|\.)HTTPSRedirectMiddleware$")
_AFTER = {"after_request", "after_app_request"}
_SECURITY = "django.middleware.security.SecurityMiddleware"
_FRAMES = "django.middleware.clickjacking.XFrameOptionsMiddleware"
_CSP = ("csp.middleware.CSPMiddleware", "django.middleware.csp.ContentSecurityPolicyMiddleware")
_ADDS = re.compile(r"(?:set|add|append|setdefault|setlist|insert)$")


@provides(ResponseHeader)
def response_headers(application: Application) -> Iterator[ResponseHeader]:
    yield from _starlette(application)
    yield from _flask(application)
    for project in application.facts(DjangoProject):
        yield from _django(application, project)


# --- FastAPI and Starlette


def _starlette(application: Application) -> Iterator[ResponseHeader]:
    code, values = application.code, application.values
    for routing in application.facts(Routing):
        served = {key for key, _ in routing.apps()}
        for key, router in routing.routers.items():
            if key not in served:
                continue
            unit = unit_of(key[0])
            for each in router.middleware:
                short = re.split(r"[.:]", each.name)[-1]
                function = entry(code, each)
                if function is not None:
                    yield from _set_by(code, values, function, unit, short, each.place)
                elif PACKAGED_MIDDLEWARE.search(short) or SECWEB.match(each.name):
                    for name in SENT_BY_SECURE:
                        yield ResponseHeader(unit, name, short, each.place)
            for site in code.calls("Secweb.SecWeb"):
                if unit_of(site.path) == unit:
                    for name in SENT_BY_SECURE:
                        yield ResponseHeader(unit, name, "Secweb", place_of(site))


def _set_by(
    code: Code, values: Evaluator, function: Located, unit: str, via: str, place: Place
) -> Iterator[ResponseHeader]:
    """The headers that a function, or one it calls, puts on a response."""
    seen: set[str] = set()
    for each in _with_class(code, function):
        inner = code.inside(each)
        for node in t.walk(*each.node.body):  # type: ignore[attr-defined]
            for name, value in _settings(node, code, each):
                if name in seen:
                    continue
                seen.add(name)
                text = values.text(value, inner) if value is not None else None
                at = place_of(Located(node, inner))
                yield ResponseHeader(unit, name, via, at, switched_off(name, text or ""))


def _with_class(code: Code, function: Located) -> list[Located]:
    """A function, what it calls, and what its class keeps for it in the constructor and body."""
    if isinstance(function.node, t.Class):
        return [function]
    found = code.with_callees(function, 2)
    owner = function.scope.owner
    if isinstance(owner, t.Class) and function.scope.parent is not None:
        found.append(Located(owner, function.scope.parent))
    return found


def _settings(node: t.Node, code: Code, at: Located) -> Iterator[tuple[str, t.Expr | None]]:
    """(header, value) that an assignment, a mapping, a pair or a call names."""
    match node:
        case t.Assign(targets=[t.Item(index=t.Const(value=key))], value=value) if header_of(key):
            yield header_of(key), value
        case t.Map(keys=keys, values=values):
            for key_of, value in zip(keys, values, strict=True):
                if isinstance(key_of, t.Const) and (name := header_of(key_of.value)):
                    yield name, value
        case t.Call(func=t.Attr(name=called), args=[t.Const(value=key), *rest]) if header_of(
            key
        ) and _ADDS.search(called):
            yield header_of(key), rest[0] if rest else None
        case t.Seq(items=[t.Const(value=key), value]) if header_of(key):
            yield header_of(key), value
        case t.Call(func=func) if SECURE.match(code.name(func, code.inside(at))):
            for name in sorted(SENT_BY_SECURE):
                yield name, None
        case t.For(iter=t.Name() | t.Attr() as source):
            for origin in _origins(code, source, at):
                for inner in t.walk_own(origin):
                    if inner is not node:
                        yield from _settings(inner, code, at)
        case t.Call(func=t.Attr(name="update"), args=[t.Name() | t.Attr() as source]):
            for origin in _origins(code, source, at):
                yield from _settings(origin, code, at)


def _origins(code: Code, source: t.Expr, at: Located) -> Iterator[t.Node]:
    """The mapping or list that a module's name stands for."""
    if isinstance(source, t.Name):
        bound = code.find(source.id, code.inside(at))
        for binding in bound[1] if bound else ():
            if isinstance(binding.value, t.Map | t.Seq):
                yield binding.value


# --- Flask


def _flask(application: Application) -> Iterator[ResponseHeader]:
    code, values = application.code, application.values
    (routing,) = application.facts(FlaskRouting)
    if not routing.nodes:
        return
    units = sorted({unit_of(key[0]) for key, node in routing.nodes.items() if node.kind == "app"})
    for function in _after(code):
        for unit in _nearest(units, function.path):
            yield from _set_by(code, values, function, unit, "after_request", place_of(function))
    for site in code.all_calls():
        if TALISMAN.match(code.name(site.node.func, site.scope)) and _given(code, site):
            for unit in _nearest(units, site.path):
                yield from _talisman(values, site, unit)


def _nearest(units: list[str], path: str) -> list[str]:
    """The application that a file belongs to, all where it cannot be told."""
    own = [unit for unit in units if unit == "." or path.startswith(unit + "/")]
    return own or units


def _after(code: Code) -> Iterator[Located]:
    for function in code.functions():
        for decorator in function.node.decorators:  # type: ignore[attr-defined]
            if isinstance(decorator, t.Attr) and decorator.name in _AFTER:
                yield function
    for site in code.method_calls(*sorted(_AFTER)):
        given = site.arg(0)
        found = code.defined(given, site.scope) if given is not None else None
        if found is not None and isinstance(found.node, t.Function):
            yield found


def _given(code: Code, site: CallSite) -> bool:
    """Whether a Talisman gets its application: in its call, or by `init_app`."""
    return bool(site.node.args) or any(k.name == "app" for k in site.node.keywords)


def _talisman(values: Evaluator, site: CallSite, unit: str) -> Iterator[ResponseHeader]:
    for name, option in TALISMAN_OPTIONS.items():
        value = values.value(site.arg(None, option), site.scope)
        if not (isinstance(value, Known) and value.value in (False, None)) or site.arg(None, option) is None:  # fmt: skip
            yield ResponseHeader(unit, name, "Talisman", place_of(site))


# --- Django


def _django(application: Application, project: DjangoProject) -> Iterator[ResponseHeader]:
    main, unit = project.main, project.name
    listed = main.texts("MIDDLEWARE")
    at = place_in(main, "MIDDLEWARE")
    secured = _SECURITY in listed
    hsts = main.get("SECURE_HSTS_SECONDS")
    if hsts is not None and _positive(hsts):
        void = "" if secured else "SecurityMiddleware is not in MIDDLEWARE, so nothing sends it"
        place = place_in(main, "SECURE_HSTS_SECONDS")
        yield ResponseHeader(unit, HSTS, "SECURE_HSTS_SECONDS", place, void)
    if secured:
        if not any(v is False for v in main.known("SECURE_CONTENT_TYPE_NOSNIFF")):
            yield ResponseHeader(unit, "x-content-type-options", "SecurityMiddleware", at)
        if not any(v in ("", None) for v in main.known("SECURE_REFERRER_POLICY")):
            yield ResponseHeader(unit, "referrer-policy", "SecurityMiddleware", at)
    if _FRAMES in listed:
        yield ResponseHeader(unit, "x-frame-options", "XFrameOptionsMiddleware", at)
    if any(each in listed for each in _CSP):
        yield ResponseHeader(unit, "content-security-policy", "CSP middleware", at)
    code = application.code
    for dotted in listed:
        module = code.module_of(dotted.rpartition(".")[0], main.module.scope)
        short = dotted.rpartition(".")[2]
        found = code.definition(f"{module.path}:{short}") if module is not None else None
        if found is not None:
            yield from _set_by(code, application.values, found, unit, short, at)


def _positive(value: Value) -> bool:
    """Whether a number is set: by code, or by what must be given from outside."""
    numbers = [known.value for known in possible(value)]
    if any(isinstance(n, int | float | str) and str(n) not in ("0", "", "False") for n in numbers):
        return True
    return not numbers and not isinstance(value, Known)


# --- hosts and HTTPS


@provides(HostPolicy)
def host_policies(application: Application) -> Iterator[HostPolicy]:
    for routing in application.facts(Routing):
        for key, router in routing.routers.items():
            for each in router.middleware:
                if _TRUSTED.search(each.name) and each.site is not None:
                    given = each.site.arg(None, "allowed_hosts")
                    if given is None:
                        hosts: Value = Known(["*"], each.place)
                    else:
                        hosts = application.values.value(given, each.site.scope)
                    yield HostPolicy(unit_of(key[0]), "TrustedHostMiddleware", hosts, each.place)
    for project in application.facts(DjangoProject):
        if (value := project.main.get("ALLOWED_HOSTS")) is not None:
            place = place_in(project.main, "ALLOWED_HOSTS")
            yield HostPolicy(project.name, "ALLOWED_HOSTS", value, place)


@provides(HttpsRedirect)
def https_redirects(application: Application) -> Iterator[HttpsRedirect]:
    for routing in application.facts(Routing):
        for key, router in routing.routers.items():
            for each in router.middleware:
                if _HTTPS.search(each.name):
                    yield HttpsRedirect(unit_of(key[0]), "HTTPSRedirectMiddleware", each.place)
    code = application.code
    apps = sorted({a.name for a in application.facts(WebApp) if a.framework in ("Flask", "Quart")})
    for site in code.all_calls() if apps else ():
        if TALISMAN.match(code.name(site.node.func, site.scope)) and _given(code, site):
            forced = application.values.value(site.arg(None, "force_https"), site.scope)
            if site.arg(None, "force_https") is None or not (isinstance(forced, Known) and forced.value is False):  # fmt: skip
                for unit in _nearest(apps, site.path):
                    yield HttpsRedirect(unit, "Talisman", place_of(site))
    for project in application.facts(DjangoProject):
        value = project.main.get("SECURE_SSL_REDIRECT")
        if value is None or _SECURITY not in project.main.texts("MIDDLEWARE"):
            continue
        told = [known.value for known in possible(value)]
        outside = any(each.default is None for each in settings_in(value))
        if any(v is True or str(v).lower() in ("1", "true", "yes") for v in told) or (outside and not told) or (not isinstance(value, Known | Setting) and not told):  # fmt: skip
            place = place_in(project.main, "SECURE_SSL_REDIRECT")
            yield HttpsRedirect(project.name, "SECURE_SSL_REDIRECT", place)
