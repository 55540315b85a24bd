"""Shell scripts: the servers that they start."""

from __future__ import annotations

import re
from collections.abc import Iterator

from auditor.discover import Kind, Role
from auditor.extract.facts import Fact
from auditor.extract.source import Source, extracts

SERVERS = (
    "gunicorn", "uvicorn", "hypercorn", "daphne", "waitress-serve", "uwsgi", "granian", "flask",
    "fastapi", "python", "runserver", "uv",
)  # fmt: skip
_WORDS = tuple(word.encode() for word in SERVERS)
_SHELL = re.compile(rb"#!\s*/\S*(?:env\s+)?\S*?(?:sh|bash|dash|with-contenv)\b")
_BEFORE = r"^(?:\"?\$[\w{}@\[\]]+\"?\s+)*(?:[\w]+=\S*\s+)*(?:exec\s+|sudo\s+|nohup\s+|gosu\s+\S+\s+|su-exec\s+\S+\s+)*"
_STARTS = re.compile(
    rf"{_BEFORE}(?:(?:poetry|pipenv|uv|pdm|hatch)\s+run\s+|ddtrace-run\s+|newrelic-admin\s+run-program\s+)?"
    r"\S*(?:gunicorn|uvicorn|hypercorn|daphne|waitress-serve|uwsgi|granian|flask|fastapi|python[\d.]*)\s"
    rf"|{_BEFORE}(?:(?:ba|da)?sh\s+|\.\s+|source\s+)?[\"']?[^\s\"']+\.sh[\"']?(?:\s|$)"
)


_GIVEN = re.compile(
    r"(?m)^[ \t]*(?::[ \t]+[\"']?\$\{|export[ \t]+)?([A-Z_][A-Z0-9_]*):?=[\"']?([\w./:-]+)[\"'}]*[ \t]*$"
)
"""`NAME=value`, and `: "${NAME:=value}"`, which gives a value unless there is one."""
_VARIABLE = re.compile(r"\"?\$(?:\{([A-Z_][A-Z0-9_]*)\}|([A-Z_][A-Z0-9_]*)\b)\"?")
HANDED = '"$@"'
_HANDED = re.compile(r"exec\s+\"?\$[@*]\"?\s+(-\S.*)")


class ScriptLine(Fact, frozen=True):
    """A line of a shell script that starts Python, a server or another script; `script` is the file's base name."""

    script: str
    text: str
    line: int


@extracts(Kind.TEXT)
def script_lines(source: Source) -> Iterator[Fact]:
    """Of shell scripts, by their first line or by their name."""
    shell = _SHELL.match(source.data[:100]) or source.name.endswith((".sh", ".bash"))
    if source.role is Role.DOCUMENTATION or not shell:
        return
    if not any(word in source.data for word in (*_WORDS, b"$@", b".sh")):
        return
    start, parts = 0, list[str]()
    given = dict(_GIVEN.findall(source.text[:100_000]))
    for number, raw in enumerate(source.text.split("\n"), 1):
        stripped = raw.strip()
        if not parts:
            start = number
        parts.append(stripped.removesuffix("\\").strip())
        if stripped.endswith("\\") and len(parts) < 50:
            continue
        text = _VARIABLE.sub(lambda m: given.get(m[1] or m[2], m[0]), " ".join(parts))
        parts = []
        if match := _HANDED.match(text):  # the options that an entrypoint adds to its command
            yield ScriptLine(source.name, f"{HANDED} {match[1][:1000]}", start)
        elif _STARTS.match(text):
            yield ScriptLine(source.name, text[:1000], start)


_TARGET = re.compile(r"^([\w.-]+)[ \t]*:(?!=)[^=]*$")


@extracts(Kind.TEXT, name=r"(?:gnu)?makefile")
def make_targets(source: Source) -> Iterator[Fact]:
    """What a target of a Makefile starts, for commands such as `make serve`."""
    target = ""
    for number, raw in enumerate(source.text.split("\n"), 1):
        if not raw.startswith(("\t", " ", "#")) and (match := _TARGET.match(raw)):
            target = match[1]
        elif raw.startswith("\t") and target:
            for part in re.split(r"&&|\|\||;", raw):
                text = part.strip().lstrip("@-").strip()
                if _STARTS.match(text):
                    yield ScriptLine(f"make {target}", text[:1000], number)


class PrivilegeDrop(Fact, frozen=True):
    """A shell script that starts what it starts as somebody other than root."""

    script: str
    tool: str
    line: int


_DROPS = re.compile(
    rb"(?m)^[^#\n]*?(?:^|[\s(/\"])(gosu|su-exec|setpriv|runuser|s6-setuidgid|chpst|setuser|su)[ \t]+[-\"$\w]"
)


@extracts(Kind.TEXT, Kind.PLATFORM, name=r".*uwsgi.*\.ini|supervisord?.*\.conf")
def configured_drops(source: Source) -> Iterator[Fact]:
    """`uid` of uWSGI, which gives up root before it serves."""
    if match := re.search(r"(?m)^uid\s*=\s*(?!root\b|0\b)\S", source.text):
        yield PrivilegeDrop(source.name, "uWSGI", source.text.count("\n", 0, match.start()) + 1)


@extracts(Kind.TEXT)
def privilege_drops(source: Source) -> Iterator[Fact]:
    if source.role is Role.DOCUMENTATION or not _SHELL.match(source.data[:100]):
        return
    if match := _DROPS.search(source.data[:200_000]):
        line = source.data.count(b"\n", 0, match.start(1)) + 1
        yield PrivilegeDrop(source.name, match[1].decode(), line)
