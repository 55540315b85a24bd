"""Stored data: connections, queries as shapes, indexes, and how they fit."""

from __future__ import annotations

import enum

import msgspec

from auditor.model.places import Place
from auditor.model.values import Plain, Value


class Connection(msgspec.Struct, frozen=True):
    """A client of a database; `url` is what it connects to, `options` what it is told besides.

    `login` tells that the address is put together with a user and a password, whatever they are,
    `unchecked` what of it turns encryption or its check off.
    """

    store: str
    url: Value | None
    place: Place
    options: tuple[str, ...] = ()
    login: bool = False
    unchecked: str = ""


class Bound(str, enum.Enum):
    """How many records a read may bring."""

    ONE = "one"
    """A single record, or a single figure."""
    LIMITED = "limited"
    """At most a number that stands in the code, that the framework caps, or that is not the caller's."""
    CALLER = "caller"
    """As many as the caller asks for, without a maximum."""
    NONE = "none"
    """All there are."""
    UNKNOWN = "unknown"


class Query(msgspec.Struct, frozen=True):
    """One call that reads, changes or removes stored data, as a shape; for every store.

    `collection` is the collection or table by its stored name. A condition with alternatives
    (`$or`, `OR`) is one query for each, all at the same place. What a join or `$lookup` looks up in
    another collection is a query of that collection, with the operation "join".
    `scanned` are fields that are compared in a way that no ordered index serves: a pattern without
    anchor, a function of the column, a leading wildcard. `special` is "text" or "geo" where an index
    of that kind is needed. `loop` is the loop over another query's result in which it runs.
    `broad` are fields among these that most records share a value of, by which an index alone finds
    little: a boolean, `$ne`, `IS NOT NULL`. `values` are the fields that are compared with a constant
    of the code, and that constant (of SQL, where an index depends on it). `begins` are fields of the range
    that are compared with what they begin with, `above` those that are only to be more than 0. `others` are the
    fields that are compared with another constant than their declaration gives new records, and that constant;
    `most` those that are compared with what nearly all records may have.
    `unresolved` says why the collection or the filter could not be told; empty where it could.
    `certain` is False where the receiver was only recognised by the method's name.
    """

    store: str
    collection: str
    operation: str
    equality: tuple[str, ...]
    range: tuple[str, ...]
    sort: tuple[tuple[str, int], ...]
    place: Place
    unresolved: str = ""
    certain: bool = True
    bound: Bound = Bound.UNKNOWN
    scanned: tuple[str, ...] = ()
    special: str = ""
    projection: tuple[str, ...] = ()
    loop: Place | None = None
    broad: tuple[str, ...] = ()
    values: tuple[tuple[str, Plain], ...] = ()
    begins: tuple[str, ...] = ()
    above: tuple[str, ...] = ()
    others: tuple[tuple[str, Plain], ...] = ()
    most: tuple[str, ...] = ()

    @property
    def fields(self) -> tuple[str, ...]:
        return (*self.equality, *self.range)

    @property
    def reads(self) -> bool:
        return self.operation not in ("insert_one", "insert_many", "insert")


class Index(msgspec.Struct, frozen=True):
    """A declared index. `run` says what creates it ("start", "handler", "migration", "program",
    "command", "instructions"); empty where nothing does.

    `fields` have the direction 1 or -1, or 0 where a hash of the value serves equality alone.
    `kind` is ordered, hash, text, geo, vector (it finds what is near) or other; `declared_in` code, migration, script or model.
    `implied` says what brings it without a word of its own: "primary key", "unique", "foreign key",
    "package"; such an index is there for the constraint, or not the application's, and no query has to use it.
    `condition` are the fields on which it depends whether a record is in it (partial, sparse), and
    `only` those of them that must have one value, with that value, or one of several.
    `expires` when the database removes documents by it, which no query has to use. `behind` are fields that
    the database keeps behind its own: in MySQL and SQLite those of the primary key. `by_prefix` tells whether
    it surely finds what begins with a text, whatever the collation of the database.
    """

    store: str
    collection: str
    fields: tuple[tuple[str, int], ...]
    unique: bool
    place: Place
    declared_in: str
    run: str
    expires: bool = False
    kind: str = "ordered"
    implied: str = ""
    condition: tuple[str, ...] = ()
    only: tuple[tuple[str, Plain], ...] = ()
    behind: tuple[tuple[str, int], ...] = ()
    by_prefix: bool = True


class Table(msgspec.Struct, frozen=True):
    """A collection or table that the code declares; `columns` are (stored name, type's last name).

    `dialect` is postgresql, mysql, sqlite, mongodb, … or empty where the code does not tell.
    `library` is what declares it, in whose idiom an index would be added: SQLAlchemy, Django, Beanie, …
    `attributes` are (stored name, attribute) of the columns that the class calls something else.
    `creating` is what has to be called besides to create the indexes that it declares, where nothing calls it.
    """

    store: str
    name: str
    columns: tuple[tuple[str, str], ...]
    place: Place
    dialect: str = ""
    library: str = ""
    attributes: tuple[tuple[str, str], ...] = ()
    creating: str = ""


class Constant(msgspec.Struct, frozen=True):
    """A collection or table that stays small, and why: a lookup table that the code fills."""

    store: str
    name: str
    why: str


class UntoldIndexes(msgspec.Struct, frozen=True):
    """A call that runs and creates indexes whose keys cannot be told; `collection` may be empty."""

    store: str
    collection: str
    place: Place


class Fit(str, enum.Enum):
    """Whether an index serves a query."""

    COVERED = "covered"
    PARTIAL = "partial"
    MISSING = "missing"
    UNKNOWN = "unknown"


class Match(msgspec.Struct, frozen=True):
    """How the best index serves a query.

    `by` is that index; `missing` the fields that it leaves to be searched or sorted without it; `why`
    says what else decided: that nothing needs an index, or why it cannot be told.
    """

    fit: Fit
    by: Index | None = None
    missing: tuple[str, ...] = ()
    why: str = ""


class Proposal(msgspec.Struct, frozen=True):
    """An index worth creating, the queries that it serves, and the indexes that it takes over.

    `code` says it in the project's own idiom.
    """

    fields: tuple[tuple[str, int], ...]
    kind: str
    queries: tuple[Query, ...]
    replaces: tuple[Index, ...]
    code: str = ""


class CollectionFit(msgspec.Struct, frozen=True):
    """A collection of one application: its queries with how an index serves each.

    `live` are the indexes that the application creates, `idle` those that nothing runs; `proposed`
    the smallest set found that serves what is left, `unused` the live ones that serve no query.
    """

    unit: str
    name: str
    store: str
    fits: tuple[tuple[Query, Match], ...]
    live: tuple[Index, ...]
    idle: tuple[Index, ...]
    proposed: tuple[Proposal, ...] = ()
    unused: tuple[Index, ...] = ()


class Cache(msgspec.Struct, frozen=True):
    """A cache the application sets up; `used` are the places that read through it."""

    name: str
    place: Place
    used: tuple[Place, ...]
