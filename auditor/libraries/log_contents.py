"""What log calls write: secrets, personal data, whole requests.

CWE-532 and https://cheatsheetseries.owasp.org/cheatsheets/Logging_Cheat_Sheet.html#data-to-exclude.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from auditor.extract.python import tree as t
from auditor.link.application import Application, provides
from auditor.link.reach import Reach, for_developers
from auditor.link.scopes import CallSite, Scope, place_of
from auditor.model.operations import LoggedValue
from auditor.model.places import Place
from auditor.model.values import Known, possible
from auditor.model.web import Route

_LEVELS = (
    "debug",
    "info",
    "warning",
    "warn",
    "error",
    "critical",
    "exception",
    "log",
    "trace",
    "success",
    "bind",
)
_LOGGER = re.compile(
    r"^(?:logging(?:\.getLogger\(\))?|structlog\.(?:\w+\.)*get_logger\(\).*|loguru\.logger.*|.*\.(?:logger|log|_logger))\.\w+$"
)
_CALLED = re.compile(r"(?:^|[._])(?:log|logger|logging|LOG|LOGGER|_log)$")
_SECRET = re.compile(
    r"^(?:.*_)?(?:password|passwd|passphrase|secret|client_secret|secret_key|api_?key|private_key|(?:access|refresh|auth|session|id|reset|bearer|jwt|csrf)_?token"
    r"|authorization|credentials|otp|otp_code|totp|pin_code|cvv|cvc|card_number|credit_card|mnemonic)$",
    re.I,
)
_ADDRESS = re.compile(
    r"^(?:.*_)?(?:database|db|postgres(?:ql)?|mysql|mariadb|mongo(?:db)?|redis|rabbitmq|amqp|broker|sqlalchemy_database|celery_broker)_(?:ur[il]|dsn|connection_string)$",
    re.I,
)
"""Settings of addresses by which a database is signed in to: `postgresql://user:password@host/name`."""
_TOKEN = re.compile(r"^token$", re.I)
_PERSONAL = re.compile(
    r"^(?:.*_)?(?:email|email_address|phone|phone_number|ssn|social_security_number|passport_number|date_of_birth|iban)$",
    re.I,
)
_OWN_ADDRESS = re.compile(
    r"(?:default_)?(?:from|sender|support|noreply|no_reply|reply_to)_email$", re.I
)
"""The address that the application itself writes from."""
_REQUEST = re.compile(
    r"^(?:(?:fastapi|starlette)\.(?:requests\.)?Request\(\)\.(?:json\(\)|body\(\)|form\(\)|headers|cookies)"
    r"|flask\.request\.(?:get_json\(\)|get_data\(\)|json|data|form|values|headers|cookies)"
    r"|django\.http\.(?:request\.)?HttpRequest\(\)\.(?:POST|body|META|COOKIES|headers)"
    r"|rest_framework\.request\.Request\(\)\.(?:data|POST))(?:\.(?:dict|to_dict|copy|items)\(\))?$"
)
_TASKS = {"shared_task", "task", "periodic_task", "actor", "job"}
_BY_HAND = re.compile(
    r"(?:^|/)(?:scripts?|tools?|bin|management|migrations|cli|benchmarks?|notebooks?)/"
)
_RAW = {"POST", "META", "COOKIES", "headers"}
_SHOWS = {
    "str",
    "repr",
    "dict",
    "format",
    "dumps",
    "model_dump",
    "model_dump_json",
    "dict_",
    "json",
    "decode",
    "pformat",
    "strip",
}


@provides(LoggedValue)
def logged_values(application: Application) -> Iterator[LoggedValue]:
    reader = _Reader(application)
    seen: set[tuple[str, int]] = set()
    for site in application.code.method_calls(*_LEVELS, "print"):
        if not reader.logs(site):
            continue
        at = (site.path, site.node.line)
        found = min(reader.values(site), key=lambda v: _GRAVEST.index(v.what), default=None)
        if found is not None and at not in seen:
            seen.add(at)
            if not for_developers(application.values, site):
                yield found


_GRAVEST = ("a secret", "a whole request", "personal data")


class _Reader:
    def __init__(self, application: Application) -> None:
        self.code = application.code
        self.known = application.values
        (self.reach,) = application.facts(Reach)
        self.bodies = {
            (id(route.function.node), parameter.name)
            for route in application.facts(Route)
            if route.function is not None
            for parameter in route.parameters
            if parameter.source in ("body", "form")
            and (parameter.model or "dict" in parameter.type)
        }

    def logs(self, site: CallSite) -> bool:
        func = site.node.func
        if isinstance(func, t.Name):
            if func.id != "print":
                return False
            served = site.path in self.reach.modules or bool(self.reach.started_by(site))
            return served or self._serves(site)
        assert isinstance(func, t.Attr)
        return bool(_CALLED.search(t.dotted(func.value))) or bool(
            _LOGGER.match(self.code.name(func, site.scope))
        )

    def _serves(self, site: CallSite) -> bool:
        """Whether a task of Celery prints, or what it calls: not a script or a command."""
        if site.function is None or _BY_HAND.search(site.path):
            return False
        return any(t.last_word(t.callee(d)) in _TASKS for d in site.function.decorators) or (
            site.path.partition("/")[0] in {path.partition("/")[0] for path in self.reach.modules}
            and "/services/" in f"/{site.path}"
        )

    def values(self, site: CallSite) -> Iterator[LoggedValue]:
        place = place_of(site)
        given = [*site.node.args, *[k.value for k in site.node.keywords]]
        for expr in given:
            for shown in self._shown(expr, 0, site):
                if found := self._judged(shown, site, place):
                    yield found

    def _shown(self, expr: t.Expr, depth: int, site: CallSite) -> Iterator[t.Expr]:
        """The expressions whose text ends up in the message."""
        if depth > 6:
            return
        below: list[t.Expr] = []
        match expr:
            case t.Name(id=name):
                yield expr
                below = [
                    b.value
                    for b in site.scope.bindings.get(name, ())
                    if isinstance(b.value, t.Text)
                ]
            case t.Attr():
                yield expr
            case t.Item(index=t.Const(value=str())):
                yield expr
            case t.Text(parts=parts):
                below = list(parts)
            case t.BinOp(op="%" | "+", left=left, right=right):
                below = [left, right]
            case t.Seq(items=items):
                below = list(items)
            case t.Map(values=values):
                below = list(values)
            case t.Await(value=value):
                below = [value]
            case t.Call(func=t.Attr(value=t.Const(), name="format"), args=args, keywords=keywords):
                below = [*args, *[k.value for k in keywords]]
            case t.Call(func=func, args=args):
                yield expr
                last = t.last_word(func)
                if last in _SHOWS:
                    below = [*args, *([func.value] if isinstance(func, t.Attr) else [])]
        for each in below:
            yield from self._shown(each, depth + 1, site)

    def _judged(self, expr: t.Expr, site: CallSite, place: Place) -> LoggedValue | None:
        name = _word(expr)
        text = t.dotted(expr) or name
        if name and self._is_wording(expr, site.scope):
            return None
        if name and not name.isupper() and _SECRET.match(name) and not _masked(name, site):
            return LoggedValue("a secret", text, place)
        if _SECRET_SETTING.search(_setting(expr)):
            return LoggedValue("a secret", _setting(expr), place)
        address = name or _setting(expr)
        if _ADDRESS.match(address) and self._signs_in(expr, site.scope):
            told = f"{t.dotted(expr) or address}, by which the database is signed in to"
            return LoggedValue("a secret", told, place)
        if _TOKEN.match(name) and self.reach.started_by(site):
            return LoggedValue("a secret", text, place)
        if isinstance(expr, t.Call | t.Attr | t.Name) and self._is_request(expr, site.scope):
            return LoggedValue("a whole request", text or "the request's content", place)
        if isinstance(expr, t.Name) and site.function is not None:
            if (id(site.function), expr.id) in self.bodies:
                return LoggedValue("a whole request", expr.id, place)
        if name and not name.isupper() and _PERSONAL.match(name) and not isinstance(expr, t.Call):
            if "_id_" in name or _OWN_ADDRESS.match(name):  # `receipt_id_email` tells of nobody
                return None
            return LoggedValue("personal data", text, place)
        return None

    def _is_wording(self, expr: t.Expr, scope: Scope) -> bool:
        """`messages["email"]`, or what is a sentence of the code: names what the text is about."""
        if isinstance(expr, t.Item | t.Attr) and _WORDINGS.search(t.dotted(expr.value)):
            return True
        value = self.known.value(expr, scope)
        return isinstance(value, Known) and isinstance(value.value, str) and " " in value.value

    def _signs_in(self, expr: t.Expr, scope: Scope) -> bool:
        """Whether an address is a setting's, and not known to be one without a password."""
        read = isinstance(expr, t.Attr | t.Item) and _HOLDS_SETTINGS.search(t.dotted(expr.value))
        if not (read or _setting(expr)):
            return False
        known = [k.value for k in possible(self.known.value(expr, scope))]
        return not any(isinstance(k, str) and k.startswith("sqlite") for k in known)

    def _is_request(self, expr: t.Expr, scope: Scope) -> bool:
        if _REQUEST.match(self.code.name(expr, scope)):
            return True
        return (
            isinstance(expr, t.Attr)
            and expr.name in _RAW
            and t.dotted(expr.value).endswith("request")
        )


def _masked(name: str, site: CallSite) -> bool:
    """What a receiver of Django's `user_login_failed` is handed: secrets are stars in it.

    https://docs.djangoproject.com/en/stable/ref/contrib/auth/#django.contrib.auth.signals.user_login_failed
    """
    given = {p.name for p in site.function.params} if site.function is not None else set()
    return name == "credentials" and {"sender", "credentials"} <= given


_SECRET_SETTING = re.compile(
    r"(?:^|_)(?:TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|API_?KEY|SECRET_KEY|PRIVATE_KEY|ACCESS_KEY)$"
)
_WORDINGS = re.compile(
    r"(?i)(?:^|[._])(?:messages|msgs|errors|texts|labels|templates|strings|translations|wordings)$"
)
_HOLDS_SETTINGS = re.compile(r"(?:^|[._])(?:environ|getenv|get|env|config|settings|conf)$", re.I)


def _setting(expr: t.Expr) -> str:
    """The name of the setting that is read here: `settings.API_KEY`, `os.environ["API_KEY"]`."""
    match expr:
        case t.Item(value=base, index=t.Const(value=str(name))) | t.Attr(value=base, name=name):
            held = t.dotted(base)
        case t.Call(func=func, args=[t.Const(value=str(name)), *_]):
            held = t.dotted(func)
        case _:
            return ""
    return name if name.isupper() and _HOLDS_SETTINGS.search(held) else ""


def _word(expr: t.Expr) -> str:
    match expr:
        case t.Name(id=name) | t.Attr(name=name):
            return name
        case t.Item(index=t.Const(value=str(name))):
            return name
    return ""
