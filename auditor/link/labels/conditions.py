"""The tests of a walk: where an identity is held against an id, and where a role is demanded."""

from __future__ import annotations

import re

from auditor.extract.python import tree as t
from auditor.link.labels.engine import Labels, Mark, Marks, Meeting, Trace, ids, knows_caller
from auditor.link.scopes import Scope

NEUTRAL = {
    "print", "info", "debug", "warning", "warn", "error", "exception", "critical", "log", "write",
    "jsonify", "render", "render_template", "TemplateResponse", "redirect", "url_for", "reverse",
    "flash", "success", "add_message", "send_mail", "send_email", "add_task", "delay", "apply_async",
    "enqueue", "send", "emit", "publish", "track", "capture", "notify", "record", "audit", "create",
    "acreate", "insert", "insert_one", "insert_many", "bulk_create", "add", "add_all", "append",
    "extend", "save", "asave", "commit", "refresh", "flush", "merge", "setattr", "model_validate",
    "from_orm", "parse_obj", "model_dump", "dict", "list", "tuple", "set", "str", "int", "len",
    "format", "join", "isinstance", "zip", "sorted", "cast", "gather", "wait_for", "create_task",
    "values", "update", "model_copy", "jsonable_encoder", "make_response", "dumps", "bind",
    "put_nowait", "put", "getattr", "hasattr", "type", "repr", "log_action", "get_context_data",
    "options", "annotate", "order_by", "limit", "offset", "set_cookie", "push", "incr", "execute_sql",
    "min", "max", "any", "all", "sum", "enumerate", "send_message", "broadcast", "replace", "setdefault",
    "execute", "executemany", "exec", "scalar", "scalars", "fetch", "fetchrow", "fetchone", "fetchall",
    "fetch_one", "fetch_all", "fetchval", "fetch_val", "first", "one", "one_or_none", "is_valid",
    "returning", "on_conflict_do_update", "on_conflict_do_nothing", "update_or_create", "get_or_create",
}  # fmt: skip
"""Last names of calls that may be given both, and restrict nothing by it."""
_ROLE = re.compile(
    r"admin|superuser|super_user|staff|\broles?\b|_roles?$|^roles?|permission|\bperms?\b|has_perm|scope"
    r"|privilege|capabilit|moderator|is_manager|is_owner|polic|^can(?:_|$)|authori[sz]e"
)
_SAMENESS = {"==", "!=", "in", "not in", "is", "is not"}
_ROLE_CALL = re.compile(
    r"^Permission$|^_?(?:(?:current_user_)?is|require|check|has|user_is)_?(?:\w+_)?(?:admin|superuser|staff|role|permission)"
)
_EXITS = {"abort", "exit", "fail", "redirect"}
SENT_AS_WELL = "is compared with `{}`, which the caller sends as well"
OWNER_WORD = re.compile(r"owner|user|author|tenant|account|customer|org|created_by|creator", re.I)


class Tests:
    """What comparisons and branches say."""

    labels: Labels
    scope: Scope
    trace: Trace

    def eval(self, expr: t.Expr) -> Marks:
        raise NotImplementedError

    def test(self, test: t.Expr, stmt: t.If) -> None:
        harmless = not _matters(stmt.body) and not _matters(stmt.orelse)
        if harmless and isinstance(test, t.Compare):
            self.compare(test, "only writes a log line when they differ" if stmt.body else "")
            return
        if _exits(stmt.body) or _exits(stmt.orelse):
            self.role(test)
        self.eval(test)

    def role(self, test: t.Expr) -> None:
        """`if not user.is_admin: raise`: those without the role are turned away."""
        for node in t.walk_own(test):
            match node:
                case t.Attr(value=owner, name=name) if _ROLE.search(name):
                    held = self.eval(owner)
                case t.Item(value=owner, index=t.Const(value=str(name))) if _ROLE.search(name):
                    held = self.eval(owner)
                case t.Call(
                    func=t.Attr(value=owner, name="get"), args=[t.Const(value=str(name)), *_]
                ) if _ROLE.search(name):
                    held = self.eval(owner)
                case t.Call(func=t.Name(id=name), args=[owner, *_]) if _ROLE.search(
                    name
                ) and knows_caller(self.eval(owner)):
                    held = self.eval(owner)
                case t.Call(func=func) if _ROLE_CALL.search(t.last_word(func)):
                    self.trace.roles.add(self.labels.at(node, self.scope))
                    return
                case t.Call(func=func, args=[_, _, *_] as given) if any(
                    map(_names_role, given)
                ) or self.takes_role(func):
                    held = frozenset().union(*map(self.eval, given))  # `allowed(user, "admin")`
                case _:
                    continue
            if knows_caller(held) and not ids(held):
                self.trace.roles.add(self.labels.at(node, self.scope))
                return

    def takes_role(self, func: t.Expr) -> bool:
        """Whether a function of the tree is given the right that it looks for."""
        found = self.labels.code.defined(func, self.scope)
        return (
            found is not None
            and isinstance(found.node, t.Function)
            and any(_ROLE.search(param.name) for param in found.node.params)
        )

    def compare(self, expr: t.Compare, ignored: str = "") -> Marks:
        sides = [self.eval(expr.left), *(self.eval(right) for right in expr.rights)]
        held = frozenset[Mark]().union(*sides)
        if all(op in ("is", "is not") for op in expr.ops) and any(
            isinstance(r, t.Const) for r in expr.rights
        ):
            return held
        if found := ids(held):
            where = self.labels.at(expr, self.scope)
            if knows_caller(held):
                if _SAMENESS.issuperset(expr.ops):
                    self.trace.ties.add(Meeting(found, "compared", where, ignored))
            elif len(found) > 1 and len(sides) == 2 and sides[0] and sides[1]:
                self.linked(expr, sides, found)
        return held

    def linked(self, expr: t.Compare, sides: list[Marks], found: Marks) -> None:
        """Two values of the caller's: one may lead to the other, but neither says who calls."""
        other = [m for m in found if m.source in ("query", "body", "header", "cookie")]
        owner = any(OWNER_WORD.search(n.name) for n in t.walk_own(expr) if isinstance(n, t.Attr))
        if other and owner and len(ids(sides[0]) ^ ids(sides[1])) > 1:
            against = min(other, key=lambda m: m.name)
            where = self.labels.at(expr, self.scope)
            rest, sent = found - {against}, frozenset([against])
            self.trace.ties.add(Meeting(rest, "compared", where, SENT_AS_WELL, sent))
        else:
            self.trace.links.add(found)


def _names_role(expr: t.Expr) -> bool:
    match expr:
        case t.Const(value=str(word)) | t.Name(id=word) | t.Attr(name=word):
            return bool(_ROLE.search(word))
        case t.Seq(items=items):
            return any(map(_names_role, items))
    return False


def _exits(body: list[t.Stmt]) -> bool:
    for node in t.walk_own(*body):
        match node:
            case t.Return() | t.Raise():
                return True
            case t.Call(func=func) if t.dotted(func).rpartition(".")[2] in _EXITS:
                return True
    return False


def _matters(body: list[t.Stmt]) -> bool:
    """Whether anything but a log line happens."""
    for stmt in body:
        match stmt:
            case t.Jump(kind="pass"):
                continue
            case t.Do(value=t.Call(func=t.Attr(value=owner, name=name))) if (
                re.search(r"log", t.dotted(owner), re.I) and name in NEUTRAL
            ):
                continue
            case t.Do(value=t.Call(func=t.Name(id="print")) | t.Const()):
                continue
        return True
    return False
