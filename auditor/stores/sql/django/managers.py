"""Django's managers and querysets: which models they serve, and what they narrow them to.

Source: https://docs.djangoproject.com/en/stable/topics/db/managers/.
"""

from __future__ import annotations

import re

from msgspec.structs import replace

from auditor.extract.python import tree as t
from auditor.link.scopes import Located
from auditor.stores.lookups import order
from auditor.stores.sql.conditions import Draft
from auditor.stores.sql.django.models import entity_of
from auditor.stores.sql.entities import Entity, last_name
from auditor.stores.sql.reading.frames import Frame, Reading
from auditor.stores.sql.reading.things import Class, Listed, Self, Thing, Told, each, either

MANAGERS = {
    "objects",
    "_default_manager",
    "_base_manager",
    "all_objects",
    "available_objects",
    "default_manager",
}
MANAGER = re.compile(r"Manager|QuerySet|Queryset")


def manager_of(entity: Entity | None, reading: Reading, node: t.Node, frame: Frame) -> Draft:
    mapper = entity.mapper if entity is not None else "django"
    reason = "" if entity is not None else "the model is chosen at run time"
    return Draft(mapper, entity, reading.place(node, frame), loop=frame.loop, manager=True, unresolved=reason)  # fmt: skip


def is_manager(reading: Reading, entity: Entity, name: str) -> bool:
    return manager_class(reading, entity, name) is not None


def manager_class(reading: Reading, entity: Entity, name: str) -> Located | None:
    """The class of the tree behind `published = PublishedManager()` of a model."""
    if entity.found is None:
        return None
    for origin in reading.values.attribute(entity.found, name)[:2]:
        node = origin.node
        while isinstance(node, t.Call):
            node = node.func
            if isinstance(node, t.Attr) and node.name in ("as_manager", "from_queryset"):
                node = node.value
        if isinstance(node, t.Name | t.Attr):
            found = reading.code.defined(node, origin.scope)
            if found is not None and isinstance(found.node, t.Class):
                named = MANAGER.search(found.node.name) or is_manager_class(reading, found)
                return found if named else None
            if found is None and MANAGER.search(last_name(node)):
                return Located(node, origin.scope)
    return None


def managed(reading: Reading, entity: Entity, expr: t.Attr, frame: Frame) -> Thing | None:
    """A manager's own queryset: what its `get_queryset` narrows it to."""
    draft = manager_of(entity, reading, expr, frame)
    manager = manager_class(reading, entity, expr.name)
    if manager is not None and isinstance(manager.node, t.Class):
        for name in reading.code.ancestry(manager):
            method = reading.code.definition(f"{name}.get_queryset")
            if method is not None and isinstance(method.node, t.Function) and frame.depth < 3:
                given = each(run_for(reading, method, draft, frame, {}))
                here = [  # what it narrows is asked where the manager is, with what follows
                    reading.record(
                        replace(x, place=draft.place, origin=x, loop=frame.loop, manager=True)
                    )
                    if isinstance(x, Draft)
                    else x
                    for x in given
                ]
                return either(here) or draft
    return draft


def is_manager_class(reading: Reading, found: Located) -> bool:
    names = reading.code.ancestry(found)
    return any(re.search(r"(?:Manager|QuerySet|Queryset)\w*$", name) for name in names) and not any(
        name.startswith(("rest_framework.", "django.views.")) for name in names
    )


def is_part_of_manager(reading: Reading, found: Located) -> bool:
    """Whether a class is a manager or queryset, or a mixin of one."""
    heirs = reading.entities.heirs(reading.code.own_name(found))
    return any(MANAGER.search(" ".join(reading.code.ancestry(x))) for x in (found, *heirs[:20]))


def managed_by(reading: Reading, found: Located) -> list[Entity]:
    """The models that a manager or queryset class serves."""
    cache = reading.frames.setdefault(-1, Frame(found.scope)).names
    key = f"managers:{id(found.node)}"
    if key not in cache:
        own = {reading.code.own_name(found)}
        own |= {reading.code.own_name(h) for h in reading.entities.heirs(next(iter(own)))}
        names = {n.rpartition(":")[2].rpartition(".")[2] for n in own}
        for other in reading.code.classes():  # a manager whose get_queryset makes this queryset
            assert isinstance(other.node, t.Class)
            if other.node is not found.node and MANAGER.search(other.node.name):
                inside = (n for n in t.walk(*other.node.body) if isinstance(n, t.Name | t.Attr))
                if any(last_name(n) in names for n in inside):
                    names.add(other.node.name)
        served: list[Thing] = []
        for entity in reading.entities:
            if entity.mapper != "django" or entity.found is None:
                continue
            for name in reading.code.ancestry(entity.found):
                owner = reading.code.definition(name)
                if owner is None or not isinstance(owner.node, t.Class):
                    continue
                for stmt in owner.node.body:
                    if isinstance(stmt, t.Assign) and isinstance(stmt.value, t.Call):
                        if any(isinstance(n, t.Name | t.Attr) and last_name(n) in names for n in t.walk_own(stmt.value)):  # fmt: skip
                            served.append(Class(entity))
        cache[key] = Listed(tuple({x.entity.name: x for x in served if isinstance(x, Class)}.values()))  # fmt: skip
    held = cache[key]
    return [x.entity for x in held.items if isinstance(x, Class)] if isinstance(held, Listed) else []  # fmt: skip


def run_for(
    reading: Reading, function: Located, own: Thing, frame: Frame, given: dict[str, Thing]
) -> Thing | None:
    """What a method makes of what it is called on: a query of a manager, the object of a view."""
    node = function.node
    assert isinstance(node, t.Function)
    if not node.params or id(node) in reading._running or frame.depth >= 6:
        return None
    if isinstance(own, Self):
        reading.of_heirs.add(id(node))
    reading._running.add(id(node))
    try:
        return reading.run(function, {node.params[0].name: own, **given}, frame.depth + 1)
    finally:
        reading._running.discard(id(node))


def method_of(reading: Reading, found: Located, name: str) -> Located | None:
    """The nearest method of a name, of a class or of those that it inherits from."""
    above = (reading.code.definition(f"{owner}.{name}") for owner in reading.code.ancestry(found))
    return next((m for m in above if m is not None), None)


def hand(
    reading: Reading, found: Located, method: Located | None, position: int, thing: Thing
) -> None:
    """Read what a framework calls for a class of the tree with something that only it knows."""
    if method is not None and isinstance(method.node, t.Function):
        given = {p.name: thing for p in method.node.params[position : position + 1]}
        run_for(reading, method, Self(found), reading.frame(reading.code.inside(found)), given)


def inherited(reading: Reading, call: t.Call, frame: Frame) -> Told:
    """`super().get_queryset()` of a manager, or of a view that names its queryset."""
    owner = frame.owner
    held = frame.find("self")[1]
    if isinstance(held, Draft):
        return held, True
    if owner is None:
        return None, False
    own = held.found if isinstance(held, Self) else owner
    if (above := _next(reading, own, owner, last_name(call.func))) is not None:
        return _here(reading, run_for(reading, above, Self(own), frame, {}), call, frame), True
    if is_manager_class(reading, own):
        served = managed_by(reading, own)
        return either([manager_of(e, reading, call, frame) for e in served[:20]]), True
    given = reading.of_self(Self(own), "queryset", frame)
    if given is None:
        models = [
            x.entity
            for x in each(reading.of_self(Self(own), "model", frame))
            if isinstance(x, Class)
        ]
        for entity in models or administered(reading, own):
            given = replace(manager_of(entity, reading, call, frame), manager=False)
    sorted_ = [_ordered(reading, own, x) if isinstance(x, Draft) else x for x in each(given)]
    return _here(reading, either(sorted_), call, frame), True


def _ordered(reading: Reading, view: Located, draft: Draft) -> Draft:
    """What `get_queryset` of Django's own view of a list makes of it: sorted by the view's `ordering`.

    Source: https://docs.djangoproject.com/en/stable/ref/class-based-views/mixins-multiple-object/.
    """
    above = reading.code.ancestry(view)
    given = reading.values.attribute(view, "ordering")[:1]
    lists = any(a.startswith("django.views.") and a.endswith(("ListView", "MultipleObjectMixin")) for a in above)  # fmt: skip
    if not given or not lists or draft.entity is None or method_of(reading, view, "get_ordering"):
        return draft
    node = given[0].node
    items = node.items if isinstance(node, t.Seq) else [node]
    texts = [reading.values.text(x, given[0].scope) for x in items]  # type: ignore[arg-type]
    sort = order(reading.entities, draft.entity, [x or "" for x in texts])
    if not sort:
        return draft
    reading.dropped[id(draft)] = draft
    return replace(draft, sort=sort)


def _here(reading: Reading, given: Thing | None, call: t.Call, frame: Frame) -> Thing | None:
    """What a class above begins is completed, and listed, where it is called."""
    place = reading.place(call, frame)
    reading.dropped.update((id(x), x) for x in each(given) if isinstance(x, Draft))
    return either(
        [
            reading.record(replace(x, place=place, origin=x)) if isinstance(x, Draft) else x
            for x in each(given)
        ]
    )


def _next(reading: Reading, own: Located, owner: Located, name: str) -> Located | None:
    """The method that `super()` finds from a class, for an object of one that inherits from it."""
    order = reading.code.ancestry(own)
    at = reading.code.own_name(owner)
    for above in order[order.index(at) + 1 :] if at in order else ():
        method = reading.code.definition(f"{above}.{name}")
        if method is not None and isinstance(method.node, t.Function):
            return method
    return None


def is_admin(ancestry: list[str]) -> bool:
    """Whether a class is one of Django's administration."""
    return any(a.endswith("ModelAdmin") or a.startswith("django.contrib.auth.admin.") for a in ancestry)  # fmt: skip


def administered(reading: Reading, owner: Located) -> list[Entity]:
    """The models that a class of Django's administration shows: `@admin.register(Item)`."""
    assert isinstance(owner.node, t.Class)
    given = [
        Located(arg, owner.scope)
        for call in owner.node.decorators
        if isinstance(call, t.Call) and last_name(call.func) == "register"
        for arg in call.args
    ]
    for site in reading.code.method_calls("register"):
        if len(site.node.args) > 1 and last_name(site.node.args[1]) == owner.node.name:
            given.append(Located(site.node.args[0], site.scope))
    found = (entity_of(reading.entities, x.node, x.scope) for x in given)  # type: ignore[arg-type]
    return [entity for entity in found if entity is not None]
