"""The labelled set is found, and what only looks like a secret is not; docs/secrets.md."""

from __future__ import annotations

import pytest

from auditor.discover.kinds import role_of
from auditor.extract.secrets import find_secrets
from tests.labelled.corpus import Score, corpus, score
from tests.labelled.positives import SETTINGS


@pytest.fixture(scope="module", params=[20, 7])
def scores(request: pytest.FixtureRequest) -> dict[str, Score]:
    files = corpus(request.param)
    lines = {
        path: {s.line for s in find_secrets(file.text.encode(), file.name, role_of(path))}
        for path, file in files.items()
    }
    return score(files, lines)


def test_settings_files(scores: dict[str, Score]) -> None:
    assert scores[SETTINGS].f1 >= 0.98


def test_all_files(scores: dict[str, Score]) -> None:
    assert scores[""].precision >= 0.98
    assert scores[""].recall >= 0.97


def test_the_set_is_large_enough() -> None:
    files = corpus().values()
    assert sum(len(file.secrets) for file in files) > 1000
    assert sum(file.near_misses for file in files) > sum(len(file.secrets) for file in files)
