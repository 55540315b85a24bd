"""Tables and indexes of SQL stores: what the code declares, and what creates it.

A table's indexes come with the table. Where the project keeps migrations, only what these create
exists: an index that a model declares and no migration creates is in no database. PostgreSQL and
SQLite give a foreign key no index; MySQL does
(https://dev.mysql.com/doc/refman/8.4/en/create-table-foreign-keys.html), and so does Django.
"""

from __future__ import annotations

import dataclasses
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from auditor.link.application import Application, provides
from auditor.model.data import Index, Table
from auditor.stores.sql.dialects import dialect
from auditor.stores.sql.entities import Declared, Entities, Entity, truth
from auditor.stores.sql.migrations import History, State
from auditor.stores.sql.tortoise.registered import Registered


@provides(Table)
def tables(application: Application) -> Iterator[Table]:
    """Every table that a class, a table object or a schema's text declares."""
    (entities,) = application.facts(Entities)
    (history,) = application.facts(History)
    kind = dialect(application)
    seen: set[str] = set()
    for entity in entities:
        if entity.found is None and not entity.columns:
            continue
        if entity.managed and entity.table not in seen:
            seen.add(entity.table)
            stored = entity.stored()
            columns = tuple((c.name, c.type) for c in stored)
            named = tuple((c.name, c.attribute) for c in stored if c.attribute != c.name)
            library = _library(application, entity)
            yield Table("sql", entity.table, columns, entity.place, kind, library, named)
    for name, state in history.tables.items():
        if name and name not in seen:
            library = "Alembic" if state.migrated and state.place.path.endswith(".py") else ""
            yield Table("sql", name, tuple(state.columns.items()), state.place, kind, library)


_OF_AERICH = re.compile(r"(?:^|/)\d+_\d{14}_[^/]*$")
_LIBRARIES = {"sqlalchemy": "SQLAlchemy", "django": "Django", "tortoise": "Tortoise", "peewee": "Peewee"}  # fmt: skip


def _library(application: Application, entity: Entity) -> str:
    """What declares a table, where the tree holds the declaration: a package's is not ours to change."""
    if entity.found is None:
        return "SQLAlchemy Core" if entity.mapper == "sqlalchemy" else ""
    names = application.code.ancestry(entity.found)
    if any(name.startswith("sqlmodel.") for name in names):
        return "SQLModel"
    return _LIBRARIES.get(entity.mapper, "")


_ROWID = {
    "int",
    "integer",
    "autofield",
    "bigautofield",
    "smallautofield",
    "intfield",
    "bigintfield",
}


@provides(Index)
def indexes(application: Application) -> Iterator[Index]:
    """Every index, with the key that MySQL and SQLite keep behind its columns.

    In SQLite that is a key of whole numbers, which its tables are kept by. Sources:
    https://dev.mysql.com/doc/refman/8.4/en/innodb-index-types.html, https://www.sqlite.org/rowidtable.html.
    """
    kind = dialect(application)
    made = list(_indexes(application, kind))
    if kind == "postgresql":
        (entities,) = application.facts(Entities)
        yield from (replace(i, by_prefix=i.by_prefix or _is_doubled(i, entities)) for i in made)
        return
    made = [replace(index, by_prefix=True) for index in made]
    if kind not in ("mysql", "sqlite"):
        yield from made
        return
    keys = {i.collection: i.fields for i in made if i.implied == "primary key" and i.run}
    types = {table.name: dict(table.columns) for table in application.facts(Table)}
    for index in made:
        key = keys.get(index.collection, ())
        told = types.get(index.collection, {})
        kept = kind == "mysql" or (len(key) == 1 and told.get(key[0][0], "").lower() in _ROWID)
        behind = tuple(x for x in key if x not in index.fields)
        ordered = index.kind == "ordered" and index.implied != "primary key"
        yield replace(index, behind=behind) if kept and ordered and behind else index


def _is_doubled(index: Index, entities: Entities) -> bool:
    """Whether Django makes a second index beside it that finds what a text begins with.

    Source: https://docs.djangoproject.com/en/stable/ref/databases/#indexes-for-varchar-and-text-columns.
    """
    entity = entities.by_table.get(index.collection)
    if entity is None or entity.mapper != "django" or len(index.fields) != 1:
        return False
    column = entity.column(index.fields[0][0])
    return column is not None and (column.indexed or column.unique or column.primary)


def _indexes(application: Application, kind: str) -> Iterator[Index]:
    (entities,) = application.facts(Entities)
    (history,) = application.facts(History)
    generated = _generates(application)
    sharing: dict[str, list[Entity]] = defaultdict(list)
    for entity in entities:
        if entity.table:
            sharing[entity.table].append(entity)
    (registered,) = application.facts(Registered)
    for table, every in sharing.items():
        found = [e for e in every if len(every) == 1 or not registered.lacks(e)]
        first, *others = found or every
        state = history.tables.get(table)
        if (
            state is not None
            and first.mapper == "tortoise"
            and (generated or _is_apart(application, state))
        ):
            state = dataclasses.replace(state, migrated=False)
        heirs = [e for e in others if _is_heir(application, e, first)]
        yield from _of_entity(first, heirs, state, kind)
        for other in others:  # another service has a table of that name
            if (
                other.found is not None
                and other not in heirs
                and not _is_heir(application, first, other)
            ):
                yield from _of_entity(other, [], state, kind)
    for name, state in history.tables.items():
        if name not in sharing:
            for made in state.made():
                yield _index(name, made.declared, made.source, made.run)
            if kind == "mysql":
                yield from _of_keys(name, state, [each.declared for each in state.made()])


def _generates(application: Application) -> bool:
    """Whether Tortoise creates what its models declare at every start, whatever migrations there are.

    Source: https://tortoise.github.io/contrib/fastapi.html (`generate_schemas`).
    """
    return any(
        truth(application.values, site.node, site.scope, "generate_schemas")
        for site in application.code.method_calls("register_tortoise", "RegisterTortoise")
    )


def _is_apart(application: Application, state: State) -> bool:
    """Whether a script that Aerich never runs says what a table is, where Tortoise creates it from its model.

    Source: https://tortoise.github.io/migration.html (what Aerich runs is numbered and dated).
    """
    path = state.place.path
    by_hand = path.endswith(".sql") and not _OF_AERICH.search(path)
    return by_hand and any(True for _ in application.code.method_calls("generate_schemas"))


def _is_heir(application: Application, entity: Entity, base: Entity) -> bool:
    """Whether a class is stored in the table of its base class, with columns that it adds."""
    return entity.found is not None and base.name in application.code.ancestry(entity.found)


def _of_entity(
    entity: Entity, heirs: list[Entity], state: State | None, kind: str
) -> Iterator[Index]:
    """What a model and those that share its table declare, held against what migrations create."""
    there = [m.declared for m in state.made()] if state is not None and state.migrated else None
    by_statements = state is not None and state.migrated and bool(state.foreign)
    by_model = kind == "mysql" and not by_statements
    declared = [*entity.indexes(), *(_foreign(entity, there) if by_model else ())]
    for heir in heirs:
        added = [*heir.indexes(), *(_foreign(heir, there) if by_model else ())]
        declared += [d for d in added if not any(_same(d, known) for known in declared)]
    if entity.place.path == "":
        declared = [d for d in declared if d.columns]
    if entity.found is None and not entity.managed:  # a package's own table
        declared = [replace(d, implied=d.implied or "package") for d in declared]
    migrated = state is not None and state.migrated
    itself = {"primary key", "spatial type"}
    if entity.mapper != "sqlalchemy" or kind == "mysql":
        itself.add("foreign key")
    left = state.made() if state is not None else []
    matched: list[Declared] = []
    for each in declared:
        columns = each.columns
        same = next((m for m in left if _same(m.declared, each)), None)
        if same is None and any(_same(each, known) for known in matched):
            continue  # told twice: by the column, and by the table
        if same is not None:
            left.remove(same)
            matched.append(each)
        if same is not None and migrated:
            yield _index(entity.table, each, "migration", "migration")
        elif each.implied in itself or not migrated or not columns:
            yield _index(entity.table, each, "model", "migration" if migrated else "table")
        elif state is not None and (state.uncertain or _is_ahead(each, state)):
            yield _index(entity.table, each, "model", "migration")
        else:
            yield _index(entity.table, each, "model", "")
    for made in left:
        if not any(_same(made.declared, d) for d in declared):
            yield _index(entity.table, made.declared, made.source, made.run)
    if kind == "mysql" and state is not None:  # what the model does not speak of
        standing = [d for d in declared if d.implied != "unique" or d in matched]
        yield from _of_keys(entity.table, state, [*standing, *(made.declared for made in left)])


def _is_ahead(each: Declared, state: State) -> bool:
    """Whether an index is of a column that no migration creates: whatever creates it yet creates its index with it."""
    plain = (name for name, _ in each.columns if re.fullmatch(r"\w+", name))
    return bool(state.columns) and any(name not in state.columns for name in plain)


def _same(one: Declared, two: Declared) -> bool:
    same = [c for c, _ in one.columns] == [c for c, _ in two.columns] and one.kind == two.kind
    same = same and one.pattern == two.pattern
    return same and (one.unique == two.unique or one.implied == two.implied or not two.unique)


def _foreign(entity: Entity, there: list[Declared] | None) -> Iterator[Declared]:
    """What MySQL brings for foreign keys: also for one that is the second column of the primary key.

    `there` is what migrations have created, where there are any.
    """
    own = list(entity.indexes())
    known = own if there is None else [*(d for d in own if d.implied), *there]
    for column in entity.stored():
        only = ((column.name, 1),)
        if column.target and not _led(only, known):
            yield Declared(only, column.place, False, "", "foreign key")


def _led(columns: tuple[tuple[str, int], ...], declared: Iterable[Declared]) -> bool:
    """Whether an index begins with the columns of a foreign key: MySQL adds none then."""
    names = [name for name, _ in columns]
    return any(
        each.kind == "ordered" and [name for name, _ in each.columns[: len(names)]] == names
        for each in declared
    )


def _of_keys(name: str, state: State, made: list[Declared]) -> Iterator[Index]:
    """What MySQL brings for the foreign keys that statements declare."""
    for columns, place in state.foreign:
        if _led(columns, made):
            continue
        yield _index(name, Declared(columns, place, False, "", "foreign key"), "migration", "migration")  # fmt: skip


def _index(table: str, each: Declared, source: str, run: str) -> Index:
    return Index(
        "sql", table, each.columns, each.unique, each.place, source, run,
        kind=each.kind, implied=each.implied, condition=each.condition, only=each.only, by_prefix=each.pattern,
    )  # fmt: skip
