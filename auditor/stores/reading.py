"""Reads the code that puts queries together, statement by statement, without running it.

Names hold what they stand for (`things`); a test that cannot be told leaves both ways open. What
the mappers' calls mean is registered by `sqlalchemy_queries`, `django_queries`, `peewee_queries`
and `sql_text`. Only functions that mention a stored class or a word of a query language are read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from auditor.extract.python import tree as t
from auditor.link.application import Application
from auditor.link.names import CallSite, Code, Located, Scope
from auditor.link.values import Evaluator, place_of
from auditor.model.data import Bound
from auditor.model.places import Place
from auditor.stores.bounds import bounds_of
from auditor.stores.conditions import Draft, Every, Opposite, Some
from auditor.stores.decisions import Worth, decides
from auditor.stores.decisions import given as given_by
from auditor.stores.entities import Entities, Entity, last_name
from auditor.stores.named_statements import NamedStatement
from auditor.stores.once import runs_once
from auditor.stores.selection import Selections
from auditor.stores.things import (
    Class,
    Either,
    Field,
    Holds,
    Keyed,
    Listed,
    Result,
    Row,
    Rows,
    Self,
    Thing,
    Written,
    each,
    either,
    executed,
    merged,
)

SEEDS = {
    "objects", "query", "select", "execute", "executemany", "scalars", "scalar", "exec", "fetch", "fetchrow",
    "fetchval", "fetch_one", "fetch_all", "fetch_val", "get_object_or_404", "get_list_or_404", "queryset",
    "get_queryset", "filter_by", "where", "_default_manager", "_base_manager", "raw", "read_sql", "aget_object_or_404",
    "read_sql_query", "iterate", "executescript", "model", "exists", "get_base_queryset",
}  # fmt: skip
"""Words without which no query is written, besides the names of stored classes."""
_MODEL_NAMES = {"model", "_model", "model_class", "entity", "table", "model_cls", "model_type", "db_model"}  # fmt: skip
"""Attributes in which repositories keep the class that they serve."""
_VERBS = {"select", "update", "delete", "insert", "with a", "with r", "replac"}
_MAX_DEPTH = 14
_MAX_EXPRESSION = 120
_MAX_BOUND_CALLS = 20_000


@dataclass(eq=False)
class Frame:
    """The names of one function while it is read."""

    scope: Scope
    parent: Frame | None = None
    names: dict[str, Thing | None] = field(default_factory=dict)
    loop: Place | None = None
    returned: list[Thing] = field(default_factory=list)
    owner: Located | None = None
    depth: int = 0
    told: dict[str, Worth] = field(default_factory=dict)
    """What parameters are, where the call says so."""
    ended: bool = False
    loaded: set[tuple[str, Place | None]] = field(default_factory=set)
    """Relations of objects that were read here before: the object keeps what they gave."""

    def loads(self, expr: t.Attr, loop: Place | None) -> bool:
        """Whether a relation is read for the first time here, and thus asked for."""
        key = (t.dotted(expr), loop)
        if key[0] and key in self.loaded:
            return False
        self.loaded.add(key)
        return True

    def find(self, name: str) -> tuple[bool, Thing | None]:
        frame: Frame | None = self
        while frame is not None:
            if name in frame.names:
                return True, frame.names[name]
            frame = frame.parent
        return False, None


Reader = Callable[["Reading", t.Call, str, Thing | None, Frame], tuple[Thing | None, bool]]
"""(reading, call, its last name, what it is called on, frame) -> (what it gives, whether known)."""
Attribute = Callable[["Reading", t.Attr, Thing | None, Frame], Thing | None]

ClassReader = Callable[["Reading", Located, list[str]], None]
"""(reading, class, its ancestry): records what a class asks without a call of its own."""

_CLASSES: list[ClassReader] = []
_CALLS: list[Reader] = []
_ATTRIBUTES: list[Attribute] = []


def reads_calls(reader: Reader) -> Reader:
    """Register what calls of a mapper mean."""
    _CALLS.append(reader)
    return reader


def reads_attributes(reader: Attribute) -> Attribute:
    """Register what attributes of a mapper's objects mean."""
    _ATTRIBUTES.append(reader)
    return reader


def reads_classes(reader: ClassReader) -> ClassReader:
    """Register what classes of a framework ask by themselves."""
    _CLASSES.append(reader)
    return reader


class Reading:
    """All queries of the tree."""

    def __init__(self, application: Application) -> None:
        self.application = application
        (self.entities,) = application.facts(Entities)
        self.values: Evaluator = self.entities.values
        self.code: Code = self.entities.code
        self.selections = Selections(self.values)
        self.bounds = bounds_of(application)
        self.statements = {s.name: s for s in application.facts(NamedStatement)}
        self.drafts: list[Draft] = []
        self.dropped: set[int] = set()
        self.bound_functions: set[int] = set()
        self.decided: set[int] = set()
        """Functions, by `id`, of which a call says which of their conditions hold."""
        self.looped: dict[int, Place] = {}
        """Functions, by `id`, that are called in a loop over rows."""
        self.owners: dict[int, int] = {}
        """The function, by `id`, in which each query is put together."""
        self._inside: list[tuple[int, bool]] = []
        """The functions that are read, and whether for a call."""
        self._roots: dict[int, int] = {}
        """By the `id` of a query, the function that is read for no call in which it came up."""
        self.written: list[Written] = []
        """What serializers and response models write out."""
        self.frames: dict[int, Frame] = {}
        self.options: dict[str, list[t.Map]] = {}
        """Settings by name, as readers look them up."""
        self._mappers: set[str] | None = None
        self._returns: dict[int, Thing | None] = {}
        self._running: set[int] = set()
        self._left = _MAX_BOUND_CALLS
        self._read()

    # --- what is read

    def _read(self) -> None:
        words = SEEDS | set(self.entities.by_class) | self.statements.keys()
        relevant: dict[int, Scope] = {}
        for module in self.code.modules.values():
            if runs_once(module):
                continue
            for node, scope in self.code.nodes(module):
                kind = type(node)
                if kind is t.Attr:
                    word = node.name  # type: ignore[attr-defined]
                elif kind is t.Name:
                    word = node.id  # type: ignore[attr-defined]
                elif kind is t.Const:
                    text = node.value  # type: ignore[attr-defined]
                    if type(text) is str and len(text) > 12 and text.lstrip()[:6].lower() in _VERBS:
                        relevant.setdefault(id(scope), scope)
                    continue
                else:
                    continue
                if word in words:
                    relevant.setdefault(id(scope), scope)
        for scope in list(relevant.values()):
            self.scope(scope)
        giving = {
            scope.owner.name
            for scope in relevant.values()
            if isinstance(scope.owner, t.Function) and self._returns.get(id(scope.owner))
        } - {"get", "main", "__init__", "__call__", "post", "list", "run", "handle"}
        for site in self.code.method_calls(*sorted(giving)):
            if runs_once(site.scope.module):
                continue
            if id(site.scope) not in relevant and isinstance(site.scope.owner, t.Function):
                relevant[id(site.scope)] = site.scope
                self.scope(site.scope)

        if self.has("django"):
            for found in self.code.classes():
                assert isinstance(found.node, t.Class)
                if found.node.bases and not runs_once(found.scope.module):
                    ancestry = self.code.ancestry(found)
                    for reader in _CLASSES:
                        reader(self, found, ancestry)
        if self.decided:  # what their callers ask is known better
            for draft in self.drafts:
                if self._roots[id(draft)] in self.decided and draft.bound is Bound.UNKNOWN:
                    self.dropped.add(id(draft))

    def scope(self, scope: Scope) -> None:
        """Read a module's, class's or function's own statements."""
        if isinstance(scope.owner, t.Function):
            assert scope.parent is not None
            if isinstance(scope.parent.owner, t.Function):
                self.scope(scope.parent)  # nested functions are read where they stand
                return
            self.returns(Located(scope.owner, scope.parent))
        elif not isinstance(scope.owner, t.Lambda):
            self.frame(scope)

    def frame(self, scope: Scope) -> Frame:
        """The names of a module or class, after its statements."""
        known = self.frames.get(id(scope))
        if known is None:
            known = self.frames[id(scope)] = Frame(scope)
            body = scope.module.body if scope.owner is None else getattr(scope.owner, "body", [])
            if isinstance(scope.owner, t.Class) and scope.parent is not None:
                known.owner = Located(scope.owner, scope.parent)
            own = [s for s in body if not isinstance(s, t.Function | t.Class)]
            self.block(own, known)
        return known

    def returns(self, function: Located) -> Thing | None:
        """What a function of the tree gives, whoever calls it."""
        key = id(function.node)
        if key in self._returns or key in self._running or len(self._running) > _MAX_DEPTH:
            return self._returns.get(key)
        self._running.add(key)
        try:
            given = self.run(function, {}, 0)
            self._returns[key] = given
        finally:
            self._running.discard(key)
        return given

    def given(self, function: Located) -> Thing | None:
        """What a function gave when it was read; nothing of one that was not."""
        return self._returns.get(id(function.node))

    def run(
        self, function: Located, given: dict[str, Thing], depth: int, told: dict[str, Worth] | None = None
    ) -> Thing | None:  # fmt: skip
        """Read a function's body with its parameters bound."""
        node = function.node
        assert isinstance(node, t.Function)
        frame = Frame(self.code.inside(function), self._around(function), depth=depth, told=told or {})  # fmt: skip
        parent = function.scope
        if isinstance(parent.owner, t.Class) and parent.parent is not None and node.params:
            frame.owner = Located(parent.owner, parent.parent)
            if not any(t.dotted(d) == "staticmethod" for d in node.decorators):
                first = node.params[0].name
                frame.names[first] = self._self(frame.owner, node)
        for param in node.params:
            if param.name in given:
                frame.names[param.name] = given[param.name]
        self._inside.append((id(node), told is not None))
        self.block(node.body, frame)
        self._inside.pop()
        return either(frame.returned)

    def _around(self, function: Located) -> Frame | None:
        scope: Scope | None = function.scope
        while scope is not None and scope.owner is not None:
            scope = scope.parent
        return self.frames.get(id(scope)) if scope is not None else None

    def _self(self, owner: Located, node: t.Function) -> Thing:
        entity = self.entities.by_name.get(self.code.own_name(owner))
        on_class = any(t.dotted(d).endswith("classmethod") for d in node.decorators)
        if entity is not None:
            return Class(entity) if on_class else Row(entity)
        if on_class and _stored_attribute(node):  # of a mixin: whatever class takes it
            heirs = self.entities.heirs(self.code.own_name(owner))
            found = [self.entities.by_name.get(self.code.own_name(h)) for h in heirs]
            if things := [Class(e) for e in found if e is not None and e.mapper != "django"][:12]:
                return Either(tuple(things)) if len(things) > 1 else things[0]
        return Self(owner)

    def bind(
        self, function: Located, call: t.Call, frame: Frame, values: Sequence[Thing | None]
    ) -> Thing | None:
        """What a function gives for these arguments."""
        node = function.node
        assert isinstance(node, t.Function)
        if frame.depth >= 3 or self._left <= 0 or id(node) in self._running:
            return self.returns(function)
        told = given_by(node, call, frame.scope, frame.told)
        names = [p.name for p in node.params if p.kind in ("positional", "keyword")]
        if isinstance(function.scope.owner, t.Class) and names:
            if not any(t.dotted(d) == "staticmethod" for d in node.decorators):
                names = names[1:]
        given = {n: v for n, v in zip(names, values, strict=False) if v is not None}
        for keyword, value in zip(call.keywords, values[len(call.args) :], strict=False):
            if keyword.name and value is not None:
                given[keyword.name] = value
        self._left -= 1
        self.bound_functions.add(id(node))
        self._running.add(id(node))
        try:
            return self.run(function, given, frame.depth + 1, told)
        finally:
            self._running.discard(id(node))

    # --- statements

    def block(self, body: Iterable[t.Stmt], frame: Frame) -> None:
        for stmt in body:
            if frame.ended:
                break
            self.statement(stmt, frame)

    def statement(self, stmt: t.Stmt, frame: Frame) -> None:
        match stmt:
            case t.Assign(targets=targets, value=value, op=op):
                self._assign(targets, value, op, stmt.annotation, frame)
            case t.Do(value=value):
                self.thing(value, frame)
            case t.Return(value=value):
                if value is not None and (given := self.thing(value, frame)) is not None:
                    frame.returned.append(given)
            case t.If(test=test, body=body, orelse=orelse):
                self.thing(test, frame)
                if frame.told and (way := decides(test, frame.told)) is not None:
                    taken = body if way else orelse
                    self.block(taken, frame)
                    frame.ended = frame.ended or bool(taken and isinstance(taken[-1], t.Return | t.Raise))  # fmt: skip
                    return
                before = dict(frame.names)
                self.block(body, frame)
                then = frame.names
                frame.names = dict(before)
                self.block(orelse, frame)
                if _leaves(body):
                    pass
                elif _leaves(orelse):
                    frame.names = then
                else:
                    self._merge(then, frame)
                frame.ended = False
            case t.For(target=target, iter=iter_, body=body, orelse=orelse):
                self._loop(target, iter_, stmt, body, frame)
                self.block(orelse, frame)
            case t.While(test=test, body=body, orelse=orelse):
                self.thing(test, frame)
                self._maybe(body, frame)
                self.block(orelse, frame)
            case t.Try(body=body, handlers=handlers, orelse=orelse, final=final):
                self.block(body, frame)
                self.block(orelse, frame)
                frame.ended = False
                for handler in handlers:
                    self._maybe(handler.body, frame)
                self.block(final, frame)
            case t.With(contexts=contexts, targets=targets_, body=body):
                for context, target_ in zip(contexts, targets_, strict=True):
                    given = self.thing(context, frame)
                    if isinstance(target_, t.Name):
                        frame.names[target_.id] = given
                self.block(body, frame)
            case t.Match(subject=subject, cases=cases):
                self.thing(subject, frame)
                for case in cases:
                    self._maybe(case.body, frame)
            case t.Function():
                inner = Frame(
                    self.code.inside(Located(stmt, frame.scope)), frame, depth=frame.depth,
                    loop=frame.loop, owner=frame.owner,
                )  # fmt: skip
                for param in stmt.params:
                    inner.names[param.name] = None
                self.block(stmt.body, inner)
                if isinstance(frame.scope.owner, t.Function):
                    self._returns[id(stmt)] = either(inner.returned)
            case t.Class():
                if isinstance(frame.scope.owner, t.Function):
                    self.frame(self.code.inside(Located(stmt, frame.scope)))
            case t.Raise(exception=exception) if exception is not None:
                self.thing(exception, frame)
            case t.Assert(test=test):
                self.thing(test, frame)
            case t.Delete(targets=targets):
                for each_ in targets:
                    self.thing(each_, frame)

    def _maybe(self, body: list[t.Stmt], frame: Frame) -> None:
        before = dict(frame.names)
        self.block(body, frame)
        frame.ended = False
        then, frame.names = frame.names, before
        if not _leaves(body):
            self._merge(then, frame)

    def _merge(self, other: dict[str, Thing | None], frame: Frame) -> None:
        for name, thing in other.items():
            mine = frame.names.get(name)
            if mine is not thing:
                frame.names[name], dropped = merged(mine, thing)
                self.dropped.update(id(x) for x in dropped)

    def _loop(
        self, target: t.Expr, iter_: t.Expr, at: t.Node, body: list[t.Stmt], frame: Frame
    ) -> None:  # fmt: skip
        outer = frame.loop
        over = self.thing(iter_, frame)
        rows = self.rows(over, frame)
        if rows is not None:
            frame.loop = place_of(Located(at, frame.scope))
        self._target(target, rows, iter_, frame)
        self._maybe(body, frame)
        frame.loop = outer

    def _target(
        self, target: t.Expr, rows: Rows | None, iter_: t.Expr, frame: Frame
    ) -> None:  # fmt: skip
        row = Row(rows.entity, rows.draft, frame.loop) if rows is not None else None
        match target:
            case t.Name(id=name):
                frame.names[name] = row
            case t.Seq(items=items):
                for item in items:
                    if isinstance(item, t.Name):
                        frame.names[item.id] = None
                if items and isinstance(items[-1], t.Name) and row is not None:
                    if last_name(iter_) == "enumerate":
                        frame.names[items[-1].id] = row

    def rows(self, thing: Thing | None, frame: Frame) -> Rows | None:
        """The rows that going through something brings."""
        for one in each(thing):
            match one:
                case Draft() if one.entity is not None and not one.manager:
                    if one.bound is Bound.UNKNOWN:
                        one = self.record(executed(one, bound=one.limited or Bound.NONE))
                    assert one.entity is not None
                    return Rows(one.entity, one)
                case Result(draft=draft) if draft.entity is not None:
                    if draft.bound is Bound.UNKNOWN:
                        draft = self.record(executed(draft, bound=draft.limited or Bound.NONE))
                    assert draft.entity is not None
                    return Rows(draft.entity, draft)
                case Rows():
                    return one
                case Listed(items=items):
                    for item in items:
                        if isinstance(item, Row):
                            return Rows(item.entity, item.draft)
        return None

    def _assign(
        self, targets: list[t.Expr], value: t.Expr | None, op: str, annotation: t.Expr | None, frame: Frame
    ) -> None:  # fmt: skip
        given = self.thing(value, frame) if value is not None else None
        if value is None and annotation is None:
            return
        for target in targets:
            match target:
                case t.Name(id=name):
                    if op:
                        given = self._augmented(frame.find(name)[1], given, op)
                    frame.names[name] = given
                case t.Attr(value=t.Name(id=owner), name=name):
                    frame.names[f"{owner}.{name}"] = given
                case t.Item(value=t.Name(id=name), index=index):
                    held = frame.find(name)[1]
                    key = self.values.text(index, frame.scope)
                    frame.names[name] = either(
                        [
                            Keyed((*one.names, (key, False)) if key else one.names, one.open_ or not key)
                            if isinstance(one, Keyed)
                            else one
                            for one in each(held)
                        ]
                    )  # fmt: skip
                case t.Seq(items=items):
                    for item in items:
                        if isinstance(item, t.Name):
                            frame.names[item.id] = None
                    parts = value.items if isinstance(value, t.Seq) else []
                    for item, part in zip(items, parts, strict=False):
                        if isinstance(item, t.Name):
                            frame.names[item.id] = self.thing(part, frame)
                    first = items[0] if items else None
                    if (
                        not parts
                        and isinstance(first, t.Name)
                        and isinstance(given, Row | Draft | Rows)
                    ):
                        frame.names[first.id] = given  # obj, created = get_or_create(…)

    def _augmented(self, held: Thing | None, given: Thing | None, op: str) -> Thing | None:
        made: list[Thing] = []
        for one in each(held):
            match one, given:
                case Holds(condition=a), Holds(condition=b):
                    made.append(Holds(Some((a, b)) if op.startswith("|") else Every((a, b))))
                case Listed(items=a), Listed(items=b):
                    made.append(Listed((*a, *b)))
                case Listed(items=a), (Holds() | Draft()):
                    made.append(Listed((*a, given)))
                case _:
                    made.append(one)
        return either(made) if made else given

    # --- expressions

    def thing(self, expr: t.Expr, frame: Frame, depth: int = 0) -> Thing | None:
        """What an expression stands for; records the queries that it makes."""
        if depth > _MAX_EXPRESSION:
            return None
        depth += 1
        match expr:
            case t.Const() | t.Text():
                from auditor.stores.sql_text import statement

                if isinstance(expr, t.Text):
                    for part in expr.parts:
                        self.thing(part, frame, depth)
                return statement(self, expr, frame)
            case t.Name(id=name):
                held, thing = frame.find(name)
                return thing if held else self.named(expr, frame)
            case t.Attr(value=value, name=name):
                dotted = t.dotted(expr)
                if dotted:
                    held, thing = frame.find(dotted)
                    if held and thing is not None:
                        return thing
                return self.attribute(expr, self.thing(value, frame, depth), frame)
            case t.Call():
                return self.call(expr, frame, depth)
            case t.Await(value=value) | t.Star(value=value):
                return self.thing(value, frame, depth)
            case t.Yield(value=value):
                if value is not None and (given := self.thing(value, frame, depth)) is not None:
                    frame.returned.append(given)
                return None
            case t.Bind(target=target, value=value):
                thing = self.thing(value, frame, depth)
                if isinstance(target, t.Name):
                    frame.names[target.id] = thing
                return thing
            case t.Compare():
                return self.compared(expr, frame, depth)
            case t.BinOp(op=op, left=left, right=right):
                return self._operator(op, left, right, frame, depth)
            case t.BoolOp(values=values):
                given_ = [x for v in values if (x := self.thing(v, frame, depth)) is not None]
                return either(given_)
            case t.Unary(op=op, value=value):
                inner = self.thing(value, frame, depth)
                if op == "~" and isinstance(inner, Holds):
                    return Holds(Opposite(inner.condition))
                if op == "-" and isinstance(inner, Field):
                    return replace(inner, way=-inner.way)
                return inner if op == "-" else None
            case t.Seq(items=items):
                made: list[Thing | None] = []
                for item in items:
                    inner = self.thing(item, frame, depth)
                    if isinstance(item, t.Star) and isinstance(inner, Listed):
                        made += inner.items
                    else:
                        made.append(inner)
                return Listed(tuple(made))
            case t.Map(keys=keys, values=values):
                return self._map(keys, values, frame, depth)
            case t.Item(value=value, index=index):
                return self._item(value, index, frame, depth)
            case t.Choice(test=test, then=then, other=other):
                self.thing(test, frame, depth)
                both = [self.thing(then, frame, depth), self.thing(other, frame, depth)]
                return either([x for x in both if x is not None])
            case t.Comp():
                return self._comprehension(expr, frame, depth)
            case t.Lambda(body=body):
                inner_frame = Frame(frame.scope, frame, loop=frame.loop, depth=frame.depth)
                scope = frame.scope.module.scopes.get(id(expr))
                if scope is not None:
                    inner_frame.scope = scope
                for param in expr.params:
                    inner_frame.names[param.name] = None
                return self.thing(body, inner_frame, depth)
            case t.Slice(lower=lower, upper=upper):
                for bound in (lower, upper):
                    if bound is not None:
                        self.thing(bound, frame, depth)
        return None

    def named(self, expr: t.Expr, frame: Frame) -> Thing | None:
        """What a name stands for beyond this function: a stored class, or an instance by its type."""
        if (entity := self.entities.of(expr, frame.scope)) is not None:
            return Class(entity)
        word = last_name(expr)
        if word in ("session", "db", "self", "request", "str", "int"):
            return None
        name = self.code.name(expr, frame.scope)
        if name.endswith("()") and (entity := self.entities.instance(name)) is not None:
            return Row(entity)
        for reader in _ATTRIBUTES:
            if isinstance(expr, t.Name):
                made = reader(self, t.Attr(expr.line, expr.column, expr.end_line, expr, ""), None, frame)  # fmt: skip
                if made is not None:
                    return made
        return None

    def attribute(self, expr: t.Attr, base: Thing | None, frame: Frame) -> Thing | None:
        made: list[Thing] = []
        for one in each(base) or (None,):
            for reader in _ATTRIBUTES:
                if (found := reader(self, expr, one, frame)) is not None:
                    made.append(found)
                    break
            else:
                if isinstance(one, Self):
                    if (found := self.of_self(one, expr.name, frame)) is not None:
                        made.append(found)
                elif one is None and expr.name in _MODEL_NAMES and isinstance(expr.value, t.Name):
                    owner = self.code.name(expr.value, frame.scope)
                    kind = self.code.definition(owner.removesuffix("()")) if owner else None
                    if kind is not None and isinstance(kind.node, t.Class):  # user_service.model
                        made += each(self.of_self(Self(kind), expr.name, frame))
                elif one is None and expr.name[:1].isupper():
                    if (entity := self.entities.of(expr, frame.scope)) is not None:
                        made.append(Class(entity))
        return either(made)

    def of_self(self, one: Self, name: str, frame: Frame) -> Thing | None:
        """An attribute that the class gives: `model = User`, `queryset = User.objects.all()`."""
        found: list[Thing] = []
        for origin in self.values.attribute(one.found, name)[:4]:
            owner = origin.scope
            if isinstance(owner.owner, t.Class):
                known = self.frame(owner).names.get(name)
                if known is not None:
                    found.append(known)
                    continue
            if isinstance(origin.node, t.Name | t.Attr):
                if (entity := self.entities.of(origin.node, owner)) is not None:
                    found.append(Class(entity))
        if not found:
            for entity in self.served(one.found, name):
                found.append(Class(entity))
        return either(found)

    def served(self, owner: Located, name: str) -> list[Entity]:
        """The stored classes that `self.model` is in a class and in those that inherit from it."""
        if name not in _MODEL_NAMES:
            return []
        found: dict[str, Entity] = {}
        own = self.code.own_name(owner)
        for each_ in [owner, *self.entities.heirs(own)][:60]:
            entity = self.entities.by_name.get(self.selections.of_class(each_))
            if entity is not None:
                found[entity.name] = entity
        assert isinstance(owner.node, t.Class)
        for heir in [owner.node.name, *[h.node.name for h in self.entities.heirs(own)]][:60]:  # type: ignore[attr-defined]
            for site in self.code.method_calls(heir):
                for arg in (*site.node.args, *(k.value for k in site.node.keywords)):
                    if entity := self.entities.of(arg, site.scope):
                        found[entity.name] = entity
        return list(found.values())

    def call(self, expr: t.Call, frame: Frame, depth: int) -> Thing | None:
        func = expr.func
        last = last_name(func) if isinstance(func, t.Name | t.Attr) else ""
        base: Thing | None = None
        if isinstance(func, t.Attr):
            if func.name in ("append", "extend", "add", "update") and isinstance(
                func.value, t.Name
            ):
                if self._grown(expr, func, frame):
                    return None
            base = self.thing(func.value, frame, depth)
        elif isinstance(func, t.Name):
            held, thing = frame.find(func.id)
            base = thing if held else None
        else:
            base = self.thing(func, frame, depth)
        made: list[Thing] = []
        known = False
        for one in each(base) or (None,):
            for reader in _CALLS:
                found, told = reader(self, expr, last, one, frame)
                if told:
                    known = True
                    if found is not None:
                        made.append(found)
                    break
        if known:
            return either(made)
        return self._function(expr, func, frame, depth)

    def _function(
        self, expr: t.Call, func: t.Expr, frame: Frame, depth: int
    ) -> Thing | None:  # fmt: skip
        """A call of a function of the tree; of anything else, what it is given is still read."""
        given = [self.thing(a, frame, depth) for a in expr.args]
        given += [self.thing(k.value, frame, depth) for k in expr.keywords]
        found = self.code.defined(func, frame.scope) if isinstance(func, t.Name | t.Attr) else None
        if found is None or not isinstance(found.node, t.Function):
            for one in given:
                for draft in each(one):
                    if isinstance(draft, Draft) and len(given) == 1:
                        return draft if not draft.manager else None
            return None
        if frame.loop is not None:
            self.looped.setdefault(id(found.node), frame.loop)
        if any(isinstance(x, Draft | Holds | Either | Listed | Keyed | Class) for x in given):
            return self.bind(found, expr, frame, given)
        made = self.returns(found)
        decides_ = any(isinstance(x, Draft) for x in each(made)) and given_by(
            found.node, expr, frame.scope, frame.told
        )
        if not decides_:
            return self._placed(made, expr, frame)
        self.decided.add(id(found.node))
        placed = self._placed(self.bind(found, expr, frame, given), expr, frame)
        for one in each(placed):
            if isinstance(one, Draft):
                self.record(one)
        return placed

    def _placed(self, thing: Thing | None, call: t.Call, frame: Frame) -> Thing | None:
        """What a function gives, as it is used here: steps that follow belong to this place."""
        made: list[Thing] = []
        for one in each(thing):
            if isinstance(one, Draft) and one.bound is Bound.UNKNOWN:
                place = place_of(Located(call, frame.scope))
                one = replace(one, place=place, origin=one, loop=frame.loop)
            elif isinstance(one, Row) and one.loop is not None:
                one = replace(one, loop=None)
            made.append(one)
        return either(made)

    def _grown(self, expr: t.Call, func: t.Attr, frame: Frame) -> bool:
        """`conditions.append(User.id == 1)`, `given.update({…})`."""
        assert isinstance(func.value, t.Name)
        name = func.value.id
        held = frame.find(name)[1]
        if not any(isinstance(x, Listed | Keyed) for x in each(held)) or not expr.args:
            if not (func.name == "update" and any(isinstance(x, Keyed) for x in each(held))):
                return False
        given = self.thing(expr.args[0], frame) if expr.args else None
        if given is None and expr.args and isinstance(expr.args[0], t.Const):
            given = Holds()  # True: no condition
        made: list[Thing] = []
        for one in each(held):
            match one, given:
                case Listed(items=items), Listed(items=more) if func.name == "extend":
                    made.append(Listed((*items, *more)))
                case Listed(items=items), _ if func.name in ("append", "add"):
                    made.append(Listed((*items, given)))
                case Keyed(names=names), Keyed(names=more_names):
                    made.append(Keyed((*names, *more_names), one.open_))
                case Keyed(names=names), None:
                    keys = tuple((k.name, False) for k in expr.keywords if k.name)
                    made.append(Keyed((*names, *keys), one.open_ or bool(expr.args)))
                case _:
                    made.append(one)
        frame.names[name] = either(made)
        return True

    def compared(self, expr: t.Compare, frame: Frame, depth: int) -> Thing | None:
        sides = [self.thing(x, frame, depth) for x in (expr.left, *expr.rights)]
        if len(sides) != 2:
            return None
        from auditor.stores.expressions import comparison

        return comparison(self, expr, sides[0], sides[1], frame)

    def _operator(
        self, op: str, left: t.Expr, right: t.Expr, frame: Frame, depth: int
    ) -> Thing | None:  # fmt: skip
        from auditor.stores.expressions import operation

        one, two = self.thing(left, frame, depth), self.thing(right, frame, depth)
        made: list[Thing] = []
        for a in each(one):
            if (told := operation(a, op, right)) is not None:
                made.append(told)
                continue
            for b in each(two) or (None,):
                match a, b:
                    case Holds(condition=x), Holds(condition=y):
                        made.append(Holds(Some((x, y)) if op == "|" else Every((x, y))))
                    case Listed(items=x), Listed(items=y) if op == "+":
                        made.append(Listed((*x, *y)))
                    case Draft(), _:
                        made.append(a)
                    case Field(), _:
                        made.append(replace(a, expression=a.expression or "computed"))
                    case Rows(), _:
                        made.append(a)
        return either(made) or (two if isinstance(two, Holds | Field) and one is None else None)

    def _map(
        self, keys: list[t.Expr | None], values: list[t.Expr], frame: Frame, depth: int
    ) -> Thing:
        names: list[tuple[str, bool]] = []
        open_ = False
        for key, value in zip(keys, values, strict=True):
            inner = self.thing(value, frame, depth)
            if key is None:
                if isinstance(inner, Keyed):
                    names += inner.names
                    open_ = open_ or inner.open_
                else:
                    open_ = True
                continue
            text = self.values.text(key, frame.scope)
            if text is None:
                open_ = True
            else:
                names.append((text, isinstance(value, t.Const) and value.value is None))
        return Keyed(tuple(names), open_)

    def _item(self, value: t.Expr, index: t.Expr, frame: Frame, depth: int) -> Thing | None:
        base = self.thing(value, frame, depth)
        self.thing(index, frame, depth)
        made: list[Thing] = []
        for one in each(base):
            match one:
                case Draft() if isinstance(index, t.Slice):
                    made.append(self.record(self.sliced(one, index, frame)))
                case Draft() if one.entity is not None:
                    made.append(
                        Row(one.entity, self.record(executed(one, bound=Bound.ONE)), frame.loop)
                    )
                case Rows() if isinstance(index, t.Slice):
                    made.append(one)
                case Rows():
                    made.append(Row(one.entity, one.draft))
                case Row() | Result():
                    made.append(one)
        return either(made)

    def sliced(self, draft: Draft, index: t.Slice, frame: Frame) -> Draft:

        if index.upper is None:
            return executed(draft)
        bound = self.bounds.of(index.upper, frame.scope)
        return executed(draft, bound=bound, limited=bound)

    def _comprehension(self, expr: t.Comp, frame: Frame, depth: int) -> Thing | None:
        outer, names = frame.loop, dict(frame.names)
        first: Rows | None = None
        for loop in expr.loops:
            over = self.thing(loop.iter, frame, depth)
            rows = self.rows(over, frame)
            first = first or rows
            if rows is not None:
                frame.loop = place_of(Located(expr, frame.scope))
            self._target(loop.target, rows, loop.iter, frame)
            for condition in loop.conditions:
                self.thing(condition, frame, depth)
        given = [self.thing(element, frame, depth) for element in expr.elements]
        frame.loop, frame.names = outer, names
        if len(given) == 1 and isinstance(given[0], Row) and first is not None:
            return Rows(given[0].entity, given[0].draft)
        if len(given) == 1 and isinstance(given[0], Holds):
            return Listed((given[0],))
        return None

    def has(self, mapper: str) -> bool:
        """Whether the tree stores anything through this mapper."""
        if self._mappers is None:
            self._mappers = {e.mapper for e in self.entities if e.place.path}
        return mapper in self._mappers

    # --- recording

    def record(self, draft: Draft) -> Draft:
        self.drafts.append(draft)
        self.owners[id(draft)] = self._inside[-1][0] if self._inside else 0
        self._roots[id(draft)] = next((f for f, bound in reversed(self._inside) if not bound), 0)
        return draft

    def place(self, node: t.Node, frame: Frame) -> Place:
        return place_of(Located(node, frame.scope))

    def site(self, call: t.Call, frame: Frame) -> CallSite:
        return CallSite(call, frame.scope)


def _stored_attribute(function: t.Function) -> bool:
    return bool(function.params) and function.params[0].name == "cls"


def _leaves(body: list[t.Stmt]) -> bool:
    return bool(body) and (
        isinstance(body[-1], t.Return | t.Raise)
        or (isinstance(body[-1], t.Jump) and body[-1].kind in ("break", "continue"))
    )
