"""How the deployment starts the application: which server, and which file is run as a program.

A command may be a shell script of the tree; then what counts is what the script starts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from msgspec.structs import replace

from auditor.discover import Kind
from auditor.discover.environments import environment_of_file
from auditor.extract.readers.scripts import HANDED, ScriptLine
from auditor.link.application import Application, provides
from auditor.link.reach import Reach, around, is_main_guard
from auditor.link.scopes import Located
from auditor.model.deployment import Command, Standing, Start
from auditor.model.places import Place, apart

_SERVERS = tuple(
    (name, re.compile(pattern))
    for name, pattern in (
        ("flask", r"(?:^|[\s/])(?:flask|quart)\s(?:.*\s)?run\b"),
        ("runserver", r"\brunserver(?:_plus)?\b"),
        ("fastapi", r"(?:^|[\s/])fastapi\s+(?:dev|run)\b"),
        ("server", r"^tiangolo/(?:uvicorn|meinheld|uwsgi)-"),
        (
            "server",
            r"(?:^|[\s/\"'])(?:gunicorn|uvicorn|hypercorn|daphne|waitress-serve|uwsgi|granian)\b(?![.:=])",
        ),
        ("python", r"(?:^|[\s/\"'])(?:python[\d.]*|uv\s+run)\s+\S"),
        ("python", r"^(?:\S*/)?[\w-]+\.py\b"),
    )
)
_RUNS_FILE = re.compile(
    r"(?:(?:^|[\s/\"'])python[\d.]*|uv\s+run(?:\s+python[\d.]*)?)((?:\s+-[A-LN-Za-ln-z]\S*)*)\s+(-m\s+[\w.]+|[^\s\"';&|]+\.py)"
)
_IS_FILE = re.compile(r"^(?:\S*/)?[\w/-]+\.py\b")
_MANAGES = re.compile(r"\bmanage\.py\s+(?!run)[a-z]\w*")
_MAX_LENGTH = 2000
_DEEPEST = 3
"""Scripts that start scripts."""
_DEVELOPS = ("development", "test", "example", "staging")


@provides(Start)
def starts(application: Application) -> Iterator[Start]:
    """Every command that starts Python, told apart by whether production starts that way."""
    found = [start for command in _expanded(application) if (start := _start(application, command))]
    definite = any(
        s.standing is Standing.PRODUCTION and not _is_plain_compose(s.command) for s in found
    )
    named = any(s.command.environment == "production" for s in found)
    serious = {
        s.command.source
        for s in found
        if s.server == "server" and s.standing is Standing.PRODUCTION and not _is_plain_compose(s.command)
    }  # fmt: skip
    serving = {s.command.place.path for s in found if s.server == "server"}
    for start in found:
        other_branch = (
            start.server in ("runserver", "flask")
            and start.command.place.path in serving
            and start.command.place.path.endswith((".sh", ".bash"))
        )  # of a script that starts a server for production, too
        plain = not start.command.environment and named
        beside = (
            start.command.source == "Dockerfile"
            and start.server in ("runserver", "flask")
            and bool(serious - {"Dockerfile"})
        )  # an image for developers, where a platform starts the application otherwise
        if plain or beside or other_branch or (definite and _is_plain_compose(start.command)):
            yield replace(start, standing=Standing.PERHAPS)
        else:
            yield start


def _is_plain_compose(command: Command) -> bool:
    return command.source.startswith("service ") and not command.environment


def _expanded(application: Application) -> Iterator[Command]:
    """Commands, with the lines of a script in place of the script."""
    scripts: dict[str, list[tuple[str, ScriptLine]]] = {}
    for file, line in application.of(ScriptLine):
        scripts.setdefault(line.script, []).append((file.path, line))
    for command in application.facts(Command):
        if not command.schedule:
            command = replace(command, text=command.text[:_MAX_LENGTH])
            yield command
            yield from _scripted(command, command, scripts, frozenset())


def _scripted(
    command: Command,
    outer: Command,
    scripts: dict[str, list[tuple[str, ScriptLine]]],
    above: frozenset[str],
) -> Iterator[Command]:
    """The lines of the scripts that a command names; `outer` is the command that all began with."""
    for word in re.findall(r"\bmake [\w.-]+|[\w./-]+", command.text):
        lines = scripts.get(word.rpartition("/")[2], ())
        paths = {path for path, _ in lines} - above
        for path in sorted(paths, key=lambda p: _far(p, word, command))[:1]:
            for at, line in lines:
                if at != path:
                    continue
                place = Place(path, line.line)
                if line.text.startswith(HANDED):
                    text = f"{outer.text} {line.text.removeprefix(HANDED)}"
                    yield replace(command, text=text[:_MAX_LENGTH], place=place)
                    continue
                found = replace(command, text=line.text, place=place)
                yield found
                if len(above) < _DEEPEST and re.search(r"\.(?:ba)?sh\b", line.text):
                    yield from _scripted(found, outer, scripts, above | {path})


def _far(path: str, word: str, command: Command) -> tuple[int, bool, int, str]:
    """Fewer shared path segments at the end are farther; then a script for another environment
    (`compose/local/start` for a service of production), then what lies farther from the command.
    """
    shared = 0
    for one, other in zip(reversed(path.split("/")), reversed(word.split("/")), strict=False):
        if one != other:
            break
        shared += 1
    elsewhere = environment_of_file(path) not in ("", command.environment)
    return -shared, elsewhere, apart(path, command.place.path), path


def _start(application: Application, command: Command) -> Start | None:
    server = next((name for name, words in _SERVERS if words.search(command.text)), "")
    if not server:
        return None
    script = ""
    if _MANAGES.search(command.text) and server == "python":
        return None  # a task such as a migration
    if server in ("python", "runserver"):
        script = _script(application, command)
    standing = Standing.LOCAL if command.environment in _DEVELOPS else Standing.PRODUCTION
    return Start(command, server, script, standing)


def _script(application: Application, command: Command) -> str:
    """The file of the tree that a command runs as a program."""
    if match := _RUNS_FILE.search(command.text):
        named = match[2]
    elif match := _IS_FILE.search(command.text):
        named = match[0]
    else:
        return ""
    if named.startswith("-m"):
        dotted = named.split()[1].replace(".", "/")
        tails = [f"{dotted}.py", f"{dotted}/__main__.py"]
    else:
        tails = [named.lstrip("./")]
    python = [file.path for file in application.files(Kind.PYTHON)]
    for tail in tails:
        parts = tail.split("/")
        for start in range(len(parts)):
            end = "/".join(parts[start:])
            matching = [p for p in python if p == end or p.endswith("/" + end)]
            if matching:
                return min(matching, key=lambda p: (apart(p, command.place.path), len(p), p))
    return ""


@dataclass
class Serving:
    """Whether production reaches a place that only a program's own start runs."""

    application: Application
    by_script: dict[str, Start] = field(default_factory=dict)
    other: Start | None = None

    def __post_init__(self) -> None:
        for start in self.application.facts(Start):
            if start.standing is not Standing.LOCAL:
                if start.script:
                    self.by_script.setdefault(start.script, start)
                if self.other is None or start.standing is Standing.PRODUCTION:
                    self.other = start

    def of(self, site: Located) -> tuple[bool | None, str]:
        """Whether production reaches a call that starts a server, and what that rests on."""
        for path in self._starting(site):
            if start := self.by_script.get(path):
                told = f"{start.command.source} runs {path} ({start.command.place})"
                certain = start.standing is Standing.PRODUCTION and not self._served_otherwise(
                    start
                )
                return (True if certain else None), told
        if self._imported(site):
            return True, "it runs whenever the module is imported"
        if self.other is not None:
            command = self.other.command
            return False, f"{command.source} starts the application otherwise ({command.place})"
        return None, "nothing in the tree tells how it is deployed"

    def _served_otherwise(self, start: Start) -> bool:
        """Whether another file of the deployment starts the same with a server for production."""
        return any(
            other.server == "server"
            and other.standing is Standing.PRODUCTION
            and other.command.source == start.command.source
            and other.command.place.path != start.command.place.path
            for other in self.application.facts(Start)
        )

    def _imported(self, site: Located) -> bool:
        """Whether a module-level call runs when the application's modules are imported."""
        if site.scope.function is not None or any(map(is_main_guard, around(site))):
            return False
        (reach,) = self.application.facts(Reach)
        return site.path in reach.modules

    def _starting(self, site: Located) -> dict[str, None]:
        """The files that may be run to get there: its own, and those that call its function."""
        code = self.application.code
        found = {site.path: None}
        level = [site.scope.function]
        for _ in range(3):
            names = {function.name for function in level if function is not None}
            callers = [caller for name in sorted(names) for caller in code.method_calls(name)]
            found |= dict.fromkeys(caller.path for caller in callers[:50])
            level = [caller.scope.function for caller in callers[:50]]
        return found
