"""Stored objects that a caller names by an id, and what ties them to who is calling."""

from __future__ import annotations

import enum

import msgspec

from auditor.model.places import Place
from auditor.model.web import Route


class Ownership(str, enum.Enum):
    """Whether stored data of a kind belongs to somebody.

    OWNED has an owner, user or tenant, ACCOUNT is the user itself, AUTHORED only tells who wrote
    it (which others may well read), SHARED belongs to nobody, UNCLEAR could not be told.
    """

    OWNED = "owned"
    ACCOUNT = "account"
    AUTHORED = "authored"
    SHARED = "shared"
    UNCLEAR = "unclear"


class Tie(str, enum.Enum):
    """What ties an object to the caller's identity.

    UNCLEAR: the route holds something else against its caller, and this object may rest on that.
    """

    QUERY = "query"
    COMPARED = "compared"
    CHECKED = "checked"
    ROLE = "role"
    UNCLEAR = "unclear"
    IGNORED = "ignored"
    NONE = "none"


class ObjectAccess(msgspec.Struct, frozen=True):
    """A stored object that a route behind authentication finds by an id of the caller's.

    `parameter` is the id and `source` where it comes from (path, query, body, header); `place` is
    the query; `kind` names the class, collection or table. `reason` says what ties it, or what was
    meant to.
    """

    route: Route
    parameter: str
    source: str
    place: Place
    kind: str
    ownership: Ownership
    owner: str
    tie: Tie
    reason: str = ""
    changes: bool = False
    """Whether what is found is written to or removed, not only read."""
    doubt: str = ""
    """Why it may be meant for every signed-in user; empty where nothing speaks for that."""
    opened: bool = False
    """Whether a route that demands nobody reads such objects."""

    @property
    def tied(self) -> bool:
        return self.tie not in (Tie.IGNORED, Tie.NONE, Tie.UNCLEAR)


class UnfollowedIds(msgspec.Struct, frozen=True):
    """A route that takes an id whose object's query could not be found."""

    route: Route
    parameters: tuple[str, ...] = ()
