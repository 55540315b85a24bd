"""The ways through the statements of one function."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from msgspec.structs import replace

from auditor.extract.python import tree as t
from auditor.link.checks.evidence import Evidence
from auditor.link.checks.outcomes import named_parts, pieces
from auditor.link.checks.parts import Part, Trace
from auditor.link.checks.refusals import DENIAL, Refusals
from auditor.link.checks.strength import (
    PROVEN,
    Env,
    Exit,
    Origin,
    Piece,
    State,
    Strength,
    Summary,
    join,
    merge,
)
from auditor.link.checks.switches import Switches, settled
from auditor.link.contexts import contexts_of
from auditor.link.pathtests import PathTests
from auditor.link.scopes import Located
from auditor.link.sequences import Items, items_of

if TYPE_CHECKING:
    from auditor.link.checks.summaries import Checks


_MAX_TURNS = 20


class Walk(Part):
    """Walks every way through a function once."""

    def __init__(
        self,
        checks: Checks,
        function: Located,
        tests: PathTests | None,
        given: Mapping[str, Origin],
    ) -> None:
        super().__init__(checks, checks.values.code.inside(function), tests, Trace())
        self.function = function
        self.given = given
        shared = checks, self.scope, tests, self.trace
        self.refusals = Refusals(*shared)
        self.switches = Switches(*shared)
        self.evidence = Evidence(*shared, self.switches)

    def run(self) -> Summary:
        node = self.function.node
        assert isinstance(node, t.Function)
        start, env = Strength.NONE, self.sent()
        end = self.block(node.body, State(start, env))
        if self.trace.optional and end is None and all(map(_says_no, self.trace.exits)):
            self.trace.by_default = False  # a feature that is off lets nobody pass
            self.trace.rejects, self.trace.answers, self.trace.exits = [], [], []
            end = self.block(node.body, State(start, env))
        if end is not None:
            self.exit(end, node)
        return self.trace.summary()

    def sent(self) -> Env:
        """What the parameters hold when the function is called."""
        env: Env = {}
        for param in self.function.node.params:  # type: ignore[attr-defined]
            given = self.given.get(param.name) or self.checks.fill(param, self.scope)
            sent = param.name not in ("self", "cls")
            if self.checks.ambient and param.kind == "args":
                sent = False  # what the path names comes by its name: these are the objects around
            env[param.name] = given or Origin(caller=sent)
        return env

    def gates(self) -> Iterator[t.If]:
        """The tests outside of other tests whose first branch only who is verified gets into."""
        node = self.function.node
        assert isinstance(node, t.Function)
        yield from self._gates(node.body, State(Strength.NONE, self.sent()))

    def _gates(self, body: list[t.Stmt], state: State | None) -> Iterator[t.If]:
        for stmt in body:
            if state is None:
                return
            match stmt:
                case t.Try(body=inner):
                    yield from self._gates(inner, state)
                case t.If(test=test) if self.evidence.truth(test, state)[0] is Strength.VERIFIED:
                    yield stmt
            state = self.stmt(stmt, state)

    # --- statements: the state after them, or None when no path goes on

    def block(self, body: Iterable[t.Stmt], state: State | None) -> State | None:
        for stmt in body:
            if state is None:
                return None
            state = self.stmt(stmt, state)
        return state

    def stmt(self, stmt: t.Stmt, state: State) -> State | None:
        match stmt:
            case t.Return(value=t.Choice() as choice) if any(
                self.refusals.aborts(way) for way in (choice.then, choice.other)
            ):
                self.choose(stmt, choice, state)
                return None
            case t.Return(value=value):
                self.leave(stmt, value, state)
                return None
            case t.Raise():
                self.refusals.reject(stmt, stmt.exception)
                return None
            case t.If():
                return self.branch(stmt, state)
            case t.Try():
                return self.attempt(stmt, state)
            case t.With():
                for context in stmt.contexts:
                    state = self.evidence.effect(context, state)
                return self.block(stmt.body, state)
            case t.For(target=t.Name(id=name)) if items := self.turns(stmt):
                for item, made in items:  # `for path in ["/admin", "/api"]: if request.path…`
                    with self.values.within({**made, (id(self.scope), name): item}):
                        after = self.block(stmt.body, state)
                    if after is None:
                        return None
                    state = after
                return state
            case t.For(iter=t.Name() | t.Attr() as over) if contexts_of(self.values).is_empty(
                over, self.scope
            ):
                return state
            case t.For() | t.While():
                head = stmt.iter if isinstance(stmt, t.For) else stmt.test
                state = self.evidence.effect(head, state)
                env = dict(state.env)
                if isinstance(stmt, t.For):
                    for name in _names(stmt.target):
                        env[name] = self.evidence.origin(stmt.iter, state)
                inner = self.block(stmt.body, replace(state, env=env))
                return merge([state, inner])
            case t.Match():
                state = self.evidence.effect(stmt.subject, state)
                passed, _ = self.evidence.truth(stmt.subject, state)
                succeeded = state.with_strength(max(state.strength, passed))
                ends = [
                    self.block(case.body, succeeded if _is_success(case) else state)
                    for case in stmt.cases
                ]
                if any(not case.values and case.guard is None for case in stmt.cases):
                    return merge(ends)  # `case _`
                if any(map(_is_success, stmt.cases)) and any(map(_is_failure, stmt.cases)):
                    return merge(ends)
                return merge([state, *ends])
            case t.Assert(test=test):
                state = self.evidence.effect(test, state)
                passed, _ = self.evidence.truth(test, state)
                return state.with_strength(max(state.strength, passed))
            case t.Assign(value=value) if value is not None:
                state = self.evidence.effect(value, state)
                env = dict(state.env)
                origin = self.evidence.origin(value, state)
                if _unpacks_answer(stmt):  # of who sends nothing there is nothing to take apart
                    state = state.with_strength(max(state.strength, origin.truth))
                if state.strength > origin.truth and not origin.falsy:
                    origin = replace(origin, truth=state.strength)  # only who got here has it
                for target in stmt.targets:
                    for name in _names(target):
                        env[name] = origin
                    env |= self.taken_apart(target, value, state)
                    if isinstance(target, t.Attr) and (dotted := t.dotted(target)):
                        env[dotted] = origin
                        self.put(dotted, origin, state)
                    match target:
                        case t.Attr(value=t.Name(id=name), name="status_code" | "status") if (
                            name in env and _denies(value)
                        ):  # `response.status_code = 401`
                            env[name] = replace(env[name], refusal=True, plain=Strength.NONE)
                return replace(state, env=env)
            case t.Do(value=value):
                if self.refusals.aborts(value, returned=False):
                    self.refusals.reject(stmt, value)
                    return None
                if isinstance(value, t.Yield):  # what comes after runs when the work is done
                    self.leave(stmt, value.value, state)
                    return None
                return self.evidence.effect(value, state)
        return state

    def turns(self, loop: t.For) -> Items:
        """What a loop over a few constants goes through, where a route's path is at stake."""
        if self.tests is None:
            return []
        items = items_of(self.values, loop.iter, self.scope) or []
        return items if len(items) <= _MAX_TURNS else []

    def choose(self, stmt: t.Return, choice: t.Choice, state: State) -> None:
        """`return view(request) if allowed else forbidden()`: two ways in one statement."""
        at = (stmt.line, stmt.column, stmt.end_line)
        exits, rejects = len(self.trace.exits), len(self.trace.rejects)
        then, other = t.Return(*at, choice.then), t.Return(*at, choice.other)
        self.branch(t.If(*at, choice.test, [then], [other]), state)
        self.trace.exits[exits:] = [replace(e, node=stmt) for e in self.trace.exits[exits:]]
        self.trace.rejects[rejects:] = [stmt for _ in self.trace.rejects[rejects:]]

    def taken_apart(self, target: t.Expr, value: t.Expr, state: State) -> Env:
        """`user, error = check(request)`, `result = check(request)`: what each of the parts holds."""
        call = value.value if isinstance(value, t.Await) else value
        if not isinstance(call, t.Call):
            return {}
        if isinstance(target, t.Name):
            found = self.evidence.calls.verification(call, state)
            if found is None or not any(way.parts for way in found.ways):
                return {}
            named = named_parts(found.ways, self.evidence.origin(call, state))
            return {f"{target.id}.{part}": origin for part, origin in named.items()}
        if not isinstance(target, t.Seq):
            return {}
        parts = self.evidence.calls.parts(call, len(target.items), state)
        pairs = zip(target.items, parts, strict=True)
        return {name.id: part for name, part in pairs if isinstance(name, t.Name)}

    def put(self, dotted: str, origin: Origin, state: State) -> None:
        """Remember what an attribute holds for other functions to find there."""
        if not origin.falsy:
            origin = replace(origin, truth=max(origin.truth, state.strength))
        sets = self.trace.sets
        sets[dotted] = join(sets[dotted], origin) if dotted in sets else origin

    def exit(self, state: State, node: t.Node) -> None:
        """A way out with nothing returned."""
        self.trace.exits.append(
            Exit(state.strength, True, False, node, Strength.NONE, named=state.named, truthy=False)
        )

    def leave(self, stmt: t.Stmt, value: t.Expr | None, state: State) -> None:
        if value is not None and self.refusals.aborts(value):
            self.refusals.reject(stmt, value)
            self.answer(stmt, value, state)
            return
        if value is None:
            self.exit(state, stmt)
            return
        state = self.evidence.effect(value, state)
        passed, _ = self.evidence.truth(value, state)
        origin = self.evidence.origin(value, state)
        if origin.refusal or any(o.refusal for o in self.evidence.origins_in(value, state)):
            self.trace.deny(stmt)  # what a function refuses with is handed on
            self.answer(stmt, value, state)
            if not origin.refusal or not origin.plain:
                return
            state = state.with_strength(max(state.strength, origin.plain))
        self.trace.exits.append(
            Exit(
                state.strength,
                origin.falsy,
                origin.constant,
                stmt,
                max(passed, origin.truth),
                origin.caller,
                state.named,
                self.evidence.truthiness(value, state),
                self.parts(value, state),
            )
        )

    def answer(self, stmt: t.Stmt, value: t.Expr, state: State) -> None:
        """A refusal that is returned: whoever has called the function has to hand it on."""
        parts = self.parts(value, state)
        none = Strength.NONE
        self.trace.answers.append(
            Exit(state.strength, False, False, stmt, none, truthy=True, parts=parts, refusal=True)
        )

    def parts(self, value: t.Expr, state: State) -> tuple[Piece, ...]:
        def judge(part: t.Expr) -> tuple[bool | None, Strength]:
            return self.evidence.truthiness(part, state), self.evidence.origin(part, state).truth

        return pieces(value, self.scope, self.code, judge)

    def branch(self, stmt: t.If, state: State) -> State | None:
        decided = self.switches.outcome(stmt.test)
        if decided is None:
            decided = settled(stmt.test, state.env)
        if decided is None and self.values.is_bound(stmt.test, self.scope):
            decided = self.values.decided(stmt.test, self.scope)
        if decided is not None:
            return self.block(stmt.body if decided else stmt.orelse, state)
        self.trace.published |= _asks_how_public(stmt.test)
        self.trace.undecided |= self.tests is not None and _asks_path(stmt.test)
        state = self.evidence.effect(stmt.test, state)
        yes, no = self.evidence.truth(stmt.test, state)
        known = self.evidence.about_identity(stmt.test, state)
        verified = Strength.VERIFIED
        before = len(self.trace.rejects)
        if not known and no not in PROVEN and self.refusals.turns_back(stmt):
            self.trace.rejects.append(stmt)
            return self.block(stmt.orelse, self.learned(state, stmt.test, False, no))
        then = self.refused(
            stmt.body, self.learned(state, stmt.test, True, yes), known and no in PROVEN
        )
        other = self.refused(
            stmt.orelse, self.learned(state, stmt.test, False, no), known and yes in PROVEN
        )
        if len(self.trace.rejects) > before and (known or max(yes, no) >= Strength.DEFAULT_SECRET):
            self.trace.conditional = True
        if then is not None and other is not None and not _both_established(then, other):
            # both go on: the test decided nothing, only what each branch did itself remains
            if max(then.strength, other.strength) is verified > max(state.strength, yes, no):
                self.trace.conditional = True  # one of them verifies
            then = self.unlearned(then, yes, state)
            other = self.unlearned(other, no, state)
        return merge([then, other])

    def refused(self, body: list[t.Stmt], state: State, refusing: bool) -> State | None:
        """The state after a branch; `refusing` where whom the framework knows takes the other."""
        before = self.trace.refusing
        self.trace.refusing = (refusing or before) and state.strength not in PROVEN
        try:
            return self.block(body, state)
        finally:
            self.trace.refusing = before

    def learned(self, state: State, test: t.Expr, outcome: bool, strength: Strength) -> State:
        """The state in a branch: the strength its outcome shows, and what is now known falsy."""
        env = state.env
        name, truthy = _tested(test)
        if name in env and truthy != outcome:
            env = {**env, name: replace(env[name], falsy=True)}
        return state.with_strength(max(state.strength, strength), env)

    @staticmethod
    def unlearned(end: State, gained: Strength, before: State) -> State:
        if end.strength == gained and gained > before.strength:
            return replace(before, env=end.env)
        return end

    def attempt(self, stmt: t.Try, state: State) -> State | None:
        turned, denied = len(self.trace.rejects), self.trace.denies
        end = self.block(stmt.body, state)
        if end is not None:
            end = self.block(stmt.orelse, end)
        ends = [end]
        tried = len(self.trace.rejects)
        for handler in stmt.handlers:
            env = {**state.env}
            if handler.name:
                env[handler.name] = Origin()
            for node in t.walk_own(*stmt.body):  # assigned in the body or not: cannot be told
                if isinstance(node, t.Assign):
                    for target in node.targets:
                        for name in _names(target):
                            env[name] = state.env.get(name, Origin(falsy=True))
            before = len(self.trace.rejects)
            ends.append(self.block(handler.body, replace(state, env=env)))
            if _catches_all(handler) and len(self.trace.rejects) == before:
                asked = self.trace.rejects[turned:tried]
                if all(isinstance(node, t.Call) for node in asked):
                    del self.trace.rejects[turned:tried]  # what a call raises goes no further
                    self.trace.denies = denied or len(self.trace.rejects) > turned
                    break
        return self.block(stmt.final, merge(ends)) if stmt.final else merge(ends)


def _says_no(way: Exit) -> bool:
    """Whether a way out is `return False`, which a check says of everybody where it is off."""
    match way.node:
        case t.Return(value=t.Const(value=False)):
            return True
    return False


def _catches_all(handler: t.Handler) -> bool:
    """Whether a handler catches the refusals of what its `try` calls."""
    return handler.catches is None or t.last_word(handler.catches) in (
        "Exception", "BaseException", "HTTPException",
    )  # fmt: skip


_SUCCESS = re.compile(r"^(?:Ok|Success|Some|Right|Valid|Authenticated|Authorized)$")


_FAILURE = re.compile(r"^(?:Err|Error|Failure|Left|Invalid|Nothing)$")


def _is_failure(case: t.Case) -> bool:
    return bool(case.values) and all(_FAILURE.search(t.last_word(v)) for v in case.values)


def _is_success(case: t.Case) -> bool:
    """`case Ok(value=user)`: the result of a check that went well."""
    return bool(case.values) and all(_SUCCESS.search(t.last_word(v)) for v in case.values)


def _denies(status: t.Expr) -> bool:
    return isinstance(status, t.Const) and status.value in DENIAL


_VISIBILITY = re.compile(
    r"(?:^|_)(?:private|public|publicly|published|visibility|is_?open|unlisted|anonymous_?access|protected)(?:_|$)",
    re.I,
)


def _asks_how_public(test: t.Expr) -> bool:
    """`if channel.private: auth.assert_member(channel)`."""
    return any(isinstance(n, t.Attr) and _VISIBILITY.search(n.name) for n in t.walk_own(test))


_PATH = re.compile(
    r"(?:^|\.)request\.(?:url\.)?(?:path|path_info|full_path|endpoint|url_rule|blueprint)$"
)


def _asks_path(test: t.Expr) -> bool:
    return any(isinstance(n, t.Attr) and _PATH.search(t.dotted(n)) for n in t.walk_own(test))


def _both_established(one: State, other: State) -> bool:
    return min(one.strength, other.strength) >= Strength.OUTSIDE


def _unpacks_answer(stmt: t.Assign) -> bool:
    """`user, token = JWTAuthentication().authenticate(request)`."""
    match stmt:
        case t.Assign(
            targets=[t.Seq(items=[_, _])],
            value=t.Call(func=t.Attr(name="authenticate"), args=[t.Name(id="request")]),
        ):
            return True
    return False


def _names(target: t.Expr) -> list[str]:
    return [n.id for n in t.walk_own(target) if isinstance(n, t.Name)]


def _tested(test: t.Expr) -> tuple[str, bool]:
    """The variable a plain test is about, and the outcome on which it is truthy."""
    match test:
        case t.Name(id=name):
            return name, True
        case t.Unary(op="not", value=t.Name(id=name)):
            return name, False
        case t.Compare(left=t.Name(id=name), ops=["is" | "=="], rights=[t.Const(value=None)]):
            return name, False
        case t.Compare(left=t.Name(id=name), ops=["is not" | "!="], rights=[t.Const(value=None)]):
            return name, True
    return "", True
