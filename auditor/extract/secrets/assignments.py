"""Names and the values that they are given, in whatever language or format.

One linear search finds names that may speak of secrets together with what assigns to them; the
value behind is read from there. Which value is a secret is judged by the name, the value's shape,
and the kind of file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import re2

from auditor.discover.kinds import Role
from auditor.extract.secrets import values
from auditor.extract.secrets.names import Meaning, meaning, words_of
from auditor.extract.secrets.structure import COMMON_PASSWORDS, decode

OPTIONS = re2.Options()
OPTIONS.max_mem = 64 << 20
OPTIONS.log_errors = False

_WORDS = (
    r"pass(?:w(?:or)?d|phrase|code|wort)?|pwd|pw|secrets?|token|jwt|api[_\-]?key|credentials?|creds|auth(?:orization)?|bearer|keys?"
    r"|salt|pepper|sas|pat|senha"
)
_TYPES = r"(?:str|string|String|bytes|Final(?:\[\w+\])?|Optional\[\w+\]|SecretStr|Secret|any|const|\w+ \| None)"
_JOINS = (
    rf"[ \t]{{0,8}}:[ \t]{{0,4}}{_TYPES}[ \t]{{0,4}}=|[ \t]{{0,40}}(?:=>|:=|={{1,3}}|!={{1,2}}|:-|:|,)"
    r"|[ \t\n]{1,40}(?:\|\||\?\?|or)\b?|[ \t]{1,8}value[ \t]{0,4}="
    r"|[ \t\r]{0,8}\n[ \t]{1,40}value[ \t]{0,4}:|[ \t]{0,8}\{[^{}]{0,200}\bdefault[ \t]{0,8}=|>|[ \t]+"
)
_CANDIDATE = re2.compile(
    rf"(?i)(?:{_WORDS})(?:[_.\-]?[A-Za-z0-9]{{1,24}}){{0,3}}(?P<close>[\\\"'`\])]{{0,4}})(?-i)(?P<join>{_JOINS})".encode(),
    OPTIONS,
)
_VALUE = re2.compile(
    (
        rb"(?P<open>(?:\s|\\\n){0,60}(?:\(\s{0,40})?(?:(?:SecretStr|Secret|Field|str|bytes|bytearray|b64decode|Buffer\.from|cast)\(\s{0,20})?"
        rb"(?:(?:default|fallback|value)\s{0,2}=\s{0,2})?[bruf]{0,2})"
        rb"(?:\"\"\"(?P<t>[^\"]{1,600})\"|\\+\"(?P<e>[^\"\\\n]{1,600})\\|\\+'(?P<f>[^'\\\n]{1,600})\\|\"(?P<d>[^\"\n]{1,600})\""
        rb"|'(?P<s>[^'\n]{1,600})'|`(?P<b>[^`\n]{1,600})`)"
    ),
    OPTIONS,
)
_BARE = re2.compile(
    rb"[ \t]{0,12}(?P<w>[^\s\"'`,;<>(){}\[\]|&\\#][^\s\"'`,;<>(){}\[\]|&\\]{3,600})", OPTIONS
)
_LINE = re2.compile(rb"[ \t]{0,12}(?P<w>[^\s\"'`#][^\r\n]{2,600})", OPTIONS)
_NAME_BYTES = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-"


@dataclass(frozen=True)
class Assignment:
    """A name with its value; `quoted`, and `join` is what stands between them."""

    name: str
    value: str
    start: int
    end: int
    quoted: bool
    join: str
    name_start: int


@dataclass(frozen=True)
class Place:
    """What the file's name says of the values in it."""

    name: str
    role: Role

    @property
    def settings(self) -> bool:
        return bool(_SETTINGS_FILE.search(self.name))

    @property
    def lines(self) -> bool:
        """Each line gives one value, without quotes."""
        return bool(_LINE_FILE.search(self.name))

    @property
    def yaml(self) -> bool:
        return bool(re.search(r"(?i)\.ya?ml(?:\.|$)", self.name))

    @property
    def shell(self) -> bool:
        return bool(
            re.search(
                r"(?i)\.(?:sh|bash|zsh|envrc|bat|ps1)$|dockerfile|^procfile|makefile", self.name
            )
        )

    @property
    def prose(self) -> bool:
        return bool(re.search(r"(?i)\.(?:md|rst|txt|log|mdx|adoc|out|csv)$", self.name))

    @property
    def words(self) -> bool:
        """Texts for people, in one language."""
        return bool(_TRANSLATION.search(self.name))


_SETTINGS_FILE = re.compile(
    r"(?i)(?:^|\.)env(?:\.|$)|\.(?:ya?ml|ini|cfg|conf|toml|properties|tfvars|tf|envrc)$|dockerfile|(?:^|[._\-])(?:settings|config|secrets?"
    r"|credentials?|constants|appsettings)[\w.\-]*\.(?:py|jsx?|tsx?|json|php|rb)$|^web\.config$|^\.npmrc$|^\.pypirc$|^\.netrc$"
)
_LINE_FILE = re.compile(
    r"(?i)(?:^|\.)env(?:\.|$)|\.(?:ini|cfg|conf|properties|envrc)$|^\.npmrc$|^\.pypirc$"
)
_TRANSLATION = re.compile(
    r"(?i)^(?:messages|translations?|locales?|i18n|strings|lang|labels)?[_.\-]?(?:(?:ar|bg|bn|ca|cs|da|de|el|en|es|et|eu|fa|fi|fr|gl|he"
    r"|hi|hr|hu|id|it|ja|ka|ko|lt|lv|mk|mn|ms|nb|nl|nn|no|pl|pt|ro|ru|sk|sl|sq|sr|sv|sw|ta|te|th|tr|uk|ur|uz|vi|zh)(?:[_\-][a-z]{2,4})?)?"
    r"\.(?:json|ya?ml|properties|po|pot|xlf|arb|resx|strings)$"
)


def assignments(text: bytes, place: Place) -> Iterator[Assignment]:
    """Every name that may speak of a secret and is given a value.

    A search goes on behind each name and what joins it to its value, so that values are searched,
    too, and the whole stays linear.
    """
    at, end = 0, len(text)
    while at < end and (match := _CANDIDATE.search(text, at)):
        start, at = match.span(0)
        found = _read(text, start, match, place)
        if found is not None:
            yield found


def _read(text: bytes, start: int, match: object, place: Place) -> Assignment | None:
    join_start, at = match.span(2)  # type: ignore[attr-defined]
    close_start, close_end = match.span(1)  # type: ignore[attr-defined]
    window = text[max(0, start - 60) : start]
    name_start = start - (len(window) - len(window.rstrip(_NAME_BYTES)))
    name = text[name_start:close_start].decode("latin-1").strip(".-")
    join = text[join_start:at].decode("latin-1").strip()
    closed = close_end > close_start
    if name.lower() == "auth" or (meaning(name.split(".")[-1]) is None and meaning(name) is None):
        return None
    option = text[max(0, name_start - 2) : name_start + 2].find(b"--") >= 0
    if join == "" and not option and name.lower() != "bearer":
        return None
    if (join == "," and not (closed and _is_argument(text, name_start))) or (
        join == ">" and text[name_start - 1 : name_start] != b"<"
    ):
        return None
    value = _VALUE.match(text, at)
    if value is not None:
        for group in range(2, 8):
            first, last = value.span(group)
            if first >= 0:
                return _made(name, text, first, last, True, join, name_start)
    if join in (",", "or", "||", "??"):
        return None
    whole = place.lines or (place.yaml and join != "=")
    pattern = _LINE if whole and join != ":-" else _BARE
    bare = pattern.match(text, at)
    if bare is None:
        return None
    first, last = bare.span(1)
    raw = text[first:last]
    if pattern is _LINE:
        raw = re.split(rb"\s#", raw, maxsplit=1)[0].rstrip()
        last = first + len(raw)
    return _made(name, text, first, last, False, join, name_start)


def _is_argument(text: bytes, start: int) -> bool:
    """Whether a quoted name is the first that a call is given, and no item of a list."""
    before = text[max(0, start - 60) : start].rstrip(b"\\\"'`").rstrip()
    return before.endswith(b"(") and before[-2:-1] not in (b"", b" ", b"(", b"=", b"[", b",")


def _made(
    name: str, text: bytes, first: int, last: int, quoted: bool, join: str, at: int
) -> Assignment:
    return Assignment(
        name, text[first:last].decode("utf-8", "replace"), first, last, quoted, join, at
    )


Judged = tuple[str, str, str]
"""Kind, title, confidence."""


def judge(found: Assignment, text: bytes, place: Place) -> Judged | None:
    """Whether an assignment gives away a secret."""
    value, name = found.value.strip(), found.name
    sense = meaning(name.split(".")[-1]) or meaning(name)
    if sense is None or (place.words and not values.looks_random(value)):
        return None
    if not _may_be_bare(found, place, value) or not value.isascii() or len(value) < 4:
        return None
    works = sense is Meaning.SIGNING and _is_fallback(found)
    if values.is_reference(value) or values.is_identifier(value):
        return None
    if not works and _names_itself(value, name):
        return None
    if _shows_an_example(text, found.name_start):
        return None
    random = values.looks_random(value) and not values.is_text(value)
    if place.role in (Role.TEST, Role.EXAMPLE) and not (random and place.lines):
        return None
    if values.is_placeholder(value):
        return _default(found, sense, place, value)
    inner = decode(value) if len(value) >= 8 and len(value) % 4 == 0 else None
    if inner is not None and inner.isascii() and inner.decode().isprintable():
        hidden = inner.decode().strip()
        if values.is_placeholder(hidden) or values.is_reference(hidden):
            return None
        random = random or values.is_mixed(hidden)
    if sense is Meaning.PASSWORD:
        return _password(found, place, value, random)
    if sense is Meaning.PERHAPS:
        return _perhaps(found, place, value, random)
    return _secret(found, sense, place, value, random)


def _password(found: Assignment, place: Place, value: str, random: bool) -> Judged | None:
    if value.lower() in COMMON_PASSWORDS:
        return ("default-password", "default password", "low") if _deploys(found, place) else None
    if len(value) < 6 or found.join.startswith("!"):
        return None
    if random and len(value) >= 12:
        return "password", "password", "medium"
    if found.join == ":-" and values.is_mixed(value):
        return "default-password", "default password", "low"
    if values.is_text(value) or _is_phrase(value):
        mild = place.lines and not value.startswith(("/", ".", "http"))
        return ("password", "password", "low") if mild else None
    if not values.is_mixed(value) or (place.prose and not (found.quoted or found.name.isupper())):
        return None
    if place.role is Role.DOCUMENTATION and values.is_for_tests(value):
        return None
    if _deploys(found, place) or place.settings:
        return "password", "password", "medium"
    made_up = values.is_for_tests(value) or place.prose
    return ("password", "password", "low" if made_up else "medium")


def _perhaps(found: Assignment, place: Place, value: str, random: bool) -> Judged | None:
    upper = found.name.isupper() or place.lines
    least = 16 if place.settings or upper else 20 if found.name.lower() != "key" else 32
    if (
        not random
        or len(value) < least
        or values.is_uuid(value)
        or found.join.startswith(("!", ">"))
    ):
        return None
    if re.search(r"[.:/](?!.*=$)", value) and not values.looks_random(
        re.split(r"[.:/]", value)[-1]
    ):
        return None
    return (
        "secret-assignment",
        "secret",
        "medium" if (upper and found.quoted) or place.settings else "low",
    )


def _secret(
    found: Assignment, sense: Meaning, place: Place, value: str, random: bool
) -> Judged | None:
    if values.is_uuid(value):
        if value[14] != "4" or values.is_repetitive(value.replace("-", "")):
            return None
        return "secret-assignment", "secret", "medium" if _deploys(found, place) else "low"
    if random and len(value) >= 12:
        return "secret-assignment", "secret", "medium"
    if " " in value or len(value) < 8:
        return None
    if sense is Meaning.SIGNING and (
        _deploys(found, place) or place.settings or _is_fallback(found)
    ):
        if values.is_text(value) and not re.fullmatch(r"[\w\-]+", value):
            return None
        if values.is_mixed(value) or place.lines or _is_fallback(found):
            title = "secret" if values.is_mixed(value) else "known default for a signing secret"
            return (
                "default-secret" if _is_fallback(found) else "secret-assignment",
                title,
                "medium",
            )
    if values.is_text(value) or not values.is_mixed(value) or not any(c.isdigit() for c in value):
        return None
    if sense is Meaning.SIGNING and len(value) >= 12 and found.join in ("=", ":", ":="):
        return (
            "secret-assignment",
            "secret",
            "low" if place.prose or values.is_for_tests(value) else "medium",
        )
    if (_deploys(found, place) or place.settings) and len(value) >= 10 and not _is_phrase(value):
        return "secret-assignment", "secret", "low" if place.role is Role.TEST else "medium"
    return None


def _default(found: Assignment, sense: Meaning, place: Place, value: str) -> Judged | None:
    """A made-up value that the application works with all the same, as a fallback in code."""
    if sense is not Meaning.SIGNING or not _is_fallback(found) or place.prose:
        return None
    if place.role is not Role.SOURCE or re.search(r"\.\.\.|<|>|\*\*", value):
        return None
    return "default-secret", "known default for a signing secret", "medium"


def _is_fallback(found: Assignment) -> bool:
    return (found.quoted and found.join in (",", "or", "||", "??")) or found.join == ":-"


def _deploys(found: Assignment, place: Place) -> bool:
    """Whether the file is read by what starts the application."""
    return (
        place.lines
        or place.yaml
        or bool(re.search(r"(?i)dockerfile|\.(?:tfvars|tf|toml)$", place.name))
    )


def _may_be_bare(found: Assignment, place: Place, value: str) -> bool:
    if found.quoted or place.lines or place.yaml or found.join == ":-":
        return True
    if place.shell or re.search(r"(?i)\.(?:toml|tfvars|tf)$", place.name):
        return found.join in ("=", "", ":") and not values.is_text(value)
    if ("." in value and not value.startswith("ey")) or re.search(r"[(\[{]", value):
        return False
    if place.prose and found.name.isupper() and found.join == "=":
        return True
    return found.join in ("=", ":", "", ">") and values.looks_random(value) and len(value) >= 16


def _names_itself(value: str, name: str) -> bool:
    flat = re.sub(r"[^a-z0-9]", "", value.lower())
    own = re.sub(r"[^a-z0-9]", "", name.lower())
    return (
        not flat
        or flat in own
        or (own in flat and len(flat) < len(own) + 6)
        or meaning_words(value) >= 0.99
    )


def meaning_words(value: str) -> float:
    """The share of a value that words for secrets make up: `api_key_secret`."""
    words = words_of(value)
    known = sum(
        1
        for word in words
        if re.fullmatch(f"(?:{_WORDS}|api|user|access|client|db|id|name|v?\\d)", word)
    )
    return known / len(words) if words else 0.0


def _is_phrase(value: str) -> bool:
    """`password_reset_v2`, `Min8Characters`: words with a number among them."""
    words = words_of(value)
    return len(words) >= 3 and " " in value


def _shows_an_example(text: bytes, start: int) -> bool:
    """Inside of a schema's example: `json_schema_extra = {"example": {"password": …}}`."""
    return re.search(rb"[Ee]xamples?[\"']?\s*[:=]", text[max(0, start - 300) : start]) is not None
