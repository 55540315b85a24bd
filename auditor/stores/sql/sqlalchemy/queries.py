"""Queries of SQLAlchemy 1.4 and 2.0, Flask-SQLAlchemy and SQLModel.

Sources: https://docs.sqlalchemy.org/en/20/orm/queryguide/, https://docs.sqlalchemy.org/en/20/core/selectable.html,
https://docs.sqlalchemy.org/en/14/orm/query.html, https://flask-sqlalchemy.readthedocs.io/en/stable/legacy-query/,
https://sqlmodel.tiangolo.com/tutorial/select/.
"""

from __future__ import annotations

import itertools
import re

from msgspec.structs import replace

from auditor.extract.python import tree as t
from auditor.link.scopes import argument
from auditor.model.data import Bound
from auditor.stores.sql.conditions import NEVER, NOTHING, Condition, Draft, Test, Untold
from auditor.stores.sql.entities import Column, Entity, last_name
from auditor.stores.sql.expressions import (
    class_attribute,
    column_call,
    condition,
    gathered,
    links,
    negated,
    relation_call,
    test,
    words_of,
)
from auditor.stores.sql.reading.frames import Frame, Reading, reads_attributes, reads_calls
from auditor.stores.sql.reading.things import (
    Class,
    Field,
    Function,
    Holds,
    Listed,
    Related,
    Result,
    Row,
    Rows,
    Statement,
    Thing,
    Told,
    columns,
    each,
    either,
    executed,
)
from auditor.stores.sql.sqlalchemy.attributes import refusal
from auditor.stores.sql.sqlalchemy.columns import kind_of
from auditor.stores.sql.sqlalchemy.relations import goes_on, looks_up
from auditor.stores.sql.sqlalchemy.steps import (
    ONE,
    by_key,
    draft_of,
    loaded_with,
    many_of,
    method,
    one_of,
    page,
    paged,
    refused,
    taken,
)
from auditor.stores.sql.statements.queries import routine
from auditor.stores.waiting.unawaited import unawaited

_STARTS = {"select": "select", "update": "update", "delete": "delete", "insert": "insert", "exists": "exists"}  # fmt: skip
_EXECUTES = {
    "execute", "scalars", "scalar", "exec", "stream", "stream_scalars", "fetch_one", "fetch_all", "fetch_val",
    "iterate", "read_sql", "read_sql_query", "scalar_one", "scalar_one_or_none", "stream_results", "paginate",
    "apaginate", "get_all", "first", "all",
}  # fmt: skip
_ON_RELATIONS = {
    "filter", "filter_by", "order_by", "limit", "offset", "count", "paginate", "where", "first", "all", "select", "delete", "update",
    "options", "with_entities", "join", "outerjoin", "distinct", "one", "one_or_none", "first_or_404", "exists",
}  # fmt: skip
"""Steps of a relation that is a query itself: `lazy="dynamic"`, `WriteOnlyMapped`."""
_NARROWS = {"filter", "filter_by", "where", "order_by", "paginate", "join", "outerjoin", "options"}
_COMPARES_WORDS = {"op", "bool_op", "match"}
_PARTS = {"year", "month", "day", "hour", "minute", "second"}
"""Parts of a date that Peewee gives as attributes of its column."""
_SPELT = re.compile(r"(?:^|_)(?:query|stmt|statement)$")
_AGGREGATES = re.compile(r"^(?:count|sum|max|min|avg|array_agg|json_agg|string_agg|group_concat)$")


@reads_attributes
def attributes(reading: Reading, expr: t.Attr, base: Thing | None, frame: Frame) -> Thing | None:
    match base:
        case Draft() if expr.name in ("c", "columns"):
            whole = not (base.where or base.joins or base.limited or base.unresolved)
            return Function("subquery", whole=whole)
        case Draft(mapper="sqlalchemy") if expr.name == "session":
            reading.dropped[id(base)] = base  # `User.query.session.add(user)` asks nothing
            return None
        case Function(name="subquery"):
            return base
        case Class(entity=entity) if entity.mapper in ("sqlalchemy", "peewee"):
            if expr.name in ("c", "columns", "__table__") and entity.column(expr.name) is None:
                return base
            if expr.name == "query" and entity.mapper == "sqlalchemy":
                return reading.record(draft_of(entity, reading, expr, frame))
            return class_attribute(entity, expr.name)
        case Row(entity=entity) if expr.name == "query" and entity.mapper == "sqlalchemy" and entity.column("query") is None:  # fmt: skip
            return reading.record(draft_of(entity, reading, expr, frame))  # self.query: the class's
        case Row(entity=Entity(mapper="sqlalchemy")) if expr.name == "awaitable_attrs":
            return base
        case Row(entity=entity) if entity.mapper in ("sqlalchemy", "peewee"):
            return of_row(reading, expr, base, frame)
        case Field(entity=Entity(mapper="peewee") as owner) if base.column.target:
            return _through_key(reading, owner, base.column, expr.name)
        case Field(entity=Entity(mapper="peewee")) if expr.name in _PARTS:
            return replace(base, expression=f"{expr.name}({base.column.name})")
        case None if expr.name == "query" and _is_model(expr.value) and reading.has("sqlalchemy"):
            return replace(_of_some_model(reading, expr, frame), manager=True)
        case None if len(held := reading.related.get(expr.name, [])) == 1 and held[0][1].asked:
            asked = of_row(reading, expr, Row(held[0][0]), frame)  # whatever object it is read from
            if isinstance(asked, Draft) and asked.entity is not None:
                return Rows(asked.entity, asked)  # going through it asks nothing, it may be a list
            return None
        case None if not expr.name and _SIGNED_IN.match(reading.code.name(expr.value, frame.scope)):
            return Row(reading.signed_in) if reading.signed_in is not None else None
        case None if expr.name and _is_func(reading, expr.value, frame):
            return Function(expr.name)
    return None


_SIGNED_IN = re.compile(r"flask_(?:login|security)(?:\.\w+)?\.current_user$")


def _is_func(reading: Reading, expr: t.Expr, frame: Frame) -> bool:
    """Whether it is what SQLAlchemy calls `func`, and Peewee `fn`, by whatever name."""
    kind = "" if isinstance(expr, t.Call) else kind_of(reading.code, expr, frame.scope)
    return kind in ("func", "fn")


def of_row(
    reading: Reading, expr: t.Attr, row: Row, frame: Frame, *, by_session: bool = False
) -> Thing | None:
    """A relation read from an object, or loaded by its session: another query, unless it was loaded with it."""
    relation = row.entity.relations.get(expr.name)
    target = reading.entities.by_name.get(relation.target) if relation is not None else None
    if relation is None or target is None:
        return None
    by = row.draft
    along = (*(by.along if by is not None else ()), row.entity.name)
    back = not goes_on(reading.entities, relation, along)
    eager = bool(relation.eager) and not (back and looks_up(relation, target))
    if back:  # what is there already, with what was loaded with it
        along = along[: along.index(relation.target)]
    if by is not None:
        eager = expr.name in by.eager or (eager and not {expr.name, "*"} & by.left)
    raises = relation.unread == "raise" or not (
        reading.loads_late or _is_awaited(expr) or target.mapper != "sqlalchemy"
    )
    eager = eager or relation.unread == "noload" or (raises and not by_session)
    loop = row.loop or frame.loop
    if relation.through is not None:
        table, own, _ = relation.through
        start: tuple[Condition, ...] = (Test(table, own), *links(row.entity, relation, reading.entities)[1:])  # fmt: skip
    else:
        start = (Test(target.table, relation.remote),)
    draft = Draft(
        target.mapper, target, reading.place(expr, frame), "lazy", start,
        bound=Bound.NONE if relation.many else Bound.ONE, loop=loop, criteria=by.criteria if by else (),
    )  # fmt: skip
    if relation.asked:  # a query, which is asked where something goes through it
        return replace(draft, bound=Bound.UNKNOWN, operation="select")
    if by is None and not eager:
        reading.lent.read(draft, expr, frame.scope)
    if relation.many:
        if not eager and frame.loads(expr, row):
            reading.record(draft)
        if target.mapper == "peewee":  # it may still be narrowed
            draft = replace(draft, bound=Bound.UNKNOWN, operation="select")
        if eager and by is not None:  # what its options say is loaded is so behind it, too
            draft = replace(draft, along=along, eager=by.eager - {expr.name}, left=by.left)
        return Rows(target, draft)
    anew = row.loop is not None or looks_up(relation, target) or _by_itself(reading, row, frame)
    if anew and not eager and frame.loads(expr, row):
        reading.record(draft)
    return Row(target, replace(by, along=along) if eager and by is not None else None, row.loop)


def _is_awaited(expr: t.Attr) -> bool:
    """`await team.awaitable_attrs.players`."""
    return t.last_word(expr.value) == "awaitable_attrs"


def _by_itself(reading: Reading, row: Row, frame: Frame) -> bool:
    """Whether a method of Peewee's model reads it from its own object, of which nothing says what it was loaded with."""
    if row.entity.mapper != "peewee" or row.draft is not None or frame.owner is None:
        return False
    return reading.entities.by_name.get(reading.code.own_name(frame.owner)) is row.entity


def _through_key(reading: Reading, owner: Entity, key: Column, name: str) -> Thing | None:
    """`Event.term.year` of Peewee: the other table's column, which the query joins by itself.

    Source: https://github.com/coleifer/peewee/blob/master/peewee.py (`ForeignKeyField.__getattr__`).
    """
    relation = owner.relations.get(key.attribute)
    target = reading.entities.by_name.get(relation.target) if relation is not None else None
    if target is None or name in _OF_KEYS or name not in target.columns:
        return None
    return Field(target, target.columns[name])


_OF_KEYS = {
    "backref", "choices", "collation", "column", "column_name", "constraints", "default", "field_type", "help_text", "index",
    "model", "name", "null", "on_delete", "on_update", "primary_key", "sequence", "unindexed", "unique", "verbose_name",
}  # fmt: skip
"""What a foreign key of Peewee has itself: `Event.term.name` is the text "term", whatever columns terms have."""


def _is_of_row(reading: Reading, field: Field, given: list[t.Expr], frame: Frame) -> bool:
    """`Person.login.like(me.login)`: the pattern is what a record has in that column, which is no pattern that was typed.

    At the most it has a "_" somewhere, up to which the index is searched as for what a text begins with.
    """
    match given:
        case [t.Attr(value=owner, name=name), *_]:
            row = reading.thing(owner, frame)
            same = isinstance(row, Row) and row.entity.table == field.entity.table
            return same and field.entity.column(name) == field.column
    return False


@reads_calls
def calls(reading: Reading, call: t.Call, last: str, base: Thing | None, frame: Frame) -> Told:
    match base:
        case Draft(mapper="sqlalchemy"):
            if isinstance(call.func, t.Attr):
                return method(reading, base, call, last, frame), True
            return base, True  # count_query(…) of a variable that holds one: nothing to follow
        case Field(entity=entity) if isinstance(call.func, t.Attr) and entity.mapper in ("sqlalchemy", "peewee"):  # fmt: skip
            given = [reading.thing(a, frame) for a in call.args]
            if last == "like" and _is_of_row(reading, base, call.args, frame):
                return Holds(test(base, "prefix")), True
            return column_call(base, call, last, given), True
        case Related():
            return relation_call(reading, base, call, last, frame), True
        case Result():
            return taken(reading, base, call, last, frame), True
        case Holds() if not isinstance(call.func, t.Attr):  # Post.words.op("@@")(query)
            for arg in call.args:
                reading.thing(arg, frame)
            return base, True
        case Function(name="to_tsvector", of=(_, *_) as searched) if last in _COMPARES_WORDS:
            for arg in call.args:
                reading.thing(arg, frame)
            return Holds(words_of(searched, call, last)), True
        case Function(name=name):
            return _applied(reading, call, name, frame), True
        case Class(entity=entity) if entity.mapper == "sqlalchemy" and isinstance(call.func, t.Attr):  # fmt: skip
            return _of_class(reading, entity, call, last, frame)
        case Rows(draft=draft) if draft is not None and draft.mapper == "sqlalchemy":
            if draft.bound is Bound.NONE and (last in _NARROWS or draft.operation == "lazy"):
                return None, True  # a list, which has no such method
            if last in _ON_RELATIONS:
                made = reading.record(replace(draft, place=reading.place(call, frame)))
                return method(reading, made, call, last, frame), True
        case None:
            return _free(reading, call, last, frame)
    return None, False


def _of_class(reading: Reading, entity: Entity, call: t.Call, last: str, frame: Frame) -> Told:
    """`users.select()`, `users.update().where(…)` of Core tables."""
    own = reading.code.defined(call.func, frame.scope)
    if last in _STARTS and reading.receivers.method(call.func, Class(entity), own, frame)[0] is None:  # fmt: skip
        draft = replace(draft_of(entity, reading, call, frame), operation=_STARTS[last])
        given = [condition(reading.thing(a, frame), a) for a in call.args]
        if last == "exists":
            return None, False
        return reading.record(replace(draft, where=tuple(given))), True
    if last in ("alias", "aliased", "join", "outerjoin"):
        return Class(entity), True
    return None, False


def _applied(reading: Reading, call: t.Call, name: str, frame: Frame) -> Thing | None:
    """`func.lower(User.email)`, `func.count(User.id)`, `func.to_tsvector(Post.title + Post.body)`."""
    given = [reading.thing(arg, frame) for arg in call.args]
    searched = tuple(x for thing in given for one in each(thing) for x in columns(one))
    if name == "to_tsvector" and len({x.column.name for x in searched}) > 1:
        return Function(name, searched)
    for one in given:
        made: list[Thing] = []
        for thing in each(one):
            if isinstance(thing, Class):
                thing = Field(thing.entity, Column("*", "*", "", thing.entity.place))
            if isinstance(thing, Field):
                made.append(replace(thing, expression=f"{name}({thing.expression or thing.column.name})"))  # fmt: skip
        if made:
            return either(made)
    return Function(name)


def _free(reading: Reading, call: t.Call, last: str, frame: Frame) -> Told:
    """Calls of functions and of sessions."""
    func = call.func
    if isinstance(func, t.Attr) and _is_func(reading, func.value, frame):
        return _applied(reading, call, last, frame), True
    if last in _STARTS and _is_sqlalchemy(reading, call, frame):
        return start(reading, call, _STARTS[last], frame), True
    if last in ("and_", "or_"):
        given = [reading.thing(a, frame) for a in call.args]
        return gathered(call, given, last == "or_"), True
    if last in ("true", "false", "literal") and (told := _constant(reading, call, last, frame)):
        return told, True
    if last in ("not_", "desc", "asc", "nullslast", "nullsfirst", "nulls_last", "nulls_first", "col", "cast", "type_coerce", "distinct", "aliased", "literal_column", "column", "extract", "lateral", "with_polymorphic"):  # fmt: skip
        given = [reading.thing(a, frame) for a in call.args]
        first = given[0] if given else None
        if first is None and last != "extract":
            return None, last != "distinct"
        if last == "not_":
            return negated(first), True
        if last == "desc" and isinstance(first, Field):
            return replace(first, way=-1), True
        if last in ("cast", "type_coerce", "extract"):
            field = next((g for g in given if isinstance(g, Field)), None)
            return (replace(field, expression=f"{last}({field.column.name})") if field else None), True  # fmt: skip
        return first, True
    if last == "between" and len(call.args) == 3 and isinstance(call.func, t.Name):
        given = [reading.thing(a, frame) for a in call.args]
        field = next((g for g in given if isinstance(g, Field)), None)
        return (column_call(field, call, "between", given) if field else None), field is not None
    if last == "case":
        for arg in call.args:
            reading.thing(arg, frame)
        return Function("case"), True
    if last in ("paginate", "apaginate") and _PAGES.match(reading.code.name(func, frame.scope)):
        for arg in call.args:
            for one in each(reading.thing(arg, frame)):
                if isinstance(one, Class) and one.entity.mapper == "tortoise":  # `paginate(Device)`
                    place = reading.place(call, frame)
                    one = Draft("tortoise", one.entity, place, loop=frame.loop)
                if isinstance(one, Draft) and one.mapper == "sqlalchemy":
                    paged(reading, one, call, Bound.LIMITED)
                elif isinstance(one, Draft):
                    reading.record(executed(one, bound=Bound.LIMITED))
        return None, True
    if not isinstance(func, t.Attr):
        return None, False
    if last == "query":
        return _legacy(reading, call, frame)
    if last in _NARROWS and isinstance(func.value, t.Name) and reading.has("sqlalchemy"):
        if _SPELT.search(func.value.id) and reading.code.defined(func, frame.scope) is None:
            handed = Draft(
                "sqlalchemy", None, reading.place(call, frame), loop=frame.loop, tentative=True,
                unresolved="its table is that of a parameter", where=(Untold("it narrows what a parameter asks"),),
            )  # fmt: skip
            return method(reading, handed, call, last, frame), True
    if last in ("get", "get_one", "get_or_404", "one_or_404", "first_or_404") and call.args:
        given = [reading.thing(a, frame) for a in call.args]
        found = [x for x in each(given[0]) if isinstance(x, Class) and x.entity.mapper == "sqlalchemy"]  # fmt: skip
        if found:
            rows: list[Thing] = []
            for one in found:
                if _is_unsent(reading, call, frame):
                    draft = by_key(one.entity, reading, call, frame)
                    reading.record(replace(draft, unresolved=_UNSENT))
                    continue
                if (held := _held_by_session(reading, one.entity, call, frame)) is not None:
                    draft = by_key(one.entity, reading, call, frame)
                    reading.record(replace(draft, left=frozenset("*")))
                    rows.append(held)
                    continue
                draft = by_key(one.entity, reading, call, frame)
                if (options := argument(call, None, "options")) is not None:
                    draft = loaded_with(reading, draft, [options], frame)
                rows.append(Row(one.entity, reading.record(draft)))
            return either(rows), True
        if any(isinstance(x, Draft) for x in each(given[0])):
            return _execute(reading, call, last, given, frame), True
        if (
            len(call.args) > 1
            and _is_model(call.args[0])
            and _SESSION.search(last_name(func.value))
        ):
            reading.record(_of_some_model(reading, call, frame, Bound.ONE))
        return None, False
    if last == "delete" and _SESSION.search(last_name(func.value)):
        return _deleted(reading, call, frame)
    if last == "refresh" and _SESSION.search(last_name(func.value)):
        return _refreshed(reading, call, frame)
    if last in _EXECUTES and (asked := argument(call, 0, "statement", "stmt", "query")) is not None:
        if last in ("first", "all", "get_all"):
            return None, False
        given = [reading.thing(asked, frame), *(reading.thing(a, frame) for a in call.args[1:])]
        if any(isinstance(x, Draft) for x in each(given[0])):
            return _execute(reading, call, last, given, frame), True
        if isinstance(asked, t.Call) and any(
            isinstance(x, Function | Field) for x in each(given[0])
        ):
            return _of_function(reading, given[0], call, frame), True
    return None, False


def _deleted(reading: Reading, call: t.Call, frame: Frame) -> Told:
    """`session.delete(user)`: what refers to the object is loaded first, to be deleted too or to let it go.

    Source: https://docs.sqlalchemy.org/en/20/orm/cascades.html#delete.
    """
    given = _object(reading, call, frame)
    if given is None:
        return None, False
    open_, seen = [given], {given[0].entity.name}
    for row, expr in open_:
        for name, relation in row.entity.relations.items():
            target = reading.entities.by_name.get(relation.target)
            if target is None or relation.at_delete == "left" or not looks_up(relation, target):
                continue
            at, loaded = _loads(reading, call, (row, expr), name, frame)
            if relation.at_delete == "each" and relation.target not in seen:
                seen.add(relation.target)
                draft = loaded.draft if isinstance(loaded, Row | Rows) else None
                open_.append((Row(target, draft, reading.place(call, frame)), at))
    return None, True


def _refreshed(reading: Reading, call: t.Call, frame: Frame) -> Told:
    """`session.refresh(user)`: the object is read again by its key; `refresh(user, ["orders"])` loads relations alone.

    Source: https://docs.sqlalchemy.org/en/20/orm/session_api.html#sqlalchemy.orm.Session.refresh.
    """
    given = _object(reading, call, frame)
    if given is None:
        return None, False
    row, _ = given
    match argument(call, 1, "attribute_names"):
        case t.Seq(items=items):
            names = [x.value for x in items if isinstance(x, t.Const)]
        case _:
            names = []
    if not names or not all(name in row.entity.relations for name in names):
        # what it refers to is in the session, mostly, where it is found without a statement
        held = {name for name, relation in row.entity.relations.items() if not relation.many}
        reading.record(replace(by_key(row.entity, reading, call, frame), left=frozenset(held)))
        return None, True
    for name in map(str, names):
        _loads(reading, call, given, name, frame)
    return None, True


def _loads(
    reading: Reading, call: t.Call, given: tuple[Row, t.Expr], name: str, frame: Frame
) -> tuple[t.Attr, Thing | None]:
    """(a relation of an object, as it would be written, what it stands for), which a session loads now."""
    row, expr = given
    at = t.Attr(call.line, call.column, call.end_line, expr, name)
    loaded = of_row(reading, at, row, frame, by_session=True)
    if isinstance(loaded, Draft):
        reading.record(executed(loaded, operation="lazy", bound=Bound.NONE))
    return at, loaded


def _object(reading: Reading, call: t.Call, frame: Frame) -> tuple[Row, t.Expr] | None:
    """(the stored object that a session is handed, how it is written); of a class that serves several models, each call says which it is."""
    handed = argument(call, 0, "instance")
    if handed is None or reading.code.defined(call.func, frame.scope) is not None:
        return None
    things = [reading.thing(handed, frame)]
    if isinstance(handed, t.Name) and things == [None]:
        sources = [x.node for x in reading.values.sources(handed, frame.scope)]
        made = [_class_of(x) for x in sources if isinstance(x, t.Call)]
        named = [x for x in made if _is_model(x) or reading.entities.of(x, frame.scope) is not None]
        things = [reading.thing(x, frame) for x in named]
        things = [Row(x.entity) for x in things if isinstance(x, Class)]
    rows = [x for thing in things for x in each(thing) if isinstance(x, Row)]
    if len({row.entity.name for row in rows}) != 1 or rows[0].entity.mapper != "sqlalchemy":
        return None
    return rows[0], handed


def _class_of(made: t.Call) -> t.Expr:
    """What a new object is made by: `User(name=name)`, `Hero.model_validate(given)`."""
    match made.func:
        case t.Attr(value=value, name="model_validate" | "from_orm" | "parse_obj"):
            return value
    return made.func


def _constant(reading: Reading, call: t.Call, last: str, frame: Frame) -> Holds | None:
    """`sa.true()`, `false()`, `literal(False)`: a condition that all records meet, or none."""
    holds: object = last == "true"
    if last == "literal":
        holds = call.args[0].value if len(call.args) == 1 and isinstance(call.args[0], t.Const) else None  # fmt: skip
    if not isinstance(holds, bool) or not _is_sqlalchemy(reading, call, frame):
        return None
    return Holds(NOTHING if holds else NEVER)


def _of_function(reading: Reading, given: Thing | None, call: t.Call, frame: Frame) -> Thing:
    """`session.scalar(func.max(Order.number))`: as if it were selected. `func.now()` searches nothing."""
    for one in each(given):
        draft = Draft("sqlalchemy", None, reading.place(call, frame), bound=Bound.NONE)
        match one:
            case Field(entity=entity, expression=made) if made:
                if _AGGREGATES.match(made.partition("(")[0]):
                    draft = replace(draft, operation="aggregate", bound=Bound.ONE)
                reading.record(replace(draft, entity=entity, loop=frame.loop))
            case Function(name=name) if why := routine(name):
                reading.record(replace(draft, unresolved=why))
    return Holds()


_UNSENT = "nothing awaits it, so that it is never sent"


def _is_unsent(reading: Reading, call: t.Call, frame: Frame) -> bool:
    """Whether an asynchronous session makes a coroutine here that nobody awaits."""
    name = reading.code.name(call.func, frame.scope)
    if _ASYNC.match(name) is None and not (_MADE.match(name) and _makes_async(reading)):
        return False
    return id(call) in unawaited(reading.code, frame.scope.module)


def _makes_async(reading: Reading) -> bool:
    """`sessionmaker(engine, class_=AsyncSession)`."""
    kinds = [argument(site.node, None, "class_") for site in reading.code.calls(_MAKER)]
    return bool(kinds) and all(kind is not None and last_name(kind) == "AsyncSession" for kind in kinds)  # fmt: skip


_MAKER = "sqlalchemy.orm.sessionmaker"
_ASKING = r"\.(?:get|get_one|execute|exec|scalars?|stream|stream_scalars)$"
_MADE = re.compile(re.escape(f"{_MAKER}()()") + _ASKING)
_ASYNC = re.compile(r"(?:sqlalchemy|sqlmodel)\.ext\.asyncio\.[\w.()]*" + _ASKING)


def _held_by_session(reading: Reading, entity: Entity, call: t.Call, frame: Frame) -> Row | None:
    """`session.get(User, user.id)` of an object that the same function has loaded, `session.get(Team, game.home_id)` of
    what was loaded with one: the session still has it, and asks nothing.

    Source: https://docs.sqlalchemy.org/en/20/orm/session_api.html#sqlalchemy.orm.Session.get.
    """
    match call:
        case t.Call(args=[_, t.Attr(value=t.Name() as owner, name=name)], keywords=[]):
            by = reading.thing(owner, frame)
        case _:
            return None
    if not isinstance(by, Row) or by.draft is None:
        return None
    is_own = by.entity is entity and entity.key is entity.column(name)
    held = by if is_own else _held_with(reading, by, by.draft, entity, name)
    if held is None:
        return None
    function, here, there = frame.scope.owner, reading.place(call, frame), by.draft.place
    if (here.path, here.symbol) != (there.path, there.symbol):
        return None
    assert isinstance(call.func, t.Attr)
    session, asked = t.dotted(call.func.value), False
    for node in t.walk(*function.body) if isinstance(function, t.Function) else ():
        match node:
            case t.For() | t.While() if there.line < node.line <= call.line <= node.end_line:
                return None  # what comes after it comes before it the next time
            case t.Call(func=t.Attr(value=value, name=last)) if t.dotted(value) == session:
                if there.line <= node.line < call.line:
                    asked = asked or last in _EXECUTES or last in ("get", "query")
                    if last in _FORGETS:
                        return None
            case t.Call(args=args) if there.line < node.line <= call.line and node is not call:
                if session and any(t.dotted(arg) == session for arg in args):
                    return None  # who gets it may commit
    return held if asked else None


def _held_with(reading: Reading, row: Row, draft: Draft, entity: Entity, name: str) -> Row | None:
    """The object that a key of another one names, where it was loaded with that."""
    column, along = row.entity.column(name), (*draft.along, row.entity.name)
    if column is None:
        return None
    for relation in row.entity.relations.values():
        if (relation.target, relation.local) != (entity.name, column.name) or relation.many:
            continue
        loads = bool(relation.eager) and not {relation.attribute, "*"} & draft.left
        loads = loads and goes_on(reading.entities, relation, along)
        if not looks_up(relation, entity) and (relation.attribute in draft.eager or loads):
            return Row(entity, replace(draft, along=along))
    return None


_FORGETS = {"commit", "rollback", "refresh", "expire", "expire_all", "expunge", "expunge_all", "close", "reset", "invalidate"}  # fmt: skip
_SESSION = re.compile(r"session|^s$|^db\w*$", re.I)
_PAGES = re.compile(r"fastapi_pagination\.ext\b")
"""A page has 50 records, and at most 100 unless a class of parameters of its own says otherwise.

Source: https://uriyyo-fastapi-pagination.netlify.app/learn/tutorial_user_guide/elements
"""
_MODELS = {
    "model",
    "_model",
    "cls",
    "klass",
    "entity",
    "model_class",
    "model_cls",
    "entity_class",
    "resource",
}


def _is_model(expr: t.Expr) -> bool:
    """`model`, `self.entity_class`: a model of which only the code that gives it knows which."""
    return isinstance(expr, t.Name | t.Attr) and last_name(expr) in _MODELS


def _of_some_model(reading: Reading, node: t.Node, frame: Frame, bound: Bound = Bound.UNKNOWN) -> Draft:  # fmt: skip
    return Draft(
        "sqlalchemy", None, reading.place(node, frame), loop=frame.loop, bound=bound, tentative=True,
        unresolved="the model is chosen at run time",
    )  # fmt: skip


def _is_sqlalchemy(reading: Reading, call: t.Call, frame: Frame) -> bool:
    name = reading.code.name(call.func, frame.scope)
    if isinstance(call.func, t.Name):
        return (
            name.startswith(("sqlalchemy", "sqlmodel", "flask_sqlalchemy", "sqlalchemy_utils"))
            or not name
        )
    assert isinstance(call.func, t.Attr)
    owner = t.dotted(call.func.value).rpartition(".")[2]
    if re.match(r"(?:sqlalchemy|sqlmodel)[\w.]*$|flask_sqlalchemy\.SQLAlchemy\(\)\.\w+$", name):
        return True
    if owner in ("sa", "sqlalchemy"):
        return True
    return owner == "db" and call.func.name in ("select", "exists") and not call.keywords


def start(reading: Reading, call: t.Call, operation: str, frame: Frame) -> Thing | None:
    """`select(User.id, User.name)`, `delete(User)`, `exists().where(…)`."""
    given: list[Thing | None] = []
    inner, computed = False, set[int]()
    for arg in call.args:
        thing = reading.thing(arg, frame)
        if lists := [x for x in each(thing) if isinstance(x, Listed)]:
            given += lists[0].items
        elif thing is None and isinstance(arg, t.Attr):
            owner = reading.thing(arg.value, frame)  # what the class computes: `User.full_name`
            computed |= {len(given)} if isinstance(owner, Class) else set()
            given.append(owner if isinstance(owner, Class) else None)
        else:
            given.append(thing)
    inner = any(isinstance(x, Draft | Result) for g in given for x in each(g))
    where: list[Condition] = [
        x.condition for x in given if isinstance(x, Holds) and operation == "exists"
    ]
    choices = [each(g) for g in given if any(isinstance(x, Class | Field | Related) for x in each(g))]  # fmt: skip
    aggregate = bool(given) and all(
        (isinstance(x, Field) and bool(_AGGREGATES.match(x.expression.partition("(")[0])))
        or (isinstance(x, Function) and bool(_AGGREGATES.match(x.name)))
        for g in given
        for x in each(g) or (None,)
    )
    columns_alone = all(i in computed or _is_column(g) for i, g in enumerate(given))
    made: list[Thing] = []
    for choice in itertools.islice(itertools.product(*choices), 40) if choices else [()]:
        entities = list({x.entity.name: x.entity for x in choice if isinstance(x, Class | Field | Related)}.values())  # fmt: skip
        draft = draft_of(entities[0] if entities else None, reading, call, frame)
        names = tuple(x.column.name for x in choice if isinstance(x, Field) and not x.expression)
        draft = replace(
            draft, operation="aggregate" if aggregate and operation == "select" else operation,
            tables=tuple(entities[1:]), where=tuple(where), correlated=operation == "exists",
            projection=names if len(names) == len(given) else (*names, "*") if columns_alone else (),
            bound=Bound.ONE if operation == "exists" or aggregate else Bound.UNKNOWN,
        )  # fmt: skip
        if draft.entity is None:
            if inner and operation == "exists":
                return next(x for g in given for x in each(g) if isinstance(x, Draft))
            reason = "it selects from a subquery" if _derived(call) else "the table is named at run time"  # fmt: skip
            if inner or any(isinstance(g, Function) and g.name == "subquery" for g in given):
                reason = ""  # of a query that is read on its own
            if not call.args and operation == "exists":
                reason = ""
            if call.args and all(
                isinstance(a, t.Const)
                or (isinstance(g, Statement | Function) and not _of_untold(reading, a, frame))
                for a, g in zip(call.args, given, strict=False)
            ):
                reason = ""  # select(1): no table, unless it says so later
            draft = replace(draft, unresolved=reason)
        if why := refusal(reading, call.args, frame):
            made.append(refused(reading, draft, why))
            continue
        made.append(reading.record(draft))
    return either(made)


def _is_column(thing: Thing | None) -> bool:
    """Whether what is selected makes no stored object: a column, what a function gives, a subquery."""
    every = each(thing)
    return bool(every) and all(isinstance(x, Field | Function | Holds | Draft | Result) for x in every)  # fmt: skip


def _of_untold(reading: Reading, expr: t.Expr, frame: Frame) -> bool:
    """`func.count(model.id)` of a model that is chosen at run time."""
    if not isinstance(expr, t.Call) or len(expr.args) != 1:
        return False
    given = expr.args[0]
    return (
        isinstance(given, t.Attr) and _is_model(given.value) and reading.thing(given, frame) is None
    )


def _derived(call: t.Call) -> bool:
    return any(isinstance(n, t.Attr) and n.name == "c" for a in call.args for n in t.walk_own(a))


def _legacy(reading: Reading, call: t.Call, frame: Frame) -> Told:
    """`session.query(User)`."""
    assert isinstance(call.func, t.Attr)
    receiver = t.dotted(call.func.value) or last_name(call.func.value)
    name = reading.code.name(call.func, frame.scope)
    likely = bool(re.search(r"(?:session|db|dbs|sess|conn\w*|s|query_class)$", receiver, re.I))
    if not likely and "sqlalchemy" not in name.lower():
        probe = [reading.thing(a, frame) for a in call.args]
        if not any(isinstance(x, Class | Field) for p in probe for x in each(p)):
            return None, False
    if reading.code.defined(call.func, frame.scope) is not None or not call.args:
        return None, False
    if isinstance(call.args[0], t.Const | t.Text) or isinstance(reading.thing(call.args[0], frame), Statement):  # fmt: skip
        return None, False
    return start(reading, call, "select", frame), True


def _execute(
    reading: Reading, call: t.Call, last: str, given: list[Thing | None], frame: Frame
) -> Thing | None:
    made: list[Thing] = []
    unsent = _is_unsent(reading, call, frame)
    for draft in each(given[0]):
        if not isinstance(draft, Draft):
            continue
        if unsent:
            reading.record(executed(draft, unresolved=_UNSENT))
            continue
        loop = frame.loop or draft.loop
        done = reading.record(executed(draft, loop=loop))
        if last in ONE:
            made.append(one_of(reading, done, frame))
        elif last in ("paginate", "apaginate"):
            paged(reading, done, call, page(reading, call, frame))
        elif last in ("fetch_all", "iterate", "read_sql", "read_sql_query"):
            made.append(many_of(reading, done))
        else:
            made.append(Result(done))
    return either(made)
