"""Collections and tables to which nothing adds that somebody waits for: whether they grow, the code does not tell.

Recipes that each start reads anew from a file, the codes of taxes, what a script puts in by hand. Told where the
application fills most others itself, and not where it only reads what another program keeps; and of facts alone,
not of people or of what happened when, but where nothing at all writes them: another program does then.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

import msgspec

from auditor.extract.python import tree as t
from auditor.link.application import Application, provides
from auditor.link.scopes import place_of
from auditor.model.data import Index, Query, Table
from auditor.stores.constants import INTO, SAVING, writes_out
from auditor.stores.makings import MADE, creations, handed_on, makings
from auditor.stores.mongo.additions import Additions
from auditor.stores.mongo.mongodb import BY_CALLERS
from auditor.stores.sql.entities import Entities, Entity, snake
from auditor.stores.sql.statements.files import sql_files, words_of_others
from auditor.stores.waiting.errands import Asked, Errands
from auditor.stores.waiting.once import runs_once

_TELLS = re.compile(
    r"(?:^|_)(?:e?_?mail|password|token|hash|secret|phone|session|ip|user(?:name)?|customer|client|account|owner|author|member|company|tenant"
    r"|employee|student|patient|seller|status|state|amount|total|balance|message|comment|body)(?:_?id)?$"
    r"|(?:^|_)(?:date|time|day|at|on|timestamp|created|updated)$"
)
"""Fields of who somebody is, and of what happened when."""
_SIGNS_IN = re.compile(
    r"(?:^|_)(?:e?_?mail|user_?name|login|phone|token|session|password)(?:_?id)?$"
)
"""Fields by which accounts are found: how ever they come in, the application answers for that it finds them."""


GROWS = "whether it grows, the code does not tell"
ASKING = {
    "find", "find_one", "find_raw_batches", "count", "count_documents", "distinct", "aggregate", "join",
    "estimated_document_count", "find_one_or_404",
}  # fmt: skip


class Untended(msgspec.Struct, frozen=True):
    """A collection or table that is asked, and to which nothing adds but what is run at the start or by hand, if at all."""

    store: str
    name: str
    why: str = f"nothing adds to it but what is run by hand or at the start: {GROWS}"


@provides(Untended)
def collections(application: Application) -> Iterator[Untended]:
    """Collections of MongoDB."""
    if application.code.imports(*SAVING):
        return
    (errands,) = application.facts(Errands)
    queries = [query for query in application.facts(Query) if query.store == "mongodb"]
    additions = Additions(application)
    yield from _unwritten(application, queries)
    adding = [
        query for query in queries
        if additions.adds(query) and not additions.finds_first(query) and errands.of(query.place) is Asked.LIVE
    ]  # fmt: skip
    if any(not q.collection or "{" in q.collection for q in adding):
        return  # it may add to any
    read = {query.collection for query in queries if query.reads and query.collection}
    left = read - {query.collection for query in adding}
    left -= {query.collection for query in queries if _tells(query)}
    if 2 * len(left) <= len(read):
        for name in sorted(left):
            yield Untended("mongodb", name)


def _unwritten(application: Application, queries: Iterable[Query]) -> Iterator[Untended]:
    """Collections that nothing at all writes where the tree writes most others: not those of accounts that sign in."""
    queries = [query for query in queries if query.unresolved != BY_CALLERS]
    read = {query.collection for query in queries if query.operation in ASKING}
    written = {query.collection for query in queries if query.operation not in ASKING}
    if any(not name or "{" in name or "$" in name for name in written):
        return  # it may write any
    kept = {
        i.collection for i in application.facts(Index) if i.store == "mongodb" and not i.implied
    }
    if kept - written or writes_out(application):
        return  # it keeps the indexes also of what it does not fill
    left = read - written - {query.collection for query in queries if _tells(query, _SIGNS_IN)}
    for module in application.code.modules.values():
        for node, _ in application.code.nodes(module) if left and runs_once(module) else ():
            if isinstance(node, t.Attr | t.Const):
                left.discard(node.name if isinstance(node, t.Attr) else str(node.value))
    if len(left) <= len(written):
        for name in sorted(left):
            yield Untended("mongodb", name, "nothing here fills it: another program does")


@provides(Untended)
def tables(application: Application) -> Iterator[Untended]:
    """Tables whose class or table object is only ever read."""
    (entities,) = application.facts(Entities)
    (errands,) = application.facts(Errands)
    queries = [query for query in application.facts(Query) if query.store == "sql"]
    adding = [q for q in queries if q.operation == "insert" and errands.of(q.place) is Asked.LIVE]
    known = [entity for entity in entities if entity.table]
    called = _called(application, known)
    added = _made(application, known, called) | {query.collection for query in adding}
    added |= entities.between()
    if any(not q.collection or "{" in q.collection for q in adding):
        added |= _spelt(application)
    own = set().union(*called.values())
    left = own - added
    left &= {query.collection for query in queries if query.reads}
    left -= {query.collection for query in queries if _tells(query)}
    if len(left) <= len(added & own):
        for name in sorted(left):
            yield Untended("sql", name)


@provides(Untended)
def tables_of_text(application: Application) -> Iterator[Untended]:
    """Tables of SQL as text that are asked and that nothing at all writes, where the tree writes most others: not those of
    accounts that sign in."""
    (entities,) = application.facts(Entities)
    own = {table.name for table in application.facts(Table) if table.store == "sql"}
    own -= {entity.table for entity in entities}
    asked = [query for query in application.facts(Query) if query.store == "sql"] if own else []
    if any(not q.collection and q.operation not in ("update", "delete") for q in asked):
        return  # it may write any
    read = own & {query.collection for query in asked if query.reads}
    written = {query.collection for query in asked if query.operation == "insert"}
    left = read - written - {query.collection for query in asked if _tells(query, _SIGNS_IN)}
    if not left:
        return
    spelt = [str(n.value) for n, _ in application.code.of_kind(t.Const) if isinstance(n.value, str)]
    filled = {name.lower() for x in (*sql_files(application), *spelt) for name in INTO.findall(x)}
    left = {name for name in left if name.lower() not in filled}
    if len(left) > len(written & own):
        return
    elsewhere = words_of_others(application) | {text.lower() for text in spelt}
    for name in sorted(left):
        if name.lower() not in elsewhere:
            yield Untended("sql", name, "nothing here fills it: another program does")


def _called(application: Application, known: Iterable[Entity]) -> dict[str, set[str]]:
    """The tables by what the code calls their classes, or their objects: `reasons = Table("reasons", …)`."""
    (entities,) = application.facts(Entities)
    tables = {id(entity): entity.table for entity in known}
    called: dict[str, set[str]] = defaultdict(set)
    for entity in known:
        if entity.found is not None:
            called[entity.found.node.name].add(entity.table)  # type: ignore[attr-defined]
    for assign, _ in application.code.of_kind(t.Assign):
        table = tables.get(id(entities.by_call.get(id(assign.value))), "")
        for target in assign.targets if table else ():
            called[t.last_word(target)].add(table)
    return called


def _made(
    application: Application, known: Iterable[Entity], called: dict[str, set[str]]
) -> set[str]:
    """The tables of whose classes and table objects something makes records, or hands them to what may."""
    (entities,) = application.facts(Entities)
    (errands,) = application.facts(Errands)
    found: set[str] = set()
    reverse: dict[str, str] = {}
    for entity in known:
        making = makings if entity.mapper == "django" else creations
        sites = making(application, entity) if entity.found is not None else ()
        if any(s is None or errands.of(place_of(s)) is Asked.LIVE for s in sites):
            found.add(entity.table)
        reverse |= {r.attribute: r.target for r in entity.relations.values() if r.many}
    for site in application.code.method_calls(*MADE, "add", "set"):
        func = site.node.func
        name = reverse.get(t.last_word(func.value)) if isinstance(func, t.Attr) else None
        if name in entities.by_name:
            found.add(entities.by_name[name].table)
    for module in application.code.modules.values():
        if not runs_once(module) and module.path not in errands.by_hand.scripts:
            nodes = application.code.nodes(module)
            for name in handed_on(application, nodes, set(called)):
                found |= called[name]
    return found


def _spelt(application: Application) -> set[str]:
    """What stands as a text more than once, as the name of a table does that something else speaks of."""
    texts = Counter(node.value for node, _ in application.code.of_kind(t.Const))
    return {text for text, times in texts.items() if isinstance(text, str) and times > 1}


def _tells(query: Query, words: re.Pattern[str] = _TELLS) -> bool:
    """Whether a query asks for people, or for what happened when, or whatever else such words tell."""
    fields = (*query.fields, *query.scanned, *(field for field, _ in query.sort))
    return any(words.search(snake(field.rpartition(".")[2])) for field in fields)
