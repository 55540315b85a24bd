"""Which settings are sensitive, and what of their values may be kept."""

from __future__ import annotations

import re

from auditor.extract.secrets import find_secrets

_SENSITIVE = re.compile(
    r"passw|pwd|secret|token|api_?key|apikey|private|credential|_s?key$|^key$|auth|salt|dsn|signature"
    r"|(?:^|_)(?:pass(?:phrase|code)?|pat|creds?)\d?$",
    re.I,
)
_HARMLESS = re.compile(
    r"(?:expir|ttl|minutes|seconds|days|hours|algorithm|max|limit|url$|uri$|enabled|public|publishable"
    r"|length|author(?!iz)|allow|^cors_|^use_|_use_|^enable|_enable_|^disable|require|tokenizer|lifetime|serializer|validators"
    r"|iterations|unauthenticated|^google_application_credentials$|(?:chunk|overlap|size|context|response)\w*_tokens$"
    r"|^rotate_|cookie_(?:access|domain|http_?only|path|refresh|same_?site|secure|name)$|password_(?:reset|change|hints?)$"
    r"|_(?:claim|class|classes|types?|mode|image|tag|restart|port|port_https?|host|domain|name|active|version|issuer|audience"
    r"|realm|header|model|user|username|interval|client_id|token_id|file|path|storage|location|repo|backend|rule)$)",
    re.I,
)
_WEBHOOK = re.compile(r"(?i)(?:slack|discord|teams|mattermost)_?(?:\w+_)?webhook(?:_?ur[li])?$")
"""Whoever knows such an address writes to the channel."""
_PLACEHOLDER = re.compile(
    r"your[_\- ]|change[_\-]?(?:me|this|in)|replace|placeholder|example|<.*>|xxx|dummy|todo|here$"
    r"|^(?:secret|password|test|none|null|key|token)$|\.\.\.|insert|fill|insecure|not[-_ ]?(?:so[-_ ]?)?(?:a[-_ ]?)?secret|build[-_]?time",
    re.I,
)


def is_sensitive(name: str) -> bool:
    """Whether a setting of this name holds a secret."""
    if _WEBHOOK.search(name):
        return True
    return bool(_SENSITIVE.search(name)) and not _HARMLESS.search(name)


def is_placeholder(value: str) -> bool:
    """Whether a value only shows where the real one goes."""
    return bool(_PLACEHOLDER.search(value)) or (len(value) > 3 and len(set(value)) == 1)


def safe_value(name: str, value: str) -> str:
    """A value without anything secret: empty for sensitive names, URLs without their password.

    A key in its provider's format is none to show whatever the setting is called.
    """
    if is_sensitive(name) or any(
        secret.confidence != "low" and secret.kind != "url-password"
        for secret in find_secrets(value.encode("utf-8", "replace"), "value")
    ):
        return ""
    return re.sub(r"://[^/\s]*@|://[^@\s]*:[^@\s]*@", "://…@", value)[:300]
