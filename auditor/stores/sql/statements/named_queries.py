"""Calls of statements by their names: `queries.get_user(connection, email=email)`."""

from __future__ import annotations

from msgspec.structs import replace

from auditor.extract.python import tree as t
from auditor.model.data import Bound
from auditor.stores.sql.reading.frames import Frame, Reading, reads_calls
from auditor.stores.sql.reading.things import Thing, Told
from auditor.stores.sql.statements.named_statements import LIBRARIES
from auditor.stores.sql.statements.queries import drafts


@reads_calls
def calls(reading: Reading, call: t.Call, last: str, base: Thing | None, frame: Frame) -> Told:
    found = reading.statements.get(last)
    if found is None or not isinstance(call.func, t.Attr):
        return None, False
    if reading.code.name(call.func, frame.scope).partition(".")[0] not in LIBRARIES:
        return None, False
    for draft in drafts(reading, found.text, reading.place(call, frame), frame):
        if found.bound is Bound.ONE:
            draft = replace(draft, bound=Bound.ONE)
        elif draft.bound is Bound.UNKNOWN:
            draft = replace(draft, bound=draft.limited or Bound.NONE)
        reading.record(draft)
    return None, True
