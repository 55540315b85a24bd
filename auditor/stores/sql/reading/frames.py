"""Reads the code that puts queries together, statement by statement, without running it.

Names hold what they stand for (`things`); a test that cannot be told leaves both ways open. What
the mappers' calls mean is registered in their folders, and by `statements`. Only functions that
mention a stored class or a word of a query language are read.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from msgspec.structs import replace

from auditor.extract.python import tree as t
from auditor.link.application import Application
from auditor.link.decisions import Worth
from auditor.link.names import Code
from auditor.link.raising import Raising
from auditor.link.scopes import CallSite, Located, Scope, argument, place_of
from auditor.link.values import Evaluator
from auditor.model.places import Place
from auditor.stores.bounds import bounds_of
from auditor.stores.sql.conditions import Draft
from auditor.stores.sql.entities import Column, Entities, Entity, Relation
from auditor.stores.sql.migrations import History
from auditor.stores.sql.reading.lent import Lent
from auditor.stores.sql.reading.selection import Selections
from auditor.stores.sql.reading.things import Row, Rows, Self, Thing, Written
from auditor.stores.sql.reading.unnamed import unnamed
from auditor.stores.sql.sqlalchemy.relations import loads_late
from auditor.stores.sql.statements.files import schema_files, statement_files, words_of_others
from auditor.stores.sql.statements.named_statements import NamedStatement

if TYPE_CHECKING:
    from auditor.frameworks.django.pages import Page
    from auditor.stores.receivers import Receivers


@dataclass(eq=False)
class Frame:
    """The names of one function while it is read."""

    scope: Scope
    parent: Frame | None = None
    names: dict[str, Thing | None] = field(default_factory=dict)
    loop: Place | None = None
    returned: list[Thing] = field(default_factory=list)
    owner: Located | None = None
    depth: int = 0
    told: dict[str, Worth] = field(default_factory=dict)
    """What parameters are, where the call says so."""
    texts: dict[str, str] = field(default_factory=dict)
    """Parameters that a call gives a text of the code."""
    left_out: frozenset[str] = frozenset()
    """Parameters that are surely not in what a call spreads: `narrow(found, **chosen)`."""
    put_together: dict[tuple[object, ...], list[str]] = field(default_factory=dict)
    """The texts that expressions, by `id`, come to in steps, under the texts that were given."""
    plain: set[tuple[object, ...]] = field(default_factory=set)
    """What variables come from, by `id`, of which nothing is joined of a list that grows, under the texts that were given."""
    called: tuple[t.Call, Frame] | None = None
    """The call for which it is read, and where that stands."""
    kind: Located | None = None
    """The class of the object that it is called on, where the call tells it."""
    ended: bool = False
    since: int = 0
    """How many queries were known when it began."""
    loaded: set[tuple[str, Place | None]] = field(default_factory=set)
    """Relations of objects that were read here before: the object keeps what they gave."""

    def loads(self, expr: t.Attr, row: Row) -> bool:
        """Whether a relation of a stored object is read for the first time here, and thus asked for."""
        name = t.dotted(expr)
        alone = row.loop is None and len(self.scope.bindings.get(name.partition(".")[0], ())) == 1
        key = (name, None if alone else row.loop or self.loop)  # one object stays itself in a loop
        if key[0] and key in self.loaded:
            return False
        self.loaded.add(key)
        return True

    def find(self, name: str) -> tuple[bool, Thing | None]:
        frame: Frame | None = self
        while frame is not None:
            if name in frame.names:
                return True, frame.names[name]
            if name in frame.scope.bindings:
                break  # its own, as a parameter is, whatever the module has of that name
            frame = frame.parent
        return False, None


Reader = Callable[["Reading", t.Call, str, Thing | None, Frame], tuple[Thing | None, bool]]
"""(reading, call, its last name, what it is called on, frame) -> (what it gives, whether known)."""
Attribute = Callable[["Reading", t.Attr, Thing | None, Frame], Thing | None]

ClassReader = Callable[["Reading", Located, list[str]], None]
"""(reading, class, its ancestry): records what a class asks without a call of its own."""

CLASSES: list[ClassReader] = []
CALLS: list[Reader] = []
ATTRIBUTES: list[Attribute] = []


def reads_calls(reader: Reader) -> Reader:
    """Register what calls of a mapper mean."""
    CALLS.append(reader)
    return reader


def reads_attributes(reader: Attribute) -> Attribute:
    """Register what attributes of a mapper's objects mean."""
    ATTRIBUTES.append(reader)
    return reader


def reads_classes(reader: ClassReader) -> ClassReader:
    """Register what classes of a framework ask by themselves."""
    CLASSES.append(reader)
    return reader


class Reading:
    """What has been read so far, and how mappers ask what an expression stands for."""

    receivers: Receivers
    """On which object a method is called, where its class serves several models."""

    def __init__(self, application: Application) -> None:
        self.application = application
        (self.entities,) = application.facts(Entities)
        (self.raising,) = application.facts(Raising)
        self.values: Evaluator = self.entities.values
        self.code: Code = self.entities.code
        self.selections = Selections(self.values)
        self.bounds = bounds_of(application)
        self.statements = {s.name: s for s in application.facts(NamedStatement)}
        self.drafts: list[Draft] = []
        self.dropped: dict[int, Draft] = {}
        """Queries that are none of their own, by their `id`, which is theirs as long as they are kept."""
        self.prefetched: dict[int, Draft] = {}
        """Queries, by `id`, for what belongs to the objects that another one brings, and that other one."""
        self.followed: set[int] = set()
        """Calls, by `id`, of which a mapper's reader said what they are."""
        self.handed: dict[int, Located] = {}
        """Functions, by `id`, that are handed the text of a statement: their callers say what is asked."""
        self.unspelt: dict[int, tuple[t.Function, set[str]]] = {}
        """Functions, by `id`, that put into a statement what they are handed, `delete(table, where)`, by these names."""
        self.spelling: set[int] = set()
        """The calls, by `id`, that spell it out, where the statement is told."""
        self.running: dict[int, bool] = {}
        """Functions, by `id`, and whether they call what may run a statement."""
        self._told: set[Place] | None = None
        self.decided: set[int] = set()
        """Functions, by `id`, of which a call says which of their conditions hold."""
        self.named_by_calls: set[int] = set()
        """Functions, by `id`, that put together what they ask by a text that some of their calls give."""
        self.supplied: set[int] = set()
        """Functions, by `id`, that calls give a query: these tell what the parameter is."""
        self.of_heirs: set[int] = set()
        """Methods, by `id`, that are read for objects of the classes that inherit them."""
        self.given_back: list[tuple[Located | None, Draft, t.Call | t.Attr, Draft]] = []
        """(function that others may call, query that it gives back, call or property that gets it, what that goes on from)."""
        self.answered: set[tuple[int, str]] = set()
        """Methods, by `id`, and the models for which calls say what they ask."""
        self.receiving: dict[int, t.Function] = {}
        """Methods of several models, by `id`, that are read for the model of a call."""
        self.received: set[int] = set()
        """The calls, by `id`, for which they are read."""
        self._called: list[tuple[t.Call, Frame]] = []
        """The calls that say what a method of several models asks, and where they stand."""
        self.lent = Lent()
        """What calls hand to functions that read relations of it."""
        self.looped: dict[int, Place] = {}
        """Functions, by `id`, that are called in a loop over rows."""
        self.owners: dict[int, int] = {}
        """The function, by `id`, in which each query is put together."""
        self._inside: list[tuple[int, bool]] = []
        """The functions that are read, and whether for a call."""
        self._roots: dict[int, int] = {}
        """By the `id` of a query, the function that is read for no call in which it came up."""
        self.written: list[Written] = []
        """What serializers and response models write out."""
        self.kept: dict[tuple[int, str], tuple[Located, Thing]] = {}
        """The stored objects that a method, by `id`, keeps in attributes, and the class that it is of."""
        self.frames: dict[int, Frame] = {}
        self.awaited: set[int] = set()
        """Attributes and calls, by `id`, that code waits for: a relation that is read so is asked for then."""
        self.options: dict[str, list[t.Map]] = {}
        """Settings by name, as readers look them up."""
        self.pages: dict[tuple[str, frozenset[str]], Page | None] = {}
        """Templates of Django, by their names and the blocks that another one replaces."""
        self.taken_in = 0
        """How many statements of templates were read for others that take these in."""
        self.refused: dict[int, str] = {}
        """Calls, by the `id` of what they call, and why the mapper refuses them at once."""
        self.unreached = ""
        """Why nothing runs what is read."""
        self._mappers: set[str] | None = None
        self._returns: dict[int, Thing | None] = {}
        self._running: set[int] = set()

    @functools.cached_property
    def loads_late(self) -> bool:
        """Whether some session of SQLAlchemy loads a relation when it is read."""
        return loads_late(self.code)

    @functools.cached_property
    def tables(self) -> dict[str, Entity]:
        """Every table by its name: those of models, and those that only statements create."""
        (history,) = self.application.facts(History)
        found = {
            name: Entity(
                f"sql:{name}", "sql", name, state.place,
                columns={
                    c: Column(
                        c, c, kind, state.place, c in state.keys, two=c in state.two,
                        first=(state.firsts[c],) if c in state.firsts else (),
                    )
                    for c, kind in state.columns.items()
                },
            )
            for name, state in history.tables.items()
        }  # fmt: skip
        return found | self.entities.by_table

    @functools.cached_property
    def spelt(self) -> dict[str, str]:
        """The tables whose names have capitals, by their names without."""
        return {name.lower(): name for name in self.tables if name != name.lower()}

    @functools.cached_property
    def schema_files(self) -> frozenset[str]:
        """The names of the SQL files that make tables, and search none."""
        return schema_files(self.application)

    @functools.cached_property
    def unnamed(self) -> frozenset[int]:
        """Expressions, by `id`, that no template asks for though its context has them."""
        return unnamed(self.application)

    @functools.cached_property
    def statement_files(self) -> dict[str, str]:
        """What the SQL files hold, by their names."""
        return statement_files(self.application)

    @functools.cached_property
    def words_of_others(self) -> set[str]:
        """The words of programs in other languages, which may create what they name."""
        return words_of_others(self.application)

    @functools.cached_property
    def related(self) -> dict[str, list[tuple[Entity, Relation]]]:
        """Relations that are managers or queries themselves, by their names: (owner, relation)."""
        found: dict[str, list[tuple[Entity, Relation]]] = {}
        for entity in self.entities:
            for name, relation in entity.relations.items():
                if relation.many and (entity.mapper in ("django", "tortoise") or relation.asked):
                    found.setdefault(name, []).append((entity, relation))
        return found

    @functools.cached_property
    def signed_in(self) -> Entity | None:
        """The one stored class of the users that Flask-Login gives: `current_user`."""
        found = [
            entity
            for entity in self.entities
            if entity.mapper == "sqlalchemy" and entity.found is not None
            if any(_LOGIN.match(name) for name in self.code.ancestry(entity.found))
        ]
        return found[0] if len(found) == 1 else None

    def has(self, mapper: str) -> bool:
        """Whether the tree stores anything through this mapper."""
        if self._mappers is None:
            self._mappers = {e.mapper for e in self.entities if e.place.path}
        return mapper in self._mappers

    # --- recording

    def record(self, draft: Draft) -> Draft:
        owner = self._inside[-1][0] if self._inside else 0
        if self.unreached and not draft.unresolved:
            draft = replace(draft, unresolved=self.unreached, refused=True)
        if self._called and not draft.tentative:
            call, outer = self._called[0]
            owner = id(outer.scope.function) if outer.scope.function is not None else 0
            draft = replace(draft, place=self.place(call, outer), loop=draft.loop or outer.loop)
            self.answered.update(
                (function, draft.model) for function, bound in self._inside if bound
            )
        self.drafts.append(draft)
        self.owners[id(draft)] = owner
        self._roots[id(draft)] = next((f for f, bound in reversed(self._inside) if not bound), 0)
        return draft

    def is_untold(self, draft: Draft) -> bool:
        """Whether nothing better is known of what is asked where a draft stands."""
        if self._told is None:
            self._told = {x.place for x in self.drafts if not x.tentative}
        return draft.place not in self._told and self.owners.get(id(draft)) not in self.handed

    def refuse(self, call: t.Call, why: str) -> None:
        """Keep that a mapper refuses a call, unless it does not for another thing that it may be asked of."""
        key = id(call.func)
        self.refused[key] = why and self.refused.get(key, why)

    def place(self, node: t.Node, frame: Frame) -> Place:
        return place_of(Located(node, frame.scope))

    def site(self, call: t.Call, frame: Frame) -> CallSite:
        return CallSite(call, frame.scope)

    def asked_at(self, call: t.Call, draft: Draft, frame: Frame) -> Draft:
        """A query that a variable of the function holds is asked where a call executes it, each time anew."""
        here, there = self.place(call, frame), draft.place
        apart = not here.line <= there.line <= call.end_line
        if not apart or _root(call) is None or (here.path, here.symbol) != (there.path, there.symbol):  # fmt: skip
            return draft
        return self.record(replace(draft, place=here, origin=draft))

    def asked_of_kept(self, call: t.Call, draft: Draft, frame: Frame) -> Draft:
        """A query that a class keeps, `self.queryset.filter(…)`, is asked where a method takes a step of it."""
        here, there = self.place(call, frame), draft.place
        if (here.path, here.symbol) == (there.path, there.symbol) or draft.manager:
            return draft
        self.dropped[id(draft)] = draft
        return self.record(replace(draft, place=here, origin=draft, loop=frame.loop))

    def is_another(self, call: t.Call) -> bool:
        """Whether a step makes another query of what a variable holds, which goes on to hold its own:
        `late = orders.filter(due__lt=today)`."""
        return id(call) not in self._going_on

    @functools.cached_property
    def _going_on(self) -> frozenset[int]:
        """The steps, by `id`, whose result takes the place of what they begin with, or leaves the function."""
        kept: list[t.Expr] = [
            x.value for x, _ in self.code.of_kind(t.Return) if x.value is not None
        ]
        for assign, _ in self.code.of_kind(t.Assign):
            names = {
                x.id for target in assign.targets for x in t.walk(target) if isinstance(x, t.Name)
            }
            kept += [x for x in (assign.value,) if x is not None and _root(x) in names]
        return frozenset(id(n) for expr in kept for n in t.walk_own(expr) if isinstance(n, t.Call))

    def text(self, expr: t.Expr, frame: Frame) -> str | None:
        """A text of the code, also through a parameter that the call gives one."""
        if isinstance(expr, t.Const):
            return expr.value if isinstance(expr.value, str) else None
        if isinstance(expr, t.Name) and expr.id in frame.texts:
            return frame.texts[expr.id]
        if isinstance(expr, t.Text) and any(self._is_given(n, frame) for n in t.walk_own(expr)):
            parts = [self.text(part, frame) for part in expr.parts]
            return "".join(x for x in parts if x) if None not in parts else None
        if isinstance(expr, t.Name) and self._is_given(expr, frame):
            return None  # a call gives another one than its default
        return self.values.text(expr, frame.scope)

    def _is_given(self, name: t.Node, frame: Frame) -> bool:
        """Whether a name is a parameter with a default in whose place a call gives something, or may."""
        function = frame.scope.owner
        if not isinstance(name, t.Name) or not isinstance(function, t.Function):
            return False
        at = next((i for i, p in enumerate(function.params) if p.name == name.id), None)
        if at is None or len(frame.scope.bindings[name.id]) > 1:
            return False
        param = function.params[at]
        if name.id in frame.texts or param.default is None:
            return name.id in frame.texts
        at -= function.params[0].name in ("self", "cls")
        place = at if param.kind == "positional" else None
        if frame.called is not None:
            return _may_give(frame.called[0], place, name.id, frame.left_out)
        sites = self.code.calls(f"{frame.scope.module.path}:{frame.scope.qualname}")
        open_ = any(_may_give(site.node, place, name.id, frozenset()) for site in sites)
        self.named_by_calls |= {id(function)} if open_ else set()
        return open_

    def was_read(self, function: Located) -> bool:
        """Whether a function may ask something, and was read therefore."""
        return id(function.node) in self._returns

    def given(self, function: Located) -> Thing | None:
        """What a function gave when it was read; nothing of one that was not."""
        return self._returns.get(id(function.node))

    # --- what `expressions` and `tree` do

    def thing(self, expr: t.Expr, frame: Frame, depth: int = 0) -> Thing | None:
        """What an expression stands for; records the queries that it makes."""
        raise NotImplementedError

    def block(self, body: Iterable[t.Stmt], frame: Frame) -> None:
        """Read statements in order."""
        raise NotImplementedError

    def served(self, owner: Located, name: str) -> list[Entity]:
        """The stored classes that `self.model` is in a class and in those that inherit from it."""
        raise NotImplementedError

    def of_self(self, one: Self, name: str, frame: Frame) -> Thing | None:
        """An attribute that the class gives."""
        raise NotImplementedError

    def attribute(self, expr: t.Attr, base: Thing | None, frame: Frame) -> Thing | None:
        """What an attribute of something stands for."""
        raise NotImplementedError

    def rows(self, thing: Thing | None, frame: Frame) -> Rows | None:
        """The rows that going through something brings."""
        raise NotImplementedError

    def returns(self, function: Located) -> Thing | None:
        """What a function of the tree gives, whoever calls it."""
        raise NotImplementedError

    def run(
        self, function: Located, given: dict[str, Thing], depth: int, told: dict[str, Worth] | None = None
    ) -> Thing | None:  # fmt: skip
        """Read a function's body with its parameters bound."""
        raise NotImplementedError

    def frame(self, scope: Scope) -> Frame:
        """The names of a module or class, after its statements."""
        raise NotImplementedError

    def bind(
        self, function: Located, call: t.Call, frame: Frame, values: Sequence[Thing | None],
        receiver: Thing | None = None,
    ) -> Thing | None:  # fmt: skip
        """What a function gives for these arguments, called on this object."""
        raise NotImplementedError


_LOGIN = re.compile(r"flask_(?:login|security)\b.*UserMixin$")


def _may_give(call: t.Call, place: int | None, name: str, left_out: frozenset[str]) -> bool:
    """Whether a call passes a parameter, or may with what it spreads."""
    if argument(call, place, name) is not None:
        return True
    spread = any(k.name is None for k in call.keywords) and name not in left_out
    return spread or (place is not None and any(isinstance(x, t.Star) for x in call.args))


def _root(expr: t.Expr) -> str | None:
    """The variable that a chain of calls begins with."""
    while isinstance(expr, t.Call | t.Attr | t.Item | t.Await):
        expr = expr.func if isinstance(expr, t.Call) else expr.value
    return expr.id if isinstance(expr, t.Name) else None
