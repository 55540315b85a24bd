"""The walk through the statements of one function."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from auditor.extract.python import tree as t
from auditor.link.flow.calling import Calling
from auditor.link.flow.engine import Flow
from auditor.link.flow.summaries import Env, Hit, Summary
from auditor.link.flow.taint import Form, Taint, each, join, merge
from auditor.link.scopes import Located

_TESTS = (t.Call, t.Compare, t.BoolOp, t.Unary)
_ENDING = {"abort", "exit", "_exit", "fail"}


class Walk(Calling):
    """Carries what each variable holds of the caller's from statement to statement."""

    def __init__(self, flow: Flow, function: Located, given: dict[str, Taint]) -> None:
        assert isinstance(function.node, t.Function)
        self.flow, self.code = flow, flow.code
        self.node = function.node
        self.scope = self.code.inside(function)
        self.env: Env = {}
        self.given, self.rebound = given, set()
        for param in self.node.params:
            self.env[param.name] = given.get(param.name)
        for name, taint in given.items():
            self.env.setdefault(name, taint)
        self.returns: Taint | None = None
        self.hits: dict[tuple[object, ...], Hit] = {}
        self.jumps: list[list[Env]] = []
        self.lookups: dict[str, list[str]] = {}
        self.verdicts: dict[str, t.Expr] = {}
        self.looping: dict[str, t.Expr] = {}
        self.nesting = self.level = 0
        self.lists = {}

    def run(self) -> Summary:
        self.block(self.node.body)
        changed = tuple(
            (param.name, held)
            for param in self.node.params
            if (held := self.env.get(param.name)) is not None
            and held.form is Form.RECORD
            and held != self.given.get(param.name)
            and param.name not in self.rebound
        )
        return Summary(self.returns, tuple(self.hits.values()), changed)

    # --- statements: whether a path goes on

    def block(self, body: Iterable[t.Stmt]) -> bool:
        self.level += 1
        goes_on = True
        for stmt in body:
            self.flow.statements += 1
            if not self.stmt(stmt):
                goes_on = False
                break
        self.level -= 1
        for name in [x for x, (level, _) in self.lists.items() if level > self.level]:
            del self.lists[name]  # another way may fill it otherwise
        return goes_on

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
                if isinstance(target, t.Name):
                    self.looping[target.id] = iterable
                runs = item is None and bool(self.displayed(iterable))
                self.loop(stmt.body, stmt.orelse, lambda: self.bind(target, item, iterable), runs)
            case t.While(test=test):
                self.eval(test)
                self.loop(stmt.body, stmt.orelse, lambda: self.learn(test, True))
            case t.Try():
                return self.attempt(stmt)
            case t.With():
                for context, target_of in zip(stmt.contexts, stmt.targets, strict=True):
                    entered = self.eval(context)
                    if entered is not None:
                        entered = self.asked(context, entered, "__enter__") or entered
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
            case t.Delete(targets=targets):
                for target in targets:
                    if isinstance(target, t.Item) and self.key(target.value) in self.lists:
                        self.mix(self.key(target.value))
                    self.eval(target.value if isinstance(target, t.Item) else target)
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
            self.bind(target, held, None if stmt.op else value)
        if held is None and isinstance(stmt.targets[0], t.Name) and isinstance(value, _TESTS):
            self.verdicts[stmt.targets[0].id] = value
        if isinstance(stmt.targets[0], t.Name) and (chosen := self.chosen(value)) is not None:
            self.env[f"{stmt.targets[0].id}()"] = chosen

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

    def loop(
        self,
        body: list[t.Stmt],
        orelse: list[t.Stmt],
        enter: Callable[[], None],
        runs: bool = False,
    ) -> None:
        """A loop's body, twice; `runs` tells that it certainly does once."""
        for _ in range(2):
            before = dict(self.env)
            self.jumps.append([])
            enter()
            goes_on = self.block(body)
            ends = self.jumps.pop() if runs else [before, *self.jumps.pop()]
            if goes_on:
                ends.append(self.env)
            self.env = merge(ends or [before])
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
        ends = [] if (settled is not None or any(map(_takes_all, cases))) and cases else [before]
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


Walk.evaluators = {
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


def _takes_all(case: t.Case) -> bool:
    return not case.values and case.guard is None


def _typed_answer(value: t.Expr) -> bool:
    """`return text, 200, {"Content-Type": …}`: the answer is no page."""
    return isinstance(value, t.Seq) and any(
        isinstance(item, t.Map) and any(_is_content_type(key) for key in item.keys)
        for item in value.items[1:]
    )


def _is_content_type(key: t.Expr | None) -> bool:
    return isinstance(key, t.Const) and str(key.value).lower() == "content-type"
