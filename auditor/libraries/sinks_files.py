"""Paths of files that the caller has a say in (CWE-22)."""

from __future__ import annotations

import re

from auditor.extract.python import tree as t
from auditor.libraries.sinks import Found, text_of
from auditor.link.flow import Form, Reached, Taint, drains
from auditor.link.scopes import argument

# --- paths (CWE-22)

_PATH_CALLS = {
    "open": 1, "send_file": 1, "FileResponse": 1, "remove": 1, "unlink": 1, "rmtree": 1, "rename": 2,
    "copy": 2, "copyfile": 2, "copy2": 2, "copytree": 2, "move": 2, "makedirs": 1, "mkdir": 1,
    "rmdir": 1, "listdir": 1, "scandir": 1, "replace": 2, "read_csv": 1, "chmod": 1, "walk": 1,
    "BZ2File": 1, "GzipFile": 1, "ZipFile": 1, "TarFile": 1, "unpack_archive": 2,
}  # fmt: skip
_PATH_PACKAGES = re.compile(
    r"(?:builtins|io|codecs|aiofiles|os|shutil)\.\w+$|aiofiles\.os\.\w+$|(?:flask|quart)\.(?:helpers\.)?send_file"
    r"|(?:fastapi|starlette)\.responses\.FileResponse|pandas\.read_csv|zipfile\.ZipFile$|tarfile\.(?:TarFile|open|TarFile\(?\)?\.open)$"
    r"|(?:bz2|gzip|lzma)\.(?:open|\w+File)$"
)


def _path(taint: Taint | None) -> Taint | None:
    """Text that may climb out of a directory: not a part of a URL's path, which holds no slash."""
    text = text_of(taint)
    if text is None or (text.source.segment and text.form is Form.TEXT):
        return None
    return text


@drains(*_PATH_CALLS)
def path_opened(reached: Reached) -> Found:
    if _PATH_PACKAGES.match(reached.name):
        func = reached.site.node.func
        last = t.last_word(func)
        for position in range(_PATH_CALLS.get(last, 1)):
            yield (
                "path",
                _path(
                    reached.arg(
                        position, *("file", "path", "filename_or_fp") if not position else ()
                    )
                ),
            )


@drains(
    "open",
    "read_text",
    "read_bytes",
    "write_text",
    "write_bytes",
    "unlink",
    "iterdir",
    "rmdir",
    "mkdir",
    "touch",
)
def path_object(reached: Reached) -> Found:
    """A method of a path that the caller had a say in."""
    taint = reached.receiver
    if taint is not None and taint.form is Form.TEXT and isinstance(reached.site.node.func, t.Attr):
        if not reached.name.startswith("builtins."):
            yield "path", _path(taint)


@drains("exists", "lexists", "isfile", "isdir", "is_file", "is_dir", "getsize", "getmtime", "stat")
def path_asked_for(reached: Reached) -> Found:
    """`os.path.exists(path)`, `path.is_file()`: the answer tells what there is."""
    if reached.name.startswith(("os.path.", "posixpath.", "os.stat", "aiofiles.os.")):
        yield "existence", _path(reached.arg(0, "path", "filename", "s"))
    elif (taint := reached.receiver) is not None and taint.form is Form.TEXT:
        yield "existence", _path(taint)


@drains("open_resource", "open_instance_resource")
def resource_opened(reached: Reached) -> Found:
    """Flask joins it to the application's folder as it is."""
    if reached.name.startswith(("flask.", "quart.")):
        yield "path", _path(reached.arg(0, "resource"))


@drains("send_from_directory")
def directory_sent(reached: Reached) -> Found:
    """Flask keeps the file inside of the directory; nothing keeps the directory inside of another."""
    if reached.name.startswith(("flask.", "quart.", "werkzeug.")):
        yield "path", _path(reached.arg(0, "directory"))


@drains("save")
def path_saved(reached: Reached) -> Found:
    """`upload.save(path)`."""
    if reached.receiver is not None and reached.receiver.form is Form.FILE:
        yield "path", _path(reached.arg(0, "dst"))


@drains("extractall", "extract")
def unpacked(reached: Reached) -> Found:
    """`tarfile.open(fileobj=upload).extractall(path)`: names in the archive climb out, unless filtered.

    https://docs.python.org/3/library/tarfile.html#extraction-filters; zipfile strips such names itself.
    """
    if reached.name.startswith("tarfile.") and reached.receiver is not None:
        if argument(reached.site.node, None, "filter", "members") is None:
            yield "path", reached.receiver
