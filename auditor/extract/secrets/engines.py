"""RE2 expressions over bytes, made when they are first needed: making one takes milliseconds."""

from __future__ import annotations

import functools
from typing import Any

import re2

OPTIONS = re2.Options()
OPTIONS.max_mem = 64 << 20
OPTIONS.log_errors = False


@functools.cache
def engine(expression: str) -> Any:
    """The engine for an expression. It cannot backtrack, whatever the text is."""
    return re2.compile(expression.encode(), OPTIONS)
