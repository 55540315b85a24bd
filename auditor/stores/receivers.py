"""On which object a method is called, where the class that has the method serves several models.

`user_repo.get(session, email=email)` asks the table of users by e-mail address, though `get` stands in
a base class that all repositories share. The method is read again for the repository that is named.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from auditor.extract.python import tree as t
from auditor.link.decisions import gone_through
from auditor.link.scopes import Located, Scope
from auditor.stores.sql.django.models import entity_of
from auditor.stores.sql.entities import Entity
from auditor.stores.sql.reading.things import Class, Keyed, Row, Self, Thing, each

if TYPE_CHECKING:
    from auditor.stores.sql.reading.expressions import Expressions
    from auditor.stores.sql.reading.frames import Frame

_FILTERS = {
    "filter_by",
    "filter",
    "exclude",
    "get",
    "get_or_none",
    "get_or_404",
    "get_object_or_404",
    "get_or_create",
}


SAVING = {"save", "asave", "delete", "adelete", "clean", "full_clean"}
"""Methods of Django's objects that are told where they stand, whoever calls them: a row that was just loaded passes by
what they do for a new one (`if not self.number:`), and their `**names` say how a record is written."""


class Receivers:
    def __init__(self, reading: Expressions) -> None:
        self.reading, self.code = reading, reading.code
        self._shared: dict[int, bool] = {}
        self._filtering: dict[int, bool] = {}
        self._served: dict[tuple[int, int], Self | Class | Row | None] = {}

    def method(
        self, func: t.Expr, base: Thing | None, found: Located | None, frame: Frame
    ) -> tuple[Located | None, Thing | None]:
        """The method that runs, and what it runs on; None for the latter where its class says it all."""
        if not isinstance(func, t.Attr):
            return found, None
        own = [x for x in each(base) if isinstance(x, Self | Class | Row)]
        if not own and _is_super(func.value):
            held = [x for name in ("self", "cls") for x in each(frame.find(name)[1])]
            own = [x for x in held if isinstance(x, Self)]
            if found is None:
                found = self._above(frame, func.name)
        elif own and isinstance(own[0], Self):
            found = self._of(own[0].found, func.name) or found
        elif own and found is None:
            kind = own[0].entity.found if isinstance(own[0], Class | Row) else None
            found = self._of(kind, func.name) if kind is not None else None
        if not own:
            named = self._named(func.value, frame.scope)
            own = [named] if named is not None else []
            if found is None and isinstance(named, Self):
                found = self._of(named.found, func.name)
        if found is None or not isinstance(found.node, t.Function):
            return found, None
        owner = found.scope.owner
        if not isinstance(owner, t.Class) or found.scope.parent is None or not found.node.params:
            return found, None
        if any(t.dotted(d) == "staticmethod" for d in found.node.decorators):
            return found, None
        if len(own) == 1 and self._shares(Located(owner, found.scope.parent), own[0], found.node):
            return found, own[0]
        return found, None

    def model(self, expr: t.Expr, scope: Scope) -> Entity | None:
        """The model that the object serves which an expression names; None where there are several."""
        match self._named(expr, scope):
            case Self(found=found, model=model):
                return model or self.model_of(found)
            case Class(entity=entity) | Row(entity=entity):
                return entity
        return None

    def model_of(self, found: Located) -> Entity | None:
        """The one model that a class and those that inherit from it serve."""
        served = self.reading.served(found, "model")
        return served[0] if len(served) == 1 else None

    def _named(self, expr: t.Expr, scope: Scope) -> Self | Class | Row | None:
        """The object that an expression names, with the model that it was made for."""
        key = (id(expr), id(scope))
        if key not in self._served:
            self._served[key] = self._told(expr, scope)
        return self._served[key]

    def _told(self, expr: t.Expr, scope: Scope) -> Self | Class | Row | None:
        name = self.code.name(expr, scope)
        kind = self.code.definition(name.removesuffix("()")) if name else None
        if kind is None or not isinstance(kind.node, t.Class):
            return None
        entities = self.reading.entities
        if (entity := entities.by_name.get(self.code.own_name(kind))) is not None:
            return Row(entity) if name.endswith("()") else Class(entity)
        model = entities.by_name.get(self.reading.selections.served(expr, scope))
        return Self(kind, model or self._made_for(expr, scope) or self._declared(expr, scope))

    def _made_for(self, expr: t.Expr, scope: Scope) -> Entity | None:
        """The one model that what makes an object is given: `BaseORM(model=apps.get_model("x", "Y"))`."""
        entities = self.reading.entities
        found: dict[str, Entity] = {}
        for source in self.reading.values.sources(expr, scope)[:4]:
            if isinstance(source.node, t.Call):
                given = (*source.node.args, *(k.value for k in source.node.keywords))
                for arg in given:
                    if entity := entity_of(entities, arg, source.scope):
                        found[entity.name] = entity
        return next(iter(found.values())) if len(found) == 1 else None

    def _declared(self, expr: t.Expr, scope: Scope) -> Entity | None:
        """The model in the type of a parameter or attribute: `Items = Base[Item]`, `items: Items`."""
        values = self.reading.values
        for source in values.sources(expr, scope)[:4]:
            bound = (
                self.code.find(source.node.id, source.scope)
                if isinstance(source.node, t.Name)
                else None
            )
            annotation = (
                getattr(bound[1][0].node, "annotation", None) if bound is not None else None
            )
            if bound is None or annotation is None:
                continue
            outer = bound[0].parent or bound[0]
            for origin in [Located(annotation, outer), *values.origins(annotation, outer)[:4]]:
                if isinstance(origin.node, t.Item):
                    index = origin.node.index
                    for part in index.items if isinstance(index, t.Seq) else [index]:
                        if (entity := self.reading.entities.of(part, origin.scope)) is not None:
                            return entity
        return None

    def _shares(self, owner: Located, receiver: Self | Class | Row, method: t.Function) -> bool:
        """Whether a method says more when it is read for this receiver."""
        if (
            isinstance(receiver, Row)
            and receiver.entity.mapper == "django"
            and method.name in SAVING
        ):
            return False
        if isinstance(receiver, Self) and receiver.model is None:
            if len(self.reading.served(receiver.found, "model")) != 1:
                return False
        key = id(owner.node)
        if key not in self._shared:
            entity = self.reading.entities.by_name.get(self.code.own_name(owner))
            self._shared[key] = entity is None and len(self.reading.served(owner, "model")) != 1
        return self._shared[key] or any(p.kind == "kwargs" for p in method.params)

    def hands_on(self, function: t.Function) -> bool:
        """Whether a function filters by its `**names`, which only its calls tell."""
        key = id(function)
        if key not in self._filtering:
            rest = {p.name for p in function.params if p.kind == "kwargs"}
            self._filtering[key] = bool(rest) and any(
                (
                    isinstance(node, t.Call)
                    and t.last_word(node.func) in _FILTERS
                    and any(
                        k.name is None and getattr(k.value, "id", "") in rest for k in node.keywords
                    )
                )
                or (
                    isinstance(node, t.For)
                    and gone_through(node.iter) in rest
                    and names_columns(*node.body)
                )
                or (
                    isinstance(node, t.Comp)
                    and gone_through(node.loops[0].iter) in rest
                    and names_columns(*node.elements)
                )
                for node in t.walk_own(*function.body)
            )
        return self._filtering[key]

    def _of(self, found: Located, name: str) -> Located | None:
        """A method by its name, as the class finds it."""
        for above in self.code.ancestry(found):
            method = self.code.definition(f"{above}.{name}")
            if method is not None and isinstance(method.node, t.Function):
                return method
        return None

    def _above(self, frame: Frame, name: str) -> Located | None:
        """What `super().name` is in the class whose method is read."""
        if frame.owner is None:
            return None
        for above in self.code.ancestry(frame.owner)[1:]:
            method = self.code.definition(f"{above}.{name}")
            if method is not None and isinstance(method.node, t.Function):
                return method
        return None


def names_columns(*nodes: t.Node) -> bool:
    """Whether code takes columns of a class by names: `getattr(self.model, name) == value`."""
    return any(
        isinstance(n, t.Call) and isinstance(n.func, t.Name) and n.func.id == "getattr"
        for n in t.walk_own(*nodes)
    )


def spread(
    function: t.Function, call: t.Call, values: Sequence[Thing | None] = ()
) -> dict[str, Thing]:
    """What a function's `**name` holds by a call, whose keywords hand over these values."""
    taken = {p.name for p in function.params if p.kind in ("positional", "keyword")}
    for param in function.params:
        if param.kind == "kwargs":
            held = Keyed(())
            for at, keyword in enumerate(call.keywords):
                value = values[at] if at < len(values) else None
                if keyword.name:
                    keys = ((str(keyword.name), _is_nothing(keyword.value)),)
                    held = held.also(Keyed(keys if keyword.name not in taken else ()))
                elif isinstance(value, Keyed):
                    left = tuple(key for key in value.names if key[0] not in taken)
                    held = held.also(Keyed(left, value.open_))
                else:
                    held = held.also(Keyed((), open_=True))
            return {param.name: held}
    return {}


def _is_nothing(expr: t.Expr) -> bool:
    return isinstance(expr, t.Const) and expr.value is None


def _is_super(expr: t.Expr) -> bool:
    return isinstance(expr, t.Call) and isinstance(expr.func, t.Name) and expr.func.id == "super"
