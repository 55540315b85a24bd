"""What a value says of itself: that it stands for another, that it was made up, that it is random."""

from __future__ import annotations

import functools
import math
import operator
import re

from auditor.engines import Words

_REFERENCE = Words(
    r"\$\{|%\{[a-z]|\$\([a-z]|\{\{|<[^>]*>|%\(\w+\)|(?:^|[\s/:=@,(\"\'])%[sd]\b|process\.env|os\.environ|getenv|import\.meta|\benv\(|^\$[A-Za-z_]|^%[A-Za-z][\w.:]*%$|^%[a-z]+\([\w.:]+\)%$"
    r"|\{[a-zA-Z_][a-zA-Z0-9_.\[\]()'\"]*\}|#\{|^!\w|^(?:var|local|data|module|random_password|secrets|env|steps|inputs|each)\."
    r"|^(?:op|vault|ssm|secretsmanager|awssm|gcpsm|keyring|doppler|file|sops|azurekv|ref\+\w+)://?|^vault:|^arn:aws|^sm://|^E(?:NC|V)[\[(]|\[\^?(?:0-9|a-z|A-Z|a-f)|^\+ | \+$|^`"
    r"|^@Microsoft\.KeyVault|^projects/[^/]+/secrets/|^\[\[|^__\w+__$|^@\w+@$|^@@.+@@$|\$\$|.\$[A-Z_]{4,}|^[\"']\s*[+.]|[+.]\s*[\"']$|@sha(?:256|512):[0-9a-f]{32}|(?:^|^[\w\-=]+:)latest(?:\W|$)"
)
_NO_VALUE = Words(r"<|>|\*{3,}|\.{3,}|…|(?i:x{5,})|^\W+$")
_MADE_UP = Words(
    r"(?i)your[_\-. ]?|change[_\-. ]?(?:me|this|it|in|before|for)|^change[_\-](?:the[_\-])?password$|replace|placeholder|example|x{4,}|redacted|dummy"
    r"|insert[_\-. ]|to[_\-]?be[_\-]?(?:modified|changed|replaced)|[_\-. ]here\b|put[_\-. ]|mock|lorem|goes[_\-. ]?here"
    r"|minimum[_\-. ]|at[_\-. ]least|xxx|random[_\-. ](?:string|key|secret|long|value)|long[_\-. ]random|(?:^|[_\-. ])some[_\-. ]"
    r"|(?:^|[^a-z])(?:generate|enter|fill|set|add|paste|provide)[_\-. ](?:me|in|this|via|with|a|an|the|it|your|using|by)(?:[^a-z]|$)"
    r"|(?:^|[^a-z])(?:todo|tbd|fixme|none|null|(?:un)?defined|true|false|n/?a|not[_\-. ]?set|fake|sample|demo|foo|bar|foobar|removed"
    r"|hidden|unset|unused|required|optional|deprecated|disabled|generate|goes)(?:[^a-z]|$)"
    r"|^my[_\-. ]?(?:super|secret|password|api|token|key|jwt)|^(?:a|the)[_\-. ]"
)
_TEST = Words(
    r"(?i)(?:^|[^a-z])(?:test|tests|testing|tester|dev|local|invalid|wrong|bad|expired|valid|correct|old|new|another|other)(?:[^a-z]|$)"
    r"|^test|test$|pass|secret|token|passw0rd|hunter2|qwerty|letmein|abc123|123[!@#$]?$|1234|strong|secure|user|admin"
    r"|not[_\-. ]?for[_\-. ]prod|(?:^|_)production_|str0ng"
)
_PAIRS = """
    th he in er an re on at en nd ti es or te of ed is it al ar st to nt ng se ha as ou io le ve co me
    de hi ri ro ic ne ea ra ce li ch ll be ma si om ur ca el ta la ns di fo ho pe ec pr no ct us ac ot
    il tr ly nc et ut ss so rs un lo wa ge ie wh ee wi em ad ol rt po we na ul ni ts mo ow pa im mi ai
    sh ir su id os iv ia am fi ci vi pl ig tu ev ld ry mp fe bl ab gh ty op wo sa ay ex ke fr oo av ag
    if ap gr od bo sp rd do uc bu ei ov by rm ep tt oc fa ef cu rn sc gi da yo cr cl du ga qu ue ff ba
    ey ls va um pp ua up lu go ht ru ug ds lt pi rc rr eg au ck ew mu br bi pt ak pu ui rg ib tl ny ki
    rk ys ob mm fu ph og ms ye ud mb ip ub oi rl gu dr hr cc tw ft wn nu af hu nn eo vo rv nf xp gn sm
    fl iz ok nl my gl aw ju oa eq sy sl ps jo lf nv je nk kn gs dy hy ze ks xt bs ik dd rp sk xi oe oy
    ws lv dl rf eu dg wr xa yi nm eb rb tm xc eh tc gy ja hn yp za gg ym sw bj lm cs ii ix xe oh lk dv
    lp ax ox uf dm iu sf bt ka yt ek pm ya gt wl rh yl hs ah yc
"""
_COMMON_PAIRS = frozenset(_PAIRS.split())
"""The pairs of letters that make up most of English."""


_FOUR_LETTERS = (
    "this that with your have from they will must test pass user word here some long code text"
)
_WORDS_OF_FOUR = frozenset(_FOUR_LETTERS.split())


def is_reference(value: str) -> bool:
    """Whether a value stands for another: a template, a variable, an address in a vault."""
    return not value.isalnum() and not is_scrambled(value) and _REFERENCE.search(value)


def is_placeholder(value: str) -> bool:
    """Whether a value only shows where the real one goes."""
    if "EXAMPLE" in value or is_repetitive(value):
        return True
    if _NO_VALUE.search(value):
        return not is_scrambled(value)
    if value.startswith(_FOR_AUTOMATED_TESTS):
        return True
    return not looks_random(value) and _MADE_UP.search(value)


@functools.lru_cache(1024)
def is_scrambled(value: str) -> bool:
    """Signs of many kinds between letters that make no words, as WordPress's salts: whatever such a
    value has in common with a template is chance."""
    if len(value) < 24 or _EXPRESSION.search(value):
        return False
    signs, digits = set(_SIGNS.findall(value)), sum(map(str.isdigit, value))
    if len(signs) < 5 or digits < 2 or entropy(value) < 4.2:
        return False
    common, pairs = _common_pairs(value)
    return pairs >= 5 and common / pairs < 0.55


_SIGNS = re.compile(r"[^\w\s]")
_EXPRESSION = Words(
    r"\\|\(\?|a-z|A-Z|0-9|\$\{\w|%\(\w+\)|\{\{|^E(?:NC|V)[\[(]|^!\w|:/|^data:|^[\w\-.:]{24}"
)
_FOR_AUTOMATED_TESTS = ("6LeIxAcTAAAAA", "1x0000000", "2x0000000", "3x0000000")
"""The pairs of reCAPTCHA and Turnstile that everybody may use:
https://developers.google.com/recaptcha/docs/faq, https://developers.cloudflare.com/turnstile/troubleshooting/testing/."""


def is_for_tests(value: str) -> bool:
    """Whether a value looks made up for a test or a developer's machine."""
    return _TEST.search(value)


def is_repetitive(value: str) -> bool:
    """`xxxxxxxx`, `1234567890`, `abcdefghij`: nothing anybody would use."""
    last = value.replace("-", "_").rpartition("_")[2]
    body = (last if len(last) >= 8 else value).lower()
    if len(set(body)) <= max(2, min(6, len(body) // 12)):
        return True
    codes = body.encode("latin-1", "replace")
    if len(body) >= 12 and _counts(codes[::2]) and _counts(codes[1::2]):
        return True  # 1a2b3c4d5e6f
    return len(body) >= 6 and _counts(codes)


def _counts(codes: bytes) -> bool:
    steps = [*map(operator.sub, codes[1:], codes)]
    return steps.count(0) + steps.count(1) >= 0.6 * len(steps)


def entropy(value: str) -> float:
    """Shannon entropy in bits per character."""
    repeated = [count for count in map(value.count, set(value)) if count > 1]
    return math.log2(len(value)) - sum(n * math.log2(n) for n in repeated) / len(value)


_CLASSES = bytes(
    chr(code).isdigit() + 2 * chr(code).isupper() + 4 * (not chr(code).isalnum())
    for code in range(256)
)
_LETTERS = re.compile(r"[A-Za-z]+")
_HUMPS = re.compile(r"[A-Z]*[a-z]+|[A-Z]+")
_HEX = re.compile(r"[0-9a-f]+|[0-9A-F]+")
_FOUR_WORDS = re.compile(r"[a-z]{4}(?: [a-z]{4}){3}")


@functools.lru_cache(4096)
def looks_random(value: str) -> bool:
    """Whether a machine rather than a person made the value.

    Words are made of the pairs of letters that are common in English; of random letters about a
    third are. Letters and digits that change places often are no words either.
    """
    if is_scrambled(value):
        return True
    if " " in value:
        return bool(_FOUR_WORDS.fullmatch(value)) and not _WORDS_OF_FOUR.issuperset(value.split())
    if len(value) < 10:
        return False
    classes = value.encode("latin-1", "replace").translate(_CLASSES)
    digits = classes.count(1)
    if _HEX.fullmatch(value):
        return len(value) >= 16 and 4 <= digits < len(value) - 1 and len(set(value)) >= 7
    if entropy(value) < 2.9:
        return False
    runs = [*map(len, _LETTERS.findall(value))]
    common, pairs = _common_pairs(value)
    in_words = sum(run for run in runs if run >= 3)
    turns = sum(map(operator.ne, classes, classes[1:]))
    if pairs >= (5 if in_words > len(value) / 2 else 8) and common / pairs > 0.74:
        return False
    if digits == 0 or turns < len(value) / 6:
        return pairs >= 9 and common / pairs < 0.62 and len(set(value)) >= 8
    return turns >= len(value) / 4 or (pairs >= 6 and common / pairs < 0.62)


def is_number(value: str) -> bool:
    """`121212`, which people do use, as opposed to zeros."""
    return value.isdigit() and 4 <= len(value) <= 12 and value.strip("0") != ""


def _common_pairs(value: str) -> tuple[int, int]:
    """How many pairs of letters are common in English, of how many that stand side by side."""
    humps = " ".join(_HUMPS.findall(value)).lower()
    common = sum(map(_COMMON_PAIRS.__contains__, map(operator.add, humps, humps[1:])))
    runs = _LETTERS.findall(value)
    return common, sum(map(len, runs)) - len(runs)


_SIGN = re.compile(r"\d|[^\w _\-./:]")


def is_mixed(value: str) -> bool:
    """Letters with digits or signs, as people are told to make passwords."""
    return bool(_SIGN.search(value)) and any(map(str.isalpha, value))


_NAMES = re.compile(r"(?:v\d/)?[a-z_]+(?:/[a-z_]+)+")
_PHRASE = re.compile(r"[A-Za-z]+(?:[_\-.:/ ][A-Za-z]+)*")
_PATH = re.compile(r"[.~]{0,2}(?:[/\\][\w.\-]*)+\.[a-z]{2,5}")
_CODE = re.compile(r"[()\[\]|\\]|=>|;$|^\.|\w\.\w+\.\w+\.?\w*$|\.\w{2,4}$")


def is_text(value: str) -> bool:
    """Words, a path, an identifier, an expression or a sentence rather than a secret."""
    if value.startswith(("http://", "https://")) or _PATH.fullmatch(value):
        return True
    if _NAMES.fullmatch(value):
        return True
    begins = value.startswith(("/", "./", "../", "~/", "@/", "#"))
    looks = begins or _PHRASE.fullmatch(value) or _CODE.search(value)
    return bool(looks) and not looks_random(value)


_HASHES = Words(
    r"\$(?:2[abxy]?|argon2\w*|pbkdf2\S*|scrypt|[1567y])\$.+|(?:pbkdf2|bcrypt|argon2|scrypt|md5|sha1?)\w*\$.+"
    r"|(?i:sha(?:1|224|256|384|512)|md5)[-:=].+|[0-9.,:\-/ +]+|0x[0-9a-fA-F]+|[0-9A-F]{40}|(?:AC|MG|PN)[0-9a-f]{32}|\{SHA\}.+"
    r"|[0-9]+-[a-z0-9]+\.apps\.googleusercontent\.com|(?:ssh-\w+|ecdsa-\S+) AAAA.+|data:\w+/.+|pk_(?:live|test)_.+"
    r"|sb_publishable_.+|phc_\w+|pk\.eyJ.+|MII[A-Z].{200,}|MI[A-Za-z0-9+/]{2,6}ANBgkqhkiG9w0BAQEFAA.+|MIGfMA0GCSqGSIb3DQEBAQUAA.+|urn:.+|AQICAH.+|AQIAAA[A-Za-z0-9+/=]+|[\w.+-]+@[\w-]+\.[\w.]+"
)


AZURITE = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50u"
"""The published key of Azure's storage emulator,
https://learn.microsoft.com/azure/storage/common/storage-connect-azurite."""


def is_identifier(value: str) -> bool:
    """Hashes, numbers, public keys, keys that another encrypts (AWS KMS, CryptoAPI) and addresses:
    they may be long and random, and open nothing."""
    return _HASHES.fullmatch(value) or value.startswith(AZURITE)


def is_uuid(value: str) -> bool:
    return bool(_UUID.fullmatch(value))


def has_uuid(value: str) -> bool:
    return bool(_UUID.search(value))


_UUID = re.compile(r"(?i)[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
