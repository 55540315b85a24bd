"""Conditions written with the attributes of document classes, as Beanie and ODMantic have them.

`Lead.tenant == tenant`, `In(Lead.status, states)`, `Lead.name.match("^A")`, joined by `&`, `|`, `Or(…)`.
Sources: Beanie, "Finding documents" and "Operators" (https://beanie-odm.dev/tutorial/finding-documents/);
ODMantic, "Filtering" (https://art049.github.io/odmantic/filtering/).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from auditor.extract.python import tree as t
from auditor.link.assembly import Whole, assembled
from auditor.link.contexts import contexts_of
from auditor.link.scopes import CallSite, Located, Scope
from auditor.link.values import Evaluator
from auditor.stores.flags import spelt, spelt_in
from auditor.stores.mongo.conditions import Conditions
from auditor.stores.mongo.documents import Documents
from auditor.stores.mongo.filters import Filters
from auditor.stores.mongo.pipelines import Sort, direction
from auditor.stores.spans import span

_COMPARES = {"==": "equality", "<": "range", "<=": "range", ">": "range", ">=": "range"}
_CALLS = {
    "In": "equality", "Eq": "equality", "All": "equality", "ElemMatch": "elements", "GT": "range",
    "GTE": "range", "LT": "range", "LTE": "range", "NE": "broad", "NotIn": "broad", "Exists": "broad",
    "Not": "broad", "Size": "broad", "Type": "broad", "Mod": "broad", "Near": "geo", "GeoWithin": "geo",
    "GeoIntersects": "geo", "NearSphere": "geo", "RegEx": "regex", "in_": "equality", "eq": "equality",
    "ne": "broad", "not_in": "broad", "gt": "range", "gte": "range", "lt": "range", "lte": "range",
    "match": "regex",
}  # fmt: skip
_OF_MAPPERS = re.compile(r"^(?:beanie|bunnet|odmantic)\.")
_JOINS = {"And": "and", "and_": "and", "Or": "or", "or_": "or", "Nor": "nor", "nor_": "nor"}


class Expressions:
    def __init__(self, values: Evaluator, documents: Documents, filters: Filters) -> None:
        self.values, self.documents, self.filters = values, documents, filters
        filters.path = self.path

    def all(self, exprs: Sequence[t.Expr], scope: Scope) -> list[Conditions]:
        """The conditions that must all hold."""
        found = [Conditions()]
        for expr in exprs:
            if isinstance(expr, t.Star):
                found = [a.joined(b) for a in found for b in self._starred(expr.value, scope)]
            else:
                found = [a.joined(b) for a in found for b in self.read(expr, scope)][:16]
        return found

    def _starred(self, expr: t.Expr, scope: Scope) -> list[Conditions]:
        """`find(*conditions)`: of a list put together in steps."""
        whole = Conditions()
        for piece in self.filters.items(expr, scope):
            if piece.expr is None:
                whole.unresolved = "the conditions are built at run time"
                continue
            with self.values.within(piece.env):
                for part in self.read(piece.expr, piece.scope)[:1]:
                    whole.add(part, piece.branches)
        return [whole]

    def read(self, expr: t.Expr, scope: Scope, depth: int = 0) -> list[Conditions]:
        if depth > 12:
            return [Conditions(unresolved="the condition is too deep")]
        if why := self._surely_absent(expr, scope):
            return [Conditions(unresolved=why)]
        match expr:
            case t.Compare(left=left, ops=[op], rights=[right]):
                if (path := self.path(left, scope)) is not None:
                    made = self._compared(path, op, right, scope)
                    if isinstance(right, t.Const) and (
                        right.value is None or isinstance(right.value, bool)
                    ):
                        made.broad.add(path)
                    return [made]
                if (path := self.path(right, scope)) is not None:
                    return [self._compared(path, op, left, scope, mirrored=True)]
            case t.Await(value=inner) | t.Bind(value=inner):
                return self.read(inner, scope, depth + 1)
            case t.BinOp(op="&", left=left, right=right):
                return [
                    a.joined(b)
                    for a in self.read(left, scope, depth + 1)
                    for b in self.read(right, scope, depth + 1)
                ]
            case t.BinOp(op="|", left=left, right=right):
                branches = self.read(left, scope, depth + 1) + self.read(right, scope, depth + 1)
                return [Conditions(either=[(branches, False)])]
            case t.Unary(value=inner) if (path := self.path(inner, scope)) is not None:
                return [Conditions({path: "equality"}, broad={path}, values={path: (False,)})]
            case t.Call(func=func):
                last = self._operator(func, scope)
                if last in _JOINS:
                    return self._joined(_JOINS[last], expr.args, scope, depth)
                if last in _CALLS:
                    return self._called(expr, _CALLS[last], scope)
                if last == "Text":
                    return [Conditions(special="text")]
                if last == "QueryExpression" and not expr.args:
                    return [Conditions()]
                function = self.values.code.defined(func, scope)
                if function is not None and isinstance(function.node, t.Function):
                    return self._returned(expr, function, scope, depth)
            case t.Attr() if (path := self.path(expr, scope)) is not None:
                return [Conditions({path: "equality"}, broad={path}, values={path: (True,)})]
            case t.Name() if wholes := assembled(self.values, expr, scope):
                return [c for whole in wholes for c in self._whole(whole, expr, depth)][:16]
            case t.Name():
                origins = [o for o in self.values.origins(expr, scope) if o.node is not expr]
                return [c for o in origins for c in self.read(o.node, o.scope, depth + 1)] or [  # type: ignore[arg-type]
                    Conditions(unresolved="the condition is built at run time")
                ]
        return self.filters.read(expr, scope)

    def _operator(self, func: t.Expr, scope: Scope) -> str:
        """What an operator is called, whatever it is imported as: `from beanie.operators import In as OneOf`."""
        name = self.values.code.name(func, scope)
        return name.rpartition(".")[2] if _OF_MAPPERS.match(name) else t.last_word(func)

    def _surely_absent(self, expr: t.Expr, scope: Scope) -> str:
        """Why a condition surely raises: it names a field that its class of documents has not."""
        match expr:
            case t.Compare(left=left, rights=rights):
                named = [left, *rights]
            case t.Call(func=t.Attr(value=owner), args=args):
                named = [owner, *args[:1]]
            case t.Call(args=args):
                named = args[:1]
            case t.Map(keys=keys):
                named = [key for key in keys if key is not None]
            case _:
                named = [expr]
        for each in named:
            part = each
            while isinstance(part, t.Unary | t.Attr | t.Item):
                if isinstance(part, t.Attr):
                    kind = self.documents.named(part.value, scope)
                    if kind is not None and self.documents.lacks(kind, part.name):
                        return f"{kind.node.name} has no field {part.name}: it raises"  # type: ignore[attr-defined]
                part = part.value
        return ""

    def _whole(self, whole: Whole, name: t.Name, depth: int) -> list[Conditions]:
        """`query = …`, then `query &= …`, some of it in some runs only."""
        found = [Conditions()]
        for piece in whole:
            if piece.taken is not None:
                key = self.values.text(piece.taken, piece.scope)
                for each in found if key else ():
                    each.without(key, piece.branches)  # type: ignore[arg-type]
                continue
            if piece.expr is None or piece.expr is name:
                return [Conditions(unresolved="the condition is built at run time")]
            with self.values.within(piece.env):
                parts = self.read(piece.expr, piece.scope, depth + 1)
            if piece.optional:
                for each in found:
                    for part in parts[:1]:
                        each.add(part, piece.branches)
            else:
                found = [a.joined(b) for a in found for b in parts][:16]
        return found

    def _returned(
        self, call: t.Call, function: Located, scope: Scope, depth: int
    ) -> list[Conditions]:
        """What a function of the tree makes of this call's arguments."""
        assert isinstance(function.node, t.Function)
        inner = self.values.code.inside(function)
        bound = contexts_of(self.values).bound_by(CallSite(call, scope))
        with self.values.within(bound):
            return [
                told
                for node in t.walk_own(*function.node.body)
                if isinstance(node, t.Return) and node.value is not None
                for told in self.read(node.value, inner, depth + 1)
            ]

    def _compared(
        self, path: str, op: str, value: t.Expr, scope: Scope, mirrored: bool = False
    ) -> Conditions:
        if _COMPARES.get(op) == "range":
            return Conditions({path: span(op, value, mirrored=mirrored)})
        if op in _COMPARES:
            given = spelt(self.values, value, scope)
            return Conditions({path: _COMPARES[op]}, values={path: given} if given else {})
        return Conditions({path: "range"}, broad={path})

    def _joined(
        self, how: str, args: Sequence[t.Expr], scope: Scope, depth: int
    ) -> list[Conditions]:
        if how == "and":
            return self.all(args, scope)
        parts = [c for arg in args for c in self.read(arg, scope, depth + 1)]
        if how == "or":
            return [Conditions(either=[(parts, False)])]
        for part in parts:
            part.broad |= set(part.kinds)
        return parts[:1] or [Conditions()]

    def _called(self, call: t.Call, kind: str, scope: Scope) -> list[Conditions]:
        """`In(Lead.status, …)`, `Lead.status.in_(…)`, `query.in_(Lead.status, …)`."""
        given = list(call.args)
        if isinstance(call.func, t.Attr) and self.path(call.func.value, scope) is not None:
            given.insert(0, call.func.value)
        path = self.path(given[0], scope) if given else None
        if path is None:
            return [Conditions(unresolved="the condition is built at run time")]
        match kind:
            case "broad":
                return [Conditions({path: "range"}, broad={path})]
            case "geo":
                return [Conditions({path: "range"}, special="geo")]
            case "elements":  # ElemMatch(Room.users, {"_id": key}), ElemMatch(Room.users, _id=key)
                at = (call.line, call.column, call.end_line)
                named = [(t.Const(*at, k.name), k.value) for k in call.keywords if k.name]
                asked = t.Map(*at, [k for k, _ in named], [v for _, v in named])
                return [self.filters.elements(path, given[1] if len(given) == 2 else asked, scope)]
            case "regex":
                anchored = len(given) == 2 and self.filters.anchored(given[1], scope)
                plain = anchored and not call.keywords
                return [Conditions({path: "range" if plain else "scanned"})]
        if kind == "range" and len(given) == 2:
            kind = span(self._operator(call.func, scope), given[1])
        listed = self._operator(call.func, scope) in ("In", "in_") and len(given) == 2
        told = spelt_in(self.values, given[1], scope) if listed else ()
        return [Conditions({path: kind}, values={path: told} if told else {})]

    def path(self, expr: t.Expr, scope: Scope) -> str | None:
        """`Lead.address.city` is `address.city`; `Lead.owner.id` the key of a reference."""
        names: list[str] = []
        while True:
            match expr:
                case t.Attr(value=value, name=name):
                    found = self.documents.named(expr, scope) if not names else None
                    if found is not None:
                        return None
                    names.insert(0, name)
                    owner = self.documents.named(value, scope)
                    if owner is not None:
                        first = self.documents.stored(owner, names[0])
                        key = "$id" if self.documents.links(owner, names[0]) else "id"
                        rest = [key if n == "id" else n for n in names[1:]]
                        return ".".join([first, *rest])
                    expr = value
                case t.Item(value=value):
                    expr = value
                case t.Unary(op="+", value=value) if not names:
                    expr = value
                case t.Const(value=str(text)) if not names:
                    return text if text else None
                case _:
                    return None

    def sort(self, exprs: Sequence[t.Expr], scope: Scope) -> Sort:
        """`-Lead.created`, `Lead.created.desc()`, `"-created"`, `("created", -1)`, and lists of them."""
        pairs: list[tuple[str, int]] = []
        for expr in exprs:
            match expr:
                case t.Unary(op=op, value=inner) if (p := self.path(inner, scope)) is not None:
                    pairs.append((p, -1 if op == "-" else 1))
                case t.Call(func=t.Attr(value=inner, name="desc" | "asc" as way)):
                    if (p := self.path(inner, scope)) is not None:
                        pairs.append((p, -1 if way == "desc" else 1))
                case t.Call(func=func, args=[inner, *_]) if (
                    last := self._operator(func, scope)
                ) in ("desc", "asc"):
                    if (p := self.path(inner, scope)) is not None:
                        pairs.append((p, -1 if last == "desc" else 1))
                case t.Seq(items=[first, t.Const(value=int()) | t.Unary() | t.Attr() as way]) if (
                    not isinstance(first, t.Seq)
                    and (p := self.path(first, scope)) is not None
                    and self._is_way(way, scope)
                ):
                    pairs.append((p, direction(self.values, way, scope)))
                case t.Seq(items=items):
                    pairs += self.sort(items, scope)
                case t.Const(value=str(text)) if text:
                    pairs.append((text.lstrip("+-"), -1 if text.startswith("-") else 1))
                case _:
                    if (p := self.path(expr, scope)) is not None:
                        pairs.append((p, 1))
                    elif isinstance(expr, t.Name):
                        for origin in self.values.origins(expr, scope)[:1]:
                            if not isinstance(origin.node, t.Name):
                                pairs += self.sort([origin.node], origin.scope)  # type: ignore[list-item]
        return tuple(pairs)  # fmt: skip

    def _is_way(self, expr: t.Expr, scope: Scope) -> bool:
        name = self.values.code.name(expr, scope)
        return not isinstance(expr, t.Attr) or "DESC" in name.upper() or "ASC" in name.upper()
