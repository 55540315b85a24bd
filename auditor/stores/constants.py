"""Collections and tables that stay small because only the code's own lists fill them.

Lookup tables (percentiles by age, kinds, countries): a migration or a literal list fills them, and
nothing of the application adds to them. No index is worth its upkeep there. Whatever could add a
record in a way that is not read here (a form, an admin page, an upsert) makes a table an ordinary one.
"""

from __future__ import annotations

import functools
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Set

import msgspec
import re2

from auditor.extract.python import tree as t
from auditor.link.application import Application, provides
from auditor.link.names import Code
from auditor.link.scopes import CallSite, Located, place_of
from auditor.model.data import Bound, Constant, Index, Query
from auditor.model.places import Place
from auditor.stores.few import NAME, Few
from auditor.stores.flags import spelt
from auditor.stores.literals import Literals
from auditor.stores.makings import (
    MADE,
    at_creation,
    creations,
    handed_on,
    is_handed_over,
    made_through,
    made_unnamed,
    makings,
)
from auditor.stores.mongo.additions import INSERTING, UPSERTING, Additions, upserts
from auditor.stores.sql.entities import Entities, Entity
from auditor.stores.sql.statements.files import (
    read_files,
    routines,
    sql_files,
    words_of_others,
)
from auditor.stores.waiting.errands import Asked, Errands
from auditor.stores.waiting.once import runs_once

_ADDING = {"create", "bulk_create", "get_or_create", "update_or_create", "save"}
_READING = {
    "all", "filter", "exclude", "get", "order_by", "values", "values_list", "only", "first", "last",
    "count", "exists", "in_bulk", "annotate", "aggregate", "none", "select_related", "prefetch_related",
}  # fmt: skip
_REFERRING = {"ForeignKey", "OneToOneField", "get_object_or_404", "get_list_or_404"}
"""What is handed a model of Django to read its records, or to refer to them."""


class Seeded(msgspec.Struct, frozen=True):
    """A model of Django that an errand fills with constants; `alone` where nothing else adds to it."""

    table: str
    alone: bool


@provides(Constant)
def filled_once(application: Application) -> Iterator[Constant]:
    """Django's models that a migration fills and the application only reads."""
    (entities,) = application.facts(Entities)
    code = application.code
    models = {
        e.found.node.name: e  # type: ignore[attr-defined]
        for e in entities
        if e.mapper == "django" and e.found is not None
    }
    filled: set[str] = set()
    for module in code.modules.values():
        if not models or not runs_once(module):
            continue
        calls = [n for n, _ in code.nodes(module) if type(n) is t.Call]
        named = {
            arg.value
            for call in calls
            if isinstance(call.func, t.Attr) and call.func.name == "get_model"
            for arg in call.args[-1:]
            if isinstance(arg, t.Const) and isinstance(arg.value, str)
        }
        if any(isinstance(call.func, t.Attr) and call.func.name in _ADDING for call in calls):
            filled |= {name.rpartition(".")[2] for name in named}
    left = filled & models.keys()
    if not left:
        return
    for module in code.modules.values():
        if not runs_once(module):
            left -= _used_otherwise(code.nodes(module), left)
    for name in sorted(left):
        if len(entities.by_class[name]) == 1:
            why = "a migration fills it, and the application only reads it"
            yield Constant("sql", models[name].table, why)


@provides(Constant)
def one_for_each_choice(application: Application) -> Iterator[Constant]:
    """Django's models with a record for each of a field's choices: `State.objects.get(code=State.PAID)` finds one.

    Not where something of the tree makes records of them.
    """
    (entities,) = application.facts(Entities)
    listed = {
        entity.table: (entity, {column.name for column in entity.stored() if column.listed})
        for entity in entities
        if entity.mapper == "django" and entity.found is not None
    }
    seen: set[str] = set()
    for query in application.facts(Query):
        entity, names = listed.get(query.collection, (None, set()))
        alone = query.equality[0] if len(query.equality) == 1 and not query.range else ""
        if query.operation != "get" or entity is None or alone not in names or query.scanned:
            continue
        if query.collection not in seen and not any(True for _ in makings(application, entity)):
            seen.add(query.collection)
            why = f"it has a record for each choice of {alone}, by which get finds one"
            yield Constant("sql", query.collection, why)


_OF_DJANGO = ("django_content_type", "auth_permission", "django_site")


@provides(Constant)
def of_the_framework(application: Application) -> Iterator[Constant]:
    """What Django fills by itself, with a record or a few for each model of the project.

    Source: https://docs.djangoproject.com/en/stable/ref/contrib/contenttypes/
    """
    (entities,) = application.facts(Entities)
    if any(e.mapper == "django" for e in entities):
        for table in _OF_DJANGO:
            yield Constant(
                "sql", table, "Django keeps a few records there, by the project's models"
            )


def _used_otherwise(nodes: Iterable[tuple[t.Node, object]], names: set[str]) -> set[str]:
    """Which of these classes are spoken of in another way than to read their records."""
    reading: set[int] = set()
    spoken: list[tuple[str, int]] = []
    for node, _ in nodes:
        match node:
            case t.Attr(value=t.Attr(name="objects", value=owner), name=name) if name in _READING:
                reading.add(id(owner))
            case t.Call(func=func, args=args, keywords=given) if t.last_word(func) in _REFERRING:
                reading |= {id(x) for x in (*args[:1], *(k.value for k in given if k.name == "to"))}
            case t.Name(id=name) | t.Attr(name=name) if name in names:
                spoken.append((name, id(node)))
            case t.Const(value=str(text)) if text.rpartition(".")[2] in names:
                spoken.append((text.rpartition(".")[2], id(node)))
    return {name for name, key in spoken if key not in reading}


@provides(Constant)
def listed(application: Application) -> Iterator[Constant]:
    """Collections of MongoDB into which only constants are put (a literal list, what the start adds where it is not there),
    and those to which a document is added only where a few are."""
    if application.code.imports(*SAVING):
        return
    additions = Additions(application)
    added: dict[str, list[Query]] = defaultdict(list)
    for query in application.facts(Query):
        if query.store == "mongodb" and additions.adds(query):
            added[query.collection].append(query)
    if not added or "" in added or writes_out(application):
        return
    upserting = {place_of(s): s for s in application.code.method_calls(*UPSERTING)}

    def fills(query: Query) -> bool:
        """Whether a query fills a collection: what puts a document there for each of a list is no change of one."""
        site = upserting.get(query.place)
        return query.operation in INSERTING or (
            site is not None and _is_listed(additions.literals, site)
        )

    for name, found in sorted(added.items()):
        filled = any(fills(q) and not additions.finds_first(q) for q in found)
        if filled and all(map(additions.of_constants, found)):
            yield Constant("mongodb", name, "only a list that stands in the code fills it")
        elif most := additions.most(name, found):
            yield Constant("mongodb", name, _FEW.format(most))


_FEW = "what adds to it lets no more than {} be there"


def writes_out(application: Application) -> bool:
    """Whether a pipeline of MongoDB may put what it found into a collection."""
    return any(n.value in ("$out", "$merge") for n, _ in application.code.of_kind(t.Const))


@provides(Constant)
def kept_by_name(application: Application) -> Iterator[Constant]:
    """Collections of MongoDB with a document for each name that stands in the code: `{"type": "club"}`.

    Only upserts by such names add to them, and most of what asks them asks by them; or upserts in loops over lists of
    names, whatever name is asked for.
    """
    if application.code.imports(*SAVING):
        return
    asked: dict[str, list[Query]] = defaultdict(list)
    for query in application.facts(Query):
        if query.store == "mongodb":
            asked[query.collection].append(query)
    if any(query.operation in INSERTING for query in asked[""]):
        return
    sites = [s for s in application.code.method_calls(*UPSERTING) if upserts(s)]
    upserting = {place_of(s) for s in sites}
    (literals,) = application.facts(Literals)
    listed = upserting - {place_of(s) for s in sites if not _is_listed(literals, s)}
    for name, found in sorted(asked.items()):
        adding = [query for query in found if query.place in upserting]
        if adding and len(adding) == len(found) and _COUNTS.search(name):
            yield Constant("mongodb", name, "it holds a counter for each name in the code")
            continue
        if adding and not any(query.operation in INSERTING for query in found):
            named = all(asks_by_name(q) for q in adding) and _are_told_apart(found, adding)
            in_lists = {q.place for q in adding} <= listed and _are_asked_alike(found, adding)
            if all(q.equality for q in adding) and (named or in_lists):
                yield Constant("mongodb", name, "it holds a document for each name in the code")


_COUNTS = re.compile(r"(?:^|_)(?:counters?|sequences?)$", re.I)


def asks_by_name(query: Query) -> bool:
    """Whether a query asks for what the code names, and nothing that a record was given."""
    named = {field for field, _ in query.values}
    return not query.unresolved and named.issuperset((*query.fields, *query.scanned))


def _are_told_apart(found: list[Query], adding: list[Query]) -> bool:
    """Whether a field by which documents are added is what most queries ask by, and never but by names of the code:
    else another program may add what is asked for."""
    apart = set.intersection(*({field for field, _ in query.values} for query in adding))
    asking = [q for q in found if q.fields or q.scanned or q.unresolved]
    for name in apart:
        asked = [q for q in asking if name in (*q.fields, *q.scanned)]
        named = all(name in dict(q.values) for q in asked)
        if named and 2 * len(asked) > len(asking):
            return True
    return False


def _is_listed(literals: Literals, site: CallSite) -> bool:
    """Whether a document is looked for by what a list of the code gives: no constant alone, beside which others may be,
    and no operator, by which one may be added that was there before (`{"n": {"$lt": 200}}`)."""
    match site.node.args:
        case [t.Map(values=[*values]) as key, *_] if all(
            isinstance(value, t.Const | t.Name | t.Item) for value in values
        ):
            told = literals.told_turns(site.node.line, site.scope)
            listed = not all(isinstance(value, t.Const) for value in values)
            return listed and told and literals.value(key, site.scope)
    return False


def _are_asked_alike(found: list[Query], adding: list[Query]) -> bool:
    """Whether all that is asked is asked by a field by which documents are added: else another program may add others."""
    apart = set.intersection(*(set(query.equality) for query in adding))
    return all(
        not q.unresolved and apart.intersection(q.equality) for q in found if q.fields or q.scanned
    )


SAVING = ("beanie", "bunnet", "mongoengine", "odmantic", "pymodm", "umongo")
"""Mappers whose documents save themselves."""


def _all_makings(application: Application, entity: Entity) -> Iterator[CallSite | None]:
    yield from (makings if entity.mapper == "django" else creations)(application, entity)
    yield from made_unnamed(application, entity)


class Named(msgspec.Struct, frozen=True):
    """A table whose records the code makes by names of its own, where none of that name is there; `alone` where nothing
    else adds to it, else pages of Django's administration may, and the code asks by names of its own alone."""

    table: str
    alone: bool


@provides(Named)
def named(application: Application) -> Iterator[Named]:
    """`row = Setting.query.filter_by(key="limit").first()`, and `Setting(key="limit", value=5)` where that finds none."""
    (entities,), (errands,) = application.facts(Entities), application.facts(Errands)
    (literals,) = application.facts(Literals)
    code, few = application.code, Few(application, literals)

    def are_named(entity: Entity, sites: list[CallSite]) -> bool:
        told = len(entities.by_class[entity.found.node.name]) == 1 and sites  # type: ignore[union-attr]
        by_name = bool(told) and all(few.by_name(site, entity.table) for site in sites)
        return by_name and not _is_renamed(code, entity)

    given = (arg for site in code.method_calls("register") for arg in site.node.args)
    shown = {id(node) for arg in given for node in t.walk_own(arg)}
    making = functools.partial(_all_makings, application)
    tables = _by_themselves(entities, _only_made(application, errands, are_named, making, shown))
    tables = {x for x in tables if not is_handed_over(application, entities.by_table[x])}
    administered = _registered(code) if tables else set()
    for table in sorted(tables):
        entity = entities.by_table[table]
        alone = entity.found.node.name not in administered  # type: ignore[union-attr]
        if alone or _is_asked_by_name(application, few, entity):
            yield Named(table, alone)


def _is_renamed(code: Code, entity: Entity) -> bool:
    """Whether a module that speaks of a model may give a record of it another name, after which none of the first is there."""
    named = entity.found.node.name  # type: ignore[union-attr]
    names = {column.attribute for column in entity.stored() if NAME.search(column.attribute)}
    for module in code.modules.values():
        nodes = [node for node, _ in code.nodes(module)] if named in module.scope.bindings else []
        for node in nodes:
            match node:
                case t.Assign(targets=targets) if any(isinstance(x, t.Attr) and x.name in names for x in targets):  # fmt: skip
                    return True
                case t.Call(func=t.Attr(name="update" | "values"), keywords=given) if any(k.name in names for k in given):  # fmt: skip
                    return True
    return False


def _is_asked_by_name(application: Application, few: Few, entity: Entity) -> bool:
    """Whether all that is asked of a table is asked for one record by a name of the code, or by its key."""
    key = entity.key.name if entity.key is not None else "id"
    asked = [
        q for q in application.facts(Query)
        if q.collection == entity.table and q.reads and (q.fields or q.scanned or q.unresolved) and q.fields != (key,)
    ]  # fmt: skip
    sites = _calls_at(application, {query.place for query in asked})
    return all(
        q.bound is Bound.ONE and not (q.scanned or q.unresolved) and all(map(NAME.search, q.fields))
        and any(few.names(site.node, site) for site in sites[q.place])
        for q in asked
    )  # fmt: skip


@provides(Constant)
def kept_by_names(application: Application) -> Iterator[Constant]:
    for found in application.facts(Named):
        if found.alone:
            yield Constant("sql", found.table, "it holds a record for each name in the code")


@provides(Constant)
def seeded(application: Application) -> Iterator[Constant]:
    """Tables that only seeds fill, from constants: the roles, the plans, and what is made of constants where none of that
    name is found. Whatever else may add a record, or cannot be told, makes a table an ordinary one."""
    (entities,) = application.facts(Entities)
    errands = application.facts(Errands)[0]
    spelt = _spelt_by_seeds(application, errands)
    (literals,) = application.facts(Literals)
    through, few = made_through(application), Few(application, literals)

    def are_made(entity: Entity) -> Iterator[CallSite]:
        yield from creations(application, entity)
        yield from through.get(application.code.own_name(entity.found), ())  # type: ignore[arg-type]

    def is_filled(entity: Entity, sites: list[CallSite]) -> bool:
        told = (bool(sites) or entity.table in spelt) and entity.mapper != "django"
        return told and all(
            _fills(errands, literals, site)
            or (few.most([site], entity.table) == 1 and _is_spelt(literals, site))
            for site in sites
        )

    tables = _only_made(application, errands, is_filled, are_made)
    for table in sorted(_by_themselves(entities, tables)):
        yield Constant("sql", table, "only constants that a seed adds stand in it")


@provides(Constant)
def of_constant_keys(application: Application) -> Iterator[Constant]:
    """Tables whose records get keys that stand in the code: `Company.get_or_create(id=1)`, `Company(id=1)`."""
    values, errands = application.values, application.facts(Errands)[0]

    def is_told(key: t.Expr, site: CallSite) -> bool:
        """Whether a key is a constant, by its spelling too: no parameter that has a default."""
        named = isinstance(key, t.Name | t.Attr) and t.last_word(key).isupper()
        return (named or isinstance(key, t.Const)) and bool(spelt(values, key, site.scope))

    def are_keyed(entity: Entity, sites: list[CallSite]) -> bool:
        key = entity.key
        names = {"pk", key.attribute} if key is not None else set()
        return bool(sites) and all(
            any(k.name in names and is_told(k.value, site) for k in site.node.keywords)
            for site in sites
        )

    for table in sorted(_only_made(application, errands, are_keyed)):
        yield Constant("sql", table, "each of its records has a key that stands in the code")


@provides(Constant)
def kept_few(application: Application) -> Iterator[Constant]:
    """Tables to which a record is added only where none is there, or a few: `Settings.query.first() or Settings()`."""
    (entities,), (errands,) = application.facts(Entities), application.facts(Errands)
    few = Few(application)
    bounds: dict[str, int] = {}

    def are_few(entity: Entity, sites: list[CallSite]) -> bool:
        alone = len(entities.by_class[entity.found.node.name]) == 1  # type: ignore[union-attr]
        bounds[entity.table] = few.most(sites, entity.table) if alone else 0
        return bounds[entity.table] > 0 and not is_handed_over(application, entity)

    making = functools.partial(_all_makings, application)
    for table in sorted(_only_made(application, errands, are_few, making)):
        yield Constant("sql", table, _FEW.format(bounds[table]))


def _only_made(
    application: Application,
    errands: Errands,
    so: Callable[[Entity, list[CallSite]], bool],
    making: Callable[[Entity], Iterable[CallSite | None]] | None = None,
    apart: Set[int] = frozenset(),
) -> set[str]:
    """The tables of models of which all that makes records is such, as far as can be told; Django's only where it is said
    what makes them. What is spoken of in the nodes `apart` (by `id`) does not count."""
    (entities,) = application.facts(Entities)
    code = application.code
    made: dict[str, tuple[Entity, list[CallSite]]] = {}
    for entity in entities:
        if entity.found is None or not entity.name or (entity.mapper == "django" and not making):
            continue
        sites = list(making(entity) if making else creations(application, entity))
        told = [site for site in sites if site is not None]
        if len(told) == len(sites) and so(entity, told):
            made[entity.found.node.name] = (entity, told)  # type: ignore[attr-defined]
    by_hand = errands.by_hand.scripts
    known = {
        (site.path, site.node.line, entity.table)
        for entity, sites in made.values()
        for site in sites
    }
    added = {
        q.collection
        for q in application.facts(Query)
        if made and q.operation in INSERTING and q.place.path not in by_hand
        and (q.place.path, q.place.line, q.collection) not in known
    }  # fmt: skip
    added |= {q.collection for q in application.facts(Query) if made and _finds_none(code, q)}
    left = {name for name, (entity, _) in made.items() if entity.table not in added}
    for module in code.modules.values():
        if left and not runs_once(module):
            sites_of = {id(s.node) for name in left for s in made[name][1]}
            nodes = (pair for pair in code.nodes(module) if id(pair[0]) not in apart)
            left -= handed_on(application, nodes, left, sites_of)
    return {made[name][0].table for name in left}


def _finds_none(code: Code, query: Query) -> bool:
    """Whether a function looks for a record by the time at which it looks, so that it adds one each time."""
    function = (
        code.definition(f"{query.place.path}:{query.place.symbol}") if query.equality else None
    )
    if function is None or not isinstance(function.node, t.Function):
        return False
    new: set[str] = set()
    for node in t.walk_own(*function.node.body):
        if isinstance(node, t.Map):
            pairs = zip(node.keys, node.values, strict=True)
            new |= {str(k.value) for k, v in pairs if isinstance(k, t.Const) and _is_new(v)}
        elif isinstance(node, t.Call):
            new |= {k.name for k in node.keywords if k.name and _is_new(k.value)}
    return not new.isdisjoint(query.equality)


def _is_new(value: t.Expr) -> bool:
    return isinstance(value, t.Call) and t.last_word(value.func) in _EACH_TIME_ANOTHER


_EACH_TIME_ANOTHER = {"now", "utcnow", "time", "time_ns", "uuid1", "uuid4", "token_hex", "token_urlsafe"}  # fmt: skip


def _by_themselves(entities: Entities, tables: set[str]) -> set[str]:
    """Those of these tables that refer to nothing but each other: what belongs to records of others comes with
    them, as a log does, whoever writes it. Who made a record owns none."""
    left = set(tables)
    while others := {x for x in left if _referred(entities, entities.by_table[x]) - left}:
        left -= others
    return left


def _referred(entities: Entities, entity: Entity) -> set[str]:
    keys = (column for column in entity.stored() if not re.search(r"_by(?:_id)?$", column.name))
    return {column.target.rpartition(".")[0] for column in keys} & entities.by_table.keys()


@provides(Seeded)
def seeded_models(application: Application) -> Iterator[Seeded]:
    """Models of Django into which an errand puts constants: by `update_or_create` in a command that is run by hand."""
    (entities,) = application.facts(Entities)
    (errands,) = application.facts(Errands)
    (literals,) = application.facts(Literals)
    administered = _registered(application.code)
    for entity in entities:
        if entity.mapper == "django" and entity.found is not None and entity.managed:
            made = list(makings(application, entity))
            filled = [site is not None and _fills(errands, literals, site) for site in made]
            if any(filled):
                name = entity.found.node.name  # type: ignore[attr-defined]
                yield Seeded(entity.table, all(filled) and name not in administered)


@provides(Constant)
def only_seeded(application: Application) -> Iterator[Constant]:
    (entities,) = application.facts(Entities)
    alone = {found.table for found in application.facts(Seeded) if found.alone}
    for table in sorted(_by_themselves(entities, alone)):
        yield Constant("sql", table, "only constants that a seed adds stand in it")


def _registered(code: Code) -> set[str]:
    """The models for which Django's administration has pages: `admin.site.register(Plan)`."""
    given = (arg for site in code.method_calls("register") for arg in site.node.args)
    return {
        t.last_word(x) for arg in given for x in (arg.items if isinstance(arg, t.Seq) else [arg])
    }


@provides(Constant)
def of_schemas(application: Application) -> Iterator[Constant]:
    """Tables that files of SQL fill with rows of their own, and to which nothing of the code adds."""
    texts = list(sql_files(application))
    filled = {name.lower() for text in texts for name in (*_FILLED.findall(text), *_LOADED.findall(text))}  # fmt: skip
    copied = {name.lower() for text in texts for name in _COPIED.findall(text)} - filled
    if copied and not any(True for _ in application.code.method_calls(*_LOADING)):
        written = (n.value for n, _ in application.code.of_kind(t.Const) if isinstance(n.value, str))  # fmt: skip
        filled |= copied - {name.lower() for text in written for name in _COPIES.findall(text)}
    filled -= {name.lower() for text in texts if filled for each in routines(text) for name in INTO.findall(each)}  # fmt: skip
    if not filled:
        return
    (entities,) = application.facts(Entities)
    filled -= {entity.table.lower() for entity in entities if entity.found is not None}
    filled -= {name.lower() for name in entities.between()}
    asked = [query for query in application.facts(Query) if query.store == "sql"]
    if any(not query.collection and query.operation not in ("update", "delete") for query in asked):
        return  # what it asks may be anything
    added = [q for q in asked if q.operation == "insert" and q.collection.lower() in filled]
    sites = _calls_at(application, {query.place for query in added}) if added else {}
    (errands,) = application.facts(Errands)

    def of_file(query: Query) -> bool:
        """Whether a file is run that fills the table, as it is: nothing is put into it, and nobody waits for that."""
        calls = [site for site in sites.get(query.place, []) if site.node.args]
        read = (read_files(application.code, application.values, x.node.args[0], x.scope) for x in calls)  # fmt: skip
        alone = all(len(x.node.args) == 1 and all(k.name == "multi" for k in x.node.keywords) for x in calls)  # fmt: skip
        return bool(calls) and alone and all(x and all(x) for x in read) and errands.of(query.place) is not Asked.LIVE  # fmt: skip

    filled -= {query.collection.lower() for query in added if not of_file(query)}
    filled -= words_of_others(application)
    for name in sorted({query.collection for query in asked}):
        if name.lower() in filled:
            yield Constant("sql", name, "only the schema's own file adds to it")


INTO = re2.compile(r"(?i)\b(?:into(?:\s+table)?|copy)\s+(?:[`\"\[]?\w+[`\"\]]?\.)?[`\"\[]?(\w+)")
_LOADED = re2.compile(
    r"(?i)\bload\s+data\s+(?:local\s+)?infile\s+'[^']*'\s+(?:ignore\s+|replace\s+)?into\s+table\s+`?(\w+)"
)
_COPIES = re2.compile(r"(?i)\bcopy\s+(?:[`\"]?\w+[`\"]?\.)?[`\"]?(\w+)")
_COPIED = re2.compile(rf"{_COPIES.pattern}[`\"]?\s*(?:\([^()]*\)\s*)?from\s+'[^']*'")
"""`\\COPY planets (name) FROM 'planets.csv'`: https://www.postgresql.org/docs/current/sql-copy.html, also psql's own."""
_FILLED = re2.compile(
    r"(?i)\binsert\s+(?:or\s+\w+\s+|ignore\s+)?into\s+[`\"\[]?(\w+)[`\"\]]?\s*(?:\([^()]*\)\s*)?values\b"
)


@provides(Constant)
def seeded_by_statements(application: Application) -> Iterator[Constant]:
    """Tables of SQL as text into which statements put constants alone: an errand, or what deletes the rows of before."""
    asked = [query for query in application.facts(Query) if query.store == "sql"]
    added: dict[str, list[Query]] = defaultdict(list)
    at: dict[Place, list[Query]] = defaultdict(list)
    for query in asked:
        at[query.place].append(query)
        if query.operation == "insert":
            added[query.collection].append(query)
    if not added or "" in added or _may_add_anything(application, asked):
        return
    (entities,) = application.facts(Entities)
    for entity in entities:
        if entity.mapper != "sql":
            added.pop(entity.table, None)
    (errands,) = application.facts(Errands)
    (literals,) = application.facts(Literals)
    sites = _calls_at(application, at.keys())

    def of_before(query: Query) -> bool:
        """Whether a deletion takes away what is then added anew: by constants, and not what is old by now."""
        told = {*query.range, *query.scanned} == {*query.begins} and not query.unresolved
        calls = sites.get(query.place, [])
        return query.operation == "delete" and told and all(_is_spelt(literals, x) for x in calls)

    unique = [
        (i.collection, {name for name, _ in i.fields})
        for i in application.facts(Index)
        if i.store == "sql" and i.unique and not i.condition
    ]

    def adds_once(query: Query) -> bool:
        """Whether a statement adds its rows once, however often it is run: `… ON CONFLICT (slot_id) DO NOTHING`."""
        found: list[re.Match[str]] = []
        for site in sites.get(query.place, []):
            text = application.values.text(site.node.args[0], site.scope) if site.node.args else ""
            one = _ONCE.search(text or "")
            if text and (one is None or (len(site.node.args) > 1 and one[2].lower() == "values")):
                return False  # what is bound to it may be of each process
            found += [one] if one is not None else []
        for one in found:
            given = {x.strip() for x in one[1].lower().split(",")}
            by = {x.strip() for x in (one[3] or "").lower().split(",")} - {""}
            keys = [by] if by else [key for of, key in unique if of == query.collection]
            if not any(key <= given for key in keys):
                return False
        return bool(found) and errands.of(query.place) is not Asked.NEVER

    emptied = {(q.collection, q.place.path, q.place.symbol) for q in asked if of_before(q)}

    def of_constants(query: Query) -> bool:
        place, calls = query.place, sites.get(query.place, [])
        anew = (query.collection, place.path, place.symbol) in emptied
        once = anew or errands.of(place) not in (Asked.NEVER, Asked.LIVE) or adds_once(query)
        told = once and bool(calls) and len(at[place]) == 1
        return told and all(_is_spelt(literals, call) for call in calls)

    names = {name for name, found in added.items() if all(map(of_constants, found))}
    names -= words_of_others(application) if names else set()
    spelt = [n.value for n, _ in application.code.of_kind(t.Const) if isinstance(n.value, str)] if names else []  # fmt: skip
    for name in sorted(names):
        into = re.compile(rf"\b(?:into|copy)\s+\W?{re.escape(name)}\b", re.I)
        if sum(into.search(text) is not None for text in spelt) <= len(added[name]):
            yield Constant("sql", name, "only constants that a seed adds stand in it")


_ONCE = re.compile(
    r"\binsert\s+into\s+\S+\s*\(([^()]*)\)\s*(values\b|select\s+generate_series\b).*\bon\s+conflict\s*(?:\(([^()]*)\)\s*)?do\b",
    re.I | re.S,
)
"""What adds no row whose key is there: https://www.postgresql.org/docs/current/sql-insert.html#SQL-ON-CONFLICT."""
_LOADING = ("to_sql", "copy_from", "copy_expert", "copy_records_to_table", "copy_to_table", "load_data")  # fmt: skip


def _may_add_anything(application: Application, asked: Iterable[Query]) -> bool:
    """Whether something may add to any table: a statement that is not told, what loads files into tables."""
    blind = any(not q.collection and q.operation not in ("update", "delete", "select") for q in asked)  # fmt: skip
    return blind or any(True for _ in application.code.method_calls(*_LOADING))


def _calls_at(application: Application, places: Set[Place]) -> dict[Place, list[CallSite]]:
    found: dict[Place, list[CallSite]] = defaultdict(list)
    paths = {place.path for place in places}
    for module in application.code.modules.values():
        for node, scope in application.code.nodes(module) if module.path in paths else ():
            if isinstance(node, t.Call) and (place := place_of(Located(node, scope))) in places:
                found[place].append(CallSite(node, scope))
    return found


def _is_spelt(literals: Literals, site: CallSite) -> bool:
    """Whether a call is given constants alone, in loops over lists of the code, or records that are looked at where
    they are made: `Role.bulk_create([Role(name="admin")])`."""
    given = [*site.node.args, *(k.value for k in site.node.keywords), *_set_later(site)]
    records = _class_names(site.node.func)
    told = all(_makes(expr, records) or literals.value(expr, site.scope) for expr in given)
    return told and literals.told_turns(site.node.line, site.scope)


def _set_later(site: CallSite) -> list[t.Expr]:
    """What an object that is made of nothing is given in its function: `role = Role()`, `role.name = "admin"`; none where
    something else may give it more."""
    if site.node.args or site.node.keywords or not isinstance(site.scope.owner, t.Function):
        return []
    nodes = list(t.walk_own(*site.scope.owner.body))
    made = [n for n in nodes if isinstance(n, t.Assign) and n.value is site.node]
    match made:
        case [t.Assign(targets=[t.Name(id=name)])] if len(site.scope.bindings[name]) == 1:
            given: dict[int, t.Expr] = {}
            told = {id(made[0].targets[0])}
            for node in nodes:
                match node:
                    case t.Assign(
                        targets=[t.Attr(value=t.Name(id=of) as it)], value=t.Node() as value
                    ) if of == name:
                        given[id(node)] = value
                        told.add(id(it))
                    case t.Call(func=func, args=[t.Name(id=of) as it]) if (
                        of == name and t.last_word(func) == "add"
                    ):
                        told.add(id(it))
            plain = all(id(n) in told for n in nodes if isinstance(n, t.Name) and n.id == name)
            return [*given.values()] if plain else []
    return []


def _class_names(called: t.Expr) -> set[str]:
    """The classes that what is called is a method of: `Role.bulk_create`, `Role.objects.bulk_create`."""
    words = t.walk_own(called) if isinstance(called, t.Attr) and called.name in MADE else ()
    return {t.last_word(n) for n in words if isinstance(n, t.Name | t.Attr)} - MADE


def _makes(expr: t.Expr, records: set[str]) -> bool:
    match expr:
        case t.Seq(items=[_, *_] as made) | t.Comp(elements=[_] as made):
            return all(isinstance(x, t.Call) and t.last_word(x.func) in records for x in made)
    return False


def _spelt_by_seeds(application: Application, errands: Errands) -> set[str]:
    """The texts of scripts that fill a database by hand and read no file: the tables among them."""
    found: set[str] = set()
    for path in errands.by_hand.scripts:
        nodes = [node for node, _ in application.code.nodes(application.code.modules[path])]
        if any(isinstance(n, t.Call) and _brings(n.func) for n in nodes):
            continue
        found |= {n.value for n in nodes if isinstance(n, t.Const) and isinstance(n.value, str)}
    return found


_SOURCES = {
    "open", "read_csv", "read_excel", "read_json", "read_sql", "load_workbook", "DictReader", "reader", "load", "urlopen",
    "read_text", "read_bytes",
}  # fmt: skip


def _brings(called: t.Expr) -> bool:
    """Whether a call brings data that does not stand in the script: of a file, of another server."""
    return t.last_word(called) in _SOURCES or t.dotted(called).startswith(("requests.", "httpx."))


def _fills(errands: Errands, literals: Literals, site: CallSite) -> bool:
    """Whether a record is added by an errand, or when its table is created, and from constants alone."""
    if runs_once(site.scope.module):
        return True
    if not (site.node.args or site.node.keywords or _set_later(site)):
        return False
    if errands.of(place_of(site)) in (Asked.NEVER, Asked.LIVE) and not at_creation(site.scope):
        return False
    return _is_spelt(literals, site)
