"""Passwords in addresses and in connection strings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote

from auditor.discover.kinds import Role
from auditor.engines import Words, engine
from auditor.extract.secrets import values
from auditor.extract.secrets.assignments import NAME_BYTES
from auditor.extract.secrets.patterns import CONNECTION_PASSWORD, SCHEME, SCHEME_BYTES, URL_LOGIN
from auditor.extract.secrets.places import Place
from auditor.extract.secrets.structure import COMMON_PASSWORDS, decode, is_common

Found = tuple[int, int, str, str, str, str, str, str]
"""Start, end, kind, title, confidence, public prefix, variable, host."""

LOCAL = Words(
    r"(?i)localhost|127\.0\.0\.1|0\.0\.0\.0|\[?::1\]?|host\.docker\.internal|[a-z][a-z0-9_-]*"
)
_DOCUMENTATION = Words(
    r"(?i)example|your|<|\bhost(?:name)?\b|^x+$|x{4,}|\.test$|\.invalid$|^server$|^domain"
)


def addresses(text: bytes, place: Place) -> Iterator[Found]:
    for match in URL_LOGIN.finditer(text):
        start, end = match.span("v")
        colon = match.start()
        scheme_found = SCHEME.search(text, max(0, colon - SCHEME_BYTES), colon)
        if scheme_found is None:
            continue
        found = (scheme_found.group(), *match.group("user", "host", "v"))
        scheme, user, host, password = (part.decode("utf-8", "replace") for part in found)
        password = _unescaped(password)
        if place.role is not Role.SOURCE and not values.looks_random(password):
            if not place.lines or not _is_typed(password) or LOCAL.fullmatch(host):
                continue
        judged = _login(scheme.split("+")[0].lower(), user, password, host, place)
        if judged is not None:
            yield start, end, *judged, "", variable_before(text, scheme_found.start()), host
    for match in engine(_DSN).finditer(text):
        start, end = match.span(2)
        user, password, host = (part.decode("utf-8", "replace") for part in match.groups())
        if place.role is Role.SOURCE and (judged := _login("mysql", user, password, host, place)):
            yield start, end, *judged, "", variable_before(text, match.start()), host
    if place.makes_secrets:
        yield from _in_manifest(text, place)
    for match in CONNECTION_PASSWORD.finditer(text):
        start, end = match.span(1)
        password = text[start:end].decode("utf-8", "replace")
        title = "password in a connection string"
        kept = place.role is Role.SOURCE and (place.settings or place.deploys)
        if kept and (is_common(password) or values.is_number(password)):
            yield start, end, "local-url-password", f"default {title}", "low", "", "", ""
        if _made_up(password) or password.lower() in COMMON_PASSWORDS or len(password) < 6:
            continue
        if re.search(r"[()\[\]]", password):
            continue
        if values.is_mixed(password) or (kept and _A_WORD.fullmatch(password)):
            confidence = "medium" if values.is_mixed(password) else "low"
            yield start, end, "url-password", title, confidence, "", "", ""


_DSN = r"([\w.\-]{1,60}):([^\s:/@\"'`]{1,80})@tcp\(([\w.\-]{1,120})(?::\d{1,5})?\)"
"""Go's addresses of MySQL: https://github.com/go-sql-driver/mysql#dsn-data-source-name."""
_DATUM = r"(?m)^[ \t]{1,8}[\w.\-]+:[ \t]*[\"']?([A-Za-z0-9+/]{16,}={0,2})[\"']?[ \t]*\r?$"


def _in_manifest(text: bytes, place: Place) -> Iterator[Found]:
    """Logins in the addresses that a Kubernetes Secret has in base64."""
    for match in engine(_DATUM).finditer(text):
        start, end = match.span(1)
        inner = decode(text[start:end].decode("ascii"))
        if inner is None or b"://" not in inner:
            continue
        for found in addresses(inner, place):
            yield start, end, found[2], f"{found[3]}, base64-encoded", found[4], "", "", found[7]
            break


def _unescaped(password: str) -> str:
    """`river%40lake` as it was typed; what could not have been typed is left."""
    if "%" not in password or _ESCAPED_BYTES.search(password):
        return password
    return unquote(password)


_ESCAPED_BYTES = re.compile(r"%[89A-Fa-f][0-9A-Fa-f]")
"""Of what shows how addresses are escaped."""


def _is_typed(password: str) -> bool:
    """Whether somebody made the password up for use, as far as it tells."""
    return values.is_mixed(password) and not values.is_for_tests(password)


def _made_up(password: str) -> bool:
    return values.is_reference(password) or values.is_placeholder(password) or "$" in password[:1]


def _login(
    scheme: str, user: str, password: str, host: str, place: Place
) -> tuple[str, str, str] | None:
    local = LOCAL.fullmatch(host) and scheme != "cloudinary"
    title = f"a {scheme} URL"
    known = is_common(password) or (values.is_number(password) and len(password) >= 6)
    if (
        scheme in ("driver", "motp", "otpauth")
        or (_DOCUMENTATION.search(host) and host != "host.docker.internal")
        or values.is_reference(user)
    ):
        return None
    if not known and _made_up(password):
        return None
    if re.search(r"[$%{}()\[\]|+]", password) and not values.looks_random(password):
        return None
    if (user, password) in _OF_DOCUMENTATION and not place.composes:
        return None
    if known or _is_of_user(password, user):
        named = not _NOBODY.fullmatch(user) or place.deploys
        if not named or (not local and (place.prose or "." not in host)):
            return None  # a documentation spelling such as user:password@host.com
        if not local and place.deploys and not _NO_PASSWORD.fullmatch(password):
            return "url-password", f"password in {title}", "medium"
        return "local-url-password", f"default password in {title}", "low"
    if password.isdigit() and len(password) < 6 and not place.composes:
        return None  # a port, of `host:5432@…`
    if _ESCAPED_BYTES.search(password):
        return None
    if local and place.composes and not values.looks_random(password):
        return "local-url-password", f"default password in {title}", "low"  # beside the service
    if local and (values.is_for_tests(password) or (password.isalpha() and password.islower())):
        return "url-password", f"password in {title}", "low"
    certain = not local and values.entropy(password) >= 2.0 and len(password) >= 6
    certain = certain and (values.looks_random(password) or not values.is_for_tests(password))
    return "url-password", f"password in {title}", "high" if certain else "medium"


_NOBODY = re.compile(r"(?i)(?:my_?)?(?:user(?:_?name)?|name)\d?|dummy\w*")
_OF_DOCUMENTATION = (("username", "password"), ("user", "pass"))
"""How documentation and what tools generate write a login."""
_A_WORD = re.compile(r"[A-Za-z]+(?:[_\-][A-Za-z]+)*")
_NO_PASSWORD = re.compile(
    r"(?i)(?:(?:db|my|your)_?)?(?:user|root)?_?(?:password|passwd|pass|pwd|secret|user|username)"
)
"""In the address of another machine, a word in a password's place."""


def _is_of_user(password: str, user: str) -> bool:
    """`shop:shop`, `shopuser:shop`, `shop:shop_password`."""
    words = re.split(r"[_\-.]", password.lower())
    return password.lower() in user.lower() or all(
        word in user.lower() or word in COMMON_PASSWORDS for word in words
    )


def variable_before(text: bytes, start: int) -> str:
    """The name a value is assigned to, looked for on its line."""
    line = text[max(text.rfind(b"\n", 0, start) + 1, start - 120) : start]
    joined = line.rstrip(b"\\\"'` \t")
    if not joined.endswith((b"=", b":", b"=>")):
        return ""
    before = joined.rstrip(b":=>").rstrip(b" \t]\\\"'`")
    path = before[len(before.rstrip(NAME_BYTES)) :].decode("ascii").lstrip("0123456789.-")
    return path.rpartition(".")[2] if len(path) > 1 else ""
