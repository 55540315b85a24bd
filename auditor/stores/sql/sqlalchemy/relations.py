"""Relations between stored classes of SQLAlchemy, by their keys and the tables between them.

Source: https://docs.sqlalchemy.org/en/20/orm/basic_relationships.html.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping

from msgspec.structs import replace

from auditor.extract.python import tree as t
from auditor.link.names import Code
from auditor.link.scopes import Scope, argument
from auditor.stores.sql.entities import Column, Entities, Entity, Relation, last_name

LOADS = {"selectinload", "joinedload", "subqueryload", "contains_eager", "immediateload"}
"""Options by which a relation is loaded with its objects."""
_EAGER = {"joined", "subquery", "selectin", "immediate", "False"}
_REMOTE = re.compile(r"\bremote\(\s*(?:foreign\(\s*)?(?:\w+\.)*(\w+)")
_LISTS = {"list", "List", "set", "Set", "Sequence", "Collection", "Iterable", "dict", "Dict", "WriteOnlyMapped", "DynamicMapped"}  # fmt: skip


def resolve(entities: Entities, entity: Entity) -> None:
    """Foreign keys by the stored name of their table."""
    for attribute, each in list(entity.columns.items()):
        if each.target and "." in each.target:
            head, _, last = each.target.rpartition(".")
            table = head.rpartition(".")[2]
            if table not in entities.by_table:
                named = entities.called(table, entity)
                table = named.table if named is not None else table
            entity.columns[attribute] = replace(each, target=f"{table}.{last}")


def relation_of(
    entities: Entities, entity: Entity, name: str, call: t.Call, annotation: t.Expr | None, scope: Scope
) -> None:  # fmt: skip
    """`items: Mapped[list["Item"]] = relationship(back_populates="order", lazy="selectin")`."""
    target, many = _target(entities, entity, call, annotation, scope)
    if target is None:
        return
    arguments = argument(call, None, "sa_relationship_kwargs")
    told = {k.name: k.value for k in call.keywords if k.name}
    if isinstance(arguments, t.Map):
        pairs = zip(arguments.keys, arguments.values, strict=True)
        told |= {str(k.value): v for k, v in pairs if isinstance(k, t.Const)}
    loading, uselist = told.get("lazy"), told.get("uselist")
    eager = _eager(loading)
    asked = (
        isinstance(loading, t.Const) and str(loading.value) in ("dynamic", "write_only")
    ) or last_name(annotation) in ("WriteOnlyMapped", "DynamicMapped")
    depth, at_delete, unread = _depth(told.get("join_depth")), _at_delete(told), _unread(loading)
    entity.pending.append((3, lambda _: mark(entity, name, asked, depth, at_delete, unread)))
    if isinstance(uselist, t.Const) and uselist.value is False:
        many = False
    secondary = argument(call, None, "secondary", "link_model")
    if secondary is not None:
        between = _between(entities, secondary, entity, target, scope)
        if between is not None:
            entity.relations[name] = Relation(name, target.name, True, "", "", eager, between)
            _reverse(entities, entity, name, call, target, eager)
        return
    more = arguments if isinstance(arguments, t.Map) else None
    words = _words_of(call, more, "foreign_keys", "primaryjoin")
    own = _key_to(entity, target, words)
    back = _key_to(target, entity, words)
    to_one = not many or back is None
    if own is not None and entity.table == target.table:
        to_one = _points_up(own, call, more)
    elif (
        own is not None and back is not None
    ):  # each has a key to the other: which of them, it may say
        named = _words_of(call, more, "foreign_keys")
        mine, other = ({key.attribute, key.name} & named for key in (own, back))
        to_one = bool(mine) if bool(mine) != bool(other) else to_one
    if own is not None and to_one:
        remote = own.target.rpartition(".")[2] or "id"
        entity.relations[name] = Relation(name, target.name, False, own.name, remote, eager)
    elif back is not None:
        local = back.target.rpartition(".")[2] or "id"
        one = isinstance(uselist, t.Const) and uselist.value is False
        entity.relations[name] = Relation(name, target.name, not one and (many or annotation is None), local, back.name, eager)  # fmt: skip
    _reverse(entities, entity, name, call, target, eager)


def _eager(loading: t.Expr | None) -> str:
    """How a relation is loaded with its owner: `lazy="selectin"`; empty where it is not."""
    how = str(loading.value) if isinstance(loading, t.Const) else ""
    return how if how in _EAGER else ""


def _unread(loading: t.Expr | None) -> str:
    """Why reading a relation asks nothing: `lazy="noload"`, `lazy="raise_on_sql"`."""
    how = str(loading.value) if isinstance(loading, t.Const) else ""
    return how.partition("_")[0] if how in ("noload", "raise", "raise_on_sql") else ""


def _depth(given: t.Expr | None) -> int:
    """`join_depth=3`; what the code does not say is far."""
    value = given.value if isinstance(given, t.Const) else 99
    return value if isinstance(value, int) and given is not None else 0


def _at_delete(told: Mapping[str, t.Expr]) -> str:
    """What becomes of what a relation gives when a session deletes the owner, by the relation's arguments.

    Source: https://docs.sqlalchemy.org/en/20/orm/cascades.html#delete.
    """
    given = {name: x.value if isinstance(x, t.Const) else True for name, x in told.items()}
    if given.get("passive_deletes") or given.get("viewonly") or given.get("lazy") == "write_only":
        return "left"
    cascade = re.split(r",\s*", str(given.get("cascade", "")))
    return "each" if given.get("cascade_delete") or {"all", "delete"} & {*cascade} else ""


def mark(
    entity: Entity, name: str, asked: bool, depth: int, at_delete: str, unread: str = ""
) -> None:
    """Keep how a relation that is told by now is loaded."""
    told = entity.relations.get(name)
    if told is not None and (asked or depth or at_delete or unread):
        entity.relations[name] = replace(
            told, asked=asked or told.asked, depth=depth, at_delete=at_delete, unread=unread
        )


def goes_on(entities: Entities, relation: Relation, along: Collection[str]) -> bool:
    """Whether a relation that its class loads with its objects is loaded behind others, by the classes on the way.

    What is on the way already is not loaded anew, unless `join_depth` says how far to go: so do a selectin, a subquery
    and a join; `immediate` stops nowhere. A class that inherits from another stored one stands for that on the way.
    Source: https://docs.sqlalchemy.org/en/20/orm/relationship_api.html (`join_depth`), and `_setup_for_recursion` of
    https://github.com/sqlalchemy/sqlalchemy/blob/main/lib/sqlalchemy/orm/strategies.py.
    """
    if relation.eager == "immediate" or relation.target not in along:
        return True
    if relation.depth:
        return len(along) <= relation.depth
    found = entities.by_name[relation.target].found
    above = entities.code.ancestry(found)[1:] if found is not None else []
    return any(name in entities.by_name for name in above)


def looks_up(relation: Relation, target: Entity) -> bool:
    """Whether what a relation gives is found by another column than its own key."""
    return relation.many or (target.key is not None and relation.remote != target.key.name)


def loads_late(code: Code) -> bool:
    """Whether some session of the tree loads a relation when it is read; an asynchronous one refuses to (`MissingGreenlet`).

    Source: https://docs.sqlalchemy.org/en/20/orm/extensions/asyncio.html#preventing-implicit-io-when-using-asyncsession.
    """
    imports = code.of_kind(t.Import)
    if not any((stmt.module or "").endswith("ext.asyncio") for stmt, _ in imports):
        return True
    given = (site.node.args[0] for site in code.method_calls("run_sync") if site.node.args)
    made = (site.scope.module.path for site in code.calls(*_LOADING_LATE))
    return any(t.last_word(x) not in _OF_TABLES for x in given) or not all(
        map(_OF_MIGRATIONS.search, made)
    )


_LOADING_LATE = (
    "sqlalchemy.create_engine",
    "sqlmodel.create_engine",
    "flask_sqlalchemy.SQLAlchemy",
)
_OF_MIGRATIONS = re.compile(r"(?:^|/)(?:alembic|migrations?)/")
_OF_TABLES = {"create_all", "drop_all", "reflect", "do_run_migrations"}
"""What is run beside a session, of an asynchronous engine: it reads no record."""


def spoken(nodes: list[t.Node]) -> Iterator[str]:
    """The relations that an option names: `User.items`, `"items.tags"`."""
    for node in nodes:
        if isinstance(node, t.Attr) and isinstance(node.value, t.Name | t.Attr):
            yield node.name
        elif isinstance(node, t.Const) and isinstance(node.value, str):
            yield from node.value.split(".")


def _reverse(
    entities: Entities, entity: Entity, name: str, call: t.Call, target: Entity, eager: str
) -> None:  # fmt: skip
    """`backref="posts"` gives the other class an attribute."""
    given = argument(call, None, "backref")
    told = entity.relations.get(name)
    if given is None or told is None:
        return
    lazy, asked, back, depth, at_delete, unread = "", False, "", 0, "", ""
    match given:
        case t.Const(value=str(text)):
            back = text
        case t.Call(args=[t.Const(value=str(text)), *_], keywords=keywords):
            back = text
            loading = argument(given, None, "lazy")
            lazy, depth = _eager(loading), _depth(argument(given, None, "join_depth"))
            unread = _unread(loading)
            asked = isinstance(loading, t.Const) and loading.value == "dynamic"
            at_delete = _at_delete({k.name: k.value for k in keywords if k.name})
    if back and back not in target.relations:
        through = told.through
        many = not told.many or through is not None
        turned = (through[0], through[2], through[1]) if through is not None else None
        target.relations[back] = Relation(
            back, entity.name, many, told.remote, told.local, lazy, turned, asked, depth=depth, at_delete=at_delete, unread=unread,
        )  # fmt: skip


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


def _words_of(call: t.Call, more: t.Map | None, *arguments: str) -> set[str]:
    """The columns that some arguments of a relation name."""
    words: set[str] = set()
    for each in _given(call, more, *arguments):
        for node in t.walk_own(each):
            if isinstance(node, t.Attr | t.Name):
                words.add(last_name(node))
            elif isinstance(node, t.Const) and isinstance(node.value, str):
                words |= set(re.findall(r"\w+", node.value))
    return words


def _given(call: t.Call, more: t.Map | None, *arguments: str) -> list[t.Expr]:
    given = [k.value for k in call.keywords if k.name in arguments]
    if more is not None:
        pairs = zip(more.keys, more.values, strict=True)
        given += [v for k, v in pairs if isinstance(k, t.Const) and k.value in arguments]
    return [x.body if isinstance(x, t.Lambda) else x for x in given]


def _points_up(own: Column, call: t.Call, more: t.Map | None) -> bool:
    """Whether a relation of a table with itself leads to the record that the key names.

    Its remote side alone tells: without one, or where it is the key itself, others name the record.
    Source: https://docs.sqlalchemy.org/en/20/orm/self_referential.html.
    """
    words = _words_of(call, more, "remote_side")
    for join in _given(call, more, "primaryjoin"):
        for node in t.walk_own(join):
            if isinstance(node, t.Call) and last_name(node.func) == "remote":
                words |= {
                    last_name(x) for x in t.walk_own(*node.args) if isinstance(x, t.Attr | t.Name)
                }
            elif isinstance(node, t.Const) and isinstance(node.value, str):
                words |= set(_REMOTE.findall(node.value))
    return bool(words) and words.isdisjoint({own.attribute, own.name})


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
        if (
            table is None and scope.parent is not None
        ):  # an attribute that is called as its table is
            table = entities.of(expr, scope.parent)
    if table is None:
        return None
    own = _key_to(table, entity, set())
    others = [c for c in table.columns.values() if c is not own]
    other = next((c for c in others if c.target.rpartition(".")[0] == target.table), None)
    if own is None or other is None:
        return None
    return table.table, own.name, other.name
