"""The steps of a statement or query of SQLAlchemy: what each adds, and what is taken of it in the end.

Sources: https://docs.sqlalchemy.org/en/20/orm/queryguide/, https://docs.sqlalchemy.org/en/14/orm/query.html.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from auditor.extract.python import tree as t
from auditor.link.decisions import passed_by, rest_of
from auditor.link.scopes import Located, argument
from auditor.model.data import Bound
from auditor.model.values import Plain
from auditor.stores.flags import spelt
from auditor.stores.sql.conditions import (
    COMPUTED,
    NOTHING,
    Condition,
    Draft,
    Every,
    Link,
    Loaded,
    Outer,
    Test,
    Untold,
    no_column,
    tables_of,
)
from auditor.stores.sql.entities import Entity
from auditor.stores.sql.expressions import condition, links, named
from auditor.stores.sql.reading.frames import Frame, Reading
from auditor.stores.sql.reading.things import (
    Class,
    Field,
    Function,
    Holds,
    Keyed,
    Listed,
    Related,
    Result,
    Row,
    Rows,
    Thing,
    each,
    either,
    executed,
)
from auditor.stores.sql.sqlalchemy.attributes import refusal, unknown_name
from auditor.stores.sql.sqlalchemy.columns import kind_of
from auditor.stores.sql.sqlalchemy.relations import LOADS, looks_up, spoken

ONE = {"first", "one", "one_or_none", "scalar_one", "scalar_one_or_none", "scalar", "fetchone", "fetch_one",
        "fetch_val", "first_or_404", "one_or_404", "first_or_none"}  # fmt: skip
_NARROW = {"where", "filter", "filter_by", "having", "group_by", "order_by", "join", "outerjoin"}
_LEAVES = {"lazyload", "raiseload", "noload"}
"""Options by which a relation is not loaded with its objects, and by the last two never."""
_KEEP = {"subquery", "cte", "alias", "self_group", "label",
         "correlate_except", "execution_options", "params", "with_for_update", "yield_per", "enable_eagerloads",
         "populate_existing", "autoflush", "distinct", "having", "returning", "values", "prefix_with",
         "add_columns", "with_entities", "column", "add_column", "reset_joinpoint", "enable_assertions", "offset",
         "with_loader_criteria", "on_conflict_do_nothing", "on_conflict_do_update", "unique"}  # fmt: skip


_DISTANCE = re.compile(r"(?:cosine|l[12]|hamming|jaccard)_distance\(|max_inner_product\(")
"""What pgvector orders by: its index finds the nearest, whatever else is asked of them (https://github.com/pgvector/pgvector#filtering)."""
_INDEXABLE = re.compile(r"(?:lower|upper|date|coalesce|length|trim|abs)\(")
"""What an index can keep the order of: not what is worked out for the question, as a rank is."""


def draft_of(entity: Entity | None, reading: Reading, node: t.Node, frame: Frame) -> Draft:
    mapper = entity.mapper if entity is not None else "sqlalchemy"
    return Draft(mapper, entity, reading.place(node, frame), loop=frame.loop)


def by_key(entity: Entity, reading: Reading, call: t.Call, frame: Frame) -> Draft:
    keys = tuple(Test(entity.table, c.name) for c in entity.stored() if c.primary)
    draft = replace(draft_of(entity, reading, call, frame), operation="get", bound=Bound.ONE)
    return replace(draft, where=keys or (Untold("the primary key is not known"),))


def method(
    reading: Reading, draft: Draft, call: t.Call, last: str, frame: Frame
) -> Thing | None:  # fmt: skip
    """One step of a chain on a statement or a query."""
    every = (*call.args, *(keyword.value for keyword in call.keywords))
    why = refusal(reading, every, frame)
    if last == "filter_by":
        why = why or unknown_name(reading, (*draft.tables, draft.entity), call)
    if why:
        return refused(reading, draft, why)
    if draft.compound and last in _NARROW:
        for arg in call.args:
            reading.thing(arg, frame)
        return draft
    match last:
        case "where" | "filter" | "filter_by" | "having":
            if last == "having":
                for arg in call.args:
                    reading.thing(arg, frame)
                # what is asked of the groups leaves some of them, and finds no row
                return reading.record(executed(draft, where=(*draft.where, NOTHING)))
            return _filtered(reading, draft, call, last, frame)
        case "get" | "get_or_404" | "get_one":
            for arg in call.args:
                reading.thing(arg, frame)
            if draft.entity is None:
                done = reading.record(executed(draft, operation="get", bound=Bound.ONE))
                return Result(done)
            key = by_key(draft.entity, reading, call, frame)
            done = reading.record(executed(draft, operation="get", bound=Bound.ONE, where=(*draft.where, *key.where)))  # fmt: skip
            return Row(draft.entity, done)
        case "group_by":
            return reading.record(executed(draft, grouped=True, sort=draft.sort and ()))
        case "order_by":
            ordered = _ordered(reading, draft, call, frame)
            return reading.record(replace(ordered, sort=()) if draft.grouped else ordered)
        case "limit" | "fetch" | "slice":
            size = call.args[-1] if call.args else None
            bound = reading.bounds.of(size, frame.scope) if size is not None else Bound.UNKNOWN  # fmt: skip
            operation = draft.bound if draft.bound is Bound.ONE else Bound.UNKNOWN
            return reading.record(executed(draft, limited=bound, bound=operation))
        case "select_from" if (
            draft.entity is None
            and draft.operation == "aggregate"
            and (
                inner := [
                    x
                    for a in call.args
                    for x in each(reading.thing(a, frame))
                    if isinstance(x, Draft)
                ]
            )
        ):  # how many a subquery gives
            return either(
                [
                    reading.record(
                        executed(
                            x,
                            place=draft.place,
                            operation="aggregate",
                            sort=(),
                            bound=Bound.ONE,
                            limited=None,
                        )
                    )
                    for x in inner
                ]
            )
        case "join" | "outerjoin" | "join_from" | "outerjoin_from" | "select_from":
            return _joined(reading, draft, call, last, frame)
        case "options":
            return reading.record(loaded_with(reading, draft, call.args, frame))
        case "count":
            figure(reading, draft)
            return None
        case "exists":
            return reading.record(
                executed(draft, operation="exists", bound=Bound.ONE, correlated=True)
            )
        case "scalar_subquery" | "as_scalar" | "correlate" | "lateral":
            return reading.record(executed(draft, correlated=True))
        case "first" | "one" | "one_or_none" | "first_or_404" | "one_or_404" | "scalar" | "scalar_one" | "scalar_one_or_none":  # fmt: skip
            return one_of(reading, draft, frame)
        case "all" | "fetchall" | "scalars" | "tuples":
            return many_of(reading, draft)
        case "paginate":
            done = paged(reading, draft, call, page(reading, call, frame))
            return Rows(draft.entity, done) if draft.entity is not None else None
        case "delete" | "update":
            if draft.entity is not None or draft.unresolved:
                for arg in call.args:
                    reading.thing(arg, frame)
                return reading.record(executed(draft, operation=last))
        case "where_in":
            for arg in call.args:
                reading.thing(arg, frame)
            return draft
        case "union" | "union_all" | "intersect" | "intersect_all" | "except_" | "except_all":
            for arg in call.args:
                reading.thing(arg, frame)
            return reading.record(executed(draft, compound=True))
        case "with_entities" | "with_only_columns":
            given = [reading.thing(a, frame) for a in call.args]
            aggregate = bool(given) and all((isinstance(g, Field) and "(" in g.expression) or isinstance(g, Function) for g in given)  # fmt: skip
            return reading.record(executed(draft, operation="aggregate" if aggregate else draft.operation, projection=("*",)))  # fmt: skip
        case "in_" | "notin_" | "not_in" | "asc" | "desc" | "is_":
            return None
    for arg in call.args:
        reading.thing(arg, frame)
    if last in _KEEP:
        return draft
    found = reading.code.methods_named(last)
    if len(found) == 1 and isinstance(call.func, t.Attr):  # a method of the tree's own query class
        made = reading.bind(found[0], call, frame, [reading.thing(a, frame) for a in call.args])
        return made if isinstance(made, Draft | Row | Rows) else draft
    return draft


def refused(reading: Reading, draft: Draft, why: str) -> Draft:
    """A statement that ends with an error before anything is asked: nothing is loaded with it either."""
    return reading.record(executed(draft, unresolved=why, besides=()))


def figure(reading: Reading, draft: Draft) -> None:
    """How many a query finds, whatever their order."""
    reading.record(executed(draft, operation="count", bound=Bound.ONE, sort=()))


def _filtered(
    reading: Reading, draft: Draft, call: t.Call, last: str, frame: Frame
) -> Thing | None:
    ways: list[list[Condition]] = [[]]
    if last == "filter_by":
        ways = [
            [
                _keyword(draft, keyword.name, spelt(reading.values, keyword.value, frame.scope))
                for keyword in call.keywords
                if keyword.name
            ]
        ]
        for keyword in call.keywords:
            inner = reading.thing(keyword.value, frame)
            if keyword.name is None:
                ways[0].append(_open(draft, inner))
    for arg in call.args:
        options = each(reading.thing(arg, frame)) or (None,)
        found = _of_its_own([condition(option, arg) for option in options[:_MOST]], draft)[:8]
        ways = [[*way, one] for way in ways for one in found][:12]
    made: list[Thing] = []
    for way in ways:
        entity = draft.entity or _first_entity(reading, way)
        reason = "" if entity is not None and not draft.entity else draft.unresolved
        added = combined_of(way)
        made.append(reading.record(executed(draft, where=(*draft.where, added), entity=entity, unresolved=reason)))  # fmt: skip
    return either(made)


_MOST = 60
"""Things that an argument may be, of which those are taken that fit."""


def _of_its_own(found: list[Condition], draft: Draft) -> list[Condition]:
    """Of a class's models, `query(self.model).filter(self.model.id == id)`, the one that is queried."""
    known = {draft.table, *(entity.table for entity in draft.tables)}
    known |= {link.other for link in draft.joins}
    own = [x for x in found if tables_of(x) <= known] if draft.entity is not None else []
    return own or found


def combined_of(parts: list[Condition]) -> Condition:
    return parts[0] if len(parts) == 1 else Every(tuple(parts))


def _first_entity(reading: Reading, parts: list[Condition]) -> Entity | None:
    """`exists().where(Item.owner_id == User.id)`: the table that stands on the left."""
    for part in parts:
        match part:
            case Test(table=table) | Link(table=table):
                return reading.entities.by_table.get(table)
            case Every(parts=inner):
                if found := _first_entity(reading, list(inner)):
                    return found
    return None


def _keyword(draft: Draft, name: str, values: tuple[Plain, ...] = ()) -> Condition:
    for entity in (*draft.tables[-1:], draft.entity):
        if entity is not None and (told := named(entity, name, values)) is not None:
            return told
    return Untold(no_column(name)) if draft.entity else Untold("the table is named at run time")


def _open(draft: Draft, given: Thing | None) -> Condition:
    if isinstance(given, Keyed) and not given.open_:
        return Every(tuple(_keyword(draft, name) for name, _ in given.names))
    return Untold("its conditions are named at run time")


def _ordered(reading: Reading, draft: Draft, call: t.Call, frame: Frame) -> Draft:
    sort: list[tuple[str, str, int]] = list(draft.sort or ())
    given: list[Thing | None] = []
    for arg in call.args:
        thing = reading.thing(arg, frame) or _named_column(reading, draft, arg)
        given += thing.items if isinstance(thing, Listed) else [thing]
    for thing in given:
        match thing:
            case Field(expression=""):
                table = thing.column.table or thing.entity.table
                sort.append((table, thing.column.name, thing.way))
            case Field() if _INDEXABLE.match(thing.expression):
                sort.append((thing.entity.table, thing.expression, thing.way))
            case Field(column=column) if _DISTANCE.match(thing.expression) and draft.where:
                why = Untold(COMPUTED.format(column=column.name))
                return executed(draft, where=(*draft.where, why), sort=())
            case _:
                return executed(draft, sort=())  # by what the code computes: no index is asked for
    return executed(draft, sort=tuple(sort))


def _named_column(reading: Reading, draft: Draft, given: t.Expr) -> Field | None:
    """`order_by("made")`, `order_by(desc("made"))`: a column of what is selected, unless a label is called so.

    Source: https://docs.sqlalchemy.org/en/20/tutorial/data_select.html#ordering-or-grouping-by-a-label.
    """
    match given:
        case t.Call(func=func, args=[inner]) if t.last_word(func) in ("asc", "desc"):
            named = _named_column(reading, draft, inner)
            down = named is not None and t.last_word(func) == "desc"
            return replace(named, way=-1) if named is not None and down else named
        case t.Const(value=str(name)) if draft.mapper == "sqlalchemy" and (
            not draft.projection or name in draft.projection
        ):
            entity = draft.entity if draft.operation == "select" and not draft.grouped else None
            columns = entity.columns.values() if entity is not None else ()
            column = next((c for c in columns if c.name == name), None)
            if entity is not None and column is not None and not _labels(reading, draft, name):
                return Field(entity, column)
    return None


def _labels(reading: Reading, draft: Draft, name: str) -> bool:
    """Whether the file of a query calls anything that is selected so."""
    labels = reading.code.method_calls("label")
    near = (site for site in labels if site.path == draft.place.path)
    return any(reading.values.text(site.arg(0, "name"), site.scope) == name for site in near)


def _joined(reading: Reading, draft: Draft, call: t.Call, last: str, frame: Frame) -> Thing | None:
    """What each way of a join asks: `outerjoin(Sale, and_(*conditions))` of a list that has more in it in some runs."""
    given = [reading.thing(a, frame) for a in call.args]
    given += [reading.thing(k.value, frame) for k in call.keywords if k.name in ("onclause", "target", "on")]  # fmt: skip
    ways: list[list[Thing | None]] = [[]]
    for thing in given:
        held = each(thing) if all(isinstance(x, Holds) for x in each(thing)) else ()
        ways = [[*way, x] for way in ways for x in held or (thing,)][:12]
    return either([_join(reading, draft, call, last, way) for way in ways])


def _join(
    reading: Reading, draft: Draft, call: t.Call, last: str, given: list[Thing | None]
) -> Draft:
    made, tables = list(draft.joins), list(draft.tables)
    entity, reason, left = draft.entity, draft.unresolved, draft.left
    asked: list[Condition] = []
    kind = argument(call, 1, "join_type")  # Peewee's JOIN.LEFT_OUTER
    outer = last.startswith("outer") or argument(call, None, "isouter") is not None
    outer = outer or (kind is not None and t.last_word(kind).endswith("_OUTER"))
    for thing in given:
        match thing:
            case Class(entity=other):
                if entity is None:
                    entity, reason = other, ""
                    if last != "select_from":  # what is only joined is not brought
                        left |= {"*"}
                elif last == "select_from":
                    if other is not entity:
                        tables.append(other)
                else:
                    present = [x for x in (*reversed(tables), entity) if x is not other]
                    if other is not entity:
                        tables.append(other)
                    if not any(isinstance(g, Holds | Related | Field) for g in given):
                        made += _between(present, other)
            case Field(entity=owner, column=column):  # on=Letter.sender
                if (key := owner.relations.get(column.attribute)) is not None:
                    made += links(owner, key, reading.entities)
            case Related(entity=owner, relation=relation):
                if entity is None:
                    entity, reason = owner, ""
                made += links(owner, relation, reading.entities)
                target = reading.entities.by_name.get(relation.target)
                if target is not None and target not in tables:
                    tables.append(target)
            case Holds(condition=on):
                asked.append(on)
            case Draft():
                if entity is None:
                    reason = ""
    if outer:
        brought = tables[-1].table if len(tables) > len(draft.tables) else ""
        made[len(draft.joins) :] = [
            replace(x, outer=True, brought=brought) for x in made[len(draft.joins) :]
        ]
        asked = [Outer(on, brought) for on in asked]
    if entity is None and not reason and last == "select_from" and call.args and not any(given):
        reason = "the table is named at run time"
    return reading.record(executed(draft, entity=entity, unresolved=reason, joins=tuple(made), tables=tuple(tables), where=(*draft.where, *asked), left=left))  # fmt: skip


def _between(present: list[Entity], other: Entity) -> list[Link]:
    """`select(User).join(Address)`: by the foreign key of one to the other, the table that was joined last first.

    Source: https://docs.sqlalchemy.org/en/20/orm/queryguide/select.html#joins.
    """
    for entity in present:
        for one, two in ((entity, other), (other, entity)):
            for column in one.columns.values():
                head, _, remote = column.target.rpartition(".")
                if head == two.table:
                    return [Link(one.table, column.name, two.table, remote)]
    return []


def loaded_with(reading: Reading, draft: Draft, options: Iterable[t.Expr], frame: Frame) -> Draft:
    """`options(selectinload(User.items).joinedload(Item.tags))`, `session.get(User, id, options=[…])`."""
    names, loads, loaded, left = set(draft.eager), [*draft.loads], [*draft.loaded], set(draft.left)
    besides, criteria = [*draft.besides], [*draft.criteria]
    for arg, at in [option for given in options for option in _options(reading, given, frame)]:
        nodes = list(t.walk_own(arg))
        calls = [(n, kind_of(reading.code, n, at.scope)) for n in nodes if isinstance(n, t.Call)]
        loading = [(option, how) for option, how in calls if how in LOADS | _LEAVES]
        asking = [option for option, how in calls if how == "with_loader_criteria"]
        criteria += [told for option in asking for told in _criteria(reading, option, at)]
        for option, how in loading:
            if how in _LEAVES:
                named = set(spoken([x for given in option.args for x in t.walk_own(given)]))
                left |= named
                names |= named if how != "lazyload" else set()
        if all(how in _LEAVES for _, how in loading):
            if isinstance(arg, t.Star | t.Name):
                names |= {"*"}
            continue
        names.update(spoken(nodes))
        for way in _ways(reading, arg, at):
            told, with_them = _loading(reading, way, besides, at)
            loads += told
            loaded += with_them
    return executed(
        draft, eager=frozenset(names), loads=tuple(dict.fromkeys(loads)), loaded=tuple(loaded), left=frozenset(left),
        besides=tuple(besides), criteria=tuple(criteria),
    )  # fmt: skip


def _criteria(reading: Reading, option: t.Call, frame: Frame) -> Iterator[tuple[str, Condition]]:
    """What `with_loader_criteria(Item, Item.shop_id == id)` asks of each table, also of a base or a mixin, by a function of the class.

    Source: https://docs.sqlalchemy.org/en/20/orm/queryguide/api.html#sqlalchemy.orm.with_loader_criteria.
    """
    base, asked = argument(option, 0, "entity_or_base"), argument(option, 1, "where_criteria")
    found = reading.code.defined(base, frame.scope) if isinstance(base, t.Name | t.Attr) else None
    if base is None or asked is None:
        return
    entities = [x.entity for x in each(reading.thing(base, frame)) if isinstance(x, Class)]
    if not entities and found is not None:
        heirs = map(reading.code.own_name, reading.entities.heirs(reading.code.own_name(found)))
        entities = [reading.entities.by_name[x] for x in heirs if x in reading.entities.by_name]
    for entity in entities:
        match asked:
            case t.Lambda(params=[param, *_], body=body):
                inner = Frame(frame.scope.module.scopes.get(id(asked), frame.scope), frame, depth=frame.depth)  # fmt: skip
                inner.names[param.name] = Class(entity)
                yield entity.table, condition(reading.thing(body, inner), body)
            case _:
                yield entity.table, condition(reading.thing(asked, frame), asked)


def _options(reading: Reading, given: t.Expr, frame: Frame) -> list[tuple[t.Expr, Frame]]:
    """The options of `options(*options)`, each with where it is spelt: in the call that hands them to the function, in
    a list that a class or a module keeps."""
    match given:
        case t.Star(value=value):
            return _options(reading, value, frame)
        case t.Seq(items=items):
            return [found for item in items for found in _options(reading, item, frame)]
        case t.Name(id=name) if frame.called is not None and (passed := _handed(frame, name)) is not None:  # fmt: skip
            return [found for x in passed for found in _options(reading, x, frame.called[1])]
        case t.Name(id=name) if name in frame.scope.bindings and frame.scope.function is not None:
            return [(given, frame)]  # of any call, or of several lists
        case t.Name(id=name) if calls := _around(reading, name, frame):
            return [found for x, at in calls for found in _options(reading, x, at)]
        case t.Name() | t.Attr():
            match reading.values.sources(given, frame.scope):
                case [Located(node=t.Seq() | t.Call() as kept, scope=scope)]:
                    return _options(reading, kept, Frame(scope, depth=frame.depth))
    return [(given, frame)]


def _handed(frame: Frame, name: str) -> list[t.Expr] | None:
    """What the call that is read hands to a parameter which the function leaves as it is."""
    function = frame.scope.function
    if frame.called is None or function is None or len(frame.scope.bindings.get(name, ())) != 1:
        return None
    return _handed_by(frame.called[0], function, name)


def _handed_by(call: t.Call, function: t.Function, name: str) -> list[t.Expr] | None:
    """What a call hands to a parameter, or to `*options` all of it."""
    if any(p.name == name and p.kind == "args" for p in function.params):
        return rest_of(function, call)
    given = passed_by(function, call).get(name)
    return [given] if given is not None else None


def _around(reading: Reading, name: str, frame: Frame) -> list[tuple[t.Expr, Frame]]:
    """What calls hand to the function around this one, which it returns: `Depends(item_with(selectinload(Item.tags)))`."""
    found = reading.code.find(name, frame.scope)
    where, bindings = found if found is not None else (frame.scope, [])
    function = where.function
    if function is None or where is frame.scope or [b.kind for b in bindings] != ["parameter"]:
        return []
    sites = reading.code.calls(f"{where.module.path}:{where.qualname}")
    return [
        (x, Frame(site.scope, depth=frame.depth))
        for site in sites
        for x in _handed_by(site.node, function, name) or ()
    ]


_Way = list[tuple[str, Related, t.Expr]]


def _ways(reading: Reading, option: t.Expr, frame: Frame) -> Iterator[_Way]:
    """The relations that an option goes along, `selectinload(A.b).options(joinedload(B.c), joinedload(B.d))`."""
    steps: _Way = []
    further: list[t.Expr] = []
    while isinstance(option, t.Call):
        if isinstance(option.func, t.Attr) and option.func.name == "options":
            further += option.args
        else:
            thing = reading.thing(option.args[0], frame) if option.args else None
            if isinstance(thing, Related):
                steps.insert(0, (kind_of(reading.code, option, frame.scope), thing, option.args[0]))
        option = option.func.value if isinstance(option.func, t.Attr) else option.func
    yield from (steps + way for each in further for way in _ways(reading, each, frame))
    if not further:
        yield steps


def _loading(
    reading: Reading, way: _Way, besides: list[Draft], frame: Frame
) -> tuple[list[Link], list[Loaded]]:
    """The links by which one option joins what it loads to the objects that are asked for, and what it loads.

    `subqueryload` joins what it loads to the query itself, all of it; `selectinload` asks anew for each 500
    objects. What is found by its own key is told by the query that asks for it.
    Source: https://docs.sqlalchemy.org/en/20/orm/queryguide/relationships.html.
    """
    joined: list[Link] = []
    told: list[Link] = []
    apart = False
    loaded: list[Loaded] = []
    along = frozenset[str]()
    for how, related, at in way:
        along |= {related.entity.name}
        target = reading.entities.by_name.get(related.relation.target)
        if how in ("joinedload", "subqueryload") and not apart:
            added = links(related.entity, related.relation, reading.entities)
            joined += (replace(link, outer=True) for link in added)
            if target is not None and looks_up(related.relation, target):
                told = [*joined]
        elif how in LOADS and how != "contains_eager":
            apart = True
            if target is not None and looks_up(related.relation, target):
                besides.append(_second_query(reading, related, target, at, frame))
        if target is not None and how in LOADS:
            along = along if how != "immediateload" else frozenset()
            loaded.append(Loaded(target, None if apart else tuple(joined), along))
    return told, loaded


def _second_query(
    reading: Reading, related: Related, target: Entity, at: t.Expr, frame: Frame
) -> Draft:
    """What `selectinload` asks besides: the objects of the other side, by their key to this one."""
    through = related.relation.through
    table, column = (through[0], through[1]) if through else (target.table, related.relation.remote)
    asked: list[Condition] = []
    if isinstance(at, t.Call) and t.last_word(at.func) == "and_":  # Shelf.books.and_(Book.lent)
        asked = [condition(reading.thing(x, frame), x) for x in at.args]
    made = reading.record(
        replace(
            draft_of(target, reading, at, frame), operation="join", where=(Test(table, column), *asked),
            joins=links(related.entity, related.relation, reading.entities)[1:],
        )
    )  # fmt: skip
    reading.dropped[id(made)] = made  # it is asked where and if the query is that names it
    return made


def paged(reading: Reading, draft: Draft, call: t.Call, bound: Bound) -> Draft:
    """A page of what a query finds, and how many there are of all, which is asked besides.

    Source: https://flask-sqlalchemy.readthedocs.io/en/stable/api/#flask_sqlalchemy.pagination.Pagination (`count`).
    """
    match argument(call, None, "count"):
        case t.Const(value=False):
            pass
        case _:
            figure(reading, draft)
    return reading.record(executed(draft, bound=bound))


def page(reading: Reading, call: t.Call, frame: Frame) -> Bound:
    """Flask-SQLAlchemy's `paginate` gives 20, at most 100 unless told otherwise."""
    size = argument(call, None, "per_page", "page_size", "limit")
    if size is None or argument(call, None, "max_per_page") is not None:
        return Bound.LIMITED
    return reading.bounds.of(size, frame.scope)


def one_of(reading: Reading, draft: Draft, frame: Frame) -> Thing:
    bound = draft.bound if draft.bound is not Bound.UNKNOWN else Bound.ONE
    done = reading.record(executed(draft, bound=bound))
    if draft.entity is not None and not draft.projection and draft.operation == "select":
        return Row(draft.entity, done)
    return Holds()


def many_of(reading: Reading, draft: Draft) -> Thing:
    bound = draft.bound if draft.bound is not Bound.UNKNOWN else draft.limited or Bound.NONE
    done = reading.record(executed(draft, bound=bound))
    if draft.entity is not None and not draft.projection:
        return Rows(draft.entity, done)
    return Result(done)


def taken(
    reading: Reading, result: Result, call: t.Call, last: str, frame: Frame
) -> Thing | None:  # fmt: skip
    for arg in call.args:
        reading.thing(arg, frame)
    if last in ONE:
        return one_of(reading, result.draft, frame)
    if last in ("all", "fetchall", "partitions"):
        return many_of(reading, result.draft)
    return result
