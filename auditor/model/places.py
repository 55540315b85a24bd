"""Where something stands in the tree under audit."""

from __future__ import annotations

import msgspec


class Place(msgspec.Struct, frozen=True, order=True):
    """A place in a file; `path` is relative to the root, lines and columns count from one."""

    path: str
    line: int
    column: int = 1
    end_line: int = 0
    symbol: str = ""

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"


def apart(path: str, other: str) -> int:
    """How many directories lie between two files."""
    one, two = path.split("/")[:-1], other.split("/")[:-1]
    shared = next(
        (i for i, (a, b) in enumerate(zip(one, two, strict=False)) if a != b),
        min(len(one), len(two)),
    )
    return len(one) + len(two) - 2 * shared
