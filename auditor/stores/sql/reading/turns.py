"""Loops over a dict that take columns by its keys, `for name, value in filters.items()`: one turn for each key."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

import msgspec

from auditor.extract.python import tree as t
from auditor.link.decisions import Keys, Worth, gone_through, is_key
from auditor.stores.receivers import names_columns
from auditor.stores.sql.reading.frames import Frame

_MOST = 12
"""Keys that are taken one by one."""


class Turn(msgspec.Struct, frozen=True):
    """What a turn binds, and the key and what its value is worth, where they are told; `sure` unless only some calls give it."""

    names: list[str]
    key: str = ""
    worth: Worth | None = None
    sure: bool = True

    @contextlib.contextmanager
    def within(self, frame: Frame) -> Iterator[None]:
        """Read with the names bound to what they are in this turn."""
        texts, told = frame.texts, frame.told
        frame.names |= dict.fromkeys(self.names)
        if self.key:
            frame.texts = {**texts, self.names[0]: self.key}
        if self.worth and len(self.names) > 1:
            frame.told = {**told, self.names[1]: self.worth}
        yield
        frame.texts, frame.told = texts, told


def _by_its_name(expr: t.Expr) -> Worth | None:
    """`user.id` is not None."""
    return "present" if isinstance(expr, t.Attr) and is_key(expr.name) else None


def turns_of(
    over: t.Expr, target: t.Expr, body: Sequence[t.Node], frame: Frame
) -> list[Turn] | None:
    """One for each key that the call gives; of a `**filters` that is not told, one for whichever; None for other loops."""
    items = target.items if isinstance(target, t.Seq) else [target]
    name, names = gone_through(over), [x.id for x in items if isinstance(x, t.Name)]
    params = frame.scope.owner.params if isinstance(frame.scope.owner, t.Function) else []
    param = next((p for p in params if name and p.name == name), None)
    if param is None or len(names) != len(items) or not names_columns(*body):
        return None
    told = frame.told.get(name)
    by_calls = frame.called is None and told not in (None, Keys(()))
    if not isinstance(told, Keys) or by_calls:
        return [Turn(names)] if param.kind == "kwargs" else None  # the calls tell it one by one
    worths = {
        k: told_ or _by_its_name(x)
        for (k, x), (_, told_) in zip(told.pairs, told.worths, strict=True)
    }
    keys = dict.fromkeys([*(key for key, _ in told.pairs), *sorted(told.perhaps)])
    return [Turn(names, k, worths.get(k), k not in told.perhaps) for k in list(keys)[:_MOST]]
