"""Whether what a handler does can change anything that outlives its answer.

A calculator, a preview or a search takes POST and keeps nothing. Only what is seen whole counts as such:
functions of the tree are followed, and any call beyond it whose name could mean a change is one.
"""

from __future__ import annotations

import re

from auditor.extract.python import tree as t
from auditor.link.names import Code
from auditor.link.scopes import Located, Scope

_MAX_DEPTH = 4
_CHANGES = {
    "add", "append", "extend", "appendleft", "push", "pop", "insert", "upsert", "save", "create", "update",
    "modify", "edit", "delete", "destroy", "remove", "discard", "clear", "set", "setex", "setnx", "hset", "lpush",
    "rpush", "sadd", "incr", "decr", "expire", "put", "post", "patch", "write", "writelines", "writerow",
    "writerows", "upload", "store", "persist", "commit", "flush", "merge", "execute", "executemany", "exec", "eval",
    "system", "popen", "run", "call", "spawn", "start", "submit", "delay", "apply", "async", "enqueue", "schedule",
    "send", "sendmail", "sendall", "emit", "publish", "produce", "broadcast", "notify", "dispatch", "trigger",
    "charge", "pay", "refund", "transfer", "login", "logout", "register", "open", "dump", "unlink", "rename",
    "move", "copy", "copyfile", "mkdir", "makedirs", "rmtree", "touch", "connect", "request", "fetch", "task",
    "mutate", "import", "purge", "reset", "enable", "disable", "activate", "approve", "cancel", "close", "grant",
    "revoke", "assign", "record", "track", "train", "fit", "index", "ingest", "process", "handle", "perform", "do",
    "invoke", "generate", "complete", "ask", "chat",
}  # fmt: skip
"""Words that the names of calls beyond the tree begin or end with, after which something may be different."""
_OWN_DATA = {
    "append", "extend", "add", "pop", "insert", "update", "remove", "discard", "clear", "index", "copy",
}  # fmt: skip
"""What lists, sets and dictionaries do as well: harmless where the function made them, or was handed them."""
_OF_SESSIONS = {"pop", "update", "clear", "copy"}
"""What a visitor's session does, and a session with a database does not."""


def keeps_nothing(code: Code, function: Located) -> bool:
    """Whether nothing of what a handler, or a function of the tree that it calls, does can last.

    One that calls nothing is no calculator: it is not written yet.
    """
    body = function.node.body  # type: ignore[attr-defined]
    if not any(isinstance(node, t.Call) for node in t.walk_own(*body)):
        return False
    followed = code.with_callees(function, _MAX_DEPTH)
    below = {id(each.node) for each in followed}
    return all(_passing(code, each, below) for each in followed)


def _passing(code: Code, function: Located, followed: set[int]) -> bool:
    assert isinstance(function.node, t.Function)
    inner = code.inside(function)
    for node in t.walk_own(*function.node.body):
        match node:
            case t.Call():
                callee = code.defined(node.func, inner)
                if callee is None:
                    if _may_change(node, inner):
                        return False
                elif isinstance(callee.node, t.Function) and id(callee.node) not in followed:
                    return False
            case t.Assign(targets=targets) | t.Delete(targets=targets):
                if any(_beyond(target, inner) for target in targets):
                    return False
            case t.Jump(kind=kind) if kind.startswith("global "):
                return False
            case t.Function():
                return False  # who runs it, and when, is not looked into
    return True


def _may_change(call: t.Call, scope: Scope) -> bool:
    last = t.last_word(call.func)
    words = re.findall(r"[A-Z]?[a-z]+", last)
    if words and not {words[0].lower(), words[-1].lower()} & _CHANGES:
        return False
    if last in _OWN_DATA and isinstance(call.func, t.Attr):
        if _is_session(call.func.value) and last not in _OF_SESSIONS:
            return True  # `session.add(user)` is about the database
        return not _is_own(call.func.value, scope)
    return True


def _is_session(value: t.Expr) -> bool:
    return isinstance(value, t.Name) and value.id == "session"


def _beyond(target: t.Expr, scope: Scope) -> bool:
    """Whether what is assigned may be seen by others: an attribute, an entry of what is not the function's own."""
    match target:
        case t.Attr(value=value, name="modified" | "permanent") if _is_own(value, scope):
            return False  # of the visitor's session
        case t.Attr():
            return True
        case t.Item(value=value):
            return not _is_own(value, scope)
    return False


def _is_own(value: t.Expr, scope: Scope) -> bool:
    """A display or a collection that the function made, or a parameter."""
    match value:
        case t.Name() if _is_session(value):
            return True  # the visitor's own
        case t.Name(id=name):
            return any(
                b.kind == "parameter"
                or (b.kind == "value" and isinstance(b.part or b.value, t.Seq | t.Map | t.Comp))
                for b in scope.bindings.get(name, ())
            )
        case t.Item(value=inner):
            return _is_own(inner, scope)
        case t.Attr(value=t.Name(id="request"), name="session"):
            return True
    return isinstance(value, t.Seq | t.Map | t.Comp)
