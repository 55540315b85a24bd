"""Files whose lines are labelled: a secret, no secret, or of no account."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field

NOTHING, SECRET, EITHER = "nothing", "secret", "either"


@dataclass
class LabelledFile:
    """A file in the making. `group` is what its results are added up by."""

    name: str
    group: str
    lines: list[str] = field(default_factory=list)
    secrets: list[tuple[int, int]] = field(default_factory=list)
    """First and last line of each secret; lines count from one."""
    either: set[int] = field(default_factory=set)
    """Lines that may be reported or not: well-known defaults of local services."""
    near_misses: int = 0
    kinds: list[str] = field(default_factory=list)
    """What each secret is, in the order of `secrets`."""

    def add(self, text: str, label: str = NOTHING, kind: str = "") -> None:
        first = len(self.lines) + 1
        self.lines += text.split("\n")
        if label == SECRET:
            self.secrets.append((first, len(self.lines)))
            self.kinds.append(kind)
        elif label == EITHER:
            self.either.update(range(first, len(self.lines) + 1))
        elif text.strip():
            self.near_misses += 1

    @property
    def text(self) -> str:
        return "\n".join(self.lines) + "\n"


def notebook(name: str, group: str, cells: Iterable[tuple[str, str]]) -> LabelledFile:
    """A Jupyter notebook with a cell line for each (source, label)."""
    file = LabelledFile(name, group)
    file.add('{\n "cells": [\n  {\n   "cell_type": "code",\n   "source": [')
    file.near_misses = 0
    for source, label in cells:
        file.add(f"    {json.dumps(source + chr(10))},", label, "notebook")
    file.add('    "print(1)"\n   ]\n  }\n ],\n "nbformat": 4\n}')
    return file
