"""Names and the values that they are given, in whatever language or format.

One linear search finds names that may speak of secrets together with what assigns to them; the
value behind is read from there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from auditor.engines import Literals
from auditor.extract.secrets.names import meaning_of
from auditor.extract.secrets.places import Place

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
_TYPE_NAMES = ("SecretStr", "SecretBytes")
_JOIN = re.compile(
    rb"([\\\"'`\])]{0,4})(?:[ \t]{0,8}:[ \t]{0,4}" + _TYPES + rb"[ \t]{0,4}="
    rb"|[ \t]{0,8}:[ \t]{0,4}(?:[jJ]oi|z|yup|[yY]up)(?:\.[a-zA-Z]{1,20}\([^()\n]{0,40}\)){1,6}\.default\((?=\s{0,8}[\"'`])"
    rb"|[ \t]{0,8}:?[ \t]{0,4}\{[^{}]{0,200}\b[dD]efault[\"']?[ \t]{0,8}[:=]|,\s{0,40}[\"']?[vV]alue[\"']?[ \t]{0,4}[:=]|[ \t]{0,40}(?:=>|:=|\+?={1,3}|!={1,2}|:-|:|,)"
    rb"|[ \t\n]{1,40}(?:\|\||\?\?|or)|[ \t]{1,8}value[ \t]{0,4}="
    rb"|[ \t\r]{0,8}\n[ \t]{1,40}value[ \t]{0,4}:|[ \t\r]{0,8}\n[ \t]{1,40}-[ \t]{1,4}(?=[\w\"'])|>|\((?=\s{0,8}(?:[\w.]{1,40}\()?[\"'`])|[ \t]+)"
)
"""What ends a name's quotation, and what joins it to its value."""
_WINDOW = 700
"""Bytes behind a name in which its value is looked for: so few that `re` will do, which is faster
at a place than RE2. No two parts of an expression that follow one another fit the same text."""
_VALUE = re.compile(
    rb"((?:\s|\\\n)*(?:\(\s*)?(?:(?:SecretStr|Secret|Field|str|bytes|bytearray|b64decode|Buffer\.from|cast)\(\s*)?"
    rb"(?:(?:default|fallback|value)\s{0,2}=\s{0,2}(?:SecretStr\(\s*)?)?[bruf]{0,2})"
    rb"(?:\"\"\"[^\"]+\"|\\+\"[^\"\\\n]+\\|\\+'[^'\\\n]+\\|\"[^\"\n]+\"|'[^'\n]+'|`[^`\n]+`)"
)
"""Behind the group, a quoted text; its last character is the quotation mark, or what escapes it."""
_BARE = re.compile(rb"[ \t]{0,12}([^\s\"'`,;<>(){}\[\]|&\\#][^\s\"'`,;<>(){}\[\]|&\\]{1,})")
_LINE = re.compile(rb"[ \t]{0,12}([^\s\"'`#][^\r\n]{1,})")
_DEFAULT = re.compile(
    rb"([^\s\"'`,;<>(){}\[\]|&\\#$](?:[^\s\"'`,;<>(){}\[\]|&\\$]|\$(?![{(]|[A-Z_]{2}))+)"
)
_OTHER_S_DEFAULT = re.compile(
    rb"[ \t]{0,12}\$\{(?:\w{1,80}:-|[A-Z0-9_]{1,80}-)" + _DEFAULT.pattern + rb"\}"
)
"""`POSTGRES_PASSWORD: ${DB_PW:-…}`: what is given where another name has no value."""
_NODE = re.compile(rb"[ \t]{0,12}([&*])[\w\-]{1,40}[ \t\r\n]")
"""YAML's `&name` before a value that `*name` stands for elsewhere."""
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
    if close_end > close_start and name.lower() in ("key", "secret"):
        name = _section(text, name_start) + name
    if name in _TYPE_NAMES or meaning_of(name) is None:
        return None
    join = text[close_end:at].decode("latin-1").strip().removeprefix("+")
    if len(join) > 6 and join[0] == ",":
        join = ":"  # `{"name": "DB_PASSWORD", "value": "…"}`
    if join.endswith(".default("):
        join = "??"  # Joi and zod: what a setting is where nothing sets it
    closed = close_end > close_start
    option = text.startswith(b"-", name_start) or text.endswith(b"--", 0, name_start)
    if join == ":" and text[max(0, name_start - 2) : name_start] == b"${":
        if text[at : at + 1] in (b"?", b"+"):
            return None
        join = ":-"  # Spring's `${NAME:default}`, where shells have `${NAME:-default}`
    if join == "" and not option and not _stands_alone(text, name_start, at, name.lower()):
        return None
    ends = text[close_start:close_end]
    if join == "," and not (closed and b")" not in ends):
        return None
    if join == "," and not _is_argument(text, name_start) and not _INSTEAD.match(text, at):
        return None
    if join == "-":
        if not option or not place.yaml:
            return None
        join = ""  # a command as a list: its option, and what that is given
    if join == ">" and text[name_start - 1 : name_start] != b"<":
        return None
    if join == "(" and (closed or not _SETTER.match(name.rpartition(".")[2])):
        return None
    if place.yaml and (node := _NODE.match(text, at)) is not None:
        if node[1] == b"*":
            return None
        at = node.end()
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
    to_end = not option and (place.lines or (place.yaml and join != "="))
    pattern = _DEFAULT if join == ":-" else _LINE if to_end else _BARE
    bare = pattern.match(text, at, end)
    if bare is None:
        return None
    first, last = bare.span(1)
    if join == ">" and text[last : last + 1] != b"<":
        return None
    if place.yaml and text[first : first + 1] in (b"{", b"["):
        return None  # `password: { type: string }`
    raw = text[first:last]
    if pattern is _BARE and text[last : last + 1] == b"(":
        return None
    if pattern is _LINE:
        raw = _COMMENT.split(raw, maxsplit=1)[0].rstrip()
        last = first + len(raw)
    return _made(name, text, first, last, False, join, name_start)


def _section(text: bytes, start: int) -> str:
    """What the object is called that a name stands in: `"Jwt": {"Issuer": "shop", "Key": "…"}`."""
    before = text[max(0, start - 300) : start]
    opened = before.rfind(b"{")
    if opened < 0 or b"}" in before[opened:]:
        return ""
    match = _OPENS.search(before, 0, opened)
    return match[1].decode() + "_" if match else ""


_OPENS = re.compile(rb"[\"']([A-Za-z]{1,40})[\"'][ \t]{0,8}:\s{0,8}\Z")


def _stands_alone(text: bytes, start: int, at: int, name: str) -> bool:
    """`Bearer …`, SQL's `IDENTIFIED BY '…'` and `CREATE USER … PASSWORD '…'`, a Dockerfile's
    `ENV NAME …`, and `login … password …` of a .netrc."""
    if name == "bearer" or name.startswith("identified"):
        return True
    before = text[max(0, start - 100) : start].lower()
    line = before[before.rfind(b"\n") + 1 :].split()
    if not line and name in ("requirepass", "masterauth"):  # redis.conf
        return True
    if line == [b"env"] or (name == "password" and b"login" in line[-4:]):
        return True
    return (
        name == "password"
        and text[at : at + 1] == b"'"
        and (b" user " in before or b" role " in before)
    )


_INSTEAD = re.compile(rb"\s{0,40}(?:default|fallback)\s{0,2}=")
"""`config.get("redis", "password", fallback="…")`"""
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
