"""Which values stem from the caller's identity, which from ids that the caller sent, and where they meet.

The flow of injections (`auditor/link/flow/`) forgets what a narrow type makes harmless, and keeps
the more dangerous of two values. Here a number is as good an id as any text, and what counts is that
two kinds of values meet: hence sets of marks that only grow. A function is walked once for each set
of marks that it is given; functions of the tree are followed.

A *tie* is a place where an identity and an id meet so that one can restrict the other: in a query,
in a comparison, in a call of something that cannot be read. Logs, responses and new records that
name both tie nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec
from msgspec.structs import replace

from auditor.extract.python import tree as t
from auditor.link.scopes import Located, Scope
from auditor.link.values import Evaluator

_MAX_DEPTH = 8
_MAX_CALLS = 60_000
"""Functions that one audit walks; beyond it calls count as not followed."""

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

    `ignored` says why it has no effect, empty where it has one.
    """

    ids: Marks
    how: str
    where: Located
    ignored: str = ""


@dataclass(slots=True)
class Trace:
    """What a function does with what it is given."""

    returns: Marks = NOTHING
    accesses: list[Access] = field(default_factory=list)
    ties: list[Meeting] = field(default_factory=list)
    links: list[Marks] = field(default_factory=list)
    """Ids that meet in one query or comparison."""
    roles: list[Located] = field(default_factory=list)
    """Where callers without a role are turned away."""
    unfollowed: list[Marks] = field(default_factory=list)
    kept: set[str] = field(default_factory=set)
    """Kinds of objects that are found by who calls."""
    made: set[str] = field(default_factory=set)
    """Kinds of objects that are made with who calls."""
    changed: Marks = NOTHING
    """Ids whose objects are written to or removed."""

    def add(self, other: Trace) -> None:
        self.accesses += [a for a in other.accesses if a not in self.accesses]
        self.ties += [x for x in other.ties if x not in self.ties]
        self.links += [x for x in other.links if x not in self.links]
        self.roles += [x for x in other.roles if x not in self.roles]
        self.unfollowed += [x for x in other.unfollowed if x not in self.unfollowed]
        self.kept |= other.kept
        self.made |= other.made
        self.changed |= other.changed


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
        self.depth = 0

    def trace(self, function: Located, given: dict[str, Marks]) -> Trace | None:
        """What a function does with these parameters; None where it lies too deep."""
        known = tuple(sorted(((k, v) for k, v in given.items() if v), key=lambda x: x[0]))
        key = (id(function.node), known)
        if key in self._traces:
            return self._traces[key]
        if self.depth > _MAX_DEPTH or len(self._traces) > _MAX_CALLS:
            return None
        from auditor.link.labels.walk import Walk

        self._traces[key] = Trace()  # a cycle ends here
        self.depth += 1
        try:
            self._traces[key] = found = Walk(self, function, given).run()
        finally:
            self.depth -= 1
        return found
