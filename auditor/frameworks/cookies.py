"""Cookies set by a call: `response.set_cookie`, Starlette's sessions, fastapi-users.

Sources: Starlette's, Werkzeug's and Django's documentation of `set_cookie`, whose first ten parameters
stand in one order; https://www.starlette.io/middleware/#sessionmiddleware.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from auditor.extract.python import tree as t
from auditor.frameworks.fastapi.application import unit_of
from auditor.link.application import Application, provides
from auditor.link.names import Code
from auditor.link.scopes import CallSite, Located, Scope, place_of
from auditor.link.values import Evaluator
from auditor.model.cookies import Cookie, Flag
from auditor.model.settings import SettingDefinition
from auditor.model.values import Known, OneOf, Setting, Unknown, Value, possible, settings_in

_SECURE, _HTTPONLY, _SAMESITE = 6, 7, 8
_WORDS = re.compile(
    r"(?:^|[^a-z])(?:session_?(?:id|key|token)?|sess|sid|tokens?|jwt|auth|access|refresh|remember|user_?id|api_?key"
    r"|bearer|login_?token)(?:$|[^a-z])", re.I
)  # fmt: skip
_HARMLESS = re.compile(
    r"csrf|xsrf|^is_|^has_|expir|state|nonce|verifier|captcha|theme|lang|locale|last_|_url$|redirect|next|name$", re.I
)  # fmt: skip
_ENVIRONMENT = re.compile(r"debug|env|prod|https?|ssl|tls|secure|scheme|local|test|dev", re.I)
_SESSIONS = "starlette.middleware.sessions.SessionMiddleware"
_VENDORED = re.compile(r"(?:^|/)(?:libs|vendor|_vendor|third_?party|site-packages)/")


def flag_of(value: Value | None, defined: dict[str, bool]) -> Flag:
    """What a value makes of an attribute; `defined` is what settings files say of production."""
    match value:
        case None:
            return Flag.UNSET
        case Known(value=plain):
            return Flag.ON if plain else Flag.OFF
        case Setting(name=name, default=default, optional=optional):
            if name in defined:
                return Flag.ON if defined[name] else Flag.OFF
            if _ENVIRONMENT_NAME.search(name):
                return Flag.DEPENDS  # `secure=not DEBUG`: what runs in production decides
            if default is None:
                return Flag.OFF if optional else Flag.UNKNOWN
            return flag_of(default, defined)
        case OneOf(values=values):
            flags = {flag_of(each, defined) for each in values}
            if len(flags) == 1:
                return flags.pop()
            return Flag.DEPENDS if Flag.ON in flags or Flag.DEPENDS in flags else Flag.UNKNOWN
        case Unknown():
            return Flag.UNKNOWN
    return Flag.UNKNOWN


_ENVIRONMENT_NAME = re.compile(
    r"(?:^|_)(?:debug|env(?:ironment)?|stage|mode|scheme|\w*(?:url|domain|host|origin|root))(?:$|_)",
    re.I,
)


def setting_of(value: Value | None) -> str:
    return next((setting.name for setting in settings_in(value) if setting.name), "")


def truths(application: Application) -> dict[str, bool]:
    """What the settings files of production, or of no environment in particular, say of flags."""
    found: dict[str, bool] = {}
    for definition in application.facts(SettingDefinition):
        if definition.environment in ("", "production") and definition.value:
            found[definition.name] = definition.value.strip("'\"").lower() in (
                "1",
                "true",
                "yes",
                "on",
            )
    return found


def samesite_of(value: Value | None, default: str) -> str:
    """lax, strict, none, empty or ?; the strictest that a setting allows where several are possible."""
    if value is None:
        return default
    known = [str(k.value or "").lower() for k in possible(value)]
    told = [k for k in known if k in ("lax", "strict")]
    if told:
        return told[0]
    return known[0] if known and known[0] != "false" else ("" if known else "?")


@provides(Cookie)
def set_cookies(application: Application) -> Iterator[Cookie]:
    code, values = application.code, application.values
    defined = truths(application)
    for site in code.method_calls("set_cookie", "set_signed_cookie"):
        if not isinstance(site.node.func, t.Attr) or _VENDORED.search(site.path):
            continue
        signed = site.node.func.name == "set_signed_cookie"
        key, value = site.arg(0, "key"), site.arg(1, "value")
        if key is None or value is None or _deletes(site, value, values):
            continue
        name, what = _carries(application, site, key, value)
        if not what:
            continue
        given = _Attributes(application, site, signed)
        framework = _framework(code, site)
        default = "lax" if framework in ("Starlette", "FastAPI") else ""
        yield Cookie(
            name,
            what,
            framework,
            unit_of(site.path),
            place_of(site),
            given.flag(_SECURE, "secure", defined),
            given.flag(_HTTPONLY, "httponly", defined),
            given.samesite(default),
            given.setting(_SECURE, "secure"),
        )


class _Attributes:
    """The attributes of one call, those of `**options` included."""

    def __init__(self, application: Application, site: CallSite, signed: bool) -> None:
        self.values = application.values
        self.site, self.shift = site, int(signed)
        self.spread: dict[str, Located] = {}
        self.open = False
        for keyword in site.node.keywords:
            if keyword.name is None:
                self._spread(keyword.value, site.scope)

    def _spread(self, expr: t.Expr, scope: Scope) -> None:
        found = [s for s in self.values.sources(expr, scope) if isinstance(s.node, t.Map | t.Call)]
        self.open = True
        for source in found:
            if isinstance(source.node, t.Map):
                self.open = None in source.node.keys
                for key, value in zip(source.node.keys, source.node.values, strict=True):
                    if isinstance(key, t.Const) and isinstance(key.value, str):
                        self.spread[key.value] = Located(value, source.scope)
            elif isinstance(source.node, t.Call) and t.dotted(source.node.func) == "dict":
                self.open = False
                for keyword in source.node.keywords:
                    if keyword.name:
                        self.spread[keyword.name] = Located(keyword.value, source.scope)

    def given(self, position: int, name: str) -> Located | None:
        """The expression for an attribute; None where the call does not give it."""
        direct = self.site.arg(position + self.shift, name)
        if direct is not None:
            return Located(direct, self.site.scope)
        return self.spread.get(name)

    def flag(self, position: int, name: str, defined: dict[str, bool]) -> Flag:
        found = self.given(position, name)
        if found is None:
            return Flag.UNKNOWN if self.open else Flag.UNSET
        flag = flag_of(self.values.value(found.node, found.scope), defined)  # type: ignore[arg-type]
        return Flag.DEPENDS if flag is Flag.UNKNOWN and _by_environment(found.node) else flag

    def setting(self, position: int, name: str) -> str:
        """The setting that an attribute comes from, if it does."""
        found = self.given(position, name)
        return setting_of(self.values.value(found.node, found.scope)) if found else ""  # type: ignore[arg-type]

    def samesite(self, default: str) -> str:
        found = self.given(_SAMESITE, "samesite")
        if found is None:
            return "?" if self.open else default
        return samesite_of(self.values.value(found.node, found.scope), default)  # type: ignore[arg-type]


def _by_environment(node: t.Node) -> bool:
    """`not settings.DEBUG`, `request.url.scheme == "https"`: the environment decides."""
    if not isinstance(node, t.Unary | t.Compare | t.BoolOp | t.Call | t.Choice):
        return False
    words = (
        n.id if isinstance(n, t.Name) else n.name
        for n in t.walk_own(node)
        if isinstance(n, t.Name | t.Attr)
    )
    return any(_ENVIRONMENT.search(word) for word in words)


def _deletes(site: CallSite, value: t.Expr, values: Evaluator) -> bool:
    """Whether a call takes a cookie away: an empty value, or one that has ended."""
    if isinstance(value, t.Const) and value.value in ("", None):
        return True
    for ended in (site.arg(2, "max_age"), site.arg(3, "expires")):
        if isinstance(ended, t.Const) and ended.value == 0:
            return True
    return False


def _carries(
    application: Application, site: CallSite, key: t.Expr, value: t.Expr
) -> tuple[str, str]:
    """(name, what) of a cookie; `what` is empty for one that identifies nobody."""
    values = application.values
    texts = [k.value for k in possible(values.value(key, site.scope)) if isinstance(k.value, str)]
    if not texts:
        for source in values.sources(key, site.scope):
            if isinstance(source.node, t.Const) and isinstance(source.node.value, str):
                texts.append(source.node.value)
    name = texts[0] if texts else ""
    spelt = t.dotted(key).rpartition(".")[2]
    if not name and spelt.islower() and isinstance(key, t.Name):
        return "", ""  # a helper's parameter that no call fills
    shown = name or spelt
    if not shown or _HARMLESS.search(shown) or isinstance(value, t.Const):
        return shown, ""
    words = [shown, *(w for w in _words(value) if not _HARMLESS.search(w))]
    if not any(_WORDS.search(_separate(word)) for word in words):
        return shown, ""
    return shown, "session" if re.search(r"sess|sid", " ".join(words), re.I) else "token"


def _words(value: t.Expr) -> Iterator[str]:
    """What a value is called: `token`, `create_access_token()`, `session.sid`."""
    for _ in range(4):
        match value:
            case t.Name(id=name):
                yield name
                return
            case t.Attr(name=name):
                yield name
                return
            case t.Call(func=t.Attr(value=base, name="decode" | "encode" | "format")):
                value = base
            case t.Call(func=t.Name(id="str"), args=[inner]):
                value = inner
            case t.Call(func=func):
                value = func
            case t.Text(parts=parts):
                for part in parts:
                    yield from _words(part)
                return
            case t.Await(value=inner) | t.Item(value=inner):
                if isinstance(value, t.Item) and isinstance(value.index, t.Const):
                    yield str(value.index.value)
                    return
                value = inner
            case _:
                return


def _separate(word: str) -> str:
    """`accessToken` as `access_Token`, so that its words can be told apart."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", word)


_FRAMEWORKS = (
    ("FastAPI", ("fastapi", "starlette")),
    ("Flask", ("flask", "werkzeug", "quart")),
    ("Django", ("django", "rest_framework", "ninja")),
)


def _framework(code: Code, site: CallSite) -> str:
    """The framework of the response: by its own name, else by what the module imports."""
    assert isinstance(site.node.func, t.Attr)
    name = code.name(site.node.func.value, site.scope)
    imports = {
        (node.module or imported).partition(".")[0]
        for node in site.scope.module.body
        if isinstance(node, t.Import)
        for imported, _ in node.names
    }
    for framework, roots in _FRAMEWORKS:
        if name.partition(".")[0].partition("(")[0] in roots:
            return framework
    for framework, roots in _FRAMEWORKS:
        if imports.intersection(roots):
            return framework
    return ""


@provides(Cookie)
def session_middleware(application: Application) -> Iterator[Cookie]:
    """Starlette signs its sessions, sends them HttpOnly and Lax, and over plain HTTP unless told."""
    code = application.code
    defined = truths(application)
    for site in code.method_calls("add_middleware", "Middleware", "SessionMiddleware"):
        name = code.name(site.arg(0, "middleware_class", "cls"), site.scope)
        own = code.name(site.node.func, site.scope)
        if _SESSIONS not in (name, own) and not (
            name.endswith("SessionMiddleware") and site.arg(None, "https_only") is not None
        ):
            continue  # others that are made after it say `https_only` too
        given = _Attributes(application, site, False)
        cookie = application.values.text(site.arg(None, "session_cookie"), site.scope) or "session"
        samesite = site.arg(None, "same_site")
        yield Cookie(
            cookie,
            "session",
            "Starlette",
            unit_of(site.path),
            place_of(site),
            given.flag(99, "https_only", defined),
            Flag.ON,
            samesite_of(application.values.value(samesite, site.scope), "lax")
            if samesite is not None
            else "lax",
            given.setting(99, "https_only"),
        )


@provides(Cookie)
def cookie_transports(application: Application) -> Iterator[Cookie]:
    """fastapi-users sets all three, unless it is told not to."""
    code = application.code
    defined = truths(application)
    for site in code.calls(
        "fastapi_users.authentication.CookieTransport",
        "fastapi_users.authentication.transport.CookieTransport",
    ):
        given = _Attributes(application, site, False)
        name = application.values.text(site.arg(0, "cookie_name"), site.scope) or "fastapiusersauth"
        flags = [given.flag(99, each, defined) for each in ("cookie_secure", "cookie_httponly")]
        secure, httponly = (Flag.ON if flag is Flag.UNSET else flag for flag in flags)
        samesite = site.arg(None, "cookie_samesite")
        yield Cookie(
            name,
            "token",
            "fastapi-users",
            unit_of(site.path),
            place_of(site),
            secure,
            httponly,
            samesite_of(application.values.value(samesite, site.scope), "lax")
            if samesite is not None
            else "lax",
        )
