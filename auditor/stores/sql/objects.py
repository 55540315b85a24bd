"""What stored objects ask for themselves: they are deleted, and read again, by their key.

Sources: https://docs.djangoproject.com/en/stable/ref/models/instances/, https://tortoise.github.io/models.html,
https://docs.peewee-orm.com/en/latest/peewee/api.html#Model.delete_instance.
"""

from __future__ import annotations

from collections.abc import Iterator

from auditor.extract.python import tree as t
from auditor.link.names import Code
from auditor.link.scopes import Located, Scope
from auditor.model.data import Bound
from auditor.stores.sql.conditions import Draft, Test, Untold
from auditor.stores.sql.django.packages import entity_name
from auditor.stores.sql.entities import Entities, Entity, last_name
from auditor.stores.sql.reading.frames import Frame, Reading, reads_calls
from auditor.stores.sql.reading.things import Row, Thing, Told
from auditor.stores.sql.sqlalchemy.relations import LOADS, loads_late, looks_up, spoken

_OPERATIONS = {
    "django": {"delete": "delete", "adelete": "delete", "refresh_from_db": "get", "arefresh_from_db": "get"},
    "tortoise": {"delete": "delete", "refresh_from_db": "get"},
    "peewee": {"delete_instance": "delete", "aio_delete_instance": "delete"},
}  # fmt: skip
OF_OBJECTS = {"refresh_from_db", "arefresh_from_db", "delete_instance", "aio_delete_instance"}
"""What nothing but a stored object has, whatever holds it."""
_ASKING = OF_OBJECTS.union(*_OPERATIONS.values())


def scopes_of(code: Code, entities: Entities) -> Iterator[Scope]:
    """The functions that ask something of an object that they are handed: `async def drop(user: User = Depends(me))`."""
    for function in code.functions():
        node = function.node
        assert isinstance(node, t.Function)
        typed = {p.name for p in node.params if last_name(p.annotation) in entities.by_class}
        if typed and any(
            isinstance(n, t.Attr) and n.name in _ASKING and t.dotted(n.value) in typed
            for n in t.walk_own(*node.body)
        ):
            yield code.inside(function)


def loading(code: Code, entities: Entities) -> Iterator[Scope]:
    """The functions that read a relation of SQLAlchemy of their own object, or of one that they are handed: it is loaded then.

    Not one that some option of the tree loads with its objects; an asynchronous session loads nothing late.
    """
    names = {
        name
        for entity in entities
        for name, relation in entity.relations.items()
        if entity.mapper == "sqlalchemy" and not relation.eager
        if (target := entities.by_name.get(relation.target)) and looks_up(relation, target)
    }
    if not names or not loads_late(code):
        return
    options = (arg for site in code.method_calls(*LOADS) for arg in site.node.args)
    names.difference_update(spoken([node for arg in options for node in t.walk_own(arg)]))
    for function in code.functions():
        node, around = function.node, function.scope
        assert isinstance(node, t.Function)
        handed = {"current_user"} | {p.name for p in node.params if not _words(p.annotation).isdisjoint(entities.by_class)}  # fmt: skip
        if isinstance(around.owner, t.Class) and around.parent is not None:
            if code.own_name(Located(around.owner, around.parent)) in entities.by_name:
                handed |= {p.name for p in node.params[:1]}
        if any(
            isinstance(n, t.Attr) and n.name in names and t.dotted(n.value) in handed
            for n in t.walk_own(*node.body)
        ):
            yield code.inside(function)


def _words(annotation: t.Expr | None) -> set[str]:
    """The classes that the type of a parameter names: `Annotated[User, Depends(me)]`."""
    nodes = t.walk_own(annotation) if annotation is not None else ()
    return {last_name(n) for n in nodes if isinstance(n, t.Name | t.Attr)}


@reads_calls
def of_objects(reading: Reading, call: t.Call, last: str, base: Thing | None, frame: Frame) -> Told:
    match call.func:
        case t.Attr(value=t.Call(func=t.Name(id="super"))) if base is None:
            base, inherited = frame.find("self")[1], True
        case _:
            inherited = False
    if base is None and last in OF_OBJECTS and isinstance(call.func, t.Attr):
        named = called_like(reading, call.func.value, frame)
        base = Row(named) if named is not None and named.mapper == "peewee" else None
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


def called_like(reading: Reading, expr: t.Expr, frame: Frame) -> Entity | None:
    """The one stored class that an object is called like, `g.team`, and no module of that name."""
    word = last_name(expr).replace("_", "").lower()
    found = [e for e in reading.entities if e.found is not None and entity_name(e) == word]
    bound = reading.code.find(expr.id, frame.scope) if isinstance(expr, t.Name) else None
    if len(found) != 1 or (bound is not None and any(b.kind == "import" for b in bound[1])):
        return None
    return found[0]
