"""ODMantic: queries through an engine, and the indexes of its models.

Sources: https://art049.github.io/odmantic/engine/, …/filtering/, …/sorting/ and …/modeling/#indexes. Its
indexes are created by `engine.configure_database([…])`, for the models that it is given alone.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from auditor.extract.python import tree as t
from auditor.link.application import Application, provides
from auditor.link.scopes import CallSite, Located, place_of
from auditor.model.data import Bound, Index, Query, Table
from auditor.stores.bounds import bounds_of
from auditor.stores.mongo.beanie import declared_tables
from auditor.stores.mongo.documents import Documents, documents_of
from auditor.stores.mongo.expressions import Expressions
from auditor.stores.mongo.filters import Filters
from auditor.stores.mongo.indexes import IndexReader
from auditor.stores.mongo.kinds import asked_of_each
from auditor.stores.mongo.mongodb import MongoReader, is_model, looped, of_runs, shapes
from auditor.stores.waiting.running import Running

_LIBRARY = "ODMantic"
_CALLS = {
    "find": "find", "find_one": "find_one", "count": "count_documents", "remove": "delete_many",
    "gets": "find", "save_all": "insert_many",
}  # fmt: skip
_ENGINES = {"engine", "session", "db", "database", "odm", "aio_engine", "aioengine"}


@provides(Query)
def queries(application: Application) -> list[Query]:
    if not application.code.imports("odmantic"):
        return []
    reader = _ODMantic(application)
    sites = [s for s in application.code.method_calls(*_CALLS) if reader.asks(s)]
    found = [
        (site, q)
        for site in sites
        for q in of_runs(reader.mongo, site, lambda s=site: reader.queries(s))  # type: ignore[misc]
    ]
    return looped(application.values, found)


class _ODMantic:
    def __init__(self, application: Application) -> None:
        values = application.values
        self.values, self.code = values, values.code
        self.documents = documents_of(values)
        self.bounds = bounds_of(application)
        self.mongo = MongoReader(application)
        self.expressions = Expressions(values, self.documents, self.mongo.filters)

    def asks(self, site: CallSite) -> bool:
        func = site.node.func
        if not isinstance(func, t.Attr) or not site.node.args:
            return False
        name = self.code.name(func.value, site.scope)
        if name.startswith("odmantic.") or self.document(site) is not None:
            return True
        return is_model(site.node.args[0]) and t.last_word(func.value).strip("_") in _ENGINES

    def document(self, site: CallSite) -> Located | None:
        found = self.documents.named(site.node.args[0], site.scope)
        return found if found and self.documents.library(found) == _LIBRARY else None

    def queries(self, site: CallSite) -> Iterator[Query]:
        return asked_of_each(
            self.documents, site.node.args[0], site.scope, _LIBRARY, lambda: self._queries(site)
        )

    def _queries(self, site: CallSite) -> Iterator[Query]:
        assert isinstance(site.node.func, t.Attr)
        found = self.document(site)
        collection = self.documents.collection(found) if found is not None else ""
        operation = _CALLS[site.node.func.name]
        one = operation not in ("find", "delete_many")
        limit = site.arg(None, "limit")
        bound = Bound.ONE if one else self.bounds.of(limit, site.scope)
        ordered = site.arg(None, "sort")
        sort = self.expressions.sort([ordered], site.scope) if ordered is not None else ()
        made = Query("mongodb", collection, operation, (), (), (), place_of(site), bound=bound)
        for each in self.expressions.all(site.node.args[1:], site.scope):
            yield from shapes(made, each, sort, bound, self.documents.flags(found))


@provides(Table)
def tables(application: Application) -> Iterator[Table]:
    if application.code.imports("odmantic"):
        creating = _Creating(application)
        classes = {place_of(x, x.node.name): x for x in creating.documents.all(_LIBRARY)}  # type: ignore[attr-defined]
        for table in declared_tables(application, _LIBRARY):
            owner = table.place.symbol
            call = f"await engine.configure_database([{owner}])"
            run = creating.run(classes[table.place])
            yield table if run else replace(table, creating=call)


class _Creating:
    """Tells what runs the call that creates the indexes of a model: `engine.configure_database([Lead, Order])`."""

    def __init__(self, application: Application) -> None:
        self.documents = documents_of(application.values)
        (self.running,) = application.facts(Running)
        filters = Filters(application.values)
        self._calls: list[tuple[CallSite, set[int] | None]] = []
        for site in application.code.method_calls("configure_database"):
            named: list[Located | None] = []
            for piece in filters.items(site.arg(0, "models"), site.scope):
                with application.values.within(piece.env):
                    told = piece.expr is not None
                    named.append(self.documents.named(piece.expr, piece.scope) if told else None)  # type: ignore[arg-type]
            models = {id(found.node) for found in named if found is not None}
            self._calls.append((site, models if named and None not in named else None))

    def run(self, model: Located) -> str:
        """Empty where nothing is seen to run it for this model; a call whose models are not told may be for any."""
        sites = (s for s, models in self._calls if models is None or id(model.node) in models)
        return self.running.of_any(sites)


@provides(Index)
def indexes(application: Application) -> Iterator[Index]:
    code = application.code
    if not code.imports("odmantic"):
        return
    documents, reader = documents_of(application.values), IndexReader(application.values)
    expressions = Expressions(application.values, documents, reader.filters)
    creating = _Creating(application)
    for found in documents.all(_LIBRARY):
        collection, run = documents.collection(found), creating.run(found)
        for name, stmt, scope in documents.fields(found):
            if isinstance(stmt.value, t.Call) and t.dotted(stmt.value.func).endswith("Field"):
                described = CallSite(stmt.value, scope)
                unique = reader.true(described, "unique")
                stored = documents.stored(found, name)
                if stored != "_id" and (unique or reader.true(described, "index")):
                    place = place_of(Located(stmt, scope))
                    yield Index("mongodb", collection, ((stored, 1),), unique, place, "model", run)
        yield from _listed(documents, expressions, reader, found, collection, run)


def _listed(
    documents: Documents,
    expressions: Expressions,
    reader: IndexReader,
    found: Located,
    collection: str,
    run: str,
) -> Iterator[Index]:
    """`"indexes": lambda: [Index(Lead.name, Lead.date.desc(), unique=True)]` of its configuration."""
    inner = documents.code.inside(found)
    for call in t.walk(*found.node.body):  # type: ignore[attr-defined]
        if not isinstance(call, t.Call):
            continue
        described = CallSite(call, inner)
        match t.dotted(call.func).rpartition(".")[2]:
            case "IndexModel":
                if index := reader.index(described, collection, "model", run):
                    yield index
            case "Index":
                if keys := expressions.sort(call.args, inner):
                    unique = reader.true(described, "unique")
                    yield Index("mongodb", collection, keys, unique, place_of(described), "model", run)  # fmt: skip
