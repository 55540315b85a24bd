"""What handlers change, though their method alone does not say so: views of any method, and links."""

from __future__ import annotations

import re

from auditor.extract.python import tree as t
from auditor.link.names import Code
from auditor.model.web import Route

_REMOVING = {"delete", "adelete", "delete_one", "delete_many"}
_WIPING = {"drop_all", "executescript", "drop_collection", "drop_database", "drop_table"}
_KEEPING = {
    "save", "asave", "create", "acreate", "get_or_create", "update_or_create", "bulk_create", "bulk_update", "update",
    "insert_one", "update_one", "set_password", "commit",
}  # fmt: skip
_FORM = {"POST", "FILES", "body", "data"}


def changes(code: Code, route: Route) -> str:
    """What a view that answers every method changes; empty where it only reads, or is not seen.

    A page that is asked may keep count of it: `save` counts where a form is taken.
    """
    function = route.function
    if function is None or not isinstance(function.node, t.Function):
        return ""
    sent = any(_is_sent(node) for node in t.walk_own(*function.node.body))
    for each in code.with_callees(function, 1):
        for node in t.walk_own(*each.node.body):  # type: ignore[attr-defined]
            match node:
                case t.Call(func=t.Attr(value=of, name=name)) if (
                    name in _REMOVING and isinstance(of, t.Call | t.Name | t.Item)
                ) or (sent and name in _KEEPING and (name != "update" or isinstance(of, t.Call))):
                    return f"it changes what is stored (line {node.line})"
                case t.Call() if _sets(node):
                    return f"it changes what is stored (line {node.line})"
    return ""


def _sets(call: t.Call) -> bool:
    """`poll.votes.add(request.user)`, `Address.objects.filter(…).update(is_default=True)`; no counter."""
    match call:
        case t.Call(func=t.Attr(value=t.Attr(), name="add" | "remove"), args=[given]):
            return t.dotted(given).endswith("request.user")
        case t.Call(func=t.Attr(value=t.Call(), name="update"), args=[], keywords=[first, *_]):
            return not any(isinstance(n, t.BinOp | t.Call) for n in t.walk(first.value))
    return False


def removes(code: Code, route: Route) -> str:
    """What a handler that only GET reaches takes out of the store, for whoever follows a link."""
    function = route.function
    if function is None or not isinstance(function.node, t.Function):
        return ""
    for each in code.with_callees(function, 1):
        for node in t.walk_own(*each.node.body):  # type: ignore[attr-defined]
            match node:
                case t.Call(func=t.Attr(value=of, name=name)) if (
                    name in _REMOVING and (name != "delete" or _is_stored(of, node))
                ) or name in _WIPING:
                    return f"it removes what is stored (line {node.line})"
    return ""


def _is_stored(of: t.Expr, call: t.Call) -> bool:
    """`db.session.delete(user)`, `Model.query.filter_by(…).delete()`; no entry of a cache, no cookie."""
    if isinstance(of, t.Call):
        return bool(re.search(r"filter|query|where|objects|get", t.dotted(of.func)))
    return bool(re.search(r"(?:^|\.)(?:session|db)$", t.dotted(of))) and bool(call.args)


def _is_sent(node: t.Node) -> bool:
    match node:
        case t.Attr(value=t.Name(id="request"), name=name):
            return name in _FORM
        case t.Compare(left=t.Attr(name="method"), rights=[t.Const(value="POST")]):
            return True
    return False
