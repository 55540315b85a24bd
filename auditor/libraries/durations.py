"""Durations and moments: what `timedelta(days=7)` is worth, and how far off a moment lies."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator

from auditor.extract.python import tree as t
from auditor.link.folding import lift
from auditor.link.scopes import Located, Scope, place_of
from auditor.link.values import Evaluator, reads_settings
from auditor.model.values import Value, possible

_UNITS = ("days", "seconds", "microseconds", "milliseconds", "minutes", "hours", "weeks")
_NOW = re.compile(r"(?:^|\.)(?:now|utcnow|today|time|aware_utcnow|localtime|monotonic)\(\)")
_KEEPS = {
    "timestamp", "timetuple", "utctimetuple", "strftime", "isoformat", "replace", "astimezone",
    "total_seconds", "int_timestamp",
}  # fmt: skip
_CASTS = {"int", "float", "round", "str", "timegm", "ceil", "floor", "mktime"}
_MAX_STEPS = 200
_MAX_NAMES = 6


@reads_settings
def timedeltas(values: Evaluator, name: str, expr: t.Expr, scope: Scope) -> Value | None:
    """`datetime.timedelta(days=7)`, with Python's order of the positional arguments."""
    if name != "datetime.timedelta()" or not isinstance(expr, t.Call):
        return None
    named = [*zip(_UNITS, expr.args, strict=False)]
    named += [(k.name, k.value) for k in expr.keywords if k.name in _UNITS]
    units = [unit for unit, _ in named]
    place = place_of(Located(expr, scope))
    return lift(
        lambda *amounts: datetime.timedelta(
            **{u: float(a) for u, a in zip(units, amounts, strict=True)}
        ),
        [values.value(amount, scope) for _, amount in named],
        place,
    )


def seconds_of(value: Value | None, unit: float = 1) -> float | None:
    """The longest time that a setting may hold; plain numbers count in `unit` seconds."""
    found = [_plain(known.value, unit) for known in possible(value)]
    return max((seconds for seconds in found if seconds is not None), default=None)


def _plain(value: object, unit: float) -> float | None:
    if isinstance(value, datetime.timedelta):
        return value.total_seconds()
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value * unit
    return None


def seconds_ahead(values: Evaluator, moment: t.Expr, scope: Scope) -> float | None:
    """How far in the future a moment lies at most, where the code tells: `now() + delta`."""
    found = list(_ahead(values, moment, scope, set()))
    return max(found, default=None)


def _ahead(
    values: Evaluator, expr: t.Expr, scope: Scope, seen: set[tuple[int, int]]
) -> Iterator[float]:
    if (id(expr), id(scope)) in seen or len(seen) > _MAX_STEPS:
        return
    seen.add((id(expr), id(scope)))
    spans = [k.value for k in possible(values.value(expr, scope))]
    if spans := [s.total_seconds() for s in spans if isinstance(s, datetime.timedelta)]:
        yield from spans
        return
    match expr:
        case t.BinOp(op="+", left=left, right=right):
            for one, other in ((left, right), (right, left)):
                if _is_now(values, one, scope):  # `time.time() + 3600` counts in seconds
                    seconds = seconds_of(values.value(other, scope))
                    if seconds is not None:
                        yield seconds
                        return
            yield from _ahead(values, left, scope, seen)
            yield from _ahead(values, right, scope, seen)
        case t.Call(func=t.Attr(value=base, name=name)) if name in _KEEPS:
            yield from _ahead(values, base, scope, seen)
        case t.Call(func=t.Name(id=name) | t.Attr(name=name), args=[inner, *_]) if name in _CASTS:
            yield from _ahead(values, inner, scope, seen)
        case t.Choice(then=then, other=other):
            yield from _ahead(values, then, scope, seen)
            yield from _ahead(values, other, scope, seen)
        case t.BoolOp(values=several):
            for each in several:
                yield from _ahead(values, each, scope, seen)
        case t.Name() | t.Attr() | t.Call():
            for source in values.origins(expr, scope) or values.sources(expr, scope):
                if source.node is not expr:
                    yield from _ahead(values, source.node, source.scope, seen)  # type: ignore[arg-type]


def _is_now(values: Evaluator, expr: t.Expr, scope: Scope, depth: int = 0) -> bool:
    name = values.code.name(expr, scope)
    if depth > _MAX_NAMES:
        return False
    if _NOW.search(name):
        return True
    match expr:
        case t.Call(func=t.Name(id=cast), args=[inner]) if cast in _CASTS:
            return _is_now(values, inner, scope, depth + 1)
        case t.Call(func=t.Attr(value=base, name=kept)) if kept in _KEEPS:
            return _is_now(values, base, scope, depth + 1)
        case t.Name():
            origins = values.origins(expr, scope)
            return any(
                _is_now(values, o.node, o.scope, depth + 1)  # type: ignore[arg-type]
                for o in origins
                if o.node is not expr
            )
    return False
