"""Templates of Jinja and Django: what they name, and what they show without escaping it.

https://jinja.palletsprojects.com/en/stable/templates/#html-escaping,
https://docs.djangoproject.com/en/stable/ref/templates/builtins/#safe.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import re2

from auditor.discover import Kind, Role
from auditor.extract.facts import Fact
from auditor.extract.source import Source, extracts

_MAX_TEXT = 400_000
_MAX_TAGS = 20_000
_FILES = r".+\.(?:x?html?|jinja2?|j2|jinja)"
_SHOWN = re2.compile(
    r"\{\{-?\s*([A-Za-z_]\w*)((?:\.\w+|\[[^\]{}]{1,40}\])*)\s*((?:\|[^{}|]{1,60})*)-?\}\}"
)
_MARKUP = re2.compile(r"<[A-Za-z!/]|\{%-?\s*extends\b")
_PART = re2.compile(r"(?:\.|\[['\"])(\w+)(?:['\"]\])?$")
_LOOP = re2.compile(r"\{%-?\s*for\s+([\w\s,]{1,60}?)\s+in\s+([A-Za-z_]\w*)")
_SWITCH = re2.compile(r"\{%-?\s*(?:autoescape\s+(off|false|on|true)|(endautoescape))")
_KEEPING = {
    "safe",
    "default",
    "d",
    "upper",
    "lower",
    "title",
    "trim",
    "truncatechars",
    "truncate",
    "truncatewords",
}
"""Filters that leave markup in a text."""


_PICTURE = re2.compile(r";base64,[A-Za-z0-9+/=]{100,}")
"""What a picture, a font or a sound holds that stands in the template: no tag."""
_OPENS = re2.compile(r"\{[{%]")
_WORD = re2.compile(r"[\pL_][\pL\pN_]*")
_TAG = re2.compile(r"\{%[-+]?\s*(\w+)")
_TAKES_IN = {"extends", "include", "import", "from"}
_NAMED = re2.compile(
    r"\s*['\"]([\w\-/][^'\"\\]*)['\"]\s*(?:(?:with|without|only|ignore|import|as)\b(?s:.*))?[-+]?$"
)
"""A template by its name alone, whatever it is given."""


class Unescaped(Fact, frozen=True):
    """A variable of a template's context that reaches the page as it is.

    `whole` where no part of it is taken; `part` is the last attribute or key that is.
    """

    name: str
    whole: bool
    line: int
    part: str = ""


class TemplateNames(Fact, frozen=True):
    """The words in the tags of a template: what it does not name so, it takes from no context.

    `tags` are those that it uses, `parts` the templates that it extends, includes and imports; `is_open` where these
    are not told.
    """

    words: tuple[str, ...]
    tags: tuple[str, ...]
    parts: tuple[str, ...]
    is_open: bool


@extracts(Kind.TEXT, name=_FILES)
def names(source: Source) -> Iterator[Fact]:
    text = _PICTURE.sub("", source.text)
    opened = [found.start() for found in _OPENS.finditer(text[:_MAX_TEXT])]
    if len(text) > _MAX_TEXT or len(opened) > _MAX_TAGS:
        yield TemplateNames((), (), (), True)
        return
    words, tags, parts, is_open = set[str](), set[str](), set[str](), False
    for start, end in itertools.pairwise([*opened, len(text)]):
        tagged = text[start:end]  # a mark may stand in a text of the tag itself: up to the last one
        closed = max(tagged.rfind("%}"), tagged.rfind("}}"))
        words.update(_WORD.findall(tagged[:closed] if closed >= 0 else tagged))
        if (tag := _TAG.match(tagged)) is not None:
            tags.add(tag[1])
            if tag[1] in _TAKES_IN:
                named = _NAMED.match(tagged[tag.end() :].partition("%}")[0])
                is_open = is_open or named is None
                parts.update([named[1]] if named is not None else [])
    yield TemplateNames(tuple(sorted(words)), tuple(sorted(tags)), tuple(sorted(parts)), is_open)


@extracts(Kind.TEXT, name=_FILES)
def unescaped(source: Source) -> Iterator[Fact]:
    text = source.text
    if source.role is not Role.SOURCE or "{{" not in text or len(text) > _MAX_TEXT:
        return
    if "safe" not in text and "autoescape" not in text:
        return
    if not _MARKUP.search(text):
        return  # a message in plain text, whatever its suffix
    collections = {
        item.strip(): loop[2] for loop in _LOOP.finditer(text) for item in loop[1].split(",")
    }
    off = list(_off(text))
    for found in _SHOWN.finditer(text):
        filters = [f.strip().split("(")[0].split(":")[0].strip() for f in found[3].split("|")[1:]]
        raw = "safe" in filters or any(start < found.start() < end for start, end in off)
        if raw and all(f in _KEEPING for f in filters):
            name = collections.get(found[1], found[1])
            line = text.count("\n", 0, found.start()) + 1
            part = _PART.search(found[2])
            yield Unescaped(name, not found[2], line, part[1] if part else "")


def _off(text: str) -> Iterator[tuple[int, int]]:
    """Where escaping is turned off."""
    start = -1
    for switch in _SWITCH.finditer(text):
        if switch[1] in ("off", "false"):
            start = switch.end()
        elif start >= 0:
            yield start, switch.start()
            start = -1
