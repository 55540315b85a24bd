"""Indexes that scripts of MongoDB's shell create, found in the text by RE2.

Sources: https://www.mongodb.com/docs/manual/reference/method/db.collection.createIndex/,
https://www.mongodb.com/docs/manual/reference/method/sh.shardCollection/.
"""

from __future__ import annotations

from collections.abc import Iterator

import re2

from auditor.discover import Kind, Role
from auditor.engines import OPTIONS
from auditor.extract.facts import Fact
from auditor.extract.source import Source, extracts


class ShellIndex(Fact, frozen=True):
    """`db.leads.createIndex({status: 1, at: -1}, {unique: true})`, `sh.shardCollection("crm.leads", {status: 1})`, which makes
    the index of its key; `keys` are (field, what it is given).

    `partial` where it holds only some documents, by `sparse` or by a filter.
    """

    collection: str
    keys: list[tuple[str, str]]
    unique: bool
    partial: bool
    expires: bool
    line: int


_CALL = re2.compile(
    r"""\b\w*[dD][bB]\w{0,20}(?:\.getSiblingDB\([^()\n]{0,80}\))?(?:\.getCollection\(\s{0,9}["'`]([\w.-]{1,120})["'`]\s{0,9}\)|\[["'`]([\w.-]{1,120})["'`]\]|\.(\w{1,120}))\s{0,40}\.(?:createIndex|ensureIndex|createIndexes)\(""",
    OPTIONS,
)
_SHARDED = re2.compile(
    r"""\bsh\.shardCollection\(\s{0,40}["'`][\w-]{1,64}\.([\w.-]{1,120})["'`]\s{0,40},""", OPTIONS
)
_PAIR = re2.compile(
    r"""(?:["'`]([\w.$*]{1,200})["'`]|([\w$]{1,200}))\s{0,9}:\s{0,9}(?:NumberInt\()?["'`]?(-?\w{1,20})""",
    OPTIONS,
)
_SPEAKS = re2.compile(r"Index|shardCollection", OPTIONS)
_MOST = 4_000
"""Characters of one call that are looked at."""


@extracts(Kind.JAVASCRIPT)
def shell_indexes(source: Source) -> Iterator[ShellIndex]:
    """Of a call its first argument, or each object of the list that it is."""
    if source.role is not Role.SOURCE or not _SPEAKS.search(source.text):
        return
    text = source.text
    for match in (*_CALL.finditer(text), *_SHARDED.finditer(text)):
        start = match.start()
        if text[text.rfind("\n", 0, start) + 1 : start].lstrip().startswith(("//", "*", "/*")):
            continue
        objects, options = _arguments(text[match.end() : match.end() + _MOST])
        given = dict(_pairs(options))
        for described in objects:
            if keys := _pairs(described):
                yield ShellIndex(
                    next(filter(None, match.groups())),
                    keys,
                    given.get("unique") == "true",
                    given.get("sparse") == "true" or "partialFilterExpression" in options,
                    "expireAfterSeconds" in given,
                    text.count("\n", 0, start) + 1,
                )


def _arguments(text: str) -> tuple[list[str], str]:
    """The objects that describe keys, and the options after them."""
    listed = text.lstrip().startswith("[")
    objects: list[str] = []
    depth = begin = 0
    for at, letter in enumerate(text):
        if letter == "{":
            begin = at if depth == 0 else begin
            depth += 1
        elif letter == "}":
            depth -= 1
            if depth == 0:
                objects.append(text[begin : at + 1])
        elif depth == 0 and letter in ")]":
            if letter == ")" or not listed:
                break
            listed, rest = False, _arguments(text[at + 1 :])[0]
            return objects, rest[0] if rest else ""
    return objects[:1], objects[1] if len(objects) > 1 else ""


def _pairs(text: str) -> list[tuple[str, str]]:
    return [(match[1] or match[2], match[3]) for match in _PAIR.finditer(text)]
