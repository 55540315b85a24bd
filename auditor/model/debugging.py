"""Aids for developers that must not reach production."""

from __future__ import annotations

import enum

import msgspec

from auditor.model.places import Place
from auditor.model.values import Value


class Aid(str, enum.Enum):
    """What is switched on; the value is how a sentence calls it."""

    DEBUGGER = "Werkzeug's interactive debugger"
    PAGES = "debug pages"
    MODE = "debug mode"
    SERVER = "the development server"
    RELOAD = "reloading on change"
    TOOLBAR = "the debug toolbar"
    ECHO = "a log of every SQL statement"
    DOCS = "interactive documentation"


class DebugSwitch(msgspec.Struct, frozen=True):
    """A place that switches an aid on or off: `value` true is on.

    `environment` is the one its file or class speaks of; `served` whether production reaches the
    place, None where the tree does not tell how it is deployed; `why` says what that rests on.
    """

    aid: Aid
    name: str
    value: Value
    place: Place
    environment: str = ""
    served: bool | None = True
    why: str = ""
    text: bool = False
    """Whether any text given by a setting switches it on, "False" too."""
    alone: bool = False
    """Whether no server for production is installed that could start the application otherwise."""
