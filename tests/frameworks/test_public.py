"""Routes that are public by nature, and their near-misses."""

from __future__ import annotations

import pytest

from auditor.frameworks.public import public_by_nature


@pytest.mark.parametrize(
    "method, path, why",
    [
        ("GET", "/", "start page"),
        ("GET", "/api", "start page"),
        ("GET", "/health", "health check"),
        ("GET", "/api/v1/healthz", "health check"),
        ("GET", "/health/detailed", "health check"),
        ("GET", "/api/public/status", "health check"),
        ("POST", "/auth/login", "login"),
        ("POST", "/token", "login"),
        ("POST", "/auth/token", "login"),
        ("POST", "/auth/extension-login", "login"),
        ("POST", "/login/magic/{email}", "login"),
        ("POST", "/users/register", "registration"),
        ("POST", "/auth/refresh", "token refresh"),
        ("POST", "/reset-password/{token}", "password recovery"),
        ("GET", "/forgot/password", "password recovery"),
        ("GET", "/static/{path}", "static files"),
        ("POST", "/auth/reset", "password recovery"),
        ("POST", "/auth/reset/<token>", "password recovery"),
        ("GET", "/confirm/<string:token>", "link of a mail"),
        ("POST", "/invitations/{token}", "link of a mail"),
        ("POST", "/register/customer", "registration"),
        ("POST", "/reset-password/new-password", "password recovery"),
        ("GET", "/google/authorized", "sign-in callback"),
        ("POST", "/api/auth/token/blacklist/", "logout"),
        ("GET", "/privacy-policy/", "information"),
        ("GET", "/manifest.json", "static files"),
        ("GET", "/legal/cases", ""),
        ("POST", "/contact", ""),
        ("POST", "/items/reset", ""),
        ("POST", "/register/device", ""),
        ("DELETE", "/invitations/{token}", ""),
        ("GET", "/verify/{email}", ""),
        ("GET", "/user/<username>", ""),
        ("POST", "/", ""),
        ("POST", "/health", ""),
        ("GET", "/admin/health", ""),
        ("GET", "/orders/{id}/status", ""),
        ("GET", "/health/records/{id}", ""),
        ("GET", "/users/{id}/token", ""),
        ("POST", "/devices/token", ""),
        ("GET", "/login-history", ""),
        ("GET", "/leads", ""),
    ],
)
def test_public_by_nature(method: str, path: str, why: str) -> None:
    assert public_by_nature(method, path) == why
