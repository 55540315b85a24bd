"""Which values stem from the caller's identity, which from ids that the caller sent, and where they meet.

The flow of injections (`auditor/link/flow/`) forgets what a narrow type makes harmless, and keeps
the more dangerous of two values. Here a number is as good an id as any text, and what counts is that
two kinds of values meet: hence sets of marks that only grow. A function is walked once for each set
of marks that it is given; functions of the tree are followed.

A function does the same with an id however it is called: it is walked with stand-ins (`Symbols`), and
what it did is told of the ids themselves.

A *tie* is a place where an identity and an id meet so that one can restrict the other: in a query,
in a comparison, in a call of something that cannot be read. Logs, responses and new records that
name both tie nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec
from msgspec.structs import replace

from auditor.extract.python import tree as t
from auditor.link.scopes import Located, Scope
from auditor.link.values import Evaluator

_MAX_DEPTH = 8
_MAX_CALLS = 60_000
"""Walks of functions in one audit; beyond it calls count as not followed."""

SECRET = re.compile(
    r"token|secret|signature|nonce|otp$|hash|digest|hmac|invit|ticket|(?:^|_)key$", re.I
)
_ID = re.compile(
    r"(?:^|_)(?:id|pk|uuid|guid|oid)s?$|[a-z]I[dD]s?$"
    r"|^(?:user_?name|account_?(?:number|no)|tenant|org(?:ani[sz]ation)?|customer|card_?number)$"
)
_NO_ID = re.compile(
    r"^(?:.*_(?:back|date|type|format|at)|(?:(?!user)\w+_)?name|days?|hours?|page|limit|offset|year|month|day|date|week|format|lang|language|locale|version|path|filename"
    r"|file_?path|action|type|kind|status|state|name_?space|provider|backend|field|size|width|height|method"
    r"|ext|extension|sort|order|index|count|period|start|end|mode|template|theme|country|currency|model"
    r"|client_?id|site_?id|device_?id|request_?id|session_?id|trace_?id|correlation_?id|event|metric"
    r"|task_?id|job_?id|message_?id|tool|rest|rest_of_path)$",
    re.I,
)  # fmt: skip


Item = TypeVar("Item")


class Mark(msgspec.Struct, frozen=True):
    """What a value stems from.

    `kind` is identity, id, container (of what was sent: ids are among its members) or request;
    `source` says where an id or container comes from; `found` tells that the value is not the id
    but what was found by it.
    """

    kind: str
    name: str = ""
    source: str = ""
    found: bool = False


Marks = frozenset[Mark]
NOTHING: Marks = frozenset()
IDENTITY: Marks = frozenset([Mark("identity")])
REQUEST: Marks = frozenset([Mark("request")])


def sent_id(name: str, source: str) -> Marks:
    """The mark of a value that the caller sent under a name; none where it names no object."""
    if SECRET.search(name) or _NO_ID.match(name):
        return NOTHING
    if source != "path" and not _ID.search(name):
        return NOTHING
    return frozenset([Mark("id", name, source)])


def container(source: str) -> Marks:
    return frozenset([Mark("container", "", source)])


def ids(marks: Marks) -> Marks:
    """The ids that values stem from, whether they are these ids or were found by them."""
    return frozenset(replace(m, found=False) for m in marks if m.kind == "id")


def as_found(marks: Marks) -> Marks:
    """What is found by ids."""
    return frozenset(replace(m, found=True) if m.kind == "id" else m for m in marks)


def knows_caller(marks: Marks) -> bool:
    return any(m.kind == "identity" for m in marks)


class Selection(msgspec.Struct, frozen=True):
    """A call that finds stored objects; `keys` are the arguments that say which.

    `kind` is the canonical name of a class, or `table:NAME` and `collection:NAME`; empty where it
    rests on the object that the method belongs to. `whole` tells that nothing is left to be followed;
    `changes` that the objects are written to.
    """

    kind: str
    keys: tuple[t.Expr, ...]
    within: t.Expr | None = None
    """What is selected among, where an argument says so: `get_object_or_404(queryset, pk=pk)`."""
    whole: bool = False
    changes: bool = False


class Access(msgspec.Struct, frozen=True):
    """A selection by something that the caller sent."""

    where: Located
    kind: str
    ids: Marks


class Meeting(msgspec.Struct, frozen=True):
    """Where an identity and ids meet; `how` is query, compared or checked.

    `ignored` says why it has no effect, empty where it has one; `against` is the id that the caller
    sends as well, where a comparison with it is the reason.
    """

    ids: Marks
    how: str
    where: Located
    ignored: str = ""
    against: Marks = NOTHING


class Gathered(dict[Item, None]):
    """A set that keeps the order in which its members came."""

    @classmethod
    def of(cls, items: Iterable[Item]) -> Gathered[Item]:
        return cls((item, None) for item in items)

    def add(self, item: Item) -> None:
        self[item] = None


@dataclass(slots=True)
class Trace:
    """What a function does with what it is given."""

    returns: Marks = NOTHING
    accesses: Gathered[Access] = field(default_factory=Gathered)
    ties: Gathered[Meeting] = field(default_factory=Gathered)
    links: Gathered[Marks] = field(default_factory=Gathered)
    """Ids that meet in one query or comparison."""
    roles: Gathered[Located] = field(default_factory=Gathered)
    """Where callers without a role are turned away."""
    unfollowed: Gathered[Marks] = field(default_factory=Gathered)
    kept: set[str] = field(default_factory=set)
    """Kinds of objects that are found by who calls."""
    made: set[str] = field(default_factory=set)
    """Kinds of objects that are made with who calls."""
    changed: Marks = NOTHING
    """Ids whose objects are written to or removed."""

    def add(self, other: Trace) -> None:
        self.accesses |= other.accesses
        self.ties |= other.ties
        self.links |= other.links
        self.roles |= other.roles
        self.unfollowed |= other.unfollowed
        self.kept |= other.kept
        self.made |= other.made
        self.changed |= other.changed


class Symbols:
    """Stand-ins for the ids that a function is given.

    Ids that come by the same way in the same parameters cannot be told apart by a function. Since it
    matters whether they are several, two stand for any number of them: the first by name, and the others.
    """

    def __init__(self, given: dict[str, Marks]) -> None:
        ways: dict[Mark, list[tuple[str, bool]]] = {}
        for name in sorted(given):
            for mark in given[name]:
                if mark.kind == "id":
                    ways.setdefault(replace(mark, found=False), []).append((name, mark.found))
        groups: dict[tuple[str, tuple[tuple[str, bool], ...]], list[Mark]] = {}
        for mark, way in ways.items():
            groups.setdefault((mark.source, tuple(sorted(way))), []).append(mark)
        self._meant: dict[Mark, Marks] = {}
        alike: list[object] = []
        standing: dict[Mark, Mark] = {}
        for number, group in enumerate(sorted(groups)):
            first, *others = sorted(groups[group], key=lambda m: m.name)
            alike.append((group, bool(others)))
            for sign, members in (("", [first]), ("+", others)):
                for found in (False, True):
                    symbol = Mark("id", f"#{number}{sign}", first.source, found)
                    meant = [replace(m, found=found) for m in members]
                    self._meant[symbol] = frozenset(meant)
                    standing.update(dict.fromkeys(meant, symbol))
        self.given = {
            name: frozenset(standing.get(m, m) for m in marks) for name, marks in given.items()
        }
        """What the function is walked with."""
        plain = ((k, frozenset(m for m in v if m.kind != "id")) for k, v in given.items())
        self.key = tuple(alike), frozenset((k, v) for k, v in plain if v)
        """The same for all that is given alike but for the names of ids."""

    def told(self, trace: Trace) -> Trace:
        """What was done with the stand-ins, told of the ids that they stand for."""
        if not self._meant:
            return trace
        known: dict[Marks, Marks] = {}

        def of(marks: Marks) -> Marks:
            if (found := known.get(marks)) is None:
                members = (self._meant.get(m) or (m,) for m in marks)
                found = known[marks] = frozenset(m for each in members for m in each)
            return found

        return Trace(
            of(trace.returns),
            Gathered.of(replace(a, ids=of(a.ids)) for a in trace.accesses),
            Gathered.of(replace(x, ids=of(x.ids), against=of(x.against)) for x in trace.ties),
            Gathered.of(map(of, trace.links)),
            trace.roles,
            Gathered.of(map(of, trace.unfollowed)),
            trace.kept,
            trace.made,
            of(trace.changed),
        )


Ambient = Callable[[t.Expr, Scope], "Marks | None"]
"""What an expression holds whoever asks: `request.user`; None where it is not known."""
Selects = Callable[[t.Call, Scope], "Selection | None"]
Serves = Callable[[t.Expr, Scope], str]
"""The class whose objects a repository serves; empty where it could not be told."""


class Labels:
    """Walks functions, each once for what it is given."""

    def __init__(
        self, values: Evaluator, ambient: Ambient, selects: Selects, serves: Serves
    ) -> None:
        self.values, self.code = values, values.code
        self.ambient, self.selects, self.serves = ambient, selects, serves
        self._traces: dict[tuple[object, ...], Trace] = {}
        self._places: dict[int, Located] = {}
        self.depth = 0

    def trace(self, function: Located, given: dict[str, Marks]) -> Trace | None:
        """What a function does with these parameters; None where it lies too deep."""
        symbols = Symbols(given)
        key = (id(function.node), symbols.key)
        if key not in self._traces:
            if self.depth > _MAX_DEPTH or len(self._traces) > _MAX_CALLS:
                return None
            from auditor.link.labels.walk import Walk

            self._traces[key] = Trace()  # a cycle ends here
            self.depth += 1
            try:
                self._traces[key] = Walk(self, function, symbols.given).run()
            finally:
                self.depth -= 1
        return symbols.told(self._traces[key])

    def at(self, node: t.Node, scope: Scope) -> Located:
        """The place of an expression, the same one in every walk: what happens there is one thing."""
        if (found := self._places.get(id(node))) is None:
            found = self._places[id(node)] = Located(node, scope)
        return found
