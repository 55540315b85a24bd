"""Rate limiters that packages bring: what limits a route, by decorator, dependency or middleware.

Sources: the documentation of slowapi, Flask-Limiter, fastapi-limiter, limits and asgi-ratelimit. The limiters of
Django and DRF are in `frameworks/django_limits.py`, those that a tree writes itself in `counters.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from auditor.extract.python import tree as t
from auditor.libraries.counters import Counters
from auditor.link.application import Application, provides
from auditor.link.names import Code
from auditor.link.scopes import CallSite, Located, place_of
from auditor.model.settings import FrameworkSetting, SettingDefinition, in_service
from auditor.model.values import Known, Value, possible, settings_in
from auditor.model.web import Limiter

_LIMITER = r"^(?:slowapi|flask_limiter|quart_rate_limiter)\.(?:extension\.)?Limiter\(\)\."
LIMITS = re.compile(
    _LIMITER + r"(?:limit|shared_limit)\(\)$"
    r"|^fastapi_limiter\.depends\.(?:WebSocket)?RateLimiter\(\)$"
    r"|^(?:fastapi_throttle|fastapi_redis_rate_limiter|pyrate_limiter|fastapi_rate_limiter)\.(?:\w+\.)*\w+(?:\(\))?$"
    r"|^fastapi_simple_rate_limiter\.rate_limiter\(\)$|^(?:quart_rate_limiter)\.rate_limit\(\)$"
    r"|^ratelimit\.(?:limits|rate_limited)\(\)$|^aiolimiter\.AsyncLimiter\(\)$"
)
_EXEMPTS = re.compile(_LIMITER + r"exempt(?:\(\))?$|^quart_rate_limiter\.rate_exempt$")
LIMITING_MIDDLEWARE = re.compile(
    r"(?:ratelimit\.RateLimitMiddleware|fastapi_limiter\.\w*Middleware|asgi_ratelimit\.\w+"
    r"|starlette_limiter\.\w+|ratelimit_asgi\.\w+)$"
)
SLOWAPI_MIDDLEWARE = re.compile(r"^slowapi\.middleware\.SlowAPI(?:ASGI)?Middleware$")
_CLASSES = {
    "slowapi.Limiter": "slowapi",
    "slowapi.extension.Limiter": "slowapi",
    "flask_limiter.Limiter": "Flask-Limiter",
    "flask_limiter.extension.Limiter": "Flask-Limiter",
}
_FORWARDED_KEYS = ("slowapi.util.get_ipaddr", "flask_limiter.util.get_ipaddr")
SPOOFABLE = "counts by X-Forwarded-For, which callers write themselves"


@provides(Limiter)
def limiters(application: Application) -> Iterator[Limiter]:
    code = application.code
    counters = Counters(application)
    for site in code.calls(*_CLASSES):
        name = _CLASSES[code.name(site.node.func, site.scope)]
        listed = [site.arg(1 if name == "slowapi" else None, "default_limits")]
        listed += [
            site.arg(None, "application_limits"),
            site.arg(None, "default_limits_per_method"),
        ]
        settings = _settings(application) if name == "Flask-Limiter" else {}
        configured = "RATELIMIT_DEFAULT" in settings or "RATELIMIT_APPLICATION" in settings
        default = configured or any(_some(application, each, site) for each in listed[:2])
        storage = _value(application, site.arg(None, "storage_uri"), site)
        if storage is None:
            storage = settings.get("RATELIMIT_STORAGE_URI") or settings.get("RATELIMIT_STORAGE_URL")
        off = _off(application, site, name, settings)
        memory = _in_memory(storage) and not _given_elsewhere(application, storage)
        yield Limiter(name, place_of(site), default, memory, _key(site, counters), off)


def _settings(application: Application) -> dict[str, Value]:
    found = [s for s in application.facts(FrameworkSetting) if s.name.startswith("RATELIMIT_")]
    return {s.name: s.value for s in in_service(found)}


def _value(application: Application, expr: t.Expr | None, site: CallSite) -> Value | None:
    return application.values.value(expr, site.scope) if expr is not None else None


def _some(application: Application, expr: t.Expr | None, site: CallSite) -> bool:
    """Whether limits are listed: `default_limits=[]` is none."""
    value = _value(application, expr, site)
    return value is not None and not (isinstance(value, Known) and not value.value)


def _given_elsewhere(application: Application, storage: Value | None) -> bool:
    """Whether the deployment gives a storage instead of the memory, which is the default in code."""
    names = {setting.name for setting in settings_in(storage)}
    return any(
        definition.name in names
        and definition.environment in ("", "production", "staging")
        and (definition.elsewhere or not definition.value.startswith("memory:"))
        for definition in application.facts(SettingDefinition)
    )


def _in_memory(storage: Value | None) -> bool:
    """The storage of limits is the process's memory unless told otherwise."""
    if storage is None:
        return True
    texts = [known.value for known in possible(storage)]
    set_outside = any(each.default is None for each in settings_in(storage))
    return bool(texts) and not set_outside and all(str(x).startswith("memory:") for x in texts)


def _key(site: CallSite, counters: Counters) -> str:
    """Why the caller can change what he is counted by, if he can."""
    for given in (site.arg(None, "key_func"), *site.node.args[:2]):
        if given is None:
            continue
        if counters.code.name(given, site.scope) in _FORWARDED_KEYS:
            return SPOOFABLE
        found = counters.code.defined(given, site.scope)
        if found is None and isinstance(given, t.Lambda):
            found = counters.code.as_function(Located(given, site.scope))
        if found is not None and isinstance(found.node, t.Function) and counters.forwarded(found):
            return SPOOFABLE
    return ""


def _off(application: Application, site: CallSite, name: str, settings: dict[str, Value]) -> str:
    enabled = settings.get("RATELIMIT_ENABLED") or _value(
        application, site.arg(None, "enabled"), site
    )
    if isinstance(enabled, Known) and enabled.value is False:
        return f"it is switched off ({enabled.place})"
    if name == "Flask-Limiter" and not _initialised(application.code, site):
        return "it is never given an application: nothing calls its init_app()"
    return ""


def _initialised(code: Code, site: CallSite) -> bool:
    if any(k.name in ("app", None) for k in site.node.keywords) or len(site.node.args) > 1:
        return True
    if site.node.args and "get_remote_address" not in t.dotted(site.node.args[0]):
        return True  # the first argument of older versions is the application
    for call in code.method_calls("init_app"):
        name = code.name(call.node.func, call.scope)
        if not name or "imiter" in name or name.startswith(("builtins.", "(")):
            return True
    return False


def exempts_route(name: str) -> bool:
    """Whether a decorator takes its route out of the default limits."""
    return _EXEMPTS.match(name) is not None
