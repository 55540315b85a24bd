"""The keys behind tokens and signed sessions, and whether they stand in the code (CWE-798, CWE-321)."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from msgspec.structs import replace

from auditor.extract.python import tree as t
from auditor.libraries.authentication import JWT_DECODERS, verification_off
from auditor.libraries.tokens import reading_sites, signing_sites
from auditor.link.application import Application, provides
from auditor.link.scopes import CallSite
from auditor.model.places import Place
from auditor.model.settings import FrameworkSetting, in_service
from auditor.model.tokens import SigningKey
from auditor.model.values import Known, Masked, OneOf, Setting, Unknown, Value

_SETTINGS = {
    "SECRET_KEY": "sessions",
    "JWT_SECRET_KEY": "tokens",
    "JWT_SECRET": "tokens",
    "SECURITY_PASSWORD_SALT": "tokens",
}
_SERIALIZERS = re.compile(
    r"itsdangerous\.(?:\w+\.)?(?:(?:URLSafe)?(?:Timed)?(?:JSONWebSignature)?Serializer|(?:Timestamp)?Signer)$"
)
_SESSIONS = re.compile(r"starlette\.middleware\.sessions\.SessionMiddleware$")
_STRATEGIES = {
    "fastapi_users.authentication.JWTStrategy",
    "fastapi_users.authentication.strategy.JWTStrategy",
}


@provides(SigningKey)
def signing_keys(application: Application) -> Iterator[SigningKey]:
    """Each key once, at the place that gives it its value."""
    seen: set[Place] = set()
    refused = _Refusals(application)
    for signs, name, value in (*_configured(application), *_used(application)):
        for key in _judged(signs, name, value, refused):
            if key.place not in seen:
                seen.add(key.place)
                yield key


def _configured(application: Application) -> Iterator[tuple[str, str, Value]]:
    groups: dict[tuple[str, str], list[FrameworkSetting]] = defaultdict(list)
    for setting in application.facts(FrameworkSetting):
        if setting.name in _SETTINGS:
            groups[setting.application, setting.name].append(setting)
    for (_, name), settings in groups.items():
        for setting in in_service(settings):
            yield _SETTINGS[name], name, setting.value


def _used(application: Application) -> Iterator[tuple[str, str, Value]]:
    for site, expr, signs in _key_expressions(application):
        if expr is not None:
            name = t.dotted(expr).rpartition(".")[2] or "the key"
            worth = application.values.value(expr, site.scope)
            if not isinstance(worth, Unknown):
                yield signs, name, worth
                continue
            for source in application.values.sources(expr, site.scope):
                inner = _plain(source.node)  # type: ignore[arg-type]
                if inner is not None and inner is not source.node:
                    name = t.dotted(inner).rpartition(".")[2] or name
                    yield signs, name, application.values.value(inner, source.scope)


def _key_expressions(application: Application) -> Iterator[tuple[CallSite, t.Expr | None, str]]:
    code, values = application.code, application.values
    for site, _, key in signing_sites(application):
        yield site, _plain(key), "tokens"
    for site, name in reading_sites(application):
        position = JWT_DECODERS.get(name)
        if position and not verification_off(site, values):
            yield site, _plain(site.arg(position, "key", "secret", "secret_key")), "tokens"
    if code.imports("itsdangerous"):
        for site in code.all_calls():
            if isinstance(site.node.func, t.Name | t.Attr) and "S" in t.dotted(site.node.func):
                if _SERIALIZERS.match(code.name(site.node.func, site.scope)):
                    yield site, site.arg(0, "secret_key"), "tokens"
    if code.imports("fastapi_users"):
        for site in code.calls(*_STRATEGIES):
            yield site, site.arg(0, "secret"), "tokens"
    if code.imports("starlette", "fastapi"):
        for site in code.method_calls("add_middleware", "Middleware"):
            if _SESSIONS.search(code.name(site.arg(0, "middleware_class", "cls"), site.scope)):
                yield site, site.arg(None, "secret_key"), "sessions"


def _plain(key: t.Expr | None) -> t.Expr | None:
    """The secret inside of `OctKey.import_key(secret)`, `str(secret)`, `secret.encode()`."""
    for _ in range(4):
        match key:
            case t.Call(func=t.Attr(name="import_key"), args=[inner, *_]):
                key = inner
            case t.Call(func=t.Name(id="str" | "bytes"), args=[inner, *_]):
                key = inner
            case t.Call(func=t.Attr(value=inner, name="encode" | "get_secret_value")):
                key = inner
            case _:
                break
    return key


def _judged(signs: str, name: str, value: Value, refused: _Refusals) -> Iterator[SigningKey]:
    match value:
        case OneOf(values=several):
            otherwise = any(_from_outside(each) for each in several)
            for each in several:
                for key in _judged(signs, name, each, refused):
                    yield replace(key, sometimes=otherwise)
        case Setting(name=setting, default=None, place=place):
            yield SigningKey(signs, setting or name, value, place)
        case Setting(name=setting, default=default, place=place) if default is not None:
            if _from_outside(default) or (signs == "sessions" and _is_empty(default)):
                yield SigningKey(signs, setting or name, value, place)
                return
            for key in _judged(signs, setting or name, default, refused):
                told = f"the default of {setting or name} in code" if key.weakness else ""
                at = key.place if isinstance(default, Setting) else place
                known = key.refused or refused.names(setting) or refused.names(name)
                yield SigningKey(signs, setting or name, value, at, told, known, key.sometimes)
        case Known(value=str(text), place=place) if text and "BEGIN PUBLIC KEY" not in text:
            told = "written in the code"
            if len(text) < 32:
                told += f", and only {len(text)} characters long"
            yield SigningKey(signs, name, value, place, told, refused.names(name))
        case Masked(place=place):
            yield SigningKey(signs, name, value, place, "written in the code", refused.names(name))


def _from_outside(value: Value | None) -> bool:
    """Whether a value is read or made at run time."""
    if isinstance(value, Unknown):
        return not value.reason.startswith("refers")
    if isinstance(value, Setting):
        return value.default is None or _from_outside(value.default)
    return isinstance(value, Known) and value.value is None


def _is_empty(value: Value | None) -> bool:
    """No framework signs sessions with an empty key: they refuse to start."""
    return isinstance(value, Known) and value.value == ""


class _Refusals:
    """Settings that the application tests when it starts, and raises over."""

    def __init__(self, application: Application) -> None:
        self.application = application
        self._words: set[str] | None = None

    def names(self, setting: str) -> bool:
        """Whether a test of this setting's value ends in an exception."""
        if self._words is None:
            self._words = set(self._find())
        return setting.lower().rpartition(".")[2] in self._words

    def _find(self) -> Iterator[str]:
        code = self.application.code
        for function in code.functions():
            assert isinstance(function.node, t.Function)
            yield from _tested(function.node.body)
            if _ENFORCES.search(function.node.name):
                near = code.with_callees(function, 1)
                if any(_raises(each.node.body) for each in near):  # type: ignore[attr-defined]
                    yield from _mentioned(function.node.body)
        for module in self.application.code.modules.values():
            yield from _tested(module.body)


_LEAVES = re.compile(r"(?:^|\.)_?exit$|abort$|_check_default_secret$")


_ENFORCES = re.compile(
    r"(?:weak|default|insecure|unsafe|valid|check|enforce|require|assert|guard).*(?:secret|key|config|setting|production|runtime|env)",
    re.I,
)
"""Functions that look at the secrets before the application starts, by their names."""


def _mentioned(body: list[t.Stmt]) -> Iterator[str]:
    for node in t.walk_own(*body):
        match node:
            case t.Name(id=word) | t.Attr(name=word) | t.Const(value=str(word)):
                if re.search("key|secret|salt", word, re.I):
                    yield word.lower()


def _tested(body: list[t.Stmt]) -> Iterator[str]:
    """What is held against values that stand in the code, where an exception follows."""
    for stmt in body:
        for node in t.walk_own(stmt):
            if not isinstance(node, t.If) or not _raises(node.body):
                continue
            for inner in t.walk_own(node.test):
                match inner:
                    case t.Compare(ops=["is" | "is not"]):
                        continue
                    case t.Call(
                        func=t.Attr(value=base, name="startswith" | "endswith"), args=[t.Const()]
                    ):
                        yield from _plain_words(base)
                    case t.Compare(left=left, rights=[right]):
                        for side, other in ((left, right), (right, left)):
                            if _stands_in_code(other):
                                yield from _plain_words(side)


def _stands_in_code(expr: t.Expr) -> bool:
    """A literal, a display of them, or a constant by its name: not what a caller sent."""
    match expr:
        case t.Const(value=value):
            return value is not None
        case t.Hidden():
            return True
        case t.Seq(items=items):
            return all(_stands_in_code(item) for item in items)
        case t.Name(id=name) | t.Attr(name=name):
            return bool(re.search(r"default|insecure|weak|placeholder|known|forbidden", name, re.I))
    return False


def _plain_words(expr: t.Expr) -> Iterator[str]:
    for node in t.walk_own(expr):
        match node:
            case t.Name(id=word) | t.Attr(name=word) | t.Const(value=str(word)):
                yield word.lower()


def _raises(body: list[t.Stmt]) -> bool:
    for stmt in body:
        for node in t.walk_own(stmt):
            if isinstance(node, t.Raise):
                return True
            if isinstance(node, t.Call) and _LEAVES.search(t.dotted(node.func)):
                return True
    return False
