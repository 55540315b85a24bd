"""How what the caller sent flows through functions, and which sinks it reaches.

A walk over statements in order carries what every variable holds of the caller's (`Taint`). Branches
meet, loops run twice, a test that turns a value away cleans it on the way that goes on
(`auditor/link/validation.py`). Calls of functions of the tree are followed; what a function does with
what it is given is remembered by the shape of what it is given, so that every function is walked a
few times at most, whatever the call graph looks like.

Frameworks say what enters (`@enters`), libraries what is dangerous (`@drains`).
"""

from __future__ import annotations

import functools
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

import msgspec

from auditor.extract.python import tree as t
from auditor.link.names import CallSite, Code, Located, Scope
from auditor.link.taint import Form, Source, Taint, each, join, join_all, record
from auditor.link.values import Evaluator

_MAX_DEPTH = 7
_MAX_NESTING = 120
_MAX_SHAPES = 10
_MAX_STATEMENTS = 1_000_000
"""Statements and calls one audit walks; beyond it the rest of the flows stay unseen."""


class Hit(msgspec.Struct, frozen=True):
    """A value of the caller's in a dangerous place; `sink` is the kind of danger."""

    sink: str
    where: Located
    what: str
    source: Source
    steps: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[object, ...]:
        return (self.sink, *self.where.key)


class Summary(msgspec.Struct, frozen=True):
    """What a function does with what it is given."""

    returns: Taint | None = None
    hits: tuple[Hit, ...] = ()
    attributes: tuple[tuple[str, Taint], ...] = ()
    """What a method leaves on its object."""


class Reached(msgspec.Struct, frozen=True):
    """A call with something of the caller's in its receiver or arguments."""

    site: CallSite
    flow: Flow
    receiver: Taint | None
    positional: tuple[Taint | None, ...]
    named: dict[str | None, Taint | None]

    @property
    def name(self) -> str:
        """The callee's canonical name; empty where it cannot be told."""
        return self.flow.code.name(self.site.node.func, self.site.scope)

    @property
    def spelt(self) -> str:
        func = self.site.node.func
        return t.dotted(func) or (f"….{func.name}" if isinstance(func, t.Attr) else "a call")

    def arg(self, position: int | None, *names: str) -> Taint | None:
        for name in names:
            if name in self.named:
                return self.named[name]
        if position is not None and position < len(self.positional):
            return self.positional[position]
        return None


Drain = Callable[[Reached], Iterable[tuple[str, "Taint | None"]]]
"""What a call does with tainted arguments: (kind of danger, the value)."""

_DRAINS: dict[str, list[Drain]] = defaultdict(list)


def drains(*names: str) -> Callable[[Drain], Drain]:
    """Register what calls with one of these last names do."""

    def register(drain: Drain) -> Drain:
        for name in names:
            _DRAINS[name].append(drain)
        return drain

    return register


Reads = Callable[[t.Expr, Scope, "Flow"], "Taint | None"]
_READS: list[Reads] = []


def reads_request(reader: Reads) -> Reads:
    """Register how code reads the request without being handed it: a global, `self.request`."""
    _READS.append(reader)
    return reader


Env = dict[str, "Taint | None"]


@dataclass
class Flow:
    """Follows values through the functions of a tree."""

    values: Evaluator
    implicit: bool = False
    """Whether functions may read the request without being handed it."""
    pages: frozenset[int] = frozenset()
    """Ids of the functions whose returned text becomes a page."""
    _summaries: dict[tuple[object, ...], Summary] = field(default_factory=dict)
    _shapes: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    _active: list[tuple[object, ...]] = field(default_factory=list)
    _reading: dict[int, bool] = field(default_factory=dict)
    _open_models: dict[str, bool] = field(default_factory=dict)
    statements: int = 0

    def __post_init__(self) -> None:
        self.code: Code = self.values.code

    def summary(self, function: Located, given: dict[str, Taint]) -> Summary:
        """What a function does when its parameters hold these values; a cycle does nothing."""
        shape = tuple(sorted((name, taint.shape) for name, taint in given.items()))
        key = (id(function.node), shape)
        known = self._summaries.get(key)
        if known is not None:
            return known
        if len(self._active) > _MAX_DEPTH or self.statements > _MAX_STATEMENTS:
            return Summary()
        if self._shapes[id(function.node)] >= _MAX_SHAPES:
            return Summary()
        self._shapes[id(function.node)] += 1
        self._summaries[key] = Summary()  # a cycle ends here
        self._active.append(key)
        try:
            from auditor.link.flowwalk import Walk

            symbolic = {name: _symbolic(name, taint) for name, taint in given.items()}
            self._summaries[key] = found = Walk(self, function, symbolic).run()
        finally:
            self._active.pop()
        return found

    def reads(self, function: Located) -> bool:
        """Whether a function of the tree, or one it calls, reads the request by itself."""
        key = id(function.node)
        if key not in self._reading:
            self._reading[key] = False  # a cycle ends here
            inner = self.code.inside(function)
            self._reading[key] = (
                any(
                    self.read(node, inner) is not None
                    for node in t.walk_own(*function.node.body)  # type: ignore[attr-defined]
                    if isinstance(node, t.Name | t.Attr)
                )
                or any(self.reads(callee) for callee in self.code.with_callees(function, 1)[1:])
            )
        return self._reading[key]

    def read(self, expr: t.Expr, scope: Scope) -> Taint | None:
        """The part of the request that an expression names by itself."""
        for reader in _READS:
            if found := reader(expr, scope, self):
                return found
        return None

    def drained(self, reached: Reached, last: str) -> Iterator[tuple[str, Taint]]:
        for drain in _DRAINS.get(last, ()):
            for sink, taint in drain(reached):
                if taint is not None and not taint.proof(sink):
                    yield sink, taint

    def returned(self, found: Summary, given: dict[str, Taint]) -> Taint | None:
        """What a call gives, in terms of what its caller passed."""
        return bring(found.returns, given)

    def member(self, model: str, name: str, source: Source, depth: int = 0) -> Taint | None:
        """The value of a field of a validating class, by its declared type."""
        found = self.code.definition(model)
        if found is None or depth > 4:
            return None
        for ancestor in self.code.ancestry(found):
            owner = self.code.definition(ancestor)
            if owner is None or not isinstance(owner.node, t.Class):
                continue
            inner = self.code.inside(owner)
            if name in validated_fields(owner.node) and not self._lets_pass(owner, name):
                return None
            for stmt in owner.node.body:
                match stmt:
                    case t.Assign(targets=[t.Name(id=target)], annotation=declared) if (
                        target == name and declared is not None
                    ):
                        if _patterned(stmt.value) or _patterned(declared):
                            return None
                        return self.typed(declared, inner, source.at(name))
        return None

    def _lets_pass(self, owner: Located, name: str) -> bool:
        """Whether the validators of a field only look at its length, case or scheme."""
        assert isinstance(owner.node, t.Class)
        own = [f for f in owner.node.body if isinstance(f, t.Function) and _is_about(f, name)]
        if not own or len(own) != _mentions(owner.node, name):
            return False
        inner = self.code.inside(owner)
        for function in own:
            if len(function.params) < 2 or not all(
                t.last_word(node.func) in _TRIVIAL
                for node in t.walk_own(*function.body)
                if isinstance(node, t.Call)
            ):
                return False
            given = {function.params[1].name: Taint(Source("given", function.params[1].name))}
            if self.summary(Located(function, inner), given).returns is None:
                return False
        return True

    def takes_more(self, model: str) -> bool:
        """Whether a validating class keeps fields that it does not declare: `extra="allow"`."""
        found = self.code.definition(model)
        if found is None or model in self._open_models:
            return self._open_models.get(model, False)
        self._open_models[model] = any(
            definition is not None
            and isinstance(definition.node, t.Class)
            and _allows_more(definition.node)
            for definition in map(self.code.definition, self.code.ancestry(found))
        )
        return self._open_models[model]

    def typed(
        self, annotation: t.Expr, scope: Scope, source: Source, depth: int = 0
    ) -> Taint | None:
        """What a validated value of this declared type may still hold; None for narrow types."""
        if depth > 6:
            return None
        match annotation:
            case t.Item(value=base, index=index):
                parts = index.items if isinstance(index, t.Seq) else [index]
                last = t.dotted(base).rpartition(".")[2]
                if last == "Literal":
                    return None
                if last == "Annotated":
                    if any(_patterned(part) for part in parts[1:]):
                        return None
                    return self.typed(parts[0], scope, source, depth + 1) if parts else None
                if last in ("Dict", "dict", "Mapping", "MutableMapping", "OrderedDict"):
                    value = self.typed(parts[-1], scope, source, depth + 1)
                    form = Form.OBJECT if value and value.form is Form.OBJECT else Form.FIELDS
                    return Taint(source, form)
                inner = [self.typed(part, scope, source, depth + 1) for part in parts]
                return join_all(inner)
            case t.BinOp(op="|", left=left, right=right):
                return join(
                    self.typed(left, scope, source, depth + 1),
                    self.typed(right, scope, source, depth + 1),
                )
            case t.Const(value=None):
                return None
        name = self.code.name(annotation, scope)
        if name in _TEXT_TYPES:
            return Taint(source)
        if _URL_TYPES.match(name):
            return Taint(source, coats=frozenset({"a URL"}))
        if name in _OPEN_TYPES:
            return Taint(source, Form.OBJECT)
        found = self.code.definition(name)
        if found is not None and isinstance(found.node, t.Class):
            ancestry = self.code.ancestry(found)
            if any(x.startswith("enum.") for x in ancestry):
                return None
            return Taint(source, Form.MODEL, model=ancestry[0])
        return None


_TEXT_TYPES = {"builtins.str", "builtins.bytes", "pydantic.SecretStr", "typing.Text"}
_URL_TYPES = re.compile(r"^pydantic\.(?:networks\.)?(?:(?:Any)?(?:Http)?Url|HttpUrl)$")
_OPEN_TYPES = {
    "builtins.dict", "typing.Dict", "typing.Any", "builtins.object", "builtins.list",
    "typing.List", "typing.Mapping", "pydantic.JsonValue", "pydantic.Json",
}  # fmt: skip


@functools.lru_cache(maxsize=4096)
def validated_fields(node: t.Class) -> frozenset[str]:
    """Fields that a validator of the class looks at, by its decorator or in its body."""
    names: set[str] = set()
    for stmt in node.body:
        if isinstance(stmt, t.Function):
            names |= _validated_by(stmt)
    return frozenset(names)


def _validated_by(function: t.Function) -> set[str]:
    names: set[str] = set()
    told = [t.dotted(d.func if isinstance(d, t.Call) else d) for d in function.decorators]
    if not any("validator" in name for name in told) and "validate" not in function.name:
        return names
    for decorator in function.decorators:
        if isinstance(decorator, t.Call):
            for argument in decorator.args:
                if isinstance(argument, t.Const) and isinstance(argument.value, str):
                    names.add(argument.value)
    if function.name.startswith("validate") or any("root" in x or "model" in x for x in told):
        for inner in t.walk_own(*function.body):
            match inner:
                case t.Attr(value=t.Name(), name=name) | t.Const(value=str(name)):
                    names.add(name)
    return names


_TRIVIAL = {
    "len", "strip", "lstrip", "rstrip", "lower", "upper", "startswith", "endswith", "isinstance", "str",
    "ValueError", "TypeError", "AssertionError", "PydanticCustomError", "title", "join", "format",
}  # fmt: skip
"""What validators call that say nothing of what a text holds."""


def _is_about(function: t.Function, name: str) -> bool:
    """`@field_validator("name")`, after the whole value is there."""
    for decorator in function.decorators:
        if isinstance(decorator, t.Call) and "validator" in t.dotted(decorator.func):
            if any(_is_text(argument, name) for argument in decorator.args):
                return True
    return False


def _mentions(node: t.Class, name: str) -> int:
    """How many functions of a class validate a field, in whatever way."""
    return sum(name in _validated_by(x) for x in node.body if isinstance(x, t.Function))


def _allows_more(node: t.Class) -> bool:
    """`class A(BaseModel, extra="allow")`, `model_config = ConfigDict(extra="allow")`, `class Config`."""
    told = [k.value for k in node.keywords if k.name == "extra"]
    for stmt in node.body:
        match stmt:
            case t.Assign(targets=[t.Name(id="model_config")], value=t.Call(keywords=keywords)):
                told += [k.value for k in keywords if k.name == "extra"]
            case t.Assign(
                targets=[t.Name(id="model_config")], value=t.Map(keys=keys, values=values)
            ):
                told += [v for k, v in zip(keys, values, strict=True) if _is_text(k, "extra")]
            case t.Class(name="Config", body=body):
                for inner in body:
                    match inner:
                        case t.Assign(targets=[t.Name(id="extra")], value=value) if (
                            value is not None
                        ):
                            told.append(value)
    return any(_is_text(x, "allow") or t.dotted(x) == "Extra.allow" for x in told)


def _is_text(expr: t.Expr | None, word: str) -> bool:
    return isinstance(expr, t.Const) and expr.value == word


def _patterned(expr: t.Expr | None) -> bool:
    """Whether a declaration carries a pattern: `Field(pattern=…)`, `constr(regex=…)`."""
    return isinstance(expr, t.Call) and any(k.name in ("pattern", "regex") for k in expr.keywords)


patterned = _patterned


def _symbolic(name: str, taint: Taint) -> Taint:
    """The same value under a function's own name for it."""

    def renamed(part: Taint, keys: tuple[str, ...]) -> Taint:
        fields = tuple((k, renamed(v, (*keys, k))) for k, v in part.fields)
        source = Source("given", name, keys, part.source.segment)
        return replace(part, source=source, fields=fields, steps=())

    return renamed(taint, ())


def bring(taint: Taint | None, given: dict[str, Taint]) -> Taint | None:
    """A value from inside a function in terms of what its caller passed."""
    if taint is None:
        return None
    source, steps = bring_source(taint.source, given)
    fields = tuple(
        (name, brought)
        for name, part in taint.fields
        if (brought := bring(part, given)) is not None
    )
    return replace(
        taint, source=source, fields=fields, steps=tuple(dict.fromkeys((*steps, *taint.steps)))[:6]
    )


def bring_source(source: Source, given: dict[str, Taint]) -> tuple[Source, tuple[str, ...]]:
    if source.kind != "given" or source.name not in given:
        return source, ()
    here, rest = given[source.name], list(source.keys)
    while rest and here.form is Form.RECORD and rest[0] in (parts := here.parts()):
        here = parts[rest.pop(0)]
    here = here.leaf
    found = here.source
    for key in rest:
        found = found.at(key)
    return found, here.steps


__all__ = [
    "CallSite", "Flow", "Form", "Hit", "Reached", "Source", "Summary", "Taint", "bring",
    "bring_source", "drains", "each", "join", "join_all", "patterned", "reads_request", "record",
]  # fmt: skip
