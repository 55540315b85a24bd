"""What expressions stand for while queries are put together."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator

from msgspec.structs import replace

from auditor.extract.python import tree as t
from auditor.link.application import Application
from auditor.link.decisions import decides
from auditor.link.decisions import given as given_by
from auditor.link.handing import THREADS, direct, unwrapped
from auditor.link.index import is_property
from auditor.link.scopes import Located, argument, arguments, place_of
from auditor.model.data import Bound
from auditor.stores.receivers import Receivers
from auditor.stores.sql.conditions import Draft, Every, Opposite, Some, Test, Untold, joined
from auditor.stores.sql.django.held import held
from auditor.stores.sql.entities import Column, Entity, last_name
from auditor.stores.sql.reading.frames import ATTRIBUTES, CALLS, Frame, Reading
from auditor.stores.sql.reading.serving import MODEL_NAMES, served
from auditor.stores.sql.reading.things import (
    Class,
    Either,
    Field,
    Function,
    Holds,
    Keyed,
    Listed,
    Result,
    Row,
    Rows,
    Self,
    Statement,
    Thing,
    columns,
    each,
    either,
    executed,
    is_stored,
    opened,
)
from auditor.stores.sql.reading.turns import Turn, turns_of
from auditor.stores.sql.sqlalchemy.relations import LOADS

_MAX_EXPRESSION = 120
_ASKING = {
    "all",
    "count",
    "exists",
    "first",
    "get",
    "last",
    "one",
    "one_or_none",
    "scalar",
    "delete",
}
"""Methods of queries, which none has as a value."""
_LAZY = {
    "all", "filter", "exclude", "order_by", "values", "values_list", "annotate", "alias", "select_related", "only",
    "prefetch_related", "defer", "distinct", "reverse", "using", "select_for_update", "union", "intersection",
    "difference", "select", "where", "join", "limit", "offset", "group_by", "filter_by",
}  # fmt: skip
"""Steps that ask nothing before the query is gone through; `all` of SQLAlchemy does, and gives rows."""
_OF_PACKAGE = re.compile(r"[\w.]+$")
"""Canonical names of what packages have: `telegram.Users`."""
_OF_TEXTS = re.compile(r"^[A-Z][A-Z0-9_]{2,}$|(?i:query|sql|stmt|statement)")
"""What constants with statements are called."""


_HOW_JOINED = {"_connector", "_negated", "join_type"}
"""What a `Q` is given by name that is no field."""


def _is_false(expr: t.Expr) -> bool:
    """A condition that Python itself asks, `Item.a == 1 and Item.b == 2`: SQLAlchemy's `==` is false there."""
    return isinstance(expr, t.Compare) and expr.ops == ["=="]


def _has_condition(expr: t.Expr) -> bool:
    """Whether it is a `Q` that names a field, which is true: of `Q(a=1) or Q(b=2)` the left one alone is taken.

    Source: https://github.com/django/django/blob/main/django/utils/tree.py, `Node.__bool__`.
    """
    match expr:
        case t.Call(func=func, keywords=keywords) if t.last_word(func) == "Q":
            return any(k.name and k.name not in _HOW_JOINED for k in keywords)
        case t.BinOp(op="|" | "&", left=left, right=right):
            return _has_condition(left) or _has_condition(right)
        case t.Unary(op="~", value=value):
            return _has_condition(value)
        case t.BoolOp(values=values):
            return all(map(_has_condition, values))
    return False


class Expressions(Reading):
    """Tells what an expression stands for, and records the queries that it makes."""

    def __init__(self, application: Application) -> None:
        super().__init__(application)
        self.receivers = Receivers(self)
        self._served: dict[tuple[int, str], list[Entity]] = {}
        self._given: dict[int, Thing | None] = {}
        """What the calls among the arguments of the call that is read stand for, by `id`."""
        self.direct: list[t.Call] = []
        """Calls that threads make."""

    def thing(self, expr: t.Expr, frame: Frame, depth: int = 0) -> Thing | None:
        """What an expression stands for; records the queries that it makes."""
        if depth > _MAX_EXPRESSION:
            return None
        depth += 1
        match expr:
            case t.Const() | t.Text():
                from auditor.stores.sql.statements.spelling import statement

                if isinstance(expr, t.Text):
                    for part in expr.parts:
                        self.thing(part, frame, depth)
                return statement(self, expr, frame)
            case t.Name(id=name):
                known, thing = frame.find(name)
                if known and thing is None:
                    return self.alike(expr, frame)
                return self._gone_through(expr, thing, frame) if known else self.named(expr, frame)
            case t.Attr(value=value, name=name):
                dotted = t.dotted(expr)
                if dotted:
                    known, thing = frame.find(dotted)
                    if known and thing is not None:
                        return thing
                return self.attribute(expr, self.thing(value, frame, depth), frame)
            case t.Call():
                if (table := self.entities.by_call.get(id(expr))) is not None:
                    return Class(table)  # items = Table("items", …)
                if id(expr) not in self._given:  # several readers may look at an argument
                    outer, self._given = self._given, {}
                    made_ = self._unless_unnamed(expr, self.call(expr, frame, depth))
                    self._given = outer
                    self._given[id(expr)] = made_
                return self._given[id(expr)]
            case t.Await(value=value):
                self.awaited.add(id(value))
                given = self.thing(value, frame, depth)
                if isinstance(value, t.Attr) and isinstance(given, Draft) and given.manager:
                    if given.mapper == "tortoise":  # `await user.posts`: all of them
                        given = self.record(executed(given))
                return self._awaited(given, frame)
            case t.Star(value=value):
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
                made_ = self._operator(op, left, right, frame, depth)
                if op in ("+", "%"):
                    from auditor.stores.sql.statements.spelling import statement

                    made_ = statement(self, expr, frame) or made_
                return made_
            case t.BoolOp(op=op, values=values):
                given_ = [x for v in values if (x := self.tested(v, frame, depth)) is not None]
                if len(given_) == len(values):
                    # Python's own `or` of two conditions keeps one: Peewee's are true, SQLAlchemy's `==` false
                    if self.has("peewee") and all(isinstance(x, Holds) for x in given_):
                        return given_[0] if op == "or" else given_[-1]
                    deciding = values[:1] if op == "and" else values[:-1]
                    if all(map(_is_false, deciding)) and not self.has("peewee"):
                        return given_[0] if op == "and" else given_[-1]
                    if all(map(_has_condition, values[:1] if op == "or" else values[:-1])):
                        return given_[0] if op == "or" else given_[-1]
                if op == "or" and len(given_) < len(values) and not isinstance(values[0], t.Const):
                    given_ = opened(given_)  # `wanted or {}`
                return either(given_)
            case t.Unary(op=op, value=value):
                inner = self.tested(value, frame, depth)
                if op == "~" and isinstance(inner, Field):
                    from auditor.stores.sql.expressions import negated

                    return negated(inner)
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
                return Listed(tuple(_with_others(items, made)))
            case t.Map(keys=keys, values=values):
                return self._map(keys, values, frame, depth)
            case t.Item(value=value, index=index):
                return self._unless_unnamed(expr, self._item(value, index, frame, depth))
            case t.Choice(test=test, then=then, other=other):
                self.tested(test, frame, depth)
                if frame.told and (way := decides(test, frame.told, frame.scope)) is not None:
                    taken, passed = (then, other) if way else (other, then)
                    if frame.called is None:  # so says every call: what never runs asks nothing
                        self.followed |= {id(n) for n in t.walk_own(passed) if isinstance(n, t.Call)}  # fmt: skip
                    return self.thing(taken, frame, depth)
                both = [self.thing(then, frame, depth), self.thing(other, frame, depth)]
                told = [x for x in both if x is not None]
                untold = [x for x, thing in zip((then, other), both, strict=True) if thing is None]
                if untold and not isinstance(untold[0], t.Const):
                    told = opened(told)  # `filters.model_dump() if filters else {}`
                return either(told)
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

    def _gone_through(self, expr: t.Name, thing: Thing | None, frame: Frame) -> Thing | None:
        """What a variable stands for: of a queryset of Django that was gone through, its rows."""
        if not isinstance(thing, Draft | Either) or not isinstance(frame.scope.owner, t.Function):
            return thing
        if id(expr) not in held(frame.scope.owner):
            return thing
        return either(
            [
                (isinstance(x, Draft) and x.mapper == "django" and self.rows(x, frame)) or x
                for x in each(thing)
            ]
        )

    def tested(self, expr: t.Expr, frame: Frame, depth: int = 0) -> Thing | None:
        """What is compared or asked whether it is true: `query.filter_by(…).count > 0` asks the database
        for nothing, a method that is named and not called."""
        thing = self.thing(expr, frame, depth)
        if isinstance(expr, t.Attr) and isinstance(expr.value, t.Call) and expr.name in _ASKING:
            unasked = each(self.thing(expr.value, frame, depth))
            self.dropped.update((id(x), x) for x in unasked if isinstance(x, Draft))
        return thing

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
        for reader in ATTRIBUTES:
            if isinstance(expr, t.Name):
                made = reader(self, t.Attr(expr.line, expr.column, expr.end_line, expr, ""), None, frame)  # fmt: skip
                if made is not None:
                    return made
        return self.kept_text(expr, frame)

    def kept_text(self, expr: t.Expr, frame: Frame) -> Thing | None:
        """A statement that another module or a class keeps: `queries.ALL_PLACES`, `Queries.places`, `SQL["places"]`."""
        from auditor.stores.sql.statements.spelling import kept

        known = _OF_TEXTS.search(last_name(expr)) or self._is_of_tree(expr, frame)
        return kept(self, expr, frame) if known else None

    def _is_of_tree(self, expr: t.Expr, frame: Frame) -> bool:
        """Whether what an expression begins with is imported from the tree, or defined in it."""
        while isinstance(expr, t.Attr | t.Item):
            expr = expr.value
        bound = self.code.find(expr.id, frame.scope) if isinstance(expr, t.Name) else None
        if bound is None or any(each_.kind not in ("import", "definition") for each_ in bound[1]):
            return bound is not None and bound[0].owner is None
        defined = self.code.defined(expr, frame.scope)  # an enumeration has the name of its base
        return defined is not None or ":" in self.code.name(expr, frame.scope)

    def attribute(self, expr: t.Attr, base: Thing | None, frame: Frame) -> Thing | None:
        made: list[Thing] = []
        for one in each(base) or (None,):
            for reader in ATTRIBUTES:
                if (found := reader(self, expr, one, frame)) is not None:
                    made.append(found)
                    break
            else:
                if isinstance(one, Row) and expr.name == "__class__":
                    made.append(Class(one.entity))
                elif isinstance(one, Statement) and expr.name == "value":
                    made.append(one)  # of an enumeration's member
                elif isinstance(one, Self):
                    if (found := self.of_self(one, expr.name, frame)) is not None:
                        made.append(found)
                elif one is None and expr.name in MODEL_NAMES:
                    owner = self.code.name(expr.value, frame.scope)
                    kind = self.code.definition(owner.removesuffix("()")) if owner else None
                    if kind is not None and isinstance(kind.node, t.Class):  # user_service.model
                        made += each(self.of_self(Self(kind), expr.name, frame))
                elif one is None and (expr.name[:1].isupper() or self._is_class(expr, frame)):
                    if (entity := self.entities.of(expr, frame.scope)) is not None:
                        made.append(Class(entity))
                if not made and isinstance(one, Self | None):
                    made += each(self._property(expr, base, frame))
                if not made and isinstance(one, Self | None):
                    made += each(self.alike(expr, frame) or self.kept_text(expr, frame))
        return either(made)

    def _property(self, expr: t.Attr, base: Thing | None, frame: Frame) -> Thing | None:
        """What a property gives, `self.query.count()`: each step that follows is asked where it is taken."""
        if expr.name not in self.code.properties:
            return None
        found = self.code.defined(expr, frame.scope)
        found, _ = self.receivers.method(expr, base, found, frame)
        if found is None or not is_property(found):
            return None
        return self._placed(self.returns(found), found, expr, frame)

    def _is_class(self, expr: t.Attr, frame: Frame) -> bool:
        """Whether an attribute of a module is a stored class whose name begins small, or a table: `models.users`."""
        if expr.name in self.entities.kept:
            return self.code.name(expr, frame.scope).endswith("Table()")
        known = expr.name in self.entities.by_class
        return known and self.code.name(expr, frame.scope) in self.entities.by_name

    def alike(self, expr: t.Name | t.Attr, frame: Frame) -> Thing | None:
        """The stored class that a name is spelt like, where the code looks the class up at run time:
        `Shift = current_app.config["Shift"]`, `self.Shift`, `client.db.Users`."""
        if self.code.defined(expr, frame.scope) is not None:
            return None
        if isinstance(expr, t.Attr) and self.code.lacks(expr, frame.scope):
            return None
        kept = isinstance(expr, t.Attr) and expr.name[:1].isupper()
        if kept and _OF_PACKAGE.match(self.code.name(expr, frame.scope)):
            return None
        return self._only(last_name(expr), kept)

    def _only(self, name: str, kept: bool = False) -> Thing | None:
        """The one stored class of a name; of any mapper where an object keeps it."""
        found = self.entities.by_class.get(name, [])
        alone = len(found) == 1 and (kept or found[0].mapper == "sqlalchemy")
        return Class(found[0]) if alone else None

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
            if isinstance(owner.owner, t.Function) and isinstance(origin.node, t.Call | t.Await):
                assert owner.parent is not None
                self.returns(Located(owner.owner, owner.parent))  # what it keeps is then known
                if (kept := self.kept.get((id(owner.owner), name))) is not None:
                    found.append(kept[1])
            if isinstance(origin.node, t.Name | t.Attr) and name not in MODEL_NAMES:
                if (entity := self.entities.of(origin.node, owner)) is not None:
                    found.append(Class(entity))
        if one.model is not None and name in MODEL_NAMES:
            return Class(one.model)
        if not found:
            for entity in self.served(one.found, name):
                found.append(Class(entity))
        return either(found)

    def served(self, owner: Located, name: str) -> list[Entity]:
        """The stored classes that `self.model` is in a class and in those that inherit from it."""
        key = (id(owner.node), name)
        if key not in self._served:
            self._served[key] = served(self, owner, name)
        return self._served[key]

    def call(self, expr: t.Call, frame: Frame, depth: int) -> Thing | None:
        if (made_of := direct(expr, THREADS) or unwrapped(expr)) is not None:
            self.direct.append(made_of)  # what is kept of a node is kept by its id
            given_back = self.thing(made_of, frame, depth)
            if id(made_of) in self.followed:
                self.followed.add(id(expr))
            return given_back
        func = expr.func
        last = self._imported(func, frame) or last_name(func)
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
            for reader in CALLS:
                found, told = reader(self, expr, last, one, frame)
                if told:
                    known = True
                    if found is not None:
                        made.append(found)
                    break
        if known:
            self.followed.add(id(expr))
            return either(made)
        if last in ("get", "pop") and expr.args and any(isinstance(x, Keyed) for x in each(base)):
            key = self.text(expr.args[0], frame)
            kept = [x.get(key) for x in each(base) if isinstance(x, Keyed) and key is not None]
            if not any(kept) and isinstance(default := argument(expr, 1), t.Name | t.Attr):
                kept = [x for x in each(self.thing(default, frame, depth)) if isinstance(x, Field)]
            if told_ := either([x for x in kept if x is not None]):
                return told_  # of columns to sort by, the one that is taken where none is asked for
        if isinstance(func, t.Name):
            if func.id == "dict" and not expr.args:
                return self._dict(expr.keywords, frame, depth)
            if func.id == "type" and len(expr.args) == 1:
                made_by = [x for x in each(self.thing(expr.args[0], frame)) if isinstance(x, Row)]
                return either([Class(x.entity) for x in made_by])
            if func.id in ("getattr", "hasattr") and len(expr.args) > 1:
                if (name := self.text(expr.args[1], frame)) is not None:
                    at = t.Attr(expr.line, expr.column, expr.end_line, expr.args[0], name)
                    found = self.thing(at, frame, depth)
                    return found if func.id == "getattr" else None
        return self._function(expr, func, base, frame, depth)

    def _imported(self, func: t.Expr, frame: Frame) -> str:
        """What a library calls that which is imported by another name: `from sqlalchemy import text as _text`."""
        bound = self.code.find(func.id, frame.scope) if isinstance(func, t.Name) else None
        if bound is None or any(each.kind != "import" for each in bound[1]):
            return ""
        name = self.code.name(func, frame.scope)
        return "" if ":" in name else name.rpartition(".")[2]

    def _dict(self, keywords: list[t.Keyword], frame: Frame, depth: int) -> Thing:
        keys: list[t.Expr | None] = []
        for each_ in keywords:
            at = each_.value
            keys.append(
                t.Const(at.line, at.column, at.end_line, each_.name) if each_.name else None
            )
        return self._map(keys, [k.value for k in keywords], frame, depth)

    def _function(
        self, expr: t.Call, func: t.Expr, base: Thing | None, frame: Frame, depth: int
    ) -> Thing | None:  # fmt: skip
        """A call of a function of the tree; of anything else, what it is given is still read."""
        given = [self.thing(a, frame, depth) for a in expr.args]
        given += [self.thing(k.value, frame, depth) for k in expr.keywords]
        found = self.code.defined(func, frame.scope) if isinstance(func, t.Name | t.Attr) else None
        found, receiver = self.receivers.method(func, base, found, frame)
        if found is not None and isinstance(found.node, t.Class):
            made_of = self.entities.by_name.get(self.code.own_name(found))
            if made_of is not None and made_of.mapper in ("django", "tortoise"):
                return Row(made_of)
        if found is None and isinstance(func, t.Name) and func.id in _GOING_THROUGH and given:
            if (rows := self.rows(given[0], frame)) is not None:
                if func.id in _ONE_OF:
                    return Row(rows.entity, rows.draft)
                return rows if func.id in _LISTS else None
        if found is None or not isinstance(found.node, t.Function):
            alone = [x for x in each(given[0]) if isinstance(x, Draft)] if len(given) == 1 else []
            if isinstance(func, t.Name) and frame.find(func.id)[0]:
                return either([self._chosen(x, expr, frame) for x in alone])
            return either([x for x in alone if not x.manager])
        self.lent.hand(found, expr, frame.scope, given)
        if receiver is not None:
            return self.bind(found, expr, frame, given, receiver)
        if frame.loop is not None:
            self.looped.setdefault(id(found.node), frame.loop)
        if any(isinstance(one, Draft) for x in given for one in each(x)):
            self.supplied.add(id(found.node))
        if (
            any(
                isinstance(x, Draft | Holds | Either | Listed | Keyed | Class | Field | Statement)
                for x in given
            )
            or (any(k.name for k in expr.keywords) and self.receivers.hands_on(found.node))
            or self._is_unspelt(found, expr)
            or any(isinstance(a, t.Call) and last_name(a) in LOADS for a in arguments(expr))
            or any(_reads_relation(found.node, x) for one in given for x in each(one))
        ):
            return self._begun(self.bind(found, expr, frame, given), found, expr, frame)
        made = self.returns(found)
        begun = any(isinstance(x, Draft | Statement) for x in each(made))
        decides_ = (begun or _is_loaded_by_ways(made)) and (
            id(found.node) in self.named_by_calls
            or given_by(found.node, expr, frame.scope, frame.told, self.code)
        )
        if not decides_:
            return self._placed(made, found, expr, frame)
        if begun:
            self.decided.add(id(found.node))
        placed = self._placed(self.bind(found, expr, frame, given), found, expr, frame)
        for one in each(placed):
            if isinstance(one, Draft):
                self.record(one)
        return placed

    def _chosen(self, draft: Draft, call: t.Call, frame: Frame) -> Draft:
        """What one of several functions makes of a query: `[narrow(found).count() for narrow in CHOICES.values()]`."""
        where = (*draft.where, Untold("which function narrows it is chosen at run time"))
        place = place_of(Located(call, frame.scope))
        return self.record(executed(draft, where=where, place=place))

    def _is_unspelt(self, function: Located, call: t.Call) -> bool:
        """Whether a function puts texts that it is handed into a statement."""
        from auditor.stores.sql.statements.spelling import MARK

        if not any(isinstance(x, t.Const) and isinstance(x.value, str) for x in arguments(call)):
            return False
        made = each(self.returns(function))
        given = [
            x for one in made if isinstance(one, Listed) for item in one.items for x in each(item)
        ]
        # a text that it gives back is run where it is called
        open_ = any(isinstance(x, Statement) and MARK in x.text for x in (*made, *given))
        return open_ or id(function.node) in self.unspelt

    def _begun(
        self, thing: Thing | None, function: Located, call: t.Call, frame: Frame
    ) -> Thing | None:  # fmt: skip
        """A query that a function began: `query(User)` is asked where that is called."""
        made: list[Thing] = []
        for one in each(thing):
            if (
                isinstance(one, Draft)
                and one.bound is Bound.UNKNOWN
                and one.place.path == function.path
            ):
                if function.node.line <= one.place.line <= function.node.end_line:
                    place = place_of(Located(call, frame.scope))
                    one = self.record(replace(one, place=place, origin=one, loop=frame.loop))
            elif isinstance(one, Listed):
                one = self._each_placed(one, None, call, frame)
            made.append(one)
        return either(made)

    def _each_placed(
        self, given: Listed, function: Located | None, call: t.Call | t.Attr, frame: Frame
    ) -> Listed:
        """What a function gives back together, as it is used here: `return page, found`."""
        return Listed(tuple(self._placed(x, function, call, frame) for x in given.items))

    def _placed(
        self, thing: Thing | None, function: Located | None, call: t.Call | t.Attr, frame: Frame
    ) -> Thing | None:  # fmt: skip
        """What a function gives, as it is used here: steps that follow belong to this place; no function where it was
        read for this call alone."""
        made: list[Thing] = []
        for one in each(thing):
            if isinstance(one, Draft) and one.bound is Bound.UNKNOWN:
                place = place_of(Located(call, frame.scope))
                begun, one = one, replace(one, place=place, origin=one, loop=frame.loop)
                self.given_back.append((function, begun, call, one))
            elif isinstance(one, Row) and one.loop is not None:
                one = replace(one, loop=None)
            elif isinstance(one, Listed):
                one = self._each_placed(one, function, call, frame)
            made.append(one)
        return either(made)

    def _grown(self, expr: t.Call, func: t.Attr, frame: Frame) -> bool:
        """`conditions.append(User.id == 1)`, `given.update({…})`."""
        assert isinstance(func.value, t.Name)
        name = func.value.id
        held = frame.find(name)[1]
        if not any(isinstance(x, Listed | Keyed | Holds) for x in each(held)) or not expr.args:
            if not (func.name == "update" and any(isinstance(x, Keyed) for x in each(held))):
                return False
        given = self.thing(expr.args[0], frame) if expr.args else None
        if given is None and expr.args and isinstance(expr.args[0], t.Const):
            given = Holds()  # True: no condition
        made: list[Thing] = []
        for one in each(held):
            match one, given:
                case Listed(items=items), _ if func.name == "extend":
                    for more in each(given) or (None,):
                        added = more.items if isinstance(more, Listed) else (more,)
                        made.append(Listed((*items, *added)))
                case Listed(items=items), _ if func.name in ("append", "add"):
                    made.append(Listed((*items, given)))
                case Holds(condition=whole), Holds(condition=part) if len(expr.args) == 2:
                    how = self.text(expr.args[1], frame) or t.last_word(expr.args[1])
                    made.append(Holds(joined(whole, part, any_=how == "OR")))  # Q.add(…, Q.OR)
                case Keyed(), Keyed():
                    made.append(one.also(given))
                case Keyed(), None:
                    for keyword in expr.keywords:
                        if keyword.name:
                            one = one.with_(keyword.name, self.thing(keyword.value, frame))
                    made.append(replace(one, open_=one.open_ or bool(expr.args)))
                case _:
                    made.append(one)
        frame.names[name] = either(made)
        return True

    def compared(self, expr: t.Compare, frame: Frame, depth: int) -> Thing | None:
        if len(expr.rights) == 1 and isinstance(choice := expr.rights[0], t.Choice):
            # `Item.shop == (shop if shop else Item.shop)`: a comparison in some runs, none in the others
            self.tested(choice.test, frame, depth)
            ways = (replace(expr, rights=[way]) for way in (choice.then, choice.other))
            return either(
                [x for way in ways if (x := self.compared(way, frame, depth)) is not None]
            )
        sides = [self.tested(x, frame, depth) for x in (expr.left, *expr.rights)]
        if len(sides) != 2:
            return None
        if expr.ops[0] in ("in", "not in") and self.has("sqlalchemy"):
            self.rows(sides[1], frame)  # each is compared
        from auditor.stores.sql.expressions import comparison

        return comparison(self, expr, sides[0], sides[1], frame)

    def _operator(
        self, op: str, left: t.Expr, right: t.Expr, frame: Frame, depth: int
    ) -> Thing | None:  # fmt: skip
        from auditor.stores.sql.expressions import operation

        one, two = self.thing(left, frame, depth), self.thing(right, frame, depth)
        if op in ("&", "|"):
            one, two = _held(one, two), _held(two, one)
        made: list[Thing] = []
        for a in each(one):
            if (told := operation(a, op, right)) is not None:
                made.append(told)
                continue
            for b in each(two) or (None,):
                match a, b:
                    case Holds(condition=x), Holds(condition=y):
                        made.append(Holds(joined(x, y, any_=op == "|")))
                    case Draft(), Draft() if op in ("&", "|") and a.mapper in (
                        "django",
                        "tortoise",
                    ):
                        made.append(self._together(a, b, any_=op == "|"))
                    case Listed(items=x), Listed(items=y) if op == "+":
                        made.append(Listed((*x, *y)))
                    case Draft(mapper="peewee"), Draft():
                        made.append(self.record(executed(a, compound=True)))
                    case Draft(), _:
                        made.append(a)
                    case Field() | Function(name="computed"), _ if op in "+-*/%" and (
                        isinstance(a, Function) or isinstance(b, Field | Function | Draft)
                    ):  # of several columns: no index has it
                        made.append(Function("computed", (*columns(a), *columns(b))))
                    case Field(), _:
                        made.append(replace(a, expression=a.expression or "computed"))
                    case Rows(), _:
                        made.append(a)
        # what holds besides narrows; what holds instead may be anything
        known = one is None and op != "|" and isinstance(two, Holds | Field)
        return either(made) or (two if known else None)

    def _together(self, one: Draft, two: Draft, *, any_: bool) -> Draft:
        """`Item.objects.filter(a=1) | Item.objects.filter(b=2)`: one query, whatever both ask."""
        self.dropped[id(two)] = two
        where = (Some((Every(one.where), Every(two.where))),) if any_ else (*one.where, *two.where)
        return self.record(executed(one, where=where))

    def _map(
        self, keys: list[t.Expr | None], values: list[t.Expr], frame: Frame, depth: int
    ) -> Thing:
        names, kept = list[tuple[str, bool]](), list[tuple[str, Thing]]()
        open_ = False
        for key, value in zip(keys, values, strict=True):
            inner = self.thing(value, frame, depth)
            text = self.text(key, frame) if key is not None else None
            if text is not None:
                names.append((text, isinstance(value, t.Const) and value.value is None))
                if inner is not None and is_stored(inner):
                    kept.append((text, inner))
            elif key is None and isinstance(inner, Keyed):
                names += inner.names
                kept += inner.kept
                open_ = open_ or inner.open_
            else:
                open_ = True
        return Keyed(tuple(names), open_, tuple(kept))

    def _item(self, value: t.Expr, index: t.Expr, frame: Frame, depth: int) -> Thing | None:
        base = self.thing(value, frame, depth)
        self.thing(index, frame, depth)
        made: list[Thing] = []
        for one in each(base):
            match one:
                case Draft() if isinstance(index, t.Slice):
                    made.append(self.record(self.sliced(one, index, frame)))
                case Draft(mapper="tortoise", manager=True) if one.entity is not None:
                    made.append(Row(one.entity))  # of what was loaded: an index asks nothing
                case Draft() if one.entity is not None:
                    made.append(
                        Row(one.entity, self.record(executed(one, bound=Bound.ONE)), frame.loop)
                    )
                case Class(entity=Entity(mapper="peewee", key=Column(name=by)) as entity) if (
                    not isinstance(index, t.Slice)
                ):  # `Team[7]`: https://docs.peewee-orm.com/en/latest/peewee/api.html#Model.get_by_id
                    by_key, place = Test(entity.table, by), self.place(value, frame)
                    asked = Draft("peewee", entity, place, "get", (by_key,), bound=Bound.ONE, loop=frame.loop)  # fmt: skip
                    made.append(Row(entity, self.record(asked)))
                case Rows() if isinstance(index, t.Slice):
                    made.append(one)
                case Rows():
                    made.append(Row(one.entity, one.draft))
                case Row() | Result():
                    made.append(one)
                case Keyed() if (key := self.text(index, frame)) is not None:
                    made += each(one.get(key))
                case Keyed():  # MODELS[kind]
                    made += (
                        x for _, thing in one.kept for x in each(thing) if isinstance(x, Class)
                    )
        if not made and isinstance(index, t.Const) and isinstance(index.value, str):
            made += each(self._only(index.value))  # models["Event"]
        if not made and base is None:
            at = t.Item(value.line, value.column, value.end_line, value, index)
            made += each(self.kept_text(at, frame))
        return either(made)

    def sliced(self, draft: Draft, index: t.Slice, frame: Frame) -> Draft:

        if index.upper is None or draft.mapper == "peewee":
            return executed(draft)  # Peewee reads all, and takes a part of it
        bound = self.bounds.of(index.upper, frame.scope)
        return executed(draft, bound=bound, limited=bound)

    @contextlib.contextmanager
    def turning(self, turn: Turn, frame: Frame) -> Iterator[None]:
        """Read what stands in a loop over a dict for one of its keys, whose calls are other ones then."""
        given, self._given = self._given, {}
        with turn.within(frame):
            yield
        self._given = given

    def _each_of_keys(self, expr: t.Comp, frame: Frame, depth: int) -> Thing | None:
        """`[getattr(Lead, name) == value for name, value in filters.items()]`: a condition for each key."""
        match expr.loops, expr.elements:
            case [loop], [element]:
                turns = turns_of(loop.iter, loop.target, expr.elements, frame)
            case _:
                return None
        made: list[Thing | None] = []
        for turn in turns or ():
            with self.turning(turn, frame):
                if all(decides(test, frame.told, frame.scope) is not False for test in loop.conditions):  # fmt: skip
                    made.append(self.thing(element, frame, depth))
        return Listed(tuple(made)) if turns is not None else None

    def _comprehension(self, expr: t.Comp, frame: Frame, depth: int) -> Thing | None:
        outer, names = frame.loop, dict(frame.names)
        of_keys = self._each_of_keys(expr, frame, depth)
        frame.names = dict(names)
        if of_keys is not None:
            return of_keys
        for loop in expr.loops:
            over = self.thing(loop.iter, frame, depth)
            rows = self.rows(over, frame)
            if rows is not None:
                frame.loop = place_of(Located(expr, frame.scope))
            self._target(loop.target, over, rows, loop.iter, frame)
            for condition in loop.conditions:
                self.thing(condition, frame, depth)
        given = [self.thing(element, frame, depth) for element in expr.elements]
        frame.loop, frame.names = outer, names
        if len(given) == 1 and isinstance(given[0], Row):
            return Rows(given[0].entity, given[0].draft)
        if len(given) == 1 and isinstance(given[0], Holds | Statement):
            return Listed((given[0],))
        return None

    def _target(
        self, target: t.Expr, over: Thing | None, rows: Rows | None, iter_: t.Expr, frame: Frame
    ) -> None:  # fmt: skip
        row = Row(rows.entity, rows.draft, frame.loop) if rows is not None else None
        match target:
            case t.Name(id=name):
                frame.names[name] = row or _in_turn(over)
            case t.Seq(items=items):
                for at, item in enumerate(items):
                    if isinstance(item, t.Name):
                        frame.names[item.id] = _in_turn(_column(over, at))
                if items and isinstance(items[-1], t.Name) and row is not None:
                    if last_name(iter_) == "enumerate":
                        frame.names[items[-1].id] = row

    def _is_step(self, value: t.Expr | None) -> bool:
        """Whether an expression ends with a step of a query that asks nothing by itself."""
        match value:
            case t.Call(func=t.Attr(name=step)):
                return step in _LAZY and id(value) in self.followed
        return False

    def _drop(self, given: Thing | None) -> None:
        self.dropped.update((id(x), x) for x in each(given) if isinstance(x, Draft))

    def _unless_unnamed(self, expr: t.Call | t.Item, given: Thing | None) -> Thing | None:
        """What an expression gives; a query that a template would have to name to ask it is not sent."""
        if id(expr) in self.unnamed:
            if isinstance(expr, t.Call) and self._is_step(expr):
                self._drop(given)
            elif isinstance(expr, t.Item) and isinstance(expr.index, t.Slice) and expr.index.upper:
                if all(isinstance(x, Draft) and x.mapper == "django" for x in each(given)):
                    self._drop(given)
        return given

    def _awaited(self, thing: Thing | None, frame: Frame) -> Thing | None:
        """What awaiting gives: a query of Tortoise is asked then, and gives its rows.

        Source: https://tortoise.github.io/query.html
        """
        if not self.has("tortoise"):
            return thing
        asked = (self.rows(x, frame) or x if _waits(x) else x for x in each(thing))
        return either(list(asked))

    def rows(self, thing: Thing | None, frame: Frame) -> Rows | None:
        """The rows that going through something brings: those of the first way in which it was put together."""
        found = [rows for one in each(thing) if (rows := self._rows(one)) is not None]
        return found[0] if found else None

    def _rows(self, one: Thing) -> Rows | None:
        match one:
            case (Draft() as draft) | Result(draft=draft) if draft.entity is not None and not (
                one is draft and draft.manager
            ):
                if draft.bound is Bound.UNKNOWN:
                    draft = self.record(executed(draft, bound=draft.limited or Bound.NONE))
                assert draft.entity is not None
                return Rows(draft.entity, draft)
            case Rows():
                return one
            case Listed(items=items):
                rows = (item for item in items if isinstance(item, Row))
                return next((Rows(row.entity, row.draft) for row in rows), None)
        return None


def _is_loaded_by_ways(thing: Thing | None) -> bool:
    """Whether objects come with other relations loaded on some ways of the function that gives them."""
    drafts = [x.draft for x in each(thing) if isinstance(x, Row | Rows) and x.draft is not None]
    of_sqlalchemy = all(draft.mapper == "sqlalchemy" for draft in drafts)
    return of_sqlalchemy and len({(draft.eager, draft.left) for draft in drafts}) > 1


_MOST_TURNS = 50


def _with_others(
    items: list[t.Expr], made: list[Thing | None], beside: bool = False
) -> list[Thing | None]:
    """What a list holds, where queries stand among statements that search nothing: `["ALTER TABLE …", "UPDATE …"]`,
    `[("DROP …", ()), ("UPDATE …", (1,))]`."""
    from auditor.stores.sql.untold import OTHER

    held = [x for one in made for x in (one.items if isinstance(one, Listed) else (one,))]
    if len(items) != len(made) or not (beside or any(isinstance(x, Statement) for x in held)):
        return made
    found: list[Thing | None] = []
    for item, thing in zip(items, made, strict=True):
        match item, thing:
            case t.Const(value=str(text)), None if OTHER.match(text):
                found.append(Statement(text, item))
            case t.Seq(items=inner), Listed(items=row):
                found.append(Listed(tuple(_with_others(inner, list(row), True))))
            case _:
                found.append(thing)
    return found


def _in_turn(over: Thing | None) -> Thing | None:
    """The statements, classes or columns of a list that has nothing else, `for sql in [CLEAR, FILL]`, and what a text of
    several is split into; of statements beside others that are told nowhere these too, as one by a mark."""
    from auditor.stores.sql.statements.spelling import MARK
    from auditor.stores.sql.untold import OTHER

    items = [x for one in each(over) for x in (one.items if isinstance(one, Listed) else (one,))]
    items = [x for x in items if not (isinstance(x, Statement) and OTHER.match(x.text))] or items
    if len(items) > _MOST_TURNS:
        return None
    told = [x for item in items for x in each(item)]
    if any(item is None for item in items) and told and all(isinstance(x, Statement) for x in told):
        return either([*told, Statement(MARK, told[0].node)])  # type: ignore[union-attr]
    every = all(isinstance(x, Statement | Class | Field) for item in items for x in each(item) or (None,))  # fmt: skip
    return either(told) if every else None


def _column(over: Thing | None, at: int) -> Thing | None:
    """What stands at one place of each entry: `for sql, given in [(CLEAR, ()), (FILL, (name,))]`."""
    rows = over.items if isinstance(over, Listed) else ()
    return Listed(tuple(x.items[at] if isinstance(x, Listed) and at < len(x.items) else None for x in rows))  # fmt: skip


def _held(one: Thing | None, other: Thing | None) -> Thing | None:
    """`(User.name == name) & User.active`: a column beside a condition is one itself."""
    if isinstance(one, Field) and isinstance(other, Holds | Field):
        from auditor.stores.sql.expressions import condition

        return Holds(condition(one))
    return one


_LISTS = {"list", "tuple", "set", "frozenset", "sorted", "reversed", "enumerate", "dict"}
_ONE_OF = {"next", "max", "min"}
_GOING_THROUGH = _LISTS | _ONE_OF | {"len", "sum", "any", "all", "bool"}
"""Built-in functions that ask the query that they are given."""


def _reads_relation(function: t.Function, given: Thing) -> bool:
    """Whether a function reads a relation of an object that it is handed, whose class no type tells: `ship.crew`."""
    if not isinstance(given, Row) or given.entity.mapper != "sqlalchemy":
        return False
    untyped = {p.name for p in function.params if p.annotation is None}
    return any(
        isinstance(n, t.Attr)
        and n.name in given.entity.relations
        and isinstance(n.value, t.Name)
        and n.value.id in untyped
        for n in t.walk_own(*function.body)
    )


def _waits(thing: Thing) -> bool:
    """Whether a query of Tortoise was put together and not asked yet."""
    return (
        isinstance(thing, Draft)
        and thing.mapper == "tortoise"
        and thing.operation == "select"
        and thing.bound is Bound.UNKNOWN
        and not thing.manager
    )
