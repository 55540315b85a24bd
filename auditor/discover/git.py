"""What git says of a tree, read from its files.

The `git` program is not run: a repository's own configuration can make it start programs
(`core.fsmonitor`, hooks). Formats: gitignore(5), gitformat-index(5), gitrepository-layout(5).
"""

from __future__ import annotations

import bisect
import re
import struct
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    import pathspec

_MAX_INDEX = 64 * 1024 * 1024


class Rules(msgspec.Struct, frozen=True):
    """One ignore file: its patterns, and the folder they are relative to."""

    folder: str
    patterns: tuple[pathspec.Pattern, ...]

    def decide(self, path: str) -> bool | None:
        """Whether the last pattern that matches ignores `path`; None when none matches."""
        if self.folder:
            if not path.startswith(self.folder + "/"):
                return None
            path = path[len(self.folder) + 1 :]
        decision = None
        for pattern in self.patterns:
            if pattern.include is not None and _matches_itself(pattern, path):
                decision = pattern.include
        return decision


def _matches_itself(pattern: pathspec.Pattern, path: str) -> bool:
    """Whether a pattern matches this entry, and not only a folder above it.

    The library's expressions match what lies below a matched folder, too, and mark the folder's end
    by the group `ps_d`; git asks for each folder on the way down, as the walk does.
    """
    regex = getattr(pattern, "regex", None)
    if str(getattr(pattern, "pattern", "")).endswith("/**"):
        path = path.rstrip("/")  # what is inside of a folder, and not the folder
    match = regex.search(path) if regex is not None else None
    if match is None:
        return False
    below = match.groupdict().get("ps_d")
    return below is None or match.end("ps_d") == len(path)


def read_rules(path: Path, folder: str) -> Rules | None:
    """The patterns of an ignore file; None when it cannot be read."""
    try:
        if path.is_symlink() or path.stat().st_size > 1024 * 1024:
            return None
        lines = path.read_text("utf-8", "replace").splitlines()
    except OSError:
        return None
    from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern  # takes a moment to import

    patterns = []
    for line in lines:
        try:
            patterns.append(GitIgnoreSpecPattern(line))
        except ValueError:  # git skips a pattern it cannot read, too
            continue
    return Rules(folder, tuple(patterns))


def ignored(rules: list[Rules], path: str) -> bool:
    """The innermost ignore file that says something decides."""
    for each in reversed(rules):
        if (decision := each.decide(path)) is not None:
            return decision
    return False


class Repository(msgspec.Struct, frozen=True):
    """The git repository around a tree; `prefix` is the tree's place in its work tree."""

    directory: Path
    work_tree: Path
    prefix: str
    paths: tuple[str, ...] | None
    commit: str | None

    def own_objects(self) -> Path | None:
        """The directory with the objects, if it is the tree's own.

        A `.git` file may name any directory: that of a worktree names this tree in turn
        (gitrepository-layout(5)); other ones are not read.
        """
        if self.directory == self.work_tree / ".git":
            return None if self.directory.is_symlink() else self.directory
        back, common = _text(self.directory / "gitdir"), _text(self.directory / "commondir")
        if not back or not common or Path(back) != self.work_tree / ".git":
            return None
        shared = (self.directory / common).resolve()
        return shared if shared == self.directory.parent.parent.resolve() else None

    def tracks(self, path: str) -> bool | None:
        if self.paths is None:
            return None
        wanted = self.prefix + path
        at = bisect.bisect_left(self.paths, wanted)
        return at < len(self.paths) and self.paths[at] == wanted

    def tracks_below(self, folder: str) -> bool:
        if self.paths is None:
            return False
        wanted = f"{self.prefix}{folder}/"
        at = bisect.bisect_left(self.paths, wanted)
        return at < len(self.paths) and self.paths[at].startswith(wanted)

    def outer_rules(self, root: Path) -> list[Rules]:
        """The ignore files that hold for the tree from outside it."""
        found = [read_rules(self.directory / "info" / "exclude", "")]
        folder = self.work_tree
        for part in [p for p in self.prefix.split("/") if p]:
            if outer := read_rules(folder / ".gitignore", ""):
                inside = Path(root).relative_to(folder).as_posix()
                found.append(_Shifted(inside, outer.patterns))
            folder = folder / part
        return [rules for rules in found if rules is not None]


class _Shifted(Rules, frozen=True):
    """Rules of a folder above the tree: paths are seen from there."""

    def decide(self, path: str) -> bool | None:
        return Rules("", self.patterns).decide(f"{self.folder}/{path}")


def open_repository(root: Path) -> Repository | None:
    """The repository whose work tree holds `root`; None outside of git."""
    for folder in (root, *root.parents):
        entry = folder / ".git"
        try:
            directory = _directory(entry)
        except OSError:
            continue
        if directory is not None:
            inside = root.relative_to(folder).as_posix()
            prefix = "" if inside == "." else inside + "/"
            return Repository(directory, folder, prefix, _index(directory), _commit(directory))
    return None


def _directory(entry: Path) -> Path | None:
    if entry.is_dir() and (entry / "HEAD").is_file():
        return entry
    if entry.is_file() and entry.stat().st_size < 4096:  # a worktree or a submodule
        text = entry.read_text("utf-8", "replace")
        if match := re.match(r"gitdir: (.+)", text):
            target = (entry.parent / match[1].strip()).resolve()
            return target if target.is_dir() else None
    return None


def _commit(directory: Path) -> str | None:
    head = _text(directory / "HEAD")
    common = _text(directory / "commondir")
    shared = (directory / common).resolve() if common else directory
    if not head.startswith("ref: "):
        return _hash(head)
    name = head[5:]
    if not re.fullmatch(r"refs/[\w./-]+", name) or ".." in name:
        return None
    for place in (directory, shared):
        if found := _hash(_text(place / name)):
            return found
    for line in _text(shared / "packed-refs", 8 * 1024 * 1024).splitlines():
        if line.endswith(" " + name):
            return _hash(line.split(" ")[0])
    return None


def _hash(text: str) -> str | None:
    return text if re.fullmatch(r"[0-9a-f]{40}(?:[0-9a-f]{24})?", text) else None


def _text(path: Path, limit: int = 4096) -> str:
    try:
        if path.is_symlink() or not path.is_file():
            return ""
        with path.open("rb") as handle:
            return handle.read(limit).decode("utf-8", "replace").strip()
    except OSError:
        return ""


def _index(directory: Path) -> tuple[str, ...] | None:
    """The paths git tracks, sorted; None when the index is missing or of an unknown version."""
    path = directory / "index"
    try:
        if path.is_symlink() or path.stat().st_size > _MAX_INDEX:
            return None
        data = path.read_bytes()
        return _parse_index(data)
    except (OSError, struct.error, IndexError, ValueError):
        return None


def _parse_index(data: bytes) -> tuple[str, ...] | None:
    signature, version, count = struct.unpack_from(">4sII", data)
    if signature != b"DIRC" or version not in (2, 3, 4) or count > len(data) // 62:
        return None
    paths, at, previous = [], 12, b""
    for _ in range(count):
        (flags,) = struct.unpack_from(">H", data, at + 60)
        start = at + (64 if version >= 3 and flags & 0x4000 else 62)
        if version == 4:
            strip, start = _varint(data, start)
            end = data.index(b"\0", start)
            name = previous[: len(previous) - strip] + data[start:end]
            at = end + 1
        else:
            end = data.index(b"\0", start)
            name = data[start:end]
            at += (end - at + 8) // 8 * 8
        previous = name
        paths.append(name.decode("utf-8", "surrogateescape"))
    return tuple(sorted(paths))


def _varint(data: bytes, at: int) -> tuple[int, int]:
    byte = data[at]
    value = byte & 0x7F
    while byte & 0x80:
        at += 1
        byte = data[at]
        value = ((value + 1) << 7) | (byte & 0x7F)
    return value, at + 1
