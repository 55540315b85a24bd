"""PyMODM: queries on `Model.objects`, and the indexes of a class's `Meta`.

Source: https://pymodm.readthedocs.io/en/stable/api/index.html. Filters, orders and pipelines are spelt as
PyMongo's are. The indexes of `Meta` are created when the class is made.
"""

from __future__ import annotations

from collections.abc import Iterator

from auditor.extract.python import tree as t
from auditor.link.application import Application, provides
from auditor.link.scopes import CallSite, Located, place_of
from auditor.model.data import Bound, Index, Query, Table
from auditor.stores.bounds import bounds_of, worst
from auditor.stores.mongo.beanie import declared_tables
from auditor.stores.mongo.conditions import Conditions, narrowed
from auditor.stores.mongo.cursors import Step
from auditor.stores.mongo.documents import documents_of
from auditor.stores.mongo.indexes import IndexReader
from auditor.stores.mongo.kinds import asked_of_each
from auditor.stores.mongo.mongodb import MongoReader, looked_up, looped, of_key, of_runs, shapes
from auditor.stores.mongo.mongoengine import managers, owner_of
from auditor.stores.mongo.pipelines import Sort, sort_of
from auditor.stores.waiting.errands import Errands

_LIBRARY = "PyMODM"
_ENDS = {
    "get": "find_one", "first": "find_one", "count": "count_documents", "delete": "delete_many",
    "update": "update_many", "aggregate": "aggregate", "create": "insert_one", "bulk_create": "insert_many",
}  # fmt: skip
_SINGLE = {"get", "first", "create", "save"}
"""What gives a document."""
_BY_KEY = {"delete": "delete_one", "refresh_from_db": "find_one"}
"""What a document that is at hand asks for itself."""


@provides(Query)
def queries(application: Application) -> list[Query]:
    if not application.code.imports("pymodm"):
        return []
    reader = _PyMODM(application)
    found = [
        (site, q)
        for site in managers(reader.mongo, reader.document)
        for q in of_runs(reader.mongo, site, lambda s=site: reader.queries(s))  # type: ignore[misc]
    ]
    found += [(site, query) for site, query in reader.of_documents()]
    return looped(application.values, found)


class _PyMODM:
    def __init__(self, application: Application) -> None:
        self.values, self.code = application.values, application.code
        self.documents = documents_of(self.values)
        self.bounds = bounds_of(application)
        self.mongo = MongoReader(application)

    def document(self, site: CallSite) -> Located | None:
        found = self.documents.named(owner_of(site), site.scope)
        return found if found and self.documents.library(found) == _LIBRARY else None

    def queries(self, site: CallSite) -> Iterator[Query]:
        return asked_of_each(
            self.documents, owner_of(site), site.scope, _LIBRARY, lambda: self._queries(site)
        )

    def _queries(self, site: CallSite) -> Iterator[Query]:
        found = self.document(site)
        if found is not None:
            for steps in self.mongo.cursors.executions(site, _ENDS):
                yield from self._execution(found, site, steps)

    def _execution(self, found: Located, site: CallSite, steps: list[Step]) -> Iterator[Query]:
        """What a queryset asks with these calls."""
        conditions = [Conditions()]
        operation, joins = "find", []
        sort: Sort = ()
        bounds = self.mongo.cursors.slices(site)
        for call, taken in [(site, ()), *steps]:
            last = t.last_word(call.node.func)
            match last:
                case "raw" | "get":
                    asked = self.mongo.filters.read(call.arg(0, "raw_query"), call.scope)
                    conditions = narrowed(conditions, asked, taken)
                case "order_by":
                    sort = sort_of(self.values, call.arg(0, "ordering"), call.scope)
                case "limit":
                    bounds.append(self.bounds.of(call.arg(0, "limit"), call.scope))
                case "aggregate":
                    at = (call.node.line, call.node.column, call.node.end_line)
                    stages = t.Seq(*at, "list", call.node.args)
                    read = self.mongo.pipelines.read(stages, call.scope)
                    conditions = [a.joined(b) for a in conditions for b in read.conditions][:16]
                    sort, joins = read.sort, read.joins
            operation = _ENDS.get(last, operation)
        if operation not in ("find", "find_one", "aggregate"):
            sort = ()
        bound = worst(bounds) if bounds else Bound.UNKNOWN
        bound = bound if operation in ("find", "aggregate") else Bound.ONE
        collection = self.documents.collection(found)
        made = Query("mongodb", collection, operation, (), (), (), place_of(site))
        for each in conditions:
            yield from shapes(made, each, sort, bound, self.documents.flags(found))
        yield from looked_up(made, joins)

    def of_documents(self) -> Iterator[tuple[CallSite, Query]]:
        """What a document that is at hand asks by its key: `note.delete()`, `note.refresh_from_db()`."""
        for site in self.code.method_calls(*_BY_KEY):
            func = site.node.func
            if isinstance(func, t.Attr) and self.code.defined(func, site.scope) is None:
                for name in sorted(self.documents.at_hand(func.value, site.scope, _LIBRARY, _SINGLE)):  # fmt: skip
                    yield site, of_key(site, name, _BY_KEY[func.name])


@provides(Table)
def tables(application: Application) -> Iterator[Table]:
    if application.code.imports("pymodm"):
        yield from declared_tables(application, _LIBRARY)


@provides(Index)
def indexes(application: Application) -> Iterator[Index]:
    if not application.code.imports("pymodm"):
        return
    documents, reader = documents_of(application.values), IndexReader(application.values)
    (errands,) = application.facts(Errands)
    for found in documents.all(_LIBRARY):
        run = "" if found.path in errands.unused.modules else "start"
        listed = documents.setting_expr(found, "indexes")
        if listed is not None:
            yield from reader.listed(listed, documents.collection(found), run)
