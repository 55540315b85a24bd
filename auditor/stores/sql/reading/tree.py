"""Which functions of a tree are read for queries, and how often."""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterator, Sequence

from msgspec.structs import replace

from auditor.discover import Role
from auditor.extract.python import tree as t
from auditor.link.application import Application
from auditor.link.decisions import (
    METHODS,
    Keys,
    Worth,
    agreed,
    choices,
    hands_itself,
    spread_last,
    tested,
)
from auditor.link.decisions import given as given_by
from auditor.link.index import is_property
from auditor.link.mentions import Mentions
from auditor.link.reach import Reach, imported, is_main_guard
from auditor.link.scopes import Located, Scope
from auditor.model.data import Bound
from auditor.stores.receivers import spread
from auditor.stores.sql.conditions import Draft, is_open
from auditor.stores.sql.django import formsets, signals
from auditor.stores.sql.django.managers import MANAGER, is_manager_class
from auditor.stores.sql.django.relations import is_backward
from auditor.stores.sql.entities import Entity
from auditor.stores.sql.objects import OF_OBJECTS, loading, scopes_of
from auditor.stores.sql.reading.frames import CLASSES, Frame, Reading
from auditor.stores.sql.reading.lent import by_place
from auditor.stores.sql.reading.serving import MODEL_NAMES
from auditor.stores.sql.reading.statements import Statements
from auditor.stores.sql.reading.things import (
    Class,
    Either,
    Listed,
    Row,
    Self,
    Thing,
    each,
    either,
)
from auditor.stores.waiting.once import runs_once
from auditor.stores.waiting.running import Running

SEEDS = {
    "objects", "query", "select", "execute", "executemany", "scalars", "scalar", "exec", "fetch", "fetchrow",
    "fetchval", "fetch_one", "fetch_all", "fetch_val", "get_object_or_404", "get_list_or_404", "queryset",
    "get_queryset", "filter_by", "where", "_default_manager", "_base_manager", "raw", "read_sql", "aget_object_or_404",
    "read_sql_query", "iterate", "executescript", "exists", "get_base_queryset", "get_object",
    "callproc", "authenticate", "aauthenticate",
}  # fmt: skip
"""Words without which no query is written, besides the names of stored classes."""
NARROWING = {
    "filter",
    "exclude",
    "order_by",
    "values_list",
    "select_related",
    "prefetch_related",
    "fetch_related",
}
"""Steps of a queryset that a helper takes without saying of which model: `found.filter(live=True)`."""
_REPOSITORIES = {
    "fastcrud": {
        "get", "get_multi", "count", "exists", "update", "delete", "db_delete", "get_joined", "get_multi_joined",
        "upsert", "upsert_multi", "get_multi_by_cursor",
    },
    "advanced_alchemy": {
        "get", "get_one", "get_one_or_none", "exists", "count", "list", "get_many", "list_and_count", "delete", "update",
        "get_many_and_count", "delete_where", "delete_many", "get_by_slug", "get_or_upsert", "get_and_update", "upsert",
    },
    "django_filters": {"qs", "filterset_class"},
    "graphene_django": {"DjangoFilterConnectionField"},
}  # fmt: skip
"""Words by which what libraries bring is asked, by what the library is imported as."""


def _of_helper(node: t.Node) -> bool:
    """`found.filter(…)`; what a manager does on itself is read for the models that it serves."""
    value = node.value if isinstance(node, t.Attr) else None
    return isinstance(value, t.Name) and value.id not in ("self", "cls")


def _reads_own(own: dict[int, Entity], scope: Scope, word: str) -> bool:
    """Whether a method of a model, by the `id` of its class, reads what a foreign key of it leads to."""
    around = scope.parent.owner if scope.parent is not None else None
    entity = own.get(id(around))
    return entity is not None and word in entity.relations


_VERBS = {"select", "update", "delete", "insert", "with a", "with r", "replac"}
_MAX_DEPTH = 14
_MAX_BOUND_CALLS = 20_000


class TreeReading(Statements):
    """Reads every function that can hold a query; then `drafts` has all of them."""

    def __init__(self, application: Application) -> None:
        super().__init__(application)
        self._left = _MAX_BOUND_CALLS
        (self.mentions,) = application.facts(Mentions)
        self.trials = _trials(application, {e.place.path for e in self.entities.by_name.values()})
        self._read()

    # --- what is read

    def _read(self) -> None:
        words = SEEDS | set(self.entities.by_class) | self.statements.keys()
        for stmt, _ in self.code.of_kind(t.Import):
            words.update(alias for name, alias in stmt.names if alias and name in words)
        backward = {n for e in self.entities for n in e.relations if is_backward(e, n)}
        words |= self.related.keys() | formsets.classes(self.code) | self._keeping() | backward
        tortoise = self.has("tortoise")
        narrowing = NARROWING - words if tortoise or self.has("django") else set()
        keys = {name for e in self.entities if e.mapper == "tortoise" for name in e.relations}
        relations = {
            name
            for e in self.entities
            if e.mapper in ("tortoise", "peewee")
            for name, relation in e.relations.items()
            if relation.many
        }
        own = {id(e.found.node): e for e in self.entities if e.mapper == "peewee" and e.found}
        imported = {
            (stmt.module or "").partition(".")[0] for stmt, _ in self.code.of_kind(t.Import)
        }
        for library in _REPOSITORIES.keys() & imported:
            words |= _REPOSITORIES[library]
        relevant: dict[int, Scope] = {}
        for module in self.code.modules.values():
            if runs_once(module):
                continue
            for node, scope in self.code.nodes(module):
                kind = type(node)
                if kind is t.Attr:
                    word = node.name  # type: ignore[attr-defined]
                elif kind is t.Name:
                    word = node.id  # type: ignore[attr-defined]
                elif kind is t.Const:
                    text = node.value  # type: ignore[attr-defined]
                    if type(text) is not str:
                        continue
                    if text in backward or (len(text) > 12 and text.lstrip()[:6].lower() in _VERBS):
                        relevant.setdefault(id(scope), scope)
                    continue
                elif kind is t.Await and isinstance(node.value, t.Attr):  # type: ignore[attr-defined]
                    if node.value.name in keys:  # type: ignore[attr-defined]
                        relevant.setdefault(id(scope), scope)
                    continue
                else:
                    continue
                if (
                    (kind is t.Attr and (word in relations or word in OF_OBJECTS))
                    or (own and kind is t.Attr and _reads_own(own, scope, word))
                    or word in words
                    or (word in narrowing and (tortoise or _of_helper(node)))
                ):
                    relevant.setdefault(id(scope), scope)
        for scope in (*scopes_of(self.code, self.entities), *loading(self.code, self.entities)):
            relevant[id(scope)] = scope
        # what modules hold is known before functions of others use it: `import queries`
        for scope in sorted(relevant.values(), key=lambda scope: scope.owner is not None):
            self.scope(scope)
        for scope in self._using():
            if id(scope) not in relevant:
                relevant[id(scope)] = scope
                self.scope(scope)
        untold = {self._roots[id(d)] for d in self.drafts if d.entity is None or is_open(d.where)}
        giving = {
            scope.owner.name
            for scope in relevant.values()
            if isinstance(scope.owner, t.Function)
            and (self._returns.get(id(scope.owner)) or id(scope.owner) in untold)
        } - {"main", "__init__", "__call__", "post", "run", "handle"}
        properties = (
            site
            for scope in list(relevant.values())
            if scope.owner is not None and scope.parent is not None
            if is_property(read := Located(scope.owner, scope.parent)) and self.given(read)
            for site in self.mentions.of(read)
        )
        for site in (*self.code.method_calls(*sorted(giving)), *properties):
            if runs_once(site.scope.module):
                continue
            if id(site.scope) not in relevant and isinstance(site.scope.owner, t.Function):
                relevant[id(site.scope)] = site.scope
                self.scope(site.scope)

        if self.has("django"):
            for found in self.code.classes():
                assert isinstance(found.node, t.Class)
                if found.node.bases and not runs_once(found.scope.module):
                    ancestry = self.code.ancestry(found)
                    for reader in CLASSES:
                        reader(self, found, ancestry)
        told = {x.place for x in self.drafts if x.entity is not None}
        every = self._told_by_calls()
        for draft in self.drafts:
            root = self._roots[id(draft)]
            if (
                ((root in every or (root, draft.model) in self.answered) and is_open(draft.where))
                or (draft.assumed and root in self.supplied)
                or (
                    draft.entity is None
                    and root in self.of_heirs
                    and (draft.tentative or draft.place in told)
                )
            ):
                self.dropped[id(draft)] = draft
        told_by_calls = {key for key, x in self.unspelt.items() if self._is_spelt_by_calls(*x)}
        for draft in self.drafts:
            if self._roots[id(draft)] in told_by_calls and draft.mapper == "sql":
                if draft.entity is None or is_open(draft.where):
                    self.dropped[id(draft)] = draft
        self._go_on()
        self.dropped.update((id(x), x) for x in self.lent.loaded(self._is_got_by))
        if self.decided:  # what their callers ask is known better
            for draft in self.drafts:
                if self._roots[id(draft)] in self.decided and draft.bound is Bound.UNKNOWN:
                    self.dropped[id(draft)] = draft

    def _keeping(self) -> set[str]:
        """The attributes in which classes and objects keep a stored class: `self._model = Plan`."""
        return MODEL_NAMES | {
            t.last_word(target)
            for stmt, scope in self.code.of_kind(t.Assign)
            if isinstance(stmt.value, t.Name | t.Attr)
            and t.last_word(stmt.value) in self.entities.by_class
            for target in stmt.targets
            if isinstance(target, t.Attr) or isinstance(scope.owner, t.Class)
        }

    def _go_on(self) -> None:
        """What a function begins and gives back is no query of its own where every call goes on from it."""
        begun: dict[int, tuple[Located | None, Draft, dict[int, list[Draft]]]] = {}
        for function, draft, call, there in self.given_back:
            calls = begun.setdefault(id(draft), (function, draft, {}))[2]
            calls.setdefault(id(call), []).append(there)
        going = {id(draft.origin) for draft in self.drafts}
        left = -1
        while left != len(begun):  # a call may give back what it got
            left = len(begun)
            for key, (function, _, calls) in list(begun.items()):
                on = {c: [x for x in each if id(x) in going] for c, each in calls.items()}
                alone = function is None or self._is_got_by(function, on.keys())
                if all(on.values()) and alone:
                    going.update(id(self.record(x).origin) for each in on.values() for x in each)
                    del begun[key]

    def _is_got_by(self, function: Located, calls: Collection[int]) -> bool:
        """Whether these calls, by `id`, are all that is spoken of a function; of a property, where it is read."""
        node = function.node
        assert isinstance(node, t.Function)
        if self.mentions.built(node.name):
            return False
        if is_property(function):
            return all(id(site.node) in calls for site in self.mentions.of(function))
        if any(t.dotted(d) not in METHODS for d in node.decorators):
            return False
        got = map(self.mentions.call, self.mentions.of(function))
        return all(call is not None and id(call.node) in calls for call in got)

    def _is_spelt_by_calls(self, node: t.Function, put_in: set[str]) -> bool:
        """Whether every call of a function spells out what it puts into its statement, or gives none of it."""
        least = sum(p.default is None and p.name not in ("self", "cls") for p in node.params)
        names = [p.name for p in node.params]
        needs = {p.name for p in node.params if not _is_nothing(p.default)} & put_in
        own = names[:1] in (["self"], ["cls"])
        calls = [
            site.node
            for site in self.code.method_calls(node.name)
            if (found := self.code.defined(site.node.func, site.scope)) is None
            or found.node is node
        ]
        known = [call for call in calls if id(call) in self.spelling]

        def gives_none(call: t.Call) -> bool:
            given = names[own and not hands_itself(call) :][: len(call.args)]
            given += [k.name or "" for k in call.keywords]
            return not needs and put_in.isdisjoint(given) and "" not in given

        return bool(known) and all(
            id(call) in self.spelling
            or len(call.args) + len(call.keywords) < least
            or gives_none(call)
            for call in calls
        )

    def _told_by_calls(self) -> set[int]:
        """Methods of several models, by `id`, of which every call says for which model it is."""
        answered = {function for function, _ in self.answered}
        return {
            key
            for key, node in self.receiving.items()
            if key in answered
            and all(id(site.node) in self.received for site in self.code.method_calls(node.name))
        }

    def scope(self, scope: Scope) -> None:
        """Read a module's, class's or function's own statements."""
        if isinstance(scope.owner, t.Function):
            assert scope.parent is not None
            if isinstance(scope.parent.owner, t.Function):
                self.scope(scope.parent)  # nested functions are read where they stand
                return
            before = len(self.drafts)
            given = self.returns(Located(scope.owner, scope.parent))
            if _of_manager(self, scope.parent):
                # what a manager or queryset gives back is told where it is asked for something
                drafts: list[Draft] = []
                if scope.owner.name in ("get_queryset", "get_query_set"):
                    drafts = self.drafts[before:]
                elif _is_by_inheritance(self, scope.parent):
                    drafts = [x for x in each(given) if isinstance(x, Draft)]
                self.dropped.update((id(draft), draft) for draft in drafts)
        elif isinstance(scope.owner, t.Lambda):
            around = scope.parent
            if around is not None and isinstance(around.owner, t.Function | t.Lambda):
                self.scope(around)  # it is read where it stands
        else:
            self.frame(scope)

    def frame(self, scope: Scope) -> Frame:
        """The names of a module or class, after its statements."""
        known = self.frames.get(id(scope))
        if known is None:
            known = self.frames[id(scope)] = Frame(scope)
            body = scope.module.body if scope.owner is None else getattr(scope.owner, "body", [])
            if isinstance(scope.owner, t.Class) and scope.parent is not None:
                known.owner = Located(scope.owner, scope.parent)
            own = [s for s in body if not isinstance(s, t.Function | t.Class)]
            unreached, self.unreached = self.unreached, ""
            self.block(own, known)
            self.unreached = unreached
        return known

    def returns(self, function: Located) -> Thing | None:
        """What a function of the tree gives, whoever calls it."""
        key = id(function.node)
        if key in self._returns or key in self._running or len(self._running) > _MAX_DEPTH:
            return self._returns.get(key)
        self._running.add(key)
        called, self._called = self._called, []  # it is read for no call, whoever came to it first
        try:
            said = agreed(function, self.mentions, self.trials, self.entities.by_name)
            given = self.run(function, {}, 0, agreed=said)
            self._returns[key] = given
        finally:
            self._running.discard(key)
            self._called = called
        return given

    def run(
        self, function: Located, given: dict[str, Thing], depth: int, told: dict[str, Worth] | None = None,
        receiver: Thing | None = None, texts: dict[str, str] | None = None, agreed: dict[str, Worth] | None = None,
        called: tuple[t.Call, Frame] | None = None, left_out: frozenset[str] = frozenset(),
    ) -> Thing | None:  # fmt: skip
        """Read a function's body with its parameters bound; `agreed` is what every call of it says."""
        node = function.node
        assert isinstance(node, t.Function)
        said = told or agreed or {}
        ways = choices(node) if not depth else []
        if any(isinstance(x, Keys) for x in said.values()):
            ways = []  # what a variable gets from a dict of the call is told
        ways = [way for way in ways if way.keys().isdisjoint(said)] or [{}]
        self._inside.append((id(node), told is not None))
        returned: list[Thing] = []
        for way in ways:
            frame = Frame(self.code.inside(function), self._around(function), depth=depth, told={**said, **way}, texts=texts or {}, called=called, left_out=left_out, since=len(self.drafts))  # fmt: skip
            self._begin(function, frame, given, receiver)
            outer, self._given = self._given, {}  # each reading of a function tells its calls anew
            unreached, self.unreached = self.unreached, ""  # others may call it
            self.block(node.body, frame)
            self._keep(node, frame)
            self._given, self.unreached = outer, unreached
            returned += frame.returned
        self._inside.pop()
        return either(returned)

    def _begin(
        self, function: Located, frame: Frame, given: dict[str, Thing], receiver: Thing | None
    ) -> None:
        """Give the parameters of a function what the call gives them."""
        node, parent, called = function.node, function.scope, frame.called
        assert isinstance(node, t.Function)
        if isinstance(parent.owner, t.Class) and parent.parent is not None and node.params:
            frame.owner = Located(parent.owner, parent.parent)
            kind = self._kind(*called) if called is not None else None
            if kind is not None and self.code.own_name(frame.owner) in self.code.ancestry(kind):
                frame.kind = kind
            first = node.params[0]
            if not any(t.dotted(d) == "staticmethod" for d in node.decorators) and not _is_plain(
                first
            ):
                frame.names[first.name] = receiver or self._self(frame.owner, node)
        given = {**signals.sender(self, function), **given} if node.decorators else given
        for param in node.params:
            if param.name in given:
                frame.names[param.name] = given[param.name]

    def _kind(self, call: t.Call, frame: Frame) -> Located | None:
        """The class of the object that a method is called on: `self.delete(…)`, `UserStore().delete(…)`."""
        base = call.func.value if isinstance(call.func, t.Attr) else None
        match base:
            case None:
                return None
            case t.Name(id="self" | "cls") | t.Call(func=t.Name(id="super")):
                return frame.kind or frame.owner
            case _ if hands_itself(call):
                return frame.kind or frame.owner
        if isinstance(base, t.Name | t.Attr):
            for thing in each(self.thing(base, frame)):
                if isinstance(thing, Self):
                    return thing.found
        found = self.code.definition(self.code.name(base, frame.scope).removesuffix("()"))
        return found if found is not None and isinstance(found.node, t.Class) else None

    def _keep(self, node: t.Function, frame: Frame) -> None:
        """`self.order = get_object_or_404(Order, pk=pk)`: other methods find it there, and a queryset of which all that
        is ever asked are steps."""
        if frame.owner is None:
            return
        for dotted, thing in frame.names.items():
            owner, _, name = dotted.partition(".")
            if not name or owner != node.params[0].name:
                continue
            kept: list[Thing] = [replace(x, loop=None) for x in each(thing) if isinstance(x, Row)]
            begun = [x for x in each(thing) if isinstance(x, Draft) and x.mapper == "django" and not x.manager]  # fmt: skip
            kept += begun if begun and name not in self._read_whole else ()
            if kept:
                self.kept[id(node), name] = (frame.owner, Either(tuple(kept)) if len(kept) > 1 else kept[0])  # fmt: skip

    @functools.cached_property
    def _read_whole(self) -> set[str]:
        """The attributes that are read for more than a step that is called on them: `list(self.orders)`, `getattr(self, "orders")`."""
        stepped, read = set[int](), [n for m in self.code.modules.values() for n, _ in self.code.nodes(m)]  # fmt: skip
        for node in read:
            match node:
                case t.Call(func=t.Attr(value=t.Attr() as value)):
                    stepped.add(id(value))
                case t.Assign(targets=targets):
                    stepped.update(map(id, targets))
        whole = {n.name for n in read if isinstance(n, t.Attr) and id(n) not in stepped}
        return whole | {
            n.value for n in read if isinstance(n, t.Const) and isinstance(n.value, str)
        }

    def _using(self) -> Iterator[Scope]:
        """The methods of a class that use a stored object which another one keeps."""
        for (_, name), (owner, _) in list(self.kept.items()):
            for method in getattr(owner.node, "body", ()):
                if isinstance(method, t.Function) and any(
                    isinstance(n, t.Attr) and n.name == name for n in t.walk_own(*method.body)
                ):
                    yield owner.scope.module.scopes[id(method)]

    def _around(self, function: Located) -> Frame | None:
        scope: Scope | None = function.scope
        while scope is not None and scope.owner is not None:
            scope = scope.parent
        return self.frames.get(id(scope)) if scope is not None else None

    def _self(self, owner: Located, node: t.Function) -> Thing:
        entity = self.entities.by_name.get(self.code.own_name(owner))
        on_class = any(t.dotted(d).endswith("classmethod") for d in node.decorators)
        if entity is not None:
            return Class(entity) if on_class else Row(entity)
        if on_class and _stored_attribute(node):  # of a mixin: whatever class takes it
            heirs = self.entities.heirs(self.code.own_name(owner))
            found = [self.entities.by_name.get(self.code.own_name(h)) for h in heirs]
            if things := [Class(e) for e in found if e is not None and e.mapper != "django"][:12]:
                return Either(tuple(things)) if len(things) > 1 else things[0]
        return Self(owner)

    def _keeps_items(self, expr: t.Expr | None, scope: Scope) -> bool:
        """Whether it is a list of a class or a module that has something in it, in each heir of the class, too."""
        if not isinstance(expr, t.Name | t.Attr):
            return False
        match self.values.sources(expr, scope):
            case [Located(node=t.Seq(items=[first, *_]), scope=within)] if within.function is None:
                if not isinstance(within.owner, t.Class) or within.parent is None:
                    return not isinstance(first, t.Star)
                _, *heirs = self.code.heirs(Located(within.owner, within.parent))
                anew = any(t.last_word(expr) in self.code.inside(h).bindings for h in heirs)
                return not isinstance(first, t.Star) and not anew
        return False

    def bind(
        self, function: Located, call: t.Call, frame: Frame, values: Sequence[Thing | None],
        receiver: Thing | None = None,
    ) -> Thing | None:  # fmt: skip
        """What a function gives for these arguments, called on this object."""
        node = function.node
        assert isinstance(node, t.Function)
        deep = frame.depth >= (3 if receiver is None else 5)
        if id(call.func) in self.trials:
            return self.returns(function)
        if deep or self._left <= 0 or id(node) in self._running:
            return self.returns(function)
        told = given_by(node, call, frame.scope, frame.told, self.code)
        if any(isinstance(worth, Keys) for worth in told.values()):
            self.decided.add(id(node))
            if self.receivers.hands_on(node):  # each call is told for itself
                self.receiving[id(node)] = node
                self.received.add(id(call))
                self.answered.add((id(node), ""))
        places = by_place(function, call)
        positional = values[: len(call.args)]
        given = {n: v for n, v in zip(places, positional, strict=False) if v is not None}
        for keyword, value in zip(call.keywords, values[len(call.args) :], strict=False):
            if keyword.name and value is not None:
                given[keyword.name] = value
        given |= spread(node, call, values[len(call.args) :])
        if not any(isinstance(arg, t.Star) for arg in call.args):
            rest = Listed(tuple(positional[len(places) :]))
            given |= {p.name: rest for p in node.params if p.kind == "args"}
        passed = [
            *zip(places, call.args, strict=False),
            *((k.name, k.value) for k in call.keywords),
        ]
        texts = {n: text for n, x in passed if n and (text := self.text(x, frame)) is not None}
        texts, left_out = self._with_spread(node, call, frame, texts)
        for name, expr in passed:  # `query=Script.select()` is not None, whatever it brings
            if name in tested(node) and name not in told and id(expr) in self.followed:
                if isinstance(given.get(name), Draft):
                    told[name] = "present"
                    self.decided.add(id(node))
            elif name in tested(node) and name not in told and self._keeps_items(expr, frame.scope):
                told[name] = "something"
        self._left -= 1
        self._running.add(id(node))
        if receiver is not None:
            self._called.append((call, frame))
            self.receiving[id(node)] = node
            self.received.add(id(call))
        try:
            return self.run(
                function, given, frame.depth + 1, told, receiver, texts, called=(call, frame), left_out=left_out,
            )  # fmt: skip
        finally:
            self._running.discard(id(node))
            if receiver is not None:
                self._called.pop()

    def _with_spread(
        self, function: t.Function, call: t.Call, frame: Frame, texts: dict[str, str]
    ) -> tuple[dict[str, str], frozenset[str]]:
        """The texts that a call gives, those of what it spreads too, and the parameters that are surely not in that."""
        spreads = [k.value for k in call.keywords if k.name is None]
        names = {p.name for p in function.params}
        for expr in spreads:
            held, alone = spread_last(expr, frame.scope, frame.told, (self.code, call))
            given, perhaps = (dict(held.pairs), held.perhaps) if held else ({}, frozenset[str]())
            for name in given.keys() - perhaps:
                if (text := self.text(given[name], frame)) is not None:
                    texts = {**texts, name: text}
            names = names - given.keys() - perhaps if alone else set()
        return texts, frozenset(names)


def _trials(application: Application, models: Collection[str]) -> frozenset[int]:
    """What is called, by `id`, where a module that the application imports tries out its own functions.

    Where no application is told, a module of stored classes, by its path, that another one imports.

    That is below `if __name__ == "__main__"`, which no import runs, and nothing starts the module as a program:
    `print(comment_list(made=1583272089))`.
    """
    (reach,), (running,) = application.facts(Reach), application.facts(Running)
    roots = {module.path for module in reach.roots}
    found: set[int] = set()
    for path in reach.modules.keys() - roots if roots else _imported(application, models):
        module = application.code.modules[path]
        guards = [stmt for stmt in module.body if is_main_guard(stmt)]
        if guards and not running.is_started(module):
            calls = (n for n in t.walk_own(*guards) if isinstance(n, t.Call))
            found |= {
                id(call.func)
                for call in calls
                if (own := application.code.defined(call.func, module.scope)) is not None
                and own.path == path
            }
    return frozenset(found)


def _imported(application: Application, models: Collection[str]) -> set[str]:
    """Those of some modules, by their paths, that other source files import."""
    sources = {f.path for f in application.tree.files if f.role is Role.SOURCE}
    return {
        found.path
        for module in application.code.modules.values()
        if module.path in sources
        for found in imported(application.code, module)
        if found is not module and found.path in models
    }


def _of_manager(reading: Reading, around: Scope) -> bool:
    if not isinstance(around.owner, t.Class) or around.parent is None:
        return False
    return is_manager_class(reading, Located(around.owner, around.parent))


def _is_by_inheritance(reading: Reading, around: Scope) -> bool:
    """Whether a manager or queryset is one by a class of a package that it inherits from, and not by its name alone."""
    assert isinstance(around.owner, t.Class)
    assert around.parent is not None
    above = reading.code.ancestry(Located(around.owner, around.parent))
    return any(":" not in name and MANAGER.search(name) for name in above)


def _is_plain(param: t.Param) -> bool:
    """`def find(db: Session)` in a class: a function that is called on the class, and gets no object of it."""
    return param.annotation is not None and param.name not in ("self", "cls", "mcs")


def _is_nothing(default: t.Expr | None) -> bool:
    return isinstance(default, t.Const) and default.value is None


def _stored_attribute(function: t.Function) -> bool:
    return bool(function.params) and function.params[0].name == "cls"
