"""Extraction: parallel, cached, and never a secret kept."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from auditor.discover import discover
from auditor.extract.cache import Cache
from auditor.extract.facts import Unread
from auditor.extract.pipeline import Extraction
from auditor.extract.python.syntax import Syntax
from tests.conftest import write

SECRET = "sk-emergent-" + "9f8E7d6C5b4A3z2Y1x"


def many(root: Path) -> Path:
    """More than one process's worth of source."""
    body = "def f(a):\n    return g(a, 'text')\n" * 1500
    return write(root, {f"m{i}.py": f"x = {i}\n{body}" for i in range(12)})


def test_processes_say_what_one_process_says(tmp_path: Path) -> None:
    tree = discover(many(tmp_path))
    alone, together = Extraction(tree, jobs=1), Extraction(tree, jobs=3)
    assert repr(together.facts) == repr(alone.facts)
    assert together.late_facts == alone.late_facts
    assert list(together.facts) == [f.path for f in tree.files]
    together.close()


def test_cache_gives_the_same_facts(tmp_path: Path) -> None:
    tree = discover(write(tmp_path / "app", {"a.py": "x = 1\n", "b.py": "def f(:\n"}))
    first = Extraction(tree, 1, Cache(tmp_path / "cache")).facts
    second = Extraction(tree, 1, Cache(tmp_path / "cache")).facts
    assert repr(first) == repr(second)
    assert [type(f) for f in second["a.py"]] == [Syntax]
    assert [type(f) for f in second["b.py"]] == [Unread]


@pytest.mark.parametrize("damage", [b"", b"not a database at all" * 100])
def test_a_damaged_cache_is_made_anew(damage: bytes, tmp_path: Path) -> None:
    tree = discover(write(tmp_path / "app", {"a.py": "x = 1\n"}))
    directory = tmp_path / "cache"
    for _ in range(2):
        cache = Cache(directory)
        assert [type(f) for f in Extraction(tree, 1, cache).facts["a.py"]] == [Syntax]
        cache.close()
        (directory / "facts.sqlite3").write_bytes(damage)
    again = Cache(directory)
    again.put({b"k": b"v"})
    assert again.get([b"k"]) == {b"k": b"v"}


def test_damaged_values_are_taken_again(tmp_path: Path) -> None:
    tree = discover(write(tmp_path / "app", {"a.py": "x = 1\n"}))
    Extraction(tree, 1, Cache(tmp_path / "cache")).facts  # noqa: B018 - asked for
    cache = Cache(tmp_path / "cache")
    assert cache._connection is not None
    cache._connection.execute("UPDATE facts SET value = x'ff00ff'")
    cache.close()
    assert [type(f) for f in Extraction(tree, 1, Cache(tmp_path / "cache")).facts["a.py"]] == [
        Syntax
    ]


def test_a_cache_that_cannot_be_is_none(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    cache = Cache(tmp_path / "file" / "below")
    cache.put({b"k": b"v"})
    assert cache.get([b"k"]) == {}


WRITER = """
import sys
from pathlib import Path
from auditor.extract.cache import Cache
start = int(sys.argv[2])
for number in range(start, start + 40):
    cache = Cache(Path(sys.argv[1]))
    cache.put({str(number).encode(): b"x" * 1000})
    cache.close()
"""


def test_two_runs_at_once(tmp_path: Path) -> None:
    runs = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path), str(start)])
        for start in (0, 100)
    ]
    assert [run.wait() for run in runs] == [0, 0]
    keys = [str(n).encode() for n in (*range(40), *range(100, 140))]
    assert len(Cache(tmp_path).get(keys)) == 80


def test_no_secret_reaches_the_cache_or_a_fact(tmp_path: Path) -> None:
    files = {
        "a.py": f'KEY = "{SECRET}"\nTEXT = f"{{KEY}} {SECRET}"\nDOC = """\n{SECRET}\n"""\n',
        "settings.py": f"DATABASES = {{'default': {{'PASSWORD': '{SECRET}'}}}}\n",
        ".env": f"KEY={SECRET}\nURL=mongodb://u:{SECRET}@h.example.net/x\n",
        "docker-compose.yml": f"services:\n  a:\n    environment:\n      API_KEY: {SECRET}\n",
        "railway.json": f'{{"environments": {{"p": {{"variables": {{"API_KEY": "{SECRET}"}}}}}}}}',
    }
    tree = discover(write(tmp_path / "app", files))
    cache = Cache(tmp_path / "cache")
    extraction = Extraction(tree, 1, cache)
    facts, late = extraction.facts, extraction.late_facts
    cache.close()
    body = SECRET[12:]
    assert body not in repr(facts)
    assert body not in repr(late)
    for stored in (tmp_path / "cache").iterdir():
        assert body.encode() not in stored.read_bytes()


def test_no_process_outlives_the_audit(tmp_path: Path) -> None:
    root = many(tmp_path / "app")
    for arguments in (["scan"], ["inventory", "routes"], ["scan", "--output", "none/report.json"]):
        command = [sys.executable, "-c", "from auditor.cli.main import main; main()"]
        started = subprocess.Popen(
            [*command, *arguments, str(root), "--no-cache", "--jobs", "3"],
            cwd=tmp_path,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        started.wait()
        assert _ends(started.pid)


def _ends(group: int) -> bool:
    """Whether all processes of a group are gone within some seconds."""
    for _ in range(50):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False


@pytest.mark.parametrize("cached", [False, True])
def test_files_of_one_content_share_no_node(cached: bool, tmp_path: Path) -> None:
    """What is known of nodes goes by their identity: a copy of a module has its own."""
    root = write(tmp_path / "tree", {"a/app.py": "x = f(1)\n", "b/app.py": "x = f(1)\n"})
    tree, cache = discover(root), Cache(tmp_path / "cache")
    if cached:
        assert Extraction(tree, jobs=1, cache=cache).facts
    facts = Extraction(tree, jobs=1, cache=cache).facts
    first, second = (f for path in ("a/app.py", "b/app.py") for f in facts[path])
    assert repr(first) == repr(second)
    assert isinstance(first, Syntax)
    assert isinstance(second, Syntax)
    assert first.body[0] is not second.body[0]
