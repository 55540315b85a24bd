"""What calls establish: of libraries, of the tree's own functions, of stores, of the unknown."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

from msgspec.structs import replace

from auditor.extract.python import tree as t
from auditor.link.checks.outcomes import part_of
from auditor.link.checks.parts import CALLER_SOURCES, Part
from auditor.link.checks.recognised import RECOGNISERS
from auditor.link.checks.strength import (
    Origin,
    State,
    Strength,
    Verification,
)
from auditor.link.handing import THREADS, direct
from auditor.link.origins import Env as Bound
from auditor.link.scopes import CallSite, Located, argument, arguments
from auditor.model.values import Known, Masked, Setting

if TYPE_CHECKING:
    from auditor.link.checks.evidence import Evidence

CREDENTIAL_FIELD = re.compile(
    r"token|session|api_?key|key|secret|hash|passw|code|signature|nonce|otp|credential", re.I
)
_NO_AUTHORITIES = sys.stdlib_module_names | {
    "bleach", "builtins", "bson", "fastapi", "flask", "flask_babel", "flask_caching",
    "flask_restful", "flask_restx", "flask_smorest", "flask_sqlalchemy", "flask_wtf", "jinja2",
    "loguru", "markupsafe", "marshmallow", "motor", "peewee", "pydantic", "pymongo", "quart",
    "slowapi", "sqlalchemy", "starlette", "structlog", "webargs", "werkzeug", "wtforms",
}  # fmt: skip
"""Packages that decide nothing about a credential."""
_NO_CREDENTIAL = re.compile(r"(?:ssh|public|primary|foreign)_?keys?", re.I)
"""Keys that others may know."""
_HELD = re.compile(r"^$|^typing\.cast\(\)$|^builtins\.getattr\(\)$|:[^()]*\(\)$")
"""What a name means that stands for a function which somebody else has chosen."""
_KEPT = re.compile(r"\(\)\.(?:app\.)?(?:state|ctx)\.")
"""An attribute of `request.state` or `app.state`."""
_LOOKUP_METHODS = {
    "find_one", "find", "get", "first", "one", "one_or_none", "scalar", "scalar_one_or_none",
    "get_or_none", "find_one_and_update", "hget", "hgetall", "exists", "count_documents",
    "where", "filter", "filter_by", "fetch_one", "fetchone", "fetchrow", "find_first", "find_unique",
    "aget", "afirst", "aexists", "get_or_404", "first_or_404",
}  # fmt: skip
_ASKED_OF_FOUND = {
    "count", "exists", "first", "last", "scalar", "one_or_none", "scalar_one_or_none", "afirst", "aexists", "alast",
}  # fmt: skip
_QUERYING = {"filter", "filter_by", "where", "find_one", "first_or_404", "get_or_404"}
"""Of these, those that databases alone have: whatever the object is, nobody else is asked."""
_BY_CREDENTIAL = re.compile(
    r"(?:by|with|for|from)_(?:\w+_)?(?:token|session|key|credential|hash)", re.I
)
_REQUESTING = {"get", "post", "put", "request", "send", "head"}
_CLIENTS = re.compile(r"(?:requests|httpx|aiohttp|urllib3|niquests|curl_cffi)\.")
_CLIENT_NAMES = re.compile(r"client|http|session$", re.I)
_CHECKING = re.compile(r"check|verif|valid|auth|match", re.I)
_DATABASE_SESSION = re.compile(r"(?:^|\.)(?:db_?)?session$", re.I)
"""A session with the database, not with a caller."""
_TELLING_NAME = re.compile(r"^is_(?:authenticated|logged_in|signed_in|anonymous)$")
_GRANTED = {"has_perm", "has_perms", "has_module_perms"}
"""What Django's anonymous user always answers no to."""
_MAX_IMPLEMENTATIONS = 16
_PLAIN_METHODS = re.compile(
    r"^(?:add|append|extend|update|insert|set\w*|put|push|send\w*|write|format|join|info|debug|warning"
    r"|error|exception|log\w*|pop|remove|discard|split|strip|replace|encode|decode|lower|upper"
    r"|startswith|endswith|match|search|fullmatch|dispatch|emit|capture\w*|bind|track\w*|incr\w*)$"
)


class Calls(Part):
    """Judges calls in a state."""

    def __init__(self, evidence: Evidence) -> None:
        super().__init__(evidence.checks, evidence.scope, evidence.tests, evidence.trace)
        self.evidence = evidence
        self._found: dict[tuple[int, int], tuple[State, Verification | None]] = {}
        self._handed_over: dict[int, t.Call] = {}

    def verification(self, call: t.Call, state: State) -> Verification | None:
        """What a call establishes, in a state; None for nothing.

        Asked of the same call several times: for what it raises, for its truth, for its value.
        """
        if id(self.scope) in self.values.bound_scopes:
            return self._judge(call, state)  # a name is bound for the moment
        key = id(call), id(state)
        if key not in self._found:
            self._found[key] = state, self._judge(call, state)  # the state lives on with its id
        return self._found[key][1]

    def _judge(self, call: t.Call, state: State) -> Verification | None:
        call = self._handed_over.get(id(call)) or self._direct(call)
        site = CallSite(call, self.scope)
        name = self.code.name(call.func, self.scope)
        outside: Verification | None = None
        for recogniser in RECOGNISERS:
            if found := recogniser(site, name, self.values):
                if found.strength is Strength.OUTSIDE:
                    outside = found  # another may know it
                    continue
                self.trace.note(found.note)
                return found
        if outside is not None:  # a method of the tree may bear the name
            if own := self.dispatched(call, name, state):
                return own
            self.trace.note(outside.note)
            return outside
        if chosen := self.from_table(call):
            return self.any_of(chosen, call, state)
        if isinstance(call.func, t.Call) and call.func.args:
            decorator = Located(call.func.func, self.scope)
            if self.checks.applied(decorator) is Strength.VERIFIED:
                self.trace.deny(call)
                return Verification(Strength.VERIFIED, raises=True)
        match call:
            case t.Call(func=t.Name(id="any"), args=[t.Comp(elements=[each])]):
                shown = self.evidence.origin(each, state).truth  # of nothing it says no
                return Verification(shown, raises=False) if shown else None
            case t.Call(func=t.Attr(value=t.Name() as whom, name=right)) if right in _GRANTED:
                if self.evidence.origin(whom, state).identity:
                    return Verification(Strength.VERIFIED, raises=False)  # nobody has any
        definition = self._bound(call) or self.code.definition(name) or self._inherited(call)
        if definition is None and name.endswith("()"):  # an instance that is called
            definition = self.code.definition(f"{name[:-2]}.__call__")
        if definition is not None and isinstance(definition.node, t.Class):
            definition = self.code.definition(f"{name}.__init__")
            return self.through(definition, call, state) if definition is not None else None
        if definition is not None and _abstract(definition):
            return self.dispatched(call, "", state)
        if definition is not None:
            told = self.through(definition, call, state)
            if told is None or told.shown < Strength.VERIFIED:
                handing = _hands_on(definition)
                if handing or _keeps(definition):  # a cache or store of the tree's own
                    told = self.lookup(call, name, state, handing) or told
            return told
        if asked := self.asked_issuer(call, name, state):
            return asked
        found = self.lookup(call, name, state) or self.number_found(call, state)
        if found is None or found.strength < Strength.VERIFIED:
            other = self.dispatched(call, name, state)
            if not (found and isinstance(call.func, t.Attr) and call.func.name in _QUERYING):
                other = other or self.asked_outside(call, name, state)
            found = other or found
        return found

    def _bound(self, call: t.Call) -> Located | None:
        """The function that a parameter is bound to: the test that a decorator was made with."""
        if not isinstance(call.func, t.Name) or not self.values.is_bound(call.func, self.scope):
            return None
        for source in self.values.sources(call.func, self.scope):
            if isinstance(source.node, t.Lambda):
                return self.code.as_function(source)
            found = self.code.defined(source.node, source.scope)  # type: ignore[arg-type]
            if found is not None and isinstance(found.node, t.Function):
                return found
        return None

    def _inherited(self, call: t.Call) -> Located | None:
        """`Key.get_by(…)`, where a base of the tree has the method and another base is a package's."""
        if not isinstance(call.func, t.Attr) or not isinstance(call.func.value, t.Name):
            return None
        owner = self.code.defined(call.func.value, self.scope)
        if owner is None or not isinstance(owner.node, t.Class):
            return None
        names = (f"{ancestor}.{call.func.name}" for ancestor in self.code.ancestry(owner)[1:])
        return next((found for name in names if (found := self.code.definition(name))), None)

    def _direct(self, call: t.Call) -> t.Call:
        """The call that a thread makes: `to_thread(verify, hash, secret)` is `verify(hash, secret)`."""
        if (made := direct(call, THREADS)) is None:
            return call
        self._handed_over[id(call)] = made
        return made

    def dispatched(self, call: t.Call, name: str, state: State) -> Verification | None:
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
        sent = [call.func.value, *arguments(call)]
        given = any(self.evidence.touches_caller(each, state) for each in sent)
        if not given or not 0 < len(found) <= _MAX_IMPLEMENTATIONS:
            return None
        return self.any_of(found, call, state)

    def any_of(self, found: list[Located], call: t.Call, state: State) -> Verification | None:
        """What one of several functions establishes of which any may be called."""
        told = [self.through(each, call, state) for each in found]
        real = [each for each, method in zip(told, found, strict=True) if not _abstract(method)]
        if not real or any(each is None for each in real):
            return None
        best = max((each for each in real if each), key=lambda each: each.shown)
        raises = all(each.raises for each in real if each)
        return Verification(best.strength, raises, truthy=best.shown)

    def from_table(self, call: t.Call) -> list[Located]:
        """`{"ldap": by_ldap, "local": by_password}.get(kind)(request)`: the functions of the table."""
        match call.func:
            case t.Call(func=t.Attr(value=table, name="get")) | t.Item(value=table):
                sources = self.values.sources(table, self.scope)
            case _:
                return []
        if len(sources) != 1 or not isinstance(sources[0].node, t.Map):
            return []
        entries = sources[0].node.values
        functions = [self.code.defined(each, sources[0].scope) for each in entries]
        told = [f for f in functions if f is not None and isinstance(f.node, t.Function)]
        return told if len(told) == len(entries) <= _MAX_IMPLEMENTATIONS else []

    @staticmethod
    def known_package(name: str) -> bool:
        """Whether a canonical name lies in a package outside of the tree."""
        package = name.partition(".")[0]
        if _KEPT.search(name):
            return False  # what the tree itself has put there
        return "." in name and ":" not in name and package not in ("", "builtins")

    def asked_outside(self, call: t.Call, name: str, state: State) -> Verification | None:
        """A package or service that is given the credential: what it makes of it cannot be seen."""
        if self.held(call, name):
            name = t.dotted(call.func)  # `resolver = request.app.state.resolver`
        if name.partition(".")[0].removesuffix("()") in _NO_AUTHORITIES:
            return None
        if not any(self.evidence.touches_caller(given, state) for given in arguments(call)):
            return None
        if isinstance(call.func, t.Name) and name == call.func.id:
            pass
        elif not self.known_package(name):
            if not isinstance(call.func, t.Attr) or _PLAIN_METHODS.search(call.func.name):
                return None
            if self.evidence.touches_caller(call.func.value, state) or "log" in t.dotted(
                call.func.value
            ):
                return None
            name = t.dotted(call.func) or call.func.name
        return Verification(Strength.OUTSIDE, raises=False, note=f"asks {name}, which is not known")

    def held(self, call: t.Call, name: str) -> bool:
        """Whether a local variable holds the function that is called, and nobody says which."""
        if not isinstance(call.func, t.Name) or not _HELD.search(name):
            return False
        return any(b.kind == "value" for b in self.scope.bindings.get(call.func.id, ()))

    def asked_issuer(self, call: t.Call, name: str, state: State) -> Verification | None:
        """The credential sent on as one, to the server that issued it (RFC 7662): its answer tells.

        `raise_for_status` makes the answer's success a condition of going on.
        """
        if not isinstance(call.func, t.Attr):
            return None
        if call.func.name == "raise_for_status":
            answer = self.evidence.origin(call.func.value, state)
            return Verification(answer.truth, raises=True) if answer.truth else None
        if call.func.name not in _REQUESTING or not (
            _CLIENTS.match(name) or _CLIENT_NAMES.search(t.dotted(call.func.value))
        ):
            return None
        sent = argument(call, None, "headers", "auth", "cookies")
        if sent is None or not self.evidence.touches_caller(sent, state):
            return None
        return Verification(Strength.VERIFIED, raises=False)

    def through(self, callee: Located, call: t.Call, state: State) -> Verification | None:
        """What a function of the tree establishes for its caller."""
        if call.args and not self.checks.ambient:
            given = arguments(call)
            if not any(
                self.evidence.touches_caller(x, state) or self.evidence.names_caller(x, state)
                for x in given
            ):
                return None
        if callee.node.decorators and self.checks.around(callee) is Strength.VERIFIED:  # type: ignore[attr-defined]
            self.trace.deny(call)
            return Verification(Strength.VERIFIED, raises=True)
        tests = self.tests if self.checks.ambient else None
        with self.checks.within(self.chosen(callee, call)):
            summary = self.checks.summary(callee, tests, given=self.passed(callee, call, state))
        self.trace.notes.extend(summary.notes)
        if summary.denies:
            self.trace.deny(call)
            self.trace.conditional |= summary.conditional
            self.trace.published |= summary.published
        all_ways = (*summary.exits, *summary.answers)
        refuses = bool(summary.answers)
        told = summary.when_truthy if not refuses else Strength.NONE
        if summary.exits and summary.guaranteed > Strength.NONE and not refuses:
            return Verification(summary.guaranteed, raises=True, truthy=told, ways=all_ways)
        ways = {max(e.strength, e.truth) for e in summary.exits if not e.falsy}
        if told < Strength.VERIFIED and Strength.VERIFIED in ways:
            self.trace.conditional = True  # it verifies, though not on every way
        if told == Strength.FORM and _TELLING_NAME.search(callee.node.name):  # type: ignore[attr-defined]
            told = Strength.VERIFIED  # the tree's own idea of who is signed in
        shown = Verification(told, raises=False, ways=all_ways, refuses=refuses)
        none = Strength.NONE
        telling = (
            told > none
            or refuses
            or any(
                way.strength > none or any(part.truth > none for part in way.parts)
                for way in all_ways
            )
        )
        return shown if telling else None

    def parts(self, call: t.Call, count: int, state: State) -> list[Origin]:
        """What each of the variables holds that a call's result is taken apart into."""
        found = self.verification(call, state)
        whole = self.evidence.origin(call, state)
        if found is None or not any(len(way.parts) == count for way in found.ways):
            return [whole] * count
        ways = [w if len(w.parts) == count else replace(w, parts=()) for w in found.ways]
        return [part_of(ways, str(index), whole) for index in range(count)]

    def chosen(self, callee: Located, call: t.Call) -> Bound:
        """The constants and settings passed for what the callee compares: `validate(method="x")`."""
        compared = self.checks.compared(callee)
        inner = self.code.inside(callee) if compared else self.scope
        if not compared or id(inner) in self.values.bound_scopes:
            return {}  # a function that calls itself ends here
        env: Bound = {}
        for index, name in compared:
            given = argument(call, index, name)
            if given is None or self.handed_in(given):
                continue  # what a caller of ours may pass is not its default
            if isinstance(self.values.value(given, self.scope), Known | Setting | Masked):
                env[id(inner), name] = Located(given, self.scope)
        return env

    def handed_in(self, expr: t.Expr) -> bool:
        """Whether an expression is a parameter that nothing binds just now."""
        if not isinstance(expr, t.Name) or self.values.is_bound(expr, self.scope):
            return False
        return any(b.kind == "parameter" for b in self.scope.bindings.get(expr.id, ()))

    def passed(self, callee: Located, call: t.Call, state: State) -> dict[str, Origin]:
        """What a call says of the callee's parameters, where that changes what it establishes."""
        params: list[t.Param] = callee.node.params  # type: ignore[attr-defined]
        told: dict[str, Origin] = {}
        if isinstance(callee.scope.owner, t.Class) and params[:1]:
            if isinstance(call.func, t.Attr) and self.evidence.touches_caller(
                call.func.value, state
            ):
                told[params[0].name] = Origin(caller=True)  # `User(password=sent).is_valid()`
            params = params[1:]
        for index, param in enumerate(params):
            if param.kind in ("args", "kwargs"):
                continue
            given = argument(call, None if param.kind == "keyword" else index, param.name)
            if given is None and isinstance(param.default, t.Const) and not call_spreads(call):
                told[param.name] = Origin(falsy=not param.default.value, constant=True)
            elif given is not None:
                told[param.name] = self.evidence.origin(given, state)
        matter = any(
            o.constant or o.falsy or o.truth or o.identity or name in ("self", "cls")
            for name, o in told.items()
        )
        return told if matter else {}

    def lookup(
        self, call: t.Call, name: str, state: State, handing: bool = False
    ) -> Verification | None:
        """A credential looked up in a store: only who holds it finds anything.

        `handing` tells that the tree's own method hands its arguments on to one that looks up.
        """
        if not isinstance(call.func, t.Attr):
            return None
        if (
            not handing
            and call.func.name not in _LOOKUP_METHODS
            and not _BY_CREDENTIAL.search(call.func.name)
        ):
            return None
        if name.startswith(("os.", "builtins.")):
            return None
        if call.func.name not in _QUERYING and CALLER_SOURCES.search(t.dotted(call.func)):
            return None
        receiver = _DATABASE_SESSION.sub("", t.dotted(call.func.value))
        named: Verification | None = None
        for field_name, given in _named_arguments(call):
            if (shown := self.condition(given, receiver, state)) is not None:
                if shown is Strength.VERIFIED:
                    return Verification(Strength.VERIFIED, raises=False)
                continue
            for key, value in _pairs(given):
                if self.evidence.names_caller(value, state):
                    return Verification(Strength.VERIFIED, raises=False)
                if not self.evidence.touches_caller(value, state):
                    continue
                words = _NO_CREDENTIAL.sub("", f"{field_name} {key} {receiver}")
                if CREDENTIAL_FIELD.search(words) or self.evidence.established(value, state):
                    return Verification(Strength.VERIFIED, raises=False)
                named = Verification(Strength.NAMED, raises=False)
        return named

    def number_found(self, call: t.Call, state: State) -> Verification | None:
        """`Token.objects.filter(key=key).count()`: what was looked up, asked how much it is."""
        match call.func:
            case t.Attr(value=t.Call() as looked_up, name=name) if name in _ASKED_OF_FOUND:
                if not call.args and not call.keywords:
                    return self.lookup(looked_up, self.code.name(looked_up.func, self.scope), state)
            case t.Attr(
                value=t.Call() as chain, name="one" | "scalar_one"
            ):  # raises where nothing is found
                for inner in t.walk_own(chain):
                    if isinstance(inner, t.Call):
                        found = self.lookup(inner, self.code.name(inner.func, self.scope), state)
                        if found is not None and found.strength is Strength.VERIFIED:
                            return Verification(Strength.VERIFIED, raises=True)
        return None

    def condition(
        self, expr: t.Expr, receiver: str, state: State, depth: int = 0
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
                    if self.evidence.touches_caller(given, state)
                    and CREDENTIAL_FIELD.search(f"{field_name} {receiver}")
                ]
                return max(found, default=Strength.NONE)
            case t.Name() if depth < 3:
                origins = self.values.origins(expr, self.scope)
                if len(origins) == 1 and isinstance(origins[0].node, t.Call | t.BinOp):
                    return self.condition(origins[0].node, receiver, state, depth + 1)
        return None


def _keeps(method: Located) -> bool:
    """Whether a method reads what its object holds, as a store or cache does."""
    return isinstance(method.scope.owner, t.Class) and any(
        isinstance(node, t.Attr) and isinstance(node.value, t.Name) and node.value.id == "self"
        for node in t.walk_own(*method.node.body)  # type: ignore[attr-defined]
    )


def _hands_on(method: Located) -> bool:
    """Whether a method looks up by the keywords it gets: `return query(cls).filter_by(**kw)`."""
    taken = {p.name for p in method.node.params if p.kind == "kwargs"}  # type: ignore[attr-defined]
    return bool(taken) and any(
        isinstance(node, t.Call)
        and isinstance(node.func, t.Attr)
        and node.func.name in _LOOKUP_METHODS
        and any(
            not k.name and isinstance(k.value, t.Name) and k.value.id in taken
            for k in node.keywords
        )
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


def call_spreads(call: t.Call) -> bool:
    """Whether a call passes `*args` or `**kwargs`, so that what it leaves out cannot be told."""
    return any(isinstance(a, t.Star) for a in call.args) or any(
        k.name is None for k in call.keywords
    )


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
