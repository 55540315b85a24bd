"""What stands behind the short names that pipelines run: targets of a Makefile, scripts, npm's scripts."""

from __future__ import annotations

import re
from collections.abc import Iterator

from auditor.discover import Kind, Role
from auditor.extract.facts import Fact
from auditor.extract.markup import at, items, read_json
from auditor.extract.source import Source, Unreadable, extracts

_LONGEST = 4000
_MOST = 300
_TARGETS = re.compile(r"^([\w./-]+(?:[ \t]+[\w./-]+)*)[ \t]*::?(?!=)([^=]*)$")
_MAKES = re.compile(r"(?:\$[({]MAKE[)}]|\bmake)[ \t]+((?:-\S+[ \t]+)*[\w.-]+)")


class Recipe(Fact, frozen=True):
    """`call` is how it is run: `make ci`, `npm run ci`, or the base name of a script."""

    call: str
    text: str
    line: int


@extracts(Kind.TEXT, name=r"(?:gnu)?makefile|.+\.mk")
def make_recipes(source: Source) -> Iterator[Fact]:
    """Each target with the recipes of what it needs, as far as they stand in the same file."""
    own: dict[str, list[str]] = {}
    needs: dict[str, list[str]] = {}
    lines: dict[str, int] = {}
    current: list[str] = []
    for number, raw in enumerate(source.text.split("\n"), 1):
        if raw.startswith("\t"):
            text = raw.strip().lstrip("@-+").strip()
            for name in current:
                own[name].append(text)
                needs[name] += [m[1].split()[-1] for m in _MAKES.finditer(text)]
        elif raw[:1] not in ("", "#", " ") and (
            match := _TARGETS.match(raw.split("#")[0].rstrip())
        ):
            current = match[1].split()
            for name in current:
                own.setdefault(name, [])
                lines.setdefault(name, number)
                needs.setdefault(name, []).extend(match[2].split())
    for name in list(own)[:_MOST]:
        if not name.startswith("."):
            seen, left, texts = {name}, [name], list[str]()
            while left and len(texts) < _MOST:
                each = left.pop()
                texts += own.get(each, ())
                left += [n for n in needs.get(each, ()) if n in own and n not in seen]
                seen.update(needs.get(each, ()))
            yield Recipe(f"make {name}", "\n".join(texts)[:_LONGEST], lines[name])


@extracts(Kind.TEXT, name=r"[\w.-]+\.(?:sh|bash)|(?:ci|test|tests|check|cibuild|build)")
def script_recipes(source: Source) -> Iterator[Fact]:
    if source.role is Role.DOCUMENTATION or b"test" not in source.data:
        return
    kept = [x for x in source.text.split("\n") if x.strip() and not x.lstrip().startswith("#")]
    yield Recipe(source.name, "\n".join(kept)[: 5 * _LONGEST], 1)


@extracts(Kind.MANIFEST, name=r"package\.json")
def npm_recipes(source: Source) -> Iterator[Fact]:
    try:
        document = read_json(source.text)
    except Unreadable:
        return
    for name, text in items(at(document.data, "scripts")):
        if isinstance(text, str):
            yield Recipe(f"npm run {name}", text[:_LONGEST], document.line("scripts", name))
