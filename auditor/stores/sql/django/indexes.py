"""Indexes and constraints that `Meta` declares, and those of migrations.

Source: https://docs.djangoproject.com/en/stable/ref/models/indexes/.
"""

from __future__ import annotations

from auditor.extract.python import tree as t
from auditor.link.scopes import Located, Scope, argument, place_of
from auditor.model.values import Plain
from auditor.stores.lookups import constants
from auditor.stores.sql.django.fields import stored
from auditor.stores.sql.entities import Declared, Entities, Entity, last_name, pattern_class


def declared(entities: Entities, entity: Entity, call: Located, scope: Scope) -> Declared | None:
    """`models.Index(fields=["a", "-b"], condition=Q(…))`, `UniqueConstraint(fields=[…])`."""
    node, values = call.node, entities.values
    assert isinstance(node, t.Call)
    kind = last_name(node.func)
    if not kind.endswith("Index") and kind != "UniqueConstraint":
        return None
    names = getattr(values.value(argument(node, None, "fields"), scope), "value", None)
    fields: list[tuple[str, int]] = []
    for name in names if isinstance(names, list) else ():
        if isinstance(name, str):
            fields.append((stored(entity, name.lstrip("-")), -1 if name.startswith("-") else 1))
    for arg in node.args:  # expressions: Lower("email"), F("x").desc()
        fields.append(_expression(entities, entity, arg, scope))
    if not fields:
        return None
    methods = {"GinIndex": "other", "GistIndex": "other", "BrinIndex": "other", "HashIndex": "hash",
               "BloomIndex": "other", "SpGistIndex": "other", "HnswIndex": "vector", "IvfflatIndex": "vector"}  # fmt: skip
    depends, only = _condition(entities, entity, argument(node, None, "condition"), scope)
    unique = kind == "UniqueConstraint"
    name = values.text(argument(node, None, "name"), scope) or ""
    place = place_of(Located(node, scope), entity.name.rpartition(":")[2])
    return Declared(
        tuple(fields), place, unique, name, "unique" if unique else "", methods.get(kind, "ordered"),
        depends, only, pattern_class(node),
    )  # fmt: skip


def _condition(
    entities: Entities, entity: Entity, condition: t.Expr | None, scope: Scope
) -> tuple[tuple[str, ...], tuple[tuple[str, Plain], ...]]:  # fmt: skip
    """The columns that `condition=Q(status="o")` depends on, and the values that they must have.

    Of alternatives, opposites and ranges, that they are compared is all that is told.
    """
    depends: dict[str, None] = {}
    only: list[tuple[str, Plain]] = []
    for source in entities.values.sources(condition, scope)[:1]:
        nodes = list(t.walk_own(source.node))
        plain = not any(isinstance(n, t.Unary) or (isinstance(n, t.BinOp) and n.op != "&") for n in nodes)  # fmt: skip
        compared: list[tuple[str, t.Expr]] = []
        for call in (n for n in nodes if isinstance(n, t.Call) and last_name(n) == "Q"):
            compared += [(k.name, k.value) for k in call.keywords if k.name]
            for arg in call.args:  # Q(("status", "o")), as migrations write it
                match arg:
                    case t.Seq(items=[t.Const(value=str(path)), value]):
                        compared.append((path, value))
        plain = plain and not any(name in ("_connector", "_negated") for name, _ in compared)
        for path, value in compared:
            name, _, lookup = path.partition("__")
            if name and path not in ("_connector", "_negated"):
                column = stored(entity, name)
                depends[column] = None
                if plain and lookup in ("", "exact", "in", "isnull"):
                    only += [(column, x) for x in constants(entities.values, path, value, source.scope)]  # fmt: skip
    return tuple(depends), tuple(only)


def _expression(
    entities: Entities, entity: Entity, arg: t.Expr, scope: Scope
) -> tuple[str, int]:  # fmt: skip
    match arg:
        case t.Call(func=t.Attr(value=inner, name="desc")):
            return _expression(entities, entity, inner, scope)[0], -1
        case t.Call(func=t.Attr(value=inner, name="asc")):
            return _expression(entities, entity, inner, scope)
        case t.Call(func=func, args=[inner, *_]) if last_name(func) == "F":
            return _expression(entities, entity, inner, scope)
        case t.Call(func=func, args=[inner, *_]) if last_name(func) == "OpClass":
            return _expression(entities, entity, inner, scope)
        case t.Call(func=func, args=[inner, *_]):
            return f"{last_name(func).lower()}({_expression(entities, entity, inner, scope)[0]})", 1
    text = entities.values.text(arg, scope)
    return stored(entity, text) if text else "?", 1
