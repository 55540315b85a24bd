"""Routes that well-known packages bring: (method, path below the prefix, guard).

Sources: the packages' documentation (fastapi-users "Routers", prometheus-fastapi-instrumentator).
"""

from __future__ import annotations

from auditor.model.web import Guarding

KnownRoute = tuple[str, str, "tuple[Guarding, str, str] | None"]

_SIGNED_IN = (Guarding.ENFORCED, "fastapi-users verifies the session or token", "current_user")
_SUPERUSER = (Guarding.ENFORCED, "fastapi-users demands a superuser", "current_superuser")
_USERS = "fastapi_users.FastAPIUsers()."

_ROUTES: dict[str, tuple[KnownRoute, ...]] = {
    _USERS + "get_auth_router()": (
        ("POST", "/login", None),
        ("POST", "/logout", _SIGNED_IN),
    ),
    _USERS + "get_register_router()": (("POST", "/register", None),),
    _USERS + "get_reset_password_router()": (
        ("POST", "/forgot-password", None),
        ("POST", "/reset-password", None),
    ),
    _USERS + "get_verify_router()": (
        ("POST", "/request-verify-token", None),
        ("POST", "/verify", None),
    ),
    _USERS + "get_users_router()": (
        ("GET", "/me", _SIGNED_IN),
        ("PATCH", "/me", _SIGNED_IN),
        ("GET", "/{id}", _SUPERUSER),
        ("PATCH", "/{id}", _SUPERUSER),
        ("DELETE", "/{id}", _SUPERUSER),
    ),
    _USERS + "get_oauth_router()": (("GET", "/authorize", None), ("GET", "/callback", None)),
    _USERS + "get_oauth_associate_router()": (
        ("GET", "/authorize", _SIGNED_IN),
        ("GET", "/callback", _SIGNED_IN),
    ),
}


def known_routes(name: str) -> tuple[KnownRoute, ...]:
    """The routes of the router, or added by the call, of this canonical name."""
    if name.startswith("prometheus_fastapi_instrumentator.") and name.endswith(".expose"):
        return (("GET", "/metrics", None),)
    return _ROUTES.get(name, ())
