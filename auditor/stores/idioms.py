"""How an index is written, in the idiom of what declares the collection or table.

Sources: the documentation of each library on indexes; names in the form that Alembic and SQLAlchemy's
naming convention for indexes give (`ix_table_column`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from auditor.model.data import Index, Proposal, Table

Fields = Sequence[tuple[str, int]]
_SPECIAL = {"text": "text", "geo": "2dsphere", "hash": "hashed"}


_BY_ATTRIBUTE = {"SQLModel", "Django", "Tortoise", "Peewee"}
"""Libraries whose indexes name a class's attributes, where others name columns."""


def code(
    table: Table | None,
    default: str,
    proposal: Proposal,
    collection: str,
    idle: Iterable[Index] = (),
) -> str:
    """The declaration of an index, in the idiom of what declares the collection; else in `default`'s.

    Of one that is declared and that nothing creates, as the `idle` tell, what creates it.
    """
    library = table.library if table is not None else default
    owner = table.place.symbol if table is not None else ""
    fields: Fields = proposal.fields
    creating = table.creating if table is not None else ""
    if creating and any(index.fields == proposal.fields for index in idle):
        return creating
    if library in ("Tortoise", "Peewee"):  # they declare no direction, and need none
        fields = _upward(proposal)
    if table is not None and library in _BY_ATTRIBUTE:
        names = dict(table.attributes)
        fields = [(names.get(name, name), way) for name, way in fields]
    if table is not None and table.store == "sql" and proposal.kind == "text":
        return _full_text(table, fields)
    if any("(" in name for name, _ in fields):
        library = ""  # of an expression
    if table is not None and table.dialect == "postgresql":
        begins = {name for query in proposal.queries for name in query.begins}
        if begins & {name for name, _ in proposal.fields}:
            return _by_prefix(table, owner, proposal.fields, begins)
    idiom = _IDIOMS.get(library, _sql)
    if idiom is _sql:
        dialect = table.dialect if table is not None else ""
        collection = _quoted(collection, dialect)
        fields = [(_quoted(name, dialect), way) for name, way in fields]
    declared = idiom(collection, owner, fields, proposal.kind)
    return f"{declared}; {creating}" if creating else declared


def _by_prefix(table: Table, owner: str, fields: Fields, begins: set[str]) -> str:
    """What finds the beginning of a text in PostgreSQL, whatever the collation.

    Source: https://www.postgresql.org/docs/current/indexes-opclass.html.
    """
    if table.library in ("SQLAlchemy", "SQLModel"):
        classes = ", ".join(f'"{n}": "text_pattern_ops"' for n, _ in fields if n in begins)
        plain = _core(table.name, owner, fields, "ordered")
        return f"{owner}: __table_args__ = ({plain[:-1]}, postgresql_ops={{{classes}}}),)"
    if table.library == "Django" and len(fields) == 1:
        return f"{owner}.{dict(table.attributes).get(fields[0][0], fields[0][0])}: db_index=True"
    spelt = [(_quoted(name, table.dialect), way) for name, way in fields]
    marked = [f"{word}{' text_pattern_ops' if name in begins else ''}{'' if way > 0 else ' DESC'}" for (name, way), (word, _) in zip(fields, spelt, strict=True)]  # fmt: skip
    return f"CREATE INDEX {_name(table.name, fields)} ON {_quoted(table.name, table.dialect)} ({', '.join(marked)})"


_PLAIN = re.compile(r"[A-Za-z_]\w*")
_RESERVED = {
    "all", "and", "as", "asc", "between", "by", "case", "check", "column", "create", "default", "delete", "desc", "distinct",
    "drop", "end", "from", "grant", "group", "having", "in", "index", "insert", "into", "is", "join", "key", "like", "limit",
    "not", "null", "on", "option", "or", "order", "references", "select", "set", "table", "to", "union", "update", "user",
    "using", "values", "when", "where", "with",
}  # fmt: skip
"""Words that some database takes for its own."""


def _quoted(name: str, dialect: str) -> str:
    """A table or column as SQL has to spell it; what capitals an unquoted name has, PostgreSQL folds."""
    folded = dialect == "postgresql" and name != name.lower()
    if "(" in name or (_PLAIN.fullmatch(name) and not folded and name.lower() not in _RESERVED):
        return name
    mark = "`" if dialect == "mysql" else '"'
    return f"{mark}{name.replace(mark, mark * 2)}{mark}"


def _full_text(table: Table, fields: Fields) -> str:
    """What a search for words needs; PostgreSQL only uses an index of the configuration that is asked by.

    Sources: https://docs.djangoproject.com/en/stable/ref/contrib/postgres/search/#performance,
    https://www.postgresql.org/docs/current/textsearch-tables.html,
    https://dev.mysql.com/doc/refman/8.4/en/fulltext-restrictions.html.
    """
    names, index = [name for name, _ in fields], _name(table.name, fields)
    if not names:
        return "a full text index of what is searched"
    quoted = ", ".join(f'"{name}"' for name in names)
    if table.library == "Django":
        index = index[:30].rstrip("_")  # as long as Django lets a name be
        kinds = dict(table.columns)
        if all(kinds.get(name) == "SearchVectorField" for name in names):
            made = f'GinIndex(fields=[{quoted}], name="{index}")'
            return f"{table.place.symbol}.Meta: indexes = [{made}]"
        made = f'GinIndex(SearchVector({quoted}, config="simple"), name="{index}")'
        asked = 'search by SearchQuery(…, config="simple")'
        return f"{table.place.symbol}.Meta: indexes = [{made}]; {asked}"
    if table.dialect == "mysql":
        return f"a FULLTEXT index of the very columns of MATCH ({', '.join(names)}, …)"
    if table.dialect == "postgresql" and len(names) == 1:
        vector = f"to_tsvector('simple', {names[0]})"
        return f"CREATE INDEX {index} ON {table.name} USING gin ({vector}); search by {vector}"
    return f"a full text index of {', '.join(names)}"


def _upward(proposal: Proposal) -> Fields:
    """The same index without directions, where every query that it serves sorts only downward: an
    index is read from either end."""
    sorted_by = {name for query in proposal.queries for name, _ in query.sort}
    if any(way > 0 for name, way in proposal.fields if name in sorted_by):
        return proposal.fields
    return [(name, 1) for name, _ in proposal.fields]


def _searched(fields: Fields, kind: str) -> Fields:
    """The keys of an index; which ones a search for words goes through, MongoDB's `$text` does not say."""
    return fields or ((("the searched field", 1),) if kind == "text" else ())


def _keys(fields: Fields, kind: str) -> str:
    """PyMongo's list of keys."""
    named = _searched(fields, kind)
    ways = [f'"{_SPECIAL[kind]}"' if kind in _SPECIAL else str(way) for _, way in named]
    if len(named) == 1 and ways == ["1"]:
        return f'"{named[0][0]}"'
    pairs = [f'("{name}", {way})' for (name, _), way in zip(named, ways, strict=True)]
    return f"[{', '.join(pairs)}]"


def _pymongo(collection: str, owner: str, fields: Fields, kind: str) -> str:
    plain = collection.isidentifier()
    where = f"db.{collection}" if plain else f'db["{collection}"]'
    database, apart, name = collection.partition("/")
    if apart:  # of another database
        where = f'client["{database}"]["{name}"]'
    return f"{where}.create_index({_keys(fields, kind)})"


def _motor(collection: str, owner: str, fields: Fields, kind: str) -> str:
    return f"await {_pymongo(collection, owner, fields, kind)}"


def _umongo(collection: str, owner: str, fields: Fields, kind: str) -> str:
    return f"{owner}.Meta: indexes = [IndexModel({_keys(fields, kind)})]"


def _beanie(collection: str, owner: str, fields: Fields, kind: str) -> str:
    keys = _keys(fields, kind)
    listed = keys if keys.startswith("[") else f"[({keys}, 1)]"
    return f"{owner}.Settings: indexes = [IndexModel({listed})]"


def _mongoengine(collection: str, owner: str, fields: Fields, kind: str) -> str:
    mark = {"text": "$", "geo": "*", "hash": "#"}.get(kind, "")
    return f'{owner}: meta = {{"indexes": [{_signed(_searched(fields, kind), mark)}]}}'


def _odmantic(collection: str, owner: str, fields: Fields, kind: str) -> str:
    if kind != "ordered":
        return f"{owner}: indexes: IndexModel({_keys(fields, kind)})"
    names = [f"{owner}.{name}" + ("" if way > 0 else ".desc()") for name, way in fields]
    return f'{owner}: model_config = {{"indexes": lambda: [Index({", ".join(names)})]}}'


def _core(collection: str, owner: str, fields: Fields, kind: str) -> str:
    columns = [f'"{name}"' if way > 0 else f'text("{name} DESC")' for name, way in fields]
    return f'Index("{_name(collection, fields)}", {", ".join(columns)})'


def _sqlalchemy(collection: str, owner: str, fields: Fields, kind: str) -> str:
    return f"{owner}: __table_args__ = ({_core(collection, owner, fields, kind)},)"


def _sqlmodel(collection: str, owner: str, fields: Fields, kind: str) -> str:
    if len(fields) == 1:
        return f"{owner}.{fields[0][0]}: Field(index=True)"
    return _sqlalchemy(collection, owner, fields, kind)


def _django(collection: str, owner: str, fields: Fields, kind: str) -> str:
    listed = ", ".join(f'"{"" if way > 0 else "-"}{name}"' for name, way in fields)
    return f"{owner}.Meta: indexes = [models.Index(fields=[{listed}])]"


def _tortoise(collection: str, owner: str, fields: Fields, kind: str) -> str:
    if _mixed(fields):
        return _sql(collection, owner, fields, kind)
    return f"{owner}.Meta: indexes = [{_tuple(fields)}]"


def _peewee(collection: str, owner: str, fields: Fields, kind: str) -> str:
    if _mixed(fields):
        named = [f"{owner}.{name}" + ("" if way > 0 else ".desc()") for name, way in fields]
        return f"{owner}.add_index({owner}.index({', '.join(named)}))"
    return f"{owner}.Meta: indexes = (({_tuple(fields)}, False),)"


def _mixed(fields: Fields) -> bool:
    return any(way < 0 for _, way in fields)


def _alembic(collection: str, owner: str, fields: Fields, kind: str) -> str:
    columns = [f'"{name}"' if way > 0 else f'text("{name} DESC")' for name, way in fields]
    return f'op.create_index("{_name(collection, fields)}", "{collection}", [{", ".join(columns)}])'


def _sql(collection: str, owner: str, fields: Fields, kind: str) -> str:
    columns = [name if way > 0 else f"{name} DESC" for name, way in fields]
    return f"CREATE INDEX {_name(collection, fields)} ON {collection} ({', '.join(columns)})"


def _signed(fields: Fields, mark: str = "") -> str:
    names = [f'"{mark}{"" if way > 0 else "-"}{name}"' for name, way in fields]
    return names[0] if len(names) == 1 else f"({', '.join(names)})"


def _tuple(fields: Fields) -> str:
    names = ", ".join(f'"{name}"' for name, _ in fields)
    return f"({names},)" if len(fields) == 1 else f"({names})"


def _name(collection: str, fields: Fields) -> str:
    words = [collection, *(name for name, _ in fields)]
    plain = ["".join(c if c.isalnum() else "_" for c in word).strip("_") for word in words]
    return "_".join(["ix", *plain])[:60]


_IDIOMS: dict[str, Callable[[str, str, Fields, str], str]] = {
    "PyMongo": _pymongo, "Motor": _motor, "Beanie": _beanie, "MongoEngine": _mongoengine, "umongo": _umongo, "PyMODM": _umongo,
    "ODMantic": _odmantic, "SQLAlchemy": _sqlalchemy, "SQLAlchemy Core": _core, "SQLModel": _sqlmodel,
    "Django": _django, "Tortoise": _tortoise, "Peewee": _peewee, "Alembic": _alembic,
}  # fmt: skip
