"""The labelled set, and how a scanner did on it."""

from __future__ import annotations

import collections
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.labelled import near_misses, positives
from tests.labelled.files import LabelledFile
from tests.labelled.values import Values


def corpus(seed: int = 20) -> dict[str, LabelledFile]:
    """The files by path; each stands in a directory of its own, for a name may come twice."""
    values = Values(seed)
    made = [f for source in positives.SOURCES for f in source(values)]
    made += [f for source in near_misses.SOURCES for f in source(values)]
    return {f"{number:03}/{file.name}": file for number, file in enumerate(made)}


def write(files: Mapping[str, LabelledFile], directory: Path) -> None:
    for path, file in files.items():
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        (directory / path).write_text(file.text)


@dataclass
class Score:
    """Secrets found, secrets missed, lines reported that hold none."""

    found: int = 0
    missed: int = 0
    wrong: int = 0

    @property
    def precision(self) -> float:
        return self.found / (self.found + self.wrong) if self.found + self.wrong else 1.0

    @property
    def recall(self) -> float:
        return self.found / (self.found + self.missed) if self.found + self.missed else 1.0

    @property
    def f1(self) -> float:
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0


Lines = Mapping[str, set[int]]
"""The lines that a scanner reports, by path."""


@dataclass
class Marks:
    """One file's secrets that were missed, and lines that were wrongly reported."""

    found: list[int]
    missed: list[int]
    wrong: list[int]


def mark(file: LabelledFile, lines: set[int]) -> Marks:
    covered = {n for first, last in file.secrets for n in range(first, last + 1)}
    spans = [(first, any(first <= n <= last for n in lines)) for first, last in file.secrets]
    return Marks(
        [first for first, hit in spans if hit],
        [first for first, hit in spans if not hit],
        sorted(lines - covered - file.either),
    )


def score(files: Mapping[str, LabelledFile], reported: Lines) -> dict[str, Score]:
    """Scores by group, and of all under the empty name."""
    scores: dict[str, Score] = collections.defaultdict(Score)
    for path, file in files.items():
        marks = mark(file, reported.get(path, set()))
        for group in (file.group, ""):
            scores[group].found += len(marks.found)
            scores[group].missed += len(marks.missed)
            scores[group].wrong += len(marks.wrong)
    return dict(scores)
