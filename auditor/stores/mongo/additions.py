"""What adds documents to collections of MongoDB, and whether constants of the code alone are added.

An upsert adds what it does not find: nothing where it is reached only after a search by the same filter found
something, and what the code names where its filter is made of constants.
"""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Iterator, Sequence

from auditor.extract.python import tree as t
from auditor.link.application import Application
from auditor.link.scopes import CallSite, place_of
from auditor.model.data import Query
from auditor.model.places import Place
from auditor.stores.few import Few, narrows
from auditor.stores.literals import Literals
from auditor.stores.mongo.mongodb import BY_CALLERS
from auditor.stores.waiting.errands import Asked, Errands

INSERTING = ("insert_one", "insert_many", "bulk_write", "insert")
UPSERTING = ("update_one", "update_many", "replace_one", "find_one_and_update", "find_one_and_replace")  # fmt: skip
_FINDING = {"find_one", "count_documents"}


class Additions:
    """Judges the queries of a tree that may add documents."""

    def __init__(self, application: Application) -> None:
        self.code, (self.literals,) = application.code, application.facts(Literals)
        self.few = Few(application)
        (self.errands,) = application.facts(Errands)
        self._sites = {
            place_of(site): site
            for site in self.code.method_calls(*INSERTING, *UPSERTING)
            if not isinstance(_given(site), t.Const)  # a method of the tree's own: `insert_one("leads", lead)`
        }  # fmt: skip

    def adds(self, query: Query) -> bool:
        """Whether a query may add a document, by what is known of the call that it stands for."""
        if query.unresolved == BY_CALLERS:
            return False  # it is told there what they add
        if query.operation not in UPSERTING:
            return query.operation in INSERTING
        if inner := self._helpers.get(query.place):
            return any(map(upserts, inner))
        site = self._sites.get(query.place)
        if site is not None and t.last_word(site.node.func) == "bulk_write":
            return any(
                map(upserts, self.code.method_calls("UpdateOne", "UpdateMany", "ReplaceOne"))
            )
        return site is None or upserts(site)

    @functools.cached_property
    def _helpers(self) -> dict[Place, list[CallSite]]:
        """The changes behind each call of a function of the tree that is called like one: `store.replace_one("leads", …)`."""
        made: dict[int, list[CallSite]] = defaultdict(list)
        calls = list(self.code.method_calls(*UPSERTING))
        for site in calls:
            made[id(site.scope.owner)].append(site)
        defined = ((site, self.code.defined(site.node.func, site.scope)) for site in calls)
        return {place_of(s): made[id(found.node)] for s, found in defined if found is not None}

    def of_constants(self, query: Query) -> bool:
        """Whether what a query adds stands in the code, and is added no more often than that is run by hand or at the start."""
        site = self._sites.get(query.place)
        given = _given(site) if site is not None else None
        if site is None or given is None:
            return False
        if query.operation == "insert_many":
            return self.literals.rows(given, site.scope)
        if query.operation in UPSERTING and self.finds_first(query):
            return True
        if self.errands.of(query.place) in (Asked.NEVER, Asked.LIVE):
            return False
        told = query.operation != "bulk_write" and self.literals.value(given, site.scope)
        return told and self.literals.told_turns(site.node.line, site.scope)

    def most(self, collection: str, added: list[Query]) -> int:
        """How many documents there may be, where each is added only if no others are, or few; 0 where any number may."""
        upserting = [q for q in added if q.operation in UPSERTING]
        if any(narrows(query) for query in upserting):
            return 0
        sites = [self._sites.get(q.place) for q in added if q.operation not in UPSERTING]
        told = [site for site in sites if site is not None]
        if len(told) < len(sites):
            return 0
        if told and len(told) == len(added) and all(map(_is_emptied_before, told)):
            return len(told)
        return self.few.most(told, collection) if sites else 1  # upserts of whatever is there

    def finds_first(self, query: Query) -> bool:
        """Whether a change is only reached where a search by its filter has found something."""
        site = self._sites.get(query.place)
        asked = _given(site) if site is not None and query.operation in UPSERTING else None
        if site is None or asked is None or not isinstance(site.scope.owner, t.Function):
            return False
        words = (node.id for node in t.walk(asked) if isinstance(node, t.Name))
        known = (self.code.find(word, site.scope) for word in words)
        if any(found is not None and len(found[1]) > 1 for found in known):
            return False  # it may mean something else by then
        return self._is_found(site.scope.owner.body, site)

    def _is_found(self, body: Sequence[t.Stmt], site: CallSite) -> bool:
        """Whether statements come to a call only where what it changes was found."""
        for stmt in body:
            around = stmt.line <= site.node.line <= stmt.end_line
            match stmt:
                case t.If(test=test, body=then, orelse=other):
                    inside = t.holds(then, site.node)
                    if around and not inside and not t.holds(other, site.node):
                        return False  # the condition itself
                    if inside and any(self._finds(x, site) for x in _needed(test)):
                        return True
                    left = (around and not inside) or (not around and t.leaves(then, turn=True))
                    if left and any(self._finds(x, site) for x in _lacked(test)):
                        return True
                    if around:
                        return self._is_found(then if inside else other, site)
                case _ if around:
                    return any(
                        self._is_found(each, site)
                        for each in t.blocks(stmt)
                        if t.holds(each, site.node)
                    )
        return False

    def _finds(self, expr: t.Expr, site: CallSite) -> bool:
        """Whether an expression is worth something only where the call finds what it changes."""
        match expr:
            case t.Await(value=inner) | t.Bind(value=inner):
                return self._finds(inner, site)
            case t.Call(func=t.Attr(value=owner, name=name), args=[asked, *_]) if name in _FINDING:
                changed = site.node.func
                assert isinstance(changed, t.Attr)
                return _spelt(owner) == _spelt(changed.value) and _spelt(asked) == _spelt(
                    _given(site)
                )
            case t.Name(id=name):
                found = self.code.find(name, site.scope)
                given = [b.part or b.value for b in found[1]] if found is not None else []
                told = [x for x in given if x is not None and not self._is_listed(x, site)]
                return bool(told) and None not in given and all(self._finds(x, site) for x in told)
        return False

    def _is_listed(self, expr: t.Expr, site: CallSite) -> bool:
        """`None`, and what is looked up in a list of the code: `next((x for x in LESSONS if x["code"] == code), None)`."""
        match expr:
            case t.Const(value=None):
                return True
            case t.Call(func=t.Name(id="next"), args=[t.Comp(loops=loops), *rest]):
                none = all(isinstance(x, t.Const) and x.value is None for x in rest)
                return none and all(self.literals.rows(loop.iter, site.scope) for loop in loops)
        return False


def _is_emptied_before(site: CallSite) -> bool:
    """Whether a collection is emptied each time before one document is put into it: `notes.delete_many({})`."""
    func, owner, emptied = site.node.func, site.scope.owner, False
    block = owner.body if isinstance(owner, t.Function) else []
    while block and isinstance(func, t.Attr) and func.name == "insert_one":
        around = next((s for s in block if t.holds([s], site.node)), None)
        for stmt in block[: block.index(around)] if around is not None else ():
            match stmt:
                case t.Do(value=value) | t.Assign(value=value):
                    emptied |= _empties(value, func.value)
        if isinstance(around, t.For | t.While):
            emptied = False  # once for many
        inner = t.blocks(around) if around is not None else []
        block = next((each for each in inner if t.holds(each, site.node)), [])
    return emptied


def _empties(expr: t.Expr | None, collection: t.Expr) -> bool:
    match expr:
        case t.Await(value=inner):
            return _empties(inner, collection)
        case t.Call(func=t.Attr(value=owner, name="delete_many"), args=[t.Map(values=[])], keywords=[]):  # fmt: skip
            return _spelt(owner) == _spelt(collection)
    return False


def upserts(site: CallSite) -> bool:
    """Whether a change adds what it does not find, or may."""
    told = any(k.name in ("upsert", None) for k in site.node.keywords)
    return told or len(site.node.args) > 2


def _given(site: CallSite) -> t.Expr | None:
    """The documents of an insertion, the filter of a change."""
    names = ("document", "documents", "filter", "requests", "doc_or_docs")
    return next((x for name in names if (x := site.arg(0, name)) is not None), None)


def _needed(test: t.Expr) -> Iterator[t.Expr]:
    """What is something where a condition holds: `x`, `x is not None`, `x > 0`."""
    match test:
        case t.BoolOp(op="and", values=values):
            for each in values:
                yield from _needed(each)
        case t.Compare(left=left, ops=["is not" | "!=" | ">"], rights=[t.Const(value=None | 0)]):
            yield left
        case _:
            yield test


def _lacked(test: t.Expr) -> Iterator[t.Expr]:
    """What is something where a condition does not hold: `not x`, `x is None`, `x == 0`."""
    match test:
        case t.BoolOp(op="or", values=values):
            for each in values:
                yield from _lacked(each)
        case t.Compare(left=left, ops=["is" | "=="], rights=[t.Const(value=None | 0)]):
            yield left
        case t.Unary(op="not", value=inner):
            yield from _needed(inner)


def _spelt(expr: t.Expr | None) -> list[tuple[object, ...]]:
    """How an expression reads, wherever it stands."""
    return [
        (type(n), n.value if isinstance(n, t.Const) else None, *(getattr(n, word, None) for word in ("id", "name", "op")))
        for n in (t.walk(expr) if expr is not None else ())
    ]  # fmt: skip
