"""Relations that are read from objects of Django's and Tortoise's models, and what a prefetch asks for them.

Sources: https://docs.djangoproject.com/en/stable/topics/db/queries/#related-objects,
https://docs.djangoproject.com/en/stable/ref/models/querysets/#prefetch-related.
"""

from __future__ import annotations

import re

from msgspec.structs import replace

from auditor.extract.python import tree as t
from auditor.link.scopes import argument
from auditor.model.data import Bound
from auditor.model.places import Place
from auditor.stores.lookups import follow
from auditor.stores.sql.conditions import Condition, Draft, Every, Link, Test
from auditor.stores.sql.django.packages import entity_name
from auditor.stores.sql.entities import Entity, Relation, last_name
from auditor.stores.sql.expressions import links
from auditor.stores.sql.reading.frames import Frame, Reading
from auditor.stores.sql.reading.things import Row, Thing, each, executed


def of_row(reading: Reading, expr: t.Attr, row: Row, frame: Frame) -> Thing | None:
    """A relation read from an object: a manager of many, or one more query for the other object."""
    relation = row.entity.relations.get(expr.name)
    target = reading.entities.by_name.get(relation.target) if relation is not None else None
    if relation is None and row.entity.mapper == "django" and expr.name.endswith("_set"):
        reason = f"{expr.name} belongs to a model that is not in this tree"
        return Draft("django", None, reading.place(expr, frame), loop=row.loop or frame.loop, manager=True, unresolved=reason)  # fmt: skip
    if relation is None or target is None:
        return None
    eager = relation.eager or (row.draft is not None and bool({expr.name, "*"} & row.draft.eager))
    place, loop = reading.place(expr, frame), row.loop or frame.loop
    if relation.many:
        draft = _many(reading, row.entity, relation, target, place, loop)
        sure = row.draft is not None and expr.name in row.draft.eager
        return replace(draft, eager=frozenset({"prefetched"} if sure else {"prefetched", "*"})) if eager else draft  # fmt: skip
    apart = is_backward(row.entity, expr.name)  # by the other table's key, outside of loops too
    looped = (row.loop is not None or apart) and frame.loads(expr, row)
    if not eager and (looped or id(expr) in reading.awaited):
        reading.record(_one(relation, target, place, row.loop))
    draft_ = row.draft
    if eager and draft_ is not None:
        inner = frozenset(x.partition("__")[2] for x in draft_.eager if x.startswith(f"{expr.name}__"))  # fmt: skip
        return Row(target, replace(draft_, eager=inner), row.loop)
    return Row(target, None, row.loop)


def is_backward(entity: Entity, name: str) -> bool:
    """Whether a relation of Django's is that to the one record whose key refers to this one: `user.badge`."""
    relation = entity.relations.get(name)
    one = relation is not None and not relation.many and entity.mapper == "django"
    return one and name not in entity.columns


def _one(relation: Relation, target: Entity, place: Place, loop: Place | None) -> Draft:
    """The query for the object that a key refers to."""
    where = (Test(target.table, relation.remote),)
    return Draft(target.mapper, target, place, "lazy", where, bound=Bound.ONE, loop=loop)


def awaited(reading: Reading, expr: t.Attr, frame: Frame) -> Thing | None:
    """`await order.item`, where the name of the relation alone tells what is asked for.

    Source: https://tortoise.github.io/models.html#foreignkeyfield.
    """
    held = [
        e.relations[expr.name]
        for e in reading.entities
        if e.mapper == "tortoise" and expr.name in e.relations
    ]
    ends = {(relation.target, relation.remote) for relation in held}
    if len(ends) != 1 or any(relation.many for relation in held):
        return None
    target = reading.entities.by_name.get(held[0].target)
    if target is None:
        return None
    reading.record(_one(held[0], target, reading.place(expr, frame), frame.loop))
    return Row(target, None, frame.loop)


def prefetch(
    reading: Reading,
    draft: Draft,
    arg: t.Expr,
    call: t.Call,
    frame: Frame,
    queryset: Thing | None = None,
) -> set[str]:
    """What a prefetch asks besides: the objects of the other side, by their key to this one.

    `Prefetch("lines", queryset=…)` asks for those of the queryset, and of one that is cut (`[:3]`) for
    so many of each object: the database puts them in order within a partition. Gives the relations
    that the objects then have: not one that is kept under another name (`to_attr`).
    """
    inner, renamed = arg, False
    if isinstance(arg, t.Call) and last_name(arg) == "Prefetch":
        inner = arg.args[0] if arg.args else argument(arg, 0, "lookup") or arg
        renamed = argument(arg, 2, "to_attr") is not None
    text = reading.values.text(inner, frame.scope)
    if text is None:
        return {"*"}
    here = draft.entity
    for part in text.split("__")[:6]:
        relation = here.relations.get(part) if here is not None else None
        target = reading.entities.by_name.get(relation.target) if relation is not None else None
        if here is None or relation is None or target is None:
            break
        if relation.many:
            if relation.through is not None:
                where: Condition = Test(relation.through[0], relation.through[1])
                joins: tuple[Link, ...] = links(here, relation, reading.entities)[1:]
            else:
                where, joins = Test(target.table, relation.remote), ()
                if relation.kind:
                    where = Every((Test(target.table, relation.kind), where))
            own = [x for x in each(queryset) if isinstance(x, Draft) and x.entity is target]
            for one in own:
                sort = one.sort if one.limited is None else ()
                both = (*one.joins, *joins)
                reading.record(executed(one, where=(*one.where, where), joins=both, sort=sort))
            if not own:
                place = reading.place(call, frame)
                reading.record(
                    Draft(target.mapper, target, place, "join", (where,), joins, sort=())
                )
            here = target
            continue
        key = Test(target.table, relation.remote)
        own = [x for x in each(queryset) if isinstance(x, Draft) and x.entity is target]
        for one in own:  # of what is asked, those that the objects refer to
            reading.record(executed(one, where=(*one.where, key)))
        if not own:
            of_one = last_name(call) == "fetch_related"
            bound = Bound.ONE if of_one else Bound.UNKNOWN
            place = reading.place(call, frame)
            reading.record(Draft(target.mapper, target, place, "join", (key,), bound=bound, sort=()))  # fmt: skip
        here = target
    return {text.rpartition("__")[0]} - {""} if renamed else {text}


def fetched(reading: Reading, call: t.Call, func: t.Attr, frame: Frame) -> None:
    """`await user.fetch_related("roles")`, where the name of the relation alone tells whose it is."""
    for arg in call.args:
        name = (reading.values.text(arg, frame.scope) or "").partition("__")[0]
        held = [e for e in reading.entities if e.mapper == "tortoise" and name in e.relations]
        named = [e for e in held if entity_name(e) == last_name(func.value).lower()]
        draft = Draft("tortoise", None, reading.place(call, frame), "join", loop=frame.loop)
        if len(found := named or held) == 1:
            prefetch(reading, replace(draft, entity=found[0]), arg, call, frame)
        else:
            reading.record(
                replace(draft, unresolved=f"whose relation `{name or '?'}` is could not be told")
            )


def steps(names: list[str]) -> list[str]:
    """`author__country` loads `author` as well."""
    found: list[str] = []
    for name in names:
        parts = name.split("__")
        found += ["__".join(parts[: n + 1]) for n in range(len(parts))]
    return found


def lacking(reading: Reading, entity: Entity | None, args: list[t.Expr], frame: Frame) -> str:
    """Why what loads relations with its objects asks nothing: the model has none of that name, and the mapper refuses it.

    Tortoise refuses both kinds before it asks, Django `select_related` alone: of `prefetch_related` it asks for the
    objects first. Nothing is said where another package, or a key whose model is not found, may bring the relation.
    """
    if entity is None or not is_told(reading, entity):
        return ""
    for arg in args:
        inner = arg.args[0] if isinstance(arg, t.Call) and last_name(arg) == "Prefetch" and arg.args else arg  # fmt: skip
        name = (reading.values.text(inner, frame.scope) or "").partition("__")[0]
        if name and name not in entity.relations and follow(reading.entities, entity, name) is None:
            return f"{name} is no relation that the code declares"
    return ""


def is_told(reading: Reading, entity: Entity) -> bool:
    """Whether all that a model inherits, and all that refers to it, can be read."""
    if entity.found is None:
        return False
    names = reading.code.ancestry(entity.found)
    foreign = [name for name in names if reading.code.definition(name) is None]
    others = (c for e in reading.entities if e.mapper == entity.mapper for c in e.columns.values())
    return all(map(_OWN_BASE.match, foreign)) and not any(c.target == "?" for c in others)


_OWN_BASE = re.compile(r"(?:tortoise\.(?:\w+\.)*Model|django\.db\.models\.(?:\w+\.)*Model|object)$")


def is_to_many(reading: Reading, expr: t.Expr) -> bool:
    """Whether an attribute of something is called as relations of many to many are, and nothing else."""
    held = reading.related.get(expr.name, ()) if isinstance(expr, t.Attr) else ()
    return bool(held) and all(relation.through is not None for _, relation in held)


def by_name(
    reading: Reading, expr: t.Expr, last: str, call: t.Call, frame: Frame
) -> Draft | None:  # fmt: skip
    """The manager that `wallet.entries` is, by the name of the relation alone.

    What `wallet` is does not matter where all relations of that name lead to the same model by the same
    key; where they do not, that something is asked is all that can be told.
    """
    if not isinstance(expr, t.Attr) or not (held := reading.related.get(expr.name)):
        return None
    place = reading.place(call, frame)
    named = [pair for pair in held if entity_name(pair[0]) == last_name(expr.value).lower()]
    held = named if len(named) == 1 else held
    ends = {(r.target, r.remote, r.through, r.kind) for _, r in held}
    owner, relation = held[0]
    if len(ends) > 1 or (target := reading.entities.by_name.get(relation.target)) is None:
        reason = f"which of several relations `{expr.name}` is could not be told"
        return Draft("django", None, place, loop=frame.loop, manager=True, unresolved=reason, tentative=True)  # fmt: skip
    return _many(reading, owner, relation, target, place, frame.loop)


def _many(
    reading: Reading, owner: Entity, relation: Relation, target: Entity, place: Place, loop: Place | None
) -> Draft:  # fmt: skip
    """The manager of the objects that a relation to many gives."""
    if relation.through is not None:
        table, own, _ = relation.through
        start: tuple[Condition, ...] = (Test(table, own),)
        joins = tuple(links(owner, relation, reading.entities)[1:])
    else:
        start, joins = (Test(target.table, relation.remote),), ()
        if relation.kind:
            start = (Test(target.table, relation.kind), *start)
    return Draft(target.mapper, target, place, where=start, joins=joins, loop=loop, manager=True)
