"""Tokens: where they are signed and read, and what is missing there.

Sources: the documentation of PyJWT, python-jose, Authlib, joserfc, Flask-JWT-Extended, Simple JWT,
django-ninja-jwt, fastapi-users and itsdangerous; RFC 8725 (best current practices for JWT).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from msgspec.structs import replace

from auditor.extract.python import tree as t
from auditor.libraries.authentication import JWT_DECODERS, UNVERIFIED, verification_off
from auditor.libraries.claims import Claims, ClaimsFollower
from auditor.libraries.durations import seconds_ahead, seconds_of
from auditor.link.application import Application, provides
from auditor.link.names import Code
from auditor.link.scopes import CallSite, Located, Scope, place_of
from auditor.link.values import Evaluator
from auditor.model.dependencies import Requirement
from auditor.model.settings import FrameworkSetting, in_service
from auditor.model.tokens import Expiry, TokenCheck, TokenIssue
from auditor.model.values import Known, possible

_ENCODERS = {
    "jwt.encode": (0, 1),
    "jwt.PyJWT().encode": (0, 1),
    "jwt.api_jwt.encode": (0, 1),
    "jose.jwt.encode": (0, 1),
    "authlib.jose.jwt.encode": (1, 2),
    "authlib.jose.JsonWebToken().encode": (1, 2),
    "joserfc.jwt.encode": (1, 2),
}
"""Function -> positions of the claims and of the key."""

_LIBRARIES = {
    "jwt": "PyJWT",
    "jose": "python-jose",
    "authlib": "Authlib",
    "joserfc": "joserfc",
    "jwcrypto": "jwcrypto",
    "itsdangerous": "itsdangerous",
}
_ROOTS = {
    *_LIBRARIES, "flask_jwt_extended", "quart_jwt_extended", "fastapi_users", "rest_framework_simplejwt",
    "ninja_jwt", "flask_jwt",
}  # fmt: skip
_LEAVES_EXPIRY = ("authlib.", "joserfc.")
"""Libraries whose `decode` verifies the signature alone; claims are validated by another call."""
_PURPOSES = (
    ("refresh", r"refresh|remember"),
    ("link", r"reset|verif|confirm|activat|invit|magic|recover|unsubscri|email|download|share|link|file"),
    ("state", r"(?:^|_|\.)(?:oauth\d?_?)?state(?:_|$)"),
    ("outgoing", r"assertion|client_secret|apns|webhook|github_app|service_account|zoom|wallet"),
)  # fmt: skip
_RECORDS = {"jti", "sid", "session_id", "token", "session", "token_id", "tid"}
_METADATA = {"iss", "exp", "iat", "nbf", "aud", "kid", "alg", "tid", "azp", "typ", "owner"}
_TOKENLIKE = re.compile(
    r"(?<!csrf_)token|sign_?in|log_?in|reset|verif|confirm|activat|invit|magic|session", re.I
)
_HEADERS = {"get_unverified_header", "get_unverified_headers", "decode_header"}


def purpose_of(*words: str) -> str:
    """What a token is for, by the names of its function and its claims."""
    told = " ".join(words).lower()
    return next((name for name, pattern in _PURPOSES if re.search(pattern, told)), "access")


def _library(name: str) -> str:
    return _LIBRARIES.get(name.partition(".")[0], name.partition(".")[0])


def signing_sites(application: Application) -> Iterator[tuple[CallSite, str, t.Expr | None]]:
    """(call, name, key) of each call that signs a token."""
    code = application.code
    if code.imports(*_ROOTS):
        for site in code.calls(*_ENCODERS):
            name = code.name(site.node.func, site.scope)
            key = site.arg(_ENCODERS[name][1], "key", "secret", "private_key")
            yield site, name, key


def reading_sites(application: Application) -> Iterator[tuple[CallSite, str]]:
    code = application.code
    if code.imports(*_ROOTS):
        for site in code.calls(*JWT_DECODERS, *UNVERIFIED):
            yield site, code.name(site.node.func, site.scope)


# --- issue


@provides(TokenIssue)
def signed_tokens(application: Application) -> Iterator[TokenIssue]:
    follower = ClaimsFollower(application.values)
    checked = {_key_name(application, site, key) for site, key in _checking_keys(application)}
    for site, name, key in signing_sites(application):
        if _read_back(application, site):
            continue
        position = _ENCODERS[name][0]
        given = site.arg(position, "payload", "claims")
        claims = follower.claims(given, site.scope, site.node)
        seconds = [seconds_ahead(application.values, u.node, u.scope) for u in claims.until]  # type: ignore[arg-type]
        purpose = _issue_purpose(site, claims)
        foreign = checked and _key_name(application, site, key) not in checked
        if purpose == "access" and foreign and _asks_others(site):
            purpose = "outgoing"
        expiry = claims.expiry
        if expiry is Expiry.MISSING and _looks_at_end(application, claims):
            expiry = Expiry.SET
        yield TokenIssue(
            _library(name),
            place_of(site),
            expiry,
            max((s for s in seconds if s is not None), default=None),
            f"{claims.why} ({claims.where})"
            if claims.why and claims.where
            else claims.why or (f"its claims come from {claims.where}" if claims.where else ""),
            purpose,
            bool(_RECORDS & claims.names),
        )


_END = re.compile(
    r"expir(?:es?|y|ed|ation)(?:_?(?:at|on|in|time|date))?|valid_until|ends?_?at", re.I
)


def _looks_at_end(application: Application, claims: Claims) -> bool:
    """Whether the end is a claim of the application's own, which it compares when it reads a token."""
    names = {name for name in claims.names if _END.fullmatch(name)}
    code = application.code
    if not names:
        return False
    read = [(site.arg(0), site.scope) for site in code.method_calls("get")]
    read += [(item.index, scope) for item, scope in code.of_kind(t.Item)]
    return any(
        isinstance(key, t.Const) and key.value in names and _orders(code.enclosing(scope))
        for key, scope in read
    )


def _orders(function: Located | None) -> bool:
    """Whether a function holds one thing against another: what is earlier."""
    nodes = t.walk_own(*function.node.body) if function is not None else ()  # type: ignore[attr-defined]
    return any(isinstance(n, t.Compare) and {"<", ">", "<=", ">="} & set(n.ops) for n in nodes)


def _read_back(application: Application, site: CallSite) -> bool:
    """Whether a token is only read again in the same function: a test of the set-up."""
    names = {
        name
        for name, bindings in site.scope.bindings.items()
        if any(b.value is site.node for b in bindings)
    }
    for other, name in reading_sites(application):
        given = other.arg(0, "jwt", "token", "s", "value")
        if other.node.line < site.node.line:
            continue
        if other.scope is site.scope and isinstance(given, t.Name) and given.id in names:
            return name in JWT_DECODERS
    return False


def _issue_purpose(site: CallSite, claims: Claims) -> str:
    if "refresh" in claims.texts or any("refresh" in text for text in claims.texts):
        return "refresh"
    if any(text in ("access", "access_token", "bearer") for text in claims.texts):
        return "access"
    return purpose_of(site.scope.qualname, *claims.texts)


def _checking_keys(application: Application) -> Iterator[tuple[CallSite, t.Expr | None]]:
    for site, name in reading_sites(application):
        if position := JWT_DECODERS.get(name):
            yield site, site.arg(position, "key", "secret", "secret_key")


def _key_name(application: Application, site: CallSite, key: t.Expr | None) -> str:
    """A name for a key by which its uses can be matched; what cannot be named is `?`."""
    if key is None:
        return "?"
    return application.code.name(key, site.scope) or t.dotted(key) or "?"


_CLIENTS = {"requests", "httpx", "aiohttp", "urllib3", "urllib"}


def _asks_others(site: CallSite) -> bool:
    """Whether a module speaks to other services, so that a token may be its own credential there."""
    imports = [
        (node.module or name).partition(".")[0]
        for node in site.scope.module.body
        if isinstance(node, t.Import)
        for name, _ in node.names
    ]
    return bool(_CLIENTS.intersection(imports))


@provides(TokenIssue)
def timeless_signatures(application: Application) -> Iterator[TokenIssue]:
    """itsdangerous: a plain serializer stamps no time; timed ones say the age when they are read."""
    code = application.code
    if not code.imports("itsdangerous"):
        return
    for site in code.method_calls("dumps", "sign"):
        owner = (
            code.name(site.node.func.value, site.scope)
            if isinstance(site.node.func, t.Attr)
            else ""
        )
        if not _TOKENLIKE.search(site.scope.qualname):
            continue
        if re.fullmatch(
            r"itsdangerous\.(?:\w+\.)?(?:URLSafe)?(?:JSONWebSignature)?Serializer\(\)", owner
        ):
            purpose = purpose_of(site.scope.qualname)
            yield TokenIssue("itsdangerous", place_of(site), Expiry.MISSING, None,
                             "this serializer stamps no time", purpose)  # fmt: skip
        elif owner.endswith("TimedJSONWebSignatureSerializer()"):
            yield TokenIssue("itsdangerous", place_of(site), Expiry.SET,
                             purpose=purpose_of(site.scope.qualname))  # fmt: skip


_LIFETIMES = {
    "JWT_ACCESS_TOKEN_EXPIRES": ("Flask-JWT-Extended", "access"),
    "JWT_REFRESH_TOKEN_EXPIRES": ("Flask-JWT-Extended", "refresh"),
    "JWT_EXPIRATION_DELTA": ("Flask-JWT", "access"),
}
_DICTIONARIES = {"SIMPLE_JWT": "Simple JWT", "NINJA_JWT": "django-ninja-jwt", "JWT_AUTH": "DRF JWT"}
_IN_DICTIONARY = (
    ("ACCESS_TOKEN_LIFETIME", "access"),
    ("REFRESH_TOKEN_LIFETIME", "refresh"),
    ("SLIDING_TOKEN_LIFETIME", "access"),
    ("JWT_EXPIRATION_DELTA", "access"),
)


@provides(TokenIssue)
def configured_lifetimes(application: Application) -> Iterator[TokenIssue]:
    """What the configuration of a library says: `False` or None for a token that never ends."""
    groups: dict[tuple[str, str], list[FrameworkSetting]] = defaultdict(list)
    for setting in application.facts(FrameworkSetting):
        if setting.name in _LIFETIMES or setting.name in _DICTIONARIES:
            groups[setting.application, setting.name].append(setting)
    for (_, name), settings in groups.items():
        for setting in in_service(settings):
            if name in _LIFETIMES:
                library, purpose = _LIFETIMES[name]
                yield from _lifetime(library, purpose, setting.name, setting)
            else:
                for known in possible(setting.value):
                    if isinstance(known.value, dict):
                        yield from _from_dictionary(_DICTIONARIES[name], known.value, setting)


def _lifetime(
    library: str, purpose: str, name: str, setting: FrameworkSetting
) -> Iterator[TokenIssue]:
    worth = [known.value for known in possible(setting.value)]
    if any(value is False for value in worth):
        why = f"{name} is False"
        yield TokenIssue(library, setting.place, Expiry.MISSING, None, why, purpose)
    elif (seconds := seconds_of(setting.value)) is not None:
        yield TokenIssue(library, setting.place, Expiry.SET, seconds, "", purpose)


def _from_dictionary(
    library: str, worth: dict[str, object], setting: FrameworkSetting
) -> Iterator[TokenIssue]:
    place = setting.place
    if worth.get("JWT_VERIFY_EXPIRATION") is False:
        yield TokenIssue(library, place, Expiry.MISSING, None, "JWT_VERIFY_EXPIRATION is False")
    for name, purpose in _IN_DICTIONARY:
        if name in worth and worth[name] is not None:
            inner = replace(setting, value=Known(worth[name], place))
            yield from _lifetime(library, purpose, name, inner)


@provides(TokenIssue)
def library_calls(application: Application) -> Iterator[TokenIssue]:
    """`JWTStrategy(lifetime_seconds=None)`, `create_access_token(…, expires_delta=False)`."""
    code, values = application.code, application.values
    if not code.imports("fastapi_users", "flask_jwt_extended", "quart_jwt_extended"):
        return
    for site in code.method_calls("create_access_token", "create_refresh_token"):
        name = code.name(site.node.func, site.scope)
        if "jwt_extended" in name.partition(".")[0]:
            yield from _delta(
                site, "Flask-JWT-Extended", values, site.arg(2, "expires_delta"), False
            )
    strategies = {"fastapi_users.authentication.JWTStrategy", "fastapi_users.authentication.strategy.JWTStrategy"}  # fmt: skip
    own = {n for c in code.classes() if strategies & set(a := code.ancestry(c)) for n in a[:1]}
    for site in code.calls(*strategies, *own):
        yield from _delta(site, "fastapi-users", values, site.arg(1, "lifetime_seconds"), None)


def _delta(
    site: CallSite, library: str, values: Evaluator, given: t.Expr | None, never: object
) -> Iterator[TokenIssue]:
    if given is None:
        return
    worth = values.value(given, site.scope)
    purpose = purpose_of(getattr(site.node.func, "name", ""), getattr(site.node.func, "id", ""))
    if isinstance(worth, Known) and worth.value is never:
        why = f"the lifetime it is given is {never}"
        yield TokenIssue(library, place_of(site), Expiry.MISSING, None, why, purpose)
    else:
        yield TokenIssue(library, place_of(site), Expiry.SET, seconds_of(worth), "", purpose)


# --- check


@provides(TokenCheck)
def token_checks(application: Application) -> Iterator[TokenCheck]:
    values = application.values
    read_back = {
        site.scope for site, _, _ in signing_sites(application) if _read_back(application, site)
    }
    for site, name in reading_sites(application):
        if name.rpartition(".")[2] in _HEADERS or site.scope in read_back:
            continue
        unverified = (
            "reads the claims without verifying the signature"
            if name in UNVERIFIED
            else verification_off(site, values)
        )
        place = place_of(site)
        purpose = purpose_of(site.scope.qualname)
        if unverified:
            use = "trusted" if "`none`" in unverified else _use(application, site, name)
            yield TokenCheck(_library(name), place, unverified, use, purpose=purpose)
            continue
        yield TokenCheck(
            _library(name),
            place,
            algorithms=_algorithms(application, site, name),
            expiry=_expiry(application, site, name),
            audience_off=_option(values, site, "verify_aud") is False,
            purpose=purpose,
        )


def _option(values: Evaluator, site: CallSite, name: str) -> object:
    for known in possible(values.value(site.arg(None, "options"), site.scope)):
        if isinstance(known.value, dict) and name in known.value:
            return known.value[name]
    return None


def _algorithms(application: Application, site: CallSite, name: str) -> str:
    given = site.arg(2, "algorithms")
    if name.startswith(("authlib.", "jwcrypto.")):
        return "default"
    if any(k.name is None for k in site.node.keywords):
        return "told"  # among `**arguments`, perhaps
    if given is None:
        if name.startswith("jose.") or (name.startswith("jwt.") and _old_pyjwt(application)):
            return "missing"
        return "default"
    if _from_header(application, given, site.scope):
        return "token"
    named = [
        str(algorithm)
        for known in possible(application.values.value(given, site.scope))
        for algorithm in (known.value if isinstance(known.value, list) else [known.value])
    ]
    shared = any(a.startswith("HS") for a in named)
    public = any(a.startswith(("RS", "ES", "PS", "Ed")) for a in named)
    return "mixed" if shared and public else "told"


def _old_pyjwt(application: Application) -> bool:
    """Whether the tree pins PyJWT 1, which takes any algorithm where none is demanded."""
    return any(
        r.name.lower() == "pyjwt" and r.exact.startswith(("0.", "1."))
        for r in application.facts(Requirement)
    )


def _from_header(application: Application, given: t.Expr, scope: Scope) -> bool:
    """`algorithms=[header["alg"]]`, where the header is that of the token itself."""
    items = given.items if isinstance(given, t.Seq) else [given]
    for item in items:
        for source in [Located(item, scope), *application.values.sources(item, scope)]:
            match source.node:
                case t.Item(value=base, index=t.Const(value="alg")):
                    pass
                case t.Call(func=t.Attr(value=base, name="get"), args=[t.Const(value="alg"), *_]):
                    pass
                case _:
                    continue
            read = application.code.name(base, source.scope)
            if read.removesuffix("()").rpartition(".")[2] in _HEADERS:
                return True
    return False


def _expiry(application: Application, site: CallSite, name: str) -> str:
    if _option(application.values, site, "verify_exp") is False:
        return "off"
    if not name.startswith(_LEAVES_EXPIRY):
        return "checked"
    function = application.code.enclosing(site.scope)
    if function is None:
        return "unchecked"
    near = [*application.code.with_callees(function, 1), *_callers(application, function)]
    for each in near:
        for node in t.walk_own(*each.node.body):  # type: ignore[attr-defined]
            match node:
                case t.Attr(name="validate" | "validate_exp") | t.Const(value="exp" | "jti"):
                    return "checked"  # by hand, or by a record that ends with it
                case t.Attr(name=word) if re.search(r"expir", word):
                    return "checked"
    return "unchecked"


def _callers(application: Application, function: Located) -> Iterator[Located]:
    code = application.code
    for site in code.calls(code.own_name(function)):
        if (caller := code.enclosing(site.scope)) is not None:
            yield caller


def _use(application: Application, site: CallSite, name: str) -> str:
    """What becomes of claims that were read without verifying them."""
    code = application.code
    function = code.enclosing(site.scope)
    if function is None:
        return "trusted"
    body = function.node.body  # type: ignore[attr-defined]
    for handler in _handlers(body):
        if site.node in set(t.walk(*handler.body)):
            past = isinstance(handler.catches, t.Name | t.Attr) and _PAST.search(
                t.dotted(handler.catches)
            )
            return "peek" if past else "fallback"
    verifies = any(
        other.scope is site.scope and not verification_off(other, application.values)
        for other, of in reading_sites(application)
        if other.node is not site.node and of in JWT_DECODERS
    )
    read = _claims_read(application, function, site.node)
    if verifies or (read and read <= _METADATA):
        return "peek"
    given = t.dotted(site.arg(0, "jwt", "token"))
    if "id_token" in given or "id_token" in function.node.name:  # type: ignore[attr-defined]
        return "provider"
    if given.startswith("self."):
        return "own"
    return "trusted"


_PAST = re.compile(r"ExpiredSignature\w*$|SignatureExpired$")
"""What is raised of a token whose signature is right, and whose time is over."""


def _handlers(body: list[t.Stmt]) -> Iterator[t.Handler]:
    for node in t.walk_own(*body):
        if isinstance(node, t.Try):
            yield from node.handlers


def _claims_read(application: Application, function: Located, call: t.Call) -> set[str]:
    """The claims that a function takes out of what a call gives; `*` where all of it travels on."""
    body, inner = function.node.body, application.code.inside(function)  # type: ignore[attr-defined]
    names = {
        target.id
        for node in t.walk_own(*body)
        if isinstance(node, t.Assign)
        and (node.value.value if isinstance(node.value, t.Await) else node.value) is call
        for target in node.targets
        if isinstance(target, t.Name)
    }

    def holds(expr: t.Node) -> bool:
        return expr is call or (isinstance(expr, t.Name) and expr.id in names)

    read: set[str] = set()
    taken: set[int] = set()
    for node in t.walk_own(*body):
        match node:
            case t.Item(value=base, index=key) if holds(base):
                pass
            case t.Call(func=t.Attr(value=base, name="get"), args=[key, *_]) if holds(base):
                pass
            case _:
                continue
        read.add(application.values.text(key, inner) or "*")
        taken.add(id(base))
    for node in t.walk_own(*body):
        if isinstance(node, t.Return) and node.value is not None:
            if any(holds(x) and id(x) not in taken for x in t.walk_own(node.value)):
                read.add("*")
    return read


@provides(TokenCheck)
def timed_signatures(application: Application) -> Iterator[TokenCheck]:
    """itsdangerous's timed serializers end a token only where `max_age` is asked for."""
    code = application.code
    if not code.imports("itsdangerous"):
        return
    for site in code.method_calls("loads", "unsign"):
        owner = (
            code.name(site.node.func.value, site.scope)
            if isinstance(site.node.func, t.Attr)
            else ""
        )
        if not re.fullmatch(r"itsdangerous\.(?:\w+\.)?(?:URLSafe)?(?:TimedSerializer|TimestampSigner)\(\)", owner):  # fmt: skip
            continue
        if _in_store(code, site.scope):
            continue  # it signs the name of a session that the server keeps, and ends
        told = site.arg(1, "max_age") is not None or any(k.name is None for k in site.node.keywords)
        state = "checked" if told else "unchecked"
        yield TokenCheck(
            "itsdangerous", place_of(site), expiry=state, purpose=purpose_of(site.scope.qualname)
        )


def _in_store(code: Code, scope: Scope) -> bool:
    """Whether code belongs to a session interface of Flask's, which keeps sessions itself."""
    here: Scope | None = scope
    while here is not None and here.parent is not None:
        if isinstance(here.owner, t.Class):
            names = code.ancestry(Located(here.owner, here.parent))
            return any(name.endswith("SessionInterface") for name in names)
        here = here.parent
    return False
