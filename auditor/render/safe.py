"""Text from the tree under audit, made harmless for where it is shown.

Names of files, code and messages are hostile: they may hold terminal escapes, markup, or characters
that reorder what is read (CVE-2021-42574).
"""

from __future__ import annotations

import re
import unicodedata


def plain(text: str) -> str:
    """One line without control, format and unpaired surrogate characters, which show as `\\x1b`."""
    return "".join(c if _harmless(c) else _escaped(c) for c in text)


def _harmless(char: str) -> bool:
    return char == " " or unicodedata.category(char) not in (
        "Cc",
        "Cf",
        "Cs",
        "Zl",
        "Zp",
        "Co",
        "Cn",
    )


def _escaped(char: str) -> str:
    code = ord(char)
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"


def markdown(text: str) -> str:
    """Text that Markdown shows as it is: no link, heading, list, table, code or HTML comes of it.

    Code spans that our own messages set in backticks stay code.
    """
    parts = re.split(r"(`[^`]*`)", plain(text))
    return "".join(part if _is_code(part) else _markdown_escaped(part) for part in parts)


def _is_code(part: str) -> bool:
    return len(part) > 2 and part.startswith("`") and part.endswith("`") and "|" not in part


def _markdown_escaped(text: str) -> str:
    text = re.sub(r"([\\`*_\[\]<>|#~!])", r"\\\1", text)
    text = re.sub(r"&", "&amp;", text)
    text = re.sub(r"(https?|ftp|www)(:|\.)", "\\1\u200b\\2", text, flags=re.I)
    return re.sub(r"^(\s*)([-+>=]|\d+[.)])", r"\1\\\2", text)


def code(text: str) -> str:
    """A code span that holds any text, for Markdown."""
    inner = plain(text).replace("|", "\\|")
    longest = max((len(run) for run in re.findall(r"`+", inner)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if inner.startswith("`") or inner.endswith("`") else ""
    return f"{fence}{pad}{inner}{pad}{fence}"
