"""What is known on a path of who is calling, and what all paths of a function say."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence

import msgspec
from msgspec.structs import replace

from auditor.extract.python import tree as t


class Strength(enum.IntEnum):
    """How much a passed check says about who is calling.

    NAMED: what the caller sent names something that exists, such as a user's id; it is no secret.
    EITHER: that on some ways, a real verification on the others.
    """

    NONE = 0
    FORM = 1
    NAMED = 2
    EITHER = 3
    DEFAULT_SECRET = 4
    OUTSIDE = 5
    VERIFIED = 6


PROVEN = frozenset({Strength.DEFAULT_SECRET, Strength.VERIFIED})
"""What a credential that was really checked says, be its key known or not."""


def least(strengths: Iterable[Strength], default: Strength) -> Strength:
    """What is established on every one of several ways."""
    found = set(strengths)
    low = min(found, default=default)
    if low is Strength.NAMED and found & {Strength.EITHER, Strength.VERIFIED}:
        return Strength.EITHER
    return low


class Verification(msgspec.Struct, frozen=True):
    """What a call to a known library function establishes.

    `raises`: failing raises, so that going on means success; else the result tells.
    """

    strength: Strength
    raises: bool
    note: str = ""
    denies: bool = False
    """Whether what it raises answers 401 or 403, so that a body with it is a guard."""
    truthy: Strength = Strength.NONE
    """What a truthy result shows, where that is more than that it returned."""
    ways: tuple[Exit, ...] = ()
    """The ways out of a function of the tree, with the refusals that it only returns."""
    refuses: bool = False
    """Whether some of these are refusals, which count where they are handed on."""

    @property
    def shown(self) -> Strength:
        """What a truthy result shows."""
        return max(self.strength, self.truthy)

    @property
    def absent(self) -> Strength:
        """What a falsy result shows: an error that is none."""
        shown = least((e.strength for e in self.ways if e.truthy is not True), Strength.NONE)
        return shown if shown >= Strength.DEFAULT_SECRET else Strength.NONE

    @property
    def plain(self) -> Strength:
        """What a result shows that is no refusal."""
        return least((e.strength for e in self.ways if not e.refusal), Strength.NONE)


class Origin(msgspec.Struct, frozen=True, order=True):
    """Where a variable's value comes from, as far as guarding is concerned.

    `caller`: holds what the caller sent. `truth`: what is established when the value is truthy,
    `absent`: when it is falsy, `plain`: when it is no refusal, which it may be with `refusal`.
    """

    caller: bool = False
    truth: Strength = Strength.NONE
    falsy: bool = False
    constant: bool = False
    identity: bool = False
    absent: Strength = Strength.NONE
    plain: Strength = Strength.NONE
    refusal: bool = False
    told: tuple[tuple[str, Strength], ...] = ()
    """The constants that it may be, as they are written, and what is established with each."""


OF_NOBODY = {"is_anonymous", "get_id", "groups", "user_permissions", "pk", "id"}
"""Attributes of a user that say nothing of one who has not signed in."""


class Piece(msgspec.Struct, frozen=True):
    """A part of what a function returns: an item of a tuple by its number, an entry, a field."""

    name: str
    truthy: bool | None
    """Whether it is truthy for certain, or falsy."""
    truth: Strength
    """What is established when it is truthy."""
    constant: str = ""
    """The literal that it is, if it is one, as Python writes it."""


class Exit(msgspec.Struct, frozen=True):
    """One way out that lets the caller pass."""

    strength: Strength
    falsy: bool
    constant: bool
    node: t.Node
    truth: Strength
    """What is established when the returned value is truthy."""
    caller: bool = False
    """Whether the returned value is what the caller sent."""
    named: bool = False
    """As of its state."""
    truthy: bool | None = None
    """Whether what it returns is truthy for certain, or falsy."""
    parts: tuple[Piece, ...] = ()
    """Of what it returns, the same for each part."""
    refusal: bool = False
    """Whether it returns a refusal: it lets nobody pass who is handed that."""


class Summary(msgspec.Struct, frozen=True):
    """All that the paths through a function say."""

    exits: tuple[Exit, ...]
    rejects: tuple[t.Node, ...]
    denies: bool
    """Whether a rejection says 401 or 403, so that the function means to guard."""
    notes: tuple[str, ...] = ()
    conditional: bool = False
    """Whether it turns callers away for who they are, though not on every way."""
    sets: dict[str, Origin] = msgspec.field(default_factory=dict)
    """What it puts into attributes (`g.user`, `request.state.user`), joined over its paths."""
    answers: tuple[Exit, ...] = ()
    """The refusals that it returns, which turn nobody away unless its caller hands them on."""
    published: bool = False
    """Whether it minds who is calling only where what is asked for is not public."""
    undecided: bool = False
    """Whether it tests the request's path in a way that could not be decided."""

    @property
    def guaranteed(self) -> Strength:
        """What is established whenever the function returns at all."""
        return _least_of(self.exits, Strength.VERIFIED)

    @property
    def when_truthy(self) -> Strength:
        """What is established when the function returns something truthy."""
        truths = [max(e.strength, e.truth) for e in self.exits if not e.falsy]
        return least(truths, Strength.NONE)


RECURSIVE = Summary(
    (Exit(Strength.NONE, False, False, t.Jump(1, 1, 1, "pass"), Strength.NONE),), (), False
)
Env = dict[str, Origin]


class State(msgspec.Struct, frozen=True):
    strength: Strength
    env: Env
    named: bool = False
    """Whether something was named before anything was verified: an object that is asked for."""

    def with_strength(self, strength: Strength, env: Env | None = None) -> State:
        named = self.named or self.strength is Strength.NAMED
        return State(strength, self.env if env is None else env, named)


def join(a: Origin, b: Origin) -> Origin:
    """One of two values: truthy shows only what both would show, unless one is always falsy."""
    if a.falsy and not b.falsy:
        return replace(b, caller=a.caller or b.caller, constant=False, absent=Strength.NONE)
    if b.falsy and not a.falsy:
        return replace(a, caller=a.caller or b.caller, constant=False, absent=Strength.NONE)
    return Origin(
        a.caller or b.caller,
        least((a.truth, b.truth), Strength.NONE),
        a.falsy and b.falsy,
        a.constant and b.constant,
        a.identity and b.identity,
        min(a.absent, b.absent),
        min(a.plain, b.plain),
        a.refusal or b.refusal,
    )


def merge(states: Iterable[State | None]) -> State | None:
    alive = [s for s in states if s is not None]
    if not alive:
        return None
    env = dict(alive[0].env)
    for state in alive[1:]:
        for name, origin in state.env.items():
            env[name] = join(env[name], origin) if name in env else origin
    named = any(s.named for s in alive)
    return State(_least_of(alive, Strength.NONE), env, named)


def _least_of(ways: Sequence[State | Exit], default: Strength) -> Strength:
    """What all ways establish; who asks for one of several objects is nobody for it."""
    if any(way.named for way in ways):
        return min((way.strength for way in ways), default=default)
    return least((way.strength for way in ways), default)
