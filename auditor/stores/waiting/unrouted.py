"""Views of Django to which no URL leads, and serializers, forms and the like that no view names: nobody waits for what they ask.

A class of views that is spoken of as the base of others at most, and a view that only decorators of Django speak of,
which register nothing, or addresses that no others include; actions of viewsets that are routed for others. Told where the addresses of the tree could all be read, and where nothing makes up names.
"""

from __future__ import annotations

import functools
import re

from auditor.extract.python import tree as t
from auditor.frameworks.django.urls import UrlConf
from auditor.frameworks.django.views import ACTIONS
from auditor.link.application import Application
from auditor.link.layout import module_name
from auditor.link.mentions import Mentions
from auditor.link.reach import named_by
from auditor.link.scopes import Located, Scope
from auditor.model.web import Route
from auditor.stores.sql.django.actions import Actions
from auditor.stores.waiting.by_hand import stem
from auditor.stores.waiting.hooks import VIEW
from auditor.stores.waiting.shadowed import Shadowed
from auditor.stores.waiting.unused import Unused
from auditor.stores.waiting.wrapping import GUARDS

_VIEW = re.compile(VIEW)
_PART = re.compile(
    r"^rest_framework\.(?:serializers|permissions|filters|pagination|throttling|authentication)\.|^django\.forms\.|^django\.contrib\.(?:admin|auth\.forms)\."
    r"|^django_filters\.(?:filterset|rest_framework|FilterSet)"
)
"""Classes that views, settings and the admin site make use of by their names alone."""
_DEEPEST = 4
_TELLS = {"model", "queryset", "get_queryset"}
"""By what a view says itself what its list is."""


class Unrouted:
    """Tells which views of Django nothing leads to."""

    def __init__(self, application: Application, unused: Unused) -> None:
        self.application, self.code, self.unused = application, application.code, unused
        (self.shadowed,) = application.facts(Shadowed)

    def asks_nothing(self, found: Located) -> bool:
        """Whether what a class says in its body is asked by none; of views, where each that is routed says anew what its list is."""
        if not self._is_view(found):
            return self._is_in_no_use(found)
        return not any(
            self._is_routed(heir) and not self._says_anew(heir, found)
            for heir in self.code.heirs(found)
        )

    def view(self, method: Located) -> str:
        """The class of views, or of what belongs to them, whose method something is, where no URL leads to it or to one that inherits from it."""
        found = method.of_class
        return found.node.name if found is not None and self._is_in_no_use(found) else ""  # type: ignore[attr-defined]

    def _is_in_no_use(self, found: Located, seen: frozenset[int] = frozenset()) -> bool:
        """Whether nothing names a class of views or what belongs to them, nor one that inherits from it."""
        kinds = self._is_sure and self.code.ancestry(found)
        if not kinds or not any(_VIEW.search(kind) or _PART.search(kind) for kind in kinds):
            return False
        return not any(self._is_routed(heir, seen) for heir in self.code.heirs(found))

    def action(self, method: Located) -> str:
        """The action of a viewset that no route sends anything, of whatever class that inherits it."""
        found, node = method.of_class, method.node
        if found is None or not isinstance(node, t.Function) or not self._is_action(node):
            return ""
        if not self._is_view(found):
            return ""
        (actions,) = self.application.facts(Actions)
        ran = [actions.of(heir) for heir in self.code.heirs(found) if self._is_routed(heir)]
        sent = not ran or any(x is None or node.name in x for x in ran)
        return "" if sent else f"{found.node.name}.{node.name}"  # type: ignore[attr-defined]

    @staticmethod
    def _is_action(node: t.Function) -> bool:
        return node.name in ACTIONS or any(
            t.last_word(t.callee(d)) == "action" for d in node.decorators
        )

    def registers_nothing(self, decorator: t.Expr, function: Located) -> bool:
        """Whether a decorator only guards a view: `@login_required`."""
        name = self.code.name(t.callee(decorator), function.scope)
        guards = name.startswith(GUARDS) and self._is_sure
        return guards and not self.unused.made_up.may_be(function.path)

    def _is_view(self, found: Located) -> bool:
        return any(map(_VIEW.search, self.code.ancestry(found))) and self._is_sure

    def _is_routed(self, found: Located, seen: frozenset[int] = frozenset()) -> bool:
        """Whether anything but classes that inherit from it, or that are in no use, speaks of a class, or is handed its module."""
        name: str = found.node.name  # type: ignore[attr-defined]
        (mentions,) = self.application.facts(Mentions)
        if (
            mentions.built(name)
            or self.unused.made_up.may_be(found.path)
            or stem(found.path) in self._handed_on
            or self.unused.is_seen(found)
        ):
            return True
        return any(
            id(site.node) not in self._bases
            and site.path not in self.left_out
            and id(site.node) not in self.shadowed.nodes
            and not self._is_said_in_vain(site, seen | {id(found.node)})
            for site in mentions.of(found)
        )

    def _is_said_in_vain(self, site: Located, seen: frozenset[int]) -> bool:
        """Whether a place lies in a class that is in no use itself, or in one of those `seen`, from which the search came."""
        scope: Scope | None = site.scope
        while scope is not None and (not isinstance(scope.owner, t.Class) or scope.parent is None):
            scope = scope.parent
        if scope is None or scope.parent is None or len(seen) > _DEEPEST:
            return False
        around = Located(scope.owner, scope.parent)  # type: ignore[arg-type]
        return id(around.node) in seen or self._is_in_no_use(around, seen)

    @functools.cached_property
    def left_out(self) -> frozenset[str]:
        """The lists of addresses that no other one includes, and of which nothing speaks: `clinic/urls.py` of an
        application that is not installed."""
        if not self._is_sure:
            return frozenset()
        read = set().union(*(conf.read for conf in self.application.facts(UrlConf)))
        listed = (m.path for m in self.code.modules.values() if "urlpatterns" in m.scope.bindings)
        left = {
            path for path in listed if path not in read and not self.unused.made_up.may_be(path)
        }
        for node, scope in self.code.of_kind(t.Import) if left else ():
            left -= {module.path for module in named_by(self.code, node, scope)}
        texts = {n.value for n, _ in self.code.of_kind(t.Const) if isinstance(n.value, str)} if left else set()  # fmt: skip
        dotted = {path: module_name(path) for path in left}
        return frozenset(
            path
            for path in left
            if not any(f".{dotted[path]}".endswith(f".{text}") for text in texts if "." in text)
        )

    def _says_anew(self, heir: Located, found: Located) -> bool:
        above = self.code.ancestry(heir)
        nearer = above[: above.index(self.code.own_name(found))]
        return any(f"{kind}.{name}" in self._told for kind in nearer for name in _TELLS)

    @functools.cached_property
    def _told(self) -> frozenset[str]:
        """What classes of the tree say in their bodies, by their names."""
        return frozenset(
            f"{self.code.own_name(each)}.{name}"
            for each in self.code.classes()
            for name in self.code.inside(each).bindings
            if name in _TELLS
        )

    @functools.cached_property
    def _is_sure(self) -> bool:
        routes = any(route.framework == "Django" for route in self.application.facts(Route))
        return routes and not self.unused.is_blind and not self.unused.finds_classes

    @functools.cached_property
    def _bases(self) -> frozenset[int]:
        return frozenset(
            id(node)
            for each in self.code.classes()
            for base in each.node.bases  # type: ignore[attr-defined]
            for node in t.walk(base)
        )

    @functools.cached_property
    def _handed_on(self) -> frozenset[str]:
        """What is given to calls by its name, as modules are: `inspect.getmembers(views)`, `getattr(views, name)`."""
        return frozenset(
            t.last_word(arg) for site in self.code.all_calls() for arg in site.node.args
        )
