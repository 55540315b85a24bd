"""Classes of which nothing is asked, but through others that inherit from them: what their methods ask for is told for
those alone.

`class Note(Store)` in a module that nothing imports, and `Store` itself where the code speaks of `Lead(Store)` only.
"""

from __future__ import annotations

from auditor.extract.python import tree as t
from auditor.link.application import Application, provides
from auditor.link.scopes import Located
from auditor.stores.waiting.errands import Errands
from auditor.stores.waiting.unused import bases_of


class Unasked:
    """Tells which classes nothing speaks of. Whatever may be found by its name, or called by a framework, is asked."""

    def __init__(self, application: Application) -> None:
        self.code = application.code
        (self.errands,) = application.facts(Errands)

    def __call__(self, found: Located) -> bool:
        unused, node = self.errands.unused, found.node
        assert isinstance(node, t.Class)
        if unused.finds_by_name or unused.made_up.may_be(found.path) or unused.is_seen(found):
            return False
        inside = (n for n in t.walk(*node.body) if isinstance(n, t.Name | t.Attr))
        if any(t.last_word(n) == node.name for n in inside) or not self.errands.is_plain(found):
            return False
        idle = self._calling_nothing(found)
        return not any(True for _ in unused.speaking(found, idle))

    def _calling_nothing(self, found: Located) -> set[int]:
        """Where heirs name a class: as their base, or for what its body keeps (`fields = [*Store.fields, "title"]`)."""
        kept = self.code.inside(found).bindings
        heirs = self.code.heirs(found)
        fields = [s for heir in heirs for s in heir.node.body if isinstance(s, t.Assign)]  # type: ignore[attr-defined]
        return bases_of(heirs) | {
            id(node.value)
            for node in t.walk_own(*fields)
            if isinstance(node, t.Attr) and (bound := kept.get(node.name))
            if all(binding.kind == "value" for binding in bound)
        }


@provides(Unasked)
def unasked(application: Application) -> list[Unasked]:
    return [Unasked(application)]
