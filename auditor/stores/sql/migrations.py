"""What migrations and schema scripts leave behind when they are replayed in order.

Every source (Alembic, Django's migrations, SQL files, SQL in the code) says its steps in one
vocabulary; replaying them gives the tables and indexes that a database has in the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import msgspec
from msgspec.structs import replace

from auditor.extract.python import tree as t
from auditor.extract.sql import SchemaStep
from auditor.link.application import Application, provides
from auditor.link.scopes import Module
from auditor.model.data import UntoldIndexes
from auditor.model.places import Place
from auditor.stores.sql.dialects import dialect
from auditor.stores.sql.entities import Declared


class Made(msgspec.Struct, frozen=True):
    """An index as it was created. `source` is migration or script, `run` what creates it."""

    declared: Declared
    source: str
    run: str


@dataclass
class State:
    """A table after all steps. `uncertain` when a step on it could not be read."""

    place: Place
    migrated: bool
    columns: dict[str, str] = field(default_factory=dict)
    two: set[str] = field(default_factory=set)
    """Columns that take one of two values."""
    single: dict[str, str] = field(default_factory=dict)
    """Columns that a check lets have one value alone, with the check's name."""
    firsts: dict[str, str] = field(default_factory=dict)
    """The constants that columns have where nothing is said."""
    indexes: list[Made] = field(default_factory=list)
    foreign: list[tuple[tuple[tuple[str, int], ...], Place]] = field(default_factory=list)
    uncertain: bool = False
    created: bool = True
    """Whether a step creates it; another program does where the tree only adds indexes to it."""

    def made(self) -> list[Made]:
        """Its indexes, each once, however many names it was given."""
        apart: dict[object, Made] = {}
        for made in self.indexes:
            each = made.declared
            apart.setdefault(
                (each.columns, each.unique, each.kind, each.condition, each.pattern), made
            )
        return list(apart.values())

    @property
    def keys(self) -> set[str]:
        """The columns of its primary key."""
        made = (m.declared for m in self.indexes)
        return {c for d in made if d.implied == "primary key" for c, _ in d.columns}


class Origin(msgspec.Struct, frozen=True):
    """Where steps stand: `migrates` for migrations; `run` is empty for what nothing runs. A `stray` file is one that
    nothing names: it may be how tables are made, where nothing else makes them (`_in_order`)."""

    path: str
    migrates: bool
    run: str
    stray: bool = False


Steps = Iterable[tuple[SchemaStep, Origin]]
_SOURCES: list[Callable[[Application], Steps]] = []


def gives_steps(source: Callable[[Application], Steps]) -> Callable[[Application], Steps]:
    """Register where steps on schemas come from, each in the order in which they run."""
    _SOURCES.append(source)
    return source


@dataclass
class History:
    """The tables that the migrations and scripts of the tree create."""

    tables: dict[str, State] = field(default_factory=dict)
    views: set[str] = field(default_factory=set)
    unread: dict[str, Place] = field(default_factory=dict)
    """Tables that a statement creates which cannot be parsed; the empty name stands for one of any."""
    uncertain: bool = False
    more: set[str] = field(default_factory=set)
    """Tables that may have columns which are told nowhere; the empty name stands for all."""
    untold: list[UntoldIndexes] = field(default_factory=list)
    """Where an index is made of which the code does not tell the table or the columns."""
    early: dict[str, list[tuple[SchemaStep, Origin]]] = field(default_factory=dict)
    """Columns that are added to tables further up than these are created."""

    def tells_columns(self, table: str) -> bool:
        """Whether a table that statements create has no other columns than they say."""
        state = self.tables.get(table)
        told = state is not None and state.created and not state.uncertain and bool(state.columns)
        return told and not self.uncertain and self.more.isdisjoint(("", table))

    def apply(self, step: SchemaStep, origin: Origin) -> None:
        place = Place(origin.path, step.line, symbol=step.name or step.table)
        if step.action == "drop index" or (step.action == "drop constraint" and not step.table):
            for each in self.tables.values():
                _drop(each, step.name)
            return
        if step.action == "view":
            self.views.add(step.table)
            return
        if step.action == "untold column":
            self.more.add(step.table)
            return
        if step.action == "unread table":
            self.unread.setdefault(step.table, place)
            return
        if step.action == "table":
            made = self.tables.setdefault(step.table, State(place, origin.migrates))
            made.created = True
            for added, by in self.early.pop(step.table, ()):
                self._on(made, added, by, Place(by.path, added.line, symbol=added.name))
            return
        state = self.tables.get(step.table)
        if step.action == "drop table":
            if origin.migrates or state is None or not state.migrated:  # a reset by hand is undone
                self.tables.pop(step.table, None)
            return
        if step.action == "untold index":
            self.untold.append(UntoldIndexes("sql", step.table, place))
        if step.action in ("unknown", "untold index"):
            if state is not None:
                state.uncertain = True
            elif not step.table:
                self.uncertain = True
            return
        if state is None:
            if step.action == "column":
                self.more.add(
                    step.table
                )  # what creates it may stand further down, or in a later file
                if not origin.migrates:  # what running code does has no order
                    self.early.setdefault(step.table, []).append((step, origin))
            if step.action not in _INDEXES:
                return
            state = self.tables[step.table] = State(place, False, uncertain=True, created=False)
        self._on(state, step, origin, place)

    def _on(self, state: State, step: SchemaStep, origin: Origin, place: Place) -> None:
        columns = tuple(step.columns)
        if (
            step.action in _TAKES_BACK and not origin.migrates
        ):  # what running code does has no order
            self.more.add(step.table)
        if step.action == "rename table" and step.table in self.more:
            self.more.add(step.to)
        match step.action:
            case "column":
                state.columns[step.name] = step.type
                state.two |= {step.name} if step.two else set()
                state.firsts |= {step.name: step.default} if step.default else {}
            case "like":
                self._like(state, step, origin)
            case "rename table":
                self.tables[step.to] = self.tables.pop(step.table)
            case "drop column":
                state.columns.pop(step.name, None)
                state.indexes = [
                    m for m in state.indexes if step.name not in [c for c, _ in m.declared.columns]
                ]
            case "rename column":
                state.columns[step.to] = state.columns.pop(step.name, "")
                state.indexes = [_renamed(m, step.name, step.to) for m in state.indexes]
            case "drop constraint":
                _drop(state, step.name)
            case "one value":
                state.single |= {name: step.name for name, _ in columns}
            case "foreign key":
                state.foreign.append((columns, place))
            case "key" | "constraint" | "index":
                implied = {"key": "primary key", "constraint": "unique"}.get(step.action, "")
                unique = step.unique or step.action != "index"
                name = step.name or _named(step)
                declared = Declared(
                    columns,
                    place,
                    unique,
                    name,
                    implied,
                    step.kind,
                    tuple(step.condition),
                    pattern=step.pattern,
                )
                same = [
                    m
                    for m in state.indexes
                    if m.declared == replace(declared, place=m.declared.place)
                ]
                if same and origin.run and not same[0].run:  # told before where nothing runs it
                    state.indexes.remove(same.pop())
                if columns and not same:
                    source = "migration" if origin.migrates else "script"
                    state.indexes.append(Made(declared, source, origin.run))

    def _like(self, state: State, step: SchemaStep, origin: Origin) -> None:
        """Columns and indexes that a table has from another one, as they are then."""
        other = self.tables.get(step.to)
        if other is None:
            state.uncertain = True
            self.untold.append(UntoldIndexes("sql", step.table, state.place))
            return
        state.columns |= other.columns
        state.two |= other.two
        state.firsts |= other.firsts
        if step.kind == "indexes":
            source = "migration" if origin.migrates else "script"
            state.indexes += [Made(m.declared, source, origin.run) for m in other.indexes]


_TAKES_BACK = {"drop column", "rename column", "rename table"}


def migration_class(module: Module) -> t.Class | None:
    """The class that a migration of Django's or Tortoise's own is."""
    return next((s for s in module.body if isinstance(s, t.Class) and s.name == "Migration"), None)


def _named(step: SchemaStep) -> str:
    """The name that PostgreSQL gives: `users_email_key`."""
    joined = "_".join(c for c, _ in step.columns)
    suffix = {"key": "pkey", "constraint": "key"}.get(step.action, "idx")
    return f"{step.table}_pkey" if suffix == "pkey" else f"{step.table}_{joined}_{suffix}"


def _drop(state: State, name: str) -> None:
    state.indexes = [m for m in state.indexes if m.declared.name.lower() != name.lower()]
    state.single = {c: check for c, check in state.single.items() if check.lower() != name.lower()}


def _renamed(made: Made, before: str, after: str) -> Made:
    columns = tuple((after if c == before else c, way) for c, way in made.declared.columns)
    return replace(made, declared=replace(made.declared, columns=columns))


@provides(History)
def history(application: Application) -> list[History]:
    """Migrations run before the program starts, and what its code does to the schema after them."""
    made = History()
    steps = [step for source in _SOURCES for step in source(application)]
    if dialect(application) in ("mysql", "sqlite"):
        steps = _named_alike(steps)
    for step, origin in _in_order(steps):
        made.apply(step, origin)
    return [made]


_INDEXES = ("key", "constraint", "index")


def _named_alike(steps: list[tuple[SchemaStep, Origin]]) -> list[tuple[SchemaStep, Origin]]:
    """The steps with the names of tables as these are created: quoted or not, large and small letters are one there.

    Sources: https://www.sqlite.org/lang_keywords.html, https://dev.mysql.com/doc/refman/8.4/en/identifier-case-sensitivity.html.
    """
    made = {step.table for step, _ in steps if step.action == "table"}
    spelt = {name.lower(): name for name in sorted(made)}
    return [
        (step, origin)
        if step.table in made or step.table.lower() not in spelt
        else (replace(step, table=spelt[step.table.lower()]), origin)
        for step, origin in steps
    ]


def _in_order(steps: list[tuple[SchemaStep, Origin]]) -> Steps:
    """The steps as they run. Of a table that something else makes, those of a stray file are an older copy: the table
    has no column of them, and what they index is listed as run by nothing."""
    made = {step.table for step, origin in steps if step.action == "table" and not origin.stray}
    for step, origin in sorted(steps, key=lambda x: (not x[1].migrates, x[1].stray)):
        if not origin.stray or step.table not in made:
            yield step, origin
        elif step.action in _INDEXES:
            yield step, replace(origin, run="")


@provides(UntoldIndexes)
def untold_indexes(application: Application) -> list[UntoldIndexes]:
    (replayed,) = application.facts(History)
    return replayed.untold
