"""Where functions are spoken of: who may call one, as far as its name tells.

A call of an object of a class that is told to be another one is no call of a method; whatever else is
spelt like it (an attribute, a text without spaces, a renaming import, a template's word) may be one.
"""

from __future__ import annotations

import functools
import re
from collections import defaultdict
from collections.abc import Iterator

from auditor.extract.python import tree as t
from auditor.link.application import Application, provides
from auditor.link.names import Code
from auditor.link.scopes import CallSite, Located, Scope

_WORD = re.compile(r"\w+")
_SPACE = re.compile(r"\s")
_SPEAKING = {t.Const, t.Import, t.Text, t.Call}
_LONGEST = 200
_SHORTEST = 3
_LOOSE = ("Protocol", "ABC")
"""What a class inherits from that others are passed for without saying so."""


class Mentions:
    """Where each name of a function or class is written, but for its definition and imports of it."""

    def __init__(self, code: Code) -> None:
        self.code = code
        self._written: dict[str, list[Located]] = defaultdict(list)
        self._built: list[tuple[str, str]] = []
        names = {f.node.name for f in (*code.functions(), *code.classes())}  # type: ignore[attr-defined]
        exported = {
            id(node)
            for assign, _ in code.of_kind(t.Assign)
            if t.dotted(assign.targets[0]) == "__all__" and assign.value is not None
            for node in t.walk(assign.value)
        }
        written = self._written
        for module in code.modules.values():
            for node, scope in code.nodes(module):
                kind = type(node)
                if kind is t.Attr or kind is t.Name:
                    name: str = node.name if kind is t.Attr else node.id  # type: ignore[attr-defined]
                    if name in names:
                        written[name].append(Located(node, scope))
                elif kind in _SPEAKING:
                    for name in self._names(node):
                        if name in names and id(node) not in exported:
                            written[name].append(Located(node, scope))

    def _names(self, node: t.Node) -> Iterator[str]:
        match node:
            case t.Const(value=str(text)) if len(text) < _LONGEST and not _SPACE.search(text):
                yield from _WORD.findall(text)
            case t.Import(names=names):
                yield from (name.rpartition(".")[2] for name, alias in names if alias and alias != name)  # fmt: skip
            case t.Text():
                self._built += _ends(node)
            case t.Call(func=t.Name(id="getattr"), args=[_, name, *_]):
                self._built += _ends(name)

    def of(self, found: Located) -> list[Located]:
        """Where a function or class may be meant, itself left out."""
        name: str = found.node.name  # type: ignore[attr-defined]
        inner = self.code.inside(found)
        means = self._meaning(found)
        return [
            site
            for site in self._written.get(name, ())
            if not _within(site.scope, inner) and means(site)
        ]

    def is_call(self, site: Located) -> bool:
        """Whether what is spoken of is called there and then."""
        return self.call(site) is not None

    def call(self, site: Located) -> CallSite | None:
        """The call of what is spoken of, where it is called there and then."""
        return self._calls.get(id(site.node))

    @functools.cached_property
    def _calls(self) -> dict[int, CallSite]:
        """Every call, by the `id` of what it calls."""
        return {id(call.node.func): call for call in self.code.all_calls()}

    def built(self, name: str) -> bool:
        """Whether the code makes up names like this one: `getattr(self, f"handle_{kind}")`."""
        return any(name.startswith(first) and name.endswith(last) for first, last in self._built)

    def _meaning(self, found: Located) -> _Meaning:
        own = found.scope
        if not isinstance(own.owner, t.Class) or own.parent is None:
            return _Meaning(self.code, frozenset())
        name: str = found.node.name  # type: ignore[attr-defined]
        kinds = self.code.ancestry(Located(own.owner, own.parent))
        return _Meaning(self.code, frozenset(f"{kind}.{name}" for kind in kinds))


@provides(Mentions)
def mentions(application: Application) -> list[Mentions]:
    return [Mentions(application.code)]


class _Meaning:
    """Tells whether a mention may mean a method whose classes these are; anything may mean a function."""

    def __init__(self, code: Code, above: frozenset[str]) -> None:
        self.code, self.above = code, above

    def __call__(self, site: Located) -> bool:
        if not self.above or not isinstance(site.node, t.Attr):
            return True
        found = self.code.defined(site.node, site.scope)
        return found is None or self.code.own_name(found) in self.above or self._is_loose(found)

    def _is_loose(self, found: Located) -> bool:
        owner, around = found.scope.owner, found.scope.parent
        if not isinstance(owner, t.Class) or around is None:
            return False
        kinds = self.code.ancestry(Located(owner, around))
        return any(kind.rpartition(".")[2] in _LOOSE for kind in kinds)


def _ends(name: t.Expr) -> list[tuple[str, str]]:
    """How a name begins and ends that is made up of parts."""
    match name:
        case t.Text(parts=[_, *_] as inside):
            pass
        case t.BinOp(op="+", left=left, right=right):
            inside = [left, right]
        case _:
            return []
    first, last = (x.value if isinstance(x, t.Const) else "" for x in (inside[0], inside[-1]))
    texts = (first if isinstance(first, str) else "", last if isinstance(last, str) else "")
    spelt = all(not text or text.isidentifier() for text in texts)
    return [texts] if spelt and max(map(len, texts)) >= _SHORTEST else []


def _within(scope: Scope | None, outer: Scope) -> bool:
    while scope is not None and scope is not outer:
        scope = scope.parent
    return scope is outer
