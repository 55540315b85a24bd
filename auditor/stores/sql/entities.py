"""Classes and tables that object mappers store: what they are called in the database, their columns,
the indexes that they declare, and how they refer to each other.

Every mapper's own way to say so is read in the `models` of its folder; everything else asks `Entities`.
"""

from __future__ import annotations

import functools
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import msgspec

from auditor.extract.python import tree as t
from auditor.link.application import Application, provides
from auditor.link.names import Code
from auditor.link.reach import named_by
from auditor.link.scopes import Located, Scope
from auditor.link.values import Evaluator
from auditor.model.places import Place
from auditor.model.values import Plain
from auditor.stores.waiting.once import runs_once

_KEYED = ("django", "tortoise", "peewee")
"""Mappers that name the key behind a relation `x` itself, `x_id`, whatever it is called in the table."""


class Column(msgspec.Struct, frozen=True):
    """`attribute` is its name in the code, `name` in the table, `type` the type's last name.

    `target` names the table or class that it refers to, as the code spells it. `table` is that of
    a base class with a table of its own, which keeps it (joined table inheritance), else empty.
    `two` when it can hold one of two values only, as a boolean does; `choices` is how many its declaration
    allows, 0 where that cannot be told.
    """

    attribute: str
    name: str
    type: str
    place: Place
    primary: bool = False
    unique: bool = False
    indexed: bool = False
    target: str = ""
    table: str = ""
    two: bool = False
    choices: int = 0
    spatial: bool = False
    """Whether it gets an index of places by itself, as GeoAlchemy's and GeoDjango's types do."""
    listed: bool = False
    """Whether its declaration lists the values that it may have."""
    first: tuple[Plain, ...] = ()
    """The constant that a new record is given, where its declaration says so."""
    ends: tuple[Plain, ...] = ()
    """Of the values that its declaration lists, those that are called as what a record ends in."""
    made: bool = False
    """Whether it is the time at which a record is made."""


class Relation(msgspec.Struct, frozen=True):
    """An attribute that gives other stored objects: they are those whose `remote` equals `local`.

    `many` when a list; `eager` how they are loaded with their owner, if they are, at most `depth` relations
    away from what is asked for where that is given; `asked` when reading the
    attribute loads nothing before a query is made of it. `through` is the table
    between, with its columns for the owner and the target. `kind` is the column of the target that
    says of which model its owner is, where it can be of several.
    """

    attribute: str
    target: str
    many: bool
    local: str
    remote: str
    eager: str = ""
    through: tuple[str, str, str] | None = None
    asked: bool = False
    kind: str = ""
    depth: int = 0
    at_delete: str = ""
    """What a session that deletes the owner does with them: it loads them to let them go, also deletes "each", or has
    them "left" to the database."""
    unread: str = ""
    """Why reading the attribute asks nothing: it gives nothing by "noload", or ends with an error by "raise"."""


class Declared(msgspec.Struct, frozen=True):
    """An index or constraint as the code declares it; `columns` are stored names, or expressions."""

    columns: tuple[tuple[str, int], ...]
    place: Place
    unique: bool = False
    name: str = ""
    implied: str = ""
    kind: str = "ordered"
    condition: tuple[str, ...] = ()
    only: tuple[tuple[str, Plain], ...] = ()
    pattern: bool = False
    """Whether an operator class of PostgreSQL makes it find what begins with a text."""


@dataclass(eq=False)
class Entity:
    """A class or table object that is stored in one table. `mapper` is the library's name."""

    name: str
    mapper: str
    table: str
    place: Place
    found: Located | None = None
    columns: dict[str, Column] = field(default_factory=dict)
    relations: dict[str, Relation] = field(default_factory=dict)
    declared: list[Declared] = field(default_factory=list)
    ordering: tuple[tuple[str, int], ...] = ()
    latest: tuple[tuple[str, int], ...] = ()
    """What its latest record is told by, where a query does not say."""
    managed: bool = True
    """Whether this tree creates its table."""
    pending: list[tuple[int, Callable[[Entities], None]]] = field(default_factory=list)
    """What is left to be told when all classes are known: keys and indexes first, then relations."""

    def column(self, attribute: str) -> Column | None:
        """The column of an attribute; `pk` is the primary key, `x_id` the key behind `x`."""
        if attribute == "pk":
            return self.key
        if (own := self.columns.get(attribute)) is not None:
            return own
        if self.mapper in _KEYED:
            behind = self.columns.get(attribute.removesuffix("_id"))
            if behind is not None and behind.target:
                return behind
        stored = next((c for c in self.columns.values() if c.name == attribute), None)
        return None if stored is not None and self.computes(attribute) else stored

    def has(self, attribute: str) -> bool | None:
        """Whether its objects have an attribute; None where a class of a package may give it."""
        if self.column(attribute) is not None or attribute in self.relations:
            return True
        return False if self.found is not None and self.mapper == "sqlalchemy" else None

    def computes(self, attribute: str) -> bool:
        """Whether comparing an attribute is the class's own affair: a hybrid with a comparator."""
        if self.found is None or self.mapper != "sqlalchemy":
            return False
        return any(
            re.fullmatch(rf"{attribute}\.(?:inplace\.)?(?:comparator|expression)", t.dotted(d))
            for method in self.found.node.body  # type: ignore[attr-defined]
            if isinstance(method, t.Function)
            for d in method.decorators
        )

    @property
    def key(self) -> Column | None:
        """The primary key, where it is a single column."""
        keys = [c for c in self.stored() if c.primary]
        return keys[0] if len(keys) == 1 else None

    def stored(self) -> list[Column]:
        """The columns of its own table."""
        return [c for c in self.columns.values() if c.table in ("", self.table)]

    def indexes(self) -> Iterator[Declared]:
        """What it declares, with what its columns bring."""
        keys = tuple((c.name, 1) for c in self.stored() if c.primary)
        if keys:
            yield Declared(keys, self.place, True, "", "primary key")
        for column in self.stored():
            only = ((column.name, 1),)
            if column.spatial:
                yield Declared(only, column.place, False, "", "spatial type", "other")
            elif column.unique and (not column.primary or len(keys) > 1):
                yield Declared(only, column.place, True, "", "unique")
            elif column.indexed and (not column.primary or len(keys) > 1):
                implied = "foreign key" if column.target else ""
                yield Declared(only, column.place, False, "", implied)
        yield from self.declared


Reader = Callable[["Entities", Located, list[str]], Entity | None]
"""(entities, class, its ancestry) -> the entity, or None when the class is not of this mapper."""

_READERS: list[Reader] = []
_TABLES: list[Callable[[Entities], Iterable[tuple[int, Entity]]]] = []


def reads_entities(reader: Reader) -> Reader:
    """Register how a mapper describes stored classes."""
    _READERS.append(reader)
    return reader


def reads_tables(
    reader: Callable[[Entities], Iterable[tuple[int, Entity]]],
) -> Callable[[Entities], Iterable[tuple[int, Entity]]]:
    """Register how a library describes tables without a class: (`id` of the call, entity)."""
    _TABLES.append(reader)
    return reader


@dataclass
class Entities:
    """Every stored class and table of the tree."""

    application: Application

    def __post_init__(self) -> None:
        self.values: Evaluator = self.application.values
        self.code: Code = self.values.code
        self.by_name: dict[str, Entity] = {}
        self.by_call: dict[int, Entity] = {}
        self.by_class: dict[str, list[Entity]] = defaultdict(list)
        self.by_table: dict[str, Entity] = {}
        self._heirs: dict[str, list[Located]] | None = None
        for found in self.code.classes():
            assert isinstance(found.node, t.Class)
            if not found.node.bases and not any(t.dotted(d) for d in found.node.decorators):
                continue
            if runs_once(found.scope.module):
                continue  # it says what a table once was
            ancestry = self.code.ancestry(found)
            for reader in _READERS:
                if entity := reader(self, found, ancestry):
                    self.add(entity, found.node.name)
                    break
        for entity in self._declared_again():
            del self.by_name[entity.name]
            self.by_class[_class(entity)].remove(entity)
            if self.by_table.get(entity.table) is entity:
                others = (e for e in self if e.table == entity.table)
                self.by_table[entity.table] = next(others)
        past = {m.path for m in self.code.modules.values() if runs_once(m)}
        for tables in _TABLES:
            for key, entity in tables(self):
                if entity.place.path not in past:
                    self.by_call[key] = entity
                    self.add(entity, "")
        for order in range(4):
            for entity in list(self.by_name.values()):
                for when, step in list(entity.pending):
                    if when == order:
                        step(self)

    def add(self, entity: Entity, class_name: str) -> None:
        self.by_name[entity.name] = entity
        if class_name:
            self.by_class[class_name].append(entity)
        if entity.table:
            self.by_table.setdefault(entity.table, entity)

    def _declared_again(self) -> list[Entity]:
        """The models of Django in modules that nothing imports, where another of the same application and name is in use.

        Django refuses to start with both: https://docs.djangoproject.com/en/stable/ref/applications/#django.apps.AppConfig.get_model.
        """
        alike: dict[tuple[str, str], list[Entity]] = defaultdict(list)
        for entity in self:
            if entity.mapper == "django" and entity.table and entity.found is not None:
                alike[entity.table, _class(entity)].append(entity)
        groups = [found for found in alike.values() if len(found) > 1]
        imports = self.code.of_kind(t.Import) if groups else ()
        named = {
            module.path
            for node, scope in imports
            for module in named_by(self.code, node, scope)
            if module is not scope.module
        }
        used = [{e.name for e in found if e.place.path in named or _loads_models(e.place.path)} for found in groups]  # fmt: skip
        return [e for found, kept in zip(groups, used, strict=True) if kept for e in found if e.name not in kept]  # fmt: skip

    def __iter__(self) -> Iterator[Entity]:
        return iter(self.by_name.values())

    def between(self) -> set[str]:
        """The tables between two others, to which a relation of theirs adds: `post.tags.append(tag)`."""
        return {r.through[0] for e in self for r in e.relations.values() if r.through is not None}

    def of(self, expr: t.Expr, scope: Scope) -> Entity | None:
        """The entity that an expression names: a class, or a variable that holds a table."""
        if not isinstance(expr, t.Name | t.Attr):
            return None
        name = self.code.name(expr, _around(expr, scope))
        if (found := self.by_name.get(name)) is not None:
            return found
        if name.endswith(("Table()", ".__table__")):
            if name.endswith(".__table__"):
                return self.by_name.get(name.removesuffix(".__table__"))
            for source in self.values.sources(expr, scope):
                if found := self.by_call.get(id(source.node)):
                    return found
        if name.endswith(".c") and isinstance(expr, t.Attr):
            return self.of(expr.value, scope)
        return self._below(name)

    def _below(self, name: str) -> Entity | None:
        """`models.User` of a package that gathers the classes of its modules when it is imported."""
        package, _, last = name.rpartition(".")
        found = self.by_class.get(last, ()) if package and ":" not in name else ()
        folder = f"/{package.replace('.', '/')}/"
        inside = [e for e in found if folder in f"/{e.place.path}"]
        return inside[0] if len(inside) == 1 else None

    def instance(self, name: str) -> Entity | None:
        """The entity that a canonical name is an instance of."""
        return self.by_name.get(name[:-2]) if name.endswith("()") else None

    def called(self, name: str, near: Entity) -> Entity | None:
        """The entity of a class name as a text, `"User"`, `"accounts.User"`, closest to `near`."""
        last = name.rpartition(".")[2]
        kinds = self.by_class.get(last, ())
        if not kinds and near.mapper == "django":  # which asks for the name without its case
            kinds = self._by_lower.get(last.lower(), ())
        found = [e for e in kinds if e.mapper == near.mapper]
        label = name.rpartition(".")[0].rpartition(".")[2].lower()
        if len(found) > 1 and label:
            exact = [e for e in found if e.table.startswith(f"{label}_")]
            found = exact or found
        if len(found) > 1:
            found.sort(key=lambda e: -_shared(e.place.path, near.place.path))
        return found[0] if found else None

    @property
    def _by_lower(self) -> dict[str, list[Entity]]:
        return {name.lower(): every for name, every in self.by_class.items() if every}

    @functools.cached_property
    def kept(self) -> frozenset[str]:
        """The names of variables that hold tables without a class."""
        return frozenset(
            last_name(target)
            for assign, _ in self.code.of_kind(t.Assign)
            if id(assign.value) in self.by_call
            for target in assign.targets
        )

    def heirs(self, name: str) -> list[Located]:
        """The classes of the tree that inherit from a class, at any distance."""
        if self._heirs is None:
            self._heirs = defaultdict(list)
            for found in self.code.classes():
                for ancestor in self.code.ancestry(found)[1:]:
                    self._heirs[ancestor].append(found)
        return self._heirs.get(name, [])


def _class(entity: Entity) -> str:
    return entity.found.node.name if entity.found is not None else ""  # type: ignore[attr-defined]


def _loads_models(path: str) -> bool:
    """Whether Django loads a module of an application by its name."""
    return f"/{path}".endswith(("/models.py", "/models/__init__.py"))


def _around(expr: t.Expr, scope: Scope) -> Scope:
    """Where a name is looked up: in `Category = ForeignKey(Category)` the class has none of this name yet."""
    if not isinstance(expr, t.Name) or not isinstance(scope.owner, t.Class) or scope.parent is None:
        return scope
    bound = scope.bindings.get(expr.id, ())
    own = (b.value is not None and any(n is expr for n in t.walk(b.value)) for b in bound)
    return scope.parent if bound and all(own) else scope


def _shared(path: str, other: str) -> int:
    count = 0
    for one, two in zip(path.split("/"), other.split("/"), strict=False):
        if one != two:
            break
        count += 1
    return count


def snake(name: str) -> str:
    """`OrderItem` -> `order_item`, as Flask-SQLAlchemy and Peewee name tables, and ODMantic collections."""
    return re.sub(r"((?<=[a-z0-9])[A-Z]|(?!^)[A-Z](?=[a-z]))", r"_\1", name).lower()


def truth(values: Evaluator, call: t.Call, scope: Scope, *names: str) -> bool | None:
    """The value of a keyword that is True or False; None where it is not given or not known."""
    for keyword in call.keywords:
        if keyword.name in names:
            match keyword.value:
                case t.Const(value=bool(value)):
                    return value
            found = values.value(keyword.value, scope)
            return bool(getattr(found, "value", None)) if hasattr(found, "value") else None
    return None


def last_name(expr: t.Expr | None) -> str:
    match expr:
        case t.Name(id=name) | t.Attr(name=name):
            return name
        case t.Call(func=func):
            return last_name(func)
        case t.Item(value=value):
            return last_name(value)
    return ""


@provides(Entities)
def entities(application: Application) -> list[Entities]:
    return [Entities(application)]


def pattern_class(call: t.Call) -> bool:
    """`postgresql_ops={"name": "text_pattern_ops"}`, `opclasses=["varchar_pattern_ops"]`."""
    given = (k.value for k in call.keywords if k.name in ("postgresql_ops", "opclasses"))
    texts = (node.value for value in given for node in t.walk(value) if isinstance(node, t.Const))
    return any(isinstance(text, str) and "pattern_ops" in text for text in texts)
