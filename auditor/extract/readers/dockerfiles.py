"""Dockerfiles: what the image that runs is made of.

https://docs.docker.com/reference/dockerfile/ and https://docs.docker.com/build/concepts/context/#dockerignore-files.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from auditor.discover import Kind
from auditor.discover.environments import environment_of
from auditor.extract.facts import Fact
from auditor.extract.readers.environments import GivenSetting
from auditor.extract.sensitive import is_placeholder, is_sensitive, safe_value
from auditor.extract.shell import commands, program
from auditor.extract.source import Source, extracts


class Image(Fact, frozen=True):
    """What a Dockerfile builds: the stage that runs in production, with the stages below it.

    `base` is the outermost image below it. `environment` holds (name, value, line); `secrets` holds
    (instruction, name, line) of ARG and ENV that name a secret, `bool` whether a literal is given.
    """

    base: str
    user: str
    healthcheck: str
    command: str
    line: int
    command_line: int
    environment: list[tuple[str, str, int]]
    user_line: int = 0
    bases: list[tuple[str, int]] = []
    """Every outside image that a stage starts from."""
    secrets: list[tuple[str, str, str, int]] = []
    """(instruction, name, what is given, line) of arguments and settings that are secret: a `secret`, a value that
    anybody `knows`, or nothing."""
    tools: list[tuple[str, int]] = []
    """Compilers that are installed and stay."""
    copies: list[tuple[str, int]] = []
    """What of the build context is copied into the image."""
    downloads: list[tuple[str, int]] = []
    """Scripts that are fetched and run at once."""


class Ignored(Fact, frozen=True):
    """A `.dockerignore` file: its patterns in order."""

    patterns: list[str]


_COMPILERS = {
    "build-essential", "build-base", "gcc", "g++", "clang", "cmake", "musl-dev", "rustc", "cargo", "rust",
}  # fmt: skip
_PACKAGES = {"apt-get", "apt", "apk", "dnf", "microdnf", "yum"}
_SHELLS = {"sh", "bash", "zsh", "dash"}
_PAIR = re.compile(r"""([A-Za-z_]\w*)=("(?:[^"\\]|\\.)*"|'[^']*'|\S*)""")
_HEREDOC = re.compile(r"<<-?\s*[\"']?(\w+)[\"']?")
_ASIDE = re.compile(
    r"(?:^|[._-])(?:dev|devel|development|devcontainer|local|debug|tests?|testing|ci|lint|docs|e2e|playwright|cypress|watch|nb|notebook|jupyter|storybook|codespaces)(?:[._-]|$)",
    re.I,
)
"""Words of a stage, or of a Dockerfile's name, that is not for production."""
_SHORTEST = 6
_STANDS_IN = re.compile(
    r"(?:^|[^a-z])(?:dummy|foo\w*|fake|build|collectstatic|not[-_ ]?(?:so[-_ ]?)?secret|insecure|temp|temporary|test\w*|default)(?:[^a-z]|$)",
    re.I,
)
"""What is set so that a build goes through."""
_NO_SECRET = re.compile(r"_(?:dir|path|file|url|user|id|name)$|gpg|pgp|repo_key|fingerprint", re.I)


@dataclass
class _Stage:
    """One stage of a build, with what it takes over from the stage it builds upon."""

    name: str
    base: str
    line: int
    user: str = ""
    user_line: int = 0
    healthcheck: str = ""
    entrypoint: str = ""
    command: str = ""
    command_line: int = 1
    environment: dict[str, tuple[str, int]] = field(default_factory=dict)
    secrets: list[tuple[str, str, str, int]] = field(default_factory=list)
    tools: list[tuple[str, int]] = field(default_factory=list)
    copies: list[tuple[str, int]] = field(default_factory=list)
    downloads: list[tuple[str, int]] = field(default_factory=list)

    def below(self, name: str, line: int) -> _Stage:
        """The stage that `FROM` this one starts."""
        return replace(
            self,
            name=name,
            line=line,
            environment=dict(self.environment),
            secrets=list(self.secrets),
            tools=list(self.tools),
            copies=list(self.copies),
            downloads=list(self.downloads),
        )

    def run(self, number: int, word: str, rest: str, arguments: dict[str, str]) -> None:
        match word:
            case "USER":
                who = rest.split()[:1] or [""]
                self.user, self.user_line = _filled(who[0], arguments).split(":")[0], number
            case "HEALTHCHECK":
                self.healthcheck = "" if rest.upper().startswith("NONE") else rest
            case "ENTRYPOINT":
                self.entrypoint, self.command_line = _exec_form(rest), number
            case "CMD":
                self.command, self.command_line = _exec_form(rest), number
            case "ENV" | "ARG":
                self._settings(number, word, rest, arguments)
            case "COPY" | "ADD":
                self._copy(number, rest)
            case "RUN":
                self._shell(number, rest)

    def _settings(self, number: int, word: str, rest: str, arguments: dict[str, str]) -> None:
        pairs = (
            [(rest.split()[0], "")] if word == "ARG" and rest and "=" not in rest else _pairs(rest)
        )
        for name, value in pairs:
            if word == "ENV":
                self.environment[name] = (safe_value(name, value), number)
            arguments.setdefault(name, value)
            given = "secret" if value and value[0] not in "$/" and not is_placeholder(value) else ""
            if given and (len(value) < _SHORTEST or _STANDS_IN.search(value)):
                given = "knows"
            secret = is_sensitive(name) and not _NO_SECRET.search(name)
            if secret and (given or (word == "ARG" and not value)):
                self.secrets.append((word, name, given, number))

    def _copy(self, number: int, rest: str) -> None:
        if re.search(r"--from=", rest):
            return
        words = _exec_form(re.sub(r"--\S+\s+", "", rest)).split()
        self.copies += [(word, number) for word in words[:-1] if not word.startswith("<<")]

    def _shell(self, number: int, text: str) -> None:
        installed: list[str] = []
        fetched = removed = False
        for words, separator in commands(text):
            name = program(words)
            if name in _PACKAGES:
                removed |= not {"purge", "remove", "autoremove", "del"}.isdisjoint(words)
                if not {"install", "add"}.isdisjoint(words):
                    installed += [w for word in words if (w := word.split("=")[0]) in _COMPILERS]
            if fetched and name in _SHELLS:
                self.downloads.append((text[:80], number))
            fetched = separator == "|" and name in ("curl", "wget")
        if not removed:
            self.tools += [(word, number) for word in installed]


@extracts(Kind.DOCKERFILE)
def dockerfile(source: Source) -> Iterator[Fact]:
    """One image per file: the last stage is what runs, unless its name says development or tests."""
    named: dict[str, _Stage] = {}
    stages: list[_Stage] = []
    under: dict[int, _Stage] = {}
    bases: list[tuple[str, int]] = []
    arguments: dict[str, str] = {}
    for number, word, rest in _instructions(source.text):
        if word == "FROM":
            words = re.sub(r"^(?:--\S+\s+)+", "", rest).split()
            base = _filled(words[0], arguments) if words else ""
            name = words[2].lower() if len(words) > 2 else ""
            below = named.get(base.lower())
            if below is None and base:
                bases.append((base, number))
            stages.append(below.below(name, number) if below else _Stage(name, base, number))
            if below is not None:
                under[id(stages[-1])] = below
            if name:
                named[name] = stages[-1]
        elif stages:
            stages[-1].run(number, word, rest, arguments)
        elif word == "ARG":
            arguments.update(_pairs(rest))
    running = [stage for stage in stages if not is_aside(stage.name)] or stages
    if running and running[-1].base:
        yield _image(running[-1], bases)
        held = {(name, line) for name, (_, line) in running[-1].environment.items()}
        chain = {id(running[-1])}
        stage = running[-1]
        while (below := under.get(id(stage))) is not None:
            chain.add(id(below))
            stage = below
        for stage in stages:
            for name, (value, line) in stage.environment.items() if id(stage) not in chain else ():
                if (name, line) not in held:  # of a stage that only builds, tests or develops
                    held.add((name, line))
                    yield GivenSetting(name, value, False, False, environment_of(stage.name), line)


def is_aside(name: str) -> bool:
    """Whether a stage or file of this name is for development, tests or documentation."""
    return bool(_ASIDE.search(name))


def _image(stage: _Stage, bases: list[tuple[str, int]]) -> Image:
    return Image(
        stage.base,
        stage.user,
        stage.healthcheck,
        f"{stage.entrypoint} {stage.command}".strip(),
        stage.line,
        stage.command_line,
        [(name, value, line) for name, (value, line) in stage.environment.items()],
        stage.user_line,
        bases,
        stage.secrets,
        stage.tools,
        stage.copies,
        stage.downloads,
    )


def _filled(text: str, arguments: dict[str, str]) -> str:
    """`${BASE}` and `${BASE:-python}` by the arguments' defaults; what has none stays."""

    def fill(match: re.Match[str]) -> str:
        return arguments.get(match[1] or match[3], "") or match[2] or match[0]

    return re.sub(r"\$(?:\{(\w+)(?::?-([^}]*))?\}|(\w+))", fill, text).strip("\"'")


def _pairs(rest: str) -> Iterator[tuple[str, str]]:
    """`ENV A=1 B="two words"`, and the old form `ENV A value`."""
    if re.match(r"[A-Za-z_]\w*=", rest):
        for name, value in _PAIR.findall(rest):
            yield name, value.strip("\"'")
    elif len(words := rest.split(None, 1)) == 2:
        yield words[0], words[1]


def _instructions(text: str) -> Iterator[tuple[int, str, str]]:
    """(line, INSTRUCTION, arguments), continued lines and here-documents joined, comments left out."""
    start = 0
    parts: list[str] = []
    ends: list[str] = []
    for number, raw in enumerate(text.split("\n"), 1):
        stripped = raw.strip()
        if ends:
            if stripped == ends[0]:
                ends.pop(0)
                if not ends:
                    word, _, rest = " ; ".join(parts).partition(" ")
                    yield start, word.upper(), rest.strip()
                    parts = []
            elif not stripped.startswith("#"):
                parts.append(stripped)
            continue
        if stripped.startswith("#") or (not stripped and not parts):
            continue
        if not parts:
            start = number
        parts.append(stripped.removesuffix("\\").strip())
        if stripped.endswith("\\"):
            continue
        if re.match(r"(?:RUN|COPY|ADD)\b", parts[0], re.I) and (
            found := _HEREDOC.findall(" ".join(parts))
        ):
            ends = found
            parts = [" ".join(parts)]
            continue
        word, _, rest = " ".join(parts).partition(" ")
        yield start, word.upper(), rest.strip()
        parts = []


def _exec_form(text: str) -> str:
    if text.startswith("["):
        try:
            return " ".join(map(str, json.loads(text)))
        except ValueError:
            return text
    return text


@extracts(Kind.TEXT, name=r"(?:.+\.)?\.?dockerignore")
def dockerignore(source: Source) -> Iterator[Fact]:
    lines = (line.strip() for line in source.text.split("\n"))
    yield Ignored([line for line in lines if line and not line.startswith("#")][:1000])
