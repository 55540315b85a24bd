"""Indexes that scripts of MongoDB's shell create, and whether a container runs them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from auditor.extract.readers.mongo_shell import ShellIndex
from auditor.link.application import Application, provides
from auditor.model.data import Index
from auditor.model.places import Place
from auditor.stores.first_start import run_at_first
from auditor.stores.mongo.mongodb import uses_mongodb

_BY_ITS_PATH = re.compile(
    r"(?:^|/)(?:docker-entrypoint-)?init-?db(?:\.d)?/|(?:^|/)migrations?/", re.I
)
_KINDS = {"text": "text", "2dsphere": "geo", "2d": "geo", "hashed": "hash"}


@provides(Index)
def shell_indexes(application: Application) -> Iterator[Index]:
    if not uses_mongodb(application):
        return
    at_first = run_at_first(application)
    for file, found in application.of(ShellIndex):
        path = file.path
        runs = _BY_ITS_PATH.search(path) or at_first(path)
        kinds = [_KINDS[way] for _, way in found.keys if way in _KINDS]
        names = tuple(name for name, _ in found.keys)
        yield Index(
            "mongodb",
            found.collection,
            tuple((name, -1 if way.startswith("-") else 1) for name, way in found.keys),
            found.unique,
            Place(path, found.line),
            "migration" if runs else "script",
            "migration" if runs else "",
            found.expires,
            kinds[0] if kinds else "ordered",
            condition=names[:1] if found.partial else (),
        )
