"""Small applications, built from a mapping of file names to contents."""

from __future__ import annotations

import datetime
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from auditor.advisories.database import Database, Local
from auditor.advisories.lookup import Lookup
from auditor.discover import discover
from auditor.extract.pipeline import Extraction
from auditor.link.application import Application

TODAY = datetime.date(2026, 1, 1)
os.environ["AUDITOR_OFFLINE"] = "1"  # what the tests start asks nobody for advisories

ADVISORIES = Path(__file__).parents[1] / "fixtures" / "advisories"
Build = Callable[[Mapping[str, str]], Application]


def write(root: Path, files: Mapping[str, str]) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return root


def load(root: Path) -> Application:
    """Linked from a tree, with the advisories that are made up for the tests."""
    tree = discover(root)
    return Application(
        tree, Extraction(tree, jobs=1), Lookup(Local(Database(ADVISORIES)), name="made up")
    )


@pytest.fixture
def build(tmp_path: Path) -> Build:
    return lambda files: load(write(tmp_path / "app", files))
