"""Summaries of functions, each made once."""

from __future__ import annotations

import contextlib
import functools
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from auditor.extract.python import tree as t
from auditor.link.checks.recognised import SIGNED
from auditor.link.checks.refusals import (
    DENIAL,
    DENIAL_NAMES,
    DENIAL_WORDS,
    TURNS_AWAY,
    tells_error,
)
from auditor.link.checks.responders import Responders
from auditor.link.checks.strength import (
    RECURSIVE,
    Origin,
    Strength,
    Summary,
    join,
)
from auditor.link.checks.walk import Walk
from auditor.link.origins import Env as Bound
from auditor.link.pathtests import PathTests
from auditor.link.scopes import Located, Scope, argument
from auditor.link.values import Evaluator

_OF_REQUEST = {
    "path", "method", "endpoint", "blueprint", "path_info", "full_path", "url_rule",
    "view_functions", "view_name", "url_name", "namespace", "resolver_match", "view_func", "action",
}  # fmt: skip
_COLUMN = re.compile(r"(?:^|\.)(?:Column|mapped_column|\w+Field)$")
_MAX_CALLS_DEEP = 16
"""How many calls are followed down: what stands deeper is no guard that anybody would find."""


@dataclass
class Checks:
    """Summarises functions; remembers what it found."""

    values: Evaluator
    fill: Callable[[t.Param, Scope], Origin | None] = lambda param, scope: None
    """What a framework puts into a parameter."""
    tuples_respond: bool = False
    """Whether `return body, 401` is a response."""
    ambient: bool = False
    """Whether a function knows the request without being given it."""
    around: Callable[[Located], Strength] = lambda function: Strength.NONE
    """What a function's decorators establish before it runs."""
    applied: Callable[[Located], Strength] = lambda decorator: Strength.NONE
    """What a decorator establishes that is applied on the spot: `login_required(view)(*args)`."""
    instance: tuple[object, ...] = ()
    """What distinguishes the guard that is judged just now from others of its class."""
    _summaries: dict[tuple[object, ...], tuple[Summary, frozenset[int]]] = field(
        default_factory=dict
    )
    """With each the scopes that its code can see: what is bound in none of them is the same to it."""
    _seen: set[int] = field(default_factory=set)
    _denies: dict[int, bool] = field(default_factory=dict)
    _asks: dict[int, bool] = field(default_factory=dict)
    _compared: dict[int, list[tuple[int, str]]] = field(default_factory=dict)
    _depth: int = 0

    @functools.cached_property
    def responders(self) -> Responders:
        return Responders(self.values)

    def summary(
        self,
        function: Located,
        tests: PathTests | None = None,
        given: Mapping[str, Origin] | None = None,
    ) -> Summary:
        """The summary of a function of the tree; of a recursive call, nothing is assumed.

        `tests` decides tests of the request's path and method, for a middleware on one route;
        `given` is what a call passes for the parameters.
        """
        if tests is not None and not self._asks_of_request(function):
            tests = None  # every request takes the same ways
        passed = tuple(sorted(given.items())) if given else None
        key = (id(function.node), tests and tests.key, passed, self.instance)
        for known in ((*key[:3], None), key):
            if known in self._summaries:
                summary, seen = self._summaries[known]
                if known is key or seen.isdisjoint(self.values.bound_scopes):
                    self._seen |= seen
                    return summary
        if self._depth >= _MAX_CALLS_DEEP:
            return RECURSIVE
        outer, self._seen = self._seen, set(_around(self.values.code.inside(function)))
        self._summaries[key] = RECURSIVE, frozenset()
        self._depth += 1
        try:
            summary = Walk(self, function, tests, given or {}).run()
        finally:
            self._depth -= 1
            del self._summaries[key]
        seen = frozenset(self._seen)
        general = seen.isdisjoint(self.values.bound_scopes)
        self._summaries[(*key[:3], None) if general else key] = summary, seen
        self._seen |= outer
        return summary

    def gates(self, function: Located, tests: PathTests | None = None) -> list[t.If]:
        """The tests in a function whose first branch only who is verified gets into."""
        return list(Walk(self, function, tests, {}).gates())

    def _asks_of_request(self, function: Located) -> bool:
        """Whether a function mentions what tests of the request's path and method are about.

        What it calls may ask as well, where the request is ambient further down.
        """
        key = id(function.node)
        if key not in self._asks:
            code = self.values.code
            reached = code.with_callees(function, 2 if self.ambient else 1)
            self._asks[key] = any(
                (isinstance(node, t.Attr) and (node.name in _OF_REQUEST or node.name == "kwargs"))
                or (isinstance(node, t.Name) and node.id in _OF_REQUEST)
                or (isinstance(node, t.Const) and node.value in ("path", "method"))
                or (isinstance(node, t.Attr) and t.dotted(node).endswith("url.endswith"))
                for each in reached
                for node in t.walk_own(*each.node.body)  # type: ignore[attr-defined]
            )
        return self._asks[key]

    @contextlib.contextmanager
    def within(self, env: Bound) -> Iterator[None]:
        """Judge a guard as it was made: `RoleChecker(optional=True)`, with its names bound."""
        saved = self.instance
        self.instance = (*saved, *sorted((k[1], id(v.node)) for k, v in env.items()))
        try:
            with self.values.within(env):
                yield
        finally:
            self.instance = saved

    def assigned(self, owner: re.Pattern[str], name: str) -> Origin:
        """What the tree puts into attribute `name` of what `owner` matches, wherever it does.

        A function that asks for what it has put there itself is judged by its other ways out.
        """
        joined: Origin | None = None
        itself = False
        for target, scope in self._attribute_targets.get(name, ()):
            function = scope.function
            if function is None or not owner.fullmatch(t.dotted(target.value)):
                continue
            located = self.values.code.enclosing(scope)
            summary = self.summary(located) if located else None
            itself |= summary is RECURSIVE
            found = summary.sets.get(t.dotted(target)) if summary else None
            if found is not None:
                joined = found if joined is None else join(joined, found)
        return joined or Origin(truth=Strength.VERIFIED if itself else Strength.NONE)

    def assigns(self, owner: re.Pattern[str], name: str, functions: frozenset[str]) -> bool:
        """Whether functions of these names, and no others, put something into an attribute."""
        within = [
            scope.function
            for target, scope in self._attribute_targets.get(name, ())
            if owner.fullmatch(t.dotted(target.value))
        ]
        return bool(within) and all(f is not None and f.name in functions for f in within)

    @functools.cached_property
    def _attribute_targets(self) -> dict[str, list[tuple[t.Attr, Scope]]]:
        found: dict[str, list[tuple[t.Attr, Scope]]] = defaultdict(list)
        for assign, scope in self.values.code.of_kind(t.Assign):
            for target in assign.targets:
                if isinstance(target, t.Attr):
                    found[target.name].append((target, scope))
        return found

    @functools.cached_property
    def kept_entries(self) -> dict[str, list[tuple[t.Assign, Scope]]]:
        """Key of a session -> where the tree puts something under it: `session["cart"] = …`."""
        found: dict[str, list[tuple[t.Assign, Scope]]] = defaultdict(list)
        for assign, scope in self.values.code.of_kind(t.Assign):
            for target in assign.targets:
                match target:
                    case t.Item(value=owner, index=t.Const(value=str(key))) if t.dotted(
                        owner
                    ).endswith("session"):
                        found[key].append((assign, scope))
        return found

    @functools.cached_property
    def column_defaults(self) -> dict[str, t.Const]:
        """Column of a table -> its constant default, where one class only has such a column."""
        found: dict[str, list[t.Const | None]] = defaultdict(list)
        for assign, scope in self.values.code.of_kind(t.Assign):
            match assign:
                case t.Assign(targets=[t.Name(id=name)], value=t.Call(func=func) as call) if (
                    isinstance(scope.owner, t.Class) and _COLUMN.search(t.dotted(func))
                ):
                    default = argument(call, None, "default")
                    found[name].append(default if isinstance(default, t.Const) else None)
        return {name: each[0] for name, each in found.items() if len(each) == 1 and each[0]}

    def may_deny(self, function: Located, depth: int = 4) -> bool:
        """Whether a function, or one it calls, says 401 or 403 anywhere; cheaper than its paths."""
        key = id(function.node)
        if key not in self._denies:
            self._denies[key] = False
            self._denies[key] = self._says_denial(function, depth)
        return self._denies[key]

    def may_verify_signature(self, function: Located, depth: int = 3) -> bool:
        """Whether a function, or one it calls, verifies what was signed."""
        signing = self._verifying_signatures
        return bool(signing) and any(
            id(each.node) in signing for each in self.values.code.with_callees(function, depth)
        )

    @functools.cached_property
    def _verifying_signatures(self) -> set[int]:
        code = self.values.code
        return {
            id(site.function)
            for last in (*_SIGNATURES, *SIGNED)
            for site in code.method_calls(last)
            if site.function is not None
            if last in _SIGNATURES or _one_of(SIGNED[last], code.name(site.node.func, site.scope))
        }

    def compared(self, function: Located) -> list[tuple[int, str]]:
        """(position, name) of the parameters that a function compares with constants, or each other."""
        key = id(function.node)
        if key not in self._compared:
            params = [p.name for p in function.node.params]  # type: ignore[attr-defined]
            if isinstance(function.scope.owner, t.Class):
                params = params[1:]
            names: set[str] = set()
            for node in t.walk_own(*function.node.body):  # type: ignore[attr-defined]
                match node:
                    case t.Compare(left=t.Name(id=name), rights=[t.Const(value=str()), *_]):
                        names.add(name)
                    case t.Compare(left=t.Name(id=name), rights=[t.Name(id=other)]):
                        names |= {name, other} if {name, other} <= {*params} else set()
                    case t.Call(func=func, args=[t.Name(id=name), t.Name(id=other)]) if t.dotted(
                        func
                    ).endswith("compare_digest"):
                        names |= {name, other} if {name, other} <= {*params} else set()
            self._compared[key] = [(i, name) for i, name in enumerate(params) if name in names]
        return self._compared[key]

    def _says_denial(self, function: Located, depth: int) -> bool:
        code = self.values.code
        inner = code.inside(function)
        defaults = [p.default for p in function.node.params if p.default is not None]  # type: ignore[attr-defined]
        for node in t.walk_own(*function.node.body, *defaults):  # type: ignore[attr-defined]
            match node:
                case t.Const(value=int(number)) if number in DENIAL:
                    return True
                case t.Attr(name=name) | t.Name(id=name) if DENIAL_NAMES.search(name):
                    return True
                case t.Raise(exception=t.Call(func=func) | (t.Name() | t.Attr() as func)) if (
                    DENIAL_WORDS.search(t.dotted(func))
                ):
                    return True
                case t.Call(func=t.Name(id=name) | t.Attr(name=name)) if TURNS_AWAY.search(name):
                    return True
                case t.If(test=test, body=[*_, t.Return(value=told)]) if told is not None:
                    if tells_error(told) and _about_somebody(test):
                        return True
                case t.Call(func=func) if depth:
                    callee = code.defined(func, inner)
                    if callee is not None and isinstance(callee.node, t.Function):
                        if callee.node.decorators and self.around(callee) is Strength.VERIFIED:
                            return True
                        if self.may_deny(callee, depth - 1):
                            return True
        return False


_SOMEBODY = re.compile(r"user|session|account|member|admin|identity|uid|logged|auth", re.I)


def _about_somebody(test: t.Expr) -> bool:
    """Whether a test mentions who is calling."""
    words = (
        n.id if isinstance(n, t.Name) else n.name
        for n in t.walk_own(test)
        if isinstance(n, t.Name | t.Attr)
    )
    return any(_SOMEBODY.search(word) for word in words)


_SIGNATURES = (
    "construct_event", "verify_header", "compare_digest", "constant_time_compare", "unsign", "verify_signature",
    "verify_webhook", "verify_webhook_signature", "verify_payment_signature", "verify_key", "validate_signature",
)  # fmt: skip
"""Last names of calls that verify what was signed: Stripe, Razorpay, Discord, hmac, Django, itsdangerous."""


def _one_of(patterns: list[re.Pattern[str]], name: str) -> bool:
    return any(pattern.fullmatch(name) for pattern in patterns)


def _around(scope: Scope) -> Iterator[int]:
    where: Scope | None = scope
    while where is not None:
        yield id(where)
        where = where.parent
