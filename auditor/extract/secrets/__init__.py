"""Secrets in text: keys in their providers' formats, passwords in URLs and assignments.

Linear in the size of the text: every pattern is RE2. A value found here is never shown: a secret
is described by its public prefix and its length (CWE-798, CWE-312).
"""

from __future__ import annotations

import bisect
import functools
import itertools
import math
import re
from collections import Counter
from typing import Any

import re2

from auditor.extract.facts import Fact
from auditor.extract.secrets.patterns import ASSIGNMENT, DEFAULT, PROVIDERS, URL_PASSWORD, Pattern

_MAX_FINDINGS = 200


class Secret(Fact, frozen=True):
    """A secret in a text. Lines and columns count from one, `start`/`end` are byte offsets.

    `shape` describes the value without giving it away.
    `host` is that of a URL.
    """

    kind: str
    title: str
    confidence: str
    shape: str
    variable: str
    line: int
    column: int
    end_line: int
    start: int
    end: int
    host: str = ""


@functools.cache
def _engines() -> tuple[Any, list[Any]]:
    sources = [p.regex for p in PROVIDERS] + [URL_PASSWORD, ASSIGNMENT, DEFAULT]
    options = re2.Options()
    options.max_mem = 64 << 20
    options.log_errors = False
    chosen = re2.Set.SearchSet(options)
    for source in sources:
        chosen.Add(source)
    chosen.Compile()
    return chosen, [re2.compile(source.encode(), options) for source in sources]


class _Hit:
    """A match over bytes; the binding wants group numbers there."""

    def __init__(self, match: Any) -> None:
        self.match = match
        self.numbers = {name.decode(): n for name, n in match.re.groupindex.items()}

    def span(self, name: str) -> tuple[int, int]:
        span: tuple[int, int] = self.match.span(self.numbers[name])
        return span

    def has(self, name: str) -> bool:
        return self.span(name)[0] >= 0

    def text(self, name: str) -> str:
        start, end = self.span(name)
        data: bytes = self.match.string[start:end]
        return data.decode("utf-8", "replace")


def find_secrets(text: bytes, name: str) -> list[Secret]:
    """The secrets in a UTF-8 text; `name` is the file's base name, for its conventions."""
    if _LOCK_FILES.fullmatch(name):
        return []
    chosen, engines = _engines()
    starts: list[int] | None = None
    found: dict[tuple[int, int], Secret] = {}
    for index in sorted(chosen.Match(text) or ()):
        if starts is None:
            starts = [0, *(m.end() for m in re.finditer(rb"\n", text))]
        for match in map(_Hit, engines[index].finditer(text)):
            judged = _judge(index, match, text, name)
            if judged is None:
                continue
            pattern, value_span, variable, host = judged
            start, end = match.span(value_span)
            if _overlaps(found, start, end):
                continue
            line = bisect.bisect_right(starts, start)
            value = text[start:end].decode("utf-8", "replace")
            found[start, end] = Secret(
                pattern.kind,
                pattern.title,
                pattern.confidence,
                shape(value, pattern.public),
                variable,
                line,
                start - starts[line - 1] + 1,
                bisect.bisect_right(starts, end),
                start,
                end,
                host,
            )
            if len(found) >= _MAX_FINDINGS:
                return sorted(found.values(), key=lambda s: s.start)
    return sorted(found.values(), key=lambda secret: secret.start)


def _overlaps(found: dict[tuple[int, int], Secret], start: int, end: int) -> bool:
    return any(a < end and start < b for a, b in found)


def shape(value: str, public: str) -> str:
    """What may be shown of a secret: the provider's constant prefix and the length."""
    prefix = public if public and "*" not in public and value.startswith(public) else ""
    return f"{prefix}…({len(value)} characters)"


_LOCK_FILES = re.compile(
    r"package-lock\.json|yarn\.lock|pnpm-lock\.yaml|poetry\.lock|uv\.lock|pdm\.lock|Pipfile\.lock"
    r"|Cargo\.lock|composer\.lock|go\.sum|.+\.map",
    re.I,
)

_Judged = tuple[Pattern, str, str, str]


def _judge(index: int, match: _Hit, text: bytes, name: str) -> _Judged | None:
    if index < len(PROVIDERS):
        pattern = PROVIDERS[index]
        value = match.text("v")
        if _repetitive(value) or _is_example(value):
            return None
        return pattern, "v", _variable_before(text, match.span("v")[0]), ""
    if index == len(PROVIDERS):
        return _judge_url(match)
    if index == len(PROVIDERS) + 1:
        return _judge_assignment(match, text, name)
    return _judge_default(match)


# --- passwords in URLs

_LOCAL = re.compile(
    r"localhost|127\.0\.0\.1|0\.0\.0\.0|\[?::1\]?|host\.docker\.internal|[a-z][a-z0-9_-]*", re.I
)
_COMMON = frozenset(
    [
        "postgres",
        "password",
        "root",
        "admin",
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
        "postgresql",
        "db",
        "dev",
        "123456",
        "1234",
        "12345",
        "app",
        "minio",
    ]
)


def _judge_url(match: _Hit) -> _Judged | None:
    password = match.text("v")
    host = match.text("host")
    scheme = match.text("scheme").split("+")[0]
    local = bool(_LOCAL.fullmatch(host))
    if _is_reference(password) or _is_placeholder(password) or "example" in host:
        return None
    if password.lower() in _COMMON:
        if not local:
            return None  # a documentation spelling such as user:password@host.com
        return (
            Pattern("local-url-password", f"default password in a {scheme} URL", "", "", "low"),
            "v",
            "",
            host,
        )
    confidence = "medium" if local else "high"
    if _entropy(password) < 2.0 and not local:
        confidence = "medium"
    return Pattern("url-password", f"password in a {scheme} URL", "", "", confidence), "v", "", host


# --- assignments

_NOT_SECRET_NAMES = re.compile(
    r"(?:_|-|\.)?(?:url|uri|endpoint|path|file|name|id|type|expir\w*|ttl|lifetime|minutes|seconds|days|hours|length"
    r"|len|count|limit|max|min|regex|pattern|label|placeholder|field|input|hint|help|message|error|title"
    r"|header|prefix|suffix|param|column|format|algorithm|scheme|hash|public|class|classname|style|strength"
    r"|policy|reset|url_path|usage|cost|price|budget|status|state|mode|required|enabled|visible|verified"
    r"|s|tokens|version|env|var|manager|service|provider|handler|method|text|description|screen|page|route|view"
    r"|form|button|icon|color|secret_name|key_name|bucket|region|author\w*|authority)$",
    re.I,
)  # fmt: skip
_BENIGN_PREFIX = re.compile(
    r"(?:^|[_.\-])(?:public|publishable|anon|csrf|css|next|page|author|csrftoken|max|min|num|total|pad|eos|bos|unk|sep|cls|mask|special|design|css|is|has|no|show|hide|toggle|on|use|set|get|handle)[_.\-]?",
    re.I,
)
_AUTH_ONLY = re.compile(r"(?i)auth(?:or|ors|ority|entication|orization|enticated|orized|enticate)?")
_REFERENCE = re.compile(
    r"\$\{|\$\(|\{\{|<[^>]*>|%\(|%[sd]|process\.env|os\.environ|getenv|import\.meta|env\(|\$[A-Za-z_]|\{[a-zA-Z_.]+\}|#\{"
)
_PLACEHOLDER = re.compile(
    r"(?i)(?:^|[^a-z])(?:your|my|change|changeme|replace|insert|enter|put|add|some|placeholder|example|sample"
    r"|dummy|fake|mock|test|testing|demo|todo|fixme|redacted|removed|hidden|secret here|xxx+|\.\.\.|abc123|foo|bar|foobar"
    r"|none|null|undefined|true|false|default|not[_-]?set|n/a|tbd|here|invalid|valid|wrong|correct|new|old|current)(?:[^a-z]|$)"
)
_PLACEHOLDER_ANY = re.compile(
    r"(?i)your[_\- ]|changeme|change[_\-]?me|change[_\-]?this|replace[_\-]?me|replace[_\-]?with|placeholder|example|xxxx|\*{3,}|\.{3,}|…|redacted|dummy|insert[_\-]|_here\b|-here\b|<|>|put[_\-]your|mock|sample|lorem|goes[_\-]?here"
)


def _is_reference(value: str) -> bool:
    return bool(_REFERENCE.search(value))


def _is_placeholder(value: str) -> bool:
    return bool(_PLACEHOLDER_ANY.search(value) or _PLACEHOLDER.search(value)) or _repetitive(value)


def _is_example(value: str) -> bool:
    return bool(_PLACEHOLDER_ANY.search(value)) or "EXAMPLE" in value


def _repetitive(value: str) -> bool:
    """`xxxxxxxx`, `1234567890`, `abcdefghij`: nothing anybody would use."""
    last = re.split(r"[_\-]", value)[-1]
    body = (last if len(last) >= 8 else value).lower()
    if len(set(body)) <= max(2, len(body) // 10):
        return True
    steps = sum(1 for a, b in itertools.pairwise(body) if ord(b) - ord(a) == 1)
    return len(body) >= 6 and steps >= 0.7 * (len(body) - 1)


def _entropy(value: str) -> float:
    """Shannon entropy in bits per character."""
    counts = Counter(value)
    return -sum(n / len(value) * math.log2(n / len(value)) for n in counts.values())


def _is_plain_word(value: str) -> bool:
    """An identifier, a path, a sentence or a dotted name rather than a random value."""
    if re.fullmatch(r"[a-z]+(?:[A-Z][a-z]+)*|[A-Z][a-z]+(?:[A-Z][a-z]+)*", value):
        return True  # words in camel case
    if re.fullmatch(r"[a-z]+(?:[_\-.:/ ][a-z]+)*|[A-Z]+(?:[_\-][A-Z]+)*", value):
        return True  # words in snake, kebab or constant case
    return " " in value.strip() or value.startswith(
        ("/", "./", "../", "http://", "https://", "@", "#", ".")
    )


def _judge_assignment(match: _Hit, text: bytes, name: str) -> _Judged | None:
    variable = match.text("name").strip(".-")
    group = "q" if match.has("q") else "bare"
    value = match.text(group)
    last = re.split(r"[.]", variable)[-1]
    if _NOT_SECRET_NAMES.search(last) or _BENIGN_PREFIX.search(last) or not _names_secret(last):
        return None
    if group == "bare" and not _is_settings_file(name):
        return None
    if _shows_an_example(text, match.span("name")[0]):
        return None
    if _is_reference(value) or _is_plain_value(value, last):
        return None
    settings = _is_settings_file(name)
    passwordish = re.search(r"(?i)passw|pwd|passphrase", last) is not None
    if _is_placeholder(value):
        return None
    if passwordish:
        if settings and value.lower() in _COMMON:
            return Pattern("default-password", "default password", "", "", "low"), group, last, ""
        if len(value) < 6 or (_is_plain_word(value) and not settings):
            return None
        confidence = "medium" if settings or _mixed(value) else "low"
        return Pattern("password", "password", "", "", confidence), group, last, ""
    if len(value) < 12 or _is_plain_word(value) or not _mixed(value):
        return None
    if _entropy(value) < 3.0:
        return None
    confidence = "medium" if _entropy(value) >= 3.4 and len(value) >= 16 else "low"
    return Pattern("secret-assignment", "secret", "", "", confidence), group, last, ""


def _shows_an_example(text: bytes, start: int) -> bool:
    """Inside of a schema's example: `json_schema_extra = {"example": {"password": …}}`."""
    return re.search(rb"[Ee]xamples?[\"']?\s*[:=]", text[max(0, start - 300) : start]) is not None


def _names_secret(variable: str) -> bool:
    """The plain word `auth` and its family name people and modules more often than secrets."""
    return not _AUTH_ONLY.fullmatch(variable) and (
        re.search(r"(?i)(?:^|[_.\-])auth$", variable) is not None
        or (
            re.sub(r"(?i)auth(?:or\w*|ent\w*)?", "", variable) != ""
            and re.search(
                r"(?i)passw|pwd|passphrase|secret|token|api[_\-]?key|access[_\-]?key|auth[_\-]?key|private[_\-]?key"
                r"|signing[_\-]?key|encryption[_\-]?key|credential|jwt[_\-]?key|llm[_\-]?key",
                variable,
            )
            is not None
        )
    )


def _is_plain_value(value: str, variable: str) -> bool:
    flat = re.sub(r"[^a-z0-9]", "", value.lower())
    return (
        flat in re.sub(r"[^a-z0-9]", "", variable.lower())
        or re.sub(r"[^a-z0-9]", "", variable.lower()) in flat
        or re.fullmatch(r"[0-9.,:\-/ ]+", value) is not None
        or re.fullmatch(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}", value) is not None
        or re.fullmatch(r"sha(?:256|384|512)-.+", value) is not None
        or re.search(r"[(){}\[\]|\\^]|=>|\.\w+\(|\w\.\w+\.\w", value) is not None
        or not value.isascii()
    )


def _mixed(value: str) -> bool:
    kinds = [r"[a-z]", r"[A-Z]", r"[0-9]", r"[^A-Za-z0-9]"]
    return (
        sum(1 for kind in kinds if re.search(kind, value)) >= 2
        and re.search(r"[0-9]", value) is not None
    )


def _is_settings_file(name: str) -> bool:
    return bool(
        re.search(
            r"(?i)(?:^|\.)env(?:\.|$)|\.(?:ya?ml|ini|cfg|conf|toml|properties|tfvars)$|^dockerfile",
            name,
        )
    )


# --- defaults of settings

_PUBLIC_SETTINGS = re.compile(
    r"(?i)(?:client_?id|app_?id|user(?:name)?|public|publishable|anon|url|host|name|expire|minutes|algorithm|ttl)"
)


def _judge_default(match: _Hit) -> _Judged | None:
    variable = match.text("name")
    value = match.text("q")
    if _PUBLIC_SETTINGS.search(variable) or _NOT_SECRET_NAMES.search(variable):
        return None
    if not _names_secret(variable) or _is_reference(value) or not value.strip():
        return None
    signing = re.search(r"(?i)secret|jwt|signing|session|encryption|private", variable) is not None
    if _is_placeholder(value) or _is_plain_word(value):
        if not signing:
            return None  # a key of a provider that does not work fails loudly
        return (
            Pattern("default-secret", "known default for a signing secret", "", "", "medium"),
            "q",
            variable,
            "",
        )
    return (
        Pattern("default-secret", "secret as a default in code", "", "", "medium"),
        "q",
        variable,
        "",
    )


def _variable_before(text: bytes, start: int) -> str:
    """The name a value is assigned to, looked for on its line."""
    line = text[max(text.rfind(b"\n", 0, start) + 1, start - 120) : start].decode(
        "utf-8", "replace"
    )
    match = re.search(r"([A-Za-z_][\w.\-]{1,60})[\"'`]?\]?\s*(?::=|=>|=|:)\s*[\"'`]?$", line)
    return match[1] if match else ""
