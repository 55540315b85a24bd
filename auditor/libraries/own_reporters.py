"""Errors that the application reports by code of its own: a message to a chat, a mail, a row in a table.

What sees every error that nothing else caught: handlers of the frameworks, middleware around the next one,
Django's `process_exception`, Celery's and Django's signals, a logging handler of the tree's own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from auditor.extract.python import tree as t
from auditor.frameworks.errors import general_handlers
from auditor.link.application import Application, provides
from auditor.link.names import Code
from auditor.link.reach import Reach
from auditor.link.scopes import CallSite, Located, place_of
from auditor.model.operations import OwnReport

_SENDS = re.compile(
    r"^(?:slack_sdk|slack|slackweb|telegram|telebot|aiogram|discord\w*|pymsteams|apprise|pdpyras|opsgenie_sdk)\."
    r"|^(?:smtplib|aiosmtplib|sendgrid|resend|fastapi_mail|flask_mail|yagmail|mailjet_rest)\."
    r"|^django\.core\.mail\.|^boto3\..*(?:send_email|publish)$"
    r"|^(?:requests|httpx|aiohttp|urllib3?)\.(?:.*\.)?(?:post|put|request|urlopen)$"
)
_KEPT = re.compile(
    r"(?i)(?:^|\.)_?(?:\w*bot|telegram\w*|slack\w*|discord\w*|webhook\w*|mailer|notifier)\.(?:send_\w+|send|post|chat_postMessage|notify\w*)$"
)
"""What sends, kept in an attribute: `self.bot.send_message`."""
_KEEPS = re.compile(r"\.(?:insert_one|insert)$")
_RECORD = re.compile(
    r"(?:error|exception|crash|failure|audit)\w*(?:log|record|entry|report|event)?s?$", re.I
)
_WHERE = (
    ("Slack", re.compile(r"slack", re.I)),
    ("Telegram", re.compile(r"telegram|telebot|aiogram", re.I)),
    ("Discord", re.compile(r"discord", re.I)),
    ("Microsoft Teams", re.compile(r"\bteams\b|msteams", re.I)),
    ("Feishu", re.compile(r"feishu|lark", re.I)),
    ("DingTalk", re.compile(r"dingtalk|dingding", re.I)),
    ("WeCom", re.compile(r"wecom|qyapi|weixin", re.I)),
    ("PagerDuty", re.compile(r"pagerduty|pdpyras", re.I)),
    ("Opsgenie", re.compile(r"opsgenie", re.I)),
    ("e-mail", re.compile(r"smtp|mail|sendgrid|resend", re.I)),
)
_TELLS = re.compile(
    r"(?:error|exception|alert|crash|fail\w*)\w*(?:slack|telegram|discord|notif\w*|alert|report|mail|send|message|webhook)"
    r"|(?:slack|telegram|discord|notif\w*|alert|report|mail|send|capture|tg)_?\w*(?:error|exception|alert|crash|fail)",
    re.I,
)
_MIDDLEWARE = {"__call__", "dispatch", "process_exception", "__acall__"}
_NEXT = {"call_next", "get_response", "app"}
_SIGNALS = ("task_failure.connect", "got_request_exception.connect")
_DEEP = 4
_MAX_CALLERS = 200


@dataclass
class _Senders:
    """What functions send out or keep, near and far."""

    code: Code
    known: dict[int, tuple[str, str]] = field(default_factory=dict)

    def of(self, function: Located) -> tuple[str, str]:
        """("posts", where to) or ("keeps", "a table"); empty where a function does neither."""
        key = id(function.node)
        if key not in self.known:
            self.known[key] = self._look(function)
        return self.known[key]

    def _look(self, function: Located) -> tuple[str, str]:
        kept = ("", "")
        for each in self.code.with_callees(function, _DEEP):
            inner = self.code.inside(each)
            body: list[t.Stmt] = each.node.body  # type: ignore[attr-defined]
            for node in t.walk_own(*body):
                if not isinstance(node, t.Call):
                    continue
                name = self.code.name(node.func, inner) or t.dotted(node.func)
                if _SENDS.search(name) or _KEPT.search(t.dotted(node.func)):
                    return "posts", self._where(function, each, name, body)
                if _record(node, name):
                    kept = ("keeps", "a table")
        return kept

    @staticmethod
    def _where(function: Located, sender: Located, name: str, body: list[t.Stmt]) -> str:
        own = [f.node.name for f in (function, sender)]  # type: ignore[attr-defined]
        words = [name, sender.path, *own]
        for node in t.walk_own(*body):
            if isinstance(node, t.Const) and isinstance(node.value, str):
                words.append(node.value[:200])
            elif isinstance(node, t.Name | t.Attr):
                words.append(t.last_word(node))
        text = " ".join(words)
        return next((title for title, pattern in _WHERE if pattern.search(text)), "another system")


def _record(node: t.Call, name: str) -> bool:
    """`db.add(ErrorLog(…))`, `ErrorLog.objects.create(…)`, `db.errors.insert_one(…)`."""
    written = t.dotted(node.func)
    if written.endswith((".objects.create", ".objects.acreate")):
        return _RECORD.search(written.split(".objects")[0]) is not None
    if written.endswith(".add") and node.args and isinstance(node.args[0], t.Call):
        return _RECORD.search(t.last_word(node.args[0].func)) is not None
    return bool(_KEEPS.search(name)) and _RECORD.search(written.rpartition(".")[0]) is not None


@provides(OwnReport)
def own_reports(application: Application) -> Iterator[OwnReport]:
    code = application.code
    (reach,) = application.facts(Reach)
    senders = _Senders(code)
    for found, serves in _seeing_all(application):
        how, where = senders.of(found)
        if how and (serves or reach.started_by(found)):
            yield OwnReport(how, where, 1, place_of(found))
    for function in code.functions():
        node = function.node
        assert isinstance(node, t.Function)
        if _TELLS.search(node.name) and senders.of(function)[0] == "posts":
            sites = [
                s for _, s in zip(range(_MAX_CALLERS), code.method_calls(node.name), strict=False)
            ]
            caught = [s for s in sites if _in_handler(s) and reach.started_by(s)]
            if caught:
                yield OwnReport("caught", senders.of(function)[1], len(caught), place_of(function))


def _seeing_all(application: Application) -> Iterator[tuple[Located, bool]]:
    """Functions that see every error, and whether the framework calls them for certain."""
    code = application.code
    for function in general_handlers(application):
        yield function, True
    for function in code.functions():
        node = function.node
        assert isinstance(node, t.Function)
        hooks = [t.dotted(t.callee(d)) for d in node.decorators]
        if any(hook.endswith(_SIGNALS) for hook in hooks) or node.name == "process_exception":
            yield function, True
        elif (
            node.name in _MIDDLEWARE
            or any(h.endswith(".middleware") for h in hooks)
            or any(param.name == "call_next" for param in node.params)
        ):
            if _around_next(node):
                yield function, True
    for found in code.classes():
        owner = found.node
        assert isinstance(owner, t.Class)
        if any(t.last_word(base) in ("Handler", "StreamHandler") for base in owner.bases):
            for method in owner.body:
                if isinstance(method, t.Function) and method.name == "emit":
                    made = any(True for _ in code.method_calls(owner.name))
                    if made:
                        yield Located(method, code.inside(found)), True


def _around_next(node: t.Function) -> bool:
    """Whether a function tries what comes next and catches every exception of it."""
    for stmt in t.walk_own(*node.body):
        if isinstance(stmt, t.Try):
            calls = (n for n in t.walk_own(*stmt.body) if isinstance(n, t.Call))
            broad = any(h.catches is None or t.last_word(h.catches) in ("Exception", "BaseException") for h in stmt.handlers)  # fmt: skip
            if broad and any(t.last_word(c.func) in _NEXT for c in calls):
                return True
    return False


def _in_handler(site: CallSite) -> bool:
    body = getattr(site.scope.owner, "body", None) or site.scope.module.body
    for stmt in t.walk_own(*body):
        if isinstance(stmt, t.Try):
            for handler in stmt.handlers:
                if t.holds(handler.body, site.node):
                    return True
    return False
