"""One file as its extractors see it."""

from __future__ import annotations

import codecs
import enum
import functools
import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from auditor.discover import Kind, Role
from auditor.extract.facts import Fact
from auditor.extract.secrets import Secret, as_utf8, find_secrets


class Unreadable(Exception):
    """A file is not what its name claims; the message is one line for the report."""

    def __init__(
        self, reason: str, line: int = 0, column: int = 0, application: bool = False
    ) -> None:
        super().__init__(reason)
        self.line, self.column, self.application = line, column, application


@dataclass(frozen=True)
class Source:
    """The bytes of a file, and what its name says; facts depend on nothing else."""

    kind: Kind
    role: Role
    name: str
    data: bytes

    @functools.cached_property
    def text(self) -> str:
        """The decoded text. Raises Unreadable where the bytes are no text."""
        for mark, encoding in _MARKS:
            if self.data.startswith(mark):
                return self._decode(encoding)
        if b"\0" in self.data:
            raise Unreadable("contains NUL bytes")
        return self._decode("utf-8")

    @functools.cached_property
    def secrets(self) -> list[Secret]:
        """The secrets in the bytes, which other facts must not repeat."""
        return find_secrets(as_utf8(self.data), self.name, self.role, self.kind)

    def _decode(self, encoding: str) -> str:
        try:
            return self.data.decode(encoding).replace("\r\n", "\n").removeprefix("\ufeff")
        except UnicodeDecodeError as error:
            line = self.data.count(b"\n", 0, error.start) + 1
            raise Unreadable(f"not valid {encoding.upper()}", line) from error


_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class Stage(enum.IntEnum):
    """When facts are taken, and for whom."""

    EARLY = 0
    LATE = 1
    """Beside linking; they are waited for when they are asked for."""
    TEXTS = 2
    """Early, and the only ones where nothing but the text of files is asked for."""


Extractor = Callable[[Source], Iterable[Fact]]
_EXTRACTORS: dict[tuple[Kind, Stage], list[tuple[re.Pattern[str], Extractor]]] = defaultdict(list)


def extracts(
    *kinds: Kind, name: str = "", late: bool = False, texts: bool = False
) -> Callable[[Extractor], Extractor]:
    """Register a function that says what files of these kinds (and base names) hold."""
    pattern = re.compile(name or ".*", re.I | re.S)
    stages = [Stage.LATE] if late else [Stage.EARLY, Stage.TEXTS] if texts else [Stage.EARLY]

    def register(extractor: Extractor) -> Extractor:
        for kind in kinds:
            for stage in stages:
                _EXTRACTORS[kind, stage].append((pattern, extractor))
        return extractor

    return register


def extractors_for(source: Source, stage: Stage) -> list[Extractor]:
    found = _EXTRACTORS[source.kind, stage]
    return [extractor for pattern, extractor in found if pattern.fullmatch(source.name)]
