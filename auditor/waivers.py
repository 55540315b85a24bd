"""Accepted findings: with a reason, and a day on which the acceptance ends.

Inline, on the line of the finding or the line above it:
`# audit: ignore[rule-id] reason, until=2027-01-31` (also after `//` and `--`). In the
configuration: `[[tool.auditor.waivers]]` with rule, path (a pattern), reason and until.
"""

from __future__ import annotations

import datetime
import fnmatch
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from auditor.assess.verdict import Evidence
from auditor.discover import Tree, read
from auditor.report.document import Waived

_INLINE = re.compile(r"(?:#|//|--)\s*audit:\s*ignore\[([a-z0-9, -]+)\]\s*(.*)", re.I)
_UNTIL = re.compile(r",?\s*until=(\S+)")


class Waiver(msgspec.Struct, frozen=True):
    """An acceptance from the configuration; `path` is a shell pattern, `until` a day or None."""

    rule: str
    reason: str
    path: str = "*"
    until: datetime.date | None = None


@dataclass
class Waivers:
    """Decides which findings are accepted; `notes` tells which acceptances do not hold."""

    tree: Tree
    configured: Sequence[Waiver]
    today: datetime.date
    notes: list[str] = field(default_factory=list)
    _lines: dict[str, list[str]] = field(default_factory=dict)

    def __call__(self, rule: str, evidence: Evidence) -> Waived | None:
        for waiver in self.configured:
            if waiver.rule == rule and fnmatch.fnmatch(evidence.place.path, waiver.path):
                if waiver.until is not None and waiver.until < self.today:
                    self._note(f"the waiver of {rule} ended on {waiver.until}: {waiver.reason}")
                    continue
                return Waived(waiver.reason, str(waiver.until or ""))
        return self._inline(rule, evidence)

    def _inline(self, rule: str, evidence: Evidence) -> Waived | None:
        lines = self._text(evidence.place.path)
        for number in (evidence.place.line, evidence.place.line - 1):
            if not 1 <= number <= len(lines):
                continue
            match = _INLINE.search(lines[number - 1])
            if match is None or rule not in [name.strip() for name in match[1].split(",")]:
                continue
            where = f"{evidence.place.path}:{number}"
            until = _UNTIL.search(match[2])
            reason = _UNTIL.sub("", match[2]).strip()
            if not reason:
                self._note(f"{where}: a waiver needs a reason, so {rule} is not waived")
                continue
            try:
                day = datetime.date.fromisoformat(until[1]) if until else None
            except ValueError:
                self._note(f"{where}: until={until[1] if until else ''} is not a day (YYYY-MM-DD)")
                continue
            if day is not None and day < self.today:
                self._note(f"{where}: the waiver of {rule} ended on {day}")
                continue
            return Waived(reason, str(day or ""))
        return None

    def _text(self, path: str) -> list[str]:
        if path not in self._lines:
            file = next((f for f in self.tree.files if f.path == path), None)
            try:
                data = read(self.tree, file) if file else b""
            except OSError:
                data = b""
            waives = b"audit:" in data
            self._lines[path] = data.decode("utf-8", "replace").split("\n") if waives else []
        return self._lines[path]

    def _note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)
