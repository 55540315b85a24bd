"""Models whose columns are calls of field classes and whose options stand in `class Meta`: Tortoise,
Peewee. What differs between them stays in their own modules."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from auditor.extract.python import tree as t
from auditor.link.scopes import Located, Scope
from auditor.stores.sql.entities import Column, Declared, Entities, Entity, Relation


def fields(
    entities: Entities, found: Located, ancestry: list[str]
) -> Iterator[tuple[str, t.Expr, Scope, str]]:
    """(name, value, scope, where it stands) of each assignment in a model and those that it inherits.

    Where is "" for the class body, "own" for its own `Meta`, "base" for an inherited one. Base
    classes come first.
    """
    for name in reversed(ancestry):
        owner = entities.code.definition(name)
        if owner is None or not isinstance(owner.node, t.Class):
            continue
        scope = entities.code.inside(owner)
        for stmt in owner.node.body:
            match stmt:
                case t.Assign(targets=[t.Name(id=attribute)], value=value) if value is not None:
                    yield attribute, value, scope, ""
                case t.Class(name="Meta"):
                    inner = entities.code.inside(Located(stmt, scope))
                    where = "own" if owner.node is found.node else "base"
                    for option in stmt.body:
                        match option:
                            case t.Assign(targets=[t.Name(id=what)], value=value) if value is not None:  # fmt: skip
                                yield what, value, inner, where


def keyed(entity: Entity, kind: str) -> None:
    """Without a primary key of its own, a model gets `id`."""
    if not any(c.primary for c in entity.columns.values()):
        entity.columns["id"] = Column("id", "id", kind, entity.place, primary=True)


def named(entity: Entity, columns: object) -> tuple[tuple[str, int], ...]:
    """The stored names of columns that an index names by their attributes."""
    given = columns if isinstance(columns, list) else []
    return tuple((c.name if (c := entity.column(n)) else n, 1) for n in given if isinstance(n, str))


def refer(entity: Entity, name: str, target: Entity, back: str, many: bool) -> None:
    """An attribute that is a foreign key: the relation both ways, `back` its name on the other side."""
    remote = target.key.name if target.key else "id"
    column = entity.columns[name]
    entity.columns[name] = replace(column, target=f"{target.table}.{remote}")
    entity.relations[name] = Relation(name, target.name, False, column.name, remote)
    target.relations.setdefault(back, Relation(back, entity.name, many, remote, column.name))


def between(
    entities: Entities, entity: Entity, target: Entity, name: str, back: str,
    through: tuple[str, str, str], unique: bool, indexed: bool,
) -> None:  # fmt: skip
    """A relation of many to many over a table that the mapper makes: its name, the column for
    `entity` and that for `target`; `indexed` where each is indexed by itself."""
    table, one, two = through
    entity.relations[name] = Relation(name, target.name, True, "", "", "", through)
    if back:
        other = Relation(back, entity.name, True, "", "", "", (table, two, one))
        target.relations.setdefault(back, other)
    if table in entities.by_table:
        return
    made = Entity(f"through:{table}", entity.mapper, table, entity.place)
    for key, owner in ((one, entity), (two, target)):
        remote = f"{owner.table}.{owner.key.name if owner.key else 'id'}"
        made.columns[key] = Column(key, key, "ForeignKey", entity.place, indexed=indexed, target=remote)  # fmt: skip
    if unique:
        made.declared = [Declared(((one, 1), (two, 1)), entity.place, True, "", "unique")]
    entities.add(made, "")
