"""Configuration: `[tool.auditor]` of pyproject.toml, or auditor.toml, or `--config FILE`.

A configuration found in the tree under audit can narrow what is reported, never load code.
"""

from __future__ import annotations

import datetime
import sys
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from auditor.assess.verdict import Severity
from auditor.waivers import Waiver


class ConfigError(Exception):
    """The configuration cannot be used; the message is one line."""


@dataclass(frozen=True)
class Config:
    """What a configuration may say. `fail_on` is a severity's word or "never"."""

    fail_on: str = "high"
    rules: tuple[str, ...] = ()
    exclude_rules: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    strict: bool = False
    waivers: tuple[Waiver, ...] = ()


FAIL_ON = ("critical", "high", "medium", "low", "never")


def severity_of(fail_on: str) -> Severity | None:
    """Raises ConfigError for a word that is none."""
    if fail_on not in FAIL_ON:
        raise ConfigError(f"fail-on: {fail_on!r} is none of {', '.join(FAIL_ON)}")
    return None if fail_on == "never" else Severity[fail_on.upper()]


def find_config(root: Path, given: Path | None) -> tuple[Config, list[str]]:
    """The configuration for a tree, and notes on one that could not be read.

    Raises ConfigError for a file that was asked for, or says `auditor` and says it wrongly.
    """
    if given is not None:
        try:
            data = _read(given)
        except (OSError, ValueError) as error:
            raise ConfigError(f"{given}: {_one_line(error)}") from error
        inner = (
            data.get("tool", {}).get("auditor", data)
            if isinstance(data.get("tool", {}), dict)
            else data
        )
        return _parse(inner, str(given)), []
    for name in ("auditor.toml", "pyproject.toml"):
        path = root / name
        if path.is_symlink() or not path.is_file():
            continue
        try:
            data = _read(path)
        except (OSError, ValueError) as error:
            if name == "auditor.toml":
                raise ConfigError(f"{name}: {_one_line(error)}") from error
            return Config(), [
                f"{name} cannot be read, so no configuration is used: {_one_line(error)}"
            ]
        if name == "pyproject.toml":
            tool = data.get("tool")
            found = tool.get("auditor") if isinstance(tool, dict) else None
        else:
            found = data
        if isinstance(found, dict):
            return _parse(found, name), []
    return Config(), []


def _read(path: Path) -> dict[str, Any]:
    """Raises OSError, or ValueError for what is no UTF-8 or no TOML."""
    if sys.version_info >= (3, 11):  # slow to import, and small trees do without
        import tomllib
    else:
        import tomli as tomllib
    return tomllib.loads(path.read_text("utf-8"))


def _parse(data: Mapping[str, Any], source: str) -> Config:
    known = {field.name.replace("_", "-"): field.name for field in fields(Config)}
    values: dict[str, Any] = {}
    for key, value in data.items():
        name = known.get(key.replace("_", "-"))
        if name is None:
            raise ConfigError(f"{source}: unknown key {key!r}{nearest(key, known)}")
        if name == "waivers":
            value = tuple(_waiver(item, source) for item in _list(value, key, source))
        elif isinstance(getattr(Config, name, None), tuple):
            value = tuple(_list(value, key, source))
            if not all(isinstance(each, str) for each in value):
                raise ConfigError(f"{source}: {key} must be a list of texts")
        elif not isinstance(value, type(getattr(Config, name))):
            raise ConfigError(
                f"{source}: {key} must be of type {type(getattr(Config, name)).__name__}"
            )
        values[name] = value
    config = Config(**values)
    severity_of(config.fail_on)
    return config


def nearest(word: str, known: Mapping[str, Any] | list[str]) -> str:
    """`; did you mean …?` for a misspelt word."""
    import difflib

    close = difflib.get_close_matches(word, list(known), 1, 0.5)
    return f"; did you mean {close[0]!r}?" if close else f"; known are {', '.join(sorted(known))}"


def _list(value: Any, key: str, source: str) -> list[Any]:
    if not isinstance(value, list):
        raise ConfigError(f"{source}: {key} must be a list")
    return value


def _waiver(item: Any, source: str) -> Waiver:
    known = ["rule", "reason", "path", "until"]
    if not isinstance(item, dict):
        raise ConfigError(f"{source}: a waiver is a table with {', '.join(known)}")
    for key in item:
        if key not in known:
            raise ConfigError(f"{source}: unknown key {key!r} in a waiver{nearest(key, known)}")
    if not item.get("rule") or not item.get("reason"):
        raise ConfigError(f"{source}: a waiver needs a rule and a reason")
    until = item.get("until")
    if isinstance(until, str):
        try:
            until = datetime.date.fromisoformat(until)
        except ValueError as error:
            raise ConfigError(f"{source}: until must be a day (YYYY-MM-DD)") from error
    if isinstance(until, datetime.datetime):
        until = until.date()
    return Waiver(str(item["rule"]), str(item["reason"]), str(item.get("path", "*")), until)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
