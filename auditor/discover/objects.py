"""Git's objects, read from its files: loose ones, and packs with their delta chains.

Formats: gitrepository-layout(5), gitformat-pack(5), gitformat-commit-graph is not needed. Nothing is
followed out of the repository: neither links nor the alternates that another object store is
borrowed through. Whatever is broken raises ObjectError, and nothing else.
"""

from __future__ import annotations

import mmap
import re
import struct
import zlib
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path

import msgspec

MAX_OBJECT = 16 * 1024 * 1024
"""Bytes of an object, or of one that it is told by its difference to; larger ones are not read."""
_MAX_CHAIN = 4096
_CACHE = 48 * 1024 * 1024
_KINDS = {1: "commit", 2: "tree", 3: "blob", 4: "tag"}
_OFFSET_DELTA, _REFERENCE_DELTA = 6, 7


class ObjectError(Exception):
    """An object is missing, broken or too large; the message is a few words."""


class Commit(msgspec.Struct, frozen=True):
    """A commit: ids are raw bytes, `when` is the author's date in seconds since 1970."""

    id: bytes
    tree: bytes
    parents: tuple[bytes, ...]
    when: int


class Objects:
    """The objects below `directory`, the repository's own (for a worktree, the shared one)."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory / "objects"
        config = _text(directory / "config")
        self.width = 32 if re.search(r"(?i)objectformat\s*=\s*sha256", config) else 20
        self.borrows = (self.directory / "info" / "alternates").exists()
        self.shallow = (directory / "shallow").exists()
        self.packs = list(self._open_packs())
        self._recent: OrderedDict[tuple[int, int], tuple[int, bytes]] = OrderedDict()
        self._held = 0

    def _open_packs(self) -> Iterator[_Pack]:
        folder = self.directory / "pack"
        if self.directory.is_symlink() or folder.is_symlink() or not folder.is_dir():
            return
        for index in sorted(folder.glob("*.idx"))[:2000]:
            try:
                yield _Pack(index, self.width)
            except (ObjectError, OSError, ValueError, struct.error):
                continue  # what stands in it is missing, and is counted when it is asked for

    def close(self) -> None:
        for pack in self.packs:
            pack.close()

    def read(self, id_: bytes) -> tuple[str, bytes]:
        """Kind and content of an object. Raises ObjectError."""
        try:
            for number, pack in enumerate(self.packs):
                if (offset := pack.find(id_)) is not None:
                    kind, data = self._packed(number, offset)
                    return _KINDS[kind], data
            return self._loose(id_)
        except (OSError, ValueError, KeyError, IndexError, struct.error, zlib.error) as error:
            raise ObjectError("broken object") from error

    def _loose(self, id_: bytes) -> tuple[str, bytes]:
        name = id_.hex()
        path = self.directory / name[:2] / name[2:]
        if path.is_symlink() or path.parent.is_symlink() or not path.is_file():
            raise ObjectError("missing object")
        with path.open("rb") as handle:
            data = _inflate(handle.read(MAX_OBJECT), MAX_OBJECT + 64)
        head, _, body = data.partition(b"\0")
        kind, _, size = head.partition(b" ")
        if kind.decode("ascii") not in _KINDS.values() or int(size) != len(body):
            raise ObjectError("broken object")
        return kind.decode("ascii"), body

    def _packed(self, number: int, offset: int) -> tuple[int, bytes]:
        """Follow a chain of differences to its base, then apply them on the way back."""
        pack, deltas = self.packs[number], []
        while True:
            if (known := self._recent.get((number, offset))) is not None:
                self._recent.move_to_end((number, offset))
                kind, data = known
                break
            kind, size, at = pack.header(offset)
            if kind == _OFFSET_DELTA:
                back, at = pack.distance(at)
                deltas.append((offset, at, size))
                if not 0 < back <= offset:
                    raise ObjectError("broken object")
                offset -= back
            elif kind == _REFERENCE_DELTA:
                deltas.append((offset, at + self.width, size))
                base = pack.find(pack.data[at : at + self.width])
                if base is None:
                    raise ObjectError("missing object")
                offset = base
            else:
                data = pack.inflate(at, size)
                self._keep(number, offset, kind, data)
                break
            if len(deltas) > _MAX_CHAIN:
                raise ObjectError("chain too long")
        for offset, at, size in reversed(deltas):
            data = _patched(data, pack.inflate(at, size))
            self._keep(number, offset, kind, data)
        return kind, data

    def _keep(self, number: int, offset: int, kind: int, data: bytes) -> None:
        """Bases are used again and again: the recent ones are held, up to a limit."""
        if len(data) > _CACHE // 8:
            return
        self._recent[number, offset] = kind, data
        self._held += len(data) + 100
        while self._held > _CACHE:
            _, (_, old) = self._recent.popitem(last=False)
            self._held -= len(old) + 100

    def commit(self, id_: bytes) -> Commit:
        """A commit, or the one that a tag names. Raises ObjectError."""
        for _ in range(10):
            kind, data = self.read(id_)
            head = data.split(b"\n\n", 1)[0]
            if kind == "tag" and (match := re.match(rb"object ([0-9a-f]{40,64})\n", head)):
                id_ = bytes.fromhex(match[1].decode())
                continue
            tree = re.match(rb"tree ([0-9a-f]{40,64})\n", head)
            if kind != "commit" or tree is None:
                break
            parents = re.findall(rb"(?m)^parent ([0-9a-f]{40,64})$", head)
            when = re.search(rb"(?m)^author [^\n]*> (-?\d{1,15}) ", head + b" ")
            return Commit(
                id_,
                bytes.fromhex(tree[1].decode()),
                tuple(bytes.fromhex(each.decode()) for each in parents),
                int(when[1]) if when else 0,
            )
        raise ObjectError("not a commit")

    def tree(self, id_: bytes) -> list[tuple[str, bytes, bool]]:
        """(name, id, whether it is a folder) of what a tree holds; links and submodules left out."""
        kind, data = self.read(id_)
        if kind != "tree":
            raise ObjectError("not a tree")
        found, at = [], 0
        while at < len(data):
            end = data.find(b"\0", at)
            mode, _, name = data[at:end].partition(b" ")
            child = data[end + 1 : end + 1 + self.width]
            if end < 0 or len(child) != self.width:
                raise ObjectError("broken tree")
            at = end + 1 + self.width
            if mode in (b"40000", b"040000"):
                found.append((name.decode("utf-8", "replace"), child, True))
            elif mode.startswith(b"100"):
                found.append((name.decode("utf-8", "replace"), child, False))
        return found


class _Pack:
    """A pack and its index (version 2), mapped into memory."""

    def __init__(self, index: Path, width: int) -> None:
        pack = index.with_suffix(".pack")
        if index.is_symlink() or pack.is_symlink():
            raise ObjectError("a link")
        self.width = width
        self.index, self.data = _map(index), _map(pack)
        magic, version = struct.unpack_from(">4sI", self.index)
        if magic != b"\xfftOc" or version != 2 or self.data[:4] != b"PACK":
            raise ObjectError("unknown pack")
        self.fanout = struct.unpack_from(">256I", self.index, 8)
        self.count = self.fanout[255]
        if len(self.index) < 1032 + self.count * (width + 8):
            raise ObjectError("broken index")

    def close(self) -> None:
        self.index.close()
        self.data.close()

    def find(self, id_: bytes) -> int | None:
        """Where an object begins in the pack."""
        low = self.fanout[id_[0] - 1] if id_[0] else 0
        high = min(self.fanout[id_[0]], self.count)
        while low < high:
            middle = (low + high) // 2
            at = 1032 + middle * self.width
            found = self.index[at : at + self.width]
            if found == id_:
                return self._offset(middle)
            if found < id_:
                low = middle + 1
            else:
                high = middle
        return None

    def _offset(self, number: int) -> int:
        start = 1032 + self.count * (self.width + 4)
        (offset,) = struct.unpack_from(">I", self.index, start + number * 4)
        if offset & 0x80000000:
            start += self.count * 4 + (offset & 0x7FFFFFFF) * 8
            (offset,) = struct.unpack_from(">Q", self.index, start)
        return int(offset)

    def header(self, at: int) -> tuple[int, int, int]:
        """Kind, size when inflated, where it goes on."""
        byte = self.data[at]
        kind, size, shift = byte >> 4 & 7, byte & 15, 4
        while byte & 0x80:
            at += 1
            byte = self.data[at]
            size |= (byte & 0x7F) << shift
            shift += 7
            if shift > 60:
                raise ObjectError("broken object")
        return kind, size, at + 1

    def distance(self, at: int) -> tuple[int, int]:
        """How far before it the base of a difference begins, and where the difference does."""
        byte = self.data[at]
        back = byte & 0x7F
        while byte & 0x80:
            at += 1
            byte = self.data[at]
            back = (back + 1) << 7 | (byte & 0x7F)
            if back > 1 << 60:
                raise ObjectError("broken object")
        return back, at + 1

    def inflate(self, at: int, size: int) -> bytes:
        if size > MAX_OBJECT:
            raise ObjectError("too large")
        packed = self.data[at : at + size + size // 1000 + 512]
        data = _inflate(packed, size)
        if len(data) != size:
            raise ObjectError("broken object")
        return data


def _map(path: Path) -> mmap.mmap:
    with path.open("rb") as handle:
        return mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ)


def _inflate(packed: bytes, limit: int) -> bytes:
    """At most `limit` bytes, whatever a small input claims to hold."""
    machine = zlib.decompressobj()
    data = machine.decompress(packed, limit + 1)
    if len(data) > limit:
        raise ObjectError("too large")
    return data


def _patched(base: bytes, delta: bytes) -> bytes:
    """A difference applied: pieces of the base, and pieces of its own."""
    base_size, at = _size(delta, 0)
    size, at = _size(delta, at)
    if base_size != len(base) or size > MAX_OBJECT:
        raise ObjectError("broken difference")
    parts: list[bytes] = []
    total, end = 0, len(delta)
    while at < end:
        command = delta[at]
        at += 1
        if command & 0x80:
            start = length = 0
            for bit in range(4):
                if command >> bit & 1:
                    start |= delta[at] << 8 * bit
                    at += 1
            for bit in range(3):
                if command >> (4 + bit) & 1:
                    length |= delta[at] << 8 * bit
                    at += 1
            piece = base[start : start + (length or 0x10000)]
        elif command:
            piece = delta[at : at + command]
            at += command
        else:
            raise ObjectError("broken difference")
        total += len(piece)
        if total > size or not piece:
            raise ObjectError("broken difference")
        parts.append(piece)
    if total != size:
        raise ObjectError("broken difference")
    return b"".join(parts)


def _size(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80 or shift > 63:
            return value, at


def _text(path: Path, limit: int = 1 << 16) -> str:
    if path.is_symlink() or not path.is_file():
        return ""
    with path.open("rb") as handle:
        return handle.read(limit).decode("utf-8", "replace")


def tips(directory: Path) -> list[bytes]:
    """What branches, tags, remote branches and HEAD name, in a stable order."""
    found: dict[str, str] = {}
    for line in _text(directory / "packed-refs", 32 << 20).splitlines():
        if match := re.match(r"([0-9a-f]{40}(?:[0-9a-f]{24})?) (refs/\S+)", line):
            found[match[2]] = match[1]
    folder = directory / "refs"
    if folder.is_dir() and not folder.is_symlink():
        for number, path in enumerate(sorted(folder.rglob("*"))):
            if number > 50_000:
                break
            if not path.is_symlink() and path.is_file():
                found[path.relative_to(directory).as_posix()] = _text(path, 100).strip()
    found["HEAD"] = _text(directory / "HEAD", 200).strip()
    ids = [text for _, text in sorted(found.items())]
    valid = [i for i in ids if re.fullmatch(r"[0-9a-f]{40}(?:[0-9a-f]{24})?", i)]
    return [bytes.fromhex(each) for each in dict.fromkeys(valid)]
