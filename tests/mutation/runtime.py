"""Asks the frameworks themselves who is turned away, for many versions of one application.

Run as `runtime.py`, with a `Run` as JSON on its standard input. One process loads the libraries,
with stand-ins for those that are not installed, and forks for each version.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.abc
import importlib.machinery
import io
import json
import os
import re
import runpy
import site
import subprocess
import sys
import traceback
import types
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

Answers = dict[tuple[str, str], bool]
PROBES = Path(__file__).parents[1] / "frameworks"


@dataclass(frozen=True)
class Run:
    """How a twin is started: the folder, the probe and its arguments, the environment."""

    folder: str
    probe: str
    arguments: Sequence[str]
    environment: Mapping[str, str]


def ask(run: Run, root: Path, versions: Sequence[Mapping[str, str]]) -> list[Answers]:
    """(method, path) -> whether strangers are turned away, for each version of a copy's files."""
    told = json.dumps({"run": asdict(run), "root": str(root), "versions": [*versions]})
    done = subprocess.run(
        [sys.executable, "-W", "ignore", __file__],
        input=told,
        env={"PATH": "", "PYTHONDONTWRITEBYTECODE": "1", **run.environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [
        {(method, path): closed for method, path, closed, *_ in x} for x in json.loads(done.stdout)
    ]


class Standin:
    """Whatever a library that is not installed would give: it can be called, awaited, entered."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        pass

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return Standin()

    def __call__(self, *args: Any, **kwargs: object) -> Any:
        alone = len(args) == 1 and not kwargs and isinstance(args[0], types.FunctionType)
        return args[0] if alone else Standin()  # a decorator gives its function back

    def __getitem__(self, key: object) -> Any:
        return Standin()

    def __await__(self) -> Generator[None, None, Any]:
        yield from ()
        return Standin()

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def __mro_entries__(self, bases: object) -> tuple[type, ...]:
        return (Standin,)


class _Missing(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds stand-ins for modules that nothing else finds."""

    def __init__(self, names: set[str]) -> None:
        self.names = names

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        if name.partition(".")[0] not in self.names:
            return None
        return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec: Any) -> types.ModuleType:
        module = types.ModuleType(spec.name)
        module.__getattr__ = _standin  # type: ignore[method-assign]
        return module

    def exec_module(self, module: types.ModuleType) -> None:
        pass


def _standin(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    if name.endswith(("Error", "Exceeded", "Exception")):
        return type(name, (Exception,), {})
    if name.endswith("Middleware"):
        return _PassOn
    return _Settings if name == "BaseSettings" else Standin()


class _Settings:
    """Settings from the environment."""

    def __getattr__(self, name: str) -> str:
        return os.environ[name.upper()]


class _PassOn:
    """A middleware that hands everything on."""

    def __init__(self, app: Any, **kwargs: object) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app(scope, receive, send)


def _prepare(root: Path) -> None:
    """Load what the application imports from outside, before any version of it is loaded."""
    texts = [file.read_text() for file in root.rglob("*.py")]
    wanted = set(re.findall(r"^(?:from|import) (\w[\w.]*)", "\n".join(texts), re.MULTILINE))
    own = {file.stem for file in root.rglob("*.py")} | {p.name for p in root.rglob("*")}
    missing = set()
    for name in sorted(wanted):
        if name.partition(".")[0] not in own:
            try:
                importlib.import_module(name)
            except ImportError:
                missing.add(name.partition(".")[0])
            except Exception:  # noqa: BLE001 - Django's models want the settings first
                continue
    sys.meta_path.append(_Missing(missing))


def _probe(probe: str, arguments: Sequence[str]) -> list[Any]:
    """What a probe prints of the application in the current folder, as a forked process."""
    reading, writing = os.pipe()
    if not os.fork():
        sys.argv, sys.path[0] = [probe, *arguments], "."
        try:
            with io.StringIO() as out, redirect_stdout(out), open(writing, "w") as back:
                runpy.run_path(str(PROBES / probe), run_name="__main__")
                rows = json.loads(out.getvalue())
                back.write(json.dumps({"rows": rows, "loaded": _from_outside()}))
            os._exit(0)
        except BaseException:  # noqa: BLE001 - whatever happens, this process must not go on
            traceback.print_exc()
            os._exit(1)
    os.close(writing)
    with open(reading) as answer:
        text = answer.read()
    os.wait()
    if not text:
        sys.exit("a version could not be run")
    told = json.loads(text)
    for name in told["loaded"]:  # so that the next version need not
        if name not in sys.modules:
            with contextlib.suppress(Exception):
                importlib.import_module(name)
    return told["rows"]  # type: ignore[no-any-return]


def _from_outside() -> list[str]:
    """The installed modules that have been loaded."""
    installed = os.path.dirname(os.path.dirname(json.__file__))
    places = {installed, *site.getsitepackages()}
    return [
        name
        for name, module in sys.modules.items()
        if any(str(getattr(module, "__file__", "")).startswith(place) for place in places)
        and name != "__main__"
    ]


def _main() -> None:
    told = json.load(sys.stdin)
    run, root = Run(**told["run"]), Path(told["root"])
    _prepare(root)
    os.chdir(root / run.folder)
    answers = []
    for version in told["versions"]:
        before = {name: (root / name).read_text() for name in version}
        for name, text in version.items():
            (root / name).write_text(text)
        answers.append(_probe(run.probe, run.arguments))
        for name, text in before.items():
            (root / name).write_text(text)
    print(json.dumps(answers))


if __name__ == "__main__":
    _main()
