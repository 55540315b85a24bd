"""MongoEngine: queries on `Document.objects`, and the indexes of `meta`.

Sources: https://docs.mongoengine.org/guide/querying.html and …/defining-documents.html#indexes.
MongoEngine creates the indexes of `meta` when a class is first used, unless `auto_create_index` is off.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator

from msgspec.structs import replace

from auditor.extract.python import tree as t
from auditor.link.application import Application, provides
from auditor.link.mentions import Mentions
from auditor.link.scopes import CallSite, Located, Scope, place_of
from auditor.model.data import Bound, Index, Query, Table
from auditor.stores.bounds import bounds_of, worst
from auditor.stores.flags import spelt, spelt_in
from auditor.stores.mongo.beanie import declared_tables
from auditor.stores.mongo.conditions import Conditions, narrowed
from auditor.stores.mongo.cursors import Step, chain
from auditor.stores.mongo.documents import documents_of
from auditor.stores.mongo.indexes import IndexReader
from auditor.stores.mongo.kinds import asked_of_each
from auditor.stores.mongo.mongodb import MongoReader, looked_up, looped, of_key, of_runs, shapes
from auditor.stores.mongo.pipelines import Sort
from auditor.stores.spans import span
from auditor.stores.waiting.errands import Errands

_LIBRARY = "MongoEngine"
_Q = re.compile(r"^(?:flask_)?mongoengine\.(?:\w+\.)*Q$")
_SPANS = {"lt", "lte", "gt", "gte", "startswith"}
_BROAD = {"ne", "nin", "not", "exists", "size", "mod", "type"}
_EQUAL = {"in", "all", "exact", "eq", "match", "elemMatch"}
_SCANNED = {
    "iexact", "contains", "icontains", "istartswith", "endswith", "iendswith", "regex", "iregex", "wholeword",
    "iwholeword",
}  # fmt: skip
_PLACES = {
    "near", "near_sphere", "geo_within", "geo_within_box", "geo_within_center", "geo_within_sphere",
    "geo_intersects", "within_box", "within_distance", "geo_within_polygon",
}  # fmt: skip
_OF_ITEMS = ("__match", "__elemMatch")
_SUFFIXES = _SPANS | _BROAD | _EQUAL | _SCANNED | _PLACES
_FILTERS = {"filter", "get", "get_or_404", "first_or_404", "get_or_none", "find", "objects", "get_or_create"}  # fmt: skip
_ENDS = {
    "get": "find_one", "first": "find_one", "get_or_404": "find_one", "first_or_404": "find_one",
    "count": "count_documents", "delete": "delete_many", "update": "update_many", "update_one": "update_one",
    "aggregate": "aggregate", "distinct": "distinct", "modify": "find_one_and_update", "with_id": "find_one",
    "get_or_none": "find_one", "upsert_one": "update_one", "get_or_create": "find_one", "in_bulk": "find",
    "insert": "insert_many", "create": "insert_one",
}  # fmt: skip

_SINGLE = {name for name, made in _ENDS.items() if made == "find_one"} - {"get_or_create"}
_SINGLE |= {"save", "reload"}
"""What gives a document."""
_OF_DOCUMENTS = {"update", "delete", "modify"}
_BY_KEY = {
    "update": "update_one", "delete": "delete_one", "reload": "find_one", "fetch": "find_one",
    "modify": "find_one_and_update",
}  # fmt: skip
"""What a document that is at hand asks for itself."""
_CHANGED = re.compile(
    r"(?:set|unset|inc|dec|mul|push|push_all|pull|pull_all|pop|add_to_set|min|max|rename|set_on_insert)__\w"
)


@provides(Query)
def queries(application: Application) -> list[Query]:
    if not application.code.imports("mongoengine", "flask_mongoengine"):
        return []
    reader = _MongoEngine(application)
    found = [
        (site, q)
        for site in reader.sites
        for q in of_runs(reader.mongo, site, lambda s=site: reader.queries(s))  # type: ignore[misc]
    ]
    found += [(site, query) for site, query in reader.of_documents()]
    (mentions,) = application.facts(Mentions)
    found += reader.of_untold(mentions)
    found += reader.counted()
    return looped(application.values, found)


def _asks(suffix: str) -> tuple[str, bool]:
    """How a field is compared, and whether nearly everything is found so."""
    if suffix in _SCANNED:
        return "scanned", False
    return ("equality" if suffix in _EQUAL else "range"), suffix in _BROAD


_OF_PLAIN_OBJECTS = {name for kind in (dict, list, set, str) for name in dir(kind)}


def _untold(site: CallSite) -> Query:
    why = "the document class is named at run time"
    return Query("mongodb", "", "find", (), (), (), place_of(site), why, certain=False)


class _MongoEngine:
    def __init__(self, application: Application) -> None:
        values = application.values
        self.values, self.code = values, values.code
        self.documents = documents_of(values)
        self.bounds = bounds_of(application)
        self.mongo = MongoReader(application)

    @functools.cached_property
    def sites(self) -> list[CallSite]:
        return list(managers(self.mongo, self._document, anyone=not self._other_mapper))

    @functools.cached_property
    def _other_mapper(self) -> bool:
        return self.code.imports("django")

    def _document(self, site: CallSite) -> Located | None:
        owner = owner_of(site)
        found = self.documents.named(owner, site.scope) or self._kept(owner, site.scope)
        return found if found and self.documents.library(found) == _LIBRARY else None

    def _kept(self, owner: t.Expr, scope: Scope) -> Located | None:
        """`self.Sample.objects`: a class that an object keeps, and `cls` in a method of its own."""
        if not isinstance(owner, t.Name | t.Attr):
            return None
        return self.code.definition(self.code.name(owner, scope).removesuffix("()"))

    def queries(self, site: CallSite) -> Iterator[Query]:
        return asked_of_each(
            self.documents, owner_of(site), site.scope, _LIBRARY, lambda: self._queries(site)
        )

    def _queries(self, site: CallSite) -> Iterator[Query]:
        found = self._document(site)
        if found is None:
            yield _untold(site)
            return
        for steps in self.mongo.cursors.executions(site, _ENDS):
            yield from self._execution(found, site, steps)

    def _execution(self, found: Located, site: CallSite, steps: list[Step]) -> Iterator[Query]:
        """What a queryset asks with these calls."""
        conditions = [Conditions()]
        operation, sort = "find", self._ordering(found)
        bounds = self.mongo.cursors.slices(site)
        joins, ordered = [], False
        for call, taken in [(site, ()), *steps]:
            func = call.node.func
            last = func.name if isinstance(func, t.Attr) else "filter"
            if operation == "find_one" and last in _OF_DOCUMENTS:
                break  # the document is found: see `of_documents`
            if last in _FILTERS:
                conditions = narrowed(conditions, self._conditions(found, call), taken)
            elif last == "with_id":
                conditions = [a.joined(Conditions({"_id": "equality"})) for a in conditions]
            elif last == "search_text":
                conditions = [a.joined(Conditions(special="text")) for a in conditions]
            elif last == "order_by":
                sort, ordered = self._sort(found, call), True
            elif last in ("limit", "paginate"):
                given = call.arg(0, "limit") if last == "limit" else call.arg(1, "per_page")
                bounds.append(self.bounds.of(given, call.scope) if given is not None else Bound.LIMITED)  # fmt: skip
            elif last == "aggregate":
                first = call.node.args[0] if call.node.args else None
                at = (call.node.line, call.node.column, call.node.end_line)
                listed = (
                    first if not isinstance(first, t.Map | t.Star) and len(call.node.args) == 1
                    else t.Seq(*at, "list", call.node.args)
                )  # fmt: skip
                read = self.mongo.pipelines.read(listed, call.scope)
                conditions = [a.joined(b) for a in conditions for b in read.conditions][:16]
                sort, joins = read.sort, read.joins
            operation = _ENDS.get(last, operation)
        if operation in ("count_documents", "delete_many", "update_many", "aggregate", "distinct"):
            sort = () if operation != "aggregate" else sort
        elif (
            operation == "find"
            and not bounds
            and not ordered
            and not self._among.isdisjoint((id(site.node), id(site.node.func)))
        ):
            sort = ()  # of `meta`, which nobody asked for and nothing keeps
        bound = worst(bounds) if bounds else Bound.UNKNOWN
        if operation not in ("find", "aggregate"):
            bound = Bound.ONE
        made = Query(
            "mongodb", self.documents.collection(found), operation, (), (), (), place_of(site)
        )
        for each in conditions:
            yield from shapes(made, each, sort, bound, self.documents.flags(found))
        yield from looked_up(made, joins)

    def of_documents(self) -> Iterator[tuple[CallSite, Query]]:
        """What a document that is at hand asks by its key: `note.update(pull__tags=tag)`, `note.reload()`, `probe.report.fetch()`.

        Sources: https://docs.mongoengine.org/guide/querying.html#atomic-updates,
        https://docs.mongoengine.org/apireference.html#mongoengine.fields.LazyReferenceField.
        """
        for site in self.code.method_calls(*_BY_KEY):
            func, given = site.node.func, site.node.keywords
            if not isinstance(func, t.Attr) or (site.node.args and func.name != "reload"):
                continue
            names: set[str] = set()
            if func.name in ("delete", "reload") or (func.name == "modify" and given):
                if self.code.defined(func, site.scope) is None:  # else that method asks
                    names = self.documents.at_hand(func.value, site.scope, _LIBRARY, _SINGLE)
            elif func.name == "update" and given and self._may_be_changed(func.value, site):
                names = self.documents.at_hand(func.value, site.scope, _LIBRARY, _SINGLE)
            elif func.name == "fetch" and not given and isinstance(func.value, t.Attr):
                names = self._lazy.get(func.value.name, set())
            for name in sorted(names):
                yield site, of_key(site, name, _BY_KEY[func.name])

    def _may_be_changed(self, held: t.Expr, update: CallSite) -> bool:
        """Whether an update is one of a document: by its operators, or where no dict may have taken the document's place."""
        if any(k.name and _CHANGED.match(k.name) for k in update.node.keywords):
            return True
        bound = self.code.find(held.id, update.scope) if isinstance(held, t.Name) else None
        return bound is None or len(bound[1]) == 1

    def counted(self) -> Iterator[tuple[CallSite, Query]]:
        """`rows.count()` of a search that a function is handed: `pages(Note.objects(owner=owner), 2)`."""
        begun = {id(self.mongo.cursors.as_written(site).node): site for site in self.sites}
        for site in self.code.method_calls("count"):
            held = site.node.func.value if isinstance(site.node.func, t.Attr) else None
            for source in self._handed(held, site) if not site.node.args else ():
                expr, steps = source.node, list[Step]()
                while id(expr) not in begun and isinstance(expr, t.Call):
                    steps.insert(0, (CallSite(expr, source.scope), ()))
                    expr = expr.func.value if isinstance(expr.func, t.Attr) else expr.func
                search = begun.get(id(expr))
                found = self._document(search) if search is not None else None
                for query in self._execution(found, search, steps) if found and search else ():
                    yield site, replace(query, operation="count_documents", sort=(), place=place_of(site), bound=Bound.ONE)  # fmt: skip

    def _handed(self, held: t.Expr | None, site: CallSite) -> Iterator[Located]:
        """What the calls of a function, or those that make an object, give for a parameter."""
        found = self.code.find(held.id, site.scope) if isinstance(held, t.Name) else None
        if found is None or not isinstance(held, t.Name):
            return
        where, bindings = found
        if not isinstance(where.owner, t.Function) or any(b.kind != "parameter" for b in bindings):
            return
        names = [param.name for param in where.owner.params]
        if names[0] in ("self", "cls"):
            names.pop(0)
        called = f"{where.module.path}:{where.qualname}".removesuffix(".__init__")
        for call in self.code.calls(called) if held.id in names else ():
            given = call.arg(names.index(held.id), held.id)
            yield from self.values.sources(given, call.scope)

    def of_untold(self, mentions: Mentions) -> Iterator[tuple[CallSite, Query]]:
        """Calls of class methods that ask `cls.objects`, on what a function gives of which no class is told:
        `self.model_of(kind).one(key=key)`."""
        asking: dict[int, Located] = {}
        for site in self.sites:
            method = self.code.enclosing(site.scope)
            if method is not None and t.dotted(owner_of(site)) == "cls":
                asking[id(method.node)] = method
        for method in asking.values():
            for spoken in mentions.of(method):
                call = mentions.call(spoken)
                if call is not None and self._is_of_a_function(call):
                    yield call, _untold(call)

    def _is_of_a_function(self, call: CallSite) -> bool:
        """Whether what a method is called on is what a function of the tree gives, and no plain object."""
        func = call.node.func
        if not isinstance(func, t.Attr) or func.name in _OF_PLAIN_OBJECTS:
            return False
        if self.code.defined(func, call.scope) is not None:
            return False
        made = self.values.origins(func.value, call.scope) if isinstance(func.value, t.Name) else []
        for source in [Located(func.value, call.scope), *made]:
            if isinstance(source.node, t.Call):
                gives = self.code.defined(source.node.func, source.scope)
                return gives is not None and isinstance(gives.node, t.Function)
        return False

    @functools.cached_property
    def _among(self) -> set[int]:
        """Querysets that are a list to search among: `Note.objects(topic__in=Topic.objects(open=True))`."""
        given = (k for call in self.code.all_calls() for k in call.node.keywords)
        lists = (k.value for k in given if k.name and k.name.endswith(("__in", "__nin")))
        return {id(link) for value in lists for link in chain(value)[0]}

    @functools.cached_property
    def _lazy(self) -> dict[str, set[str]]:
        """The collections that fields lead to whose documents are only fetched when they are asked for."""
        told: dict[str, set[str]] = {}
        for found in self.documents.all(_LIBRARY):
            for name, stmt, scope in self.documents.fields(found):
                made = stmt.value
                if isinstance(made, t.Call) and t.last_word(made.func) == "LazyReferenceField":
                    target = self._referred(CallSite(made, scope), found)
                    if target is not None:
                        told.setdefault(name, set()).add(self.documents.collection(target))
        return told

    def _referred(self, field: CallSite, owner: Located) -> Located | None:
        """The class that a reference names, also by its name as a text."""
        given = field.arg(0, "document_type")
        text = self.values.text(given, field.scope)
        if text is None:
            return self.documents.named(given, field.scope) if given is not None else None
        named = (x for x in self.documents.all(_LIBRARY) if x.node.name == text)  # type: ignore[attr-defined]
        return owner if text == "self" else next(named, None)

    def _ordering(self, found: Located) -> Sort:
        given = self.documents.meta(found).get("ordering")
        names = given if isinstance(given, list) else []
        return tuple(
            (self._field(found, name.lstrip("+-")), -1 if name.startswith("-") else 1)
            for name in names
            if isinstance(name, str)
        )

    def _sort(self, found: Located, call: CallSite) -> Sort:
        names = [self.values.text(arg, call.scope) for arg in call.node.args]
        return tuple(  # `$text_score` is how well the words are found, and no field
            (self._field(found, n.lstrip("+-")), -1 if n.startswith("-") else 1)
            for n in names
            if n and n.lstrip("+-") != "$text_score"
        )

    def _conditions(self, found: Located, call: CallSite) -> list[Conditions]:
        whole = [Conditions()]
        for arg in call.node.args:
            parts = self._q(found, arg, call.scope, 0)
            whole = [a.joined(b) for a in whole for b in parts][:16]
        for keyword in call.node.keywords:
            if keyword.name is None:
                parts = [self._renamed(found, c) for c in self.mongo.filters.read(keyword.value, call.scope)]  # fmt: skip
            elif keyword.name == "__raw__":
                parts = self.mongo.filters.read(keyword.value, call.scope)
            elif keyword.name in ("defaults", "write_concern", "read_preference", "auto_save"):
                continue
            else:
                parts = [self._keyword(found, keyword.name, keyword.value, call.scope)]
            whole = [a.joined(b) for a in whole for b in parts][:16]
        return whole

    def _renamed(self, found: Located, told: Conditions) -> Conditions:
        """`filter(**query)`: its keys are spelt as keywords are."""
        made = Conditions(unresolved=told.unresolved)
        for name in told.kinds:
            one = self._named(found, name)
            made.add(one, told.optional.get(name, ()))
        return made

    def _q(self, found: Located, expr: t.Expr, scope: Scope, depth: int) -> list[Conditions]:
        """`Q(a=1) & (Q(b=2) | Q(c=3))`, also put together in a variable."""
        if depth > 10:
            return [Conditions(unresolved="the condition is too deep")]
        match expr:
            case t.BinOp(op="&", left=left, right=right):
                return [
                    a.joined(b)
                    for a in self._q(found, left, scope, depth + 1)
                    for b in self._q(found, right, scope, depth + 1)
                ][:16]
            case t.BinOp(op="|", left=left, right=right):
                branches = self._q(found, left, scope, depth + 1)
                branches += self._q(found, right, scope, depth + 1)
                return [Conditions(either=[(branches, False)])]
            case t.Unary(value=inner):
                parts = self._q(found, inner, scope, depth + 1)
                for part in parts:
                    part.broad |= set(part.kinds)
                return parts
            case t.Call(func=func) if t.last_word(func) == "Q" or _Q.match(
                self.code.name(func, scope)
            ):
                return self._conditions(found, CallSite(expr, scope))
            case t.Name() | t.Attr():
                origins = [o for o in self.values.origins(expr, scope) if o.node is not expr]
                told = [
                    c
                    for o in origins
                    for c in self._q(found, o.node, o.scope, depth + 1)  # type: ignore[arg-type]
                ]
                if told:
                    return told[:16]
        return [Conditions(unresolved="the condition is built at run time")]

    def _keyword(self, found: Located, name: str, value: t.Expr, scope: Scope) -> Conditions:
        made = self._named(found, name)
        if name.endswith(_OF_ITEMS):
            for path in tuple(made.kinds if not made.broad else ()):
                return self._of_items(path, value, scope)
        for path in made.kinds if not made.broad else ():
            told = spelt_in if name.endswith("__in") else spelt
            if made.kinds[path] == "equality" and (given := told(self.values, value, scope)):
                made.values[path] = given
        if isinstance(value, t.Const) and (value.value is None or isinstance(value.value, bool)):
            made.broad |= set(made.kinds)
        for path in made.kinds:
            if made.kinds[path] == "range":
                made.kinds[path] = span(name.rpartition("__")[2], value)
        return made

    def _of_items(self, path: str, value: t.Expr, scope: Scope) -> Conditions:
        """`tags__match={"slug": slug}` is `$elemMatch`; its keys are spelt as keywords are."""
        made = Conditions()
        asked = self.mongo.filters.elements(path, value, scope)
        for name, kind in asked.kinds.items():
            spelt, _, last = name.rpartition("__")
            broad = name in asked.broad
            if last in _SUFFIXES and spelt:
                name, (kind, broad) = spelt, _asks(last)
            stored = name.replace("__", ".")
            made.add(Conditions({stored: kind}, {stored} if broad else set()))
        return made

    def _named(self, found: Located, name: str) -> Conditions:
        """`author__name__icontains` compares `author.name` in a way that no index serves."""
        parts = name.rstrip("_").split("__")
        last = parts[-1]
        negated = "not" in parts[1:]
        parts = [p for p in parts if p != "not"]
        kind = "equality"
        if last in _SUFFIXES and len(parts) > 1:
            parts.pop()
            kind, _ = _asks(last)
        if not self._has(found, parts[0]):
            return Conditions(unresolved=f"{parts[0]} is no field that the class declares")
        path = self._field(found, "__".join(parts))
        made = Conditions({path: kind})
        if negated or last in _BROAD:
            made.broad.add(path)
        if last in _PLACES:
            made.special = "geo"
        return made

    def _has(self, found: Located, name: str) -> bool:
        """Whether documents may have a field; MongoEngine refuses a query on any other."""
        for base in self.code.ancestry(found):
            if self.code.definition(base) is None and base.rpartition(".")[2] != "Document":
                return True  # a dynamic document, or a base whose fields are not in this tree
        declared = {field for field, _, _ in self.documents.fields(found)}
        return name.split(".")[0] in declared | {"pk", "id", "_id", "_cls"}

    def _field(self, found: Located, name: str) -> str:
        first, *rest = name.replace(".", "__").split("__")
        return ".".join([self.documents.stored(found, first), *rest])


def managers(
    mongo: MongoReader, document: Callable[[CallSite], Located | None], *, anyone: bool = False
) -> Iterator[CallSite]:
    """The first call on `X.objects` of a chain, the call of `X.objects`, or that without a call, where X is a
    document class or, with `anyone`, may be one that only a run tells."""
    called: set[int] = set()
    for site in mongo.code.all_calls():
        func = site.node.func
        if not isinstance(func, t.Attr):
            continue
        manager = func if func.name == "objects" else func.value
        if isinstance(manager, t.Attr) and manager.name == "objects":
            called.add(id(manager))
            if anyone or document(site) is not None:
                yield site
    for module in mongo.code.modules.values():
        for node, scope in mongo.code.nodes(module):
            if isinstance(node, t.Attr) and node.name == "objects" and id(node) not in called:
                call = t.Call(node.line, node.column, node.end_line, node, [], [])
                if document(CallSite(call, scope)) is not None:
                    mongo.cursors.stands_for(call, node)
                    yield CallSite(call, scope)


def owner_of(site: CallSite) -> t.Expr:
    """The class of `X.objects(…)` or `X.objects.get(…)`."""
    assert isinstance(site.node.func, t.Attr)
    func, owner = site.node.func, site.node.func.value
    return owner.value if func.name != "objects" and isinstance(owner, t.Attr) else owner


def _in_use(application: Application) -> Iterator[Located]:
    """The classes that something speaks of: the first query of a class is what creates its indexes.

    Source: https://docs.mongoengine.org/guide/defining-documents.html#indexes.
    """
    (errands,) = application.facts(Errands)
    for found in documents_of(application.values).all(_LIBRARY):
        if found.path not in errands.unused.modules and errands.mentions.of(found):
            yield found


@provides(Table)
def tables(application: Application) -> Iterator[Table]:
    if application.code.imports("mongoengine", "flask_mongoengine"):
        used = {place_of(found, found.node.name) for found in _in_use(application)}  # type: ignore[attr-defined]
        declared = declared_tables(application, _LIBRARY)
        yield from (table for table in declared if table.place in used)


@provides(Index)
def indexes(application: Application) -> Iterator[Index]:
    if not application.code.imports("mongoengine", "flask_mongoengine"):
        return
    documents, reader = documents_of(application.values), IndexReader(application.values)
    used = {id(found.node) for found in _in_use(application)}
    for found in documents.all(_LIBRARY):
        collection = documents.collection(found)
        creates = documents.meta(found).get("auto_create_index") is not False
        run = "start" if creates and id(found.node) in used else ""
        for name, stmt, scope in documents.fields(found):
            if isinstance(stmt.value, t.Call):
                described = CallSite(stmt.value, scope)
                stored = documents.stored(found, name)
                with_ = tuple(_texts(reader, described.arg(None, "unique_with"), scope))
                if reader.true(described, "unique") or with_:
                    keys = tuple((f, 1) for f in (stored, *with_))
                    place = place_of(Located(stmt, scope))
                    sparse = (stored,) if reader.true(described, "sparse") else ()
                    if stored != "_id":
                        yield Index("mongodb", collection, keys, True, place, "model", run, condition=sparse)  # fmt: skip
        listed = documents.meta_expr(found, "indexes")
        if listed is None:
            continue
        for piece in reader.filters.items(listed.node, listed.scope):  # type: ignore[arg-type]
            with reader.values.within(piece.env):
                index = _meta(reader, found, collection, piece.expr, piece.scope, run)
            if index is not None:
                yield index


def _texts(reader: IndexReader, expr: t.Expr | None, scope: Scope) -> list[str]:
    if expr is None:
        return []
    items = expr.items if isinstance(expr, t.Seq) else [expr]
    return [text for item in items if (text := reader.values.text(item, scope))]


def _meta(
    reader: IndexReader,
    found: Located,
    collection: str,
    expr: t.Expr | None,
    scope: Scope,
    run: str,
) -> Index | None:
    """`"-created"`, `("tenant", "-created")`, `{"fields": [...], "unique": True, "sparse": True}`."""
    documents = documents_of(reader.values)
    options: dict[str, t.Expr] = {}
    if isinstance(expr, t.Map):
        for key, value in zip(expr.keys, expr.values, strict=True):
            if key is not None and (name := reader.values.text(key, scope)):
                options[name] = value
        expr = options.get("fields", expr)
    keys, kind = reader.keys(expr, scope, signs=True)
    if not keys or expr is None:
        return None
    stored = tuple((documents.stored(found, name), way) for name, way in keys)
    flags = {n for n, v in options.items() if isinstance(v, t.Const) and v.value is True}
    sparse = (stored[0][0],) if "sparse" in flags else ()
    place = place_of(Located(expr, scope))
    return Index(
        "mongodb", collection, stored, "unique" in flags, place, "model", run,
        "expireAfterSeconds" in options, kind, condition=sparse,
    )  # fmt: skip
