"""What formsets of Django's models ask when they are made: all objects, or those that belong to one.

Source: https://docs.djangoproject.com/en/stable/topics/forms/modelforms/#model-formsets.
"""

from __future__ import annotations

from auditor.extract.python import tree as t
from auditor.link.names import Code
from auditor.link.scopes import CallSite, argument
from auditor.model.data import Bound
from auditor.stores.sql.conditions import Draft, Test
from auditor.stores.sql.django.managers import manager_of
from auditor.stores.sql.django.models import entity_of
from auditor.stores.sql.entities import Entity
from auditor.stores.sql.reading.frames import Frame, Reading, reads_calls
from auditor.stores.sql.reading.things import Class, Thing, Told, each, executed

_INLINE = "inlineformset_factory"
_FACTORIES = {"modelformset_factory": 0, _INLINE: 1}
"""Where each is given its model."""


@reads_calls
def formset(reading: Reading, call: t.Call, last: str, base: Thing | None, frame: Frame) -> Told:
    made = _factory(reading, call, frame)
    if made is None:
        return None, False
    inline = t.last_word(made.node.func) == _INLINE
    queryset = argument(call, None, "queryset")
    if queryset is None and inline and argument(call, 2, "instance") is None:
        return None, True  # of nothing that is there
    model = made.arg(_FACTORIES[t.last_word(made.node.func)], "model")
    entity = entity_of(reading.entities, model, made.scope) if model is not None else None
    asked: list[Thing] = [] if entity is None else [manager_of(entity, reading, call, frame)]
    for given in each(reading.thing(queryset, frame)) if queryset is not None else asked:
        if isinstance(given, Class):
            given = manager_of(given.entity, reading, call, frame)
        if isinstance(given, Draft):
            owned = _owned(reading, made, entity, frame) if inline and entity is not None else ()
            where = (*given.where, *owned)
            reading.record(executed(given, where=where, bound=given.limited or Bound.NONE))
    return None, True


@reads_calls
def choices(reading: Reading, call: t.Call, last: str, base: Thing | None, frame: Frame) -> Told:
    """What a form's field offers, where it is given the manager itself: `ModelChoiceField(Item.objects)`.

    Source: https://docs.djangoproject.com/en/stable/ref/forms/fields/#modelchoicefield.
    """
    if last not in ("ModelChoiceField", "ModelMultipleChoiceField"):
        return None, False
    given = argument(call, 0, "queryset")
    for thing in each(reading.thing(given, frame)) if given is not None else ():
        if isinstance(thing, Draft) and thing.manager:
            reading.record(executed(thing))
    return None, True


def classes(code: Code) -> set[str]:
    """What the classes of formsets are called that the tree makes."""
    if not any(True for _ in code.method_calls(*_FACTORIES)):
        return set()
    return {
        t.last_word(target)
        for assign, _ in code.of_kind(t.Assign)
        if isinstance(assign.value, t.Call) and t.last_word(assign.value.func) in _FACTORIES
        for target in assign.targets
    }


def _factory(reading: Reading, call: t.Call, frame: Frame) -> CallSite | None:
    """The call that made the class of a formset: `Lines = inlineformset_factory(Order, Line)`."""
    if not isinstance(call.func, t.Name | t.Attr | t.Call) or not reading.has("django"):
        return None
    if not any(True for _ in reading.code.method_calls(*_FACTORIES)):
        return None
    for source in reading.values.sources(call.func, frame.scope):
        if isinstance(source.node, t.Call) and t.last_word(source.node.func) in _FACTORIES:
            return CallSite(source.node, source.scope)
    return None


def _owned(reading: Reading, made: CallSite, entity: Entity, frame: Frame) -> tuple[Test, ...]:
    """The key to the object that the forms belong to."""
    parent = made.arg(0, "parent_model")
    owner = entity_of(reading.entities, parent, made.scope) if parent is not None else None
    named = reading.values.text(made.arg(None, "fk_name"), made.scope)
    keys = [
        relation.local
        for relation in entity.relations.values()
        if owner is not None and relation.target == owner.name and not relation.many
        if named in (None, relation.attribute)
    ]
    return tuple(Test(entity.table, key) for key in keys[:1])
