"""Which expressions stand for MongoDB collections, and for which.

Collections are followed by attribute, subscript, `get_collection`, variables, class attributes,
functions of the tree and injected databases. Sources: the PyMongo, Motor and Flask-PyMongo API
documentation.
"""

from __future__ import annotations

import functools
import re
from collections import defaultdict
from collections.abc import Iterator

from auditor.extract.python import tree as t
from auditor.link.assembly import assembled
from auditor.link.contexts import contexts_of
from auditor.link.scopes import CallSite, Located, Scope, argument
from auditor.link.values import Evaluator
from auditor.model.values import Plain, Setting, Value, possible
from auditor.stores.mongo.documents import documents_of

_TYPED = re.compile(
    r"^(?:motor|pymongo|flask_pymongo|mongomock\w*|quart_motor|sanic_motor|pytest_mongo\w*)\b[\w.]*"
    r"(?:\w*(?:Client|Database|Collection|PyMongo|Motor))\(\)"
    r"(?:\[\]|\.(?:get_\w+|with_options)\(\)|\.\w+)*$"
)
_IS_NO_CLIENT = re.compile(r"^_*(?:\w+_)?(?:db|database|mongo)_*$", re.I)
_IS_DATABASE = re.compile(
    r"^(?:motor|pymongo|mongomock\w*)\b[\w.]*Client\(\)(?:\[\]|\.(?:get_database|get_default_database)\(\)|\.\w+)$"
)
_IS_CLIENT = re.compile(r"^(?:motor|pymongo|mongomock\w*)\b[\w.]*Client\(\)$")
_COLLECTION_WORD = re.compile(r"^_*(?:mongo_?)?(?:collection|coll?|table|model|repo(?:sitory)?)_*$")
_DATABASE_WORD = re.compile(r"^_*(?:mongo_?)?(?:db|database|client)_*$", re.I)
_DATABASE = re.compile(
    r"(?:^|[._])(?:m?_?db\w*|\w*_?db|database\w*|\w*mongo\w*|collections?|coll?|\w+_coll?(?:ection)?s?)(?:[._()\[]|$)",
    re.I,
)
_KEPT = ("collection", "coll", "col")
_MAX_DEPTH = 8
_MADE = re.compile(r"(?:pymongo|motor)\.(?:\w+\.)*(?:Async|AsyncIOMotor)?Collection$")
"""`Collection(database, "leads")`."""
_OF_MODEL = {"get_motor_collection", "get_pymongo_collection", "_get_collection", "get_collection_name"}  # fmt: skip


class Collections:
    """Tells the collection that an expression stands for."""

    def __init__(self, values: Evaluator) -> None:
        self.values, self.code = values, values.code
        self._attributes: dict[str, str] | None = None

    def of_model(self, expr: t.Expr, scope: Scope) -> str:
        """The collection of the document class that an expression names."""
        documents = documents_of(self.values)
        found = documents.named(expr, scope)
        return documents.collection(found) if found is not None else ""

    def typed(self, expr: t.Expr, scope: Scope) -> bool:
        """Whether an expression comes from a client of MongoDB."""
        return bool(_TYPED.match(self.code.name(expr, scope)))

    def hinted(self, expr: t.Expr) -> bool:
        """Whether an expression is spelt like a database or collection."""
        return bool(_DATABASE.search(_spelt(expr)))

    def of(self, expr: t.Expr, scope: Scope) -> tuple[str, bool] | None:
        """(name, whether it comes from a client); None where it is no collection.

        The name is empty where it is only known at run time, `$NAME` where a setting gives it, and
        has a gap (`tenant_{…}`) where a part of it is only known at run time, and the name of its database before it
        (`archive/leads`) where that is another one than those which the tree keeps.
        """
        certain = self.typed(expr, scope)
        found = self._named(expr, scope, 0)
        if found is None:
            return ("", True) if certain else None
        return found, certain

    def every(self, expr: t.Expr, scope: Scope) -> list[tuple[str, bool]]:
        """Each that an expression may stand for where it is: of two branches, what either chose."""
        certain = self.typed(expr, scope)
        chosen = dict.fromkeys(name for name in self._chosen(expr, scope, 0) if name)
        if chosen:
            return [(name, certain) for name in chosen]
        found = self.of(expr, scope)
        return [found] if found is not None else []

    def _chosen(self, expr: t.Expr, scope: Scope, depth: int) -> list[str | None]:
        """The collections of the ways in which a variable was made where it is asked."""
        if depth > _MAX_DEPTH:
            return []
        match expr:
            case t.Await(value=value) | t.Bind(value=value):
                return self._chosen(value, scope, depth + 1)
            case t.Choice(then=one, other=other):
                return [
                    name for side in (one, other) for name in self._chosen(side, scope, depth + 1)
                ]
            case t.Name() if not self.values.is_bound(expr, scope):
                ways = assembled(self.values, expr, scope)
                made = [way[0] for way in ways if len(way) == 1 and way[0].expr is not None]
                return [
                    name
                    for piece in made
                    if len(made) == len(ways)
                    for name in self._chosen(piece.expr, piece.scope, depth + 1)  # type: ignore[arg-type]
                ]
            case t.Item(value=base, index=index):
                texts = [v.value for v in possible(self.values.value(index, scope))]
                if entries := self._entries(base, texts, scope, depth):
                    return entries
                if len(texts) > 1 and all(isinstance(text, str) for text in texts):
                    return texts
            case t.Call(func=func) if function := self.values.method(func, scope):
                return self._any_given_back(CallSite(expr, scope), function, depth)
        return [self._named(expr, scope, depth)] if depth else []

    def _entries(
        self, base: t.Expr, keys: list[Plain], scope: Scope, depth: int
    ) -> list[str | None]:
        """`{"lead": db.leads, "user": db.users}[kind]`: those under the keys that are told, else all."""
        found: list[str | None] = []
        for value in self._under(base, keys, scope, depth):
            node, where = value.node, value.scope
            ways = self._chosen(node, where, depth + 1)  # type: ignore[arg-type]
            found += ways or [self._named(node, where, depth + 1)]  # type: ignore[arg-type]
        return found if all(found) else []

    def _under(
        self, base: t.Expr, keys: list[Plain], scope: Scope, depth: int
    ) -> Iterator[Located]:
        """What a dict has under keys, or under all where none is told."""
        for held in self._dicts(base, scope, depth) if depth < _MAX_DEPTH else ():
            for key, value in zip(held.node.keys, held.node.values, strict=True):  # type: ignore[attr-defined]
                if not keys or self.values.text(key, held.scope) in keys:
                    yield Located(value, held.scope)

    def _dicts(self, expr: t.Expr, scope: Scope, depth: int) -> Iterator[Located]:
        """The dicts that an expression stands for: also those that a dict has, under a key or in a loop over them."""
        inner: list[Located] = []
        match expr:
            case t.Item(value=base, index=index):
                keys = [v.value for v in possible(self.values.value(index, scope))]
                inner += self._under(base, keys, scope, depth + 1)
            case t.Name(id=name) if (found := self.code.find(name, scope)) is not None:
                for binding in found[1]:
                    match binding.kind, binding.index, binding.value:
                        case ("element", 1, t.Call(func=t.Attr(value=base, name="items"))) | (
                            "element",
                            None,
                            t.Call(func=t.Attr(value=base, name="values")),
                        ):
                            inner += self._under(base, [], found[0], depth + 1)
        for each in inner or [Located(expr, scope)]:
            for source in self.values.sources(each.node, each.scope):  # type: ignore[arg-type]
                if isinstance(source.node, t.Map):
                    yield source

    def _any_given_back(self, call: CallSite, function: Located, depth: int) -> list[str | None]:
        """What a function of the tree gives, where each of its ways gives a collection that is told."""
        if not isinstance(function.node, t.Function):
            return []
        inner = self.code.inside(function)
        given = [n.value for n in t.walk_own(*function.node.body) if isinstance(n, t.Return)]
        with self.values.within(contexts_of(self.values).bound_by(call)):
            ways = [self._chosen(way, inner, depth + 1) for way in given if way is not None]
        return (
            [name for way in ways for name in way] if all(way and all(way) for way in ways) else []
        )

    def _named(self, expr: t.Expr, scope: Scope, depth: int) -> str | None:
        if depth > _MAX_DEPTH:
            return None
        if depth and isinstance(expr, t.Attr | t.Item | t.Call):
            if _IS_DATABASE.match(self.code.name(expr, scope)) and not self._is_of_database(
                expr, scope
            ):
                return ""  # given where a collection is asked for
        match expr:
            case t.Await(value=value) | t.Bind(value=value):
                return self._named(value, scope, depth)
            case t.Item(value=base, index=index):
                name = self._key(index, scope)
                if _COLLECTION_WORD.match(name) and not self.hinted(base):
                    if not self.typed(base, scope):
                        return ""  # `config["collection"]`: where it is kept, not what it is called
                other = self._other_database(base, scope) if name else ""
                return f"{other}/{name}" if other else name
            case t.Call(func=func, args=[wrapped, *_]) if self.hands_on(func, scope):
                return self._named(wrapped, scope, depth + 1)
            case t.Call(func=func) if self.values.method(func, scope) is not None:
                return self._returned(expr, scope, depth)
            case t.Call(func=t.Name() | t.Attr() as func) if made := self._lambda(func, scope):
                return self._named(made.node.body, made.scope, depth + 1)  # type: ignore[attr-defined]
            case t.Call(func=t.Attr(value=base, name="get_collection")):
                given = argument(expr, 0, "name")
                if given is None:
                    return self.of_model(base, scope)
                return self._key(given, scope) or self.of_model(given, scope)
            case t.Call(func=func, args=[_, given, *_]) if _MADE.match(self.code.name(func, scope)):
                return self._key(given, scope)
            case t.Call(func=t.Attr(value=base, name=last)) if last in _OF_MODEL:
                return self.of_model(base, scope)
            case t.Call(func=t.Attr(value=inner, name="with_options")):
                return self._named(inner, scope, depth + 1)
            case t.Call(func=t.Name(id="getattr"), args=[_, name, *_]):
                return self._key(name, scope)
            case t.Call(args=[made]) if t.last_word(expr.func) == "Depends":
                at = (expr.line, expr.column, expr.end_line)
                called = made if isinstance(made, t.Call) else t.Call(*at, made, [], [])
                return self._returned(called, scope, depth)
            case t.Choice(then=one, other=other):
                return self._named(one, scope, depth + 1) or self._named(other, scope, depth + 1)
            case t.BoolOp(values=values):
                names = (self._named(each, scope, depth + 1) for each in values)
                return next((name for name in names if name is not None), None)
        if not isinstance(expr, t.Name | t.Attr):
            return None
        if isinstance(expr, t.Attr) and expr.name == "_collection":
            if of_class := self.of_model(expr.value, scope):
                return of_class
        if isinstance(expr, t.Attr) and (getter := self._property(expr, scope)):
            return self._given_back(getter, depth)
        for origin in self.values.origins(expr, scope):
            if origin.node is not expr:
                named = self._named(origin.node, origin.scope, depth + 1)  # type: ignore[arg-type]
                if named is not None:
                    return named
        if isinstance(expr, t.Attr) and (kept := self._kept().get(expr.name)) is not None:
            return kept
        if isinstance(expr, t.Name):
            if (injected := self._injected(expr, scope)) is not None:
                return self._named(injected.node, injected.scope, depth + 1)  # type: ignore[arg-type]
            if (part := self._of_several(expr, scope, depth)) is not None:
                return part
            return "" if _COLLECTION_WORD.match(expr.id) else None
        if _COLLECTION_WORD.match(expr.name) or _DATABASE_WORD.match(expr.name):
            return ""
        if self._is_class(expr.value, scope) or self._is_imported(expr.name, scope):
            return ""
        if expr.name in ("files", "chunks") and t.last_word(expr.value) == "fs":
            return f"fs.{expr.name}"  # GridFS keeps its files there
        return expr.name

    def _is_of_database(self, expr: t.Expr, scope: Scope) -> bool:
        """`db["leads"]` of a parameter `db: MongoClient`: what is called a database is one, whatever its type."""
        base = expr.value if isinstance(expr, t.Item | t.Attr) else None
        if not isinstance(base, t.Name) or not _IS_NO_CLIENT.match(base.id):
            return False
        found = self.code.find(base.id, scope)
        return found is not None and all(b.kind == "parameter" for b in found[1])

    def _is_imported(self, name: str, scope: Scope) -> bool:
        """Whether a name with a capital is a class that the module imports: `bot.Contact`."""
        found = self.code.find(name, scope) if name[:1].isupper() else None
        return found is not None and any(binding.kind == "import" for binding in found[1])

    def _is_class(self, expr: t.Expr, scope: Scope) -> bool:
        """Whether an expression is a class or `self`: an attribute of it is no collection by its name."""
        found = self.code.definition(self.code.name(expr, scope))
        return _is_self(expr) or (found is not None and isinstance(found.node, t.Class))

    def _kept(self) -> dict[str, str]:
        """Attributes in which classes of the tree keep a collection, where all mean the same one.

        `self.case_collection = database.case` tells what `adapter.case_collection` is, whatever
        `adapter` comes from.
        """
        if self._attributes is None:
            self._attributes = {}  # what is looked at now does not ask for itself
            found: dict[str, set[str]] = defaultdict(set)
            for kind in self.code.classes():
                for name, values in self.code.attributes(kind).items():
                    for value in values if name.endswith(_KEPT) else ():
                        found[name].add(self._named(value.node, value.scope, 1) or "")  # type: ignore[arg-type]
            alike = ((name, named) for name, named in found.items() if len(named) == 1)
            self._attributes = {name: named.pop() for name, named in alike if "" not in named}
        return self._attributes

    def _returned(self, call: t.Call, scope: Scope, depth: int) -> str | None:
        """What a function of the tree gives, with what this call hands it."""
        function = self.values.method(call.func, scope)
        if function is None or not isinstance(function.node, t.Function):
            return None
        with self.values.within(contexts_of(self.values).bound_by(CallSite(call, scope))):
            return self._given_back(function, depth)

    def _injected(self, name: t.Name, scope: Scope) -> Located | None:
        """What FastAPI gives a parameter by its type: `leads: Annotated[Collection, Depends(of_name("leads"))]`."""
        found = self.code.find(name.id, scope)
        if found is None or self.values.is_bound(name, scope):
            return None
        where, (first, *later) = found
        param = first.node
        if not isinstance(param, t.Param) or param.annotation is None:
            return None
        if any(b.node.end_line < name.line for b in later):
            return None  # it is something else by then
        outer = where.parent or where
        kinds = [Located(param.annotation, outer), *self.values.origins(param.annotation, outer)]
        for kind in kinds:  # Leads = Annotated[Collection, Depends(leads)]
            match kind.node:
                case t.Item(value=base, index=t.Seq(items=[_, *told])) if t.last_word(base) == "Annotated":  # fmt: skip
                    for each in told:
                        if isinstance(each, t.Call) and t.last_word(each.func) == "Depends":
                            return Located(each, kind.scope)
        return None

    def _other_database(self, base: t.Expr, scope: Scope) -> str:
        """The database of `client["archive"]["leads"]`, where the tree keeps others and is told their names; else empty."""
        name = self._database(base, scope)
        return name if name and self._kept_databases and name not in self._kept_databases else ""

    def _database(self, expr: t.Expr | None, scope: Scope) -> str | None:
        """The name of the database that an expression takes of a client, empty where it is not told; None for others."""
        match expr:
            case t.Item(value=client, index=given):
                pass
            case t.Call(func=t.Attr(value=client, name="get_database"), args=[given, *_]):
                pass
            case _:
                return None
        typed = _IS_CLIENT.match(self.code.name(client, scope))
        if not typed and not t.last_word(client).lower().endswith("client"):
            return None
        return self.values.text(given, scope) or ""

    @functools.cached_property
    def _kept_databases(self) -> frozenset[str]:
        """The names of the databases that variables and attributes hold; none where one is not told."""
        held = (
            self._database(assign.value, scope) for assign, scope in self.code.of_kind(t.Assign)
        )
        given = (self._database(back.value, scope) for back, scope in self.code.of_kind(t.Return))
        names = {name for name in (*held, *given) if name is not None}
        return frozenset() if "" in names else frozenset(names)

    def _of_several(self, expr: t.Name, scope: Scope, depth: int) -> str | None:
        """`leads, client = handle("leads")`: what a function of the tree gives at the place of a name, where each
        of its ways that gives anything there gives the same."""
        found = self.code.find(expr.id, scope)
        told: set[str | None] = set()
        for binding in found[1] if found is not None else ():
            call, at = binding.value, binding.index
            if isinstance(call, t.Await):
                call = call.value
            if binding.kind != "value" or at is None or not isinstance(call, t.Call):
                return None
            function = self.values.method(call.func, found[0])  # type: ignore[index]
            if function is None or not isinstance(function.node, t.Function):
                return None
            inner = self.code.inside(function)
            given = [n.value for n in t.walk_own(*function.node.body) if isinstance(n, t.Return)]
            with self.values.within(contexts_of(self.values).bound_by(CallSite(call, found[0]))):  # type: ignore[index]
                for way in given:
                    part = way.items[at] if isinstance(way, t.Seq) and at < len(way.items) else way
                    if not (part is None or (isinstance(part, t.Const) and part.value is None)):
                        told.add(self._named(part, inner, depth + 1))
        return told.pop() if len(told) == 1 else None

    def hands_on(self, expr: t.Expr, scope: Scope) -> bool:
        """Whether a class of the tree hands what it is asked on to what it wraps: `__getattr__`."""
        found = self.values.method(expr, scope)
        if found is None or not isinstance(found.node, t.Class):
            return False
        own = (self.code.definition(f"{kind}.__getattr__") for kind in self.code.ancestry(found))
        return any(method is not None for method in own)

    def _lambda(self, func: t.Expr, scope: Scope) -> Located | None:
        """The function without a name that an attribute or variable holds."""
        found = self.values.sources(func, scope)
        return next((each for each in found if isinstance(each.node, t.Lambda)), None)

    def _given_back(self, function: Located, depth: int) -> str | None:
        inner = self.code.inside(function)
        for node in t.walk_own(*function.node.body):  # type: ignore[attr-defined]
            value = node.value if isinstance(node, t.Return | t.Yield) else None
            if value is not None:
                nested = self.values.method(value, inner) if isinstance(value, t.Name) else None
                if nested is not None and isinstance(nested.node, t.Function):  # a factory's
                    named = self._given_back(nested, depth + 1) if depth < _MAX_DEPTH else None
                else:
                    named = self._named(value, inner, depth + 1)
                if named is not None:
                    return named
        return None

    def _property(self, expr: t.Attr, scope: Scope) -> Located | None:
        """The property of a class of the tree that an attribute is."""
        found = self.values.method(expr, scope)
        if found is None or not isinstance(found.node, t.Function):
            return None
        kinds = (t.dotted(each).rpartition(".")[2] for each in found.node.decorators)
        return found if any(kind.endswith("property") for kind in kinds) else None

    def _key(self, expr: t.Expr | None, scope: Scope) -> str:
        text = contexts_of(self.values).text(expr, scope)
        if text is None and isinstance(expr, t.Attr):
            text = self._of_class(expr, scope)
        for source in self.values.sources(expr, scope) if text is None else ():
            if isinstance(source.node, t.Item):
                text = text or self._under_class(source.node, source.scope)
        if text is None:
            text = _setting(self.values.value(expr, scope)) or self._family(expr, scope)
        return text

    def _family(self, expr: t.Expr | None, scope: Scope) -> str:
        """`f"tenant_{tenant}"`: the collections of a family, told apart at run time."""
        for source in self.values.sources(expr, scope)[:1]:
            if isinstance(source.node, t.Text):
                texts = [self.values.text(part, source.scope) for part in source.node.parts]
                if any(texts):
                    return "".join("{…}" if text is None else text for text in texts)
        return ""

    def _under_class(self, expr: t.Item, scope: Scope) -> str | None:
        """`COLLECTIONS[model]`: the text that a dict has for the class that a name is bound to, also one of a package."""
        given = [Located(expr.index, scope), *self.values.sources(expr.index, scope)]
        classes = {self.code.name(each.node, each.scope) for each in given} - {""}  # type: ignore[arg-type]
        if (owner := self.values.bound(expr.index, scope)) is not None:
            classes.add(self.code.own_name(owner))
        for source in self.values.sources(expr.value, scope):
            node = source.node if isinstance(source.node, t.Map) else t.Map(0, 0, 0, [], [])
            for key, value in zip(node.keys, node.values, strict=True):
                if (
                    isinstance(key, t.Name | t.Attr)
                    and self.code.name(key, source.scope) in classes
                ):
                    return self.values.text(value, source.scope)
        return None

    def _of_class(self, expr: t.Attr, scope: Scope) -> str | None:
        """`self.model.__collection__`: an attribute of the class that an attribute is bound to."""
        owner = self.values.bound(expr.value, scope)
        if owner is None:
            return None
        texts = (self.values.text(o.node, o.scope) for o in self.values.attribute(owner, expr.name))  # type: ignore[arg-type]
        return next((text for text in texts if text is not None), None)


def is_of_model(expr: t.Expr) -> bool:
    """`Lead.get_motor_collection()`, `Lead._get_collection()`, `Lead._collection`."""
    match expr:
        case t.Call(func=t.Attr(name=name)):
            return name in _OF_MODEL
        case t.Attr(value=t.Name(id=owner), name="_collection"):
            return owner[:1].isupper()
    return False


def _setting(value: Value) -> str:
    return f"${value.name}" if isinstance(value, Setting) else ""


def _is_self(expr: t.Expr) -> bool:
    return isinstance(expr, t.Name) and expr.id in ("self", "cls")


def _spelt(expr: t.Expr) -> str:
    """`self.db[...].users`, as far as it is spelt in names."""
    match expr:
        case t.Name(id=name):
            return name
        case t.Attr(value=value, name=name):
            return f"{_spelt(value)}.{name}"
        case t.Item(value=value):
            return f"{_spelt(value)}[]"
        case t.Call(func=func):
            return f"{_spelt(func)}()"
        case t.Await(value=value):
            return _spelt(value)
    return ""
