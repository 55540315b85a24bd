"""The git history: removed secrets, each once; packs, and repositories that mean harm."""

from __future__ import annotations

import random
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.audit import Request, audit
from auditor.discover.git import open_repository
from auditor.discover.objects import ObjectError, Objects, tips
from auditor.extract.history import Bounds, History, read_history
from tests.labelled.values import Values

VALUES = Values(5)
KEY, OTHER, KEPT = VALUES.github(), "sk_live_" + VALUES.alnum(24), "glpat-" + VALUES.alnum(20)


def git(root: Path, *arguments: str, date: str = "2024-03-01T10:00:00Z") -> None:
    identity = {"NAME": "a", "EMAIL": "a@example.org", "DATE": date}
    env = {f"GIT_{who}_{k}": v for who in ("AUTHOR", "COMMITTER") for k, v in identity.items()}
    env |= {"PATH": "/usr/bin:/bin:/usr/local/bin", "HOME": str(root), "GIT_CONFIG_NOSYSTEM": "1"}
    subprocess.run(["git", "-C", str(root), *arguments], check=True, capture_output=True, env=env)


def commit(root: Path, day: int, **files: str | None) -> None:
    for name, text in files.items():
        path = root / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True) if text is None else path.write_text(text)
    git(root, "add", "-A")
    git(root, "commit", "-qm", "x", date=f"2024-03-{day:02}T10:00:00Z")


@pytest.fixture(params=["sha1", "sha256"])
def root(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    root = tmp_path / "app"
    root.mkdir()
    git(root, "init", "-q", "-b", "main", f"--object-format={request.param}")
    text = "".join(f"line {n}\n" for n in range(200))
    commit(root, 1, app_py=f'KEPT = "{KEPT}"\n', src__a_txt=text)
    commit(root, 2, src__a_txt=text + f"token {KEY}\n")
    commit(root, 3, src__a_txt=text + f"more\ntoken {KEY}\n", src__b_txt=f"{OTHER}\n")
    commit(root, 4, src__a_txt=text, src__b_txt=None, app_py=f'# moved\nKEPT = "{KEPT}"\n')
    return root


def history(root: Path, **limits: float) -> History:
    return read_history(open_repository(root), bounds=Bounds(**limits))  # type: ignore[arg-type]


def told(found: History) -> list[tuple[str, str, int, str]]:
    return sorted((p.secret.kind, p.path, p.secret.line, p.date[:10]) for p in found.past)


REMOVED = [
    ("github-token", "src/a.txt", 201, "2024-03-02"),
    ("stripe-secret-key", "src/b.txt", 1, "2024-03-03"),
]


def test_what_was_removed_is_told_once_and_what_is_there_is_not(root: Path) -> None:
    found = history(root)
    assert told(found) == REMOVED
    assert (found.commits, found.limits) == (4, [])


def test_packs_with_differences_say_the_same(root: Path) -> None:
    git(root, "gc", "-q", "--aggressive", "--prune=now")
    assert list((root / ".git/objects/pack").glob("*.pack"))
    assert told(history(root)) == REMOVED


def test_every_branch_and_tag_counts(root: Path) -> None:
    git(root, "checkout", "-q", "-b", "side", "HEAD~2")
    commit(root, 5, side_txt=f"npm {VALUES.npm()}\n")
    git(root, "tag", "-a", "-m", "x", "v1")
    git(root, "checkout", "-q", "main")
    git(root, "branch", "-q", "-D", "side")
    git(root, "pack-refs", "--all")
    assert ("npm-token", "side.txt", 1, "2024-03-05") in told(history(root))


def test_the_report_names_commit_date_and_path_and_no_value(root: Path) -> None:
    report = audit(Request(root, history=True))
    (result,) = [r for r in report.results if r.rule == "leaked-secrets"]
    messages = [e.message for e in result.evidence if e.path == "src/a.txt"]
    assert len(messages) == 1
    assert "of 2024-03-02" in messages[0]
    assert not any(KEY[i : i + 6] in repr(report) for i in range(4, 30))
    without = audit(Request(root))
    (result,) = [r for r in without.results if r.rule == "leaked-secrets"]
    assert {e.path for e in result.evidence} == {"app.py"}


def test_a_part_of_the_tree_has_its_own_history(root: Path) -> None:
    found = read_history(open_repository(root / "src"))
    assert {p.path for p in found.past} == {"a.txt", "b.txt"}


@pytest.mark.parametrize("limit", [{"commits": 2}, {"blobs": 2}, {"bytes": 10}, {"seconds": 0.0}])
def test_what_is_cut_is_said(root: Path, limit: dict[str, float]) -> None:
    assert history(root, **limit).limits


def test_a_shallow_clone_says_so(root: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    git(root, "clone", "-q", "--depth", "1", f"file://{root}", str(copy))
    assert any("shallow" in each for each in history(copy).limits)


def test_a_worktree_is_read_and_a_pointer_elsewhere_is_not(root: Path, tmp_path: Path) -> None:
    git(root, "worktree", "add", "-q", str(tmp_path / "tree"), "HEAD")
    assert told(history(tmp_path / "tree")) == REMOVED
    (tmp_path / "liar").mkdir()
    (tmp_path / "liar/.git").write_text(f"gitdir: {root / '.git'}\n")
    found = history(tmp_path / "liar")
    assert (found.past, found.commits) == ([], 0)
    assert "outside" in found.limits[0]


def test_borrowed_objects_are_not_followed(root: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    git(root, "clone", "-q", "--shared", str(root), str(copy))
    found = history(copy)
    assert found.past == []
    assert any("borrowed" in each for each in found.limits)


def test_no_repository(tmp_path: Path) -> None:
    assert read_history(None).limits


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 40))
def test_damage_is_no_crash(tmp_path_factory: pytest.TempPathFactory, seed: int, much: int) -> None:
    base = tmp_path_factory.getbasetemp() / "damage"
    if not base.exists():
        base.mkdir()
        git(base, "init", "-q", "-b", "main")
        for day in range(1, 6):
            commit(base, day, a_txt="text\n" * 300 + f"{day}\n", b__c_txt=f"x{day}")
        git(base, "gc", "-q", "--aggressive")
        for path in (base / ".git/objects").rglob("*"):
            path.chmod(0o755 if path.is_dir() else 0o644)
    copy = base.parent / f"copy{seed}"
    shutil.copytree(base, copy, dirs_exist_ok=True)
    chance = random.Random(seed)
    for path in sorted((copy / ".git/objects/pack").iterdir()):
        data = bytearray(path.read_bytes())
        for _ in range(much):
            data[chance.randrange(len(data))] = chance.randrange(256)
        path.write_bytes(bytes(data[: chance.choice([len(data), len(data) // 2])]))
    read_history(open_repository(copy), bounds=Bounds(seconds=5))
    shutil.rmtree(copy)


def test_a_bomb_is_not_inflated(tmp_path: Path) -> None:
    import zlib

    folder = tmp_path / "objects" / "aa"
    folder.mkdir(parents=True)
    (folder / ("b" * 38)).write_bytes(zlib.compress(b"blob 99999999\0" + b"\0" * (64 << 20)))
    with pytest.raises(ObjectError):
        Objects(tmp_path).read(bytes.fromhex("aa" + "b" * 38))
    assert tips(tmp_path) == []
