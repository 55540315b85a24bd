"""What is done with the cursor that a find or aggregate gives: its order, and how much is taken.

Chained calls and those on the variable that holds the cursor are gathered once for the whole tree. Of a
function that gives its cursor back, what a caller does with it counts where that call is looked at.
"""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Container, Iterator, Sequence

from auditor.extract.python import tree as t
from auditor.link.assembly import Branches
from auditor.link.reach import branches_of, goes_on
from auditor.link.scopes import CallSite, Located, Scope
from auditor.link.values import Evaluator
from auditor.model.data import Bound
from auditor.stores.bounds import Bounds
from auditor.stores.mongo.pipelines import Sort, direction, sort_of, stands_for

_ON_CURSORS = (
    "sort", "limit", "to_list", "next", "try_next", "first_or_none", "fetch_next", "order_by", "filter", "find",
    "find_many", "find_one", "first", "count", "delete", "aggregate", "first_or_404", "get", "get_or_404",
    "get_or_none", "update", "update_one", "paginate", "all", "exists", "distinct", "modify", "only", "scalar",
    "search_text", "raw",
)  # fmt: skip


_STILL = {
    "sort", "limit", "skip", "hint", "batch_size", "max_time_ms", "allow_disk_use", "collation", "comment", "clone",
    "find", "find_many", "find_all", "project", "aggregate", "filter", "order_by", "only", "exclude", "all", "search_text",
    "select_related", "no_cache", "objects", "with_options", "raw",
}  # fmt: skip
"""What gives a cursor again, on which more can be called."""

Step = tuple[CallSite, Branches]
"""A call on a cursor, with the branches that a run takes to come to it."""


class Cursors:
    def __init__(self, values: Evaluator, bounds: Bounds) -> None:
        self.values, self.code, self.bounds = values, values.code, bounds
        self._chained: dict[int, list[CallSite]] = defaultdict(list)
        self._on_names: dict[tuple[int, str], list[CallSite]] = defaultdict(list)
        self._holders: dict[int, tuple[int, str, int]] = {}
        self._assigned: dict[tuple[int, str], list[Located]] = defaultdict(list)
        self._written: dict[int, tuple[t.Call, t.Expr]] = {}
        """Calls that are made here, by their `id`, with the expression in the code that each stands for."""
        for call in self.code.method_calls(*_ON_CURSORS):
            if isinstance(call.node.func, t.Attr):
                links, held = chain(call.node.func.value)
                for link in links:
                    self._chained[id(link)].append(call)
                if held:
                    self._on_names[id(call.scope), held].append(call)
        self._awaited: set[int] = set()
        """Calls of whose search a variable holds what it found."""
        self._given_back: dict[int, bool] = {}
        self._alone = {
            id(link) for stmt, _ in self.code.of_kind(t.Do) for link in _still(stmt.value)
        }
        """Calls whose cursor is a statement by itself, which nothing reads."""
        self._sliced: dict[int, list[Located]] = defaultdict(list)
        for item, scope in self.code.of_kind(t.Item):
            if isinstance(item.index, t.Slice) and item.index.upper is not None:
                for link in _cursors(item.value):
                    self._sliced[id(link)].append(Located(item.index.upper, scope))
        for assign, scope in self.code.of_kind(t.Assign):
            match assign:
                case t.Assign(targets=[t.Name(id=name)], value=value, op="") if value is not None:
                    links, _ = chain(value)
                    for link in links:
                        self._holders[id(link)] = (id(scope), name, assign.line)
                    if isinstance(value, t.Await):
                        self._awaited.update(map(id, links))
                    base = _base(value)
                    if (links or isinstance(value, t.Attr | t.Item)) and not (
                        isinstance(base, t.Name) and base.id == name
                    ):
                        self._assigned[id(scope), name].append(Located(assign, scope))

    @functools.cached_property
    def _called(self) -> dict[tuple[int, str], list[CallSite]]:
        """Calls of variables: querysets of MongoEngine are narrowed so, `found = found(owner=user)`."""
        called: dict[tuple[int, str], list[CallSite]] = defaultdict(list)
        for call in self.code.all_calls():
            if isinstance(call.node.func, t.Name):
                called[id(call.scope), call.node.func.id].append(call)
        return called

    def steps(self, site: Located) -> list[CallSite]:
        """The calls on the cursor of a site, and of the variable that holds it, in their order."""
        scope, name, line = self._holders.get(id(self.as_written(site).node), (0, "", 0))
        called = [c for c in self._called.get((scope, name), ()) if c.node.line >= line]
        found = self._here(site)
        here = sorted([*found, *called], key=lambda c: c.node.line) if called else found
        return [*here, *(call for outer in self._takers(site) for call in self._here(outer))]

    def calls(self, site: Located) -> list[CallSite]:
        """The calls on the cursor of a site, in their order."""
        return [call for each in (site, *self._takers(site)) for call in self._here(each)]

    def _takers(self, site: Located) -> Iterator[CallSite]:
        """The call that gets the cursor of a site just now, that which gets it from there, and so on."""
        seen: set[int] = set()
        while self.given_back(site) and (taker := self.values.running(site.scope)) is not None:
            if id(taker.node) in seen:
                return
            seen.add(id(taker.node))
            yield taker
            site = taker

    def branches(self, call: CallSite, site: Located) -> Branches:
        """The branches that a run takes to a call on the cursor of a site, and not to what gives it there."""
        givers = [site, *self._takers(site)]
        return branches_of(call, next((x for x in givers if x.scope is call.scope), site))

    def _here(self, site: Located) -> list[CallSite]:
        """The calls on the cursor of a site in the function that it stands in."""
        site = self.as_written(site)
        found = list(self._chained.get(id(site.node), ()))
        if held := self._holders.get(id(site.node)):
            scope, name, line = held
            later = [x for x in self._assigned[scope, name] if x.node.line > line]
            found += [
                call
                for call in self._on_names[scope, name]
                if line <= call.node.line and not _replaced(later, call) and goes_on(site, call)
            ]
        return found

    def executions(self, site: Located, ends: Container[str]) -> list[list[Step]]:
        """The calls on a search by what they ask: `found.count()` asks it by itself, and so does what is read of it after.

        Each with what narrows the search before, and no more of it once a call (one of `ends`) gives something else.
        """
        return [list(steps.values()) for steps in self._executions(site, ends, set())]

    def _executions(
        self, site: Located, ends: Container[str], seen: set[int]
    ) -> list[dict[int, Step]]:
        seen.add(id(site.node))
        lasting: dict[int, Step] = {}
        asked: list[dict[int, Step]] = []
        for variable, group in self._groups(site):
            first = group[0]
            kept = self._holders.get(id(first.node), (0, "", 0))[1]
            if variable and id(site.node) in self._awaited:
                break
            ended = any(_method(call) in ends for call in group)
            if kept == variable or not (variable and (ended or not _is_alone(first))):
                lasting |= {id(call.node): (call, self.branches(call, site)) for call in group}
                if ended:
                    return [*asked, lasting]  # what it gives is no search any more
                continue
            before = _met(lasting, self.branches(first, site))
            here = {id(call.node): (call, ()) for call in group}
            after: list[dict[int, Step]] = [{}]
            if kept and not ended and id(first.node) not in seen:  # `mine = found.filter(…)`
                after = self._executions(first, ends, seen)
            asked += [{**before, **here, **further} for further in after]
        if not asked or self._is_read(site):
            asked.append(lasting)
        return asked

    def _groups(self, site: Located) -> list[tuple[str, list[CallSite]]]:
        """The calls on a search by the chains that they stand in, with the variable that each begins at, if one does."""
        chains: dict[int, tuple[str, list[tuple[int, CallSite]]]] = {}
        own = {id(self.as_written(each).node) for each in (site, *self._takers(site))}
        for call in self.steps(site):
            func = call.node.func
            links, variable = chain(func.value if isinstance(func, t.Attr) else func)
            if not own.isdisjoint(map(id, links)):
                variable = ""  # `site.sort(…)`
            first = links[-1] if links else call.node
            _, group = chains.setdefault(id(first) if variable else 0, (variable, []))
            group.append((len(links), call))
        found = [
            (variable, [call for _, call in sorted(group, key=lambda one: one[0])])
            for variable, group in chains.values()
        ]
        return sorted(found, key=lambda one: one[1][0].node.line)

    def _is_read(self, site: Located) -> bool:
        """Whether the variable that holds a search is used otherwise than to call something on it."""
        last = [site, *self._takers(site)][-1]
        scope, held, _ = self._holders.get(id(self.as_written(last).node), (0, "", 0))
        calls = (*self._on_names[scope, held], *self._called[scope, held])
        every = [*t.walk(*_around(last.scope))]
        given = (node.targets for node in every if isinstance(node, t.Assign))
        known = {*(id(_base(x.node)) for x in calls), *(id(x) for each in given for x in each)}
        return any(isinstance(x, t.Name) and x.id == held and id(x) not in known for x in every)

    def sort(self, site: CallSite) -> Sort:
        call = self._sorting(site)
        return self._sort(call) if call is not None else ()

    def sorts_untold(self, site: CallSite) -> bool:
        """Whether a cursor is sorted first by a field that is named at run time: `sort([(by, -1)])`."""
        call = self._sorting(site)
        asked = call.arg(0, "key_or_list") if call is not None else None
        return call is not None and asked is not None and self._is_untold(asked, call.scope)

    def _sorting(self, site: CallSite) -> CallSite | None:
        """The call that sorts a cursor: the last one counts."""
        for each in reversed([site, *self._takers(site)]):
            for call in self._here(each):
                if _method(call) == "sort":
                    return call
        return None

    def _is_untold(self, asked: t.Expr, scope: Scope) -> bool:
        settled = stands_for(self.values, asked, scope)
        first: t.Node | None = settled.node
        match first:
            case t.Seq(items=[t.Seq(items=[field, _]), *_]):
                first = field
            case t.Map(keys=[key, *_]):
                first = key
        if first is None or isinstance(first, t.Seq | t.Map):
            return False
        found = self.values.sources(first, settled.scope)  # type: ignore[arg-type]
        told = self.values.text(first, settled.scope)  # type: ignore[arg-type]
        return told is None and not any(isinstance(x.node, t.Seq | t.Map | t.Const) for x in found)

    def _sort(self, call: CallSite) -> Sort:
        first, second = call.arg(0, "key_or_list"), call.arg(1, "direction")
        asked = stands_for(self.values, first, call.scope) if first is not None else None
        name = self.values.text(asked.node, asked.scope) if asked is not None else None  # type: ignore[arg-type]
        if name and not name.startswith(("+", "-")):
            way = direction(self.values, second, call.scope)
            return ((name, way),) if way and name != "$natural" else ()
        return sort_of(self.values, first, call.scope)

    def bound(self, site: CallSite, calls: list[CallSite] | None = None) -> Bound:
        """The tightest bound that the calls on the cursor set, or those of one execution."""
        given = site.arg(None, "limit")
        bounds = [self.bounds.of(given, site.scope)] if given is not None else []
        bounds += self.slices(site)
        for call in self.calls(site) if calls is None else calls:
            match _method(call):
                case "limit":
                    bounds.append(self.bounds.of(call.arg(0, "limit"), call.scope))
                case "to_list":
                    bounds.append(self.bounds.of(call.arg(0, "length"), call.scope))
                case "next" | "try_next" | "first_or_none" | "fetch_next":
                    bounds.append(Bound.ONE)
        for least in (Bound.ONE, Bound.LIMITED, Bound.UNKNOWN, Bound.CALLER, Bound.NONE):
            if least in bounds:
                return least
        last = [site, *self._takers(site)][-1]
        return Bound.UNKNOWN if self._leaves(last) else Bound.NONE

    def slices(self, site: Located) -> list[Bound]:
        """What the slices of a cursor leave of it: `db.leads.find().sort("at")[:20]`."""
        links = (self.as_written(each).node for each in (site, *self._takers(site)))
        cut = [upper for link in links for upper in self._sliced.get(id(link), ())]
        return [self.bounds.of(upper.node, upper.scope) for upper in cut]  # type: ignore[arg-type]

    def _leaves(self, site: Located) -> bool:
        """Whether the function gives its cursor away: others may bound it."""
        function = site.scope.function
        site = self.as_written(site)
        held = self._holders.get(id(site.node))
        for node in t.walk_own(*function.body) if function is not None else ():
            if isinstance(node, t.Return | t.Yield) and node.value is not None:
                value = node.value
                while isinstance(value, t.Item):
                    value = value.value
                if any(link is site.node for link in chain(value)[0]):
                    return True
                if held and isinstance(node.value, t.Name) and node.value.id == held[1]:
                    return True
        return False

    def given_back(self, site: Located) -> bool:
        """Whether a function gives back the cursor itself, on which its callers may call more."""
        site = self.as_written(site)
        function, key = site.scope.owner, id(site.node)
        if key not in self._given_back:
            held = self._holders.get(key, (0, "", 0))[1]
            body = function.body if isinstance(function, t.Function) else ()
            given = _returned(body, held)
            self._given_back[key] = any(_is_cursor(value, site.node, held) for value in given)
        return self._given_back[key]

    def unsent(self, site: Located) -> bool:
        """Whether a search is a statement by itself, or put into a variable that nothing reads, or not before it gets
        another value."""
        site = self.as_written(site)
        if id(site.node) in self._alone and _waits(site.node):
            return True
        function, held = site.scope.owner, self._holders.get(id(site.node), (0, "", 0))[1]
        if not held or not isinstance(function, t.Function) or not _waits(site.node):
            return False
        every = list(t.walk(*function.body))
        named = [n.id for n in every if isinstance(n, t.Name)]
        outer = any(isinstance(n, t.Jump) and held in n.kind.split() for n in every)  # `global x`
        if outer or "locals" in named:
            return False
        for block in t.levels(function.body):
            for at, stmt in enumerate(block):
                made = stmt.value if isinstance(stmt, t.Assign) else None
                if not isinstance(made, t.Await) and _is_cursor(made, site.node, ""):
                    assert isinstance(stmt, t.Assign)
                    unread = named.count(held) == 1 and len(stmt.targets) == 1
                    return unread or _is_given_another(held, block[at + 1 :])
        return False

    def stands_for(self, made: t.Call, written: t.Expr) -> None:
        """Notes which expression in the code a call stands for that is not in the code itself."""
        self._written[id(made)] = (made, written)  # kept: an address is given away again

    def as_written(self, site: Located) -> Located:
        made = self._written.get(id(site.node))
        return Located(made[1], site.scope) if made is not None else site


def _waits(node: t.Node) -> bool:
    """Whether a call makes a search that is only sent when it is read."""
    match node:
        case t.Attr() | t.Call(func=t.Attr(name="objects")):
            return True
        case t.Call(func=t.Attr(name=name)):
            return name in _STILL and name != "aggregate"
    return False


def _returned(body: Sequence[t.Stmt], held: str) -> Iterator[t.Expr | None]:
    """What a function gives back, as long as a variable is not one of what it held: `found = found[0]`."""
    for stmt in body:
        match stmt:
            case t.Return(value=value):
                yield value
            case t.Assign(targets=[t.Name(id=to)], value=t.Item(value=t.Name(id=of), index=at)):
                if to == of == held and not isinstance(at, t.Slice):
                    return
            case t.Function() | t.Class():
                continue
        for inner in t.blocks(stmt):
            yield from _returned(inner, held)


def _is_given_another(name: str, following: list[t.Stmt]) -> bool:
    """Whether the first statement that speaks of a variable gives it a value of something else."""
    for stmt in following:
        named = [n for n in t.walk(stmt) if isinstance(n, t.Name) and n.id == name]
        if named:
            return isinstance(stmt, t.Assign) and not stmt.op and stmt.targets == named
    return False


def _cursors(expr: t.Expr) -> Iterator[t.Expr]:
    """The calls of a chain that give a cursor, and `X.objects`."""
    while isinstance(expr, t.Call) and isinstance(expr.func, t.Attr) and expr.func.name in _STILL:
        yield expr
        expr = expr.func.value
    if isinstance(expr, t.Call) or (isinstance(expr, t.Attr) and expr.name == "objects"):
        yield expr  # `X.objects`, or the call of a function that gives a cursor


def _still(expr: t.Expr) -> Iterator[t.Expr]:
    """The links of a chain that asks nothing by itself: `db.leads.find({…}).sort("at")`; an aggregation is sent at once."""
    links = list(_cursors(expr))
    if all(_waits(link) for link in links):
        yield from links


def _is_cursor(value: t.Expr | None, made: t.Node, held: str) -> bool:
    """Whether an expression is the cursor of a call, or of the variable that holds it."""
    match value:
        case _ if value is made:
            return True
        case t.Await(value=inner) | t.Item(value=inner, index=t.Slice()):
            return _is_cursor(inner, made, held)
        case t.Call(func=t.Attr(value=inner, name=name)) if name in _STILL:
            return _is_cursor(inner, made, held)
        case t.Choice(then=one, other=other):
            return _is_cursor(one, made, held) or _is_cursor(other, made, held)
        case t.Name(id=name):
            return name == held
    return False


def _around(scope: Scope) -> list[t.Stmt]:
    return scope.function.body if scope.function is not None else scope.module.body


def _is_alone(call: CallSite) -> bool:
    """Whether a statement does nothing but to call: a cursor of a driver is changed so, `found.sort("at")`."""
    return any(
        isinstance(node, t.Do) and any(link is call.node for link in chain(node.value)[0])
        for node in t.walk_own(*_around(call.scope))
    )


def _met(steps: dict[int, Step], here: Branches) -> dict[int, Step]:
    """Those of some steps that a run may have come to which takes these branches."""
    return {
        key: (call, tuple(branch for branch in taken if branch not in here))
        for key, (call, taken) in steps.items()
        if not any(-branch in here for branch in taken)
    }


def _replaced(later: list[Located], call: CallSite) -> bool:
    """Whether a variable has got another cursor in whatever run comes to a call."""
    before = [x for x in later if x.node.line <= call.node.line]
    return _in_each_run({branches_of(x, call) for x in before})


def _in_each_run(ways: set[Branches]) -> bool:
    """Whether one of these ways is taken in each run: `if … else`."""
    if () in ways:
        return True
    return any(
        _in_each_run({way[1:] for way in ways if way[0] == first})
        and _in_each_run({way[1:] for way in ways if way[0] == -first})
        for first in {way[0] for way in ways}
    )


def _method(call: CallSite) -> str:
    return call.node.func.name if isinstance(call.node.func, t.Attr) else ""


def chain(expr: t.Expr) -> tuple[list[t.Expr], str]:
    """The calls of a chain, outermost first, and the variable that it starts from: `a.find().sort(…)`.

    `X.objects` starts one uncalled. What is called on one of the records, or on a list that one keeps, is no
    step of the search: `found[0].tags.get(slug=slug)`.
    """
    links: list[t.Expr] = []
    called = False
    while True:
        match expr:
            case t.Attr(value=value, name="objects"):
                links.append(expr)
                expr = value
            case t.Attr(value=value) if called:
                expr, called = value, False
            case t.Await(value=value) | t.Item(value=value, index=t.Slice()):
                expr = value
            case t.Call(func=func):
                links.append(expr)
                expr, called = func, True
            case _:
                return links, expr.id if isinstance(expr, t.Name) else ""


def _base(expr: t.Expr) -> t.Expr:
    """What a chain of calls, attributes and subscripts starts from."""
    while True:
        match expr:
            case t.Await(value=value) | t.Attr(value=value) | t.Item(value=value):
                expr = value
            case t.Call(func=func):
                expr = func
            case _:
                return expr
