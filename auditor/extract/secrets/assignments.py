"""Names and the values that they are given, in whatever language or format.

One linear search finds names that may speak of secrets together with what assigns to them; the
value behind is read from there. Which value is a secret is judged by the name, the value's shape,
and the kind of file.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from auditor.discover.kinds import Kind, Role, kind_of
from auditor.engines import Literals, Words
from auditor.extract.secrets import values
from auditor.extract.secrets.names import Meaning, meaning_of, words_of
from auditor.extract.secrets.structure import decode, is_common, jwt

_WORDS = Literals(
    b"pass pwd pw secret token jwt apikey api_key api-key credential creds auth bearer key salt pepper"
    b" sas pat senha identified".split()
)
"""What the last word of a name begins with that may speak of a secret, in small letters."""
_REST = re.compile(
    rb"(?i:(?<=identified)[ \t]+(?:with[ \t]+\w+[ \t]+)?by|(?<!identified))"
    rb"[A-Za-z0-9]*(?:[_.\-][A-Za-z0-9]+)*"
)
"""The rest of a name behind such a word; it takes all that there is and gives nothing back."""
_TYPES = rb"(?:str|string|String|bytes|Final(?:\[\w+\])?|Optional\[\w+\]|SecretStr|Secret|any|const|\w+ \| None)"
_JOIN = re.compile(
    rb"([\\\"'`\])]{0,4})(?:[ \t]{0,8}:[ \t]{0,4}" + _TYPES + rb"[ \t]{0,4}="
    rb"|[ \t]{0,8}:?[ \t]{0,4}\{[^{}]{0,200}\b[dD]efault[\"']?[ \t]{0,8}[:=]|,\s{0,40}[\"']?[vV]alue[\"']?[ \t]{0,4}[:=]|[ \t]{0,40}(?:=>|:=|\+?={1,3}|!={1,2}|:-|:|,)"
    rb"|[ \t\n]{1,40}(?:\|\||\?\?|or)|[ \t]{1,8}value[ \t]{0,4}="
    rb"|[ \t\r]{0,8}\n[ \t]{1,40}value[ \t]{0,4}:|>|\((?=\s{0,8}(?:[\w.]{1,40}\()?[\"'`])|[ \t]+)"
)
"""What ends a name's quotation, and what joins it to its value."""
_WINDOW = 700
"""Bytes behind a name in which its value is looked for: so few that `re` will do, which is faster
at a place than RE2. No two parts of an expression that follow one another fit the same text."""
_VALUE = re.compile(
    rb"((?:\s|\\\n)*(?:\(\s*)?(?:(?:SecretStr|Secret|Field|str|bytes|bytearray|b64decode|Buffer\.from|cast)\(\s*)?"
    rb"(?:(?:default|fallback|value)\s{0,2}=\s{0,2})?[bruf]{0,2})"
    rb"(?:\"\"\"[^\"]+\"|\\+\"[^\"\\\n]+\\|\\+'[^'\\\n]+\\|\"[^\"\n]+\"|'[^'\n]+'|`[^`\n]+`)"
)
"""Behind the group, a quoted text; its last character is the quotation mark, or what escapes it."""
_BARE = re.compile(rb"[ \t]{0,12}([^\s\"'`,;<>(){}\[\]|&\\#][^\s\"'`,;<>(){}\[\]|&\\]{3,})")
_LINE = re.compile(rb"[ \t]{0,12}([^\s\"'`#][^\r\n]{2,})")
_DEFAULT = re.compile(
    rb"([^\s\"'`,;<>(){}\[\]|&\\#$](?:[^\s\"'`,;<>(){}\[\]|&\\$]|\$(?![{(]|[A-Z_]{2}))+)"
)
_OTHER_S_DEFAULT = re.compile(
    rb"[ \t]{0,12}\$\{(?:\w{1,80}:-|[A-Z0-9_]{1,80}-)" + _DEFAULT.pattern + rb"\}"
)
"""`POSTGRES_PASSWORD: ${DB_PW:-…}`: what is given where another name has no value."""
NAME_BYTES = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-"


class Assignment(msgspec.Struct, frozen=True):
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

    @functools.cached_property
    def settings(self) -> bool:
        return _SETTINGS_FILE.search(self.name)

    @functools.cached_property
    def lines(self) -> bool:
        """Each line gives one value, without quotes."""
        return not self.code and _LINE_FILE.search(self.name)

    @functools.cached_property
    def yaml(self) -> bool:
        return _YAML.search(self.name)

    @functools.cached_property
    def shell(self) -> bool:
        return _SHELL.search(self.name)

    @functools.cached_property
    def prose(self) -> bool:
        return _PROSE.search(self.name)

    @functools.cached_property
    def code(self) -> bool:
        return _CODE.search(self.name)

    @functools.cached_property
    def words(self) -> bool:
        """Texts for people, in one language."""
        return _TRANSLATION.search(self.name)

    @functools.cached_property
    def deploys(self) -> bool:
        """Whether the file is read by what starts the application."""
        return self.lines or self.yaml or _DEPLOYMENT.search(self.name)

    @functools.cached_property
    def composes(self) -> bool:
        return kind_of(self.name) is Kind.COMPOSE

    @functools.cached_property
    def terraform(self) -> bool:
        return _TERRAFORM.search(self.name)


_YAML = Words(r"(?i)\.ya?ml(?:\.|$)")
_SHELL = Words(
    r"(?i)\.(?:sh|bash|zsh|envrc|bat|ps1)$|^\.(?:bash|zsh)_?[a-z]+$|^\.profile$|dockerfile|^procfile|makefile"
)
_CODE = Words(r"(?i)\.(?:py|ipynb|[cm]?[jt]sx?|vue|svelte|rb|php|go|java|kts?|scala|cs|rs|exs?)$")
_PROSE = Words(r"(?i)\.(?:md|rst|txt|log|mdx|adoc|out|csv)$")
_DEPLOYMENT = Words(r"(?i)dockerfile|\.(?:tfvars|tf|toml)$")
_TERRAFORM = Words(r"(?i)\.(?:toml|tfvars|tf)$")
_SETTINGS_FILE = Words(
    r"(?i)(?:^|\.)env(?:\.|$)|^\.?env[_\-][a-z]+$|\.(?:ya?ml|ini|cfg|conf|toml|properties|tfvars|tf|envrc)$|dockerfile|(?:^|[._\-]|orm|db)(?:settings|config|secrets?"
    r"|credentials?|constants|appsettings)[\w.\-]*\.(?:py|jsx?|tsx?|json|php|rb)$|^web\.config$|^\.npmrc$|^\.pypirc$|^\.netrc$"
)
_LINE_FILE = Words(
    r"(?i)(?:^|\.)env(?:\.|$)|^\.?env[_\-][a-z]+$|\.(?:ini|cfg|conf|properties|envrc)$|^\.npmrc$|^\.pypirc$|^\.?credentials$|^\.my\.cnf$|^\.s3cfg$|^\.boto$"
)
_TRANSLATION = Words(
    r"(?i)^(?:messages|translations?|locales?|i18n|strings|lang|labels)?[_.\-]?(?:(?:ar|bg|bn|ca|cs|da|de|el|en|es|et|eu|fa|fi|fr|gl|he"
    r"|hi|hr|hu|id|it|ja|ka|ko|lt|lv|mk|mn|ms|nb|nl|nn|no|pl|pt|ro|ru|sk|sl|sq|sr|sv|sw|ta|te|th|tr|uk|ur|uz|vi|zh)(?:[_\-][a-z]{2,4})?)?"
    r"\.(?:json|ya?ml|properties|po|pot|xlf|arb|resx|strings)$"
)


def assignments(text: bytes, place: Place) -> Iterator[Assignment]:
    """Every name that may speak of a secret and is given a value.

    A search goes on behind each name and what joins it to its value, so that values are searched,
    too, and the whole stays linear.
    """
    done = 0
    for _, start, behind in _WORDS.find(text.lower()):
        if start < done or (rest := _REST.match(text, behind)) is None:
            continue
        done = rest.end()
        join = _JOIN.match(text, done, done + _WINDOW)
        if join is None:
            continue
        done = join.end()
        found = _read(text, start, join, place)
        if found is not None:
            yield found


def _read(text: bytes, start: int, joined: re.Match[bytes], place: Place) -> Assignment | None:
    """What is assigned to a name, of which a part was found at `start`; its quotation's end and what
    joins it to its value are `joined`."""
    close_start, close_end = joined.span(1)
    at = joined.end()
    window = text[max(0, start - 60) : start]
    name_start = start - (len(window) - len(window.rstrip(NAME_BYTES)))
    name = text[name_start:close_start].decode("latin-1").strip(".-")
    if meaning_of(name) is None:
        return None
    join = text[close_end:at].decode("latin-1").strip().removeprefix("+")
    if len(join) > 6 and join[0] == ",":
        join = ":"  # `{"name": "DB_PASSWORD", "value": "…"}`
    closed = close_end > close_start
    option = text.startswith(b"-", name_start) or text.endswith(b"--", 0, name_start)
    if join == ":" and text[max(0, name_start - 2) : name_start] == b"${":
        if text[at : at + 1] in (b"?", b"+"):
            return None
        join = ":-"  # Spring's `${NAME:default}`, where shells have `${NAME:-default}`
    if join == "" and not option and not _stands_alone(text, name_start, at, name.lower()):
        return None
    ends = text[close_start:close_end]
    if join == "," and not (closed and b")" not in ends and _is_argument(text, name_start)):
        return None
    if join == ">" and text[name_start - 1 : name_start] != b"<":
        return None
    if join == "(" and (closed or not _SETTER.match(name.rpartition(".")[2])):
        return None
    end = min(len(text), at + _WINDOW)
    value = _VALUE.match(text, at, end)
    first = at if value is None else _behind_quotes(text, value.span(1)[1])
    other = join in ("=", ":") and _OTHER_S_DEFAULT.match(text, first, end)
    if other:
        return _made(name, text, *other.span(1), False, ":-", name_start)
    if value is not None:
        last = value.span(0)[1] - 1
        return _made(name, text, first, last, True, join, name_start)
    if join in (",", "or", "||", "??", "("):
        return None
    to_end = place.lines or (place.yaml and join != "=")
    pattern = _DEFAULT if join == ":-" else _LINE if to_end else _BARE
    bare = pattern.match(text, at, end)
    if bare is None:
        return None
    first, last = bare.span(1)
    if join == ">" and text[last : last + 1] != b"<":
        return None
    raw = text[first:last]
    if pattern is _BARE and text[last : last + 1] == b"(":
        return None
    if pattern is _LINE:
        raw = _COMMENT.split(raw, maxsplit=1)[0].rstrip()
        last = first + len(raw)
    return _made(name, text, first, last, False, join, name_start)


def _stands_alone(text: bytes, start: int, at: int, name: str) -> bool:
    """`Bearer …`, SQL's `IDENTIFIED BY '…'` and `CREATE USER … PASSWORD '…'`, a Dockerfile's
    `ENV NAME …`, and `login … password …` of a .netrc."""
    if name == "bearer" or name.startswith("identified"):
        return True
    before = text[max(0, start - 100) : start].lower()
    line = before[before.rfind(b"\n") + 1 :].split()
    if line == [b"env"] or (name == "password" and b"login" in line[-4:]):
        return True
    return (
        name == "password"
        and text[at : at + 1] == b"'"
        and (b" user " in before or b" role " in before)
    )


_SETTER = re.compile(r"(?:[sS]et|with)_?[A-Z_a-z]*")
"""`factory.setPassword("…")`"""
_COMMENT = re.compile(rb"\s#")


def _behind_quotes(text: bytes, at: int) -> int:
    while text[at : at + 1] == b"\\":
        at += 1
    return at + (3 if text.startswith(b'"""', at) else 1)


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
    sense = meaning_of(name)
    if sense is Meaning.PERHAPS and name in ("pass", "pw") and _is_in_a_login(found, text, value):
        sense = Meaning.PASSWORD
    if sense is None or (place.words and not values.looks_random(value)):
        return None
    if not _may_be_bare(found, place, value) or len(value) < 3:
        return None
    known = sense is Meaning.PASSWORD and is_common(value)
    written = value[0] == "!" and (found.quoted or found.join != ":")
    if values.is_reference(value) and not (known and written):
        return None  # `!ChangeMe!` is a tag of YAML where it is not quoted
    if not (value.isascii() or values.looks_random(value)):
        return None
    if values.is_identifier(value) and not (sense is Meaning.PASSWORD and value.isdigit()):
        return None
    if place.yaml and name.lower() == "secret" and _RESOURCE.fullmatch(value):
        return None
    if found.quoted and _BETWEEN.fullmatch(value):
        return None
    if value.startswith("eyJ") and value.count(".") == 2 and not jwt(value, ""):
        return None  # a key for browsers, or nothing that anybody has signed
    signs = sense is Meaning.SIGNING and _is_written_in_code(found, place, text)
    if sense is Meaning.PASSWORD:
        known = known or values.is_number(value) or _is_the_service_s(found, place, value)
    elif sense is Meaning.SIGNING and place.composes and not values.is_placeholder(value):
        known = True  # the service signs with it, whatever the text is
    if not _is_fallback(found) and not known and _names_itself(value, name):
        own = name.rpartition(".")[2].lower().replace("_", "")
        if not signs or (value != "secret" and re.sub(r"[\W_]", "", value).lower() in own):
            return None
    if _shows_an_example(text, found.name_start) or _in_template(text, found.name_start):
        return None
    random = values.looks_random(value) and not values.is_text(value)
    if place.role in (Role.TEST, Role.EXAMPLE) and not (random and place.lines):
        return None
    if signs and (not random or len(value) < 12):
        return _written_in_code(found, place, value)
    if not known and values.is_placeholder(value):
        return _is_started_with(found, sense, place, value)
    inner = decode(value) if len(value) >= 8 and len(value) % 4 == 0 else None
    if inner is not None and inner.isascii() and inner.decode().isprintable():
        hidden = inner.decode().strip()
        if is_common(hidden):
            return "default-password", "default password, base64-encoded", "low"
        if values.is_placeholder(hidden) or values.is_reference(hidden):
            return None
        random = random or values.is_mixed(hidden)
    if sense is Meaning.PASSWORD:
        return _password(found, place, value, random, text)
    if sense is Meaning.PERHAPS:
        return _perhaps(found, place, value, random)
    return _secret(found, sense, place, value, random)


def _is_the_service_s(found: Assignment, place: Place, value: str) -> bool:
    """`WORDPRESS_DB_PASSWORD=wordpress`, and in a compose file whatever a service is started with."""
    if place.composes and found.name.isupper() and not values.is_placeholder(value):
        return True
    if not place.composes and not place.lines and not (place.settings and found.name.isupper()):
        return False
    own = words_of(found.name)
    if len(value) >= 5 and value.lower() in own and meaning_of(value) is None:
        return True
    named = value.isalpha() and value.islower() and len(value) > 8 and value in "".join(own)
    return place.lines and place.role is Role.SOURCE and named


def _password(
    found: Assignment, place: Place, value: str, random: bool, text: bytes
) -> Judged | None:
    default = ("default-password", "default password", "low")
    if found.join.startswith("!"):
        return None
    exports = place.shell and found.join == "=" and (found.quoted or found.name.isupper())
    exports = exports or (place.settings and found.quoted and found.name.isupper())
    if is_common(value) or value.isdigit():
        kept = place.deploys or (found.quoted and place.settings) or _is_fallback(found) or exports
        kept = kept or _is_in_a_login(found, text, value)
        typed = place.code and found.quoted and found.join in ("=", ":") and len(value) >= 6
        return default if kept or (typed and any(map(str.isdigit, value))) else None
    instead = _is_given_instead(found, text)
    if _ONE_WORD.fullmatch(value) and (len(value) > 3 or instead or place.composes):
        if place.deploys or exports or instead or _is_in_a_login(found, text, value):
            return default
    if len(value) < 6:
        return None
    if random and len(value) >= 12:
        hashed = place.code and len(value) in (32, 40, 64) and _HEX.fullmatch(value)
        return "password", "password", "low" if hashed else "medium"
    if found.join == ":-" and values.is_mixed(value):
        return "default-password", "default password", "low"
    if values.is_text(value) or _is_phrase(value):
        mild = place.lines and not value.startswith(("/", ".", "http")) and "(" not in value
        return ("password", "password", "low") if mild else None
    if not values.is_mixed(value) or (place.prose and not (found.quoted or found.name.isupper())):
        return None
    if place.role is Role.DOCUMENTATION and values.is_for_tests(value):
        return None
    if place.deploys or place.settings:
        return "password", "password", "medium"
    made_up = values.is_for_tests(value) or place.prose
    return ("password", "password", "low" if made_up else "medium")


_BETWEEN = re.compile(r"[,;)\]}+].*[:=(,+\[{] *")
"""`"Password:", label: "…"`: what stands between two texts."""
_RESOURCE = re.compile(r"[a-z]+(?:[\-.][a-z0-9]{1,12})+")
"""`secret: "shop-s3-config"`: what Kubernetes calls a secret."""
_HEX = re.compile(r"[0-9a-f]+")
"""In code, what a table of users holds rather than a password."""
_ONE_WORD = re.compile(
    r"(?!str(?:ing)?$|int$|text$|bool|object$|optional|required|yes$|no$|any$)[a-z][A-Za-z_\-]{2,40}"
)


def _is_in_a_login(found: Assignment, text: bytes, value: str) -> bool:
    """Whether a host and a user stand around a quoted password, so that any word is one."""
    if not found.quoted or found.join not in ("=", ":", "=>") or not value.islower():
        return False
    around = text[max(0, found.name_start - 300) : found.end + 200]
    named = value in words_of(found.name)
    return not named and bool(_HOST.search(around)) and bool(_USER.search(around))


_HOST = re.compile(
    rb"(?i)\b(?:host|hostname|server)[\"']?\s{0,4}(?:[:=]|=>)\s{0,4}[\"'][\w\-]*[.\w]"
)
_USER = re.compile(rb"(?i)\b(?:user|username|login)[\"']?\s{0,4}(?:[:=]|=>)\s{0,4}[\"']\w")


def _perhaps(found: Assignment, place: Place, value: str, random: bool) -> Judged | None:
    upper = found.name.isupper() or place.lines
    if place.deploys and values.is_uuid(value) and words_of(found.name)[-1] in ("token", "pat"):
        return _uuid(value, "low")
    least = 16 if place.settings or upper else 20 if found.name.lower() != "key" else 32
    if (
        not random
        or len(value) < least
        or values.has_uuid(value)
        or found.join.startswith(("!", ">"))
    ):
        return None
    names = re.search(r"[.:/](?!.*=$)", value) and not values.is_scrambled(value)
    if names and not values.looks_random(re.split(r"[.:/]", value)[-1]):
        return None
    return (
        "secret-assignment",
        "secret",
        "medium" if (upper and found.quoted) or place.settings else "low",
    )


def _uuid(value: str, confidence: str) -> Judged | None:
    """A UUID is a secret where it is random (RFC 9562, version 4)."""
    random = value[14] == "4" and not values.is_repetitive(value.replace("-", ""))
    return ("secret-assignment", "secret", confidence) if random else None


def _secret(
    found: Assignment, sense: Meaning, place: Place, value: str, random: bool
) -> Judged | None:
    if values.is_uuid(value):
        return _uuid(value, "medium" if place.deploys else "low")
    if random and len(value) >= 12:
        return "secret-assignment", "secret", "medium"
    if " " in value:
        return None
    if "secret" in found.name.lower() and place.deploys and len(value) >= 8 and is_common(value):
        return "default-password", "default password", "low"  # `MINIO_SECRET_KEY=minioadmin`
    if sense is Meaning.SIGNING and (
        place.lines or (place.deploys and _OWN_NAME.search(found.name))
    ):
        if re.fullmatch(r"[\w\-.!@#%^&*+]{3,40}", value) and "." not in value[-5:]:
            weak = "known default for a signing secret"
            return "secret-assignment", "secret" if values.is_mixed(value) else weak, "medium"
    if len(value) < 8:
        return None
    if sense is Meaning.SIGNING and (place.deploys or place.settings):
        if values.is_text(value) and not re.fullmatch(r"[\w\-]+", value):
            return None
        if values.is_mixed(value) or place.lines:
            title = "secret" if values.is_mixed(value) else "known default for a signing secret"
            return "secret-assignment", title, "medium"
    if values.is_text(value) or not values.is_mixed(value) or not any(c.isdigit() for c in value):
        return None
    if place.code and "secret" not in found.name.lower() and _NAMES_AN_ENTRY.fullmatch(value):
        return None
    if sense is Meaning.SIGNING and len(value) >= 12 and found.join in ("=", ":", ":="):
        return (
            "secret-assignment",
            "secret",
            "low" if place.prose or values.is_for_tests(value) else "medium",
        )
    if (place.deploys or place.settings) and len(value) >= 10 and not _is_phrase(value):
        return "secret-assignment", "secret", "low" if place.role is Role.TEST else "medium"
    return None


def _is_started_with(found: Assignment, sense: Meaning, place: Place, value: str) -> Judged | None:
    """A placeholder for a signing secret in what starts the application: it works as well."""
    if sense is not Meaning.SIGNING or not place.composes or place.role is not Role.SOURCE:
        return None
    words = found.name.isupper() and re.fullmatch(
        r"[A-Za-z]+(?:[\-_ ][A-Za-z0-9]+){2,}[!.]*", value
    )
    known = "secret-assignment", "known default for a signing secret", "low"
    return known if words and not values.is_repetitive(value) else None


_NAMES_AN_ENTRY = re.compile(r"[a-z]+(?:[\-_.:][a-z]+)*[\-_.:]v?\d{1,2}")
"""`SESSION_KEY = "shop-session-id-v1"`: where a browser or a cache keeps something."""
_OWN_NAME = re.compile(r"^[A-Z0-9_]*SECRET[A-Z0-9_]*$|[jJ][wW][tT]")


def _is_written_in_code(found: Assignment, place: Place, text: bytes) -> bool:
    """Whether the application signs with the very text that stands here."""
    if not found.quoted or place.role is not Role.SOURCE or not place.code:
        return False
    if _is_fallback(found):
        return _is_given_instead(found, text)
    if found.join not in _ASSIGNS and not _TYPED.fullmatch(found.join):
        return False
    name = found.name.lower()
    if place.name.endswith(".ipynb") and values.is_placeholder(found.value):
        return False
    if found.join in (":", "=>") and not _OWN_NAME.search(found.name):
        if _SHORT_WORD.fullmatch(found.value) or values.is_placeholder(found.value):
            return False
    if name in ("secret", "secrets"):
        before = text[max(0, found.name_start - 100) : found.name_start].lower()
        return b"session(" in before or b"jwt" in before
    if name.startswith(("test", "mock", "fake", "dummy", "example")):
        return False
    return "secret" in name or bool(_OWN_KEY.search(name))


def _is_given_instead(found: Assignment, text: bytes) -> bool:
    """Whether a value is what a setting is where nothing sets it."""
    return _is_fallback(found) and (found.join != "," or _gets(text, found.name_start))


def _gets(text: bytes, start: int) -> bool:
    """Whether a name is the first argument of what gets a setting."""
    before = text[max(0, start - 60) : start].rstrip(b"\"'` \n\t")
    return _GETTER.search(before) is not None


_GETTER = re.compile(rb"(?i)(?:(?:^|[^a-z])(?:get|read)[a-z_]*|env|config|\.str|default|secret)\($")


_SHORT_WORD = re.compile(r"[a-z]{1,8}")
_ASSIGNS = ("=", ":", ":=", "=>")
_TYPED = re.compile(r":[^=]+=")
_OWN_KEY = re.compile(r"(?:signing|encryption|fernet|hmac)[_\-]?key$")
_PHRASE = re.compile(r"[\w\-]+(?:[ .!]+[\w\-]+)* *[.!]*")
_CONSTANT = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+|\w+(?:\.\w+)+")
_NO_TEXT = Words(
    r"(?i)\.\.\.|<|>|\*\*|xxx|^[^a-z0-9]*$|^(?:todo|none|null|undefined|auto-?generated.*|str(?:ing)?|int(?:eger)?|bool(?:ean)?|text|password|object)$"
)
_FOR_DEVELOPERS = Words(r"(?i)(?:^|[._\-])(?:dev|development|local|tests?|testing|ci)(?:[._\-]|$)")


def _written_in_code(found: Assignment, place: Place, value: str) -> Judged | None:
    if _NO_TEXT.search(value) or len(value) > 100:
        return None
    if values.is_text(value) and not _PHRASE.fullmatch(value):
        return None
    if value.lower().startswith(("mock", "dummy")):
        return None
    if found.join == ":" and " " in value and value[0].isupper():
        return None  # `{"SECRET_KEY": "Application secret key"}` tells what it is
    if _CONSTANT.fullmatch(value) and not values.is_placeholder(value):
        return None
    confidence = "low" if _FOR_DEVELOPERS.search(place.name) else "medium"
    if _is_fallback(found):
        title = "secret" if values.is_mixed(value) else "known default for a signing secret"
        return "default-secret", title, confidence
    return "signing-secret", "signing secret in the code", confidence


def _is_fallback(found: Assignment) -> bool:
    return (found.quoted and found.join in (",", "or", "||", "??")) or found.join == ":-"


def _may_be_bare(found: Assignment, place: Place, value: str) -> bool:
    if found.quoted or place.lines or place.yaml or found.join == ":-":
        return True
    if place.shell or place.terraform:
        word = found.name.isupper() and len(words_of(found.name)) > 1
        return found.join in ("=", "", ":") and (word or not values.is_text(value))
    if ("." in value and not value.startswith("ey")) or re.search(r"[(\[{]", value):
        return False
    if place.prose and found.name.isupper() and found.join == "=":
        return True
    return found.join in ("=", ":", "", ">") and values.looks_random(value) and len(value) >= 16


def _names_itself(value: str, name: str) -> bool:
    flat, own = (text.encode().lower().translate(None, _SIGNS) for text in (value, name))
    if not flat or flat in own or (own in flat and len(flat) < len(own) + 6):
        return True
    return all(word in _SPEAKING or _VERSION.fullmatch(word) for word in words_of(value))


_SIGNS = bytes(code for code in range(128) if not chr(code).isalnum())
_SPEAKING = {
    "password", "passwd", "passwort", "passphrase", "passcode", "pass", "pwd", "pw", "secret", "secrets", "token",
    "jwt", "apikey", "credential", "credentials", "creds", "auth", "authorization", "bearer", "key", "keys", "salt",
    "pepper", "sas", "pat", "senha", "api", "user", "access", "client", "db", "id", "name",
}  # fmt: skip
"""Words for secrets, as in `api_key_secret`."""
_VERSION = re.compile(r"v?\d")


def _is_phrase(value: str) -> bool:
    """`password_reset_v2`, `Min8Characters`: words with a number among them."""
    return " " in value and len(words_of(value)) >= 3


def _in_template(text: bytes, start: int) -> bool:
    """`{{- $password = include "…" }}`"""
    before = text[max(text.rfind(b"\n", 0, start) + 1, start - 200) : start]
    return before.rfind(b"{{") > before.rfind(b"}}")


def _shows_an_example(text: bytes, start: int) -> bool:
    """Inside of a schema's example: `json_schema_extra = {"example": {"password": …}}`."""
    before = text[max(0, start - 300) : start]
    if before.endswith(b"Using generated security "):
        return True  # Spring Boot makes another one at each start
    if b"otpauth://" in before[-100:] or b"motp://" in before[-100:]:
        return True
    return b"xample" in before and _EXAMPLE.search(before) is not None


_EXAMPLE = re.compile(rb"[Ee]xamples?[\"']?\s*[:=]")
