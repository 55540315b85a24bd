"""Queries of Peewee's models.

Source: https://docs.peewee-orm.com/en/latest/peewee/querying.html.
"""

from __future__ import annotations

import re

from msgspec.structs import replace

from auditor.ecosystems.installed import pinned
from auditor.extract.python import tree as t
from auditor.link.scopes import Located, argument
from auditor.model.data import Bound
from auditor.stores.lookups import bound
from auditor.stores.sql.conditions import Condition, Draft, Lookup, Test, Untold
from auditor.stores.sql.django.conditions import of_keys
from auditor.stores.sql.django.managers import method_of
from auditor.stores.sql.entities import Entity, last_name
from auditor.stores.sql.expressions import condition
from auditor.stores.sql.objects import called_like
from auditor.stores.sql.peewee.models import KEYS
from auditor.stores.sql.reading.frames import Frame, Reading, reads_attributes, reads_calls
from auditor.stores.sql.reading.things import Class, Row, Rows, Thing, Told, each, either, executed
from auditor.stores.sql.sqlalchemy.queries import of_row
from auditor.stores.sql.sqlalchemy.steps import method

_STARTS = {"select": "select", "update": "update", "delete": "delete", "insert": "insert", "insert_many": "insert",
           "raw": "select", "replace": "insert"}  # fmt: skip
_MANAGERS = {"objects", "manager", "database", "db"}
_BY_MANAGER = {"get", "get_or_none", "get_or_create"}
"""Of peewee_async's manager: `objects.get(User, User.name == name)`."""
_ASKS = {"get", "get_or_none", "first", "peek", "count", "exists", "scalar"}
"""What executes a query at once."""
_FURTHER = {"where", "order_by"}
"""What makes another query of one."""
_GETS = {"get", "get_or_none", "get_by_id", "get_or_create", "delete_by_id", "set_by_id", "create", "filter", "noop"}  # fmt: skip

_OF_CLASSES = (4, 4)
"""Since which version `delete` is one of classes alone: `classmethod_only` in its source."""
_REFUSED = "the version of Peewee that is fixed has no `delete` of an object"

_KEY = re.compile(r"(?:^|_)(?:id|pk)$|[a-z]Id$")


@reads_attributes
def attributes(reading: Reading, expr: t.Attr, base: Thing | None, frame: Frame) -> Thing | None:
    """`g.team.members`, of an object that is only told by what it is called."""
    if base is not None or not reading.has("peewee"):
        return None
    owner = called_like(reading, expr.value, frame)
    relation = owner.relations.get(expr.name) if owner is not None else None
    if owner is None or owner.mapper != "peewee" or relation is None or not relation.many:
        return None
    return of_row(reading, expr, Row(owner), frame)


@reads_calls
def calls(reading: Reading, call: t.Call, last: str, base: Thing | None, frame: Frame) -> Told:
    last = last.removeprefix("aio_")  # https://peewee-async.readthedocs.io/
    match base:
        case Class(entity=entity) | Row(entity=entity) if (
            entity.mapper == "peewee"
            and isinstance(call.func, t.Attr)
            and (isinstance(base, Class) or t.dotted(call.func.value) == "self")
        ):  # a method of the class is one of its objects as well: `self.get(**given)`
            own = reading.code.defined(call.func, frame.scope)
            if own is not None and not _asks_above(own, call.func.name):
                return None, False
            if last in _STARTS or last in _GETS:
                return _started(reading, entity, call, last, frame), True
            if last == "alias":
                return base, True
        case Row(entity=entity) if (
            entity.mapper == "peewee" and last == "update" and id(call) in reading.awaited
        ):  # `await order.update(paid=True)` changes all there are: it is a method of the class
            return _started(reading, entity, call, last, frame), True
        case None if last in ("execute", "where") and isinstance(call.func, t.Attr):
            asked = _on_object(reading, call.func.value, frame)
            if isinstance(asked, Draft):
                return _step(reading, asked, call, last, frame), True
        case Draft(mapper="peewee") if isinstance(call.func, t.Attr):
            apart = last in _ASKS or (last in _FURTHER and reading.is_another(call))
            asked = reading.asked_at(call, base, frame) if apart else base
            return _step(reading, asked, call, last, frame), True
        case Rows(draft=draft) if draft is not None and draft.mapper == "peewee":
            if last in ("select", "where", "order_by", "count", "limit"):
                made = replace(draft, place=reading.place(call, frame))
                return _step(reading, made, call, last, frame), True
        case None if last in ("get_object_or_404", "object_list", "PaginatedQuery") and reading.has(
            "peewee"
        ):
            return _of_flask(reading, call, last, frame)
        case None if (
            last in _BY_MANAGER and isinstance(call.func, t.Attr) and reading.has("peewee")
        ):
            if call.args and last_name(call.func.value) in _MANAGERS:
                return _by_manager(reading, call, last, frame)
        case None if last == "select" and isinstance(call.func, t.Attr) and reading.has("peewee"):
            if (
                isinstance(call.func.value, t.Attr) and call.func.value.name[:1].isupper()
            ):  # self.User.select()
                unknown = Draft(
                    "peewee", None, reading.place(call, frame), loop=frame.loop, tentative=True,
                    unresolved="the model is chosen at run time",
                )  # fmt: skip
                return unknown, True
    return None, False


def _on_object(reading: Reading, start: t.Expr, frame: Frame) -> Thing | None:
    """`order.update(paid=True)` that goes on: all there are, whatever object it is called on.

    Source: https://docs.peewee-orm.com/en/latest/peewee/api.html#Model.update.
    """
    match start:
        case t.Call(func=t.Attr(value=held, name="update" | "delete" as name)):
            for one in each(reading.thing(held, frame)):
                if not isinstance(one, Row) or one.entity.mapper != "peewee":
                    continue
                found = one.entity.found
                if found is None or method_of(reading, found, name) is not None:
                    continue  # the model has a method of this name
                made = _started(reading, one.entity, start, name, frame)
                if name == "delete" and isinstance(made, Draft) and _only_of_classes(reading):
                    return reading.record(executed(made, unresolved=_REFUSED, refused=True))
                return made
    return None


def _only_of_classes(reading: Reading) -> bool:
    """Whether the version that is fixed has a `delete` of classes alone, which raises a TypeError on an object."""
    return pinned(reading.application).get("peewee", ()) >= _OF_CLASSES


def _asks_above(method: Located, name: str) -> bool:
    """Whether a method asks for what it stands before: `return super().get(*query, **filters)`."""
    return isinstance(method.node, t.Function) and any(
        isinstance(node, t.Call) and isinstance(node.func, t.Attr) and node.func.name == name
        and isinstance(node.func.value, t.Call) and t.dotted(node.func.value.func) == "super"
        for node in t.walk_own(*method.node.body)
    )  # fmt: skip


def _of_flask(reading: Reading, call: t.Call, last: str, frame: Frame) -> Told:
    """`get_object_or_404(User, User.id == key)` and `object_list("users.html", User)`: its extension for Flask.

    Source: https://docs.peewee-orm.com/en/latest/peewee/playhouse.html#flask-utils.
    """
    position = 1 if last == "object_list" else 0
    made: list[Thing] = []
    known = False
    given = argument(call, position, "query", "query_or_model")
    for thing in each(reading.thing(given, frame)) if given is not None else ():
        match thing:
            case Class(entity=entity) if entity.mapper == "peewee":
                draft = Draft("peewee", entity, reading.place(call, frame), loop=frame.loop)
            case Draft(mapper="peewee"):
                draft = thing
            case _:
                continue
        known = True
        if last == "get_object_or_404":
            rest = t.Call(call.line, call.column, call.end_line, call.func, call.args[1:], [])
            if (row := _step(reading, draft, rest, "get", frame)) is not None:
                made.append(row)
        else:
            reading.record(executed(draft, limited=Bound.LIMITED))
            reading.record(executed(draft, operation="count", bound=Bound.ONE, sort=()))
    return either(made), known


def _by_manager(reading: Reading, call: t.Call, last: str, frame: Frame) -> Told:
    """`await objects.get(User, User.name == name)`.

    Source: https://peewee-async.readthedocs.io/ (the manager of its releases before 1.0).
    """
    made: list[Thing | None] = []
    rest = t.Call(call.line, call.column, call.end_line, call.func, call.args[1:], call.keywords)
    for thing in each(reading.thing(call.args[0], frame)):
        match thing:
            case Class(entity=entity) if entity.mapper == "peewee":
                made.append(_started(reading, entity, rest, last, frame))
            case Draft(mapper="peewee"):
                made.append(_step(reading, thing, rest, "get", frame))
    return either([x for x in made if x is not None]), bool(made)


def _started(
    reading: Reading, entity: Entity, call: t.Call, last: str, frame: Frame
) -> Thing | None:  # fmt: skip
    draft = Draft("peewee", entity, reading.place(call, frame), loop=frame.loop)
    given = [reading.thing(a, frame) for a in call.args]
    named = [reading.thing(k.value, frame) for k in call.keywords]
    if last == "create":
        reading.record(replace(draft, operation="insert", bound=Bound.ONE))
        return Row(entity)
    if last in _STARTS:
        return reading.record(replace(draft, operation=_STARTS[last]))
    where: list[Condition] = []
    numbered = entity.key is not None and entity.key.type in KEYS
    by_key = numbered and last in ("get", "get_or_none") and given == [None] and _is_key(call.args[0], frame)  # fmt: skip
    if by_key or last in ("get_by_id", "delete_by_id", "set_by_id"):
        key = entity.key
        where.append(Test(entity.table, key.name) if key else Untold("the primary key is not known"))  # fmt: skip
    else:
        where += [condition(g, a) for g, a in zip(given, call.args, strict=True)]
        where += [
            bound(Lookup(k.name) if k.name else of_keys(x), entity, reading.entities, frozenset())
            for k, x in zip(call.keywords, named, strict=True)
            if k.name != "defaults"
        ]
    operation = "delete" if last == "delete_by_id" else "update" if last == "set_by_id" else "get"
    if last == "filter":
        return reading.record(replace(draft, where=tuple(where)))
    done = reading.record(replace(draft, where=tuple(where), operation=operation, bound=Bound.ONE))
    return Row(entity, done)


def _is_key(given: t.Expr, frame: Frame) -> bool:
    """Whether what stands alone in `Note.get(…)` is a number, which is a primary key that counts up: whatever is called `id` is no condition.

    Source: https://docs.peewee-orm.com/en/latest/peewee/api.html#Model.get.
    """
    match given:
        case t.Const(value=value):
            return type(value) is int
        case t.Call(func=t.Name(id="int")):
            return True
        case t.Name(id=name):
            params = getattr(frame.scope.owner, "params", ())
            kinds = [p.annotation for p in params if p.name == name]
            if any(isinstance(kind, t.Name) and kind.id == "int" for kind in kinds):
                return True
    return _KEY.search(t.last_word(given)) is not None


def _step(
    reading: Reading, draft: Draft, call: t.Call, last: str, frame: Frame
) -> Thing | None:  # fmt: skip
    if last in ("get", "get_or_none", "first", "peek"):
        where = tuple(
            condition(x, a) for a in call.args for x in (each(reading.thing(a, frame)) or (None,))[:1]
            if not isinstance(a, t.Const)
        )  # fmt: skip
        done = reading.record(executed(draft, bound=Bound.ONE, where=(*draft.where, *where)))
        return Row(draft.entity, done) if draft.entity is not None else None
    if last == "paginate":
        size = call.args[1] if len(call.args) > 1 else None
        told = reading.bounds.of(size, frame.scope) if size is not None else Bound.LIMITED
        return reading.record(executed(draft, limited=told))
    if last == "execute":
        return draft
    if last in ("switch", "dicts", "tuples", "namedtuples", "objects", "iterator", "on_conflict", "on_conflict_replace", "on_conflict_ignore"):  # fmt: skip
        return draft
    return method(reading, draft, call, last, frame)
