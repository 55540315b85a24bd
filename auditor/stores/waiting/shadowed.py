"""Patterns of Django to which no request comes: one before them in their list matches each of their paths.

The first pattern that matches is taken, whatever its view then answers.
Source: https://docs.djangoproject.com/en/stable/topics/http/urls/#how-django-processes-a-request.
"""

from __future__ import annotations

import re

from auditor.extract.python import tree as t
from auditor.frameworks.django.urls import UrlConf
from auditor.link.application import Application, provides
from auditor.link.names import Code
from auditor.link.scopes import CallSite

_CONVERTER = re.compile(r"<(?:(\w+):)?\w+>")
_MATCHES = {
    "<int>": re.compile(r"[0-9]+"),
    "<slug>": re.compile(r"[-a-zA-Z0-9_]+|<(?:int|uuid)>"),
    "<str>": re.compile(r"[^<>]+|<(?:int|slug|uuid)>"),
}
"""What parts of a path Django's own converters match besides their own."""


class Shadowed:
    """The patterns to which no request comes."""

    def __init__(self, code: Code, confs: list[UrlConf]) -> None:
        patterns = [pattern for conf in confs for pattern in conf.patterns]
        calls = {id(pattern.site.node): pattern.site for pattern in patterns}
        reordered = any(True for _ in code.method_calls("reverse", "sort"))
        dead: dict[int, str] = {}
        for path in {site.path for site in calls.values()} if not reordered else ():
            for node, _ in code.nodes(code.modules[path]):
                if isinstance(node, t.Seq):
                    dead |= _shadowed(code, [calls[id(x)] for x in node.items if id(x) in calls])
        self.nodes = frozenset(id(n) for key in dead for n in t.walk(calls[key].node))
        """What stands in these patterns, by `id`."""
        self.functions: dict[int, str] = {}
        """The views, by `id`, to which all patterns lead in vain, and the path that is taken instead."""
        live: set[int] = set()
        for pattern in patterns if dead else ():
            view = code.defined(pattern.view.node, pattern.view.scope)  # type: ignore[arg-type]
            taken = dead.get(id(pattern.site.node))
            if view is not None and taken is not None:
                self.functions[id(view.node)] = taken
            elif view is not None:
                live.add(id(view.node))
        for key in live & self.functions.keys():
            del self.functions[key]


@provides(Shadowed)
def shadowed(application: Application) -> list[Shadowed]:
    return [Shadowed(application.code, list(application.facts(UrlConf)))]


def _shadowed(code: Code, calls: list[CallSite]) -> dict[int, str]:
    """Of the patterns of one list, by the `id` of their calls, those that one before takes, and its path."""
    found: dict[int, str] = {}
    before: dict[str, str] = {}
    for site in calls:
        route = site.arg(0, "route")
        if code.name(site.node.func, site.scope) != "django.urls.path":
            continue
        if not isinstance(route, t.Const) or not isinstance(route.value, str):
            continue
        path = _CONVERTER.sub(lambda m: f"<{m[1] or 'str'}>", route.value)
        taken = next((x for x in before if _takes(x.split("/"), path.split("/"))), None)
        if taken is not None:
            found[id(site.node)] = before[taken]
        before.setdefault(path, route.value)
    return found


def _takes(first: list[str], path: list[str]) -> bool:
    """Whether a path, in its parts, matches all that another does."""
    for at, part in enumerate(first):
        if part == "<path>" and at == len(first) - 1:
            return any(path[at:])
        if at >= len(path):
            return False
        matches = _MATCHES.get(part)
        if part != path[at] and (matches is None or not matches.fullmatch(path[at])):
            return False
    return len(first) == len(path)
