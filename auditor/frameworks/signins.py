"""Handlers that sign somebody in, by what they do: their paths are in any language.

A handler that is sent a password, holds it against what is stored (or shows the page of a login) and
opens a session or gives out a token must be reachable without either.
"""

from __future__ import annotations

import re
import weakref

from auditor.extract.python import tree as t
from auditor.frameworks.inputs import declared_fields
from auditor.link.names import Code
from auditor.link.scopes import Located
from auditor.model.web import Route

_PASSWORD = re.compile(
    r"(?:^|_)(?:pass(?:word|wd|phrase|code)?|pwd|psw|senha|parola|passwort|kennwort|contrasena|mot_?de_?passe|haslo|salasana)"
    r"(?:_|\d|$)",
    re.I,
)
_COMPARES = re.compile(
    r"check_?(?:user_?)?passw(?:or)?d|verify_?(?:user_?)?passw(?:or)?d|checkpw|password_?(?:matches|verify|is_valid)"
    r"|^authenticate(?:_user)?$|^(?:check|verify)_?(?:hash|login|credentials)|compare_digest|^compare_hash",
    re.I,
)
_OPENS = re.compile(
    r"^(?:login|log_?in|sign_?in)_?(?:user|in)?$|(?:create|generate|issue|make|encode|build)\w*_?(?:token|jwt)s?$"
    r"|^set_cookie$|^set_signed_cookie$|create_session$",
    re.I,
)
_LOGIN = re.compile(
    r"^(?:user|admin|do|post|api|perform)?_?(?:log|sign)_?in(?:_?(?:view|user|handler|post|api|route))?$",
    re.I,
)
_REGISTERS = re.compile(
    r"^(?:user|do|post|api|perform)?_?(?:register|sign_?up)(?:_?(?:new)?_?(?:view|user|handler|post|api|route|account))?$",
    re.I,
)
_REGISTRATION = re.compile(r"Regist(?:er|ration)|Sign_?[Uu]p|UserCreate|CreateUser")
_MAILS_RESET = re.compile(
    r"^_?(?:send|mail|e?mail)_?\w*(?:reset|recover|forgot)\w*$|^_?(?:reset|recover|forgot)\w*_(?:e?mail|link)$"
    r"|^_?(?:forgot(?:ten)?|recover|remind)_?(?:my_?)?(?:user_?name|password)$",
    re.I,
)
_HANDSHAKE = re.compile(r"^hub[._]challenge$")
"""What a subscription is confirmed with (WebSub, section 5.3; Meta's webhooks)."""
_SETS = re.compile(r"new_?pass|(?<!re)set_password|change_password", re.I)
_REGISTRATION_FORM = re.compile(
    r"(?:\w*[a-z])?(?:Registration|Register|Sign_?[Uu]p)(?:Form|Schema)$"
)
_PAGE = re.compile(
    r"(?:^|[/_-])(?:log|sign)[-_]?in(?:[-_]page|[-_]form)?\.(?:html?|jinja2?|j2)$", re.I
)
_ASKS_SQL = re.compile(r"select\b.{1,300}\bwhere\b.{1,300}pass(?:word|wd)", re.I | re.S)

_KNOWN: weakref.WeakKeyDictionary[Code, dict[int, bool]] = weakref.WeakKeyDictionary()


def signs_in(code: Code, function: Located | None) -> bool:
    """Whether a handler is a login, or only the page of one."""
    if function is None or not isinstance(function.node, t.Function):
        return False
    known = _KNOWN.setdefault(code, {})
    key = id(function.node)
    if key not in known:
        known[key] = _signs_in(code, function)
    return known[key]


def entrance(code: Code, function: Located | None, method: str = "") -> str:
    """Why a handler is public by what it does: a login, or the registration of a new user."""
    if signs_in(code, function):
        return "login"
    if function is None or not isinstance(function.node, t.Function):
        return ""
    if _signs_out(function.node):
        return "logout"
    if _changes_password(code, function):
        return "password change"
    if any(isinstance(n, t.Call) and _by_another(n) for n in t.walk_own(*function.node.body)):
        return "sign-in callback"
    if method == "GET" and any(
        _HANDSHAKE.match(_word(n))
        for n in t.walk(
            *function.node.body, *(p.default for p in function.node.params if p.default)
        )
    ):
        return "a webhook's handshake"
    if any(_MAILS_RESET.search(_word(n)) for n in t.walk_own(*function.node.body)):
        if not any(_SETS.search(_word(n)) for n in t.walk_own(*function.node.body)):
            return "password recovery"
    if _opens_account(code, function):
        return "registration"
    form = any(_REGISTRATION_FORM.match(_word(n)) for n in t.walk_own(*function.node.body))
    if not form and not _REGISTERS.search(function.node.name):
        return ""
    near = _nodes(code, function, 1)
    annotated = [n for p in function.node.params if p.annotation for n in t.walk(p.annotation)]
    takes = any(
        _PASSWORD.search(_word(n)) or _REGISTRATION.search(_word(n)) for n in (*near, *annotated)
    )
    return "registration" if takes else ""


def _signs_out(function: t.Function) -> bool:
    """All that it does is to end the session of whoever asks."""
    done = [s for s in function.body if not isinstance(s, t.Import | t.Return | t.Jump)]
    calls = [s.value for s in done if isinstance(s, t.Do) and isinstance(s.value, t.Call)]
    names = [t.dotted(call.func) for call in calls]
    return (
        bool(names)
        and all(isinstance(s, t.Do) for s in done)
        and all(_TRIFLE.search(name) for name in names)
        and any(_ENDS.search(name) for name in names)
    )


_ENDS = re.compile(r"(?:^|\.)(?:auth_)?logout(?:_user)?$|(?:^|\.)session\.(?:clear|flush)$")
_TRIFLE = re.compile(
    rf"{_ENDS.pattern}|(?:^|\.)(?:flash|print)$|(?:^|\.)session\.pop$|(?:^|\.)messages\.\w+$|(?:^|\.)log(?:ger)?\.\w+$"
)


def _changes_password(code: Code, function: Located) -> bool:
    """It holds the password that somebody has, whom the request names, against what is stored, and sets a new one.

    The password is the credential there, as it is for a login.
    """
    nodes = _nodes(code, function, 1)
    words = [word for node in nodes if (word := _word(node))]
    return (
        any(map(_CURRENT.search, words))
        and any(map(_SETS.search, words))
        and not any(map(_CALLER.search, words))
        and not any(isinstance(n, t.Attr) and t.dotted(n).endswith("request.user") for n in nodes)
        and any(isinstance(n, t.Call) and _COMPARES.search(t.last_word(n.func)) for n in nodes)
    )


_CURRENT = re.compile(r"(?:current|old|existing|present)_?pass", re.I)
_CALLER = re.compile(
    r"^(?:current_user|logged_?in_?user|session|g|get_jwt_identity|identity)$", re.I
)
_HASHES = re.compile(
    r"^(?:get_?|make_?|create_?|generate_?|to_?)?(?:pass(?:word|wd)?_?hash(?:ed)?|hash(?:ed)?_?(?:pass(?:word|wd)?|pw))$"
    r"|^(?:get|make|generate|create|encrypt)_\w*password\w*$|^hashpw$|^set_password$|^create_user$",
    re.I,
)
_ACCOUNTS = re.compile(
    r"(?:(?:create|add|new|post|insert|save)_?)?(?:user|account|member|customer|student|author)s?(?:_?(?:create|add|new))?",
    re.I,
)
_PRIVILEGE = re.compile(
    r"^(?:(?:user_?|account_?)?(?:roles?|type|groups?|permissions?|privileges?|level)(?:_?(?:id|name))?"
    r"|(?:is_?)?(?:admin|staff|super_?user|moderator|manager)|scopes?)$",
    re.I,
)


def makes_account(code: Code, route: Route) -> bool:
    """Whether a handler makes an account from a password that it is sent, and lets nobody choose his rights."""
    function = route.function
    if function is None or not isinstance(function.node, t.Function) or "{" in route.path:
        return False
    last = route.path.rstrip("/").rpartition("/")[2]
    if not (_ACCOUNTS.fullmatch(last) or _ACCOUNTS.fullmatch(function.node.name)):
        return False
    nodes = _nodes(code, function, 2)
    if not any(isinstance(n, t.Call) and _hashes(n) for n in nodes):
        return False
    sent = [p.model for p in route.parameters if p.model is not None]
    fields = {name for model in sent for name in declared_fields(code, model)}
    if not sent:  # what it takes of the body by name
        fields = {word for n in nodes if isinstance(n, t.Const) and (word := _word(n))}
    whole = any(isinstance(n, t.Call) and any(k.name is None for k in n.keywords) for n in nodes)
    read = {n.name for n in nodes if isinstance(n, t.Attr)}
    return not any(
        _PRIVILEGE.match(field) and (not sent or whole or field in read) for field in fields
    )


_STAFF_FLAG = re.compile(r"^is_?(?:admin|staff|super_?user)(?:_?user)?$", re.I)


def chosen_right(code: Code, route: Route) -> str:
    """The flag of staff that a registration takes from whoever registers, and hands on (CWE-269)."""
    function = route.function
    if function is None or not isinstance(function.node, t.Function) or not route.writes:
        return ""
    nodes = list(t.walk_own(*function.node.body))
    read = {n.name for n in nodes if isinstance(n, t.Attr)}
    used = {n.id for n in nodes if isinstance(n, t.Name)}
    whole = any(isinstance(n, t.Call) and any(k.name is None for k in n.keywords) for n in nodes)
    for parameter in route.parameters:
        if _STAFF_FLAG.match(parameter.name) and parameter.name in used:
            return parameter.name
        if parameter.model is not None and parameter.source == "body":
            for field in sorted(declared_fields(code, parameter.model)):
                if _STAFF_FLAG.match(field) and (whole or field in read):
                    return field
    return ""


def _hashes(call: t.Call) -> bool:
    last = t.last_word(call.func)
    sent = [n for arg in call.args for n in t.walk(arg)] if last == "hash" else []
    return bool(_HASHES.search(last)) or any(_PASSWORD.search(_word(n)) for n in sent)


def _opens_account(code: Code, function: Located) -> bool:
    """It makes a user with a password that is sent, and has the address confirmed by a mail."""
    nodes = _nodes(code, function, 1)
    made = False
    for node in nodes:
        match node:
            case t.Call(func=t.Attr(name="create_user")):
                made = True
            case t.Assign(targets=[t.Name(id=name)], value=t.Call(func=func)) if _ACCOUNT.search(
                t.last_word(func)
            ):
                made = made or any(
                    isinstance(n, t.Attr) and n.name == "set_password" and t.dotted(n.value) == name
                    for n in nodes
                )
    if not made:
        return False
    words = [word for node in nodes if (word := _word(node))]
    return any(_CONFIRMS.search(word) for word in words) and any(
        isinstance(node, t.Call) and _MAILS.search(t.last_word(node.func)) for node in nodes
    )


_ACCOUNT = re.compile(r"^(?:Custom)?(?:User|Account|Member|Customer)(?:Model)?$")
_CONFIRMS = re.compile(r"(?:^|_)(?:activat|confirm|verif)(?!\w*pass)\w*", re.I)
_MAILS = re.compile(r"send_?\w*mail|email_user|mail_\w+|EmailM\w+|delay$", re.I)


def _by_another(call: t.Call) -> bool:
    """It sends the caller to another server to sign in there, or asks that one who has come back.

    https://docs.authlib.org/en/latest/client/frameworks.html.
    """
    return isinstance(call.func, t.Attr) and call.func.name in _OF_OAUTH


_OF_OAUTH = {
    "authorize_redirect", "authorize_access_token", "create_authorization_url", "get_login_redirect",
    "verify_and_process",
}  # fmt: skip


def _signs_in(code: Code, function: Located) -> bool:
    body = function.node.body  # type: ignore[attr-defined]
    own = list(t.walk_own(*body))
    page = any(isinstance(n, t.Const) and _is_page(n.value) for n in own)
    if page and all(isinstance(s, t.Import | t.Assign | t.Return) for s in body):
        return isinstance(body[-1], t.Return)
    near = _nodes(code, function, 1)
    if not any(_PASSWORD.search(word) for node in near if (word := _word(node))):
        return False
    nodes = _nodes(code, function, 2)
    opens = _LOGIN.search(function.node.name) or any(_opens(n) for n in nodes)  # type: ignore[attr-defined]
    return bool(opens) and (page or any(_compares(n) for n in nodes))


def _nodes(code: Code, function: Located, depth: int) -> list[t.Node]:
    """What a function does itself, and through what it calls so many levels down."""
    found = code.with_callees(function, depth)
    return [n for each in found for n in t.walk_own(*each.node.body)]  # type: ignore[attr-defined]


def _is_page(value: object) -> bool:
    return isinstance(value, str) and len(value) < 200 and bool(_PAGE.search(value))


def _word(node: t.Node) -> str:
    match node:
        case t.Const(value=str(word)) if len(word) < 40:
            return word
        case t.Name(id=word) | t.Attr(name=word):
            return word
    return ""


def _opens(node: t.Node) -> bool:
    """It keeps who is signed in, or makes a token."""
    match node:
        case t.Assign(targets=[t.Item(value=t.Name(id="session") | t.Attr(name="session"))]):
            return True
        case t.Call(func=func):
            return bool(_OPENS.search(t.last_word(func))) or t.dotted(func) == "jwt.encode"
    return False


def _compares(node: t.Node) -> bool:
    match node:
        case t.Call(func=func, args=args):
            last = t.last_word(func)
            if re.search(r"(?:^|_)log_?in$", last) and len(args) > 1:  # another server compares
                return any(_PASSWORD.search(_word(n)) for arg in args for n in t.walk(arg))
            if _ASKS_STORE.match(last) and any(map(_PASSWORD.search, _asked_fields(node))):
                return True
            return bool(_COMPARES.search(last))
        case t.Compare(left=left, ops=["==" | "!="], rights=[right]):
            return any(
                _PASSWORD.search(word)
                for side in (left, right)
                for each in t.walk(side)
                if (word := _word(each))
            )
        case t.Const(value=str(text)):
            return bool(_ASKS_SQL.search(text[:2000]))
        case t.Text(parts=parts):
            text = "".join(str(p.value) if isinstance(p, t.Const) else "?" for p in parts)
            return bool(_ASKS_SQL.search(text[:2000]))
    return False


_ASKS_STORE = re.compile(r"^(?:find|find_one|filter|filter_by|get|get_or_none|where|exists|first)$")


def _asked_fields(call: t.Call) -> list[str]:
    """The fields by which a query asks: `find_one({"name": name, "password": password})`."""
    keys = [key for arg in call.args if isinstance(arg, t.Map) for key in arg.keys]
    named = [str(key.value) for key in keys if isinstance(key, t.Const)]
    return [*named, *(k.name for k in call.keywords if k.name)]
