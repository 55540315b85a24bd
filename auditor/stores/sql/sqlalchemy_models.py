"""Stored classes and tables of SQLAlchemy 1.4 and 2.0, Flask-SQLAlchemy and SQLModel.

Sources: https://docs.sqlalchemy.org/en/20/orm/declarative_tables.html,
https://docs.sqlalchemy.org/en/20/core/constraints.html,
https://flask-sqlalchemy.readthedocs.io/en/stable/models/ (default table names),
https://sqlmodel.tiangolo.com/tutorial/indexes/.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator

from msgspec.structs import replace

from auditor.extract.python import tree as t
from auditor.link.scopes import Located, Scope, argument
from auditor.link.values import place_of
from auditor.stores.sql.entities import (
    Column,
    Declared,
    Entities,
    Entity,
    Relation,
    last_name,
    reads_entities,
    reads_tables,
    snake,
    truth,
)

_BASE = re.compile(
    r"declarative_base|DeclarativeBase|automap_base|as_declarative|^sqlmodel\.(?:main\.)?SQLModel$"
    r"|SQLAlchemy\(\)\.(?:Model|make_declarative_base)|^(?:flask_sqlalchemy|advanced_alchemy|sqlalchemy_utils|fastapi_users_db_sqlalchemy"
    r"|fastapi_users\.db|flask_appbuilder)\b|\bMappedAsDataclass$|^sqlalchemy\.orm\b"
)
_COLUMNS = {"Column", "mapped_column", "Field", "column_property", "deferred"}
_RELATIONS = {"relationship", "Relationship", "relation", "dynamic_loader", "backref"}
_EAGER = {"joined", "subquery", "selectin", "immediate", "False"}
_LISTS = {"list", "List", "set", "Set", "Sequence", "Collection", "Iterable", "dict", "Dict", "WriteOnlyMapped", "DynamicMapped"}  # fmt: skip
_NOT_COLUMNS = {"ClassVar", "relationship", "hybrid_property", "association_proxy", "PrivateAttr", "synonym"}  # fmt: skip
_PACKAGED = {
    "SQLAlchemyBaseUserTable": (("id", "int", True, False, False), ("email", "String", False, True, True)),
    "SQLAlchemyBaseUserTableUUID": (("id", "GUID", True, False, False), ("email", "String", False, True, True)),
    "SQLAlchemyBaseOAuthAccountTableUUID": (
        ("id", "GUID", True, False, False), ("oauth_name", "String", False, False, True),
        ("account_id", "String", False, False, True), ("account_email", "String", False, False, False)),
    "SQLAlchemyBaseAccessTokenTableUUID": (("token", "String", True, False, False), ("created_at", "TIMESTAMP", False, False, True)),
    "UUIDBase": (("id", "GUID", True, False, False),),
    "UUIDAuditBase": (("id", "GUID", True, False, False), ("created_at", "DateTime", False, False, False), ("updated_at", "DateTime", False, False, False)),
    "BigIntBase": (("id", "BigInteger", True, False, False),),
    "BigIntAuditBase": (("id", "BigInteger", True, False, False), ("created_at", "DateTime", False, False, False), ("updated_at", "DateTime", False, False, False)),
}  # fmt: skip
"""Columns that packages bring: (name, type, primary, unique, indexed)."""


@reads_entities
def declarative(entities: Entities, found: Located, ancestry: list[str]) -> Entity | None:
    """A declarative class with a table of its own, or that shares the one of its base."""
    if not any(_BASE.search(name) for name in ancestry[1:]) and not _names_table(found):
        if not any(last_name(d) in ("as_declarative", "mapped") for d in found.node.decorators):  # type: ignore[attr-defined]
            return None
    return _Reading(entities, found, ancestry).entity()


def _names_table(found: Located) -> bool:
    return any(
        isinstance(stmt, t.Assign)
        and isinstance(stmt.targets[0], t.Name)
        and stmt.targets[0].id in ("__tablename__", "__table__")
        and stmt.value is not None
        for stmt in found.node.body  # type: ignore[attr-defined]
    )


class _Reading:
    """One class, its mixins and bases included."""

    def __init__(self, entities: Entities, found: Located, ancestry: list[str]) -> None:
        assert isinstance(found.node, t.Class)
        self.entities, self.code, self.values = entities, entities.code, entities.values
        self.found, self.ancestry, self.name = found, ancestry, found.node.name
        self.model = any(n.endswith("SQLModel") for n in ancestry)
        self.classes = [
            owner
            for name in ancestry
            if (owner := self.code.definition(name)) is not None and isinstance(owner.node, t.Class)
        ]

    def entity(self) -> Entity | None:
        table = self.table()
        if not table:
            return None
        place = place_of(self.found, self.name)
        entity = Entity(self.ancestry[0], "sqlalchemy", table, place, self.found)
        for name in reversed(self.ancestry):
            for attribute, kind, primary, unique, indexed in _PACKAGED.get(
                name.rpartition(".")[2], ()
            ):
                entity.columns[attribute] = Column(
                    attribute, attribute, kind, place, primary, unique, indexed
                )
        for owner in reversed(self.classes):
            inner = self.code.inside(owner)
            kept = self._kept_apart(owner, table)
            for stmt in owner.node.body:  # type: ignore[attr-defined]
                if not (kept and _is_arguments(stmt)):
                    self.member(entity, stmt, inner)
            if kept:
                entity.columns = {
                    name: each if each.table else replace(each, table=kept)
                    for name, each in entity.columns.items()
                }
        entity.pending.append((1, functools.partial(_resolve, entity=entity)))
        return entity

    def _kept_apart(self, owner: Located, table: str) -> str:
        """The table of a base class that keeps its own columns in it: joined table inheritance.

        https://docs.sqlalchemy.org/en/20/orm/inheritance.html#joined-table-inheritance
        """
        if owner is self.found or self._flag("__abstract__", owner.node):
            return ""
        own = self.found.node.body  # type: ignore[attr-defined]
        if any(isinstance(n, t.Const) and n.value == "concrete" for n in t.walk_own(*own)):
            return ""
        for stmt in owner.node.body:  # type: ignore[attr-defined]
            match stmt:
                case t.Assign(targets=[t.Name(id="__tablename__")], value=value) if value:
                    named = self.values.text(value, self.code.inside(owner)) or ""
                    return named if named != table else ""
        return ""

    # --- names of tables

    def table(self) -> str:
        """Its table's name; empty for mixins, abstract bases and plain schemas."""
        node = self.found.node
        assert isinstance(node, t.Class)
        if self._flag("__abstract__", node):
            return ""
        if self.model:
            marked = next((k.value for k in node.keywords if k.name == "table"), None)
            if not (isinstance(marked, t.Const) and marked.value is True):
                return ""
        for owner in self.classes:
            inner = self.code.inside(owner)
            for stmt in owner.node.body:  # type: ignore[attr-defined]
                match stmt:
                    case t.Assign(targets=[t.Name(id="__tablename__")], value=value) if value:
                        if text := self.values.text(value, inner) or self._spelt(value, inner):
                            return text
                    case t.Assign(targets=[t.Name(id="__table__")], value=value) if value:
                        for source in self.values.sources(value, inner):
                            if isinstance(source.node, t.Call):
                                return (
                                    self.values.text(argument(source.node, 0), source.scope) or ""
                                )
                    case t.Function(name="__tablename__"):
                        scope = self.code.inside(Located(stmt, inner))
                        for each in t.walk_own(*stmt.body):
                            if isinstance(each, t.Return) and each.value is not None:
                                if text := self._spelt(each.value, scope):
                                    return text
            if owner is not self.found and not self._flag("__abstract__", owner.node):
                if self._has_columns(owner) and any("SQLAlchemy" in a for a in self.ancestry):
                    continue
        if self.model:
            return self.name.lower()
        return snake(self.name) if self._has_key() else ""

    def _has_columns(self, owner: Located) -> bool:
        return any(
            isinstance(stmt, t.Assign) and last_name(stmt.value) in ("Column", "mapped_column")
            for stmt in owner.node.body  # type: ignore[attr-defined]
        )

    def _has_key(self) -> bool:
        """Whether a primary key stands in it: what Flask-SQLAlchemy names a table for."""
        return any(
            isinstance(node, t.Call)
            and last_name(node.func) in ("Column", "mapped_column")
            and any(k.name == "primary_key" for k in node.keywords)
            for owner in self.classes
            for stmt in owner.node.body  # type: ignore[attr-defined]
            for node in t.walk_own(stmt)
        )

    @staticmethod
    def _flag(name: str, node: t.Node) -> bool:
        return any(
            isinstance(stmt, t.Assign)
            and isinstance(stmt.targets[0], t.Name)
            and stmt.targets[0].id == name
            and isinstance(stmt.value, t.Const)
            and stmt.value.value is True
            for stmt in node.body  # type: ignore[attr-defined]
        )

    def _spelt(self, expr: t.Expr, scope: Scope, depth: int = 0) -> str:
        """A name made of the class's own: `cls.__name__.lower() + "s"`, `snake(cls.__name__)`."""
        if depth > 6:
            return ""
        match expr:
            case t.Const(value=str(text)):
                return text
            case t.Attr(value=t.Name(id="cls" | "self"), name="__name__"):
                return self.name
            case t.Attr(value=value, name="__name__") if t.dotted(value):
                return self.name
            case t.BinOp(op="+", left=left, right=right):
                one, two = (self._spelt(x, scope, depth + 1) for x in (left, right))
                return one + two if one and two else ""
            case t.Text(parts=parts):
                spelt = [self._spelt(p, scope, depth + 1) for p in parts]
                return "".join(spelt) if all(spelt) else ""
            case t.Call(func=t.Attr(value=value, name="lower")):
                return self._spelt(value, scope, depth + 1).lower()
            case t.Call(func=t.Attr(value=value, name="upper")):
                return self._spelt(value, scope, depth + 1).upper()
            case t.Call(func=func, args=args):
                inner = next((x for a in args if (x := self._spelt(a, scope, depth + 1))), "")
                if inner and "__name__" in _attributes(expr):
                    plural = "plural" in t.dotted(func)
                    return snake(inner) + ("s" if plural else "")
        return self.values.text(expr, scope) or ""

    # --- members

    def member(self, entity: Entity, stmt: t.Stmt, scope: Scope) -> None:
        match stmt:
            case t.Assign(targets=[t.Name(id="__table_args__")], value=value) if value is not None:
                self.arguments(entity, value, scope)
            case t.Assign(targets=[t.Name(id=name)], value=value, annotation=annotation):
                if not name.startswith("__"):
                    self.attribute(entity, name, value, annotation, scope)
            case t.Function(name="__table_args__", body=body):
                inner = self.code.inside(Located(stmt, scope))
                for node in t.walk_own(*body):
                    if isinstance(node, t.Return) and node.value is not None:
                        self.arguments(entity, node.value, inner)
            case t.Function(name=name, decorators=decorators, body=body):
                if any(
                    last_name(d) in ("declared_attr", "cascading", "directive") for d in decorators
                ):
                    inner = self.code.inside(Located(stmt, scope))
                    for node in t.walk_own(*body):
                        if isinstance(node, t.Return) and node.value is not None:
                            self.attribute(entity, name, node.value, None, inner)

    def attribute(
        self, entity: Entity, name: str, value: t.Expr | None, annotation: t.Expr | None, scope: Scope
    ) -> None:  # fmt: skip
        place = place_of(Located(value or annotation or self.found.node, scope), name)
        call = self._made(value, scope)
        if call is not None:
            node, inner = call.node, call.scope
            assert isinstance(node, t.Call)
            kind = last_name(node.func)
            if kind in _RELATIONS:
                entity.relations.pop(name, None)
                entity.pending.append(
                    (2, lambda all_: _relation(all_, entity, name, node, annotation, inner))
                )
                return
            if kind == "Field" and not self.model:
                return
            if kind in _COLUMNS:
                entity.columns[name] = column(self.entities, name, node, annotation, inner, place)
                return
            if not annotation:
                return
        if annotation is None or any(
            word in _NOT_COLUMNS for word in _words(annotation)
        ):  # fmt: skip
            return
        mapped = last_name(annotation) in ("Mapped", "WriteOnlyMapped", "DynamicMapped")
        if mapped and isinstance(annotation, t.Item):
            inside = self._made(annotation.index, scope)
            if inside is not None and last_name(inside.node.func) in _COLUMNS:  # type: ignore[attr-defined]
                entity.columns[name] = column(
                    self.entities, name, inside.node, annotation, inside.scope, place  # type: ignore[arg-type]
                )  # fmt: skip
                return
        if mapped or self.model:
            entity.columns[name] = Column(name, name, _type_of(annotation), place)

    def _made(self, expr: t.Expr | None, scope: Scope) -> Located | None:
        """The call that makes a column, also behind a helper or an annotated type."""
        if isinstance(expr, t.Call):
            last = last_name(expr.func)
            if last in ("column_property", "deferred", "declared_attr") and expr.args:
                return self._made(expr.args[0], scope) or Located(expr, scope)
            if last in _COLUMNS or last in _RELATIONS:
                return Located(expr, scope)
        for source in self.values.sources(expr, scope) if expr is not None else ():
            if isinstance(source.node, t.Call):
                if last_name(source.node.func) in _COLUMNS | _RELATIONS:
                    return source
            if isinstance(source.node, t.Item) and last_name(source.node.value) == "Annotated":
                for node in t.walk_own(source.node.index):
                    if isinstance(node, t.Call) and last_name(node.func) in _COLUMNS:
                        return Located(node, source.scope)
        return None

    def arguments(self, entity: Entity, value: t.Expr, scope: Scope) -> None:
        """`__table_args__`: a tuple, or what is added to the one of a base."""

        def declare(entities: Entities) -> None:
            for node in t.walk_own(value):
                if isinstance(node, t.Call) and last_name(node.func) in _CONSTRAINTS:
                    if made := constraint(entities, entity, node, scope):
                        entity.declared.append(made)

        entity.pending.append((0, declare))


_CONSTRAINTS = {"Index", "UniqueConstraint", "PrimaryKeyConstraint"}


def _is_arguments(stmt: t.Stmt) -> bool:
    match stmt:
        case t.Assign(targets=[t.Name(id="__table_args__")]) | t.Function(name="__table_args__"):
            return True
    return False


def _attributes(expr: t.Expr) -> set[str]:
    return {n.name for n in t.walk_own(expr) if isinstance(n, t.Attr)}


def _words(expr: t.Expr) -> Iterator[str]:
    for node in t.walk_own(expr):
        if isinstance(node, t.Name | t.Attr):
            yield last_name(node)


def _type_of(annotation: t.Expr | None) -> str:
    """`str` of `Mapped[Optional[str]]`, `int | None`."""
    match annotation:
        case t.Item(value=value, index=index):
            if last_name(value) in ("Mapped", "Optional", "Annotated", "Union"):
                first = index.items[0] if isinstance(index, t.Seq) and index.items else index
                return _type_of(first)
            return last_name(value)
        case t.BinOp(left=left):
            return _type_of(left)
        case t.Const(value=str(text)):
            return text.partition("[")[0].partition(" ")[0]
    return last_name(annotation)


def column(
    entities: Entities, name: str, call: t.Call, annotation: t.Expr | None, scope: Scope, place: object
) -> Column:  # fmt: skip
    """`Column("stored", Integer, ForeignKey("users.id"), index=True)`, `Field(index=True)`."""
    stored, kind, target = name, "", ""
    inner = argument(call, None, "sa_column")
    if isinstance(inner, t.Call):
        return column(entities, name, inner, annotation, scope, place)
    args = list(call.args)
    if args and isinstance(args[0], t.Const) and isinstance(args[0].value, str):
        if last_name(call.func) != "Field":
            stored = args[0].value
            args = args[1:]
    args += [k.value for k in call.keywords if k.name in ("type_", "sa_type")]
    for keyword in call.keywords:
        if keyword.name == "name" and last_name(call.func) != "Field":
            stored = entities.values.text(keyword.value, scope) or stored
        if keyword.name == "foreign_key":
            target = entities.values.text(keyword.value, scope) or ""
    for arg in args:
        if last_name(arg) == "ForeignKey" and isinstance(arg, t.Call):
            target = _referred(entities, argument(arg, 0, "column"), scope)
        elif not kind and last_name(arg) not in ("Sequence", "Identity", "CheckConstraint", "Computed", "FetchedValue"):  # fmt: skip
            kind = last_name(arg)
    flags = {
        flag: truth(entities.values, call, scope, flag) or False
        for flag in ("primary_key", "unique", "index")
    }
    return Column(
        name, stored, kind or _type_of(annotation), place,  # type: ignore[arg-type]
        flags["primary_key"], flags["unique"], flags["index"], target,
    )  # fmt: skip


def _referred(entities: Entities, expr: t.Expr | None, scope: Scope) -> str:
    """`"users.id"` of a foreign key, also where it is given as an attribute."""
    if text := entities.values.text(expr, scope):
        return text
    return t.dotted(expr)


def constraint(entities: Entities, entity: Entity, call: t.Call, scope: Scope) -> Declared | None:
    """`Index("name", "a", "b", unique=True)`, `UniqueConstraint("a", "b")`."""
    kind = last_name(call.func)
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
    method = {"": "ordered", "btree": "ordered", "hash": "hash"}.get(using.lower(), "other")
    implied = "unique" if kind == "UniqueConstraint" else ""
    place = place_of(Located(call, scope))
    return Declared(tuple(fields), place, unique, name, implied, method, condition)


def _condition_columns(entity: Entity, expr: t.Expr) -> list[str]:
    names = [entity.columns[w].name for w in _words(expr) if w in entity.columns]
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
        case t.Call(func=t.Attr(value=base, name=name), args=[inner, *_]) if (
            last_name(base) == "func"
        ):
            return f"{name}({_indexed(entities, entity, inner, scope)[0]})", 1
        case t.Attr(name="c") | t.Attr(name="id") | t.Attr() | t.Name():
            word = last_name(arg)
            if (own := entity.columns.get(word)) is not None:
                return own.name, 1
    spelt = entities.values.text(arg, scope)
    if spelt is not None:
        named = entity.columns.get(spelt)
        return (named.name if named else spelt), 1
    return last_name(arg) or "?", 1


# --- tables without a class


@reads_tables
def core_tables(entities: Entities) -> Iterator[tuple[int, Entity]]:
    """`users = Table("users", metadata, Column(…), Index(…))`."""
    for site in entities.code.method_calls("Table"):
        if len(site.node.args) < 2 or not entities.code.name(site.node.func, site.scope).endswith(
            ("sqlalchemy.Table", ".Table", ".schema.Table")
        ):
            continue
        name = entities.values.text(site.node.args[0], site.scope)
        if not name:
            continue
        place = place_of(site)
        entity = Entity(f"table:{place}", "sqlalchemy", name, place, None)
        for arg in site.node.args[2:]:
            inner = arg.value if isinstance(arg, t.Star) else arg
            if isinstance(inner, t.Call) and last_name(inner.func) == "Column" and inner.args:
                made = column(
                    entities, entities.values.text(inner.args[0], site.scope) or "?", inner, None,
                    site.scope, place_of(Located(inner, site.scope)),
                )  # fmt: skip
                entity.columns[made.attribute] = made
        for arg in site.node.args[2:]:
            if isinstance(arg, t.Call) and last_name(arg.func) in _CONSTRAINTS:
                if declared := constraint(entities, entity, arg, site.scope):
                    entity.declared.append(declared)
        entity.pending.append((1, functools.partial(_resolve, entity=entity)))
        yield id(site.node), entity


@reads_tables
def indexes_outside(entities: Entities) -> Iterator[tuple[int, Entity]]:
    """`Index("ix_name", User.name)` at module level, after the class."""
    for site in entities.code.method_calls("Index"):
        if site.scope.owner is not None or len(site.node.args) < 2:
            continue
        for node in t.walk_own(*site.node.args[1:]):
            if isinstance(node, t.Attr):
                owner = node.value
                if isinstance(owner, t.Attr) and owner.name == "c":
                    owner = owner.value
                entity = entities.of(owner, site.scope)
                if entity is not None and entity.mapper == "sqlalchemy":
                    if declared := constraint(entities, entity, site.node, site.scope):
                        entity.declared.append(declared)
                    break
    return iter(())


# --- what classes say of each other


def _resolve(entities: Entities, entity: Entity) -> None:
    """Foreign keys by the stored name of their table."""
    for attribute, each in list(entity.columns.items()):
        if each.target and "." in each.target:
            head, _, last = each.target.rpartition(".")
            table = head.rpartition(".")[2]
            if table not in entities.by_table:
                named = entities.called(table, entity)
                table = named.table if named is not None else table
            entity.columns[attribute] = replace(each, target=f"{table}.{last}")


def _relation(
    entities: Entities, entity: Entity, name: str, call: t.Call, annotation: t.Expr | None, scope: Scope
) -> None:  # fmt: skip
    """`items: Mapped[list["Item"]] = relationship(back_populates="order", lazy="selectin")`."""
    target, many = _target(entities, entity, call, annotation, scope)
    if target is None:
        return
    loading = argument(call, None, "lazy")
    arguments = argument(call, None, "sa_relationship_kwargs")
    if isinstance(arguments, t.Map):
        pairs = zip(arguments.keys, arguments.values, strict=True)
        given = {k.value: v for k, v in pairs if isinstance(k, t.Const)}
        loading = loading or given.get("lazy")
        uselist = given.get("uselist")
    else:
        uselist = argument(call, None, "uselist")
    eager = isinstance(loading, t.Const) and str(loading.value) in _EAGER
    asked = (
        isinstance(loading, t.Const) and str(loading.value) in ("dynamic", "write_only")
    ) or last_name(annotation) in ("WriteOnlyMapped", "DynamicMapped")
    entity.pending.append((3, lambda _: _mark_asked(entity, name, asked)))
    if isinstance(uselist, t.Const) and uselist.value is False:
        many = False
    secondary = argument(call, None, "secondary", "link_model")
    if secondary is not None:
        between = _between(entities, secondary, entity, target, scope)
        if between is not None:
            entity.relations[name] = Relation(name, target.name, True, "", "", eager, between)
        return
    words = _foreign_words(call, arguments if isinstance(arguments, t.Map) else None)
    own = _key_to(entity, target, words)
    back = _key_to(target, entity, words)
    if own is not None and (not many or back is None):
        remote = own.target.rpartition(".")[2] or "id"
        if entity.table == target.table and many:
            entity.relations[name] = Relation(name, target.name, True, remote, own.name, eager)
        else:
            entity.relations[name] = Relation(name, target.name, False, own.name, remote, eager)
    elif back is not None:
        local = back.target.rpartition(".")[2] or "id"
        one = isinstance(uselist, t.Const) and uselist.value is False
        entity.relations[name] = Relation(name, target.name, not one and (many or annotation is None), local, back.name, eager)  # fmt: skip
    _reverse(entities, entity, name, call, target, eager)


def _mark_asked(entity: Entity, name: str, asked: bool) -> None:
    told = entity.relations.get(name)
    if asked and told is not None:
        entity.relations[name] = replace(told, asked=True)


def _reverse(
    entities: Entities, entity: Entity, name: str, call: t.Call, target: Entity, eager: bool
) -> None:  # fmt: skip
    """`backref="posts"` gives the other class an attribute."""
    given = argument(call, None, "backref")
    told = entity.relations.get(name)
    if given is None or told is None:
        return
    lazy, back = False, ""
    match given:
        case t.Const(value=str(text)):
            back = text
        case t.Call(args=[t.Const(value=str(text)), *_]):
            back = text
            loading = argument(given, None, "lazy")
            lazy = isinstance(loading, t.Const) and str(loading.value) in _EAGER
    if back and back not in target.relations:
        target.relations[back] = Relation(
            back, entity.name, not told.many, told.remote, told.local, lazy
        )


def _target(
    entities: Entities, entity: Entity, call: t.Call, annotation: t.Expr | None, scope: Scope
) -> tuple[Entity | None, bool]:  # fmt: skip
    """The class that a relation gives, and whether a list of it by its annotation."""
    many = annotation is None
    given = argument(call, 0, "argument")
    named: Entity | None = None
    if isinstance(given, t.Lambda):
        given = given.body
    if isinstance(given, t.Const) and isinstance(given.value, str):
        named = entities.called(given.value, entity)
    elif given is not None:
        named = entities.of(given, scope)
    if annotation is not None:
        for node in t.walk_own(annotation):
            text = node.value if isinstance(node, t.Const) else None
            words = re.findall(r"\w+", text) if isinstance(text, str) else []
            if isinstance(node, t.Name | t.Attr):
                words = [last_name(node)]
                named = named or entities.of(node, scope)
            for word in words:
                many = many or word in _LISTS
                if named is None and word in entities.by_class:
                    named = entities.called(word, entity)
    return named, many


def _foreign_words(call: t.Call, more: t.Map | None) -> set[str]:
    """The columns that `foreign_keys` and `primaryjoin` name."""
    words: set[str] = set()
    given = [k.value for k in call.keywords if k.name in ("foreign_keys", "primaryjoin")]
    if more is not None:
        given += [
            value
            for key, value in zip(more.keys, more.values, strict=True)
            if isinstance(key, t.Const) and key.value in ("foreign_keys", "primaryjoin")
        ]
    for each in given:
        for node in t.walk_own(each):
            if isinstance(node, t.Attr | t.Name):
                words.add(last_name(node))
            elif isinstance(node, t.Const) and isinstance(node.value, str):
                words |= set(re.findall(r"\w+", node.value))
    return words


def _key_to(entity: Entity, target: Entity, words: set[str]) -> Column | None:
    """The foreign key of one table to another; of several, the one that the relation names."""
    keys = [
        c for c in entity.columns.values() if c.target.rpartition(".")[0].rpartition(".")[2] == target.table
    ]  # fmt: skip
    named = [c for c in keys if c.attribute in words or c.name in words]
    return next(iter(named or keys), None)


def _between(
    entities: Entities, expr: t.Expr, entity: Entity, target: Entity, scope: Scope
) -> tuple[str, str, str] | None:  # fmt: skip
    if isinstance(expr, t.Const) and isinstance(expr.value, str):
        table = entities.by_table.get(expr.value)
    else:
        table = entities.of(expr, scope)
    if table is None:
        return None
    own = _key_to(table, entity, set())
    others = [c for c in table.columns.values() if c is not own]
    other = next((c for c in others if c.target.rpartition(".")[0] == target.table), None)
    if own is None or other is None:
        return None
    return table.table, own.name, other.name
