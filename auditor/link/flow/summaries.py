"""What a function does with what it is given, and how that reads at a call of it."""

from __future__ import annotations

from dataclasses import replace

import msgspec

from auditor.link.flow.taint import Form, Source, Taint
from auditor.link.scopes import Located

Env = dict[str, "Taint | None"]
"""What each variable, and each known part of one, holds."""


class Hit(msgspec.Struct, frozen=True):
    """A value of the caller's in a dangerous place; `sink` is the kind of danger."""

    sink: str
    where: Located
    what: str
    source: Source
    steps: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[object, ...]:
        return (self.sink, *self.where.key)


class Summary(msgspec.Struct, frozen=True):
    """What a function does with what it is given."""

    returns: Taint | None = None
    hits: tuple[Hit, ...] = ()
    changed: tuple[tuple[str, Taint], ...] = ()
    """What it leaves in the objects that it was handed, its own first of all, by parameter."""


def symbolic(name: str, taint: Taint) -> Taint:
    """The same value under a function's own name for it."""

    def renamed(part: Taint, keys: tuple[str, ...]) -> Taint:
        fields = tuple((k, renamed(v, (*keys, k))) for k, v in part.fields)
        source = Source("given", name, keys, part.source.segment)
        return replace(part, source=source, fields=fields, steps=())

    return renamed(taint, ())


def bring(taint: Taint | None, given: dict[str, Taint]) -> Taint | None:
    """A value from inside a function in terms of what its caller passed."""
    if taint is None:
        return None
    source, steps = bring_source(taint.source, given)
    fields = tuple(
        (name, brought)
        for name, part in taint.fields
        if (brought := bring(part, given)) is not None
    )
    return replace(
        taint, source=source, fields=fields, steps=tuple(dict.fromkeys((*steps, *taint.steps)))[:6]
    )


def bring_source(source: Source, given: dict[str, Taint]) -> tuple[Source, tuple[str, ...]]:
    if source.kind != "given" or source.name not in given:
        return source, ()
    here, rest = given[source.name], list(source.keys)
    while rest and here.form is Form.RECORD and rest[0] in (parts := here.parts()):
        here = parts[rest.pop(0)]
    here = here.leaf
    found = here.source
    for key in rest:
        found = found.at(key)
    return found, here.steps
