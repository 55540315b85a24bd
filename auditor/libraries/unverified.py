"""Connections to other servers without a check of their certificate (CWE-295).

Sources: the documentation of ssl, requests, httpx, aiohttp, urllib3, redis-py, PyMongo, elasticsearch
and aiosmtplib; https://docs.python.org/3/library/ssl.html#ssl-security.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from auditor.extract.python import tree as t
from auditor.link.application import Application, provides
from auditor.link.contexts import contexts_of
from auditor.link.scopes import CallSite, Located, Scope, place_of
from auditor.model.settings import SettingDefinition
from auditor.model.transport import Unverified
from auditor.model.values import Known, Setting, Value, possible

_CLIENTS = re.compile(
    r"^(?:requests|httpx|aiohttp|urllib3|curl_cffi|niquests|websockets?|elasticsearch|opensearchpy|redis|pymongo|motor"
    r"|aiosmtplib|ldap3|hvac|kubernetes|paramiko|boto3|botocore|httplib2|tornado|xmlrpc|zeep|ssl)\b"
)  # fmt: skip
_VERBS = {
    "get", "post", "put", "patch", "delete", "head", "options", "request", "send", "stream",
    "ws_connect",
}  # fmt: skip
_RECEIVER = re.compile(r"session|client|http|requests|connection", re.I)
_SWITCHES = {
    "verify": False, "verify_ssl": False, "verify_certs": False, "validate_certs": False, "ssl_verify": False,
    "ssl": False, "check_hostname": False, "ssl_check_hostname": False, "ssl_assert_hostname": False,
    "assert_hostname": False, "tlsAllowInvalidCertificates": True, "tlsInsecure": True,
    "disable_ssl_certificate_validation": True,
}  # fmt: skip
"""Keyword -> the value that turns the check off."""
_REQUIREMENTS = {"cert_reqs", "ssl_cert_reqs"}
_PLAIN = {"ssl"}
"""Keywords whose False means no TLS at all, except with aiohttp."""
_ENVIRONMENT = {"PYTHONHTTPSVERIFY": "0", "NODE_TLS_REJECT_UNAUTHORIZED": "0"}
_OPTION = re.compile(r"verif|insecure|skip|ssl|tls|self_?signed|check|trust|cert", re.I)
_LOCAL = re.compile(r"^\w+://(?:localhost|127\.0\.0\.1|\[::1\]|host\.docker\.internal)(?::|/|$)")


@provides(Unverified)
def unverified(application: Application) -> Iterator[Unverified]:
    finder = _Finder(application)
    seen: set[tuple[str, str]] = set()
    for found, at in finder.all():
        key = (found.place.path, at.qualname or str(found.place.line))
        if key not in seen:  # a context is made careless in several steps
            seen.add(key)
            yield found
    for setting in application.facts(SettingDefinition):
        if _ENVIRONMENT.get(setting.name) == setting.value and setting.value:
            yield Unverified(f"{setting.name}={setting.value}", setting.place)


class _Finder:
    def __init__(self, application: Application) -> None:
        self.code, self.values = application.code, application.values

    def all(self) -> Iterator[tuple[Unverified, Scope]]:
        for site in self.code.all_calls():
            if (found := self._call(site)) is not None and not self._optional(site):
                yield found, site.scope
        for assign, scope in self.code.of_kind(t.Assign):
            for target in assign.targets:
                if isinstance(target, t.Attr) and assign.value is not None:
                    found = self._assigned(target, assign.value, scope)
                    if found is not None and not self._optional(Located(assign, scope)):
                        yield found, scope

    def _optional(self, found: Located) -> bool:
        """Whether an option that is off unless somebody turns it on decides: `if self.skip_verify`."""
        for test, outcome in contexts_of(self.values).conditions(found.node, found.scope):
            words = " ".join(
                n.id if isinstance(n, t.Name) else n.name
                for n in t.walk_own(test)
                if isinstance(n, t.Name | t.Attr)
            )
            if _OPTION.search(words):
                told = [known.value for known in possible(self.values.value(test, found.scope))]
                if not any(bool(value) is outcome for value in told):
                    return True
        return False

    def _call(self, site: CallSite) -> Unverified | None:
        func = site.node.func
        if isinstance(func, t.Attr) and func.name == "_create_unverified_context":
            return Unverified("ssl._create_unverified_context()", place_of(site))
        for keyword in site.node.keywords:
            if keyword.name in _SWITCHES or keyword.name in _REQUIREMENTS:
                if not self._connects(site, keyword.name):
                    continue
                if (off := self._off(keyword.name, keyword.value, site.scope)) is not None:
                    spelt = t.dotted(func) or (func.name if isinstance(func, t.Attr) else "a call")
                    what = f"{spelt}({keyword.name}={_spelt(keyword.value)})"
                    return Unverified(what, place_of(site), off, self._local(site))
        return None

    def _connects(self, site: CallSite, keyword: str) -> bool:
        name = self.code.name(site.node.func, site.scope)
        if keyword in _PLAIN:
            if name:
                return name.startswith(("aiohttp.", "websockets."))
            return _is_verb(site.node.func) and _mentions(site.node.func)
        if _CLIENTS.match(name):
            return True
        if keyword in ("verify", "check_hostname"):
            return (not name or ":" in name) and _is_verb(site.node.func) and _mentions(site.node.func)  # fmt: skip
        return not name or name.partition(".")[0] not in ("jwt", "jose", "builtins")

    def _off(self, keyword: str, expr: t.Expr, scope: Scope) -> bool | None:
        """Whether a setting turns the check off by default (True), code does (False), or neither."""
        if keyword in _REQUIREMENTS:
            name = self.code.name(expr, scope)
            careless = name.endswith("CERT_NONE")
            if isinstance(expr, t.Const):
                careless = (
                    expr.value is None or str(expr.value).lower().removeprefix("cert_") == "none"
                )
            return False if careless else None
        value: Value = self.values.value(expr, scope)
        off = _SWITCHES[keyword]
        match value:
            case Known(value=known) if known is off:
                return False
            case Setting(default=default) if default is not None:
                if any(known.value is off for known in possible(default)):
                    return True
        return None

    def _assigned(self, target: t.Attr, value: t.Expr, scope: Scope) -> Unverified | None:
        at = place_of(Located(target, scope))
        spelt = f"{t.dotted(target)} = {_spelt(value)}"
        match target.name:
            case "verify_mode" if self.code.name(value, scope).endswith("CERT_NONE"):
                return Unverified(spelt, at)
            case "check_hostname" if isinstance(value, t.Const) and value.value is False:
                return Unverified(spelt, at, name=not self._careless(scope))
            case "_create_default_https_context" if "unverified" in t.dotted(value):
                return Unverified(spelt, at)
            case "verify" if _mentions(target) or self.code.name(target.value, scope).startswith("requests."):  # fmt: skip
                off = self._off("verify", value, scope)
                return Unverified(spelt, at, off) if off is not None else None
        return None

    def _careless(self, scope: Scope) -> bool:
        """Whether the function that a scope is also takes certificates of anybody."""
        owner = scope.owner
        body = owner.body if isinstance(owner, t.Function | t.Class) else scope.module.body
        return any(
            isinstance(n, t.Attr | t.Name) and t.dotted(n).endswith("CERT_NONE")
            for n in t.walk_own(*body)
        )

    def _local(self, site: CallSite) -> bool:
        given = [site.arg(0, "url", "base_url"), site.arg(1, "url")]
        texts = (self.values.text(each, site.scope) for each in given if each is not None)
        return any(_LOCAL.match(text) for text in texts if text)


def _is_verb(func: t.Expr) -> bool:
    return isinstance(func, t.Attr) and func.name in _VERBS


def _mentions(expr: t.Expr) -> bool:
    return isinstance(expr, t.Attr) and _RECEIVER.search(t.dotted(expr.value)) is not None


def _spelt(value: t.Expr) -> str:
    return repr(value.value) if isinstance(value, t.Const) else t.dotted(value) or "…"
