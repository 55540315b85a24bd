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

from auditor.ecosystems.installed import pinned
from auditor.extract.python import tree as t
from auditor.link.scopes import Located, Scope, argument, place_of
from auditor.stores.flags import first_value
from auditor.stores.sql.entities import (
    Column,
    Entities,
    Entity,
    last_name,
    reads_entities,
    reads_tables,
    snake,
)
from auditor.stores.sql.sqlalchemy.columns import column, constraint, kind_of, type_of, words
from auditor.stores.sql.sqlalchemy.relations import relation_of, resolve

_BASE = re.compile(
    r"declarative_base|DeclarativeBase|automap_base|as_declarative|^sqlmodel\.(?:main\.)?SQLModel$"
    r"|SQLAlchemy\(\)\.(?:Model|make_declarative_base)|^(?:flask_sqlalchemy|advanced_alchemy|sqlalchemy_utils|fastapi_users_db_sqlalchemy"
    r"|fastapi_users\.db|flask_appbuilder|litestar\.(?:contrib|plugins)\.sqlalchemy)\b|\bMappedAsDataclass$|^sqlalchemy\.orm\b"
)
_BEGINS = re.compile(r"sqlalchemy\.(?:[\w.]+\.)?DeclarativeBase(?:NoMeta)?$")
"""What the first class of all inherits from, which is never a table itself."""
_FLASK = re.compile(r"SQLAlchemy\(\)\.Model$|^flask_sqlalchemy\b")
_COLUMNS = {"Column", "mapped_column", "Field", "column_property", "deferred"}
_OWN_COLUMNS_FIRST = (2,)
_RELATIONS = {"relationship", "Relationship", "relation", "dynamic_loader", "backref"}
_NOT_COLUMNS = {"ClassVar", "relationship", "hybrid_property", "association_proxy", "PrivateAttr", "synonym"}  # fmt: skip
_PACKAGED = {
    "SQLAlchemyBaseUserTable": (("id", "int", True, False, False), ("email", "String", False, True, True)),
    "SQLAlchemyBaseUserTableUUID": (("id", "GUID", True, False, False), ("email", "String", False, True, True)),
    "SQLAlchemyBaseOAuthAccountTableUUID": (
        ("id", "GUID", True, False, False), ("oauth_name", "String", False, False, True),
        ("account_id", "String", False, False, True), ("account_email", "String", False, False, False)),
    "SQLAlchemyBaseAccessTokenTableUUID": (("token", "String", True, False, False), ("created_at", "TIMESTAMP", False, False, True)),
}  # fmt: skip
"""Columns that packages bring: (name, type, primary, unique, indexed)."""
_AUDITED = (("created_at", "DateTime", False, False, False), ("updated_at", "DateTime", False, False, False))  # fmt: skip
_KEYS = {
    "UUID": "GUID", "UUIDv6": "GUID", "UUIDv7": "GUID", "BigInt": "BigInteger", "Identity": "BigInteger", "NanoID": "String",
}  # fmt: skip
for _name, _type in _KEYS.items():
    _own = (("id", _type, True, False, False),)
    _PACKAGED |= {
        f"{_name}Base": _own,
        f"{_name}PrimaryKey": _own,
        f"{_name}AuditBase": (*_own, *_AUDITED),
    }
"""Source: https://docs.advanced-alchemy.litestar.dev/latest/reference/base.html and `mixins`."""


@reads_entities
def declarative(entities: Entities, found: Located, ancestry: list[str]) -> Entity | None:
    """A declarative class with a table of its own, or that shares the one of its base."""
    if not any(_BASE.search(name) for name in ancestry[1:]) and not _names_table(found):
        bases = [entities.code.definition(name) for name in ancestry[1:]]
        if not _decorated(found, "mapped") and not any(
            _decorated(b, "as_declarative") for b in bases
        ):
            return None
    return _Reading(entities, found, ancestry).entity()


def _decorated(found: Located | None, name: str) -> bool:
    return found is not None and any(
        last_name(d) == name for d in getattr(found.node, "decorators", ())
    )


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
        self.classes += list(self._given())

    def _given(self) -> Iterator[Located]:
        """The class that the base was made of: `declarative_base(cls=Named)`, `SQLAlchemy(model_class=Named)`."""
        for owner in list(self.classes):
            for base in owner.node.bases:  # type: ignore[attr-defined]
                made = base.value if isinstance(base, t.Attr) and base.name == "Model" else base
                for source in self.values.sources(made, owner.scope):
                    given = argument(source.node, None, "cls", "model_class") if isinstance(source.node, t.Call) else None  # fmt: skip
                    found = self.code.defined(given, source.scope) if isinstance(given, t.Name | t.Attr) else None  # fmt: skip
                    if found is not None and isinstance(found.node, t.Class):
                        named = map(self.code.definition, self.code.ancestry(found))
                        yield from (x for x in named if x and isinstance(x.node, t.Class))
                        return

    def entity(self) -> Entity | None:
        table = self.table()
        if not table:
            return None
        place = place_of(self.found, self.name)
        entity = Entity(self.ancestry[0], "sqlalchemy", table, place, self.found)
        for name in reversed(self.ancestry):
            if self.code.definition(name) is not None:
                continue  # the tree's own, called like one of a package
            for attribute, kind, primary, unique, indexed in _PACKAGED.get(
                name.rpartition(".")[2], ()
            ):
                entity.columns[attribute] = Column(
                    attribute, attribute, kind, place, primary, unique, indexed
                )
        arguing = self._arguing()
        for owner in reversed(self.classes):
            inner = self.code.inside(owner)
            kept = self._kept_apart(owner, table)
            above, entity.columns = entity.columns, {}
            for stmt in owner.node.body:  # type: ignore[attr-defined]
                if not _is_arguments(stmt) or (owner in arguing and not kept):
                    self.member(entity, stmt, inner)
            own = entity.columns
            entity.columns = above | own if self._bases_first else own | (above | own)
            if kept:
                entity.columns = {
                    name: each if each.table else replace(each, table=kept)
                    for name, each in entity.columns.items()
                }
        entity.pending.append((0, functools.partial(self.of_table, entity)))
        entity.pending.append((1, functools.partial(resolve, entity=entity)))
        return entity

    @functools.cached_property
    def _bases_first(self) -> bool:
        """Whether a table begins with the columns of mixins and bases, and with them a primary key of several columns.

        https://docs.sqlalchemy.org/en/20/changelog/whatsnew_20.html (a class's own come first since 2.0);
        SQLModel's are fields of pydantic, which begin with the bases'.
        """
        fixed = pinned(self.entities.application).get("sqlalchemy", _OWN_COLUMNS_FIRST)
        return self.model or fixed < _OWN_COLUMNS_FIRST

    def _arguing(self) -> list[Located]:
        """The classes whose `__table_args__` count: the first that has them, and those that it adds to its own."""
        found: list[Located] = []
        for owner in self.classes:
            own = [stmt for stmt in owner.node.body if _is_arguments(stmt)]  # type: ignore[attr-defined]
            if own:
                found.append(owner)
                if not any("__table_args__" in _attributes(node) for node in own):
                    break
        return found

    def of_table(self, entity: Entity, every: Entities) -> None:
        """`__table__ = users`: the columns and indexes of a table that stands by itself."""
        for owner in self.classes:
            for stmt in owner.node.body:  # type: ignore[attr-defined]
                match stmt:
                    case t.Assign(targets=[t.Name(id="__table__")], value=value) if value:
                        for source in self.values.sources(value, self.code.inside(owner)):
                            if (table := every.by_call.get(id(source.node))) is not None:
                                entity.columns = {**table.columns, **entity.columns}
                                entity.declared += table.declared

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
        if self._flag("__abstract__", node) or _is_system(node):
            return ""
        bases = [self.code.name(base, self.found.scope) for base in node.bases]
        if any(_BEGINS.match(base) for base in bases):
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
                    case t.Assign(
                        targets=[t.Name(id="__table__")],
                        value=t.Item(value=t.Attr(name="tables"), index=index),
                    ):  # reflected: what it holds is told by the database alone
                        return self.values.text(index, inner) or ""
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
        return snake(self.name) if self._has_key() or self._has_unseen_key() else ""

    def _has_columns(self, owner: Located) -> bool:
        return any(
            isinstance(stmt, t.Assign)
            and kind_of(self.code, stmt.value, self.code.inside(owner))
            in ("Column", "mapped_column")
            for stmt in owner.node.body  # type: ignore[attr-defined]
        )

    def _has_key(self) -> bool:
        """Whether a primary key stands in it: what Flask-SQLAlchemy and advanced-alchemy name a table for."""
        packaged = (n for n in self.ancestry if n.startswith(("advanced_alchemy.", "litestar.")))
        if any(name.rpartition(".")[2] in _PACKAGED for name in packaged):
            return True
        return any(
            isinstance(node, t.Call)
            and kind_of(self.code, node, self.code.inside(owner)) in ("Column", "mapped_column")
            and any(k.name == "primary_key" for k in node.keywords)
            for owner in self.classes
            for stmt in owner.node.body  # type: ignore[attr-defined]
            for node in (*t.walk_own(stmt), *self._made_by_helper(stmt, owner))
        )

    def _made_by_helper(self, stmt: t.Stmt, owner: Located) -> Iterator[t.Node]:
        """What `id = key_column()` brings, where a function of the tree makes the column."""
        if isinstance(stmt, t.Assign) and isinstance(stmt.value, t.Call):
            made = self._made(stmt.value, self.code.inside(owner))
            if made is not None:
                yield made.node

    def _has_unseen_key(self) -> bool:
        """Whether the key comes from elsewhere: Flask-SQLAlchemy takes no class with columns that has none."""
        return (
            any(_FLASK.search(name) for name in self.ancestry)
            and self._has_columns(self.found)
            and not self.entities.heirs(self.ancestry[0])
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
                named = [a for a in args if "__name__" in _attributes(a)]
                inner = next((x for a in named if (x := self._spelt(a, scope, depth + 1))), "")
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
        held = annotation.value if isinstance(annotation, t.Item) else annotation
        mapped = kind_of(self.code, held, scope) in ("Mapped", "WriteOnlyMapped", "DynamicMapped")
        within = annotation.index if mapped and isinstance(annotation, t.Item) else annotation
        call = self._made(value, scope)
        if call is not None:
            node, inner = call.node, call.scope
            assert isinstance(node, t.Call)
            kind = kind_of(self.code, node, inner)
            if kind in _RELATIONS:
                entity.relations.pop(name, None)
                entity.pending.append(
                    (2, lambda all_: relation_of(all_, entity, name, node, annotation, inner))
                )
                return
            if kind == "Field" and not self.model:
                return
            if kind in _COLUMNS:
                entity.columns[name] = column(self.entities, name, node, within, inner, place)
                return
            if not annotation:
                return
        if annotation is None or any(
            word in _NOT_COLUMNS for word in words(annotation)
        ):  # fmt: skip
            return
        if within is not None and (mapped or self.model):
            inside = self._made(within, _spoken_in(within, scope))
            if inside is not None and kind_of(self.code, inside.node, inside.scope) in _COLUMNS:  # type: ignore[arg-type]
                entity.columns[name] = column(
                    self.entities, name, inside.node, within, inside.scope, place  # type: ignore[arg-type]
                )  # fmt: skip
                return
        if mapped or self.model:
            first = first_value(self.values, value, scope) if self.model else ()
            entity.columns[name] = Column(name, name, type_of(within), place, first=first)

    def _made(self, expr: t.Expr | None, scope: Scope) -> Located | None:
        """The call that makes a column, also behind a helper or an annotated type."""
        if isinstance(expr, t.Call):
            last = kind_of(self.code, expr, scope)
            if last in ("column_property", "deferred", "declared_attr") and expr.args:
                return self._made(expr.args[0], scope) or Located(expr, scope)
            if last in _COLUMNS or last in _RELATIONS:
                return Located(expr, scope)
        found = self.values.sources(expr, scope) if expr is not None else []
        if isinstance(expr, t.Item):
            found = [Located(expr, scope), *found]
        for source in found:
            if isinstance(source.node, t.Call):
                if kind_of(self.code, source.node, source.scope) in _COLUMNS | _RELATIONS:
                    return source
            if isinstance(source.node, t.Item) and last_name(source.node.value) == "Annotated":
                for node in t.walk_own(source.node.index):
                    if (
                        isinstance(node, t.Call)
                        and kind_of(self.code, node, source.scope) in _COLUMNS
                    ):
                        return Located(node, source.scope)
        return None

    def arguments(self, entity: Entity, value: t.Expr, scope: Scope) -> None:
        """`__table_args__`: a tuple, or what is added to the one of a base."""

        def declare(entities: Entities) -> None:
            for node in t.walk_own(value):
                if isinstance(node, t.Call) and kind_of(self.code, node, scope) in _CONSTRAINTS:
                    if made := constraint(entities, entity, node, scope):
                        entity.declared.append(made)

        entity.pending.append((0, declare))


_CONSTRAINTS = {"Index", "UniqueConstraint", "PrimaryKeyConstraint"}


_SYSTEM = {"information_schema", "pg_catalog", "performance_schema", "mysql", "sys"}


def _spoken_in(annotation: t.Expr, scope: Scope) -> Scope:
    """Where the name of an annotation is looked for: not in the class, if that binds it further down alone."""
    if isinstance(annotation, t.Name) and scope.parent is not None:
        bound = [binding.node.line for binding in scope.bindings.get(annotation.id, ())]
        if bound and min(bound) > annotation.line:
            return scope.parent
    return scope


def _is_system(node: t.Class) -> bool:
    """A view of the database's own: `__table_args__ = {"schema": "information_schema"}`."""
    return any(
        isinstance(n, t.Const) and n.value in _SYSTEM
        for stmt in node.body
        if _is_arguments(stmt)
        for n in t.walk_own(stmt)
    )


def _is_arguments(stmt: t.Stmt) -> bool:
    match stmt:
        case t.Assign(targets=[t.Name(id="__table_args__")]) | t.Function(name="__table_args__"):
            return True
    return False


def _attributes(expr: t.Node) -> set[str]:
    return {n.name for n in t.walk_own(expr) if isinstance(n, t.Attr)}


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
        for arg in site.node.args[1:]:  # Flask-SQLAlchemy's own takes no metadata
            inner = arg.value if isinstance(arg, t.Star) else arg
            if (
                isinstance(inner, t.Call)
                and kind_of(entities.code, inner, site.scope) == "Column"
                and inner.args
            ):
                made = column(
                    entities, entities.values.text(inner.args[0], site.scope) or "?", inner, None,
                    site.scope, place_of(Located(inner, site.scope)),
                )  # fmt: skip
                entity.columns[made.attribute] = made
        for arg in site.node.args[1:]:
            if isinstance(arg, t.Call) and kind_of(entities.code, arg, site.scope) in _CONSTRAINTS:
                if declared := constraint(entities, entity, arg, site.scope):
                    entity.declared.append(declared)
        entity.pending.append((1, functools.partial(resolve, entity=entity)))
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
