"""Rate limiters: what limits a route, by decorator, dependency or middleware.

Sources: the documentation of slowapi, Flask-Limiter, fastapi-limiter, limits and asgi-ratelimit. A limiter written
in the tree itself is known by what it does: it answers 429 (RFC 6585, section 4).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from auditor.extract.python import tree as t
from auditor.link.application import Application, provides
from auditor.link.names import Code, Located, Scope
from auditor.link.values import place_of
from auditor.model.settings import FrameworkSetting
from auditor.model.web import Limiter

_LIMITS = re.compile(
    r"^(?:(?:slowapi|flask_limiter)\.(?:extension\.)?Limiter\(\)\.(?:limit|shared_limit)\(\)"
    r"|fastapi_limiter\.depends\.(?:WebSocket)?RateLimiter\(\)"
    r"|fastapi_throttle\.RateLimiter\(\)"
    r"|fastapi_simple_rate_limiter\.rate_limiter\(\)"
    r"|ratelimit\.limits\(\)"
    r"|aiolimiter\.AsyncLimiter\(\))$"
)
_MIDDLEWARE = re.compile(
    r"(?:ratelimit\.RateLimitMiddleware|fastapi_limiter\.\w*Middleware|asgi_ratelimit\.\w+"
    r"|starlette_limiter\.\w+|ratelimit_asgi\.\w+)$"
)
_SLOWAPI_MIDDLEWARE = re.compile(r"^slowapi\.middleware\.SlowAPI(?:ASGI)?Middleware$")
_LIMITER_CLASSES = {
    "slowapi.Limiter": "slowapi",
    "slowapi.extension.Limiter": "slowapi",
    "flask_limiter.Limiter": "Flask-Limiter",
    "flask_limiter.extension.Limiter": "Flask-Limiter",
}


@provides(Limiter)
def limiters(application: Application) -> Iterator[Limiter]:
    code = application.code
    for site in code.calls(*_LIMITER_CLASSES):
        name = _LIMITER_CLASSES[code.name(site.node.func, site.scope)]
        default = site.arg(1 if name == "slowapi" else None, "default_limits")
        always = site.arg(None, "application_limits")
        configured = name == "Flask-Limiter" and any(
            s.name == "RATELIMIT_DEFAULT" for s in application.facts(FrameworkSetting)
        )
        yield Limiter(name, place_of(site), default is not None or always is not None or configured)


def limits_route(code: Code, name: str) -> bool:
    """Whether a decorator or dependency of this canonical name limits the route it stands on."""
    if _LIMITS.match(name):
        return True
    found = code.definition(name)
    return found is not None and isinstance(found.node, t.Function) and answers_429(code, found)


def exempts_route(name: str) -> bool:
    """Whether a decorator takes its route out of the default limits."""
    return name in (
        "slowapi.Limiter().exempt",
        "slowapi.extension.Limiter().exempt",
        "flask_limiter.Limiter().exempt",
        "flask_limiter.extension.Limiter().exempt",
    ) or name.endswith("Limiter().exempt()")


def limits_everything(application: Application, name: str) -> bool:
    """Whether a middleware of this canonical name limits every route of its application."""
    if _SLOWAPI_MIDDLEWARE.match(name):
        return any(limiter.default_limits for limiter in application.facts(Limiter))
    if _MIDDLEWARE.search(name):
        return True
    found = application.code.definition(name)
    if found is None:
        return False
    methods = [found]
    if isinstance(found.node, t.Class):
        inner = application.code.inside(found)
        methods = [Located(n, inner) for n in found.node.body if isinstance(n, t.Function)]
    return any(answers_429(application.code, method) for method in methods)


def answers_429(code: Code, function: Located, depth: int = 2) -> bool:
    """Whether a function, or one it calls, turns callers away with status 429."""
    inner: Scope = code.inside(function)
    for node in t.walk(*function.node.body):  # type: ignore[attr-defined]
        if isinstance(node, t.Const) and node.value == 429 and node.value is not True:
            return True
        if isinstance(node, t.Attr) and node.name in (
            "HTTP_429_TOO_MANY_REQUESTS",
            "TOO_MANY_REQUESTS",
        ):
            return True
        if isinstance(node, t.Call) and depth:
            callee = code.defined(node.func, inner)
            if callee and isinstance(callee.node, t.Function) and callee.node is not function.node:
                if answers_429(code, callee, depth - 1):
                    return True
    return False
