"""The online services in a process of their own.

pip-audit starts `python -m pip` when it is imported, and Python looks for `pip` in the working
directory first: in a hostile tree that would run the tree's code. Therefore it is never imported
here, but in a process whose working directory is an empty one of ours. That also makes it possible
to end a lookup, whatever it is doing.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec

from auditor.advisories.answers import Answer
from auditor.advisories.lookup import Answered
from auditor.model.dependencies import Dependency

_START = "from auditor.advisories.online import main; main()"


class Job(msgspec.Struct):
    """What the process is to do; paths are absolute."""

    service: str
    cache: str
    dependencies: list[Dependency]
    pypi: str = ""
    osv: str = ""


class Process:
    """A source that asks a service of pip-audit's: `pypi` or `osv`.

    `pypi` and `osv` are addresses in place of the public ones.
    """

    def __init__(self, service: str, cache: Path | None, pypi: str = "", osv: str = "") -> None:
        self._service, self._cache, self._pypi, self._osv = service, cache, pypi, osv
        self._process: subprocess.Popen[bytes] | None = None

    def check(self, dependencies: Sequence[Dependency], answered: Answered) -> None:
        with tempfile.TemporaryDirectory(prefix="auditor-") as empty:
            cache = str(self._cache.resolve()) if self._cache else f"{empty}/cache"
            job = Job(self._service, cache, list(dependencies), self._pypi, self._osv)
            working = Path(empty, "empty")
            working.mkdir()
            with subprocess.Popen(
                [sys.executable, "-c", _START],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd=working,
            ) as self._process:
                self._talk(self._process, msgspec.json.encode(job), dependencies, answered)

    @staticmethod
    def _talk(
        process: subprocess.Popen[bytes],
        job: bytes,
        dependencies: Sequence[Dependency],
        answered: Answered,
    ) -> None:
        """A line for each answer: the dependency's number, and what there is to say of it."""
        assert process.stdin is not None
        assert process.stdout is not None
        decoder = msgspec.json.Decoder(tuple[int, Answer])
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(job)
            process.stdin.close()
        for line in process.stdout:
            number, answer = decoder.decode(line)
            answered(answer.finding(dependencies[number]))

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
