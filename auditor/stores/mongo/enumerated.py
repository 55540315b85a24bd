"""Collections of documents that a unique index keeps small: one for each value of its fields, which are enumerations.

`IndexModel([("event", 1), ("channel", 1)], unique=True)` over two enumerations of 11 and 4 members lets 44 documents in.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from auditor.extract.python import tree as t
from auditor.link.application import Application, provides
from auditor.link.scopes import Scope
from auditor.link.values import Evaluator
from auditor.model.data import Constant, Index
from auditor.stores.flags import chosen
from auditor.stores.mongo.documents import documents_of

_MOST = 100
_WRAPPING = {"Optional", "Annotated", "Indexed", "Union", "Literal"}
"""Around the type of a field that has one value: a list of them is in the index once for each."""


@provides(Constant)
def by_unique_indexes(application: Application) -> Iterator[Constant]:
    """Collections that a unique index over enumerations keeps small."""
    unique = [
        index for index in application.facts(Index)
        if index.store == "mongodb" and index.unique and index.run and not index.condition and index.kind == "ordered"
    ]  # fmt: skip
    documents = documents_of(application.values)
    for found in application.code.classes() if unique else ():
        if not documents.library(found):
            continue
        own = [index for index in unique if index.collection == documents.collection(found)]
        counts = {
            documents.stored(found, name): count
            for name, stmt, scope in (documents.fields(found) if own else ())
            if (count := _count(application.values, stmt, scope))
        }
        for index in own:
            most = math.prod(counts.get(name, _MOST + 1) for name, _ in index.fields)
            if most <= _MOST:
                names = ", ".join(name for name, _ in index.fields)
                why = f"its unique index of {names} allows {most} documents, by the values that these take"
                yield Constant("mongodb", index.collection, why)


def _count(values: Evaluator, field: t.Assign, scope: Scope) -> int:
    """How many values a field takes, with none where it may be left out; 0 where that is not told."""
    words = list(t.walk_own(field.annotation)) if field.annotation is not None else []
    around = [node for node in words if isinstance(node, t.Item)]
    if any(t.last_word(node.value) not in _WRAPPING for node in around):
        return 0
    listed = isinstance(field.value, t.Call) and t.last_word(field.value.func) == "ListField"
    allowed = None if listed else chosen(values, field.annotation, field.value, scope)
    if allowed is None:
        return 0
    left_out = any(isinstance(node, t.BinOp) for node in words) or any(
        t.last_word(node.value) in ("Optional", "Union") for node in around
    )
    return len({*allowed}) + (left_out or not words)
