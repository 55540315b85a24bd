"""The walk through one function that `auditor/link/flow.py` rests on."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import msgspec

from auditor.extract.python import tree as t
from auditor.link.flow import Env, Flow, Hit, Reached, Summary, bring, bring_source
from auditor.link.names import CallSite, Located
from auditor.link.taint import Form, Source, Taint, each, join, join_all, merge, record
from auditor.link.validation import CLEANERS, DECODERS, WRAPPERS, Validation, coat_of, leads
from auditor.link.values import place_of
from auditor.model.values import Known

_MAX_NESTING = 150
_ENDING = {"abort", "exit", "_exit", "fail"}
_HANDS_ON = {
    "to_thread": 0, "run_in_threadpool": 0, "run_sync": 0, "run_in_executor": 1, "add_task": 0,
    "submit": 0, "call_soon": 0, "partial": 0, "sync_to_async": 0, "enqueue": 0,
}  # fmt: skip
"""Calls that call their argument at this position with those after it."""
_FILLS = {
    "append", "add", "extend", "insert", "appendleft", "update", "setdefault", "set", "write",
}  # fmt: skip
_TEXTUAL = {
    "strip", "lstrip", "rstrip", "lower", "upper", "title", "capitalize", "casefold", "replace",
    "removeprefix", "removesuffix", "encode", "decode", "format", "center", "ljust", "rjust",
    "zfill", "translate", "swapcase", "expandtabs", "join", "format_map", "unicode_string",
    "absolute", "resolve", "as_posix", "expanduser", "joinpath", "with_suffix", "with_name",
    "geturl", "read", "getvalue", "unescape", "hex", "read_text",
}  # fmt: skip
_LISTS = {"split", "rsplit", "splitlines", "partition", "rpartition", "getlist", "get_all"}
_ITSELF = {
    "dict", "model_dump", "copy", "to_dict", "items", "values", "json", "get_json", "deepcopy",
    "__getitem__", "asdict", "model_copy", "multi_items", "lists", "jsonable_encoder", "form",
}  # fmt: skip
_DUMPS = {"dict", "model_dump", "asdict", "json", "copy", "to_dict"}
_MEMBERS = {"get", "pop", "setdefault", "getone", "get_default", "getfirst"}
_HARMFUL = {".", "..", "/", "../", "'", '"', "\\", ";", "<", "://"}
"""Text whose removal is meant to make a value harmless."""
_LOOKS_UP = re.compile(
    r"get|find|fetch|query|select|exist|lookup|first|one|scalar|filter|load", re.I
)
_TELLS = {
    "startswith", "endswith", "isdigit", "isalpha", "isalnum", "isnumeric", "isdecimal", "count",
    "find", "index", "rfind", "isidentifier", "islower", "isupper", "isspace", "exists", "is_file",
    "is_dir", "validate", "keys_match",
}  # fmt: skip
"""Methods of a value whose result holds nothing of it."""


class Walk(Validation):
    """Carries what each variable holds of the caller's from statement to statement."""

    def __init__(self, flow: Flow, function: Located, given: dict[str, Taint]) -> None:
        assert isinstance(function.node, t.Function)
        self.flow, self.code = flow, flow.code
        self.node = function.node
        self.scope = self.code.inside(function)
        self.env: Env = {}
        for param in self.node.params:
            self.env[param.name] = given.get(param.name)
        for name, taint in given.items():
            self.env.setdefault(name, taint)
        self.returns: Taint | None = None
        self.hits: dict[tuple[object, ...], Hit] = {}
        self.jumps: list[list[Env]] = []
        self.lookups: dict[str, list[str]] = {}
        self.nesting = 0

    def run(self) -> Summary:
        self.block(self.node.body)
        own = self.node.params[0].name + "." if self.node.params else "."
        attributes = tuple(
            (key[len(own) :], taint)
            for key, taint in self.env.items()
            if taint is not None and key.startswith(own) and key.count(".") == 1
        )
        return Summary(self.returns, tuple(self.hits.values()), attributes)

    # --- statements: whether a path goes on

    def block(self, body: Iterable[t.Stmt]) -> bool:
        for stmt in body:
            self.flow.statements += 1
            if not self.stmt(stmt):
                return False
        return True

    def stmt(self, stmt: t.Stmt) -> bool:
        match stmt:
            case t.Assign(value=value) if value is not None:
                self.assign(stmt, value)
            case t.Do(value=value):
                self.eval(value)
                if isinstance(value, t.Call):
                    if t.last_word(value.func) in _ENDING:
                        return False
                    self.learn_from_call(value)
            case t.Return(value=value):
                if value is not None:
                    self.leave(stmt, value)
                return False
            case t.If():
                return self.branch(stmt)
            case t.Raise(exception=exception):
                if exception is not None:
                    self.eval(exception)
                return False
            case t.For(target=target, iter=iterable):
                item = each(self.eval(iterable))
                self.loop(stmt.body, stmt.orelse, lambda: self.bind(target, item, iterable))
            case t.While(test=test):
                self.eval(test)
                self.loop(stmt.body, stmt.orelse, lambda: self.learn(test, True))
            case t.Try():
                return self.attempt(stmt)
            case t.With():
                for context, target_of in zip(stmt.contexts, stmt.targets, strict=True):
                    entered = self.eval(context)
                    if target_of is not None:
                        self.bind(target_of, entered)
                return self.block(stmt.body)
            case t.Match():
                return self.match(stmt)
            case t.Assert(test=test):
                self.eval(test)
                self.learn(test, True)
            case t.Function():
                self.inner(stmt)
            case t.Jump(kind="break" | "continue"):
                if self.jumps:
                    self.jumps[-1].append(dict(self.env))
                return False
        return True

    def assign(self, stmt: t.Assign, value: t.Expr) -> None:
        held = self.eval(value)
        if held is None and isinstance(stmt.targets[0], t.Name):
            self.remember(stmt.targets[0].id, value)
        for target in stmt.targets:
            if stmt.op:
                before = self.eval(target)
                held = (
                    self.concatenated([(target, before), (value, held)])
                    if stmt.op in "+%"
                    else join(before, held)
                )
            self.bind(target, held, value)

    def remember(self, name: str, value: t.Expr) -> None:
        """`found = get_by_name(x)`: once `found` proves true, `x` names something that exists."""
        call = value.value if isinstance(value, t.Await) else value
        self.lookups.pop(name, None)
        if isinstance(call, t.Call) and _LOOKS_UP.search(t.last_word(call.func)):
            keys = [self.key(x) for x in [*call.args, *(k.value for k in call.keywords)]]
            found = [k for k in keys if k and (held := self.env.get(k)) and held.form is Form.TEXT]
            if found and not any(hit.where.node is call for hit in self.hits.values()):
                self.lookups[name] = found

    def bind(self, target: t.Expr, held: Taint | None, value: t.Expr | None = None) -> None:
        match target:
            case t.Name(id=name):
                self.forget(name)
                self.env[name] = held.step(name) if held else None
            case t.Seq(items=items):
                if held is not None and isinstance(value, t.Call) and _is_splitext(value):
                    self.bind(items[0], held.as_text())
                    self.bind(items[-1], held.dressed("a name"))
                    return
                spread = value.items if isinstance(value, t.Seq) else None
                for index, item in enumerate(items):
                    inner = item.value if isinstance(item, t.Star) else item
                    if (spread is not None and len(spread) == len(items)) or (
                        held is not None and held.form is Form.RECORD
                    ):
                        self.bind(inner, self.part(held, str(index)))
                    else:
                        self.bind(inner, each(held))
            case t.Attr(value=owner):
                key = self.key(target)
                if key:
                    self.env[key] = held
                else:
                    self.eval(owner)
            case t.Item(value=owner, index=index):
                self.fill(owner, index, held)

    def forget(self, name: str) -> None:
        """A variable is bound anew: what was known of its parts is about another value."""
        stale = [k for k in self.env if k.startswith((name + ".", name + "["))]
        for key in stale:
            del self.env[key]

    def fill(self, owner: t.Expr, index: t.Expr, held: Taint | None) -> None:
        """`owner[index] = held`."""
        key = self.key(owner)
        place = self.eval(index)
        if (
            held is not None
            and held.form is Form.TEXT
            and not held.led
            and _is_location(owner, index)
        ):
            if not held.proof("redirect"):
                self.hit("redirect", index, "Location", held)
        if not key:
            return
        before = self.env.get(key)
        self.env.pop(f"{key}[{self.constant(index)!r}]", None)
        if before is not None and before.form is not Form.RECORD:
            return
        parts = before.parts() if before else {}
        name = self.constant(index)
        if name is not None:
            parts.pop(name, None)
            if held is not None:
                parts[name] = held
        elif held is not None:
            if place is not None:
                parts["**"] = Taint(held.source, Form.OBJECT, steps=held.steps)
            else:
                parts["*"] = join(parts.get("*"), held) or held
        self.env[key] = record(held or before, parts) if (held or before) else None  # type: ignore[arg-type]

    def leave(self, stmt: t.Return, value: t.Expr) -> None:
        held = self.eval(value)
        self.returns = join(self.returns, held)
        if held is not None and self.answers(value):
            page = held.parts().get("0") if isinstance(value, t.Seq) else held
            if page is not None and page.form is Form.TEXT and not page.proof("markup"):
                self.hit("markup", value, "return", page)

    def answers(self, value: t.Expr) -> bool:
        """Whether what is returned becomes a page."""
        own = self.scope.owner is self.node and id(self.node) in self.flow.pages
        return own and not _typed_answer(value)

    def branch(self, stmt: t.If) -> bool:
        self.eval(stmt.test)
        settled = self.settled(stmt.test)
        if settled is not None:
            return self.block(stmt.body if settled else stmt.orelse)
        before = dict(self.env)
        self.learn(stmt.test, True)
        then = self.block(stmt.body)
        after, self.env = self.env, before
        self.learn(stmt.test, False)
        other = self.block(stmt.orelse)
        if then and other:
            self.env = merge([after, self.env])
        elif then:
            self.env = after
        return then or other

    def settled(self, test: t.Expr) -> bool | None:
        """The outcome of a test that rests on nothing but numbers and texts of this function."""
        value = self.settled_value(test)
        return bool(value.value) if value is not None else None

    def settled_value(self, expr: t.Expr) -> Known | None:
        if isinstance(expr, t.Const) and expr.value is False:
            return Known(False, place_of(Located(expr, self.scope)))  # `if False:` never runs
        names = 0
        for node in t.walk_own(expr):
            if isinstance(node, t.Name):
                names += 1
                bound = self.scope.bindings.get(node.id, ())
                if len(bound) != 1 or bound[0].kind != "value" or bound[0].index is not None:
                    return None
            elif not isinstance(node, _PLAIN):
                return None
        if not names:
            return None  # any other constant is a switch that somebody turns
        value = self.flow.values.value(expr, self.scope)
        return value if isinstance(value, Known) else None

    def loop(self, body: list[t.Stmt], orelse: list[t.Stmt], enter: Callable[[], None]) -> None:
        for _ in range(2):
            before = dict(self.env)
            self.jumps.append([])
            enter()
            goes_on = self.block(body)
            ends = [before, *self.jumps.pop()]
            if goes_on:
                ends.append(self.env)
            self.env = merge(ends)
            if self.env == before:
                break
        self.block(orelse)

    def attempt(self, stmt: t.Try) -> bool:
        before = dict(self.env)
        goes_on = self.block(stmt.body)
        if goes_on:
            goes_on = self.block(stmt.orelse)
        after = self.env
        ends = [after] if goes_on else []
        for handler in stmt.handlers:
            self.env = merge([before, after])
            if handler.name:
                self.env[handler.name] = None
            if self.block(handler.body):
                ends.append(self.env)
        self.env = merge(ends) if ends else after
        if stmt.final and not self.block(stmt.final):
            return False
        return bool(ends)

    def match(self, stmt: t.Match) -> bool:
        subject = self.eval(stmt.subject)
        settled = self.settled_value(stmt.subject)
        before = dict(self.env)
        cases = stmt.cases if settled is None else _matching(stmt.cases, settled.value)
        ends = [] if settled is not None and cases else [before]
        for case in cases:
            self.env = dict(before)
            for name in case.names:
                self.env[name] = each(subject)
            if case.values and not case.names:
                self.clean(stmt.subject)
            if case.guard is not None:
                self.eval(case.guard)
            if self.block(case.body):
                ends.append(self.env)
        self.env = merge(ends) if ends else before
        return bool(ends)

    def inner(self, function: t.Function) -> None:
        """A nested function, with what it finds around it; what it returns is its own."""
        if self.nesting > 20:
            return
        self.nesting += 5
        saved = self.env, self.returns, self.scope, self.jumps
        self.env = {**self.env, **{p.name: None for p in function.params}}
        self.scope, self.jumps = self.scope.module.scopes[id(function)], []
        self.block(function.body)
        self.env, self.returns, self.scope, self.jumps = saved
        self.nesting -= 5

    # --- expressions

    def eval(self, expr: t.Expr) -> Taint | None:
        kind = type(expr)
        if kind is t.Const:
            return None
        if kind is t.Name:
            return self.named(expr)  # type: ignore[arg-type]
        evaluate = _EVALUATORS.get(kind)
        if evaluate is None or self.nesting > _MAX_NESTING:
            return None
        self.nesting += 1
        try:
            found: Taint | None = evaluate(self, expr)
            return found
        finally:
            self.nesting -= 1

    def named(self, expr: t.Name) -> Taint | None:
        if expr.id in self.env:
            return self.env[expr.id]
        return self.flow.read(expr, self.scope) if self.flow.implicit else None

    def attribute(self, expr: t.Attr) -> Taint | None:
        if (key := self.key(expr)) in self.env:
            return self.env[key]
        base = self.eval(expr.value)
        if base is None:
            return self.flow.read(expr, self.scope) if self.flow.implicit else None
        return self.get(base, expr.name)

    def get(self, base: Taint, name: str) -> Taint | None:
        """An attribute of a tainted value."""
        match base.form:
            case Form.REQUEST:
                return _of_request(base, name, called=False)
            case Form.MODEL:
                return self.field(base, name)
            case Form.RECORD:
                return base.parts().get(name)
            case Form.FILE:
                if (
                    name == "name"
                ):  # Django's: https://docs.djangoproject.com/en/stable/ref/files/uploads/
                    return replace(
                        base.as_text(), source=msgspec.structs.replace(base.source, segment=True)
                    )
                return base.as_text() if name in ("filename", "file", "stream") else None
            case Form.TEXT:
                if name in (
                    "filename",
                    "path",
                    "netloc",
                    "hostname",
                    "query",
                    "parent",
                    "stem",
                    "name",
                    "value",
                    "raw",
                ):
                    return base
                return None
            case Form.FIELDS if name not in ("get", "items"):
                return replace(base, form=Form.TEXT, source=base.source.at(name))
        return replace(base, source=base.source.at(name))

    def field(self, base: Taint, name: str) -> Taint | None:
        found = self.flow.member(base.model, name, base.source)
        return replace(found, steps=base.steps) if found else None

    def part(self, base: Taint | None, key: str | None) -> Taint | None:
        """A subscript of a tainted value."""
        if base is None or key is None:
            return _value(base) if base is not None and base.form is Form.DUMP else each(base)
        match base.form:
            case Form.RECORD:
                parts = base.parts()
                if key in parts:
                    return parts[key]
                return join(parts.get("*"), self.part(parts.get("**"), key))
            case Form.MODEL | Form.DUMP:
                return self.field(base, key)
            case Form.FIELDS:
                form = Form.FILE if base.source.kind == "file" else Form.TEXT
                return replace(base, form=form, source=base.source.at(key))
            case Form.OBJECT:
                return replace(base, source=base.source.at(key))
        return base

    def item(self, expr: t.Item) -> Taint | None:
        if (key := self.key(expr)) in self.env:
            return self.env[key]
        base = self.eval(expr.value)
        if not isinstance(expr.index, t.Const):
            self.eval(expr.index)
        if base is None:
            return None
        if base.form is Form.REQUEST:
            return None
        found = self.part(base, self.constant(expr.index))
        return found.dressed("a name") if found is not None and _is_end(expr) else found

    @staticmethod
    def constant(expr: t.Expr | None) -> str | None:
        if isinstance(expr, t.Const) and isinstance(expr.value, str | int):
            return str(expr.value)
        return None

    def text(self, expr: t.Text) -> Taint | None:
        return self.concatenated([(part, self.eval(part)) for part in expr.parts])

    def concatenated(self, parts: list[tuple[t.Expr, Taint | None]]) -> Taint | None:
        """Pieces of text put together; what stands before the first tainted one leads it."""
        first = next((i for i, (_, held) in enumerate(parts) if held is not None), None)
        if first is None:
            return None
        held = parts[first][1]
        assert held is not None
        words = [
            p.value if isinstance(p, t.Const) and isinstance(p.value, str) else None
            for p, _ in parts
        ]
        led = held.led if first == 0 else leads(words[:first], words[first + 1 : first + 2])
        within = " ".join(w for w in words if w)[:160]
        return held.as_text(led or held.led, " ".join(x for x in (within, held.within) if x)[:200])

    def binary(self, expr: t.BinOp) -> Taint | None:
        left, right = self.eval(expr.left), self.eval(expr.right)
        if left is None and right is None:
            return None
        if expr.op == "+":
            if any(
                x is not None and x.form is not Form.TEXT and x.form is not Form.OBJECT
                for x in (left, right)
            ):
                return join(left, right)
            return self.concatenated([(expr.left, left), (expr.right, right)])
        if expr.op == "%":
            return self.formatted(expr.left, left, right)
        if expr.op == "/":
            return self.concatenated([(expr.left, left), (expr.right, right)])
        if expr.op == "|":
            return join(left, right)
        return None

    def formatted(self, template: t.Expr, held: Taint | None, given: Taint | None) -> Taint | None:
        """`"…%s…" % given`, `"…{}…".format(given)`."""
        if held is not None:
            return held.as_text()
        if given is None:
            return None
        if not isinstance(template, t.Const) or not isinstance(template.value, str):
            return each(given).as_text(led=True) if each(given) else None  # type: ignore[union-attr]
        before = template.value.partition("%")[0].partition("{")[0]
        part = each(given)
        return part.as_text(leads([before], []), template.value[:160]) if part else None

    def boolean(self, expr: t.BoolOp) -> Taint | None:
        before = dict(self.env)
        found: Taint | None = None
        for value in expr.values:
            found = join(found, self.eval(value))
            self.learn(value, expr.op == "and")
        self.env = before
        return found

    def choice(self, expr: t.Choice) -> Taint | None:
        self.eval(expr.test)
        settled = self.settled(expr.test)
        if settled is not None:
            return self.eval(expr.then if settled else expr.other)
        before = dict(self.env)
        self.learn(expr.test, True)
        then = self.eval(expr.then)
        self.env = dict(before)
        self.learn(expr.test, False)
        other = self.eval(expr.other)
        self.env = before
        return join(then, other)

    def compare(self, expr: t.Compare) -> None:
        self.eval(expr.left)
        for right in expr.rights:
            self.eval(right)

    def display(self, expr: t.Seq) -> Taint | None:
        parts: dict[str, Taint] = {}
        for index, item in enumerate(expr.items):
            if isinstance(item, t.Star):
                if spread := each(self.eval(item.value)):
                    parts["*"] = join(parts.get("*"), spread) or spread
            elif held := self.eval(item):
                parts[str(index)] = held
        return record(next(iter(parts.values())), parts) if parts else None

    def mapping(self, expr: t.Map) -> Taint | None:
        parts: dict[str, Taint] = {}
        for key, value in zip(expr.keys, expr.values, strict=True):
            held = self.eval(value)
            if key is None:
                if held is not None and held.form is Form.RECORD:
                    parts |= held.parts()
                elif held is not None:
                    parts["**"] = held
                continue
            place = self.eval(key)
            name = self.constant(key) or self.flow.values.text(key, self.scope) if held else None
            if name is not None:
                parts.pop(name, None)
            if held is not None:
                parts[name if name is not None else ("**" if place else "*")] = held
            elif place is not None:
                parts["**"] = place
        return record(next(iter(parts.values())), parts) if parts else None

    def comprehension(self, expr: t.Comp) -> Taint | None:
        before = dict(self.env)
        for loop in expr.loops:
            self.bind(loop.target, each(self.eval(loop.iter)), loop.iter)
            for condition in loop.conditions:
                self.eval(condition)
                self.learn(condition, True)
        found = [self.eval(element) for element in expr.elements]
        self.env = before
        held = found[-1]
        if len(found) == 2 and found[0] is not None:
            return Taint(
                found[0].source,
                Form.OBJECT if held and held.form is Form.OBJECT else Form.FIELDS,
                steps=found[0].steps,
            )
        return record(held, {"*": held}) if held else None

    def awaited(self, expr: t.Await | t.Star) -> Taint | None:
        return self.eval(expr.value)

    def walrus(self, expr: t.Bind) -> Taint | None:
        held = self.eval(expr.value)
        self.bind(expr.target, held, expr.value)
        return held

    def unary(self, expr: t.Unary) -> None:
        self.eval(expr.value)

    def yielded(self, expr: t.Yield) -> None:
        if expr.value is not None:
            self.returns = join(self.returns, self.eval(expr.value))

    def function(self, expr: t.Lambda) -> Taint | None:
        before, scope = self.env, self.scope
        self.env = {**before, **{p.name: None for p in expr.params}}
        self.scope = scope.module.scopes.get(id(expr), scope)
        found = self.eval(expr.body)
        self.env, self.scope = before, scope
        return found

    def slice(self, expr: t.Slice) -> None:
        for bound in (expr.lower, expr.upper):
            if bound is not None:
                self.eval(bound)

    # --- calls

    def call(self, expr: t.Call) -> Taint | None:
        self.flow.statements += 1
        func = expr.func
        receiver = None
        if isinstance(func, t.Attr):
            if (key := self.key(expr)) in self.env:
                return self.env[key]
            if func.name in ("unescape", "striptags"):
                match func.value:  # markup that is taken apart again
                    case t.Call(func=t.Name(id="Markup"), args=[inner]):
                        return self.eval(inner)
            receiver = self.eval(func.value)
            if receiver is None and self.flow.implicit and func.name in ("get_json", "get"):
                receiver = None
        elif not isinstance(func, t.Name):
            self.eval(func)
        positional = tuple([self.eval(arg) for arg in expr.args])
        named = {k.name: self.eval(k.value) for k in expr.keywords} if expr.keywords else {}
        if receiver is None and not any(positional) and not any(named.values()):
            return self.untouched(expr)
        reached = Reached(CallSite(expr, self.scope), self.flow, receiver, positional, named)
        last = t.last_word(func)
        if last in _HANDS_ON and self.handed_on(expr, _HANDS_ON[last]):
            return self.eval(self.handed_on(expr, _HANDS_ON[last]))  # type: ignore[arg-type]
        sinks = set()
        for sink, taint in self.flow.drained(reached, last):
            sinks.add(sink)
            self.hit(sink, expr, reached.spelt, taint)
        return self.result(reached, last, sinks)

    def hit(self, sink: str, node: t.Node, what: str, taint: Taint) -> None:
        leaf = taint.leaf
        if isinstance(node, t.Call):
            node = self.part_of(node, leaf) or node
        found = Hit(sink, Located(node, self.scope), what, leaf.source, leaf.steps)
        self.hits.setdefault(found.key, found)

    def part_of(self, call: t.Call, leaf: Taint) -> t.Expr | None:
        """The entry of a display in a call's arguments that holds a value."""
        stack = [x for x in call.args if isinstance(x, t.Map | t.Seq)]
        while stack:
            display = stack.pop()
            for entry in display.values if isinstance(display, t.Map) else display.items:
                if isinstance(entry, t.Map | t.Seq):
                    stack.append(entry)
                elif (held := self.eval(entry)) is not None and held.leaf == leaf:
                    return entry
        return None

    def handed_on(self, expr: t.Call, position: int) -> t.Call | None:
        """`run_in_executor(None, f, x)` as `f(x)`."""
        if len(expr.args) <= position or not isinstance(expr.args[position], t.Name | t.Attr):
            return None
        rest = expr.args[position + 1 :]
        return t.Call(
            expr.line, expr.column, expr.end_line, expr.args[position], rest, expr.keywords
        )

    def untouched(self, expr: t.Call) -> Taint | None:
        """A call that is given nothing of the caller's may still read the request by itself."""
        if not self.flow.implicit:
            return None
        callee = self.code.defined(expr.func, self.scope)
        if callee is None or not isinstance(callee.node, t.Function) or not self.flow.reads(callee):
            return None
        return self.through(callee, {})

    def result(self, reached: Reached, last: str, sinks: set[str]) -> Taint | None:
        expr = reached.site.node
        callee = self.code.defined(expr.func, self.scope)
        if callee is not None and isinstance(callee.node, t.Function):
            return self.through(callee, self.arguments(reached, callee), sinks, reached.site)
        if callee is not None:
            return self.constructed(reached, callee)
        given = join_all([*reached.positional, *reached.named.values()])
        coat = coat_of(reached.name, last)
        if coat is not None:
            encoded = given or reached.receiver
            return encoded.dressed(coat) if encoded is not None else None
        if last in CLEANERS:
            return None
        if reached.receiver is not None:
            return self.of_method(reached, reached.receiver, last, given)
        if given is None:
            return None
        if isinstance(expr.func, t.Attr):
            if last in _FILLS:
                self.grow(expr.func.value, reached, last)
                return None
            if last == "join" and reached.name.partition("(")[0] not in (
                "os.path.join",
                "posixpath.join",
            ):
                part = each(given)
                return part.as_text(led=False) if part else None
            if last in ("format", "format_map"):
                return self.formatted(expr.func.value, None, given)
            if last == "joinpath":
                return given.as_text(led=True)
        if reached.name in ("asyncio.run", "asyncio.Runner().run"):
            return reached.arg(0)
        if reached.name in ("tarfile.open", "tarfile.TarFile.open"):
            return Taint(given.leaf.source, Form.FILE, steps=given.leaf.steps)
        if last in DECODERS:
            return given.bare(*DECODERS[last])
        wrapper = WRAPPERS.get(last)
        if wrapper is None:
            return None
        if wrapper == "path":
            return given.as_text(reached.arg(0) is None or given.led)
        if wrapper == "text":
            return given.as_text()
        if wrapper == "file":
            return Taint(
                given.leaf.source, Form.FILE, coats=given.leaf.coats, steps=given.leaf.steps
            )
        if wrapper == "object":
            return Taint(given.leaf.source, Form.OBJECT, steps=given.leaf.steps)
        if last in ("vars", "asdict") and given.form is Form.MODEL:
            return self.dump(given)
        if wrapper == "second":
            second = reached.arg(1) or reached.arg(2)
            return second.as_text() if second else None
        return reached.arg(0) or given

    def grow(self, owner: t.Expr, reached: Reached, last: str) -> None:
        """`items.append(x)`, `query.update({…})`."""
        key = self.key(owner)
        place = {"insert": 1, "setdefault": 1, "set": len(reached.positional) - 1}.get(last, 0)
        held = reached.arg(place) or join_all(reached.named.values())
        if not key or held is None:
            return
        before = self.env.get(key)
        if before is not None and before.form is not Form.RECORD:
            return
        parts = before.parts() if before else {}
        if last == "update":
            parts |= held.parts() if held.form is Form.RECORD else {"**": held}
        elif last == "set":  # `config.set("section", "key", value)`
            parts = self.stored(reached, parts, held)
        elif last == "setdefault":
            parts[self.constant(reached.site.arg(0)) or "*"] = held
        else:
            grown = each(held) if last == "extend" else held
            if grown is not None:
                parts["*"] = join(parts.get("*"), grown) or grown
        self.env[key] = record(held, parts)

    def stored(self, reached: Reached, parts: dict[str, Taint], held: Taint) -> dict[str, Taint]:
        """The parts of a store once a value is kept under the constants that stand before it."""
        *under, value = [self.constant(arg) for arg in reached.site.node.args] or [None]
        if value is not None or not under or None in under:
            return parts
        return parts | {_under(under): held}

    def of_method(
        self, reached: Reached, base: Taint, last: str, given: Taint | None
    ) -> Taint | None:
        if base.form is Form.REQUEST:
            return _of_request(base, last, called=True)
        if last in _TELLS:
            return None
        if last in _MEMBERS:
            key = self.constant(reached.site.arg(0))
            if base.form is Form.RECORD and len(reached.site.node.args) > 1:
                under = _under([self.constant(arg) for arg in reached.site.node.args])
                key = under if under in base.parts() else key
            found = self.part(base, key)
            default = reached.arg(1)
            return join(found, default) if default is not None else found
        if last in _LISTS:
            part = (
                self.part(base, self.constant(reached.site.arg(0)))
                if last.startswith("get")
                else base
            )
            text = part.as_text() if part else None
            return record(text, {"*": text}) if text else None
        if last in _ITSELF:
            if base.form is Form.MODEL and last in _DUMPS:
                return self.dump(base)
            if last == "items" and base.form is Form.DUMP:
                pair = record(base, {"1": _value(base)})
                return record(base, {"*": pair}) if pair else None
            if last == "items" and base.form in (Form.OBJECT, Form.FIELDS):
                key_part = replace(base, form=Form.TEXT, source=base.source.at("*"))
                value = each(base)
                pair = record(base, {"0": key_part, "1": value} if value else {"0": key_part})
                return record(base, {"*": pair}) if pair else None
            if last == "items" and base.form is Form.RECORD:
                inner = each(base)
                pair = record(base, {"1": inner}) if inner else None
                return record(base, {"*": pair}) if pair else None
            if last == "values":
                inner = each(base)
                return record(base, {"*": inner}) if inner else None
            return base
        if base.form is Form.FILE:
            return base.as_text() if last in ("read", "getvalue") else None
        if last == "replace" and (self.constant(reached.site.arg(0)) or "x") in _HARMFUL:
            return None
        if last in _TEXTUAL:
            return base.as_text() if base.form is not Form.MODEL else None
        if last == "keys" and base.form in (Form.OBJECT, Form.FIELDS):
            part = replace(base, form=Form.TEXT, source=base.source.at("*"))
            return record(part, {"*": part})
        return None

    def dump(self, base: Taint) -> Taint:
        """A validated instance as a mapping: its keys are the class's, unless it takes any others."""
        return replace(base, form=Form.FIELDS if self.flow.takes_more(base.model) else Form.DUMP)

    # --- functions of the tree

    def arguments(self, reached: Reached, callee: Located) -> dict[str, Taint]:
        """The callee's parameters that get something of the caller's."""
        assert isinstance(callee.node, t.Function)
        params = list(callee.node.params)
        given: dict[str, Taint] = {}
        if isinstance(callee.scope.owner, t.Class) and params:
            if not any(t.dotted(d) == "staticmethod" for d in callee.node.decorators):
                first = params.pop(0)
                if reached.receiver is not None:
                    given[first.name] = reached.receiver
        plain = [p for p in params if p.kind == "positional"]
        expr = reached.site.node
        for index, (arg, held) in enumerate(zip(expr.args, reached.positional, strict=True)):
            if held is None:
                continue
            if isinstance(arg, t.Star):
                for param in plain[index:]:
                    if part := each(held):
                        given[param.name] = part
            elif index < len(plain):
                given[plain[index].name] = held
            else:
                for param in params:
                    if param.kind == "args":
                        given[param.name] = record(held, {"*": held}) or held
        names = {p.name for p in params}
        for keyword, held in reached.named.items():
            if held is None:
                continue
            if keyword is None:
                passed = {k.name for k in expr.keywords}
                for param in params:
                    if param.kind in ("positional", "keyword") and param.name not in given:
                        if param.name not in passed and (part := self.part(held, param.name)):
                            given.setdefault(param.name, part)
                    elif param.kind == "kwargs":
                        given[param.name] = held
            elif keyword in names:
                given[keyword] = held
            else:
                for param in params:
                    if param.kind == "kwargs":
                        more = given[param.name].parts() if param.name in given else {}
                        given[param.name] = record(held, {**more, keyword: held}) or held
        return given

    def through(
        self,
        callee: Located,
        given: dict[str, Taint],
        told: Iterable[str] = (),
        site: CallSite | None = None,
    ) -> Taint | None:
        """What a function of the tree gives back, and the sinks it leads to besides those told.

        Where SQL is put together here and only handed on, the flaw is here: `run(f"select …")`.
        """
        found = self.flow.summary(callee, given)
        name = callee.node.name  # type: ignore[attr-defined]
        for hit in found.hits:
            if hit.sink in told:
                continue
            source, steps = bring_source(hit.source, given)
            steps = tuple(dict.fromkeys((*steps, f"{name}()", *hit.steps)))[:6]
            brought = msgspec.structs.replace(hit, source=source, steps=steps)
            if site is not None and hit.sink == "sql" and hit.source.kind == "given":
                text = given.get(hit.source.name)
                if text is not None and _QUERY.search(text.leaf.within):
                    at = Located(site.node, site.scope)
                    brought = msgspec.structs.replace(brought, where=at, what=f"{name}()")
            self.hits.setdefault(brought.key, brought)
        return bring(found.returns, given)

    def constructed(self, reached: Reached, callee: Located) -> Taint | None:
        """An instance of a class of the tree: its attributes hold what it was given."""
        for sink, taint in self.flow.drained(reached, "()"):
            self.hit(sink, reached.site.node, reached.spelt, taint)
        ancestry = self.code.ancestry(callee)
        for ancestor in ancestry:
            method = self.code.definition(f"{ancestor}.__init__")
            if method is not None and isinstance(method.node, t.Function):
                given = self.arguments(reached, method)
                self.through(method, given)
                kept = self.flow.summary(method, given).attributes
                parts = {name: part for name, taint in kept if (part := bring(taint, given))}
                return record(next(iter(parts.values())), parts) if parts else None
        validates = any(_validates(name) for name in ancestry)
        if validates and (reached.positional or None in reached.named):
            held = join_all([*reached.positional, *reached.named.values()])
            if held is None:
                return None
            return Taint(held.leaf.source, Form.MODEL, ancestry[0], steps=held.leaf.steps)
        parts = {
            k: v
            for k, v in reached.named.items()
            if k and v and not (validates and self.flow.member(ancestry[0], k, v.source) is None)
        }
        return record(next(iter(parts.values())), parts) if parts else None


def _is_end(expr: t.Item) -> bool:
    """The last part of a name, which climbs nowhere: `name.rsplit(".", 1)[-1]`, `splitext(name)[1]`."""
    call, index = expr.value, expr.index
    if not isinstance(call, t.Call):
        return False
    if _is_splitext(call):
        return isinstance(index, t.Const) and index.value == 1
    match call, index:
        case (
            t.Call(func=t.Attr(name="split" | "rsplit"), args=[t.Const(value="." | "/"), *_]),
            t.Unary(op="-", value=t.Const(value=1)) | t.Const(value=-1),
        ):
            return True
    return False


def _is_splitext(call: t.Call) -> bool:
    return t.dotted(call.func).rpartition(".")[2] == "splitext"


def _under(constants: list[str | None]) -> str:
    return "\0".join(x or "" for x in constants)


_QUERY = re.compile(r"\b(?:select|insert|update|delete|from|where|values|order\s+by|limit)\b", re.I)
_PLAIN = (t.Const, t.BinOp, t.Compare, t.Unary, t.BoolOp, t.Item)


def _matching(cases: list[t.Case], subject: object) -> list[t.Case]:
    """The cases that a plain value may run: up to the first that certainly does."""
    found: list[t.Case] = []
    for case in cases:
        constants = [x.value for x in case.values if isinstance(x, t.Const)]
        if constants and len(constants) == len(case.values) and subject not in constants:
            continue
        found.append(case)
        if case.guard is None and (subject in constants or not case.values):
            break
    return found


def _typed_answer(value: t.Expr) -> bool:
    """`return text, 200, {"Content-Type": …}`: the answer is no page."""
    return isinstance(value, t.Seq) and any(
        isinstance(item, t.Map) and any(_is_content_type(key) for key in item.keys)
        for item in value.items[1:]
    )


def _is_location(owner: t.Expr, index: t.Expr) -> bool:
    """`response.headers["Location"]`."""
    named = isinstance(index, t.Const) and str(index.value).lower() == "location"
    return named and isinstance(owner, t.Attr) and owner.name == "headers"


def _is_content_type(key: t.Expr | None) -> bool:
    return isinstance(key, t.Const) and str(key.value).lower() == "content-type"


def _value(base: Taint) -> Taint:
    """Some value of a mapping whose keys a model names."""
    return Taint(base.source.at("*"), Form.TEXT, steps=base.steps)


def _validates(name: str) -> bool:
    return name.startswith(("pydantic.", "msgspec.", "ninja.")) and not name.endswith("dataclass")


_REQUEST_FIELDS = {
    "query_params": "query", "args": "query", "GET": "query", "values": "form", "form": "form",
    "POST": "form", "cookies": "cookie", "COOKIES": "cookie", "headers": "header",
    "path_params": "path", "view_args": "path", "FILES": "file", "files": "file", "REQUEST": "form",
    "params": "query", "query": "query",
}  # fmt: skip
_REQUEST_BODIES = {
    "json": "body",
    "get_json": "body",
    "data": "body",
    "JSON": "body",
    "json_body": "body",
}
_REQUEST_URL = {
    "url", "full_path", "path", "path_info", "base_url", "get_full_path", "build_absolute_uri",
    "get_full_path_info",
}  # fmt: skip
_REQUEST_TEXTS = {
    "body": "body",
    "get_data": "body",
    "raw_post_data": "body",
    "query_string": "query",
}


def _of_request(base: Taint, name: str, called: bool) -> Taint | None:
    """A part of the request, by the names that frameworks give it."""
    if kind := _REQUEST_FIELDS.get(name):
        segment = kind == "path"
        return Taint(Source(kind, segment=segment), Form.FIELDS)
    if kind := _REQUEST_BODIES.get(name):
        return (
            base
            if name == "json" and not called and base.source.name == "starlette"
            else Taint(Source(kind), Form.OBJECT)
        )
    if kind := _REQUEST_TEXTS.get(name):
        return Taint(Source(kind))
    if name in _REQUEST_URL:
        return Taint(Source("url"))
    return None


_EVALUATORS: dict[type, Callable[[Walk, Any], Taint | None]] = {
    t.Attr: Walk.attribute,
    t.Call: Walk.call,
    t.Item: Walk.item,
    t.Text: Walk.text,
    t.BinOp: Walk.binary,
    t.BoolOp: Walk.boolean,
    t.Choice: Walk.choice,
    t.Compare: Walk.compare,
    t.Seq: Walk.display,
    t.Map: Walk.mapping,
    t.Comp: Walk.comprehension,
    t.Await: Walk.awaited,
    t.Star: Walk.awaited,
    t.Bind: Walk.walrus,
    t.Unary: Walk.unary,
    t.Yield: Walk.yielded,
    t.Lambda: Walk.function,
    t.Slice: Walk.slice,
}
