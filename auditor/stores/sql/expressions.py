"""Conditions written as expressions over columns, `User.id == 1`: SQLAlchemy, SQLModel, Peewee.

Sources: https://docs.sqlalchemy.org/en/20/core/operators.html,
https://docs.peewee-orm.com/en/latest/peewee/query_operators.html.
"""

from __future__ import annotations

from msgspec.structs import replace

from auditor.extract.python import tree as t
from auditor.link.scopes import Located
from auditor.model.values import Plain
from auditor.stores.flags import spelt
from auditor.stores.spans import span, till
from auditor.stores.sql.conditions import (
    NEVER,
    NOTHING,
    UNTOLD,
    Condition,
    Draft,
    Every,
    Link,
    Opposite,
    Some,
    Test,
    compared,
)  # fmt: skip
from auditor.stores.sql.entities import Entities, Entity, Relation
from auditor.stores.sql.reading.frames import Frame, Reading, reads_calls
from auditor.stores.sql.reading.things import (
    Either,
    Field,
    Function,
    Holds,
    Listed,
    Related,
    Thing,
    each,
    either,
)

_EQUAL = {"in_", "is_", "is_not_distinct_from", "any_", "__eq__", "is_null", "isnull"}
_RANGE = {"between", "startswith", "__gt__", "__lt__", "__ge__", "__le__"}
_UNEQUAL = {"notin_", "not_in", "isnot", "is_not", "is_distinct_from", "__ne__", "notlike", "not_like", "notilike", "not_ilike"}  # fmt: skip
_SCANNED = {
    "ilike", "contains", "icontains", "endswith", "iendswith", "istartswith", "op", "bool_op", "regexp_match", "regexp", "iregexp",
    "has_key", "has_any", "has_all", "overlap", "contained_by", "contains_any",
}  # fmt: skip
_SAME = {"asc", "label", "nullslast", "nullsfirst", "nulls_last", "nulls_first", "alias", "distinct", "self_group", "params",
         "converter"}  # fmt: skip
_OPERATORS = {"==": "equality", ">": "range", "<": "range", ">=": "range", "<=": "range"}
_OF_PYTHON = {"is", "is not", "in", "not in"}
_MOST_WAYS = 12
_SHIFTED = {"<<": "equality", ">>": "equality", "**": "scanned", "^": "scanned", "%": "scanned"}
"""Peewee's own operators: in, is, ilike, regexp, like."""
_FLAGS = {"Boolean", "bool", "BooleanField"}


def test(field: Field, how: str, values: tuple[Plain, ...] = ()) -> Condition:  # noqa: PT028
    """A column compared; behind a function only an index on that very expression serves it.

    What differs from a value, or is not like it, is nearly everything behind a function too.
    """
    if not field.expression or how == "unequal":
        return compared(field.entity, field.column, how, values)
    made = compared(field.entity, field.column, "scanned")
    return replace(made, applied=(field.expression, how)) if isinstance(made, Test) else made


def _of_null(condition: Condition, null: bool) -> Condition:
    return replace(condition, null=True) if null and isinstance(condition, Test) else condition


def _is_none(expr: t.Expr) -> bool:
    """`== None`, `.is_(None)`, `.is_(null())`."""
    return (isinstance(expr, t.Const) and expr.value is None) or t.last_word(
        t.callee(expr)
    ) == "null"


def comparison(
    reading: Reading, expr: t.Compare, left: Thing | None, right: Thing | None, frame: Frame
) -> Thing | None:
    """`User.id == 1`, `Item.owner_id == User.id`, `Item.owner == user`."""
    how, own, value = _OPERATORS.get(expr.ops[0], "unequal"), expr.left, expr.rights[0]
    if expr.ops[0] in _OF_PYTHON and isinstance(left, Field | Related):
        return _of_python(expr.ops[0], left)
    swapped = not isinstance(left, Field | Related) and isinstance(right, Field | Related)
    if swapped:
        left, right, own, value = right, left, value, own
    if how == "range":
        how = span(expr.ops[0], value, mirrored=swapped)
    match left, right:
        case Field(), Field() if not left.expression and not right.expression:
            if left.entity.table != right.entity.table:
                if how != "equality":
                    return Holds(Every(()))
                return Holds(
                    Link(left.entity.table, left.column.name, right.entity.table, right.column.name)
                )
            return Holds(Every(()))
        case Field(), Function(whole=True) if how == "equality" and not left.expression:
            return Holds(Link(left.entity.table, left.column.name, "", ""))
        case Field(), _:
            if left.expression.startswith(("count(", "sum(", "max(", "min(", "avg(")):
                return Holds(Every(()))
            if isinstance(right, Field | Function | None) and _of_record(reading, left.entity, own, value):  # fmt: skip
                return Holds(Every(()))
            if isinstance(own, t.Attr) and _of_each(reading, own.value, value, frame):
                return Holds(Every(()))
            given = spelt(reading.values, value, frame.scope) if how == "equality" else ()
            held = _of_null(test(left, how, given), how == "equality" and _is_none(value))
            if isinstance(held, Test) and how == "range":
                held = replace(held, till=till(expr.ops[0], mirrored=swapped))
            return Holds(held)
        case Related(entity=entity, relation=relation), _ if relation.local:
            return Holds(Test(entity.table, relation.local, how))
        case Function(whole=True), _ if right is None:
            return Holds(Test("", "", how))
        case Function(), _:
            return Holds(Every(()))  # of a subquery, or a figure
        case Either(things=things), _:
            made = [comparison(reading, expr, x, right, frame) for x in things]
            return next((m for m in made if m is not None), None) if len(made) == 1 else _any(made)
    return None


def _of_python(op: str, left: Field | Related) -> Holds:
    """`Item.sold is None`, `Item.size in sizes`: Python answers itself, and no column is compared.

    A column is no other object. What `==` gives when the list is gone through is true of Peewee, and false of
    SQLAlchemy where the two are not the same.
    """
    holds = left.entity.mapper == "peewee" if op.endswith("in") else False
    return Holds(NOTHING if holds is not op.startswith(("is not", "not")) else NEVER)


def _of_record(reading: Reading, entity: Entity, one: t.Expr, two: t.Expr) -> bool:
    """Whether a column is compared with what its own record has, or works out: no index serves that.

    `Item.stock <= Item.least`, where a subquery of the record gives the stock.
    """
    owners, others = (
        {
            t.dotted(node.value)
            for node in t.walk_own(side)
            if isinstance(node, t.Attr) and _is_of_record(reading, entity, node.name)
        }
        for side in (one, two)
    )
    asks = any(isinstance(n, t.Call) and t.last_word(n.func) in _ASKS for n in t.walk_own(two))
    return not asks and bool(owners & others - {""})


_ASKS = {"select", "query"}


def _of_each(reading: Reading, record: t.Expr, value: t.Expr, frame: Frame) -> bool:
    """Whether a value is a subquery that each record has its own of: no index of the column serves that.

    `Doc.version == select(func.max(New.version)).where(New.doc == Doc.doc).scalar_subquery()`: what the statement
    around reads already is left out of the subquery's tables, if that has others.
    Source: https://docs.sqlalchemy.org/en/20/tutorial/data_select.html#scalar-and-correlated-subqueries.
    """
    for source in reading.values.sources(value, frame.scope) if isinstance(value, t.Name) else [Located(value, frame.scope)]:  # fmt: skip
        calls = [n for n in t.walk_own(source.node) if isinstance(n, t.Call)]
        if any(t.last_word(call.func) in _ASKS for call in calls):
            named = {
                owner  # a step of the subquery has no name: to ask what it stands for tells it anew
                for n in t.walk_own(source.node)
                if isinstance(n, t.Attr) and (owner := t.dotted(n.value))
                if isinstance(reading.thing(n, frame), Field)
            }
            if t.dotted(record) in named and len(named) > 1:
                return True
    return False


def _is_of_record(reading: Reading, entity: Entity, name: str) -> bool:
    """Whether a class has a column or a hybrid of a name, its bases included."""
    if entity.column(name) is not None:
        return True
    code = reading.code
    kinds = map(code.definition, code.ancestry(entity.found)) if entity.found else ()
    return any(
        isinstance(bound.node, t.Function)
        and any(t.last_word(t.callee(d)) in _HYBRIDS for d in bound.node.decorators)
        for kind in kinds
        if kind is not None
        for bound in code.inside(kind).bindings.get(name, ())
    )


_HYBRIDS = {"hybrid_property", "hybrid_method", "expression", "comparator"}


def operation(left: Thing, op: str, right: t.Expr) -> Holds | None:
    """`User.id << ids`, `User.name ** "%x%"` of Peewee, where an operator compares."""
    if op not in _SHIFTED:
        return None
    if isinstance(left, Related) and left.relation.local and left.entity.mapper == "peewee":
        return Holds(Test(left.entity.table, left.relation.local, _SHIFTED[op]))
    if not isinstance(left, Field) or left.entity.mapper != "peewee":
        return None
    how = "prefix" if op == "%" and anchored(right) else _SHIFTED[op]
    return Holds(test(left, how))


@reads_calls
def reduced(
    reading: Reading, call: t.Call, last: str, base: Thing | None, frame: Frame
) -> tuple[Thing | None, bool]:
    """`reduce(operator.and_, conditions)`, `reduce(lambda a, b: a | b, conditions)`."""
    if last != "reduce" or len(call.args) < 2:
        return None, False
    joins, given = call.args[0], reading.thing(call.args[1], frame)
    match joins:
        case t.Lambda(body=t.BinOp(op=op)):
            any_ = op == "|"
        case t.Attr(name=name) | t.Name(id=name):
            any_ = name in ("or_", "ior", "__or__")
        case _:
            return None, False
    made: list[Thing] = []
    for one in each(given):
        if isinstance(one, Listed):
            parts = tuple(condition(item) for item in one.items)
            made.append(Holds(Some(parts) if any_ and parts else Every(parts)))
    return either(made), True


def _any(made: list[Thing | None]) -> Thing | None:
    kept = tuple(m for m in made if m is not None)
    return Either(kept) if kept else None


def column_call(field: Field, call: t.Call, name: str, given: list[Thing | None]) -> Thing | None:
    """`User.name.in_(names)`, `User.name.like("a%")`, `User.id.desc()`."""
    if name == "desc":
        return replace(field, way=-1)
    if name in _SAME:
        return field
    if name in _EQUAL:
        negated = name in ("is_null", "isnull") and any(
            isinstance(a, t.Const) and a.value is False for a in call.args
        )
        asked = call.args[:1] if name == "is_" else []
        if name == "in_" and call.args and isinstance(call.args[0], t.Seq):
            listed = call.args[0].items
            asked = listed if all(isinstance(x, t.Const) for x in listed) else []
        values = tuple(x.value for x in asked if isinstance(x, t.Const) and x.value is not None)
        null = not negated and (name in ("is_null", "isnull") or any(map(_is_none, asked)))
        return Holds(_of_null(test(field, "unequal" if negated else "equality", values), null))
    if name in _RANGE:
        return Holds(test(field, "prefix" if name == "startswith" else "range"))
    if name in _UNEQUAL:
        return Holds(test(field, "unequal"))
    if name == "like":
        return Holds(test(field, "prefix" if anchored(call.args[0] if call.args else None) else "scanned"))  # fmt: skip
    if name == "match" or _asks_for_words(call, name):
        return Holds(Test(field.entity.table, field.column.name, "text"))
    if name in _SCANNED:
        return Holds(test(field, "scanned"))
    # `Post.created.date() >= day`: what is compared is what a function makes of the column
    return replace(field, expression=field.expression or f"{name}({field.column.name})")


def _asks_for_words(call: t.Call, name: str) -> bool:
    """`vector.op("@@")`, or `vector.bool_op("@@")`: PostgreSQL's search of words.

    Source: https://www.postgresql.org/docs/current/functions-textsearch.html.
    """
    match call.args:
        case [t.Const(value="@@"), *_]:
            return name in ("op", "bool_op")
    return False


def words_of(columns: tuple[Field, ...], call: t.Call, name: str) -> Condition:
    """What is compared by `func.to_tsvector("english", Post.title + " " + Post.body).op("@@")(…)`: each column."""
    how = "text" if name == "match" or _asks_for_words(call, name) else "scanned"
    return Every(tuple(Test(x.entity.table, x.column.name, how) for x in columns))


def anchored(expr: t.Expr | None) -> bool:
    """Whether a pattern begins with a letter: `"ab%"`, `f"{name}%"`, `name + "%"`."""
    match expr:
        case t.Const(value=str(text)):
            return bool(text) and text[0] not in "%_"
        case t.Text(parts=[first, *_]):
            return anchored(first) if isinstance(first, t.Const) else True
        case t.BinOp(left=left):
            return anchored(left) if isinstance(left, t.Const | t.BinOp | t.Text) else True
        case t.Call(func=t.Attr(value=t.Const(value=str(text)), name="format")):
            return bool(text) and text[0] not in "%_"
    return False


def links(entity: Entity, relation: Relation, entities: Entities) -> tuple[Link, ...]:
    """The columns that join an entity with what a relation gives."""
    target = entities.by_name.get(relation.target)
    if target is None:
        return ()
    if relation.through is not None:
        table, own, other = relation.through
        one = entity.key.name if entity.key else "id"
        two = target.key.name if target.key else "id"
        return (Link(entity.table, one, table, own), Link(table, other, target.table, two))
    return (Link(entity.table, relation.local, target.table, relation.remote),)


def named(entity: Entity, name: str, values: tuple[Plain, ...] = ()) -> Condition | None:
    """What a keyword compares of a stored class: `filter_by(name="x")`, `filter_by(owner=user)`."""
    if (column := entity.column(name)) is not None:
        return compared(entity, column, values=values)
    if (relation := entity.relations.get(name)) is not None and relation.local:
        return Test(entity.table, relation.local)
    return None


def relation_call(
    reading: Reading, related: Related, call: t.Call, name: str, frame: Frame
) -> Thing | None:
    """`User.items.any(Item.price > 1)`, `Item.owner.has(name="x")`, `User.items.contains(item)`."""
    entities, given = reading.entities, [reading.thing(a, frame) for a in call.args]
    joined = links(related.entity, related.relation, entities)
    if name in ("any", "has"):
        inner = tuple(condition(g) for g in given)
        target = entities.by_name.get(related.relation.target)
        for keyword in call.keywords:
            values = spelt(reading.values, keyword.value, frame.scope)
            told = named(target, keyword.name, values) if target and keyword.name else None
            inner += (told or UNTOLD,)
        return Holds(Every((*joined, *inner)))
    if name in ("contains", "is_", "in_"):
        if related.relation.local and not related.relation.many:
            return Holds(Test(related.entity.table, related.relation.local))
        if joined:
            last = joined[-1]
            return Holds(Every((*joined[:-1], Test(last.other, last.remote) if len(joined) == 1 else Test(last.table, last.column))))  # fmt: skip
    return related


def condition(thing: Thing | None, expr: t.Expr | None = None) -> Condition:
    """A condition of what stands in a `where`."""
    match thing:
        case Holds(condition=found):
            return found
        case Field():
            return test(thing, "equality", (True,))
        case Listed(items=items):
            return Every(tuple(condition(i) for i in items))
        case Either(things=things):
            return condition(things[0])
        case Function() | Draft():
            return Every(())
    if isinstance(expr, t.Const):
        return NEVER if expr.value is False else NOTHING
    if expr is not None and isinstance(expr, t.Call):
        last = t.last_word(expr.func)
        if last in ("true", "false", "literal"):
            return Every(())
        if last == "exists":
            return Every(())
    return UNTOLD


def gathered(call: t.Call, given: list[Thing | None], any_: bool) -> Thing | None:
    """`and_(a, b)`, `or_(*conditions)`: of a list that has more in it in some runs, one for each."""
    ways: list[tuple[Condition, ...]] = [()]
    for expr, thing in zip(call.args, given, strict=False):
        lists = [x for x in each(thing) if isinstance(x, Listed)]
        options = [tuple(map(condition, x.items)) for x in lists] or [(condition(thing, expr),)]
        ways = [(*way, *option) for way in ways for option in options][:_MOST_WAYS]
    return either([Holds(Some(way) if any_ and way else Every(way)) for way in ways])


def negated(thing: Thing | None) -> Thing | None:
    match thing:
        case Holds(condition=found):
            return Holds(Opposite(found))
        case Field(column=column):
            if column.type in _FLAGS:
                return Holds(test(thing, "equality", (False,)))
            return Holds(test(thing, "unequal"))
    return thing


def class_attribute(entity: Entity, name: str) -> Thing | None:
    """A column or relation as an attribute of its class."""
    if (relation := entity.relations.get(name)) is not None and name not in entity.columns:
        return Related(entity, relation)
    if (column := entity.column(name)) is not None:
        return Field(entity, column)
    return None
