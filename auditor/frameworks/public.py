"""Routes that are public by nature, and why.

By the words of their path and handler: a health check, a login or a webhook must be reachable
without a session. A word counts as a whole path segment, so that `/login-history` is not a login.
"""

from __future__ import annotations

import re

_SEGMENTS = (
    ("health check", r"health|healthz|health[-_]?check|livez?|liveness|readyz?|readiness|ping|alive|heartbeat|status|_health|up"),
    ("login", r"log[-_]?in|sign[-_]?in|signin|authenticate|access[-_]?token|token|oauth2?|sso|session|otp|verify[-_]?otp|send[-_]?otp|2fa|mfa|magic[-_]?link|authorize|google[-_]?login|extension[-_]?login"),
    ("logout", r"log[-_]?out|sign[-_]?out"),
    ("registration", r"register|registration|sign[-_]?up|signup"),
    ("token refresh", r"refresh|refresh[-_]?token|token[-_]?refresh"),
    ("password recovery", r"(?:forgot|forget|reset|recover)(?:[-_]?(?:my[-_]?)?password)?|password[-_]?(?:reset|recovery|forgot)[-_\w]*|verify[-_]?email|email[-_]?verification|confirm[-_]?email|request[-_]?verify[-_]?token"),
    ("documentation", r"docs|redoc|openapi\.json|swagger|version"),
    ("static files", r"static|assets|favicon\.ico|robots\.txt|sitemap\.xml|\.well-known"),
    ("sign-in callback", r"callback|oauth[-_]?callback"),
    ("metrics", r"metrics"),
)  # fmt: skip
_COMPILED = tuple((why, re.compile(f"(?:{words})", re.I)) for why, words in _SEGMENTS)
_ACTIONS = {"login", "logout", "registration", "token refresh", "password recovery", "sign-in callback"}
"""These words name an action only as the last segment, or the last before a parameter."""


def public_by_nature(method: str, path: str) -> str:
    """Why a route is public by nature; empty where it is not. A root page is public."""
    segments = [s for s in path.split("/") if s and not s.startswith("{")]
    if not segments:
        return "start page" if method in ("GET", "HEAD") and "{" not in path else ""
    meaningful = [s for s in segments if not re.fullmatch(r"api|v\d+", s, re.I)]
    for why, words in _COMPILED:
        if why in _ACTIONS:
            if meaningful and words.fullmatch(meaningful[-1]):
                return why
        elif why in ("documentation", "static files"):
            if meaningful and words.fullmatch(meaningful[0]) and method in ("GET", "HEAD"):
                return why
        elif meaningful and method in ("GET", "HEAD", "OPTIONS"):
            if words.fullmatch(meaningful[-1]) and len(meaningful) <= 3 or (
                why == "health check" and words.fullmatch(meaningful[0]) and len(meaningful) <= 2 and meaningful[0].lower().startswith(("health", "live", "ready", "ping"))
            ):
                return why
    return ""
