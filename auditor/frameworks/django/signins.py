"""Middleware that signs visitors in by itself: behind it, a demand for a user keeps nobody out.

`login(request, guest)` and `request.user = demo` are looked for in what a project's middleware runs.
What the caller has to prove first (a token, a password, a header that a proxy sets) is no matter.
https://docs.djangoproject.com/en/stable/topics/auth/default/#how-to-log-a-user-in
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator

import msgspec
from msgspec.structs import replace

from auditor.extract.python import tree as t
from auditor.frameworks.django.guards import DjangoGuards
from auditor.frameworks.django.settings import DjangoProject
from auditor.link.bare import Bare, Condition, conditions
from auditor.link.pathtests import PathTests
from auditor.link.scopes import CallSite, Located, Scope, place_of
from auditor.model.places import Place
from auditor.model.values import Setting, possible
from auditor.model.web import Guard, Guarding

_LOGIN = re.compile(r"^django\.contrib\.auth\.(?:login|alogin)$")
_STORED = re.compile(
    r"(?:\.objects|_manager)(?:\.\w+(?:\(\))?)*\.(?:get|first|last|latest|create\w*|get_or_create)$"
)
_PROVES = re.compile(r"authenticate|decode|verify", re.I)
_HARMLESS = re.compile(r"^django\.contrib\.auth\.(?:get_user|models\.AnonymousUser)$|^builtins\.")
_PROOFS = {
    "headers", "META", "COOKIES", "GET", "POST", "body", "get_signed_cookie", "session", "auth",
}  # fmt: skip
_RIGHTS = re.compile(r"admin|staff|superuser|perm|role|group", re.I)
"""Guards that ask for more than a user."""
_MAX_DEPTH = 3


class _SignIn(msgspec.Struct, frozen=True):
    place: Place
    tests: tuple[tuple[t.Expr, bool, Scope], ...]


class SignIns:
    """Where a project's middleware signs in who has proved nothing."""

    def __init__(self, guards: DjangoGuards, project: DjangoProject) -> None:
        self.guards, self.project = guards, project
        self.code, self.values = guards.code, guards.values
        self.bare = Bare(self.values)

    def behind(self, guards: list[Guard], tests: PathTests) -> list[Guard]:
        """The guards of a route as they are where its visitors are signed in already."""
        found = next((each for each in self._places if self._happens(each, tests)), None)
        if found is None:
            return guards
        told = f"a middleware signs visitors in by itself ({found.place.path}:{found.place.line})"
        return [self._weakened(guard, told) for guard in guards]

    @staticmethod
    def _weakened(guard: Guard, told: str) -> Guard:
        if guard.state is not Guarding.ENFORCED:
            return guard
        if _RIGHTS.search(f"{guard.name} {guard.reason}"):
            reason = f"{told}; whether such a user has these rights cannot be told"
            return replace(guard, state=Guarding.UNKNOWN, reason=reason)
        return replace(guard, state=Guarding.DECORATIVE, reason=told)

    def _happens(self, found: _SignIn, tests: PathTests) -> bool:
        return all(
            tests.decide(test, scope) in (None, outcome) for test, outcome, scope in found.tests
        )

    @functools.cached_property
    def _places(self) -> list[_SignIn]:
        found: list[_SignIn] = []
        for definition in self.guards.middlewares(self.project):
            for hook in self.guards.hooks(definition):
                found += self._reached(hook, (), _MAX_DEPTH)
        return found

    def _reached(
        self, function: Located, above: tuple[tuple[t.Expr, bool, Scope], ...], depth: int
    ) -> Iterator[_SignIn]:
        """The sign-ins of a function and of those that it calls, for who brings nothing."""
        scope = self.code.inside(function)
        for node in t.walk(*function.node.body):  # type: ignore[attr-defined]
            match node:
                case t.Call(func=func) if _LOGIN.match(self.code.name(func, scope)):
                    user = CallSite(node, scope).arg(1, "user")
                case t.Assign(targets=[t.Attr(name="user", value=owner)], value=user) if t.dotted(
                    owner
                ).endswith("request"):
                    pass
                case t.Call(func=func) if depth:
                    callee = self.code.defined(func, scope)
                    if callee is not None and isinstance(callee.node, t.Function):
                        tests = self._tests(function, node, scope)
                        if tests is not None:
                            yield from self._reached(callee, (*above, *tests), depth - 1)
                    continue
                case _:
                    continue
            tests = self._tests(function, node, scope)
            if tests is not None and user is not None and self._unproved(user, scope):
                yield _SignIn(place_of(Located(node, scope)), (*above, *tests))

    def _tests(
        self, function: Located, node: t.Node, scope: Scope
    ) -> tuple[tuple[t.Expr, bool, Scope], ...] | None:
        """On what a node is reached; None where nobody gets who brings nothing, or by default."""
        asked: list[Condition] = []
        for test, outcome in conditions(function, node):
            asked += _apart(test, outcome)
        for test, outcome in asked:
            if self.bare.decide(test, scope) is (not outcome):
                return None
            if self._by_default(test, scope) is (not outcome):
                return None
        return tuple((test, outcome, scope) for test, outcome in asked)

    def _by_default(self, test: t.Expr, scope: Scope) -> bool | None:
        """The outcome of a test as the code and the defaults of its settings have it."""
        value = self.values.value(test, scope)
        if isinstance(value, Setting):
            return any(bool(known.value) for known in possible(value.default))
        return self.values.decided(test, scope)

    def _unproved(self, user: t.Expr, scope: Scope, depth: int = 0) -> bool:
        """Whether a user comes from nothing that the caller has sent."""
        for source in self.values.sources(user, scope):
            node = source.node
            if not isinstance(node, t.Call) or depth > _MAX_DEPTH:
                continue
            name = self.code.name(node.func, source.scope) or t.dotted(node.func)
            if _HARMLESS.search(name):
                continue
            if _PROVES.search(name) or _STORED.search(name) or _STORED.search(t.dotted(node.func)):
                if not any(self._sent(given, source.scope) for given in _given(node)):
                    return True
                continue
            made = self.code.defined(node.func, source.scope)
            if made is not None and isinstance(made.node, t.Function) and not self._asks(made):
                return True
        return False

    def _sent(self, expr: t.Expr, scope: Scope) -> bool:
        """Whether a value may be what the caller has sent: made of a parameter or of the request."""
        for node in t.walk_own(expr):
            if isinstance(node, t.Attr) and node.name in _PROOFS:
                return True
            found = self.code.find(node.id, scope) if isinstance(node, t.Name) else None
            for binding in found[1] if found else ():
                if binding.kind == "parameter" and node.id not in ("request", "self", "cls"):  # type: ignore[attr-defined]
                    return True
                if binding.value is not None and any(
                    isinstance(n, t.Attr) and n.name in _PROOFS for n in t.walk_own(binding.value)
                ):
                    return True
        return False

    def _asks(self, function: Located) -> bool:
        """Whether a function looks at anything that the caller could prove himself with."""
        for each in self.code.with_callees(function, 2):
            scope = self.code.inside(each)
            for node in t.walk_own(*each.node.body):  # type: ignore[attr-defined]
                if isinstance(node, t.Attr) and node.name in _PROOFS:
                    return True
                if isinstance(node, t.Call) and _PROVES.search(t.dotted(node.func)):
                    if any(self._sent(given, scope) for given in _given(node)):
                        return True
        return False


def _apart(test: t.Expr, outcome: bool) -> list[Condition]:
    """`a and b` that holds is both; `a or b` that does not is neither."""
    match test:
        case t.Unary(op="not", value=value):
            return _apart(value, not outcome)
        case t.BoolOp(op=op, values=values) if (op == "and") == outcome:
            return [each for value in values for each in _apart(value, outcome)]
    return [(test, outcome)]


def _given(call: t.Call) -> list[t.Expr]:
    return [*call.args, *(keyword.value for keyword in call.keywords)]
