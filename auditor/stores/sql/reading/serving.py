"""Which stored classes a class that is written once for many serves: `self.model` of a repository."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from auditor.extract.python import tree as t
from auditor.link.scopes import CallSite, Located, Scope
from auditor.stores.sql.django.models import entity_of
from auditor.stores.sql.entities import Entity, last_name

if TYPE_CHECKING:
    from auditor.stores.sql.reading.frames import Reading

MODEL_NAMES = {"model", "_model", "__model", "__model__", "model_class", "entity", "table", "model_cls", "model_type", "db_model", "entity_class"}  # fmt: skip
"""Attributes in which repositories keep the class that they serve."""
_PROVIDERS = ("Factory", "Singleton", "ThreadSafeSingleton", "Resource")
"""What makes objects for others: https://python-dependency-injector.ets-labs.org/providers/"""
_MAX = 60


def served(reading: Reading, owner: Located, name: str) -> list[Entity]:
    """The stored classes that `self.model` is in a class and in those that inherit from it."""
    if name not in MODEL_NAMES:
        return []
    entities, code = reading.entities, reading.code
    kinds = [owner, *entities.heirs(code.own_name(owner))][:_MAX]
    found: dict[str, Entity] = {}
    untold = False
    for kind in kinds:
        known = entities.by_name.get(reading.selections.of_class(kind))
        for entity in (known, _annotated(reading, kind, name)):
            if entity is not None:
                found[entity.name] = entity
        for own in MODEL_NAMES - {name} if name == "model" else ():
            for origin in reading.values.attribute(kind, own):  # __model__ = Item
                named = isinstance(origin.node, t.Name | t.Attr)
                if named and isinstance(origin.scope.owner, t.Class):
                    if entity := entity_of(entities, origin.node, origin.scope):  # type: ignore[arg-type]
                        found[entity.name] = entity
        for origin in reading.values.attribute(kind, name):  # self.model = Item
            if isinstance(origin.node, t.Expr):
                if entity := entity_of(entities, origin.node, origin.scope):
                    found[entity.name] = entity
                elif isinstance(origin.node, t.Call):
                    untold = True
    for kind in kinds:
        for site in (*_makings(reading, kind.node.name), *_handed_up(reading, kind)):  # type: ignore[attr-defined]
            for arg in site.node.args:
                if entity := entity_of(entities, arg, site.scope):
                    found[entity.name] = entity
            for keyword in site.node.keywords:
                if entity := entity_of(entities, keyword.value, site.scope):
                    found[entity.name] = entity
                elif keyword.name in MODEL_NAMES:
                    untold = True
    if untold and len(found) == 1:
        return []  # it is made for others as well, which are not known
    return list(found.values())


def _annotated(reading: Reading, kind: Located, name: str) -> Entity | None:
    """`model: type[Item]` in the class."""
    assert isinstance(kind.node, t.Class)
    for stmt in kind.node.body:
        match stmt:
            case t.Assign(targets=[t.Name(id=own)], annotation=t.Item() as kept) if own == name:
                if last_name(kept.value) in ("type", "Type"):
                    return _named(reading, kept.index, reading.code.inside(kind))
    return None


def _named(reading: Reading, expr: t.Expr, scope: Scope) -> Entity | None:
    if isinstance(expr, t.Const) and isinstance(expr.value, str):
        found = reading.entities.by_class.get(expr.value, [])
        return found[0] if len(found) == 1 else None
    return entity_of(reading.entities, expr, scope)


def _handed_up(reading: Reading, kind: Located) -> Iterator[CallSite]:
    """`super().__init__(Item)` of a class."""
    for site in reading.code.method_calls("__init__"):
        parent = site.scope.parent
        if parent is not None and parent.owner is kind.node:
            yield site


def _makings(reading: Reading, name: str) -> Iterator[CallSite]:
    """Calls that make objects of a class: `Items(Item)`, `Factory(Items, model=Item)`."""
    yield from reading.code.method_calls(name)
    for site in reading.code.method_calls(*_PROVIDERS):
        if site.node.args and last_name(site.node.args[0]) == name:
            yield site
