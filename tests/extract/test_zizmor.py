"""zizmor's findings: with the program, without it, and with one that misbehaves."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from pathlib import Path

import pytest

from auditor.assess.registry import all_rules
from auditor.assess.verdict import Evidence, Outcome, State, Verdict
from auditor.audit import Request, audit
from auditor.discover import discover
from auditor.extract.zizmor import Inspection, installed
from tests.conftest import load, write

ROOT = Path(__file__).parents[2]
RULE = next(rule for rule in all_rules() if rule.id == "workflow-security")
CI = ".github/workflows/ci.yml"
CLEAN = """
on: push
permissions: {contents: read}
jobs:
  test:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683 # v4.2.2
        with:
          persist-credentials: false
      - run: make test
"""
FLAWED = """
on:
  pull_request_target:
  workflow_dispatch: {inputs: {name: {description: x}}}
permissions: {}
jobs:
  label:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
        if: github.actor == 'dependabot[bot]'
      - uses: someone/labeler@v1
      - run: echo "${{ github.event.pull_request.title }}"
      - run: echo "${{ inputs.name }} ${{ inputs.name }}"
  all:
    runs-on: ubuntu-latest
    permissions: write-all
    steps:
      - run: make
      - run: echo "${{ inputs.name }}" # zizmor: ignore[template-injection]
  call:
    uses: ./.github/workflows/other.yml
    secrets: inherit
"""


def line(text: str) -> int:
    return FLAWED[: FLAWED.index(text)].count("\n") + 1


SPOOFED = (line("if: github.actor"), "medium", "bot-conditions")


@pytest.fixture
def zizmor(tmp_path: Path) -> Path:
    """The real program; a tree that is empty cannot be the one it lies in."""
    (tmp_path / "none").mkdir()
    program = installed(discover(write(tmp_path / "none", {"a.py": ""})))
    if program is None:
        pytest.skip("zizmor is not installed")
    return program


def fake(folder: Path, code: str) -> Path:
    """A program in its place."""
    folder.mkdir(exist_ok=True)
    program = folder / "zizmor"
    program.write_text(f"#!{sys.executable}\n{code}\n")
    program.chmod(0o755)
    return program


def assess(root: Path, program: Path | None, limit: float = 30.0) -> tuple[Verdict, list[str]]:
    application = load(root)
    application.inspection = Inspection(application.tree, program, limit)
    return RULE.assess(application), list(application.inspection.notes())


def spoken(verdict: Verdict) -> set[tuple[int, str, str]]:
    """(line, severity, zizmor's name for it) of what came from zizmor."""

    def audit_of(evidence: Evidence) -> str:
        return evidence.message.partition("(zizmor: ")[2].rstrip(")")

    found = [e for e in verdict.evidence if e.state is not State.PRESENT]
    return {(e.place.line, e.severity.word, audit_of(e)) for e in found if audit_of(e)}


@pytest.mark.skipif(os.name == "nt", reason="the programs are scripts")
class TestPrograms:
    def test_one_flaw_is_one_finding(self, zizmor: Path, tmp_path: Path) -> None:
        root = write(tmp_path / "app", {CI: FLAWED})
        own = RULE.assess(load(root))
        verdict, notes = assess(root, zizmor)
        assert not notes
        assert spoken(verdict) >= {
            SPOOFED,
            (line('- run: echo "${{ inputs'), "low", "template-injection, 2 places"),
            (line("uses: ./"), "low", "secrets-inherit"),
        }
        mine = [e for e in verdict.evidence if "(zizmor" not in e.message]
        assert mine == list(own.evidence)
        for told in ("pasted into a script: whoever writes it", "may write everything", "third"):
            assert sum(told in e.message for e in verdict.evidence) == 1, told
        assert not {name for _, _, name in spoken(verdict)} & {
            "unpinned-uses",
            "dangerous-triggers",
            "excessive-permissions",
        }

    def test_a_clean_workflow_stays_clean(self, zizmor: Path, tmp_path: Path) -> None:
        verdict, notes = assess(write(tmp_path / "app", {CI: CLEAN}), zizmor)
        assert (verdict.outcome, notes) == (Outcome.PASS, [])

    @pytest.mark.parametrize("name", ["fastapi-mongodb", "django-rest", "flask-sqlalchemy"])
    def test_the_hardened_twins(self, zizmor: Path, tmp_path: Path, name: str) -> None:
        github = ROOT / "fixtures" / name / "hardened" / ".github"
        shutil.copytree(github, tmp_path / "app" / ".github")
        verdict, notes = assess(tmp_path / "app", zizmor)
        assert (verdict.outcome, notes) == (Outcome.PASS, [])

    @pytest.mark.parametrize(
        "name",
        [
            ".github/workflows/--fix.yml",
            ".github/workflows/a b\n$(touch x);'\".yml",
            "sub/.github/workflows/é.YML",
            ".github/workflows/zizmor.yml",
        ],
    )
    def test_places_are_those_of_the_tree(self, zizmor: Path, tmp_path: Path, name: str) -> None:
        root = write(tmp_path / "app", {CI: CLEAN, name: FLAWED, "zizmor.yml": "rules: {}"})
        verdict, notes = assess(root, zizmor)
        assert not notes
        run = name.startswith(".github/")  # GitHub runs workflows of the root alone
        assert (SPOOFED if run else (SPOOFED[0], "low", SPOOFED[2])) in spoken(verdict)
        assert {e.place.path for e in verdict.evidence if "(zizmor" in e.message} == {name}
        assert (root / name).read_text() == FLAWED

    def test_a_broken_workflow_hides_no_other(self, zizmor: Path, tmp_path: Path) -> None:
        files = {CI: FLAWED, ".github/workflows/broken.yml": "on: [push"}
        verdict, _ = assess(write(tmp_path / "app", files), zizmor)
        assert SPOOFED in spoken(verdict)

    def test_a_composite_action(self, zizmor: Path, tmp_path: Path) -> None:
        action = """
name: x
description: x
inputs: {name: {description: x}}
runs:
  using: composite
  steps:
    - run: echo ${{ inputs.name }}
      shell: bash
"""
        path = ".github/actions/greet/action.yml"
        verdict, _ = assess(write(tmp_path / "app", {CI: CLEAN, path: action}), zizmor)
        assert [e.place.path for e in verdict.evidence] == [path]
        assert spoken(verdict) == {(8, "low", "template-injection")}

    @pytest.mark.parametrize(
        "code, reason",
        [
            ("import time; time.sleep(60)", "no answer within 1 seconds"),
            ("print('hello')", "DecodeError"),
            ("print('[{}]')", "ValidationError"),
            ("print('[]'); raise SystemExit(3)", "exit code 3"),
            ("import sys\nwhile True: sys.stdout.write('x' * 100000)", "it said too much"),
        ],
    )
    def test_one_that_fails(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, reason: str
    ) -> None:
        monkeypatch.setattr("auditor.extract.zizmor._MAX_OUTPUT", 1_000_000)
        root = write(tmp_path / "app", {CI: FLAWED})
        own, start = RULE.assess(load(root)), time.monotonic()
        limit = 1.0 if "within" in reason else 30.0
        verdict, notes = assess(root, fake(tmp_path / "bin", code), limit)
        assert verdict == own
        assert [reason in note and "own checks only" in note for note in notes] == [True]
        assert time.monotonic() - start < 25

    def test_what_the_oldest_release_says(self, tmp_path: Path) -> None:
        """Its locations as 1.5 writes them: the main one is marked otherwise, the text in words."""
        row = line('- run: echo "${{ github') - 1

        def location(told: str, primary: bool) -> object:
            local = {"prefix": ".", "given_path": "./0/.github/workflows/workflow.yml"}
            symbolic = {"key": {"Local": local}, "annotation": told, "primary": primary}
            return {
                "symbolic": symbolic,
                "concrete": {"location": {"start_point": {"row": row, "column": 8}}},
            }

        def finding(expression: str) -> object:
            return {
                "ident": "template-injection",
                "desc": "code injection",
                "determinations": {"severity": "High", "confidence": "High"},
                "locations": [
                    location("this step", False),
                    location(f"{expression} may expand into attacker-controllable code", True),
                ],
            }

        names = ("github.event.pull_request.title", "github.head_ref", "inputs.name")
        said = json.dumps([finding(name) for name in names])
        root = write(tmp_path / "app", {CI: FLAWED})
        verdict, notes = assess(root, fake(tmp_path / "bin", f"print({said!r})"))
        assert not notes
        assert spoken(verdict) == {(row + 1, "high", "template-injection, 2 places")}
        assert sum("pull_request.title is" in e.message for e in verdict.evidence) == 1

    def test_what_it_is_given(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A folder of its own with copies, and nothing of the environment."""
        monkeypatch.setenv("GH_TOKEN", "x")
        monkeypatch.setenv("ZIZMOR_CONFIG", "x")
        seen = tmp_path / "seen.json"
        code = (
            "import json, os, sys, pathlib\n"
            "names = sorted(str(p) for p in pathlib.Path('.').rglob('*') if p.is_file())\n"
            f"open({str(seen)!r}, 'w').write(json.dumps([os.getcwd(), names, sorted(os.environ), sys.argv[1:]]))\n"
            "print('[]')"
        )
        files = {
            CI: CLEAN,
            ".github/dependabot.yml": "updates: []",
            "zizmor.yml": "rules: {}",
            ".github/zizmor.yml": "rules: {}",
            ".gitlab-ci.yml": "a: {script: b}",
        }
        root = write(tmp_path / "app", files)
        assess(root, fake(tmp_path / "bin", code))
        folder, names, environment, arguments = json.loads(seen.read_text())
        assert not Path(folder).exists()
        assert not Path(folder).is_relative_to(root)
        assert names == ["0/.github/dependabot.yml", "1/.github/workflows/workflow.yml"]
        assert not {"GH_TOKEN", "ZIZMOR_CONFIG", "PATH"} & set(environment)
        assert {"--offline", "--no-config"} <= set(arguments)

    def test_what_is_too_big_is_told(self, tmp_path: Path) -> None:
        files = {CI: CLEAN, ".github/workflows/big.yml": CLEAN + "#" * 400_000}
        root = write(tmp_path / "app", files)
        _, notes = assess(root, fake(tmp_path / "bin", "print('[]')"))
        assert notes == ["workflow-security: 1 workflow files were not given to zizmor"]

    def test_without_workflows_nothing_is_started(self, tmp_path: Path) -> None:
        started = tmp_path / "started"
        program = fake(tmp_path / "bin", f"open({str(started)!r}, 'w')")
        root = write(tmp_path / "app", {"a.py": "", ".github/dependabot.yml": "updates: []"})
        _, notes = assess(root, program)
        assert (notes, started.exists()) == ([], False)

    @pytest.mark.parametrize("place", ["tree", "link", "here", "relative", "empty", "other"])
    def test_which_program_is_taken(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
    ) -> None:
        """None of the tree under audit, nor of the working directory."""
        monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
        monkeypatch.setattr("sysconfig.get_path", lambda name: str(tmp_path / "scripts"))
        root = write(tmp_path / "app", {CI: CLEAN})
        inside = fake(root / "bin", "")
        other = fake(tmp_path / "other", "")
        (tmp_path / "link").mkdir()
        (tmp_path / "link" / "zizmor").symlink_to(inside)
        monkeypatch.chdir(other.parent if place == "here" else root / "bin")
        path = {"tree": str(inside.parent), "link": str(tmp_path / "link"), "relative": "."}
        monkeypatch.setenv("PATH", path.get(place, "" if place == "empty" else str(other.parent)))
        assert installed(discover(root)) == (other if place == "other" else None)


def test_without_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its absence is no error; the report tells of it where there is a workflow."""
    monkeypatch.setattr("auditor.extract.zizmor.installed", lambda tree: None)
    root = write(tmp_path / "app", {CI: FLAWED, "a.py": "x = 1"})
    report = audit(Request(root, rules=lambda: [RULE]))
    assert [limit for limit in report.limits if "zizmor is not installed" in limit]
    assert [piece for result in report.results for piece in result.evidence if piece.finding]
    (root / CI).unlink()
    report = audit(Request(root, rules=lambda: [RULE]))
    assert not [limit for limit in report.limits if "zizmor" in limit]
