"""Aggregation pipelines, as far as an index can serve them.

An index serves the `$match` and `$sort` that stand before the documents are reshaped; each `$lookup`
asks the collection that it joins for its `foreignField`. Source: MongoDB manual, "Aggregation Pipeline
Optimization" (https://www.mongodb.com/docs/manual/core/aggregation-pipeline-optimization/).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from auditor.extract.python import tree as t
from auditor.link.assembly import Branches, Piece, Whole, assembled
from auditor.link.passed import taken
from auditor.link.scopes import Located, Scope
from auditor.link.values import Evaluator
from auditor.model.data import Bound
from auditor.stores.bounds import Bounds
from auditor.stores.mongo.conditions import Conditions
from auditor.stores.mongo.filters import Filters

_COMPUTING = {"$addFields", "$set", "$project", "$unset"}
"""Stages before which MongoDB asks what a later `$match` asks of fields that they leave as they are.
Source: the same page, "$project, $unset, $addFields, $set + $match Sequence Optimization"."""
_CUTTING = {"$limit", "$skip", "$sample"}
"""Stages that leave some of the documents: what is asked of these then, or their order, no index serves."""
_PASSING = {*_CUTTING, "$unwind", "$lookup", "$graphLookup"}
_MAX_STEPS = 6
"""Variables that are followed from one to the next."""
_RUN_TIME = "the pipeline is built at run time"
Sort = tuple[tuple[str, int], ...]


@dataclass
class Join:
    collection: str
    conditions: Conditions


@dataclass
class Pipeline:
    """What a pipeline asks of its own collection, what it joins, and how much it may bring."""

    conditions: list[Conditions] = field(default_factory=lambda: [Conditions()])
    sort: Sort = ()
    joins: list[Join] = field(default_factory=list)
    bound: Bound = Bound.NONE
    made: set[str] = field(default_factory=set)
    """The fields that stages before add, work out or take apart: no index has what is in them then."""
    changed: bool = False
    """Whether a `$sort` comes too late to be served by an index."""
    cut: bool = False
    """Whether some of the documents are left out already by their number."""


class Pipelines:
    def __init__(self, values: Evaluator, filters: Filters, bounds: Bounds) -> None:
        self.values, self.filters, self.bounds = values, filters, bounds

    def read(self, expr: t.Expr | None, scope: Scope) -> Pipeline:
        found = Pipeline()
        plain = True
        for piece in self.filters.items(expr, scope):
            with self.values.within(piece.env):
                plain = self._piece(found, piece, plain)
        return found

    def _piece(self, found: Pipeline, piece: Piece, plain: bool) -> bool:
        """Take in an item of a pipeline; whether the documents after it are still as they are stored."""
        stages = self._made(piece)
        if not stages and plain:
            for each in found.conditions:
                each.unresolved = _RUN_TIME
        plain = plain and bool(stages)
        for stage, inner, branches in stages:
            name = self.values.text(stage.keys[0], inner) or ""
            plain = self._stage(found, name, stage.values[0], inner, branches, plain)
        return plain

    def _made(self, piece: Piece) -> list[tuple[t.Map, Scope, Branches]]:
        """The stage that an item of a pipeline stands for, with what was put into it later."""
        wholes = (
            assembled(self.values, piece.expr, piece.scope)
            if isinstance(piece.expr, t.Name)
            else []
        )
        parts = [p for whole in wholes[:1] for p in whole] or [piece]
        made: list[tuple[t.Map, Scope, Branches]] = []
        for part in parts:
            branches = part.branches if part is piece else (*piece.branches, *part.branches)
            for source in self.values.sources(part.expr, part.scope)[:1]:
                if isinstance(source.node, t.Map) and source.node.keys:
                    made.append((source.node, source.scope, branches))
        return made

    def _stage(
        self,
        found: Pipeline,
        name: str,
        value: t.Expr,
        scope: Scope,
        branches: Branches,
        plain: bool,
    ) -> bool:
        """Take in one stage; whether the documents after it are still as they are stored."""
        match name:
            case "$match" | "$sort" if found.cut:
                pass
            case "$match" if plain:
                parts = self.filters.read(value, scope)
                for part in parts:
                    found.changed |= any(n.partition(".")[0] in found.made for n in part.kinds)
                    part.without_all(found.made)
                if branches:
                    for each in found.conditions:
                        each.add(parts[0], branches)
                else:
                    found.conditions = [a.joined(b) for a in found.conditions for b in parts][:16]
            case "$sort" if plain and not found.sort and not found.changed:
                found.sort = sort_of(self.values, value, scope)
            case "$unwind":  # what is asked of its items then, an index cannot answer any more
                found.changed = True
                path = self._entry(value, "path", scope) if isinstance(value, t.Map) else value
                found.made.add((self.values.text(path, scope) or "").lstrip("$").partition(".")[0])
            case _ if name in _COMPUTING:
                made = self._computed(name, value, scope)
                found.changed = True
                found.made |= made or set()
                return plain and made is not None
            case "$geoNear" if plain:
                near = self._near(value, scope)
                found.conditions = [a.joined(b) for a in found.conditions for b in near][:16]
            case "$search" | "$vectorSearch" | "$searchMeta":
                for each in found.conditions:
                    each.unresolved = f"{name} is served by a search index"
            case "$lookup" | "$graphLookup":
                self._join(found, name, value, scope)
            case _ if name in _CUTTING:
                found.cut = True
                if name == "$limit":
                    found.bound = self.bounds.of(value, scope)
            case "$unionWith":
                self._union(found, value, scope)
            case "$count":
                found.bound = Bound.ONE
            case "$facet":
                self._facet(found, value, scope)
            case "$group":
                single = isinstance(value, t.Map) and _is_constant(self._entry(value, "_id", scope))
                if single or found.bound is Bound.NONE:
                    found.bound = (
                        Bound.ONE if single else Bound.UNKNOWN
                    )  # as many as there are groups
        return plain and name in (*_PASSING, "$match", "$sort", "$geoNear")

    def _computed(self, stage: str, value: t.Expr, scope: Scope) -> set[str] | None:
        """The fields that are something else after a stage; None where they cannot be told."""
        if stage == "$unset":
            listed = value.items if isinstance(value, t.Seq) else [value]
            texts = [self.values.text(each, scope) for each in listed]
        elif isinstance(value, t.Map):
            kept = [stage == "$project" and _keeps(given) for given in value.values]
            asked = [key for key, left in zip(value.keys, kept, strict=True) if not left]
            texts = [self.values.text(key, scope) if key is not None else None for key in asked]
        else:
            return None
        names = {text.partition(".")[0] for text in texts if text}
        return names if all(texts) else None

    def _near(self, value: t.Expr, scope: Scope) -> list[Conditions]:
        """What `$geoNear` asks: its `query`, and the geo index, which has to be told where there are two."""
        asked = value if isinstance(value, t.Map) else t.Map(value.line, value.column, value.end_line, [], [])  # fmt: skip
        near = self.filters.read(self._entry(asked, "query", scope), scope)
        key = self.values.text(self._entry(asked, "key", scope), scope)
        return [n.joined(Conditions({key: "range"} if key else {}, special="geo")) for n in near]

    def _entry(self, value: t.Map, name: str, scope: Scope) -> t.Expr | None:
        for key, given in zip(value.keys, value.values, strict=True):
            if key is not None and self.values.text(key, scope) == name:
                return given
        return None

    def _join(self, found: Pipeline, name: str, value: t.Expr, scope: Scope) -> None:
        if not isinstance(value, t.Map):
            return
        collection = self.values.text(self._entry(value, "from", scope), scope) or ""
        if added := self.values.text(self._entry(value, "as", scope), scope):
            found.made.add(added.partition(".")[0])
        foreign = "foreignField" if name == "$lookup" else "connectToField"
        conditions = Conditions()
        if field_name := self.values.text(self._entry(value, foreign, scope), scope):
            conditions.kinds[field_name] = "equality"
        inner = self._entry(value, "pipeline", scope)
        if inner is not None:
            below = self.read(inner, scope)
            found.joins += below.joins
            for part in below.conditions[:1]:
                conditions.add(part)
        if conditions.kinds or conditions.unresolved:
            found.joins.append(Join(collection, conditions))

    def _union(self, found: Pipeline, value: t.Expr, scope: Scope) -> None:
        """What `$unionWith` asks of the collection whose documents it adds."""
        if not isinstance(value, t.Map):
            return  # all of them
        below = self.read(self._entry(value, "pipeline", scope), scope)
        name = self.values.text(self._entry(value, "coll", scope), scope) or ""
        found.joins += [Join(name, each) for each in below.conditions if each.kinds]
        found.joins += below.joins

    def _facet(self, found: Pipeline, value: t.Expr, scope: Scope) -> None:
        """Each of its pipelines starts from what came before: it may join, and bounds itself."""
        for inner in value.values if isinstance(value, t.Map) else ():
            found.joins += self.read(inner, scope).joins
        found.bound = Bound.ONE


def _keeps(given: t.Expr) -> bool:
    """`{"$project": {"name": 1}}`: a field that is passed on as it is."""
    return isinstance(given, t.Const) and given.value in (1, True)


def _is_constant(expr: t.Expr | None) -> bool:
    return isinstance(expr, t.Const) and not str(expr.value).startswith("$")


def sort_of(values: Evaluator, expr: t.Expr | None, scope: Scope) -> Sort:
    """`[("created", -1)]`, `{"created": -1}`, `"created"`, and what stands for them.

    Nothing where a field cannot be told: those after it are in order only among equals of it.
    """
    pairs: list[tuple[str, int]] = []
    if isinstance(expr, t.Name) and len(pieces := _put_together(values, expr, scope)) > 1:
        return tuple(pair for p in pieces for pair in sort_of(values, p.expr, p.scope))
    if expr is not None:
        settled = stands_for(values, expr, scope)
        expr, scope = settled.node, settled.scope  # type: ignore[assignment]
    for source in values.sources(expr, scope):
        inner = source.scope
        match source.node:
            case t.BoolOp(op="or", values=[*_, t.Map() | t.Seq() | t.Const() as last]):
                pairs += sort_of(values, last, inner)
            case t.Map(keys=keys, values=given):
                for key, value in zip(keys, given, strict=True):
                    if key is not None and (name := values.text(key, inner)) is not None:
                        pairs.append((name, direction(values, value, inner)))
            case t.Call(args=[t.Seq() as listed, *_]):  # SON([("created", -1)])
                pairs += sort_of(values, listed, inner)
            case t.Seq(items=items):
                for item in items:
                    match item:
                        case t.Seq(items=[first, way]):
                            if not (name := values.text(first, inner)):
                                return ()
                            pairs.append((name, direction(values, way, inner)))
                        case _:
                            if name := values.text(item, inner):
                                pairs.append(_signed(name))
            case t.Const(value=str(name)):
                pairs.append(_signed(name))
        if pairs:
            break
    return tuple((name, way) for name, way in pairs if name != "$natural" and way)


def stands_for(values: Evaluator, expr: t.Expr, scope: Scope) -> Located:
    """What an expression is in the call that is looked at: `if not by: by = "made"`, `order or [("_id", 1)]`."""
    for _ in range(_MAX_STEPS):
        pieces = _put_together(values, expr, scope) if isinstance(expr, t.Name) else ()
        if len(pieces) != 1 or pieces[0].expr is None:
            break
        expr, scope = pieces[0].expr, pieces[0].scope
    return taken(values, expr, scope)


def _put_together(values: Evaluator, name: t.Name, scope: Scope) -> Whole:
    """What a variable is made of, where each run makes it of the same."""
    wholes = assembled(values, name, scope)
    whole = wholes[0] if len(wholes) == 1 else ()
    return () if any(p.branches or p.taken or p.expr in (None, name) for p in whole) else whole


def _signed(name: str) -> tuple[str, int]:
    return (name.lstrip("+-"), -1 if name.startswith("-") else 1)


def direction(values: Evaluator, expr: t.Expr | None, scope: Scope) -> int:
    """1 or -1; 0 for `{"$meta": "textScore"}`, which is worked out for the question and no index keeps."""
    if expr is None:
        return 1
    if isinstance(expr, t.Map):
        return 0
    settled = stands_for(values, expr, scope)
    expr, scope = settled.node, settled.scope  # type: ignore[assignment]
    name = values.code.name(expr, scope)
    if name.endswith(("DESCENDING", "DESC")):
        return -1
    text = values.value(expr, scope)
    given = getattr(text, "value", 1)
    if given in ("desc", "descending"):
        return -1
    return given if isinstance(given, int) and given in (1, -1) else 1
