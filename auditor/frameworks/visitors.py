"""What visitors of a site send without an account: a message, an address for a newsletter, a sign of life.

Told by a word of the path together with what the handler takes and does: `POST /contacts` with a name and a
telephone number enters a record of a business, with an address and a message it writes to the owner of the site.
"""

from __future__ import annotations

import re

from auditor.extract.python import tree as t
from auditor.frameworks.effects import keeps_nothing
from auditor.frameworks.inputs import declared_fields
from auditor.frameworks.public import public_by_nature
from auditor.frameworks.signins import entrance
from auditor.link.names import Code
from auditor.link.scopes import Located

_LETTERS = re.compile(
    r"(?:send|submit|post|create|new|save)?[-_]?(?:contacts?|contact[-_]?(?:us|form|me|message|request)s?|messages?|e?mail|(?:e|i)nquir(?:y|ies)"
    r"|feedbacks?|(?:quote|demo|callback|call[-_]?back)[-_]?requests?|(?:request|book|get)[-_]?(?:quote|demo|callback))",
    re.I,
)
_LISTS = re.compile(
    r"(?:join|add|submit)?[-_]?(?:wait(?:ing)?[-_]?list|newsletters?|early[-_]?access|mailing[-_]?list|subscribers?|(?:un)?subscribe)",
    re.I,
)
_SENDS = re.compile(r"submit|send|create|new|join|subscribe|unsubscribe|signup", re.I)
"""What may stand below: `/contact/submit`."""
_ADDRESS = re.compile(r"^(?:\w+_)?(?:e?mail)(?:_?address)?$", re.I)
_TEXT = re.compile(
    r"^(?:\w+_)?(?:message|subject|comments?|enquiry|inquiry|feedback|content)$", re.I
)
_BETWEEN_USERS = re.compile(
    r"^(?:sender|receiver|recipient|from_user|to_user|conversation|chat|room|thread|channel|ticket|owner)(?:_?id)?$|^password",
    re.I,
)
_TAKES_AWAY = {
    "delete",
    "delete_one",
    "delete_many",
    "update_one",
    "update_many",
    "remove",
    "replace_one",
}
_PROBED = re.compile(r"(?:web_?hooks?[-_])?echo|test[-_]?(?:connection|echo)?", re.I)


def public(code: Code, method: str, path: str, function: Located | None) -> str:
    """Why a route is public by nature: by its path, or by what its handler does; empty where it is not."""
    return (
        public_by_nature("GET" if method == "ANY" else method, path)
        or entrance(code, function, "" if method == "ANY" else method)
        or _by_visitors(code, method, path, function)
    )


def _by_visitors(code: Code, method: str, path: str, function: Located | None) -> str:
    if method != "POST" or function is None or not isinstance(function.node, t.Function):
        return ""
    segments = [s for s in path.split("/") if s and not re.fullmatch(r"api|v\d+", s)]
    if not segments or len(segments) > 3 or any(s[0] in "{<" for s in segments):
        return ""
    if public_by_nature("GET", path) == "health check" or _PROBED.fullmatch(segments[-1]):
        return "health check" if _answers_alone(code, function) else ""
    named = segments[:-1] if len(segments) > 1 and _SENDS.fullmatch(segments[-1]) else segments
    for words, needed in ((_LETTERS, (_ADDRESS, _TEXT)), (_LISTS, (_ADDRESS,))):
        if words.fullmatch(named[-1]):
            return "form for visitors" if _takes(code, function, needed) else ""
    return ""


def _answers_alone(code: Code, function: Located) -> bool:
    """Nothing but an answer: no call that could keep anything."""
    body = function.node.body  # type: ignore[attr-defined]
    calls = any(isinstance(node, t.Call) for node in t.walk_own(*body))
    return not calls or keeps_nothing(code, function)


def _takes(code: Code, function: Located, needed: tuple[re.Pattern[str], ...]) -> bool:
    """Whether what a handler is sent are these, nothing that only users have, and nothing is taken away."""
    node = function.node
    assert isinstance(node, t.Function)
    words = {p.name for p in node.params}
    for param in node.params:
        model = code.defined(param.annotation, function.scope) if param.annotation else None
        if model is not None and isinstance(model.node, t.Class):
            words |= declared_fields(code, model)
    for each in t.walk_own(*node.body):
        match each:
            case t.Call(func=func) if t.last_word(func) in _TAKES_AWAY:
                return False
            case t.Const(value=str(word)) if len(word) < 40:
                words.add(word)
            case t.Attr(name=name):
                words.add(name)
    if any(map(_BETWEEN_USERS.match, words)):
        return False
    return all(any(map(wanted.match, words)) for wanted in needed)
