"""Queries of Django's models and of Tortoise's, which follow the same language.

Sources: https://docs.djangoproject.com/en/stable/ref/models/querysets/,
https://docs.djangoproject.com/en/stable/topics/db/managers/, https://tortoise.github.io/query.html.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec.structs import replace

from auditor.extract.python import tree as t
from auditor.link.scopes import Located, argument
from auditor.model.data import Bound
from auditor.stores.lookups import bound
from auditor.stores.sql.conditions import (
    NOTHING,
    UNTOLD,
    Condition,
    Draft,
    Every,
    Lookup,
    Opposite,
    Test,
    Untold,
    no_column,
)
from auditor.stores.sql.django.conditions import of_keys, of_lookup, of_q
from auditor.stores.sql.django.managers import (
    MANAGERS,
    administered,
    inherited,
    is_admin,
    is_manager,
    is_manager_class,
    is_part_of_manager,
    managed,
    managed_by,
    manager_of,
    run_for,
)
from auditor.stores.sql.django.models import entity_of
from auditor.stores.sql.django.packages import name_of_user, user_model
from auditor.stores.sql.django.refusals import forbidden, is_at_once, refusal
from auditor.stores.sql.django.relations import (
    awaited,
    by_name,
    fetched,
    lacking,
    of_row,
    prefetch,
    steps,
)
from auditor.stores.sql.django.sorting import ANY, apart_by, first_of, sort_of, untold
from auditor.stores.sql.django.suspects import of_unknown
from auditor.stores.sql.entities import Entity, last_name
from auditor.stores.sql.reading.frames import Frame, Reading, reads_attributes, reads_calls
from auditor.stores.sql.reading.serving import MODEL_NAMES
from auditor.stores.sql.reading.things import (
    Class,
    Either,
    Holds,
    Listed,
    Row,
    Rows,
    Self,
    Thing,
    Told,
    each,
    either,
    executed,
    figure,
)
from auditor.stores.sql.statements.text import raw

_MAPPERS = ("django", "tortoise")
_NARROWS = {"filter", "exclude", "get", "aget", "get_or_none", "aget_or_none", "get_or_create", "aget_or_create",
            "update_or_create", "aupdate_or_create", "get_or_404"}  # fmt: skip
_FIRST = {"first", "last", "afirst", "alast", "earliest", "latest", "aearliest", "alatest"}
_ONE = _FIRST | {"get", "aget", "get_or_none", "aget_or_none", "get_or_create", "aget_or_create", "update_or_create",
                 "aupdate_or_create"}  # fmt: skip
_FIGURES = {"count": "count", "acount": "count", "exists": "exists", "aexists": "exists",
            "aggregate": "aggregate", "aaggregate": "aggregate"}  # fmt: skip
_INSERTS = {"create", "acreate", "bulk_create", "abulk_create", "create_user", "create_superuser"}
_KEEP = {
    "all", "distinct", "using", "select_for_update", "only", "defer", "reverse", "union", "intersection", "difference",
    "values", "values_list", "annotate", "alias", "iterator", "aiterator", "db_manager", "using_db", "as_manager",
    "get_queryset", "group_by", "extra", "dates", "datetimes", "offset", "prefetch_related", "complex_filter",
    "select_related", "order_by", "limit", "delete", "adelete", "update", "aupdate", "in_bulk", "ain_bulk", "none",
    "raw", "bulk_update", "abulk_update", "fetch_related", "resolve_expression", "aclear", "explain", "contains", "set",
    "add", "remove", "clear", "aadd", "aset", "aremove", "get_list_or_404", "non_polymorphic", "instance_of",
}  # fmt: skip
METHODS = _NARROWS | _ONE | set(_FIGURES) | _INSERTS | _KEEP
_SUBCLASSES = {"get_subclass": "get", "select_subclasses": "all"}
"""What an InheritanceManager has besides, and what it asks of the table of the model:
https://django-model-utils.readthedocs.io/en/latest/managers.html#inheritancemanager."""
_HELPERS = {"normalize_email", "make_random_password"}
"""What the managers of users have besides, and which asks nothing:
https://docs.djangoproject.com/en/stable/topics/auth/customizing/#django.contrib.auth.models.BaseUserManager."""
_PLAIN = t.Call(0, 0, 0, t.Name(0, 0, 0, "exists"), [], [])
_AGGREGATES = {
    "Count",
    "Sum",
    "Avg",
    "Max",
    "Min",
    "StdDev",
    "Variance",
    "ArrayAgg",
    "StringAgg",
    "JSONBAgg",
}
_ASKS = _ONE | set(_FIGURES) | {"delete", "adelete", "update", "aupdate", "in_bulk", "ain_bulk"}
"""What executes a queryset at once."""
_STEPS = {"filter", "exclude", "order_by", "values", "values_list", "annotate"}
"""What makes another query of a queryset."""
_HANDED = _NARROWS | _ONE | set(_FIGURES)
"""Methods that are handed on without being called: `cache.get_or_set(key, Child.objects.count)`."""
_ON_CLASS = {"filter", "exclude", "all", "get", "get_or_none", "first", "create", "get_or_create", "bulk_create",
             "update_or_create", "annotate", "exists", "in_bulk", "raw", "select_for_update", "last", "latest", "earliest"}  # fmt: skip
_OF_ONE = {
    "select_related", "prefetch_related", "only", "values", "values_list", "annotate", "filter", "exclude", "order_by", "distinct",
}  # fmt: skip
"""Steps that follow what asks for one object: `await Post.get(id=id).select_related("author")`.

Source: https://tortoise.github.io/query.html#tortoise.queryset.QuerySetSingle."""
_OF_RELATIONS = {"filter", "all", "order_by", "limit", "offset", "create", "add", "remove", "clear"}
"""What a relation to many of Tortoise has; what else is asked of it raises.

Source: https://github.com/tortoise/tortoise-orm/blob/develop/tortoise/fields/relational.py (`ReverseRelation`)."""


# --- attributes


@reads_attributes
def attributes(reading: Reading, expr: t.Attr, base: Thing | None, frame: Frame) -> Thing | None:
    match base:
        case Class(entity=entity) if entity.mapper == "django":
            if expr.name in MANAGERS or is_manager(reading, entity, expr.name):
                return managed(reading, entity, expr, frame)
        case Row(entity=entity) if entity.mapper in _MAPPERS:
            return of_row(reading, expr, base, frame)
        case Draft(mapper="django", entity=Entity() as stored) if expr.name == "model":
            return Class(stored)
        case Draft(mapper="django" | "tortoise") if expr.name in _HANDED:
            reading.record(executed(base, unresolved=base.unresolved or "it is handed on, to be called elsewhere"))  # fmt: skip
            return None
        case Rows() | Draft() | Either():
            return None
        case None if id(expr) in reading.awaited and reading.has("tortoise"):
            return awaited(reading, expr, frame)
        case None if expr.name in ("objects", "_default_manager", "_base_manager"):
            kept = t.dotted(expr.value).partition(".")
            served = kept[0] == "self" and kept[2] in MODEL_NAMES  # told above, if at all
            named = None if served else entity_of(reading.entities, expr.value, frame.scope)
            if named is not None:
                return manager_of(named, reading, expr, frame)
            if not reading.has("django") or is_document(reading, expr.value, frame):
                return None
            draft = manager_of(None, reading, expr, frame)
            canonical = reading.code.name(expr.value, frame.scope)
            if reading.code.is_unbound(expr.value, frame.scope):
                name = t.dotted(expr.value).partition(".")[0]
                draft = replace(draft, unresolved=f"{name} is not defined at this place")
            elif re.fullmatch(r"[a-z]\w*(?:\.\w+)*\.[A-Z]\w+", canonical):
                draft = replace(draft, unresolved=f"{canonical} is a model of a package")
            return draft
        case Class() if expr.name == "objects":
            return None
        case None if expr.name == "user" and _is_request(expr.value) and reading.has("django"):
            user = user_model(reading.entities)
            return Row(user) if user is not None else None
        case Self(found=found) if expr.name == "model":
            if is_manager_class(reading, found):
                return either([Class(e) for e in managed_by(reading, found)])
            if is_admin(reading.code.ancestry(found)):
                own = (found, *reading.entities.heirs(reading.code.own_name(found)))
                return either([Class(e) for admin in own for e in administered(reading, admin)])
    return None


def _is_request(expr: t.Expr) -> bool:
    """`request`, `self.request`, and what graphene and strawberry hand on: `info.context`, `info.context.request`."""
    return last_name(expr) == "request" or t.dotted(expr).endswith("info.context")


def is_document(reading: Reading, expr: t.Expr, frame: Frame) -> bool:
    """`objects` of a MongoEngine document."""
    found = reading.code.defined(expr, frame.scope) if isinstance(expr, t.Name | t.Attr) else None
    if found is None or not isinstance(found.node, t.Class):
        return False
    return any("mongoengine" in name or name.endswith("Document") for name in reading.code.ancestry(found))  # fmt: skip


# --- calls


@reads_calls
def calls(reading: Reading, call: t.Call, last: str, base: Thing | None, frame: Frame) -> Told:
    match base:
        case Draft(mapper="django" | "tortoise"):
            if isinstance(call.func, t.Attr):
                apart = last in _ASKS or (last in _STEPS and reading.is_another(call))
                apart = apart or (last == "all" and base.manager)
                asked = reading.asked_at(call, base, frame) if apart else base
                if isinstance(call.func.value, t.Attr):
                    asked = reading.asked_of_kept(call, asked, frame)
                return method(reading, asked, call, last, frame), True
            return base, True
        case Row(draft=Draft(mapper="tortoise", projection=(_, *_))):
            return None, True  # a dict of `values()`, whose `get` asks nothing
        case Row(entity=entity, draft=Draft() as single) if (
            entity.mapper == "tortoise" and last in _OF_ONE and _goes_on(call)
        ):
            done = method(reading, single, call, last, frame)
            if isinstance(done, Draft) and not done.projection:
                return Row(entity, done, base.loop), True
            return None, True
        case Class(entity=entity) | Row(entity=entity) if (
            entity.mapper == "tortoise" and last in _ON_CLASS
        ):
            if reading.code.defined(call.func, frame.scope) is None:
                return method(reading, manager_of(entity, reading, call, frame), call, last, frame), True  # fmt: skip
        case Row(entity=entity) if entity.mapper == "tortoise" and last == "fetch_related":
            for arg in call.args:
                prefetch(reading, Draft("tortoise", entity, reading.place(call, frame)), arg, call, frame)  # fmt: skip
            return None, True
        case Rows(entity=entity) if entity.mapper == "django" and last in _AGAIN:
            for draft in _before_all(reading, call.func, frame):
                return method(reading, replace(draft, eager=frozenset()), call, last, frame), True
        case Self(found=found) if last in METHODS and reading.code.defined(call.func, frame.scope) is None:  # fmt: skip
            if is_manager_class(reading, found):
                return _own(reading, found, call, last, frame), True
            if last in _ON_CLASS and any(
                a.startswith("tortoise.") for a in reading.code.ancestry(found)
            ):
                heirs = reading.entities.heirs(reading.code.own_name(found))
                stored = [reading.entities.by_name.get(reading.code.own_name(h)) for h in heirs]
                made = [
                    method(reading, manager_of(e, reading, call, frame), call, last, frame)
                    for e in stored
                    if e
                ]
                return either([x for x in made if x is not None]), True
        case None:
            return _free(reading, call, last, frame)
    return None, False


def _goes_on(call: t.Call) -> bool:
    """Whether a step follows another at once: what a name holds has been asked for."""
    return isinstance(call.func, t.Attr) and isinstance(call.func.value, t.Call)


_AGAIN = {"filter", "exclude", "delete", "update", "order_by", "values", "values_list", "annotate", "aggregate",
          "select_related", "prefetch_related", "only", "distinct"}  # fmt: skip
"""Steps that ask again, whatever a prefetch has brought."""


def _before_all(reading: Reading, func: t.Expr, frame: Frame) -> Iterator[Draft]:
    """The manager of `cart.items.all().delete()`, whose objects a prefetch has brought."""
    match func:
        case t.Attr(value=t.Call(func=t.Attr(value=manager, name="all"))):
            yield from (x for x in each(reading.thing(manager, frame)) if isinstance(x, Draft))


def _own(
    reading: Reading, found: Located, call: t.Call, last: str, frame: Frame
) -> Thing | None:  # fmt: skip
    """`self.filter(…)` in a manager or a queryset."""
    served = managed_by(reading, found)
    made: list[Thing] = []
    every: list[Entity | None] = [*served[:20]] or [None]
    for entity in every:
        draft = manager_of(entity, reading, call, frame)
        if entity is None:
            draft = replace(draft, unresolved="it serves whatever model uses it")
        if (done := method(reading, draft, call, last, frame)) is not None:
            made.append(done)
    return either(made)


def _free(reading: Reading, call: t.Call, last: str, frame: Frame) -> Told:
    match call.func:
        case t.Attr(value=t.Call(func=t.Name(id="super"))) if last in ("get_queryset", "get_query_set"):  # fmt: skip
            return inherited(reading, call, frame)
        case t.Attr(value=t.Call(func=t.Name(id="super"))) if last in METHODS:
            if frame.owner is not None and is_manager_class(reading, frame.owner):
                held = frame.find("self")[1]
                if isinstance(held, Draft):
                    return method(reading, held, call, last, frame), True
                return _own(reading, frame.owner, call, last, frame), True
    if call.args and last.endswith(("QuerySet", "Queryset")):
        models = [x for x in each(reading.thing(call.args[0], frame)) if isinstance(x, Class)]
        if models:  # ItemQuerySet(self.model, using=self._db)
            return either([manager_of(x.entity, reading, call, frame) for x in models]), True
    if last == "getattr" and len(call.args) > 1 and reading.has("django"):
        name = reading.text(call.args[1], frame)
        if name in reading.related:  # `getattr(self.policy, "schemes", None)`
            at = t.Attr(call.line, call.column, call.end_line, call.args[0], name)
            found = reading.thing(at, frame) or by_name(reading, at, "all", call, frame)
            return found, found is not None
    if last in ("Q",):
        return of_q(reading, call, frame), True
    if last in _AGGREGATES or last in ("F", "Value", "OuterRef"):
        for arg in call.args:
            reading.thing(arg, frame)
        for keyword in call.keywords:
            reading.thing(keyword.value, frame)
        return None, True
    if last == "Prefetch":
        queryset = argument(call, 1, "queryset")
        return (reading.thing(queryset, frame) if queryset is not None else None), True
    if last in ("Exists", "Subquery"):
        for arg in call.args:
            reading.thing(arg, frame)
        return (Holds() if last == "Exists" else None), True
    if last in ("get_object_or_404", "aget_object_or_404", "get_list_or_404", "aget_list_or_404", "get_object_or_exception"):  # fmt: skip
        call = _by_place(call)
        if call.args and reading.has("django") and not _is_function(reading, call.args[0], frame):
            return _or_404(reading, call, last, frame), True
    owner = call.func.value if isinstance(call.func, t.Attr) else None
    pages = last == "paginate_queryset" and t.dotted(owner) not in ("", "self")
    if (last == "Paginator" or pages) and call.args and reading.has("django"):
        limited = Bound.UNKNOWN
        if pages:
            limited = Bound.LIMITED  # by the paginator's page size
        elif (size := argument(call, 1, "per_page")) is not None:
            limited = reading.bounds.of(size, frame.scope)
        rows: list[Thing] = []
        for thing in each(reading.thing(call.args[0], frame)):
            if isinstance(thing, Draft):
                done = reading.record(executed(thing, bound=limited, limited=limited))
                reading.record(figure(thing))
                rows += [Rows(thing.entity, done)] if thing.entity else []
        return either(rows), True
    if isinstance(call.func, t.Attr) and last == "fetch_related" and reading.has("tortoise"):
        fetched(reading, call, call.func, frame)
        return None, True
    if isinstance(call.func, t.Attr) and any(map(reading.has, _MAPPERS)):
        if (made := of_unknown(reading, call, call.func, last, frame)) is not None:
            return method(reading, made, call, last, frame), True
    return None, False


def _is_function(reading: Reading, expr: t.Expr, frame: Frame) -> bool:
    found = reading.code.defined(expr, frame.scope) if isinstance(expr, t.Name | t.Attr) else None
    return found is not None and isinstance(found.node, t.Function)


def _by_place(call: t.Call) -> t.Call:
    """`get_object_or_404(klass=Item, pk=1)` as `get_object_or_404(Item, pk=1)`."""
    named = [k.value for k in call.keywords if k.name == "klass"]
    if not named or call.args:
        return call
    rest = [k for k in call.keywords if k.name != "klass"]
    return t.Call(call.line, call.column, call.end_line, call.func, named, rest)


def _or_404(reading: Reading, call: t.Call, last: str, frame: Frame) -> Thing | None:
    made: list[Thing] = []
    first = reading.thing(call.args[0], frame)
    things = each(first)
    if not things:
        entity = entity_of(reading.entities, call.args[0], frame.scope)
        things = (manager_of(entity, reading, call, frame),)
    name = "get" if "list" not in last else "filter"
    for thing in things:
        if isinstance(thing, Class):
            thing = manager_of(thing.entity, reading, call, frame)
        if isinstance(thing, Draft) and thing.mapper in _MAPPERS:
            rest = t.Call(call.line, call.column, call.end_line, call.func, call.args[1:], call.keywords)  # fmt: skip
            thing = reading.record(replace(thing, place=reading.place(call, frame), origin=thing))
            if (done := method(reading, thing, rest, name, frame)) is not None:
                made.append(done)
    return either(made)


def method(
    reading: Reading, draft: Draft, call: t.Call, last: str, frame: Frame
) -> Thing | None:  # fmt: skip
    """One step of a queryset."""
    start = replace(draft, manager=False) if draft.manager else draft
    if draft.manager and draft.assumed:
        start = replace(start, place=reading.place(call, frame))
    if last not in METHODS:
        return _custom(reading, draft, call, last, frame)
    if start.mapper == "django":
        path = refusal(reading, start, call, last, frame)
        why = forbidden(start, call, last) or (no_column(path) if path else "")
        reading.refuse(call, why if not path or is_at_once(path, last) else "")
        if why:
            start = reading.record(executed(start, unresolved=why, refused=True))
    if start.mapper == "tortoise":
        of_relation = draft.manager and bool(draft.where)
        why = f"a relation of Tortoise has no {last}()" if of_relation and last not in _OF_RELATIONS else ""  # fmt: skip
        reading.refuse(call, why)
        if why:
            start = reading.record(executed(start, unresolved=why, refused=True))
    if last in _NARROWS:
        return _narrowed(reading, start, call, last, frame)
    given = [reading.thing(a, frame) for a in call.args]
    given += [reading.thing(k.value, frame) for k in call.keywords]
    if last in _FIRST:
        sort = first_of(reading, start, call, last.removeprefix("a"), frame)
        done = reading.record(executed(start, bound=Bound.ONE, sort=sort))
        return Row(start.entity, done) if start.entity and not start.projection else None
    if last in _FIGURES:
        if draft.manager and draft.eager == {"prefetched"} and start.mapper == "django":
            if _FIGURES[last] != "aggregate":
                return None  # of what a prefetch has brought
        if last == "exists" and (call.args or call.keywords):  # of Tortoise: exists(email=email)
            for one in each(_narrowed(reading, start, call, "filter", frame)):
                if isinstance(one, Draft):
                    method(reading, one, _PLAIN, last, frame)
            return None
        reading.record(figure(start, _FIGURES[last]))
        return None
    if last in _INSERTS:
        reading.record(executed(replace(start, where=()), operation="insert", bound=Bound.ONE))
        if start.entity is None or "bulk" in last:
            return None
        of = frozenset(k.name for k in call.keywords if k.name)
        return Row(start.entity, replace(start, where=(), eager=of))  # it has what it was given
    if start.compound and last == "order_by":
        return start  # the order of what several queries bring together
    match last:
        case "union" | "intersection" | "difference":
            return reading.record(executed(start, compound=True))
        case "all" | "get_queryset":
            if (
                "prefetched" in start.eager
                and start.entity is not None
                and start.mapper == "django"
            ):
                return Rows(start.entity, None)  # Tortoise's `all` asks again
            return reading.record(executed(start))
        case "none":
            return None
        case "distinct" if start.mapper == "django":
            return reading.record(executed(start, apart=apart_by(reading, start, call.args, frame)))
        case "order_by":
            sort = () if start.grouped else sort_of(reading, start, call.args, frame)
            why = start.unresolved or untold(reading, start, call.args, frame)
            return reading.record(executed(start, sort=sort, unresolved=why))
        case "limit":
            bound_ = reading.bounds.of(call.args[0], frame.scope) if call.args else Bound.UNKNOWN  # fmt: skip
            return reading.record(executed(start, limited=bound_))
        case "select_related":
            names = [reading.values.text(a, frame.scope) or "*" for a in call.args] or ["*"]
            why = start.unresolved or lacking(reading, start.entity, call.args, frame)
            loaded = start.eager | frozenset(steps(names))
            return reading.record(executed(start, eager=loaded, unresolved=why))
        case "prefetch_related" if start.mapper == "tortoise" and (
            why := lacking(reading, start.entity, call.args, frame)
        ):
            return reading.record(executed(start, unresolved=start.unresolved or why))
        case "prefetch_related" | "fetch_related":
            return _prefetched(reading, start, call, given, frame)
        case "values" | "values_list":
            texts = [reading.values.text(a, frame.scope) for a in call.args]
            names_ = tuple(x or "?" for x in texts) or ("*",)
            made = frozenset(
                k.name for k in call.keywords if k.name
            )  # values(month=TruncMonth("day"))
            return reading.record(
                executed(start, projection=names_, computed=start.computed | made)
            )
        case "annotate" | "alias":
            made = frozenset(k.name for k in call.keywords if k.name)
            made |= frozenset(_default_name(a) for a in call.args)
            made |= ANY if any(k.name is None for k in call.keywords) else frozenset()
            following = executed(start, computed=start.computed | made)
            if start.mapper == "tortoise" and start.sort is None:
                following = replace(following, sort=())  # its model's order is left out then
            if any(map(_aggregates, (*call.args, *(k.value for k in call.keywords)))):
                # of what is joined to each row, unless `values` says by what rows are put together
                rows = not start.projection or {"id", "pk", "*", "?"} & set(start.projection)
                operation = following.operation if rows else "aggregate"
                following = replace(following, operation=operation, grouped=True, sort=())
            return reading.record(following)
        case "extra" | "complex_filter":
            where = Untold("its condition is SQL or an object that is not followed")
            both = (*start.where, where)
            return reading.record(executed(start, where=both, computed=start.computed | ANY))
        case "delete" | "adelete" | "update" | "aupdate":
            reading.record(executed(start, operation=last.lstrip("a"), sort=()))
            return None
        case "bulk_update" | "abulk_update" | "in_bulk" | "ain_bulk" | "contains":
            by = argument(call, 1, "field_name") if "in_bulk" in last else None
            named = reading.values.text(by, frame.scope) if by is not None else "pk"
            key = start.entity.column(named or "pk") if start.entity is not None else None
            where_: Condition = Test(start.table, key.name) if key else Every(())
            reading.record(
                executed(start, where=(*start.where, where_), operation="update" if "update" in last else "select",
                         bound=Bound.LIMITED, sort=())
            )  # fmt: skip
            return None
        case "raw":
            return raw(reading, call, given[0] if given else None, frame)
        case "add" | "aadd" | "set" | "aset" | "remove" | "aremove" | "clear" | "aclear":
            done = executed(start, operation="update", bound=Bound.LIMITED, sort=())
            first = start.where[0] if start.where else None
            if isinstance(first, Test) and first.table != start.table and start.joins:
                both = tuple(Test(link.table, link.column) for link in start.joins)
                found = (first, *both) if last.lstrip("a") in ("dd", "remove") else (first,)
                between = reading.entities.by_table.get(first.table, start.entity)
                done = replace(done, entity=between, where=found, joins=())  # of the table between
            reading.record(done)
            return None
    return reading.record(executed(start))


def _aggregates(expr: t.Expr) -> bool:
    """Whether a figure is one of a group: `Count("items")`, `Coalesce(Sum("price"), 0)`, `Sum("a") / 2`."""
    match expr:
        case t.Call() if last_name(expr) in _AGGREGATES:
            return True
        case t.Call(args=args) if last_name(expr) not in ("Subquery", "Exists", "Window", "RawSQL"):
            return any(map(_aggregates, args))
        case t.BinOp(left=left, right=right):
            return _aggregates(left) or _aggregates(right)
    return False


def _default_name(expr: t.Expr) -> str:
    """`annotate(Count("items"))` names it `items__count`."""
    if isinstance(expr, t.Call) and expr.args:
        inner = expr.args[0]
        if isinstance(inner, t.Const) and isinstance(inner.value, str):
            return f"{inner.value}__{last_name(expr).lower()}".partition("__")[0]
    return ""


def _custom(
    reading: Reading, draft: Draft, call: t.Call, last: str, frame: Frame
) -> Thing | None:  # fmt: skip
    """A method of the tree's own manager or queryset: `Article.objects.published()`."""
    given = [reading.thing(a, frame) for a in call.args]
    named = [reading.thing(k.value, frame) for k in call.keywords]
    found = [
        f for f in reading.code.methods_named(last)
        if isinstance(f.scope.owner, t.Class) and f.scope.parent is not None
        and is_part_of_manager(reading, Located(f.scope.owner, f.scope.parent))
    ]  # fmt: skip
    if len(found) > 1 and draft.entity is not None:
        own = [
            f for f in found
            if draft.entity in managed_by(reading, Located(f.scope.owner, f.scope.parent))  # type: ignore[arg-type]
        ]  # fmt: skip
        found = own or found
    if found:
        node = found[0].node
        assert isinstance(node, t.Function)
        names = [p.name for p in node.params[1:]]
        bindings = {n: v for n, v in zip(names, given, strict=False) if v is not None}
        bindings |= {
            k.name: v for k, v in zip(call.keywords, named, strict=True) if k.name and v is not None
        }
        made = run_for(
            reading, found[0], replace(draft, manager=True, origin=draft), frame, bindings
        )
        if made is not None and _goes_on(call) and not draft.manager:
            reading.dropped[id(draft)] = draft  # it is a part of what the method asks
        return made
    if last in _SUBCLASSES and reading.code.imports("model_utils"):
        return method(reading, draft, call, _SUBCLASSES[last], frame)
    if last in _HELPERS:
        return None
    if last in ("get_by_natural_key", "aget_by_natural_key") and draft.entity is not None:
        if (name := name_of_user(reading.entities, draft.entity)) is not None:
            where = bound(Lookup(name), draft.entity, reading.entities, draft.computed)
            done = executed(draft, where=(*draft.where, where), operation="get", bound=Bound.ONE)
            return Row(draft.entity, reading.record(replace(done, sort=())))
    return reading.record(executed(draft, computed=draft.computed | ANY))


def _narrowed(
    reading: Reading, draft: Draft, call: t.Call, last: str, frame: Frame
) -> Thing | None:
    parts: list[list[Condition]] = [[]]
    for arg in call.args:
        options: list[Condition] = []
        for thing in each(reading.thing(arg, frame))[:6]:
            if isinstance(thing, Holds):
                options.append(thing.condition)
            elif isinstance(thing, Listed):
                options.append(Every(tuple(i.condition for i in thing.items if isinstance(i, Holds))))  # fmt: skip
        if not options:
            call_ = arg.value if isinstance(arg, t.Star) else arg
            plain = isinstance(call_, t.Const)
            options = [NOTHING if plain else UNTOLD]
        parts = [[*way, option] for way in parts for option in options][:12]
    keyed: list[Condition] = []
    for keyword in call.keywords:
        inner = reading.thing(keyword.value, frame)
        if keyword.name is None:
            variants = [of_keys(x) for x in each(inner)[:8]] or [of_keys(None)]
            parts = [[*way, option] for way in parts for option in variants][:12]
        elif keyword.name not in ("defaults", "create_defaults", "using_db"):
            keyed.append(of_lookup(reading, keyword.name, keyword.value, frame))
    made: list[Thing] = []
    for way in parts:
        whole: Condition = Every((*way, *keyed))
        if last == "exclude":
            whole = Opposite(whole)
        told = bound(whole, draft.entity, reading.entities, draft.computed)
        one = last in _ONE
        done = reading.record(
            executed(
                draft, where=(*draft.where, told),
                operation="get" if one else draft.operation, bound=Bound.ONE if one else draft.bound,
                sort=() if one else draft.sort,
            )
        )  # fmt: skip
        if not one:
            made.append(done)
        elif draft.entity is not None and not draft.projection:
            made.append(Row(draft.entity, done))
    return either(made)


def _prefetched(
    reading: Reading, draft: Draft, call: t.Call, given: list[Thing | None], frame: Frame
) -> Draft:
    names: set[str] = set()
    before = len(reading.drafts)
    for arg, queryset in zip(call.args, given, strict=False):
        names |= prefetch(reading, draft, arg, call, frame, queryset)
    brought = [x for x in reading.drafts[before:] if x.operation == "join"]
    done = reading.record(executed(draft, eager=draft.eager | frozenset(steps(sorted(names)))))
    reading.prefetched |= {id(x): done for x in brought}
    return done
