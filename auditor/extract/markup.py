"""YAML, TOML and JSON with line numbers, from hostile files.

The result is plain dicts, lists and scalars; `Document.line(path)` tells where a key stands.
Aliases are expanded only up to a limit (the "billion laughs" of YAML), and no tag builds objects.
"""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass, field
from typing import Any

import yaml

from auditor.extract.source import Unreadable

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_MAX_NODES = 200_000
_MAX_DEPTH = 60

Path = tuple[str | int, ...]


@dataclass
class Document:
    """One parsed file. `data` is None for an empty one."""

    data: Any
    lines: dict[Path, int] = field(default_factory=dict)
    text: str = ""

    def line(self, *path: str | int) -> int:
        """The line of a key, or of the nearest key above it that is known."""
        for end in range(len(path), 0, -1):
            if path[:end] in self.lines:
                return self.lines[path[:end]]
        start = 0
        for key in path:  # each below the one before it
            if isinstance(key, str):
                found = re.compile(rf'"{re.escape(key)}"\s*:').search(self.text, start)
                if found is None:
                    break
                start = found.end()
        else:
            if start:
                return self.text.count("\n", 0, start) + 1
        for key in reversed(path):
            if match := re.search(
                rf"^.*[\"']?{re.escape(str(key))}[\"']?\s*[:=\]]", self.text, re.M
            ):
                return self.text.count("\n", 0, match.start()) + 1
        return 1


def read_yaml(text: str) -> list[Document]:
    """The documents of a YAML file. Raises Unreadable."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        nodes = list(yaml.compose_all(text, loader))
        return [_Yaml(text).document(node) for node in nodes]
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or "not valid YAML"
        raise Unreadable(f"broken YAML: {problem}", mark.line + 1 if mark else 0) from error
    except RecursionError as error:
        raise Unreadable("YAML nested too deeply") from error


class _Yaml:
    def __init__(self, text: str) -> None:
        self.found = Document(None, {}, text)
        self.count = 0

    def document(self, node: Any) -> Document:
        self.found.data = self.value(node, ())
        return self.found

    def value(self, node: Any, path: Path) -> Any:
        self.count += 1
        if self.count > _MAX_NODES or len(path) > _MAX_DEPTH:
            raise Unreadable("YAML expands to too many nodes")
        match node:
            case yaml.MappingNode():
                result: dict[str, Any] = {}
                for key_node, value_node in node.value:
                    key = str(key_node.value) if isinstance(key_node, yaml.ScalarNode) else "?"
                    if key == "<<":  # https://yaml.org/type/merge.html
                        merged = self.value(value_node, path)
                        for each in merged if isinstance(merged, list) else [merged]:
                            result |= {k: v for k, v in _mapping(each) if k not in result}
                        continue
                    self.found.lines[(*path, key)] = key_node.start_mark.line + 1
                    result[key] = self.value(value_node, (*path, key))
                return result
            case yaml.SequenceNode():
                items = []
                for index, item in enumerate(node.value):
                    self.found.lines[(*path, index)] = item.start_mark.line + 1
                    items.append(self.value(item, (*path, index)))
                return items
            case yaml.ScalarNode():
                return _scalar(node)
        return None


def _mapping(data: Any) -> list[tuple[str, Any]]:
    return list(data.items()) if isinstance(data, dict) else []


def _scalar(node: yaml.ScalarNode) -> Any:
    """Text, number, boolean or None, by YAML's plain tags."""
    text = str(node.value)
    if node.style in ("'", '"', "|", ">"):
        return text
    plain = {"true": True, "false": False, "null": None, "~": None, "": None}
    if text.lower() in plain:
        return plain[text.lower()]
    return int(text) if re.fullmatch(r"-?\d{1,15}", text) else text


def read_json(text: str) -> Document:
    """A JSON file, comments allowed as some tools allow them. Raises Unreadable."""
    try:
        return Document(json.loads(text or "null"), {}, text)
    except (ValueError, RecursionError) as error:
        line = getattr(error, "lineno", 0)
        reason = getattr(error, "msg", "nested too deeply")
        raise Unreadable(f"broken JSON: {reason}", line) from error


def read_toml(text: str) -> Document:
    """A TOML file. Raises Unreadable."""
    try:
        return Document(tomllib.loads(text), _toml_lines(text), text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        match = re.search(r"line (\d+)", str(error))
        raise Unreadable(
            "broken TOML: " + str(error)[:120], int(match[1]) if match else 0
        ) from error


_TABLE = re.compile(r"\s*(\[\[?)\s*([^\]\n]+?)\s*\]")
_KEY = re.compile(r"\s*((?:[\w-]+|\"[^\"\n]*\"|'[^'\n]*')(?:\s*\.\s*[\w-]+)*)\s*=")


def _toml_lines(text: str) -> dict[Path, int]:
    """Where the tables and keys stand; those of inline tables have the line of what holds them."""
    lines: dict[Path, int] = {}
    table: Path = ()
    counts: dict[Path, int] = {}
    for number, line in enumerate(text.split("\n"), 1):
        if match := _TABLE.match(line):
            table = _keys(match[2])
            if match[1] == "[[":
                counts[table] = counts.get(table, -1) + 1
                table = (*table, counts[table])
            lines.setdefault(table, number)
        elif match := _KEY.match(line):
            lines.setdefault((*table, *_keys(match[1])), number)
    return lines


def _keys(dotted: str) -> Path:
    return tuple(part.strip().strip("\"'") for part in dotted.split("."))


def text_at(data: Any, *path: str | int) -> str:
    """The text at a path, joined where it is a list (a command); empty where there is none."""
    found = at(data, *path)
    if isinstance(found, list):
        return " ".join(str(each) for each in found)
    return str(found) if isinstance(found, str | int) else ""


def at(data: Any, *path: str | int) -> Any:
    for key in path:
        if isinstance(data, dict):
            data = data.get(str(key))
        elif isinstance(data, list) and isinstance(key, int) and key < len(data):
            data = data[key]
        else:
            return None
    return data


def items(data: Any) -> list[tuple[str, Any]]:
    """The entries of a table; none of what is no table."""
    return list(data.items()) if isinstance(data, dict) else []
