"""What a template of Django does with its context, told as the Python that it comes to.

`{% for line in order.lines.all %}{{ line.item.name }}{% endfor %}` is `for line in order.lines.all(): line.item.name`.
Each way of an `if` is taken. Source: https://docs.djangoproject.com/en/stable/ref/templates/language/.
"""

from __future__ import annotations

import re

import re2

from auditor.extract.python import tree as t
from auditor.link.scopes import Module, Scope

CALLED = {"all", "count", "first", "last", "exists", "distinct", "reverse", "none", "latest", "earliest", "values", "get_queryset"}  # fmt: skip
"""What querysets and managers have and a template calls, without arguments."""
OTHER = "include"
"""The function that stands for another template that is shown with the same names."""
_TOKEN = re2.compile(r"\{\{(.*?)\}\}|\{%[-+]?\s*(\w+)(.*?)[-+]?%\}")
_NO_TAGS = re2.compile(
    r"(?s)\{#.*?#\}|\{%-?\s*comment\b.*?endcomment\s*-?%\}|\{%-?\s*verbatim\b.*?endverbatim\b[^%]*%\}"
)
_DEEPEST = 30
"""Loops and blocks within each other, and parts and filters of one variable, beyond which nothing is told."""
_PART = re.compile(r"""(?:"[^"]*"|'[^']*'|[^\s"'])+""")
_PATH = re.compile(
    r"""([A-Za-z_]\w*(?:\.\w+)*)((?:\s*\|\s*\w+(?::(?:"[^"]*"|'[^']*'|[\w.]+))?)*)$"""
)
_FILTER = re.compile(r"""(\w+)(?::["']?(?:[^"':|]*:(\d+))?)?""")
_ANY = re.compile(r""""[^"]*"|'[^']*'|([A-Za-z_]\w*(?:\.\w+)*)""")
_WORDS = {"and", "or", "not", "in", "is", "as", "by", "with", "True", "False", "None", "only", "forloop", "block"}  # fmt: skip
_PLAIN = {"url", "static", "load", "trans", "translate", "csrf_token", "cycle", "now", "firstof", "widthratio", "ifchanged"}  # fmt: skip
"""Tags that go through nothing they are given."""
_ONE_BY_ONE = {"join", "length_is", "dictsort", "dictsortreversed", "safeseq", "unordered_list", "random", "length", "yesno", "default"}  # fmt: skip
"""Filters that bring all of a queryset."""


class Page:
    """A template's statements, the one that it extends, and the blocks that take the place of that one's."""

    def __init__(self, path: str, text: str, taken: frozenset[str] = frozenset()) -> None:
        self.parent, self.blocks, self.body = "", set[str](), list[t.Stmt]()
        module = Module(path, self.body)
        own = t.Function(1, 0, 1, path.rpartition("/")[2], [], [], None, self.body, False)
        self.scope = module.scopes[id(own)] = Scope(module, own, module.scope)
        self._open: list[list[t.Stmt]] = [self.body]
        self._taken, self._inherits = taken, "block.super" in text
        blank = _NO_TAGS.sub(lambda found: "\n" * found[0].count("\n"), text)
        line, past = 1, 0
        for token in _TOKEN.finditer(blank):
            line, past = line + blank.count("\n", past, token.start()), token.start()
            self._line = line
            if token[2] is None:
                if (value := self._value(token[1].strip())) is not None:
                    self._do(self._call(self._name("list"), [value]))
            else:
                self._tag(token[2], _PART.findall(token[3]), token[3])

    @property
    def replaced(self) -> frozenset[str]:
        """The blocks whose text in the template above is not shown."""
        return self._taken | (frozenset() if self._inherits else frozenset(self.blocks))

    def _tag(self, tag: str, parts: list[str], given: str) -> None:
        match tag, parts:
            case "for", [*names, "in", path] | [*names, "in", path, "reversed"] if len(
                self._open
            ) < _DEEPEST and (over := self._value(path)):
                targets: list[t.Expr] = [self._name(x) for n in names for x in n.split(",") if x]
                several = t.Seq(self._line, 0, self._line, "tuple", targets)
                target = targets[0] if len(targets) == 1 else several
                loop = t.For(self._line, 0, self._line, target, over, [], [])
                self._open[-1].append(loop)
                self._open += [loop.orelse, loop.body]
            case "for", _:
                self._open += [self._open[-1]] * 2
            case "empty", _ if len(self._open) > 2:
                self._open[-2:] = [self._open[-2], self._open[-2]]
            case "endfor", _ if len(self._open) > 2:
                del self._open[-2:]
            case "block", [name, *_]:
                self.blocks.add(name)
                self._open.append([] if name in self._taken else self._open[-1])
            case "endblock", _ if len(self._open) > 1:
                self._open.pop()
            case "extends", [name, *_]:
                self.parent = _text(name)
            case "include", [name, *rest]:
                keywords = [t.Keyword(*pair) for x in rest if (pair := self._pair(x))]
                self._do(self._call(self._name(OTHER), [self._const(_text(name))], keywords))
            case "if" | "elif", _:
                for part in parts:
                    if part not in _WORDS and (value := self._value(part)) is not None:
                        self._do(self._call(self._name("bool"), [value]))
            case "with" | "blocktrans" | "blocktranslate", _:
                for bound in filter(None, map(self._pair, parts)):
                    self._bind(*bound)
                if len(parts) > 2 and parts[1] == "as" and (kept := self._value(parts[0])):
                    self._bind(parts[2], kept)
            case _:
                for found in _ANY.finditer(given):
                    if found[1] and found[1] not in _WORDS and (own := self._value(found[1])):
                        whole = tag not in _PLAIN and isinstance(own, t.Name)
                        self._do(self._call(self._name("list"), [own]) if whole else own)

    def _bind(self, name: str, value: t.Expr) -> None:
        target = [self._name(name)]
        self._open[-1].append(t.Assign(self._line, 0, self._line, target, value, None, ""))

    def _do(self, value: t.Expr | None) -> None:
        if value is not None:
            self._open[-1].append(t.Do(self._line, 0, self._line, value))

    def _pair(self, part: str) -> tuple[str, t.Expr] | None:
        name, _, path = part.partition("=")
        value = self._value(path) if path and name.isidentifier() else None
        return (name, value) if value is not None else None

    def _value(self, text: str) -> t.Expr | None:
        """A variable with what is taken of it, and its filters."""
        if (found := _PATH.match(text)) is None or text.count(".") + text.count("|") > _DEEPEST:
            return None
        name, *names = found[1].split(".")
        value: t.Expr = self._name(name)
        for part in names:
            if part.isdigit():
                value = t.Item(self._line, 0, self._line, value, self._const(int(part)))
                continue
            value = t.Attr(self._line, 0, self._line, value, part)
            if part in CALLED:
                value = self._call(value, [])
        for word, most in _FILTER.findall(found[2]):
            if word == "slice" and most:
                index = t.Slice(self._line, 0, self._line, None, self._const(int(most)))
                value = t.Item(self._line, 0, self._line, value, index)
            elif word == "first":
                value = t.Item(self._line, 0, self._line, value, self._const(0))
            elif word in _ONE_BY_ONE:
                value = self._call(self._name("list"), [value])
        return value

    def _name(self, name: str) -> t.Expr:
        return t.Name(self._line, 0, self._line, name)

    def _const(self, value: int | str) -> t.Expr:
        return t.Const(self._line, 0, self._line, value)

    def _call(
        self, func: t.Expr, args: list[t.Expr], keywords: list[t.Keyword] | None = None
    ) -> t.Expr:
        return t.Call(self._line, 0, self._line, func, args, keywords or [])


def _text(part: str) -> str:
    """What a tag names in quotes; "" where it does not."""
    return part[1:-1] if part[:1] in ("'", '"') and part[-1:] == part[:1] else ""
