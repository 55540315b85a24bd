"""Shell text, as far as telling which programs it runs: no expansion, no quoting beyond words."""

from __future__ import annotations

import re
from collections.abc import Iterator

_SEPARATOR = re.compile(r"(\|\|?|&&?|;|\n)")
_BEFORE = {"sudo", "exec", "nohup", "then", "do", "time", "env", "command"}


def commands(text: str) -> Iterator[tuple[list[str], str]]:
    """(words, separator after them) of each simple command; assignments and `sudo` left out."""
    parts = _SEPARATOR.split(text)
    for index in range(0, len(parts), 2):
        words = parts[index].split()
        while words and (words[0] in _BEFORE or re.match(r"[A-Za-z_]\w*=", words[0])):
            words.pop(0)
        if words:
            yield words, parts[index + 1] if index + 1 < len(parts) else ""


def program(words: list[str]) -> str:
    """The base name of what a simple command runs."""
    return words[0].rpartition("/")[2].strip("\"'(")
