"""Files that set up logging: `fileConfig`'s INI files, and dictionaries for `dictConfig` in YAML or JSON.

https://docs.python.org/3/library/logging.config.html#configuration-file-format.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from auditor.discover import Kind
from auditor.extract.facts import Fact
from auditor.extract.source import Source, extracts

_JSON = re.compile(
    r"(?i)JsonFormatter|json_?log|structlog|JSONRenderer|logstash_formatter|ecs_logging|logging_json"
)
_SECTION = re.compile(r"(?m)^\[(formatter_(\w+)|handler_\w+)\]([^\[]*)")
_LOGS = re.compile(r"(?m)^\s*[\"']?(?:formatters|handlers|loggers)[\"']?\s*:")


class LogFile(Fact, frozen=True):
    """A file that sets up logging; `structured` when a handler that it sets up writes records.

    `name` is its base name, by which code and commands name it.
    """

    name: str
    structured: bool
    line: int


@extracts(Kind.TEXT, name=r".+\.(?:ini|conf|cfg|cnf)(?:\.\w+)?")
def ini(source: Source) -> Iterator[Fact]:
    text = source.text
    if "[formatters]" not in text or "[handlers]" not in text:
        return
    writes = {match[2] for match in _SECTION.finditer(text) if match[2] and _JSON.search(match[3])}
    used = re.findall(r"(?m)^\s*formatter\s*=\s*(\w+)", text)
    line = text.count("\n", 0, text.index("[formatters]")) + 1
    yield LogFile(source.name, bool(writes.intersection(used)), line)


@extracts(Kind.TEXT, name=r".*log.*\.(?:ya?ml|json)")
def dictionary(source: Source) -> Iterator[Fact]:
    if len(_LOGS.findall(source.text)) > 1:
        yield LogFile(source.name, bool(_JSON.search(source.text)), 1)
