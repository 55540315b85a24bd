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
    r"csrf|xsrf|captcha|lang|locale|theme|cart|basket|wish_?list|next|flash|redirect|referr|nonce|state|visit|count"
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
    said = checks.values.text(key, scope) or "" if key is not None else ""
    if key is None or _NO_IDENTITY.search(said) or _put_by_anybody(said, checks):
        return Origin()
    return Origin(truth=Strength.VERIFIED, identity=True)


_IDENTITY = re.compile(
    r"us(?:e?r|uario)|uid|id$|^id|auth|log(?:ged|in)|admin|member|account|e?mail|name|role|staff|token|perm|who|ident|profile|client"
    r"|customer|employee|teacher|student|doctor|patient|phone|mobile|verified|otp",
    re.I,
)
"""Words of keys under which somebody is kept, whatever was checked before."""
_CHECKING = re.compile(
    r"passw|pwd|senha|token|oauth|openid|log_?in|sign_?in|auth|verif|check|code|otp|secret|credential",
    re.I,
)
"""Words of what a function says that checks something before it remembers it."""


def _put_by_anybody(key: str, checks: Checks) -> bool:
    """Whether what stands under a key is put there by views that check nothing: a choice, a score, a draft.

    Only views count, which carry a decorator: what a helper is called for is not looked into.
    """
    if not key or _IDENTITY.search(key):
        return False
    places = checks.kept_entries.get(key, ())
    functions = [scope.function for _, scope in places]
    return bool(functions) and all(
        f is not None and f.decorators and not any(map(_checks, t.walk_own(*f.decorators, *f.body)))
        for f in functions
    )


def _checks(node: t.Node) -> bool:
    match node:
        case t.Name(id=word) | t.Attr(name=word) | t.Const(value=str(word)):
            return bool(_CHECKING.search(word[:80]))
    return False


def _asked(expr: t.Expr) -> tuple[t.Expr, t.Expr | None]:
    """What is asked for a key, and the key; an expression alone where none is."""
    match expr:
        case t.Item(value=owner, index=key):
            return owner, key
        case t.Call(func=t.Attr(name="get" | "pop" | "has_key", value=owner), args=[key, *_]):
            return owner, key
    return expr, None
