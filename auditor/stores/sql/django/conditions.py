"""What `Q` objects and the keywords of a filter say, before the model they are for is known."""

from __future__ import annotations

from auditor.extract.python import tree as t
from auditor.model.values import Plain
from auditor.stores.lookups import constants
from auditor.stores.sql.conditions import EMPTY, Condition, Every, Lookup, Untold, combined
from auditor.stores.sql.django.fields import is_now
from auditor.stores.sql.reading.frames import Frame, Reading
from auditor.stores.sql.reading.things import Either, Holds, Keyed, Thing, each


def of_q(reading: Reading, call: t.Call, frame: Frame) -> Holds:
    parts: list[Condition] = []
    any_ = any(
        k.name == "_connector" and isinstance(k.value, t.Const) and k.value.value == "OR"
        for k in call.keywords
    ) or any(
        k.name == "join_type" for k in call.keywords
    )  # fmt: skip
    for arg in call.args:
        if isinstance(arg, t.Seq) and arg.items and (text := reading.values.text(arg.items[0], frame.scope)):  # fmt: skip
            parts.append(Lookup(text, values=_given(reading, text, arg.items[1:], frame)))
            continue
        for thing in each(reading.thing(arg, frame))[:1]:
            if isinstance(thing, Holds):
                parts.append(thing.condition)
    for keyword in call.keywords:
        inner = reading.thing(keyword.value, frame)
        if keyword.name is None:
            parts.append(of_keys(inner))
        elif keyword.name not in ("_connector", "_negated", "join_type"):
            parts.append(of_lookup(reading, keyword.name, keyword.value, frame))
    return Holds(combined(parts, any_) if parts else EMPTY)


def of_lookup(reading: Reading, name: str, value: t.Expr, frame: Frame) -> Lookup:
    """`name=value`, `stock__lte=F("minimum")`."""
    nothing = isinstance(value, t.Const) and value.value in (False, None)
    calls = (n for n in t.walk_own(value) if isinstance(n, t.Call))
    own = any(t.last_word(call.func) == "F" for call in calls) or _of_each(reading, value, frame)
    now = name.endswith(("__lt", "__lte")) and is_now(reading.code, value, frame.scope)
    return Lookup(name, nothing, own, _given(reading, name, [value], frame), now)


def _of_each(reading: Reading, value: t.Expr, frame: Frame) -> bool:
    """Whether a value is a subquery that each record has its own of: `Subquery(newest)`, which names an `OuterRef`."""
    if t.last_word(t.callee(value)) == "OuterRef":
        return False  # what such a subquery itself compares with
    named = [n for n in t.walk_own(value) if isinstance(n, t.Name)]
    sources = (
        source.node for name in named for source in reading.values.sources(name, frame.scope)
    )
    return any(
        isinstance(n, t.Call) and t.last_word(n.func) == "OuterRef"
        for node in (value, *sources)
        for n in t.walk_own(node)
    )


def _given(reading: Reading, name: str, value: list[t.Expr], frame: Frame) -> tuple[Plain, ...]:
    return constants(reading.values, name, value[0], frame.scope) if value else ()


def of_keys(thing: Thing | None) -> Condition:
    if isinstance(thing, Either):
        thing = max(thing.things, key=lambda x: len(x.names) if isinstance(x, Keyed) else -1)
    if isinstance(thing, Keyed):
        parts: list[Condition] = [Lookup(name, nothing) for name, nothing in thing.names]
        if thing.open_:
            parts.append(Untold("its conditions are named at run time"))
        return Every(tuple(parts))
    return Untold("its conditions are named at run time")
