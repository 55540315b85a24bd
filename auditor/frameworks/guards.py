"""Guards of any framework, judged by what they do: functions, decorators, bodies, hooks.

How a framework hands a guard its credential (an injected parameter, a request object, a session) is
the business of its own module, which derives from `Guards`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TypeGuard

from msgspec.structs import replace

from auditor.extract.python import tree as t
from auditor.frameworks.idle import idle_after, idle_branches, works_only_in
from auditor.libraries.authentication import known_guard
from auditor.link.application import Application
from auditor.link.bare import Bare, conditions
from auditor.link.checks import Checks, Origin, Strength, Summary
from auditor.link.checks.recognised import RECOGNISERS
from auditor.link.pathtests import PathTests
from auditor.link.scopes import CallSite, Located, Scope, place_of
from auditor.model.places import Place
from auditor.model.web import OF_THE_PRIVATE, Guard, Guarding

CREDENTIAL = re.compile(
    r"auth|token|api[-_]?key|session|credential|secret|signature|jwt|bearer", re.I
)
GUARDING_NAME = re.compile(
    r"^(?:verify|authenticate|authorize|require|check|validate|ensure|protect|restrict|enforce)_?"
    r".*(?:auth|token|user|admin|role|permission|key|login|session|access|jwt|owner|signature)"
    r"|(?:get_)?(?:current|active|logged_in|auth(?:enticated|orized)?)_?.*(?:user|admin|account|customer|member|staff|principal|tenant)"
    r"|^(?:\w+_)?(?:login|auth|admin|token|user|jwt|api_?key|session|role|permission|access)s?_(?:required|needed)$"
    r"|^(?:require|authenticate|authorize|login_required|is_admin|admin_required|auth_required|jwt_required|admin_only|protected|require_auth|verify|get_token_payload)$",
    re.I,
)


SERVES_VERIFIED = "does its work only for whom it verifies, and hands nothing out to others"
DEMANDS_ANY = "demands that a credential is sent, and accepts any"


class Guards:
    """Judges functions, decorators and bodies as guards.

    `tuples_respond` tells whether `return body, 401` is a response, as in Flask.
    """

    tuples_respond = False
    ambient = False
    """Whether a function knows the request without being given it."""

    def __init__(self, application: Application) -> None:
        self.application = application
        self.code = application.code
        self.values = application.values
        self.checks = Checks(self.values, self.origin, self.tuples_respond, self.ambient)

    # --- what a framework adds

    def origin(self, param: t.Param, scope: Scope) -> Origin | None:
        """What the framework puts into a parameter; None where it is what the caller sent."""
        return None

    def established(self, function: Located) -> Strength:
        """What has been established once a guarding function returned."""
        return self.checks.summary(function).guaranteed

    def before(self, function: Located) -> Iterator[Located]:
        """The functions that the framework runs before this one."""
        return iter(())

    def heard(self, summary: Summary) -> Summary:
        """What a middleware or hook says, as the framework takes it."""
        return summary

    # --- judging

    @staticmethod
    def sounds_like_guard(name: str) -> bool:
        return bool(GUARDING_NAME.search(name))

    @staticmethod
    def may_guard(name: str) -> bool:
        """Whether what lies outside of the tree may guard, by its canonical name.

        What the frameworks bring is known, so that of theirs only the plainest names count.
        """
        short = re.split(r"[.:]", name.replace("()", ""))[-1]
        if ":" in name or _OTHER_FILTERS.search(short):
            return False
        if GUARDING_NAME.search(short):
            return True
        own = not _FRAMEWORKS.match(name) and "." in name
        return own and bool(_MAY_GUARD.search(short)) and not _NO_GUARD.search(short)

    def judge(self, function: Located, depth: int = 0) -> tuple[Guarding, str]:
        """What a guarding function does, and why that is so."""
        summary = self.checks.summary(function)
        guaranteed = self.established(function)
        if told := _told(summary, guaranteed):
            return told
        for earlier in self.before(function) if depth < 3 else ():
            below = self.judge(earlier, depth + 1)
            if below[0] in (Guarding.OPTIONAL, Guarding.UNKNOWN):
                return below  # it hands on what another one found, also nothing
        return Guarding.DECORATIVE, _why_decorative(summary, guaranteed)

    def judge_answer(self, callback: Located) -> tuple[Guarding, str]:
        """Whom a function lets in that says whether somebody may pass: `verify_password`, `is_accessible`."""
        summary = self.checks.summary(callback)
        name = callback.node.name  # type: ignore[attr-defined]
        notes = "; ".join(summary.notes)
        truth = summary.when_truthy
        if all(e.falsy for e in summary.exits):
            return Guarding.ENFORCED, f"{name} accepts nobody"
        if truth is Strength.VERIFIED:
            return Guarding.ENFORCED, f"{name} verifies the credential"
        if truth is Strength.DEFAULT_SECRET:
            return Guarding.ENFORCED, notes
        if truth is Strength.OUTSIDE:
            return Guarding.UNKNOWN, notes
        at = f"{callback.path}:{callback.node.line}"
        return Guarding.DECORATIVE, notes or f"{name} ({at}) accepts callers without verifying"

    @staticmethod
    def judge_summary(summary: Summary) -> tuple[Guarding, str]:
        """What the ways through a guard do, where nothing else runs before it."""
        guaranteed = summary.guaranteed
        told = _told(summary, guaranteed)
        return told or (Guarding.DECORATIVE, _why_decorative(summary, guaranteed))

    def decorator(self, decorator: Located, name: str) -> Guard | None:
        """The guard that a decorator of the handler is; `name` is its canonical name."""
        short = re.split(r"[.:]", name.replace("()", ""))[-1]
        if known := known_guard(name):
            return Guard(short, place_of(decorator), "decorator", known.state, known.reason)
        expr: t.Expr = decorator.node  # type: ignore[assignment]
        if isinstance(expr, t.Call):
            expr = expr.func
        wrapper = self._wrapper(decorator, name, expr)
        if wrapper is None and self.code.defined(expr, decorator.scope) is None:
            if name and self.may_guard(name):
                reason = f"{name.replace('()', '')} lies outside this tree and is not known"
                return Guard(short, place_of(decorator), "decorator", Guarding.UNKNOWN, reason)
        if wrapper is None or not self.checks.summary(wrapper).denies:
            return None
        state, reason = self.judge(wrapper)
        return Guard(t.dotted(expr) or short, place_of(wrapper, short), "decorator", state, reason)

    def skipped(self, decorator: Located) -> Guard | None:
        """A guard above the decorator that registers the handler: the framework never calls it."""
        expr = decorator.node
        guard = self.decorator(decorator, self.code.name(expr, decorator.scope))  # type: ignore[arg-type]
        if guard is None:
            return None
        reason = "stands above the route's decorator, so the framework never calls it"
        return Guard(guard.name, place_of(decorator), "decorator", Guarding.DECORATIVE, reason)

    def _wrapper(self, decorator: Located, name: str, expr: t.Expr) -> Located | None:
        """The function that runs in the handler's stead."""
        wrapper = self._function(name)
        if wrapper is None:
            wrapper = self._function(self.code.result(self.code.name(expr, decorator.scope)))
        nested = self._function(self.code.result(name)) if ":" in name else None
        return nested or wrapper

    def _function(self, name: str) -> Located | None:
        found = self.code.definition(name)
        return found if found is not None and isinstance(found.node, t.Function) else None

    def body(self, function: Located, tests: PathTests | None = None) -> Guard | None:
        """The guard that a handler is itself, or what it asks that cannot be followed."""
        return (
            self._verifying(function, tests)
            or self._serving(function, tests)
            or self._asking_outside(function)
        )

    def _serving(self, function: Located, tests: PathTests | None) -> Guard | None:
        """A handler that works for nobody but whom it verifies, and turns nobody else away."""
        body: list[t.Stmt] = function.node.body  # type: ignore[attr-defined]
        for test in _tests_of(body):
            if works_only_in(body, test) and test in self.checks.gates(function, tests):
                at = place_of(Located(test, self.code.inside(function)), function.node.name)  # type: ignore[attr-defined]
                return Guard(at.symbol, at, "body", Guarding.EXEMPT, SERVES_VERIFIED)
        return None

    def _asking_outside(self, function: Located) -> Guard | None:
        """`services.auth.authorize(request)`: whether it turns anybody away is not in this tree."""
        scope = self.code.inside(function)
        for call in _asked(function):
            name = t.dotted(call.func)
            known = self.code.name(call.func, scope)
            if (found := self.code.defined(call.func, scope)) is not None:
                if (asked := self._handed_over(found) or self._lost(found)) is not None:
                    what = t.dotted(asked.func) or t.last_word(asked.func)
                    reason = f"what `{name}` makes of `{what}` could not be followed"
                    at = place_of(Located(call, scope))
                    return Guard(name, at, "body", Guarding.UNKNOWN, reason)
                continue
            if _FRAMEWORKS.match(known) and not _KEPT_ON.search(known):
                continue
            if not _OF_USERS.search(name.rpartition(".")[0]):
                reason = f"`{name}` is asked, and what it does could not be followed"
                return Guard(name, place_of(Located(call, scope)), "body", Guarding.UNKNOWN, reason)
        return None

    def _handed_over(self, found: Located) -> t.Call | None:
        """What a function of the tree leaves the answer to: `return manager.validate_token(token)`."""
        inner = self.code.inside(found)
        body = found.node.body if isinstance(found.node, t.Function) else []
        for node in t.walk_own(*body):
            match node:
                case t.Return(value=t.Call(func=func) as call) if _ASKING.search(t.last_word(func)):
                    known = self.code.name(func, inner)
                    if self.code.defined(func, inner) is None and not _FRAMEWORKS.match(known):
                        return call
        return None

    def _lost(self, found: Located) -> t.Call | None:
        """A verification somewhere below a function that may say no, though no way through shows it."""
        if not isinstance(found.node, t.Function):
            return None
        if all(each.truthy is True for each in self.checks.summary(found).exits):
            return None  # it lets everybody pass, whatever it has verified
        for each in self.code.with_callees(found, 3):
            inner = self.code.inside(each)
            for node in t.walk_own(*each.node.body):  # type: ignore[attr-defined]
                if isinstance(node, t.Call) and self._verifies(CallSite(node, inner)):
                    return node
        return None

    def _verifies(self, site: CallSite) -> bool:
        name = self.code.name(site.node.func, site.scope)
        told = (recognise(site, name, self.values) for recognise in RECOGNISERS)
        return any(each is not None and each.strength >= Strength.DEFAULT_SECRET for each in told)

    def _verifying(self, function: Located, tests: PathTests | None) -> Guard | None:
        """The guard that a handler is itself, when no way through it skips the check.

        Who is not who he says to be gets a 401 or 403, but who did not sign may get any refusal: a
        webhook answers 400 (https://docs.stripe.com/webhooks#verify-official-libraries).

        `tests` decides tests of the method, for a handler of several.
        """
        signed = self.checks.may_verify_signature
        if not self.checks.may_deny(function) and not signed(function):
            return None
        whole = self.checks.summary(function, tests)
        summary = self._heeded(whole, function, signed(function))
        if not summary.exits:
            return None
        proves = signed(function) and summary.guaranteed in (Strength.VERIFIED, Strength.OUTSIDE)
        if not proves and not (summary.rejects and summary.denies):
            return None
        assert isinstance(function.node, t.Function)
        first = (*summary.rejects, *(e.node for e in summary.exits))[0]
        at = Place(function.path, first.line, 1, 0, function.node.name)
        notes = "; ".join(summary.notes)
        if summary.guaranteed in (Strength.VERIFIED, Strength.EITHER):
            name, state, reason = function.node.name, Guarding.ENFORCED, "verifies in its body"
            if len(summary.rejects) > len(
                whole.rejects
            ):  # who is not verified is told nothing of it
                state, reason = Guarding.EXEMPT, SERVES_VERIFIED
            return self.exchanging(Guard(name, at, "body", state, reason), function)
        if summary.guaranteed is Strength.DEFAULT_SECRET:
            return Guard(function.node.name, at, "body", Guarding.ENFORCED, notes)
        if summary.guaranteed is Strength.OUTSIDE:
            return Guard(function.node.name, at, "body", Guarding.UNKNOWN, notes)
        if summary.conditional and "outside this tree" in notes:
            return Guard(function.node.name, at, "body", Guarding.UNKNOWN, notes)
        return None

    @staticmethod
    def _heeded(summary: Summary, function: Located, signed: bool) -> Summary:
        """Without the ways on which a handler only tells of an exception: they let nobody in.

        Where something signed is verified, neither do those that answer a constant and do nothing: a
        webhook may say 200 to who has not signed.
        """
        body: list[t.Stmt] = function.node.body  # type: ignore[attr-defined]
        caught = {
            id(node)
            for stmt in t.walk_own(*body)
            if isinstance(stmt, t.Try)
            for handler in stmt.handlers
            if idle_after(handler)
            for node in handler.body
        }
        if signed:
            caught |= {id(node) for node in idle_branches(body)}
        open_exits = tuple(e for e in summary.exits if id(e.node) not in caught)
        if len(open_exits) == len(summary.exits):
            return summary
        refused = [e.node for e in summary.exits if id(e.node) in caught] if signed else []
        return replace(summary, exits=open_exits, rejects=(*summary.rejects, *refused))

    def exchanges(self, function: Located) -> bool:
        """Whether a function verifies only what the body of the request brings, as a login does."""
        return False

    def exchanging(self, guard: Guard, function: Located) -> Guard:
        """A guard that lets in who has the password is a sign-in: who has none may try."""
        if guard.state is not Guarding.ENFORCED or not self.exchanges(function):
            return guard
        reason = "verifies a credential that the request's body brings, as a login does"
        return replace(guard, state=Guarding.EXEMPT, reason=reason)

    def about_callers(self, function: Located, refusals: Iterable[t.Node]) -> bool:
        """Whether a hook that turns requests away does so for a credential, by what its tests mention.

        A filter of addresses, of robots or of forgery mentions other things.
        """
        if _OTHER_FILTERS.search(self.code.own_name(function).partition(":")[2]):
            return False
        return any(
            len(word) < 40 and " " not in word and CREDENTIAL.search(_OF_A_DATABASE.sub("", word))
            for word in self._asked_for(function, refusals)
        )

    def _asked_for(self, function: Located, refusals: Iterable[t.Node]) -> Iterator[str]:
        """The words of the tests on which a function refuses, of what they name and of what they call."""
        scope = self.code.inside(function)
        own = list(t.walk_own(*function.node.body))  # type: ignore[attr-defined]
        pending: list[t.Node] = []
        for refusal in refusals:
            pending += [test for test, _ in conditions(function, refusal)] or own
            pending += _tried_before(own, refusal)
        named: set[str] = set()
        for _ in range(3):
            words = {n.id for n in t.walk_own(*pending) if isinstance(n, t.Name)} - named
            named |= words
            pending += [
                node.value
                for node in own
                if isinstance(node, t.Assign) and node.value is not None
                if any(isinstance(x, t.Name) and x.id in words for x in t.walk_own(*node.targets))
            ]
        called = (
            self.code.defined(node.func, scope)
            for node in t.walk_own(*pending)
            if isinstance(node, t.Call)
        )
        for each in called:
            for callee in self.code.with_callees(each, 1) if _is_function(each) else ():
                pending += callee.node.body  # type: ignore[attr-defined]
        for node in t.walk_own(*pending):
            match node:
                case t.Const(value=str(word)) | t.Name(id=word) | t.Attr(name=word):
                    yield word

    def turns_away_bare(self, function: Located, summary: Summary) -> bool:
        """Whether a function turns away who brings nothing, as every guard does."""
        scope, bare = self.code.inside(function), Bare(self.values)
        return any(bare.meets(conditions(function, node), scope) for node in summary.rejects)

    def each_request(self, function: Located, short: str, tests: PathTests) -> Guard | None:
        """What a middleware or hook demands of a request for one route; its `via` is middleware."""
        decided = self.heard(self.checks.summary(function, tests))
        if not decided.denies and not self.heard(self.checks.summary(function)).denies:
            return None
        notes = "; ".join(decided.notes)
        strength = decided.guaranteed
        if strength in (Strength.VERIFIED, Strength.EITHER):
            state, reason = (
                Guarding.ENFORCED,
                "verifies the credential of every request to this path",
            )
        elif strength is Strength.DEFAULT_SECRET:
            state, reason = Guarding.ENFORCED, notes
        elif strength is Strength.OUTSIDE:
            state, reason = Guarding.UNKNOWN, notes
        elif not decided.rejects:
            return None  # an exception for this path
        else:
            best = max((e.strength for e in decided.exits), default=Strength.NONE)
            state = _BY_BEST.get(best, Guarding.DECORATIVE)
            if state is Guarding.DECORATIVE and not self.about_callers(function, decided.rejects):
                return None  # a filter of addresses, a check of forgery: nobody's credential
            if state is Guarding.DECORATIVE and decided.undecided:
                told = "turns callers away after a test of the path that could not be decided"
                at = Place(function.path, function.node.line, function.node.column, 0, short)
                return Guard(short, at, "middleware", Guarding.UNKNOWN, told)
            if not self.turns_away_bare(function, decided):
                return None  # it minds what is sent; who sends nothing passes
            reason = notes or "looks only at the form of the credential, never verifies it"
            if state is Guarding.DECORATIVE and decided.conditional:
                state = Guarding.OPTIONAL
                reason = "turns callers away for who they are, though not on every way"
        at = Place(function.path, function.node.line, function.node.column, 0, short)
        return Guard(short, at, "middleware", state, reason)


def _tests_of(body: list[t.Stmt]) -> Iterator[t.If]:
    """The tests of a handler that stand in no other."""
    for stmt in body:
        match stmt:
            case t.If():
                yield stmt
            case t.Try(body=inner):
                yield from _tests_of(inner)


def _tried_before(own: list[t.Node], refusal: t.Node) -> Iterator[t.Node]:
    """What is tried where a refusal stands in one of its handlers."""
    for node in own:
        if isinstance(node, t.Try):
            for handler in node.handlers:
                if any(s.line <= refusal.line <= s.end_line for s in handler.body):
                    yield from node.body


def _is_function(found: Located | None) -> TypeGuard[Located]:
    return found is not None and isinstance(found.node, t.Function)


def _asked(function: Located) -> Iterator[t.Call]:
    """Calls by whose name somebody is asked who calls: for their own sake, in a `with`, in a test."""
    for node in t.walk_own(*function.node.body):  # type: ignore[attr-defined]
        found: list[t.Node]
        match node:
            case t.Do(value=value):
                found, words = [value], _ASKING
            case t.With(contexts=contexts):
                found, words = [*contexts], _ASKING
            case t.If(test=test):
                found, words = list(t.walk_own(test)), _ASKING
            case t.Assign(value=value) if value is not None:
                found, words = [value], _GETTING
            case _:
                continue
        for each in found:
            call = each.value if isinstance(each, t.Await) else each
            if isinstance(call, t.Call) and words.search(t.last_word(call.func)):
                yield call


_ASKING = re.compile(
    r"^(?:authori[sz]e(?!_(?:access_token|redirect|url))\w*|requires?_\w*(?:auth|login|user|role|permission|admin|access|scope)\w*"
    r"|(?:check|verify|ensure|validate|assert|enforce)_\w*(?:auth|access|permission|perms|role|login|token|credential)\w*"
    r"|is_(?:authori[sz]ed|allowed|permitted))$",
    re.I,
)
_GETTING = re.compile(
    r"^(?:(?:get_)?(?:current|authenticated)_(?:user|account|principal)|require_\w*(?:auth|user|login)\w*|authori[sz]e(?!_(?:access_token|redirect|url))\w*)$"
)
"""Calls whose result is kept: plain `authenticate(name, password)` is what a sign-in does."""
_OF_USERS = re.compile(r"^(?:self|super\(\)|cls)$|user|request$|permission", re.I)
"""Receivers that are known: users, requests, the view itself and its permissions."""
_KEPT_ON = re.compile(r"\.(?:state|g|ctx)\.")
"""What an application keeps on the frameworks' own objects."""
_MAY_GUARD = re.compile(
    r"auth|log_?in|permission|credential|jwt|acl|rbac|protect|require|current_?user|identity|principal",
    re.I,
)
_NO_GUARD = re.compile(
    r"form$|author(?!i)|authlib|client|oauth|logger|logging|config|settings|schema", re.I
)
_FRAMEWORKS = re.compile(
    r"(?:django|rest_framework|ninja|flask\w*|quart\w*|werkzeug|fastapi\w*|starlette|pydantic|builtins|functools"
    r"|contextlib|typing|sqlalchemy|sqlmodel)\b"
)
_OF_A_DATABASE = re.compile(
    r"(?:async|db|scoped|local)_?session(?:_?(?:local|maker))?|session_?(?:local|maker)", re.I
)
_OTHER_FILTERS = re.compile(r"csrf|xsrf|cors|rate_?limit|throttl|origin|host|maintenance", re.I)
_BY_BEST = {
    Strength.VERIFIED: Guarding.OPTIONAL,
    Strength.EITHER: Guarding.OPTIONAL,
    Strength.DEFAULT_SECRET: Guarding.OPTIONAL,
    Strength.OUTSIDE: Guarding.UNKNOWN,
}
"""What a hook is when not every way through it checks the same."""


def _told(summary: Summary, guaranteed: Strength) -> tuple[Guarding, str] | None:
    """What the ways through a function say of it, unless they all leave it decorative."""
    notes = "; ".join(summary.notes)
    if guaranteed is Strength.VERIFIED:
        return Guarding.ENFORCED, "verifies the credential"
    if guaranteed is Strength.EITHER:
        return Guarding.ENFORCED, "verifies the credential, or takes an id that exists for one"
    if guaranteed is Strength.DEFAULT_SECRET:
        return Guarding.ENFORCED, notes or "compares with a secret whose default is in the code"
    if guaranteed is Strength.OUTSIDE:
        return Guarding.UNKNOWN, notes or "rests on code outside this tree"
    best = max((max(e.strength, e.truth) for e in summary.exits), default=Strength.NONE)
    if best is Strength.VERIFIED or summary.when_truthy is Strength.VERIFIED:
        open_exits = [e for e in summary.exits if e.strength < Strength.DEFAULT_SECRET]
        where = f" (line {open_exits[0].node.line})" if open_exits else ""
        if summary.published and summary.denies:
            return Guarding.OPTIONAL, OF_THE_PRIVATE
        if all(e.falsy for e in open_exits):
            return Guarding.OPTIONAL, f"lets callers without a credential pass{where}"
        return Guarding.OPTIONAL, f"has a way through that verifies nothing{where}"
    if best is Strength.OUTSIDE:
        return Guarding.UNKNOWN, notes or "rests on code outside this tree"
    if summary.conditional and summary.published:
        return Guarding.OPTIONAL, OF_THE_PRIVATE
    if summary.conditional:
        return Guarding.OPTIONAL, "turns callers away for who they are, though not on every way"
    return None


def _why_decorative(summary: Summary, guaranteed: Strength) -> str:
    notes = "; ".join(summary.notes)
    constant = any(e.constant and not e.falsy for e in summary.exits)
    same = " and returns the same user for everybody" if constant else ""
    if notes:
        return notes + same
    if guaranteed is Strength.NAMED:
        return "takes the caller's word for who he is: any id that exists is let in"
    if guaranteed is Strength.FORM or (summary.rejects and summary.denies):
        return f"looks only at the form of the credential, never verifies it{same}"
    if not summary.rejects:
        return f"never turns anybody away{same}"
    return f"turns callers away, but not for who they are{same}"
