"""MongoDB through Motor and PyMongo: clients, collections, queries as shapes, indexes.

Sources: the PyMongo and Motor API documentation and MongoDB's manual on query operators and
aggregation. Collections are followed by attribute, subscript, `get_collection`, variables, class
attributes and injected databases; a call site whose collection or filter cannot be told is kept,
with the reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from auditor.extract.python import tree as t
from auditor.link.application import Application, provides
from auditor.link.names import CallSite, Scope, argument
from auditor.link.reach import Reach
from auditor.link.values import Evaluator, place_of
from auditor.model.data import Connection, Index, Query
from auditor.model.values import possible

_CLIENTS = (
    "motor.motor_asyncio.AsyncIOMotorClient",
    "motor.motor_tornado.MotorClient",
    "motor.MotorClient",
    "pymongo.MongoClient",
    "pymongo.mongo_client.MongoClient",
    "pymongo.AsyncMongoClient",
    "pymongo.asynchronous.mongo_client.AsyncMongoClient",
)
_CLIENT = re.compile(r"^(?:motor|pymongo)(?:\.\w+)*\.\w*(?:Client|Database|Collection)\(\)")

FILTERED = {
    "find": 0, "find_one": 0, "count_documents": 0, "count": 0, "update_one": 0, "update_many": 0,
    "replace_one": 0, "delete_one": 0, "delete_many": 0, "find_one_and_update": 0,
    "find_one_and_delete": 0, "find_one_and_replace": 0, "distinct": 1, "find_raw_batches": 0,
}  # fmt: skip
"""Operation -> position of its filter."""
_OTHER = {"insert_one", "insert_many", "aggregate", "bulk_write", "estimated_document_count"}
_CERTAIN = {
    "insert_one", "insert_many", "update_one", "update_many", "delete_one", "delete_many",
    "count_documents", "find_one_and_update", "find_one_and_delete", "find_one_and_replace",
    "replace_one",
}  # fmt: skip
"""Names that no other common library uses."""
_EQUALITY = {"$eq", "$in", "$elemMatch", "$all"}
_RANGE = {"$gt", "$gte", "$lt", "$lte", "$ne", "$nin", "$exists", "$not", "$mod", "$type", "$size"}


@provides(Connection)
def connections(application: Application) -> Iterator[Connection]:
    for site in application.code.calls(*_CLIENTS):
        url = site.arg(0, "host")
        worth = application.values.value(url, site.scope) if url is not None else None
        options = tuple(k.name for k in site.node.keywords if k.name)
        yield Connection("mongodb", worth, place_of(site), options)


@dataclass
class _Shape:
    equality: list[str] = field(default_factory=list)
    range: list[str] = field(default_factory=list)
    branches: list[_Shape] = field(default_factory=list)
    unresolved: str = ""


@provides(Query)
def queries(application: Application) -> list[Query]:
    reader = MongoReader(application.values)
    sites = application.code.method_calls(*sorted({*FILTERED, *_OTHER}))
    return sorted((q for site in sites for q in reader.queries(site)), key=lambda q: q.place)


@dataclass
class MongoReader:
    values: Evaluator

    def __post_init__(self) -> None:
        self.code = self.values.code

    # --- collections

    def collection(self, expr: t.Expr, scope: Scope, depth: int = 0) -> tuple[str, bool] | None:
        """(name, certain) of the collection an expression stands for; None when it is none.

        An empty name means a collection whose name is only known at run time.
        """
        name = self.code.name(expr, scope)
        certain = bool(_CLIENT.match(name))
        found = self._spelt(expr, scope, depth)
        if found is None:
            return ("", True) if certain else None
        return found, certain

    def _spelt(self, expr: t.Expr, scope: Scope, depth: int) -> str | None:
        if depth > 8:
            return None
        match expr:
            case t.Await(value=value):
                return self._spelt(value, scope, depth)
            case t.Item(value=_, index=index):
                return self.values.text(index, scope) or ""
            case t.Call(func=t.Attr(name="get_collection")):
                return self.values.text(argument(expr, 0, "name"), scope) or ""
            case t.Call(func=t.Attr(value=inner, name="with_options")):
                return self._spelt(inner, scope, depth + 1)
        sources = self.values.sources(expr, scope)
        for source in sources:
            if source.node is not expr and not isinstance(source.node, t.Name):
                spelt = self._spelt(source.node, source.scope, depth + 1)  # type: ignore[arg-type]
                if spelt is not None:
                    return spelt
        if isinstance(expr, t.Attr) and not _is_self(expr.value):
            return expr.name
        if isinstance(expr, t.Attr) and not sources:
            return ""
        return None

    # --- queries

    def queries(self, site: CallSite) -> Iterator[Query]:
        func = site.node.func
        if not isinstance(func, t.Attr):
            return
        operation = func.name
        found = self.collection(func.value, site.scope)
        typed = bool(_CLIENT.match(self.code.name(func.value, site.scope)))
        if not typed and not self._looks_mongo(site, operation):
            return
        if self.code.defined(func, site.scope) is not None:
            return  # a method of the tree with the same name
        collection = found[0] if found else ""
        shape, sort = self._shape(site, operation)
        reason = shape.unresolved or ("" if collection else "the collection is named at run time")
        for branch in shape.branches or [shape]:
            equality = [*shape.equality, *branch.equality] if shape.branches else shape.equality
            spans = [*shape.range, *branch.range] if shape.branches else shape.range
            yield Query(
                "mongodb",
                collection,
                operation,
                tuple(dict.fromkeys(equality)),
                tuple(x for x in dict.fromkeys(spans) if x not in equality),
                tuple(sort),
                place_of(site),
                reason,
                typed,
            )

    def _looks_mongo(self, site: CallSite, operation: str) -> bool:
        """An untyped receiver: by a method only MongoDB has, or a filter in its language."""
        assert isinstance(site.node.func, t.Attr)
        receiver = t.dotted(site.node.func.value)
        if operation in _CERTAIN:
            return True
        if not re.search(r"(?:^|[._])(?:db|database|mongo\w*|collection|coll)(?:[._]|$)", receiver):
            return False
        name = self.code.name(site.node.func.value, site.scope)
        return not name.startswith(("re.", "builtins.", "sqlalchemy", "bs4", "xml", "lxml"))

    def _shape(self, site: CallSite, operation: str) -> tuple[_Shape, list[tuple[str, int]]]:
        if operation == "aggregate":
            return self._pipeline(site)
        position = FILTERED.get(operation)
        shape = _Shape()
        if position is not None:
            given = site.arg(position, "filter", "query")
            if given is not None:
                self._filter(given, site.scope, shape)
        sort = self._sort(site.arg(None, "sort"), site.scope) or self._chained_sort(site)
        return shape, sort

    def _chained_sort(self, site: CallSite) -> list[tuple[str, int]]:
        """`.sort(…)` on the cursor, in the same expression or on the variable that holds it."""
        for call in self.code.method_calls("sort"):
            if not isinstance(call.node.func, t.Attr) or call.path != site.path:
                continue
            inner = call.node.func.value
            while isinstance(inner, t.Call) and inner is not site.node:
                inner = inner.func.value if isinstance(inner.func, t.Attr) else inner.func
            if inner is site.node:
                return self._sort_arguments(call)
            if isinstance(inner, t.Name) and call.scope is site.scope:
                if any(o.node is site.node for o in self.values.origins(inner, call.scope)):
                    return self._sort_arguments(call)
        return []

    def _sort_arguments(self, call: CallSite) -> list[tuple[str, int]]:
        first = call.arg(0, "key_or_list")
        direction = self._direction(call.arg(1, "direction"), call.scope)
        name = self.values.text(first, call.scope)
        return [(name, direction)] if name else self._sort(first, call.scope)

    def _sort(self, expr: t.Expr | None, scope: Scope) -> list[tuple[str, int]]:
        pairs: list[tuple[str, int]] = []
        for source in self.values.sources(expr, scope):
            items = source.node.items if isinstance(source.node, t.Seq) else []
            if isinstance(source.node, t.Map):
                for key, value in zip(source.node.keys, source.node.values, strict=True):
                    if (name := self.values.text(key, source.scope)) is not None:
                        pairs.append((name, self._direction(value, source.scope)))
            for item in items:
                match item:
                    case t.Seq(items=[name_expr, direction]):
                        if name := self.values.text(name_expr, source.scope):
                            pairs.append((name, self._direction(direction, source.scope)))
                    case _:
                        if name := self.values.text(item, source.scope):
                            pairs.append((name, 1))
            if pairs:
                return pairs
            if isinstance(source.node, t.Const) and isinstance(source.node.value, str):
                return [(source.node.value, 1)]
        return pairs

    def _direction(self, expr: t.Expr | None, scope: Scope) -> int:
        if expr is None:
            return 1
        if self.code.name(expr, scope).endswith("DESCENDING"):
            return -1
        value = next((k.value for k in possible(self.values.value(expr, scope))), 1)
        return value if isinstance(value, int) and value in (1, -1) else 1

    def _pipeline(self, site: CallSite) -> tuple[_Shape, list[tuple[str, int]]]:
        """The `$match` and `$sort` at the head of a pipeline are what an index can serve."""
        shape, sort = _Shape(), []
        for source in self.values.sources(site.arg(0, "pipeline"), site.scope):
            if not isinstance(source.node, t.Seq):
                shape.unresolved = "the pipeline is built at run time"
                continue
            for stage in source.node.items:
                if not isinstance(stage, t.Map) or not stage.keys:
                    break
                name = self.values.text(stage.keys[0], source.scope)
                if name == "$match":
                    self._filter(stage.values[0], source.scope, shape)
                elif name == "$sort":
                    sort = self._sort(stage.values[0], source.scope)
                else:
                    break
        return shape, sort

    def _filter(self, expr: t.Expr, scope: Scope, shape: _Shape) -> None:
        """Add the fields of a filter; of one built step by step, every step."""
        sources = self.values.sources(expr, scope)
        maps = [s for s in sources if isinstance(s.node, t.Map)]
        if not maps:
            shape.unresolved = "the filter is built at run time"
            return
        for source in maps:
            self._map(source.node, source.scope, shape)  # type: ignore[arg-type]
        if isinstance(expr, t.Name):
            self._additions(expr.id, scope, shape)

    def _map(self, node: t.Map, scope: Scope, shape: _Shape) -> None:
        for key, value in zip(node.keys, node.values, strict=True):
            if key is None:
                self._filter(value, scope, shape)
                continue
            name = self.values.text(key, scope)
            if name is None:
                shape.unresolved = "a field of the filter is named at run time"
            else:
                self._condition(name, value, scope, shape)

    def _condition(self, name: str, value: t.Expr, scope: Scope, shape: _Shape) -> None:
        if name in ("$and", "$or", "$nor"):
            for source in self.values.sources(value, scope):
                for item in source.node.items if isinstance(source.node, t.Seq) else []:
                    part = _Shape()
                    self._filter(item, source.scope, part)
                    if name == "$and":
                        shape.equality += part.equality
                        shape.range += part.range
                    else:
                        shape.branches.append(part)
            return
        if name.startswith("$"):
            if name not in ("$text", "$expr", "$where", "$comment"):
                shape.unresolved = f"{name} is not judged"
            return
        if isinstance(value, t.Map) and value.keys:
            operators = {self.values.text(k, scope) or "" for k in value.keys if k is not None}
            if operators & _RANGE or "$regex" in operators:
                shape.range.append(name)
                return
        shape.equality.append(name)

    def _additions(self, variable: str, scope: Scope, shape: _Shape) -> None:
        """`query["x"] = …` and `query.update({…})` after the variable was set up."""
        body = getattr(scope.owner, "body", None) or scope.module.body
        for node in t.walk_own(*body):
            match node:
                case t.Assign(targets=[t.Item(value=t.Name(id=name), index=key)], value=value):
                    if name == variable and value is not None:
                        if field_name := self.values.text(key, scope):
                            self._condition(field_name, value, scope, shape)
                case t.Call(
                    func=t.Attr(value=t.Name(id=name), name="update"), args=[t.Map() as more]
                ):
                    if name == variable:
                        self._map(more, scope, shape)


def _is_self(expr: t.Expr) -> bool:
    return isinstance(expr, t.Name) and expr.id in ("self", "cls")


# --- indexes


@provides(Index)
def indexes(application: Application) -> Iterator[Index]:
    reader = MongoReader(application.values)
    (reach,) = application.facts(Reach)
    for site in application.code.method_calls("create_index", "ensure_index", "create_indexes"):
        if not isinstance(site.node.func, t.Attr):
            continue
        found = reader.collection(site.node.func.value, site.scope)
        if found is None:
            continue
        run = reach.started_by(site)
        kind = "code" if run else "script"
        for declared in _declared(reader, site):
            fields = tuple(_keys(reader, declared.arg(0, "keys", "key_or_list"), declared.scope))
            unique = _unique(reader, declared)
            expires = declared.arg(None, "expireAfterSeconds") is not None
            yield Index("mongodb", found[0], fields, unique, place_of(site), kind, run, expires)


def _declared(reader: MongoReader, site: CallSite) -> Iterator[CallSite]:
    """The calls that describe an index: `create_index(…)` itself, or each `IndexModel(…)`."""
    assert isinstance(site.node.func, t.Attr)
    if site.node.func.name != "create_indexes":
        yield site
        return
    for source in reader.values.sources(site.arg(0, "indexes"), site.scope):
        for item in source.node.items if isinstance(source.node, t.Seq) else []:
            if isinstance(item, t.Call):
                yield CallSite(item, source.scope)


def _keys(reader: MongoReader, expr: t.Expr | None, scope: Scope) -> list[tuple[str, int]]:
    name = reader.values.text(expr, scope)
    return [(name, 1)] if name else reader._sort(expr, scope)


def _unique(reader: MongoReader, site: CallSite) -> bool:
    value = reader.values.value(site.arg(None, "unique"), site.scope)
    return any(known.value is True for known in possible(value))
