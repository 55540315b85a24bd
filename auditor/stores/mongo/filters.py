"""Filters in MongoDB's query language, as the conditions that they put on fields.

Source: MongoDB manual, "Query and Projection Operators"
(https://www.mongodb.com/docs/manual/reference/mql/query-predicates/). A filter is read where it is used:
put together in steps, with keys that are only there in some runs, from functions and from what callers
hand down.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator

from msgspec.structs import replace

from auditor.extract.python import tree as t
from auditor.link.assembly import Piece, Whole, assembled
from auditor.link.contexts import contexts_of
from auditor.link.passed import outcome, taken
from auditor.link.scopes import CallSite, Scope
from auditor.link.values import Evaluator
from auditor.model.values import Known, possible
from auditor.stores.flags import spelt_in
from auditor.stores.mongo.conditions import FEW, MOST, Conditions, narrowed
from auditor.stores.spans import span

_EQUAL = {"$eq", "$in", "$all"}
_SPAN = {"$gt", "$gte", "$lt", "$lte"}
_BROAD = {"$ne", "$nin", "$exists", "$not", "$type", "$size", "$mod", "$bitsAllSet", "$bitsAnySet"}
COMPUTED = "$expr"
"""What is worked out from fields stands for itself in the conditions, as nothing that an index has."""
_PLACES = {"$near", "$nearSphere", "$geoWithin", "$geoIntersects", "$within"}
_IGNORED = {"$comment", "$options", "$maxDistance", "$minDistance", "$hint"}
_AT_RUN_TIME = "the filter is built at run time"
_MAX_DEPTH = 12
_MAX_STEPS = 2_000
"""How much of the code is read for one filter."""
_TEXTS = re.compile(
    r"(?:^|\.)request\.(?:form|args|values|cookies|headers|query_params|path_params|match_info)$"
)
"""Mappings of texts that a request brings."""
_COPIES = {"dict", "copy", "deepcopy", "SON", "OrderedDict", "jsonable_encoder", "RawBSONDocument"}


class Filters:
    """Reads filters; `values` tells what names stand for."""

    def __init__(self, values: Evaluator) -> None:
        self.values, self.code = values, values.code
        self.path: Callable[[t.Expr, Scope], str | None] = lambda expr, scope: None
        """How a mapper spells a field as a key: `{Lead.name: name}`."""
        self._depth = self._steps = 0
        self._called: set[int] = set()
        """The functions whose calls are being read: one that calls itself makes what nobody can tell."""

    def read(self, expr: t.Expr | None, scope: Scope) -> list[Conditions]:
        """The conditions of a filter, one for each way in which it may have been made."""
        if expr is None or (isinstance(expr, t.Const) and expr.value is None):
            return [Conditions()]
        self._steps = self._steps + 1 if self._depth else 0
        if self._depth > _MAX_DEPTH or self._steps > _MAX_STEPS:
            return [Conditions(unresolved=_AT_RUN_TIME)]
        self._depth += 1
        try:
            return self._read(expr, scope)[:MOST] or [Conditions(unresolved=_AT_RUN_TIME)]
        finally:
            self._depth -= 1

    def _read(self, expr: t.Expr, scope: Scope) -> list[Conditions]:
        match expr:
            case t.Map():
                return self._map(expr, scope)
            case t.Name():
                return self._name(expr, scope)
            case t.Await(value=inner) | t.Bind(value=inner) | t.Star(value=inner):
                return self.read(inner, scope)
            case t.Choice(test=test, then=then, other=other):
                told = outcome(self.values, test, scope)
                sides = [then, other] if told is None else [then if told else other]
                return [each for side in sides for each in self.read(side, scope)]
            case t.BoolOp(op="or", values=[first, *rest]):
                nothing = outcome(self.values, first, scope) is False
                return self.read(rest[0] if nothing else first, scope)
            case t.BinOp(op="|", left=left, right=right):
                return [
                    a.joined(b) for a in self.read(left, scope) for b in self.read(right, scope)
                ]
            case t.Comp(kind="DictComp"):
                return self._comprehension(expr, scope)
            case t.Call(func=t.Name(id="ObjectId") | t.Attr(name="ObjectId")):
                return [Conditions({"_id": "equality"})]  # what is no filter is the key's value
            case t.Text() | t.Const(value=str() | int()) | t.Call(func=t.Name(id="str" | "int")):
                return [Conditions({"_id": "equality"})]
            case t.Call(func=t.Attr(value=sent, name="get")) | t.Item(value=sent) if _TEXTS.search(t.dotted(sent)):  # fmt: skip
                return [Conditions({"_id": "equality"})]
            case t.Call(func=t.Attr(value=base, name="get"), args=[key, *rest]) if (
                found := self._entry(base, key, scope, rest)
            ):
                return found
            case t.Call():
                return self._call(expr, scope)
            case t.Attr(name="_id" | "inserted_id") | t.Item(index=t.Const(value="_id")):
                return [Conditions({"_id": "equality"})]
            case t.Attr():
                origins = self.values.origins(expr, scope)
                return [
                    told
                    for origin in origins
                    if origin.node is not expr
                    for told in self.read(origin.node, origin.scope)  # type: ignore[arg-type]
                ]
            case t.Item(value=base, index=key) if found := self._entry(base, key, scope):
                return found
            case t.Item():  # args[0]
                sources = self.values.sources(expr, scope)
                if all(isinstance(source.node, t.Map) for source in sources):
                    return [told for s in sources for told in self.read(s.node, s.scope)]  # type: ignore[arg-type]
        return []

    def _entry(
        self, base: t.Expr, key: t.Expr, scope: Scope, default: list[t.Expr] | None = None
    ) -> list[Conditions]:
        """What stands in a dict of the code under a key, or under each where a run alone tells which:
        `FILTERS["open"]`, `options.get("filter", {})`; nothing where that is not all that the dict holds."""
        if isinstance(base, t.Name):
            wholes = assembled(self.values, base, scope)
        else:
            wholes = [(Piece(s.node, s.scope),) for s in self.values.sources(base, scope)]  # type: ignore[arg-type]
        name = self.values.text(key, scope)
        found: list[Conditions] = []
        for whole in wholes:
            held: list[Piece] = []
            for piece in reversed(whole):
                settled = taken(self.values, piece.expr, piece.scope) if piece.expr else None
                if settled is None or not isinstance(settled.node, t.Map):
                    return []
                keys, given = settled.node.keys, settled.node.values
                names = [
                    self.values.text(k, settled.scope) if k is not None else None for k in keys
                ]
                if None in names:
                    return []
                pairs = zip(names, given, strict=True)
                here = [
                    replace(piece, expr=value, scope=settled.scope)
                    for other, value in pairs
                    if name in (None, other)
                ]
                held += here
                if name is not None and here and not piece.optional:
                    break
            else:
                if default is not None:
                    found += self.read(default[0] if default else None, scope)
            found += [each for piece in held for each in self.piece(piece)]
        return found

    def _name(self, expr: t.Name, scope: Scope) -> list[Conditions]:
        wholes = assembled(self.values, expr, scope)
        if wholes:
            return [c for whole in wholes for c in self._whole(whole, expr)]
        origins = [o for o in self.values.origins(expr, scope) if o.node is not expr]
        return [c for o in origins for c in self.read(o.node, o.scope)]  # type: ignore[arg-type]

    def _whole(self, whole: Whole, name: t.Name) -> list[Conditions]:
        found = [Conditions()]
        for piece in whole:
            if piece.needs is not None and self._lacks(found, piece):
                continue
            if piece.taken is not None:
                key = self.values.text(piece.taken, piece.scope)
                for each in found if key else ():
                    each.without(key, piece.branches)  # type: ignore[arg-type]
                continue
            if piece.expr is None or piece.expr is name:
                return [Conditions(unresolved=_AT_RUN_TIME)]
            parts = self.piece(piece)
            found = narrowed(found, parts, piece.branches)
        return found

    def _lacks(self, found: list[Conditions], piece: Piece) -> bool:
        """Whether the key that a piece depends on is in none of the ways in which a filter was made."""
        key = self.values.text(piece.needs, piece.scope)
        return key is not None and all(not c.unresolved and key not in c.kinds for c in found)

    def elements(self, name: str, given: t.Expr | None, scope: Scope) -> Conditions:
        """What `$elemMatch` asks of a list's elements."""
        nested = Conditions()
        for made in self.read(given, scope)[:1]:
            nested.kinds = {f"{name}.{part}": kind for part, kind in made.kinds.items()}
            nested.broad = {f"{name}.{part}" for part in made.broad}
        if not nested.kinds:
            nested.kinds[name] = "equality"
        return nested

    def _matched(self, given: t.Expr, scope: Scope) -> list[tuple[t.Expr, Scope]]:
        """What `{"$all": [{"$elemMatch": {…}}, …]}` asks of a list's elements; nothing where it lists values.

        Source: https://www.mongodb.com/docs/manual/reference/operator/query/all/#use--all-with--elemmatch.
        """
        return [
            (asked, inner)
            for piece in self.items(given, scope)
            if piece.expr is not None
            for operator, asked, inner in self._operators(piece.expr, piece.scope) or ()
            if operator == "$elemMatch"
        ]

    def _comprehension(self, made: t.Comp, scope: Scope) -> list[Conditions]:
        """`{k: v for k, v in filters.items() if v is not None}`: each of them, in some runs."""
        match made.elements, made.loops:
            case [t.Name(id=key), _], [
                t.Loop(
                    target=t.Seq(items=[t.Name(id=first), _]),
                    iter=t.Call(func=t.Attr(value=base, name="items")),
                    conditions=conditions,
                )
            ] if key == first:
                found = self.read(base, scope)
                for each in found if conditions else ():
                    each.optional |= {name: (hash(name),) for name in each.kinds}
                return found
        return []

    def _call(self, expr: t.Call, scope: Scope) -> list[Conditions]:
        last = t.last_word(expr.func)
        if isinstance(expr.func, t.Attr) and last in ("dict", "model_dump", "to_dict", "to_mongo"):
            return [Conditions(unresolved="a whole document is its filter")]
        if last in _COPIES:
            if last == "copy" and isinstance(expr.func, t.Attr) and not expr.args:
                return self.read(expr.func.value, scope)
            if expr.args:
                return self.read(expr.args[0], scope)
            at = (expr.line, expr.column, expr.end_line)
            named = [k for k in expr.keywords if k.name]
            return self._map(
                t.Map(*at, [t.Const(*at, k.name) for k in named], [k.value for k in named]), scope
            )
        function = self.code.defined(expr.func, scope)
        if function is None or not isinstance(function.node, t.Function):
            return []
        key = id(function.node)
        if key in self._called:
            return [Conditions(unresolved=_AT_RUN_TIME)]
        inner = self.code.inside(function)
        self._called.add(key)
        try:
            with self.values.within(contexts_of(self.values).bound_by(CallSite(expr, scope))):
                returned = list(self._returned(function.node.body, inner))
                return [c for value in returned for c in self.read(value, inner)]
        finally:
            self._called.discard(key)

    def _returned(self, body: list[t.Stmt], scope: Scope) -> Iterator[t.Expr]:
        """What a function gives back in this call: of an `if` about the filter it is given, one side.

        `if "tenant" in query: return query`, `if not query: return {"tenant": tenant}`, and then both.
        """
        for stmt in body:
            if not isinstance(stmt, t.If):
                for node in t.walk_own(stmt):
                    if isinstance(node, t.Return) and node.value is not None:
                        yield node.value
                if isinstance(stmt, t.Return | t.Raise):
                    return
                continue
            outcome = self._decided(stmt.test, scope)
            if outcome is not False:
                yield from self._returned(stmt.body, scope)
            if outcome is not True:
                yield from self._returned(stmt.orelse, scope)
            taken = stmt.body if outcome else stmt.orelse
            if outcome is not None and taken and isinstance(taken[-1], t.Return | t.Raise):
                return

    def _decided(self, test: t.Expr, scope: Scope) -> bool | None:
        """The outcome of a test that asks what is in a filter; None where this call does not tell."""
        match test:
            case t.Unary(op="not", value=inner):
                outcome = self._decided(inner, scope)
                return None if outcome is None else not outcome
            case t.Compare(
                left=t.Const(value=str(key)), ops=["in" | "not in" as op], rights=[asked]
            ):
                found = self.read(asked, scope)
                told = not any(c.unresolved or key in c.optional for c in found)
                held = {key in c.kinds for c in found} if told and key[:1] != "$" else set()
                return held.pop() == (op == "in") if len(held) == 1 else None
            case t.Name():
                found = self.read(test, scope)
                if not found or any(c.unresolved or c.optional for c in found):
                    return None
                full = {bool(c.kinds or c.either or c.special) for c in found}
                return full.pop() if len(full) == 1 else None
        return None

    # --- one level

    def _map(self, node: t.Map, scope: Scope) -> list[Conditions]:
        found = [Conditions()]
        for key, value in zip(node.keys, node.values, strict=True):
            if key is None:
                optional = isinstance(value, t.Choice)
                parts = self.read(value, scope)
                if optional:  # {**({"status": status} if status else {})}
                    for each in found:
                        for part in parts:
                            each.add(part, (id(value),))
                else:
                    found = [each.joined(part) for each in found for part in parts][:MOST]
                continue
            names = self._names(key, scope)
            # {"status" if status else None: status}, of which None is taken out
            if _may_be_none(key):
                for each in found:
                    part = Conditions()
                    self._condition(names[0] or "", value, scope, part)
                    each.add(part, (id(key),))
                continue
            found = [copy for each in found for copy in each.copies(len(names))][:MOST]
            for each, name in zip(found, itertools.cycle(names), strict=False):
                if name is None:
                    each.unresolved = "a field of the filter is named at run time"
                elif name.startswith("$"):
                    self._combined(name, value, scope, each)
                else:
                    self._condition(name, value, scope, each)
        return found

    def _names(self, key: t.Expr, scope: Scope) -> list[str | None]:
        """What a key may be: one name, or one of the few that a variable is given."""
        texts = [v.value for v in possible(self.values.value(key, scope))]
        told = list(dict.fromkeys(text for text in texts if isinstance(text, str) and text))
        return [*told[:FEW]] or [self.path(key, scope)]

    def _combined(self, name: str, value: t.Expr, scope: Scope, into: Conditions) -> None:
        """The operators that stand in the place of a field."""
        match name:
            case "$and":
                for part in self._listed(value, scope, into):
                    made = self.piece(part)
                    if len(made) == 1:
                        made[0].own.clear()
                        into.add(made[0], part.branches)
                    elif made:
                        into.either.append((made, part.optional))
            case "$or":
                branches = [
                    branch
                    for part in self._listed(value, scope, into)
                    for way in self.piece(part)
                    for branch in way.flat()
                ]
                if branches:
                    into.without("$or")
                    into.either.append((branches, False))
                    into.own.add(id(branches))
            case "$nor":
                for part in self._listed(value, scope, into):
                    for none in self.piece(part):
                        none.broad |= set(none.kinds)
                        into.add(none)
            case "$text":
                into.special = "text"
            case "$expr":
                self._compared(value, scope, into)
                into.kinds.setdefault(COMPUTED, "scanned")
            case "$where" | "$jsonSchema":
                into.kinds[name] = "scanned"
            case _ if name not in _IGNORED:
                into.unresolved = f"{name} is not judged"

    def _compared(self, value: t.Expr, scope: Scope, into: Conditions, depth: int = 0) -> None:
        """`{"$expr": {"$eq": ["$order", "$$id"]}}`: a field that is compared with a value.

        What is worked out from fields, no index has, and none is asked for it. Source: MongoDB manual,
        "$expr" (https://www.mongodb.com/docs/manual/reference/operator/query/expr/#behavior).
        """
        for source in self.values.sources(value, scope)[:1]:
            node, inner = source.node, source.scope
            if not isinstance(node, t.Map) or len(node.keys) != 1 or depth > _MAX_DEPTH:
                return
            name, given = self.values.text(node.keys[0], inner), node.values[0]
            if name == "$and":
                for part in self.items(given, inner):
                    if part.expr is not None and not part.optional:
                        with self.values.within(part.env):
                            self._compared(part.expr, part.scope, into, depth + 1)
            elif name in (*_SPAN, "$eq") and isinstance(given, t.Seq) and len(given.items) == 2:
                texts = [self.values.text(item, inner) or "" for item in given.items]
                fields = [x[1:] for x in texts if x.startswith("$") and not x.startswith("$$")]
                if len(fields) == 1 and not any(isinstance(item, t.Map) for item in given.items):
                    into.add(Conditions({fields[0]: "equality" if name == "$eq" else "range"}))

    def piece(self, part: Piece) -> list[Conditions]:
        """The conditions of a filter that is one of several in a list."""
        with self.values.within(part.env):
            return self.read(part.expr, part.scope)

    def _listed(self, value: t.Expr, scope: Scope, into: Conditions) -> list[Piece]:
        parts = list(self.items(value, scope))
        if not parts or any(part.expr is None for part in parts):
            into.unresolved = into.unresolved or _AT_RUN_TIME
        return [part for part in parts if part.expr is not None]

    def items(self, expr: t.Expr | None, scope: Scope, depth: int = 0) -> Iterator[Piece]:
        """The items of a list, also of one put together in steps; None where one is not told."""
        if depth > _MAX_DEPTH:
            return
        match expr:
            case t.Seq(items=items):
                for item in items:
                    if isinstance(item, t.Star):
                        star = (id(item),) if isinstance(item.value, t.Choice) else ()
                        for piece in self.items(item.value, scope, depth + 1):
                            yield replace(piece, branches=(*piece.branches, *star))
                    else:
                        yield Piece(item, scope)
            case t.Name():
                wholes = assembled(self.values, expr, scope)
                for piece in wholes[0] if wholes else ():
                    if piece.taken is not None:
                        continue
                    if piece.expr is None or piece.expr is expr:
                        yield Piece(None, scope)
                        continue
                    for inner in self.items(piece.expr, piece.scope, depth + 1):
                        yield replace(inner, branches=(*piece.branches, *inner.branches))
                if not wholes:
                    yield from self._from_origins(expr, scope, depth)
            case t.BinOp(op="+", left=left, right=right):
                yield from self.items(left, scope, depth + 1)
                yield from self.items(right, scope, depth + 1)
            case t.Await(value=value) | t.Bind(value=value):
                yield from self.items(value, scope, depth + 1)
            case t.Choice(test=test, then=then, other=other):
                told = outcome(self.values, test, scope)
                for side in (then, other) if told is None else (then if told else other,):
                    yield from self.items(side, scope, depth + 1)
            case t.Comp(kind="ListComp" | "GeneratorExp", elements=[element], loops=loops):
                turns = contexts_of(self.values).turns(loops[0], scope) if len(loops) == 1 else []
                for env in turns[:MOST] or [{}]:
                    yield Piece(element, scope, env=env)
            case t.Call(func=t.Name(id="list" | "tuple"), args=[value]):
                yield from self.items(value, scope, depth + 1)
            case t.Call():
                yield from self._given_back(expr, scope, depth)
            case t.Attr():
                yield from self._from_origins(expr, scope, depth)
            case t.Item():  # INDEXES["leads"]
                sources = [s for s in self.values.sources(expr, scope) if s.node is not expr]
                for source in sources:
                    yield from self.items(source.node, source.scope, depth + 1)  # type: ignore[arg-type]
                if not sources:
                    yield Piece(None, scope)
            case None:
                return
            case _:
                yield Piece(None, scope)

    def _given_back(self, call: t.Call, scope: Scope, depth: int) -> Iterator[Piece]:
        """The items of the list that a function of the tree gives for a call: of each it may give."""
        function = self.code.defined(call.func, scope)
        if function is None or not isinstance(function.node, t.Function):
            yield Piece(None, scope)
            return
        inner = self.code.inside(function)
        env = contexts_of(self.values).bound_by(CallSite(call, scope))
        with self.values.within(env):
            ways = list(self._returned(function.node.body, inner))
            lists = [list(self.items(way, inner, depth + 1)) for way in ways]
        for way, listed in zip(ways, lists, strict=True):
            taken = (id(way),) if len(ways) > 1 else ()
            for piece in listed:
                yield replace(piece, branches=(*piece.branches, *taken), env={**env, **piece.env})

    def _from_origins(self, expr: t.Name | t.Attr, scope: Scope, depth: int) -> Iterator[Piece]:
        origins = [o for o in self.values.origins(expr, scope) if o.node is not expr]
        for origin in origins:
            yield from self.items(origin.node, origin.scope, depth + 1)  # type: ignore[arg-type]
        if not origins:
            yield Piece(None, scope)

    def _condition(self, name: str, value: t.Expr, scope: Scope, into: Conditions) -> None:
        """What is asked of one field: a value, or operators."""
        if isinstance(value, t.Map) and not value.keys:
            return  # its operators are put in later
        operators = self._operators(value, scope)
        if operators is None:
            self._value(name, value, scope, into)
            return
        for operator, given, inner in operators:
            if operator == "$elemMatch":
                into.add(self.elements(name, given, inner))
            elif operator == "$all" and (matched := self._matched(given, inner)):
                for each, where in matched:
                    into.add(self.elements(name, each, where))
            elif operator in _EQUAL:
                listed = spelt_in(self.values, given, inner) if operator == "$in" else ()
                into.add(Conditions({name: "equality"}, values={name: listed} if listed else {}))
                if operator == "$eq":
                    self._value(name, given, inner, into)
            elif operator in _SPAN:
                into.add(Conditions({name: span(operator, given)}))
            elif operator in _PLACES:
                into.add(Conditions({name: "range"}, special="geo"))
            elif operator == "$regex":
                options = next((g for o, g, _ in operators if o == "$options"), None)
                anchored = self.anchored(given, inner) and options is None
                into.add(Conditions({name: "range" if anchored else "scanned"}))
            elif operator in _BROAD:
                into.add(Conditions({name: "range"}, broad={name}))
            elif operator not in _IGNORED:
                into.unresolved = f"{operator or 'an operator named at run time'} is not judged"

    def _operators(self, value: t.Expr, scope: Scope) -> list[tuple[str, t.Expr, Scope]] | None:
        """(operator, what it compares with) of `{"$gte": start}`, also of one made in steps."""
        pieces: list[Piece] = [Piece(value, scope)]
        if isinstance(value, t.Name):
            wholes = assembled(self.values, value, scope)
            pieces = [p for whole in wholes[:1] for p in whole]
        found: list[tuple[str, t.Expr, Scope]] = []
        for piece in pieces:
            node, inner = piece.expr, piece.scope
            if isinstance(node, t.Choice):
                sides = [x for x in (node.then, node.other) if isinstance(x, t.Map) and x.keys]
                node = sides[0] if sides else node
            if isinstance(node, t.Attr):
                origins = self.values.origins(node, inner)
                if origins and isinstance(origins[0].node, t.Map):
                    node, inner = origins[0].node, origins[0].scope
            if isinstance(node, t.Map):
                for key, given in zip(node.keys, node.values, strict=True):
                    with self.values.within(piece.env):
                        text = self.values.text(key, inner) if key is not None else None
                    if text is not None and text.startswith("$"):
                        found.append((text, given, inner))
                    elif text is None and _begins(key, "$"):
                        found.append(("$gte", given, inner))  # f"${comparison}"
        return found or None

    def _value(self, name: str, value: t.Expr, scope: Scope, into: Conditions) -> None:
        pattern = self._pattern(value, scope)
        if pattern is not None:
            anchored, plain = self.anchored(pattern.args[0], scope), len(pattern.args) == 1
            plain = plain and not pattern.keywords
            into.add(Conditions({name: "range" if anchored and plain else "scanned"}))
            return
        told = Conditions({name: "equality"})
        if isinstance(value, t.Const):
            told.values[name] = (value.value,)
        elif isinstance(value, t.Attr) or self._is_constant(value, scope):
            known = self.values.value(value, scope)
            if isinstance(known, Known) and isinstance(known.value, str):
                told.values[name] = (known.value,)
        if self._is_flag(value, scope):
            told.broad.add(name)
        into.add(told)

    def _is_constant(self, value: t.Expr, scope: Scope) -> bool:
        """Whether a name stands for what a module says, in whatever run."""
        found = self.code.find(value.id, scope) if isinstance(value, t.Name) else None
        return found is not None and found[0].owner is None

    def _is_flag(self, value: t.Expr, scope: Scope) -> bool:
        """What is true or false: `True`, `not x`, `a == b`, a parameter that is a bool."""
        match value:
            case t.Const(value=constant):
                return isinstance(constant, bool)
            case t.Unary(op="not") | t.Compare() | t.Call(func=t.Name(id="bool")):
                return True
            case t.Name(id=name):
                found = self.code.find(name, scope)
                return found is not None and any(
                    isinstance(b.node, t.Param)
                    and b.node.annotation is not None
                    and any(t.dotted(n) == "bool" for n in t.walk_own(b.node.annotation) if isinstance(n, t.Name))
                    for b in found[1]
                )  # fmt: skip
        return False

    def _pattern(self, value: t.Expr, scope: Scope) -> t.Call | None:
        """`re.compile(…)`, `Regex(…)`, here or where a variable got it."""
        for source in [value, *(o.node for o in self.values.origins(value, scope))]:
            if isinstance(source, t.Call) and source.args:
                name = self.code.name(source.func, scope)
                if name in ("re.compile", "bson.regex.Regex", "bson.Regex", "regex.compile"):
                    return source
        return None

    def anchored(self, pattern: t.Expr, scope: Scope) -> bool:
        """Whether a pattern starts with text that the value must start with."""
        match pattern:
            case t.Text(parts=[t.Const(value=str(text)), *_]):
                return text.startswith("^")
            case t.BinOp(op="+", left=left):
                return self.anchored(left, scope)
            case t.Call(args=[inner, *_]) if t.dotted(pattern.func) == "re.compile":
                return self.anchored(inner, scope)
        text_ = self.values.text(pattern, scope)
        return text_ is not None and bool(re.match(r"\^(?!\(\?i\)|\.\*)", text_))


def _may_be_none(key: t.Expr) -> bool:
    """Whether a key is one of a dict in some runs, and None in others."""
    sides = (key.then, key.other) if isinstance(key, t.Choice) else ()
    return sum(isinstance(side, t.Const) and side.value is None for side in sides) == 1


def _begins(expr: t.Expr | None, text: str) -> bool:
    """Whether a text that is put together begins so."""
    match expr:
        case t.Text(parts=[t.Const(value=str(first)), *_]):
            return first.startswith(text)
        case t.BinOp(op="+", left=t.Const(value=str(first))):
            return first.startswith(text)
    return False
