"""Handlers that do their work only for whom they have verified, and only tell others so.

`if request.user.is_authenticated: …` with a message for everybody else, `if signed(request): …` in a webhook
that answers all alike. Nothing is read, changed or handed out for who is not verified, whatever the status.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from auditor.extract.python import tree as t

_ANSWERS = re.compile(
    r"(?:response\w*|jsonify|render|redirect\w*|message|msg|error\w*|err|fail\w*|reply|answer|abort)$",
    re.I,
)
"""Names of what makes an answer."""
_TELLS = re.compile(
    r"(?:^|\.)(?:log(?:ger|ging)?|messages|warnings)\.\w+$|^(?:print|flash)$|\.log$"
)
_TRIFLES = {
    "get", "getlist", "strip", "lower", "upper", "format", "join", "split", "str", "int", "bool", "len", "repr", "dict",
    "isinstance", "getattr", "hasattr", "_", "gettext", "ugettext", "gettext_lazy", "reverse", "url_for", "time", "now",
    "loads", "get_object", "get_success_url", "get_absolute_url",
}  # fmt: skip


def idle_after(handler: t.Handler) -> bool:
    """Whether what catches an exception only tells of it."""
    return all(map(_idle, handler.body))


def idle_branches(body: list[t.Stmt]) -> Iterator[t.Return]:
    """The constant answers of branches in which nothing else is done than telling."""
    for stmt in body:
        match stmt:
            case t.If(body=then, orelse=other):
                for branch in (then, other):
                    last = branch[-1] if branch else None
                    if isinstance(last, t.Return) and all(map(_idle, branch)) and _fixed(last):
                        yield last
                    else:
                        yield from idle_branches(branch)
            case t.Try(body=inner) | t.With(body=inner):
                yield from idle_branches(inner)


def _fixed(answer: t.Return) -> bool:
    """Whether an answer is the same for all: `{"status": "ignored"}`, `Response(status_code=200)`."""
    if answer.value is None:
        return True
    called = {id(n.func) for n in t.walk_own(answer.value) if isinstance(n, t.Call)}
    return all(
        id(n) in called or n.id == "status"
        for n in t.walk_own(answer.value)
        if isinstance(n, t.Name)
    )


def works_only_in(body: list[t.Stmt], gate: t.If) -> bool:
    """Whether a function does something in one branch alone, the first of `gate`."""
    return all(_idle(stmt, gate) for stmt in body)


def _idle(stmt: t.Stmt, gate: t.If | None = None) -> bool:
    def all_idle(body: list[t.Stmt]) -> bool:
        return all(_idle(each, gate) for each in body)

    match stmt:
        case t.If(test=test, body=body, orelse=orelse):
            if stmt is gate:
                return all_idle(orelse)
            return _plain(test) and all_idle(body) and all_idle(orelse)
        case t.Try(body=body, handlers=handlers, orelse=orelse, final=final):
            return all(map(all_idle, (body, *(h.body for h in handlers), orelse, final)))
        case t.Return(value=value):
            return value is None or _plain(value)
        case t.Do(value=value):
            return _plain(value)
        case t.Assign(targets=targets, value=value):
            named = all(isinstance(target, t.Name) for target in targets)
            return named and (value is None or _plain(value))
        case t.Raise() | t.Import() | t.Jump():
            return True
    return False


def _plain(expr: t.Expr) -> bool:
    """Whether an expression only puts together what is at hand."""
    for node in t.walk_own(expr):
        match node:
            case t.Call(func=func):
                name = t.dotted(func)
                last = t.last_word(func)
                if not (last in _TRIFLES or _ANSWERS.search(last) or _TELLS.search(name)):
                    return False
            case t.Comp() | t.Await() | t.Yield() | t.Bind():
                return False
    return True
