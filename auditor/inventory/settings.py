"""Every setting: where it is read and defined. Defaults and values of sensitive ones are masked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import msgspec

from auditor.extract.sensitive import is_sensitive, safe_value
from auditor.link.application import Application
from auditor.model.settings import SettingDefinition, SettingRead
from auditor.model.values import Masked, possible


class ReadRow(msgspec.Struct, frozen=True):
    """`default` is null where the setting must be given."""

    file: str
    line: int
    default: str | None


class DefinedRow(msgspec.Struct, frozen=True):
    file: str
    line: int
    value: str
    environment: str
    placeholder: bool
    tracked: bool | None


class SettingRow(msgspec.Struct, frozen=True):
    name: str
    sensitive: bool
    reads: list[ReadRow]
    defined: list[DefinedRow]


def rows(application: Application) -> list[SettingRow]:
    reads: dict[str, list[SettingRead]] = defaultdict(list)
    definitions: dict[str, list[SettingDefinition]] = defaultdict(list)
    for read in application.facts(SettingRead):
        reads[read.name].append(read)
    for definition in application.facts(SettingDefinition):
        definitions[definition.name].append(definition)
    return [
        SettingRow(
            name,
            is_sensitive(name),
            [ReadRow(r.place.path, r.place.line, _default(r)) for r in reads[name]],
            [
                DefinedRow(
                    d.place.path, d.place.line, _masked(d), d.environment, d.placeholder, d.tracked
                )
                for d in definitions[name]
            ],
        )
        for name in sorted(reads.keys() | definitions.keys())
    ]


def _default(read: SettingRead) -> str | None:
    if read.default is None:
        return None
    if isinstance(read.default, Masked) or is_sensitive(read.name):
        return "(masked)"
    known = next((str(k.value) for k in possible(read.default)), "(computed)")
    return safe_value(read.name, known)


def _masked(definition: SettingDefinition) -> str:
    return (
        "(masked)" if is_sensitive(definition.name) and not definition.empty else definition.value
    )


def table(found: Sequence[SettingRow]) -> tuple[list[str], list[list[str]]]:
    columns = ["setting", "secret", "default", "read at", "defined at"]
    return columns, [
        [
            row.name,
            "yes" if row.sensitive else "",
            ", ".join(sorted({r.default for r in row.reads if r.default is not None})),
            _places([f"{r.file}:{r.line}" for r in row.reads]) or "never read",
            _places([f"{d.file}:{d.line}" for d in row.defined]) or "not defined here",
        ]
        for row in found
    ]


def _places(places: list[str]) -> str:
    return ", ".join(places[:2]) + (f" and {len(places) - 2} more" if len(places) > 2 else "")
