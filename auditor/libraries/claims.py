"""What a token's claims hold when it is signed, and above all whether they say when it ends.

Claims are built across statements and functions: copied, updated in branches, merged by helpers,
passed by callers, dumped from models. Each statement before the signing call is followed in its
order; branches that a caller's argument decides are decided for every caller in the tree.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec
from msgspec.structs import replace

from auditor.extract.python import tree as t
from auditor.link.origins import Env
from auditor.link.scopes import CallSite, Located, Scope, argument, named, place_of
from auditor.link.values import Evaluator
from auditor.model.places import Place
from auditor.model.tokens import Expiry

_COPIES = {"copy", "deepcopy", "dict", "cast", "loads", "dumps", "jsonable_encoder", "OrderedDict"}
_DUMPS = {
    "dict",
    "model_dump",
    "to_dict",
    "asdict",
    "as_dict",
    "_asdict",
    "model_dump_json",
    "json",
}
_MAX_DEPTH = 10


class Claims(msgspec.Struct, frozen=True):
    """`until` are the expressions that say when the token ends, `names` the claims that are seen.

    `why` tells how the expiry comes to be missing; `texts` are literal values (`"refresh"`).
    """

    expiry: Expiry
    until: tuple[Located, ...] = ()
    names: frozenset[str] = frozenset()
    texts: frozenset[str] = frozenset()
    why: str = ""
    where: Place | None = None

    def updated(self, other: Claims) -> Claims:
        """After `self.update(other)`."""
        if other.expiry is Expiry.SET:
            expiry, until = Expiry.SET, other.until
        elif self.expiry is Expiry.SET:
            expiry, until = Expiry.SET, self.until + other.until
        elif Expiry.UNKNOWN in (self.expiry, other.expiry):
            expiry, until = Expiry.UNKNOWN, self.until + other.until
        else:
            expiry = other.expiry if other.expiry is Expiry.SOMETIMES else self.expiry
            until = self.until + other.until
        why, where = (other.why, other.where) if other.why else (self.why, self.where)
        return Claims(expiry, until, self.names | other.names, self.texts | other.texts, why, where)

    def merged(self, other: Claims, why: str = "", where: Place | None = None) -> Claims:
        """Where one of two ways was taken."""
        both = {self.expiry, other.expiry}
        if len(both) == 1:
            expiry = self.expiry
        elif Expiry.UNKNOWN in both and Expiry.MISSING not in both:
            expiry = Expiry.UNKNOWN
        else:
            expiry = Expiry.SOMETIMES
        told = (self.why or other.why or why) if expiry is not Expiry.SET else ""
        place = self.where or other.where or where
        names, texts = self.names | other.names, self.texts | other.texts
        return Claims(expiry, self.until + other.until, names, texts, told, place)


UNTOLD = Claims(Expiry.UNKNOWN)
EMPTY = Claims(Expiry.MISSING)


@dataclass
class ClaimsFollower:
    """Follows claims; one for all tokens of a tree."""

    values: Evaluator
    _busy: set[tuple[int, int, int]] = field(default_factory=set)
    _asked: set[tuple[int, int]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.code = self.values.code

    def claims(
        self, expr: t.Expr | None, scope: Scope, until: t.Node, env: Env | None = None
    ) -> Claims:
        """What `expr` holds when the call `until` runs."""
        env = env or {}
        key = (id(expr), id(scope), id(until))
        if expr is None or key in self._busy or len(self._busy) > _MAX_DEPTH:
            return UNTOLD
        self._busy.add(key)
        try:
            return self._claims(expr, scope, until, env)
        finally:
            self._busy.discard(key)

    def _claims(self, expr: t.Expr, scope: Scope, until: t.Node, env: Env) -> Claims:
        match expr:
            case t.Map(keys=keys, values=values):
                return self._display(keys, values, scope, until, env)
            case t.Name(id=name):
                return self._name(name, scope, until, env)
            case t.Choice(then=then, other=other):
                one, two = (self.claims(x, scope, until, env) for x in (then, other))
                return one.merged(two)
            case t.BinOp(op="|", left=left, right=right):
                base = self.claims(left, scope, until, env)
                return base.updated(self.claims(right, scope, until, env))
            case t.Await(value=inner) | t.Bind(value=inner):
                return self.claims(inner, scope, until, env)
            case t.Comp(kind="DictComp", loops=[loop]):
                source = loop.iter
                if isinstance(source, t.Call) and isinstance(source.func, t.Attr):
                    source = source.func.value  # {k: v for k, v in data.items() if …}
                return self.claims(source, scope, until, env)
            case t.Call():
                return self._call(expr, scope, until, env)
            case t.Attr():
                for origin in self.values.origins(expr, scope)[:1]:
                    return self.claims(origin.node, origin.scope, until, env)  # type: ignore[arg-type]
        return UNTOLD

    def _display(
        self,
        keys: list[t.Expr | None],
        values: list[t.Expr],
        scope: Scope,
        until: t.Node,
        env: Env,
    ) -> Claims:
        whole = EMPTY
        for key, value in zip(keys, values, strict=True):
            if key is None:
                whole = whole.updated(self.claims(value, scope, until, env))
            else:
                whole = whole.updated(self._entry(self.values.text(key, scope), value, scope))
        return whole

    def _entry(self, name: str | None, value: t.Expr, scope: Scope) -> Claims:
        if name is None:
            return UNTOLD
        text = value.value if isinstance(value, t.Const) else ""
        if isinstance(value, t.Attr) and value.name.isupper():
            text = value.name  # a member of an enumeration
        texts = frozenset({text.lower()}) if isinstance(text, str) and text else frozenset()
        if name != "exp":
            return Claims(Expiry.MISSING, (), frozenset({name}), texts)
        if isinstance(value, t.Const) and value.value is None:
            return EMPTY
        return Claims(Expiry.SET, (Located(value, scope),), frozenset({name}))

    # --- names: what the statements before the call make of them

    def _name(self, name: str, scope: Scope, until: t.Node, env: Env) -> Claims:
        found = self.code.find(name, scope)
        if found is None:
            return UNTOLD
        where, bindings = found
        if where.owner is None or isinstance(where.owner, t.Class):
            body = where.module.body if where.owner is None else where.owner.body
            return _Run(self, name, where, until, env, UNTOLD).result(body)
        start = UNTOLD
        if bindings[0].kind == "parameter" and isinstance(where.owner, t.Function):
            start = self._parameter(name, where, env)
        if isinstance(where.owner, t.Lambda):
            return start
        if bindings[0].kind == "import":
            for origin in self.values.origins(named(name), scope)[:1]:
                return self.claims(origin.node, origin.scope, until, env)  # type: ignore[arg-type]
        return _Run(self, name, where, until, env, start).result(where.owner.body)

    def _parameter(self, name: str, where: Scope, env: Env) -> Claims:
        if given := env.get((id(where), name)):
            return self.claims(given.node, given.scope, given.node, env)  # type: ignore[arg-type]
        found: Claims | None = None
        for site, value in self._passed(name, where):
            if value is None:
                continue
            claims = self.claims(value, site.scope, site.node)
            if claims.expiry is Expiry.MISSING and claims.where is None:
                claims = replace(claims, where=place_of(site))
            found = claims if found is None else found.merged(claims)
        return found or UNTOLD

    def _passed(self, name: str, where: Scope) -> list[tuple[CallSite, t.Expr | None]]:
        """Every call of a function in the tree with what it passes for a parameter, if anything."""
        owner = where.owner
        assert isinstance(owner, t.Function)
        index = next((i for i, p in enumerate(owner.params) if p.name == name), None)
        if index is None:
            return []
        if owner.params and owner.params[0].name in ("self", "cls") and where.parent:
            index -= isinstance(where.parent.owner, t.Class)
        position = index if owner.params[index].kind != "keyword" else None
        own = f"{where.module.path}:{where.qualname}"
        names = [own]
        if where.parent is not None and isinstance(where.parent.owner, t.Class):
            names.append(f"{where.module.path}:{where.parent.qualname}().{owner.name}")
        sites = list({site.key: site for site in self.code.calls(*names)}.values())
        return [(site, site.arg(position, name)) for site in sites]

    # --- calls: copies, models, helpers of the tree

    def _call(self, call: t.Call, scope: Scope, until: t.Node, env: Env) -> Claims:
        definition = self.code.defined(call.func, scope)
        if definition is not None and isinstance(definition.node, t.Function):
            return self._returned(definition, call, scope, env)
        last = t.last_word(call.func)
        if definition is None and last in _COPIES and not isinstance(call.func, t.Attr):
            return self._copy(call, scope, until, env)
        match call.func:
            case t.Attr(value=base, name="copy" | "items"):
                return self.claims(base, scope, until, env)
            case t.Attr(value=base, name=name) if name in _DUMPS:
                return self._model(base, scope)
            case t.Attr(name="deepcopy" | "copy" | "cast") if call.args:
                return self.claims(call.args[-1], scope, until, env)
            case t.Name(id="asdict") if call.args:
                return self._model(call.args[0], scope)
        if definition is not None:
            return self._model(call, scope)
        return UNTOLD

    def _copy(self, call: t.Call, scope: Scope, until: t.Node, env: Env) -> Claims:
        whole = self.claims(call.args[-1], scope, until, env) if call.args else EMPTY
        for keyword in call.keywords:
            if keyword.name is None:
                whole = whole.updated(self.claims(keyword.value, scope, until, env))
            else:
                whole = whole.updated(self._entry(keyword.name, keyword.value, scope))
        return whole

    def _model(self, expr: t.Expr, scope: Scope) -> Claims:
        """An instance of a class of the tree: `TokenPayload(sub=…, exp=…).model_dump()`."""
        for source in self.values.sources(expr, scope):
            if not isinstance(source.node, t.Call):
                continue
            for keyword in source.node.keywords:
                if keyword.name == "exp":
                    return self._entry("exp", keyword.value, source.scope)
            found = self.code.defined(source.node.func, source.scope)
            if found is None or not isinstance(found.node, t.Class):
                return UNTOLD
            names = [
                target.id
                for name in self.code.ancestry(found)
                if (each := self.code.definition(name)) and isinstance(each.node, t.Class)
                for stmt in each.node.body
                if isinstance(stmt, t.Assign)
                for target in stmt.targets
                if isinstance(target, t.Name)
            ]
            return UNTOLD if "exp" in names or not names else EMPTY
        return UNTOLD

    def _returned(self, function: Located, call: t.Call, scope: Scope, env: Env) -> Claims:
        assert isinstance(function.node, t.Function)
        inner = self.code.inside(function)
        bound = {**env, **self._bind(function.node, inner, call, scope)}
        found: Claims | None = None
        for node in t.walk_own(*function.node.body):
            if isinstance(node, t.Return) and node.value is not None:
                claims = self.claims(node.value, inner, node, bound)
                found = claims if found is None else found.merged(claims)
        return found or UNTOLD

    def _bind(self, node: t.Function, inner: Scope, call: t.Call, scope: Scope) -> Env:
        """What a call binds the parameters of its function to, defaults included."""
        bound: Env = {}
        method = bool(node.params) and node.params[0].name in ("self", "cls")
        for index, param in enumerate(node.params):
            position = index - method if param.kind == "positional" else None
            given = argument(call, position, param.name) if position != -1 else None
            if given is not None:
                bound[(id(inner), param.name)] = Located(given, scope)
            elif param.default is not None and inner.parent is not None:
                bound[(id(inner), param.name)] = Located(param.default, inner.parent)
        return bound

    # --- tests

    def outcome(self, test: t.Expr, scope: Scope, env: Env) -> tuple[bool | None, Place | None]:
        """What a branch's test comes out as, and the call that makes it false where calls differ."""
        key = (id(test), id(scope))
        if key in self._asked or len(self._asked) > _MAX_DEPTH:
            return None, None
        self._asked.add(key)
        try:
            return self._outcome(test, scope, env)
        finally:
            self._asked.discard(key)

    def _outcome(self, test: t.Expr, scope: Scope, env: Env) -> tuple[bool | None, Place | None]:
        match test:
            case t.Unary(op="not", value=inner):
                told, where = self.outcome(inner, scope, env)
                return (None if told is None else not told), where
            case t.Compare(left=left, ops=["is not" | "!="], rights=[t.Const(value=None)]):
                return self.outcome(left, scope, env)
            case t.Compare(left=left, ops=["is" | "=="], rights=[t.Const(value=None)]):
                told, where = self.outcome(left, scope, env)
                return (None if told is None else not told), where
            case t.Name(id=name):
                if (id(scope), name) in env:
                    given = env[(id(scope), name)]
                    return self._truth(given.node, given.scope, env), None  # type: ignore[arg-type]
                found = self.code.find(name, scope)
                if found and found[1][0].kind == "parameter" and len(found[1]) == 1:
                    return self._by_callers(name, found[0])
                return None, None
        return self.values.decided(test, scope), None

    def _by_callers(self, name: str, where: Scope) -> tuple[bool | None, Place | None]:
        if not isinstance(where.owner, t.Function):
            return None, None
        param = next((p for p in where.owner.params if p.name == name), None)
        default = param.default if param else None
        outcomes: list[tuple[bool | None, CallSite]] = []
        for site, given in self._passed(name, where):
            if given is None and default is not None and where.parent is not None:
                outcomes.append((self._truth(default, where.parent, {}), site))
            elif given is not None:
                outcomes.append((self._truth(given, site.scope, {}), site))
        told = {outcome for outcome, _ in outcomes}
        if len(told) == 1:
            return told.pop(), None
        false = next((place_of(site) for outcome, site in outcomes if outcome is False), None)
        return None, false

    def _truth(self, expr: t.Expr, scope: Scope, env: Env) -> bool | None:
        match expr:
            case t.Const(value=value):
                return bool(value)
            case t.Call() | t.BinOp() | t.Text():
                return True
            case t.Map(keys=keys):
                return bool(keys)
            case t.Name():
                if origins := self.values.origins(expr, scope):
                    if not (len(origins) == 1 and origins[0].node is expr):
                        truths = {
                            self._truth(o.node, o.scope, env)
                            for o in origins
                            if o.node is not expr and isinstance(o.node, t.Const | t.Call | t.BinOp)
                        }
                        if len(truths) == 1:
                            return truths.pop()
                return self.outcome(expr, scope, env)[0]
        return self.values.decided(expr, scope)


@dataclass
class _Run:
    """The statements of one body, as far as one name is concerned, up to one call."""

    follower: ClaimsFollower
    name: str
    scope: Scope
    until: t.Node
    env: Env
    held: Claims
    done: bool = False

    def result(self, body: Iterable[t.Stmt]) -> Claims:
        self.block(body)
        return self.held

    def block(self, body: Iterable[t.Stmt]) -> None:
        for stmt in body:
            if self.done:
                return
            self.stmt(stmt)

    def stmt(self, stmt: t.Stmt) -> None:
        match stmt:
            case t.If():
                self.branch(stmt)
                return
            case t.For() | t.While() | t.With():
                self.block(stmt.body)
                return
            case t.Try():
                self.block(stmt.body)
                before = self.held
                for handler in stmt.handlers:
                    if not self.done:
                        self.block(handler.body)
                        if not self.done:
                            self.held = before
                self.block(stmt.orelse)
                self.block(stmt.final)
                return
            case t.Match(cases=cases):
                self.cases([case.body for case in cases])
                return
        if _contains(stmt, self.until):
            self.done = True
            return
        self.simple(stmt)

    def simple(self, stmt: t.Stmt) -> None:
        match stmt:
            case t.Assign(targets=targets, value=value, op=op) if value is not None:
                for target in targets:
                    match target:
                        case t.Name(id=name) if name == self.name:
                            given = self.read(value)
                            self.held = self.held.updated(given) if op == "|" else given
                        case t.Item(value=t.Name(id=name), index=index) if name == self.name:
                            key = self.follower.values.text(index, self.scope)
                            entry = self.follower._entry(key, value, self.scope)
                            self.held = self.held.updated(entry)
            case t.Do(value=t.Call(func=t.Attr(value=t.Name(id=name), name=method)) as call) if (
                name == self.name
            ):
                self.changed(method, call)
            case t.Delete(targets=targets):
                for target in targets:
                    match target:
                        case t.Item(value=t.Name(id=name), index=t.Const(value="exp")):
                            if name == self.name:
                                self.held = replace(self.held, expiry=Expiry.MISSING, until=())

    def changed(self, method: str, call: t.Call) -> None:
        if method == "update":
            for given in call.args:
                self.held = self.held.updated(self.read(given))
            for keyword in call.keywords:
                if keyword.name is None:
                    self.held = self.held.updated(self.read(keyword.value))
                else:
                    entry = self.follower._entry(keyword.name, keyword.value, self.scope)
                    self.held = self.held.updated(entry)
        elif method == "setdefault" and len(call.args) == 2:
            key = self.follower.values.text(call.args[0], self.scope)
            self.held = self.held.updated(self.follower._entry(key, call.args[1], self.scope))
        elif method == "pop" and call.args:
            if isinstance(call.args[0], t.Const) and call.args[0].value == "exp":
                self.held = replace(self.held, expiry=Expiry.MISSING, until=())

    def read(self, expr: t.Expr) -> Claims:
        """What an expression gives; where it names the claims themselves, what they hold now."""
        if self.name in {n.id for n in t.walk_own(expr) if isinstance(n, t.Name)}:
            match expr:
                case t.Name():
                    return self.held
                case t.Map(keys=keys, values=values):
                    whole = EMPTY
                    for key, value in zip(keys, values, strict=True):
                        if key is None:
                            whole = whole.updated(self.read(value))
                        else:
                            text = self.follower.values.text(key, self.scope)
                            whole = whole.updated(self.follower._entry(text, value, self.scope))
                    return whole
                case t.Call(func=t.Attr(value=base, name="copy")):
                    return self.read(base)
                case t.Call(func=t.Name(id=name), args=[inner]) if name in _COPIES:
                    return self.read(inner)
                case t.BinOp(op="|", left=left, right=right):
                    return self.read(left).updated(self.read(right))
                case t.Comp():
                    return self.held
            return UNTOLD
        return self.follower.claims(expr, self.scope, expr, self.env)

    def branch(self, stmt: t.If) -> None:
        told, where = self.follower.outcome(stmt.test, self.scope, self.env)
        if told is not None:
            self.block(stmt.body if told else stmt.orelse)
            return
        why = "an argument that a caller leaves out decides it" if where else ""
        self.cases([stmt.body, stmt.orelse], why, where)

    def cases(self, bodies: list[list[t.Stmt]], why: str = "", where: Place | None = None) -> None:
        before, ends = self.held, []
        for body in bodies:
            self.held = before
            self.block(body)
            if self.done:
                return
            if not t.leaves(body):
                ends.append(self.held)
        whole = ends[0] if ends else before
        for end in ends[1:]:
            whole = whole.merged(end, why, where)
        self.held = whole


def _contains(stmt: t.Node, wanted: t.Node) -> bool:
    return any(node is wanted for node in t.walk(stmt))
