"""What a view of Django REST Framework has to do for the methods that its routes send it: a viewset that is routed
by `as_view({"delete": "destroy"})` lists nothing.

Source: https://github.com/encode/django-rest-framework/blob/master/rest_framework/mixins.py and generics.py.
"""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Iterator

from auditor.extract.python import tree as t
from auditor.frameworks.django.views import ACTIONS, METHODS, Views
from auditor.link.application import Application, provides
from auditor.link.mentions import Mentions
from auditor.link.scopes import Located
from auditor.model.blind import BlindSpot
from auditor.model.values import possible
from auditor.model.web import Route

_CALLS = {
    "list": ("filter_queryset",), "retrieve": ("get_object",), "update": ("get_object",),
    "partial_update": ("update",), "destroy": ("get_object", "perform_destroy"),
}  # fmt: skip
"""What the framework's own methods call that a class may have taken the place of."""
_LISTS = {"list", "filter_queryset", "paginate_queryset"}


class Actions:
    """Tells which of its methods a view runs."""

    def __init__(self, application: Application) -> None:
        self.application, self.views = application, Views(application.values)

    def lists(self, view: Located) -> bool:
        """Whether a view that can list its records is ever asked to."""
        ran = self.of(view)
        return (
            ran is None
            or not _LISTS.isdisjoint(ran - {"list"})
            or ("list" in ran and self._may_hand_on(view))
        )

    def _may_hand_on(self, view: Located) -> bool:
        """Whether its `list` may leave the list to the framework: one that asks for it by itself does not."""
        own = self.views.method(view, "list")
        nodes = list(t.walk(*own.node.body)) if own is not None else []  # type: ignore[attr-defined]
        handed = (arg for node in nodes if isinstance(node, t.Call) for arg in node.args)
        return (
            own is None
            or any(isinstance(node, t.Attr) and node.name in _LISTS for node in nodes)
            or any(isinstance(arg, t.Name) and arg.id == "self" for arg in handed)
        )

    def looks_up(self, view: Located) -> bool:
        """Whether a view that can look up one record is ever asked to."""
        ran = self.of(view)
        return ran is None or "get_object" in ran

    def of(self, view: Located) -> frozenset[str] | None:
        """The methods that are run, near or far; None where no class tells what it is sent."""
        routed = self._routed.get(id(view.node), [])
        only = bool(routed) and self._is_only_routed(view)
        pending = routed if only else [*routed, *self._served(view)]
        if not pending:
            return None
        ran: set[str] = set()
        left = list(pending)
        while left:
            name = left.pop()
            if name not in ran:
                ran.add(name)
                own = self.views.method(view, name)
                left += _CALLS.get(name, ()) if own is None else self._called(view, own)
        return frozenset(ran)

    def _called(self, view: Located, method: Located) -> Iterator[str]:
        """What a method asks of its own object, and of the class above: there, what the framework calls in turn."""
        for node in t.walk(*method.node.body):  # type: ignore[attr-defined]
            match node:
                case t.Attr(value=t.Name(id="self"), name=name):
                    yield name
                case t.Attr(value=t.Call(func=t.Name(id="super")), name=name):
                    yield name
                    yield from _CALLS.get(name, ())
                    if name.upper() in METHODS and name == method.node.name:  # type: ignore[attr-defined]
                        yield from self._sent_on(view, name.upper())

    def _is_only_routed(self, view: Located) -> bool:
        """Whether all that speaks of a view makes it a view, and nothing else routes it: a router that is not followed."""
        (mentions,) = self.application.facts(Mentions)
        return all(id(site.node) in self._made for site in mentions.of(view))

    @functools.cached_property
    def _made(self) -> frozenset[int]:
        """Where classes are spoken of to make views of them, or as bases of others."""
        code = self.application.code
        calls = (site.node.func for site in code.method_calls("as_view"))
        bases = (b for kind in code.classes() for base in kind.node.bases for b in t.walk(base))  # type: ignore[attr-defined]
        return frozenset((*(id(f.value) for f in calls if isinstance(f, t.Attr)), *map(id, bases)))

    def _served(self, view: Located) -> list[str]:
        """Where no route tells: every action of a viewset, or what a generic view answers."""
        if self._is_viewset(view):
            extras = (extra.name for extra in self.views.extras(view))
            return [*self.views.actions(view), *extras]
        return [x for method in self.views.served(view) for x in self._answered(view, method)]

    def _is_viewset(self, view: Located) -> bool:
        return any("ViewSet" in name and ":" not in name for name in self.views.ancestry(view))

    def _answered(self, view: Located, method: str) -> Iterator[str]:
        """What answers a method: a function of the tree, or the action that the generic view sends on to."""
        yield method.lower()
        if self.views.method(view, method.lower()) is None:
            yield from self._sent_on(view, method)

    def _sent_on(self, view: Located, method: str) -> Iterator[str]:
        """The action that the generic view's own function sends a method on to."""
        if method == "GET":
            above = [n.rpartition(".")[2] for n in self.views.ancestry(view) if ":" not in n]
            yield "list" if any(n.startswith("List") for n in above) else "retrieve"
        else:
            yield from (action for action, by in ACTIONS.items() if by == method)

    @functools.cached_property
    def _routed(self) -> dict[int, list[str]]:
        """The methods that routes send a view, by the `id` of its class; none where some routes could not be told."""
        found: dict[int, list[str]] = defaultdict(list)
        if any(spot.hides_views for spot in self.application.facts(BlindSpot)):
            return found
        for route in self.application.facts(Route):
            if (view := route.view) is not None:
                key, (_, _, action) = id(view.node), route.handler.rpartition(".")
                methods = METHODS if route.method == "ANY" else (route.method,)
                found[key] += (
                    [action]
                    if self._is_viewset(view)
                    else [x for method in methods for x in self._answered(view, method)]
                )
        for site in self.application.code.method_calls("as_view"):  # also where no URL leads
            func, values = site.node.func, self.application.values
            made = (
                self.application.code.defined(func.value, site.scope)
                if isinstance(func, t.Attr)
                else None
            )
            if made is not None and id(made.node) in found:
                for known in possible(values.value(site.arg(0, "actions"), site.scope)):
                    found[id(made.node)] += (
                        known.value.values() if isinstance(known.value, dict) else []
                    )
        return found


@provides(Actions)
def actions(application: Application) -> list[Actions]:
    return [Actions(application)]
