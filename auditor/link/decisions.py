"""Which way a test of a parameter goes, where the call of the function says so.

`if user: query = query.filter(owner=user)` narrows every query of a caller that gives a user, and none
of one that leaves the parameter at its default.
"""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence, Set
from typing import Literal

import msgspec

from auditor.extract.python import tree as t
from auditor.link.mentions import Mentions
from auditor.link.names import Code
from auditor.link.passed import is_always
from auditor.link.scopes import Located, Scope


class Keys(msgspec.Struct, frozen=True):
    """A dict that a call spells out: `{"sort": "newest"}`; `perhaps` are the keys that only some calls give, `worths` what
    the values are worth where they are spelt."""

    pairs: tuple[tuple[str, t.Expr], ...]
    perhaps: frozenset[str] = frozenset()
    worths: tuple[tuple[str, Worth | None], ...] = ()


class Spelt(msgspec.Struct, frozen=True):
    """A true constant that a call spells out: `listed("open")`."""

    value: str | int | float


class NoneOf(msgspec.Struct, frozen=True):
    """A value of which no more is known than that it is none of some constants."""

    values: tuple[object, ...]


Worth = Literal["nothing", "false", "something", "present"] | Keys | Spelt | NoneOf
"""None, another value that is false, one that is true, or one of which no more is known than that it is not None."""
_PRESENT = ("false", "something", "present")
_LOOKS = {"get", "keys", "values", "items", "copy"}
"""What leaves a dict as it is."""
_ASKS = {"len", "bool", "str", "print", "sorted", "list", "dict"}
"""What takes a dict and leaves it as it is."""
_CONDITIONS = {"and_", "or_", "not_", "desc", "asc", "Q"}
"""What gives conditions and orders of SQLAlchemy, and conditions of Django: none of them is None."""
_PLAIN = {"str", "int", "float", "bool", "bytes", "list", "dict", "set", "tuple", "List", "Dict", "Set",
          "Tuple", "Sequence", "Iterable", "Any", "object", "Optional", "Union", "Decimal", "TypeVar"}  # fmt: skip
"""Types whose values may be false; an object of any other class is true."""
_SOMEBODY = {"user", "current_user"}
METHODS = ("classmethod", "staticmethod")
"""Decorators that call nothing."""


@functools.lru_cache(maxsize=50_000)
def tested(function: t.Function) -> frozenset[str]:
    """The parameters that decide whether a part of a function runs, for each of their keys perhaps, or of what it hands
    them on to as `**filters`."""
    names = {p.name for p in function.params}
    rest = {p.name for p in function.params if p.kind == "kwargs"}
    found: set[str] = set()
    for node in t.walk_own(*function.body):
        if isinstance(node, t.If | t.Choice):
            found |= {n.id for n in t.walk_own(node.test) if isinstance(n, t.Name)}
        elif isinstance(node, t.For):
            found.add(gone_through(node.iter))
        elif isinstance(node, t.Comp):
            found |= {gone_through(loop.iter) for loop in node.loops}
        elif isinstance(node, t.Call) and rest:
            found |= rest & {t.dotted(k.value) for k in node.keywords if k.name is None}
    for node in t.walk_own(*function.body):
        match node:
            case t.Assign(targets=[t.Name(id=name)], value=t.Call() as call) if name in found:
                found |= {n.id for n in t.walk_own(call) if isinstance(n, t.Name)}
    return frozenset(found & names)


def gone_through(over: t.Expr) -> str:
    """The dict whose keys a loop takes one by one: `for name, value in filters.items()`."""
    match over:
        case (
            t.Name(id=name)
            | t.Call(func=t.Attr(value=t.Name(id=name), name="items" | "keys"), args=[])
        ):
            return name
    return ""


@functools.lru_cache(maxsize=50_000)
def _held_against_none(function: t.Function) -> frozenset[str]:
    """The names that a function asks whether they are None."""
    return frozenset(
        node.left.id
        for node in t.walk_own(*function.body)
        if isinstance(node, t.Compare) and isinstance(node.left, t.Name)
        if any(isinstance(x, t.Const) and x.value is None for x in node.rights)
    )


@functools.lru_cache(maxsize=50_000)
def choices(function: t.Function) -> list[dict[str, Worth]]:
    """What a parameter or variable may be that a function tests in several places, by which its ways hang together:
    `if kind == "a": …` and further down `if kind == "b": …`. One that is bound anew is another then."""
    values: dict[str, dict[object, None]] = {}
    places: dict[str, set[int]] = {}
    chains: dict[int, int] = {}
    names = set(settled(function))
    for node in t.walk_own(*function.body) if names else ():
        match node:
            case t.If(orelse=orelse):
                chain = chains.get(id(node), id(node))
                chains |= {id(x): chain for x in orelse if isinstance(x, t.If) and len(orelse) == 1}
                for name, value in _tests(node):
                    values.setdefault(name, {}).update({value: None} if value else {})
                    places.setdefault(name, set()).add(chain)
            case t.Compare(left=t.Name(id=name), ops=["is" | "is not"]):
                names.discard(name)  # what is false may be something or not
    names = {name for name in names if len(places.get(name, ())) > 1}
    ways: list[dict[str, Worth]] = [{}]
    for name in sorted(names):
        spelt: list[Worth] = [Spelt(value) for value in values[name] if isinstance(value, str)]
        worths: list[Worth] = ["something", "nothing"]
        if spelt:
            worths = [*spelt, NoneOf(tuple(values[name]))]
        if len(ways) * len(worths) <= _MOST_WAYS:
            ways = [{**way, name: worth} for way in ways for worth in worths]
    return ways if len(ways) > 1 else []


@functools.lru_cache(maxsize=50_000)
def settled(function: t.Function) -> frozenset[str]:
    """The parameters that a function leaves as they are, and the variables that it binds once."""
    once = {
        stmt.targets[0].id
        for stmt in _outside_loops(function.body)
        if isinstance(stmt, t.Assign) and not stmt.op and isinstance(stmt.targets[0], t.Name)
        if not isinstance(stmt.value, t.Seq | t.Map | t.Comp)  # it is filled further down
    }
    bound = [name for stmt in function.body for name in bound_anew(stmt)]
    params = {p.name for p in function.params}
    kept = (params - set(bound)) | {x for x in once - params if bound.count(x) == 1}
    return frozenset(kept - set(_filled(function)))


def _filled(function: t.Function) -> Iterator[str]:
    """What a function puts something in, or takes something out of."""
    for node in t.walk_own(*function.body):
        match node:
            case t.Call(func=t.Attr(value=t.Name(id=name), name=method)) if method in _FILLS:
                yield name
            case t.Assign(targets=targets) | t.Delete(targets=targets):
                for target in targets:
                    if isinstance(target, t.Item) and isinstance(target.value, t.Name):
                        yield target.value.id


def _outside_loops(body: list[t.Stmt]) -> Iterator[t.Stmt]:
    for stmt in body:
        yield stmt
        if not isinstance(stmt, t.For | t.While):
            for block in t.blocks(stmt):
                yield from _outside_loops(block)


_MOST_WAYS = 8
_MAX_DEPTH = 4
_FILLS = {"add", "append", "appendleft", "clear", "discard", "extend", "insert", "pop", "popitem", "popleft", "remove",
          "setdefault", "update"}  # fmt: skip
_KEY = re.compile(r"(?:^|_)(?:id|pk|uuid)$")
"""What is called as a key is neither 0 nor empty."""


def is_key(name: str) -> bool:
    """Whether something is called as a key is."""
    return bool(_KEY.search(name))


Assurance = Callable[[t.Expr, t.Function], Worth | None]
ASSURANCES: list[Assurance] = []


def assures(assurance: Assurance) -> Assurance:
    """Register what a framework is sure to give a function: (expression, the function that it stands in) -> its worth.

    Who is signed in where nobody else is let in, a parameter that is checked before the function runs.
    """
    ASSURANCES.append(assurance)
    return assurance


def _assured(expr: t.Expr, function: t.Function) -> Worth | None:
    """What a framework is sure to give for an expression of a function."""
    return next((worth for each in ASSURANCES if (worth := each(expr, function))), None)


def _tests(stmt: t.If) -> Iterator[tuple[str, str]]:
    """The names that a statement tests, `if not kind`, and what they are held against: `if found and kind == "a"`."""
    pending = [stmt.test]
    while pending:
        match pending.pop():
            case t.Unary(op="not", value=value):
                pending.append(value)
            case t.BoolOp(values=several):
                pending += several
            case t.Compare(
                left=t.Name(id=name), ops=["==" | "!="], rights=[t.Const(value=str(text))]
            ):
                yield name, text
            case t.Name(id=name):
                yield name, ""


def given(
    function: t.Function, call: t.Call, scope: Scope, outer: Mapping[str, Worth], code: Code, handed: Set[str] = frozenset()
) -> dict[str, Worth]:  # fmt: skip
    """What each tested parameter is by the call, and those that are handed on, without those that cannot be told;
    `outer` says it of the caller's own parameters."""
    wanted = tested(function) | handed
    if not wanted or any(isinstance(a, t.Star) for a in call.args):
        return {}
    passed, perhaps = passed_by(function, call), set[str]()
    worths = {name: worth_of(x, scope, outer, (code, call)) for name, x in passed.items()}
    for keyword in call.keywords:
        if keyword.name is None:
            held = worth_of(keyword.value, scope, outer, (code, call))
            if not isinstance(held, Keys):
                return {}
            passed |= held.pairs
            perhaps |= held.perhaps
            worths |= held.worths
    told: dict[str, Worth] = {}
    params = [p for p in function.params if p.kind in ("positional", "keyword")]
    names = {p.name for p in params}
    for param in function.params:
        if param.kind == "kwargs" and param.name in wanted and keeps(function, param.name):
            pairs = tuple((k, x) for k, x in passed.items() if k not in names)
            told[param.name] = Keys(
                pairs, frozenset(perhaps - names), tuple((k, worths[k]) for k, _ in pairs)
            )
    for param in params:
        if param.name in wanted and param.name not in perhaps:
            worth = worths[param.name] if param.name in passed else _constant(param.default)
            if isinstance(worth, Keys) and not keeps(function, param.name):
                worth = "something" if worth.pairs else None
            if worth == "present" and param.name not in handed | _held_against_none(function):
                continue  # which tells nothing
            if worth:
                told[param.name] = worth
    more = rest_of(function, call)
    for param in function.params:
        if param.kind == "args" and param.name in wanted:
            told[param.name] = "something" if more else "false"
    return told


def passed_by(function: t.Function, call: t.Call) -> dict[str, t.Expr]:
    """What a call passes by place and by name, by the names of the parameters; which ones follow `*values` is not told."""
    told = itertools.takewhile(lambda arg: not isinstance(arg, t.Star), call.args)
    named = {k.name: k.value for k in call.keywords if k.name}
    return {p.name: a for p, a in zip(_in_turn(function, call), told, strict=False)} | named


def rest_of(function: t.Function, call: t.Call) -> list[t.Expr]:
    """What a call leaves for `*values`."""
    return call.args[sum(p.kind == "positional" for p in _in_turn(function, call)) :]


def _in_turn(function: t.Function, call: t.Call) -> list[t.Param]:
    """The parameters that a call fills in turn: not the object that it is called on."""
    params = [p for p in function.params if p.kind in ("positional", "keyword")]
    if params and params[0].name in ("self", "cls") and isinstance(call.func, t.Attr):
        return params if hands_itself(call) else params[1:]
    return params


def hands_itself(call: t.Call) -> bool:
    """Whether a method is called on its class, with the object: `Store.find(self, "email")`."""
    match call:
        case t.Call(func=t.Attr(value=t.Name() | t.Attr() as base), args=[t.Name(id="self"), *_]):
            return t.last_word(base)[:1].isupper()
    return False


def keeps(function: t.Function, name: str) -> bool:
    """Whether a function leaves a dict that it is given as it was, and its name for it."""
    for node in t.walk_own(*function.body):
        match node:
            case t.Assign(targets=targets) | t.Delete(targets=targets):
                for target in targets:
                    inner = target.value if isinstance(target, t.Item) else target
                    if any(
                        isinstance(n, t.Name) and n.id == name
                        for n in (inner, *getattr(inner, "items", ()))
                    ):
                        return False
            case t.Call(func=t.Attr(value=t.Name(id=own), name=method)) if own == name:
                if method not in _LOOKS:
                    return False
    return True


def given_back(function: t.Function, scope: Scope) -> Keys | None:
    """The dict that a function spells out wherever it gives something back."""
    found: Keys | None = None
    own = list(t.walk_own(*function.body))
    if not t.leaves(function.body) or any(isinstance(n, t.Yield) for n in own):
        return None
    for value in (n.value for n in own if isinstance(n, t.Return)):
        if isinstance(value, t.Name):
            value = _made_once(value.id, own)
        if not isinstance(value, t.Map) or not all(map(_text, value.keys)):
            return None
        keys = _spelt_out(zip(map(_text, value.keys), value.values, strict=True), scope, {})
        found = keys if found is None else _in_common(found, keys)
    return found


def _made_once(name: str, own: list[t.Node]) -> t.Expr | None:
    """What a function binds a name to and gives back as it is, with no other word of it."""
    spoken = sum(isinstance(n, t.Name) and n.id == name for n in own)
    given_ = sum(isinstance(n, t.Return) and t.dotted(n.value) == name for n in own)
    made = [n.value for n in own if isinstance(n, t.Assign) and t.dotted(n.targets[0]) == name]
    return made[0] if len(made) == 1 and spoken == given_ + 1 else None


def agreed(
    function: Located, mentions: Mentions, trials: Set[int], stored: Container[str] = (), depth: int = 0, handed: Set[str] = frozenset()
) -> dict[str, Worth]:  # fmt: skip
    """What every call but these gives a parameter that is tested or handed on: what none ever passes is what it is by default.

    Nothing where something else may call the function: a framework, or what it is handed to. `stored` are classes by
    their names whose base calls no method with arguments of its own.
    """
    node = function.node
    assert isinstance(node, t.Function)
    wanted = tested(node) | handed
    if any(t.dotted(x) not in METHODS for x in node.decorators) or not wanted:
        return {}
    if mentions.built(node.name) or _is_for_base(function, mentions.code, stored):
        return {}
    told: dict[str, Worth] | None = None
    for site in mentions.of(function):
        if id(site.node) in trials:
            continue
        call = mentions.call(site)
        if call is None:
            return {}
        outer = mentions.code.enclosing(call.scope)
        above: dict[str, Worth] = {}
        if outer is not None and isinstance(outer.node, t.Function) and depth < _MAX_DEPTH:
            own = _handed_on(node, call.node, outer.node, wanted)
            if own or _hands_on(call.node, outer.node):
                above = agreed(outer, mentions, trials, stored, depth + 1, own)
        here = given(node, call.node, call.scope, above, mentions.code, handed)
        told = here if told is None else _common(told, here)
        if not told:
            return {}
    return told or {}


def _handed_on(
    called: t.Function, call: t.Call, function: t.Function, wanted: Set[str]
) -> frozenset[str]:
    """The parameters of a function that it leaves as they are and hands on for some of those of another."""
    given_ = {x.id for k, x in passed_by(called, call).items() if k in wanted and isinstance(x, t.Name)}  # fmt: skip
    own = {p.name for p in function.params if p.kind in ("positional", "keyword")}
    return settled(function) & own & given_


def _hands_on(call: t.Call, function: t.Function) -> bool:
    """Whether a call hands on what its function got by `**name`."""
    own = {p.name for p in function.params if p.kind == "kwargs"}
    given_ = (k.value for k in call.keywords if k.name is None)
    return any(isinstance(x, t.Name) and x.id in own for x in given_)


def _is_for_base(function: Located, code: Code, stored: Container[str]) -> bool:
    """Whether a class from outside of the tree may call a method of its heir: `get` of a view, besides `self.get(request)`."""
    owner, around = function.scope.owner, function.scope.parent
    if not isinstance(owner, t.Class) or around is None or function.node.decorators:  # type: ignore[attr-defined]
        return False
    # what is mixed in with a view is called as its own methods are
    for heir in code.heirs(Located(owner, around)):
        above = code.ancestry(heir)
        outer = {x.rpartition(".")[2].partition("[")[0] for x in above if ":" not in x}
        if outer - _CALLS_NOTHING and not any(x in stored for x in above):
            return True
    return False


_CALLS_NOTHING = {"object", "ABC", "Generic", "Protocol", "BaseModel", "Exception", "NamedTuple", "Enum"}  # fmt: skip
"""Bases that call no method of their heirs with arguments."""


def _common(one: dict[str, Worth], two: dict[str, Worth]) -> dict[str, Worth]:
    """What two calls agree on: of different constants, that they are true."""
    found: dict[str, Worth] = {}
    for name in one.keys() & two.keys():
        match one[name], two[name]:
            case Keys() as some, Keys() as others:
                found[name] = _in_common(some, others)
                continue
        if one[name] == two[name]:
            found[name] = one[name]
        elif all(x == "something" or isinstance(x, Spelt) for x in (one[name], two[name])):
            found[name] = "something"
        elif all(x in _PRESENT or isinstance(x, Spelt) for x in (one[name], two[name])):
            found[name] = "present"
    return found


def _in_common(one: Keys, two: Keys) -> Keys:
    """The keys that two dicts have, with what stands there where that is the same, and those that one of them has."""
    first, second = dict(one.pairs), dict(two.pairs)
    pairs: list[tuple[str, t.Expr]] = []
    for name in first.keys() & second.keys():
        a, b = first[name], second[name]
        same = isinstance(a, t.Const) and isinstance(b, t.Const) and a.value == b.value
        pairs.append((name, a if same else t.Choice(a.line, a.column, a.end_line, a, a, b)))
    perhaps = one.perhaps | two.perhaps | (first.keys() ^ second.keys())
    told = [{k: x for k, x in each.worths if x is not None} for each in (one, two)]
    worths = _common(*told)
    return Keys(tuple(pairs), perhaps, tuple((k, worths.get(k)) for k, _ in pairs))


def _constant(expr: t.Expr | None) -> Worth | None:
    if not isinstance(expr, t.Const):
        return None
    if expr.value is None or not expr.value:
        return "nothing" if expr.value is None else "false"
    plain = isinstance(expr.value, str | int | float) and not isinstance(expr.value, bool)
    return Spelt(expr.value) if plain else "something"


def bound_anew(stmt: t.Stmt) -> Iterator[str]:
    """The names that a statement, or one that it holds, binds to something else."""
    for node in t.walk_own(stmt):
        match node:
            case t.Assign(targets=targets) | t.With(targets=targets):
                pending = [x for x in targets if x is not None]
            case t.For(target=target) | t.Bind(target=target):
                pending = [target]
            case t.Jump(kind=kind):  # `global`
                yield from kind.split()
                continue
            case _:
                continue
        yield from (n.id for x in pending if not isinstance(x, t.Attr | t.Item) for n in t.walk_own(x) if isinstance(n, t.Name))  # fmt: skip


@functools.lru_cache(maxsize=50_000)
def _tested_before(function: t.Function, call: t.Call) -> dict[str, Worth]:
    """What the names that a function leaves as they are are worth where a call stands by the tests that lead there: below
    `if kind:`, after `if not kind: return`."""
    facts: list[tuple[t.Expr, bool]] = []
    body: Sequence[t.Stmt] | None = function.body
    while body:
        at = next((i for i, stmt in enumerate(body) if t.holds([stmt], call)), len(body))
        facts += [(s.test, False) for s in body[:at] if isinstance(s, t.If) and t.leaves(s.body)]
        stmt = body[at] if at < len(body) else None
        body = next((x for x in (t.blocks(stmt) if stmt else ()) if t.holds(x, call)), None)
        if isinstance(stmt, t.If) and body is not None:
            facts.append((stmt.test, body is stmt.body))
        elif stmt is not None and body is None:
            choices_ = (n for n in t.walk_own(stmt) if isinstance(n, t.Choice))
            facts += [(n.test, True) for n in choices_ if t.holds([n.then], call)]
    told: dict[str, Worth] = {}
    while facts:
        match facts.pop():
            case t.Unary(op="not", value=value), holds:
                facts.append((value, not holds))
            case t.BoolOp(op=op, values=several), holds if holds is (op == "and"):
                facts += [(each, holds) for each in several]
            case t.Name(id=name), True:
                told[name] = "something"
            case t.Compare(left=t.Name(id=name), ops=["is" | "is not" as op], rights=[t.Const(value=None)]), holds:  # fmt: skip
                nothing = holds is (op == "is")
                told[name] = "nothing" if nothing else told.get(name, "present")
    kept = settled(function)
    return {name: worth for name, worth in told.items() if name in kept}


def worth_of(
    expr: t.Expr, scope: Scope, outer: Mapping[str, Worth], handed: tuple[Code, t.Call] | None = None
) -> Worth | None:  # fmt: skip
    """What an expression is worth that is `handed` to a call."""
    told = _worth_of(expr, scope, outer, handed)
    if told in (None, "present") and handed and isinstance(expr, t.Name):
        if isinstance(scope.owner, t.Function):
            return _tested_before(scope.owner, handed[1]).get(expr.id, told)
    return told


def _worth_of(
    expr: t.Expr, scope: Scope, outer: Mapping[str, Worth], handed: tuple[Code, t.Call] | None
) -> Worth | None:  # fmt: skip
    match expr:
        case t.Attr(name=name) if name in _SOMEBODY:
            return "something"
        case t.Call() if isinstance(scope.owner, t.Function) and (
            given := _assured(expr, scope.owner)
        ):
            return given
        case _ if is_always(expr):
            return "something"
        case t.Map(keys=keys, values=values) if all(map(_text, keys)):
            return _spelt_out(zip(map(_text, keys), values, strict=True), scope, outer)
        case t.Seq(items=[_, *_]) | t.Map(keys=[_, *_]):
            return "something"
        case t.Compare() | t.BinOp() | t.Unary():
            return "present"  # what operators give is not None: `Note.place == place`
        case t.Call(func=t.Name(id=name)) if name in _CONDITIONS:
            return "present"
        case t.Name(id=name) if name in outer:
            return outer[name]
        case t.Name(id=name) if isinstance(scope.owner, t.Function):
            bound = scope.bindings.get(name, ())
            if len(bound) == 1 and bound[0].kind == "value":
                part = bound[0].part
                if (isinstance(part, t.Seq) and part.items) or (part and is_always(part)):
                    return "something"
                if isinstance(part, t.Call) and (given := _assured(part, scope.owner)):
                    return given
                part = _by_names(part) if isinstance(part, t.Comp) else part
                if isinstance(part, t.Map) and handed:
                    return _filled_in(name, part, scope, outer, *handed)
            param = next((p for p in scope.owner.params if p.name == name), None)
            if len(bound) == 1 and (given := _assured(expr, scope.owner)):
                return (
                    "something" if _KEY.search(name) and param and param.default is None else given
                )
            if param is None or param.default is not None or len(scope.bindings[name]) > 1:
                return None
            if _KEY.search(name) and _is_of_path(name, scope.owner):
                return "something"
            match param.annotation:
                case t.Name(id="int" | "str") if _KEY.search(name):
                    return "something"
                case t.Name(id=kind) | t.Attr(name=kind) if kind not in _PLAIN and len(kind) > 1:
                    return "something"
            return None
    return _constant(expr)


def _by_names(made: t.Comp) -> t.Map | None:
    """The dict that `{k: given.get(k) for k in ("shop", "kind")}` comes to."""
    match made:
        case t.Comp(
            kind="DictComp",
            elements=[t.Name(id=key), t.Call() | t.Item() as value],
            loops=[t.Loop(target=t.Name(id=each), iter=t.Seq(items=names), conditions=[])],
        ) if key == each and all(map(_text, names)):
            at = made.line, made.column, made.end_line
            return t.Map(*at, [*names], [value] * len(names))
    return None


def spread_last(
    expr: t.Expr, scope: Scope, outer: Mapping[str, Worth], handed: tuple[Code, t.Call]
) -> tuple[Keys | None, bool]:
    """The keys that a dict surely has which a call spreads, as `column` in `{**given, "column": "due"}`, and whether
    it has no others."""
    told = worth_of(expr, scope, outer, handed)
    if isinstance(told, Keys):
        return told, True
    made, name = expr, ""
    if isinstance(expr, t.Name) and isinstance(scope.owner, t.Function):
        bound, name = scope.bindings.get(expr.id, ()), expr.id
        made = bound[0].part or expr if len(bound) == 1 and bound[0].kind == "value" else expr
    if not isinstance(made, t.Map):
        return None, False
    since = max((i for i, key in enumerate(made.keys, 1) if not _text(key)), default=0)
    at = made.line, made.column, made.end_line
    last = t.Map(*at, made.keys[since:], made.values[since:])
    if name:
        return _filled_in(name, last, scope, outer, *handed), False
    return _spelt_out(zip(map(_text, last.keys), last.values, strict=True), scope, outer), False


def _spelt_out(
    pairs: Iterable[tuple[str, t.Expr]], scope: Scope, outer: Mapping[str, Worth], perhaps: Iterable[str] = ()
) -> Keys:  # fmt: skip
    told = tuple(pairs)
    return Keys(told, frozenset(perhaps), tuple((k, worth_of(x, scope, outer)) for k, x in told))


def _filled_in(
    name: str, made: t.Map, scope: Scope, outer: Mapping[str, Worth], code: Code, handed: t.Call
) -> Keys | None:  # fmt: skip
    """The keys of a dict that a function makes and fills by itself, those after the first perhaps: `filters["kind"] = kind`."""
    function = scope.owner
    assert isinstance(function, t.Function)
    if not all(map(_text, made.keys)):
        return None
    known: set[int] = set()
    added: set[str] = set()
    for node in t.walk(*function.body):
        match node:
            case t.Assign(op="", targets=targets):
                for target in targets:
                    if isinstance(target, t.Item) and t.dotted(target.value) == name:
                        added.add(_text(target.index))
                known |= {id(x) for x in targets if isinstance(x, t.Name)}
            case t.Delete(targets=targets):
                added |= {
                    "" for n in t.walk_own(*targets) if isinstance(n, t.Name) and n.id == name
                }
            case t.Item(value=held):
                known.add(id(held))
            case t.Attr(value=held, name=method) if method in _LOOKS:
                known.add(id(held))
            case t.Call(func=func, args=args, keywords=keywords):
                known |= {id(k.value) for k in keywords if k.name is None}
                callee = code.defined(func, scope)
                if node is handed or (isinstance(func, t.Name) and func.id in _ASKS):
                    known |= {id(x) for x in (*args, *(k.value for k in keywords))}
                elif callee is not None and isinstance(callee.node, t.Function):
                    kept = passed_by(callee.node, node).items()
                    known |= {id(x) for param, x in kept if keeps(callee.node, param)}
    names = (n for n in t.walk(*function.body) if isinstance(n, t.Name) and n.id == name)
    if "" in added or any(id(n) not in known for n in names):
        return None  # with what is not told, or by something else
    pairs = zip(map(_text, made.keys), made.values, strict=True)
    return _spelt_out(((k, x) for k, x in pairs if k not in added), scope, outer, added)


def _is_of_path(name: str, function: t.Function) -> bool:
    """Whether a parameter is a part of the path that a decorator names: `@app.get("/users/<int:user_id>")`."""
    part = re.compile(rf"[<{{:]{re.escape(name)}[>}}:]")
    return any(
        isinstance(n, t.Const) and isinstance(n.value, str) and part.search(n.value)
        for n in t.walk(*function.decorators)
    )


def decides(test: t.Expr, told: Mapping[str, Worth], scope: Scope) -> bool | None:
    """Whether a test holds; None where the parameters do not tell."""
    match test:
        case t.Name(id=name) if name in told:
            worth = told[name]
            if isinstance(worth, Keys):
                return bool(worth.pairs) if worth.pairs or not worth.perhaps else None
            if isinstance(worth, NoneOf):
                return None
            return None if worth == "present" else worth == "something" or isinstance(worth, Spelt)
        case t.Unary(op="not", value=value):
            inner = decides(value, told, scope)
            return None if inner is None else not inner
        case t.Compare(left=t.Name(id=name), ops=["is" | "is not" as op], rights=[t.Const(value=None)]) if name in told:  # fmt: skip
            if isinstance(told[name], NoneOf):
                return None
            return (told[name] == "nothing") is (op == "is")
        case t.Compare(left=t.Const(value=str(key)), ops=["in" | "not in" as op], rights=[held]):
            keys = _keys(held, told)
            if keys is None or key in keys.perhaps:
                return None
            return (key in dict(keys.pairs)) is (op == "in")
        case t.Compare(left=left, ops=["==" | "!=" | "is" | "is not" as op], rights=[t.Const(value=other)]):  # fmt: skip
            tested_ = told.get(left.id) if isinstance(left, t.Name) else None
            if tested_ == "nothing":
                return (other is None) is (op in ("==", "is"))
            if isinstance(tested_, NoneOf):
                return op in ("!=", "is not") if other in tested_.values else None
            kept = _spelt(left, told) or _kept(left, told, scope)
            return (kept.value == other) is (op in ("==", "is")) if kept is not None else None
        case t.BoolOp(op=op, values=values):
            answers = [decides(value, told, scope) for value in values]
            if any(a is (op == "or") for a in answers):
                return op == "or"
            return None if None in answers else op == "and"
        case _ if (kept := _kept(test, told, scope)) is not None:
            return bool(kept.value)
    return None


def _spelt(expr: t.Expr, told: Mapping[str, Worth]) -> Spelt | None:
    worth = told.get(expr.id) if isinstance(expr, t.Name) else None
    return worth if isinstance(worth, Spelt) else None


def _keys(expr: t.Expr, told: Mapping[str, Worth]) -> Keys | None:
    """The dict behind `params` or `params.keys()`."""
    match expr:
        case t.Name(id=name):
            worth = told.get(name)
            return worth if isinstance(worth, Keys) else None
        case t.Call(func=t.Attr(value=value, name="keys"), args=[]):
            return _keys(value, told)
    return None


def _kept(expr: t.Expr, told: Mapping[str, Worth], scope: Scope) -> t.Const | None:
    """The constant that a dict of the call holds, or does not: `params.get("sort", "")`."""
    match expr:
        case t.Bind(value=value):
            return _kept(value, told, scope)
        case t.Name(id=name):
            bound = scope.bindings.get(name, ())
            given_ = bound[0].part if len(bound) == 1 and bound[0].kind == "value" else None
            return _kept(given_, told, scope) if isinstance(given_, t.Call) else None
        case t.Call(func=t.Attr(value=held, name="get"), args=[t.Const(value=str(key)), *rest]):
            if (keys := _keys(held, told)) is None or key in keys.perhaps:
                return None
            nothing = t.Const(expr.line, expr.column, expr.end_line, None)
            value = dict(keys.pairs).get(key, rest[0] if rest else nothing)
            return value if isinstance(value, t.Const) else None
    return None


def _text(key: t.Expr | None) -> str:
    return key.value if isinstance(key, t.Const) and isinstance(key.value, str) else ""
