"""fastapi-filter: `given.filter(select(User))` narrows a query by the fields of a class that a caller fills.

Source: https://fastapi-filter.netlify.app/ (the operators, `search_model_fields`, `order_by`). Each field
is optional, so that what is asked is the query without them and with each.
"""

from __future__ import annotations

from collections.abc import Iterator

from auditor.extract.python import tree as t
from auditor.link.scopes import Located
from auditor.stores.sql.conditions import Condition, Draft, Some, Untold, no_column
from auditor.stores.sql.entities import Entity
from auditor.stores.sql.expressions import class_attribute, test
from auditor.stores.sql.reading.frames import Frame, Reading, reads_calls
from auditor.stores.sql.reading.things import Field, Thing, Told, each, either, executed

_HOW = {"": "equality", "in": "equality", "isnull": "equality", "gt": "range", "gte": "range", "lt": "range",
        "lte": "range", "neq": "unequal", "not": "unequal", "not_in": "unequal", "nin": "unequal"}  # fmt: skip
_OWN = {"order_by", "search"}


@reads_calls
def calls(reading: Reading, call: t.Call, last: str, base: Thing | None, frame: Frame) -> Told:
    if last not in ("filter", "sort") or not isinstance(call.func, t.Attr) or len(call.args) != 1:
        return None, False
    name = reading.code.name(call.func.value, frame.scope).removesuffix("()")
    found = reading.code.definition(name) if name else None
    if found is None or not isinstance(found.node, t.Class):
        return None, False
    if not any(above.startswith("fastapi_filter.") for above in reading.code.ancestry(found)):
        return None, False
    made: list[Thing] = []
    for thing in each(reading.thing(call.args[0], frame)):
        if not isinstance(thing, Draft) or thing.entity is None:
            made.append(thing)
        elif last == "sort":
            made.append(reading.record(executed(thing, sort=())))
        else:
            made.append(reading.record(executed(thing)))
            for condition in _conditions(reading, found, thing.entity):
                made.append(reading.record(executed(thing, where=(*thing.where, condition))))
    return either(made), True


def _conditions(reading: Reading, found: Located, entity: Entity) -> Iterator[Condition]:
    """What each field of the class asks, those of bases included."""
    seen: set[str] = set()
    for owner in (reading.code.definition(name) for name in reading.code.ancestry(found)):
        if owner is None or not isinstance(owner.node, t.Class):
            continue
        for stmt in owner.node.body:
            match stmt:
                case t.Assign(targets=[t.Name(id=name)]) if name not in seen | _OWN:
                    seen.add(name)
                    path, _, operator = name.partition("__")
                    field = class_attribute(entity, path)
                    if isinstance(field, Field):
                        yield test(field, _HOW.get(operator, "scanned"))
                    else:
                        yield Untold(no_column(name))
                case t.Class(name="Constants") if "Constants" not in seen:
                    seen.add("Constants")
                    given = reading.values.attribute(Located(stmt, reading.code.inside(owner)), "search_model_fields")  # fmt: skip
                    names = [
                        n.value
                        for x in given[:1]
                        for n in t.walk_own(x.node)
                        if isinstance(n, t.Const)
                    ]
                    fields = [class_attribute(entity, str(n)) for n in names]
                    if parts := tuple(test(f, "scanned") for f in fields if isinstance(f, Field)):
                        yield Some(parts)
