"""Statements that stand in files of SQL under a name, and are called by it: aiosql, anosql, PugSQL.

`-- name: get-user^` before a statement makes it the method `get_user`; the sign says what it brings
(https://nackjicholson.github.io/aiosql/defining-sql-queries.html).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from auditor.discover.walk import read
from auditor.link.application import Application, provides
from auditor.model.data import Bound

LIBRARIES = ("aiosql", "anosql", "pugsql")
_LARGEST = 500_000
_NAME = re.compile(r"^[ \t]*--[ \t]*:?name[ \t]*:?[ \t]*([\w-]+)[ \t]*(\S*)[^\n]*\n", re.M)
_ONE = ("^", "$", "!", "<!", "*!", ":one", ":scalar", ":affected", ":insert")


class NamedStatement(msgspec.Struct, frozen=True):
    """`name` is that of the method; `bound` is how many records it brings."""

    name: str
    text: str
    bound: Bound


@provides(NamedStatement)
def named_statements(application: Application) -> Iterator[NamedStatement]:
    if not application.code.imports(*LIBRARIES):
        return
    tree = application.tree
    for file in tree.files:
        if not file.path.endswith(".sql") or file.size > _LARGEST:
            continue
        text = read(tree, file).decode("utf-8", "replace")
        heads = list(_NAME.finditer(text))
        if not heads:
            continue  # a schema, not a file of queries
        ends = [head.start() for head in heads[1:]] + [len(text)]
        for head, end in zip(heads, ends, strict=True):
            bound = Bound.ONE if head[2] in _ONE else Bound.UNKNOWN
            yield NamedStatement(head[1].replace("-", "_"), text[head.end() : end], bound)
