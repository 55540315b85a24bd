"""What a value says of itself: that it stands for another, that it was made up, that it is random."""

from __future__ import annotations

import functools
import itertools
import math
import re
from collections import Counter

_REFERENCE = re.compile(
    r"\$\{|\$\(|\{\{|<[^>]*>|%\(|%[sd]\b|process\.env|os\.environ|getenv|import\.meta|\benv\(|^\$[A-Za-z_]|^%[A-Z_]+%$"
    r"|\{[a-zA-Z_][a-zA-Z0-9_.\[\]'\"]*\}|#\{|^!\w|^(?:var|local|data|module|random_password|secrets|env|steps|inputs|each)\."
    r"|^(?:op|vault|ssm|secretsmanager|awssm|gcpsm|keyring|doppler|file|sops|azurekv|ref\+\w+)://?|^vault:|^arn:aws|^sm://|^ENC\["
    r"|^@Microsoft\.KeyVault|^projects/[^/]+/secrets/|^\[\[|^__\w+__$|^@\w+@$|\$\$|^AQICAH"
)
_NO_VALUE = re.compile(r"<|>|\*{3,}|\.{3,}|…|(?i:x{5,})|^\W+$")
_MADE_UP = re.compile(
    r"(?i)your[_\-. ]?|change[_\-. ]?(?:me|this|it|in|before|for)|replace|placeholder|example|x{4,}|redacted|dummy"
    r"|insert[_\-. ]|to[_\-]?be[_\-]?(?:modified|changed|replaced)|[_\-. ]here\b|put[_\-. ]|mock|lorem|goes[_\-. ]?here"
    r"|minimum[_\-. ]|at[_\-. ]least|xxx|random[_\-. ](?:string|key|secret|long|value)|long[_\-. ]random|(?:^|[_\-. ])some[_\-. ]"
    r"|(?:^|[^a-z])(?:generate|enter|fill|set|add|paste|provide)[_\-. ](?:me|in|this|via|with|a|an|the|it|your|using|by)(?:[^a-z]|$)"
    r"|(?:^|[^a-z])(?:todo|tbd|fixme|none|null|undefined|true|false|n/?a|not[_\-. ]?set|fake|sample|demo|foo|bar|foobar|removed"
    r"|hidden|unset|unused|required|optional|deprecated|disabled|generate|goes)(?:[^a-z]|$)"
    r"|^my[_\-. ]?(?:super|secret|password|api|token|key|jwt)|^(?:a|the)[_\-. ]"
)
_TEST = re.compile(
    r"(?i)(?:^|[^a-z])(?:test|tests|testing|tester|dev|local|invalid|wrong|bad|expired|valid|correct|old|new|another|other)(?:[^a-z]|$)"
    r"|^test|test$|pass|secret|token|passw0rd|hunter2|qwerty|letmein|abc123|123[!@#$]?$|1234|strong|secure|user|admin"
    r"|not[_\-. ]?for[_\-. ]prod|(?:^|_)production_|str0ng"
)
_COMMON_PAIRS = frozenset(
    [
        "th",
        "he",
        "in",
        "er",
        "an",
        "re",
        "on",
        "at",
        "en",
        "nd",
        "ti",
        "es",
        "or",
        "te",
        "of",
        "ed",
        "is",
        "it",
        "al",
        "ar",
        "st",
        "to",
        "nt",
        "ng",
        "se",
        "ha",
        "as",
        "ou",
        "io",
        "le",
        "ve",
        "co",
        "me",
        "de",
        "hi",
        "ri",
        "ro",
        "ic",
        "ne",
        "ea",
        "ra",
        "ce",
        "li",
        "ch",
        "ll",
        "be",
        "ma",
        "si",
        "om",
        "ur",
        "ca",
        "el",
        "ta",
        "la",
        "ns",
        "di",
        "fo",
        "ho",
        "pe",
        "ec",
        "pr",
        "no",
        "ct",
        "us",
        "ac",
        "ot",
        "il",
        "tr",
        "ly",
        "nc",
        "et",
        "ut",
        "ss",
        "so",
        "rs",
        "un",
        "lo",
        "wa",
        "ge",
        "ie",
        "wh",
        "ee",
        "wi",
        "em",
        "ad",
        "ol",
        "rt",
        "po",
        "we",
        "na",
        "ul",
        "ni",
        "ts",
        "mo",
        "ow",
        "pa",
        "im",
        "mi",
        "ai",
        "sh",
        "ir",
        "su",
        "id",
        "os",
        "iv",
        "ia",
        "am",
        "fi",
        "ci",
        "vi",
        "pl",
        "ig",
        "tu",
        "ev",
        "ld",
        "ry",
        "mp",
        "fe",
        "bl",
        "ab",
        "gh",
        "ty",
        "op",
        "wo",
        "sa",
        "ay",
        "ex",
        "ke",
        "fr",
        "oo",
        "av",
        "ag",
        "if",
        "ap",
        "gr",
        "od",
        "bo",
        "sp",
        "rd",
        "do",
        "uc",
        "bu",
        "ei",
        "ov",
        "by",
        "rm",
        "ep",
        "tt",
        "oc",
        "fa",
        "ef",
        "cu",
        "rn",
        "sc",
        "gi",
        "da",
        "yo",
        "cr",
        "cl",
        "du",
        "ga",
        "qu",
        "ue",
        "ff",
        "ba",
        "ey",
        "ls",
        "va",
        "um",
        "pp",
        "ua",
        "up",
        "lu",
        "go",
        "ht",
        "ru",
        "ug",
        "ds",
        "lt",
        "pi",
        "rc",
        "rr",
        "eg",
        "au",
        "ck",
        "ew",
        "mu",
        "br",
        "bi",
        "pt",
        "ak",
        "pu",
        "ui",
        "rg",
        "ib",
        "tl",
        "ny",
        "ki",
        "rk",
        "ys",
        "ob",
        "mm",
        "fu",
        "ph",
        "og",
        "ms",
        "ye",
        "ud",
        "mb",
        "ip",
        "ub",
        "oi",
        "rl",
        "gu",
        "dr",
        "hr",
        "cc",
        "tw",
        "ft",
        "wn",
        "nu",
        "af",
        "hu",
        "nn",
        "eo",
        "vo",
        "rv",
        "nf",
        "xp",
        "gn",
        "sm",
        "fl",
        "iz",
        "ok",
        "nl",
        "my",
        "gl",
        "aw",
        "ju",
        "oa",
        "eq",
        "sy",
        "sl",
        "ps",
        "jo",
        "lf",
        "nv",
        "je",
        "nk",
        "kn",
        "gs",
        "dy",
        "hy",
        "ze",
        "ks",
        "xt",
        "bs",
        "ik",
        "dd",
        "pt",
        "rp",
        "sk",
        "xi",
        "oe",
        "oy",
        "ws",
        "lv",
        "dl",
        "rf",
        "eu",
        "dg",
        "wr",
        "xa",
        "yi",
        "nm",
        "eb",
        "rb",
        "tm",
        "xc",
        "eh",
        "tc",
        "gy",
        "ja",
        "hn",
        "yp",
        "za",
        "gg",
        "ym",
        "sw",
        "bj",
        "lm",
        "cs",
        "ii",
        "ix",
        "xe",
        "oh",
        "lk",
        "dv",
        "lp",
        "ax",
        "ox",
        "uf",
        "dm",
        "iu",
        "sf",
        "bt",
        "ka",
        "yt",
        "ek",
        "pm",
        "ya",
        "gt",
        "wl",
        "rh",
        "yl",
        "hs",
        "ah",
        "yc",
    ]
)


_WORDS_OF_FOUR = frozenset(
    [
        "this",
        "that",
        "with",
        "your",
        "have",
        "from",
        "they",
        "will",
        "must",
        "test",
        "pass",
        "user",
        "word",
        "here",
        "some",
        "long",
        "code",
        "text",
    ]
)


def is_reference(value: str) -> bool:
    """Whether a value stands for another: a template, a variable, an address in a vault."""
    return bool(_REFERENCE.search(value))


def is_placeholder(value: str) -> bool:
    """Whether a value only shows where the real one goes."""
    if _NO_VALUE.search(value) or "EXAMPLE" in value or is_repetitive(value):
        return True
    return bool(_MADE_UP.search(value)) and not looks_random(value)


def is_for_tests(value: str) -> bool:
    """Whether a value looks made up for a test or a developer's machine."""
    return bool(_TEST.search(value))


def is_repetitive(value: str) -> bool:
    """`xxxxxxxx`, `1234567890`, `abcdefghij`: nothing anybody would use."""
    last = re.split(r"[_\-]", value)[-1]
    body = (last if len(last) >= 8 else value).lower()
    if len(set(body)) <= max(2, len(body) // 12):
        return True
    steps = sum(1 for a, b in itertools.pairwise(body) if ord(b) - ord(a) in (0, 1))
    return len(body) >= 6 and steps >= 0.6 * (len(body) - 1)


def entropy(value: str) -> float:
    """Shannon entropy in bits per character."""
    counts = Counter(value)
    return -sum(n / len(value) * math.log2(n / len(value)) for n in counts.values())


@functools.lru_cache(2048)
def looks_random(value: str) -> bool:
    """Whether a machine rather than a person made the value.

    Words are made of the pairs of letters that are common in English; of random letters about a
    third are. Letters and digits that change places often are no words either.
    """
    if re.fullmatch(r"[a-z]{4}(?: [a-z]{4}){3}", value):
        return not all(word in _WORDS_OF_FOUR for word in value.split())
    if len(value) < 10 or " " in value:
        return False
    if re.fullmatch(r"[0-9a-f]+|[0-9A-F]+", value):
        return (
            len(value) >= 16
            and 4 <= sum(c.isdigit() for c in value) < len(value) - 1
            and len(set(value)) >= 7
        )
    if entropy(value) < 2.9:
        return False
    pairs = [value[i : i + 2] for i in range(len(value) - 1) if value[i : i + 2].isalpha()]
    common = sum(
        1
        for pair in pairs
        if pair.lower() in _COMMON_PAIRS and not (pair[0].islower() and pair[1].isupper())
    )
    digits = sum(c.isdigit() for c in value)
    turns = sum(1 for a, b in itertools.pairwise(value) if _class(a) != _class(b))
    words = re.findall(r"[A-Za-z]{3,}", value)
    if (
        len(pairs) >= (5 if sum(map(len, words)) > len(value) / 2 else 8)
        and common / len(pairs) > 0.74
    ):
        return False
    if digits == 0 or turns < len(value) / 6:
        return len(pairs) >= 9 and common / len(pairs) < 0.62 and len(set(value)) >= 8
    return turns >= len(value) / 4 or (len(pairs) >= 6 and common / len(pairs) < 0.62)  # fmt: skip


def _class(character: str) -> int:
    return character.isdigit() + 2 * character.isupper() + 4 * (not character.isalnum())


def is_mixed(value: str) -> bool:
    """Letters with digits or signs, as people are told to make passwords."""
    letters = any(c.isalpha() for c in value)
    return letters and any(c.isdigit() or not (c.isalnum() or c in " _-./:") for c in value)


def is_text(value: str) -> bool:
    """Words, a path, an identifier, an expression or a sentence rather than a secret."""
    if re.fullmatch(r"[A-Za-z]+(?:[_\-.:/ ][A-Za-z]+)*", value) and not looks_random(value):
        return True
    if re.fullmatch(r"[.~]{0,2}(?:[/\\][\w.\-]*)+\.[a-z]{2,5}", value):
        return True
    if value.startswith(("/", "./", "../", "~/", "@/", "#")) and not looks_random(value):
        return True
    if value.startswith(("http://", "https://")):
        return True
    return bool(
        re.search(r"[()\[\]|\\]|=>|;$|^\.|\w\.\w+\.\w+\.?\w*$|\.\w{2,4}$", value)
    ) and not looks_random(value)


_HASHES = re.compile(
    r"\$(?:2[abxy]?|argon2\w*|pbkdf2\S*|scrypt|[1567y])\$.+|(?:pbkdf2|bcrypt|argon2|scrypt|md5|sha1?)\w*\$.+"
    r"|(?:sha(?:1|224|256|384|512)|md5)[-:=].+|[0-9.,:\-/ +]+|0x[0-9a-fA-F]+|(?:AC|MG|PN)[0-9a-f]{32}|\{SHA\}.+"
    r"|[0-9]+-[a-z0-9]+\.apps\.googleusercontent\.com|(?:ssh-\w+|ecdsa-\S+) AAAA.+|data:\w+/.+|pk_(?:live|test)_.+"
    r"|sb_publishable_.+|phc_\w+|pk\.eyJ.+|MII[A-Z].{200,}|urn:.+|[\w.+-]+@[\w-]+\.[\w.]+"
)


AZURITE = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50u"
"""The published key of Azure's storage emulator,
https://learn.microsoft.com/azure/storage/common/storage-connect-azurite."""


def is_identifier(value: str) -> bool:
    """Hashes, numbers, public keys and addresses: they may be long and random, and open nothing."""
    return bool(_HASHES.fullmatch(value)) or value.startswith(AZURITE)


def is_uuid(value: str) -> bool:
    return bool(re.fullmatch(r"(?i)[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", value))
