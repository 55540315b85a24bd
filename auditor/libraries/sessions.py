"""Sessions that the server keeps or signs: what they hold, the application has put there."""

from __future__ import annotations

import re

from auditor.extract.python import tree as t
from auditor.link.checks import Checks, Origin, Strength, vouches
from auditor.link.scopes import Scope

_SESSION = re.compile(r"(?:flask|quart)(?:\.globals)?\.session")
_OF_REQUEST = re.compile(r"(?:\w+\.)*(?:request|req)\.session")
_STARLETTE = re.compile(
    r"(?:fastapi|starlette)(?:\.\w+)*\.(?:Request|HTTPConnection)\(\)\.session\b"
)
_NO_IDENTITY = re.compile(
    r"csrf|xsrf|captcha|lang|locale|theme|cart|next|flash|redirect|referr|nonce|state|visit|count"
    r"|permanent|modified|accessed|^new$|timezone|return|url|otp|email_to",
    re.I,
)
"""Keys of a session that say nothing about who is calling."""


@vouches
def the_session(expr: t.Expr, name: str, scope: Scope, checks: Checks) -> Origin | None:
    """`session["user"]` of Flask, `request.session.get("user")` of Django and Starlette.

    https://flask.palletsprojects.com/en/stable/quickstart/#sessions,
    https://docs.djangoproject.com/en/stable/topics/http/sessions/: the cookie is signed, or only
    names what the server keeps.
    """
    owner, key = _asked(expr)
    named = _OF_REQUEST.fullmatch(t.dotted(owner)) or _STARLETTE.match(name)
    if key is None or not named:
        match = _SESSION.match(name)
        if match is None:
            return None
        if not name[match.end() :]:
            return Origin(identity=True)
    if key is None or _NO_IDENTITY.search(checks.values.text(key, scope) or ""):
        return Origin()
    return Origin(truth=Strength.VERIFIED, identity=True)


def _asked(expr: t.Expr) -> tuple[t.Expr, t.Expr | None]:
    """What is asked for a key, and the key; an expression alone where none is."""
    match expr:
        case t.Item(value=owner, index=key):
            return owner, key
        case t.Call(func=t.Attr(name="get" | "pop" | "has_key", value=owner), args=[key, *_]):
            return owner, key
    return expr, None
