"""What every way through a function has checked before it lets the caller pass.

A guard is judged by its paths. Walking the statements of a function, each path collects the
*strength* of the tests it has passed: nothing, the presence or form of a credential, a comparison
with a secret whose default stands in the code, something outside the tree that cannot be judged,
or a real verification (signature, session or key lookup, password check, comparison with a secret
from outside). A path ends by turning the caller away (an exception, a response of 401 or 403) or
by accepting. The function verifies when no accepting path lacks a verification.

Where tests meet again after both branches went on, what only one of them knew is forgotten: an
outcome that changes nothing is not a check. An exception handler starts with what was known before
the `try`, so a verification whose failure is swallowed does not count.
"""

from __future__ import annotations

import contextlib
import enum
import functools
import re
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from auditor.extract.python import tree as t
from auditor.link.names import CallSite, Located, Scope, argument
from auditor.link.pathtests import PathTests
from auditor.link.values import Env as Bound
from auditor.link.values import Evaluator
from auditor.model.values import Known, Masked, Setting, possible, settings_in


class Strength(enum.IntEnum):
    """How much a passed check says about who is calling.

    NAMED: what the caller sent names something that exists, such as a user's id; it is no secret.
    """

    NONE = 0
    FORM = 1
    NAMED = 2
    DEFAULT_SECRET = 3
    OUTSIDE = 4
    VERIFIED = 5


@dataclass(frozen=True, slots=True)
class Verification:
    """What a call to a known library function establishes.

    `raises`: failing raises, so that going on means success; else the result tells.
    """

    strength: Strength
    raises: bool
    note: str = ""
    denies: bool = False
    """Whether what it raises answers 401 or 403, so that a body with it is a guard."""


Recogniser = Callable[[CallSite, str, Evaluator], "Verification | None"]
_RECOGNISERS: list[Recogniser] = []


def recognises(recogniser: Recogniser) -> Recogniser:
    """Register a library's verifying functions: (call, canonical name, evaluator) -> effect."""
    _RECOGNISERS.append(recogniser)
    return recogniser


@dataclass(frozen=True, slots=True, order=True)
class Origin:
    """Where a variable's value comes from, as far as guarding is concerned.

    `caller`: holds what the caller sent. `truth`: what is established when the value is truthy.
    """

    caller: bool = False
    truth: Strength = Strength.NONE
    falsy: bool = False
    constant: bool = False
    identity: bool = False


Voucher = Callable[[t.Expr, str, Scope, "Checks"], "Origin | None"]
_VOUCHERS: list[Voucher] = []


def vouches(voucher: Voucher) -> Voucher:
    """Register what a framework says of the caller: (expression, canonical name, scope, checks).

    A signed session, `request.user`, `flask_login.current_user`. The origin's `truth` is what holds
    when the expression is truthy; `identity` marks the caller as the framework knows him, who may be
    nobody, so that only comparing him with something tells.
    """
    _VOUCHERS.append(voucher)
    return voucher


@dataclass(frozen=True, slots=True)
class Exit:
    """One way out that lets the caller pass."""

    strength: Strength
    falsy: bool
    constant: bool
    node: t.Node
    truth: Strength
    """What is established when the returned value is truthy."""
    caller: bool = False
    """Whether the returned value is what the caller sent."""


@dataclass(frozen=True, slots=True)
class Summary:
    """All that the paths through a function say."""

    exits: tuple[Exit, ...]
    rejects: tuple[t.Node, ...]
    denies: bool
    """Whether a rejection says 401 or 403, so that the function means to guard."""
    notes: tuple[str, ...] = ()
    conditional: bool = False
    """Whether it turns callers away for who they are, though not on every way."""
    sets: dict[str, Origin] = field(default_factory=dict)
    """What it puts into attributes (`g.user`, `request.state.user`), joined over its paths."""

    @property
    def guaranteed(self) -> Strength:
        """What is established whenever the function returns at all."""
        return min((e.strength for e in self.exits), default=Strength.VERIFIED)

    @property
    def when_truthy(self) -> Strength:
        """What is established when the function returns something truthy."""
        truths = [max(e.strength, e.truth) for e in self.exits if not e.falsy]
        return min(truths, default=Strength.NONE)


_RECURSIVE = Summary(
    (Exit(Strength.NONE, False, False, t.Jump(1, 1, 1, "pass"), Strength.NONE),), (), False
)

Env = dict[str, Origin]


@dataclass(frozen=True, slots=True)
class _State:
    strength: Strength
    env: Env


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
            return _RECURSIVE
        outer, self._seen = self._seen, set(_around(self.values.code.inside(function)))
        self._summaries[key] = _RECURSIVE, frozenset()
        self._depth += 1
        try:
            summary = _Walk(self, function, tests, given or {}).run()
        finally:
            self._depth -= 1
            del self._summaries[key]
        seen = frozenset(self._seen)
        general = seen.isdisjoint(self.values.bound_scopes)
        self._summaries[(*key[:3], None) if general else key] = summary, seen
        self._seen |= outer
        return summary

    def _asks_of_request(self, function: Located) -> bool:
        """Whether a function mentions what tests of the request's path and method are about.

        Where the request is ambient, what it calls may ask as well.
        """
        key = id(function.node)
        if key not in self._asks:
            code = self.values.code
            reached = code.with_callees(function, 2) if self.ambient else [function]
            self._asks[key] = any(
                (isinstance(node, t.Attr) and (node.name in _OF_REQUEST or node.name == "kwargs"))
                or (isinstance(node, t.Name) and node.id in _OF_REQUEST)
                or (isinstance(node, t.Const) and node.value in ("path", "method"))
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
        """What the tree puts into attribute `name` of what `owner` matches, wherever it does."""
        joined: Origin | None = None
        for target, scope in self._attribute_targets.get(name, ()):
            function = scope.function
            if function is None or not owner.fullmatch(t.dotted(target.value)):
                continue
            located = self.values.code.enclosing(scope)
            found = self.summary(located).sets.get(t.dotted(target)) if located else None
            if found is not None:
                joined = found if joined is None else _join(joined, found)
        return joined or Origin()

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

    def compared(self, function: Located) -> list[tuple[int, str]]:
        """(position, name) of the parameters that a function compares with constants."""
        key = id(function.node)
        if key not in self._compared:
            params = [p.name for p in function.node.params]  # type: ignore[attr-defined]
            if isinstance(function.scope.owner, t.Class):
                params = params[1:]
            names = {
                node.left.id
                for node in t.walk_own(*function.node.body)  # type: ignore[attr-defined]
                if isinstance(node, t.Compare)
                and isinstance(node.left, t.Name)
                and isinstance(node.rights[0], t.Const)
                and isinstance(node.rights[0].value, str)
            }
            self._compared[key] = [(i, name) for i, name in enumerate(params) if name in names]
        return self._compared[key]

    def _says_denial(self, function: Located, depth: int) -> bool:
        code = self.values.code
        inner = code.inside(function)
        for node in t.walk_own(*function.node.body):  # type: ignore[attr-defined]
            match node:
                case t.Const(value=int(number)) if number in _DENIAL:
                    return True
                case t.Attr(name=name) if _DENIAL_NAMES.search(name):
                    return True
                case t.Raise(exception=t.Call(func=func) | (t.Name() | t.Attr() as func)) if (
                    _DENIAL_WORDS.search(t.dotted(func))
                ):
                    return True
                case t.Call(func=t.Name(id=name) | t.Attr(name=name)) if _TURNS_AWAY.search(name):
                    return True
                case t.Call(func=func) if depth:
                    callee = code.defined(func, inner)
                    if callee is not None and isinstance(callee.node, t.Function):
                        if callee.node.decorators and self.around(callee) is Strength.VERIFIED:
                            return True
                        if self.may_deny(callee, depth - 1):
                            return True
        return False


_NO_AUTHORITIES = sys.stdlib_module_names | {
    "bleach", "builtins", "bson", "fastapi", "flask", "flask_babel", "flask_caching",
    "flask_restful", "flask_restx", "flask_smorest", "flask_sqlalchemy", "flask_wtf", "jinja2",
    "loguru", "markupsafe", "marshmallow", "motor", "peewee", "pydantic", "pymongo", "quart",
    "slowapi", "sqlalchemy", "starlette", "structlog", "webargs", "werkzeug", "wtforms",
}  # fmt: skip
"""Packages that decide nothing about a credential."""
_DENIAL = {401, 403, 1008, 3000, 3003, 4001, 4003, 4401, 4403}
"""HTTP statuses, and close codes of web sockets (RFC 6455, section 7.4; 4000 up are private)."""
_DENIAL_NAMES = re.compile(r"_40[13]_|UNAUTHORIZED|FORBIDDEN|POLICY_VIOLATION")
_DENIAL_WORDS = re.compile(r"auth|credential|permission|forbidden|token|denied|login", re.I)
_RESPONSES = re.compile(
    r"(?:Response\w*|abort|[rR]edirect\w*|(?:make|create)_response|unauthorized|forbidden|handle_no_permission"
    r"|permission_denied|render|redirect_to_login)$"
)
_TURNS_AWAY = re.compile(
    r"redirect|unauthorized|forbidden|no_permission|permission_denied|_jwt_in_request", re.I
)
_SENDING = re.compile(r"(?:^|\.)(?:websocket|ws|socket)\.close$|^send$|^\w*(?:response|resp)$")
_LOGIN = re.compile(r"log-?_?in|sign-?_?in|auth", re.I)
_LOOKUP_METHODS = {
    "find_one", "find", "get", "first", "one", "one_or_none", "scalar", "scalar_one_or_none",
    "get_or_none", "find_one_and_update", "hget", "hgetall", "exists", "count_documents",
    "where", "filter", "filter_by", "fetch_one", "fetchone", "fetchrow", "find_first", "find_unique",
    "aget", "afirst", "aexists", "get_or_404", "first_or_404",
}  # fmt: skip
_BY_CREDENTIAL = re.compile(
    r"(?:by|with|for|from)_(?:\w+_)?(?:token|session|key|credential|hash)", re.I
)
_CREDENTIAL_FIELD = re.compile(
    r"token|session|api_?key|key|secret|hash|passw|code|signature|nonce|otp|credential", re.I
)
_OF_REQUEST = {
    "path", "method", "endpoint", "blueprint", "path_info", "full_path", "url_rule",
    "view_functions", "view_name", "url_name", "namespace", "resolver_match",
}  # fmt: skip
_CHECKING = re.compile(r"check|verif|valid|auth|match", re.I)
_SWITCHES_OFF = re.compile(r"disable|bypass|skip|insecure|without|no_?auth|allow_?anonymous", re.I)
_OFF = {"", "0", "false", "no", "off", "none", "n", "f"}
_SWITCH = re.compile(_SWITCHES_OFF.pattern + r"|auth|login|secur|protect|enable", re.I)
"""Settings that turn guarding on or off."""
_OPTIONS = re.compile(r"(?:^|[._])(?:config|configuration|settings?|options|preferences)$", re.I)
"""Where an application keeps its options, by name."""
_COLUMN = re.compile(r"(?:^|\.)(?:Column|mapped_column|\w+Field)$")
_DATABASE_SESSION = re.compile(r"(?:^|\.)(?:db_?)?session$", re.I)
"""A session with the database, not with a caller."""
_CALLER_SOURCES = re.compile(
    r"\.(?:headers|cookies|query_params|session|credentials|path_params|client|body|json|form"
    r"|args|values|authorization|get_json|data|view_args)\b"
)


OF_NOBODY = {"is_anonymous", "get_id", "groups", "user_permissions", "pk", "id"}
"""Attributes of a user that say nothing of one who has not signed in."""
_DEMANDING = re.compile(r"(?:^|\.)(?:login_required|staff_member_required|permission_required)$")
_TELLING_NAME = re.compile(r"^is_(?:authenticated|logged_in|signed_in|anonymous)$")
_MAX_IMPLEMENTATIONS = 16
_MAX_CALLS_DEEP = 16
"""How many calls are followed down: what stands deeper is no guard that anybody would find."""
_PLAIN_METHODS = re.compile(
    r"^(?:add|append|extend|update|insert|set\w*|put|push|send\w*|write|format|join|info|debug|warning"
    r"|error|exception|log\w*|pop|remove|discard|split|strip|replace|encode|decode|lower|upper"
    r"|startswith|endswith|match|search|fullmatch|dispatch|emit|capture\w*|bind|track\w*|incr\w*)$"
)


def _keeps(method: Located) -> bool:
    """Whether a method reads what its object holds, as a store or cache does."""
    return isinstance(method.scope.owner, t.Class) and any(
        isinstance(node, t.Attr) and isinstance(node.value, t.Name) and node.value.id == "self"
        for node in t.walk_own(*method.node.body)  # type: ignore[attr-defined]
    )


def _abstract(method: Located) -> bool:
    """Whether a method only says that others implement it."""
    body = [s for s in method.node.body if not _is_docstring(s)]  # type: ignore[attr-defined]
    match body:
        case [] | [t.Jump()] | [t.Raise()] | [t.Do(value=t.Const())]:
            return True
    return False


def _is_docstring(stmt: t.Stmt) -> bool:
    return isinstance(stmt, t.Do) and isinstance(stmt.value, t.Const)


def _around(scope: Scope) -> Iterator[int]:
    where: Scope | None = scope
    while where is not None:
        yield id(where)
        where = where.parent


class _Walk:
    def __init__(
        self,
        checks: Checks,
        function: Located,
        tests: PathTests | None,
        given: Mapping[str, Origin],
    ) -> None:
        self.checks = checks
        self.tests = tests
        self.given = given
        self.values = checks.values
        self.code = checks.values.code
        self.function = function
        self.scope = self.code.inside(function)
        self.exits: list[Exit] = []
        self.rejects: list[t.Node] = []
        self.denies = False
        self.notes: list[str] = []
        self.sets: dict[str, Origin] = {}
        self.conditional = False
        self.refusing = False
        """Whether we are where only a caller comes whom a check has not recognised."""
        self.by_default = True
        self.optional = False
        """Whether settings and options are taken as they are by default; whether any was."""

    def run(self) -> Summary:
        node = self.function.node
        assert isinstance(node, t.Function)
        env: Env = {}
        start = Strength.NONE
        for param in node.params:
            given = self.given.get(param.name) or self.checks.fill(param, self.scope)
            sent = param.name not in ("self", "cls")
            if self.checks.ambient and param.kind == "args":
                sent = False  # what the path names comes by its name: these are the objects around
            env[param.name] = given or Origin(caller=sent)
        end = self.block(node.body, _State(start, env))
        if self.optional and end is None and not self.exits:
            self.by_default, self.rejects = False, []  # a feature that is off lets nobody pass
            end = self.block(node.body, _State(start, env))
        if end is not None:
            self.exits.append(Exit(end.strength, True, False, node, Strength.NONE))
        return Summary(
            tuple(self.exits),
            tuple(self.rejects),
            self.denies,
            tuple(dict.fromkeys(self.notes)),
            self.conditional,
            self.sets,
        )

    # --- statements: the state after them, or None when no path goes on

    def block(self, body: Iterable[t.Stmt], state: _State | None) -> _State | None:
        for stmt in body:
            if state is None:
                return None
            state = self.stmt(stmt, state)
        return state

    def stmt(self, stmt: t.Stmt, state: _State) -> _State | None:
        match stmt:
            case t.Return(value=value):
                self.leave(stmt, value, state)
                return None
            case t.Raise():
                self.reject(stmt, stmt.exception)
                return None
            case t.If():
                return self.branch(stmt, state)
            case t.Try():
                return self.attempt(stmt, state)
            case t.With():
                for context in stmt.contexts:
                    state = self.effect(context, state)
                return self.block(stmt.body, state)
            case t.For(target=t.Name(id=name), iter=t.Seq(items=items)) if (
                self.tests is not None and 0 < len(items) <= 20
            ):
                for item in items:  # `for path in ["/admin", "/api"]: if request.path…`
                    with self.values.within({(id(self.scope), name): Located(item, self.scope)}):
                        after = self.block(stmt.body, state)
                    if after is None:
                        return None
                    state = after
                return state
            case t.For() | t.While():
                head = stmt.iter if isinstance(stmt, t.For) else stmt.test
                state = self.effect(head, state)
                env = dict(state.env)
                if isinstance(stmt, t.For):
                    for name in _names(stmt.target):
                        env[name] = self.origin(stmt.iter, state)
                inner = self.block(stmt.body, _State(state.strength, env))
                return _merge([state, inner])
            case t.Match():
                state = self.effect(stmt.subject, state)
                ends = [self.block(case.body, state) for case in stmt.cases]
                return _merge([state, *ends])
            case t.Assert(test=test):
                state = self.effect(test, state)
                passed, _ = self.truth(test, state)
                return self.raised(state, passed)
            case t.Assign(value=value) if value is not None:
                state = self.effect(value, state)
                env = dict(state.env)
                origin = self.origin(value, state)
                for target in stmt.targets:
                    for name in _names(target):
                        env[name] = origin
                    if isinstance(target, t.Attr) and (dotted := t.dotted(target)):
                        env[dotted] = origin
                        self.put(dotted, origin, state)
                return replace(state, env=env)
            case t.Do(value=value):
                if self.aborts(value):
                    self.reject(stmt, value)
                    return None
                if isinstance(value, t.Yield):  # what comes after runs when the work is done
                    self.leave(stmt, value.value, state)
                    return None
                return self.effect(value, state)
        return state

    def put(self, dotted: str, origin: Origin, state: _State) -> None:
        """Remember what an attribute holds for other functions to find there."""
        if not origin.falsy:
            origin = replace(origin, truth=max(origin.truth, state.strength))
        self.sets[dotted] = _join(self.sets[dotted], origin) if dotted in self.sets else origin

    def leave(self, stmt: t.Stmt, value: t.Expr | None, state: _State) -> None:
        if value is not None and self.aborts(value):
            self.reject(stmt, value)
            return
        if value is None:
            self.exits.append(Exit(state.strength, True, False, stmt, Strength.NONE))
            return
        state = self.effect(value, state)
        passed, _ = self.truth(value, state)
        origin = self.origin(value, state)
        self.exits.append(
            Exit(
                state.strength,
                origin.falsy,
                origin.constant,
                stmt,
                max(passed, origin.truth),
                origin.caller,
            )
        )

    def reject(self, node: t.Node, what: t.Expr | None) -> None:
        self.rejects.append(node)
        if what is not None and (self.refusing or self.is_denial(what)):
            self.denies = True

    def is_denial(self, what: t.Expr) -> bool:
        """Whether an exception or response says 401 or 403."""
        name = self.code.name(what.func if isinstance(what, t.Call) else what, self.scope)
        words = f"{name} {t.dotted(what.func if isinstance(what, t.Call) else what)}"
        if _DENIAL_WORDS.search(words):
            return True
        if "edirect" in words and isinstance(what, t.Call):
            return any(self.leads_to_login(given) for given in _arguments(what))
        origins = [Located(what, self.scope)]
        if isinstance(what, t.Name):
            origins = self.values.origins(what, self.scope) or origins
        for origin in origins:
            if self.sends_to_login(origin.node):
                return True
            for node in t.walk_own(origin.node):
                if isinstance(node, t.Const) and node.value in _DENIAL and node.value is not True:
                    return True
                if isinstance(node, t.Attr) and _DENIAL_NAMES.search(node.name):
                    return True
        return False

    def sends_to_login(self, response: t.Node) -> bool:
        """An exception or response with a `Location` header that leads to a login."""
        for node in t.walk_own(response):
            if isinstance(node, t.Map):
                for key, target in zip(node.keys, node.values, strict=True):
                    if isinstance(key, t.Const) and str(key.value).lower() == "location":
                        return self.leads_to_login(target)
        return False

    def aborts(self, value: t.Expr) -> bool:
        """A response that turns the caller away: `abort(401)`, `JSONResponse(status_code=401)`."""
        call = value.value if isinstance(value, t.Await) else value
        if self.checks.tuples_respond and isinstance(call, t.Seq) and len(call.items) > 1:
            return _is_error(call.items[1])
        if not isinstance(call, t.Call):
            return False
        if isinstance(call.func, t.Call) and _DEMANDING.search(t.dotted(call.func.func)):
            self.denies = True  # `return login_required(view)(request)`
            self.rejects.append(call)
            return False
        name = self.code.name(call.func, self.scope) or t.dotted(call.func)
        if _SENDING.search(t.dotted(call.func)) and not name.endswith(".make_response"):
            return self.sends_denial(call)
        if not _RESPONSES.search(name):
            return self.always_denies(name)
        if re.search(r"[rR]edirect\w*$", name) and not name.endswith("redirect_to_login"):
            return self.refusing or any(self.leads_to_login(given) for given in _arguments(call))
        return self.is_denial(call) or _is_error(call)

    def sends_denial(self, call: t.Call) -> bool:
        """`await response(scope, receive, send)`, `send({"status": 401})`, `websocket.close(1008)`."""
        if isinstance(call.func, t.Name) and len(call.args) == 3:
            responses = self.values.origins(call.func, self.scope)
            found = [r.node for r in responses if isinstance(r.node, t.Call)]
            denied = bool(found) and all(self.is_denial(response) for response in found)
            self.denies |= denied
            return denied
        if isinstance(call.func, t.Attr) and call.func.name == "close":
            return self.is_denial(call)
        return any(isinstance(given, t.Map) and _is_error(given) for given in _arguments(call))

    def always_denies(self, name: str) -> bool:
        """A function of the tree that makes the response which turns callers away."""
        found = self.code.definition(name)
        if found is None or not isinstance(found.node, t.Function):
            return False
        if not self.checks.may_deny(found):
            return False
        summary = self.checks.summary(found)
        return summary.denies and not summary.exits

    def leads_to_login(self, target: t.Expr) -> bool:
        """`/login`, `url_for("auth.login")`, `reverse("login")`, `settings.LOGIN_URL`."""
        if _LOGIN.search(self.values.text(target, self.scope) or ""):
            return True
        for node in t.walk_own(target):
            match node:
                case t.Const(value=str(word)) | t.Name(id=word) | t.Attr(name=word):
                    if _LOGIN.search(word):
                        return True
        return False

    def branch(self, stmt: t.If, state: _State) -> _State | None:
        decided = self.decided(stmt.test)
        if decided is None:
            decided = self.configured(stmt.test)
        if decided is None:
            decided = _settled(stmt.test, state.env)
        if decided is None and self.values.is_bound(stmt.test, self.scope):
            decided = self.values.decided(stmt.test, self.scope)
        if decided is not None:
            return self.block(stmt.body if decided else stmt.orelse, state)
        state = self.effect(stmt.test, state)
        yes, no = self.truth(stmt.test, state)
        known = self.about_identity(stmt.test, state)
        verified = Strength.VERIFIED
        before = len(self.rejects)
        then = self.refused(
            stmt.body, self.learned(state, stmt.test, True, yes), known and no is verified
        )
        other = self.refused(
            stmt.orelse, self.learned(state, stmt.test, False, no), known and yes is verified
        )
        if len(self.rejects) > before and (known or max(yes, no) >= Strength.DEFAULT_SECRET):
            self.conditional = True
        if then is not None and other is not None and not _both_verified(then, other):
            # both go on: the test decided nothing, only what each branch did itself remains
            then = self.unlearned(then, yes, state, stmt.body)
            other = self.unlearned(other, no, state, stmt.orelse)
        return _merge([then, other])

    def decided(self, test: t.Expr) -> bool | None:
        """The outcome of a test that hangs on the request's path and method, or on switches."""
        match test:
            case t.Unary(op="not", value=value):
                inner = self.decided(value)
                return None if inner is None else not inner
            case t.BoolOp(op=op, values=values):
                outcomes = [self.decided(value) for value in values]
                if (op == "or") in outcomes:
                    return op == "or"
                return None if None in outcomes else op == "and"
        known = self.tests.decide(test, self.scope) if self.tests else None
        return self.switched(test) if known is None else known

    def switched(self, test: t.Expr) -> bool | None:
        """The outcome of a test of a switch that the code sets, or that is off unless it is set."""
        if not isinstance(test, t.Name | t.Attr | t.Item | t.Call):
            return None
        words = _last_word(test)
        if not words or not _SWITCH.search(words):
            return None
        for origin in self.values.origins(test, self.scope):
            if isinstance(origin.node, t.Call) and self.code.defined(
                origin.node.func, origin.scope
            ):  # a helper of the tree reads it: only a default that it is given tells
                read = list(settings_in(self.values.value(test, self.scope)))
                if len(read) == 1 and isinstance(read[0].default, Known):
                    self.note(f"{read[0].name} decides whether it is asked at all")
                    return str(read[0].default.value).lower() not in _OFF
                return None
        value = self.values.value(test, self.scope)
        plain = list(possible(value))
        if not plain and list(settings_in(value)):
            return False if _SWITCHES_OFF.search(words) else None
        outcomes = {bool(known.value) for known in plain}
        return outcomes.pop() if len(outcomes) == 1 else None

    def refused(self, body: list[t.Stmt], state: _State, refusing: bool) -> _State | None:
        """The state after a branch; `refusing` where whom the framework knows takes the other."""
        before = self.refusing
        self.refusing = (refusing or before) and state.strength is not Strength.VERIFIED
        try:
            return self.block(body, state)
        finally:
            self.refusing = before

    def about_identity(self, expr: t.Expr, state: _State) -> bool:
        """Whether a test is about who the framework says is calling."""
        if isinstance(expr, t.Name) and expr.id in state.env:
            return state.env[expr.id].identity
        if vouched := self.vouched(expr):
            return bool(vouched.identity or vouched.truth)
        below = () if isinstance(expr, t.Lambda) else t.children(expr)
        return any(self.about_identity(node, state) for node in below)  # type: ignore[arg-type]

    def configured(self, test: t.Expr) -> bool | None:
        """The outcome of a test of a setting, as its default in the code has it."""
        if any(isinstance(node, t.Call | t.Compare) for node in t.walk_own(test)):
            compared = isinstance(test, t.Compare) and not any(
                isinstance(node, t.Call) for node in t.walk_own(test)
            )
            if not compared:
                return None
        value = self.values.value(test, self.scope)
        if isinstance(value, Setting) and isinstance(value.default, Known) and self.by_default:
            self.note(f"{value.name} decides whether it is asked at all")
            self.optional = True
            return bool(value.default.value)
        outcome = self.stored_option(test) if self.by_default else None
        self.optional |= outcome is not None
        return outcome

    def stored_option(self, test: t.Expr) -> bool | None:
        """The outcome of a test of an option kept in the database, as its column's default has it."""
        match test:
            case t.Unary(op="not", value=inner):
                outcome = self.stored_option(inner)
                return None if outcome is None else not outcome
            case t.Attr(value=owner, name=name) if _OPTIONS.search(t.dotted(owner)):
                default = self.checks.column_defaults.get(name)
                return None if default is None else bool(default.value)
            case t.Compare(
                left=t.Attr(value=owner, name=name),
                ops=[("==" | "!=") as op],
                rights=[right],
            ) if _OPTIONS.search(t.dotted(owner)):
                default = self.checks.column_defaults.get(name)
                wanted = self.values.value(right, self.scope)
                if default is not None and isinstance(wanted, Known):
                    return bool(default.value == wanted.value) == (op == "==")
            case t.BoolOp(op=op, values=values):
                outcomes = [self.stored_option(value) for value in values]
                return (op == "or") if (op == "or") in outcomes else None
        return None

    def learned(self, state: _State, test: t.Expr, outcome: bool, strength: Strength) -> _State:
        """The state in a branch: the strength its outcome shows, and what is now known falsy."""
        env = state.env
        name, truthy = _tested(test)
        if name in env and truthy != outcome:
            env = {**env, name: replace(env[name], falsy=True)}
        return _State(max(state.strength, strength), env)

    @staticmethod
    def unlearned(end: _State, gained: Strength, before: _State, body: list[t.Stmt]) -> _State:
        if end.strength == gained and gained > before.strength:
            return _State(before.strength, end.env)
        return end

    def raised(self, state: _State, strength: Strength) -> _State:
        return _State(max(state.strength, strength), state.env)

    def attempt(self, stmt: t.Try, state: _State) -> _State | None:
        end = self.block(stmt.body, state)
        if end is not None:
            end = self.block(stmt.orelse, end)
        ends = [end]
        for handler in stmt.handlers:
            env = {**state.env}
            if handler.name:
                env[handler.name] = Origin()
            for node in t.walk_own(*stmt.body):  # assigned in the body or not: cannot be told
                if isinstance(node, t.Assign):
                    for target in node.targets:
                        for name in _names(target):
                            env[name] = state.env.get(name, Origin(falsy=True))
            ends.append(self.block(handler.body, _State(state.strength, env)))
        return self.block(stmt.final, _merge(ends)) if stmt.final else _merge(ends)

    # --- expressions

    def effect(self, expr: t.Expr, state: _State) -> _State:
        """The state after evaluating `expr`: calls that raise unless something is verified."""
        strength, env = state.strength, state.env
        for node in t.walk_own(expr):
            match node:
                case t.Call():
                    found = self.verification(node, state)
                    if found and found.raises:
                        strength = max(strength, found.strength)
                        if found.denies:
                            self.denies = True
                            self.rejects.append(node)
                case t.Bind(target=t.Name(id=name), value=value):
                    env = {**env, name: self.origin(value, state)}
        return _State(strength, env)

    def truth(self, expr: t.Expr, state: _State) -> tuple[Strength, Strength]:
        """What is established when `expr` is true, and when it is false."""
        none = Strength.NONE
        match expr:
            case t.Unary(op="not", value=value):
                yes, no = self.truth(value, state)
                return no, yes
            case t.BoolOp(op="and", values=values):
                both = [self.truth(v, state) for v in self.open(values, True, state)]
                return max(y for y, _ in both), min(n for _, n in both)
            case t.BoolOp(op="or", values=values):
                both = [self.truth(v, state) for v in self.open(values, False, state)]
                return min(y for y, _ in both), max(n for _, n in both)
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
                    if not _is_falsy_constant(value)
                ]
                return min(ways, default=none), none
            case t.Call(func=t.Name(id="isinstance"), args=[subject, kind]) if self.names_caller(
                subject, state
            ) or t.dotted(subject).endswith("request.auth"):
                nobody = "nonymous" in t.dotted(kind)
                return (none, Strength.VERIFIED) if nobody else (Strength.VERIFIED, none)
            case t.Call():
                if (said := self.vouched(expr)) and said.truth:
                    return said.truth, none
                found = self.verification(expr, state)
                if found and "anonymous" in t.dotted(expr.func):
                    return none, found.strength
                if found:
                    return found.strength, none
                if vouched := self.vouched(expr):
                    return vouched.truth, none
                return self.form(expr, state), self.form(expr, state)
            case t.Compare() | t.Unary():
                return self.form(expr, state), none
            case t.Attr(name="is_anonymous"):
                return none, Strength.VERIFIED
        origin = self.origin(expr, state)
        if origin.truth:
            return origin.truth, none
        return self.form(expr, state), none

    def open(self, values: list[t.Expr], neutral: bool, state: _State) -> list[t.Expr]:
        """The operands of `and` / `or` that are not decided already."""
        undecided = [
            v
            for v in values
            if self.decided(v) is not neutral and _settled(v, state.env) is not neutral
        ]
        return undecided or values

    def form(self, expr: t.Expr, state: _State) -> Strength:
        return Strength.FORM if self.touches_caller(expr, state) else Strength.NONE

    def comparison(
        self, left: t.Expr, op: str, right: t.Expr, state: _State
    ) -> tuple[Strength, Strength]:
        none = Strength.NONE
        if op in ("is", "is not") or (op in ("==", "!=") and _is_none(right)):
            yes, _ = self.truth(left, state)
            if isinstance(right, t.Const) and right.value is True:
                return (yes, none) if op == "is" else (none, yes)
            return (none, yes) if op in ("is", "==") else (yes, none)
        if op in ("==", "!=") and _is_falsy_constant(right):
            gained = self.truth(left, state)[0]  # `lookup.count() == 0`
            if gained > Strength.FORM:
                return (none, gained) if op == "==" else (gained, none)
        if op in ("==", "!=", "in", "not in"):
            strength = max(self.equality(left, right, state), self.equality(right, left, state))
            return (strength, none) if op in ("==", "in") else (none, strength)
        gained = self.truth(left, state)[0]
        if gained > Strength.FORM and isinstance(right, t.Const):  # `lookup.count() < 1`
            return (gained, none) if op in (">", ">=") else (none, gained)
        form = max(self.form(left, state), self.form(right, state))
        return form, form

    def equality(self, sent: t.Expr, expected: t.Expr, state: _State) -> Strength:
        """What `sent == expected` shows: that the caller knows something only he should know."""
        if self.names_caller(sent, state) and not _is_falsy_constant(expected):
            return Strength.VERIFIED
        gained = max((o.truth for o in self.origins_in(sent, state)), default=Strength.NONE)
        if gained >= Strength.OUTSIDE and not _is_falsy_constant(expected):
            return gained  # a part of what a verification gave
        if not self.touches_caller(sent, state):
            return Strength.NONE
        if self.is_digest(expected, state) and self.touches_caller(sent, state):
            return Strength.VERIFIED
        value = self.values.value(expected, self.scope)
        if isinstance(value, Masked):
            self.note("compares with a secret written in the code")
            return Strength.DEFAULT_SECRET
        settings = list(settings_in(value))
        if settings:
            told = f"{settings[0].name} {t.dotted(expected)} {t.dotted(sent)}"
            if settings[0].default is not None and not _CREDENTIAL_FIELD.search(told):
                return Strength.FORM  # a name, a mode or a place, of which nobody makes a secret
            if any(isinstance(k.value, str) and k.value for k in possible(value)):
                self.note(f"compares with {settings[0].name}, whose default stands in the code")
                return Strength.DEFAULT_SECRET
            return Strength.VERIFIED
        if any(o.truth == Strength.VERIFIED for o in self.origins_in(expected, state)):
            return Strength.VERIFIED
        name = t.dotted(sent).rpartition(".")[2]
        written = any(isinstance(k.value, str) and k.value for k in possible(value))
        if written and _CREDENTIAL_FIELD.search(name):
            self.note("compares with a secret written in the code")
            return Strength.DEFAULT_SECRET
        if re.search(r"secret|token|api_?key|password", t.dotted(expected), re.I):
            return Strength.VERIFIED
        return Strength.FORM

    def names_caller(self, expr: t.Expr, state: _State) -> bool:
        """Whether an expression is about the caller as the framework knows him."""
        origin = self.vouched(expr)
        if origin is None and isinstance(expr, t.Name | t.Attr):
            origin = state.env.get(t.dotted(expr))
        if (
            origin is not None
        ):  # `session["nonce"]` says nothing of the caller, though `session` does
            return origin.identity or origin.truth is Strength.VERIFIED
        below = () if isinstance(expr, t.Lambda) else t.children(expr)
        return any(self.names_caller(node, state) for node in below)  # type: ignore[arg-type]

    def vouched(self, expr: t.Expr) -> Origin | None:
        """What a framework says of the caller in this expression."""
        if not _VOUCHERS or not isinstance(expr, t.Name | t.Attr | t.Item | t.Call):
            return None
        name = self.code.name(expr, self.scope)
        for voucher in _VOUCHERS:
            if found := voucher(expr, name, self.scope, self.checks):
                return found
        return None

    def is_digest(self, expr: t.Expr, state: _State) -> bool:
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

    def verification(self, call: t.Call, state: _State) -> Verification | None:
        site = CallSite(call, self.scope)
        name = self.code.name(call.func, self.scope)
        for recogniser in _RECOGNISERS:
            if found := recogniser(site, name, self.values):
                if found.strength is Strength.OUTSIDE:  # a method of the tree may bear the name
                    if own := self.dispatched(call, name, state):
                        return own
                self.note(found.note)
                return found
        if isinstance(call.func, t.Call) and call.func.args:
            decorator = Located(call.func.func, self.scope)
            if self.checks.applied(decorator) is Strength.VERIFIED:
                self.denies = True
                self.rejects.append(call)
                return Verification(Strength.VERIFIED, raises=True)
        definition = self.code.definition(name)
        if definition is None and name.endswith("()"):  # an instance that is called
            definition = self.code.definition(f"{name[:-2]}.__call__")
        if definition is not None and isinstance(definition.node, t.Class):
            definition = None
        if definition is not None and _abstract(definition):
            return self.dispatched(call, "", state)
        if definition is not None:
            told = self.through(definition, call, state)
            if (told is None or told.strength < Strength.VERIFIED) and _keeps(definition):
                told = self.lookup(call, name, state) or told  # a cache or store of the tree's own
            return told
        found = self.lookup(call, name, state) or self.number_found(call, state)
        if found is None or found.strength < Strength.VERIFIED:
            other = self.dispatched(call, name, state) or self.asked_outside(call, name, state)
            found = other or found
        return found

    def dispatched(self, call: t.Call, name: str, state: _State) -> Verification | None:
        """A method of an object that is chosen at run time: what its implementations establish.

        Any may be the one, so that each must at least look at the credential; that the strongest
        verifies is taken for what is meant.
        """
        if not isinstance(call.func, t.Attr):
            return None
        if self.known_package(name) and not (
            "()" in name and _CHECKING.search(call.func.name)  # of what a package's call gave
        ):
            return None
        found = self.code.methods_named(call.func.name)
        sent = [call.func.value, *_arguments(call)]
        given = any(self.touches_caller(each, state) for each in sent)
        if not given or not 0 < len(found) <= _MAX_IMPLEMENTATIONS:
            return None
        told = [self.through(each, call, state) for each in found]
        real = [each for each, method in zip(told, found, strict=True) if not _abstract(method)]
        if not real or any(each is None for each in real):
            return None
        best = max((each for each in real if each), key=lambda each: each.strength)
        return Verification(best.strength, all(each.raises for each in real if each))

    @staticmethod
    def known_package(name: str) -> bool:
        """Whether a canonical name lies in a package outside of the tree."""
        package = name.partition(".")[0]
        return "." in name and ":" not in name and package not in ("", "builtins")

    def asked_outside(self, call: t.Call, name: str, state: _State) -> Verification | None:
        """A package or service that is given the credential: what it makes of it cannot be seen."""
        if name.partition(".")[0].removesuffix("()") in _NO_AUTHORITIES:
            return None
        if not any(self.touches_caller(given, state) for given in _arguments(call)):
            return None
        if not self.known_package(name):
            if not isinstance(call.func, t.Attr) or _PLAIN_METHODS.search(call.func.name):
                return None
            if self.touches_caller(call.func.value, state) or "log" in t.dotted(call.func.value):
                return None
            name = t.dotted(call.func) or call.func.name
        return Verification(Strength.OUTSIDE, raises=False, note=f"asks {name}, which is not known")

    def through(self, callee: Located, call: t.Call, state: _State) -> Verification | None:
        """What a function of the tree establishes for its caller."""
        if call.args and not self.checks.ambient:
            given = _arguments(call)
            if not any(self.touches_caller(x, state) or self.names_caller(x, state) for x in given):
                return None
        if callee.node.decorators and self.checks.around(callee) is Strength.VERIFIED:  # type: ignore[attr-defined]
            self.denies = True
            self.rejects.append(call)
            return Verification(Strength.VERIFIED, raises=True)
        tests = self.tests if self.checks.ambient else None
        with self.checks.within(self.chosen(callee, call)):
            summary = self.checks.summary(callee, tests, given=self.passed(callee, call, state))
        self.notes.extend(summary.notes)
        if summary.denies:
            self.denies = True
            self.rejects.append(call)
        if summary.exits and summary.guaranteed > Strength.NONE:
            return Verification(summary.guaranteed, raises=True)
        told = summary.when_truthy
        ways = {max(e.strength, e.truth) for e in summary.exits if not e.falsy}
        if told < Strength.VERIFIED and Strength.VERIFIED in ways:
            self.conditional = True  # it verifies, though not on every way
        if told == Strength.FORM and _TELLING_NAME.search(callee.node.name):  # type: ignore[attr-defined]
            told = Strength.VERIFIED  # the tree's own idea of who is signed in
        return Verification(told, raises=False) if told > Strength.NONE else None

    def chosen(self, callee: Located, call: t.Call) -> Bound:
        """The constants that a call passes for what its callee compares: `validate(method="x")`."""
        compared = self.checks.compared(callee)
        inner = self.code.inside(callee) if compared else self.scope
        if not compared or id(inner) in self.values.bound_scopes:
            return {}  # a function that calls itself ends here
        env: Bound = {}
        for index, name in compared:
            given = argument(call, index, name)
            if given is not None and isinstance(self.values.value(given, self.scope), Known):
                env[id(inner), name] = Located(given, self.scope)
        return env

    def passed(self, callee: Located, call: t.Call, state: _State) -> dict[str, Origin]:
        """What a call says of the callee's parameters, where that changes what it establishes."""
        params: list[t.Param] = callee.node.params  # type: ignore[attr-defined]
        told: dict[str, Origin] = {}
        if isinstance(callee.scope.owner, t.Class) and params[:1]:
            if isinstance(call.func, t.Attr) and self.touches_caller(call.func.value, state):
                told[params[0].name] = Origin(caller=True)  # `User(password=sent).is_valid()`
            params = params[1:]
        for index, param in enumerate(params):
            if param.kind in ("args", "kwargs"):
                continue
            given = argument(call, None if param.kind == "keyword" else index, param.name)
            if given is None and isinstance(param.default, t.Const) and not call_spreads(call):
                told[param.name] = Origin(falsy=not param.default.value, constant=True)
            elif given is not None:
                told[param.name] = self.origin(given, state)
        matter = any(
            o.constant or o.falsy or o.truth or o.identity or name in ("self", "cls")
            for name, o in told.items()
        )
        return told if matter else {}

    def lookup(self, call: t.Call, name: str, state: _State) -> Verification | None:
        """A credential looked up in a store: only who holds it finds anything."""
        if not isinstance(call.func, t.Attr):
            return None
        if call.func.name not in _LOOKUP_METHODS and not _BY_CREDENTIAL.search(call.func.name):
            return None
        if name.startswith(("os.", "builtins.")) or _CALLER_SOURCES.search(t.dotted(call.func)):
            return None
        receiver = _DATABASE_SESSION.sub("", t.dotted(call.func.value))
        named: Verification | None = None
        for field_name, given in _named_arguments(call):
            if (shown := self.condition(given, receiver, state)) is not None:
                if shown is Strength.VERIFIED:
                    return Verification(Strength.VERIFIED, raises=False)
                continue
            for key, value in _pairs(given):
                if self.names_caller(value, state):
                    return Verification(Strength.VERIFIED, raises=False)
                if not self.touches_caller(value, state):
                    continue
                words = f"{field_name} {key} {receiver}"
                if _CREDENTIAL_FIELD.search(words) or self.established(value, state):
                    return Verification(Strength.VERIFIED, raises=False)
                named = Verification(Strength.NAMED, raises=False)
        return named

    def number_found(self, call: t.Call, state: _State) -> Verification | None:
        """`Token.objects.filter(key=key).count()`: what was looked up, asked how much it is."""
        match call.func:
            case t.Attr(value=t.Call() as looked_up, name="count" | "exists" | "first" | "last"):
                if not call.args and not call.keywords:
                    return self.lookup(looked_up, self.code.name(looked_up.func, self.scope), state)
        return None

    def condition(
        self, expr: t.Expr, receiver: str, state: _State, depth: int = 0
    ) -> Strength | None:
        """What an entry that `Q(api_key=key) | Q(read_key=key)` finds shows; None for others."""
        match expr:
            case t.BinOp(op="|" | "&" as op, left=left, right=right):
                both = [self.condition(x, receiver, state, depth) for x in (left, right)]
                known = [x or Strength.NONE for x in both]
                return None if both == [None, None] else (min if op == "|" else max)(known)
            case t.Call(func=func) if re.search(r"(?:^|\.)Q$", t.dotted(func)):
                found = [
                    Strength.VERIFIED
                    for field_name, given in _named_arguments(expr)
                    if self.touches_caller(given, state)
                    and _CREDENTIAL_FIELD.search(f"{field_name} {receiver}")
                ]
                return max(found, default=Strength.NONE)
            case t.Name() if depth < 3:
                origins = self.values.origins(expr, self.scope)
                if len(origins) == 1 and isinstance(origins[0].node, t.Call | t.BinOp):
                    return self.condition(origins[0].node, receiver, state, depth + 1)
        return None

    def established(self, expr: t.Expr, state: _State) -> bool:
        return any(o.truth == Strength.VERIFIED for o in self.origins_in(expr, state))

    def note(self, text: str) -> None:
        if text:
            self.notes.append(text)

    def origins_in(self, expr: t.Expr, state: _State) -> list[Origin]:
        names = [n.id for n in t.walk_own(expr) if isinstance(n, t.Name)]
        return [state.env[name] for name in names if name in state.env]

    def touches_caller(self, expr: t.Expr, state: _State) -> bool:
        if any(origin.caller for origin in self.origins_in(expr, state)):
            return True
        for node in t.walk_own(expr):
            if isinstance(node, t.Attr):
                dotted = t.dotted(node)
                if "equest" in dotted and _CALLER_SOURCES.search("." + dotted):
                    return True
            elif isinstance(node, t.Call) and self.checks.ambient and self.fetches(node):
                return True
        return False

    def fetches(self, call: t.Call) -> bool:
        """Whether a function of the tree gives what the caller sent: `get_token()`."""
        found = self.code.defined(call.func, self.scope)
        if found is None or not isinstance(found.node, t.Function) or call.args:
            return False
        return any(e.caller for e in self.checks.summary(found).exits)

    def origin(self, expr: t.Expr, state: _State) -> Origin:
        match expr:
            case t.Name(id=name) if name in state.env:
                return state.env[name]
            case t.Attr() if (dotted := t.dotted(expr)) in state.env:
                return state.env[dotted]
            case t.Attr(value=t.Name(id=name), name=attribute) if (
                name in state.env and state.env[name].identity and attribute not in OF_NOBODY
            ):
                return Origin(truth=Strength.VERIFIED, identity=True)
            case t.Const(value=value):
                return Origin(falsy=not value, constant=True)
            case t.Await(value=value) | t.Bind(value=value):
                return self.origin(value, state)
            case t.Choice(then=then, other=other):
                return _join(self.origin(then, state), self.origin(other, state))
        if vouched := self.vouched(expr):
            return vouched
        truth = Strength.NONE
        for node in t.walk_own(expr):
            if isinstance(node, t.Call) and (found := self.verification(node, state)):
                truth = max(truth, found.strength)
        inner = self.origins_in(expr, state)
        truth = max([truth, *(o.truth for o in inner if not o.falsy)])
        constant = not inner and not any(isinstance(n, t.Call) for n in t.walk_own(expr))
        if isinstance(expr, t.Compare | t.BoolOp | t.Unary):
            truth = self.truth(expr, state)[0]  # `public or verify(token)` shows nothing
        identity = any(o.identity for o in inner) or self.about_identity(expr, state)
        return Origin(self.touches_caller(expr, state), truth, False, constant, identity)


def _both_verified(one: _State, other: _State) -> bool:
    return min(one.strength, other.strength) is Strength.VERIFIED


def call_spreads(call: t.Call) -> bool:
    """Whether a call passes `*args` or `**kwargs`, so that what it leaves out cannot be told."""
    return any(isinstance(a, t.Star) for a in call.args) or any(
        k.name is None for k in call.keywords
    )


def _settled(test: t.Expr, env: Env) -> bool | None:
    """The outcome of a test of names that hold constants."""
    match test:
        case t.Const(value=value):
            return bool(value)
        case t.Name(id=name) if name in env and env[name].constant:
            return not env[name].falsy
        case t.Unary(op="not", value=inner):
            outcome = _settled(inner, env)
            return None if outcome is None else not outcome
        case t.BoolOp(op=op, values=values):
            outcomes = [_settled(v, env) for v in values]
            decisive = op == "or"
            if decisive in outcomes:
                return decisive
            return None if None in outcomes else not decisive
    return None


def _last_word(test: t.Expr) -> str:
    """What a test of a setting is called: the key, the attribute or the variable."""
    match test:
        case t.Name(id=word) | t.Attr(name=word):
            return word
        case t.Item(index=t.Const(value=str(word))):
            return word
        case t.Call(args=[t.Const(value=str(word)), *_]):
            return word
    return ""


def _is_falsy_constant(expr: t.Expr) -> bool:
    return isinstance(expr, t.Const) and not expr.value


def _is_error(call: t.Expr) -> bool:
    """Whether a response carries a status of 4xx or 5xx."""
    for node in t.walk_own(call):
        match node:
            case t.Const(value=int(status)) if 400 <= status < 600:
                return True
            case t.Attr(name=name) if re.match(r"HTTP_[45]\d\d_|UNAUTHORIZED|FORBIDDEN", name):
                return True
    return False


def _arguments(call: t.Call) -> list[t.Expr]:
    return [*call.args, *(k.value for k in call.keywords)]


def _named_arguments(call: t.Call) -> list[tuple[str, t.Expr]]:
    return [*(("", x) for x in call.args), *((k.name or "", k.value) for k in call.keywords)]


def _pairs(expr: t.Expr) -> list[tuple[str, t.Expr]]:
    """(field, value) pairs of a filter: dict entries, comparisons, or the bare argument."""
    match expr:
        case t.Map(keys=keys, values=values):
            return [
                (
                    key.value if isinstance(key, t.Const) and isinstance(key.value, str) else "",
                    value,
                )
                for key, value in zip(keys, values, strict=True)
            ]
        case t.Compare(left=left, rights=[right]):
            return [(t.dotted(left), right)]
    return [(t.dotted(expr), expr)]


def _names(target: t.Expr) -> list[str]:
    return [n.id for n in t.walk_own(target) if isinstance(n, t.Name)]


def _is_none(expr: t.Expr) -> bool:
    return isinstance(expr, t.Const) and expr.value is None


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


def _join(a: Origin, b: Origin) -> Origin:
    """One of two values: truthy shows only what both would show, unless one is always falsy."""
    if a.falsy and not b.falsy:
        return replace(b, caller=a.caller or b.caller, constant=False)
    if b.falsy and not a.falsy:
        return replace(a, caller=a.caller or b.caller, constant=False)
    return Origin(
        a.caller or b.caller,
        min(a.truth, b.truth),
        a.falsy and b.falsy,
        a.constant and b.constant,
        a.identity and b.identity,
    )


def _merge(states: Iterable[_State | None]) -> _State | None:
    alive = [s for s in states if s is not None]
    if not alive:
        return None
    env = dict(alive[0].env)
    for state in alive[1:]:
        for name, origin in state.env.items():
            env[name] = _join(env[name], origin) if name in env else origin
    return _State(min(s.strength for s in alive), env)
