"""What `Q` objects and the keywords of a filter say, before the model they are for is known."""

from __future__ import annotations

from auditor.extract.python import tree as t
from auditor.model.values import Plain
from auditor.stores.lookups import constants
from auditor.stores.sql.conditions import EMPTY, UNTOLD, Condition, Every, Lookup, Untold, combined
from auditor.stores.sql.django.fields import is_now
from auditor.stores.sql.reading.frames import Frame, Reading
from auditor.stores.sql.reading.things import Either, Holds, Keyed, Listed, Thing, each, either


def of_q(reading: Reading, call: t.Call, frame: Frame) -> Thing:
    """`Q(a=1, b=2)`, `Q(Q(a=1), Q(b=2), join_type="OR")` of Tortoise, `Q(*listed, _connector=Q.OR)`."""
    any_ = any(
        (reading.values.text(k.value, frame.scope) or t.last_word(k.value)) == "OR"
        for k in call.keywords
        if k.name in ("_connector", "join_type")
    )
    ways: list[list[Condition]] = [[]]
    for arg in call.args:
        ways = [[*way, *one] for way in ways for one in _positional(reading, arg, frame)][:12]
    named: list[Condition] = []
    for keyword in call.keywords:
        inner = reading.thing(keyword.value, frame)
        if keyword.name is None:
            named.append(of_keys(inner))
        elif keyword.name not in ("_connector", "_negated", "join_type"):
            named.append(of_lookup(reading, keyword.name, keyword.value, frame))
    made = [(*way, *named) for way in ways]
    found = either([Holds(combined(parts, any_) if parts else EMPTY) for parts in made])
    assert found is not None
    return found


def _positional(reading: Reading, arg: t.Expr, frame: Frame) -> list[list[Condition]]:
    """What a `Q` takes by an argument without a name, in each way that it may be put together."""
    if isinstance(arg, t.Seq) and arg.items and (text := reading.values.text(arg.items[0], frame.scope)):  # fmt: skip
        return [[Lookup(text, values=_given(reading, text, arg.items[1:], frame))]]
    found: list[list[Condition]] = []
    for thing in each(reading.thing(arg, frame)):
        match thing:
            case Holds(condition=one):
                found.append([one])
            case Listed(items=items) if isinstance(arg, t.Star):
                found.append([x.condition if isinstance(x, Holds) else UNTOLD for x in items])
    return found or [[UNTOLD] if isinstance(arg, t.Star) else []]


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
