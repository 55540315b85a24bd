"""django-filter: how a queryset is narrowed by the fields that a caller may fill.

Each filter is optional, so that what is asked is the queryset without them, and with each; those that are required are in
every query where what is invalid is refused. Sources:
https://django-filter.readthedocs.io/en/stable/ref/filterset.html, .../ref/filters.html.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec.structs import replace

from auditor.extract.python import tree as t
from auditor.link.scopes import Located, argument
from auditor.stores.lookups import bound, follow, order
from auditor.stores.sql.conditions import Condition, Draft, Lookup, Opposite, Untold, no_column
from auditor.stores.sql.django.managers import manager_of, run_for
from auditor.stores.sql.django.models import entity_of
from auditor.stores.sql.django.refusals import is_key_as_text
from auditor.stores.sql.entities import Entity, last_name, truth
from auditor.stores.sql.reading.frames import Frame, Reading, reads_attributes, reads_calls
from auditor.stores.sql.reading.things import Self, Thing, Told, each, either, executed

_PACKAGE = re.compile(r"^(?:django_filters|rest_framework_filters|rest_framework_gis)\b")
_LOOKUPS = {
    "BaseInFilter": "in", "BaseRangeFilter": "range", "RangeFilter": "range", "DateFromToRangeFilter": "range",
    "DateTimeFromToRangeFilter": "range", "IsoDateTimeFromToRangeFilter": "range", "TimeRangeFilter": "range",
    "DateRangeFilter": "year",
}  # fmt: skip
"""Filters that compare in a way of their own."""
_UNCHECKED = {"BooleanFilter", "LookupChoiceFilter"}
"""Filters whose forms take nothing too, where they are required."""
_CHECKS = ("__init__", "is_valid", "errors", "form", "get_form_class", "get_filters", "filters", "filter_queryset", "qs")  # fmt: skip
"""By what a class of filters may ask for less than it declares."""
_ALL = "__all__"


def is_filterset(reading: Reading, found: Located) -> bool:
    return any(
        _PACKAGE.match(name) and name.endswith("FilterSet") for name in reading.code.ancestry(found)
    )


def ways(
    reading: Reading, found: Located, base: Draft, frame: Frame, filled: bool = True, begun: bool = False
) -> list[Draft]:  # fmt: skip
    """What a class of filters makes of a queryset; its own filters count where one may be filled.

    `begun` where the queryset has those that are required: `with_required`.
    """
    read = _FilterSet(reading, found, frame)
    made = [base, *(read.each_of(base, begun) if filled else ())]
    for name in ("filter_queryset", "qs"):
        if (method := read.method(name)) is not None:
            made = [after for way in made for after in read.after(method, way, way)]
    return made


def with_required(reading: Reading, found: Located, base: Draft, frame: Frame) -> list[Draft]:
    """What is asked in any case where a request without the filters that are required is refused."""
    read, made = _FilterSet(reading, found, frame), [base]
    for name, filter_ in read.required().items():
        steps = [after for way in made for after in list(read.by(way, name, filter_)) or [way]]
        made = [reading.record(step) for step in dict.fromkeys(steps)]
    return made


def model(reading: Reading, found: Located) -> Entity | None:
    """The model that it names, whose objects are meant where no queryset is given."""
    for given in _FilterSet(reading, found, reading.frame(found.scope)).option("model"):
        if isinstance(given.node, t.Expr):
            return entity_of(reading.entities, given.node, given.scope)
    return None


def paths(reading: Reading, given: Located, entity: Entity | None) -> Iterator[str]:
    """The lookups that a list or dict of fields offers: `["size"]`, `{"price": ["gt", "lt"]}`."""
    assert isinstance(given.node, t.Expr)
    for source in reading.values.sources(given.node, given.scope)[:1] or [given]:
        node, text = source.node, reading.values.text
        if isinstance(node, t.Map):
            for key, value in zip(node.keys, node.values, strict=True):
                name = text(key, source.scope) if key is not None else None
                kinds = getattr(reading.values.value(value, source.scope), "value", None)
                for kind in kinds if name and isinstance(kinds, list) else ():
                    yield f"{name}__{kind}" if kind != "exact" else str(name)
            continue
        items = node.items if isinstance(node, t.Seq) else [node]
        for name in (text(item, source.scope) for item in items):  # type: ignore[arg-type]
            if name == _ALL and entity is not None:
                columns = [c for c in entity.columns.values() if not c.primary]
                yield from (c.attribute for c in columns)
            elif name and name != _ALL and (isinstance(node, t.Seq) or len(name) == 1):
                yield name  # `("name")` is a text, of which the letters would be gone through


def narrowed(reading: Reading, base: Draft, condition: Condition) -> Draft:
    """A queryset with one more condition."""
    told = bound(condition, base.entity, reading.entities, base.computed)
    return executed(base, where=(*base.where, told))


class _FilterSet:
    def __init__(self, reading: Reading, found: Located, frame: Frame) -> None:
        self.reading, self.found, self.frame = reading, found, frame
        self.classes = [
            owner
            for name in reading.code.ancestry(found)
            if (owner := reading.code.definition(name)) and isinstance(owner.node, t.Class)
        ]

    def option(self, name: str) -> list[Located]:
        """What `Meta` says; that of the nearest class which has one counts."""
        for owner in self.classes:
            assert isinstance(owner.node, t.Class)
            for stmt in owner.node.body:
                if isinstance(stmt, t.Class) and stmt.name == "Meta":
                    meta = Located(stmt, self.reading.code.inside(owner))
                    return self.reading.values.attribute(meta, name)[:1]
        return []

    def method(self, name: str) -> Located | None:
        for owner in self.classes:
            found = self.reading.code.definition(f"{self.reading.code.own_name(owner)}.{name}")
            if found is not None and isinstance(found.node, t.Function):
                return found
        return None

    def declared(self) -> dict[str, Located | None]:
        """The filters that stand in the class and its bases; None where a class takes one away."""
        found: dict[str, Located | None] = {}
        for owner in self.classes:
            assert isinstance(owner.node, t.Class)
            inner = self.reading.code.inside(owner)
            for stmt in owner.node.body:
                match stmt:
                    case t.Assign(targets=[t.Name(id=name)], value=t.Call() as call) if self.kinds(
                        Located(call, inner)
                    ):
                        found.setdefault(name, Located(call, inner))
                    case t.Assign(targets=[t.Name(id=name)], value=t.Const(value=None)):
                        found.setdefault(name, None)
        return found

    def kinds(self, filter_: Located) -> list[str]:
        """The class of a filter and its bases, those of the package last; empty for anything else."""
        assert isinstance(filter_.node, t.Call)
        name = self.reading.code.name(filter_.node.func, filter_.scope)
        names = [x.removesuffix("()") for x in self.reading.code.kinds(f"{name}()")]
        packaged = any(_PACKAGE.match(x) and x.endswith("Filter") for x in names)
        return names if packaged else []

    def required(self) -> dict[str, Located]:
        """The filters that the form of the class surely refuses to be without."""
        told = all(
            self.reading.code.definition(name) is not None or _PACKAGE.match(name)
            for name in self.reading.code.ancestry(self.found)
        )
        if not told or any(map(self.method, _CHECKS)) or self.option("form") or self.option("strict"):  # fmt: skip
            return {}
        return {
            name: filter_
            for name, filter_ in self.declared().items()
            if filter_ is not None and self.is_required(filter_)
        }

    def is_required(self, filter_: Located) -> bool:
        assert isinstance(filter_.node, t.Call)
        kind = self.kinds(filter_)[0]
        packaged = kind.startswith("django_filters.") and kind.rpartition(".")[2] not in _UNCHECKED
        return (
            packaged and truth(self.reading.values, filter_.node, filter_.scope, "required") is True
        )

    def each_of(self, base: Draft, begun: bool = False) -> Iterator[Draft]:
        """The queryset with each of the filters; with each of those that are not required, where it has them."""
        declared, required = self.declared(), self.required() if begun else {}
        left_out = {
            path for x in self.option("exclude") for path in paths(self.reading, x, base.entity)
        }
        fields = self.option("fields")
        if fields:
            offered = [path for x in fields for path in paths(self.reading, x, base.entity)]
        else:
            every = base.entity.columns.values() if self.option("exclude") and base.entity else ()
            offered = [c.attribute for c in every if not c.primary]
        overrides = dict(self.overrides())
        for path in dict.fromkeys(offered):
            if path not in declared and path not in left_out:
                at = follow(self.reading.entities, base.entity, path) if base.entity else None
                how = overrides.get(at.kind) if at is not None and not at.rest else None
                yield narrowed(self.reading, base, Lookup(f"{path}__{how}" if how else path))
        for name, filter_ in declared.items():
            if filter_ is not None and name not in required:
                yield from (way for way in self.by(base, name, filter_) if way is not base)

    def overrides(self) -> Iterator[tuple[str, str]]:
        """`{CharField: {"extra": lambda f: {"lookup_expr": "icontains"}}}`, by the type of the column."""
        for given in self.option("filter_overrides"):
            pairs = zip(given.node.keys, given.node.values, strict=True) if isinstance(given.node, t.Map) else ()  # fmt: skip
            for kind, told in pairs:
                for inner in (n for n in t.walk(told) if isinstance(n, t.Map)):
                    for key, value in zip(inner.keys, inner.values, strict=True):
                        if isinstance(key, t.Const) and key.value == "lookup_expr":
                            if text := self.reading.values.text(value, given.scope):
                                yield last_name(kind), text

    def by(self, base: Draft, name: str, filter_: Located) -> Iterator[Draft]:
        call, scope, kinds = filter_.node, filter_.scope, self.kinds(filter_)
        assert isinstance(call, t.Call)
        words = [kind.rpartition(".")[2] for kind in kinds]
        own = argument(call, None, "method")
        if own is not None and (method := self.handed(own, filter_)) is not None:
            named = self.reading.values.text(own, scope) is not None
            yield from self.after(method, base, Self(self.found) if named else None)
        elif own is None and (method := self.of_class(kinds)) is not None:
            yield from self.after(method, base, Self(self.owner(method)))
        elif own is not None:
            yield narrowed(
                self.reading, base, Untold(f"what the filter {name} asks could not be told")
            )
        elif "OrderingFilter" in words:
            for field in self.orders(argument(call, None, "fields"), filter_):
                if base.entity is not None and (
                    sort := order(self.reading.entities, base.entity, [field])
                ):
                    yield executed(base, sort=sort)
        elif "LookupChoiceFilter" in words:
            yield narrowed(
                self.reading, base, Untold(f"the caller chooses how the filter {name} compares")
            )
        else:
            first = 0 if "DateRangeFilter" not in words else None
            given = argument(call, first, "field_name", "name")
            path = self.reading.values.text(given, scope) if given is not None else name
            second = argument(call, 1 if first == 0 else None, "lookup_expr", "lookup_type")
            how: str | None = next((_LOOKUPS[w] for w in words if w in _LOOKUPS), "exact")
            if second is not None and how in ("exact", "in"):
                how = self.reading.values.text(second, scope)
            if path is None or how is None:
                yield narrowed(
                    self.reading, base, Untold(f"what the filter {name} asks could not be told")
                )
                return
            condition: Condition = Lookup(path if how == "exact" else f"{path}__{how}")
            refused = f"{path}__{how}"
            if base.entity is not None and is_key_as_text(self.reading, base.entity, refused):
                yield narrowed(self.reading, base, Untold(no_column(refused)))
                return
            if truth(self.reading.values, call, scope, "exclude"):
                condition = Opposite(condition)
            yield narrowed(self.reading, base, condition)

    def orders(self, given: t.Expr | None, filter_: Located) -> Iterator[str]:
        """`fields=("rank", …)`, `(("rank", "r"), …)`, `{"rank": "r"}`: what comes first is sorted by."""
        for source in self.reading.values.sources(given, filter_.scope)[:1]:
            node = source.node
            items = node.keys if isinstance(node, t.Map) else getattr(node, "items", [])
            for item in items:
                first = item.items[0] if isinstance(item, t.Seq) and item.items else item
                if text := self.reading.values.text(first, source.scope):
                    yield text

    def handed(self, own: t.Expr, filter_: Located) -> Located | None:
        """`method="search"` of the class, or a function."""
        if isinstance(own, t.Lambda):
            return self.reading.code.as_function(Located(own, filter_.scope))
        if (name := self.reading.values.text(own, filter_.scope)) is not None:
            return self.method(name)
        found = self.reading.code.defined(own, filter_.scope)
        return found if found is not None and isinstance(found.node, t.Function) else None

    def of_class(self, kinds: list[str]) -> Located | None:
        """What a filter's own class, written in this tree, does with a queryset."""
        for name in kinds:
            found = self.reading.code.definition(f"{name}.filter")
            if found is not None and isinstance(found.node, t.Function):
                return found
        return None

    @staticmethod
    def owner(method: Located) -> Located:
        owner, scope = method.scope.owner, method.scope.parent
        assert isinstance(owner, t.Class)
        assert scope is not None
        return Located(owner, scope)

    def after(self, method: Located, way: Draft, own: Thing | None) -> list[Draft]:
        """What a method makes of a queryset, told where the queryset is.

        `own` is the object that the method is of; None for a plain function.
        """
        node = method.node
        assert isinstance(node, t.Function)
        given: dict[str, Thing] = {}
        if own is not None and len(node.params) > 1:
            given[node.params[1].name] = way
        self.reading.of_heirs.add(id(node))
        made = each(run_for(self.reading, method, own or way, self.frame, given))
        found: list[Draft] = []
        for one in made:
            if isinstance(one, Draft) and one is not way:
                self.reading.dropped[id(one)] = one
                one = replace(one, place=way.place, origin=one, loop=way.loop)
            if isinstance(one, Draft):
                found.append(one)
        reason = f"what {node.name} makes of the queryset could not be told"
        return found or [narrowed(self.reading, way, Untold(reason))]


@reads_attributes
def attributes(reading: Reading, expr: t.Attr, base: Thing | None, frame: Frame) -> Thing | None:
    """`found.qs`, where `found` is what a class of filters was made for; `super().qs` in one."""
    if expr.name not in ("qs", "queryset"):
        return None
    match expr.value:
        case t.Call(func=t.Name(id="super")):
            base = frame.find("self")[1]
    return base if isinstance(base, Draft) else None


@reads_calls
def calls(reading: Reading, call: t.Call, last: str, base: Thing | None, frame: Frame) -> Told:
    """`ItemFilter(request.GET, queryset=Item.objects.all())`."""
    if not last[:1].isupper() and last != "filterset_class":
        return None, False
    if not reading.code.imports("django_filters") or isinstance(base, Draft):
        return None, False
    found = _named(reading, call, base, frame)
    if found is None:
        return None, False
    given = argument(call, 1, "queryset")
    things: tuple[Thing, ...]
    if given is not None:
        things = each(reading.thing(given, frame))
    else:
        entity = model(reading, found)
        things = (manager_of(entity, reading, call, frame),) if entity is not None else ()
    made: list[Thing] = []
    for thing in things:
        if isinstance(thing, Draft):
            start = reading.record(executed(thing, place=reading.place(call, frame)))
            some = _is_filled(reading, found, call)
            made += [reading.record(executed(x)) for x in ways(reading, found, start, frame, some)]
    return either(made), True


@reads_calls
def connection(reading: Reading, call: t.Call, last: str, base: Thing | None, frame: Frame) -> Told:
    """`dishes = DjangoFilterConnectionField(DishType)`: what its resolver gives, or all there is, with each of the
    filters that the field or the type names.

    Source: https://docs.graphene-python.org/projects/django/en/latest/filtering/.
    """
    if last != "DjangoFilterConnectionField" or not call.args:
        return None, False
    first = call.args[0]
    named = first.body if isinstance(first, t.Lambda) else first
    kind = reading.code.defined(named, frame.scope) if isinstance(named, t.Name | t.Attr) else None
    if kind is None or not isinstance(kind.node, t.Class):
        return None, False
    entity, node = model(reading, kind), _FilterSet(reading, kind, frame)

    def said(of_field: str, of_type: str) -> list[Located]:
        own = argument(call, None, of_field)
        return [Located(own, frame.scope)] if own is not None else node.option(of_type)

    starts = [x for x in each(_resolved(reading, call, frame)) if isinstance(x, Draft)]
    if not starts and entity is not None:
        starts = [manager_of(entity, reading, call, frame)]
    for start in starts:
        made = [start]
        for given in said("filterset_class", "filterset_class"):
            filters = reading.code.defined(given.node, given.scope)  # type: ignore[arg-type]
            if filters is not None and is_filterset(reading, filters):
                made = ways(reading, filters, start, frame)
        for given in said("fields", "filter_fields") if len(made) == 1 else ():
            made += [
                narrowed(reading, start, Lookup(path)) for path in paths(reading, given, entity)
            ]
        for way in made:
            reading.record(executed(way))
    return None, True


def _resolved(reading: Reading, call: t.Call, frame: Frame) -> Thing | None:
    """What the resolver gives of a field that a class has: `def resolve_dishes(self, info, **kwargs)`."""
    owner = frame.scope.owner
    for stmt in owner.body if isinstance(owner, t.Class) else ():
        match stmt:
            case t.Assign(targets=[t.Name(id=name)], value=value) if value is call:
                resolver = reading.code.find(f"resolve_{name}", frame.scope)
                made = [b.node for b in resolver[1]] if resolver is not None else []
                if made and isinstance(made[-1], t.Function):
                    return reading.returns(Located(made[-1], frame.scope))
    return None


def _is_filled(reading: Reading, found: Located, call: t.Call) -> bool:
    """Whether a class of filters may be given something to filter by: not `ItemFilter({}, queryset=items)`."""
    own = _FilterSet(reading, found, reading.frame(found.scope)).method("__init__")
    if own is not None and not _hands_on(own.node):
        return True
    if any(k.name is None for k in call.keywords) or any(isinstance(x, t.Star) for x in call.args):
        return True
    match argument(call, 0, "data"):
        case None | t.Map(keys=[]) | t.Const(value=None):
            return False
    return True


def _hands_on(method: t.Node) -> bool:
    """Whether an `__init__` gives the class above what it was given: `super().__init__(*args, **kwargs)`."""
    assert isinstance(method, t.Function)
    for node in t.walk_own(*method.body):
        match node:
            case t.Name(id="data") | t.Attr(name="data") | t.Const(value="data"):
                return False
            case t.Assign(targets=targets):
                if any(isinstance(x, t.Name) and x.id in ("args", "kwargs") for x in targets):
                    return False
            case t.Call(func=t.Attr(name="__init__"), args=args, keywords=keywords):
                if not all(
                    isinstance(x, t.Star | t.Name) for x in (*args, *(k.value for k in keywords))
                ):
                    return False
    return True


def _named(reading: Reading, call: t.Call, base: Thing | None, frame: Frame) -> Located | None:
    """The class of filters that is called: by its name, or as a view names it."""
    if isinstance(base, Self) and isinstance(call.func, t.Attr):
        held = reading.values.attribute(base.found, call.func.name)[:1]
        func, scope = (held[0].node, held[0].scope) if held else (call.func, frame.scope)
    else:
        func, scope = call.func, frame.scope
    found = reading.code.defined(func, scope) if isinstance(func, t.Name | t.Attr) else None
    if found is not None and isinstance(found.node, t.Class) and is_filterset(reading, found):
        return found
    return None
