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


def shared(path: str, other: str) -> int:
    """How many leading directories two files share."""
    count = 0
    for one, two in zip(path.split("/")[:-1], other.split("/")[:-1], strict=False):
        if one != two:
            break
        count += 1
    return count


def apart(path: str, other: str) -> int:
    """How many directories lie between two files."""
    return path.count("/") + other.count("/") - 2 * shared(path, other)
