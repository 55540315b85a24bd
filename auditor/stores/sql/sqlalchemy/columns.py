"""Columns, constraints and indexes as SQLAlchemy and SQLModel declare them.

Sources: https://docs.sqlalchemy.org/en/20/core/constraints.html, https://sqlmodel.tiangolo.com/tutorial/indexes/.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec.structs import replace

from auditor.extract.python import tree as t
from auditor.extract.sql import kind_of_method
from auditor.link.names import Code
from auditor.link.scopes import Located, Scope, argument, place_of
from auditor.stores.flags import first_value, how_many
from auditor.stores.sql.entities import (
    Column,
    Declared,
    Entities,
    Entity,
    last_name,
    pattern_class,
    truth,
)


def kind_of(code: Code, made: t.Expr | None, scope: Scope) -> str:
    """What SQLAlchemy, SQLModel or Peewee calls that which is called, also where it is imported by another name: `Field as F`."""
    func = made.func if isinstance(made, t.Call) else made
    name = code.name(func, scope) if isinstance(func, t.Name) else ""
    return name.rpartition(".")[2] if _OWN.match(name) else last_name(func)


_OWN = re.compile(r"(?:sqlalchemy|sqlmodel|peewee)\.")


def type_of(annotation: t.Expr | None) -> str:
    """`str` of `Mapped[Optional[str]]`, `int | None`."""
    match annotation:
        case t.Item(value=value, index=index):
            if last_name(value) in ("Mapped", "Optional", "Annotated", "Union"):
                first = index.items[0] if isinstance(index, t.Seq) and index.items else index
                return type_of(first)
            return last_name(value)
        case t.BinOp(left=left):
            return type_of(left)
        case t.Const(value=str(text)):
            return text.partition("[")[0].partition(" ")[0]
    return last_name(annotation)


def _of_type(annotation: t.Expr | None) -> t.Expr | None:
    """The class in `Mapped[Status]`, `Optional[Status]`, `Status | None`."""
    match annotation:
        case t.Item(value=value, index=index) if last_name(value) in (
            "Mapped",
            "Optional",
            "Annotated",
        ):
            return _of_type(index.items[0] if isinstance(index, t.Seq) and index.items else index)
        case t.BinOp(left=left):
            return _of_type(left)
        case t.Name() | t.Attr():
            return annotation
    return None


def column(
    entities: Entities, name: str, call: t.Call, annotation: t.Expr | None, scope: Scope, place: object
) -> Column:  # fmt: skip
    """`Column("stored", Integer, ForeignKey("users.id"), index=True)`, `Field(index=True)`."""
    stored, kind, target, choices, spatial = name, "", "", 0, False
    is_field = kind_of(entities.code, call, scope) == "Field"
    inner = argument(call, None, "sa_column")
    if isinstance(inner, t.Call):
        made = column(entities, name, inner, annotation, scope, place)
        return replace(made, first=made.first or first_value(entities.values, call, scope))
    args = list(call.args)
    if args and isinstance(args[0], t.Const) and isinstance(args[0].value, str):
        if not is_field:
            stored = args[0].value
            args = args[1:]
    args += [k.value for k in call.keywords if k.name in ("type_", "sa_type")]
    for keyword in call.keywords:
        if keyword.name == "name" and not is_field:
            stored = entities.values.text(keyword.value, scope) or stored
        if keyword.name == "foreign_key":
            target = entities.values.text(keyword.value, scope) or ""
    for arg in args:
        named = kind_of(entities.code, arg, scope)
        if named == "ForeignKey" and isinstance(arg, t.Call):
            target = _referred(entities, argument(arg, 0, "column"), scope)
        elif not kind and named not in ("Sequence", "Identity", "CheckConstraint", "Computed", "FetchedValue"):  # fmt: skip
            kind = named
            if kind in _SPATIAL:
                spatial = not isinstance(arg, t.Call) or (
                    truth(entities.values, arg, scope, "spatial_index") is not False
                )
            if kind.endswith("Enum") and isinstance(arg, t.Call):
                offered = [a for a in arg.args if not isinstance(a, t.Star)]
                alone = offered[0] if len(offered) == 1 else None
                choices = how_many(entities.values, alone, scope) or len(offered)
    choices = choices or how_many(entities.values, _of_type(annotation), scope)
    flags = {
        flag: truth(entities.values, call, scope, flag) or False
        for flag in ("primary_key", "unique", "index")
    }
    return Column(
        name, stored, kind or type_of(annotation), place,  # type: ignore[arg-type]
        flags["primary_key"], flags["unique"], flags["index"], target, two=0 < choices <= 2,
        choices=choices, spatial=spatial, first=first_value(entities.values, call, scope),
    )  # fmt: skip


_SPATIAL = {"Geometry", "Geography", "Raster"}
"""https://geoalchemy-2.readthedocs.io/en/latest/types.html (`spatial_index`)."""


def _referred(entities: Entities, expr: t.Expr | None, scope: Scope) -> str:
    """`"users.id"` of a foreign key, also where it is given as an attribute."""
    if text := entities.values.text(expr, scope):
        return text
    return t.dotted(expr)


def constraint(entities: Entities, entity: Entity, call: t.Call, scope: Scope) -> Declared | None:
    """`Index("name", "a", "b", unique=True)`, `UniqueConstraint("a", "b")`."""
    kind = kind_of(entities.code, call, scope)
    args = list(call.args)
    name = ""
    if kind == "Index" and args:
        name = entities.values.text(args[0], scope) or ""
        args = args[1:]
    fields: list[tuple[str, int]] = []
    for arg in args:
        fields.append(_indexed(entities, entity, arg, scope))
    if not fields:
        return None
    if kind == "PrimaryKeyConstraint":
        for field, _ in fields:
            for attribute, each in entity.columns.items():
                if each.name == field:
                    entity.columns[attribute] = replace(each, primary=True)
        return None
    unique = kind == "UniqueConstraint" or truth(entities.values, call, scope, "unique") is True
    using = entities.values.text(argument(call, None, "postgresql_using"), scope) or ""
    condition = tuple(
        n
        for k in call.keywords
        if k.name and k.name.endswith("_where")
        for n in _condition_columns(entity, k.value)
    )
    method = kind_of_method(using)
    implied = "unique" if kind == "UniqueConstraint" else ""
    place = place_of(Located(call, scope))
    pattern = pattern_class(call)
    return Declared(tuple(fields), place, unique, name, implied, method, condition, pattern=pattern)


def _condition_columns(entity: Entity, expr: t.Expr) -> list[str]:
    names = [entity.columns[w].name for w in words(expr) if w in entity.columns]
    for node in t.walk_own(expr):
        if isinstance(node, t.Const) and isinstance(node.value, str):
            names += [w for w in re.findall(r"\w+", node.value) if entity.column(w)]
    return list(dict.fromkeys(names))


def _indexed(entities: Entities, entity: Entity, arg: t.Expr, scope: Scope) -> tuple[str, int]:
    """A column of an index; a function of one keeps its spelling: `lower(email)`."""
    match arg:
        case t.Call(func=t.Attr(value=value, name="desc")):
            return _indexed(entities, entity, value, scope)[0], -1
        case t.Call(func=t.Attr(value=value, name="asc" | "nullslast" | "nullsfirst" | "nulls_last" | "nulls_first" | "label")):  # fmt: skip
            return _indexed(entities, entity, value, scope)
        case t.Call(func=t.Name(id="desc"), args=[inner]):
            return _indexed(entities, entity, inner, scope)[0], -1
        case t.Call(func=t.Name(id="text") | t.Attr(name="text"), args=[t.Const(value=str(text))]):
            plain = text.strip().lower()
            found = re.fullmatch(r"(\w+)(?:\s+(asc|desc))?(?:\s+nulls \w+)?", plain)
            if found:
                return found[1], -1 if found[2] == "desc" else 1
            return plain.replace(" ", ""), 1
        case t.Call(func=t.Attr(value=base, name="to_tsvector"), args=args) if (
            last_name(base) == "func"
        ):
            searched = (
                entity.columns[w].name for x in args for w in words(x) if w in entity.columns
            )
            return f"to_tsvector({','.join(dict.fromkeys(searched))})", 1
        case t.Call(func=t.Attr(value=base, name=name), args=[inner, *_]) if (
            last_name(base) == "func"
        ):
            return f"{name}({_indexed(entities, entity, inner, scope)[0]})", 1
        case t.Call(args=[t.Const(value=str(spelt_)), *_]) if last_name(arg) in (
            "Column",
            "column",
        ):
            return (named.name if (named := entity.columns.get(spelt_)) else spelt_), 1
        case t.Attr(name="c") | t.Attr(name="id") | t.Attr() | t.Name():
            word = last_name(arg)
            if (own := entity.columns.get(word)) is not None:
                return own.name, 1
    spelt = entities.values.text(arg, scope)
    if spelt is not None:
        named = entity.columns.get(spelt)
        return (named.name if named else spelt), 1
    return last_name(arg) or "?", 1


def words(expr: t.Expr) -> Iterator[str]:
    for node in t.walk_own(expr):
        if isinstance(node, t.Name | t.Attr):
            yield last_name(node)
