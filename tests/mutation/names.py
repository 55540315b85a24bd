"""What a name of a tree may bring along, told from the source alone.

A deliberately plain reading, apart from the analyser's: names are followed by their last part only,
through dependencies, aliases, instances, base classes and what a decorator returns.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

DEPENDS = {"Depends", "Security"}


@dataclass(frozen=True)
class Span:
    """The lines of a definition, decorators included."""

    path: str
    first: int
    last: int

    def holds(self, path: str, line: int) -> bool:
        return path == self.path and self.first <= line <= self.last


@dataclass
class Names:
    """Definitions by their last name, and the names that each leads to."""

    spans: dict[str, list[Span]] = field(default_factory=lambda: defaultdict(list))
    leads: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    bases: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    _reached: dict[frozenset[str], frozenset[str]] = field(default_factory=dict)
    _covering: dict[tuple[str, int], frozenset[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, sources: Mapping[str, str]) -> Names:
        """From the text of each file; those that cannot be parsed are left out."""
        names = cls()
        for path, text in sources.items():
            try:
                tree = ast.parse(text)
            except (SyntaxError, ValueError, RecursionError):
                continue
            for node in ast.walk(tree):
                names._add(path, node)
        return names

    def _add(self, path: str, node: ast.AST) -> None:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            self._define(path, node.name, node)
            self.leads[node.name] |= set(_injected(node.args)) | set(_returned(node))
        elif isinstance(node, ast.ClassDef):
            self._define(path, node.name, node)
            bases = {last for base in node.bases if (last := last_name(base))}
            self.bases[node.name] |= bases
            self.leads[node.name] |= bases
            for stmt in node.body:
                if isinstance(stmt, ast.FunctionDef | ast.AsyncFunctionDef):
                    if stmt.name in ("__init__", "__call__"):
                        self.leads[node.name] |= set(_injected(stmt.args))
        elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                if isinstance(target, ast.Name) and _names_something(node.value):
                    self._define(path, target.id, node)
                    self.leads[target.id] |= set(mentioned(node.value))

    def _define(self, path: str, name: str, node: ast.stmt) -> None:
        decorators = getattr(node, "decorator_list", [])
        first = min([node.lineno, *(d.lineno for d in decorators)])
        self.spans[name].append(Span(path, first, node.end_lineno or node.lineno))

    def lead_to(self, names: frozenset[str], path: str, line: int) -> bool:
        """Whether names lead to the definition in which a line stands."""
        if (path, line) not in self._covering:
            self._covering[path, line] = frozenset(
                name
                for name, spans in self.spans.items()
                if any(span.holds(path, line) for span in spans)
            )
        return not self._covering[path, line].isdisjoint(self.every(names))

    def every(self, names: frozenset[str]) -> frozenset[str]:
        """The names and all that they lead to."""
        if names not in self._reached:
            seen, pending = set(names), list(names)
            while pending:
                fresh = self.leads.get(pending.pop(), set()) - seen
                seen |= fresh
                pending.extend(fresh)
            self._reached[names] = frozenset(seen)
        return self._reached[names]

    def derived(self, name: str) -> set[str]:
        """A class and all that derive from it."""
        found = {name}
        while more := {c for c, bases in self.bases.items() if bases & found} - found:
            found |= more
        return found


def last_name(node: ast.expr) -> str:
    """`b` of `a.b`, of `a.b()` and of `a.b[c]`."""
    while isinstance(node, ast.Call | ast.Subscript):
        node = node.func if isinstance(node, ast.Call) else node.value
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def mentioned(node: ast.AST) -> Iterator[str]:
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name):
            yield inner.id
        elif isinstance(inner, ast.Attribute):
            yield inner.attr


def _names_something(node: ast.expr) -> bool:
    """Whether an assignment gives a thing another name: an alias, an instance, what is made of two."""
    return isinstance(node, ast.Name | ast.Attribute | ast.Call | ast.Subscript | ast.BinOp)


def _injected(args: ast.arguments) -> Iterator[str]:
    """The names in a function's `Depends(…)`, and its plain annotations (they may be aliases)."""
    every = [*args.posonlyargs, *args.args, *args.kwonlyargs]
    for node in [a.annotation for a in every] + [*args.defaults, *args.kw_defaults]:
        if node is not None:
            yield from dependency_names(node)


def dependency_names(node: ast.expr) -> Iterator[str]:
    """The names that a parameter's annotation or default brings."""
    if isinstance(node, ast.Name | ast.Attribute):
        yield last_name(node)
    for call in ast.walk(node):
        if isinstance(call, ast.Call) and last_name(call) in DEPENDS:
            for arg in (*call.args, *(k.value for k in call.keywords)):
                yield from mentioned(arg)
            if not call.args and not call.keywords:
                yield from mentioned(node)


def _returned(node: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    """What a decorator that combines others calls: the names in its own `return` expressions."""
    for stmt in node.body:
        if isinstance(stmt, ast.Return) and isinstance(stmt.value, ast.Call):
            yield from (last_name(c) for c in ast.walk(stmt.value) if isinstance(c, ast.Call))
