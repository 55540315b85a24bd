"""Facts: what one file says, taken from its bytes alone.

A fact is small and serialisable, so that it can cross a process boundary and be cached by the
content of its file. It carries lines and columns but no path: the same bytes give the same facts
wherever they lie; the path is added when facts are linked into an application.
"""

from __future__ import annotations

from typing import ClassVar

import msgspec


class Fact(msgspec.Struct, frozen=True, tag=True, array_like=True):
    """Base of everything an extractor may say about a file."""

    parsed: ClassVar[bool] = False
    """Rests on a Python file's being parsed: where one cannot be, there may be more."""
    late: ClassVar[bool] = False
    """Taken beside linking, for facts that take long and that no other fact rests on."""


class Unread(Fact, frozen=True):
    """The file could not be read as what it claims to be; everything that rests on it is unknown."""

    reason: str
    line: int = 0
    column: int = 0
    application: bool = False
    """Whether its text creates a web application."""
