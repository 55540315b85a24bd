"""Queries that class-based views make by themselves: the list, its filters, search and orderings, and
the object that an URL names. Django's generic views and those of Django REST Framework.

Sources: https://docs.djangoproject.com/en/stable/ref/class-based-views/,
https://www.django-rest-framework.org/api-guide/filtering/ and .../pagination/,
https://django-filter.readthedocs.io/en/stable/guide/rest_framework.html.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator

from msgspec.structs import replace

from auditor.extract.python import tree as t
from auditor.link.scopes import Located, argument, place_of
from auditor.model.data import Bound
from auditor.model.web import Route
from auditor.stores.lookups import order
from auditor.stores.sql.conditions import Draft, Lookup, Some
from auditor.stores.sql.django.actions import Actions
from auditor.stores.sql.django.filtersets import model, narrowed, paths, ways, with_required
from auditor.stores.sql.django.managers import hand, is_manager_class, method_of, run_for
from auditor.stores.sql.django.models import entity_of, label_of
from auditor.stores.sql.django.packages import entity_name
from auditor.stores.sql.entities import Entity, last_name
from auditor.stores.sql.reading.frames import (
    Frame,
    Reading,
    reads_attributes,
    reads_calls,
    reads_classes,
)
from auditor.stores.sql.reading.things import (
    Class,
    Keyed,
    Row,
    Rows,
    Self,
    Thing,
    Told,
    Written,
    each,
    either,
    executed,
    figure,
)

_LISTS = {"ListAPIView", "ListCreateAPIView", "ModelViewSet", "ReadOnlyModelViewSet", "ListModelMixin", "ListView", "BaseListView",
          "FilterView", "BaseFilterView", "BaseQuerySetView", "Select2QuerySetView", "SingleTableView"}  # fmt: skip
_OBJECTS = {
    "RetrieveAPIView", "RetrieveUpdateAPIView", "RetrieveDestroyAPIView", "RetrieveUpdateDestroyAPIView",
    "DestroyAPIView", "UpdateAPIView", "ModelViewSet", "ReadOnlyModelViewSet", "RetrieveModelMixin",
    "UpdateModelMixin", "DestroyModelMixin", "DetailView", "UpdateView", "DeleteView",
}  # fmt: skip
_KEEPING = {
    "DetailView",
    "BaseDetailView",
    "SingleObjectMixin",
    "UpdateView",
    "DeleteView",
    "CreateView",
}
"""Views that keep their object."""
_SUFFIXES = {"ListView": "_list", "DetailView": "_detail", "UpdateView": "_form", "DeleteView": "_confirm_delete"}  # fmt: skip
"""How the templates of Django's own views are called, after their model."""
_CREATES = {"CreateAPIView"}
_DESTROYS = {"DestroyAPIView", "RetrieveDestroyAPIView", "RetrieveUpdateDestroyAPIView", "ModelViewSet", "DestroyModelMixin"}  # fmt: skip
_FILTERED = {"FilterView", "BaseFilterView"}
"""Views of django-filter, which narrow their list without a backend."""
_MOST = 40
"""Views of one base that are told apart."""
_PAGED = {"BaseQuerySetView", "Select2QuerySetView", "SingleTableView"}
"""Views of django-autocomplete-light and django-tables2, which bring a page of their list whatever they are told:
https://django-autocomplete-light.readthedocs.io/en/master/tutorial.html,
https://django-tables2.readthedocs.io/en/latest/pages/generic-mixins.html."""
_SUGGESTS = _PAGED - {"SingleTableView"}
"""Those that search for what is typed."""
_COUNTED = {"PageNumberPagination", "LimitOffsetPagination"}
_SEARCH = {"^": "istartswith", "=": "iexact", "@": "search", "$": "iregex"}


@reads_classes
def view(reading: Reading, found: Located, ancestry: list[str]) -> None:
    """What a view asks for its list, and for one object."""
    above = _above(ancestry)
    names = {a.rpartition(".")[2] for a in above}
    if not names & (_LISTS | _OBJECTS | _CREATES):
        return
    rest = any(a.startswith("rest_framework.") for a in above)
    read = _View(reading, found, rest, bool(names & _FILTERED))
    written = read.serializers() if rest and names & (_LISTS | _OBJECTS) else []
    if read.replaces_queryset():
        unread = (x for x in each(read.kept("queryset")) if isinstance(x, Draft))
        reading.dropped.update((id(x), x) for x in unread)
    place = place_of(found, found.node.name)  # type: ignore[attr-defined]
    (actions,) = reading.application.facts(Actions)
    lists = bool(names & _LISTS) and (not rest or actions.lists(found)) and not read.names_class
    looks_up = bool(names & _OBJECTS) and (not rest or actions.looks_up(found))
    for base in read.base():
        if looks_up and read.looks_up():
            read.record(read.object(base), "get", Bound.ONE, ())
        if lists:
            for begun in read.begun(base):
                read.listed(begun)
        elif read.is_never_asked():
            reading.dropped[id(base)] = base
        if base.entity is not None:
            row = Row(base.entity, base, place if lists else None)
            reading.written += [Written(each_, row) for each_ in written]
            if names & _DESTROYS:
                destroys = method_of(reading, found, "perform_destroy")
                hand(reading, found, destroys, 1, Row(base.entity, base))


def _above(ancestry: list[str]) -> list[str]:
    """The classes of the frameworks that a view inherits from."""
    return [a for a in ancestry if a.startswith(_FRAMEWORKS)]


def _names_above(reading: Reading, found: Located) -> list[str]:
    """What those classes are called, the nearest first."""
    return [a.rpartition(".")[2] for a in _above(reading.code.ancestry(found))]


_FRAMEWORKS = ("rest_framework.", "django.views.", "django_filters.", "dal.", "dal_select2.", "django_tables2.")  # fmt: skip
_KNOWN = (*_FRAMEWORKS, "django.contrib.auth.mixins.", "builtins.object")
"""Where what reads the `queryset` of a view is known: `get_queryset` alone."""


@reads_calls
def get_object(reading: Reading, call: t.Call, last: str, base: Thing | None, frame: Frame) -> Told:
    """`self.get_object()`: one of the list, by what the URL says."""
    if last != "get_object" or reading.code.defined(call.func, frame.scope) is not None:
        return None, False
    match call.func:
        case t.Attr(value=t.Call(func=t.Name(id="super"))):
            base = frame.find("self")[1]
    made = list[Thing]()
    for read in _running(reading, base, frame) if isinstance(base, Self) else ():
        for draft in read.base() if read.looks_up() else ():
            if draft.entity is not None:
                reading.dropped[id(draft)] = draft
                one = replace(read.object(draft), place=reading.place(call, frame))
                read.record(one, "get", Bound.ONE, ())
                made.append(Row(draft.entity, draft))
    return either(made), bool(made)


@reads_calls
def get_queryset(
    reading: Reading, call: t.Call, last: str, base: Thing | None, frame: Frame
) -> Told:
    """`self.get_queryset()`: the list of each view for which the method is run, asked where that stands."""
    if (
        last != "get_queryset"
        or not isinstance(base, Self)
        or is_manager_class(reading, base.found)
    ):
        return None, False
    views = _running(reading, base, frame)
    if not views:
        if reading.code.defined(call.func, frame.scope) is not None:
            return None, False
        return reading.of_self(base, "queryset", frame), True
    here, made = reading.place(call, frame), dict[object, Thing]()
    for read in views:
        if read.names_class:  # a class is given back as it is
            made |= {id(x): x for x in each(read.kept("queryset"))}
            continue
        for draft in read.base():
            reading.dropped[id(draft)] = draft
            key = (draft.model, draft.where, draft.sort, draft.limited)
            if key not in made:
                one = replace(draft, place=here, origin=draft, loop=frame.loop, manager=False)
                made[key] = reading.record(one)
    if not made and reading.has("django"):
        why = "its model is that of a view that is not told"
        return Draft("django", None, here, loop=frame.loop, manager=True, unresolved=why, tentative=True), True  # fmt: skip
    return either(list(made.values())), True


def _running(reading: Reading, own: Self, frame: Frame) -> list[_View]:
    """The views for which the method that is read is run: the object's class, and those that inherit it from there."""
    around: Frame | None = frame
    while around is not None and around.owner is None:
        around = around.parent
    scope, kinds = frame.scope, [own.found]
    if around is not None and around.owner is not None and around.owner.node is own.found.node:
        while scope.parent is not None and scope.parent.owner is not own.found.node:
            scope = scope.parent
        if isinstance(scope.owner, t.Function):
            kinds += (x for x in reading.code.heirs(own.found) if x.node is not own.found.node and _runs(reading, x, scope.owner))  # fmt: skip
    return [
        _View(reading, kind, any(a.startswith("rest_framework.") for a in above), False)
        for kind in kinds[:_MOST]
        if (above := _above(reading.code.ancestry(kind)))
    ]


def _runs(reading: Reading, kind: Located, function: t.Function) -> bool:
    """Whether a method is run for a class that inherits it: none that takes its place leaves it out."""
    for name in reading.code.ancestry(kind):
        method = reading.code.definition(f"{name}.{function.name}")
        if method is None:
            continue
        if method.node is function:
            return True
        nodes = t.walk(*getattr(method.node, "body", ()))
        if not any(isinstance(n, t.Attr) and n.name == function.name and _is_super(n.value) for n in nodes):  # fmt: skip
            return False
    return False


@reads_attributes
def of_view(reading: Reading, expr: t.Attr, base: Thing | None, frame: Frame) -> Thing | None:
    """`self.object` of Django's views of one object, and `self.queryset` of each view for which a method is run.

    Source: https://docs.djangoproject.com/en/stable/ref/class-based-views/mixins-single-object/.
    """
    if not isinstance(base, Self):
        return None
    if expr.name == "queryset":
        kept = (x for read in _running(reading, base, frame) for x in each(read.kept("queryset")))
        return either(list(kept))
    return _kept_object(reading, base.found) if expr.name == "object" else None


@reads_calls
def context(reading: Reading, call: t.Call, last: str, base: Thing | None, frame: Frame) -> Told:
    """`super().get_context_data()["object"]`."""
    match call.func:
        case t.Attr(value=t.Call(func=t.Name(id="super")), name="get_context_data"):
            held = frame.find("self")[1]
            kept = _kept_object(reading, held.found) if isinstance(held, Self) else None
            if kept is None and reading.code.defined(call.func, frame.scope) is not None:
                return None, False
            made = Keyed((), True).with_("object", kept) if kept is not None else Keyed((), True)
            for keyword in call.keywords:
                given = reading.thing(keyword.value, frame)
                made = made.with_(keyword.name, given) if keyword.name else made
            return made, True
    return None, False


def shown_by(reading: Reading, found: Located) -> Iterator[tuple[str, Thing]]:
    """What Django's own view gives its template by itself: its object, or its list, under each of their names."""
    names = {*_names_above(reading, found)}
    if not names & (_LISTS | _KEEPING):
        return
    read = _View(reading, found, False, bool(names & _FILTERED))
    for base in read.base():
        reading.dropped[id(base)] = base  # it is told of the view
        if base.entity is None:
            continue
        word, own = entity_name(base.entity), read.text("context_object_name")
        if names & _LISTS:
            rows = Rows(base.entity, base)
            yield from ((name, rows) for name in ("object_list", "page_obj", own or f"{word}_list"))
        elif "CreateView" not in names:
            yield from ((name, Row(base.entity, base)) for name in ("object", own or word))


def template_of(reading: Reading, found: Located, kept: list[tuple[str, Thing]]) -> str:
    """The template of a class-based view: the one that it names, or that of its model; "" where code chooses it."""
    read = _View(reading, found, False, False)
    if read.has_method("get_template_names") or read.has_method("render_to_response"):
        return ""
    if read.value("template_name") is not None:
        return read.text("template_name") or ""
    models = {x.entity.name: x.entity for _, x in kept if isinstance(x, Row | Rows)}
    suffix = next((_SUFFIXES[a] for a in _names_above(reading, found) if a in _SUFFIXES), "")
    if len(models) != 1 or not suffix or (model := next(iter(models.values()))).found is None:
        return ""
    return f"{label_of(reading.entities, model.found.path)}/{entity_name(model)}{suffix}.html"


def _kept_object(reading: Reading, view: Located) -> Thing | None:
    """The object of a view that shows or changes one."""
    keeps = not _KEEPING.isdisjoint(_names_above(reading, view))
    drafts = _View(reading, view, False, False).base() if keeps else []
    return either([Row(x.entity, x) for x in drafts if x.entity is not None])


_RELATED = {"PrimaryKeyRelatedField": "pk", "SlugRelatedField": "slug_field", "HyperlinkedRelatedField": "lookup_field"}  # fmt: skip


@reads_calls
def related(reading: Reading, call: t.Call, last: str, base: Thing | None, frame: Frame) -> Told:
    """What a serializer's field asks of its `queryset`: the record that the caller names.

    Source: https://www.django-rest-framework.org/api-guide/relations/.
    """
    given = argument(call, None, "queryset")
    if last not in _RELATED or given is None:
        return None, False
    named = argument(call, 0 if last == "SlugRelatedField" else None, _RELATED[last])
    key = reading.values.text(named, frame.scope) or "pk"
    for thing in each(reading.thing(given, frame)):
        if isinstance(thing, Draft):
            one = reading.record(narrowed(reading, thing, Lookup(key)))
            reading.record(executed(one, operation="get", bound=Bound.ONE, sort=()))
    return None, True


@reads_calls
def validated(reading: Reading, call: t.Call, last: str, base: Thing | None, frame: Frame) -> Told:
    """What a validator of a serializer asks of its `queryset`: whether the value is there already.

    Source: https://www.django-rest-framework.org/api-guide/validators/.
    """
    given = argument(call, 0, "queryset")
    if last not in ("UniqueValidator", "UniqueTogetherValidator") or given is None:
        return None, False
    if last == "UniqueValidator":
        field = _validated(reading, call, frame)
        by = argument(call, None, "lookup")
        names = [f"{field}__{reading.text(by, frame)}" if field and by is not None else field]
    else:
        fields = argument(call, 1, "fields")
        names = [reading.text(x, frame) or "" for x in fields.items] if isinstance(fields, t.Seq) else [""]  # fmt: skip
    for thing in each(reading.thing(given, frame)):
        if isinstance(thing, Draft):
            if not all(names):
                thing = reading.record(executed(thing, unresolved="which fields it compares is not told"))  # fmt: skip
            for name in filter(None, names):
                thing = reading.record(narrowed(reading, thing, Lookup(name)))
            reading.record(executed(thing, operation="exists", bound=Bound.ONE, sort=()))
    return None, True


def _validated(reading: Reading, call: t.Call, frame: Frame) -> str:
    """The attribute whose field has a validator, as the serializer's class or its `extra_kwargs` says."""
    for stmt in frame.scope.owner.body if isinstance(frame.scope.owner, t.Class) else ():
        match stmt:
            case t.Assign(value=t.Map(keys=keys, values=values)):
                for key, value in zip(keys, values, strict=True):
                    if key is not None and t.holds([value], call):
                        return reading.text(key, frame) or ""
            case t.Assign(targets=[t.Name(id=name)], value=t.Call() as field) if t.holds([field], call):  # fmt: skip
                source = argument(field, None, "source")
                return name if source is None else reading.text(source, frame) or ""
    return ""


_NAMED = re.compile(r"\{(\w+)")
"""What a path of a route calls its parts."""


def _is_super(expr: t.Expr) -> bool:
    return isinstance(expr, t.Call) and t.dotted(expr.func) == "super"


class _View:
    def __init__(self, reading: Reading, found: Located, rest: bool, filters: bool) -> None:
        self.reading, self.found, self.rest, self.filters = reading, found, rest, filters
        self.frame = reading.frame(reading.code.inside(found))

    def base(self) -> Iterator[Draft]:
        """What the list is taken from: `get_queryset`, `queryset`, or all of `model`."""
        reading, own = self.reading, Self(self.found)
        for name in reading.code.ancestry(self.found):
            method = reading.code.definition(f"{name}.get_queryset")
            if method is not None and isinstance(method.node, t.Function):
                inherits = method.scope.owner is not self.found.node  # it is told of this class
                made = (
                    run_for(reading, method, own, self.frame, {})
                    if inherits
                    else reading.returns(method)
                )
                given = [x for x in each(made) if isinstance(x, Draft)]
                yield from (x for x in given if x.bound is Bound.UNKNOWN)
                return
        for thing in each(self.kept("queryset")):
            if isinstance(thing, Draft):
                yield thing
                return
            if isinstance(thing, Class) and self.names_class:
                yield Draft("django", thing.entity, reading.place(self.found.node, self.frame))
                return
        for thing in each(self.kept("model")):
            if isinstance(thing, Class) and thing.entity.mapper == "django":
                yield Draft("django", thing.entity, reading.place(self.found.node, self.frame))
                return
        filters = self.filterset() if self.filters else None
        if filters is not None and (entity := model(reading, filters)) is not None:
            yield Draft("django", entity, reading.place(self.found.node, self.frame))
            return
        yield from self.of_routes()

    def of_routes(self) -> Iterator[Draft]:
        """All of the `model` that a route gives to the class, `as_view(model=Item)`, or to one that code chooses."""
        reading, here = self.reading, self.reading.place(self.found.node, self.frame)
        chosen, known = False, dict[str, Entity]()
        for site in reading.code.method_calls("as_view"):
            named, func = argument(site.node, None, "model"), site.node.func
            if named is None or not isinstance(func, t.Attr):
                continue
            kind = reading.code.defined(func.value, site.scope) if isinstance(func.value, t.Name | t.Attr) else None  # fmt: skip
            entity = entity_of(reading.entities, named, site.scope)
            if kind is not None and kind.node is self.found.node and entity is not None:
                known[entity.name] = entity
            chosen |= kind is None
        for entity in known.values():
            yield Draft("django", entity, here)
        if chosen and not known:
            yield Draft("django", None, here, unresolved="its model is what as_view() is given", tentative=True)  # fmt: skip

    def kept(self, name: str) -> Thing | None:
        """What an attribute of the view stands for."""
        return self.reading.of_self(Self(self.found), name, self.frame)

    @functools.cached_property
    def names_class(self) -> bool:
        """Whether `queryset = Order` names a class: one object is looked up in it, and no list can be gone through.

        Source: https://github.com/encode/django-rest-framework/blob/master/rest_framework/generics.py.
        """
        given = each(self.kept("queryset")) if self.rest and not self.has_method("get_queryset") else ()  # fmt: skip
        return any(isinstance(x, Class) and x.entity.mapper == "django" for x in given)

    def is_never_asked(self) -> bool:
        """Whether a list that the framework does not go through brings nothing: one object is looked up in it at most."""
        if not self.has_method("get_queryset"):
            return self.rest
        nodes = list(self.said_by([self.found]))
        spoken = {id(n) for n in nodes if isinstance(n, t.Attr) and n.name == "get_queryset" and not _is_super(n.value)}  # fmt: skip
        told = {id(n.func) for n in nodes if isinstance(n, t.Call) and id(n) in self.reading.followed}  # fmt: skip
        return spoken <= told  # where it is called, it is told

    def replaces_queryset(self) -> bool:
        """Whether a `get_queryset` of the tree brings the list, and nothing reads the `queryset` beside it."""
        code = self.reading.code
        outside = (n for n in code.ancestry(self.found) if code.definition(n) is None)
        if not self.has_method("get_queryset") or not all(n.startswith(_KNOWN) for n in outside):
            return False
        return not any(
            isinstance(n, t.Attr)
            and (n.name == "queryset" or (n.name == "get_queryset" and _is_super(n.value)))
            for n in self.said_by(code.heirs(self.found))
        )

    def said_by(self, kinds: list[Located]) -> Iterator[t.Node]:
        """What classes and those above them in the tree say, each once."""
        code = self.reading.code
        for name in dict.fromkeys(name for kind in kinds for name in code.ancestry(kind)):
            above = code.definition(name)
            if above is not None and isinstance(above.node, t.Class):
                yield from t.walk(*above.node.body)

    def looks_up(self) -> bool:
        """Whether the framework looks the object up: not where a `get_object` of the tree does so alone."""
        own = method_of(self.reading, self.found, "get_object")
        return own is None or any(
            isinstance(node, t.Attr) and node.name == "get_object" and _is_super(node.value)
            for node in t.walk_own(*getattr(own.node, "body", ()))
        )

    def object(self, base: Draft) -> Draft:
        """The one of the list that an URL names."""
        key = self.text("lookup_field") if self.rest else self.slug()
        return narrowed(self.reading, base, Lookup(key or "pk"))

    def slug(self) -> str | None:
        """The field by which Django's own view looks its object up, where every route names that and no key.

        Source: https://docs.djangoproject.com/en/stable/ref/class-based-views/mixins-single-object/.
        """
        key = self.text("pk_url_kwarg") or "pk"
        named = self.text("slug_url_kwarg") or "slug"
        routes = [r for r in self.reading.application.facts(Route) if r.view is not None and r.view.node is self.found.node]  # fmt: skip
        given = [set(_NAMED.findall(route.path)) for route in routes]
        if not given or not all(named in names and key not in names for names in given):
            return None
        return self.text("slug_field") or "slug"

    def listed(self, base: Draft) -> None:
        limit = base.limited or self.limit()  # of a slice, no page asks for more
        sort = base.sort
        plain = not self.rest and not self.has_method("get_queryset")  # Django's own views
        orders = self.names("ordering") if plain or self.backed("OrderingFilter") else []
        orders = orders or (self.cursor() if self.rest else [])
        if orders and (default := self.sort(base, orders)):
            sort = default
        found = self.filtered(base)
        for way in found:
            self.record(way, "select", limit, way.sort if way.sort != base.sort else sort)
        if fields := self.searched():
            paths = [f"{f.lstrip('^=@$')}__{_SEARCH.get(f[:1], 'icontains')}" for f in fields]
            searched = narrowed(self.reading, base, Some(tuple(Lookup(p) for p in paths)))
            self.record(searched, "select", limit, sort)
            found.append(searched)
        if self.counts(limit):
            for way in {way.where: way for way in found}.values():
                self.reading.record(figure(way))
        if self.backed("OrderingFilter"):
            for field in self.listing("ordering_fields"):
                if asked := self.sort(base, [field]):
                    self.record(base, "select", limit, asked)

    def searched(self) -> list[str]:
        """The fields that are searched for what the caller types."""
        if self.library in _SUGGESTS and not self.has_method("get_queryset"):
            return self.listing("search_fields") or [self.text("model_field_name") or "name"]
        return self.listing("search_fields") if self.backed("SearchFilter") else []

    @functools.cached_property
    def library(self) -> str:
        """The view of a package that brings a page of its list by itself."""
        names = _names_above(self.reading, self.found)
        return next((name for name in names if name in _PAGED), "")

    def record(
        self, way: Draft, operation: str, limit: Bound, sort: tuple[tuple[str, str, int], ...] | None
    ) -> None:  # fmt: skip
        self.reading.record(executed(way, operation=operation, bound=limit, sort=sort))

    def sort(self, base: Draft, fields: list[str]) -> tuple[tuple[str, str, int], ...]:
        return order(self.reading.entities, base.entity, fields) if base.entity is not None else ()

    def filtered(self, base: Draft) -> list[Draft]:
        """The list, and what django-filter offers of it: by a class of filters, or by fields."""
        if not self.filters and not self.backed("DjangoFilterBackend"):
            return [base]
        if (found := self.filterset()) is not None:
            return ways(self.reading, found, base, self.frame, begun=self.refuses())
        named = [x for name in ("filterset_fields", "filter_fields") if (x := self.value(name))]
        offered = dict.fromkeys(path for x in named for path in paths(self.reading, x, base.entity))
        return [base, *(narrowed(self.reading, base, Lookup(path)) for path in offered)]

    def begun(self, base: Draft) -> list[Draft]:
        """What every request for the list asks: with the filters that are required."""
        if not self.refuses() or (found := self.filterset()) is None:
            return [base]
        return with_required(self.reading, found, base, self.frame)

    def refuses(self) -> bool:
        """Whether the package's own backend filters the list, which answers 400 where a form is invalid.

        A class of filters that is used by hand leaves out what is invalid, and asks the rest.
        """
        if not self.rest or not self.backed("DjangoFilterBackend") or self.has_method("filter_queryset"):  # fmt: skip
            return False
        names = (c.node.name for c in self.reading.code.classes())  # type: ignore[attr-defined]
        return not any(name.endswith("DjangoFilterBackend") for name in names)

    def filterset(self) -> Located | None:
        """The class of filters that it names."""
        for name in ("filterset_class", "filter_class"):
            own = self.value(name)
            if own is not None and isinstance(own.node, t.Name | t.Attr):
                made = self.reading.code.defined(own.node, own.scope)
                if made is not None and isinstance(made.node, t.Class):
                    return made
        return None

    def serializers(self) -> list[Located]:
        """The classes that `serializer_class` or `get_serializer_class` name."""
        found = [x for x in (self.value("serializer_class"),) if x is not None]
        for name in self.reading.code.ancestry(self.found):
            method = self.reading.code.definition(f"{name}.get_serializer_class")
            if method is not None and isinstance(method.node, t.Function):
                inner = self.reading.code.inside(method)
                for node in t.walk_own(*method.node.body):
                    if isinstance(node, t.Return) and node.value is not None:
                        found += [Located(n, inner) for n in t.walk_own(node.value)]
                break
        classes = {}
        for one in found:
            made: Located | None = one
            if isinstance(one.node, t.Name | t.Attr):
                made = self.reading.code.defined(one.node, one.scope)
            if made is not None and isinstance(made.node, t.Class):
                classes[id(made.node)] = made
        return list(classes.values())

    def limit(self) -> Bound:
        """How many objects a page holds, as far as it is told."""
        if not self.rest:
            if self.reading.code.ancestry(self.found) and self.has_method("get_paginate_by"):
                return Bound.UNKNOWN
            return Bound.LIMITED if self.library or self.given("paginate_by") else Bound.NONE
        own = self.value("pagination_class")
        if own is not None:
            return Bound.NONE if isinstance(own.node, t.Const) else Bound.LIMITED
        options = self.options()
        if options is None:
            return Bound.UNKNOWN
        paginates = options.get("DEFAULT_PAGINATION_CLASS")
        if paginates is None or (isinstance(paginates, t.Const) and paginates.value is None):
            return Bound.NONE
        packaged = isinstance(paginates, t.Const) and str(paginates.value).startswith("rest_framework.")  # fmt: skip
        return Bound.NONE if packaged and "PAGE_SIZE" not in options else Bound.LIMITED

    def counts(self, limit: Bound) -> bool:
        """Whether all that is found is counted to tell the pages: a cursor counts nothing."""
        if limit is not Bound.LIMITED or not self.rest:
            return limit is Bound.LIMITED
        return any(name in _COUNTED for name, _ in self.pages)

    @functools.cached_property
    def pages(self) -> list[tuple[str, Located | None]]:
        """The class of the pages and those above it: how each is called, and where it is one of the tree."""
        own = self.value("pagination_class")
        given = own.node if own is not None else None
        if given is None:
            given = (self.options() or {}).get("DEFAULT_PAGINATION_CLASS")
        if isinstance(given, t.Const):
            word = str(given.value).rpartition(".")[2]
        else:
            word = last_name(given) if isinstance(given, t.Expr) else ""
        code = self.reading.code
        found = [c for c in code.classes() if c.node.name == word]  # type: ignore[attr-defined]
        above = [name for c in found[:1] for name in code.ancestry(c)]
        named = [
            (name.rpartition(".")[2].rpartition(":")[2], code.definition(name)) for name in above
        ]
        return named or [(word, None)]

    def cursor(self) -> list[str]:
        """By what the pages of a cursor are in order, whatever the order of their list.

        Source: https://www.django-rest-framework.org/api-guide/pagination/#cursorpagination.
        """
        if not any(name == "CursorPagination" for name, _ in self.pages):
            return []
        kind = self.pages[0][1]
        given = self.reading.values.attribute(kind, "ordering") if kind is not None else []
        return self.texts(given[0]) if given else ["-created"]

    def backed(self, backend: str) -> bool:
        """Whether a filter backend is at work in this view: listed here, or in the settings."""
        own = self.value("filter_backends")
        expr = (
            own.node if own is not None else (self.options() or {}).get("DEFAULT_FILTER_BACKENDS")
        )
        return expr is not None and any(
            last_name(n) == backend
            if isinstance(n, t.Name | t.Attr)
            else isinstance(n, t.Const) and str(n.value).endswith(backend)
            for n in t.walk_own(expr)
        )

    def options(self) -> dict[str, t.Expr] | None:
        """`REST_FRAMEWORK` of the settings; None where there is none, or several that differ."""
        known = self.reading.options.get("REST_FRAMEWORK")
        if known is None:
            found = []
            for module in self.reading.code.modules.values():
                for binding in module.scope.bindings.get("REST_FRAMEWORK", ()):
                    if isinstance(binding.value, t.Map):
                        found.append(binding.value)
            known = self.reading.options["REST_FRAMEWORK"] = found[:1]
        for each_ in known:
            pairs = zip(each_.keys, each_.values, strict=True)
            return {str(k.value): v for k, v in pairs if isinstance(k, t.Const)}
        return None

    # --- attributes of the class

    def value(self, name: str) -> Located | None:
        found = self.reading.values.attribute(self.found, name)
        return found[0] if found else None

    def given(self, name: str) -> bool:
        own = self.value(name)
        return own is not None and not (isinstance(own.node, t.Const) and own.node.value is None)

    def has_method(self, name: str) -> bool:
        return any(
            self.reading.code.definition(f"{above}.{name}") is not None
            for above in self.reading.code.ancestry(self.found)
        )

    def text(self, name: str) -> str | None:
        own = self.value(name)
        if own is None or not isinstance(own.node, t.Expr):
            return None
        return self.reading.values.text(own.node, own.scope)

    def names(self, name: str) -> list[str]:
        own = self.value(name)
        return self.texts(own) if own is not None else []

    def listing(self, name: str) -> list[str]:
        """The same, where a text alone, `("name")`, is none: its letters would be gone through."""
        return self.names(name) if len(self.text(name) or "") < 2 else []

    def texts(self, given: Located) -> list[str]:
        """The texts of a list, a tuple, or one text; nothing for `"__all__"`."""
        items = given.node.items if isinstance(given.node, t.Seq) else [given.node]
        told = [self.reading.values.text(i, given.scope) for i in items]  # type: ignore[arg-type]
        return [text for text in told if text and text != "__all__"]
