"""Routes of Django's patterns: as a person reads them, and the parameters that they take.

Patterns of `path` and `re_path` are put together as they are written, so that a route below several
of them may read `/api/^users/(?P<pk>[^/.]+)/$`; that is what Django's resolver shows, too. What
`django.contrib.admindocs` does to show them (https://docs.djangoproject.com/en/stable/ref/contrib/
admin/admindocs/) is done here without backtracking.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from auditor.model.places import Place
from auditor.model.web import Parameter

_CONVERTER = re.compile(r"<(?:(\w+):)?(\w+)>")
_NAMED = re.compile(r"\(\?P<(\w+)>")
_TYPES = {"int": "builtins.int", "uuid": "uuid.UUID"}
_ANCHORS = {"A", "Z", "b", "B"}


def readable(pattern: str) -> str:
    """`/api/users/{pk}/` for `/api/^users/(?P<pk>[^/.]+)/$`; groups without a name are `{…}`."""
    text = "".join(_parts(_CONVERTER.sub(r"{\2}", _named(pattern))))
    return re.sub(r"/{2,}", "/", text)


def _named(pattern: str) -> str:
    """A pattern whose named groups are taken for their names."""
    shown, at = [], 0
    for match in _NAMED.finditer(pattern):
        if match.start() >= at:
            shown += [pattern[at : match.start()], f"<{match[1]}>"]
            at = _closing(pattern, match.end())
    return "".join([*shown, pattern[at:]])


def _closing(pattern: str, start: int) -> int:
    """Where the group that is open at `start` ends: behind its parenthesis."""
    depth, at, listed = 1, start, False
    while at < len(pattern) and depth:
        char = pattern[at]
        if char == "\\":
            at += 1
        elif listed:
            listed = char != "]"
        elif char == "[":
            listed = True
            at += pattern.startswith(("]", "^]"), at + 1)  # `[]…]` has the bracket in it
        else:
            depth += (char == "(") - (char == ")")
        at += 1
    return at


def _parts(pattern: str) -> Iterator[str]:
    at = 0
    while at < len(pattern):
        char = pattern[at]
        if char == "\\" and at + 1 < len(pattern):
            at += 1
            if pattern[at] not in _ANCHORS:
                yield pattern[at] if not pattern[at].isalnum() else f"\\{pattern[at]}"
        elif char == "(":
            end = _closing(pattern, at + 1)
            inner = pattern[at + 1 : end - 1]
            if inner.startswith("?:") and "|" not in inner:
                yield from _parts(inner[2:])
            elif not inner.startswith("?") or "|" in inner:
                yield "{…}"
            at = end - 1
        elif char not in "^$?":
            yield char
        at += 1


def path_parameters(pattern: str, at: Place) -> Iterator[Parameter]:
    for converter, name in _CONVERTER.findall(_NAMED.sub("(", pattern)):
        kind = _TYPES.get(converter, "builtins.str")
        yield Parameter(name, "path", kind, converter in _TYPES, at)
    for name in _NAMED.findall(pattern):
        yield Parameter(name, "path", "builtins.str", True, at)
