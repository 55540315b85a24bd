"""What stored objects ask for themselves: they are deleted, and read again, by their key.

Sources: https://docs.djangoproject.com/en/stable/ref/models/instances/, https://tortoise.github.io/models.html,
https://docs.peewee-orm.com/en/latest/peewee/api.html#Model.delete_instance.
"""

from __future__ import annotations

from auditor.extract.python import tree as t
from auditor.model.data import Bound
from auditor.stores.sql.conditions import Draft, Test, Untold
from auditor.stores.sql.entities import Entity
from auditor.stores.sql.reading.frames import Frame, Reading, reads_calls
from auditor.stores.sql.reading.things import Row, Thing, Told

_OPERATIONS = {
    "django": {"delete": "delete", "adelete": "delete", "refresh_from_db": "get", "arefresh_from_db": "get"},
    "tortoise": {"delete": "delete", "refresh_from_db": "get"},
    "peewee": {"delete_instance": "delete", "aio_delete_instance": "delete"},
}  # fmt: skip
AGAIN = {"refresh_from_db", "arefresh_from_db"}
"""What nothing but a stored object has, whatever holds it."""


@reads_calls
def of_objects(reading: Reading, call: t.Call, last: str, base: Thing | None, frame: Frame) -> Told:
    match call.func:
        case t.Attr(value=t.Call(func=t.Name(id="super"))) if base is None:
            base, inherited = frame.find("self")[1], True
        case _:
            inherited = False
    if not isinstance(base, Row):
        return None, False
    entity = base.entity
    operation = _OPERATIONS.get(entity.mapper, {}).get(last)
    if operation is None or (not inherited and _own(reading, entity, last)):
        return None, False
    key = entity.key
    where = Test(entity.table, key.name) if key else Untold("the primary key is not known")
    loop = (base.loop or frame.loop) if operation == "get" else None
    place = reading.place(call, frame)
    reading.record(
        Draft(entity.mapper, entity, place, operation, (where,), bound=Bound.ONE, loop=loop)
    )
    return None, True


def _own(reading: Reading, entity: Entity, name: str) -> bool:
    """Whether the class has a method of that name, which is read where it stands."""
    ancestry = reading.code.ancestry(entity.found) if entity.found is not None else []
    return any(reading.code.definition(f"{above}.{name}") is not None for above in ancestry)
