"""Settings that JavaScript and TypeScript read: process.env, import.meta.env, Deno, Bun, NestJS.

https://nodejs.org/api/process.html#processenv, https://vite.dev/guide/env-and-mode,
https://docs.nestjs.com/techniques/configuration. Names are found in the text, by RE2.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import re2

from auditor.discover import Kind, Role
from auditor.engines import OPTIONS
from auditor.extract.facts import Fact
from auditor.extract.sensitive import safe_value
from auditor.extract.source import Source, extracts


class ScriptSetting(Fact, frozen=True):
    """A place that reads a setting; `default` is None where there is none, empty where it is secret."""

    name: str
    default: str | None
    line: int


_READ = re2.compile(
    r"(?:process\??\.env|import\.meta\.env|Bun\.env)[!)]{0,2}(?:\??\.([A-Za-z_]\w{0,100})|\[[\"'`]([A-Za-z_]\w{0,100})[\"'`]\])"
    r"|(?:Deno\.env\.get|[cC]onfig(?:Service)?\.(?:get|getOrThrow)(?:<[\w\[\] |]{1,40}>)?)\(\s{0,20}[\"'`]([A-Z][A-Z0-9_]{1,100})[\"'`]",
    OPTIONS,
)
_DESTRUCTURED = re2.compile(
    r"\{([^{}]{1,1000})\}(?:\s{0,10}:\s{0,10}[\w.<>]{1,60})?\s{0,10}=\s{0,10}(?:process|import\.meta|Bun)\.env\b",
    OPTIONS,
)
_KEPT = re2.compile(
    r"\b(?:const|let|var)\s{1,10}(\w{1,40})\s{0,10}=\s{0,10}(?:process|import\.meta|Bun)\.env\s{0,10}(?:[;\n]|as\b)"
    r"|import\s{0,10}\{\s{0,10}(env)\s{0,10}\}\s{0,10}from\s{0,10}[\"']\$env/dynamic/(?:private|public)[\"']",
    OPTIONS,
)
_IMPORTED = re2.compile(
    r"import\s{0,10}\{([^{}]{1,1000})\}\s{0,10}from\s{0,10}[\"']\$env/static/(?:private|public)[\"']",
    OPTIONS,
)  # https://svelte.dev/docs/kit/$env-static-private
_CHECKED = re2.compile(
    r"\b(?:cleanEnv\(\s{0,20}process\.env\s{0,10},\s{0,20}\{|createEnv\(\s{0,20}\{)", OPTIONS
)  # https://github.com/af/envalid, https://env.t3.gg
_ENTRY = re2.compile(
    r"(?m)(?:^|[{,])\s{0,40}([A-Z][A-Z0-9_]{1,100})\s{0,10}:\s{0,10}(?:z\.|str\(|num\(|bool\(|url\(|port\(|host\(|email\(|json\(|makeValidator)",
    OPTIONS,
)
_OF_VITE = {"MODE", "BASE_URL", "PROD", "DEV", "SSR"}
"""What the build itself says: https://vite.dev/guide/env-and-mode#built-in-constants."""
_DEFAULT = re.compile(
    r"!?\)?\s{0,4}(?:\|\||\?\?|,)\s{0,20}(?:[\"'`]([^\"'`\n]{0,300})[\"'`]|(\d{1,12}|true|false)\b)"
)
_NAMED = re.compile(
    r"^\s*([A-Za-z_]\w{0,100})\s*(?::\s*\w+\s*)?(?:=\s*[\"'`]?([^\"'`]*)[\"'`]?\s*)?$"
)


@extracts(Kind.JAVASCRIPT)
def reads(source: Source) -> Iterator[ScriptSetting]:
    if source.role is not Role.SOURCE:
        return
    text = source.text
    if "env" not in text and "onfig" not in text:
        return
    for match in _READ.finditer(text):
        start, end = match.span()
        name = match[1] or match[2] or match[3]
        begin = text.rfind("\n", 0, start) + 1
        if text[begin:start].lstrip().startswith(("//", "*", "/*")) or _assigns(text, end):
            continue
        if name in _OF_VITE and "import.meta" in match[0]:
            continue
        given = _DEFAULT.match(text, end, end + 340)
        default = None if given is None else given[1] if given[1] is not None else given[2]
        if given is not None and "," in given[0][:4] and match[3] is None:
            default = None
        yield _setting(name, default, text.count("\n", 0, start) + 1)
    for pattern in (_DESTRUCTURED, _IMPORTED):
        for match in pattern.finditer(text):
            yield from _listed(text, match.start(1), match[1])
    for match in _KEPT.finditer(text):
        name = match[1] or match[2]
        for read in re2.finditer(rf"\b{name}(?:\.|\[[\"'])([A-Z][A-Z0-9_]{{1,100}})\b", text):
            if not _assigns(text, read.end()):
                given = _DEFAULT.match(text, read.end(), read.end() + 340)
                default = given[1] or given[2] if given and "," not in given[0][:4] else None
                yield _setting(read[1], default, text.count("\n", 0, read.start()) + 1)
    if _CHECKED.search(text):
        for match in _ENTRY.finditer(text):
            yield _setting(match[1], None, text.count("\n", 0, match.start(1)) + 1)


def _listed(text: str, start: int, names: str) -> Iterator[ScriptSetting]:
    """The names between braces, with their defaults, each at its own line."""
    for part in names.split(","):
        if named := _NAMED.match(part):
            line = text.count("\n", 0, start + len(part) - len(part.lstrip())) + 1
            yield _setting(named[1], named[2], line)
        start += len(part) + 1


def _setting(name: str, default: str | None, line: int) -> ScriptSetting:
    return ScriptSetting(name, None if default is None else safe_value(name, default), line)


def _assigns(text: str, end: int) -> bool:
    return re.match(r"\s{0,4}=(?![=>])", text[end : end + 8]) is not None
