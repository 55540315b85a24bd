"""MongoDB through Motor and PyMongo: clients, and queries as shapes.

Sources: the PyMongo and Motor API documentation and MongoDB's manual. A call whose collection or filter
cannot be told is kept, with the reason. One that runs for several collections or filters (a repository
class, a helper) is a query for each.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import TypeGuard

from msgspec.structs import replace

from auditor.ecosystems.installed import pinned
from auditor.extract.python import tree as t
from auditor.link.application import Application, provides
from auditor.link.contexts import UNTIED, contexts_of
from auditor.link.enumerations import given_by_kind
from auditor.link.handing import handed
from auditor.link.origins import Env
from auditor.link.scopes import CallSite, Located, Scope, place_of
from auditor.link.values import Evaluator
from auditor.model.data import Bound, Connection, Query
from auditor.model.dependencies import Requirement
from auditor.model.values import Plain
from auditor.stores.addresses import names_a_login
from auditor.stores.bounds import bounds_of
from auditor.stores.flags import others
from auditor.stores.loops import Loops
from auditor.stores.matching import NAMELESS
from auditor.stores.mongo import gridfs, kinds
from auditor.stores.mongo.collections import Collections, is_of_model
from auditor.stores.mongo.conditions import Conditions
from auditor.stores.mongo.cursors import Cursors
from auditor.stores.mongo.documents import documents_of
from auditor.stores.mongo.filters import COMPUTED, Filters
from auditor.stores.mongo.pipelines import Join, Pipelines, Sort, sort_of
from auditor.stores.mongo.truths import Truths
from auditor.stores.spans import ABOVE
from auditor.stores.waiting.errands import Asked
from auditor.stores.waiting.once import runs_once
from auditor.stores.waiting.unasked import Unasked

_CLIENTS = (
    "motor.motor_asyncio.AsyncIOMotorClient",
    "motor.motor_tornado.MotorClient",
    "motor.MotorClient",
    "pymongo.MongoClient",
    "pymongo.mongo_client.MongoClient",
    "pymongo.AsyncMongoClient",
    "pymongo.asynchronous.mongo_client.AsyncMongoClient",
)

FILTERED = {
    "find": 0, "find_one": 0, "count_documents": 0, "count": 0, "update_one": 0, "update_many": 0,
    "replace_one": 0, "delete_one": 0, "delete_many": 0, "find_one_and_update": 0,
    "find_one_and_delete": 0, "find_one_and_replace": 0, "distinct": 1, "find_raw_batches": 0,
    "find_one_or_404": 0, "remove": 0, "update": 0, "find_and_modify": 0,
}  # fmt: skip
"""Operation -> position of its filter."""
_OTHER = {"insert_one", "insert_many", "aggregate", "bulk_write", "estimated_document_count"}
_INSERTS = {"insert_one", "insert_many", "bulk_write"}
_CERTAIN = {
    "insert_one", "insert_many", "update_one", "update_many", "delete_one", "delete_many",
    "count_documents", "find_one_and_update", "find_one_and_delete", "find_one_and_replace",
    "replace_one", "estimated_document_count", "bulk_write", "find_one_or_404", "find_raw_batches",
}  # fmt: skip
"""Names that no other common library uses."""
_BEFORE_4 = {
    "remove": "delete_many",
    "update": "update_many",
    "find_and_modify": "find_one_and_update",
}
"""What PyMongo had before its version 4, by the names of today."""
_WITHOUT_THEM = {"pymongo": (4,), "motor": (3,)}
"""Since which versions a collection has none of them, nor `count`: https://pymongo.readthedocs.io/en/stable/migrate-to-pymongo4.html"""
_MANY = {"find", "aggregate", "distinct", "find_raw_batches"}
_CURSOR = re.compile(r"^(?:pymongo|motor)\.(?:\w+\.)*\w*Cursor$")
_NOWHERE = 99
_WRITES = {"UpdateOne": "update_one", "UpdateMany": "update_many", "DeleteOne": "delete_one",
           "DeleteMany": "delete_many", "ReplaceOne": "replace_one", "InsertOne": "insert_one"}  # fmt: skip
_DRIVERS = re.compile(
    r"^(?:motor|pymongo|flask_pymongo|mongomock\w*|beanie|odmantic|mongoengine|bson|quart_motor|umongo|pymodm|eve)\b"
)
_FOREIGN = re.compile(
    r"^(?:re|builtins(?!\.(?:__import__|getattr)\b)|sqlalchemy|bs4|xml|lxml|django|peewee|tortoise|mongoengine(?!\.connect|\.get_)|odmantic|requests|pandas|numpy|os|str)\b"
)
_MODEL_WORD = re.compile(r"(?:^|_)(?:model|document|doc|entity)(?:_?(?:class|cls|type|model))?_?$")
"""What a repository calls the document class that it is for."""
_KEEPS_MODEL = re.compile(
    rf"(?:^|_)(?:coll(?:ection)?|table|repo(?:sitory)?)_?$|{_MODEL_WORD.pattern}"
)
"""What it calls that or the collection."""
_KEPT_IN_DICT = re.compile(r"^builtins\.(?:dict|list|tuple|set)\(\)\[\](?:\[\])?$")
"""What a dict or a list holds: its name alone says nothing of it."""
_MOST = 32
"""Runs of a function whose filter is put together in several ways, looked at one by one."""
_WORKED_OUT = (
    "what `$expr` works out no index has, and how many records it finds, the code does not tell"
)
BY_CALLERS = "what is asked here is listed where it is called"
_MOST_RUNS = 256
"""Runs of a function that asks what it is handed, looked at one by one."""
_MOST_CALLS = 4_000
"""Calls of a function that asks whatever collection it is handed."""


@provides(Connection)
def connections(application: Application) -> Iterator[Connection]:
    for site in application.code.calls(*_CLIENTS):
        url = site.arg(0, "host")
        worth = application.values.value(url, site.scope) if url is not None else None
        options = tuple(k.name for k in site.node.keywords if k.name)
        login = names_a_login(application.values, url, site.scope)
        yield Connection("mongodb", worth, place_of(site), options, login)


def uses_mongodb(application: Application) -> bool:
    """Whether anything of the tree imports or requires a driver or mapper of MongoDB."""
    return any(
        _DRIVERS.match(stmt.module or name)
        for stmt, _ in application.code.of_kind(t.Import)
        for name, _ in stmt.names
    ) or any(_DRIVERS.match(required.name) for required in application.facts(Requirement))


@provides(Query)
def queries(application: Application) -> list[Query]:
    if not uses_mongodb(application):
        return []
    reader = MongoReader(application)
    found = [(site, q) for site in reader.sites() for q in reader.queries(site)]
    if _has_4(application):
        gone = {*_BEFORE_4, "count"}
        found = [(s, _refused(s, q) if _operation(s) in gone else q) for s, q in found]
        truths = Truths(application.code)
        found = [(s, _unreached(q, truths.before(s))) for s, q in found]
    return looped(application.values, found)


def _refused(site: CallSite, query: Query) -> Query:
    return replace(
        query, unresolved=f"the version of PyMongo that is fixed has no `{_operation(site)}`"
    )


def _unreached(query: Query, tested: str) -> Query:
    why = f"`{tested}` is tested for its truth before, which PyMongo answers with an error"
    return replace(query, unresolved=why) if tested else query


def _has_4(application: Application) -> bool:
    """Whether the version of PyMongo that is fixed, or of Motor upon it, is 4 or later."""
    versions = pinned(application)
    return any(versions.get(name, ()) >= first for name, first in _WITHOUT_THEM.items())


def looped(values: Evaluator, found: list[tuple[CallSite, Query]]) -> list[Query]:
    """The application's queries in order, each once, with the loop over another one's result around it."""
    many = {id(n) for site, q in found if q.operation in _MANY for n in (site.node, site.node.func)}
    loops = Loops(values, lambda node: id(node) in many)
    told = [
        replace(q, loop=loops.around(s)) if q.reads else q
        for s, q in found
        if not runs_once(s.scope.module)
    ]
    return sorted(
        dict.fromkeys(told), key=lambda q: (q.place, q.collection, q.equality, q.range, q.scanned)
    )


def of_runs(
    reader: MongoReader, site: CallSite, read: Callable[[], Iterable[Query]]
) -> list[Query]:
    """What a call asks: once, or in each run of its function for another collection or filter."""
    if reader.cursors.unsent(site):
        return []
    plain = list(read())
    if not any(q.collection for q in plain) and (found := _by_callers(reader, site, read)):
        here = Query("mongodb", "", _operation(site), (), (), (), place_of(site), BY_CALLERS)
        return [here, *found]
    told = [q for q in plain if q.collection and not q.unresolved]
    if len(told) == len(plain) and not reader.handed(site) and not reader.cursors.given_back(site):
        envs = reader.contexts.called(site.scope) if len(plain) > 1 else []
        if not 0 < len(envs) <= _MOST:
            return plain
    else:
        envs = reader.runs(site)
    runs: dict[Query, None] = {}
    untold: dict[Query, None] = {}
    for env in envs:
        with reader.values.within(env):
            every = list(read())
        asked = [query for query in every if query.collection]
        if any(not query.unresolved for query in asked):  # what it asks besides counts, told or not
            runs |= dict.fromkeys(asked)
        elif not asked:  # it may add to any
            untold |= dict.fromkeys(query for query in every if query.operation in _INSERTS)
    return [*runs, *untold] if runs else plain


def _by_callers(
    reader: MongoReader, site: CallSite, read: Callable[[], Iterable[Query]]
) -> list[Query]:
    """What the callers of `store.find_one("leads", {…})` ask, each where it stands; nothing where none of
    them names a collection by a text."""
    found: dict[Query, None] = {}
    by_text = False
    given = reader.cursors.given_back(site)
    for call, env in reader.contexts.callers(site.scope, depth=1, most=_MOST_CALLS, given=given):
        with reader.values.within(env):
            asked = list(read())
        handed = [*call.node.args, *(keyword.value for keyword in call.node.keywords)]
        texts = {reader.values.text(arg, call.scope) for arg in handed}
        by_text = by_text or any(query.collection in texts for query in asked)
        untold = [query for query in asked if query.unresolved][:1]
        for query in untold or asked:  # what one way of making it asks is no more than a guess then
            found.setdefault(replace(query, place=place_of(call)))
    return list(found) if by_text else []


def _operation(site: CallSite) -> str:
    return site.node.func.name if isinstance(site.node.func, t.Attr) else ""


class MongoReader:
    """Reads calls on collections as queries."""

    def __init__(self, application: Application) -> None:
        values, bounds = application.values, bounds_of(application)
        self.values, self.code = values, values.code
        (self.unasked,) = application.facts(Unasked)
        self.contexts = contexts_of(values)
        self.collections = Collections(values)
        self.filters = Filters(values)
        self.pipelines = Pipelines(values, self.filters, bounds)
        self.cursors = Cursors(values, bounds)
        self._given: dict[tuple[int, str], frozenset[str]] = {}

    def sites(self) -> list[CallSite]:
        """Every call of a collection, each once."""
        made = self._made_cursors()
        every = [
            *self.code.method_calls(*sorted({*FILTERED, *_OTHER})),
            *self._handed_over(),
            *made,
        ]
        asking = {id(site.node) for site in every if site in made or self._asks(site)}
        kept = {
            held
            for site in every
            if id(site.node) in asking and (held := _attribute(site)) and _only_mongo(site)
        }
        return [s for s in every if id(s.node) in asking or (_is_bare(s) and _attribute(s) in kept)]

    def _made_cursors(self) -> list[CallSite]:
        """`Rows(self.collection, {…})` of an own class of cursors: what it finds, as the collection would."""
        found: list[CallSite] = []
        for kind in self.code.classes():
            if not any(_CURSOR.match(name) for name in self.code.ancestry(kind)):
                continue
            for site in self.code.calls(self.code.own_name(kind)):
                made, call = self._built(kind), site.node
                collection, asked = (site.arg(at, name) for at, name in made)
                if collection is not None:
                    at = (call.line, call.column, call.end_line)
                    func = t.Attr(*at, collection, "find")
                    asking = t.Call(*at, func, [asked] if asked is not None else [], [])
                    self.cursors.stands_for(asking, call)
                    found.append(CallSite(asking, site.scope))
        return found

    def _built(self, kind: Located) -> list[tuple[int, str]]:
        """Where the constructor of a class of cursors takes the collection and the filter: (position, name)."""
        params: list[str] = []
        handed: list[str] = []
        for stmt in kind.node.body:  # type: ignore[attr-defined]
            if isinstance(stmt, t.Function) and stmt.name == "__init__":
                params = [param.name for param in stmt.params[1:]]
                for node in t.walk_own(*stmt.body):
                    if isinstance(node, t.Call) and t.last_word(node.func) == "__init__":
                        named = {k.name: t.dotted(k.value) for k in node.keywords}
                        given = [*map(t.dotted, node.args[:2]), "", ""]
                        handed = [given[0] or named.get("collection", ""), given[1] or named.get("filter", "")]  # fmt: skip
        if not handed:
            return [(0, "collection"), (1, "filter")]
        return [
            (params.index(name), name) if name in params else (_NOWHERE, name) for name in handed
        ]

    def _handed_over(self) -> list[CallSite]:
        """The calls that others make: `asyncio.to_thread(db.leads.find_one, {…})`,
        `sync_to_async(db.leads.find_one)({…})`."""
        made = [(s, call) for s in self.code.all_calls() if (call := handed(s.node, self._hands))]
        again = {id(site.node.func) for site, _ in made}  # what wraps it there is no call of it
        return [CallSite(call, s.scope) for s, call in made if id(s.node) not in again]

    def _hands(self, arg: t.Expr) -> bool:
        """Whether an argument is a method of a collection."""
        if not isinstance(arg, t.Attr) or arg.name not in FILTERED.keys() | _OTHER:
            return False
        return self.collections.hinted(arg.value)

    def _asks(self, site: CallSite) -> bool:
        func = site.node.func
        if not isinstance(func, t.Attr):
            return False
        if func.name in _BEFORE_4 and not self._is_before_4(site):
            return False
        if self._is_any_of_beanie(func.value, site.scope):
            return False
        if self.collections.typed(func.value, site.scope):
            return True
        made = (source.node for source in self.values.sources(func.value, site.scope))
        if is_of_model(func.value) or any(isinstance(x, t.Call) and is_of_model(x) for x in made):
            return True
        if self._of_umongo(func.value, site.scope) is not None:
            return True
        if self.code.defined(func, site.scope) is not None:
            return False  # a method of the tree with the same name
        name = self.code.name(func.value, site.scope)
        if (
            (
                _FOREIGN.match(name)
                and ".get_collection()" not in name
                and not _KEPT_IN_DICT.match(name)
            )
            or self._is_class(name)
            or self._is_mapped(func.value, site.scope)
        ):
            return False
        given = site.arg(FILTERED.get(func.name, 0), "filter", "query", "pipeline")
        if isinstance(given, t.Const) and func.name != "distinct":
            return False
        if func.name == "distinct" and not site.node.args and not site.node.keywords:
            return False  # of rows: MongoDB is asked for the values of a key
        if func.name in _CERTAIN:
            return self.collections.hinted(func.value) or not isinstance(given, t.Item)
        if func.name == "count" and given is not None and not isinstance(given, t.Map):
            return False
        if isinstance(given, t.Map) and given.keys:
            return True
        if _is_computed(func.value) or (is_model(func.value) and isinstance(given, t.Compare)):
            return True
        if isinstance(given, t.Name) and self._is_class(self.code.name(given, site.scope)):
            return False
        if self.collections.hinted(func.value):
            return True
        sources = self.values.sources(given, site.scope)
        return any(isinstance(s.node, t.Map | t.Seq) for s in sources)

    def _is_before_4(self, site: CallSite) -> bool:
        """`db.leads.remove(spec)`, `leads_collection.update({…}, {…})`: dicts and lists have such methods,
        but update themselves with one other."""
        func, args = site.node.func, site.node.args
        assert isinstance(func, t.Attr)
        typed = self.collections.typed(func.value, site.scope)
        if func.name == "find_and_modify" and typed:
            return True  # all of it may be spread: `find_and_modify(**options)`
        if not args or not (typed or self.collections.hinted(func.value)):
            return False
        if func.name == "update":
            return len(args) > 1
        if typed:
            return True
        if isinstance(func.value, t.Attr | t.Item) and self.collections.hinted(func.value.value):
            return True
        return any(isinstance(arg, t.Map) for arg in args)

    def _is_class(self, name: str) -> bool:
        """Classes of the tree, and their instances: their methods come from a mapper.

        Not where a class hands whatever it does not know on to the collection that it wraps.
        """
        found = self.code.definition(name.removesuffix("()"))
        if found is None or not isinstance(found.node, t.Class):
            return False
        kinds = self.code.ancestry(found) if name.endswith("()") else []
        return all(self.code.definition(f"{kind}.__getattr__") is None for kind in kinds)

    def _is_mapped(self, expr: t.Expr, scope: Scope) -> bool:
        """`Lead.objects(…)`, `Lead.find(…)`: what a mapper's chain of calls starts with, also in a variable,
        and what an object of a generic class is for (`model: type[Document]`)."""
        if self._is_any_of_beanie(expr, scope):
            return True
        if isinstance(expr, t.Name):
            made = [s for s in self.values.sources(expr, scope) if isinstance(s.node, t.Call)]
            if any(kinds.ways(documents_of(self.values), expr, scope)):
                return True
            return any(self._is_mapped(each.node, each.scope) for each in made)  # type: ignore[arg-type]
        while isinstance(expr, t.Call | t.Attr | t.Await):
            match expr:
                case t.Call(func=t.Attr(name="objects")):
                    return True
                case t.Attr(value=base, name="objects"):
                    return not self.collections.hinted(base)  # `db.objects` is a collection
            if isinstance(expr, t.Call) and isinstance(expr.func, t.Attr):
                owner = expr.func.value
                if self.collections.of_model(owner, scope) or self._is_any_of_beanie(owner, scope):
                    return True
            expr = expr.func if isinstance(expr, t.Call) else expr.value
        return False

    def _is_any_of_beanie(self, expr: t.Expr, scope: Scope) -> bool:
        documents = documents_of(self.values)
        if is_model(expr) and kinds.is_typed(documents, expr, scope, "Beanie"):
            return True
        return self.given_documents(expr, scope) == {"Beanie"}

    def given_documents(self, expr: t.Expr, scope: Scope) -> frozenset[str]:
        """The libraries of the document classes that objects are given where others keep a collection, empty for a
        collection that is told: `super().__init__(collection=Lead)` before `self.collection.find(…)`."""
        own = scope.of_class
        match expr:
            case t.Attr(value=t.Name(id="self" | "cls"), name=name) if _KEEPS_MODEL.search(name):
                key = (id(own), name)
            case _:
                return frozenset()
        if key not in self._given:
            self._given[key] = frozenset()  # what is looked at now does not ask for itself
            documents = documents_of(self.values)
            for env in self.contexts.instances(scope):
                with self.values.within(env):
                    library = documents.library(documents.named(expr, scope))
                    if library or any(name for name, _ in self.collections.every(expr, scope)):
                        self._given[key] |= {library}
        return self._given[key]

    def _of_umongo(self, expr: t.Expr, scope: Scope) -> Located | None:
        """A class of umongo, which has the methods that a collection has, itself or by its `collection`."""
        documents = documents_of(self.values)
        for each in (expr, expr.value) if _is_own_collection(expr) else (expr,):
            found = documents.named(each, scope)
            if found is not None and documents.library(found) == "umongo":
                return found
        return None

    # --- a call, and what it is run for

    def queries(self, site: CallSite) -> list[Query]:
        if nowhere := self._defined_nowhere(site):
            return [nowhere]
        asked = of_runs(self, site, lambda: self._queries(site))
        if lost := self._lost_module(self.code.name(site.node.func, site.scope)):
            reason = f"no file that is read here has {lost}, which its database comes from"
            asked = [replace(query, unresolved=query.unresolved or reason) for query in asked]
        return asked

    def _defined_nowhere(self, site: CallSite) -> Query | None:
        """A query through a name that its module binds nowhere: nothing is asked, the call fails before."""
        func = site.node.func
        assert isinstance(func, t.Attr)
        base = func.value
        while isinstance(base, t.Attr | t.Item):
            base = base.value
        if not self.code.is_unbound(base, site.scope):
            return None
        collection, _ = self.collections.of(func.value, site.scope) or ("", False)
        reason = f"{t.dotted(base)} is not defined at this place"
        return Query("mongodb", collection, func.name, (), (), (), place_of(site), reason)

    def _lost_module(self, name: str) -> str:
        """The module that a name is imported from, beside which the tree has others of its package, but not this one:
        the import fails, or the file is kept elsewhere, and with it maybe the indexes that it creates."""
        known, *_ = re.split(r"[^\w.]", name, maxsplit=1)
        parts = known.split(".")
        for end in range(len(parts) - 1, 1, -1):
            if ".".join(parts[:end]) in self._lost_modules:
                return ".".join(parts[:end])
        return ""

    @functools.cached_property
    def _lost_modules(self) -> set[str]:
        files = {f"/{path}" for path in self.code.modules}
        folders = {f"{path.rpartition('/')[0]}/" for path in files}
        found: set[str] = set()
        for module in {stmt.module for stmt, _ in self.code.of_kind(t.Import)}:
            package, _, _ = module.rpartition(".")
            here = f"/{module.replace('.', '/')}"
            if package and not module.startswith("."):
                ends = f"/{package.replace('.', '/')}/"
                beside = any(folder.endswith(ends) for folder in folders)
                kept = any(folder.endswith(f"{here}/") for folder in folders)
                if beside and not kept and not any(file.endswith(f"{here}.py") for file in files):
                    found.add(module)
        return found

    def handed(self, site: CallSite) -> bool:
        """Whether the collection comes from a parameter: each caller may mean another one.

        Also that of the constructor of a class above, which each class below calls with its own.
        """
        if self._inherits(site) or self._takes_class_name(site):
            return True
        names = [n for n in t.walk_own(site.node.func) if isinstance(n, t.Name)]
        for name in names:
            found = self.code.find(name.id, site.scope)
            if found is not None and name.id not in ("self", "cls"):
                if any(b.kind == "parameter" for b in found[1]):
                    return True
        return False

    def _inherits(self, site: CallSite) -> bool:
        """Whether an attribute of `self` that the call is of is made in a class above."""
        chain = [n for n in t.walk_own(site.node.func) if isinstance(n, t.Attr)]
        attribute = next((n.name for n in chain if t.dotted(n.value) == "self"), None)
        around = site.scope.of_class
        owner = around.owner if around is not None else None
        if attribute is None or not isinstance(owner, t.Class) or not owner.bases:
            return False
        return not any(
            (isinstance(n, t.Function) and n.name == attribute)
            or (isinstance(n, t.Assign) and any(t.last_word(x) == attribute for x in n.targets))
            for n in t.walk(*owner.body)
        )  # fmt: skip

    def _takes_class_name(self, site: CallSite) -> bool:
        """Whether the collection is called as the class that is asked: `db[cls.__name__]`, another one in each class below."""
        if site.scope.of_class is None:
            return False
        given = [n for n in t.walk_own(site.node.func) if isinstance(n, t.Name | t.Attr)]
        made = [x.node for n in given for x in (Located(n, site.scope), *self.values.sources(n, site.scope))]  # fmt: skip
        return any(isinstance(node, t.Attr) and node.name == "__name__" for node in made)

    def runs(self, site: CallSite) -> list[Env]:
        """The bindings of what calls the site's function, and of the instances it is a method of."""
        given = self.cursors.given_back(site)
        every = self.contexts.calls(site, given=given, idle=self._is_never_made)
        calls = [env for env in every if env]
        calls = calls or given_by_kind(self.code, site.scope) or [{}]
        instances = self.contexts.instances(site.scope, self.unasked) or [{}]
        turns = self.contexts.loops_at(site.node, site.scope)
        met: list[Env | None] = []
        for call in calls:
            pairs = [
                (a, both) for a in instances if (both := self.contexts.met(a, call)) is not None
            ]
            untied = UNTIED in call and len(pairs) > 1  # its filter is that of one of them
            met += [a if untied else both for a, both in pairs]
        merged = [{**both, **c} for both in met if both is not None for c in turns]
        return [env for env in merged[:_MOST_RUNS] if env]

    def _is_never_made(self, call: CallSite) -> bool:
        """Whether a call stands in a function that nothing that runs calls."""
        return self.unasked.errands.of(place_of(call)) is Asked.NEVER

    def _queries(self, site: CallSite) -> Iterator[Query]:
        func = site.node.func
        assert isinstance(func, t.Attr)
        named = self.collections.every(func.value, site.scope) or [("", False)]
        of_class = self._of_umongo(func.value, site.scope)
        if of_class is not None:
            named = [(documents_of(self.values).collection(of_class), True)]
        if gridfs.is_bucket(self.code, site):
            named = [(gridfs.files(self.values, site), True)]
        operation = _BEFORE_4.get(func.name, func.name)
        for collection, certain in named:
            made = Query(
                "mongodb", collection, operation, (), (), (), place_of(site), certain=certain
            )
            asked = self._asked(site, made)
            if of_class is not None and not _is_own_collection(func.value):
                stored = functools.partial(documents_of(self.values).stored, of_class)
                asked = (_renamed(query, stored) for query in asked)
            yield from asked

    def _asked(self, site: CallSite, made: Query) -> Iterator[Query]:
        func = site.node.func
        assert isinstance(func, t.Attr)
        match func.name:
            case "aggregate":
                yield from self._aggregate(site, made)
            case "bulk_write":
                yield from self._bulk(site, made)
            case name if name in FILTERED:
                called = "query" if name == "find_and_modify" else "filter"
                given = site.arg(FILTERED[name], "filter", "query", "spec") or _spread(site, called)
                sort, bound = self._taken(site)
                untold = functools.partial(_first_of, by_any=self.cursors.sorts_untold(site))
                for conditions in self.filters.read(given, site.scope):
                    made = replace(made, projection=self._projection(site))
                    yield from map(untold, shapes(made, conditions, sort, bound))
            case _:
                yield replace(made, bound=Bound.ONE, unresolved="" if made.collection else NAMELESS)

    def _taken(self, site: CallSite) -> tuple[Sort, Bound]:
        given = self.values.given(site, None, "sort")
        sort = sort_of(self.values, given.node, given.scope) if given is not None else ()  # type: ignore[arg-type]
        operation = _operation(site)
        if operation in ("find", "find_raw_batches"):
            return sort or self.cursors.sort(site), self.cursors.bound(site)
        return sort, Bound.UNKNOWN if operation == "distinct" else Bound.ONE

    def _projection(self, site: CallSite) -> tuple[str, ...]:
        given = site.arg(1, "projection") if _operation(site).startswith("find") else None
        for source in self.values.sources(given, site.scope):
            match source.node:
                case t.Map(keys=keys, values=values):
                    pairs = zip(keys, values, strict=True)
                    shown = [k for k, v in pairs if not (isinstance(v, t.Const) and not v.value)]
                    names = [self.values.text(k, source.scope) for k in shown if k is not None]
                    return tuple(name for name in names if name)
        return ()

    def _aggregate(self, site: CallSite, made: Query) -> Iterator[Query]:
        found = self.pipelines.read(site.arg(0, "pipeline"), site.scope)
        bound = found.bound
        if bound is Bound.NONE:
            bound = self.cursors.bound(site)
        for conditions in found.conditions:
            yield from shapes(made, conditions, found.sort, bound)
        yield from looked_up(made, found.joins)

    def _bulk(self, site: CallSite, made: Query) -> Iterator[Query]:
        """The filters of its operations, also of those that functions give; what it inserts asks nothing."""
        untold = True
        for piece in self.filters.items(site.arg(0, "requests"), site.scope):
            with self.values.within(piece.env):
                for source in self.values.sources(piece.expr, piece.scope):
                    called = t.last_word(t.callee(source.node))
                    if not isinstance(source.node, t.Call) or called not in _WRITES:
                        continue
                    untold = False
                    written = replace(made, operation=_WRITES[called], bound=Bound.ONE)
                    asked = CallSite(source.node, source.scope).arg(0, "filter")
                    if asked is None or called == "InsertOne":
                        yield written
                        continue
                    for conditions in self.filters.read(asked, source.scope):
                        yield from shapes(written, conditions, (), Bound.ONE)
        if untold:
            yield replace(made, unresolved="its operations are built at run time")


def _renamed(query: Query, stored: Callable[[str], str]) -> Query:
    """A query by what its fields are stored as: a class of umongo puts these in the place of its own names."""

    def name(field: str) -> str:
        first, dot, rest = field.partition(".")
        return stored(first) + dot + rest

    def names(fields: Iterable[str]) -> tuple[str, ...]:
        return tuple(map(name, fields))

    def told(values: Iterable[tuple[str, Plain]]) -> tuple[tuple[str, Plain], ...]:
        return tuple((name(field), value) for field, value in values)

    return replace(
        query,
        equality=names(query.equality),
        range=names(query.range),
        scanned=names(query.scanned),
        broad=names(query.broad),
        above=names(query.above),
        values=told(query.values),
        others=told(query.others),
    )


def _is_own_collection(expr: t.Expr) -> TypeGuard[t.Attr]:
    return isinstance(expr, t.Attr) and expr.name == "collection"


def _spread(site: CallSite, name: str) -> t.Expr | None:
    """What a call takes by a name out of a dict that it spreads, `find(**options)`, as a question to that dict."""
    for keyword in site.node.keywords:
        if keyword.name is None and not site.node.args:
            at = (keyword.value.line, keyword.value.column, keyword.value.end_line)
            asked: list[t.Expr] = [t.Const(*at, name), t.Map(*at, [], [])]
            return t.Call(*at, t.Attr(*at, keyword.value, "get"), asked, [])
    return None


def _is_computed(expr: t.Expr) -> bool:
    """`getattr(self, f"store_{name}").find(…)`: an attribute that is named at run time."""
    return isinstance(expr, t.Call) and t.dotted(expr.func) == "getattr"


def is_model(expr: t.Expr) -> bool:
    """`self.model.find_one(self.model.id == key)` of a repository that its heirs give a document class."""
    return isinstance(expr, t.Attr) and bool(_MODEL_WORD.search(expr.name))


def _attribute(site: CallSite) -> tuple[str, str, str] | None:
    """The attribute of an object that a method is called on: `self.leads.find()`."""
    func = site.node.func
    scope = site.scope.parent
    if not isinstance(func, t.Attr) or scope is None or not isinstance(scope.owner, t.Class):
        return None
    match func.value:
        case t.Attr(value=t.Name(id="self"), name=name):
            return site.path, scope.owner.name, name
    return None


def _only_mongo(site: CallSite) -> bool:
    """Whether no other common library has a method of this name."""
    return isinstance(site.node.func, t.Attr) and (
        site.node.func.name in _CERTAIN or site.node.func.name == "find_one"
    )


def _first_of(query: Query, *, by_any: bool) -> Query:
    """What takes the first few of all by a field that is named at run time does not just read all."""
    few = query.operation == "find" and query.bound not in (Bound.NONE, Bound.UNKNOWN)
    if not by_any or query.sort or not few or query.unresolved:
        return query
    if query.equality or query.range or query.scanned or query.special:
        return query
    return replace(query, unresolved="what it is sorted by is named at run time")


def _is_bare(site: CallSite) -> bool:
    return not site.node.args and not site.node.keywords


def of_key(site: CallSite, collection: str, operation: str) -> Query:
    """What a document that is at hand asks by its key."""
    return Query("mongodb", collection, operation, ("_id",), (), (), place_of(site), bound=Bound.ONE)  # fmt: skip


def looked_up(made: Query, joins: Iterable[Join]) -> Iterator[Query]:
    """What an aggregation looks up in other collections."""
    for join in joins:
        joined = replace(made, collection=join.collection, operation="join")
        yield from shapes(joined, join.conditions, (), Bound.UNKNOWN)


def shapes(
    made: Query,
    conditions: Conditions,
    sort: Sort,
    bound: Bound,
    flags: Mapping[str, tuple[Plain, ...]] = MappingProxyType({}),
) -> Iterator[Query]:
    """The queries that conditions stand for: one for each alternative; `flags` take one of two values, and new
    documents have one of these."""
    for each in conditions.flat():
        alone = (
            each.kinds.keys() == {COMPUTED} and not each.special
        )  # besides others it only narrows
        yield replace(
            made,
            equality=each.of_kind("equality"),
            range=each.of_kind("range", ABOVE),
            above=each.of_kind(ABOVE),
            scanned=tuple(name for name in each.of_kind("scanned") if name != COMPUTED),
            sort=sort,
            bound=bound,
            broad=tuple(sorted((each.broad | flags.keys()) & each.kinds.keys())),
            others=tuple(
                (name, value)
                for name in sorted(flags.keys() & each.values.keys())
                if each.kinds.get(name) == "equality"
                for value in others(each.values[name], flags[name])
            ),
            values=tuple(
                sorted(
                    ((name, value) for name, told in each.values.items() for value in told), key=str
                )
            ),
            special=each.special,
            unresolved=each.unresolved
            or ("" if made.collection else NAMELESS)
            or (_WORKED_OUT if alone else ""),
        )
