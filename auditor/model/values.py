"""Values that the code gives without being run: plain, masked, from a setting, one of several, unknown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from auditor.model.places import Place

Plain = str | int | float | bool | None
"""A value that can be compared with a stored field."""


class Known(msgspec.Struct, frozen=True):
    """A plain Python value: None, bool, number, text, list (for any sequence) or dict."""

    value: Any
    place: Place


class Masked(msgspec.Struct, frozen=True):
    """A literal that holds a secret; only its shape is known."""

    shape: str
    place: Place


class Setting(msgspec.Struct, frozen=True):
    """Read from the environment: the setting's name, and its default in code if it has one.

    Without a default, `optional` tells that it is None where it is not set, and no error.
    """

    name: str
    default: Value | None
    place: Place
    optional: bool = False


class OneOf(msgspec.Struct, frozen=True):
    """One of several values, decided at run time."""

    values: tuple[Value, ...]
    place: Place


class Unknown(msgspec.Struct, frozen=True):
    """Cannot be told from the source; `reason` says why."""

    reason: str
    place: Place


Value = Known | Masked | Setting | OneOf | Unknown


def possible(value: Value | None) -> Iterator[Known]:
    """Every plain value that the code itself may give, defaults of settings included."""
    match value:
        case Known():
            yield value
        case Setting(default=default):
            yield from possible(default)
        case OneOf(values=values):
            for each in values:
                yield from possible(each)


def settings_in(value: Value | None) -> Iterator[Setting]:
    """Every setting that a value may come from."""
    match value:
        case Setting():
            yield value
            yield from settings_in(value.default)
        case OneOf(values=values):
            for each in values:
                yield from settings_in(each)


def text_of(value: Value | None) -> str | None:
    """The first text that a value may be."""
    return next((v.value for v in possible(value) if isinstance(v.value, str)), None)
