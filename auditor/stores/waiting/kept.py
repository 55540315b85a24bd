"""Classes of whose objects no package gets one: what they store is asked for by the tree alone, whatever they call it."""

from __future__ import annotations

import functools
from collections.abc import Iterator

from auditor.extract.python import tree as t
from auditor.link.application import Application
from auditor.link.kinds import all_bases_told
from auditor.link.mentions import Mentions
from auditor.link.scopes import Located, Scope
from auditor.stores.waiting.unused import Unused, bases_of

STORING = {
    "add", "clear", "count", "create", "delete", "destroy", "fetch", "filter", "get", "insert", "list", "load", "put", "query", "read",
    "remove", "replace", "retrieve", "save", "search", "select", "store", "update",
}  # fmt: skip
"""What repositories call that they do with records, as packages call what they do with sessions, files and queues."""
_SAYING = {"builtins", "abc", "typing", "typing_extensions"}
"""Packages whose classes say what others are like, and call nothing of them."""
_LOOKS = {"isinstance", "issubclass", "super", "print", "len", "bool", "str", "repr", "type", "id"}
"""What keeps nothing of what it is given."""
INJECTS = {"Depends", "Security", "Provide"}
"""What calls what it is given, and hands on what that gives."""
_HOLDS = {"self", "cls", "state", "ctx", "g"}
"""Objects that hold for the tree whatever it sets: `app.state.notes = Notes()`."""


class Kept:
    """Tells which classes the tree keeps to itself: each time that it speaks of one, it makes an object or declares one, and
    gives none away."""

    def __init__(self, application: Application, unused: Unused) -> None:
        self.code, self.unused = application.code, unused
        (self.mentions,) = application.facts(Mentions)
        self._known: dict[int, bool] = {}

    def is_kept(self, found: Located) -> bool:
        key = id(found.node)
        if key not in self._known:
            self._known[key] = self._is_kept(found)
        return self._known[key]

    def _is_kept(self, found: Located) -> bool:
        if self.unused.finds_by_name or self.unused.made_up.may_be(found.path):
            return False
        heirs = self.code.heirs(found)
        above = {kind for heir in heirs for kind in self.code.ancestry(heir)}
        classes = [each for kind in above if (each := self.code.definition(kind)) is not None]
        outside = {kind.partition(".")[0] for kind in above if self.code.definition(kind) is None}
        if not outside <= _SAYING or not all(all_bases_told(self.code, each) for each in classes):
            return False
        if any(map(self.unused.is_seen, heirs)) or not self._given.isdisjoint(above):
            return False
        if not self.unused.deployed.isdisjoint(heir.node.name for heir in heirs):  # type: ignore[attr-defined]
            return False
        harmless = self._harmless | bases_of(heirs)
        return all(
            self.mentions.is_call(site) or id(site.node) in harmless
            for heir in heirs
            for site in self.mentions.of(heir)
        )

    @functools.cached_property
    def _harmless(self) -> set[int]:
        """Where a class is named (by `id`) to say what something is, or for what it has itself."""
        found: set[int] = set()
        for module in self.code.modules.values():
            for node, _ in self.code.nodes(module):
                match node:
                    case t.Attr(value=value):
                        found.add(id(value))
                    case t.Function(params=params, returns=returns):
                        told = [p.annotation for p in params] + [returns]
                        found.update(id(n) for n in t.walk(*filter(None, told)))
                    case t.Assign(annotation=t.Node() as annotation):
                        found.update(map(id, t.walk(annotation)))
                    case t.Call(func=func, args=args) if t.last_word(func) in INJECTS:
                        found.update(map(id, args))
        return found

    @functools.cached_property
    def _given(self) -> frozenset[str]:
        """The classes of which an object is given to what is none of the tree's, or set where a package may ask for it."""
        return frozenset(
            name.removesuffix("()")
            for given, scope in self._giving()
            for each in _objects(given)
            if (name := self.code.name(each, scope)).endswith("()")
        )

    def _giving(self) -> Iterator[tuple[t.Expr, Scope]]:
        for site in self.code.all_calls():
            last = t.last_word(site.node.func)
            if last in _LOOKS or last in INJECTS or self._is_of_the_tree(site.node.func, site.scope):  # fmt: skip
                continue
            for given in (*site.node.args, *(k.value for k in site.node.keywords)):
                yield given, site.scope
        for assign, scope in self.code.of_kind(t.Assign):
            owners = [t.last_word(x.value) for x in assign.targets if isinstance(x, t.Attr)]
            in_heir = isinstance(scope.owner, t.Class) and scope.owner.bases
            if assign.value is not None and (in_heir or not _HOLDS.issuperset(owners)):
                yield assign.value, scope

    def _is_of_the_tree(self, called: t.Expr, scope: Scope) -> bool:
        """Whether a function of the tree is called, or a class that inherits from none of a package."""
        found = self.code.definition(self.code.name(called, scope))
        if found is None or not isinstance(found.node, t.Class):
            return found is not None
        kinds = self.code.ancestry(found)
        return all(self.code.definition(k) or k.partition(".")[0] in _SAYING for k in kinds)


def _objects(given: t.Expr) -> Iterator[t.Expr]:
    """What may be an object in what is given, but for what is given to another call there."""
    match given:
        case t.Name() | t.Attr() | t.Call():
            yield given
        case t.Const() | t.Compare() | t.Text():
            return
        case _:
            for node in t.walk(given):
                if isinstance(node, t.Name | t.Attr | t.Call):
                    yield node
