"""How a range compares: with what is asked for, or with nought alone.

`stock > 0` finds all that there is any of, which may be nearly every record or hardly one.
"""

from __future__ import annotations

from auditor.extract.python import tree as t
from auditor.model.values import Plain

ABOVE = "above"
_MORE = {">", "gt", "GT", "$gt"}
_NO_LESS = {">=", "gte", "ge", "GTE", "$gte"}
_LESS = {"<", "<=", "lt", "lte"}
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


def span(way: str, value: t.Expr | Plain, *, mirrored: bool = False) -> str:
    """How a field is compared by `>`, `__gte`, `$gt`, …: above what says that there is none, or in a range.

    `mirrored` where the value stands first: `0 < stock`.
    """
    way = _MIRRORED.get(way, way) if mirrored else way
    bound = value.value if isinstance(value, t.Const) else value
    if isinstance(bound, bool) or not isinstance(bound, int | float):
        return "range"
    none = (bound == 0 and way in _MORE | _NO_LESS) or (bound == 1 and way in _NO_LESS)
    return ABOVE if none else "range"


def till(way: str, *, mirrored: bool = False) -> bool:
    """Whether a range has no lower end: `made < now()`, `made__lte`."""
    return (_MIRRORED.get(way, way) if mirrored else way) in _LESS


def above(field: str) -> str:
    """What an index says of its records that only has those with more than none of something: `{"stock": {"$gt": 0}}`."""
    return f"{field} > 0"
