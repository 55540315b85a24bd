"""Tokens and passwords: what is signed, what is checked, what is hashed, what is drawn at random."""

from __future__ import annotations

import enum

import msgspec

from auditor.model.places import Place
from auditor.model.values import Value


class Expiry(str, enum.Enum):
    """Whether a token carries a time at which it ends.

    `SOMETIMES` where a caller decides it; `UNKNOWN` where its claims cannot be followed.
    """

    SET = "set"
    MISSING = "missing"
    SOMETIMES = "sometimes"
    UNKNOWN = "unknown"


class TokenIssue(msgspec.Struct, frozen=True):
    """A place that signs a token.

    `seconds` is the longest lifetime that the code tells, None where it tells none. `why` tells how
    the expiry comes to be missing. `purpose` is a word for what the token is: access, refresh, link
    (reset, verification, …), state (of a sign-in elsewhere) or outgoing (shown to another service). `revocable` tells that its
    claims name a record, so that the server can end it.
    """

    library: str
    place: Place
    expiry: Expiry
    seconds: float | None = None
    why: str = ""
    purpose: str = "access"
    revocable: bool = False


class TokenCheck(msgspec.Struct, frozen=True):
    """A place that reads a token.

    `unverified` says why its signature is not checked, empty where it is. `use` tells what becomes of
    what is read without a check: trusted, peek (a claim that selects a key or an issuer, or the token
    is verified besides), fallback (where verifying has failed), provider (an ID token, which may come
    straight from its provider). `algorithms` is told, default (the library's own safe set), missing,
    token (taken from the token's header) or mixed (shared secrets and public keys).
    """

    library: str
    place: Place
    unverified: str = ""
    use: str = ""
    algorithms: str = "told"
    expiry: str = "checked"
    """checked, off (turned off), or unchecked (the library leaves it to the caller, who does not)."""
    audience_off: bool = False
    purpose: str = "access"


class SigningKey(msgspec.Struct, frozen=True):
    """The key behind tokens or signed sessions: `signs` is tokens or sessions.

    `weakness` is empty where the key comes from outside of the code; `refused` tells that the
    application does not start with the key that stands in the code.
    """

    signs: str
    name: str
    value: Value
    place: Place
    weakness: str = ""
    refused: bool = False
    sometimes: bool = False
    """Whether it holds only in one of several ways in which the settings are loaded."""


class PasswordHash(msgspec.Struct, frozen=True):
    """How passwords are kept or compared: `weakness` is empty where the method is fit for them.

    `grave` tells a method that no setting can mend (a fast hash, none at all).
    """

    method: str
    place: Place
    weakness: str = ""
    grave: bool = False


class KnownAccount(msgspec.Struct, frozen=True):
    """A place that makes an account with a password that the code tells.

    `run` is start or handler where the application does so by itself, empty for a script that somebody calls.
    """

    place: Place
    run: str


class PredictableToken(msgspec.Struct, frozen=True):
    """A secret drawn from a generator whose next value can be told (CWE-338).

    `lasting` tells a credential of its own from a code that soon goes by. `source` is empty for a
    token that is not drawn at all: a text in the code, the same for every caller.
    """

    what: str
    source: str
    place: Place
    lasting: bool
