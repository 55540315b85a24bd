"""Dotenv files, read as python-dotenv reads them (https://saurabh-kumar.com/python-dotenv/)."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator

from dotenv.parser import parse_stream
from dotenv.variables import Variable, parse_variables

from auditor.discover import Kind
from auditor.discover.environments import environment_of
from auditor.extract.facts import Fact, Unread
from auditor.extract.secrets.structure import is_common
from auditor.extract.sensitive import is_placeholder, is_sensitive, safe_value
from auditor.extract.source import Source, Unreadable, extracts

_SCHEME = re.compile(r"([a-z][a-z0-9+.-]{1,40})://")


class DotenvEntry(Fact, frozen=True):
    """One setting of a dotenv file; `value` is empty where it is sensitive.

    `environment` is what the file's name says: production, staging, example, … or empty.
    `login` tells whether a URL carries a user and password.
    """

    name: str
    value: str
    empty: bool
    placeholder: bool
    login: bool
    line: int
    environment: str
    well_known: bool = False
    """A password that anybody knows."""
    scheme: str = ""
    """Of an address, that of its kind: `mysql+pymysql`."""


@extracts(Kind.DOTENV)
def dotenv(source: Source) -> Iterator[Fact]:
    environment = environment_of(source.name)
    known: dict[str, str] = {}
    for binding in parse_stream(io.StringIO(source.text)):
        if binding.error:
            yield Unread("broken dotenv line", binding.original.line)
        elif binding.key:
            value = known[binding.key] = _resolved(binding.value or "", known)
            whole = binding.original.string  # with the empty lines before it
            skipped = whole[: len(whole) - len(whole.lstrip())].count("\n")
            yield DotenvEntry(
                binding.key,
                safe_value(binding.key, value),
                not value,
                is_placeholder(value),
                bool(re.search(r"://[^/@\s:]+:[^/@\s]+@", value)),
                binding.original.line + skipped,
                environment,
                is_sensitive(binding.key) and is_common(value),
                found[1] if (found := _SCHEME.match(value)) else "",
            )


_LINE = re.compile(r"\s*(?:(?:export\s+)?[A-Za-z_][A-Za-z0-9_]*\s*=.*|#.*|\[settings\]\s*)?")


@extracts(
    Kind.TEXT,
    name=r"[\w-]+|\.\w+|.*\.?(?:env\w*|vars|variables|list|conf|cfg|ini|txt|local|prod\w*|dev\w*|stag\w*|test\w*)",
)
def of_another_name(source: Source) -> Iterator[Fact]:
    """A file of `NAME=value` lines alone: whoever names it as a dotenv file makes it one."""
    if len(source.data) > 65_536 or b"=" not in source.data:
        return
    try:
        lines = source.text.split("\n")
    except Unreadable:
        return
    if all(_LINE.fullmatch(line) for line in lines):
        yield from dotenv(source)


def _resolved(value: str, known: dict[str, str]) -> str:
    """`${NAME}` and `${NAME:-default}`, as python-dotenv fills them in from the lines before.

    What comes from the environment of whoever starts the application stays as it is written.
    """
    parts = []
    for atom in parse_variables(value):
        if isinstance(atom, Variable) and atom.name not in known and atom.default is None:
            parts.append(f"${{{atom.name}}}")
        else:
            parts.append(atom.resolve(known))
    return "".join(parts)[:20_000]
