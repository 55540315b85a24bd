"""Beanie: queries on document classes, and the indexes that `init_beanie` creates.

Sources: https://beanie-odm.dev/tutorial/finding-documents/, …/updating-%26-deleting/, …/aggregation/ and
…/indexes/. `init_beanie` creates the indexes of the documents that it is given; without it nothing does.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator

from msgspec.structs import replace

from auditor.ecosystems.installed import pinned
from auditor.extract.python import tree as t
from auditor.link.application import Application, provides
from auditor.link.names import Code
from auditor.link.scopes import CallSite, Located, Scope, place_of
from auditor.link.sequences import items_of
from auditor.model.data import Bound, Index, Query, Table
from auditor.stores.mongo.conditions import narrowed
from auditor.stores.mongo.cursors import Step
from auditor.stores.mongo.documents import Documents, documents_of
from auditor.stores.mongo.expressions import Expressions
from auditor.stores.mongo.indexes import IndexReader
from auditor.stores.mongo.kinds import asked_of_each, is_typed, ways
from auditor.stores.mongo.mongodb import (
    MongoReader,
    is_model,
    looked_up,
    looped,
    of_key,
    of_runs,
    shapes,
)
from auditor.stores.waiting.running import Running

_LIBRARY = "Beanie"
_FIRST = {
    "find": "find", "find_many": "find", "find_one": "find_one", "get": "find_one", "find_all": "find",
    "aggregate": "aggregate", "count": "count_documents", "distinct": "distinct", "all": "find",
    "delete_all": "delete_many", "find_one_or_create": "find_one", "insert_one": "insert_one",
    "insert_many": "insert_many", "get_or_none": "find_one", "update_all": "update_many",
}  # fmt: skip
_TURNS = {
    "count": "count_documents", "exists": "find_one", "first_or_none": "find_one", "delete": "delete_many",
    "delete_one": "delete_one", "update": "update_many", "update_many": "update_many",
    "update_one": "update_one", "aggregate": "aggregate", "upsert": "update_one", "set": "update_many",
}  # fmt: skip
"""What a chained call makes of a search."""
_LISTS = {"find", "find_many", "find_all"}
"""What gives a search for several, to be gone through or made a list of."""
_READING = {"to_list"}
_SINGLE = {"get", "find_one", "first_or_none", "get_or_none", "find_one_or_create"}
"""What gives a document."""
_OF_DOCUMENTS = {
    "update": "update_one", "set": "update_one", "inc": "update_one", "current_date": "update_one",
    "delete": "delete_one", "replace": "replace_one",
}  # fmt: skip
_COMMON = {"get", "count", "all", "find", "distinct"}
"""Methods that much else has."""
_CLASS_WORD = re.compile(r"(?i)(?:model|document|doc|entity|kind|class|cls|type)s?_*$")
"""What a variable is called that holds a class."""
_NEVER_BEGUN = "no `init_beanie` is given its class, which raises before it asks"


@provides(Query)
def queries(application: Application) -> list[Query]:
    if not application.code.imports("beanie", "bunnet"):
        return []
    reader = _Beanie(application)
    idle = _begun_by_nobody(application.code) | reader.awaited_lists()
    sites = [
        s
        for s in application.code.method_calls(*_FIRST)
        if id(s.node) not in idle and reader.asks(s)
    ]
    found = [
        (site, q)
        for site in sites
        for q in of_runs(reader.mongo, site, lambda s=site: reader.queries(s))  # type: ignore[misc]
    ]
    for site in application.code.method_calls("fetch_link", "fetch_all_links"):
        found += [(site, query) for query in reader.fetched(site)]
    found += reader.of_documents()
    return looped(application.values, found)


def _begun_by_nobody(code: Code) -> set[int]:
    """The calls, by `id`, of chains that are statements by themselves: what nobody awaits Beanie never asks, where Bunnet
    does at once."""
    found: set[int] = set()
    for stmt, _ in code.of_kind(t.Do) if not code.imports("bunnet") else ():
        expr = stmt.value
        while isinstance(expr, t.Call) and isinstance(expr.func, t.Attr):
            found.add(id(expr))
            expr = expr.func.value
    return found


class _Beanie:
    def __init__(self, application: Application) -> None:
        values = application.values
        self.values, self.code = values, values.code
        self.documents = documents_of(values)
        self.mongo = MongoReader(application)
        self.expressions = Expressions(values, self.documents, self.mongo.filters)
        self._links: dict[str, set[str]] | None = None

    def awaited_lists(self) -> set[int]:
        """The calls, by `id`, of `await Note.find(…)`: it has no `__await__`, which raises before anything is asked.

        Source: https://github.com/BeanieODM/beanie/blob/main/beanie/odm/queries/find.py (`FindMany`).
        """
        kin = {name for found in self.documents.all(_LIBRARY) for name in self.code.ancestry(found)}
        redefined = {
            name
            for name in _LISTS
            for f in self.code.methods_named(name)
            if (own := f.of_class) is not None and self.code.own_name(own) in kin
        }
        awaited = (node.value for node, _ in self.code.of_kind(t.Await))
        return {
            id(call)
            for call in awaited
            if isinstance(call, t.Call) and isinstance(call.func, t.Attr)
            if call.func.name in _LISTS - redefined
        }

    def fetched(self, site: CallSite) -> Iterator[Query]:
        """`membership.fetch_link("org")`: the linked documents, by their keys.

        Source: https://beanie-odm.dev/tutorial/relations/#on-demand-fetch.
        """
        given = site.node.args[0] if site.node.args else None
        if isinstance(given, t.Attr):  # Membership.org
            names = [given.name]
        else:
            text = self.values.text(given, site.scope) if given is not None else None
            names = [text] if text else list(self.links) if given is None else []
        collections = {name for each in names for name in self.links.get(each, ())}
        (one,) = collections if len(collections) == 1 else ("",)
        reason = "" if one else "which documents the link leads to could not be told"
        yield Query("mongodb", one, "find_one", ("_id",), (), (), place_of(site), reason, bool(one), bound=Bound.ONE)  # fmt: skip

    def is_left_out(self, found: Located) -> bool:
        """Whether no `init_beanie` is given a class, one above it, or one below: whatever it is asked for, it raises.

        Source: https://github.com/BeanieODM/beanie/blob/main/beanie/odm/utils/init.py (`init_document` begins with the
        class above, whose settings those below have).
        """
        own = self.code.own_name(found)
        kin = {*self.code.ancestry(found), *map(self.code.own_name, self.code.heirs(found))}
        return self._begun is not None and self._begun.isdisjoint(kin) and own not in self._listed

    @functools.cached_property
    def _begun(self) -> frozenset[str] | None:
        """The classes that `init_beanie` is given, in all of its calls; None where one of them is not told."""
        sites = list(self.code.method_calls("init_beanie", "init_bunnet", "Initializer"))
        unasked = self.mongo.unasked
        if not sites or unasked.errands.unused.finds_by_name:
            return None
        names: set[str] = set()
        for site in sites:
            given = site.arg(None, "document_models")
            for env in self.mongo.contexts.called(site.scope) or [{}]:
                with self.values.within(env):
                    items = items_of(self.values, given, site.scope) if given is not None else None
                    if items is None:
                        return None
                    for item, _ in items:
                        kind = self.documents.named(item.node, item.scope)  # type: ignore[arg-type]
                        if kind is None:
                            return None
                        names.add(self.code.own_name(kind))
        return frozenset(names)

    @functools.cached_property
    def _listed(self) -> frozenset[str]:
        """The classes that stand in a list or are handed to a call: something may give them to `init_beanie` yet."""
        nodes = (each for module in self.code.modules.values() for each in self.code.nodes(module))
        held = [
            (expr, scope)
            for node, scope in nodes
            if isinstance(node, t.Seq | t.Call)
            for expr in (node.items if isinstance(node, t.Seq) else node.args)
        ]
        return frozenset(
            self.code.name(expr, scope) for expr, scope in held if isinstance(expr, t.Name | t.Attr)
        )

    @property
    def links(self) -> dict[str, set[str]]:
        """The collections that `Link` fields lead to, by the names of the fields."""
        if self._links is None:
            self._links = {}
            for found in self.documents.all(_LIBRARY):
                for name, stmt, scope in self.documents.fields(found):
                    if stmt.annotation is None or not self.documents.links(found, name):
                        continue
                    for node in t.walk_own(stmt.annotation):
                        target = self.documents.named(node, scope) if isinstance(node, t.Name | t.Attr) else None  # fmt: skip
                        if target is not None:
                            self._links.setdefault(name, set()).add(self.documents.collection(target))  # fmt: skip
        return self._links

    def asks(self, site: CallSite) -> bool:
        """Whether a call asks a document class, or the one that a repository's objects are given."""
        if self.document(site) is not None:
            return True
        func = site.node.func
        if isinstance(func, t.Attr) and isinstance(func.value, t.Name):
            return self._asks_one_of(func.value, func.name, site.scope)
        if not isinstance(func, t.Attr):
            return False
        if is_model(func.value) and is_typed(self.documents, func.value, site.scope, _LIBRARY):
            return True
        return _LIBRARY in self.mongo.given_documents(func.value, site.scope)

    def _asks_one_of(self, expr: t.Name, method: str, scope: Scope) -> bool:
        """Whether a variable holds one of several document classes."""
        if is_typed(self.documents, expr, scope, _LIBRARY):
            return True
        if method in _COMMON and not _CLASS_WORD.search(expr.id):
            return False
        return any(ways(self.documents, expr, scope, _LIBRARY))

    def of_documents(self) -> Iterator[tuple[CallSite, Query]]:
        """What a document that is at hand asks by its key: `await player.set({"score": 1})`.

        Source: https://beanie-odm.dev/tutorial/updating-%26-deleting/.
        """
        for site in self.code.method_calls(*_OF_DOCUMENTS):
            func = site.node.func
            if isinstance(func, t.Attr):
                names = self.documents.at_hand(func.value, site.scope, _LIBRARY, _SINGLE)
                for name in sorted(names):
                    yield site, of_key(site, name, _OF_DOCUMENTS[func.name])

    def document(self, site: CallSite) -> Located | None:
        """The class whose collection a call asks; `self.model` of a generic class, unbound."""
        func = site.node.func
        if not isinstance(func, t.Attr) or isinstance(func.value, t.Call):
            return None
        if self.code.defined(func, site.scope) is not None:
            return None
        found = self.documents.named(func.value, site.scope)
        if found is not None and self.documents.library(found) == _LIBRARY:
            name = self.code.name(func.value, site.scope)
            return None if name.endswith("()") and func.name not in _FIRST else found
        return None

    def queries(self, site: CallSite) -> Iterator[Query]:
        assert isinstance(site.node.func, t.Attr)
        return asked_of_each(
            self.documents, site.node.func.value, site.scope, _LIBRARY, lambda: self._queries(site)
        )

    def _queries(self, site: CallSite) -> Iterator[Query]:
        found = self.document(site)
        func = site.node.func
        assert isinstance(func, t.Attr)
        collection = self.documents.collection(found) if found is not None else ""
        why = _NEVER_BEGUN if found is not None and self.is_left_out(found) else ""
        for steps in self.mongo.cursors.executions(site, _TURNS.keys() | _READING):
            for query in self._execution(found, collection, site, steps):
                yield replace(query, unresolved=why or query.unresolved)

    def _execution(
        self, found: Located | None, collection: str, site: CallSite, steps: list[Step]
    ) -> Iterator[Query]:
        """What a search asks with these calls."""
        func = site.node.func
        assert isinstance(func, t.Attr)
        calls = [call for call, _ in steps]
        operation = _FIRST[func.name]
        given = list(site.node.args)
        sort = self.expressions.sort(
            [v for k in site.node.keywords if k.name == "sort" for v in [k.value]], site.scope
        )
        pipeline: tuple[t.Expr | None, Scope] | None = None
        match func.name:
            case "get" | "get_or_none":
                at = (site.node.line, site.node.column, site.node.end_line)
                key = site.arg(0, "document_id")
                given = [t.Map(*at, [t.Const(*at, "_id")], [key])] if key is not None else []
            case "aggregate":
                pipeline, given = (site.arg(0, "aggregation_pipeline"), site.scope), []
            case "distinct":
                given = given[1:]
            case "insert_one" | "insert_many" | "find_all" | "all" | "delete_all" | "update_all":
                given = []  # what they take is no filter
        conditions = self.expressions.all(given, site.scope)
        bounds = []
        for call, taken in steps:
            last = t.last_word(call.node.func)
            match last:
                case "find" | "find_many" | "find_one":
                    more = self.expressions.all(call.node.args, call.scope)
                    conditions = narrowed(conditions, more, taken)
                    operation = "find_one" if last == "find_one" else operation
                case "sort":
                    sort = sort or self.expressions.sort(call.node.args, call.scope)
                case "aggregate":
                    pipeline = (call.arg(0, "aggregation_pipeline"), call.scope)
            if last in _TURNS and operation in ("find", "find_one"):
                single = operation == "find_one"
                operation = _TURNS[last].replace("_many", "_one") if single else _TURNS[last]
        bound = Bound.ONE
        if operation in ("find", "aggregate"):
            bound = self.mongo.cursors.bound(site, calls)
        elif operation != "find_one":
            sort = ()
        made = Query("mongodb", collection, operation, (), (), (), place_of(site), bound=bound)
        joins = []
        if pipeline is not None:
            read = self.mongo.pipelines.read(*pipeline)
            conditions = [a.joined(b) for a in conditions for b in read.conditions][:16]
            sort, joins = sort or read.sort, read.joins
            bounds = [read.bound] if read.bound is not Bound.NONE else []
        flags = self.documents.flags(found)
        links = _fetches([site, *calls])
        for each in conditions:
            told = shapes(made, each, sort, bounds[0] if bounds else bound, flags)
            yield from map(_after_fetching, told) if links else told
        yield from looked_up(made, joins)


def _fetches(calls: list[CallSite]) -> bool:
    """Whether a search brings the linked documents with it."""
    given = (call.arg(None, "fetch_links") for call in calls)
    return any(isinstance(x, t.Const) and x.value is True for x in given)


def _after_fetching(query: Query) -> Query:
    """A search that fetches links: conditions on a link are held against what `$lookup` has put in its place.

    No index of the collection serves them; what else is compared MongoDB asks before.
    Source: https://beanie-odm.dev/tutorial/relations/#prefetch.
    """
    linked = tuple(name for name in query.equality if name.endswith(".$id"))
    kept = tuple(name for name in query.equality if name not in linked)
    return replace(query, equality=kept, scanned=(*query.scanned, *linked))


@provides(Table)
def tables(application: Application) -> Iterator[Table]:
    if application.code.imports("beanie", "bunnet"):
        yield from declared_tables(application, _LIBRARY)


def declared_tables(application: Application, library: str) -> Iterator[Table]:
    """The collections that the document classes of a library declare."""
    documents = documents_of(application.values)
    for found in sorted(documents.all(library), key=lambda f: not documents.declares(f)):
        columns = tuple(
            (documents.stored(found, name), "") for name, _, _ in documents.fields(found)
        )
        yield Table(
            "mongodb",
            documents.collection(found),
            columns,
            place_of(found, found.node.name),  # type: ignore[attr-defined]
            "mongodb",
            library=library,
        )


_V2, _V2_OF_BEANIE = (2,), (1, 20)
"""Pydantic's version that types are read otherwise since, and the first of Beanie that goes with it."""


@provides(Index)
def indexes(application: Application) -> Iterator[Index]:
    code = application.code
    if not code.imports("beanie", "bunnet"):
        return
    documents, reader = documents_of(application.values), IndexReader(application.values)
    (running,) = application.facts(Running)
    started = list(code.method_calls("init_beanie", "init_bunnet"))
    run = running.of_any(s for s in started if not reader.true(s, "skip_indexes"))
    initialized = running.of_any(started)
    versions = pinned(application)
    old = (
        versions.get("pydantic", _V2) < _V2 or versions.get("beanie", _V2_OF_BEANIE) < _V2_OF_BEANIE
    )
    for found in documents.all(_LIBRARY):
        collection = documents.collection(found)
        listed = documents.settings(found, "indexes")
        if listed:
            told: dict[tuple[object, ...], Index] = {}
            for each in listed:
                for index in reader.listed(each, collection, run):
                    told.setdefault((index.fields, index.kind), index)
            yield from told.values()
        elif _takes_settings_over(documents, found):
            place = place_of(found, found.node.name)  # type: ignore[attr-defined]
            yield Index("mongodb", collection, (("email", 1),), True, place, "model", run, implied="package")  # fmt: skip
        yield from _indexed(reader, found, collection, run, old=old)
        if (series := documents.setting_expr(found, "timeseries")) is not None:
            place = place_of(found, found.node.name)  # type: ignore[attr-defined]
            yield from reader.by_time(series, collection, place, initialized)


def _takes_settings_over(documents: Documents, found: Located) -> bool:
    """Whether a user of FastAPI Users has the settings of its base, which index the e-mail address.

    Source: https://fastapi-users.github.io/fastapi-users/latest/configuration/databases/beanie/.
    """
    if not any(name.endswith("BeanieBaseUser") for name in documents.code.ancestry(found)):
        return False
    own = [s for s in found.node.body if isinstance(s, t.Class) and s.name == "Settings"]  # type: ignore[attr-defined]
    return not own or any(t.last_word(base.value) == "BeanieBaseUser" for base in own[0].bases if isinstance(base, t.Attr))  # fmt: skip


def _indexed(
    reader: IndexReader, found: Located, collection: str, run: str, *, old: bool
) -> Iterator[Index]:
    """`email: Indexed(str, unique=True)`, `Annotated[str, Indexed(unique=True)]`.

    Beanie looks at the type itself, and at what annotates it: nothing runs what stands within
    `Optional[…]` or a list. Pydantic 1 takes `Optional` off before Beanie looks.
    """
    documents = documents_of(reader.values)
    for name, stmt, scope in documents.fields(found):
        for node, within in _annotated(reader, stmt.annotation, scope):
            if t.dotted(node.func).rpartition(".")[2] == "Indexed":
                place = place_of(Located(stmt, scope))
                described = CallSite(node, scope)
                unique = reader.true(described, "unique")
                sparse = (name,) if reader.true(described, "sparse") else ()
                stored = documents.stored(found, name)
                kind = reader.kind_of(described.arg(1, "index_type"), scope)
                made = not within or (old and within <= {"Optional"})
                yield Index(
                    "mongodb", collection, ((stored, 1),), unique, place, "model", run if made else "",
                    described.arg(None, "expireAfterSeconds") is not None, kind or "ordered", condition=sparse,
                )  # fmt: skip


def _annotated(
    reader: IndexReader,
    annotation: t.Expr | None,
    scope: Scope,
    within: frozenset[str] = frozenset(),
    depth: int = 0,
) -> Iterator[tuple[t.Call, frozenset[str]]]:
    """The calls of an annotation, or of the alias that it names, each with what they stand within."""
    match annotation:
        case t.Call():
            yield annotation, within
        case t.Item(value=outer, index=index):
            word = t.dotted(outer).rpartition(".")[2]
            first, *rest = index.items if isinstance(index, t.Seq) else [index]
            if word != "Annotated":
                within |= {"Optional" if word == "Union" else word}
            yield from _annotated(reader, first, scope, within, depth)
            for part in rest:  # a type that is indexed is no annotation of another
                typed = word == "Annotated" and isinstance(part, t.Call) and part.args
                yield from _annotated(
                    reader, part, scope, within | {word} if typed else within, depth
                )
        case t.BinOp(op="|", left=left, right=right):
            yield from _annotated(reader, left, scope, within | {"Optional"}, depth)
            yield from _annotated(reader, right, scope, within | {"Optional"}, depth)
        case t.Name() | t.Attr() if depth < 3:
            for origin in reader.values.origins(annotation, scope):
                if isinstance(origin.node, t.Expr) and origin.node is not annotation:
                    yield from _annotated(reader, origin.node, origin.scope, within, depth + 1)
