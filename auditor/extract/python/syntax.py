"""What a Python file says as a whole; everything of the code is told from it when files are linked."""

from __future__ import annotations

from typing import ClassVar

from auditor.extract.facts import Fact
from auditor.extract.python.tree import Stmt


class Syntax(Fact, frozen=True):
    """The syntax tree of a Python file."""

    parsed: ClassVar[bool] = True
    body: list[Stmt]
