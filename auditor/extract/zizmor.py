"""What zizmor finds in the GitHub workflows, composite actions and Dependabot files of a tree.

zizmor (https://docs.zizmor.sh/) is a program of its own, an optional extra (`auditor[workflows]`). It
runs beside the rest of an audit, on copies under names of ours in a folder of ours, without network,
configuration file or environment, for a limited time and with a limited output: nothing that the
tree brings along is started or decides how it is read. Relied on, of its JSON (1.5 to 1.32): `ident`,
`desc`, `ignored`, `determinations`, and of each location the key, annotation, kind and first line.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from auditor.discover import Kind, Role, SourceFile, Tree, read

log = logging.getLogger(__name__)

_MAX_FILES = 300
_MAX_FILE = 300_000
_MAX_BYTES = 6_000_000
_MAX_OUTPUT = 60_000_000
"""Bytes; a finding of zizmor's repeats the text it is about."""
_TIME_LIMIT = 30.0
_MAX_DETAIL = 160
_WORKFLOW = ".github/workflows/workflow.yml"
_ARGUMENTS = (
    "--offline",
    "--no-config",
    "--no-exit-codes",
    "--no-progress",
    "--format=json",
    "--collect=all",
)
_ABSENT = "workflow-security: own checks only, zizmor is not installed outside of the tree (pip install 'auditor[workflows]')"


class WorkflowFinding(msgspec.Struct, frozen=True):
    """One finding: zizmor's name for it, its words, severity and confidence in lower case.

    `expression` is the context that is pasted into a script (`inputs.name`), where it is about one.
    """

    path: str
    line: int
    audit: str
    title: str
    detail: str
    expression: str
    severity: str
    confidence: str


class Inspection:
    """A run of zizmor. It goes on while other things are done; whoever asks waits for its end.

    Without a workflow there is nothing to run, without a program a note says so.
    """

    def __init__(self, tree: Tree, program: Path | None, limit: float = _TIME_LIMIT) -> None:
        self._notes: list[str] = []
        self._found: list[WorkflowFinding] = []
        self._limit = limit
        self._thread: threading.Thread | None = None
        files = [file for file in tree.files if file.role is Role.SOURCE and _copied(file, 0)]
        if not any(_copied(file, 0).endswith((_WORKFLOW, "action.yml")) for file in files):
            return
        if program is None:
            self._notes.append(_ABSENT)
            return
        self._thread = threading.Thread(target=self._run, args=(tree, files, program))
        self._thread.start()

    def findings(self) -> Sequence[WorkflowFinding]:
        """In the order of the files."""
        self._wait()
        return self._found

    def notes(self) -> Sequence[str]:
        """What was not looked at, and why."""
        self._wait()
        return self._notes

    def _wait(self) -> None:
        if self._thread is not None:
            self._thread.join()

    def _run(self, tree: Tree, files: list[SourceFile], program: Path) -> None:
        try:
            with tempfile.TemporaryDirectory(prefix="auditor-") as folder:
                paths = self._copy(tree, files, Path(folder))
                if paths:
                    self._found = list(self._inspected(program, folder, paths))
        except (OSError, msgspec.MsgspecError, _Failed) as error:
            log.debug("zizmor failed", exc_info=True)
            reason = str(error) if isinstance(error, _Failed) else type(error).__name__
            self._notes.append(f"workflow-security: own checks only, zizmor failed ({reason})")

    def _inspected(
        self, program: Path, folder: str, paths: dict[str, str]
    ) -> Iterator[WorkflowFinding]:
        """All at once; where zizmor gives up at a file that it cannot load, one after the other."""
        end = time.monotonic() + self._limit
        try:
            yield from _decoded(self._output(program, folder, ".", end), paths)
            return
        except _GaveUp:
            if len(paths) == 1:
                raise
        failed = 0
        for number in paths:
            try:
                yield from _decoded(self._output(program, folder, f"./{number}", end), paths)
            except _GaveUp:
                failed += 1
        self._notes.append(
            f"workflow-security: zizmor could not read {failed} of {len(paths)} files"
        )

    def _copy(self, tree: Tree, files: list[SourceFile], folder: Path) -> dict[str, str]:
        """Copies of what is small enough; the path in the tree by the name of its folder."""
        paths: dict[str, str] = {}
        room = _MAX_BYTES
        for file in files:
            if len(paths) >= _MAX_FILES or file.size > min(room, _MAX_FILE):
                continue
            try:
                data = read(tree, file)
            except OSError:
                continue
            room -= len(data)
            number = len(paths)
            target = folder / _copied(file, number)
            target.parent.mkdir(parents=True)
            target.write_bytes(data)
            paths[str(number)] = file.path
        if left := len(files) - len(paths):
            self._notes.append(f"workflow-security: {left} workflow files were not given to zizmor")
        return paths

    def _output(self, program: Path, folder: str, what: str, end: float) -> bytes:
        environment = {"HOME": folder, "XDG_CACHE_HOME": folder, "TMPDIR": folder}
        if root := os.environ.get("SYSTEMROOT"):  # without it nothing starts on Windows
            environment["SYSTEMROOT"] = root
        with subprocess.Popen(
            [program, *_ARGUMENTS, what],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            env=environment,
        ) as process:
            timer = threading.Timer(max(0.0, end - time.monotonic()), process.kill)
            timer.start()
            try:
                assert process.stdout is not None
                data = process.stdout.read(_MAX_OUTPUT + 1)
                if len(data) > _MAX_OUTPUT:
                    raise _Failed("it said too much")
                code = process.wait()
            finally:
                late = not timer.is_alive()
                timer.cancel()
                process.kill()
        if late:
            raise _Failed(f"no answer within {self._limit:g} seconds")
        if code:
            raise _GaveUp(f"exit code {code}")
        return data


class _Failed(Exception):
    """zizmor gave no answer; the message is a few words for the report."""


class _GaveUp(_Failed):
    """zizmor ended with an error of its own."""


def installed(tree: Tree) -> Path | None:
    """The zizmor beside this interpreter, or on the PATH; never one of the tree under audit.

    Nor one of the working directory, which may be part of what is audited. Where this interpreter's
    own environment lies in the tree, its folder is no more to be trusted: a tree can bring along a
    program that an environment made there later does not replace.
    """
    scripts = [str(Path(sys.executable).parent), sysconfig.get_path("scripts")]
    root, here = tree.root.resolve(), Path.cwd()
    for folder in map(Path, scripts + os.environ.get("PATH", "").split(os.pathsep)):
        if not folder.is_absolute():
            continue
        for program in (folder / "zizmor", folder / "zizmor.exe"):
            if not (program.is_file() and os.access(program, os.X_OK)):
                continue
            places = {program.parent, program.parent.resolve(), program.resolve().parent}
            if here not in places and not any(place.is_relative_to(root) for place in places):
                return program
    return None


def _copied(file: SourceFile, number: int) -> str:
    """The name for the copy of a file, by which zizmor knows what it is; "" for others.

    The tree's own names are used for nothing.
    """
    *folders, name = file.path.lower().split("/")
    if file.kind is not Kind.WORKFLOW:
        return ""
    if name in ("action.yml", "action.yaml") and folders[-2:] != [".github", "workflows"]:
        return f"{number}/action.yml"
    if ".github" not in folders:
        return ""
    if name in ("dependabot.yml", "dependabot.yaml"):
        return f"{number}/.github/dependabot.yml"
    return f"{number}/{_WORKFLOW}" if name.endswith((".yml", ".yaml")) else ""


# --- zizmor's JSON


class _Point(msgspec.Struct):
    row: int


class _Span(msgspec.Struct):
    start_point: _Point


class _Concrete(msgspec.Struct):
    location: _Span


class _Symbolic(msgspec.Struct):
    key: dict[str, Any]
    annotation: str = ""
    kind: str = ""
    primary: bool = False
    """What releases before 1.8 write in place of a kind."""
    feature_kind: Any = None


class _Location(msgspec.Struct):
    symbolic: _Symbolic
    concrete: _Concrete


class _Determinations(msgspec.Struct):
    confidence: str = "Unknown"
    severity: str = "Unknown"


class _Finding(msgspec.Struct):
    ident: str
    desc: str
    determinations: _Determinations
    locations: list[_Location]
    ignored: bool = False


def _decoded(data: bytes, paths: dict[str, str]) -> Iterator[WorkflowFinding]:
    """Raises MsgspecError when it is not what zizmor writes."""
    found = []
    for finding in msgspec.json.decode(data, type=list[_Finding]):
        places = [
            each
            for each in finding.locations
            if each.symbolic.kind == "Primary" or each.symbolic.primary
        ]
        place = next(iter(places or finding.locations), None)
        number = _number(place.symbolic.key) if place else ""
        if place is None or finding.ignored or number not in paths:
            continue
        line = place.concrete.location.start_point.row + 1
        found.append(
            WorkflowFinding(
                paths[number],
                line,
                finding.ident,
                _plain(finding.desc),
                _plain(place.symbolic.annotation),
                _plain(_expression(place.symbolic)),
                finding.determinations.severity.lower(),
                finding.determinations.confidence.lower(),
            )
        )
    order = {path: index for index, path in enumerate(paths.values())}
    yield from sorted(found, key=lambda each: (order[each.path], each.line, each.audit))


def _number(key: dict[str, Any]) -> str:
    """The folder of a copy, from `{"Local": {"verbatim_path": "./7/action.yml"}}`."""
    local = key.get("Local")
    path = local.get("verbatim_path", local.get("given_path")) if isinstance(local, dict) else None
    return path.removeprefix("./").split("/")[0] if isinstance(path, str) else ""


def _expression(symbolic: _Symbolic) -> str:
    """The text of `{"Subfeature": {"fragment": {"Raw": text}}}`; older releases say it in words."""
    feature = symbolic.feature_kind
    for name in ("Subfeature", "fragment", "Raw"):
        feature = feature.get(name) if isinstance(feature, dict) else None
    if isinstance(feature, str):
        return feature
    expression, told, _ = symbolic.annotation.partition(" may expand into ")
    return expression if told else ""


def _plain(text: str) -> str:
    """One line of readable characters: parts of it may come from the tree."""
    line = " ".join(text.split())
    return "".join(char for char in line if char.isprintable())[:_MAX_DETAIL]
