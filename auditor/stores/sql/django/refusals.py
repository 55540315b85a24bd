"""What Django refuses before it asks: a query that names a field which the model surely has not.

`filter`, `exclude`, `get`, `order_by`, `values`, `annotate`, `aggregate` and `update` raise `FieldError` when they are called:
what follows in the same block is not reached. `only`, `defer` and `distinct` raise when the query is sent, and so does
`order_by` of what stands behind a relation. Some steps are refused after others, whatever they name: `[:5].filter(…)`,
`distinct("user").aggregate(…)`. `tests/stores/test_refused_querysets.py` holds this against Django itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from auditor.discover import Kind
from auditor.extract.facts import Unread
from auditor.extract.python import tree as t
from auditor.model.data import Bound
from auditor.stores.lookups import LOOKUPS, follow
from auditor.stores.sql.conditions import Draft
from auditor.stores.sql.django.relations import is_told
from auditor.stores.sql.entities import Entity
from auditor.stores.sql.reading.frames import Frame, Reading

_CONDITIONS = {"filter", "exclude", "get", "aget", "update", "aupdate"}
"""What names fields by its keywords."""
_FIGURES = {"annotate", "alias", "aggregate", "aaggregate"}
"""What gives names by its keywords, to what it works out of fields."""
_NAMES = {"order_by", "values", "values_list", "latest", "alatest", "earliest", "aearliest"}
"""What is given the names of fields as texts."""
_WHEN_SENT = {"only", "defer", "distinct"}
"""What is given such names, and refuses them late."""
_AFTER_FIELDS = {"aggregate", "aaggregate", "delete", "adelete"}
_AFTER_VALUES = {"delete", "adelete", "in_bulk", "ain_bulk", "only", "defer", "select_related"}
_AFTER_A_SLICE = {"order_by", "reverse", "distinct", "delete", "adelete", "update", "aupdate", "latest", "alatest", "earliest", "aearliest",
                  "last", "alast", "in_bulk", "ain_bulk"}  # fmt: skip
_AFTER_UNION = {"annotate", "alias", "distinct", "delete", "adelete", "update", "aupdate", "select_related", "prefetch_related",
                "only", "defer", "extra"}  # fmt: skip
_NARROWS = {"filter", "exclude", "get", "aget"}
"""What is refused after a slice, and after `union`, where it is given anything."""
_WORKED_OUT = {"F", "Sum", "Count", "Avg", "Max", "Min", "StdDev", "Variance"}
_OF_OTHERS = {"Subquery", "Exists", "OuterRef", "Prefetch", "FilteredRelation", "RawSQL", "Value", "Window", "KT"}  # fmt: skip
"""What names the fields of another query, or none."""
_REFERRING = ("ForeignKey", "OneToOneField", "ManyToManyField", "ParentalKey", "ParentalManyToManyField", "GenericRelation")  # fmt: skip
_OF_TEXTS = {"contains", "icontains", "iexact", "startswith", "istartswith", "endswith", "iendswith", "regex", "iregex", "range"}  # fmt: skip
"""Lookups that a key to another model has not: it is compared with what it refers to.

Source: https://github.com/django/django/blob/main/django/db/models/fields/related_lookups.py
"""
_NAMING = {"related_name", "related_query_name"}


def refusal(reading: Reading, draft: Draft, call: t.Call, last: str, frame: Frame) -> str:
    """The name for which Django refuses a step of a query; empty where it does not, or that is not certain."""
    if last not in _CONDITIONS | _FIGURES | _NAMES | _WHEN_SENT or draft.entity is None:
        return ""
    if draft.tentative or draft.assumed or draft.unresolved or draft.compound or _is_guessed(draft):
        return ""
    own = {k.name for k in call.keywords if k.name} if last not in _CONDITIONS else set()
    computed = {*draft.computed, *own}
    for path in _named(reading, call, last, frame):
        if {"*", path.partition("__")[0]} & computed:
            continue
        if is_key_as_text(reading, draft.entity, path) or _lacks(reading, draft.entity, path):
            return path
    return ""


def is_at_once(path: str, last: str) -> bool:
    """Whether Django refuses a name when the step is taken."""
    return last not in _WHEN_SENT and (last != "order_by" or "__" not in path)


def forbidden(draft: Draft, call: t.Call, last: str) -> str:
    """Why Django refuses a step after those before it, whatever it names; empty where it does not, or that is not certain.

    Source: https://docs.djangoproject.com/en/stable/ref/models/querysets/, at each of the methods.
    """
    narrows = last in _NARROWS and bool(call.args or call.keywords)
    if draft.apart and last in _AFTER_FIELDS:
        return f"Django refuses {last}() after distinct() of fields"
    if draft.projection and last in _AFTER_VALUES:
        return f"Django refuses {last}() after values()"
    if draft.limited in (Bound.ONE, Bound.LIMITED) and (narrows or last in _AFTER_A_SLICE):
        return f"Django refuses {last}() of a slice"
    if draft.compound and (narrows or last in _AFTER_UNION):
        return f"Django refuses {last}() after union()"
    return ""


def _is_guessed(draft: Draft) -> bool:
    """Whether a query begins with a relation: of which model it is, its name alone may tell."""
    while draft.origin is not None:
        draft = draft.origin
    return bool(draft.where)


def _named(reading: Reading, call: t.Call, last: str, frame: Frame) -> Iterator[str]:
    if last in _CONDITIONS:
        yield from (k.name for k in call.keywords if k.name)
    for arg in (*call.args, *(k.value for k in call.keywords)):
        if last in _NAMES | _WHEN_SENT and isinstance(arg, t.Const) and isinstance(arg.value, str):
            yield arg.value.lstrip("-+")
        yield from _inside(arg)


def _inside(expr: t.Node) -> Iterator[str]:
    """The fields that an expression is worked out of: `F("price") * F("stock")`, `Count("id", filter=Q(open=True))`."""
    match expr:
        case t.Call(func=func, args=args, keywords=keywords):
            word = t.last_word(func)
            if word in _OF_OTHERS or not (isinstance(func, t.Name) or word[:1].isupper()):
                return  # another query, or a function of the tree
            if word in ("Q", "When"):
                yield from (k.name for k in keywords if k.name and k.name not in ("then", "_connector", "_negated"))  # fmt: skip
            match args:
                case [t.Const(value=str(text)), *_] if word in _WORKED_OUT:
                    yield text
            for each in (*args, *(k.value for k in keywords)):
                yield from _inside(each)
        case t.BinOp() | t.Unary():
            for part in t.children(expr):
                yield from _inside(part)


def is_key_as_text(reading: Reading, entity: Entity, path: str) -> bool:
    """Whether a key to another model is compared as only a text can be: `author__icontains`."""
    *above, name, how = ("", *path.split("__"))
    here: Entity | None = entity
    for part in above[1:]:
        relation = here.relations.get(part) if here is not None else None
        here = reading.entities.by_name.get(relation.target) if relation is not None else None
    if here is None or how not in _OF_TEXTS or name not in here.relations:
        return False
    kept = any(column.attribute == name for column in here.columns.values())
    return kept and not any(True for _ in reading.code.method_calls("register_lookup"))


def _lacks(reading: Reading, entity: Entity, path: str) -> bool:
    here = entity
    for position, part in enumerate(path.split("__")):
        if part in ("pk", "*", "?", "", "_order") or (position and part in LOOKUPS):
            return False
        if (relation := here.relations.get(part)) is None:
            return follow(reading.entities, here, part) is None and _is_sure(reading, here, part)
        target = reading.entities.by_name.get(relation.target)
        if (
            target is None
            or len(reading.entities.by_class.get(re.split(r"[:.]", target.name)[-1], ())) != 1
        ):
            return False
        here = target
    return False


def _is_sure(reading: Reading, entity: Entity, name: str) -> bool:
    """Whether nothing that could not be read gives a model this field, or one that refers to it from elsewhere."""
    code, unread = reading.code, (file.kind for file, _ in reading.application.of(Unread))
    if not is_told(reading, entity) or Kind.PYTHON in unread:
        return False
    if any(True for _ in code.method_calls("add_to_class", "contribute_to_class")):
        return False
    assert entity.found is not None
    for above in code.ancestry(entity.found):
        kind = code.definition(above)
        for stmt in getattr(kind.node, "body", ()) if kind is not None else ():
            match stmt:
                case t.Assign(targets=targets) if name in map(t.last_word, targets):
                    return False  # a field of a package that is not known here
        if kind is not None and isinstance(kind.node, t.Class) and kind.node.decorators:
            return False
    return not any(_may_mean(reading, node, name) for node in _namings(reading))


def _namings(reading: Reading) -> Iterator[t.Expr]:
    """What the code calls relations from the other side."""
    for site in reading.code.method_calls(*_REFERRING):
        yield from (k.value for k in site.node.keywords if k.name in _NAMING)
    for assign, _ in reading.code.of_kind(t.Assign):
        if assign.value is not None and t.last_word(assign.targets[0]) == "default_related_name":
            yield assign.value


def _may_mean(reading: Reading, node: t.Expr, name: str) -> bool:
    match node:
        case t.Const(value=str(text)) if "%" in text:  # "%(class)s": of whatever model inherits it
            pattern = text.replace("%(app_label)s", r"\w+")
            kinds = map(str.lower, reading.entities.by_class)
            return any(re.fullmatch(pattern.replace("%(class)s", kind), name) for kind in kinds)
        case t.Const(value=value):
            return value == name
    return True
