"""What makes a record only where a search found none, or fewer than a few: its table or collection stays small.

`row = Settings.query.first()` and then `if row is None: session.add(Settings())`, `if Slot.objects.count() >= 8: return error`.
All there is has to be looked for: what is narrowed by whose it is (`Note.objects.filter(user=user).count()`) bounds no table.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence, Set

from auditor.extract.python import tree as t
from auditor.link.application import Application
from auditor.link.raising import EXITS
from auditor.link.scopes import CallSite
from auditor.model.data import Query
from auditor.stores.flags import spelt
from auditor.stores.literals import Literals
from auditor.stores.makings import FINDS_OR_MAKES

MOST = 100
NAME = re.compile(r"(?:^|_)(?:name|key|code|slug)$", re.I)
"""A field that tells records apart, and that nothing moves on as it does a state."""
_TELLS = {
    "first", "afirst", "last", "get", "aget", "one_or_none", "scalar_one_or_none", "get_or_none", "first_or_none", "scalar", "find_one", "all",
    "to_list", "count", "acount", "exists", "aexists", "scalar_one", "count_documents", "estimated_document_count",
}  # fmt: skip
"""What gives nothing, or 0, only where nothing is there."""
_STEPS = {
    "query", "select", "all", "scalars", "unique", "execute", "exec", "order_by", "limit", "filter", "filter_by", "where", "options", "select_from",
    "with_for_update", "select_for_update", "select_related", "prefetch_related", "only", "values", "values_list", "using", "find", "sort",
}  # fmt: skip
"""What a search is put together of before that; whether it narrows, the search itself says."""
_NARROWS = {"filter", "filter_by", "where", "get", "aget", "get_or_none", "exclude"}
_REQUIRES = {"get", "aget", "one", "scalar_one"}
_LACKS = {"DoesNotExist", "NoResultFound", "ObjectDoesNotExist"}
_SEVERAL = {"bulk_create", "abulk_create", "insert_many", "insert_from", "replace_many", "bulk_write", "bulk_save_objects"}  # fmt: skip
_SWAPPED = {">": "<", "<": ">", ">=": "<=", "<=": ">="}


class Few:
    """Tells how many records there are at most where a call has made one."""

    def __init__(self, application: Application, literals: Literals | None = None) -> None:
        """With `literals` a search by constants of the code counts too: what is then made is one for each of them."""
        self.values, self.code, self.literals = application.values, application.code, literals
        self._asked: dict[str, list[Query]] = defaultdict(list)
        for query in application.facts(Query):
            if query.reads:
                self._asked[query.place.path].append(query)

    def most(self, sites: Iterable[CallSite], collection: str) -> int:
        """How many records several calls make at most; 0 where nothing around one of them says so."""
        sites, bounds = list(sites), []
        together: dict[int, int] = defaultdict(int)
        for site in sites:
            bounds.append(self._bound(site, collection))
            together[id(site.scope.owner)] += 1
        most = max(bounds, default=0) + max(together.values(), default=0) - 1
        return most if bounds and all(bounds) and most <= MOST else 0

    def _bound(self, site: CallSite, collection: str) -> int:
        name, keywords = t.last_word(site.node.func), site.node.keywords
        if name in FINDS_OR_MAKES and not site.node.args and all(k.name == "defaults" for k in keywords):  # fmt: skip
            return 1
        if any(k.name in ("pk", "id") and isinstance(k.value, t.Const) for k in keywords) and name in FINDS_OR_MAKES:  # fmt: skip
            return 1
        match site.scope.owner:
            case t.Function(body=body):
                pass
            case None:
                body = site.scope.module.body
            case _:
                return 0
        return _Way(self, site, collection).through(body) if name not in _SEVERAL else 0

    def by_name(self, site: CallSite, collection: str) -> bool:
        """Whether a record is made with a name that stands in the code, and only where none of that name is there."""
        literals, keywords = self.literals, site.node.keywords
        given = {k.name: k.value for k in keywords if k.name and "defaults" not in k.name}
        if literals is None or not given or any(k.name is None for k in keywords):
            return False
        names = {
            name: _spelling(value)
            for name, value in given.items()
            if NAME.search(name) and literals.settled(value, site.scope)
        }
        if t.last_word(site.node.func) in FINDS_OR_MAKES:
            told = all(literals.settled(value, site.scope) for value in given.values())
            return bool(names) and told and not site.node.args
        around = site.scope.owner
        body = around.body if isinstance(around, t.Function) else []
        sought = [dict(found) for node in t.walk_own(*body) if (found := [*_sought(node)])]
        alike = any(names.get(name) == spelling for each in sought for name, spelling in each.items() if spelling)  # fmt: skip
        return alike and self.most([site], collection) == 1

    def asks_all(self, site: CallSite, node: t.Node, collection: str) -> bool:
        """Whether an expression asks for all there is of a collection, and nothing else; or for what the code names."""
        asked = [q for q in self._asked[site.path] if node.line <= q.place.line <= node.end_line]
        narrowed = any(map(narrows, asked)) and not self.names(node, site)
        return any(q.collection == collection for q in asked) and not narrowed

    def names(self, node: t.Node, site: CallSite) -> bool:
        """Whether what a search is narrowed by are constants of the code."""
        if self.literals is None:
            return False
        calls = (n for n in t.walk_own(node) if isinstance(n, t.Call))
        steps = [n for n in calls if t.last_word(n.func) in _NARROWS]
        given = [x for n in steps for x in (*n.args, *(k.value for k in n.keywords))]
        return bool(given) and all(self.literals.settled(x, site.scope) for x in given)


def narrows(query: Query) -> bool:
    told = (*query.fields, *query.scanned, *dict(query.others), *query.most)
    return bool(told or query.special or query.unresolved)


def _sought(node: t.Node) -> Iterator[tuple[str, str]]:
    """What a step of a search compares, with how it is spelt: `filter(name="x")`, `where(Setting.name == "x")`."""
    if not isinstance(node, t.Call) or t.last_word(node.func) not in _NARROWS:
        return
    yield from ((k.name, _spelling(k.value)) for k in node.keywords if k.name)
    for part in t.walk_own(*node.args):
        match part:
            case t.Compare(left=t.Attr(name=name), ops=["=="], rights=[value]):
                yield name, _spelling(value)


def _spelling(value: t.Expr) -> str:
    return repr(value.value) if isinstance(value, t.Const) else t.dotted(value)


class _Way:
    """The way through a function to a call that makes a record."""

    def __init__(self, few: Few, site: CallSite, collection: str, follows: bool = True) -> None:
        self.few, self.site, self.collection, self.follows = few, site, collection, follows
        self.known: dict[str, t.Expr] = {}
        """What variables hold on this way."""

    def through(self, body: Sequence[t.Stmt], most: int = 0) -> int:
        """How many records the tests on the way leave: the least of their bounds, 0 where none bounds them."""
        for stmt in body:
            if t.holds([stmt], self.site.node):
                return self._into(stmt, most)
            if isinstance(stmt, t.If) and self._leaves(stmt.body) and not stmt.orelse:
                most = _least(most, self._left(stmt.test, False))
            else:
                self._pass(stmt)
        return 0

    def _leaves(self, body: Sequence[t.Stmt]) -> bool:
        """Whether nothing gets past statements: also none past `abort(400)`."""
        match body[-1]:
            case t.Do(value=t.Call(func=func)):
                return self.few.code.name(func, self.site.scope) in EXITS
        return t.leaves(body, turn=True)

    def _into(self, stmt: t.Stmt, most: int) -> int:
        match stmt:
            case t.If(test=test, body=body, orelse=other) if not t.holds([test], self.site.node):
                inside = t.holds(body, self.site.node)
                most = _least(most, self._left(test, inside))
                return self.through(body if inside else other, most)
            case t.For(body=body) | t.While(body=body):  # each turn makes another one
                self.known.clear()  # it may hold what was found before the turn before
                return self.through(body) if t.holds(body, self.site.node) else 0
            case t.Try(body=body, handlers=handlers):
                for handler in handlers:
                    if t.holds(handler.body, self.site.node):
                        most = _least(most, self._lacked(body, handler))
                        return self.through(handler.body, most)
        for block in t.blocks(stmt):
            if t.holds(block, self.site.node):
                return self.through(block, most)
        return self._within(stmt, most)

    def _within(self, stmt: t.Stmt, most: int) -> int:
        """What bounds a call in a statement by itself: `Settings.query.first() or Settings()`."""
        node = self.site.node
        for part in t.walk_own(stmt):
            match part:
                case t.Comp() if t.holds([part], node):
                    return 0
                case t.BoolOp(op="or", values=values):
                    at = next((i for i, x in enumerate(values) if t.holds([x], node)), 0)
                    if any(map(self._asks, values[:at])):
                        most = 1
                case t.Choice(test=test, then=then) if t.holds([part], node) and not t.holds([test], node):  # fmt: skip
                    most = _least(most, self._left(test, t.holds([then], node)))
        return most

    def _pass(self, stmt: t.Stmt) -> None:
        match stmt:
            case t.Assign(targets=[t.Name(id=name)], value=value, op="") if value is not None:
                self.known[name] = value
            case t.With(body=body):
                for inner in body:
                    self._pass(inner)
            case _:
                for node in t.walk(stmt):
                    if isinstance(node, t.Assign):
                        for target in t.walk(*node.targets):
                            self.known.pop(getattr(target, "id", ""), None)
                    elif isinstance(node, t.For | t.Bind):
                        for target in t.walk(node.target):
                            self.known.pop(getattr(target, "id", ""), None)

    def _lacked(self, body: Sequence[t.Stmt], handler: t.Handler) -> int:
        """`try: row = Settings.objects.get()`, `except Settings.DoesNotExist:`."""
        caught = handler.catches is not None and t.last_word(handler.catches) in _LACKS
        match body:
            case [t.Assign(value=value) | t.Return(value=value)] if caught and value is not None:
                return int(self._asks(value, _REQUIRES))
        return 0

    def _left(self, test: t.Expr, holds: bool) -> int:
        """How many records there may be once one is made where a condition holds, or does not; 0 where it leaves any."""
        match test:
            case t.Unary(op="not", value=value):
                return self._left(value, not holds)
            case t.BoolOp(op=op, values=values):
                bounds = [self._left(value, holds) for value in values]
                if (op == "and") is holds:
                    return min(filter(None, bounds), default=0)
                return max(bounds) if all(bounds) else 0
            case t.Compare(left=left, ops=["is" | "==" | "is not" | "!=" as op], rights=[t.Const(value=None)]):  # fmt: skip
                return int((op in ("is", "==")) is holds and self._asks(left))
            case t.Compare(left=left, ops=["is" | "==" | "is not" | "!=" as op], rights=[t.Const(value=bool(told))]):  # fmt: skip
                return self._left(left, (told is holds) is (op in ("is", "==")))
            case t.Compare(left=left, ops=[op], rights=[right]):
                return self._counted(left, op, right, holds) or self._counted(right, _SWAPPED.get(op, op), left, holds)  # fmt: skip
        return int(not holds and self._asks(test))

    def _counted(self, count: t.Expr, op: str, most: t.Expr, holds: bool) -> int:
        told = spelt(self.few.values, most, self.site.scope)
        if not told or not isinstance(told[0], int) or not self._asks(count):
            return 0
        match op, holds:
            case ("<", True) | (">=", False):
                return told[0]
            case ("<=", True) | (">", False):
                return told[0] + 1
            case ("==", True):
                return told[0] + 1
            case ("!=", False):
                return told[0] + 1
            case ("==", False):  # one by one, it never gets past that
                return told[0]
        return 0

    def _asks(self, expr: t.Expr, ways: Set[str] = _TELLS) -> bool:
        """Whether an expression is nothing, or 0, only where nothing is there."""
        match expr:
            case t.Await(value=inner) | t.Bind(value=inner):
                return self._asks(inner, ways)
            case t.Name(id=name) if (given := self.known.pop(name, None)) is not None:
                told = self._asks(given, ways)
                self.known[name] = given
                return told
            case t.Call(func=t.Name(id="len" | "list" | "bool"), args=[inner]):
                return self._asks(inner, ways) or self._looks(inner)
            case t.Call(func=t.Attr(value=inner, name=name)) if name in ways and self._looks(inner, expr):  # fmt: skip
                return True
            case t.Call(func=func) if self.follows:
                return self._gives(func, ways)
        return False

    def _looks(self, expr: t.Expr, whole: t.Expr | None = None) -> bool:
        """Whether an expression is a search for all there is, `session.query(Settings).order_by(Settings.id)`, and `whole` what ends it."""
        whole = whole or expr
        while True:
            match expr:
                case t.Call(func=t.Attr(value=inner, name=name)) if name in _STEPS:
                    expr = inner
                case t.Await(value=inner) | t.Attr(value=inner) | t.Call(func=t.Name() as inner, args=[]):  # fmt: skip
                    expr = inner
                case t.Item(value=t.Name() | t.Attr() | t.Item() as inner):  # db["leads"]
                    expr = inner
                case t.Name(id=name) if name in self.known:
                    given = self.known.pop(name)
                    told = self._looks(given)
                    self.known[name] = given
                    return told or self.few.asks_all(self.site, whole, self.collection)
                case t.Name():
                    return self.few.asks_all(self.site, whole, self.collection)
                case _:
                    return False

    def _gives(self, func: t.Expr, ways: Set[str]) -> bool:
        """Whether a function of the tree gives back what a search for all there is found, whatever way it takes."""
        found = self.few.code.defined(func, self.site.scope)
        if found is None or not isinstance(found.node, t.Function) or not t.leaves(found.node.body):
            return False
        site = CallSite(self.site.node, self.few.code.inside(found))
        inner = _Way(self.few, site, self.collection, follows=False)
        given: list[bool] = []
        for stmt in found.node.body:
            for node in t.walk_own(stmt):
                if isinstance(node, t.Return):
                    given.append(node.value is not None and inner._asks(node.value, ways))
            inner._pass(stmt)
        return bool(given) and all(given)


def _least(one: int, other: int) -> int:
    return min(filter(None, (one, other)), default=0)
