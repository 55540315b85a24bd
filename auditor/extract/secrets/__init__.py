"""Secrets in text: keys in their providers' formats, passwords in URLs and assignments.

Linear in the size of the text: whatever goes over the whole of it is RE2, and what is tried at a
place looks at so many bytes and no more. A value found here is never shown: a secret is described
by its public prefix and its length (CWE-798, CWE-312).
"""

from __future__ import annotations

import base64
import bisect
import codecs
import functools
import re
from collections import defaultdict
from collections.abc import Iterator

from auditor.discover.kinds import Kind, Role
from auditor.engines import Literals, Words, engine
from auditor.extract.facts import Fact
from auditor.extract.secrets import values
from auditor.extract.secrets.addresses import LOCAL, Found, addresses, variable_before
from auditor.extract.secrets.assignments import assignments
from auditor.extract.secrets.judgement import OF_AN_IMAGE, judge
from auditor.extract.secrets.names import Meaning, meaning_of
from auditor.extract.secrets.patterns import PATTERNS, Pattern
from auditor.extract.secrets.places import Place
from auditor.extract.secrets.stores import stored
from auditor.extract.secrets.structure import decode, is_common

_MAX_FINDINGS = 200
_AROUND = 400


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


def as_utf8(data: bytes) -> bytes:
    """A text in the encoding that is searched; what PowerShell writes is UTF-16."""
    if not data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data
    return data.decode("utf-16", "replace").encode("utf-8", "replace")


def find_secrets(
    text: bytes, name: str, role: Role = Role.SOURCE, kind: Kind = Kind.TEXT
) -> list[Secret]:
    """The secrets in a UTF-8 text; `name` is the file's base name, for its conventions."""
    if _LOCK_FILES.fullmatch(name):
        return []
    taken = _Spans()
    place = Place(name, role, text)
    if role is Role.SOURCE and place.says_it_is_a_template:
        place = Place(name, Role.EXAMPLE, text)
    for found in _all(text, place):
        if kind is Kind.WORKFLOW and _lives_for_a_job(found, text):
            continue
        if _is_left_out(found, text, place):
            continue
        weighed = _weighed(found, text, place)
        if kind is Kind.WORKFLOW and meaning_of(found[6]) is Meaning.SIGNING:
            weighed = (*weighed[:4], "low", *weighed[5:])  # what an application is tested with
        taken.add(weighed)
        if len(taken.found) >= _MAX_FINDINGS:
            break
    if not taken.found:
        return []
    starts = [0, *(m.end() for m in re.finditer(rb"\n", text))]
    return [_secret(text, starts, found) for found in sorted(taken.found.values())]


_KNOWN_TO_ALL = ("default-password", "local-url-password")
"""What gives nothing away, and is a weakness only where it is in use."""


def _is_left_out(found: Found, text: bytes, place: Place) -> bool:
    """What a comment shows that everybody knows."""
    start, end, kind, title = found[:4]
    known = kind in _KNOWN_TO_ALL or title.startswith("known default")
    value = text[start:end].decode("latin-1")
    if kind in ("url-password", "command-login"):
        known = is_common(value)
    known = known or (kind in ("password", "secret-assignment") and values.is_text(value))
    if known and place.name in ("pyproject.toml", "setup.cfg") and _is_of_pytest(text, start):
        return True
    return known and _line_before(text, start).startswith(_COMMENTS)


def _is_of_pytest(text: bytes, start: int) -> bool:
    """Whether what stands at a place is a setting of pytest, in a file for many tools."""
    header = text.rfind(b"\n[", 0, start)
    return b"pytest" in text[max(header, 0) : text.find(b"\n", header + 1)]


def _lives_for_a_job(found: Found, text: bytes) -> bool:
    """Databases and applications that a pipeline starts for its tests."""
    if found[2] in _KNOWN_TO_ALL:
        return True
    if found[2] == "url-password" and LOCAL.fullmatch(found[7]):
        return True
    if OF_AN_IMAGE.fullmatch(found[6]) and b"services:" in text[max(0, found[0] - 800) : found[0]]:
        return True
    if found[2] == "curl-login" and _is_sent_to_the_job(found, text):
        return True
    if found[3].startswith("known default"):
        return True
    generic = found[2] in ("password", "secret-assignment", "url-password", "command-login")
    return generic and values.is_for_tests(text[found[0] : found[1]].decode("utf-8", "replace"))


def _is_sent_to_the_job(found: Found, text: bytes) -> bool:
    """`curl -u test:test http://localhost:15672/`: the service that is asked runs beside the job."""
    ends = text.find(b"\n", found[1])
    behind = text[found[1] : ends if 0 <= ends < found[1] + 300 else found[1] + 300]
    return any(
        b"//localhost" in part or b"//127.0.0.1" in part
        for part in (_line_before(text, found[0]), behind)
    )


def _weighed(found: Found, text: bytes, place: Place) -> Found:
    """Documents, tests and comments show examples more often than what is in use.

    A format of a provider is what it is, wherever it stands, unless somebody tells how it looks.
    """
    line = _line_before(text, found[0])
    if line.startswith(_COMMENTS) and _FOR_EXAMPLE.search(line.decode("latin-1")):
        return (*found[:4], "low", *found[5:])
    if found[4] == "low" or (
        found[4] == "high" and found[2] not in ("url-password", "private-key")
    ):
        return found
    if place.role is Role.SOURCE and (
        found[2] == "private-key" or not _is_shown(found, text, place)
    ):
        return found
    documents_a_key = found[2] == "private-key" and place.role is Role.DOCUMENTATION
    return (*found[:4], "medium" if documents_a_key else "low", *found[5:])


def _is_shown(found: Found, text: bytes, place: Place) -> bool:
    """Whether a comment, a documentation string or a test's setting shows a value, or a page asks
    another site for a script with it."""
    start, end, kind = found[:3]
    line = _line_before(text, start)
    if line.startswith(_COMMENTS) or b"<script" in line or b'src="' in line:
        return True
    value = text[start:end].decode("utf-8", "replace")
    if values.looks_random(value):
        return False
    if kind == "default-secret" and b"environ.setdefault(" in line:
        return True  # what a script gives itself
    if _OF_A_TEST.search(found[6]) or _OF_A_TEST.search(value):
        return kind != "url-password"
    return place.name.endswith(".py") and text.count(b'"""', 0, start) % 2 == 1


def _line_before(text: bytes, start: int) -> bytes:
    """What stands before a place on its line, as far as one looks."""
    return text[max(text.rfind(b"\n", 0, start) + 1, start - 1000) : start].lstrip()


_FOR_EXAMPLE = Words(r"(?i)\be\.?g\.?[\s,:]|\bexamples?\b|\blooks like\b|\bsuch as\b")
_OF_A_TEST = Words(r"(?i)(?:^|[_\-])(?:unit)?tests?(?:ing)?(?:[_\-]|$)")


_COMMENTS = (b"#", b"//", b"*", b"/*", b"<!--", b"-- ", b";", b"rem ", b">>> ")


def _all(text: bytes, place: Place) -> Iterator[Found]:
    """Formats first: of two readings of one text, the more certain one counts."""
    yield from _keys(text)
    yield from _wrapped(text)
    yield from addresses(text, place)
    yield from _kept(text, place)
    yield from _arguments(text, place)
    for assignment in assignments(text, place):
        if (judged := judge(assignment, text, place)) is not None:
            variable = assignment.name.split(".")[-1]
            yield assignment.start, assignment.end, *judged, "", variable, ""


class _Spans:
    """What has been found, no two of them overlapping."""

    def __init__(self) -> None:
        self.found: dict[int, Found] = {}
        self.starts: list[int] = []

    def add(self, found: Found) -> None:
        start, end = found[:2]
        at = bisect.bisect_right(self.starts, start)
        if at and self.found[self.starts[at - 1]][1] > start:
            return
        if at < len(self.starts) and self.starts[at] < end:
            return
        self.starts.insert(at, start)
        self.found[start] = found


def _secret(text: bytes, starts: list[int], found: Found) -> Secret:
    start, end, kind, title, confidence, public, variable, host = found
    line = bisect.bisect_right(starts, start)
    value = text[start:end].decode("utf-8", "replace")
    return Secret(
        kind,
        title,
        confidence,
        shape(value, public),
        variable,
        line,
        start - starts[line - 1] + 1,
        bisect.bisect_right(starts, max(start, end - 1)),
        start,
        end,
        host,
    )


def shape(value: str, public: str) -> str:
    """What may be shown of a secret: the provider's constant prefix and the length."""
    prefix = public if public and value.startswith(public) else ""
    return f"{prefix}…({len(value)} characters)"


_LOCK_FILES = Words(
    r"(?i)package-lock\.json|npm-shrinkwrap\.json|yarn\.lock|pnpm-lock\.ya?ml|bun\.lock|poetry\.lock|uv\.lock|pdm\.lock"
    r"|.+\.lock|go\.sum|pylock\.toml|.+\.map"
)

# --- keys in formats of their own


@functools.cache
def _by_start() -> dict[bytes, list[Pattern]]:
    """The patterns by what their keys begin with; `sk-` is tried where `sk-proj-` was found, too."""
    own: dict[bytes, list[Pattern]] = defaultdict(list)
    for pattern in PATTERNS:
        for start in pattern.starts:
            own[start.encode()].append(pattern)
    return {
        start: [p for length in range(len(start), 0, -1) for p in own.get(start[:length], ())]
        for start in sorted(own, key=len, reverse=True)
    }


@functools.cache
def _starts() -> Literals:
    return Literals(list(_by_start()))


def _keys(text: bytes) -> Iterator[Found]:
    by_start = _by_start()
    done = 0
    for _, start, end in _starts().find(text):
        if start < done:
            continue
        for pattern in by_start[text[start:end]]:
            found = _key(pattern, text, start)
            if found is not None:
                done = found[1]
                yield found
                break


def _key(pattern: Pattern, text: bytes, at: int) -> Found | None:
    end = min(len(text), at + pattern.longest)
    if pattern.lead:
        match = engine(pattern.regex).search(text, max(0, at - pattern.lead), end)
    else:
        match = engine(pattern.regex).match(text, at, end)
    if match is None:
        return None
    start, end = match.span(1)
    value = text[start:end].decode("utf-8", "replace")
    if pattern.kind != "private-key" and _is_example(value):
        return None
    confidence = pattern.confidence
    if pattern.check is not None:
        around = text[max(0, start - _AROUND) : end + _AROUND].decode("latin-1")
        confidence = pattern.check(value, around)
    if not confidence:
        return None
    variable = variable_before(text, start)
    if variable.lower() == "placeholder" or value.startswith(values.AZURITE):
        return None
    return start, end, pattern.kind, pattern.title, confidence, pattern.public, variable, ""


def _is_example(value: str) -> bool:
    return _EXAMPLE.search(value) or values.is_repetitive(value)


_EXAMPLE = Words(r"(?i)example|your|x{5,}|\.{3}|\*{3}|redacted|0{8,}|1234567890")


# --- keys inside of base64


@functools.cache
def _wrappings() -> Literals:
    """What base64 holds somewhere when it holds the beginning of a key.

    Three characters of a text are four of base64, so a word looks different by where it begins; the
    characters at its edges hang on its neighbours and are left out.
    """
    found = set()
    long = [p for p in PATTERNS if not p.lead and len(p.starts) < 100]
    words = [start for p in long for start in p.starts if len(start) >= 4 and start.isascii()]
    for word in (*words, "T3BlbkFJ"):
        for offset in range(3):
            encoded = base64.b64encode(b"\0" * offset + word.encode())
            first = 0 if offset == 0 else offset + 1
            found.add(encoded[first : (offset + len(word)) * 8 // 6])
    return Literals(sorted(found))


_RUN = r"[A-Za-z0-9+/_\-]{8,}={0,2}"
_RUN_BYTES = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/_-"


def _wrapped(text: bytes) -> Iterator[Found]:
    done = 0
    for _, at, _ in _wrappings().find(text):
        if at < done:
            continue
        window = text[max(done, at - 8000) : at]
        start = at - (len(window) - len(window.rstrip(_RUN_BYTES)))
        match = engine(_RUN).match(text, start, min(len(text), start + 60_000))
        if match is None or match.end(0) - start < 40:
            continue
        done = match.end(0)
        inner = decode(text[start:done].decode("ascii"))
        for found in _keys(inner) if inner else ():
            title = f"{found[3]}, base64-encoded"
            variable = variable_before(text, start)
            yield start, done, found[2], title, found[4], "", variable, ""
            break


# --- logins that programs keep


def _kept(text: bytes, place: Place) -> Iterator[Found]:
    for start, end, store in stored(text, place.name):
        value = text[start:end].decode("utf-8", "replace")
        hashed = store.title == "password hash"
        if not hashed and (values.is_reference(value) or values.is_placeholder(value)):
            continue
        kind = "password-hash" if hashed else "password"
        yield start, end, kind, store.title, store.confidence, "", "", ""


# --- secrets that functions are called with

_ROUND = r"\((?:[^()]|\([^()]*\))*\)"
_CURLY = rf"\{{(?:[^{{}}()]|{_ROUND}|\{{[^{{}}]*\}})*\}}"
_FIRST_ARGUMENT = rf"(?:[^(){{}}\[\],;]|{_ROUND}|{_CURLY}|\[[^\[\]]*\])+"
_SIGNS_WITH = (
    rf"(?:\b(?:jwt|JWT|jsonwebtoken|jose)\.(?:sign|verify|encode|decode)\({_FIRST_ARGUMENT},\s*(?:key\s*=\s*)?"
    r"|\bcreateHmac\(\s*[\"'][\w\-]+[\"'],\s*|\bhmac\.new\(\s*)"
    r"b?[\"'`](?P<v>[^\"'`\n]{3,100})[\"'`]\s*[,)]"
)
_ALGORITHM = re.compile(r"(?i)(?:hs|rs|es|ps|sha)[-_]?\d{1,3}|none|eddsa|utf-?8|base64|hex")


def _arguments(text: bytes, place: Place) -> Iterator[Found]:
    """`jwt.sign(claims, "…")`: whoever reads the code can sign, too (CWE-321)."""
    if place.role is not Role.SOURCE or place.prose:
        return
    if b"jwt." not in text and b"JWT." not in text and b"mac" not in text and b"jose." not in text:
        return
    for match in engine(_SIGNS_WITH).finditer(text):
        start, end = match.span(1)
        value = text[start:end].decode("utf-8", "replace")
        if not values.is_reference(value) and not _ALGORITHM.fullmatch(value) and " " not in value:
            yield start, end, "signing-secret", "signing secret in the code", "medium", "", "", ""
