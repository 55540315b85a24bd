"""Regular expressions that the tree wrote: matched by RE2, which never backtracks."""

from __future__ import annotations

from typing import Any

import re2

_QUIET = re2.Options()
_QUIET.log_errors = False  # RE2 would write the pattern to the terminal


def compiled(pattern: str) -> Any:
    """Raises `re2.error` for what RE2 does not read: look-arounds, back-references, too large ones."""
    return re2.compile(pattern, _QUIET)
