"""Calls that are spelt as those of a queryset, on something of which only the name is known."""

from __future__ import annotations

import re

from msgspec.structs import replace

from auditor.extract.python import tree as t
from auditor.stores.mongo.documents import documents_of
from auditor.stores.sql.conditions import Draft
from auditor.stores.sql.django.managers import manager_of
from auditor.stores.sql.django.relations import by_name, is_to_many
from auditor.stores.sql.entities import Entity, last_name
from auditor.stores.sql.reading.frames import Frame, Reading

_ONLY_QUERYSET = {"filter", "exclude", "order_by", "select_related", "prefetch_related", "annotate", "values_list", "aggregate"}  # fmt: skip
_SAID_OF_RELATIONS = {
    "values_list",
    "get_or_create",
    "update_or_create",
    "aget_or_create",
    "aupdate_or_create",
    "in_bulk",
} | _ONLY_QUERYSET
_SAID_ALONE = {
    "all",
    "first",
    "last",
    "latest",
    "earliest",
    "count",
    "exists",
    "distinct",
    "afirst",
    "alast",
    "acount",
    "aexists",
}
_CHANGES = {"update", "delete", "exists", "count", "aupdate", "adelete", "aexists", "acount"}
"""What actions of an administration do with the queryset that they are given."""
_OF_MANY = {"set", "clear", "add", "remove", "aset", "aclear", "aadd", "aremove"}
"""What sets have as well: said only of relations that the models have."""
_FOREIGN = {"polars", "pandas", "re", "builtins", "pyspark", "requests", "numpy", "PIL", "elasticsearch_dsl", "whoosh", "ibis"}  # fmt: skip
_FRAMES = re.compile(r"(?:^|_)(?:df|dataframe|search|s|logger|image|img|col|pl|pd)$")
"""What else has methods of these names: data frames, searches, images."""


def of_unknown(
    reading: Reading, call: t.Call, func: t.Attr, last: str, frame: Frame
) -> Draft | None:  # fmt: skip
    """The queryset of something of which only the name is known: `wallet.entries`, `qs`."""
    by_names = last in ("get", "aget") and bool(call.keywords) and not call.args
    alone = last in _SAID_ALONE and not call.args and not call.keywords
    between = last in _OF_MANY and is_to_many(reading, func.value)
    if last in _SAID_OF_RELATIONS or alone or by_names or between:
        if (made := by_name(reading, func.value, last, call, frame)) is not None:
            return made
    spelt = re.search(
        r"^(?:queryset|qs|query_set|get_queryset)$|_qs$|_queryset$", last_name(func.value)
    )
    changes = spelt and last in _CHANGES and isinstance(func.value, t.Name)
    if (last not in _ONLY_QUERYSET and not changes) or _FRAMES.search(last_name(func.value)):
        return None
    typed = _annotated(reading, func.value, frame)
    if typed is not None:
        return replace(manager_of(typed, reading, call, frame), assumed=True)
    if not spelt and not speaks_of_models(reading, call, last, frame):
        return None
    if documents_of(reading.values).starts(func.value, frame.scope):
        return None  # MongoDB's
    return Draft(
        "django", None, reading.place(call, frame), loop=frame.loop, manager=True,
        unresolved="its model is that of a parameter", tentative=True,
    )  # fmt: skip


def speaks_of_models(reading: Reading, call: t.Call, last: str, frame: Frame) -> bool:
    """Whether a call's arguments are those of a queryset: `filter(owner=user)`, `order_by("-id")`."""
    if reading.code.name(call.func, frame.scope).partition(".")[0] in _FOREIGN:
        return False
    if last in ("filter", "exclude", "aggregate"):
        named = [k for k in call.keywords if k.name]
        q = any(
            isinstance(n, t.Call) and last_name(n.func) == "Q"
            for a in call.args
            for n in t.walk_own(a)
        )
        return q or (bool(named) and not call.args)
    if last in ("annotate", "exists"):
        return not call.args and bool(call.keywords)
    return bool(call.args) and all(
        isinstance(a, t.Const) and isinstance(a.value, str) for a in call.args
    )


def _annotated(reading: Reading, expr: t.Expr, frame: Frame) -> Entity | None:
    """`queryset: QuerySet[Item]`."""
    if not isinstance(expr, t.Name) or (found := reading.code.find(expr.id, frame.scope)) is None:
        return None
    for binding in found[1]:
        annotation = getattr(binding.node, "annotation", None)
        if isinstance(annotation, t.Item):
            index = annotation.index
            if isinstance(index, t.Const) and isinstance(index.value, str):
                named = reading.entities.by_class.get(index.value)
                return named[0] if named else None
            return reading.entities.of(index, found[0])
    return None
