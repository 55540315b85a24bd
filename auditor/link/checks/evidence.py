"""What expressions show of who is calling: when they are true, when false, when they return."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec.structs import replace

from auditor.extract.python import tree as t
from auditor.link.checks.calls import CREDENTIAL_FIELD, Calls
from auditor.link.checks.outcomes import asked, compared, literal
from auditor.link.checks.parts import CALLER_SOURCES, Part, Trace
from auditor.link.checks.recognised import VOUCHERS
from auditor.link.checks.strength import (
    OF_NOBODY,
    PROVEN,
    Origin,
    State,
    Strength,
    join,
    least,
)
from auditor.link.checks.switches import Switches, settled
from auditor.link.pathtests import PathTests
from auditor.link.scopes import Scope
from auditor.model.values import Masked, possible, settings_in

if TYPE_CHECKING:
    from auditor.link.checks.summaries import Checks


class Evidence(Part):
    """Judges expressions in a state."""

    def __init__(
        self,
        checks: Checks,
        scope: Scope,
        tests: PathTests | None,
        trace: Trace,
        switches: Switches,
    ) -> None:
        super().__init__(checks, scope, tests, trace)
        self.switches = switches
        self.calls = Calls(self)
        self._vouched: dict[t.Expr, Origin | None] = {}

    def effect(self, expr: t.Expr, state: State) -> State:
        """The state after evaluating `expr`: calls that raise unless something is verified."""
        strength, env = state.strength, state.env
        for node in t.walk_own(expr):
            match node:
                case t.Call():
                    found = self.calls.verification(node, state)
                    if found and found.raises:
                        strength = max(strength, found.strength)
                        if found.denies:
                            self.trace.deny(node)
                case t.Item() if (vouched := self.vouched(node)) is not None:
                    strength = max(strength, vouched.truth)  # there, or a KeyError
                case t.Bind(target=t.Name(id=name), value=value):
                    env = {**env, name: self.origin(value, state)}
        unchanged = strength is state.strength and env is state.env
        return state if unchanged else state.with_strength(strength, env)

    def truth(self, expr: t.Expr, state: State) -> tuple[Strength, Strength]:
        """What is established when `expr` is true, and when it is false."""
        none = Strength.NONE
        match expr:
            case t.Unary(op="not", value=value):
                yes, no = self.truth(value, state)
                return no, yes
            case t.BoolOp(op="and", values=values):
                both = [self.truth(v, state) for v in self.open(values, True, state)]
                return max(y for y, _ in both), least((n for _, n in both), none)
            case t.BoolOp(op="or", values=values):
                both = [self.truth(v, state) for v in self.open(values, False, state)]
                return least((y for y, _ in both), none), max(n for _, n in both)
            case t.Compare(left=left, ops=[op], rights=[right]):
                return self.comparison(left, op, right, state)
            case t.Await(value=value) | t.Bind(value=value):
                return self.truth(value, state)
            case t.Call(func=t.Name(id="bool"), args=[value]):
                return self.truth(value, state)
            case t.Choice(test=test, then=then, other=other):
                yes, no = self.truth(test, state)
                ways = [
                    max(known, self.truth(value, state)[0])
                    for known, value in ((yes, then), (no, other))
                    if not is_falsy_constant(value)
                ]
                return least(ways, none), none
            case t.Call(func=t.Name(id="isinstance"), args=[subject, kind]) if (
                origin := self.origin(subject, state)
            ).refusal and re.search("tuple|Response", t.dotted(kind)):
                return none, origin.plain
            case t.Call(func=t.Name(id="isinstance"), args=[subject, kind]) if self.names_caller(
                subject, state
            ) or t.dotted(subject).endswith("request.auth"):
                nobody = "nonymous" in t.dotted(kind)
                return (none, Strength.VERIFIED) if nobody else (Strength.VERIFIED, none)
            case t.Call() if (part := asked(expr)) and part in state.env:
                return state.env[part].truth, state.env[part].absent
            case t.Call():
                found = self.calls.verification(expr, state)
                if found and found.refuses:
                    return found.shown, found.absent
                if (said := self.vouched(expr)) and said.truth:
                    return said.truth, none
                if found and "anonymous" in t.dotted(expr.func):
                    return none, found.shown
                if found and (found.shown or found.absent):
                    return found.shown, found.absent
                if vouched := self.vouched(expr):
                    return vouched.truth, none
                return self.form(expr, state), self.form(expr, state)
            case t.Compare() | t.Unary():
                return self.form(expr, state), none
            case t.Attr(name="is_anonymous"):
                return none, Strength.VERIFIED
        origin = self.origin(expr, state)
        if origin.truth or origin.absent:
            return origin.truth, origin.absent
        return self.form(expr, state), none

    def open(self, values: list[t.Expr], neutral: bool, state: State) -> list[t.Expr]:
        """The operands of `and` / `or` that are not decided already."""
        undecided = [
            v
            for v in values
            if self.switches.decided(v) is not neutral and settled(v, state.env) is not neutral
        ]
        return undecided or values

    def form(self, expr: t.Expr, state: State) -> Strength:
        return Strength.FORM if self.touches_caller(expr, state) else Strength.NONE

    def comparison(
        self, left: t.Expr, op: str, right: t.Expr, state: State
    ) -> tuple[Strength, Strength]:
        none = Strength.NONE
        part = state.env.get(asked(left)) if isinstance(right, t.Const) else None
        if part is not None and part.told and op in ("is", "is not", "==", "!="):
            yes, no = compared(part, literal(right))
            return (yes, no) if op in ("is", "==") else (no, yes)
        if op in ("is", "is not") or (op in ("==", "!=") and _is_none(right)):
            yes, no = self.truth(left, state)
            if isinstance(right, t.Const) and right.value is True:
                return (yes, none) if op == "is" else (none, yes)
            no = no if _is_none(right) else none
            return (no, yes) if op in ("is", "==") else (yes, no)
        if op in ("==", "!=") and is_falsy_constant(right):
            gained = self.truth(left, state)[0]  # `lookup.count() == 0`
            if gained > Strength.FORM:
                return (none, gained) if op == "==" else (gained, none)
        if op in ("==", "!=", "in") and _tells_failure(left, right):
            gained = self.truth(left, state)[0]  # `answer.status_code == 401`
            return (gained, none) if op == "!=" else (none, gained)
        if op in ("in", "not in") and (held := self.held(left, right)) is not None:
            return (held.truth, none) if op == "in" else (none, held.truth)
        if op in ("==", "!=", "in", "not in"):
            strength = max(self.equality(left, right, state), self.equality(right, left, state))
            return (strength, none) if op in ("==", "in") else (none, strength)
        gained = self.truth(left, state)[0]
        if gained > Strength.FORM and isinstance(right, t.Const):  # `lookup.count() < 1`
            return (gained, none) if op in (">", ">=") else (none, gained)
        form = max(self.form(left, state), self.form(right, state))
        return form, form

    def held(self, key: t.Expr, owner: t.Expr) -> Origin | None:
        """What a framework says of an entry of a session that is only asked for: `"user" in session`."""
        if (
            isinstance(owner, t.Call)
            and isinstance(owner.func, t.Attr)
            and owner.func.name == "keys"
        ):
            owner = owner.func.value
        if not (isinstance(key, t.Const) and t.dotted(owner).endswith("session")):
            return None
        return self._ask(t.Item(owner.line, owner.column, owner.end_line, owner, key))

    def equality(self, sent: t.Expr, expected: t.Expr, state: State) -> Strength:
        """What `sent == expected` shows: that the caller knows something only he should know."""
        if self.names_caller(sent, state) and not is_falsy_constant(expected):
            return Strength.VERIFIED
        gained = max((o.truth for o in self.origins_in(sent, state)), default=Strength.NONE)
        if said := self.vouched(sent):
            gained = max(gained, said.truth)
        if gained >= Strength.OUTSIDE and not is_falsy_constant(expected):
            return gained  # a part of what a verification gave
        if not self.touches_caller(sent, state):
            return Strength.NONE
        if self.is_digest(expected):
            return Strength.VERIFIED
        value = self.values.value(expected, self.scope)
        if isinstance(value, Masked):
            self.trace.note("compares with a secret written in the code")
            return Strength.DEFAULT_SECRET
        settings = list(settings_in(value))
        if settings:
            told = f"{settings[0].name} {t.dotted(expected)} {t.dotted(sent)}"
            if settings[0].default is not None and not CREDENTIAL_FIELD.search(told):
                return Strength.FORM  # a name, a mode or a place, of which nobody makes a secret
            if any(isinstance(k.value, str) and k.value for k in possible(value)):
                self.trace.note(
                    f"compares with {settings[0].name}, whose default stands in the code"
                )
                return Strength.DEFAULT_SECRET
            return Strength.VERIFIED
        if any(o.truth == Strength.VERIFIED for o in self.origins_in(expected, state)):
            return Strength.VERIFIED
        name = t.dotted(sent).rpartition(".")[2]
        written = any(isinstance(k.value, str) and k.value for k in possible(value))
        if written and CREDENTIAL_FIELD.search(name) and not _OF_A_KIND.search(name):
            self.trace.note("compares with a secret written in the code")
            return Strength.DEFAULT_SECRET
        spelt = t.dotted(t.callee(expected))
        if re.search(r"secret|token|api_?key|password", spelt, re.I):
            return Strength.VERIFIED
        return Strength.FORM

    def is_digest(self, expr: t.Expr) -> bool:
        for node in t.walk_own(expr):
            if isinstance(node, t.Call):
                name = self.code.name(node.func, self.scope)
                if name.startswith(("hmac.", "hashlib.")):
                    return True
            if isinstance(node, t.Name):
                for origin in self.values.origins(node, self.scope):
                    if isinstance(origin.node, t.Call) and "hmac.new" in self.code.name(
                        origin.node, origin.scope
                    ):
                        return True
        return False

    def established(self, expr: t.Expr, state: State) -> bool:
        return any(o.truth == Strength.VERIFIED for o in self.origins_in(expr, state))

    def about_identity(self, expr: t.Expr, state: State) -> bool:
        """Whether a test is about who the framework, or a credential that verified, says is calling."""
        if isinstance(expr, t.Name) and expr.id in state.env:
            origin = state.env[expr.id]
            return origin.identity or origin.truth in PROVEN
        if vouched := self.vouched(expr):
            return bool(vouched.identity or vouched.truth)
        below = () if isinstance(expr, t.Lambda) else t.children(expr)
        return any(self.about_identity(node, state) for node in below)  # type: ignore[arg-type]

    def names_caller(self, expr: t.Expr, state: State) -> bool:
        """Whether an expression is about the caller as the framework knows him."""
        origin = self.vouched(expr)
        if origin is None and isinstance(expr, t.Name | t.Attr):
            origin = state.env.get(t.dotted(expr))
        if origin is not None:  # `session["nonce"]` says nothing of the caller, `session` does
            return origin.identity or origin.truth is Strength.VERIFIED
        below = () if isinstance(expr, t.Lambda) else t.children(expr)
        return any(self.names_caller(node, state) for node in below)  # type: ignore[arg-type]

    def vouched(self, expr: t.Expr) -> Origin | None:
        """What a framework says of the caller in this expression."""
        if not VOUCHERS or not isinstance(expr, t.Name | t.Attr | t.Item | t.Call):
            return None
        if id(self.scope) in self.values.bound_scopes:
            return self._ask(expr)  # a name is bound for the moment
        if expr not in self._vouched:
            self._vouched[expr] = self._ask(expr)
        return self._vouched[expr]

    def _ask(self, expr: t.Expr) -> Origin | None:
        name = self.code.name(expr, self.scope)
        for voucher in VOUCHERS:
            if found := voucher(expr, name, self.scope, self.checks):
                return found
        return None

    def origins_in(self, expr: t.Expr, state: State) -> list[Origin]:
        names = [n.id for n in t.walk_own(expr) if isinstance(n, t.Name)]
        return [state.env[name] for name in names if name in state.env]

    def touches_caller(self, expr: t.Expr, state: State) -> bool:
        if any(origin.caller for origin in self.origins_in(expr, state)):
            return True
        for node in t.walk_own(expr):
            if isinstance(node, t.Attr):
                dotted = t.dotted(node)
                if "equest" in dotted and CALLER_SOURCES.search("." + dotted):
                    return True
            elif isinstance(node, t.Call) and self.checks.ambient and self.fetches(node):
                return True
        return False

    def fetches(self, call: t.Call) -> bool:
        """Whether a function of the tree gives what the caller sent: `get_token()`."""
        found = self.code.defined(call.func, self.scope)
        if found is None or not isinstance(found.node, t.Function):
            return False
        if any(
            not isinstance(arg, t.Const) and not (isinstance(arg, t.Name) and arg.id == "request")
            for arg in call.args
        ):
            return False
        plain = zip(found.node.params, call.args, strict=False)
        given = {p.name: Origin(constant=True) for p, arg in plain if isinstance(arg, t.Const)}
        return any(e.caller for e in self.checks.summary(found, given=given).exits)

    def origin(self, expr: t.Expr, state: State) -> Origin:
        match expr:
            case t.Name(id=name) if name in state.env:
                return state.env[name]
            case t.Attr() if (dotted := t.dotted(expr)) in state.env:
                return state.env[dotted]
            case t.Item() | t.Call() if (part := asked(expr)) and part in state.env:
                return state.env[part]
            case t.Attr(value=t.Name(id=name), name=attribute) if (
                name in state.env and state.env[name].identity and attribute not in OF_NOBODY
            ):
                return Origin(truth=Strength.VERIFIED, identity=True)
            case t.Const(value=value):
                return Origin(falsy=not value, constant=True)
            case t.Map(keys=[]) | t.Seq(items=[]):
                return Origin(falsy=True, constant=True)
            case t.Seq(items=items) if all(map(is_falsy_constant, items)):
                return Origin(falsy=True, constant=True)  # `[]`, and `return None, None`
            case t.Await(value=value) | t.Bind(value=value):
                return self.origin(value, state)
            case t.Choice(test=test, then=then, other=other):
                if (outcome := self.switches.outcome(test)) is not None:
                    return self.origin(then if outcome else other, state)
                return join(self.origin(then, state), self.origin(other, state))
        made = self.calls.verification(expr, state) if isinstance(expr, t.Call) else None
        if made is None or not made.refuses:
            if vouched := self.vouched(expr):
                return vouched
        truth = Strength.NONE
        for node in t.walk_own(expr):
            if isinstance(node, t.Call) and (found := self.calls.verification(node, state)):
                truth = max(truth, found.shown)
        inner = self.origins_in(expr, state)
        truth = max([truth, *(o.truth for o in inner if not o.falsy)])
        constant = not inner and not any(isinstance(n, t.Call) for n in t.walk_own(expr))
        if isinstance(expr, t.Compare | t.BoolOp | t.Unary):
            truth = self.truth(expr, state)[0]  # `public or verify(token)` shows nothing
        identity = any(o.identity for o in inner) or self.about_identity(expr, state)
        given = Origin(self.touches_caller(expr, state), truth, False, constant, identity)
        if made is not None:
            return replace(given, absent=made.absent, plain=made.plain, refusal=made.refuses)
        return given

    def truthiness(self, expr: t.Expr, state: State) -> bool | None:
        """Whether a returned value is truthy for certain, or falsy: a response always is."""
        match expr:
            case t.Const(value=value):
                return bool(value)
            case t.Seq(items=items):
                return bool(items)
            case t.Map(keys=keys):
                return bool(keys)
            case t.Text():
                return True
            case t.Name(id=name) if name in state.env and state.env[name].falsy:
                return False
            case t.Name(id=name) if name in state.env and state.env[name].constant:
                return True
            case t.Call(func=t.Name(id="str")):
                return True  # the text of an exception
            case t.Call(func=func):
                if _RESPONSE.search(t.dotted(func)) or self.checks.responders.status(
                    expr, self.scope
                ):
                    return True
        return None


_RESPONSE = re.compile(
    r"(?:jsonify|response|redirect|render\w*|error\w*|err|fail\w*|unauthorized|forbidden)$|[a-z_]err_",
    re.I,
)
"""Names of what makes a response, which is truthy."""
_OF_A_KIND = re.compile(r"(?:type|kind|scheme|purpose|status|use|mode)$", re.I)
"""What a credential is for, which is no secret: `token_type == "access"`."""


def _tells_failure(status: t.Expr, expected: t.Expr) -> bool:
    """Whether a test is about a status that says that a request was refused."""
    if not t.dotted(status).endswith(("status_code", ".status")):
        return False
    named = list(t.walk_own(expected))
    numbers = [n.value for n in named if isinstance(n, t.Const) and isinstance(n.value, int)]
    if numbers:
        return all(number >= 400 for number in numbers)
    return any(isinstance(n, t.Attr) and re.search("UNAUTHORIZED|FORBIDDEN", n.name) for n in named)


def _is_none(expr: t.Expr) -> bool:
    return isinstance(expr, t.Const) and expr.value is None


def is_falsy_constant(expr: t.Expr) -> bool:
    return isinstance(expr, t.Const) and not expr.value
