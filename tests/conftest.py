"""Small applications, built from a mapping of file names to contents."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from auditor.discover import discover
from auditor.extract.pipeline import Extraction
from auditor.link.application import Application

Build = Callable[[Mapping[str, str]], Application]


def write(root: Path, files: Mapping[str, str]) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return root


def load(root: Path) -> Application:
    tree = discover(root)
    return Application(tree, Extraction(tree, jobs=1))


@pytest.fixture
def build(tmp_path: Path) -> Build:
    return lambda files: load(write(tmp_path / "app", files))
