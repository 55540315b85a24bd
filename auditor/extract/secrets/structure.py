"""What the structure of a key tells: checksums, signatures' headers, what is inside.

Each check takes the value and the text around it, and gives the confidence that the key is real
(high, medium, low), or an empty text where it is none.
"""

from __future__ import annotations

import base64
import binascii
import re
import time
import zlib
from typing import Any

import msgspec

_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def checksummed(value: str, around: str) -> str:
    """GitHub's and npm's tokens end with six base-62 digits of the CRC32 of what precedes them.

    https://github.blog/2021-04-05-behind-githubs-new-authentication-token-formats/. A token whose
    checksum does not fit was never valid.
    """
    body, check = value[4:-6], 0
    for digit in value[-6:]:
        check = check * 62 + _BASE62.index(digit)
    return "high" if check == zlib.crc32(body.encode()) else "low"


def aws_pair(value: str, around: str) -> str:
    """An access key id says who; with the secret access key beside it, anybody can be that one."""
    if value.endswith("EXAMPLE"):
        return ""
    secret = re.search(
        r"(?<![A-Za-z0-9/+])(?=[A-Za-z0-9/+]*[0-9])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])", around
    )
    if secret:
        return "high"
    at = around.find(value)
    return "low" if re.search(r"[?&;][\w\-]{1,30}=$", around[:at]) else "medium"


def alibaba_pair(value: str, around: str) -> str:
    """An access key id with its secret beside it, which has thirty letters and digits."""
    secret = re.search(r"(?<![A-Za-z0-9])(?=[A-Za-z]*[0-9])[A-Za-z0-9]{30}(?![A-Za-z0-9])", around)
    return "high" if secret else "medium" if any(map(str.isdigit, value)) else ""


def alone(value: str, around: str) -> str:
    """Not a piece of something longer in base64, as pictures are."""
    before, _, behind = around.partition(value)
    return "" if before[-1:] in ("+", "/") or behind[:1] in ("+", "/", "=") else "high"


def google(value: str, around: str) -> str:
    """Firebase's web keys name a project, and pages show their maps with one: both are public.

    Others are paid for by their owner. https://firebase.google.com/docs/projects/api-keys,
    https://developers.google.com/maps/api-security-best-practices.
    """
    if re.search(
        r"(?i)firebase|authDomain|messagingSenderId|mobilesdk_app_id|current_key|/maps/(?:api/js|embed)",
        around,
    ):
        return "low"
    return "high"


NUMBERS = tuple(base64.b64encode(b"%d" % number).decode() for number in range(100, 1000))
"""How base64 begins that holds a number."""


def discord(value: str, around: str) -> str:
    """The first part of a bot token is the bot's numeric id."""
    decoded = decode(value.split(".")[0])
    return "high" if re.fullmatch(rb"[0-9]{17,20}", decoded or b"") else ""


def jwt(value: str, around: str) -> str:
    """A token that is signed and still valid; keys that Supabase makes for browsers are none."""
    head, body, _ = value.split(".", 2)
    header, claims = _object(head), _object(body)
    if header is None or claims is None or str(header.get("alg", "none")).lower() == "none":
        return ""
    if claims.get("role") == "anon" or claims.get("sub") == "1234567890":
        return ""  # Supabase's publishable key, and the example of jwt.io
    if claims.get("iss") == "supabase-demo":
        return "low"  # what everybody's copy starts with: https://supabase.com/docs/guides/self-hosting/docker
    if claims.get("role") == "service_role":
        return "high"
    expiry = claims.get("exp")
    if isinstance(expiry, int | float) and expiry < time.time():
        return "low"
    return "medium"


def _object(part: str) -> dict[str, Any] | None:
    data = decode(part)
    try:
        found = msgspec.json.decode(data) if data else None
    except (msgspec.DecodeError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def basic(value: str, around: str) -> str:
    """User and password of RFC 7617, in base64."""
    data = decode(value)
    match = re.fullmatch(rb"([\x21-\x7e]{0,80}?):([\x20-\x7e]{4,300})", data or b"")
    if match is None:
        return ""
    return login(match[0].decode(), around)


def django(value: str, around: str) -> str:
    """Fifty characters of what startproject draws from, a third of them signs."""
    drawn = value.removeprefix("django-insecure-")
    signs = sum(not char.isalnum() for char in drawn)
    return "medium" if signs >= 5 and len(set(drawn)) >= 15 else ""


def login(value: str, around: str) -> str:
    """`user:password`"""
    from auditor.extract.secrets.values import is_placeholder, is_reference

    user, _, password = value.partition(":")
    made_up = is_placeholder(password) or is_reference(password) or is_reference(user)
    names = password.lower() in (user.lower(), "pass", "password", "token")
    return "" if made_up or names or is_common(password) or password.startswith("$") else "medium"


def option(value: str, around: str) -> str:
    """What a program is given as a password on its command line."""
    from auditor.extract.secrets.values import is_mixed, is_placeholder

    if is_common(value):
        return "low"
    if is_placeholder(value) or value.lower() in ("pass", "pwd") or value.startswith("/"):
        return ""
    return "medium" if is_mixed(value) else "low"


def pem(value: str, around: str) -> str:
    """The body of a key: enough of base64, of many different characters."""
    body = re.sub(r"\\[nrt]|[^A-Za-z0-9+/=]", "", value)
    return "high" if len(body) >= 60 and len(set(body)) > 20 else ""


def decode(text: str) -> bytes | None:
    """What base64, of either alphabet and with or without its padding, stands for."""
    plain = text.rstrip("=").replace("-", "+").replace("_", "/")
    if len(plain) % 4 == 1:
        return None
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


def is_common(password: str) -> bool:
    """A well-known password of a local service, also with digits: `welcome1`."""
    known = password.lower().strip("!@#$%^&*?._-")
    return known in COMMON_PASSWORDS or (
        known.rstrip("0123456789") in COMMON_PASSWORDS
        and _WORD_AND_DIGITS.fullmatch(known) is not None
    )


_WORD_AND_DIGITS = re.compile(r"[a-z]+[0-9]{1,6}")

COMMON_PASSWORDS = frozenset(
    [
        "postgres",
        "password",
        "abc123",
        "abcd1234",
        "qwerty",
        "root",
        "admin",
        "adminadmin",
        "guest",
        "example",
        "test",
        "user",
        "secret",
        "mysql",
        "mongo",
        "mongodb",
        "redis",
        "pass",
        "rabbitmq",
        "changeme",
        "changeit",
        "postgresql",
        "db",
        "dev",
        "123456",
        "1234",
        "12345",
        "123456789",
        "app",
        "minio",
        "minioadmin",
        "passw0rd",
        "password1",
        "password123",
        "admin123",
        "root123",
        "toor",
        "qwerty",
        "letmein",
        "pwd",
        "welcome",
        "mariadb",
        "elastic",
        "neo4j",
        "sa",
        "prisma",
        "username",
        "mypassword",
        "mysecretpassword",
        "rootpassword",
        "dbpassword",
        "userpassword",
        "api",
        "postgrespw",
        "docker",
        "secret123",
        "devpassword",
        "demo",
    ]
)
"""Well-known passwords of local services and of documentation."""
