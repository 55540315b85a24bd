"""What shares the server's event loop, and what holds it up."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from auditor.model.places import Place
from auditor.model.web import Route

if TYPE_CHECKING:
    from auditor.link.scopes import Located


@dataclass(frozen=True, slots=True)
class LoopFunction:
    """A coroutine function that a framework runs on the server's event loop.

    `role` is handler, dependency, middleware or task; `route` is set for handlers.
    """

    role: str
    place: Place
    route: Route | None = None
    function: Located | None = field(default=None, compare=False, repr=False)


class BlockingCall(msgspec.Struct, frozen=True):
    """A call that holds the event loop until it is done.

    `kind` is wait (network, database, process, sleep) or work (files, images, hashing); `chain`
    names the functions from the one on the loop to the one that calls; `routes` are the handlers
    that come here.
    """

    place: Place
    what: str
    kind: str
    chain: tuple[str, ...]
    role: str
    routes: tuple[Route, ...]
