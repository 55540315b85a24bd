"""What the name of a setting, variable or field says of its value.

A name is read as its words, from the last one on: `passwordField` names a field, `fieldPassword` a
password.
"""

from __future__ import annotations

import enum
import functools
import re


class Meaning(enum.Enum):
    """What a name says of the value: how much else must speak for a secret."""

    PASSWORD = "password"
    SIGNING = "signing"
    """A key that the application itself signs or encrypts with: any text works for it."""
    SECRET = "secret"
    PERHAPS = "perhaps"
    """Names like `STRIPE_KEY` or `token`, which may be public, too."""


_PASSWORDS = {
    "password",
    "passwords",
    "passwd",
    "pwd",
    "pw",
    "pass",
    "passphrase",
    "passcode",
    "passwort",
    "senha",
    "contrasena",
    "requirepass",
    "masterauth",
}
_SECRETS = {"secret", "apikey", "secretkey", "privatekey", "accesskey", "authtoken", "accesstoken", "apitoken",
            "clientsecret", "apisecret", "appsecret", "authkey", "credential", "credentials", "creds", "bearer",
            "jwtsecret", "secrets", "appkey", "masterkey", "subscriptionkey"}  # fmt: skip
_TOKENS = {"token", "auth", "authorization", "jwt", "pat", "sas", "salt", "pepper", "cookie"}
_KEYS = {"key", "keys"}
_KEY_OF_SECRET = {
    "api", "secret", "access", "private", "auth", "signing", "signature", "encryption", "encrypt", "crypto", "master", "jwt",
    "llm", "session", "fernet", "aes", "hmac", "service", "role", "webhook", "account", "storage", "admin", "app", "server",
    "hash", "license", "subscription", "security", "functions", "management", "bot", "openai", "token", "internal", "shared",
}  # fmt: skip
_SIGNING = {"jwt", "signing", "session", "cookie", "encryption", "encrypt", "fernet", "aes", "hmac", "django", "flask",
            "nextauth", "betterauth", "app", "auth", "rails", "crypto", "csrf", "hash", "token", "airflow", "superset",
            "security"}  # fmt: skip
_OWN = {"jwt", "signing", "session", "cookie", "encryption", "encrypt", "fernet", "aes", "hmac", "django", "flask", "nextauth",
        "betterauth", "rails", "csrf", "airflow", "superset"}  # fmt: skip
"""What tells of an application's own keys, whatever else the name says."""
_SIGN_FOR_US = {
    "qstash",
    "svix",
    "slack",
    "stripe",
    "inngest",
    "clerk",
    "github",
    "gitlab",
    "shopify",
    "twilio",
    "sendgrid",
}
"""Services that give out the key by which what they send can be checked."""
_OF_NOBODY = {
    "secret",
    "key",
    "token",
    "access",
    "refresh",
    "auth",
    "app",
    "hash",
    "crypto",
    "security",
    "my",
    "the",
}
_QUALIFIERS = {
    "prod", "production", "dev", "development", "staging", "stage", "test", "local", "live", "default", "value", "val", "string",
    "str", "text", "raw", "plain", "base64", "b64", "encoded", "old", "new", "current", "primary", "secondary", "main", "v1",
    "v2", "v3", "base", "sandbox", "json", "env", "fallback", "hex", "var", "data",
    "hmac",
}  # fmt: skip
_PUBLIC = {
    "public", "publishable", "anon", "csrf", "xsrf", "csrfmiddlewaretoken", "pub", "max", "min", "num", "total", "pad", "eos", "bos",
    "unk", "sep", "cls", "mask", "primary", "foreign", "partition", "sort", "cache", "unique", "composite", "query", "object", "row",
    "group", "index", "lookup", "idempotency", "site", "sitekey", "i18n", "translation", "placeholder", "label", "recaptchasite",
    "vapid", "next", "page", "continuation", "cursor", "hotkey", "shortcut", "search", "range", "dict", "map", "item", "sync", "is",
    "has", "show", "hide", "toggle", "invalid", "missing", "wrong", "hashed", "encrypted", "error", "err", "example", "sample",
    "mock", "fake", "dummy", "dom", "css", "class", "node", "react", "widget", "measurement", "client", "posthog", "mapbox", "no",
    "design", "component", "ui", "route", "state", "reducer", "step", "section", "tab", "column", "field", "form", "input", "forgot",
    "reset", "confirm", "enter", "host", "known", "ssh", "storage", "vault", "licence", "last", "first", "parent", "child", "author",
    "existing", "ref", "pull", "recv", "image", "spreadsheet", "sheet", "folder", "file", "project", "issue", "mapping", "prefix", "suffix", "header", "param", "parameter", "attribute", "attr", "property", "prop", "sha", "md5", "algolia",
}  # fmt: skip
_OF_FORMS = {
    "invalid", "missing", "wrong", "forgot", "reset", "confirm", "show", "hide", "toggle", "is", "has", "hashed", "encrypted",
    "error", "placeholder", "label", "example", "mock", "fake", "dummy", "field", "input", "form", "no", "change", "enter",
    "update",
}  # fmt: skip
_OWNERS_OF_TOKENS = {"host", "vault", "storage", "client"}
"""What has public keys or identifiers, and tokens that are none."""
_STRONGLY_PUBLIC = {
    "public",
    "publishable",
    "anon",
    "pub",
    "csrf",
    "xsrf",
    "sitekey",
    "vapid",
    "csrfmiddlewaretoken",
}
_FLAT = re.compile(r"(?:password|passwd|secret|apikey|secretkey|privatekey|accesskey|passphrase)$")
_NUMBERED = re.compile(r"(?:dc|env|node|site|zone|region|cluster)?\d+")
_FLAT_TOKEN = re.compile(
    r"(?:token|.salt|(?:auth|nonce|loggedin|licen[cs]e|signing|session|crypto)key)$"
)


PREFIXES = "VITE|REACT_APP|NEXT_PUBLIC|EXPO_PUBLIC|NUXT_PUBLIC|GATSBY|VUE_APP|PUBLIC"
SHIPPED = re.compile(rf"^(?!PUBLIC_KEY)(?:{PREFIXES})_")
"""Settings whose values a build writes into what browsers get, by the build tools' documentation."""


def words_of(name: str) -> list[str]:
    """`DB_PASSWORD`, `dbPassword`, `db-password` -> db, password."""
    return [word.lower() for word in WORD.findall(name)]


WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]*[a-z0-9]+|[A-Z]+")


@functools.lru_cache(4096)
def meaning_of(path: str) -> Meaning | None:
    """What a name says, read by its last part first: `spring.mail.password`."""
    if path.lower() == "auth":
        return None
    if path.lower().startswith("identified"):  # SQL's `IDENTIFIED BY`
        return Meaning.PASSWORD
    return meaning(path.rpartition(".")[2]) or meaning(path)


@functools.lru_cache(4096)
def meaning(name: str) -> Meaning | None:
    """What a name says; None where it names no secret."""
    words = words_of(SHIPPED.sub("", name))
    while len(words) > 1 and (words[-1] in _QUALIFIERS or _NUMBERED.fullmatch(words[-1])):
        words.pop()
    if not words:
        return None
    *before, last = words
    last = last.rstrip("0123456789") or last
    qualifiers = set(before)
    if {*qualifiers, last} & _STRONGLY_PUBLIC or qualifiers & {"hashed", "encrypted"}:
        return None
    if qualifiers & {"random", "allow"}:  # `MYSQL_RANDOM_ROOT_PASSWORD`, a switch
        return None
    if last == "auth" and (before[-1:] in (["redis"], ["basic"]) or before[-2:] == ["neo4", "j"]):
        return Meaning.PASSWORD  # Redis' is a password alone, the others have a user before it
    if last in _PASSWORDS or last.endswith(("password", "passwd", "passphrase", "pwd")):
        return (
            Meaning.PERHAPS
            if name in ("pass", "pw") or qualifiers & _OF_FORMS
            else Meaning.PASSWORD
        )
    if last in _KEYS:
        return _key(before)
    if last in _SECRETS or _FLAT.search(last):
        if last in ("secret", "jwtsecret", "secretkey") and (qualifiers & _SIGNING or not before):
            return Meaning.SIGNING
        ours = qualifiers & _PUBLIC - {
            "client",
            "storage",
            "search",
            "state",
            "primary",
            "group",
            "object",
            "host",
        }
        return Meaning.PERHAPS if ours else Meaning.SECRET
    if last in _TOKENS or _FLAT_TOKEN.search(last):
        if qualifiers & _PUBLIC - _OWNERS_OF_TOKENS:
            return None
        if last in ("token",) and qualifiers & {
            "auth",
            "access",
            "api",
            "bot",
            "admin",
            "refresh",
            "bearer",
            "secret",
        }:
            return Meaning.SECRET
        return Meaning.PERHAPS
    return None  # fmt: skip


def _key(before: list[str]) -> Meaning | None:
    if not before:
        return Meaning.PERHAPS
    if before[-1] == "secret":
        others = set(before) - _QUALIFIERS - {"secret", "my"}
        return Meaning.SIGNING if not others or others & _SIGNING else Meaning.SECRET
    if before[-2:] == ["application", "server"]:
        return None  # Web Push's, which is public: https://www.w3.org/TR/push-api/
    if before[-1] in _KEY_OF_SECRET:
        signing = before[-1] in (
            "signing",
            "encryption",
            "jwt",
            "session",
            "fernet",
            "aes",
            "hmac",
            "cookie",
            "security",
        )
        return Meaning.SIGNING if signing else Meaning.SECRET
    if set(before) & _PUBLIC or before == ["sentry"]:
        return None
    return Meaning.PERHAPS


_UNLOCKING = {"secret", "secrets", "private", "privatekey", "secretkey", "clientsecret", "master", "masterkey", "admin", "service",
              "credential", "credentials", "creds"}  # fmt: skip
_PAID = {"openai", "anthropic", "claude", "gemini", "groq", "mistral", "cohere", "deepseek", "openrouter", "perplexity",
         "elevenlabs", "replicate", "huggingface", "sendgrid", "resend", "mailgun", "twilio", "brevo"}  # fmt: skip
"""Services whose keys are a server's: whoever has one spends from the account."""
_FOR_ALL = {"demo", "guest", "sample", "example", "dummy"}
_SWITCHES = {"enable", "enabled", "disable", "disabled", "use", "require", "with"}


def names_a_credential(name: str) -> bool:
    """Whether a setting that a build hands to browsers is named like what must not get there.

    Keys that are made for browsers (publishable, anonymous, of a site or a map) are none, nor are
    tokens and keys of which the name does not tell.
    """
    words = set(words_of(SHIPPED.sub("", name)))
    said = meaning(name)
    if not SHIPPED.match(name) or said in (None, Meaning.PERHAPS) or words & (_FOR_ALL | _SWITCHES):
        return False
    return said is not Meaning.SECRET or bool(words & (_UNLOCKING | _PAID))


def is_own(name: str) -> bool:
    """Whether a name is that of a secret which the application makes up itself, and nobody gives it:
    `SHOP_JWT_SECRET` and `APP_SECRET`, but not `WECHAT_APP_SECRET`."""
    words = set(words_of(name)) - _QUALIFIERS
    return bool(words & _OWN and not words & _SIGN_FOR_US) or words <= _OF_NOBODY
