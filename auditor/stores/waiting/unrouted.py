"""Views of Django to which no URL leads: nobody waits for what they ask.

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
from auditor.link.scopes import Located
from auditor.model.web import Route
from auditor.stores.sql.django.actions import Actions
from auditor.stores.waiting.by_hand import stem
from auditor.stores.waiting.unused import Unused
from auditor.stores.waiting.wrapping import GUARDS

_VIEW = re.compile(
    r"^django\.views\.|^rest_framework\.(?:views|generics|viewsets|mixins)\.|^django_filters\.views\."
)
_TELLS = {"model", "queryset", "get_queryset"}
"""By what a view says itself what its list is."""


class Unrouted:
    """Tells which views of Django nothing leads to."""

    def __init__(self, application: Application, unused: Unused) -> None:
        self.application, self.code, self.unused = application, application.code, unused

    def asks_nothing(self, found: Located) -> bool:
        """Whether what a class of views says of its list is asked by none: each view that is routed says it anew."""
        return self._is_view(found) and not any(
            self._is_routed(heir) and not self._says_anew(heir, found)
            for heir in self.code.heirs(found)
        )

    def view(self, method: Located) -> str:
        """The class of views that a method belongs to, where no URL leads to it or to one that inherits from it."""
        owner, around = method.scope.owner, method.scope.parent
        if not isinstance(owner, t.Class) or around is None:
            return ""
        found = Located(owner, around)
        routed = not self._is_view(found) or any(map(self._is_routed, self.code.heirs(found)))
        return "" if routed else owner.name

    def action(self, method: Located) -> str:
        """The action of a viewset that no route sends anything, of whatever class that inherits it."""
        owner, around, node = method.scope.owner, method.scope.parent, method.node
        if not isinstance(owner, t.Class) or around is None or not isinstance(node, t.Function):
            return ""
        found = Located(owner, around)
        if not self._is_action(node) or not self._is_view(found):
            return ""
        (actions,) = self.application.facts(Actions)
        ran = [actions.of(heir) for heir in self.code.heirs(found) if self._is_routed(heir)]
        sent = not ran or any(x is None or node.name in x for x in ran)
        return "" if sent else f"{owner.name}.{node.name}"

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

    def _is_routed(self, found: Located) -> bool:
        """Whether anything but classes that inherit from it speaks of a class, or is handed its module."""
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
            id(site.node) not in self._bases and site.path not in self.left_out
            for site in mentions.of(found)
        )

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
