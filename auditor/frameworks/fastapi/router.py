"""What is known of a router: what is registered on it, what it includes, what runs before."""

from __future__ import annotations

from dataclasses import dataclass, field

from auditor.frameworks.fastapi.dependencies import Dependency
from auditor.frameworks.middleware import Middleware
from auditor.link.origins import Env
from auditor.link.scopes import CallSite, Located
from auditor.model.places import Place
from auditor.model.web import Guard

Key = tuple[str, int, int, int]
"""Where a router is created, and which of the several that are created there."""


@dataclass
class Endpoint:
    """One registration of a handler on a router.

    `plain` is one of Starlette's, to which FastAPI applies no dependencies; `guards` are known
    where the handler is a library's.
    """

    methods: tuple[str, ...]
    path: str
    function: Located | None
    name: str
    place: Place
    dependencies: list[Dependency]
    decorators: list[Located]
    above: list[Located] = field(default_factory=list)
    """Decorators above the one that registers the handler: the framework never calls them."""
    plain: bool = False
    guards: tuple[Guard, ...] = ()


@dataclass
class Inclusion:
    """One `include_router` or `mount` on a router."""

    key: Key
    prefix: str
    dependencies: list[Dependency]
    mounted: bool


@dataclass
class Router:
    """An application or router object, known by the call that creates it and its bindings."""

    site: CallSite
    framework: str
    env: Env = field(default_factory=dict)
    prefix: str = ""
    dependencies: list[Dependency] = field(default_factory=list)
    both_slashes: str = ""
    """The method of its class that registers each path with and without a slash at its end."""
    wrapper: Located | None = None
    """What its own route class runs around every handler."""
    endpoints: list[Endpoint] = field(default_factory=list)
    inclusions: list[Inclusion] = field(default_factory=list)
    middleware: list[Middleware] = field(default_factory=list)


def variables(router: Router) -> str:
    """The name that a router is bound to where it is created."""
    for name, bindings in router.site.scope.bindings.items():
        if any(b.value is router.site.node for b in bindings):
            return name
    return ""
