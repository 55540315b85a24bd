"""Where a value of the caller's is dangerous: what calls of libraries do with it.

Each danger has a name (`model/web.py`, `SINKS`) and a weakness (CWE). Only what the library's own
documentation says is interpreted counts: query text, not query parameters; a pattern, not its subject.
"""

from __future__ import annotations

from collections.abc import Iterator

from auditor.extract.python import tree as t
from auditor.link.flow import Form, Reached, Taint, leaves

Found = Iterator[tuple[str, Taint | None]]


def text_of(taint: Taint | None) -> Taint | None:
    """The value where it is text as a whole, or may be."""
    return taint if taint is not None and taint.form in (Form.TEXT, Form.OBJECT) else None


def receiver_of(reached: Reached) -> str:
    func = reached.site.node.func
    if not isinstance(func, t.Attr):
        return ""
    inner = func.value
    while isinstance(inner, t.Await | t.Call):
        inner = inner.value if isinstance(inner, t.Await) else inner.func
    return t.dotted(inner) or (inner.name if isinstance(inner, t.Attr) else "")


def any_part(taint: Taint | None) -> Taint | None:
    return next((x for _, x in leaves(taint)), None) if taint is not None else None


def open_mapping(taint: Taint | None) -> Taint | None:
    """A mapping whose keys are the caller's to choose, as a whole or spread into another."""
    if taint is None:
        return None
    if taint.form in (Form.OBJECT, Form.FIELDS):
        return None if taint.source.keys else taint
    if taint.form is Form.RECORD:
        spread = taint.parts().get("**")
        return (
            spread
            if spread and spread.form in (Form.OBJECT, Form.FIELDS) and not spread.source.keys
            else None
        )
    return None
