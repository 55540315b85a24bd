"""Where something stands in the tree under audit."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A place in a file; `path` is relative to the root, lines and columns count from one."""

    path: str
    line: int
    column: int = 1
    end_line: int = 0
    symbol: str = ""

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"
