"""What stands where in the Python of a tree: nodes by kind, calls by word, definitions by name."""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import TypeVar

from auditor.extract.python import tree as t
from auditor.link.scopes import CallSite, Definition, Located, Module, Scope, scoped

_INDEXED = {
    t.Import,
    t.Item,
    t.Const,
    t.Text,
    t.Hidden,
    t.Assign,
    t.Return,
    t.Do,
    t.With,
    t.For,
    t.Await,
}
N = TypeVar("N", bound=t.Node)


class Index:
    """Every node of a tree, found by what is written; nothing is followed."""

    def __init__(self, modules: Iterable[Module]) -> None:
        self.modules = {module.path: module for module in modules}
        self._nodes = {id(m): list(scoped(m)) for m in self.modules.values()}
        self._by_kind: dict[type, list[Located]] = defaultdict(list)
        self._calls: dict[str, list[CallSite]] = defaultdict(list)
        for nodes in self._nodes.values():
            for node, scope in nodes:
                if type(node) is t.Call:
                    func = node.func
                    if type(func) is t.Item and t.last_word(func.value)[:1].isupper():
                        func = func.value  # Repository[User](session)
                    self._calls[t.last_word(func)].append(CallSite(node, scope))
                elif type(node) in _INDEXED:
                    self._by_kind[type(node)].append(Located(node, scope))
                elif isinstance(node, t.Bind):
                    scope.walruses.append(node)
        self._defined = [
            found
            for nodes in self._nodes.values()
            for found in (Located(n, s) for n, s in nodes if type(n) in (t.Function, t.Class))
        ]
        self._definitions = {
            f"{found.path}:{self._qualname(found.node, found.scope)}": found  # type: ignore[arg-type]
            for found in self._defined
        }  # of several with one name, the last holds it

    def nodes(self, module: Module) -> list[tuple[t.Node, Scope]]:
        """Every node of a module in source order, each with its scope."""
        return self._nodes[id(module)]

    def of_kind(self, kind: type[N]) -> Iterator[tuple[N, Scope]]:
        """Every node of one of the kinds that are asked for often, with its scope."""
        assert kind in _INDEXED
        return ((found.node, found.scope) for found in self._by_kind[kind])  # type: ignore[misc]

    def all_calls(self) -> Iterator[CallSite]:
        return (site for sites in self._calls.values() for site in sites)

    def functions(self) -> Iterator[Located]:
        """All functions, also those whose name another one takes over."""
        return (found for found in self._defined if isinstance(found.node, t.Function))

    def classes(self) -> Iterator[Located]:
        return (found for found in self._defined if isinstance(found.node, t.Class))

    def method_calls(self, *names: str) -> Iterator[CallSite]:
        """Calls of any attribute or function with one of these plain names."""
        for name in names:
            yield from self._calls.get(name, ())

    @functools.cached_property
    def packages(self) -> frozenset[str]:
        """The modules that anything of the tree imports, and their first names: `flaskext.mysql`, `flaskext`."""
        modules = {
            imported.module or name
            for imported, _ in self.of_kind(t.Import)
            for name, _ in imported.names
        }
        return frozenset(modules | {module.partition(".")[0] for module in modules})

    @functools.cached_property
    def parts(self) -> frozenset[str]:
        """The names of the tree's modules, and of the folders that they lie in."""
        return frozenset(x for path in self.modules for x in path.removesuffix(".py").split("/"))

    def imports(self, *packages: str) -> bool:
        """Whether anything of the tree imports one of these packages."""
        return not self.packages.isdisjoint(packages)

    @functools.cached_property
    def words(self) -> set[str]:
        """Every plain name that something of the tree may be called by."""
        words = {found.node.name for found in self._defined}  # type: ignore[attr-defined]
        for imported, _ in self.of_kind(t.Import):
            words.update(alias for _, alias in imported.names if alias)
        for assign, _ in self.of_kind(t.Assign):
            if isinstance(assign.value, t.Name | t.Attr | t.Call):
                for target in assign.targets:
                    words.add(t.last_word(target))
        return words

    @functools.cached_property
    def properties(self) -> frozenset[str]:
        """Plain names of the tree's properties."""
        return frozenset(
            found.node.name  # type: ignore[attr-defined]
            for found in self.functions()
            if is_property(found)
        )

    def _calls_named(self, last: str) -> list[CallSite]:
        """Calls spelt with this last word, or with an alias that imports it."""
        return [*self._calls.get(last, ()), *self._aliased.get(last, ())]

    @functools.cached_property
    def _aliased(self) -> dict[str, list[CallSite]]:
        """Calls through a renaming: `from fastapi import Depends as D`, `get = client.get`."""
        found: dict[str, list[CallSite]] = defaultdict(list)
        renamed: dict[str, set[str]] = defaultdict(set)
        for imported, _ in self.of_kind(t.Import):
            for name, alias in imported.names:
                if alias and alias != name:
                    renamed[alias].add(name.split(".")[-1])
        for assign, _ in self.of_kind(t.Assign):
            if isinstance(assign.value, t.Name | t.Attr):
                for target in assign.targets:
                    if isinstance(target, t.Name) and target.id != t.last_word(assign.value):
                        renamed[target.id].add(t.last_word(assign.value))
        for alias, originals in renamed.items():
            for original in sorted(originals):
                found[original].extend(self._calls.get(alias, ()))
        return found

    def decorated(self, call: t.Call) -> Located | None:
        """The function that a call decorates."""
        return self._decorated.get(id(call))

    @functools.cached_property
    def _decorated(self) -> dict[int, Located]:
        return {id(d): f for f in self.functions() for d in f.node.decorators}  # type: ignore[attr-defined]

    def definition(self, name: str) -> Located | None:
        """The function or class of the tree with this canonical name."""
        return self._definitions.get(name)

    def own_name(self, found: Located) -> str:
        """The canonical name of a function or class of the tree."""
        return f"{found.path}:{self._qualname(found.node, found.scope)}"  # type: ignore[arg-type]

    def methods_named(self, name: str) -> list[Located]:
        """Every method of this plain name, whatever its class."""
        return self._methods.get(name, [])

    @functools.cached_property
    def _methods(self) -> dict[str, list[Located]]:
        found: dict[str, list[Located]] = defaultdict(list)
        for each in self.functions():
            if isinstance(each.scope.owner, t.Class):
                found[each.node.name].append(each)  # type: ignore[attr-defined]
        return found

    def definitions_in(self, path: str) -> list[tuple[str, Located]]:
        """(canonical name, definition) of everything a module defines."""
        return [(n, f) for n, f in self._definitions.items() if f.path == path]

    def _qualname(self, node: Definition, scope: Scope) -> str:
        outer = scope.qualname
        return f"{outer}.{node.name}" if outer else node.name


def is_property(function: Located) -> bool:
    """Whether a function runs where its name is read as an attribute."""
    decorators: list[t.Expr] = getattr(function.node, "decorators", [])
    return any(t.last_word(each) in ("property", "cached_property") for each in decorators)
