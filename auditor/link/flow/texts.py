"""Text put together from pieces: what it holds of the caller's, and what stands before that."""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Iterable

from auditor.extract.python import tree as t
from auditor.link.flow.calls import Reached
from auditor.link.flow.taint import Form, Taint, each, join, join_all
from auditor.link.flow.validation import leads
from auditor.link.flow.variables import Variables

Piece = tuple["str | None", "Taint | None"]
"""A piece of text: its words, None where they are not known, and what it holds of the caller's."""

_CONVERSION = re.compile(r"%(?:\((\w+)\))?[-#0 +]*[\d*]*(?:\.[\d*]+)?[hlL]?([a-zA-Z%])")
_NUMBERS = frozenset("diouxXeEfFgG")
"""Conversions that fail for anything but a number."""


class Texts(Variables):
    """Puts text together: concatenation, f-strings, `%` and `format`."""

    def text(self, expr: t.Text) -> Taint | None:
        return self.concatenated([(part, self.eval(part)) for part in expr.parts])

    def concatenated(self, parts: list[tuple[t.Expr, Taint | None]]) -> Taint | None:
        """Expressions put together as text."""
        if not any(held for _, held in parts):
            return None
        return joined(self.pieces(parts))

    def pieces(self, parts: list[tuple[t.Expr, Taint | None]]) -> list[Piece]:
        return [(None if held else self.words(part), held) for part, held in parts]

    def words(self, expr: t.Expr) -> str | None:
        """The text of an expression that holds nothing of the caller's, where it is known."""
        if isinstance(expr, t.Const):
            return expr.value if isinstance(expr.value, str) else None
        if isinstance(expr, t.Text):
            words = [self.words(part) for part in expr.parts]
            return None if None in words else "".join(word or "" for word in words)
        return self.flow.values.text(expr, self.scope)

    def alternatives(self, expr: t.Expr | None) -> list[str]:
        """The texts that an expression may be: one, or those that a loop goes through."""
        if isinstance(expr, t.Name) and expr.id in self.looping:
            return self.displayed(self.looping[expr.id])
        words = self.words(expr) if expr is not None else None
        return [words] if words is not None else []

    def displayed(self, expr: t.Expr) -> list[str]:
        """The texts of a display, the characters of a text."""
        found: list[str] = []
        for made in self.flow.values.sources(expr, self.scope):
            match made.node:
                case t.Const(value=str(text)):
                    found += text
                case t.Seq(items=items):
                    found += [
                        x.value
                        for x in items
                        if isinstance(x, t.Const) and isinstance(x.value, str)
                    ]
        return found

    def percent(self, template: t.Expr, given: t.Expr, held: Taint) -> Taint | None:
        """`"…%s…" % given`."""
        expressions: dict[str, t.Expr] = {}
        match given:
            case t.Seq(items=items):
                expressions = {str(index): item for index, item in enumerate(items)}
            case t.Map(keys=keys, values=values):
                expressions = {
                    str(key.value): value
                    for key, value in zip(keys, values, strict=True)
                    if isinstance(key, t.Const)
                }
        parts = {"0": held} if held.form is Form.TEXT else {}
        return self.filled(template, _percent, expressions, parts or held)

    def formatted(self, template: t.Expr, reached: Reached) -> Taint | None:
        """`"…{}…".format(given)`."""
        call = reached.site.node
        expressions = {str(index): arg for index, arg in enumerate(call.args)}
        expressions |= {k.name: k.value for k in call.keywords if k.name}
        parts = {str(index): held for index, held in enumerate(reached.positional) if held}
        parts |= {name: held for name, held in reached.named.items() if name and held}
        spread = reached.named.get(None) or (
            reached.positional[0] if reached.name.endswith(".format_map") else None
        )
        return self.filled(template, _braces, expressions, spread or parts)

    def filled(
        self,
        template: t.Expr,
        placeholders: Callable[[str], Iterable[tuple[str, str | None]]],
        expressions: dict[str, t.Expr],
        given: dict[str, Taint] | Taint,
    ) -> Taint | None:
        """A template with values in its places."""
        anything = each(given) if isinstance(given, Taint) else join_all(map(each, given.values()))
        words = self.words(template)
        if anything is None or words is None:
            return anything.as_text(led=True) if anything else None
        pieces: list[Piece] = []
        for literal, key in placeholders(words):
            pieces.append((literal, None))
            if key is None:
                continue
            held = each(self.part(given, key) if isinstance(given, Taint) else given.get(key))
            known = expressions.get(key)
            pieces.append((self.words(known) if known and not held else None, held))
        return joined(pieces)


def joined(pieces: list[Piece], below: bool = True) -> Taint | None:
    """What text holds: the most dangerous of its pieces; what stands before one leads it.

    `below` tells that a path stays in the directory that stands before it: not with `Path("/a") / "/b"`.
    """
    words = [word for word, _ in pieces]
    within = " ".join(word for word in words if word)[:160]
    found: Taint | None = None
    for index, (_, held) in enumerate(pieces):
        if held is None:
            continue
        before = words[:index]
        led = held.led or (
            any(word != "" for word in before) and leads(before, words[index + 1 :][:1])
        )
        around = " ".join(x for x in (within, held.within) if x)[:200]
        made = held.as_text(led, around)
        if below and "without ../" in made.coats and any(word != "" for word in before):
            made = made.dressed("a name")
        found = join(found, made)
    return found


def _braces(template: str) -> Iterable[tuple[str, str | None]]:
    """(text, key of what follows it): a position, or a name."""
    try:
        parsed = list(string.Formatter().parse(template))
    except ValueError:  # braces of another language: where the values go is not known
        parsed = [(template, "", "", None)]
    count = 0
    for literal, name, spec, _ in parsed:
        if name is None or (spec or " ")[-1] in _NUMBERS:
            yield literal, None
        elif not name or name[0] in ".[":
            yield literal, str(count)
        else:
            yield literal, re.split(r"[.\[]", name)[0]
        count += name is not None


def _percent(template: str) -> Iterable[tuple[str, str | None]]:
    """(text, key of what follows it), of a template for `%`."""
    start = count = 0
    for found in _CONVERSION.finditer(template):
        literal = template[start : found.start()]
        start = found.end()
        if found[2] == "%":
            yield f"{literal}%", None
            continue
        yield literal, None if found[2] in _NUMBERS else found[1] or str(count)
        count += 1
    yield template[start:], None
