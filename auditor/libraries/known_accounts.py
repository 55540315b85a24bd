"""Accounts that the code makes with a password that it tells: `User(name="admin", password=hashed("admin"))`.

Whoever reads the code signs in (CWE-798), as long as nobody has changed the password.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from auditor.extract.python import tree as t
from auditor.libraries.passwords import is_password
from auditor.link.application import Application, provides
from auditor.link.bare import conditions
from auditor.link.reach import Reach
from auditor.link.scopes import CallSite, Located, place_of
from auditor.model.tokens import KnownAccount
from auditor.model.values import Known, Masked

_HASHES = (
    "generate_password_hash", "get_password_hash", "hash_password", "make_password", "password_hash", "get_hashed_password",
    "create_password_hash", "encrypt_password", "hash_pwd", "get_hash", "hash", "hashpw",
)  # fmt: skip
_SETS = ("set_password", "create_user", "create_superuser", "create_admin")
_ACCOUNTS = (
    "User", "Users", "CustomUser", "Account", "Admin", "Administrator", "Member", "Employee", "Staff", "UserModel", "UserCreate",
    "AdminUser",
)  # fmt: skip
_KEPT = re.compile(
    r"(?:^|_)(?:pass(?:word|wd)?|pwd)(?:_?(?:hash(?:ed)?|digest))?$|^hash(?:ed)?_?pass(?:word)?$",
    re.I,
)
_NOBODY = re.compile(r"dummy|fake|timing|unusable|placeholder|random", re.I)


@provides(KnownAccount)
def known_accounts(application: Application) -> Iterator[KnownAccount]:
    (reach,) = application.facts(Reach)
    told: set[tuple[str, object]] = set()
    for site, given in _made(application):
        value = application.values.value(given, site.scope)
        written = isinstance(value, Masked) or (
            isinstance(value, Known) and isinstance(value.value, str) and bool(value.value)
        )
        function = site.scope.function
        if written and (site.path, function or site.node.line) not in told:
            told.add(
                (site.path, function or site.node.line)
            )  # its user is made and its password set
            run = "" if _for_developers(site) else reach.started_by(site)
            yield KnownAccount(place_of(site), run)


def _for_developers(site: CallSite) -> bool:
    """Whether an account is made on a developer's machine alone: `if settings.DEBUG: …`."""
    function = site.scope.function
    found = Located(function, site.scope) if function is not None else None
    return found is not None and any(
        outcome and isinstance(test, t.Name | t.Attr) and _DEVELOPERS.search(t.last_word(test))
        for test, outcome in conditions(found, site.node)
    )


_DEVELOPERS = re.compile(r"^(?:is_?)?(?:debug|dev|development|local|testing)(?:_?mode)?$", re.I)


def _made(application: Application) -> Iterator[tuple[CallSite, t.Expr]]:
    """Where an account is made, with the expression of its password."""
    code = application.code
    for site in code.method_calls(*_SETS):
        given = site.arg(None, "password") or site.arg(None, "password1")
        if given is None and site.node.args:
            given = site.node.args[0 if t.last_word(site.node.func) == "set_password" else -1]
            if t.last_word(site.node.func) != "set_password" and len(site.node.args) < 2:
                continue
        if given is not None:
            yield site, given
    for site in code.method_calls(*_ACCOUNTS):
        for keyword in site.node.keywords:
            if keyword.name and _KEPT.search(keyword.name):
                yield site, keyword.value
    for site in code.method_calls(*_HASHES):
        if site.node.args and _is_kept(site):
            yield site, _plain(site.node.args[0])


def _plain(given: t.Expr) -> t.Expr:
    """`b"admin"`, or the text of `"admin".encode()`."""
    match given:
        case t.Call(func=t.Attr(value=value, name="encode")):
            return value
    return given


def _is_kept(site: CallSite) -> bool:
    """Whether what a hash gives becomes the password of something: by its name there."""
    function = site.scope.function
    body = function.body if function is not None else site.scope.module.body
    names: set[str] = set()
    for node in t.walk_own(*body):
        match node:
            case t.Assign(targets=[t.Name(id=name)], value=value) if _holds(value, site.node):
                if _NOBODY.search(name):
                    return False
                names.add(name)
    for node in t.walk_own(*body):
        given: list[tuple[str, t.Expr]] = []
        match node:
            case t.Call(keywords=keywords):
                given = [(k.name, k.value) for k in keywords if k.name]
            case t.Map(keys=keys, values=values):
                pairs = zip(keys, values, strict=False)
                given = [(str(k.value), v) for k, v in pairs if isinstance(k, t.Const)]
            case t.Assign(targets=[t.Attr(name=name) as target], value=value) if (
                value is not None and (is_password(target) or _KEPT.search(name))
            ):
                given = [(name, value)]
        for name, value in given:
            if _KEPT.search(name) and (
                _holds(value, site.node) or (isinstance(value, t.Name) and value.id in names)
            ):
                return True
    return False


def _holds(value: t.Expr | None, call: t.Call) -> bool:
    """Whether a value is that of a call, or its text: `hashpw(…).decode()`."""
    while isinstance(value, t.Call) and value is not call and isinstance(value.func, t.Attr):
        value = value.func.value
    return value is call
