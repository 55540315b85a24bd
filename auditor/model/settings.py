"""Settings: where they are read, what their default is, where they are defined."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from auditor.model.places import Place
from auditor.model.values import Value


class SettingRead(msgspec.Struct, frozen=True):
    """A place that reads a setting; `default` is None where none is written.

    A default of None that is written is `Known(None)`: the setting may be missing.
    """

    name: str
    default: Value | None
    place: Place


class ScriptRead(msgspec.Struct, frozen=True):
    """A place in JavaScript or TypeScript that reads a setting.

    `default` is None where there is none, and empty where it is sensitive.
    """

    name: str
    default: str | None
    place: Place


class SettingDefinition(msgspec.Struct, frozen=True):
    """A place that gives a setting a value. `value` is empty where it is sensitive.

    `environment` is the one its file speaks of (production, example, …), or empty; `login` tells
    whether a URL in it carries a user and password; `tracked` whether git tracks the file.
    """

    name: str
    value: str
    place: Place
    environment: str
    empty: bool = False
    placeholder: bool = False
    login: bool = False
    tracked: bool | None = None
    elsewhere: bool = False
    """Only named here: the value comes from a store of secrets, another setting or the platform."""
    foreign: bool = False
    """Given to an image that is not built in the tree, which reads it by itself."""


class SettingsClass(msgspec.Struct, frozen=True):
    """A class that gathers settings and validates them at start."""

    name: str
    place: Place
    fields: tuple[str, ...]


class SettingMention(msgspec.Struct, frozen=True):
    """A name like that of a setting as the first argument of a call, which may look it up."""

    name: str
    place: Place


class IdleSetting(msgspec.Struct, frozen=True):
    """A read of a setting into a name that nothing of the tree asks for."""

    name: str
    place: Place


class LocalSettings(msgspec.Struct, frozen=True):
    """Settings of one machine, which a module of the code takes in and the repository does not hold."""

    name: str
    place: Place


class EnvironmentNames(msgspec.Struct, frozen=True):
    """A class of the code whose members name the environments: production and one more."""

    name: str
    place: Place


class Integration(msgspec.Struct, frozen=True):
    """An outside service, the place that shows it, and the settings its keys come from."""

    name: str
    place: Place
    settings: tuple[str, ...]


class FrameworkSetting(msgspec.Struct, frozen=True):
    """A value that a framework itself reads from its configuration.

    Flask's `app.config["SESSION_COOKIE_SECURE"]`, a name in Django's settings module. `environment`
    is the one its file or class speaks of (production, development, …), or empty; `application` as
    in `WebApp.name`.
    """

    framework: str
    application: str
    name: str
    value: Value
    place: Place
    environment: str = ""


def in_service(settings: Iterable[FrameworkSetting]) -> list[FrameworkSetting]:
    """Of one name's settings those that hold where the application serves.

    Its production settings, else those of no environment in particular; those for development or
    tests count only where there are no others.
    """
    found = list(settings)
    own = [s for s in found if s.environment == "production"]
    shared = [s for s in found if not s.environment]
    return own or shared or [s for s in found if s.environment != "test"]
