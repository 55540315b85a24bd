"""The packages that JavaScript and TypeScript import: `import … from`, `require`, `import()`.

https://developer.mozilla.org/en-US/docs/Web/JavaScript/Reference/Statements/import. Found in the text, by
RE2; relative paths and names that only a bundler knows (`@/x`, `~/x`, `#x`) are left out.
"""

from __future__ import annotations

from collections.abc import Iterator

import re2

from auditor.discover import Kind, Role
from auditor.engines import OPTIONS
from auditor.extract.facts import Fact
from auditor.extract.source import Source, extracts


class ScriptImport(Fact, frozen=True):
    """A package, and the first line of the file that imports it."""

    package: str
    line: int


_IMPORT = re2.compile(
    r"(?:\bfrom|\bimport|\brequire\s{0,5}\(|\bimport\s{0,5}\()\s{0,20}[\"']"
    r"((?:@[a-z0-9][\w.-]{0,100}/)?[A-Za-z0-9][\w.-]{0,100})(?:/[^\"'\n]{0,300})?[\"']",
    OPTIONS,
)


@extracts(Kind.JAVASCRIPT)
def imports(source: Source) -> Iterator[ScriptImport]:
    if source.role is not Role.SOURCE:
        return
    text = source.text
    seen: set[str] = set()
    for match in _IMPORT.finditer(text):
        if match[1] not in seen:
            seen.add(match[1])
            yield ScriptImport(match[1], text.count("\n", 0, match.start()) + 1)
