"""What the parts of a walk through a function share: where they are and what they found."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from auditor.extract.python import tree as t
from auditor.link.checks.strength import Exit, Origin, Summary
from auditor.link.pathtests import PathTests
from auditor.link.scopes import Scope

if TYPE_CHECKING:
    from auditor.link.checks.summaries import Checks


CALLER_SOURCES = re.compile(
    r"\.(?:headers|cookies|query_params|session|credentials|path_params|client|body|json|form"
    r"|args|values|authorization|get_json|data|view_args)\b"
)
"""Where a request keeps what the caller sent."""


@dataclass
class Trace:
    """What has been found on the ways through one function so far."""

    exits: list[Exit] = field(default_factory=list)
    rejects: list[t.Node] = field(default_factory=list)
    answers: list[Exit] = field(default_factory=list)
    denies: bool = False
    conditional: bool = False
    published: bool = False
    """Whether that hangs on how public what is asked for is."""
    undecided: bool = False
    """Whether a test of the request's path stood in the way that could not be decided."""
    notes: list[str] = field(default_factory=list)
    sets: dict[str, Origin] = field(default_factory=dict)
    refusing: bool = False
    """Whether we are where only a caller comes whom a check has not recognised."""
    by_default: bool = True
    optional: bool = False
    """Whether settings and options are taken as they are by default; whether any was."""

    def note(self, text: str) -> None:
        if text:
            self.notes.append(text)

    def deny(self, node: t.Node) -> None:
        """Callers are turned away here, with 401 or 403."""
        self.denies = True
        self.rejects.append(node)

    def summary(self) -> Summary:
        notes = tuple(dict.fromkeys(self.notes))
        exits, rejects = tuple(self.exits), tuple(self.rejects)
        answers = tuple(self.answers)
        how = self.conditional, self.sets, answers, self.published, self.undecided
        return Summary(exits, rejects, self.denies, notes, *how)


class Part:
    """One concern of the walk through a function."""

    def __init__(self, checks: Checks, scope: Scope, tests: PathTests | None, trace: Trace) -> None:
        self.checks = checks
        self.values = checks.values
        self.code = checks.values.code
        self.scope = scope
        self.tests = tests
        self.trace = trace
