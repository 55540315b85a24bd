"""umongo: document classes that are asked as collections are, and the indexes that they declare.

Source: https://umongo.readthedocs.io/en/latest/userguide.html. `ensure_indexes()` of each class creates them.
"""

from __future__ import annotations

from collections.abc import Iterator

from auditor.extract.python import tree as t
from auditor.link.application import Application, provides
from auditor.link.scopes import CallSite, Located, place_of
from auditor.model.data import Index, Table
from auditor.stores.mongo.beanie import declared_tables
from auditor.stores.mongo.documents import documents_of
from auditor.stores.mongo.indexes import IndexReader
from auditor.stores.waiting.running import Running

_LIBRARY = "umongo"


@provides(Table)
def tables(application: Application) -> Iterator[Table]:
    if application.code.imports("umongo"):
        yield from declared_tables(application, _LIBRARY)


@provides(Index)
def indexes(application: Application) -> Iterator[Index]:
    code = application.code
    if not code.imports("umongo"):
        return
    documents, reader = documents_of(application.values), IndexReader(application.values)
    (running,) = application.facts(Running)
    run = running.of_any(code.method_calls("ensure_indexes"))
    for found in documents.all(_LIBRARY):
        collection = documents.collection(found)
        for name, stmt, scope in documents.fields(found):
            if isinstance(stmt.value, t.Call) and reader.true(
                CallSite(stmt.value, scope), "unique"
            ):
                keys: tuple[tuple[str, int], ...] = ((documents.stored(found, name), 1),)
                place = place_of(Located(stmt, scope))
                yield Index("mongodb", collection, keys, True, place, "model", run)
        listed = documents.setting_expr(found, "indexes")
        if listed is not None:
            yield from reader.listed(listed, collection, run, signs=True)
