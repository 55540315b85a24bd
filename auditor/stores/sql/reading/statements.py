"""How statements change what names stand for while queries are put together."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from auditor.extract.python import tree as t
from auditor.link.decisions import Keys, bound_anew, decides, settled, worth_of
from auditor.link.scopes import Located, arguments, place_of
from auditor.stores.sql.conditions import EMPTY, UNTOLD, Draft, joined
from auditor.stores.sql.reading.expressions import Expressions
from auditor.stores.sql.reading.frames import Frame
from auditor.stores.sql.reading.marked import marked
from auditor.stores.sql.reading.things import (
    Class,
    Field,
    Holds,
    Keyed,
    Listed,
    Row,
    Rows,
    Statement,
    Thing,
    each,
    either,
    merged,
)
from auditor.stores.sql.reading.turns import turns_of


class Statements(Expressions):
    """Reads statements in order; a test that cannot be told leaves both ways open."""

    def block(self, body: Iterable[t.Stmt], frame: Frame) -> None:
        outer = self.unreached
        for stmt in body:
            if frame.ended:
                break
            self.unreached = self.unreached or self._raises(stmt, frame)
            self.statement(stmt, frame)
            self.unreached = self.unreached or self._refusal(stmt)
        self.unreached = outer

    def _raises(self, stmt: t.Stmt, frame: Frame) -> str:
        """Why neither a statement nor what follows is reached: it asks a class of Tortoise for a column, or a stored object
        of SQLAlchemy for what its class has not.

        Tortoise takes its columns off a class. Source: https://github.com/tortoise/tortoise-orm/blob/develop/tortoise/models.py
        (`ModelMeta`).
        """
        tortoise, sqlalchemy = self.has("tortoise"), self.has("sqlalchemy")
        if not tortoise and not sqlalchemy:
            return ""
        begins = [stmt.value] if isinstance(stmt, t.Return) and stmt.value else _first(stmt)
        for node in t.surely(*begins):
            if not isinstance(node, t.Attr):
                continue
            if sqlalchemy and self._lacks(node, frame):
                return f"{t.dotted(node)} raises: its class has no {node.name} (line {node.line}): this is not reached"
            if not tortoise or not self.entities.by_class.get(t.last_word(node.value)):
                continue
            entity = self.entities.of(node.value, frame.scope)
            column = entity.columns.get(node.name) if entity is not None else None
            if column is None or entity is None or entity.found is None or column.target:
                continue
            own = self.code.inside(entity.found).bindings  # a mixin that is no model keeps its own
            if entity.mapper == "tortoise" and node.name in own:
                return f"{t.dotted(node)} raises: Tortoise takes its columns off a class (line {node.line}): this is not reached"
        return ""

    def _lacks(self, expr: t.Attr, frame: Frame) -> bool:
        """Whether an attribute is asked of a variable that is bound once, to a stored object whose class has it not."""
        match expr.value:
            case t.Name(id=name):
                bound = frame.scope.bindings.get(name, ())
                held = each(frame.find(name)[1])
            case _:
                return False
        if len(bound) != 1 or bound[0].kind != "value" or bound[0].index is not None:
            return False
        return bool(held) and all(
            isinstance(x, Row)
            and x.entity.found is not None
            and x.entity.has(expr.name) is False
            and self.raising.lacks(x.entity.found, expr.name)
            for x in held
        )

    def _refusal(self, stmt: t.Stmt) -> str:
        """Why what follows a statement is not reached: it begins with a call that a mapper refuses."""
        for call in t.surely(*_first(stmt)) if any(self.refused.values()) else ():
            if isinstance(call, t.Call) and (why := self.refused.get(id(call.func))):
                return f"{why} (line {call.line}): this is not reached"
        return ""

    def statement(self, stmt: t.Stmt, frame: Frame) -> None:
        if frame.told and isinstance(stmt, t.Assign | t.For | t.While | t.With):
            self._retell(stmt, frame)
        match stmt:
            case t.Assign(targets=targets, value=value, op=op):
                known = len(self.drafts)
                self._assign(targets, value, op, stmt.annotation, frame)
                made = {id(x): x for x in self.drafts[known:]}
                if made and self.raising.at(stmt, frame.scope):  # nobody asks what it would hold
                    held = (frame.names.get(x.id) for x in targets if isinstance(x, t.Name))
                    self.dropped |= {k: made[k] for one in held for x in each(one) if (k := id(x)) in made}  # fmt: skip
            case t.Do(value=value):
                self._asked_if(value, frame)
                if self._is_step(value):  # a statement by itself: nothing goes through it
                    self._drop(self.thing(value, frame))
            case t.Return(value=value):
                if value is not None and (given := self._given_back(value, frame)) is not None:
                    frame.returned.append(given)
            case t.If(test=test, body=body, orelse=orelse):
                self._asked_if(test, frame)
                if (way := self._decided(test, frame)) is not None:
                    taken, passed = (body, orelse) if way else (orelse, body)
                    if frame.called is None and decides(test, frame.told, frame.scope) is not None:
                        # so says every call: what never runs asks nothing
                        self.followed |= {id(n) for n in t.walk_own(*passed) if isinstance(n, t.Call)}  # fmt: skip
                    self.block(taken, frame)
                    if taken and isinstance(taken[-1], t.Return | t.Raise):
                        self._leave(stmt, frame)
                        frame.ended = True
                    return
                before = dict(frame.names)
                frame.names = before | self._filled(test, True, frame)
                self.block(body, frame)
                then, frame.names = frame.names, dict(before)
                frame.names |= self._filled(test, False, frame)
                self.block(orelse, frame)
                if self._leaves(body, frame):
                    pass
                elif self._leaves(orelse, frame):
                    frame.names = then
                else:
                    self._merge(then, frame)
                frame.ended = False
            case t.For(target=target, iter=iter_, body=body, orelse=orelse):
                self._loop(target, iter_, stmt, body, frame)
                self.block(orelse, frame)
            case t.While(test=test, body=body, orelse=orelse):
                self._asked_if(test, frame)
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
                self._asked_if(test, frame)
            case t.Delete(targets=targets):
                for each_ in targets:
                    self.thing(each_, frame)

    def _given_back(self, value: t.Expr, frame: Frame) -> Thing | None:
        """What a function gives back: a query that it has narrowed besides, `return found.filter(…)`, is one of its own."""
        given = self.thing(value, frame)
        if not isinstance(value, t.Name) or not any(isinstance(x, Draft) for x in each(given)):
            return given
        begun = {id(x.origin) for x in self.drafts[frame.since :]}
        made = [
            self.record(replace(x, origin=x))
            if isinstance(x, Draft) and id(x) in begun and not x.manager
            else x
            for x in each(given)
        ]
        return either(made)

    def _retell(self, stmt: t.Stmt, frame: Frame) -> None:
        """Parameters that are bound anew are no longer what the call gives."""
        params = {p.name for p in getattr(frame.scope.owner, "params", ())}
        anew = params & frame.told.keys() & set(bound_anew(stmt))
        value = stmt.value if isinstance(stmt, t.Assign) and not stmt.op else None
        worth = worth_of(value, frame.scope, frame.told) if value is not None else None
        for name in anew:
            del frame.told[name]
            if worth is not None and len(anew) == 1:
                frame.told[name] = worth

    def _asked_if(self, test: t.Expr, frame: Frame) -> None:
        """A condition, or a statement by itself: what a query of Tortoise asks there is not sent unless it is awaited."""
        before = len(self.drafts)
        self.tested(test, frame)
        while isinstance(test, t.Unary | t.Compare):
            test = test.value if isinstance(test, t.Unary) else test.left
        self._unsent(test, before, frame)

    def _unsent(self, expr: t.Expr, before: int, frame: Frame) -> None:
        """Drops what a call of Tortoise puts together, `Post.filter(id=id).exists()`, that nothing awaits."""
        root, given = expr, list[t.Expr]()
        while isinstance(root, t.Call | t.Attr):
            if isinstance(root, t.Call):
                given += arguments(root)
                if self.code.defined(root.func, frame.scope) is not None:
                    return  # a function of the tree may wait for it
            root = root.func if isinstance(root, t.Call) else root.value
        if not self.has("tortoise") or not isinstance(root, t.Name) or root is expr:
            return
        if any(isinstance(n, t.Await | t.Call) and id(n) in self.followed for n in t.walk_own(*given)):  # fmt: skip
            return
        if any(_of_tortoise(x) for x in each(self.thing(root, frame))):
            made = (x for x in self.drafts[before:] if x.mapper == "tortoise")
            self.dropped.update((id(x), x) for x in made)

    def _decided(self, test: t.Expr, frame: Frame) -> bool | None:
        """Whether a test holds, where the call, a list's conditions or a class's columns say so."""
        if frame.told and (way := decides(test, frame.told, frame.scope)) is not None:
            return way
        match test:
            case t.Unary(op="not", value=value):
                inner = self._decided(value, frame)
                return None if inner is None else not inner
            case t.Name(id=name):
                held = each(frame.find(name)[1])
                if held and all(isinstance(x, Listed) and any(x.items) for x in held):
                    return True  # not what a guard gives back: `(jsonify(…), 403)`, or nothing
            case t.Compare(left=t.Name(id=name), ops=["is" | "is not" as op], rights=[t.Const(value=None)]):  # fmt: skip
                held = each(frame.find(name)[1])
                return op == "is not" if held and all(isinstance(x, Field) for x in held) else None
            case t.Call(func=t.Name(id="hasattr"), args=[owner, by]):
                name = self.text(by, frame) or ""
                kinds = [x.entity for x in each(self.thing(owner, frame)) if isinstance(x, Class)]
                has = {entity.has(name) for entity in kinds} if name else {None}
                return has.pop() if len(has) == 1 else None
        return None

    def _filled(self, test: t.Expr, way: bool, frame: Frame) -> dict[str, Thing | None]:
        """What holds conditions where a test comes out this way: `Q()` is false, and a `Q` of any condition is true, as
        is a flag that is set beside each.

        Those of Tortoise are always true.
        """
        match test:
            case t.Unary(op="not", value=value):
                return self._filled(value, not way, frame)
            case t.BoolOp(op=op, values=values) if way is (op == "and"):
                return {k: v for x in values for k, v in self._filled(x, way, frame).items()}
            case t.Name(id=name) if way and not self.has("tortoise"):
                told: dict[str, Thing | None] = {}
                for added in {name} | marked(name, frame.scope):
                    every = each(frame.names.get(added))
                    filled = [x for x in every if not isinstance(x, Holds) or x.condition != EMPTY]
                    if filled and len(filled) < len(every):
                        told[added] = either(filled)
                return told
        return {}

    def _maybe(self, body: list[t.Stmt], frame: Frame) -> None:
        before = dict(frame.names)
        self.block(body, frame)
        frame.ended = False
        then, frame.names = frame.names, before
        if not self._leaves(body, frame):
            self._merge(then, frame)

    def _leaves(self, body: list[t.Stmt], frame: Frame) -> bool:
        """Whether nothing gets past statements: also none past one that surely raises."""
        return t.leaves(body, turn=True) or any(self.raising.at(s, frame.scope) for s in body)

    def _merge(self, other: dict[str, Thing | None], frame: Frame) -> None:
        for name, thing in other.items():
            mine = frame.names.get(name)
            if mine is not thing:
                mine, thing = self._kept(mine, thing), self._kept(thing, mine)
                frame.names[name], dropped = merged(mine, thing)
                self.dropped.update((id(x), x) for x in dropped)

    def _kept(self, thing: Thing | None, other: Thing | None) -> Thing | None:
        """What one way leaves as it was and the other narrows: a query that stays possible."""
        narrowed: set[int] = set()
        for taken in each(other):
            step = taken.origin if isinstance(taken, Draft) else None
            while step is not None and id(step) not in narrowed:
                narrowed.add(id(step))
                step = step.origin
        made: list[Thing] = []
        for one in each(thing):
            if isinstance(one, Draft) and id(one) in narrowed and not one.manager:
                one = self.record(replace(one, origin=one))
            made.append(one)
        return either(made)

    def _loop(
        self, target: t.Expr, iter_: t.Expr, at: t.Node, body: list[t.Stmt], frame: Frame
    ) -> None:  # fmt: skip
        outer = frame.loop
        over = self.thing(iter_, frame)
        if isinstance(over, Listed) and not over.items and _is_rest(iter_, frame):
            return  # the call gives none
        if isinstance(at, t.For) and self._each_key(at, frame):
            return
        handed = self._handed_on(iter_, frame)
        if handed == Keys(()):
            return
        rows = self.rows(over, frame)
        if rows is not None:
            frame.loop = place_of(Located(at, frame.scope))
        self._target(target, over, rows, iter_, frame)
        (self._maybe if handed is None else self.block)(body, frame)
        frame.loop = outer

    def _each_key(self, loop: t.For, frame: Frame) -> bool:
        """Read a loop that takes columns by the keys of a dict once for each key."""
        turns = turns_of(loop.iter, loop.target, loop.body, frame)
        before = dict(frame.names)
        for turn in turns or ():
            with self.turning(turn, frame):
                (self.block if turn.sure else self._maybe)(loop.body, frame)
            if frame.ended:
                return True
        if turns and sum(turn.sure for turn in turns) == 1:
            self._narrowed_alone(before, frame)
        return turns is not None

    def _narrowed_alone(self, before: dict[str, Thing | None], frame: Frame) -> None:
        """Leaves out what was as it is now before a step that is sure to narrow it."""
        for name, thing in frame.names.items():
            old = each(before.get(name))
            asked = [x.where for x in old if isinstance(x, Draft)]
            left = [x for x in each(thing) if isinstance(x, Draft) and x.where in asked]
            same = {id(x) for x in (*old, *left)}
            if added := [x for x in each(thing) if id(x) not in same]:
                frame.names[name] = either(added)
                self.dropped.update((id(x), x) for x in left)

    def _handed_on(self, expr: t.Expr, frame: Frame) -> Keys | None:
        """What the call gives by name besides the parameters, where a function makes something of each:
        `for each in conditions(cls, **filters)`; some key, if the call is not told."""
        owner = frame.scope.owner
        if not isinstance(expr, t.Call) or not isinstance(owner, t.Function):
            return None
        rest = {p.name for p in owner.params if p.kind == "kwargs"}
        names = {t.dotted(k.value) for k in expr.keywords if k.name is None} & rest
        function = self.code.defined(expr.func, frame.scope) if names else None
        if function is None or not isinstance(function.node, t.Function) or not _yields_of_rest(function.node):  # fmt: skip
            return None
        told = frame.told.get(names.pop())
        return told if isinstance(told, Keys) else Keys((("", expr),))

    def _assign(
        self, targets: list[t.Expr], value: t.Expr | None, op: str, annotation: t.Expr | None, frame: Frame
    ) -> None:  # fmt: skip
        before = len(self.drafts)
        given = self.thing(value, frame) if value is not None else None
        if value is None and annotation is None:
            return
        if not op and value is not None and self._is_only_tested(targets, frame):
            self._unsent(value, before, frame)
        if not op and self._is_idle(targets, value, frame):
            self._drop(given)
        for target in targets:
            match target:
                case t.Name(id=name):
                    if op:
                        given = self._augmented(frame.find(name)[1], given, op, value, frame)
                    elif given is None and value is not None and not isinstance(value, t.Const):
                        if any(isinstance(x, Keyed) for x in each(frame.names.get(name))):
                            # in place of a dict another whose keys are not told
                            given = Keyed((), open_=True)
                    frame.names[name] = given
                case t.Attr(value=t.Name(id=owner), name=name):
                    frame.names[f"{owner}.{name}"] = given
                case t.Item(value=t.Name(id=name), index=index):
                    held = frame.find(name)[1]
                    key = self.values.text(index, frame.scope)
                    frame.names[name] = either(
                        [
                            (one.with_(key, given) if key else replace(one, open_=True))
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
                    for place, item in enumerate(items if not parts else ()):
                        if isinstance(item, t.Name) and (told := _at(given, place, value)):
                            frame.names[item.id] = either(
                                told
                            )  # sql, values = narrowed(sql, given)

    def _is_only_tested(self, targets: list[t.Expr], frame: Frame) -> bool:
        """Whether a function only asks of a variable whether it is something: `if user:`, `user is None`, `user.id`."""
        match targets, frame.scope.owner:
            case [t.Name(id=name)], t.Function(body=body) if self.has("tortoise"):
                pass
            case _:
                return False
        fine: set[int] = set()
        called = {id(n.func) for n in t.walk(*body) if isinstance(n, t.Call)}
        for node in t.walk(*body):
            match node:
                case t.If(test=x) | t.While(test=x) | t.Assert(test=x) | t.Choice(test=x):
                    fine.add(id(x))
                case t.Unary(op="not", value=x) | t.Compare(left=x, rights=[t.Const()]):
                    fine.add(id(x))
                case t.Attr(value=x) if id(node) not in called:
                    fine.add(id(x))
                case t.Assign(targets=bound, op=""):
                    fine.update(map(id, bound))
                case t.Jump(kind=kind) if name in kind.split():  # `global`
                    return False
        names = (n for n in t.walk(*body) if isinstance(n, t.Name) and n.id == name)
        return all(id(n) in fine for n in names)

    def _leave(self, guard: t.If, frame: Frame) -> None:
        """Drops what was put together before a guard that ends this way of a function, and that nothing went through."""
        body: list[t.Stmt] = getattr(frame.scope.owner, "body", [])
        place = next((i for i, stmt in enumerate(body) if stmt is guard), None)
        if place is None:
            return
        here = {id(x) for x in self.drafts[frame.since :] if self.owners[id(x)] == id(frame.scope.owner)}  # fmt: skip
        for name, thing in frame.names.items():
            made = [x for x in each(thing) if id(x) in here]
            if made and not _reads(body[: place + 1], name):
                self.dropped.update((id(x), x) for x in made if isinstance(x, Draft))

    def _is_idle(self, targets: list[t.Expr], value: t.Expr | None, frame: Frame) -> bool:
        """Whether a step of a query that asks nothing by itself is kept under a name that nothing reads."""
        match targets, value, frame.scope.owner:
            case [t.Name(id=name)], _, t.Function(body=body):
                if not self._is_step(value) or "__" in name:
                    return False
            case _:
                return False
        return not _reads(body, name)

    def _augmented(
        self, held: Thing | None, given: Thing | None, op: str, value: t.Expr | None, frame: Frame
    ) -> Thing | None:  # fmt: skip
        made: list[Thing] = []
        for one in each(held):
            match one, given:
                case Statement(), _ if value is not None and op.startswith("+"):
                    from auditor.stores.sql.statements.spelling import continued

                    made += continued(self, one, value, frame)
                case Holds(condition=a), _ if op in ("&", "|"):
                    others = [x.condition for x in each(given) if isinstance(x, Holds)] or [UNTOLD]
                    made += [Holds(joined(a, b, any_=op == "|")) for b in others]
                case Listed(items=a), Listed(items=b):
                    made.append(Listed((*a, *b)))
                case Listed(items=a), (Holds() | Draft()):
                    made.append(Listed((*a, given)))
                case Listed(items=[Statement(), *_] as a), None:
                    made.append(Listed((*a, None)))  # others besides, that are not told
                case _:
                    made.append(one)
        return either(made) if made else given


def _is_rest(expr: t.Expr, frame: Frame) -> bool:
    """Whether it is all that a call gives besides the parameters, which the function leaves so: `*filters`."""
    owner = frame.scope.owner
    if not isinstance(expr, t.Name) or not isinstance(owner, t.Function):
        return False
    rest = any(p.kind == "args" and p.name == expr.id for p in owner.params)
    return rest and expr.id in settled(owner)


def _yields_of_rest(function: t.Function) -> bool:
    """Whether a function gives something for each of its `**names`, and nothing besides."""
    rest = {f"{p.name}.items" for p in function.params if p.kind == "kwargs"}
    loops = (n for n in t.walk_own(*function.body) if isinstance(n, t.For))
    inner = [n for n in loops if isinstance(n.iter, t.Call) and t.dotted(n.iter.func) in rest]
    given = [n for n in t.walk_own(*function.body) if isinstance(n, t.Yield)]
    return bool(given) and all(any(t.holds(loop.body, x) for loop in inner) for x in given)


def _of_tortoise(thing: Thing) -> bool:
    match thing:
        case Class(entity=entity) | Row(entity=entity):
            return entity.mapper == "tortoise"
        case Draft(mapper=mapper):
            return mapper == "tortoise"
    return False


def _first(stmt: t.Stmt) -> list[t.Expr]:
    """What a statement works out whenever it is reached."""
    match stmt:
        case t.Assign(value=value) | t.Do(value=value) | t.If(test=value) | t.While(test=value) | t.For(iter=value):  # fmt: skip
            return [value] if value is not None else []
        case t.With(contexts=contexts):
            return contexts[:1]
    return []


def _at(given: Thing | None, place: int, value: t.Expr | None) -> list[Thing]:
    """The queries and statements that stand in a place of what a function gives back together, by its ways; with a mark
    for those that are not told, where the others search nothing: `return "SELECT NULL", []`."""
    from auditor.stores.sql.statements.spelling import MARK
    from auditor.stores.sql.untold import OTHER

    ways = [one.items[place] for one in each(given) if isinstance(one, Listed) and place < len(one.items)]  # fmt: skip
    if asked := [x for way in ways for x in each(way) if isinstance(x, Draft | Row | Rows)]:
        return list[Thing](asked)
    by_way = [[x for x in each(way) if isinstance(x, Statement)] for way in ways]
    told = [x for found in by_way for x in found]
    if value is not None and told and not all(by_way) and all(OTHER.match(x.text) for x in told):
        told.append(Statement(MARK, value))
    return list[Thing](told)


def _reads(body: list[t.Stmt], name: str) -> bool:
    """Whether statements read a variable."""
    reads = 0
    for node in t.walk(*body):
        match node:
            case t.Name(id=own):
                reads += own == name or own in ("locals", "vars", "eval", "exec")
            case t.Assign(targets=bound, op=""):
                reads -= sum(isinstance(x, t.Name) and x.id == name for x in bound)
            case t.Jump(kind=kind) if name in kind.split():  # `global`
                return True
    return reads != 0
