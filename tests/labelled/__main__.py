"""`python -m tests.labelled DIRECTORY [SEED] [RESULTS.json]`: writes the set, and tells how we do.

RESULTS.json is what `detect-secrets scan --all-files` printed in that directory.
"""

from __future__ import annotations

import collections
import json
import sys
import time
from pathlib import Path

from auditor.discover.kinds import role_of
from auditor.extract.secrets import find_secrets
from tests.labelled.corpus import Score, corpus, mark, score, write
from tests.labelled.files import LabelledFile


def _ours(files: dict[str, LabelledFile]) -> tuple[dict[str, set[int]], dict[str, Score]]:
    lines: dict[str, set[int]] = {}
    levels: dict[str, Score] = collections.defaultdict(Score)
    for path, file in files.items():
        found = find_secrets(file.text.encode(), file.name, role_of(path))
        lines[path] = {secret.line for secret in found}
        for secret in found:
            wrong = mark(file, {secret.line}).wrong
            if secret.line not in file.either:
                levels[secret.confidence].wrong += bool(wrong)
                levels[secret.confidence].found += not wrong
    return lines, levels


def _show(title: str, scores: dict[str, Score]) -> None:
    print(title)
    for group, each in sorted(scores.items()):
        print(
            f"  {group or 'all':26} found {each.found:4} missed {each.missed:4} wrong {each.wrong:4}"
            f"  precision {each.precision:.3f} recall {each.recall:.3f} F1 {each.f1:.3f}"
        )


def main() -> None:
    directory, seed = Path(sys.argv[1]), int((sys.argv[2:3] or ["20"])[0])
    files = corpus(seed)
    write(files, directory)
    secrets = sum(len(f.secrets) for f in files.values())
    misses = sum(f.near_misses for f in files.values())
    print(f"{len(files)} files, {secrets} secrets, {misses} near-misses")
    _ours({})
    start = time.perf_counter()
    lines, levels = _ours(files)
    print(f"{time.perf_counter() - start:.2f} s")
    _show("ours", score(files, lines))
    for level, each in sorted(levels.items()):
        print(
            f"  confidence {level:7} {each.found:4} right {each.wrong:3} wrong {each.precision:.3f}"
        )
    if "--show" in sys.argv:
        for path, file in files.items():
            marks = mark(file, lines[path])
            for word, numbers in (("missed", marks.missed), ("wrong", marks.wrong)):
                for number in numbers:
                    print(word, path, file.lines[number - 1][:150])
    if sys.argv[3:4] and sys.argv[3].endswith(".json"):
        results = json.loads(Path(sys.argv[3]).read_text())["results"]
        theirs = {p: {found["line_number"] for found in each} for p, each in results.items()}
        _show("detect-secrets", score(files, theirs))


main()
