"""The walk through one function that `auditor/link/labels/engine.py` rests on."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

import msgspec

from auditor.extract.python import tree as t
from auditor.link.handing import THREADS, WRAPS, direct, unwrapped
from auditor.link.labels.conditions import NEUTRAL, OWNER_WORD, Tests
from auditor.link.labels.engine import (
    NOTHING,
    Access,
    Gathered,
    Labels,
    Mark,
    Marks,
    Meeting,
    Selection,
    Trace,
    as_found,
    ids,
    knows_caller,
    sent_id,
)
from auditor.link.scopes import Located, Scope

_CONTAINER_CALLS = {
    "dict", "model_dump", "json", "get_json", "copy", "to_dict", "form", "body", "items", "validated_data",
}  # fmt: skip
_UNPACKS = {
    "dict", "loads", "load", "cast", "copy", "deepcopy", "model_validate", "parse_obj", "validate", "getattr",
    "model_dump", "json", "get_json", "asdict", "vars", "update", "items", "values",
}  # fmt: skip
"""Calls whose result still has what was sent among its members."""
_MEMBERS = {"get", "pop", "getlist", "getone", "get_list"}
_ASKS = re.compile(
    r"get|check|can_|has_|allow|require|verif|fetch|authori|permi|ensure|assert|valid", re.I
)
_CHANGES = {
    "delete", "adelete", "delete_one", "delete_many", "update", "aupdate", "update_one", "update_many", "remove",
    "destroy", "replace_one", "find_one_and_update", "find_one_and_delete", "db_delete", "setattr", "execute_update",
    "set_password", "soft_delete", "hard_delete", "sqlmodel_update", "partial_update", "perform_update",
}  # fmt: skip
"""Last names of calls that change or remove the objects that they are called on, or given first."""
_MAKES = {
    "create",
    "acreate",
    "insert_one",
    "insert_many",
    "insert",
    "get_or_create",
    "update_or_create",
}
_MAX_NESTING = 30
"""How deep functions inside of functions are walked, in steps of the walk."""
_MAX_WITHIN = 200
"""How many calls of functions inside of a function are walked."""
_KEYWORDS = {"id", "pk", "instance", "obj", "db_obj", "username", "user_id"}


class Walk(Tests):
    """One function, statement by statement; variables gather what they hold anywhere in it."""

    def __init__(self, labels: Labels, function: Located, given: dict[str, Marks]) -> None:
        assert isinstance(function.node, t.Function)
        self.labels, self.code = labels, labels.code
        self.node = function.node
        self.scope = self.code.inside(function)
        self.env: dict[str, Marks] = {p.name: NOTHING for p in self.node.params}
        self.env.update(given)
        self.trace = Trace()
        self.lambdas: dict[str, t.Lambda] = {}
        self.nesting = self.entered = 0

    def run(self) -> Trace:
        self.block(self.node.body)
        return self.trace

    def block(self, body: Iterable[t.Stmt]) -> None:
        for stmt in body:
            self.stmt(stmt)

    def stmt(self, stmt: t.Stmt) -> None:
        match stmt:
            case t.Assign(targets=targets, value=value) if value is not None:
                held = self.eval(value)
                if isinstance(value, t.Lambda) and isinstance(targets[0], t.Name):
                    self.lambdas[targets[0].id] = value
                counts = bool(stmt.op) and isinstance(value, t.Const)  # `post.views += 1`
                for target in targets if not counts else ():
                    self.bind(target, held, bool(stmt.op))
            case t.Do(value=value):
                if isinstance(value, t.Compare):
                    self.compare(value, "its outcome is thrown away")
                else:
                    self.eval(value)
            case t.Return(value=value) if value is not None:
                self.trace.returns |= self.eval(value)
            case t.If(test=test):
                self.test(test, stmt)
                self.block(stmt.body)
                self.block(stmt.orelse)
            case t.While(test=test):
                self.eval(test)
                self.block(stmt.body)
            case t.For(target=target, iter=iterable):
                self.bind(target, self.eval(iterable))
                self.block(stmt.body)
                self.block(stmt.orelse)
            case t.With():
                for context, name in zip(stmt.contexts, stmt.targets, strict=True):
                    held = self.eval(context)
                    if name is not None:
                        self.bind(name, held)
                self.block(stmt.body)
            case t.Try():
                self.block(stmt.body)
                for handler in stmt.handlers:
                    self.block(handler.body)
                self.block(stmt.orelse)
                self.block(stmt.final)
            case t.Match(subject=subject):
                held = self.eval(subject)
                for case in stmt.cases:
                    for bound in case.names:
                        self.env[bound] = self.env.get(bound, NOTHING) | held
                    self.block(case.body)
            case t.Assert(test=test):
                self.role(test)
                self.eval(test)
            case t.Raise(exception=exception) if exception is not None:
                self.eval(exception)
            case t.Delete(targets=targets):
                for target in targets:
                    self.trace.changed |= ids(self.eval(target))
            case t.Function():
                self.nested(stmt)

    def nested(self, function: t.Function) -> None:
        if self.nesting <= _MAX_NESTING:
            with self.inside(function, {}):
                self.block(function.body)

    @contextmanager
    def inside(self, inner: t.Function | t.Lambda, given: Mapping[str, Marks]) -> Iterator[None]:
        """While a function is walked that is written inside this one: its parameters hold what it is given."""
        self.nesting += 5
        scope, self.scope = self.scope, self.scope.module.scopes[id(inner)]
        saved = {p.name: self.env.get(p.name) for p in inner.params}
        self.env.update({p.name: given.get(p.name, NOTHING) for p in inner.params})
        yield
        for name, marks in saved.items():
            if marks is None:
                del self.env[name]
            else:
                self.env[name] = marks
        self.scope = scope
        self.nesting -= 5

    def bind(self, target: t.Expr, held: Marks, adds: bool = False) -> None:
        match target:
            case t.Name(id=name):
                before = self.env.get(name, NOTHING)
                # an id that is looked up under its own name stays what the caller sent
                self.env[name] = held | before if adds or held or not ids(before) else held
            case t.Seq(items=items):
                for item in items:
                    self.bind(item.value if isinstance(item, t.Star) else item, held)
            case t.Attr(value=t.Name(id="self")):
                self.env[t.dotted(target)] = held
            case t.Attr(value=owner):
                self.trace.changed |= ids(self.eval(owner))
            case t.Item(value=t.Name(id=name)) if knows_caller(held) and not ids(
                self.env.get(name, NOTHING)
            ):
                self.env[name] = self.env.get(name, NOTHING) | held  # filter["owner"] = user.id
            case t.Item(value=t.Name(id=name), index=t.Const(value=str(key))):
                before = self.env.get(name, NOTHING)
                restricts = OWNER_WORD.search(key) and knows_caller(held)
                self.env[name] = before | (held if restricts or ids(held) else NOTHING)

    # --- expressions

    def eval(self, expr: t.Expr) -> Marks:
        if self.nesting > 120:
            return NOTHING
        self.nesting += 1
        try:
            return self._eval(expr)
        finally:
            self.nesting -= 1

    def renamed(self, expr: t.Expr) -> bool:
        """Whether an attribute is that of a parameter which is given an object: `request` of a friend."""
        while isinstance(expr, t.Attr):
            expr = expr.value
        return isinstance(expr, t.Name) and bool(ids(self.env.get(expr.id, NOTHING)))

    def _eval(self, expr: t.Expr) -> Marks:
        match expr:
            case t.Const() | t.Hidden():
                return NOTHING
            case t.Name(id=name) if name in self.env:
                held = self.env[name]
                return held or self.labels.ambient(expr, self.scope) or NOTHING
        told = None if self.renamed(expr) else self.labels.ambient(expr, self.scope)
        if told is not None:
            if isinstance(expr, t.Call):
                for arg in expr.args:
                    self.eval(arg)
            return told
        match expr:
            case t.Name():
                return NOTHING
            case t.Attr(value=value, name=name):
                if (dotted := t.dotted(expr)) in self.env:
                    return self.env[dotted]
                return self.member(self.eval(value), name)
            case t.Item(value=value, index=index):
                key = index.value if isinstance(index, t.Const) else None
                return self.member(self.eval(value), key if isinstance(key, str) else "") | ids(
                    self.eval(index)
                )
            case t.Call():
                return self.call(expr)
            case t.Compare():
                return self.compare(expr)
            case t.Comp():
                return self.comprehension(expr)
            case t.Bind(target=target, value=value):
                held = self.eval(value)
                self.bind(target, held)
                return held
            case t.Lambda():
                return self.lambda_(expr)
            case t.Choice(test=test):
                self.eval(test)
                return self.eval(expr.then) | self.eval(expr.other)
            case t.Map():
                return self.mapping(expr)
            case t.Seq(items=[first, second]) if isinstance(second, t.Seq | t.Map):
                position = (expr.line, expr.column, expr.end_line)
                held = self.eval(first) | self.eval(second)
                query = t.Call(*position, t.Name(*position, "execute"), [first, second], [])
                found = self.selection(query, NOTHING, held)  # (text, parameters), run later
                return as_found(held) if found else held
            case t.Text():
                return frozenset[Mark]().union(*(self.eval(part) for part in expr.parts))
        return frozenset[Mark]().union(
            *(self.eval(child) for child in t.children(expr) if not isinstance(child, t.Param))  # type: ignore[arg-type]
        )

    def mapping(self, expr: t.Map) -> Marks:
        return frozenset[Mark]().union(*(self.eval(value) for value in expr.values))

    def member(self, held: Marks, name: str) -> Marks:
        """What a part of a marked value holds."""
        found: set[Mark] = set()
        for mark in held:
            if mark.kind == "id":
                found.add(msgspec.structs.replace(mark, found=True))
            elif mark.kind != "container":
                found.add(mark)
            elif name and (sent := sent_id(name, mark.source)):
                found |= sent
            else:
                found.add(mark)
        return frozenset(found)

    def comprehension(self, expr: t.Comp) -> Marks:
        held: Marks = NOTHING
        for loop in expr.loops:
            over = self.eval(loop.iter)
            self.bind(loop.target, over)
            held |= over
            for condition in loop.conditions:
                held |= self.eval(condition)
        return held.union(*(self.eval(element) for element in expr.elements))

    def lambda_(self, expr: t.Lambda) -> Marks:
        scope, self.scope = self.scope, self.scope.module.scopes.get(id(expr), self.scope)
        held = self.eval(expr.body)
        self.scope = scope
        return held

    # --- calls

    def call(self, expr: t.Call) -> Marks:
        func = expr.func
        last = t.last_word(func)
        if (made := direct(expr, THREADS, WRAPS) or unwrapped(expr)) is not None:
            return self.call(made)
        receiver = self.eval(func.value) if isinstance(func, t.Attr) else NOTHING
        if isinstance(func, t.Call):
            receiver = self.eval(func)
        if any(m.kind in ("container", "request") for m in receiver):
            if last in _MEMBERS and expr.args and isinstance(expr.args[0], t.Const):
                return self.member(receiver, str(expr.args[0].value))
            if last in _CONTAINER_CALLS:
                return self.labels.ambient(func, self.scope) or receiver
        if last == "getattr" and len(expr.args) > 1 and isinstance(expr.args[1], t.Const):
            at_ = (expr.line, expr.column, expr.end_line)
            return self.eval(t.Attr(*at_, expr.args[0], str(expr.args[1].value)))
        positional = [self.eval(arg) for arg in expr.args]
        named = [(k.name, self.eval(k.value)) for k in expr.keywords]
        everything = receiver.union(*positional, *(marks for _, marks in named))
        if last in _CHANGES and not self.of_relation(func):
            about = receiver.union(*positional[:1], *(m for k, m in named if k in _KEYWORDS))
            self.trace.changed |= ids(about)
        selected = self.selection(expr, receiver, everything)
        if last not in _UNPACKS:
            everything = frozenset(m for m in everything if m.kind != "container")
        if selected and selected.whole:
            return as_found(everything)
        callee = self.code.defined(func, self.scope)
        if callee is None and isinstance(func, t.Attr) and everything and not selected:
            callee = self.only_method(last, expr)
        if callee is not None and isinstance(callee.node, t.Function):
            if self.encloses(callee):
                return self.within(callee.node, positional, named)
            followed = self.follow(expr, callee, receiver, positional, named)
            if followed is not None:
                return followed | (as_found(everything) if selected else NOTHING)
        if selected:
            return as_found(everything)
        if isinstance(func, t.Name) and (kept := self.lambdas.get(func.id)) is not None:
            return self.within(kept, positional, named)
        if callee is not None and isinstance(callee.node, t.Class):
            return self.constructed(callee, everything)
        if last in _MAKES and knows_caller(everything) and isinstance(func, t.Attr):
            if kind := self.labels.serves(func.value, self.scope):
                self.trace.made.add(kind)
        self.unread(expr, last, callee, everything)
        return everything

    def encloses(self, callee: Located) -> bool:
        """Whether a function is written inside this one, and so knows what its variables hold."""
        scope: Scope | None = callee.scope
        while scope is not None and scope.owner is not self.node:
            scope = scope.parent
        return scope is not None

    def within(
        self,
        inner: t.Function | t.Lambda,
        positional: list[Marks],
        named: list[tuple[str | None, Marks]],
    ) -> Marks:
        """What a function gives back that is written inside this one, for what it is given."""
        self.entered += 1
        if self.nesting > _MAX_NESTING or self.entered > _MAX_WITHIN:
            return NOTHING.union(*positional, *(marks for _, marks in named))
        names = [p.name for p in inner.params if p.kind == "positional"]
        given = dict(zip(names, positional, strict=False))
        given |= {name: marks for name, marks in named if name}
        before, self.trace.returns = self.trace.returns, NOTHING
        with self.inside(inner, given):
            if isinstance(inner, t.Lambda):
                self.trace.returns = self.eval(inner.body)
            else:
                self.block(inner.body)
        held, self.trace.returns = self.trace.returns, before
        return held

    def constructed(self, callee: Located, held: Marks) -> Marks:
        """A new record is not the object that an id given to it stands for."""
        if knows_caller(held):
            self.trace.made.add(self.code.own_name(callee))
        return as_found(held)

    def of_relation(self, func: t.Expr) -> bool:
        """`user.notifications.filter(…).delete()` changes no user."""
        inner = func.value if isinstance(func, t.Attr) else None
        if not isinstance(inner, t.Call | t.Attr):
            return False
        while isinstance(inner, t.Call | t.Attr):
            inner = inner.func if isinstance(inner, t.Call) else inner.value
        return isinstance(inner, t.Name) and bool(ids(self.env.get(inner.id, NOTHING)))

    def only_method(self, name: str, expr: t.Call) -> Located | None:
        """The one method of the tree that a call of something injected can mean."""
        if name in NEUTRAL or len(name) < 5 or name in ("first", "filter", "where"):
            return None
        found = self.code.methods_named(name)
        return found[0] if len(found) == 1 else None

    def selection(self, expr: t.Call, receiver: Marks, everything: Marks) -> Selection | None:
        """How a call finds stored objects; if it does so by an id, that is remembered."""
        if not ids(everything) and not knows_caller(everything):
            return None
        found = self.labels.selects(expr, self.scope)
        if found is None:
            return None
        keys = frozenset[Mark]().union(*(self.eval(key) for key in found.keys))
        restricting = keys | receiver
        if found.within is not None:
            restricting |= self.eval(found.within)
        where = self.labels.at(expr, self.scope)
        if named := frozenset(m for m in keys if m.kind == "id" and not m.found):
            self.trace.accesses.add(Access(where, found.kind, named))
            if found.changes:
                self.trace.changed |= named
        if knows_caller(restricting) and found.kind:
            self.trace.kept.add(found.kind)
        if met := ids(restricting):
            if knows_caller(restricting):
                self.trace.ties.add(Meeting(met, "query", where))
            if len(met) > 1:
                self.trace.links.add(met)
        return found

    def unread(self, expr: t.Call, last: str, callee: Located | None, held: Marks) -> None:
        """A call of what cannot be read: given both, it may well check one against the other."""
        found = ids(held)
        if len(found) > 1 and (last.startswith(("execute", "fetch")) or last not in NEUTRAL):
            self.trace.links.add(found)
        if not found or callee is not None or last in NEUTRAL or last[:1].isupper():
            return
        asks = knows_caller(held) or (
            any(m.kind == "request" for m in held) and _ASKS.search(last) is not None
        )
        if asks and not re.search(
            r"log(?:ger|ging)?$", t.dotted(getattr(expr.func, "value", None))
        ):
            self.trace.ties.add(Meeting(found, "checked", self.labels.at(expr, self.scope)))
        elif len(found) == 1:
            self.trace.unfollowed.add(found)

    def follow(
        self,
        expr: t.Call,
        callee: Located,
        receiver: Marks,
        positional: list[Marks],
        named: list[tuple[str | None, Marks]],
    ) -> Marks | None:
        """What a function of the tree gives back; what it does counts here."""
        assert isinstance(callee.node, t.Function)
        params = list(callee.node.params)
        given: dict[str, Marks] = {}
        static = any(t.dotted(d) == "staticmethod" for d in callee.node.decorators)
        if isinstance(callee.scope.owner, t.Class) and params and not static:
            given[params.pop(0).name] = receiver
        plain = [p.name for p in params if p.kind == "positional"]
        rest = next((p.name for p in params if p.kind == "args"), "")
        extra = next((p.name for p in params if p.kind == "kwargs"), "")
        names = {p.name for p in params}
        for index, (arg, marks) in enumerate(zip(expr.args, positional, strict=True)):
            if isinstance(arg, t.Star):
                for name in plain[index:]:
                    given[name] = given.get(name, NOTHING) | marks
            elif index < len(plain):
                given[plain[index]] = marks
            elif rest:
                given[rest] = given.get(rest, NOTHING) | marks
        for keyword, marks in named:
            if keyword is None:
                for name in names:
                    given.setdefault(name, marks)
            elif keyword in names:
                given[keyword] = marks
            elif extra:
                given[extra] = given.get(extra, NOTHING) | marks
        found = self.labels.trace(callee, given)
        if found is None:
            return None
        if any(not a.kind for a in found.accesses):
            kind = self.generic_kind(expr)
            settled = (Access(a.where, a.kind or kind, a.ids) for a in found.accesses)
            found = replace(found, accesses=Gathered.of(settled))
        self.trace.add(found)
        return found.returns

    def generic_kind(self, expr: t.Call) -> str:
        """The class that a repository serves: `CRUDItem(Item)`, `class Items(Repository[Item])`."""
        if not isinstance(expr.func, t.Attr):
            return ""
        if isinstance(expr.func.value, t.Name) and expr.func.value.id in ("self", "cls"):
            own = self.scope.parent
            if own is not None and isinstance(own.owner, t.Class) and own.parent is not None:
                return self.labels.serves(expr.func.value, self.scope)
            return ""
        return self.labels.serves(expr.func.value, self.scope)
