"""What an expression holds of what the caller sent.

A `Taint` is an abstract value: text, a mapping with keys of the caller's choosing, a parsed document
that may hold anything, an instance whose fields a model types, a display whose parts are known one by
one. The absence of a taint (None) means: nothing of the caller's, or no longer harmful.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import msgspec

_MAX_FIELDS = 40
_MAX_STEPS = 6


class Form(enum.IntEnum):
    """What a tainted value can be, from the narrowest to the widest.

    FIELDS is a mapping of texts (a query string, headers), OBJECT what JSON may hold, MODEL an
    instance of a validating class, DUMP one as a mapping (its keys are the class's), RECORD a
    display of known parts, REQUEST the request itself.
    """

    TEXT = 1
    FILE = 2
    MODEL = 3
    DUMP = 4
    RECORD = 5
    FIELDS = 6
    OBJECT = 7
    REQUEST = 8


class Source(msgspec.Struct, frozen=True):
    """Where a value entered: `kind` as of `Parameter.source`, or "given" for a function's own."""

    kind: str
    name: str = ""
    keys: tuple[str, ...] = ()
    segment: bool = False
    """Part of a URL's path that holds no slash."""

    def at(self, key: str) -> Source:
        return msgspec.structs.replace(self, keys=(*self.keys, key)[:4])

    def __str__(self) -> str:
        spelt = ".".join(x for x in (self.name, *self.keys) if x and not x.startswith("*"))
        return f"`{spelt}`" if spelt else f"the {self.kind}"


_EVERYWHERE = frozenset({"*"})
COATS = {
    "encoded": _EVERYWHERE,
    "percent": _EVERYWHERE,
    "percent but slashes": frozenset(
        {"markup", "sql", "shell", "template", "code", "redirect", "url"}
    ),
    "html": frozenset({"markup"}),
    "shell": frozenset({"shell"}),
    "sql": frozenset({"sql"}),
    "regex": frozenset({"regex"}),
    "ldap": frozenset({"ldap"}),
    "a name": frozenset({"path"}),
    "words": _EVERYWHERE,
    "words and dots": frozenset(
        {
            "sql",
            "shell",
            "code",
            "template",
            "markup",
            "path",
            "existence",
            "xpath",
            "ldap",
            "operator",
            "where",
        }
    ),
    "a URL": frozenset(
        {"sql", "shell", "code", "template", "markup", "path", "xpath", "ldap", "regex"}
    ),
    "relative": frozenset({"redirect", "url"}),
    "without '": frozenset({"sql", "xpath"}),
    "without <": frozenset({"markup"}),
    "without ..": frozenset({"path"}),
    "without ../": frozenset(),
    "without .": frozenset({"path", "url"}),
    "without /": frozenset({"path", "redirect", "url"}),
    "without //": frozenset({"redirect"}),
    "without ://": frozenset({"redirect", "url"}),
    "without $": frozenset({"operator", "where"}),
    "without (": frozenset({"ldap"}),
}
"""What an encoding is proof against: kinds of sinks, `*` for all of them.

`without x` is text that x was taken out of, or that was turned away for holding it. Without `../`
a path is still free to be absolute: it stays in a directory once that stands before it as text.
"""
_SHELL = ({"without ;"}, {"without &"}, {"without |"}, {"without $", "without `"})
"""What commands are chained by; a list that lacks one of them stops nobody (CWE-184)."""


@dataclass(frozen=True, slots=True)
class Taint:
    """A value of the caller's.

    `model` is the class that validated it, or "dict" where it is a mapping for certain. `led` tells that fixed text stands before it which settles a URL's host. `coats` are encodings
    that make it harmless in some places until they are taken off again. `within` is a piece of
    the fixed text around it; `steps` the names it went through.
    """

    source: Source
    form: Form = Form.TEXT
    model: str = ""
    led: bool = False
    coats: frozenset[str] = frozenset()
    fields: tuple[tuple[str, Taint], ...] = ()
    within: str = field(default="", compare=False)
    steps: tuple[str, ...] = field(default=(), compare=False)

    @property
    def shape(self) -> tuple[object, ...]:
        """What matters for following it through a function, whatever its source."""
        parts = tuple((name, taint.shape) for name, taint in self.fields)
        return (self.form, self.model, self.led, self.coats, self.source.segment, parts)

    def step(self, name: str) -> Taint:
        if not name or name in self.steps or len(self.steps) >= _MAX_STEPS:
            return self
        return replace(self, steps=(*self.steps, name))

    def as_text(self, led: bool | None = None, within: str = "") -> Taint:
        return Taint(
            self.leaf.source,
            Form.TEXT,
            led=self.led if led is None else led,
            coats=self.leaf.coats,
            within=within or self.within,
            steps=self.leaf.steps,
        )

    def dressed(self, coat: str) -> Taint:
        """The value as text in an encoding."""
        text = self.as_text()
        return replace(text, coats=text.coats | {coat})

    def without(self, word: str) -> Taint:
        """The value with a piece of text taken out, as far as that protects anything."""
        coat = f"without {word}"
        known = coat in COATS or any(coat in alike for alike in _SHELL)
        return replace(self, coats=self.coats | {coat}) if known else self

    def bare(self, *coats: str) -> Taint:
        """The value as text with encodings taken off."""
        text = self.as_text()
        return replace(text, coats=text.coats.difference(coats))

    def proof(self, sink: str) -> bool:
        """Whether its encodings make the value harmless in a kind of sink."""
        coats = self.leaf.coats
        if not coats:
            return False
        sink = "path" if sink == "existence" else sink
        if sink == "shell" and all(coats & alike for alike in _SHELL):
            return True
        return any(sink in kinds or "*" in kinds for kinds in map(COATS.get, coats) if kinds)

    @property
    def leaf(self) -> Taint:
        """The first part of a record that is tainted itself."""
        here = self
        while here.form is Form.RECORD and here.fields:
            here = here.fields[0][1]
        return here

    def parts(self) -> dict[str, Taint]:
        return dict(self.fields)


def record(source: Taint, parts: dict[str, Taint]) -> Taint | None:
    """A display with these tainted parts; None where there is none."""
    if not parts:
        return None
    if len(parts) > _MAX_FIELDS:
        parts = dict(list(parts.items())[:_MAX_FIELDS])
    return Taint(source.source, Form.RECORD, fields=tuple(parts.items()), steps=source.steps)


def join(first: Taint | None, second: Taint | None) -> Taint | None:
    """One of two values: the more dangerous."""
    if first is None or second is None:
        return first or second
    if first == second:
        return first
    if first.form is Form.RECORD and second.form is Form.RECORD:
        parts = first.parts()
        for name, taint in second.fields:
            joined = join(parts.get(name), taint)
            assert joined is not None
            parts[name] = joined
        return record(first, parts)
    if first.form is second.form:
        milder = (first.led and not second.led) or first.coats > second.coats
        worse = second if milder else first
        return replace(worse, coats=first.coats & second.coats)
    return max((first, second), key=lambda x: x.form)


def join_all(taints: Iterable[Taint | None]) -> Taint | None:
    found: Taint | None = None
    for taint in taints:
        found = join(found, taint)
    return found


def each(taint: Taint | None) -> Taint | None:
    """What iterating over a value, or a subscript that is not known, gives."""
    if taint is None:
        return None
    if taint.form is Form.RECORD:
        whole = any(name == "*" for name, _ in taint.fields)
        return join_all(part for name, part in taint.fields if name != "**" or not whole)
    if taint.form is Form.DUMP:
        return None
    if taint.form is Form.FIELDS:
        form = Form.FILE if taint.source.kind == "file" else Form.TEXT
        return replace(taint, form=form, source=taint.source.at("*"), model="")
    return replace(taint, model="") if taint.form is Form.OBJECT and taint.model else taint


def leaves(
    taint: Taint, path: tuple[str, ...] = (), depth: int = 0
) -> Iterable[tuple[tuple[str, ...], Taint]]:
    """The tainted parts of a display, each with the keys that lead to it."""
    if taint.form is not Form.RECORD or depth > 8:
        yield path, taint
        return
    for name, part in taint.fields:
        yield from leaves(part, (*path, name), depth + 1)


def merge(envs: list[dict[str, Taint | None]]) -> dict[str, Taint | None]:
    """Where paths meet: a variable holds what it holds on any of them."""
    merged = dict(envs[0])
    for env in envs[1:]:
        if env is merged:
            continue
        for key, taint in env.items():
            if key in merged:
                if merged[key] is not taint:
                    merged[key] = join(merged[key], taint)
            elif taint is not None or key.isidentifier():
                merged[key] = taint
        for key in [
            k for k, v in merged.items() if v is None and k not in env and not k.isidentifier()
        ]:
            del merged[key]  # clean on one path only: its owner tells
    return merged
