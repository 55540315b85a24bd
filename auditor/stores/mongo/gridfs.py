"""GridFS: files in MongoDB, and the index that the drivers keep on them.

Sources: https://www.mongodb.com/docs/manual/core/gridfs/#gridfs-indexes and the API documentation of PyMongo
(`gridfs`) and Motor. The drivers create the indexes on `filename` and `uploadDate` and on `files_id` and `n` when they
first store a file; Flask-PyMongo's `save_file` does so as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from auditor.extract.python import tree as t
from auditor.link.application import Application, provides
from auditor.link.names import Code
from auditor.link.scopes import CallSite, place_of
from auditor.link.values import Evaluator
from auditor.model.data import Bound, Index, Query
from auditor.model.places import Place

_BUCKET = re.compile(r"(?:^|\.)\w*GridFS(?:Bucket)?\(\)$")
_FILTERED = {"find", "find_one"}
_BY_NAME = {
    "get_last_version", "get_version", "open_download_stream_by_name", "download_to_stream_by_name",
    "delete_by_name", "rename_by_name",
}  # fmt: skip
_BY_KEY = {
    "open_download_stream": "find_one", "download_to_stream": "find_one", "get": "find_one", "exists": "find_one",
    "delete": "delete_one", "rename": "update_one",
}  # fmt: skip
"""What takes the key of a file first; its chunks are found by the index that the driver keeps on them."""
_NEWEST = (("uploadDate", -1),)
_BY_DATE = (("filename", 1), ("uploadDate", 1))
_IN_ORDER = (("files_id", 1), ("n", 1))


def is_bucket(code: Code, site: CallSite) -> bool:
    """Whether a method is called on GridFS, whose files are no plain collection."""
    func = site.node.func
    return isinstance(func, t.Attr) and bool(_BUCKET.search(code.name(func.value, site.scope)))


def files(values: Evaluator, site: CallSite) -> str:
    """The collection of the files of a bucket: `fs.files`, or by the name that it was made with."""
    func = site.node.func
    assert isinstance(func, t.Attr)
    for made in values.sources(func.value, site.scope):
        if isinstance(made.node, t.Call):
            call = CallSite(made.node, made.scope)
            named = call.arg(1, "bucket_name") or call.arg(None, "collection")
            if named is not None:
                return f"{values.text(named, made.scope) or '{…}'}.files"
    return "fs.files"


def _of_flask(application: Application, method: str, at: int) -> Iterator[tuple[CallSite, str]]:
    """The calls of a method of Flask-PyMongo that stores or sends a file, each with its bucket."""
    for site in application.code.method_calls(method):
        func = site.node.func
        owner = application.code.name(func.value, site.scope) if isinstance(func, t.Attr) else ""
        if owner.startswith("flask_pymongo."):
            yield site, application.values.text(site.arg(at, "base"), site.scope) or "fs"


@provides(Query)
def queries(application: Application) -> Iterator[Query]:
    """The files that are asked for by their names and keys; filters are read as those of any collection."""
    for site, base in _of_flask(application, "send_file", 1):
        asked = ("filename",), (), _NEWEST
        yield Query("mongodb", f"{base}.files", "find_one", *asked, place_of(site), bound=Bound.ONE)
    if not any(
        "gridfs" in f"{stmt.module}.{name}".lower()
        for stmt, _ in application.code.of_kind(t.Import)
        for name, _ in stmt.names
    ):
        return
    for site in application.code.method_calls(*sorted(_BY_KEY)):
        func, given = site.node.func, site.node.args
        if given and not isinstance(given[0], t.Map) and is_bucket(application.code, site):
            assert isinstance(func, t.Attr)
            yield Query(
                "mongodb", files(application.values, site), _BY_KEY[func.name], ("_id",), (), (),
                place_of(site), bound=Bound.ONE,
            )  # fmt: skip
    for site in application.code.method_calls(*sorted(_BY_NAME)):
        if is_bucket(application.code, site):
            yield Query(
                "mongodb", files(application.values, site), "find_one", ("filename",), (), _NEWEST,
                place_of(site), bound=Bound.ONE,
            )  # fmt: skip


@provides(Index)
def indexes(application: Application) -> Iterator[Index]:
    """What the drivers create for every bucket that is asked."""
    buckets: dict[str, Place] = {}
    for site in application.code.method_calls(*sorted(_BY_NAME | _FILTERED)):
        if is_bucket(application.code, site):
            name = files(application.values, site).removesuffix(".files")
            buckets.setdefault(name, place_of(site))
    for site, base in _of_flask(application, "save_file", 2):
        buckets.setdefault(base, place_of(site))
    for name, place in buckets.items():
        for part, key, unique in (("files", _BY_DATE, False), ("chunks", _IN_ORDER, True)):
            yield Index("mongodb", f"{name}.{part}", key, unique, place, "code", "start", implied="package")  # fmt: skip
