"""How passwords are kept: the hashing that libraries do, and hashes that are too fast (CWE-916).

Sources: OWASP's Password Storage Cheat Sheet; the documentation of passlib, pwdlib, bcrypt, argon2-cffi,
Werkzeug, Flask-Bcrypt and Django.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from auditor.extract.python import tree as t
from auditor.link.application import Application, provides
from auditor.link.names import Code
from auditor.link.scopes import CallSite, Located, Scope, place_of
from auditor.link.values import Evaluator
from auditor.model.settings import FrameworkSetting, in_service
from auditor.model.tokens import PasswordHash
from auditor.model.values import possible

_PASSWORD = re.compile(
    r"(?:^|_|\b)(?:pass(?:wor[dt]|w|wd|phrase)?|pwo?r?d|pword|psw|pw)(?:$|_|\b|\d)", re.I
)
_ALREADY = re.compile(
    r"hash|digest|crypt|reset|token|url|field|form_?|policy|min_|max_|length", re.I
)
_FAST = {"md5", "sha1", "sha224", "sha256", "sha384", "sha512", "sha3_256", "sha3_512", "blake2b", "blake2s"}  # fmt: skip
_SLOW = re.compile(
    r"(?:^|[._])(?:hashpw|gensalt|pbkdf2\w*|scrypt|argon2\w*|kdf|derive|PBKDF2HMAC|from_password)(?:$|[._])",
    re.I,
)
_SLOW_LIBRARIES = (
    "passlib.",
    "bcrypt.",
    "argon2.",
    "pwdlib.",
    "werkzeug.security.",
    "flask_bcrypt.",
)
_SLOW_CALLS = {"hash", "hashpw", "checkpw", "verify", "verify_and_update", "generate_password_hash", "check_password_hash", "encrypt"}  # fmt: skip
_NOT_KEPT = re.compile(r"pwned|hibp|haveibeenpwned|realm|nonce|cnonce|\bha1\b", re.I)
_WEAK_SCHEMES = re.compile(
    r"^(?:plaintext|hex_\w+|\w*md5\w*|des_crypt|bigcrypt|crypt16|bsdi_crypt|lmhash|nthash|mysql\w*|sha1_crypt"
    r"|ldap_(?!pbkdf2|bcrypt|sha256_crypt|sha512_crypt)\w+|oracle10|postgres_md5|msdcc\w*|roundup_plaintext)$"
)
_WEAK_HASHERS = re.compile(r"(?:MD5|SHA1(?!.*PBKDF2)|Unsalted\w*|Crypt)PasswordHasher$")
_MIN_PBKDF2 = 100_000
_MIN_BCRYPT = 10
_QUERIES = {
    "first", "one", "one_or_none", "first_or_404", "get", "get_or_none", "get_or_404", "find_one", "fetchone",
    "scalar", "scalar_one_or_none", "scalars", "find", "filter_by", "filter",
}  # fmt: skip
_OWN = re.compile(r"info|conn|conf|sett|env|self|cls", re.I)
"""Whose password is a credential of the application's own."""
_SQL = re.compile(
    r"\b(?:where|and|or)\s+[\w.`\"]*pass(?:word|wd)?[`\"]?\s*=\s*(?:['\"]?\s*$|['\"]?[%{]|\?|:\w|\$\d)",
    re.I,
)


def is_password(expr: t.Expr | None) -> bool:
    """Whether an expression is called a password: a name, an attribute, a key."""
    match expr:
        case (
            t.Name(id=name)
            | t.Attr(name=name)
            | t.Item(index=t.Const(value=str(name)))
            | t.Call(func=t.Attr(name="get"), args=[t.Const(value=str(name)), *_])
        ):
            return bool(_PASSWORD.search(name)) and not _ALREADY.search(name)
        case t.Call(func=t.Attr(value=base, name="encode" | "strip" | "get_secret_value")):
            return is_password(base)
        case t.Call(func=t.Name(id="str" | "bytes"), args=[inner, *_]):
            return is_password(inner)
        case t.Attr(value=base, name="data"):  # a form's field
            return is_password(base)
    return False


def _words(function: Located | None) -> set[str]:
    """The plain names that a function uses, and its texts."""
    words: set[str] = set()
    if function is None:
        return words
    for node in t.walk(*function.node.body):  # type: ignore[attr-defined]
        match node:
            case t.Name(id=word) | t.Attr(name=word):
                words.add(word)
            case t.Const(value=str(word)):
                words.add(word[:200])
    return words


@provides(PasswordHash)
def fast_hashes(application: Application) -> Iterator[PasswordHash]:
    """`hashlib.sha256(password.encode())`, where its result is kept or compared."""
    code = application.code
    for site in code.calls("hashlib.new", *(f"hashlib.{method}" for method in _FAST)):
        name = code.name(site.node.func, site.scope)
        method = name.rpartition(".")[2]
        if method == "new":
            method = (application.values.text(site.arg(0, "name"), site.scope) or "").lower()
            given = site.arg(1, "data", "string")
        else:
            given = site.arg(0, "data", "string")
        if method.replace("-", "") not in _FAST:
            continue
        hashed = [given] if given is not None else _added(code, site)
        if not any(_of_password(code, expr, site) for expr in hashed):
            continue
        function = code.enclosing(site.scope)
        words = _words(function)
        if any(_SLOW.search(w) or _NOT_KEPT.search(w) for w in words) or _is_client(site):
            continue
        if function is not None and (_hands_on(code, function) or _is_handed_on(code, function)):
            continue
        told = f"{method.upper()}, which a graphics card tries billions of times a second"
        yield PasswordHash(method, place_of(site), told, True)


def _hands_on(code: Code, function: Located) -> bool:
    """Whether a function also asks a slow hash: bcrypt reads 72 bytes, so it gets a digest."""
    inner = code.inside(function)
    return any(
        code.name(node.func, inner).startswith(_SLOW_LIBRARIES)
        for node in t.walk_own(*function.node.body)  # type: ignore[attr-defined]
        if isinstance(node, t.Call) and t.last_word(node.func) in _SLOW_CALLS
    )


def _is_handed_on(code: Code, function: Located) -> bool:
    """Whether what a helper makes is given to a slow hash: `bcrypt.hashpw(prehash(password), salt)`."""
    callers = (
        code.enclosing(site.scope)
        for site in code.method_calls(function.node.name)  # type: ignore[attr-defined]
        if (found := code.defined(site.node.func, site.scope)) is not None
        and found.key == function.key
    )
    hashing = [_hands_on(code, caller) for caller in callers if caller is not None]
    return bool(hashing) and all(hashing)


def _added(code: Code, site: CallSite) -> list[t.Expr]:
    """What `hasher.update(…)` adds to a hash that was begun with nothing."""
    function = code.enclosing(site.scope)
    found: list[t.Expr] = []
    if function is not None:
        names = {
            target.id
            for node in t.walk_own(*function.node.body)  # type: ignore[attr-defined]
            if isinstance(node, t.Assign) and node.value is site.node
            for target in node.targets
            if isinstance(target, t.Name)
        }
        for node in t.walk_own(*function.node.body):  # type: ignore[attr-defined]
            match node:
                case t.Call(func=t.Attr(value=t.Name(id=name), name="update"), args=[given, *_]):
                    if name in names:
                        found.append(given)
    return found


def _of_password(code: Code, given: t.Expr, site: CallSite) -> bool:
    """Whether what is hashed is a password: by its name, or by the function's that hashes it."""
    if any(is_password(node) for node in t.walk_own(given) if isinstance(node, t.Name | t.Attr | t.Item | t.Call)):  # fmt: skip
        return True
    function = code.enclosing(site.scope)
    name = function.node.name if function is not None else ""  # type: ignore[attr-defined]
    if _OF_TOKENS.search(name):
        return False
    if not _HASHES_PASSWORDS.search(name) and not _in_password_class(function):
        return False
    params = {p.name for p in function.node.params} if function is not None else set()  # type: ignore[attr-defined]
    return any(isinstance(n, t.Name) and n.id in params for n in t.walk_own(given))


_HASHES_PASSWORDS = re.compile(
    r"hash_?(?:pass|pwd|pw)|(?:make|encrypt|verify|check)_?pass|pass(?:word)?_?hash", re.I
)
_OF_TOKENS = re.compile(r"(?:token|otp|code|link|key)s?$", re.I)
"""`hash_password_reset_token` hashes what was drawn at random."""
_PASSWORD_CLASS = re.compile(
    r"^Pass(?:word|wd|phrase)s?(?:Hash(?:er|ing)?|Service|Manager|Util\w*)?$"
)


def _in_password_class(function: Located | None) -> bool:
    """A method of a class that is called after what it keeps: `Password`, `PasswordHasher`."""
    owner = function.scope.owner if function is not None else None
    return isinstance(owner, t.Class) and bool(_PASSWORD_CLASS.match(owner.name))


def _is_client(site: CallSite) -> bool:
    """A protocol of another server (digest login, a media server) that demands this very hash."""
    path = site.path.lower()
    return bool(re.search(r"(?:^|/)(?:libs?|vendor|plugins?|query_runner|providers?|clients?|drivers?)/", path))  # fmt: skip


@provides(PasswordHash)
def stretched_hashes(application: Application) -> Iterator[PasswordHash]:
    """Key derivation with its work factor; salts that never change."""
    code, values = application.code, application.values
    for site in code.calls("hashlib.pbkdf2_hmac", "bcrypt.gensalt", "bcrypt.hashpw"):
        name = code.name(site.node.func, site.scope)
        if name == "bcrypt.gensalt":
            rounds = _number(values, site.arg(0, "rounds"), site.scope)
            if rounds is not None and rounds < _MIN_BCRYPT:
                yield PasswordHash("bcrypt", place_of(site), f"bcrypt with only {rounds} rounds")
        elif name == "bcrypt.hashpw":
            yield PasswordHash("bcrypt", place_of(site))
        elif is_password(site.arg(1, "password")):
            count = _number(values, site.arg(3, "iterations"), site.scope)
            salt = [k.value for k in possible(values.value(site.arg(2, "salt"), site.scope))]
            if count is not None and count < _MIN_PBKDF2:
                told = f"PBKDF2 with only {count:,} iterations"
                yield PasswordHash("PBKDF2", place_of(site), told)
            elif any(isinstance(s, str) for s in salt):
                told = "PBKDF2 with the same salt for everybody"
                yield PasswordHash("PBKDF2", place_of(site), told)
            else:
                yield PasswordHash("PBKDF2", place_of(site))


def _number(values: Evaluator, expr: t.Expr | None, scope: Scope) -> int | None:
    found = [
        known.value
        for known in possible(values.value(expr, scope))
        if isinstance(known.value, int) and not isinstance(known.value, bool)
    ]
    return min(found, default=None)


_FIT = {
    "argon2.PasswordHasher": "Argon2",
    "pwdlib.PasswordHash": "pwdlib",
    "pwdlib.PasswordHash.recommended": "Argon2",
    "fastapi_users.password.PasswordHelper": "fastapi-users",
    "flask_bcrypt.Bcrypt().generate_password_hash": "bcrypt",
    "flask_bcrypt.generate_password_hash": "bcrypt",
    "django.contrib.auth.hashers.make_password": "Django's hashers",
}


@provides(PasswordHash)
def library_hashes(application: Application) -> Iterator[PasswordHash]:
    code, values = application.code, application.values
    for site in code.calls(*_FIT):
        yield PasswordHash(_FIT[code.name(site.node.func, site.scope)], place_of(site))
    for site in code.calls("werkzeug.security.generate_password_hash"):
        method = values.text(site.arg(1, "method"), site.scope) or ""
        yield PasswordHash("Werkzeug", place_of(site), *_werkzeug(method))
    for site in code.calls("passlib.context.CryptContext"):
        yield from _context(site, values)


def _werkzeug(method: str) -> tuple[str, bool]:
    """What is wrong with a method's name: `sha256` hashes once, `plain` not at all."""
    if not method or method.startswith("scrypt"):
        return "", False
    if method.startswith("pbkdf2"):
        count = method.rpartition(":")[2]
        if count.isdigit() and int(count) < _MIN_PBKDF2:
            return f"PBKDF2 with only {int(count):,} iterations", False
        return "", False
    return f"the method `{method[:20]}`, which hashes once", True


def _context(site: CallSite, values: Evaluator) -> Iterator[PasswordHash]:
    """passlib hashes with the first scheme (or `default`); the others only read old hashes."""
    default = values.text(site.arg(None, "default"), site.scope)
    schemes = [
        s
        for known in possible(values.value(site.arg(0, "schemes"), site.scope))
        for s in (known.value if isinstance(known.value, list) else [known.value])
        if isinstance(s, str)
    ]
    if default is None and not schemes:
        return
    scheme = default or schemes[0]
    place = place_of(site)
    if _WEAK_SCHEMES.match(scheme):
        yield PasswordHash(scheme, place, f"passlib's `{scheme}`, which is no password hash", True)
        return
    rounds = _number(values, site.arg(None, f"{scheme}__rounds", f"{scheme}__default_rounds"), site.scope)  # fmt: skip
    if rounds is not None and scheme.startswith("bcrypt") and rounds < _MIN_BCRYPT:
        yield PasswordHash(scheme, place, f"bcrypt with only {rounds} rounds")
    elif rounds is not None and scheme.startswith("pbkdf2") and rounds < _MIN_PBKDF2:
        yield PasswordHash(scheme, place, f"PBKDF2 with only {rounds:,} iterations")
    else:
        yield PasswordHash(scheme, place)


@provides(PasswordHash)
def configured_hashes(application: Application) -> Iterator[PasswordHash]:
    """Django's PASSWORD_HASHERS, Flask-Bcrypt's rounds, as they are where the application serves."""
    groups: dict[tuple[str, str], list[FrameworkSetting]] = defaultdict(list)
    for setting in application.facts(FrameworkSetting):
        if setting.name in ("PASSWORD_HASHERS", "BCRYPT_LOG_ROUNDS", "SECURITY_PASSWORD_HASH"):
            groups[setting.application, setting.name].append(setting)
        elif setting.name == "INSTALLED_APPS":
            groups[setting.application, "INSTALLED_APPS"].append(setting)
    for (app, name), settings in groups.items():
        for setting in in_service(settings):
            worths = [known.value for known in possible(setting.value)]
            if name == "INSTALLED_APPS":
                if (app, "PASSWORD_HASHERS") not in groups and any(
                    isinstance(w, list) and "django.contrib.auth" in w for w in worths
                ):
                    yield PasswordHash("Django's hashers", setting.place)
                continue
            for worth in worths:
                yield from _configured(name, worth, setting)


def _configured(name: str, worth: object, setting: FrameworkSetting) -> Iterator[PasswordHash]:
    place = setting.place
    if name == "BCRYPT_LOG_ROUNDS" and isinstance(worth, int) and worth < _MIN_BCRYPT:
        yield PasswordHash("bcrypt", place, f"bcrypt with only {worth} rounds")
    elif name == "SECURITY_PASSWORD_HASH" and isinstance(worth, str):
        if _WEAK_SCHEMES.match(worth):
            yield PasswordHash(worth, place, f"`{worth}`, which is no password hash", True)
    elif name == "PASSWORD_HASHERS" and isinstance(worth, list | str) and worth:
        first = worth[0] if isinstance(worth, list) else worth
        if isinstance(first, str) and _WEAK_HASHERS.search(first):
            short = first.rpartition(".")[2]
            yield PasswordHash(short, place, f"Django's {short}, which hashes once", True)
        else:
            yield PasswordHash("Django's hashers", place)


# --- passwords that are not hashed at all


@provides(PasswordHash)
def plain_comparisons(application: Application) -> Iterator[PasswordHash]:
    """`user.password == password`, where `user` comes out of a database (CWE-256)."""
    code = application.code
    for function in code.functions():
        body = function.node.body  # type: ignore[attr-defined]
        if not any(isinstance(n, t.Compare) for n in t.walk_own(*body)):
            continue
        inner = code.inside(function)
        for node in t.walk_own(*body):
            match node:
                case t.Compare(left=left, ops=["==" | "!="], rights=[right]):
                    if any(
                        _stored(application, one, inner) and _given(other)
                        for one, other in ((left, right), (right, left))
                    ):
                        told = "plain text: the stored password is compared as it was typed"
                        place = place_of(Located(node, inner))
                        yield PasswordHash("plain text", place, told, True)


def _stored(application: Application, expr: t.Expr, scope: Scope) -> bool:
    """An attribute or key `password` of something that a query gave."""
    match expr:
        case t.Attr(value=base, name=name) | t.Item(value=base, index=t.Const(value=str(name))):
            if name.lower() not in ("password", "passwd", "pwd", "pass"):
                return False
        case _:
            return False
    for source in [*application.values.sources(base, scope)]:
        node = source.node
        while isinstance(node, t.Await | t.Call | t.Attr | t.Item):
            if isinstance(node, t.Call) and isinstance(node.func, t.Attr):
                text = t.dotted(node.func).lower()
                if node.func.name in _QUERIES and not re.search(
                    r"request|form|json|data|config|environ|args|header|settings", text
                ):
                    return True
            node = node.func if isinstance(node, t.Call) else node.value
    return False


def _given(expr: t.Expr) -> bool:
    """A password that somebody typed, and not a hash of it."""
    if isinstance(expr, t.Call) and not (
        isinstance(expr.func, t.Attr) and expr.func.name in ("get", "get_secret_value", "strip")
    ):
        return False
    name = t.dotted(expr)
    if isinstance(expr, t.Attr) and _OWN.search(t.dotted(expr.value)):
        return False
    return is_password(expr) and not re.search(r"hash|digest|crypt|conf", name, re.I)


@provides(PasswordHash)
def plain_queries(application: Application) -> Iterator[PasswordHash]:
    """`filter_by(password=password)`, `WHERE password = ?`: the store holds what was typed."""
    code = application.code
    for site in code.method_calls("filter_by", "filter", "get", "get_or_none", "find_one", "execute", "raw", "text"):  # fmt: skip
        if not isinstance(site.node.func, t.Attr | t.Name):
            continue
        named = not site.node.args and t.last_word(site.node.func) == "execute"  # no statement
        for keyword in site.node.keywords if not named else ():
            if keyword.name in ("password", "passwd", "pwd") and _given(keyword.value):
                if not _hashed_before(code, keyword.value, site.scope):
                    told = "plain text: the store is asked for the password as it was typed"
                    yield PasswordHash("plain text", place_of(site), told, True)
        for given in site.node.args[:1]:
            if _SQL.search(_sql(given)) and not _hashed_parameters(code, site):
                told = "plain text: the SQL asks for the password as it was typed"
                yield PasswordHash("plain text", place_of(site), told, True)


@provides(PasswordHash)
def plain_statements(application: Application) -> Iterator[PasswordHash]:
    """`query = f"… WHERE password = '{password}'"`, put together before it is run."""
    for assign, scope in application.code.of_kind(t.Assign):
        value = assign.value
        if isinstance(value, t.Const | t.Text | t.BinOp | t.Call) and _SQL.search(_sql(value)):
            text = _sql(value).lstrip()[:6].lower()
            if text == "select" and not re.search("hash|digest|crypt", " ".join(_words_in(value))):
                told = "plain text: the SQL asks for the password as it was typed"
                place = place_of(Located(assign, scope))
                yield PasswordHash("plain text", place, told, True)


_HASH_FIELD = re.compile(
    r"(?:hashed_?|encrypted_?)pass(?:word|wd)?|pass(?:word|wd)?_?(?:hash|digest)|pwd_?hash", re.I
)


@provides(PasswordHash)
def constant_hashes(application: Application) -> Iterator[PasswordHash]:
    """`user["password_hash"] = "placeholder"`: where the hash belongs, everybody has one text."""
    for assign, scope in application.code.of_kind(t.Assign):
        if scope.function is None or not isinstance(assign.value, t.Const | t.Hidden):
            continue
        if isinstance(assign.value, t.Const):
            text = assign.value.value
            if not isinstance(text, str) or len(text) < 4 or text.startswith(("!", "$", "*")):
                continue
        for target in assign.targets:
            match target:
                case t.Item(index=t.Const(value=str(name))) | t.Attr(name=name):
                    if _HASH_FIELD.fullmatch(name):
                        told = f"no hash at all: `{name}` is the same text for every user"
                        yield PasswordHash(
                            "a constant", place_of(Located(assign, scope)), told, True
                        )


def _sql(expr: t.Expr) -> str:
    match expr:
        case t.Const(value=str(text)):
            return text
        case t.Text(parts=parts):
            return "".join(str(p.value) if isinstance(p, t.Const) else "{" for p in parts)
        case t.BinOp(left=left, op="+", right=right):
            return _sql(left) + (_sql(right) or "{")
        case t.BinOp(left=left, op="%"):
            return _sql(left)
        case t.Call(func=t.Attr(value=base, name="format")):
            return _sql(base)
    return ""


def _hashed_before(code: Code, expr: t.Expr, scope: Scope) -> bool:
    """Whether a name was given a hash: `password = md5(password)`."""
    if not isinstance(expr, t.Name) or (found := code.find(expr.id, scope)) is None:
        return False
    return any(b.kind == "value" and isinstance(b.part, t.Call) and not _request(b.part) for b in found[1])  # fmt: skip


def _request(call: t.Call) -> bool:
    return bool(
        re.search(r"request|form|json|data|input|get$|args|body|strip$", t.dotted(call.func))
    )


def _hashed_parameters(code: Code, site: CallSite) -> bool:
    return any(
        re.search(r"hash|digest|crypt", " ".join(_words_in(arg)), re.I) for arg in site.node.args
    )


def _words_in(expr: t.Expr) -> Iterator[str]:
    for node in t.walk_own(expr):
        match node:
            case t.Name(id=word) | t.Attr(name=word):
                yield word
