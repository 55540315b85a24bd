"""Cookies that carry a session or a token, and what keeps other sites from using them."""

from __future__ import annotations

import enum

import msgspec

from auditor.model.places import Place


class Flag(str, enum.Enum):
    """An attribute of a cookie; `UNSET` where the code says nothing and the framework sends none.

    `DEPENDS` where the environment decides, and production can be right.
    """

    ON = "on"
    OFF = "off"
    UNSET = "unset"
    DEPENDS = "depends"
    UNKNOWN = "unknown"


class Cookie(msgspec.Struct, frozen=True):
    """A cookie that the application sets; `what` is session, token or login (remembering one).

    `samesite` is lax, strict, none, empty where it is not sent, or ? where it cannot be told.
    """

    name: str
    what: str
    framework: str
    application: str
    place: Place
    secure: Flag
    httponly: Flag
    samesite: str
    unless: str = ""
    """The setting that turns Secure on, where its default is off."""


class CsrfProtection(msgspec.Struct, frozen=True):
    """What demands a token of every form: a middleware or extension; `name` is empty without one.

    `sessions` tells whether users are known by a cookie at all; `place` is where the protection stands
    or should stand. `off` says why one that is there does nothing.
    """

    framework: str
    application: str
    name: str
    place: Place
    sessions: bool
    off: str = ""


class CsrfGap(msgspec.Struct, frozen=True):
    """A route that changes something for a user known by a cookie, and demands no token.

    `why` tells how it comes.
    """

    route: str
    place: Place
    why: str
    framework: str = ""
    application: str = ""
    exempt: bool = True
    """Whether it was let out of a protection that is there; otherwise there is none."""
