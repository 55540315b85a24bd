"""Headers that protect what a browser does with a response, and the packages that send them.

https://owasp.org/www-project-secure-headers/; the documentation of Flask-Talisman, secure and Secweb.
"""

from __future__ import annotations

import re

HSTS = "strict-transport-security"
FRAMES = ("x-frame-options", "content-security-policy")
PROTECTING = frozenset(
    (HSTS, "x-content-type-options", "x-frame-options", "content-security-policy", "referrer-policy",
     "permissions-policy", "cross-origin-opener-policy", "cross-origin-resource-policy")
)  # fmt: skip
TALISMAN = re.compile(r"^(?:flask_talisman|quart_talisman)(?:\.\w+)*\.Talisman(?:\(\)\.init_app)?$")
TALISMAN_OPTIONS = {
    HSTS: "strict_transport_security", "content-security-policy": "content_security_policy",
    "x-frame-options": "frame_options", "x-content-type-options": "x_content_type_options",
    "referrer-policy": "referrer_policy",
}  # fmt: skip
"""Header -> the option of Talisman that takes it away; it sends all of them by default."""
SECWEB = re.compile(r"^Secweb\.SecWeb$|^Secweb(?:\.\w+)+$")
SECURE = re.compile(r"^secure\.(?:\w+\.)*Secure(?:\.with_default_headers)?\(\)\.\w*")
SENT_BY_SECURE = frozenset((HSTS, "x-content-type-options", "x-frame-options", "referrer-policy"))
PACKAGED_MIDDLEWARE = re.compile(
    r"(?:Security_?Headers?|SecurityHeader|SecureHeaders|Helmet)\w*$", re.I
)


def header_of(text: object) -> str:
    """The protecting header that a text names, empty for any other."""
    if isinstance(text, bytes):
        text = text.decode("latin-1")
    name = text.lower() if isinstance(text, str) and len(text) < 40 else ""
    return name if name in PROTECTING else ""


def switched_off(header: str, value: str) -> str:
    """Why a header's value does nothing."""
    if header == HSTS and re.search(r"max-age\s*=\s*\"?0+\"?\s*(?:;|$)", value):
        return "`max-age=0` takes it away again"
    if header == "x-frame-options" and value.strip().upper() not in ("DENY", "SAMEORIGIN"):
        return f"browsers do not know {value[:30]!r}" if value.strip() else ""
    if header == "x-content-type-options" and value.strip().lower() not in ("nosniff", ""):
        return f"browsers do not know {value[:30]!r}"
    return ""
