"""What routes that are open to everybody hand out, and what speaks for and against that being meant."""

from __future__ import annotations

import enum

import msgspec


class Openness(str, enum.Enum):
    """What an open read is likely to be, worst first.

    REMOVES is no read, since a link takes something away; CHANGES is no read, since it takes a form; PRIVATE hands out what belongs to somebody; BESIDE is open
    among reads that are guarded; FORGOTTEN cannot be told from a guard that is missing; REGISTERS
    makes an account, as a registration does; FAILS gives a stranger an error alone; READ is one of the reads that the application shows to all; HARMLESS is one of these whose data is told and belongs to nobody.
    """

    REMOVES = "removes"
    CHANGES = "changes"
    PRIVATE = "private"
    BESIDE = "beside"
    FORGOTTEN = "forgotten"
    REGISTERS = "registers"
    FAILS = "fails"
    READ = "read"
    HARMLESS = "harmless"


class OpenRead(msgspec.Struct, frozen=True):
    """An open route that does not change data by its method; `name` as of the route, `why` in words."""

    application: str
    name: str
    openness: Openness
    why: str = ""


class BackOffice(msgspec.Struct, frozen=True):
    """A part of an application in which staff who sign in change its content: Django's or Wagtail's admin."""

    application: str
    name: str
